"""What the formula of an operation calls its result and its inputs."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from ...engine.graph import Node, Op
from ..code import input_names

_NONE: Mapping[Node, str] = MappingProxyType({})


def name_of(node: Node | None, otherwise: str, own: Mapping[Node, str] = _NONE) -> str:
    """The node's name among the learner's `own`, or its label, if that reads as one name."""
    name = (own.get(node) if node is not None else "") or getattr(node, "label", "") or ""
    # Only what reads as one name; "a + b" in the middle of a formula would be misread.
    return name if re.fullmatch(r"[^\W\d]\w*(\[[\w, ]*\])?", name) else otherwise


def names_in(op: Op, node: Node | None, own: Mapping[Node, str] = _NONE) -> tuple[str, list[str]]:
    """What y and the inputs are called."""
    if node is None:
        return "y", input_names(op)
    defaults = input_names(op, len(node.operands))
    labels = [name_of(x, "", own) if isinstance(x, Node) else "" for x in node.operands]
    y = name_of(node, "", own)
    # A name that stands for two nodes would tell neither of them: it isn't used at all.
    holders = [(name, id(x)) for name, x in zip([*labels, y], [*node.operands, node], strict=True) if name]
    misleading = {name for name, count in Counter(name for name, _ in set(holders)).items() if count > 1}
    # a * a: one node, but two places in the rule, which need a letter each.
    labels = ["" if name in misleading or labels.count(name) > 1 else name for name in labels]
    y = "" if y in misleading else y
    taken = {*labels, y, *misleading}
    names = []
    for label, default in zip(labels, defaults, strict=True):
        names.append(label or next(n for n in _letters(default) if n not in taken))
        taken.add(names[-1])
    return y or next(n for n in itertools.chain(("y", "z", "out"), _letters("result")) if n not in taken), names


def _letters(first: str) -> Iterator[str]:
    """Names to choose from, without end: the usual one, other letters, x0, x1 …"""
    yield first
    yield from "abcduvw"
    yield from (f"x{i}" for i in itertools.count())


def derivative(y: str, x: str) -> str:
    """∂y/∂x."""
    return f"∂{y}/∂{x}"
