"""fit: the training loop."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import Any

from ..data.arguments import generator, got, whole
from ..engine import no_grad
from ..engine.collector import collector_paused
from ..nn import Module
from . import choices
from .callbacks import Callback, State, as_callbacks
from .feeding import AllAtOnce, OneByOne, feeding_of, loader_of, not_finite, pairs, split
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
    compile: bool = False,
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
    compile: True records the step and replays it (see `micrograd_plus.compile`): the same numbers to rounding, and for
        models of Values hundreds of times as fast. Hooks on modules run while a step is recorded only.

    A model of Values is called with one sample, a list of numbers, at a time, and the loss gets the list of its
    answers. A model of Tensors is called with a whole batch, an array in the model's dtype; targets (N,) become a
    column for outputs (N, 1), but not for class numbers.

    The history's loss is the mean over an epoch's batches, while the weights moved. val_loss and all metrics are taken
    over the whole set at once after the epoch, without a graph and in eval() mode. Both losses include the penalty.
    Each module's mode is at the end what it was before.

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
    generator(seed)  # refuses what can't be one
    criterion = choices.loss_of(loss)
    measures = choices.metrics_of(metrics, criterion)
    optimizer = choices.optimizer_of(optimizer, model)
    listeners = as_callbacks(callbacks)
    if penalty is not None and not callable(penalty):
        raise TypeError(f"penalty must be a function, as lambda model: 1e-4 * nn.l2_penalty(model); {got(penalty)}")
    if not isinstance(compile, bool):
        raise TypeError(f"compile is True or False, as in fit(..., compile=True); {got(compile)}")
    data, validation = split(data, validation, seed)
    loader = loader_of("data", data, batch_size, shuffle=True, seed=seed)
    held = None if validation is None else loader_of("validation", validation, batch_size, shuffle=False, seed=None)
    feeding = feeding_of(model, classes=choices.kind_of(criterion) in choices.OF_CLASSES)
    bar = Progress(screen_for(progress))
    state = State(model, optimizer, History(), epochs)
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


class Loop:
    """The loop itself, when all that goes into it has been found good."""

    def __init__(
        self,
        state: State,
        feeding: OneByOne | AllAtOnce,
        criterion: Callable,
        penalty: Callable | None,
        measures: dict[str, Callable],
        listeners: list[Callback],
    ):
        self.state, self.model, self.optimizer, self.history = state, state.model, state.optimizer, state.history
        self.feeding, self.criterion, self.penalty = feeding, criterion, penalty
        self.measures, self.listeners = measures, listeners
        self.parameters = dict(self.model.named_parameters())
        self.loss_of = loss_of_batch(self.model, feeding, criterion, penalty)

    def run(self, loader: Iterable, held: Iterable | None) -> None:
        """All epochs, or fewer."""
        state, history = self.state, self.history
        try:
            self.tell("on_train_begin")
            for epoch in range(1, state.epochs + 1):
                state.epoch = epoch
                began = time.perf_counter()
                self.tell("on_epoch_begin")
                history.rows.append(self.epoch(loader, held))
                history.seconds.append(time.perf_counter() - began)
                self.tell("on_epoch_end")
                if history.stopped:
                    break
        except KeyboardInterrupt:
            history.stopped = f"interrupted by Ctrl-C in epoch {state.epoch}"
        except BaseException as error:
            history.stopped = history.stopped or f"{type(error).__name__}: {error}"
            raise
        finally:
            self.tell("on_train_end")

    def epoch(self, loader: Iterable, held: Iterable | None) -> dict[str, Any]:
        """Every batch once; returns the epoch's numbers."""
        state, seen = self.state, []
        cost = samples = 0.0
        expected = len(loader) if isinstance(loader, Sized) else math.inf
        for i, (x, y) in enumerate(pairs("data", loader), start=1):
            state.step += 1
            x, y = self.feeding.batch(x, y)
            with collector_paused():
                self.step(x, y)  # its graph is freed at its end, so the collector never sees it
            cost, samples = cost + state.loss * len(x), samples + len(x)
            state.share = (state.epoch - 1 + min(i / expected, 1.0)) / state.epochs
            self.tell("on_batch_end")
            if self.measures:
                seen.append((x, y))
        state.share = state.epoch / state.epochs
        row: dict[str, Any] = {"epoch": state.epoch, "loss": cost / samples}
        found = self.evaluate(seen) if seen else {}
        if held is not None:
            batches = [self.feeding.batch(x, y) for x, y in pairs("validation", held)]
            found |= {f"val_{name}": number for name, number in self.evaluate(batches, loss=True).items()}
        return row | found | ({} if state.lr is None else {"lr": state.lr})

    def step(self, x: Any, y: Any) -> None:
        """Forward, loss, backward, update: the lines that training is made of."""
        if not self.model.training:
            self.model.train()
        loss = self.loss_of(x, y)
        self.state.loss = as_number(loss)
        self.demand_finite("the loss", self.state.loss, x, y)
        self.optimizer.zero_grad()
        loss.backward()
        self.tell("after_backward")
        for name, p in self.parameters.items():
            self.demand_finite(f"the gradient of {name}", largest(p.grad), x, y)
        with uninterrupted():
            self.optimizer.step()
            self.history.steps.append(self.state.loss)

    def total(self, output: Any, y: Any) -> Any:
        """What is minimised: the loss, and the penalty if there is one."""
        loss = self.criterion(output, y)
        return loss if self.penalty is None else loss + self.penalty(self.model)

    def evaluate(self, batches: list, loss: bool = False) -> dict[str, float]:
        """The metrics (and the loss) of all outputs at once, as in use: eval() mode, and no graph."""
        feeding = self.feeding
        with mode_restored(self.model), no_grad():
            self.model.eval()
            output = feeding.join([feeding.outputs(self.model, x) for x, _ in batches])
            y = feeding.aligned(output, feeding.join([y for _, y in batches]))
            found = {"loss": float(self.total(output, y))} if loss else {}
            return found | {name: float(m(feeding.numbers(output), y)) for name, m in self.measures.items()}

    def tell(self, hook: str) -> None:
        """Give every callback its turn."""
        for listener in self.listeners:
            getattr(listener, hook)(self.state)

    def demand_finite(self, what: str, number: float, x: Any, y: Any) -> None:
        """FloatingPointError, with what to try, if the number is nan or infinite."""
        if math.isfinite(number):
            return
        state, history = self.state, self.history
        history.stopped = f"{what} became {number} in epoch {state.epoch}, step {state.step}"
        before = ", ".join(f"{loss:.4g}" for loss in history.steps[-3:]) or "none"
        bad = {"X": not_finite(x), "y": not_finite(y)}
        if any(bad.values()):
            found = " and ".join(f"{n} in {name}" for name, n in bad.items() if n)
            advice = f"This batch has numbers that are nan or infinite ({found}): clean the data first"
        else:
            rate = f" (it is {state.lr:g})" if state.lr is not None else ""
            advice = (
                f"Try a smaller learning rate{rate}; clip the gradients (see training.Callback); losses that take "
                "logits (bce_with_logits, cross_entropy) in place of the log of a probability"
            )
        error = FloatingPointError(
            f"{history.stopped}; the losses before: {before}. The weights are as they were before this step. {advice}."
        )
        error.history = history  # type: ignore[attr-defined]
        raise error


