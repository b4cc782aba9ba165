"""What `formula` gives back: lines of text, with LaTeX where there is any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Line:
    """One line of a formula. kind: "value", "slope", "pull-back", "numbers" or "note"; of: which input it is about."""

    kind: str
    of: str
    text: str
    latex: str | None = None


@dataclass
class Formula:
    """An operation written down: `str()` for a terminal, LaTeX in a notebook, `lines` as data."""

    name: str
    lines: list[Line] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All lines, in plain characters."""
        return "\n".join(line.text for line in self.lines)

    @property
    def latex(self) -> str | None:
        """LaTeX (without dollar signs) of the lines that have it; None without SymPy, and for what it can't run."""
        lines = [line.latex for line in self.lines if line.latex]
        return r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}" if lines else None

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_latex_(self) -> str | None:
        return f"$\\displaystyle {self.latex}$" if self.latex else None  # None: the notebook shows the text
