"""vmap(f): a function of one example, run on many at once as lanes of the same tape."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import update_wrapper
from itertools import chain
from typing import Any

import numpy as np

from ..engine.graph import Node, is_recording, watched_by
from ..engine.recording import inside_grad
from ..engine.value import Value
from .arguments import nodes_in, put_together, taken_apart, with_outputs
from .compiled import Path, things_in
from .recorder import Recorder
from .replay import Replay
from .runners import runner_of
from .surroundings import Surroundings
from .tape import Tape

MOST = 16  # ways through the function that are kept, and that are recorded in one call


def vmap(function: Callable, in_dims: int | tuple[int | None, ...] | None = 0, *, backend: str = "auto") -> Lanes:
    """The function of one example as a function of many: [f(x, y) for x, y in zip(X, Y)], many times as fast.

    function: of numbers and Values, to Values. in_dims: for each argument 0 (a list or array with one entry an
    example) or None (the same for all of them); PyTorch's name. The parameters are shared by all lanes, so that their
    gradients are summed over the examples. The function is recorded on one example; examples that go another way
    through it (an `if`) get a tape of their own. ValueError for arguments of unequal length.

    >>> from micrograd_plus import Value
    >>> w = Value(3.0)
    >>> losses = vmap(lambda x, y: (w * x - y) ** 2)([1.0, 2.0], [3.0, 5.0])
    >>> sum(losses).backward()
    >>> [loss.data for loss in losses], w.grad
    ([0.0, 1.0], 4.0)
    """
    return Lanes(function, in_dims, backend)


class Lanes:
    """What `vmap` gives: call it with lists of examples."""

    def __init__(self, function: Callable, in_dims: Any = 0, backend: str = "auto"):
        if not callable(function):
            raise TypeError(f"vmap needs a function, got {type(function).__name__} {function!r:.60}")
        self.dims = in_dims if isinstance(in_dims, tuple) else (in_dims,)
        if any(dim not in (0, None) for dim in self.dims) or self.dims == (None,):
            raise ValueError(f"vmap: in_dims is 0 (one entry an example) or None (shared) an argument, got {in_dims!r}")
        update_wrapper(self, function)
        self.function, self.in_dims, self.backend = function, in_dims, backend
        self.name = getattr(function, "__name__", type(function).__name__)
        self.paths: list[_LanePath] = []
        self._lock = threading.RLock()

    def __call__(self, *args: Any) -> list:
        """The function of each example, in a list."""
        columns, shared = self._sorted(args)
        watched = is_recording().__class__ is not bool
        if watched or inside_grad.get():  # who looks on is to see each step
            return [self.function(*example) for example in _examples(columns, shared)]
        with self._lock:
            return self._in_lanes(columns, shared)

    def _sorted(self, args: tuple) -> tuple[list, list[bool]]:
        """The arguments, arrays as lists; and which of them are shared by all examples."""
        dims = self.dims * len(args) if not isinstance(self.in_dims, tuple) else self.dims
        if len(dims) != len(args):
            raise ValueError(f"vmap: in_dims speaks of {len(dims)} arguments, but {self.name} was given {len(args)}")
        shared = [dim is None for dim in dims]
        mapped = [x.tolist() if hasattr(x, "tolist") else x for x in args]
        found = [x if same else mapped[i] for i, (x, same) in enumerate(zip(args, shared, strict=True))]
        lengths = {len(x) if isinstance(x, Sequence) else -1 for x, same in zip(found, shared, strict=True) if not same}
        if len(lengths) != 1 or -1 in lengths:
            shown = ", ".join(str(len(x)) if isinstance(x, Sequence) else type(x).__name__ for x in found)
            raise ValueError(
                f"vmap({self.name}) needs one entry an example in each argument, so lists of the same length; got "
                f"{shown}. What all examples share is in_dims=None"
            )
        return found, shared

    # -- many lanes ------------------------------------------------------------------------------------------------

    def _in_lanes(self, args: list, shared: list[bool]) -> list:
        if not len(args[shared.index(False)]):
            return []
        structure, data = _taken_apart(args, shared)
        results: list[Any] = [None] * len(data)
        waiting = np.arange(len(data))

        def again(lane: int) -> Any:
            return self.function(*_examples(args, shared)[lane])

        for path in [path for path in self.paths if path.structure == structure and path.still_holds()]:
            waiting = path.run(data, waiting, results, again)
            if not len(waiting):
                return results
        for _ in range(MOST):
            path = self._recorded(structure, data[waiting[0]])
            left = path.run(data, waiting, results, again)
            if not len(left):
                return results
            if len(left) == len(waiting):  # not a real number somewhere: the function says so
                break
            waiting = left
        return [self.function(*example) for example in _examples(args, shared)]

    def _recorded(self, structure: tuple, numbers: Any) -> _LanePath:
        """The path that an example takes: recorded twice, and it must come out the same."""
        tapes = []
        for _ in range(2):
            recorder = Recorder(self.name)
            stand_ins = [
                recorder.give(x._data, x) if isinstance(x, Value) else recorder.give(float(x)) for x in numbers
            ]
            tracks = is_recording()
            with watched_by(recorder if tracks else recorder.without_grad()):
                result = self.function(*put_together(structure, iter(stand_ins)))
            if recorder.has_hooks:
                raise ValueError(
                    f"vmap: {self.name} registers a gradient hook, which lanes don't call: register it outside, "
                    "on a parameter or on what vmap gives, or call the function in a loop"
                )
            tapes.append(recorder.tape(nodes_in(result)))
        if not tapes[0].same_as(tapes[1]):
            raise ValueError(
                f"vmap: {self.name} doesn't compute the same when it is called twice with the same example: give "
                "random numbers, and whatever else changes, as arguments"
            )
        surroundings = Surroundings(self.function, [x.thing for x in things_in(structure)])
        path = _LanePath(self.name, self.backend, structure, surroundings, tapes[1], result, tracks)
        path.result = None  # its graph may go
        self.paths.insert(0, path)
        del self.paths[MOST:]
        return path

    @property
    def tapes(self) -> list[Tape]:
        """The tapes, each that of one example."""
        return [path.tape for path in self.paths]

    def __repr__(self) -> str:
        return f"<vmap of {self.name}: {len(self.paths)} tape{'s' * (len(self.paths) != 1)}>"


class _LanePath(Path):
    """One way through the function of one example, laid out for as many lanes as are asked for."""

    def __init__(self, name: str, backend: str, *seen: Any):
        super().__init__(*seen)
        self.name, self.backend = name, backend
        self.wide: dict[int, Replay] = {}

    def run(self, data: np.ndarray, lanes: np.ndarray, results: list, again: Callable[[int], Any]) -> np.ndarray:
        """Fill in `results` for those of the lanes that go this way; returns the others."""
        n = len(data)
        if n not in self.wide:
            if len(self.wide) > 3:
                self.wide.clear()
            self.wide[n] = Replay(self.name, in_lanes(self.tape, n), runner_of(self.backend))
        with self.wide[n].lock:
            return self._run(self.wide[n], data, lanes, results, again)

    def _run(self, replay: Replay, data: np.ndarray, lanes: np.ndarray, results: list, again: Any) -> np.ndarray:
        n = len(data)
        agree = self._agreeing(replay, data, n)
        mine = lanes[agree[lanes]]
        if not len(mine):
            return lanes
        if not agree.all():  # the others' numbers may be out of bounds here: let them repeat one that isn't
            data = data.copy()
            data[~agree] = data[mine[0]]
            self._agreeing(replay, data, n)
        inputs = replay.loaded
        assert inputs is not None
        width = len(self.tape.outputs)
        outputs = replay.nodes(inputs, _flat_nodes(data), lambda i: nodes_in(again(i // width))[i % width])
        for lane in mine.tolist():
            parts = iter(outputs[lane * width : (lane + 1) * width])
            results[lane] = with_outputs(self.template, lambda _, parts=parts: next(parts))  # type: ignore[misc]
        return lanes[~agree[lanes]]

    def _agreeing(self, replay: Replay, data: np.ndarray, n: int) -> np.ndarray:
        """Run all lanes; which of them go this way, and meet real numbers only."""
        with np.errstate(all="ignore"):
            replay.forward(replay.inputs(_numbers(data)))
            agree = np.ones(n, dtype=bool)
            for how, a, b, wanted in replay.guards:  # lane by lane
                agree &= (how(replay.values[a], replay.values[b]) == wanted).reshape(n, -1).all(axis=1)
            if np.isnan(replay.values.sum()):
                slots = replay.plan.slot_of[replay.tape.first_result :]
                agree &= ~(np.isnan(replay.values[slots]) & (slots >= 0)).reshape(n, -1).any(axis=1)
        return agree


def _examples(args: list, shared: list[bool]) -> list[tuple]:
    n = len(args[shared.index(False)])
    return list(zip(*([x] * n if same else x for x, same in zip(args, shared, strict=True)), strict=True))


def _taken_apart(args: list, shared: list[bool]) -> tuple[tuple, np.ndarray]:
    """The structure that all examples have, and their data: (examples, numbers in one)."""
    first: list = []
    structure = taken_apart(_as_data([x if same else x[0] for x, same in zip(args, shared, strict=True)]), first)
    columns = [None if same else _column(x) for x, same in zip(args, shared, strict=True)]
    if all(column is not None for column in columns):
        return structure, np.concatenate(columns, axis=1)  # type: ignore[arg-type]
    rows = []
    for i, example in enumerate(_examples(args, shared)):
        found: list = []
        if taken_apart(_as_data(example), found) != structure:
            raise ValueError(f"vmap: example {i} doesn't have the shape of example 0: all must have the same")
        rows.append(found)
    plain = not any(isinstance(x, Node) for x in chain.from_iterable(rows))
    data = np.empty((len(rows), len(first)), dtype=float if plain else object)
    data[:] = rows
    return structure, data


def _as_data(example: Sequence) -> list:
    """An example's own numbers are data, also where they are whole."""
    return [float(x) if type(x) in (int, bool) else x for x in example]


