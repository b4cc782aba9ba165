"""Slips in one operation: the wrong slopes and the wrong forward rules that people write, a short row each.

The words are those of the engine's own table: y is what the operation gives, x its input, a and b its two inputs. None
stands for the right one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from .ideas import RULES, Idea

TRY = "Take numbers, and let one of them grow a little while the others stay. By how much does the result change?"
FORWARD = "Begin with the number itself, without any gradient: what should this line compute?"
_SQUARE = "How does b stand in 1/b, and what is the slope of that?"
_CUBE = "Write a ** 3 as a * a * a: each of the three places brings one path, and what is left over is its slope."
_BRACKETS = "What does Python compute first, `**` or `-`? Put in numbers for a and n, and work your line out by hand."
_TANH = "Compare your slope with nudging, at 0.5 and at 2: tanh is steepest at 0, where its slope is 1."
_EXP = "Which function is its own slope?"
_LOG = "The larger x, the flatter is log, and it never falls. Compare your slope with nudging at 3."
_BASE = "In this course log is the one to the base e, as math.log(x)."
_KINK = "Look at relu from both sides of 0: where is it flat, and where does it let all pass?"

Row = tuple[str, Callable | None, Callable | None] | tuple[str, Callable | None, Callable | None, Callable | None]


def _leaky(leak: float) -> list[tuple[Callable, Callable | None]]:
    """Forward and slope of a relu that is not flat below 0: with the slope that fits, and with relu's own."""

    def forward(x: float) -> float:
        return max(x, leak * x)

    return [(forward, lambda y, x: 1.0 if x > 0 else leak), (forward, None)]


