"""Cross-entropy for a scalar model: a list of lists of Values, without NumPy."""

from __future__ import annotations

from typing import Any

from ..engine import ops


def cross_entropy_of_lists(rows: Any, labels: Any, weight: Any, smoothing: float, reduction: str) -> Any:
    """The same loss, row by row: log(sum(exp(x))) - x[label], each shifted by its largest number."""
    labels = [_class_index(t) for t in (labels if hasattr(labels, "__len__") else [labels])]
    rows = [rows] if rows and not isinstance(rows[0], (list, tuple)) else rows
    if len(rows) != len(labels):
        raise ValueError(f"cross_entropy: the model gave {len(rows)} rows of scores for {len(labels)} labels")
    losses, weights = [], []
    for row, label in zip(rows, labels, strict=True):
        k = len(row)
        if not 0 <= label < k:
            raise ValueError(f"cross_entropy: with {k} classes the labels go from 0 to {k - 1}, got {label}")
        top = max(float(x) for x in row)
        log_total = ops.log(ops.sum_([ops.exp(x - top) for x in row])) + top
        w = [1.0] * k if weight is None else [float(a) for a in weight]
        wanted = [w[c] * ((1 - smoothing) * (c == label) + smoothing / k) for c in range(k)]
        losses.append(ops.sum_([p * (log_total - x) for p, x in zip(wanted, row, strict=True) if p]))
        weights.append(w[label])
    if reduction == "none":
        return losses
    return ops.sum_(losses) * (1 / sum(weights) if reduction == "mean" else 1.0)


def _class_index(t: Any) -> int:
    if t != int(t):
        raise ValueError(f"cross_entropy: class indices must be whole numbers, got {t!r}")
    return int(t)
