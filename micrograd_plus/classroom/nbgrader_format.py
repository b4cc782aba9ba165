"""A problem set as nbgrader's source: a notebook whose cells say what is a solution and what is graded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .calls import SAID
from .notebook_files import notebook_cell, notebook_text
from .problem_set import Part, ProblemSet
from .regions import CODE_STUB, TEXT_STUB

CONFIG = f'''"""How nbgrader treats the problem sets of micrograd_plus. Written once; change it as you like."""

c = get_config()  # noqa: F821 - nbgrader defines it

# What students find in place of a solution. The checks count dots as "not attempted", and dots stop nobody's notebook.
c.ClearSolutions.code_stub = {{"python": {CODE_STUB!r}}}
c.ClearSolutions.text_stub = {TEXT_STUB!r}

# Seconds for a cell. An exercise that takes too long is stopped earlier, by itself; this is for everything else.
c.ExecutePreprocessor.timeout = 60
'''


def notebook(problem_set: ProblemSet) -> str:
    """The text of nbgrader's source notebook (metadata of schema 3), for `nbgrader generate_assignment`."""
    names = cell_names(problem_set.parts)
    cells = [
        notebook_cell(part.kind, part.full, name, metadata_of(part) | _nbgrader(part, name))
        for part, name in zip(problem_set.parts, names, strict=True)
    ]
    return notebook_text(cells)


def metadata_of(part: Part) -> dict[str, Any]:
    """What every kind of notebook says of a cell: its tags, and that it is for a written answer (see `calls`)."""
    tags = {"tags": list(part.tags)} if part.tags else {}
    is_written = part.graded and part.kind != "code"
    return tags | ({SAID: {"answer": part.graded, "points": _whole(part.points)}} if is_written else {})


def _nbgrader(part: Part, name: str) -> dict[str, Any]:
    """nbgrader's metadata of a cell; none for a cell that is neither graded nor to be filled in."""
    if not (part.graded or part.has_solution):
        return {}
    said = {
        "schema_version": 3,
        "grade_id": name,
        "grade": bool(part.graded),
        "solution": part.has_solution,
        "locked": bool(part.graded) and not part.has_solution,
        "task": False,
    }
    points = {"points": _whole(part.points)} if part.graded else {}
    return {"nbgrader": said | points}


def _whole(points: float) -> float:
    return int(points) if points == int(points) else points


def cell_names(parts: Sequence[Part]) -> list[str]:
    """A name for each cell that says what it is, and stays the same when other cells are added.

    A graded cell is called as its exercise, the cells above it that students fill in "…-answer" and "…-answer-2", all
    others by number.
    """
    names: list[str] = []
    for i, part in enumerate(parts):
        if part.graded:
            name = part.graded
        elif part.has_solution:
            below = next((other.graded for other in parts[i:] if other.graded and other.kind == "code"), "last")
            name = f"{below}-answer"
        else:
            name = f"cell-{i + 1:02}"
        name = re.sub(r"[^A-Za-z0-9_-]", "-", name)[:56]  # what notebooks allow, with room for a number
        same = sum(re.fullmatch(rf"{name}(-\d+)?", other) is not None for other in names)
        names.append(f"{name}-{same + 1}" if same else name)
    return names
