"""The local derivative on one edge, as a formula in the learner's own names and as a number."""

from __future__ import annotations

import re
from typing import Any

from ..engine.graph import Many, Node
from ..engine.value import Value
from .chain import local_slope
from .code import CodeError, expression
from .known import Known, is_equal, run_on_known
from .pieces import ATOM, POWER, PRODUCT, SUM
from .reading import Reading
from .words import amount, called, operand_name, plain_operand

NAMED = 40  # operands of one node up to which its rule is run on all their names, for each edge again


def slope_formula(node: Node, i: int, reading: Reading) -> str:
    """∂(a*b)/∂a = b = 3: how `node` answers to its operand i, from the row's rule run on names; its number last.

    Where the rule chooses (x > 0), only the branch that was taken is written. Of a Tensor the number is left out,
    unless it is one, and a row that changes shapes has a pull-back in place of a slope.

    >>> from micrograd_plus import Value
    >>> a, b = Value(2.0, label="a"), Value(3.0, label="b")
    >>> product = a * b
    >>> slope_formula(product, 0, Reading(product))
    '∂(a*b)/∂a = b = 3'
    """
    derivative = ratio(node, i, reading)
    if not isinstance(node, Value) and not node.op.pointwise:  # type: ignore[union-attr]
        return f"{derivative}: a pull-back"
    slope = local_slope(node, i) if getattr(node, "size", 1) == 1 else None
    rule = _rule_text(node, i, reading)
    if slope is None:
        return f"{derivative} = {rule}" if rule is not None else derivative
    number = amount(slope)
    if rule is None:
        return f"{derivative} = {number}, the local slope"
    if isinstance(rule, Known):
        if not is_equal(rule.number, slope):
            return f"{derivative} = {number}, taken in the forward pass (.data was changed since)"
        rule = rule.text
    return f"{derivative} = {rule}" if rule == number else f"{derivative} = {rule} = {number}"


def ratio(node: Node, i: int, reading: Reading) -> str:
    """∂(a*b)/∂a: the name of the slope on this edge.

    >>> from micrograd_plus import Value
    >>> a = Value(2.0, label="a")
    >>> square = a * a
    >>> ratio(square, 1, Reading(square))
    '∂(a*a)/∂(second a)'
    """
    return f"∂{called(node, reading)}/∂{operand_name(node, i, reading)}"


def _rule_text(node: Any, i: int, reading: Reading) -> Any:
    """The rule run on names: for Values a Known, for Tensors a text; None where the rule can't be run so."""
    op = node.op
    if not isinstance(node, Value):
        return _array_rule_text(node, i, reading)
    y = _known(node, reading)
    xs = [_known(x, reading) if isinstance(x, Node) else x for x in _with_few_names(node, i)]
    return run_on_known(op.rules[0], 1.0, y, xs, i) if isinstance(op, Many) else run_on_known(op.rules[i], y, *xs)


def _with_few_names(node: Any, i: int) -> Any:
    """The operands; of hundreds, all but operand i as numbers, since names for all of them at each edge take long."""
    if len(node.operands) <= NAMED:
        return node.operands
    return [x.data if isinstance(x, Node) and k != i else x for k, x in enumerate(node.operands)]


def _known(node: Any, reading: Reading) -> Known:
    """A node as a piece of text, in brackets only where the rule's text needs them."""
    if node.op is None or reading.is_named(node):
        return Known(called(node, reading), number=node.data)
    text, binds = reading.expressions[node]
    return Known(text, _BINDS[binds], number=node.data)


_BINDS = {1: SUM, 2: PRODUCT, 4: POWER, 9: ATOM}  # how tightly: the words of reading.py in those of pieces.py


def _array_rule_text(node: Any, i: int, reading: Reading) -> str | None:
    others = [called(x, reading) if isinstance(x, Node) else plain_operand(x) for x in node.operands]
    try:
        text = expression(node.op.rules[i], called(node, reading), *others)
        return re.sub(r"\*\*1(?![\d.])", "", text)  # x**1 is x
    except CodeError:
        return None
