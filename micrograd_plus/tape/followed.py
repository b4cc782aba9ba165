"""An array that a function was given, while the function is recorded: NumPy computes with it, and all is written down.

It is no ndarray, but NumPy asks it before it does anything with it (`__array_ufunc__`, `__array_function__`), and calls
`__array__` where it wants the bare numbers. So no number leaves unseen: what is computed is recorded, and what the
function decides by, or takes out as bare numbers, is **guarded**: the tape holds for calls with the same answer.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..engine import array_ops
from ..engine.arithmetic import NUMPYS
from ..engine.graph import Many, Node, Op, Operand
from ..engine.tensor import Tensor
from .recorder import CompileError

# NumPy's functions that change their first argument, and those that say something about the shape alone.
CHANGING = {np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis}
SHAPES = {np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj, np.may_share_memory}
METHODS = set(
    """all any argmax argmin argpartition argsort astype choose clip compress copy cumprod cumsum diagonal dot flatten
    max mean min nonzero prod ravel repeat reshape round searchsorted squeeze std sum swapaxes take trace transpose
    var view conj conjugate""".split()
)


class OtherKind(BaseException):
    """The function computes with the other kind of node than was thought. No Exception, so that no `try` hides it."""


class NotFollowedError(CompileError, AttributeError):
    """An attribute of arrays that would be frozen on a tape. An AttributeError too, as hasattr() wants it."""


class Method:
    """A method of arrays as a function: `Method("sum")(x, axis=0)` is x.sum(axis=0)."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the method."""
        return getattr(np.asarray(x), self.__name__)(*args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Method) and other.__name__ == self.__name__

    def __hash__(self) -> int:
        return hash(self.__name__)


def cast(x: Any, dtype: Any) -> np.ndarray:
    """x as an array of this dtype."""
    return np.asarray(x, dtype=dtype)


def detached(x: Any) -> Any:
    """The same numbers, in a place to which no gradient flows."""
    return x


def everything(x: Any) -> Any:
    """All numbers, copied: what a guard compares where bare numbers were taken out."""
    return np.array(x) if isinstance(x, np.ndarray) else x


