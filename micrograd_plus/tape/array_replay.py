"""Replaying: a tape's program run again on other numbers, and the ordinary Tensors that come out of it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import copying
from ..engine.graph import Node, Watcher, backward, order
from ..engine.recording import is_recording, watched_by
from ..engine.tensor import Tensor, _sum_of_gradients
from .array_program import Program
from .array_tape import ArrayTape, same
from .replay import _Row

_NONE: dict = {}


class ArrayReplay:
    """A tape, its program, and what it was run on last."""

    def __init__(self, name: str, tape: ArrayTape):
        self.tape = tape
        self.program = Program(tape)
        self.leaves = tuple(tape.leaves.values())
        self.tracked_leaves = [leaf.requires_grad for leaf in self.leaves]
        self.places = [i for i, slot in enumerate(tape.given) if slot is not None]  # of what isn't a number in a list
        self.rest = [i for i, slot in enumerate(tape.given) if slot is None]
        self.draws = list(tape.draws.values())
        self.row = _Row(name)
        self.kinds = [slot in tape.tracked for slot in tape.outputs]
        self.any_tracked = any(self.kinds)
        self.tracked_data = [i for i in self.places if tape.given[i] in tape.tracked]
        self.takers = [i for i, slot in enumerate(tape.leaves) if slot in tape.tracked]
        self.loaded: Any = None  # the inputs that the program ran on last
        self.prepared: list | None = None  # the arguments that `prepare` ran on last
        self.lock = threading.RLock()

    def fits(self) -> bool:
        """Whether the leaves are tracked as they were."""
        return [leaf.requires_grad for leaf in self.leaves] == self.tracked_leaves

    def run(self, data: list, again: Any = None) -> list[Any] | None:
        """The outputs for these arguments; None where the function would go another way."""
        if self.rest and not same([data[i] for i in self.rest], self.tape.fixed):
            return None
        given = [_array_of(data[i]) for i in self.places]
        undo = None
        with self.lock:
            try:
                if not self._prepare(given):
                    return None
                undo = rewind() if self.draws and self.program.may_turn_back else None
                inputs = [x._array if not x._array.flags.writeable else x._frozen() for x in self.leaves]
                if self.draws:
                    inputs += [draw() for draw in self.draws]
                self.loaded = None  # until it has run to its end
                outputs = self.program.forward(*inputs)
            except Exception:  # the function itself is to say what is wrong, at the line where it is
                outputs = None
            if outputs is None:
                self.loaded = self.prepared = None
                if undo is not None:
                    undo()
                return None
            self.loaded = inputs
        return self._nodes(given, inputs, outputs, data, again)

    def _prepare(self, given: list) -> bool:
        """What hangs on the arguments alone: not once more for arrays that can't have changed."""
        if self.prepared is None or any(a is not b for a, b in zip(self.prepared, given, strict=True)):
            self.prepared = None
            if not self.program.prepare(*given):
                return False
            self.prepared = given
            self.loaded = None
        return True

    def gradient(self, run: _Run, seeds: list) -> list:
        """What each tracked input receives from seeds at the outputs (None: nothing), at the inputs of that run."""
        with self.lock:
            if self.loaded is not run.loaded:  # it has run on others since
                self._prepare(run.given)
                self.loaded = None
                self.program.forward(*run.loaded)
                self.loaded = run.loaded
            backward = self.program.backward(tuple([seed is not None for seed in seeds]))
            return backward(*[seed for seed in seeds if seed is not None])

    def _nodes(self, given: list, inputs: list, outputs: tuple, data: list, again: Any) -> list[Any]:
        run = None
        if self.any_tracked and is_recording():
            tracked_data = [data[i] for i in self.tracked_data]
            operands = (*self.leaves, *tracked_data) if tracked_data else self.leaves
            run = _Run(self, operands, data, given, inputs, again)
        return [
            y if plain else _output(y, run if tracked else None, i)
            for i, (y, tracked, plain) in enumerate(zip(outputs, self.kinds, self.tape.plain, strict=True))
        ]


def _array_of(x: Any) -> Any:
    """An argument as the run keeps it: an array that nobody writes to."""
    if isinstance(x, Tensor):
        return x._frozen()
    if not isinstance(x, np.ndarray):
        return x
    copy = x.copy()
    copy.setflags(write=False)
    return copy


def rewind() -> Callable[[], None]:
    """A function that sets Python's random numbers, of which all of ours come, back to where they are now."""
    state = random.getstate()
    return lambda: random.setstate(state)


