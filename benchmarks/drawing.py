"""What pictures cost: the moons loss folded and drawn, the first picture of a process, the notes that folding needs.

    python benchmarks/drawing.py

The loss is that of micrograd's own moons demo: 100 points, an MLP 2-16-16-1, max-margin with L2; once as our nn.MLP
makes it, and once written by hand with Python's sum in each neuron and no Module. Drawing is told in seconds, and as a
ratio to one forward and backward of the same loss in this run. The notes are what nn.Module leaves on the results of
its calls: forward passes with and without them, in turns; the median ratio of neighbouring passes.
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
from itertools import pairwise

import numpy as np

from micrograd_plus import Value, data, nn
from micrograd_plus.engine.graph import order
from micrograd_plus.nn.module import Module
from micrograd_plus.viz.draw import draw

FIRST = """
from micrograd_plus import Value
from micrograd_plus.viz.draw import draw
a = Value(2.0, label="a")
draw(a * a + 1).svg()
"""
IMPORTS_ALONE = "import micrograd_plus, micrograd_plus.viz.draw"
RUNS = 5


def with_modules() -> tuple[Value, dict]:
    model = nn.MLP(2, [16, 16, 1], seed=1337)
    return loss_of(model, model.parameters()), {"model": model}


def by_hand() -> tuple[Value, dict]:
    rng = random.Random(1337)
    layers = [
        [([Value(rng.uniform(-1, 1)) for _ in range(a)], Value(0.0)) for _ in range(b)]
        for a, b in pairwise((2, 16, 16, 1))
    ]

    def model(x: list[Value]) -> Value:
        for layer in layers:
            x = [sum((wi * xi for wi, xi in zip(w, x, strict=True)), b) for w, b in layer]
            x = x if layer is layers[-1] else [v.relu() for v in x]
        return x[0]

    return loss_of(model, [p for layer in layers for w, b in layer for p in (*w, b)]), {"layers": layers}


def loss_of(model, parameters: list[Value]) -> Value:
    X, y = data.make_moons(100, noise=0.1, seed=0)
    scores = [model([Value(x) for x in row]) for row in X.tolist()]
    losses = [(1 + -(2.0 * yi - 1) * score).relu() for yi, score in zip(y.tolist(), scores, strict=True)]
    return sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in parameters)


def seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def draw_the_moons(name: str, make) -> None:
    drawing, computing = [], []
    for _ in range(RUNS):
        loss = names = None
        start = time.perf_counter()
        loss, names = make()
        loss.backward()
        computing.append(time.perf_counter() - start)
        picture = None

        def work(loss=loss, names=names) -> None:
            nonlocal picture
            picture = draw(loss, names)
            picture.svg()

        drawing.append(seconds(work))
    ratio = statistics.median(d / c for d, c in zip(drawing, computing, strict=True))
    print(
        f"  moons {name:13s} {len(order(loss)):,} Values in {len(picture.scheme.boxes)} boxes: "
        f"{statistics.median(drawing):.2f} s, {ratio:.2f} times one forward and backward"
    )


def first_picture() -> None:
    """In processes of their own, beside processes that only import."""
    whole, imports = [], []
    for _ in range(2 * RUNS):
        whole.append(seconds(lambda: subprocess.run([sys.executable, "-c", FIRST], check=True)))
        imports.append(seconds(lambda: subprocess.run([sys.executable, "-c", IMPORTS_ALONE], check=True)))
    extra = statistics.median(a - b for a, b in zip(whole, imports, strict=True))
    print(
        f"  first SVG of a process: {statistics.median(whole) * 1e3:.0f} ms with Python's start and the imports, "
        f"{extra * 1e3:.0f} ms without"
    )
    with tempfile.TemporaryDirectory() as empty:  # where the compiled layout engine is kept: nothing there yet
        environment = os.environ | {"XDG_CACHE_HOME": empty, "LOCALAPPDATA": empty, "HOME": empty}
        first = seconds(lambda: subprocess.run([sys.executable, "-c", FIRST], check=True, env=environment))
    print(f"  the very first on a computer, which compiles the layout engine: {first:.1f} s")


def call_without_notes(self, *args, **kwargs):
    """Module.__call__ as it would be if nothing were folded."""
    y = self.forward(*args, **kwargs)
    if self._forward_hooks:
        for hook in self._forward_hooks:
            replaced = hook(self, args, y)
            y = y if replaced is None else replaced
    return y


def cost_of_notes(name: str, model, x, calls: int) -> None:
    call_with_notes = Module.__call__

    def run() -> None:
        for _ in range(calls):
            model(x)

    def passes(call) -> float:
        Module.__call__ = call
        try:
            return seconds(run)
        finally:
            Module.__call__ = call_with_notes

    ratios = []
    gc.collect()
    for _ in range(60):  # without, with, with, without: a machine that slows down or speeds up meanwhile cancels out
        turns = [passes(call) for call in (call_without_notes, call_with_notes, call_with_notes, call_without_notes)]
        ratios.append((turns[1] + turns[2]) / (turns[0] + turns[3]))
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(
        f"  a forward pass with notes, {name:24s} {middle:.3f} times one without (half of them {low:.3f} to {high:.3f})"
    )


def main() -> None:
    draw_the_moons("nn.MLP", with_modules)
    draw_the_moons("by hand", by_hand)
    first_picture()
    cost_of_notes("MLP 2-16-16-1", nn.MLP(2, [16, 16, 1], seed=0), [0.3, -0.2], 30)
    cost_of_notes("MLP 1-4-1", nn.MLP(1, [4, 1], seed=0), [0.5], 400)
    arrays = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    cost_of_notes("arrays, 100 × 2-16-16-1", arrays, np.zeros((100, 2)), 100)


if __name__ == "__main__":
    main()
