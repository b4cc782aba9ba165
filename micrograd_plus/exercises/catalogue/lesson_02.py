"""Exercises of lesson 02: expressions are graphs."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong


def _boxes() -> int:
    from ...engine import Value
    from ...engine.graph import order

    a, b = Value(2.0), Value(5.0)
    return len(order(a * b + a * 3 + 4))


def _what_was_built(fourth: Callable[[Any], Any]) -> dict[str, Any] | Any:
    """The numbers in the boxes of the graph for x = 3, the result last, and the operations that made them."""
    from ...engine import Value
    from ...engine.graph import order

    y = fourth(Value(3.0))
    if y is None or y is ...:
        return y
    nodes = order(y) if isinstance(y, Value) else []
    operations = [node.op.symbol for node in nodes if node.op]
    return {"numbers in the boxes": [node.data for node in nodes], "operations": operations}


def _z_after_a_change() -> float:
    from ...engine import Value

    x = Value(2.0)
    y = x * x
    x.data = 10.0
    z = y + x
    return z.data


def _operations_in_order() -> list[str]:
    from ...engine import Value
    from ...engine.graph import order

    a, b, c = Value(2.0), Value(3.0), Value(4.0)
    return [node.op.symbol for node in order(a * b**2 + c) if node.op]


def _start_and_target(random: Random) -> tuple[float, float, int]:
    start, target = random.sample([-3, -2, 2, 4, 5, 7, 8, 11], 2)
    return float(start), target + 0.5, random.choice([3, 4])


def _as_list(answer: Any) -> Any:
    """The answer; the operations in a single text as a list."""
    return answer.replace(",", " ").split() if isinstance(answer, str) else answer


EXERCISES = [
    Exercise(
        id="count_boxes",
        lesson=2,
        minutes=3,
        kind="predict",
        title="How many boxes",
        task="Without running it: how many boxes has `y = a * b + a * 3 + 4`, where `a` and `b` are Values?",
        code="boxes = ____",
        right="6",
        wrong=[
            Wrong("the plain numbers are counted", "8", "Is a plain 3 a node? Look for its box in the lesson."),
            Wrong(
                "a is counted once for each use",
                "7",
                "A name that is used twice: is it two nodes, or one with two arrows?",
            ),
            Wrong(
                "everything that is written in the formula is counted",
                "9",
                "Two things in the formula have no box of their own: what is used again, and what is a plain number.",
            ),
            Wrong("only the operations are counted", "4", "The numbers that you give have boxes, too."),
            Wrong("the last result is left out", "5", "y is a box, too: the root."),
        ],
        hints=(
            "Draw it on paper. Which boxes are leaves?",
            "Count each leaf once, then add the operations. Is a plain number a node?",
            "Leaves: a and b. Operations: the two products, and then count the additions.",
        ),
        why="The leaves a and b, two products and two sums. The 3 and the 4 are plain numbers, part of the operation.",
        truth=_boxes,
    ),
    Exercise(
        id="fourth_power",
        lesson=2,
        minutes=4,
        kind="fill a blank",
        title="The fourth power in three boxes",
        task=(
            "Compute `x` to the fourth power with multiplications only, in a graph of only **three** boxes, `x` among "
            "them."
        ),
        code='''
            def fourth(x):
                """x to the fourth power, in a graph of three boxes."""
                first = ____
                return ____
        ''',
        right=("x * x", "first * first"),
        wrong=[
            Wrong(
                "one x after the other is multiplied",
                ("x * x", "first * x * x"),
                "Right, but with a box too many. Which of your boxes could be used again?",
            ),
            Wrong(
                "the same product is computed twice",
                ("x * x", "first * (x * x)"),
                "Right, but two of your boxes hold the same. Could one of them be shared?",
            ),
            Wrong(
                "a power is taken",
                ("x", "first**4"),
                "Right, but that is one operation of another kind. Use only `*`.",
            ),
            Wrong(
                "squares are taken with a power",
                ("x**2", "first**2"),
                "Right, and three boxes. But its operations should be multiplications, with `*`.",
            ),
            Wrong(
                "the numbers are taken out of their boxes",
                ("x.data * x.data", "first * first"),
                "x.data is a plain number: what is made from it is in no graph. Multiply the Values themselves.",
            ),
            Wrong("the square is doubled", ("x * x", "first + first"), "x² + x² is 2x². You want x² times …?"),
            Wrong("one factor is left out", ("x * x", "first * x"), "That is x * x * x: count the factors."),
        ],
        measure=_what_was_built,
        reveal=True,
        hints=(
            "x * x * x * x has four boxes. What in it is worth to be computed once and used again?",
            "Give a box a name, and use that name twice: then it is shared.",
            "Let first be x * x. How do you get from x² to x to the fourth with one more multiplication?",
        ),
        why="The box of x * x is shared: its square is x to the fourth. Three boxes in all.",
    ),
    Exercise(
        id="changed_later",
        lesson=2,
        minutes=3,
        kind="predict",
        title="Changed later",
        task=(
            "What happens if you change `x` after `y` was computed, and then go on from `y`? Write down `z.data`:\n\n"
            "```python\n"
            "x = Value(2.0)\n"
            "y = x * x\n"
            "x.data = 10.0\n"
            "z = y + x\n"
            "```"
        ),
        code="z_data = ____",
        right="14",
        wrong=[
            Wrong(
                "y is thought to follow x, as in a spreadsheet",
                "110",
                "y was computed when its line ran. What was x at that moment?",
            ),
            Wrong(
                "x is thought to keep its first number",
                "6",
                "z is computed after the change. What is x at that moment?",
            ),
            Wrong(
                "y follows x, but z uses the first x",
                "102",
                "Go line by line, and write down x, y and z after each.",
            ),
            Wrong("only y is looked at", "4", "That is y. And what does the last line do with it?"),
            Wrong("only the change is looked at", "20", "y isn't x. What is y, since its line ran?"),
        ],
        hints=(
            "y and z are computed at different times. What is x each time?",
            "Make a table with a row for each line of the program, and the columns x, y and z.",
            "After the second line y is 4, and it stays. Which x does the last line use?",
        ),
        why="y was computed with 2, so it stays 4. z is computed later, with the new x: 4 + 10.",
        truth=_z_after_a_change,
    ),
    Exercise(
        id="made_first",
        lesson=2,
        minutes=3,
        kind="predict",
        title="Which box is made first",
        task=(
            "`a`, `b` and `c` are Values. In which order does Python make the boxes of `y = a * b ** 2 + c`? Write the "
            'three operations `"*"`, `"**"` and `"+"` as a list, the one that is made first in front.'
        ),
        code="made = ____",
        right='["**", "*", "+"]',
        wrong=[
            Wrong(
                "the operations are read from left to right",
                '["*", "**", "+"]',
                "The product waits for the numbers that it needs. Is b its second factor?",
            ),
            Wrong(
                "the walk begins at the root",
                '["+", "*", "**"]',
                "The root is the last result: it needs all the others.",
            ),
            Wrong(
                "the sum is made before the product",
                '["**", "+", "*"]',
                "As in school: which comes first, a product or a sum?",
            ),
            Wrong(
                "the power is taken of the whole product",
                '["*", "+", "**"]',
                "That would need brackets. What is it that the `** 2` stands next to?",
            ),
        ],
        hints=(
            "Put brackets around what is computed first.",
            "A box can be made only when both of its numbers are there. Which operation has its numbers at once?",
            "With all brackets it is (a * (b ** 2)) + c. Begin with the innermost ones.",
        ),
        why="b ** 2 has all that it needs at once; the product needs it, and the sum needs the product.",
        measure=_as_list,
        truth=_operations_in_order,
    ),
    Exercise(
        id="frozen_loss",
        lesson=2,
        minutes=5,
        kind="find the bug",
        title="A loss that never changes",
        task=(
            "In each round `w` moves up by 1, and yet this function returns the same loss again and again. Find the "
            "bug: the list should hold the loss of each round, taken before `w` moves."
        ),
        code='''
            def losses(start, target, rounds):
                """The loss at the beginning of each round."""
                ____
        ''',
        bug=(
            "w = Value(start)\n"
            "loss = (w - target) ** 2\n"
            "found = []\n"
            "for _ in range(rounds):\n"
            "    found.append(loss.data)\n"
            "    w.data = w.data + 1\n"
            "return found"
        ),
        right=(
            "w = Value(start)\n"
            "found = []\n"
            "for _ in range(rounds):\n"
            "    loss = (w - target) ** 2\n"
            "    found.append(loss.data)\n"
            "    w.data = w.data + 1\n"
            "return found"
        ),
        wrong=[
            Wrong(
                "the loss is computed after w has moved",
                "w = Value(start)\n"
                "found = []\n"
                "for _ in range(rounds):\n"
                "    w.data = w.data + 1\n"
                "    loss = (w - target) ** 2\n"
                "    found.append(loss.data)\n"
                "return found",
                "It follows w now. But the first loss should be that of the start.",
            ),
            Wrong(
                "the new loss is computed after the old one was noted",
                "w = Value(start)\n"
                "loss = (w - target) ** 2\n"
                "found = []\n"
                "for _ in range(rounds):\n"
                "    found.append(loss.data)\n"
                "    loss = (w - target) ** 2\n"
                "    w.data = w.data + 1\n"
                "return found",
                "The loss is one round late: which w was it computed with when you append it?",
            ),
            Wrong(
                "only the last round is kept",
                "w = Value(start)\n"
                "for _ in range(rounds):\n"
                "    found = []\n"
                "    loss = (w - target) ** 2\n"
                "    found.append(loss.data)\n"
                "    w.data = w.data + 1\n"
                "return found",
                "Which of the lines should run once, and which in each round?",
            ),
            Wrong(
                "the function returns after the first round",
                "w = Value(start)\n"
                "found = []\n"
                "for _ in range(rounds):\n"
                "    loss = (w - target) ** 2\n"
                "    found.append(loss.data)\n"
                "    w.data = w.data + 1\n"
                "    return found",
                "Look at the indent of the last line: does it belong to the loop?",
            ),
        ],
        cases=[(2.0, 5.0, 3)],
        draw=_start_and_target,
        say="losses(start={}, target={}, rounds={})",
        hints=(
            "Is a graph like a spreadsheet? When is the loss computed?",
            "New numbers need a new run of the formula. How often does the line with the formula run?",
            "Move one line: the formula of the loss belongs to what is done in each round.",
        ),
        why="A result is computed when its line runs, and stays. To see the new w, the formula must run in each round.",
    ),
]