class _Run(Node):
    """One run of the program: between the inputs and the outputs, it hands the outputs' gradients on in one pass."""

    __slots__ = ("again", "data", "given", "loaded", "operands", "replay")

    no_gradient = None
    settings: dict = _NONE
    operands: tuple

    def __init__(self, replay: ArrayReplay, operands: tuple, data: list, given: list, loaded: list, again: Any):
        """data: the arguments. given, loaded: what it was computed from, the arrays of arguments and of leaves."""
        self.replay, self.operands, self.data, self.again = replay, operands, data, again
        self.given, self.loaded = given, loaded
        self.op, self.label, self.hooks, self.grad, self.requires_grad = replay.row, "", None, None, True

    def push(self) -> None:
        """One pass over the tape, from its end to its beginning."""
        replay, operands = self.replay, self.operands
        takers = [operands[i] for i in replay.takers]
        takers += operands[len(replay.leaves) :]
        for x, part in zip(takers, replay.gradient(self, self.grad), strict=True):
            if part is not None and x.requires_grad:
                x.grad = part if x.grad is None else _sum_of_gradients(x, part)

    def graph(self, position: int) -> Node:
        """An output computed once more by the function itself, from the numbers and draws that this run saw."""
        replay, data = self.replay, self.data
        seen = dict(zip(replay.leaves, self.loaded, strict=False))
        for i, array in zip(replay.places, self.given, strict=True):
            if isinstance(data[i], Tensor):
                seen[data[i]] = array
            else:  # the copy: since then the caller may have used the array for something else
                data[i] = array
        now = {x: x._array for x in seen}
        before = sum(not plain for plain in replay.tape.plain[:position])
        try:
            for x, array in seen.items():
                x._array = array
            with watched_by(_SameDraws(self.loaded[len(replay.leaves) :])):
                return self.again(before)
        finally:
            for x, array in now.items():
                x._array = array


class _SameDraws(Watcher):
    """Looks on while a run is repeated, and lets it draw what it drew."""

    def __init__(self, arrays: list):
        self.arrays = iter(arrays)

    def drawn(self, draw: Callable[[], Any]) -> Any:
        """The next of the arrays."""
        return next(self.arrays)


class _Output(Tensor):
    """A Tensor that a compiled function gave."""

    __slots__ = ("position", "run")

    run: _Run
    position: int

    def backward(self, gradient: Any = None) -> None:
        """As any Tensor's; with a short way for a loss that stands by itself."""
        run = self.run
        watched = is_recording().__class__ is not bool
        if gradient is not None or self._array.ndim or self.hooks or watched:
            super().backward(gradient)
            return
        for x in run.operands:
            if x.op is not None or x.hooks:
                super().backward(gradient)
                return
        self.grad = np.array(1, self._array.dtype)
        run.grad = [None] * len(run.replay.kinds)
        run.grad[self.position] = self.grad
        run.push()

    def push(self) -> None:
        """Tell the run what arrived here."""
        run = self.run
        if run.grad is None:
            run.grad = [None] * len(run.replay.kinds)
        before = run.grad[self.position]
        run.grad[self.position] = self.grad if before is None else before + self.grad

    def opened(self) -> Node:
        """The same Tensor with all the steps that led to it; with their gradients, if backward() has run."""
        y = self.run.graph(self.position)
        y.label = y.label or self.label
        if self.run.grad is not None and self.grad is not None:
            leaves = [x for x in order(y) if x.op is None]
            grads = [x.grad for x in leaves]
            backward(y, self.grad)
            for leaf, grad in zip(leaves, grads, strict=True):  # they have theirs already
                leaf.grad = grad
        return y

    def __deepcopy__(self, memo: dict) -> Any:
        return copying.copied(order(self.opened()), memo)

    def __reduce__(self) -> tuple:
        return copying.reduced(order(self.opened()))


def _output(y: Any, run: _Run | None, position: int) -> Tensor:
    y = np.asarray(y)
    y.setflags(False)
    node: Any = _new(Tensor if run is None else _Output)
    node._array, node.label, node.grad, node.hooks, node.settings, node._arrays = y, "", None, None, _NONE, ()
    node._kept = None
    if run is None:
        node.op, node.operands, node.requires_grad = None, (), False
    else:
        node.op, node.operands, node.requires_grad, node.run, node.position = run.op, (run,), True, run, position
    return node


_new = Tensor.__new__
