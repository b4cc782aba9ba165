"""micrograd-plus check: mark the exercises in a file, once or whenever it is saved."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from ..classroom.grading import run_file
from ..classroom.results import MISSING, UNREADABLE, FileResult
from ..exercises.progress import Progress
from ..exercises.report import PASSED
from .arguments import CommandError, say
from .exercises import known

POLLED = 0.5  # seconds between two looks at a file that is watched


def run(asked: argparse.Namespace) -> int:
    """Mark the file; the exit code is 0 if all is passed, else 1."""
    path: Path = asked.file
    for id in asked.exercise or ():
        known(id)
    if not asked.watch:
        return _once(asked)
    try:
        while True:
            seen = _saved_at(path)
            say(f"\n{time.strftime('%H:%M:%S')}  {path.name}")
            try:
                _once(asked)
            except CommandError as error:  # half saved, perhaps: the next look may find it whole
                say(error)
            print("waiting for it to be saved again; Ctrl-C ends this", flush=True)
            while _saved_at(path) == seen:
                time.sleep(POLLED)
    except KeyboardInterrupt:
        print()
        return 0


def _saved_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _once(asked: argparse.Namespace) -> int:
    result = run_file(asked.file, exercises=asked.exercise, timeout=asked.timeout)
    if result.state in (MISSING, UNREADABLE):
        raise CommandError(" ".join(result.problems))
    _note(result, asked.file)
    if asked.json:
        print(json.dumps(result.to_dict()))
    elif not result.reports:
        raise CommandError(
            f'{asked.file} calls no check: put ex.check("id", answer) below an answer, or name an exercise with -e'
        )
    else:
        say(f"{result}\n\n{_summary(result)}", file=sys.stdout, flush=True)
    return 0 if result.ok else 1


def _note(result: FileResult, path: Path) -> None:
    progress = Progress.of(path.parent)
    progress.start()
    for report in result.reports:
        progress.note(report.exercise, report.state)


def _summary(result: FileResult) -> str:
    open_ones = [report.exercise for report in result.reports if report.state != PASSED]
    passed = f"{len(result.reports) - len(open_ones)} of {len(result.reports)} passed."
    return f"{passed} Next: {open_ones[0]} (micrograd-plus hint {open_ones[0]})" if open_ones else passed
