"""The check of each `.grad` that is there: whether it is what this loss gives, or holds something from before."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ...engine.graph import Node
from ..finite import is_bad
from .case import Case
from .measures import sum_of_squares
from .report import INFO, WARNING, Finding, listed

MATCH = 0.5  # how many of a dtype's digits must agree for two gradients to count as equal (the exponent of its eps)


def gradients_there(case: Case) -> Iterator[Finding]:
    """Whether each `.grad` is what this loss gives, or holds something from before as well."""
    ordered = dict.fromkeys([*case.names, *case.nodes])  # the model's own order first
    leaves = [x for x in ordered if x.op is None and x.requires_grad and case.gradients.get(x) is not None]
    if not leaves or case.root.op is None or case.lines.made_at:  # a function's loss is fresh: no backward() was meant
        return
    there = [x for x in leaves if x.grad is not None and sum_of_squares(x.grad) != 0]
    arrived = case.root.grad
    if arrived is None or not sum_of_squares(arrived):  # backward() has not been run on this loss
        if there:
            yield Finding(
                "gradients_left", INFO,
                f"gradients of an earlier backward() are still in {listed(map(case.name, there))}",
                "backward() adds to what is there, and doesn't replace it",
                "call optimizer.zero_grad() (or model.zero_grad()) before loss.backward()",
            )  # fmt: skip
        else:
            yield Finding(
                "backward_not_run", INFO, "backward() has not been run on this loss, so no gradient is there yet",
                "loss.backward() fills in the gradients, and the optimiser needs them",
                "call loss.backward(), then optimizer.step()",
            )  # fmt: skip
    elif not any(node.hooks for node in case.nodes):  # hooks change gradients on purpose
        scale = float(arrived if isinstance(arrived, float) else arrived.item())
        yield from _added_up(case, there, scale)


def _added_up(case: Case, leaves: list[Node], scale: float) -> Iterator[Finding]:
    wrong = [x for x in leaves if not _explained(x.grad, case.gradients[x] * scale)]
    if not wrong:
        return
    factors = [_factor(x.grad, case.gradients[x] * scale) for x in wrong]
    alike = max(factors) - min(factors) <= 1e-6 * abs(factors[0])  # False where one of them is nan
    if alike and (factors[0] < 1.5 or abs(factors[0] - round(factors[0])) > 1e-6 * factors[0]):
        yield Finding(  # adding up gives twice, three times …
            "gradients_added_up", WARNING,
            f"the gradient that is there isn't this loss's, in {listed(map(case.name, wrong))}: "
            f"it is {factors[0]:.4g} times as large",
            "it was set or scaled by hand, or is from another backward()",
            "call optimizer.zero_grad() and then loss.backward(); if you changed .grad on purpose, all is well",
        )  # fmt: skip
        return
    times = f"{factors[0]:.4g} times " if alike else "not "
    yield Finding(
        "gradients_added_up", WARNING,
        f"the gradient is {times}what this loss gives, in {listed(map(case.name, wrong))}",
        "backward() adds to what is there: gradients of an earlier step, or of a second backward(), are in it as well",
        "call optimizer.zero_grad() before each backward(); if you add up several losses on purpose, all is well",
    )  # fmt: skip


def _explained(there: Any, fresh: Any) -> bool:
    """Whether `there` is `fresh`, or smaller with the same sign everywhere, as clipping makes it."""
    if is_bad(fresh) or is_bad(there):
        return True  # reported as such
    allowed = _digits(fresh) * math.sqrt(sum_of_squares(fresh))
    if not hasattr(fresh, "dtype"):
        return -allowed <= there * (-1 if fresh < 0 else 1) <= abs(fresh) + allowed
    import numpy as np

    if np.shape(there) != fresh.shape:
        return False
    along = there * np.where(fresh < 0, -1, 1)
    return bool(((along >= -allowed) & (along <= np.abs(fresh) + allowed)).all())


def _factor(there: Any, fresh: Any) -> float:
    """k, if there is k × fresh; else nan."""
    size = sum_of_squares(fresh)
    if not size:
        return math.nan
    k = float((there * fresh).sum() / size if hasattr(fresh, "sum") else there / fresh)
    rest = math.sqrt(sum_of_squares(there - k * fresh) / size)
    return k if rest <= _digits(fresh) * abs(k) else math.nan


def _digits(x: Any) -> float:
    """The relative difference that counts as none in x's dtype."""
    if not hasattr(x, "dtype"):
        return 2.0**-26
    import numpy as np

    return float(np.finfo(x.dtype).eps) ** MATCH
