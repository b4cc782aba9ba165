"""Why a number is not finite where its operands were, in words: what happened, why, and what to do about it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..engine.graph import Node, Op
from .finite import first_bad, is_array, is_bad, numbers_seen_by, short, summary

LISTED = 4  # operands that a message lists; a sum may have hundreds


@dataclass(frozen=True)
class Seen:
    """An operand as a message speaks of it: its name, and the numbers that the op saw."""

    name: str
    numbers: Any
    is_leaf: bool
    is_node: bool

    def shown(self, index: tuple | None) -> str:
        """ "x[0, 2] = 0" at one place of a pointwise op, "x of shape …" as a whole."""
        if not is_array(self.numbers):
            return f"{self.name} = {short(self.numbers)}" if self.is_node else short(self.numbers)
        if index is None:
            return f"{self.name} {summary(self.numbers)}"
        return f"{self.name}{list(index)} = {short(self.numbers[index])}"


def name_in_message(x: Any) -> str:
    """What a message calls an operand: its label, or what made it."""
    if not isinstance(x, Node):
        return "an array" if is_array(x) else f"the number {x}"
    if x.label:
        return x.label
    return f"the result of `{x.op.name}`" if x.op is not None else f"a {type(x).__name__} without a label"


def birth(op: Op, operands: tuple, xs: tuple, y: Any, name: Callable) -> tuple[str, str, str]:
    """(what, why, what to do) for a result y that isn't finite, of operands that had the numbers xs.

    name: what to call an operand, a function.
    """
    index = first_bad(y) if is_array(y) and op.pointwise else None
    seen = [
        Seen(name(o), x, not isinstance(o, Node) or o.op is None, isinstance(o, Node))
        for o, x in zip(operands, xs, strict=True)
        if x is not None
    ]
    culprits = [o for o in seen if is_bad(_at(o.numbers, index))]
    listed = (culprits + [o for o in seen if o not in culprits])[:LISTED] if len(seen) > LISTED else seen
    more = f" and {len(seen) - len(listed)} more" if len(seen) > len(listed) else ""
    what = f"`{op.name}` gave {_result(y)}, from {', '.join(o.shown(index) for o in listed)}{more}"
    if culprits:
        return what, *_came_in(op, culprits[0], y)
    return what, *_why_forward(op, [_at(o.numbers, index) for o in seen], _at(y, index))


def _at(x: Any, index: tuple | None) -> Any:
    """The number at this place of an array; x as a whole without a place, or where it is a number."""
    return x[index] if index is not None and is_array(x) else x


def _result(y: Any) -> str:
    return f"an array {summary(y)}" if is_array(y) else short(y)


def _came_in(op: Op, culprit: Seen, y: Any) -> tuple[str, str]:
    """Why and what to do where an operand wasn't finite already."""
    what = f"{culprit.name} was not finite already"
    if not culprit.is_leaf:
        made = is_bad(culprit.numbers, nan_only=True)
        meets = "" if made or not is_bad(y, nan_only=True) else f": {_meeting(op)} is not a number"
        return what + meets, "look at how it was computed: run that inside detect_anomaly() as well"
    return (
        f"{what}: it came in with the data, or an earlier step of training had ruined it",
        "look for gaps in the data with np.isfinite(x).all(); if it is a weight, start anew with a lower learning rate",
    )


def _meeting(op: Op) -> str:
    return {"add": "inf - inf", "sub": "inf - inf", "sum": "inf - inf", "div": "inf / inf", "mul": "0 × inf"}.get(
        op.name, "what comes of infinities here"
    )


_TOO_LARGE = "lower the learning rate, clip the gradients, or scale the inputs to about -1 to 1"
_EXP = "subtract the largest number first, as logsumexp, softmax and cross_entropy do"


