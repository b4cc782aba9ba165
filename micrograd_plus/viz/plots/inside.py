"""Inside: the weights, activations and gradients of each layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from . import style
from .asking import (
    check_module,
    in_its_precision,
    in_use,
    layers_of,
    matrix,
    numbers,
    parameter_groups,
    takes_batches,
)

UNCHANGING = ("dropout", "flatten", "identity")  # layers that in eval mode give what they got
SATURATED = 0.97  # |tanh| above it: the slope, 1 - tanh², is below 0.06
ROW, EXTRA = 0.42, 1.4  # inches: of a layer in the picture, and of the rest


def weights(model: Any, *, ax: Axes | None = None, bins: int = 50) -> Axes:
    """A histogram of the numbers in every parameter, the first layer on top.

    model: a network of nn; its single Values are taken together, list by list. Each hill has the same height; its
    spread is written beside it. TypeError for what is no module, ValueError for a model without parameters.

    >>> from micrograd_plus import nn, plots
    >>> [tick.get_text() for tick in plots.weights(nn.MLP(2, [8, 1], seed=0)).get_yticklabels()]
    ['layers.0.w', 'layers.0.b', 'layers.1.w', 'layers.1.b']
    """
    groups = _groups(model, "weights")
    found = {name: np.concatenate([numbers(p).ravel() for p in ps]) for name, ps in groups.items()}
    _check_finite(found, "weights")
    notes = {name: f"std {x.std():.2g}" if x.size > 1 else f"{x[0]:.2g}" for name, x in found.items()}
    ax = _hills(ax, found, notes, bins)
    ax.set(xlabel="weight")
    style.titled(ax, "The weights of each layer", f"{sum(x.size for x in found.values()):,} numbers")
    return ax


def gradients(model: Any, *, ax: Axes | None = None, bins: int = 50) -> Axes:
    """A histogram of the gradient in every parameter, as the last backward() left it; the first layer on top.

    Beside each stands its spread (the standard deviation), and that as a share of the spread of the weights: layers
    that differ much in it learn at different speeds. TypeError for what is no module, ValueError where no gradient has
    arrived.

    >>> from micrograd_plus import nn, plots
    >>> model = nn.MLP(2, [4, 1], activation="tanh", seed=0)
    >>> model([1.0, 2.0]).backward()
    >>> plots.gradients(model).get_xlabel()
    'gradient of the loss'
    """
    groups = _groups(model, "gradients")
    found = _gradients(groups)
    notes = {}
    for name, g in found.items():
        spread = np.concatenate([numbers(p).ravel() for p in groups[name]]).std()
        notes[name] = f"std {g.std():.2g}" + (f" ({g.std() / spread:.1%})" if spread else "")
    ax = _hills(ax, found, notes, bins)
    ax.set(xlabel="gradient of the loss")
    style.titled(ax, "The gradients of each layer", "in brackets: their spread as a share of that of the weights")
    return ax


def gradient_flow(model: Any, *, ax: Axes | None = None) -> Axes:
    """The mean and the largest size of the gradient in every parameter, on a logarithmic axis, the first layer on top.

    Where it shrinks layer by layer towards the first, gradients vanish; where it grows, they explode. A gradient
    that is 0 everywhere is written as such. TypeError for what is no module, ValueError where no gradient has arrived.

    >>> from micrograd_plus import nn, plots
    >>> model = nn.MLP(2, [4, 1], activation="tanh", seed=0)
    >>> model([1.0, 2.0]).backward()
    >>> plots.gradient_flow(model).get_xscale()
    'log'
    """
    found = _gradients(_groups(model, "gradient_flow"))
    names = list(found)
    mean, top = (np.array([how(np.abs(g)) for g in found.values()]) for how in (np.mean, np.max))
    alive = np.flatnonzero(top > 0)
    ax = style.axes_or_new(ax, height=EXTRA + ROW * max(4, len(names)))
    ax.hlines(alive, mean[alive], top[alive], color=style.color(ax, 0), linewidth=2, alpha=0.5)
    look: Any = {"linestyle": "none", "markersize": 7}
    ax.plot(mean[alive], alive, marker="o", color=style.color(ax, 0), label="mean |gradient|", **look)
    ax.plot(top[alive], alive, marker="d", color=style.color(ax, 1), label="largest |gradient|", **look)
    ax.set_xscale("log")
    ax.set_xlim(10 ** np.floor(np.log10(mean[alive].min()) - 0.05), 10 ** np.ceil(np.log10(top.max()) + 0.05))
    ax.xaxis.set_minor_formatter(NullFormatter())
    for i in np.flatnonzero(top == 0).tolist():
        ax.text(
            0.02,
            i,
            "0 everywhere",
            transform=ax.get_yaxis_transform(),
            va="center",
            fontsize="small",
            color=style.ink(ax),
        )
    ax.set_yticks(range(len(names)), [style.as_text(name) for name in names])
    ax.set(xlabel="size of the gradient (log scale)", ylim=(len(names) - 0.5, -0.5))
    ax.grid(axis="x", alpha=0.25)
    style.titled(ax, "How the gradient flows back", "from the last layer (below) to the first (above)")
    style.legend_below(ax)
    return ax


def activations(model: Any, X: Any, *, ax: Axes | None = None, bins: int = 50) -> Axes:
    """A histogram of what every layer gives for the samples X, the first layer on top.

    X: (n, inputs), or whatever batch the model takes. Beside each stands what to look for: the share of outputs of a
    tanh (or sigmoid) at its ends, where its slope is nearly 0; for a ReLU the share of zeros, and how many of its
    neurons are dead: 0 for every sample. The model is asked in eval mode; layers that change nothing then (dropout,
    flatten) are left out. TypeError for what is no module, ValueError for samples that it can't take.

    >>> from micrograd_plus import nn, plots
    >>> ax = plots.activations(nn.MLP(2, [3, 1], activation="tanh", seed=0), [[9.0, 9.0], [0.0, 0.0]])
    >>> [text.get_text() for text in ax.texts][0]
    '33% saturated'
    """
    check_module(model, "activations")
    seen = _watched(model, X)
    if not seen:
        raise ValueError("no layer of this model was called: does its forward() use its modules?")
    _check_finite({name: y for name, (_, y) in seen.items()}, "outputs")
    found = {name: y[y != 0] if kind == "relu" else y.ravel() for name, (kind, y) in seen.items()}
    notes = {name: _health(kind, y) for name, (kind, y) in seen.items()}
    ax = _hills(ax, found, notes, bins)
    ax.set(xlabel="output")
    n = len(next(iter(seen.values()))[1])
    samples = f"{n:,} samples" if n != 1 else "1 sample"
    rectified = any(kind == "relu" for kind, _ in seen.values())
    style.titled(ax, "What each layer gives", samples + "; a ReLU's zeros are counted, not drawn" * rectified)
    return ax


# -- reading ----------------------------------------------------------------------------------------------------------


def _groups(model: Any, who: str) -> dict[str, list[Any]]:
    check_module(model, who)
    groups = parameter_groups(model)
    if not groups:
        raise ValueError(f"{who}: {type(model).__name__} has no parameters, so there is nothing to draw")
    return groups


def _gradients(groups: dict[str, list[Any]]) -> dict[str, np.ndarray]:
    """The gradients by name; parameters that are frozen are left out."""
    found = {}
    for name, ps in groups.items():
        parts = [numbers(p.grad).ravel() for p in ps if p.requires_grad and p.grad is not None]
        if parts:
            found[name] = np.concatenate(parts)
    if not any(g.any() for g in found.values()):
        raise ValueError("no gradient has arrived yet: compute a loss with this model, and call loss.backward() first")
    _check_finite(found, "gradients")
    return found


def _check_finite(found: dict[str, np.ndarray], what: str) -> None:
    for name, x in found.items():
        if not np.isfinite(x).all():
            raise ValueError(
                f"some {what} of {name} are nan or infinite, so they can't be drawn: has training diverged? Try "
                "a smaller learning rate"
            )


def _watched(model: Any, X: Any) -> dict[str, tuple[str, np.ndarray]]:
    """{layer: (its kind, its outputs)}, seen by forward hooks that are taken away again."""
    outputs: dict[str, list[np.ndarray]] = {}
    kinds: dict[str, str] = {}
    batched = takes_batches(model)
    samples = numbers(X) if batched else matrix("X", X)

    def watch(name: str, module: Any) -> Any:
        def note(_: Any, inputs: tuple, output: Any) -> None:
            y = numbers(output)
            outputs.setdefault(name, []).append(y if batched else y.reshape(1, -1))

        kinds[name] = _kind(module)
        return module.register_forward_hook(note)

    removers = []
    try:
        for name, module in layers_of(model):
            if _kind(module) not in UNCHANGING:
                removers.append(watch(f"{name} {type(module).__name__}".strip(), module))
        with in_use(model):
            for batch in [in_its_precision(model, samples)] if batched else samples.tolist():
                model(batch)
    except (TypeError, ValueError, IndexError) as error:
        raise ValueError(f"the model can't take these samples, of shape {samples.shape}; it says: {error}") from error
    finally:
        for remove in removers:
            remove()
    return {name: (kinds[name], np.concatenate([np.atleast_1d(y) for y in ys])) for name, ys in outputs.items()}


def _kind(module: Any) -> str:
    """tanh, relu …: by the name of the class, or what a layer of neurons says of itself."""
    neurons = getattr(module, "neurons", None)
    return str(neurons[0].activation if neurons else type(module).__name__).lower()


def _health(kind: str, y: np.ndarray) -> str:
    """What to know of a layer's outputs (n, …) at a glance."""
    if kind == "relu":
        dead = (y.reshape(len(y), -1) == 0).all(axis=0)
        return f"{(y == 0).mean():.0%} at 0, {dead.sum()} of {dead.size} dead"
    if kind in ("tanh", "sigmoid"):
        steep = y if kind == "tanh" else 2 * y - 1
        return f"{(np.abs(steep) > SATURATED).mean():.0%} saturated"
    return f"mean {y.mean():.2g}, std {y.std():.2g}"


