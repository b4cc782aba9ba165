"""Sheets to print: one page a student, and the teacher's key, with what each wrong number means."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...viz.numbers import one_line
from ...viz.options import file_path
from .making import Paper, close, ideas_for, what_it_gives
from .pages import BOTTOM, LEFT, TOP, Page, Rule, Text, save_pages
from .picture import drawing, written
from .program import work_out
from .shapes import TITLES

if TYPE_CHECKING:
    from .quizzing import Quiz

SUFFIXES = (".pdf", ".html", ".svg")
GRAPH_HEIGHT = 250.0


def save_class(quizzes: Sequence[Quiz], out: Any, key: Any) -> list[Path]:
    """Write the sheets and the key of a class; see `class_sheets`."""
    paths = {what: _to_write(path, len(quizzes)) for what, path in (("out", out), ("key", key)) if path is not None}
    if len(paths) == 2 and paths["out"].absolute() == paths["key"].absolute():
        raise ValueError(f"the sheets and the key can't both be {str(paths['out'])!r}: students would see the answers")
    if "out" in paths:
        save_sheets(quizzes, paths["out"])
    if "key" in paths:
        save_key(quizzes, paths["key"])
    return list(paths.values())


def save_sheets(quizzes: Sequence[Quiz], path: Any) -> None:
    """Write the students' pages into one file."""
    path = _to_write(path, len(quizzes))
    title = quizzes[0].title if len(quizzes) == 1 else f"{len(quizzes)} quizzes"
    save_pages([sheet_of(quiz) for quiz in quizzes], path, title)


def save_key(quizzes: Sequence[Quiz], path: Any) -> None:
    """Write the teacher's pages into one file: for several students, first all answers together."""
    path = _to_write(path, len(quizzes))
    pages = [key_of(quiz) for quiz in quizzes]
    if len(quizzes) > 1:
        pages = [*_overview(quizzes), *pages]
    title = f"key to {quizzes[0].title if len(quizzes) == 1 else f'{len(quizzes)} quizzes'}"
    save_pages(pages, path, title)


def _to_write(path: Any, pages: int) -> Path:
    path = file_path(path, "sheet.pdf")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path.name!r} should end in one of {', '.join(SUFFIXES)}: that says what to write")
    if suffix == ".svg" and pages > 1:
        raise ValueError(f"an SVG file holds one page, and there are {pages} students: write .pdf or .html")
    return path


# ---- the student's page ---------------------------------------------------------------------------------------------


def sheet_of(quiz: Quiz) -> Page:
    """One student's page: the graph, and a line to write on for each blank."""
    paper = quiz._paper
    page = _headed(quiz, f"Quiz, level {quiz.level}: {TITLES[quiz.level]}")
    page.texts.append(Text(LEFT, 96, "Name", 10))
    if not quiz.name.isdigit():
        page.texts.append(Text(LEFT + 40, 96, one_line(quiz.name), 11, bold=True))
    page.rules.append(Rule(LEFT + 34, 100, LEFT + 290))
    page.texts += [Text(LEFT, 124 + 13 * k, line, 9) for k, line in enumerate(_how(paper))]
    y = page.put(drawing(paper, theme="light"), 190, GRAPH_HEIGHT) + 36
    page.texts += [Text(LEFT, y, "What is …", 9, faint=True), Text(LEFT + 70, y, "Your number", 9, faint=True)]
    page.texts.append(Text(LEFT + 180, y, "Room to work it out", 9, faint=True))
    step = min(44.0, (BOTTOM - 30 - y) / len(paper.blanks))
    for name in paper.blanks:
        y += step
        page.texts.append(Text(LEFT, y, name, 11, bold=True))
        page.rules.append(Rule(LEFT + 70, y + 2, LEFT + 160))
    return page


