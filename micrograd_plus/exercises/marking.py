"""The marker: runs an answer, compares it with the right one, and names the wrong idea that gives the same numbers.

It works in two halves, so that a grader can run the first in a process of its own: `collect` calls the learner's code
and returns plain answers, `judge` compares them and never sees the learner's code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from .calling import PLACE
from .exercise import Exercise, Wrong
from .general import UNKNOWN, Why, general_mistake, stopped_with
from .plain import BLANK
from .reference import Reference, in_parts, reference, telling_seed
from .report import ERROR, FAILED, NOT_ATTEMPTED, PASSED, TIMEOUT, Case, Report, shown
from .running import Outcome, run_cases, same, same_everywhere, was_touched

LONG = 40  # characters: an answer that is longer isn't repeated in the sentence on it


def check(exercise: Exercise, answer: Any, seed: object = None, timeout: float = 5.0) -> Report:
    """Mark an answer: collect what it gives, and judge that."""
    return judge(exercise, collect(exercise, answer, seed, timeout), seed)


def collect(exercise: Exercise, answer: Any, seed: object = None, timeout: float = 5.0) -> dict[str, Any]:
    """What the learner's answer gives, as plain values (see `run_cases`): the half that runs the learner's code."""
    if exercise.collecting:
        return exercise.collecting(answer, timeout)
    found = run_cases(exercise, answer, telling_seed(exercise, str(seed)), timeout)
    return {**found, "touched": was_touched(exercise, answer)}


def judge(exercise: Exercise, answers: dict[str, Any], seed: object = None) -> Report:
    """Compare what was collected with the right answers and with the wrong ideas."""
    if exercise.judging:
        return exercise.judging(answers)
    known = reference(exercise, telling_seed(exercise, str(seed)))
    outcomes = in_parts(answers["cases"], known.called)
    state = _state(exercise, outcomes, known, bool(answers.get("touched")))
    points, hint = float(len(outcomes)), f"ex.hint({exercise.id!r})"
    if state == NOT_ATTEMPTED:
        dots = all(_is_blank(outcome) for outcome in outcomes)
        untouched = "Put your own in place of the dots." if dots else "It gives the same as the untouched code."
        return Report(exercise.id, state, out_of=points, message=f"{untouched} A first hint: {hint}")
    whys = _whys(exercise, known, outcomes)
    cases = tuple(_case(exercise, known, place, outcome, whys[place]) for place, outcome in enumerate(outcomes))
    message = exercise.why if state == PASSED else f"Stuck? {hint}"
    return Report(exercise.id, state, cases, points, message, answers.get("printed", "") if state != PASSED else "")


def _state(exercise: Exercise, outcomes: Sequence[Outcome], known: Reference, touched: bool) -> str:
    if all(_is_blank(outcome) for outcome in outcomes) or (not touched and _as_at_start(outcomes, known.start)):
        return NOT_ATTEMPTED
    if same_everywhere(outcomes, known.right, exercise.tolerance):
        return PASSED
    if any("timeout" in outcome for outcome in outcomes):
        return TIMEOUT
    raised = all("error" in outcome for outcome in outcomes)
    return ERROR if raised and (exercise.cases or exercise.draw) else FAILED


def _as_at_start(outcomes: Sequence[Outcome], start: Sequence[Outcome]) -> bool:
    """Whether it is what the code at the start gives; an error counts only with the same words."""
    words = [[outcome.get("says", "").partition(PLACE)[0] for outcome in some] for some in (outcomes, start)]
    return same_everywhere(outcomes, start) and words[0] == words[1]


def _is_blank(outcome: Outcome) -> bool:
    value = outcome.get("value", 0)
    if isinstance(value, list) and value:
        return all(item == BLANK for item in value)
    return value in (BLANK, "") or outcome.get("error") == "NotImplementedError"


def _case(exercise: Exercise, known: Reference, place: int, outcome: Outcome, why: Why | None) -> Case:
    name, right = known.names[place], known.right[place]
    if why is None:
        return Case(name, True)
    expected, nudged = (right["value"], known.nudged[place]) if exercise.reveals else (None, None)
    got = outcome.get("value") if outcome.get("value") != BLANK else None
    return Case(name, False, expected, got, why.says, why.mistake, nudged, why.advice)


def _whys(exercise: Exercise, known: Reference, outcomes: Sequence[Outcome]) -> list[Why | None]:
    """For each case None if it is right, else what is said of it.

    A wrong idea is named where it gives the learner's answers in all cases. Where it does so in all cases that are
    wrong, but would also have spoiled one that is right, the sentence says that. An idea that fits here and there is
    chance, and not named. Of an answer with several blanks, each is a case of its own.
    """
    wrong = [not same(one, other, exercise.tolerance) for one, other in zip(outcomes, known.right, strict=True)]
    everywhere = next((idea for idea, given in known.wrong if _explains(outcomes, given)), None)
    if everywhere:
        return [_named(exercise, everywhere, one) if bad else None for bad, one in zip(wrong, outcomes, strict=True)]
    several_blanks = len(outcomes) > len(known.called)
    possible = [
        _fitting(known, place, outcome) if bad else []
        for place, (bad, outcome) in enumerate(zip(wrong, outcomes, strict=True))
    ]
    fits = Counter(idea for ideas in possible for idea in ideas)
    whys: list[Why | None] = []
    for place, outcome in enumerate(outcomes):
        best = max(possible[place], key=lambda idea: fits[idea], default=None)
        if not wrong[place]:
            whys.append(None)
        elif best and several_blanks:
            whys.append(_named(exercise, best, outcome))
        elif best and fits[best] == sum(wrong):
            whys.append(_named(exercise, best, outcome, doubt=" (Not all of your other answers fit that.)"))
        else:
            whys.append(_in_general(exercise, known, place, outcome))
    return whys


def _explains(outcomes: Sequence[Outcome], given: Sequence[Outcome]) -> bool:
    """Whether an idea gives these outcomes. An error of the same kind alone is too little to tell by."""
    return same_everywhere(outcomes, given) and any(map(_tells, outcomes, given))


def _tells(one: Outcome, other: Outcome) -> bool:
    words = (outcome.get("says", "").partition(PLACE)[0] for outcome in (one, other))
    return "value" in one or "timeout" in one or len(set(words)) == 1


def _fitting(known: Reference, place: int, outcome: Outcome) -> list[Wrong]:
    """The wrong ideas that give just this here."""
    right = known.right[place]
    return [
        idea
        for idea, given in known.wrong
        if same(outcome, given[place]) and _tells(outcome, given[place]) and not same(right, given[place])
    ]


def _named(exercise: Exercise, idea: Wrong, outcome: Outcome, doubt: str = "") -> Why:
    text = shown(outcome["value"]) if "value" in outcome else ""
    written = not exercise.measure or isinstance(outcome.get("value"), float)  # else `measure` has put it together
    begin = f"Your {text} is" if written and 0 < len(text) <= LONG else "This is"
    if "error" in outcome:
        begin = f"{stopped_with(outcome)}. That is"
    return Why(idea.name, f"{begin} what you get if {idea.name}. {idea.advice}{doubt}", idea.advice)


def _in_general(exercise: Exercise, known: Reference, place: int, outcome: Outcome) -> Why:
    right = known.right[place]["value"]
    called = bool(exercise.cases or exercise.draw)
    choice = isinstance(right, str) and not called and not any(" " in word for word in known.words)
    words = known.words if choice else ()
    why = general_mistake(outcome, right, called=called, reveals=exercise.reveals, words=words)
    if why == UNKNOWN and same(outcome, known.start[place]):
        return Why("nothing is changed by it", "What comes out is the same as without your change.")
    return why
