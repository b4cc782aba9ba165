"""The commands for exercises and classes, and their options. What they do is imported when they are called."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import Any

from .arguments import whole_number

FORMATS = ("student", "instructor", "nbgrader", "gradescope")

ACCIDENTS = """\
Each file runs in a process of its own, with limits of time, memory and disk, in a folder that is deleted afterwards.
That protects from accidents (endless loops, full memories, deleted files), not from attackers: such code can still read
your files, and Windows and macOS have fewer limits. Grade the code of strangers in a container without a network: the
README of the example course has the command (micrograd-plus assignment example FOLDER copies it)."""


def add_classroom(commands: argparse._SubParsersAction[Any]) -> None:
    """Add exercises, task, hint, solution, check, quiz, assignment and grade."""
    _add_exercises(commands)
    _add_check(commands)
    _add_quiz(commands)
    _add_assignment(commands)
    _add_grade(commands)


def _add_exercises(commands: argparse._SubParsersAction[Any]) -> None:
    listed = commands.add_parser("exercises", help="the exercises of the lessons, and what you have done")
    listed.add_argument("--lesson", type=whole_number, help="those of one lesson")
    listed.set_defaults(run=_later("exercises", "exercises"))
    _add_json(listed)
    for name, what in (
        ("task", "what an exercise asks for, and the code to start from"),
        ("hint", "a hint: first a nudge, then the method, then almost the code"),
        ("solution", "the solution of an exercise, and why it is right"),
    ):
        command = commands.add_parser(name, help=what)
        command.add_argument("exercise", help="its id, such as mul_backward")
        if name == "hint":
            command.add_argument("number", nargs="?", type=int, choices=(1, 2, 3), help="that one (default: the next)")
        command.set_defaults(run=_later("exercises", name))
        _add_json(command)


def _add_check(commands: argparse._SubParsersAction[Any]) -> None:
    check = commands.add_parser("check", help="mark the exercises in a notebook (.ipynb) or a Python file (.py)")
    check.add_argument("file", type=Path)
    check.add_argument("-e", "--exercise", action="append", metavar="ID", help="only this one (may be given again)")
    check.add_argument("--watch", action="store_true", help="again whenever the file is saved; Ctrl-C ends it")
    check.add_argument(
        "--timeout", type=_seconds, default=10.0, help="seconds for each cell and exercise (default: 10)"
    )
    check.set_defaults(run=_later("check", "run"))
    _add_json(check)


def _add_quiz(commands: argparse._SubParsersAction[Any]) -> None:
    quiz = commands.add_parser("quiz", help="a graph with blanks to fill, with other numbers for each student")
    quiz.add_argument("seed", nargs="+", help="a name or a number, or several: the same one gives the same quiz")
    quiz.add_argument("--level", type=int, choices=range(1, 6), default=1, help="1 (one operation) to 5 (a neuron)")
    quiz.add_argument("-o", "--out", type=Path, help="the sheet: .svg .pdf or .html (default: shown here)")
    quiz.add_argument("--key", type=Path, help="also the answers, for the teacher: .svg .pdf or .html")
    quiz.set_defaults(run=_later("quiz", "run"))
    _add_json(quiz)


def _add_assignment(commands: argparse._SubParsersAction[Any]) -> None:
    assignment = commands.add_parser("assignment", help="problem sets to hand out, made from one source with solutions")
    verbs = assignment.add_subparsers(dest="verb", metavar="make | example", required=True)
    make = verbs.add_parser("make", help="make what is handed out")
    make.add_argument("source", type=Path, help="a Python file with cells (# %%%%), or a folder of them")
    make.add_argument("out", type=Path, help="the folder to write to")
    make.add_argument("--format", choices=FORMATS, default="student")
    make.add_argument("--overwrite", action="store_true", help="also files that are there already")
    make.add_argument("--no-check", action="store_true", help="don't try out whether the solutions earn their points")
    make.set_defaults(run=_later("assignment", "make"))
    _add_json(make)
    example = verbs.add_parser("example", help="copy a course in three problem sets, to hand out or to change")
    example.add_argument("out", type=Path, help="the folder to write to")
    example.set_defaults(run=_later("assignment", "example"))
    _add_json(example)


def _add_grade(commands: argparse._SubParsersAction[Any]) -> None:
    grade = commands.add_parser(
        "grade",
        help="mark what a class handed in",
        epilog=ACCIDENTS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    grade.add_argument("submissions", type=Path, help="a folder with a file, a folder or a .zip for each student")
    grade.add_argument("--assignment", type=Path, metavar="SRC", help="the source: which exercises, and their points")
    grade.add_argument("--csv", type=Path, help="the marks as a table")
    grade.add_argument("--feedback", type=Path, metavar="DIR", help="a page for each student, and one on the class")
    grade.add_argument("--gradescope", type=Path, metavar="JSON", help="results.json, for a single submission")
    grade.add_argument(
        "--timeout", type=_seconds, default=10.0, help="seconds for each cell and exercise (default: 10)"
    )
    grade.add_argument("--seed", help="other numbers than students saw; each student gets their own")
    grade.add_argument("--jobs", type=whole_number, default=2, help="how many at a time (default: 2)")
    grade.set_defaults(run=_later("grade", "run"))
    _add_json(grade)


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="the result as JSON")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def _later(module: str, function: str) -> Any:
    """The function of a module of this room, which is imported when it is called."""

    def run(asked: argparse.Namespace) -> int:
        code: int = getattr(import_module(f".{module}", __package__), function)(asked)
        return code

    return run
