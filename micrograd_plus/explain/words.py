"""What a sentence calls a node, an operand, a number and a place in a row."""

from __future__ import annotations

from typing import Any

from ..engine.graph import Node
from .reading import Reading, number_text

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def called(node: Node, reading: Reading) -> str:
    """What to call a node inside of a formula: its name; its expression or number in brackets where needed.

    >>> from micrograd_plus import Value
    >>> a = Value(2.0, label="a")
    >>> b = a + 1
    >>> called(b, Reading(b)), called(b, Reading(b, {"b": b}))
    ('(a + 1)', 'b')
    """
    if reading.is_named(node):
        return reading.name(node)
    if node.op is None:
        return f"({reading.name(node)}{' array' if getattr(node, 'shape', ()) else ''})"
    return reading.factor(node)


def operand_name(node: Node, i: int, reading: Reading) -> str:
    """What to call operand i of `node`: "(second a)" in a*a, since each place has a slope of its own."""
    x = node.operands[i]
    if sum(x is other for other in node.operands) == 1:
        return called(x, reading)
    return f"({ordinal(sum(x is other for other in node.operands[: i + 1]))} {called(x, reading)})"


def plain_operand(x: Any) -> Any:
    """An operand that is no node: a number as it is, without a needless .0; an array by its shape."""
    if getattr(x, "shape", ()):
        return f"({'×'.join(map(str, x.shape))} array)"
    number = float(x)
    return int(number) if number.is_integer() else number


def amount(x: Any) -> str:
    """A number, or a node's number, in 4 significant digits; an array of several by its shape.

    >>> amount(2 / 3), amount(-0.0)
    ('0.6667', '0')
    """
    if getattr(x, "size", 1) != 1:
        return f"array {x.shape}"
    return number_text(float(x.item() if hasattr(x, "item") else x))


def ordinal(n: int) -> str:
    """first, second … tenth, 11th.

    >>> ordinal(2), ordinal(21)
    ('second', '21st')
    """
    if n <= len(ORDINALS):
        return ORDINALS[n - 1]
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"