def _how(paper: Paper) -> list[str]:
    """How it is done and what the words mean, with a slope of this quiz as the example."""
    slope = next(name for name in paper.blanks if "/" in name)
    result, _, x = slope.removeprefix("d").partition("/d")
    root = paper.program.root
    lines = [
        f"Work forwards first: the number of each box (data). Then go back from {root}: the slopes and the gradients.",
        f"{slope} is the slope on the arrow from {x} to {result}: when {x} alone grows by a very little, "
        f"{result} grows so many times as much.",
        f"grad says the same of {root}, along every way that leads there.",
    ]
    decimals = "Three decimals are enough. The values of tanh, sigmoid and exp are given."
    return [*lines, decimals] if paper.decimals else lines


def _headed(quiz: Quiz, title: str) -> Page:
    """A page with its title, and at the foot what makes the same quiz again."""
    page = Page()
    page.texts.append(Text(LEFT, TOP + 12, one_line(title, 60), 17, bold=True))
    code = f"quiz({str(quiz.seed)!r}, level={quiz.level})" if not isinstance(quiz.seed, int) else repr(quiz)
    page.texts.append(Text(LEFT, BOTTOM, one_line(f"micrograd_plus   {code}", 110), 8, faint=True))
    return page


# ---- the teacher's pages --------------------------------------------------------------------------------------------


def key_of(quiz: Quiz) -> Page:
    """The key to one student's page: the answers in the graph, and below it what each wrong number means."""
    paper = quiz._paper
    answers = answers_of(paper)
    page = _headed(quiz, f"Key: {quiz.name}, level {quiz.level}")
    y = page.put(drawing(paper, answers, theme="light"), 84, 210) + 30
    rows: list[tuple[str, str, list[str]]] = []
    for name in paper.blanks:
        meanings = "; ".join(f"{number}: {says}" for number, says in meanings_of(paper, name))
        rows.append((name, answers[name], textwrap.wrap(meanings, 96) or ["-"]))
    step = min(12.0, (BOTTOM - 20 - y) / (sum(len(lines) for _, _, lines in rows) + 0.5 * len(rows)))
    page.texts += [Text(LEFT, y, "Answer", 9, faint=True)]
    page.texts.append(Text(LEFT + 110, y, "Other numbers, and the mistake that gives each", 9, faint=True))
    for name, answer, lines in rows:
        y += 1.5 * step
        page.texts += [Text(LEFT, y, name, 10, bold=True), Text(LEFT + 52, y, answer, 10, bold=True)]
        page.texts += [Text(LEFT + 110, y + step * k, line, min(9.0, 0.8 * step)) for k, line in enumerate(lines)]
        y += step * (len(lines) - 1)
    return page


def answers_of(paper: Paper) -> dict[str, str]:
    """The right number for each blank, as it is written."""
    right = work_out(paper.program.steps)
    return {name: written(right[name], paper) for name in paper.blanks}


def meanings_of(paper: Paper, name: str) -> list[tuple[str, str]]:
    """The wrong numbers for one blank, each with the idea that gives it (if all before it is right)."""
    right = work_out(paper.program.steps)
    meanings: dict[str, str] = {}
    for idea in ideas_for(paper):
        number = what_it_gives(paper, idea, right)[name]
        if not close(number, right[name], paper):
            meanings.setdefault(written(number, paper), idea.says)
    return list(meanings.items())


def _overview(quizzes: Sequence[Quiz]) -> list[Page]:
    """All answers of the class, some lines a student."""
    pages: list[Page] = []
    y = BOTTOM
    for quiz in quizzes:
        answers = ",   ".join(f"{name} {answer}" for name, answer in answers_of(quiz._paper).items())
        lines = textwrap.wrap(answers, 92)
        if y + 13 * len(lines) > BOTTOM - 10:
            pages.append(Page([Text(LEFT, TOP + 12, f"Key: all answers, level {quiz.level}", 17, bold=True)]))
            y = TOP + 42
        pages[-1].texts.append(Text(LEFT, y, one_line(quiz.name, 20), 9, bold=True))
        pages[-1].texts += [Text(LEFT + 120, y + 13 * k, line, 9) for k, line in enumerate(lines)]
        y += 13 * len(lines) + 6
    return pages
