"""Which module made a node: found from what nn.Module notes on the nodes that its calls return."""

from __future__ import annotations

from typing import Any

from ..engine.graph import Node


class Scope:
    """One call of a module: `outer` is the call around it, `arguments` the ids of the nodes it was given."""

    __slots__ = ("arguments", "depth", "module", "outer", "outermost")

    def __init__(self, module: Any, args: tuple, outer: Scope | None):
        self.module = module
        self.arguments = _ids(args)
        self.outer = outer
        self.depth: int = 0 if outer is None else outer.depth + 1
        self.outermost: Scope = self if outer is None else outer.outermost


def scopes_of(nodes: list[Node]) -> dict[Node, Scope | None]:
    """The innermost call that each node was made in; None outside all modules. Linear in the number of edges.

    nodes: in the order of `engine.graph.order`. Only what a call *returns* carries a note, since a note on every
    node would slow down every forward pass. What lies between a call's output and its arguments was made inside it:
    so the nodes are visited from the result backwards, each handing its scope to its inputs.
    """
    around: dict[Node, Scope | None] = {}
    scope_of: dict[Node, Scope | None] = {}
    for node in reversed(nodes):
        scope = around.get(node)
        for module, args in _calls(node):
            scope = Scope(module, args, scope)
        scope_of[node] = scope
        for x in node.operands:
            if isinstance(x, Node):
                seen = scope
                while seen is not None and id(x) in seen.arguments:  # an argument was made before the call
                    seen = seen.outer
                around[x] = seen if x not in around else _shared(around[x], seen)
    return scope_of


def _calls(node: Node) -> list[tuple[Any, tuple]]:
    """The calls that returned this node, the outermost first."""
    calls, noted = [], getattr(node, "made_in", None)
    while noted is not None:
        module, args, noted = noted
        calls.append((module, args))
    return calls


def _shared(a: Scope | None, b: Scope | None) -> Scope | None:
    """The innermost call that both are in: a node used in two calls was made outside both."""
    while a is not b:
        if a is None or b is None:
            return None
        if a.depth >= b.depth:
            a, b = a.outer, b
        else:
            b = b.outer
    return a


def _ids(args: Any) -> set[int]:
    """The ids of the nodes among arguments, also inside lists, dicts and twin arrays."""
    found: set[int] = set()
    waiting = list(args)
    while waiting:
        x = waiting.pop()
        if isinstance(x, Node):
            found.add(id(x))
        elif isinstance(x, (list, tuple)):
            waiting.extend(x)
        elif isinstance(x, dict):
            waiting.extend(x.values())
        elif hasattr(x, "values") and hasattr(x.values, "flat"):
            waiting.extend(x.values.flat)
    return found
