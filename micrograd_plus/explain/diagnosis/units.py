"""Checks of what the units of a layer do: whether they are dead, or saturated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .activity import Activity, activity_of
from .case import Case
from .report import ERROR, WARNING, Finding

FEW_SAMPLES = 10  # fewer can't tell a dead unit from one that is off just now: half of all units are, for any sample
DEAD_SHARE = 0.9  # of a layer's units: small networks may start with 13 of 16 dead, and learn all the same
ALL_DEAD = (4, 16)  # a whole layer at 0 is a fault already with 4 samples, if they make 16 outputs: no chance event
SATURATED = 0.97  # |tanh| from where its slope is below 0.06
SATURATED_SHARE = 0.6  # of a layer's outputs: trained networks saturate up to a third; that is how they decide


def relus(case: Case) -> list[Activity]:
    """What the ReLUs of the model do; idle is one that gives 0."""
    return activity_of(case, ("relu",), lambda y, name: y == 0, hidden_only=False)


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

    for layer in activity_of(case, ("tanh", "sigmoid"), at_an_end, hidden_only=True):
        if layer.samples >= FEW_SAMPLES and layer.idle_share > SATURATED_SHARE:
            yield Finding(
                "saturated", WARNING, f"a saturated layer: {layer.idle_share:.0%} of its outputs are at their ends",
                "there tanh and sigmoid are nearly flat, so hardly any gradient comes through",
                "start with smaller weights (nn.init.xavier_uniform_), or scale the inputs to about -1 to 1",
                layer.where,
            )  # fmt: skip
