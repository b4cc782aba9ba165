"""Places: the slots that a block reads, as a view where they form a regular pattern, else gathered."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided


def strides_of(slots: np.ndarray) -> list[int] | None:
    """By how many slots one goes on along each axis, if that is the same everywhere; None if not."""
    steps = []
    at = slots
    origin = slots[(0,) * slots.ndim]
    for axis in range(slots.ndim):
        line = at[tuple(slice(None) if a == axis else 0 for a in range(slots.ndim))]
        steps.append(int(line[1] - line[0]) if len(line) > 1 else 0)
    expected = origin + sum(
        np.arange(n).reshape([-1 if a == axis else 1 for a in range(slots.ndim)]) * step
        for axis, (n, step) in enumerate(zip(slots.shape, steps, strict=True))
    )
    return steps if np.array_equal(expected, slots) else None


class Places:
    """Where a block reads: `read()` gives the numbers, `add(part)` adds to their gradients.

    Both in the shape of `slots`. values and grads are the tape's memory, which stays where it is.
    """

    def __init__(self, slots: np.ndarray, values: np.ndarray, grads: np.ndarray):
        self.slots, self.values, self.grads = slots, values, grads
        steps = strides_of(slots) if slots.size else None
        if steps is None:
            self.buffer = np.empty(slots.shape)
            self.unique, self.inverse = np.unique(slots.ravel(), return_inverse=True)
            self.inverse = self.inverse.ravel()
            self.flat = slots.astype(np.intp)
            self.read, self.add = self._gather, self._scatter
            return
        first = int(slots[(0,) * slots.ndim])
        self.view = _view(values, first, slots.shape, steps)
        self.read = lambda: self.view
        # Along an axis with step 0 all read the same slot: their gradients are added up first.
        self.shared = tuple(axis for axis, step in enumerate(steps) if step == 0 and slots.shape[axis] > 1)
        shape = [1 if axis in self.shared else n for axis, n in enumerate(slots.shape)]
        self.target = _view(grads, first, shape, steps)
        overlapping = self.target.size != len(np.unique(slots))
        if overlapping:  # diagonals: regular, and still a slot more than once
            self.unique, self.inverse = np.unique(slots.ravel(), return_inverse=True)
            self.inverse = self.inverse.ravel()
        self.add = self._scatter if overlapping else self._add_shared if self.shared else self._add

    def _gather(self) -> np.ndarray:
        return self.values.take(self.flat, out=self.buffer, mode="clip")  # "clip": NumPy need not check and copy

    def _scatter(self, part: np.ndarray) -> None:
        weights = np.broadcast_to(part, self.slots.shape).ravel()
        self.grads[self.unique] += np.bincount(self.inverse, weights, len(self.unique))

    def _add(self, part: np.ndarray) -> None:
        self.target += part

    def _add_shared(self, part: np.ndarray) -> None:
        if part.shape != self.slots.shape:
            part = np.broadcast_to(part, self.slots.shape)
        self.target += np.add.reduce(part, axis=self.shared, keepdims=True)


def _view(memory: np.ndarray, first: int, shape: tuple | list, steps: list[int]) -> np.ndarray:
    return as_strided(memory[first:], tuple(shape), [step * memory.itemsize for step in steps])
