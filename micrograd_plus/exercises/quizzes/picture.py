"""The picture of a quiz: the graph as `draw` shows graphs, with lines to write on where a number is asked for."""

from __future__ import annotations

from collections.abc import Mapping

from ...viz.drawing import Drawing
from ...viz.scheme import Arrow, Box, Scheme
from .making import Paper
from .program import Line, data, grad

TO_FILL = "____"


def drawing(
    paper: Paper, shown: Mapping[str, str] | None = None, direction: str = "LR", theme: str = "auto"
) -> Drawing:
    """The graph of a quiz; in the blanks stands what `shown` has for them (for the key), else a line to write on."""
    scheme = scheme_of(paper, shown or {})
    return Drawing(lambda _: scheme, described(paper, shown or {}), direction=direction, theme=theme)


def scheme_of(paper: Paper, shown: Mapping[str, str]) -> Scheme:
    """Boxes and arrows."""
    program = paper.program
    lines = {line.name: line for line in program.lines}
    boxes = [_box(paper, name, lines.get(name), shown) for name in program.names]
    arrows = [
        Arrow(f"e{k}", _id(str(use.line.operands[use.i])), _id(use.line.name), _on_arrow(paper, use.slope, shown), tip)
        for k, use in enumerate(program.arrows)
        for tip in [f"the slope {use.slope} belongs to this arrow"]
    ]
    return Scheme(boxes, arrows)


def _box(paper: Paper, name: str, line: Line | None, shown: Mapping[str, str]) -> Box:
    kind = "input" if line is None else "output" if name == paper.program.root else "op"
    rows = [name if line is None else f"{name} = {line.expression}"]
    known = {data(name): written(x, paper) for name, x in paper.given.items()} | dict(shown)
    rows.append(f"data {known.get(data(name), TO_FILL)}")
    if grad(name) in paper.blanks:
        rows.append(f"grad {known.get(grad(name), TO_FILL)}")
    return Box(_id(name), kind, tuple(rows), tip=rows[0])


def _on_arrow(paper: Paper, slope: str, shown: Mapping[str, str]) -> str:
    return (
        f"{slope} = {shown.get(slope, '?')}" if slope in paper.blanks else ""
    )  # a line to write on would cross the arrow


def _id(name: str) -> str:
    return f"box_{name}"


def described(paper: Paper, shown: Mapping[str, str]) -> str:
    """The picture in words, for who can't see it: a line for each box, then the slopes that are asked for."""
    told = [f"The graph of {paper.program.root}."]
    lines = {line.name: line for line in paper.program.lines}
    for name in paper.program.names:
        start = f"{name} = {lines[name].expression}: " if name in lines else f"{name}: "
        both = (("data", data(name)), ("grad", grad(name)))
        asked = [_told(kind, key, shown) for kind, key in both if key in paper.blanks]
        known = [] if data(name) in paper.blanks else [f"data {written(paper.given[name], paper)}"]
        told.append(start + ", ".join(known + asked) + ".")
    slopes = [_told(name, name, shown) for name in paper.blanks if "/" in name]
    return " ".join([*told, f"On the arrows: {', '.join(slopes)}." if slopes else ""]).strip()


def _told(word: str, name: str, shown: Mapping[str, str]) -> str:
    return f"{word} {shown[name]}" if name in shown else f"{word} to be filled in"


def written(x: float, paper: Paper) -> str:
    """A number as it stands on paper: whole ones without a point, others in as many decimals as they need, 3 at most.

    At the lower levels every number comes out exactly, and so is written exactly.
    """
    text = f"{x:.{paper.decimals or 6}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
