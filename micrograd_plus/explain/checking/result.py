"""What a gradient check found, and how it is shown."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ...engine.visible import visible
from ..tables import table_text

LISTED = 12  # inputs that the table shows


@dataclass
class Check:
    """One number of one input: what backward() gives for it, and what differences give.

    verdict: "ok", "wrong", "kink" (no derivative here, and the analytic one lies between the slopes on both sides) or
    "not finite" (it can't be checked). complex: the complex step's number, or None.
    error: |analytic - numeric| / the larger of them. zero: numbers up to this size count as 0.
    """

    name: str
    index: tuple
    analytic: float
    numeric: float
    verdict: str = "ok"
    complex: float | None = None
    note: str = ""
    zero: float = 0.0

    @property
    def where(self) -> str:
        """The input's name, with the place in it: weight[2, 0]."""
        return self.name + (f"[{', '.join(map(str, self.index))}]" if self.index else "")

    @property
    def error(self) -> float:
        """The relative error."""
        size = max(abs(self.analytic), abs(self.numeric))
        return abs(self.analytic - self.numeric) / size if size > self.zero else 0.0


@dataclass
class GradCheck:
    """What gradcheck found. True where all is right, so that `assert gradcheck(f, x)` reads well; prints as a table."""

    checks: list[Check] = field(default_factory=list)
    total: int = 0  # how many numbers the inputs have
    hints: list[str] = field(default_factory=list)
    why_not_complex: str = ""  # why the complex step could not be taken
    title: str = "gradcheck"
    broken: bool = False  # backward() itself failed: nothing could be compared

    def __bool__(self) -> bool:
        checked = any(c.verdict != "not finite" for c in self.checks)
        return not self.failed and (checked or not self.checks)

    @property
    def failed(self) -> bool:
        """Whether something is wrong, as against right or not to be checked."""
        return bool(self.wrong) or self.broken

    @property
    def passed(self) -> bool:
        """Whether no number is wrong, and some could be checked."""
        return bool(self)

    @property
    def wrong(self) -> list[Check]:
        """The checks that failed, the worst first."""
        bad = [c for c in self.checks if c.verdict == "wrong"]
        return sorted(bad, key=lambda c: -c.error if c.error == c.error else -math.inf)

    def __str__(self) -> str:
        table = [] if self.broken else self._table()
        return visible("\n".join([self._heading(), *table, *(f"- {hint}" for hint in self.hints)]))

    __repr__ = __str__

    def _heading(self) -> str:
        some = f"{len(self.checks):,}" + (f" of {self.total:,}" if len(self.checks) < self.total else "")
        errors = [c.error for c in self.checks if c.verdict == "ok"]
        if self.broken:
            return f"{self.title} FAILED: backward() does not get through"
        if self.wrong:
            return f"{self.title} FAILED: {len(self.wrong):,} wrong, {some} numbers checked"
        unknown = sum(c.verdict == "not finite" for c in self.checks)
        if not self:
            return f"{self.title}: nothing could be checked"
        also = f" ({unknown:,} can't be checked)" if unknown else ""
        worst = f", largest relative error {max(errors):.1e}" if errors else ""
        return f"{self.title} passed: {some} numbers checked{also}{worst}"

    def _table(self) -> list[str]:
        """One line an input, its worst number: the wrong ones first."""
        worst: dict[str, Check] = {}
        for check in self.wrong + sorted(self.checks, key=lambda c: (c.verdict == "ok", -c.error)):
            worst.setdefault(check.name, check)
        with_complex = any(c.complex is not None for c in self.checks)
        head = ["input", "analytic", "numeric", *(["complex step"] if with_complex else []), "rel. error", "verdict"]
        lines = []
        for c in list(worst.values())[:LISTED]:
            also = [f"{c.complex:.9g}" if c.complex is not None else ""] if with_complex else []
            lines.append([c.where, f"{c.analytic:.9g}", f"{c.numeric:.9g}", *also, f"{c.error:.1e}", c.verdict])
        more = len(worst) - LISTED
        return [table_text(head, lines, left=(0, len(head) - 1)), *([f"… and {more} more inputs"] if more > 0 else [])]
