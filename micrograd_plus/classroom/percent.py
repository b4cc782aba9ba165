"""Percent files: Python text whose lines `# %%` begin a cell, as jupytext, Spyder, VS Code and PyCharm know them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

HEADER = re.compile(r"# ?%%(?!%)(?P<rest>.*)")
KINDS = {"markdown": "markdown", "md": "markdown", "raw": "raw"}
# The magics that problem sets use; other comments that begin with % are left alone.
COMMENTED_MAGIC = re.compile(
    r"^(\s*)# (?=%(?:pip|conda|matplotlib|config|load_ext|autoreload|time|timeit|run)\b|%%[a-z]+\b|!(?:pip|python)\b)",
    flags=re.MULTILINE,
)


@dataclass(frozen=True)
class Cell:
    """A cell of a percent file.

    kind: code, markdown or raw. source: its text; that of markdown without the leading `# `. line: where `source`
    begins in the file, counted from 1. options: what its header says, as {"points": 3}.
    """

    kind: str
    source: str
    line: int
    options: dict[str, Any] = field(default_factory=dict)


def cells_of(text: str) -> list[Cell]:
    r"""The cells of a percent file's text; cells without text are left out.

    >>> for cell in cells_of('# %% [markdown] points=3\n# # Slopes\n\n# %%\nx = 2.0\n'):
    ...     print(cell)
    Cell(kind='markdown', source='# Slopes', line=2, options={'points': 3})
    Cell(kind='code', source='x = 2.0', line=5, options={})
    """
    lines = text.split("\n")
    first = _after_the_notebooks_header(lines)
    starts = [i for i in range(first, len(lines)) if HEADER.fullmatch(lines[i])]
    ends = [*starts[1:], len(lines)] if starts else []
    before = _cell("code", {}, lines, first, starts[0] if starts else len(lines))
    below = [_cell_below(lines, start, end) for start, end in zip(starts, ends, strict=True)]
    return [cell for cell in (before, *below) if cell.source]


def _cell_below(lines: list[str], start: int, end: int) -> Cell:
    """The cell whose header is line `start`, and which ends before line `end`."""
    match = HEADER.fullmatch(lines[start])
    assert match is not None
    named = re.search(r"\[(\w+)\]", match["rest"])
    kind = KINDS.get(named[1], "code") if named else "code"
    return _cell(kind, options_of(match["rest"]), lines, start + 1, end)


def _cell(kind: str, options: dict[str, Any], lines: list[str], start: int, end: int) -> Cell:
    """A cell of the lines from `start` to before `end`, without the blank lines around them."""
    while start < end and not lines[start].strip():
        start += 1
    while start < end and not lines[end - 1].strip():
        end -= 1
    own = lines[start:end]
    source = "\n".join(own if kind == "code" else map(_uncommented, own))
    return Cell(kind, source, start + 1, options)


def _uncommented(line: str) -> str:
    return re.sub(r"^# ?", "", line)


def with_magics(source: str) -> str:
    """The source of a code cell as a notebook has it: `# %pip install …` is `%pip install …` there.

    >>> with_magics("# %matplotlib inline")
    '%matplotlib inline'
    """
    return COMMENTED_MAGIC.sub(r"\1", source)


def _after_the_notebooks_header(lines: list[str]) -> int:
    """The index of the first line after jupytext's header, which stands between two lines `# ---` at the top."""
    if lines and lines[0].strip() == "# ---" and "# ---" in lines[1:]:
        return lines.index("# ---", 1) + 1
    return 0


def options_of(header: str) -> dict[str, Any]:
    """The options in a cell's header: names with JSON after `=`. Everything else there is a title.

    >>> options_of('[markdown] Why the order matters answer="order" points=2')
    {'answer': 'order', 'points': 2}
    """
    options = {}
    for match in re.finditer(r"(?:^|\s)(\w+)=", header):
        try:
            options[match[1]], _ = json.JSONDecoder().raw_decode(header, match.end())
        except ValueError:  # the title says something like "y=f(x)"
            continue
    return options
