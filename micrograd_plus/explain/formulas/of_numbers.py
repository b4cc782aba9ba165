"""The formula of a row of numbers: its value, and a slope for each input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...engine.graph import Many, Node, Op
from ..code import input_names
from ..pieces import CodeError, Name
from .latex import add_latex
from .names import derivative, names_in
from .plain import MEANINGS, PlainText, run
from .result import Formula, Line
from .source import source_line
from .with_numbers import with_numbers


def of_numbers(op: Op, node: Node | None, own: Mapping[Node, str]) -> Formula:
    """The lines for a row that has slopes; of a node, with its numbers."""
    y, names = names_in(op, node, own)
    # In x**2 the 2 is a number and no input: it stands in the formula as it is.
    fixed = {i: _plain(x) for i, x in enumerate(node.operands) if _is_plain(x)} if node is not None else {}
    try:
        lines = _run_on_text(op, y, names, fixed)
        add_latex(op, y, names, fixed, lines)
    except CodeError:  # a rule of the learner's own, with an if: it is shown as it stands, with its own names
        y, names, fixed = "y", input_names(op, len(names)), {}
        lines = _from_source(op, names)
    shown = Formula(op.name, lines)
    if node is not None:
        shown.lines += with_numbers(op, node, y, names, fixed)
    return shown


def _run_on_text(op: Op, y: str, names: list[str], fixed: dict[int, Any]) -> list[Line]:
    """The rules run on text: y = tanh(x), and the slopes with y as the rule has it and in the inputs alone."""
    given: list[Any] = [fixed.get(i, PlainText(name)) for i, name in enumerate(names)]
    value = run(op.forward, tuple(given)) if isinstance(op, Many) else run(op.forward, *given)
    lines = [Line("value", "", f"{y} = {value.text}{_meaning(value, given)}")]
    for i, name in enumerate(names):
        if i not in fixed:
            slope, full = (_slope(op, i, v, given) for v in (PlainText(y), value))
            unfolded = f" = {full.text}" if full.text not in (slope.text, y) else ""
            lines.append(Line("slope", name, f"{derivative(y, name)} = {slope.text}{unfolded}"))
    return lines


def _from_source(op: Op, names: list[str]) -> list[Line]:
    """The rules' own source, for rules that can't be run on text."""
    lines = [Line("value", "", source_line(f"y = {op.name}({', '.join(names)})", op.forward, names))]
    for name, rule in zip(names, op.rules, strict=False):
        lines.append(Line("slope", name, source_line(derivative("y", name), rule, names)))
    return lines


def _slope(op: Op, i: int, y: Any, given: list) -> Name:
    if isinstance(op, Many):
        return run(op.rules[0], 1, y, tuple(given), i)
    return run(op.rules[i], y, *given)


def _is_plain(x: Any) -> bool:
    return not isinstance(x, Node) and isinstance(x, (int, float))


def _plain(x: Any) -> Any:
    return int(x) if isinstance(x, float) and x.is_integer() and abs(x) < 1e15 else x


def _meaning(value: Name, given: list) -> str:
    """ " = 1/(1 + exp(-x))", where the whole formula is one of the less common functions."""
    for name, meaning in MEANINGS.items():
        if len(given) == 1 and value.text == f"{name}({PlainText.of(given[0]).text})":
            return f" = {run(meaning, given[0]).text}"
    return ""


def is_of_numbers(op: Op) -> bool:
    """Whether a row of any number of inputs can be written for single numbers: sum can, concatenate can't."""
    try:
        run(op.forward, (PlainText("a"), PlainText("b")))
    except CodeError:
        return False
    return True
