"""Tensor: an array that remembers how it was made."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from contextvars import copy_context
from functools import wraps
from numbers import Real
from sys import getrefcount
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import numpy as np

from . import array_ops
from .arithmetic import Arithmetic
from .graph import Many, Node, Op, Operand, backward, inside_grad, is_recording

_HUGE = 10**300  # a whole number from here on is refused: NumPy's floats end there, and its error doesn't say so
_NONE: dict = {}  # the settings of an op that has none
# What a method is given and what it returns: type checkers see through a decorator.
_Array = TypeVar("_Array")
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def _keep_freed_memory() -> None:
    """Let the C library keep the memory that a training step frees, and give it to the next step.

    glibc (Linux) hands larger pieces back to the system; to get them again costs a page fault for every 4 KiB, up to
    two fifths of a step's time (a convolution over spoken digits: 1,100 faults and 4.5 ms a step; without them 3.0 ms).
    What it keeps is twice the largest block that was freed so far, which counts up to 32 MiB: hence one is taken and
    freed, and as nobody touches it, that costs nothing. Importing PyTorch has the same effect. Other systems' C
    libraries, and a glibc that MALLOC_TRIM_THRESHOLD_ tells otherwise, stay as they are.
    """
    with suppress(MemoryError):
        np.empty(2**25 - 2**16, np.uint8)


_keep_freed_memory()


def _silently(method: Callable[..., _Result]) -> Callable[..., _Result]:
    """The method under np.errstate(all="ignore"), at less than half its price: that counts in each operation.

    errstate builds its setting anew at each call, and keeps it in a ContextVar (NumPy 2). Here the setting is built
    once: the variable that errstate changes is found by looking. If that should fail one day, errstate it is.
    """
    before = copy_context()
    with np.errstate(all="ignore"):
        during = copy_context()
    changed = [variable for variable in during if before.get(variable) is not during[variable]]
    if len(changed) != 1:
        return np.errstate(all="ignore")(method)
    variable, setting = changed[0], during[changed[0]]

    @wraps(method)
    def silent(*args: Any, **kwargs: Any) -> Any:
        token = variable.set(setting)
        try:
            return method(*args, **kwargs)
        finally:
            variable.reset(token)

    return silent


def _axis_or_dim(
    method: Callable[Concatenate[_Array, _Arguments], _Result],
) -> Callable[Concatenate[_Array, ...], _Result]:
    """Let a method be called with PyTorch's words (dim, keepdim) as well as NumPy's (axis, keepdims)."""

    @wraps(method)
    def renamed(self: Any, *args: Any, **kwargs: Any) -> Any:
        if "dim" in kwargs:
            kwargs["axis"] = kwargs.pop("dim")
        if "keepdim" in kwargs:
            kwargs["keepdims"] = kwargs.pop("keepdim")
        if isinstance(kwargs.get("axis"), list):
            kwargs["axis"] = tuple(kwargs["axis"])
        return method(self, *args, **kwargs)

    return renamed


class ArrayArithmetic(Arithmetic):
    """The methods that only arrays have, with PyTorch's names (and NumPy's `axis`, `keepdims`).

    What a method of a Tensor returns is a Tensor, hence Self; of a ValueArray, a single number is a Value.
    """

    __slots__ = ()

    def _array_of(self) -> np.ndarray:
        raise NotImplementedError

    # fmt: off
    @property
    def shape(self) -> tuple[int, ...]: return self._array_of().shape  # noqa: D102
    @property
    def ndim(self) -> int: return self._array_of().ndim  # noqa: D102
    @property
    def size(self) -> int: return self._array_of().size  # noqa: D102
    @property
    def dtype(self) -> np.dtype: return self._array_of().dtype  # noqa: D102
    @property
    def mT(self) -> Self: return self.swapaxes(-2, -1)  # noqa: D102, N802 - PyTorch's name
    @property
    def T(self) -> Self: return self.permute(*range(self.ndim)[::-1])  # noqa: D102, N802
    # fmt: on

    def numel(self) -> int:
        """How many numbers there are."""
        return self.size

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("a tensor with no axes is one number, and has no len(); .item() gives the number")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def _axis(self, name: str, axis: Any, keepdims: Any = False, one: bool = False) -> Any:
        """`axis` if this array has it; one: where it can't be None (all axes), or several."""
        if keepdims is not False and not isinstance(keepdims, (bool, np.bool)):
            raise TypeError(f"`{name}`: keepdims is True or False, got {keepdims!r:.40}")
        if one and not isinstance(axis, (int, np.integer)):
            raise TypeError(f"`{name}`: axis is one whole number, such as 0 or -1; got {axis!r:.40}")
        for a in axis if isinstance(axis, tuple) else (axis,):
            if a is not None and not (_is_whole(a) and -max(self.ndim, 1) <= a < max(self.ndim, 1)):
                valid = f"from {-self.ndim} to {self.ndim - 1}" if self.ndim else "none: it is one number"
                raise ValueError(f"`{name}`: axis {a!r} does not exist in shape {self.shape}: its axes are {valid}")
        return axis if self.ndim or isinstance(axis, tuple) else None

    # -- from many numbers to fewer -------------------------------------------------------------------------

    @_axis_or_dim
    def sum(self, axis: Any = None, keepdims: bool = False) -> Self:
        """The sum, of all numbers or along `axis`."""
        return self.apply(array_ops.sum_, self, axis=self._axis("sum", axis, keepdims), keepdims=keepdims)

    @_axis_or_dim
    def mean(self, axis: Any = None, keepdims: bool = False) -> Self:
        """The mean, of all numbers or along `axis`."""
        return self.apply(array_ops.mean, self, axis=self._axis("mean", axis, keepdims), keepdims=keepdims)

    @_axis_or_dim
    def var(self, axis: Any = None, correction: int = 1, keepdims: bool = False) -> Self:
        """The variance; like PyTorch's, divided by n - 1 (NumPy's is `correction=0`)."""
        axis, correction = self._axis("var", axis, keepdims), _correction("var", correction)
        settings = {"axis": axis, "correction": correction, "keepdims": keepdims}
        return self.apply(array_ops.var, self, **settings)

    @_axis_or_dim
    def std(self, axis: Any = None, correction: int = 1, keepdims: bool = False) -> Self:
        """The standard deviation; like PyTorch's, with n - 1 (NumPy's is `correction=0`)."""
        axis, correction = self._axis("std", axis, keepdims), _correction("std", correction)
        settings = {"axis": axis, "correction": correction, "keepdims": keepdims}
        return self.apply(array_ops.std, self, **settings)

    @_axis_or_dim
    def max(self, axis: Any = None, keepdims: bool = False) -> Self:
        """The largest number (no indices: see argmax). Where several tie, they share the gradient evenly."""
        return self.apply(array_ops.max_, self, axis=self._axis("max", axis, keepdims), keepdims=keepdims)

    @_axis_or_dim
    def min(self, axis: Any = None, keepdims: bool = False) -> Self:
        """The smallest number. Where several tie, they share the gradient evenly."""
        return self.apply(array_ops.min_, self, axis=self._axis("min", axis, keepdims), keepdims=keepdims)

    @_axis_or_dim
    def prod(self, axis: Any = None, keepdims: bool = False) -> Self:
        """The product."""
        return self.apply(array_ops.prod, self, axis=self._axis("prod", axis, keepdims), keepdims=keepdims)

    @_axis_or_dim
    def cumsum(self, axis: int) -> Self:
        """Running sums along `axis`."""
        return self.apply(array_ops.cumsum, self, axis=self._axis("cumsum", axis, one=True))

    @_axis_or_dim
    def norm(self, axis: Any = None, keepdims: bool = False) -> Self:
        """The square root of the sum of squares. Its gradient at 0 is 0, as in PyTorch."""
        return self.apply(array_ops.norm, self, axis=self._axis("norm", axis, keepdims), keepdims=keepdims)

    @_axis_or_dim
    def logsumexp(self, axis: Any = None, keepdims: bool = False) -> Self:
        """log(sum(exp(x))), without overflow."""
        return self.apply(array_ops.logsumexp, self, axis=self._axis("logsumexp", axis, keepdims), keepdims=keepdims)

    @_axis_or_dim
    def softmax(self, axis: int = -1) -> Self:
        """exp(x) / sum(exp(x)) along `axis`, without overflow."""
        return self.apply(array_ops.softmax, self, axis=self._axis("softmax", axis, one=True))

    @_axis_or_dim
    def log_softmax(self, axis: int = -1) -> Self:
        """The logarithm of softmax, exact where softmax itself would round to 0."""
        return self.apply(array_ops.log_softmax, self, axis=self._axis("log_softmax", axis, one=True))

    # -- other shapes --------------------------------------------------------------------------------------------

    def reshape(self, *shape: Any) -> Self:
        """The same numbers in another shape; one size may be -1."""
        sizes = _sizes("reshape", shape)
        known = math.prod(n for n in sizes if n != -1)
        fits = self.size == known if -1 not in sizes else known and self.size % known == 0 and sizes.count(-1) == 1
        fits = fits and all(n >= -1 for n in sizes)
        if not fits:
            raise ValueError(f"`reshape`: {self.shape} has {self.size} numbers, which don't fit in shape {sizes}")
        return self.apply(array_ops.reshape, self, shape=sizes)

    view = reshape

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Self:
        """The axes from start_dim to end_dim made one."""
        if not self.ndim:
            return self.reshape(1)
        first, last = (self._axis("flatten", axis, one=True) % self.ndim for axis in (start_dim, end_dim))
        return self.reshape(*self.shape[:first], math.prod(self.shape[first : last + 1]), *self.shape[last + 1 :])

    def permute(self, *axes: Any) -> Self:
        """The axes in another order: permute(1, 0, 2)."""
        order = _sizes("permute", axes)
        if sorted(a % self.ndim if -self.ndim <= a < self.ndim else self.ndim for a in order) != list(range(self.ndim)):
            raise ValueError(f"`permute`: each of the {self.ndim} axes of {self.shape} once, got {order}")
        return self.apply(array_ops.transpose, self, axes=tuple(a % self.ndim for a in order))

    def swapaxes(self, a: int, b: int) -> Self:
        """Axes a and b exchanged."""
        a, b = (self._axis("swapaxes", axis, one=True) % self.ndim for axis in (a, b))
        order = list(range(self.ndim))
        order[a], order[b] = b, a
        return self.permute(*order)

    def transpose(self, *axes: Any) -> Self:
        """Two axes exchanged, transpose(0, 1), as in PyTorch; all reversed without arguments, as in NumPy."""
        return self.T if not axes else self.swapaxes(*axes) if len(axes) == 2 else self.permute(*axes)

    @_axis_or_dim
    def squeeze(self, axis: Any = None) -> Self:
        """Without the axes of size 1 (or only without `axis`, one or a tuple, where its size is 1)."""
        drop = set(range(self.ndim))
        if axis is not None and self.ndim:
            drop = {a % self.ndim for a in np.atleast_1d(self._axis("squeeze", axis))}
        return self.reshape(tuple(n for i, n in enumerate(self.shape) if not (i in drop and n == 1)))

    @_axis_or_dim
    def unsqueeze(self, axis: int) -> Self:
        """With a new axis of size 1 at `axis`."""
        if not (_is_whole(axis) and -self.ndim - 1 <= axis <= self.ndim):
            raise ValueError(f"`unsqueeze`: axis {axis!r:.40} is out of range for shape {self.shape}")
        at = axis % (self.ndim + 1)
        return self.reshape((*self.shape[:at], 1, *self.shape[at:]))

    def expand(self, *shape: Any) -> Self:
        """Repeated along axes of size 1 (and new axes in front) to `shape`; -1 keeps a size. No number is copied."""
        sizes = _sizes("expand", shape)
        new = len(sizes) - self.ndim
        target = tuple(self.shape[i - new] if n == -1 and i >= new else n for i, n in enumerate(sizes))
        fits = new >= 0 and min(target, default=0) >= 0
        if not fits or any(have not in (1, want) for have, want in zip(self.shape, target[new:], strict=True)):
            raise ValueError(f"`expand`: shape {self.shape} can't be repeated to {sizes}: only sizes of 1 can grow")
        return self.apply(array_ops.expand, self, shape=target)

    @_axis_or_dim
    def flip(self, axis: Any = None) -> Self:
        """In reverse order along `axis` (all axes unless told otherwise)."""
        return self.apply(array_ops.flip, self, axis=self._axis("flip", axis))

    def pad(self, widths: Any, value: float = 0.0) -> Self:
        """With `value` added around: widths as NumPy's, one number or a pair (before, after) an axis."""
        if not self.ndim:
            return self
        try:
            pairs = np.broadcast_to(widths, (self.ndim, 2)).tolist()
        except ValueError:
            pairs = [[None]]
        if not all(_is_whole(w) for pair in pairs for w in pair):
            raise TypeError(
                f"`pad`: widths is a whole number, or a pair (before, after) for each of the {self.ndim} axes; "
                f"got {widths!r:.40}"
            )
        if any(w < 0 for pair in pairs for w in pair):
            raise ValueError(f"`pad`: widths must not be negative, got {widths}")
        if not isinstance(value, Real):
            raise TypeError(f"`pad`: value is the number to add around, got {value!r:.40}")
        return self.apply(array_ops.pad, self, widths=tuple(map(tuple, pairs)), value=value)

    def __getitem__(self, index: Any) -> Self:
        return self.apply(array_ops.getitem, self, index=array_ops.normal_index(index))

    @_axis_or_dim
    def split(self, size: int | Sequence[int], axis: int = 0) -> list[Self]:
        """In parts of `size` (the last may be smaller), or of the sizes in a list, along `axis`."""
        axis = self._axis("split", axis, one=True) % self.ndim
        n = self.shape[axis]
        if not isinstance(size, (int, np.integer)):
            sizes = list(_sizes("split", (size,)))
        elif size < 1:
            raise ValueError(f"`split`: the size of a part must be at least 1, got {size}")
        else:
            sizes = [min(int(size), n - i) for i in range(0, n, int(size))]
        if sum(sizes) != n:
            raise ValueError(f"`split`: the parts {sizes} must add up to {n}, the size of axis {axis}")
        ends = np.cumsum(sizes).tolist()
        lead = (slice(None),) * axis
        return [self[(*lead, slice(end - n, end))] for n, end in zip(sizes, ends, strict=True)]

    def __matmul__(self, other: Any) -> Self:
        return self.apply(array_ops.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Self:
        return self.apply(array_ops.matmul, other, self)

    def matmul(self, other: Any) -> Self:
        """The matrix product of this and other."""
        return array_ops.matmul(self, other)


class Tensor(Node, ArrayArithmetic):
    """An array of numbers that remembers how it was made, so that `backward()` can tell how a result depends on it.

    data: numbers, nested lists or an array; copied. dtype: float64 unless told otherwise (a float array keeps its
    own). requires_grad: False for data that is not to be differentiated (integers never are). label: for pictures.
    TypeError for text, objects and complex numbers; ValueError for lists of unequal length.

    >>> w = Tensor([[1.0, 2.0], [3.0, 4.0]], label="w")
    >>> (w @ [1.0, -1.0]).sum().backward()
    >>> w.grad
    array([[ 1., -1.],
           [ 1., -1.]])

    The gradient is always that of the forward pass that ran: what a graph has seen, it keeps. `.data` may be changed at
    any time (it hands out a fresh copy if a graph holds the old one):

    >>> w.data -= 0.1 * w.grad
    """

    __slots__ = ("_array", "_arrays", "_kept", "operands", "settings")

    grad: np.ndarray | None
    operands: tuple  # what the op was applied to, in order: Tensors, and plain numbers or arrays; empty for a leaf

    def __init__(self, data: Any, requires_grad: bool = True, *, dtype: Any = None, label: str = ""):
        if not isinstance(requires_grad, bool):
            raise TypeError(f"Tensor: requires_grad is True or False, got {requires_grad!r}")
        self._array = array = _as_new_array(data, dtype)
        if requires_grad and array.dtype.kind != "f":
            raise TypeError(
                f"a Tensor of {array.dtype} can't have gradients: a derivative needs numbers that can change a "
                "little. Use Tensor(x.astype(float)), or Tensor(x, requires_grad=False) for labels and indices"
            )
        self.requires_grad = requires_grad
        self.label = label
        self.op = self.grad = self.hooks = self._kept = None
        self.operands = self._arrays = ()
        self.settings = _NONE
        if is_recording().__class__ is not bool:
            is_recording().born(self)
            if isinstance(data, Operand):  # an array that a compiled function is given: this Tensor holds its numbers
                data.becomes(self)  # type: ignore[attr-defined]

    # -- computing ---------------------------------------------------------------------------------------------

    @_silently  # overflow gives inf and 0/0 nan without a word, as in PyTorch
    def apply(self, op: Op, *operands: Any, **settings: Any) -> Any:
        """Compute y = op(*operands), and remember the operands and the arrays at this moment."""
        arrays, tracked, constants = [], False, False
        for x in operands:
            if isinstance(x, Tensor):
                array = x._array if not x._array.flags.writeable else x._frozen()
                tracked = tracked or x.requires_grad
            else:
                constants, array = True, _as_constant(op, x, self._array.dtype)
                if array is NotImplemented:
                    return NotImplemented
            arrays.append(array)
        if op.pointwise and len(arrays) > 1 and _shapes_differ(arrays):
            return self.apply(op, *_broadcast(op, operands, arrays), **settings)
        y = op.forward(*arrays, **settings)
        if constants:  # as they are now: a list as an array, an array as a copy
            operands = tuple(x if isinstance(x, Tensor) else a for x, a in zip(operands, arrays, strict=True))
            if op.pointwise and y.__class__ in (float, int, bool):  # the rule has chosen a number: where(1 > 0, 1, x)
                y = np.full(self.shape, y, self.dtype)
        return _node(op, operands, tuple(arrays), y, settings, tracked)

    @_silently
    def apply_many(self, op: Many, operands: tuple, **settings: Any) -> Any:
        """Compute y = op(operands), an op that takes a sequence."""
        operands = tuple([x.as_tensor(self.dtype) if hasattr(x, "as_tensor") else x for x in operands])
        if op.broadcasts:
            operands = tuple(_broadcast(op, operands, [_shaped(op, x, self.dtype) for x in operands]))
        found, tracked, constants = [], False, False
        for x in operands:
            if isinstance(x, Tensor):
                found.append(x._frozen())
                tracked = tracked or x.requires_grad
            else:
                constants = True
                found.append(_shaped(op, x, self.dtype))
        arrays = tuple(found)
        if constants:  # as in apply
            operands = tuple(x if isinstance(x, Tensor) else a for x, a in zip(operands, arrays, strict=True))
        try:
            y = op.forward(arrays, **settings)
        except ValueError as error:
            shapes = ", ".join(str(np.shape(x)) for x in arrays[:8])
            raise ValueError(f"`{op.name}` of shapes {shapes}: {error}") from None
        return _node(op, operands, arrays, y, settings, tracked)

    @property
    def saved(self) -> tuple:
        """The arrays that `op` saw, operand by operand: what its pull-backs compute with."""
        return self._arrays

    @property
    def kept(self) -> Any:
        """What its pull-backs read where they say y: the result, or what the forward pass kept in its place."""
        return self._kept

    def push(self) -> None:
        """The chain rule: each input's gradient grows by what the op's pull-back makes of this one's."""
        x: Any
        op, g, kept, arrays, settings = self.op, self.grad, self._kept, self._arrays, self.settings
        assert op is not None
        for i, x in enumerate(self.operands):
            if isinstance(x, Tensor) and x.requires_grad:
                part, want = op.pull(i, g, kept, arrays, settings), x._array
                if part.__class__ is not np.ndarray or part.shape != want.shape or part.dtype is not want.dtype:
                    part = _fitting(part, want, op, i)
                if x.grad is None:  # no two gradients may share memory
                    x.grad = _copied(part, want) if part is g or part.base is not None else part
                else:
                    x.grad = _sum_of_gradients(x, part)

    @_silently
    def backward(self, gradient: Any = None) -> None:
        """Fill in `.grad` of every Tensor that this one was made from: d(self)/d(tensor), times `gradient`.

        gradient: an array of this shape; it may be left out where this is one number (then it is 1). Leaves add up
        over calls (clear them with `zero_grad()`); the others start afresh. Nothing is freed, so there is no
        `retain_graph` to remember. RuntimeError where nothing is tracked, ValueError for a gradient that doesn't fit.
        """
        if not self.requires_grad:
            raise RuntimeError(
                "backward() on a Tensor with requires_grad=False: nothing that it was made from is tracked"
            )
        if gradient is None:
            if self.size != 1:
                raise ValueError(
                    f"backward() starts from one number, and this Tensor has shape {self.shape}: reduce it first "
                    "(.sum() or .mean()), or give backward(gradient) an array of that shape"
                )
            seed = np.array(1, self.dtype).reshape(self.shape)
        else:
            seed = self.as_gradient(gradient, "backward(gradient)")
        backward(self, seed)

    def is_stale(self) -> bool:
        """Whether the arrays differ from those that the op saw and gave."""
        arrays: tuple = self._arrays
        pairs = [(x._array, seen) for x, seen in zip(self.operands, arrays, strict=True) if isinstance(x, Tensor)]
        if self.op is not None and not self.op.keeps:
            pairs.append((self._array, self._kept))
        return any(now is not seen and not np.array_equal(now, seen, equal_nan=True) for now, seen in pairs)

    def as_gradient(self, g: Any, who: str) -> np.ndarray:
        """`g` as an array of this shape and dtype, of its own."""
        try:
            array = np.array(g.numpy() if isinstance(g, Tensor) else g, dtype=self.dtype)
        except (TypeError, ValueError):
            raise TypeError(f"{who}: a gradient is an array of numbers, got {type(g).__name__} {g!r:.40}") from None
        if array.shape != self.shape:
            raise ValueError(f"{who}: the gradient has shape {array.shape}, the Tensor {self.shape}")
        return array

    def fitting(self, part: Any) -> Any:
        """A contribution to this Tensor's gradient, in its dtype."""
        return part.astype(self.dtype) if getattr(part, "dtype", self.dtype) != self.dtype else part

    def ones(self) -> Tensor:
        """The gradient of these numbers for themselves."""
        return Tensor(np.ones_like(self._array), requires_grad=False)

    # -- the numbers -------------------------------------------------------------------------------------------

    @property
    def data(self) -> Any:
        """The numbers, as an array that may be changed: `w.data -= 0.1 * w.grad`."""
        if is_recording().__class__ is not bool:
            is_recording().read(self, ".data")
        if not self._array.flags.writeable:
            self._array = self._array.copy()
        return self._array

    @data.setter
    def data(self, value: Any) -> None:
        if is_recording().__class__ is not bool:
            is_recording().read(self, ".data = ...")
        if value is self._array:  # `t.data -= …` has changed it in place already
            return
        array = _as_new_array(value.numpy() if isinstance(value, Tensor) else value, self.dtype)
        if array.shape != self.shape:
            raise ValueError(f"a Tensor keeps its shape: it has {self.shape}, the new data {array.shape}")
        self._array = array

    def descend(self, step: np.ndarray) -> None:
        """The same as `data -= step`, and quicker: what an optimiser does.

        If a graph holds the numbers, `.data` would first copy them. Here the result is written over `step`, which the
        Tensor then keeps: a new array that nobody else needs.

        >>> w = Tensor([1.0, 2.0])
        >>> w.descend(0.5 * np.ones(2))
        >>> w.tolist()
        [0.5, 1.5]
        """
        if is_recording().__class__ is not bool:
            is_recording().read(self, ".data = ...")
        if not isinstance(step, (np.ndarray, np.number, float, int)):
            raise TypeError(f"descend() takes the step as an array, got {type(step).__name__}")
        now = self._array
        fits = step.__class__ is np.ndarray and step.shape == now.shape and step.dtype is now.dtype
        if fits and not now.flags.writeable:
            np.subtract(now, step, out=step)
            step.setflags(write=False)  # for graphs to hold as it is; .data hands out a copy
            self._array = step
        else:
            self.data -= step

    def adopt(self, array: np.ndarray) -> None:
        """Take the numbers of `array` without a copy. It is read-only, and nobody writes to its memory any more.

        ValueError for an array that can be written to, or of another shape or dtype.
        """
        if is_recording().__class__ is not bool:
            is_recording().read(self, ".data = ...")
        if not isinstance(array, np.ndarray):
            raise TypeError(f"adopt() takes a read-only array, got {type(array).__name__}: t.data = numbers copies")
        if array.flags.writeable or array.shape != self._array.shape or array.dtype != self._array.dtype:
            raise ValueError(
                f"adopt() takes a read-only array of shape {self.shape} and {self.dtype}, got shape {array.shape} and "
                f"{array.dtype}, {'writeable' if array.flags.writeable else 'read-only'}: t.data = array copies it"
            )
        self._array = array

    def _frozen(self) -> np.ndarray:
        """The numbers as they are now, for a graph to keep: nothing that happens to `.data` later changes them."""
        if self._array.flags.writeable:
            if getrefcount(self._array) > _ALONE:  # somebody holds .data, or a part of it, and may still write to it
                copy = self._array.copy()
                copy.setflags(write=False)
                return copy
            self._array.setflags(False)  # type: ignore[call-arg]  # from now on the graph's: .data hands out a copy
        return self._array

    def _array_of(self) -> np.ndarray:
        return self._array

    # The same as in ArrayArithmetic, said once more without the call: these are asked for many times a step.
    # fmt: off
    @property
    def shape(self) -> tuple[int, ...]: return self._array.shape  # noqa: D102
    @property
    def ndim(self) -> int: return self._array.ndim  # noqa: D102
    @property
    def size(self) -> int: return self._array.size  # noqa: D102
    @property
    def dtype(self) -> np.dtype: return self._array.dtype  # noqa: D102
    # fmt: on

    def numpy(self) -> np.ndarray:
        """The numbers as they are now, for reading: an array that can't be written to."""
        array, watcher = self._frozen(), is_recording()
        return array if watcher.__class__ is bool else watcher.numbers(self, array)

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        raise TypeError(
            f"np.{function.__name__} can't follow the gradient of a Tensor: use the Tensor's own methods (or stack, "
            "concatenate, einsum, where of micrograd_plus); t.numpy() gives its numbers without gradient"
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if inside_grad.get() and self.requires_grad:
            raise TypeError(
                "an array made of a Tensor inside grad(f) would lose its gradient: use the Tensor itself, or t.numpy() "
                "if you mean the bare numbers"
            )
        if is_recording().__class__ is not bool:
            is_recording().read(self, "np.array()")
        return np.array(self._array, dtype=dtype) if copy else np.asarray(self._frozen(), dtype=dtype)

    def item(self) -> float:
        """The one number of a Tensor of size 1, as a Python number."""
        if self.size != 1:
            raise ValueError(f".item() needs a Tensor of one number, this one has shape {self.shape}")
        if is_recording().__class__ is not bool:
            is_recording().read(self, ".item(), float() or bool()")
        return self._array.item()

    def tolist(self) -> Any:
        """The numbers as nested lists."""
        if is_recording().__class__ is not bool:
            is_recording().read(self, ".tolist()")
        return self._array.tolist()

    def detach(self) -> Tensor:
        """The same numbers, cut off from the graph."""
        return Tensor(self.numpy(), requires_grad=False)

    def astype(self, dtype: Any) -> Tensor:
        """The same numbers in another dtype; gradients come back in this one's."""
        return self.apply(array_ops.astype, self, dtype=as_dtype("astype", dtype))

    @_axis_or_dim
    def argmax(self, axis: int | None = None) -> Any:
        """The index of the largest number, as plain integers: an index has no gradient."""
        return self.numpy().argmax(axis=self._axis("argmax", axis, one=axis is not None))

    @_axis_or_dim
    def argmin(self, axis: int | None = None) -> Any:
        """The index of the smallest number, as plain integers."""
        return self.numpy().argmin(axis=self._axis("argmin", axis, one=axis is not None))

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            "a Tensor isn't changed in place: build a new one with where(mask, new, old), "
            "or change a leaf's numbers with t.data[index] = value"
        )

    # fmt: off
    def __int__(self) -> int: return int(self.item())
    def __format__(self, spec: str) -> str: return format(self.item(), spec) if spec else repr(self)
    def __lt__(self, other: Any) -> Any: return self.numpy() < _plain(other)
    def __le__(self, other: Any) -> Any: return self.numpy() <= _plain(other)
    def __gt__(self, other: Any) -> Any: return self.numpy() > _plain(other)
    def __ge__(self, other: Any) -> Any: return self.numpy() >= _plain(other)
    # fmt: on

    def __float__(self) -> float:
        if inside_grad.get():
            raise TypeError(
                "float() of a Tensor inside grad(f) would lose its gradient (math.sin and the like call it): "
                "use mg.sin(x) or x.sin(); x.item() if you mean the bare number"
            )
        return float(self.item())

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                f"whether a Tensor of shape {self.shape} is true is ambiguous: say (t > 0).all() or (t > 0).any()"
            )
        return bool(self.item())

    def __repr__(self) -> str:
        numbers = np.array2string(self._array, separator=", ", prefix="Tensor(", threshold=100, precision=4)
        dtype = "" if self.dtype == np.float64 else f", dtype={self.dtype}"
        made = f", op={self.op.name!r}" if self.op else "" if self.requires_grad else ", requires_grad=False"
        label = f", label={self.label!r}" if self.label else ""
        return f"Tensor({numbers}{dtype}{made}{label})"


