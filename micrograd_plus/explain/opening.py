"""Opening: where one node stands for a whole graph (what a compiled function gives), readers see that graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from ..engine.graph import Node, order

Reader = TypeVar("Reader", bound=Callable)


def opens(reader: Reader) -> Reader:
    """Let a function that reads a graph see all of it.

    The root is the reader's first argument; names that were the root's are those of the opened one.
    """

    @wraps(reader)
    def opened(root: Any, *args: Any, **kwargs: Any) -> Any:
        all_of_it = whole(root) if isinstance(root, Node) else root
        if all_of_it is not root:
            args = tuple(_renamed(x, root, all_of_it) for x in args)
            kwargs = {key: _renamed(x, root, all_of_it) for key, x in kwargs.items()}
        return reader(all_of_it, *args, **kwargs)

    return opened  # type: ignore[return-value]


def _renamed(names: Any, root: Node, opened: Node) -> Any:
    if not isinstance(names, Mapping):
        return names
    return {key: opened if thing is root else thing for key, thing in names.items()}


def whole(root: Node) -> Node:
    """The same result with every step that led to it. The graph itself is left as it is.

    >>> from micrograd_plus import Value, compile
    >>> w = Value(3.0)
    >>> square = compile(lambda: w * w)
    >>> y = [square() for _ in range(3)][-1] + 1.0  # the third call replays
    >>> len(order(y)), len(order(whole(y)))
    (4, 3)
    """
    nodes = order(root)
    if not any(_stands_for_many(node) for node in nodes):
        return root
    images: dict[Node, Node] = {}
    for node in nodes:
        if _stands_for_many(node):
            images[node] = node.opened()
        elif any(x in images for x in node.inputs):
            images[node] = _with_other_operands(node, images)
    return images[root]


def _stands_for_many(node: Node) -> bool:
    return type(node).opened is not Node.opened


def _with_other_operands(node: Node, images: dict[Node, Node]) -> Node:
    """A copy of the node, made from the images of what it was made from."""
    copy = type(node).__new__(type(node))
    for kind in type(node).__mro__:
        for slot in getattr(kind, "__slots__", ()):
            if hasattr(node, slot):
                thing = getattr(node, slot)
                if thing.__class__ is tuple and slot != "made_in":  # its operands
                    thing = tuple(images.get(x, x) if isinstance(x, Node) else x for x in thing)
                setattr(copy, slot, images.get(thing, thing) if isinstance(thing, Node) else thing)
    return copy
