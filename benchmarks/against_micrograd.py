"""(a) micrograd's own moons demo: 100 points, MLP 2-16-16-1, max-margin loss with L2, in float64.

The scalar program is the demo's, with only the import changed; compiled, it is the same function inside
`mg.compile(…)`. PyTorch runs the same network as tensors. All start from the same weights and take the same steps.
"""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any

from .measure import Contender, in_turn
from .report import Comparison

POINTS = 100


def moons() -> tuple[list[list[float]], list[int]]:
    """The points, and for each -1 or 1."""
    from micrograd_plus.data import make_moons

    X, y = make_moons(n_samples=POINTS, noise=0.1, seed=0)
    return [list(map(float, row)) for row in X], [2 * int(label) - 1 for label in y]


def learning_rates() -> Iterator[float]:
    """The demo's: from 1 down to 0.1 in 100 steps. The demo ends there; a benchmark goes on at 0.1."""
    return chain((1.0 - 0.9 * k / 100 for k in range(100)), repeat(0.1))


def scalar(library: str, compiled: str = "") -> Callable[[], Any]:
    """A step of the demo. library: whose Value and MLP. compiled: the backend of mg.compile, if any."""
    sys.setrecursionlimit(100_000)  # micrograd visits the graph by recursion
    Value = importlib.import_module(f"{library}.engine").Value
    MLP = importlib.import_module(f"{library}.nn").MLP
    X, y = moons()
    random.seed(1337)
    model = MLP(2, [16, 16, 1])
    rates = learning_rates()

    def loss(X, y):
        inputs = [list(map(Value, row)) for row in X]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        return data_loss + 1e-4 * sum(p * p for p in model.parameters())

    if compiled:
        loss = importlib.import_module(library).compile(loss, backend=compiled)

    def step():
        total = loss(X, y)
        model.zero_grad()
        total.backward()
        learning_rate = next(rates)
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        return total

    return step


def first_three(backend: str) -> Callable[[], Any]:
    """Compiled anew each time, and run for three steps: the tape is recorded, compared, laid out, replayed."""

    def three_steps():
        step = scalar("micrograd_plus", backend)
        step()
        step()
        return step()

    return three_steps


def pytorch() -> Callable[[], Any]:
    """The same step on tensors."""
    import torch

    from micrograd_plus.nn import MLP

    torch.set_num_threads(1)
    random.seed(1337)
    parameters = []
    for layer in MLP(2, [16, 16, 1]).layers:
        for numbers in ([[w.data for w in neuron.w] for neuron in layer.neurons], [n.b.data for n in layer.neurons]):
            parameters.append(torch.tensor(numbers, dtype=torch.float64, requires_grad=True))
    X, y = (torch.tensor(numbers, dtype=torch.float64) for numbers in moons())
    optimizer = torch.optim.SGD(parameters, lr=1.0)
    rates = learning_rates()
    linear, relu = torch.nn.functional.linear, torch.relu

    def step():
        w1, b1, w2, b2, w3, b3 = parameters
        scores = linear(relu(linear(relu(linear(X, w1, b1)), w2, b2)), w3, b3).squeeze(1)
        total = relu(1 - y * scores).mean() + 1e-4 * sum((p * p).sum() for p in parameters)
        optimizer.zero_grad()
        total.backward()
        optimizer.param_groups[0]["lr"] = next(rates)
        optimizer.step()
        return total

    return step


CONTENDERS = [
    Contender("micrograd", scalar, ("micrograd",), ("micrograd",), warm_up=3),
    Contender("here, eager", scalar, ("micrograd_plus",)),
    Contender("here, compiled (NumPy)", scalar, ("micrograd_plus", "numpy"), ("compile",)),
    Contender("here, compiled (numba)", scalar, ("micrograd_plus", "numba"), ("compile", "numba")),
    Contender("PyTorch eager", pytorch, (), ("torch",)),
]
WANTED = {
    ("here, eager", "micrograd"): 6,
    ("here, compiled (NumPy)", "micrograd"): 500,
    ("here, compiled (numba)", "micrograd"): 3000,
    ("here, compiled (numba)", "PyTorch eager"): 1.5,
}
RECORDING = [
    Contender("one eager step", scalar, ("micrograd_plus",), warm_up=2),
    Contender("the first three (NumPy)", first_three, ("numpy",), ("compile",), warm_up=2),
    Contender("the first three (numba)", first_three, ("numba",), ("compile", "numba"), warm_up=2),
]


def run(short: bool) -> Iterator[Comparison]:
    """The demo, the memory that it takes, and what recording costs."""
    result = Comparison(
        "moons",
        "(a) The moons demo, on scalars",
        f"{POINTS} points, MLP 2-16-16-1, max-margin loss with L2, float64: forward, backward and update.",
        in_turn(CONTENDERS, rounds=4 if short else 15),
        against=("micrograd", "PyTorch eager"),
        wanted=WANTED,
        tolerance=1e-9,
    )
    memory = result.measured.memory
    if {"micrograd", "here, eager"} <= memory.keys():
        share = memory["here, eager"] / memory["micrograd"]
        result.notes.append(f"An eager step takes {share:.2f} of the memory that micrograd's takes.")
    yield result
    yield Comparison(
        "recording",
        "(a) What recording costs",
        "The first three steps of a newly compiled function, in which its tape is recorded, compared and laid out, "
        "beside one eager step. A cost: less is better. 3 is what three steps take that nobody compiled; what is above "
        "3 is what recording adds, and that was to be 3 steps at most.",
        in_turn(RECORDING, rounds=4 if short else 15),
        against=("one eager step",),
        wanted={("the first three (NumPy)", "one eager step"): 6},
        costs=True,
    )
