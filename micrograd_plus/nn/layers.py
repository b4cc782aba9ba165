"""Layers of arrays: they take a batch, (batch, features), and say what they do in `forward`."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..engine import array_ops
from ..engine.tensor import Tensor
from . import functional as F  # noqa: N812 - PyTorch's habit
from . import init
from .checks import true_or_false, whole_number
from .module import Module


class Linear(Module):
    """y = x @ weight.T + bias. x: (…, in_features), y: (…, out_features), weight: (out_features, in_features).

    Both start evenly from ±1/sqrt(in_features), PyTorch's default. seed: for weights of its own.

    >>> layer = Linear(3, 2, seed=0)
    >>> layer(np.ones((5, 3))).shape
    (5, 2)
    >>> [p.shape for p in layer.parameters()]
    [(2, 3), (2,)]
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, dtype: Any = None, seed: int | None = None
    ):
        self.in_features = whole_number("Linear", "in_features", in_features)
        self.out_features = whole_number("Linear", "out_features", out_features)
        true_or_false("Linear", bias=bias)
        rng, bound = init.generator(seed), 1 / math.sqrt(in_features)
        dtype = np.float64 if dtype is None else dtype
        self.weight = Tensor(rng.uniform(-bound, bound, (out_features, in_features)), dtype=dtype, label="weight")
        self.bias = Tensor(rng.uniform(-bound, bound, out_features), dtype=dtype, label="bias") if bias else None

    def forward(self, x: Any) -> Any:
        """The weighted sums of the inputs."""
        if x.__class__ is tuple:
            raise TypeError(
                "Linear: the input is a tuple, as RNN, LSTM, GRU and MultiheadAttention give: write "
                "output, state = layer(x), and hand in the output"
            )
        return array_ops.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        bias = "" if self.bias is not None else ", bias=False"
        return f"in_features={self.in_features}, out_features={self.out_features}{bias}"


class Sequential(Module):
    """Modules (or plain functions) one after the other.

    >>> model = Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
    >>> model(np.ones((5, 2))).shape
    (5, 1)
    """

    def __init__(self, *modules: Callable):
        for module in modules:
            if isinstance(module, type):
                raise TypeError(f"Sequential takes modules, not classes: write {module.__name__}() with brackets")
            if not callable(module):
                raise TypeError(f"Sequential takes modules or functions, got {type(module).__name__}: {module!r:.60}")
        vars(self).update({str(i): module for i, module in enumerate(modules)})  # "0", "1" …: PyTorch's names

    def forward(self, x: Any) -> Any:
        """x through all of them."""
        for name, module in vars(self).items():  # as __iter__ gives them, with less to prepare
            if name.isdigit():
                x = module(x)
        return x

    def __getitem__(self, index: int | slice) -> Any:
        modules = list(self)[index]
        return Sequential(*modules) if isinstance(index, slice) else modules

    def __iter__(self) -> Iterator[Any]:
        return (module for name, module in vars(self).items() if name.isdigit())

    def __len__(self) -> int:
        return sum(name.isdigit() for name in vars(self))


class Identity(Module):
    """What comes in goes out: stands for a layer that is left out.

    >>> Identity()(3.0)
    3.0
    """

    def __init__(self, *args: Any, **kwargs: Any):
        """Whatever the layer was made with that it stands for: nothing of it is used."""

    def forward(self, x: Any) -> Any:
        """The input."""
        return x


class Flatten(Module):
    """All axes from start_dim on made one: (batch, 8, 8) becomes (batch, 64).

    >>> Flatten()(np.ones((32, 8, 8))).shape
    (32, 64)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        least = -sys.maxsize
        self.start_dim = whole_number("Flatten", "start_dim", start_dim, least)
        self.end_dim = whole_number("Flatten", "end_dim", end_dim, least)

    def forward(self, x: Any) -> Any:
        """x with fewer axes."""
        if not hasattr(x, "reshape"):
            x = np.asarray(x)
        axes = range(x.ndim)
        if not (-x.ndim <= self.start_dim < x.ndim and -x.ndim <= self.end_dim < x.ndim):
            raise ValueError(f"Flatten: {self.extra_repr()}, but shape {x.shape} has {x.ndim} axes")
        first, last = axes[self.start_dim], axes[self.end_dim]
        if first > last:
            raise ValueError(f"Flatten: {self.extra_repr()}, but in shape {x.shape} the first comes behind the second")
        return x.reshape(*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :])

    def extra_repr(self) -> str:
        """The axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Dropout(Module):
    """While training, each number is 0 with probability p, the others are scaled by 1/(1-p); else nothing happens.

    >>> layer = Dropout(0.5)
    >>> layer.eval()(Tensor([1.0, 2.0])).tolist()  # nothing is dropped in eval mode
    [1.0, 2.0]
    """

    def __init__(self, p: float = 0.5):
        F.check_probability(p)
        self.p = p

    def forward(self, x: Any) -> Any:
        """x with some numbers dropped."""
        return F.dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


