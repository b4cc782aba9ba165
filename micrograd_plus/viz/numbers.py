"""How numbers and names are written in pictures: 4 significant digits, shapes as 2×3, names on one line."""

from __future__ import annotations

import math
from typing import Any

FEW = 6  # numbers of a small array that are written out
LONGEST_NAME = 40  # letters of a name in a box; the tooltip has all of it


def number(x: Any, spec: str = ".4g") -> str:
    """One number in few digits: `spec` is a format such as ".4g" or "+.2f". 0 has no sign of its own."""
    return format(float(x) + 0.0, spec)  # -0.0 + 0.0 is 0.0


def one_line(name: str, most: int = LONGEST_NAME) -> str:
    r"""A name as it can stand in a box: on one line, without control characters, not too long.

    >>> one_line("two\nlines"), one_line("w" * 50, most=10)
    ('two lines', 'wwwwwwwww…')
    """
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(name.split()))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def array_lines(x: Any, spec: str = ".4g") -> str:
    """A small array as its numbers, a larger one as min, mean and max."""
    flat = x.reshape(-1)
    if not flat.size:
        return "empty"
    if flat.size <= FEW:
        rows = x.tolist()
        return _nested(rows, spec)
    if not math.isfinite(float(flat.sum())):
        bad = int((~(abs(flat) < math.inf)).sum())
        return f"{bad} of {flat.size} not finite"
    low, mean, high = (number(v, spec) for v in (flat.min(), flat.mean(), flat.max()))
    return f"{low} … {mean} … {high}"


def shape_text(shape: tuple[int, ...]) -> str:
    """(2, 3) as 2×3."""
    return "×".join(map(str, shape)) or "1 number"


def rms(numbers: Any) -> float:
    """The root of the mean of the squares: the typical size of many numbers."""
    total, count = 0.0, 0
    for x in numbers:
        if hasattr(x, "size"):
            total, count = total + float((x.astype(float) ** 2).sum()), count + x.size
        elif x is not None:
            total, count = total + x * x, count + 1
    return math.sqrt(total / count) if count else 0.0


def _nested(x: Any, spec: str) -> str:
    if isinstance(x, list):
        return "[" + ", ".join(_nested(part, spec) for part in x) + "]"
    return number(x, spec)
