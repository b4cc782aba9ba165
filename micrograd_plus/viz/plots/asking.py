"""Asking: what a model answers, layer by layer if wanted, without changing anything about it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...engine import no_grad
from ...engine.graph import Node, Operand
from ...explain.reading import is_module as is_module  # the other plots ask for it here


def check_module(model: Any, who: str) -> None:
    """TypeError for what has no layers and parameters to look at."""
    if isinstance(model, type) or not is_module(model):
        raise TypeError(
            f"{who} looks inside a model, so it needs an nn.Module such as nn.MLP or nn.Sequential, got {model!r:.60}"
        )


# -- numbers --------------------------------------------------------------------------------------------------------


def numbers(x: Any) -> np.ndarray:
    """Values, Tensors, lists of them, or plain numbers, as an array of floats."""
    if isinstance(x, Node):
        return np.array(x.numpy() if hasattr(x, "numpy") else x.data, dtype=float)
    if isinstance(x, Operand) and hasattr(x, "values"):  # a scalar twin's array of Values
        x = getattr(x, "values").tolist()  # noqa: B009 - an Operand has none in general
    if isinstance(x, (list, tuple)):
        rows = [numbers(item) for item in x]
        if len({row.shape for row in rows}) > 1:
            raise ValueError(f"numbers are needed in rows of one length; got lengths that differ: {x!r:.60}")
        return np.array(rows, dtype=float)
    try:
        if x is not None:  # NumPy would make nan of it
            return np.array(x, dtype=float)
    except (TypeError, ValueError, OverflowError):
        pass
    raise TypeError(f"numbers are needed here, an array or a list of them; got {type(x).__name__} {x!r:.60}")


def matrix(name: str, X: Any, columns: int | None = None) -> np.ndarray:
    """X as an array of one row a sample. ValueError for another shape, or numbers that are nan or infinite."""
    array = _plain(name, X)
    if array.ndim != 2 or not len(array) or (columns is not None and array.shape[1] != columns):
        want = "(samples, inputs)" if columns is None else f"(samples, {columns})"
        raise ValueError(f"{name} must have shape {want}, one row a sample; got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has numbers that are nan or infinite: clean the data first")
    return array


def column(name: str, y: Any, length: int) -> np.ndarray:
    """y as (length,); a column (length, 1) is taken too. ValueError for another shape."""
    array = _plain(name, y)
    if array.shape not in ((length,), (length, 1)):
        raise ValueError(f"{name} must hold one number for each of the {length} samples; got shape {array.shape}")
    return array.reshape(length)


def _plain(name: str, x: Any) -> np.ndarray:
    try:
        return numbers(x)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(
            f"{name} must hold numbers, all rows of one length, got {x!r:.60}; make classes with names 0, 1, 2 … first"
        ) from None


def drawing_with(seed: Any) -> np.random.Generator:
    """A source of random numbers; TypeError for a seed that is no whole number of at least 0."""
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise TypeError(f"seed must be a whole number of at least 0, got {seed!r:.40}")
    return np.random.default_rng(seed)


# -- leaving everything as it was -----------------------------------------------------------------------------------


@contextmanager
def in_use(model: Any) -> Iterator[None]:
    """In eval() mode and without a graph; afterwards each module has the mode it had."""
    modules = list(model.modules()) if is_module(model) else []
    modes = [(module, module.training) for module in modules]
    try:
        for module in modules:
            module.training = False
        with no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def all_restored(parameters: list[Any], model: Any = None) -> Iterator[None]:
    """Whatever happens inside, Ctrl-C too: numbers, gradients, modes, Python's `random` are afterwards as before."""
    kept = [(p, np.array(p.data) if hasattr(p, "shape") else p.data, p.grad) for p in parameters]
    buffers = model.state_dict() if hasattr(model, "state_dict") else None
    modes = [(module, module.training) for module in model.modules()] if is_module(model) else []
    generator = random.getstate()
    try:
        for p in parameters:
            p.zero_grad()  # what grows from now on is another object than the gradient kept
        yield
    finally:
        for p, data, grad in kept:
            p.data, p.grad = data, grad
        for module, training in modes:
            module.training = training
        random.setstate(generator)
        if buffers is not None:
            model.load_state_dict(buffers)


# -- answers --------------------------------------------------------------------------------------------------------


def takes_batches(model: Any) -> bool:
    """Whether a network takes all samples at once: one of arrays does, one of single Values takes a sample."""
    parameters = list(model.parameters())
    held = [thing for module in model.modules() for thing in vars(module).values()]  # a scalar twin's arrays of Values
    arrays = any(isinstance(thing, Operand) and hasattr(thing, "shape") for thing in [*parameters, *held])
    return arrays or not parameters


def in_its_precision(model: Any, X: np.ndarray) -> np.ndarray:
    """X in the dtype of the model's parameters."""
    return X.astype(next((p.dtype for p in model.parameters() if hasattr(p, "dtype")), float), copy=False)


