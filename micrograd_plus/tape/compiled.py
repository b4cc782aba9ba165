"""compile(f): the function run once, and its tape from then on."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from ..engine.graph import Node, is_recording, watched_by
from ..engine.recording import inside_grad
from .arguments import Same, put_together, taken_apart, with_outputs
from .recorder import Recorder
from .replay import Replay
from .surroundings import Surroundings
from .tape import Tape

BACKENDS = ("auto", "numpy", "numba")


def compile(function: Callable | None = None, *, backend: str = "auto", max_tapes: int = 16) -> Any:
    """The same function, many times as fast: recorded on a tape in its first calls, replayed in the later ones.

    function: of numbers, Values or Tensors, in lists and dicts, to Values or Tensors. backend: "numpy"; "numba", where
    that is installed (`pip install "micrograd_plus[fast]"`); "auto", the quicker one that there is. Works as a
    decorator too.

    >>> from micrograd_plus import Value
    >>> w = Value(3.0)
    >>> @compile
    ... def loss(x):
    ...     return (w * x - 1.0) ** 2
    >>> for x in (1.0, 2.0, 3.0):
    ...     w.zero_grad(); y = loss(x); y.backward()
    ...     print(y.data, w.grad)
    4.0 4.0
    25.0 20.0
    64.0 48.0
    """
    if function is None:
        return lambda function: compile(function, backend=backend, max_tapes=max_tapes)
    return Compiled(function, backend, max_tapes)


class Compiled:
    """What `compile` gives: call it like the function."""

    def __init__(self, function: Callable, backend: str, max_tapes: int):
        if not callable(function):
            raise TypeError(f"compile needs a function, got {type(function).__name__} {function!r:.60}")
        if backend not in BACKENDS:
            raise ValueError(f"backend is one of {', '.join(map(repr, BACKENDS))}, not {backend!r}")
        if not isinstance(max_tapes, int) or max_tapes < 1:
            raise ValueError(f"max_tapes is how many tapes are kept, at least 1; got {max_tapes!r}")
        update_wrapper(self, function)
        self.function = function
        self.name = getattr(function, "__name__", type(function).__name__)
        self.backend, self.max_tapes = backend, max_tapes
        self.paths: list[Path] = []  # the one that was used last comes first
        self.recordings = self.replays = 0
        self.why_not = ""  # why it is run as it is, if it is
        self._lock = threading.RLock()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives."""
        watched = is_recording().__class__ is not bool
        if self.why_not or watched or inside_grad.get():  # who looks on is to see each step
            return self.function(*args, **kwargs)
        data: list = []
        structure = taken_apart((args, kwargs), data)
        with self._lock:
            for path in self.paths:
                if path.replay is not None and path.structure == structure and path.still_holds():
                    outputs = path.replay.run(data)
                    if outputs is not None:
                        return self._used(path, outputs)
            return self._record(structure, data)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method: the instance is the first argument."""
        return self if instance is None else lambda *args, **kwargs: self(instance, *args, **kwargs)

    def reset(self) -> None:
        """Forget all tapes."""
        self.paths.clear()
        self.recordings = self.replays = 0
        self.why_not = ""

    def _used(self, path: Path, outputs: list) -> Any:
        self.replays += 1
        if path is not self.paths[0]:
            self.paths.remove(path)
            self.paths.insert(0, path)
        if path.single:
            return outputs[0]
        parts = iter(outputs)
        return with_outputs(path.template, lambda node: next(parts))

    # -- recording -------------------------------------------------------------------------------------------------

    def _record(self, structure: tuple, data: list) -> Any:
        """Run the function itself, with somebody who writes along. Twice the same tape, and it is trusted."""
        things = [x.thing for x in _things(structure)]
        before = Surroundings(self.function, things)
        recorder = Recorder(self.name)
        stand_ins = [recorder.give(x._data, x) if isinstance(x, Node) else recorder.give(x) for x in data]
        args, kwargs = put_together(structure, iter(stand_ins))
        tracks = is_recording()
        with watched_by(recorder if tracks else recorder.without_grad()):
            result = self.function(*args, **kwargs)
        self.recordings += 1
        nodes: list[Node] = []
        with_outputs(result, nodes.append)
        path = Path(structure, Surroundings(self.function, things), recorder.tape(nodes), result, tracks)
        if not before.public_unchanged():
            self._give_up("it changes something outside of itself each time that it runs")
        else:
            self._keep(path)
        return result

    def _keep(self, path: Path) -> None:
        """A second look: a path that was recorded before must have come out the same."""
        for known in self.paths:
            if known.replay is None and known.structure == path.structure and known.still_holds():
                if known.tape.same_as(path.tape):
                    known.confirm(self.name, runner_of(self.backend))
                    return
                if known.way() == path.way():
                    self._give_up("a number in it changes from call to call")
                    return
        self.paths.insert(0, path)
        del self.paths[self.max_tapes :]
        if self.recordings > 4 * self.max_tapes + 2 * self.replays:
            self._give_up("it takes another way in nearly every call")

    def _give_up(self, reason: str) -> None:
        self.why_not = reason
        self.paths.clear()
        warnings.warn(
            f"compile: {self.name} is run as it is from now on, and no faster: {reason}. Give what changes as an "
            f"argument, in a list or as a float; draw random numbers and change things outside. {self.name}.reset() "
            "tries again",
            stacklevel=5,
        )

    def __repr__(self) -> str:
        state = self.why_not or f"{len(self.paths)} tape(s), {self.recordings} recordings, {self.replays} replays"
        return f"<compiled {self.name}: {state}>"


class Path:
    """One way through the function: its tape, and when it holds."""

    def __init__(self, structure: tuple, surroundings: Surroundings, tape: Tape, result: Any, tracks: bool):
        self.structure, self.surroundings, self.tape = structure, surroundings, tape
        self.template = with_outputs(result, lambda node: _HERE)
        self.single = isinstance(result, Node)
        self.tracks = tracks
        self.replay: Replay | None = None

    def still_holds(self) -> bool:
        """Whether the tape was recorded under what is true now."""
        return (
            bool(is_recording()) == self.tracks
            and (self.replay is None or self.replay.fits())
            and self.surroundings.unchanged()
        )

    def confirm(self, name: str, runner: Any) -> None:
        """Lay the tape out: from now on it is replayed."""
        self.replay = Replay(name, self.tape, runner)

    def way(self) -> list:
        """The comparisons that it went by, with the constants in them."""
        n = self.tape.first_result - len(self.tape.constants)
        named = [
            self.tape.constants[s - n] if n <= s < self.tape.first_result else s
            for g in self.tape.guards
            for s in g[1:3]
        ]
        return [named, [(how, outcome) for how, *_, outcome in self.tape.guards]]


class _Here(Node):
    __slots__ = ()
    operands = ()


_HERE = _Here()


def runner_of(backend: str) -> Any:
    """The class that runs plans."""
    if backend != "numpy":
        try:
            from .with_numba import NumbaRunner

            return NumbaRunner
        except ImportError:
            if backend == "numba":
                raise ImportError(
                    'compile(backend="numba") needs numba: pip install "micrograd_plus[fast]", or backend="numpy"'
                ) from None
    from .with_numpy import NumpyRunner

    return NumpyRunner


def _things(structure: Any) -> list[Same]:
    """The objects that belong to a structure as they are."""
    if isinstance(structure, Same):
        return [structure]
    return [thing for part in structure for thing in _things(part)] if isinstance(structure, tuple) else []
