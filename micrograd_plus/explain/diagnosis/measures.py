"""How large numbers are: of single ones and of arrays, in float64."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any


def sum_of_squares(x: Any) -> float:
    """The sum of squares of a number or an array, in float64.

    >>> sum_of_squares(3.0)
    9.0
    """
    if not hasattr(x, "dtype"):
        return float(x) * float(x)
    wide = x.astype("float64")
    return float((wide * wide).sum())


def count(x: Any) -> int:
    """How many numbers there are in a number or an array."""
    return getattr(x, "size", 1)


def root_mean_square(parts: Iterable[Any]) -> float:
    """The root of the mean square of all numbers in parts; None among them counts for nothing.

    >>> root_mean_square([3.0, None, 3.0])
    3.0
    """
    known = [part for part in parts if part is not None]
    n = sum(map(count, known))
    return math.sqrt(sum(map(sum_of_squares, known)) / n) if n else 0.0
