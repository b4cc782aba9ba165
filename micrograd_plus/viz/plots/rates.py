"""Learning rates: a sweep from tiny to huge, which shows where training falls and where it explodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from . import style
from .asking import all_restored, check_module, drawing_with, in_its_precision, matrix, numbers, takes_batches
from .landscape import one_number

MEMORY = 0.8  # of the smoothed loss: how much of it is the past
EXPLODED = 1.5  # times the loss at the start: the sweep ends


@dataclass
class Sweep:
    """What a sweep found: the loss before the step at each rate, the same smoothed, and the rate to try (or None)."""

    rates: np.ndarray
    losses: np.ndarray
    smooth: np.ndarray
    suggestion: float | None


def lr_sweep(
    model: Any,
    data: tuple[Any, Any],
    loss: Callable[[Any, Any], Any],
    *,
    low: float = 1e-5,
    high: float = 10.0,
    steps: int = 100,
    batch_size: int = 64,
    seed: int = 0,
) -> Sweep:
    """Train with plain gradient descent while the learning rate grows from low to high, each step by the same factor.

    data: (X, y), drawn in shuffled batches. loss: a function loss(output, target), such as nn.mse_loss. The sweep ends
    early when the loss explodes. The sweep is L. N. Smith's (2017, "Cyclical learning rates"); the suggestion is
    a rule of thumb for SGD (for Adam it is far too large): a tenth of the rate at which the smoothed loss was lowest,
    None if it never fell. The model is afterwards what it was, also after Ctrl-C. ValueError or TypeError
    for what can't be swept.

    >>> from micrograd_plus import data, nn, plots
    >>> sweep = plots.lr_sweep(nn.MLP(2, [4, 1], activation="tanh", seed=1), data.xor(), nn.mse_loss)
    >>> 0.01 < sweep.suggestion < 1
    True
    """
    check_module(model, "lr_finder")
    if not callable(loss) or hasattr(loss, "backward"):
        raise TypeError(f"loss must be a function loss(output, target), such as nn.mse_loss; got {loss!r:.60}")
    if not all(isinstance(rate, (int, float)) for rate in (low, high)) or not 0 < low < high < 1e300:
        raise ValueError(f"the rates must grow from low to high, both above 0; got low={low!r}, high={high!r}")
    for name, number, least in (("steps", steps, 10), ("batch_size", batch_size, 1)):
        if not isinstance(number, (int, np.integer)) or number < least:
            raise ValueError(f"{name} must be a whole number, at least {least}; got {number!r}")
    rates, losses = np.geomspace(low, high, steps), []
    parameters = list(model.parameters())
    batches = _batches(model, data, batch_size, seed)
    with all_restored(parameters, model), np.errstate(all="ignore"):
        for module in model.modules():
            module.training = True
        for rate, (x, y) in zip(rates, batches, strict=False):
            now = _step(model, parameters, x, y, loss, rate)
            losses.append(now)
            if not math.isfinite(now) or _smoothed(losses)[-1] > EXPLODED * max(losses[:5]):
                break
    kept = np.array([number for number in losses if math.isfinite(number)])
    if len(kept) < 5:
        raise ValueError(f"the loss exploded within {len(losses)} steps: begin with a smaller rate than low={low:g}")
    smooth = _smoothed(kept)
    return Sweep(rates[: len(kept)], kept, smooth, _safe(rates[: len(kept)], smooth))


def lr_finder(
    model: Any, data: tuple[Any, Any], loss: Callable[[Any, Any], Any], *, ax: Axes | None = None, **settings: Any
) -> Axes:
    """The loss over the learning rate in a sweep, and the rate to try first (see `lr_sweep`, which takes the settings).

    >>> from micrograd_plus import data, nn, plots
    >>> model = nn.MLP(2, [4, 1], activation="tanh", seed=1)
    >>> plots.lr_finder(model, data.xor(), nn.mse_loss, steps=50).get_xscale()
    'log'
    """
    sweep = lr_sweep(model, data, loss, **settings)
    ax = style.axes_or_new(ax)
    ax.plot(sweep.rates, sweep.losses, color=style.color(ax, 0), alpha=0.5, linewidth=1, label="loss of a batch")
    ax.plot(sweep.rates, sweep.smooth, color=style.color(ax, 0), linewidth=2, label="smoothed")
    if sweep.suggestion is not None:
        label = f"try {sweep.suggestion:.2g}: a tenth of the lowest point's"
        ax.axvline(sweep.suggestion, color=style.color(ax, 1), linestyle="--", label=label)
    low, high = sweep.smooth.min(), sweep.smooth[0]
    room = max(high - low, 0.1 * abs(high), 1e-12)
    ax.set(xscale="log", xlabel="learning rate (log scale)", ylabel="loss", ylim=(low - 0.2 * room, high + 0.8 * room))
    caption = "plain gradient descent, the rate growing at each step"
    style.titled(ax, "Which learning rate?", caption if sweep.suggestion else f"{caption}; the loss never fell")
    style.legend_below(ax)
    return ax


def _batches(model: Any, data: Any, size: int, seed: int) -> Iterator[tuple[Any, Any]]:
    """Batches as the model takes them, without end."""
    if not isinstance(data, tuple) or len(data) != 2:
        raise TypeError(f"data must be a tuple (X, y), got {data!r:.60}")
    X, y = numbers(data[0]), np.asarray(data[1])
    if len(X) != len(y) or not len(X):
        raise ValueError(f"each sample needs its target: there are {len(X)} samples and {len(y)} targets")
    if not takes_batches(model):
        matrix("X", X)
    order = drawing_with(seed).permutation(len(X))
    parts = [order[i : i + size] for i in range(0, len(X), size)]
    if not takes_batches(model):
        return ((X[part].tolist(), y[part].tolist()) for part in cycle(parts))
    X = in_its_precision(model, X)
    y = in_its_precision(model, y) if y.dtype.kind == "f" else y
    return ((X[part], y[part]) for part in cycle(parts))


def _step(model: Any, parameters: list[Any], x: Any, y: Any, loss: Callable, rate: float) -> float:
    """One step of gradient descent; the loss before it."""
    if isinstance(x, list):
        output: Any = [model(sample) for sample in x]
    else:
        output = model(x)
        if output.shape == (len(y), 1) and y.ndim == 1:  # a column of outputs needs a column of targets
            y = y.reshape(-1, 1)
    now = loss(output, y)
    if not hasattr(now, "backward"):
        raise TypeError(f"loss must give a Value or a Tensor that knows how it was made, got {now!r:.60}")
    number = one_number(now)
    for p in parameters:
        p.zero_grad()
    now.backward()
    for p in parameters:
        if p.requires_grad and p.grad is not None:
            p.data = p.data - float(rate) * p.grad
    return number


def _smoothed(losses: Any) -> np.ndarray:
    """A running mean that forgets, with its start corrected as Adam does it."""
    total, found = 0.0, []
    for i, number in enumerate(losses, start=1):
        total = MEMORY * total + (1 - MEMORY) * number
        found.append(total / (1 - MEMORY**i))
    return np.array(found)


def _safe(rates: np.ndarray, smooth: np.ndarray) -> float | None:
    """A tenth of the rate at which the smoothed loss was lowest; None if it was lowest at the start."""
    lowest = int(smooth.argmin())
    return float(rates[lowest]) / 10 if lowest > 1 else None
