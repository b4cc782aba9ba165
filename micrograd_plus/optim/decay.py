"""Weight decay on matrices only."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any


def decay_matrices_only(parameters: Iterable, weight_decay: float = 0.1) -> list[dict[str, Any]]:
    """Parameter groups in which matrices are decayed, and biases and gains are not, as when a GPT is trained.

    Decay keeps weights small that multiply the signal; a bias or the gain of a LayerNorm has no such effect, and is
    only held back. parameters: model.parameters(). What has two axes or more (weights of layers, embeddings) goes into
    the group with `weight_decay`, the rest into one without. The default 0.1 is GPT-3's (Brown et al., 2020).
    TypeError for named parameters; ValueError for a negative weight_decay, and where there are no parameters.

    >>> from types import SimpleNamespace
    >>> weight, bias = SimpleNamespace(ndim=2), SimpleNamespace(ndim=1)
    >>> matrices, rest = decay_matrices_only([weight, bias])
    >>> matrices["params"] == [weight], matrices["weight_decay"], rest["params"] == [bias], rest["weight_decay"]
    (True, 0.1, True, 0.0)
    """
    if not isinstance(parameters, Iterable):
        raise TypeError(
            f"decay_matrices_only takes parameters, got {type(parameters).__name__}: give it model.parameters()"
        )
    parameters = list(parameters)
    if not isinstance(weight_decay, Real) or not weight_decay >= 0:
        raise ValueError(f"decay_matrices_only: weight_decay must be 0 or more, got {weight_decay!r}")
    if not parameters:
        raise ValueError("decay_matrices_only: there are no parameters; give it model.parameters()")
    if any(isinstance(p, tuple) for p in parameters):
        raise TypeError("decay_matrices_only takes model.parameters(), not the pairs of model.named_parameters()")
    for p in parameters:
        if not (hasattr(p, "ndim") or hasattr(p, "data")):
            raise TypeError(f"decay_matrices_only takes parameters, got {type(p).__name__}: give it model.parameters()")
    matrices = [p for p in parameters if getattr(p, "ndim", 0) >= 2]  # a scalar model's Values have no axes at all
    rest = [p for p in parameters if getattr(p, "ndim", 0) < 2]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]