def _column(entries: Sequence) -> np.ndarray | None:
    """The quick way for one argument: (examples, numbers in one), if each entry is a number or a list of k numbers."""
    kinds = set(map(type, entries))
    if kinds <= {int, float, bool}:
        return np.array(entries, dtype=float)[:, None]
    if kinds == {list} and len(set(map(len, entries))) == 1:
        flat = list(chain.from_iterable(entries))
        if flat and set(map(type, flat)) <= {int, float, bool}:
            return np.array(flat, dtype=float).reshape(len(entries), -1)
    return None


def _numbers(data: np.ndarray) -> np.ndarray:
    if data.dtype != object:
        return data.ravel()
    return np.array([x._data if isinstance(x, Value) else x for x in data.ravel()], dtype=float)


def _flat_nodes(data: np.ndarray) -> list:
    """What is given, for gradients to go to: nothing if there are plain numbers only."""
    return list(data.ravel()) if data.dtype == object else []


def in_lanes(tape: Tape, n: int) -> Tape:
    """The tape n times side by side: leaves and constants are shared, what is given and what is computed is not."""
    leaves, given, constants, results = len(tape.leaves), tape.n_given, len(tape.constants), len(tape.op)
    first = leaves + n * given + constants

    def in_lane(slots: np.ndarray, lane: np.ndarray) -> np.ndarray:
        """Where the slots of the narrow tape are in the wide one."""
        old_first = tape.first_result
        return np.where(
            slots >= old_first,
            first + lane * results + (slots - old_first),
            np.where(
                slots < leaves,
                slots,
                np.where(slots < leaves + given, slots + lane * given, slots + (n - 1) * given),
            ),
        )

    lane = np.arange(n)[:, None]
    lengths = np.tile(np.diff(tape.start), n)
    head, shared = tape.tracked[:leaves], tape.tracked[leaves + given : tape.first_result]
    guards = [(how, np.array([a, b]), wanted) for how, a, b, wanted in tape.guards]
    return Tape(
        rows=tape.rows,
        op=np.tile(tape.op, n),
        start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        operands=in_lane(tape.operands[None], lane).ravel(),
        leaves=tape.leaves,
        n_given=n * given,
        constants=tape.constants,
        tracked=np.concatenate(
            [
                head,
                np.tile(tape.tracked[leaves : leaves + given], n),
                shared,
                np.tile(tape.tracked[tape.first_result :], n),
            ]
        ),
        outputs=in_lane(tape.outputs[None], lane).ravel(),
        guards=[(how, *in_lane(pair, np.array(k)).tolist(), wanted) for k in range(n) for how, pair, wanted in guards],
    )
