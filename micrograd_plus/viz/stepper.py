"""step_through: a computation forwards and backwards, one step at a time, in a block of HTML that needs nothing else.

Python writes every sentence once, with holes where numbers stand; `stepper.js` fills the same holes. So when a learner
changes a number in the block, the sentences speak of the new one, and the rules that compute them are the table's own
rows as JavaScript (`explain/code.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib.resources import files
from typing import Any

from ..explain.code import expression
from ..explain.opening import opens
from . import style
from .dot import digraph
from .framed import as_image, framed, page
from .layout import LayoutError, layout
from .options import check_options, file_path, write
from .scheme import Scheme, scheme_of
from .walk import TESTS, Walk, number

FIRST_STEPS = 20  # that a notebook keeps as text; the block has them all
ANY_NUMBER = "-0.0000000"  # as wide as a number gets: boxes are laid out for it, so that all steps fit


@opens
def step_through(
    root: Any,
    names: Mapping[str, Any] | None = None,
    *,
    theme: str = "auto",
    engine: str = "auto",
    per: str = "auto",
    play_seconds: float = 1.2,
    limit: float | None = 20.0,
) -> Stepper:
    """Step through the forward and the backward pass of `root`, in a notebook or in a page of its own.

    root: a Value, or a Tensor of one number; your graph, its data and its gradients stay as they are. names:
    `locals()`, so that nodes are called as your variables are. theme: "auto", "light" or "dark". per: "edge" for one
    backward step an arrow, "node" for one a box, "auto" for arrows up to 60 boxes. play_seconds: how long a step stays
    when played. engine, limit: as in `draw`. Gradients start from 0, and hooks don't run.

    TypeError for what is no graph, RuntimeError where nothing is tracked, ValueError for more than 400 nodes and for an
    option that can't be.

    >>> from micrograd_plus import Value
    >>> a = Value(3.0, label="a")
    >>> walk = step_through(a + a)
    >>> walk
    Stepper(6 steps over 2 nodes)
    >>> print(walk.steps[4])  # doctest: +ELLIPSIS
    a.grad += ∂(a + a)/∂(second a) × (a + a).grad = 1 × 1 = 1. ... The second gradient is added: 1 + 1 = 2.
    """
    check_options(theme=theme, engine=engine, limit=limit)
    if per not in ("auto", "edge", "node"):
        raise ValueError(f"per is 'edge' (a step for each arrow), 'node' (for each box) or 'auto', not {per!r}")
    if not isinstance(play_seconds, (int, float)) or not 0.05 <= play_seconds <= 60:
        raise ValueError(f"play_seconds is how long a step stays, from 0.05 to 60 seconds; got {play_seconds!r}")
    return Stepper(Walk(root, names, per), theme, engine, play_seconds, limit)


class Stepper:
    """A walk through a computation: it shows itself in a notebook; `.save("walk.html")` writes a page.

    steps: the sentences, one a step.
    """

    def __init__(self, walk: Walk, theme: str, engine: str, play_seconds: float, limit: float | None):
        self._walk, self._theme, self._engine = walk, theme, engine
        self._play_seconds, self._limit = play_seconds, limit

    @property
    def steps(self) -> list[str]:
        """Each step's sentences, as plain text."""
        return self._walk.sentences()

    def html(self) -> str:
        """A page of its own that needs no network. LayoutError (LayoutUnavailable …) where no picture can be made."""
        name = self._walk.name(self._walk.root)
        return page(
            _file("stepper.html").replace("PICTURE", _in_single_quotes(_without_colours(self._svg))),
            title=f"{name}, step by step",
            theme=self._theme,
            script=self._script(),
            extra_css=_host_themes(self._theme) + _without_comments("stepper.css"),
        )

    def save(self, path: Any) -> None:
        """Write the page to a file that ends in .html. ValueError for another ending, TypeError for what is no path."""
        path = file_path(path, "walk.html")
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"save: {path.name!r} should end in .html, since a page is written (a picture: draw)")
        write(path, self.html())

    def still(self) -> str:
        """The picture after the last step as SVG text, light: what shows where no scripts run."""
        walk = self._walk
        rows = {
            f"v{k}": (walk.data_text(walk.numbers["data"][k]), walk.grad_text(k, walk.numbers["grad"][k]))
            for k in range(len(walk.nodes))
        }
        svg = _with_slopes(_with_rows(self._svg, rows), walk)
        svg = re.sub(r' (id="[^"]*"|class="(?!small)[^"]*")', "", svg)  # for scripts: here are none
        svg = re.sub(r' (fill="none" stroke|fill="#5f6b76" stroke|stroke)="#5f6b76"', "", svg)
        svg = svg.replace("<g ", f"<style>{_STILL}</style><g ", 1)
        return re.sub(r'<polygon fill="#ffffff" stroke="none" points="[^"]*"/>', _rounded_ground(svg), svg, count=1)

    @cached_property
    def _svg(self) -> str:
        dot = digraph(_scheme(self._walk)).source
        return _lean(layout(dot, "svg", engine=self._engine, limit=self._limit))

    def _script(self) -> str:
        told = self._walk.told() | {"play": self._play_seconds, "theme": self._theme}
        tests = ", ".join(f"{name}: (up, slope) => {_as_javascript(test)}" for name, test in TESTS.items())
        return (
            f"\nconst TOLD = {_json(told)};\nconst TESTS = {{{tests}}};\nconst RULES = {self._walk.rules or 'null'};\n"
            + _without_comments("stepper.js")
        )

    def __repr__(self) -> str:
        return f"Stepper({len(self._walk.moments)} steps over {len(self._walk.nodes)} nodes)"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the block; never an error, but the sentences and the reason."""
        steps = self._walk.sentences(why=False)
        text = _first_lines(steps)
        try:
            image = as_image(self.still(), f"The graph after the last step. {steps[-1]}")
            return {"text/plain": text, "text/html": framed(image, self.html(), title="a computation, step by step")}
        except Exception as error:  # no engine, no package graphviz …: a page of traceback would help nobody
            reason = f"{error}" if isinstance(error, LayoutError) else f"{type(error).__name__}: {error}"
            listed = "".join(f"<li>{_escaped(sentence)}</li>" for sentence in steps)
            return {"text/plain": f"{text}\n{reason}", "text/html": f"<ol>{listed}</ol><p>{_escaped(reason)}</p>"}


def _first_lines(steps: list[str]) -> str:
    lines = [f"{i}. {sentence}" for i, sentence in enumerate(steps, start=1)]
    more = len(lines) - FIRST_STEPS
    return "\n".join(lines if more <= 1 else [*lines[:FIRST_STEPS], f"… {more} more steps"])


# What the lines and small letters of the still image look like, once for all: it has no other style sheet.
_STILL = (
    ":is(path,polyline):not([stroke]){fill:none;stroke:#5f6b76}polygon:not([stroke]){stroke:#5f6b76}"
    "polygon:not([fill]){fill:#5f6b76}"
    ".small{font-size:10px;fill:#6a737d}"
)


# -- the picture -----------------------------------------------------------------------------------------------------


def _scheme(walk: Walk) -> Scheme:
    """The boxes, as wide as any number needs, without tooltips: these would tell the end before the beginning."""
    scheme = scheme_of(walk.reading, max_nodes=None)
    scheme.caption = ""
    for box, node in zip(scheme.boxes, walk.nodes, strict=True):
        box.tip = ""
        k = walk.place[node]
        data, grad = (walk.numbers[kind][k] if not walk.scalar else ANY_NUMBER for kind in ("data", "grad"))
        box.rows = (box.rows[0], f"data {data}", f"grad {grad}" if walk.scalar else walk.grad_text(k, grad))
    for arrow in scheme.arrows:
        arrow.tip = ""
        arrow.label = "-0.0000" if arrow.label else ""
    return scheme


def _lean(svg: str) -> str:
    """The SVG without what is the same for every text, and without Graphviz's own tooltips ("v3")."""
    svg = re.sub(r"<title>.*?</title>\n", "", svg)
    same = 'font-family="Helvetica,Arial,sans-serif" font-size="11.0" fill="#1b1f23"'
    in_tenths = lambda tag: re.sub(r"(\d\.\d)\d+", r"\1", tag[0])  # of a point: fine enough
    svg = re.sub(r"<[^>]*>", in_tenths, svg)
    svg = re.sub(r'(<polyline [^>]*) stroke-width="[^"]*"', r"\1", svg)  # thick borders, thin lines between rows
    svg = svg.replace(' xml:space="preserve" text-anchor="middle"', "").replace(f" {same}", "")
    small = ' font-family="Helvetica,Arial,sans-serif" font-size="10.0" fill="#6a737d"'  # on arrows and frames
    svg = svg.replace(small, ' class="small"').replace(">\n<", "><")
    svg = re.sub(r'(<polygon [^>]*points="(\S+) [^"]*) \2"', r'\1"', svg)  # it closes by itself
    return svg.replace('<g id="graph0"', f'<g id="graph0" text-anchor="middle" {same}', 1)


