"""Decision boundary: what a classifier says of every place in the plane, and the points it learned from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

from . import style
from .asking import answers, column, is_module, matrix, numbers, quick, takes_batches

FINE, COARSE = 60, 30  # points an axis: of a model that takes all at once, and of one asked point by point


def decision_boundary(
    model: Callable,
    X: Any,
    y: Any,
    *,
    ax: Axes | None = None,
    resolution: int | None = None,
    boundary: float | None = None,
    show_neurons: bool = False,
) -> Axes:
    """Colour the plane by the class that the model would give to each place: the more certain, the fuller the colour.

    model: anything that answers samples of two numbers: a network of Tensors or Values, or a function. It gives one
    number a sample for two classes (a score, margin or probability), or one score for each class (the largest wins).
    X: (n, 2). y: (n,) the labels: any two numbers where the model gives one, else class numbers from 0.
    resolution: points along each axis; 60, or 30 for a model that is asked point by point.
    boundary: with one output, the number between the classes. Unless given: 0 for labels -1 and 1; for others 0.5 where
    all answers to X lie between 0 and 1 (probabilities), else 0 or 0.5, whichever puts more points on their side.
    show_neurons: also draw where the weighted sum of each neuron of the first layer is 0: a network of ReLUs can bend
    only there. ValueError for shapes or labels that don't fit, or answers that are nan.

    >>> from micrograd_plus import plots
    >>> ax = plots.decision_boundary(lambda x: x[0] - x[1], X=[[0, 1], [1, 0], [2, 1]], y=[0, 1, 1])
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('first input', 'second input')
    """
    X = matrix("X", X, columns=2)
    labels = column("y", y, len(X))
    classes = np.unique(labels)
    if len(classes) < 2:
        raise ValueError(f"y holds one class only, {classes[0]:g}: a boundary needs points of two classes or more")
    model = quick(model)
    said = answers(model, X)
    xs, ys = _grid(X, _resolution(model, resolution))
    scores = answers(model, np.column_stack([xs.ravel(), ys.ravel()])).reshape(*xs.shape, -1)
    if not (np.isfinite(scores).all() and np.isfinite(said).all()):
        raise ValueError("the model's answers are nan or infinite, so there is no boundary: has its training diverged?")
    lines = _first_layer(model) if show_neurons else None
    verdict = _verdict(scores, said, labels, boundary)

    ax = style.axes_or_new(ax)
    box = (xs[0, 0], xs[0, -1], ys[0, 0], ys[-1, 0])
    ax.imshow(_colours(ax, verdict), extent=box, origin="lower", aspect="auto", interpolation="bilinear")
    handles = [*_draw_points(ax, X, labels, verdict.classes), *_draw_lines(ax, xs, ys, verdict)]
    if lines:
        handles.append(_draw_neurons(ax, *lines))
    ax.set(xlabel="first input", ylabel="second input", xlim=box[:2], ylim=box[2:])
    right = f"{verdict.hits.mean():.0%} of the {len(X)} points on the right side"
    style.titled(ax, "What the model says of each place", right)
    style.legend_below(ax, handles)
    return ax


def usual_boundary(model: Callable, X: Any, y: Any) -> float | None:
    """The number between two classes that decision_boundary would choose; None with one output a class."""
    X = matrix("X", X, columns=2)
    labels = column("y", y, len(X))
    said = answers(quick(model), X)
    return _cut(said[:, 0], labels, np.unique(labels)) if said.shape[1] == 1 else None


# -- the grid and the answers on it -----------------------------------------------------------------------------------


def _resolution(model: Callable, resolution: int | None) -> int:
    if resolution is None:
        return FINE if not is_module(model) or takes_batches(model) else COARSE
    if not isinstance(resolution, (int, np.integer)) or resolution < 2:
        raise ValueError(f"resolution is a number of points along each axis, at least 2; got {resolution!r}")
    return int(resolution)


def _grid(X: np.ndarray, resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """A rectangle around the points, with a margin."""
    low, high = X.min(axis=0), X.max(axis=0)
    room = np.where(high > low, 0.15 * (high - low), 1.0)
    sides = [np.linspace(a, b, resolution) for a, b in zip(low - room, high + room, strict=True)]
    xs, ys = np.meshgrid(*sides)
    return xs, ys


@dataclass
class Verdict:
    """What the answers mean.

    classes: the labels, (k,). leads: how far each class is ahead of the others, (k, rows, columns); above 0 it wins.
    sure: how certain that is, from 0 to 1. hits: whether each point is on its side. cut: with one output, the number
    between the classes.
    """

    classes: np.ndarray
    leads: np.ndarray
    sure: np.ndarray
    hits: np.ndarray
    cut: float | None


def _verdict(scores: np.ndarray, said: np.ndarray, labels: np.ndarray, boundary: float | None) -> Verdict:
    """From the answers on the grid (rows, columns, k) and at the points (n, k)."""
    if scores.shape[-1] > 1:
        classes = _class_numbers(labels, said.shape[1])
        best_other = [np.delete(scores, i, axis=-1).max(axis=-1) for i in range(len(classes))]
        leads = np.moveaxis(scores, -1, 0) - best_other
        return Verdict(classes, leads, _certainty(scores), said.argmax(axis=1) == labels, None)
    classes = np.unique(labels)
    cut = _cut(said[:, 0], labels, classes)
    if boundary is not None and not isinstance(boundary, Real):
        raise TypeError(f"boundary is the number above which an answer means yes; got {boundary!r:.40}")
    cut = cut if boundary is None else float(boundary)
    distance = scores[..., 0] - cut
    steep = 4.0 if cut == 0.5 else 1.0  # a probability is certain at a distance of 0.5, a score at a few whole numbers
    sure = np.tanh(steep * np.abs(distance) / 2)  # 2 · sigmoid(|score|) - 1
    return Verdict(classes, np.array([-distance, distance]), sure, (said[:, 0] > cut) == (labels == classes[1]), cut)


def _cut(said: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> float:
    """The number between two classes: see `boundary` above."""
    if len(classes) > 2:
        raise ValueError(
            f"the model gives one number a sample, which tells two classes apart, but y has {len(classes)}: "
            "the model needs one output for each class"
        )
    if classes[0] < 0:
        return 0.0
    if said.min() >= 0 and said.max() <= 1:
        return 0.5
    right = {cut: np.mean((said > cut) == (labels == classes[1])) for cut in (0.0, 0.5)}
    return 0.5 if right[0.5] > right[0.0] else 0.0


def _class_numbers(labels: np.ndarray, outputs: int) -> np.ndarray:
    if not np.isin(labels, np.arange(outputs)).all():
        raise ValueError(
            f"the model has {outputs} outputs, so the labels must be class numbers from 0 to {outputs - 1}; "
            f"y holds {', '.join(f'{label:g}' for label in np.unique(labels)[:8])}"
        )
    return np.arange(outputs)


def _certainty(scores: np.ndarray) -> np.ndarray:
    """The winner's probability, rescaled so that a guess among k classes is 0 and certainty 1."""
    sums = scores.sum(axis=-1)
    if scores.min() < 0 or not np.allclose(sums, 1.0, atol=1e-6):  # not probabilities yet: their softmax is
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores = scores / scores.sum(axis=-1, keepdims=True)
    k = scores.shape[-1]
    return (scores.max(axis=-1) - 1 / k) / (1 - 1 / k)


