"""A small graph as a Python program: what backpropagation amounts to, one line a step, in the learner's own names."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Any

from ..engine.graph import Node, order
from ..engine.value import Value
from .opening import opens
from .pieces import SUM
from .programs.names import gradient_names, identifiers
from .programs.numbers import Numbers
from .reading import Reading, as_written

WIDTH = 88  # letters of a line
MOST_NUMBERS = 100  # of all arrays together, up to which the program ends with a call that gives them
FUNCTION = "loss_and_gradient"


class Program(str):
    """The text of a program: a str that shows itself as its lines, so that a notebook's cell can end with it."""

    def __repr__(self) -> str:
        return str(self)


@opens
def to_python(root: Node, names: Mapping[str, Any] | None = None, max_nodes: int = 500) -> Program:
    """The computation of `root` and its gradient as a straight-line Python program that needs nothing of ours.

    root: a Value, or a Tensor of one number. names: variables whose names are used, usually `locals()`; what has no
    name is called p (a product), s (a sum), q (a quotient), h (hidden: what an activation gives), t (any other step) or
    x (a leaf). Leaves are the arguments; plain numbers, and untracked Values without a name, stay numbers.
    The slopes are the table's own rules. Of Values the program needs Python alone, of Tensors NumPy.

    The program adds in the order in which `backward()` adds, so a Value's numbers are those of `.data` and `.grad` to
    the last bit (a Tensor's to rounding: NumPy may sum in another order). Two things differ: a zero may have the other
    sign, and where a number leaves the range of floats (1/0, log(0), exp(1000)) plain Python raises an error.
    Leaves have the numbers that they hold now. Hooks are not written.

    Returns a str, to be printed, or run by exec. TypeError for what is no Value or Tensor, RuntimeError where nothing
    is tracked, ValueError for more than max_nodes nodes or a Tensor of several numbers, CodeError (a TypeError) for a
    rule that can't be written as one expression.

    >>> w, x, b = Value(2.0), Value(0.5, requires_grad=False), Value(-1.0)
    >>> y = (w * x + b).tanh()
    >>> to_python(y, names={"w": w, "x": x, "b": b, "y": y})
    from math import tanh
    <BLANKLINE>
    <BLANKLINE>
    def loss_and_gradient(w, x, b):
        # forward
        p = w * x
        s = p + b
        y = tanh(s)
    <BLANKLINE>
        # backward: d_s is d(y)/d(s)
        d_y = 1.0
        d_s = (1 - y * y) * d_y
        d_p = d_s
        d_w = x * d_p
        d_b = d_s
        return y, {"w": d_w, "b": d_b}
    <BLANKLINE>
    <BLANKLINE>
    y, gradient = loss_and_gradient(w=2.0, x=0.5, b=-1.0)
    """
    _check(root, max_nodes)
    reading = Reading(root, names)
    nodes = as_written(root)
    writer, called = _writer(reading, nodes, names or {})
    d = gradient_names(called)
    parts = _received(reading.nodes, d, writer)

    leaves = [p for p in reading.parameters if p in called and p.op is None]  # in their model's order
    leaves += [node for node in nodes if node.op is None and node in called and node not in reading.parameters]
    tracked = [leaf for leaf in leaves if leaf.requires_grad or leaf in parts]
    forward = [_assigned(called[node], writer.forward(node)) for node in nodes if node.op is not None]
    backward = [_assigned(d[node], *_total(parts[node])) for node in reversed(reading.nodes) if node in parts]
    gradient = [f'"{called[leaf]}": {d[leaf] if leaf in parts else "0.0"}' for leaf in tracked]
    lines = [
        *(["# forward", *forward, ""] if forward else []),
        _comment(reading.nodes, called, d, parts),
        *backward,
        _filled(f"return {called[root]}, {{", gradient, "}"),
    ]
    arguments = [(called[leaf], leaf) for leaf in leaves] + writer.data
    code = "\n".join([_filled(f"def {FUNCTION}(", [name for name, _ in arguments], "):"), _indented(lines)])
    call = _call(called[root], arguments, writer)
    return Program("\n\n\n".join([*_vocabulary(f"{code}\n{call}", writer), code, call]))


def _check(root: Any, max_nodes: int) -> None:
    if not isinstance(root, Node):
        return  # Reading says what a graph is read from
    if not root.requires_grad:
        raise RuntimeError(
            f"there is no gradient to write down for {root!r:.80}: nothing that it was made from is tracked. "
            "Compute it from Values or Tensors with requires_grad=True, outside of no_grad()"
        )
    if getattr(root, "size", 1) != 1:
        raise ValueError(
            f"a gradient starts from one number, and this Tensor has shape {root.shape}: "  # type: ignore[attr-defined]
            "reduce it first, with .sum() or .mean()"
        )
    if not isinstance(max_nodes, int):
        raise TypeError(f"to_python: max_nodes is a whole number, got {type(max_nodes).__name__} {max_nodes!r:.40}")
    nodes = order(root)
    most = max(len(node.operands) for node in nodes)
    if max(len(nodes), most) > max_nodes:
        what = f"{len(nodes):,} nodes" if len(nodes) > max_nodes else f"an operation on {most:,} numbers"
        raise ValueError(
            f"this graph has {what}, too many for a program that somebody is to read (max_nodes={max_nodes:,}): give a "
            "smaller part of it, such as the loss of one example or one neuron's output, or raise max_nodes. "
            "To run a large graph fast, use compile"
        )


