"""The command line: micrograd-plus demo | learn | draw | check | grade | doctor …"""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from .arguments import CommandError as CommandError
from .arguments import Parser, named_number, say
from .classroom import add_classroom
from .demo import add_demo

MENU = """\
micrograd_plus: understand how deep learning models are trained

  micrograd-plus demo                                train two small networks and see what happened (offline)
  micrograd-plus demo faces | speech | translate | names | play    train a network once, then try it out
  micrograd-plus learn                               the lessons, in notebooks (learn --list: what there is)
  micrograd-plus draw "(a*b + c).tanh()" a=2 b=-3 c=6.9    draw an expression with its gradients
  micrograd-plus exercises                           the exercises of the lessons (task, hint, solution: one of them)
  micrograd-plus check FILE                          mark the exercises in a notebook or a Python file
  micrograd-plus quiz "Ada" --level 3                a graph with blanks to fill, other numbers for each name
  micrograd-plus assignment make SRC OUT             for teachers: a problem set to hand out
  micrograd-plus grade FOLDER                        for teachers: mark what was handed in
  micrograd-plus doctor                              what is installed, and what draws the pictures
  micrograd-plus COMMAND --help                      the options of each

In Python: from micrograd_plus import Value"""


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="micrograd-plus", description="Understand how deep learning models are trained.")
    parser.add_argument("--version", action="version", version=f"micrograd_plus {version('micrograd_plus')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    add_demo(commands)

    draw = commands.add_parser("draw", help="draw an expression, with its gradients")
    draw.add_argument("expression", help='such as "(a*b + c).tanh()"; only arithmetic, nothing else is run')
    draw.add_argument("numbers", nargs="*", type=named_number, metavar="NAME=NUMBER", help="such as a=2 b=-3")
    draw.add_argument("-o", "--out", type=Path, help="the picture: .svg .png .pdf .html or .dot (default: graph.svg)")
    draw.add_argument("--step", type=Path, metavar="PAGE.html", help="also a page to step through backpropagation")
    draw.add_argument("--theme", choices=("auto", "light", "dark"), default="auto")
    draw.add_argument("--direction", choices=("LR", "RL", "TB", "BT"), default="LR", help="left to right …")
    draw.set_defaults(run=_draw)

    learn = commands.add_parser("learn", help="the lessons: copied to your folder, and opened in JupyterLab")
    learn.add_argument("lesson", nargs="?", help="its number, such as 04 (default: the first)")
    learn.add_argument("--folder", type=Path, default=Path("micrograd-plus-lessons"), help="where your copies are")
    learn.add_argument("--list", action="store_true", help="the lessons, their minutes, and what you have done")
    learn.add_argument("--update", action="store_true", help="new versions too, beside the lessons that you changed")
    learn.add_argument("--no-browser", action="store_true", help="only copy them")
    learn.set_defaults(run=_learn)

    add_classroom(commands)

    doctor = commands.add_parser("doctor", help="what is installed, which layout engines work, what is missing")
    doctor.set_defaults(run=_doctor)
    return parser


def _with_expressions(arguments: Sequence[str]) -> list[str]:
    """The arguments; for draw an expression such as -a*b has a blank in front, else it would be taken for an option."""
    if list(arguments[:1]) != ["draw"]:
        return list(arguments)
    return [f" {text}" if re.match("-[^-oh]", text) else text for text in arguments]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code: 0 done, 1 something is missing, 2 it can't be done as asked, 130 stopped."""
    asked = _parser().parse_args(_with_expressions(sys.argv[1:] if arguments is None else arguments))
    if asked.command is None:
        print(MENU)
        return 0
    # Matrices as small as these are quicker on one thread, by far so where other programs run. Read by NumPy.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal can't show must not end a run
    try:
        return asked.run(asked)
    except CommandError as error:
        say(f"micrograd-plus {asked.command}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # … | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as stop:
        print(f"\n{str(stop) or 'stopped: nothing more is written'}", file=sys.stderr)
        return 130


# Each command is imported when it is asked for: they need NumPy, matplotlib, a layout engine.


def _draw(asked: argparse.Namespace) -> int:
    from .draw import run

    run(asked)
    return 0


def _learn(asked: argparse.Namespace) -> int:
    from .learn import run

    run(asked)
    return 0


def _doctor(asked: argparse.Namespace) -> int:
    from .doctor import report

    text, healthy = report()
    print(text)
    return 0 if healthy else 1
