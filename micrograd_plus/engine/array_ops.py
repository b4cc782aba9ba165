"""The rows that only arrays have: each with a pull-back `lambda g, y, *xs, **settings` in place of a slope.

The vocabulary is that of ops.py; `axis`, `shape` … are settings: they say which operation it is and have no gradient.
Pull-backs are written with the operations of this same table, so that most of them can be differentiated again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, wraps
from types import SimpleNamespace
from typing import Any

import numpy as np

from . import maths as m
from . import ops
from .erfc import erfc
from .graph import Many, Node, Op, Structural

# -- NumPy's elementary functions, under the names that rules use ----------------------------------------------


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))  # never overflows; np.where would take twice as long


def _numpy() -> SimpleNamespace:
    names = "exp expm1 log log1p sqrt sin cos tan sinh cosh tanh arctan abs sign maximum minimum where".split()
    zero = {kind: np.zeros((), kind) for kind in (np.float16, np.float32, np.float64)}  # quicker than a Python 0
    return SimpleNamespace(
        **{name: getattr(np, name) for name in names},
        pow=lambda a, b: a**b,  # the operator, unlike np.power, takes a short cut for x**2
        sigmoid=_sigmoid,
        softplus=lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
        erfc=erfc,
        relu=lambda x: np.maximum(x, zero.get(x.dtype.type, 0)),
        step=lambda x: (x > zero.get(x.dtype.type, 0)).astype(x.dtype),  # g * numbers is quicker than g * booleans
    )


m.LIBRARIES["numpy"] = _numpy

# -- helpers: float16 ------------------------------------------------------------------------------------------

HALF = np.dtype(np.float16)


def rounded_once(rule: Callable) -> Callable:
    """The rule, which adds up or multiplies many numbers: float16 is computed in float32, as in PyTorch, then rounded.

    A sum in float16 overflows at 65504, and a sum of ones stands still at 2048.

    >>> rounded_once(lambda x: x.mean())(np.full(4, 60000, np.float16)).item()  # the sum is 240000
    60000.0
    """

    @wraps(rule)
    def computed(*xs: Any, **settings: Any) -> Any:
        if getattr(xs[0], "dtype", None) is not HALF:  # not of every x: formulas are run on text, too
            return rule(*xs, **settings)
        y = rule(*[x.astype(np.float32) if getattr(x, "dtype", None) is HALF else x for x in xs], **settings)
        return (y[0].astype(HALF), *y[1:]) if isinstance(y, tuple) else y.astype(HALF)

    return computed


# -- helpers: shapes ------------------------------------------------------------------------------------------


def _kept(x: Any, axis: Any) -> tuple[int, ...]:
    """The shape of x reduced over axis with keepdims=True."""
    axes = range(x.ndim) if axis is None else [a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
    return tuple(1 if a in axes else n for a, n in enumerate(x.shape))


def _count(x: Any, axis: Any) -> int:
    """How many numbers of x go into one number of its reduction over axis."""
    if axis is None:
        return x.size
    return math.prod(n for n, kept in zip(x.shape, _kept(x, axis), strict=True) if n != kept)


def _spread(g: Any, x: Any, axis: Any) -> Any:
    """The gradient g of a reduction of x, in a shape that broadcasts against x."""
    if axis is None and not g.ndim:
        return g
    return g.reshape(_kept(x, axis))


def _all_along(g: Any, x: Any) -> Any:
    """The gradient g of a reduction of x, repeated to x's shape: for arrays, with x's order of axes in memory."""
    if not isinstance(g, np.ndarray) or not isinstance(x, np.ndarray) or x.flags.c_contiguous:
        return expand(g, shape=x.shape)
    part = np.empty_like(x, dtype=g.dtype)
    part[...] = g
    return part


def _numbers(x: Any) -> np.ndarray:
    """The array itself: for a choice (which is largest?) that isn't differentiated."""
    return x.numpy() if isinstance(x, Node) else x  # type: ignore[attr-defined]


