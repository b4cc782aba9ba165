"""Small arrays moved together, as one flat array: asking NumPy costs more than computing a layer of a small network.

`Optimizer.update` is written for one parameter. Where its arithmetic goes number by number, several arrays laid end to
end are one parameter too, and every number comes out the same, to the last bit.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

SMALL = 4_000  # numbers in one array; of larger ones the arithmetic costs more than the asking

Memories = dict[int, dict[str, Any]]  # what an optimiser remembers, by the parameter's position


class Flat:
    """Several parameters as one, with the `data`, the `descend` and the `state` that `update` asks for.

    What the optimiser remembers of each parameter stays where it is looked for: there, each array is a part of the
    flat one in `state`. In the same way each parameter's numbers are a part of `data`.
    """

    def __init__(self, members: list[tuple[int, Any]], memories: Memories) -> None:
        import numpy as np  # only where there are arrays already

        self._joined = np.concatenate
        self.params = [p for _, p in members]
        self.positions = [position for position, _ in members]
        self.memories = [memories[position] for position in self.positions]
        ends = accumulate((p.size for p in self.params), initial=0)
        self.places = [(slice(*ends), p.shape) for p, ends in zip(self.params, pairwise(ends), strict=True)]
        self.data: Any  # all numbers, put together by `gradient`
        self.numbers = [None] * len(members)  # each parameter's part of `data`
        self.state: dict[str, Any] = {}
        self.held: dict[str, list] = {}  # what each memory holds under a name
        for name, value in self.memories[0].items():
            each = [memory[name] for memory in self.memories]
            self.state[name] = self._joined(each, axis=None) if _is_array(value) else value
        self.hand_back({})

    def gradient(self, memories: Memories) -> Any:
        """All gradients as one; None if one is missing, or somebody changed what is remembered."""
        for name, parts in self.held.items():
            for memory, part in zip(self.memories, parts, strict=True):
                if memory.get(name) is not part:
                    return None
        gradients, moved = [], False
        for p, position, memory, numbers in zip(self.params, self.positions, self.memories, self.numbers, strict=True):
            g, now = p.grad, p.numpy()
            if not p.requires_grad or memories.get(position) is not memory:
                return None
            if g.__class__ is not now.__class__ or g.dtype is not now.dtype:
                return None
            if now is not numbers:
                if p.numpy() is not now:  # a copy: somebody holds its .data, and is to see it move
                    return None
                moved = True
            gradients.append(g)
        if moved:
            self.data = self._joined([p.numpy() for p in self.params], axis=None)
        return self._joined(gradients, axis=None)

    def descend(self, step: Any) -> None:
        """data − step, for each parameter its part."""
        self.data = self.data - step
        self.data.setflags(write=False)
        self.numbers = self.split(self.data)
        for p, part in zip(self.params, self.numbers, strict=True):
            p.adopt(part)

    def split(self, flat: Any) -> list[Any]:
        """The parts of a flat array, in the parameters' shapes: views."""
        return [flat[place].reshape(shape) for place, shape in self.places]

    def hand_back(self, before: dict[str, Any]) -> None:
        """Let each memory hold its part of what is new in `state`."""
        for name, value in self.state.items():
            if before.get(name) is not value:
                self.held[name] = parts = self.split(value) if _is_array(value) else [value] * len(self.memories)
                for memory, part in zip(self.memories, parts, strict=True):
                    memory[name] = part


def flat_of(group: list[tuple[int, Any]], memories: Memories) -> Flat | None:
    """The small arrays of a group (positions and parameters) as one parameter; None where there is nothing to gain."""
    small = [(i, p) for i, p in group if memories.get(i) and _is_small(p, memories[i])]
    members = [(i, p) for i, p in small if _kind(memories[i], p) == _kind(memories[small[0][0]], small[0][1])]
    return Flat(members, memories) if len(members) > 1 else None


def _is_small(p: Any, memory: dict[str, Any]) -> bool:
    """Whether p is a Tensor that isn't large, and is to be moved; what is remembered of it has its shape."""
    if not hasattr(p, "adopt") or p.size > SMALL or not p.requires_grad or p.grad is None or is_half(p):
        return False
    return all(value.shape == p.shape for value in memory.values() if _is_array(value))


def is_half(x: Any) -> bool:
    """Whether x holds float16: its gradients are computed with in float32.

    >>> is_half(0.5)
    False
    """
    return getattr(getattr(x, "dtype", None), "itemsize", 8) == 2


def _kind(memory: dict[str, Any], p: Any) -> tuple:
    """What must be the same for parameters to be moved as one: the dtype, and what is remembered but for the shapes."""
    return p.dtype, {name: value.dtype if _is_array(value) else value for name, value in memory.items()}


def _is_array(value: Any) -> bool:
    return hasattr(value, "ravel")
