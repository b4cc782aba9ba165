"""Results: what a trained model gets right and wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from . import style
from .asking import answers, column, numbers, quick


def confusion(output: Any, target: Any, *, names: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """How often each class was taken for which: a row for what is right, a column for what the model said.

    output: class numbers (n,), or one score for each class (n, C), of which the largest wins. target: (n,) labels.
    names: what to call the classes, in the order of their numbers. The colour is the share of a row, the number in a
    field how many samples. ValueError for lengths or labels that don't fit.

    >>> from micrograd_plus import plots
    >>> ax = plots.confusion([0, 1, 1, 1], [0, 1, 1, 0])
    >>> [text.get_text() for text in ax.texts][:4]
    ['1', '1', '0', '2']
    """
    said, right = _classes(output), numbers(target)
    right = right.reshape(-1) if right.shape[1:] == (1,) else right
    names = _names(names)
    if said.shape != right.shape or not said.size:
        raise ValueError(f"confusion needs one label for each output: outputs {said.shape}, labels {right.shape}")
    labels = np.unique([said, right])
    if names is not None and len(names) != len(labels):
        if not set(labels) <= set(range(len(names))):
            raise ValueError(f"names has {len(names)} names, but there are {len(labels)} classes: {labels.tolist()}")
        labels = np.arange(len(names), dtype=float)
    k = len(labels)
    counts = np.zeros((k, k), dtype=int)
    np.add.at(counts, (np.searchsorted(labels, right), np.searchsorted(labels, said)), 1)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    side = min(9.0, 2.4 + 0.42 * max(k, 4))
    ax = style.axes_or_new(ax, side + 0.6, side)
    field = ax.imshow(share, cmap="cividis", vmin=0, vmax=1)
    for i, j in np.ndindex(k, k) if k <= 20 else ():
        ax.text(
            j,
            i,
            str(counts[i, j]),
            ha="center",
            va="center",
            fontsize="small",
            color="black" if share[i, j] > 0.5 else "white",
            alpha=1 if counts[i, j] else 0.35,
        )
    ticks = names if names is not None else [f"{label:g}" for label in labels]
    ax.set_xticks(range(k), ticks, rotation=45 if max(map(len, ticks)) > 4 else 0)
    ax.set_yticks(range(k), ticks)
    ax.set(xlabel="what the model said", ylabel="what is right")
    ax.figure.colorbar(field, ax=ax, label="share of the row", shrink=0.85)
    style.titled(
        ax, "Which class is taken for which", f"{np.trace(counts) / counts.sum():.1%} of {counts.sum():,} right"
    )
    return ax


def predictions_1d(
    model: Callable,
    X: Any,
    y: Any,
    *,
    truth: Callable | None = None,
    resolution: int = 200,
    ax: Axes | None = None,
) -> Axes:
    """A regression of one input: the points it learned from, and the curve that the model makes of them.

    X: (n,) or (n, 1). y: (n,). truth: the function that the points were drawn from, if it is known, of
    an array. resolution: points on the curve. ValueError for shapes that don't fit, or a model with several outputs.

    >>> from micrograd_plus import plots
    >>> ax = plots.predictions_1d(lambda x: 2 * x, X=[0.0, 1.0, 2.0], y=[0.1, 1.9, 4.2])
    >>> [float(y) for y in ax.lines[0].get_ydata()[[0, -1]]]
    [-0.2, 4.2]
    """
    X = numbers(X)
    if isinstance(resolution, bool) or not isinstance(resolution, int) or not 2 <= resolution <= 1_000_000:
        raise ValueError(f"resolution is the number of points on the curve, at least 2; got {resolution!r:.40}")
    if truth is not None and not callable(truth):
        raise TypeError(f"truth is a function of the inputs, or None; got {type(truth).__name__} {truth!r:.40}")
    if X.ndim not in (1, 2) or X.size != len(X) or not len(X):
        raise ValueError(f"predictions_1d draws over one input: X must have shape (n,) or (n, 1), got {X.shape}")
    X = X.reshape(-1)
    y = column("y", y, len(X))
    room = 0.05 * (X.max() - X.min()) or 1.0
    xs = np.linspace(X.min() - room, X.max() + room, resolution)
    curve = answers(quick(model), xs[:, None])
    if curve.shape[1] != 1:
        raise ValueError(f"predictions_1d draws one curve, and this model gives {curve.shape[1]} numbers a sample")
    ax = style.axes_or_new(ax)
    ax.scatter(X, y, s=18, color=style.color(ax, 0), alpha=0.7, linewidths=0, label="data")
    ax.plot(xs, curve[:, 0], color=style.color(ax, 1), linewidth=2.2, label="model")
    if truth is not None:
        ax.plot(
            xs,
            np.broadcast_to(numbers(truth(xs)), xs.shape),
            color=style.ink(ax),
            linestyle="--",
            linewidth=1,
            label="truth",
        )
    ax.set(xlabel="input", ylabel="output", xlim=(xs[0], xs[-1]))
    style.titled(ax, "What the model predicts")
    style.legend_below(ax)
    return ax


def image_grid(
    images: Any,
    labels: Any = None,
    predictions: Any = None,
    *,
    names: Sequence[str] | None = None,
    columns: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """Images side by side, each with its label, or with what the model says; what it misreads has a frame.

    images: (n, height, width), grey, (n, height, width, 3), or (n, pixels) where they are square. labels: (n,) class
    numbers. predictions: (n,) class numbers, or scores (n, C); a wrong one is written "4, is 9". names: of the classes.
    ValueError for shapes and lengths that don't fit.

    >>> import numpy as np
    >>> from micrograd_plus import plots
    >>> ax = plots.image_grid(np.zeros((2, 8, 8)), labels=[3, 9], predictions=[3, 4])
    >>> [text.get_text() for text in ax.texts]
    ['3', '4, is 9']
    """
    pictures = _pictures(images)
    n, height, width = pictures.shape[:3]
    right = None if labels is None else _labels("labels", labels, n)
    said = None if predictions is None else _labels("predictions", predictions, n)
    if not isinstance(columns, (int, np.integer)) or columns < 1:
        raise ValueError(f"columns must be a whole number, at least 1; got {columns!r}")
    names = _names(names)
    known = [c for c in (right, said) if c is not None]
    if names is not None and known and not 0 <= np.min(known) <= np.max(known) < len(names):
        raise ValueError(f"names has {len(names)} names, for classes 0 to {len(names) - 1}, but there is another class")
    columns = min(columns, n)
    rows = -(-n // columns)
    ax = style.axes_or_new(ax, max(3.0, 0.75 * columns), 0.1 + 0.98 * rows * height / width)
    step_x, step_y = 1.25 * width, 1.6 * height
    look: Any = {"cmap": "gray" if style.is_dark(ax) else "gray_r", "vmin": pictures.min(), "vmax": pictures.max()}
    for i, picture in enumerate(pictures):
        x, y = step_x * (i % columns), step_y * (i // columns)
        ax.imshow(picture, extent=(x, x + width, y + height, y), **look)
        text, wrong = _caption(i, right, said, names)
        ax.text(
            x + width / 2,
            y - 0.06 * height,
            text,
            ha="center",
            va="bottom",
            fontsize=9,
            color=style.ink(ax),
            weight="bold" if wrong else "normal",
        )
        if wrong:
            ax.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=style.RED, linewidth=2.5))
    ax.set(xlim=(-0.15 * width, step_x * columns - 0.1 * width), ylim=(step_y * rows - 0.5 * height, -0.5 * height))
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def _classes(output: Any) -> np.ndarray:
    """Class numbers, from scores if need be."""
    said = numbers(output)
    if said.ndim == 2 and said.shape[1] > 1:
        return said.argmax(axis=1).astype(float)
    said = said.reshape(-1) if said.shape[1:] == (1,) else said
    if said.ndim != 1 or not np.equal(said, np.round(said)).all():
        raise ValueError(
            "outputs must be class numbers (n,), or one score for each class (n, C); of one score a sample make "
            f"classes first: scores > 0. Got shape {said.shape}"
        )
    return said


def _names(names: Any) -> list[str] | None:
    """What the classes are called, as a list of texts; TypeError for what is none."""
    if names is None:
        return None
    if isinstance(names, (str, bytes, dict, set)) or not hasattr(names, "__len__"):
        raise TypeError(f"names is a list of what to call the classes, as ['cat', 'dog']; got {type(names).__name__}")
    return [style.as_text(name) for name in names]


def _labels(name: str, values: Any, n: int) -> np.ndarray:
    found = _classes(values)
    if found.shape != (n,):
        raise ValueError(f"{name} must hold one class for each of the {n} images; got shape {found.shape}")
    return found.astype(int)


def _pictures(images: Any) -> np.ndarray:
    pictures = numbers(images)
    if pictures.ndim == 2:
        side = round(pictures.shape[1] ** 0.5)
        if side * side == pictures.shape[1]:
            pictures = pictures.reshape(len(pictures), side, side)
    if pictures.ndim == 4 and pictures.shape[-1] == 1:
        pictures = pictures[..., 0]
    coloured = pictures.ndim == 4 and pictures.shape[-1] in (3, 4)
    if not (pictures.ndim == 3 or coloured) or not pictures.size:
        raise ValueError(
            f"images must have shape (n, height, width), (n, height, width, 3), or (n, pixels) of square ones; "
            f"got {pictures.shape}"
        )
    return pictures / 255 if coloured and pictures.max() > 1 else pictures


def _caption(i: int, right: Any, said: Any, names: Sequence[str] | None) -> tuple[str, bool]:
    """The text above image i, and whether the model is wrong about it."""
    called = (lambda c: str(c)) if names is None else (lambda c: names[c])
    if said is None:
        return ("" if right is None else called(right[i])), False
    wrong = right is not None and said[i] != right[i]
    return (f"{called(said[i])}, is {called(right[i])}" if wrong else called(said[i])), wrong
