"""Marking a quiz: which blanks are right, which wrong idea gives each wrong number, and what only follows from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from ..plain import plain
from ..report import FAILED, NOT_ATTEMPTED, PASSED, Case, Report, number
from .ideas import Idea
from .making import Paper, close, ideas_for
from .program import data, grad, work_out

Answers = Mapping[str, Any]


def marked(paper: Paper, title: str, answers: Answers) -> Report:
    """The report on these answers. The right ones are nowhere in it.

    TypeError where `answers` is no dict, ValueError for a name that is no blank of this quiz.
    """
    _check_names(paper, answers)
    filled = {name: answers[name] for name in paper.blanks if not _is_empty(answers.get(name))}
    if not filled:
        cases = tuple(Case(name, False) for name in paper.blanks)
        message = f"Nothing is filled in yet. The blanks: {', '.join(paper.blanks)}."
        return Report(title, NOT_ATTEMPTED, cases, float(len(cases)), message)
    numbers = {name: as_number(answer) for name, answer in filled.items()}
    readable = {name: x for name, x in numbers.items() if x is not None}
    marking = _Marking(paper, readable)
    cases = tuple(marking.case(name) if name in readable else _unread(name, filled) for name in paper.blanks)
    state = PASSED if all(case.ok for case in cases) else FAILED
    return Report(title, state, cases, float(len(cases)), _message(marking, filled))


def _message(marking: _Marking, filled: Answers) -> str:
    """What is to be said of the whole: what to mend first, and the blanks that are left, which are no mistakes."""
    left = ", ".join(name for name in marking.paper.blanks if name not in filled)
    so_far = "" if marking.wrong or len(marking.numbers) < len(filled) else "What is filled in is right."
    parts = [marking.message, f"{so_far} Still to be filled in: {left}." if left else ""]
    return " ".join(part.strip() for part in parts if part)


def as_number(answer: Any) -> float | None:
    """An answer as a number, also "1/2", "0,5" and "−3" as people write it; None for what is none.

    >>> as_number(3), as_number("1/2"), as_number(" −0,5"), as_number("b"), as_number(float("nan"))
    (3.0, 0.5, -0.5, None, None)
    """
    x = _simple(answer)
    if isinstance(x, str):
        x = _parsed(x.strip().replace("\N{MINUS SIGN}", "-").replace(",", "."))
    return x if isinstance(x, float) and math.isfinite(x) else None


def _simple(answer: Any) -> Any:
    """The answer as a float, a text, a bool or a list; None for what can't be read."""
    try:
        return plain(answer)
    except Exception:  # whatever a strange object raises when it is asked for its number: it holds none
        return None


def _parsed(text: str) -> float | None:
    try:
        # float first: Fraction would write out all the digits of 1e999999999
        return float(Fraction(text)) if "/" in text else float(text)
    except (ValueError, ArithmeticError):
        return None


