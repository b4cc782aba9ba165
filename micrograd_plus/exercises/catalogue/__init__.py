"""The exercises of the lessons, a file for each lesson, found by their ids."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import cache
from importlib import import_module

from ..exercise import Exercise

LESSONS = (*range(17), *range(20, 30))  # 20 to 29: the capstones


@cache
def all_exercises() -> dict[str, Exercise]:
    """Every exercise by its id, in the order of the lessons."""
    found: dict[str, Exercise] = {}
    for exercise in _of_all_lessons():
        if exercise.id in found:
            raise ValueError(f"two exercises are called {exercise.id!r}")
        found[exercise.id] = exercise
    return found


def _of_all_lessons() -> Iterator[Exercise]:
    for lesson in LESSONS:
        yield from import_module(f".lesson_{lesson:02}", __name__).EXERCISES


def find(id: str) -> Exercise:
    """The exercise of that id. Raises KeyError, with the ids that are near, where there is none."""
    known = {**all_exercises(), **_own}
    if isinstance(id, str) and id in known:
        return known[id]
    near = difflib.get_close_matches(str(id), known, n=3)
    hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else "ex.list() shows all of them."
    raise UnknownExerciseError(f"there is no exercise {id!r}. {hint}")


_own: dict[str, Exercise] = {}  # of teachers


def remember(exercise: Exercise) -> Exercise:
    """Let an exercise that is not of the catalogue be found by its id, too, as long as Python runs."""
    if all_exercises().get(exercise.id) not in (None, exercise):
        raise ValueError(f"there is an exercise {exercise.id!r} already; give yours another id")
    _own[exercise.id] = exercise
    return exercise


class UnknownExerciseError(KeyError):
    """An id that no exercise has."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError shows its message in quotes
