"""One process for one module: collects its tests, sees that they pass, and forks a child for each mutant."""

from __future__ import annotations

import gc
import importlib
import json
import math
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from importlib.machinery import PathFinder, SourceFileLoader
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest

from .mutants import Mutant, changed_lines

# A child is stopped when one test takes longer than this (its own processor time), or all of it longer than that.
SECONDS_A_TEST, TIMES_A_TEST = 2.0, 20.0
SECONDS_A_CHILD = 900.0  # by the clock: for one that waits for what never comes
MEMORY = 4 * 2**30

Key = tuple  # what tells two functions of one module apart


def key_of(code: CodeType) -> Key:
    """Name and place of a function's code; the columns tell lambdas on one line apart."""
    return code.co_qualname, code.co_firstlineno, hash(tuple(code.co_positions()))


@cache
def name_of(code: CodeType) -> str:
    """A function's name; all lambdas have the same one, so that their place is added."""
    if "<lambda>" not in code.co_qualname:
        return code.co_qualname
    line, column = min((p[0], p[2]) for p in code.co_positions() if p[0] and p[3])
    return f"{code.co_qualname}:{line}:{column}"


def pairs(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """The codes of all functions and classes in a module, before and after a mistake was put in."""
    yield old, new
    inner = [[c for c in code.co_consts if isinstance(c, CodeType)] for code in (old, new)]
    if len(inner[0]) == len(inner[1]):
        for a, b in zip(*inner, strict=True):
            yield from pairs(a, b)


def differ(old: CodeType, new: CodeType) -> bool:
    """Whether these two do something else, apart from the functions inside of them."""

    def content(code: CodeType) -> tuple:
        constants = [repr(c) if not isinstance(c, CodeType) else "" for c in code.co_consts]
        return code.co_code, code.co_names, code.co_varnames, constants, code.co_exceptiontable

    return content(old) != content(new)


@contextmanager
def watching(path: str, called: Callable[[CodeType], None]) -> Iterator[None]:
    """Meanwhile, `called` is told of each function of the file `path` that is called."""

    def tell(frame: FrameType, event: str, arg: Any) -> None:
        if frame.f_code.co_filename == path:
            called(frame.f_code)

    sys.settrace(tell)
    threading.settrace(tell)  # in threads that are started meanwhile
    try:
        yield
    finally:
        sys.settrace(None)
        threading.settrace(None)


class Loaded:
    """A module under test, imported: its functions, and which of them were called while it was imported."""

    def __init__(self, package: Path, module: str, also: Iterable[str] = ()):
        """module: its path inside the package; also: modules that call its functions while they are imported."""
        self.path = str(package / module)
        self.name = ".".join((package.name, *Path(module).with_suffix("").parts))
        self.source = Path(self.path).read_text(encoding="utf-8")
        self.code = compile(self.source, self.path, "exec")
        self.also = also
        self.at_import: set[str] = set()
        self.functions: dict[Key, list[FunctionType]] = defaultdict(list)

    def load(self) -> None:
        """Import it, and whatever may use it while it is imported."""
        with watching(self.path, lambda code: self.at_import.add(name_of(code))):
            for name in (self.name, *self.also):
                importlib.import_module(name)

    def find_functions(self) -> None:
        """All functions of this file, wherever they are by now."""
        for thing in gc.get_objects():
            if type(thing) is FunctionType and thing.__code__.co_filename == self.path:
                self.functions[key_of(thing.__code__)].append(thing)

    def change(self, mutated: str) -> tuple[set[str], bool]:
        """Put the changed code in place: names of the changed functions, and whether a new import is needed for it."""
        changed, anew = set(), False
        for old, new in pairs(self.code, compile(mutated, self.path, "exec")):
            if differ(old, new):
                changed.add(name_of(old))
                anew = anew or not old.co_flags & CO_OPTIMIZED or name_of(old) in self.at_import
                if not old.co_flags & CO_OPTIMIZED:
                    return changed, True
            for function in self.functions.get(key_of(old), ()):
                try:
                    function.__code__ = new
                except ValueError:  # it closes over other names than before
                    return changed, True
        return changed, anew


class Trials:
    """A plugin of pytest: in place of its loop over the tests comes one over the mutants."""

    def __init__(self, loaded: Loaded, mutants: list[Mutant], kept: Path, done: Callable[[dict], None], asked: Any):
        self.loaded, self.mutants, self.kept, self.done = loaded, mutants, kept, done
        self.jobs, self.limit = asked.jobs, asked.seconds
        self.failed: str | None = None
        self.seconds: dict[str, float] = {}  # of each test
        self.calls: dict[str, set[str]] = {}  # the module's functions that each test calls
        self.kills: dict[str, Counter] = defaultdict(Counter)  # tests that killed mutants of a function; of "": of any
        self.broken = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Remember a failure (one that was expected is none)."""
        if report.failed:
            self.failed = report.nodeid

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        """All mutants, some at once."""
        if session.testsfailed or not session.items:
            self.broken = "the tests could not be collected"
            return True
        self.items = list({item.nodeid: item for item in session.items}.values())
        self.loaded.find_functions()
        gc.freeze()  # so that no child copies all memory when it collects garbage
        first = in_child(self._first_run)
        if "failed" in first or "tests" not in first:
            self.broken = f"the tests fail without any mistake put in: {first}"
            return True
        for nodeid, (seconds, calls) in first["tests"].items():
            self.seconds[nodeid], self.calls[nodeid] = seconds, set(calls)
        again = in_child(lambda: {"killed by": self.run(self.in_order(self.items, ""))})
        if again.get("killed by", "") is not None:
            self.broken = f"the tests fail when the quickest go first: {again}"
            return True
        each_in_a_child(self.mutants, self.try_out, self.jobs, self._note)
        return True

    def _first_run(self) -> dict:
        """Each test once, as they are: its time, and which functions it calls."""
        tests = {}
        for item, following in zip(self.items, [*self.items[1:], None], strict=True):
            calls: set[str] = set()
            before = time.process_time()
            with watching(self.loaded.path, lambda code: calls.add(name_of(code))):  # noqa: B023
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            tests[item.nodeid] = (time.process_time() - before, sorted(calls))
            if self.failed:
                return {"failed": self.failed}
        self.kept.write_text(json.dumps(tests))
        return {"tests": tests}

    def in_order(self, items: Iterable[Any], function: str) -> list[Any]:
        """First the tests that killed mutants of the same function, then those that kill most in a second."""
        here, anywhere = self.kills[function], self.kills[""]

        def worth(item: Any) -> tuple[float, float]:
            return here[item.nodeid], (1 + anywhere[item.nodeid]) / (0.005 + self.seconds.get(item.nodeid, 0.0))

        return sorted(items, key=worth, reverse=True)

    def affordable(self, items: list[Any], seconds: float) -> list[Any]:
        """Those of the tests, taken in order, that fit into this time together."""
        chosen = []
        for item in items:
            seconds -= self.seconds.get(item.nodeid, 0.0)
            if seconds >= 0:
                chosen.append(item)
            else:
                seconds += self.seconds[item.nodeid]
        return chosen

    def run(self, items: list[Any], seconds: float = math.inf) -> str | None:
        """Run tests until one fails: its name. None if all pass, or as many as can be run in this time."""
        items = self.affordable(items, seconds)
        end = time.process_time() + seconds
        for item, following in zip(items, [*items[1:], None], strict=False):  # none at all: nothing to zip
            limit = SECONDS_A_TEST + TIMES_A_TEST * self.seconds.get(item.nodeid, 0.0)
            signal.setitimer(signal.ITIMER_VIRTUAL, limit)  # the signal ends the process
            try:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            except BaseException as error:  # whatever a mutant does to pytest itself
                self.failed = f"{item.nodeid}: {error!r:.200}"
            if self.failed or time.process_time() > end:
                break
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        return self.failed

    def try_out(self, mutant: Mutant) -> dict:
        """In a child: put the mistake in, run the tests of the functions that it changes."""
        mutated = mutant.source()
        found: dict[str, Any] = {"change": changed_lines(self.loaded.source, mutated)}
        try:
            functions, anew = self.loaded.change(mutated)
        except SyntaxError:
            return {"outcome": "none"}
        if not functions:
            return {"outcome": "none"}
        found |= {"function": sorted(functions)[0], "anew": anew}
        if anew and functions & {"<module>"}:
            return found | {"outcome": "open"}  # until it is imported anew
        items = [item for item in self.items if any(self._reaches(item, name) for name in functions)]
        killer = self.run(self.in_order(items, found["function"]), self.limit)
        outcome = "killed" if killer else "open" if anew else "survived"
        return found | {"outcome": outcome, "by": killer, "tests": len(items)}

    def _reaches(self, item: Any, name: str) -> bool:
        """Whether a test calls this function, or the one that it is made in."""
        calls = self.calls[item.nodeid]
        return name in calls or name.partition(".<locals>")[0] in calls

    def _note(self, mutant: Mutant, result: dict) -> None:
        self.learn(result)
        self.done({"function": "", "change": "", **described(mutant), **result})

    def learn(self, result: dict) -> None:
        """Which test found it."""
        if result["outcome"] == "killed":
            for function in ("", result["function"]):
                self.kills[function][result["by"]] += 1


def described(mutant: Mutant) -> dict:
    """What is kept of a mutant."""
    return {name: getattr(mutant, name) for name in ("key", "module", "line", "operator", "text")}


# -- children ----------------------------------------------------------------------------------------------------


def each_in_a_child(
    mutants: Iterable[Mutant], work: Callable[[Mutant], dict], jobs: int, note: Callable[[Mutant, dict], None]
) -> None:
    """Do the work for each mutant in a child of its own, `jobs` at once; `note` is told what it found."""
    running: dict[int, tuple[Mutant, int, float]] = {}
    waiting = iter(mutants)
    try:
        while True:
            while len(running) < jobs and (mutant := next(waiting, None)) is not None:
                pid, found = fork(partial(work, mutant))
                running[pid] = mutant, found, time.monotonic()
            if not running:
                return
            for pid, (mutant, found, start) in list(running.items()):
                result = ended(pid, found, start)
                if result is not None:
                    del running[pid]
                    note(mutant, result)
            time.sleep(0.005)
    finally:
        for pid in running:  # after a Ctrl-C
            os.kill(pid, signal.SIGKILL)


def fork(work: Callable[[], dict], limited: bool = True) -> tuple[int, int]:
    """A child that does some work and writes what it finds into a file: its id, and the file's descriptor."""
    found = os.memfd_create("found")
    pid = os.fork()
    if pid:
        return pid, found
    try:
        if limited:
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        os.environ["PYTEST_DEBUG_TEMPROOT"] = _scratch(os.getpid(), make=True)
        result = work()
        result.setdefault("seconds", round(time.process_time(), 2))
    except BaseException as error:  # a mistake of ours: counts as a survivor, so that it is seen
        result = {"outcome": "error", "by": f"{type(error).__name__}: {error!s:.200}", "function": "", "change": ""}
    finally:
        os.write(found, json.dumps(result).encode())
        os._exit(0)


def ended(pid: int, found: int, start: float, limit: float = SECONDS_A_CHILD) -> dict | None:
    """What a child has found; None as long as it runs."""
    late = time.monotonic() - start > limit
    if late:
        os.kill(pid, signal.SIGKILL)
    done, status = os.waitpid(pid, 0 if late else os.WNOHANG)
    if not done:
        return None
    os.lseek(found, 0, os.SEEK_SET)
    with os.fdopen(found) as file:
        text = file.read()
    shutil.rmtree(_scratch(pid), ignore_errors=True)
    return json.loads(text) if text else {"outcome": "timeout", "by": f"ended by signal {os.WTERMSIG(status)}"}


def in_child(work: Callable[[], dict], limited: bool = True) -> dict:
    """Do some work in a child, and wait for it."""
    pid, found = fork(work, limited)
    start, result = time.monotonic(), None
    try:
        while (result := ended(pid, found, start, SECONDS_A_CHILD if limited else math.inf)) is None:
            time.sleep(0.01)
    finally:
        if result is None:  # after a Ctrl-C
            os.kill(pid, signal.SIGTERM)
    return result


def _scratch(pid: int, make: bool = False) -> str:
    folder = Path(tempfile.gettempdir()) / f"mutant-{pid}"
    if make:
        folder.mkdir(exist_ok=True)
    return str(folder)


# -- importing anew ----------------------------------------------------------------------------------------------


class Served(SourceFileLoader):
    """Serves one module with a mistake in it, all others as they are."""

    def __init__(self, loaded: Loaded, mutated: str):
        super().__init__(loaded.name, loaded.path)
        self.wanted, self.code = loaded.name, compile(mutated, loaded.path, "exec")

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The module that is wanted, found where it always is."""
        if name != self.wanted:
            return None
        spec = PathFinder.find_spec(name, path)
        assert spec is not None
        spec.loader = self
        return spec

    def get_code(self, fullname: str) -> CodeType:
        """The changed code."""
        return self.code


def pytest_run(tests: list[str], plugin: Any) -> int:
    """Run pytest in this process, without a word."""
    from hypothesis import HealthCheck, Phase, settings

    # The same examples every time, nothing written down, and a failure is not made small before it is reported.
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("mutants", database=None, deadline=None, derandomize=True, phases=phases,
                              suppress_health_check=list(HealthCheck))  # fmt: skip
    settings.load_profile("mutants")
    options = ["-o", "addopts=", "-q", "-s", "--tb=native", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # plugins are loaded before pytest is started
    return pytest.main([*options, "-x", "--doctest-modules", *tests], plugins=[plugin])


def import_anew(loaded: Loaded, mutant: Mutant, tests: list[str], times: dict[str, list], limit: float) -> dict:
    """In a child that has imported nothing of ours yet: import with the mistake, run the tests, file by file."""
    mutated = mutant.source()
    sys.meta_path.insert(0, Served(loaded, mutated))
    try:
        importlib.import_module(loaded.name)  # now: pytest would serve a module itself that it is given to look into
    except BaseException as error:
        return {"outcome": "killed", "by": f"the import: {error!r:.200}"}
    for test in tests:
        run = Plain(times, mutant.inside, limit)
        status = pytest_run([test], run)
        if status not in (0, 5):  # 5: no tests
            return {"outcome": "killed", "by": run.failed or f"{test}: not collected"}
    return {"outcome": "survived", "by": None}


class Plain(Trials):
    """The tests of a file: first those that call the function, or use the class, that the mistake stands in."""

    def __init__(self, times: dict[str, list], inside: str, limit: float):
        self.seconds = {nodeid: seconds for nodeid, (seconds, _) in times.items()}
        self.first = {
            nodeid for nodeid, (_, calls) in times.items() if any(f"{c}.".startswith(f"{inside}.") for c in calls)
        }
        self.limit, self.failed = limit, None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        """In place of pytest's own loop."""
        if not session.testsfailed:
            quickest = sorted(session.items, key=lambda item: self.seconds.get(item.nodeid, 0.0))
            self.run(sorted(quickest, key=lambda item: item.nodeid not in self.first), self.limit)
        return True
