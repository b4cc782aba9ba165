"""The plan: a tape of single numbers, laid out as few operations on many numbers each.

Four steps, all done once for a tape:

1. `terms`: a chain of additions, and the products in it that nothing else uses, is one **sum of products**. That is
   what a neuron is: b + w0*x0 + w1*x1 …
2. `levels`: an instruction's level is one more than the highest of what it reads. Instructions of one level don't
   depend on each other.
3. `blocks`: the instructions of one level that do the same (the same row of the table, or sums of as many terms) are
   one block. In a block of sums of products, where each of S lists of inputs meets each of N lists of weights, the
   products are those of a matrix multiplication (S, K) @ (K, N): it is found here, in a program that has none.
4. `places`: each block writes to slots that follow on each other, so that what a later block reads is mostly a regular
   pattern of slots: a view, which costs nothing, and no gathering.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.graph import Op
from .tape import Tape


@dataclass(eq=False)
class Pointwise:
    """y[i] = op(*operands[i]) for each lane i. slots: (m,) written, operands: (arity, m) read."""

    op: Op
    slots: np.ndarray
    operands: np.ndarray
    tracked: tuple[bool, ...]  # by operand
    level: int = 0

    def __str__(self) -> str:
        return f"{self.slots.size:,} x {self.op.name}"


@dataclass(eq=False)
class Sums:
    """y[i] = Σ singles[:, i] + Σ left[:, i] * right[:, i]. slots: (m,), singles: (J, m), left and right: (K, m)."""

    slots: np.ndarray
    singles: np.ndarray
    left: np.ndarray
    right: np.ndarray
    tracked: tuple[bool, bool, bool]  # singles, left, right
    level: int = 0

    def __str__(self) -> str:
        return f"{self.slots.size:,} x {_sum_of(len(self.singles), len(self.left))}"


@dataclass(eq=False)
class MatMul:
    """y = x @ w.T + Σ singles. slots: (S, N), x: (S, K), w: (N, K), singles: (J, S, N)."""

    slots: np.ndarray
    singles: np.ndarray
    w: np.ndarray
    x: np.ndarray
    tracked: tuple[bool, bool, bool]  # singles, w, x
    level: int = 0

    def __str__(self) -> str:
        rows, inner = self.x.shape
        what = f"{self.slots.size:,} x {_sum_of(len(self.singles), inner)}"
        return f"{what}: the matrix product ({rows}, {inner}) @ ({inner}, {len(self.w)})"


def _sum_of(singles: int, products: int) -> str:
    if not products:
        return f"sum of {singles} numbers"
    return f"sum of {products} product{'s' * (products != 1)}" + f" and {singles} more" * bool(singles)


Block = Pointwise | Sums | MatMul
_NEVER: dict[int, bool] = defaultdict(bool)


@dataclass(eq=False, repr=False)
class Plan:
    """Blocks in the order in which they run, with their slots renumbered: slot_of[a tape's slot] is the plan's."""

    n_slots: int
    first_result: int
    blocks: list[Block]
    slot_of: np.ndarray
    n_instructions: int = 0

    @property
    def is_narrow(self) -> bool:
        """Whether it is mostly one number after the other, so that arrays gain nothing."""
        return self.n_instructions < 4 * len(self.blocks)

    def __str__(self) -> str:
        """What is done at which level, a block a line; of a long plan the first lines."""
        lines = [f"level {block.level:3}   {block}" for block in self.blocks[:60]]
        if len(self.blocks) > 60:
            lines.append(f"... and {len(self.blocks) - 60:,} more")
        return "\n".join([f"{self.n_instructions:,} instructions in {len(self.blocks):,} blocks", *lines])

    __repr__ = __str__


def plan_of(tape: Tape) -> Plan:
    """Lay out the tape."""
    folded = _Folded(tape)
    blocks: list[Block] = []
    for group in folded.groups():
        for block in folded.blocks_of(group):
            block.level = folded.level[group[0]]
            blocks.append(block)
    return _renumbered(tape, blocks)


class _Folded:
    """A tape's instructions, chains of additions made one, with their levels."""

    def __init__(self, tape: Tape):
        self.tape = tape
        self.first = tape.first_result
        self.op = tape.op.tolist()
        start, flat = tape.start.tolist(), tape.operands.tolist()
        self.operands = [flat[a:b] for a, b in pairwise(start)]
        self.tracked = tape.tracked.tolist()
        wanted = tape.outputs.tolist() + [slot for _, left, right, _ in tape.guards for slot in (left, right)]
        needed = self._needed(wanted)
        uses = np.bincount([slot for i in needed for slot in self.operands[i]], minlength=tape.n_slots)
        uses[wanted] += 2  # somebody else looks at these as well
        row = {op: i for i, op in enumerate(tape.rows)}
        alone = uses[self.first :] == 1  # instructions whose result is used in one place only
        adds = np.isin(tape.op, [row[op] for op in (ops.add, ops.sum_) if op in row])
        self.addition = (alone & adds).tolist()
        self.product = (alone & (tape.op == row.get(ops.mul, -1))).tolist()
        self.absorbed = bytearray(len(self.op))
        self.terms: dict[int, tuple[list, list]] = {}  # of a sum: its singles, and its pairs of factors
        for i in reversed(needed):  # a chain's last addition first: it takes the others in
            if adds[i] and not self.absorbed[i]:
                self.terms[i] = self._terms(i)
        self.instructions = [i for i in needed if not self.absorbed[i]]
        self.level = self._levels()

    def _needed(self, outputs: list[int]) -> list[int]:
        """The instructions that an output or a guard depends on."""
        first, wanted = self.first, bytearray(self.tape.n_slots)
        for slot in outputs:
            wanted[slot] = 1
        for i in range(len(self.op) - 1, -1, -1):
            if wanted[first + i]:
                for slot in self.operands[i]:
                    wanted[slot] = 1
        return [i for i in range(len(self.op)) if wanted[first + i]]

    def _terms(self, i: int) -> tuple[list[int], list[tuple[int, int]]]:
        """The singles and the pairs of factors that are added up, from left to right."""
        first, tracked, n_leaves = self.first, self.tracked, len(self.tape.leaves)
        wanted = tracked[first + i]  # what was made inside no_grad() stays by itself
        chain = [i]
        while self.operands[chain[-1]]:  # down the left side, so that the order of the additions stays
            slot = self.operands[chain[-1]][0]
            if slot < first or not self.addition[slot - first] or tracked[slot] != wanted:
                break
            self.absorbed[slot - first] = 1
            chain.append(slot - first)
        slots = self.operands[chain[-1]] + [s for link in reversed(chain[:-1]) for s in self.operands[link][1:]]
        singles, pairs = [], []
        for slot in slots:
            if slot >= first and self.product[slot - first] and tracked[slot] == wanted:
                self.absorbed[slot - first] = 1
                a, b = self.operands[slot - first]
                pairs.append((b, a) if b < n_leaves <= a else (a, b))  # w * x and x * w are the same: a leaf first
            else:
                singles.append(slot)
        return singles, pairs

    def _levels(self) -> dict[int, int]:
        level = [0] * self.tape.n_slots
        for i in self.instructions:
            if i in self.terms:
                singles, pairs = self.terms[i]
                reads = [*singles, *(slot for pair in pairs for slot in pair)]
            else:
                reads = self.operands[i]
            level[self.first + i] = 1 + max([level[slot] for slot in reads], default=0)
        return {i: level[self.first + i] for i in self.instructions}

    def groups(self) -> list[list[int]]:
        """Instructions that can be computed at once, by level."""
        found: dict[tuple, list[int]] = {}
        for i in self.instructions:
            found.setdefault((self.level[i], *self._kind(i)), []).append(i)
        return [found[key] for key in sorted(found, key=lambda key: key[0])]

    def _kind(self, i: int) -> tuple:
        """What two instructions have in common if they can be lanes of one block."""
        tracked: Any = self.tracked if self.tracked[self.first + i] else _NEVER  # made inside no_grad()
        if i not in self.terms:
            return (self.op[i], *[tracked[slot] for slot in self.operands[i]])
        singles, pairs = self.terms[i]
        flags = (any(tracked[s] for s in singles), any(tracked[a] for a, _ in pairs), any(tracked[b] for _, b in pairs))
        return ("sum", len(singles), len(pairs), *flags)

    def blocks_of(self, group: list[int]) -> list[Block]:
        """One block, or for sums of products as many as there are matrix products in them."""
        slots = self.first + np.array(group)
        i = group[0]
        kind = self._kind(i)
        if i not in self.terms:
            operands = np.array([self.operands[j] for j in group]).T
            return [Pointwise(self.tape.rows[self.op[i]], slots, operands, kind[1:])]
        singles = np.array([self.terms[j][0] for j in group], dtype=np.int64).reshape(len(group), -1).T
        pairs = np.array([self.terms[j][1] for j in group], dtype=np.int64).reshape(len(group), -1, 2).T
        sums = Sums(slots, singles, pairs[0], pairs[1], kind[3:])
        return matrix_products(sums) if len(pairs[0]) > 1 else [sums]


def matrix_products(sums: Sums) -> list[Block]:
    """The sums as matrix products, where each list of right factors meets the same lists of left factors."""
    w, w_of = np.unique(sums.left.T, axis=0, return_inverse=True)
    _, x_of = np.unique(sums.right.T, axis=0, return_inverse=True)
    w_of, x_of = w_of.ravel(), x_of.ravel()
    partners: dict[bytes, list[int]] = {}  # the lists of left factors that meet the same lists of right factors
    by_w = np.split(np.lexsort((x_of, w_of)), np.searchsorted(np.sort(w_of), np.arange(1, len(w))))
    for lanes in by_w:
        partners.setdefault(x_of[lanes].tobytes(), []).append(lanes)  # type: ignore[arg-type]
    if len(partners) > max(1, len(sums.slots) // 8):  # hardly anything is shared: one gathered block is quicker
        return [sums]
    blocks: list[Block] = []
    for columns in partners.values():
        lanes = np.array(columns).T  # (S, N)
        lanes = lanes[np.argsort(lanes.min(axis=1))][:, np.argsort(lanes.min(axis=0))]  # as the program has them
        blocks.append(
            MatMul(
                sums.slots[lanes],
                sums.singles[:, lanes],
                sums.left[:, lanes[0]].T,
                sums.right[:, lanes[:, 0]].T,
                sums.tracked,
            )
        )
    return blocks


def _renumbered(tape: Tape, blocks: list[Block]) -> Plan:
    """The blocks with slots that follow on each other; what is absorbed has none."""
    first = tape.first_result
    slot_of = np.full(tape.n_slots, -1)
    slot_of[:first] = np.arange(first)
    n = first
    for block in blocks:
        slot_of[block.slots] = np.arange(n, n + block.slots.size).reshape(block.slots.shape)
        n += block.slots.size
    for block in blocks:
        for name in ("slots", "operands", "singles", "left", "right", "w", "x"):
            if hasattr(block, name):
                setattr(block, name, slot_of[getattr(block, name)])
    return Plan(n, first, blocks, slot_of, len(tape))
