"""Mistakes that can happen in any exercise: nothing returned, a sign, an order, a shape."""

from __future__ import annotations

from typing import Any

from .plain import BLANK, agree, shape


def general_mistake(outcome: dict[str, Any], right: Any) -> tuple[str, str]:
    """The short name of the mistake ("" if it is not known), and what is said of it."""
    if "timeout" in outcome:
        return "the code never ends", "It was stopped because it took too long. Which loop never comes to its end?"
    if "error" in outcome:
        return f"{outcome['error']} is raised", f"Your code stopped with {outcome['says']}"
    got = outcome["value"]
    for found, name, advice in (
        (got == BLANK, "a blank is left", "There are still dots here."),
        (got is None, "nothing is returned", "Your function gives None back. Does it end with `return`?"),
        (_flipped(got, right), "the sign is the other way round", "The size is right, the sign is not."),
        (_backwards(got, right), "the order is reversed", "These are the right ones in the reverse order."),
        (_other_shape(got, right), "the shape is another one", _shapes(got, right)),
        (
            _other_kind(got, right),
            "it is of another kind",
            f"{_kind(right)} is asked for; this is {_kind(got).lower()}.",
        ),
    ):
        if found:
            return name, advice
    return "", ""


def _negative(value: Any) -> Any:
    if isinstance(value, list):
        return [_negative(item) for item in value]
    return -value if isinstance(value, float) else value


def _flipped(got: Any, right: Any) -> bool:
    return agree(_negative(got), right) and not agree(got, right)


def _backwards(got: Any, right: Any) -> bool:
    return isinstance(got, list) and agree(got[::-1], right)


def _other_shape(got: Any, right: Any) -> bool:
    return bool(shape(right)) and shape(got) is not None and shape(got) != shape(right)


def _shapes(got: Any, right: Any) -> str:
    return f"Its shape is {shape(got)}, and {shape(right)} is asked for. Print the shape after each step."


def _kind(value: Any) -> str:
    if isinstance(value, str) and value.startswith("<"):
        return f"An object ({value[1:-1]})"
    kinds = {
        bool: "True or False",
        float: "A number",
        str: "A text",
        list: "A list",
        dict: "A dict",
        type(None): "None",
    }
    return kinds[type(value)]


def _other_kind(got: Any, right: Any) -> bool:
    numbers = (bool, float)
    return type(got) is not type(right) and not (isinstance(got, numbers) and isinstance(right, numbers))
