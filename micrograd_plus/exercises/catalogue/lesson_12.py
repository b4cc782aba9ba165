"""Exercises of lesson 12: when training goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong

Table = list[list[float]]


def _network(seed: int = 0) -> tuple[Any, Callable[[Any], Any]]:
    """The lesson's network with two hidden layers of tanh, and its loss for the lesson's two moons."""
    from ... import data, nn

    X, labels = data.make_moons(200, noise=0.15, seed=0)
    targets = labels.reshape(-1, 1).astype(float)
    sizes = [nn.Linear(2, 16, seed=seed), nn.Tanh(), nn.Linear(16, 16, seed=seed + 1), nn.Tanh()]
    model = nn.Sequential(*sizes, nn.Linear(16, 1, seed=seed + 2))
    return model, lambda model: nn.functional.binary_cross_entropy_with_logits(model(X), targets)


def _problem_of_the_seventh() -> str:
    """What the doctor says first, if the optimiser holds the parameters of another network."""
    from ... import diagnose, optim

    model, loss_of = _network()
    optimizer = optim.SGD(_network()[0].parameters(), lr=0.3)
    return diagnose(lambda: loss_of(model), model, optimizer).problems[0]


def _rows_of_the_equal() -> int:
    """How many different rows of weights the first layer has, if all starts at 0.1 and is trained for 300 steps."""
    import numpy as np

    from ... import nn, optim

    model, loss_of = _network()
    for p in model.parameters():
        nn.init.constant_(p, 0.1)
    optimizer = optim.SGD(model.parameters(), lr=0.3)
    for _ in range(300):
        optimizer.zero_grad()
        loss_of(model).backward()
        optimizer.step()
    return len(np.unique(model[0].weight.numpy().round(9), axis=0))


def _short_name(answer: Any) -> str:
    """The name of a problem, if need be out of a list or out of its brackets, with blanks for underscores."""
    if isinstance(answer, (list, tuple)) and answer:
        answer = answer[0]
    return "_".join(str(answer).strip(" []").replace("-", " ").split())


def _healed(heal: Callable[..., Any], numbers: list[Table]) -> Any:
    """The parameters' data after the cure."""
    from ...engine import Tensor

    parameters: list[Any] = [Tensor(table) for table in numbers]
    heal(parameters)
    return [p.data.tolist() for p in parameters]


def _large_numbers(random: Random) -> tuple[Any, ...]:
    def table(rows: int) -> Table:
        return [[20.0 * random.choice([-0.5, -0.25, 0.25, 0.5, 0.75]) for _ in range(2)] for _ in range(rows)]

    return ([table(2), table(1)],)


def _relu_outputs(random: Random) -> tuple[Any, ...]:
    """Four samples, three neurons. Each neuron gives 0 for some of the samples, or for all."""
    asleep = [random.choice([1, 2, 3, 4]) for _ in range(3)]
    columns = [[0.0] * n + [random.choice([0.5, 1.5, 2.0]) for _ in range(4 - n)] for n in asleep]
    for column in columns:
        random.shuffle(column)
    return ([list(row) for row in zip(*columns, strict=True)],)


def _falling_line(random: Random) -> tuple[Any, ...]:
    slope, height = random.choice([-3.0, -2.5, -2.0]), random.choice([2.0, 3.0])
    xs = [1.0, 2.0, 3.0]
    return xs, [slope * x + height for x in xs]


def _losses(cross_entropy: Callable[..., Any], outputs: list[float], targets: list[float]) -> Any:
    """The losses of these outputs and targets, given as arrays."""
    import numpy as np

    return cross_entropy(np.array(outputs), np.array(targets))


def _sure_outputs(random: Random) -> tuple[Any, ...]:
    outputs = [random.choice([-2.0, 0.5, 3.0]), random.choice([-900.0, -800.0]), random.choice([800.0, 900.0])]
    return outputs, [random.choice([0.0, 1.0]), 0.0, 1.0]


