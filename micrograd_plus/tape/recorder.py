"""Recording: a function of Values is run once, and what it computes is written on a tape."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.graph import Node, Op, Watcher
from ..engine.recording import is_recording
from ..engine.value import Value
from .tape import Tape


class FrozenNumberError(RuntimeError):
    """A compiled function took the plain number out of a node: on the tape it would stay what it was, for ever."""


LEAF, GIVEN, CONSTANT, RESULT = range(4)


class Given(Value):
    """What stands for a number that a function was given, while it is recorded.

    A plain number can be compared by ==, be an index or the key of a dict. So can this one, and the tape notes what
    came out: another number that would have led elsewhere is recorded anew.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> Any:
        return self._is(operator.eq, other)

    def __ne__(self, other: object) -> Any:
        return self._is(operator.ne, other)

    def _is(self, how: Callable, other: Any) -> Any:
        if isinstance(other, Value):
            outcome = how(self._data, other._data)
        else:
            outcome = how(self._data, other)
        watcher = is_recording()
        if watcher.__class__ is not bool and isinstance(other, (Value, int, float)):
            watcher.compared(how, self, other, outcome)
        return outcome

    def __hash__(self) -> int:
        self._is(operator.eq, self._data)
        return hash(self._data)

    def __index__(self) -> int:
        if not self._data.is_integer():
            raise TypeError(f"an index must be a whole number, got {self._data}")
        self._is(operator.eq, self._data)
        return int(self._data)

    __int__ = __index__


class Recorder(Watcher):
    """The watcher that writes down what a function of Values computes."""

    def __init__(self, name: str):
        self.name = name  # of the function, for messages
        self.slot_of: dict[int, int] = {}  # by id, because Given compares by number; `nodes` keeps the ids alive
        self.nodes: list[Node] = []
        self.newborn: set[int] = set()  # Values made inside, of plain numbers
        self.kinds: list[int] = []
        self.tracked: list[bool] = []
        self.leaves: list[Node] = []
        self.given: list[int] = []
        self.constants: dict[str, int] = {}
        self.row_of: dict[Op, int] = {}
        self.instructions: list[tuple[int, tuple[int, ...], int]] = []
        self.known: dict[tuple, int] = {}  # the same operation on the same slots is written once
        self.guards: list[tuple[Callable, int, int, bool]] = []

    # -- what a watcher is shown -----------------------------------------------------------------------------------

    def made(self, op: Op, operands: tuple, y: Any, settings: dict) -> None:
        """Write the instruction down."""
        slots = tuple([self.slot(x) for x in operands])
        tracked = y.requires_grad
        row = self.row_of.setdefault(op, len(self.row_of))
        key = (row, tracked, slots)
        slot = self.known.get(key)
        if slot is None:
            self.known[key] = slot = self._new_slot(RESULT, tracked)
            self.instructions.append((row, slots, slot))
        self._remember(y, slot)

    def born(self, leaf: Any) -> None:
        """A Value made inside of the function from a plain number: a constant."""
        self.nodes.append(leaf)
        self.newborn.add(id(leaf))

    def read(self, node: Any, how: str) -> None:
        """Refuse: the number would be frozen."""
        raise FrozenNumberError(
            f"{how} of a Value inside the compiled function {self.name}: the tape would keep the number of this first "
            "call for ever. Compute with the Value itself (v * 2, v.exp(), mg.maximum(v, w), if v > 0: …); do what "
            "needs the plain number, such as printing it or changing a parameter, outside, on what the function returns"
        )

    def pushed(self, node: Any) -> None:
        """Refuse: a tape is the forward pass."""
        raise RuntimeError(
            f"backward() inside the compiled function {self.name}: return the loss, and call backward() on what the "
            "compiled function gives: loss = step(x, y); loss.backward()"
        )

    def compared(self, how: Callable, a: Any, b: Any, outcome: bool) -> None:
        """Note the comparison that the function goes on by, and its outcome."""
        self.guards.append((how, self.slot(a), self.slot(b), bool(outcome)))

    def without_grad(self) -> Any:
        """Inside no_grad() everything is recorded as well, and nothing is tracked."""
        return _Untracked(self)

    # -- slots -----------------------------------------------------------------------------------------------------

    def give(self, number: float, node: Value | None = None) -> Value:
        """A stand-in for a number, or for a Value, that the function is given."""
        stand_in = Given(number, requires_grad=False)
        if node is not None:  # its gradient goes on to the Value that it stands for
            stand_in.requires_grad = node.requires_grad
            stand_in.op, stand_in.a = ops.itself, node
            stand_in.slope_a = 1.0 if node.requires_grad else None
        slot = self._new_slot(GIVEN, stand_in.requires_grad)
        self.given.append(slot)
        self._remember(stand_in, slot)
        return stand_in

    def slot(self, x: Any) -> int:
        """The slot of an operand: of a node that was seen before, of a new leaf, or of a constant."""
        if not isinstance(x, Node):
            return self.constant(x)
        slot = self.slot_of.get(id(x))
        if slot is None and id(x) in self.newborn:
            return self.constant(x._data)  # type: ignore[attr-defined]
        if slot is None:
            slot = self._new_slot(LEAF, x.requires_grad)
            self.leaves.append(x)
            self._remember(x, slot)
        return slot

    def constant(self, number: Any) -> int:
        """The slot of a constant: one for all that are the same to the last bit."""
        number = float(number)
        key = number.hex()
        if key not in self.constants:
            self.constants[key] = self._new_slot(CONSTANT, False)
        return self.constants[key]

    def _new_slot(self, kind: int, tracked: bool) -> int:
        self.kinds.append(kind)
        self.tracked.append(tracked)
        return len(self.kinds) - 1

    def _remember(self, node: Any, slot: int) -> None:
        self.slot_of[id(node)] = slot
        self.nodes.append(node)

    # -- the tape ----------------------------------------------------------------------------------------------------

    def tape(self, outputs: list[Node]) -> Tape:
        """All that was written, with the slots in the tape's order."""
        found = [self.slot(y) for y in outputs]
        kinds = np.array(self.kinds, dtype=np.int64)
        order = np.argsort(kinds, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        lengths = [len(slots) for _, slots, _ in self.instructions]
        flat = np.array([slot for _, slots, _ in self.instructions for slot in slots], dtype=np.int64)
        return Tape(
            rows=list(self.row_of),
            op=np.array([row for row, _, _ in self.instructions], dtype=np.int64),
            start=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
            operands=place[flat] if len(flat) else flat,
            leaves=self.leaves,
            n_given=len(self.given),
            constants=np.array([float.fromhex(key) for key in self.constants]),
            tracked=np.array(self.tracked, dtype=bool)[order],
            outputs=place[np.array(found, dtype=np.int64)],
            guards=[(how, int(place[a]), int(place[b]), outcome) for how, a, b, outcome in self.guards],
        )


class _Untracked(Watcher):
    """The same recorder inside no_grad(): false, so that no graph is kept."""

    def __init__(self, recorder: Any):
        self.recorder = recorder
        self.made, self.born = recorder.made, recorder.born  # type: ignore[method-assign]
        self.read, self.compared = recorder.read, recorder.compared  # type: ignore[method-assign]
        self.pushed = recorder.pushed  # type: ignore[method-assign]

    def __bool__(self) -> bool:
        return False

    def without_grad(self) -> Any:
        return self
