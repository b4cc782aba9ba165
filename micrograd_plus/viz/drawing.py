"""Drawing: a picture of a graph, as DOT, SVG, HTML, PNG or PDF, and in a notebook."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from html import escape
from typing import Any

from . import style
from .dot import digraph
from .framed import as_image, framed, page
from .layout import LayoutError, LayoutTimeout, layout
from .options import file_path, write
from .scheme import Scheme

SMALLEST = 0.7  # how far a wide picture may be shrunk to fit a page
SUFFIXES = (".svg", ".png", ".pdf", ".html", ".dot")


class Drawing:
    """A drawing: it shows itself in a notebook; `.save("graph.svg")`, `.svg()`, `.html()`, `.dot` elsewhere.

    It keeps the numbers of the moment when it was drawn.

    make: gives the scheme to draw; called with 1, 2 … it gives coarser ones, for a layout that took too long.
    text: the same as an indented text, for where no picture can be had.
    """

    def __init__(
        self,
        make: Callable[[int], Scheme],
        text: str,
        *,
        engine: str = "auto",
        theme: str = "auto",
        direction: str = "LR",
        limit: float | None = 20.0,
    ):
        self._make, self._text = make, text
        self._engine, self._theme, self._direction, self._limit = engine, theme, direction, limit
        self._svg: str | None = None
        self._lock = threading.RLock()  # two threads may ask for the picture at the same time
        self._fold(0)

    def _fold(self, coarser: int) -> None:
        self._coarser = coarser
        self.scheme = self._make(coarser)  # the boxes and arrows
        self.scheme.direction = self._direction

    @property
    def caption(self) -> str:
        """What stands below the picture: what was folded, what the numbers on arrows are."""
        return self.scheme.caption

    @property
    def dot(self) -> str:
        """The graph in Graphviz's language."""
        return self.to_graphviz().source

    def to_graphviz(self) -> Any:
        """A graphviz.Digraph, to go on with; its own render() needs Graphviz's `dot` to be installed."""
        return digraph(self.scheme, dark=self._theme == "dark")

    def svg(self) -> str:
        """The picture as SVG text. LayoutUnavailable, naming what was tried, where no engine works."""
        with self._lock:
            if self._svg is None:
                self._svg = _styled(self._laid_out(), self._theme)
            return self._svg

    def _laid_out(self) -> str:
        """The layout; of a coarser picture each time that it takes too long."""
        while True:
            try:
                return layout(self.dot, "svg", engine=self._engine, limit=self._limit)
            except LayoutTimeout:
                boxes = len(self.scheme.boxes)
                self._fold(self._coarser + 1)
                if len(self.scheme.boxes) >= boxes:
                    raise

    def html(self) -> str:
        """A page of its own that needs no network: the picture, with tooltips. A wide one can be scrolled."""
        picture = self.svg()
        # As wide as the page, but never so small that its text can't be read.
        least = f"svg{{display:block;min-width:{SMALLEST * _width(picture):.0f}pt}}"
        return page(picture, title="a graph of micrograd_plus", theme=self._theme, extra_css=least)

    def save(self, path: Any) -> None:
        """Write the picture to a file; its ending says how: .svg, .png, .pdf, .html or .dot.

        ValueError for another ending, TypeError for what is no path; LayoutUnavailable where no engine works; OSError
        where it can't be written.
        """
        path = file_path(path, "graph.svg")
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES:
            raise ValueError(f"save: {path.name!r} should end in one of {', '.join(SUFFIXES)}: that says what to write")
        if suffix in (".png", ".pdf"):
            from .export import picture  # at first use: it loads matplotlib

            self.svg()  # settles how far to fold
            picture(self.dot, path, format=suffix[1:], engine=self._engine, limit=self._limit)
        else:
            text = {".svg": self.svg, ".html": self.html, ".dot": lambda: self.dot}[suffix]()
            write(path, text)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Drawing({_counted(len(self.scheme.boxes), 'box')}, {_counted(len(self.scheme.arrows), 'arrow')})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the picture; never an error, but the text and the reason."""
        try:
            # As an image, which also stays in a notebook that isn't trusted; and in a frame, where tooltips work.
            html = framed(as_image(self.svg(), self._text), self.html(), title="a graph")
        except Exception as error:  # no engine, no package graphviz …: a page of traceback would help nobody
            reason = f"{error}" if isinstance(error, LayoutError) else f"{type(error).__name__}: {error}"
            html = f"<pre>{escape(self._text)}</pre><p>{escape(reason)}</p>"
            return {"text/plain": f"{self._text}\n{reason}", "text/html": html}
        return {"text/plain": self._text, "text/html": html}


def _counted(n: int, word: str) -> str:
    return f"{n} {word}" + ("" if n == 1 else "es" if word.endswith("x") else "s")


def _width(svg: str) -> float:
    """The width that an SVG says it has, in points."""
    found = re.search(r'width="([\d.]+)pt"', svg)
    return float(found[1]) if found else 0.0


def _styled(svg: str, theme: str) -> str:
    """The SVG with its style sheet, and the class that the sheet speaks of."""
    start = svg.index(">", svg.index("<svg"))
    return f'{svg[:start]} class="mgp"><style>{style.css(theme)}</style>{svg[start + 1 :]}'
