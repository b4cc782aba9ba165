"""The result of one submission as Gradescope reads it: https://gradescope-autograders.readthedocs.io/en/latest/specs/"""

from __future__ import annotations

import json
from typing import Any

from ..exercises.catalogue import find
from ..exercises.report import Report
from .results import MISSING, UNREADABLE, ClassResult, FileResult


def gradescope_text(result: ClassResult) -> str:
    """The text of results.json: a test for each exercise, with its points and what is said of it."""
    student = result.students[0]
    return json.dumps(_results(student), indent=1, ensure_ascii=False) + "\n"


def _results(student: FileResult) -> dict[str, Any]:
    return {
        "score": student.score,
        "output": "\n".join([*student.notes, *student.problems]),
        "output_format": "text",
        "stdout_visibility": "hidden",
        "tests": [_test(report, number, student.state) for number, report in enumerate(student.reports, start=1)],
    }


def _test(report: Report, number: int, state: str) -> dict[str, Any]:
    return {
        "name": find(report.exercise).title,
        "number": str(number),
        "score": report.score,
        "max_score": report.out_of,
        "status": "passed" if report.ok else "failed",
        "output": "It could not be looked at: see above." if state in (UNREADABLE, MISSING) else str(report),
        "output_format": "text",
        "visibility": "visible",
        "tags": [report.exercise],
    }
