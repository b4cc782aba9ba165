"""Recording: a function of Values is run once, and what it computes is written on a tape."""

from __future__ import annotations

import operator
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.graph import Node, Op, Watcher
from ..engine.recording import is_recording
from ..engine.value import Value
from .tape import Tape


class CompileError(RuntimeError):
    """A compiled function does what can't be on a tape."""


class FrozenNumberError(CompileError):
    """A compiled function took the plain number out of a node: on the tape it would stay what it was, for ever."""


LEAF, GIVEN, CONSTANT = range(3)  # the order of a tape's first slots


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
        if not isinstance(other, Value) and (isinstance(other, Real) or getattr(other, "ndim", None) == 0):
            other = float(other)  # NumPy's numbers, fractions
        outcome = how(self._data, other._data if isinstance(other, Value) else other)
        watcher = is_recording()
        if watcher.__class__ is not bool and isinstance(other, (Value, float)):
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
        # While the function runs only this is written, since it is done for each number: a result that knows how it was
        # made, or (op, operands, result). A tuple for each would cost time: Python's collector visits them all.
        self.log: list[Any] = []
        self.comparisons: list[tuple[Callable, Any, Any, bool]] = []
        self.newborn: list[Any] = []  # Values made inside, of plain numbers
        self.given: list[Value] = []
        self.copies: list[tuple[Any, Given]] = []  # Values made inside, of stand-ins
        self.has_hooks = False  # whether a gradient hook was put on a node
        self.stands_for: dict[int, Value] = {}  # the Values that were given, by the id of their stand-ins

    def give(self, number: float, node: Value | None = None) -> Value:
        """A stand-in for a number, or for a Value, that the function is given."""
        stand_in = (Given if node is None else Value)(number, requires_grad=False)
        if node is not None and node.requires_grad:  # its gradient goes on to the Value that it stands for
            stand_in.requires_grad = True
            stand_in.op, stand_in.a, stand_in.slope_a = ops.itself, node, 1.0  # type: ignore[assignment]
        if node is not None:
            self.stands_for[id(stand_in)] = node
        self.given.append(stand_in)
        return stand_in

    # -- what a watcher is shown -----------------------------------------------------------------------------------

    def made(self, op: Op, operands: tuple, y: Any, settings: dict) -> None:
        """Write the instruction down."""
        self.log.append((op, operands, y) if y.op is None else y)

    def hooked(self, node: Any) -> Any:
        """Note that there is a hook, which a tape could not call; one on a stand-in goes to the Value itself."""
        self.has_hooks = True
        return self.stands_for.get(id(node), node)

    def born(self, leaf: Any) -> None:
        """A Value made inside of the function from a plain number: a constant."""
        self.newborn.append(leaf)

    def is_number(self, node: Any, leaf: Any) -> bool:
        """A stand-in for a number can be made a Value, as micrograd's demo does: map(Value, row)."""
        if not isinstance(node, Given):
            return False
        self.copies.append((leaf, node))
        return True

    def compared(self, how: Callable, a: Any, b: Any, outcome: bool) -> None:
        """Note the comparison that the function goes on by, and its outcome."""
        self.comparisons.append((how, a, b, bool(outcome)))

    def read(self, node: Any, how: str) -> None:
        """Refuse: the number would be frozen."""
        raise FrozenNumberError(
            f"{how} of a Value inside the compiled function {self.name}: the tape would keep the number of this first "
            "call for ever. Compute with the Value itself (v * 2, v.exp(), mg.maximum(v, w), if v > 0: …); do what "
            "needs the plain number, such as printing it or changing a parameter, outside, on what the function returns"
        )

    def pushed(self, node: Any) -> None:
        """Refuse: a tape is the forward pass."""
        raise CompileError(
            f"backward() inside the compiled function {self.name}: return the loss, and call backward() on what the "
            "compiled function gives: loss = step(x, y); loss.backward()"
        )

    def without_grad(self) -> Any:
        """Inside no_grad() everything is recorded as well, and nothing is tracked."""
        return _Untracked(self)

    def tape(self, outputs: list[Node]) -> Tape:
        """All that was written, as a tape."""
        return _Writer(self).tape(outputs)


