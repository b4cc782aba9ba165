"""A quiz as text, for the terminal, and as HTML, for a notebook."""

from __future__ import annotations

from html import escape

from .making import Paper
from .picture import TO_FILL, drawing, written
from .program import data


def as_text(paper: Paper, title: str) -> str:
    """The lines of the program with their numbers, then the dict to copy and to fill in."""
    leaves = [f"  {name:<2} = {_number(paper, name)}" for name in paper.program.leaves]
    width = max(len(line.expression) for line in paper.program.lines)
    lines = [
        f"  {line.name:<2} = {line.expression:<{width}} = {_number(paper, line.name)}" for line in paper.program.lines
    ]
    return "\n".join([title, *leaves, *lines, f"Fill in: {to_copy(paper)}"])


def _number(paper: Paper, name: str) -> str:
    return TO_FILL if data(name) in paper.blanks else written(paper.given[name], paper)


def to_copy(paper: Paper) -> str:
    """The dict that `check` takes, with `...` where a number is to be put.

    >>> from .making import paper_of
    >>> to_copy(paper_of("1", 1))
    '{"y.data": ..., "y.grad": ..., "dy/da": ..., "dy/db": ...}'
    """
    return "{" + ", ".join(f'"{name}": ...' for name in paper.blanks) + "}"


def as_html(paper: Paper, text: str) -> str:
    """The picture as an image, which stays in a notebook that isn't trusted, and below it the dict to fill in."""
    from ...viz.framed import as_image
    from ...viz.layout import LayoutError

    picture = drawing(paper)
    try:
        image = as_image(picture.svg(), str(picture))
    except (LayoutError, ImportError):  # no layout engine here: the text says all there is to know
        return f"<pre>{escape(text)}</pre>"
    title = text.partition("\n")[0]
    return f"<p>{escape(title)}</p>{image}<p>Fill in: <code>{escape(to_copy(paper))}</code></p>"
