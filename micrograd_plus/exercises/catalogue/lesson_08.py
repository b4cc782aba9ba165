"""Exercises of lesson 08: what is being minimised?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong


def _to(digits: int) -> Callable[[Any], Any]:
    """Numbers rounded, so that an answer with more digits, or with just as many, is the same answer."""
    return lambda answer: round(float(answer), digits) if hasattr(answer, "__float__") else answer


def _finite(softmax: Callable[[list[float]], Any], logits: list[float]) -> Any:
    """The probabilities. NumPy gives nan where Python's own exp raises OverflowError: then that is raised, too."""
    found = softmax(logits)
    if isinstance(found, (list, tuple, Iterator)) or hasattr(found, "tolist"):
        found = list(found)
        if any(p is not ... and math.isnan(p) for p in found):
            raise OverflowError("exp of a large logit is inf, and inf / inf is not a number (nan)")
    return found


def _powers(logits: Sequence[float]) -> list[float]:
    highest = max(logits)
    return [math.exp(z - highest) for z in logits]


def _softmax(logits: Sequence[float]) -> list[float]:
    powers = _powers(logits)
    return [p / sum(powers) for p in powers]


def _three_and_three(random: Random) -> tuple[float, ...]:
    """Three answers and three targets, no two alike, so that no error is 0."""
    numbers = [-4.0, -3.0, -2.0, -0.5, 0.5, 1.5, 2.0, 3.0, 5.0, 6.0]
    return tuple(random.sample(numbers, 6))


def _paired(function: Callable[..., Any], *numbers: float) -> Any:
    """Call it with lists: the answers, then the targets."""
    half = len(numbers) // 2
    return function(list(numbers[:half]), list(numbers[half:]))


def _mean_square(*numbers: float) -> float:
    half = len(numbers) // 2
    return sum((a - t) ** 2 for a, t in zip(numbers[:half], numbers[half:], strict=True)) / half


def _with_probabilities(function: Callable[..., Any], *arguments: float) -> Any:
    """Call it with the softmax of the first three, and the number of the class that is right."""
    *logits, right = arguments
    return function(_softmax(logits), int(right))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def _slope_of_row(row: Any, x: float) -> Any:
    """The slope of a row of the sigmoid, whose first entry must still compute the sigmoid."""
    forward, slope = row
    y = forward(x)
    if not math.isclose(y, _sigmoid(x)):
        raise ValueError(
            f"y itself comes out as {y:.4g} where it is {_sigmoid(x):.4g}: keep the first lambda as it was"
        )
    return slope(y, x)


