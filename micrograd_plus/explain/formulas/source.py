"""A rule's own source: the expression of its lambda, for rules that can't be run on names."""

from __future__ import annotations

import ast
import linecache
import textwrap
from collections.abc import Callable
from typing import Any


def source_line(what: str, rule: Callable, names: list[str], equals: str = " = ") -> str:
    """ "∂y/∂x = math.cos(x)": the rule's own expression; a longer function is shown whole, indented."""
    source = rule_source(rule, names)
    if source is None:
        return f"{what}: by a rule whose source isn't known ({getattr(rule, '__qualname__', type(rule).__name__)})"
    if "\n" not in source:
        return what + equals + source
    return f"{what}, by its own words:\n{textwrap.indent(source, '    ')}"


def rule_source(rule: Callable, names: list[str] | None = None) -> str | None:
    """The expression of a lambda, or a function's definition without its docstring and annotations; None if unknown.

    names: what its last arguments are expected to be called; where they aren't, the lambda is shown with its arguments.

    >>> from micrograd_plus.engine.ops import TABLE
    >>> rule_source(TABLE["tanh"].rules[0])
    '1 - y * y'
    """
    code = getattr(rule, "__code__", None)
    if code is None:
        return None
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except (SyntaxError, ValueError):
        return None
    for found in ast.walk(tree):
        if (
            isinstance(found, ast.FunctionDef)
            and found.name == code.co_name
            and _first_line(found) == code.co_firstlineno
        ):
            return _tidied(found)
        if isinstance(found, ast.Lambda) and code.co_name == "<lambda>" and _is_code_of(found, code):
            found_names = [argument.arg for argument in found.args.args]
            as_expected = not names or found_names[-len(names) :] == names
            return ast.unparse(found.body if as_expected else found)
    return None


def _first_line(function: ast.FunctionDef) -> int:
    return min([function.lineno, *(d.lineno for d in function.decorator_list)])


def _is_code_of(found: ast.Lambda, code: Any) -> bool:
    """Several lambdas stand on a line of the table: the one whose body is where this code's instructions come from."""
    if found.lineno != code.co_firstlineno:
        return False
    body = found.body
    first, last = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    places = [(p[0], p[2]) for p in code.co_positions() if None not in p and p[3]]  # the others belong to no text
    return bool(places) and all(first <= place <= last for place in places)


def _tidied(function: ast.FunctionDef) -> str:
    if ast.get_docstring(function) is not None:
        function.body = function.body[1:]
    function.returns = None
    arguments = function.args
    for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
        argument.annotation = None
    return ast.unparse(function)
