"""What is minimised: losses, as functions of the model's output and the target.

Each works on Tensors, on single Values and on lists of Values (a scalar model's outputs), and is stable at logits of
±1000. `reduction` is PyTorch's: "mean", "sum" or "none".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from numbers import Real
from typing import Any

from ..engine import ops
from ..engine.graph import Binary, Node, Op, Operand, Structural, inside_grad
from ..engine.value import Value
from .module import Module

# The vocabulary is that of engine/ops.py: x is the model's output, t the target.
# fmt: off
#                        name                  y =                                                     dy/dx =                                             dy/dt =
squared_error = Binary("squared_error",    lambda x, t: (x - t) * (x - t),                         lambda y, x, t: 2 * (x - t),                        lambda y, x, t: 2 * (t - x))
hinge         = Binary("hinge",            lambda x, t: ops.relu(1 - t * x),                       lambda y, x, t: -t * ops.step(1 - t * x),           lambda y, x, t: -x * ops.step(1 - t * x))      # at the margin: 0
bce           = Binary("bce",              lambda x, t: -(t * _floored(ops.log(x)) + (1 - t) * _floored(ops.log1p(-x))),  lambda y, x, t: (x - t) / ops.maximum(x * (1 - x), 1e-12),  lambda y, x, t: _floored(ops.log1p(-x)) - _floored(ops.log(x)))
bce_logits    = Binary("bce_with_logits",  lambda x, t: (1 - t) * ops.relu(x) + t * ops.relu(-x) + ops.log1p(ops.exp(-ops.abs_(x))),  lambda y, x, t: (1 - t) * ops.sigmoid(x) - t * ops.sigmoid(-x),  lambda y, x, t: -x)  # dy/dx: sigmoid(x) - t, with all its digits
# fmt: on


def _floored(log_p: Any) -> Any:
    return ops.maximum(log_p, -100.0)  # PyTorch's floor: a hopeless guess costs 100, not infinity


def _is_half(x: Any) -> bool:
    """Whether these numbers are float16, in which 1e-12 is 0, and a sum of 65505 is infinite."""
    return getattr(getattr(x, "dtype", None), "itemsize", 8) == 2


def _reduce(losses: Any, reduction: str, n: float | None = None) -> Any:
    """The mean (over n), the sum, or the losses as they are."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
    if reduction == "none":
        return losses
    if isinstance(losses, list):
        total = ops.sum_(losses)
        return total if reduction == "sum" else total * (1 / len(losses))
    if not hasattr(losses, "mean"):  # a single Value
        return losses
    if reduction == "mean" and n is None:
        return losses.mean()
    return losses.sum() * (1.0 if reduction == "sum" or n is None else _one_over(n))


def _one_over(n: float) -> float:
    return 1 / n if n else math.nan  # the mean of nothing


def _with_sum(row: Binary) -> Structural:
    """The row and its sum (or mean) in one node, for Tensors: scale · Σ row(x, t)."""

    def pull(slope: Callable) -> Callable:
        return lambda g, y, x, t, scale: slope(None, x, t) * (g * scale)

    def forward(x: Any, t: Any, scale: float) -> Any:
        losses = row.forward(x, t)
        if _is_half(losses):
            return (losses.sum(dtype="float32") * scale).astype("float16")
        return losses.sum() * scale

    with_sum = Structural(row.name, forward, *map(pull, row.rules))
    with_sum.summed = row  # type: ignore[attr-defined] # for those who write programs of it (tape/array_rules.py)
    return with_sum


SUMMED = {row: _with_sum(row) for row in (squared_error, hinge, bce, bce_logits)}
SUMMED_TABLE: dict[str, Op] = {op.name: op for op in SUMMED.values()}  # by name, as pickle finds them


