"""A figure with a description: for readers who don't see it, and for notebooks that aren't trusted."""

from __future__ import annotations

import base64
import html
import io
from typing import Any


class Picture:
    """A figure as an image that carries its description: what `show` returns. A notebook displays it."""

    def __init__(self, png: bytes, alt: str, width: int):
        self.png = png
        self.alt = alt
        self.width = width

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        data = base64.b64encode(self.png).decode()
        alt = html.escape(self.alt)
        image = f'<img alt="{alt}" width="{self.width}" style="max-width:100%" src="data:image/png;base64,{data}">'
        return {"text/html": image, "text/plain": self.alt}

    def __repr__(self) -> str:
        return self.alt


def show(ax: Any, alt: str, *, dpi: int = 90) -> Picture:
    """The figure of these Axes as a picture with a description, in a notebook; the figure is closed.

    ax: what a plot returned, or an array of Axes, or a Figure. alt: what is to be seen in it, in a sentence or two, for
    people who can't see it, and where images are blocked. ValueError without one.

    >>> from micrograd_plus import plots
    >>> show(plots.activation_functions("tanh"), "tanh rises from -1 to 1; its slope is 1 at 0 and falls to 0")
    tanh rises from -1 to 1; its slope is 1 at 0 and falls to 0
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError("show: say in `alt` what is to be seen in the picture, for readers who can't see it")
    if isinstance(dpi, bool) or not isinstance(dpi, (int, float)) or not 10 <= dpi <= 2000:
        raise ValueError(f"show: dpi is the number of dots per inch, from 10 to 2000; got {dpi!r:.40}")
    from matplotlib import pyplot as plt

    first = next(iter(getattr(ax, "flat", [ax])), None)
    figure: Any = getattr(first, "figure", first)
    if not hasattr(figure, "savefig"):
        raise TypeError(f"show needs what a plot returned (Axes), or a Figure; got {type(ax).__name__} {ax!r:.40}")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)  # else a notebook would show it a second time, without its description
    png = buffer.getvalue()
    return Picture(png, alt, int.from_bytes(png[16:20], "big"))  # a PNG's width stands there


__all__ = ["Picture", "show"]
