"""What a function reads from around it: variables of the cell or function that it stands in, and what hangs on them.

A tape was recorded with these as they were, so before each replay they are compared: numbers, text, Python's containers
and their subclasses, the attributes of models, of the user's own objects and of namespaces, down to whatever they hold;
other objects, and containers of more than LIMIT numbers, by identity alone. The arrays that were met are listed, and
compared by whoever keeps the tape.
"""

from __future__ import annotations

import random
import sys
import types
from array import array
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from ..engine.graph import Node

LIMIT = 20_000
_PLAIN = (int, float, complex, str, bytes, bool, type(None))
_MAPPINGS = (dict, types.MappingProxyType)
_SEQUENCES = (list, tuple, deque)
_CONTAINERS = (*_MAPPINGS, *_SEQUENCES, set, frozenset)
_LIBRARIES = {"micrograd_plus"} | sys.stdlib_module_names
_OF_NAMESPACES = {"types", "argparse", "collections"}  # modules of Python's classes that hold what a user puts there


class Surroundings:
    """A picture of a function's surroundings; `unchanged()` tells whether it still holds."""

    def __init__(self, function: Callable, things: Sequence = ()):
        """things: objects that the function is called with, such as a model."""
        self.pictures: list[tuple[Callable, Any]] = []  # (a way to look, what was seen)
        self.held: list[dict] = []  # the attributes of objects, all compared at once: there may be many
        self.held_then: list[dict] = []
        self.nodes: list[Node] = []  # Values and Tensors that were met
        self.arrays: list[np.ndarray] = []  # those that may be changed where they stand
        self.moving = ""  # what gives something else each time, if there is such a thing: an iterator
        self._visited: dict[int, Any] = {}  # by id; kept, so that no id is used again meanwhile
        self._classes: set[type] = set()
        self._waiting: list[Any] = [*things, function]
        for thing in things:
            if isinstance(thing, _CONTAINERS):
                self._take(partial(_itself, thing))
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
            return all(_public(before) == _public(now) or before == now for before, now in (*held, *seen))
        except Exception:
            return False

    def _visit(self, thing: Any) -> None:
        """Take a picture of what may change in this thing, and put what hangs on it on the list."""
        if isinstance(thing, types.ModuleType):
            return
        if isinstance(thing, Node):
            self.nodes.append(thing)
        elif isinstance(thing, _CONTAINERS):
            self._waiting += _parts(thing)
            self._visit_object(thing)  # a subclass may have attributes
        elif isinstance(thing, np.ndarray):
            self._visit_array(thing)
        elif isinstance(thing, (bytearray, array)):
            self._take(partial(bytes, thing))
        elif isinstance(thing, partial):
            self._take_parts(lambda: (thing.args, thing.keywords))
            self._waiting += (thing.func, *thing.args, *thing.keywords.values())
        elif isinstance(thing, types.MethodType):
            self._waiting += (thing.__self__, thing.__func__)
        elif isinstance(thing, (property, staticmethod, classmethod)):
            self._waiting += (getattr(thing, name, None) for name in ("fget", "__func__"))
        elif isinstance(thing, types.FunctionType):
            self._visit_function(thing)
        elif isinstance(thing, random.Random) or type(thing).__module__ == "numpy.random._generator":
            look = getattr(thing, "getstate", None) or partial(getattr, thing.bit_generator, "state")
            self._take(look)
        elif hasattr(type(thing), "__next__"):
            self.moving = f"it takes what comes next from a {type(thing).__name__}"
        elif _is_ours(type(thing).__module__) and "__wrapped__" in getattr(
            thing, "__dict__", ()
        ):  # what compile and vmap give
            self._waiting.append(thing.__wrapped__)
        elif hasattr(type(thing), "named_modules") or _is_users(thing) or type(thing).__module__ in _OF_NAMESPACES:
            self._visit_object(thing)

    def _take(self, look: Callable[[], Any]) -> None:
        """A picture of what is to be seen there."""
        self.pictures.append((look, _copy(look())))

    def _take_parts(self, look: Callable[[], Any]) -> None:
        """The same of a list or tuple that is made anew at each look: of its parts, each for itself."""
        seen = look()
        self.pictures.append((look, type(seen)(map(_copy, seen))))

    def _visit_array(self, thing: np.ndarray) -> None:
        if thing.dtype != object:
            self.arrays += [thing] if thing.flags.writeable else []
        elif thing.size <= LIMIT:
            self._take_parts(lambda: thing.ravel().tolist())
            self._waiting += thing.ravel().tolist()

    def _visit_function(self, function: types.FunctionType) -> None:
        looks = [partial(getattr, cell, "cell_contents") for cell in function.__closure__ or ()]
        if _is_ours(function.__module__):  # of a function of this library only what it was given can change
            for look in looks:
                self._note(look)
            return
        self._take_parts(partial(_settings_of, function))
        self._waiting += [function.__defaults__, function.__kwdefaults__, *vars(function).values()]
        names = sorted(set(_names(function.__code__)))
        looks += [partial(function.__globals__.get, name) for name in names]
        modules = set()
        for look in looks:
            thing = self._note(look)
            if isinstance(thing, types.ModuleType) and thing not in modules and _is_users_module(thing.__name__):
                modules.add(thing)
                # settings.rate: also the name of an attribute is one of the code's names. The loop goes on to these.
                looks += [partial(vars(thing).get, attribute) for attribute in names if attribute in vars(thing)]

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
                self._take(partial(vars, kind))
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
        self.pictures.append((look, _copy(thing) if isinstance(thing, (*_PLAIN, *_CONTAINERS)) else _Itself(thing)))
        self._waiting.append(thing)
        return thing