_new = Tensor.__new__


def _node(op: Op, operands: tuple, arrays: tuple, y: Any, settings: dict, tracked: bool) -> Tensor:
    """The Tensor that holds y, with its origin if that is to be remembered."""
    kept = None
    if op.keeps:
        y, kept = y
    if y.__class__ is not np.ndarray:  # NumPy gives a scalar where an array has no axes
        y = np.asarray(y)
    if y.dtype.kind == "b":
        y = y.astype(arrays[0].dtype)
    y.setflags(False)  # write=False: the keyword would cost as much again
    node = _new(Tensor)
    node._array, node.label, node.grad, node.hooks = y, "", None, None
    watcher = is_recording()
    if tracked and watcher and y.dtype.kind == "f":
        node.requires_grad, node.op, node.operands, node._arrays = True, op, operands, arrays
        node.settings, node._kept = settings, y if kept is None else kept
    else:
        node.requires_grad, node.op, node.operands, node._arrays = False, None, (), ()
        node.settings, node._kept = _NONE, None
    if watcher.__class__ is not bool:
        watcher.made(op, operands, node, settings)
    return node


def _sum_of_gradients(x: Tensor, part: np.ndarray) -> np.ndarray:
    grad: Any = x.grad
    if np.shape(grad) != part.shape:  # somebody set it
        raise ValueError(f"the .grad that was set has shape {np.shape(grad)}, but the Tensor has {part.shape}")
    if getrefcount(grad) == _ALONE_IN_GRAD and _is_its_own(grad) and grad.dtype is part.dtype:
        grad += part  # nobody else holds it: no new array
        return grad
    return grad + part


