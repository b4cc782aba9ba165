"""How weights start: PyTorch's initialisers, each filling a Tensor's numbers in place."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np

from ..engine.tensor import Tensor


def generator(seed: int | None = None) -> np.random.Generator:
    """A NumPy generator: of its own for a seed; else seeded from Python's `random`, which micrograd_plus.seed sets."""
    return np.random.default_rng(random.getrandbits(128) if seed is None else seed)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the spread of the signal behind this nonlinearity (PyTorch's table)."""
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    gains = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 0.75}
    if nonlinearity not in gains:
        raise ValueError(f"no gain is known for {nonlinearity!r}: choose one of leaky_relu, {', '.join(gains)}")
    return gains[nonlinearity]


def _fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs reach one output, and how many outputs one input reaches. Weights are (out, in, …)."""
    if tensor.ndim < 2:
        raise ValueError(f"this initialiser needs a weight of two axes or more (out, in, …), got shape {tensor.shape}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _fan(tensor: Tensor, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}")
    return _fans(tensor)[mode == "fan_out"]


def _fill(tensor: Tensor, numbers: Any) -> Tensor:
    tensor.data = np.broadcast_to(numbers, tensor.shape)
    return tensor


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, seed: int | None = None) -> Tensor:
    """Evenly from a to b."""
    return _fill(tensor, generator(seed).uniform(a, b, tensor.shape))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, seed: int | None = None) -> Tensor:
    """From the bell curve with this mean and standard deviation."""
    return _fill(tensor, generator(seed).normal(mean, std, tensor.shape))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """All the same number."""
    return _fill(tensor, val)


def zeros_(tensor: Tensor) -> Tensor:
    """All 0."""
    return _fill(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """All 1."""
    return _fill(tensor, 1.0)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", seed: int | None = None
) -> Tensor:
    """U(-bound, bound), bound = gain · sqrt(3 / fan): keeps the spread behind ReLUs (He et al., 2015)."""
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3 / _fan(tensor, mode))
    return uniform_(tensor, -bound, bound, seed)


def kaiming_normal_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", seed: int | None = None
) -> Tensor:
    """N(0, std²), std = gain / sqrt(fan) (He et al., 2015)."""
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode)), seed)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, seed: int | None = None) -> Tensor:
    """U(-bound, bound), bound = gain · sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    bound = gain * math.sqrt(6 / sum(_fans(tensor)))
    return uniform_(tensor, -bound, bound, seed)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, seed: int | None = None) -> Tensor:
    """N(0, std²), std = gain · sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(_fans(tensor))), seed)


def orthogonal_(tensor: Tensor, gain: float = 1.0, seed: int | None = None) -> Tensor:
    """Rows (or columns, if there are fewer) at right angles and of length `gain` (Saxe et al., 2014)."""
    _fans(tensor)
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    tall = generator(seed).normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diag(r))  # makes every such matrix equally likely
    return _fill(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))
