"""Who runs a plan: NumPy, numba, or first the one and then the other.

Roughly: importing numba and reading its kernel takes 0.7 s (and compiling that, once on a machine, 10 s). A block costs
NumPy 0.3 ms to lay out, and then 7 µs a run; numba saves nearly all of it where the block has few lanes.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

from .plan import Plan

WORTH = 100_000  # blocks run by NumPy that cost as much as starting numba
MANY = 2_000  # blocks that cost as much to lay out for NumPy alone


def runner_of(backend: str) -> Any:
    """The class that runs plans: "numpy", "numba" or "auto". ImportError for "numba" where it isn't installed."""
    if backend == "numba":
        try:
            from .with_numba import NumbaRunner
        except ImportError:
            raise ImportError(
                'compile(backend="numba") needs numba: pip install "micrograd_plus[fast]", or backend="numpy"'
            ) from None
        return NumbaRunner
    from .with_numpy import NumpyRunner

    return AutomaticRunner if backend == "auto" and has_numba() else NumpyRunner


def has_numba() -> bool:
    """Whether numba can be imported; it is not imported for that."""
    if "numba" in sys.modules:
        return sys.modules["numba"] is not None
    return find_spec("numba") is not None


class AutomaticRunner:
    """Runs a plan with NumPy until starting numba is worth it: at once for a plan of many blocks, else after many runs.

    It counts blocks and not seconds, so that a program gives the same numbers, to the last bit, each time that it runs.
    """

    def __init__(self, plan: Plan):
        self.plan = plan
        self.left = WORTH if len(plan.blocks) < MANY else 0  # blocks that NumPy runs before numba is started
        self.runner: Any = _with_numba(plan) if self.left == 0 else None
        if self.runner is None:
            from .with_numpy import NumpyRunner

            self.runner = NumpyRunner(plan)
        self.values, self.grads = self.runner.values, self.runner.grads

    def forward(self) -> None:
        """Compute every block from the numbers in `values[:first_result]`."""
        if self.left > 0:
            self.left -= len(self.plan.blocks)
            if self.left <= 0:
                self.runner = _with_numba(self.plan, self.values, self.grads) or self.runner
        self.runner.forward()

    def backward(self) -> None:
        """Fill `grads` from what stands in it: the gradients that arrive at the outputs, and zeros."""
        self.runner.backward()


def _with_numba(plan: Plan, *memory: Any) -> Any:
    """Its runner; None where numba is installed and can't be loaded, being made for another Python or NumPy."""
    try:
        from .with_numba import NumbaRunner
    except ImportError:
        return None
    return NumbaRunner(plan, *memory)
