"""Histories: how the numbers of a training went, epoch by epoch or step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from . import style
from .asking import family

HEALTHY = -3.0  # log10 of the update relative to the weight: a thousandth a step
LOWEST, HIGHEST = -8.0, 1.0  # beyond them a ratio says only that nothing moved, or that the weights were nearly 0


def history(history: Any, *columns: str, log: bool = False, ax: Axes | None = None) -> Axes:
    """The loss of each epoch, with that of the validation dashed; the metrics on an axis of their own at the right.

    history: what `fit` returns, or its rows. columns: what to draw, "loss", "accuracy", "lr" …; the first one has the
    left axis. Unless given: the loss, every metric, and the learning rate if it changes (dotted; the legend tells its
    range). A column's validation twin comes with it. A ring marks the best epoch, by the validation where there is one.
    log: a logarithmic left axis. ValueError for a history of no epoch, KeyError for a column it doesn't have.

    >>> from micrograd_plus import plots
    >>> rows = [{"epoch": 1, "loss": 0.9, "val_loss": 1.0}, {"epoch": 2, "loss": 0.4, "val_loss": 0.5}]
    >>> [line.get_label() for line in plots.history(rows).lines]
    ['loss', 'validation loss', 'best: epoch 2, 0.5']
    """
    rows = _rows(history, "history")
    shown = list(columns) or _everything(rows)
    for name in shown:
        if not isinstance(name, str) or not any(name in row for row in rows):
            there = ", ".join(name for name in rows[0] if name != "epoch")
            raise KeyError(f"no column {name!r} in this history; there are {there}")
    first, *others = [name for name in shown if name.removeprefix("val_") not in shown or name[:4] != "val_"]
    if log and not any(number > 0 for number in _series(rows, first)):
        raise ValueError(f"log=True needs numbers above 0, and {first!r} has none: leave log out")

    ax = style.axes_or_new(ax)
    handles = _draw_column(ax, rows, first, 0, best=True)
    if log:
        ax.set_yscale("log")
    ax.set(xlabel="epoch", ylabel=style.as_text(first) + (" (log scale)" if log else ""))
    right = [name for name in others if name != "lr"]
    if right:
        beside = ax.twinx()
        for i, name in enumerate(right, start=1):
            handles += _draw_column(beside, rows, name, i, best=False)
        beside.set_ylabel(style.as_text(", ".join(right)))
    if "lr" in others:
        handles += _draw_rate(ax, rows)
    _whole_epochs(ax, rows)
    style.titled(ax, "How training went")
    style.legend_below(ax, handles)
    return ax


def compare_histories(
    histories: Mapping[str, Any], column: str = "loss", *, log: bool = False, ax: Axes | None = None
) -> Axes:
    """One column of several trainings, a line each: {"SGD": history, "Adam": another}.

    Lines get thinner one by one, so that those on top of each other are all seen. ValueError if there is none.

    >>> from micrograd_plus import plots
    >>> runs = {"slow": [{"epoch": 1, "loss": 2.0}], "fast": [{"epoch": 1, "loss": 1.0}]}
    >>> [line.get_label() for line in plots.compare_histories(runs).lines]
    ['slow', 'fast']
    """
    if not isinstance(histories, Mapping) or not histories:
        raise ValueError(f"compare_histories needs {{name: history}} with one history at least, got {histories!r:.60}")
    found = {name: _rows(history, f"the history {name!r}") for name, history in histories.items()}
    for name, rows in found.items():
        if not isinstance(column, str) or column not in rows[0]:
            raise KeyError(f"no column {column!r} in the history {name!r}; there are {', '.join(rows[0])}")
    ax = style.axes_or_new(ax)
    for i, (name, rows) in enumerate(found.items()):
        width = 1.5 + 1.5 * (len(found) - 1 - i) / max(1, len(found) - 1)
        ax.plot(
            _epochs(rows), _series(rows, column), color=style.color(ax, i), linewidth=width,
            linestyle="-" if i == 0 else (0, (4, 1 + i % 3)), label=style.as_text(name), **_dots(rows),
        )  # fmt: skip
    if log:
        ax.set_yscale("log")
    ax.set(xlabel="epoch", ylabel=style.as_text(column) + (" (log scale)" if log else ""))
    _whole_epochs(ax, max(found.values(), key=len))
    style.titled(ax, f"{column} of {len(found)} trainings")
    style.legend_below(ax)
    return ax


def update_ratio(recorder: Any, *, ax: Axes | None = None) -> Axes:
    """How large each update was beside the weights it changed: log10(|update| / |weights|), a line a parameter.

    recorder: a training.Recorder that was among fit's callbacks, or its rows. Single Values are taken together, those
    of a list as one (|…| is the root of the sum of squares). About -3, a thousandth a step, is healthy: well above,
    training is wild; well below, it crawls. The rule of thumb is from A. Karpathy's lecture "makemore 3". Steps at
    which all weights of a parameter are 0, or none moved, are left out; ratios above 10 leave the picture.
    ValueError if nothing was recorded.

    >>> from micrograd_plus import plots
    >>> rows = [{"step": s, "parameter": "0.weight", "weight_norm": 1.0, "update_norm": 0.01} for s in (1, 2)]
    >>> [float(y) for y in plots.update_ratio(rows).lines[0].get_ydata()]
    [-2.0, -2.0]
    """
    rows = _rows(
        recorder, "the recorder", "give it to fit, callbacks=[recorder], with `every` no larger than the steps"
    )
    if "update_norm" not in rows[0]:
        raise ValueError(f"update_ratio needs the rows of a training.Recorder; these have {', '.join(rows[0])}")
    series = _ratios(rows)
    if not series:
        raise ValueError("no parameter moved at any recorded step, so there is no ratio: is the learning rate 0?")
    ax = style.axes_or_new(ax)
    for i, (name, points) in enumerate(series.items()):
        ax.plot(
            list(points), list(points.values()), color=style.color(ax, i // 2), label=style.as_text(name),
            linestyle="--" if i % 2 else "-", linewidth=1.2, **_dots(points),
        )  # fmt: skip
    ax.axhline(HEALTHY, color=style.ink(ax), linewidth=0.8, linestyle=":", label="a thousandth")
    known = [ratio for points in series.values() for ratio in points.values()]
    low, high = max(LOWEST, min(HEALTHY - 0.5, *known)), min(HIGHEST, max(HEALTHY + 0.5, *known))
    ax.set(xlabel="step", ylabel="log10(|update| / |weights|)", ylim=(low - 0.2, high + 0.2))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    style.titled(ax, "How much a step changes the weights", "near −3 is healthy")
    style.legend_below(ax)
    return ax


# -- rows -------------------------------------------------------------------------------------------------------------


def _rows(source: Any, what: str, remedy: str = "train for one epoch at least") -> list[dict[str, Any]]:
    rows = getattr(source, "rows", source)
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not all(isinstance(row, Mapping) for row in rows):
        raise TypeError(
            f"{what} must be what training leaves behind, with .rows, or a list of dicts; got {source!r:.60}"
        )
    if not rows:
        raise ValueError(f"{what} is empty, so there is nothing to draw: {remedy}")
    return list(rows)


def _everything(rows: list[dict[str, Any]]) -> list[str]:
    """The loss, the metrics, and a learning rate that changes."""
    names = [name for name in rows[0] if name != "epoch" and not name.startswith("val_")]
    if "lr" in names and len(set(_series(rows, "lr"))) == 1 and len(names) > 1:
        names.remove("lr")
    return sorted(names, key=lambda name: (name != "loss", name == "lr"))


def _series(rows: list[dict[str, Any]], name: str) -> list[float]:
    return [row.get(name, math.nan) for row in rows]


def _epochs(rows: list[dict[str, Any]]) -> list[int]:
    return [row.get("epoch", i) for i, row in enumerate(rows, start=1)]


def _ratios(rows: list[dict[str, Any]]) -> dict[str, dict[int, float]]:
    """{parameter: {step: log10 of its ratio}}; single numbers are added to those of their list."""
    arrays = {row["parameter"] for row in rows if row.get("weight_std", 1.0)}
    squares: dict[str, dict[int, np.ndarray]] = {}
    for row in rows:
        name = row["parameter"] if row["parameter"] in arrays else family(row["parameter"])
        points = squares.setdefault(name, {})
        part = np.array([row["update_norm"], row["weight_norm"]], float) ** 2
        points[row["step"]] = points.get(row["step"], 0.0) + part
    found = {
        name: {step: 0.5 * math.log10(u / w) for step, (u, w) in points.items() if u > 0 and w > 0}
        for name, points in squares.items()
    }
    return {name: points for name, points in found.items() if points}


# -- drawing ----------------------------------------------------------------------------------------------------------


def _dots(points: Any) -> dict[str, Any]:
    """Short series get a dot for each number: a line through one point would show nothing."""
    return {"marker": "o", "markersize": 3} if len(points) <= 20 else {}


def _draw_column(ax: Axes, rows: list[dict[str, Any]], name: str, i: int, best: bool) -> list[Any]:
    """A column, its validation twin dashed, and a ring at the best epoch."""
    epochs, twin = _epochs(rows), f"val_{name}"
    called = style.as_text(name)
    handles = ax.plot(epochs, _series(rows, name), color=style.color(ax, i), label=called, **_dots(rows))
    if any(twin in row for row in rows):
        look: Any = {"linestyle": "--", **_dots(rows)}
        handles += ax.plot(epochs, _series(rows, twin), color=style.color(ax, i), label=f"validation {called}", **look)
    else:
        twin = name
    sign = -1 if "accuracy" in name else 1
    scores = [(sign * y, epoch, y) for epoch, y in zip(epochs, _series(rows, twin), strict=True) if math.isfinite(y)]
    if best and name != "lr" and scores:
        _, epoch, y = min(scores)
        ring: Any = {"linestyle": "none", "marker": "o", "markersize": 10, "markerfacecolor": "none", "zorder": 4}
        handles += ax.plot([epoch], [y], markeredgecolor=style.ink(ax), label=f"best: epoch {epoch}, {y:.4g}", **ring)
    return handles


def _draw_rate(ax: Axes, rows: list[dict[str, Any]]) -> list[Any]:
    """The learning rate on an axis without numbers: its shape is what matters, and the legend tells its range."""
    rates = _series(rows, "lr")
    hidden = ax.twinx()
    hidden.set_axis_off()
    label = f"learning rate, {max(rates):.2g} to {min(rates):.2g}"
    return hidden.plot(_epochs(rows), rates, color=style.color(ax, 6), linestyle=":", label=label)


def _whole_epochs(ax: Axes, rows: list[dict[str, Any]]) -> None:
    """No epoch 2.5 on the axis."""
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    if len(rows) == 1:
        ax.set_xlim(_epochs(rows)[0] - 1, _epochs(rows)[0] + 1)
