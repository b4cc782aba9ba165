"""Pieces of source text that can be computed with: `Name("a") + 1` is the text "a + 1".

A rule of the table is only arithmetic, so it runs on these as it runs on numbers, and so writes its own text: in
Python, or in JavaScript. `m.tanh` run on the name x gives "tanh(x)", because names have their own library in
engine/maths.py, as floats and arrays have.
"""

from __future__ import annotations

import math
from numbers import Real
from types import SimpleNamespace
from typing import Any

from ..engine import maths
from ..engine.arithmetic import NUMPYS


class CodeError(TypeError):
    """A rule that can't be written as one expression."""


# How tightly a piece of text holds together: parentheses are needed where a looser piece stands in a tighter place.
CHOICE, OR, AND, COMPARE, SUM, PRODUCT, SIGN, POWER, ATOM = range(9)


class Name:
    """A piece of source text that computes by growing: `Name("a") + 1` is the text "a + 1".

    text: the source. binds: how tightly it holds together. truth: whether it is a comparison and not a number.
    """

    words: dict[str, str]  # how this language writes what Python's operators and constants mean

    def __init__(self, text: str, binds: int = ATOM, truth: bool = False):
        self.text = text
        self.binds = binds
        self.truth = truth

    def within(self, place: int) -> str:
        """The text for a place that needs at least this tightness: in parentheses if it is looser."""
        return self.text if self.binds >= place else f"({self.text})"

    @classmethod
    def of(cls, x: Any) -> Name:
        """x as a piece of text: a Name as it is, a number as a literal. CodeError for anything else."""
        if hasattr(x, "item") and getattr(x, "ndim", None) == 0:  # one of NumPy's numbers
            x = x.item()
        if isinstance(x, Name):
            return x
        if isinstance(x, bool):
            return cls(cls.words[str(x)], truth=True)
        if not isinstance(x, Real):
            raise CodeError(f"only numbers and names can stand in a rule's text, not {type(x).__name__} {x!r}"[:200])
        x = x if isinstance(x, int) else float(x)
        if x != x:
            return cls(cls.words["nan"])
        text = cls.words["inf"] if abs(x) == math.inf else repr(abs(x))
        return cls(f"-{text}", SIGN) if math.copysign(1.0, x) < 0 else cls(text)

    def _infix(self, sign: str, place: int, left: Any, right: Any, truth: bool = False) -> Name:
        # The right one is in parentheses if it is as loose: a - (b - c); for + and * too, since floats round.
        after = self.of(right).within(place + 1)
        before = self.of(left).within(place + (place == COMPARE))
        return type(self)(f"{before} {self.words.get(sign, sign)} {after}", place, truth)

    # fmt: off
    def __add__(self, other: Any) -> Name: return self._infix("+", SUM, self, other)
    def __radd__(self, other: Any) -> Name: return self._infix("+", SUM, other, self)
    def __sub__(self, other: Any) -> Name: return self._infix("-", SUM, self, other)
    def __rsub__(self, other: Any) -> Name: return self._infix("-", SUM, other, self)
    def __mul__(self, other: Any) -> Name: return self._infix("*", PRODUCT, self, other)
    def __rmul__(self, other: Any) -> Name: return self._infix("*", PRODUCT, other, self)
    def __truediv__(self, other: Any) -> Name: return self._infix("/", PRODUCT, self, other)
    def __rtruediv__(self, other: Any) -> Name: return self._infix("/", PRODUCT, other, self)
    def __lt__(self, other: Any) -> Name: return self._infix("<", COMPARE, self, other, truth=True)
    def __le__(self, other: Any) -> Name: return self._infix("<=", COMPARE, self, other, truth=True)
    def __gt__(self, other: Any) -> Name: return self._infix(">", COMPARE, self, other, truth=True)
    def __ge__(self, other: Any) -> Name: return self._infix(">=", COMPARE, self, other, truth=True)
    def __eq__(self, other: object) -> Name: return self._infix("==", COMPARE, self, other, truth=True)  # type: ignore[override]
    def __ne__(self, other: object) -> Name: return self._infix("!=", COMPARE, self, other, truth=True)  # type: ignore[override]
    def __and__(self, other: Any) -> Name: return self._infix("and", AND, self, other, truth=True)
    def __rand__(self, other: Any) -> Name: return self._infix("and", AND, other, self, truth=True)
    def __or__(self, other: Any) -> Name: return self._infix("or", OR, self, other, truth=True)
    def __ror__(self, other: Any) -> Name: return self._infix("or", OR, other, self, truth=True)
    def __pow__(self, other: Any) -> Name: return self.power(self, other)
    def __rpow__(self, other: Any) -> Name: return self.power(other, self)
    def __neg__(self) -> Name: return type(self)(f"-{self.within(SIGN + (self.text[0] == '-'))}", SIGN)
    def __pos__(self) -> Name: return self
    def __abs__(self) -> Name: return self.call("abs", self)
    __hash__ = None  # type: ignore[assignment] # == gives a text, so names can't be keys of a dict
    # fmt: on

    @classmethod
    def call(cls, function: str, *xs: Any) -> Name:
        """The text of a call: tanh(x)."""
        return cls(f"{cls.words['call']}{function}({', '.join(cls.of(x).text for x in xs)})")

    @classmethod
    def power(cls, a: Any, b: Any) -> Name:
        """The text of a to the power of b."""
        raise NotImplementedError

    @classmethod
    def where(cls, condition: Name, a: Any, b: Any) -> Name:
        """The text of "a if the condition holds, else b"."""
        raise NotImplementedError

    def __array_ufunc__(self, ufunc: Any, method: str, *xs: Any, **kwargs: Any) -> Any:
        """np.exp(x) in a user's rule, or one of NumPy's numbers on the left: the same in our words."""
        if method == "__call__" and not kwargs and ufunc.__name__ in NUMPYS:
            return NUMPYS[ufunc.__name__](*(x if isinstance(x, Name) else float(x) for x in xs))
        return NotImplemented

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise CodeError("it makes an array of its input: use micrograd_plus's own functions, which take anything")

    def __bool__(self) -> bool:
        raise CodeError(
            "it decides something (if, and, or, not, max, a < b < c) before its number is known: "
            "say it with where(x > 0, a, b), maximum, &, |"
        )

    def __float__(self) -> float:
        raise CodeError(
            "it needs its number at once (math.sin, float …): use micrograd_plus's own exp, log, tanh …, "
            "which take anything"
        )

    __int__ = __index__ = __float__

    def __repr__(self) -> str:
        return self.text


