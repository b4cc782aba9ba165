"""Callbacks: what looks on while a model is trained, and may step in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..data.arguments import got, real, whole
from ..nn import Module
from ..optim import ReduceLROnPlateau
from .history import History, direction


@dataclass
class State:
    """Where training stands: what every callback is given.

    epoch and step count from 1, step over all epochs; loss is the latest step's. callbacks, loaders (of the training
    data, of the validation data) and settings (fit's, in words) are there for Checkpoint.

    >>> from micrograd_plus import data, nn, training
    >>> class Show(Callback):
    ...     def on_epoch_end(self, state):
    ...         print(state.epoch, state.step, state.share)
    >>> X, y = data.xor()
    >>> model = nn.MLP(2, [2, 1])
    >>> history = training.fit(model, (X, y), loss="mse", optimizer="sgd", epochs=2, callbacks=[Show()], progress=False)
    1 1 0.5
    2 2 1.0
    """

    model: Module
    optimizer: Any
    history: History
    epochs: int
    epoch: int = 0
    step: int = 0
    loss: float = math.nan
    share: float = 0.0  # how much of the training is done, from 0 to 1
    callbacks: list[Callback] = field(default_factory=list)
    loaders: tuple = ()
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def lr(self) -> float | None:
        """The learning rate of the optimiser's first group, if it has groups."""
        groups = getattr(self.optimizer, "param_groups", None)
        return float(groups[0]["lr"]) if groups else None

    def stop(self, reason: str) -> None:
        """End training after this epoch; the reason becomes `history.stopped`."""
        self.history.stopped = reason


class Callback:
    """Hooks, each given a `State`. Write those that you need.

    A gradient that is too long, for example, is cut after each backward pass, before the optimiser sees it:

    >>> from micrograd_plus import optim
    >>> class Clip(Callback):
    ...     def after_backward(self, state):
    ...         optim.clip_grad_norm_(state.model.parameters(), max_norm=1.0)
    """

    def on_train_begin(self, state: State) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, state: State) -> None:
        """Before the first batch of an epoch."""

    def after_backward(self, state: State) -> None:
        """The gradients are there; the optimiser has not used them yet."""

    def on_batch_end(self, state: State) -> None:
        """The optimiser has made its step."""

    def on_epoch_end(self, state: State) -> None:
        """The epoch's row is the last of `state.history.rows`."""

    def on_train_end(self, state: State) -> None:
        """Once, however training ended: `state.history.stopped` says why, if it ended early."""

    def state_dict(self) -> dict[str, Any]:
        """What it remembers from epoch to epoch, for `Checkpoint(…, resume=True)` to keep: plain data and arrays."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict()`."""


class AtEpochEnd(Callback):
    """A plain function of the state, called after each epoch."""

    def __init__(self, function: Callable[[State], Any]):
        self.function = function

    def on_epoch_end(self, state: State) -> None:
        """Call it."""
        self.function(state)


