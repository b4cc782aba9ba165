"""Progress: one line that says how training goes, shown in the way that suits the place."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any

from .callbacks import Callback, State

PAUSE = 0.25  # seconds between two updates of a line
LINES = 10  # where lines can't be updated, about so many are printed in all


class Progress(Callback):
    """Makes the line of the moment, and has a screen show it."""

    def __init__(self, screen: Screen):
        self.screen = screen
        self.last_look = -math.inf
        self.began = time.perf_counter()
        self.before: float | None = None  # the share that an earlier run had done already

    def on_epoch_begin(self, state: State) -> None:
        """Note where training goes on."""
        if self.before is None:
            self.before = state.share

    def on_batch_end(self, state: State) -> None:
        """A new line, if the last one has stood long enough."""
        now = time.perf_counter()
        if now - self.last_look >= PAUSE:
            self.last_look = now
            self.screen.update(self._line(state, {"loss": state.loss}), state.share)

    def on_epoch_end(self, state: State) -> None:
        """The epoch's numbers."""
        self.screen.epoch(self._line(state, {}), state)

    def close(self, state: State, why: str | None) -> None:
        """The last line, which stays, and why training ended early, if it did."""
        line = self._line(state, {}, over=True) if state.history.rows else ""
        if line:
            self.screen.update(line, state.share)
        self.screen.close(line, why)

    def _line(self, state: State, latest: dict[str, float], over: bool = False) -> str:
        rows = state.history.rows
        numbers = {**(rows[-1] if rows else {}), **latest}
        epoch = numbers.pop("epoch", 0) if over else state.epoch
        numbers.pop("epoch", None)
        spent = time.perf_counter() - self.began
        done = state.share - (self.before or 0.0)
        left = spent * (1 - state.share) / done if done else 0.0
        timing = duration(spent) if over else f"{duration(left)} left"
        shown = [f"{name} {number:.4g}" for name, number in numbers.items()]
        return "  ".join([f"epoch {epoch}/{state.epochs}", timing, *shown])


class Screen:
    """Where a line is shown. This one shows nothing."""

    def update(self, line: str, share: float) -> None:
        """Show this line in place of the one before."""

    def epoch(self, line: str, state: State) -> None:
        """An epoch has ended."""

    def close(self, line: str, stopped: str | None) -> None:
        """Show the last line, and leave it."""


class Told(Screen):
    """A function of the user's, told each epoch's line and why training ended early."""

    def __init__(self, tell: Callable[[str], Any]):
        self.tell = tell

    def epoch(self, line: str, state: State) -> None:
        """Tell."""
        self.tell(line)

    def close(self, line: str, stopped: str | None) -> None:
        """Tell why it ended early."""
        if stopped:
            self.tell(stopped)


class Printed(Screen):
    """Plain lines, for a pipe or a file."""

    def __init__(self) -> None:
        self.pending = False

    def epoch(self, line: str, state: State) -> None:
        """Print every tenth of the epochs."""
        before, now = ((epoch * LINES) // state.epochs for epoch in (state.epoch - 1, state.epoch))
        self.pending = now == before
        if not self.pending:
            print(line, flush=True)

    def close(self, line: str, stopped: str | None) -> None:
        """Print the last epoch, if it wasn't, and why training ended early."""
        if line and self.pending:
            print(line)
        if stopped:
            print(stopped, flush=True)


class Bar(Screen):
    """A bar in a terminal, by tqdm."""

    def __init__(self) -> None:
        from tqdm.std import tqdm

        self.tqdm = type("Bar", (tqdm,), {"monitor_interval": 0})  # tqdm's watching thread isn't needed
        self.bar: Any = None

    def update(self, line: str, share: float) -> None:
        """Draw."""
        if self.bar is None:
            width, height = shutil.get_terminal_size()  # never 0, unlike tqdm's
            form = "{percentage:3.0f}%|{bar:12}| {desc}"
            self.bar = self.tqdm(total=1.0, bar_format=form, ncols=width, nrows=height)
        self.bar.n = share
        self.bar.set_description_str(line)

    def close(self, line: str, stopped: str | None) -> None:
        """Leave the bar standing; why training ended early goes below."""
        if self.bar is not None:
            self.bar.close()
        if stopped:
            print(stopped, file=sys.stderr, flush=True)


class Cell(Screen):
    """One output of a notebook's cell, replaced in place, so that a saved notebook holds one clean line."""

    def __init__(self) -> None:
        from IPython.display import display

        self.display = display
        self.handle: Any = None

    def update(self, line: str, share: float) -> None:
        """Replace the line."""
        text = {"text/plain": line}
        if self.handle is None:
            self.handle = self.display(text, raw=True, display_id=True)
        else:
            self.handle.update(text, raw=True)

    def close(self, line: str, stopped: str | None) -> None:
        """Leave the line standing, and below it why training ended early."""
        if stopped:
            self.update(f"{line}\n{stopped}".strip(), 1.0)


def screen_for(progress: bool | Callable[[str], Any]) -> Screen:
    """The screen that suits where we are; or silence (False), or a function to be told. TypeError for anything else."""
    if callable(progress):
        return Told(progress)
    if progress not in (True, False):
        raise TypeError(f"progress must be True, False or a function that takes a line of text, got {progress!r}")
    if not progress:
        return Screen()
    if in_notebook():
        return Cell()
    try:
        return Bar() if sys.stderr is not None and sys.stderr.isatty() else Printed()
    except ImportError:  # no tqdm
        return Printed()


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this; IPython isn't imported to find out."""
    shell_of = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
    return any(kind.__name__ == "ZMQInteractiveShell" for kind in type(shell_of()).__mro__)


def duration(seconds: float) -> str:
    """3.4 s, 5 min 10 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
