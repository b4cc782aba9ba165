"""Why the order matters: the same graph walked in the orders that people propose, and what goes wrong in each."""

from __future__ import annotations

import html
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..engine.graph import Node
from ..engine.visible import visible
from .chain import edges
from .opening import opens
from .paths import scalars
from .proposals import PATH_BY_PATH, PROPOSALS, Walk, pushed_to
from .reading import Reading
from .tables import SHOWN, code_html, table_html, table_text
from .trace import trace_backward
from .words import amount, called

LONGEST = 20  # nodes of an order that are written out


@dataclass(eq=False)
class Attempt:
    """One order, tried on the graph.

    name, code: what it is, as people write it. order: the nodes that push, as they push (leaves push nothing).
    gradients: what every node ends up with; wrong: {node: (what it got, what is right)}. too_early: the first node
    that pushed before `missing`, users of it, had pushed to it. again: the first node that pushed a second time.
    finished: False where it was stopped after too many visits. depth: how deep its calls were nested.
    """

    name: str
    code: str
    reading: Reading = field(repr=False)
    order: list[Node] = field(default_factory=list)
    gradients: dict[Node, float] = field(default_factory=dict)
    wrong: dict[Node, tuple[float, float]] = field(default_factory=dict)
    too_early: Node | None = None
    missing: list[Node] = field(default_factory=list)
    again: Node | None = None
    finished: bool = True
    depth: int = 0
    correct: bool = False  # right on every graph

    @property
    def names(self) -> list[str]:
        """The names of the nodes, in the order in which they push."""
        return [self.reading.name(node) for node in self.order]

    @property
    def verdict(self) -> str:
        """ "right", "right by luck", "right, but slow", "wrong" or "given up"."""
        if not self.finished:
            return "given up"
        if self.wrong:
            return "wrong"
        if not self.correct:
            return "right by luck"
        return "right, but slow" if len(self.order) > len(set(self.order)) else "right"

    @property
    def reason(self) -> str:
        """Where it goes wrong, or why it doesn't."""
        name = lambda node: called(node, self.reading)
        pushes = f"{len(self.order):,} pushes" if len(self.order) != 1 else "1 push"
        faults = []
        if not self.finished:
            faults.append(f"stopped after {pushes}: each shared node multiplies the visits")
        if self.too_early is not None:
            users = " and ".join(map(name, self.missing[:3])) + (" …" if len(self.missing) > 3 else "")
            faults.append(f"{name(self.too_early)} pushes too early: {users} had not pushed to it yet")
        if self.again is not None and not self.correct:
            faults.append(f"{name(self.again)} pushes again, and what it had pushed before counts twice")
        if not faults:
            faults.append(self._why_right(pushes))
        if self.depth > sys.getrecursionlimit():
            faults.append(f"{self.depth:,} nested calls: Python would stop with a RecursionError")
        return "; ".join(faults)

    def _why_right(self, pushes: str) -> str:
        if self.again is not None:
            return f"each path is walked by itself: {pushes} where {len(set(self.order)):,} are enough"
        if not self.correct:
            return "on this graph, each node happened to be complete when it pushed"
        return "each node pushes once, after all its users: its gradient is complete"

    def __repr__(self) -> str:
        return visible(f"{self.name}: {self.verdict} ({self.reason})")


