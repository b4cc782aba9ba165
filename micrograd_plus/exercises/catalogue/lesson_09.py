"""Exercises of lesson 09: downhill."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong


def _two_steps() -> float:
    """Where w is after two steps on w * w."""
    from ...engine import Value

    w = Value(2.0)
    for _ in range(2):
        w.zero_grad()
        (w * w).backward()
        w.data -= 0.1 * w.grad
    return w.data


def _rate_of_one() -> float:
    """Where w is after 101 steps on (w - 3)² with a rate of 1."""
    from ...engine import Value

    w = Value(0.0)
    for _ in range(101):
        w.zero_grad()
        ((w - 3) ** 2).backward()
        w.data -= 1.0 * w.grad
    return w.data


def _stepped(take_step: Callable[..., Any], data: list[float], grads: list[float], lr: float) -> Any:
    """The parameters' data after a step."""
    from ...engine import Value

    parameters = [Value(number) for number in data]
    for p, grad in zip(parameters, grads, strict=True):
        p.grad = grad
    take_step(parameters, lr)
    return [p.data for p in parameters]


def _parameters(random: Random) -> tuple[Any, ...]:
    data, grads = (random.sample([-6.0, -4.0, -3.0, 2.0, 3.0, 5.0, 7.0], 3) for _ in range(2))
    return data, grads, random.choice([0.1, 0.2, 0.5])


def _points(random: Random) -> tuple[Any, ...]:
    xs = [float(x) for x in random.sample([1, 2, 3, -1, -2], 3)]
    slope = random.choice([-4.0, -3.0, 2.0, 3.0, 5.0])
    return xs, [slope * x + random.choice([-0.5, 0.5]) for x in xs], 0.05, 4


def _walk(random: Random) -> tuple[Any, ...]:
    w, target = random.sample([-6.0, -4.0, -2.0, 2.0, 3.0, 5.0, 7.0], 2)
    return w, target, random.choice([0.1, 0.2, 0.3]), 3


def _went_down(descend_until: Callable[..., Any], target: float, w: float, lr: float, small: float, most: int) -> Any:
    """Where the learner's loop stops on (w - target)², and after how many steps."""
    from ...engine import Value

    return descend_until(lambda w: (w - target) ** 2, Value(w), lr, small, most)


def _hill(random: Random) -> tuple[Any, ...]:
    target = random.choice([-5.0, -2.0, 2.0, 4.0, 6.0])
    distance = random.choice([-7.0, -4.0, 3.0, 5.0])
    return target, target + distance, random.choice([0.1, 0.2, 0.3]), random.choice([0.1, 0.02]), 100


SQUARES = "loss = sum((w * x - y) ** 2 for x, y in zip(xs, ys)) / len(xs)"  # of a straight line through 0

