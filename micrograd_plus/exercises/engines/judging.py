"""Judging: what was collected is compared with the right numbers, and where it differs, with each wrong idea."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..general import Why
from ..report import FAILED, NOT_ATTEMPTED, PASSED, Case, Report, number, shown
from .faults import Fault, fault, is_blank, missing, not_numbers
from .ideas import Idea, Numbers, foretold, right_numbers
from .known import IDEAS
from .picture import close, difference, picture_of
from .programs import Program
from .stages import PROGRAMS

ID = "engine"
Seen = dict[str, Any]


def judge_engine(observations: dict[str, Any], picture: bool = True) -> Report:
    """The report on what `collect_engine` found: a case for each stage, up to the first that is not right.

    picture: whether the smallest graph that goes wrong is drawn.

    >>> from micrograd_plus import Value
    >>> from micrograd_plus.exercises.engines import collect_engine
    >>> judge_engine(collect_engine(Value, stages="add mul"))
    <Report engine: passed (2 of 2 right).>
    """
    name, stages = observations["name"], observations["stages"]
    if _not_attempted(observations):
        first = observations["programs"][stages[0]][0]
        begin = f"`{first['at']}`" if first["during"] not in ("making", "") else "`__init__` and `__add__`"
        dots = "Put your own in place of the dots: b" if is_blank(first, name) else f"{name} can't compute yet. B"
        return Report(ID, NOT_ATTEMPTED, out_of=len(stages), message=f"{dots}egin with {begin}.")
    for stage in stages:
        place = _first_wrong(observations, stage)
        if place is not None:
            seen = _seen(observations, stage, place)
            return _report_on(observations, stage, PROGRAMS[stage][place], seen, picture)
    message = f"{name} passes all that was looked at: {', '.join(stages)}."
    return Report(ID, PASSED, tuple(Case(stage, True) for stage in stages), len(stages), message)


def judge_own_engine(observations: dict[str, Any]) -> Report:
    """The report of the exercise: as `judge_engine` has it, but the library's own Value or Tensor earns nothing."""
    return _refusal(observations) if is_borrowed(observations) else judge_engine(observations)


def is_borrowed(observations: dict[str, Any]) -> bool:
    """Whether numbers of this library were among what the class made."""
    programs = observations["programs"].values()
    return any(seen.get("borrowed") for stage in programs for seen in stage)


def _refusal(observations: dict[str, Any]) -> Report:
    why = (
        f"What {observations['name']} makes is a number of micrograd_plus, which brings all of its engine along. Here "
        "the engine is to be yours: a class that doesn't inherit from Value or Tensor and doesn't give any back. Begin "
        "with `__init__` and `__add__`."
    )
    case = Case("your own engine", False, why=why, mistake="the engine is the library's, not your own")
    return Report(ID, FAILED, (case,), len(observations["stages"]))


def _seen(observations: dict[str, Any], stage: str, place: int) -> Seen:
    """What was seen of a program; where time was over before its turn, that."""
    programs = observations["programs"].get(stage, [])
    nothing = {"data": {}, "grad": {}, "error": "Timeout", "text": "", "says": "", "during": "", "at": ""}
    return programs[place] if place < len(programs) else nothing


def _not_attempted(observations: dict[str, Any]) -> bool:
    """Whether there is nothing but dots and missing methods."""
    name = observations["name"]
    programs = [seen for stage in observations["stages"] for seen in observations["programs"].get(stage, [])]
    if not programs or ("add" not in observations["stages"] and not is_blank(programs[0], name)):
        return False
    return all(is_blank(seen, name) or missing(seen, name) not in ("", "backward") for seen in programs)


def _first_wrong(observations: dict[str, Any], stage: str) -> int | None:
    """The place of the first program of a stage that is not right; None if all are."""
    wrong = (i for i, p in enumerate(PROGRAMS[stage]) if not _is_right(p, _seen(observations, stage, i)))
    return next(wrong, None)


def _is_right(program: Program, seen: Seen) -> bool:
    return not seen["error"] and not any(_differences(program, seen, right_numbers(program)))


def _differences(program: Program, seen: Seen, numbers: Numbers) -> Iterator[tuple[str, str]]:
    """Where an engine differs from these numbers, as ("data", "y"): in all .data, and in the leaves' .grad.

    What an engine keeps as .grad of the boxes that were computed is its own affair.
    """
    for name, value in numbers["data"].items():
        if not close(value, seen["data"].get(name)):
            yield "data", name
    for name in program.inputs:
        if not close(numbers["grad"][name], seen["grad"].get(name)):
            yield "grad", name


# ---- the report on what is wrong -------------------------------------------------------------------------------------


def _report_on(observations: dict[str, Any], stage: str, program: Program, seen: Seen, picture: bool) -> Report:
    """On the first stage that is not right; the later ones count for the points, and aren't spoken of."""
    name, stages = observations["name"], observations["stages"]
    title = f"{stage}: {program.title}   with {_inputs(program)}"
    trouble = fault(seen, name, program.is_long) if seen["error"] else not_numbers(seen, name, program.inputs)
    if trouble:
        advice = "" if trouble.plain else trouble.advice
        case = Case(title, False, why=_why(trouble, seen), mistake=trouble.name, advice=advice)
        state = trouble.state
    else:
        case, state = _numbers_case(observations, stage, program, seen, title), FAILED
    right = stages[: stages.index(stage)]
    later = stages[stages.index(stage) + 1 :]
    after = [Case(s, _first_wrong(observations, s) is None) for s in later]
    svg, alt = "", ""
    if picture and not program.is_long and not seen["error"]:
        svg, alt = picture_of(program, _yours(program, seen))
    done = f"Right so far: {', '.join(right)}." if right else ""
    cases = (*(Case(s, True) for s in right), case, *after)
    return Report(ID, state, cases, len(stages), done, observations.get("printed", ""), svg, alt)