class WrongOrders:
    """The orders side by side: print it, iterate over it, or take one by its name: `found["breadth first"]`."""

    def __init__(self, reading: Reading, attempts: list[Attempt]):
        self.reading = reading
        self.attempts = attempts
        self.right = attempts[0].gradients

    def __len__(self) -> int:
        return len(self.attempts)

    def __iter__(self) -> Iterator[Attempt]:
        return iter(self.attempts)

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return self.attempts[key]
        for attempt in self.attempts:
            if attempt.name == key:
                return attempt
        raise KeyError(f"there is no order {key!r}: the orders are {', '.join(repr(a.name) for a in self.attempts)}")

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One dict a node: its name, the right gradient, and what each order gives it."""
        return [
            {"node": self.reading.name(node)} | {a.name: a.gradients[node] for a in self.attempts}
            for node in self.reading.nodes
        ]

    def _title(self) -> str:
        failed = sum(a.verdict in ("wrong", "given up") for a in self.attempts)
        return f"{called(self.reading.root, self.reading)}.backward() in {len(self)} orders: {failed} of them fail here"

    def _table(self) -> tuple[list[str], list[list[str]]]:
        """Gradients side by side, ✗ at the wrong ones; where there are many nodes, those that differ somewhere."""
        nodes = self.reading.nodes
        if len(nodes) > SHOWN:
            nodes = [node for node in nodes if any(node in a.wrong for a in self.attempts)][:SHOWN]
        lines = []
        for node in nodes:
            cells = [amount(a.gradients[node]) + (" ✗" if node in a.wrong else "  ") for a in self.attempts]
            lines.append([f"{called(node, self.reading)}.grad", *cells])
        return ["", *(f"{a.name}  " for a in self.attempts)], lines

    def __str__(self) -> str:
        parts = [self._title()]
        for a in self.attempts:
            code = "\n".join(f"    {line}" for line in a.code.splitlines())
            parts.append(f"\n{a.name}: {a.verdict}\n{code}\n  order: {_listed(a)}\n  {a.reason}")
        head, lines = self._table()
        return visible("\n".join([*parts, "", table_text(head, lines, left=[0])]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        parts = []
        for a in self.attempts:
            heading = f"<b>{html.escape(a.name)}: {html.escape(a.verdict)}</b>"
            told = f"order: {html.escape(_listed(a))}<br>{html.escape(a.reason)}"
            parts.append(f"<p>{heading}</p>{code_html(a.code)}<p>{told}</p>")
        head, lines = self._table()
        return table_html(self._title(), head, lines) + "".join(parts)


@opens
def wrong_orders(root: Node, names: Mapping[str, Any] | None = None, most: int = 10_000) -> WrongOrders:
    """The backward pass in the orders that people propose, beside the right one.

    names: variables whose names are used, usually `locals()`. most: an order that visits nodes again and again is
    stopped when it has made this many pushes more than there are nodes. Nothing of the graph is changed. TypeError for
    a Tensor (open it with .to_values()) and for what is no Value; RuntimeError where nothing is tracked.

    >>> from micrograd_plus import Value
    >>> a = Value(3.0, label="a")
    >>> b = a * a
    >>> c = b + 1
    >>> d = c * b
    >>> found = wrong_orders(d, {"b": b, "c": c, "d": d})
    >>> found["breadth first"].names, found["breadth first"].verdict
    (['d', 'c', 'b'], 'right by luck')
    >>> found["recursion"]
    recursion: wrong (b pushes again, and what it had pushed before counts twice)
    """
    reading = scalars(root, names, "wrong_orders")
    if not isinstance(most, int) or isinstance(most, bool) or most < 0:
        raise ValueError(f"wrong_orders: most is a number of pushes, a whole number from 0 on; got {most!r}")
    right = trace_backward(root, names).replay()
    limit = most + len(reading.nodes)
    attempts = [_tried(Attempt(name, code, reading), walk, limit) for name, code, walk in PROPOSALS]
    attempts[0].correct = True
    attempts.append(_each_path(Attempt("path by path", PATH_BY_PATH, reading, correct=True), limit))
    for attempt in attempts:
        grads = attempt.gradients
        attempt.wrong = {node: (grads[node], g) for node, g in right.items() if not _close(grads[node], g)}
    return WrongOrders(reading, attempts)


def _tried(attempt: Attempt, walk: Walk, limit: int) -> Attempt:
    """Walk the graph, and let each visited node push what it has by then."""
    reading = attempt.reading
    grads = attempt.gradients = dict.fromkeys(reading.nodes, 0.0)
    grads[reading.root] = 1.0
    users = _users(reading.nodes)
    pushed: set[Node] = set()
    for node, depth in walk(reading.root):
        attempt.depth = max(attempt.depth, depth)
        if node.op is None:
            continue
        if len(attempt.order) == limit:
            attempt.finished = False
            break
        if attempt.too_early is None and node not in pushed:
            attempt.missing = [user for user in users[node] if user not in pushed]
            attempt.too_early = node if attempt.missing else None
        if attempt.again is None and node in pushed:
            attempt.again = node
        attempt.order.append(node)
        pushed.add(node)
        upstream = grads[node]
        for _, x, slope in edges(node):
            grads[x] += slope * upstream
    return attempt


def _each_path(attempt: Attempt, limit: int) -> Attempt:
    """Right, since only what has just arrived is sent on; but each path is walked by itself."""
    root = attempt.reading.root
    grads = attempt.gradients = dict.fromkeys(attempt.reading.nodes, 0.0)
    pushed: set[Node] = set()
    stack: list[tuple[Any, float, int]] = [(root, 1.0, 1)]
    while stack:
        node, arrived, depth = stack.pop()
        attempt.depth = max(attempt.depth, depth)
        grads[node] += arrived
        if node.op is None:
            continue
        if len(attempt.order) == limit:
            attempt.finished = False
            break
        if attempt.again is None and node in pushed:
            attempt.again = node
        attempt.order.append(node)
        pushed.add(node)
        stack += [(x, slope * arrived, depth + 1) for _, x, slope in reversed(list(edges(node)))]
    return attempt


def _users(nodes: list[Any]) -> dict[Node, list[Node]]:
    """Which nodes push to each node."""
    users: dict[Node, list[Node]] = {node: [] for node in nodes}
    for node in nodes:
        for x in pushed_to(node):
            users[x].append(node)
    return users


def _close(a: float, b: float) -> bool:
    """Equal but for rounding: another order adds up in another order."""
    return a == b or (a != a and b != b) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def _listed(attempt: Attempt) -> str:
    names = [called(node, attempt.reading) for node in attempt.order[:LONGEST]]
    more = len(attempt.order) - LONGEST
    return ", ".join([*names, f"… and {more:,} more"] if more > 0 else names) or "no node pushes"
