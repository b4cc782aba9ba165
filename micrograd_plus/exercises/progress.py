"""What a learner has done: one JSON file in the folder of the lessons, which never leaves it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = "micrograd-plus-progress.json"

_hints_given: dict[str, int] = {}  # where no file is kept, for as long as Python runs


class Progress:
    """The state of each exercise, and the hints that were given. Kept in a file only where there is one already."""

    def __init__(self, path: Path):
        self.path = path

    @classmethod
    def here(cls) -> Progress:
        """That of the current folder."""
        return cls(Path(FILE))

    @classmethod
    def of(cls, folder: Path) -> Progress:
        """That of another folder."""
        return cls(folder / FILE)

    @property
    def kept(self) -> bool:
        """Whether there is a file that it is kept in."""
        return self.path.is_file()

    def start(self) -> None:
        """Make the file, if there is none."""
        if not self.kept:
            self._write({})

    def read(self) -> dict[str, dict[str, Any]]:
        """What is known: {id: {"state": …, "hints": …}}. A file that can't be read counts as empty."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        known = found.get("exercises") if isinstance(found, dict) else None
        return {id: entry for id, entry in known.items() if isinstance(entry, dict)} if isinstance(known, dict) else {}

    def note(self, id: str, state: str) -> None:
        """Write down how an exercise went; what was passed once stays passed."""
        if self.kept:
            known = self.read()
            entry = known.setdefault(id, {})
            if entry.get("state") != "passed":
                entry["state"] = state
                self._write(known)

    def next_hint(self, id: str, count: int) -> int:
        """The number of the next hint: 1, 2, … count, and then the last one again."""
        known = self.read()
        entry = known.setdefault(id, {})
        given = entry.get("hints", 0) if self.kept else _hints_given.get(id, 0)
        number = min(given + 1, count) if isinstance(given, int) else 1
        _hints_given[id] = entry["hints"] = number
        if self.kept:
            self._write(known)
        return number

    def _write(self, known: dict[str, dict[str, Any]]) -> None:
        text = json.dumps({"exercises": known}, indent=1, sort_keys=True) + "\n"
        try:
            draft = self.path.with_suffix(".tmp")
            draft.write_text(text, encoding="utf-8")
            draft.replace(self.path)  # in one go: never half a file
        except OSError:
            pass  # a folder that can't be written to must not stop an exercise
