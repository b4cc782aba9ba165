"""The tape: what a function computed, as flat arrays of small integers, with no graph and no Python object a number.

A **slot** is a place for one number. Slots come in this order: the leaves (parameters and other Values from outside),
what the function was given, constants, and then one slot for the result of each instruction, in the order in which they
were computed. Instruction i applies rows[op[i]] to the slots operands[start[i]:start[i + 1]].
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.graph import Many, Node, Op

LONGEST = 60  # lines of a tape that is shown
SIGNS = {
    operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">=", operator.eq: "==", operator.ne: "!=",
}  # fmt: skip


@dataclass(eq=False, repr=False)
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

    def way(self) -> list:
        """The comparisons that the function went by, with the constants in them."""
        first = self.first_result - len(self.constants)
        return [
            (how, outcome, *(self.constants[s - first] if first <= s < self.first_result else s for s in (a, b)))
            for how, a, b, outcome in self.guards
        ]

    def __len__(self) -> int:
        return len(self.op)

    def __str__(self) -> str:
        """What is in each slot, an instruction a line: s7 = mul(s0, s4); of a long tape the first lines."""
        n, first = len(self.leaves), self.first_result
        lines = [f"s{i} = {leaf.label or 'a leaf'}" for i, leaf in enumerate(self.leaves)]
        lines += [f"s{n + i} = given" for i in range(self.n_given)]
        lines += [f"s{first - len(self.constants) + i} = {number}" for i, number in enumerate(self.constants.tolist())]
        lines += [f"s{first + i} = {self._call(i)}" for i in range(min(len(self), LONGEST))]
        if len(lines) > LONGEST:
            more = n + self.n_given + len(self.constants) + len(self) - LONGEST
            lines = [*lines[:LONGEST], f"... and {more:,} more"]
        lines += [f"result: {', '.join(f's{slot}' for slot in self.outputs[:20].tolist())}"]
        lines += [f"holds if s{a} {SIGNS[how]} s{b} is {outcome}" for how, a, b, outcome in self.guards[:20]]
        return "\n".join(lines)

    def _call(self, i: int) -> str:
        row = self.rows[self.op[i]]
        slots = ", ".join(f"s{slot}" for slot in self.operands_of(i))
        return f"{row.name}([{slots}])" if isinstance(row, Many) else f"{row.name}({slots})"

    __repr__ = __str__
