"""Ways onward, for those who outgrow this: `bridges.torch` to PyTorch and back, `bridges.onnx` to ONNX files.

Each loads at its first use, and needs its own package (torch, onnx) only inside the functions that use it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import onnx as onnx
    from . import torch as torch

_LATER = ("onnx", "torch")
__all__ = ["needed", "onnx", "torch"]


def needed(package: str, what_for: str) -> Any:
    """The module `package`; ModuleNotFoundError with the way to install it, where it isn't.

    >>> needed("json", "this example").dumps([1])
    '[1]'
    >>> needed("no_such_package", "this example")
    Traceback (most recent call last):
    ModuleNotFoundError: this example needs the package no_such_package, which is not installed: pip install \
no_such_package
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package.split(".")[0]:
            raise  # it is there, and something that it needs itself is not: it says so
        raise ModuleNotFoundError(
            f"{what_for} needs the package {error.name}, which is not installed: pip install {error.name}",
            name=error.name,
        ) from None


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATER])