def _copied(part: np.ndarray, like: np.ndarray) -> np.ndarray:
    """A copy with its axes in memory as those of `like`: what works on both is then up to six times as fast."""
    if like.flags.c_contiguous:
        return part.copy()
    copy = np.empty_like(like)
    copy[...] = part
    return copy


def _is_its_own(array: Any) -> bool:
    """Whether it is an array with memory of its own that may be written to: no view of another."""
    return array.__class__ is np.ndarray and array.base is None and array.flags.writeable


def _fitting(part: Any, want: np.ndarray, op: Op, i: int) -> np.ndarray:
    """The gradient that a rule gave, as an array of the input's dtype; ValueError for another shape."""
    part = np.asarray(part)
    if part.shape != want.shape:
        raise ValueError(
            f"the rule of `{op.name}` for input {i} gives a gradient of shape {part.shape}, "
            f"but that input has shape {want.shape}"
        )
    return part if part.dtype == want.dtype else part.astype(want.dtype)


def _shapes_differ(arrays: list) -> bool:
    """Whether there are two arrays of different shapes (numbers fit any)."""
    shape = None
    for x in arrays:
        if x.__class__ is np.ndarray:
            if shape is not None and x.shape != shape:
                return True
            shape = x.shape
    return False


def _broadcast(op: Op, operands: tuple, arrays: list) -> list:
    """The operands in one shape: each that is smaller is repeated by an `expand`, which is seen in the graph."""
    shapes = [x.shape for x in arrays if isinstance(x, np.ndarray)]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        shown = " and ".join(map(str, shapes))
        raise ValueError(
            f"`{op.symbol}`: shapes {shown} don't fit together: counted from the right, two sizes must be equal, or "
            "one of them 1. Reshape one side, or use unsqueeze to add an axis of size 1"
        ) from None
    whole = [array for array in arrays if isinstance(array, np.ndarray) and array.shape == shape]
    return [
        x.expand(shape) if isinstance(x, Tensor) and x.shape != shape
        else _repeated(array, shape, whole) if isinstance(array, np.ndarray) and not isinstance(x, Tensor)
        else x
        for x, array in zip(operands, arrays, strict=True)
    ]  # fmt: skip


