"""Answers as plain numbers, texts and lists, and whether two of them agree."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

TOLERANCE = 1e-6  # relative and absolute, where an exercise says nothing else

BLANK = "⟨blank⟩"  # how dots that were left in place are written down
LARGEST = 100_000  # items of a list; no exercise asks for as many


def plain(value: Any) -> Any:
    """The value as numbers, texts, lists and dicts of Python's own: what can be compared, and written as JSON.

    Nodes give their data. Numbers go through `float`, so that an object of which `==` always says yes gets nothing.
    Tuples become lists, sets sorted lists. What is none of these becomes a text that equals no answer.

    >>> plain((1, "larger", {3.0, 2.0}))
    [1.0, 'larger', [2.0, 3.0]]
    """
    if value is ...:
        return BLANK
    if value is None or type(value) is bool:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (list, tuple, set, frozenset, Mapping)) and len(value) > LARGEST:
        return f"<{type(value).__name__} of {len(value):,} items>"
    if isinstance(value, Mapping):
        return {str(plain(name)): plain(item) for name, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "requires_grad") and hasattr(value, "data"):  # a Value or a Tensor, ours or PyTorch's
        value = value.detach().tolist() if hasattr(value.data, "requires_grad") else value.data
    if type(value).__name__ in ("bool_", "bool") and hasattr(value, "item"):
        return bool(value)
    if hasattr(value, "tolist") and getattr(value, "shape", None):
        if math.prod(value.shape) > LARGEST:
            return f"<{type(value).__name__} of {math.prod(value.shape):,} items>"
        return plain(value.tolist())
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return f"<{type(value).__name__}>"


def agree(one: Any, other: Any, tolerance: float = TOLERANCE, near_zero: float | None = None) -> bool:
    """Whether two plain values are the same: numbers to a tolerance, texts without regard to case, lists item by item.

    tolerance: relative; near_zero: absolute (by default as large).

    >>> agree([0.1 + 0.2, "Larger"], [0.3, "larger"])
    True
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(agree(one[name], other[name], tolerance, near_zero) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            agree(a, b, tolerance, near_zero) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, str) and isinstance(other, str):
        return one.strip().casefold() == other.strip().casefold()
    if isinstance(one, (bool, int, float)) and isinstance(other, (bool, int, float)):
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance if near_zero is None else near_zero)
    return one is None and other is None


def has_blank(value: Any) -> bool:
    """Whether there are dots in a plain value.

    >>> has_blank([1.0, [BLANK]])
    True
    """
    if isinstance(value, (list, dict)):
        return any(map(has_blank, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and value == BLANK


def shape(value: Any) -> tuple[int, ...] | None:
    """The shape of nested lists of numbers; None where rows differ in length or something else is among them.

    >>> shape([[1.0], [2.0]])
    (2, 1)
    """
    if isinstance(value, (bool, int, float)):
        return ()
    if not isinstance(value, list):
        return None
    inner = {shape(item) for item in value}
    if len(inner) > 1 or None in inner:
        return None
    return (len(value), *(inner.pop() or () if inner else ()))
