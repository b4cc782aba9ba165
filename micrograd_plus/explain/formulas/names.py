"""What the formula of an operation calls its result and its inputs."""

from __future__ import annotations

import re

from ...engine.graph import Node, Op
from ..code import input_names


def name_of(node: Node | None, otherwise: str) -> str:
    """The node's label, if that reads as one name."""
    label = getattr(node, "label", "") or ""
    # Only what reads as one name; "a + b" in the middle of a formula would be misread.
    return label if re.fullmatch(r"[^\W\d]\w*(\[[\w, ]*\])?", label) else otherwise


def names_in(op: Op, node: Node | None) -> tuple[str, list[str]]:
    """What y and the inputs are called."""
    if node is None:
        return "y", input_names(op)
    defaults = input_names(op, len(node.operands))
    labels = [name_of(x, "") if isinstance(x, Node) else "" for x in node.operands]
    if len(set(filter(None, labels))) < len(list(filter(None, labels))):  # a * a: two places in the rule
        labels = [""] * len(labels)
    taken = {*labels, name_of(node, "")}
    names = []
    for label, default in zip(labels, defaults, strict=True):
        names.append(label or next(n for n in (default, *"abcduvw", *defaults, "_") if n not in taken or n == "_"))
        taken.add(names[-1])
    y = name_of(node, "")
    return (y if y and y not in names else next(n for n in ("y", "z", "out", "result") if n not in names)), names


def derivative(y: str, x: str) -> str:
    """∂y/∂x."""
    return f"∂{y}/∂{x}"
