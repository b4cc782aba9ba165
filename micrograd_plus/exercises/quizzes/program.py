"""The small program behind a quiz: its lines, and the steps in which everything about it is worked out.

A step is a name and a rule: `steps["p.data"](now)` is the number p, `steps["dp/da"](now)` the slope on the arrow from
a to p, `steps["a.grad"](now)` the gradient of a. `now` holds the numbers of the steps before. The steps stand in the
order in which a person works: all numbers forwards, then from the result back, at each box its gradient first and then
the slopes on the arrows that lead into it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from ...engine.ops import TABLE

Numbers = Mapping[str, float]
Rule = Callable[[Numbers], float]
Steps = dict[str, Rule]

SIGNS = {"add": " + ", "sub": " - ", "mul": "*", "pow": "**"}
CURVES = ("exp", "tanh", "sigmoid")  # operations that nobody works out on paper


@dataclass(frozen=True)
class Line:
    """One line: `Line("p", "mul", ("a", "b"))` is p = a*b. An operand is a name or a plain number."""

    name: str
    op: str
    operands: tuple[str | float, ...]

    @property
    def expression(self) -> str:
        """The right side as it is written.

        >>> Line("p", "mul", ("a", 3.0)).expression, Line("y", "tanh", ("p",)).expression
        ('a*3', 'tanh(p)')
        """
        words = [x if isinstance(x, str) else f"{x:g}" for x in self.operands]
        return SIGNS[self.op].join(words) if self.op in SIGNS else f"{self.op}({words[0]})"

    def numbers(self, now: Numbers) -> list[float]:
        """What the operation is applied to."""
        return [now[data(x)] if isinstance(x, str) else x for x in self.operands]

    def slope_name(self, i: int) -> str:
        """The name of the slope for operand i: dp/da; dp/d(second a) where it is used twice in one line."""
        x = self.operands[i]
        if self.operands.count(x) == 1:
            return f"d{self.name}/d{x}"
        return f"d{self.name}/d({('first', 'second')[i]} {x})"


@dataclass(frozen=True)
class Use:
    """One arrow: operand i of a line."""

    line: Line
    i: int

    @cached_property
    def slope(self) -> str:
        """The name of the slope on it."""
        return self.line.slope_name(self.i)


@dataclass(frozen=True)
class Program:
    """Numbers to start from, and lines; the last line is the result."""

    leaves: dict[str, float]
    lines: tuple[Line, ...]

    @property
    def root(self) -> str:
        """The name of the result."""
        return self.lines[-1].name

    @property
    def names(self) -> list[str]:
        """All names, each after those it is made from."""
        return [*self.leaves, *(line.name for line in self.lines)]

    @property
    def arrows(self) -> list[Use]:
        """All arrows, in the order of the lines."""
        return [
            Use(line, i) for line in self.lines for i in range(len(line.operands)) if isinstance(line.operands[i], str)
        ]

    def uses(self, name: str) -> list[Use]:
        """Where a name is used, in the order in which gradients arrive: those of the last line first."""
        return self._uses[name]

    @cached_property
    def _uses(self) -> dict[str, list[Use]]:
        uses: dict[str, list[Use]] = {name: [] for name in self.names}
        for line in reversed(self.lines):
            for i, operand in enumerate(line.operands):
                if isinstance(operand, str):
                    uses[operand].append(Use(line, i))
        return uses

    @cached_property
    def steps(self) -> Steps:
        """Every step, done rightly."""
        return right_steps(self)


def data(name: str) -> str:
    """What the number of this name is called among the steps."""
    return f"{name}.data"


def grad(name: str) -> str:
    """What the gradient of this name is called among the steps."""
    return f"{name}.grad"


def right_steps(program: Program) -> Steps:
    """The steps of a program as they should be done; `program.steps` keeps them.

    >>> steps = right_steps(Program({"a": 2.0, "b": 3.0}, (Line("y", "mul", ("a", "b")),)))
    >>> work_out(steps)
    {'a.data': 2.0, 'b.data': 3.0, 'y.data': 6.0, 'y.grad': 1.0, 'dy/da': 3.0, 'dy/db': 2.0, 'b.grad': 2.0,
     'a.grad': 3.0}
    """
    steps: Steps = {data(name): partial(_given, number) for name, number in program.leaves.items()}
    steps |= {data(line.name): partial(value, line) for line in program.lines}
    made_by = {line.name: line for line in program.lines}
    for name in reversed(program.names):
        steps[grad(name)] = partial(gradient, program, name)
        if name in made_by:
            line = made_by[name]
            steps |= {use.slope: partial(slope, use) for use in program.arrows if use.line is line}
    return steps


def work_out(steps: Steps, fixed: Numbers | None = None) -> dict[str, float]:
    """What each step gives, if the steps after it go on with `fixed` where a number is in it.

    So with a student's answers as `fixed` this says, of every blank, what the student should have found from the
    answers before it. A number that can't be (an overflow) is nan.
    """
    fixed = fixed or {}
    found: dict[str, float] = {}
    now: dict[str, float] = {}
    for name, rule in steps.items():
        try:
            found[name] = rule(now)
        except (ArithmeticError, ValueError):
            found[name] = math.nan
        now[name] = fixed.get(name, found[name])
    return found


def values(program: Program) -> dict[str, float]:
    """The numbers alone, without the way back.

    >>> values(Program({"a": 2.0, "b": 3.0}, (Line("y", "sub", ("a", "b")),)))
    {'a.data': 2.0, 'b.data': 3.0, 'y.data': -1.0}
    """
    now = {data(name): number for name, number in program.leaves.items()}
    for line in program.lines:
        now[data(line.name)] = value(line, now)
    return now


def value(line: Line, now: Numbers) -> float:
    """y, from the row of the table."""
    return float(TABLE[line.op](*line.numbers(now)))


def slope(use: Use, now: Numbers) -> float:
    """The local slope dy/dx, from the row of the table."""
    rule = TABLE[use.line.op].rules[use.i]
    return float(rule(now[data(use.line.name)], *use.line.numbers(now)))


def gradient(program: Program, name: str, now: Numbers) -> float:
    """The chain rule: slope × gradient of what it was used for, one product for each use, added."""
    return 1.0 if name == program.root else sum(products(program, name, now))


def products(program: Program, name: str, now: Numbers) -> list[float]:
    """What arrives at a name, one product for each of its uses."""
    return [now[use.slope] * now[grad(use.line.name)] for use in program.uses(name)]


def _given(number: float, now: Numbers) -> float:
    return number
