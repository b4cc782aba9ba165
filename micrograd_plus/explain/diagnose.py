"""The gradient doctor: what is wrong with this loss, why, and what to do about it.

Each check is a function of one `Case` that yields findings. A false alarm is the worst thing a doctor can give to a
learner, so every limit in diagnosis/ stands where healthy runs don't reach it, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..engine.graph import Node, watched_by
from .chain import quiet
from .diagnosis.case import Case
from .diagnosis.connections import lost_parameters, no_graph, optimizer_fits, unconnected
from .diagnosis.gradients import underflow, vanishing_or_exploding, zero_gradients
from .diagnosis.leftovers import gradients_there
from .diagnosis.lines import Lines
from .diagnosis.not_finite import not_finite
from .diagnosis.report import Diagnosis, Finding
from .diagnosis.shapes import broadcast_both
from .diagnosis.steps import loss_over_time, step_size
from .diagnosis.symmetry import symmetric_weights
from .diagnosis.units import dead_relu, saturated
from .opening import whole

CHECKS: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    no_graph, not_finite, unconnected, optimizer_fits, lost_parameters, broadcast_both, gradients_there, dead_relu,
    saturated, symmetric_weights, zero_gradients, vanishing_or_exploding, underflow, step_size, loss_over_time,
)  # fmt: skip


def diagnose(loss: Any, model: Any = None, optimizer: Any = None, history: Any = None) -> Diagnosis:
    """Look for what usually goes wrong in training, and say what it is, why, and what to do.

    loss: the loss as a Value or Tensor of one number, before or after backward(); or a function without arguments
        that computes it, which also tells the line where a nan was born. model: names the parameters, and shows which
        of them the loss doesn't reach. optimizer: which parameters it trains, and how far a step goes. history: what
        fit() returned, a Recorder, or a list of losses.
    Nothing is changed: the gradients are computed aside, and hooks aren't called. (A function is run once, with
    whatever it does itself, such as drawing dropout masks.) TypeError or ValueError for what can't be diagnosed.

    >>> from micrograd_plus import Value
    >>> w, x = Value(-3.0, label="w"), Value(0.0, label="x")
    >>> print(diagnose(lambda: (w * x).log()))
    1 fault found.
    error: `log` gave -inf, from the result of `mul` = -0  [nan_or_inf]
        where: <doctest micrograd_plus.explain.diagnose.diagnose[2]>:1: print(diagnose(lambda: (w * x).log()))
        why: the logarithm goes to minus infinity at 0
        what to do: add a small constant, log(x + 1e-12), or use a loss that starts from logits, as cross_entropy does
    """
    lines = Lines()
    if callable(loss) and not isinstance(loss, Node):
        with watched_by(lines):
            loss = loss()
    with quiet():
        case = Case(_checked(loss), model, optimizer, history, lines)
        return Diagnosis(finding for check in CHECKS for finding in check(case))


def _checked(loss: Any) -> Node:
    if not isinstance(loss, Node):
        raise TypeError(
            f"diagnose needs the loss as a Value or a Tensor, or a function that computes it; got "
            f"{type(loss).__name__} {loss!r:.60}. A bare number (from .item() or .data) has no graph to look at"
        )
    if getattr(loss, "size", 1) != 1:
        raise ValueError(
            f"a loss is one number, and this one has shape {loss.shape}: "  # type: ignore[attr-defined]
            "reduce it first, with .mean() or .sum()"
        )
    return whole(loss)