def _why(trouble: Fault, seen: Seen) -> str:
    if trouble.plain:
        return trouble.advice
    begin = f"The {seen['error']} is" if seen["error"].endswith("Error") else "This is"
    return f"{begin} what you get if {trouble.name}. {trouble.advice}"


def _inputs(program: Program) -> str:
    return ", ".join(f"{leaf} = {number(value)}" for leaf, value in program.inputs.items())


def _numbers_case(observations: dict[str, Any], stage: str, program: Program, seen: Seen, title: str) -> Case:
    """Expected and got, for what differs: the numbers themselves first, gradients only where those are right."""
    right = right_numbers(program)
    wrong = list(_differences(program, seen, right))
    kind = wrong[0][0]
    names = [name for what, name in wrong if what == kind]
    got = {f"{name}.{kind}": seen[kind].get(name) for name in names}
    expected = {f"{name}.{kind}": right[kind][name] for name in names}
    nudged = None
    if kind == "grad" and not program.has_kink:
        slopes = program.nudged()
        nudged = {f"{name}.grad": slopes[name] for name in names}
    found = _named(observations, stage, program, seen)
    begin = f"Your {shown(got)} is" if len(got) == 1 else "This is"
    why = f"{begin} what you get if {found.says}" if found.mistake else found.says
    return Case(title, False, expected, got, why, found.mistake, nudged, found.advice)


def _yours(program: Program, seen: Seen) -> dict[str, str]:
    """What to write into the boxes: where a number differs, the learner's."""
    right = right_numbers(program)
    said = {}
    for name, value in right["data"].items():
        known = isinstance(seen["grad"].get(name), (int, float))
        grad = (right["grad"][name], seen["grad"][name]) if known else None
        said[name] = difference((value, seen["data"].get(name)), grad)
    return {name: text for name, text in said.items() if text}


# ---- naming the mistake ---------------------------------------------------------------------------------------------


def _named(observations: dict[str, Any], stage: str, program: Program, seen: Seen) -> Why:
    """The idea that gives the learner's numbers; a hint without a name if none does."""
    idea, everywhere = _explaining(observations, stage, program, seen)
    if idea:
        sure = "" if everywhere else " (here; not all of your other numbers fit that)"
        advice = idea.advice or program.about
        return Why(idea.name, f"{idea.name}{idea.where}{sure}. {advice}", advice)
    for leaf, value in program.inputs.items():
        if not close(value, seen["data"].get(leaf)):
            name, advice = "an operand's own number is changed", "Which line writes to it?"
            return Why(name, f"{name}. {leaf}.data was {number(value)} at first. {advice}", advice)
    return Why("", _about_the_number(program, seen) or program.about)


def _about_the_number(program: Program, seen: Seen) -> str:
    """What to say where a number is wrong, and not only its gradient: at which step that begins."""
    wrong = {name for what, name in _differences(program, seen, right_numbers(program)) if what == "data"}
    for step in program.steps:
        if step.name in wrong:
            return (
                f"The number itself is wrong, before any backward(). Begin with `{step.name} = {step}`: what should "
                "it give, and is that what comes to stand in .data?"
            )
    return ""


def _explaining(observations: dict[str, Any], stage: str, program: Program, seen: Seen) -> tuple[Idea | None, bool]:
    """The idea that gives the numbers of this graph, and whether it gives those of all graphs up to this stage.

    Among several, the one that gives most of all that was collected; then the one that also agrees with the gradients
    inside of the graphs, which an engine may keep as it likes; then the one further up in the list.
    """
    candidates = [idea for idea in IDEAS if _gives(idea, program, seen)]
    stages = observations["stages"]
    first = list(_with_numbers(observations, stages[: stages.index(stage) + 1]))
    later = list(_with_numbers(observations, stages[stages.index(stage) + 1 :]))

    def agreement(idea: Idea) -> tuple[int, int, int]:
        here = sum(_gives(idea, *pair) for pair in first)
        return here, sum(_gives(idea, *pair) for pair in later), sum(_inside(idea, *pair) for pair in first)

    if not candidates:
        return None, False
    best = max(candidates, key=agreement)
    return best, agreement(best)[0] == len(first)


def _with_numbers(observations: dict[str, Any], stages: list[str]) -> Iterator[tuple[Program, Seen]]:
    """The programs that gave numbers, and that can be worked out quickly under each idea."""
    for stage in stages:
        for place, program in enumerate(PROGRAMS[stage]):
            seen = _seen(observations, stage, place)
            if not program.is_long and not seen["error"] and not not_numbers(seen, "", program.inputs):
                yield program, seen


def _gives(idea: Idea, program: Program, seen: Seen) -> bool:
    """Whether this idea gives the numbers that were seen."""
    numbers = foretold(program, idea)
    return numbers is not None and not any(_differences(program, seen, numbers))


def _inside(idea: Idea, program: Program, seen: Seen) -> int:
    """How many of the graph's gradients this idea gives, leaves or not."""
    numbers = foretold(program, idea) or {"grad": {}}
    return sum(close(g, seen["grad"].get(name)) for name, g in numbers["grad"].items())
