"""Exercises of lesson 03: the chain rule by hand."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong


def _numbers(random: Random) -> tuple[float, float, float]:
    """Three whole numbers, none twice, none of them 0, 1 or -1: so that a forgotten factor is seen."""
    return tuple(float(n) for n in random.sample([-7, -5, -4, -3, -2, 2, 3, 4, 5, 6, 7, 8, 9], 3))  # type: ignore[return-value]


def _input_and_upstream(random: Random) -> tuple[float, float]:
    """An input at which tanh and its like are not flat yet, and the gradient that comes from above."""
    return random.choice([-1.5, -0.75, -0.5, 0.5, 0.75, 1.5]), random.choice([-4.0, -3.0, 2.5, 3.0, 5.0])


def _either_side(random: Random) -> tuple[float, float]:
    return random.choice([-1, 1]) * random.choice([2.0, 3.0, 4.0]), random.choice([-2.5, -1.5, 1.5, 2.5])


def _slopes(random: Random) -> tuple[list[float]]:
    return ([float(n) for n in random.sample([-7, -5, -4, -3, -2, 2, 3, 4, 5, 6, 7], random.choice([3, 4]))],)


def _neuron_numbers(random: Random) -> tuple[float, float, float, float]:
    x, w, b = random.sample([-4, -3, -2, 2, 3, 4, 5], 3)
    return float(x), float(w), float(b), random.choice([0.5, 1.5, -0.5])


def _one_of_three(answer: Any) -> Any:
    """The answer, other words for "nearly 0" taken as that."""
    others = ("nearly zero", "almost 0", "almost zero", "close to 0", "close to zero", "about 0")
    return "nearly 0" if isinstance(answer, str) and answer.strip().lower() in others else answer


EXERCISES = [
    Exercise(
        id="minus",
        lesson=3,
        minutes=3,
        kind="predict",
        title="A minus",
        task="Let `k = (u - v) * t` with `u = 7`, `v = 4`, `t = -2`. What is `v.grad` after `k.backward()`?",
        right="2",
        wrong=[
            Wrong("the slope of the minus is taken as 1", "-2", "What does u - v do when v grows by a little?"),
            Wrong("upstream is forgotten", "-1", "Two arrows lead from v to k: multiply the slopes of both."),
            Wrong(
                "the product is kept in place of its slope", "-6", "That is k itself. A gradient says how k changes."
            ),
            Wrong(
                "the other factor of the product is taken", "-3", "The slope of (u - v) * t by its first factor is t."
            ),
        ],
        hints=(
            "How many arrows lead from v to k, and what is written on each?",
            "Multiply the slope of `u - v` for v by the slope of the product for its first factor.",
            "v.grad = (slope of the minus) * t, and the slope of the minus is -1 or 1: which?",
        ),
        why="The slope of u - v with respect to v is -1, that of the product is t = -2, and (-1) * (-2) = 2.",
        truth=lambda: _minus(),
    ),
    Exercise(
        id="mul_backward",
        lesson=3,
        minutes=4,
        kind="write a rule",
        title="The backward rule of a product",
        task="Let `y = a * b`, and let `upstream` be the gradient of `y`. Return the gradients of `a` and of `b`.",
        code='''
            def mul_backward(a, b, upstream):
                """The gradients of a and b, when y = a * b has the gradient upstream."""
                return ____
        ''',
        right="b * upstream, a * upstream",
        wrong=[
            Wrong(
                "upstream is forgotten",
                "b, a",
                "A local slope says how y changes. How much does y matter for the result?",
            ),
            Wrong("a and b are swapped", "a * upstream, b * upstream", "If a grows by 1, by how much does a * b grow?"),
            Wrong("upstream is added", "b + upstream, a + upstream", "Along a path, slopes are multiplied."),
            Wrong("the slopes of a sum are taken", "upstream, upstream", "That is the rule for y = a + b."),
        ],
        cases=[(2.0, 3.0, 1.0), (2.0, 3.0, 5.0)],
        draw=_numbers,
        forward=lambda a, b, upstream: a * b * upstream,
        wrt=(0, 1),
        say="mul_backward(a={}, b={}, upstream={})",
        hints=(
            "First without upstream: if a grows by a little, what does a * b do?",
            "A gradient is the local slope times the gradient that comes from above.",
            "return (the other factor) * upstream, and the same for b",
        ),
        why="The slope of a * b with respect to a is b; the chain rule multiplies it by what comes from above.",
    ),
    Exercise(
        id="gradient_along",
        lesson=3,
        minutes=4,
        kind="write a loop",
        title="The chain rule as a loop",
        task=(
            "Write the chain rule as a loop: the gradient at the end of a chain of arrows, given the local slope on "
            "each, from the result backwards."
        ),
        code='''
            def gradient_along(slopes):
                """The gradient at the end of a chain, from the local slopes on its arrows."""
                gradient = 1.0
                for slope in slopes:
                    gradient = ____
                return gradient
        ''',
        right="slope * gradient",
        wrong=[
            Wrong(
                "the slopes are added",
                "slope + gradient",
                "Think of the gears: 5 times as fast, and then 4 times as fast. How fast is that together?",
            ),
            Wrong(
                "upstream is forgotten",
                "slope",
                "Each round throws away what the rounds before have found. Only the last slope is left.",
            ),
            Wrong(
                "the slopes are summed up",
                "sum(slopes)",
                "Think of the gears: 5 times as fast, and then 4 times as fast. How fast is that together?",
            ),
            Wrong(
                "the function returns after the first arrow",
                "slope * gradient\nreturn gradient",
                "Look at the indent of the last line: does it belong to the loop?",
            ),
            Wrong(
                "the local slope is forgotten",
                "gradient * gradient",
                "It stays 1. Where does the number on the arrow come in?",
            ),
            Wrong(
                "it is divided by the slopes",
                "gradient / slope",
                "A wheel that turns 4 times as fast makes the gradient 4 times as large, not as small.",
            ),
        ],
        cases=[([4.0, 1.0, 5.0],), ([4.0, 1.0, 2.0],)],
        draw=_slopes,
        say="gradient_along({})",
        hints=(
            "From L back to a, the slopes are 4, 1, 5, and a.grad is 20.",
            "One factor for each arrow: what was found so far is upstream of the next arrow.",
            "gradient = (the slope on this arrow) … gradient: which sign belongs there?",
        ),
        why="Local slope × upstream gradient, once for each arrow.",
    ),
    Exercise(
        id="saturated",
        lesson=3,
        minutes=3,
        kind="predict",
        title="A large bias",
        task=(
            "The neuron of lesson 03, `tanh(x1 * w1 + x2 * w2 + b)`, has the bias 1.1931, and its `w1.grad` is 1.92. "
            "What happens if the bias is 5? The output is then almost 1. Will "
            '`w1.grad` be `"larger"` than 1.92, `"about the same"`, or `"nearly 0"`?'
        ),
        code="w1_grad_is = ____",
        right='"nearly 0"',
        wrong=[
            Wrong(
                "a larger sum is thought to have a larger gradient",
                '"larger"',
                "Every gradient of this neuron goes through the slope of tanh. Where is that large?",
            ),
            Wrong(
                "the bias is thought to matter for nothing but the output",
                '"about the same"',
                "The bias has moved the sum to another place of the curve of tanh. Is it as steep there?",
            ),
        ],
        hints=(
            "Which box does every gradient of this neuron go through?",
            "The slope of tanh is 1 - y². What is that for a y that is almost 1?",
            "w1.grad = x1 * (1 - y²), and now y is 0.9998.",
        ),
        why=(
            "The sum is 4.5, the output 0.9998, and so the slope of tanh is 0.0005. It multiplies everything behind "
            "it. One says that the neuron is saturated: it can hardly learn. (Lesson 12 comes back to it.)"
        ),
        measure=_one_of_three,
        truth=lambda: _with_a_large_bias(),
    ),
    Exercise(
        id="tanh_backward",
        lesson=3,
        minutes=4,
        kind="find the bug",
        title="Right at zero only",
        task="Let `y = tanh(x)`. This backward rule is right at `x = 0`, and nowhere else. Find the bug.",
        code='''
            def tanh_backward(x, upstream):
                """The gradient of x, when y = tanh(x) has the gradient upstream."""
                y = math.tanh(x)
                return ____
        ''',
        bug="(1 - math.tanh(y) ** 2) * upstream",
        right="(1 - y**2) * upstream",
        wrong=[
            Wrong(
                "the input is taken in place of the output",
                "(1 - x**2) * upstream",
                "The books say 1 - tanh(x)². Which of the two numbers at hand is tanh(x)?",
            ),
            Wrong(
                "upstream is forgotten",
                "1 - y**2",
                "That is the local slope. How much does y matter for the result?",
            ),
            Wrong("the square is forgotten", "(1 - y) * upstream", "Compare with the rule on the card, at y = -0.5."),
            Wrong(
                "upstream multiplies only a part of the slope",
                "1 - y**2 * upstream",
                "Python multiplies before it subtracts. Where do brackets belong?",
            ),
        ],
        cases=[(0.0, 1.0), (0.5, 1.0), (-1.5, 3.0)],
        draw=_input_and_upstream,
        forward=lambda x, upstream: math.tanh(x) * upstream,
        wrt=(0,),
        say="tanh_backward(x={}, upstream={})",
        hints=(
            "How often is tanh applied to x until it stands in the last line?",
            "The rule in the books is 1 - tanh(x)², and tanh(x) has been computed already. What is it called here?",
            "(1 - (the output) ** 2) * upstream",
        ),
        why="The slope of tanh is 1 - tanh(x)², and tanh(x) is the output y. It has been computed already.",
    ),
    Exercise(
        id="exp_backward",
        lesson=3,
        minutes=3,
        kind="write a rule",
        title="The backward rule of exp",
        task="Let `y = exp(x)`, and let `upstream` be the gradient of `y`. Return the gradient of `x`.",
        code='''
            def exp_backward(x, upstream):
                """The gradient of x, when y = exp(x) has the gradient upstream."""
                y = math.exp(x)
                return ____
        ''',
        right="y * upstream",
        wrong=[
            Wrong(
                "the input is taken in place of the output",
                "x * upstream",
                "The books say that the slope of exp(x) is exp(x). Which of the two numbers at hand is that?",
            ),
            Wrong("upstream is forgotten", "y", "That is the local slope. How much does y matter for the result?"),
            Wrong(
                "exp is applied twice",
                "math.exp(y) * upstream",
                "Nudge it: at x = 0 the slope is 1. What does your rule say there?",
            ),
            Wrong(
                "the rule of powers is used",
                "x * math.exp(x - 1) * upstream",
                "That rule is for x to a fixed power. Here x is in the exponent.",
            ),
            Wrong("upstream is added", "y + upstream", "Along a path, slopes are multiplied."),
        ],
        cases=[(0.5, 1.0), (-1.0, 2.0), (2.0, -3.0)],
        draw=_input_and_upstream,
        forward=lambda x, upstream: math.exp(x) * upstream,
        wrt=(0,),
        say="exp_backward(x={}, upstream={})",
        hints=(
            "Look at the card in the lesson: which column has the ticks?",
            "The local slope has been computed already. Multiply it by the gradient that comes from above.",
            "return (a number that stands in the line above) * upstream",
        ),
        why="The slope of exp is its output y; the chain rule multiplies it by what comes from above.",
    ),
    Exercise(
        id="sigmoid_backward",
        lesson=3,
        minutes=4,
        kind="write a rule",
        title="The backward rule of sigmoid",
        task=(
            "The sigmoid squeezes any number into the range from 0 to 1: `y = 1 / (1 + exp(-x))`. Its slope in the "
            "books is *sigmoid(x) · (1 - sigmoid(x))*. Return the gradient of `x`, when `y` has the gradient "
            "`upstream`."
        ),
        code='''
            def sigmoid_backward(x, upstream):
                """The gradient of x, when y = sigmoid(x) has the gradient upstream."""
                y = 1 / (1 + math.exp(-x))
                return ____
        ''',
        right="y * (1 - y) * upstream",
        wrong=[
            Wrong(
                "the input is taken in place of the output",
                "x * (1 - x) * upstream",
                "Which of the two numbers at hand is sigmoid(x)?",
            ),
            Wrong(
                "upstream is forgotten",
                "y * (1 - y)",
                "That is the local slope. How much does y matter for the result?",
            ),
            Wrong(
                "the rule of tanh is used",
                "(1 - y**2) * upstream",
                "The two curves look alike, but this one runs from 0 to 1. Nudge both at x = 0.",
            ),
            Wrong(
                "one of the two factors is left out",
                "(1 - y) * upstream",
                "The curve is flat at both ends. Your slope fades at one end only.",
            ),
            Wrong(
                "sigmoid is applied twice",
                "(1 / (1 + math.exp(-y))) * (1 - 1 / (1 + math.exp(-y))) * upstream",
                "y is sigmoid(x) already.",
            ),
        ],
        cases=[(0.5, 1.0), (-2.0, 3.0), (3.0, -2.0)],
        draw=_input_and_upstream,
        forward=lambda x, upstream: upstream / (1 + math.exp(-x)),
        wrt=(0,),
        say="sigmoid_backward(x={}, upstream={})",
        hints=(
            "As with exp and tanh, the slope can be read off the output.",
            "Replace each sigmoid(x) in the rule of the books by its name in the program; then the chain rule.",
            "return (local slope: two factors made of y) * upstream",
        ),
        why="sigmoid(x) is the output y, so the local slope is y * (1 - y); the chain rule multiplies it by upstream.",
    ),
    Exercise(
        id="relu_backward",
        lesson=3,
        minutes=4,
        kind="write a rule",
        title="The backward rule of relu",
        task=(
            "Let `y = relu(x)`: `x` where it is larger than 0, and 0 elsewhere. Return the gradient of `x`, when `y` "
            "has the gradient `upstream`. At `x = 0` there is a corner, and so no slope (lesson 01). Take 0 there, as "
            "PyTorch does."
        ),
        code='''
            def relu_backward(x, upstream):
                """The gradient of x, when y = relu(x) has the gradient upstream."""
                return ____
        ''',
        right="upstream if x > 0 else 0.0",
        wrong=[
            Wrong(
                "relu at 0 gets the slope 1",
                "upstream if x >= 0 else 0.0",
                "At the corner the task asks for the slope of the flat side.",
            ),
            Wrong(
                "relu at 0 gets the slope 1/2",
                "upstream if x > 0 else upstream / 2 if x == 0 else 0.0",
                "The middle is a choice that could be made, too. The task makes another one.",
            ),
            Wrong(
                "upstream is forgotten",
                "1.0 if x > 0 else 0.0",
                "That is the local slope. How much does y matter for the result?",
            ),
            Wrong(
                "the output is taken in place of the slope",
                "max(x, 0.0) * upstream",
                "Where relu hands x on unchanged, how steep is it?",
            ),
            Wrong(
                "the flat half is forgotten",
                "upstream",
                "If x is -3 and grows by a little, what does relu(x) do?",
            ),
            Wrong(
                "relu is applied to the gradient",
                "max(upstream, 0.0)",
                "Whether the gradient passes is decided by x, not by the sign of the gradient.",
            ),
        ],
        cases=[(3.0, 2.0), (-2.0, 5.0), (0.0, 4.0), (0.5, -3.0), (-1.5, -2.0)],
        draw=_either_side,
        say="relu_backward(x={}, upstream={})",
        hints=(
            "Draw relu: a flat half and a half that rises. How steep is each?",
            "The local slope is one of two numbers; which one, says x. Multiply it by what comes from above.",
            "upstream if (x is on the half that rises) else 0.0; on which side does the corner itself belong?",
        ),
        why="Where x is larger than 0, relu hands the gradient on; elsewhere, and at 0, nothing passes.",
    ),
    Exercise(
        id="neuron_backward",
        lesson=3,
        minutes=7,
        kind="write a rule",
        title="Three operations back",
        task=(
            "Let `p = x * w`, `s = p + b` and `y = s ** 2`, and let `upstream` be the gradient of `y`. Go back one "
            "operation at a time: the gradient of `s`, then that of `p`, and return those of `x`, `w` and `b`. (The "
            "slope of `s ** 2` is `2 * s`.)"
        ),
        code='''
            def neuron_backward(x, w, b, upstream):
                """The gradients of x, w and b, when y = (x * w + b) ** 2 has the gradient upstream."""
                s = x * w + b
                s_grad = ____
                p_grad = ____
                return ____
        ''',
        right=("2 * s * upstream", "s_grad", "w * p_grad, x * p_grad, s_grad"),
        wrong=[
            Wrong(
                "upstream is forgotten at the square",
                ("2 * s", "s_grad", "w * p_grad, x * p_grad, s_grad"),
                "The gradient of y is 1 only where y itself is the result.",
            ),
            Wrong(
                "upstream is forgotten below the sum",
                ("2 * s * upstream", "s_grad", "w, x, s_grad"),
                "Local slope × the gradient of the box at the arrow's tip: which box is that for x and w?",
            ),
            Wrong(
                "every operation takes the gradient of y for upstream",
                ("2 * s * upstream", "upstream", "w * upstream, x * upstream, upstream"),
                "The upstream gradient of an operation is that of its own result, not that of the last one.",
            ),
            Wrong(
                "x and w are swapped",
                ("2 * s * upstream", "s_grad", "x * p_grad, w * p_grad, s_grad"),
                "If x grows by 1, by how much does x * w grow?",
            ),
            Wrong(
                "the sum is treated as a product",
                ("2 * s * upstream", "b * s_grad", "w * p_grad, x * p_grad, x * w * s_grad"),
                "What is the local slope of p + b for p?",
            ),
            Wrong(
                "the slope of the square is taken as s",
                ("s * upstream", "s_grad", "w * p_grad, x * p_grad, s_grad"),
                "s ** 2 is s * s: s is used twice. The slope is in the task.",
            ),
        ],
        cases=[(3.0, 2.0, -4.0, 1.0), (3.0, 2.0, -4.0, 0.5)],
        draw=_neuron_numbers,
        forward=lambda x, w, b, upstream: (x * w + b) ** 2 * upstream,
        wrt=(0, 1, 2),
        say="neuron_backward(x={}, w={}, b={}, upstream={})",
        hints=(
            "Draw the graph of the three operations, and write the local slope on each arrow.",
            "Each gradient is the slope on its arrow × the gradient of the box at the arrow's tip.",
            "s_grad = (slope of the square) * upstream; p_grad = 1 * s_grad; and for x and w, p_grad is upstream.",
        ),
        why="At each operation the local slope multiplies what has come back: 2 * s, then 1, then the other factor.",
    ),
]


def _minus() -> float:
    from ...engine import Value

    u, v, t = Value(7.0), Value(4.0), Value(-2.0)
    ((u - v) * t).backward()
    return v.grad


def _with_a_large_bias() -> str:
    from ...engine import Value

    w1 = Value(0.5)
    (w1 * 3.0 + (-2.0) + 5.0).tanh().backward()
    return "larger" if w1.grad > 2.5 else "nearly 0" if w1.grad < 0.1 else "about the same"