def sum_to_shape(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Add up the axes that broadcasting from `shape` added or stretched."""
    if x.shape == shape:
        return x
    if x.dtype is HALF:
        return sum_to_shape(x.astype(np.float32), shape).astype(HALF)
    x = np.asarray(x.sum(axis=tuple(range(x.ndim - len(shape)))), dtype=x.dtype)
    stretched = tuple(a for a, (n, small) in enumerate(zip(x.shape, shape, strict=True)) if small == 1 != n)
    return x.sum(axis=stretched, keepdims=True) if stretched else x


# -- forward rules that are longer than a line -----------------------------------------------------------------


def _expand(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    y = np.empty(shape, x.dtype)  # quicker than np.broadcast_to, and safe to keep
    y[...] = x
    return y


def _matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    inner = b.shape[-2] if np.ndim(b) > 1 else b.shape[0] if np.ndim(b) else None
    if not np.ndim(a) or inner is None:
        raise ValueError(f"`@` needs arrays of one axis at least, got shapes {np.shape(a)} @ {np.shape(b)}: use `*`")
    if a.shape[-1] != inner:
        raise ValueError(
            f"`@`: inner sizes differ: {a.shape} @ {b.shape}. The last size of the left side must equal the "
            "second-to-last of the right side: transpose one side (.mT), or check how the data are laid out"
        )
    return np.matmul(a, b)


def _matmul_pull_a(g: Any, y: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        part = g[..., None] * b
    elif a.ndim == 1:
        part = (g[..., None, :] @ b.mT)[..., 0, :]
    else:
        part = g @ b.mT
    return sum_to(part, shape=a.shape)


def _matmul_pull_b(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        part = a[..., None] * g[..., None, :] if b.ndim > 1 else a * g
    elif b.ndim == 1:
        part = (a.mT @ g[..., None])[..., 0]
    else:
        part = a.mT @ g
    return sum_to(part, shape=b.shape)


def _put(x: np.ndarray, shape: tuple[int, ...], index: Any) -> np.ndarray:
    """Zeros of `shape`, with x added at `index`."""
    y = np.zeros(shape, x.dtype)
    if any(isinstance(i, np.ndarray) for i in index):
        np.add.at(y, index, x)  # an index may repeat: then its gradients add up
    else:
        y[index] = x
    return y


def _product_of_others(x: np.ndarray) -> np.ndarray:
    """For each number the product of all the others along the last axis: without dividing, so zeros do no harm."""
    ones = np.ones_like(x[..., :1])
    left = np.cumprod(np.concatenate([ones, x[..., :-1]], axis=-1), axis=-1)
    right = np.cumprod(np.concatenate([ones, x[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    return left * right


def _prod_pull(g: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    axes = tuple(range(x.ndim)) if axis is None else tuple(a % x.ndim for a in np.atleast_1d(axis))
    rest = tuple(a for a in range(x.ndim) if a not in axes)
    moved = transpose(x, axes=rest + axes)  # the multiplied axes last, and then as one
    rows: Any = moved.reshape(*(x.shape[a] for a in rest), math.prod(x.shape[a] for a in axes))
    if not isinstance(rows, np.ndarray):  # to be differentiated again: one row a number, with a 1 in its place
        n = rows.shape[-1]
        others = ops.where(np.eye(n, dtype=bool), 1.0, rows[..., None, :].expand(*rows.shape, n)).prod(axis=-1)
    else:
        others = _product_of_others(rows)
    return _spread(g, x, axis) * transpose(others.reshape(moved.shape), axes=tuple(np.argsort(rest + axes).tolist()))


def _largest(x: np.ndarray, axis: Any) -> np.ndarray:
    """What is subtracted so that exp can't overflow: of an empty array, nothing."""
    return x.max(axis=axis, keepdims=True) if x.size else x.sum(axis=axis, keepdims=True)


def _logsumexp(x: np.ndarray, axis: Any, keepdims: bool) -> np.ndarray:
    top = _largest(x, axis)
    if top.dtype != object:
        top = np.where(np.isfinite(top), top, 0)  # all -inf: the answer is -inf, not nan
    y = log_of_sum(x - top, axis) + top
    return y if keepdims else _drop(y, axis)


def log_of_sum(x: np.ndarray, axis: Any) -> np.ndarray:
    """log(sum(exp(x))) of numbers of which the largest is 0: log1p of what the others add to its exp(0) = 1.

    log(1 + 1e-20) would be 0: that is the loss of a model that is sure and right.

    >>> log_of_sum(np.array([0.0, -50.0]), axis=0)
    array([1.92874985e-22])
    """
    if x.dtype == object:
        return m.log(np.asarray(m.exp(x).sum(axis=axis, keepdims=True)))
    largest = x == 0
    others = (np.exp(x) - largest).sum(axis=axis, keepdims=True)
    return np.log1p(others + (np.count_nonzero(largest, axis=axis, keepdims=True) - 1).astype(x.dtype))


def _drop(y: np.ndarray, axis: Any) -> np.ndarray:
    return y.reshape(()) if axis is None else np.squeeze(y, axis=axis)


def _softmax(x: np.ndarray, axis: int) -> np.ndarray:
    e = m.exp(x - _largest(x, axis))
    return e / e.sum(axis=axis, keepdims=True)


def _log_softmax(x: np.ndarray, axis: int) -> np.ndarray:
    shifted = x - _largest(x, axis)
    return shifted - log_of_sum(shifted, axis)


def _where_largest(x: Any, y: Any, axis: Any) -> np.ndarray:
    """Each largest number's share of the gradient: 1, or 1/k where k numbers tie."""
    x, y = _numbers(x), _numbers(y)
    ties = (x == y.reshape(_kept(x, axis))).astype(x.dtype)  # a sum of booleans would take four times as long
    with np.errstate(invalid="ignore"):  # nan is equal to nothing: its share is nan, as in PyTorch
        ties /= ties.sum(axis=axis, keepdims=True)
    return ties


def _variance(x: np.ndarray, axis: Any, correction: int, keepdims: bool) -> np.ndarray:
    d = x - _mean(x, axis, True)
    n = _count(x, axis)
    return (d * d).sum(axis=axis, keepdims=keepdims) / _over(n - correction)


# Between which sums of squares no digit is lost, to overflow or to numbers below the smallest normal one.
_SQUARES = {np.dtype(f.dtype): (float(f.tiny / f.eps), float(f.max)) for f in map(np.finfo, ("f4", "f8", "longdouble"))}


def _root_of_squares(x: np.ndarray, axis: Any, keepdims: bool, n: float = 1) -> np.ndarray:
    """sqrt(sum(x²) / n), also where the squares are too large or too small for x's dtype."""
    squares = np.asarray((x * x).sum(axis=axis, keepdims=keepdims) / n)
    if x.dtype == object:  # at 0 the square itself, of which the slope is 0: that of the root would be infinite
        return np.asarray(np.frompyfunc(lambda v: v if v <= 0 else ops.sqrt(v), 1, 1)(squares))
    if x.dtype.kind != "f" or not x.size:
        return m.sqrt(squares)
    smallest, largest = _SQUARES[x.dtype]
    if smallest < squares.min() and squares.max() <= largest:
        return np.sqrt(squares)
    unit = np.abs(x).max(axis=axis, keepdims=True)
    unit = np.where((unit > 0) & (unit <= largest), unit, x.dtype.type(1))
    y = np.sqrt(((x / unit) ** 2).sum(axis=axis, keepdims=True) / n) * unit
    return y if keepdims else _drop(y, axis)


def _std(x: np.ndarray, axis: Any, correction: int, keepdims: bool) -> np.ndarray:
    return _root_of_squares(x - _mean(x, axis, True), axis, keepdims, _over(_count(x, axis) - correction))


def _mean(x: np.ndarray, axis: Any, keepdims: bool) -> np.ndarray:
    return x.sum(axis=axis, keepdims=keepdims) / _over(_count(x, axis))  # x.mean would warn where there is nothing


def _over(n: int) -> float:
    """n to divide by, and nan where that makes no sense: the mean of nothing, the spread of one number."""
    return n if n > 0 else math.nan


def _safe_ratio(a: Any, b: Any) -> Any:
    """a / b, and 0 where b is 0: the gradient of a norm or a standard deviation of equal numbers, as in PyTorch."""
    zero = _numbers(b) == 0
    return ops.where(zero, 0.0, a / ops.where(zero, 1.0, b)) if zero.any() else a / b


def _linear(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    for name, array in (("input", x), ("weight", weight)):
        if not isinstance(array, np.ndarray):
            raise TypeError(f"linear: the {name} is an array or a Tensor, got {type(array).__name__}")
    if weight.ndim != 2:
        raise ValueError(f"linear: the weight has two axes (out, in), got shape {weight.shape}")
    if x.ndim == 0 or x.shape[-1] != weight.shape[-1]:
        raise ValueError(
            f"linear: the input has shape {x.shape}, but a weight of shape {weight.shape} needs a last size of "
            f"{weight.shape[-1]} (one number for each input feature)"
        )
    y = _rows_dot(x, weight.T)
    if bias is None:
        return y
    if not isinstance(bias, np.ndarray) or bias.shape != weight.shape[:1]:
        raise ValueError(f"linear: the bias has a number for each row of the weight, {len(weight)}, got {bias!r:.40}")
    if bias.dtype == object:  # Values, perhaps beside plain numbers
        return y + bias
    y += bias
    return y


def _rows_dot(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """x @ w for a matrix w: with less to prepare, and all rows of x at once (only then BLAS computes it)."""
    if x.ndim < 3:
        return x.dot(w)
    rows = _as_rows(x)
    y = np.empty((*x.shape[:-1], w.shape[-1]), np.result_type(x, w))
    np.dot(rows, w, out=y.reshape(len(rows), w.shape[-1]))
    return y  # an array of its own: a view (of a product, reshaped) would be copied where it becomes a gradient


def _as_rows(x: Any) -> Any:
    """All axes but the last made one (not by -1, which says nothing of an empty array)."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _linear_pull_x(g: Any, y: Any, x: Any, weight: Any, bias: Any = None) -> Any:
    return g @ weight if isinstance(g, Node) else _rows_dot(g, weight)


def _linear_pull_weight(g: Any, y: Any, x: Any, weight: Any, bias: Any = None) -> Any:
    if g.ndim != 2:
        g, x = _as_rows(g), _as_rows(x)
    return g.T.dot(x) if isinstance(g, np.ndarray) else g.T @ x


_ones = lru_cache(maxsize=64)(np.ones)  # only read


def _linear_pull_bias(g: Any, y: Any, x: Any, weight: Any, bias: Any) -> Any:
    if isinstance(g, Node):
        return sum_to(g, shape=bias.shape)
    if g.ndim != 2:
        g = _as_rows(g)
    return _ones(len(g), g.dtype).dot(g)  # a sum over rows is ones @ g, and four times as fast


def _pad_pull(g: Any, y: Any, x: Any, widths: tuple, value: float) -> Any:
    return g[tuple(slice(before, before + n) for (before, _), n in zip(widths, x.shape, strict=True))]


def _part(g: Any, y: Any, xs: tuple, i: int, axis: int, starts: tuple) -> Any:
    index = (slice(None),) * (axis % g.ndim)
    return g[(*index, slice(starts[i], starts[i + 1]))]


def _stacked(g: Any, y: Any, xs: tuple, i: int, axis: int) -> Any:
    return g[(*(slice(None),) * (axis % g.ndim), i)]


def _einsum_pull(g: Any, y: Any, xs: tuple, i: int, inputs: tuple, output: str) -> Any:
    others = [x for j, x in enumerate(xs) if j != i]
    terms = [t for j, t in enumerate(inputs) if j != i]
    have = set(output).union(*terms)
    short = "".join(c for c in inputs[i] if c in have)
    part = einsum((g, *others), inputs=(output, *terms), output=short)
    if short != inputs[i]:  # a letter summed over in this input alone: its gradient is the same all along it
        shape = tuple(n if c in have else 1 for c, n in zip(inputs[i], xs[i].shape, strict=True))
        part = expand(part.reshape(shape), shape=xs[i].shape)
    return part


def _einsum(xs: tuple, inputs: tuple, output: str) -> np.ndarray:
    xs = tuple(map(np.asarray, xs))
    optimize = len(xs) > 2 and not any(x.dtype == object for x in xs)
    return np.einsum(",".join(inputs) + "->" + output, *xs, optimize=optimize)


# fmt: off
#                          name            y =                                                        what x (or a, b, …) receives
expand      = Structural("expand",      _expand,                                                   lambda g, y, x, shape: sum_to(g, shape=x.shape))
sum_to      = Structural("sum_to",      sum_to_shape,                                              lambda g, y, x, shape: expand(g, shape=x.shape))
sum_        = Structural("sum",         rounded_once(lambda x, axis, keepdims: x.sum(axis=axis, keepdims=keepdims)),  lambda g, y, x, axis, keepdims: _all_along(_spread(g, x, axis), x))
mean        = Structural("mean",        rounded_once(_mean),                                      lambda g, y, x, axis, keepdims: _all_along(_spread(g, x, axis) / _over(_count(x, axis)), x))
max_        = Structural("max",         lambda x, axis, keepdims: x.max(axis=axis, keepdims=keepdims),  lambda g, y, x, axis, keepdims: _spread(g, x, axis) * _where_largest(x, y, axis))
min_        = Structural("min",         lambda x, axis, keepdims: x.min(axis=axis, keepdims=keepdims),  lambda g, y, x, axis, keepdims: _spread(g, x, axis) * _where_largest(x, y, axis))
prod        = Structural("prod",        rounded_once(lambda x, axis, keepdims: x.prod(axis=axis, keepdims=keepdims)), rounded_once(_prod_pull))
cumsum      = Structural("cumsum",      rounded_once(lambda x, axis: x.cumsum(axis=axis).reshape(x.shape)),  lambda g, y, x, axis: flip(cumsum(flip(g, axis=axis), axis=axis), axis=axis))
var         = Structural("var",         rounded_once(_variance),                                  rounded_once(lambda g, y, x, axis, correction, keepdims: _spread(g, x, axis) * (x - mean(x, axis=axis, keepdims=True)) * (2 / _over(_count(x, axis) - correction))))
std         = Structural("std",         rounded_once(_std),                                       rounded_once(lambda g, y, x, axis, correction, keepdims: _safe_ratio(_spread(g, x, axis) * (x - mean(x, axis=axis, keepdims=True)), _spread(y, x, axis)) / _over(_count(x, axis) - correction)))
norm        = Structural("norm",        rounded_once(_root_of_squares),                           lambda g, y, x, axis, keepdims: _spread(g, x, axis) * _safe_ratio(x, _spread(y, x, axis)))   # at 0: 0
logsumexp   = Structural("logsumexp",   rounded_once(_logsumexp),                                 lambda g, y, x, axis, keepdims: _spread(g, x, axis) * softmax(x, axis=axis))
softmax     = Structural("softmax",     rounded_once(_softmax),                                   rounded_once(lambda g, y, x, axis: y * (g - (g * y).sum(axis=axis, keepdims=True))))
log_softmax = Structural("log_softmax", rounded_once(_log_softmax),                               rounded_once(lambda g, y, x, axis: g - ops.exp(y) * g.sum(axis=axis, keepdims=True)))

reshape     = Structural("reshape",     lambda x, shape: x.reshape(shape),                         lambda g, y, x, shape: g.reshape(x.shape))
transpose   = Structural("transpose",   lambda x, axes: x.transpose(axes),                         lambda g, y, x, axes: transpose(g, axes=tuple(sorted(range(len(axes)), key=axes.__getitem__))))
flip        = Structural("flip",        lambda x, axis: np.flip(x, axis),                          lambda g, y, x, axis: flip(g, axis=axis))
getitem     = Structural("getitem",     lambda x, index: x[index],                                 lambda g, y, x, index: put(g, shape=x.shape, index=index), symbol="[ ]")
put         = Structural("put",         rounded_once(_put),                                                      lambda g, y, x, shape, index: g[index])
pad         = Structural("pad",         lambda x, widths, value: np.pad(x, widths, constant_values=value),   _pad_pull)
astype      = Structural("astype",      lambda x, dtype: x.astype(dtype),                          lambda g, y, x, dtype: g.astype(x.dtype))

#                          name            y =                                                        what a receives                                      what b receives
matmul      = Structural("matmul",      _matmul,                                                   _matmul_pull_a,                                      _matmul_pull_b,       symbol="@")
linear      = Structural("linear",      _linear,                                                   _linear_pull_x,                                      _linear_pull_weight,  _linear_pull_bias)

#                          name            y =                                                        what input i receives
concatenate = Many("concatenate",       lambda xs, axis, starts: np.concatenate(xs, axis=axis),    _part)
stack       = Many("stack",             lambda xs, axis: np.stack(xs, axis=axis),                  _stacked)
einsum      = Many("einsum",            _einsum,                                                   _einsum_pull)
# fmt: on


def normal_index(index: Any) -> tuple:
    """An index as a tuple of slices, integers, None, Ellipsis and arrays (lists and Tensors become arrays)."""
    parts = index if isinstance(index, tuple) else (index,)
    return tuple(_index_part(i) for i in parts)


def _index_part(i: Any) -> Any:
    if isinstance(i, Node) and not hasattr(i, "numpy"):
        raise IndexError(f"an index is made of integers or booleans, got a {type(i).__name__}: use int(x.data)")
    i = _numbers(i)
    if hasattr(i, "plain"):  # an array that a compiled function is given: it can't be changed
        i = (i if i.size else i.astype(int)).plain()
    elif isinstance(i, (list, tuple, range, np.ndarray)):
        i = np.array(i)  # a copy: the index must not change between forward and backward
        if i.size == 0:
            i = i.astype(int)
    if isinstance(i, np.ndarray) and i.dtype.kind not in "iub":
        raise IndexError(f"an index must be made of integers or booleans, got dtype {i.dtype}")
    return i


ARRAY_TABLE: dict[str, Op] = {row.name: row for row in list(globals().values()) if isinstance(row, Op)}
