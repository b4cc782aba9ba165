"""One number of one input: what backward() gives for it, beside what differences give."""

from __future__ import annotations

import math
from typing import Any

from .differences import central, is_pole, near, one_sided, refined
from .inputs import index_at
from .problem import Problem
from .result import Check


def compared(problem: Problem, k: int, place: int, gradient: Any, tolerance: tuple[float, float]) -> Check:
    """The check of the number at `place` of input k, of which backward() gave `gradient`.

    The usual step is enough for most functions; where the numbers differ, other steps are tried, and whether there is
    a kink here.
    """
    shape = getattr(problem.leaves[k], "shape", ())
    analytic = _at(gradient, place)
    x, f, h = problem.number(k, place), problem.along(k, place), problem.usual_step(k, place)
    check = Check(problem.names[k], index_at(place, shape), analytic, math.nan)
    rtol, atol = tolerance
    check.zero = atol
    steady = False  # whether differences with several steps agree
    for difference in (central, refined, near):
        slope, noise, *agree = difference(f, x, h, problem.precision)
        if difference is near:
            if not any(agree):
                break
            h = abs(x) / 40
        check.numeric, steady = slope, any(agree)
        if math.isfinite(analytic) and abs(analytic - slope) <= atol + rtol * max(abs(analytic), abs(slope)) + noise:
            return check
    if not math.isfinite(check.numeric) or not (math.isfinite(analytic) or steady):
        check.verdict = "not finite"
        return check
    check.verdict = "wrong"
    sides = one_sided(f, x, h, problem.precision)
    if sides is not None and is_pole(f, x, h):
        check.verdict, check.note = "not finite", f"{check.where}: can't be checked: a pole is crossed by the step"
    elif sides is not None:
        _judge_kink(check, *sides, tolerance)
    return check


def _at(gradient: Any, place: int) -> float:
    """One number of a gradient; 0 where none arrived."""
    if gradient is None:
        return 0.0
    return float(gradient.flat[place]) if hasattr(gradient, "flat") else float(gradient)


def _judge_kink(check: Check, left: float, right: float, tolerance: tuple[float, float]) -> None:
    """At a kink there is no derivative: any number between the slopes on both sides will do."""
    rtol, atol = tolerance
    slack = rtol * max(abs(left), abs(right)) + atol + 1e-4 * abs(left - right)
    between = min(left, right) - slack <= check.analytic <= max(left, right) + slack
    check.verdict = "kink" if between else "wrong"
    check.note = (
        f"{check.where}: a kink: the slope is {left:.4g} on the left and {right:.4g} on the right, "
        f"{check.analytic:.4g} " + ("is as good as any between" if between else "does not lie between")
    )
