"""What a function reads from around it: variables of the cell or function that it stands in, and the modules in them.

A tape was recorded with these as they were. Numbers, lists and settings are compared before each replay; arrays,
models and other objects by identity. What is large (over LIMIT numbers in a list) is compared by identity as well.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

LIMIT = 20_000


class Surroundings:
    """A picture of a function's surroundings; `unchanged()` tells whether it still holds."""

    def __init__(self, function: Callable, things: Iterable = ()):
        """things: objects that the function was called with, such as a model."""
        self.now: list[tuple[Any, Any]] = []  # (a way to look, what was seen)
        self._seen: set[int] = set()
        self._visit_function(function)
        for thing in things:
            self._visit(thing)

    def unchanged(self) -> bool:
        """Whether all is as it was."""
        try:
            return all(before == look() for look, before in self.now)
        except (ValueError, NameError):  # two arrays, of which == makes an array; a variable that is gone
            return False

    def public_unchanged(self) -> bool:
        """The same, but for a module's attributes with a leading underscore: those are its own affair."""
        for look, before in self.now:
            now = look()
            if isinstance(before, dict) and isinstance(now, dict):
                before, now = ({k: v for k, v in d.items() if str(k)[:1] != "_"} for d in (before, now))
            try:
                if before != now:
                    return False
            except ValueError:
                return False
        return True

    def _visit_function(self, function: Any) -> None:
        function = getattr(function, "__wrapped__", function)
        if isinstance(function, types.MethodType):
            self._visit(function.__self__)
            function = function.__func__
        if not isinstance(function, types.FunctionType):
            if hasattr(function, "named_modules"):
                self._visit(function)
            return
        if id(function) in self._seen:
            return
        self._seen.add(id(function))
        for cell in function.__closure__ or ():
            self._note(lambda cell=cell: cell.cell_contents)
        names, world = set(_names(function.__code__)), function.__globals__
        for name in sorted(names & world.keys()):
            self._note(lambda name=name: world[name])
        for default in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self._visit(default)

    def _note(self, look: Callable[[], Any]) -> None:
        try:
            thing = look()
        except ValueError:  # a variable that has no value yet
            return
        if isinstance(thing, (types.ModuleType, type, types.BuiltinFunctionType)):
            return
        self.now.append((look, _snapshot(thing)))
        self._visit(thing)

    def _visit(self, thing: Any) -> None:
        """Look into functions and models."""
        if (isinstance(thing, types.FunctionType) and not thing.__module__.startswith("micrograd_plus")) or isinstance(
            thing, types.MethodType
        ):
            self._visit_function(thing)
        elif hasattr(thing, "named_modules") and not isinstance(thing, type):
            for _, module in thing.named_modules():
                if id(module) not in self._seen:
                    self._seen.add(id(module))
                    self.now.append((_look_at(module), {k: _snapshot(v) for k, v in vars(module).items()}))


def _look_at(module: Any) -> Callable:
    attributes = vars(module)
    return lambda: attributes


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _snapshot(thing: Any) -> Any:
    """A copy of lists and dicts, down to what is in them; a number or text as it is; anything else by identity."""
    plain = thing.__class__ in (list, tuple, dict, int, float, str, bool, bytes, type(None))
    return _copied(thing) if plain and _size(thing) <= LIMIT else _Itself(thing)


def _copied(thing: Any) -> Any:
    if thing.__class__ in (list, tuple):
        return thing.__class__(map(_copied, thing))
    if thing.__class__ is dict:
        return {key: _copied(value) for key, value in thing.items()}
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
