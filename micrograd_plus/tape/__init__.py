"""The tape: a function is recorded once and replayed fast.

To read in this order: recorder.py (a function is run by somebody who writes along), tape.py (what is written),
plan.py (few operations on many numbers in place of many on one), with_numpy.py (the plan is run), replay.py (what comes
out is an ordinary node), compiled.py (which tape holds, and when to record anew). lanes.py is `vmap`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .compiled import compile as compile
    from .lanes import vmap as vmap


def __getattr__(name: str) -> Any:
    if name == "compile":
        from .compiled import compile

        return compile
    if name == "vmap":
        from .lanes import vmap

        return vmap
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return ["compile", "vmap"]