# -- drawing ----------------------------------------------------------------------------------------------------------


def _hills(ax: Axes | None, found: dict[str, np.ndarray], notes: dict[str, str], bins: int) -> Axes:
    """One histogram a row, all over one x axis, each scaled to the height of its row; a note at the right."""
    if not isinstance(bins, (int, np.integer)) or bins < 1:
        raise ValueError(f"bins is the number of columns in a histogram, at least 1; got {bins!r}")
    together = np.concatenate(list(found.values()))
    low, high = (together.min(), together.max()) if together.size else (0.0, 0.0)  # all ReLUs dead
    room = 0.03 * (high - low) or 0.5
    ax = style.axes_or_new(ax, width=6.4, height=EXTRA + ROW * max(4, len(found)))
    for i, (name, x) in enumerate(found.items()):
        if x.size:
            _hill(ax, i, x, _edges(x, bins, room))
        ax.annotate(
            notes[name], (1, i), xycoords=ax.get_yaxis_transform(), xytext=(6, 0), textcoords="offset points",
            va="center", fontsize="small", color=style.ink(ax),
        )  # fmt: skip
    ax.set_yticks(range(len(found)), [style.as_text(name) for name in found])
    ax.tick_params(axis="y", length=0)
    ax.set(xlim=(low - room, high + room), ylim=(len(found) - 0.4, -0.6))
    return ax


def _hill(ax: Axes, i: int, x: np.ndarray, edges: np.ndarray) -> None:
    """The histogram of row i: y points down, so a hill rises from i + 0.4 to i - 0.4."""
    counts = np.histogram(x, edges)[0]
    tops = i + 0.4 - 0.8 * counts / counts.max()
    ax.stairs(tops, edges, baseline=i + 0.4, fill=True, alpha=0.75, color=style.color(ax, 0))


def _edges(x: np.ndarray, bins: int, room: float) -> np.ndarray:
    """The columns of one histogram: over its own range, and fewer for few numbers (2 · root of n, as a habit)."""
    low, high = x.min(), x.max()
    if high - low < 0.4 * room:  # all about the same: one column, wide enough to be seen
        return np.array([low + high - 0.4 * room, low + high + 0.4 * room]) / 2
    return np.linspace(low, high, min(bins, max(6, round(2 * x.size**0.5))) + 1)
