"""draw: the graph of your own numbers, laid out by what pip alone installs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..engine.graph import Node
from ..explain.opening import opens
from ..explain.reading import Reading, is_module
from .architecture import scheme_of_model, text_of_model
from .drawing import Drawing
from .options import check_options
from .outdated import NOTE, any_outdated
from .scheme import MOST, Scheme, scheme_of
from .tree import tree
from .zoom import scheme_of_zoom, zoomed_in_place


@opens
def draw(
    root: Any,
    names: Mapping[str, Any] | None = None,
    *,
    engine: str = "auto",
    direction: str = "LR",
    theme: str = "auto",
    max_nodes: int | None = MOST,
    expand: Any = (),
    focus: Any = None,
    depth: int = 3,
    zoom: Any = None,
    format: str = ".4g",
    limit: float | None = 20.0,
) -> Drawing:
    """Draw how a number was made: a box for each value, its data and gradient, and a slope on each arrow.

    root: a Value or Tensor; or a Module, for its neurons and weights (its layers, where those are many).
    names: `locals()`, so that nodes are called as your variables are; a `.label` comes first. Without it, no variable
        is looked up: what a picture shows should not depend on the line that it was called from.
    engine: which program lays it out; "auto" is the first that works.
    direction: "LR" from left to right, or "RL", "TB" from top to bottom, "BT".
    theme: "light", "dark", or "auto" for what the reader's system has.
    max_nodes: a larger graph is folded as far as need be: by neuron, by layer, all samples in one, by operation. None
        draws all there is.
    expand: a module or its path ("layers.1"), or several, to be opened in the folded picture.
    focus: a node or its name; only what is at most `depth` arrows from it is drawn.
    zoom: a Tensor or its name, whose box is opened into single numbers.
    format: of numbers, as Python writes it: "+.2f".
    limit: seconds for the layout, after which it is folded further; None for no limit.

    ValueError or TypeError for an option that can't be, at once; LayoutUnavailable only where the picture is asked for.

    >>> from micrograd_plus import Value
    >>> a = Value(2.0, label="a")
    >>> picture = draw(a + a)
    >>> picture
    Drawing(2 boxes, 2 arrows)
    >>> print(picture)
    a + a   data 4   grad: not run yet
      a   data 2   grad: not run yet
      a   see above
    """
    settings: dict[str, Any] = {"engine": engine, "theme": theme, "direction": direction, "limit": limit}
    check_options(format=format, max_nodes=max_nodes, depth=depth, **settings)
    if is_module(root):
        return Drawing(lambda _: scheme_of_model(root, format), text_of_model(root), **settings)
    reading = Reading(root, names)
    wanted = _to_expand(expand)
    near = None if focus is None else (_node_called(focus, reading, "focus"), depth)
    opened = None if zoom is None else _node_called(zoom, reading, "zoom")

    note = NOTE if any_outdated(reading.nodes) else ""

    def make(coarser: int) -> Scheme:
        if opened is not None:  # its box must be there, so it can't be folded further
            coarser = 0
        scheme = scheme_of(reading, max_nodes=max_nodes, expand=wanted, near=near, spec=format, coarser=coarser)
        if opened is not None:
            scheme = zoomed_in_place(scheme, opened, reading, format)
        scheme.caption = "\n".join(filter(None, [scheme.caption, note]))
        return scheme

    return Drawing(make, "\n".join(filter(None, [tree(reading, format), note])), **settings)


def zoom(node: Any, names: Mapping[str, Any] | None = None, *, format: str = ".4g", **settings: Any) -> Drawing:
    """Draw one Tensor's operation as single numbers: which number of the result is made from which of the inputs.

    node: a Tensor that was computed. names, format, and engine, theme, direction, limit: as for `draw`. TypeError for
    what is no Tensor, ValueError for a leaf, and for more than 400 numbers.

    >>> from micrograd_plus import Tensor
    >>> w = Tensor([[1.0, 2.0]], label="w")
    >>> print(zoom(w @ [3.0, 4.0]))
    w@[2] as single numbers: 5 boxes, 4 arrows
    """
    check_options(format=format, **settings)
    reading = Reading(node, names)
    scheme = scheme_of_zoom(node, reading, format)
    text = f"{reading.name(node)} as single numbers: {len(scheme.boxes)} boxes, {len(scheme.arrows)} arrows"
    return Drawing(lambda _: scheme, text, **settings)


def _to_expand(expand: Any) -> tuple:
    """One module or path, or several, as a tuple; TypeError for what is neither."""
    if expand is None:
        return ()
    if isinstance(expand, str) or is_module(expand):
        return (expand,)
    if not isinstance(expand, Iterable):
        raise TypeError(f"expand is a module, its path such as 'layers.0', or a list of these; got {expand!r:.60}")
    return tuple(expand)


def _node_called(wanted: Any, reading: Reading, option: str) -> Node:
    """The node that `wanted` is, or that has this name."""
    for node in reading.nodes:
        called = (reading.name(node), reading.short_name(node), node.label or None)
        if wanted is node or (isinstance(wanted, str) and wanted in called):
            return node
    known = ", ".join([reading.name(node) for node in reading.nodes if reading.is_named(node)][:10])
    shown = repr(wanted) if isinstance(wanted, str) else f"the {type(wanted).__name__} given"
    raise ValueError(f"{option}: {shown} is not in this graph. Give a node of it, or one of these names: {known}")
