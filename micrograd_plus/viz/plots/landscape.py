"""Loss landscape: the loss around the weights, over two of them or on a slice through all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from . import style
from .asking import Weights, all_restored, drawing_with, in_use, is_module, numbers, recorded_weights
from .surface import box_around, draw_paths, draw_surface

FINE, COARSE = 31, 15  # points an axis: of a model of arrays, and of one of single Values, which is slower


def loss_landscape(
    model: Any,
    loss: Callable[[], Any],
    *,
    paths: Mapping[str, Any] | None = None,
    directions: str | None = None,
    span: float | None = None,
    resolution: int | None = None,
    seed: int = 0,
    ax: Axes | None = None,
) -> Axes:
    """The loss as a landscape around the weights as they are now, with the paths that training took.

    model: a network, or a list of parameters. loss: a function of nothing that computes the loss anew, such as
    `lambda: nn.mse_loss(model(X), y)`; it is called in eval mode and without a graph.
    Two numbers are shown as they are: that is the whole landscape. More are cut by a plane through the weights:

    directions="random"  two random directions, each neuron's part as long as the neuron's weights, biases kept ("filter
                         normalisation"; Li et al. 2018, "Visualizing the loss landscape of neural nets")
    directions="pca"     the two directions in which the paths move most (the same paper, section 7); the default where
                         paths are given. The caption tells what share of their movement it shows

    paths: {name: Recorder(keep="arrays")}, or arrays (steps, numbers) in the order of the parameters; they are
    projected onto the plane, so the loss below a path's point is not exactly the loss it had there.
    span: how far the picture goes each way. Unless given: 1, the length of the weights (random); twice the larger
    number (two numbers); as far as the paths, where there are any.
    resolution: points an axis; 31, or 15 for single Values. The weights are restored exactly, also after Ctrl-C.

    >>> from micrograd_plus import Value, plots
    >>> w, b = Value(1.0, label="w"), Value(0.0, label="b")
    >>> ax = plots.loss_landscape([w, b], lambda: (3 * w + b - 6) ** 2)
    >>> ax.get_xlabel(), ax.get_ylabel(), w.data
    ('w', 'b', 1.0)
    """
    weights = Weights(_named(model))
    check_function(loss)
    grid = _points_an_axis(resolution, weights)
    here = weights.vector()
    walked = {name: _path(path, weights, name) for name, path in (paths or {}).items()}
    plane = _plane(here, weights, walked, directions, span, seed)
    xs, ys = (np.linspace(low, high, grid) for low, high in zip(*plane.box, strict=True))

    values = np.empty((grid, grid))
    named = list(weights.named.values())
    with all_restored(named, model), in_use(model), np.errstate(all="ignore"):
        one_number(loss())  # here its errors are told; elsewhere they are places where it isn't defined
        for (i, y), (j, x) in ((a, b) for a in enumerate(ys) for b in enumerate(xs)):
            weights.put(plane.origin + x * plane.first + y * plane.second)
            values[i, j] = or_nan(loss)
    if not np.isfinite(values).any() or np.nanmax(values) == np.nanmin(values):
        raise ValueError(
            "the loss is the same everywhere, or nowhere finite: it must be computed anew from these parameters "
            "at each call, as in loss_landscape(model, lambda: nn.mse_loss(model(X), y))"
        )

    ax = style.axes_or_new(ax, 6.4, 4.6)
    draw_surface(ax, xs, ys, values)
    if walked:
        draw_paths(ax, {name: plane.project(path) for name, path in walked.items()})
    now = plane.project(here[None])[0]
    ax.plot(
        *now, marker="P", color="white", markeredgecolor="black", markersize=10, linestyle="none", label="now", zorder=5
    )
    ax.set(xlabel=plane.names[0], ylabel=plane.names[1])
    style.titled(ax, "The loss around the weights", plane.caption)
    style.legend_below(ax)
    return ax


class Plane:
    """origin + x · first + y · second: where in the space of all weights a point (x, y) of the picture is."""

    def __init__(self, origin: Any, first: Any, second: Any, box: Any, names: Sequence[str], caption: str = ""):
        self.origin, self.first, self.second = origin, first, second
        self.box, self.names, self.caption = box, names, caption

    def project(self, points: np.ndarray) -> np.ndarray:
        """The points (steps, numbers) as nearest points of the plane, (steps, 2)."""
        return project(points - self.origin, self.first, self.second)


def project(moves: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Least squares: the x and y with x · first + y · second nearest to each move."""
    return np.linalg.lstsq(np.column_stack([first, second]), moves.T, rcond=None)[0].T


# -- what it is called with -------------------------------------------------------------------------------------------


def check_function(loss: Any) -> None:
    """TypeError for a loss that was computed already."""
    if not callable(loss) or hasattr(loss, "backward"):
        raise TypeError(
            "loss must be a function that computes the loss anew at each call, as in lambda: nn.mse_loss(model(X), y); "
            f"got {loss!r:.60}"
        )


def one_number(y: Any) -> float:
    """A loss as a float. ValueError for several numbers."""
    found = numbers(y)
    if found.size != 1:
        raise ValueError(f"the loss must be one number, got shape {found.shape}: take its .mean()")
    return float(found.reshape(()))


def or_nan(loss: Callable, *at: Any) -> float:
    """The loss as a float; nan where it isn't defined, as the log of a negative number."""
    try:
        return one_number(loss(*at))
    except (ValueError, ArithmeticError):
        return np.nan


def _named(model: Any) -> dict[str, Any]:
    """Parameters by name."""
    if is_module(model):
        named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    else:
        listed = list(model) if isinstance(model, (list, tuple)) else [model]
        if not all(hasattr(p, "data") and hasattr(p, "requires_grad") for p in listed):
            raise TypeError(f"loss_landscape needs a model, or a list of Values or Tensors; got {model!r:.60}")
        named = {}
        for i, p in enumerate(listed, start=1):
            name = p.label or f"parameter {i}"
            named[name if name not in named else f"{name} ({i})"] = p
    if sum(getattr(p, "size", 1) for p in named.values()) < 2:
        raise ValueError("a landscape needs two numbers at least that may change; these parameters have fewer")
    return named


def _points_an_axis(resolution: int | None, weights: Weights) -> int:
    if resolution is None:
        return FINE if len(weights.sizes) < 3 or any(hasattr(p, "shape") for p in weights.named.values()) else COARSE
    if not isinstance(resolution, (int, np.integer)) or resolution < 3:
        raise ValueError(f"resolution is a number of points along each axis, at least 3; got {resolution!r}")
    return int(resolution)


def _path(path: Any, weights: Weights, name: str) -> np.ndarray:
    """The points of a path, (steps, numbers)."""
    n = sum(weights.sizes)
    if hasattr(path, "arrays"):
        return recorded_weights(path, weights, f"the path {name!r}")[1]
    points = numbers(path)
    if points.ndim == 2 and points.shape[1] == 3 and n == 2:  # of race(): x, y, loss
        points = points[:, :2]
    if points.ndim != 2 or points.shape[1] != n or not len(points):
        raise ValueError(f"the path {name!r} must be a Recorder or have shape (steps, {n}), got shape {points.shape}")
    return points[np.isfinite(points).all(axis=1)]


# -- which plane ------------------------------------------------------------------------------------------------------


def _plane(
    here: np.ndarray, weights: Weights, walked: dict[str, np.ndarray], directions: str | None, span: Any, seed: int
) -> Plane:
    if directions not in (None, "random", "pca"):
        raise ValueError(f"directions must be 'random' or 'pca', got {directions!r}")
    if span is not None and not (isinstance(span, (int, float)) and 0 < span < 1e300):
        raise ValueError(f"span must be a finite number above 0, got {span!r}")
    if directions == "pca" and not walked:
        raise ValueError("directions='pca' needs paths, {'SGD': recorder}, with recorder = Recorder(keep='arrays')")
    if len(here) == 2:
        return _whole(here, weights, walked, span)
    if directions == "pca" or (directions is None and walked):
        return _principal(here, walked, span)
    return _random(here, weights, walked, span, seed)


def _whole(here: np.ndarray, weights: Weights, walked: dict[str, np.ndarray], span: float | None) -> Plane:
    """All two numbers that there are."""
    names = list(weights.named)
    names = names if len(names) == 2 else [f"{names[0]}[0]", f"{names[0]}[1]"]
    if span is None and walked:
        box = box_around([here[None], *walked.values()])
    else:
        far = span or 2 * max(1.0, np.abs(here).max())
        box = (here - far, here + far)
    return Plane(np.zeros(2), np.array([1.0, 0.0]), np.array([0.0, 1.0]), box, names)


def _principal(here: np.ndarray, walked: dict[str, np.ndarray], span: float | None) -> Plane:
    """The plane in which the paths move most."""
    points = np.concatenate(list(walked.values()))
    centred = points - points.mean(axis=0)
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    if len(points) < 3 or not lengths[0] > 0:
        raise ValueError("the paths hardly move, so they have no main directions: record three steps at least")
    shares = lengths**2 / (lengths**2).sum()
    flat = project(points - here, axes[0], axes[1])
    box = box_around([flat, np.zeros((1, 2))]) if span is None else ([-span, -span], [span, span])
    ends = ("s", "their") if len(walked) > 1 else ("", "its")
    caption = (
        f"a 2-D slice through {len(here):,} dimensions, along the main directions of the path{ends[0]}:\n"
        f"they hold {shares[0]:.0%} and {shares[1]:.0%} of {ends[1]} movement"
    )
    return Plane(here, axes[0], axes[1], box, ("first main direction", "second main direction"), caption)


def _random(here: np.ndarray, weights: Weights, walked: dict[str, np.ndarray], span: float | None, seed: int) -> Plane:
    """A plane along two random directions, filter-normalised."""
    rng = drawing_with(seed)
    first, second = (_normalised(rng.standard_normal(len(here)), here, weights) for _ in range(2))
    if walked and span is None:
        box: Any = box_around([project(path - here, first, second) for path in walked.values()])
    else:
        box = ([-(span or 1.0)] * 2, [span or 1.0] * 2)
    caption = (
        f"a 2-D slice through {len(here):,} dimensions, along random directions\n"
        "(each neuron's as long as its weights); other slices look different"
    )
    return Plane(here, first, second, box, ("first random direction", "second random direction"), caption)


def _normalised(direction: np.ndarray, here: np.ndarray, weights: Weights) -> np.ndarray:
    """Each neuron's part of the direction scaled to the length of the neuron's weights; 0 for biases."""
    scaled, any_filter = np.zeros_like(direction), False
    for filter_ in _filters(weights):
        length = np.linalg.norm(direction[filter_])
        scaled[filter_] = direction[filter_] * (np.linalg.norm(here[filter_]) / length)
        any_filter = True
    if any_filter and scaled.any():
        return scaled
    return direction * ((np.linalg.norm(here) or 1.0) / np.linalg.norm(direction))  # no neurons: all as one


def _filters(weights: Weights) -> list[list[int]]:
    """For each neuron, where its incoming weights stand in the vector of all numbers."""
    found: dict[str, list[int]] = {}
    start = 0
    for (name, p), size in zip(weights.named.items(), weights.sizes, strict=True):
        shape: tuple[int, ...] = getattr(p, "shape", ())
        if len(shape) >= 2:  # row i of a weight matrix belongs to neuron i
            rows = np.arange(start, start + size).reshape(shape[0], -1)
            found |= {f"{name}.{i}": row.tolist() for i, row in enumerate(rows)}
        elif not shape:  # a single Value: one of a list w.0, w.1 … of its neuron, or a bias
            found.setdefault(name.rsplit(".", 1)[0] if name.rsplit(".", 1)[-1].isdigit() else name, []).append(start)
        start += size
    return [where for where in found.values() if len(where) > 1]
