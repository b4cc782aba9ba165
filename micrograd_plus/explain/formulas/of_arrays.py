"""The formula of a row of arrays: its value, and what each input receives when the result receives a gradient."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from ...engine.graph import Many, Node, Op
from ..pieces import Name
from ..pull_backs import VALUES, in_words
from .arrays import ArrayText
from .names import names_in
from .plain import PlainText
from .result import Formula, Line
from .source import source_line
from .with_numbers import with_numbers

# Settings by which a row of the layers knows how to compute, and that tell a reader nothing.
INTERNAL = {"layout", "measured", "given", "centred", "places", "batch_first"}


def of_arrays(op: Op, node: Node | None, own: Mapping[Node, str]) -> Formula:
    """The lines for a row of arrays; of a node, with its shapes."""
    y, names = names_in(op, node, own)
    settings = dict(node.settings) if node is not None else {}
    if node is None:
        wanted = _settings_of(op, len(names))
        settings = {name: _setting(name, wanted) for name in wanted}
    lines = [
        Line("value", "", f"{y} = {_call(op, names, settings, node)}{_shapes(names, node)}"),
        *([Line("note", "", f"  = {VALUES[op.name]}")] if op.name in VALUES else []),
        Line("note", "", f"when {y} receives the gradient g,"),
        *_pull_backs(op, y, names, settings, node),
    ]
    if node is not None and not hasattr(node, "shape"):
        lines += with_numbers(op, node, y, names, {})
    return Formula(op.name, lines)


def _call(op: Op, names: list[str], settings: dict, node: Node | None) -> str:
    """x @ w; sum(x, axis=0)."""
    if op.symbol == "@":
        return " @ ".join(names)
    shown = {key: x for key, x in settings.items() if key not in INTERNAL}
    said = [f"{key}={_of_setting(x)}" if node is not None else key for key, x in shown.items()]
    inputs = [f"[{', '.join(names)}]"] if isinstance(op, Many) else names
    return f"{op.name}({', '.join(inputs + said)})"


def _shapes(names: list[str], node: Any) -> str:
    if not hasattr(node, "shape"):
        return ""
    shapes = [f"{name} {x.shape}" for name, x in zip(names, node.operands, strict=True) if hasattr(x, "shape")]
    return f"    (shapes: {', '.join(shapes)} → {node.shape})"


def _pull_backs(op: Op, y: str, names: list[str], settings: dict, node: Node | None) -> Iterator[Line]:
    """A line for each input: what it receives."""
    assumed = node is None and ("of all numbers" if "keepdims" in settings else _of_matrices(op))
    rules = [op.rules[0]] * len(names) if isinstance(op, Many) else op.rules
    for i, (name, rule) in enumerate(zip(names, rules, strict=False)):  # to a loss's labels no gradient goes
        receives = f"  {name} receives"
        text = _pull_back(op, i, y, names, settings, node)
        if text:
            yield Line("pull-back", name, f"{receives} {text}" + (f"    ({assumed})" if assumed else ""))
        elif words := in_words(op.name, i, y, names):
            yield Line("pull-back", name, f"{receives} {words}")
        elif isinstance(op, Many):  # one rule for all inputs: once is enough
            yield Line("pull-back", name, source_line("  input i of xs receives", rule, [], " "))
            return
        else:
            yield Line("pull-back", name, source_line(receives, rule, [*names, *settings], " "))


def _of_matrices(op: Op) -> str:
    """The rows that ask how many axes there are, and what they say of arrays with two."""
    return "of matrices" if op.name in ("matmul", "linear") else ""


def _settings_of(op: Op, count: int) -> list[str]:
    """The settings that the rules ask for, behind (g, y, inputs)."""
    try:
        parameters = inspect.signature(op.rules[0]).parameters.values()
    except (TypeError, ValueError):
        return []
    names = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    return names[4:] if isinstance(op, Many) else names[2 + count :]


def _setting(name: str, among: list[str]) -> Any:
    """A setting that isn't known: a reduction (it has keepdims) is taken to be over all numbers; others stay names."""
    return {"axis": None, "keepdims": False}.get(name, PlainText(name)) if "keepdims" in among else PlainText(name)


def _of_setting(x: Any) -> str:
    text = repr(x)
    return text if len(text) <= 60 else text[:57] + "…"


def _pull_back(op: Op, i: int, y: str, names: list[str], settings: dict, node: Node | None) -> str | None:
    """What the rule does with arrays that are names; None where it can't be run so."""
    if node is None:
        whole = "keepdims" in settings  # a reduction of all numbers: g is one number
        xs = tuple(ArrayText.given(name, None) for name in names)
        g, ys = (ArrayText.given(name, None, ndim=0 if whole else 2) for name in ("g", y))
    else:
        shape = tuple(getattr(node, "shape", ()))
        shapes = [tuple(getattr(x, "shape", ())) for x in node.operands]
        xs = tuple(map(ArrayText.given, names, shapes))
        g, ys = ArrayText.given("g", shape), ArrayText.given(y, shape)
    if op.keeps:  # the rule reads what the value kept for it, and that has no name
        return None
    try:
        part = op.rules[0](g, ys, xs, i, **settings) if isinstance(op, Many) else op.rules[i](g, ys, *xs, **settings)
        return part.text if isinstance(part, Name) else None
    except Exception:  # it asks its arrays for more than a name can tell
        return None
