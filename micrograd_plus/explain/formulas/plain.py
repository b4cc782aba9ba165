"""Mathematics in plain characters: a rule run on these pieces of text gives 1 - y², a·b, √x."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from ...engine import maths
from ..pieces import ATOM, POWER, PRODUCT, SIGN, SUM, CodeError, Name, Python, functions_of
from .numbers import as_fraction_of_root


class PlainText(Python):
    """A formula for readers: 1 - y², a·b, √x."""

    words = Python.words | {"inf": "∞", "<=": "≤", ">=": "≥", "!=": "≠"}

    @classmethod
    def of(cls, x: Any) -> Name:
        """x as a piece of text: √2, 1/3, ∞; an ellipsis where digits are left out."""
        piece = super().of(x)
        if piece is x or not isinstance(x, float) or not math.isfinite(x):
            return piece
        if (known := as_fraction_of_root(x)) is not None:
            fraction, root = known
            over = root.startswith("1/")
            above = f"{abs(fraction.numerator)}" if over or not root or abs(fraction.numerator) != 1 else ""
            below = f"/{fraction.denominator}" if fraction.denominator != 1 else ""
            text = above + (root[1:] if over else ("·" if above and root else "") + root) + below
            binds = PRODUCT if over or below or (above and root) else ATOM
            return cls(text if x > 0 else f"-{text}", binds if x > 0 else min(binds, SIGN))
        short = f"{x:.6g}"  # an ellipsis where digits are left out
        return cls(short if float(short) == x else short + "…", ATOM if x > 0 or short == "0" else SIGN)

    def _infix(self, sign: str, place: int, left: Any, right: Any, truth: bool = False) -> Name:
        a, b = self.of(left), self.of(right)
        if sign == "and" and "False" in (a.text, b.text):
            return self.of(False)
        if sign in ("and", "*") and (kept := {"True": b, "1": b, "-1": -b}.get(a.text)) is not None:
            return kept
        if sign == "*" and (squared := self._squared(a, b)) is not None:
            return squared
        if sign == "+" and a.text == "0":
            return b
        if sign == "+" and b.binds == ATOM and a.binds == SUM and a.text.endswith(f" - {b.text}"):
            return type(self)(a.text[: -len(b.text) - 3], SUM)  # exp(x) - 1 + 1
        if sign == "and" and a.text.endswith(" ≥ 0") and b.text == a.text.replace("≥", "≤"):
            return type(self)(a.text.replace("≥", "="), a.binds, truth=True)  # how the table asks whether a is 0
        whole = super()._infix(sign, place, a, b, truth)
        if sign in "*/":
            whole.text = f"{a.within(place)}{'·' if sign == '*' else '/'}{b.within(place + 1)}"
        return whole

    @classmethod
    def where(cls, condition: Name, a: Any, b: Any) -> Name:
        """a if condition else b; where the condition is known, one of them alone."""
        if condition.text in ("True", "False"):
            return cls.of(a if condition.text == "True" else b)
        return super().where(condition, a, b)

    def _squared(self, a: Name, b: Name) -> Name | None:
        """x·x as x², also behind other factors: -x·x, 0.5·x·x."""
        if a.text == b.text:
            return self.power(a, 2)
        before = a.text.removesuffix(b.text)
        if b.binds == ATOM and before != a.text and (before == "-" or before.endswith("·")):
            return type(self)(before + self.power(b, 2).text, a.binds)
        return None

    @classmethod
    def power(cls, a: Any, b: Any) -> Name:
        """x², √x, a^b."""
        a, b = cls.of(a), cls.of(b)
        if b.text == "1":
            return a
        if b.text == "0.5":
            return _root(a)
        if re.fullmatch(r"-?\d+", b.text):
            return cls(a.within(ATOM) + b.text.translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")), POWER)
        return cls(f"{a.within(ATOM)}^{b.within(ATOM)}", POWER)


def _root(x: Name) -> Name:
    return type(x)(f"√{x.text}" if x.text.isidentifier() else f"√({x.text})")


maths.register(
    PlainText,
    SimpleNamespace(
        **vars(functions_of(PlainText))
        | {
            "sqrt": _root,
            "abs": lambda x: type(x)(f"|{x.text}|"),
            "expm1": lambda x: PlainText.call("exp", x) - 1,
            "log1p": lambda x: PlainText.call("log", 1 + x),
            "maximum": lambda a, b: PlainText.call("max", a, b),
            "minimum": lambda a, b: PlainText.call("min", a, b),
        }
    ),
)
# What the less common functions are, said once when one of them is the whole of a row.
MEANINGS: dict[str, Callable] = {
    "sigmoid": lambda x: 1 / (1 + maths.exp(-x)),
    "softplus": lambda x: maths.log(1 + maths.exp(x)),
    "relu": lambda x: maths.maximum(0, x),
    "step": lambda x: maths.where(x > 0, 1, 0),
    "sign": lambda x: maths.where(x > 0, 1, maths.where(x < 0, -1, 0)),
}


def run(rule: Callable, *args: Any) -> Name:
    """The rule on pieces of text; CodeError where it can't be run so."""
    try:
        y = rule(*args)
        return y if isinstance(y, Name) else PlainText.of(y)
    except Exception as error:  # whatever a user's own rule may raise on being given names
        raise CodeError(str(error)) from error
