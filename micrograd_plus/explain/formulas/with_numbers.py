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
    if not hasattr(node.data, "shape") and not _still_true(op, node, numbers):
        lines.append(Line("note", "", f"(an input was changed since: {y} and its slopes are from before)"))
    return lines


def _still_true(op: Op, node: Node, numbers: list) -> bool:
    try:
        again = float(op(numbers) if isinstance(op, Many) else op(*numbers))
    except (ArithmeticError, ValueError, TypeError):
        return False
    return again == node.data or (again != again and node.data != node.data)


def _is_short(x: Any) -> bool:
    return getattr(x, "ndim", 0) == 0 or (x.ndim == 1 and x.size <= 6)


def _shown(x: Any) -> str:
    return number_text(float(x)) if getattr(x, "ndim", 0) == 0 else "[" + ", ".join(map(number_text, x.tolist())) + "]"
