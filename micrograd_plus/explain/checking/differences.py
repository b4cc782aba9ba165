"""Slopes by differences: central, with the best of several steps, and on each side alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise


def central(f: Callable, x: float, h: float, precision: float) -> tuple[float, float]:
    """The central difference, and how far rounding in f may have moved it."""
    above, below = x + h, x - h
    high, low = f(above), f(below)
    # above - below, and not 2h: what was really added, after rounding
    return (high - low) / (above - below), 4 * precision * max(abs(high), abs(low)) / h


def refined(f: Callable, x: float, h: float, precision: float) -> tuple[float, float, bool]:
    """The difference where two neighbouring steps agree best: for a curve much wider or much narrower than usual.

    With how far it may be off, and whether the steps agree at all.
    """
    found = [central(f, x, h * 10.0**-k, precision) for k in range(-1, 6)]
    best = (math.nan, 0.0)
    least = math.inf
    for (one, _), (two, noise) in pairwise(found):
        if abs(one - two) + noise < least:
            least, best = abs(one - two) + noise, (two, abs(one - two) + noise)
    # An estimate of its own error that is as large as the slope says nothing: then the usual step's number is shown.
    return (*best, True) if least < 1e-2 * abs(best[0]) + 1e-6 else (*found[1], False)


def near(f: Callable, x: float, h: float, precision: float) -> tuple[float, float, bool]:
    """The same with steps below |x|/4, which stay on x's side of 0: √x, log x and 1/x end there.

    Nothing is known (nan) where x is 0, or no nearer to 0 than the usual step h, or rounding drowns the difference.
    """
    small = abs(x) / 40
    if not 0 < small < h:
        return math.nan, 0.0, False
    slope, error, agree = refined(f, x, small, precision)
    return (slope, error, True) if agree and error < 1e-3 * abs(slope) else (math.nan, 0.0, False)


def one_sided(f: Callable, x: float, h: float, precision: float) -> tuple[float, float] | None:
    """The slopes to the left and to the right if they stay apart as the step shrinks: a kink. None: it is smooth.

    >>> one_sided(abs, 0.0, 1e-5, 2.0**-52), one_sided(math.exp, 0.0, 1e-5, 2.0**-52)
    ((-1.0, 1.0), None)
    """
    here = f(x)

    def sides(step: float) -> tuple[float, float]:
        return (here - f(x - step)) / step, (f(x + step) - here) / step

    wide, narrow = sides(h), sides(h / 100)
    apart, noise = abs(narrow[1] - narrow[0]), 8 * precision * max(abs(here), 1e-300) / (h / 100)
    return narrow if apart > 0.5 * abs(wide[1] - wide[0]) and apart > 10 * noise else None


def is_pole(f: Callable, x: float, h: float) -> bool:
    """Whether both one-sided slopes grow without end as the step shrinks: no kink, but a pole or a cusp close by.

    >>> is_pole(lambda x: 1 / x, 1e-10, 1e-5), is_pole(abs, 0.0, 1e-5)
    (True, False)
    """
    here = f(x)
    grown = [abs(f(x + side * h / 100) - here) * 100 > 2 * abs(f(x + side * h) - here) > 0 for side in (-1, 1)]
    return all(grown)
