"""A guess beside what came out, with a word on how the two may hang together."""

from __future__ import annotations

from typing import Any

from .calling import call_safely
from .plain import BLANK, agree, plain
from .report import FAILED, NOT_ATTEMPTED, PASSED, Case, Report, shown

_RELATIONS = (
    (-1.0, "the sign is the other way round", "Only the sign is another: does it grow or fall?"),
    (2.0, "a second path is forgotten", "That is twice your guess: is there a second path?"),
    (0.5, "it is counted twice", "That is half of your guess: is something counted twice?"),
)


def compare(name: str, guess: Any, actual: Any) -> Report:
    """The report on a guess. `actual` may be a function without arguments, which is called last."""
    guessed = call_safely(plain, guess).value  # written down before anything is run
    if guessed == BLANK:
        return Report(name, NOT_ATTEMPTED, message=f"{name}: guess first. Put a number in place of the dots.")
    came_out = plain(actual() if callable(actual) else actual)
    if agree(guessed, came_out, tolerance=1e-3, near_zero=1e-9):  # a guess on paper has few digits
        text = f"{name}: you guessed {shown(guessed)}, and so it is."
        return Report(name, PASSED, (Case(name, True),), 1.0, text)
    mistake, advice = _relation(guessed, came_out)
    text = f"{name}: you guessed {shown(guessed)}, and it is {shown(came_out)}. {advice}".rstrip()
    return Report(name, FAILED, (Case(name, False, came_out, guessed, advice, mistake),), 1.0, text)


def _relation(guess: Any, actual: Any) -> tuple[str, str]:
    if isinstance(guess, float) and isinstance(actual, float) and guess:
        for factor, mistake, advice in _RELATIONS:
            if agree(guess * factor, actual):
                return mistake, advice
    return "", ""
