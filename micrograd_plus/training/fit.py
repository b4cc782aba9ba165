"""fit: a model trained in one call."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

from ..data.arguments import generator, got, whole
from ..nn import Module
from . import choices
from .callbacks import Callback, State, as_callbacks
from .checkpoints import resuming_one
from .feeding import feeding_of, is_share, loader_of, samples_of, split
from .history import History
from .loop import Loop
from .progress import Progress, screen_for
from .scopes import mode_restored


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
    compile: bool = False,
) -> History:
    """Train a model; the history says how it went.

    data: a tuple (X, y) with one entry each a sample, shuffled anew for each epoch; or what gives (x, y) batches each
        time it is looped over, such as data.DataLoader (batch_size is then its own). It may make each batch when it is
        asked for it, from the model as it is by then (self-play): in eval() mode, under no_grad(), with or without len.
        For a model of several inputs, model(a, b), X is a tuple of arrays: data=((a, b), y), batches ((a, b), y).
    loss: a function loss(output, target), or a name: "mse", "cross_entropy" …
    optimizer: one of optim's, or a name: "sgd" (lr=0.1), "adam" … (with their usual rates).
    validation: data that is only looked at; or a share, 0.2, that is split off (X, y) at random before training.
    metrics: "accuracy", or {name: function(output, target)}, of the outputs as plain numbers; taken of the
        training data and of the validation data ("val_accuracy"). A name that begins with val_ asks for the latter
        alone: where there are many training data, that saves a good part of the time.
    penalty: a function of the model that is added to the loss, as lambda m: 1e-4 * nn.l2_penalty(m).
    callbacks: a list of Callbacks, or functions of the `State` that are called after each epoch. With
        Checkpoint(path, resume=True) among them, training goes on where it was interrupted.
    progress: False for silence; a function that is given the lines.
    seed: for the split and the shuffling; without it they come from Python's `random`. Initial weights and dropout
        draw from elsewhere: `micrograd_plus.seed` makes all of it repeatable.
    compile: True records the step and replays it (see `micrograd_plus.compile`): the same numbers to rounding, and for
        models of Values hundreds of times as fast. Hooks on modules run while a step is recorded only.

    A model of Values is called with one sample, a list of numbers, at a time, and the loss gets the list of its
    answers. A model of Tensors is called with a whole batch, an array in the model's dtype (whole numbers, as of
    tokens, stay what they are); targets (N,) become a column for outputs (N, 1), but not for class numbers.

    The history's loss is the mean over an epoch's batches, while the weights moved. val_loss and all metrics are taken
    over the whole set at once after the epoch, without a graph and in eval() mode; where the batches' outputs differ in
    shape (sequences, padded batch by batch), batch by batch. Both losses include the penalty. Each module's mode is at
    the end what it was before.

    During a step Python's cyclic garbage collector is paused: a graph has no cycles, so it would search thousands of
    Values in vain. Between steps it runs by its usual rules, so garbage of your own (in a loss, a callback) doesn't
    pile up. Each pause ends with the step, also after an error or Ctrl-C; a collector that you had switched off stays
    off. There is one collector for all threads, so theirs pauses too; don't switch it on or off while fit runs.

    Ctrl-C ends training and returns the history so far; a step is made wholly or not at all. A loss or gradient that is
    nan or infinite raises FloatingPointError, with the history as its `.history` and the weights as they were before
    that step. ValueError or TypeError for arguments that can't be right.

    >>> from micrograd_plus import data, nn
    >>> model = nn.MLP(2, [4, 1], activation="tanh", seed=1)
    >>> history = fit(model, data.xor(), loss="mse", optimizer="sgd", epochs=500, seed=0, progress=False)
    >>> history["loss"][-1] < 0.01
    True
    """
    check_model(model)
    epochs, batch_size = whole("epochs", epochs, example=10), whole("batch_size", batch_size, example=32)
    criterion = choices.loss_of(loss)
    measures = choices.metrics_of(metrics, criterion)
    optimizer = choices.optimizer_of(optimizer, model)
    listeners = as_callbacks(callbacks)
    if penalty is not None and not callable(penalty):
        raise TypeError(f"penalty must be a function, as lambda model: 1e-4 * nn.l2_penalty(model); {got(penalty)}")
    if not isinstance(compile, bool):
        raise TypeError(f"compile is True or False, as in fit(..., compile=True); {got(compile)}")
    if only_held := [name for name in measures if name.startswith("val_") and validation is None]:
        raise ValueError(f"{only_held[0]!r} is measured on validation data: give fit some, as in validation=0.2")
    resuming = resuming_one(listeners, optimizer)
    # what training that goes on must have in common with what was begun
    settings = choices.in_words(model, optimizer, criterion, measures) | {"seed": str(seed)}
    kept = resuming.open(model, optimizer, listeners) if resuming else {}
    generator(seed)  # refuses what can't be one; it draws, so it comes after what may have to be put back
    if seed is None and is_share(validation):
        settings["split"] = kept.get("split") or str(random.getrandbits(64))
    data, validation = split(data, validation, int(settings["split"]) if "split" in settings else seed)
    loader = loader_of("data", data, batch_size, shuffle=True, seed=seed)
    held = None if validation is None else loader_of("validation", validation, batch_size, shuffle=False, seed=None)
    feeding = feeding_of(model, classes=choices.kind_of(criterion) in choices.OF_CLASSES)
    bar = Progress(screen_for(progress))
    settings |= {"batch_size": repr(getattr(loader, "batch_size", None)), "samples": samples_of(loader)}
    settings["validation"] = "none" if held is None else f"{samples_of(held)} samples"
    loaders = (loader,) if held is None else (loader, held)
    state = State(model, optimizer, History(), epochs, callbacks=listeners, loaders=loaders, settings=settings)
    loop = Loop(state, feeding, criterion, penalty, measures, [*listeners, bar])
    if compile:
        from ..tape import compile as compiled  # at first use: it needs NumPy

        loop.loss_of = compiled(loop.loss_of)
    try:
        with mode_restored(model):
            loop.run(loader, held)
    except BaseException:
        bar.close(state, why=None)  # the error speaks for itself
        raise
    bar.close(state, why=state.history.stopped)
    return state.history


def check_model(model: Any) -> None:
    """TypeError or ValueError for what can't be trained."""
    if isinstance(model, type):
        raise TypeError(f"model is the class {model.__name__}: make one of it first, model = {model.__name__}(…)")
    if not isinstance(model, Module):
        raise TypeError(f"model must be an nn.Module, such as nn.MLP or nn.Sequential; {got(model)}")
    parameters = model.parameters()
    if not parameters:
        raise ValueError(
            f"{type(model).__name__} has no parameters, so there is nothing to train: keep Values, Tensors or layers "
            "as its attributes (self.layer = nn.Linear(2, 1))"
        )
    if lost := model.lost_parameters():
        raise ValueError(
            f"{', '.join(lost)}: computed from something else, so no parameter, and training would pass it over. "
            "Make it in one go: Tensor(0.1 * numbers) in place of Tensor(numbers) * 0.1"
        )
    if not any(p.requires_grad for p in parameters):
        raise ValueError("all parameters are frozen, so nothing can be trained: model.requires_grad_(True) thaws them")
