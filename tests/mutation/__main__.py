"""`python -m tests.mutation`: see the package's docstring."""

from __future__ import annotations

import argparse
import importlib
import math
import os
import random
import signal
import sys
from typing import Any

from .mutants import Mutant, mutants_of
from .results import HERE, Results, killed, read_reasons, reason_for, survivors_listed, table
from .running import try_module
from .tables import ALSO, PACKAGE, ROOT, module_names, tests_of
from .trial import Loaded

PRELOADED = ("numpy", "hypothesis", "sympy", "torch", "mpmath", "doctest", "_pytest.doctest", "matplotlib")
KEPT = ROOT / ".mutants"


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="Would the tests notice a mistake?")
    parser.add_argument("modules", nargs="*", help="optim, engine/tensor.py …; all without a name")
    parser.add_argument("--jobs", type=int, default=1, help="children at once")
    parser.add_argument("--seconds", type=float, default=math.inf, help="test a mutant no longer than this")
    parser.add_argument("--share", type=float, default=1.0, help="try a random share of the mutants")
    parser.add_argument("--seed", type=int, default=0, help="which share")
    parser.add_argument("--again", action="store_true", help="try the survivors without a reason again")
    parser.add_argument("--report", action="store_true", help="write docs/mutants.md, try nothing")
    return parser.parse_args(given)


def main() -> int:
    """Try mutants; 0 if enough of them are killed and each survivor has a reason."""
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # as after a Ctrl-C: children are ended too
    modules, results, reasons = module_names(asked.modules), Results(KEPT / "results.jsonl"), read_reasons()
    broken, found = [], {}
    if not asked.report:
        preload()
    for module in modules:
        loaded = Loaded(PACKAGE, module, ALSO)
        mutants = mutants_of(module, loaded.source)
        todo = [m for m in _share(mutants, asked) if _is_open(results.by_key.get(m.key), asked.again, reasons)]
        if todo and not asked.report and (why := try_module(loaded, todo, tests_of(module), results, asked)):
            broken.append(module)
            print(f"{module}: {why}")
        results = Results(results.path)  # with what the children have added
        found[module] = len(mutants), results.of(mutants)
    rows, fine = table(found, reasons)
    print(rows)
    if asked.report:
        write_report(rows, survivors_listed(found, reasons))
    else:
        print(*(f"{r['module']}:{r['line']} {r['operator']}\n{r['change']}" for _, rs in found.values() for r in rs
                if not killed(r) and reason_for(r, reasons) is None), sep="\n")  # fmt: skip
    return 0 if fine and not broken else 1


def preload() -> None:
    """What the tests import, but nothing of ours: children need not do it again."""
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}  # before NumPy is loaded
    for name in PRELOADED:
        try:
            importlib.import_module(name)
        except ImportError:
            print(f"(without {name}, which is not installed)")


def _share(mutants: list[Mutant], asked: argparse.Namespace) -> list[Mutant]:
    chosen = random.Random(asked.seed).sample(mutants, round(asked.share * len(mutants)))
    return sorted(chosen, key=lambda mutant: mutant.line)


def _is_open(result: dict | None, again: bool, reasons: Any) -> bool:
    if result is None or result["outcome"] == "open":
        return True
    return again and result["outcome"] != "killed" and reason_for(result, reasons) is None


def write_report(rows: str, listed: str) -> None:
    """docs/mutants.md: the table, and the survivors with their reasons."""
    text = (HERE / "report.md").read_text(encoding="utf-8")
    (ROOT / "docs" / "mutants.md").write_text(
        text.replace("TABLE", rows).replace("SURVIVORS", listed), encoding="utf-8"
    )


if __name__ == "__main__":
    sys.exit(main())
