"""How often each unit of a layer is idle: at 0, or at an end of its activation function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...engine.graph import Node
from ...engine.value import Value
from ..finite import numbers_of
from .case import Case


@dataclass
class Activity:
    """One layer's activation: for each unit how many outputs were seen, and how many of them were idle."""

    where: str
    seen: list[int] = field(default_factory=list)
    idle: list[int] = field(default_factory=list)

    @property
    def samples(self) -> int:
        """How many outputs each unit gave."""
        return min(self.seen)

    @property
    def idle_share(self) -> float:
        """The share of all outputs that were idle."""
        return sum(self.idle) / sum(self.seen)

    @property
    def idle_units(self) -> int:
        """How many units were idle at every sample."""
        return sum(n == idle for n, idle in zip(self.seen, self.idle, strict=True))


def activity_of(case: Case, names: tuple[str, ...], is_idle: Callable, hidden_only: bool) -> list[Activity]:
    """What the layers do whose activation is one of `names`.

    is_idle: what says of an output, or of an array of them, whether it is idle, given the activation's name too.
    What isn't in a module and feeds no weights is part of the loss (a hinge is a relu), and is left out.
    """
    of_values: dict[str, Activity] = {}
    of_arrays: list[Activity] = []
    units: dict[tuple[str, Any], int] = {}  # (layer, neuron): its place in the layer
    for node in case.nodes:
        if node.op is None or node.op.name not in names:
            continue
        if node not in case.feeds_weights and (hidden_only or case.scopes.get(node) is None):
            continue
        idle = is_idle(numbers_of(node), node.op.name)
        if isinstance(node, Value):
            _count(of_values, units, *_layer_and_unit(case, node), idle)
        elif node.ndim >= 2 and node.size:  # type: ignore[attr-defined]
            of_arrays.append(_of_array(case, node, idle))
    return [*of_values.values(), *of_arrays]


def _count(layers: dict[str, Activity], units: dict[tuple[str, Any], int], name: str, unit: Any, idle: bool) -> None:
    """One more output of this unit."""
    layer = layers.setdefault(name, Activity(name))
    place = units.setdefault((name, unit), len(layer.seen))
    if place == len(layer.seen):
        layer.seen.append(0)
        layer.idle.append(0)
    layer.seen[place] += 1
    layer.idle[place] += idle


def _of_array(case: Case, node: Any, idle: Any) -> Activity:
    """A layer of arrays: its units are the last axis."""
    where = case.module_of(node) or case.place(node) or f"a `{node.op.name}` of shape {node.shape}"
    by_unit = idle.reshape(-1, node.shape[-1])
    return Activity(where, [len(by_unit)] * by_unit.shape[1], by_unit.sum(axis=0).tolist())


def _layer_and_unit(case: Case, node: Node) -> tuple[str, Any]:
    """The layer that a Value's activation belongs to, and the neuron in it."""
    scope = case.scopes.get(node)
    if scope is None:
        return f"`{node.op.name}` outside all modules" if node.op else "", None
    name = case.module_names.get(id(scope.module), "")
    layer = case.layer_of(f"{name}.unit") if name else type(scope.module).__name__
    return layer, id(scope.module)
