"""Exercises of lesson 20: reading digits."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong

Table = list[list[float]]


def _parameters_of_a_layer() -> int:
    """How many numbers the layer of the exercise has."""
    from ...nn import Conv2d

    return sum(p.size for p in Conv2d(16, 32, 3).parameters())


# -- convolve --------------------------------------------------------------------------------------------------


def _of_arrays(rule: Callable[..., Any], image: Table, kernel: Table) -> Any:
    """What a rule gives for these tables, as arrays."""
    import numpy as np

    return rule(np.array(image), np.array(kernel))


def _table(random: Random, rows: int, columns: int) -> Table:
    """Whole numbers, none of them 0, 1 or -1."""
    return [[float(random.choice([-5, -4, -3, -2, 2, 3, 4, 5, 6, 7])) for _ in range(columns)] for _ in range(rows)]


def _image_and_kernel(random: Random) -> tuple[Table, Table]:
    return _table(random, 5, 4), _table(random, 2, 3)


_PATCH = "image[i : i + kernel.shape[0], j : j + kernel.shape[1]]"


# -- shuffled pixels -------------------------------------------------------------------------------------------


def _who_reads_worse() -> str:
    """Both networks, trained on 300 pictures in place and on the same ones shuffled; twice each, for the luck in it."""
    import random

    import numpy as np

    from ...capstones.digits import mlp, share_right, small_cnn
    from ...data import load_digits
    from ...optim import Adam
    from ...training import fit

    images, labels = load_digits(flat=True)
    state, worse = random.getstate(), []
    for name, network, epochs in (("MLP", mlp, 60), ("CNN", small_cnn, 20)):
        shares = []
        for pixels in (np.arange(64), np.random.default_rng(0).permutation(64)):
            X = images[:, pixels].reshape(-1, 1, 8, 8)
            for seed in (0, 1):
                random.seed(seed)
                rows, model = np.random.default_rng(seed).permutation(len(X)), network()
                some, others = rows[:300], rows[300:]
                optimizer = Adam(model.parameters(), lr=3e-3)
                fit(model, (X[some], labels[some]), "cross_entropy", optimizer, epochs, progress=False)
                shares.append(share_right(model, X[others], labels[others]))
        if sum(shares[2:]) < sum(shares[:2]) - 0.01:
            worse.append(name)
    random.setstate(state)
    return {0: "neither", 2: "both"}.get(len(worse)) or worse[0]


# -- the size of a map -----------------------------------------------------------------------------------------


def _sizes(random: Random) -> tuple[int, int, int, int]:
    """A picture's width, the filter's, padding and stride; not every such pair divides evenly."""
    return random.randint(12, 40), random.choice([3, 5, 7]), random.choice([1, 2]), random.choice([2, 3])


EXERCISES = [
    Exercise(
        id="conv_parameters",
        lesson=20,
        minutes=3,
        kind="predict",
        title="How many parameters?",
        task=(
            "A layer `nn.Conv2d(16, 32, 3)` has 16 channels coming in and 32 filters of 3 by 3. Each filter has a "
            "bias. How many parameters does it have?"
        ),
        code="parameters = ____",
        right="4640",
        wrong=[
            Wrong(
                "a filter is taken to see one channel only",
                "320",
                "16 maps come in, and each filter sees all of them. How many weights does one filter have, then?",
            ),
            Wrong("the biases are forgotten", "4608", "Those are the weights. What else does each filter have?"),
            Wrong(
                "there is a bias for each channel that comes in",
                "4624",
                "Each filter adds one number to its answers. How many filters are there?",
            ),
            Wrong(
                "each pair of channel and filter has a bias of its own",
                "5120",
                "A filter adds up what all its channels give, and then adds its bias: how often?",
            ),
            Wrong(
                "a filter is taken to see one channel only, and the biases are forgotten",
                "288",
                "16 maps come in, and each filter sees all of them. What else does each filter have?",
            ),
            Wrong(
                "one filter is counted",
                "145",
                "So many numbers has one filter. How many of them are there?",
            ),
            Wrong(
                "a filter is taken to have 3 weights",
                "1568",
                "A filter is a square. How many places are there in it?",
            ),
        ],
        hints=(
            "Begin with one filter: how many numbers does it lay on the 16 maps?",
            "A filter has 3 times 3 weights for each channel, and one bias. There are 32 filters.",
            "32 times (16 times 9, and 1 more)",
        ),
        why="A filter has 16 · 3 · 3 = 144 weights and a bias, and there are 32 filters: 32 · 145 = 4,640.",
        truth=_parameters_of_a_layer,
    ),
    Exercise(
        id="convolve",
        lesson=20,
        minutes=6,
        kind="write a loop",
        title="A convolution by hand",
        task=(
            "Write a convolution yourself, in NumPy: one picture, one filter, no padding. Each answer is the sum of a "
            "patch times the filter."
        ),
        code='''
            def convolve(image, kernel):
                """The filter's answer at every place where it fits into the image."""
                rows = image.shape[0] - kernel.shape[0] + 1
                columns = image.shape[1] - kernel.shape[1] + 1
                answers = np.zeros((rows, columns))
                for i in range(rows):
                    for j in range(columns):
                        answers[i, j] = ____
                return answers
        ''',
        right=f"({_PATCH} * kernel).sum()",
        wrong=[
            Wrong(
                "only the pixel in the corner of the patch is used",
                "(image[i, j] * kernel).sum()",
                "The filter lies on a whole patch. Which rows and columns of the image are below it?",
            ),
            Wrong(
                "the filter never moves",
                "(image[: kernel.shape[0], : kernel.shape[1]] * kernel).sum()",
                "All answers are the same. Where does the patch begin for this i and j?",
            ),
            Wrong(
                "the filter is turned round",
                f"({_PATCH} * kernel[::-1, ::-1]).sum()",
                "That is a convolution as mathematicians define it. Networks lay the filter on as it is.",
            ),
            Wrong(
                "the mean is taken, not the sum",
                f"({_PATCH} * kernel).mean()",
                "Your answers are too small, all by the same factor. What is done with the products?",
            ),
            Wrong(
                "the largest product is taken, not the sum",
                f"({_PATCH} * kernel).max()",
                "Taking the largest is what pooling does. What does a filter do with its products?",
            ),
            Wrong(
                "the pixels are added up without weights",
                f"{_PATCH}.sum()",
                "The patch is the right one. Where does the filter come in?",
            ),
            Wrong(
                "the patch and the filter are each added up before they are multiplied",
                f"{_PATCH}.sum() * kernel.sum()",
                "Each pixel has its own weight: which comes first, multiplying or adding up?",
            ),
        ],
        cases=[
            (
                [[2.0, 5.0, 3.0, 4.0], [7.0, -3.0, 6.0, -2.0], [4.0, 3.0, -5.0, 2.0], [6.0, 2.0, 3.0, -4.0]],
                [[2.0, -3.0, 4.0], [5.0, 3.0, -2.0]],
            )
        ],
        draw=_image_and_kernel,
        drawn=1,
        measure=_of_arrays,
        say="convolve({}, {})",
        hints=(
            "Cut the patch out of the image first: it has the filter's shape. Multiply and add up then.",
            "Rows i up to i + the filter's height, columns j up to j + its width: image[… : …, … : …].",
            "(the patch * kernel).sum()",
        ),
        why="The patch at (i, j) has the size of the filter; the answer is the sum of the products, number by number.",
        numpy=True,
    ),
    Exercise(
        id="shuffled_pixels",
        lesson=20,
        minutes=4,
        kind="predict",
        title="Shuffled pixels",
        task=(
            "You train both networks on 300 of the pictures, once as they are, once with their 64 pixels shuffled, in "
            "the same way in all of them. No information is lost, but neighbours are no neighbours any more. Which "
            'network reads clearly worse then: the `"MLP"`, the `"CNN"`, `"both"` or `"neither"`?'
        ),
        code="reads_worse = ____",
        right='"CNN"',
        wrong=[
            Wrong(
                "the MLP is thought to need the order of its inputs",
                '"MLP"',
                "Give each weight of the MLP's first layer to the pixel that has moved. Would its answers change?",
            ),
            Wrong(
                "a picture that people can't read is thought to be lost for every network",
                '"both"',
                "One of the two networks has never known which pixels are neighbours. Can it miss them?",
            ),
            Wrong(
                "information alone is thought to count",
                '"neither"',
                "Nothing is lost, that is true. But what does a filter assume about the nine pixels below it?",
            ),
        ],
        hints=(
            "Ask of each network: does its formula depend on which pixels lie side by side?",
            "To an MLP the inputs are a list, and each has its own weights. What is a patch to a filter?",
            "One of the two shares its weights among patches, and a patch means nothing after shuffling.",
        ),
        why=(
            "An MLP treats its inputs as a list: with its weights in another order it gives the same answers. A filter "
            "assumes that what lies side by side belongs together, and that the same pattern means the same "
            "everywhere. Such an assumption is worth most where pictures are few: with all 1,437 of them, the "
            "difference is as small as luck."
        ),
        truth=_who_reads_worse,
    ),
    Exercise(
        id="size_of_a_map",
        lesson=20,
        minutes=4,
        kind="fill a blank",
        title="How large is the map?",
        task=(
            "A filter of width `kernel` slides over a picture of width `size`, with `padding` zeros on *both* sides, "
            "and moves by `stride` pixels each time. How many places are there where it fits?"
        ),
        code='''
            def width_of_map(size, kernel, padding, stride):
                """How many places the filter has along one axis."""
                return ____
        ''',
        right="(size + 2 * padding - kernel) // stride + 1",
        wrong=[
            Wrong(
                "the padding is counted on one side only",
                "(size + padding - kernel) // stride + 1",
                "Zeros come in on the left and on the right.",
            ),
            Wrong(
                "the first place isn't counted",
                "(size + 2 * padding - kernel) // stride",
                "How many places has a filter that is as wide as the picture?",
            ),
            Wrong(
                "the filter is allowed to hang over the edge",
                "(size + 2 * padding) // stride",
                "At its last place, the filter's right end must still be inside. How far can its left end go?",
            ),
            Wrong(
                "what is left over is counted as a place",
                "-((size + 2 * padding - kernel) // -stride) + 1",
                "If the last jump would go beyond the edge, it isn't made: round down.",
            ),
            Wrong(
                "the padding is forgotten",
                "(size - kernel) // stride + 1",
                "The zeros at both ends make room for the filter, too.",
            ),
            Wrong(
                "a share of a place is counted",
                "(size + 2 * padding - kernel) / stride + 1",
                "There are only whole places. What happens to a last jump that would go beyond the edge?",
            ),
            Wrong(
                "the stride is forgotten",
                "size + 2 * padding - kernel + 1",
                "That holds if it moves by one pixel. Here it jumps.",
            ),
        ],
        cases=[(28, 3, 1, 2), (23, 5, 2, 3), (13, 3, 1, 3)],
        draw=_sizes,
        say="width_of_map(size={}, kernel={}, padding={}, stride={})",
        hints=(
            "Draw it: a picture of 5, a filter of 3, no padding, a stride of 1. How often does it fit?",
            "How far can the filter's left end move at most? Then: how many jumps fit into that?",
            "(the padded width - the filter) // the stride, and the place where it starts",
        ),
        why="The left end can move by size + 2 · padding - kernel; so many whole jumps, and the first place.",
    ),
]
