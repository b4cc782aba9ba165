"""Running an answer through the cases of its exercise."""

from __future__ import annotations

import dis
from collections.abc import Sequence
from types import CodeType
from typing import Any

from .calling import call_safely, is_empty
from .exercise import Exercise
from .plain import BLANK, TOLERANCE, agree, plain

Outcome = dict[str, Any]  # {"value": …}, {"error": its name, "says": its text} or {"timeout": True}


def run_cases(exercise: Exercise, answer: Any, seed: str, timeout: float) -> dict[str, Any]:
    """What the answer gives in each case, as plain values: {"cases": [Outcome, …], "printed": text}.

    timeout: seconds for each case; once one took longer, one second for each of the others.
    """
    cases: list[Outcome] = []
    printed = ""
    for arguments in calls_of(exercise, seed):
        outcome = call_safely(_measured, exercise, answer, arguments, timeout=timeout)
        printed = printed or outcome.printed  # of the first case that prints: the others mostly print alike
        if outcome.timed_out:
            cases.append({"timeout": True})
            timeout = min(timeout, 1.0)
        elif outcome.error:
            cases.append({"error": outcome.error, "says": outcome.says})
        else:
            cases.append({"value": outcome.value})
    return {"cases": cases, "printed": printed}


def was_touched(exercise: Exercise, answer: Any) -> bool:
    """Whether a function was changed at all: one that changes nothing that is seen may still be an attempt."""

    def compare() -> bool:
        code, start = (getattr(f, "__code__", None) for f in (answer, exercise.run(exercise.start)))
        return code is not None and start is not None and _instructions(code) != _instructions(start)

    return call_safely(compare).value is True


def _instructions(code: CodeType) -> list[Any]:
    """What a function loads, stores and computes. How it calls is left out: that depends on where the imports stand."""
    return [
        _instructions(one.argval) if isinstance(one.argval, CodeType) else (one.opname[:4], one.argval)
        for one in dis.get_instructions(code)
        if one.opname.startswith(("LOAD_", "STORE_", "BINARY_", "COMPARE_", "UNARY_", "CONTAINS_", "IS_"))
    ]


def calls_of(exercise: Exercise, seed: str) -> list[tuple[Any, ...]]:
    """The arguments of each call; where the answer is no function there is one case, without arguments."""
    return exercise.arguments(seed) or [()]


def _measured(exercise: Exercise, answer: Any, arguments: tuple[Any, ...]) -> Any:
    """What is compared. It is made plain in here, since a learner's own object may run their code when it is read."""
    if answer is ... or (isinstance(answer, (tuple, list)) and answer and all(item is ... for item in answer)):
        return BLANK
    if (exercise.cases or exercise.draw) and is_empty(answer):
        return BLANK
    if exercise.measure:
        return plain(exercise.measure(answer, *arguments))
    return plain(answer(*arguments)) if arguments else plain(answer)


def same(one: Outcome, other: Outcome, tolerance: float = TOLERANCE) -> bool:
    """Whether two outcomes are alike: equal values, errors of one kind, or two time-outs."""
    if "value" in one and "value" in other:
        return agree(one["value"], other["value"], tolerance)
    return "value" not in one and "value" not in other and one.get("error") == other.get("error")


def same_everywhere(some: Sequence[Outcome], others: Sequence[Outcome], tolerance: float = TOLERANCE) -> bool:
    """Whether they are alike in all cases."""
    return len(some) == len(others) and all(
        same(one, other, tolerance) for one, other in zip(some, others, strict=True)
    )