def _itself(thing: Any) -> Any:
    return thing


def _is_ours(module: Any) -> bool:
    return str(module).split(".")[0] == "micrograd_plus"


def _is_users(thing: Any) -> bool:
    """Whether a class, or the class of an object, is the user's own, and not one of a library."""
    kind = thing if isinstance(thing, type) else type(thing)
    return kind.__module__ != "builtins" and _is_users_module(str(kind.__module__))


@cache
def _is_users_module(name: str) -> bool:
    """Whether a module is the user's own: not Python's, not this library, and not one that pip has installed."""
    package = name.split(".")[0]
    file = getattr(sys.modules.get(package), "__file__", None) or ""
    return package not in _LIBRARIES and "site-packages" not in file and "dist-packages" not in file


def _settings_of(function: types.FunctionType) -> tuple:
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
    if isinstance(thing, _MAPPINGS):
        return {key: value for key, value in thing.items() if str(key)[:1] != "_"}
    return thing


def _parts(container: Any) -> Iterable:
    """What a container holds, unless that is too much."""
    if len(container) > LIMIT:
        return ()
    return (*container, *container.values()) if isinstance(container, _MAPPINGS) else container


def _copy(thing: Any, outside: tuple = ()) -> Any:
    """A container as a built-in one that is equal to it, copied down to what is in it; all else is itself.

    outside: the containers around it. One that is inside of itself stands there by its identity.
    """
    if not isinstance(thing, _CONTAINERS):
        return thing
    if _is_large(thing) or any(thing is container for container in outside):
        return _Itself(thing)
    outside = (*outside, thing)
    if isinstance(thing, _MAPPINGS):
        kind: Any = OrderedDict if isinstance(thing, OrderedDict) else dict  # its == looks at the order too
        return kind([(key, _copy(value, outside)) for key, value in thing.items()])
    kind = next(kind for kind in _CONTAINERS if isinstance(thing, kind))
    return kind([_copy(part, outside) for part in thing] if kind in _SEQUENCES else thing)


def _is_large(container: Any) -> bool:
    """Whether a sequence, with all that is inside of it, or a dict by itself holds more than LIMIT things."""
    if isinstance(container, _MAPPINGS):
        return len(container) > LIMIT or _size(container, {}) > 50 * LIMIT
    return _size(container, {}) > LIMIT


def _size(thing: Any, sizes: dict[int, int]) -> int:
    """How many things there are in it. What is in several places counts in each: so it is copied, and compared."""
    if not isinstance(thing, _CONTAINERS):
        return 0
    if id(thing) not in sizes:
        sizes[id(thing)] = 0  # if it is inside of itself
        parts = _parts(thing)
        sizes[id(thing)] = len(thing) + sum(_size(part, sizes) for part in parts)
    return sizes[id(thing)]


class _Itself:
    """Equal to one object alone."""

    def __init__(self, thing: Any):
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return self.thing is other

    __hash__ = None  # type: ignore[assignment]
