"""An exercise: code with blanks, what belongs in them, and the wrong ideas that people have, each with its message."""

from __future__ import annotations

import copy
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

from .plain import TOLERANCE
from .report import Report, shown

KINDS = ("predict", "fill a blank", "find the bug", "write a rule", "write a loop")

BLANK = "____"

# What the code of every exercise may use, as in the first cell of each lesson.
PRELUDE = ("import math", "import micrograd_plus as mg", "from micrograd_plus import Value")

Fill = str | tuple[str, ...]


@dataclass(frozen=True)
class Wrong:
    """A wrong idea.

    name: completes "This is what you get if …", as "upstream is forgotten". fill: what somebody with this idea writes
    into the blanks. advice: what to look at next; it doesn't give the answer away.

    >>> Wrong("the side is doubled", "2 * side", "How many small squares lie along the side?").name
    'the side is doubled'
    """

    name: str
    fill: Fill
    advice: str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Exercise:
    """One exercise. What is right and what is wrong are fillings of the same blanks, so that all of them can be run.

    id: its name for good. lesson: the lesson that it belongs to. minutes: 2 to 10 (an engine of one's own takes more).
    kind: one of KINDS. title, task: what is asked for, the task as Markdown.
    right: what belongs in the blank (a tuple where there are several). wrong: the known wrong ideas.
    hints: a nudge, then the method, then almost the code.
    why: the reason in a sentence or two, shown with the solution.
    code: what the learner starts from; `____` is a blank, shown as `...`. The last name that it defines is the answer.
    bug: for "find the bug": what is in the blank at first, in place of dots.

    For functions:
    cases: the arguments of each call that is looked at. draw: gives the arguments of one more call, its numbers chosen
    with the Random that it is given; `drawn` such calls are added, others for each student.
    measure: called as measure(answer, *arguments) where more is to be done than `answer(*arguments)`; also without any
    arguments, where the answer is no function: it gives what is compared.
    say: how a case is written, as "mul_backward(a={}, b={})"; by default made from the arguments.
    forward, wrt: where the answers are gradients: the function of the arguments that is differentiated, and the
    positions of the arguments that it is differentiated by; what is right is compared with central differences then.
    reveal: whether the report shows what is right; by default for functions alone.

    truth: computes the right answer by running it, for the tests. setup: code that runs before, such as what is given.
    tolerance: how far numbers may be apart, relative and absolute. numpy: whether NumPy is needed (`np` is known then).
    collecting, judging: the two halves of a marker of its own, as `check_engine` has.

    >>> from micrograd_plus import exercises as ex
    >>> area = ex.Exercise(
    ...     id="area", lesson=1, minutes=2, kind="write a rule", title="A square", task="Its area, given its side.",
    ...     code="def area(side):\\n    return ____", right="side * side",
    ...     wrong=[ex.Wrong("the side is doubled", "2 * side", "How many small squares lie along the side?")],
    ...     cases=[(3.0,), (5.0,)], why="As many rows as there are squares in a row.",
    ...     hints=("Draw it.", "Count rows.", "Rows times squares in a row."),
    ... )
    >>> ex.check(area, lambda side: 2 * side).mistakes
    area: not yet (0 of 2 right).
      area(3)
        expected   9
        got        6
        why        Your 6 is what you get if the side is doubled. How many small squares lie
                   along the side?
      … and 1 more like it.
    Stuck? ex.hint('area')
    ('the side is doubled',)
    """

    id: str
    lesson: int
    minutes: int
    kind: str
    title: str
    task: str
    right: Fill
    wrong: Sequence[Wrong]
    hints: tuple[str, str, str]
    why: str
    code: str = "answer = ____"
    bug: Fill | None = None
    cases: Sequence[tuple[Any, ...]] = ()
    draw: Callable[[Random], tuple[Any, ...]] | None = None
    drawn: int = 2
    measure: Callable[..., Any] | None = None
    say: str = ""
    forward: Callable[..., float] | None = None
    wrt: tuple[int, ...] = ()
    reveal: bool | None = None
    truth: Callable[[], Any] | None = None
    setup: str = ""
    tolerance: float = TOLERANCE
    numpy: bool = False
    collecting: Callable[[Any, float], dict[str, Any]] | None = None
    judging: Callable[[dict[str, Any]], Report] | None = None

    def __repr__(self) -> str:
        return f"<Exercise {self.id}: {self.title}>"

    @cached_property
    def name(self) -> str:
        """What the answer is called in the code: the last name that is defined at its left margin."""
        names = re.findall(r"^(?:def|class) +(\w+)|^(\w+) *=[^=]", textwrap.dedent(self.code), flags=re.M)
        if not names:
            raise ValueError(
                f"exercise {self.id!r}: its code defines nothing; begin a line with def, class or a name ="
            )
        return names[-1][0] or names[-1][1]

    @property
    def start(self) -> str:
        """The code that the learner starts from."""
        return filled(self.code, self.bug or "...")

    @property
    def solution(self) -> str:
        """The code that is right."""
        return filled(self.code, self.right)

    @property
    def reveals(self) -> bool:
        """Whether a report shows what is right."""
        return bool(self.cases or self.draw) if self.reveal is None else self.reveal

    @property
    def setup_code(self) -> str:
        """The code that runs before it, without what is indented for the source's sake."""
        return textwrap.dedent(self.setup).strip("\n")

    @property
    def imports(self) -> list[str]:
        """Those lines of the prelude that its code needs."""
        text = f"{self.setup_code}\n{self.start}\n{self.solution}"
        return [line for line in self._prelude if re.search(rf"\b{line.split()[-1]}\b", text)]

    @property
    def _prelude(self) -> list[str]:
        return [*PRELUDE, "import numpy as np"] if self.numpy else [*PRELUDE]

    def run(self, code: str) -> Any:
        """Run the code of a solution (or of a wrong one) and return the answer that it defines."""
        namespace: dict[str, Any] = {"__name__": self.id}
        before = "\n".join([*self._prelude, self.setup_code])
        exec(compile(before, f"<{self.id}>", "exec"), namespace)
        exec(compile(code, f"<{self.id}>", "exec"), namespace)
        return namespace[self.name]

    def arguments(self, seed: str) -> list[tuple[Any, ...]]:
        """The arguments of all calls: the cases, and those drawn for this seed. Fresh ones each time."""
        random = Random(f"{self.id} {seed}")
        drawn = [self.draw(random) for _ in range(self.drawn)] if self.draw else []
        return [*copy.deepcopy(list(self.cases)), *drawn]

    def say_case(self, arguments: tuple[Any, ...]) -> str:
        """A call as it is shown to people."""
        texts = [shown(argument) for argument in arguments]
        return self.say.format(*texts) if self.say else f"{self.name}({', '.join(texts)})"


def filled(code: str, fill: Fill) -> str:
    """The code with its blanks filled, one after the other (all with the same text, if it is a single one).

    >>> print(filled("def double(x):\\n    ____", "y = x + x\\nreturn y"))
    def double(x):
        y = x + x
        return y
    """
    text = textwrap.dedent(code).strip("\n")
    blanks = text.count(BLANK)
    fills = (fill,) * blanks if isinstance(fill, str) else fill
    if len(fills) != blanks or not blanks:
        raise ValueError(f"{len(fills)} fillings for {blanks} blanks in the code\n{text}")
    for one in fills:
        before, after = text.split(BLANK, 1)
        line = before.rpartition("\n")[2]
        indent = line[: len(line) - len(line.lstrip())]
        text = before + one.replace("\n", "\n" + indent) + after
    return text