def _each(loss: Callable, x: Any, target: Any, reduction: str) -> Any:
    """The loss of each pair of output and target, reduced."""
    if isinstance(x, (str, bytes, dict, set, type(None))) or callable(x):
        raise TypeError(f"the loss needs the model's output, a Tensor or Values; got {type(x).__name__} {x!r:.40}")
    if isinstance(x, (list, tuple)):
        xs, ts = _flat(x), _flat(target)
        if len(xs) != len(ts):
            raise ValueError(f"the model gave {len(xs)} numbers, the target has {len(ts)}: they must pair up")
        if not xs:
            raise ValueError("the model gave no numbers: a loss needs one at least")
        return _reduce([loss(a, b) for a, b in zip(xs, ts, strict=True)], reduction)
    target = _same_shape(x, target)
    if loss in SUMMED and isinstance(x, Node) and hasattr(x, "size") and x.size and reduction in ("mean", "sum"):
        return SUMMED[loss](x, target, scale=1 / x.size if reduction == "mean" else 1.0)
    return _reduce(loss(x, target), reduction)


def _flat(x: Any) -> list:
    if isinstance(x, (list, tuple)) or getattr(x, "shape", None):
        return [number for item in x for number in _flat(item)]
    return [x]


def _same_shape(x: Any, target: Any) -> Any:
    if target is None:
        raise TypeError("the loss needs a target to compare with, got None: loss(output, target)")
    if not isinstance(target, Operand) and hasattr(x, "shape"):
        import numpy as np

        dtype = x.dtype if getattr(x.dtype, "kind", "f") == "f" else float
        try:
            target = np.asarray(target, dtype=dtype)
        except (TypeError, ValueError, OverflowError):
            raise TypeError(f"the target needs numbers, got {type(target).__name__} {target!r:.40}") from None
    elif isinstance(target, (list, tuple, dict, set)):
        raise ValueError(f"the model gave one number, but the target is a {type(target).__name__}: they must pair up")
    have, want = getattr(target, "shape", ()), getattr(x, "shape", ())
    if have != want:
        raise ValueError(
            f"the model's output has shape {want}, the target {have}: a loss pairs them number by number, so make "
            f"them equal, e.g. target.reshape{want}"
        )
    return target


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """The mean of (input - target)².

    >>> from micrograd_plus import Tensor
    >>> mse_loss(Tensor([1.0, 2.0]), [1.0, 4.0]).item()
    2.0
    """
    return _each(squared_error, input, target, reduction)


def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """The mean of |input - target|.

    >>> from micrograd_plus import Tensor
    >>> l1_loss(Tensor([1.0, 2.0]), [1.0, 4.0]).item()
    1.0
    """
    return _each(lambda x, t: ops.abs_(x - t), input, target, reduction)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """Half the square of small errors, growing in a straight line beyond `delta` (Huber, 1964).

    >>> from micrograd_plus import Tensor
    >>> huber_loss(Tensor([0.5, 3.0]), [0.0, 0.0], reduction="none").tolist()
    [0.125, 2.5]
    """
    if not isinstance(delta, Real) or not delta > 0:
        raise ValueError(f"huber_loss: delta must be positive, got {delta!r:.40}")

    def huber(x: Any, t: Any) -> Any:
        error = ops.abs_(x - t)
        near, beyond = ops.minimum(error, delta), ops.maximum(error, delta) - delta
        return 0.5 * near * near + delta * beyond  # a square up to delta, and then a straight line

    return _each(huber, input, target, reduction)


def hinge_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """The mean of max(0, 1 - target · input), for targets of -1 and 1: right by a margin costs nothing.

    This is the max-margin loss of micrograd's demo. ValueError for targets other than -1 and 1.

    >>> from micrograd_plus import Tensor
    >>> hinge_loss(Tensor([3.0, 0.5]), [1.0, -1.0]).item()  # the first is right by a margin, the second wrong
    0.75
    """
    if not (isinstance(target, (Real, Operand, list, tuple, type(None))) or hasattr(target, "shape")):
        raise TypeError(f"hinge_loss: the target needs numbers, got {type(target).__name__} {target!r:.40}")
    if hasattr(target, "shape"):
        import numpy as np

        numbers = target.numpy() if hasattr(target, "numpy") else target
        right = np.count_nonzero(abs(numbers) == 1) == numbers.size  # quicker than .all()
    else:
        # Not `t in (-1, 1)`, which would make another way through a compiled function of each other set of labels.
        numbers = [] if target is None else _flat(target)
        if not all(hasattr(t, "__abs__") for t in numbers):
            raise TypeError(f"hinge_loss: the target needs numbers, got {target!r:.40}")
        right = all(1 <= abs(t) <= 1 for t in numbers)
    if not right:
        raise ValueError("hinge_loss needs targets of -1 and 1; turn labels of 0 and 1 into them with 2 * y - 1")
    return _each(hinge, input, target, reduction)


