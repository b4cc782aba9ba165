"""Zoom: one Tensor's operation opened into the numbers that it adds and multiplies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from ..engine import ops
from ..engine.graph import Many, Node, order, watched_by
from ..engine.value import Value
from ..explain.reading import Reading
from .folding import Folding
from .scheme import SLOPES, Arrow, Scheme, Telling, draw_all

MOST_NUMBERS = 400  # that can be read in a picture


class Opened(NamedTuple):
    """One operation computed again on Values.

    root: a sum above all results, so that backward() gives each number its gradient; not part of the picture.
    inside: the numbers to draw. leaves: those that stand for each operand. outputs: those of the result.
    """

    root: Value
    inside: list[Node]
    leaves: dict[int, list[Node]]
    outputs: list[Value]


def scheme_of_zoom(node: Any, reading: Reading, spec: str = ".4g") -> Scheme:
    """The scalar graph of one operation: from each number of its inputs to each number of its result."""
    scheme, _ = _scheme_of(_opened(node, reading), reading, spec)
    scheme.caption = "; ".join(filter(None, [f"{reading.name(node)} as single numbers", scheme.caption]))
    return scheme


def zoomed_in_place(scheme: Scheme, node: Any, reading: Reading, spec: str = ".4g") -> Scheme:
    """The scheme of a Tensor graph with one box opened: its numbers stand in a frame."""
    place = f"v{reading.nodes.index(node)}"
    box = next((box for box in scheme.boxes if box.id == place), None)
    if box is None:
        raise ValueError(
            f"zoom: {reading.name(node)} has no box of its own in this picture: draw with max_nodes=None, or zoom(node)"
        )
    opened = _opened(node, reading)
    inner, ids = _scheme_of(opened, reading, spec)
    frame = f"zoom {place}"
    scheme.frames[frame] = box.rows[0]
    scheme.boxes = [b for b in scheme.boxes if b is not box]
    scheme.boxes += [replace(b, id=f"z{b.id}", frames=(*box.frames, frame)) for b in inner.boxes]
    arrows = [replace(a, id=f"z{a.id}", tail=f"z{a.tail}", head=f"z{a.head}") for a in inner.arrows]
    for a in scheme.arrows:
        if a.head == place:
            leaves = [ids[v] for v in opened.leaves[int(a.id.rpartition("_")[2])] if v in ids]
            arrows += [Arrow(f"{a.id}.{k}", a.tail, f"z{v}") for k, v in enumerate(leaves)]
        elif a.tail == place:
            arrows += [Arrow(f"{a.id}.{k}", f"z{ids[v]}", a.head) for k, v in enumerate(opened.outputs) if v in ids]
        else:
            arrows.append(a)
    scheme.arrows = arrows
    scheme.caption = scheme.caption or inner.caption
    return scheme


def _scheme_of(opened: Opened, reading: Reading, spec: str) -> tuple[Scheme, dict[Node, str]]:
    """The boxes of the numbers, and the id of each number's box."""
    telling = Telling(Reading(opened.root), spec, has_run=Telling(reading).has_run)
    ids = {v: f"v{k}" for k, v in enumerate(telling.reading.nodes)}
    scheme = draw_all(telling, Folding(telling.reading), opened.inside)
    scheme.caption = SLOPES if any(arrow.label for arrow in scheme.arrows) else ""
    return scheme, {v: ids[v] for v in opened.inside}


def _opened(node: Any, reading: Reading) -> Opened:
    """The numbers of one operation, with their gradients; ValueError or TypeError where there is nothing to open."""
    name = reading.name(node)
    if not hasattr(node, "saved"):
        raise TypeError(f"zoom opens a Tensor into its numbers; {name} is one number already")
    if node.op is None:
        raise ValueError(f"zoom: {name} is a leaf: no operation made it, so there is nothing to open")
    if not node.size:
        raise ValueError(f"zoom: {name} is empty: there is no number in it")
    with watched_by(True):  # record, even where the learner has switched it off with no_grad()
        outputs, leaves = _computed_again(node, reading)
        grads = [0.0] * len(outputs) if node.grad is None else [float(g) for g in node.grad.reshape(-1)]
        root = ops.sum_([v * g for v, g in zip(outputs, grads, strict=True)])
        if root.requires_grad:
            root.backward()
    not_his = {root, *root.inputs}
    inside = [v for v in order(root) if v not in not_his]
    if len(inside) > MOST_NUMBERS:
        raise ValueError(
            f"zoom: {name} is made of {len(inside):,} single numbers, more than the {MOST_NUMBERS} "
            "that can be read in a picture; zoom a smaller one, with fewer samples or units"
        )
    return Opened(root, inside, leaves, outputs)


def _computed_again(node: Any, reading: Reading) -> tuple[list[Value], dict[int, list[Node]]]:
    """The result's numbers, one after the other, and those of each operand."""
    from numpy import ndindex

    from ..engine.twin import ValueArray

    leaves: dict[int, list[Node]] = {}
    operands: list[Any] = []
    for i, (x, seen) in enumerate(zip(node.operands, node.saved, strict=True)):
        operands.append(seen)
        if isinstance(x, Node):
            operands[-1] = array = ValueArray.leaves(seen, reading.factor(x))
            leaves[i] = list(array.values.flat)
            for v in leaves[i]:
                v.requires_grad = x.requires_grad
    image = node.op(operands, **node.settings) if isinstance(node.op, Many) else node.op(*operands, **node.settings)
    numbers = list(image.values.flat) if isinstance(image, ValueArray) else [image]
    outputs = [v if isinstance(v, Value) else Value(v, requires_grad=False) for v in numbers]  # pad adds plain zeros
    for place, v in zip(ndindex(node.shape), outputs, strict=True):
        if v.op is not None:  # a result that is an input as it was (a reshape) keeps that one's name
            v.label = reading.factor(node) + (f"[{','.join(map(str, place))}]" if place else "")
    return outputs, leaves
