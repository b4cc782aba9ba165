"""From a network of scalar neurons to layers of arrays with the same weights, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import layers
from .scalar import MLP, Layer

_MODULES = {
    "relu": layers.ReLU, "tanh": layers.Tanh, "sigmoid": layers.Sigmoid, "leaky_relu": layers.LeakyReLU,
    "elu": layers.ELU, "gelu": layers.GELU, "silu": layers.SiLU, "softplus": layers.Softplus,
}  # fmt: skip
_NAMES = {module: name for name, module in _MODULES.items()}


def mlp_to_sequential(mlp: MLP, dtype: Any = None) -> layers.Sequential:
    """Linear layers whose row i holds the weights of neuron i, with the activations between them."""
    modules: list[Any] = []
    for layer in mlp.layers:
        linear = layers.Linear(len(layer.neurons[0].w), len(layer.neurons), dtype=dtype)
        linear.weight.data = np.array([[w.data for w in n.w] for n in layer.neurons])
        assert linear.bias is not None
        linear.bias.data = np.array([n.b.data for n in layer.neurons])
        modules.append(linear)
        activation = layer.neurons[0].activation
        if activation != "linear":
            modules.append(_MODULES[activation]())
    return layers.Sequential(*modules)


def sequential_to_mlp(model: layers.Sequential) -> MLP:
    """Neurons with the weights of the Linear layers' rows."""
    if not isinstance(model, layers.Sequential):
        raise TypeError(f"from_sequential needs an nn.Sequential, got {type(model).__name__}")
    mlp = MLP.__new__(MLP)
    mlp.layers = []
    for module in model:
        if isinstance(module, layers.Linear):
            n_out, n_in = module.weight.shape
            layer = Layer(n_in, n_out, nonlin=False)
            bias = np.zeros(n_out) if module.bias is None else module.bias.data
            for neuron, row, b in zip(layer.neurons, module.weight.data.tolist(), bias.tolist(), strict=True):
                neuron.b.data = b
                for w, number in zip(neuron.w, row, strict=True):
                    w.data = number
            mlp.layers.append(layer)
        elif type(module) in _NAMES and mlp.layers and mlp.layers[-1].neurons[0].activation == "linear":
            for neuron in mlp.layers[-1].neurons:
                neuron.activation, neuron.nonlin = _NAMES[type(module)], True
        else:
            raise TypeError(
                f"an MLP has Linear layers, each with at most one activation behind it: {module!r} has no counterpart"
            )
    return mlp
