"""The grades of a class as a CSV file, for spreadsheets."""

from __future__ import annotations

import csv
import io

from .results import ClassResult, FileResult, points_text

LONGEST_NOTE = 300  # characters
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for the beginning of a formula


def csv_text(result: ClassResult) -> str:
    """A line for each student: name, total, what can be earned, the points of each exercise, state, what happened.

    It begins with a byte order mark, so that Excel reads names with accents; `encoding="utf-8-sig"` reads over it.
    """
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\r\n")
    lines.writerow(["student", "total", "out_of", *(call.exercise for call in result.graded), "state", "note"])
    for student in result.students:
        points = [points_text(report.score) for report in student.reports]
        total = [points_text(student.score), points_text(student.out_of)]
        lines.writerow([_plain(student.name), *total, *points, student.state, _plain(_note(student))])
    return "\ufeff" + written.getvalue()


def _note(student: FileResult) -> str:
    text = " ".join(" ".join([*student.notes, *student.problems]).split())
    return text if len(text) <= LONGEST_NOTE else f"{text[:LONGEST_NOTE]} …"


def _plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula: somebody may be called =HYPERLINK(…)."""
    return f"'{text}" if text.startswith(FORMULA) else text
