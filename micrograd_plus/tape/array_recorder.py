"""Recording: a function of Tensors is run once, and the array operations that it does are written on a tape."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import array_ops, ops
from ..engine.graph import Node, Op, Watcher, order
from ..engine.tensor import Tensor
from .array_tape import ArrayTape, Guard, Slot, Step
from .followed import Followed, Method, OtherKind, detached, everything, unwrapped
from .recorder import CompileError, FrozenNumberError


class ArrayRecorder(Watcher):
    """The watcher that writes down what a function of Tensors computes, and what NumPy computes with its arrays."""

    def __init__(self, name: str):
        self.name = name  # of the function, for messages
        self.finished = False
        self.slot_of: dict[int, int] = {}  # by id, of Tensors and of arrays; `alive` keeps the ids
        self.alive: list[Any] = []
        self.leaves: dict[int, Tensor] = {}
        self.given: list[int | None] = []
        self.fixed: list[Any] = []
        self.constants: dict[int, Any] = {}
        self.draws: dict[int, Callable] = {}
        self.steps: list[Step] = []
        self.guards: list[Guard] = []
        self.tracked: set[int] = set()
        self.like: dict[int, tuple[tuple, Any]] = {}
        self.has_hooks = False  # whether a gradient hook was put on a node
        self.stands_for: dict[int, Tensor] = {}  # the Tensors that were given, by the id of their stand-ins
        self.dice = random.getstate()  # as the last draw that is on the tape left them

    # -- what the function is given --------------------------------------------------------------------------------

    def give_piece(self, x: Any, kind: str) -> Any:
        """A stand-in for a piece of the arguments: a Tensor, an array or a number. kind: its word in the structure."""
        if kind == "numbers":  # in a list: they belong to this path as they are
            self.given.append(None)
            self.fixed.append(x)
            return x
        slot = self._slot_for(x._array if isinstance(x, Tensor) else x)
        self.given.append(slot)
        if isinstance(x, Tensor):
            stand_in = x.apply(ops.itself, x)  # its gradient goes on to the Tensor that it stands for
            self._remember(stand_in, slot)
            self.stands_for[id(stand_in)] = x
            return stand_in
        # A copy, as eager takes: the graph of this call keeps it, and the caller may use the array for the next batch.
        return Followed(self, _untouchable(np.array(x) if isinstance(x, np.ndarray) else x), slot)

    # -- what a watcher is shown -----------------------------------------------------------------------------------

    def made(self, op: Op, operands: tuple, y: Any, settings: dict) -> None:
        """Write the instruction down."""
        if not isinstance(y, Tensor):
            raise OtherKind
        slots = tuple([self._written(x) for x in operands])
        settings = {key: self._written_setting(value) for key, value in settings.items()}
        slot = self._slot_for(y._array)
        self._remember(y, slot)
        free = op is array_ops.getitem and _has_mask(y.settings.get("index", settings.get("index")))
        self.steps.append(Step(op, slots, settings, slot, y.requires_grad, shape=y.shape if free else None))

    def hooked(self, node: Any) -> Any:
        """Note that there is a hook, which a tape could not call; one on a stand-in goes to the Tensor itself."""
        self.has_hooks = True
        return self.stands_for.get(id(node), node)

    def born(self, leaf: Any) -> None:
        """A Tensor made inside of the function: a constant."""
        if not isinstance(leaf, Tensor):
            raise OtherKind
        slot = self._slot_for(leaf._array)
        self.constants[slot] = leaf._array.copy()
        self.tracked.discard(slot)
        self.slot_of[id(leaf)] = slot
        self.alive.append(leaf)

    def numbers(self, node: Any, array: Any) -> Any:
        """`t.numpy()` inside of the function: an array that is followed."""
        slot = self.slot(node)
        if slot not in self.tracked:
            return Followed(self, array, slot)
        return self._host_result(detached, (Slot(slot),), {}, array, False)  # in a slot to which no gradient flows

    def drawn(self, draw: Callable[[], Any]) -> Any:
        """Random numbers: on the tape stands that they are drawn, not what came out."""
        only_ours = self.dice == random.getstate()
        array = draw()
        if only_ours:
            self.dice = random.getstate()
        slot = self._slot_for(array)
        self.draws[slot] = draw
        return Followed(self, _untouchable(array), slot)

    def read(self, node: Any, how: str) -> None:
        """Refuse for a result: its number would be frozen. What is given without gradient may be guarded."""
        if not isinstance(node, Tensor):
            raise OtherKind
        if not node.requires_grad and "=" not in how:
            self.asked(Followed(self, node._array, self.slot(node)), everything)
            return
        raise FrozenNumberError(
            f"{how} of a Tensor inside the compiled function {self.name}: the tape would keep the numbers of this "
            "first call for ever. Compute with the Tensor itself (t * 2, t.exp(), mg.where(t > 0, t, 0), t.detach()); "
            "do what needs the plain numbers, such as printing them or changing a parameter, outside, on what the "
            "function returns"
        )

    def pushed(self, node: Any) -> None:
        """Refuse: a tape is the forward pass."""
        raise CompileError(
            f"backward() inside the compiled function {self.name}: return the loss, and call backward() on what the "
            "compiled function gives: loss = step(x, y); loss.backward()"
        )

    def compared(self, how: Callable, a: Any, b: Any, outcome: bool) -> None:
        """Two Values."""
        raise OtherKind

    def without_grad(self) -> Any:
        """Inside no_grad() everything is recorded as well, and nothing is tracked."""
        return _Untracked(self)

    # -- what NumPy computes ---------------------------------------------------------------------------------------

    def host(self, function: Callable, args: tuple, kwargs: dict) -> Any:
        """Let NumPy compute, and write it down: an instruction without gradient."""
        y = function(*unwrapped(args), **unwrapped(kwargs))
        if self.finished:
            return y
        operands = self._written_setting(tuple(args))
        settings = self._written_setting(kwargs)
        if isinstance(y, (tuple, list)):
            slot = self._slot_for(None)
            self.steps.append(Step(function, operands, settings, slot, host=True))
            parts = [self._host_result(_Part(i), (Slot(slot),), {}, part, True) for i, part in enumerate(y)]
            return type(y)(parts) if type(y) in (tuple, list) else tuple(parts)
        return self._host_result(function, operands, settings, y, _is_free(function, args, kwargs))

    def _host_result(self, function: Callable, operands: tuple, settings: dict, y: Any, free: bool) -> Any:
        if np.asarray(y).dtype.kind not in "biuf":
            raise TypeError(
                f"inside the compiled function {self.name} only real numbers can be followed, and "
                f"{function.__name__} gives {type(y).__name__}"
            )
        slot = self._slot_for(y)
        self.steps.append(Step(function, operands, settings, slot, host=True, shape=np.shape(y) if free else None))
        return Followed(self, _untouchable(y), slot)

    def asked(self, x: Followed, how: Callable) -> Any:
        """What the function wants to know of an array, to go on by it: from now on the tape holds for this answer."""
        answer = how(x.value)
        if not self.finished:
            self.guards.append(Guard(x.slot, how, answer, len(self.steps)))
        return answer

    def known_array(self, x: Followed) -> np.ndarray:
        """The array of x, such that it is recognised among an op's settings."""
        array = np.asarray(x.value).view()
        array.setflags(write=False)
        self._remember(array, x.slot)
        return array

    def tensor_of(self, x: Followed) -> Tensor:
        """A Tensor in the same slot."""
        array = np.asarray(x.value).view()
        array.setflags(write=False)
        tensor = Tensor.__new__(Tensor)
        tensor._array, tensor.label, tensor.requires_grad = array, "", False
        tensor.op = tensor.grad = tensor.hooks = tensor._kept = None
        tensor.operands, tensor._arrays, tensor.settings = (), (), {}
        self._remember(tensor, x.slot)
        return tensor

    def same_place(self, tensor: Tensor, x: Followed) -> None:
        """`tensor` holds the numbers of x: no constant, although it was made inside of the function."""
        self.constants.pop(self.slot_of[id(tensor)], None)
        self._remember(tensor, x.slot)
        self.tracked.discard(x.slot)

    # -- slots -----------------------------------------------------------------------------------------------------

    def slot(self, tensor: Tensor) -> int:
        """The slot of a Tensor: seen before, or a leaf from outside."""
        slot = self.slot_of.get(id(tensor))
        if slot is None:
            slot = self._slot_for(tensor._array)
            self.leaves[slot] = tensor
            self._remember(tensor, slot)
        return slot

    def _slot_for(self, value: Any) -> int:
        slot = len(self.like)
        self.like[slot] = ((), None) if value is None else (np.shape(value), np.asarray(value).dtype)
        return slot

    def _remember(self, thing: Any, slot: int) -> None:
        self.slot_of[id(thing)] = slot
        self.alive.append(thing)
        if isinstance(thing, Tensor) and thing.requires_grad:
            self.tracked.add(slot)

    def _written(self, x: Any) -> Any:
        """An operand as it stands on the tape: a number as it is, an array in a slot."""
        if isinstance(x, Tensor):
            return Slot(self.slot(x))
        if isinstance(x, Node):
            raise OtherKind
        if isinstance(x, np.ndarray):
            slot = self._slot_for(x)
            self.constants[slot] = x
            return Slot(slot)
        return x

    def _written_setting(self, x: Any) -> Any:
        if isinstance(x, Followed):
            return Slot(x.slot)
        if isinstance(x, Tensor):
            return Slot(self.slot(x))
        if isinstance(x, np.ndarray) and id(x) in self.slot_of:
            return Slot(self.slot_of[id(x)])
        if isinstance(x, np.ndarray):
            return x.copy()
        if type(x) in (tuple, list):
            return type(x)(map(self._written_setting, x))
        if isinstance(x, dict):
            return {key: self._written_setting(value) for key, value in x.items()}
        if isinstance(x, slice):
            return slice(*map(self._written_setting, (x.start, x.stop, x.step)))
        return x

    # -- the tape --------------------------------------------------------------------------------------------------

    def tape(self, outputs: list[Any]) -> ArrayTape:
        """All that was written."""
        self.finished = True
        found = [y.slot if isinstance(y, Followed) else self.slot(y) for y in outputs]
        visited = []
        if len(outputs) == 1 and isinstance(outputs[0], Tensor):
            visited = [self.slot_of[id(node)] for node in order(outputs[0]) if id(node) in self.slot_of]
        return ArrayTape(
            self.leaves, self.given, self.fixed, self.constants, self.draws, self.steps, found,
            [isinstance(y, Followed) for y in outputs], self.guards,
            self.tracked, self.like, visited,
        )  # fmt: skip


