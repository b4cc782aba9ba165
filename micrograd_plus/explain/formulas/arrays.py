"""Names of arrays: a pull-back run on these writes the calls that it makes."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from ...engine import maths
from ...engine.graph import Many, Op, Operand
from ..pieces import ATOM, PRODUCT, Name
from .plain import PlainText


class ArrayText(PlainText, Operand):
    """The name of an array: what a pull-back does with it is written as calls of the rows that it uses."""

    # Of the arrays that a rule is given; those of what is computed from them aren't known.
    ndim: int
    shape: Any
    size: int

    @classmethod
    def given(cls, text: str, shape: tuple | None, ndim: int = 2) -> ArrayText:
        """An array that a rule is given; without a shape it is a name that has `ndim` axes."""
        array = cls(text)
        array.ndim = ndim if shape is None else len(shape)
        array.shape = PlainText(f"shape({text})") if shape is None else shape
        if shape is not None:
            array.size = math.prod(shape)
        return array

    def apply(self, op: Op, *operands: Any, **settings: Any) -> Any:
        """A pointwise row is read through; another is written as a call."""
        if op.pointwise:
            return op.forward(*operands)
        return self.call(op.name, *operands, *settings.values())

    def apply_many(self, op: Many, operands: tuple, **settings: Any) -> Any:
        """A row of many inputs is written as a call with a list."""
        return self.call(op.name, PlainText(f"[{', '.join(x.text for x in operands)}]"), *settings.values())

    @classmethod
    def call(cls, function: str, *xs: Any) -> Name:
        """The text of a call: sum(x, 0)."""
        return cls(f"{function}({', '.join(x.text if isinstance(x, Name) else repr(x) for x in xs)})")

    def _infix(self, sign: str, place: int, left: Any, right: Any, truth: bool = False) -> Name:
        """Like its parent; what is asked about numbers can't be asked about arrays."""
        whole = super()._infix(sign, place, left, right, truth)
        return ArrayText(whole.text, whole.binds, whole.truth)

    @property
    def T(self) -> Name:  # noqa: N802 - NumPy's name
        """Transposed."""
        return ArrayText(f"{self.within(ATOM)}ᵀ")

    mT = T  # noqa: N815

    def __matmul__(self, other: Any) -> Name:
        return self._infix("@", PRODUCT, self, other)

    def sum(self, axis: Any = None, keepdims: Any = False) -> Name:
        """Summed: the axis is said, but not whether it is kept with size 1."""
        return self.call("sum", self, *([] if axis is None else [axis]))

    def reshape(self, *shape: Any) -> Name:
        """In another shape."""
        return self.call("reshape", self, *shape)

    def __getitem__(self, index: Any) -> Name:
        parts = index if isinstance(index, tuple) else (index,)
        return ArrayText(f"{self.within(ATOM)}[{', '.join(map(_index_text, parts))}]")

    def __array_function__(self, function: Callable, types: Any, args: tuple, kwargs: dict) -> Any:
        if function.__name__ == "dot" and not kwargs and all(isinstance(x, Name) for x in args):
            return args[0] @ args[1]
        return NotImplemented


def _index_text(part: Any) -> str:
    if isinstance(part, slice):
        return ":".join("" if end is None else str(end) for end in (part.start, part.stop))
    return "..." if part is Ellipsis else repr(part)


maths.register(
    ArrayText,
    SimpleNamespace(
        **{name: lambda *xs, name=name: ArrayText.call(name, *xs) for name in vars(maths.floats)}
        | {"where": lambda *xs: ArrayText.call("where", *xs)}
    ),
)