class _Writer:
    """Gives each number its slot. Until all are known, what goes in has the numbers 0, 1, 2 …; results -1, -2, -3 …"""

    def __init__(self, recorder: Recorder):
        self.recorder = recorder
        self.slot_of: dict[int, int] = {}  # by id, since a Given compares by its number; all of them are still alive
        self.kinds: list[int] = []
        self.tracked: list[bool] = []
        self.leaves: list[Node] = []
        self.constants: dict[str, int] = {}
        self.newborn = set(map(id, recorder.newborn))
        for stand_in in recorder.given:
            self.slot_of[id(stand_in)] = self._new_slot(GIVEN, stand_in.requires_grad)
        for leaf, stand_in in recorder.copies:
            self.slot_of[id(leaf)] = self.slot_of[id(stand_in)]

    def tape(self, outputs: list[Node]) -> Tape:
        """The tape: first all instructions, then the slots in the order that a tape has them in."""
        results = [entry[2] if entry.__class__ is tuple else entry for entry in self.recorder.log]
        rows, op, lengths, operands = self._instructions()
        guards = [(how, self.slot(a), self.slot(b), outcome) for how, a, b, outcome in self.recorder.comparisons]
        found = [self.slot(y) for y in outputs]
        order = np.argsort(np.array(self.kinds, dtype=np.int64), kind="stable")
        n = len(order)
        place = np.empty(n + len(results), dtype=np.int64)  # where -1 is the last, as in any list
        place[order] = np.arange(n)
        place[n:] = np.arange(n, len(place))[::-1]
        return Tape(
            rows=rows,
            op=np.array(op, dtype=np.int64),
            start=np.cumsum([0, *lengths], dtype=np.int64),
            operands=place[np.array(operands, dtype=np.int64)],
            leaves=self.leaves,
            n_given=len(self.recorder.given),
            constants=np.array([float.fromhex(key) for key in self.constants]),
            tracked=np.array([*np.array(self.tracked, dtype=bool)[order], *[y.requires_grad for y in results]]),
            outputs=place[np.array(found, dtype=np.int64)],
            guards=[(how, int(place[a]), int(place[b]), outcome) for how, a, b, outcome in guards],
        )

    def _instructions(self) -> tuple[list[Op], list[int], list[int], list[int]]:
        """The rows that occur; for each instruction its row, how many operands it has, and (in a row) their slots."""
        row_of: dict[Op, int] = {}
        rows: list[int] = []
        lengths: list[int] = []
        flat: list[int] = []
        slot_of, slot = self.slot_of, self.slot
        for number, entry in enumerate(self.recorder.log, start=1):
            op, operands, y = entry if entry.__class__ is tuple else (entry.op, entry.operands, entry)
            rows.append(row_of.setdefault(op, len(row_of)))
            lengths.append(len(operands))
            for x in operands:
                flat.append(slot_of[id(x)] if id(x) in slot_of else slot(x))
            slot_of[id(y)] = -number
        return list(row_of), rows, lengths, flat

    def slot(self, x: Any) -> int:
        """The slot of an operand: of a node that was seen before, of a new leaf, or of a constant."""
        if not isinstance(x, Node):
            return self._constant(float(x))
        if id(x) in self.slot_of:
            return self.slot_of[id(x)]
        if id(x) in self.newborn:
            return self._constant(x._data)  # type: ignore[attr-defined]
        self.leaves.append(x)
        self.slot_of[id(x)] = slot = self._new_slot(LEAF, x.requires_grad)
        return slot

    def _constant(self, number: float) -> int:
        key = number.hex()  # the same to the last bit: -0.0 is not 0.0, and nan is itself
        if key not in self.constants:
            self.constants[key] = self._new_slot(CONSTANT, False)
        return self.constants[key]

    def _new_slot(self, kind: int, tracked: bool) -> int:
        self.kinds.append(kind)
        self.tracked.append(tracked)
        return len(self.kinds) - 1


class _Untracked(Watcher):
    """The same recorder inside no_grad(): false, so that no graph is kept."""

    def __init__(self, recorder: Any):
        self.recorder = recorder
        self.made, self.born = recorder.made, recorder.born  # type: ignore[method-assign]
        self.hooked = recorder.hooked  # type: ignore[method-assign]
        self.read, self.compared = recorder.read, recorder.compared  # type: ignore[method-assign]
        self.pushed, self.is_number = recorder.pushed, recorder.is_number  # type: ignore[method-assign]

    def __bool__(self) -> bool:
        return False

    def without_grad(self) -> Any:
        return self
