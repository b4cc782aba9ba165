"""All mutants of one module, one after another."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from .mutants import Mutant
from .results import Results
from .trial import Loaded, Trials, each_in_a_child, import_anew, in_child, pytest_run


def try_module(loaded: Loaded, todo: list[Mutant], tests: list[str], results: Results, asked: Any) -> str:
    """Try these mutants of a module: in functions that are loaded, then with a new import where that is needed.

    tests: what pytest is given. asked: has `jobs` and `seconds`. Returns what went wrong, if anything did.
    """
    times = results.path.with_name(f"{loaded.name}.json")
    log = results.path.with_name("last.log")
    progress = Progress(loaded.name, len(todo), results)

    def in_place() -> dict:
        _write_into(log)
        loaded.load()
        trials = Trials(loaded, todo, times, progress.note, asked)
        for result in results.by_key.values():
            if loaded.path.endswith(result["module"]):
                trials.learn(result)
        status = pytest_run(tests, trials)
        return {"broken": trials.broken or (f"pytest ended with {status}; see {log}" if status else "")}

    found = in_child(in_place, limited=False)
    if found.get("broken", "?"):
        return found.get("broken") or f"the process ended before its time ({found.get('by')})"
    known = Results(results.path).by_key
    anew = [m for m in todo if known[m.key]["outcome"] == "open"]
    calls = json.loads(times.read_text())

    def one(mutant: Mutant) -> dict:
        _write_into(log)
        return import_anew(loaded, mutant, tests, calls, asked.seconds)

    progress = Progress(f"{loaded.name}, imported anew", len(anew), results)
    each_in_a_child(anew, one, asked.jobs, lambda mutant, found: progress.note({**known[mutant.key], **found}))
    return ""


def _write_into(log: Path) -> None:
    """Whatever the tests write is not for the terminal."""
    sys.stdout.flush()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)


class Progress:
    """Keeps each result, and says how far it is."""

    def __init__(self, what: str, total: int, results: Results):
        self.what, self.total, self.results = what, total, results
        self.counts: Counter[str] = Counter()
        self.terminal, self.last = os.dup(2), 0.0  # a copy, since children are silenced

    def note(self, result: dict) -> None:
        """One more."""
        self.results.add(result)
        self.counts[result["outcome"]] += 1
        done = self.counts.total()
        if time.monotonic() - self.last > 5 or done == self.total:
            self.last = time.monotonic()
            counts = ", ".join(f"{n} {outcome}" for outcome, n in sorted(self.counts.items()))
            os.write(self.terminal, f"{self.what}: {done} of {self.total}: {counts}\n".encode())