def binary_cross_entropy(input: Any, target: Any, reduction: str = "mean") -> Any:
    """-log of the probability given to what happened. input: probabilities; see the next one for logits.

    >>> from micrograd_plus import Tensor
    >>> round(binary_cross_entropy(Tensor([0.5, 0.9]), [1.0, 1.0]).item(), 4)
    0.3993
    """
    if wrong := _outside_0_to_1(input):
        raise ValueError(
            f"binary_cross_entropy needs probabilities between 0 and 1, got {wrong[0]:g}: apply sigmoid first, or give "
            "the raw scores to binary_cross_entropy_with_logits"
        )
    _check_targets(target)
    if _is_half(input):
        return binary_cross_entropy(input.astype("float32"), target, reduction).astype("float16")
    return _each(bce, input, target, reduction)


def binary_cross_entropy_with_logits(input: Any, target: Any, reduction: str = "mean") -> Any:
    """binary_cross_entropy(sigmoid(input), target), exact for any input. target: 0, 1 or a probability between.

    >>> from micrograd_plus import Tensor
    >>> binary_cross_entropy_with_logits(Tensor([1000.0, -1000.0]), [1.0, 1.0]).item()
    500.0
    """
    _check_targets(target)
    return _each(bce_logits, input, target, reduction)


def _outside_0_to_1(numbers: Any) -> list[Any]:
    """Those that are no probabilities."""
    if getattr(getattr(numbers, "dtype", None), "kind", "f") not in "fiubO":
        raise TypeError(f"the loss needs numbers, got an array of dtype {numbers.dtype}")
    if getattr(numbers, "shape", ()):
        numbers = numbers.numpy() if hasattr(numbers, "numpy") else numbers
        return numbers[(numbers < 0) | (numbers > 1)].tolist()
    return [p for p in _flat(numbers) if isinstance(p, (int, float, Value)) and (p < 0 or p > 1)]


def _check_targets(target: Any) -> None:
    """ValueError for labels of -1 and 1: these losses would take them for probabilities, and train on nonsense."""
    if wrong := _outside_0_to_1(target):
        raise ValueError(
            f"binary cross-entropy needs targets from 0 to 1, got {wrong[0]:g}: turn labels of -1 and 1 into them with "
            "(y + 1) / 2"
        )


# -- classes -----------------------------------------------------------------------------------------------------


