"""Exercises of lesson 06: build your own Value."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong
from .own_engine import OWN_ENGINE

APART = [-3.5, -1.5, 2.5, 5.5]  # no two of them differ by 1


def _two_apart(random: Random) -> tuple[float, ...]:
    return tuple(random.sample(APART, 2))


def _slopes_of(forward: Callable[..., float]) -> Callable[..., Any]:
    """A measure: the slopes of a row of the lesson's table (forward, one slope for each input), at some operands.

    The row's own first entry must still be `forward`.
    """

    def slopes_of_row(row: Any, *operands: float) -> Any:
        own, *slopes = row
        y = own(*operands)
        _still_computes(y, forward(*operands))
        found = [slope(y, *operands) for slope in slopes]
        return found if len(found) > 1 else found[0]

    return slopes_of_row


def _still_computes(y: Any, right: float) -> None:
    """Raise ValueError if what computes y, which stood in the code already, was changed."""
    if y is not ... and not math.isclose(float(y), right, rel_tol=1e-9, abs_tol=1e-9):
        raise ValueError(
            f"y itself comes out as {float(y):.4g} where it is {right:.4g}: keep the first lambda as it was"
        )


def _slope_of_cube(op: Any, x: float) -> Any:
    """The slope of a Unary of the library, asked of its rule: so that dots stay dots."""
    if not hasattr(op, "rules"):
        raise TypeError("this is no Unary(name, forward, slope): keep the line as it was, and fill in the slope")
    y = op.forward(x)
    _still_computes(y, x * x * x)
    return op.rules[0](y, x)


def _both_sides(number_class: Callable[[float], Any], n: float, x: float) -> list[Any]:
    """What n + x and n - x hold. What is no number of the class is named: it has lost the way that it was made."""
    found = (n + number_class(x), n - number_class(x))
    return [one if one is ... else getattr(one, "data", f"a plain {type(one).__name__}") for one in found]


EXERCISES = [
    Exercise(
        id="sub_row",
        lesson=6,
        minutes=4,
        kind="write a rule",
        title="A row for the difference",
        task=(
            "Give the difference `y = a - b` a row of its own for the table of lesson 06: how it is computed, then its "
            "slope for `a` and its slope for `b`."
        ),
        code="sub_row = (lambda a, b: a - b, lambda y, a, b: ____, lambda y, a, b: ____)",
        right=("1", "-1"),
        wrong=[
            Wrong("the minus is forgotten", ("1", "1"), "Let b grow by 1 and leave a alone. Where does a - b go?"),
            Wrong("a and b are swapped", ("-1", "1"), "Which of the two has the minus in front of it in a - b?"),
            Wrong(
                "the slopes of a product are taken", ("b", "a"), "That is the row for a * b. Here nothing is scaled."
            ),
            Wrong(
                "the operands stand in place of their slopes",
                ("a", "-b"),
                "Those two add up to y. A slope says by how much y changes.",
            ),
            Wrong(
                "the output is taken as its own slope",
                ("y", "y"),
                "Only exp has that. Let a grow by 1: what does y do?",
            ),
        ],
        cases=[(2.0, 5.0)],
        draw=_two_apart,
        drawn=1,
        measure=_slopes_of(lambda a, b: a - b),
        forward=lambda a, b: a - b,
        wrt=(0, 1),
        say="slopes for a and b at a = {}, b = {}",
        hints=(
            "If a grows by 1, what does a - b do? And if b does?",
            "Take numbers: 7 - 4, then 8 - 4, then 7 - 5. By how much did the result change each time?",
            "Both slopes are plain numbers, without a, b or y in them; they differ in their sign.",
        ),
        why="If a grows by 1, a - b grows by 1; if b grows by 1, it falls by 1.",
    ),
    Exercise(
        id="cube_slope",
        lesson=6,
        minutes=4,
        kind="fill a blank",
        title="The slope of a cube",
        task="Write the slope of a cube, for the library. (In lesson 04 you found it as a sum over three paths.)",
        setup="from micrograd_plus import Unary",
        code='cube = Unary("cube", lambda x: x * x * x, lambda y, x: ____)',
        right="3 * x * x",
        wrong=[
            Wrong("only one of the three paths is counted", "x * x", "In how many places does x stand in x * x * x?"),
            Wrong(
                "a factor is lost along each path",
                "3 * x",
                "If one x of x * x * x is nudged, two others multiply the nudge.",
            ),
            Wrong(
                "the nudged factor is kept as well",
                "3 * y",
                "Along one path the local slopes are the other factors. How many of them are there?",
            ),
            Wrong("the output is taken as its own slope", "y", "Only exp has that. Nudge x = 5: how fast does y grow?"),
            Wrong("the slope of a square is taken", "2 * x", "That belongs to x * x. Here is one more path."),
        ],
        cases=[(5.0,), (-1.5,)],
        draw=lambda random: (random.choice([-3.5, -2.5, 2.5, 3.5, 4.5]),),
        drawn=1,
        measure=_slope_of_cube,
        forward=lambda x: x * x * x,
        wrt=(0,),
        say="slope of the cube at x = {}",
        hints=(
            "x is used three times. What is the product along each path?",
            "Nudge one of the three and hold the others: the result changes by the product of those two. Now add up.",
            "… * x * x, with the number of paths in front",
        ),
        why="There are three paths, one for each x, and along each the product is x * x.",
    ),
    Exercise(
        id="xor_loss",
        lesson=6,
        minutes=5,
        kind="predict",
        title="What happens if the neuron is to learn either, but not both",
        task=(
            "One neuron, `tanh(w1 * x1 + w2 * x2 + b)`, is to learn -1, 1, 1, -1 at the corners (0, 0), (0, 1), "
            "(1, 0), (1, 1). Near which whole number does its loss end, the sum of the four squared errors? At 0 it "
            "would have learned them."
        ),
        code="final_loss = ____",
        right="4",
        wrong=[
            Wrong(
                "one straight line is thought to be enough",
                "0",
                "Draw the four corners, and mark the two that should say yes. Which line has those two on one side?",
            ),
            Wrong("the mean is taken in place of the sum", "1", "How many errors does this loss add up?"),
            Wrong(
                "two corners are thought to be right, and two entirely wrong",
                "8",
                "There is a better compromise: what if the neuron says the same undecided number everywhere?",
            ),
            Wrong(
                "all four are thought to end at the wrong side",
                "16",
                "Training lowers the loss. Even a neuron that always answers 0 has less than that.",
            ),
        ],
        measure=lambda loss: round(loss) if isinstance(loss, float) else loss,
        hints=(
            "Can you draw one straight line that separates those points?",
            "If the neuron can't tell the corners apart, which single answer is the best for -1, 1, 1 and -1?",
            "With the answer 0 everywhere, each error is 1 or -1. Square them and add up.",
        ),
        why=(
            "The neuron answers 0 to everything, and each of the four errors costs 1. One neuron can only draw one "
            "straight line; lesson 07 shows what helps."
        ),
        truth=lambda: round(_loss_of_a_neuron([-1.0, 1.0, 1.0, -1.0])),
    ),
    Exercise(
        id="pow_slope",
        lesson=6,
        minutes=4,
        kind="write a rule",
        title="The slope of a power",
        task="Let `y = a ** n`, where `n` is a fixed number. Return the slope of `y` with respect to `a`.",
        code='''
            def pow_slope(a, n):
                """The slope of y = a ** n with respect to a."""
                return ____
        ''',
        right="n * a ** (n - 1)",
        wrong=[
            Wrong(
                "the exponent stays as it is", "n * a ** n", "For a * a the slope is 2 * a: which exponent has a there?"
            ),
            Wrong("the factor in front is forgotten", "a ** (n - 1)", "One path for each factor: how many are there?"),
            Wrong(
                "the brackets around n - 1 are missing",
                "n * a ** n - 1",
                "Python takes the power first, and 1 away from all of it. What should lose 1?",
            ),
            Wrong(
                "the factor in front loses 1, not the exponent",
                "(n - 1) * a ** n",
                "There are n paths. And along each of them, how many factors are left?",
            ),
            Wrong(
                "both the factor in front and the exponent lose 1",
                "(n - 1) * a ** (n - 1)",
                "The exponent is right. How many paths are there for a * a, and how many does yours count?",
            ),
            Wrong(
                "the power itself is taken as the slope",
                "a ** n",
                "That is y. Try n = 2 and compare with the slope of a * a.",
            ),
            Wrong("the exponent is multiplied", "n * a", "That fits n = 2 by chance. Try n = 3 and count the paths."),
            Wrong(
                "the slope for the exponent is taken",
                "a ** n * math.log(a)",
                "There n moves and a stands still. Here it is the other way round.",
            ),
            Wrong(
                "the exponent is raised, as for an area",
                "a ** (n + 1) / (n + 1)",
                "That is the way back, from a slope to the function. For n = 1, what must the slope be?",
            ),
        ],
        cases=[(3.0, 4.0), (2.0, 3.0), (2.0, -1.0)],
        draw=lambda random: (random.choice([1.5, 2.5, 4.0, 5.0]), random.choice([4.0, 5.0, -2.0, -3.0, 0.5])),
        drawn=1,
        forward=lambda a, n: float(a**n),
        wrt=(0,),
        say="pow_slope(a={}, n={})",
        hints=(
            "You know it for n = 2 and n = 3: 2 * a and 3 * a * a. What is common to both?",
            "A power of n is n factors: n paths, and along each the product of all the other factors.",
            "n * a ** …, where the dots are one less than n",
        ),
        why="There are n paths, and along each the product of the other n - 1 factors. It holds for every n, also -1.",
    ),
    Exercise(
        id="relu_slope",
        lesson=6,
        minutes=3,
        kind="write a rule",
        title="ReLU and its kink",
        task=(
            "ReLU gives `x` if `x` is above 0, else 0. Return its slope at `x`. At 0 itself there are two to choose "
            "from: take that of the flat side, as PyTorch and this library do."
        ),
        code='''
            def relu_slope(x):
                """The slope of relu(x) = max(0, x)."""
                return ____
        ''',
        right="1.0 if x > 0 else 0.0",
        wrong=[
            Wrong(
                "the steep side is chosen at 0",
                "1.0 if x >= 0 else 0.0",
                "Everywhere else it is right. Look once more at which side is meant at x = 0 itself.",
            ),
            Wrong(
                "both sides are averaged at 0",
                "1.0 if x > 0 else 0.0 if x < 0 else 0.5",
                "That is what nudging says at the kink. The task asks for one of the two sides.",
            ),
            Wrong(
                "relu itself is taken as its slope",
                "max(0.0, x)",
                "How fast does relu grow at x = 3, and how fast at x = 30?",
            ),
            Wrong(
                "the slope of abs is taken",
                "1.0 if x > 0 else -1.0",
                "Left of 0, relu is flat. abs comes down there.",
            ),
            Wrong(
                "the flat side is forgotten",
                "1.0",
                "At x = -2 the output is 0. And if x grows by a little?",
            ),
        ],
        cases=[(0.0,), (3.0,), (-2.0,), (0.25,)],
        draw=lambda random: (random.choice([-4.5, -3.5, -0.5, 0.5, 2.5]),),
        drawn=1,
        say="relu_slope({})",
        hints=(
            "Draw it: flat left of 0, and a straight line right of 0. How steep is each part?",
            "Two cases are enough, if 0 itself goes to the right one of them.",
            "… if x > 0 else …",
        ),
        why="Right of 0 relu rises as x does, left of 0 it is flat; at 0 the flat side is chosen: such a unit rests.",
    ),
    Exercise(
        id="reflected",
        lesson=6,
        minutes=5,
        kind="fill a blank",
        title="When the number stands on the left",
        task=(
            "For `10 - x`, Python finds that 10 knows nothing of our class, and calls `x.__rsub__(10)`. Fill in what "
            "`10 + x` and `10 - x` give. Use the `+` and `*` that the class has already, with `self` on the left."
        ),
        code='''
            class Number:
                """A number of our own; the gradient is left out here."""

                def __init__(self, data):
                    self.data = data

                def __add__(self, other):
                    return Number(self.data + getattr(other, "data", other))

                def __mul__(self, other):
                    return Number(self.data * getattr(other, "data", other))

                def __radd__(self, other):
                    return ____

                def __rsub__(self, other):
                    return ____
        ''',
        right=("self + other", "self * -1 + other"),
        wrong=[
            Wrong(
                "the operands of the minus are swapped",
                ("self + other", "self + other * -1"),
                "In 10 - x, which of the two is `self`, and which one has the minus in front of it?",
            ),
            Wrong("the minus is forgotten", ("self + other", "self + other"), "That is 10 + x. Try x = 3 on paper."),
            Wrong(
                "both get the minus",
                ("self + other", "(self + other) * -1"),
                "Where does the 10 of 10 - x stand: with a minus in front, or without?",
            ),
            Wrong(
                "the same operator is called again and again",
                ("other + self", "other - self"),
                "`other + self` is the very question that Python is asking us. It would ask it again, for ever.",
            ),
        ],
        cases=[(10.0, 3.0)],
        draw=lambda random: tuple(random.sample([2.0, 4.0, 5.0, 7.0, 8.0, -3.0, -6.0], 2)),
        measure=_both_sides,
        say="n + x and n - x, where n = {}, x = Number({})",
        hints=(
            "`self` is x, and `other` is the 10 that stands on the left.",
            "A sum may be turned round. A difference is a sum with -1 times the number that is taken away.",
            "__radd__: self + …; __rsub__: self * … + other",
        ),
        why="n + x is x + n. And n - x is -x + n: the minus belongs to x, which is self.",
    ),
    Exercise(
        id="tanh_row",
        lesson=6,
        minutes=4,
        kind="write a rule",
        title="The row of tanh",
        task=(
            "Write the slope of `y = tanh(x)`. A row is given both, the output `y` and the input `x`: use the one that "
            "makes it short."
        ),
        code="tanh_row = (math.tanh, lambda y, x: ____)",
        right="1 - y * y",
        wrong=[
            Wrong(
                "the input stands in place of the output",
                "1 - x * x",
                "At x = 3 that would be -8, and tanh never falls. Which of the two is always between -1 and 1?",
            ),
            Wrong(
                "tanh is taken once more, of the output",
                "1 - math.tanh(y) ** 2",
                "y is the output already. Which of the two has still to go through tanh?",
            ),
            Wrong("the square is forgotten", "1 - y", "Tanh looks the same on both sides of 0, and so does its slope."),
            Wrong("the slope of the sigmoid is taken", "y * (1 - y)", "At x = 0, y is 0. Is tanh flat there?"),
            Wrong("a plus stands in place of the minus", "1 + y * y", "Far out tanh is nearly flat. What is y there?"),
            Wrong("the slope of exp is taken", "y", "That is the row of exp. How steep is tanh at 0, where y = 0?"),
        ],
        cases=[(3.0,), (-0.5,)],
        draw=lambda random: (random.choice([-1.5, -0.75, 0.25, 0.75, 1.25, 2.0]),),
        measure=_slopes_of(math.tanh),
        forward=math.tanh,
        wrt=(0,),
        say="slope of tanh at x = {}",
        hints=(
            "Where is tanh steepest, and where is it flat? What are y and x at those places?",
            "It is steepest at 0, with the slope 1, and flat where y comes near to 1 or -1. So use y.",
            "1 - …, where the dots are 0 at y = 0, and 1 at y = 1 and at y = -1",
        ),
        why="The slope of tanh needs its output only: 1 at y = 0, and 0 where y reaches 1 or -1.",
    ),
    OWN_ENGINE,
]


def _loss_of_a_neuron(targets: list[float]) -> float:
    """The loss at the end of the training of lesson 06."""
    from ...engine import Value

    w1, w2, b = Value(0.1), Value(-0.2), Value(0.0)
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    loss = 0.0
    for _ in range(500):
        errors = [(w1 * x1 + w2 * x2 + b).tanh() - t for (x1, x2), t in zip(corners, targets, strict=True)]
        total = sum((e * e for e in errors), Value(0.0))
        total.backward()
        for p in (w1, w2, b):
            p.data -= 0.1 * p.grad
            p.grad = 0.0
        loss = total.data
    return loss
