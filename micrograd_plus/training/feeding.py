"""Feeding: what a model is given, and in which portions.

The X of a model that takes several inputs, model(a, b), is a tuple of arrays, each with one entry a sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextvars import copy_context
from typing import Any

from ..data import DataLoader, train_test_split
from ..data.arguments import got, real
from ..data.loading import are_inputs
from ..engine import Node
from ..engine.graph import Operand
from ..nn import Module


class OneByOne:
    """For a model of Values: a sample is a list of plain numbers, a batch a list of samples."""

    def batch(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Lists of plain numbers; of several inputs a tuple of them."""
        return tuple(map(_as_list, x)) if are_inputs(x) else _as_list(x), _as_list(y)

    def outputs(self, model: Module, x: Any) -> Any:
        """A list: the model's answer to each sample."""
        if isinstance(x, tuple):
            return [model(*sample) for sample in zip(*x, strict=True)]
        return [model(sample) for sample in x]

    def aligned(self, output: Any, y: Any) -> Any:
        """The targets, shaped like the outputs."""
        return y

    def fit_together(self, parts: list) -> bool:
        """Whether batches can be made one."""
        return True

    def join(self, parts: Iterable) -> Any:
        """Batches made one."""
        return [sample for part in parts for sample in part]

    def numbers(self, output: Any) -> Any:
        """The outputs as plain numbers."""
        return [self.numbers(item) for item in output] if isinstance(output, list) else float(output)


class AllAtOnce:
    """For a model of Tensors: a batch is an array, in the precision of the model."""

    def __init__(self, model: Module, classes: bool):
        self.dtype = next((p.dtype for p in model.parameters() if hasattr(p, "dtype")), float)
        self.classes = classes  # the targets are class numbers, so that their shape differs from the output's

    def batch(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Arrays: whole numbers as they are, others in the model's dtype; of several inputs a tuple of arrays."""
        if are_inputs(x):
            return tuple(self._array(f"X[{i}]", part) for i, part in enumerate(x)), self._array("y", y)
        return self._array("X", x), self._array("y", y)

    def _array(self, name: str, x: Any) -> Any:
        import numpy as np

        try:
            array = np.asarray(x)
        except ValueError:
            raise ValueError(f"{name}: the samples of a batch have different lengths, so they form no array") from None
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} must hold numbers, got dtype {array.dtype}")
        return array.astype(self.dtype, copy=False) if array.dtype.kind == "f" else array

    def outputs(self, model: Module, x: Any) -> Any:
        """The model's answer to the batch."""
        return model(*x) if isinstance(x, tuple) else model(x)

    def aligned(self, output: Any, y: Any) -> Any:
        """The targets, (N,), as a column where the outputs are one, (N, 1)."""
        column = getattr(output, "shape", None) == (len(y), 1) and y.ndim == 1
        return y.reshape(-1, 1) if column and not self.classes else y

    def fit_together(self, parts: list) -> bool:
        """Whether batches can be made one: the outputs' shapes differ in the number of samples at most."""
        return len({(output.shape[1:], y.shape[1:]) for output, y in parts}) == 1

    def join(self, parts: tuple) -> Any:
        """Batches made one."""
        import numpy as np

        from ..engine import concatenate

        return concatenate(parts) if isinstance(parts[0], Operand) else np.concatenate(parts)

    def numbers(self, output: Any) -> Any:
        """The outputs as an array."""
        return output.numpy()


def feeding_of(model: Module, classes: bool) -> OneByOne | AllAtOnce:
    """How this model is fed: Tensors, and the scalar twin of Tensors, take a batch; Values take a sample."""
    attributes = [thing for module in model.modules() for thing in vars(module).values()]
    arrays = [thing for thing in [*model.parameters(), *attributes] if isinstance(thing, Operand)]
    return AllAtOnce(model, classes) if any(hasattr(thing, "shape") for thing in arrays) else OneByOne()


