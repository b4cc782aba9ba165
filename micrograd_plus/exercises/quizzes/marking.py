"""Marking a quiz: which blanks are right, which wrong idea gives each wrong number, and what only follows from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from ..report import FAILED, NOT_ATTEMPTED, PASSED, Case, Report, number
from .ideas import Idea
from .making import Paper, close, ideas_for
from .program import data, work_out

Answers = Mapping[str, Any]


def marked(paper: Paper, title: str, answers: Answers) -> Report:
    """The report on these answers. The right ones are nowhere in it.

    TypeError where `answers` is no dict, ValueError for a name that is no blank of this quiz.
    """
    _check_names(paper, answers)
    filled = {name: answers[name] for name in paper.blanks if not _is_empty(answers.get(name))}
    if not filled:
        cases = tuple(Case(name, False, why="Not filled in yet.") for name in paper.blanks)
        message = f"Nothing is filled in yet. The blanks: {', '.join(paper.blanks)}."
        return Report(title, NOT_ATTEMPTED, cases, float(len(cases)), message)
    numbers = {name: as_number(answer) for name, answer in filled.items()}
    readable = {name: x for name, x in numbers.items() if x is not None}
    marking = _Marking(paper, readable)
    cases = tuple(marking.case(name) if name in readable else _unread(name, filled.get(name)) for name in paper.blanks)
    state = PASSED if all(case.ok for case in cases) else FAILED
    return Report(title, state, cases, float(len(cases)), marking.message)


def as_number(answer: Any) -> float | None:
    """An answer as a number, also "1/2", "0,5" and "−3" as people write it; None for what is none.

    >>> as_number(3), as_number("1/2"), as_number(" −0,5"), as_number("b"), as_number(float("nan"))
    (3.0, 0.5, -0.5, None, None)
    """
    try:
        if isinstance(answer, str):
            answer = Fraction(answer.strip().replace("\N{MINUS SIGN}", "-").replace(",", "."))
        x = float(answer)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return x if math.isfinite(x) else None


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
        """What to mend first, where more than one blank is wrong for one reason."""
        if not self.following:
            return ""
        count = (
            "One wrong number follows" if len(self.following) == 1 else f"{len(self.following)} wrong numbers follow"
        )
        return f"{count} rightly from an earlier one: mend the others first, then work on from there."

    def case(self, name: str) -> Case:
        """How one blank that holds a number went."""
        got = self.numbers[name]
        if name not in self.wrong:
            return Case(name, True, got=got)
        if name in self.following:
            return Case(name, False, got=got, why=f"Your {number(got)} follows rightly from {self._cause(name)}.")
        for idea, names in self.ideas:
            if name in names:
                why = f"Your {number(got)} is what you get if {idea.says}. {idea.advice}"
                return Case(name, False, got=got, why=why, mistake=idea.name)
        if close(got, -self.carried[name], self.paper):
            why = f"Your {number(got)} is what you get if the sign is turned round. Count the minus signs once more."
            return Case(name, False, got=got, why=why, mistake="the sign is turned round")
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
        if kind == "grad":
            return f"Take each arrow that leaves {what}: its slope times the gradient it leads to; add them all."
        result, _, x = name.removeprefix("d").partition("/d")
        return f"Let {x} grow by a very little and hold the rest fixed: how many times as much does {result} grow?"


def _unread(name: str, answer: Any) -> Case:
    """The case of a blank that holds no number."""
    if answer is None:
        return Case(name, False, why="Not filled in yet.")
    said = answer if isinstance(answer, str) else f"a {type(answer).__name__}"
    return Case(name, False, got=f"{said:.40}", why="This is no number. Write one such as 3, -0.5 or '1/2'.")


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
