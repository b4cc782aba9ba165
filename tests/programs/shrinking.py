"""A smaller program that fails in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import micrograd_plus as mg

from .program import Literal, Program, Start, evaluated


def smallest_failure(program: Program, check: Callable[[Program], None], message: str, tries: int = 300) -> str:
    """What `check` says of the smallest program, of those that were found, for which it begins with the same words.

    program: one for which `check` raises an error with this message.
    """
    smaller = True
    while smaller:
        smaller = False
        for candidate in _simpler(program):
            tries -= 1
            if tries < 0:
                return message
            if (found := _message(check, candidate)).startswith(message[:15]):
                program, message, smaller = candidate, found, True
                break
    return message


def _message(check: Callable[[Program], None], program: Program) -> str:
    try:
        check(program)
    except Exception as error:
        return str(error)
    return ""


def _simpler(program: Program) -> Iterator[Program]:
    """With fewer outputs; with a result as a start of its own; with a result taken for another one of its shape."""
    n = len(program.starts)
    for i in reversed(program.outputs):
        if len(program.outputs) > 1:
            yield _needed(replace(program, outputs=[i]))
    for i in program.outputs:
        if len(program.outputs) > 1:
            yield _needed(replace(program, outputs=[k for k in program.outputs if k != i]))
    numbers = _numbers(program)
    for i in range(n + len(program.steps) - 1, n - 1, -1):
        if len(program.starts) < 12:
            yield _needed(_from_here(program, i, numbers[i]))
        for other in [x for x in program.steps[i - n].operands if not isinstance(x, Literal)]:
            if program.shapes[other] == program.shapes[i]:
                yield _needed(_renamed(program, {i: other}))
    if program.closed:
        yield replace(program, closed=False)


def _numbers(program: Program) -> list[np.ndarray]:
    """What each variable is."""
    lane = {
        program.name(i): s.array if s.kind == "array" else mg.Tensor(s.array, requires_grad=False)
        for i, s in enumerate(program.starts)
    }
    with mg.no_grad():
        for i, step in enumerate(program.steps, len(program.starts)):
            lane[program.name(i)] = evaluated(program.expression(step), lane)
    return [np.asarray(x.data if hasattr(x, "data") else x, dtype=float) for x in lane.values()]


def _from_here(program: Program, i: int, numbers: np.ndarray) -> Program:
    """Variable i as a new leaf, behind the starts that there are."""
    n = len(program.starts)
    start = Start("leaf", program.shapes[i], tuple(numbers.ravel().tolist()))
    places = {k: k + (k >= n) for k in range(len(program.shapes))} | {i: n}
    moved = _renamed(replace(program, starts=[*program.starts, start]), places)
    return replace(moved, shapes=[*program.shapes[:n], start.shape, *program.shapes[n:]])


def _renamed(program: Program, places: dict[int, int]) -> Program:
    """With other numbers for variables."""
    to: Any = lambda x: x if isinstance(x, Literal) else places.get(x, x)
    steps = [replace(step, operands=tuple(map(to, step.operands))) for step in program.steps]
    return replace(program, steps=steps, outputs=sorted({to(i) for i in program.outputs}))


def _needed(program: Program) -> Program:
    """Without what no output needs."""
    n = len(program.starts)
    wanted = set(program.outputs)
    for i in range(n + len(program.steps) - 1, n - 1, -1):
        if i in wanted:
            wanted |= {x for x in program.steps[i - n].operands if not isinstance(x, Literal)}
    kept = sorted(wanted)
    smaller = _renamed(program, {k: place for place, k in enumerate(kept)})
    return replace(
        smaller,
        starts=[program.starts[i] for i in kept if i < n],
        steps=[smaller.steps[i - n] for i in kept if i >= n],
        shapes=[program.shapes[i] for i in kept],
        outputs=sorted({kept.index(i) for i in program.outputs}),
    )