EXERCISES = [
    Exercise(
        id="knows_nothing",
        lesson=8,
        minutes=4,
        kind="predict",
        title="The loss of a model that knows nothing",
        task=(
            "A model knows nothing and gives each of ten classes the same probability. What is its cross-entropy? (Two "
            "decimals are enough. It is a useful number: an untrained network should begin near it.)"
        ),
        code="loss_at_start = ____",
        right="2.30",
        wrong=[
            Wrong("the probability is taken in place of its logarithm", "0.1", "And what does -log make of it?"),
            Wrong("the minus is forgotten", "-2.30", "A probability is below 1: which sign has its logarithm?"),
            Wrong(
                "the loss is divided by the number of classes",
                "0.23",
                "Only one class happened, and its cost is the loss. There is nothing to take the mean of.",
            ),
            Wrong(
                "the losses of all ten classes are added",
                "23.03",
                "Only one of the ten classes happened. What does that one cost?",
            ),
            Wrong(
                "the logarithm to the base 10 is taken", "1.0", "The one to the base e is meant: math.log or np.log."
            ),
            Wrong(
                "the logarithm to the base 2 is taken", "3.32", "The one to the base e is meant: math.log or np.log."
            ),
            Wrong(
                "1 - p is taken in place of -log(p)",
                "0.9",
                "That never costs more than 1. The table under “Why the logarithm?” has both columns.",
            ),
        ],
        measure=_to(2),
        tolerance=0.0015,  # the second decimal counts
        hints=(
            "Which probability has the right class?",
            "The cross-entropy is -log of the probability of the class that happened. Compute it with math.log.",
            "-math.log(…), with one tenth in the brackets",
        ),
        why="The right class has the probability 0.1, and -log(0.1) = 2.303.",
        truth=lambda: _cross_entropy([0.0] * 10, 3),
    ),
    Exercise(
        id="hinge",
        lesson=8,
        minutes=4,
        kind="write a rule",
        title="The hinge loss",
        task="Write the hinge loss of one score and its label (-1 or 1).",
        code='''
            def my_hinge(score, label):
                """0 for an answer that is right by a margin of 1; else what is missing to that margin."""
                return ____
        ''',
        right="max(0.0, 1 - label * score)",
        wrong=[
            Wrong(
                "nothing keeps it from falling below 0",
                "1 - label * score",
                "A score of 100 would earn a loss of -99, and make up for other mistakes. What should it cost?",
            ),
            Wrong(
                "the margin of 1 is forgotten",
                "max(0.0, -label * score)",
                "Then to be right by a hair costs nothing. Where does the curve in the picture reach 0?",
            ),
            Wrong(
                "min stands in place of max",
                "min(0.0, 1 - label * score)",
                "A loss never falls below 0. Put a score of 2 and the label 1 in: which of the two does min keep?",
            ),
            Wrong("the label is forgotten", "max(0.0, 1 - score)", "A score of 2 is wrong if the label is -1."),
            Wrong(
                "the margin has the wrong sign",
                "max(0.0, 1 + label * score)",
                "Which costs more now, a score of 5 or one of -5, if the label is 1?",
            ),
            Wrong(
                "label and score are subtracted",
                "max(0.0, label - score)",
                "For the label 1 it is right. Try -1: the margin is a product.",
            ),
            Wrong(
                "the mistakes are counted",
                "0.0 if label * score > 0 else 1.0",
                "That is the flat curve. The hinge falls in a straight line until the margin is 1.",
            ),
        ],
        cases=[(0.3, 1), (2.0, 1), (2.0, -1), (-0.5, 1)],
        draw=lambda random: (random.choice([-2.5, -1.75, -0.75, 0.25, 0.75, 1.5]), random.choice([-1, 1])),
        drawn=1,
        say="my_hinge(score={}, label={})",
        hints=(
            "It never falls below 0. The formula is in the legend; what is the margin?",
            "The margin is the label times the score. How much is missing to 1, and what if nothing is missing?",
            "max(0.0, 1 - …), and the dots are the margin",
        ),
        why="The margin is label * score. What is missing to 1 is the loss, and to miss nothing costs nothing.",
    ),
    Exercise(
        id="logits_raised",
        lesson=8,
        minutes=4,
        kind="predict",
        title="What happens if all logits are raised",
        task=(
            "You add 100 to the logits of the cat, the dog and the bird (2, 1 and -1), all three. What is the cat's "
            "probability then? (Three decimals.)"
        ),
        code="cat = ____",
        right="0.705",
        wrong=[
            Wrong(
                "larger logits are thought to make it certain",
                "1.0",
                "The dog's logit has grown as well. By which factor does each exp grow?",
            ),
            Wrong(
                "the differences are thought to fade",
                "0.333",
                "102, 101 and 99 look alike in percent. But exp looks at differences, not at percent.",
            ),
            Wrong(
                "the logits themselves are divided by their total",
                "0.338",
                "Softmax takes exp of each first. What does that make of 100 more?",
            ),
            Wrong("the probability is thought to vanish", "0.0", "They still add up to 1, and the cat is still ahead."),
        ],
        measure=_to(3),
        tolerance=0.0006,  # the third decimal counts
        hints=(
            "Each exp gets the same factor. What does the division make of it?",
            "exp(z + 100) is exp(z) * exp(100). Write the cat's probability as a fraction.",
            "The same factor stands above and below the line of the fraction. Cancel it.",
        ),
        why="exp(z + 100) is exp(z) * exp(100), and the common factor cancels in the division. Nothing changes.",
        truth=lambda: math.exp(-_cross_entropy([102.0, 101.0, 99.0], 0)),
    ),
    Exercise(
        id="softmax",
        lesson=8,
        minutes=7,
        kind="write a loop",
        title="A softmax that large logits can't break",
        task=(
            "Write softmax for a list of logits. It must also work for a logit like 1000, whose `math.exp` is too "
            "large for a float. (All logits may be shifted by the same number: that changes no probability.)"
        ),
        code='''
            def softmax(logits):
                """The probabilities of the classes, a list."""
                ____
                return ____
        ''',
        right=(
            "highest = max(logits)\npowers = [math.exp(z - highest) for z in logits]",
            "[p / sum(powers) for p in powers]",
        ),
        wrong=[
            Wrong(
                "the smallest logit is subtracted",
                (
                    "lowest = min(logits)\npowers = [math.exp(z - lowest) for z in logits]",
                    "[p / sum(powers) for p in powers]",
                ),
                "Then the largest may still be far above 0. Which shift leaves nothing above 0?",
            ),
            Wrong(
                "the mean of the logits is subtracted",
                (
                    "mean = sum(logits) / len(logits)\npowers = [math.exp(z - mean) for z in logits]",
                    "[p / sum(powers) for p in powers]",
                ),
                "The largest may still be far above the mean. Which shift surely leaves nothing above 0?",
            ),
            Wrong(
                "the shift is forgotten, or too small",
                ("powers = [math.exp(z) for z in logits]", "[p / sum(powers) for p in powers]"),
                "exp(710) is already too large. By which number may all logits be lowered, so that none is above 0?",
            ),
            Wrong(
                "the powers are shifted, but not their total",
                (
                    "highest = max(logits)\npowers = [math.exp(z - highest) for z in logits]",
                    "[p / sum(math.exp(z) for z in logits) for p in powers]",
                ),
                "The shift cancels only if it is above and below the line of the fraction.",
            ),
            Wrong(
                "the logits are divided in place of shifted",
                (
                    "highest = max(logits)\npowers = [math.exp(z / highest) for z in logits]",
                    "[p / sum(powers) for p in powers]",
                ),
                "That changes the differences between the logits, and only those count. Which operation keeps them?",
            ),
            Wrong(
                "the division by the total is forgotten",
                ("highest = max(logits)\npowers = [math.exp(z - highest) for z in logits]", "powers"),
                "What do these add up to, and what should they?",
            ),
            Wrong(
                "exp is left out",
                ("powers = logits", "[p / sum(powers) for p in powers]"),
                "A negative logit would get a negative probability. What makes every number positive?",
            ),
        ],
        cases=[([2.0, 1.0, -1.0],), ([1000.0, 1001.0, 999.0],), ([800.0, -2.0, 799.0],), ([1500.0, 0.0],)],
        draw=lambda random: (random.sample([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.0], 3),),
        drawn=1,
        measure=_finite,
        say="softmax({})",
        hints=(
            "First without large logits: exp of each, then divide each by the total.",
            "A common shift cancels in the division. Which one makes the largest logit 0, whose exp is 1?",
            "highest = …; powers = [math.exp(z - …) for z in logits]; then each p / …",
        ),
        why="With the largest logit at 0 no exp is above 1, and the shift cancels in the division.",
    ),
    Exercise(
        id="mse",
        lesson=8,
        minutes=4,
        kind="fill a blank",
        title="The mean squared error",
        task="Write the mean squared error of a list of answers and a list of targets.",
        code='''
            def mse(answers, targets):
                """The mean of the squared errors."""
                errors = [a - t for a, t in zip(answers, targets)]
                return ____
        ''',
        right="sum(e * e for e in errors) / len(errors)",
        wrong=[
            Wrong(
                "1/n is missing",
                "sum(e * e for e in errors)",
                "That is the sum. With twice as many samples it would be twice as large.",
            ),
            Wrong(
                "the sum is halved, not divided by n",
                "sum(e * e for e in errors) / 2",
                "Some books write that, to get rid of a 2 in the slope. A mean of three numbers divides by …?",
            ),
            Wrong(
                "the mean error is squared",
                "(sum(errors) / len(errors)) ** 2",
                "Errors of +5 and -5 cancel in it. Which comes first, squaring or adding up?",
            ),
            Wrong(
                "the errors aren't squared",
                "sum(errors) / len(errors)",
                "Errors of +5 and -5 cancel: how is that avoided?",
            ),
            Wrong(
                "the sizes are taken in place of the squares",
                "sum(abs(e) for e in errors) / len(errors)",
                "That is the mean absolute error, the second judge of this lesson.",
            ),
            Wrong(
                "the root of it is taken",
                "math.sqrt(sum(e * e for e in errors) / len(errors))",
                "That has the unit of the targets, and a name of its own (RMSE). Leave the last step out.",
            ),
        ],
        cases=[(2.0, 3.0, -1.0, 5.0, 2.0, 1.0)],
        draw=_three_and_three,
        drawn=1,
        measure=_paired,
        say="mse([{}, {}, {}], [{}, {}, {}])",
        hints=(
            "Read its name from the back: an error, its square, and of these the mean.",
            "Square each error, add the squares up, and divide by how many there are.",
            "sum(… for e in errors) / …",
        ),
        why="Each error is squared by itself; then the mean is taken: the sum, divided by how many there are.",
    ),
    Exercise(
        id="mse_gradient",
        lesson=8,
        minutes=5,
        kind="write a rule",
        title="The gradient of the mean squared error",
        task="Return the gradient of the mean squared error for each of the answers, as a list.",
        code='''
            def mse_gradient(answers, targets):
                """How the mean squared error changes with each answer."""
                n = len(answers)
                return [____ for a, t in zip(answers, targets)]
        ''',
        right="2 * (a - t) / n",
        wrong=[
            Wrong(
                "1/n is missing",
                "2 * (a - t)",
                "The loss is a mean. What stands in front of the sum, on the way back too?",
            ),
            Wrong(
                "the factor of the square is missing",
                "(a - t) / n",
                "What is the slope of e * e? Two paths lead there.",
            ),
            Wrong(
                "the sign is the other way round",
                "2 * (t - a) / n",
                "If an answer is too large, raising it makes the loss larger. Which sign has that slope?",
            ),
            Wrong(
                "only the error is passed on",
                "a - t",
                "Two factors are missing: one from the square, one from the mean.",
            ),
            Wrong(
                "the squared error itself is returned",
                "(a - t) ** 2 / n",
                "That is a part of the loss. The gradient says how it changes.",
            ),
            Wrong("the sizes are differentiated", "(1 if a > t else -1) / n", "That is the slope of abs(a - t)."),
        ],
        cases=[(2.0, 3.0, -1.0, 5.0, 2.0, 1.0)],
        draw=_three_and_three,
        drawn=1,
        measure=_paired,
        forward=_mean_square,
        wrt=(0, 1, 2),
        say="mse_gradient([{}, {}, {}], [{}, {}, {}])",
        hints=(
            "First one answer alone: what is the slope of the square of (a - t)?",
            "The mean multiplies each square by 1/n, and so each slope as well.",
            "(slope of the square, with its factor) / …",
        ),
        why="The square brings twice the error, and the mean 1/n.",
    ),
    Exercise(
        id="cross_entropy_gradient",
        lesson=8,
        minutes=5,
        kind="write a rule",
        title="Probability minus target",
        task=(
            "Return the gradients of the logits, when the loss is the cross-entropy. You are given the probabilities "
            "that softmax made of them, and `right`, the number of the class that happened."
        ),
        code='''
            def cross_entropy_gradient(probabilities, right):
                """How the loss changes with each logit."""
                return [____ for i, p in enumerate(probabilities)]
        ''',
        right="p - (1 if i == right else 0)",
        wrong=[
            Wrong(
                "the target is forgotten",
                "p",
                "The logit of the right class should be pushed up. Which sign lets it grow?",
            ),
            Wrong(
                "the probability is subtracted from the target",
                "(1 if i == right else 0) - p",
                "That is the way to go. The gradient points uphill, where the loss grows.",
            ),
            Wrong(
                "the slope of softmax is left out",
                "-1 / p if i == right else 0.0",
                "That is how the loss changes with the probability. The logits are one arrow further back.",
            ),
            Wrong(
                "only the right class gets a gradient",
                "p - 1 if i == right else 0.0",
                "If the logit of a wrong class grows, the right one loses probability. So that has a slope, too.",
            ),
            Wrong(
                "the entry of the right class has the wrong sign",
                "1 - p if i == right else p",
                "Raise the logit of the right class: does the loss grow or fall? Then which sign has its slope?",
            ),
            Wrong(
                "the target is taken as 1 for every class",
                "p - 1",
                "Only one class happened. What is the target of the others?",
            ),
            Wrong(
                "the slope of the sigmoid is taken", "p * (1 - p)", "The logarithm cancels that factor. What is left?"
            ),
        ],
        cases=[(2.0, 1.0, -1.0, 0)],
        draw=lambda random: (*random.sample([-1.5, -1.0, -0.5, 0.5, 1.0, 1.5], 3), random.choice([0, 1, 2])),
        drawn=2,
        measure=_with_probabilities,
        forward=lambda z0, z1, z2, right: -math.log(_softmax([z0, z1, z2])[int(right)]),
        wrt=(0, 1, 2),
        say="cross_entropy_gradient(softmax([{}, {}, {}]), right={})",
        hints=(
            "The lesson prints it for the cat: only one entry differs from the probabilities.",
            "The target is 1 for the class that happened, and 0 for each other one.",
            "p - (… if i == right else …)",
        ),
        why="Logarithm and softmax cancel each other on the way back: probability minus target is left.",
    ),
    Exercise(
        id="bce",
        lesson=8,
        minutes=4,
        kind="find the bug",
        title="A loss that loves to say yes",
        task=(
            "`p` is the probability that the model gives to yes; `target` is 1 for yes and 0 for no. Whoever trains "
            "with this loss gets a model that soon says yes to everything. Find the bug."
        ),
        code='''
            def bce(p, target):
                """Binary cross-entropy: what the answer p costs."""
                return ____
        ''',
        bug="-target * math.log(p)",
        right="-(target * math.log(p) + (1 - target) * math.log(1 - p))",
        wrong=[
            Wrong(
                "the target is forgotten",
                "-math.log(p)",
                "Now no is never the right answer. What should p = 0.99 cost, if the answer is no?",
            ),
            Wrong(
                "only wrong answers to no cost something",
                "-(1 - target) * math.log(1 - p)",
                "Now it is the other way round: this one loves to say no. Both targets must cost something.",
            ),
            Wrong(
                "the two terms are swapped",
                "-(target * math.log(1 - p) + (1 - target) * math.log(p))",
                "Put target = 1 and p = 0.99 in: should that be dear?",
            ),
            Wrong(
                "the minus holds for the first term only",
                "-target * math.log(p) + (1 - target) * math.log(1 - p)",
                "Put target = 0 in: does it cost something to be wrong, or does it earn?",
            ),
            Wrong(
                "the minus is forgotten",
                "target * math.log(p) + (1 - target) * math.log(1 - p)",
                "Logarithms of probabilities are negative; a loss should be positive where an answer is wrong.",
            ),
            Wrong(
                "the squared error is taken",
                "(p - target) ** 2",
                "That never costs more than 1. Here the logarithm is asked for.",
            ),
        ],
        cases=[(0.9, 1), (0.9, 0), (0.25, 0)],
        draw=lambda random: (random.choice([0.05, 0.1, 0.2, 0.3, 0.6, 0.7, 0.8]), random.choice([0, 1])),
        drawn=1,
        say="bce(p={}, target={})",
        hints=(
            "What does this loss cost for target = 0, whatever the model says?",
            "If the answer is no, its probability 1 - p is what counts.",
            "-(target * … + (1 - target) * …): one of the two is left, for each target",
        ),
        why="For the target 0 the cost is -log(1 - p). Without that term, nothing ever speaks against yes.",
    ),
    Exercise(
        id="sigmoid_row",
        lesson=8,
        minutes=4,
        kind="write a rule",
        title="The slope of the sigmoid",
        task=(
            "Write the slope of the sigmoid, `y = 1 / (1 + exp(-x))`, as a row of the table of lesson 06. It needs one "
            "of `y` and `x` only."
        ),
        code="sigmoid_row = (lambda x: 1 / (1 + math.exp(-x)), lambda y, x: ____)",
        right="y * (1 - y)",
        wrong=[
            Wrong(
                "the input stands in place of the output",
                "x * (1 - x)",
                "At x = 3 that would be -6, and the sigmoid never falls. Which of the two is always between 0 and 1?",
            ),
            Wrong("the slope of tanh is taken", "1 - y * y", "Far to the left y is 0. Is the sigmoid steep there?"),
            Wrong("the slope of exp is taken", "y", "Far to the right y is 1. Is the sigmoid still steep there?"),
            Wrong(
                "only one end is made flat", "1 - y", "It must be flat at both ends: where y is 1, and where y is 0."
            ),
            Wrong("the sign is the other way round", "-y * (1 - y)", "Does the sigmoid rise or fall when x grows?"),
        ],
        cases=[(3.0,), (-0.5,)],
        draw=lambda random: (random.choice([-2.5, -1.5, -0.75, 0.25, 0.75, 1.25, 2.0]),),
        measure=_slope_of_row,
        forward=_sigmoid,
        wrt=(0,),
        say="slope of the sigmoid at x = {}",
        hints=(
            "At which two values of y is the sigmoid flat?",
            "A product of two factors: one is 0 at y = 0, the other is 0 at y = 1.",
            "y * (…), and the bracket is 0 at y = 1",
        ),
        why="The sigmoid is flat where y comes near to 0 or 1, and steepest in the middle, with the slope 1/4.",
    ),
]


def _cross_entropy(logits: list[float], right: int) -> float:
    from ...engine import Value
    from ...nn import cross_entropy

    loss: float = cross_entropy([Value(z) for z in logits], right).data
    return loss
