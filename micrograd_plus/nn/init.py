"""How weights start: PyTorch's initialisers, each filling a Tensor's numbers in place."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .checks import real_number

__all__ = [
    "calculate_gain",
    "constant_",
    "generator",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]


def generator(seed: int | None = None) -> np.random.Generator:
    """A NumPy generator: of its own for a seed; else seeded from Python's `random`, which micrograd_plus.seed sets.

    >>> generator(0).random() == generator(0).random()
    True
    """
    if seed is None:
        seed = random.getrandbits(128)
    elif not isinstance(seed, (int, np.integer)) or seed < 0:
        raise TypeError(f"seed is a whole number from 0 on, or None; got {type(seed).__name__} {seed!r:.40}")
    return np.random.default_rng(seed)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the spread of the signal behind this nonlinearity (PyTorch's table).

    >>> calculate_gain("tanh")
    1.6666666666666667
    """
    if isinstance(nonlinearity, str) and nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else real_number("calculate_gain", "the slope of leaky_relu", param)
        return math.sqrt(2 / (1 + slope**2))
    gains = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 0.75}
    if not isinstance(nonlinearity, str) or nonlinearity not in gains:
        raise ValueError(f"no gain is known for {nonlinearity!r}: choose one of leaky_relu, {', '.join(gains)}")
    return gains[nonlinearity]


def _fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs reach one output, and how many outputs one input reaches. Weights are (out, in, …)."""
    if _tensor(tensor).ndim < 2 or not tensor.size:
        raise ValueError(f"this initialiser needs a weight of two axes or more (out, in, …), got shape {tensor.shape}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _fan(tensor: Tensor, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}")
    return _fans(tensor)[mode == "fan_out"]


def _tensor(tensor: Any) -> Tensor:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"an initialiser fills a Tensor, such as layer.weight; got {type(tensor).__name__}")
    return tensor


def _fill(tensor: Tensor, numbers: Any) -> Tensor:
    tensor = _tensor(tensor)
    tensor.data = np.broadcast_to(numbers, tensor.shape)
    return tensor


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, seed: int | None = None) -> Tensor:
    """Evenly from a to b.

    >>> bool((uniform_(Tensor(np.zeros(100)), -1.0, 1.0).numpy() < 0).any())
    True
    """
    low, high = real_number("uniform_", "a", a), real_number("uniform_", "b", b)
    if low > high:
        raise ValueError(f"uniform_: the numbers lie from a to b, so a must not be above b; got a={a!r}, b={b!r}")
    return _fill(tensor, generator(seed).uniform(low, high, _tensor(tensor).shape))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, seed: int | None = None) -> Tensor:
    """From the bell curve with this mean and standard deviation.

    >>> weight = normal_(Tensor(np.zeros(10_000)), std=2.0, seed=0)
    >>> round(weight.std().item(), 1)
    2.0
    """
    mean, std = real_number("normal_", "mean", mean), real_number("normal_", "std", std, least=0)
    return _fill(tensor, generator(seed).normal(mean, std, _tensor(tensor).shape))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """All the same number.

    >>> constant_(Tensor([1.0, 2.0]), 0.5).tolist()
    [0.5, 0.5]
    """
    return _fill(tensor, real_number("constant_", "val", val))


def zeros_(tensor: Tensor) -> Tensor:
    """All 0.

    >>> zeros_(Tensor([1.0, 2.0])).tolist()
    [0.0, 0.0]
    """
    return _fill(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """All 1.

    >>> ones_(Tensor([0.0, 2.0])).tolist()
    [1.0, 1.0]
    """
    return _fill(tensor, 1.0)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", seed: int | None = None
) -> Tensor:
    """U(-bound, bound), bound = gain · sqrt(3 / fan): keeps the spread behind ReLUs (He et al., 2015).

    >>> weight = kaiming_uniform_(Tensor(np.zeros((100, 50))), nonlinearity="relu", seed=0)
    >>> bool(abs(weight.numpy()).max() <= (6 / 50) ** 0.5)
    True
    """
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3 / _fan(tensor, mode))
    return uniform_(tensor, -bound, bound, seed)


def kaiming_normal_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", seed: int | None = None
) -> Tensor:
    """N(0, std²), std = gain / sqrt(fan) (He et al., 2015).

    >>> weight = kaiming_normal_(Tensor(np.zeros((100, 50))), nonlinearity="relu", seed=0)
    >>> round(weight.std().item(), 1), round((2 / 50) ** 0.5, 1)
    (0.2, 0.2)
    """
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode)), seed)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, seed: int | None = None) -> Tensor:
    """U(-bound, bound), bound = gain · sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010).

    >>> weight = xavier_uniform_(Tensor(np.zeros((100, 50))), seed=0)
    >>> bool(abs(weight.numpy()).max() <= (6 / 150) ** 0.5)
    True
    """
    bound = real_number("xavier_uniform_", "gain", gain, least=0) * math.sqrt(6 / sum(_fans(tensor)))
    return uniform_(tensor, -bound, bound, seed)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, seed: int | None = None) -> Tensor:
    """N(0, std²), std = gain · sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010).

    >>> weight = xavier_normal_(Tensor(np.zeros((100, 50))), seed=0)
    >>> round(weight.std().item(), 1), round((2 / 150) ** 0.5, 1)
    (0.1, 0.1)
    """
    gain = real_number("xavier_normal_", "gain", gain)
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(_fans(tensor))), seed)


def orthogonal_(tensor: Tensor, gain: float = 1.0, seed: int | None = None) -> Tensor:
    """Rows (or columns, if there are fewer) at right angles and of length `gain` (Saxe et al., 2014).

    >>> weight = orthogonal_(Tensor(np.zeros((3, 3))), seed=0)
    >>> (weight @ weight.T).numpy().round(6) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    _fans(tensor)
    gain = real_number("orthogonal_", "gain", gain)
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    tall = generator(seed).normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diag(r))  # makes every such matrix equally likely
    return _fill(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))
