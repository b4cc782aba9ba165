"""Cross-entropy for a scalar model: a list of lists of Values, without NumPy."""

from __future__ import annotations

import math
from typing import Any

from ..engine import ops


def cross_entropy_of_lists(
    rows: Any, labels: Any, weight: Any, smoothing: float, reduction: str, ignore_index: int = -100
) -> Any:
    """The same loss, row by row: log(sum(exp(x))) - x[label], each shifted by its largest number."""
    many = hasattr(labels, "__len__") and getattr(labels, "shape", None) != ()
    labels = [_class_index(t) for t in (labels if many else [labels])]
    if not rows:
        raise ValueError("cross_entropy: the model gave no rows of scores")
    single = not isinstance(rows[0], (list, tuple)) and not getattr(rows[0], "shape", ())
    rows = [rows] if single else rows
    if len(rows) != len(labels):
        raise ValueError(f"cross_entropy: the model gave {len(rows)} rows of scores for {len(labels)} labels")
    losses, weights = [], []
    for row, label in zip(rows, labels, strict=True):
        k = len(row)
        if label == ignore_index:
            losses.append(0.0 * row[0])
            weights.append(0.0)
            continue
        if not 0 <= label < k:
            raise ValueError(f"cross_entropy: with {k} classes the labels go from 0 to {k - 1}, got {label}")
        top = max(float(x) for x in row)
        shifted = [x - top for x in row]
        log_total = ops.log(ops.sum_([ops.exp(x) for x in shifted]))
        w = [1.0] * k if weight is None else [float(a) for a in weight]
        if len(w) != k:
            raise ValueError(f"weight needs one number for each of the {k} classes, got {len(w)}")
        wanted = [w[c] * ((1 - smoothing) * (c == label) + smoothing / k) for c in range(k)]
        terms = [p * (log_total - x) for p, x in zip(wanted, shifted, strict=True) if p]
        losses.append(ops.sum_(terms or [0.0 * row[0]]))
        weights.append(w[label])
    if reduction == "none":
        return losses[0] if single else losses
    return ops.sum_(losses) * (1 / (sum(weights) or math.nan) if reduction == "mean" else 1.0)


def _class_index(t: Any) -> int:
    try:
        number = float(t)
        if number == int(number):
            return int(number)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError(f"cross_entropy: class indices must be whole numbers, got {t!r}")
