"""micrograd-plus assignment make: a problem set to hand out."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from ..classroom.assignment import AssignmentError
from ..classroom.assignment import make as make_assignment
from .arguments import CommandError, say


def make(asked: argparse.Namespace) -> int:
    """Write the files and say which."""
    try:
        written = make_assignment(
            asked.source, asked.out, asked.format, overwrite=asked.overwrite, check=not asked.no_check
        )
    except AssignmentError as error:
        raise CommandError(str(error)) from None
    _say(asked, written)
    return 0


def example(asked: argparse.Namespace) -> int:
    """Copy the example course, to hand out or to change; what is there already stays as it is."""
    package = Path(__file__).parent.parent
    places = (package / "_course", package.parent / "examples" / "course")
    course = next((place for place in places if place.is_dir()), None)
    if course is None:
        raise CommandError("the example course is not in this installation: reinstall micrograd_plus")
    written = []
    try:
        asked.out.mkdir(parents=True, exist_ok=True)
        for path in sorted(course.glob("*.*")):
            copy = asked.out / path.name
            if not copy.exists():
                shutil.copyfile(path, copy)
                written.append(copy)
    except OSError as error:
        raise CommandError(f"{asked.out} can't be written: {error.strerror or error}") from None
    _say(asked, written)
    return 0


def _say(asked: argparse.Namespace, written: list[Path]) -> None:
    if asked.json:
        print(json.dumps({"written": [str(path) for path in written]}))
    else:
        say("\n".join(f"written: {path}" for path in written) or "nothing is written: all of it is there already")
