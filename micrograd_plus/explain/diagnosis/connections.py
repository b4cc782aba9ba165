"""Checks of which parameters the loss reaches, and the optimiser has."""

from __future__ import annotations

from collections.abc import Iterator

from .case import Case
from .report import ERROR, INFO, WARNING, Finding, listed


def no_graph(case: Case) -> Iterator[Finding]:
    """A loss that nothing can be learned from, because it depends on no parameter."""
    if case.root.op is None or not case.root.requires_grad:
        yield Finding(
            "loss_depends_on_nothing", ERROR, "the loss doesn't depend on any parameter: there is no graph behind it",
            "it was computed inside no_grad(), from .data, .item() or .detach(), or everything in it is frozen",
            "compute it from the model's output itself, outside no_grad()", case.place(case.root),
        )  # fmt: skip


def unconnected(case: Case) -> Iterator[Finding]:
    """Parameters of the model that the loss isn't made from."""
    if case.model is None or not case.root.requires_grad:
        return
    trainable = [p for p in case.names if p.requires_grad]
    apart = [case.names[p] for p in trainable if p not in case.in_graph]
    if not apart:
        return
    why = "no path leads from them to the loss, so they get no gradient and never change"
    if len(apart) == len(trainable):
        yield Finding(
            "unconnected_parameters", ERROR, f"the loss isn't made from this model's parameters: {listed(apart)}", why,
            "check that the loss is of this model's output, and not of a copy's or a detached one",
        )  # fmt: skip
    else:
        yield Finding(
            "unconnected_parameters", WARNING, f"parameters that the loss doesn't depend on: {listed(apart)}", why,
            "use them in forward, look for .detach(), .data or .numpy() on the way, or remove them from the model",
        )  # fmt: skip


def optimizer_fits(case: Case) -> Iterator[Finding]:
    """Parameters that the optimiser doesn't have, or that it has and can't move."""
    if case.optimizer is None:
        return
    held = {id(p) for p in case.in_optimizer}
    frozen = [p for p in case.in_optimizer if not getattr(p, "requires_grad", True)]
    if frozen:
        yield Finding(
            "frozen_in_optimizer", INFO, f"the optimiser holds frozen parameters: {listed(map(case.name, frozen))}",
            "requires_grad is False, so they get no gradient and stay as they are",
            "nothing, if you froze them on purpose; else model.requires_grad_(True)",
        )  # fmt: skip
    own = [p for p in case.names if p.requires_grad] if case.model is not None else []
    missing = [case.names[p] for p in own if id(p) not in held]
    if missing:
        everything = len(missing) == len(own)
        yield Finding(
            "missing_from_optimizer", ERROR if everything else WARNING,
            f"the optimiser doesn't train {'any of the model' if everything else 'these'}: {listed(missing)}",
            "it was made for other parameters, or before these were added or replaced",
            "make the optimiser from model.parameters() once the model is complete, or freeze what should stay",
        )  # fmt: skip


def lost_parameters(case: Case) -> Iterator[Finding]:
    """Attributes that look like parameters and are none."""
    lost = case.model.lost_parameters() if hasattr(case.model, "lost_parameters") else []
    if lost:
        yield Finding(
            "lost_parameters", WARNING, f"attributes of the model that no optimiser will find: {listed(lost)}",
            "they were computed, as in Tensor(…) * 0.1, and only leaves are parameters",
            "compute with the numbers first and wrap them last: Tensor(numbers * 0.1)",
        )  # fmt: skip
