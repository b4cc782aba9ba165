"""Reading a finished graph: what to call each node, what kind of node it is, and which module made it."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..engine.graph import Node, Operand, order

LONGEST_LABEL = 200  # letters of a label that are kept
FEW = 20  # items of a list up to which also what was computed is called by its place in it
_SURROGATES = re.compile("[\ud800-\udfff]")  # halves of a pair of UTF-16, which no file can hold
LONGEST = 30  # letters of an expression such as `w*x + b` that still serves as a name


class Reading:
    """A graph with names: `Reading(root, names=locals())`.

    root: the node to read from. names: the variables whose names are to be used, usually `locals()`; also nodes in
    lists, dicts and modules are found. A node's own `.label` comes first, then its variable's name; one that has
    neither is called by its expression. TypeError for anything that is no Value or Tensor.

    >>> from micrograd_plus import Value
    >>> a, b = Value(2.0, label="a"), Value(3.0)
    >>> c = (a * b).tanh()
    >>> reading = Reading(c, {"c": c, "b": b})
    >>> [reading.name(node) for node in reading.nodes], reading.kind(b), reading.kind(c)
    (['a', 'b', 'a*b', 'c'], 'input', 'output')
    """

    def __init__(self, root: Any, names: Mapping[str, Any] | None = None):
        if not isinstance(root, Node):
            advice = "Give the loss, or any other number that was computed from Values"
            if isinstance(root, Operand):  # a ValueArray
                advice = "It holds many Values: take one, such as a.values.flat[0], or their .sum()"
            raise TypeError(
                f"a graph is read from its result, a Value or a Tensor; got {type(root).__name__} {root!r:.60}. "
                f"{advice}"
            )
        if names is not None and not isinstance(names, Mapping):
            raise TypeError(f"names is a dict of your variables, such as locals(); got {type(names).__name__}")
        self.root = root
        self.nodes = order(root)
        self.modules = modules_of(self.nodes, names or {})
        self.parameters, within = _parameters(self.modules)
        self.own_names = _own_names(self.nodes, names or {}, self.parameters)
        self.short_names = self.own_names | within
        self.expressions = _expressions(self.nodes, self.short_names)

    def name(self, node: Node) -> str:
        """The learner's name for this node; without one, its expression, or its number for a leaf."""
        return self.own_names.get(node) or self.expressions[node][0]

    def short_name(self, node: Node) -> str:
        """The same, but a parameter's label in place of its path: for where its module is plain to see."""
        return self.short_names.get(node) or self.expressions[node][0]

    def is_named(self, node: Node) -> bool:
        """Whether somebody gave this node a name."""
        return node in self.own_names

    def factor(self, node: Node) -> str:
        """The name as part of a larger term: in brackets where it needs them."""
        return self.short_names.get(node) or _in_brackets(*self.expressions[node], _ATOM)

    def kind(self, node: Node) -> str:
        """ "output" (the root), "op", "parameter" (of a module), or "input" (any other leaf)."""
        if node is self.root and node.op is not None:
            return "output"
        return "op" if node.op is not None else "parameter" if node in self.parameters else "input"


def as_written(root: Node) -> list[Node]:
    """The nodes in the order in which a formula is worked out: for a*b + c it is a, b, a*b, c, a*b + c.

    `graph.order` gives another: there only inputs before their users matters, and no time is spent on left and right.
    """
    nodes: dict[Node, None] = {}
    stack = [(root, False)]
    while stack:
        node, inputs_are_done = stack.pop()
        if inputs_are_done:
            nodes[node] = None
        elif node not in nodes:
            stack.append((node, True))
            stack.extend((x, False) for x in reversed(node.inputs) if x not in nodes)
    return list(nodes)


