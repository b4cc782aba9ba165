"""Resuming: all that training depends on besides the model's numbers, taken down and put back."""

from __future__ import annotations

import random
from typing import Any

from ..data.arguments import as_random_state
from .callbacks import Callback, EarlyStopping, State, Watch
from .contents import of_history
from .saving import Saved, put_into_optimizer
from .scopes import uninterrupted


def snapshot(state: State) -> dict[str, Any]:
    """What training needs to go on after this epoch, as if it had never stopped: dicts, lists, numbers and arrays."""
    seed = state.settings["seed"]
    return {
        "step": state.step,
        "seed": None if seed == "None" else int(seed),
        "history": of_history(state.history),
        "optimizer": state.optimizer.state_dict(),
        "settings": state.settings,
        "epoch": state.epoch,
        "loss": state.loss,
        "frozen": [name for name, p in state.model.named_parameters() if not p.requires_grad],
        "callbacks": [{"kind": kind, "state": callback.state_dict()} for kind, callback in _remembering(state)],
        "loaders": [loader.state_dict() if hasattr(loader, "state_dict") else None for loader in state.loaders],
        "random": random.getstate(),
    }


def put_back(state: State, saved: Saved) -> None:
    """Bring everything to where it was when the file was written.

    ValueError, naming what differs, where it doesn't fit; or whatever a state_dict that isn't one makes a loader or a
    callback raise. Whoever calls it then undoes what was done so far (`scopes.remembered`).
    """
    kept, optimizer = saved.training or {}, saved.optimizer or {}
    _demand_same(kept["settings"], state.settings)
    kinds, callbacks = [kind for kind, _ in _remembering(state)], [callback for _, callback in _remembering(state)]
    _demand_same({"callbacks": [entry["kind"] for entry in kept["callbacks"]]}, {"callbacks": kinds})
    with uninterrupted():
        for callback, entry in zip(callbacks, kept["callbacks"], strict=True):
            if isinstance(callback, EarlyStopping) and entry["state"]["weights"] is not None:
                state.model.load_state_dict(entry["state"]["weights"])  # they will be wanted at the end: do they fit?
        state.model.load_state_dict(saved.state)
        put_into_optimizer(state.optimizer, optimizer)  # with the rates that the schedules began with
        for callback, entry in zip(callbacks, kept["callbacks"], strict=True):
            callback.load_state_dict(entry["state"])
        put_into_optimizer(state.optimizer, optimizer)  # once more: the schedules have just set its rates, each alone
        for loader, its_state in zip(state.loaders, kept["loaders"], strict=True):
            if its_state is not None:
                loader.load_state_dict(its_state)
        state.share = min(kept["epoch"] / state.epochs, 1.0)
        random.setstate(as_random_state(kept["random"]))
        for name, p in state.model.named_parameters():
            p.requires_grad = name not in kept["frozen"]
    state.epoch, state.step, state.loss = kept["epoch"], saved.step or 0, kept["loss"]
    history, past = state.history, saved.history or state.history
    history.rows, history.steps, history.seconds = past.rows, past.steps, past.seconds
    if any(isinstance(c, EarlyStopping) and c.reason == past.stopped for c in state.callbacks):
        history.stopped = past.stopped  # it had ended; what else has stopped it (Ctrl-C) was to be gone on from


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
