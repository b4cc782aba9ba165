"""Contenders run in turn, and their times compared.

Each contender has a process of its own, so that neither's garbage, threads or settings slow the other. All are made and
warmed up; then they take turns, round after round, once forwards and once backwards through the list. A turn is as many
steps as fill a twentieth of a second (at least one), since a training loop runs the same step over and over; its result
is the mean time of a step, collection of garbage included. Two contenders are compared within each round, so that a
machine that slows down slows both: the ratio is the median over rounds, its spread the 10th to the 90th percentile.
"""

from __future__ import annotations

import importlib.util
import math
import multiprocessing
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

TURN = 0.05  # seconds
PATIENCE = 300.0  # seconds that a contender may take to get ready, or for one turn


@dataclass(frozen=True)
class Contender:
    """One way to do the work.

    make: a function of a module; make(*args), called in a process of its own, gives step(), and step() does the work
    once and returns the loss (or None, where there is none). needs: keys of NEEDS. warm_up: steps before any is timed;
    their losses are compared with the other contenders'. units: what a step's time is divided by (nodes, say).
    """

    name: str
    make: Callable[..., Callable[[], Any]]
    args: tuple = ()
    needs: tuple[str, ...] = ()
    warm_up: int = 5
    units: int = 1


@dataclass
class Measured:
    """What the rounds gave, by the contenders' names."""

    times: dict[str, list[float]] = field(default_factory=dict)  # seconds a step (or a unit), one number a round
    losses: dict[str, list[float]] = field(default_factory=dict)  # of the first steps
    memory: dict[str, float] = field(default_factory=dict)  # bytes: what the process grew by, from the first step on
    left_out: dict[str, str] = field(default_factory=dict)  # not here, and what to do
    failed: dict[str, str] = field(default_factory=dict)  # here, and it raised an error


class Spread(NamedTuple):
    """The median, and between which numbers 80 % of them lie."""

    middle: float
    low: float
    high: float


# -- statistics ------------------------------------------------------------------------------------------------


def spread(numbers: Sequence[float]) -> Spread:
    """The median, the 10th and the 90th percentile (between neighbours: on the straight line).

    >>> spread([5.0, 1.0, 2.0, 3.0, 4.0])
    Spread(middle=3.0, low=1.4, high=4.6)
    """
    if len(numbers) == 1:
        return Spread(numbers[0], numbers[0], numbers[0])
    tenths = statistics.quantiles(numbers, n=10, method="inclusive")
    return Spread(statistics.median(numbers), tenths[0], tenths[-1])


def ratio(over: Sequence[float], under: Sequence[float]) -> Spread:
    """The spread of over / under, round by round.

    >>> ratio([2.0, 4.0, 40.0], [1.0, 2.0, 10.0]).middle
    2.0
    """
    return spread([a / b for a, b in zip(over, under, strict=True)])


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The p of seconds = c · sizes**p that fits best: least squares on logarithms. 1 is a straight line.

    >>> round(exponent([10, 100, 1000], [5, 50, 500]), 6)
    1.0
    """
    return statistics.linear_regression(list(map(math.log, sizes)), list(map(math.log, seconds))).slope


def disagreement(losses: dict[str, list[float]]) -> float:
    """By how much the losses of the first steps differ at most, relative to the first contender's; nan counts as inf.

    >>> disagreement({"a": [1.0, 2.0], "b": [1.0, 2.5, 7.0]})
    0.25
    """
    worst = 0.0
    first, *others = losses.values() or [[]]
    for other in others:
        for a, b in zip(first, other, strict=False):  # some contenders are slow, and take fewer steps
            apart = abs(a - b) / max(abs(a), 1e-300)
            worst = max(worst, math.inf if math.isnan(apart) else apart)
    return worst


# -- what is installed -----------------------------------------------------------------------------------------


def _package(name: str, install: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        return None if importlib.util.find_spec(name) else f"not installed: `python -m pip install {install}`"

    return missing


def _compiler() -> str | None:
    programs = [os.environ.get("CXX", ""), "c++", "g++", "clang++", "cl"]
    found = any(shutil.which(program) for program in programs if program)
    return None if found else "torch.compile needs a C++ compiler, and there is none on PATH"


def _compile() -> str | None:
    import micrograd_plus

    return None if hasattr(micrograd_plus, "compile") else "micrograd_plus.compile is not there yet"


NEEDS: dict[str, Callable[[], str | None]] = {
    "micrograd": _package("micrograd", "micrograd==0.1.0"),
    "torch": _package("torch", "torch==2.13.0"),
    "mygrad": _package("mygrad", "mygrad"),
    "autograd": _package("autograd", "autograd"),
    "numba": _package("numba", "numba"),
    "C++": _compiler,
    "compile": _compile,
}


def missing(needs: Sequence[str]) -> str | None:
    """Why a contender can't run here, and what to do; None where nothing is missing."""
    return next(filter(None, (NEEDS[need]() for need in needs)), None)


