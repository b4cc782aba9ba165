"""Arguments, accepted as asked for or refused in plain words."""

import math
import operator
import random
import reprlib
import sys
from collections.abc import Callable
from numbers import Real
from typing import Any


def whole(name: str, value: Any, example: int, least: int = 1) -> int:
    """`value` as an int of at least `least`; NumPy's integers are welcome."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, {got(value)}; try {name}={example}") from None
    if number < least:
        raise ValueError(f"{name} must be at least {least}, {got(value)}; try {name}={example}")
    if number > sys.maxsize:
        raise ValueError(f"{name} is larger than anything that fits into memory; try {name}={example}")
    return number


def switch(name: str, value: Any) -> bool:
    """`value`, if it is True or False: a text such as "False" would count as true."""
    if value is not True and value is not False:
        raise TypeError(f"{name} is True or False, {got(value)}; try {name}=True")
    return value


def real(
    name: str,
    value: Any,
    example: float,
    rule: str = "a finite number",
    holds: Callable[[Any], bool] = math.isfinite,
) -> float:
    """`value` as a float for which `rule`, in words, `holds`, in code."""
    if not isinstance(value, Real):
        raise TypeError(f"{name} must be {rule}, {got(value)}; try {name}={example}")
    number: Any = value
    too_large = isinstance(value, int) and abs(number) > sys.float_info.max  # isfinite would raise an OverflowError
    if too_large or not holds(value):
        raise ValueError(f"{name} must be {rule}, {got(value)}; try {name}={example}")
    return float(value)


def spread_of(name: str, value: Any, example: float) -> float:
    """`value` as a standard deviation: finite, and not negative."""
    return real(name, value, example, "a finite number of at least 0", lambda v: 0 <= v < math.inf)


def generator(seed: int | None) -> random.Random:
    """The source of chance: the same for the same `seed`; without one, Python's global `random` decides."""
    if seed is None:
        return random.Random(random.getrandbits(64))
    try:
        return random.Random(operator.index(seed))
    except TypeError:
        raise TypeError(f"seed must be a whole number or None, {got(seed)}; try seed=0") from None


def as_random_state(kept: Any) -> tuple:
    """What `random.getstate()` gave, for `setstate`: JSON, which knows no tuples, may have made lists of them.

    ValueError for anything else: `setstate` itself would keep half of it.
    """
    try:
        version, words, gauss = kept
        random.Random(0).setstate((version, tuple(words), gauss))
        if gauss is None or math.isfinite(gauss):
            return version, tuple(words), gauss
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError(f"this is no state of Python's random: {got(kept)}")


def got(value: Any) -> str:
    """What came instead, cut short: `got str '32'`."""
    return f"got {type(value).__name__} {reprlib.repr(value)}"
