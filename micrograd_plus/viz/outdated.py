"""Whether a `.data` was changed after a result was computed from it: a picture must say which pass it shows."""

from __future__ import annotations

import math
from typing import Any

from ..engine.graph import Many, Node, watched_by
from ..engine.value import Value

SMALL = 400  # nodes up to which each one is computed again
NOTE = "data was changed after this was computed: results and slopes are those of the forward pass that ran"


def any_outdated(nodes: list[Node]) -> bool:
    """Whether some results aren't what their operands' present numbers give.

    In a large graph it is asked of the first user of each leaf: leaves are what a training step changes.

    >>> from micrograd_plus.engine.graph import order
    >>> a = Value(2.0)
    >>> y = a * a
    >>> any_outdated(order(y))
    False
    >>> a.data = 5
    >>> any_outdated(order(y))
    True
    """
    return any(map(is_outdated, nodes if len(nodes) <= SMALL else _first_users(nodes)))


def is_outdated(node: Any) -> bool:
    """Whether this result, or one of its slopes, isn't what its operands' present numbers give."""
    if node.op is None:
        return False
    return _is_outdated_value(node) if isinstance(node, Value) else _is_outdated_tensor(node)


def _first_users(nodes: list[Node]) -> list[Node]:
    users: dict[Node, Node] = {}
    for node in nodes:
        for x in node.inputs:
            if x.op is None and x not in users:
                users[x] = node
    return list(dict.fromkeys(users.values()))


def _is_outdated_value(node: Any) -> bool:
    """Computed once more, from new leaves, so that infinities come out as they did in the forward pass."""
    xs = [Value(x.data, requires_grad=x.requires_grad) if isinstance(x, Node) else x for x in node.operands]
    try:
        with watched_by(True):  # record slopes, even inside no_grad()
            again = node.op(xs) if isinstance(node.op, Many) else node.op(*xs)
    except (ArithmeticError, TypeError, ValueError):  # the new number is one that the operation refuses
        return True
    pairs = [(node.data, again.data), *zip(node.slopes, again.slopes, strict=False)]
    return any(not _equal(old, new) for old, new in pairs if old is not None and new is not None)


def _equal(old: float, new: float) -> bool:
    return math.isclose(old, new, rel_tol=1e-9, abs_tol=1e-300) or (old != old and new != new)


def _is_outdated_tensor(node: Any) -> bool:
    """Whether an operand holds other numbers than those that the operation saw."""
    seen = zip(node.operands, node.saved, strict=True)
    return any(isinstance(x, Node) and not _same_array(x.numpy(), then) for x, then in seen)  # type: ignore[attr-defined]


def _same_array(now: Any, then: Any) -> bool:
    import numpy as np

    if np.may_share_memory(now, then):  # what a graph has seen is never written to again
        return True
    return np.array_equal(now, then, equal_nan=now.dtype.kind in "fc")
