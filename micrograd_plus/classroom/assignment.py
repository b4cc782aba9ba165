"""Problem sets made ready to hand out: for students, for teachers, for nbgrader, for Gradescope."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from . import gradescope_zip, nbgrader_format
from .nbgrader_format import cell_names, metadata_of
from .notebook_files import notebook_cell, notebook_text
from .problem_set import ProblemSet, read
from .regions import AssignmentError

Files = dict[str, bytes]  # by their paths in the folder that they are written to


def make(
    source: str | Path, out: str | Path, format: str = "student", *, overwrite: bool = False, check: bool = True
) -> list[Path]:
    """Make what is handed out of a percent file, or of each one in a folder; returns the files that were written.

    format:
    "student": name.ipynb, without solutions and hidden tests.
    "instructor": name_solutions.ipynb, with both, and a table of the points.
    "nbgrader": source/name/name.ipynb for `nbgrader generate_assignment`, and an nbgrader_config.py if there is none.
    "gradescope": name_gradescope.zip, to be uploaded as the autograder. There are no solutions in it.

    out: a folder; it is made where there is none. Raises AssignmentError before anything is written; it says what is
    wrong in which line. A file that is there already is only written over with `overwrite`. check: run each problem set
    first, about a second each; its solutions must earn all points, and what is handed out none.

    >>> from pathlib import Path
    >>> _ = Path("ps1.py").write_text('''
    ... # %%
    ... from micrograd_plus import exercises as ex
    ...
    ... # %%
    ... def mul_backward(a, b, upstream):
    ...     ### BEGIN SOLUTION
    ...     return b * upstream, a * upstream
    ...     ### END SOLUTION
    ...
    ... # %%
    ... ex.grade("mul_backward", mul_backward, points=3)
    ... ''')
    >>> for file in make("ps1.py", "handed_out"):
    ...     print(file.as_posix())
    handed_out/ps1.ipynb
    """
    if format not in FORMATS:
        raise AssignmentError(f"there is no format {format!r}. There are {', '.join(FORMATS)}.")
    problem_sets = {path: read(path) for path in _sources(Path(source))}
    files: Files = {}
    for problem_set in problem_sets.values():
        files |= FORMATS[format](problem_set)
    out = Path(out)
    if format == "nbgrader" and not (out / "nbgrader_config.py").exists():
        files["nbgrader_config.py"] = nbgrader_format.CONFIG.encode()
    _check_writable([out / name for name in files], overwrite)
    if check:
        for path, problem_set in problem_sets.items():
            _rehearse(path, problem_set)
    return _write({out / name: data for name, data in files.items()}, out)


def _rehearse(path: Path, problem_set: ProblemSet) -> None:
    from .rehearsal import rehearse  # it loads all that grading needs

    try:
        rehearse(problem_set, path)
    except AssignmentError as error:
        raise AssignmentError(f"{path.name}, {error}") from None


def _sources(source: Path) -> list[Path]:
    """The percent files at a path: itself, or those in the folder."""
    if source.is_dir():
        found = sorted(path for path in source.glob("*.py") if not path.name.startswith(("_", ".")))
        if not found:
            raise AssignmentError(f"{source}: there is no Python file (.py) in this folder.")
        return found
    if not source.exists():
        raise AssignmentError(f"{source}: there is no such file.")
    return [source]


# -- the formats -----------------------------------------------------------------------------------------------


def _student(problem_set: ProblemSet) -> Files:
    named = zip(problem_set.parts, cell_names(problem_set.parts), strict=True)
    cells = [notebook_cell(part.kind, part.open, name, metadata_of(part)) for part, name in named if part.open.strip()]
    return {f"{problem_set.name}.ipynb": notebook_text(cells).encode()}


def _instructor(problem_set: ProblemSet) -> Files:
    named = zip(problem_set.parts, cell_names(problem_set.parts), strict=True)
    cells = [notebook_cell(part.kind, part.full, name, metadata_of(part)) for part, name in named]
    cells.insert(1, notebook_cell("markdown", points_table(problem_set), "points"))
    return {f"{problem_set.name}_solutions.ipynb": notebook_text(cells).encode()}


def _nbgrader(problem_set: ProblemSet) -> Files:
    name = problem_set.name
    return {f"source/{name}/{name}.ipynb": nbgrader_format.notebook(problem_set).encode()}


def _gradescope(problem_set: ProblemSet) -> Files:
    return {f"{problem_set.name}_gradescope.zip": gradescope_zip.archive(problem_set)}


FORMATS: dict[str, Callable[[ProblemSet], Files]] = {
    "student": _student,
    "instructor": _instructor,
    "nbgrader": _nbgrader,
    "gradescope": _gradescope,
}


def points_table(problem_set: ProblemSet) -> str:
    """What can be earned, as a table in Markdown. Written answers are marked as such: people read those."""
    rows = [
        f"| {part.graded}{'' if part.kind == 'code' else ' (written answer)'} | {part.points:g} |"
        for part in problem_set.graded
    ]
    head = ["**For teachers: this copy holds the solutions.**", "", "| What | Points |", "|---|---:|"]
    return "\n".join([*head, *rows, f"| **In all** | **{problem_set.points:g}** |"])


# -- writing ---------------------------------------------------------------------------------------------------


def _check_writable(paths: list[Path], overwrite: bool) -> None:
    there = [path for path in paths if path.exists()]
    if there and not overwrite:
        others = f" (and {len(there) - 1} more)" if len(there) > 1 else ""
        raise AssignmentError(
            f"{there[0]}{others} is there already, so nothing was written. Choose another folder, or allow that it "
            f"is written over: overwrite=True, or --overwrite on the command line."
        )


def _write(files: dict[Path, bytes], out: Path) -> list[Path]:
    """Write all of the files, or none: each under a name of its own first, and then all are renamed."""
    parts = {path: path.with_name(f"{path.name}.part") for path in files}
    try:
        for path, part in parts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(files[path])
        for path, part in parts.items():
            os.replace(part, path)
    except OSError as error:
        for part in parts.values():
            with suppress(OSError):
                part.unlink()
        raise AssignmentError(f"{out} can't be written to: {error.strerror or error}. Choose another folder.") from None
    return list(files)
