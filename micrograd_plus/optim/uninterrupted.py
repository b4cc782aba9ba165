"""A step that Ctrl-C doesn't cut in two."""

# The C functions that the module `signal` wraps in enums: a twentieth of its time, and this runs in every step.
import _signal as signal  # type: ignore[import-not-found]
import threading
from signal import SIGINT
from typing import Any

_MAIN = threading.main_thread().ident


class uninterrupted:  # noqa: N801 - used like a function
    """`with uninterrupted():` a Ctrl-C meanwhile takes effect afterwards. (Signals reach the main thread only.)

    A class, since a generator would cost half as much again, and this runs in each training step.
    """

    __slots__ = ("before", "pressed")

    def __enter__(self) -> None:
        self.pressed: list[tuple] = []
        self.before: Any = signal.getsignal(SIGINT) if threading.get_ident() == _MAIN else None
        if callable(self.before):  # not where it is ignored, or not Python's
            signal.signal(SIGINT, self._note)

    def _note(self, *args: Any) -> None:
        self.pressed.append(args)

    def __exit__(self, *error: object) -> None:
        if callable(self.before):
            signal.signal(SIGINT, self.before)
            if self.pressed and error[0] is None:
                self.before(*self.pressed[0])
