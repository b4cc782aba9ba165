"""micrograd-plus quiz: graphs with blanks to fill, on paper or in the terminal."""

from __future__ import annotations

import argparse
import json

from ..exercises.quizzes import class_sheets, quiz
from .arguments import CommandError, say


def run(asked: argparse.Namespace) -> int:
    """Show a quiz, or write a sheet for each seed, and a key for the teacher."""
    try:
        quizzes = [quiz(seed, asked.level) for seed in asked.seed]
        written = class_sheets(asked.seed, asked.level, out=asked.out, key=asked.key)
    except ValueError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{error.filename} can't be written: {error.strerror or error}") from None
    if asked.json:
        print(json.dumps([{"seed": one.seed, "level": one.level, "blanks": list(one.blanks)} for one in quizzes]))
    elif not asked.out:
        say("\n\n".join(map(str, quizzes)))
    for path in () if asked.json else written:
        say(f"written: {path}")
    return 0