def loss_of_batch(
    model: Module, feeding: OneByOne | AllAtOnce, criterion: Callable, penalty: Callable | None
) -> Callable[[Any, Any], Any]:
    """The function that a step differentiates: from a batch to the loss, and the penalty if there is one."""

    def loss(x: Any, y: Any) -> Any:
        output = feeding.outputs(model, x)
        cost = criterion(output, feeding.aligned(output, y))
        return cost if penalty is None else cost + penalty(model)

    return loss


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


def as_number(loss: Any) -> float:
    """The loss as a float; TypeError or ValueError for what backward() can't start from."""
    if not hasattr(loss, "backward"):
        raise TypeError(
            f"the loss must be a Value or a Tensor that knows how it was made, {got(loss)}: compute it from the "
            "model's output, without .data, .item() or float()"
        )
    if getattr(loss, "size", 1) != 1:
        raise ValueError(f"the loss must be one number, got shape {loss.shape}: take its .mean()")
    return float(loss)


def largest(gradient: Any) -> float:
    """The largest size of a number in a gradient; nan if one of them is."""
    if hasattr(gradient, "max"):
        return float(abs(gradient).max(initial=0.0))
    return abs(gradient or 0.0)


@contextmanager
def mode_restored(model: Module) -> Iterator[None]:
    """Whatever train() and eval() do meanwhile, each module ends in the mode it had."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A Ctrl-C meanwhile takes effect afterwards. (Signals reach the main thread only.)"""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    pressed: list[tuple] = []
    signal.signal(signal.SIGINT, lambda *args: pressed.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        before(*pressed[0])
