"""micrograd-plus exercises | task | hint | solution | quiz: the exercises, without a notebook."""

from __future__ import annotations

import argparse
import json

from ..exercises import asking
from ..exercises.catalogue import UnknownExerciseError, find
from ..exercises.exercise import Exercise
from ..exercises.listing import listing
from ..exercises.progress import Progress
from .arguments import CommandError


def exercises(asked: argparse.Namespace) -> int:
    """List the exercises."""
    try:
        found = listing(asked.lesson)
    except ValueError as error:
        raise CommandError(str(error)) from None
    print(json.dumps(found.to_dict(), indent=1) if asked.json else found)
    return 0


def task(asked: argparse.Namespace) -> int:
    """What is asked for, and the code to start from."""
    exercise = known(asked.exercise)
    if asked.json:
        fields = {"exercise": exercise.id, "title": exercise.title, "lesson": exercise.lesson, "kind": exercise.kind}
        print(json.dumps({**fields, "minutes": exercise.minutes, "task": exercise.task, "start": exercise.start}))
    else:
        asking.task(exercise)
    return 0


def hint(asked: argparse.Namespace) -> int:
    """The next hint, or the one asked for."""
    exercise = known(asked.exercise)
    Progress.here().start()  # which hint is the next one
    number = asked.number or Progress.here().next_hint(exercise.id, len(exercise.hints))
    if asked.json:
        print(json.dumps({"exercise": exercise.id, "number": number, "hint": exercise.hints[number - 1]}))
    else:
        asking.hint(exercise, number)
        if number < len(exercise.hints):
            print(f"The next one: micrograd-plus hint {exercise.id}")
    return 0


def solution(asked: argparse.Namespace) -> int:
    """The code that is right, and why."""
    exercise = known(asked.exercise)
    if asked.json:
        print(json.dumps({"exercise": exercise.id, "solution": exercise.solution, "why": exercise.why}))
    else:
        asking.solution(exercise)
    return 0


def known(id: str) -> Exercise:
    """The exercise of that id; else one line that says which ids are near."""
    try:
        return find(id)
    except UnknownExerciseError as error:
        raise CommandError(str(error).replace("ex.list() shows", "micrograd-plus exercises shows")) from None
