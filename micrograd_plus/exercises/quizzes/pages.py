"""Pages to print: texts, lines and one graph on A4, as SVG, as HTML, and as PDF by matplotlib.

A page is described once. For PDF it becomes what Graphviz calls a layout: its texts and lines are strokes like those of
the graph's own boxes, so the same pen draws both (viz/export.py).
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from ...viz.drawing import Drawing
from ...viz.layout import layout, printable
from ...viz.style import colours

WIDTH, HEIGHT = 595.28, 841.89  # A4, in points
LEFT, RIGHT = 50.0, 545.0  # margins that leave room on US Letter too
TOP, BOTTOM = 50.0, 775.0
_PEN_MARGIN = 4.0  # what viz/export.py adds round a layout
_SIZE = re.compile(r'<svg width="([\d.]+)pt" height="([\d.]+)pt"')
_COLOURS = colours(dark=False)  # paper is white


@dataclass
class Text:
    """A line of text; (x, y) is where its baseline starts, from the page's upper left corner, in points."""

    x: float
    y: float
    words: str
    size: float = 10.0
    bold: bool = False
    faint: bool = False


@dataclass
class Rule:
    """A level line to write on."""

    x: float
    y: float
    end: float


@dataclass
class Page:
    """One page: texts, lines and at most one graph, which fits into the box (x, y, width, height)."""

    texts: list[Text] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    graph: Drawing | None = None
    box: tuple[float, float, float, float] = (LEFT, TOP, RIGHT - LEFT, 200.0)

    def put(self, graph: Drawing, y: float, most: float) -> float:
        """Put the graph below y, at most so high; returns where it ends."""
        self.graph, self.box = graph, (LEFT, y, RIGHT - LEFT, most)
        size = size_of(graph)
        return y + scale_of(size, self.box) * size[1]


def save_pages(pages: Sequence[Page], path: Path, title: str) -> None:
    """Write pages into one file, as its ending says."""
    suffix = path.suffix.lower()
    if suffix == ".pdf":
        _save_pdf(pages, path, title)
    elif suffix == ".html":
        path.write_text(_html(pages, title), encoding="utf-8", errors="replace")
    else:
        path.write_text(as_svg(pages[0], title), encoding="utf-8", errors="replace")


def size_of(graph: Drawing) -> tuple[float, float]:
    """How wide and high a graph is, in points."""
    found = _SIZE.match(graph.svg())
    if found is None:
        raise ValueError("the layout engine gave an SVG without a size")
    return float(found[1]), float(found[2])


def scale_of(size: tuple[float, float], box: tuple[float, float, float, float]) -> float:
    """By how much a graph of this size is made smaller to fit into the box; it is never made larger than 1.1."""
    return min(1.1, box[2] / size[0], box[3] / size[1])


# ---- SVG and HTML ---------------------------------------------------------------------------------------------------


