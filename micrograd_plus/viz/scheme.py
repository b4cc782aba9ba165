"""What is to be drawn: boxes, arrows and frames, made from a graph; nothing here knows how they are laid out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from math import log10
from typing import Any

from ..engine.graph import Node
from ..explain.reading import Reading
from ..explain.slopes import slope_formula
from . import numbers
from .folding import Folding, Keys

SLOPES = "number on an arrow: the local slope"
NOT_RUN = "grad: not run yet"
WITH_LABELS = 60  # boxes up to which each arrow has its slope written on it
MOST = 80  # nodes that are drawn one by one; more are folded
BOXES, ARROWS = 90, 120  # what a folded picture may have at most
MOST_OPENED = 180  # boxes of a picture in which a module was opened


@dataclass
class Box:
    """One box: rows of text, what kind it is, what its tooltip says, and the frames that it stands in."""

    id: str
    kind: str
    rows: tuple[str, ...]
    tip: str = ""
    frames: tuple[str, ...] = ()
    dashed: bool = False
    shape: str = "record"  # or "circle", for a neuron; "plaintext", for a title
    place: int = 0  # the lower, the further up in its column


@dataclass
class Arrow:
    """One arrow, from an input to what it was used for."""

    id: str
    tail: str
    head: str
    label: str = ""
    tip: str = ""
    kind: str = ""
    width: float = 1.0


@dataclass
class Scheme:
    """All that is to be drawn, and one line about what was folded."""

    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    frames: dict[str, str] = field(default_factory=dict)  # a frame's key: its title
    caption: str = ""
    direction: str = "LR"
    gap: float = 0.45  # between columns, in inches
    columns: list[list[str]] = field(default_factory=list)  # boxes that are to stand in this order, each list by itself
    sequence: list[tuple[str, str]] = field(default_factory=list)  # boxes that follow each other, without an arrow


class Telling:
    """How one node's name, number and gradient are written."""

    def __init__(self, reading: Reading, spec: str = ".4g", has_run: bool | None = None):
        self.reading = reading
        self.spec = spec
        root = reading.root
        if has_run is None:  # whether backward() has run; a leaf by itself has nothing to run
            has_run = root.op is None or (bool(root.grad) if isinstance(root.grad, float) else root.grad is not None)
        self.has_run = has_run

    def title(self, node: Node) -> str:
        """`c = a*b`; the expression alone where there is no name, the name alone for a leaf."""
        expression = numbers.one_line(self.reading.expressions[node][0])
        name = numbers.one_line(self.reading.short_names.get(node, ""))
        if node.op is None:
            return name or ("constant" if not node.requires_grad else "leaf")
        return f"{name} = {expression}" if name else expression

    def data(self, node: Node) -> str:
        """The number; of a larger array its shape, and min … mean … max."""
        if not hasattr(node, "shape"):
            return f"data {numbers.number(node.data, self.spec)}"
        array = node.numpy()  # type: ignore[attr-defined]
        if not array.ndim:
            return f"data {numbers.number(array, self.spec)}"
        shape = numbers.shape_text(array.shape) + ("" if array.dtype.itemsize == 8 else f" {array.dtype}")
        return f"data {shape}: {numbers.array_lines(array, self.spec)}"

    def grad(self, node: Node) -> str:
        """The gradient; of a larger array its norm."""
        if not node.requires_grad:
            return "no grad needed"
        if not self.has_run:
            return NOT_RUN
        if not hasattr(node, "shape"):
            return f"grad {numbers.number(node.grad, self.spec)}"
        if node.grad is None:
            return "grad: none arrived"
        if node.grad.size <= numbers.FEW:
            return f"grad {numbers.array_lines(node.grad, self.spec)}"
        return f"grad norm {numbers.number((node.grad.astype(float) ** 2).sum() ** 0.5, self.spec)}"

    def tip(self, node: Node) -> str:
        """The whole name, what the colour means, and all digits."""
        kind = {"input": "an input", "parameter": "a parameter", "output": "the result", "op": "computed"}
        lines = [f"{self.reading.name(node)}: {kind[self.reading.kind(node)]}"]
        if node.op is not None:
            lines.append(f"made by {node.op.name}")
        if not hasattr(node, "shape"):
            lines.append(f"data = {node.data!r}")
            lines.append(f"grad = {node.grad!r}" if self.has_run else NOT_RUN)
        elif node.size > numbers.FEW:  # type: ignore[attr-defined]
            lines.append("its shape, then the smallest number … the mean … the largest; norm: of the whole array")
        return "\n".join(lines)

    def slope(self, node: Node, i: int) -> str:
        """The local derivative as a number, where it is one."""
        slope = node.slopes[i] if hasattr(node, "slopes") else None
        return "" if slope is None else numbers.number(slope, self.spec)


