"""Terms: pieces of Python's text that leave out what a person would leave out, as far as no number changes by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...engine import maths
from ...engine.graph import Node
from ..pieces import AND, OR, POWER, PRODUCT, SIGN, CodeError, Name, Python, functions_of


class Term(Python):
    """A piece of Python's text that leaves out `* 1`, `** 1`, and a minus of a minus.

    Each of these is exact for floats. What else algebra could shorten would round differently, and stays.

    >>> Term("a") + -1 * Term("b"), Term("a") ** 1
    (a - b, a)
    """

    def _infix(self, sign: str, place: int, left: Any, right: Any, truth: bool = False) -> Any:
        if sign == "*":
            for one, other in ((left, right), (right, left)):
                if isinstance(one, (int, float)) and abs(one) == 1:
                    return other if one == 1 else -other
        after: Any = self.of(right)
        if sign in "+-" and (positive := after.without_minus()) is not None:
            sign, right = "-" if sign == "+" else "+", positive
        return super()._infix(sign, place, left, right, truth)

    def without_minus(self) -> Any:
        """-x as x; None if it doesn't begin with a minus."""
        if self.text[0] != "-" or self.binds < PRODUCT:
            return None
        return type(self)(self.text[1:], POWER if self.binds == SIGN else self.binds)

    def __neg__(self) -> Any:
        positive = self.without_minus()
        return super().__neg__() if positive is None else positive

    def __and__(self, other: Any) -> Any:
        if isinstance(other, bool):  # decided by a plain number
            return self if other else False
        return self._both(other)

    __rand__ = __and__

    def _both(self, other: Any) -> Any:
        return super().__and__(other)

    @classmethod
    def power(cls, a: Any, b: Any) -> Any:
        """a**b."""
        if isinstance(b, (int, float)) and b in (0, 1):
            return a if b == 1 else 1.0
        return super().power(a, b)


class NumPyTerm(Term):
    """The same for arrays: choices are made number by number.

    >>> x = NumPyTerm("x")
    >>> NumPyTerm.where((x > 0) & (x < 1), x, 0.0)
    where((x > 0) & (x < 1), x, 0.0)
    """

    def _both(self, other: Any) -> Any:
        return type(self)(f"({self.text}) & ({self.of(other).text})", AND, truth=True)

    def __or__(self, other: Any) -> Any:
        return type(self)(f"({self.text}) | ({self.of(other).text})", OR, truth=True)

    @classmethod
    def where(cls, condition: Any, a: Any, b: Any) -> Any:
        """where(condition, a, b)."""
        return cls.call("where", condition, a, b)


for _kind in (Term, NumPyTerm):
    maths.register(_kind, functions_of(_kind))


def run_rule(node: Node, kind: type[Name], rule: Callable, *arguments: Any) -> Any:
    """What a rule of this node's row gives on names, as a piece of this kind; CodeError that names the row."""
    try:
        return kind.of(rule(*arguments))
    except Exception as error:  # whatever a learner's own rule may raise on being given names
        advice = ". Opened into Values it may be: to_python(loss.to_values())" if hasattr(node, "to_values") else ""
        raise CodeError(
            f"`{node.op.name}` can't be written as a line of a program: {error}{advice}"  # type: ignore[union-attr]
        ) from error


def times(slope: Name, g: Name) -> Any:
    """slope × g, without the 1 of 1 × g.

    >>> times(Term("-1"), Term("g")), times(Term("a + b", 4), Term("g"))
    (-g, (a + b) * g)
    """
    if slope.text in ("1", "1.0", "True"):
        return g
    return -g if slope.text in ("-1", "-1.0") else slope * g


def typed_number(x: Any) -> Any:
    """A plain number as the rules get it: an int that was typed stays one as long as it is exact."""
    return x if x.__class__ is int and abs(x) <= 2**53 else float(x)
