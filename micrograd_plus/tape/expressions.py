"""A rule of the table as NumPy calls that write into memory: its expression taken apart, one call an operator.

No rule is written a second time for it: the rule is run on names (explain/pieces.py), which gives its text, and
Python's own parser takes that apart. `1 - y * y` becomes multiply(y, y, b1); subtract(n1, b1, b2).
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.erfc import erfc
from ..explain.code import expression
from ..explain.pieces import CodeError

OPERATORS = {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide}
COMPARISONS = {
    ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal, ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}  # fmt: skip
FUNCTIONS = {
    name: getattr(np, name)
    for name in "exp expm1 log log1p sqrt sin cos tan sinh cosh tanh arctan sign abs maximum minimum".split()
}
POWERS = {2.0: np.square, 0.5: np.sqrt, -1.0: np.reciprocal}  # what NumPy's ** does for these


class NotWritten(Exception):  # noqa: N818 - no error: the row is called as it is then
    """A rule that can't be taken apart."""


def write(program: Any, rule: Callable, *operands: Any) -> Any:
    """Write the calls that compute `rule` of these variables and numbers; gives a variable or a number.

    NotWritten where that isn't possible.
    """
    names: list = []
    found: dict[str, Any] = {}
    for i, x in enumerate(operands):
        names.append(f"x{i}" if hasattr(x, "name") else x)
        found[f"x{i}"] = x
    try:
        tree = ast.parse(expression(rule, *names), mode="eval")
    except (CodeError, SyntaxError, TypeError) as error:
        raise NotWritten from error
    return _Writer(program, found).of(tree.body)


class _Writer:
    """Goes through an expression, inner parts first."""

    def __init__(self, program: Any, found: dict[str, Any]):
        self.program, self.found = program, found

    def of(self, node: ast.expr) -> Any:
        """The variable or number that this part of the expression is."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise NotWritten
        return method(node)

    def _computed(self, function: Any, *xs: Any) -> Any:
        if not any(hasattr(x, "name") for x in xs):
            return function(*xs).item()  # numbers alone
        y = self.program.call(function, *xs)
        if y is None:
            raise NotWritten
        return y

    def _name(self, node: ast.Name) -> Any:
        return {"nan": np.nan, "inf": np.inf}.get(node.id) if node.id in ("nan", "inf") else self.found[node.id]

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        x = self.of(node.operand)
        return self._computed(np.negative, x) if hasattr(x, "name") else -x

    def _binop(self, node: ast.BinOp) -> Any:
        a, b = self.of(node.left), self.of(node.right)
        if isinstance(node.op, ast.Pow):
            if hasattr(b, "name") or not hasattr(a, "name"):
                raise NotWritten
            return a if b == 1 else self._computed(POWERS[b], a) if b in POWERS else self._computed(np.power, a, b)
        return self._computed(OPERATORS[type(node.op)], a, b)

    def _compare(self, node: ast.Compare) -> Any:
        if len(node.ops) > 1:
            raise NotWritten
        return self._computed(COMPARISONS[type(node.ops[0])], self.of(node.left), self.of(node.comparators[0]))

    def _boolop(self, node: ast.BoolOp) -> Any:
        function = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        y = self.of(node.values[0])
        for value in node.values[1:]:
            y = self._computed(function, y, self.of(value))
        return y

    def _ifexp(self, node: ast.IfExp) -> Any:
        return self.program.where(self.of(node.test), self.of(node.body), self.of(node.orelse))

    def _call(self, node: ast.Call) -> Any:
        name = node.func.id  # type: ignore[attr-defined]
        xs = [self.of(x) for x in node.args]
        if name in FUNCTIONS:
            return self._computed(FUNCTIONS[name], *xs)
        (x,) = xs
        if name == "erfc":
            return self._computed(erfc, x)
        if name == "relu":
            return self._computed(np.maximum, x, 0)
        if name == "step":
            return self._computed(np.greater, x, 0)  # what it is multiplied with takes True as 1
        small = lambda: self._computed(np.exp, self._computed(np.negative, self._computed(np.abs, x)))  # exp(-|x|)
        if name == "sigmoid":
            above = self._computed(np.exp, self._computed(np.minimum, x, 0))
            return self._computed(np.divide, above, self._computed(np.add, 1, small()))
        if name == "softplus":
            return self._computed(np.add, self._computed(np.maximum, x, 0), self._computed(np.log1p, small()))
        raise NotWritten
