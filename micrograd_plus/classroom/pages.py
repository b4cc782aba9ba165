"""Feedback as HTML: a page for each student, and one for the teacher. Each is one file that needs nothing else."""

from __future__ import annotations

import html
import importlib.resources
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..exercises.catalogue import find
from ..exercises.report import ERROR, FAILED, NOT_ATTEMPTED, PASSED, TIMEOUT, Report, as_html
from .lesson_titles import lesson_title
from .results import MISSING, UNREADABLE, ClassResult, FileResult, idea_in, points_text
from .submissions import PAGES, pages_written, unique_file_names
from .writing import write

INDEX = "index.html"
UNSEEN = {UNREADABLE: "Your file could not be read", MISSING: "There is nothing to grade"}
HAND_IN_AGAIN = (
    "mend what is said above, and hand it in again: as a notebook (.ipynb, saved in Jupyter) or as a Python "
    "file (.py, saved as UTF-8)."
)
AGAIN = 0.7  # lessons of which the class has earned less than this part are worth going over again

# How a state is shown: a word, a sign for narrow tables, and its colour; never the colour alone.
WORDS = {
    PASSED: ("right", "✓", "right"),
    FAILED: ("not yet", "✗", "wrong"),
    ERROR: ("stopped with an error", "!", "wrong"),
    TIMEOUT: ("did not end in time", "∞", "wrong"),
    NOT_ATTEMPTED: ("not attempted", "–", "none"),
}


def write_pages(result: ClassResult, folder: Path) -> list[Path]:
    """Write a page for each student and `index.html` for the teacher; returns their paths, index.html first.

    Students' pages don't link to each other's: each can be handed out by itself. Pages that an earlier grading wrote
    there, of students who are gone, are removed.
    """
    names = unique_file_names(student.name for student in result.students)
    before = pages_written(folder)
    pages = {INDEX: teachers_page(result, {student: f"{name}.html" for student, name in names.items()})}
    for student in result.students:
        pages[f"{names[student.name]}.html"] = students_page(result, student)
    for name, text in pages.items():
        write(folder / name, text)
    for gone in before:
        if gone.endswith(".html") and gone not in pages and Path(gone).name == gone:
            (folder / gone).unlink(missing_ok=True)
    write(folder / PAGES, "\n".join(pages))
    return [folder / name for name in pages]


