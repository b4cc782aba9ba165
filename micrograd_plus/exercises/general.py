"""Mistakes that can happen in any exercise: nothing returned, a sign, an order, a shape."""

from __future__ import annotations

from typing import Any

from .plain import BLANK, agree, shape


def general_mistake(outcome: dict[str, Any], right: Any, words: list[str]) -> tuple[str, str]:
    """The short name of the mistake ("" if it is not known), and what is said of it.

    words: the answers among which one chooses, where the right one is a text.
    """
    if "timeout" in outcome:
        return "the code never ends", "It was stopped because it took too long. Which loop never comes to its end?"
    if "error" in outcome:
        begin = "Your code stopped with" if " (in " in outcome["says"] else "It can't be used as it is:"
        return f"{outcome['error']} is raised", f"{begin} {outcome['says']}"
    got = outcome["value"]
    for found, name, advice in (
        (got == BLANK, "a blank is left", "There are still dots here."),
        (got is None, "nothing is returned", "Your function gives None back. Does it end with `return`?"),
        (_flipped(got, right), "the sign is the other way round", "The size is right, the sign is not."),
        (_backwards(got, right), "the order is reversed", "These are the right ones in the reverse order."),
        (_other_shape(got, right), "the shape is another one", _shapes(got, right)),
        (_other_word(got, right, words), "another word is written", f"Write one of {', '.join(map(repr, words))}."),
        (_other_kind(got, right), "it is of another kind", f"{_kind(right)} is asked for, not {_kind(got).lower()}."),
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
    if max(len(shape(got) or ()), len(shape(right) or ())) < 2:  # no arrays: readers of early lessons know no shapes
        wanted, found = (len(value) if isinstance(value, list) else 1 for value in (right, got))
        return f"It has {found} number{'s' * (found != 1)}, and {wanted} {'is' if wanted == 1 else 'are'} asked for."
    return f"Its shape is {shape(got)}, and {shape(right)} is asked for. Print the shape after each step."


def _other_word(got: Any, right: Any, words: list[str]) -> bool:
    both_texts = isinstance(got, str) and isinstance(right, str) and not got.startswith("<")
    return both_texts and not any(agree(got, word) for word in words)


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
