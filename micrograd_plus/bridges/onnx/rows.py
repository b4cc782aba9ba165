"""The rows of the engine's tables as operators of ONNX. Pointwise rows need nothing here: see Wire.

Every function takes a Call, adds nodes to its graph, and gives the result as a Wire.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine import ops
from ...engine.graph import Op
from ...tape.array_tape import Slot, slots_in
from .batches import Batch, by_axis
from .calls import Call
from .errors import OneSizeOnly, Unsupported
from .writer import FUNCTIONS, Wire, kind_in

LAST, FIRST = np.iinfo(np.int64).max, np.iinfo(np.int64).min  # "to the end" of a Slice, forwards and backwards

# -- pointwise rows ------------------------------------------------------------------------------------------------


def pointwise(row: Op, call: Call) -> Wire:
    """A row's rule, run on values of the graph: so whatever it computes with is written down."""
    shortcut = SHORTCUTS.get(row)
    xs = _unexpanded(call)
    y = shortcut(*xs) if shortcut is not None else None
    if y is None:
        try:
            y = row.forward(*xs)
        except (TypeError, AttributeError) as error:
            raise Unsupported(
                f"its rule can't be written with ONNX's operators ({error}): write it with mg.exp, "
                "mg.where(x > 0, a, b), maximum …, which take anything"
            ) from None
    return call.writer.wire(y, call.kind)


def _unexpanded(call: Call) -> list:
    """The operands. Where one is another array repeated, that one, if ONNX repeats it by itself to the right shape."""
    sources = [call.values.before_expand(x) for x in call.operands]
    compact = np.broadcast_shapes(*[call.shape_of(x, compact=True) for x in sources]) == call.shape
    return [
        x if isinstance(x, (bool, int, float)) else call.value(x, compact=compact)  # a rule may speak of a number
        for x in (sources if compact else call.operands)
    ]


def _leaky_relu(x: Any, slope: Any) -> Wire | None:
    return x.writer.node("LeakyRelu", [x], alpha=float(slope)) if isinstance(slope, (int, float)) else None


def _elu(x: Any, alpha: Any) -> Wire | None:
    return x.writer.node("Elu", [x], alpha=float(alpha)) if isinstance(alpha, (int, float)) else None


def _clip(x: Any, low: Any, high: Any) -> Wire | None:
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)):
        return None
    limits = [None if math.isinf(v) else x.writer.constant(v, kind=x.kind) for v in (low, high)]
    return x.writer.node("Clip", [x, *limits], kind=x.kind)


# Where ONNX has an operator for what is several in the rule.
SHORTCUTS: dict[Op, Callable] = {
    ops.gelu: lambda x: x.writer.node("Gelu", [x]),
    ops.leaky_relu: _leaky_relu,
    ops.elu: _elu,
    ops.clip: _clip,
}


# -- reductions ----------------------------------------------------------------------------------------------------


def _reduction(operator: str) -> Callable[[Call], Wire]:
    def write(call: Call) -> Wire:
        kind = "i" if call.kind == "i" else "f"
        return reduced(operator, call.x(0, kind), call.axes(), call["keepdims"], kind)

    return write


def reduced(operator: str, x: Wire, axes: list[int], keepdims: bool, kind: str = "f") -> Wire:
    """A sum, mean, maximum … over axes."""
    if not axes:
        return x
    over = np.array(axes, np.int64)
    return x.writer.node(operator, [x, over], kind=kind, keepdims=int(keepdims))


def variance(call: Call) -> Wire:
    """The mean square distance from the mean, with n - correction in place of n."""
    x, axes = call.x(), call.axes()
    apart = x - reduced("ReduceMean", x, axes, True)
    y = reduced("ReduceMean", apart * apart, axes, call["keepdims"])
    if not call["correction"]:
        return y
    if any(isinstance(call.sizes[axis], Batch) for axis in axes):
        raise OneSizeOnly("a variance over the batch, divided by its size - 1, needs that size")
    n = math.prod(call.sizes[axis] for axis in axes)
    return y * (n / (n - call["correction"]) if n > call["correction"] else math.nan)


# -- other shapes --------------------------------------------------------------------------------------------------


def reshape(call: Call) -> Wire:
    """The same numbers in another shape."""
    return call.writer.reshaped(call.x(), call.shape)


def expand(call: Call) -> Wire:
    """Repeated to a shape."""
    return call.writer.expanded(call.x(), call.shape)


def transpose(call: Call) -> Wire:
    """The axes in another order."""
    axes = call["axes"] if call["axes"] is not None else range(len(call.sizes))[::-1]
    return call.writer.node("Transpose", [call.x()], kind=call.kind, perm=[int(a) % len(call.sizes) for a in axes])


def flip(call: Call) -> Wire:
    """In reverse order."""
    axes = call.axes()
    return sliced(call.x(), [(axis, -1, FIRST, -1) for axis in axes])


def sliced(x: Wire, parts: list[tuple[int, int, int, int]]) -> Wire:
    """Parts (axis, start, stop, step) of x."""
    axes, starts, stops, steps = (np.array(column, np.int64) for column in zip(*parts, strict=True))
    return x.writer.node("Slice", [x, starts, stops, axes, steps], "slice", kind=x.kind)


