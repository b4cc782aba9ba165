"""What was handed in: which files in a folder, or in a zip, are whose."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from .calls import GradedCall, graded_calls
from .notebook_files import UnreadableFile, code_cells
from .sandbox import files_in, is_ignored
from .unpacking import UnfitZip, unpack

CODE = (".ipynb", ".py")
# What people hand in by mistake. Other files beside submissions (a list of grades …) are nobody's.
NO_CODE = tuple(".doc .docx .odt .rtf .pdf .html .htm .txt .rar .7z .gz .tar .png .jpg".split())

# What Moodle and Canvas pack: "Ada Lovelace_123_assignsubmission_file_ps1.ipynb", "lovelaceada_12_34_ps1.py"
MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+_?(?P<rest>.*)", re.DOTALL)
CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<number>\d+)_\d+_(?P<rest>.+)", re.DOTALL)


class GradingError(ValueError):
    """Nothing can be graded as asked; the message says why, and what to do."""


@dataclass
class Submission:
    """What one student handed in.

    student: the name, unique among all. file: what is run; None where there is nothing that can be. files: it and what
    lies beside it, by the paths that it expects. problem: why there is no file, or why it can't be read. calls: the
    checks in it.
    """

    student: str
    file: Path | None = None
    files: dict[str, Path] = field(default_factory=dict)
    problem: str = ""
    calls: list[GradedCall] = field(default_factory=list)

    @property
    def place(self) -> str:
        """The path of the file among `files`."""
        return next((name for name, path in self.files.items() if path == self.file), "")


@contextmanager
def found_in(path: Path, assignment: str = "", one: bool = False) -> Iterator[list[Submission]]:
    """The submissions in a folder or a zip, by the names of the students; what was unpacked is there inside of `with`.

    Known: a file for each student, a folder for each (also nbgrader's submitted/name/assignment, Moodle's, Canvas'), a
    zip for each, and one zip of all of these. assignment: the name of its file, preferred where there are several.
    one: all of it belongs to one student. Raises GradingError where there is nothing.
    """
    if not path.exists():
        raise GradingError(f"{path}: there is no such folder or file.")
    with TemporaryDirectory(prefix="micrograd-plus-", ignore_cleanup_errors=True) as made:
        room = Path(made)
        if path.is_file() and path.suffix.lower() == ".zip":
            path = _unpacked_all(path, room)
        found = [_single(path, assignment, room)] if one or path.is_file() else _each(path, assignment, room)
        if not found:
            raise GradingError(
                f"{path}: nothing was handed in here. There should be a folder or a file (.ipynb, .py, .zip) for each "
                f"student."
            )
        for submission in found:
            _look_into(submission)
        yield sorted(found, key=lambda submission: submission.student.casefold())


def _unpacked_all(path: Path, room: Path) -> Path:
    folder = room / path.stem
    folder.mkdir()
    try:
        unpack(path, folder, most_bytes=2_000_000_000, most_files=20_000)
    except UnfitZip as error:
        raise GradingError(str(error)) from None
    inside = _entries(folder)
    # A zip of the folder of submissions: one folder, which holds more than one student's work.
    return inside[0] if len(inside) == 1 and inside[0].is_dir() and len(_entries(inside[0])) > 1 else folder


def _entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not is_ignored(path.name) and not path.is_symlink())


def _single(path: Path, assignment: str, room: Path) -> Submission:
    if path.is_file():
        return Submission(path.stem, path, {path.name: path})
    return _of_folder(path.resolve().name, path, assignment, room)


def _each(folder: Path, assignment: str, room: Path) -> list[Submission]:
    """One submission for each student's folder, and for each student's files."""
    folder = folder / "submitted" if (folder / "submitted").is_dir() else folder  # nbgrader's
    whose: dict[tuple[str, str], list[Path]] = {}
    for path in _entries(folder):
        if path.is_dir() or path.suffix.lower() in (*CODE, ".zip", *NO_CODE):
            whose.setdefault(_name_and_number(path), []).append(path)
    names = [name for name, _ in whose]
    found = []
    for (name, number), paths in whose.items():
        student = f"{name} ({number})" if names.count(name) > 1 and number else name
        found.append(_of_student(student, paths, assignment, room))
    return found


def _name_and_number(path: Path) -> tuple[str, str]:
    """A student's name, and the number that a learning platform has added."""
    text = unicodedata.normalize("NFC", path.name if path.is_dir() else path.stem)
    match = MOODLE.fullmatch(text) or CANVAS.fullmatch(text)
    return (match["name"].strip(), match["number"]) if match else (text, "")


def _of_student(student: str, paths: list[Path], assignment: str, room: Path) -> Submission:
    folders = [path for path in paths if path.is_dir()]
    if folders:
        return _of_folder(student, folders[-1], assignment, room)
    files = {path.name: path for path in paths}
    return _of_files(student, files, assignment, room)


def _of_folder(student: str, folder: Path, assignment: str, room: Path) -> Submission:
    return _of_files(student, files_in(folder), assignment, room)


def _of_files(student: str, files: dict[str, Path], assignment: str, room: Path) -> Submission:
    code = {name: path for name, path in files.items() if path.suffix.lower() in CODE}
    zips = [path for path in files.values() if path.suffix.lower() == ".zip"]
    if not code and zips:
        return _of_zip(student, max(zips, key=_age), assignment, room)
    if not code:
        others = ", ".join(sorted(Path(name).name for name in files)[:3])
        only = f" There is {others}; a notebook (.ipynb) or a Python file (.py) is needed." if others else ""
        return Submission(student, problem=f"No file was handed in.{only}")
    chosen = max(code.items(), key=lambda item: _preference(item[0], item[1], assignment))[1]
    return Submission(student, chosen, files)


def _of_zip(student: str, archive: Path, assignment: str, room: Path) -> Submission:
    folder = room / f"{sum(1 for _ in room.iterdir())}"
    folder.mkdir()
    try:
        unpack(archive, folder)
    except UnfitZip as error:
        return Submission(student, problem=str(error))
    files = {name: path for name, path in files_in(folder).items() if path.suffix.lower() != ".zip"}  # no zips in zips
    return _of_files(student, files, assignment, room)


def _age(path: Path) -> float:
    return path.stat().st_mtime


def _preference(name: str, path: Path, assignment: str) -> tuple[object, ...]:
    """The larger, the more likely it is what should be graded: the assignment's name, checks in it, a notebook, new."""
    named = bool(assignment) and any(Path(part).stem == assignment for part in Path(name).parts)
    return named, bool(_calls(path)), path.suffix.lower() == ".ipynb", _age(path), name


def _calls(path: Path) -> list[GradedCall]:
    try:
        return graded_calls(code_cells(path))
    except UnreadableFile:
        return []


def _look_into(submission: Submission) -> None:
    """Note the checks that are called in it, or why it can't be read."""
    if submission.file is None:
        return
    try:
        submission.calls = graded_calls(code_cells(submission.file))
    except UnreadableFile as error:
        submission.problem = str(error)


def unique_file_names(students: Iterable[str]) -> dict[str, str]:
    """A name for a file for each student, without the ending: safe on every system, and no two the same.

    >>> unique_file_names(["Ada Lovelace", "ada/lovelace", "con", "=cmd"])
    {'Ada Lovelace': 'Ada-Lovelace', 'ada/lovelace': 'ada-lovelace-2', 'con': 'student-con', '=cmd': 'cmd'}
    """
    taken, names = {"index"}, {}
    for student in students:
        plain = re.sub(r"[^\w.]+", "-", unicodedata.normalize("NFC", student)).strip("-. ")[:60] or "student"
        if re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", plain, re.IGNORECASE):  # Windows keeps these
            plain = f"student-{plain}"
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name.casefold())
        names[student] = name
    return names
