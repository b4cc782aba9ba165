"""What came out, as Markdown: a table for each piece of work, and one of what was asked for."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .measure import Measured, Spread, disagreement, ratio

LIBRARIES = ("micrograd_plus", "numpy", "numba", "micrograd", "torch", "mygrad", "autograd")


@dataclass
class Comparison:
    """One table: contenders, and how many times as fast as some of them the others are.

    key: the start of its ratios' names in recorded.json. against: whom the others are compared with, a column each.
    wanted: what a ratio should be at least, by (contender, against); or at most, where it is a cost. costs: ratios say
    how many times the time, not how many times as fast. tolerance: by how much losses may differ, relative to each
    other. unit: what the time is that of.
    """

    key: str
    title: str
    about: str
    measured: Measured
    against: tuple[str, ...]
    wanted: dict[tuple[str, str], float] = field(default_factory=dict)
    costs: bool = False
    tolerance: float | None = None
    unit: str = "a step"
    notes: list[str] = field(default_factory=list)

    def ratios(self) -> dict[tuple[str, str], Spread]:
        """(contender, against): how many times as fast; where these are costs, how many times the time."""
        times = self.measured.times
        pairs = [(name, other) for other in self.against for name in times if name != other]
        return {
            (name, other): ratio(times[name], times[other]) if self.costs else ratio(times[other], times[name])
            for name, other in dict.fromkeys([*pairs, *self.wanted])
            if name in times and other in times
        }

    def own_ratios(self) -> dict[tuple[str, str], Spread]:
        """Those that say something of micrograd_plus: of a contender called "here, …", and all costs."""
        return {pair: found for pair, found in self.ratios().items() if self.costs or pair[0].startswith("here")}

    def name(self, contender: str, against: str) -> str:
        """What a ratio is called in recorded.json."""
        return f"{self.key}: {contender} / {against}"

    def disagreement(self) -> str:
        """A sentence where the contenders' losses differ too much: then they don't do the same work."""
        if self.tolerance is None:
            return ""
        worst = disagreement({name: self.measured.losses[name] for name in self.measured.times})
        return f"{self.title}: the losses differ by {worst:.1e}" if worst > self.tolerance else ""


# -- numbers as text -------------------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """Seconds in a unit that suits them.

    >>> duration(0.00123), duration(45.6), duration(3.1e-8)
    ('1.23 ms', '45.6 s', '31.0 ns')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}" if seconds < 1000 * size else f"{seconds / size:.0f} {unit}"
    return f"{seconds / 1e-9:.1f} ns"


def figure(number: float) -> str:
    """A ratio, with about three digits.

    >>> figure(0.954), figure(12.34), figure(5612.3), figure(0.00123)
    ('0.95', '12.3', '5,612', '0.0012')
    """
    if number < 0.1:
        return f"{number:.2g}"
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def with_spread(found: Spread) -> str:
    """A ratio and between what 80 % of the rounds lie."""
    return f"{figure(found.middle)} ({figure(found.low)} to {figure(found.high)})"


# -- tables ----------------------------------------------------------------------------------------------------


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A table; the first columns (so many as `left` says) stand left, all others right.

    >>> print(markdown_table(["a", "b"], [["x", "1"]]))
    | a | b |
    |---|--:|
    | x | 1 |
    """
    lines = [list(head), [*["---"] * left, *["--:"] * (len(head) - left)], *rows]
    return "\n".join(
        "|" + "|".join(cell if i == 1 else f" {cell} " for cell in line) + "|" for i, line in enumerate(lines)
    )


def table(comparison: Comparison) -> str:
    """The comparison as Markdown: heading, table, and what must be said below it."""
    measured, ratios = comparison.measured, comparison.ratios()
    against = [name for name in comparison.against if name in measured.times]
    times_what = "times the time of" if comparison.costs else "times as fast as"
    rows = []
    for name, times in measured.times.items():
        cells = [name, duration(statistics.median(times))]
        for other in against:
            found, wanted = ratios.get((name, other)), comparison.wanted.get((name, other))
            cell = "1" if found is None else with_spread(found)
            cells.append(cell if wanted is None else f"{cell}; wanted: {wanted:g}")
        rows.append(cells)
    head = ["", f"time {comparison.unit}", *(f"{times_what} {name}" for name in against)]
    notes = [*_agreement(comparison), *comparison.notes]
    notes += [f"Left out: {name} ({reason})." for name, reason in measured.left_out.items()]
    notes += [f"Failed: {name} ({reason})." for name, reason in measured.failed.items()]
    parts = [f"## {comparison.title}", comparison.about, markdown_table(head, rows), "\n".join(f"- {n}" for n in notes)]
    return "\n\n".join(filter(None, parts))


def _agreement(comparison: Comparison) -> list[str]:
    losses = {name: comparison.measured.losses[name] for name in comparison.measured.times}
    if comparison.tolerance is None or len(losses) < 2:
        return []
    too_much = " That is too much: they don't compute the same." if comparison.disagreement() else ""
    return [f"The losses of the first steps agree to {disagreement(losses):.0e}.{too_much}"]


def asked_for(comparisons: Sequence[Comparison]) -> str:
    """Every ratio for which a figure was wanted, beside what was measured."""
    rows = []
    for comparison in comparisons:
        ratios = comparison.ratios()
        for (name, other), wanted in comparison.wanted.items():
            bound = f"{'at most' if comparison.costs else 'at least'} {wanted:,g}"
            found = ratios.get((name, other))
            if found is None:
                reason = comparison.measured.left_out.get(name) or comparison.measured.left_out.get(other)
                rows.append([comparison.title, name, other, bound, "left out" if reason else "not measured", ""])
                continue
            met = found.middle <= wanted if comparison.costs else found.middle >= wanted
            rows.append([comparison.title, name, other, bound, with_spread(found), "yes" if met else "**no**"])
    head = ["work", "who", "against", "wanted", "measured", "reached"]
    return "## What was asked for\n\n" + markdown_table(head, rows, left=3) if rows else ""


# -- the page --------------------------------------------------------------------------------------------------


def machine() -> list[str]:
    """What it was measured on: processor, system, Python, libraries."""
    versions = []
    for library in LIBRARIES:
        try:
            versions.append(f"{library} {importlib.metadata.version(library)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return [
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()}; one thread is used",
        f"{platform.python_implementation()} {platform.python_version()}; {', '.join(versions)}",
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


INTRODUCTION = """# Benchmarks

Written by `python -m benchmarks --out docs/benchmarks.md` (13 minutes); run it on your own machine, and look at the
ratios: seconds are this machine's alone. Contenders take turns, each in a process of its own; a figure is the median
over the rounds, in brackets stands between what 80 % of the rounds lie. Peers that are not installed are left out, with
a line that says so. [benchmarks/](../benchmarks/measure.py) is the code."""


def page(comparisons: Sequence[Comparison], picture: str | None) -> str:
    """The whole Markdown file. picture: the plot's file name, if there is one."""
    measured_on = "Measured on:\n\n" + "\n".join(f"- {line}" for line in machine())
    image = picture and f"![Who is how many times as fast, as points on a logarithmic scale]({picture})"
    parts = [INTRODUCTION, measured_on, image, asked_for(comparisons), *map(table, comparisons)]
    return "\n\n".join(filter(None, parts)) + "\n"
