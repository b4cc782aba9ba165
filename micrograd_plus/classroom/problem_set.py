"""A problem set: a teacher's percent file, read and checked before anything is made of it."""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from . import percent
from .calls import CHECK_ENGINE, GRADE, ROOM, Call, calls_in, dotted, names_of_the_room
from .notebook_files import UnreadableFile, parsed, plain_python, read_python
from .regions import (
    CODE_STUB,
    HIDDEN,
    SOLUTION,
    TEXT_STUB,
    AssignmentError,
    Region,
    for_students,
    lines_with_dots,
    regions_of,
    with_marks,
)

ANSWER_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,47}")
MOST_POINTS = 10_000.0


@dataclass(frozen=True)
class Part:
    """A cell of a problem set.

    kind: code or markdown (or raw). full: its source with solutions and marks. open: what students get. line: where it
    begins in the file. has_solution: whether there is one in it. graded: the id of what is graded here, "" for nothing:
    that of an exercise in a code cell which ends with `ex.grade`, that of a written answer in a markdown cell.
    points: what it is worth. given: the source of what `ex.grade` looks at, mostly a name. tags: those of the cell in
    Jupyter.
    """

    kind: str
    full: str
    open: str
    line: int
    has_solution: bool = False
    graded: str = ""
    points: float = 0.0
    given: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProblemSet:
    """A problem set that can be handed out. name: that of its file. text: all of the file."""

    name: str
    text: str
    parts: tuple[Part, ...]

    @property
    def graded(self) -> tuple[Part, ...]:
        """The parts that points are given for."""
        return tuple(part for part in self.parts if part.graded)

    @property
    def points(self) -> float:
        """What can be earned in all."""
        return sum(part.points for part in self.graded)


def read(path: str | Path) -> ProblemSet:
    """Read a percent file and look for whatever would go wrong later. Raises AssignmentError, which names the line."""
    path = Path(path)
    if path.suffix.lower() != ".py":
        raise AssignmentError(f"{path.name}: a problem set is a Python file (.py) with lines `# %%` between its cells.")
    try:
        text = read_python(path)
    except UnreadableFile as error:
        raise AssignmentError(str(error)) from None
    try:
        return problem_set(path.stem, text)
    except AssignmentError as error:
        raise AssignmentError(f"{path.name}, {error}") from None


def problem_set(name: str, text: str) -> ProblemSet:
    r"""The problem set of a percent file's text.

    >>> parts = problem_set("ps1", '# %%\nslope = ...\n\n# %%\nex.grade("mul_backward", slope, points=3)\n').parts
    >>> [(part.graded, part.points) for part in parts]
    [('', 0.0), ('mul_backward', 3.0)]
    """
    cells = percent.cells_of(text)
    if not any(percent.HEADER.fullmatch(line) for line in text.split("\n")) or not cells:
        raise AssignmentError(
            "line 1: there are no cells. A line `# %%` begins one, and `# %% [markdown]` one of prose."
        )
    trees = [parsed(plain_python(cell.source)) for cell in cells if cell.kind == "code"]
    names = names_of_the_room(tree for tree in trees if tree is not None)
    parts = tuple(_code(cell, names) if cell.kind == "code" else _prose(cell) for cell in cells)
    _check_ids(parts)
    _check_that_something_is_left_to_do(parts)
    _check_that_something_is_graded(parts)
    _check_that_names_are_defined(parts)
    return ProblemSet(name, text, parts)


# -- cells -----------------------------------------------------------------------------------------------------


