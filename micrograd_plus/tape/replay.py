"""Replaying: a tape run again on other numbers, and the ordinary nodes that come out of it."""

from __future__ import annotations

import math
import operator
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine import copying
from ..engine.graph import Node, Op, order
from ..engine.recording import _recording, is_recording
from ..engine.value import Value
from .plan import plan_of
from .tape import Tape


class Replay:
    """A tape, its plan, and the memory that it runs in."""

    def __init__(self, name: str, tape: Tape, runner: Any):
        plan = plan_of(tape)
        self.name, self.tape, self.plan = name, tape, plan
        self.runner, self.kind_of_runner = runner(plan), runner
        self.n_inputs = len(tape.leaves) + tape.n_given
        self.values, self.grads = self.runner.values, self.runner.grads
        self.values[self.n_inputs : tape.first_result] = tape.constants
        self.outputs = plan.slot_of[tape.outputs]
        self.tracked_outputs = tape.tracked[tape.outputs].tolist()
        self.takers = [(leaf, i) for i, leaf in enumerate(tape.leaves) if leaf.requires_grad]
        self.guards = _grouped(tape, plan.slot_of)
        n_leaves = len(tape.leaves)
        self.tracked_given = (n_leaves + np.flatnonzero(tape.tracked[n_leaves : self.n_inputs])).tolist()
        self.is_given_nodes = True  # whether there may be Values among what it is given
        self.only_leaves = all(leaf.op is None for leaf in tape.leaves)
        self.row = _Row(name)
        self.loaded: np.ndarray | None = None  # the inputs that `values` were computed from
        self.parts: dict[tuple, Replay] = {}  # the tape for some of its outputs alone
        self.lock = threading.RLock()  # the memory is one for all threads

    def run(self, data: list, again: Callable[[int], Node] | None = None) -> list[Any] | None:
        """The outputs for these numbers and Values; None where the function would go another way.

        again: computes an output once more, with its graph, for those who want to see it.
        """
        inputs = self.inputs([x._data if isinstance(x, Value) else x for x in data] if self.is_given_nodes else data)
        with self.lock, np.errstate(all="ignore"):
            self.forward(inputs)
            if not self.went_the_same_way():
                return None
            # What isn't a real number is refused at the line that makes it: let the function itself run.
            if np.isnan(self.values.sum()) and np.isnan(self.values).any():
                return None
            return self.nodes(inputs, data, again)

    def inputs(self, given: Any) -> np.ndarray:
        """The numbers of the leaves as they are now, and what is given."""
        leaves = [x._data for x in self.tape.leaves]  # type: ignore[attr-defined]
        return np.concatenate([leaves, given]) if len(given) else np.array(leaves)

    def went_the_same_way(self) -> bool:
        """Whether all comparisons came out as when this was recorded."""
        return all(np.array_equal(how(self.values[a], self.values[b]), wanted) for how, a, b, wanted in self.guards)

    def forward(self, inputs: np.ndarray) -> None:
        """Compute all values from the leaves and what is given."""
        self.loaded = None  # until it has run to its end: Ctrl-C may come in between
        self.values[: self.n_inputs] = inputs
        self.runner.forward()
        self.loaded = inputs

    def gradient(self, inputs: np.ndarray, seeds: list[float | None]) -> list[float]:
        """d(Σ seed · output)/d(input) for each leaf and given number, at these inputs. None: not asked for."""
        with self.lock, np.errstate(all="ignore"):
            if self.loaded is not inputs:  # the tape has run on other numbers since
                self.forward(inputs)
            self.grads.fill(0.0)
            for slot, seed in zip(self.outputs, seeds, strict=True):
                if seed is not None:
                    self.grads[slot] += seed
            self.runner.backward()
            found = self.grads[: self.n_inputs]
            if np.isnan(found.sum()) and (None in seeds or self.tape.guards):
                return self._gradient_of_a_part(inputs, seeds)
            return found.tolist()

    def _gradient_of_a_part(self, inputs: np.ndarray, seeds: list[float | None]) -> list[float]:
        """The same, on a tape of what leads to the outputs that were asked: elsewhere 0 * inf would be nan."""
        asked = tuple(i for i, seed in enumerate(seeds) if seed is not None)
        if asked not in self.parts:
            if len(self.parts) > 7:  # other outputs are asked for each time: not worth keeping
                self.parts.clear()
            part = replace(self.tape, outputs=self.tape.outputs[list(asked)], guards=[])
            self.parts[asked] = Replay(self.name, part, self.kind_of_runner)
        return self.parts[asked].gradient(inputs, [seeds[i] for i in asked])

    def nodes(self, inputs: np.ndarray, data: list, again: Callable[[int], Node] | None = None) -> list[Any]:
        """The outputs of the forward pass that just ran, as ordinary Values."""
        numbers = self.values[self.outputs].tolist()
        if not is_recording():
            return [Value(number, requires_grad=False) for number in numbers]
        run = _Run(self, inputs, [data[i - len(self.tape.leaves)] for i in self.tracked_given], again)
        pairs = enumerate(zip(numbers, self.tracked_outputs, strict=True))
        return [
            _Output(number, run, i) if tracked else Value(number, requires_grad=False) for i, (number, tracked) in pairs
        ]


