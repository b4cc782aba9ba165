"""The whole computation as a walk: each operation forwards, the seed, then each gradient on its way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from ..engine.graph import Node
from ..engine.visible import visible
from .opening import opens
from .reading import Reading
from .sentences import sentence_of_node, sentence_of_operation
from .trace import Record, Trace, trace_backward
from .words import amount, called
from .words import ordinal as ordinal  # viz/walk.py asks for it here

MOST_STEPS = 60  # of a walk whose arrows are taken one by one


@dataclass(frozen=True, eq=False)
class Step:
    """One moment of the walk: its sentence, and which texts of a picture change.

    phase: "forward", "seed" or "backward". node: what is computed, or what passes its gradient on. records: the edges
    of this step (none in "forward" and "seed", several where edges are grouped). texts: {(node, "data" or "grad"):
    what stands there after this step}.
    """

    phase: str
    sentence: str
    node: Node
    records: tuple[Record, ...] = ()
    texts: dict[tuple[Node, str], str] = field(default_factory=dict)

    @property
    def record(self) -> Record | None:
        """The edge of this step, if it is one edge."""
        return self.records[0] if len(self.records) == 1 else None

    @property
    def input(self) -> Node | None:
        """The node that receives, if it is one edge."""
        return self.record.input if self.record else None

    @property
    def position(self) -> int | None:
        """Which operand of `node` receives, if it is one edge."""
        return self.record.position if self.record else None

    def __repr__(self) -> str:
        return visible(f"<{self.phase}: {self.sentence}>")


@opens
def walkthrough(
    root: Node, names: Mapping[str, Any] | None = None, per: str = "auto", gradient: Any = None
) -> list[Step]:
    """The whole computation as steps: each operation forwards, the seed, then the edges backwards.

    names: variables whose names are used, usually `locals()`. per: "edge" or "node" for one backward step an edge or a
    node; "auto" takes edges as long as there are at most 60 steps. Errors as in `trace_backward`, and ValueError for
    another `per`.

    >>> from micrograd_plus import Value
    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> for step in walkthrough(t := a * b, {"t": t}):
    ...     print(step.phase, "|", step.sentence)
    forward | t = a*b = 2 × -3 = -6
    seed | t.grad = 1: t answers to itself one to one
    backward | a.grad += ∂t/∂a × t.grad = -3 × 1 = -3
    backward | b.grad += ∂t/∂b × t.grad = 2 × 1 = 2
    """
    if per not in ("auto", "edge", "node"):
        raise ValueError(f"per must be 'edge', 'node' or 'auto', got {per!r}")
    trace = trace_backward(root, names, gradient)
    forward = [_forward_step(node, trace.reading) for node in trace.reading.nodes if node.op is not None]
    if per == "auto":
        per = "edge" if len(forward) + 1 + len(trace) <= MOST_STEPS else "node"
    seed = Step("seed", _seed_sentence(trace, gradient), root, texts={(root, "grad"): amount(trace.seed)})
    return [*forward, seed, *(map(_edge_step, trace) if per == "edge" else _node_steps(trace))]


def _forward_step(node: Node, reading: Reading) -> Step:
    return Step("forward", sentence_of_operation(node, reading), node, texts={(node, "data"): amount(node)})


def _seed_sentence(trace: Trace, gradient: Any) -> str:
    root = called(trace.root, trace.reading)
    if gradient is not None:
        return f"{root}.grad = {amount(trace.seed)}: the gradient that backward was given to start from"
    return f"{root}.grad = 1: {root} answers to itself one to one"


def _edge_step(r: Record) -> Step:
    return Step("backward", r.sentence, r.node, (r,), {(r.input, "grad"): amount(r.after)})


def _node_steps(trace: Trace) -> Iterator[Step]:
    """The records grouped: one step for each node that passes its gradient on."""
    for node, group in groupby(trace, key=lambda r: r.node):
        records = tuple(group)
        texts = {(r.input, "grad"): amount(r.after) for r in records}
        yield Step("backward", sentence_of_node(records), node, records, texts)
