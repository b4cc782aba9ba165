"""What a compiled function is called with, taken apart: the numbers, and the structure that they came in.

The structure is a tuple that can be compared: two calls of the same structure can share a tape. Its words:

    ("rows", n, k)          a list of n lists of k numbers each
    ("numbers", kind, n)    a list or tuple of n numbers
    ("list", kind, parts)   a list or tuple of other things;  ("dict", keys, parts)  a dict
    ("float",)              a number by itself that isn't whole
    ("value", tracked)      a Value;  ("tensor", tracked, shape, dtype)  a Tensor;  ("array", shape, dtype)  an array
    ("as it is", type, x)   anything else: it belongs to the structure itself, so another one means another tape

So numbers in lists, floats, nodes and arrays are data, which may differ from call to call. A whole number, text, None,
True or False by itself is a setting, as in `loss(x, y, layers=2)`; so is a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from ..engine.graph import Node
from ..engine.value import Value
from .followed import Followed

_NUMBERS = {float, int, bool}
_SETTINGS = (int, bool, str, bytes, type(None))


class Same:
    """An object that is equal to itself alone."""

    __slots__ = ("thing",)

    def __init__(self, thing: Any):
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


def taken_apart_call(args: tuple, kwargs: dict, found: list) -> tuple:
    """The structure of (args, kwargs), piece by piece."""
    first = ("list", tuple, tuple([taken_apart(x, found) for x in args]))
    return ("list", tuple, (first, taken_apart(kwargs, found) if kwargs else _NO_KEYWORDS))


_NO_KEYWORDS = ("dict", (), ())


def taken_apart(x: Any, found: list) -> tuple:
    """The structure of x; its data (numbers, nodes, arrays) are appended to `found`."""
    kind = x.__class__
    if kind is list or kind is tuple:
        return _sequence(x, kind, found)
    if kind is float:
        found.append(x)
        return ("float",)
    if kind is dict:
        return ("dict", tuple(x), tuple(taken_apart(part, found) for part in x.values()))
    if isinstance(x, Value):
        found.append(x)
        return ("value", x.requires_grad)
    if isinstance(x, Node):
        found.append(x)
        return ("tensor", x.requires_grad, x.shape, x.dtype)  # type: ignore[attr-defined]
    if hasattr(x, "__array_interface__") and not isinstance(x, Node) and x.dtype.kind in "fiub":
        if not x.ndim and x.dtype.kind == "f":  # one of NumPy's numbers
            found.append(float(x))
            return ("float",)
        found.append(x)
        return ("array", x.shape, x.dtype)
    return ("as it is", x.__class__, x) if isinstance(x, _SETTINGS) else ("as it is", None, Same(x))


def _sequence(x: Any, kind: type, found: list) -> tuple:
    types = set(map(type, x))
    if types and all(t in _NUMBERS or issubclass(t, float) for t in types):  # NumPy's float64 is a float
        found.extend(x)
        return ("numbers", kind, len(x))
    if kind is list and types == {list}:
        widths = set(map(len, x))
        flat = list(chain.from_iterable(x))
        if len(widths) == 1 and flat and set(map(type, flat)) <= _NUMBERS:
            found.extend(flat)
            return ("rows", len(x), *widths)
    return ("list", kind, tuple(taken_apart(part, found) for part in x))


def put_together(structure: tuple, data: Iterator[Any]) -> Any:
    """The argument of this structure, with other data in it: the inverse of `taken_apart`."""
    word, *rest = structure
    if word == "as it is":
        return rest[1].thing if isinstance(rest[1], Same) else rest[1]
    if word == "numbers":
        return rest[0](next(data) for _ in range(rest[1]))
    if word == "rows":
        return [[next(data) for _ in range(rest[1])] for _ in range(rest[0])]
    if word == "list":
        return rest[0](put_together(part, data) for part in rest[1])
    if word == "dict":
        return dict(zip(rest[0], (put_together(part, data) for part in rest[1]), strict=True))
    return next(data)


def kinds_of(structure: tuple) -> list[str]:
    """For each piece of data of a structure its word: "numbers" (in a list), "float", "value", "tensor" or "array"."""
    word, *rest = structure
    if word == "as it is":
        return []
    if word == "numbers":
        return ["numbers"] * rest[1]
    if word == "rows":
        return ["numbers"] * (rest[0] * rest[1])
    if word in ("list", "dict"):
        return [kind for part in rest[1] for kind in kinds_of(part)]
    return [word]


def bare(x: Any) -> Any:
    """A node as it is; of an array that was followed, the array (a copy) or number."""
    return x if isinstance(x, Node) else x.value.copy() if isinstance(x.value, np.ndarray) else x.value


def with_outputs(x: Any, change: Callable[[Any], Any]) -> Any:
    """What a function returned, with `change(x)` in place of each node or array in its lists, tuples and dicts."""
    if isinstance(x, (Node, Followed)):
        return change(x)
    if x.__class__ in (list, tuple):
        return x.__class__(with_outputs(part, change) for part in x)
    if x.__class__ is dict:
        return {key: with_outputs(part, change) for key, part in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_make"):  # a named tuple
        return x._make(with_outputs(part, change) for part in x)
    return x


def unknown_in(x: Any) -> Any:
    """A thing in what a function returned that may hold nodes where nobody looks; None if there is none."""
    if x.__class__ is dict or isinstance(x, (list, tuple)):
        known = x.__class__ in (dict, list, tuple) or hasattr(x, "_make")
        parts = x.values() if x.__class__ is dict else x
        return next((found for part in parts if (found := unknown_in(part)) is not None), None) if known else x
    plain = x is None or isinstance(x, (Node, Followed, int, float, complex, str, bytes, np.generic))
    return None if plain or (isinstance(x, np.ndarray) and x.dtype != object) else x


def nodes_in(x: Any) -> list[Node]:
    """The nodes in what a function returned, in order."""
    found: list[Node] = []
    with_outputs(x, found.append)
    return found
