"""What grading found: for a file, for a student, for a class."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..exercises.report import NOT_ATTEMPTED, PASSED, STATES, Report
from .calls import GradedCall

# How it went with a submission as a whole.
GRADED, STOPPED, UNREADABLE, MISSING = "graded", "stopped", "unreadable", "missing"


@dataclass(frozen=True)
class FileResult:
    """What became of one file: a report for each exercise in it, and what else happened, in words.

    state: graded; stopped (it was ended half way; the reports say what was reached); unreadable; missing. notes: what
    else should be known, as which of several files was graded.
    """

    name: str
    state: str
    reports: tuple[Report, ...]
    problems: tuple[str, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there are exercises, and all are passed."""
        return bool(self.reports) and all(report.ok for report in self.reports)

    @property
    def score(self) -> float:
        """The points earned."""
        return round(sum(report.score for report in self.reports), 2)

    @property
    def out_of(self) -> float:
        """The points that can be earned."""
        return sum(report.out_of for report in self.reports)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain lists, texts and numbers, ready for `json.dumps`; NaN is a text, since JSON has none."""
        return {
            "name": self.name,
            "state": self.state,
            "ok": self.ok,
            "score": self.score,
            "out_of": self.out_of,
            "problems": list(self.problems),
            "notes": list(self.notes),
            "seconds": round(self.seconds, 1),
            "reports": [_for_json(report.to_dict()) for report in self.reports],
        }

    def __str__(self) -> str:
        return "\n\n".join([*map(str, self.reports), *self.problems])


def _for_json(value: Any) -> Any:
    """The same without NaN and infinities, which JSON doesn't have: they become "nan", "inf" and "-inf"."""
    if isinstance(value, dict):
        return {name: _for_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_for_json(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def idea_in(report: Report) -> str:
    """The first wrong idea that was recognised in a report, "" if there is none: "upstream is forgotten".

    Not among them are faults such as "TypeError is raised", which say nothing of what somebody thought.
    """
    return next((case.mistake for case in report.cases if case.advice), "")


class Mistake(NamedTuple):
    """A mistake that was recognised in an exercise: its short name, what to look at next, and who made it."""

    exercise: str
    name: str
    advice: str
    students: tuple[str, ...]


@dataclass(frozen=True)
class ClassResult:
    """What became of all submissions. Students whose work wasn't graded before it was stopped are missing in it.

    title: of the assignment. graded: what was looked at, with its points. students: by name. stopped: by Ctrl-C.
    notes: what a teacher should know of how it was graded. everyone: how many submissions there are.
    """

    title: str
    graded: tuple[GradedCall, ...]
    students: tuple[FileResult, ...]
    everyone: int
    notes: tuple[str, ...] = ()
    stopped: bool = False

    @property
    def out_of(self) -> float:
        """The points that can be earned."""
        return sum(call.points or 0.0 for call in self.graded)

    @property
    def average(self) -> float:
        """The points earned on average."""
        return sum(student.score for student in self.students) / max(len(self.students), 1)

    def reports_on(self, exercise: str) -> Iterator[tuple[str, Report]]:
        """Each student's name and report on an exercise."""
        for student in self.students:
            for report in student.reports:
                if report.exercise == exercise:
                    yield student.name, report

    def states_of(self, exercise: str) -> dict[str, list[str]]:
        """Who is in which state with an exercise: {"passed": [names], …}, all states in their usual order."""
        states: dict[str, list[str]] = {state: [] for state in STATES}
        for name, report in self.reports_on(exercise):
            states[report.state].append(name)
        return states

    def average_of(self, exercise: str) -> float:
        """The part of an exercise's points that was earned on average, from 0 to 1."""
        return _average(report for _, report in self.reports_on(exercise))

    def average_of_readable(self, exercise: str) -> float:
        """The same without those who handed in nothing that can be read: their zeros say nothing of the exercise."""
        readable = {student.name for student in self.students if student.state not in (UNREADABLE, MISSING)}
        return _average(report for name, report in self.reports_on(exercise) if name in readable)

    def mistakes(self, exercise: str | None = None) -> list[Mistake]:
        """The wrong ideas that were recognised, in all exercises or in one, the most frequent first."""
        return self._counted(exercise, ideas=True)

    def faults(self, exercise: str | None = None) -> list[Mistake]:
        """What went wrong in a way that tells no idea, as "TypeError is raised", the most frequent first."""
        return self._counted(exercise, ideas=False)

    def most_frequent(self, most: int = 5) -> list[Mistake]:
        """The wrong ideas and the faults that most students share."""
        return sorted([*self.mistakes(), *self.faults()], key=lambda mistake: -len(mistake.students))[:most]

    def _counted(self, exercise: str | None, ideas: bool) -> list[Mistake]:
        who: dict[tuple[str, str], list[str]] = defaultdict(list)
        advice: dict[tuple[str, str], str] = {}
        for call in self.graded:
            if exercise in (None, call.exercise):
                for name, report in self.reports_on(call.exercise):
                    found = {case.mistake: case.advice for case in report.cases if case.mistake}
                    for mistake in found:
                        if bool(found[mistake]) == ideas:
                            who[call.exercise, mistake].append(name)
                            advice[call.exercise, mistake] = found[mistake]
        mistakes = [Mistake(*key, advice[key], tuple(names)) for key, names in who.items()]
        return sorted(mistakes, key=lambda mistake: -len(mistake.students))

    def unnamed(self, exercise: str) -> list[str]:
        """Who is wrong in a way that has no name."""
        return [name for name, report in self.reports_on(exercise) if report.wrong and not report.mistakes]

    def not_reached(self, exercise: str) -> list[str]:
        """Whose answer could not be looked at: a file that can't be read, code that ended half way."""
        done = (PASSED, NOT_ATTEMPTED)
        return [name for name, report in self.reports_on(exercise) if report.state not in done and not report.cases]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain lists, texts and numbers, ready for `json.dumps`."""
        return {
            "title": self.title,
            "out_of": self.out_of,
            "average": round(self.average, 2),
            "stopped": self.stopped,
            "everyone": self.everyone,
            "notes": list(self.notes),
            "graded": [{"exercise": call.exercise, "points": call.points} for call in self.graded],
            "mistakes": [{**mistake._asdict(), "students": list(mistake.students)} for mistake in self.mistakes()],
            "faults": [{**fault._asdict(), "students": list(fault.students)} for fault in self.faults()],
            "students": [student.to_dict() for student in self.students],
        }

    def __str__(self) -> str:
        lines = [f"{self.title}: {len(self.students)} of {self.everyone} submissions graded"]
        lines[0] += f", {points_text(self.average)} of {points_text(self.out_of)} points on average."
        for mistake in self.most_frequent():
            times = len(mistake.students)
            lines.append(f"  {times:>3} × {mistake.exercise}: {mistake.name}")
        lines += self.notes
        if self.stopped:
            lines.append("It was stopped before the end: the others are not in it.")
        return "\n".join(lines)


def _average(reports: Iterable[Report]) -> float:
    parts = [report.score / report.out_of for report in reports if report.out_of]
    return sum(parts) / max(len(parts), 1)


def points_text(points: float) -> str:
    """Points as people write them: two decimals at most.

    >>> points_text(7.0), points_text(21.666)
    ('7', '21.67')
    """
    return f"{points:.2f}".rstrip("0").rstrip(".")
