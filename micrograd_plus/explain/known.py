"""Pieces of source text whose numbers are known, so that a rule's choice is made: only the branch taken is written."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from ..engine import maths
from ..engine.maths import Careful
from .pieces import ATOM, LANGUAGES, PRODUCT, SIGN, Name
from .reading import number_text

PythonText: Any = LANGUAGES["python"]


class Known(PythonText):
    """A piece of Python's text, and the number that it stands for.

    text, binds, truth: as in Name. number: kept as a Careful, which computes with infinities as IEEE does.

    >>> x = Known("x", number=-2.0)
    >>> y = Known.where(x > 0, x, 0.5 * x)
    >>> y.text, float(y.number)
    ('0.5*x', -1.0)
    """

    def __init__(self, text: str, binds: int = ATOM, truth: bool = False, number: float = math.nan):
        super().__init__(text, binds, truth)
        self.number = Careful(number)

    @classmethod
    def of(cls, x: Any) -> Any:
        """x as a piece of text that knows its number."""
        if isinstance(x, Name):
            return x
        text = number_text(float(x))
        return cls(text, SIGN if text.startswith("-") else ATOM, number=x)

    def _infix(self, sign: str, place: int, left: Any, right: Any, truth: bool = False) -> Any:
        a, b = self.of(left), self.of(right)
        number = _SIGNS[sign](a.number, b.number)
        if truth:
            return bool(number)
        if sign == "+" and not isinstance(left, Name) and left == 0:  # where adding up starts
            return b
        space = "" if place == PRODUCT else " "
        text = f"{a.within(place)}{space}{sign}{space}{b.within(place + 1)}"
        return type(self)(text, place, number=number)

    def __neg__(self) -> Any:
        y = super().__neg__()
        y.number = -self.number
        return y

    @classmethod
    def call(cls, function: str, *xs: Any) -> Any:
        """The text of a call, and its number."""
        y = super().call(function, *xs)
        y.number = getattr(maths.carefuls, function)(*(cls.of(x).number for x in xs))
        return y

    @classmethod
    def power(cls, a: Any, b: Any) -> Any:
        """The text of a to the power of b, and its number; x**1 is x."""
        a, b = cls.of(a), cls.of(b)
        if b.text == "1":
            return a
        y = super().power(a, b)
        y.number = a.number**b.number
        return y

    @classmethod
    def where(cls, condition: Any, a: Any, b: Any) -> Any:
        """The branch that was taken."""
        return cls.of(a if cls.of(condition).number else b)


_SIGNS: dict[str, Callable] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip

maths.register(
    Known,
    SimpleNamespace(
        **{name: partial(Known.call, name) for name in vars(maths.floats)} | {"pow": Known.power, "where": Known.where}
    ),
)


def run_on_known(rule: Callable, *arguments: Any) -> Known | None:
    """What a rule computes from Knowns; None for a rule that can't be run on them.

    >>> run_on_known(lambda a, b: a * b, Known("a", number=2.0), Known("b", number=3.0))
    a*b
    """
    try:
        return Known.of(rule(*arguments))
    except RecursionError:
        raise
    except Exception:  # whatever a learner's own rule may raise on being given names
        return None


def is_equal(a: float, b: float) -> bool:
    """The same number but for rounding; nan is like nan.

    >>> is_equal(0.1 + 0.2, 0.3), is_equal(0.3, 0.4)
    (True, False)
    """
    return a == b or (a != a and b != b) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-300)
