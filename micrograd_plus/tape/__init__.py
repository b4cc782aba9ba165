"""The tape: a function is recorded once and replayed fast.

To read in this order: recorder.py (a function is run by somebody who writes along), tape.py (what is written),
plan.py (few operations on many numbers in place of many on one), with_numpy.py (the plan is run), replay.py (what comes
out is an ordinary node), compiled.py (which tape holds, and when to record anew). lanes.py is `vmap`; with_numba.py is
another way to run a plan. Functions of Tensors have recorder, tape and replay of their own: array_*.py.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .compiled import compile as compile
    from .lanes import vmap as vmap
    from .recorder import CompileError as CompileError
    from .recorder import FrozenNumberError as FrozenNumberError

# What loads on first use, since it needs NumPy.
_LATER = {"CompileError": "recorder", "FrozenNumberError": "recorder", "compile": "compiled", "vmap": "lanes"}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f".{_LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_LATER)
