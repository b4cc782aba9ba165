"""A scheme as DOT text: the language that Graphviz lays out."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from . import style
from .layout import plain_text, record_text, tooltip_text
from .numbers import one_line
from .scheme import Box, Scheme

# What tells the kinds apart besides the colour: how the border is drawn.
BORDERS = {"parameter": "2.2", "output": "3.4", "fold": "1.6"}
SIGNS = {"positive": ("forward", "solid"), "negative": ("backward", "dashed")}  # a weight's arrow: its colour and line


def digraph(scheme: Scheme, dark: bool = False) -> Any:
    """The scheme as a graphviz.Digraph."""
    import graphviz

    colours = style.colours(dark)
    letters = {"fontname": style.FONT, "fontsize": "11", "fontcolor": colours["text"]}
    graph = graphviz.Digraph(
        "micrograd_plus",
        graph_attr={
            "rankdir": scheme.direction, "bgcolor": colours["ground"], "pad": "0.2", "nodesep": "0.18",
            "ranksep": str(scheme.gap), **letters, "fontcolor": colours["faint"],
        },
        node_attr={"shape": "record", "style": "filled", "color": colours["line"], "height": "0.2", **letters},
        edge_attr={
            "color": colours["line"], "arrowsize": "0.6", **letters, "fontcolor": colours["faint"], "fontsize": "10",
        },
    )  # fmt: skip
    for column in scheme.columns:
        for above, below in pairwise(column):
            graph.body.append(f"\t{{rank=same; {above} -> {below} [style=invis]}}\n")
    if scheme.caption:
        graph.attr(label=plain_text(scheme.caption), labelloc="b", labeljust="l")
    _add_frame(graph, scheme, (), colours)
    for before, after in scheme.sequence:
        graph.edge(before, after, style="invis")
    for arrow in scheme.arrows:
        attributes = {"id": arrow.id, "penwidth": f"{arrow.width:.1f}"}
        if arrow.kind:
            colour, style_of_line = SIGNS[arrow.kind]
            attributes |= {"class": arrow.kind, "color": colours[colour], "arrowhead": "none", "style": style_of_line}
        if arrow.label:
            attributes["label"] = plain_text(arrow.label)
        if arrow.tip:
            attributes["tooltip"] = attributes["labeltooltip"] = tooltip_text(arrow.tip)
        graph.edge(arrow.tail, arrow.head, **attributes)
    return graph


def _add_frame(graph: Any, scheme: Scheme, frame: tuple[str, ...], colours: dict[str, str]) -> None:
    """The boxes that stand directly in this frame, and the frames inside it (no deeper than modules are nested)."""
    inner: dict[str, None] = {}
    sideways = scheme.direction in ("LR", "RL")
    # Of two boxes in a column, Graphviz sets the first above; inside frames the last, where it goes sideways.
    for box in sorted(scheme.boxes, key=lambda box: box.place, reverse=sideways and frame != ()):
        if box.frames == frame:
            _add_box(graph, box, colours, stacked=sideways)
        elif box.frames[: len(frame)] == frame:
            inner.setdefault(box.frames[len(frame)])
    for path in inner:
        with graph.subgraph(name=f"cluster_{plain_text(path)}") as cluster:
            cluster.attr(
                label=plain_text(one_line(scheme.frames[path])), labelloc="t", labeljust="c", style="filled,rounded",
                fillcolor=colours["cluster"], color=colours["faint"], fontname=style.FONT, fontsize="10",
                fontcolor=colours["faint"],
            )  # fmt: skip
            _add_frame(cluster, scheme, (*frame, path), colours)


def _add_box(graph: Any, box: Box, colours: dict[str, str], stacked: bool) -> None:
    """One box. stacked: whether a record's rows stand one above the other without the braces that turn it."""
    attributes = {
        "id": box.id,
        "class": box.kind,
        "fillcolor": colours.get(box.kind, colours["ground"]),
        "penwidth": BORDERS.get(box.kind, "1"),
        "style": "filled,dashed" if box.dashed else "filled",
    }
    if box.tip:
        attributes["tooltip"] = tooltip_text(box.tip)
    if box.shape == "record":
        rows = "|".join(record_text(row) for row in box.rows)
        graph.node(box.id, label=rows if stacked else f"{{{rows}}}", **attributes)
    else:
        more = {"width": "0.42", "fixedsize": "true"} if box.shape == "circle" else {"style": "solid"}
        attributes |= {"shape": box.shape, **more}
        graph.node(box.id, label=plain_text("\n".join(box.rows)), **attributes)