def _cross_entropy(logits: Any, labels: Any, weights: Any, smoothing: float, reduction: str) -> tuple:
    """The losses (N,) or their reduction, and d(loss_i)/d(logits_i): softmax minus target, row by row."""
    import numpy as np

    from ..engine import maths as m
    from ..engine.array_ops import log_of_sum

    if _is_half(logits):  # as in PyTorch: computed in float32, and rounded once
        y, kept = _cross_entropy(logits.astype(np.float32), labels, weights, smoothing, reduction)
        return y.astype(np.float16), kept
    n, k = logits.shape
    logits = np.ascontiguousarray(logits.T)  # (C, N): NumPy is far quicker along few long rows than many short ones
    shifted = logits - logits.max(axis=0)
    e = m.exp(shifted)
    if not smoothing and labels.ndim == 1:
        factors = None if weights is None else weights[labels]
        right = labels if weights is None else np.minimum(labels, k - 1)  # of those to be ignored: any, its factor is 0
        mine = right * n + _row_numbers(n)  # the places of the right classes, counted through all rows
        picked, own = shifted.ravel()[mine], e.ravel()[mine]
        e.ravel()[mine] = 0
        others = e.sum(axis=0)
        total = others + own
        # log(total) - picked; but where the model is sure and right, own is 1, and log(1 + 1e-20) would be 0
        losses = m.log1p(others + (own - 1)) - picked
        slopes, divisor = e / total, n
        slopes.ravel()[mine] = others / -total  # its probability - 1, which would cancel where that is almost 1
        if factors is not None:
            losses = np.where(labels < k, losses * factors, 0.0)
            slopes *= factors
            divisor = float(factors.sum())
    else:
        hot, divisor = _target_rows(labels, n, k, weights, smoothing, logits.dtype)
        losses = (hot.T * (log_of_sum(shifted, 0) - shifted)).sum(axis=0)
        slopes = e / e.sum(axis=0) * hot.sum(axis=1) - hot.T
    slopes = slopes.T
    if reduction == "none":
        return losses, (slopes, None)
    if reduction == "sum":
        return losses.sum(), (slopes, 1.0)
    scale = _one_over(divisor)
    return losses.sum() * scale, (slopes, scale)


@lru_cache(maxsize=64)
def _row_numbers(n: int) -> Any:
    import numpy as np

    return np.arange(n)


def _target_rows(labels: Any, n: int, k: int, weights: Any, smoothing: float, dtype: Any) -> tuple:
    """Each sample's wanted probabilities times the class weights, and what a mean divides by."""
    import numpy as np

    weights = np.ones(k, dtype) if weights is None else weights
    if labels.ndim == 2:
        return ((1 - smoothing) * labels + smoothing / k) * weights, n
    hot = np.eye(k + 1, k, dtype=dtype)[labels]
    hot = ((1 - smoothing) * hot + smoothing / k) * weights[:k]
    hot[labels == k] = 0  # those to be ignored
    return hot, float(weights[labels].sum())


def _cross_entropy_pull(
    g: Any, kept: Any, logits: Any, labels: Any, weights: Any, smoothing: float, reduction: str
) -> Any:
    if hasattr(logits, "softmax"):  # a Tensor, to be differentiated again: softmax minus target, written with ops
        n, k = logits.shape
        hot, divisor = _target_rows(labels, n, k, weights, smoothing, logits.dtype)
        slopes = logits.softmax(axis=1) * hot.sum(axis=1, keepdims=True) - hot
        scale = {"none": None, "sum": 1.0, "mean": _one_over(divisor)}[reduction]
    else:
        slopes, scale = kept
    return slopes * g[:, None] if scale is None else slopes * (g * scale)


fused_cross_entropy = Structural("cross_entropy", _cross_entropy, _cross_entropy_pull, keeps=True, again=True)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    ignore_index: int = -100,
) -> Any:
    """-log of the probability that softmax(input) gives to the right class.

    input: logits (raw scores) of shape (N, C), (C,) or (N, C, …). target: class indices (N,), () or (N, …); or
    probabilities in the shape of input. weight: (C,), one factor a class. ignore_index: the label of samples that
    don't count, such as the padding behind a short sentence: the mean is that of the others (nan if there are none).
    ValueError for labels that aren't classes.

    >>> from micrograd_plus import Tensor
    >>> round(cross_entropy(Tensor([[0.0, 0.0]]), [1]).item(), 4)
    0.6931
    >>> round(cross_entropy(Tensor([[0.0, 0.0], [9.0, 0.0]]), [1, -100]).item(), 4)
    0.6931
    """
    if not isinstance(label_smoothing, Real) or not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing must be between 0 and 1, got {label_smoothing!r}")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
    if isinstance(input, (list, tuple)):
        from .lists import cross_entropy_of_lists

        return cross_entropy_of_lists(input, target, weight, label_smoothing, reduction, ignore_index)
    logits, labels, shape, ignores = _as_rows("cross_entropy", input, target, ignore_index)
    if isinstance(target, Node) and target.requires_grad and labels.ndim == 2:  # it is to receive a gradient, too
        return _cross_entropy_in_steps(input, target, weight, label_smoothing, reduction)
    if hasattr(labels, "plain"):  # an array that a compiled function is given
        labels = labels.plain()
    settings = {"labels": labels, "weights": _class_weights(weight, logits, ignores), "smoothing": label_smoothing}
    y = fused_cross_entropy(logits, reduction=reduction, **settings)
    return y.reshape(shape) if reduction == "none" else y


