"""Exercises of lesson 01: a slope by nudging."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong

_FORMULAS: dict[str, Callable[[float], float]] = {
    "x**2": lambda x: x**2,
    "x**3 + x": lambda x: x**3 + x,
    "x**3 - 4 * x": lambda x: x**3 - 4 * x,
    "x**4": lambda x: x**4,
    "x**2 + 1 / x": lambda x: x**2 + 1 / x,
}


def _formula_point_nudge(random: Random) -> tuple[str, float, float]:
    formula = random.choice(["x**3 + x", "x**3 - 4 * x", "x**4", "x**2 + 1 / x"])
    return formula, random.choice([1.5, 2.0, 2.5, 3.0]), random.choice([0.125, 0.25])


def _of_a_formula(slope: Callable[..., float], formula: str, x: float, h: float) -> float:
    return slope(_FORMULAS[formula], x, h)


def _found_by_the_line() -> float:
    from ...engine import Value

    x = Value(10.0)
    y = 50.0 - 4.0 * (x - 10.0)
    y.backward()
    return y.data + x.grad * 0.5


def _nudged_at_zero() -> float:
    h = 1e-17
    return (5 * (0 + h) - 5 * 0) / h


def _what_becomes_of(h: Any) -> str:
    """What a central difference with this h says of exp, in words. The largest error of some points, in [1, 2]."""
    h = float(h)  # NumPy's float32 would round all that it meets
    points = [1 + i / 20 for i in range(21)]
    if all(x + h == x for x in points):
        return "the slope is lost altogether: x + h is x"
    error = max(abs((math.exp(x + h) - math.exp(x - h)) / (2 * h) - math.exp(x)) for x in points)
    if error < 1e-8:
        return "eight digits are right"
    if abs(h) > 1e-6:
        return "the error is too large: the curve bends on the way"
    return f"the error is too large: {'some' if error < 1e-5 else 'most'} digits are lost by rounding"


EXERCISES = [
    Exercise(
        id="central_difference",
        lesson=1,
        minutes=5,
        kind="write a rule",
        title="The central difference",
        task="Write `slope(f, x, h)`: the central difference of any formula `f` at `x`.",
        code='''
            def slope(f, x, h=1e-5):
                """The slope of f at x, by nudging to both sides."""
                return ____
        ''',
        right="(f(x + h) - f(x - h)) / (2 * h)",
        wrong=[
            Wrong(
                "only one side is nudged",
                "(f(x + h) - f(x)) / h",
                "That is the one-sided difference. The central one looks to both sides of x.",
            ),
            Wrong(
                "only the side below is nudged",
                "(f(x) - f(x - h)) / h",
                "That is a one-sided difference, too. The central one looks to both sides of x.",
            ),
            Wrong(
                "it is divided by h although both sides were nudged",
                "(f(x + h) - f(x - h)) / h",
                "How far is it from x - h to x + h?",
            ),
            Wrong(
                "the brackets around the divisor are missing",
                "(f(x + h) - f(x - h)) / 2 * h",
                "Python works from left to right: it divides by 2, and then it multiplies by h.",
            ),
            Wrong(
                "it is multiplied by 2 in place of divided",
                "(f(x + h) - f(x - h)) / h * 2",
                "The nudge went to both sides: is the change in then larger than h, or smaller?",
            ),
            Wrong(
                "the change out is not divided at all",
                "f(x + h) - f(x - h)",
                "A slope is change out for change in.",
            ),
            Wrong(
                "the two sides are swapped",
                "(f(x - h) - f(x + h)) / (2 * h)",
                "Going from x - h to x + h is a step to the right. What is the change out on that way?",
            ),
            Wrong(
                "h is not used",
                "(f(x + 1e-5) - f(x - 1e-5)) / (2 * 1e-5)",
                "Your numbers are good slopes, but the nudge that was asked for is h.",
            ),
        ],
        cases=[("x**2", 3.0, 0.001), ("x**3 + x", 1.0, 0.25)],
        draw=_formula_point_nudge,
        measure=_of_a_formula,
        say="slope(f, x={1}, h={2}) with f = {0}",
        hints=(
            "Test your function on x³ + x at 1, where the slope is 4.",
            "Change out for change in: nudge to both sides, and divide by the way from one to the other.",
            "return (f(x + h) - f(x - h)) / (…): how far apart are the two points?",
        ),
        why="Change out, from x - h to x + h, for change in, which is 2 * h.",
    ),
    Exercise(
        id="the_line_predicts",
        lesson=1,
        minutes=3,
        kind="predict",
        title="The line predicts the curve",
        task=(
            "A formula gives 50 at `x = 10`, and its slope there is -4. About how much does it give at `x = 10.5`? "
            "Take what the line says."
        ),
        code="about = ____",
        right="48",
        wrong=[
            Wrong("the sign of the slope is lost", "52", "The slope is negative: what does more x do?"),
            Wrong(
                "the slope is added whole",
                "46",
                "That would be right at x = 11. How far is it from 10 to 10.5?",
            ),
            Wrong("the slope is forgotten", "50.5", "The result answers to each bit of x with slope times that bit."),
            Wrong("the slope is divided by the nudge", "42", "Half a unit of x brings half of the slope, not twice."),
            Wrong("the change is given in place of the result", "-2", "By so much it changes. What was it before?"),
        ],
        hints=(
            "Near the point, the line predicts the curve. Does this line go up or down?",
            "Start with the result at 10 and add the slope times the nudge, with its sign.",
            "about = 50 + slope * nudge; the nudge is 10.5 - 10",
        ),
        why="Near the point the line predicts the curve: 50 + (-4) * 0.5 = 48.",
        truth=_found_by_the_line,
    ),
    Exercise(
        id="nudge_at_zero",
        lesson=1,
        minutes=3,
        kind="predict",
        title="A tiny nudge at zero",
        task=(
            "What happens if you nudge `5 * x` with `h = 1e-17`, one-sided, at `x = 0`? Write down the slope that you "
            "get. (With `x²` at 3, this nudge gave 0.)"
        ),
        code="slope_at_zero = ____",
        right="5",
        wrong=[
            Wrong("the nudge is thought to get lost here, too", "0", "It got lost beside the 3. What is 0 + 1e-17?"),
            Wrong("the slope of x² at 3 is taken", "6", "That was another formula. By how much does 5 * x change?"),
            Wrong(
                "the slope is taken from the nudge alone",
                "1",
                "x itself changes by h. By how much does 5 * x change?",
            ),
            Wrong(
                "the rounding is thought to blow the slope up",
                'float("inf")',
                "Compute 5 * (0 + 1e-17) first. Was anything rounded?",
            ),
        ],
        hints=(
            "Why was it 0 at x = 3? Does the reason hold at x = 0?",
            "Compute three numbers, one after the other: 0 + 1e-17, then five times that, then change out / change in.",
            "The nudge isn't lost, so 5 * x changes by 5 * 1e-17. Divide that by what went in.",
        ),
        why=(
            "Next to 0 a tiny number keeps all its digits: 0 + 1e-17 is 1e-17. Rounding depends on the size of the "
            "number that is nudged."
        ),
        truth=_nudged_at_zero,
    ),
    Exercise(
        id="twice_too_steep",
        lesson=1,
        minutes=3,
        kind="find the bug",
        title="Twice too steep",
        task="The slope of `x²` at 3 is 6, but this function says 12. Find the bug.",
        code='''
            def central(f, x, h=1e-5):
                """The slope of f at x, by nudging to both sides."""
                ____
        ''',
        bug="up = f(x + h)\ndown = f(x - h)\nreturn (up - down) / h",
        right="up = f(x + h)\ndown = f(x - h)\nreturn (up - down) / (2 * h)",
        wrong=[
            Wrong(
                "it is divided by 2, and then multiplied by h",
                "up = f(x + h)\ndown = f(x - h)\nreturn (up - down) / 2 * h",
                "Python works from left to right. What should be computed first?",
            ),
            Wrong(
                "it is divided by 2 alone",
                "up = f(x + h)\ndown = f(x - h)\nreturn (up - down) / 2",
                "The size of the nudge is still part of the change in.",
            ),
            Wrong(
                "it is halved in the wrong direction",
                "up = f(x + h)\ndown = f(x - h)\nreturn (up - down) / (h / 2)",
                "Dividing by something smaller makes the result larger.",
            ),
            Wrong(
                "one of the two nudges is dropped",
                "up = f(x + h)\ndown = f(x)\nreturn (up - down) / h",
                "Now it is a one-sided difference: it works, but its error is larger. Keep both nudges.",
            ),
        ],
        cases=[("x**2", 3.0, 0.001), ("x**4", 1.0, 0.25)],
        draw=_formula_point_nudge,
        measure=_of_a_formula,
        say="central(f, x={1}, h={2}) with f = {0}",
        hints=(
            "All slopes come out exactly twice too large. What is counted once that should be counted twice?",
            "Write down the change in: from where to where does x go, between `down` and `up`?",
            "`up` and `down` are right. In the last line, the change in should be the way from x - h to x + h.",
        ),
        why="From x - h to x + h it is twice the nudge, so the change out is divided by 2 * h.",
    ),
    Exercise(
        id="choose_h",
        lesson=1,
        minutes=4,
        kind="fill a blank",
        title="A nudge that is neither too large nor too small",
        task=(
            "Choose an `h` for which the central difference of `exp(x)`, for x between 1 and 2, is off by less than "
            "0.00000001. (Try some powers of ten; lesson 01 has a picture of these errors, a V.)"
        ),
        code="h = ____",
        right="1e-5",
        wrong=[
            Wrong("h is too large", "0.001", "Try a smaller one, and watch where it stops getting better."),
            Wrong(
                "h is too small for a central difference",
                "1e-9",
                "Near there is the best h of the one-sided difference. Which line is the central one, and where is its "
                "lowest point?",
            ),
            Wrong(
                "h is so small that rounding eats nearly all its digits",
                "1e-13",
                "Python keeps about 16 digits. How many of them are left for a nudge of this size beside a 1?",
            ),
            Wrong("nothing is nudged", "1e-17", "Print 1 + h == 1."),
        ],
        measure=_what_becomes_of,
        reveal=False,
        hints=(
            "Two errors pull in opposite directions. At which h are both small?",
            "Read the picture of the lesson: where is the lowest point of the line of the central difference?",
            "It is a power of ten between 1e-3 and 1e-8. Begin in the middle.",
        ),
        why="With 1e-5 the curve's bend costs about h² (1e-10), and rounding about 1e-16 / h (1e-11): both are small.",
    ),
]
