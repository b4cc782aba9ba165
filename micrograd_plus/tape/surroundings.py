"""What a function reads from around it: variables of the cell or function that it stands in, and models and objects.

A tape was recorded with these as they were. Numbers, text, lists and dicts are compared before each replay, and the
attributes of models and objects; arrays, and lists of more than LIMIT numbers, by identity alone.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

LIMIT = 20_000
_PLAIN = (int, float, complex, str, bytes, bool, type(None))
_NOT_LOOKED_INTO = (types.ModuleType, type, types.BuiltinFunctionType)


class Surroundings:
    """A picture of a function's surroundings; `unchanged()` tells whether it still holds."""

    def __init__(self, function: Callable, things: Iterable = ()):
        """things: objects that the function is called with, such as a model."""
        self.pictures: list[tuple[Callable, Any]] = []  # (a way to look, what was seen)
        self._visited: set[int] = set()
        for thing in (function, *things):
            self._visit(thing)

    def unchanged(self) -> bool:
        """Whether all is as it was."""
        try:
            return all(before == look() for look, before in self.pictures)
        except (ValueError, KeyError):  # two arrays, of which == makes an array; a variable that is gone
            return False

    def public_unchanged(self) -> bool:
        """The same, but for attributes with a leading underscore: those are an object's own affair."""
        try:
            return all(_public(before) == _public(look()) for look, before in self.pictures)
        except (ValueError, KeyError):
            return False

    def _visit(self, thing: Any) -> None:
        """Note what a function or an object has around it or in it."""
        if id(thing) in self._visited or isinstance(thing, (*_PLAIN, *_NOT_LOOKED_INTO)) or _is_ours(thing):
            return
        self._visited.add(id(thing))
        if hasattr(thing, "__wrapped__"):  # a decorator's
            self._visit(thing.__wrapped__)
        elif isinstance(thing, partial):
            for part in (thing.func, *thing.args, *thing.keywords.values()):
                self._visit(part)
        elif isinstance(thing, types.MethodType):
            self._visit(thing.__self__)
            self._visit(thing.__func__)
        elif isinstance(thing, types.FunctionType):
            self._visit_function(thing)
        elif hasattr(thing, "__dict__"):
            self._visit_object(thing)

    def _visit_function(self, function: types.FunctionType) -> None:
        for cell in function.__closure__ or ():
            self._note(partial(getattr, cell, "cell_contents"))
        world = function.__globals__
        for name in sorted(set(_names(function.__code__)) & world.keys()):
            self._note(partial(world.__getitem__, name))
        for default in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self._visit(default)

    def _visit_object(self, thing: Any) -> None:
        """A model with all modules in it, or an object with its attributes."""
        for _, part in thing.named_modules() if hasattr(thing, "named_modules") else [("", thing)]:
            self._visited.add(id(part))
            attributes = vars(part)
            seen = {key: _copy(value) for key, value in attributes.items()}
            self.pictures.append((lambda attributes=attributes: attributes, seen))
        if callable(thing):
            self._visit(type(thing).__call__)

    def _note(self, look: Callable[[], Any]) -> None:
        try:
            thing = look()
        except ValueError:  # a variable that has no value yet
            return
        if not isinstance(thing, _NOT_LOOKED_INTO):
            self.pictures.append((look, _picture(thing)))
            self._visit(thing)


def _is_ours(thing: Any) -> bool:
    """Whether it is a function of this library: it reads nothing that changes."""
    return isinstance(thing, types.FunctionType) and (thing.__module__ or "").startswith("micrograd_plus.")


def _names(code: types.CodeType) -> Iterator[str]:
    """The global names that a function may read, also in functions inside of it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _public(thing: Any) -> Any:
    return {k: v for k, v in thing.items() if str(k)[:1] != "_"} if thing.__class__ is dict else thing


def _picture(thing: Any) -> Any:
    """What to compare with later: a copy of plain data; anything else is itself."""
    return _copy(thing) if isinstance(thing, (*_PLAIN, list, tuple, dict)) and _size(thing) <= LIMIT else _Itself(thing)


def _copy(thing: Any) -> Any:
    """Lists and dicts copied, down to what is in them."""
    if thing.__class__ in (list, tuple):
        return thing.__class__(map(_copy, thing))
    if thing.__class__ is dict:
        return {key: _copy(value) for key, value in thing.items()}
    return thing


def _size(thing: Any) -> int:
    if thing.__class__ in (list, tuple):
        return len(thing) if len(thing) > LIMIT else len(thing) + sum(map(_size, thing))
    if thing.__class__ is dict:
        return _size(list(thing.values()))
    return 1


class _Itself:
    """Equal to one object alone."""

    def __init__(self, thing: Any):
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return self.thing is other

    __hash__ = None  # type: ignore[assignment]