def _cross_entropy_in_steps(x: Any, target: Any, weight: Any, smoothing: float, reduction: str) -> Any:
    """The same for a target of probabilities that has gradients of its own: -Σ weight · target · log_softmax(x)."""
    from .functional import log_softmax

    axis = min(1, x.ndim - 1)
    k = x.shape[axis]
    wanted = (1 - smoothing) * target + smoothing / k
    weights = _class_weights(weight, x.reshape(-1, k), ignores=False)
    if weights is not None:
        wanted = wanted * weights.reshape(k, *(1 for _ in range(axis + 1, x.ndim)))
    return _reduce(-(wanted * log_softmax(x, axis)).sum(axis=axis), reduction)


def nll_loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean", ignore_index: int = -100) -> Any:
    """-input[target]: the negative log-likelihood, for log-probabilities from log_softmax. Shapes as cross_entropy.

    ignore_index: the label of samples that don't count; the mean is that of the others.

    >>> from micrograd_plus import Tensor
    >>> nll_loss(Tensor([[-0.5, -1.0], [-2.0, -0.25]]), [0, 1]).item()
    0.375
    """
    import numpy as np

    log_probs, labels, shape, ignores = _as_rows("nll_loss", input, target, ignore_index)
    k = log_probs.shape[1]
    right = np.where(labels < k, labels, 0) if ignores else labels  # of those to be ignored: any, it is put aside below
    picked = -log_probs[np.arange(len(labels)), right]
    weights = _class_weights(weight, log_probs, ignores)
    if weights is not None:
        followed = isinstance(labels, Operand)  # by compile(), which sees products, but not an index into an array
        weights = (labels[:, None] == np.arange(len(weights))) @ weights if followed else weights[labels]
        picked = picked * weights
    if ignores:
        picked = ops.where(labels < k, picked, 0.0)
    if reduction == "none":
        return picked.reshape(shape)
    return _reduce(picked, reduction, None if weights is None else weights.sum())


def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """How far the probabilities `target` are from exp(input): target · (log target - input), as in PyTorch.

    input: log-probabilities. target: probabilities, or with log_target=True their logarithms. The textbook's
    divergence is reduction="batchmean": the sum, divided by the number of rows.

    >>> from micrograd_plus import Tensor
    >>> round(kl_div(Tensor([0.5, 0.5]).log(), [0.75, 0.25], reduction="sum").item(), 4)
    0.1308
    """
    if isinstance(input, (list, tuple)):
        raise TypeError(f"kl_div: the input needs to be a Tensor or an array, got {type(input).__name__}")
    if reduction == "batchmean" and not getattr(input, "shape", ()):
        raise ValueError("kl_div: reduction='batchmean' divides by the number of rows, and the input is one number")
    target = _same_shape(input, target)
    if log_target:
        losses = ops.exp(target) * (target - input)
    else:
        positive = target > 0
        losses = ops.where(positive, target * (ops.log(ops.where(positive, target, 1.0)) - input), 0.0)
    if reduction == "batchmean":
        return losses.sum() * _one_over(input.shape[0])
    return _reduce(losses, reduction)


