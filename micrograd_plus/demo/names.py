"""micrograd-plus demo names: first names that a small GPT makes up."""

from __future__ import annotations

import random
from pathlib import Path

from ..capstones import names as capstone
from ..capstones.names import LETTERS, LONGEST
from ..data import load_names
from . import terminal
from .asking import ask
from .kept import DemoError, Subject, in_plain_words, trained

SUBJECT = Subject(
    file="names",
    title="First names, made up by a small GPT: letter by letter, from 4,647 names that it read.",
    train=capstone.train,
    model=lambda: capstone.GPT(len(LETTERS)),
    targets={capstone.TARGET.what: capstone.TARGET},
)


def run(
    folder: Path,
    *,
    count: int = 20,
    temperature: float = 0.8,
    start: str = "",
    seed: int = 0,
    again: bool = False,
) -> None:
    """Train or load the network, print names, and more of them as long as Enter is pressed.

    DemoError for a start that isn't letters from a to z, at most ten of them.
    """
    beginning: str | None = checked_start(start)
    with in_plain_words():
        known = set(load_names())
    model = trained(SUBJECT, folder, seed, again)
    draws = random.Random(seed)  # the same seed, the same names, page after page
    print("\nNames marked with * are new: they are in no list that it read or was tested on.")
    while beginning is not None:
        names = capstone.sample(model, n=count, temperature=temperature, seed=draws.randrange(2**31), start=beginning)
        print(f"\n{in_columns(names, known)}")
        beginning = _next_start(beginning)


def _next_start(start: str) -> str | None:
    """How the next names begin: as those before, or as is typed ("q" is a letter here); None for no more."""
    while (answer := ask("\nEnter: more; or type how they shall begin (quit leaves): ", leave=["quit"])) is not None:
        try:
            return checked_start(answer) if answer else start
        except DemoError as error:
            print(f"\n{error}.")
    return None


def checked_start(text: str) -> str:
    """In lower case. DemoError where no name begins so.

    >>> checked_start("An")
    'an'
    """
    if text and not (text.isascii() and text.isalpha()):
        raise DemoError(f"{text!r}: names begin with letters from a to z, such as 'an'")
    if len(text) >= LONGEST:
        raise DemoError(f"{text!r} is too long: names have at most {LONGEST} letters, so that one must be left")
    return text.lower()


def in_columns(names: list[str], known: set[str]) -> str:
    """The names, in as many columns as fit, each new one with a star.

    >>> in_columns(["ada", "adara"], {"ada"}).split()
    ['Ada', 'Adara*']
    """
    shown = [name.capitalize() + ("" if name in known else "*") for name in names]
    wide = max(map(len, shown), default=0) + 2
    columns = max(1, min(terminal.width(), 80) // wide)
    rows = (shown[i : i + columns] for i in range(0, len(shown), columns))
    return "\n".join("".join(name.ljust(wide) for name in row).rstrip() for row in rows)
