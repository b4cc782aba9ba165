"""Normalisation: numbers shifted and scaled to mean 0 and variance 1, then scaled and shifted by what is learnt.

The layers differ only in which numbers are measured together:

    LayerNorm    all features of one sample (or of one place in it)
    RMSNorm      the same, without taking the mean away
    GroupNorm    a group of channels of one sample
    BatchNorm    one channel of all samples of the batch; when the model is used, of those it was trained on
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..engine import array_ops, ops
from ..engine.graph import Op, Structural
from ..engine.tensor import Tensor
from .checks import as_array, real_number, true_or_false, whole_number
from .module import Module

# -- the rows ------------------------------------------------------------------------------------------------------


class Layout(NamedTuple):
    """How a normalisation looks at its input: as an array of `shape`, with einsum's letter for each axis."""

    shape: tuple  # the view of the input, (-1, …): the first size is left open
    letters: str  # one for each axis of the view
    measured: str  # the axes that a mean and a variance have: all others are measured together
    learnt: str  # the axes that weight and bias have

    def beside(self, x: Any, axes: str, rows: Any) -> Any:
        """x, which has these axes, with axes of size 1 for the others: it broadcasts against `rows`."""
        return x.reshape(tuple([n if c in axes else 1 for c, n in zip(self.letters, rows.shape, strict=True)]))

    def mean(self, *factors: Any) -> Any:
        """The mean of the factors' product over what is measured together, in a shape to set beside them."""
        rows = factors[0]
        if not _are_floats(factors):  # Tensors, to be differentiated again, or the twin's arrays of Values
            others = tuple(i for i, c in enumerate(self.letters) if c not in self.measured)
            return math.prod(factors[1:], start=rows).mean(axis=others, keepdims=True)
        total = self.sum(self.measured, *factors)
        total /= rows.size // max(total.size, 1)  # an empty batch has an empty mean
        return self.beside(total, self.measured, rows)

    def sum(self, axes: str, *factors: np.ndarray) -> np.ndarray:
        """The product of the factors, summed over all but these axes."""
        # Measured for (1280, 48) in float32: (a * b).sum(axis) takes 40 us, einsum 11 us. A sum of one array is
        # quicker still as a product with ones: 4 us against 8.
        if len(factors) == 1 and axes == self.letters[:-1]:
            rows = factors[0]
            return array_ops._rows_dot(rows, array_ops._ones((rows.shape[-1], 1), rows.dtype))[..., 0]
        if len(factors) == 1 and axes == self.letters[1:]:
            rows = factors[0]
            return (
                array_ops._ones(len(rows), rows.dtype)
                .dot(rows.reshape(len(rows), math.prod(rows.shape[1:])))
                .reshape(rows.shape[1:])
            )
        return np.einsum(_formula(self.letters, axes, len(factors)), *factors)


@lru_cache
def _formula(letters: str, axes: str, n: int) -> str:
    return f"{','.join([letters] * n)}->{axes}"


def _are_floats(arrays: tuple) -> bool:
    return all(isinstance(x, np.ndarray) and x.dtype.kind == "f" for x in arrays)


def _standardised(rows: Any, layout: Layout, eps: float, centred: bool, given: tuple | None) -> tuple:
    """(x - mean) / sqrt(var + eps), the factor 1 / sqrt(var + eps), mean and var. given: mean and var, if known."""
    if given is None:
        mean = layout.mean(rows) if centred else None
        apart = rows - mean if centred else rows
        var = layout.mean(apart, apart)
    else:
        mean, var = (layout.beside(x, layout.measured, rows) for x in given)
        apart = rows - mean
    factor = 1 / ops.sqrt(var + eps)
    if apart is rows:
        return rows * factor, factor, mean, var
    apart *= factor  # in place, for arrays: a new array for each step would cost a fifth of the time
    return apart, factor, mean, var


def _normalise(
    x: Any,
    weight: Any = None,
    bias: Any = None,
    *,
    layout: Layout,
    eps: float,
    centred: bool = True,
    given: tuple | None = None,
    measured: list | None = None,
) -> tuple:
    """The normalised numbers, times weight, plus bias. measured: a list in which mean and variance are left."""
    rows = x.reshape(layout.shape)
    standard, factor, mean, var = _standardised(rows, layout, eps, centred, given)
    if measured is not None:
        measured[:] = mean, var
    y = standard
    if weight is not None:
        y = y * layout.beside(weight, layout.learnt, rows)
    if bias is not None:
        y += layout.beside(bias, layout.learnt, rows)
    return y.reshape(x.shape), (standard, factor)


