"""The check for hidden layers whose units are all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...engine.graph import Node
from ...engine.value import Value
from ..finite import numbers_of
from .case import Case
from .measures import sum_of_squares
from .report import WARNING, Finding

Units = list[list[Any]]  # the weights and gradients of each unit
WEIGHT_OF = {"linear": 1, "matmul": 1}  # which operand of these is a layer's weight


def symmetric_weights(case: Case) -> Iterator[Finding]:
    """Hidden layers whose units are all the same, and get the same gradient."""
    for name, units in [*_of_arrays(case), *_of_values(case)]:
        if len(units) > 1 and all(_same(unit, units[0]) for unit in units[1:]):
            yield Finding(
                "symmetric_weights", WARNING,
                f"all {len(units)} units of {name} have equal weights and equal gradients",
                "equal units with equal gradients stay equal for ever: together they can do no more than one",
                "start from random weights, which nn's layers do by themselves",
            )  # fmt: skip


def _of_arrays(case: Case) -> Iterator[tuple[str, Units]]:
    """The hidden layers that are a matrix: their name, and their units."""
    for node in case.nodes:
        if node.op is None or node.op.name not in WEIGHT_OF or node not in case.feeds_weights:
            continue
        w: Any = node.operands[WEIGHT_OF[node.op.name]]
        if isinstance(w, Node) and w in case.weights and w in case.gradients and getattr(w, "ndim", 0) == 2:
            numbers, g = numbers_of(w), case.gradients[w]
            rows = (numbers, g) if node.op.name == "linear" else (numbers.T, g.T)  # linear's weight has a row a unit
            yield case.name(w), [list(pair) for pair in zip(*rows, strict=True)]


def _of_values(case: Case) -> Iterator[tuple[str, Units]]:
    """The hidden layers that are made of neurons: their name, and their units."""
    hidden = {id(s.module) for x in case.feeds_weights if isinstance(x, Value) and (s := case.scopes.get(x))}
    for model in case.models:
        for path, module in model.named_modules():
            if not getattr(module, "is_summary_row", False):
                continue
            units = [list(neuron.parameters()) for neuron in module.children() if id(neuron) in hidden]
            if units and all(isinstance(p, Value) and p in case.gradients for unit in units for p in unit):
                numbers = [[x for p in unit for x in (p.data, case.gradients[p])] for unit in units]
                yield path or type(module).__name__, numbers


def _same(a: list, b: list) -> bool:
    if len(a) != len(b):
        return False
    return all(sum_of_squares(x - y) <= 1e-24 * sum_of_squares(y) for x, y in zip(a, b, strict=True))
