"""Gradient clipping: no step larger than you allow."""

import math
from collections.abc import Iterable
from typing import Any

from .optimizers import Parameter, check_number, parameter_list
from .together import is_half


def clip_grad_norm_(parameters: Iterable[Parameter], max_norm: float) -> float:
    """Shrink all gradients together until their norm is at most max_norm; return the norm before.

    norm = √(the sum of all g²),  g ← g × min(1, max_norm / (norm + 1e-6)): the direction stays.
    With max_norm=math.inf it only measures. A norm that isn't finite is passed on, as in PyTorch.
    R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks", 2013.
    Raises TypeError or ValueError for a max_norm below 0 and for what has no gradients.

    >>> from types import SimpleNamespace
    >>> w, b = SimpleNamespace(data=1.0, grad=3.0), SimpleNamespace(data=1.0, grad=-4.0)
    >>> clip_grad_norm_([w, b], max_norm=1.0)
    5.0
    >>> round(w.grad, 6), round(b.grad, 6)
    (0.6, -0.8)
    """
    if not (isinstance(max_norm, float) and max_norm == math.inf):
        check_number("max_norm", max_norm, math.inf, "it is the largest norm that is left as it is; try 1.0")
    params = _with_gradients(parameters, "clip_grad_norm_")
    norm = math.sqrt(sum(_sum_of_squares(p.grad) for p in params))
    share = min(max_norm / (norm + 1e-6), 1.0)
    if share != 1.0:
        for p in params:
            p.grad = share * p.grad  # a new gradient: somebody else may hold the old one
    return norm


def _sum_of_squares(g: Any) -> float:
    """Of a number or an array: as a product of a row with itself, since that makes no array of squares."""
    row = g.ravel() if hasattr(g, "ravel") else g
    if is_half(row):  # whose squares are infinite from 256 upwards
        row = row.astype("float32")
    return float(row.dot(row) if hasattr(row, "dot") else row * row)


def clip_grad_value_(parameters: Iterable[Parameter], clip_value: float) -> None:
    """Cut every number in every gradient to the range from −clip_value to clip_value.

    Raises TypeError or ValueError for a clip_value below 0 and for what has no gradients.

    >>> from types import SimpleNamespace
    >>> w, b = SimpleNamespace(data=1.0, grad=3.0), SimpleNamespace(data=1.0, grad=-0.5)
    >>> clip_grad_value_([w, b], clip_value=1.0)
    >>> w.grad, b.grad
    (1.0, -0.5)
    """
    check_number("clip_value", clip_value, math.inf, "it is the largest number that is left as it is; try 1.0")
    for p in _with_gradients(parameters, "clip_grad_value_"):
        if hasattr(p.grad, "clip"):
            p.grad = p.grad.clip(-clip_value, clip_value)
        else:
            p.grad = max(min(p.grad, clip_value), -clip_value)


def _with_gradients(parameters: Iterable[Parameter], caller: str) -> list[Parameter]:
    return [p for p in parameter_list(parameters, caller) if p.grad is not None]