def _without_colours(svg: str) -> str:
    """The SVG with colours from the style sheet alone."""
    return re.sub(r' (fill|stroke)="(#\w+|none)"', "", svg)


def _in_single_quotes(svg: str) -> str:
    """The SVG with its attributes in single quotes: in the block, where all is an attribute, each " takes 6 letters."""
    return re.sub(r"<[^>]*>", lambda tag: tag[0] if "'" in tag[0] else tag[0].replace('"', "'"), svg)


def _with_rows(svg: str, texts: dict[str, tuple[str, str]]) -> str:
    """The SVG with these texts in the last two rows of the boxes."""

    def one_box(match: re.Match) -> str:
        rows = iter(texts[match[1]])
        pieces = re.split(r"(?<=>)[^<>]*(?=</text>)", match[0])
        before = pieces[:-3]
        contents = re.findall(r"(?<=>)[^<>]*(?=</text>)", match[0])[: len(before)]
        head = "".join(a + b for a, b in zip(before, contents, strict=True))
        return head + pieces[-3] + _escaped(next(rows)) + pieces[-2] + _escaped(next(rows)) + pieces[-1]

    return re.sub(r'<g id="(v\d+)" class="node.*?</g>', one_box, svg, flags=re.DOTALL)


def _with_slopes(svg: str, walk: Walk) -> str:
    """The SVG with the numbers of the slopes on its arrows."""
    for e, r in enumerate(walk.edges):
        start = svg.find(f'<g id="e{walk.place[r.node]}_{r.position}"')
        end = svg.find("</g>", start)
        slope = number(walk.numbers["slope"][e])
        svg = svg[:start] + re.sub(r">[^<>]*</text>", f">{slope}</text>", svg[start:end]) + svg[end:]
    return svg


