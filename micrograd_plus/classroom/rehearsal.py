"""A problem set run as it will be graded, before it is handed out: the solutions earn all points, dots earn none."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..exercises.report import NOT_ATTEMPTED, Report
from .grading import run_file
from .notebook_files import notebook_cell, notebook_text
from .problem_set import Part, ProblemSet
from .regions import AssignmentError
from .results import FileResult, points_text
from .sandbox import files_beside

UNCHECKED = "If all of this is meant so, check=False leaves this trial out."


def rehearse(problem_set: ProblemSet, source: Path) -> None:
    """Run the source, and what students get, each in a process of its own as `grade` does. Takes about a second.

    source: the file of the problem set; data that lies beside it is there for both. Raises AssignmentError, which names
    the exercise, where the solutions don't earn all of its points, or where a part of them is earned by what is handed
    out.
    """
    codes = [part for part in problem_set.graded if part.kind == "code"]
    with tempfile.TemporaryDirectory(prefix="micrograd-plus-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        for name, beside in files_beside(source).items():
            if beside != source and beside.suffix.lower() != ".ipynb":
                with suppress(OSError):
                    shutil.copyfile(beside, folder / name)
        if any(part.has_solution for part in problem_set.parts if part.kind == "code"):  # a set can do without
            _look(codes, _run(problem_set, folder, lambda part: part.full), _solution_is_wrong)
        _look(codes, _run(problem_set, folder, lambda part: part.open), _given_away)


def _run(problem_set: ProblemSet, folder: Path, text_of: Callable[[Part], str]) -> FileResult:
    """The result of the notebook that is made of these texts."""
    file = folder / f"{problem_set.name}.ipynb"
    cells = [notebook_cell(part.kind, text_of(part), f"cell-{number}") for number, part in enumerate(problem_set.parts)]
    file.write_text(notebook_text(cells), encoding="utf-8")
    return run_file(file)


def _look(codes: list[Part], result: FileResult, wrong: Callable[[Part, Report, FileResult], str]) -> None:
    """Raise AssignmentError with what is wrong about the first exercise of which something is."""
    reports = {report.exercise: report for report in result.reports}
    for part in codes:
        report = reports.get(part.graded, Report(part.graded, NOT_ATTEMPTED)).graded(part.points)
        if said := wrong(part, report, result):
            raise AssignmentError(f"line {part.line}: {said} {UNCHECKED}")


def _solution_is_wrong(part: Part, report: Report, result: FileResult) -> str:
    """What is said of a solution that doesn't earn its points; "" for one that does."""
    if report.ok:
        return ""
    earned = f"{points_text(report.score)} of its {points_text(part.points)} points"
    return f"the solution of {part.graded!r} earns {earned}. {_reason(report, result)}".strip()


def _reason(report: Report, result: FileResult) -> str:
    """Why an exercise isn't passed: the first case that is wrong, or what is said of the whole, in one line."""
    for case in report.wrong:
        seen = ", ".join(f"{word} {text}" for word, text in case.rows() if word in ("expected", "got"))
        return " ".join(text for text in (f"{case.name}: {seen}." if seen else f"{case.name}.", case.why) if text)
    said = [report.message, *result.problems]
    return next((re.sub(r"\s*[^.:]*: ex\.hint\(.*?\)", "", text) for text in said if text), "")


def _given_away(part: Part, report: Report, result: FileResult) -> str:
    """What is said where students have points before they have done anything; "" where they have none."""
    if not report.score:
        return ""
    earned = f"{points_text(report.score)} of {points_text(part.points)} points"
    return (
        f"what students get earns {earned} of {part.graded!r} before they have done anything. Put all that answers it "
        f"between `### BEGIN SOLUTION` and `### END SOLUTION`, and nothing but dots in its place."
    )