def _why_forward(op: Op, xs: list, y: Any) -> tuple[str, str]:
    """Why an operation of finite numbers gave one that isn't, and what to do."""
    largest = f"no {_dtype(y)} is larger than {_limit(y):.3g}"
    if op.name in ("log", "log1p"):
        edge = 0.0 if op.name == "log" else -1.0
        if xs[0] == edge:
            return f"the logarithm goes to minus infinity at {edge:g}", (
                "add a small constant, log(x + 1e-12), or use a loss that starts from logits, as cross_entropy does"
            )
        return "a negative number has no real logarithm", "clip it first, x.clip(min=1e-12), or look why it is negative"
    if op.name in ("exp", "expm1", "sinh", "cosh"):
        return f"exp of more than {math.log(_limit(y)):.4g} overflows: {largest}", _EXP
    if op.name == "div" and xs[1] == 0:
        return ("0 / 0" if xs[0] == 0 else "a division by 0") + " has no finite result", (
            "add a small constant to the divisor, as in x / (norm + 1e-12), or look why it is 0"
        )
    if op.name == "sqrt":
        return "a negative number has no real square root", "clip it first, x.clip(min=0), or look why it is negative"
    if op.name == "pow" and xs[0] == 0:
        return "0 to a negative power is a division by 0", "add a small constant: (x + 1e-12) ** p"
    if op.name == "pow" and xs[0] < 0 and y != y:
        return "a negative number has no real root", "use abs(x) ** p, or look why it is negative"
    if op.name in ("mean", "var", "std", "squared_error", "cross_entropy") and y != y:
        return "there are too few numbers to divide by: a mean of none, or a spread of one", (
            "look at the shape of what goes in; for one number var(correction=0) is 0"
        )
    return f"the result is too large: {largest}", _TOO_LARGE


def _dtype(y: Any) -> str:
    return str(y.dtype) if hasattr(y, "dtype") and not isinstance(y, float) else "float"


def _limit(y: Any) -> float:
    """The largest number of y's dtype."""
    if not hasattr(y, "dtype"):
        return sys.float_info.max
    import numpy as np

    return float(np.finfo(y.dtype).max)


def birth_of_gradient(node: Node, i: int, g: Any, part: Any, name: Callable) -> tuple[str, str, str]:
    """(what, why, what to do) for a part of input i's gradient that isn't finite, though g, what arrived, is."""
    op: Any = node.op
    xs = numbers_seen_by(node)
    x = name(node.operands[i])
    index = first_bad(part) if is_array(part) and op.pointwise else None
    operands = [
        Seen(name(o), n, True, isinstance(o, Node)).shown(index)
        for o, n in zip(node.operands, xs, strict=True)
        if n is not None
    ]
    got = short(part[index]) if index is not None else summary(part)
    place = f"{x}{list(index)}" if index is not None else x
    arrived = short(_at(g, index)) if index is not None or not is_array(g) else summary(g)
    what = (
        f"in backward, `{op.name}` of {', '.join(operands[:LISTED])} gave {place} the gradient {got}; {arrived} arrived"
    )
    return what, *_why_backward(op, [_at(n, index) for n in xs], _at(part, index))


def _why_backward(op: Op, xs: list, part: Any) -> tuple[str, str]:
    """Why a finite gradient became one that isn't, and what to do."""
    steep = "and infinity times an arriving 0 is nan" if is_bad(part, nan_only=True) else "so the gradient is infinite"
    scalar = op.pointwise and not any(map(is_array, xs))
    if op.name == "sqrt" and scalar and xs[0] == 0:
        return f"the square root is infinitely steep at 0, {steep}", "add a small constant inside: sqrt(x + 1e-12)"
    if op.name == "pow" and scalar and xs[0] == 0:
        return f"x**{short(xs[1])} is infinitely steep at 0, {steep}", "add a small constant: (x + 1e-12) ** p"
    if op.name in ("log", "log1p", "div") and scalar:
        return f"the slope of `{op.name}` grows without bound near 0, {steep}", (
            "add a small constant to what is divided by or taken the logarithm of"
        )
    return "the slope times what arrived is more than a float can hold", _TOO_LARGE
