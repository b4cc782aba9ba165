"""Embeddings: a learnt row of numbers for each symbol, and for each place in a sequence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.graph import Op, Structural
from ..engine.tensor import Tensor, as_dtype
from . import init
from .checks import whole_number
from .module import Module

# -- the rows ------------------------------------------------------------------------------------------------------


def _look_up(weight: np.ndarray, index: np.ndarray, padding_idx: int | None) -> np.ndarray:
    y = weight[index]
    # The twin gets numbers there in place of Values, so that no gradient flows to that row.
    if isinstance(y, np.ndarray) and y.dtype == object and padding_idx is not None:
        y[index == padding_idx] = [getattr(v, "data", v) for v in weight[padding_idx]]
    return y


def _add_rows(g: np.ndarray, index: np.ndarray, size: int, padding_idx: int | None) -> np.ndarray:
    """For each symbol the sum of the rows of g at which it stands: (size, dim) from g of shape (*index.shape, dim)."""
    dim = g.shape[-1]
    index, g = index.ravel(), g.reshape(-1, dim)
    # Measured in float32: 1280 rows of 48 numbers for 30 symbols take 75 us as a product with one-hot rows, 145 us with
    # bincount, 140 us sorted (np.add.reduceat), 450 us with np.add.at. For 1000 symbols bincount is the quickest of
    # them: 270 us, where the one-hot rows take 1700 us; they win up to some 60 symbols.
    if size <= 60:
        hot = np.zeros((len(index), size), g.dtype)
        hot[np.arange(len(index)), index] = 1
        y = hot.T @ g
    else:
        places = index[:, None] * dim + np.arange(dim)  # counted through the whole table
        y = np.bincount(places.ravel(), g.ravel(), size * dim).reshape(size, dim).astype(g.dtype, copy=False)
    if padding_idx is not None:
        y[padding_idx] = 0
    return y


def _look_up_pull(g: Any, y: Any, weight: Any, index: Any, padding_idx: int | None) -> Any:
    return add_rows(g, index=index, size=len(weight), padding_idx=padding_idx)


def _add_rows_pull(g: Any, y: Any, x: Any, index: Any, size: int, padding_idx: int | None) -> Any:
    part = embedding_row(g, index=index, padding_idx=None)
    return part if padding_idx is None else part * (index != padding_idx)[..., None].astype(g.dtype)


# fmt: off
#                            name           y =        what weight (or g) receives
add_rows      = Structural("add_rows",    _add_rows,  _add_rows_pull)
embedding_row = Structural("embedding",   _look_up,   _look_up_pull)
# fmt: on


def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """The rows of weight (num_embeddings, dim) at the indices `input`, an array of any shape: (*input.shape, dim).

    padding_idx: a row that gets no gradient. TypeError for indices that aren't whole numbers, IndexError for those
    that have no row.

    >>> weight = Tensor([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
    >>> embedding([2, 1, 2], weight).sum().backward(); weight.grad
    array([[0., 0.],
           [1., 1.],
           [2., 2.]])
    """
    size = len(weight)
    if padding_idx is not None:
        padding_idx = _padding("embedding", padding_idx, size)
    return embedding_row(weight, index=_checked(input, size), padding_idx=padding_idx)


def _checked(input: Any, size: int) -> np.ndarray:
    """The indices as an array of whole numbers that nobody changes any more."""
    index = input.numpy() if hasattr(input, "numpy") else np.array(input)
    if index.size == 0 and not hasattr(input, "dtype"):  # an empty list
        index = index.astype(np.int64)
    if index.dtype.kind not in "iu":
        raise TypeError(
            f"embedding: the indices must be whole numbers (which symbol?), got dtype {index.dtype}: give a list or "
            "array of ints, np.array(ids); .astype(int) if these floats are whole numbers"
        )
    index = index.astype(np.int64, copy=False)
    # unsigned, a negative number is a huge one: one look for both ends
    if index.size and index.view(np.uint64).max() >= size:
        wrong = index.min() if index.min() < 0 else index.max()
        raise IndexError(f"embedding: with {size} rows the indices go from 0 to {size - 1}, got {wrong}")
    return index.plain() if hasattr(index, "plain") else index  # plain: of an array that a compiled function is given


def _padding(name: str, padding_idx: int, size: int) -> int:
    if not isinstance(padding_idx, (int, np.integer)) or not -size <= padding_idx < size:
        raise ValueError(f"{name}: padding_idx is one of the rows, from {-size} to {size - 1}; got {padding_idx!r}")
    return int(padding_idx) % size


# -- layers --------------------------------------------------------------------------------------------------------


class Embedding(Module):
    """A table with a learnt row of numbers for each symbol. x: whole numbers of any shape; y: (*x.shape, dim).

    Rows start from the standard normal distribution, as in PyTorch. padding_idx: a symbol that means "nothing here":
    its row is 0 and stays so. max_norm isn't supported. seed: for weights of its own.

    >>> layer = Embedding(10, 3, padding_idx=0)
    >>> layer([[1, 2], [3, 0]]).shape, layer([0]).tolist()
    ((2, 2, 3), [[0.0, 0.0, 0.0]])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        *,
        dtype: Any = None,
        seed: int | None = None,
    ):
        if max_norm is not None:
            raise ValueError(
                "Embedding: max_norm is not supported; shorten the rows yourself after a step, or use weight decay"
            )
        self.num_embeddings = whole_number("Embedding", "num_embeddings", num_embeddings)
        self.embedding_dim = whole_number("Embedding", "embedding_dim", embedding_dim)
        self.padding_idx = None if padding_idx is None else _padding("Embedding", padding_idx, num_embeddings)
        self.weight = _normal_rows(num_embeddings, embedding_dim, dtype, seed)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0

    def forward(self, x: Any) -> Any:
        """The rows of these symbols."""
        return embedding(x, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """The sizes."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


class LearnedPositions(Module):
    """Adds a learnt row of numbers for each place: x (…, T, dim) + weight[:T], with T up to max_length.

    Without it a transformer can't tell in which order its input stands. The rows start from the standard normal
    distribution, as those of an Embedding do. ValueError for a longer or other input.

    >>> LearnedPositions(16, 8)(np.zeros((2, 5, 8))).shape
    (2, 5, 8)
    """

    def __init__(self, max_length: int, dim: int, *, dtype: Any = None, seed: int | None = None):
        self.max_length = whole_number("LearnedPositions", "max_length", max_length)
        self.dim = whole_number("LearnedPositions", "dim", dim)
        self.weight = _normal_rows(max_length, dim, dtype, seed)

    def forward(self, x: Any) -> Any:
        """x with its places added."""
        return x + self.weight[: _length(self, x)]

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.max_length}, {self.dim}"


class SinusoidalPositions(Module):
    """Adds waves of ever longer period to x (…, T, dim), so that each place has its pattern (Vaswani et al., 2017).

    pe[t, 2i] = sin(t / 10000^(2i / dim)), pe[t, 2i + 1] = cos of the same. Nothing is learnt. The table `pe` of shape
    (max_length, dim) is a buffer and stands in the state dict, as in PyTorch's tutorials. ValueError for an odd dim,
    and for an input that is longer than max_length or has other features.

    >>> SinusoidalPositions(16, 4)(np.zeros((2, 4))).round(2)
    array([[0.  , 1.  , 0.  , 1.  ],
           [0.84, 0.54, 0.01, 1.  ]])
    """

    def __init__(self, max_length: int, dim: int, *, dtype: Any = None):
        self.max_length = whole_number("SinusoidalPositions", "max_length", max_length)
        self.dim = whole_number("SinusoidalPositions", "dim", dim)
        if dim % 2:
            raise ValueError(f"SinusoidalPositions: dim must be even, a sine and a cosine for each wave; got {dim}")
        speeds = np.exp(np.arange(0, dim, 2) * (-math.log(10000.0) / dim))
        angles = np.arange(max_length)[:, None] * speeds
        dtype = np.dtype(np.float64) if dtype is None else as_dtype("SinusoidalPositions", dtype)
        self.pe = np.empty((max_length, dim), dtype)
        self.pe[:, 0::2], self.pe[:, 1::2] = np.sin(angles), np.cos(angles)

    def forward(self, x: Any) -> Any:
        """x with its places added."""
        places = self.pe[: _length(self, x)]
        return x + (places.astype(x.dtype, copy=False) if x.dtype.kind == "f" else places)  # float32 stays float32

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.max_length}, {self.dim}"


def _normal_rows(rows: int, dim: int, dtype: Any, seed: int | None) -> Tensor:
    numbers = init.generator(seed).normal(size=(rows, dim))
    return Tensor(numbers, dtype=np.float64 if dtype is None else dtype, label="weight")


def _length(layer: Any, x: Any) -> int:
    """T of an input (…, T, dim); ValueError where it doesn't fit the layer."""
    name = type(layer).__name__
    if getattr(x, "ndim", 0) < 2 or x.shape[-1] != layer.dim:
        raise ValueError(
            f"{name}: the input needs shape (…, T, {layer.dim}), got {getattr(x, 'shape', type(x).__name__)}"
        )
    if x.shape[-2] > layer.max_length:
        raise ValueError(
            f"{name}: the input has {x.shape[-2]} places (shape {x.shape}), and there are {layer.max_length}: build "
            "the layer with a larger max_length, or shorten the input"
        )
    return x.shape[-2]


EMBEDDING_TABLE: dict[str, Op] = {row.name: row for row in list(globals().values()) if isinstance(row, Op)}
ops.TABLES.append(EMBEDDING_TABLE)
