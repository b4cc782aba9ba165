"""A program run by all who can, and their results compared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import micrograd_plus as mg

from . import runners
from .program import Program
from .runners import Run

# Relative to the largest number or gradient on the way (1 at least). Runners differ in the order of additions and in
# the last digit of exp, tanh …: a few units of 1.1e-16 in each of 60 steps. An error made at one step reaches the
# result multiplied by how the result answers to that step (its gradient, which is on the way, so it counts in
# `largest`), and a gradient multiplied by the curvature, which the generator holds down: at most 100 at each step.
# 60 steps × 1.1e-16 × 100 is 7e-13; thousands of programs have stayed below 1e-14.
CLOSE = 1e-12
# Differences have an error estimate of their own; where it is larger than this, the program says nothing.
SURE = 1e-7


class Disagreement(AssertionError):  # noqa: N818 - a finding, not a mistake of the caller's
    """Two runners differ; the text has the numbers and the program as a script."""


@dataclass
class Stats:
    """What has been compared so far."""

    programs: int = 0
    operations: int = 0
    words: Counter = field(default_factory=Counter)
    compared: Counter = field(default_factory=Counter)  # by runner
    worst: dict[str, float] = field(default_factory=dict)
    unsure: int = 0  # differences that could not tell
    as_it_is: int = 0  # compiled, and not replayed
    refused: int = 0  # changes in place that were refused by an error

    def note(self, who: str, difference: float) -> None:
        self.compared[who] += 1
        self.worst[who] = max(self.worst.get(who, 0.0), difference)


def check(program: Program, stats: Stats, numba: bool = False, torch: bool = True) -> None:
    """Disagreement if one of the runners doesn't agree with the eager one; other errors are those of who raised."""
    kind = mg.Value if program.scalars else mg.Tensor
    try:
        expected, root, starts = runners.eager(program, kind)
    except Exception as error:
        raise Disagreement(f"eager: {type(error).__name__}: {error}\n\n{program.snippet()}") from error
    others: dict[str, Any] = {"compiled NumPy": lambda: runners.compiled(program, kind, "numpy")}
    if program.scalars:
        others["Tensors"] = lambda: runners.eager(program, mg.Tensor)[0]
        if numba:
            others["compiled numba"] = lambda: runners.compiled(program, kind, "numba")
    else:
        others["twin"] = lambda: runners.twin(root, starts)
    others["grad(f)"] = lambda: runners.by_grad(program, kind, starts)
    if torch:
        others["PyTorch"] = lambda: _in_torch(program)
    for who, run in others.items():
        try:
            got = run()
        except Exception as error:
            raise Disagreement(f"{who}: {type(error).__name__}: {error}\n\n{program.snippet()}") from error
        if who.startswith("compiled") and not got.replayed:
            stats.as_it_is += 1
        stats.note(who, compare(program, who, expected, got))
    _compare_differences(program, expected, stats)
    stats.programs += 1
    stats.operations += len(program.steps)
    stats.words.update(step.word for step in program.steps)


def _in_torch(program: Program) -> Run:
    from . import in_torch

    return Run(*in_torch.run(program))


def compare(program: Program, who: str, expected: Run, got: Run) -> float:
    """The largest difference, relative to the largest number on the way; Disagreement if it is too large."""
    worst, where = abs(got.y - expected.y) / expected.largest, "the result"
    for i, (a, b) in enumerate(zip(expected.grads, got.grads, strict=True)):
        if a is None and b is None:
            continue
        if who.startswith("compiled") and (a is None) != (b is None):
            worst, where = np.inf, f"{program.name(i)}.grad is None in one of them"
        a, b = (np.zeros(program.starts[i].shape) if g is None else np.asarray(g) for g in (a, b))
        if a.shape != b.shape:
            worst, where = np.inf, f"the shape of {program.name(i)}.grad: {b.shape} for {a.shape}"
            break
        differs = float(np.abs(a - b).max(initial=0.0)) / expected.largest
        if not differs <= worst:  # also nan
            worst, where = differs, f"{program.name(i)}.grad"
    if not worst <= CLOSE:
        raise Disagreement(
            f"{who} differs from eager by {worst:.3g} of the largest number on the way ({expected.largest:.3g}), in "
            f"{where}:\neager {expected.y!r} {expected.grads}\n{who} {got.y!r} {got.grads}\n\n{program.snippet()}"
        )
    return worst


def _compare_differences(program: Program, expected: Run, stats: Stats) -> None:
    slope, error = runners.by_differences(program, 0.1 * SURE * expected.largest)
    if not error / expected.largest < SURE:
        stats.unsure += 1
        return
    ours = runners.along(program, expected.grads)
    differs = abs(slope - ours) / expected.largest
    if not differs <= SURE + 10 * error / expected.largest:
        raise Disagreement(
            f"differences say {slope!r} ± {error:.1g} along a direction, backward() {ours!r}\n\n{program.snippet()}"
        )
    stats.note("differences", differs)
