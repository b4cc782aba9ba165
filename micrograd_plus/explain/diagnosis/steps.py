"""Checks of the steps of training: how long they are, and where the loss goes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median
from typing import Any

from ...engine.graph import Node
from ..finite import numbers_of
from .case import Case
from .measures import count, sum_of_squares
from .report import ERROR, WARNING, Finding

STEP_TOO_LARGE = 1.0  # |update| / |weights| over the whole network; 0.001 is usual, lively small networks reach 0.3
STEP_TOO_SMALL = 1e-7  # at that pace doubling a weight takes ten million steps
LIVELY = 1e-2  # |gradient| / |weights|: below it a small step may simply mean that training is done
MANY_LOSSES = 12  # with fewer, noise alone rises now and then
RISE = 0.1  # of the first quarter's loss: batches differ by a few percent


def step_size(case: Case) -> Iterator[Finding]:
    """How far a step goes, beside the size of the weights."""
    if len(case.layers) < 2:  # a single layer has no scale of its own: its weights may start at 0
        return
    sizes = _recorded_step(case.history) or _next_step(case)
    if sizes is None or not sizes[1] or not all(map(math.isfinite, sizes)):
        return
    update, weight, gradient = sizes
    ratio = update / weight
    where = f"|update| / |weights| = {ratio:.1e}, where 0.001 is usual"
    if ratio > STEP_TOO_LARGE:
        yield Finding(
            "step_too_large", WARNING, f"one step moves the weights by {ratio:.2g} times their own size",
            "the gradient holds only close by, so a step this long lands somewhere else altogether",
            "divide the learning rate by 10, or clip the gradients", where,
        )  # fmt: skip
    elif ratio < STEP_TOO_SMALL and gradient > LIVELY * weight and not _is_scheduled(case):
        yield Finding(
            "step_too_small", WARNING, f"one step moves the weights by only {ratio:.1e} of their size",
            "at this pace nothing will seem to happen for millions of steps",
            "multiply the learning rate by 10 until the loss falls", where,
        )  # fmt: skip


def _recorded_step(history: Any) -> tuple[float, float, float] | None:
    """(|update|, |weights|, |gradient|) of the last step that a Recorder saw."""
    rows = getattr(history, "rows", None) or []
    if not rows or "update_norm" not in rows[-1]:
        return None
    last = [row for row in rows if row["step"] == rows[-1]["step"]]
    columns = ("update_norm", "weight_norm", "gradient_norm")
    return tuple(math.hypot(*(row[c] for row in last)) for c in columns)  # type: ignore[return-value]


def _next_step(case: Case) -> tuple[float, float, float] | None:
    """The same for the step that the optimiser would take: lr × gradient for SGD, lr a number for those like Adam."""
    if case.optimizer is None:
        return None
    kind = type(case.optimizer).__name__.lower()
    by_gradient, by_rate = "sgd" in kind, any(word in kind for word in ("adam", "rmsprop", "adagrad"))
    if not by_gradient and not by_rate:
        return None
    update = weight = gradient = 0.0
    for group in case.optimizer.param_groups:
        for p in group["params"]:
            g = case.gradients.get(p) if isinstance(p, Node) else None
            if g is None:
                continue
            size = sum_of_squares(g)
            update += group["lr"] * group["lr"] * (size if by_gradient else count(g))
            weight += sum_of_squares(numbers_of(p))
            gradient += size
    return math.sqrt(update), math.sqrt(weight), math.sqrt(gradient)


def _is_scheduled(case: Case) -> bool:
    """Whether a schedule sets the rate: then it may be small, or 0, on purpose."""
    groups = [] if case.optimizer is None else case.optimizer.param_groups
    return any("initial_lr" in group for group in groups)


def loss_over_time(case: Case) -> Iterator[Finding]:
    """A loss that becomes nan, or goes up."""
    losses = _losses(case.history)
    bad = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), None)
    if bad is not None:
        yield Finding(
            "loss_not_finite", ERROR, f"the loss became {losses[bad]} at entry {bad} of its history",
            "the weights grew until a number overflowed, or an operation met a number it has no answer for",
            "divide the learning rate by 10, and run the step inside detect_anomaly() to see the line",
        )  # fmt: skip
        return
    if len(losses) < MANY_LOSSES:
        return
    n = len(losses) // 4
    quarters = [losses[:n], losses[n : 2 * n], losses[2 * n : -n], losses[-n:]]
    late = losses[-max(n, min(8, 2 * n)) :]
    first, best = median(quarters[0]), min(map(median, quarters))
    margin = RISE * abs(first)
    # Batches differ, and one bad batch is no rise: even the best of the late ones must be worse than the worst before.
    above_first = min(late) > max(quarters[0]) + margin
    above_best = min(late) > max(min(quarters, key=median)) and min(late) > (first + best) / 2 + margin
    if above_first or (first > best + margin and above_best):
        yield Finding(
            "loss_rising", WARNING,
            f"the loss rises: from about {best:.4g} to {median(late):.4g}, over {len(losses)} entries of its history",
            "the steps are too long, so each lands higher up on the other side of the valley",
            "divide the learning rate by 10, or let it fall over time with a schedule",
        )  # fmt: skip


def _losses(history: Any) -> list[float]:
    """The losses in a History (of its epochs; of its steps, if there are few epochs) or in a list."""
    if history is None:
        return []
    if isinstance(history, (list, tuple)) or bool(getattr(history, "shape", ())):
        return [_number(x, i) for i, x in enumerate(history)]
    if not hasattr(history, "rows") and not hasattr(history, "steps"):
        raise TypeError(
            f"diagnose: history is what fit() returned, a Recorder, or a list of losses; got "
            f"{type(history).__name__} {history!r:.60}"
        )
    if _recorded_step(history):
        return []  # a Recorder: its steps are numbers of steps
    rows = [row["loss"] for row in getattr(history, "rows", []) if "loss" in row]
    return rows if len(rows) >= MANY_LOSSES else list(getattr(history, "steps", [])) or rows


def _number(loss: Any, i: int) -> float:
    """Entry i of a list of losses."""
    try:
        return float(loss.item() if isinstance(loss, Node) and hasattr(loss, "item") else numbers_of(loss))
    except (TypeError, ValueError):
        raise TypeError(
            f"diagnose: history is a list of losses, one number each; its entry {i} is {type(loss).__name__} "
            f"{loss!r:.60}. Keep loss.item() of each step"
        ) from None
