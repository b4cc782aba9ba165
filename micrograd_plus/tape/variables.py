"""The variables of a program, and the lines that compute them."""

from __future__ import annotations

import keyword
from collections import ChainMap, Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Var:
    """A variable of the program. memory: the array itself, if it stays the same one in all calls.

    Its shape may be smaller than that of the slot which it stands for: then it is to be repeated, as NumPy does it.
    """

    name: str
    shape: tuple
    dtype: Any
    memory: np.ndarray | None = None


TAKEN = Var("", (), None)  # what a pull gives that has added its part itself


class Text:
    """The lines of one function, and which variables they assign."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.assigned: set[str] = set()

    def source(self, name: str, arguments: list[str], result: str, own: bool = False) -> str:
        """The whole function. own: its variables are its own, and no other function's."""
        lines = list(self.lines)
        if arguments and not own:
            comma = "," if len(arguments) == 1 else ""
            lines.insert(0, f"{', '.join(arguments)}{comma} = {', '.join(f'{x}_' for x in arguments)}{comma}")
        if not own and (self.assigned or arguments):
            lines.insert(0, f"global {', '.join(sorted({*self.assigned, *arguments}))}")
        taken = ", ".join(arguments if own else [f"{x}_" for x in arguments])
        return "\n    ".join([f"def {name}({taken}):", *lines, f"return {result}"])


