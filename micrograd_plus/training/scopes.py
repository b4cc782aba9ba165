"""Scopes: what holds while a block runs, and is as before when it ends, however it ends."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..nn import Module
from ..optim.uninterrupted import uninterrupted as uninterrupted


@contextmanager
def mode_restored(model: Module) -> Iterator[None]:
    """Whatever train() and eval() do meanwhile, each module ends in the mode it had."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def remembered(*things: Any) -> Callable[[], None]:
    """A function that brings all of them, and Python's `random`, back to where they are now."""
    kept = [thing for thing in things if hasattr(thing, "state_dict") and hasattr(thing, "load_state_dict")]
    states, chance = [copy.deepcopy(thing.state_dict()) for thing in kept], random.getstate()

    def put_back() -> None:
        pairs = [*zip(kept, states, strict=True)]
        for thing, state in [*pairs, *reversed(pairs)]:  # back as well: a schedule sets the rates of the optimiser
            thing.load_state_dict(state)
        random.setstate(chance)

    return put_back


@contextmanager
def all_or_nothing(*things: Any) -> Iterator[None]:
    """Where the block fails, or Ctrl-C ends it, the things are as they were before."""
    put_back = remembered(*things)
    try:
        yield
    except BaseException:
        put_back()
        raise
