"""Running a plan with NumPy: each block is a few calls on arrays that stay where they are from call to call."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine import array_ops as array_ops  # which teaches the rules NumPy's exp, tanh …
from ..engine import ops
from ..engine.arithmetic import NUMPYS
from ..engine.edges import Careful
from ..engine.graph import Many, Op
from .places import Places, strides_of
from .plan import MatMul, Plan, Pointwise, Sums

# NumPy's functions that are rows of the table as they are, and so can write where they are told to.
UFUNCS = {op: getattr(np, name) for name, op in NUMPYS.items() if name not in ("power", "float_power")}


class NumpyRunner:
    """Computes a plan's values forward, and the gradient of one output backward."""

    def __init__(self, plan: Plan):
        self.values, self.grads = np.zeros(plan.n_slots), np.zeros(plan.n_slots)
        kinds = {Pointwise: PointwiseBlock, Sums: SumsBlock, MatMul: MatMulBlock}
        self.blocks = [kinds[type(block)](block, self.values, self.grads) for block in plan.blocks]
        self.on_the_way_back = [block for block in reversed(self.blocks) if any(block.tracked)]

    def forward(self) -> None:
        """Compute every block from the numbers in `values[:first_result]`."""
        for block in self.blocks:
            block.forward()

    def backward(self) -> None:
        """Fill `grads` from what stands in it: the gradients that arrive at the outputs, and zeros."""
        for block in self.on_the_way_back:
            block.backward()


class PointwiseBlock:
    """One row of the table, on all lanes at once."""

    def __init__(self, block: Pointwise, values: np.ndarray, grads: np.ndarray):
        self.op, self.tracked = block.op, block.tracked
        shape = _common_shape([block.slots, *block.operands])
        slots = block.slots.reshape(shape)
        self.y, self.g = Places(slots, values, grads).view, Places(slots, grads, grads).view
        self.places = [Places(operand.reshape(shape), values, grads) for operand in block.operands]
        self.ufunc = UFUNCS.get(block.op)
        self.rules = _Rules(block.op)

    def forward(self) -> None:
        """Compute y."""
        xs = [place.read() for place in self.places]
        if self.ufunc is not None:
            self.ufunc(*xs, out=self.y)
        else:
            self.y[...] = self.rules.forward(*xs)

    def backward(self) -> None:
        """Add slope * g to each operand's gradient."""
        xs = [place.read() for place in self.places]
        for i, place in enumerate(self.places):
            if self.tracked[i]:
                slope = self.rules.slope(i, self.y, *xs)
                place.add(self.g if slope.__class__ is int and slope == 1 else self.g * slope)


def _common_shape(operands: list[np.ndarray]) -> tuple[int, ...]:
    """A shape (rows, columns) for the lanes in which the most operands are regular."""
    m = len(operands[0])
    widths = {1, m}
    for slots in operands:
        breaks = np.flatnonzero(np.diff(slots, 2))
        if len(breaks) and m % (int(breaks[0]) + 2) == 0:
            widths.add(int(breaks[0]) + 2)
    regular = {w: sum(strides_of(slots.reshape(-1, w)) is not None for slots in operands) for w in sorted(widths)}
    best = max(regular, key=lambda w: regular[w])
    return (-1, best)


class _Rules:
    """A row's rules for arrays. A row that is in no table of ours is first compared with itself, number by number."""

    def __init__(self, op: Op):
        self.op = op
        self.many = isinstance(op, Many)
        self.ours = any(op is row for table in ops.TABLES for row in table.values())
        self.takes_arrays: dict[int, bool] = {}  # of somebody else's row: by rule, -1 for its value

    def forward(self, *xs: np.ndarray) -> Any:
        """The value."""
        rule = (lambda *xs: self.op.forward(xs)) if self.many else self.op.forward
        return rule(*xs) if self.ours else self._tried(-1, rule, *xs)

    def slope(self, i: int, y: np.ndarray, *xs: np.ndarray) -> Any:
        """The slope for input i."""
        rule = (lambda y, *xs: self.op.rules[0](1.0, y, xs, i)) if self.many else self.op.rules[i]
        return rule(y, *xs) if self.ours else self._tried(i, rule, y, *xs)

    def _tried(self, key: int, rule: Any, *xs: np.ndarray) -> Any:
        if self.takes_arrays.get(key):
            return rule(*xs)
        each = np.asarray(np.frompyfunc(_of_numbers(rule), len(xs), 1)(*xs), dtype=float)
        if key not in self.takes_arrays:
            try:
                self.takes_arrays[key] = np.allclose(rule(*xs), each, rtol=1e-12, atol=0, equal_nan=True)
            except Exception:  # an `if`, math.sin …: for single numbers alone
                self.takes_arrays[key] = False
        return each


def _of_numbers(rule: Any) -> Any:
    """A rule for single numbers, which gives what Careful floats give where it raises; nan where nothing is real."""

    def careful(*xs: float) -> float:
        try:
            return float(rule(*xs))
        except (ArithmeticError, ValueError):
            try:
                return float(rule(*map(Careful, xs)))
            except (ArithmeticError, ValueError):
                return math.nan

    return careful


class SumsBlock:
    """Sums of singles and products, gathered."""

    def __init__(self, block: Sums, values: np.ndarray, grads: np.ndarray):
        self.tracked = block.tracked
        self.y, self.g = Places(block.slots, values, grads).view, Places(block.slots, grads, grads).view
        self.singles, self.left, self.right = (
            Places(slots, values, grads) for slots in (block.singles, block.left, block.right)
        )

    def forward(self) -> None:
        """Add up."""
        if not len(self.left.slots):
            np.add.reduce(self.singles.read(), axis=0, out=self.y)
            return
        np.einsum("km,km->m", self.left.read(), self.right.read(), out=self.y)
        if len(self.singles.slots):
            self.y += np.add.reduce(self.singles.read(), axis=0)

    def backward(self) -> None:
        """Each single receives g, each factor g times the other factor."""
        g = self.g[None]
        if self.tracked[0]:
            self.singles.add(g)
        if self.tracked[1]:
            self.left.add(self.right.read() * g)
        if self.tracked[2]:
            self.right.add(self.left.read() * g)


class MatMulBlock:
    """Sums of products that are one matrix product."""

    def __init__(self, block: MatMul, values: np.ndarray, grads: np.ndarray):
        self.tracked = block.tracked
        self.y, self.g = Places(block.slots, values, grads).view, Places(block.slots, grads, grads).view
        self.w, self.x = Places(block.w, values, grads), Places(block.x, values, grads)
        self.singles = [Places(slots, values, grads) for slots in block.singles]

    def forward(self) -> None:
        """Multiply the matrices."""
        np.dot(self.x.read(), self.w.read().T, out=self.y)
        for single in self.singles:
            self.y += single.read()

    def backward(self) -> None:
        """The gradients of a matrix product are matrix products."""
        if self.tracked[0]:
            for single in self.singles:
                single.add(self.g)
        if self.tracked[1]:
            self.w.add(np.dot(self.g.T, self.x.read()))
        if self.tracked[2]:
            self.x.add(np.dot(self.g, self.w.read()))