def _prose(cell: percent.Cell) -> Part:
    """A cell of prose, or the place for a written answer: `# %% [markdown] answer="why" points=2`."""
    regions = regions_of(cell.source, cell.line)
    _check_hidden(regions, False, cell.line)
    answer, points = cell.options.get("answer", ""), cell.options.get("points")
    has_solution = any(region.what == SOLUTION for region in regions)
    if has_solution != bool(answer):
        raise AssignmentError(
            f'line {cell.line}: a written answer needs a header as `# %% [markdown] answer="why" points=2`, and below '
            f"it the model answer between `# ### BEGIN SOLUTION` and `# ### END SOLUTION`."
        )
    if answer and not (isinstance(answer, str) and ANSWER_ID.fullmatch(answer)):
        raise AssignmentError(f"line {cell.line}: answer={answer!r} is no name; use letters, digits, - and _.")
    return Part(
        kind=cell.kind,
        full=with_marks(regions),
        open=for_students(regions, TEXT_STUB),
        line=cell.line,
        has_solution=has_solution,
        graded=answer,
        points=_checked_points(points, f"line {cell.line}: the written answer {answer!r}") if answer else 0.0,
        tags=_tags(cell),
    )


def _code(cell: percent.Cell, names: dict[str, str]) -> Part:
    regions = regions_of(percent.with_magics(cell.source), cell.line)
    tree = _checked_tree(cell.source, cell.line, "")
    has_solution = any(region.what == SOLUTION for region in regions)
    call = _graded_call(cell, tree, names)
    _check_hidden(regions, call is not None, cell.line)
    if call is not None and has_solution:
        raise AssignmentError(
            f"line {_line(cell, call)}: ex.grade stands in the same cell as a solution. Give it its own, below."
        )
    students = for_students(regions, CODE_STUB)
    _checked_tree(students, cell.line, " once its solution is taken out")
    return Part(
        kind="code",
        full=with_marks(regions),
        open=students,
        line=cell.line,
        has_solution=has_solution,
        graded=call.exercise or "" if call else "",
        points=call.points or 0.0 if call else 0.0,
        given=call.given if call else "",
        tags=_tags(cell),
    )


def _tags(cell: percent.Cell) -> tuple[str, ...]:
    tags = cell.options.get("tags", [])
    return tuple(map(str, tags)) if isinstance(tags, list) else ()


def _line(cell: percent.Cell, call: Call) -> int:
    return cell.line + call.line - 1


def _graded_call(cell: percent.Cell, tree: ast.Module, names: dict[str, str]) -> Call | None:
    """The `ex.grade` that a cell ends with, None where it has none. All exercises that are named must exist."""
    calls = calls_in(tree, names)
    for call in calls:
        _check_call(call, f"line {_line(cell, call)}: ex.{call.how}")
    graded = [call for call in calls if call.how == GRADE]
    if not graded:
        return None
    if len(graded) > 1:
        raise AssignmentError(
            f"line {_line(cell, graded[1])}: a second ex.grade in one cell. Give each a cell of its own."
        )
    if not _is_last(tree, names) or _is_silenced(cell.source, tree):
        raise AssignmentError(
            f"line {_line(cell, graded[0])}: ex.grade must be the last line of its cell, by itself and without a "
            f"semicolon: what the cell shows is the number of points."
        )
    return graded[0]


def _is_last(tree: ast.Module, names: dict[str, str]) -> bool:
    """Whether the last statement is a call of `ex.grade` and nothing more."""
    last = tree.body[-1]
    call = last.value if isinstance(last, ast.Expr) else None
    return isinstance(call, ast.Call) and dotted(call.func, names) == f"{ROOM}.{GRADE}"


def _is_silenced(source: str, tree: ast.Module) -> bool:
    """Whether a semicolon ends the cell: Jupyter shows nothing then, and nbgrader would give all points."""
    end = tree.body[-1]
    line = plain_python(source).split("\n")[(end.end_lineno or 1) - 1].encode()
    return b";" in line[end.end_col_offset :].split(b"#")[0]


# -- checks ----------------------------------------------------------------------------------------------------


def _check_call(call: Call, where: str) -> None:
    if call.how == CHECK_ENGINE:
        return
    if call.exercise is None:
        raise AssignmentError(f'{where}: write the id of the exercise out, as ex.{call.how}("mul_backward", …).')
    _check_known(call.exercise, where)
    if not call.given:
        raise AssignmentError(
            f"{where}: say what is to be looked at, as ex.{call.how}({call.exercise!r}, my_function)."
        )
    if call.how == GRADE:
        _checked_points(call.points, f"{where}({call.exercise!r}, …)")


