"""The loop: every epoch, every batch, every step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from operator import length_hint
from typing import Any

from ..data.arguments import got
from ..engine import no_grad
from ..engine.collector import collector_paused
from ..nn import Module
from .callbacks import Callback, State
from .feeding import AllAtOnce, OneByOne, not_finite, pairs
from .scopes import mode_restored, uninterrupted


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
        self.listeners = listeners
        self.batches = math.inf  # in an epoch, where the loader has no len: as many as in the epoch before
        self.measures = {name: m for name, m in measures.items() if not name.startswith("val_")}
        self.held_measures = {f"val_{name}": m for name, m in self.measures.items()} | {
            name: m for name, m in measures.items() if name.startswith("val_")
        }
        self.parameters = dict(self.model.named_parameters())
        self.loss_of = loss_of_batch(self.model, feeding, criterion, penalty)

    def run(self, loader: Iterable, held: Iterable | None) -> None:
        """All epochs, or fewer."""
        state, history = self.state, self.history
        try:
            self.tell("on_train_begin")
            while state.epoch < state.epochs and not history.stopped:  # not from the first, where training goes on
                state.epoch += 1
                began = time.perf_counter()
                self.tell("on_epoch_begin")
                row = self.epoch(loader, held)
                with uninterrupted():  # both, or none
                    history.rows.append(row)
                    history.seconds.append(time.perf_counter() - began)
                self.tell("on_epoch_end")
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
        expected = length_hint(loader) or self.batches
        for i, (x, y) in enumerate(pairs("data", loader), start=1):
            state.step += 1
            x, y = self.feeding.batch(x, y)
            with collector_paused():
                self.step(x, y)  # its graph is freed at its end, so the collector never sees it
            cost, samples = cost + state.loss * len(y), samples + len(y)
            state.share = (state.epoch - 1 + min(i / expected, 1.0)) / state.epochs
            self.tell("on_batch_end")
            if self.measures:
                seen.append((x, y))
        self.batches = i
        state.share = state.epoch / state.epochs
        row: dict[str, Any] = {"epoch": state.epoch, "loss": cost / samples}
        found = self.evaluate(seen, self.measures) if seen else {}
        if held is not None:
            batches = (self.feeding.batch(x, y) for x, y in pairs("validation", held))
            found |= self.evaluate(batches, {"val_loss": self.total, **self.held_measures})
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

    def evaluate(self, batches: Iterable, measures: dict[str, Callable]) -> dict[str, float]:
        """What is measured on all outputs at once, as in use: eval() mode, and no graph.

        Outputs that don't fit together (sequences, padded batch by batch) are measured batch by batch: the mean, each
        batch counting by its samples.
        """
        feeding, parts = self.feeding, []
        with mode_restored(self.model), no_grad():
            self.model.eval()
            for x, y in batches:
                output = feeding.outputs(self.model, x)
                parts.append((output, feeding.aligned(output, y)))
            if feeding.fit_together(parts):
                parts = [tuple(map(feeding.join, zip(*parts, strict=True)))]
            found = [{name: self.measure(m, *part) for name, m in measures.items()} for part in parts]
        if len(found) == 1:
            return found[0]
        samples = sum(len(y) for _, y in parts)
        return {
            name: sum(len(y) * row[name] for (_, y), row in zip(parts, found, strict=True)) / samples
            for name in measures
        }

    def measure(self, measure: Callable, output: Any, y: Any) -> float:
        """One metric, of plain numbers; the loss is given nodes, as in training."""
        return float(measure(output if measure == self.total else self.feeding.numbers(output), y))

    def total(self, output: Any, y: Any) -> Any:
        """What is minimised: the loss, and the penalty if there is one."""
        loss = self.criterion(output, y)
        return loss if self.penalty is None else loss + self.penalty(self.model)

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
