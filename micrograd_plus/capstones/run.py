"""What a capstone's training leaves behind, and what it is held to."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any


def fast() -> bool:
    """Whether a third of the training is enough, as FAST=1 in the environment says: to try things, and in CI.

    >>> epochs = 10 if fast() else 30
    """
    return os.environ.get("FAST", "") not in ("", "0")


def share_of(steps: int) -> int:
    """So many epochs or steps; with FAST=1 a third of them.

    >>> share_of(30) == (10 if fast() else 30)
    True
    """
    return max(1, round(steps / 3)) if fast() else steps


@dataclass(frozen=True)
class Target:
    """What must be reached on data that was held out: at least (or, for errors, at most) this number.

    >>> Target("held-out digits named right", 0.985).check(0.991)
    held-out digits named right: 99.1 % (wanted: at least 98.5 %)
    """

    what: str
    at_least: float | None = None
    at_most: float | None = None
    unit: str = "%"

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"Target {self.what!r}: give one limit, at_least=… or at_most=…")

    def met(self, reached: float) -> bool:
        """Whether this is enough."""
        return reached <= self.limit if self.at_least is None else reached >= self.limit

    def check(self, reached: float) -> None:
        """Print what was reached. AssertionError where it isn't enough (not with FAST=1, which trains too little)."""
        told = self.shown(reached)
        if told == self.shown(self.limit) and not self.met(reached):
            told = f"{reached} ({told}, rounded)"  # else it would read as reached
        line = f"{self.what}: {told} (wanted: {self.wanted})"
        if not fast() and not self.met(reached):
            raise AssertionError(line)
        print(line if self.met(reached) else f"{line} - FAST=1 trains a third of the steps")

    @property
    def limit(self) -> float:
        """The number that it is about."""
        return self.at_most if self.at_least is None else self.at_least  # type: ignore[return-value]  # one is given

    @property
    def wanted(self) -> str:
        """In words."""
        return f"at {'most' if self.at_least is None else 'least'} {self.shown(self.limit)}"

    def shown(self, number: Any) -> str:
        """A share in percent, else the number with its unit."""
        return f"{number:.1%}".replace("%", " %") if self.unit == "%" else f"{number:.4g} {self.unit}".rstrip()


@dataclass
class Run:
    """A trained model, its history, and its scores: {name of a target or a baseline: number}.

    >>> Run(model=None, history=None, scores={"held-out digits named right": 0.99}).scores
    {'held-out digits named right': 0.99}
    """

    model: Any
    history: Any
    scores: dict[str, float] = field(default_factory=dict)
