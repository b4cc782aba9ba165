"""Training steps of small networks, here, in PyTorch eager and in NumPy by hand, one thread each, in turn.

    python -m pip install torch==2.13.0 && python benchmarks/against_pytorch.py

Each step: forward, backward, SGD with momentum; float32. Prints the medians and the median ratio of neighbouring steps.
NumPy by hand is what the arrays themselves cost: the gradients written out for this very network, no graph, no checks.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported
os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import time
from itertools import pairwise

import numpy as np
import torch

from micrograd_plus import Tensor, nn, optim

torch.set_num_threads(1)

CASES = [  # name, batch, sizes, loss, pairs of steps, wanted ratio
    ("moons", 100, (2, 16, 16, 1), "hinge", 3000, 4.0),
    ("digits", 64, (64, 128, 10), "cross_entropy", 3000, 3.0),
    ("mnist-sized", 128, (784, 256, 128, 10), "cross_entropy", 400, 1.0),
]


def data(batch: int, sizes: tuple[int, ...], loss: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(batch, sizes[0])).astype(np.float32)
    if loss == "hinge":
        return X, np.sign(rng.normal(size=(batch, 1))).astype(np.float32)
    return X, rng.integers(0, sizes[-1], batch)


def layers(library, sizes: tuple[int, ...], **options) -> list:
    found = []
    for i, (a, b) in enumerate(pairwise(sizes)):
        found += [library.Linear(a, b, **options), library.ReLU()][: 2 if i < len(sizes) - 2 else 1]
    return found


def ours(model, X, y, loss: str):
    X = Tensor(X, requires_grad=False)
    y = Tensor(y, requires_grad=False)
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    function = {"hinge": nn.hinge_loss, "cross_entropy": nn.cross_entropy}[loss]

    def step() -> float:
        optimizer.zero_grad()
        value = function(model(X), y)
        value.backward()
        optimizer.step()
        return value

    return step


def theirs(model, X, y, loss: str):
    X, y = torch.tensor(X), torch.tensor(y)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def hinge(scores, y):
        return torch.relu(1 - y * scores).mean()

    function = {"hinge": hinge, "cross_entropy": torch.nn.functional.cross_entropy}[loss]

    def step() -> float:
        optimizer.zero_grad()
        value = function(model(X), y)
        value.backward()
        optimizer.step()
        return value

    return step


def by_hand(reference, X, y, loss: str):
    """The same step with every gradient written out: the floor for anything that is built on NumPy."""
    numbers = [p.detach().numpy().copy() for p in reference.parameters()]
    weights, biases = numbers[::2], numbers[1::2]
    buffers = [np.zeros_like(p) for p in numbers]
    n, ones, rows = len(X), np.ones(len(X), np.float32), np.arange(len(X))

    def loss_and_slope(scores):
        if loss == "hinge":
            margin = 1 - y * scores
            return np.maximum(margin, 0).sum() / n, y * (margin > 0) * np.float32(-1 / n)
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        e /= e.sum(axis=1, keepdims=True)
        value = -np.log(e[rows, y]).mean()
        e[rows, y] -= 1
        e *= np.float32(1 / n)
        return value, e

    def step() -> float:
        outputs, x = [X], X
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            x = np.dot(x, w.T)
            x += b
            if i < len(weights) - 1:
                x = np.maximum(x, 0)
                outputs.append(x)
        value, g = loss_and_slope(x)
        slopes = []
        for i in reversed(range(len(weights))):
            slopes += [np.dot(ones, g), np.dot(g.T, outputs[i])]
            if i:
                g = np.dot(g, weights[i])
                g *= outputs[i] > 0
        for p, buffer, slope in zip(numbers, buffers, reversed(slopes), strict=True):
            buffer *= 0.9
            buffer += slope
            p -= 0.01 * buffer
        return value

    return step


def main() -> None:
    print("one training step, one thread, float32: medians, and the median of the ratios of neighbouring steps")
    for name, batch, sizes, loss, pairs, wanted in CASES:
        X, y = data(batch, sizes, loss)
        reference = torch.nn.Sequential(*layers(torch.nn, sizes))
        model = nn.Sequential(*layers(nn, sizes, dtype=np.float32))
        model.load_state_dict({k: v.numpy() for k, v in reference.state_dict().items()})
        steps = {
            "here": ours(model, X, y, loss),
            "PyTorch": theirs(reference, X, y, loss),
            "by hand": by_hand(reference, X, y, loss),
        }
        times: dict[str, list[float]] = {key: [] for key in steps}
        losses: dict[str, float] = {}
        for k in range(pairs):
            for key, step in steps.items():
                start = time.perf_counter()
                value = step()
                times[key].append(time.perf_counter() - start)
                if k == 20:
                    losses[key] = value.item()
        spread = max(losses.values()) - min(losses.values())
        micros = "  ".join(f"{key} {statistics.median(t) * 1e6:7.1f} us" for key, t in times.items())
        ours_ratio = ratio(times["PyTorch"], times["here"])
        hand_ratio = ratio(times["PyTorch"], times["by hand"])
        print(f"  {name:12s} {micros}   losses after 20 steps differ by {spread:.0e}")
        print(f"  {'':12s} {ours_ratio:.2f} times as fast as PyTorch (wanted: {wanted:g}; by hand: {hand_ratio:.2f})")


def ratio(a: list[float], b: list[float]) -> float:
    return statistics.median(x / y for x, y in zip(a, b, strict=True))


if __name__ == "__main__":
    main()