def _as_rows(name: str, x: Any, target: Any, ignore_index: int) -> tuple[Any, Any, tuple, bool]:
    """Logits as (N, C), labels as (N,) or probabilities (N, C), the shape of the losses, and whether some are ignored.

    Samples to be ignored have the label C: one class more than there are, of which _class_weights makes the weight 0.
    """
    import numpy as np

    if not hasattr(x, "ndim"):
        raise TypeError(
            f"{name}: the input needs to be a Tensor or an array with an axis of classes, got {type(x).__name__}"
        )
    labels = target.numpy() if hasattr(target, "numpy") else np.array(target)  # a copy, unless it can't change
    if not isinstance(ignore_index, (int, np.integer)):
        raise TypeError(f"{name}: ignore_index is the label that doesn't count, a whole number; got {ignore_index!r}")
    if x.ndim == 0:
        raise ValueError(f"{name}: the input needs an axis of classes, got one number")
    k = x.shape[min(1, x.ndim - 1)]
    shape = (*x.shape[:1], *x.shape[2:]) if x.ndim > 1 else ()
    ignores = False
    if labels.shape == x.shape and labels.dtype.kind == "f" and name == "cross_entropy":
        if ignore_index >= 0:
            raise ValueError(
                "cross_entropy: ignore_index is a label, and this target holds probabilities: leave it out"
            )
        labels = np.moveaxis(labels, 1, -1).reshape(-1, k) if labels.ndim > 1 else labels.reshape(1, k)
    elif labels.shape == shape:
        labels, ignores = _checked_labels(name, labels.reshape(-1), k, ignore_index)
    else:
        raise ValueError(
            f"{name}: an input of shape {x.shape} has {k} classes, so the target must hold class indices in shape "
            f"{shape}" + (f" (or probabilities, as floats, in shape {x.shape})" if name == "cross_entropy" else "")
            + f", got shape {labels.shape} of {labels.dtype}"
        )  # fmt: skip
    if x.ndim == 1:
        x = x.reshape(1, k)
    elif x.ndim > 2:
        x = x.permute(0, *range(2, x.ndim), 1) if hasattr(x, "permute") else np.moveaxis(x, 1, -1)
        x = x.reshape(len(labels), k)
    return x, labels, shape, ignores


def _checked_labels(name: str, labels: Any, k: int, ignore_index: int) -> tuple[Any, bool]:
    """The labels as whole numbers, with k for those that are to be ignored, and whether there are any."""
    import numpy as np

    whole = labels.dtype.kind in "iub" or (
        labels.dtype.kind == "f" and bool(((abs(labels) < 2**53) & (labels == labels.round())).all())
    )
    if not whole:
        raise ValueError(f"{name}: class indices must be whole numbers, got dtype {labels.dtype}")
    labels = labels.astype(np.int64, copy=False)
    # unsigned, a negative number is a huge one: one look for both ends
    if not (labels.size and labels.view(np.uint64).max() >= k) and not 0 <= ignore_index < k:
        return labels, False
    ignored = labels == ignore_index
    known = np.where(ignored, 0, labels)
    if known.size and known.view(np.uint64).max() >= k:
        wrong = known.min() if known.min() < 0 else known.max()
        raise ValueError(f"{name}: with {k} classes the labels go from 0 to {k - 1}, got {wrong}")
    return (np.where(ignored, k, labels), True) if ignored.any() else (labels, False)


def _class_weights(weight: Any, logits: Any, ignores: bool) -> Any:
    """One weight a class, or None; with a 0 at the end for the class of those to be ignored, if there are any."""
    import numpy as np

    dtype = logits.dtype if logits.dtype != object else float
    if inside_grad.get() and isinstance(weight, Node) and weight.requires_grad:
        raise TypeError(
            "class weights are constants here, so inside grad(f) their gradient would be lost: give weight.detach(), "
            "or multiply the losses of reduction='none' by them"
        )
    if weight is None:
        return np.append(np.ones(logits.shape[1], dtype), np.zeros(1, dtype)) if ignores else None
    try:
        weights = np.asarray(weight.numpy() if hasattr(weight, "numpy") else weight, dtype=dtype)
    except (TypeError, ValueError):
        raise TypeError(f"weight needs one number for each class, got {type(weight).__name__} {weight!r:.40}") from None
    if weights.shape != logits.shape[1:]:
        raise ValueError(
            f"weight needs one number for each of the {logits.shape[1]} classes, got shape {weights.shape}"
        )
    return np.append(weights, np.zeros(1, dtype)) if ignores else weights


