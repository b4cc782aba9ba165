"""The chain rule as a sum over paths: each way from a leaf to the root, with the product of its local slopes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..engine.graph import Node
from ..engine.value import Value
from ..engine.visible import visible
from .chain import edges
from .opening import opens
from .reading import Reading
from .tables import table_html, table_text
from .trace import trace_backward
from .words import amount, called, operand_name

LONGEST = 12  # nodes of a path that are written out; of a longer one its two ends


@dataclass(frozen=True, eq=False)
class Path:
    """One way from the leaf to the root: its nodes, leaf first, and the slope of each edge between them."""

    nodes: tuple[Node, ...]
    positions: tuple[int, ...]  # of which operand each edge is
    slopes: tuple[float, ...]
    reading: Reading = field(repr=False)

    @property
    def product(self) -> float:
        """The product of the slopes: what this path adds to the gradient."""
        product = 1.0
        for slope in reversed(self.slopes):  # from the root, as backward() does
            product = slope * product
        return product

    @property
    def names(self) -> list[str]:
        """What the nodes are called, leaf first."""
        return [self.reading.name(node) for node in self.nodes]

    def _route(self) -> str:
        users = self.nodes[1:]
        steps = [operand_name(user, i, self.reading) for user, i in zip(users, self.positions, strict=True)]
        return " → ".join(_shortened([*steps, called(self.nodes[-1], self.reading)]))

    def _numbers(self) -> str:
        return " × ".join(_shortened([amount(slope) for slope in self.slopes])) or "1"

    def __str__(self) -> str:
        return visible(f"{self._route()}: {self._numbers()} = {amount(self.product)}")

    __repr__ = __str__


class Paths:
    """All paths from a leaf to the root: print it, iterate over it, or give `.rows` to pandas.

    count: how many there are, as an exact integer. listed: the paths themselves, or none where there are too many.
    total: the sum of their products. gradient: what backward() finds. multiplications: what path by path would cost.
    edges: what backward() visits, one multiplication each, for all nodes at once.
    """

    def __init__(self, reading: Reading, leaf: Value, most: int):
        self.reading = reading
        self.leaf = leaf
        self.most = most
        counts, lengths, tangents = _forward(reading.nodes, leaf)
        self.count = counts[reading.root]
        self.multiplications = lengths[reading.root]
        self.listed = list(_paths(reading, leaf, counts)) if self.count <= most else []
        trace = trace_backward(reading.root)
        self.edges = len(trace)
        self.gradient: float = trace.replay().get(leaf, 0.0)
        # Where the paths aren't listed, their sum is built up from the leaf: a node's sum is made of its inputs' sums.
        self.total: float = sum((path.product for path in self.listed), 0.0) if self.listed else tangents[reading.root]

    def __len__(self) -> int:
        return len(self.listed)

    def __getitem__(self, index: Any) -> Any:
        return self.listed[index]

    def __iter__(self) -> Iterator[Path]:
        return iter(self.listed)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One dict a listed path: its names, slopes and product."""
        return [{"path": p.names, "slopes": list(p.slopes), "product": p.product} for p in self.listed]

    def _title(self) -> str:
        leaf, root = called(self.leaf, self.reading), called(self.reading.root, self.reading)
        if self.count == 0:
            return f"No path from {leaf} to {root}: {_why_none(self)}. So the gradient is 0."
        number = "1 path" if self.count == 1 else f"{_large(self.count)} paths"
        return f"{number} from {leaf} to {root}" + ("" if self.listed else ", too many to list")

    def _after(self) -> list[str]:
        if self.count == 0:
            return []
        leaf, root = called(self.leaf, self.reading), called(self.reading.root, self.reading)
        found = f"{leaf}.grad = ∂{root}/∂{leaf} = {amount(self.gradient)}"
        return [
            f"Their sum is {amount(self.total)}; backward() finds {found}.",
            f"Path by path: {_counted(self.multiplications, 'multiplication')}, for {leaf} alone. "
            f"backward(): {self.edges:,}, one an edge, for all nodes at once.",
        ]

    def _lines(self) -> list[list[str]]:
        return [[p._route(), p._numbers(), amount(p.product)] for p in self.listed]

    def __str__(self) -> str:
        table = [table_text(_HEAD, self._lines(), left=(0, 1))] if self.listed else []
        return visible("\n".join([self._title(), *table, *self._after()]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return table_html(self._title(), _HEAD if self.listed else (), self._lines(), self._after())


_HEAD = ("path", "local slopes", "product")


@opens
def paths(root: Value, leaf: Value, names: Mapping[str, Any] | None = None, most: int = 100) -> Paths:
    """Every path from `leaf` to `root` with the product of its local slopes; their sum is the gradient.

    leaf: any Value that root may have been made from. names: variables whose names are used, usually `locals()`.
    most: with more paths than this they are counted, and not listed. `a + a` has two. TypeError for Tensors and
    anything else that is no Value; RuntimeError where nothing is tracked; ValueError for a `most` below 0.

    >>> a = Value(3.0, label="a")
    >>> square = a * a
    >>> print(paths(square + 2 * a, a, {"square": square}))
    3 paths from a to (square + 2*a)
    path                                 local slopes  product
    (first a) → square → (square + 2*a)  3 × 1               3
    (second a) → square → (square + 2*a) 3 × 1               3
    a → (2*a) → (square + 2*a)           2 × 1               2
    Their sum is 8; backward() finds a.grad = ∂(square + 2*a)/∂a = 8.
    Path by path: 6 multiplications, for a alone. backward(): 5, one an edge, for all nodes at once.
    """
    reading = scalars(root, names, "paths")
    if not isinstance(leaf, Value):
        raise TypeError(f"paths: the leaf must be a Value of the graph, got {type(leaf).__name__} {leaf!r:.60}")
    if not isinstance(most, int) or isinstance(most, bool) or most < 0:
        raise ValueError(f"paths: most is how many paths to list, a whole number from 0 on; got {most!r}")
    if leaf not in set(reading.nodes):  # not in the graph: it needs a name all the same
        own = Reading(leaf, names)
        reading.own_names |= own.own_names
        reading.short_names |= own.short_names
        reading.expressions |= own.expressions
    return Paths(reading, leaf, most)


def scalars(root: Any, names: Mapping[str, Any] | None, who: str) -> Reading:
    """The graph of a Value with its names; TypeError for a Tensor, with the way to open it."""
    if isinstance(root, Node) and not isinstance(root, Value):
        raise TypeError(
            f"{who} follows single numbers, and this is a Tensor of shape {root.shape}: "  # type: ignore[attr-defined]
            f"open it into Values first, {who}(loss.to_values(), …)"
        )
    return Reading(root, names)


def _forward(nodes: list[Node], leaf: Node) -> tuple[dict, dict, dict]:
    """Three numbers a node, from inputs to users: paths from the leaf, their lengths added up, d node / d leaf."""
    counts: dict[Node, int] = {}
    lengths: dict[Node, int] = {}
    tangents: dict[Node, float] = {}
    for node in nodes:
        inner = [] if node is leaf or node.op is None else list(edges(node))  # type: ignore[arg-type]
        counts[node] = (node is leaf) + sum(counts[x] for _, x, _ in inner)
        lengths[node] = sum(lengths[x] + counts[x] for _, x, _ in inner)
        tangents[node] = float(node is leaf)
        for _, x, slope in inner:
            if counts[x]:
                tangents[node] += slope * tangents[x]
    return counts, lengths, tangents


def _paths(reading: Reading, leaf: Node, counts: dict[Node, int]) -> Iterator[Path]:
    """Each path, found from the root downwards, and only into nodes that the leaf leads to."""
    if not counts[reading.root]:
        return
    route: list[tuple[Node, int, float]] = []  # the edges taken so far: (input, its position, slope)
    waiting = [_ways(reading.root, leaf, counts)]
    if reading.root is leaf:
        yield Path((leaf,), (), (), reading)
    while waiting:
        step = next(waiting[-1], None)
        if step is None:
            waiting.pop()
            if route:
                route.pop()
            continue
        route.append(step)
        if step[0] is leaf:
            up = route[::-1]
            yield Path(
                (*(x for x, _, _ in up), reading.root), tuple(i for _, i, _ in up), tuple(s for _, _, s in up), reading
            )
            route.pop()
        else:
            waiting.append(_ways(step[0], leaf, counts))


def _ways(node: Any, leaf: Node, counts: dict[Node, int]) -> Iterator[tuple[Node, int, float]]:
    if node is leaf or node.op is None:
        return iter(())
    return ((x, i, slope) for i, x, slope in edges(node) if counts[x])


def _why_none(found: Paths) -> str:
    leaf, root = called(found.leaf, found.reading), called(found.reading.root, found.reading)
    if not found.leaf.requires_grad:
        return f"{leaf} has requires_grad=False, so nothing is tracked through it"
    return f"{root} was not made from {leaf}"


def _counted(n: int, what: str) -> str:
    return f"{_large(n)} {what}" + ("" if n == 1 else "s")


def _large(n: int) -> str:
    """An integer with commas; a very large one by its size."""
    if n < 10**15:
        return f"{n:,}"
    exponent = math.log10(n)
    return f"about {10 ** (exponent % 1):.1f} × 10^{int(exponent)}"


def _shortened(parts: list[str]) -> list[str]:
    return parts if len(parts) <= LONGEST else [*parts[:4], f"… {len(parts) - 8:,} more …", *parts[-4:]]
