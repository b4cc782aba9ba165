"""The marker: runs an answer, compares it with the right one, and names the wrong idea that gives the same numbers.

It works in two halves, so that a grader can run the first in a process of its own: `collect` calls the learner's code
and returns plain answers, `judge` compares them and never sees the learner's code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from .exercise import Exercise
from .general import general_mistake
from .plain import BLANK
from .reference import Reference, in_parts, reference, telling_seed
from .report import ERROR, FAILED, NOT_ATTEMPTED, PASSED, TIMEOUT, Case, Report, shown
from .running import Outcome, run_cases, same, same_everywhere, was_touched

LONG = 40  # characters: an answer that is longer isn't repeated in the sentence on it

Why = tuple[str, str]  # the short name of a mistake, and what is said of it


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
    state = _state(outcomes, known, exercise.tolerance, bool(answers.get("touched")))
    points, hint = float(len(outcomes)), f"ex.hint({exercise.id!r})"
    if state == NOT_ATTEMPTED:
        dots = all(_is_blank(outcome) for outcome in outcomes)
        untouched = "Put your own in place of the dots." if dots else "It gives the same as the untouched code."
        return Report(exercise.id, state, out_of=points, message=f"{untouched} A first hint: {hint}")
    whys = _whys(known, outcomes, exercise.tolerance)
    cases = tuple(_case(exercise, known, place, outcome, whys[place]) for place, outcome in enumerate(outcomes))
    message = exercise.why if state == PASSED else f"Stuck? {hint}"
    return Report(exercise.id, state, cases, points, message, answers.get("printed", "") if state != PASSED else "")


def _state(outcomes: Sequence[Outcome], known: Reference, tolerance: float, touched: bool) -> str:
    if all(_is_blank(outcome) for outcome in outcomes) or (not touched and _as_at_start(outcomes, known.start)):
        return NOT_ATTEMPTED
    if same_everywhere(outcomes, known.right, tolerance):
        return PASSED
    if any("timeout" in outcome for outcome in outcomes):
        return TIMEOUT
    return ERROR if all("error" in outcome for outcome in outcomes) else FAILED


def _as_at_start(outcomes: Sequence[Outcome], start: Sequence[Outcome]) -> bool:
    """Whether it is what the code at the start gives; an error counts only with the same words."""
    words = [[outcome.get("says", "").partition(" (in ")[0] for outcome in some] for some in (outcomes, start)]
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
    return Case(name, False, expected, got, why[1], why[0], nudged)


def _whys(known: Reference, outcomes: Sequence[Outcome], tolerance: float) -> list[Why | None]:
    """For each case None if it is right, else the mistake: of those that explain it, the one that explains most cases.

    A wrong idea that gives the same in one case by chance stands back behind one that gives the same in more of them,
    and both behind one that gives the same in all cases, the right ones included.
    """
    everywhere = {idea.name for idea, given in known.wrong if same_everywhere(outcomes, given)}
    possible = [
        [] if same(outcome, right, tolerance) else _possible(known, place, outcome)
        for place, (outcome, right) in enumerate(zip(outcomes, known.right, strict=True))
    ]
    explained = Counter(name for whys in possible for name, _ in whys)

    def weight(why: Why) -> tuple[bool, int]:
        return why[0] in everywhere, explained[why[0]]

    return [max(whys, key=weight) if whys else None for whys in possible]


def _possible(known: Reference, place: int, outcome: Outcome) -> list[Why]:
    """All mistakes that give this outcome: the exercise's own wrong ideas, then what can happen in any exercise."""
    right = known.right[place]
    text = shown(outcome["value"]) if "value" in outcome else ""
    begin = f"Your {text} is" if 0 < len(text) <= LONG else "This is"
    ideas = [idea for idea, given in known.wrong if same(outcome, given[place]) and not same(right, given[place])]
    own = [(idea.name, f"{begin} what you get if {idea.name}. {idea.advice}") for idea in ideas]
    general = general_mistake(outcome, right["value"], known.words)
    if not general[0] and same(outcome, known.start[place]):
        general = "nothing is changed by it", "What comes out is the same as without your change."
    return own if own and not general[0] else [*own, general]
