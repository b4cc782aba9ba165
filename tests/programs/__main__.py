"""Many random programs, run by all who can: `python -m tests.programs --count 20000 --seed 1`.

It prints its seed, how far it is, and at the end what was compared and the largest difference that it met; each failure
with the smallest program that still fails. Ctrl-C (or a time limit that ends it) leaves the results so far. Its exit
code is 1 if one failed.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from importlib.util import find_spec

from .checking import CLOSE, Disagreement, Stats, check
from .generator import program, random_draw
from .shrinking import smallest_failure
from .updates import check_compiled_updates, check_updates, plan

UPDATES_SHARE = 3  # one program in so many is run with changes in place, too


def one(seed: int, numba: bool, torch: bool, stats: Stats) -> str:
    """Check the program of this seed. The text of its failure, or nothing."""
    draw = random_draw(seed)
    made = program(draw)
    try:
        check(made, stats, numba, torch)
    except Disagreement as error:
        return smallest_failure(made, lambda p: check(p, Stats(), numba, torch), str(error))
    if seed % UPDATES_SHARE == 0:
        changed = plan(draw, made)
        try:
            check_updates(changed, stats)
            check_compiled_updates(changed, stats)
        except Disagreement as error:
            return str(error)
    return ""


def main() -> int:
    """Read the options, run, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many programs")
    parser.add_argument("--seed", type=int, default=None, help="which programs: from number seed × 1,000,000 on")
    parser.add_argument("--numba-share", type=float, default=0.2, help="of the programs of Values, run by numba, too")
    options = parser.parse_args()
    chosen = random.randrange(10**6) if options.seed is None else options.seed
    first = chosen * 10**6
    torch, has_numba = find_spec("torch") is not None, find_spec("numba") is not None
    print(
        f"--seed {chosen}: programs {first} to {first + options.count - 1}; PyTorch: {torch}, numba: {has_numba}",
        flush=True,
    )
    stats, failures, begin = Stats(), [], time.monotonic()
    seed = first
    try:
        for seed in range(first, first + options.count):
            numba = has_numba and random.Random(f"numba {seed}").random() < options.numba_share
            if failure := one(seed, numba, torch, stats):
                failures.append((seed, failure))
                print(f"program {seed} fails: {failure}\n", flush=True)
            if (done := seed - first + 1) % 500 == 0:
                seconds = time.monotonic() - begin
                print(f"{done} programs, {len(failures)} failures, {seconds:.0f} s", flush=True)
    except KeyboardInterrupt:
        print(f"stopped at program {seed}; so far:")
    print(summary(stats, failures))
    return 1 if failures else 0


def summary(stats: Stats, failures: list) -> str:
    """The table at the end."""
    lines = [
        f"{stats.programs} programs, {stats.operations} operations, {len(failures)} failures",
        f"{'eager beside':28}{'programs':>10}  largest difference",
    ]
    lines += [f"{who:28}{n:10}  {stats.worst[who]:.2g}" for who, n in stats.compared.most_common()]
    lines += [
        f"(relative to the largest number or gradient on the way; {CLOSE:g} is allowed)",
        f"differences that could not tell: {stats.unsure}; compiled, and not replayed: {stats.as_it_is}; "
        f"changes in place that were refused: {stats.refused}",
        "operations: " + ", ".join(f"{word} {n}" for word, n in stats.words.most_common()),
    ]
    return "\n".join([*lines, *(f"failed: program {seed}" for seed, _ in failures)])


if __name__ == "__main__":
    for which in (signal.SIGINT, signal.SIGTERM):  # both, since Ctrl-C is switched off in the background
        signal.signal(which, signal.default_int_handler)
    sys.exit(main())