class Writer:
    """Writes calls of NumPy's functions: with memory of their own for what they give, and each of them once."""

    def __init__(self) -> None:
        self.space: dict[str, Any] = {}  # what the program's names mean
        self.numbers: dict[str, Any] = {}  # the constants among them
        self.now = Text()  # where lines go
        # what has been computed already, by function and operands
        self.values: dict[tuple, Var] | ChainMap[tuple, Var] = {}
        self.memories: list[np.ndarray] = []
        self._counts: Counter = Counter()

    # -- names -------------------------------------------------------------------------------------------------------

    def write(self, line: str) -> None:
        """One line more."""
        self.now.lines.append(line)

    def fresh(self, letter: str) -> str:
        """A name that isn't used yet."""
        self._counts[letter] += 1
        name = f"{letter}{self._counts[letter]}"
        return self.fresh(letter) if name in self.space else name

    def bound(self, thing: Any, name: str) -> str:
        """The name under which the program finds an object."""
        name = "".join(c if c.isalnum() else "_" for c in name)
        if keyword.iskeyword(name) or not name.isidentifier():
            name = f"{name}_"
        candidate, i = name, 1
        while candidate in self.space and self.space[candidate] is not thing:
            i += 1
            candidate = f"{name}_{i}"
        self.space[candidate] = thing
        return candidate

    def number(self, x: float, dtype: Any) -> Var:
        """A constant: an array without axes, which NumPy takes quicker than a number of Python's."""
        key = ("number", repr(x), np.dtype(dtype).str)
        if key not in self.values:
            array = np.array(x, dtype)
            name = self.bound(array, self.fresh("n"))
            self.numbers[name] = x
            self.values[key] = Var(name, (), np.dtype(dtype), array)
        return self.values[key]

    def memory(self, shape: tuple, dtype: Any, letter: str = "b") -> Var:
        """An array that stays."""
        array = np.empty(shape, dtype)
        self.memories.append(array)
        return Var(self.bound(array, self.fresh(letter)), tuple(shape), np.dtype(dtype), array)

    def new(self, text: str, shape: tuple, dtype: Any, letter: str = "g") -> Var:
        """What an expression gives: another array in each call."""
        name = self.fresh(letter)
        self.now.assigned.add(name)
        self.write(f"{name} = {text}")
        return Var(name, tuple(shape), np.dtype(dtype))

    # -- calls -------------------------------------------------------------------------------------------------------

    def call(self, function: Callable, *xs: Any, out: Var | None = None) -> Var:
        """function(*xs), a ufunc of variables and numbers, written into memory of its own (or into `out`)."""
        dtype = next((x.dtype for x in xs if isinstance(x, Var) and x.dtype.kind == "f"), self.floats)
        variables = [x if isinstance(x, Var) else self.number(x, dtype) for x in xs]
        names = [x.name for x in variables]
        key = (function.__name__, *names)
        if out is None and key in self.values:
            return self.values[key]
        kind = function(*[np.ones((), x.dtype) for x in variables]).dtype
        y = out or self.memory(np.broadcast_shapes(*[x.shape for x in variables]), kind)
        where = "out=" if function in (np.maximum, np.minimum) else ""  # which want it so
        self.write(f"{self.bound(function, function.__name__)}({', '.join(names)}, {where}{y.name})")
        if out is None:
            self.values[key] = y
        return y

    def where(self, condition: Var, a: Any, b: Any) -> Var:
        """The numbers of a where the condition holds, of b elsewhere."""
        dtype = next((x.dtype for x in (a, b) if isinstance(x, Var)), self.floats)
        a, b = (x if isinstance(x, Var) else self.number(x, dtype) for x in (a, b))
        key = ("where", condition.name, a.name, b.name)
        if key not in self.values:
            y = self.memory(np.broadcast_shapes(condition.shape, a.shape, b.shape), dtype)
            copyto = self.bound(np.copyto, "copyto")
            self.write(f"{copyto}({y.name}, {b.name})")
            self.write(f"{copyto}({y.name}, {a.name}, where={condition.name})")
            self.values[key] = y
        return self.values[key]

    floats: Any = np.dtype(np.float64)  # the kind of numbers in the step that is being written

    def reduced(self, function: Any, x: Var, axis: Any, keepdims: bool) -> Var:
        """A ufunc's reduction of x along `axis`."""
        given = range(len(x.shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        axes = [a % len(x.shape) for a in given]
        shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape) if keepdims or a not in axes)
        y = self.memory(shape, x.dtype)
        n = x.shape[-1] if x.shape else 0
        if function is np.maximum and tuple(axes) == (len(x.shape) - 1,) and 1 < n <= 64 and x.memory is not None:
            return self.halved(x, self.reshaped(y, (*shape[: len(x.shape) - 1], 1)), y)
        reduce = self.bound(function.reduce, f"{function.__name__}_reduce")
        self.write(f"{reduce}({x.name}, {axis}, None, {y.name}{', True' if keepdims else ''})")
        return y

    def halved(self, x: Var, target: Var, y: Var) -> Var:
        """The largest along the last axis, half by half: NumPy's own way is slow for many short rows."""
        n = x.shape[-1]
        while n > 1:
            assert x.memory is not None
            half = (n + 1) // 2  # the middle one of an odd number is compared with its neighbour: no harm
            z = target if half == 1 else self.memory((*x.shape[:-1], half), x.dtype)
            left, right = self.view(x, x.memory[..., :half], "left"), self.view(x, x.memory[..., n - half :], "right")
            self.write(f"{self.bound(np.maximum, 'maximum')}({left.name}, {right.name}, out={z.name})")
            x, n = z, half
        return y

    # -- views ---------------------------------------------------------------------------------------------------------

    def view(self, x: Var, array: np.ndarray, word: str) -> Var:
        """Another look at the memory of x."""
        array = np.asarray(array)
        key = ("view", x.name, array.shape, array.strides, array.__array_interface__["data"][0])
        if key not in self.values:
            name = self.bound(array, f"{x.name}_{word}")
            self.values[key] = Var(name, array.shape, array.dtype, array)
        return self.values[key]

    def whole(self, x: Var, shape: tuple) -> Var:
        """x, repeated to a shape."""
        if x.shape == shape:
            return x
        if x.memory is not None:
            return self.view(x, np.broadcast_to(x.memory, shape), "wide")
        return self.new(f"{self.bound(np.broadcast_to, 'broadcast_to')}({x.name}, {shape})", shape, x.dtype)

    def reshaped(self, x: Var, shape: tuple) -> Var:
        """x in another shape: a view where that can be."""
        if -1 in shape:
            rest = int(np.prod([n for n in shape if n != -1]))
            shape = tuple(int(np.prod(x.shape)) // rest if n == -1 else n for n in shape)
        if x.shape == shape:
            return x
        if x.memory is None:
            return self.new(f"{x.name}.reshape({shape})", shape, x.dtype)
        array = x.memory.reshape(shape)
        if np.may_share_memory(array, x.memory):
            return self.view(x, array, "shaped")
        y = self.memory(shape, x.dtype)
        target = self.view(y, y.memory.reshape(x.shape), "shaped")  # type: ignore[union-attr]
        self.write(f"{self.bound(np.copyto, 'copyto')}({target.name}, {x.name})")
        return y

    def transposed(self, x: Var, axes: tuple) -> Var:
        """x with its axes in another order."""
        if x.memory is not None:
            return self.view(x, x.memory.transpose(axes), "turned")
        return self.new(f"{x.name}.transpose({axes})", tuple(x.shape[a] for a in axes), x.dtype)

    def flipped(self, x: Var) -> Var:
        """x with its last two axes exchanged."""
        axes = tuple(range(len(x.shape)))
        return self.transposed(x, (*axes[:-2], axes[-1], axes[-2]))
