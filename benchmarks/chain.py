"""(e) A chain of a million multiplications, each waiting for the one before: forward, backward, and dropped."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

from .measure import Contender, in_turn
from .report import Comparison

LENGTH = 1_000_000
FACTOR = 0.999999


def chain(x: Any, length: int) -> Any:
    """x, multiplied again and again."""
    for _ in range(length):
        x = x * FACTOR
    return x


def scalar(library: str, length: int, compiled: str = "") -> Callable[[], Any]:
    """With a library's Value."""
    package = importlib.import_module(library)
    x = importlib.import_module(f"{library}.engine").Value(1.0)

    def product(x):
        return chain(x, length)

    function = package.compile(product, backend=compiled) if compiled else product

    def step():
        y = function(x)
        y.backward()
        return y

    return step


def pytorch(length: int) -> Callable[[], Any]:
    """With a tensor of one number."""
    import torch

    torch.set_num_threads(1)
    x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)

    def step():
        y = chain(x, length)
        y.backward()
        return y

    return step


def run(short: bool) -> Iterator[Comparison]:
    """One table."""
    length = LENGTH // 100 if short else LENGTH
    common: dict[str, Any] = {"warm_up": 1, "units": length}
    here = ("micrograd_plus", length)
    contenders = [
        Contender("here, eager", scalar, here, **common),
        Contender("here, compiled (numba)", scalar, (*here, "numba"), ("compile", "numba"), **common),
        Contender("micrograd", scalar, ("micrograd", length), ("micrograd",), **common),
        Contender("PyTorch eager", pytorch, (length,), ("torch",), **common),
    ]
    yield Comparison(
        "chain",
        f"(e) A chain of {length:,} multiplications",
        "Forward and backward; the time is that of one multiplication. Python's recursion limit is left as it is.",
        in_turn(contenders, rounds=3 if short else 5),
        against=("PyTorch eager",),
        tolerance=1e-9,
        unit="an operation",
    )
