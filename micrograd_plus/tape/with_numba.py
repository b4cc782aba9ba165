"""Running a plan with numba: its blocks as one program of whole numbers, that a compiled loop goes through.

A block costs a hundredth of what it costs to call NumPy for it, so that deep and narrow graphs gain most. Where a block
is so wide that this doesn't matter, NumPy's exp, tanh … and its matrix product are quicker: it does those, and rules
that numba can't compile. Both work in the same memory, in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from ..engine.graph import Op
from .kernels import Row, kernel_for
from .plan import Block, MatMul, Plan, Pointwise, Sums
from .with_numpy import UFUNCS, MatMulBlock, PointwiseBlock, SumsBlock

POINTWISE, SUMS, MATMUL = range(3)  # as in loops.py
WIDE = 500  # lanes, from which on NumPy's own functions (exp, tanh …) are quicker
LARGE = 50_000  # multiplications, from which on NumPy's matrix product is quicker


class NumbaRunner:
    """Computes a plan's values forward, and the gradient of one output backward.

    values, grads: the memory to run in, each of plan.n_slots floats; new if none is given.
    """

    def __init__(self, plan: Plan, values: np.ndarray | None = None, grads: np.ndarray | None = None):
        self.values = np.zeros(plan.n_slots) if values is None else values
        self.grads = np.zeros(plan.n_slots) if grads is None else grads
        kernel = kernel_for(block.op for block in plan.blocks if isinstance(block, Pointwise))
        blocks = [_Block(block, kernel.rows) for block in plan.blocks]
        program = _Program(kernel.rows)
        for block in blocks:
            program.add(block)
        code, lists, buffers = program.arrays()
        self._forward = self._steps(
            blocks, "forward", lambda begins: partial(kernel.forward, begins, code, lists, self.values, buffers)
        )
        self._backward = self._steps(
            [block for block in reversed(blocks) if any(block.plan.tracked)],
            "backward",
            lambda begins: partial(kernel.backward, begins, code, lists, self.values, self.grads, buffers),
        )

    def _steps(self, blocks: list[_Block], way: str, loop_over: Callable) -> list[Callable]:
        """What to call, one after the other: the loop for blocks that follow on each other, or NumPy for one block."""
        steps = []
        for for_numpy, some in groupby(blocks, lambda block: getattr(block, f"numpy_{way}")):
            if for_numpy:
                steps += [getattr(block.in_numpy(self.values, self.grads), way) for block in some]
            else:
                steps.append(loop_over(np.array([block.begin for block in some])))
        return steps

    def forward(self) -> None:
        """Compute every block from the numbers in `values[:first_result]`."""
        for step in self._forward:
            step()

    def backward(self) -> None:
        """Fill `grads` from what stands in it: the gradients that arrive at the outputs, and zeros."""
        for step in self._backward:
            step()


class _Block:
    """A plan's block, and who computes it. rows: those that the kernel knows."""

    def __init__(self, plan: Block, rows: dict[Op, Row]):
        self.plan = plan
        self.begin = -1  # in the program
        self.numpys: Any = None
        if isinstance(plan, Pointwise):
            self.numpy_backward = plan.op not in rows
            self.numpy_forward = self.numpy_backward or (plan.op in UFUNCS and plan.slots.size >= WIDE)
        else:
            self.numpy_forward = self.numpy_backward = isinstance(plan, MatMul) and _is_large(plan)

    def in_numpy(self, values: np.ndarray, grads: np.ndarray) -> Any:
        """The same block as NumPy runs it."""
        if self.numpys is None:
            kind = {Pointwise: PointwiseBlock, Sums: SumsBlock, MatMul: MatMulBlock}[type(self.plan)]
            self.numpys = kind(self.plan, values, grads)
        return self.numpys


def _is_large(block: MatMul) -> bool:
    """Whether NumPy is quicker: not for a product with a narrow side."""
    (S, N), K = block.slots.shape, block.w.shape[1]
    return min(S, N, K) >= 8 and S * N * K >= LARGE


class _Program:
    """Blocks as whole numbers: see loops.py."""

    def __init__(self, rows: dict[Op, Row]):
        self.rows = rows
        self.code: list[int] = []
        self.lists: list[np.ndarray] = []
        self.n_listed = 0
        self.widest = 1  # of what is read at once

    def add(self, block: _Block) -> None:
        """Write a block down, unless NumPy alone runs it."""
        if block.numpy_forward and block.numpy_backward:
            return
        block.begin = len(self.code)
        if isinstance(block.plan, Pointwise):
            self.code += self._pointwise(block.plan)
        else:
            self.code += self._sums(block.plan) if isinstance(block.plan, Sums) else self._matmul(block.plan)

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The code, the lists of slots that it speaks of, and buffers for what is gathered."""
        lists = np.concatenate([np.zeros(0, dtype=np.int64), *self.lists])
        return np.array(self.code, dtype=np.int64), lists, np.empty((4, self.widest))

    def _pointwise(self, block: Pointwise) -> list[int]:
        row = self.rows[block.op]
        code = [POINTWISE, row.rule, block.slots.size, int(block.slots[0])]
        for slots, slope, tracked in zip(block.operands, row.slopes, block.tracked, strict=True):
            code += [*self._place(slots), slope if tracked else -1]
        return code + [0, -1, -1] * (3 - len(block.operands))

    def _sums(self, block: Sums) -> list[int]:
        singles, left, right = block.tracked
        code = [SUMS, block.slots.size, int(block.slots[0])]
        code += [len(block.singles), self._listed(block.singles.T), singles]
        return [*code, len(block.left), self._listed(block.left.T), left, self._listed(block.right.T), right]

    def _matmul(self, block: MatMul) -> list[int]:
        (S, N), K = block.slots.shape, block.w.shape[1]
        x, w = block.x, block.w
        singles, w_tracked, x_tracked = block.tracked
        if N == 1:  # (x @ w.T).T = w @ x.T, in the same slots; the innermost loop, along N, is then a long one
            S, N, x, w, x_tracked, w_tracked = N, S, w, x, w_tracked, x_tracked
        code = [MATMUL, S, N, K, int(block.slots.flat[0]), *self._place(x), x_tracked, *self._place(w)]
        return [*code, *self._place(w.T), w_tracked, len(block.singles), self._listed(block.singles), singles]

    def _place(self, slots: np.ndarray) -> list[int]:
        """How many slots, and where: -1 - the first of slots that follow on each other, or where they are listed."""
        n, first = slots.size, int(slots.flat[0])
        self.widest = max(self.widest, n)
        in_line = n == 1 or (int(slots.flat[-1]) - first == n - 1 and bool((np.diff(slots.ravel()) == 1).all()))
        return [n, -1 - first if in_line else self._listed(slots)]

    def _listed(self, slots: np.ndarray) -> int:
        self.lists.append(slots.ravel().astype(np.int64))
        self.n_listed += slots.size
        return self.n_listed - slots.size
