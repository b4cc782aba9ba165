"""Training steps of small networks, here and in PyTorch eager, one thread each, in turn.

    python -m pip install torch==2.13.0 && python benchmarks/against_pytorch.py

Each step: forward, backward, SGD with momentum; float32. Prints the medians and the median ratio of pairs of steps.
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


def main() -> None:
    print("one training step, one thread, float32: medians, and the median of the ratios of neighbouring steps")
    for name, batch, sizes, loss, pairs, wanted in CASES:
        X, y = data(batch, sizes, loss)
        reference = torch.nn.Sequential(*layers(torch.nn, sizes))
        model = nn.Sequential(*layers(nn, sizes, dtype=np.float32))
        model.load_state_dict({k: v.numpy() for k, v in reference.state_dict().items()})
        steps = {"here": ours(model, X, y, loss), "PyTorch": theirs(reference, X, y, loss)}
        times: dict[str, list[float]] = {key: [] for key in steps}
        losses = {}
        for _ in range(pairs):
            for key, step in steps.items():
                start = time.perf_counter()
                losses[key] = step()
                times[key].append(time.perf_counter() - start)
        a, b = times["here"], times["PyTorch"]
        ratio = statistics.median(y / x for x, y in zip(a, b, strict=True))
        difference = abs(losses["here"].item() - losses["PyTorch"].item())
        print(
            f"  {name:12s} {statistics.median(a) * 1e6:8.1f} us here {statistics.median(b) * 1e6:8.1f} us PyTorch"
            f"   {ratio:5.2f} times as fast (wanted: {wanted:g})   last losses differ by {difference:.0e}"
        )


if __name__ == "__main__":
    main()
