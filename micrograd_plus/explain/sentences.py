"""The sentences of a walk through a computation: one for an operation, one for what it passes back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..engine.graph import Many, Node
from ..engine.value import Value
from .known import Known, is_equal, run_on_known
from .pull_backs import reason, what_is_received
from .reading import Reading
from .slopes import ratio
from .words import amount, called, ordinal

if TYPE_CHECKING:
    from .trace import Record

LONGEST_RATIO = 30  # letters of ∂(a*b)/∂a that still help in a sentence
LONGEST_NUMBERS = 60  # letters of a calculation such as 2 × -3 + 10 that still help a reader
CLAUSES = 6  # edges that one sentence lists

# -- backward ----------------------------------------------------------------------------------------------------


def sentence_of_edge(r: Record) -> str:
    """What one input receives: "w.grad += ∂t/∂w × t.grad = 3 × 0.5 = 1.5 (second path: gradients add up to 4)"."""
    why = _why(r)
    return f"{called(r.input, r.reading)}.grad += {_calculation(r)}" + (f" ({'; '.join(why)})" if why else "")


def sentence_of_node(records: Sequence[Record]) -> str:
    """All that one node passes on: "t passes its gradient 1 on: a.grad += -3 × 1 = -3; b.grad += …"."""
    r = records[0]
    parts = [f"{called(r.input, r.reading)}.grad += {_short_calculation(r)}" for r in records[:CLAUSES]]
    if len(records) > CLAUSES:
        parts.append(f"and {len(records) - CLAUSES:,} more")
    return f"{called(r.node, r.reading)} passes its gradient {amount(r.upstream)} on: {'; '.join(parts)}"


def _short_calculation(r: Record) -> str:
    if r.slope is None or getattr(r.product, "size", 1) != 1:
        return _calculation(r)
    return f"{amount(r.slope)} × {amount(r.upstream)} = {amount(r.product)}"


def _calculation(r: Record) -> str:
    """Slope × upstream = product; for arrays what the rule does, and the shape that comes out."""
    upstream = f"{called(r.node, r.reading)}.grad"
    if r.slope is None:
        return f"{what_is_received(r)}{_outcome(r.product)}"
    derivative = ratio(r.node, r.position, r.reading)
    if len(derivative) > LONGEST_RATIO:
        derivative = "local slope"
    if getattr(r.product, "size", 1) == 1:
        return f"{derivative} × {upstream} = {amount(r.slope)} × {amount(r.upstream)} = {amount(r.product)}"
    return f"{derivative} × {upstream}, number by number{_outcome(r.product)}"


def _outcome(product: Any) -> str:
    return f" = {amount(product)}" if product.size == 1 else f", shape {product.shape}"


def _why(r: Record) -> list[str]:
    """What a newcomer would ask at this step."""
    why = []
    if not _any(r.upstream):
        why.append(f"nothing arrives at {called(r.node, r.reading)}, so nothing passes")
    elif r.slope is not None and not _any(r.slope):
        why.append(_closed(r))
    elif r.node.op.name in ("tanh", "sigmoid") and _all_below(r.slope, 0.01):  # type: ignore[union-attr]
        why.append(f"{r.node.op.name} is nearly flat here: little passes")  # type: ignore[union-attr]
    if (pulled := reason(r)) is not None:
        why.append(pulled)
    if r.arrival > 1:
        total = f" to {amount(r.after)}" if getattr(r.after, "size", 1) == 1 else ""
        why.append(f"{ordinal(r.arrival)} path: gradients add up{total}")
    return why


def _closed(r: Record) -> str:
    """Why a slope is 0."""
    if r.node.op.name == "relu":  # type: ignore[union-attr]
        return "the ReLU is off: nothing passes"
    return f"{called(r.node, r.reading)} does not change with {called(r.input, r.reading)} here: nothing passes"


def _any(x: Any) -> bool:
    return bool(x.any()) if hasattr(x, "any") else x != 0


def _all_below(x: Any, limit: float) -> bool:
    small = abs(x) < limit
    return bool(small.all()) if hasattr(small, "all") else small


# -- forward -----------------------------------------------------------------------------------------------------


def sentence_of_operation(node: Any, reading: Reading) -> str:
    """t = a*b = 2 × -3 = -6: name, expression, the same with numbers, result. Arrays: the shapes."""
    parts = [reading.expressions[node][0]]
    if reading.is_named(node):
        parts.insert(0, reading.name(node))
    if not isinstance(node, Value):
        return f"{' = '.join(parts)}: {_shapes(node)}" + (f" = {amount(node)}" if node.size == 1 else "")
    told = _with_numbers(node)
    if told is not None and not is_equal(told.number, node.data):
        return f"{' = '.join(parts)} = {amount(node.data)} (.data was changed since this was computed)"
    if told is not None and len(told.text) <= LONGEST_NUMBERS:
        if parts[-1].replace(" ", "") == told.text.replace(" ", "") and len(parts) > 1:
            parts.pop()  # nothing had a name: the numbers say it all
        if parts[-1].replace(" ", "") != told.text.replace(" ", ""):
            parts.append(re.sub(r"(?<!\*)\*(?!\*)", " × ", told.text))
    result = amount(node.data)
    return " = ".join(parts if parts[-1] == result and len(parts) > 1 else [*parts, result])


def _with_numbers(node: Any) -> Any:
    """The row's own rule run on its operands' numbers, as text and number."""
    numbers = [x.data if isinstance(x, Node) else x for x in node.operands]
    xs = [Known.of(x) for x in numbers]
    return run_on_known(node.op.forward, xs) if isinstance(node.op, Many) else run_on_known(node.op.forward, *xs)


def _shapes(node: Any) -> str:
    shapes = [getattr(x, "shape", ()) for x in node.operands]
    made_from = f" {node.op.symbol} ".join(map(str, shapes)) if node.op.symbol != node.op.name else _few(shapes)
    return f"shape {made_from} → {node.shape}"


def _few(shapes: list) -> str:
    shown = [str(shape) for shape in shapes[:4]]
    return ", ".join([*shown, "…"] if len(shapes) > 4 else shown)
