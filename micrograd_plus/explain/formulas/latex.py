"""The same formulas in LaTeX: the rules run on SymPy's symbols, where SymPy is installed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...engine.graph import Many, Op
from .numbers import ROOTS, as_fraction_of_root
from .result import Line


def sympy_if_installed() -> Any:
    """SymPy, or None."""
    try:
        import sympy
    except ImportError:
        return None
    return sympy


def add_latex(op: Op, y: str, names: list[str], fixed: dict, lines: list[Line]) -> None:
    """The same lines in LaTeX: the rules run on SymPy's symbols. Nothing where SymPy is missing or can't run them."""
    sympy = sympy_if_installed()
    if sympy is None or any("==" in line.text or "≠" in line.text for line in lines):
        return  # a symbol answers x == 0 at once, and with no
    try:
        latex = _latex_lines(sympy, op, y, names, fixed)
    except Exception:  # SymPy raises many kinds of errors on a rule that isn't plain mathematics
        return
    for line, text in zip(lines, latex, strict=True):
        line.latex = text


def _latex_lines(sympy: Any, op: Op, y: str, names: list[str], fixed: dict) -> list[str]:
    symbols = [sympy.Symbol(name, real=True) for name in names]
    given = [fixed.get(i, symbol) for i, symbol in enumerate(symbols)]
    y_symbol = sympy.Symbol(y, real=True)
    many = isinstance(op, Many)
    forward = (lambda *xs: op.forward(xs)) if many else op.forward
    value = _exact(sympy, forward(*given))
    _compare(sympy, value, forward, symbols, fixed)
    lines = [rf"{_tex(sympy, y_symbol)} &= {_tex(sympy, value)}"]
    for i, symbol in enumerate(symbols):
        if i in fixed:
            continue
        rule = (lambda y, *xs, i=i: op.rules[0](1, y, xs, i)) if many else op.rules[i]
        slope, full = (_exact(sympy, rule(v, *given)) for v in (y_symbol, value))
        _compare(sympy, full, lambda *xs, rule=rule: rule(forward(*xs), *xs), symbols, fixed)
        text = rf"\frac{{\partial {_tex(sympy, y_symbol)}}}{{\partial {_tex(sympy, symbol)}}} &= {_tex(sympy, slope)}"
        if y_symbol in slope.free_symbols:
            text += f" = {_tex(sympy, _simpler(sympy, full))}"
        lines.append(text)
    return lines


def _exact(sympy: Any, expression: Any) -> Any:
    """With √2 in place of 1.4142135623730951, and 2 in place of 2.0."""
    expression = sympy.sympify(expression, strict=True)  # strict: text is refused, not evaluated
    roots = [1, sympy.sqrt(2), sympy.sqrt(sympy.pi), 1 / sympy.sqrt(sympy.pi), 1 / sympy.sqrt(2 * sympy.pi)]
    symbols = dict(zip(ROOTS, roots, strict=True))
    swap = {}
    for number in expression.atoms(sympy.Float):
        if (known := as_fraction_of_root(float(number))) is not None:
            swap[number] = sympy.Rational(*known[0].as_integer_ratio()) * symbols[known[1]]
        elif float(number).is_integer():
            swap[number] = sympy.Integer(int(number))
        elif float(number * 8).is_integer():
            swap[number] = sympy.Rational(int(number * 8), 8)
    return expression.xreplace(swap)


def _simpler(sympy: Any, expression: Any) -> Any:
    """Simplified, if that is shorter and brings in no other functions: of the sigmoid's slope it would make a cosh."""
    simple = sympy.simplify(expression)
    functions = [{f.func for f in e.atoms(sympy.Function)} for e in (simple, expression)]
    return simple if functions[0] <= functions[1] and simple.count_ops() < expression.count_ops() else expression


def _tex(sympy: Any, expression: Any) -> str:
    """In LaTeX, with the names of the table where SymPy has its own signs."""
    named = expression.replace(sympy.Heaviside, lambda x, at_zero: sympy.Function("step")(x))
    named = named.replace(sympy.atan, sympy.Function("arctan"))
    # A word as one word: in italics "loss" would be read as l times o times s times s.
    words = {x: rf"\mathrm{{{x.name}}}" for x in named.free_symbols if len(x.name) > 1 and sympy.latex(x) == x.name}
    return sympy.latex(named, symbol_names=words)


def _compare(sympy: Any, expression: Any, function: Callable, symbols: list, fixed: dict) -> None:
    """ValueError where the expression isn't what the rule computes: symbols answer `x == 0` otherwise than numbers."""
    compared = 0
    for start in (0.0, 0.7, -1.3, 2.0, 0.2):
        numbers = [fixed.get(i, start + 0.4 * i * (start != 0)) for i in range(len(symbols))]
        try:
            expected = float(function(*map(float, numbers)))
        except (ArithmeticError, ValueError, TypeError):
            continue  # not defined there
        try:
            found = float(expression.subs({s: sympy.Float(x) for s, x in zip(symbols, numbers, strict=True)}))
        except (TypeError, ValueError):
            continue  # SymPy can't say: an infinity in the middle of it
        if math.isfinite(expected):
            compared += 1
            if not math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12):
                raise ValueError(f"{expression} is {found} where the rule gives {expected}")
    if not compared:
        raise ValueError("nowhere to compare SymPy's numbers with the rule's")
