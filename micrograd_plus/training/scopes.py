"""Scopes: what holds while a block runs, and is as before when it ends, however it ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..nn import Module


@contextmanager
def mode_restored(model: Module) -> Iterator[None]:
    """Whatever train() and eval() do meanwhile, each module ends in the mode it had."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A Ctrl-C meanwhile takes effect afterwards. (Signals reach the main thread only.)"""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    pressed: list[tuple] = []
    signal.signal(signal.SIGINT, lambda *args: pressed.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        before(*pressed[0])
