"""The check for numbers that are not finite: where the first of them came from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...engine.graph import Node
from ..births import birth, birth_of_gradient
from ..finite import is_bad, numbers_of, numbers_seen_by
from ..places import line_text
from .case import Case
from .report import ERROR, Finding, listed


def not_finite(case: Case) -> Iterator[Finding]:
    """A nan or infinity in the loss, or else in the gradients; infinities that do no harm (a mask) are passed over."""
    if is_bad(numbers_of(case.root)):
        yield from _in_forward(case)
    elif case.bad_push and any(is_bad(case.gradients.get(p)) for p in case.in_graph if p.op is None):
        node, i, g, part = case.bad_push
        what, why, do = birth_of_gradient(node, i, g, part, case.name)
        yield Finding("nan_or_inf_gradient", ERROR, what, why, do, _place_or_advice(case, node))
    ruined = [name for p, name in case.names.items() if is_bad(numbers_of(p))]
    if ruined:
        yield Finding(
            "nonfinite_parameter", ERROR, f"weights that aren't finite: {listed(ruined)}",
            "a step was taken along a gradient that wasn't finite, or the weights grew without bound",
            "start again from good weights with a lower learning rate, or clip the gradients",
        )  # fmt: skip


def _in_forward(case: Case) -> Iterator[Finding]:
    node, culprit = _origin(case.root)
    if culprit is None and node.op is not None:
        what, why, do = birth(node.op, node.operands, numbers_seen_by(node), numbers_of(node), case.name)
        yield Finding("nan_or_inf", ERROR, what, why, do, _place_or_advice(case, node))
        return
    leaf: Any = node if culprit is None else culprit
    if isinstance(leaf, Node) and leaf in case.names and is_bad(numbers_of(leaf)):
        return  # a weight: the caller speaks of all of them
    why = "nothing that is computed from nan or infinity can be trained on"
    if isinstance(leaf, Node) and leaf in case.lines.spoilt:
        line, op = case.lines.spoilt[leaf]
        what = f"{case.name(leaf)}, made by `{op.name}` of numbers without gradient, is not finite"
        yield Finding("nonfinite_input", ERROR, what, why, "look at the line that computed it", line_text(line))
        return
    used = "the loss"
    if node.op is not None:
        used = birth(node.op, node.operands, numbers_seen_by(node), numbers_of(node), case.name)[0]
    what = f"{case.name(leaf)} is not finite, and came in with the data ({used})"
    do = "look for gaps in the data with np.isfinite(x).all(), and leave those rows out or fill them"
    yield Finding("nonfinite_input", ERROR, what, why, do, _place_or_advice(case, node))


def _origin(root: Node) -> tuple[Node, Any]:
    """From a result that isn't finite back to where that began: (node, the leaf or number in it that was bad, or None).

    A nan is followed before an infinity, since an infinity may be meant (a mask of -inf).
    """
    node = root
    while True:
        seen = list(zip(node.operands, numbers_seen_by(node), strict=True))
        bad = [x for x, n in seen if is_bad(n, nan_only=True)] or [x for x, n in seen if is_bad(n)]
        if not bad:
            return node, None
        if not isinstance(bad[0], Node) or bad[0].op is None:
            return node, bad[0]
        node = bad[0]


def _place_or_advice(case: Case, node: Node) -> str:
    place = case.place(node)
    if case.lines.made_at:
        return place
    return (f"{place}; " if place else "") + "for the line: diagnose(lambda: compute the loss), or detect_anomaly()"
