"""Writing results: whole files or none, and a look beforehand at whether they can be written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .submissions import GradingError


def check_writable(path: str | Path | None, folder: bool = False) -> None:
    """Raise GradingError where a file (or files in a folder) can't be written, before an hour is spent on grading."""
    if path is None:
        return
    place = Path(path) if folder else Path(path).parent
    try:
        if not folder and Path(path).is_dir():
            raise GradingError(f"{path} is a folder. Give the name of a file.")
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise GradingError(f"{path} can't be written: {error.strerror or error}. Choose another place.") from None


def write(path: str | Path, text: str) -> None:
    """Write a text file in one go. Where it can't be replaced (a spreadsheet has it open), the draft stays."""
    path = Path(path)
    draft = path.with_name(f"{path.stem}.new{path.suffix}")
    try:
        # A file from another system may have a name that is no text: half of a character pair becomes "?".
        draft.write_text(text, encoding="utf-8", newline="", errors="replace")
    except OSError as error:
        raise GradingError(f"{draft} can't be written: {error.strerror or error}.") from None
    try:
        os.replace(draft, path)
    except OSError as error:
        reason = error.strerror or error
        raise GradingError(f"{path} can't be replaced ({reason}); is it open elsewhere? It is in {draft}.") from None