def split(data: Any, validation: Any, seed: int | None) -> tuple[Any, Any]:
    """Training and validation data; a share of the data becomes a pair, drawn at random by the seed."""
    if not is_share(validation):
        return data, validation
    share = real("validation", validation, 0.2, "data, or a share of the data between 0 and 1", lambda v: 0 < v < 1)
    if not is_pair(data):
        raise ValueError("a share for validation can be taken off a pair (X, y) only: give validation data of its own")
    X, y = data
    X, X_held, y, y_held = train_test_split(X, y, test_size=share, seed=seed)
    return (X, y), (X_held, y_held)


def is_share(validation: Any) -> bool:
    """Whether this is a share of the data, and not data."""
    return isinstance(validation, (int, float)) and not isinstance(validation, bool)


def is_pair(data: Any) -> bool:
    """Whether this is (X, y), and not batches."""
    return isinstance(data, tuple) and len(data) == 2


def _lengths(parts: tuple) -> str:
    lengths = " and ".join(str(len(part)) for part in parts)
    return f"the inputs have {lengths} entries; each input needs one for every sample"


def samples_in(x: Any) -> int:
    """How many samples X has."""
    return len(x[0] if are_inputs(x) else x)


def loader_of(name: str, data: Any, batch_size: int, shuffle: bool, seed: int | None) -> Any:
    """Something that gives (x, y) batches each time it is looped over."""
    if is_pair(data):
        X, y = data
        if isinstance(X, tuple) and not are_inputs(X) and any(hasattr(part, "shape") for part in X):
            raise TypeError(
                f"{name}: X is a tuple with an array in it, so each part should be an array, an input of the model; "
                f"{got(X)}"
            )
        return DataLoader(X, y, batch_size, shuffle, seed)
    if not isinstance(data, Iterable) or hasattr(data, "shape") or isinstance(data, (str, bytes, dict)):
        raise TypeError(f"{name} must be a pair (X, y), or a DataLoader or the like, of (x, y) batches; {got(data)}")
    if isinstance(data, Iterator):
        raise TypeError(f"{name} is used up after one epoch: give a DataLoader, or list(…) of the batches; {got(data)}")
    return data


def pairs(name: str, loader: Iterable) -> Iterator[tuple[Any, Any]]:
    """The batches of one epoch, each made sure to be (x, y)."""
    empty = True
    for batch in _apart(loader):
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise TypeError(
                f"{name} must give (x, y) batches, of several inputs ((a, b), y), {got(batch)}; "
                "a whole data set is a tuple (X, y)"
            )
        x, y = batch
        if are_inputs(x) and len(set(map(len, x))) > 1:
            raise ValueError(f"{name}, in a batch: {_lengths(x)}")
        try:
            n, targets = samples_in(x), len(y)
        except TypeError:
            raise TypeError(
                f"{name}: in a batch x and y have one entry each a sample, {got(batch)}; of single samples, (x, y), "
                "make a list of all x and one of all y, and give the tuple (X, y)"
            ) from None
        if n != targets:
            raise ValueError(f"{name}: a batch has {n} samples and {targets} targets; each sample needs its own")
        empty = False
        yield x, y
    if empty:
        raise ValueError(f"{name} gave no batch: there is nothing to learn from")


def _apart(loader: Iterable) -> Iterator[Any]:
    """Its batches; a no_grad() that it is in while it hands one out (self-play looks ahead in one) stays its own."""
    context = copy_context()
    batches, end = context.run(iter, loader), object()
    try:
        while (batch := context.run(next, batches, end)) is not end:
            yield batch
    finally:
        if hasattr(batches, "close"):  # a generator that is left early ends where it began, in its own context
            context.run(batches.close)


def samples_of(loader: Any) -> str:
    """How many samples a DataLoader has, in words; of another loader that isn't known."""
    return str(samples_in(loader.X)) if isinstance(loader, DataLoader) else "unknown"


def not_finite(x: Any) -> int:
    """How many numbers in x are nan or infinite."""
    if hasattr(x, "tolist"):
        x = x.tolist()
    if isinstance(x, (list, tuple)):
        return sum(map(not_finite, x))
    return not math.isfinite(x.data if isinstance(x, Node) else x)


def _as_list(x: Any) -> list:
    return x.tolist() if hasattr(x, "tolist") else list(x)
