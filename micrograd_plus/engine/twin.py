"""The scalar twin: an array computation opened into its graph of Values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import array_ops
from .graph import Many, Node, Op, order
from .tensor import ArrayArithmetic, Tensor
from .value import Value


class ValueArray(ArrayArithmetic):
    """An array of Values with the methods of a Tensor: the same code, computed number by number.

    A pointwise op is applied to each element; the other rows of the table run as they are on NumPy's arrays of
    objects, which add and multiply Values. A result of one number is that Value itself.

    >>> from micrograd_plus import Tensor
    >>> w = Tensor([1.0, 2.0], label="w").to_values()
    >>> loss = (w * w).sum()
    >>> loss.backward()
    >>> w.values[1], w.grad.tolist()
    (Value(data=2.0, grad=4.0, label='w[1]'), [2.0, 4.0])
    """

    __slots__ = ("values",)

    def __init__(self, values: np.ndarray):
        self.values = values

    @classmethod
    def leaves(cls, data: np.ndarray, label: str = "") -> ValueArray:
        """A new array of leaf Values with these numbers, labelled w[0,1] …"""
        values = np.empty(data.shape, dtype=object)
        for index, number in np.ndenumerate(data):
            place = f"{label}[{','.join(map(str, index))}]" if label and index else label
            values[index] = Value(number.item(), label=place)
        return cls(values)

    @np.errstate(all="ignore")  # NumPy would warn of what happens among Python's floats
    def apply(self, op: Op, *operands: Any, **settings: Any) -> Any:
        """The op on each element (pointwise), or its forward rule on the array of Values."""
        arrays = [_as_array(x) for x in operands]
        if op is array_ops.astype:
            return self  # Values are float64, all of them
        if op in (array_ops.max_, array_ops.min_):
            return _wrap(_extreme(largest if op is array_ops.max_ else smallest, arrays[0], **settings))
        if op.pointwise:
            return _wrap(np.frompyfunc(op, len(arrays), 1)(*arrays))
        y = _computed(op, arrays, settings)
        return _wrap(y[0] if op.keeps else y)

    def apply_many(self, op: Many, operands: tuple, **settings: Any) -> Any:
        """An op that takes a sequence of arrays."""
        arrays = tuple(a if np.ndim(a) else np.asarray(a).item() for a in map(_as_array, operands))
        return _wrap(op.forward(arrays, **settings))

    def _array_of(self) -> np.ndarray:
        return self.values

    def _each(self, get: Any) -> np.ndarray:
        return np.asarray(np.frompyfunc(get, 1, 1)(self.values), dtype=float)

    @property
    def data(self) -> np.ndarray:
        """The numbers, as an array of floats (a copy)."""
        return self._each(lambda v: v.data if isinstance(v, Value) else v)

    @property
    def grad(self) -> np.ndarray:
        """The gradients, as an array of floats (a copy)."""
        return self._each(lambda v: v.grad if isinstance(v, Value) else 0.0)

    def numpy(self) -> np.ndarray:
        """The numbers, as an array of floats."""
        return self.data

    def tolist(self) -> Any:
        """The Values as nested lists."""
        return self.values.tolist()

    def argmax(self, axis: int | None = None) -> Any:
        """The index of the largest number."""
        return self.data.argmax(self._axis("argmax", axis, one=axis is not None))

    # fmt: off
    def __iter__(self) -> Iterator[Any]: return (_wrap(v) for v in self.values)
    def __lt__(self, other: Any) -> Any: return self.data < _floats(other)
    def __le__(self, other: Any) -> Any: return self.data <= _floats(other)
    def __gt__(self, other: Any) -> Any: return self.data > _floats(other)
    def __ge__(self, other: Any) -> Any: return self.data >= _floats(other)
    # fmt: on

    def __repr__(self) -> str:
        return (
            f"ValueArray(shape={self.shape}, {np.array2string(self.data, precision=4, separator=', ', threshold=20)})"
        )


def _computed(op: Op, arrays: list, settings: dict) -> Any:
    """The forward rule on arrays of Values (and of plain numbers among them)."""
    if "axis" in settings and not np.ndim(arrays[0]):  # NumPy turns an object array without axes into what it holds
        return np.asarray(_computed(op, [arrays[0].reshape(1)], {**settings, "axis": 0})).reshape(())
    if not any(a.size for a in arrays if _holds_objects(a)):  # no Values at all: NumPy's sum of none is a whole 0
        y = op.forward(*[a.astype(float) if _holds_objects(a) else a for a in arrays], **settings)
        return np.asarray(y, dtype=object) if not op.keeps else y
    try:
        return op.forward(*arrays, **settings)
    except TypeError:  # for exp(x) NumPy asks each element for its .exp(), which a plain number hasn't
        return op.forward(*map(_all_values, arrays), **settings)


def _holds_objects(x: Any) -> bool:
    return getattr(x, "dtype", None) == np.dtype(object)


def _all_values(x: Any) -> Any:
    if not _holds_objects(x):
        return x
    return np.frompyfunc(lambda v: v if isinstance(v, Value) else Value(v, requires_grad=False), 1, 1)(x)


# NumPy's own max picks one of the numbers that tie; these share the gradient among them, as the Tensor's rows do.
largest = Many("max", max, lambda g, y, xs, i: g * _share_of_ties(y, xs, i))
smallest = Many("min", min, lambda g, y, xs, i: g * _share_of_ties(y, xs, i))


def _share_of_ties(y: Any, xs: Any, i: int) -> float:
    """1/k where xs[i] is y and k numbers tie, else 0. By <= and >=: == asks of two Values whether they are the same."""
    ties = [y <= x and y >= x for x in xs]
    return 1 / sum(ties) if ties[i] else 0.0


def _extreme(row: Many, x: np.ndarray, axis: Any, keepdims: bool) -> np.ndarray:
    axes = tuple(range(x.ndim)) if axis is None else tuple(a % x.ndim for a in np.atleast_1d(axis))
    rest = [a for a in range(x.ndim) if a not in axes]
    groups = x.transpose(*rest, *axes).reshape(-1, math.prod(x.shape[a] for a in axes))
    y = np.empty(len(groups), dtype=object)
    y[:] = [row(group) for group in groups]
    return y.reshape([1 if a in axes else n for a, n in enumerate(x.shape) if keepdims or a not in axes])


def _wrap(y: Any) -> Any:
    """A Value for one number, a ValueArray for more."""
    if isinstance(y, np.ndarray):
        return ValueArray(y) if y.ndim else y.item()
    return y


def _as_array(x: Any) -> Any:
    if isinstance(x, ValueArray):
        return x.values
    if isinstance(x, Tensor):
        if x.requires_grad:
            raise TypeError("a Tensor and Values don't mix in one graph: open the Tensor first, with .to_values()")
        return x.numpy()
    if isinstance(x, Value):
        return np.array(x, dtype=object)
    return np.asarray(x) if isinstance(x, (list, tuple)) else x


def _floats(x: Any) -> Any:
    return x.data if isinstance(x, (ValueArray, Value)) else x


def to_values(root: Tensor, leaves: dict[Tensor, ValueArray] | None = None) -> Any:
    """The graph that this Tensor was made from, computed again on Values: their graph has every scalar step.

    leaves: a dict that is filled with {leaf Tensor: its ValueArray}. Returns a ValueArray, or a Value for one number.

    >>> x = Tensor([[1.0, 2.0]], label="x")
    >>> root = (x @ [[3.0], [4.0]]).tanh().sum().to_values()
    >>> root
    Value(data=0.9999999994421064, grad=0.0)
    """
    leaves = {} if leaves is None else leaves
    images: dict[Node, ValueArray] = {}
    first: dict[Node, np.ndarray] = {}  # what a leaf held when it was first used
    changed: dict[tuple[Node, int], ValueArray] = {}

    def image_of(x: Any, seen: Any) -> Any:
        """What stands for operand x, of which the op saw the numbers `seen` (its .data may have changed since)."""
        if not (isinstance(x, Tensor) and x.requires_grad):
            return seen
        if x not in images:
            first[x] = seen
            images[x] = leaves[x] = ValueArray.leaves(seen, x.label)
        before = first[x] if x.op is None else seen if x.op.keeps else x.kept
        if seen is before or np.array_equal(seen, before, equal_nan=True):
            return images[x]
        if (x, id(seen)) not in changed:  # by a constant: the gradient is that of the same x
            changed[x, id(seen)] = moved = _as_value_array(images[x] + (seen - before))
            for value, number in zip(moved.values.flat, np.ravel(seen).tolist(), strict=True):
                if isinstance(value, Value):
                    value.data = number  # the sum may be an ulp off, and what tied would tie no more
        return changed[x, id(seen)]

    for node in order(root):
        assert isinstance(node, Tensor)
        if node.op is None:
            continue
        operands = [image_of(x, seen) for x, seen in zip(node.operands, node.saved, strict=True)]
        arguments = [operands] if isinstance(node.op, Many) else operands
        images[node] = _as_value_array(node.op(*arguments, **node.settings))
    image = images[root] if root.op is not None else image_of(root, root.numpy())
    image = image.values.item() if isinstance(image, ValueArray) and not image.ndim else image
    if isinstance(image, float):  # nothing but plain numbers went into it
        return Value(image, requires_grad=False)
    return image if isinstance(image, (ValueArray, Value)) else ValueArray.leaves(root.numpy(), root.label)


def _as_value_array(x: Any) -> ValueArray:
    return x if isinstance(x, ValueArray) else ValueArray(np.array(x, dtype=object))


Tensor.to_values = to_values  # type: ignore[attr-defined]  # here, because Tensor itself knows nothing of Values
