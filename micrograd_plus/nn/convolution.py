"""Convolutions along one axis (sound, text) and along two (images): one small filter, slid over every place.

What they compute is the cross-correlation, which deep learning calls convolution (PyTorch's formula):

    y[n,o,i,j] = bias[o] + Σ weight[o, c, a, b] · x[n, c, i·stride + a·dilation, j·stride + b·dilation]  (over c, a, b)

where x has `padding` zeros around it. It is one matrix product: every patch that the filter meets becomes a column
("im2col": Chellapilla, Puri and Simard, 2006), every filter a row.

Three rows stand in the table, and each is the pull-back of the other two, since y is linear in x and in the weight:

    convolution            (x, weight)  →  y
    convolution_input      (g, weight)  →  what x receives when y receives g
    convolution_weight     (g, x)       →  what the weight receives when y receives g

Inside, memory lies in the order (C, H, W, N), whatever the shape says: samples next to each other. Then a patch is
copied in runs of W · N numbers in place of W, and NumPy keeps this order through everything that works number by
number. Measured forward in float32, one thread, filters of 3 × 3 on 5 × 5 to 28 × 23 pixels, 1 to 48 channels, other
ways take, compared to this one: with (N, C, H, W) inside 1.1 to 2.6 times as long, with (N, H, W, C) 0.9 (32 channels)
to 5.7 (1 channel), one matrix product for each place of the filter, without columns, 1.6 to 9, tensordot over
sliding windows 2.4 to 7.5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, reduce
from operator import add
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..engine import array_ops, ops
from ..engine.graph import Node, Op, Structural
from ..engine.tensor import Tensor
from . import init
from .checks import as_array, true_or_false, whole_number
from .module import Module

# -- arrays: any number of axes behind (N, C), called `size` --------------------------------------------------------


def _samples_last(x: np.ndarray) -> np.ndarray:
    """(N, C, *size) seen as (C, *size, N)."""
    return x.transpose(*range(1, x.ndim), 0)


def _samples_first(x: np.ndarray) -> np.ndarray:
    """(C, *size, N) seen as (N, C, *size)."""
    return x.transpose(x.ndim - 1, *range(x.ndim - 1))


BLOCK = 2**18  # bytes of columns at a time; of 2**17 to 2**20 it did best


def _columns(
    x: np.ndarray, kernel: tuple, stride: tuple, padding: tuple, dilation: tuple
) -> Iterator[tuple[slice, np.ndarray]]:
    """Every patch of x, (C, *size, N), as a column: (C · kernel, places · N), in blocks and with where each belongs.

    In blocks, since together they are `kernel` times as large as x: memory that the system must find, clear and take
    back each time, while a block stays in the processor's cache. That is worth more than keeping the columns for the
    weight's gradient: forward and backward of (64, 32, 5, 5) → 32 channels take half as long (measured).
    """
    c, *size, n = x.shape
    if any(map(any, padding)):
        padded = np.zeros((c, *padded_size(size, padding), n), x.dtype)
        padded[(slice(None), *unpadded(size, padding))] = x
        x = padded
    x = np.ascontiguousarray(x)
    places = _places(x.shape[1:-1], kernel, stride, ((0, 0),) * len(kernel), dilation)
    first, *steps, last = x.strides
    within = [step * d for step, d in zip(steps, dilation, strict=True)]
    between = [step * s for step, s in zip(steps, stride, strict=True)]
    patches = as_strided(x, (c, *kernel, *places, n), (first, *within, *between, last), writeable=False)
    height, line = c * math.prod(kernel), math.prod(places[1:]) * n
    lines = max(1, BLOCK // max(1, height * line * x.itemsize))  # in a block
    for start in range(0, places[0], lines):
        block = patches[(slice(None),) * (1 + len(kernel)) + (slice(start, start + lines),)]
        width = block.shape[1 + len(kernel)] * line
        yield slice(start * line, start * line + width), np.ascontiguousarray(block).reshape(height, width)


def padded_size(size: Sequence[int], padding: tuple) -> list[int]:
    """The size with the padding, of which there are two numbers an axis: before and after.

    >>> padded_size((5, 8), ((0, 1), (2, 2)))
    [6, 12]
    """
    return [before + n + after for (before, after), n in zip(padding, size, strict=True)]


def unpadded(size: Sequence[int], padding: tuple) -> list[slice]:
    """Where in it the numbers without the padding are.

    >>> unpadded((5, 8), ((0, 1), (2, 2)))
    [slice(0, 5, None), slice(2, 10, None)]
    """
    return [slice(before, before + n) for (before, _), n in zip(padding, size, strict=True)]


def _filters(weight: np.ndarray, groups: int) -> np.ndarray:
    """A row a filter: (groups, O / groups, C / groups · kernel)."""
    return weight.reshape(groups, len(weight) // groups, math.prod(weight.shape[1:]))


def _matrix(g: np.ndarray, groups: int) -> np.ndarray:
    """(N, O, *places) as (groups, O / groups, places · N)."""
    n, o, *places = g.shape
    return _samples_last(g).reshape(groups, o // groups, math.prod(places) * n)


def _convolve(x: Any, weight: Any, bias: Any = None, *, groups: int, **how: Any) -> Any:
    """y, (N, O, *places)."""
    if isinstance(weight, Node):
        return _convolve_by_rows(x, weight, bias, groups, **how)
    o, _, *kernel = weight.shape
    places = _places(x.shape[2:], tuple(kernel), **how)
    rows = _filters(weight, groups)
    y = np.empty((groups, o // groups, math.prod(places) * len(x)), np.result_type(x, weight))
    for where, columns in _columns(_samples_last(x), tuple(kernel), **how):
        np.matmul(rows, columns.reshape(groups, rows.shape[2], columns.shape[1]), out=y[:, :, where])
    y = y.reshape(o, *places, len(x))
    if bias is not None:
        y += bias.reshape(o, *(1 for _ in places), 1)
    return _samples_first(y)


def _places(size: tuple, kernel: tuple, stride: tuple, padding: tuple, dilation: tuple) -> list[int]:
    """How often the filter fits along each axis."""
    axes = zip(size, kernel, stride, padding, dilation, strict=True)
    return [(n + sum(p) - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in axes]


def met(at: tuple, places: Sequence[int], stride: tuple, dilation: tuple) -> list[slice]:
    """Where the numbers of x lie that meet the place `at` of the filter, while it is slid along.

    >>> met((0, 1), places=(3, 3), stride=(1, 2), dilation=(1, 1))
    [slice(0, 3, None), slice(1, 6, 2)]
    """
    axes = zip(at, places, stride, dilation, strict=True)
    return [slice(a * d, a * d + s * (m - 1) + 1, s if s > 1 else None) for a, m, s, d in axes]


def _weight_gradient(g: Any, x: Any, kernel: tuple, groups: int, **how: Any) -> Any:
    """How y answers to the weight: the patches, weighted by g."""
    if isinstance(g, Node):
        return _weight_gradient_by_rows(g, x, kernel, groups, **how)
    o, c = g.shape[1], x.shape[1] // groups
    g, height = _matrix(g, groups), c * math.prod(kernel)
    total = np.zeros((groups, height, o // groups), np.result_type(g, x))
    for where, columns in _columns(_samples_last(x), kernel, **how):
        # columns @ g.T, and not g @ columns.T: BLAS is up to a third quicker with the long side first
        total += np.matmul(columns.reshape(groups, height, columns.shape[1]), g[:, :, where].transpose(0, 2, 1))
    return total.transpose(0, 2, 1).reshape(o, c, *kernel)


def _input_gradient(
    g: np.ndarray, weight: np.ndarray, size: tuple, stride: tuple, padding: tuple, dilation: tuple, groups: int
) -> np.ndarray:
    """How y answers to x, (N, C, *size): each number of g goes back to the patch that it was computed from."""
    if isinstance(g, Node):
        return _input_gradient_by_rows(g, weight, size, stride, padding, dilation, groups)
    n, o = g.shape[:2]
    _, c, *kernel = weight.shape
    reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    fits = all(r >= max(p) for r, p in zip(reach, padding, strict=True))
    # An array of its own in our order of memory: of a view, the engine would make a copy.
    x_grad = np.empty_like(_samples_first(np.empty((c * groups, *size, n), g.dtype)))
    if max(stride) == 1 and fits and 2 * c * groups >= o:  # with fewer channels, adding up is quicker (measured)
        _slide_back(x_grad, g, weight, reach, padding, dilation, groups)
    else:
        _add_up(x_grad, g, weight, stride, padding, dilation, groups)
    return x_grad


def _slide_back(
    x_grad: np.ndarray, g: np.ndarray, weight: np.ndarray, reach: list, padding: tuple, dilation: tuple, groups: int
) -> None:
    """With a stride of 1 it is a convolution too: of g, with every filter turned round."""
    o, c, *kernel = weight.shape
    around = tuple((r - before, r - after) for r, (before, after) in zip(reach, padding, strict=True))
    turned = np.flip(weight, tuple(range(2, weight.ndim))).reshape(groups, o // groups, c, math.prod(kernel))
    rows = turned.transpose(0, 1, 3, 2).reshape(groups, o // groups * math.prod(kernel), c)
    into = _samples_last(x_grad).reshape(groups, c, x_grad.size // (c * groups))
    for where, columns in _columns(_samples_last(g), tuple(kernel), (1,) * len(kernel), around, dilation):
        columns = columns.reshape(groups, rows.shape[1], columns.shape[1])
        into[:, :, where] = np.matmul(columns.transpose(0, 2, 1), rows).transpose(0, 2, 1)


def _add_up(
    x_grad: np.ndarray, g: np.ndarray, weight: np.ndarray, stride: tuple, padding: tuple, dilation: tuple, groups: int
) -> None:
    """The columns' gradients, each added where its patch came from ("col2im")."""
    n, _, *places = g.shape
    _, c, *kernel = weight.shape
    size = x_grad.shape[2:]
    columns = np.matmul(_filters(weight, groups).transpose(0, 2, 1), _matrix(g, groups))
    columns = columns.reshape(c * groups, *kernel, *places, n)
    padded = np.zeros((c * groups, *padded_size(size, padding), n), g.dtype)
    for at in np.ndindex(*kernel):
        padded[(slice(None), *met(at, places, stride, dilation))] += columns[(slice(None), *at)]
    _samples_last(x_grad)[...] = padded[(slice(None), *unpadded(size, padding))]


