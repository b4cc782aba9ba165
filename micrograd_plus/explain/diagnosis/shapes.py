"""The check for shapes that broadcasting stretches on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...engine.graph import Node, order
from ..finite import numbers_seen_by
from .case import Case
from .report import WARNING, Finding

# What compares two things number by number. In a product of a column and a row all pairs are usually meant.
COMPARING = ("sub", "squared_error", "hinge", "bce", "bce_with_logits")


def broadcast_both(case: Case) -> Iterator[Finding]:
    """The classic: outputs (n, 1) and targets (n,), which broadcasting turns into all n × n pairs."""
    for node in case.nodes:
        if node.op is None or node.op.name not in COMPARING or node in case.feeds_weights:
            continue
        shape: tuple[int, ...] = getattr(node, "shape", ())
        if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 2:
            continue
        n = shape[0]
        columns: dict[Any, str] = {(n, 1): "column", (n,): "row", (1, n): "row"}
        seen = numbers_seen_by(node)
        kinds = {columns.get(_stretched(x, array, shape)) for x, array in zip(node.operands, seen, strict=True)}
        real = any(_before(x) is not x for x in node.operands)  # one stretched Tensor at least
        if real and kinds == {"row", "column"} and not _share_a_leaf(*map(_before, node.operands)):
            yield Finding(
                "broadcast_both", WARNING,
                f"`{node.op.symbol}` of shapes ({n}, 1) and ({n},) gives all {n} × {n} pairs, where {n} were meant",
                "broadcasting stretches both sides, so each output is compared with every target",
                "make the shapes equal first: target.reshape(-1, 1), or output.reshape(-1)", case.place(node),
            )  # fmt: skip


def _before(x: Any) -> Any:
    """What was stretched: the input of an `expand`, else x itself."""
    return x.operands[0] if isinstance(x, Node) and x.op is not None and x.op.name == "expand" else x


def _stretched(x: Any, seen: Any, shape: tuple) -> Any:
    """The shape that an operand had before it was stretched; None if it wasn't, or nobody can tell.

    A Tensor was stretched by an `expand`. Of labels without gradient only a copy of the stretched numbers is left, with
    all rows (or columns) equal. Where all numbers are equal, as in ones((3, 3)), that tells nothing.
    """
    if _before(x) is not x:
        return _before(x).shape
    if (isinstance(x, Node) and (x.op is not None or x.requires_grad)) or getattr(seen, "shape", ()) != shape:
        return None
    rows, columns = bool((seen == seen[:1]).all()), bool((seen == seen[:, :1]).all())
    return None if rows == columns else (1, shape[1]) if rows else (shape[0], 1)


def _share_a_leaf(a: Any, b: Any) -> bool:
    """Whether both sides are made from the same leaf: then all pairs are meant, as in a table of distances."""
    leaves = [{x for x in order(side) if x.op is None} if isinstance(side, Node) else set() for side in (a, b)]
    return bool(leaves[0] & leaves[1])
