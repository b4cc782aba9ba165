"""The demo's pictures: those of `viz.plots`, each drawn for a light and for a dark page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

LIGHT = {"ink": "#222222", "paper": "#ffffff", "soft": "#cccccc"}
DARK = {"ink": "#e8e8e8", "paper": "#16181d", "soft": "#444a55"}


def as_html(draw: Callable[..., Any], alt: str, width: float, height: float) -> str:
    """A <picture> with both versions inside it, so that the page is one file. draw(ax=ax) draws; sizes in inches."""
    light, dark = _png(draw, LIGHT, width, height), _png(draw, DARK, width, height)
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img alt="{alt}" src="{light}"></picture>'
    )


def _png(draw: Callable[..., Any], theme: dict[str, str], width: float, height: float) -> str:
    from matplotlib import rc_context
    from matplotlib.figure import Figure  # not pyplot: no window, no global state

    ink, paper = theme["ink"], theme["paper"]
    style: Any = {
        "text.color": ink, "axes.labelcolor": ink, "axes.edgecolor": theme["soft"], "xtick.color": ink,
        "ytick.color": ink, "axes.facecolor": paper, "figure.facecolor": paper, "savefig.facecolor": paper,
        "font.size": 10,
    }  # fmt: skip
    with rc_context(style):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(ax=figure.subplots())
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=110, bbox_inches="tight", metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
