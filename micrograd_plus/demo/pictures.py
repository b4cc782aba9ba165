"""The demo's pictures: matplotlib figures, each drawn for a light and for a dark page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np

from .runs import DigitsRun, MoonsRun

# Okabe and Ito's colours, told apart by colour-blind readers too; shapes and dashes say the same again.
ORANGE, RED = "#E69F00", "#D55E00"
LIGHT = {"ink": "#222222", "paper": "#ffffff", "soft": "#cccccc", "blue": "#0072B2", "map": "Greys"}
DARK = {"ink": "#e8e8e8", "paper": "#16181d", "soft": "#444a55", "blue": "#56B4E9", "map": "gray"}


def as_html(draw: Callable[[dict], Any], alt: str) -> str:
    """A <picture> with both versions inside it, so that the page is one file."""
    light, dark = _png(draw, LIGHT), _png(draw, DARK)
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img alt="{alt}" src="{light}"></picture>'
    )


def _png(draw: Callable[[dict], Any], theme: dict) -> str:
    from matplotlib import rc_context

    ink, paper = theme["ink"], theme["paper"]
    style: Any = {
        "text.color": ink, "axes.labelcolor": ink, "axes.edgecolor": theme["soft"], "xtick.color": ink,
        "ytick.color": ink, "axes.facecolor": paper, "figure.facecolor": paper, "savefig.facecolor": paper,
        "axes.spines.top": False, "axes.spines.right": False, "font.size": 10, "legend.frameon": False,
    }  # fmt: skip
    with rc_context(style):
        figure = draw(theme)
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=110, bbox_inches="tight", metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure  # not pyplot: no window, no global state

    return Figure(figsize=(width, height), layout="constrained")


def boundary(run: MoonsRun, theme: dict) -> Any:
    """The points and what the network says of every place."""
    figure = _figure(5.2, 4)
    ax = figure.subplots()
    low, high = run.X.min(axis=0) - 0.5, run.X.max(axis=0) + 0.5
    xs, ys = np.meshgrid(np.linspace(low[0], high[0], 160), np.linspace(low[1], high[1], 160))
    scores = run.scores(np.column_stack([xs.ravel(), ys.ravel()])).reshape(xs.shape)
    ax.contourf(xs, ys, scores, levels=[-1e9, 0, 1e9], colors=[theme["blue"], ORANGE], alpha=0.18)
    ax.contour(
        xs, ys, scores, levels=[-1, 0, 1], colors=theme["ink"], linewidths=[0.8, 1.6, 0.8], linestyles=["--", "-", "--"]
    )
    for label, color, marker in ((-1, theme["blue"], "o"), (1, ORANGE, "^")):
        mine = run.y == label
        ax.scatter(
            *run.X[mine].T,
            c=color,
            marker=marker,
            s=30,
            edgecolors=theme["ink"],
            linewidths=0.5,
            label=f"class {label}",
        )
    ax.legend(loc="upper right")
    ax.set(xlabel="first input", ylabel="second input", xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    return figure


def moons_losses(run: MoonsRun, theme: dict) -> Any:
    """The loss of each step, of both runs: one line on top of the other."""
    figure = _figure(5.2, 4)
    ax = figure.subplots()
    steps = np.arange(1, len(run.scalar_losses) + 1)
    ax.plot(steps, run.tensor_losses, color=ORANGE, linewidth=5, alpha=0.6, label="as Tensors")
    ax.plot(steps, run.scalar_losses, color=theme["blue"], linewidth=1.5, linestyle="--", label="as scalar Values")
    ax.set(xlabel="step", ylabel="loss", ylim=(0, None))
    ax.legend()
    return figure


def digits_losses(run: DigitsRun, theme: dict) -> Any:
    """Loss and accuracy of each epoch."""
    figure = _figure(8, 3.2)
    left, right = figure.subplots(1, 2)
    epochs = np.arange(1, len(run.losses) + 1)
    left.plot(epochs, run.losses, color=theme["blue"], label="training")
    left.plot(epochs, run.held_out_losses, color=RED, linestyle="--", label="held out")
    left.set(xlabel="epoch", ylabel="loss (log scale)", yscale="log")
    left.legend()
    right.plot(epochs, 100 * np.array(run.accuracies), color=RED, linestyle="--")
    right.axhline(10, color=theme["soft"])
    right.annotate("guessing", (epochs[-1], 10), ha="right", va="bottom")
    right.set(xlabel="epoch", ylabel="held-out digits read right, %", ylim=(0, 101))
    return figure


def digit_grid(run: DigitsRun, which: np.ndarray, theme: dict, columns: int = 10) -> Any:
    """Digits with what the network says; for a mistake also what is right."""
    rows = max(1, -(-len(which) // columns))
    figure = _figure(0.86 * columns, 1.22 * rows)
    for ax in figure.subplots(rows, columns, squeeze=False).flat:
        ax.set_axis_off()
    for ax, i in zip(figure.axes, which, strict=False):
        said, right = run.predictions[i], run.labels[i]
        ax.imshow(run.images[i], cmap=theme["map"], vmin=0, vmax=1)
        ax.set_title(
            f"{said}" if said == right else f"{said}, is {right}",
            fontsize=10,
            color=theme["ink"] if said == right else RED,
        )
    return figure
