"""Seeing it: graphs drawn, backpropagation step by step, the pictures of training (`plots`)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .draw import draw, zoom
from .layout import LayoutError, LayoutTimeout, LayoutUnavailable, engines
from .stepper import step_through

if TYPE_CHECKING:
    from . import plots as plots

__all__ = ["LayoutError", "LayoutTimeout", "LayoutUnavailable", "draw", "engines", "plots", "step_through", "zoom"]


def __getattr__(name: str) -> Any:
    if name == "plots":  # it loads matplotlib
        return import_module(".plots", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), "plots"})
