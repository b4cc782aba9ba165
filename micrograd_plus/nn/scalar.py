"""Neuron, Layer, MLP: networks of single numbers, as micrograd has them. They need no NumPy."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any

from ..engine import ops
from ..engine.value import Value
from .module import Module

MOST = 10**7  # numbers of a scalar layer: each is an object of its own, and more would fill the memory
ACTIVATIONS: dict[str, Callable] = {  # Value's methods: leaky_relu and elu with their usual settings
    name: getattr(Value, name) for name in ("relu", "tanh", "sigmoid", "leaky_relu", "elu", "gelu", "silu", "softplus")
} | {"linear": lambda x: x}


class Neuron(Module):
    """One neuron: activation(w · x + b). Weights are drawn evenly from -1 to 1, the bias starts at 0.

    nin: number of inputs. nonlin: False for no activation. activation: its name ("relu", "tanh", …).
    rng: a random.Random; Python's global `random` unless given, so that the same seed gives micrograd's weights.

    >>> n = Neuron(2, activation="tanh")
    >>> n.w[0].data, n.w[1].data = 0.5, -1.0
    >>> n([2.0, 1.0])
    Value(data=0.0, grad=0.0)
    """

    def __init__(self, nin: int, nonlin: bool = True, activation: str = "relu", rng: Any = random):
        if not isinstance(nin, (int, Integral)) or not 1 <= nin < MOST:
            raise ValueError(f"a neuron needs a whole number of inputs, at least 1; got nin={nin!r:.40}")
        if not isinstance(activation, str) or activation not in ACTIVATIONS:
            raise ValueError(f"activation {activation!r} is not known: choose one of {', '.join(ACTIVATIONS)}")
        if not isinstance(nonlin, (bool, int)):
            raise TypeError(f"a neuron's nonlin is True or False, got {nonlin!r:.40}")
        self.w = [Value(rng.uniform(-1, 1), label=f"w{i}") for i in range(nin)]
        self.b = Value(0.0, label="b")
        self.nonlin = nonlin
        self.activation = activation if nonlin else "linear"

    def forward(self, x: Sequence) -> Value:
        """The neuron's answer to the numbers (or Values) in x."""
        if not hasattr(x, "__len__"):
            raise TypeError(f"a neuron takes a list of its inputs, as in [1.0, 2.0]; got {type(x).__name__} {x!r:.40}")
        if len(x) != len(self.w):
            raise ValueError(f"this neuron has {len(self.w)} weights, so it expects {len(self.w)} inputs, got {len(x)}")
        products = [w * xi for w, xi in zip(self.w, x, strict=True)]
        return ACTIVATIONS[self.activation](ops.sum_([self.b, *products]))

    def parameters(self) -> list[Value]:
        """The weights, then the bias."""
        return [*self.w, self.b]

    def __repr__(self) -> str:
        name = {"relu": "ReLU", "linear": "Linear"}.get(self.activation, self.activation.capitalize())
        return f"{name}Neuron({len(self.w)})"


class Layer(Module):
    """`nout` neurons that see the same `nin` inputs. A layer of one neuron gives its Value, others a list.

    >>> layer = Layer(3, 2)
    >>> [type(y).__name__ for y in layer([1.0, 2.0, 3.0])], len(layer.parameters())
    (['Value', 'Value'], 8)
    """

    is_summary_row = True

    def __init__(self, nin: int, nout: int, **kwargs: Any):
        if not isinstance(nout, (int, Integral)) or not 1 <= nout < MOST:
            raise ValueError(f"a layer needs a whole number of neurons, at least 1; got nout={nout!r:.40}")
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    def forward(self, x: Sequence) -> Any:
        """Each neuron's answer."""
        out = [n(x) for n in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Value]:
        """All weights and biases, neuron by neuron."""
        return [p for n in self.neurons for p in n.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(str(n) for n in self.neurons)}]"


class MLP(Module):
    """A multi-layer perceptron of scalar neurons: `MLP(2, [16, 16, 1])`. The last layer has no activation.

    nin: number of inputs. nouts: neurons of each layer. activation: of all layers but the last.
    seed: for weights of its own; without it Python's global `random` is used.

    >>> model = MLP(3, [4, 4, 1], seed=0)
    >>> len(model.parameters())
    41
    >>> model([1.0, 2.0, 3.0]).backward()
    """

    def __init__(self, nin: int, nouts: Sequence[int], activation: str = "relu", seed: int | None = None):
        if not hasattr(nouts, "__len__") or not len(nouts):
            raise ValueError(f"nouts must list the number of neurons of each layer, as in [16, 16, 1]; got {nouts!r}")
        if seed is not None and not isinstance(seed, Integral):
            raise TypeError(f"MLP: seed is a whole number or None, got {type(seed).__name__} {seed!r:.40}")
        rng = random if seed is None else random.Random(seed)
        sizes, last = [nin, *nouts], len(nouts) - 1
        self.layers = [
            Layer(a, b, nonlin=i != last, activation=activation, rng=rng) for i, (a, b) in enumerate(pairwise(sizes))
        ]

    def forward(self, x: Any) -> Any:
        """The network's answer to one sample x: a Value, or a list of them."""
        if isinstance(x, (dict, set)):
            raise TypeError(f"an MLP takes a list of its inputs, as in [1.0, 2.0]; got a {type(x).__name__}")
        if hasattr(x, "__len__") and len(x) and hasattr(x[0], "__len__"):
            raise ValueError(
                "an MLP of scalar neurons takes one sample at a time: [model(x) for x in X]; "
                "model.to_sequential() is the same network for many samples at once"
            )
        for layer in self.layers:
            x = layer(x if isinstance(x, (list, tuple)) or hasattr(x, "__len__") else [x])
        return x

    def parameters(self) -> list[Value]:
        """All weights and biases, layer by layer."""
        return [p for layer in self.layers for p in layer.parameters()]

    def to_sequential(self, dtype: Any = None) -> Any:
        """The same network on arrays: nn.Sequential of nn.Linear, with these weights. It takes many samples at once."""
        from .convert import as_sequential  # at first use: Values alone need no NumPy

        rows = []
        for layer in self.layers:
            weights = [[w.data for w in n.w] for n in layer.neurons]
            rows.append((weights, [n.b.data for n in layer.neurons], layer.neurons[0].activation))
        return as_sequential(rows, dtype)

    @classmethod
    def from_sequential(cls, model: Any) -> MLP:
        """The scalar network with the weights of an nn.Sequential of Linear and activation modules."""
        from .convert import as_rows

        rows = as_rows(model)
        mlp = cls(len(rows[0][0][0]), [len(biases) for _, biases, _ in rows], seed=0)
        for layer, (weights, biases, activation) in zip(mlp.layers, rows, strict=True):
            for neuron, numbers, bias in zip(layer.neurons, weights, biases, strict=True):
                neuron.activation, neuron.nonlin, neuron.b.data = activation, activation != "linear", bias
                for w, number in zip(neuron.w, numbers, strict=True):
                    w.data = number
        return mlp

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(str(layer) for layer in self.layers)}]"
