"""Export: a graph described in DOT as a PNG or PDF file, drawn by matplotlib from Graphviz's layout.

Graphviz's JSON says where every node and edge is by a list of pen strokes, "xdot operations": set a colour, draw a
polygon, a curve, a text. Each operation is one short function in the table `OPERATIONS`. So no program is needed that
can write PNG or PDF. The drawing is a Figure of its own, made without pyplot: no figure of the reader's is touched.

Source of the operations' meaning: https://graphviz.org/docs/outputs/canon/#xdot
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from .layout import layout

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE_FORMATS = ("png", "pdf")
_MARGIN = 4.0  # points round the drawing, as in the SVG
_MOST_PIXELS = 100e6  # of a PNG; a picture that would have more is drawn more coarsely
_LONGEST_SIDE = 30_000  # pixels; matplotlib refuses 65,536
_DEJAVU = 0.87  # DejaVu is that much wider than Helvetica, which the layout was measured for


def picture(
    dot: str,
    file: str | os.PathLike | BinaryIO,
    format: str | None = None,
    *,
    dpi: float = 150.0,
    engine: str = "auto",
    limit: float | None = 20.0,
) -> None:
    """Draw a graph written in DOT into a PNG or PDF file (a path, or an open binary file).

    format: "png" or "pdf"; left out, the path's ending says it, and an open file gets PNG. dpi: pixels per inch of
    the PNG (150: text of 12 points is 25 pixels high), less where the picture would be too large. engine, limit and
    what is raised: see `layout`. Raises ValueError for another format, OSError where the file can't be written.

    >>> import io
    >>> file = io.BytesIO()
    >>> picture("digraph { w -> loss }", file, "png")
    >>> file.getvalue()[1:4]
    b'PNG'
    """
    format = _format_of(file, format)
    figure = draw(json.loads(layout(dot, "json", engine, limit)))
    width, height = figure.get_size_inches()
    dpi = min(dpi, _LONGEST_SIDE / max(width, height), (_MOST_PIXELS / (width * height)) ** 0.5)
    # The date would make each file another one.
    metadata = {"CreationDate": None} if format == "pdf" else None
    with _plain_matplotlib(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # drawn as a box
        figure.savefig(file, format=format, dpi=dpi, facecolor=figure.get_facecolor(), metadata=metadata)


def _format_of(file: Any, format: str | None) -> str:
    if format is None:
        ending = Path(file).suffix.lower().lstrip(".") if isinstance(file, (str, os.PathLike)) else "png"
    else:
        ending = format.lower()
    if ending not in PICTURE_FORMATS:
        raise ValueError(f"format is {ending!r}; it must be one of {', '.join(PICTURE_FORMATS)} (for SVG: layout)")
    return ending


def draw(graph: dict) -> Figure:
    """Graphviz's JSON layout (loaded) as a matplotlib Figure, one point for each point of the layout.

    >>> graph = json.loads(layout("digraph { w -> loss }", "json"))
    >>> [text.get_text() for text in draw(graph).texts]
    ['w', 'loss']
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.transforms import Affine2D

    left, bottom, right, top = (float(number) for number in graph["bb"].split(","))
    size = (right - left + 2 * _MARGIN) / 72, (top - bottom + 2 * _MARGIN) / 72
    with _plain_matplotlib():
        figure = Figure(figsize=size, facecolor=_background(graph))
        FigureCanvasAgg(figure)
        points = Affine2D().translate(_MARGIN - left, _MARGIN - bottom).scale(1 / 72) + figure.dpi_scale_trans
        for strokes in _stroke_lists(graph):
            pen = _Pen(figure, points)
            for stroke in strokes:
                OPERATIONS.get(stroke["op"], _nothing)(pen, stroke)
    return figure


def _stroke_lists(graph: dict) -> list[list[dict]]:
    """Every list of strokes, the lowest first: the ground, clusters, nodes, edges; shapes before their labels."""
    objects = graph.get("objects", [])
    clusters = [thing for thing in objects if "nodes" in thing or "subgraphs" in thing]
    nodes = [thing for thing in objects if not ("nodes" in thing or "subgraphs" in thing)]
    lists = ("_draw_", "_hdraw_", "_tdraw_", "_ldraw_", "_hldraw_", "_tldraw_")
    things = [graph, *clusters, *nodes, *graph.get("edges", [])]
    return [thing[name] for thing in things for name in lists if name in thing]


def _background(graph: dict) -> str:
    """The colour that fills the ground. The layout's own rectangle for it leaves out the margin."""
    fills = [stroke["color"] for stroke in graph.get("_draw_", []) if stroke["op"] == "C" and "color" in stroke]
    return fills[0] if fills else "white"


def _plain_matplotlib() -> Any:
    """Matplotlib's own settings: the reader's may ask for LaTeX, sketched lines or cropped files."""
    from matplotlib import style

    return style.context("default")


# ---- the pen and what it can do -------------------------------------------------------------------------------------


class _Pen:
    """What the strokes so far have set: colours, line, font. Each list of strokes begins with a new pen."""

    def __init__(self, figure: Figure, points: Any):
        self.figure, self.points = figure, points
        self.color = self.fill = "black"
        self.width = 1.0
        self.dashes: tuple[float, ...] = ()
        self.size, self.face, self.traits = 14.0, "Helvetica", 0


