"""How the hot rows write themselves into a program: with `out=`, into memory that stays, and shapes as views.

FORWARD[row](program, step) gives the result's variable; PULLS[row](program, step, i, g) what input i receives. Both may
give None: then the row is called as it is, by its own rule.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import array_ops, ops
from ..engine.array_ops import _kept
from ..engine.graph import Many, Op
from .array_tape import Slot, Step
from .expressions import NotWritten, write
from .variables import TAKEN, Var


def forward_of(op: Op) -> Callable | None:
    """What writes this row's forward pass."""
    if op in FORWARD:
        return _of_whole_precision(FORWARD[op])
    if hasattr(op, "summed"):
        return _of_whole_precision(_summed)
    if op is _cross_entropy_row():
        return _of_whole_precision(_cross_entropy)
    return _pointwise if _is_written(op) else None


def pull_of(op: Op) -> Callable | None:
    """What writes this row's pull-back."""
    if op in PULLS:
        return _of_whole_precision(PULLS[op])
    if hasattr(op, "summed"):
        return _summed_pull
    if op is _cross_entropy_row():
        return _cross_entropy_pull
    return _pointwise_pull if _is_written(op) else None


def _of_whole_precision(writer: Callable) -> Callable:
    """The writer, but for float16: there the rows themselves know to compute in float32."""

    def write_unless_half(program: Any, step: Step, *which: Any) -> Var | None:
        return None if program.like(step)[1].itemsize == 2 else writer(program, step, *which)

    return write_unless_half


def _is_written(op: Op) -> bool:
    """Whether the rules may be run on names: a student's own might ask what it is given, and answer otherwise."""
    return op.pointwise and not isinstance(op, Many) and op.forward.__module__.startswith("micrograd_plus.")


def _cross_entropy_row() -> Any:
    losses = sys.modules.get("micrograd_plus.nn.losses")
    return losses.fused_cross_entropy if losses else None


# -- number by number ------------------------------------------------------------------------------------------------


def _pointwise(program: Any, step: Step) -> Var | None:
    xs = program.operands(step)
    if xs is None:
        return None
    if step.function in OVER and (x := program.may_write_over(step)) is not None:
        return program.call(OVER[step.function], *([x, 0] if step.function is ops.relu else [x]), out=x)
    try:
        y = write(program, step.row.forward, *xs)
    except NotWritten:
        return None
    return y if isinstance(y, Var) and y.dtype.kind == "f" else None


def _pointwise_pull(program: Any, step: Step, i: int, g: Var) -> Var | None:
    xs, y = program.operands(step), program.var[step.y]
    if xs is None or g.dtype != y.dtype:
        return None
    try:
        slope = write(program, step.row.rules[i], y, *xs)
        alone = len(step.operands) == 1 and g.name in program.spare  # nobody else needs the gradient at the result
        return _times(program, g, slope, g if alone else None)
    except NotWritten:
        return None


def _times(program: Any, g: Var, slope: Any, out: Var | None) -> Var:
    if isinstance(slope, Var):
        return program.call(np.multiply, g, slope, out=out if slope.shape == g.shape or not slope.shape else None)
    if slope == 1:
        return g
    return program.call(np.negative, g) if slope == -1 else program.call(np.multiply, g, slope)


def _summed(program: Any, step: Step) -> Var | None:
    """scale · Σ row(x, t)."""
    xs = program.operands(step)
    if xs is None:
        return None
    try:
        terms = write(program, step.row.summed.forward, *xs)
    except NotWritten:
        return None
    name = program.result(step)
    reduce = program.bound(np.add.reduce, "add_reduce")
    program.write(f"{name} = {reduce}({terms.name}, None) * {step.settings['scale']!r}")
    return Var(name, (), terms.dtype)


def _summed_pull(program: Any, step: Step, i: int, g: Var) -> Var | None:
    xs = program.operands(step)
    if xs is None:
        return None
    try:
        slope = write(program, step.row.summed.rules[i], None, *xs)
    except NotWritten:
        return None
    return program.call(np.multiply, slope, _scaled(program, g, step.settings["scale"]))


