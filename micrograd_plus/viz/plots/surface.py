"""Surfaces: a loss over two numbers as a coloured field, and paths across it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm

from . import style

LEVELS = 16  # contour lines


def draw_surface(ax: Axes, xs: np.ndarray, ys: np.ndarray, values: np.ndarray) -> None:
    """The field and its contour lines, closer to each other near the bottom, where the walk is decided."""
    known = values[np.isfinite(values)]
    low, high = known.min(), np.quantile(known, 0.95)  # a cliff at the rim must not flatten all the rest
    if not high > low:
        high = known.max() if known.max() > low else low + 1.0
    levels = low + (high - low) * np.linspace(0, 1, LEVELS) ** 3
    norm = PowerNorm(1 / 3, low, high)
    masked = np.ma.masked_invalid(values)
    field = ax.contourf(
        xs, ys, masked, levels=np.linspace(0, 1, 64) ** 3 * (high - low) + low, norm=norm, cmap="viridis", extend="max"
    )
    ax.contour(xs, ys, masked, levels=levels, colors="white", linewidths=0.5, alpha=0.5)
    bar = ax.figure.colorbar(field, ax=ax, label="loss", ticks=levels[[0, 5, 8, 11, 13, 15]], format="%.3g")
    bar.ax.minorticks_off()
    ax.set(xlim=(xs[0], xs[-1]), ylim=(ys[0], ys[-1]))


def draw_paths(ax: Axes, paths: Mapping[str, np.ndarray]) -> None:
    """A line for each path (steps, 2): a ring where it starts, a filled marker where it ends."""
    palette = ("#E69F00", "#FFFFFF", "#CC79A7", "#56B4E9", "#F0E442", "#D55E00", "#999999", "#000000")
    for i, (name, path) in enumerate(paths.items()):
        look: Any = {"color": palette[i % len(palette)], "zorder": 3}
        marker = style.MARKERS[i % len(style.MARKERS)]
        rim = style.rim("white" if look["color"] == "#000000" else "black", 3)
        every = max(1, len(path) - 1)
        ax.plot(
            path[:, 0], path[:, 1], linewidth=1.6, marker=marker, markevery=(every, every), markersize=8,
            markeredgecolor="black", path_effects=rim, label=style.as_text(name), **look,
        )  # fmt: skip
        ax.plot(*path[0], marker="o", markersize=9, markerfacecolor="none", markeredgecolor="white", zorder=4)


def box_around(paths: Sequence[np.ndarray], room: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """The corners (low, high) of a rectangle that holds all points, and some room."""
    points = np.concatenate(paths)
    low, high = points.min(axis=0), points.max(axis=0)
    larger = (high - low).max() or 10.0
    pad = np.maximum(room * (high - low), 0.5 * room * larger)
    return low - pad, high + pad
