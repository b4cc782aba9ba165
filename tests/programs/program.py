"""A program is plain data: what it starts from, and a list of steps. As Python text it runs, and can be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

import micrograd_plus as mg
from micrograd_plus import nn, optim
from micrograd_plus.engine import array_ops, ops

TABLES = {name: row for table in ops.TABLES for name, row in table.items()}
NAMES = {
    "mg": mg, "np": np, "optim": optim, "array_ops": array_ops, "linear": nn.functional.linear, "TABLES": TABLES,
}  # fmt: skip
IMPORTS = """\
import numpy as np
import micrograd_plus as mg
from micrograd_plus import nn, optim
from micrograd_plus.engine import array_ops, ops
linear = nn.functional.linear
TABLES = {name: row for table in ops.TABLES for name, row in table.items()}
"""


@dataclass(frozen=True)
class Literal:
    """A number or an array that is no variable: its Python text."""

    text: str

    @property
    def value(self) -> Any:
        return evaluated(self.text)


@dataclass(frozen=True)
class Start:
    """What the program is given. kind: leaf (differentiated), fixed (requires_grad=False), array (NumPy's)."""

    kind: str
    shape: tuple[int, ...]
    numbers: tuple[float, ...]

    @property
    def array(self) -> np.ndarray:
        return np.array(self.numbers, dtype=float).reshape(self.shape)


@dataclass(frozen=True)
class Step:
    """One operation: its word, the numbers of the variables that it is applied to (or literals), its settings.

    text: how it is written, "{0} + {1}". alone: computed under no_grad(), or detached: no gradient goes through it.
    """

    word: str
    operands: tuple[int | Literal, ...]
    settings: tuple[tuple[str, Any], ...]
    text: str
    alone: bool = False


@dataclass
class Program:
    """Starts and steps, numbered in one row: variable i is a start, or the result of step i - len(starts).

    outputs: the variables that are summed up, each with weights of its own, into the one number that is differentiated.
    """

    starts: list[Start]
    steps: list[Step] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    scalars: bool = False
    closed: bool = False  # compiled as a function without arguments, around which the starts stand

    def name(self, i: int) -> str:
        n = len(self.starts)
        return "abcdefghijklmn"[i] if i < n else f"t{i - n}"

    def lines(self) -> Iterator[str]:
        """The steps, then what is returned."""
        for i, step in enumerate(self.steps, len(self.starts)):
            line = f"{self.name(i)} = {self.expression(step)}"
            if step.alone and step.word != "detach":
                yield "with mg.no_grad():"
                line = "    " + line
            yield line
        yield "return " + " + ".join(self.weighted(i) for i in self.outputs)

    def expression(self, step: Step) -> str:
        """A step as Python: operands and settings put into its text."""
        operands = [x.text if isinstance(x, Literal) else self.name(x) for x in step.operands]
        operands = [f"({x})" if x.startswith("-") else x for x in operands]
        return step.text.format(*operands, all=", ".join(operands), **dict(step.settings))

    def weighted(self, i: int) -> str:
        """An output as one number: weights without symmetries, so that a gradient that was turned round is found."""
        if self.scalars or self.shapes[i] == ():
            return f"{self.name(i)} * {weight(i)}"
        return (
            f"({self.name(i)} * np.linspace(0.5, {weight(i)}, {size(self.shapes[i])}).reshape({self.shapes[i]})).sum()"
        )

    def source(self) -> str:
        """The program as the text of a function f."""
        names = "" if self.closed else ", ".join(self.name(i) for i in range(len(self.starts)))
        return f"def f({names}):\n" + "".join(f"    {line}\n" for line in self.lines())

    def snippet(self) -> str:
        """A script that shows the result and the gradients: for whoever wants to see what went wrong."""
        kind = "mg.Value" if self.scalars else "mg.Tensor"
        text = IMPORTS
        for i, start in enumerate(self.starts):
            array = f"np.array({list(start.numbers)}).reshape({start.shape})"
            numbers = repr(start.numbers[0]) if start.shape == () and start.kind != "array" else array
            fixed = ", requires_grad=False" if start.kind == "fixed" else ""
            text += f"{self.name(i)} = " + (array if start.kind == "array" else f"{kind}({numbers}{fixed})") + "\n"
        names = [self.name(i) for i in range(len(self.starts))]
        text += self.source() + f"y = f({'' if self.closed else ', '.join(names)})\ny.backward()\nprint(y)\n"
        leaves = [name for name, start in zip(names, self.starts, strict=True) if start.kind == "leaf"]
        return text + "".join(f"print({name!r}, {name}.grad)\n" for name in leaves)


def weight(i: int) -> float:
    return 0.5 + (i * 7 % 10) / 10 + 0.25


def size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=int))


@cache
def code_of(text: str) -> Any:
    return compile(text, "<program>", "eval")


def evaluated(text: str, variables: dict[str, Any] | None = None) -> Any:
    """What the text gives, where these variables have values."""
    return eval(code_of(text), NAMES, variables or {})
