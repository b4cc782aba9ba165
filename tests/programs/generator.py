"""Random programs. Every decision is a whole number that `draw(n)` gives: Python's random, or hypothesis.

What a program must be, so that all who run it must agree, is seen to here and not by looser tolerances: no step is
taken where its numbers are not finite or too large, near a kink, or where its curvature is large. `Pool.good` and
`Pool.smooth` say how.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

import micrograd_plus as mg

from .program import Literal, Program, Start, Step, evaluated, size
from .words import MOST, WORDS, Draw

LARGEST = 20.0  # numbers in a result
NUDGE = 1e-4  # to look for kinks, at a single step
STEEPEST, MOST_CURVED = 20.0, 100.0  # how a step answers to a nudge of each of its inputs
MOVE = 1e-5  # of all leaves at once, in a random direction
STEEPEST_OF_ALL, MOST_CURVED_OF_ALL = 100.0, 1e4  # how a result answers to that

SHAPES = [(), (3,), (2, 3), (1,), (1, 3), (3, 1), (2, 2), (2, 1, 3), (0,), (0, 3), (2, 0), (1, 1), (2, 2, 2), (4,)]
SCALAR_WORDS = [name for name, word in WORDS.items() if word.scalars]
# What may give back an operand as it is: under no_grad(), too, that has its gradient.
HAND_BACK = {"if", "max of two", "min of two", "pad"}
# Rows of the same family are many: a word of arrays comes as often as a pointwise one.
TENSOR_WORDS = [name for name, word in WORDS.items() if not word.scalars]


class Pool:
    """The program so far, with the numbers of each variable: here, and with all leaves moved a little to and fro."""

    def __init__(self, program: Program, seed: int):
        self.program, self.scalars = program, program.scalars
        self.noise = np.random.default_rng(seed)
        self.here: list[Any] = []
        self.to: list[Any] = []
        self.fro: list[Any] = []
        for start in program.starts:
            moved = MOVE * self.noise.choice([-1.0, 1.0], start.shape) if start.kind == "leaf" else 0.0
            for lane, x in ((self.here, start.array), (self.to, start.array + moved), (self.fro, start.array - moved)):
                lane.append(x if start.kind == "array" else mg.Tensor(x, requires_grad=False))
            program.shapes.append(start.shape)

    # -- what words ask ----------------------------------------------------------------------------------------

    def shape(self, i: int) -> tuple[int, ...]:
        return self.program.shapes[i]

    def size(self, i: int) -> int:
        return size(self.shape(i))

    def broadcasts(self, shape: tuple, i: int) -> bool:
        try:
            return size(np.broadcast_shapes(shape, self.shape(i))) <= MOST
        except ValueError:
            return False

    def broadcast(self, shape: tuple, x: Any) -> tuple[int, ...]:
        """The common shape; x: a variable or a literal."""
        return np.broadcast_shapes(shape, np.shape(x.value) if isinstance(x, Literal) else self.shape(x))

    def pick(self, draw: Draw, fits: Callable[[int], Any] | None = None) -> Any:
        """A variable that fits, often one of the last; None where none does. Arrays are operands of others only."""
        found = [i for i in range(len(self.here)) if not self.is_array(i) and (fits is None or fits(i))]
        if not found:
            return None
        found = found[-3:] if draw(2) else found
        return found[-1 - draw(len(found))]

    def is_array(self, i: int) -> bool:
        return i < len(self.program.starts) and self.program.starts[i].kind == "array"

    # -- steps -----------------------------------------------------------------------------------------------------

    def add(self, word: str, operands: tuple, settings: dict | None = None, text: str = "", alone: bool = False) -> Any:
        """Take this step if it is a good one: the number of its result. None (and no step) if not."""
        if any(x is None for x in operands):
            return None
        step = Step(word, operands, tuple((settings or {}).items()), text or WORDS[word].texts[0], alone)
        expression = self.program.expression(step)
        try:
            with mg.no_grad():
                here, to, fro = (self.run(expression, lane) for lane in (self.here, self.to, self.fro))
        except ValueError as error:
            if "is not a real number" in str(error):  # a plain number where the row is not defined
                return None
            raise
        if not self.good(here, to, fro) or not self.smooth(step, expression, here):
            return None
        for lane, y in ((self.here, here), (self.to, here if alone else to), (self.fro, here if alone else fro)):
            lane.append(y)
        self.program.steps.append(step)
        self.program.shapes.append(here.shape)
        return len(self.here) - 1

    def run(self, expression: str, lane: list) -> Any:
        variables = {self.program.name(i): x for i, x in enumerate(lane)}
        y = evaluated(expression, variables)
        return y if isinstance(y, mg.Tensor) else mg.Tensor(np.asarray(y, dtype=float), requires_grad=False)

    def good(self, here: Any, to: Any, fro: Any) -> bool:
        """Finite, of a size that can be handled; and what came before does not make it steep or curved."""
        y, up, down = here.numpy(), to.numpy(), fro.numpy()
        if y.size > MOST or y.ndim > 4 or not (np.isfinite(y).all() and np.abs(y).max(initial=0.0) < LARGEST):
            return False
        steep = np.abs(up - down).max(initial=0.0) / (2 * MOVE)
        curved = np.abs(up - 2 * y + down).max(initial=0.0) / MOVE**2
        return bool(steep < STEEPEST_OF_ALL and curved < MOST_CURVED_OF_ALL)  # false for nan

    def signs(self, i: int) -> np.ndarray:
        return self.noise.choice([-1.0, 1.0], self.shape(i))

    def ties(self, step: Step) -> bool:
        """Whether clip(x, low, high) stands on an end: what x, low and high get there is a convention."""
        x, *ends = [np.asarray(v.value if isinstance(v, Literal) else self.here[v]) for v in step.operands]
        others = [end for end, v in zip(ends, step.operands[1:], strict=True) if v != step.operands[0]]
        return any((x == end).any() for end in others)

    def smooth(self, step: Step, expression: str, here: Any) -> bool:
        """No kink nearby, and not too steep: each number of each variable nudged by itself, to and fro.

        Near a kink, the second difference is (the jump of the slope) / NUDGE, thousands. So a new row with a kink is
        handled without anybody saying so. The same variable given twice is nudged as one: a tie of maximum(x, x) stays.
        Two variables are never nudged by nearly the same, which would hide that they tie.
        """
        if step.word == "clip" and self.ties(step):
            return False
        nudged = []
        places = sorted({x for x in step.operands if not isinstance(x, Literal)})
        ends = np.linspace(0.3, 1.0, 2 * len(places))  # of a range for each, with gaps between them
        nudges = {
            i: NUDGE * self.noise.uniform(low, high, self.shape(i)) * self.signs(i)
            for i, low, high in zip(places, ends[::2], ends[1::2], strict=True)
        }
        with mg.no_grad():
            for sign in (1, -1):
                lane = list(self.here)
                for i, nudge in nudges.items():
                    x = lane[i] if self.is_array(i) else lane[i].numpy()
                    lane[i] = x + sign * nudge if self.is_array(i) else mg.Tensor(x + sign * nudge, requires_grad=False)
                nudged.append(self.run(expression, lane))
        if nudged[0].shape != here.shape:
            return False
        y, up, down = here.numpy(), nudged[0].numpy(), nudged[1].numpy()
        steep = np.abs(up - down).max(initial=0.0) / (2 * NUDGE)
        curved = np.abs(up - 2 * y + down).max(initial=0.0) / NUDGE**2
        return bool(steep < STEEPEST and curved < MOST_CURVED)


def program(draw: Draw, most: int = 60, scalars: bool | None = None) -> Program:
    """A program of up to `most` steps, of Values or of Tensors (one in three is of Values)."""
    scalars = draw(3) == 2 if scalars is None else scalars
    made = Program(starts=_starts(draw, scalars), scalars=scalars, closed=draw(4) == 3)
    pool = Pool(made, draw(1000))
    wanted = 1 + draw(most)
    for _ in range(2 * wanted):  # some proposals are not good
        if len(made.steps) >= wanted:
            break
        _propose(draw, pool)
    del made.steps[most:], made.shapes[len(made.starts) + most :]
    _outputs(draw, made)
    return made


def _starts(draw: Draw, scalars: bool) -> list[Start]:
    """One leaf or several, then perhaps a Tensor without gradient and an array."""
    starts = []
    for kind in ["leaf"] * (1 + draw(3)) + ["fixed"] * (draw(3) == 2) + ["array"] * (draw(4) == 3 and not scalars):
        shape = () if scalars else SHAPES[draw(len(SHAPES))]
        rng = np.random.default_rng(draw(10_000))
        numbers = np.round(rng.uniform(-2, 2, size(shape)), 2)
        starts.append(Start(kind, shape, tuple(numbers.tolist())))
    return starts


def _propose(draw: Draw, pool: Pool) -> None:
    words = SCALAR_WORDS if pool.scalars or draw(2) else TENSOR_WORDS
    name = words[draw(len(words))]
    word = WORDS[name]
    chosen = word.choose(draw, pool)
    if chosen is not None:
        text = word.texts[draw(len(word.texts))]
        alone = name == "detach" or (draw(24) == 23 and name not in HAND_BACK)
        pool.add(name, *chosen, text=text, alone=alone)


def _outputs(draw: Draw, made: Program) -> None:
    """The first leaf, so that there is always something to differentiate, and all results that nobody else uses."""
    used = {x for step in made.steps for x in step.operands if not isinstance(x, Literal)}
    arrays = {i for i, start in enumerate(made.starts) if start.kind == "array"}
    made.outputs = [0, *(i for i in range(1, len(made.shapes)) if i not in used | arrays)]


def random_draw(seed: int, chosen: list[int] | None = None) -> Draw:
    """Decisions by Python's random; they are written down in `chosen`."""
    rng = random.Random(seed)

    def draw(n: int) -> int:
        k = rng.randrange(n) if n > 1 else 0
        if chosen is not None:
            chosen.append(k)
        return k

    return draw


def listed_draw(choices: list[int]) -> Draw:
    """Decisions from a list, one after the other; 0 when it has come to its end."""
    left = iter(choices)
    return lambda n: min(next(left, 0), n - 1)
