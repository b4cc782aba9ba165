"""History: what a training run leaves behind, as plain numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ..engine.visible import visible

SHOWN = 10  # rows in a repr; of longer histories the middle is left out


@dataclass(repr=False)
class History:
    """One row an epoch, one loss a step.

    rows: dicts with epoch (from 1), loss, val_loss, lr and every metric, as far as there are any; what
    `pandas.DataFrame(history.rows)` makes a table of. steps: the loss of every step. seconds: how long each epoch
    took, apart from the rest because it differs from run to run. stopped: a sentence that says why training ended
    before its last epoch, or None.

    >>> history = History(rows=[{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
    >>> history["loss"], history.best("loss")
    ([0.5, 0.25], {'epoch': 2, 'loss': 0.25})
    >>> history
    epoch  loss
        1   0.5
        2  0.25
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stopped: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.rows, list) or not all(isinstance(row, dict) for row in self.rows):
            raise TypeError(f"History: rows is a list of dicts, [{{'epoch': 1, 'loss': 0.5}}]; got {self.rows!r:.60}")

    @property
    def names(self) -> list[str]:
        """The columns: epoch, loss …"""
        return list(self.rows[0]) if self.rows else []

    def __getitem__(self, name: str) -> list[float]:
        """One number an epoch. KeyError, which lists the columns, for one that isn't there."""
        if self.rows and name not in self.names:
            raise KeyError(f"no column {name!r} in this history; there are {', '.join(self.names)}")
        return [row[name] for row in self.rows]

    def __len__(self) -> int:
        """How many epochs were completed."""
        return len(self.rows)

    def best(self, name: str = "val_loss", mode: str = "auto") -> dict[str, Any]:
        """The row of the epoch in which `name` was best, the first of equals.

        mode: "min", "max", or "auto": the highest accuracy, the lowest of anything else. KeyError for an unknown
        column, ValueError if there is no number to compare.
        """
        sign = direction(name, mode)
        scores = [(sign * score, i) for i, score in enumerate(self[name]) if not math.isnan(score)]
        if not scores:
            raise ValueError(f"no epoch has a number for {name!r}, so none is the best")
        return self.rows[min(scores)[1]]

    def to_dict(self) -> dict[str, Any]:
        """Everything but the time taken, ready for json.dumps: the same run gives the same dict."""
        return {"rows": [dict(row) for row in self.rows], "steps": list(self.steps), "stopped": self.stopped}

    def __repr__(self) -> str:
        lines = [self.names] + [[_short(number) for number in row.values()] for row in self.rows]
        if len(self.rows) > SHOWN:
            lines = [*lines[: 1 + SHOWN // 2], ["…"] * len(self.names), *lines[-SHOWN // 2 :]]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = ["  ".join(map(str.rjust, line, widths)) for line in lines if line]
        return visible("\n".join([*(table or ["History of no epoch"]), *([self.stopped] if self.stopped else [])]))


def direction(name: str, mode: str) -> int:
    """1 where less is better, -1 where more is."""
    if mode not in ("auto", "min", "max"):
        raise ValueError(f"mode must be 'min' (less is better), 'max' (more is better) or 'auto', got {mode!r}")
    return -1 if mode == "max" or (mode == "auto" and "accuracy" in name) else 1


def _short(number: Any) -> str:
    return f"{number:.4g}" if isinstance(number, float) else str(number)
