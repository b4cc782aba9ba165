"""Ideas: an engine in which one thing is done wrongly, to find out which numbers that gives.

The engine is the one of lesson 06 with its parts taken out, so that an idea can put another in the place of one: how
an operation is computed and its slopes, how a gradient arrives, in which order boxes push, how backward() begins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from .programs import OPERATIONS, Program, Step, on_numbers

MOST = 5_000  # pushes of one backward(); an idea that needs more (each path by itself) is given up

# y = forward(*xs), and one slope an input: slope(y, *xs).
Rule = tuple[Callable[..., float], tuple[Callable[..., float], ...]]

_one = lambda y, *xs: 1.0
RULES: dict[str, Rule] = {
    "add": (OPERATIONS["add"], (_one, _one)),
    "sub": (OPERATIONS["sub"], (_one, lambda y, a, b: -1.0)),
    "mul": (OPERATIONS["mul"], (lambda y, a, b: b, lambda y, a, b: a)),
    "div": (OPERATIONS["div"], (lambda y, a, b: 1 / b, lambda y, a, b: -y / b)),
    "pow": (OPERATIONS["pow"], (lambda y, a, n: n * a ** (n - 1), lambda y, a, b: y * math.log(a) if a > 0 else 0.0)),
    "neg": (OPERATIONS["neg"], (lambda y, x: -1.0,)),
    "tanh": (math.tanh, (lambda y, x: 1 - y * y,)),
    "exp": (math.exp, (lambda y, x: y,)),
    "log": (math.log, (lambda y, x: 1 / x,)),
    "relu": (lambda x: on_numbers("relu", x), (lambda y, x: 1.0 if x > 0 else 0.0,)),
}


class Box:
    """A number of the sketched engine. `boxes` are the operands among which gradients are shared out."""

    def __init__(self, data: float, grad: float, step: Step | None = None):
        self.data, self.grad, self.step = data, grad, step
        self.boxes: list[tuple[int, Box]] = []  # (place among the operands, the box)
        self.slopes: tuple[float, ...] = ()

    @property
    def inputs(self) -> list[Box]:
        """The boxes that this one was made from, each once."""
        return list(dict.fromkeys(box for _, box in self.boxes))


Arrive = Callable[[float, float, float, float], float]
Walk = Callable[[Box], Iterator[Box]]
Numbers = dict[str, dict[str, float]]  # {"data": {name: number}, "grad": {name: number}}


def arrive_right(old: float, slope: float, upstream: float, y: float) -> float:
    """What an input's gradient is after a push: grad += slope * upstream."""
    return old + slope * upstream


def order(root: Box) -> list[Box]:
    """Each box after its inputs."""
    done: dict[Box, None] = {}
    stack = [root]
    while stack:
        missing = [x for x in stack[-1].inputs if x not in done]
        stack += missing
        if not missing:
            done[stack.pop()] = None
    return list(done)


def users_first(root: Box) -> Iterator[Box]:
    """The right order."""
    return reversed(order(root))


@dataclass(frozen=True)
class Idea:
    """An engine with (at most) one thing done wrongly.

    name: completes "this is what you get if …", followed by `where`. advice: what to look at next ("": what
    the graph is about). rules: in place of those of RULES, by a
    step's key ("rsub" for 2 - a) or its op. arrive: in place of grad += slope * upstream, for the operations `ops` and
    the operands in `places` (None: all). walk: the boxes that push. once: an operand that stands twice is kept once.
    make: what becomes of a number that is given. start: a gradient before backward(). seed: the result's gradient,
    from its old one and its data. fresh: which boxes backward() clears: "inner", "all", "none". again: whether a second
    backward() does anything.
    """

    name: str = ""
    advice: str = ""
    where: str = ""
    rules: Mapping[str, Rule] = field(default_factory=dict)
    arrive: Arrive = arrive_right
    ops: tuple[str, ...] | None = None
    places: tuple[int, ...] | None = None
    walk: Walk = users_first
    once: bool = False
    make: Callable[[float], float] = float
    start: float = 0.0
    seed: Callable[[float, float], float] = lambda old, data: 1.0
    fresh: str = "inner"
    again: bool = True

    def rule(self, step: Step) -> Rule:
        """How this step is computed."""
        for key in (step.key, step.op):
            if key in self.rules:
                return self.rules[key]
        return RULES[step.op]

    def arriving(self, step: Step, place: int) -> Arrive:
        """How a gradient comes to the operand in this place."""
        here = (self.ops is None or step.op in self.ops) and (self.places is None or place in self.places)
        return self.arrive if here else arrive_right


RIGHT = Idea()


class _Beyond(Exception):  # noqa: N818
    """More pushes than are waited for."""


def foretold(program: Program, idea: Idea, most: int = MOST) -> Numbers | None:
    """The numbers that this idea gives for a program: {"data": {name: number}, "grad": {...}}; None if it gives none.

    most: pushes of one backward() after which it is given up.

    >>> foretold(Program("y = a + a", {"a": 3.0}), RIGHT)["grad"]
    {'a': 2.0, 'y': 1.0}
    """
    called: set[Box] = set()

    def backward(root: Box) -> None:
        if root not in called or idea.again:
            called.add(root)
            _backward(root, idea, most)

    try:
        boxes = program.run(
            lambda number: Box(idea.make(number), idea.start), lambda step, xs: _apply(step, xs, idea), backward
        )
    except (_Beyond, ArithmeticError, ValueError, TypeError):
        return None
    found = {
        "data": {name: box.data for name, box in boxes.items()},
        "grad": {name: box.grad for name, box in boxes.items()},
    }
    return None if any(isinstance(x, complex) for kind in found.values() for x in kind.values()) else found


def right_numbers(program: Program) -> Numbers:
    """All numbers of a program by the right idea.

    Not by our own Value: whoever has exchanged one of its methods would get wrong numbers as the right ones.
    """
    return _right_numbers(program.code, tuple(program.inputs.items()))


@lru_cache(maxsize=256)
def _right_numbers(code: str, inputs: tuple[tuple[str, float], ...]) -> Numbers:
    program = Program(code, dict(inputs))
    numbers = foretold(program, RIGHT, most=len(program.inputs) + len(program.steps))  # so many boxes there are
    if numbers is None:
        raise ValueError(f"this program has no right numbers: {program.title}")
    return numbers


def _apply(step: Step, operands: list[Any], idea: Idea) -> Box:
    xs = [x.data if isinstance(x, Box) else x for x in operands]
    forward, slopes = idea.rule(step)
    y = Box(forward(*xs), idea.start, step)
    y.slopes = tuple(slope(y.data, *xs) for slope in slopes)
    y.boxes = [(place, x) for place, x in enumerate(operands) if isinstance(x, Box)]
    if idea.once:
        y.boxes = list({x: (place, x) for place, x in reversed(y.boxes)}.values())
    return y


def _backward(root: Box, idea: Idea, most: int) -> None:
    for box in order(root):
        if idea.fresh == "all" or (idea.fresh == "inner" and box.boxes):
            box.grad = idea.start
    root.grad = idea.seed(root.grad, root.data)
    for count, box in enumerate(idea.walk(root)):
        if count == most:
            raise _Beyond
        for place, x in box.boxes:
            arrive = idea.arriving(box.step, place)  # type: ignore[arg-type]
            x.grad = arrive(x.grad, box.slopes[place], box.grad, box.data)
