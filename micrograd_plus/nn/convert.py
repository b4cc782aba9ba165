"""Between a network of scalar neurons and layers of arrays: the weights of each layer, as plain lists of numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from . import layers

_MODULES = {
    "relu": layers.ReLU, "tanh": layers.Tanh, "sigmoid": layers.Sigmoid, "leaky_relu": layers.LeakyReLU,
    "elu": layers.ELU, "gelu": layers.GELU, "silu": layers.SiLU, "softplus": layers.Softplus,
}  # fmt: skip
_NAMES = {module: name for name, module in _MODULES.items()}


def as_sequential(rows: Iterable[tuple[list[list[float]], list[float], str]], dtype: Any = None) -> layers.Sequential:
    """Linear layers with activations between them, from (weights, biases, activation) of each layer.

    Row i of the weights holds those of neuron i.
    """
    modules: list[Any] = []
    for weights, biases, activation in rows:
        linear = layers.Linear(len(weights[0]), len(weights), dtype=dtype, seed=0)  # of its own: nothing is drawn
        assert linear.bias is not None
        linear.weight.data, linear.bias.data = np.array(weights), np.array(biases)
        modules += [linear] if activation == "linear" else [linear, _MODULES[activation]()]
    return layers.Sequential(*modules)


def as_rows(model: Any) -> list[tuple[list[list[float]], list[float], str]]:
    """(weights, biases, activation) of each layer. TypeError for modules that neurons have no counterpart for."""
    if not isinstance(model, layers.Sequential):
        raise TypeError(f"from_sequential needs an nn.Sequential, got {type(model).__name__}")
    rows: list[tuple[list[list[float]], list[float], str]] = []
    for module in model:
        if isinstance(module, layers.Linear):
            if rows and len(rows[-1][0]) != module.in_features:
                raise ValueError(f"from_sequential: {len(rows[-1][0])} numbers go into {module!r}")
            biases = [0.0] * module.out_features if module.bias is None else module.bias.tolist()
            rows.append((module.weight.tolist(), biases, "linear"))
        elif rows and rows[-1][2] == "linear" and _plain_activation(module):
            rows[-1] = (*rows[-1][:2], _NAMES[type(module)])
        else:
            raise TypeError(
                f"an MLP has Linear layers, each with at most one activation behind it: {module!r} has no counterpart"
            )
    if not rows:
        raise ValueError("from_sequential needs a model with one Linear layer at least")
    return rows


def _plain_activation(module: Any) -> bool:
    """Whether it is one of ours with its usual settings (neurons know no others)."""
    return type(module) in _NAMES and repr(module) == repr(_MODULES[_NAMES[type(module)]]())
