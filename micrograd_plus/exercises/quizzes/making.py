"""From a seed to a quiz: which graph, which numbers, which blanks; drawn again until every wrong idea tells itself."""

from __future__ import annotations

import hashlib
import operator
import random
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from .ideas import Idea, ideas_of
from .program import CURVES, Numbers, Program, data, grad, work_out
from .shapes import LEVELS, NUMBERS, SHAPES, program_of, with_numbers

EDITION = 1  # another edition gives other quizzes: keys that are printed stay true as long as this number stays
LARGEST = 100  # no number of a quiz is larger: it is to be done on paper
SMALLEST = 0.05  # with 3 decimals, a smaller one would be mostly rounding
TRIES = 5000

# What a quiz of each level is for: of each of these sets, one idea at least must show.
SHOWS: dict[int, tuple[set[str], ...]] = {
    1: (),
    2: ({"upstream is forgotten"}, {"the slope is forgotten"}),
    3: ({"the gradient is overwritten, not added"}, {"upstream is forgotten"}),
    4: ({"a gradient is passed on too early", "relu lets a gradient pass where it is flat"},),
    5: ({"the input is put in place of the output"},),
}

# Ideas that do no harm at some boxes: where the input of relu is positive, where the gradient is 1.
MAY_BE_RIGHT = {
    "relu lets a negative number pass",
    "relu lets a gradient pass where it is flat",
    "the gradient is given in place of the slope",
}

T = TypeVar("T")


@dataclass(frozen=True)
class Paper:
    """What the student sees: the program, the names of the blanks, the numbers that are given. No answer is in it."""

    program: Program
    blanks: tuple[str, ...]
    given: dict[str, float]  # of the boxes that have no blank for their number
    level: int

    @property
    def decimals(self) -> int:
        """How many decimals are asked for; 0 where the numbers come out exactly."""
        return 3 if self.level == 5 else 0


def normal(seed: int | str) -> str:
    """The seed as the text that counts: "Ada", " ada" and "ADA" are one student; 7 and "7" are one number.

    TypeError for anything else than a whole number or a text, ValueError for an empty text.

    >>> normal("  Ada  Lovelace"), normal(7)
    ('ada lovelace', '7')
    """
    if isinstance(seed, bool) or not (isinstance(seed, str) or hasattr(seed, "__index__")):
        raise TypeError(f"a seed is a whole number or a text, such as a student's name; got {seed!r:.60}")
    words = seed if isinstance(seed, str) else str(operator.index(seed))
    text = " ".join(unicodedata.normalize("NFKC", words).casefold().split())
    if text.encode(errors="replace").decode() != text:
        raise ValueError(f"a seed is a number or a name; this holds half of a character pair: {text!r:.60}")
    if not text:
        raise ValueError("the seed is empty: give a number or a name, so that the same quiz can be made again")
    return text


def check_level(level: int) -> int:
    """The level, if it is one; TypeError and ValueError say which there are."""
    if isinstance(level, bool) or not isinstance(level, int):
        raise TypeError(f"level is a whole number from {LEVELS[0]} to {LEVELS[-1]}; got {level!r:.60}")
    if level not in LEVELS:
        raise ValueError(f"level is a whole number from {LEVELS[0]} to {LEVELS[-1]}; there is no level {level}")
    return level


@lru_cache(maxsize=2048)
def paper_of(seed: str, level: int) -> Paper:
    """The quiz of this (normal) seed: the first draw in which no two ideas can be taken for each other."""
    digest = hashlib.sha256(f"micrograd_plus quiz {EDITION}/{level}/{seed}".encode()).digest()
    chance = random.Random(int.from_bytes(digest))
    shape = _one_of(SHAPES[level], chance)  # before all else, or shapes that are hard to fill would be rare
    for _ in range(TRIES):
        paper = _draw(shape, level, chance)
        if paper is not None and is_clear(paper):
            return paper
    raise RuntimeError(f"no numbers were found for the quiz {seed!r} of level {level} in {TRIES} tries")


def _draw(shape: str, level: int, chance: random.Random) -> Paper | None:
    """A quiz that may do; None where its numbers are too large or too small for paper."""
    names, _ = program_of(shape)
    program = with_numbers(shape, [_one_of(NUMBERS[level], chance) for _ in names])
    blanks = _blanks(program, level, chance)
    right = work_out(program.steps)
    if max(abs(number) for number in right.values()) > LARGEST:
        return None
    if any(line.op in CURVES and not 0.2 <= abs(line.numbers(right)[0]) <= 2 for line in program.lines):
        return None  # where a curve is flat, all its slopes are nearly 0
    if level == 5 and min(abs(right[name]) for name in blanks) < SMALLEST:
        return None
    given = {name: right[data(name)] for name in program.names if data(name) not in blanks}
    return Paper(program, blanks, given, level)


