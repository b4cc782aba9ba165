"""Exercises of lesson 11: from scalars to tensors."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong

Table = list[list[float]]


def _shapes_of_a_layer() -> dict[str, Any]:
    """The shapes that a layer of 10 neurons has for 32 samples of 64 numbers."""
    import numpy as np

    from ...nn import Linear

    layer: Any = Linear(64, 10, seed=0)
    output = layer(np.ones((32, 64)))
    output.sum().backward()
    return {"weight.grad": layer.weight.grad.shape, "bias.grad": layer.bias.grad.shape, "output": output.shape}


def _as_shapes(answer: dict[str, Any]) -> dict[str, Any]:
    """The shapes that were written; (10) is a number in Python, and meant as (10,)."""
    return {name: [shape] if isinstance(shape, int) else shape for name, shape in answer.items()}


def _gradient_of_a_column() -> Table:
    """The gradient of a bias of shape (3, 1), added to a table of shape (3, 2)."""
    import numpy as np

    from ...engine import Tensor

    column: Any = Tensor([[1.0], [2.0], [3.0]])
    (np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]) + column).sum().backward()
    return column.grad.tolist()


def _subtracted(errors: Callable[..., Any], outputs: Table, targets: list[float]) -> Any:
    """The errors of a column of outputs, a Tensor as in the lesson, and a row of targets."""
    import numpy as np

    from ...engine import Tensor

    return errors(Tensor(outputs), np.array(targets))


def _of_arrays(rule: Callable[..., Any], *arguments: Any) -> Any:
    """What a rule gives for these lists, as arrays; numbers and shapes stay as they are."""
    import numpy as np

    return rule(*(np.array(x) if isinstance(x, list) else x for x in arguments))


def _table(random: Random, rows: int, columns: int) -> Table:
    """Whole numbers, none of them 0, 1 or -1."""
    return [[float(random.choice([-5, -4, -3, -2, 2, 3, 4, 5, 6, 7])) for _ in range(columns)] for _ in range(rows)]


def _column_and_row(random: Random) -> tuple[Any, ...]:
    n = random.choice([4, 5])
    return _table(random, n, 1), _table(random, 1, n)[0]


def _arrived(random: Random) -> tuple[Any, ...]:
    return _table(random, 3, 3), random.choice([(1, 3), (3, 1)])


def _squares(random: Random) -> tuple[Any, ...]:
    return _table(random, 2, 2), _table(random, 2, 2), _table(random, 2, 2)


def _averaged(random: Random) -> tuple[Any, ...]:
    return _table(random, random.choice([2, 3]), random.choice([2, 4])), random.choice([-6.0, 3.0, 5.0, 12.0])


EXERCISES = [
    Exercise(
        id="shapes_of_a_layer",
        lesson=11,
        minutes=4,
        kind="predict",
        title="Three shapes",
        task="A layer `mg.nn.Linear(64, 10)` is given a batch of 32 samples. Which shapes have the gradient of its "
        "weights (a row for each neuron), the gradient of its bias, and the layer's output? Write three tuples.",
        code='shapes = {"weight.grad": ____, "bias.grad": ____, "output": ____}',
        right=("(10, 64)", "(10,)", "(32, 10)"),
        wrong=[
            Wrong(
                "the weights have a row for each input",
                ("(64, 10)", "(10,)", "(32, 10)"),
                "How many neurons has the layer, and how many weights has each of them?",
            ),
            Wrong(
                "the gradient of the bias isn't added up over the samples",
                ("(10, 64)", "(32, 10)", "(32, 10)"),
                "The bias has one number for each neuron. What is repeated forward is added up on the way back.",
            ),
            Wrong(
                "the bias keeps an axis for the samples",
                ("(10, 64)", "(1, 10)", "(32, 10)"),
                "How many axes has a bias, and how many has its gradient?",
            ),
            Wrong(
                "each input is taken to have a bias",
                ("(10, 64)", "(64,)", "(32, 10)"),
                "A neuron adds its bias once, to the whole weighted sum.",
            ),
            Wrong(
                "the output has a row for each neuron",
                ("(10, 64)", "(10,)", "(10, 32)"),
                "Samples stay where they are: one in each row, before the layer and after it.",
            ),
            Wrong(
                "the output is as wide as the input",
                ("(10, 64)", "(10,)", "(32, 64)"),
                "Each neuron makes one number out of all the inputs of a sample.",
            ),
            Wrong(
                "a gradient is kept for each sample",
                ("(32, 10, 64)", "(32, 10)", "(32, 10)"),
                "All samples use the same weights. What happens to the parts that come back from them?",
            ),
        ],
        measure=_as_shapes,
        hints=(
            "A gradient has the shape of its parameter.",
            "10 neurons with 64 weights each, and a bias for each neuron. The batch is seen in the output only.",
            "The weights: (neurons, inputs). The bias: (neurons,). The output: (samples, neurons).",
        ),
        why="A gradient has the shape of its parameter, however many samples there are. The output has a row for each.",
        truth=_shapes_of_a_layer,
        numpy=True,
    ),
    Exercise(
        id="mend_the_broadcast",
        lesson=11,
        minutes=3,
        kind="find the bug",
        title="Mend the broadcast",
        task="Mend the broadcast: the errors of n samples must have shape `(n, 1)`, whatever n is. Change only the "
        "shape of `targets`.",
        code='''
            def errors(outputs, targets):
                """Output minus target of each sample: outputs has the shape (n, 1), targets has (n,)."""
                return ____
        ''',
        bug="outputs - targets",
        right="outputs - targets.reshape(-1, 1)",
        wrong=[
            Wrong(
                "the number of samples is written into the code",
                "outputs - targets.reshape(3, 1)",
                "It works for three samples. How does one ask reshape to find out a number by itself?",
            ),
            Wrong(
                "both are rows",
                "outputs.reshape(-1) - targets",
                "Each output meets its own target now. But a column is asked for; leave the outputs as they are.",
            ),
            Wrong(
                "each output is compared with the first target",
                "(outputs - targets)[:, :1]",
                "The shape is right, the numbers aren't: mend it before the subtraction, not after it.",
            ),
            Wrong(
                "each output is compared with the mean of all targets",
                "(outputs - targets).mean(axis=1, keepdims=True)",
                "The shape is right, the numbers aren't: mend it before the subtraction, not after it.",
            ),
            Wrong(
                "the outputs are subtracted from the targets",
                "targets.reshape(-1, 1) - outputs",
                "The shapes fit. Which of the two comes first?",
            ),
        ],
        cases=[([[1.0], [2.0], [3.0]], [1.0, 2.0, 3.0])],
        draw=_column_and_row,
        measure=_subtracted,
        say="errors(outputs={}, targets={})",
        hints=(
            "A column minus a row gives a table. Which of the two should look like the other?",
            "targets.reshape(…) gives the same numbers another shape: a column, too.",
            "outputs - targets.reshape(…, 1), where -1 in place of the dots stands for as many rows as are needed",
        ),
        why="Now both are columns, and each output meets its own target. -1 means as many rows as are needed.",
        numpy=True,
    ),
    Exercise(
        id="a_column_of_biases",
        lesson=11,
        minutes=3,
        kind="predict",
        title="A bias that is a column",
        task="What happens if the bias of a layer has shape `(3, 1)`, and not `(2,)`? It is added to `sums` of shape "
        "`(3, 2)`, and all results are added up. Write its gradient as a nested list.",
        code="column_grad = ____",
        right="[[2.0], [2.0], [2.0]]",
        wrong=[
            Wrong(
                "the shape is lost",
                "[2.0, 2.0, 2.0]",
                "The numbers are right. A gradient has the shape of its parameter.",
            ),
            Wrong(
                "the parts aren't added up",
                "[[1.0], [1.0], [1.0]]",
                "Into how many results does one of the three numbers go?",
            ),
            Wrong(
                "each number is taken to be repeated for every row",
                "[[3.0], [3.0], [3.0]]",
                "That was the bias of shape (2,). In which direction is a column repeated?",
            ),
            Wrong(
                "the gradient is left in the shape of the sums",
                "[[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]",
                "That is what arrives at `expand`. What is repeated forward is added up on the way back.",
            ),
            Wrong(
                "the columns are added up, as for a row of biases",
                "[3.0, 3.0]",
                "That was the bias of shape (2,). This one has three numbers.",
            ),
            Wrong(
                "the numbers of `sums` are added up",
                "[[3.0], [7.0], [11.0]]",
                "The slope of a + b for b is 1, whatever a is.",
            ),
        ],
        hints=(
            "Write down the table that comes out, with b1, b2 and b3 in it.",
            "Each of the three numbers is repeated. How often? And the shape is (3, 1).",
            "[[…], [… ], [… ]]: in each place, the number of results that this bias goes into",
        ),
        why="Each number is repeated along its row, for two columns, and so two ones are added up.",
        truth=_gradient_of_a_column,
        numpy=True,
    ),
    Exercise(
        id="sum_back",
        lesson=11,
        minutes=8,
        kind="write a rule",
        title="The way back of broadcasting",
        task="An array was broadcast to a larger one. `upstream` is the gradient of the larger one, `shape` the shape "
        "of the smaller. Return the gradient of the smaller one. Both have two axes: a row of biases is `(1, n)`, a "
        "column `(n, 1)`.",
        code='''
            def sum_back(upstream, shape):
                """The gradient of an array of this shape that was broadcast to the shape of upstream."""
                grad = ____
                return grad
        ''',
        right="upstream\n"
        "for axis in (0, 1):\n"
        "    if shape[axis] == 1:\n"
        "        grad = grad.sum(axis=axis, keepdims=True)",
        wrong=[
            Wrong(
                "what was repeated isn't added up",
                "upstream",
                "A gradient has the shape of its parameter. Which numbers of upstream belong to the same one?",
            ),
            Wrong(
                "the wrong axis is added up",
                "upstream\n"
                "for axis in (0, 1):\n"
                "    if shape[axis] == 1:\n"
                "        grad = grad.sum(axis=1 - axis, keepdims=True)",
                "A row of shape (1, n) was repeated downwards, along axis 0. Along which axis are the copies?",
            ),
            Wrong(
                "the shape is lost",
                "upstream.sum(axis=tuple(axis for axis in (0, 1) if shape[axis] == 1))",
                "The numbers are right. NumPy's sum drops the axis, unless it is told to keep it.",
            ),
            Wrong(
                "the rows are added up always",
                "upstream.sum(axis=0, keepdims=True)",
                "That is right for a row of biases. What does `shape` say of the others?",
            ),
            Wrong(
                "the copies are averaged",
                "upstream\n"
                "for axis in (0, 1):\n"
                "    if shape[axis] == 1:\n"
                "        grad = grad.mean(axis=axis, keepdims=True)",
                "Several paths lead from each number. What is done with the parts of several paths (lesson 04)?",
            ),
            Wrong(
                "all copies but the first are thrown away",
                "upstream[: shape[0], : shape[1]]",
                "The shape is right. But each copy has its share in the result.",
            ),
        ],
        cases=[
            ([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]], (1, 2)),
            ([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]], (3, 1)),
            ([[2.0, 3.0], [4.0, 6.0]], (1, 1)),
            ([[2.0, 3.0], [4.0, 6.0]], (2, 2)),
        ],
        draw=_arrived,
        measure=_of_arrays,
        say="sum_back(upstream={}, shape={})",
        hints=(
            "Along which axes was the smaller array repeated? Its shape tells.",
            "Where the shape has a 1, add up along that axis, and keep the axis. Elsewhere nothing is to be done.",
            "Begin with upstream. For axis 0 and for axis 1: if shape[axis] is 1, grad = grad.sum(axis=…, keepdims=…)",
        ),
        why="What is repeated on the way forward is added up on the way back; keepdims keeps the shape.",
        numpy=True,
    ),
    Exercise(
        id="matmul_backward",
        lesson=11,
        minutes=8,
        kind="write a rule",
        title="The backward rule of a matrix product",
        task="Let `C = A @ B`, and let `upstream` be the gradient of `C`. Return the gradients of `A` and of `B`. "
        "(`A.T` is A turned on its side.)",
        code='''
            def matmul_backward(A, B, upstream):
                """The gradients of A and B, when C = A @ B has the gradient upstream."""
                return ____
        ''',
        right="upstream @ B.T, A.T @ upstream",
        wrong=[
            Wrong(
                "A.T and B.T are swapped",
                "upstream @ A.T, B.T @ upstream",
                "For numbers, the slope of a * b for a is b. So which of the two belongs to the gradient of A?",
            ),
            Wrong(
                "the factors stand in the other order",
                "B.T @ upstream, upstream @ A.T",
                "The right arrays meet, from the wrong sides. Write the shapes below: which order gives A's shape?",
            ),
            Wrong(
                "nothing is turned on its side",
                "upstream @ B, A @ upstream",
                "Take shapes of three different numbers, (2, 3) @ (3, 4), and write them below each product.",
            ),
            Wrong(
                "upstream is turned on its side, too",
                "upstream.T @ B.T, A.T @ upstream.T",
                "Take shapes of three different numbers, (2, 3) @ (3, 4). What shape has upstream? What can meet it?",
            ),
            Wrong(
                "the gradients of A and B are swapped",
                "A.T @ upstream, upstream @ B.T",
                "Both are right, in the other order. Which one has the shape of A?",
            ),
            Wrong(
                "upstream is forgotten",
                "B.T, A.T",
                "These are slopes. How much does each number of C matter for the result?",
            ),
            Wrong(
                "the rule of the product of single numbers is taken",
                "upstream * B, upstream * A",
                "With `*` each number meets one other. In a matrix product it goes into a whole row of results.",
            ),
        ],
        cases=[
            ([[1.0, 2.0], [3.0, 4.0]], [[2.0, 5.0], [3.0, 7.0]], [[2.0, 7.0], [3.0, -4.0]]),
            ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[2.0], [3.0], [5.0]], [[7.0], [2.0]]),
        ],
        draw=_squares,
        measure=_of_arrays,
        say="matmul_backward(A={}, B={}, upstream={})",
        hints=(
            "Think of numbers first: y = a * b. Then the gradients must have the shapes of A and of B.",
            "Each gradient is a matrix product of upstream and the other array, turned on its side.",
            "For (n, k) @ (k, m), A's gradient is (n, m) @ (m, k), and B's is (k, n) @ (n, m). What are these four?",
        ),
        why="A number of A meets a row of B, so that row comes back with upstream. The shapes leave only one order.",
        numpy=True,
    ),
    Exercise(
        id="mean_backward",
        lesson=11,
        minutes=4,
        kind="fill a blank",
        title="The backward rule of a mean",
        task="Let `y = x.mean()`, where `x` is an array, and let the number `upstream` be the gradient of `y`. Return "
        "the gradient of `x`. (For `y = x.sum()` it would be `np.full(x.shape, upstream)`.)",
        code='''
            def mean_backward(x, upstream):
                """The gradient of each number of x, when y = x.mean() has the gradient upstream."""
                return ____
        ''',
        right="np.full(x.shape, upstream / x.size)",
        wrong=[
            Wrong(
                "the 1/n is missing",
                "np.full(x.shape, upstream)",
                "That is the rule of a sum. If one of ten numbers grows by 1, how far does their mean move?",
            ),
            Wrong(
                "upstream is forgotten",
                "np.full(x.shape, 1 / x.size)",
                "That is how y changes. How much does y matter for the result?",
            ),
            Wrong(
                "the shape is lost",
                "upstream / x.size",
                "The number is right. Each number of x has a gradient of its own.",
            ),
            Wrong(
                "only the rows are counted",
                "np.full(x.shape, upstream / len(x))",
                "The mean is over all numbers of the table, and len gives the rows alone.",
            ),
            Wrong(
                "x itself is in it",
                "upstream * x / x.size",
                "If a number grows by 1, the mean grows by the same amount, however large the number was.",
            ),
            Wrong(
                "the mean is taken once more",
                "np.full(x.shape, upstream * x.mean())",
                "That has the value of y in it. Its slope is asked for.",
            ),
        ],
        cases=[([2.0, 3.0, 7.0, 4.0], 1.0), ([[2.0, 3.0, 7.0], [4.0, 5.0, 9.0]], 12.0)],
        draw=_averaged,
        measure=_of_arrays,
        say="mean_backward(x={}, upstream={})",
        hints=(
            "A mean is a sum, and what else?",
            "The sum hands upstream to every number. The division by n divides the gradient by n, too.",
            "np.full(x.shape, …), where the dots are upstream divided by how many numbers x has: x.size",
        ),
        why="Each of the n numbers moves the mean by 1/n, and upstream says how much the mean matters.",
        numpy=True,
    ),
]