# fmt: off
# (operation, where, advice, [(name, y =, dy/da, dy/db) ...]); "rsub" is 2 - a, with a = 2 and b = a.
SLIPS: tuple[tuple[str, str, str, list[Row]], ...] = (
    ("add", "", TRY, [
        ("the slopes of `a + b` are those of a product", None, lambda y, a, b: b, lambda y, a, b: a),
        ("the gradient is halved, in `a + b`", None, lambda y, a, b: 0.5, lambda y, a, b: 0.5),
    ]),
    ("mul", ", in `a * b`", TRY, [
        ("a and b are swapped: each gets its own number as slope", None, lambda y, a, b: a, lambda y, a, b: b),
        ("both operands get the same slope", None, lambda y, a, b: b, lambda y, a, b: b),
        ("both operands get the same slope", None, lambda y, a, b: a, lambda y, a, b: a),
        ("the slope is y", None, lambda y, a, b: y, lambda y, a, b: y),
    ]),
    ("sub", ", in `a - b`", TRY, [
        ("the sign of b's slope is forgotten", None, None, lambda y, a, b: 1.0),
        ("the slopes of a and b are swapped", None, lambda y, a, b: -1.0, lambda y, a, b: 1.0),
        ("both slopes are negative", None, lambda y, a, b: -1.0, lambda y, a, b: -1.0),
    ]),
    ("neg", "", TRY, [
        ("the sign is forgotten on the way back, in `-a`", None, lambda y, x: 1.0),
        ("-a is computed as a", lambda x: x, lambda y, x: 1.0),
    ]),
    ("pow", ", in `a ** n`", _CUBE, [
        ("the exponent is not made one smaller", None, lambda y, a, n: n * a**n, None),
        ("the factor n is forgotten", None, lambda y, a, n: a ** (n - 1), None),
        ("the factor is n - 1, not n", None, lambda y, a, n: (n - 1) * a ** (n - 1), None),
        ("the slope is that of a square", None, lambda y, a, n: 2 * a, None),
        ("the slope is n * a", None, lambda y, a, n: n * a, None),
        ("the exponent is made one larger", None, lambda y, a, n: n * a ** (n + 1), None),
        ("the slope for the exponent is used", None, lambda y, a, n: y * math.log(a), None),
        ("base and exponent are swapped in the slope", None, lambda y, a, n: a * n ** (a - 1), None),
    ]),
    ("pow", ", in `a ** n`", _BRACKETS, [
        ("the brackets of n - 1 are forgotten", None, lambda y, a, n: n * a**n - 1, None),
    ]),
    ("div", ", in `a / b`", _SQUARE, [
        ("the minus of b's slope is forgotten", None, None, lambda y, a, b: a / b**2),
        ("the square in b's slope is forgotten", None, None, lambda y, a, b: -a / b),
        ("a is forgotten in b's slope", None, None, lambda y, a, b: -1 / b**2),
        ("square and minus are forgotten in b's slope", None, None, lambda y, a, b: a / b),
        ("b's slope is 1/a", None, None, lambda y, a, b: 1 / a),
        ("the slopes are those of a product", None, lambda y, a, b: b, lambda y, a, b: a),
        ("the slopes of a and b are swapped", None, lambda y, a, b: -a / b**2, lambda y, a, b: 1 / b),
    ]),
    ("div", "", FORWARD, [
        ("a / b is rounded down, as by //", lambda a, b: a // b, None, None),
    ]),
    ("rsub", ", in `2 - a`", TRY, [
        ("the sign is forgotten on the way back", None, None, lambda y, a, b: 1.0),
    ]),
    ("rdiv", ", in `2 / a`", _SQUARE, [
        ("the sign is forgotten on the way back", None, None, lambda y, a, b: a / b**2),
        ("the square is forgotten on the way back", None, None, lambda y, a, b: -a / b),
        ("the 2 is forgotten on the way back", None, None, lambda y, a, b: -1 / b**2),
    ]),
    ("rpow", ", in `2 ** a`", TRY, [
        ("the logarithm is forgotten", None, None, lambda y, a, b: y),
        ("the slope is taken as that of a ** n", None, None, lambda y, a, b: b * a ** (b - 1)),
    ]),
    ("tanh", ", in tanh", _TANH, [
        ("the input is used in place of the output", None, lambda y, x: 1 - x * x),
        ("the square is forgotten", None, lambda y, x: 1 - y),
        ("the slope is taken to be the output", None, lambda y, x: y),
        ("the sign of the square is wrong", None, lambda y, x: 1 + y * y),
        ("the 1 is forgotten", None, lambda y, x: -y * y),
        ("the sign is wrong", None, lambda y, x: y * y - 1),
        ("the slope is taken as sigmoid's", None, lambda y, x: y * (1 - y)),
    ]),
    ("tanh", "", FORWARD, [
        ("tanh is computed as tan", math.tan, None),
        ("tanh is computed as sinh", math.sinh, None),
    ]),
    ("exp", ", in exp", _EXP, [
        ("the input is used in place of the output", None, lambda y, x: x),
        ("the power rule is used", None, lambda y, x: x * math.exp(x - 1)),
        ("there is a factor x too many", None, lambda y, x: x * y),
        ("the slope is taken twice (y * y)", None, lambda y, x: y * y),
        ("the slope is exp of the output", None, lambda y, x: math.exp(y)),
        ("the sign is wrong", None, lambda y, x: -y),
    ]),
    ("exp", "", FORWARD, [
        ("exp is computed as 2 ** x", lambda x: 2**x, None),
    ]),
    ("log", ", in log", _LOG, [
        ("the output is used in place of the input", None, lambda y, x: 1 / y),
        ("the slope is x, not one over x", None, lambda y, x: x),
        ("the slope is taken to be the output", None, lambda y, x: y),
        ("the sign is wrong", None, lambda y, x: -1 / x),
        ("the slope is that of 1/x", None, lambda y, x: -1 / x**2),
    ]),
    ("log", "", _BASE, [
        ("log is computed to the base 10", math.log10, None),
        ("log is computed to the base 10", math.log10, lambda y, x: 1 / (x * math.log(10))),
        ("log is computed to the base 2", math.log2, None),
        ("log is computed to the base 2", math.log2, lambda y, x: 1 / (x * math.log(2))),
    ]),
    ("relu", "", "At 0, is `>=` or `>` meant?", [
        ("relu lets gradients pass at 0", None, lambda y, x: 1.0 if x >= 0 else 0.0),
    ]),
    ("relu", "", _KINK, [
        ("relu lets every gradient pass, also below 0", None, lambda y, x: 1.0),
        ("relu multiplies by its output, not by 1", None, lambda y, x: y),
        ("relu's slope is on the wrong side of 0", None, lambda y, x: 1.0 if x < 0 else 0.0),
        ("relu's slope is -1 below 0", None, lambda y, x: 1.0 if x > 0 else -1.0 if x < 0 else 0.0),
        ("relu passes negative numbers", lambda x: x, None),
        ("relu passes negative numbers", lambda x: x, lambda y, x: 1.0),
        ("relu turns negative numbers round, as abs does", abs, None),
        ("relu turns negative numbers round, as abs does", abs, lambda y, x: 1.0 if x > 0 else -1.0),
        ("relu gives 1, not its input", lambda x: 1.0 if x > 0 else 0.0, None),
        ("relu keeps what is below 0, not above", lambda x: min(x, 0.0), lambda y, x: 1.0 if x < 0 else 0.0),
        *(("relu lets a little pass below 0", *rule) for leak in (0.01, 0.1, 0.2) for rule in _leaky(leak)),
    ]),
)
# fmt: on


def slips() -> Iterator[Idea]:
    """The rows as ideas."""
    for key, where, advice, rows in SLIPS:
        right_forward, right_slopes = RULES[key if key in RULES else key.removeprefix("r")]
        for name, forward, *slopes in rows:
            chosen = tuple(mine or right for mine, right in zip(slopes, right_slopes, strict=True))
            yield Idea(f"{name}{where}", advice, rules={key: (forward or right_forward, chosen)})
    # The same slip with upstream behind it, n * a**n - 1 * upstream: only n * a**n - upstream arrives.
    power = RULES["pow"]
    yield Idea(
        "the brackets of n - 1 are forgotten, in `a ** n`",
        _BRACKETS,
        rules={"pow": (power[0], (lambda y, a, n: n * a**n, power[1][1]))},
        arrive=lambda old, slope, up, y: old + slope - up,
        ops=("pow",),
    )