class _Part:
    """The part of a function's tuple or list at a position."""

    def __init__(self, position: int):
        self.position = position
        self.__name__ = f"part_{position}"

    def __call__(self, parts: Any) -> Any:
        return parts[self.position]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Part) and other.position == self.position

    def __hash__(self) -> int:
        return hash(self.position)


class _Untracked(Watcher):
    """The same recorder inside no_grad(): false, so that no graph is kept."""

    def __init__(self, recorder: ArrayRecorder):
        self.recorder = recorder
        for name in ("made", "hooked", "born", "read", "compared", "pushed", "numbers", "drawn"):
            setattr(self, name, getattr(recorder, name))

    def __bool__(self) -> bool:
        return False

    def without_grad(self) -> Any:
        return self


def _untouchable(x: Any) -> Any:
    """x as a view that can't be written to."""
    if isinstance(x, np.ndarray):
        x = x.view(np.ndarray)
        x.setflags(write=False)
    return x


def _has_mask(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return any(getattr(i, "dtype", None) == np.dtype(bool) for i in parts)


def _is_free(function: Callable, args: tuple, kwargs: dict) -> bool:
    """Whether the shape of the result hangs on the numbers."""
    if isinstance(function, (np.ufunc, Op)) or (isinstance(function, Method) and function.__name__ in _SAME):
        return False
    if getattr(function, "__name__", "") == "getitem":
        return _has_mask(args[1]) or not isinstance(args[1], (int, slice, tuple, Followed))
    return True


_SAME = {"astype", "reshape", "ravel", "flatten", "copy", "sum", "mean", "max", "min", "any", "all", "argmax", "argmin",
         "transpose", "swapaxes", "squeeze", "round", "view", "var", "std", "prod", "cumsum"}  # fmt: skip
