"""Exercises of lesson 07: from a neuron to a network."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong

CORNERS = [(0, 0), (0, 1), (1, 0), (1, 1)]


def _above_0(neuron: Any) -> Any:
    """The corners at which a ReLU neuron (w0, w1, b) gives more than 0."""
    w0, w1, b = neuron
    if ... in (w0, w1, b):
        return ...
    above = [f"({x0}, {x1})" for x0, x1 in CORNERS if float(w0) * x0 + float(w1) * x1 + float(b) > 0]
    return {"corners with an answer above 0": above}


def _a_neuron(random: Random) -> tuple[list[float], float, list[float]]:
    """Three weights, a bias and three inputs, none of them 0 or 1."""
    weights = random.sample([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], 3)
    return weights, random.choice([-1.5, -0.75, 0.75, 1.25]), random.sample([-3.0, -2.0, 2.0, 3.0, 4.0, 5.0], 3)


def _through_two_layers(forward: Callable[..., Any], w0: float, w1: float, w2: float) -> Any:
    """The answers of a chain of two layers, two linear neurons and then one, to the inputs 1 and 2."""

    def neuron(*weights: float) -> Callable[[list[float]], float]:
        return lambda inputs: sum(w * x for w, x in zip(weights, inputs, strict=False))

    return forward([[neuron(w0, 1.0), neuron(1.0, w1)], [neuron(w2, -1.0)]], [1.0, 2.0])


EXERCISES = [
    Exercise(
        id="count_mlp",
        lesson=7,
        minutes=4,
        kind="predict",
        title="How many parameters",
        task="How many parameters has `MLP(3, [4, 2])`? Count them on paper first.",
        code="count = ____",
        right="26",
        wrong=[
            Wrong("the biases are forgotten", "20", "A neuron adds one more number to its sum. Who chooses that one?"),
            Wrong(
                "each layer has one bias for all of its neurons",
                "22",
                "Each zero line can be moved by itself. So how many biases are there in a layer of four?",
            ),
            Wrong(
                "the second layer is thought to see the three inputs",
                "24",
                "Layers stand in a chain. What comes out of the first layer, how many numbers?",
            ),
            Wrong(
                "the inputs are given biases, too", "29", "The inputs are numbers that come in; no neuron stands there."
            ),
            Wrong(
                "the weights between the two layers are forgotten",
                "18",
                "The neurons of the second layer have inputs, too. Which, and how many?",
            ),
            Wrong("only the first layer is counted", "16", "That is the hidden layer. Two more neurons read it."),
        ],
        hints=(
            "Each neuron has a weight for each of its inputs, and a bias. There are 4 + 2 neurons.",
            "A neuron of the first layer has 3 inputs; one of the second has as many inputs as the first has neurons.",
            "4 * (3 + 1), and 2 * (… + 1) for the second layer",
        ),
        why="The first layer has 4 * (3 + 1) = 16 parameters, the second 2 * (4 + 1) = 10.",
        truth=lambda: _parameters_of_the_library(),
    ),
    Exercise(
        id="and_neuron",
        lesson=7,
        minutes=5,
        kind="fill a blank",
        title="A neuron that does AND",
        task=(
            "Choose two weights and a bias, so that one ReLU neuron does AND: an answer above 0 if both inputs are 1, "
            "and 0 for the other three corners."
        ),
        code="and_neuron = ____, ____, ____  # w0, w1, b",
        right=("1", "1", "-1.5"),
        wrong=[
            Wrong(
                "the first input decides alone",
                ("1", "0", "-0.5"),
                "The other input should matter as much. Which number says how much it matters?",
            ),
            Wrong(
                "no corner is left on the positive side",
                ("1", "1", "-2.5"),
                "The bias has moved the line beyond (1, 1). What is w0 + w1 + b?",
            ),
            Wrong(
                "one input counts against the answer",
                ("1", "-1", "0"),
                "Both inputs should speak for it. Which weight makes an input speak against?",
            ),
            Wrong(
                "the zero line is that of OR",
                ("1", "1", "-0.5"),
                "One input alone is enough for it now. How far must the bias push the line, so that one is too little?",
            ),
            Wrong(
                "the bias lifts all four corners above 0",
                ("1", "1", "1.5"),
                "At (0, 0) only the bias is left. Which sign must it have, if the answer there is to be 0?",
            ),
            Wrong(
                "the two sides are exchanged",
                ("-1", "-1", "1.5"),
                "That answers to everything but (1, 1). Which signs turn the positive side round?",
            ),
        ],
        measure=_above_0,
        reveal=True,
        hints=(
            "Which zero line has (1, 1) alone on its positive side? The bias moves it.",
            "Give both inputs the same weight. The sums at the corners are then b, b + w, b + w and b + 2w.",
            "With w0 = w1 = 1: b + 1 must not be above 0, b + 2 must be. Choose a b between.",
        ),
        why="One of many. Its zero line is x0 + x1 = 1.5, and that cuts off the corner (1, 1).",
    ),
    Exercise(
        id="without_bends",
        lesson=7,
        minutes=4,
        kind="predict",
        title="What happens if the bends are taken out",
        task=(
            "A network made by hand has two hidden neurons, `h0 = relu(x0 + x1)` and `h1 = relu(x0 + x1 - 1)`, and its "
            "answer is `h0 - 2 * h1`. You take the bends out: `h0 = x0 + x1`, `h1 = x0 + x1 - 1`, and the answer is "
            "`h0 - 2 * h1` as before. What does it then answer to the inputs 0 and 0?"
        ),
        code="answer_without = ____",
        right="2",
        wrong=[
            Wrong("the bend is still there", "0", "Nothing makes a negative h1 into 0 any more. What is h1 here?"),
            Wrong("a minus is lost", "-2", "h1 is negative, and it is subtracted. What do two minus signs give?"),
            Wrong("h1 is subtracted only once", "1", "With which weight does the last neuron read h1?"),
            Wrong("the last neuron is left out", "-1", "That is h1. The last neuron still comes after it."),
        ],
        hints=(
            "h1 is now allowed to be negative. Work out h0 and h1 first.",
            "h0 is 0 + 0, and h1 is 0 + 0 - 1. Then the formula of the last neuron.",
            "0 - 2 * (…): put h1 in, with its sign",
        ),
        why="h0 = 0 and h1 = -1, so it answers 0 - 2 * (-1) = 2. With the ReLU, h1 was 0 and the answer right.",
        truth=lambda: _by_hand_without_bends(),
    ),
    Exercise(
        id="neuron_forward",
        lesson=7,
        minutes=5,
        kind="write a loop",
        title="A neuron in a loop",
        task=(
            "Compute what a ReLU neuron answers, with a loop: each input times its weight, all added up, plus the "
            "bias, and then the activation function."
        ),
        code='''
            def neuron(weights, bias, inputs):
                """relu(w0 * x0 + w1 * x1 + … + bias)"""
                total = ____
                for w, x in zip(weights, inputs):
                    ____
                return ____
        ''',
        right=("bias", "total += w * x", "max(0.0, total)"),
        wrong=[
            Wrong(
                "the bias is added once for each input",
                ("0.0", "total += w * x + bias", "max(0.0, total)"),
                "How often does the bias stand in the formula, and how often does the loop run?",
            ),
            Wrong(
                "the bias is forgotten",
                ("0.0", "total += w * x", "max(0.0, total)"),
                "Which of the three arguments have you not used yet?",
            ),
            Wrong(
                "the bias is subtracted",
                ("-bias", "total += w * x", "max(0.0, total)"),
                "The products are right. With which sign does the bias stand in the formula?",
            ),
            Wrong(
                "the activation function is forgotten",
                ("bias", "total += w * x", "total"),
                "The sum is right. What does ReLU do with a sum below 0?",
            ),
            Wrong(
                "each product overwrites the one before",
                ("bias", "total = w * x", "max(0.0, total)"),
                "Print the total in each round. What became of the first product?",
            ),
            Wrong(
                "each round begins with the bias again",
                ("bias", "total = bias + w * x", "max(0.0, total)"),
                "Print the total in each round. What became of the first product?",
            ),
            Wrong(
                "the return is inside of the loop",
                ("bias", "total += w * x\nreturn max(0.0, total)", "max(0.0, total)"),
                "How many inputs have been looked at when it returns?",
            ),
            Wrong(
                "weights and inputs are added",
                ("bias", "total += w + x", "max(0.0, total)"),
                "A weight says how much an input counts. Which operation lets 0 switch it off?",
            ),
            Wrong(
                "the activation function is applied to each product",
                ("bias", "total += max(0.0, w * x)", "max(0.0, total)"),
                "Negative products may pull the sum down. The bend comes once, at which place?",
            ),
        ],
        cases=[
            ([1.0, 2.0], -0.5, [2.0, 4.0]),
            ([-1.0, 1.0, 2.0], -0.5, [2.0, 1.0, 3.0]),
            ([2.0, -3.0], 0.5, [1.0, 4.0]),
        ],
        draw=_a_neuron,
        say="neuron(weights={}, bias={}, inputs={})",
        hints=(
            "Begin with the one number that is there without any input.",
            "In the loop, one product more each time. After the loop, everything below 0 becomes 0.",
            "total = (the number that belongs to no input); total += …; return max(0.0, …)",
        ),
        why="The bias is in the sum once, each input brings one product, and ReLU is applied to the whole sum.",
    ),
    Exercise(
        id="count_parameters",
        lesson=7,
        minutes=5,
        kind="write a loop",
        title="Count the parameters of any MLP",
        task=(
            "Count the parameters of an MLP from the sizes of its layers, the inputs first: `MLP(3, [4, 2])` is "
            "`[3, 4, 2]`. Each layer has `nout` neurons that see `nin` inputs."
        ),
        code='''
            def count_parameters(sizes):
                """The number of weights and biases; sizes is [inputs, neurons of layer 0, …]."""
                count = ____
                for nin, nout in zip(sizes, sizes[1:]):
                    ____
                return count
        ''',
        right=("0", "count += nout * (nin + 1)"),
        wrong=[
            Wrong(
                "the biases are forgotten",
                ("0", "count += nin * nout"),
                "Those are the weights. What else has a neuron of its own?",
            ),
            Wrong(
                "each layer has one bias for all of its neurons",
                ("0", "count += nin * nout + 1"),
                "Every neuron has its own bias. How many neurons are there in this layer?",
            ),
            Wrong(
                "the biases are counted at the inputs",
                ("0", "count += nin * (nout + 1)"),
                "A bias belongs to the neuron that adds it, not to the number that comes in.",
            ),
            Wrong(
                "the inputs are given biases, too",
                ("sizes[0]", "count += nout * (nin + 1)"),
                "The inputs are numbers that come in; no neuron stands there.",
            ),
            Wrong(
                "only the first layer is counted",
                ("0", "count += nout * (nin + 1)\nreturn count"),
                "How many rounds does the loop make, and after which one does it return?",
            ),
            Wrong(
                "only the last layer is kept",
                ("0", "count = nout * (nin + 1)"),
                "The formula is right. What becomes of the layers before?",
            ),
            Wrong(
                "the sizes are added where a product belongs",
                ("0", "count += nin + nout"),
                "Each of the nout neurons has nin weights. Draw the lines for 3 inputs and 4 neurons, and count.",
            ),
        ],
        cases=[([3, 4, 2],), ([2, 8, 8, 1],)],
        draw=lambda random: (random.sample([2, 3, 4, 5, 6, 7, 9, 10], random.choice([3, 4])),),
        drawn=1,
        say="count_parameters({})",
        hints=(
            "How many parameters has one neuron with nin inputs? And how many such neurons are there?",
            "The loop gives the pair (nin, nout) of each layer. Add up what each of them has.",
            "count += nout * (…), in the brackets what one neuron has",
        ),
        why="Each of the nout neurons has nin weights and one bias, and the layers add up.",
    ),
    Exercise(
        id="one_neuron",
        lesson=7,
        minutes=3,
        kind="predict",
        title="Two layers that are one",
        task=(
            "Without a bend between them, `h = 3 * x + 1` and then `y = 2 * h + 5` are one neuron. What are its weight "
            "and its bias?"
        ),
        code="weight_and_bias = ____, ____",
        right=("6", "7"),
        wrong=[
            Wrong(
                "the first bias is carried over without the second weight",
                ("6", "6"),
                "Put x = 0 in: what is h then, and what does the second neuron make of it?",
            ),
            Wrong(
                "the weights are added", ("5", "7"), "Let x grow by 1. By how much does h grow, and then by how much y?"
            ),
            Wrong("the first bias is lost", ("6", "5"), "For x = 0, h isn't 0. What arrives at the second neuron?"),
            Wrong(
                "the second weight multiplies both biases",
                ("6", "12"),
                "Which of the two biases is inside of the bracket in 2 * (3 * x + 1) + 5?",
            ),
        ],
        measure=lambda pair: list(pair) if isinstance(pair, tuple) else pair,
        hints=(
            "Put the first formula into the second, in place of h, and multiply out.",
            "The bias is what comes out at x = 0; the weight is by how much y grows when x grows by 1.",
            "y = 2 * (3 * x + 1) + 5. What stands in front of x, and what is left without x?",
        ),
        why="2 * (3 * x + 1) + 5 is 6 * x + 7. Layers without a bend always collapse like this.",
        truth=lambda: _weight_and_bias(),
    ),
    Exercise(
        id="layers_in_a_chain",
        lesson=7,
        minutes=4,
        kind="find the bug",
        title="A network that forgets its hidden layers",
        task=(
            "However good the hidden layers are, this network answers as if they weren't there. Find the bug. (A layer "
            "is a list of neurons; a neuron is called with the list of its inputs.)"
        ),
        code='''
            def forward(layers, inputs):
                """The answers of the last layer."""
                x = inputs
                for layer in layers:
                    ____
                return x
        ''',
        bug="x = [neuron(inputs) for neuron in layer]",
        right="x = [neuron(x) for neuron in layer]",
        wrong=[
            Wrong(
                "each neuron overwrites the answers of the others",
                "for neuron in layer:\n    x = [neuron(x)]",
                "All neurons of a layer see the same inputs. What does the second neuron see here?",
            ),
            Wrong(
                "the return is inside of the loop",
                "x = [neuron(x) for neuron in layer]\nreturn x",
                "These are the answers of the first layer. Who comes after it?",
            ),
            Wrong(
                "the answers are put behind the inputs",
                "x = x + [neuron(x) for neuron in layer]",
                "Print x after the first layer. How many numbers should the next layer see?",
            ),
            Wrong(
                "every layer begins with the answers of the first neuron",
                "x = [neuron(x[:1]) for neuron in layer]",
                "A neuron reads all answers of the layer before it. Here one of them comes through.",
            ),
        ],
        cases=[(3.0, 2.0, 4.0)],
        draw=lambda random: tuple(random.sample([-4.0, -3.0, -2.0, 2.0, 3.0, 4.0, 5.0], 3)),
        measure=_through_two_layers,
        say="forward, two neurons and then one, with weights {}, {}, {} among others",
        hints=(
            "Print x after each layer. What does the second layer work with?",
            "The answers of one layer are the inputs of the next. Which variable holds them?",
            "Only the name in neuron(…) is wrong.",
        ),
        why="Each layer must see the answers of the one before, and those are in x.",
    ),
]


def _parameters_of_the_library() -> int:
    from ...nn import MLP

    return len(MLP(3, [4, 2], seed=0).parameters())


def _by_hand_without_bends() -> float:
    from ...nn import MLP

    model = MLP(2, [2, 1], activation="linear", seed=0)
    for p, number in zip(model.parameters(), [1, 1, 0, 1, 1, -1, 1, -2, 0], strict=True):
        p.data = float(number)
    answer: float = model([0.0, 0.0]).data
    return answer


def _weight_and_bias() -> list[float]:
    from ...nn import MLP

    model = MLP(1, [1, 1], activation="linear", seed=0)
    for p, number in zip(model.parameters(), [3, 1, 2, 5], strict=True):
        p.data = float(number)
    bias = model([0.0]).data
    return [model([1.0]).data - bias, bias]