# -- the same by other rows: place by place of the filter, as a reader may like it. to_python writes it so -------------


def _pictures(places: list, kernel: tuple, stride: tuple, dilation: tuple) -> Iterator[tuple[tuple, tuple]]:
    """For each place in the filter the index of the weights there, and that of all the numbers of x that they meet."""
    for at in np.ndindex(*kernel):
        yield (..., *at), (..., *met(at, places, stride, dilation))


def _grouped(t: Any, axis: int, groups: int) -> Any:
    """The channels, or the filters, as two axes: (groups, as many as a group has)."""
    return t if groups == 1 else t.reshape(*t.shape[:axis], groups, t.shape[axis] // groups, *t.shape[axis + 1 :])


def _terms(groups: int, axes: int) -> tuple[str, str, str]:
    """The letters of x, of the weights at one place of the filter, and of y, for einsum."""
    g, places = "g" if groups > 1 else "", "ij"[:axes]
    return f"n{g}c{places}", f"{g}oc", f"n{g}o{places}"


def _padded(x: Any, padding: tuple) -> Any:
    return x.pad(((0, 0), (0, 0), *padding)) if any(map(any, padding)) else x


def _convolve_by_rows(
    x: Any, weight: Any, bias: Any, groups: int, stride: tuple, padding: tuple, dilation: tuple
) -> Any:
    o, _, *kernel = weight.shape
    places = _places(x.shape[2:], tuple(kernel), stride, padding, dilation)
    padded, (of_x, of_w, of_y) = _padded(x, padding), _terms(groups, len(kernel))
    parts = []
    for at, picture in _pictures(places, tuple(kernel), stride, dilation):
        pair = _grouped(padded[picture], 1, groups), _grouped(weight[at], 0, groups)
        parts.append(array_ops.einsum(pair, inputs=(of_x, of_w), output=of_y))
    y = reduce(add, parts).reshape(x.shape[0], o, *places)
    return y if bias is None else y + bias.reshape(o, *(1 for _ in kernel))


def _input_gradient_by_rows(
    g: Any, weight: Any, size: tuple, stride: tuple, padding: tuple, dilation: tuple, groups: int
) -> Any:
    _, c, *kernel = weight.shape
    n, _, *places = g.shape
    of_x, of_w, of_y = _terms(groups, len(kernel))
    around = padded_size(size, padding)
    parts = []
    for at, picture in _pictures(places, tuple(kernel), stride, dilation):
        pair = _grouped(g, 1, groups), _grouped(weight[at], 0, groups)
        part = array_ops.einsum(pair, inputs=(of_y, of_w), output=of_x).reshape(n, c * groups, *places)
        parts.append(array_ops.put(part, shape=(n, c * groups, *around), index=picture))
    total = reduce(add, parts)
    return total[(..., *unpadded(size, padding))] if any(map(any, padding)) else total


def _weight_gradient_by_rows(
    g: Any, x: Any, kernel: tuple, groups: int, stride: tuple, padding: tuple, dilation: tuple
) -> Any:
    o, c = g.shape[1], x.shape[1] // groups
    padded, (of_x, of_w, of_y) = _padded(x, padding), _terms(groups, len(kernel))
    parts = []
    for _, picture in _pictures(g.shape[2:], kernel, stride, dilation):
        pair = _grouped(g, 1, groups), _grouped(padded[picture], 1, groups)
        parts.append(array_ops.einsum(pair, inputs=(of_y, of_x), output=of_w).reshape(o, c))
    return array_ops.stack(parts, axis=2).reshape(o, c, *kernel)


# -- the rows -------------------------------------------------------------------------------------------------------


def _pull_x(g: Any, y: Any, x: Any, weight: Any, bias: Any = None, **how: Any) -> Any:
    return convolution_input(g, weight, size=x.shape[2:], **how)


def _pull_weight(g: Any, y: Any, x: Any, weight: Any, bias: Any = None, **how: Any) -> Any:
    return convolution_weight(g, x, kernel=weight.shape[2:], **how)


def _pull_bias(g: Any, y: Any, x: Any, weight: Any, bias: Any, **how: Any) -> Any:
    if isinstance(g, Node):
        return g.sum(axis=(0, *range(2, g.ndim)))  # type: ignore[attr-defined]
    g = _matrix(g, 1)[0]
    return g.dot(array_ops._ones(g.shape[1], g.dtype))  # a sum over the columns, and twice as quick


def _of_input_pull_g(h: Any, y: Any, g: Any, weight: Any, size: tuple, **how: Any) -> Any:
    return convolution(h, weight, **how)


def _of_input_pull_weight(h: Any, y: Any, g: Any, weight: Any, size: tuple, **how: Any) -> Any:
    return convolution_weight(g, h, kernel=weight.shape[2:], **how)


def _of_weight_pull_g(h: Any, y: Any, g: Any, x: Any, kernel: tuple, **how: Any) -> Any:
    return convolution(x, h, **how)


def _of_weight_pull_x(h: Any, y: Any, g: Any, x: Any, kernel: tuple, **how: Any) -> Any:
    return convolution_input(g, h, size=x.shape[2:], **how)


# The vocabulary is that of engine/array_ops.py; in the second and third row, h is what arrives.
# fmt: off
#                               name                   y =                what each input receives
convolution        = Structural("convolution",         _convolve,         _pull_x, _pull_weight, _pull_bias)
convolution_input  = Structural("convolution_input",   _input_gradient,   _of_input_pull_g, _of_input_pull_weight)
convolution_weight = Structural("convolution_weight",  _weight_gradient,  _of_weight_pull_g, _of_weight_pull_x)
# fmt: on

CONVOLUTION_TABLE: dict[str, Op] = {row.name: row for row in list(globals().values()) if isinstance(row, Op)}
ops.TABLES.append(CONVOLUTION_TABLE)


# -- as functions ---------------------------------------------------------------------------------------------------


def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Filters slid along one axis. input: (N, C, L) or (C, L); weight: (O, C / groups, k); gives (N, O, L') or (O, L').

    See conv2d for the rest.

    >>> conv1d([[0.0, 1.0, 4.0, 9.0]], [[[-1.0, 1.0]]])  # one channel; the filter takes differences
    array([[1., 3., 5.]])
    """
    return _conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Filters slid over images. input: (N, C, H, W) or (C, H, W); weight: (O, C / groups, kH, kW); bias: (O,) or None.

    Gives (N, O, H', W') with H' = (H + 2 · padding - dilation · (kH - 1) - 1) // stride + 1, W' alike. stride, padding
    (zeros around the image), dilation (steps between the numbers that a filter sees): a whole number, or a pair (for
    H, for W). padding may be "valid" (none) or "same" (as much as keeps the size, for a stride of 1). groups: the
    channels in so many parts, each with filters of its own.
    ValueError for shapes that don't fit, and for a filter that is larger than the image.

    >>> from micrograd_plus import Tensor
    >>> image, edge = Tensor([[[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]]), Tensor([[[[-1.0, 1.0]]]])
    >>> conv2d(image, edge).tolist()  # 1 where it grows lighter from left to right
    [[[0.0, 1.0], [0.0, 1.0]]]
    """
    return _conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def _conv(name: str, axes: int, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any):
    x, weight = as_array(name, x), as_array(name, weight, "the weight")
    bias = None if bias is None else as_array(name, bias, "the bias")
    how = _how(name, axes, weight.shape, hashable(stride), hashable(padding), hashable(dilation), groups)
    shape = x.shape
    _check_shapes(name, axes, shape, weight.shape, bias, how)
    if len(shape) == axes + 1:
        x = x.reshape(1, *shape)
    y = convolution(x, weight, **how) if bias is None else convolution(x, weight, bias, **how)
    return y.reshape(y.shape[1:]) if len(shape) == axes + 1 else y


def hashable(value: Any) -> Any:
    """A list or an array as a tuple, anything else as it is: for what is looked up by its arguments.

    >>> hashable([1, 2])
    (1, 2)
    """
    if isinstance(value, (list, np.ndarray)):
        value = tuple(value)
    try:
        hash(value)
    except TypeError:
        raise TypeError(f"a size is a whole number, or one for each axis; got {value!r:.60}") from None
    return value


@lru_cache(maxsize=256, typed=True)  # typed: 2.0 is no whole number, though it is equal to 2
def _how(name: str, axes: int, weight: tuple, stride: Any, padding: Any, dilation: Any, groups: Any) -> dict[str, Any]:
    """The settings of the row: one number an axis, and two (before, after) of the padding."""
    if len(weight) != axes + 2 or 0 in weight:
        shape = "(O, C / groups, k)" if axes == 1 else "(O, C / groups, kH, kW)"
        raise ValueError(f"{name}: the weight is to have the shape {shape}, each at least 1; this one has {weight}")
    if not isinstance(groups, (int, np.integer)) or groups < 1 or weight[0] % groups:
        raise ValueError(
            f"{name}: groups is a whole number that divides the {weight[0]} filters of the weight, got {groups!r}"
        )
    stride, dilation = per_axis(name, "stride", stride, axes), per_axis(name, "dilation", dilation, axes)
    if isinstance(padding, str):
        pairs = _padding_by_name(name, padding, weight[2:], stride, dilation)
    else:
        pairs = tuple((p, p) for p in per_axis(name, "padding", padding, axes, least=0))
    return {"stride": stride, "padding": pairs, "dilation": dilation, "groups": int(groups)}


def per_axis(name: str, what: str, value: Any, axes: int, least: int = 1) -> tuple[int, ...]:
    """One whole number for each axis, from a number or a tuple of them; ValueError for anything else.

    >>> per_axis("conv2d", "stride", 2, axes=2)
    (2, 2)
    """
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes
    if len(values) == 1 < axes:
        values *= axes
    if len(values) != axes or not all(isinstance(v, (int, np.integer)) and v >= least for v in values):
        numbers = "one whole number" if axes == 1 else "a whole number, or a pair of them (height, width)"
        raise ValueError(f"{name}: {what} is {numbers}, at least {least}; got {value!r}")
    return tuple(map(int, values))


def _padding_by_name(name: str, padding: str, kernel: tuple, stride: tuple, dilation: tuple) -> tuple:
    if padding not in ("same", "valid"):
        raise ValueError(f"{name}: padding is a whole number, a tuple, 'same' or 'valid'; got {padding!r}")
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if max(stride) > 1:
        raise ValueError(f"{name}: padding='same' keeps the size, so the stride must be 1; got stride={stride}")
    total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple((t // 2, t - t // 2) for t in total)  # an odd zero comes at the end


def check_axes(name: str, axes: int, shape: tuple) -> None:
    """ValueError unless an input of this shape has `axes` axes behind its channels."""
    if len(shape) not in (axes + 1, axes + 2):
        shapes = "(N, C, L) or (C, L)" if axes == 1 else "(N, C, H, W) or (C, H, W)"
        raise ValueError(f"{name}: the input is to have the shape {shapes}, this one has {shape}: reshape it first")


def _check_shapes(name: str, axes: int, x: tuple, weight: tuple, bias: Any, how: dict) -> None:
    check_axes(name, axes, x)
    channels, groups = x[-axes - 1], how["groups"]
    if channels != weight[1] * groups:
        each = f" for each of {groups} groups" if groups > 1 else ""
        raise ValueError(
            f"{name}: the input has {channels} channels in shape {x}, but the weight of shape {weight} is made for "
            f"{weight[1]} channels{each}: PyTorch's order is channels before pixels; check in_channels, or transpose"
        )
    if bias is not None and bias.shape != weight[:1]:
        raise ValueError(f"{name}: one bias for each of the {weight[0]} filters, got the shape {bias.shape}")
    settings = {key: how[key] for key in ("stride", "padding", "dilation")}
    if min(_places(x[-axes:], weight[2:], **settings)) < 1:
        raise ValueError(
            f"{name}: the kernel of size {weight[2:]} (dilation {how['dilation']}) is larger than the input of size "
            f"{x[-axes:]} with padding {how['padding']}: take a smaller kernel, or more padding"
        )


# -- as modules -----------------------------------------------------------------------------------------------------


class _Conv(Module):
    """What Conv1d and Conv2d have in common."""

    axes: int
    function: Callable

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        dtype: Any = None,
        seed: int | None = None,
    ):
        name = type(self).__name__
        true_or_false(name, bias=bias)
        in_channels = whole_number(name, "in_channels", in_channels)
        out_channels, groups = whole_number(name, "out_channels", out_channels), whole_number(name, "groups", groups)
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: groups={groups} must divide in_channels={in_channels} and out_channels={out_channels}"
            )
        if padding_mode != "zeros":
            raise ValueError(
                f"{name}: padding_mode={padding_mode!r} isn't built in, only 'zeros' is: for another kind of border, "
                "join the rows and columns to the input with concatenate, and give padding=0"
            )
        kernel = per_axis(name, "kernel_size", kernel_size, self.axes)
        shape = (out_channels, in_channels // groups, *kernel)
        how = _how(name, self.axes, shape, hashable(stride), hashable(padding), hashable(dilation), groups)
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, kernel
        self.stride, self.dilation, self.groups = how["stride"], how["dilation"], groups
        self.padding = padding if isinstance(padding, str) else tuple(before for before, _ in how["padding"])
        self.padding_mode = padding_mode
        rng, bound = init.generator(seed), 1 / math.sqrt(math.prod(shape[1:]))
        dtype = np.float64 if dtype is None else dtype
        self.weight = Tensor(rng.uniform(-bound, bound, shape), dtype=dtype, label="weight")
        self.bias = Tensor(rng.uniform(-bound, bound, shape[0]), dtype=dtype, label="bias") if bias else None

    def forward(self, x: Any) -> Any:
        """The filters' answers at every place of x."""
        function = type(self).function
        return function(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        """The sizes, and what isn't as usual."""
        unusual = {"padding": (0,) * self.axes, "dilation": (1,) * self.axes, "groups": 1}
        told = [f", {key}={vars(self)[key]}" for key, usual in unusual.items() if vars(self)[key] != usual]
        sizes = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        return sizes + "".join(told) + (", bias=False" if self.bias is None else "")


class Conv1d(_Conv):
    """Filters slid along one axis, such as time. x: (N, in_channels, L) or (in_channels, L); see conv1d.

    weight: (out_channels, in_channels / groups, kernel_size), bias: (out_channels,); both start evenly from
    ±1/sqrt(in_channels / groups · kernel_size), PyTorch's default. seed: for weights of its own.

    >>> Conv1d(13, 48, 3, padding=1)(np.ones((32, 13, 20))).shape
    (32, 48, 20)
    """

    axes, function = 1, conv1d


class Conv2d(_Conv):
    """Filters slid over images. x: (N, in_channels, H, W) or (in_channels, H, W); see conv2d.

    weight: (out_channels, in_channels / groups, *kernel_size), bias: (out_channels,); both start evenly from
    ±1/sqrt(in_channels / groups · kH · kW), PyTorch's default. kernel_size, stride, padding and dilation: a whole
    number or a pair; padding also "same" or "valid". seed: for weights of its own.

    >>> layer = Conv2d(1, 16, 3, padding=1)
    >>> layer
    Conv2d(1, 16, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    >>> layer(np.ones((32, 1, 8, 8))).shape
    (32, 16, 8, 8)
    """

    axes, function = 2, conv2d
