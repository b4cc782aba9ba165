"""micrograd-plus grade: mark what a class handed in."""

from __future__ import annotations

import argparse
import json
import sys

from ..classroom.grading import grade_folder
from ..classroom.submissions import GradingError
from .arguments import CommandError, say


def run(asked: argparse.Namespace) -> int:
    """Grade them and say how it went; 0 when everybody was graded, 1 when it was stopped before that."""

    def progress(line: str) -> None:
        say(line, file=sys.stderr if asked.json else sys.stdout, flush=True)

    try:
        result = grade_folder(
            asked.submissions,
            assignment=asked.assignment,
            csv=asked.csv,
            feedback=asked.feedback,
            gradescope=asked.gradescope,
            timeout=asked.timeout,
            seed=asked.seed,
            jobs=asked.jobs,
            progress=progress,
        )
    except GradingError as error:
        raise CommandError(str(error)) from None
    if asked.json:
        print(json.dumps(result.to_dict()))
    else:
        say(f"\n{result}")
        for path in (asked.csv, asked.gradescope, asked.feedback and asked.feedback / "index.html"):
            if path:
                say(f"written: {path}")
    return 1 if result.stopped else 0
