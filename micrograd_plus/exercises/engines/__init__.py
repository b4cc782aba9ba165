"""Checking an engine that a learner built: in stages, down to the smallest graph that goes wrong, with its mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..gathering import gathering_now
from ..progress import Progress
from ..report import Report, Told
from .collecting import collect_engine as collect_engine
from .judging import ID, is_borrowed
from .judging import judge_engine as judge_engine
from .judging import judge_own_engine as judge_own_engine
from .stages import STAGES as STAGES


def check_engine(
    number_class: Callable[..., Any],
    timeout: float = 5.0,
    *,
    stages: str | Iterable[str] | None = None,
    upto: str | None = None,
) -> Report:
    """Check a class of numbers that remember how they were made; prints what it found, and gives the report.

    number_class: your class itself. `number_class(2.0)` has .data, .grad and .backward(), and can be added, multiplied
    and so on; nothing else of it is looked at. timeout: seconds for all graphs together. stages: only these ("add mul",
    or a list); upto: only those up to this one. Without both: all of STAGES. Stages are looked at in their order, and
    the first that fails is the last. Our own Value may be looked at, to see how it goes; as an answer to the exercise
    it earns nothing. TypeError for what can't be a class, ValueError for a stage that there isn't, and for a timeout
    that is no time.

    >>> class MyValue:
    ...     def __init__(self, data):
    ...         self.data, self.grad = data, 0.0
    ...     def __add__(self, other):
    ...         ...
    >>> report = check_engine(MyValue, upto="mul")
    engine: not attempted yet.
    Put your own in place of the dots: begin with `a + b`.
    """
    if number_class is not ... and number_class is not None and not callable(number_class):
        kind = type(number_class).__name__
        raise TypeError(f"check_engine needs your class itself, check_engine({kind}); got an object of it: a {kind}")
    seen = collect_engine(number_class, timeout, stages, upto)
    gathering = gathering_now()
    if gathering and stages is None and upto is None:  # a look at some stages is no answer to be graded
        gathering.found.append({"exercise": ID, "points": None, "answers": seen})
    report = judge_engine(seen)
    if stages is None and upto is None and not is_borrowed(seen):
        Progress.here().note(ID, report.state)
    print(report)
    return Told.of(report)