def getitem(call: Call) -> Any:
    """A part of an array: slices, single places, new axes, and one array of places."""
    given = call["index"] if isinstance(call["index"], tuple) else (call["index"],)
    if any(list(slots_in(part)) for part in given if isinstance(part, slice)):
        raise Unsupported("a slice whose ends are computed from the input: a mask and where(mask, x, 0) do without")
    index = by_axis(call["index"], call.sizes)
    joined = call.values.joined(call.operands[0])
    if joined is not None and isinstance(index[0], slice) and all(part == slice(None) for part in index[1:]):
        found = joined.between(*index[0].indices(int(call.sizes[0]))[:2]) if index[0].step in (None, 1) else None
        if found is not None:
            return found
    y, parts = call.x(), [part for part in index if part is not None]
    slices = [
        (axis, *_ends(part)) for axis, part in enumerate(parts) if isinstance(part, slice) and part != slice(None)
    ]
    y = sliced(y, slices) if slices else y
    places = [(axis, part) for axis, part in enumerate(parts) if not isinstance(part, slice)]
    arrays = [part for _, part in places if not isinstance(part, (int, np.integer))]
    if arrays and (len(places) > 1 or _is_mask(call, arrays[0])):
        raise Unsupported("an index of a mask, or of an array and more: where(mask, a, b), or one array at a time")
    for axis, part in reversed(places):  # from behind: a single number takes its axis away
        y = call.writer.node("Gather", [y, call.value(part, "i")], kind=y.kind, axis=axis)
    if any(part is None for part in index):
        y = call.writer.reshaped(y, call.shape, "unsqueeze") if arrays else _with_new_axes(y, index)
    return y


def _with_new_axes(y: Wire, index: tuple) -> Wire:
    kept = [part for part in index if not isinstance(part, (int, np.integer))]
    axes = [i for i, part in enumerate(kept) if part is None]
    return y.writer.node("Unsqueeze", [y, np.array(axes, np.int64)], kind=y.kind)


def _ends(part: slice) -> tuple[int, int, int]:
    step = 1 if part.step is None else int(part.step)
    start = (0 if step > 0 else -1) if part.start is None else int(part.start)
    stop = (LAST if step > 0 else FIRST) if part.stop is None else int(part.stop)
    return start, stop, step


def _is_mask(call: Call, part: Any) -> bool:
    return (call.values.kinds[part.number] if isinstance(part, Slot) else kind_in(part)) == "b"


def pad(call: Call) -> Wire:
    """With a number around it."""
    widths = [before for before, _ in call["widths"]] + [after for _, after in call["widths"]]
    value = call.writer.constant(call["value"], kind=call.kind)
    return call.writer.node("Pad", [call.x(), np.array(widths, np.int64), value], kind=call.kind)


def concatenate(call: Call) -> Wire:
    """Arrays joined along an axis."""
    parts = [call.x(i, call.kind) for i in range(len(call.operands))]
    return call.writer.node("Concat", parts, kind=call.kind, axis=int(call["axis"]))


def stack(call: Call) -> Wire:
    """Arrays of one shape along a new axis."""
    axis = int(call["axis"])
    over = np.array([axis], np.int64)
    parts = [call.writer.node("Unsqueeze", [call.x(i, call.kind), over], "part", kind=call.kind)
             for i in range(len(call.operands))]  # fmt: skip
    return call.writer.node("Concat", parts, kind=call.kind, axis=axis)


# -- products ------------------------------------------------------------------------------------------------------


def linear(call: Call) -> Wire:
    """x @ weight.T + bias: Gemm for rows of features, for more axes the product and the sum."""
    bias = call.x(2, "f") if len(call.operands) > 2 and call.operands[2] is not None else None
    x, weight = call.x(0, "f"), call.x(1, "f")
    if len(call.sizes) == 2:
        return call.writer.node("Gemm", [x, weight, bias], transB=1)
    y = call.writer.node("MatMul", [x, call.writer.once("Transpose", weight, "transposed_weight", perm=[1, 0])])
    return y if bias is None else y + bias


def matmul(call: Call) -> Wire:
    """A matrix product, or many of them."""
    return call.writer.node("MatMul", [call.x(0, "f"), call.x(1, "f")])


def einsum(call: Call) -> Wire:
    """Products summed over letters."""
    parts = [call.x(i, "f") for i in range(len(call.operands))]
    return call.writer.node("Einsum", parts, equation=f"{','.join(call['inputs'])}->{call['output']}")


def sum_of_many(call: Call) -> Wire:
    """The sum of several arrays."""
    return call.writer.node("Sum", [call.x(i, "f") for i in range(len(call.operands))])


def _along(operator: str) -> Callable[[Call], Wire]:
    return lambda call: call.writer.node(operator, [call.x(0, "f")], axis=int(call["axis"]))


def cumsum(call: Call) -> Wire:
    """Running sums."""
    return call.writer.node("CumSum", [call.x(), call.writer.constant(int(call["axis"]))], kind=call.kind)


ROWS: dict[str, Callable[[Call], Any]] = {
    "sum": _reduction("ReduceSum"), "mean": _reduction("ReduceMean"), "max": _reduction("ReduceMax"),
    "min": _reduction("ReduceMin"), "prod": _reduction("ReduceProd"), "norm": _reduction("ReduceL2"),
    "logsumexp": _reduction("ReduceLogSumExp"), "var": variance, "std": lambda call: FUNCTIONS.sqrt(variance(call)),
    "softmax": _along("Softmax"), "log_softmax": _along("LogSoftmax"), "cumsum": cumsum,
    "reshape": reshape, "expand": expand, "transpose": transpose, "flip": flip, "getitem": getitem, "pad": pad,
    "astype": lambda call: call.x(0, call.kind), "concatenate": concatenate, "stack": stack, "linear": linear,
    "matmul": matmul, "einsum": einsum,
}  # fmt: skip