class Python(Name):
    """Source text in Python; what its calls mean stands in engine/maths.py."""

    words = {"call": "", "nan": "nan", "inf": "inf", "True": "True", "False": "False"}  # noqa: RUF012

    @classmethod
    def power(cls, a: Any, b: Any) -> Name:
        """a**b."""
        return cls(f"{cls.of(a).within(ATOM)}**{cls.of(b).within(SIGN)}", POWER)

    @classmethod
    def where(cls, condition: Name, a: Any, b: Any) -> Name:
        """a if condition else b."""
        return cls(f"{cls.of(a).within(OR)} if {condition.within(OR)} else {cls.of(b).text}", CHOICE)


class JavaScript(Name):
    """Source text in JavaScript; its calls are those of `m`, the VOCABULARY of code.py."""

    words = {  # noqa: RUF012
        "call": "m.", "nan": "NaN", "inf": "Infinity", "True": "true", "False": "false",
        "and": "&&", "or": "||", "==": "===", "!=": "!==",
    }  # fmt: skip

    @classmethod
    def power(cls, a: Any, b: Any) -> Name:
        """m.pow(a, b)."""
        return cls.call("pow", a, b)

    @classmethod
    def where(cls, condition: Name, a: Any, b: Any) -> Name:
        """condition ? a : b."""
        # A number as a condition: not a number counts as true in Python, as false in JavaScript; != 0 is right for
        # true and false as well.
        test = condition.within(OR) if condition.truth else f"{condition.within(COMPARE + 1)} != 0"
        return cls(f"{test} ? {cls.of(a).within(OR)} : {cls.of(b).text}", CHOICE)


def functions_of(kind: type[Name]) -> SimpleNamespace:
    """engine/maths.py's functions for names: each writes its own call."""
    calls = {name: lambda *xs, name=name: kind.call(name, *xs) for name in vars(maths.floats)}
    return SimpleNamespace(**calls | {"pow": kind.power, "where": kind.where})


LANGUAGES: dict[str, type[Name]] = {"python": Python, "javascript": JavaScript}
for _kind in LANGUAGES.values():
    maths.register(_kind, functions_of(_kind))
