"""The inputs and outputs of a function that is checked: which are varied, and what they are called."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from ...engine.graph import Node, Op
from ...engine.value import Value


def points_of(row: Op) -> list:
    """Inputs for a row that came without: a few numbers of both signs, where it and its differences are finite."""
    points = []
    for start in (0.4, 1.3, 2.2, -0.6, -1.7):
        xs = [start + 0.37 * i for i in range(row.arity or 1)]
        try:
            if math.isfinite(float(row(*xs))):
                points.append(xs)
        except (ArithmeticError, ValueError, TypeError):
            continue
    if not points:
        raise ValueError(f"gradcheck: `{row.name}` is finite at none of the usual points: give it inputs")
    from ...engine.tensor import Tensor

    return [Tensor(list(column)) for column in zip(*points, strict=True)]


def as_leaf(x: Any, among: list) -> Any:
    """A copy of the input that can be varied; what can't be (labels …) as it is."""
    if isinstance(x, Value):
        return Value(x.data, label=x.label, requires_grad=x.requires_grad)
    if isinstance(x, Node):
        return type(x)(x.numpy(), requires_grad=x.requires_grad, label=x.label)  # type: ignore[call-arg,attr-defined]
    with_arrays = any(hasattr(other, "shape") for other in among)
    if isinstance(x, float) and not with_arrays:
        return Value(x)
    if isinstance(x, float) or getattr(getattr(x, "dtype", None), "kind", "") == "f":
        from ...engine.tensor import Tensor

        return Tensor(x)
    return x


def named_leaves(f: Callable, inputs: list) -> tuple[list[str], list]:
    """The inputs that are varied, and a name for each: its label, or what f calls it."""
    called = _argument_names(f)
    named = []
    for i, x in enumerate(inputs):
        base, parts = called[i] if i < len(called) else f"input {i}", flat(x)
        for place, part in enumerate(parts):
            if isinstance(part, Node) and part.requires_grad:
                default = f"{base}[{place}]" if isinstance(x, (list, tuple)) else base
                named.append((part.label or default, part))
    names = [name for name, _ in named]
    if len(set(names)) < len(names):  # a label that was given twice
        names = [f"{name} ({i})" for i, name in enumerate(names)]
    return names, [part for _, part in named]


def _argument_names(f: Callable) -> list[str]:
    """What f calls its arguments; of a row, what its slopes call the inputs (behind y)."""
    is_row = isinstance(f, Op) and f.pointwise
    rule: Any = f.rules[0] if is_row else getattr(f, "forward", f)  # type: ignore[attr-defined]
    try:
        parameters = list(inspect.signature(rule).parameters.values())[is_row:]
    except (TypeError, ValueError):  # a built-in function that doesn't say
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def each(x: Any, change: Callable) -> Any:
    """change(x), or a list of the same for each part of a list."""
    return [each(part, change) for part in x] if isinstance(x, (list, tuple)) else change(x)


def flat(x: Any) -> list:
    """The parts of nested lists in one list."""
    return [p for part in x for p in flat(part)] if isinstance(x, (list, tuple)) else [x]


def outputs_of(y: Any) -> list:
    """The outputs of f in one list."""
    if isinstance(y, (list, tuple)):
        return [part for item in y for part in outputs_of(item)]
    if isinstance(y, dict):
        return outputs_of(list(y.values()))
    if isinstance(y, (Node, int, float)) or hasattr(y, "dtype"):
        return [y]
    raise TypeError(f"gradcheck: f must give Values or Tensors, it gave {type(y).__name__}")


def index_at(place: int, shape: tuple) -> tuple:
    """The index of the number that is at this place of `array.flat`.

    >>> index_at(5, (2, 3)), place_of((1, 2), (2, 3))
    ((1, 2), 5)
    """
    index = []
    for n in reversed(shape):
        place, i = divmod(place, n)
        index.append(i)
    return tuple(reversed(index))


def place_of(index: tuple, shape: tuple) -> int:
    """The place in `array.flat` of the number at this index."""
    place = 0
    for i, n in zip(index, shape, strict=True):
        place = place * n + i
    return place
