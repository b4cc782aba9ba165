"""What a marker compares with: the answers of the right code, of the code at the start, and of each wrong idea."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

from .calling import call_safely
from .exercise import Exercise, Fill, Wrong, filled
from .plain import BLANK
from .running import Outcome, calls_of, run_cases, same_everywhere

REDRAWN = 100  # draws that are tried until all wrong ideas give different answers
H = 1e-5  # the nudge of a central difference


_MATH = dict(vars(math))


@contextmanager
def _with_math_as_it_was() -> Iterator[None]:
    """Inside, `math` is what it was at first: a learner who tries out `math.exp = …` must not change what is right."""
    now = dict(vars(math))
    vars(math).update(_MATH)
    try:
        yield
    finally:
        vars(math).update(now)


@dataclass(frozen=True)
class Reference:
    """What the right code, the code at the start and each wrong idea give: an outcome for each of `names`.

    called: what the right code gives for each call, before answers of several blanks are taken apart.
    """

    called: list[Outcome]
    names: list[str]
    right: list[Outcome]
    start: list[Outcome]
    wrong: list[tuple[Wrong, list[Outcome]]]
    nudged: list[Any]

    @property
    def words(self) -> list[str]:
        """The texts that are answers, right or wrong ones: what one chooses from."""
        outcomes = [*self.right, *(outcome for _, given in self.wrong for outcome in given)]
        return sorted({outcome["value"] for outcome in outcomes if isinstance(outcome.get("value"), str)})

    def told_apart(self) -> bool:
        """Whether no two of them are the same everywhere."""
        all_of_them = [self.right, *(outcomes for _, outcomes in self.wrong)]
        return not any(same_everywhere(one, other) for one, other in combinations(all_of_them, 2))


@lru_cache(maxsize=512)
@_with_math_as_it_was()
def reference(exercise: Exercise, seed: str) -> Reference:
    """What is compared with. Computed by running the exercise's own code."""
    calls = calls_of(exercise, seed)
    right = _given_by(exercise, exercise.right, seed)
    names = [
        name for arguments, outcome in zip(calls, right, strict=True) for name in _names(exercise, arguments, outcome)
    ]
    nudged = [_nudged(exercise, arguments) for arguments in calls] if exercise.forward else [None] * len(names)
    return Reference(
        called=right,
        names=names,
        right=in_parts(right, right),
        start=in_parts(_given_by(exercise, exercise.bug or "...", seed), right),
        wrong=[(idea, in_parts(_given_by(exercise, idea.fill, seed), right)) for idea in exercise.wrong],
        nudged=nudged,
    )


def _given_by(exercise: Exercise, fill: Fill, seed: str) -> list[Outcome]:
    made = call_safely(exercise.run, filled(exercise.code, fill))
    if made.error:
        return [{"error": made.error, "says": made.says} for _ in calls_of(exercise, seed)]
    cases: list[Outcome] = run_cases(exercise, made.value, seed, timeout=2.0)["cases"]
    return cases


def _names(exercise: Exercise, arguments: tuple[Any, ...], right: Outcome) -> list[str]:
    """How a case is called. An answer of several blanks is a dict: each of its names is a case."""
    value = right["value"]
    call = exercise.say_case(arguments) if arguments else ""
    if isinstance(value, dict):
        return [f"{call}: {name}" if call else name for name in value]
    return [call or exercise.name]


def in_parts(outcomes: Sequence[Outcome], right: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes, those of a dict one for each of its names."""
    parts: list[Outcome] = []
    for outcome, wanted in zip(outcomes, right, strict=True):
        if not isinstance(wanted["value"], dict):
            parts.append(outcome)
        elif isinstance(outcome.get("value"), dict):
            parts += [{"value": outcome["value"].get(name, BLANK)} for name in wanted["value"]]
        elif outcome.get("value", BLANK) in (BLANK, None):
            parts += [outcome] * len(wanted["value"])
        else:
            says = f"a dict with the names {', '.join(wanted['value'])} is asked for."
            parts += [{"error": "TypeError", "says": says}] * len(wanted["value"])
    return parts


def _nudged(exercise: Exercise, arguments: tuple[Any, ...]) -> Any:
    """The gradients of `exercise.forward` by central differences."""
    assert exercise.forward
    found = []
    for place in exercise.wrt:
        up, down = list(arguments), list(arguments)
        up[place], down[place] = up[place] + H, down[place] - H
        found.append((exercise.forward(*up) - exercise.forward(*down)) / (2 * H))
    return found if len(found) > 1 else found[0]


@lru_cache(maxsize=512)
def telling_seed(exercise: Exercise, seed: str) -> str:
    """The seed, or the first one made from it, at which all wrong ideas give different answers.

    The seed as it is where there is none (the tests see to it that no exercise of the catalogue is like that).
    """
    if not exercise.draw:
        return seed
    for attempt in range(REDRAWN):
        tried = f"{seed}/{attempt}" if attempt else seed
        if reference(exercise, tried).told_apart():
            return tried
    return seed
