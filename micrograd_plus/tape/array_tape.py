"""The tape of a function of Tensors: the array operations that it does, one after the other.

Each array has a **slot**, a number. The tape's leaves (parameters), what the function was given, constants, and what it
drew at random come from outside; every other slot is the result of one Step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.graph import Many, Op


@dataclass(frozen=True)
class Slot:
    """The place of an array on the tape, in an instruction's operands and settings."""

    number: int

    def __repr__(self) -> str:
        return f"s{self.number}"


@dataclass(eq=False)
class Step:
    """One instruction: y = function(*operands, **settings).

    function: a row of the table; for a host instruction one of NumPy's functions, without gradient. tracked: whether
    gradients flow through it. shape: of the result, where it hangs on the numbers and must be looked at; else None.
    """

    function: Callable
    operands: tuple
    settings: dict
    y: int
    tracked: bool = False
    host: bool = False
    shape: tuple | None = None

    @property
    def row(self) -> Any:
        """The row of the table."""
        return self.function

    @property
    def reads(self) -> Iterator[int]:
        """The slots that it reads."""
        return (slot.number for slot in slots_in((self.operands, self.settings)))

    def __str__(self) -> str:
        name = getattr(self.function, "name", None) or getattr(self.function, "__name__", repr(self.function))
        settings = [f"{key}={_shown(value)}" for key, value in self.settings.items()]
        operands = [_shown(x) for x in self.operands]
        if isinstance(self.function, Many):
            operands = [f"[{', '.join(operands)}]"]
        return f"s{self.y} = {name}({', '.join(operands + settings)})"


@dataclass(eq=False)
class Guard:
    """A question that the function put to its numbers, and the answer that it went on by."""

    slot: int
    how: Callable  # the question: bool, or a copy of all numbers
    answer: Any
    after: int  # how many steps had been recorded

    def holds(self, x: Any) -> bool:
        """Whether the answer is the same for x."""
        return same(self.how(x), self.answer)


@dataclass(eq=False)
class ArrayTape:
    """One path through a function of Tensors."""

    leaves: dict[int, Any]  # Tensors from outside, by slot
    given: list[int | None]  # for each piece of the arguments its slot; None for a number in a list
    fixed: list  # those numbers
    constants: dict[int, Any]
    draws: dict[int, Callable]  # how each random array is drawn, in the order of the drawing
    steps: list[Step]
    outputs: list[int]
    plain: list[bool]  # which of them are arrays and numbers of NumPy's
    guards: list[Guard]
    tracked: set[int]  # the slots into which gradients flow
    like: dict[int, tuple[tuple, Any]]  # shape and dtype of what is in each slot
    order: list[int] = field(default_factory=list)  # slots in the order in which eager's backward() visits them

    def same_as(self, other: ArrayTape) -> bool:
        """Whether the other one computes the same from the same leaves."""
        return (
            self.way() == other.way()
            and self.leaves.keys() == other.leaves.keys()
            and all(x is other.leaves[slot] for slot, x in self.leaves.items())
            and same(list(self.constants.items()), list(other.constants.items()))
            and self.tracked == other.tracked
            and (self.outputs, self.plain) == (other.outputs, other.plain)
            and len(self.steps) == len(other.steps)
            and all(_same_step(a, b) for a, b in zip(self.steps, other.steps, strict=True))
        )

    def way(self) -> list:
        """What the function asked on its way, and the shapes that hang on the numbers."""
        asked = [(guard.slot, guard.how, guard.after, _comparable(guard.answer)) for guard in self.guards]
        return [_comparable(self.fixed), asked, [(step.y, step.shape) for step in self.steps if step.shape is not None]]

    def __len__(self) -> int:
        return len(self.steps)

    def __str__(self) -> str:
        """The instructions, one a line."""
        return "\n".join(map(str, self.steps))


def slots_in(x: Any) -> Iterator[Slot]:
    """The slots in nested tuples, lists, dicts and slices."""
    if isinstance(x, Slot):
        yield x
    elif isinstance(x, (tuple, list)):
        for part in x:
            yield from slots_in(part)
    elif isinstance(x, dict):
        for part in x.values():
            yield from slots_in(part)
    elif isinstance(x, slice):
        yield from slots_in((x.start, x.stop, x.step))


def same(a: Any, b: Any) -> bool:
    """Whether two settings are the same: numbers to the last bit, arrays number by number."""
    if a is b:
        return True
    if isinstance(a, (list, tuple)):
        return a.__class__ is b.__class__ and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return b.__class__ is a.__class__ and list(a) == list(b) and all(same(v, b[k]) for k, v in a.items())
    if isinstance(a, slice):
        return isinstance(b, slice) and same((a.start, a.stop, a.step), (b.start, b.stop, b.step))
    if isinstance(a, (np.ndarray, np.generic, float)):
        if a.__class__ is not b.__class__:
            return False
        x, y = np.asarray(a), np.asarray(b)
        if x.shape != y.shape or x.dtype != y.dtype:
            return False
        return x.tobytes() == y.tobytes() if x.dtype.kind in "fc" else bool((x == y).all())
    try:
        return a.__class__ is b.__class__ and bool(a == b)
    except Exception:  # whatever == may do for an object that we don't know
        return False


def _same_step(a: Step, b: Step) -> bool:
    return (
        (a.function is b.function or a.function == b.function)
        and (a.y, a.tracked, a.host, a.shape) == (b.y, b.tracked, b.host, b.shape)
        and same((a.operands, a.settings), (b.operands, b.settings))
    )


def _comparable(x: Any) -> Any:
    return (x.shape, str(x.dtype), x.tobytes()) if isinstance(x, (np.ndarray, np.generic)) else repr(x)


def _shown(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return f"array{x.shape}"
    if isinstance(x, tuple):
        return f"({', '.join(map(_shown, x))}{',' * (len(x) == 1)})"
    return getattr(x, "name", None) if isinstance(x, Op) else repr(x)  # type: ignore[return-value]