def _rounded_ground(svg: str) -> str:
    """A light sheet with round corners, since a still image can't follow the page around it into the dark."""
    width, height = re.search(r'viewBox="0.0 0.0 ([\d.]+) ([\d.]+)"', svg).groups()  # type: ignore[union-attr]
    x, y = re.search(r"translate\(([-\d.]+) ([-\d.]+)\)", svg).groups()  # type: ignore[union-attr]
    place = f'x="-{x}" y="-{y}" width="{width}" height="{height}"'
    return f'<rect fill="#ffffff" stroke="none" {place} rx="10"/>'


# -- the page --------------------------------------------------------------------------------------------------------


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _without_comments(name: str) -> str:
    """The file without indents, empty lines and lines that are a comment: a notebook keeps a copy for each block."""
    return re.sub(r"^ *(//.*\n|/\*.*\*/\n|\n)?", "", _file(name), flags=re.MULTILINE)


def _host_themes(theme: str) -> str:
    """The variables by data-theme, which the script sets to what the notebook around the block has."""
    if theme != "auto":
        return ""
    sheets = {"light": style.colours(dark=False), "dark": style.colours(dark=True)}
    return "".join(
        f".mgp[data-theme={name}]{{{''.join(f'--{key}:{colour};' for key, colour in colours.items())}}}"
        for name, colours in sheets.items()
    )


def _json(x: Any) -> str:
    """JSON that may stand in a <script>: no text in it can end the script, or start a comment."""
    return json.dumps(x, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _as_javascript(test: Callable) -> str:
    return expression(test, "up", "slope", language="javascript")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
