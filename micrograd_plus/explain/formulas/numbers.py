"""Numbers that a reader knows by another name: 1.4142135623730951 is √2."""

from __future__ import annotations

import math
from fractions import Fraction

ROOTS = {
    "": 1.0,
    "√2": math.sqrt(2),
    "√π": math.sqrt(math.pi),
    "1/√π": 1 / math.sqrt(math.pi),
    "1/√(2·π)": 1 / math.sqrt(2 * math.pi),
}


def as_fraction_of_root(x: float) -> tuple[Fraction, str] | None:
    """x as a small fraction of one of the roots above, if it is that to the last digits and is long as a decimal."""
    if not math.isfinite(x) or len(repr(abs(x))) < 9:
        return None
    for root, size in ROOTS.items():
        fraction = Fraction(x / size).limit_denominator(12)
        if fraction and abs(fraction.numerator) <= 12 and math.isclose(float(fraction) * size, x, rel_tol=5e-16):
            return fraction, root
    return None
