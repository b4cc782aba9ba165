"""The walk through a computation: what happens at each step, and how it is said.

Python writes every sentence once, with holes where numbers stand; `stepper.js` fills the same holes. So when a learner
changes a number in the page, the sentences speak of the new one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from ..engine.graph import Many, Node, order
from ..engine.value import Value
from ..explain.code import CodeError, expression, rule_keys, rules_as_javascript
from ..explain.reading import Reading, as_written, number_text
from ..explain.steps import Record, called, ordinal, trace_backward, walkthrough
from . import numbers
from .folding import Folding
from .outdated import is_outdated
from .scheme import WITH_LABELS, Telling

MOST = 400  # nodes that are laid out one by one
LISTED = 6  # names that are written out in one sentence
LONGEST = 14  # letters of an expression that still serves as a name in one
LONGEST_FORMULA = 44  # letters of a slope's formula that still explain something

Parts = list[Any]  # a sentence: pieces of text, and holes such as ["slope", 3] for the slope of edge 3


class Moment(NamedTuple):
    """One step. main, why and sum are its sentences: what happens, why, and how gradients add up."""

    phase: str  # "forward", "seed", "backward" or "done"
    main: Parts
    why: Parts = []  # noqa: RUF012 - only read
    sum: Parts = []  # noqa: RUF012
    node: int = -1  # what is computed, or what passes its gradient on
    edges: tuple[int, ...] = ()
    module: str = ""  # the path of the module in which this happens


# When a sentence needs a word more: from what arrives at the node, and the slope. They run in the page too, as
# JavaScript, so they are written as the rules of the table are.
TESTS: dict[str, Callable] = {
    "stopped": lambda up, slope: up == 0,
    "closed": lambda up, slope: (up != 0) & (slope == 0),
    "flat": lambda up, slope: (up != 0) & (slope != 0) & (slope < 0.01) & (slope > -0.01),
}


class Walk:
    """All steps of one computation, with their numbers.

    nodes: inputs before their users. edges: in the order in which backward goes. numbers: what the holes of the
    sentences are filled with; "data" and "grad" by node, "slope", "product", "before" and "after" by edge.
    """

    def __init__(self, root: Any, names: Mapping[str, Any] | None, per: str):
        _check_size(root)
        names = _with_names_for_leaves(root, names)
        trace = trace_backward(root, names)
        self.root, self.reading, self.edges = trace.root, trace.reading, trace.records
        self.nodes = self.reading.nodes
        self.place = {node: k for k, node in enumerate(self.nodes)}
        self.as_written = as_written(self.root)
        self.leaves = [self.place[node] for node in self.as_written if node.op is None]
        self.scalar = isinstance(root, Value)
        self.uses = [0] * len(self.nodes)
        for r in self.edges:
            self.uses[self.place[r.input]] += 1
        self.telling = Telling(self.reading)
        self.folding = Folding(self.reading)
        self.per = per if per != "auto" else "edge" if len(self.nodes) <= WITH_LABELS else "node"
        self.outdated = {node for node in self.nodes if is_outdated(node)} if self.scalar else set()
        self.numbers = self._numbers(trace.seed)
        self.rules, self.why_not = self._rules()
        self.moments = list(self._moments(names))

    def name(self, node: Node) -> str:
        """What a node is called in a sentence: short, since the picture shows which one is meant."""
        short = self.reading.short_names.get(node)
        expressed = short or called(node, self.reading)
        if short or len(expressed) <= LONGEST or node.op is None:
            return expressed
        if not _is_infix(node.op, node.operands):
            return f"{node.op.name}(…)"
        named = [self.reading.short_names.get(x, "…") if isinstance(x, Node) else number_text(x) for x in node.operands]
        return f"({f' {node.op.symbol} '.join(name if len(name) <= LONGEST / 2 else '…' for name in named)})"

    def full_name(self, node: Node) -> str:
        """What a node is called where no picture helps: a parameter by its path."""
        return self.reading.own_names.get(node) or self.name(node)

    def module(self, node: Node) -> str:
        """The path of the module that made a node: "layers.0.neurons.1"."""
        owner = self.folding.owner(node)
        return owner.path if owner else ""

    # -- numbers

    def _numbers(self, seed: Any) -> dict[str, list]:
        written = float if self.scalar else _array_text
        grads: list[Any] = [written(node.no_gradient) for node in self.nodes]
        grads[self.place[self.root]] = written(seed)
        for r in self.edges:
            grads[self.place[r.input]] = written(r.after)
        return {
            "data": [node.data if self.scalar else self.telling.data(node)[5:] for node in self.nodes],  # after "data "
            "grad": grads,
            "slope": [float(r.slope) if self.scalar else "" for r in self.edges],
            "product": [written(r.product) for r in self.edges],
            "before": [written(r.before) for r in self.edges],
            "after": [written(r.after) for r in self.edges],
        }

    def data_text(self, x: Any) -> str:
        """The second row of a box."""
        return f"data {number(x)}"

    def grad_text(self, k: int, x: Any) -> str:
        """The third row of a box."""
        return f"grad {number(x)}" if self.nodes[k].requires_grad else "no grad needed"

    # -- steps

    def _moments(self, names: Mapping[str, Any]) -> Iterator[Moment]:
        yield self._given()
        if self.scalar:
            yield from (self._computed(node) for node in self.as_written if node.op is not None)
            yield self._seeded()
            yield from map(self._by_edge, range(len(self.edges))) if self.per == "edge" else self._by_node()
        else:  # explain/steps.py tells what happens to arrays: nothing of it can be changed in the page
            edge_of = {(r.node, r.position): e for e, r in enumerate(self.edges)}
            for step in walkthrough(self.root, names, self.per):
                edges = tuple(edge_of[r.node, r.position] for r in step.records)
                yield Moment(step.phase, [step.sentence], [], [], self.place[step.node], edges, self.module(step.node))
        yield self._done()

    def _given(self) -> Moment:
        shown = self.leaves
        parameters = [k for k in self.leaves if self.reading.kind(self.nodes[k]) == "parameter"]
        if len(shown) > LISTED and parameters:
            shown = [k for k in self.leaves if k not in parameters]
        main = self._list(shown, lambda k: [f"{self.full_name(self.nodes[k])} = ", ["data", k]])
        if len(shown) < len(self.leaves):
            main += [f"{', and ' if shown else ''}{len(parameters)} parameters"]
        return Moment("forward", main, ["These are given. Forward computes all the rest from them, box by box."])

    def _computed(self, node: Node) -> Moment:
        k = self.place[node]
        expressed = self.reading.expressions[node][0]
        head = f"{self.reading.short_names[node]} = {expressed}" if self.reading.is_named(node) else expressed
        main = [f"{head} = ", *self._calculation(node), " = ", ["data", k]]
        why = []
        if node in self.outdated:
            main = [f"{head} = ", ["data", k]]
            why = ["That was computed before a .data was changed; the gradient is that of the pass that ran."]
        return Moment("forward", main, why, node=k, module=self.module(node))

    def _calculation(self, node: Node) -> Parts:
        """The operation with numbers in place of names: 2 × -3."""
        op: Any = node.op
        xs: Parts = [["data", self.place[x]] if isinstance(x, Node) else number_text(x) for x in node.operands]
        if op.name == "neg":
            return ["-(", *xs, ")"]
        if isinstance(op, Many) and op.name == "sum":
            return _joined(xs, " + ") if len(xs) <= LISTED else [f"{len(xs)} numbers added up"]
        if _is_infix(op, xs):
            if op.name == "pow" and isinstance(xs[0], list):
                xs[0] = ["base", xs[0][1]]
            return _joined(xs, "**" if op.name == "pow" else " × " if op.name == "mul" else f" {op.symbol} ")
        return [f"{op.name}(", *_joined(xs, ", "), ")"]

    def _seeded(self) -> Moment:
        y, k = self.name(self.root), self.place[self.root]
        why = f"Backward starts at the result: when {y} changes, {y} changes just as much. Now gradients flow back."
        return Moment("seed", [f"{y}.grad = ∂{y}/∂{y} = ", ["grad", k]], [why], node=k)

    def _by_edge(self, e: int) -> Moment:
        r = self.edges[e]
        x, y, ratio = self.name(r.input), self.name(r.node), self._ratio(r)
        main = [f"{x}.grad += {ratio} × {y}.grad = ", *self._product(e)]
        formula = self._formula(r)
        why = [f"{ratio} = {formula} = " if formula else f"{ratio} = ", ["slope", e]]
        if r.node in self.outdated:
            why.append(", taken in the forward pass (.data was changed since)")
        article = "the " if self._this(r) != x else ""
        why += [f". When {article}{self._this(r)} changes a little, {y} changes ", ["slope", e], " times as much"]
        if r.node is not self.root:  # the chain rule in words
            why += [f", and {self.name(self.root)} ", ["grad", self.place[r.node]], f" times as much as {y}"]
        why += [".", *self._remarks(e)]
        return Moment("backward", main, why, self._adding_up(e), self.place[r.node], (e,), self.module(r.node))

    def _product(self, e: int) -> Parts:
        return [["slope", e], " × ", ["grad", self.place[self.edges[e].node]], " = ", ["product", e]]

    def _remarks(self, e: int) -> Parts:
        """What a newcomer would ask where little or nothing passes."""
        r = self.edges[e]
        x, y, op = self.name(r.input), self.name(r.node), r.node.op.name  # type: ignore[union-attr]
        closed = " The ReLU is off: nothing passes." if op == "relu" else f" Here {y} doesn't change with {x} at all."
        remarks = [
            ["if", "stopped", e, [f" But nothing arrives at {y}, so nothing passes."]],
            ["if", "closed", e, [closed]],
        ]
        if op in ("tanh", "sigmoid"):
            remarks.append(["if", "flat", e, [f" {op} is nearly flat here: little passes."]])
        return remarks

    def _adding_up(self, e: int) -> Parts:
        r = self.edges[e]
        x, uses = self.name(r.input), self.uses[self.place[r.input]]
        if uses == 1:
            return []
        if r.arrival == 1:
            return [f"{x} is used in {uses} places: this is the first of {uses} gradients that come back to it."]
        last = f"{x} is used in {uses} places, and each one counts. The {ordinal(r.arrival)} gradient is added: "
        return [last, *self._total(e), "."]

    def _ratio(self, r: Record) -> str:
        """∂t/∂a; ∂t/∂(second a) where a is an operand more than once: each place has a slope of its own."""
        this = self._this(r)
        return f"∂{self.name(r.node)}/∂{f'({this})' if this != self.name(r.input) else this}"

    def _this(self, r: Record) -> str:
        x = self.name(r.input)
        if sum(r.input is other for other in r.node.operands) == 1:
            return x
        return f"{ordinal(sum(r.input is other for other in r.node.operands[: r.position + 1]))} {x}"

    def _formula(self, r: Record) -> str:
        """The slope's rule in the learner's names; "" where it is a number, or can't be written."""
        op: Any = r.node.op
        if isinstance(op, Many) or r.node in self.outdated:
            return ""
        names = [self.name(x) if isinstance(x, Node) else x for x in r.node.operands]
        try:
            text = expression(op.rules[r.position], self.name(r.node), *names)
        except CodeError:  # a row of the learner's own, written with an if
            return ""
        text = re.sub(r"\*\*1(?![.\d])", "", text)  # the slope of x**2 is 2 * x**1
        text = re.sub(r"\d+\.\d{4,}", lambda digits: number(float(digits[0])), text)
        return "" if _is_number(text) or len(text) > LONGEST_FORMULA or " if False " in text else text

    def _by_node(self) -> Iterator[Moment]:
        """One step for all that a node passes on; where that is one arrow, the step of the arrow."""
        for node, group in groupby(range(len(self.edges)), key=lambda e: self.edges[e].node):
            edges = list(group)
            yield self._by_edge(edges[0]) if len(edges) == 1 else self._pushed(node, edges)

    def _pushed(self, node: Node, edges: list[int]) -> Moment:
        k = self.place[node]
        to = lambda e: self.name(self.edges[e].input)
        receivers = self._list(edges, lambda e: [to(e)])
        main = [f"{self.name(node)} passes its gradient ", ["grad", k], " back to ", *receivers]
        why = self._list(edges, lambda e: [f"{to(e)}.grad += ", *self._product(e)], "; ")
        later = [e for e in edges if self.edges[e].arrival > 1]
        adding = self._list(later, lambda e: [f"{to(e)}: ", *self._total(e)], "; ")
        adding = ["Gradients add up. ", *adding] if later else []
        return Moment("backward", main, why, adding, k, tuple(edges), self.module(node))

    def _total(self, e: int) -> Parts:
        plus, equals = (f"\u00a0{sign}\u00a0" for sign in "+=")  # spaces at which no line is broken
        return [["before", e], plus, ["product", e], equals, ["after", e]]

    def _done(self) -> Moment:
        leaves = [k for k in self.leaves if self.nodes[k].requires_grad]
        leaves.sort(key=lambda k: self.reading.kind(self.nodes[k]) != "parameter")  # these are what training changes
        main = ["Done: ", *self._list(leaves, lambda k: [f"{self.full_name(self.nodes[k])}.grad = ", ["grad", k]])]
        if not self.scalar:
            return Moment("done", main, ["Every gradient is complete."])
        first, y = leaves[0], self.name(self.root)
        why = [f"So when {self.full_name(self.nodes[first])} changes a little, {y} changes ", ["grad", first]]
        return Moment("done", main, [*why, " times as much. That is what a gradient says."])

    def _list(self, things: list[int], say: Callable[[int], Parts], between: str = ", ") -> Parts:
        """`say` of each; where there are more than LISTED, of the first few."""
        shown = things if len(things) <= LISTED else things[: LISTED // 2]
        parts: Parts = []
        for thing in shown:
            parts += [*([between] if parts else []), *say(thing)]
        return parts + ([f"{between}and {len(things) - len(shown)} more"] if len(shown) < len(things) else [])

    def sentences(self, why: bool = True) -> list[str]:
        """Each moment as plain text; without `why`, only what happens."""
        sentences = []
        for moment in self.moments:
            parts = (moment.main, moment.why, moment.sum) if why else (moment.main, moment.sum)
            texts = [self.filled(part).replace("\u00a0", " ") for part in parts if part]
            sentences.append(" ".join(text if text.endswith(".") else f"{text}." for text in texts))
        return sentences

    def filled(self, parts: Parts) -> str:
        """A sentence with its numbers. `fill` in stepper.js does the same."""
        return "".join(part if isinstance(part, str) else self._hole(*part) for part in parts)

    def _hole(self, kind: str, *which: Any) -> str:
        if kind == "if":
            test, e, parts = which
            up = self.numbers["grad"][self.place[self.edges[e].node]]
            return self.filled(parts) if TESTS[test](up, self.numbers["slope"][e]) else ""
        if kind == "base":  # (-3)**2
            text = number(self.numbers["data"][which[0]])
            return f"({text})" if text.startswith("-") else text
        return number(self.numbers[kind][which[0]])

    # -- for the page

    def _rules(self) -> tuple[str, str]:
        """The rows as JavaScript, or the reason why the page can't compute."""
        if not self.scalar:
            return "", "The numbers of arrays can't be changed here; those of Values can (model.scalar_twin())."
        if self.outdated:
            return "", "The numbers can't be changed here: some .data was changed after the forward pass. Run it again."
        try:
            return rules_as_javascript(self.nodes), ""
        except CodeError as error:
            return "", f"The numbers can't be changed here: {error}."

    def told(self) -> dict[str, Any]:
        """All that the page needs, ready for JSON."""
        keys: Mapping = rule_keys(self.nodes) if self.rules else {}
        texts: dict[str, int] = {}  # each piece of text once, since many sentences say the same
        moments = [_with_places(list(moment), texts) for moment in self.moments]
        return {
            "nodes": [self._node_told(node, keys.get(node, "")) for node in self.nodes],
            "edges": [[self.place[r.node], r.position, self.place[r.input]] for r in self.edges],
            # What Values' slopes lead to, the page works out itself.
            "numbers": self.numbers if not self.scalar else {kind: self.numbers[kind] for kind in ("data", "slope")},
            "leaves": self.leaves,
            "texts": list(texts),
            "moments": moments,
            "why_not": self.why_not,
        }

    def _node_told(self, node: Node, row: str) -> dict[str, Any]:
        # What it is made of: a node as [its place], a plain number as it is.
        made_of = [[self.place[x]] if isinstance(x, Node) else float(x) for x in node.operands] if self.scalar else []
        kind = _KINDS[self.reading.kind(node)]
        return {"name": self.full_name(node), "kind": kind, "wants": node.requires_grad, "row": row, "of": made_of}


_KINDS = {"parameter": "parameter", "input": "input", "op": "computed", "output": "result"}


def _check_size(root: Any) -> None:
    count = len(order(root)) if isinstance(root, Node) else 0
    if count > MOST:
        raise ValueError(
            f"this graph has {count:,} nodes, and no one can follow more than {MOST} step by step: take one sample, a "
            "smaller model, or a part of the graph (any node in it can be the root). draw(root) shows large ones folded"
        )


def _with_names_for_leaves(root: Any, names: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The names, and leaf1, leaf2 … for leaves without one: a name that is their number would soon be wrong."""
    if not isinstance(root, Node) or (names is not None and not isinstance(names, Mapping)):
        return names  # type: ignore[return-value] # trace_backward says what is wrong with it
    reading = Reading(root, names)
    nameless = [node for node in as_written(root) if node.op is None and not reading.is_named(node)]
    return {**(names or {}), **{f"leaf{i}": node for i, node in enumerate(nameless, start=1)}}


def _is_infix(op: Any, operands: Any) -> bool:
    """Whether it is written between its operands: a + b, and not max(a, b)."""
    return len(operands) == 2 and not op.symbol.isidentifier()


def number(x: Any) -> str:
    """A number in 4 significant digits, 0 without a sign; a text as it is."""
    return x if isinstance(x, str) else format(x + 0.0, ".4g")


def _array_text(x: Any) -> str:
    if x is None:
        return "0"
    if x.size <= numbers.FEW:
        return numbers.array_lines(x, ".4g")
    return f"norm {numbers.number((x.astype(float) ** 2).sum() ** 0.5)}"


def _with_places(x: Any, texts: dict[str, int]) -> Any:
    """A moment with numbers in place of texts: -2 for the first in `texts`, -3 for the second …"""
    if isinstance(x, str):
        return -2 - texts.setdefault(x, len(texts))
    return x if isinstance(x, int) else [_with_places(part, texts) for part in x]


def _joined(parts: Parts, between: str) -> Parts:
    return [piece for part in parts for piece in (between, part)][1:]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
