"""micrograd-plus demo speech: which digit is said, in recordings that the network never heard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..capstones import spoken_digits as capstone
from . import terminal
from .kept import Subject, in_plain_words, trained
from .naming import check_numbers, converse, mistakes, probabilities

SUBJECT = Subject(
    file="speech",
    title="Spoken digits: filters slid over time, which learned from 2,400 recordings what is said.",
    train=capstone.train,
    model=lambda: capstone.PooledConv(13, 48, 10),
    targets={capstone.TARGET.what: capstone.TARGET},
)
DIGITS = "zero one two three four five six seven eight nine".split()


def run(folder: Path, which: Sequence[int] = (), *, seed: int = 0, again: bool = False) -> None:
    """Train or load the network; say what it confused, and what it hears in the recordings asked for.

    DemoError for a recording that isn't there.
    """
    with in_plain_words():
        _, X, _, lengths, _, digits = capstone.split_recordings()
    check_numbers(which, len(digits), "recording")
    model = trained(SUBJECT, folder, seed, again)
    shares = probabilities(capstone.scores_of(model, X, lengths))
    said = shares.argmax(axis=1)

    def heard(i: int) -> str:
        verdict = "right" if said[i] == digits[i] else f"wrong: {DIGITS[digits[i]]} was said"
        return f"Recording {i}: it hears {DIGITS[said[i]]} ({verdict}).\n{terminal.bars(DIGITS, shares[i])}"

    print(f"\n{mistakes('recording', said, digits, DIGITS)}")
    first_wrong = np.flatnonzero(said != digits)[:1].tolist()
    for i in which or first_wrong or [0]:
        print(f"\n{heard(i)}")
    if not which:
        converse(len(digits), "recording", heard)
