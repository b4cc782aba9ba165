"""The results that are kept, the reasons for survivors, and the report."""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from typing import Any

from .mutants import Mutant

HERE = Path(__file__).parent
WANTED = 0.95
KINDS = {"equivalent": "the same behaviour", "speed": "only speed or memory", "text": "only the text of an error"}


class Results:
    """A file with a line a mutant; the last line about a mutant counts."""

    def __init__(self, path: Path):
        self.path = path
        path.parent.mkdir(exist_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.by_key: dict[str, dict] = {}
        for line in lines:
            if line.endswith("}"):  # the last may have been cut off
                result = json.loads(line)
                self.by_key[result["key"]] = result

    def add(self, result: dict) -> None:
        """Keep a result, at once."""
        self.by_key[result["key"]] = result
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result, ensure_ascii=False) + "\n")

    def of(self, mutants: Iterable[Mutant]) -> list[dict]:
        """The results of these mutants, as far as they have been tried; what is no mistake after all is left out."""
        known = [{**self.by_key[m.key], "line": m.line} for m in mutants if m.key in self.by_key]
        return [result for result in known if result["outcome"] not in ("none", "open")]


def killed(result: dict) -> bool:
    """Whether a test noticed: it failed, or never ended."""
    return result["outcome"] in ("killed", "timeout")


def read_reasons() -> dict[str, list[dict[str, str]]]:
    """Why survivors survive, by module."""
    reasons = tomllib.loads((HERE / "reasons.toml").read_text(encoding="utf-8"))
    for module, entries in reasons.items():
        for entry in entries:
            if entry["kind"] not in KINDS or not entry["why"] or not (entry.get("line") or entry.get("function")):
                raise ValueError(
                    f"reasons.toml, {module}: {entry}: line or function, kind ({', '.join(KINDS)}) and why"
                )
    return reasons


def reason_for(result: dict, reasons: dict[str, list[dict[str, str]]]) -> dict[str, str] | None:
    """The reason that was written down for this survivor, if any."""
    for entry in reasons.get(result["module"], []):
        if entry.get("line") not in (None, result["text"]) or not result["function"].startswith(
            entry.get("function", "")
        ):
            continue
        new = [line[2:] for line in result["change"].splitlines() if line.startswith("+ ")]
        if result["operator"].startswith(entry.get("operator", "")) and entry.get("after", "") in " ".join(new):
            return entry
    return None


def table(by_module: dict[str, tuple[int, list[dict]]], reasons: Any) -> tuple[str, bool]:
    """A row a module; and whether all is as it should be."""
    rows = ["| module | mutants | tried | killed | share | survived, with a reason | without |", "| --- " * 7 + "|"]
    sums = [0] * 5
    for module, (existing, results) in by_module.items():
        survivors = [r for r in results if not killed(r)]
        explained = sum(reason_for(r, reasons) is not None for r in survivors)
        numbers = [existing, len(results), len(results) - len(survivors), explained, len(survivors) - explained]
        sums = [a + b for a, b in zip(sums, numbers, strict=True)]
        rows.append(_row(module, *numbers))
    rows.append(_row("**all**", *sums))
    return "\n".join(rows), sums[4] == 0 and sums[2] >= WANTED * sums[1]


def _row(name: str, existing: int, tried: int, dead: int, explained: int, open_: int) -> str:
    share = f"{100 * dead / tried:.1f} %" if tried else ""
    return f"| {name} | {existing} | {tried} | {dead} | {share} | {explained} | {open_} |"


def shortened(change: str, around: int = 40) -> str:
    """Long lines, before and after, cut to where they differ.

    >>> print(shortened("- " + "a" * 100 + "1" + "b" * 100 + "\\n+ " + "a" * 100 + "2" + "b" * 100, around=3))
    - …aaa1bbb…
    + …aaa2bbb…
    """
    lines = change.splitlines()
    if len(lines) != 2 or max(map(len, lines)) <= 120:
        return change
    before, after = (line[2:] for line in lines)
    start = _alike(before, after)
    end = min(_alike(before[::-1], after[::-1]), len(before) - start, len(after) - start)
    first = max(start - around, 0)
    cut = [line[first : len(line) - end + around] for line in (before, after)]
    return "\n".join(f"{sign} {'…' * (first > 0)}{line}…" for sign, line in zip("-+", cut, strict=True))


def _alike(a: str, b: str) -> int:
    """How many characters of two texts are the same from the start."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


def survivors_listed(by_module: dict[str, tuple[int, list[dict]]], reasons: Any) -> str:
    """All survivors, by reason."""
    parts = []
    for module, (_, results) in by_module.items():
        grouped: dict[str, list[dict]] = defaultdict(list)
        for result in results:
            if not killed(result):
                entry = reason_for(result, reasons)
                grouped[f"{KINDS[entry['kind']]}: {entry['why']}" if entry else "**no reason yet**"].append(result)
        if grouped:
            parts.append(f"### {module}")
        for why, group in grouped.items():
            shown = "\n".join(f"@ {r['function'].partition(':')[0]}\n{shortened(r['change'])}" for r in group)
            parts.append(f"{why}\n\n```diff\n{shown}\n```")
    return "\n\n".join(parts)