def _repeated(array: np.ndarray, shape: tuple, whole: list) -> np.ndarray:
    """A plain array, broadcast; in memory as the first that has this shape already, since NumPy is quicker so."""
    if array.shape == shape or not whole or whole[0].flags.c_contiguous:
        return np.broadcast_to(array, shape)
    y = np.empty_like(whole[0], dtype=array.dtype)
    y[...] = array
    return y


def _shaped(op: Op, x: Any, dtype: np.dtype) -> Any:
    """The array of an operand in a sequence."""
    if isinstance(x, Tensor):
        return x._array
    array = _as_constant(op, x, dtype)
    if array is NotImplemented:
        raise TypeError(f"`{op.name}` takes Tensors and arrays, got {type(x).__name__}")
    return np.asarray(array, dtype=dtype) if not isinstance(array, np.ndarray) else array


def _refuse_nodes_in(x: Any) -> None:
    """TypeError for a list that holds Tensors or Values: made an array, they would lose their gradients."""
    if isinstance(x, (list, tuple)):
        for item in x:
            if isinstance(item, Operand):
                raise TypeError("a list of Tensors or Values: use stack([a, b]), which keeps their gradients")
            _refuse_nodes_in(item)


def _as_new_array(data: Any, dtype: Any) -> np.ndarray:
    """A new array that nobody else holds, of a dtype that we can compute with."""
    if isinstance(data, Node):
        raise TypeError(f"this is a {type(data).__name__} already: use it as it is, or .detach() for a copy")
    if isinstance(data, Operand):  # an array that a compiled function is given
        if not hasattr(data, "value"):
            raise TypeError(f"a {type(data).__name__} is many Values, and these and Tensors don't mix in one graph")
        data = data.value
    _refuse_nodes_in(data)
    dtype = as_dtype("Tensor", dtype) if dtype is not None else None
    try:
        array = np.array(data)  # at first without dtype, which would make numbers of text and None
    except (ValueError, TypeError) as error:
        raise type(error)(f"Tensor: {_why_not_an_array(data)} ({error})") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"Tensor needs real numbers, got {_kind_name(array)} (dtype {array.dtype}): convert it first")
    if dtype is None and array.dtype.kind in "iub" and not hasattr(data, "dtype"):
        dtype = np.dtype(np.float64)  # Tensor([1, 2]) means numbers
    return array if dtype is None else array.astype(dtype, copy=False)