class Dropout1d(Dropout):
    """Dropout of whole channels of x (N, C, L) or (C, L): neighbours in a channel tell the same (Tompson et al., 2015).

    >>> Dropout1d(0.5).eval()(np.ones((2, 3, 4))).shape
    (2, 3, 4)
    """

    def forward(self, x: Any) -> Any:
        """x with some channels dropped."""
        return F.dropout1d(x, self.p, self.training)


class Dropout2d(Dropout):
    """Dropout of whole channels of x (N, C, H, W) or (C, H, W), such as the maps that a convolution gives.

    >>> Dropout2d(0.5).eval()(np.ones((2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    """

    def forward(self, x: Any) -> Any:
        """x with some channels dropped."""
        return F.dropout2d(x, self.p, self.training)


class _Activation(Module):
    """A function of each number, as a module."""

    function: Callable

    def forward(self, x: Any) -> Any:
        """The function of each number."""
        return type(self).function(x)

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join(f"{k}={v}" for k, v in vars_of(self).items())


def vars_of(module: Module) -> dict[str, Any]:
    """The settings of a module: its public attributes, but `training`."""
    return {k: v for k, v in vars(module).items() if k != "training" and not k.startswith("_")}


# fmt: off
class ReLU(_Activation):
    """max(x, 0).

    >>> ReLU()(Tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    function = F.relu


class Tanh(_Activation):
    """From -1 to 1, through 0.

    >>> Tanh()(Tensor([-50.0, 0.0, 50.0])).tolist()
    [-1.0, 0.0, 1.0]
    """

    function = F.tanh


class Sigmoid(_Activation):
    """From 0 to 1: 1 / (1 + exp(-x)).

    >>> Sigmoid()(Tensor([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """

    function = F.sigmoid


class GELU(_Activation):
    """x times the share of the bell curve below x (Hendrycks and Gimpel, 2016).

    >>> GELU()(Tensor([-1.0, 0.0, 1.0])).numpy().round(4)
    array([-0.1587,  0.    ,  0.8413])
    """

    function = F.gelu


class SiLU(_Activation):
    """x · sigmoid(x).

    >>> SiLU()(Tensor([-1.0, 0.0, 1.0])).numpy().round(4)
    array([-0.2689,  0.    ,  0.7311])
    """

    function = F.silu


class Softplus(_Activation):
    """log(1 + exp(x)): a smooth ReLU.

    >>> Softplus()(Tensor([-1.0, 0.0, 1.0])).numpy().round(4)
    array([0.3133, 0.6931, 1.3133])
    """

    function = F.softplus
# fmt: on


class LeakyReLU(_Activation):
    """x above 0, negative_slope · x below.

    >>> LeakyReLU(0.1)(Tensor([-2.0, 2.0])).tolist()
    [-0.2, 2.0]
    """

    def __init__(self, negative_slope: float = 0.01):
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        """The function of each number."""
        return F.leaky_relu(x, self.negative_slope)


class ELU(_Activation):
    """x above 0, alpha · (exp(x) - 1) below (Clevert et al., 2015).

    >>> ELU()(Tensor([-1.0, 2.0])).numpy().round(4)
    array([-0.6321,  2.    ])
    """

    def __init__(self, alpha: float = 1.0):
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        """The function of each number."""
        return F.elu(x, self.alpha)


class Softmax(_Activation):
    """exp(x) / sum(exp(x)) along `dim`: numbers that add up to 1.

    >>> Softmax()(Tensor([[0.0, 0.0], [1000.0, 0.0]])).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """

    def __init__(self, dim: int = -1):
        self.dim = dim

    def forward(self, x: Any) -> Any:
        """The function along one axis."""
        return F.softmax(x, self.dim)


class LogSoftmax(_Activation):
    """The logarithm of softmax along `dim`.

    >>> LogSoftmax()(Tensor([0.0, 0.0])).numpy().round(4)
    array([-0.6931, -0.6931])
    """

    def __init__(self, dim: int = -1):
        self.dim = dim

    def forward(self, x: Any) -> Any:
        """The function along one axis."""
        return F.log_softmax(x, self.dim)
