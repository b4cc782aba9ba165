"""Attention: which part of the input each part of the output looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from . import style
from .asking import numbers

NUMBERED = 12  # up to so many rows and columns a field also says its number


def attention(
    weights: Any, source: Sequence[Any], target: Sequence[Any], *, title: str = "", ax: Axes | None = None
) -> Axes:
    """A map of attention: a row for each part of the output, a column for each part of the input; a row adds up to 1.

    weights: (len(target), len(source)), or (heads, len(target), len(source)), of which the mean over the heads is
    drawn. source, target: what to write at columns and rows, such as words. The darker a field, the more was looked
    at; the strongest of each row has a frame. ValueError for shapes that don't fit.

    >>> from micrograd_plus import plots
    >>> ax = plots.attention([[0.9, 0.1], [0.2, 0.8]], ["twenty", "one"], ["vingt", "et un"])
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['vingt', 'et un']
    """
    table = numbers(weights)
    for name, parts in (("source", source), ("target", target)):
        if not hasattr(parts, "__len__"):
            raise TypeError(f"attention: {name} is a list of the parts, such as words; got {type(parts).__name__}")
    if table.ndim == 3:
        table = table.mean(axis=0)
    if table.shape != (len(target), len(source)) or not table.size:
        raise ValueError(
            f"attention: weights of shape {np.shape(weights)} don't fit {len(target)} parts of the output (rows) and "
            f"{len(source)} of the input (columns)"
        )
    rows, columns = table.shape
    ax = style.axes_or_new(ax, min(9.0, 2.0 + 0.42 * columns), min(9.0, 1.5 + 0.34 * rows))
    ax.imshow(table, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for i, j in np.ndindex(rows, columns) if max(rows, columns) <= NUMBERED else ():
        if table[i, j] >= 0.05:
            color = "white" if table[i, j] > 0.55 else "black"
            ax.text(j, i, f"{table[i, j]:.1f}", ha="center", va="center", fontsize="x-small", color=color)
    for i, j in enumerate(table.argmax(axis=1)):
        ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=style.RED, linewidth=1.5))
    words = [style.as_text(part) for part in source]
    ax.set_xticks(range(columns), words, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(rows), [style.as_text(part) for part in target])
    ax.set(xlabel="input", ylabel="output")
    style.titled(ax, title or "What each part of the output looked at")
    return ax


__all__ = ["attention"]
