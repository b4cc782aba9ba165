"""How a graph of Values is written: in Python's own arithmetic and its `math`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...engine import maths
from ...engine.graph import Many, Node
from ..pieces import Name, Python
from .terms import Term, run_rule, times, typed_number


class Numbers:
    """Lines for Values. called: what each node is called; a leaf that has no name there is written as its number."""

    library = "math"
    # What engine/maths.py's functions are called in the library, where it has them …
    imports = {name: name for name in "exp expm1 log log1p sqrt sin cos tan sinh cosh tanh erfc inf nan".split()} | {
        "arctan": "atan as arctan"
    }
    # … and how they are written where it has not. The numbers are maths.py's, also those of infinity and nan.
    definitions = {  # noqa: RUF012
        "sigmoid": """
def sigmoid(x):
    e = exp(-abs(x))  # never overflows
    return (1.0 if x >= 0 else e) / (1.0 + e)
""",
        "softplus": """
def softplus(x):  # log(1 + exp(x)), never overflows
    return max(x, 0.0) + log1p(exp(-abs(x)))
""",
        "relu": """
def relu(x):
    return max(x, 0.0)
""",
        "step": """
def step(x):  # the slope of relu
    return 1.0 if x > 0 else 0.0
""",
        "sign": """
def sign(x):
    return float(x > 0) - float(x < 0) if x == x else x  # x != x: not a number
""",
        "maximum": """
def maximum(a, b):
    return a if a >= b or a != a else b  # a != a: not a number
""",
        "minimum": """
def minimum(a, b):
    return a if a <= b or a != a else b  # a != a: not a number
""",
    }
    reserved = {*vars(maths.floats), *imports, *definitions}  # noqa: RUF012

    def __init__(self, called: Mapping[Node, str]):
        self.called = called
        self.data: list = []  # what else is an argument: nothing

    def forward(self, node: Any) -> str:
        """What is on the right of `y =`: the row's forward rule run on names."""
        for kind in (Term, Python):
            xs = self._operands(node, kind)
            y = run_rule(node, kind, node.op.forward, *([xs] if isinstance(node.op, Many) else xs))
            if isinstance(node.op, Many):
                y.text = y.text.removeprefix("0.0 + ")  # where a sum starts
            if not y.text.isidentifier():  # of x * 1.0 a bare x is left, which says too little of what was computed
                break
        return f"float({y.text})" if y.truth else y.text

    def received(self, node: Any, i: int, g: str) -> Any:
        """What operand i receives when the gradient of `node` is called g: slope × g; None if it isn't tracked."""
        if node.slopes[i] is None:
            return None
        xs, y = self._operands(node, Term), Term(self.called[node])
        if isinstance(node.op, Many):
            slope = run_rule(node, Term, node.op.rules[0], 1.0, y, xs, i)
        else:
            slope = run_rule(node, Term, node.op.rules[i], y, *xs)
        return times(slope, Term(g))

    def seed(self, root: Any) -> Any:
        """The gradient of the root for itself."""
        return Term("1.0")

    def literal(self, leaf: Any) -> str:
        """A leaf's number."""
        return repr(leaf.data)

    def _operands(self, node: Node, kind: type[Name]) -> list[Any]:
        """The operands as the rules get them: names, and numbers as they are."""
        return [
            kind(self.called[x]) if x in self.called else typed_number(x.data if isinstance(x, Node) else x)
            for x in node.operands
        ]
