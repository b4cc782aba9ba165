"""Whether it has become slower than it was: ratios now, beside those in recorded.json.

Machines differ, and so do minutes: a neighbour who fills the memory's bus halves what is bound by memory, and leaves
what it is compared with alone. So the best tenth of the rounds is compared, and it is a failure only where that is
under 40 % of what was recorded, twice. That finds what a mistake in the code costs (an array operation that became a
loop, a graph that is kept), not a few per cent. What can't be measured here (no numba, say) is passed over; what fails
here with an error is a failure.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from .report import Comparison, figure, machine

RECORDED = Path(__file__).with_name("recorded.json")
SHARE = 0.4  # of the recorded ratio, that must be reached


def to_record(comparisons: Sequence[Comparison]) -> dict:
    """The ratios as they are written to recorded.json."""
    ratios = {}
    for comparison in comparisons:
        for (name, other), found in comparison.own_ratios().items():
            ratios[comparison.name(name, other)] = {"ratio": float(f"{found.middle:.4g}"), "cost": comparison.costs}
    return {"machine": machine(), "ratios": ratios}


def shortfalls(comparisons: Sequence[Comparison], recorded: dict) -> dict[str, str]:
    """What is wrong, by the name of the ratio or of the work: a sentence each; empty where all is well."""
    wrong = {}
    for comparison in comparisons:
        if sentence := comparison.disagreement():
            wrong[comparison.key] = sentence
        for (name, other), found in comparison.own_ratios().items():
            key = comparison.name(name, other)
            before = recorded["ratios"].get(key)
            if before is None:
                continue
            best = found.low if comparison.costs else found.high
            # A cost that doubles has halved what it is worth.
            share = before["ratio"] / best if comparison.costs else best / before["ratio"]
            if share < SHARE:
                wrong[key] = (
                    f"{key} is {figure(best)} at best, was {figure(before['ratio'])}: {share:.0%} of what was "
                    f"recorded, less than {SHARE:.0%}"
                )
        for name, reason in comparison.measured.failed.items():
            if any(key.startswith(f"{comparison.key}: {name} /") for key in recorded["ratios"]):
                wrong[f"{comparison.key}: {name}"] = f"{comparison.key}: {name} failed: {reason}"
    return wrong


def read() -> dict:
    """What was recorded."""
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def write(comparisons: Sequence[Comparison]) -> None:
    """Write the ratios to recorded.json, in place of those that were there under the same names."""
    found = to_record(comparisons)
    if RECORDED.exists():
        found["ratios"] = read()["ratios"] | found["ratios"]
    RECORDED.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
