"""The orders that people propose for the backward pass: each as they write it, and as a walk over the graph."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from ..engine.graph import order
from .chain import edges

Walk = Callable[[Any], Iterator[tuple[Any, int]]]  # gives each node that is visited, and how deep the calls are nested


def _users_first(root: Any) -> Iterator[tuple[Any, int]]:
    return ((node, 1) for node in reversed(order(root)))


def _leaves_first(root: Any) -> Iterator[tuple[Any, int]]:
    return ((node, 1) for node in order(root))


def _recursion(root: Any) -> Iterator[tuple[Any, int]]:
    """As `back` calls itself; a stack in place of the calls, so that a deep graph can be shown too."""
    stack = [(root, 1)]
    while stack:
        node, depth = stack.pop()
        yield node, depth
        stack += [(x, depth + 1) for x in reversed(pushed_to(node))]


def _depth_first(root: Any) -> Iterator[tuple[Any, int]]:
    visited = set()
    stack = [(root, 1)]
    while stack:
        node, depth = stack.pop()
        if node not in visited:
            visited.add(node)
            yield node, depth
            stack += [(x, depth + 1) for x in reversed(pushed_to(node))]


def _breadth_first(root: Any) -> Iterator[tuple[Any, int]]:
    visited = {root}
    queue = deque([root])
    while queue:
        node = queue.popleft()
        yield node, 1
        for x in pushed_to(node):
            if x not in visited:
                visited.add(x)
                queue.append(x)


def pushed_to(node: Any) -> list[Any]:
    """The nodes that this one pushes to, each once, as in micrograd's `_prev`."""
    return list(dict.fromkeys(x for _, x, _ in edges(node)))


_BACK = "def back(v):\n    v._backward()\n    for p in v._prev:\n        back(p)\nback(root)"
_VISITED = """def back(v):
    if v not in visited:
        visited.add(v)
        v._backward()
        for p in v._prev:
            back(p)
back(root)"""
_QUEUE = """queue, visited = [root], {root}
while queue:
    v = queue.pop(0)
    v._backward()
    for p in v._prev:
        if p not in visited:
            visited.add(p)
            queue.append(p)"""
PATH_BY_PATH = """def back(v, g):
    v.grad += g
    for p, slope in zip(v.operands, v.slopes):
        if slope is not None:       # a number has none
            back(p, slope * g)      # only what came now
back(root, 1)"""

PROPOSALS: tuple[tuple[str, str, Walk], ...] = (
    ("users first", "for v in reversed(order(root)):\n    v._backward()", _users_first),
    ("recursion", _BACK, _recursion),
    ("depth first", _VISITED, _depth_first),
    ("breadth first", _QUEUE, _breadth_first),
    ("leaves first", "for v in order(root):           # reversed() was forgotten\n    v._backward()", _leaves_first),
)
