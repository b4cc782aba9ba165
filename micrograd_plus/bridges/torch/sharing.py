"""What is said of a model after it is made: which parts are one, which are frozen, and where a dtype is another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ... import nn
from ...engine.graph import Node
from ...nn.module import Module


def afterwards(written: Any) -> list[str]:
    """The lines behind the one that makes the model, for what is `Written`."""
    return [*_shared(written), *_frozen(written), *_dtypes(written)]


def _shared(written: Any) -> list[str]:
    lines: list[str] = []
    seen: dict[int, str] = {}

    def walk(module: Module, path: str) -> None:
        for suffix, thing in parts_of(module):
            full = path + suffix
            if isinstance(thing, Module) and id(thing) in seen and next(thing._state(), None) is not None:
                lines.append(f"{full} = {seen[id(thing)]}  # one module, used twice")
            elif isinstance(thing, Module):
                seen[id(thing)] = full
                if not is_scalar(thing):
                    walk(thing, full)
            elif id(thing) in seen:
                lines.append(f"{full} = {seen[id(thing)]}  # one parameter, used twice")
            else:
                seen[id(thing)] = full

    if not is_scalar(written.model):
        walk(written.model, "model")
    return lines


def _frozen(written: Any) -> list[str]:
    frozen = {name for name, tracked in written.tracked.items() if not tracked}
    if frozen and len(frozen) == len(written.tracked):
        return ["model.requires_grad_(False)  # frozen"]
    lines: list[str] = []
    done: set[str] = set()
    for name in written.tracked:
        if name in frozen and name not in done:
            chosen = _largest(name, frozen, written.tracked)
            done |= {other for other in frozen if other == chosen or other.startswith(f"{chosen}.")}
            lines.append(f"{reached(chosen)}.requires_grad_(False)  # frozen")
    return lines


def _largest(name: str, frozen: set[str], every: Any) -> str:
    """The name of the largest module around this parameter that is frozen wholly; else its own."""
    pieces = name.split(".")
    for n in range(1, len(pieces)):
        start = ".".join(pieces[:n])
        if all(other in frozen for other in every if other.startswith(f"{start}.")):
            return start
    return name


def _dtypes(written: Any) -> list[str]:
    """Where a dtype isn't that of most of the model."""
    lines = []
    for name, array in written.numbers.items():
        if array.dtype.kind == "f" and array.dtype != written.dtype:
            path = reached(name) + (".data" if name in written.tracked else "")
            lines.append(f"{path} = {path}.to(torch.{array.dtype})")
    return lines


def reached(name: str) -> str:
    """The expression for what has this name in the state dict.

    >>> reached("layers.0.weight")
    'model.layers[0].weight'
    """
    return "model" + "".join(f"[{piece}]" if piece.isdigit() else f".{piece}" for piece in name.split("."))


def is_scalar(module: Any) -> bool:
    """Whether these are neurons of single numbers."""
    return isinstance(module, (nn.MLP, nn.Layer, nn.Neuron)) and any(
        type(module).forward is cls.forward for cls in (nn.MLP, nn.Layer, nn.Neuron)
    )


def things_in(value: Any, suffix: str = "") -> Iterator[tuple[str, Any]]:
    """What an attribute holds, with the expression that reaches it."""
    if isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from things_in(item, f"{suffix}[{i}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from things_in(item, f'{suffix}["{key}"]')
    else:
        yield suffix, value


def parts_of(module: Module) -> Iterator[tuple[str, Any]]:
    """The modules and parameters in a module, with the expressions that reach them."""
    for name, value in vars(module).items():
        for suffix, thing in things_in(value, f"[{name}]" if name.isdigit() else f".{name}"):
            if isinstance(thing, (Module, Node)):
                yield suffix, thing