def as_dtype(who: str, dtype: Any) -> np.dtype:
    """`dtype` as NumPy's, if we can compute with it; TypeError that names `who` if not."""
    try:
        found = np.dtype(dtype)
    except (TypeError, ValueError):
        found = None
    if found is None or found.kind not in "fiub" or dtype is None:
        raise TypeError(f"{who}: dtype is the kind of number, such as np.float32 or 'float64'; got {dtype!r:.60}")
    return found


def _is_whole(n: Any) -> bool:
    """Whether it is a whole number (True and False are none)."""
    return isinstance(n, (int, np.integer)) and n is not True and n is not False


def _sizes(name: str, sizes: tuple) -> tuple:
    """Whole numbers, given one by one or as one sequence: x.reshape(2, 3), x.reshape((2, 3))."""
    if len(sizes) == 1 and not isinstance(sizes[0], (int, np.integer)):
        sizes = tuple(sizes[0]) if hasattr(sizes[0], "__iter__") else (sizes[0],)
    for n in sizes:
        if not isinstance(n, (int, np.integer)):
            raise TypeError(f"`{name}` takes whole numbers, one by one or in a tuple; got {type(n).__name__} {n!r:.40}")
    return sizes


def _correction(name: str, correction: Any) -> Any:
    if not isinstance(correction, Real):
        raise TypeError(f"`{name}`: correction is a number (n - correction divides the sum), got {correction!r:.40}")
    return correction


