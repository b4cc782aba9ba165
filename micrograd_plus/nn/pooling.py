"""Pooling: of every window of an image (or of a stretch of sound) one number remains, the largest or the mean.

The windows are never built. A window of 2 × 2 is four pictures, one for each place in it: all top left numbers, all top
right ones …, each a slice of x. Their largest (or their sum), picture by picture, is the result. Measured in float32,
one thread, windows of 2 × 2 of (32, 32, 8, 8) to (20, 8, 28, 22): reshape and max over two axes takes 15 to 20 times as
long.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, reduce
from operator import add
from typing import Any

import numpy as np

from ..engine import array_ops, ops
from ..engine.graph import Node, Op, Structural
from .checks import as_array
from .convolution import check_axes, hashable, met, padded_size, per_axis, unpadded
from .module import Module

# -- windows: `size` are the axes behind (N, C), or behind C alone ---------------------------------------------------


@lru_cache(maxsize=256)
def _pictures(kernel: tuple, stride: tuple, dilation: tuple, places: tuple) -> list[tuple]:
    """For each number of a window, row by row, the index of these numbers of all windows."""
    return [(..., *met(at, places, stride, dilation)) for at in np.ndindex(*kernel)]


def _pad(x: Any, padding: tuple, value: float) -> Any:
    """The array x with `value` around it."""
    if not any(map(any, padding)):
        return x
    lead = x.ndim - len(padding)
    if isinstance(x, Node):
        return x.pad((*((0, 0),) * lead, *padding), value)  # type: ignore[attr-defined]
    padded = np.full_like(
        x, value, shape=(*x.shape[:lead], *padded_size(x.shape[lead:], padding))
    )  # in x's order of memory
    padded[_inner(x.shape[lead:], padding)] = x
    return padded


def _inner(size: tuple, padding: tuple) -> tuple:
    """The index of the numbers without the padding."""
    return (..., *unpadded(size, padding))


def _is_tiled(size: tuple, kernel: tuple, stride: tuple, padding: tuple, places: tuple) -> bool:
    """Whether every number lies in one window and no more: the usual case, kernel = stride without a rest."""
    exact = all(k * m == n for k, m, n in zip(kernel, places, size, strict=True))
    return kernel == stride and exact and not any(map(any, padding))


def _give_back(
    shares: Iterator[Any], shape: tuple, like: np.ndarray, pictures: list[tuple], tiled: bool, padding: tuple
) -> np.ndarray:
    """What x of this shape receives: each share (two factors) added to the picture that it belongs to."""
    lead = len(shape) - len(padding)
    grad = (np.empty_like if tiled else np.zeros_like)(like, shape=(*shape[:lead], *padded_size(shape[lead:], padding)))
    for index, (g, factor) in zip(pictures, shares, strict=True):
        if tiled:
            np.multiply(g, factor, out=grad[index])
        else:
            grad[index] += g * factor
    return grad[_inner(shape[lead:], padding)] if any(map(any, padding)) else grad


def _put_back(shares: Iterable[Any], shape: tuple, pictures: list[tuple], padding: tuple) -> Any:
    """The same with ops, which can be differentiated again, and written down by to_python."""
    lead = len(shape) - len(padding)
    whole, pairs = (*shape[:lead], *padded_size(shape[lead:], padding)), zip(pictures, shares, strict=True)
    total = reduce(add, [array_ops.put(share, shape=whole, index=index) for index, share in pairs])
    return total[_inner(shape[lead:], padding)] if any(map(any, padding)) else total


# -- the largest ------------------------------------------------------------------------------------------------------

_first_largest = np.frompyfunc(lambda a, b: b if b > a else a, 2, 1)  # of Values: picks one, the first where they tie


def _max_pool(x: Any, kernel: tuple, stride: tuple, padding: tuple, dilation: tuple, places: tuple) -> Any:
    x = _pad(x, padding, -math.inf)
    first, *others = (x[index] for index in _pictures(kernel, stride, dilation, places))
    if not others:  # a window of one number; an array of its own, since x isn't ours
        return first if isinstance(first, Node) else first.copy()
    if isinstance(x, Node):
        return reduce(ops.maximum, others, first)
    if x.dtype == object:
        return reduce(_first_largest, others, first)
    y = np.maximum(first, others[0])
    for picture in others[1:]:
        np.maximum(y, picture, out=y)
    return y


def _max_pool_pull(
    g: Any, y: Any, x: Any, kernel: tuple, stride: tuple, padding: tuple, dilation: tuple, places: tuple
) -> Any:
    padded, pictures = _pad(x, padding, -math.inf), _pictures(kernel, stride, dilation, places)
    if isinstance(g, Node):  # to be differentiated again
        return _put_back(_by_turns(g, y, [padded[index] for index in pictures]), x.shape, pictures, padding)
    ordered = np.empty_like(y)  # behind a Flatten or dropout g may lie otherwise in memory: 4 to 6 times as slow
    ordered[...] = g
    shares = ((ordered, mine) for mine in _first_that_is(y, [padded[index] for index in pictures]))
    tiled = _is_tiled(x.shape[-len(kernel) :], kernel, stride, padding, places)
    return _give_back(shares, x.shape, padded, pictures, tiled, padding)


def _first_that_is(y: np.ndarray, pictures: list[np.ndarray]) -> Iterator[np.ndarray]:
    """For each picture, where it holds the largest number: where several do, the first of them, as in PyTorch."""
    free = np.ones_like(y, dtype=bool)
    for picture in pictures[:-1]:
        mine = picture == y
        mine &= free
        free ^= mine
        yield mine
    yield free  # one of the window it must be


def _by_turns(g: Any, y: Any, pictures: list) -> Iterator[Any]:
    """The same with ops: g, for each picture, where it holds the largest number and none before it does."""
    for i, picture in enumerate(pictures):
        mine = picture >= y
        for earlier in pictures[:i]:
            mine = mine & (earlier < y)
        yield ops.where(mine, g, 0.0)


# -- the mean ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _counts(
    size: tuple, kernel: tuple, stride: tuple, padding: tuple, places: tuple, include_pad: bool, divisor: int | None
) -> Any:
    """What the sum of each window is divided by: one number, or an array where they differ."""
    if divisor is not None:
        return divisor
    each = []
    for n, k, s, (before, _), m in zip(size, kernel, stride, padding, places, strict=True):
        start = np.arange(m) * s - before
        end = np.minimum(start + k, n + before)  # what ceil_mode adds behind the padding doesn't count
        each.append(end - start if include_pad else np.minimum(end, n) - np.maximum(start, 0))
    counts = reduce(np.multiply.outer, each)
    return int(counts.flat[0]) if counts.size and (counts == counts.flat[0]).all() else counts


def _counts_like(x: np.ndarray, size: tuple, **how: Any) -> Any:
    counts = _counts(size, **how)
    return counts if isinstance(counts, int) or x.dtype == object else counts.astype(x.dtype)


def _avg_pool(x: np.ndarray, kernel: tuple, stride: tuple, padding: tuple, places: tuple, **how: Any) -> np.ndarray:
    counts = _counts_like(
        x, x.shape[-len(kernel) :], kernel=kernel, stride=stride, padding=padding, places=places, **how
    )
    x = _pad(x, padding, 0)
    first, *others = (x[index] for index in _pictures(kernel, stride, (1,) * len(kernel), places))
    return reduce(add, others, first) / counts


def _avg_pool_input(
    g: np.ndarray, size: tuple, kernel: tuple, stride: tuple, padding: tuple, places: tuple, **how: Any
) -> np.ndarray:
    counts = _counts_like(g, size, kernel=kernel, stride=stride, padding=padding, places=places, **how)
    pictures = _pictures(kernel, stride, (1,) * len(kernel), places)
    share, tiled = g / counts, _is_tiled(size, kernel, stride, padding, places)
    shape = (*g.shape[: -len(size)], *size)
    if isinstance(g, Node):
        return _put_back([share] * len(pictures), shape, pictures, padding)
    return _give_back(((share, 1) for _ in pictures), shape, g, pictures, tiled, padding)


def _avg_pool_pull(g: Any, y: Any, x: Any, kernel: tuple, **how: Any) -> Any:
    return avg_pool_input(g, size=x.shape[-len(kernel) :], kernel=kernel, **how)


def _avg_pool_input_pull(h: Any, y: Any, g: Any, size: tuple, **how: Any) -> Any:
    return avg_pool(h, **how)


# The vocabulary is that of engine/array_ops.py; in the third row, the pull-back of the second, h is what arrives.
# fmt: off
#                           name               y =               what the input receives
max_pool       = Structural("max_pool",        _max_pool,        _max_pool_pull)
avg_pool       = Structural("avg_pool",        array_ops.rounded_once(_avg_pool),        _avg_pool_pull)
avg_pool_input = Structural("avg_pool_input",  array_ops.rounded_once(_avg_pool_input),  _avg_pool_input_pull)
# fmt: on

POOLING_TABLE: dict[str, Op] = {row.name: row for row in list(globals().values()) if isinstance(row, Op)}
ops.TABLES.append(POOLING_TABLE)


# -- as functions -----------------------------------------------------------------------------------------------------


def max_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest number of each window along the last axis. input: (N, C, L) or (C, L). See max_pool2d.

    >>> max_pool1d([[1.0, 5.0, 2.0, 3.0]], 2)
    array([[5., 3.]])
    """
    return _max("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest number of each window of an image. input: (N, C, H, W) or (C, H, W); gives (N, C, H', W').

    H' = (H + 2 · padding - dilation · (kH - 1) - 1) / stride + 1, rounded down (up with ceil_mode, unless the last
    window would begin behind the image). stride: kernel_size unless given. padding: with -inf, at most half of it.
    Where several numbers of a window tie, the first one (row by row) receives the gradient, as in PyTorch.
    ValueError for shapes that don't fit; NotImplementedError for return_indices=True.

    >>> from micrograd_plus import Tensor
    >>> x = Tensor([[[1.0, 2.0, 0.0, 7.0], [4.0, 3.0, 7.0, 0.0]]])
    >>> y = max_pool2d(x, 2)
    >>> y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([[[4.0, 7.0]]], [[[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]]])
    """
    return _max("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def avg_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window along the last axis. input: (N, C, L) or (C, L). See avg_pool2d.

    >>> avg_pool1d([[1.0, 5.0, 2.0, 4.0]], 2)
    array([[3., 3.]])
    """
    return _avg("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window of an image. input: (N, C, H, W) or (C, H, W); for the result's shape see max_pool2d.

    count_include_pad: whether the zeros of the padding count as numbers. divisor_override: what every sum is divided by
    in place of the count. ValueError for shapes that don't fit.

    >>> avg_pool2d([[[1.0, 2.0], [3.0, 6.0]]], 2)
    array([[[3.]]])
    """
    return _avg("avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """The means of `output_size` windows, evenly laid over the last axis. input: (N, C, L) or (C, L).

    >>> adaptive_avg_pool1d([[1.0, 5.0, 2.0, 4.0]], 1)
    array([[3.]])
    """
    return _adaptive("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """The means of windows evenly laid over an image, so many that the result has the size `output_size`.

    input: (N, C, H, W) or (C, H, W). output_size: a whole number, or a pair (for H, for W); None in it keeps the size.
    Window i of m along an axis of n numbers goes from floor(i · n / m) up to (not including) ceil((i + 1) · n / m).

    >>> adaptive_avg_pool2d(np.ones((2, 16, 7, 5)), (3, None)).shape
    (2, 16, 3, 5)
    """
    return _adaptive("adaptive_avg_pool2d", 2, input, output_size)


def _max(
    name: str, axes: int, x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool, indices: bool
) -> Any:
    if indices:
        raise NotImplementedError(f"{name}: return_indices=True isn't built in: the result has the numbers alone")
    x = _array_or_tensor(name, axes, x)
    return max_pool(x, **_how(name, x.shape[-axes:], *map(hashable, (kernel, stride, padding, dilation)), ceil))


def _avg(
    name: str, axes: int, x: Any, kernel: Any, stride: Any, padding: Any, ceil: bool, include: bool, divisor: int | None
) -> Any:
    if divisor is not None and (not isinstance(divisor, (int, np.integer)) or divisor == 0):
        raise ValueError(f"{name}: divisor_override is a whole number other than 0, or None; got {divisor!r}")
    x = _array_or_tensor(name, axes, x)
    how = _how(name, x.shape[-axes:], *map(hashable, (kernel, stride, padding)), 1, ceil)
    how = {key: value for key, value in how.items() if key != "dilation"}
    return avg_pool(x, include_pad=include, divisor=divisor, **how)


def _adaptive(name: str, axes: int, x: Any, output_size: Any) -> Any:
    x = _array_or_tensor(name, axes, x)
    size = x.shape[-axes:]
    wanted = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * axes
    if len(wanted) == axes:
        wanted = tuple(n if m is None else m for n, m in zip(size, wanted, strict=True))
    wanted = per_axis(name, "output_size", wanted, axes)
    if all(m == 1 for m in wanted):
        return x.mean(axis=tuple(range(-axes, 0)), keepdims=True)
    if all(n % m == 0 for n, m in zip(size, wanted, strict=True)):
        kernel = tuple(n // m for n, m in zip(size, wanted, strict=True))
        return avg_pool(
            x, kernel=kernel, stride=kernel, padding=((0, 0),) * axes, places=wanted, include_pad=True, divisor=None
        )
    for axis, m in zip(range(-axes, 0), wanted, strict=True):  # windows of different sizes: a matrix of shares an axis
        shares = _shares(x.shape[axis], m).astype(x.dtype if x.dtype != object else float)
        x = array_ops.matmul(x.swapaxes(axis, -1), shares).swapaxes(axis, -1)
    return x


@lru_cache(maxsize=64)
def _shares(n: int, m: int) -> np.ndarray:
    """(n, m): column i takes the mean of window i."""
    shares = np.zeros((n, m))
    for i in range(m):
        start, end = i * n // m, -(-(i + 1) * n // m)  # rounded down, rounded up
        shares[start:end, i] = 1 / (end - start)
    return shares


def _array_or_tensor(name: str, axes: int, x: Any) -> Any:
    x = as_array(name, x)
    shape = x.shape
    check_axes(name, axes, shape)
    if 0 in shape[-axes:]:
        raise ValueError(f"{name}: there is nothing to pool in an input of shape {shape}")
    return x.astype(float) if x.dtype.kind in "iub" else x  # whole numbers have no -inf


@lru_cache(maxsize=256, typed=True)  # typed: 2.0 is no whole number, though it is equal to 2
def _how(
    name: str, size: tuple, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> dict[str, Any]:
    """The settings of the row: the windows, and how many there are along each axis."""
    axes = len(size)
    kernel, stride, padding, dilation = _numbers_of(name, axes, kernel, stride, padding, dilation)
    pairs, places = [], []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        reach = d * (k - 1) + 1
        rest = n + 2 * p - reach
        if rest < 0:
            raise ValueError(
                f"{name}: a window of {kernel} (dilation {dilation}) is larger than the input of size {size} with "
                f"padding {padding}: take a smaller kernel_size, or more padding"
            )
        m = rest // s + 1
        if ceil_mode and rest % s and m * s < n + p:  # one more window, if it begins before the end
            m += 1
        pairs.append((p, max(p, (m - 1) * s + reach - n - p)))
        places.append(m)
    return {"kernel": kernel, "stride": stride, "padding": tuple(pairs), "dilation": dilation, "places": tuple(places)}


def _numbers_of(name: str, axes: int, kernel: Any, stride: Any, padding: Any, dilation: Any) -> tuple:
    """Each setting as one number an axis; ValueError for what can't be."""
    kernel = per_axis(name, "kernel_size", kernel, axes)
    stride = kernel if stride is None else per_axis(name, "stride", stride, axes)
    padding = per_axis(name, "padding", padding, axes, least=0)
    dilation = per_axis(name, "dilation", dilation, axes)
    if any(p > (d * (k - 1) + 1) // 2 for p, k, d in zip(padding, kernel, dilation, strict=True)):
        raise ValueError(
            f"{name}: padding is at most half of kernel_size, or a window would see nothing but padding; got "
            f"padding={padding}, kernel_size={kernel}"
        )
    return kernel, stride, padding, dilation


# -- as modules -------------------------------------------------------------------------------------------------------


class _Pool(Module):
    """A pooling function with its settings kept as attributes."""

    axes: int
    function: Callable

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, **others: Any):
        settings = (kernel_size, stride, padding, others.get("dilation", 1))
        _numbers_of(type(self).__name__, self.axes, *settings)
        self.kernel_size, self.stride, self.padding = kernel_size, kernel_size if stride is None else stride, padding
        vars(self).update(others)

    def forward(self, x: Any) -> Any:
        """One number of each window of x."""
        return type(self).function(x, **self._settings())

    def _settings(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key[0] != "_" and key != "training"}

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join(f"{key}={value}" for key, value in self._settings().items())


class _MaxPool(_Pool):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ):
        if return_indices:
            raise NotImplementedError(f"{type(self).__name__}: return_indices=True isn't built in")
        super().__init__(kernel_size, stride, padding, dilation=dilation, ceil_mode=ceil_mode)