def scheme_of(
    reading: Reading,
    *,
    max_nodes: int | None = MOST,
    expand: Iterable[Any] = (),
    near: tuple[Node, int] | None = None,
    spec: str = ".4g",
    coarser: int = 0,
) -> Scheme:
    """The scheme of a graph: all its nodes, or folded boxes where there are more than `max_nodes`.

    expand: modules that are to be opened, or their paths. near: (node, depth), to show only what is at most that many
    arrows away. coarser: so many levels further than needed, for a layout that took too long.
    """
    telling = Telling(reading, spec)
    folding = Folding(reading)
    paths = [folding.path_of(wanted) for wanted in expand]
    nodes = reading.nodes if near is None else _neighbourhood(reading, *near)
    keys = list(islice(_ways(folding, nodes, max_nodes), coarser + 1))[-1]
    if paths and len(set(keys.values())) < len(nodes):
        for path in paths:
            keys = _opened(folding, keys, path)
        keys = _cut(keys, MOST_OPENED)
    return _drawn(telling, folding, nodes, keys)


def draw_all(telling: Telling, folding: Folding, nodes: list[Node]) -> Scheme:
    """A box for each of these nodes."""
    return _drawn(telling, folding, nodes, {node: id(node) for node in nodes})


def _ways(folding: Folding, nodes: list[Node], max_nodes: int | None) -> Iterator[Keys]:
    """Ways to draw these nodes, from the finest that is small enough to the coarsest; at least one.

    The last node is the result (of a neighbourhood, its last), which has a box of its own.
    """
    if max_nodes is None or len(nodes) <= max_nodes:
        yield {node: id(node) for node in nodes}
    most = BOXES if max_nodes is None else min(BOXES, max_nodes)
    smallest: Keys = {}
    fitted = False
    for level in folding.levels():
        keys = {node: level[node] for node in nodes}
        keys[nodes[-1]] = _of_result(keys[nodes[-1]])
        if not smallest or len(set(keys.values())) < len(set(smallest.values())):
            smallest = keys
            if _fits(nodes, keys, most):
                fitted = True
                yield keys
    if not fitted:
        yield smallest


def _of_result(key: Any) -> Any:
    """The result has a box of its own, in the frames where its folded box would have stood."""
    return ("result", key[1][:-1]) if isinstance(key, tuple) and key[0] in ("module", "others") else ("result", ())


def _fits(nodes: list[Node], keys: Keys, most: int) -> bool:
    """Whether a picture with these boxes is small enough."""
    if len(set(keys.values())) > most:
        return False
    return len({(keys[x], keys[node]) for node in nodes for x in node.inputs if x in keys}) <= ARROWS


def _opened(folding: Folding, keys: Keys, path: str) -> Keys:
    """The same folding with one module opened: a box for each module in it; where there is none, one for each node.

    Of a module that was called for many samples, the nodes of the first are shown, and those of the others stay folded.
    """
    opened = dict(keys)
    around: tuple[str, ...] | None = None  # the folded box that the module is in, if it is deeper than what is shown
    for node, key in keys.items():
        chain = folding.chain(node)
        if path not in chain or not isinstance(key, tuple) or key[0] == "result":
            continue
        depth = chain.index(path) + 1
        if key[0] in _OF_MODULES and len(key[1]) < depth:
            around = key[1]
        if len(chain) > depth:
            opened[node] = "module", chain[: depth + 1]
        elif folding.is_first_call(node):
            opened[node] = id(node)
        else:
            opened[node] = "others", chain
    for node, key in opened.items():
        if isinstance(key, tuple) and key[:2] == ("module", around):
            opened[node] = "rest", around
    return opened


