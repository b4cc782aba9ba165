"""A picture of training while it goes on: a callback of `fit` that draws the history anew in its place."""

from __future__ import annotations

import time
from typing import Any

from .histories import history
from .showing import show


class Live:
    """Watch training in a notebook: one picture below the cell, drawn anew as epochs go by; the last one stays.

    columns: what to draw, as for `plots.history`. every: seconds between two pictures, at least. log: a logarithmic
    axis. alt: what is to be seen, for those who can't see it; unless given, the columns' first and last numbers.
    Outside of notebooks it does nothing: `fit` prints its line there.

    >>> from micrograd_plus import data, nn, plots, training
    >>> history = training.fit(nn.MLP(2, [4, 1], seed=1), data.xor(), loss="mse", optimizer="sgd", epochs=2,
    ...                        callbacks=[plots.Live("loss")], progress=False)
    """

    def __init__(self, *columns: str, every: float = 1.0, log: bool = False, alt: str = ""):
        if not isinstance(every, (int, float)) or not every >= 0:
            raise ValueError(f"Live: every is the number of seconds between two pictures, at least 0; got {every!r}")
        self.columns, self.every, self.log, self.alt = columns, every, log, alt
        self._handle: Any = None
        self._drawn = 0.0

    def __call__(self, state: Any) -> None:
        """Called by `fit` after each epoch."""
        over = state.epoch == state.epochs or state.history.stopped
        if state.epoch == 1:
            self._handle = None  # another training gets a picture of its own
        if over or time.perf_counter() - self._drawn >= self.every:
            self._draw(state.history)
            self._drawn = time.perf_counter()  # after drawing: on a slow machine training must not wait for pictures

    def _draw(self, past: Any) -> None:
        display = _display()
        if display is None:
            return
        picture = show(history(past, *self.columns, log=self.log), self.alt or _in_words(past, self.columns))
        if self._handle is None:
            self._handle = display(picture, display_id=True)
        else:
            self._handle.update(picture)


def _display() -> Any:
    """IPython's display, where a notebook's kernel runs this; else None."""
    import sys

    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if not any(kind.__name__ == "ZMQInteractiveShell" for kind in type(shell).__mro__):
        return None
    from IPython.display import display

    return display


def _in_words(past: Any, columns: tuple[str, ...]) -> str:
    """From where to where each column went."""
    first, last = past.rows[0], past.rows[-1]
    names = columns or [name for name in last if name not in ("epoch", "lr")]
    went = [f"{name} from {first[name]:.3g} to {last[name]:.3g}" for name in names if name in first and name in last]
    return f"Training over {len(past.rows)} epochs: {', '.join(went)}."


__all__ = ["Live"]
