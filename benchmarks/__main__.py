"""python -m benchmarks [names…] [--short] [--check | --record] [--out docs/benchmarks.md]."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from . import check
from .plot import plot
from .report import Comparison, asked_for, machine, page, table

WORKS = {  # name: module
    "micrograd": "against_micrograd",
    "pytorch": "against_pytorch",
    "gpt": "gpt_block",
    "growth": "growth",
    "chain": "chain",
    "import": "import_time",
    "drawing": "drawing",
    "classroom": "classroom",
    "capstones": "capstone_steps",
}
CHECKED = ("micrograd", "pytorch", "gpt", "growth", "capstones")  # what --check measures, and --record writes down


def measure(name: str, short: bool) -> list[Comparison]:
    """Do one piece of work, and print its tables as they come."""
    found = []
    for comparison in import_module(f".{WORKS[name]}", __package__).run(short):
        print(table(comparison), end="\n\n", flush=True)
        found.append(comparison)
    return found


def check_all(names: Sequence[str]) -> int:
    """The exit code: 1 where a ratio is far under the recorded one, twice (check.py says how far)."""
    recorded = check.read()
    wrong: dict[str, str] = {}
    for name in names:
        short_of = check.shortfalls(measure(name, short=True), recorded)
        if short_of:
            print(f"Once more, since this may be the machine's mood: {'; '.join(short_of.values())}\n", flush=True)
            again = check.shortfalls(measure(name, short=True), recorded)
            wrong |= {key: sentence for key, sentence in again.items() if key in short_of}
    for sentence in wrong.values():
        print(f"SLOWER: {sentence}")
    print("slower than recorded" if wrong else f"no ratio is under {check.SHARE:.0%} of the recorded one")
    return 1 if wrong else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is named; the exit code is 1 where the contenders' losses differ or a check fails."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast it is, beside others.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"which work: {', '.join(WORKS)} (all of them)")
    parser.add_argument("--short", action="store_true", help="fewer rounds, fewer peers")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--check", action="store_true", help="the short form, compared with recorded.json")
    either.add_argument("--record", action="store_true", help="the short form, written to recorded.json")
    parser.add_argument("--out", type=Path, metavar="FILE.md", help="write the tables there, and the plot beside it")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.names if name not in WORKS]:
        parser.error(f"no such work: {', '.join(unknown)}; there are {', '.join(WORKS)}")
    if chosen.check and not check.RECORDED.exists():
        parser.error(f"{check.RECORDED} is not there to compare with: --record writes it")
    names = chosen.names or (CHECKED if chosen.check or chosen.record else tuple(WORKS))

    print("\n".join(machine()), end="\n\n", flush=True)
    if chosen.check:
        return check_all(names)
    found = [comparison for name in names for comparison in measure(name, chosen.short or chosen.record)]
    print(asked_for(found))
    if chosen.out:
        picture = plot(found)
        if picture:
            chosen.out.with_suffix(".svg").write_text(picture, encoding="utf-8")
        name = chosen.out.with_suffix(".svg").name if picture else None
        chosen.out.write_text(page(found, name), encoding="utf-8")
    differing = [sentence for comparison in found if (sentence := comparison.disagreement())]
    print("\n".join(differing))
    if chosen.record and not differing:
        check.write(found)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