def _cut(keys: Keys, most: int) -> Keys:
    """The boxes nearest to the result; all others in one. For a module that is large even when others are folded."""
    if len(set(keys.values())) <= most:
        return keys
    shown: dict[Any, None] = {}
    for node in reversed(list(keys)):
        shown.setdefault(keys[node])
        if len(shown) == most // 2:
            break
    return {node: key if key in shown else ("earlier", ()) for node, key in keys.items()}


def _neighbourhood(reading: Reading, focus: Node, depth: int) -> list[Node]:
    """The nodes at most `depth` arrows before or behind `focus`, in the order of the graph."""
    if focus not in set(reading.nodes):
        raise ValueError(f"focus: {reading.short_names.get(focus, repr(focus)):.60} is not in this graph")
    users: dict[Node, list[Node]] = {}
    for node in reading.nodes:
        for x in node.inputs:
            users.setdefault(x, []).append(node)
    near = {focus}
    for step in (lambda n: n.inputs, lambda n: users.get(n, [])):
        seen, edge = {focus}, {focus}
        for _ in range(depth):
            edge = {x for node in edge for x in step(node)} - seen
            seen |= edge
            if not edge:
                break
        near |= seen
    return [node for node in reading.nodes if node in near]


def _drawn(telling: Telling, folding: Folding, nodes: list[Node], keys: Keys) -> Scheme:
    """Boxes and arrows for nodes that are sorted into boxes by `keys`."""
    groups: dict[Any, list[Node]] = {}
    for node in nodes:
        groups.setdefault(keys[node], []).append(node)
    position = {node: k for k, node in enumerate(telling.reading.nodes)}
    scheme = Scheme()
    ids: dict[Any, str] = {}
    for key, members in groups.items():
        single = len(members) == 1
        ids[key] = f"v{position[members[0]]}" if single else f"f{len(ids)}"
        if single:
            box = _box_of_one(telling, folding, key, members[0])
        else:
            box = _box_of_many(telling, folding, key, members)
        box.id = ids[key]
        box.place = min(folding.place[node] for node in members)
        scheme.boxes.append(box)
        for path in box.frames:
            scheme.frames.setdefault(path, folding.titles[path])
    folded = any(len(members) > 1 for members in groups.values())
    arrows = _arrows_between if folded else _arrows_of_all
    scheme.arrows = arrows(telling, nodes, keys, ids, position)
    scheme.caption = _caption(telling, folding, groups, scheme)
    return scheme


def _box_of_one(telling: Telling, folding: Folding, key: Any, node: Node) -> Box:
    reading = telling.reading
    return Box(
        id="",
        kind=reading.kind(node),
        rows=(telling.title(node), telling.data(node), telling.grad(node)),
        tip=telling.tip(node),
        frames=key[1] if isinstance(key, tuple) and key[0] == "result" else folding.chain(node),
        dashed=not node.requires_grad,
    )


def _box_of_many(telling: Telling, folding: Folding, key: Any, members: list[Node]) -> Box:
    word = "tensors" if hasattr(members[0], "shape") else "values"
    parameters = [node for node in members if node in telling.reading.parameters]
    about = parameters or members  # of a layer, its weights are what a reader wants to know the size of
    rows = [
        _title_of_many(folding, key, members),
        f"{_amount(parameters):,} parameters, rms {_rms(telling, map(_data, about))}"
        if parameters
        else f"data rms {_rms(telling, map(_data, about))}",
        f"grad rms {_rms(telling, (n.grad for n in about if n.requires_grad))}" if telling.has_run else NOT_RUN,
    ]
    if len(members) > len(parameters) and key[0] != "made":
        rows.append(f"{len(members) - len(parameters):,} {word}")
    kinds = {telling.reading.kind(node) for node in members}
    kind = kinds.pop() if len(kinds) == 1 and "op" not in kinds else "fold"
    inside = key[0] in ("rest", "others")  # in the frame of the module itself, which is open
    frames = key[1] if inside else key[1][:-1] if key[0] in _OF_MODULES else ()
    return Box("", kind, tuple(rows), tip=f"{rows[0]}: {len(members):,} {word} in one box", frames=frames)


