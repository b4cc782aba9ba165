"""(g) What pictures cost: graphs of 30, 700 and 65,818 nodes folded and drawn, the first picture of a process, notes.

The largest graph is the loss of micrograd's own moons demo: 100 points, an MLP 2-16-16-1, max-margin with L2; once as
our nn.MLP makes it, and once written by hand with Python's sum in each neuron and no Module. The notes are what
nn.Module leaves on the results of its calls, so that a picture can be folded: forward passes with and without them.
"""

from __future__ import annotations

import gc
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from .import_time import process
from .measure import Contender, in_turn
from .report import Comparison, duration

FIRST = """
from micrograd_plus import Value
from micrograd_plus.viz.draw import draw
a = Value(2.0, label="a")
draw(a * a + 1).svg()
"""
IMPORTS_ALONE = "import micrograd_plus, micrograd_plus.viz.draw"


# -- the graphs --------------------------------------------------------------------------------------------------


def neuron() -> tuple[Any, dict]:
    """About 30 nodes: a layer of three neurons and one above."""
    from micrograd_plus import nn

    model = nn.MLP(2, [3, 1], seed=1337)
    return model([0.5, -1.0]) ** 2, {"model": model}


def one_point() -> tuple[Any, dict]:
    """About 700: one point of the demo."""
    from micrograd_plus import nn

    model = nn.MLP(2, [16, 16, 1], seed=1337)
    return loss_of(model, [], points=1), {"model": model}


def with_modules() -> tuple[Any, dict]:
    """The demo's loss, by nn.MLP."""
    from micrograd_plus import nn

    model = nn.MLP(2, [16, 16, 1], seed=1337)
    return loss_of(model, model.parameters()), {"model": model}


def by_hand() -> tuple[Any, dict]:
    """The demo's loss, with Python's sum in each neuron."""
    from micrograd_plus import Value

    rng = random.Random(1337)
    layers = [
        [([Value(rng.uniform(-1, 1)) for _ in range(a)], Value(0.0)) for _ in range(b)]
        for a, b in pairwise((2, 16, 16, 1))
    ]

    def model(x: list) -> Any:
        for layer in layers:
            x = [sum((wi * xi for wi, xi in zip(w, x, strict=True)), b) for w, b in layer]
            x = x if layer is layers[-1] else [v.relu() for v in x]
        return x[0]

    return loss_of(model, [p for layer in layers for w, b in layer for p in (*w, b)]), {"layers": layers}


def loss_of(model: Callable, parameters: list, points: int = 100) -> Any:
    """Max-margin, with L2 of the parameters."""
    from micrograd_plus import Value, data

    X, y = data.make_moons(max(points, 2), noise=0.1, seed=0)
    scores = [model([Value(x) for x in row]) for row in X.tolist()[:points]]
    losses = [(1 + -(2.0 * yi - 1) * score).relu() for yi, score in zip(y.tolist(), scores, strict=False)]
    return sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in parameters)


# -- what is done with them --------------------------------------------------------------------------------------


def computing(graph: Callable) -> Callable[[], None]:
    """Forward and backward: what a picture is measured by."""

    def step() -> None:
        graph()[0].backward()

    return step


def drawing(graph: Callable, and_lay_out: bool) -> Callable[[], None]:
    """From the graph to boxes and arrows (folded, where they are many); and from those to an SVG."""
    from micrograd_plus.viz.draw import draw

    root, names = graph()
    root.backward()

    def step() -> None:
        picture = draw(root, names)
        if and_lay_out:
            picture.svg()

    return step


def pictures(graph: Callable, rounds: int) -> Comparison:
    """One graph: computed, folded, drawn."""
    from micrograd_plus.engine.graph import order
    from micrograd_plus.viz.draw import draw

    root, names = graph()
    nodes, boxes = len(order(root)), len(draw(root, names).scheme.boxes)
    contenders = [
        Contender("forward and backward", computing, (graph,), warm_up=1),
        Contender("folded into boxes", drawing, (graph, False), warm_up=1),
        Contender("folded, and drawn as an SVG", drawing, (graph, True), warm_up=1),
    ]
    how = ", no Module" if graph is by_hand else ""
    return Comparison(
        f"drawing {graph.__name__}",
        f"(g) Drawing {nodes:,} nodes{how}",
        f"{nodes:,} Values in {boxes} boxes.",
        in_turn(contenders, rounds),
        against=("forward and backward",),
        costs=True,
        unit="each",
    )


def first_picture(rounds: int) -> Comparison:
    """In processes of their own, beside processes that only import."""
    contenders = [
        Contender("imports alone", process, (IMPORTS_ALONE,), warm_up=2),
        Contender("and a first SVG", process, (FIRST,), warm_up=2),
    ]
    return Comparison(
        "first picture",
        "(g) The first picture of a process",
        "Whole processes, Python's start included.",
        in_turn(contenders, rounds),
        against=("imports alone",),
        costs=True,
        unit="a process",
        notes=[f"The very first on a computer, which compiles the layout engine: {duration(very_first())}."],
    )


def very_first() -> float:
    """Seconds, where nothing is kept yet of the compiled layout engine."""
    with tempfile.TemporaryDirectory() as empty:
        environment = os.environ | {"XDG_CACHE_HOME": empty, "LOCALAPPDATA": empty, "HOME": empty}
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", FIRST], check=True, env=environment)
        return time.perf_counter() - start


# -- the notes that folding needs --------------------------------------------------------------------------------


def call_without_notes(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Module.__call__ as it would be if nothing were folded."""
    y = self.forward(*args, **kwargs)
    if self._forward_hooks:
        for hook in self._forward_hooks:
            replaced = hook(self, args, y)
            y = y if replaced is None else replaced
    return y


def cost_of_notes(name: str, model: Any, x: Any, calls: int) -> str:
    """Forward passes in this very process: a difference of 2 % is less than that between two processes."""
    from micrograd_plus.nn.module import Module

    call_with_notes = Module.__call__

    def passes(call: Callable) -> float:
        Module.__call__ = call  # type: ignore[method-assign]
        try:
            start = time.perf_counter()
            for _ in range(calls):
                model(x)
            return time.perf_counter() - start
        finally:
            Module.__call__ = call_with_notes  # type: ignore[method-assign]

    ratios = []
    gc.collect()
    for _ in range(60):  # without, with, with, without: a machine that slows down or speeds up meanwhile cancels out
        turns = [passes(call) for call in (call_without_notes, call_with_notes, call_with_notes, call_without_notes)]
        ratios.append((turns[1] + turns[2]) / (turns[0] + turns[3]))
    low, middle, high = statistics.quantiles(ratios, n=4)
    return (
        f"A forward pass with the notes that folding needs, {name}: {middle:.3f} times one without "
        f"(half of them {low:.3f} to {high:.3f})."
    )


def run(short: bool) -> Iterator[Comparison]:
    """A table for each graph, and for the first picture; the notes' cost is told below the last."""
    for graph in (neuron, one_point) if short else (neuron, one_point, with_modules, by_hand):
        yield pictures(graph, rounds=3 if short else 5)
    result = first_picture(rounds=3 if short else 10)
    if not short:
        import numpy as np

        from micrograd_plus import nn

        arrays = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
        result.notes += [
            cost_of_notes("MLP 2-16-16-1", nn.MLP(2, [16, 16, 1], seed=0), [0.3, -0.2], 30),
            cost_of_notes("MLP 1-4-1", nn.MLP(1, [4, 1], seed=0), [0.5], 400),
            cost_of_notes("arrays, 100 × 2-16-16-1", arrays, np.zeros((100, 2)), 100),
        ]
    yield result
