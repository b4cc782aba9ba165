"""What NumPy computes in a forward pass, with masks and indices mostly, as operators of ONNX."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.arithmetic import NUMPYS
from .calls import Call
from .errors import Unsupported
from .rows import ROWS, pointwise, reduced
from .writer import Wire, choose, kind_in

COMPARISONS: dict[str, Callable] = {
    "equal": operator.eq, "not_equal": operator.ne, "less": operator.lt, "less_equal": operator.le,
    "greater": operator.gt, "greater_equal": operator.ge,
    "logical_and": operator.and_, "bitwise_and": operator.and_, "logical_or": operator.or_, "bitwise_or": operator.or_,
}  # fmt: skip
REDUCTIONS = {"sum": "ReduceSum", "mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin", "prod": "ReduceProd",
              "amax": "ReduceMax", "amin": "ReduceMin"}  # fmt: skip
KNOWN_SETTINGS = {"axis", "axes", "keepdims", "dtype", "copy", "shape"}
SAME = {"copy", "detached", "cast", "astype", "ascontiguousarray", "asarray"}
RESHAPES = {"reshape", "ravel", "flatten", "expand_dims", "squeeze"}


def from_numpy(function: Any, call: Call) -> Any:
    """The result of a function, method or operator of NumPy."""
    name = getattr(function, "__name__", repr(function))
    rest = call.operands[1:]
    _refuse_other_ways(name, call, rest)
    if name in NUMPYS:
        return pointwise(NUMPYS[name], call)
    if name == "true_divide":
        return call.x(0, "f") / call.x(1, "f")
    if name in COMPARISONS:
        return _same_kind(COMPARISONS[name], call)
    if name in ("logical_not", "invert", "bitwise_not"):
        return ~call.x()
    if name == "isnan":
        return call.writer.node("IsNaN", [call.x(0, "f")], kind="b")
    if name == "where" and len(call.operands) == 3:
        return choose(call.x(0), call.x(1, call.kind), call.x(2, call.kind))
    if name in SAME:
        return call.x(0, call.kind)
    if name in RESHAPES:
        return ROWS["reshape"](call)
    if name == "broadcast_to":
        return ROWS["expand"](call)
    if name == "getitem":
        call.settings = {"index": rest[0]}
        return ROWS["getitem"](call)
    if name in ("transpose", "swapaxes", "moveaxis"):
        call.settings = {"axes": _order(name, rest or tuple(call.settings.values()), len(call.sizes))}
        return ROWS["transpose"](call)
    if name in REDUCTIONS or name in ("any", "all"):
        return _reduced(name, call, rest)
    if name in ("argmax", "argmin"):
        call.settings = {"axis": rest[0] if rest else None} | call.settings
        if call["axis"] is not None:
            return call.writer.node(
                {"argmax": "ArgMax", "argmin": "ArgMin"}[name], [call.x()], kind="i", axis=int(call["axis"]),
                keepdims=int(call.settings.get("keepdims", False)),
            )  # fmt: skip
    if name in ("concatenate", "stack") and isinstance(call.operands[0], (tuple, list)):
        call.settings = {"axis": rest[0] if rest else 0} | call.settings
        call.operands = tuple(call.operands[0])
        return ROWS[name](call)
    raise Unsupported(
        f"NumPy's {name} has no counterpart here: compute with the Tensor's own methods, or do it outside"
    )


def _refuse_other_ways(name: str, call: Call, rest: tuple) -> None:
    """Unsupported for settings that would be lost: order="F", where=mask, bits of whole numbers."""
    others = set(call.settings) - KNOWN_SETTINGS
    others |= {x for x in rest if isinstance(x, str)} if name != "astype" else set()
    if others:
        raise Unsupported(
            f"NumPy's {name} with {', '.join(sorted(others))}: only the plain form has a counterpart here"
        )
    if len(rest) > 1 and name in {*REDUCTIONS, "any", "all", "argmax", "argmin"}:
        raise Unsupported(f"{name} with so many arguments: say axis=… and keepdims=… by their names")
    if (name.startswith("bitwise") or name == "invert") and call.kind != "b":
        raise Unsupported("the bits of whole numbers: compute with % outside of the model, or with comparisons")


def _same_kind(how: Callable, call: Call) -> Wire:
    """A comparison; a plain number stays one, so that it takes the kind of the other side."""
    a, b = (x if isinstance(x, (bool, int, float)) else call.value(x) for x in call.operands)
    return how(a if isinstance(a, Wire) else call.writer.wire(a, kind_in(b)), b)


def _order(name: str, axes: tuple, n: int) -> tuple:
    """The order of axes that transpose, swapaxes or moveaxis means."""
    if name == "transpose":
        axes = tuple(axes[0]) if len(axes) == 1 and isinstance(axes[0], (tuple, list)) else axes
        return axes if axes and axes[0] is not None else tuple(range(n))[::-1]
    moved = np.moveaxis if name == "moveaxis" else np.swapaxes
    return moved(np.empty(range(n), np.uint8), *axes).shape  # each axis has its own number as size


def _reduced(name: str, call: Call, rest: tuple) -> Wire:
    call.settings = {"axis": rest[0] if rest else None, "keepdims": False} | call.settings
    kind = "f" if name == "mean" else "i" if call.kind == "b" else call.kind
    operator_name = REDUCTIONS.get(name) or {"any": "ReduceMax", "all": "ReduceMin"}[name]
    x = call.x(0, "b") if name in ("any", "all") else call.x()
    y = reduced(operator_name, call.writer.wire(x, kind), call.axes(), bool(call["keepdims"]), kind)
    return call.writer.wire(y, call.kind)
