"""A typed expression, such as "(a*b + c).tanh()", computed on Values: arithmetic alone, nothing else can run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from ..engine.arithmetic import Arithmetic
from ..engine.graph import Binary, Ternary, Unary
from ..engine.ops import TABLE
from ..engine.value import Value

LONGEST = 5_000  # letters

OPERATORS: dict[type, Callable] = {
    ast.Add: TABLE["add"],
    ast.Sub: TABLE["sub"],
    ast.Mult: TABLE["mul"],
    ast.Div: TABLE["div"],
    ast.Pow: TABLE["pow"],
    ast.USub: TABLE["neg"],
    ast.UAdd: lambda x: x,
}
FUNCTIONS: dict[str, Callable] = {
    name: op for name, op in TABLE.items() if isinstance(op, (Unary, Binary, Ternary)) and hasattr(Arithmetic, name)
} | {"max": TABLE["maximum"], "min": TABLE["minimum"]}


class ExpressionError(ValueError):
    """The text is not an arithmetic expression, or can't be computed; the message says where and why."""


def evaluate(text: str, numbers: Mapping[str, float]) -> tuple[Value, dict[str, Value]]:
    """The expression's result, and the Values of the names in it.

    text: names, numbers, + - * / **, brackets, functions and methods of the table: tanh(x), (a + b).relu(). Nothing is
    handed to Python's eval: the text is parsed, and each part must be one of these. numbers: what each name is.
    ExpressionError names the part that isn't allowed, a name without a number, or a number that isn't used.

    >>> result, names = evaluate("(a*b + c).tanh()", {"a": 2, "b": -3, "c": 6})
    >>> result.data, sorted(names)
    (0.0, ['a', 'b', 'c'])
    """
    if len(text) > LONGEST:
        raise ExpressionError(f"the expression has {len(text):,} letters; at most {LONGEST:,} can be drawn sensibly")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        where = f" near column {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
        raise ExpressionError(f"{text.strip()[:60]!r} is not a complete expression{where}") from None
    names = {name: Value(number, label=name) for name, number in numbers.items()}
    used: set[str] = set()
    try:
        result = _value(tree.body, names, used)
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply to be drawn") from None
    except (ArithmeticError, TypeError, ValueError) as error:
        raise error if isinstance(error, ExpressionError) else ExpressionError(str(error)) from None
    unused = [name for name in names if name not in used]
    if unused:
        raise ExpressionError(f"{unused[0]} has a number, but is not in the expression")
    return (result if isinstance(result, Value) else Value(result)), names


def _value(node: ast.AST, names: Mapping[str, Value], used: set[str]) -> Any:
    """The value of one part."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return float(node.value)  # an int could grow without end: 9**9**9
    if isinstance(node, ast.Name):
        if node.id not in names:
            raise ExpressionError(f"{node.id} has no number: add {node.id}=2, or the like")
        used.add(node.id)
        return names[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_value(node.left, names, used), _value(node.right, names, used))
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_value(node.operand, names, used))
    if isinstance(node, ast.Call) and not node.keywords:
        return _called(node, names, used)
    raise ExpressionError(
        f"{ast.unparse(node)[:40]!r} can't stand in an expression: names, numbers, + - * / **, brackets, and functions "
        f"such as tanh(x) or x.tanh() can"
    )


def _called(node: ast.Call, names: Mapping[str, Value], used: set[str]) -> Any:
    """A function of the table, called by its name or as a method."""
    arguments = list(node.args)
    if isinstance(node.func, ast.Attribute):
        name, arguments = node.func.attr, [node.func.value, *arguments]
    else:
        name = ast.unparse(node.func)
    if name not in FUNCTIONS:
        raise ExpressionError(f"there is no function {name[:40]}: choose one of {', '.join(FUNCTIONS)}")
    return FUNCTIONS[name](*(_value(x, names, used) for x in arguments))
