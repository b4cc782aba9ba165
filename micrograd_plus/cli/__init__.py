"""The command line: micrograd-plus demo."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

MENU = """\
micrograd_plus: understand how deep learning models are trained

  micrograd-plus demo          train two small networks and see what happened (under a minute, offline)
  micrograd-plus demo --help   its options

In Python: from micrograd_plus import Value"""


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (try {self.prog} --help)\n")


def _whole_number(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="micrograd-plus", description="Understand how deep learning models are trained.")
    parser.add_argument("--version", action="version", version=f"micrograd_plus {version('micrograd_plus')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    demo = commands.add_parser("demo", help="train two small networks and see what happened")
    demo.add_argument("--out", type=Path, default=Path("micrograd-plus-demo"), help="the folder for the page")
    demo.add_argument("--seed", type=_whole_number, default=0, help="another seed, another run (default: 0)")
    demo.add_argument("--open", action="store_true", help="open the page in the browser at the end")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code: 0 done, 2 it can't be done as asked, 130 stopped by Ctrl-C."""
    asked = _parser().parse_args(arguments)
    if asked.command is None:
        print(MENU)
        return 0
    # Matrices as small as the demo's are quicker on one thread, by far so where other programs run. Read by NumPy.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from .demo import NotWritableError, run  # at first use: it needs NumPy and matplotlib

        run(asked.out, seed=asked.seed, open_page=asked.open)
    except NotWritableError as error:
        print(f"micrograd-plus demo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped: nothing more is written", file=sys.stderr)
        return 130
    return 0
