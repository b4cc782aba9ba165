"""Whether what is computed is remembered, and who else looks on while it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar
from typing import Any

# A ContextVar, so that no_grad() in one thread or asyncio task does not switch off another's recording.
# True, False, or a Watcher, which is shown what happens. A watcher that is false looks on where nothing is remembered.
_recording: ContextVar[Any] = ContextVar("recording", default=True)
is_recording = _recording.get
inside_grad: ContextVar[bool] = ContextVar("inside_grad", default=False)  # while grad(f) runs f


class no_grad(ContextDecorator):  # noqa: N801 - PyTorch's name
    """Compute without recording a graph: a context manager, and a decorator (with brackets or without).

    >>> from micrograd_plus import Value, no_grad
    >>> a = Value(2.0)
    >>> with no_grad():
    ...     b = a * 3
    >>> b.requires_grad, b.data
    (False, 6.0)
    """

    def __new__(cls, function: Callable | None = None) -> Any:
        """A context; or, used as @no_grad, the function decorated."""
        return super().__new__(cls) if function is None else cls()(function)

    def __init__(self) -> None:
        self._tokens: list = []

    def __enter__(self) -> no_grad:
        now = _recording.get()
        self._tokens.append(_recording.set(False if now.__class__ is bool else now.without_grad()))
        return self

    def __exit__(self, *exc: object) -> None:
        _recording.reset(self._tokens.pop())

    def _recreate_cm(self) -> no_grad:  # a fresh one for each call of a decorated function: threads, recursion
        return no_grad()


class Watcher:
    """Who looks on while nodes are made: a base whose methods do nothing. Nobody is asked where there is no watcher."""

    def made(self, op: Any, operands: tuple, y: Any, settings: dict) -> None:
        """`y` was computed: op(*operands, **settings)."""

    def pushed(self, node: Any) -> None:
        """`node` has handed its gradient on."""

    def born(self, leaf: Any) -> None:
        """A leaf was made."""

    def is_number(self, node: Any, leaf: Any) -> bool:
        """Whether `node` stands for a plain number here, so that a new `leaf` can be made of it."""
        return False

    def read(self, node: Any, how: str) -> None:
        """Somebody is about to take the plain numbers out of `node`: by `.data`, float() …"""

    def compared(self, how: Callable, a: Any, b: Any, outcome: bool) -> None:
        """Somebody asked whether how(a, b), and will go on by the answer."""

    def numbers(self, node: Any, array: Any) -> Any:
        """What `node.numpy()` is to give: its array, unless this says otherwise."""
        return array

    def drawn(self, draw: Callable[[], Any]) -> Any:
        """What `draw()` gives, which is another array of random numbers each time."""
        return draw()

    def without_grad(self) -> Any:
        """Who looks on inside no_grad(): nobody, unless this says otherwise."""
        return False


@contextmanager
def watched_by(watcher: Any) -> Iterator[Any]:
    """Record, and show the watcher what happens meanwhile."""
    token = _recording.set(watcher)
    try:
        yield watcher
    finally:
        _recording.reset(token)