_OF_MODULES = ("module", "parameters", "others", "rest")  # keys of boxes whose second part is a module's chain


def _amount(parameters: list[Node]) -> int:
    return sum(getattr(p, "size", 1) for p in parameters)


def _rms(telling: Telling, numbers_of: Iterable[Any]) -> str:
    return numbers.number(numbers.rms(numbers_of), telling.spec)


def _title_of_many(folding: Folding, key: Any, members: list[Node]) -> str:
    if key[0] == "earlier":
        return "… all that comes before"
    if key[0] in _OF_MODULES:
        calls = {id(scope.outermost) for scope in map(folding.scopes.get, members) if scope is not None}
        more = {"parameters": ": parameters", "rest": ": the rest", "others": f": {len(calls):,} more calls"}
        return folding.titles[key[1][-1]] + more.get(key[0], "")
    op = members[0].op
    if op is None:
        return numbers.one_line(key[1]) or "inputs"
    return f"{op.symbol} ({len(members):,} times)"


def _data(node: Node) -> Any:
    return node.numpy() if hasattr(node, "numpy") else node.data


def _arrows_of_all(telling: Telling, nodes: list[Node], keys: Keys, ids: dict, position: dict) -> list[Arrow]:
    """An arrow for each use of each input: two for `a + a`."""
    arrows = []
    labelled = len(nodes) <= WITH_LABELS
    for node in nodes:
        for i, x in enumerate(node.operands):
            if isinstance(x, Node) and x in keys:
                formula = slope_formula(node, i, telling.reading)
                label = telling.slope(node, i) if labelled else ""
                arrows.append(Arrow(f"e{position[node]}_{i}", ids[keys[x]], ids[keys[node]], label, formula))
    return arrows


def _arrows_between(telling: Telling, nodes: list[Node], keys: Keys, ids: dict, position: dict) -> list[Arrow]:
    """One arrow for all uses between two boxes, thicker for more."""
    counts: dict[tuple[Any, Any], int] = {}
    for node in nodes:
        for x in node.inputs:
            if x in keys and keys[x] != keys[node]:
                counts[keys[x], keys[node]] = counts.get((keys[x], keys[node]), 0) + 1
    return [
        Arrow(f"m{k}", ids[tail], ids[head], tip=f"{n:,} uses" if n > 1 else "", width=1.0 + min(2.0, 0.6 * log10(n)))
        for k, ((tail, head), n) in enumerate(counts.items())
    ]


def _caption(telling: Telling, folding: Folding, groups: dict, scheme: Scheme) -> str:
    """What was folded and left out, and how the rest is to be read."""
    word = "tensors" if hasattr(telling.reading.root, "shape") else "values"
    folded = {key: members for key, members in groups.items() if len(members) > 1}
    shown, inside = sum(map(len, groups.values())), sum(map(len, folded.values()))
    hidden = len(telling.reading.nodes) - shown
    parts = []
    if folded:
        boxes = "1 box" if len(folded) == 1 else f"{len(folded)} boxes"
        parts.append(f"{inside:,} of {shown:,} {word} folded into {boxes}")
        modules = [key for key in folded if key[0] == "module"]
        if len(folding.calls) > 1 and any(len(key) == 2 for key in modules):
            parts.append(f"all {len(folding.calls):,} calls together")
        if modules:
            first = min(modules, key=lambda key: list(folding.titles).index(key[1][-1]))
            parts.append(f'expand="{first[1][-1]}" opens one')
    if hidden:
        parts.append(f"{hidden:,} more {word} not shown")
    if any(arrow.label for arrow in scheme.arrows):
        parts.append(SLOPES)
    if any(row.startswith("data ") and "…" in row for box in scheme.boxes for row in box.rows[1:]):
        parts.append("of an array: smallest … mean … largest number")
    return "; ".join(parts)
