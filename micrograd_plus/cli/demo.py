"""micrograd-plus demo, and the capstones behind it: faces, speech, translate, names, play."""

from __future__ import annotations

import argparse
import io
import math
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from .arguments import CommandError, whole_number

FOLDER = Path("micrograd-plus-demo")
KEPT = """\
The first call trains the network, in a minute or two, with progress. Its numbers are kept in the folder's models/, and
later calls use them. Ctrl-C stops; the same command then goes on where training was. Answers may come from a pipe."""


def add_demo(commands: argparse._SubParsersAction[Any]) -> None:
    """Add demo, and its subjects."""
    demo = commands.add_parser(
        "demo",
        help="train two small networks and see what happened; or faces, speech, translate, names, play",
        usage="micrograd-plus demo [-h] [--out OUT] [--seed SEED] [--open] [SUBJECT ...]",
        description="Without a SUBJECT: train two small networks, and write a page on what happened.",
    )
    demo.add_argument("--out", type=Path, default=FOLDER, help=f"the folder for all files (default: {FOLDER})")
    demo.add_argument("--seed", type=whole_number, default=0, help="another seed, another run (default: 0)")
    demo.add_argument("--open", action="store_true", help="open the page in the browser at the end")
    demo.set_defaults(run=_page)
    subjects = demo.add_subparsers(dest="subject", metavar="SUBJECT", title="or", prog="micrograd-plus demo")
    _add_faces(subjects)
    _add_speech(subjects)
    _add_translate(subjects)
    _add_names(subjects)
    _add_play(subjects)


def _add_faces(subjects: argparse._SubParsersAction[Any]) -> None:
    faces = _subject(subjects, "faces", "name 40 people on pictures that the network never saw")
    faces.add_argument("which", nargs="*", type=whole_number, metavar="NUMBER", help="show these pictures, and end")
    faces.add_argument("--open", action="store_true", default=argparse.SUPPRESS, help="open the picture file")
    faces.set_defaults(run=_faces)


def _add_speech(subjects: argparse._SubParsersAction[Any]) -> None:
    speech = _subject(subjects, "speech", "hear which digit is said, in recordings that the network never heard")
    speech.add_argument("which", nargs="*", type=whole_number, metavar="NUMBER", help="these recordings, and end")
    speech.set_defaults(run=_speech)


def _add_translate(subjects: argparse._SubParsersAction[Any]) -> None:
    translate = _subject(subjects, "translate", "type a number, and read it in French, with its attention map")
    translate.add_argument(
        "numbers", nargs="*", metavar="NUMBER", help="such as 1984 or ninety-five: translate these, and end"
    )
    translate.set_defaults(run=_translate)


def _add_names(subjects: argparse._SubParsersAction[Any]) -> None:
    names = _subject(subjects, "names", "first names that a small GPT makes up, letter by letter")
    names.add_argument("--count", type=_at_least_one, default=20, help="how many at a time (default: 20)")
    names.add_argument(
        "--temperature", type=_above_zero, default=0.8, help="below 1: likelier names; above 1: bolder (default: 0.8)"
    )
    names.add_argument("--start", default="", metavar="LETTERS", help="how they begin, such as an")
    names.set_defaults(run=_names)


def _add_play(subjects: argparse._SubParsersAction[Any]) -> None:
    play = _subject(subjects, "play", "tic-tac-toe or Connect Four against a network that taught itself")
    play.add_argument("game", nargs="?", choices=("tic-tac-toe", "connect-four"), default="tic-tac-toe")
    play.add_argument("--second", action="store_true", help="the network begins")
    play.add_argument("--depth", type=int, choices=range(1, 7), help="moves to look ahead in connect-four (default: 2)")
    play.add_argument("--values", action="store_true", help="show what the network thinks of its moves")
    play.set_defaults(run=_play)


def _subject(subjects: argparse._SubParsersAction[Any], name: str, what: str) -> argparse.ArgumentParser:
    """A subject's parser, with the options that all have."""
    parser = subjects.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.", epilog=KEPT)
    # SUPPRESS: what was given before the subject, as in demo --seed 1 faces, stays
    for option, kind, text in (
        ("--out", Path, f"the folder for all files (default: {FOLDER})"),
        ("--seed", whole_number, "another seed, another network (default: 0)"),
    ):
        parser.add_argument(option, type=kind, default=argparse.SUPPRESS, help=text)
    parser.add_argument("--again", action="store_true", help="train anew, though there is a trained network")
    return parser


def _at_least_one(text: str) -> int:
    number = whole_number(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return number


def _above_zero(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0.05 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0.05 up, such as 0.8")
    return number


# Each subject is imported when it is asked for: it needs NumPy, and its capstone.


def _page(asked: argparse.Namespace) -> int:
    from ..demo import NotWritableError, run

    try:
        run(asked.out, seed=asked.seed, open_page=asked.open)
    except NotWritableError as error:
        raise CommandError(error) from None
    return 0


def _faces(asked: argparse.Namespace) -> int:
    return _run(asked, "faces", which=asked.which, open_picture=asked.open)


def _speech(asked: argparse.Namespace) -> int:
    return _run(asked, "speech", which=asked.which)


def _translate(asked: argparse.Namespace) -> int:
    return _run(asked, "translate", numbers=asked.numbers)


def _names(asked: argparse.Namespace) -> int:
    return _run(asked, "names", count=asked.count, temperature=asked.temperature, start=asked.start)


def _play(asked: argparse.Namespace) -> int:
    return _run(asked, "play", game=asked.game, second=asked.second, depth=asked.depth, values=asked.values)


def _run(asked: argparse.Namespace, subject: str, **options: Any) -> int:
    from ..demo.kept import DemoError

    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # a byte that is no text makes a bad answer, and doesn't end the run
    try:
        import_module(f"micrograd_plus.demo.{subject}").run(asked.out, seed=asked.seed, again=asked.again, **options)
    except DemoError as error:
        raise CommandError(error) from None
    return 0