def _scaled(program: Any, g: Var, scale: float) -> Var:
    name = program.fresh("g")
    program.write(f"{name} = {g.name} * {scale!r}")
    return Var(name, g.shape, g.dtype)


# -- shapes ----------------------------------------------------------------------------------------------------------


def _expand(program: Any, step: Step) -> Var | None:
    """Nothing to do: NumPy repeats by itself."""
    return program.variable(step.operands[0])


def _expand_pull(program: Any, step: Step, i: int, g: Var) -> Var | None:
    want, wide = program.like(step.operands[0])[0], program.like(step)[0]
    g = program.whole(g, wide)
    lead = tuple(range(len(wide) - len(want)))
    stretched = tuple(a for a, (n, small) in enumerate(zip(wide[len(lead) :], want, strict=True)) if small == 1 != n)
    if lead:
        g = program.reduced(np.add, g, lead, False)
    return program.reduced(np.add, g, stretched, True) if stretched else g


def _reshape(program: Any, step: Step) -> Var | None:
    return program.reshaped(program.whole_operand(step, 0), program.like(step)[0])


def _reshape_pull(program: Any, step: Step, i: int, g: Var) -> Var | None:
    return program.reshaped(program.whole(g, program.like(step)[0]), program.like(step.operands[0])[0])


def _transpose(program: Any, step: Step) -> Var | None:
    return program.transposed(program.whole_operand(step, 0), step.settings["axes"])


def _transpose_pull(program: Any, step: Step, i: int, g: Var) -> Var | None:
    axes = step.settings["axes"]
    back = tuple(sorted(range(len(axes)), key=axes.__getitem__))
    return program.transposed(program.whole(g, program.like(step)[0]), back)


def _is_slice(step: Step) -> bool:
    """Whether an index is made of slices and whole numbers alone, and none that came from an array."""
    index = step.settings["index"]
    plain = all(part is None or part is Ellipsis or type(part) in (int, slice) for part in index)
    return plain and len(list(step.reads)) == 1


def _getitem(program: Any, step: Step) -> Var | None:
    if not _is_slice(step):
        return None
    x, index = program.whole_operand(step, 0), step.settings["index"]
    shape, dtype = program.like(step)
    if x.memory is not None and shape:
        return program.view(x, x.memory[index], "part")
    name = program.result(step)
    program.write(f"{name} = {x.name}[{program.bound(index, 'index')}]")
    return Var(name, shape, dtype)


def _getitem_pull(program: Any, step: Step, i: int, g: Var) -> Var | None:
    """Added where it was taken from: no array of zeros for each part."""
    if not _is_slice(step):
        return None
    slot = step.operands[0].number
    sum_ = program.own_sum(slot)
    part = sum_.memory[step.settings["index"]]
    if not isinstance(part, np.ndarray):
        return None
    target = program.view(sum_, part, "part")
    program.write(f"{program.bound(np.add, 'add')}({target.name}, {g.name}, {target.name})")
    return TAKEN


# -- sums ------------------------------------------------------------------------------------------------------------


def _sum(program: Any, step: Step) -> Var | None:
    x = program.whole_operand(step, 0)
    axis, keepdims = step.settings["axis"], step.settings["keepdims"]
    if x.dtype.kind != "f" or not x.shape:
        return None
    y = program.reduced(np.add, x, axis, keepdims)
    if step.function is array_ops.mean:
        y = program.call(np.divide, y, array_ops._over(array_ops._count(_shaped(x), axis)))
    return y


def _sum_pull(program: Any, step: Step, i: int, g: Var) -> Var | None:
    shape = program.like(step.operands[0])[0]
    axis = step.settings["axis"]
    g = program.whole(g, program.like(step)[0])
    if not shape:
        return None
    if g.shape:
        g = program.reshaped(g, _kept(_Shape(shape), axis))
    if step.function is array_ops.mean:
        g = program.call(np.divide, g, array_ops._over(array_ops._count(_Shape(shape), axis)))
    return g


class _Shape:
    """What array_ops' helpers ask of an array."""

    def __init__(self, shape: tuple):
        self.shape, self.ndim, self.size = shape, len(shape), int(np.prod(shape))