class MaxPool1d(_MaxPool):
    """The largest number of each window along the last axis. x: (N, C, L) or (C, L); see max_pool1d.

    >>> MaxPool1d(2)(np.ones((32, 48, 20))).shape
    (32, 48, 10)
    """

    axes, function = 1, max_pool1d


class MaxPool2d(_MaxPool):
    """The largest number of each window of an image. x: (N, C, H, W) or (C, H, W); see max_pool2d.

    >>> MaxPool2d(2)(np.ones((32, 16, 8, 8))).shape
    (32, 16, 4, 4)
    """

    axes, function = 2, max_pool2d


class AvgPool1d(_Pool):
    """The mean of each window along the last axis. x: (N, C, L) or (C, L); see avg_pool1d.

    >>> AvgPool1d(2)(np.ones((32, 48, 20))).shape
    (32, 48, 10)
    """

    axes, function = 1, avg_pool1d

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ):
        super().__init__(kernel_size, stride, padding, ceil_mode=ceil_mode, count_include_pad=count_include_pad)


class AvgPool2d(_Pool):
    """The mean of each window of an image. x: (N, C, H, W) or (C, H, W); see avg_pool2d.

    >>> AvgPool2d(3, stride=2, padding=1)(np.ones((32, 16, 8, 8))).shape
    (32, 16, 4, 4)
    """

    axes, function = 2, avg_pool2d

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ):
        others = {"count_include_pad": count_include_pad, "divisor_override": divisor_override}
        super().__init__(kernel_size, stride, padding, ceil_mode=ceil_mode, **others)


class _AdaptiveAvgPool(Module):
    axes: int
    function: Callable

    def __init__(self, output_size: Any):
        sizes = output_size if isinstance(output_size, (tuple, list)) else (output_size,)
        per_axis(type(self).__name__, "output_size", tuple(1 if m is None else m for m in sizes), self.axes)
        self.output_size = output_size

    def forward(self, x: Any) -> Any:
        """The means of evenly laid windows."""
        return type(self).function(x, self.output_size)

    def extra_repr(self) -> str:
        """The size of the result."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of output_size windows along the last axis. x: (N, C, L) or (C, L); see adaptive_avg_pool1d.

    >>> AdaptiveAvgPool1d(5)(np.ones((32, 48, 20))).shape
    (32, 48, 5)
    """

    axes, function = 1, adaptive_avg_pool1d


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of windows evenly laid over an image, whatever its size. x: (N, C, H, W); see adaptive_avg_pool2d.

    >>> AdaptiveAvgPool2d(1)(np.ones((32, 16, 8, 8))).shape  # one number a channel
    (32, 16, 1, 1)
    """

    axes, function = 2, adaptive_avg_pool2d
