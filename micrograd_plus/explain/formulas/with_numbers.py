"""The line of a formula that has a node's own numbers put in."""

from __future__ import annotations

from typing import Any

from ...engine.graph import Many, Node, Op
from ..chain import local_slope
from ..reading import number_text
from .names import derivative
from .result import Line


def with_numbers(op: Op, node: Node, y: str, names: list[str], fixed: dict) -> list[Line]:
    """The line "with x = 0.5: y = 0.4621; ∂y/∂x = 0.7864"; of Tensors only where they are one number or a few."""
    numbers = [x.data if isinstance(x, Node) else x for x in node.operands]
    if any(not _is_short(x) for x in (*numbers, node.data)):
        shapes = [f"{name} {x.shape}" for name, x in zip(names, numbers, strict=True) if hasattr(x, "shape")]
        return [Line("numbers", "", f"number by number: {', '.join(shapes)} → {y} {node.data.shape}")]
    given = [f"{name} = {_shown(x)}" for i, (name, x) in enumerate(zip(names, numbers, strict=True)) if i not in fixed]
    slopes = [local_slope(node, i) for i in range(len(numbers))]
    found = [f"{y} = {_shown(node.data)}"]
    found += [f"{derivative(y, name)} = {_shown(s)}" for name, s in zip(names, slopes, strict=True) if s is not None]
    nodes = [x for x in node.operands if isinstance(x, Node)]
    same = " (one and the same)" if len(set(nodes)) < len(nodes) == 2 else ""
    lines = [Line("numbers", "", f"with {', '.join(given)}{same}: {'; '.join(found)}")]
    if not _still_true(op, node, numbers):
        lines.append(Line("note", "", f"({y} and its slopes were taken in the forward pass: .data was changed since)"))
    return lines


def _still_true(op: Op, node: Any, numbers: list) -> bool:
    """Whether the inputs still give this result and these slopes (-3 and 3 have one square, and two slopes)."""
    if hasattr(node.data, "shape"):  # a Tensor keeps the arrays that it saw
        return all(_same(seen, x) for seen, x in zip(node.saved, numbers, strict=True))
    try:
        again = float(op(numbers) if isinstance(op, Many) else op(*numbers))
        slopes = [
            None if s is None else op.pull(i, 1.0, node.data, tuple(numbers), node.settings)
            for i, s in enumerate(node.slopes)
        ]
    except (ArithmeticError, ValueError, TypeError):
        return False
    return _same(again, node.data) and all(map(_same, slopes, node.slopes))


def _same(a: Any, b: Any) -> bool:
    if hasattr(a, "shape") or hasattr(b, "shape"):
        import numpy as np

        return np.array_equal(a, b, equal_nan=True)
    return a == b or (a != a and b != b)


def _is_short(x: Any) -> bool:
    return getattr(x, "ndim", 0) == 0 or (x.ndim == 1 and x.size <= 6)


def _shown(x: Any) -> str:
    return number_text(float(x)) if getattr(x, "ndim", 0) == 0 else "[" + ", ".join(map(number_text, x.tolist())) + "]"
