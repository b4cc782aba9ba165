"""Python's garbage collector, which has nothing to find in our graphs: there are no cycles in them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Python's cyclic garbage collector rests meanwhile, and is afterwards on or off as it was before.

    What lies in no cycle is freed at once, as ever: that needs no collector. The setting is the whole process's.

    >>> with collector_paused():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    was_on = gc.isenabled()
    try:  # before gc.disable(): a Ctrl-C right behind it would otherwise leave the collector off
        gc.disable()
        yield
    finally:
        if was_on:
            gc.enable()