# -- taking turns ----------------------------------------------------------------------------------------------


def in_turn(contenders: Sequence[Contender], rounds: int, turn: float = TURN) -> Measured:
    """Time the contenders, `turn` seconds of steps each in each of the rounds. A contender that fails is out."""
    measured = Measured()
    workers: dict[str, _Worker] = {}
    try:
        for contender in contenders:
            if reason := missing(contender.needs):
                measured.left_out[contender.name] = reason
                continue
            workers[contender.name] = _Worker(contender, turn)
            _ask(workers, contender.name, measured, None)
        for i in range(rounds):
            names = list(workers)
            for name in names if i % 2 else reversed(names):
                _ask(workers, name, measured, True)
    finally:
        for worker in workers.values():
            worker.stop()
    for name in measured.failed:
        for found in (measured.times, measured.losses, measured.memory):
            found.pop(name, None)
    measured.times = {c.name: measured.times[c.name] for c in contenders if c.name in measured.times}
    return measured


def _ask(workers: dict[str, _Worker], name: str, measured: Measured, message: Any) -> None:
    """Let one worker get ready, or take its turn; note what it says, or that it failed."""
    answer = workers[name].answer(message)
    if isinstance(answer, str):
        measured.failed[name] = answer
        workers.pop(name).stop()
    elif message is None:
        measured.losses[name] = answer
    else:
        seconds, measured.memory[name] = answer
        measured.times.setdefault(name, []).append(seconds)


class _Worker:
    """A contender's process, seen from here."""

    def __init__(self, contender: Contender, turn: float):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(contender, turn, theirs), daemon=True)
        self.process.start()
        theirs.close()  # so that the pipe ends when the process does

    def answer(self, message: Any) -> Any:
        """What it answers to the message (None: what it says without being asked); a text where it failed."""
        try:
            if message is not None:
                self.pipe.send(message)
            if not self.pipe.poll(PATIENCE):
                self.process.kill()
                return f"took longer than {PATIENCE:.0f} s"
            return self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            return f"its process ended with code {self.process.exitcode}"

    def stop(self) -> None:
        self.pipe.close()  # it reads the end of the pipe, and ends
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()


def _work(contender: Contender, turn: float, pipe: Any) -> None:
    """In the contender's process: make the step, warm it up, then a turn each time that one is asked for."""
    try:
        step = contender.make(*contender.args)
        before = _peak_memory()
        losses = [_number(loss) for loss in (step() for _ in range(contender.warm_up)) if loss is not None]
        steps = _steps_in(turn, step)
        pipe.send(losses)
        while True:
            pipe.recv()
            start = time.perf_counter()
            for _ in range(steps):
                step()
            seconds = (time.perf_counter() - start) / (steps * contender.units)
            pipe.send((seconds, _peak_memory() - before))
    except EOFError:
        pass  # no more turns
    except Exception as error:
        first_line = (str(error).splitlines() or [""])[0]
        pipe.send(f"{type(error).__name__}: {first_line:.120}")


def _steps_in(turn: float, step: Callable[[], Any]) -> int:
    """How many steps fill a turn: at least one."""
    steps, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < turn:
        step()
        steps += 1
    return max(1, round(steps * turn / passed))


def _number(loss: Any) -> float:
    """A loss of any library as a number."""
    return float(loss.item() if hasattr(loss, "item") else getattr(loss, "data", loss))


def _peak_memory() -> float:
    """The most bytes that this process has held so far; nan on Windows, which doesn't tell Python."""
    if sys.platform == "win32":
        return math.nan
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
