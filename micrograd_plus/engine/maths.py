"""exp, log, tanh … : which library speaks for this type of number.

A rule says `m.tanh(x)` and works for floats (Python's `math`), for arrays (`numpy`) and for symbols (`sympy`):
the library is the one that the type of x comes from, so nothing is imported here that isn't already in use.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

inf, nan = math.inf, math.nan


# -- Python's floats ---------------------------------------------------------------------------------------


def _sigmoid(x: float) -> float:
    e = math.exp(-abs(x))  # never overflows
    return (1.0 if x >= 0 else e) / (1.0 + e)


floats = SimpleNamespace(
    exp=math.exp, expm1=math.expm1, log=math.log, log1p=math.log1p, sqrt=math.sqrt,
    sin=math.sin, cos=math.cos, tan=math.tan, sinh=math.sinh, cosh=math.cosh, tanh=math.tanh,
    arctan=math.atan, erfc=math.erfc, pow=math.pow, abs=abs, sigmoid=_sigmoid,
    softplus=lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),  # log(1 + exp(x)), never overflows
    relu=lambda x: x if x > 0 or x != x else 0.0,
    step=lambda x: 1.0 if x > 0 else 0.0,
    sign=lambda x: float(x > 0) - float(x < 0) if x == x else x,
    maximum=lambda a, b: a if a >= b or a != a else b,
    minimum=lambda a, b: a if a <= b or a != a else b,
)  # fmt: skip


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


carefuls = SimpleNamespace(**{name: _carefully(name, f) for name, f in vars(floats).items()})
carefuls.pow = _power


def at_the_edge(name: str, forward: Callable, xs: Any) -> float:
    """forward(*xs) where Python's floats raise: infinities as IEEE has them; ValueError where nothing is real."""
    y = float(forward(*map(Careful, xs)))
    if y != y and all(math.isfinite(x) for x in xs):
        shown = ", ".join(f"{x:g}" for x in xs)
        raise ValueError(
            f"`{name}` of ({shown}) is not a real number. Keep its input in the range where it is defined: "
            "clip it, add a small constant, or take abs() first"
        )
    return y


# -- other libraries, by the name of the package that a type comes from --------------------------------------


def _sympy() -> SimpleNamespace:
    s = sys.modules["sympy"]
    renamed = {"arctan": "atan", "abs": "Abs", "maximum": "Max", "minimum": "Min", "pow": "Pow"}
    names = {name: getattr(s, renamed.get(name, name), None) for name in vars(floats)}
    names |= {
        "expm1": lambda x: s.exp(x) - 1,
        "log1p": lambda x: s.log(1 + x),
        "sigmoid": lambda x: 1 / (1 + s.exp(-x)),
        "softplus": lambda x: s.log(1 + s.exp(x)),
        "relu": lambda x: s.Max(x, 0),
        "step": lambda x: s.Heaviside(x, 0),
        "where": lambda condition, a, b: s.Piecewise((a, condition), (b, True)),
    }
    return SimpleNamespace(**names)


# A package's functions under our names, made at first use. array_ops.py adds numpy's.
LIBRARIES: dict[str, Callable[[], Any]] = {"sympy": _sympy}
_library_of: dict[type, Any] = {float: floats, int: floats, bool: floats, Careful: carefuls}


def library(kind: type) -> Any:
    """The functions (exp, log, …) for numbers of this type."""
    if kind not in _library_of:
        package = kind.__module__.partition(".")[0]
        if package not in LIBRARIES:
            raise TypeError(f"no exp, log, tanh … is known for {kind.__name__}: a number, array or symbol is needed")
        _library_of[kind] = LIBRARIES[package]()
    return _library_of[kind]


class _ByType(dict):
    """One function for each type of number; found in its library at first use."""

    def __init__(self, name: str):
        super().__init__()
        self.name = name

    def __missing__(self, kind: type) -> Callable:
        self[kind] = function = getattr(library(kind), self.name)
        return function


def _of_one(name: str) -> Callable:
    functions = _ByType(name)
    return lambda x: functions[x.__class__](x)


def _of_two(name: str) -> Callable:
    functions = _ByType(name)
    return lambda a, b: functions[(b if a.__class__ in (float, int) else a).__class__](a, b)


exp, expm1, log, log1p, sqrt = map(_of_one, ("exp", "expm1", "log", "log1p", "sqrt"))
sin, cos, tan, sinh, cosh, tanh, arctan = map(_of_one, ("sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan"))
sigmoid, softplus, erfc = map(_of_one, ("sigmoid", "softplus", "erfc"))
abs_, sign, step, relu = map(_of_one, ("abs", "sign", "step", "relu"))
pow_, maximum, minimum = map(_of_two, ("pow", "maximum", "minimum"))


def where(condition: Any, a: Any, b: Any) -> Any:
    """a where the condition holds, b elsewhere."""
    if condition.__class__ in (bool, float, int, Careful):
        return a if condition else b
    return library(condition.__class__).where(condition, a, b)
