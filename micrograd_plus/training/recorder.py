"""Recorder: what happens inside a model while it is trained, number by number."""

from __future__ import annotations

import math
from typing import Any

from ..data.arguments import whole
from .callbacks import Callback, State


class Recorder(Callback):
    """Record weights, gradients and updates of every named parameter, at every `every`-th step.

    rows: one dict for each recorded step and parameter (pandas.DataFrame(recorder.rows) works), with

        step, epoch, parameter         when, and which ("0.weight")
        weight_mean, _std, _norm       of the weights that the gradient was taken at
        gradient_mean, _std, _norm     of the gradient, as the optimiser got it
        update_mean, _std, _norm       of what the step added to the weights
        ratio                          update_norm / weight_norm: near 0.001 is healthy; nan where all weights are 0

    std divides by n; norm is the root of the sum of squares. Parameters without a gradient are left out.
    arrays, with keep="arrays": {step: {parameter: {"weight": …, "gradient": …, "update": …}}}, full copies.
    A recorder goes on where it was when it is given to another fit; make a new one to start afresh.

    >>> from micrograd_plus import data, nn, training
    >>> recorder = Recorder(every=2)
    >>> history = training.fit(nn.MLP(2, [4, 1], seed=1), data.xor(), loss="mse", optimizer="sgd", epochs=6,
    ...                        callbacks=[recorder], progress=False)
    >>> recorder.steps, len(recorder.series("layers.0.neurons.0.w.0", "gradient_norm"))
    ([2, 4, 6], 3)
    """

    def __init__(self, every: int = 1, keep: str = "statistics"):
        self.every = whole("every", every, example=10)
        if keep not in ("statistics", "arrays"):
            raise ValueError(f"Recorder: keep must be 'statistics' or 'arrays', got {keep!r}")
        self.keep = keep
        self.rows: list[dict[str, Any]] = []
        self.arrays: dict[int, dict[str, dict[str, Any]]] = {}
        self._before: dict[str, Any] = {}  # the weights that this step's gradient was taken at

    @property
    def steps(self) -> list[int]:
        """The recorded steps."""
        return list(dict.fromkeys(row["step"] for row in self.rows))

    @property
    def parameters(self) -> list[str]:
        """The names of the parameters."""
        return list(dict.fromkeys(row["parameter"] for row in self.rows))

    def series(self, parameter: str, column: str) -> list[float]:
        """One column of one parameter, a number a recorded step. KeyError if there is none such."""
        if self.rows and (parameter not in self.parameters or column not in self.rows[0]):
            raise KeyError(f"no {column!r} of {parameter!r}: see recorder.parameters and recorder.rows[0]")
        return [row[column] for row in self.rows if row["parameter"] == parameter]

    def after_backward(self, state: State) -> None:
        """Look at the weights."""
        if state.step % self.every == 0:
            self._before = {name: _numbers(p) for name, p in state.model.named_parameters() if p.requires_grad}

    def on_batch_end(self, state: State) -> None:
        """Look again, and write down what changed; the gradient is still the one that the optimiser used."""
        for name, p in state.model.named_parameters() if self._before else ():
            if name in self._before and p.grad is not None:
                weight = self._before[name]
                self._record(state, name, {"weight": weight, "gradient": p.grad, "update": _numbers(p) - weight})
        self._before = {}

    def _record(self, state: State, name: str, found: dict[str, Any]) -> None:
        row: dict[str, Any] = {"step": state.step, "epoch": state.epoch, "parameter": name}
        for quantity, numbers in found.items():
            row |= {f"{quantity}_{k}": v for k, v in _statistics(numbers).items()}
        row["ratio"] = row["update_norm"] / row["weight_norm"] if row["weight_norm"] else math.nan
        self.rows.append(row)
        if self.keep == "arrays":
            copies = {k: x.copy() if hasattr(x, "copy") else x for k, x in found.items()}
            self.arrays.setdefault(state.step, {})[name] = copies


def _numbers(p: Any) -> Any:
    """A parameter's numbers as they are now: a float, or an array that nobody can write to."""
    return p.numpy() if hasattr(p, "numpy") else p.data


def _statistics(x: Any) -> dict[str, float]:
    if not hasattr(x, "mean"):  # one number
        return {"mean": x, "std": 0.0, "norm": abs(x)}
    return {"mean": float(x.mean()), "std": float(x.std()), "norm": math.sqrt(float((x * x).sum()))}