class _Marking:
    """One student's numbers, and what each way of thinking makes of them."""

    def __init__(self, paper: Paper, numbers: dict[str, float]):
        self.paper, self.numbers = paper, numbers
        self.right = work_out(paper.program.steps)
        self.own = {data(name): x for name, x in paper.given.items()} | numbers  # what the student goes on with
        self.carried = work_out(paper.program.steps, self.own)
        self.wrong = [name for name in numbers if not close(numbers[name], self.right[name], paper)]
        self.following = [name for name in self.wrong if close(numbers[name], self.carried[name], paper)]
        self.ideas = self._ideas()

    def _ideas(self) -> list[tuple[Idea, list[str]]]:
        """The ideas, each with the blanks that it explains; first those that explain most and contradict least."""
        unexplained = [name for name in self.wrong if name not in self.following]
        ranked = []
        for idea in ideas_for(self.paper):
            found = work_out(self.paper.program.steps | idea.steps, self.own)
            agrees = {name: close(got, found[name], self.paper) for name, got in self.numbers.items()}
            names = [name for name in unexplained if agrees[name]]
            ranked.append(((-len(names), idea.wide, list(agrees.values()).count(False)), idea, names))
        return [(idea, names) for _, idea, names in sorted(ranked, key=lambda row: row[0])]

    @property
    def message(self) -> str:
        """What to mend first, where a number is wrong only because of one before it."""
        if not self.following:
            return ""
        *most, last = self.following
        which = f"{', '.join(most)} and {last} follow" if most else f"{last} follows"
        earlier = "earlier numbers" if most else "an earlier number"
        return f"{which} rightly from {earlier}: mend the others first, then work on from there."

    def case(self, name: str) -> Case:
        """How one blank that holds a number went."""
        got = self.numbers[name]
        if name not in self.wrong:
            return Case(name, True, got=got)
        if name in self.following:
            return Case(name, False, got=got, why=f"It follows rightly from {self._cause(name)}.")
        for idea, names in self.ideas:
            if name in names:
                why = f"Your {number(got)} is what you get if {idea.says}. {idea.advice}"
                return Case(name, False, got=got, why=why, mistake=idea.name, advice=idea.advice)
        if close(got, -self.carried[name], self.paper):
            mistake, advice = "the sign is turned round", "Count the minus signs once more."
            why = f"Your {number(got)} is what you get if {mistake}. {advice}"
            return Case(name, False, got=got, why=why, mistake=mistake, advice=advice)
        return Case(name, False, got=got, why=f"No known mistake gives {number(got)}. {self._again(name)}")

    def _cause(self, name: str) -> str:
        """The wrong answers that this one hangs on directly: with one of them mended it would be another."""
        causes = []
        for earlier in self.wrong:
            mended = work_out(self.paper.program.steps, self.own | {earlier: self.right[earlier]})
            if not close(mended[name], self.carried[name], self.paper):
                causes.append(f"your {earlier} = {number(self.numbers[earlier])}")
        return " and ".join(causes)

    def _again(self, name: str) -> str:
        """How to go about it, where nothing better can be said."""
        what, _, kind = name.partition(".")
        if kind == "data":
            line = next(line for line in self.paper.program.lines if line.name == what)
            return f"Put the numbers into {line.name} = {line.expression} once more."
        if name == grad(self.paper.program.root):
            return f"Let {what} itself grow by a very little: how many times as much does {what} grow?"
        if kind == "grad":
            return _along(what, len(self.paper.program.uses(what)))
        result, _, x = name.removeprefix("d").partition("/d")
        return f"Let {x} grow by a very little and hold the rest fixed: how many times as much does {result} grow?"


def _along(name: str, arrows: int) -> str:
    """How a gradient is worked out that arrives along so many arrows."""
    if arrows == 1:
        return f"Take the arrow that leaves {name}: its slope times the gradient of the box that it leads to."
    return (
        f"Take each arrow that leaves {name}: its slope times the gradient of the box that it leads to. "
        "Then add what they bring."
    )


def _unread(name: str, filled: Answers) -> Case:
    """The case of a blank that holds no number. Of one that is empty nothing is said here: it is no mistake."""
    if name not in filled:
        return Case(name, False)
    why = "This is no number. Write one such as 3, -0.5 or '1/2'."
    return Case(name, False, got=_called(filled[name]), why=why)


def _called(answer: Any) -> str:
    """What is no number, in a word: a text, True and nan as they are, of other things their kind."""
    simple = _simple(answer)
    is_itself = isinstance(answer, str) or isinstance(simple, (bool, float))
    return f"{simple!s:.40}" if is_itself else f"<{type(answer).__name__}>"


def _is_empty(answer: Any) -> bool:
    return answer is None or answer is ... or (isinstance(answer, str) and not answer.strip(" _?."))


def _check_names(paper: Paper, answers: Answers) -> None:
    blanks = ", ".join(paper.blanks)
    if not isinstance(answers, Mapping):
        example = f"{{{paper.blanks[0]!r}: 3, …}}"
        raise TypeError(f"check needs a dict such as {example}, one entry a blank; got {type(answers).__name__}")
    unknown = [name for name in answers if name not in paper.blanks]
    if unknown:
        raise ValueError(f"{unknown[0]!r:.40} is no blank of this quiz; its blanks are {blanks}")
