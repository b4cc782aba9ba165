"""Folding: which nodes of a large graph share one box, by the module that made them, or by how they were made."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any, NamedTuple

from ..engine.graph import Node
from ..explain.reading import Reading, as_written
from ..explain.scopes import Scope, scopes_of

# Nodes with the same key share a box. A key is a node's id, for a box of its own, or a tuple that begins with a word:
# ("module", chain) and ("module", chain, call), ("parameters", chain), ("leaf", name), ("made", how); in scheme.py also
# ("result", frames), ("others", chain) and ("rest", chain) of an opened module, and ("earlier", ()).
Keys = dict[Node, Any]


Chain = tuple[str, ...]


class Owner(NamedTuple):
    """The module that a node belongs to: its path from the model ("layers.0"), and the keys of all around it.

    The model is the first of the chain, then each module inside, down to this one: ("model", "layers.0").
    """

    path: str
    chain: Chain


class Folding:
    """The graph of a reading with what folding needs to know: which call and which module each node belongs to."""

    def __init__(self, reading: Reading):
        self.reading = reading
        self.scopes = scopes_of(reading.nodes)
        self.titles: dict[str, str] = {}  # of each module, by its path: "layers.0 · Layer"
        self._owners = self._owners_by_id()
        self.deepest = max((len(owner.chain) for owner in self._owners.values()), default=0)
        self.place = {node: k for k, node in enumerate(as_written(reading.root))}
        self.calls: set[int] = set()  # the ids of the calls of whole models: each is one sample, or one batch
        self._first: dict[int, Scope] = {}  # the first call of each model
        models = {id(model) for model in reading.modules.values()}
        for node in self.place:
            if (scope := self.scopes[node]) is not None:
                call = scope.outermost
                self._first.setdefault(id(call.module), call)
                if id(call.module) in models:
                    self.calls.add(id(call))

    def owner(self, node: Node) -> Owner | None:
        """The innermost module that made this node, or whose parameter it is."""
        scope = self.scopes.get(node)
        return self._owners.get(id(node if scope is None else scope.module))

    def chain(self, node: Node) -> Chain:
        """The chain of a node's owner; () where it has none."""
        owner = self.owner(node)
        return () if owner is None else owner.chain

    def is_first_call(self, node: Node) -> bool:
        """Whether a node belongs to the first call of its model, or to no call: the one to show of many."""
        scope = self.scopes.get(node)
        return scope is None or self._first[id(scope.outermost.module)] is scope.outermost

    def path_of(self, wanted: Any) -> str:
        """The path that a module is known by here; ValueError for one that has no part in this graph."""
        if isinstance(wanted, str) and wanted in self.titles:
            return wanted
        if id(wanted) in self._owners:
            return self._owners[id(wanted)].chain[-1]
        shown = repr(wanted) if isinstance(wanted, str) else f"the {type(wanted).__name__} given"
        known = f"it has {', '.join(list(self.titles)[:8])} …" if self.titles else "it was made by no module"
        raise ValueError(f"expand: this graph has no module {shown}; {known}")

    def _owners_by_id(self) -> dict[int, Owner]:
        """The owner of each module and of each parameter, by its id."""
        owners: dict[int, Owner] = {}
        several = len(self.reading.modules) > 1
        for name, model in self.reading.modules.items():
            paths = {path: type(module).__name__ for path, module in model.named_modules()}
            root = name or "model"
            while root in paths:  # a model of that name that has a part of that name
                root += "'"
            before = f"{root}." if several else ""  # both may have a "layers.0"
            self.titles[root] = f"{name} · {type(model).__name__}" if name else type(model).__name__
            self.titles |= {before + path: f"{path} · {kind}" for path, kind in paths.items() if path}
            for path, thing in [*model.named_parameters(), *model.named_modules()]:
                chain = (root, *(before + inside for inside in _prefixes(path, paths)))
                owners.setdefault(id(thing), Owner(path, chain))
        return owners

    def levels(self) -> Iterator[Keys]:
        """Ways to fold, the finest first: by neuron, by layer; the same with all calls in one; by operation."""
        for depth in range(self.deepest, 1, -1):
            yield self._by_call(depth)
        for depth in range(self.deepest, -1, -1):
            yield self._by_module(depth)
        yield self._by_operation()

    def _by_call(self, depth: int) -> Keys:
        """A box for each call of a module (down to `depth`); what no module made stays as it is."""
        keys: Keys = {}
        for node in self.reading.nodes:
            chain, scope = self.chain(node)[:depth], self.scopes.get(node)
            if not chain:
                keys[node] = id(node)
            elif len(self.calls) < 2:
                keys[node] = "module", chain
            elif scope is None:  # a parameter that many calls share
                keys[node] = "parameters", chain
            else:
                keys[node] = "module", chain, id(scope.outermost)
        return keys

    def _by_module(self, depth: int) -> Keys:
        """A box for each module, all its calls in one; what no module made is sorted by how it was made."""
        keys: Keys = {}
        numbered: dict[Hashable, int] = {}  # a key for each way of being made: short, however deep the way is
        sums: dict[Hashable, frozenset] = {}
        for node in self.reading.nodes:
            chain = self.chain(node)[:depth]
            if chain:
                keys[node] = "module", chain
            elif node.op is None:
                keys[node] = self._leaf(node)
            else:
                made_of = _made_of(node, keys, sums)
                keys[node] = key = "made", numbered.setdefault((node.op.name, made_of), len(numbered))
                if node.op.name == "add":
                    sums[key] = made_of  # type: ignore[assignment]
        return keys

    def _by_operation(self) -> Keys:
        """A box for each kind of operation: for loops, where each round was made of the one before."""
        return {n: self._leaf(n) if n.op is None else ("made", n.op.name) for n in self.reading.nodes}

    def _leaf(self, node: Node) -> Hashable:
        """Leaves of one list stand together; so do all that are in none: else each weight would have a box."""
        name, bracket, _ = self.reading.own_names.get(node, "").partition("[")
        return "leaf", name if bracket else ""


def _made_of(node: Node, keys: Keys, sums: dict[Hashable, frozenset]) -> Hashable:
    """What the inputs are, for an op; for an addition what is added up, so that a running total is one thing."""
    assert node.op is not None
    inputs = [keys[x] for x in node.inputs]
    if node.op.name == "add":
        return frozenset().union(*(sums.get(key, {key}) for key in inputs))
    return frozenset(inputs) if len(inputs) > 3 else tuple(inputs)


def _prefixes(path: str, modules: Iterable[str]) -> list[str]:
    """The modules on the way to `path`, the outermost first: layers.0, layers.0.neurons.2."""
    parts = path.split(".") if path else []
    prefixes = [".".join(parts[: n + 1]) for n in range(len(parts))]
    return [prefix for prefix in prefixes if prefix in modules]