# -- some of the losses ------------------------------------------------------------------------------------------


def masked_mean(losses: Any, mask: Any) -> Any:
    """The mean of those losses that count: sum(losses · mask) / sum(mask).

    For losses that know no ignore_index: take them with reduction="none". losses: a Tensor, an array, or a list of
    Values. mask: 1 or True where a loss counts, 0 where not (or a weight), in a shape that broadcasts to that of the
    losses. ValueError where nothing counts, and for other shapes.

    >>> from micrograd_plus import Tensor
    >>> masked_mean(mse_loss(Tensor([1.0, 2.0, 3.0]), [0.0, 0.0, 0.0], reduction="none"), [1, 1, 0]).item()
    2.5
    """
    if isinstance(losses, (list, tuple)):
        kept = _flat(mask)
        if len(kept) != len(losses):
            raise ValueError(f"masked_mean: {len(losses)} losses, but a mask of {len(kept)} numbers")
        return ops.sum_([x * float(m) for x, m in zip(losses, kept, strict=True)]) * _one_over_mask(sum(kept))
    import numpy as np

    if not hasattr(losses, "shape"):
        raise TypeError(f"masked_mean: losses are a Tensor, an array or a list of Values; got {type(losses).__name__}")
    mask = np.asarray(mask) if not hasattr(mask, "shape") else mask
    if mask.dtype.kind not in "fiub":
        raise TypeError(f"masked_mean: the mask holds numbers or booleans, one for each loss; got dtype {mask.dtype}")
    try:
        mask = mask.expand(losses.shape) if isinstance(mask, Node) else np.broadcast_to(mask, losses.shape)  # type: ignore[attr-defined]
    except ValueError:
        raise ValueError(
            f"masked_mean: a mask of shape {mask.shape} doesn't broadcast to the losses' shape {losses.shape}"
        ) from None
    mask = mask.astype(losses.dtype if losses.dtype.kind == "f" else float)
    return (losses * mask).sum() * _one_over_mask(mask.sum())


def _one_over_mask(total: Any) -> Any:
    if not total > 0:
        raise ValueError(
            f"masked_mean: the mask lets nothing through (its sum is {total:g}): there is no mean of nothing"
        )
    return 1 / total


# -- penalties --------------------------------------------------------------------------------------------------


def l2_penalty(model: Module) -> Any:
    """The sum of the squares of all parameters: add `strength * l2_penalty(model)` to the loss.

    >>> from micrograd_plus.nn import Neuron
    >>> neuron = Neuron(2)
    >>> for p, number in zip(neuron.parameters(), [3.0, -1.0, 2.0], strict=True):
    ...     p.data = number
    >>> l2_penalty(neuron).data
    14.0
    """
    return _penalty(model, lambda p: p * p)


def l1_penalty(model: Module) -> Any:
    """The sum of the absolute values of all parameters: drives many of them to 0.

    >>> from micrograd_plus.nn import Neuron
    >>> neuron = Neuron(2)
    >>> for p, number in zip(neuron.parameters(), [3.0, -1.0, 2.0], strict=True):
    ...     p.data = number
    >>> l1_penalty(neuron).data
    6.0
    """
    return _penalty(model, ops.abs_)


def _penalty(model: Module, of: Callable) -> Any:
    if not isinstance(model, Module):
        raise TypeError(f"a penalty is computed from a model, got {type(model).__name__} {model!r:.40}")
    parts = [of(p) for p in model.parameters() if p.requires_grad]
    if not parts:
        raise ValueError(f"{type(model).__name__} has no parameters to penalise")
    if not hasattr(parts[0], "sum"):
        return ops.sum_(parts)
    total = parts[0].sum()
    for part in parts[1:]:
        total = total + part.sum()
    return total


# -- the same as modules -------------------------------------------------------------------------------------