def quick(model: Any) -> Any:
    """The same network on arrays where there is one (`to_sequential`), since it is much faster; else the model."""
    if isinstance(model, type) or not (is_module(model) and hasattr(model, "to_sequential")):
        return model
    twin = model.to_sequential()
    inputs = next(p.shape[1] for p in twin.parameters() if len(p.shape) == 2)
    probes = np.random.default_rng(0).normal(size=(4, inputs))
    with in_use(model):  # a subclass may compute something else than its layers one by one
        own = np.array([numbers(model(probe)).ravel() for probe in probes.tolist()])
        same = np.allclose(own, numbers(twin(probes)), rtol=1e-9, atol=1e-12)
    return twin if same else model


def answers(model: Callable, X: np.ndarray) -> np.ndarray:
    """The model's answers to the samples in X, (n, k): from a network of arrays or of Values, or from any function.

    ValueError, with the model's own words, where it can't take such samples.
    """
    if isinstance(model, type) or not callable(model):
        raise TypeError(f"model must be something to call with samples, such as an nn.MLP; got {model!r:.60}")
    with in_use(model):
        try:
            found = _asked(model, X)
        except (TypeError, ValueError, IndexError) as error:
            raise ValueError(
                f"the model can't take samples of {X.shape[1]} number(s) each; it says: {error}"
            ) from error
    if found.shape[:1] != (len(X),):
        raise ValueError(f"the model must give one answer a sample: {len(X)} samples, an answer of shape {found.shape}")
    return found.reshape(len(X), -1)


def _asked(model: Callable, X: np.ndarray) -> np.ndarray:
    if is_module(model) and model.parameters():  # type: ignore[attr-defined]
        if takes_batches(model):
            return numbers(model(in_its_precision(model, X)))
        return np.array([numbers(model(sample)) for sample in X.tolist()])
    try:  # a function that takes all samples at once answers with one entry for each
        found = numbers(model(X))
        if found.shape[:1] == (len(X),) and found.ndim <= 2:
            return found
    except (TypeError, ValueError, IndexError):
        pass
    return np.array([numbers(model(sample)) for sample in X])


# -- parameters and layers, by name ---------------------------------------------------------------------------------


def family(name: str) -> str:
    """Of a single number's name that of the list it stands in: layers.0.neurons.3.w.1 is one of layers.0.w."""
    return re.sub(r"\.\d+$", "", re.sub(r"\.neurons\.\d+", "", name))


def parameter_groups(model: Any) -> dict[str, list[Any]]:
    """Every Tensor under its own name; single Values with their family."""
    groups: dict[str, list[Any]] = {}
    for name, p in model.named_parameters():
        groups.setdefault(name if hasattr(p, "shape") else family(name), []).append(p)
    return groups


def layers_of(model: Any) -> list[tuple[str, Any]]:
    """The layers that a reader thinks of: modules without others inside, and layers of neurons as one."""
    found: list[tuple[str, Any]] = []
    for name, module in model.named_modules():
        inside = any(name.startswith(f"{layer}.") for layer, _ in found[-1:])
        if not inside and (getattr(module, "is_summary_row", False) or not module.children()):
            found.append((name, module))
    return found


class Weights:
    """All numbers of some named parameters as one vector, to read and to put back."""

    def __init__(self, named: dict[str, Any]):
        self.named = named
        self.sizes = [getattr(p, "size", 1) for p in named.values()]

    def vector(self) -> np.ndarray:
        """The numbers as they are now, (n,)."""
        return self.joined({name: p.data for name, p in self.named.items()})

    def joined(self, parts: dict[str, Any]) -> np.ndarray:
        """Numbers by name as one vector; what isn't given is as it is now."""
        return np.concatenate([np.ravel(np.array(parts.get(n, p.data), float)) for n, p in self.named.items()])

    def put(self, vector: np.ndarray) -> None:
        """Give the parameters these numbers."""
        ends = np.cumsum(self.sizes)[:-1]
        for p, part in zip(self.named.values(), np.split(vector, ends), strict=True):
            p.data = part.reshape(p.shape) if hasattr(p, "shape") else float(part[0])


def recorded_weights(recorder: Any, weights: Weights, who: str) -> tuple[list[int], np.ndarray]:
    """The recorded steps, and the weights at each as a row; the last row is after the last step.

    ValueError for a recorder that kept no arrays, or those of another model.
    """
    arrays = getattr(recorder, "arrays", None)
    if arrays is None:
        raise TypeError(f"{who} needs a training.Recorder that was among fit's callbacks, got {recorder!r:.60}")
    if not arrays:
        raise ValueError(
            f"{who} needs recorded weights, and this recorder kept none: make it with Recorder(keep='arrays') and give "
            "it to fit, callbacks=[recorder]"
        )
    steps = list(arrays)
    _check_same_model(arrays[steps[-1]], weights, who)
    rows = [weights.joined({name: found["weight"] for name, found in arrays[step].items()}) for step in steps]
    after = weights.joined({name: found["weight"] + found["update"] for name, found in arrays[steps[-1]].items()})
    return [step - 1 for step in steps] + [steps[-1]], np.array([*rows, after])  # a row is from before its step


def _check_same_model(found: dict[str, dict[str, Any]], weights: Weights, who: str) -> None:
    for name, parts in found.items():
        have = np.shape(weights.named[name].data) if name in weights.named else None
        if have != np.shape(parts["weight"]):
            raise ValueError(
                f"{who}: this recorder watched another model: it has a parameter {name!r} of shape "
                f"{np.shape(parts['weight'])}, and this model {'none such' if have is None else f'one of {have}'}"
            )
