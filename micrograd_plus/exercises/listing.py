"""The list of the exercises, as a table."""

from __future__ import annotations

import html
from typing import Any, SupportsIndex, overload

from .catalogue import LESSONS, all_exercises
from .exercise import KINDS, Exercise
from .progress import Progress

_COLUMNS = ("lesson", "id", "minutes", "kind", "what it is", "state")


class Listing(tuple[Exercise, ...]):
    """Exercises that show as a table."""

    def rows(self) -> list[tuple[str, ...]]:
        """A row of texts for each."""
        known = Progress.here().read()
        return [
            (f"{e.lesson:02}", e.id, str(e.minutes), e.kind, e.title, str(known.get(e.id, {}).get("state", "")))
            for e in self
        ]

    @overload
    def __getitem__(self, place: SupportsIndex) -> Exercise: ...

    @overload
    def __getitem__(self, place: slice) -> Listing: ...

    def __getitem__(self, place: SupportsIndex | slice) -> Exercise | Listing:
        return Listing(super().__getitem__(place)) if isinstance(place, slice) else super().__getitem__(place)

    def to_dict(self) -> list[dict[str, Any]]:
        """A dict for each, ready for `json.dumps`."""
        return [dict(zip(_COLUMNS, row, strict=True)) for row in self.rows()]

    def __repr__(self) -> str:
        rows = [_COLUMNS, *self.rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))]
        return "\n".join(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
        )

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
        rows = ("".join(f"<td>{html.escape(text)}</td>" for text in row) for row in self.rows())
        return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def listing(lesson: int | None = None, kind: str | None = None) -> Listing:
    """The exercises, those of a lesson, or those of a kind ("predict", "find the bug" …).

    >>> from micrograd_plus import exercises as ex
    >>> [exercise.id for exercise in ex.list(lesson=3)][:2]
    ['minus', 'mul_backward']
    """
    if lesson is not None and lesson not in LESSONS:
        raise ValueError(f"there is no lesson {lesson!r}; give its number: 0 to 16, or 20 to 29")
    if kind is not None and kind not in KINDS:
        raise ValueError(f"there is no kind {kind!r}; there are {', '.join(map(repr, KINDS))}")
    found = all_exercises().values()
    return Listing(e for e in found if lesson in (None, e.lesson) and kind in (None, e.kind))