def _pull_x(
    g: Any,
    kept: Any,
    x: Any,
    weight: Any = None,
    bias: Any = None,
    *,
    layout: Layout,
    eps: float,
    centred: bool = True,
    given: tuple | None = None,
    measured: list | None = None,
) -> Any:
    """The part of h = g · weight that changes neither mean nor variance of the row (Ioffe and Szegedy, 2015)."""
    standard, factor = _kept(kept, x, layout, eps, centred, given)
    h = g.reshape(layout.shape)
    if weight is not None:
        beside = layout.beside(weight, layout.learnt, h)
        if layout.learnt == layout.measured:  # a factor of all that is measured together: it waits until the end
            factor = factor * beside
        else:
            h = h * beside
    if given is not None:  # mean and variance are constants
        return (h * factor).reshape(x.shape)
    along = layout.mean(h, standard)
    even = layout.mean(h) if centred else 0.0
    if not _are_floats((h, standard)):
        return ((h - even - standard * along) * factor).reshape(x.shape)
    # The same with one new array. It is no view of another, which would be copied by whom it is for.
    part = np.empty(x.shape, h.dtype)
    rows = part.reshape(h.shape)
    np.multiply(standard, along, out=rows)
    rows += even
    np.subtract(h, rows, out=rows)
    rows *= factor
    return part


def _pull_weight(
    g: Any,
    kept: Any,
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    layout: Layout,
    eps: float,
    centred: bool = True,
    given: tuple | None = None,
    measured: list | None = None,
) -> Any:
    standard, _ = _kept(kept, x, layout, eps, centred, given)
    return _sum_for(weight, layout, g.reshape(layout.shape), standard)


def _pull_bias(g: Any, kept: Any, x: Any, weight: Any, bias: Any, *, layout: Layout, **settings: Any) -> Any:
    return _sum_for(bias, layout, g.reshape(layout.shape))


def _kept(kept: Any, x: Any, layout: Layout, eps: float, centred: bool, given: tuple | None) -> tuple:
    """What the forward pass kept; computed once more, with rows, where it is to be differentiated again."""
    return kept if isinstance(kept, tuple) else _standardised(x.reshape(layout.shape), layout, eps, centred, given)[:2]


def _sum_for(parameter: Any, layout: Layout, *factors: Any) -> Any:
    """The product of the factors, summed to the shape of weight or bias."""
    if _are_floats(factors):
        return layout.sum(layout.learnt, *factors).reshape(parameter.shape)
    product = math.prod(factors[1:], start=factors[0])
    axes = tuple(i for i, c in enumerate(layout.letters) if c not in layout.learnt)
    return product.sum(axis=axes).reshape(parameter.shape)


def _row(name: str) -> Structural:
    """One node for a whole normalisation: its inputs are x, weight and bias, the last two if there are such."""
    rules = [array_ops.rounded_once(rule) for rule in (_normalise, _pull_x, _pull_weight, _pull_bias)]
    return Structural(name, *rules, keeps=True, again=True)


layer_norm_row, rms_norm_row = _row("layer_norm"), _row("rms_norm")
group_norm_row, batch_norm_row = _row("group_norm"), _row("batch_norm")


# -- functions -----------------------------------------------------------------------------------------------------