def _why_not_an_array(data: Any) -> str:
    if isinstance(data, (list, tuple)):
        return "the lists have unequal lengths or mixed contents, so they don't form an array"
    return f"can't make an array from {type(data).__name__}"


def _kind_name(array: np.ndarray) -> str:
    return {"c": "complex numbers", "U": "text", "S": "bytes", "O": "Python objects"}.get(array.dtype.kind, "this")


def _as_constant(op: Op, x: Any, dtype: np.dtype) -> Any:
    """A plain operand as Python number or array; NotImplemented for an object that may know what to do."""
    if x.__class__ is float or (x.__class__ is int and -_HUGE < x < _HUGE):
        return x
    if x.__class__ is int:
        raise OverflowError(f"`{op.symbol}`: a whole number of more than 300 digits is too large for a Tensor")
    if x is None:
        if op is not array_ops.linear:  # which may have no bias
            raise TypeError(f"`{op.symbol}` can't be applied to a Tensor and None")
        return x
    if isinstance(x, (bool, np.bool)):
        return np.asarray(x)
    if isinstance(x, np.generic) and x.dtype.kind in "fiu":
        return x.item()  # as a Python number it doesn't change a float32 result to float64
    if isinstance(x, Real):
        return float(x)
    if isinstance(x, (np.ndarray, list, tuple)):
        _refuse_nodes_in(x)
        is_list = not isinstance(x, np.ndarray)
        try:
            x = np.array(x)  # a copy: the gradient must be that of the numbers seen now
        except ValueError:
            raise ValueError(f"`{op.symbol}`: {_why_not_an_array(x)}") from None
        if x.dtype.kind in "iu" or (is_list and x.dtype.kind == "f"):
            x = x.astype(dtype if dtype.kind == "f" else np.float64)
        if x.dtype.kind in "fb":
            return x
        raise TypeError(f"`{op.symbol}` needs numbers, got {_kind_name(x)} (dtype {x.dtype})")
    if isinstance(x, (str, bytes, complex)):
        raise TypeError(f"`{op.symbol}` can't be applied to a Tensor and {type(x).__name__} {x!r}: numbers are needed")
    if isinstance(x, Node):
        raise TypeError(
            f"`{op.symbol}` of a Tensor and a {type(x).__name__}: the two kinds of graph don't mix. Use one kind, "
            "or tensor.to_values() to open the Tensor into Values"
        )
    return NotImplemented