def as_svg(page: Page, title: str) -> str:
    """The page as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="210mm" height="297mm" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="Helvetica,Arial,sans-serif"><title>{escape(printable(title))}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    ]
    for rule in page.rules:
        parts.append(
            f'<line x1="{rule.x:g}" y1="{rule.y:g}" x2="{rule.end:g}" y2="{rule.y:g}" stroke="{_COLOURS["line"]}" '
            'stroke-width="0.7"/>'
        )
    for text in page.texts:
        weight = ' font-weight="bold"' if text.bold else ""
        words = escape(printable(text.words))
        parts.append(
            f'<text x="{text.x:g}" y="{text.y:.4g}" font-size="{text.size:g}"{weight} fill="{_colour(text)}" '
            f'xml:space="preserve">{words}</text>'
        )
    if page.graph is not None:
        parts.append(_placed(page.graph, page.box))
    return "\n".join([*parts, "</svg>"])


def _placed(graph: Drawing, box: tuple[float, float, float, float]) -> str:
    """The graph's SVG inside the page's: made to fit, and without ids, of which each may be there once."""
    svg = re.sub(r' id="[^"]*"', "", graph.svg())
    width, height = size_of(graph)
    k = scale_of((width, height), box)
    x = box[0] + (box[2] - k * width) / 2
    start = f'<svg x="{x:.1f}" y="{box[1]:g}" width="{k * width:.1f}" height="{k * height:.1f}"'
    alt = f'<g role="img" aria-label="{escape(str(graph))}">'
    return "".join([alt, start, _SIZE.sub("", svg), "</g>"])


def _html(pages: Sequence[Page], title: str) -> str:
    """All pages in one document: on paper, each begins a new sheet."""
    body = "\n".join(as_svg(page, title) for page in pages)
    css = (
        "@page{size:A4;margin:0}body{margin:0;background:#8a9199}"
        "body>svg{display:block;margin:8mm auto;max-width:100%;height:auto}"
        "@media print{body{background:none}body>svg{margin:0;width:100%;break-after:page}"
        "body>svg:last-child{break-after:auto}}"
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{escape(printable(title))}</title><style>{css}</style></head>\n'
        f"<body>{body}</body></html>\n"
    )


def _colour(text: Text) -> str:
    return _COLOURS["faint" if text.faint else "text"]


# ---- PDF ------------------------------------------------------------------------------------------------------------


def _save_pdf(pages: Sequence[Page], path: Path, title: str) -> None:
    from matplotlib.backends.backend_pdf import PdfPages

    from ...viz.export import draw

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a name in letters that it lacks
        with PdfPages(path, metadata={"Title": printable(title), "CreationDate": None}) as file:
            for page in pages:
                file.savefig(draw(as_layout(page)), facecolor="white")


def as_layout(page: Page) -> dict[str, Any]:
    """The page as Graphviz's JSON has layouts: lists of pen strokes, with y upwards."""
    corner = f"{_PEN_MARGIN},{_PEN_MARGIN},{WIDTH - _PEN_MARGIN},{HEIGHT - _PEN_MARGIN}"
    strokes: list[dict[str, Any]] = []
    for rule in page.rules:
        y = HEIGHT - rule.y
        strokes += [{"op": "c", "color": _COLOURS["line"]}, {"op": "S", "style": "setlinewidth(0.7)"}]
        strokes.append({"op": "L", "points": [[rule.x, y], [rule.end, y]]})
    for text in page.texts:
        strokes += [{"op": "c", "color": _colour(text)}, {"op": "F", "size": text.size, "face": "Helvetica"}]
        strokes.append({"op": "t", "fontchar": int(text.bold)})
        place = {"pt": [text.x, HEIGHT - text.y], "align": "l", "width": RIGHT - text.x}
        strokes.append({"op": "T", "text": printable(text.words), **place})
    whole: dict[str, Any] = {"bb": corner, "_ldraw_": strokes}
    if page.graph is not None:
        graph = json.loads(layout(page.graph.dot, "json"))
        whole |= {"objects": graph.get("objects", []), "edges": graph.get("edges", [])}
        _move_into(graph, page.box)
    return whole


def _move_into(graph: dict[str, Any], box: tuple[float, float, float, float]) -> None:
    """Scale and shift every stroke of a laid-out graph so that it stands in the box."""
    left, bottom, right, top = (float(number) for number in graph["bb"].split(","))
    k = scale_of((right - left, top - bottom), box)
    x0 = box[0] + (box[2] - k * (right - left)) / 2 - k * left
    y0 = HEIGHT - box[1] - k * top
    for thing in [*graph.get("objects", []), *graph.get("edges", [])]:
        for name, strokes in thing.items():
            if re.fullmatch(r"_\w*draw_", name):
                for stroke in strokes:
                    _transform(stroke, k, x0, y0)


def _transform(stroke: dict[str, Any], k: float, x0: float, y0: float) -> None:
    if "points" in stroke:
        stroke["points"] = [[x0 + k * x, y0 + k * y] for x, y in stroke["points"]]
    if "pt" in stroke:
        stroke["pt"] = [x0 + k * stroke["pt"][0], y0 + k * stroke["pt"][1]]
    for name in ("size", "width"):
        if name in stroke:
            stroke[name] *= k