class Watch(Callback):
    """The base of what waits for a number to improve: it remembers the best one, and its epoch."""

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0):
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be a column of the history, such as 'val_loss'; {got(monitor)}")
        self.sign = direction(monitor, mode)
        self.monitor = monitor
        self.min_delta = real("min_delta", min_delta, 0.0, "a finite number of at least 0", lambda d: 0 <= d < math.inf)
        self.best, self.best_epoch = math.nan, 0

    def on_train_begin(self, state: State) -> None:
        """Forget an earlier training."""
        self.best, self.best_epoch = math.nan, 0

    def state_dict(self) -> dict[str, Any]:
        """The best so far."""
        return {"best": self.best, "best_epoch": self.best_epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        best = real("best", state["best"], 0.5, "a number", lambda best: True)  # nan at first
        self.best, self.best_epoch = best, whole("best_epoch", state["best_epoch"], example=1, least=0)

    def improves(self, state: State) -> bool:
        """Whether this epoch is the best so far, by more than min_delta."""
        now = watched(state, self.monitor, type(self).__name__)
        first = self.best_epoch == 0 and not math.isnan(now)
        if first or self.sign * now < self.sign * self.best - self.min_delta:
            self.best, self.best_epoch = now, state.epoch
            return True
        return False


class EarlyStopping(Watch):
    """Stop when a number has not improved for `patience` epochs; the best epoch's weights are put back.

    monitor: a column of the history. min_delta: what counts as an improvement must be larger. mode: "min", "max", or
    "auto": the highest accuracy, the lowest of anything else. The best weights are put back as well when training
    reaches its last epoch, but not after Ctrl-C or an error. ValueError if there is no such column.

    >>> from micrograd_plus import data, nn, training
    >>> model = nn.MLP(2, [4, 1], activation="tanh", seed=1)
    >>> stopping = EarlyStopping("loss", patience=2, min_delta=0.5)
    >>> training.fit(model, data.xor(), loss="mse", optimizer="sgd", epochs=9, seed=0, progress=False,
    ...              callbacks=[stopping]).stopped
    'early stopping after epoch 3: loss was best in epoch 1'
    """

    def __init__(self, monitor: str = "val_loss", patience: int = 5, min_delta: float = 0.0, mode: str = "auto"):
        super().__init__(monitor, mode, min_delta)
        self.patience = whole("patience", patience, example=5)
        self._weights: dict[str, Any] | None = None
        self.reason = ""  # why it has stopped training, if it has

    def on_train_begin(self, state: State) -> None:
        """Forget an earlier training."""
        super().on_train_begin(state)
        self._weights, self.reason = None, ""

    def state_dict(self) -> dict[str, Any]:
        """The best so far, with its weights."""
        return {**super().state_dict(), "weights": self._weights, "reason": self.reason}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        if not isinstance(state["weights"], (dict, type(None))) or not isinstance(state["reason"], str):
            raise TypeError(f"EarlyStopping remembers weights, and a reason in words; {got(state)}")
        super().load_state_dict(state)
        self._weights, self.reason = state["weights"], state["reason"]

    def on_epoch_end(self, state: State) -> None:
        """Keep the weights if they are the best so far, and lose patience if they haven't been for long."""
        if self.improves(state):
            self._weights = state.model.state_dict()
        elif state.epoch - self.best_epoch >= self.patience:
            best = f"was best in epoch {self.best_epoch}" if self.best_epoch else "was always nan"
            self.reason = f"early stopping after epoch {state.epoch}: {self.monitor} {best}"
            state.stop(self.reason)

    def on_train_end(self, state: State) -> None:
        """Put the best weights back."""
        if self._weights and state.history.stopped in (None, self.reason):
            state.model.load_state_dict(self._weights)


class Schedule(Callback):
    """Move a learning-rate schedule on, after every epoch or every step.

    scheduler: one of optim's, of the optimiser that is given to fit. monitor: what ReduceLROnPlateau is told after
    each epoch; the validation loss, if there is one, else the loss. ValueError for settings that don't fit.

    >>> from micrograd_plus import data, nn, optim, training
    >>> model = nn.MLP(2, [4, 1], seed=1)
    >>> optimizer = optim.SGD(model.parameters(), lr=1.0)
    >>> halving = Schedule(optim.ExponentialLR(optimizer, gamma=0.5))
    >>> training.fit(model, data.xor(), loss="mse", optimizer=optimizer, epochs=3, callbacks=[halving], seed=0,
    ...              progress=False)["lr"]
    [1.0, 0.5, 0.25]
    """

    def __init__(self, scheduler: Any, every: str = "epoch", monitor: str | None = None):
        if not callable(getattr(scheduler, "step", None)) or isinstance(scheduler, type):
            raise TypeError(
                f"Schedule needs a schedule of optim's, as in Schedule(optim.StepLR(optimizer, 10)); got {scheduler!r}"
            )
        if every not in ("epoch", "step"):
            raise ValueError(f"Schedule: every must be 'epoch' or 'step', got {every!r}")
        self.looks = isinstance(scheduler, ReduceLROnPlateau)
        if self.looks and every == "step":
            raise ValueError("ReduceLROnPlateau looks at the loss of a whole epoch: use every='epoch'")
        self.scheduler, self.every, self.monitor = scheduler, every, monitor

    def on_train_begin(self, state: State) -> None:
        """Make sure that the rates it sets are those that are used."""
        if getattr(self.scheduler, "optimizer", state.optimizer) is not state.optimizer:
            raise ValueError(
                "this schedule belongs to another optimiser, so it would change nothing: give fit the same optimiser, "
                "optimizer=optimizer, that the schedule was made for"
            )

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule is."""
        return {"scheduler": self.scheduler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.scheduler.load_state_dict(state["scheduler"])

    def on_batch_end(self, state: State) -> None:
        """The next rate, if every='step'."""
        if self.every == "step":
            self.scheduler.step()

    def on_epoch_end(self, state: State) -> None:
        """The next rate, if every='epoch'."""
        if self.looks:
            monitor = self.monitor or ("val_loss" if "val_loss" in state.history.names else "loss")
            self.scheduler.step(watched(state, monitor, "Schedule"))
        elif self.every == "epoch":
            self.scheduler.step()


def watched(state: State, monitor: str, who: str) -> float:
    """The latest number of a column. ValueError, with the columns there are, if it isn't one."""
    row = state.history.rows[-1]
    if monitor not in row:
        hint = ": give fit validation=0.2" if monitor.startswith("val_") and "val_loss" not in row else ""
        raise ValueError(f"{who} watches {monitor!r}, but this training has only {', '.join(row)}{hint}")
    return row[monitor]


def as_callbacks(callbacks: Any) -> list[Callback]:
    """A list of callbacks, plain functions wrapped. TypeError for what can't be one."""
    if not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks must be a list, as in callbacks=[EarlyStopping()]; {got(callbacks)}")
    made: list[Callback] = []
    for callback in callbacks:
        if isinstance(callback, type):
            raise TypeError(f"callbacks has the class {callback.__name__}, make one of it: {callback.__name__}(…)")
        if not isinstance(callback, Callback) and not callable(callback):
            raise TypeError(f"a callback is a Callback, or a function to be called after each epoch; got {callback!r}")
        made.append(callback if isinstance(callback, Callback) else AtEpochEnd(callback))
    return made
