"""What was handed in: which files in a folder, or in a zip, are whose."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from .calls import GradedCall, graded_calls
from .notebook_files import UnreadableFile, code_cells, plain_python, read_python
from .sandbox import files_in, is_ignored
from .syntax import syntax_error
from .unpacking import UnfitZip, unpack

CODE = (".ipynb", ".py")
# What people hand in by mistake. Other files beside submissions (a list of grades …) are nobody's.
NO_CODE = tuple(".doc .docx .odt .rtf .pdf .html .htm .txt .rar .7z .gz .tar .png .jpg".split())

# What Moodle and Canvas pack: "Ada Lovelace_123_assignsubmission_file_ps1.ipynb", "lovelaceada_12_34_ps1.py"
MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+_?(?P<rest>.*)", re.DOTALL)
CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<number>\d+)_\d+_(?P<rest>.+)", re.DOTALL)

# What is added to the name of a copy: "ps1 (1)", "ps1-1", "ps1 copy", "ps1 - Copy (2)", "ps1-Copy1"
COPY = re.compile(r"(?:[ _-]*\(\d+\)|-\d{1,2}|[ _-]+copy[ _-]*(?:\d+|\(\d+\))?)$", re.IGNORECASE)

PAGES = ".micrograd-plus-pages"  # a list of the pages of feedback in a folder, which are no submissions


class GradingError(ValueError):
    """Nothing can be graded as asked; the message says why, and what to do."""


@dataclass
class Submission:
    """What one student handed in.

    student: the name, unique among all. file: what is run; None where nothing was handed in that can be. files: it and
    what lies beside it, by the paths that it expects. problem: why there is no file, or why it can't be read. calls:
    the checks in it. notes: what else should be known, as which of several files is graded. unread: what is said of
    cells that are no valid Python.
    """

    student: str
    file: Path | None = None
    files: dict[str, Path] = field(default_factory=dict)
    problem: str = ""
    calls: list[GradedCall] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        """The path of the file among `files`."""
        return next((name for name, path in self.files.items() if path == self.file), "")


class Found(NamedTuple):
    """The submissions that were found, and what a teacher should know of what was left out."""

    submissions: list[Submission]
    notes: list[str]


@contextmanager
def found_in(path: Path, assignment: str = "", one: bool = False, but: Path | None = None) -> Iterator[Found]:
    """The submissions in a folder or a zip, by the names of the students; what was unpacked is there inside of `with`.

    Known: a file for each student, a folder for each (also nbgrader's submitted/name/assignment, Moodle's, Canvas'), a
    zip for each, and one zip of all of these. assignment: the name of its file, preferred where there are several.
    one: all of it belongs to one student. but: a folder that is none of it, such as that for the feedback.
    Raises GradingError where there is nothing, and where `one` can't be true.
    """
    if not path.exists():
        raise GradingError(f"{path}: there is no such folder or file.")
    with TemporaryDirectory(prefix="micrograd-plus-", ignore_cleanup_errors=True) as made:
        room = Path(made)
        if path.is_file() and path.suffix.lower() == ".zip":
            path = _unpacked_all(path, room)
        if one or path.is_file():
            found, notes = [_single(path, assignment, room)], []
        else:
            found, notes = _each(path, assignment, room, but), _left_out(path)
        if one:
            _refuse_several(path, found[0], assignment)
        if not found:
            raise GradingError(
                f"{path}: nothing was handed in here. There should be a folder or a file (.ipynb, .py, .zip) for each "
                f"student."
            )
        for submission in found:
            look_into(submission)
        yield Found(sorted(found, key=lambda submission: submission.student.casefold()), notes)


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
    return _of_student(path.resolve().name, [path], assignment, room)


def _refuse_several(path: Path, submission: Submission, assignment: str) -> None:
    """Raise GradingError where a folder that should hold the work of one student holds that of several."""
    if path.is_file() or (path.resolve().parent / "submission_metadata.json").exists():  # Gradescope's own: one student
        return
    checked = sorted(name for name, place in submission.files.items() if place.suffix.lower() in CODE and _calls(place))
    stems = {_stem(name) for name in checked}
    folders = {name.split("/")[0] for name in checked if "/" in name}
    if len(folders) > 1 or (len(stems) > 1 and assignment not in stems):
        raise GradingError(
            f"{path}: there seems to be the work of several students in it ({', '.join(checked[:3])}). Results for "
            f"Gradescope are those of one: give a folder with the work of one student."
        )


def _left_out(folder: Path) -> list[str]:
    """Notes on what lies among the submissions and is none."""
    links = sorted(path.name for path in _place_of_all(folder).iterdir() if path.is_symlink())
    stray = [path.name for path in _entries(_place_of_all(folder)) if _is_stray(path)]
    pages = pages_written(folder)
    notes = [f"Left out, since links are not followed: {_some(links)}."] if links else []
    stray = [name for name in stray if name not in pages]
    if stray:
        notes.append(f"Nobody's, since no notebook (.ipynb), Python file (.py) or .zip: {_some(stray)}.")
    return notes


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _is_stray(path: Path) -> bool:
    """Whether a file among the submissions is nobody's: no code, and no name that a learning platform gave it."""
    return path.is_file() and path.suffix.lower() in NO_CODE and not _name_and_number(path)[1]


def _place_of_all(folder: Path) -> Path:
    return folder / "submitted" if (folder / "submitted").is_dir() else folder  # nbgrader's


def pages_written(folder: Path) -> list[str]:
    """The names of the pages of feedback that were written into a folder; [] for any other folder."""
    try:
        return (folder / PAGES).read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return []


def _each(folder: Path, assignment: str, room: Path, but: Path | None = None) -> list[Submission]:
    """One submission for each student's folder, and for each student's files."""
    folder = _place_of_all(folder)
    whose: dict[tuple[str, str], list[Path]] = {}
    for path in _entries(folder):
        is_ours = bool(pages_written(path)) or (but is not None and path.resolve() == but.resolve())
        kept = not is_ours if path.is_dir() else path.suffix.lower() in (*CODE, ".zip", *NO_CODE)
        if kept and not _is_stray(path):
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
    """What a student handed in, in one folder or file, or in several: Moodle has a folder for files, one for texts."""
    files: dict[str, Path] = {}
    links: list[str] = []
    for path in paths:
        inside = files_in(path) if path.is_dir() else {path.name: path}
        for name, place in inside.items():
            files[name if name not in files else f"{path.name}/{name}"] = place
        links += _links_in(path)
    submission = _of_files(student, files, assignment, room)
    if links:
        submission.notes.append(f"Left out, since links are not followed: {_some(links)}.")
    return submission


def _links_in(folder: Path, most: int = 20) -> list[str]:
    """The names of links in a student's folder."""
    found: list[str] = []
    for here, folders, names in os.walk(folder):  # doesn't follow them
        found += [name for name in (*folders, *names) if not is_ignored(name) and Path(here, name).is_symlink()]
        folders[:] = [name for name in folders if not is_ignored(name)]
        if len(found) > most:
            break
    return sorted(found)


def _of_files(student: str, files: dict[str, Path], assignment: str, room: Path) -> Submission:
    code = {name: path for name, path in files.items() if path.suffix.lower() in CODE}
    zips = [path for path in files.values() if path.suffix.lower() == ".zip"]
    if not code and zips:
        submission = _of_zip(student, newest := max(zips, key=_age), assignment, room)
        submission.notes += [f"{len(zips)} zips; graded: {newest.name}."] if len(zips) > 1 else []
        return submission
    if not code:
        others = ", ".join(sorted(Path(name).name for name in files)[:3])
        only = f" There is {others}; a notebook (.ipynb) or a Python file (.py) is needed." if others else ""
        return Submission(student, problem=f"No file was handed in.{only}")
    # nbgrader has a folder for each problem set: what lies in the others is no answer to this one.
    own = {name: path for name, path in code.items() if assignment and assignment in Path(name).parts[:-1]} or code
    chosen = max(own, key=lambda name: _preference(name, own[name], assignment))
    notes = [f"{len(own)} files; graded: {chosen}."] if len(own) > 1 else []
    return Submission(student, own[chosen], files, notes=notes)


def _of_zip(student: str, archive: Path, assignment: str, room: Path) -> Submission:
    folder = room / f"{sum(1 for _ in room.iterdir())}"
    folder.mkdir()
    try:
        unpack(archive, folder)
    except UnfitZip as error:
        return Submission(student, archive, problem=str(error))
    files = {name: path for name, path in files_in(folder).items() if path.suffix.lower() != ".zip"}  # no zips in zips
    return _of_files(student, files, assignment, room)


def _age(path: Path) -> float:
    return path.stat().st_mtime


def _preference(name: str, path: Path, assignment: str) -> tuple[object, ...]:
    """The larger, the more likely it is what should be graded: the assignment's name, checks in it, new, a notebook.

    Copies ("ps1 (1)", "ps1-1") have the assignment's name too: people hand in again under such names.
    """
    named = bool(assignment) and assignment in (_stem(name), Path(name).stem)
    copy = int(found[1]) if (found := re.search(r"(\d+)\)?$", Path(name).stem)) else 0
    return named, bool(_calls(path)), _age(path), path.suffix.lower() == ".ipynb", copy, name


def _stem(name: str) -> str:
    """The name that a file had at first: without its folder, its ending, a learning platform's prefix, " (1)", "-1".

    >>> _stem("ada/ps1 (1).ipynb"), _stem("lovelaceada_12_34_ps1-2.py"), _stem("ps1 - Copy.ipynb")
    ('ps1', 'ps1', 'ps1')
    """
    stem = Path(name).stem
    match = MOODLE.fullmatch(stem) or CANVAS.fullmatch(stem)
    return COPY.sub("", (match["rest"] if match else "") or stem)


def _calls(path: Path) -> list[GradedCall]:
    try:
        return graded_calls(code_cells(path))
    except UnreadableFile:
        return []


def look_into(submission: Submission) -> None:
    """Note the checks that are called in it, or why it can't be read."""
    if submission.file is None or submission.problem:
        return
    try:
        cells = code_cells(submission.file)
    except UnreadableFile as error:
        submission.problem = str(error)
        return
    submission.calls = graded_calls(cells)
    submission.unread = [
        said for number, source in enumerate(cells, start=1) if (said := syntax_error(source, f"code cell {number}"))
    ]
    if submission.file.suffix.lower() == ".py" and len(cells) == 1 and submission.unread:
        # One cell is the whole file, and Python reads nothing of it.
        whole = plain_python(read_python(submission.file))
        submission.problem = f"{submission.file.name}, {syntax_error(whole) or submission.unread[0]}"


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
