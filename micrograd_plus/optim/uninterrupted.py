"""A step that Ctrl-C doesn't cut in two."""

import signal
import threading
from typing import Any

_MAIN = threading.main_thread().ident


class uninterrupted:  # noqa: N801 - used like a function
    """`with uninterrupted():` a Ctrl-C meanwhile takes effect afterwards. (Signals reach the main thread only.)

    A class, since a generator would cost half as much again, and this runs in each training step.
    """

    __slots__ = ("before", "pressed")

    def __enter__(self) -> None:
        self.pressed: list[tuple] = []
        self.before: Any = signal.getsignal(signal.SIGINT) if threading.get_ident() == _MAIN else None
        if callable(self.before):  # not where it is ignored, or not Python's
            signal.signal(signal.SIGINT, self._note)

    def _note(self, *args: Any) -> None:
        self.pressed.append(args)

    def __exit__(self, *error: object) -> None:
        if callable(self.before):
            signal.signal(signal.SIGINT, self.before)
            if self.pressed and error[0] is None:
                self.before(*self.pressed[0])
