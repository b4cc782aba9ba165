"""The chain rule at one node, computed on the side: what backward() would do there, with no `.grad` touched."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ..engine.graph import Node
from ..engine.value import Value


def edges(node: Value) -> Iterator[tuple[int, Value, float]]:
    """(position, input, slope) for each operand of a Value that has a slope: numbers have none.

    >>> a = Value(3.0)
    >>> [(i, slope) for i, _, slope in edges(a * 5)]
    [(0, 5.0)]
    """
    slopes: tuple = node.slopes
    for i, (x, slope) in enumerate(zip(node.operands, slopes, strict=True)):
        if slope is not None:
            yield i, x, slope


def contributions(node: Any, g: Any) -> Iterator[tuple[int, Any, Any]]:
    """(position, input, what it receives) for each tracked input of `node` when node receives the gradient g.

    These are the parts that `push` adds to `.grad`; no hook is called.

    >>> a, b = Value(2.0), Value(3.0)
    >>> [(i, part) for i, _, part in contributions(a * b, 10.0)]
    [(0, 30.0), (1, 20.0)]
    """
    if isinstance(node, Value):
        for i, x, slope in edges(node):
            yield i, x, slope * g
        return
    import numpy as np

    for i, x in enumerate(node.operands):
        if isinstance(x, Node) and x.requires_grad:
            yield i, x, np.asarray(_pulled_back(node, i, g), dtype=x.dtype)  # type: ignore[attr-defined]


def local_slope(node: Any, i: int) -> Any:
    """d node / d operand i: a number, or an array that belongs to the numbers of node one by one.

    None for a plain number, and where there is only a pull-back: one number of x decides over several of y.

    >>> a = Value(2.0)
    >>> local_slope(a * 5, 0), local_slope(a * 5, 1)
    (5.0, None)
    """
    if isinstance(node, Value):
        return node.slopes[i]
    tracked = isinstance(node.operands[i], Node) and node.operands[i].requires_grad
    return _pulled_back(node, i, 1) if tracked and node.op.pointwise else None  # a gradient of 1 becomes the slope


def _pulled_back(node: Any, i: int, g: Any) -> Any:
    with quiet():
        return node.op.pull(i, g, node.kept, node.saved, node.settings)


def quiet() -> AbstractContextManager:
    """A context in which NumPy gives inf and nan without a warning, as backward() does."""
    numpy = sys.modules.get("numpy")  # where nobody has loaded it, there are only Values and nothing to silence
    return numpy.errstate(all="ignore") if numpy else nullcontext()
