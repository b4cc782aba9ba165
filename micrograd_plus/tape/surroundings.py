"""What a function reads from around it: variables of the cell or function that it stands in, and what hangs on them.

A tape was recorded with these as they were, so before each replay they are compared: numbers, text, lists and dicts,
the attributes of models and of objects of the user's own classes, down to whatever they hold; other objects (arrays
among them, but for compiled.py's own check), and lists of more than LIMIT numbers, by identity alone.
"""

from __future__ import annotations

import copy
import random
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Any

from ..engine.graph import Node

LIMIT = 20_000
_PLAIN = (int, float, complex, str, bytes, bool, type(None))
_CONTAINERS = (list, tuple, dict, set, frozenset, deque)
_LIBRARIES = {"micrograd_plus"} | sys.stdlib_module_names


class Surroundings:
    """A picture of a function's surroundings; `unchanged()` tells whether it still holds."""

    def __init__(self, function: Callable, things: Sequence = ()):
        """things: objects that the function is called with, such as a model."""
        self.pictures: list[tuple[Callable, Any]] = []  # (a way to look, what was seen)
        self.held: list[dict] = []  # the attributes of objects, all compared at once: there may be many
        self.held_then: list[dict] = []
        self.nodes: list[Node] = []  # Values and Tensors that were met
        self.moving = ""  # what gives something else each time, if there is such a thing: an iterator
        self._visited: dict[int, Any] = {}  # by id; kept, so that no id is used again meanwhile
        self._classes: set[type] = set()
        self._waiting: list[Any] = [*things, function]
        for thing in things:
            if isinstance(thing, _CONTAINERS):
                self.pictures.append((partial(_itself, thing), _copy(thing)))
        while self._waiting and len(self._visited) < LIMIT:
            thing = self._waiting.pop()
            if id(thing) not in self._visited and not isinstance(thing, _PLAIN):
                self._visited[id(thing)] = thing
                self._visit(thing)

    def unchanged(self) -> bool:
        """Whether all is as it was."""
        try:
            return self.held_then == self.held and all(before == look() for look, before in self.pictures)
        except Exception:  # two arrays, of which == makes an array; a variable that is gone; an __eq__ of the user's
            return False

    def public_unchanged(self) -> bool:
        """The same, but for attributes with a leading underscore: those are an object's own affair."""
        try:
            held = zip(self.held_then, self.held, strict=True)
            seen = ((before, look()) for look, before in self.pictures)
            return all(_public(before) == _public(now) for before, now in (*held, *seen))
        except Exception:
            return False

    def _visit(self, thing: Any) -> None:
        """Take a picture of what may change in this thing, and put what hangs on it on the list."""
        if isinstance(thing, types.ModuleType):
            return
        if isinstance(thing, Node):
            self.nodes.append(thing)
        elif isinstance(thing, _CONTAINERS):
            self._waiting += thing.values() if isinstance(thing, dict) else thing if len(thing) <= LIMIT else ()
        elif isinstance(thing, partial):
            self.pictures.append((lambda: (thing.args, thing.keywords), (_copy(thing.args), _copy(thing.keywords))))
            self._waiting += (thing.func, *thing.args, *thing.keywords.values())
        elif isinstance(thing, types.MethodType):
            self._waiting += (thing.__self__, thing.__func__)
        elif isinstance(thing, (property, staticmethod, classmethod)):
            self._waiting += (getattr(thing, name, None) for name in ("fget", "__func__"))
        elif isinstance(thing, types.FunctionType):
            self._visit_function(thing)
        elif isinstance(thing, random.Random) or type(thing).__module__ == "numpy.random._generator":
            look = getattr(thing, "getstate", None) or partial(getattr, thing.bit_generator, "state")
            self.pictures.append((look, look()))
        elif hasattr(type(thing), "__next__"):
            self.moving = f"it takes what comes next from a {type(thing).__name__}"
        elif _is_ours(type(thing).__module__) and "__wrapped__" in getattr(
            thing, "__dict__", ()
        ):  # what compile and vmap give
            self._waiting.append(thing.__wrapped__)
        elif hasattr(type(thing), "named_modules") or _is_users(thing if isinstance(thing, type) else type(thing)):
            self._visit_object(thing)

    def _visit_function(self, function: types.FunctionType) -> None:
        looks = [partial(getattr, cell, "cell_contents") for cell in function.__closure__ or ()]
        if _is_ours(function.__module__):  # of a function of this library only what it was given can change
            for look in looks:
                self._note(look)
            return
        seen = function.__code__, _copy(function.__defaults__), _copy(function.__kwdefaults__), dict(vars(function))
        self.pictures.append((partial(_parts, function), seen))
        self._waiting += [function.__defaults__, function.__kwdefaults__, *vars(function).values()]
        names = sorted(set(_names(function.__code__)))
        for look in (*looks, *(partial(function.__globals__.get, name) for name in names)):
            thing = self._note(look)
            if isinstance(thing, types.ModuleType) and _is_users_module(thing.__name__):
                for attribute in names:  # settings.rate: also the name of an attribute is one of the code's names
                    if attribute in vars(thing):
                        self._note(partial(vars(thing).get, attribute))

    def _visit_object(self, thing: Any) -> None:
        """The attributes of an object, and those of its class if that is the user's own."""
        if hasattr(thing, "__dict__") and not isinstance(thing, type):
            attributes = vars(thing)
            self.held.append(attributes)
            self.held_then.append({key: _copy(value) for key, value in attributes.items()})
            self._waiting += attributes.values()
        kinds = [thing] if isinstance(thing, type) else type(thing).__mro__
        for kind in kinds:
            if not _is_users(kind):
                continue
            if kind not in self._classes:
                self._classes.add(kind)
                self.pictures.append((partial(vars, kind), {key: _copy(value) for key, value in vars(kind).items()}))
                self._waiting += vars(kind).values()
            for slot in _slots(kind):
                if not isinstance(thing, type) and hasattr(thing, slot):
                    self._note(partial(getattr, thing, slot))

    def _note(self, look: Callable[[], Any]) -> Any:
        """Take a picture of one variable."""
        try:
            thing = look()
        except (ValueError, AttributeError):  # a variable that has no value yet
            return None
        self.pictures.append((look, _copy(thing) if _is_data(thing) else _Itself(thing)))
        self._waiting.append(thing)
        return thing


