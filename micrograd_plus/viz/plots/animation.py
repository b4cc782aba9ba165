"""Animation: a training as a small GIF, a picture for each recorded step."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .asking import Weights, all_restored, check_module, column, numbers, recorded_weights
from .boundary import decision_boundary, usual_boundary
from .results import predictions_1d

MOST_FRAMES, MOST_BYTES = 60, 2_000_000
DPI, COLOURS = 90, 255
SMALLER = ((1, 1.0), (1, 0.75), (2, 0.75), (2, 0.5), (4, 0.5), (8, 0.35))  # every n-th frame, and the scale, to try
FAST_OCTREE = 2  # Pillow's number for the way that keeps rare colours (those of the points) as they are
HOLD = 1.5  # seconds that the last frame stays


@dataclass(repr=False)
class Animation:
    """A GIF: shown by notebooks as the last line of a cell, saved by .save("training.gif").

    gif: the file as bytes. steps: the step that each frame shows. alt: what it shows, in words.
    """

    gif: bytes
    steps: list[int]
    alt: str

    def save(self, path: str | Path) -> None:
        """Write the file. ValueError for a name that doesn't end in .gif."""
        path = Path(path)
        if path.suffix.lower() != ".gif":
            raise ValueError(f"an animation is saved as a GIF: choose a name that ends in .gif, got {path.name!r}")
        path.write_bytes(self.gif)

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.gif).decode("ascii")
        return f'<img alt="{self.alt}" src="data:image/gif;base64,{data}">'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Animation: {len(self.steps)} frames, {len(self.gif) / 1000:,.0f} kB; .save('training.gif')>"


def animate_training(
    recorder: Any,
    model: Any,
    X: Any = None,
    y: Any = None,
    *,
    draw: Callable[[Any, Axes], Any] | None = None,
    frames: int = 40,
    seconds: float = 6.0,
    width: float = 4.4,
    height: float = 4.0,
) -> Animation:
    """How the model's picture changed while it was trained, as an animated GIF of at most 2 MB.

    recorder: a training.Recorder(keep="arrays") that was among fit's callbacks of this model. X, y: the data: with two
    inputs a frame is decision_boundary(model, X, y), with one predictions_1d(model, X, y). draw: or your own picture,
    a function draw(model, ax). frames: at most 60, evenly spaced over the recorded steps. seconds: how long it
    plays. width, height: inches, at 90 pixels. To keep within 2 MB the picture gets smaller, and frames fewer.
    The model is afterwards what it was. ValueError or TypeError for what can't be drawn.

    >>> from micrograd_plus import data, nn, plots, training
    >>> model, recorder = nn.MLP(2, [4, 1], seed=1), training.Recorder(every=5, keep="arrays")
    >>> history = training.fit(model, data.xor(), loss="mse", optimizer="sgd", epochs=20, callbacks=[recorder],
    ...                        seed=0, progress=False)
    >>> plots.animate_training(recorder, model, *data.xor(), frames=3).steps
    [4, 14, 20]
    """
    check_module(model, "animate_training")
    if not isinstance(frames, (int, np.integer)) or not 2 <= frames <= MOST_FRAMES:
        raise ValueError(f"frames must be a whole number from 2 to {MOST_FRAMES}, got {frames!r}")
    if not seconds > 0:
        raise ValueError(f"seconds must be above 0, got {seconds!r}")
    weights = Weights(dict(model.named_parameters()))
    steps, vectors = recorded_weights(recorder, weights, "animate_training")
    chosen = np.unique(np.linspace(0, len(steps) - 1, frames).round().astype(int))
    with all_restored(list(weights.named.values()), model):
        weights.put(vectors[-1])
        draw = draw or _drawing_of(model, X, y)
        pictures = []
        for i in chosen:
            weights.put(vectors[i])
            pictures.append(_picture(draw, model, f"after step {steps[i]:,}", width, height))
    gif, kept = _smallest_that_fits(pictures, [steps[i] for i in chosen], seconds)
    return Animation(gif, kept, f"Animation of a training, from step {kept[0]:,} to step {kept[-1]:,}")


def _drawing_of(model: Any, X: Any, y: Any) -> Callable[[Any, Axes], Any]:
    """The usual picture for such data, with limits that stay the same from frame to frame."""
    if X is None or y is None:
        raise ValueError("animate_training needs the data, X and y, or draw=, a function of the model and the Axes")
    shape = numbers(X).shape
    if len(shape) == 2 and shape[1] == 2:
        cut = usual_boundary(model, X, y)  # that of the trained model, all along
        return lambda model, ax: decision_boundary(model, X, y, ax=ax, boundary=cut)
    if len(shape) == 1 or shape[1:] == (1,):
        targets = column("y", y, shape[0])
        room = 0.15 * (targets.max() - targets.min()) or 1.0

        def curve(model: Any, ax: Axes) -> None:
            predictions_1d(model, X, y, ax=ax)
            ax.set_ylim(targets.min() - room, targets.max() + room)

        return curve
    raise ValueError(f"only data of one or two inputs have a usual picture, X has shape {shape}: give draw=")


def _picture(draw: Callable[[Any, Axes], Any], model: Any, title: str, width: float, height: float) -> Any:
    """One frame, as Pillow's image."""
    from PIL import Image

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    draw(model, figure.subplots())
    figure.suptitle(title, fontsize="medium")
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _smallest_that_fits(pictures: list[Any], steps: list[int], seconds: float) -> tuple[bytes, list[int]]:
    """The GIF at full size if it is small enough, else with fewer and smaller frames; the last one always stays."""
    for every, scale in SMALLER:
        kept = sorted({*range(0, len(pictures), every), len(pictures) - 1})
        gif = _gif([_scaled(pictures[i], scale) for i in kept], seconds)
        if len(gif) <= MOST_BYTES:
            break
    else:
        raise ValueError(f"even small, the animation takes {len(gif):,} bytes: give a smaller width and height")
    return gif, [steps[i] for i in kept]


def _scaled(picture: Any, scale: float) -> Any:
    size = [max(1, round(side * scale)) for side in picture.size]
    return (picture if scale == 1 else picture.resize(size)).quantize(COLOURS, method=FAST_OCTREE, dither=0)


def _gif(pictures: list[Any], seconds: float) -> bytes:
    file, each = io.BytesIO(), 1000 * seconds / len(pictures)
    durations = [each] * (len(pictures) - 1) + [each + 1000 * HOLD]  # milliseconds
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0)
    return file.getvalue()
