"""How wrong each way to differentiate is, over the step h: the data of the picture `plots.gradcheck`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .complex_step import imaginary_part, not_complex, why_not_complex
from .problem import Problem


@dataclass
class ErrorOverH:
    """Relative errors of three ways to differentiate, for each step h.

    complex_step is None where f doesn't run on complex numbers, and why_not_complex says why. exact: the slope that the
    errors are measured against, backward()'s.
    """

    hs: list[float]
    forward: list[float]
    central: list[float]
    complex_step: list[float] | None
    exact: float
    why_not_complex: str = ""


def error_over_h(f: Callable, *inputs: Any, steps: int = 49) -> ErrorOverH:
    """How wrong differences are for steps h from 1e-1 down to 1e-16: too large, the curve bends; too small, rounding.

    The slope is that along one fixed direction: all inputs are moved by h at once. f, inputs: as for gradcheck, with
    the same errors. steps: how many h.

    >>> found = error_over_h(lambda x: x.exp(), 1.0)
    >>> smallest = min(found.central)
    >>> found.central[0] > 1e6 * smallest < found.central[-1]
    True
    >>> max(found.complex_step) < 1e-2 and found.complex_step[-1] < 1e-15
    True
    """
    if not callable(f):
        raise TypeError(f"error_over_h needs a function first, and then its inputs; got {type(f).__name__} {f!r:.40}")
    if not isinstance(steps, int) or not 2 <= steps <= 10_000:
        raise ValueError(f"error_over_h: steps is a whole number from 2 to 10,000, how many h; got {steps!r:.40}")
    problem = Problem(f, inputs, 0, second=False)
    try:
        exact = math.fsum(0.0 if g is None else float(g.sum()) if hasattr(g, "sum") else g for g in problem.analytic())
        hs = [10 ** (-1 - 15 * i / (steps - 1)) for i in range(steps)]
        at = lambda h: problem.value([x + h for x in problem.here])
        error = lambda slope: abs(slope - exact) / (abs(exact) or 1.0)
        here = at(0.0)
        forward = [error((at(h) - here) / h) for h in hs]
        central = [error((at(h) - at(-h)) / (2 * h)) for h in hs]
        slopes, why = _complex_slopes(problem, hs)
        return ErrorOverH(hs, forward, central, None if why else list(map(error, slopes)), exact, why)
    finally:
        problem.put_back()


def _complex_slopes(problem: Problem, hs: list[float]) -> tuple[list[float], str]:
    """The slope by the complex step for each h; or why there is none."""
    why = why_not_complex(problem)
    if why:
        return [], why
    try:
        return [imaginary_part(problem, [h] * len(problem.leaves)) / h for h in hs], ""
    except Exception as error:  # whatever f does with numbers that it wasn't written for
        return [], not_complex(error)