# -- drawing ----------------------------------------------------------------------------------------------------------


def _colours(ax: Axes, verdict: Verdict) -> np.ndarray:
    """The winner's colour, more or less transparent, so that it suits light and dark paper: (rows, columns, 4)."""
    palette = np.array([to_rgb(style.color(ax, i)) for i in range(len(verdict.classes))])
    opaque = 0.08 + 0.4 * verdict.sure
    return np.concatenate([palette[verdict.leads.argmax(axis=0)], opaque[..., None]], axis=-1)


def _draw_points(ax: Axes, X: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> list[Any]:
    handles = []
    for i, label in enumerate(classes):
        mine, marker = labels == label, style.MARKERS[i % len(style.MARKERS)]
        look: Any = {"color": style.color(ax, i), "marker": marker, "edgecolors": style.ink(ax), "linewidths": 0.5}
        name = f"class {label:g}".replace("-", "−")
        handles.append(ax.scatter(X[mine, 0], X[mine, 1], s=26, zorder=3, label=name, **look))
    return handles


def _draw_lines(ax: Axes, xs: np.ndarray, ys: np.ndarray, verdict: Verdict) -> list[Any]:
    """Where one class takes over from another; with labels -1 and 1 also where the output is -1 and 1."""
    drawn = verdict.leads[1:] if len(verdict.classes) == 2 else verdict.leads
    for lead in drawn:
        _line(ax, xs, ys, lead, 0.0, linewidths=1.6, linestyles="-")
    name = "boundary" if verdict.cut is None else f"boundary: output {verdict.cut:g}"
    handles = [Line2D([], [], color=style.ink(ax), linewidth=1.6, label=name)]
    if verdict.cut is not None and set(verdict.classes) == {-1, 1}:
        levels = [output - verdict.cut for output in (-1.0, 1.0)]
        there = [_line(ax, xs, ys, verdict.leads[1], y, linewidths=0.8, linestyles="--") for y in levels]
        if any(there):
            handles.append(Line2D([], [], color=style.ink(ax), linewidth=0.8, linestyle="--", label="output −1 and 1"))
    return handles


def _line(ax: Axes, xs: np.ndarray, ys: np.ndarray, field: np.ndarray, level: float, **look: Any) -> bool:
    """Draw the line where the field has this level; whether it has it anywhere."""
    there = bool(field.min() < level < field.max())
    if there:
        ax.contour(xs, ys, field, levels=[level], colors=[style.ink(ax)], zorder=2, **look)
    return there


def _first_layer(model: Any) -> tuple[np.ndarray, np.ndarray]:
    """Weights (neurons, 2) and biases (neurons,) of the layer that sees the two inputs."""
    for _, module in model.named_modules() if is_module(model) else ():
        if hasattr(module, "weight"):
            weight = numbers(module.weight)
            bias = getattr(module, "bias", None)
            if weight.ndim == 2 and weight.shape[1] == 2:
                return weight, np.zeros(len(weight)) if bias is None else numbers(bias)
            break
        if hasattr(module, "neurons"):
            return numbers([n.w for n in module.neurons]), numbers([n.b for n in module.neurons])
    raise ValueError("show_neurons needs a model whose first layer is an nn.Linear(2, …) or an nn.Layer(2, …)")


def _draw_neurons(ax: Axes, weight: np.ndarray, bias: np.ndarray) -> Line2D:
    look: Any = {"color": style.ink(ax), "linewidth": 0.8, "linestyle": ":", "zorder": 1.5}
    for w, b in zip(weight, bias, strict=True):
        if w.any():
            foot = -b * w / (w @ w)  # the point of the line that is nearest to (0, 0)
            ax.axline(tuple(foot), tuple(foot + np.array([-w[1], w[0]])), **look)
    return Line2D([], [], label="a first-layer neuron's sum is 0", **look)