def _shaped(x: Var) -> _Shape:
    return _Shape(x.shape)


def _softmax(program: Any, step: Step) -> Var | None:
    x, axis = program.whole_operand(step, 0), step.settings["axis"]
    if x.dtype.kind != "f" or not x.shape:
        return None
    e = program.call(np.exp, program.call(np.subtract, x, program.reduced(np.maximum, x, axis, True)))
    return program.call(np.divide, e, program.reduced(np.add, e, axis, True))


def _softmax_pull(program: Any, step: Step, i: int, g: Var) -> Var | None:
    y = program.var[step.y]
    if y.memory is None:
        return None
    g = program.whole(g, y.shape)
    total = program.reduced(np.add, program.call(np.multiply, g, y), step.settings["axis"], True)
    return program.call(np.multiply, y, program.call(np.subtract, g, total))


# -- products --------------------------------------------------------------------------------------------------------


def _linear(program: Any, step: Step) -> Var | None:
    xs = program.whole_operands(step)
    if xs is None:
        return None
    x, w, b = (*xs, None)[:3]
    if not isinstance(x, Var) or not isinstance(w, Var) or not x.shape or len(w.shape) != 2:
        return None
    shape, dtype = program.like(step)
    y = program.memory(shape, dtype)
    rows, flat = (y, x) if len(x.shape) < 3 else (program.reshaped(z, _as_rows(z.shape)) for z in (y, x))
    program.write(f"{flat.name}.dot({w.name}.T, {rows.name})")
    if b is not None:
        program.write(f"{program.bound(np.add, 'add')}({y.name}, {b.name}, {y.name})")
    return y


def _as_rows(shape: tuple) -> tuple:
    """All axes but the last made one."""
    return math.prod(shape[:-1]), shape[-1]


def _linear_pull(program: Any, step: Step, i: int, g: Var) -> Var | None:
    xs = program.whole_operands(step)
    if xs is None or not isinstance(xs[0], Var) or not isinstance(xs[1], Var) or not xs[0].shape:
        return None
    x, w = xs[:2]
    g = program.whole(g, program.like(step)[0])
    if len(x.shape) != 2:
        g = program.reshaped(g, _as_rows(g.shape))
    if i == 0:
        part = program.memory((*g.shape[:-1], w.shape[1]), g.dtype, "g")
        program.write(f"{g.name}.dot({w.name}, {part.name})")
        part = program.reshaped(part, x.shape) if len(x.shape) != 2 else part
        program.spare.add(part.name)
        return part
    if i == 1:
        x = x if len(x.shape) == 2 else program.reshaped(x, _as_rows(x.shape))
        return program.unshared_one(f"{g.name}.T.dot({x.name})", w.shape, g.dtype)
    ones = program.bound(array_ops._ones(g.shape[0], g.dtype), "ones")  # a sum over rows is ones @ g, and quicker
    return program.unshared_one(f"{ones}.dot({g.name})", g.shape[1:], g.dtype)


def _matmul(program: Any, step: Step) -> Var | None:
    xs = program.whole_operands(step)
    if xs is None or not all(isinstance(x, Var) and len(x.shape) > 1 for x in xs):
        return None
    a, b = xs
    y = program.memory(*program.like(step))
    program.write(f"{program.bound(np.matmul, 'matmul')}({a.name}, {b.name}, {y.name})")
    return y


def _matmul_pull(program: Any, step: Step, i: int, g: Var) -> Var | None:
    xs = program.whole_operands(step)
    if xs is None or not all(isinstance(x, Var) and len(x.shape) > 1 for x in xs):
        return None
    a, b = xs
    if a.shape[:-2] != b.shape[:-2]:  # repeated along the first axes
        return None
    g = program.whole(g, program.like(step)[0])
    left, right = (g, program.flipped(b)) if i == 0 else (program.flipped(a), g)
    y = program.memory(xs[i].shape, g.dtype, "g")
    program.write(f"{program.bound(np.matmul, 'matmul')}({left.name}, {right.name}, {y.name})")
    return y


# -- cross-entropy ---------------------------------------------------------------------------------------------------


