"""python -m benchmarks.targets [names…] [--seeds 0 1 2]: train the capstones in full, and say what each reached.

A line a capstone and target: what is wanted, what each seed reached on what was held out, and how long a seed took,
training and evaluation, in seconds of the clock and of the processor. The exit code is 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small; before NumPy is loaded


class Capstone(NamedTuple):
    """Where it is, the score of each target (None: the score has the target's own name), and settings of train."""

    module: str
    targets: dict[str, str | None]
    settings: tuple[tuple[str, str], ...] = ()


CAPSTONES = {
    "digits": Capstone("digits", {"TARGET": None}),
    "faces": Capstone("faces", {"TARGET": None}),
    "spoken_digits": Capstone("spoken_digits", {"TARGET": None}),
    "speakers": Capstone("speakers", {"TARGET": None}),
    "speakers_gru": Capstone("speakers", {"TARGET": None}, (("kind", "gru"),)),
    "translation": Capstone("translation", {"TARGET": None}),
    "names": Capstone("names", {"TARGET": None}),
    "tictactoe": Capstone("tictactoe", {"TARGET": "lost lines"}),
    "connect_four": Capstone("connect_four", {"TARGET_RANDOM": "random", "TARGET_TACTICIAN": "tactician"}),
    "rook_endgame": Capstone("rook_endgame", {"TARGET": "mates"}),
    "capture_go": Capstone("capture_go", {"TARGET_RANDOM": "random", "TARGET_TACTICIAN": "tactician"}),
}


def measure(name: str, seeds: Sequence[int]) -> bool:
    """Train one of them with each seed, print its lines, and say whether all targets are met."""
    capstone = CAPSTONES[name]
    module = import_module(f"micrograd_plus.capstones.{capstone.module}")
    scores, times = [], []
    for seed in seeds:
        clock, processor = time.perf_counter(), time.process_time()
        scores.append(module.train(seed, progress=False, **dict(capstone.settings)).scores)
        times.append(f"{time.perf_counter() - clock:.0f} s ({time.process_time() - processor:.0f} s)")
    met = True
    for target, score in ((getattr(module, key), score) for key, score in capstone.targets.items()):
        reached = [found[score or target.what] for found in scores]
        met = met and all(map(target.met, reached))
        shown = ", ".join(map(target.shown, reached))
        print(f"| {name} | {target.what} | {target.wanted} | {shown} | {', '.join(times)} |", flush=True)
    return met


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is named, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.targets", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="name", help=f"{', '.join(CAPSTONES)} (all of them)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.names if name not in CAPSTONES]:
        parser.error(f"no such capstone: {', '.join(unknown)}; there are {', '.join(CAPSTONES)}")
    seeds = ", ".join(map(str, chosen.seeds))
    print(f"| capstone | what | wanted | reached with seeds {seeds} | clock (processor) |\n|---|---|---|---|---|")
    met = [measure(name, chosen.seeds) for name in chosen.names or CAPSTONES]  # all of them, also after one that misses
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
