"""The backward pass as a list of records, one an edge: what arrives, the slope, and what the input's gradient becomes.

Nothing of the learner's is touched: the same products are computed on the side, in the engine's own order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..engine.graph import Node
from ..engine.value import Value
from ..engine.visible import visible
from .chain import contributions, local_slope, quiet
from .opening import opens
from .reading import Reading
from .sentences import sentence_of_edge
from .slopes import slope_formula
from .tables import SHOWN, more_than_shown, table_html, table_text
from .words import amount, called


@dataclass(slots=True, eq=False)
class Record:
    """One edge of the backward pass: `node` passes its gradient on to `input`, its operand number `position`.

    upstream: d root / d node, complete when it is used. slope: d node / d input through this operand; for Tensors an
    array that is multiplied number by number, or None where the row has only a pull-back. product: what `input`
    receives. before, after: the input's gradient around this step. arrival: 1 for the first to reach this input.
    """

    node: Node
    input: Node
    position: int
    upstream: Any
    slope: Any
    product: Any
    before: Any
    after: Any
    arrival: int
    reading: Reading = field(repr=False)

    @property
    def formula(self) -> str:
        """The slope in the learner's names, from the row's own rule: "∂(a*b)/∂a = b = 3"."""
        return slope_formula(self.node, self.position, self.reading)

    @property
    def sentence(self) -> str:
        """This step for a reader: "w.grad += ∂t/∂w × t.grad = 3 × 0.5 = 1.5 (second path: gradients add up to 4)"."""
        return sentence_of_edge(self)

    def __repr__(self) -> str:
        return visible(self.sentence)


class Trace:
    """The backward pass as a list of records, one an edge: print it, index it, or give `.rows` to pandas.

    seed: the gradient that the root begins with. records: in the order in which backward() works.
    """

    def __init__(self, reading: Reading, seed: Any, records: list[Record]):
        self.reading = reading
        self.root = reading.root
        self.seed = seed
        self.records = records

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: Any) -> Any:
        return self.records[index]

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One dict an edge, with names in place of nodes: `pandas.DataFrame(trace.rows)`."""
        return [
            {
                "step": step,
                "node": self.reading.name(r.node),
                "input": self.reading.name(r.input),
                "position": r.position,
                "upstream": r.upstream,
                "slope": r.slope,
                "formula": r.formula,
                "product": r.product,
                "before": r.before,
                "after": r.after,
                "sentence": r.sentence,
            }
            for step, r in enumerate(self.records, start=1)
        ]

    def replay(self) -> dict[Node, Any]:
        """Each node's gradient, added up from the records: what a fresh backward() puts into `.grad`.

        >>> a = Value(3.0, label="a")
        >>> trace_backward(a * a).replay()[a]
        6.0
        """
        grads: dict[Node, Any] = {node: node.no_gradient for node in self.reading.nodes}
        grads[self.root] = self.seed
        for r in self.records:
            grads[r.input] = r.product if grads[r.input] is None else grads[r.input] + r.product
        return grads

    def _lines(self) -> list[list[str]]:
        lines = []
        for step, r in enumerate(self.records[:SHOWN], start=1):
            slope = "pull-back" if r.slope is None else amount(r.slope)
            names = [called(r.node, self.reading), called(r.input, self.reading)]
            numbers = [amount(r.upstream), slope, amount(r.product), amount(r.before), amount(r.after)]
            lines.append([str(step), *names, *numbers, r.formula])
        return lines

    def _title(self) -> str:
        root = called(self.root, self.reading)
        steps = f"{len(self):,} step{'' if len(self) == 1 else 's'}"
        return f"Backward from {root}, {root}.grad = {amount(self.seed)}: {steps}"

    def __str__(self) -> str:
        table = table_text(_HEAD, self._lines(), left=(1, 2, 8))
        return visible("\n".join([self._title(), table, *more_than_shown(len(self), ".rows has them all")]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return table_html(self._title(), _HEAD, self._lines(), more_than_shown(len(self), ".rows has them all"))


_HEAD = ("step", "from", "to", "upstream", "slope", "product", "before", "after", "local slope")


@opens
def trace_backward(root: Node, names: Mapping[str, Any] | None = None, gradient: Any = None) -> Trace:
    """What backward() would do from `root`, edge by edge, computed on the side.

    names: variables whose names are used, usually `locals()`. gradient: as in `root.backward(gradient)`. No `.data` and
    no `.grad` is changed, gradients start from 0, and hooks don't run. TypeError for anything that is no node,
    RuntimeError where nothing is tracked, ValueError for a Tensor of several numbers without a gradient.

    >>> a, b = Value(2.0, label="a"), Value(3.0, label="b")
    >>> print(trace_backward(a * b))
    Backward from (a*b), (a*b).grad = 1: 2 steps
    step  from   to  upstream  slope  product  before  after  local slope
       1  (a*b)  a          1      3        3       0      3  ∂(a*b)/∂a = b = 3
       2  (a*b)  b          1      2        2       0      2  ∂(a*b)/∂b = a = 2
    """
    reading = Reading(root, names)
    seed = _seed(root, gradient)
    with quiet():
        return Trace(reading, seed, list(_records(reading, seed)))


def _records(reading: Reading, seed: Any) -> Iterator[Record]:
    """backward()'s loop, with the gradients in a dict in place of `.grad`."""
    grads: dict[Node, Any] = {node: node.no_gradient for node in reading.nodes}
    grads[reading.root] = seed
    arrivals = dict.fromkeys(reading.nodes, 0)
    for node in reversed(reading.nodes):
        upstream = grads[node]
        if node.op is None or upstream is None:
            continue
        for i, x, product in contributions(node, upstream):
            before = _zeros_like(product) if grads[x] is None else grads[x]
            grads[x] = product if grads[x] is None else grads[x] + product
            arrivals[x] += 1
            slope = local_slope(node, i)
            yield Record(node, x, i, upstream, slope, product, before, grads[x], arrivals[x], reading)


def _zeros_like(array: Any) -> Any:
    import numpy as np

    return np.zeros_like(array)


def _seed(root: Any, gradient: Any) -> Any:
    if not root.requires_grad:
        raise RuntimeError(
            f"there is no backward pass from {root!r:.80}: nothing that it was made from is tracked. "
            "Compute it from Values or Tensors with requires_grad=True, outside of no_grad()"
        )
    if gradient is not None:
        return root.as_gradient(gradient, "gradient")
    if getattr(root, "size", 1) != 1:
        raise ValueError(
            f"backward starts from one number, and this Tensor has shape {root.shape}: reduce it first "
            "(.sum() or .mean()), or give gradient= an array of that shape"
        )
    return 1.0 if isinstance(root, Value) else root.ones().numpy()
