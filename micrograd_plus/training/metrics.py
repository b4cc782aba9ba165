"""Metrics: how good a model's output is, as a number to read (a loss is a number to descend)."""

from __future__ import annotations

from typing import Any


def accuracy(output: Any, target: Any, boundary: float | None = 0.0) -> float:
    """The share of samples that are put into the right class.

    output: (N, C), where the largest of C scores wins; or one score a sample, (N,) or (N, 1): above the boundary
    means yes. target: class numbers (N,), or rows like the output's; for single scores 0 and 1, or -1 and 1.
    boundary: 0 suits logits, 0.5 probabilities; None is midway between the labels, for outputs drawn to them.
    Arrays or lists. ValueError for labels or lengths that don't fit.

    >>> accuracy([[2.0, 1.0], [0.0, 3.0]], [0, 0])
    0.5
    >>> accuracy([0.3, -2.0], [1, -1]), accuracy([0.3, 0.9], [1, 1], boundary=0.5)
    (1.0, 0.5)
    """
    said, right = _as_list(output), _as_list(target)
    if len(said) != len(right) or not said:
        raise ValueError(f"accuracy needs one label for each output: {len(said)} outputs, {len(right)} labels")
    if boundary is None:
        boundary = 0.0 if any(_single(label) == -1 for label in right) else 0.5
    hits = [_is_right(row, label, boundary) for row, label in zip(said, right, strict=True)]
    return sum(hits) / len(hits)


def _is_right(row: Any, label: Any, boundary: float) -> float:
    if not isinstance(row, list):
        row = [row]
    if not row or (isinstance(label, list) and not label):
        raise ValueError("accuracy: a sample has no outputs or no label: there is nothing to compare")
    if isinstance(row[0], list):  # a sequence of predictions for each sample
        return accuracy(row, label, boundary)
    if len(row) > 1:
        return _argmax(row) == (_argmax(label) if isinstance(label, list) else label)
    label = _single(label)
    if label not in (-1, 0, 1):
        raise ValueError(
            f"accuracy: with one output a sample the labels are 0 and 1, or -1 and 1, got {label!r}; "
            "for more classes the model needs one output for each"
        )
    return (row[0] > boundary) == (label > 0)


def _single(label: Any) -> Any:
    return label[0] if isinstance(label, list) else label


def _argmax(row: list) -> int:
    return max(range(len(row)), key=row.__getitem__)


def _as_list(x: Any) -> list:
    rows = x.tolist() if hasattr(x, "tolist") else x
    if not isinstance(rows, (list, tuple)):
        raise TypeError(f"accuracy needs a list or an array, one entry a sample; got {type(x).__name__} {x!r:.40}")
    return list(rows)
