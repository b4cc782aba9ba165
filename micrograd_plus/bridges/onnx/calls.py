"""One step of the recorded program, as the functions that write it see it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...tape.array_tape import Slot
from .writer import Wire, Writer


class Joined:
    """Values that lie one behind the other along the first axis, not joined yet: most are asked for one by one."""

    def __init__(self, writer: Writer, parts: list[tuple[int, Wire]]):
        self.writer, self.parts = writer, parts  # each with its size along that axis

    def between(self, start: int, stop: int) -> Joined | Wire | None:
        """The parts from start to stop; None where a part would be torn apart."""
        found, at = [], 0
        for size, wire in self.parts:
            if start <= at and at + size <= stop:
                found.append((size, wire))
            elif at < stop and start < at + size:
                return None
            at += size
        return None if not found else found[0][1] if len(found) == 1 else Joined(self.writer, found)

    def whole(self) -> Wire:
        """All of it as one value."""
        return self.writer.node("Concat", [wire for _, wire in self.parts], "joined", axis=0)


class Call:
    """A step: its operands as values of the graph, their shapes, and its settings."""

    def __init__(self, values: Any, writer: Writer, operands: tuple, settings: dict, shape: tuple, kind: str):
        self.values = values  # what is known of slots: see Translation
        self.writer, self.operands, self.settings = writer, operands, settings
        self.shape, self.kind = shape, kind  # of the result

    def x(self, i: int = 0, kind: str = "") -> Wire:
        """Operand i as a value of the graph."""
        return self.value(self.operands[i], kind)

    def value(self, operand: Any, kind: str = "", compact: bool = False) -> Wire:
        """An operand or a setting as a value of the graph. compact: a constant that is repeated may stand as it is."""
        found = self.values.wire(operand.number, compact) if isinstance(operand, Slot) else operand
        return self.writer.wire(found, kind)

    def array(self, i: int) -> np.ndarray | None:
        """Operand i where it is the same in every run: a parameter or a constant."""
        if i >= len(self.operands):
            return None
        x = self.operands[i]
        if not isinstance(x, Slot):
            return x
        return (
            np.broadcast_to(self.values.known[x.number][0], self.shape_of(x)) if x.number in self.values.known else None
        )

    def name(self, i: int) -> str:
        """What a parameter or constant among the operands is called."""
        return self.values.known[self.operands[i].number][1]

    def shape_of(self, operand: Any, compact: bool = False) -> tuple:
        """The shape of an operand; compact: that of its value with compact=True."""
        if compact and isinstance(operand, Slot) and operand.number in self.values.known:
            return np.shape(self.values.known[operand.number][0])
        return self.values.shapes[operand.number] if isinstance(operand, Slot) else np.shape(operand)

    @property
    def sizes(self) -> tuple:
        """The shape of the first operand."""
        return self.shape_of(self.operands[0])

    def axes(self, key: str = "axis") -> list[int]:
        """The axes that the setting names: all of them for None."""
        axis, n = self.settings[key], len(self.sizes)
        if axis is None:
            return list(range(n))
        return sorted(int(a) % max(n, 1) for a in (axis if isinstance(axis, tuple) else (axis,)))

    def __getitem__(self, key: str) -> Any:
        return self.settings[key]