def _writer(reading: Reading, nodes: list[Node], names: Mapping[str, Any]) -> tuple[Any, dict[Node, str]]:
    """What writes this kind of graph, and what each node is called that has a line or is an argument."""
    if isinstance(reading.root, Value):
        named = [x for x in nodes if x.op is not None or x.requires_grad or reading.is_named(x)]
        called = identifiers(named, reading, {*Numbers.reserved, FUNCTION, "gradient"})
        return Numbers(called), called
    from .programs.arrays import Arrays  # which needs NumPy

    of_data = [str(name) for name, thing in names.items() if hasattr(thing, "dtype") and not isinstance(thing, Node)]
    called = identifiers(nodes, reading, {*Arrays.reserved, FUNCTION, "gradient"}, of_data)
    return Arrays(called, nodes, names), called


def _received(nodes: list[Node], d: Mapping[Node, str], writer: Any) -> dict[Node, list[Any]]:
    """What each node receives, edge by edge, in the order in which backward() comes by."""
    parts: dict[Node, list[Any]] = {nodes[-1]: [writer.seed(nodes[-1])]}
    for node in reversed(nodes):
        if node.op is not None and node in parts:
            for i, x in enumerate(node.operands):
                part = writer.received(node, i, d[node])
                if part is not None:
                    parts.setdefault(x, []).append(part)
    return parts


def _total(parts: list[Any]) -> list[str]:
    """All that a node receives, to be added up from left to right: ["b * d_p", "- d_s"]."""
    if len(parts) == 1:
        return [parts[0].text]
    nothing = type(parts[0])("")
    return [parts[0].within(SUM), *((nothing + part).text.strip() for part in parts[1:])]


# -- lines -------------------------------------------------------------------------------------------------------


def _comment(nodes: list[Node], called: Mapping[Node, str], d: Mapping[Node, str], parts: Mapping[Node, list]) -> str:
    """What d_s means, said of a node that has one; and why there is a +, if there is one."""
    y = called[nodes[-1]]
    example = next((node for node in reversed(nodes[:-1]) if node in parts), nodes[-1])
    text = f"# backward: {d[example]} is d({y})/d({called[example]})"
    return f"{text}; where paths meet, they add up" if any(len(part) > 1 for part in parts.values()) else text


def _call(result: str, arguments: list[tuple[str, Any]], writer: Any) -> str:
    """The call with the numbers of this graph; for large arrays a remark that says what to give."""
    if sum(getattr(x, "size", 0) for _, x in arguments) > MOST_NUMBERS:
        shapes = ", ".join(f"{name} {'×'.join(map(str, x.shape)) or 'one number'}" for name, x in arguments)
        remark = f"# {result}, gradient = {FUNCTION}(…) with arrays of these shapes: {shapes}"
        return "\n".join(textwrap.wrap(remark, WIDTH, subsequent_indent="# "))
    return _filled(f"{result}, gradient = {FUNCTION}(", [f"{name}={writer.literal(x)}" for name, x in arguments], ")")


def _assigned(name: str, *terms: str) -> str:
    """name = a + b, over several lines in brackets if it is long; a line ends behind a term, if that may be."""
    line = f"{name} = {' '.join(terms)}"
    return line if len(line) <= WIDTH - 4 else f"{name} = (\n{_folded(list(terms), ' ')}\n)"


def _filled(head: str, items: list[str], tail: str) -> str:
    """head, items with commas, tail; over several lines if they are long."""
    line = f"{head}{', '.join(items)}{tail}"
    if len(line) <= WIDTH - 4:
        return line
    return f"{head}\n{_folded(items, ', ')},\n{tail}"


_NO_BREAK = "\N{NO-BREAK SPACE}"  # where textwrap doesn't break a line; no program has one of its own


def _folded(items: list[str], between: str) -> str:
    """The items on as many lines as they need; none is torn apart, unless it is longer than a line."""
    whole = [item.replace(" ", _NO_BREAK) if len(item) < WIDTH - 8 else item for item in items]
    lines = textwrap.wrap(between.join(whole), WIDTH - 9, break_long_words=False, break_on_hyphens=False)
    return _indented(lines).replace(_NO_BREAK, " ")


def _indented(lines: list[str]) -> str:
    return textwrap.indent("\n".join(lines), "    ")


def _vocabulary(code: str, writer: Any) -> list[str]:
    """The imports and definitions that this code needs."""
    needed: list[str] = []
    while True:  # a definition may use another one
        words = _words("\n".join([code, *needed]))
        found = [text.strip() for name, text in writer.definitions.items() if name in words]
        if found == needed:
            break
        needed = found
    imports = [writer.imports[name] for name in sorted(writer.imports) if name in words]
    lines = ["import math"] * ("math" in words)
    lines += [_wrapped_import(writer.library, imports)] * bool(imports)
    return ["\n".join(lines)] * bool(lines) + needed


def _wrapped_import(library: str, names: list[str]) -> str:
    line = f"from {library} import {', '.join(names)}"
    return line if len(line) <= WIDTH else _filled(f"from {library} import (", names, ")")


def _words(code: str) -> set[str]:
    """The names in a program, without its comments; no variable of it is called as a function is."""
    return set(re.findall(r"\w+", re.sub("#.*", "", code)))