def _page(title: str, body: str) -> str:
    style = (importlib.resources.files(__package__) / "pages.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_safe(title)}</title>\n<style>\n{style}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _safe(text: str) -> str:
    return html.escape(text)


def _prose(text: str) -> str:
    """A sentence with `code` in it."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", _safe(text))


# -- for a student ---------------------------------------------------------------------------------------------


def students_page(result: ClassResult, student: FileResult) -> str:
    """The page of one student: what is right, what isn't and why, and what to look at next."""
    parts = [
        f"<h1>{_safe(student.name)}</h1>",
        f'<p class="about">{_safe(result.title)}</p>',
        f'<p class="total"><strong>{points_text(student.score)}</strong> of {points_text(student.out_of)} points</p>',
        _what_happened(student),
        _look_next(student),
        *(_section(report) for report in student.reports if student.state not in UNSEEN),
    ]
    return _page(f"{student.name}: {result.title}", "\n".join(part for part in parts if part))


def _what_happened(student: FileResult) -> str:
    said = "".join(f'<p class="note">{_safe(note)}</p>' for note in student.notes)
    if not student.problems:
        return said
    items = "".join(f"<li>{_safe(problem)}</li>" for problem in student.problems)
    head = UNSEEN.get(student.state, "When your file was run")
    return f'{said}<div class="note"><p><strong>{head}</strong></p><ul>{items}</ul></div>'


def _look_next(student: FileResult) -> str:
    """One thing to begin with: what was tried and isn't right yet, else what wasn't tried."""
    if student.state in UNSEEN:
        return f'<p class="next"><strong>Next:</strong> {HAND_IN_AGAIN}</p>'
    open_ones = sorted((r for r in student.reports if not r.ok), key=lambda r: r.state == NOT_ATTEMPTED)
    if not student.reports:
        return ""
    if not open_ones:
        return '<p class="next"><strong>All of it is right.</strong> Well done.</p>'
    first = open_ones[0]
    exercise = find(first.exercise)
    which = f"<strong>Look next at “{_safe(exercise.title)}”</strong>"
    lesson = f"It belongs to {_safe(lesson_title(exercise.lesson))}."
    if idea := idea_in(first):
        return f'<p class="next">{which}: what you have there is what you get if {_prose(idea)}. {lesson}</p>'
    said = first.message if not first.cases else next((case.why for case in first.wrong if case.mistake), "")
    return f'<p class="next">{which}. {lesson} {_prose(said)}</p>'


def _section(report: Report) -> str:
    exercise = find(report.exercise)
    word, _, colour = WORDS[report.state]
    about = f"{lesson_title(exercise.lesson)} · {points_text(report.score)} of {points_text(report.out_of)} points"
    parts = [
        f'<h2>{_safe(exercise.title)} <span class="state {colour}">{word}</span></h2>',
        f'<p class="about">{_safe(about)}</p>',
        f'<div class="report">{as_html(replace(report, out_of=0.0))}</div>',  # the points are in the line above
    ]
    if not report.ok:
        parts.append(f"<p>On the command line: <code>micrograd-plus hint {_safe(report.exercise)}</code></p>")
    return f"<section>{''.join(parts)}</section>"


# -- for the teacher -------------------------------------------------------------------------------------------


def teachers_page(result: ClassResult, pages: dict[str, str]) -> str:
    """The page of the class: all grades, where the class went wrong, and what to go over again."""
    body = [
        f"<h1>{_safe(result.title)}</h1>",
        f'<p class="total">{len(result.students)} of {result.everyone} submissions, on average '
        f"<strong>{points_text(result.average)}</strong> of {points_text(result.out_of)} points</p>",
        *(f'<p class="note">{_safe(note)}</p>' for note in _notes(result)),
        _go_over_again(result),
        _most_frequent(result),
        "<h2>Where the class went wrong</h2>",
        *(_where_wrong(result, call.exercise, pages) for call in result.graded),
        "<h2>Grades</h2>",
        _grades(result, pages),
        _what_happened_to_whom(result, pages),
    ]
    return _page(f"{result.title}: the class", "\n".join(part for part in body if part))


def _notes(result: ClassResult) -> list[str]:
    stopped = ["Grading was stopped before the end: some submissions are not in it."] if result.stopped else []
    return [*stopped, *result.notes]


def _go_over_again(result: ClassResult) -> str:
    by_lesson: dict[int, list[float]] = defaultdict(list)
    for call in result.graded:
        by_lesson[find(call.exercise).lesson].append(result.average_of_readable(call.exercise))
    averages = {lesson: sum(parts) / len(parts) for lesson, parts in by_lesson.items()}
    weak = sorted((average, lesson) for lesson, average in averages.items() if average < AGAIN)
    if all(student.state in UNSEEN for student in result.students):
        return ""
    if not weak:
        return '<p class="next">Nothing has to be gone over again with everybody.</p>'
    items = "; ".join(f"{_safe(lesson_title(lesson))} ({100 * average:.0f}&nbsp;%)" for average, lesson in weak)
    return f'<p class="next"><strong>Worth going over again:</strong> {items}.</p>'


def _most_frequent(result: ClassResult) -> str:
    """The mistakes that several students share: what a lesson can begin with."""
    rows = "".join(
        f"<tr><td>{len(mistake.students)} ×</td><td>{_prose(mistake.name)} "
        f'<span class="advice">in {_safe(find(mistake.exercise).title)}</span></td></tr>'
        for mistake in result.most_frequent()
        if len(mistake.students) > 1
    )
    return f'<h2>The most frequent mistakes</h2><table class="counts">{rows}</table>' if rows else ""


def _where_wrong(result: ClassResult, id: str, pages: dict[str, str]) -> str:
    """One exercise: how many are right, and each mistake with what to say about it and who made it."""
    states = result.states_of(id)
    exercise = find(id)
    counts = ", ".join(f"{len(states[state])} {WORDS[state][0]}" for state in WORDS if states[state])
    rows = [
        f"<tr><td>{len(mistake.students)} ×</td><td>{_prose(mistake.name)}<br>"
        f'<span class="advice">{_prose(mistake.advice)}</span><br>{_links(mistake.students, pages)}</td></tr>'
        for mistake in result.mistakes(id)
    ]
    rows += [
        f"<tr><td>{len(fault.students)} ×</td><td>{_prose(fault.name)}<br>{_links(fault.students, pages)}</td></tr>"
        for fault in result.faults(id)
    ]
    others = {
        "wrong in a way that has no name": result.unnamed(id),
        "could not be looked at": result.not_reached(id),
        "not attempted": states[NOT_ATTEMPTED],
    }
    for words, who in others.items():
        if who:
            rows.append(f"<tr><td>{len(who)} ×</td><td>{words}<br>{_links(who, pages)}</td></tr>")
    table = f'<table class="counts">{"".join(rows)}</table>' if rows else ""
    return (
        f"<section><h3>{_safe(exercise.title)}</h3>"
        f'<p class="about"><code>{_safe(id)}</code> · {_safe(lesson_title(exercise.lesson))} · {counts}</p>'
        f"{_bar(states)}{table}</section>"
    )


def _bar(states: dict[str, list[str]]) -> str:
    """A bar of the parts of the class; what it shows is written above it, so it is hidden from screen readers."""
    spans = "".join(
        f'<span class="{WORDS[state][2]}" style="flex:{len(states[state])}"></span>' for state in WORDS if states[state]
    )
    return f'<div class="bar" aria-hidden="true">{spans}</div>'


def _links(students: Iterable[str], pages: dict[str, str]) -> str:
    return ", ".join(f'<a href="{_safe(_url(pages[name]))}">{_safe(name)}</a>' for name in students)


def _url(name: str) -> str:
    from urllib.parse import quote

    return quote(name)


def _grades(result: ClassResult, pages: dict[str, str]) -> str:
    heads = "".join(
        f'<th class="id">{_safe(call.exercise).replace("_", "_<wbr>")}<br>({points_text(call.points or 0.0)})</th>'
        for call in result.graded
    )
    rows = "".join(
        f"<tr><td>{_links([student.name], pages)}</td><td><strong>{points_text(student.score)}</strong></td>"
        f"{''.join(map(_cell, student.reports))}</tr>"
        for student in result.students
    )
    averages = "".join(f"<td>{100 * result.average_of(call.exercise):.0f}&nbsp;%</td>" for call in result.graded)
    foot = f"<tr><th>on average</th><td>{points_text(result.average)}</td>{averages}</tr>"
    signs = ", ".join(f"{sign} {word}" for word, sign, _ in WORDS.values())
    return (
        f'<div class="wide"><table class="grades"><thead><tr><th>student</th>'
        f"<th>total<br>({points_text(result.out_of)})</th>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody><tfoot>{foot}</tfoot></table></div>"
        f'<p class="about">{signs}</p>'
    )


def _cell(report: Report) -> str:
    word, sign, colour = WORDS[report.state]
    return f'<td class="{colour}" title="{word}">{sign} {points_text(report.score)}</td>'


def _what_happened_to_whom(result: ClassResult, pages: dict[str, str]) -> str:
    rows = "".join(
        f"<tr><td>{_links([student.name], pages)}</td><td>{'<br>'.join(map(_safe, said))}</td></tr>"
        for student in result.students
        if (said := [*student.notes, *student.problems])
    )
    if not rows:
        return ""
    return f'<h2>What happened while they ran</h2><table class="counts who">{rows}</table>'