class _Loss(Module):
    """A loss with its settings kept as attributes: loss(output, target)."""

    function: Callable

    def __init__(self, reduction: str = "mean"):
        _reduce([0.0], reduction)
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:
        """The loss of the model's output against the target."""
        return type(self).function(input, target, **self._settings())

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join(f"{k}={v!r}" for k, v in self._settings().items())

    def _settings(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k[0] != "_" and k != "training"}


# fmt: off
class MSELoss(_Loss):
    """See mse_loss.

    >>> from micrograd_plus import Tensor
    >>> MSELoss()(Tensor([1.0, 2.0]), [1.0, 4.0]).item()
    2.0
    """

    function = mse_loss


class L1Loss(_Loss):
    """See l1_loss.

    >>> from micrograd_plus import Tensor
    >>> L1Loss()(Tensor([1.0, 2.0]), [1.0, 4.0]).item()
    1.0
    """

    function = l1_loss


class HingeLoss(_Loss):
    """See hinge_loss.

    >>> from micrograd_plus import Tensor
    >>> HingeLoss()(Tensor([3.0, 0.5]), [1.0, -1.0]).item()
    0.75
    """

    function = hinge_loss


class BCELoss(_Loss):
    """See binary_cross_entropy.

    >>> from micrograd_plus import Tensor
    >>> round(BCELoss()(Tensor([0.5, 0.9]), [1.0, 1.0]).item(), 4)
    0.3993
    """

    function = binary_cross_entropy


class BCEWithLogitsLoss(_Loss):
    """See binary_cross_entropy_with_logits.

    >>> from micrograd_plus import Tensor
    >>> round(BCEWithLogitsLoss()(Tensor([0.0, 2.0]), [1.0, 1.0]).item(), 4)
    0.41
    """

    function = binary_cross_entropy_with_logits
# fmt: on


class HuberLoss(_Loss):
    """See huber_loss.

    >>> from micrograd_plus import Tensor
    >>> HuberLoss(delta=1.0)(Tensor([0.5, 3.0]), [0.0, 0.0]).item()
    1.3125
    """

    function = huber_loss

    def __init__(self, reduction: str = "mean", delta: float = 1.0):
        super().__init__(reduction)
        self.delta = delta


def _untrained(weight: Any) -> Any:
    """Class weights as an array: a Tensor among a module's attributes would be a parameter."""
    return weight.detach().data if hasattr(weight, "detach") else weight


class CrossEntropyLoss(_Loss):
    """See cross_entropy.

    >>> from micrograd_plus import Tensor
    >>> round(CrossEntropyLoss()(Tensor([[2.0, 0.0], [0.0, 0.0]]), [0, 1]).item(), 4)
    0.41
    """

    function = cross_entropy

    def __init__(
        self,
        weight: Any = None,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
        ignore_index: int = -100,
    ):
        super().__init__(reduction)
        self.weight, self.label_smoothing, self.ignore_index = _untrained(weight), label_smoothing, ignore_index


class NLLLoss(_Loss):
    """See nll_loss.

    >>> from micrograd_plus import Tensor
    >>> NLLLoss()(Tensor([[-0.5, -1.0], [-2.0, -0.25]]), [0, 1]).item()
    0.375
    """

    function = nll_loss

    def __init__(self, weight: Any = None, reduction: str = "mean", ignore_index: int = -100):
        super().__init__(reduction)
        self.weight, self.ignore_index = _untrained(weight), ignore_index


class KLDivLoss(_Loss):
    """See kl_div.

    >>> from micrograd_plus import Tensor
    >>> round(KLDivLoss(reduction="sum")(Tensor([0.5, 0.5]).log(), [0.75, 0.25]).item(), 4)
    0.1308
    """

    function = kl_div

    def __init__(self, reduction: str = "mean", log_target: bool = False):
        if reduction != "batchmean":
            super().__init__(reduction)
        self.reduction, self.log_target = reduction, log_target


LOSS_TABLE: dict[str, Op] = {row.name: row for row in list(globals().values()) if isinstance(row, Op)}
ops.TABLES.append(LOSS_TABLE)