class Followed(NDArrayOperatorsMixin, Operand):
    """The stand-in for an array or a number: `value` is what it is in this call, `slot` its place on the tape."""

    def __init__(self, recorder: Any, value: Any, slot: int):
        self.recorder, self.value, self.slot = recorder, value, slot

    # -- what hangs on the shape alone ---------------------------------------------------------------------------

    # fmt: off
    @property
    def shape(self) -> tuple: return np.shape(self.value)  # noqa: D102
    @property
    def ndim(self) -> int: return np.ndim(self.value)  # noqa: D102
    @property
    def size(self) -> int: return np.size(self.value)  # noqa: D102
    @property
    def dtype(self) -> np.dtype: return np.asarray(self.value).dtype  # noqa: D102
    @property
    def T(self) -> Any: return self.transpose()  # noqa: D102, N802
    @property
    def mT(self) -> Any: return self.swapaxes(-1, -2)  # noqa: D102, N802
    def __len__(self) -> int: return len(self.value)
    def __repr__(self) -> str: return repr(self.value)
    def __format__(self, spec: str) -> str: return format(self._taken_out(), spec) if spec else str(self.value)
    # fmt: on

    def numpy(self) -> Followed:
        """Itself: it can't be written to."""
        return self

    def plain(self) -> np.ndarray:
        """The array itself, of which the recorder knows that it is this one: for an index and other settings."""
        return self.recorder.known_array(self)

    # -- computing -------------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name in METHODS:
            return lambda *args, **kwargs: self.recorder.host(Method(name), (self, *args), kwargs)
        if name in vars(np.ndarray) and name[:2] != "__":
            raise NotFollowedError(
                f".{name} of an array inside the compiled function {self.recorder.name} can't be followed: the tape "
                "would keep what it is in this call. Do it outside, or with another of NumPy's functions"
            )
        raise AttributeError(f"an array has no attribute {name!r}")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if kwargs.pop("out", None) is not None:
            raise self._in_place()
        if any(isinstance(x, Tensor) for x in inputs):
            if method == "__call__" and ufunc.__name__ in NUMPYS:
                return NUMPYS[ufunc.__name__](*inputs, **kwargs)
            if ufunc is np.matmul:
                return array_ops.matmul(*inputs)
            if ufunc not in (np.less, np.less_equal, np.greater, np.greater_equal):
                raise TypeError(f"np.{ufunc.__name__} can't follow the gradient of a Tensor: use the Tensor's methods")
            inputs = tuple(x.numpy() if isinstance(x, Tensor) else x for x in inputs)
        if any(isinstance(x, Node) for x in inputs):
            raise OtherKind
        return self.recorder.host(ufunc if method == "__call__" else getattr(ufunc, method), inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in CHANGING or kwargs.get("out") is not None:
            raise self._in_place()
        for kind in types:
            if issubclass(kind, Tensor):
                return Tensor.__array_function__(self, function, types, args, kwargs)  # type: ignore[arg-type]
        if function in SHAPES:
            return function(*unwrapped(args), **unwrapped(kwargs))
        return self.recorder.host(function, args, kwargs)

    def __getitem__(self, index: Any) -> Any:
        return self.recorder.host(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        raise self._in_place()

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, x: Any) -> bool:
        return bool((self == x).any())

    def _in_place(self) -> CompileError:
        return CompileError(
            f"an array is changed in place inside the compiled function {self.recorder.name}: make a new one, "
            "x = x + 1 in place of x += 1, np.where(mask, new, old) in place of x[mask] = new"
        )

    def apply(self, op: Op, *operands: Any, **settings: Any) -> Any:
        """A row of the table: with a Tensor among the operands it gives a Tensor, as arrays do."""
        if any(isinstance(x, Node) and not isinstance(x, Tensor) for x in operands):
            raise OtherKind
        tensor = next((x for x in operands if isinstance(x, Tensor)), None)
        if tensor is None:
            return self.recorder.host(op, operands, settings)
        xs = [x.as_tensor(tensor.dtype) if isinstance(x, Followed) else x for x in operands]
        return tensor.apply(op, *xs, **settings)

    def apply_many(self, op: Many, operands: tuple, **settings: Any) -> Any:
        """A row that takes a sequence."""
        tensor = next((x for x in operands if isinstance(x, Tensor)), None)
        if tensor is None:
            return self.recorder.host(op, (operands,), settings)
        return tensor.apply_many(op, operands, **settings)

    def as_tensor(self, dtype: Any) -> Tensor:
        """As a Tensor without gradient, of the dtype that an array has when it meets a Tensor of `dtype`."""
        x = self
        if not isinstance(self.value, np.ndarray) or self.dtype.kind in "iu":
            x = self.recorder.host(cast, (self, dtype if dtype.kind == "f" else np.dtype(float)), {})
        return self.recorder.tensor_of(x)

    def becomes(self, tensor: Tensor) -> None:
        """`tensor` was made of this, inside of the function."""
        same_kind = np.asarray(self.value).dtype == tensor.dtype
        self.recorder.same_place(tensor, self if same_kind else self.recorder.host(cast, (self, tensor.dtype), {}))

    # -- bare numbers, and what the function decides by ------------------------------------------------------------

    def __bool__(self) -> bool:
        return self.recorder.asked(self, bool)

    def _taken_out(self) -> Any:
        return self.recorder.asked(self, everything)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._taken_out(), dtype=dtype)

    # fmt: off
    def item(self, *args: Any) -> Any: return np.asarray(self._taken_out()).item(*args)  # noqa: D102
    def tolist(self) -> Any: return np.asarray(self._taken_out()).tolist()  # noqa: D102
    def __float__(self) -> float: return float(self._taken_out())
    def __int__(self) -> int: return int(self._taken_out())
    def __index__(self) -> int: return operator.index(self._taken_out())
    def __hash__(self) -> int: return hash(self._taken_out())
    # fmt: on


def unwrapped(x: Any) -> Any:
    """The values in place of the Followed ones, in nested tuples, lists, dicts and slices."""
    if isinstance(x, Followed):
        return x.value
    if isinstance(x, (tuple, list)) and type(x) in (tuple, list):
        return type(x)(map(unwrapped, x))
    if isinstance(x, dict):
        return {key: unwrapped(value) for key, value in x.items()}
    if isinstance(x, slice):
        return slice(*map(unwrapped, (x.start, x.stop, x.step)))
    return x
