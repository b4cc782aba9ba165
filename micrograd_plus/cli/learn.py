"""micrograd-plus learn: the lessons, copied to a folder of the learner's own, and opened in JupyterLab."""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from ..exercises.progress import Progress
from .arguments import CommandError, say

SOURCE = "source"  # the folder for a copy of the library's source, which the lessons link to
RECORD = ".lessons.json"  # what each lesson was when it was copied, to tell a learner's edits from a new version


class Lesson(NamedTuple):
    """One lesson as it comes with micrograd_plus."""

    path: Path
    number: str
    title: str
    minutes: int


def run(asked: argparse.Namespace) -> None:
    """List the lessons; or copy what isn't there yet, and open one."""
    lessons = shipped()
    folder: Path = asked.folder
    if asked.list:
        print(_listed(lessons, folder))
        return
    wanted = _wanted(asked.lesson, lessons)
    try:
        told = _copy(lessons, folder, asked.update)
    except OSError as error:
        reason = error.strerror or error
        raise CommandError(f"{folder} can't be written: {reason}; choose another with --folder") from None
    say(f"{len(lessons)} lessons in {folder}" + "".join(f"\n  {line}" for line in told))
    start = folder / (wanted or lessons[0]).path.name
    if asked.no_browser:
        say(f"Open {start} in Jupyter, VS Code, or whatever shows notebooks.")
    elif importlib.util.find_spec("jupyterlab") is None:
        print('To open them: python -m pip install "micrograd_plus[notebooks]", then micrograd-plus learn again.')
    else:
        print(f"Opening {start.name} in JupyterLab (Ctrl-C here ends it).")
        subprocess.run([sys.executable, "-m", "jupyterlab", str(start.name)], cwd=folder)


def shipped() -> list[Lesson]:
    """The lessons that came with the package; in a clone, those of the clone."""
    package = Path(__file__).parent.parent
    for place in (package / "_notebooks", package.parent / "notebooks"):
        found = sorted(place.glob("[0-9][0-9]_*.ipynb"))
        if found:
            return [_read(path) for path in found]
    raise CommandError("no lessons are in this installation: python -m pip install --force-reinstall micrograd_plus")


def _read(path: Path) -> Lesson:
    first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
    title, minutes = re.search(r"^# \d\d · (.+)$", first, re.M), re.search(r"^\*(\d+) minutes", first, re.M)
    return Lesson(path, path.name[:2], title[1] if title else path.stem, int(minutes[1]) if minutes else 0)


def _wanted(number: str | None, lessons: list[Lesson]) -> Lesson | None:
    if number is None:
        return None
    for lesson in lessons:
        if lesson.number == number.zfill(2):
            return lesson
    raise CommandError(f"there is no lesson {number}: they go from {lessons[0].number} to {lessons[-1].number}")


def _copy(lessons: list[Lesson], folder: Path, update: bool) -> list[str]:
    """Copy what isn't there; with `update` new versions too, beside a lesson that the learner has changed."""
    folder.mkdir(parents=True, exist_ok=True)
    record = _record(folder)
    told = []
    for path in [*(lesson.path for lesson in lessons), *lessons[0].path.parent.glob("*.md")]:
        target, text = folder / path.name, _as_copied(path)
        version, mine = _digest(text), _digest(target.read_text(encoding="utf-8")) if target.exists() else None
        if mine is None:
            target.write_text(text, encoding="utf-8")
            record[target.name] = version
        elif update and version not in (mine, record.get(target.name)):
            edited = mine != record.get(target.name)
            new = target.with_name(f"{target.stem}.new{target.suffix}") if edited else target
            if edited and new.exists() and _digest(new.read_text(encoding="utf-8")) == version:
                continue  # it is there already
            new.write_text(text, encoding="utf-8")
            if not edited:
                record[target.name] = version
            told.append(f"{new.name} is the new version" + (f"; your {target.name} stays as it is" if edited else ""))
    if update or not (folder / SOURCE).exists():
        _copy_source(folder / SOURCE)
    (folder / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
    Progress.of(folder).start()  # from now on ex.check notes there what is done
    return told


def _as_copied(path: Path) -> str:
    """A lesson's text, its links to the library's source leading to the copy of that source."""
    return path.read_text(encoding="utf-8").replace("](../micrograd_plus/", f"]({SOURCE}/")


def _copy_source(folder: Path) -> None:
    """The library's source, to be read beside the lessons: what runs is the installed one."""
    package = Path(__file__).parent.parent
    for path in package.rglob("*.py"):
        copy = folder / path.relative_to(package)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _listed(lessons: list[Lesson], folder: Path) -> str:
    width = max(len(lesson.title) for lesson in lessons)
    lines = []
    for lesson in lessons:
        state = _exercises_done(folder / lesson.path.name)
        lines.append(f"  {lesson.number}  {lesson.title:<{width}}  {lesson.minutes:>3} min  {state}".rstrip())
    total = sum(lesson.minutes for lesson in lessons)
    return "\n".join([*lines, f"{len(lessons)} lessons, {total} minutes. micrograd-plus learn 04 opens one."])


def _exercises_done(copy: Path) -> str:
    """How many of a lesson's exercises are passed: "2 of 3 exercises"; nothing where there is no copy, or none is."""
    try:
        cells = json.loads(copy.read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells)
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    asked = set(re.findall(r"""\bex\.check\(["'](\w+)""", code))
    passed = {id for id, entry in Progress.of(copy.parent).read().items() if entry.get("state") == "passed"}
    done = len(asked & passed)
    return ("done" if done == len(asked) else f"{done} of {len(asked)} exercises") if done else ""


def _record(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