EXERCISES = [
    Exercise(
        id="two_steps",
        lesson=9,
        minutes=3,
        kind="predict",
        title="Two steps on paper",
        task="The loss is `w * w`, `w` is 2, the learning rate 0.1. On paper: where is `w` after *two* steps?",
        code="w_after_two = ____",
        right="1.28",
        wrong=[
            Wrong("only one step is taken", "1.6", "The second step begins where the first one ended."),
            Wrong("a third step is taken", "1.024", "The place after each step: 2 is where you start, after no step."),
            Wrong("the loss is given, not the place", "1.6384", "That is w * w at the right place."),
            Wrong(
                "the second step takes the slope of the start",
                "1.2",
                "Where is w after the first step, and how steep is the loss at that place?",
            ),
            Wrong(
                "the first slope is still in w.grad at the second step",
                "0.88",
                "What does zero_grad do before each backward pass?",
            ),
            Wrong("the steps go up the slope", "2.88", "Is the loss smaller there than at 2?"),
            Wrong("the slope of w * w is taken to be w", "1.62", "Nudge w from 2 to 2.001. How fast does w * w grow?"),
            Wrong(
                "the loss is subtracted, not its slope",
                "1.344",
                "At w = 2 the loss and its slope are both 4, by chance. At the second step they are not.",
            ),
            Wrong("the learning rate is forgotten", "2", "A step is the slope, made shorter by the rate."),
        ],
        hints=(
            "The slope of w * w is 2 * w. It is another one at the second step.",
            "new w = w - 0.1 * slope. Do it once, and then once more with the slope of the new place.",
            "The first step: 2 - 0.1 * 4 = 1.6. For the second, the slope is 2 * 1.6.",
        ),
        why="First 2 - 0.1 * 4 = 1.6, then 1.6 - 0.1 * 3.2 = 1.28. Each step looks at the slope anew.",
        truth=_two_steps,
    ),
    Exercise(
        id="take_step",
        lesson=9,
        minutes=4,
        kind="fill a blank",
        title="The third button",
        task="Write the third button, the step: a function that takes one step of gradient descent for each parameter "
        "in a list. The gradients are there already.",
        code='''
            def take_step(parameters, lr):
                """One step of gradient descent with the learning rate lr."""
                for p in parameters:
                    ____
        ''',
        right="p.data = p.data - lr * p.grad",
        wrong=[
            Wrong("the step goes up the slope", "p.data = p.data + lr * p.grad", "Which way does the loss rise?"),
            Wrong(
                "the learning rate is forgotten",
                "p.data = p.data - p.grad",
                "The function is given a second argument. What is it for?",
            ),
            Wrong(
                "the gradient is forgotten",
                "p.data = p.data - lr",
                "Now all parameters go the same way, and equally far. What tells them apart?",
            ),
            Wrong(
                "the old place is forgotten",
                "p.data = -lr * p.grad",
                "A step begins where the parameter is now.",
            ),
            Wrong(
                "no p.data is changed",
                "p = p - lr * p.grad",
                "After the call each p.data is as it was before. (`p = …` only gives another thing the name p, and a "
                "list that is returned changes no parameter.) Which part of a parameter is its number?",
            ),
            Wrong(
                "the number itself is taken for its gradient",
                "p.data = p.data - lr * p.data",
                "Now all numbers shrink towards 0, whatever the loss is. Where does a parameter keep its slope?",
            ),
        ],
        cases=[([1.0, -2.0], [-2.0, 1.0], 0.5)],
        draw=_parameters,
        measure=_stepped,
        say="take_step(parameters, lr) with data {}, gradients {}, lr {}",
        hints=(
            "It is the line that the lesson uses for w, once for each p.",
            "Change p.data: by the learning rate times p's gradient. And in which direction?",
            "p.data = p.data … lr * p.grad, with the sign that makes the loss smaller",
        ),
        why="The gradient says which way the loss rises. So the number goes the other way, by lr times the gradient.",
    ),
    Exercise(
        id="rate_of_one",
        lesson=9,
        minutes=3,
        kind="predict",
        title="A rate of exactly 1",
        task="What happens if the learning rate is exactly 1 on the loss `(w - 3)²`, starting at `w = 0`? "
        "Where is `w` after 101 steps?",
        code="w_after_101 = ____",
        right="6",
        wrong=[
            Wrong("101 is taken to be even", "0", "Where is w after one step, and where after two?"),
            Wrong(
                "the walk is thought to come to rest at the bottom",
                "3",
                "Look at the table of factors in the lesson: by how much does the distance to 3 shrink at a rate of 1?",
            ),
            Wrong(
                "each step is like the first one",
                "606",
                "The slope is another one at each place. What is it after the first step?",
            ),
            Wrong(
                "the distance to 3 is thought to grow",
                "math.inf",
                "By which factor does a step multiply the distance to 3?",
            ),
            Wrong("the first step goes to the left", "-6", "The slope at 0 is negative, and it is subtracted."),
        ],
        hints=(
            "Do two steps on paper. Where are you then?",
            "Each step multiplies the distance to 3 by 1 - 2 * lr, which is -1 here.",
            "It jumps between two places. After 2, 4, 6 … steps it is back at 0. Is 101 one of these?",
        ),
        why="It jumps from 0 to 6 and back to 0, for ever. After an odd number of steps it is at 6.",
        truth=_rate_of_one,
    ),
    Exercise(
        id="slopes_pile_up",
        lesson=9,
        minutes=4,
        kind="find the bug",
        title="The walk that swings",
        task="This loop fits a line through points. It should come to rest, but `w` swings to and fro. "
        "Find the bug and mend it. (The rate is fine.)",
        code='''
            def train(xs, ys, lr, steps):
                """Fit the line y = w * x; where w is after each step."""
                w, path = Value(0.0), []
                for _ in range(steps):
                    ____
                    path.append(w.data)
                return path
        ''',
        bug=f"{SQUARES}\nloss.backward()\nw.data -= lr * w.grad",
        right=f"{SQUARES}\nw.zero_grad()\nloss.backward()\nw.data -= lr * w.grad",
        wrong=[
            Wrong(
                "the gradient is cleared before it was used",
                f"{SQUARES}\nloss.backward()\nw.zero_grad()\nw.data -= lr * w.grad",
                "Now w never moves. Between which two buttons must the gradient stay as it is?",
            ),
            Wrong(
                "the rate is smaller, and the old slopes still add up",
                f"{SQUARES}\nloss.backward()\nw.data -= 0.1 * lr * w.grad",
                "It swings more slowly. What is in w.grad before the second backward()?",
            ),
            Wrong(
                "the step goes up the slope",
                f"{SQUARES}\nw.zero_grad()\nloss.backward()\nw.data += lr * w.grad",
                "The sign was right. Look at what w.grad holds at the second step.",
            ),
            Wrong(
                "w begins anew at each step",
                f"w = Value(0.0)\n{SQUARES}\nloss.backward()\nw.data -= lr * w.grad",
                "All that w has learned is thrown away with it. What else does a Value carry from step to step?",
            ),
        ],
        cases=[([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], 0.05, 4)],
        draw=_points,
        say="train(xs={}, ys={}, lr={}, steps={})",
        hints=(
            "The first step is right, the second isn't. Print w.grad after each backward().",
            "backward() adds to what is in .grad already (lesson 04). What was there from the step before?",
            "Above loss.backward() a line is missing: w.… with the name of the method that clears a gradient",
        ),
        why="backward() adds. Without zero_grad() each step uses the sum of all slopes so far.",
    ),
    Exercise(
        id="walk_uphill",
        lesson=9,
        minutes=4,
        kind="find the bug",
        title="The walk that climbs",
        task="This is gradient descent with a slope worked out by hand, and it walks away from the target. "
        "Find the bug and mend it.",
        code='''
            def descend(w, target, lr, steps):
                """The places that gradient descent on the loss (w - target)² visits."""
                places = [w]
                for _ in range(steps):
                    ____
                    places.append(w)
                return places
        ''',
        bug="slope = 2 * (target - w)\nw = w - lr * slope",
        right="slope = 2 * (w - target)\nw = w - lr * slope",
        wrong=[
            Wrong(
                "every step goes to the left",
                "slope = abs(2 * (target - w))\nw = w - lr * slope",
                "It helps from one side only. Which sign has the slope to the left of the target, which to the right?",
            ),
            Wrong(
                "the rate is made smaller",
                "slope = 2 * (target - w)\nw = w - 0.1 * lr * slope",
                "It still climbs, in shorter steps. Start at one place, and compare the slope with a nudge.",
            ),
            Wrong(
                "the 2 of the square is lost",
                "slope = w - target\nw = w - lr * slope",
                "The direction is right now. Nudge the loss at one place: how steep is it?",
            ),
            Wrong(
                "the loss is taken for its slope",
                "slope = (w - target) ** 2\nw = w - lr * slope",
                "A square is never negative, so the walk would always go to the left.",
            ),
        ],
        cases=[(0.0, 3.0, 0.1, 3), (5.0, 3.0, 0.2, 3)],  # from both sides
        draw=_walk,
        say="descend(w={}, target={}, lr={}, steps={})",
        hints=(
            "Take w = 5 and target = 3. Does the loss rise or fall, if w grows by a little?",
            "The slope there must be positive. What does the line for `slope` give?",
            "Turn one sign round, and only one: in the line for slope, or in the line for w.",
        ),
        why="The slope of (w - target)² is 2 * (w - target): its sign was turned, and the step went up. "
        "A plus in the step would mend it, too.",
    ),
    Exercise(
        id="descend_until",
        lesson=9,
        minutes=8,
        kind="write a loop",
        title="Walk until it is flat",
        task="Walk down `loss_of(w)` by gradient descent. Before each step look at the slope: if its size is below "
        "`small`, stop. Stop after `most` steps in any case. Count the steps.",
        code='''
            def descend_until(loss_of, w, lr, small, most=100):
                """Go down loss_of(w), w being a Value, until it is nearly flat; where w is then, and the steps."""
                steps = 0
                ____
                return w.data, steps
        ''',
        right="while steps < most:\n"
        "    w.zero_grad()\n"
        "    loss_of(w).backward()\n"
        "    if abs(w.grad) < small:\n"
        "        break\n"
        "    w.data -= lr * w.grad\n"
        "    steps += 1",
        wrong=[
            Wrong(
                "the gradients of the steps before are not cleared",
                "while steps < most:\n"
                "    loss_of(w).backward()\n"
                "    if abs(w.grad) < small:\n"
                "        break\n"
                "    w.data -= lr * w.grad\n"
                "    steps += 1",
                "backward() adds to what is in w.grad. What is there at the second step?",
            ),
            Wrong(
                "`most` is not looked at",
                "while True:\n"
                "    w.zero_grad()\n"
                "    loss_of(w).backward()\n"
                "    if abs(w.grad) < small:\n"
                "        break\n"
                "    w.data -= lr * w.grad\n"
                "    steps += 1",
                "With a rate at which it never settles, this would go on for ever. What is the last argument for?",
            ),
            Wrong(
                "one step more than `most` is taken",
                "while steps <= most:\n"
                "    w.zero_grad()\n"
                "    loss_of(w).backward()\n"
                "    if abs(w.grad) < small:\n"
                "        break\n"
                "    w.data -= lr * w.grad\n"
                "    steps += 1",
                "Take `most` as 1: how often does the loop run?",
            ),
            Wrong(
                "the steps go up the slope",
                "while steps < most:\n"
                "    w.zero_grad()\n"
                "    loss_of(w).backward()\n"
                "    if abs(w.grad) < small:\n"
                "        break\n"
                "    w.data += lr * w.grad\n"
                "    steps += 1",
                "Print the loss at each step. Does it fall?",
            ),
            Wrong(
                "a negative slope is taken for a small one",
                "while steps < most:\n"
                "    w.zero_grad()\n"
                "    loss_of(w).backward()\n"
                "    if w.grad < small:\n"
                "        break\n"
                "    w.data -= lr * w.grad\n"
                "    steps += 1",
                "Is a slope of -8 small? Ask for its size, without the sign.",
            ),
            Wrong(
                "the loss is compared with `small`, not the slope",
                "while steps < most:\n"
                "    w.zero_grad()\n"
                "    loss = loss_of(w)\n"
                "    loss.backward()\n"
                "    if loss.data < small:\n"
                "        break\n"
                "    w.data -= lr * w.grad\n"
                "    steps += 1",
                "The lowest loss of a hill needn't be near 0. Flat means something else.",
            ),
            Wrong(
                "the step is taken before the slope is looked at",
                "while steps < most:\n"
                "    w.zero_grad()\n"
                "    loss_of(w).backward()\n"
                "    w.data -= lr * w.grad\n"
                "    steps += 1\n"
                "    if abs(w.grad) < small:\n"
                "        break",
                "It is one step too many: the slope was small before it already.",
            ),
            Wrong(
                "the slope is computed once, before the loop",
                "loss_of(w).backward()\n"
                "while steps < most and abs(w.grad) >= small:\n"
                "    w.data -= lr * w.grad\n"
                "    steps += 1",
                "The slope changes with w. Which lines must run again for each step?",
            ),
        ],
        cases=[
            (3.0, 0.0, 0.1, 0.1, 100),
            (3.0, 5.0, 0.2, 0.1, 100),
            (3.0, 0.0, 0.1, 0.1, 4),  # not flat in time
        ],
        draw=_hill,
        measure=_went_down,
        say="descend_until(loss_of=(w - {})², w={}, lr={}, small={}, most={})",
        hints=(
            "A while loop with the three buttons in it. At which of them do you know the slope?",
            "Clear the gradient, then forward and backward. Then decide whether to stop, and only then take the step.",
            "while steps < most: the three calls that give w.grad anew, then `if abs(…) < small: break`, then the step",
        ),
        why="The slope is known after backward() and before the step. So that is the place to stop.",
    ),
]
