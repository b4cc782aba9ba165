"""The demo: two small networks trained before the reader's eyes, and a page that shows what happened."""

from __future__ import annotations

import time
import webbrowser
from pathlib import Path

from .page import MARK, page
from .runs import DigitsRun, MoonsRun, train_digits, train_moons


class NotWritableError(Exception):
    """The page can't be written where it was asked for."""


def run(folder: Path, seed: int = 0, open_page: bool = False) -> Path:
    """Train the networks, write `folder`/index.html, and say where it is. NotWritableError if it can't be written."""
    target = _checked(folder)
    start = time.perf_counter()
    print("1. Two moons, one network, twice: with scalar Values (as in micrograd), then as Tensors")
    moons = train_moons(seed)
    print(f"   {moons.in_words()}\n")
    print("2. Handwritten digits: 1,797 real images, a quarter of them held out")
    digits = train_digits(seed)
    print(f"   {digits.in_words()}\n")
    try:
        target.write_text(page(moons, digits, seed), encoding="utf-8")
    except OSError as error:
        raise NotWritableError(f"can't write {target}: {error.strerror}; choose another folder with --out") from None
    print(f"Done in {time.perf_counter() - start:.0f} s. Open this page to see what happened:\n   {target.resolve()}")
    print("Next: micrograd-plus learn opens the lessons: how models are trained, in notebooks.")
    if open_page:
        webbrowser.open(target.resolve().as_uri())
    return target


def _checked(folder: Path) -> Path:
    """The file to write, in a folder made now: better to fail before a minute of training than after it."""
    target = folder / "index.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if target.exists() and MARK not in target.read_text(encoding="utf-8", errors="replace")[:400]:
            raise NotWritableError(
                f"{target} is not a page of this demo, so it stays; choose another folder with --out"
            )
        with target.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise NotWritableError(f"can't write {target}: {error.strerror}; choose another folder with --out") from None
    if not target.stat().st_size:
        target.write_text(MARK, encoding="utf-8")  # an interrupted run leaves a page that the next one may replace
    return target


__all__ = ["DigitsRun", "MoonsRun", "NotWritableError", "run"]