def _set_color(pen: _Pen, stroke: dict) -> None:
    pen.color = _color(stroke)


def _set_fill(pen: _Pen, stroke: dict) -> None:
    pen.fill = _color(stroke)


def _color(stroke: dict) -> str:
    """A colour; of a gradient, the first."""
    return stroke["color"] if "color" in stroke else stroke["stops"][0]["color"]


_DASHES = {"dashed": (5.0, 2.0), "dotted": (1.0, 5.0), "solid": ()}  # points drawn and left out, as in the SVG


def _set_style(pen: _Pen, stroke: dict) -> None:
    style = stroke["style"]
    if style.startswith("setlinewidth("):
        pen.width = float(style[len("setlinewidth(") : -1])
    elif style == "bold":
        pen.width = 2.0
    elif style in _DASHES:
        pen.dashes = _DASHES[style]


def _set_font(pen: _Pen, stroke: dict) -> None:
    pen.size, pen.face = stroke["size"], stroke["face"]


def _set_traits(pen: _Pen, stroke: dict) -> None:
    pen.traits = stroke["fontchar"]


def _polygon(pen: _Pen, stroke: dict) -> None:
    points = stroke["points"]
    _path(pen, [*points, points[0]], [1] + [2] * (len(points) - 1) + [79], filled=stroke["op"] == "P")


def _line(pen: _Pen, stroke: dict) -> None:
    _path(pen, stroke["points"], [1] + [2] * (len(stroke["points"]) - 1))


def _curve(pen: _Pen, stroke: dict) -> None:
    _path(pen, stroke["points"], [1] + [4] * (len(stroke["points"]) - 1), filled=stroke["op"] == "B")


def _path(pen: _Pen, points: list, codes: list[int], filled: bool = False) -> None:
    """codes: matplotlib's numbers for 1 move to, 2 line to, 4 curve to (by threes), 79 close."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    _add(pen, PathPatch(Outline(points, codes), **_paint(pen, filled)))


def _ellipse(pen: _Pen, stroke: dict) -> None:
    from matplotlib.patches import Ellipse

    x, y, half_width, half_height = stroke["rect"]
    _add(pen, Ellipse((x, y), 2 * half_width, 2 * half_height, **_paint(pen, stroke["op"] == "E")))


def _paint(pen: _Pen, filled: bool) -> dict:
    # Matplotlib counts dashes in line widths.
    dashes = [length / max(pen.width, 0.1) for length in pen.dashes]
    return {
        "edgecolor": pen.color,
        "facecolor": pen.fill if filled else "none",
        "linewidth": pen.width,
        "linestyle": (0, dashes) if dashes else "solid",
        "capstyle": "butt",
        "joinstyle": "miter",
    }


def _add(pen: _Pen, shape: Any) -> None:
    shape.set_transform(pen.points)
    pen.figure.add_artist(shape)


Font = tuple[str, str, Literal["normal", "italic"]]  # family, weight, style
_ALIGNMENT = {"l": "left", "c": "center", "r": "right"}


def _text(pen: _Pen, stroke: dict) -> None:
    words, (x, y) = stroke["text"], stroke["pt"]
    font = _font(pen.face, pen.traits)
    size = pen.size * _DEJAVU
    widest = max(stroke["width"], 1.0)
    size = min(size, widest / max(_width(words, font), 1e-9))
    pen.figure.text(
        x,
        y,
        words,
        transform=pen.points,
        fontsize=size,
        family=font[0],
        weight=font[1],
        style=font[2],
        color=pen.color,
        ha=_ALIGNMENT[stroke["align"]],
        va="baseline",
        parse_math=False,
    )


def _font(face: str, traits: int) -> Font:
    """One of the DejaVu fonts, which come with matplotlib. traits: bits, 1 bold, 2 italic."""
    face = face.lower()
    family = "DejaVu Sans"
    if face.startswith(("courier", "mono")):
        family = "DejaVu Sans Mono"
    elif face.startswith("times"):
        family = "DejaVu Serif"
    weight = "bold" if "bold" in face or traits & 1 else "normal"
    style: Literal["normal", "italic"] = "italic" if "italic" in face or "oblique" in face or traits & 2 else "normal"
    return family, weight, style


@lru_cache(maxsize=4096)
def _width(words: str, font: Font) -> float:
    """The width of a text one point high, in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    properties = FontProperties(family=font[0], weight=font[1], style=font[2], size=100)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        return text_to_path.get_text_width_height_descent(words, properties, ismath=False)[0] / 100


def _nothing(pen: _Pen, stroke: dict) -> None:
    """Images and other operations that our drawings have no use for."""


OPERATIONS: dict[str, Callable[[_Pen, dict], None]] = {
    "c": _set_color,
    "C": _set_fill,
    "S": _set_style,
    "F": _set_font,
    "t": _set_traits,
    "P": _polygon,
    "p": _polygon,
    "L": _line,
    "B": _curve,
    "b": _curve,
    "E": _ellipse,
    "e": _ellipse,
    "T": _text,
}