def _is_plain(step: Step) -> bool:
    s = step.settings
    return s["weights"] is None and not s["smoothing"] and s["reduction"] in ("mean", "sum")


def _cross_entropy(program: Any, step: Step) -> Var | None:
    """Softmax and the logarithm in one, classes first, as the row itself does it."""
    x, labels = program.whole_operand(step, 0), step.settings["labels"]
    shape, dtype = program.like(labels) if isinstance(labels, Slot) else (labels.shape, labels.dtype)
    n, k = x.shape
    if not _is_plain(step) or len(shape) != 1 or dtype.kind not in "iu" or x.dtype.kind != "f" or not n:
        return None
    rows = program.bound(np.arange(n), "rows")
    mine = program.set_early(f"mine{step.y}", f"{program.text(labels)} * {n} + {rows}", labels)
    t = program.memory((k, n), x.dtype)
    program.write(f"{program.bound(np.copyto, 'copyto')}({program.view(t, t.memory.T, 'turned').name}, {x.name})")
    shifted = program.call(np.subtract, t, program.reduced(np.maximum, t, 0, False))
    picked = program.memory((n,), x.dtype)
    program.write(f"{program.reshaped(shifted, (n * k,)).name}.take({mine}, out={picked.name}, mode='clip')")
    e, own = program.call(np.exp, shifted), program.memory((n,), x.dtype)
    flat = program.reshaped(e, (n * k,))
    program.write(f"{flat.name}.take({mine}, out={own.name}, mode='clip')")
    program.write(f"{flat.name}[{mine}] = 0")
    others = program.reduced(np.add, e, 0, False)
    total = program.call(np.add, others, own)
    beyond_1 = program.call(np.add, others, program.call(np.subtract, own, 1))
    losses = program.call(np.subtract, program.call(np.log1p, beyond_1), picked)
    name = program.result(step)
    scale = "" if step.settings["reduction"] == "sum" else f" * {1 / n!r}"
    program.write(f"{name} = {program.bound(np.add.reduce, 'add_reduce')}({losses.name}){scale}")
    program.kept[step.y] = (e, others, total, mine)
    return Var(name, (), x.dtype)


def _cross_entropy_pull(program: Any, step: Step, i: int, g: Var) -> Var | None:
    if step.y not in program.kept:
        return None
    e, others, total, mine = program.kept[step.y]
    k, n = e.shape
    slopes = program.memory(e.shape, e.dtype, "g")
    flat = program.reshaped(slopes, (n * k,))
    program.write(f"{program.bound(np.divide, 'divide')}({e.name}, {total.name}, {slopes.name})")
    right = program.call(np.divide, others, program.call(np.negative, total))
    program.write(f"{flat.name}[{mine}] = {right.name}")
    scaled = g if step.settings["reduction"] == "sum" else _scaled(program, g, 1 / n)
    program.write(f"{program.bound(np.multiply, 'multiply')}({slopes.name}, {scaled.name}, {slopes.name})")
    return program.view(slopes, slopes.memory.T, "turned")


# Rows whose pull-backs need their result alone, and so may be written over their operand (relu: y > 0 where x > 0).
OVER = {ops.relu: np.maximum, ops.tanh: np.tanh, ops.exp: np.exp}

FORWARD: dict[Any, Callable] = {
    array_ops.expand: _expand, array_ops.reshape: _reshape, array_ops.transpose: _transpose,
    array_ops.getitem: _getitem, array_ops.sum_: _sum, array_ops.mean: _sum, array_ops.softmax: _softmax,
    array_ops.linear: _linear, array_ops.matmul: _matmul,
}  # fmt: skip
PULLS: dict[Any, Callable] = {
    array_ops.expand: _expand_pull, array_ops.reshape: _reshape_pull, array_ops.transpose: _transpose_pull,
    array_ops.getitem: _getitem_pull, array_ops.sum_: _sum_pull, array_ops.mean: _sum_pull,
    array_ops.softmax: _softmax_pull, array_ops.linear: _linear_pull, array_ops.matmul: _matmul_pull,
}  # fmt: skip
