"""Memory used twice: an array that nobody needs any more gives its place to the next one of its size.

Less memory is quicker memory: what a program works with stays in the processor's cache.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np


def share(space: dict[str, Any], memories: set[int], forward: list[str], backward: list[str]) -> None:
    """Let names in `space` stand for shared memory, where the arrays are not needed at the same time.

    memories: the ids of the arrays that may be shared. What `forward` leaves for `backward` keeps its place for ever,
    since backward may run twice.
    """
    lines = forward + backward
    roots: dict[int, np.ndarray] = {}
    names: dict[int, set[str]] = {}
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    looks: dict[str, set[int]] = {}  # which memory a variable may be a view of: what was in the line that made it
    for i, line in enumerate(lines):
        used: set[int] = set()
        for name in re.findall(r"[A-Za-z_]\w*", line):
            root = root_of(space.get(name))
            used |= looks.get(name, set())
            if id(root) in memories:
                roots[id(root)] = root
                names.setdefault(id(root), set()).add(name)
                used.add(id(root))
        for key in used:
            first.setdefault(key, i)
            last[key] = i
        if made := re.match(r"([\w, ]+) = ", line):
            looks.update(dict.fromkeys(made[1].split(", "), used))
    places: list[tuple[np.ndarray, int]] = []  # memory, and the line after which it is free
    for key in sorted(first, key=lambda key: first[key]):
        if first[key] < len(forward) <= last[key]:
            continue
        root = roots[key]
        found = next(
            (i for i, (place, free) in enumerate(places) if free < first[key] and place.nbytes == root.nbytes), None
        )
        if found is None:
            places.append((root, last[key]))
            continue
        place = places[found][0]
        places[found] = (place, last[key])
        for name in names[key]:
            space[name] = _moved(space[name], root, place)


def root_of(x: Any) -> Any:
    """The array whose memory x is."""
    while isinstance(x, np.ndarray) and isinstance(x.base, np.ndarray):
        x = x.base
    return x


def _moved(x: np.ndarray, root: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The same view as x is of `root`, of `place`."""
    offset = x.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    return np.ndarray(x.shape, x.dtype, place.data.cast("B"), offset, x.strides)