def layer_norm(
    input: Any, normalized_shape: int | tuple, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """The input, normalised over its last axes, which have the sizes `normalized_shape` (Ba et al., 2016).

    weight, bias: of shape normalized_shape. ValueError where the shapes don't fit.

    >>> layer_norm(np.array([[1.0, 2.0, 3.0], [4.0, 4.0, 4.0]]), 3).round(2)
    array([[-1.22,  0.  ,  1.22],
           [ 0.  ,  0.  ,  0.  ]])
    """
    return _over_last_axes(layer_norm_row, input, normalized_shape, weight, bias, eps)


def rms_norm(input: Any, normalized_shape: int | tuple, weight: Any = None, eps: float | None = None) -> Any:
    """x / sqrt(mean(x²) + eps) of the input x, over the last axes, times weight (Zhang and Sennrich, 2019).

    eps: unless given, the smallest step of x's dtype at 1, as in PyTorch. ValueError where the shapes don't fit.

    >>> rms_norm(np.array([3.0, 4.0]), 2).round(4)
    array([0.8485, 1.1314])
    """
    x = as_array("rms_norm", input)
    if eps is None:
        eps = float(np.finfo(x.dtype if x.dtype.kind == "f" else float).eps)
    return _over_last_axes(rms_norm_row, x, normalized_shape, weight, None, eps, centred=False)


def _over_last_axes(
    row: Structural, x: Any, normalized_shape: int | tuple, weight: Any, bias: Any, eps: float, **settings: Any
) -> Any:
    sizes = _sizes(row.name, normalized_shape)
    x = as_array(row.name, x)
    if tuple(x.shape[-len(sizes) :]) != sizes:
        raise ValueError(
            f"{row.name}: the last sizes of the input must be normalized_shape={sizes}, and its shape is {x.shape}"
        )
    for name, parameter in (("weight", weight), ("bias", bias)):
        if parameter is not None and parameter.shape != sizes:
            raise ValueError(f"{row.name}: {name} must have shape {sizes}, got {parameter.shape}")
    layout = Layout((-1, math.prod(sizes)), "rf", "r", "f")
    return _with_bias(row, x, weight, bias, layout, eps=eps, **settings)


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """The input of shape (N, C, …), normalised in groups of C / num_groups channels of one sample (Wu and He, 2018).

    weight, bias: (C,). ValueError where the shapes don't fit.

    >>> group_norm(np.array([[[1.0], [3.0], [10.0], [30.0]]]), 2).ravel().round(2)
    array([-1.,  1., -1.,  1.])
    """
    x = _with_channels("group_norm", input, weight, bias)
    channels = x.shape[1]
    if num_groups < 1 or channels % num_groups:
        raise ValueError(f"group_norm: {channels} channels can't be shared out evenly among {num_groups} groups")
    if math.prod(x.shape[1:]) == num_groups and len(x) == 1:
        raise ValueError(
            f"group_norm: with shape {x.shape} in {num_groups} groups each group is one number, and all become 0"
        )
    shape = (-1, num_groups, channels // num_groups, math.prod(x.shape[2:]))
    return _with_bias(group_norm_row, x, weight, bias, Layout(shape, "ngcl", "ng", "gc"), eps=eps)


def batch_norm(
    input: Any,
    running_mean: np.ndarray | None,
    running_var: np.ndarray | None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """The input of shape (N, C, …), each channel normalised over all the rest (Ioffe and Szegedy, 2015).

    training=True: with the mean and variance of this batch; running_mean and running_var, arrays (C,), move towards
    them by the share `momentum`, where they stand. training=False: with running_mean and running_var. weight, bias:
    (C,). ValueError for shapes that don't fit, and for a batch with one number a channel while training.

    >>> mean, var = np.zeros(1), np.ones(1)
    >>> batch_norm(np.array([[1.0], [3.0]]), mean, var, training=True).ravel().round(2), mean, var
    (array([-1.,  1.]), array([0.2]), array([1.1]))
    """
    x = _with_channels("batch_norm", input, weight, bias)
    count = x.shape[0] * math.prod(x.shape[2:])  # numbers a channel
    layout = Layout((-1, x.shape[1], math.prod(x.shape[2:])), "ncl", "c", "c")
    for name, running in (("running_mean", running_mean), ("running_var", running_var)):
        if running is not None and running.shape != (x.shape[1],):
            raise ValueError(f"batch_norm: {name} has shape {running.shape}, but x has {x.shape[1]} channels")
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: in use (training=False) it needs running_mean and running_var")
        # Copies, since the next step of training changes the arrays, and the graph keeps what it has seen.
        given = (running_mean.astype(_float_of(x)), running_var.astype(_float_of(x)))
        return _with_bias(batch_norm_row, x, weight, bias, layout, eps=eps, given=given)
    if count <= 1:
        raise ValueError(
            f"batch_norm: while training it needs more than one number a channel to measure a variance, and shape "
            f"{x.shape} has {count}: give it a larger batch, or call model.eval() first if the model is being used"
        )
    if running_mean is None and running_var is None:
        return _with_bias(batch_norm_row, x, weight, bias, layout, eps=eps)
    measured: list = []
    y = _with_bias(batch_norm_row, x, weight, bias, layout, eps=eps, measured=measured)
    mean, var = map(_plain_numbers, measured)
    with np.errstate(all="ignore"):  # as for Tensors: infinities in the input make inf and nan without a word
        for running, now in ((running_mean, mean), (running_var, var * (count / (count - 1)))):
            if running is not None:
                running *= 1 - momentum
                running += momentum * now
    return y


def _with_bias(row: Structural, x: Any, weight: Any, bias: Any, layout: Layout, **settings: Any) -> Any:
    """The row with those of weight and bias that there are."""
    if bias is None:
        operands = (x,) if weight is None else (x, weight)
        return row(*operands, layout=layout, **settings)
    if weight is None:
        weight = np.ones(bias.shape, _float_of(x))
    return row(x, weight, bias, layout=layout, **settings)


def _float_of(x: Any) -> Any:
    """The dtype of x's numbers; float64 for Values and whole numbers."""
    return x.dtype if x.dtype.kind == "f" else np.dtype(float)


def _plain_numbers(x: np.ndarray) -> np.ndarray:
    """One mean or variance a channel, without the graph that a twin's have."""
    return np.array([getattr(v, "data", v) for v in x.flat], float) if x.dtype == object else x.reshape(-1)


def _with_channels(name: str, x: Any, weight: Any, bias: Any) -> Any:
    """x as something with a shape (N, C, …); ValueError where weight and bias don't fit it."""
    x = as_array(name, x)
    if x.ndim < 2:
        raise ValueError(f"{name}: the input needs the axes (batch, channels, …), got shape {x.shape}")
    for what, parameter in (("weight", weight), ("bias", bias)):
        if parameter is not None and parameter.shape != (x.shape[1],):
            raise ValueError(f"{name}: x has {x.shape[1]} channels, {what} has shape {parameter.shape}")
    return x


def _sizes(name: str, normalized_shape: int | tuple) -> tuple[int, ...]:
    sizes = normalized_shape if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
    if not sizes:
        raise ValueError(f"{name}: normalized_shape is the size of the last axis, or the sizes of several; got none")
    return tuple([whole_number(name, "each size in normalized_shape", n) for n in sizes])


# -- layers --------------------------------------------------------------------------------------------------------


class _Norm(Module):
    """What the layers share: weight starts at 1 and bias at 0, so that at first they only normalise."""

    weight: Any
    bias: Any

    def _learn(self, shape: tuple[int, ...], weight: bool, bias: bool, dtype: Any) -> None:
        dtype = np.float64 if dtype is None else dtype
        self.weight = Tensor(np.ones(shape), dtype=dtype, label="weight") if weight else None
        self.bias = Tensor(np.zeros(shape), dtype=dtype, label="bias") if bias else None


class LayerNorm(_Norm):
    """Each sample (or each place in it) normalised over its last axes, times weight, plus bias (Ba et al., 2016).

    normalized_shape: the size of the last axis, or the sizes of several. x: (…, *normalized_shape), y the same.

    >>> layer = LayerNorm(4)
    >>> layer(np.array([[1.0, 2.0, 3.0, 4.0]])).numpy().round(2)
    array([[-1.34, -0.45,  0.45,  1.34]])
    """

    def __init__(
        self,
        normalized_shape: int | tuple,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: Any = None,
    ):
        true_or_false("LayerNorm", elementwise_affine=elementwise_affine, bias=bias)
        self.normalized_shape = _sizes("LayerNorm", normalized_shape)
        self.eps, self.elementwise_affine = real_number("LayerNorm", "eps", eps, least=0), elementwise_affine
        self._learn(self.normalized_shape, elementwise_affine, elementwise_affine and bias, dtype)

    def forward(self, x: Any) -> Any:
        """x normalised."""
        return layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class RMSNorm(_Norm):
    """Divided by the root of the mean square over the last axes, times weight (Zhang and Sennrich, 2019).

    Cheaper than LayerNorm, as there is no mean to take away. eps: unless given, the smallest step of the dtype at 1.

    >>> RMSNorm(2)(np.array([[3.0, 4.0]])).numpy().round(4)
    array([[0.8485, 1.1314]])
    """

    def __init__(
        self,
        normalized_shape: int | tuple,
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: Any = None,
    ):
        true_or_false("RMSNorm", elementwise_affine=elementwise_affine)
        self.normalized_shape = _sizes("RMSNorm", normalized_shape)
        self.eps = None if eps is None else real_number("RMSNorm", "eps", eps, least=0)
        self.elementwise_affine = elementwise_affine
        self._learn(self.normalized_shape, elementwise_affine, False, dtype)

    def forward(self, x: Any) -> Any:
        """x normalised."""
        return rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Norm):
    """The channels of one sample normalised in groups, so that the batch may be of any size (Wu and He, 2018).

    x: (N, num_channels, …), y the same. weight, bias: (num_channels,).

    >>> GroupNorm(2, 4)(np.ones((3, 4, 8, 8))).shape
    (3, 4, 8, 8)
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, *, dtype: Any = None
    ):
        num_groups = whole_number("GroupNorm", "num_groups", num_groups)
        num_channels = whole_number("GroupNorm", "num_channels", num_channels)
        if num_channels % num_groups:
            raise ValueError(
                f"GroupNorm: num_channels must be a multiple of num_groups, got {num_channels} channels in "
                f"{num_groups} groups"
            )
        true_or_false("GroupNorm", affine=affine)
        self.num_groups, self.num_channels, self.affine = num_groups, num_channels, affine
        self.eps = real_number("GroupNorm", "eps", eps, least=0)
        self._learn((num_channels,), affine, affine, dtype)

    def forward(self, x: Any) -> Any:
        """x normalised."""
        if getattr(x, "ndim", 2) < 2 or getattr(x, "shape", (0, self.num_channels))[1] != self.num_channels:
            raise ValueError(f"GroupNorm: the input needs shape (N, {self.num_channels}, …), got {x.shape}")
        return group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"


class _BatchNorm(_Norm):
    """Batch norm for inputs of the shapes that `shapes` describes."""

    shapes: ClassVar[dict[int, str]] = {}  # by number of axes

    running_mean: np.ndarray | None
    running_var: np.ndarray | None
    num_batches_tracked: Any  # an array of one whole number, or None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: Any = None,
    ):
        kind = type(self).__name__
        true_or_false(kind, affine=affine, track_running_stats=track_running_stats)
        self.num_features = whole_number(kind, "num_features", num_features)
        self.eps = real_number(kind, "eps", eps, least=0)
        self.momentum = None if momentum is None else real_number(kind, "momentum", momentum)
        self.affine, self.track_running_stats = affine, track_running_stats
        self._learn((self.num_features,), affine, affine, dtype)
        dtype = np.float64 if dtype is None else dtype
        self.running_mean = np.zeros(num_features, dtype) if track_running_stats else None
        self.running_var = np.ones(num_features, dtype) if track_running_stats else None
        self.num_batches_tracked = np.zeros((), np.int64) if track_running_stats else None

    def forward(self, x: Any) -> Any:
        """x normalised: while training by what the batch gives, and then by what training has seen."""
        x = as_array(type(self).__name__, x)
        if x.ndim not in self.shapes or x.shape[1] != self.num_features:
            wanted = " or ".join(self.shapes.values()).replace("C", str(self.num_features))
            raise ValueError(f"{type(self).__name__}: the input needs shape {wanted}, got {x.shape}")
        measures = self.training or not self.track_running_stats
        moves = self.training and self.track_running_stats
        y = batch_norm(
            x,
            self.running_mean if moves or not measures else None,
            self.running_var if moves or not measures else None,
            self.weight,
            self.bias,
            measures,
            self._share() if moves else 0.0,
            self.eps,
        )
        if moves:  # a new array, and not += 1: so compile() sees that this changes something, and keeps its hands off
            self.num_batches_tracked = np.asarray(self.num_batches_tracked + 1)
        return y

    def _share(self) -> float:
        """How far the running numbers move towards a batch's. momentum=None: as far as makes them the mean of all."""
        return 1 / (1 + int(self.num_batches_tracked)) if self.momentum is None else self.momentum

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Each feature normalised over the batch (Ioffe and Szegedy, 2015). x: (N, C) or (N, C, L), y the same.

    While training it uses the mean and variance of the batch, and keeps a running mean of both: running_mean,
    running_var (momentum: the share of the newest batch; None: all batches count alike). After eval() it uses those.
    ValueError for a batch with one number a feature while training.

    >>> layer = BatchNorm1d(1)
    >>> layer(np.array([[1.0], [3.0]])).numpy().ravel().round(2), layer.running_mean
    (array([-1.,  1.]), array([0.2]))
    >>> layer.eval()(np.array([[0.2]])).item()
    0.0
    """

    shapes: ClassVar = {2: "(N, C)", 3: "(N, C, L)"}


class BatchNorm2d(_BatchNorm):
    """Each channel normalised over batch, height and width: BatchNorm1d for images. x: (N, C, H, W), y the same.

    >>> BatchNorm2d(3)(np.ones((2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    """

    shapes: ClassVar = {4: "(N, C, H, W)"}


NORM_TABLE: dict[str, Op] = {row.name: row for row in list(globals().values()) if isinstance(row, Op)}
ops.TABLES.append(NORM_TABLE)
