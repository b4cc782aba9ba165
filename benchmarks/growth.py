"""(d) Growth: the moons loss on more and more points, from a thousand nodes to a million; time and bytes a node.

What a node costs must not depend on how many there are: time against nodes is a straight line.
"""

from __future__ import annotations

import statistics
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

from .measure import Contender, exponent, in_turn
from .report import Comparison

SIZES = (1e3, 1e4, 1e5, 1e6)


def loss_of(points: int) -> Any:
    """The moons loss on so many points."""
    from micrograd_plus import Value, data, nn

    X, y = data.make_moons(points, noise=0.1, seed=0)
    model = nn.MLP(2, [16, 16, 1], seed=1337)
    scores = [model([Value(x) for x in row]) for row in X.tolist()]
    losses = [(1 + -(2.0 * yi - 1) * score).relu() for yi, score in zip(y.tolist(), scores, strict=True)]
    return sum(losses) * (1.0 / points)


def points_and_nodes(size: float) -> tuple[int, int]:
    """How many points give about so many nodes, and how many nodes they give."""
    from micrograd_plus.engine.graph import order

    few, more = (len(order(loss_of(points))) for points in (2, 4))
    a_point = (more - few) // 2  # each point adds the same
    points = max(2, round((size - few) / a_point) + 2)
    return points, few + (points - 2) * a_point


def forward(points: int) -> Callable[[], None]:
    """The graph is built, and dropped."""

    def step() -> None:
        loss_of(points)

    return step


def backward(points: int) -> Callable[[], None]:
    """Backward through a graph that is kept."""
    return loss_of(points).backward


def bytes_a_node(points: int, nodes: int) -> tuple[float, float]:
    """What the graph holds a node after backward, and the most that is held meanwhile."""
    tracemalloc.start()
    loss = loss_of(points)
    loss.backward()
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / nodes, peak / nodes


def run(short: bool) -> Iterator[Comparison]:
    """A table for each direction; the bytes are told with the second."""
    sizes = [points_and_nodes(size) for size in SIZES[: 3 if short else 4]]
    for direction, make in (("forward", forward), ("backward", backward)):
        contenders = [
            Contender(f"{nodes:,} nodes", make, (points,), warm_up=1, units=nodes)  # seconds a node
            for points, nodes in sizes
        ]
        result = Comparison(
            f"growth {direction}",
            f"(d) Growth, {direction}",
            "The moons loss on more and more points; the time is that of one node, and stays the same if time grows in "
            "a straight line.",
            in_turn(contenders, rounds=4 if short else 10),
            against=(contenders[0].name,),
            costs=True,
            unit="a node",
        )
        times = result.measured.times
        nodes = [n for _, n in sizes if f"{n:,} nodes" in times]
        seconds = [statistics.median(times[f"{n:,} nodes"]) * n for n in nodes]
        if len(nodes) > 1:
            power = exponent(nodes, seconds)
            result.notes.append(f"Fitted: seconds grow as nodes to the power {power:.3f}; 1 is a straight line.")
        if direction == "backward":
            for points, n in sizes:
                held, peak = bytes_a_node(points, n)
                result.notes.append(
                    f"{n:,} nodes hold {held:.0f} bytes each after backward, {peak:.0f} at most meanwhile."
                )
        yield result
