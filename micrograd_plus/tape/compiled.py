"""compile(f): the function run once, and its tape from then on."""

from __future__ import annotations

import random
import threading
import types
import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import update_wrapper
from typing import Any

import numpy as np

from ..engine.collector import collector_paused
from ..engine.graph import Node, is_recording, watched_by
from ..engine.recording import inside_grad
from ..engine.tensor import Tensor
from .arguments import Same, bare, kinds_of, nodes_in, put_together, taken_apart_call, unknown_in, with_outputs
from .array_recorder import ArrayRecorder
from .array_replay import ArrayReplay
from .array_tape import ArrayTape, same
from .followed import OtherKind
from .plan import Plan
from .recorder import CompileError, Recorder
from .replay import Replay
from .runners import has_numba, runner_of
from .surroundings import Surroundings

BACKENDS = ("auto", "numpy", "numba")


def compile(function: Callable | None = None, *, backend: str = "auto", max_tapes: int = 16) -> Any:
    """The same function, many times as fast: recorded on a tape in its first calls, replayed in the later ones.

    function: of numbers, Values, Tensors or arrays, in lists and dicts, to Values or Tensors. Works as a decorator too.
    backend, for functions of Values: "numpy"; "numba", where that is installed (`pip install "micrograd_plus[fast]"`);
    "auto", the quicker one that there is (numba compiles its kernel once on a machine, which takes some ten seconds).
    max_tapes: how many paths through the function are kept.

    Results equal eager's: for Values to 1e-12. For Tensors the same NumPy calls are made in the same order, so most
    come out the same to the last bit (layers, losses, seeded dropout); to 1e-12 (float64) or 1e-5 (float32) what is
    done in another way: linear layers of more than two axes, `where` of numbers, sums behind several outputs.

    What changes the result is noticed: other arguments, an `if` that goes the other way, frozen parameters, random
    numbers; and around the function variables, settings modules, models, namespaces and objects of your own, down to
    what is in their containers and arrays. Where a function can't be replayed (it draws random numbers, registers a
    gradient hook, changes things outside) it is run as it is, and a warning says why.

    Not noticed is what leaves no trace, and stays as it was recorded: a `.grad` or printed text that is computed with;
    files and clocks; what libraries' objects and modules hold (os.environ, a ContextVar, a queue); modules of your own
    that are imported inside of the function, or reached through an attribute or a list; variables that are looked up by
    a text (globals()["k"], getattr(module, "k")); the order of a plain dict; an array that changes under a read-only
    view of it; what is in containers of over 20,000 things, or behind so many objects.

    A number that is given is no `float` inside (isinstance tells), a Value that is given isn't found by `is`. What no
    output needs is left out, also its errors. While a function is recorded, Python's cyclic garbage collector rests.

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
        self._way: Any = None  # the recorder that was right last time
        self._lock = threading.RLock()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives."""
        watched = is_recording().__class__ is not bool
        if self.why_not or watched or inside_grad.get():  # who looks on is to see each step
            return self.function(*args, **kwargs)
        data: list = []
        structure = taken_apart_call(args, kwargs, data)
        for path in tuple(self.paths):
            if path.replay is not None and path.structure == structure and path.still_holds():
                given = numbers_of(data) if path.is_given_arrays else data
                outputs = path.replay.run(given, self._again(structure, data))
                if outputs is not None:
                    return self._used(path, outputs)
        with collector_paused():  # many nodes, and no cycle among them
            return self._record(structure, data, args, kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method: the instance is the first argument."""
        return self if instance is None else types.MethodType(self, instance)

    def __deepcopy__(self, memo: dict) -> Compiled:
        return Compiled(deepcopy(self.function, memo), self.backend, self.max_tapes)  # a method: of the copied object

    def __reduce__(self) -> tuple:
        return Compiled, (self.function, self.backend, self.max_tapes)

    def _again(self, structure: tuple, data: list) -> Callable[[int], Node]:
        """An output once more, from the function itself: for those who want to see how it came about."""

        def again(position: int) -> Node:
            args, kwargs = put_together(structure, iter(data))
            return nodes_in(self.function(*args, **kwargs))[position]

        return again

    def reset(self) -> None:
        """Forget all tapes."""
        self.paths.clear()
        self.recordings = self.replays = 0
        self.why_not = ""

    def source(self) -> str:
        """For functions of Tensors: the programs that are run, as Python text; empty before the second call."""
        programs = [path.replay.program for path in self.paths if isinstance(path.replay, ArrayReplay)]
        return "\n\n\n".join(map(str, programs))

    def _used(self, path: Path, outputs: list) -> Any:
        self.replays += 1
        if path is not self.paths[0]:
            with self._lock:
                if path in self.paths:  # not dropped meanwhile, by another thread
                    self.paths.remove(path)
                    self.paths.insert(0, path)
        if path.single:
            return outputs[0]
        parts = iter(outputs)
        return with_outputs(path.template, lambda node: next(parts))

    # -- recording -------------------------------------------------------------------------------------------------

    def _record(self, structure: tuple, data: list, args: tuple, kwargs: dict) -> Any:
        """Run the function itself, with somebody who writes along. Twice the same tape, and it is trusted."""
        things = [x.thing for x in things_in(structure)]
        before = Surroundings(self.function, things)
        tracks = is_recording()
        dice = Dice()
        why = ""
        for way in () if before.moving else self._ways(kinds_of(structure)):
            recorder = way(self.name)
            pieces = zip(data, kinds_of(structure), strict=True)
            stand_ins = [recorder.give_piece(x, kind) for x, kind in pieces]
            in_place_of = put_together(structure, iter(stand_ins))
            handed_over = list(_contents(in_place_of))
            try:
                with watched_by(recorder if tracks else recorder.without_grad()):
                    result = self.function(*in_place_of[0], **in_place_of[1])
            except CompileError:
                raise
            except (OtherKind, Exception) as error:  # perhaps it computes with the other kind of node
                mixed = "it computes with Values and with Tensors or arrays at once"
                why = why or (mixed if isinstance(error, OtherKind) else f"it can't be recorded: {error}")
                dice.back()  # once more, from the same random numbers
                continue
            if not _are_the_same(handed_over, list(_contents(in_place_of))):
                return self._as_it_is(args, kwargs, dice, "it changes the lists that it is given")
            self._way = way
            path = Path(structure, Surroundings(self.function, things), recorder.tape(nodes_in(result)), result, tracks)
            self._judge(path, before, recorder.has_hooks, dice.thrown_since(recorder))
            return with_outputs(result, bare)
        return self._as_it_is(args, kwargs, dice, before.moving or why)

    def _as_it_is(self, args: tuple, kwargs: dict, dice: Dice, reason: str) -> Any:
        """Run the function on what it was given. (If something is wrong with it, this is where it says so.)"""
        dice.back()
        result = self.function(*args, **kwargs)
        self._give_up(reason)
        return result

    def _judge(self, path: Path, before: Surroundings, has_hooks: bool, has_thrown_dice: bool) -> None:
        """Keep the path that was recorded, if the function can be replayed at all."""
        self.recordings += 1
        unknown = unknown_in(path.result)
        if has_hooks:
            self._give_up("it registers a gradient hook (one on a parameter, registered outside, would be called)")
        elif not before.public_unchanged():
            self._give_up("it changes something outside of itself, or draws random numbers, each time that it runs")
        elif has_thrown_dice:
            self._give_up("it draws random numbers")
        elif unknown is not None:
            kind = type(unknown).__name__
            self._give_up(f"it gives back a {kind}, and what is in it can't be seen: a tuple, a list or a dict can")
        else:
            with self._lock:
                self._keep(path)
        path.result = None  # its graph may go

    def _ways(self, pieces: list[str]) -> list:
        """The recorders to try: for a function of Values, and for one of Tensors and arrays."""
        if "tensor" in pieces:
            return [ArrayRecorder]
        if "value" in pieces:
            return [ValueRecorder]
        ways = [ArrayRecorder, ValueRecorder] if "array" in pieces else [ValueRecorder, ArrayRecorder]
        return ways if self._way in (None, ways[0]) else ways[::-1]  # the one that was right before first

    def _keep(self, path: Path) -> None:
        """A second look: a path that was recorded before must have come out the same."""
        for known in self.paths:
            if known.structure != path.structure or not known.still_holds():
                continue
            if known.same_as(path):
                if known.replay is None:
                    known.confirm(self.name, self.backend)
                    if self.backend == "auto" and known.is_narrow() and not has_numba():
                        self._run_as_it_is("its operations wait for each other, and only numba would be faster")
                return
            if known.replay is None and known.goes_as(path):
                self._give_up("a number in it changes from call to call")
                return
        self.paths.insert(0, path)
        del self.paths[self.max_tapes :]
        if self.recordings > 4 * self.max_tapes + 2 * self.replays:
            self._give_up("it takes another way, or is given another setting, in nearly every call")

    def _run_as_it_is(self, reason: str) -> None:
        self.why_not = reason
        self.paths.clear()

    def _give_up(self, reason: str) -> None:
        self._run_as_it_is(reason)
        warnings.warn(
            f"compile: {self.name} is run as it is from now on, and no faster: {reason}. Give what changes as an "
            "argument, in a list or as a float; draw random numbers and change things outside. reset() of what compile "
            "gave tries again",
            stacklevel=5,
        )

    @property
    def tapes(self) -> list:
        """The tapes, the one that was used last first: `print(step.tapes[0])`."""
        return [path.tape for path in self.paths]

    @property
    def plans(self) -> list[Plan]:
        """For functions of Values: how the tapes that are replayed are laid out, `print(step.plans[0])`."""
        return [path.replay.plan for path in self.paths if isinstance(path.replay, Replay)]

    def __repr__(self) -> str:
        counts = ((len(self.paths), "tape"), (self.recordings, "recording"), (self.replays, "replay"))
        state = self.why_not or ", ".join(f"{n} {word}{'s' * (n != 1)}" for n, word in counts)
        return f"<compiled {self.name}: {state}>"


class Path:
    """One way through the function: its tape, and when it holds."""

    def __init__(self, structure: tuple, surroundings: Surroundings, tape: Any, result: Any, tracks: bool):
        self.structure, self.surroundings, self.tape, self.result = structure, surroundings, tape, result
        self.template = with_outputs(result, lambda node: _HERE)
        self.single = self.template is _HERE
        self.tracks = tracks
        self.replay: Any = None
        self.arrays = [(x, x.copy()) for x in surroundings.arrays]
        self.is_given_arrays = not isinstance(tape, ArrayTape) and "array" in kinds_of(structure)
        leaves = tape.leaves.values() if isinstance(tape, ArrayTape) else tape.leaves
        # Frozen and thawed parameters make another tape, also those that the function asks and doesn't use.
        self.nodes = list({id(node): node for node in (*surroundings.nodes, *leaves)}.values())
        self.tracked = [node.requires_grad for node in self.nodes]

    def still_holds(self) -> bool:
        """Whether the tape was recorded under what is true now."""
        return (
            bool(is_recording()) == self.tracks
            and [node.requires_grad for node in self.nodes] == self.tracked
            and self.surroundings.unchanged()
            and all(np.array_equal(array, copy) or same(array, copy) for array, copy in self.arrays)
        )

    def confirm(self, name: str, backend: str) -> None:
        """Lay the tape out: from now on it is replayed."""
        if isinstance(self.tape, ArrayTape):
            self.replay = ArrayReplay(name, self.tape)
        else:
            self.replay = Replay(name, self.tape, runner_of(backend))
            self.replay.is_given_nodes = "value" in kinds_of(self.structure)

    def is_narrow(self) -> bool:
        """Whether it is a long tape of Values on which there is little to be done at once."""
        return isinstance(self.replay, Replay) and len(self.tape) > 200 and self.replay.plan.is_narrow

    def same_as(self, other: Path) -> bool:
        """Whether the other one is this one, recorded once more."""
        return (
            self.tape.__class__ is other.tape.__class__
            and self.tape.same_as(other.tape)
            and repr(self.template) == repr(other.template)  # numbers and texts beside the nodes of the result
        )

    def goes_as(self, other: Path) -> bool:
        """Whether the other one went by the same comparisons."""
        return self.tape.__class__ is other.tape.__class__ and self.tape.way() == other.tape.way()


class Dice:
    """Python's random numbers, of which all of ours come, and those of NumPy's own generator: have they been drawn?"""

    def __init__(self) -> None:
        self.start, self.numpys = random.getstate(), _state_of_numpy()

    def back(self) -> None:
        """As it was at first."""
        random.setstate(self.start)

    def thrown_since(self, recorder: Any) -> bool:
        """Whether there was a draw since, but for those (of dropout) that are on the recorder's tape."""
        expected = getattr(recorder, "dice", None) or self.start
        return random.getstate() != expected or _state_of_numpy() != self.numpys


def _state_of_numpy() -> tuple:
    state: Any = np.random.get_state()
    return state[0], state[1].tobytes(), *state[2:]


def _contents(x: Any) -> Iterator[Any]:
    """What lists, tuples and dicts hold, in order."""
    if x.__class__ in (list, tuple, dict):
        for part in x.values() if x.__class__ is dict else x:
            yield from _contents(part)
    else:
        yield x


def _are_the_same(these: list, those: list) -> bool:
    return len(these) == len(those) and all(a is b for a, b in zip(these, those, strict=True))


class ValueRecorder(Recorder):
    """The recorder of functions of Values; arrays that they are given become arrays of Values."""

    def made(self, op: Any, operands: tuple, y: Any, settings: dict) -> None:
        """Write the instruction down."""
        if y.__class__ is Tensor:
            raise OtherKind
        super().made(op, operands, y, settings)

    def read(self, node: Any, how: str) -> None:
        """Refuse; a Tensor's reading is the other recorder's affair."""
        if isinstance(node, Tensor):
            raise OtherKind
        super().read(node, how)

    def give_piece(self, x: Any, kind: str) -> Any:
        """A stand-in for a piece of the arguments."""
        if kind == "value":
            return self.give(x._data, x)
        if kind != "array":
            return self.give(x)
        stand_in = np.empty(x.shape, object)
        stand_in.flat[:] = [self.give(number) for number in x.ravel().tolist()]
        return stand_in


def numbers_of(data: list) -> list:
    """Arrays as the numbers in them."""
    return [x for part in data for x in (part.ravel().tolist() if isinstance(part, np.ndarray) else [part])]


class _Here(Node):
    __slots__ = ()
    operands = ()


_HERE = _Here()


def things_in(structure: Any) -> list[Same]:
    """The objects that belong to a structure as they are."""
    if isinstance(structure, Same):
        return [structure]
    return [thing for part in structure for thing in things_in(part)] if isinstance(structure, tuple) else []
