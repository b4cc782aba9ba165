"""The rows of nn's layers as operators of ONNX: convolution, pooling, normalisation, attention, recurrence."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np

from ...nn import pooling
from ...tape.array_tape import Slot
from .calls import Call, Joined
from .errors import Unsupported
from .rows import reduced
from .writer import FUNCTIONS, Wire, Writer, choose


def _pads(padding: tuple) -> list[int]:
    """All paddings in front, then all behind."""
    return [int(before) for before, _ in padding] + [int(after) for _, after in padding]


def convolution(call: Call) -> Wire:
    """Filters slid over an image or a sequence."""
    return call.writer.node(
        "Conv", [call.x(i, "f") for i in range(len(call.operands))],
        kernel_shape=list(call.shape_of(call.operands[1])[2:]), strides=list(call["stride"]),
        pads=_pads(call["padding"]), dilations=list(call["dilation"]), group=call["groups"],
    )  # fmt: skip


def max_pool(call: Call) -> Wire:
    """The largest number of each window."""
    return _with_batch(call, lambda x: call.writer.node(
        "MaxPool", [x], kernel_shape=list(call["kernel"]), strides=list(call["stride"]),
        pads=_pads(call["padding"]), dilations=list(call["dilation"]),
    ))  # fmt: skip


def avg_pool(call: Call) -> Wire:
    """The mean of each window."""
    kernel, padding = call["kernel"], call["padding"]
    size = tuple(map(int, call.sizes[-len(kernel) :]))
    counts = pooling._counts(size, **call.settings)
    windows: dict[str, Any] = {"kernel_shape": list(kernel), "strides": list(call["stride"])}
    if isinstance(counts, int) and counts == math.prod(kernel) and not any(chain(*padding)):
        return _with_batch(call, lambda x: call.writer.node("AveragePool", [x], **windows))

    # ONNX counts otherwise where a window reaches over the border: so the sum of each window, divided by our count.
    def in_parts(x: Wire) -> Wire:
        mean = call.writer.node("AveragePool", [x], pads=_pads(padding), count_include_pad=1, **windows)
        return mean * (np.asarray(math.prod(kernel) / counts, np.float32))

    return _with_batch(call, in_parts)


def _with_batch(call: Call, pool: Callable[[Wire], Wire]) -> Wire:
    """Pooling of (N, C, …); an input without N gets one for the moment."""
    if len(call.sizes) == len(call["kernel"]) + 2:
        return pool(call.x(0, "f"))
    first = np.array([0], np.int64)
    alone = pool(call.writer.node("Unsqueeze", [call.x(0, "f"), first]))
    return call.writer.node("Squeeze", [alone, first])


# -- normalisation -------------------------------------------------------------------------------------------------


def _learnt(call: Call, i: int, shape: tuple, otherwise: int) -> Wire:
    """Weight or bias; without it the number that changes nothing."""
    return call.x(i, "f") if i < len(call.operands) else _all(call.writer, shape, otherwise)


def _all(writer: Writer, shape: tuple, x: int) -> Wire:
    """Ones, or zeros."""
    return writer.constant(np.full(shape, x, np.float32), f"{'ones' if x else 'zeros'} {list(map(int, shape))}")


def _last_axes(call: Call) -> tuple:
    """The sizes of the last axes that are measured together."""
    wanted = call["layout"].shape[1]
    n = next(n for n in range(len(call.sizes) + 1) if n and math.prod(call.sizes[-n:]) == wanted)
    return call.shape_of(call.operands[1]) if len(call.operands) > 1 else call.sizes[-n:]


def layer_norm(call: Call) -> Wire:
    """Each sample normalised over its last axes."""
    sizes = _last_axes(call)
    inputs = [call.x(0, "f"), _learnt(call, 1, sizes, 1), call.x(2, "f") if len(call.operands) > 2 else None]
    return call.writer.node("LayerNormalization", inputs, axis=-len(sizes), epsilon=float(call["eps"]))


def rms_norm(call: Call) -> Wire:
    """Divided by the root of the mean square over the last axes."""
    x, n = call.x(0, "f"), len(call.sizes)
    mean = reduced("ReduceMean", x * x, list(range(n - len(_last_axes(call)), n)), True)
    y = x / FUNCTIONS.sqrt(mean + float(call["eps"]))
    return y * call.x(1, "f") if len(call.operands) > 1 else y


def group_norm(call: Call) -> Wire:
    """Groups of channels: each normalised as if it were one channel, then weight and bias of each channel."""
    w, groups, sizes = call.writer, call["layout"].shape[1], call.sizes
    alone = w.reshaped(call.x(0, "f"), (sizes[0], groups, math.prod(sizes[1:]) // groups))
    unchanged = [_all(w, (groups,), x) for x in (1, 0)]
    y = w.node("InstanceNormalization", [alone, *unchanged], epsilon=float(call["eps"]))
    return _for_each_channel(call, w.reshaped(y, sizes))


def _for_each_channel(call: Call, y: Wire) -> Wire:
    """Times weight, plus bias, each (C,)."""
    shape = (sizes := call.sizes)[1:2] + (1,) * (len(sizes) - 2)
    beside = [call.x(i, "f") for i in range(1, len(call.operands))]
    if len(shape) > 1:
        beside = [call.writer.reshaped(p, shape) for p in beside]
    y = y * beside[0] if beside else y
    return y + beside[1] if len(beside) > 1 else y


def batch_norm(call: Call) -> Wire:
    """Each channel normalised: by what training has measured, or without that by this batch."""
    w, channels = call.writer, call.sizes[1:2]
    given = call.settings.get("given")
    if given is not None:
        measured = [w.constant(x, call.values.buffer(x), "f") for x in given]
        learnt = [_learnt(call, 1, channels, 1), _learnt(call, 2, channels, 0)]
        return w.node("BatchNormalization", [call.x(0, "f"), *learnt, *measured], epsilon=float(call["eps"]))
    x, axes = call.x(0, "f"), [axis for axis in range(len(call.sizes)) if axis != 1]
    apart = x - reduced("ReduceMean", x, axes, True)
    variance = reduced("ReduceMean", apart * apart, axes, True)
    return _for_each_channel(call, apart / FUNCTIONS.sqrt(variance + float(call["eps"])))


# -- sequences -----------------------------------------------------------------------------------------------------


def embedding(call: Call) -> Wire:
    """The rows of a table."""
    return call.writer.node("Gather", [call.x(0, "f"), call.value(call["index"], "i")], axis=0)


def attention(call: Call) -> Wire:
    """softmax(query @ keyᵀ · scale + mask) @ value, in each head by itself."""
    w, bias = call.writer, call["bias"]
    (q, q_shape), (k, k_shape), (v, v_shape) = _query_key_value(call)
    q, v = _heads(call, q, q_shape, ("time", "size"), "query"), _heads(call, v, v_shape, ("time", "size"), "value")
    k = _heads(call, k, k_shape, ("size", "time"), "key")
    scores = w.node("MatMul", [q, k], "scores") * float(call["scale"])
    if bias is not None:
        scores = scores + call.value(bias, "f")
    weights = w.node("Softmax", [scores], "weights", axis=-1)
    if bias is not None and _may_mask_all(bias):  # nobody to look at: -inf everywhere, and softmax is not a number
        n = len(call.shape_of(bias))
        nothing = reduced("ReduceMax", call.value(bias, "f"), [n - 1], True) == -math.inf
        weights = choose(nothing, 0.0, weights)
    y = w.node("MatMul", [weights, v], "gathered")
    if call["heads"] is None:
        return y
    rank = len(call.shape)
    perm = [*range(rank - 2), rank - 1, rank - 2, rank] if call["batch_first"] else [rank - 1, *range(rank - 1), rank]
    return w.reshaped(w.node("Transpose", [y], perm=perm), call.shape, "joined")


def _may_mask_all(bias: Any) -> bool:
    return isinstance(bias, Slot) or bool((np.asarray(bias) == -math.inf).all(axis=-1).any())


def _query_key_value(call: Call) -> list[tuple[Wire, tuple]]:
    """Query, key and value with their shapes: they may lie side by side in one array."""
    found: list[tuple[Wire, tuple]] = []
    for i, operand in enumerate(call.operands):
        n = 4 - len(call.operands) if i == len(call.operands) - 1 else 1
        shape = call.shape_of(operand)
        shape = (*shape[:-1], shape[-1] // n)
        x = call.x(i, "f")
        parts = [x] if n == 1 else call.writer.node("Split", [x], "split", outputs=n, axis=-1, num_outputs=n)
        found += [(part, shape) for part in parts]
    return found


def _heads(call: Call, x: Wire, shape: tuple, last: tuple, hint: str) -> Wire:
    """(…, time, heads · size) as (…, heads, time, size), or with the last two exchanged."""
    w, heads = call.writer, call["heads"]
    axes = {"time": len(shape) - 2, "size": len(shape) - 1}
    if heads is None:
        if last == ("time", "size"):
            return x
        return w.node("Transpose", [x], hint, perm=[*range(len(shape) - 2), axes["size"], axes["time"]])
    axes = {"time": len(shape) - 2 if call["batch_first"] else 0, "size": len(shape)}
    cut = w.reshaped(x, (*shape[:-1], heads, shape[-1] // heads), f"{hint}_heads")
    others = [a for a in range(len(shape) + 1) if a not in axes.values()]
    return w.node("Transpose", [cut], hint, perm=[*others, *(axes[name] for name in last)])


# The order of ONNX's gates among ours, and its letters for them.
GATES = {"LSTM": ([0, 3, 1, 2], "iofc"), "GRU": ([1, 0, 2], "zrh"), "RNN": ([0], "i")}


def _recurrent(operator: str, n_states: int, **settings: Any) -> Callable[[Call], Joined]:
    """A layer in one direction. The row gives all states (T, N, H), and below them the last: Y, Y_h and Y_c."""

    def write(call: Call) -> Joined:
        w, (order, letters) = call.writer, GATES[operator]
        weights = [_gates(call, i, order, letters) for i in (2, 3)]
        bias = _gates(call, 4, order, letters, 5) if len(call.operands) > 4 else None
        size, n_steps = call.shape_of(call.operands[3])[1], call.sizes[0]
        lengths = None if call["lengths"] is None else w.node(
            "Cast", [call.value(call["lengths"], "i")], "lengths", kind="i", to=6)  # fmt: skip # int32
        first = call.array(1)
        starts = [None] * n_states if first is not None and not first.any() else _first_states(call, n_states)
        y, *lasts = w.node(
            operator, [call.x(0, "f"), *weights, bias, lengths, *starts], outputs=1 + n_states, hidden_size=size,
            direction="reverse" if call["reverse"] else "forward", **settings,
        )  # fmt: skip
        y = w.node("Squeeze", [y, np.array([1], np.int64)], "states")  # the axis of directions
        return Joined(w, [(n_steps, y), *((1, last) for last in lasts)])

    return write


def _first_states(call: Call, n: int) -> list[Wire]:
    """Each (1, N, H), from one below the other."""
    if n == 1:
        return [call.x(1, "f")]
    return call.writer.node("Split", [call.x(1, "f")], "first_states", outputs=n, axis=0, num_outputs=n)


def _gates(call: Call, i: int, order: list[int], letters: str, j: int | None = None) -> Wire:
    """Weights or biases with the gates in ONNX's order, and an axis for the direction; j: what comes behind."""
    arrays = [call.array(k) for k in ((i,) if j is None else (i, j))]
    if any(x is None for x in arrays):
        raise Unsupported("its weights are computed from the input: they must be parameters, or numbers that stay")
    sorted_gates = [np.concatenate([np.split(x, len(order))[k] for k in order]) for x in arrays if x is not None]
    name = call.name(i) if j is None else call.name(i).replace("bias_ih", "bias")
    return call.writer.constant(np.concatenate(sorted_gates)[None], f"{name}.{letters}", "f")


FUSED: dict[str, Callable[[Call], Any]] = {
    "convolution": convolution, "max_pool": max_pool, "avg_pool": avg_pool, "layer_norm": layer_norm,
    "rms_norm": rms_norm, "group_norm": group_norm, "batch_norm": batch_norm, "embedding": embedding,
    "attention": attention, "lstm": _recurrent("LSTM", 2), "gru": _recurrent("GRU", 1, linear_before_reset=1),
    "rnn_tanh": _recurrent("RNN", 1, activations=["Tanh"]), "rnn_relu": _recurrent("RNN", 1, activations=["Relu"]),
}  # fmt: skip
