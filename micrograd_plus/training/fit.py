"""fit: the training loop."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ..data.arguments import generator, whole
from ..engine import no_grad
from ..nn import Module
from . import choices
from .callbacks import Callback, State, as_callbacks
from .feeding import feeding_of, is_pair, loader_of, not_finite, pairs, split
from .history import History
from .progress import Progress, screen_for


def fit(
    model: Module,
    data: Any,
    loss: str | Callable[[Any, Any], Any] | None = None,
    optimizer: Any = None,
    epochs: int = 10,
    batch_size: int = 32,
    validation: Any = None,
    metrics: Any = None,
    penalty: Callable[[Any], Any] | None = None,
    callbacks: Iterable[Callback | Callable[[State], Any]] = (),
    progress: bool | Callable[[str], Any] = True,
    seed: int | None = None,
) -> History:
    """Train a model; the history says how it went.

    data: a tuple (X, y) with one entry each a sample, shuffled anew for each epoch; or what gives (x, y) batches each
        time it is looped over, such as data.DataLoader (batch_size is then its own).
    loss: a function loss(output, target), or a name: "mse", "cross_entropy" …
    optimizer: one of optim's, or a name: "sgd" (lr=0.1), "adam" … (with their usual rates).
    validation: data that is only looked at; or a share, 0.2, that is split off (X, y) at random before training.
    metrics: "accuracy", or {name: function(output, target)}, of the outputs as plain numbers.
    penalty: a function of the model that is added to the loss, as lambda m: 1e-4 * nn.l2_penalty(m).
    callbacks: a list of Callbacks, or functions of the `State` that are called after each epoch.
    progress: False for silence; a function that is given the lines.
    seed: for the split and the shuffling; without it they come from Python's `random`. Initial weights and dropout
        draw from elsewhere: `micrograd_plus.seed` makes all of it repeatable.

    A model of Values is called with one sample, a list of numbers, at a time, and the loss gets the list of its
    answers. A model of Tensors is called with a whole batch, an array in the model's dtype; targets (N,) become a
    column for outputs (N, 1), but not for class numbers.

    The history's loss is the mean over an epoch's batches, while the weights moved. val_loss and all metrics are taken
    over the whole set at once after the epoch, without a graph and in eval() mode. Both losses include the penalty.
    Each module's mode is at the end what it was before.

    Ctrl-C ends training and returns the history so far; a step is made wholly or not at all. A loss or gradient that is
    nan or infinite raises FloatingPointError, with the history as its `.history` and the weights as they were before
    that step. ValueError or TypeError for arguments that can't be right.

    >>> from micrograd_plus import data, nn
    >>> model = nn.MLP(2, [4, 1], activation="tanh", seed=1)
    >>> history = fit(model, data.xor(), loss="mse", optimizer="sgd", epochs=500, seed=0, progress=False)
    >>> history["loss"][-1] < 0.01
    True
    """
    _check_model(model)
    epochs, batch_size = whole("epochs", epochs, example=10), whole("batch_size", batch_size, example=32)
    generator(seed)  # refuses what can't be one
    criterion = choices.loss_of(loss)
    optimizer = choices.optimizer_of(optimizer, model)
    data, validation = split(data, validation, seed)
    loader = loader_of("data", data, batch_size, shuffle=True, seed=seed)
    held = None if validation is None else loader_of("validation", validation, batch_size, shuffle=False, seed=None)
    feeding = feeding_of(model, classes=choices.kind_of(criterion) in choices.OF_CLASSES)
    labels = data[1] if is_pair(data) else ()
    measures = choices.metrics_of(metrics, criterion, labels)
    shower = Progress(screen_for(progress))
    listeners = [*as_callbacks(callbacks), shower]

    history = History()
    state = State(model, optimizer, history, epochs)

    def tell(hook: str) -> None:
        for listener in listeners:
            getattr(listener, hook)(state)

    def total(output: Any, y: Any) -> Any:
        cost = criterion(output, feeding.aligned(output, y))
        return cost if penalty is None else cost + penalty(model)

    def step(x: Any, y: Any) -> None:
        """The four lines that training is, and what looks on."""
        if not model.training:
            model.train()
        cost = total(feeding.outputs(model, x), y)
        state.loss = _number(cost)
        _check_finite("the loss", state.loss, state, x, y)
        optimizer.zero_grad()
        cost.backward()
        tell("after_backward")
        for name, p in model.named_parameters():
            _check_finite(f"the gradient of {name}", _largest(p.grad), state, x, y)
        with uninterrupted():
            optimizer.step()
            history.steps.append(state.loss)

    def evaluate(batches: Iterable) -> dict[str, float]:
        with _mode_restored(model), no_grad():
            model.eval()
            fed = [feeding.batch(x, y) for x, y in batches]
            output, y = feeding.join([feeding.outputs(model, x) for x, _ in fed]), feeding.join([y for _, y in fed])
            numbers, targets = feeding.numbers(output), feeding.aligned(output, y)
            found = {name: float(measure(numbers, targets)) for name, measure in measures.items()}
            return {"loss": float(total(output, y)), **found}

    def epoch() -> None:
        began = time.perf_counter()
        tell("on_epoch_begin")
        seen, costs = [], []
        for i, (x, y) in enumerate(pairs("data", loader)):
            x, y = feeding.batch(x, y)
            state.step += 1
            step(x, y)
            costs.append((state.loss, len(x)))
            ...
        row = {"epoch": state.epoch, "loss": 0.0}
    return history
