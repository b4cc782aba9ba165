"""What of a recorded program depends on the size of the batch: found by recording it at two sizes, and comparing."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine.array_ops import getitem
from ...tape.array_tape import Slot, Step, same, slots_in
from .errors import OneSizeOnly
from .recording import Program, where

# Settings that are known from the shapes of what goes in and comes out, and so needn't be the same at both sizes.
SAID_BY_SHAPES = {"shape", "starts"}
RESHAPING = {"reshape", "view", "ravel", "flatten", "expand_dims", "broadcast_to", "squeeze"}


class Batch(int):
    """A size that is `times` the size of the batch; as an int it is the size that it had while recording."""

    times: int

    @classmethod
    def of(cls, size: int, times: int) -> Batch:
        """This size, which is `times` the batch's."""
        batch = cls(size)
        batch.times = times
        return batch

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Batch):
            raise OneSizeOnly("a size in it is the square of the batch's")
        return Batch.of(int(self) * other, self.times * other)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        if self.times % other:
            raise OneSizeOnly(f"the batch is cut in {other} parts")
        return Batch.of(int(self) // other, self.times // other)


@dataclass
class Sized:
    """A program with the size of each array: an int, or a Batch."""

    program: Program
    shapes: dict[int, tuple]
    constants: dict[int, np.ndarray]  # those that repeat themselves for each sample: as they are for one

    @property
    def steps(self) -> list[Step]:
        """The instructions."""
        return self.program.tape.steps


def for_one_size(program: Program) -> Sized:
    """The program as it was recorded."""
    tape = program.tape
    return Sized(program, {slot: shape for slot, (shape, _) in tape.like.items()}, tape.constants)


def for_any_size(a: Program, b: Program, n: int, m: int) -> Sized:
    """The program that was recorded with a batch of n, and once more with one of m. OneSizeOnly where they differ."""
    if _outline(a) != _outline(b):
        raise OneSizeOnly("with another size of the batch it computes something else")
    shapes = {slot: _sizes(shape, b.tape.like[slot][0], n, m) for slot, (shape, _) in a.tape.like.items()}
    for x, y, scope in zip(a.tape.steps, b.tape.steps, a.scopes, strict=True):
        if not _do_the_same(x, y, a, b):
            name = getattr(x.function, "name", getattr(x.function, "__name__", "?"))
            raise OneSizeOnly(f"`{name}` in {where(scope)} is another one with another size of the batch")
    constants = {slot: _of_one_sample(x, b.tape.constants[slot]) for slot, x in a.tape.constants.items()}
    return Sized(a, shapes, constants)


def _outline(program: Program) -> tuple:
    """How long it is, what comes out, and which leaves and constants it uses."""
    tape, leaves = program.tape, {slot: id(leaf) for slot, leaf in program.tape.leaves.items()}
    return len(tape), program.outputs, tape.outputs, leaves, tape.constants.keys(), tape.like.keys()


def _sizes(a: tuple, b: tuple, n: int, m: int) -> tuple:
    if len(a) != len(b):
        raise OneSizeOnly("an array has another number of axes with another size of the batch")
    return tuple([_size(x, y, n, m) for x, y in zip(a, b, strict=True)])


def _size(x: int, y: int, n: int, m: int) -> int:
    if x == y:
        return x
    if x % n or x // n * m != y:
        raise OneSizeOnly(
            f"with a first axis of {n} an array has size {x}, and with one of {m} it has {y}, which is no multiple: so "
            "the first axis is no batch (layers with batch_first=True have it there)"
        )
    return Batch.of(x, x // n)


def _do_the_same(x: Step, y: Step, a: Program, b: Program) -> bool:
    alike = x.function is y.function or x.function == y.function
    if not alike or x.y != y.y or set(x.settings) != set(y.settings):
        return False
    xs, ys = _without_sizes(x, a), _without_sizes(y, b)
    return same(xs, ys)


def _without_sizes(step: Step, program: Program) -> tuple:
    """Operands and settings, without those that the shapes tell."""
    operands, settings = step.operands, {k: v for k, v in step.settings.items() if k not in SAID_BY_SHAPES}
    if step.host and getattr(step.function, "__name__", "") in RESHAPING:
        operands, settings = operands[:1], {}
    if step.host and step.function is operator.getitem:
        operands, settings = operands[:1], {"index": operands[1]}
    if "index" in settings and (step.function is getitem or step.host):
        assert isinstance(operands[0], Slot)
        settings["index"] = by_axis(settings["index"], program.tape.like[operands[0].number][0])
    if "given" in settings:  # of batch norm: a tuple of arrays
        settings["given"] = settings["given"] and tuple(map(np.asarray, settings["given"]))
    return operands, settings


def by_axis(index: Any, shape: tuple) -> tuple:
    """An index with an entry for each axis (and None for a new one): all of an axis is slice(None).

    >>> by_axis((..., slice(0, 3)), (2, 3))
    (slice(None, None, None), slice(None, None, None))
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    used = sum(part is not None and part is not Ellipsis for part in parts)
    rest = [slice(None)] * (len(shape) - used)
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), None)
    parts = [*parts, *rest] if at is None else [*parts[:at], *rest, *parts[at + 1 :]]
    sizes = iter(shape)
    return tuple([part if part is None else _whole(part, next(sizes)) for part in parts])


def _whole(part: Any, size: int) -> Any:
    """slice(None) for all of an axis; a slice with computed ends stays as it is."""
    is_plain = isinstance(part, slice) and not list(slots_in(part))
    return slice(None) if is_plain and part.indices(size) == (0, size, 1) else part


def _of_one_sample(x: Any, y: Any) -> Any:
    """A constant that is the same at both sizes, or the same for every sample: then for one."""
    if x.shape == y.shape:
        if not same(np.asarray(x), np.asarray(y)):
            raise OneSizeOnly("a constant in it has other numbers with another size of the batch")
        return x
    for axis, (p, q) in enumerate(zip(x.shape, y.shape, strict=True)):
        if p != q:
            x, y = _once(x, axis), _once(y, axis)
    if x is None or y is None or not same(np.ascontiguousarray(x), np.ascontiguousarray(y)):
        raise OneSizeOnly("a constant in it was made for this size of the batch")
    return x


def _once(x: Any, axis: int) -> Any:
    """x with size 1 along an axis along which it repeats itself; None if it doesn't."""
    if x is None or not x.size:
        return None
    first = np.take(x, [0], axis=axis)
    return first if bool((x == first).all()) else None
