"""The marks in a teacher's source: what between them is a solution, or hidden, and what students get in its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

SOLUTION, HIDDEN, OPEN = "SOLUTION", "HIDDEN TESTS", ""

CODE_STUB = "# YOUR CODE HERE\n..."  # `...` counts as not attempted, and unlike an exception it stops nobody
TEXT_STUB = "*Your answer here.*"

# As people write them: `### BEGIN SOLUTION`, `# end solution`, `#BEGIN HIDDEN TESTS` …
MARK = re.compile(r"(\s*)#+\s*(BEGIN|END)\s+(SOLUTION|HIDDEN\s+TEST)S?\W*", flags=re.IGNORECASE)
MENTION = re.compile(r"\b(BEGIN|END)\s+(SOLUTION|HIDDEN\s+TEST)", flags=re.IGNORECASE)


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

    Where the line right above or below a solution has dots, as `x = ...` or `return ...`, that is the stub already.

    >>> print(for_students(regions_of("def f(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION")))
    def f(x):
        # YOUR CODE HERE
        ...
    >>> print(for_students(regions_of("x = ...\n### BEGIN SOLUTION\nx = 2\n### END SOLUTION")))
    x = ...
    """
    lines: list[str] = []
    for region, below in zip(regions, [*regions[1:], Region(OPEN, "", ())], strict=True):
        beside = [*lines[-1:], *below.lines[:1]]
        if region.what == OPEN:
            lines += region.lines
        elif region.what == SOLUTION and not any("..." in line for line in beside):
            lines += [region.indent + line for line in stub.split("\n")]
    return "\n".join(lines).strip("\n")


def with_marks(regions: Sequence[Region]) -> str:
    """The whole source, its marks written as nbgrader knows them."""
    lines: list[str] = []
    for region in regions:
        begin, end = ([f"{region.indent}### {edge} {region.what}"] for edge in ("BEGIN", "END"))
        lines += [*begin, *region.lines, *end] if region.what else region.lines
    return "\n".join(lines)