def _plain(x: Any) -> Any:
    return x.numpy() if isinstance(x, Tensor) else x


def _references_of_an_array_alone() -> int:
    t = Tensor(0.0)
    return getrefcount(t._array)


def _references_of_a_gradient_alone() -> int:
    t: Any = Tensor(0.0)
    t.grad = np.zeros(())
    grad = t.grad
    return getrefcount(grad)


# Measured, because they differ between versions of Python.
_ALONE, _ALONE_IN_GRAD = _references_of_an_array_alone(), _references_of_a_gradient_alone()


# -- functions of several tensors ------------------------------------------------------------------------------


def concatenate(tensors: Sequence, axis: int = 0) -> Any:
    """Tensors joined along an axis that they have.

    >>> concatenate([Tensor([[1.0, 2.0]]), Tensor([[3.0, 4.0]])]).shape
    (2, 2)
    """
    tensors = _some("concatenate", tensors)
    ndim = min(_ndim(t) for t in tensors)
    if not (_is_whole(axis) and -ndim <= axis < ndim):
        raise ValueError(f"`concatenate`: axis {axis!r:.40} does not exist in all of {_shapes(tensors)}")
    sizes = [t.shape[axis] if hasattr(t, "shape") else np.shape(t)[axis] for t in tensors]
    starts = tuple(np.cumsum([0, *sizes]).tolist())
    return array_ops.concatenate(tensors, axis=axis, starts=starts)


