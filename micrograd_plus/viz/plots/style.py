"""Style: what all pictures share (colours for all eyes, titles, legends beside the data)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patheffects import withStroke
from matplotlib.transforms import ScaledTranslation

from ...engine.visible import visible

# Okabe and Ito's colours, told apart by colour-blind readers too; markers and dashes say the same again.
BLUE, SKY, ORANGE, GREEN = "#0072B2", "#56B4E9", "#E69F00", "#009E73"
PINK, RED, YELLOW = "#CC79A7", "#D55E00", "#F0E442"
ON_LIGHT = (BLUE, ORANGE, GREEN, PINK, RED, SKY, "#999999", YELLOW)
ON_DARK = (SKY, ORANGE, GREEN, PINK, RED, YELLOW, "#999999", BLUE)
MARKERS = "o^sDvP*X"
LETTER = 0.062  # inches: about the width of a small letter


def axes_or_new(ax: Any, width: float = 6.0, height: float = 4.0) -> Axes:
    """`ax`, or the Axes of a new figure, width × height inches. TypeError for what is no Axes."""
    if ax is None:
        import matplotlib.pyplot as plt

        return plt.subplots(figsize=(width, height), layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise TypeError(
            f"ax must be a matplotlib Axes, such as plt.subplots()[1], got {type(ax).__name__}; "
            "of an array of Axes choose one, axes[0]"
        )
    return ax


def ink(ax: Axes) -> Any:
    """The colour of text on these Axes: that of the style they were made in."""
    return ax.title.get_color()


def is_dark(ax: Axes) -> bool:
    """Whether the ink is light, so that the paper is dark."""
    red, green, blue = to_rgb(ink(ax))
    return 0.299 * red + 0.587 * green + 0.114 * blue > 0.5


def colors(ax: Axes) -> tuple[str, ...]:
    """Colours for categories, the best readable ones first."""
    return ON_DARK if is_dark(ax) else ON_LIGHT


def color(ax: Axes, i: int) -> str:
    """The colour of category i; after the eighth they come again."""
    return colors(ax)[i % len(ON_LIGHT)]


def rim(paper: str, width: float) -> list:
    """A path effect: a rim that keeps a line or text apart from the coloured field below it."""
    return [withStroke(linewidth=width, foreground=paper)]


def as_text(text: Any) -> str:
    r"""A text that somebody gave, drawn as it is: between $ and $ Matplotlib would read mathematics.

    >>> as_text("$5 to $6")
    '\\$5 to \\$6'
    """
    return visible(str(text)).replace("$", r"\$")


def titled(ax: Axes, title: str, caption: str = "") -> None:
    """A title, and below it in smaller letters what the reader should know."""
    lines = caption.count("\n") + 1 if caption else 0
    ax.set_title(as_text(title), pad=6 + 13 * lines)
    if caption:
        ax.annotate(
            caption, (0.5, 1), xytext=(0, 5), xycoords="axes fraction", textcoords="offset points",
            ha="center", va="bottom", fontsize="small", color=ink(ax),
        )  # fmt: skip


def legend_below(ax: Axes, handles: Sequence[Any] | None = None) -> None:
    """A legend under the x label, where it hides no data; as many columns as fit under the Axes."""
    found = list(ax.get_legend_handles_labels()[0] if handles is None else handles)
    if not found:
        return
    room = 1.1 * ax.bbox.width / ax.figure.dpi / LETTER
    names = [str(handle.get_label()) for handle in found]
    choices = [math.ceil(len(names) / rows) for rows in range(1, len(names) + 1)]
    columns = next((n for n in choices if _letters(names, n) <= room), 1)
    under = ax.transAxes + ScaledTranslation(0, -38 / 72, ax.figure.dpi_scale_trans)  # points: below ticks and label
    ax.legend(
        handles=found, loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=under, borderaxespad=0,
        ncols=columns, frameon=False, fontsize="small", labelcolor=ink(ax),
    )  # fmt: skip


def _letters(names: Sequence[str], columns: int) -> int:
    """About how many letters wide a legend in so many columns is: each has a handle, about 7 letters with its gaps."""
    return sum(7 + max(map(len, part)) for part in np.array_split(np.array(names, dtype=object), columns))
