"""Whether what is computed is remembered, and who else looks on while it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Any

# A ContextVar, so that no_grad() in one thread or asyncio task does not switch off another's recording.
# True, False, or a Watcher, which is shown what happens. A watcher that is false looks on where nothing is remembered.
_recording: ContextVar[Any] = ContextVar("recording", default=True)
is_recording = _recording.get
inside_grad: ContextVar[tuple] = ContextVar("inside_grad", default=())  # while grad(f) runs f: its variables


_open: ContextVar[tuple] = ContextVar("open", default=())  # of each no_grad() that is entered, [what held before]


def runs_at_once(function: Callable, who: str) -> None:
    """TypeError for a generator function or an async one: its body runs when the decorated call has returned."""
    if isgeneratorfunction(function) or iscoroutinefunction(function) or isasyncgenfunction(function):
        raise TypeError(
            f"@{who} on a generator or an async function would end before its body runs: write `with {who}():` inside "
            "of it, around what it computes"
        )


class no_grad(ContextDecorator):  # noqa: N801 - PyTorch's name
    """Compute without recording a graph: a context manager, and a decorator (with brackets or without).

    >>> from micrograd_plus import Value, no_grad
    >>> a = Value(2.0)
    >>> with no_grad():
    ...     b = a * 3
    >>> b.requires_grad, b.data
    (False, 6.0)

    It holds for this thread, and for this asyncio task. A generator that yields inside of it leaves it on for whoever
    called the generator, until the generator goes on (as in PyTorch); left in whatever order, all is as it was in the
    end. TypeError for @no_grad on a generator or an async function, which runs when the call has long returned.
    """

    def __new__(cls, function: Callable | None = None) -> Any:
        """A context; or, used as @no_grad, the function decorated."""
        if function is None:
            return super().__new__(cls)
        if not callable(function):
            raise TypeError(f"no_grad is a context, or decorates a function: with no_grad(): …; got {function!r:.40}")
        return cls()(function)

    def __call__(self, function: Callable) -> Any:
        """The function decorated. TypeError for one that would run outside of it."""
        runs_at_once(function, "no_grad")
        return super().__call__(function)

    def __init__(self) -> None:
        self._entered: list[list] = []

    def __enter__(self) -> no_grad:
        before = _recording.get()
        entry = [before]  # a list of its own, to be told from the entries of others
        _open.set((*_open.get(), entry))
        self._entered.append(entry)
        _recording.set(False if before.__class__ is bool else before.without_grad())
        return self

    def __exit__(self, *exc: object) -> None:
        entry, entries = self._entered.pop(), _open.get()
        place = next((i for i, other in enumerate(entries) if other is entry), None)
        if place is None:
            return  # a generator, closed by another thread or task: there is nothing to put back here
        _open.set(entries[:place] + entries[place + 1 :])
        if place == len(entries) - 1:
            _recording.set(entry[0])
        else:  # who entered later is still inside, and is to put back what this one would have
            entries[place + 1][0] = entry[0]

    def _recreate_cm(self) -> no_grad:  # a fresh one for each call of a decorated function: threads, recursion
        return no_grad()


class Watcher:
    """Who looks on while nodes are made: a base whose methods do nothing. Nobody is asked where there is no watcher."""

    def made(self, op: Any, operands: tuple, y: Any, settings: dict) -> None:
        """`y` was computed: op(*operands, **settings)."""

    def pushed(self, node: Any) -> None:
        """`node` has handed its gradient on."""

    def hooked(self, node: Any) -> Any:
        """A gradient hook is about to be put on `node`. Returns the node that it belongs on: this one, as a rule."""
        return node

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
