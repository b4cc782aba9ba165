"""What an operation computes and how it answers to its inputs, written down for a reader, by running its own rules.

`formula(tanh)` runs the row's lambdas twice: on pieces of plain text, which needs nothing else, and on SymPy's symbols
where SymPy is installed, which gives LaTeX. Where a rule can't be run so, its own source is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine.graph import Many, Node, Op
from .formulas.latex import sympy_if_installed
from .formulas.names import name_of
from .formulas.of_arrays import of_arrays
from .formulas.of_numbers import is_of_numbers, of_numbers
from .formulas.result import Formula, Line
from .opening import opens
from .reading import Reading


@opens
def formula(op_or_node: Op | Node, names: Mapping[str, Any] | None = None) -> Formula:
    """What an operation computes and its slope for each input; for a node also with its numbers put in.

    op_or_node: a row of a table, your own row, or a Value or Tensor. Inputs are called by their labels where the node's
    operands have them, otherwise as in the rule. names: for a node, variables whose names are used as well, usually
    `locals()`. A slope that uses y is shown as the rule has it and in the inputs
    alone. A row of arrays has a pull-back in place of a slope: what an input receives when y receives the gradient g.
    LaTeX needs SymPy. TypeError for anything else than a row or a node, and for names that are no dict.

    >>> from micrograd_plus import Value, tanh
    >>> formula(tanh)
    y = tanh(x)
    ∂y/∂x = 1 - y² = 1 - tanh(x)²
    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> formula(a * b)
    y = a·b
    ∂y/∂a = b
    ∂y/∂b = a
    with a = 2, b = -3: y = -6; ∂y/∂a = -3; ∂y/∂b = 2
    """
    if isinstance(op_or_node, Node):
        node, op = op_or_node, op_or_node.op
    elif isinstance(op_or_node, Op):
        node, op = None, op_or_node
    else:
        raise TypeError(
            f"formula needs an operation (a row of the table) or a node that one made, got {type(op_or_node).__name__}"
        )
    own = {} if node is None or names is None else Reading(node, names).own_names
    if op is None:
        shown = Formula("leaf", [Line("note", "", f"{name_of(node, 'x', own)} is a leaf: no operation made it")])
    elif op.pointwise or (isinstance(op, Many) and not hasattr(node, "shape") and is_of_numbers(op)):
        shown = of_numbers(op, node, own)
    else:
        shown = of_arrays(op, node, own)
    if op is not None and op.pointwise and sympy_if_installed() is None:
        shown.lines.append(Line("note", "", "(in LaTeX too, in a notebook: pip install sympy)"))
    return shown
