"""Collecting: a learner's class runs the programs, and all that can be seen of it is written down as plain numbers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

from ...engine.graph import Node
from ..calling import KEPT, call_safely, describe, is_empty
from .programs import OPERATIONS, Program, Step
from .stages import PROGRAMS, chosen

TEXT = 300  # characters of an error's message that are kept
A_DAY = 86_400.0  # seconds: longer than any check should take


def collect_engine(
    number_class: Callable[..., Any],
    timeout: float = 5.0,
    stages: str | Iterable[str] | None = None,
    upto: str | None = None,
) -> dict[str, Any]:
    """Run the programs of all stages on the class; gives what came out, ready for `json.dumps` and `judge_engine`.

    number_class: called with a number, it gives an object with .data, .grad, .backward(), and operators. Each program
    has fresh objects. timeout: seconds for all of it; what comes after that is left out. stages, upto: see `chosen`.
    ValueError for a timeout that is no time, or too long a one.

    >>> from micrograd_plus import Value
    >>> collect_engine(Value, stages="add")["programs"]["add"][0]["grad"]
    {'a': 1.0, 'b': 1.0, 'y': 1.0}
    """
    wanted = chosen(stages, upto)
    if not isinstance(timeout, Real) or not 0 < timeout <= A_DAY:
        raise ValueError(
            "timeout is how many seconds all graphs together may take, a number above 0 (and up to a day), "
            f"such as 5.0; got {timeout!r}"
        )
    name = _name_of(number_class)
    found: dict[str, Any] = {"name": name, "seconds": timeout, "stages": list(wanted), "programs": {}}
    blank = number_class is ... or number_class is None
    printed, end = "", time.monotonic() + timeout
    for stage in wanted:
        seen = found["programs"][stage] = []
        for program in PROGRAMS[stage]:
            if blank:
                seen.append(_record(error="Blank"))
                continue
            left = end - time.monotonic()
            if left <= 0:
                break
            observation, said = _observed(program, number_class, name, left)
            printed += said
            seen.append(observation)
    return {**found, "printed": printed[:KEPT]}


def _name_of(number_class: Callable[..., Any]) -> str:
    """The name of a class, or of what makes its objects; also where a metaclass of the learner's has an odd one."""
    outcome = call_safely(lambda: str(getattr(number_class, "__name__", type(number_class).__name__)), timeout=1.0)
    return outcome.value or "your class"


def _record(**found: Any) -> dict[str, Any]:
    """One observation. data, grad: numbers by name, or a text that says what there was in place of a number.

    error: the name of what was raised, or "Blank", "Returned", "Timeout"; says: its message; during: "making",
    "backward", "reading" or the method asked for; at: the operation as it is written. borrowed: whether the objects
    are Values or Tensors of this library.
    """
    nothing = {"data": {}, "grad": {}, "error": "", "text": "", "says": "", "during": "", "at": "", "borrowed": False}
    return {**nothing, **found}


class _Wrong(Exception):  # noqa: N818
    """An operation that gives back something else than a number that remembers."""


def _observed(program: Program, number_class: Callable, name: str, timeout: float) -> tuple[dict[str, Any], str]:
    """What the class makes of one program, and what it printed."""
    at: dict[str, Any] = {"during": "making", "at": "", "borrowed": False}

    def watched() -> dict[str, Any]:
        try:
            return _run(program, number_class, name, at)
        except _Wrong as wrong:
            kind = wrong.args[0]
            return _record(error="Blank" if kind == "Ellipsis" else "Returned", text=kind, **at)
        except Exception as error:
            return _record(error=type(error).__name__, **_message(error), **at)

    outcome = call_safely(watched, timeout=timeout)
    if outcome.timed_out:
        return _record(error="Timeout", **at), outcome.printed
    if outcome.error:  # exit(), or an error of which even the message can't be had
        return _record(error=outcome.error, text=outcome.says, says=outcome.says, **at), outcome.printed
    return outcome.value, outcome.printed


def _message(error: Exception) -> dict[str, str]:
    """What an error says; also of one whose message can't be had."""
    try:
        return {"text": str(error)[:TEXT], "says": describe(error)[:TEXT]}
    except Exception:
        return {"says": type(error).__name__}


def _run(program: Program, number_class: Callable, name: str, at: dict[str, Any]) -> dict[str, Any]:
    def make(number: float) -> Any:
        at.update(during="making", at=f"{name}({number})")
        made = number_class(number)
        look(made)
        _ = made.data  # a class whose __init__ is still empty shows it here
        return made

    def apply(step: Step, operands: list[Any]) -> Any:
        at.update(during=step.method, at=str(step))
        result = OPERATIONS[step.op](*operands)
        if result is None and is_empty(getattr(number_class, step.method, None)):
            raise _Wrong("Ellipsis")
        if result is None or result is ... or isinstance(result, (int, float, str, tuple, list)):
            raise _Wrong(type(result).__name__.replace("ellipsis", "Ellipsis"))
        look(result)
        return result

    def look(thing: Any) -> None:
        at["borrowed"] = at["borrowed"] or issubclass(type(thing), Node)  # isinstance would ask the object itself

    def backward(root: Any) -> None:
        at.update(during="backward", at="backward()")
        root.backward()

    things = program.run(make, apply, backward)
    at.update(during="reading", at="")
    return _record(
        borrowed=at["borrowed"],
        data={name: _number(thing.data) for name, thing in things.items()},
        grad={name: _number(getattr(thing, "grad", "missing")) for name, thing in things.items()},
    )


def _number(x: Any) -> float | str:
    """x as a float; where it is no number, what it is. A text such as "2.0" is none."""
    if hasattr(type(x), "__float__") or hasattr(type(x), "__index__"):
        return float(x)
    return "missing" if isinstance(x, str) and x == "missing" else "..." if x is ... else type(x).__name__