def _check_known(exercise: str, where: str) -> None:
    from ..exercises.catalogue import UnknownExerciseError, find

    try:
        find(exercise)
    except UnknownExerciseError as error:
        raise AssignmentError(f"{where}: {error}") from None


def _checked_points(points: object, where: str) -> float:
    if isinstance(points, bool) or not isinstance(points, (int, float)):
        raise AssignmentError(f"{where}: write the points out as a number, as points=3.")
    if not 0 < points <= MOST_POINTS:
        raise AssignmentError(f"{where}: points={points!r}; give a number above 0, and {MOST_POINTS:.0f} at most.")
    return float(points)


def _checked_tree(source: str, line: int, when: str) -> ast.Module:
    """The syntax tree of a cell. Raises AssignmentError where it is no valid Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(plain_python(source))
        except SyntaxError as error:
            where = line + (error.lineno or 1) - 1
            raise AssignmentError(f"line {where}: this is no valid Python{when} ({error.msg}).") from None


def _check_hidden(regions: Iterable[Region], is_graded: bool, line: int) -> None:
    if any(region.what == HIDDEN for region in regions) and not is_graded:
        raise AssignmentError(f"line {line}: HIDDEN TESTS belong in a cell that ends with ex.grade.")


def _check_ids(parts: Iterable[Part]) -> None:
    seen: dict[str, Part] = {}
    for part in parts:
        first = seen.get(part.graded) if part.graded else None
        if first is not None and "code" in (part.kind, first.kind) and part.kind != first.kind:
            written, other = (first, part) if part.kind == "code" else (part, first)
            raise AssignmentError(
                f"line {written.line}: the written answer {written.graded!r} has the name of the exercise that is "
                f"graded in line {other.line}. Choose another name for it, as answer={'why_' + written.graded!r}."
            )
        if first is not None and part.kind == "code":
            raise AssignmentError(
                f"line {part.line}: {part.graded!r} is graded a second time (first in line {first.line}). "
                f"Grade each exercise once; ex.check can be called as often as you like."
            )
        if first is not None:
            raise AssignmentError(
                f"line {part.line}: there is a written answer {part.graded!r} in line {first.line} already. "
                f"Choose another name for one of them."
            )
        if part.graded:
            seen[part.graded] = part


def _check_that_something_is_left_to_do(parts: Sequence[Part]) -> None:
    if not any(part.has_solution or (part.kind == "code" and lines_with_dots(part.open)) for part in parts):
        raise AssignmentError(
            "line 1: there is nothing left for students to do: no `### BEGIN SOLUTION` and no `...`. Put each solution "
            "between `### BEGIN SOLUTION` and `### END SOLUTION`."
        )


def _check_that_something_is_graded(parts: Iterable[Part]) -> None:
    if not any(part.graded for part in parts if part.kind == "code"):
        raise AssignmentError(
            "line 1: there are no points for what a program can mark: no cell ends with ex.grade (ex.check gives "
            'none). Write `ex.grade("mul_backward", mul_backward, points=3)` into a cell of its own, below each task.'
        )


def _check_that_names_are_defined(parts: Sequence[Part]) -> None:
    """Whether what `ex.grade` looks at is defined anywhere: a slip in its name would cost all students the points."""
    trees = [parsed(plain_python(part.full)) for part in parts if part.kind == "code"]
    defined = {name for tree in trees if tree is not None for name in _defined_in(tree)}
    if "*" in defined:  # from … import *: anything may be
        return
    for part in parts:
        looked_at = parsed(part.given)
        used = {node.id for node in ast.walk(looked_at) if isinstance(node, ast.Name)} if looked_at else set()
        for name in sorted(used - defined - set(dir(builtins))):
            near = get_close_matches(name, defined, n=1)
            raise AssignmentError(
                f"line {part.line}: ex.grade looks at {name}, which no cell defines."
                + (f" Did you mean {near[0]}?" if near else "")
            )


def _defined_in(tree: ast.AST) -> Iterator[str]:
    """The names that a cell gives a value, wherever it does; "*" for an import of everything."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):  # of a lambda in the call itself
            yield node.arg
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).split(".")[0]
