"""Exercises of lesson 25: inventing names."""

from __future__ import annotations

from random import Random
from typing import Any

from ..exercise import Exercise, Wrong


def _as_unsure_as() -> float:
    """Among how many equally likely classes a choice costs 2 nats: found by trying, for the loss itself."""
    from math import log

    low, high = 1.0, 100.0
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if -log(1 / middle) < 2 else (low, middle)
    return low


def _scores(random: Random) -> tuple[list[float], float]:
    """Four scores, no two alike, and a temperature other than 1."""
    return [float(score) for score in random.sample(range(-3, 5), 4)], random.choice([0.5, 0.8, 1.5, 2.0])


def _same_as_mar() -> str:
    """A GPT without positions, asked what comes after the three orders of the same letters."""
    import numpy as np

    from ...capstones.names import GPT, LETTERS
    from ...nn import Sequential

    model: Any = GPT(len(LETTERS), dtype=np.float64)
    model.positions = Sequential()
    after = {text: model(np.array(LETTERS.encode(text, start=True))).numpy()[-1] for text in ("mar", "amr", "arm")}
    same = [text for text in ("amr", "arm") if np.allclose(after[text], after["mar"])]
    return {0: "neither", 2: "both"}.get(len(same)) or same[0]


_WEIGHT, _TOTAL = "math.exp(s / temperature)", "sum(weights)"

EXERCISES = [
    Exercise(
        id="perplexity",
        lesson=25,
        minutes=3,
        kind="predict",
        title="As unsure as between how many?",
        task=(
            "A model has a loss of 2 nats a character. It is as unsure as if it had to choose between how many equally "
            "likely letters? (A formula is welcome, such as `math.sqrt(2)`.)"
        ),
        code="choices = ____",
        right="math.exp(2)",
        wrong=[
            Wrong(
                "the logarithm is taken to the base 2",
                "2**2",
                "That would be so with bits. Which logarithm does the loss take?",
            ),
            Wrong(
                "the logarithm is taken to the base 10",
                "10**2",
                "More than there are letters: that would be worse than no idea at all. Which logarithm is it?",
            ),
            Wrong(
                "the logarithm is applied, not undone",
                "math.log(2)",
                "Less than one letter to choose from? With 27 letters the loss is log(27). Now go the other way.",
            ),
            Wrong(
                "the loss is taken for the answer", "2", "With 2 equally likely letters the loss is log(2), or 0.69."
            ),
            Wrong(
                "the letters are divided by the loss",
                "27 / 2",
                "Try it with the loss of no idea at all, log(27): should 27 divided by that be left? Or 27?",
            ),
            Wrong(
                "the probability is given, not the number of letters",
                "math.exp(-2)",
                "That is the probability that the model gives to the right letter. One letter of how many is that?",
            ),
        ],
        hints=(
            "With n equally likely letters each has the probability 1/n. What is the loss then?",
            "-log(1/n) is log(n). This should be 2; solve for n.",
            "Which function undoes math.log?",
        ),
        why="With n equally likely letters the loss is log(n), so n is exp(loss): exp(2), or about 7.4.",
        tolerance=0.005,  # 7.4 is right, too
        truth=_as_unsure_as,
    ),
    Exercise(
        id="with_temperature",
        lesson=25,
        minutes=5,
        kind="fill a blank",
        title="Cold and hot",
        task="Turn scores into probabilities, with a temperature: below 1 the likely ones become likelier.",
        code='''
            def with_temperature(scores, temperature):
                """The probability of each symbol, given its score."""
                weights = [____ for s in scores]
                return [w / ____ for w in weights]
        ''',
        right=(_WEIGHT, _TOTAL),
        wrong=[
            Wrong(
                "the scores are multiplied by the temperature",
                ("math.exp(s * temperature)", _TOTAL),
                "Try 0.5: do the differences between the scores grow or shrink? They should grow.",
            ),
            Wrong(
                "the temperature cancels",
                ("math.exp(s) / temperature", _TOTAL),
                "All weights are divided by the same number, and then by their sum. What changes, then?",
            ),
            Wrong(
                "exp is left out",
                ("s / temperature", _TOTAL),
                "A score may be below 0, a probability may not. What makes every number positive?",
            ),
            Wrong(
                "the sign is turned around",
                ("math.exp(-s / temperature)", _TOTAL),
                "Which symbol has the highest probability now? It should be the one with the highest score.",
            ),
            Wrong(
                "the weights are divided by the largest",
                (_WEIGHT, "max(weights)"),
                "Add your probabilities up. What should come out?",
            ),
            Wrong(
                "the mean is taken in place of the sum",
                (_WEIGHT, "len(weights)"),
                "Add your probabilities up. What should come out?",
            ),
        ],
        cases=[([2.0, 1.0, 0.0], 1.0), ([2.0, 1.0, 0.0], 0.5), ([2.0, -1.0, 0.0], 2.0)],
        draw=_scores,
        drawn=1,
        hints=(
            "At temperature 1 it is the softmax of lesson 08. Begin with that.",
            "Each score is divided by the temperature before exp; and the results should add up to 1.",
            "math.exp(… / …), and each weight divided by the sum of all",
        ),
        why=(
            "A small temperature makes the differences between scores larger, and exp turns differences of scores into "
            "ratios of probabilities. Dividing by the sum makes them add up to 1."
        ),
    ),
    Exercise(
        id="same_letters",
        lesson=25,
        minutes=4,
        kind="predict",
        title="Letters without places",
        task=(
            "A GPT of one layer has no positions. You give it `mar`, or the same letters in another order: `amr`, or "
            "`arm`. Look at its scores for the *next* letter. For which of the two are they the same as after `mar`: "
            '`"amr"`, `"arm"`, `"both"` or `"neither"`?'
        ),
        code="same_as_mar = ____",
        right='"amr"',
        wrong=[
            Wrong(
                "the order is held to play no part at all",
                '"both"',
                "It is the last letter that asks, and its own row goes on to the score. Is it the same in both?",
            ),
            Wrong(
                "the order is held to be known all the same",
                '"neither"',
                "The last letter takes a weighted mean of what it looks at. Does a mean know the order of its parts?",
            ),
            Wrong(
                "the last letter is held to matter least",
                '"arm"',
                "The last letter asks, and its own row goes on to the score. Which letter is last?",
            ),
        ],
        hints=(
            "Which letter asks what comes next? And at which letters may it look?",
            "A weighted mean of the same rows, with the same weights, is the same in any order.",
            "After mar the r asks, and looks at the start, m, a and r. In which of the two is it the same?",
        ),
        why=(
            "In mar and amr it is the r that asks, and it looks at the same letters. Without positions nothing says in "
            "which order they came. In arm the m asks."
        ),
        truth=_same_as_mar,
        numpy=True,
    ),
]
