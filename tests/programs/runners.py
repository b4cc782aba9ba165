"""Who runs a program: each gives its result and the gradients of its leaves."""

from __future__ import annotations

import builtins
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import micrograd_plus as mg
from micrograd_plus.engine.graph import order

from .program import NAMES, Program, evaluated

Grads = list  # for each start an array, or None


@dataclass
class Run:
    """What came out. largest: of all numbers and gradients on the way (1 at least)."""

    y: float
    grads: Grads
    largest: float = 1.0
    replayed: bool = True


def starts_of(program: Program, kind: type, moved: float = 0.0) -> list[Any]:
    """New leaves, of Values or of Tensors, and arrays; `moved`: a little to the side."""
    made: list[Any] = []
    for start in program.starts:
        x = start.array + (moved * side(start.shape) if start.kind == "leaf" else 0.0)
        if start.kind == "array":
            made.append(x)
        else:
            made.append(kind(x.item() if kind is mg.Value else x, requires_grad=start.kind == "leaf"))
    return made


def side(shape: tuple) -> np.ndarray:
    """A direction: numbers about 1, of either sign, no two alike."""
    return np.cos(1.0 + 2.0 * np.arange(int(np.prod(shape, dtype=int)))).reshape(shape)


def function_of(program: Program, starts: list) -> Callable:
    """The program as a Python function; a closed one finds its starts around it."""
    around = dict(NAMES)
    if program.closed:
        around |= {program.name(i): x for i, x in enumerate(starts)}
    exec(builtins.compile(program.source(), "<program>", "exec"), around)
    f: Any = around["f"]
    return f


def called(program: Program, f: Callable, starts: list) -> Any:
    return f() if program.closed else f(*starts)


def grads_of(starts: list) -> Grads:
    return [_array(x.grad) if getattr(x, "requires_grad", False) else None for x in starts]


def _array(grad: Any) -> np.ndarray | None:
    return None if grad is None else np.array(grad)


def number(y: Any) -> float:
    return y.data if isinstance(y, mg.Value) else y.item()


def eager(program: Program, kind: type, moved: float = 0.0) -> tuple[Run, Any, list]:
    """As it is; also the root and the starts, for those who look at the graph."""
    starts = starts_of(program, kind, moved)
    root = called(program, function_of(program, starts), starts)
    root.backward()
    return Run(number(root), grads_of(starts), largest_in(root)), root, starts


def largest_in(root: Any) -> float:
    """The largest number or gradient on the way, which rounding errors are relative to; nan if one of them is nan."""
    nodes: Any = order(root)
    numbers = [node._data if isinstance(node, mg.Value) else node._array for node in nodes]
    found = [*numbers, *(node.grad for node in nodes if node.grad is not None)]
    return float(np.max([1.0, *(np.abs(x).max(initial=0.0) for x in found)]))


def twin(root: Any, starts: list) -> Run:
    """The Tensor's graph opened into Values."""
    leaves: dict = {}
    opened = root.to_values(leaves)
    if opened.requires_grad:  # all leaves may be empty
        opened.backward()
    tracked = [isinstance(x, mg.Tensor) and x in leaves for x in starts]
    return Run(opened.data, [leaves[x].grad if has else None for x, has in zip(starts, tracked, strict=True)])


def by_grad(program: Program, kind: type, starts: list) -> Run:
    """value_and_grad: rules run on nodes, in place of backward()."""
    places = tuple(i for i, start in enumerate(program.starts) if start.kind == "leaf")
    if program.closed:
        program = Program(**{**vars(program), "closed": False})
    f = function_of(program, [])
    y, slopes = mg.value_and_grad(f, places)(*starts)
    grads: Grads = [None] * len(starts)
    for i, slope in zip(places, slopes, strict=True):
        grads[i] = np.array(slope.data if isinstance(slope, (mg.Value, mg.Tensor)) else slope)
    return Run(number(y), grads)


BEFORE = 1e-3  # so far aside are the leaves while a function is recorded: a number that is frozen by mistake shows


def compiled(program: Program, kind: type, backend: str) -> Run:
    """Recorded twice with other numbers in the leaves, then replayed with those of the program."""
    starts, first = starts_of(program, kind), starts_of(program, kind, BEFORE)
    numbers = [x.data if hasattr(x, "requires_grad") else x for x in starts]
    f = function_of(program, starts)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a warning says that it can't be replayed
        step = mg.compile(f, backend=backend)
        for _ in range(2):
            for x, aside in zip(starts, first, strict=True):
                if isinstance(x, (mg.Value, mg.Tensor)):
                    x.data = aside.data
            called(program, step, starts)
        for x, n in zip(starts, numbers, strict=True):
            if isinstance(x, (mg.Value, mg.Tensor)):
                x.data = n
        root = called(program, step, starts)
        root.backward()
    return Run(number(root), grads_of(starts), replayed=step.replays == 1)


# -- finite differences ----------------------------------------------------------------------------------------


def by_differences(program: Program, enough: float) -> tuple[float, float]:
    """The slope along `side`, by central differences (Ridders' method), and how far off it may be by its own estimate.

    C. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4 (1982): differences
    at ever smaller steps, extrapolated to step 0; the best is where two neighbours in the table differ least. It ends
    when the estimate is `enough`.
    """
    lane = Lane(program)
    h, table = 2e-4, []
    best, error = np.nan, np.inf
    for i in range(5):
        if error < enough:
            break
        table.append([(lane.total(h) - lane.total(-h)) / (2 * h)])
        for k in range(1, i + 1):
            factor = 4.0**k
            table[i].append((factor * table[i][k - 1] - table[i - 1][k - 1]) / (factor - 1))
            differ = max(abs(table[i][k] - table[i][k - 1]), abs(table[i][k] - table[i - 1][k - 1]))
            if differ <= error:
                best, error = table[i][k], differ
        h /= 2
    return best, error


class Lane:
    """The program step by step on plain numbers; what no gradient goes through stays as it is at the start."""

    def __init__(self, program: Program):
        self.program = program
        self.lines = [program.expression(step) for step in program.steps]
        self.fixed: dict[int, Any] = {}
        if any(step.alone for step in program.steps):
            self.total(0.0)

    def total(self, moved: float) -> float:
        """The result with the leaves moved so far along `side`."""
        program = self.program
        variables = {program.name(i): x for i, x in enumerate(starts_of(program, mg.Tensor, moved))}
        with mg.no_grad():
            for i, (step, line) in enumerate(zip(program.steps, self.lines, strict=True), len(program.starts)):
                y = self.fixed[i] if i in self.fixed else evaluated(line, variables)
                if step.alone:
                    self.fixed[i] = y
                variables[program.name(i)] = y
            parts = [evaluated(program.weighted(i), variables) for i in program.outputs]
            return sum(part.item() if hasattr(part, "item") else part for part in parts)


def along(program: Program, grads: Grads) -> float:
    """The slope along `side` that these gradients say."""
    leaves = zip(program.starts, grads, strict=True)
    return float(sum((side(s.shape) * g).sum() for s, g in leaves if s.kind == "leaf" and g is not None))
