"""What is to be graded: the calls of `ex.grade` and `ex.check` in a file, found without running any of it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .notebook_files import code_cells, parsed, plain_python, read_notebook, read_python
from .percent import cells_of

GRADE, CHECK, CHECK_ENGINE = "grade", "check", "check_engine"
CALLS = (GRADE, CHECK, CHECK_ENGINE)
ROOM = "micrograd_plus.exercises"
ENGINE = "engine"  # the id of the exercise that `check_engine` is about
SAID = "micrograd_plus"  # where the metadata of a notebook's cell says what we know of it


class GradedCall(NamedTuple):
    """What one call asks for. given: the source of the object, mostly its name. points: None where none are said."""

    exercise: str
    given: str
    points: float | None


@dataclass(frozen=True)
class Call:
    """A call of an exercise as it stands in the code.

    how: grade, check or check_engine. exercise: its id, None where it isn't written out as a text. given: the source
    of the object, "" where there is none. points, seed: None where they aren't written out as numbers. line: in its
    cell, counted from 1.
    """

    how: str
    exercise: str | None
    given: str
    points: float | None
    seed: int | str | None
    line: int


def graded_calls(source: str | Path | Iterable[str]) -> list[GradedCall]:
    r"""The calls in the text of a percent file, in the texts of code cells, or in the file (.py, .ipynb) at a Path.

    Each is (id of the exercise, source of the object, points). Points are None for `ex.check` and `ex.check_engine`.
    Cells that are no valid Python are passed over, and so are calls whose id is no literal text.
    Raises UnreadableFile for a Path at which nothing can be read.

    >>> graded_calls('ex.grade("mul_backward", mul_backward, points=3)\nex.check_engine(MyValue)')
    [GradedCall(exercise='mul_backward', given='mul_backward', points=3.0),
     GradedCall(exercise='engine', given='MyValue', points=None)]
    """
    if isinstance(source, str):
        cells = [cell.source for cell in cells_of(source.replace("\r\n", "\n")) if cell.kind == "code"]
    else:
        cells = code_cells(source) if isinstance(source, Path) else list(source)
    trees = [tree for tree in map(parsed, map(plain_python, cells)) if tree is not None]
    names = names_of_the_room(trees)
    calls = [call for tree in trees for call in calls_in(tree, names)]
    return [GradedCall(call.exercise, call.given, call.points) for call in calls if call.exercise is not None]


def written_answers(path: Path) -> list[tuple[str, float]]:
    """The answers in words that a problem set asks for, with their points: of its source, or of a notebook made of it.

    Raises UnreadableFile where nothing can be read.

    >>> from pathlib import Path
    >>> _ = Path("ps1.py").write_text('# %% [markdown] answer="why" points=2\\n# Because …', encoding="utf-8")
    >>> written_answers(Path("ps1.py"))
    [('why', 2.0)]
    """
    if path.suffix.lower() == ".ipynb":
        metadata = [cell.get("metadata") for cell in read_notebook(path)["cells"]]
        said = [of_cell.get(SAID) for of_cell in metadata if isinstance(of_cell, dict)]
    else:
        said = [cell.options for cell in cells_of(read_python(path)) if cell.kind != "code"]
    found = [(options.get("answer"), options.get("points")) for options in said if isinstance(options, dict)]
    return [
        (answer, float(points))
        for answer, points in found
        if isinstance(answer, str) and isinstance(points, (int, float))
    ]


def names_of_the_room(trees: Iterable[ast.AST]) -> dict[str, str]:
    """What stands for what: {name in the code: "micrograd_plus.exercises" or "micrograd_plus.exercises.grade" …}.

    `ex` is always known, since a file may be a part of a larger one.
    """
    names = {"ex": ROOM}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.asname: alias.name for alias in node.names if alias.asname}
            elif isinstance(node, ast.ImportFrom):
                names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def calls_in(tree: ast.AST, names: dict[str, str]) -> list[Call]:
    """The calls of exercises in a syntax tree, in the order of the lines. names: see `names_of_the_room`."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    return list(_read(found, names))


def _read(nodes: Iterable[ast.Call], names: dict[str, str]) -> Iterator[Call]:
    for node in nodes:
        room, _, how = dotted(node.func, names).rpartition(".")
        if room != ROOM or how not in CALLS:
            continue
        positions = ("answer",) if how == CHECK_ENGINE else ("id", "answer", "points")
        values = dict(zip(positions, node.args, strict=False))
        values |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        if how == CHECK_ENGINE and {"stages", "upto"} & {keyword.arg for keyword in node.keywords}:
            continue  # a look at some of the stages is no answer to be graded
        yield Call(
            how=how,
            exercise=ENGINE if how == CHECK_ENGINE else _literal(values.get("id"), str),
            given=_source_of(values["answer"]) if "answer" in values else "",
            points=_points(values.get("points")) if how == GRADE else None,
            seed=_literal(values.get("seed"), (int, str)),
            line=node.lineno,
        )


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """A function's full name: of `ex.grade` "micrograd_plus.exercises.grade"; "" for what isn't names with dots."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([names.get(node.id, node.id), *reversed(parts)])


def _source_of(node: ast.expr) -> str:
    try:
        return ast.unparse(node)
    except RecursionError:  # an expression of a thousand parts
        return "…"


def _points(node: ast.expr | None) -> float | None:
    points = _literal(node, (int, float))
    return None if points is None else float(points)


def _literal(node: ast.expr | None, kinds: type | tuple[type, ...]) -> Any:
    """The value of a literal of one of these types, else None."""
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool) or not isinstance(node.value, kinds):
        return None
    return node.value
