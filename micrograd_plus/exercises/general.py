"""Mistakes that can happen in any exercise: nothing returned, a sign, an order, a shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .calling import PLACE
from .plain import agree, has_blank, shape


class Why(NamedTuple):
    """What is said of a case that is wrong.

    mistake: its short name, "" if it has none. says: whole sentences. advice: that of a wrong idea, else "".
    """

    mistake: str
    says: str
    advice: str = ""


UNKNOWN = Why("", "None of the mistakes that are known here gives this.")


def general_mistake(outcome: dict[str, Any], right: Any, *, called: bool, reveals: bool, words: Sequence[str]) -> Why:
    """What is wrong with this outcome, as far as it can be said without knowing the exercise.

    called: whether the answer is a function. reveals: whether what is right is shown beside it. words: the answers
    among which one chooses, if it is to be one of a few words.
    """
    if "timeout" in outcome:
        return Why("the code never ends", "It was stopped because it took too long. Which loop never comes to its end?")
    if "error" in outcome:
        return Why(f"{outcome['error']} is raised", stopped_with(outcome))
    got = outcome["value"]
    if has_blank(got):
        return Why("a blank is left", "There are still dots here.")
    if got is None:
        says = "Your function gives None back. Does it end with `return`?" if called else "It is None."
        return Why("nothing is returned", says)
    if agree(_negative(got), right):
        says = "The size is right, the sign is not." if reveals else "And its sign?"
        return Why("the sign is the other way round", says)
    if isinstance(got, list) and agree(got[::-1], right):
        says = "These are the right ones in the reverse order." if reveals else "Which of them comes first, and why?"
        return Why("the order is reversed", says)
    if bool(shape(right)) and shape(got) not in (None, shape(right)):
        return Why("the shape is another one", _shapes(got, right))
    if words and isinstance(got, str) and not any(agree(got, word) for word in words):
        return Why("another word is written", f"Write one of {', '.join(map(repr, words))}.")
    if _kind(got) != _kind(right):
        return Why("it is of another kind", f"{_kind(right)} is asked for, not {_kind(got).lower()}.")
    return UNKNOWN


def stopped_with(outcome: dict[str, Any]) -> str:
    """A sentence on an error: its message, and the learner's line."""
    begin = "Your code stopped with" if PLACE in outcome["says"] else "It can't be used as it is:"
    return f"{begin} {outcome['says']}"


def _negative(value: Any) -> Any:
    if isinstance(value, list):
        return [_negative(item) for item in value]
    return -value if isinstance(value, float) else value


def _shapes(got: Any, right: Any) -> str:
    if max(len(shape(got) or ()), len(shape(right) or ())) < 2:  # no arrays: readers of early lessons know no shapes
        wanted, found = (len(value) if isinstance(value, list) else 1 for value in (right, got))
        return f"It has {found} number{'s' * (found != 1)}, and {wanted} {'is' if wanted == 1 else 'are'} asked for."
    if shape(got) == (shape(right) or ())[1:]:
        return f"{len(right)} of this kind are asked for, and this is one."
    return f"Its shape is {shape(got)}, and {shape(right)} is asked for. Print the shape after each step."


def _kind(value: Any) -> str:
    if isinstance(value, str) and value.startswith("<"):
        return f"An object ({value[1:-1]})"
    if isinstance(value, (bool, float, int)):
        return "A number" if not isinstance(value, bool) else "True or False"
    if isinstance(value, str):
        return "A text"
    return "A list or tuple" if isinstance(value, list) else "A dict" if isinstance(value, dict) else "None"
