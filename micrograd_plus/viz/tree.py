"""A graph as indented text: for terminals, screen readers, and where no picture can be had."""

from __future__ import annotations

from ..engine.graph import Node
from ..explain.reading import Reading
from .scheme import Telling

MOST_LINES = 200


def tree(reading: Reading, spec: str = ".4g", most: int = MOST_LINES) -> str:
    """The result first, below each node what it was made from, further in; a node met again says "see above".

    >>> from micrograd_plus import Value
    >>> a = Value(2.0, label="a")
    >>> print(tree(Reading(a + a)))
    a + a   data 4   grad: not run yet
      a   data 2   grad: not run yet
      a   see above
    """
    telling = Telling(reading, spec)
    lines: list[str] = []
    seen: set[Node] = set()
    stack = [(reading.root, 0)]
    while stack:
        if len(lines) == most:
            lines.append(f"… {len(reading.nodes) - len(seen):,} more of {len(reading.nodes):,}")
            break
        node, depth = stack.pop()
        indent = "  " * min(depth, 40)
        if node in seen:
            lines.append(f"{indent}{telling.title(node)}   see above")
            continue
        seen.add(node)
        lines.append(f"{indent}{telling.title(node)}   {telling.data(node)}   {telling.grad(node)}")
        stack.extend((x, depth + 1) for x in reversed(node.inputs))
    return "\n".join(lines)