def stack(tensors: Sequence, axis: int = 0) -> Any:
    """Tensors of one shape laid along a new axis.

    >>> stack([Tensor([1.0, 2.0]), Tensor([3.0, 4.0])], axis=1).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    tensors = _some("stack", tensors)
    ndim = _ndim(tensors[0]) + 1
    if not (_is_whole(axis) and -ndim <= axis < ndim):
        raise ValueError(f"`stack`: axis {axis!r:.40} is out of range for tensors of shapes {_shapes(tensors)}")
    return array_ops.stack(tensors, axis=axis % ndim)


def einsum(formula: str, *operands: Any) -> Any:
    """Products summed over letters: einsum("bik,bkj->bij", a, b). One letter an axis; no "...", no letter twice in one.

    ValueError for a formula that doesn't fit the operands.

    >>> einsum("ij,j->i", Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([1.0, -1.0])).tolist()
    [-1.0, -1.0]
    """
    if not isinstance(formula, str):
        raise TypeError(f'einsum starts with a formula such as "ij,jk->ik", got {type(formula).__name__}')
    left, arrow, output = formula.replace(" ", "").partition("->")
    inputs = tuple(left.split(","))
    if not arrow:  # as NumPy: the letters that occur once, in alphabetical order
        output = "".join(sorted(c for c in set(left) - {","} if left.count(c) == 1))
    if len(inputs) != len(operands):
        raise ValueError(f"einsum: {formula!r} speaks of {len(inputs)} operands, got {len(operands)}")
    for term, x in zip(inputs, operands, strict=True):
        if term and not term.isalpha():
            raise ValueError(f"einsum: {term!r} in {formula!r} must be made of letters, one for each axis")
        if len(set(term)) != len(term):
            raise ValueError(f"einsum: {term!r} has a letter twice; take the diagonal by indexing first")
        if len(term) != _ndim(x):
            shape = x.shape if hasattr(x, "shape") else np.shape(x)
            raise ValueError(f"einsum: {term!r} names {len(term)} axes, but that operand has shape {shape}")
    lengths: dict[str, int] = {}
    for term, x in zip(inputs, operands, strict=True):
        for letter, n in zip(term, x.shape if hasattr(x, "shape") else np.shape(x), strict=True):
            if lengths.setdefault(letter, n) != n:
                raise ValueError(f"einsum: {letter!r} stands for sizes {lengths[letter]} and {n} in {formula!r}")
    return array_ops.einsum(operands, inputs=inputs, output=output)


def _some(name: str, tensors: Iterable) -> tuple:
    iterable = hasattr(tensors, "__iter__") and not isinstance(tensors, (ArrayArithmetic, str, bytes))
    found = tuple(tensors) if iterable else ()
    if not found:
        raise ValueError(f"{name} needs a list of tensors: {name}([a, b])")
    if any(isinstance(t, Node) and not isinstance(t, Tensor) for t in found):
        raise TypeError(f"{name} takes Tensors and arrays, got a Value: use Tensors throughout")
    for t in found:
        if not isinstance(t, (Operand, np.ndarray, np.number, list, tuple, Real)):
            raise TypeError(f"{name} takes Tensors and arrays, got {type(t).__name__} {t!r:.40}")
    return found


def _ndim(t: Any) -> int:
    return t.ndim if hasattr(t, "ndim") else np.ndim(t)


def _shapes(tensors: tuple) -> str:
    return ", ".join(str(t.shape if hasattr(t, "shape") else np.shape(t)) for t in tensors)
