"""micrograd's own moons demo, in micrograd as published and here, step by step in turn.

    python -m pip install micrograd && python benchmarks/against_micrograd.py

100 points, MLP 2-16-16-1, max-margin loss with L2: the demo's program, with only the import changed. Each library has
a process of its own, so that neither's garbage slows the other; Python's collector stays as Python sets it. Prints the
median ratio of the step times (pairs of steps, one after the other) and the ratio of the memory that a step needs.
"""

from __future__ import annotations

import importlib
import multiprocessing
import random
import resource
import statistics
import sys
import time

STEPS = 15


def demo(library: str, pipe) -> None:
    """One step of the demo each time that the parent asks for one."""
    sys.setrecursionlimit(100_000)  # micrograd visits the graph by recursion
    Value = importlib.import_module(f"{library}.engine").Value
    MLP = importlib.import_module(f"{library}.nn").MLP
    X, y = moons()
    random.seed(1337)
    model = MLP(2, [16, 16, 1])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    k = 0
    while pipe.recv():
        start = time.perf_counter()
        inputs = [list(map(Value, row)) for row in X]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        total = data_loss + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * k / 100) * p.grad
        seconds = time.perf_counter() - start
        k += 1
        pipe.send((seconds, total.data, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
        del inputs, scores, losses, data_loss, total


def moons() -> tuple[list[list[float]], list[int]]:
    from micrograd_plus.data import make_moons

    X, y = make_moons(n_samples=100, noise=0.1, seed=0)
    return [list(map(float, row)) for row in X], [2 * int(label) - 1 for label in y]


def main() -> None:
    context = multiprocessing.get_context("spawn")
    pipes, workers = {}, []
    for library in ("micrograd", "micrograd_plus"):
        pipes[library], other = context.Pipe()
        workers.append(context.Process(target=demo, args=(library, other), daemon=True))
        workers[-1].start()
    times: dict[str, list[float]] = {library: [] for library in pipes}
    memory = {}
    worst = 0.0
    for _ in range(STEPS):
        losses = []
        for library, pipe in pipes.items():
            pipe.send(True)
            seconds, loss, kilobytes = pipe.recv()
            times[library].append(seconds)
            memory[library] = kilobytes
            losses.append(loss)
        worst = max(worst, abs(losses[0] - losses[1]))
    for pipe in pipes.values():
        pipe.send(False)
    for worker in workers:
        worker.join()
    ratios = [a / b for a, b in zip(times["micrograd"][1:], times["micrograd_plus"][1:], strict=True)]
    print(f"micrograd's moons demo, {STEPS} steps in turn; losses differ by at most {worst:.1e}")
    for library in pipes:
        milliseconds = statistics.median(times[library]) * 1e3
        print(f"  {library:15s} {milliseconds:8.1f} ms a step   {memory[library] / 1024:7.1f} MB")
    print(f"  {statistics.median(ratios):.1f} times as fast (from {min(ratios):.1f} to {max(ratios):.1f})")
    print(f"  {memory['micrograd_plus'] / memory['micrograd']:.2f} of the memory")


if __name__ == "__main__":
    main()
