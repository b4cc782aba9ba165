"""The marks in a teacher's source: what between them is a solution, or hidden, and what students get in its place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from .notebook_files import parsed, plain_python

SOLUTION, HIDDEN, OPEN = "SOLUTION", "HIDDEN TESTS", ""

CODE_STUB = "# YOUR CODE HERE\n..."  # `...` counts as not attempted, and unlike an exception it stops nobody
TEXT_STUB = "*Your answer here.*"

# As people write them: `### BEGIN SOLUTION`, `# end solution`, `#BEGIN HIDDEN TESTS` …
MARK = re.compile(r"(\s*)#+\s*(BEGIN|END)\s+(SOLUTION|HIDDEN\s+TEST)S?\W*", flags=re.IGNORECASE)
MENTION = re.compile(r"\b(BEGIN|END)\s+(SOLUTION|HIDDEN\s+TEST)", flags=re.IGNORECASE)

# What people write in their place, by the letters alone: `### SOLUTION BEGIN`, `### BEGIN SOLUTON`, `# END_HIDDEN` …
_EDGES = ("begin", "end", "start", "stop")
_MARKED = ("solution", "hiddentest", "hiddentests", "hidden")
NEARLY = [letters for edge in _EDGES for what in _MARKED for letters in (edge + what, what + edge)]


class AssignmentError(ValueError):
    """An assignment that can't be made; the message says where and why, and what to do."""


@dataclass(frozen=True)
class Region:
    """Lines of a cell that belong together. what: SOLUTION, HIDDEN or OPEN (for everybody)."""

    what: str
    indent: str
    lines: tuple[str, ...]


def regions_of(source: str, line: int = 1) -> list[Region]:
    r"""A cell's source taken apart at its marks. line: where the cell begins in its file, for the messages.

    Raises AssignmentError for marks without a partner, or one inside of another.

    >>> regions_of("x = ...\n### BEGIN SOLUTION\nx = 2\n### END SOLUTION")
    [Region(what='', indent='', lines=('x = ...',)), Region(what='SOLUTION', indent='', lines=('x = 2',))]
    """
    found: list[Region] = []
    what, indent, begun, own = OPEN, "", 0, list[str]()
    for number, text in enumerate(source.split("\n"), start=line):
        match = MARK.fullmatch(text)
        if match is None:
            if MENTION.search(text):
                raise AssignmentError(f"line {number}: a mark stands on a line of its own, as `### BEGIN SOLUTION`.")
            _check_nearly_a_mark(number, text)
            own.append(text)
            continue
        edge, marked = match[2].upper(), SOLUTION if match[3].upper() == SOLUTION else HIDDEN
        _check_partner(number, edge, marked, what, begun)
        found.append(Region(what, indent, tuple(own)))
        what, indent, begun, own = (marked, match[1], number, []) if edge == "BEGIN" else (OPEN, "", 0, [])
    if what:
        raise AssignmentError(f"line {begun}: BEGIN {what} without an END {what} in the same cell. {ADVICE}")
    found.append(Region(what, indent, tuple(own)))
    return [region for region in found if region.lines or region.what]


def _check_nearly_a_mark(number: int, text: str) -> None:
    """Raise AssignmentError for a line that was meant as a mark: what it stands for would be handed out."""
    comment = re.search(r"#+([^#]*)$", text)
    said = comment[1] if comment else text if text.isupper() else ""  # a line of prose has no # any more
    letters = "".join(re.findall(r"[a-z]+", said.lower()))
    is_other_tools = comment is not None and said.strip() in ("SOLUTION", "SOLUTIONS", "SOLUTION NO PROMPT")  # otter's
    if is_other_tools or (len(letters) < 30 and get_close_matches(letters, NEARLY, n=1, cutoff=0.85)):
        raise AssignmentError(
            f"line {number}: {text.strip()!r} looks like a mark, but is none, so a solution would be handed out. Write "
            f"`### BEGIN SOLUTION` or `### END SOLUTION` (or HIDDEN TESTS), or say it in other words if it is no mark."
        )


ADVICE = "Each region begins and ends in one cell: put `### BEGIN …` above it and `### END …` below it."


def _check_partner(number: int, edge: str, marked: str, inside: str, begun: int) -> None:
    if edge == "BEGIN" and inside:
        raise AssignmentError(
            f"line {number}: BEGIN {marked} inside of the {inside} that begins in line {begun}. {ADVICE}"
        )
    if edge == "END" and inside != marked:
        where = f"inside of the {inside} that begins in line {begun}" if inside else f"without a BEGIN {marked}"
        raise AssignmentError(f"line {number}: END {marked} {where}. {ADVICE}")


def for_students(regions: Sequence[Region], stub: str = CODE_STUB) -> str:
    r"""The source that students get: the stub in place of each solution, nothing in place of what is hidden.

    Where the code in the line right above or below a solution has dots, as `x = ...` or `return ...`, that is the stub
    already. Dots in a comment, a text or prose are none.

    >>> print(for_students(regions_of("def f(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION")))
    def f(x):
        # YOUR CODE HERE
        ...
    >>> print(for_students(regions_of("x = ...\n### BEGIN SOLUTION\nx = 2\n### END SOLUTION")))
    x = ...
    """
    lines: list[str] = []
    stubs: list[range] = []  # where the stubs are in `lines`
    for region in regions:
        begin = len(lines)
        if region.what == OPEN:
            lines += region.lines
        elif region.what == SOLUTION:
            lines += [region.indent + line for line in stub.split("\n")]
            stubs.append(range(begin, len(lines)))
    dots = lines_with_dots("\n".join(lines)) if stub == CODE_STUB else set()
    for place in reversed(stubs):  # from below, so that the lines above keep their numbers
        if {place.start, place.stop + 1} & dots:  # counted from 1: the line above, and the one below
            del lines[place.start : place.stop]
    return "\n".join(lines).strip("\n")


def lines_with_dots(source: str) -> set[int]:
    """The numbers of the lines that have `...` in place of a value. Without those in an index, as in `x[..., 0]`.

    >>> lines_with_dots("x = 1  # wait ...\\nx = ...\\ny = t[..., 0]")
    {2}
    """
    tree = parsed(plain_python(source))
    return {node.lineno for node in _without_indices(tree) if isinstance(node, ast.Constant) and node.value is ...}


def _without_indices(tree: ast.AST | None) -> Iterator[ast.AST]:
    """All nodes of a syntax tree but those of indices."""
    waiting = [] if tree is None else [tree]
    while waiting:
        node = waiting.pop()
        yield node
        within = [node.value] if isinstance(node, ast.Subscript) else ast.iter_child_nodes(node)
        waiting.extend(within)


def with_marks(regions: Sequence[Region]) -> str:
    """The whole source, its marks written as nbgrader knows them."""
    lines: list[str] = []
    for region in regions:
        begin, end = ([f"{region.indent}### {edge} {region.what}"] for edge in ("BEGIN", "END"))
        lines += [*begin, *region.lines, *end] if region.what else region.lines
    return "\n".join(lines)