def _blanks(program: Program, level: int, chance: random.Random) -> tuple[str, ...]:
    """Some of the numbers, of the slopes and of the gradients, in the order in which they are worked out."""
    # The last numbers, two or three: one that is given after one that is asked for would give it away.
    last = program.lines[-_one_of((2, 3), chance) :]
    asked = {data(line.name) for line in last if line.op not in CURVES}
    single = [use for use in program.arrows if use.line.operands.count(use.line.operands[use.i]) == 1]
    # One slope of a curve or of a product: those of sums are soon known.
    telling = [use for use in single if use.line.op in (*CURVES, "relu", "pow")]
    telling = telling or [use for use in single if use.line.op == "mul"]
    first = _some(telling, 1, chance)
    second = _some([use for use in single if use not in first], 2 - len(first), chance)
    asked |= {use.slope for use in first + second}
    asked |= {grad(name) for name in program.names if len(program.uses(name)) > 1}
    others = [name for name in program.leaves if len(program.uses(name)) == 1]
    asked |= {grad(name) for name in _some(others, 2, chance)} if level > 1 else {grad(program.root)}
    return tuple(name for name in program.steps if name in asked)


# ---- can every idea be told from every other? -----------------------------------------------------------------------


def is_clear(paper: Paper) -> bool:
    """Whether each wrong idea gives numbers of its own, and those that this level is for do show."""
    right = work_out(paper.program.steps)
    showing: set[str] = set()
    taken: dict[str, list[tuple[str, float]]] = {name: [] for name in paper.blanks}
    for idea in ideas_for(paper):
        for name, number in what_it_gives(paper, idea, right).items():
            if same(number, right[name]):
                if name in idea.steps and not name.endswith(".grad") and idea.name not in MAY_BE_RIGHT:
                    return False  # right by luck, as 2 * 2 taken for 2 + 2
                continue  # this idea does not show here
            others = [other for named, other in taken[name] if named != idea.name]
            if not all(apart(number, other, paper) for other in (right[name], *others)):
                return False
            taken[name].append((idea.name, number))
            showing.add(idea.name)
    return not any(showing.isdisjoint(wanted) for wanted in SHOWS[paper.level])


def ideas_for(paper: Paper) -> list[Idea]:
    """All wrong ideas that there is room for in this quiz."""
    return ideas_of(paper.program, paper.blanks)


def what_it_gives(paper: Paper, idea: Idea, before: Numbers) -> dict[str, float]:
    """The number that an idea gives for each blank, from these numbers for all that comes before it."""
    fixed = {name: before[name] for name in before if name in paper.blanks}
    fixed |= {data(name): number for name, number in paper.given.items()}
    found = work_out(paper.program.steps | idea.steps, fixed)
    return {name: found[name] for name in paper.blanks}


def tolerance(number: float, paper: Paper) -> float:
    """How far an answer may be from this number: rounding to 3 decimals on the way is no mistake."""
    return 0.004 + 0.01 * abs(number) if paper.decimals else 1e-6


def close(x: float, number: float, paper: Paper) -> bool:
    """Whether an answer is this number."""
    return abs(x - number) <= tolerance(number, paper)


def same(x: float, y: float) -> bool:
    """Whether these are one number, but for the last digits, in which computers differ (their tanh does)."""
    return abs(x - y) < 1e-9


def apart(x: float, y: float, paper: Paper) -> bool:
    """Whether no answer could be both."""
    return abs(x - y) > 2.5 * max(tolerance(x, paper), tolerance(y, paper))


# ---- chance, the same in every version of Python --------------------------------------------------------------------


def _one_of(things: Sequence[T], chance: random.Random) -> T:
    return things[int(chance.random() * len(things))]  # of random.Random, only random() is promised to stay the same


def _some(things: Sequence[T], n: int, chance: random.Random) -> list[T]:
    """n different ones of these, or all where there are fewer, in their order."""
    left = list(range(len(things)))
    taken = [left.pop(int(chance.random() * len(left))) for _ in range(min(n, len(things)))]
    return [things[k] for k in sorted(taken)]
