"""The edges of arithmetic: what 1/0, log(0) and exp(1000) are, where Python's floats raise.

A Value's rule is run again on `Careful` floats when the quick way has raised; most programs never come here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

inf, nan = math.inf, math.nan


class Careful(float):
    """A float that answers as IEEE 754 (and NumPy, and PyTorch) where Python's floats raise: 1/0 is inf.

    Slow, so used only after the quick way has raised.
    """


def _stay_careful(name: str) -> Callable:
    plain = getattr(float, name)

    def careful(self: float, other: Any) -> Any:
        y = plain(self, other)
        return y if y is NotImplemented else Careful(y)  # NotImplemented: other is an array or a node

    return careful


for _name in ("add", "sub", "mul"):
    setattr(Careful, f"__{_name}__", _stay_careful(f"__{_name}__"))
    setattr(Careful, f"__r{_name}__", _stay_careful(f"__r{_name}__"))


def _divide(a: float, b: float) -> Careful:
    if b != 0:
        return Careful(float(a) / float(b))
    return Careful(nan if a == 0 or a != a else math.copysign(inf, a) * math.copysign(1.0, b))


def _power(a: float, b: float) -> Careful:
    odd = b % 2 == 1
    try:
        return Careful(math.pow(a, b))
    except OverflowError:
        return Careful(-inf if a < 0 and odd else inf)
    except ValueError:  # a power of zero below 0, or a negative number's root
        return Careful((math.copysign(inf, a) if odd else inf) if a == 0 else nan)


def _of_floats(function: Callable, swap: bool = False) -> Callable:
    def careful(self: float, other: Any) -> Any:
        if not isinstance(other, (int, float)):
            return NotImplemented
        return function(other, self) if swap else function(self, other)

    return careful


Careful.__neg__ = lambda self: Careful(float.__neg__(self))  # type: ignore[method-assign]
for _name, _function in (("truediv", _divide), ("pow", _power)):
    setattr(Careful, f"__{_name}__", _of_floats(_function))
    setattr(Careful, f"__r{_name}__", _of_floats(_function, swap=True))

_POLES = {("log", 0.0), ("log1p", -1.0)}


def _carefully(name: str, function: Callable) -> Callable:
    def careful(*xs: float) -> Careful:
        try:
            return Careful(function(*xs))
        except OverflowError:
            return Careful(math.copysign(inf, xs[0]) if name == "sinh" else inf)
        except ValueError:
            return Careful(-inf if (name, xs[0]) in _POLES else nan)

    return careful


def carefully(functions: SimpleNamespace) -> SimpleNamespace:
    """The same functions, answering where they would raise."""
    careful = SimpleNamespace(**{name: _carefully(name, f) for name, f in vars(functions).items()})
    careful.pow = _power
    return careful


def at_the_edge(name: str, forward: Callable, xs: Any) -> float:
    """forward(*xs) where Python's floats raise: infinities as IEEE has them; ValueError where nothing is real."""
    try:
        xs = [Careful(x) for x in xs]
    except OverflowError:
        raise OverflowError(f"`{name}`: a whole number of more than 308 digits is too large for a float") from None
    y = float(forward(*xs))
    if y != y and all(math.isfinite(x) for x in xs):
        shown = ", ".join(f"{x:g}" for x in xs)
        raise ValueError(
            f"`{name}` of ({shown}) is not a real number. Keep its input in the range where it is defined: "
            "clip it, add a small constant, or take abs() first"
        )
    return y
