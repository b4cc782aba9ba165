"""The functions behind the modules: activations of any operand, dropout, and the losses."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from numbers import Real
from typing import Any

from ..engine.array_ops import linear as linear
from ..engine.ops import gelu as gelu
from ..engine.ops import relu as relu
from ..engine.ops import sigmoid as sigmoid
from ..engine.ops import silu as silu
from ..engine.ops import softplus as softplus
from ..engine.ops import tanh as tanh
from ..engine.recording import is_recording
from ..engine.tensor import Tensor
from .init import generator
from .losses import binary_cross_entropy as binary_cross_entropy
from .losses import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from .losses import cross_entropy as cross_entropy
from .losses import hinge_loss as hinge_loss
from .losses import huber_loss as huber_loss
from .losses import kl_div as kl_div
from .losses import l1_loss as l1_loss
from .losses import masked_mean as masked_mean
from .losses import mse_loss as mse_loss
from .losses import nll_loss as nll_loss

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "elu",
    "gelu",
    "hinge_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "masked_mean",
    "mse_loss",
    "nll_loss",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]


def _tensor(x: Any) -> Any:
    return x if hasattr(x, "softmax") else Tensor(x, requires_grad=False)


def softmax(x: Any, dim: int = -1) -> Any:
    """exp(x) / sum(exp(x)) along `dim`.

    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    return _tensor(x).softmax(dim)


def log_softmax(x: Any, dim: int = -1) -> Any:
    """The logarithm of softmax along `dim`.

    >>> log_softmax([0.0, 0.0]).numpy().round(4)
    array([-0.6931, -0.6931])
    """
    return _tensor(x).log_softmax(dim)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """The number x above 0, negative_slope · x below.

    >>> leaky_relu([-2.0, 2.0], 0.1).tolist()
    [-0.2, 2.0]
    """
    return _tensor(x).leaky_relu(negative_slope) if not hasattr(x, "leaky_relu") else x.leaky_relu(negative_slope)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """The number x above 0, alpha · (exp(x) - 1) below.

    >>> elu([-1.0, 2.0]).numpy().round(4)
    array([-0.6321,  2.    ])
    """
    return x.elu(alpha) if hasattr(x, "elu") else _tensor(x).elu(alpha)


def check_probability(p: float) -> None:
    """ValueError unless 0 <= p < 1."""
    if not isinstance(p, Real) or not 0 <= p < 1:
        raise ValueError(
            f"dropout: p is the probability of dropping a number, from 0 up to (not including) 1; got {p!r}"
        )


def drawn(draw: Callable[[], Any]) -> Any:
    """What `draw()` gives: random numbers, which whoever looks on is told of."""
    watcher = is_recording()
    return draw() if watcher.__class__ is bool else watcher.drawn(draw)


def dropout(x: Any, p: float = 0.5, training: bool = True) -> Any:
    """While training, each number is 0 with probability p and the others grow by 1/(1-p) (Srivastava et al., 2014).

    >>> dropout([1.0, 2.0], p=0.5, training=False)
    [1.0, 2.0]
    >>> sorted(set(dropout([1.0] * 100, p=0.5).tolist()))
    [0.0, 2.0]
    """
    check_probability(p)
    if not training or p == 0:
        return x
    if not hasattr(x, "shape"):
        x = _tensor(x)
    return x * _dropout_scale(x.shape, p, x.dtype)


def _dropout_scale(shape: tuple, p: float, dtype: Any) -> Any:
    """0 with probability p, else 1/(1-p): what the numbers are multiplied with."""
    kept = drawn(lambda: generator().random(shape)) >= p
    return kept.astype(dtype if dtype.kind != "O" else float) * (1 / (1 - p))


def dropout1d(x: Any, p: float = 0.5, training: bool = True) -> Any:
    """Dropout of whole channels of x (N, C, L) or (C, L): neighbours in a channel tell the same (Tompson et al., 2015).

    ValueError for other shapes.

    >>> x = Tensor([[[1.0, 2.0], [3.0, 4.0]]])  # one sample of two channels
    >>> dropout1d(x, p=0.5).shape
    (1, 2, 2)
    """
    return _channel_dropout("dropout1d", x, p, training, 1)


def dropout2d(x: Any, p: float = 0.5, training: bool = True) -> Any:
    """Dropout of whole channels of x (N, C, H, W) or (C, H, W). ValueError for other shapes.

    >>> import numpy as np
    >>> dropout2d(np.ones((2, 3, 4, 4)), p=0.5).shape
    (2, 3, 4, 4)
    """
    return _channel_dropout("dropout2d", x, p, training, 2)


def _channel_dropout(name: str, x: Any, p: float, training: bool, axes: int) -> Any:
    check_probability(p)
    if not hasattr(x, "shape"):
        x = _tensor(x)
    if x.ndim not in (axes + 1, axes + 2):
        places = "L" if axes == 1 else "H, W"
        raise ValueError(f"{name}: the input needs shape (N, C, {places}) or (C, {places}), got {x.shape}")
    if not training or p == 0:
        return x
    shape = (*x.shape[:-axes], *(1,) * axes)
    return x * _dropout_scale(shape, p, x.dtype)


# What loads at first use, and from where.
_LATER = {
    name: file
    for file, names in {
        "convolution": "conv1d conv2d",
        "pooling": "max_pool1d max_pool2d avg_pool1d avg_pool2d adaptive_avg_pool1d adaptive_avg_pool2d",
        "normalisation": "batch_norm layer_norm rms_norm group_norm",
        "embedding": "embedding",
        "attention": "scaled_dot_product_attention",
    }.items()
    for name in names.split()
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f".{_LATER[name]}", __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