def modules_of(nodes: list[Node], names: Mapping[str, Any]) -> dict[str, Any]:
    """The models that have a part in this graph, by their variable's name ("model 1" without one).

    Found where a call of theirs made a node, or a parameter of theirs was used. None is part of another.
    """
    found: dict[int, tuple[str, Any]] = {}
    for node in nodes:
        call = getattr(node, "made_in", None)
        while call is not None:
            found.setdefault(id(call[0]), ("", call[0]))
            call = call[2]
    leaves = {id(node) for node in nodes if node.op is None}
    for name, thing in _public(names):
        used = id(thing) in found or (is_module(thing) and any(id(p) in leaves for p in thing.parameters()))
        if used and not found.get(id(thing), ("",))[0]:
            found[id(thing)] = name, thing
    inner = {id(part) for _, module in found.values() for path, part in module.named_modules() if path}
    models = [found[key] for key in found if key not in inner]
    return {name or f"model {i + 1}" if len(models) > 1 else name: model for i, (name, model) in enumerate(models)}


def is_module(thing: Any) -> bool:
    """Whether this is an nn.Module, or the like: something with named parameters and modules."""
    return hasattr(thing, "named_parameters") and hasattr(thing, "named_modules") and not isinstance(thing, type)


def _parameters(modules: Mapping[str, Any]) -> tuple[dict[Node, str], dict[Node, str]]:
    """Each parameter's path ("layers.0.neurons.2.b"), and its name within its module ("b").

    With several models the path begins with the model's name: both may have a "0.weight".
    """
    paths: dict[Node, str] = {}
    within: dict[Node, str] = {}
    for name, module in modules.items():
        inner = {path for path, _ in module.named_modules() if path}
        for path, p in module.named_parameters():
            parts = path.split(".")
            around = next((".".join(parts[:n]) for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in inner), "")
            paths.setdefault(p, f"{name}.{path}" if len(modules) > 1 else path)
            within.setdefault(p, (_label(p) or path).removeprefix(f"{around}.") or path)
    return paths, within


def _own_names(nodes: list[Node], names: Mapping[str, Any], parameters: dict[Node, str]) -> dict[Node, str]:
    known = set(nodes)
    own = dict(parameters)
    for name, node in _named_nodes(names):
        if node in known:
            own.setdefault(node, name)
    return _numbered(own | {node: _label(node) for node in nodes if _label(node) and node not in parameters}, nodes[-1])


def _numbered(names: dict[Node, str], root: Node) -> dict[Node, str]:
    """The names, and where several nodes have one and the same: "w (1)", "w (2)" …, from left to right."""
    count = Counter(names.values())
    if len(count) == len(names):
        return names
    reached: Counter[str] = Counter()
    numbered = dict(names)
    for node in as_written(root):
        name = names.get(node, "")
        if count[name] > 1:
            reached[name] += 1
            numbered[node] = f"{name} ({reached[name]})"
    return numbered


def _label(node: Node) -> str:
    """The node's label; "" for one that nobody could see. Not all of a very long one."""
    text = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", str(node.label or ""))
    if not text.strip():
        return ""
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"


