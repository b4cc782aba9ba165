"""Resuming: all that training depends on besides the model's numbers, taken down and put back."""

from __future__ import annotations

import random
from typing import Any

from ..data.arguments import as_random_state
from .callbacks import Callback, EarlyStopping, State, Watch


def snapshot(state: State) -> dict[str, Any]:
    """What training needs to go on after this epoch, as if it had never stopped: dicts, lists, numbers and arrays."""
    history = state.history
    return {
        "settings": state.settings,
        "epoch": state.epoch,
        "step": state.step,
        "loss": state.loss,
        "history": {**history.to_dict(), "seconds": history.seconds},
        "optimizer": state.optimizer.state_dict(),
        "callbacks": [{"kind": kind, "state": callback.state_dict()} for kind, callback in _remembering(state)],
        "loaders": [loader.state_dict() if hasattr(loader, "state_dict") else None for loader in state.loaders],
        "random": random.getstate(),
    }


def put_back(state: State, numbers: dict[str, Any], kept: dict[str, Any]) -> None:
    """Bring everything to where it was when `kept` was taken. ValueError, naming what differs, where it doesn't fit."""
    _demand_same(kept["settings"], state.settings)
    kinds = [kind for kind, _ in _remembering(state)]
    _demand_same({"callbacks": [entry["kind"] for entry in kept["callbacks"]]}, {"callbacks": kinds})
    state.model.load_state_dict(numbers)
    for group in kept["optimizer"]["param_groups"]:
        group.update({name: tuple(x) for name, x in group.items() if isinstance(x, list)})  # JSON knows no tuples
    state.optimizer.load_state_dict(kept["optimizer"])  # before the schedules, which set its rates
    for (_, callback), entry in zip(_remembering(state), kept["callbacks"], strict=True):
        callback.load_state_dict(entry["state"])
    for loader, its_state in zip(state.loaders, kept["loaders"], strict=True):
        if its_state is not None:
            loader.load_state_dict(its_state)
    random.setstate(as_random_state(kept["random"]))
    state.epoch, state.step, state.loss = kept["epoch"], kept["step"], kept["loss"]
    state.share = min(state.epoch / state.epochs, 1.0)
    history, past = state.history, kept["history"]
    history.rows, history.steps, history.seconds = past["rows"], past["steps"], past["seconds"]
    if any(isinstance(c, EarlyStopping) and c.reason == past["stopped"] for c in state.callbacks):
        history.stopped = past["stopped"]  # it had ended; what else has stopped it (Ctrl-C) was to be gone on from


def _remembering(state: State) -> list[tuple[str, Callback]]:
    """The callbacks that remember something from one epoch to the next, with their kind and what they watch."""
    found = []
    for callback in state.callbacks[:-1]:  # the last is the Checkpoint itself
        kind = type(callback)
        if not isinstance(callback, Watch):
            if kind.state_dict is not Callback.state_dict:
                found.append((kind.__name__, callback))
        elif callback.monitor:  # a Checkpoint without one remembers nothing
            found.append((f"{kind.__name__} of {callback.monitor}", callback))
    return found


def _demand_same(then: dict[str, Any], now: dict[str, Any]) -> None:
    names = [name for name in dict.fromkeys([*then, *now]) if then.get(name) != now.get(name)]
    differing = [f"{name} was {then.get(name)}, and is now {now.get(name)}" for name in names]
    if differing:
        raise ValueError(
            "it was another training: " + "; ".join(differing) + ". Train as it was begun (epochs may be more); or, to "
            "start afresh, delete the file or give another path"
        )
