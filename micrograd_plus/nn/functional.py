"""The functions behind the modules: activations of any operand, dropout, and the losses."""

from __future__ import annotations

from collections.abc import Callable
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
from .losses import mse_loss as mse_loss
from .losses import nll_loss as nll_loss


def _tensor(x: Any) -> Any:
    return x if hasattr(x, "softmax") else Tensor(x, requires_grad=False)


def softmax(x: Any, dim: int = -1) -> Any:
    """exp(x) / sum(exp(x)) along `dim`."""
    return _tensor(x).softmax(dim)


def log_softmax(x: Any, dim: int = -1) -> Any:
    """The logarithm of softmax along `dim`."""
    return _tensor(x).log_softmax(dim)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """The number x above 0, negative_slope · x below."""
    return _tensor(x).leaky_relu(negative_slope) if not hasattr(x, "leaky_relu") else x.leaky_relu(negative_slope)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """The number x above 0, alpha · (exp(x) - 1) below."""
    return x.elu(alpha) if hasattr(x, "elu") else _tensor(x).elu(alpha)


def check_probability(p: float) -> None:
    """ValueError unless 0 <= p < 1."""
    if not 0 <= p < 1:
        raise ValueError(
            f"dropout: p is the probability of dropping a number, from 0 up to (not including) 1; got {p!r}"
        )


def drawn(draw: Callable[[], Any]) -> Any:
    """What `draw()` gives: random numbers, which whoever looks on is told of."""
    watcher = is_recording()
    return draw() if watcher.__class__ is bool else watcher.drawn(draw)


def dropout(x: Any, p: float = 0.5, training: bool = True) -> Any:
    """While training, each number is 0 with probability p and the others grow by 1/(1-p) (Srivastava et al., 2014)."""
    check_probability(p)
    if not training or p == 0:
        return x
    if not hasattr(x, "shape"):
        x = _tensor(x)
    shape = x.shape
    kept = drawn(lambda: generator().random(shape)) >= p
    scale = kept.astype(x.dtype if x.dtype != object else float) * (1 / (1 - p))
    return x * scale
