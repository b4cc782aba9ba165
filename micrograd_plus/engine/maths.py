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

from .edges import Careful, carefully

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


carefuls = carefully(floats)  # for where those raise: 1/0 is inf


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


def register(kind: type, functions: Any) -> None:
    """Let exp, log … of this type of number be those of `functions` (for a type of our own: see explain/code.py)."""
    _library_of[kind] = functions


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
