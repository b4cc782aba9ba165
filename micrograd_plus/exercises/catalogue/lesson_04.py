"""Exercises of lesson 04: two paths add."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong


class _Node:
    """A number in a tiny engine: what it is made from, and the slope for each of these."""

    def __init__(self, data: float, inputs: tuple[_Node, ...] = (), slopes: tuple[float, ...] = ()):
        self.data, self.grad = data, 0.0
        self.inputs, self.slopes = inputs, slopes


def _pushed(
    push: Callable[[_Node], Any], formula: str, p: float, q: float, gradient: float, before: float
) -> list[float]:
    """The gradients of p and q, which have one `before`, when the result of the formula pushes its own back once."""
    first, second = _Node(p), _Node(q)
    first.grad = second.grad = before
    result = {
        "p * q": _Node(p * q, (first, second), (q, p)),
        "p + p": _Node(p + p, (first, first), (1.0, 1.0)),
        "p * p": _Node(p * p, (first, first), (p, p)),
    }[formula]
    result.grad = gradient
    push(result)
    return [first.grad, second.grad]


def _formula_and_numbers(random: Random) -> tuple[str, float, float, float, float]:
    p, q, gradient = random.sample([-5, -4, -3, -2, 2, 3, 4, 5, 6, 7], 3)
    return random.choice(["p + p", "p * p"]), float(p), float(q), gradient + 0.5, 0.0


def _gradients_after(sub_backward: Callable[..., Any], steps: list[str], upstream: list[float]) -> list[float]:
    """The gradients of a, b and c after the backward rule ran for each of these steps, as "a - b"."""
    grads = dict.fromkeys("abc", 0.0)
    for step, gradient in zip(steps, upstream, strict=True):
        sub_backward(grads, step[0], step[-1], gradient)
    return list(grads.values())


def _steps_and_upstream(random: Random) -> tuple[list[str], list[float]]:
    steps = ["a - b", random.choice(["c - a", "b - a"]), "c - b"]
    return steps, [n + 0.5 for n in random.sample([-6, -5, -4, -3, 2, 3, 4, 5], 3)]


def _slope_of_the_cube() -> float:
    from ...engine import Value

    a = Value(4.0)
    (a * a * a).backward()
    return a.grad


def _gradient_after_three_calls() -> float:
    from ...engine import Value

    a = Value(5.0)
    b = a + a + a
    b.backward()
    a.zero_grad()
    b.backward()
    b.backward()
    return a.grad


def _gradient_after_two_steps() -> float:
    from ...engine import Value

    w = Value(1.0)
    for step in (1, 2):
        loss = (w - 4.0) ** 2
        loss.backward()
        if step == 1:
            w.data -= 0.25 * w.grad
    return w.grad


def _three_paths(random: Random) -> tuple[list[list[float]]]:
    numbers = [float(n) for n in random.sample([-7, -5, -4, -3, -2, 2, 3, 4, 5, 6, 7], 6)]
    return ([numbers[:2], numbers[2:5], numbers[5:]],)


def _start_of_training(random: Random) -> tuple[float, float, int]:
    start, target = random.sample([-3, -2, 2, 4, 5, 7, 8], 2)
    return float(start), float(target), 3


EXERCISES = [
    Exercise(
        id="cube_by_paths",
        lesson=4,
        minutes=3,
        kind="predict",
        title="Used three times",
        task="Without running it: what is `a.grad` after `b = a * a * a`, `b.backward()` with `a = 4`?",
        code="a_grad = ____",
        right="48",
        wrong=[
            Wrong(
                "only one path is counted",
                "16",
                "That is the product along one path. An engine that writes `=` in place of `+=` says so, too.",
            ),
            Wrong("one of the paths is forgotten", "32", "How many arrows leave a? Draw it, and count again."),
            Wrong(
                "the result is given in place of its slope",
                "64",
                "That is b itself. A gradient says how b changes.",
            ),
            Wrong(
                "a single factor of each path is kept",
                "12",
                "Follow one path to its end: what is multiplied on the way?",
            ),
            Wrong("the paths are counted, not their products", "3", "So many paths there are. What does each bring?"),
        ],
        hints=(
            "How many paths are there, and what is the product along each? Draw it.",
            "One path for each use of a. Along each, multiply the slopes; then add up what the paths bring.",
            "There are three paths, and each brings a * a.",
        ),
        why=(
            "There are three paths, one for each use of a, and along each the product is 16. (You may know it from "
            "school: the slope of a³ is 3a².)"
        ),
        truth=_slope_of_the_cube,
    ),
    Exercise(
        id="mend_push",
        lesson=4,
        minutes=4,
        kind="write a rule",
        title="Mend the engine",
        task=(
            "In an engine, `push` hands each input of a node its part of the gradient. Write one that is right when an "
            "input is used twice, as in `p + p`. (A node has its `inputs`, a local slope for each in `slopes`, and "
            "`grad`.)"
        ),
        code='''
            def push(self):
                """Give each input its part: slope × the own gradient."""
                for x, slope in zip(self.inputs, self.slopes):
                    ____
        ''',
        right="x.grad += slope * self.grad",
        wrong=[
            Wrong(
                "the gradient is overwritten, not added",
                "x.grad = slope * self.grad",
                "In p + p the loop comes to the same x twice. What is left of the first time?",
            ),
            Wrong(
                "upstream is forgotten",
                "x.grad += slope",
                "A local slope says how this node answers. How much does this node matter for the result?",
            ),
            Wrong(
                "the local slope is forgotten",
                "x.grad += self.grad",
                "An addition hands the gradient on unchanged. Does a product, too?",
            ),
            Wrong(
                "slope and gradient are added",
                "x.grad += slope + self.grad",
                "Along a path, slopes are multiplied. Only where paths meet something is added.",
            ),
            Wrong(
                "the gradient is multiplied by what arrives",
                "x.grad *= slope * self.grad",
                "A gradient begins at 0. What does 0 times anything give?",
            ),
            Wrong(
                "the number is taken in place of its slope",
                "x.grad += x.data * self.grad",
                "The slope of p * q for p is the other factor. The loop has it at hand.",
            ),
        ],
        cases=[
            ("p * q", 2.0, 5.0, 1.0, 0.0),
            ("p + p", 3.0, 7.0, 1.0, 0.0),
            ("p * p", 3.0, 7.0, 2.0, 0.0),
            ("p * q", 2.0, 5.0, 3.0, 4.0),
        ],
        draw=_formula_and_numbers,
        measure=_pushed,
        say="gradients of p={1} and q={2}, first {4}, then after push of {0}, whose gradient is {3}",
        hints=(
            "p + p gave 1 in the lesson, and should give 2. What is there already must not get lost.",
            "One line is enough: what each arrow brings (slope × gradient of the result) is added to what x has.",
            "x.grad += …: and the right side is what stood there before, in the engine with the bug.",
        ),
        why="Paths that meet again add. With `=`, the second path wipes out what the first one brought.",
    ),
    Exercise(
        id="three_calls",
        lesson=4,
        minutes=3,
        kind="predict",
        title="Cleared in between",
        task=(
            "What happens if you call `backward()` on `b = a + a + a` twice, with `a.zero_grad()` in between, and then "
            "a third time without it? Write down `a.grad` at the end."
        ),
        code="a_grad_at_the_end = ____",
        right="6",
        wrong=[
            Wrong("the clearing is forgotten", "9", "What does a.zero_grad() do to the gradient of the first call?"),
            Wrong(
                "each call is thought to begin at zero",
                "3",
                "a is a leaf. What becomes of the gradient that it has already, if nobody clears it?",
            ),
            Wrong(
                "each call is thought to bring one path only",
                "2",
                "b uses a three times. What does one backward() bring?",
            ),
            Wrong(
                "the clearing is thought to come last",
                "0",
                "Write down a.grad after each of the four calls, in their order.",
            ),
        ],
        hints=(
            "What does one backward() bring to a?",
            "Each backward() adds the same. Only what came before the clearing is gone.",
            "Write it as a row: after the first call 3, after the clearing 0, and then two calls more.",
        ),
        why="The first call brings 3, clearing takes it away, the second and the third bring 3 each.",
        truth=_gradient_after_three_calls,
    ),
    Exercise(
        id="sub_backward",
        lesson=4,
        minutes=5,
        kind="find the bug",
        title="A subtraction that forgets",
        task=(
            "`grads` holds the gradients by name, as `{'a': 0.0, 'b': 0.0}`. For `y = a - b` this function is right. "
            "For `y = a - a` it says -1 (it should be 0), and if `a` is used in two subtractions, the first is lost. "
            "Find the bug."
        ),
        code='''
            def sub_backward(grads, left, right, upstream):
                """Hand on what y = left - right sends back, to the gradients of these two names."""
                ____
        ''',
        bug="grads[left] = upstream\ngrads[right] = -upstream",
        right="grads[left] += upstream\ngrads[right] -= upstream",
        wrong=[
            Wrong(
                "only the first of the two is added, the second is overwritten",
                "grads[left] += upstream\ngrads[right] = -upstream",
                "Both names may have a gradient already.",
            ),
            Wrong(
                "only the second of the two is added, the first is overwritten",
                "grads[left] = upstream\ngrads[right] -= upstream",
                "Both names may have a gradient already.",
            ),
            Wrong(
                "the sign of the second is lost",
                "grads[left] += upstream\ngrads[right] += upstream",
                "Now it adds up. But what does left - right do when right grows?",
            ),
            Wrong(
                "left - left is treated, and other uses are not",
                "grads[left] = upstream\ngrads[right] = -upstream\nif left == right:\n    grads[left] = 0.0",
                "A name can also be used in two different subtractions.",
            ),
            Wrong(
                "upstream is forgotten",
                "grads[left] += 1.0\ngrads[right] -= 1.0",
                "That is right only where y itself is the result.",
            ),
            Wrong(
                "what was there is taken off again",
                "grads[left] += upstream\ngrads[right] = -upstream - grads[right]",
                "Say in words what each arrow does to a gradient that is there already.",
            ),
        ],
        cases=[(["a - b"], [2.0]), (["a - a"], [1.0]), (["a - b", "a - c"], [2.0, 5.0])],
        draw=_steps_and_upstream,
        measure=_gradients_after,
        say="gradients of a, b, c after {0} with upstream {1}",
        hints=(
            "It is the famous bug of the lesson, in other clothes.",
            "For y = a - a, both lines write to the same place. What does the second do to the first?",
            "One sign in each line: the gradient should be what was there, and what this arrow brings besides.",
        ),
        why="Each arrow adds its part: `+=`, and `-=` for the one that is subtracted. So nothing is lost.",
    ),
    Exercise(
        id="sum_over_paths",
        lesson=4,
        minutes=6,
        kind="write a loop",
        title="The total derivative",
        task=(
            "`paths` is a list of paths, and each path is the list of the slopes on its arrows. Return the gradient "
            "that all of them bring together."
        ),
        code='''
            def gradient(paths):
                """The gradient of a number, from the slopes along every path to the result."""
                total = 0.0
                for path in paths:
                    product = 1.0
                    for slope in path:
                        product = ____
                    total = ____
                return total
        ''',
        right=("product * slope", "total + product"),
        wrong=[
            Wrong(
                "each path overwrites the one before",
                ("product * slope", "product"),
                "What is left of the first path after the second?",
            ),
            Wrong(
                "the slopes along a path are added",
                ("product + slope", "total + product"),
                "Along one path it is gears again: each slope multiplies what the ones before made.",
            ),
            Wrong(
                "only the last slope of each path counts",
                ("slope", "total + product"),
                "What is left of the first slope after the second? Upstream must not be forgotten.",
            ),
            Wrong(
                "the paths are multiplied",
                ("product * slope", "total * product"),
                "Where paths meet again, is it a product?",
            ),
            Wrong(
                "all slopes of all paths are added",
                ("product + slope", "total + product - 1.0"),
                "A path brings the product of its slopes.",
            ),
        ],
        cases=[([[1.0, 1.0], [1.0]],), ([[3.0, 4.0], [2.0, 6.0], [2.0, 6.0]],)],
        draw=_three_paths,
        say="gradient(paths={})",
        hints=(
            "It is the path ledger of the lesson as a program: a product in each row, and the sum below.",
            "The inner loop goes along one path and multiplies; the outer loop takes the next path and adds.",
            "product = product … slope, and total = total … product: which sign belongs where?",
        ),
        why="The chain rule is a sum of products: one product for each path.",
    ),
    Exercise(
        id="stale_gradient",
        lesson=4,
        minutes=4,
        kind="predict",
        title="An old gradient in the new one",
        task=(
            "Here `zero_grad()` is forgotten. What is `w.grad` at the end?\n\n"
            "```python\n"
            "w = Value(1.0)\n"
            "loss = (w - 4) ** 2\n"
            "loss.backward()  # w.grad is -6\n"
            "w.data -= 0.25 * w.grad  # w is 2.5\n"
            "loss = (w - 4) ** 2\n"
            "loss.backward()\n"
            "```"
        ),
        code="w_grad = ____",
        right="-9",
        wrong=[
            Wrong(
                "the old gradient is thought to be gone",
                "-3",
                "That is what the second backward() brings. Who has cleared what was there?",
            ),
            Wrong(
                "the second backward() is thought to bring nothing",
                "-6",
                "That is the old gradient. What does the second graph bring, and where does it go?",
            ),
            Wrong(
                "both graphs are thought to see the first w",
                "-12",
                "The second loss is computed with the new w. How far is it from 4?",
            ),
            Wrong(
                "the slope of the square is taken as 1",
                "-7.5",
                "The slope of s² is 2s: with s = -3 it was the -6 in the first comment.",
            ),
        ],
        hints=(
            "What would w.grad be after the second backward() alone?",
            "The slope of (w - 4)² is 2 * (w - 4), with the w of that moment. And what is in w.grad already?",
            "w.grad = -6 + 2 * (… - 4), with the number that w has now in place of the dots.",
        ),
        why=(
            "The second backward() brings 2 * (2.5 - 4) = -3 and adds it to the -6 that nobody cleared. The next step "
            "would follow the old gradient once more."
        ),
        truth=_gradient_after_two_steps,
    ),
    Exercise(
        id="train_one_weight",
        lesson=4,
        minutes=6,
        kind="write a loop",
        title="Clear, look back, step",
        task=(
            "Train one weight: in each round clear its gradient, run `backward()`, and move the weight by the learning "
            "rate times its gradient, so that the loss shrinks. Return the number that the weight has at the end."
        ),
        code='''
            def train(start, target, rounds, lr=0.125):
                """Move a weight from start towards target; its last number is returned."""
                w = Value(start)
                for _ in range(rounds):
                    loss = (w - target) ** 2
                    ____
                return ____
        ''',
        right=("w.zero_grad()\nloss.backward()\nw.data -= lr * w.grad", "w.data"),
        wrong=[
            Wrong(
                "the gradients are never cleared",
                ("loss.backward()\nw.data -= lr * w.grad", "w.data"),
                "In the second round w.grad still holds the first. Which call wipes it away?",
            ),
            Wrong(
                "the gradients are cleared before the step can use them",
                ("loss.backward()\nw.zero_grad()\nw.data -= lr * w.grad", "w.data"),
                "The weight never moves. What is in w.grad when the step comes?",
            ),
            Wrong(
                "the step goes uphill",
                ("w.zero_grad()\nloss.backward()\nw.data += lr * w.grad", "w.data"),
                "The gradient points to where the loss grows.",
            ),
            Wrong(
                "the step is made before backward() has run",
                ("w.data -= lr * w.grad\nw.zero_grad()\nloss.backward()", "w.data"),
                "In the first round there is no gradient to follow yet: which call finds it?",
            ),
            Wrong(
                "the weight is set to its step",
                ("w.zero_grad()\nloss.backward()\nw.data = -lr * w.grad", "w.data"),
                "A step starts where the weight is. What of it is lost here?",
            ),
            Wrong(
                "the learning rate is forgotten",
                ("w.zero_grad()\nloss.backward()\nw.data -= w.grad", "w.data"),
                "How far a step goes is set by lr.",
            ),
        ],
        cases=[(0.0, 8.0, 1), (0.0, 8.0, 3)],
        draw=_start_of_training,
        say="train(start={}, target={}, rounds={})",
        hints=(
            "Three lines, one for each verb in the task.",
            "Clear first, so that backward() adds to nothing; then use what it found.",
            "w.zero_grad(), loss.backward(), and then w.data moves against lr * w.grad.",
        ),
        why="Leaves keep adding, so what the round before left is cleared before backward() brings the new gradient.",
    ),
]