def _itself(thing: Any) -> Any:
    return thing


def _is_ours(module: Any) -> bool:
    return str(module).split(".")[0] == "micrograd_plus"


def _is_users(kind: type) -> bool:
    """Whether a class is the user's own, and not one of a library."""
    return kind.__module__ != "builtins" and _is_users_module(str(kind.__module__))


@cache
def _is_users_module(name: str) -> bool:
    """Whether a module is the user's own: not Python's, not this library, and not one that pip has installed."""
    package = name.split(".")[0]
    file = getattr(sys.modules.get(package), "__file__", None) or ""
    return package not in _LIBRARIES and "site-packages" not in file and "dist-packages" not in file


def _parts(function: types.FunctionType) -> tuple:
    return function.__code__, function.__defaults__, function.__kwdefaults__, vars(function)


def _slots(kind: type) -> Iterable[str]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else slots


def _names(code: types.CodeType) -> Iterator[str]:
    """The global names that a function may read, also in functions inside of it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _public(thing: Any) -> Any:
    if isinstance(thing, (dict, types.MappingProxyType)):
        return {key: value for key, value in thing.items() if str(key)[:1] != "_"}
    return thing


def _is_data(thing: Any) -> bool:
    return isinstance(thing, (*_PLAIN, *_CONTAINERS)) and _size(thing) <= LIMIT


def _copy(thing: Any) -> Any:
    """Lists and dicts copied, down to what is in them."""
    if thing.__class__ in (list, tuple):
        return thing.__class__(map(_copy, thing)) if _size(thing) <= LIMIT else _Itself(thing)
    if thing.__class__ is dict:
        return {key: _copy(value) for key, value in thing.items()}
    return copy.copy(thing) if isinstance(thing, (list, dict, set, deque)) else thing


def _size(thing: Any) -> int:
    if isinstance(thing, (list, tuple)):
        return len(thing) if len(thing) > LIMIT else len(thing) + sum(map(_size, thing))
    return sum(map(_size, thing.values())) if isinstance(thing, dict) else 1


class _Itself:
    """Equal to one object alone."""

    def __init__(self, thing: Any):
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return self.thing is other

    __hash__ = None  # type: ignore[assignment]
