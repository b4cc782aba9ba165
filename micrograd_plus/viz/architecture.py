"""A model before any number flows through it: its neurons and weights, or where those are many its layers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from .numbers import number, rms
from .scheme import Arrow, Box, Scheme

MOST_NEURONS, MOST_WEIGHTS = 60, 400  # what a picture of single neurons may have


class Dense(NamedTuple):
    """A layer in which each neuron sees all inputs: weights[j][i] is neuron j's weight for input i."""

    path: str
    kind: str
    weights: list[list[float]]
    biases: list[float]
    activation: str


def scheme_of_model(model: Any, spec: str = ".4g") -> Scheme:
    """Circles for neurons and an arrow for each weight where the model is small and dense; else a box for a layer."""
    layers = _dense_layers(model)
    if layers is not None:
        neurons = len(layers[0].weights[0]) + sum(len(layer.weights) for layer in layers)
        weights = sum(len(layer.weights) * len(layer.weights[0]) for layer in layers)
        if neurons <= MOST_NEURONS and weights <= MOST_WEIGHTS:
            return _scheme_of_neurons(model, layers, spec)
    return _scheme_of_layers(model, spec)


def text_of_model(model: Any) -> str:
    """The same as text: the model's own summary."""
    return str(model.summary()) if hasattr(model, "summary") else repr(model)


def _scheme_of_neurons(model: Any, layers: list[Dense], spec: str) -> Scheme:
    scheme = Scheme(gap=1.1)
    largest = max((abs(w) for layer in layers for row in layer.weights for w in row), default=1.0) or 1.0
    previous = [f"x{i}" for i in range(len(layers[0].weights[0]))]
    scheme.boxes += [Box(name, "input", (name,), f"input {i}", shape="circle") for i, name in enumerate(previous)]
    scheme.columns.append(previous)
    for k, layer in enumerate(layers):
        names = [f"n{k}_{j}" for j in range(len(layer.weights))]
        kind = "output" if layer is layers[-1] else "op"
        title = (layer.path or type(model).__name__, layer.activation)
        scheme.boxes.append(Box(f"title{k}", "title", title, shape="plaintext"))
        scheme.columns.append([f"title{k}", *names])
        for j, (name, row, bias) in enumerate(zip(names, layer.weights, layer.biases, strict=True)):
            tip = f"neuron {j} of {title[0]}: {layer.activation}(w · x + b)\nb = {number(bias, spec)}"
            scheme.boxes.append(Box(name, kind, (str(j),), tip, shape="circle"))
            for i, (tail, w) in enumerate(zip(previous, row, strict=True)):
                tip = f"weight {i} of neuron {j}: {number(w, spec)}"
                sign = "positive" if w > 0 else "negative"
                scheme.arrows.append(Arrow(f"w{k}_{j}_{i}", tail, name, "", tip, sign, 0.3 + 2.4 * abs(w) / largest))
        previous = names
    scheme.caption = f"{_size(model):,} parameters; line: positive weight, dashes: negative; thicker: larger"
    return scheme


def _scheme_of_layers(model: Any, spec: str) -> Scheme:
    """A box for each module that has none inside; arrows where the order is plain, in a chain of layers."""
    scheme = Scheme()
    ends: dict[str, tuple[str, str]] = {}  # the first and the last box of each module

    def add(module: Any, path: str, frames: tuple[str, ...]) -> None:
        children = list(_children(module))
        if not children or all(len(list(_children(child))) == 0 and hasattr(child, "w") for _, child in children):
            tip = f"{type(module).__name__}({module.extra_repr()})"
            box = Box(f"m{len(scheme.boxes)}", "op", _rows(module, path, spec), tip, frames)
            scheme.boxes.append(box)
            ends[path] = box.id, box.id
            return
        if path:
            scheme.frames[path] = f"{path} · {type(module).__name__}"
        inside = []
        for name, child in children:
            child_path = f"{path}.{name}" if path else name
            add(child, child_path, (*frames, path) if path else frames)
            inside.append(child_path)
        ends[path] = ends[inside[0]][0], ends[inside[-1]][1]
        for before, after in pairwise(inside):
            if _is_chain(module):
                scheme.arrows.append(Arrow(f"a{len(scheme.arrows)}", ends[before][1], ends[after][0]))
            else:  # in the order in which its attributes were set, which may not be the order of use
                scheme.sequence.append((ends[before][1], ends[after][0]))

    add(model, "", ())  # no deeper than modules are nested
    scheme.caption = f"{type(model).__name__}: {_size(model):,} parameters"
    if not _is_chain(model) and len(scheme.boxes) > 1:
        scheme.caption += "; draw(model(x)) shows what flows where"
    return scheme


def _rows(module: Any, path: str, spec: str) -> tuple[str, ...]:
    parameters = module.parameters()
    rows = [f"{path} · {type(module).__name__}" if path else type(module).__name__]
    if hasattr(module, "neurons"):
        rows.append(f"{len(module.neurons[0].w)} → {len(module.neurons)}")
    elif hasattr(module, "in_features"):
        rows.append(f"{module.in_features} → {module.out_features}")
    elif module.extra_repr():
        rows.append(module.extra_repr())
    if parameters:
        sizes = rms(p.numpy() if hasattr(p, "numpy") else p.data for p in parameters)
        rows.append(f"{_size(module):,} parameters, rms {number(sizes, spec)}")
    return tuple(rows)


def _size(module: Any) -> int:
    """How many single numbers its parameters are."""
    return sum(getattr(p, "size", 1) for p in module.parameters())


def _children(module: Any) -> Iterator[tuple[str, Any]]:
    """The modules directly in this one, with their names."""
    direct = {id(child) for child in module.children()}
    for path, part in module.named_modules():
        if path and id(part) in direct:
            yield path, part


def _is_chain(module: Any) -> bool:
    """Whether each child's output is the next one's input: so in a Sequential, and in an MLP of scalar layers."""
    return type(module).__name__ in ("Sequential", "MLP")


# -- dense layers --------------------------------------------------------------------------------------------


def _dense_layers(model: Any) -> list[Dense] | None:
    """The model as dense layers, one after the other; None if it is something else."""
    if hasattr(model, "w") and hasattr(model, "activation"):
        return [_of_neurons("", "Neuron", [model])]
    if hasattr(model, "neurons"):
        return [_of_neurons("", "Layer", model.neurons)]
    if not _is_chain(model):
        return None
    layers: list[Dense] = []
    for path, child in _children(model):
        if hasattr(child, "neurons"):
            layers.append(_of_neurons(path, "Layer", child.neurons))
        elif hasattr(child, "in_features") and hasattr(child, "weight"):
            biases = [0.0] * child.out_features if child.bias is None else child.bias.tolist()
            layers.append(Dense(path, "Linear", child.weight.tolist(), biases, "linear"))
        elif not child.parameters() and not child.children() and layers:
            name = type(child).__name__
            before = layers[-1].activation
            layers[-1] = layers[-1]._replace(activation=name if before == "linear" else f"{before}, {name}")
        else:
            return None
    return layers or None


def _of_neurons(path: str, kind: str, neurons: list[Any]) -> Dense:
    weights = [[w.data for w in n.w] for n in neurons]
    return Dense(path, kind, weights, [n.b.data for n in neurons], neurons[0].activation)
