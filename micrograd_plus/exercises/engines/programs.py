"""Programs: the small graphs on which an engine is tried, written as Python that a learner can paste."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...engine import maths

# What is written: (its op, what Python calls).
_SIGNS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow"}
SYMBOLS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
FUNCTIONS = ("tanh", "exp", "log", "relu")
OPERATIONS: dict[str, Callable] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": operator.pow,
    "neg": operator.neg,
    "tanh": lambda x: x.tanh(),
    "exp": lambda x: x.exp(),
    "log": lambda x: x.log(),
    "relu": lambda x: x.relu(),
}
_ON_NUMBERS = {name: getattr(maths, name) for name in FUNCTIONS}
H = 1e-5  # how far a number is nudged


@dataclass(frozen=True)
class Step:
    """One operation, `name = op(operands)`: operands are names and plain numbers. `op` is "backward" for that call."""

    name: str
    op: str
    operands: tuple[str | float, ...]

    @property
    def key(self) -> str:
        """The operation, with an r in front where a plain number stands on the left: "rsub" for 2 - a."""
        reflected = len(self.operands) == 2 and not isinstance(self.operands[0], str)
        return f"r{self.op}" if reflected else self.op

    @property
    def method(self) -> str:
        """The method that Python looks for in the class: "__rsub__", "tanh"."""
        if self.op in FUNCTIONS or self.op == "backward":
            return self.op
        return f"__{self.key.replace('div', 'truediv')}__"

    def __str__(self) -> str:
        first = self.operands[0]
        if self.method in (*FUNCTIONS, "backward"):
            return f"{first}.{self.op}()"
        return f"-{first}" if self.op == "neg" else f"{first} {SYMBOLS[self.op]} {self.operands[1]}"


@dataclass(frozen=True)
class Program:
    """A small graph, as Python text, with numbers to start from.

    code: one operation a line, perhaps in a loop; where it calls no backward(), `y.backward()` is its last line.
    inputs: the leaves' names and numbers. about: what this graph is there to show, for a wrong answer without a name.

    >>> program = Program("c = a * 2\\ny = c + a", {"a": 3.0})
    >>> [str(step) for step in program.steps]
    ['a * 2', 'c + a', 'y.backward()']
    >>> program.nudged()["a"]
    3.0
    """

    code: str
    inputs: Mapping[str, float] = field(default_factory=dict)
    about: str = ""

    @cached_property
    def whole_code(self) -> str:
        """The code with its call of backward()."""
        return self.code if ".backward()" in self.code else f"{self.code}\ny.backward()"

    @property
    def title(self) -> str:
        """The code in one line."""
        loops = re.sub(r"for _ in range\((\w+)\):\n +", lambda found: f"{int(found[1]):,} times ", self.whole_code)
        return loops.replace("\n", "; ")

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """What is done, in order; loops unrolled."""
        return tuple(_steps(ast.parse(self.whole_code).body))

    @property
    def is_long(self) -> bool:
        """Whether it has a loop: too many boxes to be drawn, or to be worked out under each wrong idea."""
        return "for " in self.code

    @property
    def has_kink(self) -> bool:
        """Whether it stands on a kink, where nudging gives no slope: relu at 0."""
        return "relu" in self.code and 0 in self.inputs.values()

    def written(self, name: str) -> str:
        """All of it as Python text, for a class of this name."""
        made = [f"{leaf} = {name}({number})" for leaf, number in self.inputs.items()]
        return "\n".join([*made, self.whole_code])

    def run(self, make: Callable, apply: Callable, backward: Callable) -> dict[str, Any]:
        """Run it on whatever make(number) gives, with apply(step, operands); gives every name's thing at the end."""
        things: dict[str, Any] = {name: make(number) for name, number in self.inputs.items()}
        for step in self.steps:
            operands = [things[x] if isinstance(x, str) else x for x in step.operands]
            if step.op == "backward":
                backward(operands[0])
            else:
                things[step.name] = apply(step, operands)
        return things

    def nudged(self) -> dict[str, float]:
        """Each leaf's gradient by central differences of the forward pass on plain floats, to 8 digits.

        (f(x + h) - f(x - h)) / 2h, added up over all calls of backward().
        """
        slopes = {}
        for leaf, number in self.inputs.items():
            above, below = (self._sum_of_results({**self.inputs, leaf: number + h}) for h in (H, -H))
            slopes[leaf] = float(f"{(above - below) / (2 * H):.8g}")
        return slopes

    def _sum_of_results(self, inputs: Mapping[str, float]) -> float:
        results: list[float] = []
        Program(self.code, inputs).run(float, lambda step, xs: on_numbers(step.op, *xs), results.append)
        return math.fsum(results)


def on_numbers(op: str, *xs: float) -> float:
    """The operation on plain floats.

    >>> on_numbers("relu", -3.0)
    0.0
    """
    return _ON_NUMBERS.get(op, OPERATIONS[op])(*xs)


def _steps(lines: list[ast.stmt]) -> Iterator[Step]:
    for line in lines:
        if isinstance(line, ast.For):
            yield from list(_steps(line.body)) * line.iter.args[0].value  # type: ignore[attr-defined]
        elif isinstance(line, ast.Expr):
            yield Step("", "backward", (line.value.func.value.id,))  # type: ignore[attr-defined]
        elif isinstance(line, ast.Assign):
            yield Step(line.targets[0].id, *_operation(line.value))  # type: ignore[attr-defined]


def _operation(term: Any) -> tuple[str, tuple[str | float, ...]]:
    if isinstance(term, ast.BinOp):
        return _SIGNS[type(term.op)], (_operand(term.left), _operand(term.right))
    if isinstance(term, ast.UnaryOp):
        return "neg", (_operand(term.operand),)
    return term.func.attr, (_operand(term.func.value),)


def _operand(term: Any) -> str | float:
    return term.id if isinstance(term, ast.Name) else ast.literal_eval(term)