def _public(names: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The variables without those of a notebook's own, such as _12 and Out; a copy, since locals() may change."""
    for name, thing in list(names.items()):
        if not str(name).startswith("_") and name not in ("In", "Out"):
            yield str(name), thing


def _named_nodes(names: Mapping[str, Any]) -> Iterator[tuple[str, Node]]:
    """The nodes among variables, and in their lists and dicts."""
    waiting: deque[tuple[str, Any, bool]] = deque()
    for name, thing in _public(names):
        if isinstance(thing, Node):
            yield name, thing
        elif isinstance(thing, (list, tuple, dict)):
            waiting.append((name, thing, True))
    seen: set[int] = set()  # a list may be inside itself
    while waiting:  # a node's own variable comes before its place in a list
        name, thing, few = waiting.popleft()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        items = thing.items() if isinstance(thing, dict) else enumerate(thing)
        few = few and len(thing) <= FEW
        for key, item in list(items):
            if isinstance(item, Node):
                if few or item.op is None:  # h[38311] says less of what was computed than its expression does
                    yield f"{name}[{key!r}]", item
            elif isinstance(item, (list, tuple, dict)):
                waiting.append((f"{name}[{key!r}]", item, few))


# -- expressions ---------------------------------------------------------------------------------------------

# How tightly an operation binds: the higher, the tighter. What isn't here is written as a function: tanh(x).
_SIGNS = {"add": ("+", 1), "sub": ("-", 1), "mul": ("*", 2), "div": ("/", 2), "matmul": ("@", 2), "pow": ("**", 4)}
_ATOM = 9


class _Written(NamedTuple):
    """How a node is written: its text, how tightly that binds, and what stands for it where there is no room."""

    text: str
    binds: int
    brief: str = "…"


def number_text(x: Any) -> str:
    """A number in 4 significant digits, whole ones without a point, 0 without a sign."""
    return str(x) if isinstance(x, bool) else f"{x + 0.0:.4g}"  # -0.0 + 0.0 is 0.0


def _expressions(nodes: list[Node], own: dict[Node, str]) -> dict[Node, tuple[str, int]]:
    """(text, how tightly it binds) of each node, in terms of named ones; `…` stands for what is too long."""
    written: dict[Node, _Written] = {}

    def part(x: Any) -> _Written:
        if isinstance(x, Node):
            return _Written(" ".join(own[x].split()), _ATOM) if x in own else written[x]  # on one line
        if isinstance(x, (int, float)):
            return _Written(number_text(x), _ATOM if x >= 0 else 1)
        return _Written(_shape_text(x), _ATOM)

    for node in nodes:
        if node.op is None:
            text = number_text(node.data) if isinstance(node.data, float) else _shape_text(node)
            written[node] = _Written(text, _ATOM if text[0] != "-" else 1)
        else:
            written[node] = _expression(node.op.name, [part(x) for x in node.operands])
    return {node: (expression.text, expression.binds) for node, expression in written.items()}


def _expression(op: str, parts: list[_Written]) -> _Written:
    """The operation on its parts; if that is too long, the longest parts are written briefly, one by one."""
    call = f"{op}(…)" if op != "neg" and not (op in _SIGNS and len(parts) == 2) else "…"
    if len(parts) * 2 > LONGEST:  # hundreds, of a sum: no room for them, however briefly
        return _Written(call, _ATOM, call)
    text, binds = _infix_or_call(op, parts)
    while len(text) > LONGEST and any(part.brief != part.text for part in parts):
        longest = max((part for part in parts if part.brief != part.text), key=lambda part: len(part.text))
        brief = longest.brief if len(longest.brief) < len(longest.text) else "…"
        parts = [_Written(brief, _ATOM, "…") if part is longest else part for part in parts]
        text, binds = _infix_or_call(op, parts)
    if len(text) > LONGEST or (len(parts) > 2 and all(part.text == "…" for part in parts)):
        text, binds = call, _ATOM
    return _Written(text, binds, call)


def _infix_or_call(op: str, parts: list[_Written]) -> tuple[str, int]:
    if op == "neg":
        return f"-{_in_brackets(*parts[0][:2], 2)}", 2
    if op in _SIGNS and len(parts) == 2:
        sign, binds = _SIGNS[op]
        left = _in_brackets(*parts[0][:2], binds + (op == "pow"))
        right = _in_brackets(*parts[1][:2], binds + (sign not in "+*@"))
        return f"{left} {sign} {right}" if binds == 1 else f"{left}{sign}{right}", binds
    if op == "getitem":
        return f"{_in_brackets(*parts[0][:2], _ATOM)}[…]", _ATOM
    return f"{op}({', '.join(part.text for part in parts)})", _ATOM


def _in_brackets(text: str, tightness: int, binds: int) -> str:
    return text if tightness >= binds else f"({text})"


def _shape_text(x: Any) -> str:
    """An array without a name, in brackets: its shape alone would be taken for a number."""
    return f"[{'×'.join(map(str, x.shape))}]" if getattr(x, "shape", ()) else "const"