EXERCISES = [
    Exercise(
        id="the_seventh_patient",
        lesson=12,
        minutes=4,
        kind="predict",
        title="The seventh patient",
        task="With lesson 12 open: the seventh patient is `network(Tanh)`. Its optimiser was made in the next line, "
        "with `mg.optim.SGD(network(Tanh).parameters(), lr=0.3)`. Ask the doctor (`mg.diagnose` with the function that "
        "computes the loss, the model, and the optimiser as third argument). Write down the short name of the first "
        "problem as a text; it stands in square brackets.",
        code="problem = ____",
        right='"missing_from_optimizer"',
        wrong=[
            Wrong(
                "the loss is taken not to depend on the parameters",
                '"unconnected_parameters"',
                "The loss is computed from this model, and backward reaches all of it. Who takes the step?",
            ),
            Wrong(
                "the neurons are taken to be saturated",
                '"saturated"',
                "This network starts as the healthy ones do. Was the optimiser the third argument?",
            ),
            Wrong(
                "the step is taken to be too large",
                '"step_too_large"',
                "A rate of 0.3 was right for this network before. Which weights does the step move?",
            ),
            Wrong(
                "the optimiser is taken to hold frozen parameters",
                '"frozen_in_optimizer"',
                "Frozen ones have requires_grad=False. These could move; but whose are they?",
            ),
            Wrong(
                "all neurons are taken to be equal",
                '"symmetric_weights"',
                "That was patient 1. These weights were drawn at random.",
            ),
        ],
        measure=_short_name,
        hints=(
            "Each problem has its [short_name]. Leave the brackets out.",
            "Print mg.diagnose(lambda: loss_of(seventh), seventh, seventh_optimizer), and read the first line.",
            "How many networks does network(Tanh) make, if it is called twice? The name begins with missing_from_…",
        ),
        why="The optimiser holds the parameters of another network: `network(Tanh)` was called twice.",
        truth=_problem_of_the_seventh,
        numpy=True,
    ),
    Exercise(
        id="heal_the_eighth",
        lesson=12,
        minutes=4,
        kind="fill a blank",
        title="The eighth patient",
        task="Somebody multiplied all weights and biases of a network by 20: the eighth patient of lesson 12. Write "
        "the cure: make the numbers of each parameter in a list 20 times smaller.",
        code='''
            def heal(parameters):
                """Make all numbers 20 times smaller; the parameters stay the same objects."""
                ____
        ''',
        right="for p in parameters:\n    p.data = p.data / 20",
        wrong=[
            Wrong(
                "no p.data is changed",
                "for p in parameters:\n    p = p / 20",
                "After the call each p.data is as it was before. (`p = …` only gives another thing the name p, and a "
                "list that is returned changes no parameter.) Which part of a parameter are its numbers?",
            ),
            Wrong(
                "the numbers are made larger once more",
                "for p in parameters:\n    p.data = p.data * 20",
                "That is what made the patient ill. How is it undone?",
            ),
            Wrong(
                "20 is subtracted",
                "for p in parameters:\n    p.data = p.data - 20",
                "The numbers were multiplied. What undoes that?",
            ),
            Wrong(
                "all numbers become 0",
                "for p in parameters:\n    p.data = p.data * 0",
                "No neuron is saturated now. But think of patient 1: what do equal neurons learn?",
            ),
            Wrong(
                "all numbers become equal",
                "for p in parameters:\n    p.data = p.data * 0 + 1 / 20",
                "Their differences are gone, and with them what makes neurons learn different things (patient 1).",
            ),
            Wrong(
                "only the first parameter is healed",
                "parameters[0].data = parameters[0].data / 20",
                "Layer after layer was made ill, with its biases. Go through all of the list.",
            ),
        ],
        cases=[([[[10.0, -5.0], [15.0, 5.0]], [[-10.0, 5.0]]],)],
        draw=_large_numbers,
        measure=_healed,
        say="heal(parameters) with the numbers {}",
        hints=(
            "Which lines made them large? Undo that.",
            "A loop over the parameters, with one line for the numbers of each: p.data.",
            "for p in parameters: p.data = …, which is the old p.data, and what was done to it turned round",
        ),
        why="Division undoes the multiplication. It is p.data that changes, so that the model keeps its parameters.",
        numpy=True,
    ),
    Exercise(
        id="all_at_a_tenth",
        lesson=12,
        minutes=3,
        kind="predict",
        title="All at a tenth",
        task="What happens if all weights and biases of a network start at 0.1, and it is trained for 300 steps? How "
        "many *different* rows does the weight matrix of its first layer have at the end? (Each row belongs to one of "
        "16 neurons.)",
        code="different_rows = ____",
        right="1",
        wrong=[
            Wrong(
                "training is thought to make equal neurons different",
                "16",
                "What could make them different? Compare the gradients that two equal neurons get.",
            ),
            Wrong(
                "the columns are counted",
                "2",
                "There are two inputs, so each row has two numbers. How do the rows differ?",
            ),
            Wrong(
                "the single weights are counted",
                "32",
                "A row holds the two weights of one neuron. Compare whole rows.",
            ),
            Wrong(
                "equal rows are taken to vanish",
                "0",
                "The rows are all there. How many kinds of them?",
            ),
        ],
        hints=(
            "Think of patient 1: equal neurons with equal gradients.",
            "Two neurons start with the same numbers and see the same inputs. Does a step part them?",
            "If all 16 stay equal to each other for ever, how many different ones are there?",
        ),
        why="They start equal, get equal gradients, and stay equal.",
        truth=_rows_of_the_equal,
        numpy=True,
    ),
    Exercise(
        id="start_spread",
        lesson=12,
        minutes=6,
        kind="fill a blank",
        title="How large weights should start",
        task="A neuron adds up `n` products of inputs and weights. If the weights are drawn with the spread `s` (their "
        "standard deviation), the mean square of that sum is `n * s²` times the mean square of the inputs. ReLU then "
        "halves it. With which spread does the signal keep its size from layer to layer?",
        code='''
            def start_spread(n):
                """The spread of the weights with which a layer of ReLUs with n inputs keeps the size of the signal."""
                return ____
        ''',
        right="math.sqrt(2 / n)",
        wrong=[
            Wrong(
                "the half that ReLU cuts off is forgotten",
                "math.sqrt(1 / n)",
                "With this the mean square is halved by each layer. After ten layers, a thousandth is left.",
            ),
            Wrong("the root is forgotten", "2 / n", "That is s². The spread itself is asked for."),
            Wrong(
                "s is taken for s², and ReLU is forgotten",
                "1 / n",
                "A sum of n random numbers of size 1 isn't as large as n: some are positive, some negative.",
            ),
            Wrong(
                "the number of inputs is thought to make no difference",
                "math.sqrt(2)",
                "The more products are added up, the larger the sum. What must single weights do then?",
            ),
            Wrong(
                "many inputs get large weights",
                "math.sqrt(2 * n)",
                "More products make a larger sum already. Put your s into n * s² / 2.",
            ),
            Wrong(
                "ReLU is taken to double the mean square",
                "math.sqrt(0.5 / n)",
                "It cuts away, so the weights must make up for it. Put your s into n * s² / 2.",
            ),
        ],
        cases=[(8.0,), (50.0,)],
        draw=lambda random: (float(random.choice([16, 32, 64, 100, 128, 200])),),
        say="start_spread(n={})",
        hints=(
            "After a layer, the mean square is n * s² / 2 times what it was. Which number should that be?",
            "Solve n * s² / 2 = 1 for s² first.",
            "s² comes out as 2 divided by the number of inputs. And s is its …",
        ),
        why="n * s² / 2 = 1 gives s² = 2 / n. This is the start of Kaiming He, 2015.",
    ),
    Exercise(
        id="stuck_at_zero",
        lesson=12,
        minutes=4,
        kind="find the bug",
        title="Stuck at zero",
        task="One neuron should learn the points of a falling line. After a few steps it gives 0 for all of them, and "
        "stays so however long it is trained. Find the bug and mend it.",
        code='''
            def fit_line(xs, ys, lr=0.1, steps=30):
                """Train one neuron on these points; what it gives for xs afterwards."""
                w, b = ____

                def neuron(x):
                    return ____

                for _ in range(steps):
                    loss = sum((neuron(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
                    w.zero_grad()
                    b.zero_grad()
                    loss.backward()
                    w.data -= lr * w.grad
                    b.data -= lr * b.grad
                return [neuron(x).data for x in xs]
        ''',
        bug=("Value(1.0), Value(0.0)", "(w * x + b).relu()"),
        right=("Value(1.0), Value(0.0)", "w * x + b"),
        wrong=[
            Wrong(
                "the bias starts higher, and the ReLU stays",
                ("Value(1.0), Value(5.0)", "(w * x + b).relu()"),
                "It lives a little longer. But some targets are below 0: can this neuron ever give them?",
            ),
            Wrong(
                "the ReLU gets a minus in front of it",
                ("Value(1.0), Value(0.0)", "-(w * x + b).relu()"),
                "Now it can give nothing above 0. Which numbers may be asked for?",
            ),
            Wrong(
                "the outputs are kept between -1 and 1",
                ("Value(1.0), Value(0.0)", "(w * x + b).tanh()"),
                "It isn't dead any more. But which targets can a tanh reach?",
            ),
            Wrong(
                "the sign is taken off in place of the ReLU",
                ("Value(1.0), Value(0.0)", "abs(w * x + b)"),
                "Its slope is never 0. But some targets are below 0: can this neuron ever give them?",
            ),
            Wrong(
                "the ReLU leaks",
                ("Value(1.0), Value(0.0)", "((w * x + b).relu() - 0.1 * (-(w * x + b)).relu())"),
                "It isn't dead any more. But the line that it should learn has no bend in it.",
            ),
        ],
        cases=[([1.0, 2.0, 3.0], [2.0, -1.0, -4.0])],
        draw=_falling_line,
        say="fit_line(xs={}, ys={})",
        hints=(
            "Look at ys. Which of them could the neuron give at all, with any w and b?",
            "Below 0 a ReLU gives 0, and its slope is 0. It belongs between two layers: is there one after it here?",
            "Take something away from what `neuron` returns, and leave the weighted sum.",
        ),
        why="An output layer that should give any number has no ReLU. The steps towards the targets below 0 killed it.",
    ),
    Exercise(
        id="dead_neurons",
        lesson=12,
        minutes=3,
        kind="fill a blank",
        title="Dead, or asleep?",
        task="`outputs` is what a layer of ReLUs gave: a row for each sample, a column for each neuron. Which neurons "
        "are dead?",
        code='''
            def dead_neurons(outputs):
                """For each neuron whether it is dead: True or False."""
                return [____ for j in range(len(outputs[0]))]
        ''',
        right="all(row[j] == 0 for row in outputs)",
        wrong=[
            Wrong(
                "a neuron that gives 0 once is taken for dead",
                "any(row[j] == 0 for row in outputs)",
                "A ReLU that is silent for some samples does its work. For how many of them is a dead one silent?",
            ),
            Wrong(
                "only the first sample is looked at",
                "outputs[0][j] == 0",
                "It may be silent for one sample and active for the next.",
            ),
            Wrong(
                "a neuron that is silent for most samples is taken for dead",
                "sum(row[j] == 0 for row in outputs) > len(outputs) / 2",
                "As long as one sample makes it active, a gradient comes through, and it can learn.",
            ),
            Wrong(
                "samples are asked, not neurons",
                "all(number == 0 for number in outputs[j])",
                "outputs[j] is a row, what all neurons gave for one sample. A neuron is a column.",
            ),
            Wrong(
                "the living ones are named",
                "any(row[j] != 0 for row in outputs)",
                "You found those that are active for some sample. The others are asked for.",
            ),
        ],
        cases=[
            ([[0.0, 0.0, 2.0], [0.0, 1.0, 0.0], [0.0, 3.0, 0.0], [0.0, 1.0, 0.0]],),  # all ideas differ here
            ([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [1.0, 0.0, 0.5]],),
        ],
        draw=_relu_outputs,
        say="dead_neurons(outputs={})",
        hints=(
            "What does the lesson say of a dead ReLU: for which samples is it below 0?",
            "Neuron j's outputs are row[j] for row in outputs. Ask something of all of them.",
            "all(… for row in outputs), where the dots ask whether neuron j gave 0",
        ),
        why="A dead ReLU gives 0 for every sample, and no gradient comes through. One that gives 0 for some is asleep.",
    ),
    Exercise(
        id="log_of_zero",
        lesson=12,
        minutes=8,
        kind="find the bug",
        title="The logarithm of 0",
        task="This loss is right on paper, and it gives `nan` or `inf` where the network is very sure. Mend it, so "
        "that it is exact for all outputs. For the target 0 the loss is `log(1 + e**output)`, for the target 1 it is "
        "the same minus the output. (`np.logaddexp(a, b)` gives `log(e**a + e**b)` for numbers of any size.)",
        code='''
            def cross_entropy(outputs, targets):
                """The binary cross-entropy of each sample; the outputs are those before the sigmoid."""
                ____
        ''',
        bug="p = 1 / (1 + np.exp(-outputs))\nreturn -(targets * np.log(p) + (1 - targets) * np.log(1 - p))",
        right="return np.logaddexp(0, outputs) - targets * outputs",
        wrong=[
            Wrong(
                "a small constant is added inside the logarithm",
                "p = 1 / (1 + np.exp(-outputs))\n"
                "return -(targets * np.log(p + 1e-12) + (1 - targets) * np.log(1 - p + 1e-12))",
                "No nan any more, but a sample that is quite wrong costs 27.6 at most, and it no longer learns. "
                "Start from the outputs, not from p.",
            ),
            Wrong(
                "p is kept away from 0 and 1",
                "p = np.clip(1 / (1 + np.exp(-outputs)), 1e-7, 1 - 1e-7)\n"
                "return -(targets * np.log(p) + (1 - targets) * np.log(1 - p))",
                "No nan any more, but a sample that is quite wrong costs 16.1 at most, and it no longer learns. "
                "Start from the outputs, not from p.",
            ),
            Wrong(
                "what is nan is replaced by 0",
                "p = 1 / (1 + np.exp(-outputs))\n"
                "return np.nan_to_num(-(targets * np.log(p) + (1 - targets) * np.log(1 - p)))",
                "Hidden isn't mended: what was infinite is a huge number now. Where does the logarithm of 0 come from?",
            ),
            Wrong(
                "the sum of exponentials is still computed",
                "return np.log(1 + np.exp(outputs)) - targets * outputs",
                "The formula is right, but np.exp(900) is infinite. The task names a function without that detour.",
            ),
            Wrong(
                "each target has its own formula, and both overflow",
                "return np.where(targets == 1, np.log(1 + np.exp(-outputs)), np.log(1 + np.exp(outputs)))",
                "The formulas are right, but np.exp(900) is infinite. The task names a function without that detour.",
            ),
            Wrong(
                "the sign of the output is turned",
                "return np.logaddexp(0, -outputs) - targets * outputs",
                "Take an output of 0.5 and a target of 0: is it log(1 + e**0.5)?",
            ),
            Wrong(
                "the targets are turned round",
                "return np.logaddexp(0, outputs) - (1 - targets) * outputs",
                "For which of the two targets is the output subtracted?",
            ),
            Wrong(
                "the target is forgotten",
                "return np.logaddexp(0, outputs)",
                "That is the loss for the target 0. What is different for the target 1?",
            ),
        ],
        cases=[([2.0, -3.0], [1.0, 1.0]), ([-900.0, 900.0], [1.0, 0.0]), ([800.0, -1000.0], [1.0, 0.0])],
        draw=_sure_outputs,
        measure=_losses,
        say="cross_entropy(outputs={}, targets={})",
        hints=(
            "For which outputs is p exactly 0 or 1? What is its logarithm then?",
            "Leave p out. log(1 + e**output) is log(e**0 + e**output), so np.logaddexp fits.",
            "np.logaddexp(0, …) minus something that is the output where the target is 1, and 0 where it is 0",
        ),
        why="The logarithm of a sigmoid, written from the output before it, never meets the logarithm of 0.",
        numpy=True,
    ),
]
