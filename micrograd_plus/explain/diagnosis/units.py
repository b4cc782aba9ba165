"""Checks of what the units of a layer do: dead, saturated, or all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ...engine.graph import Node
from ...engine.value import Value
from ..finite import numbers_of
from .case import Case
from .measures import sum_of_squares
from .report import ERROR, WARNING, Finding

FEW_SAMPLES = 10  # fewer can't tell a dead unit from one that is off just now: half of all units are, for any sample
DEAD_SHARE = 0.9  # of a layer's units: small networks may start with 13 of 16 dead, and learn all the same
ALL_DEAD = (4, 16)  # a whole layer at 0 is a fault already with 4 samples, if they make 16 outputs: no chance event
SATURATED = 0.97  # |tanh| from where its slope is below 0.06
SATURATED_SHARE = 0.6  # of a layer's outputs: trained networks saturate up to a third; that is how they decide


@dataclass
class Activity:
    """One layer's activation: for each unit how many outputs were seen, and how many of them were idle."""

    where: str
    seen: list[int]
    idle: list[int]

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


def _activity(case: Case, names: tuple[str, ...], is_idle: Callable, hidden_only: bool) -> list[Activity]:
    """The layers of the model whose activation is one of `names`.

    What isn't in a module and feeds no weights is part of the loss (a hinge is a relu), and is left out.
    """
    layers: dict[Any, Activity] = {}
    units: dict[Any, dict[Any, int]] = {}
    for node in case.nodes:
        if node.op is None or node.op.name not in names:
            continue
        if node not in case.feeds_weights and (hidden_only or case.scopes.get(node) is None):
            continue
        if isinstance(node, Value):
            key, unit = _layer_and_unit(case, node)
            layer = layers.setdefault(key, Activity(key, [], []))
            i = units.setdefault(key, {}).setdefault(unit, len(layer.seen))
            if i == len(layer.seen):
                layer.seen.append(0)
                layer.idle.append(0)
            layer.seen[i] += 1
            layer.idle[i] += is_idle(node.data, node.op.name)
        elif node.ndim >= 2 and node.size:  # type: ignore[attr-defined]
            idle = is_idle(numbers_of(node), node.op.name).reshape(-1, node.shape[-1])  # type: ignore[attr-defined]
            where = case.module_of(node) or case.place(node) or f"a `{node.op.name}` of shape {node.shape}"  # type: ignore[attr-defined]
            layers[node] = Activity(where, [len(idle)] * idle.shape[1], idle.sum(axis=0).tolist())
    return list(layers.values())


def _layer_and_unit(case: Case, node: Node) -> tuple[str, Any]:
    """The layer that a Value's activation belongs to, and the neuron in it."""
    scope = case.scopes.get(node)
    if scope is None:
        return f"`{node.op.name}` outside all modules" if node.op else "", None
    name = case.module_names.get(id(scope.module), "")
    layer = case.layer_of(f"{name}.unit") if name else type(scope.module).__name__
    return layer, id(scope.module)


def relus(case: Case) -> list[Activity]:
    """What the ReLUs of the model do; idle is one that gives 0."""
    return _activity(case, ("relu",), lambda y, name: y == 0, hidden_only=False)


def dead_relu(case: Case) -> Iterator[Finding]:
    """Layers of which most units are 0 for every sample."""
    for layer in relus(case):
        n, units, dead = layer.samples, len(layer.seen), layer.idle_units
        few, outputs = ALL_DEAD
        all_dead = dead == units and n >= few and n * units >= outputs
        if all_dead or (units > 1 and n >= FEW_SAMPLES and dead >= DEAD_SHARE * units):
            whole = "all of its units are" if units > 1 else "it is"
            share = whole if dead == units else f"{dead} of its {units} units are"
            yield Finding(
                "dead_relu", ERROR if all_dead else WARNING,
                f"a dead ReLU{' layer' if units > 1 else ''}: {share} 0 for all {n} samples",
                "where a ReLU is 0 its slope is 0 too, so nothing before it gets a gradient and it stays dead",
                "lower the learning rate, start with smaller weights and biases of 0, or use LeakyReLU", layer.where,
            )  # fmt: skip


def saturated(case: Case) -> Iterator[Finding]:
    """Hidden layers of tanh or sigmoid that are nearly always at their ends."""

    def at_an_end(y: Any, name: str) -> Any:
        return abs(y if name == "tanh" else 2 * y - 1) > SATURATED

    for layer in _activity(case, ("tanh", "sigmoid"), at_an_end, hidden_only=True):
        if layer.samples >= FEW_SAMPLES and layer.idle_share > SATURATED_SHARE:
            yield Finding(
                "saturated", WARNING, f"a saturated layer: {layer.idle_share:.0%} of its outputs are at their ends",
                "there tanh and sigmoid are nearly flat, so hardly any gradient comes through",
                "start with smaller weights (nn.init.xavier_uniform_), or scale the inputs to about -1 to 1",
                layer.where,
            )  # fmt: skip


def symmetric_weights(case: Case) -> Iterator[Finding]:
    """Hidden layers whose units are all the same, and get the same gradient."""
    for name, units in _hidden_layers(case):
        if len(units) > 1 and all(_same(unit, units[0]) for unit in units[1:]):
            yield Finding(
                "symmetric_weights", WARNING,
                f"all {len(units)} units of {name} have equal weights and equal gradients",
                "equal units with equal gradients stay equal for ever: together they can do no more than one",
                "start from random weights, which nn's layers do by themselves",
            )  # fmt: skip


def _hidden_layers(case: Case) -> Iterator[tuple[str, list[list[Any]]]]:
    """(name, [the weights and gradients of each unit]) of layers that feed other weights."""
    for node in case.nodes:
        place = {"linear": 1, "matmul": 1}.get(node.op.name) if node.op is not None else None
        w: Any = node.operands[place] if place is not None else None
        if (
            isinstance(w, Node)
            and w in case.weights
            and node in case.feeds_weights
            and getattr(w, "ndim", 0) == 2
            and w in case.gradients
        ):
            numbers, g = numbers_of(w), case.gradients[w]
            rows = (numbers, g) if node.op is not None and node.op.name == "linear" else (numbers.T, g.T)
            yield case.name(w), [list(pair) for pair in zip(*rows, strict=True)]
    hidden = {id(s.module) for x in case.feeds_weights if isinstance(x, Value) and (s := case.scopes.get(x))}
    for model in case.models:
        for path, module in model.named_modules():
            if getattr(module, "is_summary_row", False):
                neurons = [m for m in module.children() if id(m) in hidden]
                ps = [list(m.parameters()) for m in neurons]
                if ps and all(isinstance(p, Value) and p in case.gradients for unit in ps for p in unit):
                    yield (
                        path or type(module).__name__,
                        [[x for p in unit for x in (p.data, case.gradients[p])] for unit in ps],
                    )


def _same(a: list, b: list) -> bool:
    if len(a) != len(b):
        return False
    return all(sum_of_squares(x - y) <= 1e-24 * sum_of_squares(y) for x, y in zip(a, b, strict=True))
