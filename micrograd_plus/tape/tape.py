"""The tape: what a function computed, as flat arrays of small integers, with no graph and no Python object a number.

A **slot** is a place for one number. Slots come in this order: the leaves (parameters and other Values from outside),
what the function was given, constants, and then one slot for the result of each instruction, in the order in which they
were computed. Instruction i applies rows[op[i]] to the slots operands[start[i]:start[i + 1]].
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.graph import Many, Node, Op


@dataclass(eq=False)
class Tape:
    """One path through a function of Values. n is the number of slots."""

    rows: list[Op]  # the rows of the table that occur
    op: np.ndarray  # which of them each instruction is
    start: np.ndarray  # where its operands begin
    operands: np.ndarray
    leaves: list[Node]
    n_given: int
    constants: np.ndarray
    tracked: np.ndarray  # (n,) whether a gradient flows into the slot
    outputs: np.ndarray
    # Comparisons that the function went on by: operator's function, left slot, right slot, and what came out.
    guards: list[tuple[Any, int, int, bool]] = field(default_factory=list)

    @property
    def first_result(self) -> int:
        """The slot of the first instruction's result."""
        return len(self.leaves) + self.n_given + len(self.constants)

    @property
    def n_slots(self) -> int:
        """How many slots there are."""
        return self.first_result + len(self.op)

    def operands_of(self, i: int) -> np.ndarray:
        """The slots that instruction i reads."""
        return self.operands[self.start[i] : self.start[i + 1]]

    def same_as(self, other: Tape) -> bool:
        """Whether the other one computes the same from the same leaves."""
        return (
            self.rows == other.rows
            and self.guards == other.guards
            and all(a is b for a, b in zip(self.leaves, other.leaves, strict=False))
            and len(self.leaves) == len(other.leaves)
            and all(
                np.array_equal(getattr(self, name), getattr(other, name), equal_nan=name == "constants")
                for name in ("op", "start", "operands", "constants", "tracked", "outputs")
            )
        )

    def __len__(self) -> int:
        return len(self.op)

    def __str__(self) -> str:
        """The instructions, one a line: s7 = mul(s0, s4)."""
        lines = []
        for i, row in enumerate(self.op):
            slots = ", ".join(f"s{slot}" for slot in self.operands_of(i))
            brackets = f"[{slots}]" if isinstance(self.rows[row], Many) else slots
            lines.append(f"s{self.first_result + i} = {self.rows[row].name}({brackets})")
        return "\n".join(lines)