class _Row(Op):
    """What stands where other nodes have their row: one whole run of a tape."""

    again = False

    def __init__(self, name: str):
        super().__init__(name, self._refuse)

    def _refuse(self, *xs: Any) -> Any:
        raise TypeError(f"`{self.name}` is a compiled function: call it by its name")


class _Run(Node):
    """One run of a tape: between the leaves and the outputs, it hands the outputs' gradients on, all in one pass."""

    __slots__ = ("again", "given", "inputs_seen", "operands", "replay")

    no_gradient = None
    settings: dict = {}  # noqa: RUF012 - only read
    operands: tuple

    def __init__(self, replay: Replay, inputs: np.ndarray, given: list[Value], again: Callable[[int], Node] | None):
        """inputs: all numbers that the tape was run on. given: the Values among them that a gradient goes to."""
        self.replay, self.inputs_seen, self.given, self.again = replay, inputs, given, again
        self.operands = (*replay.tape.leaves, *given)
        self.op, self.label, self.hooks, self.grad, self.requires_grad = replay.row, "", None, None, True

    def push(self) -> None:
        """One pass over the tape, from its end to its beginning."""
        found = self.replay.gradient(self.inputs_seen, self.grad)
        for x, i in self.replay.takers:
            x.grad = found[i] if x.grad is None else x.grad + found[i]  # None: PyTorch's way to clear it
        for x, position in zip(self.given, self.replay.tracked_given, strict=True):
            x.grad += found[position]

    def graph(self, position: int) -> Node:
        """An output computed once more by the function itself, from the numbers that this run saw."""
        assert self.again is not None
        seen, given = self.inputs_seen.tolist(), zip(self.given, self.replay.tracked_given, strict=True)
        number_of = dict(zip(self.replay.tape.leaves, seen, strict=False)) | {x: seen[i] for x, i in given}
        now = {x: x._data for x in number_of}  # type: ignore[attr-defined]
        token = _recording.set(True)
        try:
            for x, number in number_of.items():
                x._data = number  # type: ignore[attr-defined]
            return self.again(position)
        finally:
            _recording.reset(token)
            for x, number in now.items():
                x._data = number  # type: ignore[attr-defined]


class _Output(Value):
    """A Value that a compiled function gave."""

    __slots__ = ("position", "run")

    def __init__(self, number: float, run: _Run, position: int):
        super().__init__(number)
        self.op, self.run, self.position = run.op, run, position

    @property
    def operands(self) -> tuple:
        """The run of the tape."""
        return (self.run,)

    @property
    def slopes(self) -> tuple:
        """The run decides."""
        return (1.0,)

    def push(self) -> None:
        """Tell the run what arrived here."""
        run = self.run
        if run.grad is None:
            run.grad = [None] * len(run.replay.outputs)
        run.grad[self.position] = self.grad + (run.grad[self.position] or 0.0)

    def opened(self) -> Node:
        """The same Value with all the steps that led to it; with their gradients, if backward() has run.

        RuntimeError where the function gives another number by now: something that it reads has changed.
        """
        y, name = self.run.graph(self.position), self.run.replay.name
        if not math.isclose(y.data, self._data, rel_tol=1e-9, abs_tol=1e-12) and y.data == y.data:
            raise RuntimeError(
                f"this result of the compiled function {name} can't be opened: it was {self._data}, and "
                f"run again on the same numbers the function gives {y.data}: something that it reads has changed"
            )
        y.label = y.label or self.label
        if self.run.grad is not None:
            before = {x for operand in self.run.operands for x in order(operand)}
            grads = {x: x.grad for x in before}
            y.grad = self.grad
            for node in reversed(order(y)):
                if node not in before and node.op is not None:
                    node.push()
            for x, grad in grads.items():  # they have theirs already
                x.grad = grad
        return y

    def __deepcopy__(self, memo: dict) -> Any:
        return copying.copied(order(self.opened()), memo)

    def __reduce__(self) -> tuple:
        return copying.reduced(order(self.opened()))

    def backward(self, gradient: float | None = None) -> None:
        """As any Value's; with a short way for a loss that stands by itself."""
        run = self.run
        hooks = [x.hooks for x in run.operands]
        alone = self.requires_grad and not (run.given or self.hooks) and run.replay.only_leaves
        if not alone or hooks.count(None) < len(hooks):
            super().backward(gradient)
            return
        self.grad = 1.0 if gradient is None else self.as_gradient(gradient, "backward")
        run.grad = None
        self.push()
        run.push()


def _grouped(tape: Tape, slot_of: np.ndarray) -> list[tuple[Any, np.ndarray, np.ndarray, np.ndarray]]:
    """The comparisons of each kind as arrays: what is compared, and what came out."""
    kinds = (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)
    found = [(how, [guard for guard in tape.guards if guard[0] is how]) for how in kinds]
    return [
        (
            how,
            slot_of[np.array([a for _, a, _, _ in guards])],
            slot_of[np.array([b for _, _, b, _ in guards])],
            np.array([outcome for *_, outcome in guards]),
        )
        for how, guards in found
        if guards
    ]
