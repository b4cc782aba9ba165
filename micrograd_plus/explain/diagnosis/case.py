"""One loss with all that is known about it, computed once for all checks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from ...engine.graph import Node, order
from ...engine.value import Value
from ..births import name_in_message
from ..chain import contributions
from ..finite import is_bad
from ..places import line_text
from ..reading import modules_of
from ..scopes import Scope, scopes_of
from .lines import Lines


class Case:
    """One loss with all that is known about it. Everything is computed once, in time linear in the graph."""

    def __init__(self, root: Node, model: Any, optimizer: Any, history: Any, lines: Lines):
        if model is not None and not (hasattr(model, "named_parameters") and hasattr(model, "named_modules")):
            raise TypeError(
                f"diagnose: model needs named_parameters() and named_modules(), as an nn.Module has them; got "
                f"{type(model).__name__}"
            )
        if optimizer is not None and not hasattr(optimizer, "param_groups"):
            raise TypeError(f"diagnose: optimizer needs param_groups, as optim's have; got {type(optimizer).__name__}")
        self.root, self.model, self.optimizer, self.history = root, model, optimizer, history
        self.lines = lines
        self.nodes = order(root)
        self.in_graph = set(self.nodes)
        self.models = [model] if model is not None else list(modules_of(self.nodes, {}).values())
        self.names: dict[Node, str] = {p: name for m in self.models for name, p in m.named_parameters()}
        held = [] if optimizer is None else [p for group in optimizer.param_groups for p in group["params"]]
        self.in_optimizer: list[Any] = held
        # Who isn't in a model or optimiser may be a weight too, or data that nobody told not to have a gradient.
        known = self.names or [p for p in held if isinstance(p, Node)] or self.nodes
        self.weights = {p for p in known if p.op is None and p.requires_grad}

    def name(self, x: Any) -> str:
        """The parameter's name in the model, or what a message calls it otherwise."""
        return self.names.get(x) or name_in_message(x) if isinstance(x, Node) else name_in_message(x)

    @cached_property
    def gradients(self) -> dict[Node, Any]:
        """d(loss)/d(node), computed aside: no hook is called and no `.grad` touched."""
        return self._backward[0]

    @cached_property
    def bad_push(self) -> tuple[Node, int, Any, Any] | None:
        """(node, i, what arrived, what input i received) where the first gradient that isn't finite was born."""
        return self._backward[1]

    @cached_property
    def _backward(self) -> tuple[dict[Node, Any], tuple | None]:
        root, born = self.root, None
        grads: dict[Node, Any] = {root: 1.0 if isinstance(root, Value) else root.ones().numpy()}
        for node in reversed(self.nodes if root.requires_grad else []):
            g = grads.get(node)
            if g is None or node.op is None:
                continue
            for i, x, part in contributions(node, g):
                grads[x] = part if x not in grads else grads[x] + part
                if born is None and is_bad(part) and not is_bad(g):
                    born = (node, i, g, part)
        return grads, born

    @cached_property
    def feeds_weights(self) -> set[Node]:
        """The nodes that are multiplied by weights on their way to the loss: hidden, as against output, values."""
        found: set[Node] = set()
        for node in reversed(self.nodes):
            inputs = node.inputs
            weighs = node.op is not None and node.op.name in ("mul", "matmul", "linear", "einsum")
            if node in found or (weighs and any(x in self.weights for x in inputs)):
                found.update(x for x in inputs if x.op is not None)
        return found

    @cached_property
    def scopes(self) -> dict[Node, Scope | None]:
        """The module call that each node was made in."""
        return scopes_of(self.nodes)

    @cached_property
    def module_names(self) -> dict[int, str]:
        """The name of each module, by id."""
        return {id(m): name for model in self.models for name, m in model.named_modules()}

    def place(self, node: Node) -> str:
        """The module that a node was made in, and the line (known if a function was run)."""
        line = self.lines.made_at.get(id(node)) if node.op is not None else None
        parts = [self.module_of(node), line_text(line)]
        return ", ".join(part for part in parts if part)

    def module_of(self, node: Node) -> str:
        """ "layers.0 (Layer)", or "" outside all modules."""
        scope = self.scopes.get(node)
        if scope is None:
            return ""
        name, kind = self.module_names.get(id(scope.module), ""), type(scope.module).__name__
        return f"{name} ({kind})" if name else kind

    @cached_property
    def layers(self) -> dict[str, list[Node]]:
        """The weights by layer, the first layer first: a matrix is a layer of its own, Values go by their module.

        Vectors (biases, scales) are left out: they may start at 0, and have gradients of another size.
        """
        found: dict[str, list[Node]] = {}
        for p in sorted(self.weights & self.in_graph, key=self._first_use.__getitem__):
            name = self.names.get(p)
            if isinstance(p, Value) and name is not None:
                found.setdefault(self.layer_of(name), []).append(p)
            elif getattr(p, "ndim", 0) >= 2:
                found[name or f"{name_in_message(p)} ({len(found)})"] = [p]
        return found

    def arriving(self, weights: list[Node]) -> Iterator[Any]:
        """The gradients that arrive where these weights are used."""
        for p in weights:
            for user in self._users.get(p, ()):
                yield self.gradients.get(user)

    @cached_property
    def _users(self) -> dict[Node, list[Node]]:
        users: dict[Node, list[Node]] = {}
        for node in self.nodes:
            for x in node.inputs:
                if x in self.weights:
                    users.setdefault(x, []).append(node)
        return users

    @cached_property
    def _first_use(self) -> dict[Node, int]:
        first: dict[Node, int] = {}
        for i, node in enumerate(self.nodes):
            for x in node.inputs:
                first.setdefault(x, i)
        return {self.root: len(self.nodes)} | first

    def layer_of(self, name: str) -> str:
        """The name of the layer that this parameter is in: of the outermost module that summary() gives a row."""
        parts = name.split(".")
        for n in range(1, len(parts)):
            prefix = ".".join(parts[:n])
            if prefix in self._rows:
                return prefix
        return "the model"

    @cached_property
    def _rows(self) -> set[str]:
        rows: set[str] = set()
        for model in self.models:
            modules = {name: m for name, m in model.named_modules() if name}
            composed = {name.rpartition(".")[0] for name in modules}
            rows |= {n for n, m in modules.items() if getattr(m, "is_summary_row", False) or n not in composed}
        return rows
