"""Exercises of lesson 21: recognising faces."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong

# -- false alarms ----------------------------------------------------------------------------------------------


def _crowd(random: Random) -> tuple[int, int, float, float]:
    """Passers-by, how many of them are wanted, the share of those that is found, the share of false alarms."""
    return random.choice([20_000, 50_000, 80_000]), random.choice([4, 5, 8]), 0.9, random.choice([0.002, 0.004])


# -- mirrored --------------------------------------------------------------------------------------------------


def _of_pictures(mirrored: Callable[..., Any], X: Any) -> Any:
    """What it gives for a batch of pictures, (N, channels, rows, columns)."""
    import numpy as np

    return mirrored(np.array(X))


def _pictures(random: Random) -> tuple[Any]:
    numbers = [float(n) for n in random.sample(range(2, 30), 12)]
    return ([[[numbers[0:3], numbers[3:6]]], [[numbers[6:9], numbers[9:12]]]],)


# -- names at random -------------------------------------------------------------------------------------------


def _learned_by_heart() -> str:
    """What becomes of 40 pictures with wrong names, and of others."""
    import random

    import numpy as np

    from ...capstones.digits import share_right
    from ...capstones.faces import face_cnn, split_faces
    from ...optim import AdamW
    from ...training import fit

    X, _, y, _ = split_faces()
    rows = y < 20  # half of the people, for the time it takes
    X, names = X[rows], np.random.default_rng(0).permutation(y[rows])
    state = random.getstate()
    random.seed(0)
    model = face_cnn(20, dropout=0.0)
    fit(model, (X, names), "cross_entropy", AdamW(model.parameters(), lr=2e-3), 60, 20, progress=False)
    random.setstate(state)
    share = share_right(model, X, names)
    return "nearly all" if share > 0.9 else "about half" if share > 0.3 else "next to none"


# -- the area under the curve ----------------------------------------------------------------------------------


def _closeness(random: Random) -> tuple[list[float], list[float]]:
    """Of three pairs of the same person, and of four pairs of two people; some of these are closer."""
    numbers = [round(0.05 * n, 2) for n in random.sample(range(4, 19), 7)]
    return numbers[:3], numbers[3:]


EXERCISES = [
    Exercise(
        id="right_alarms",
        lesson=21,
        minutes=6,
        kind="write a rule",
        title="How many alarms are right?",
        task=(
            "A camera looks for `wanted` people among `people` passers-by (the wanted ones are among them). It "
            "recognises the share `found` of those who are wanted, and takes the share `false_alarms` of all *others* "
            "for one of them. What share of its alarms is right?"
        ),
        code='''
            def share_of_right_alarms(people, wanted, found, false_alarms):
                """The right alarms, divided by all alarms."""
                right = ____
                wrong = ____
                return right / (right + wrong)
        ''',
        right=("wanted * found", "(people - wanted) * false_alarms"),
        wrong=[
            Wrong(
                "shares are compared, and not numbers of people",
                ("found", "false_alarms"),
                "How many people are wanted, and how many aren't? A small share of very many may be a large number.",
            ),
            Wrong(
                "the wrong alarms are taken to be those who were missed",
                ("wanted * found", "wanted * (1 - found)"),
                "Those who were missed give no alarm. Who gives an alarm, though nobody is looking for them?",
            ),
            Wrong(
                "the share that is found is taken of all passers-by",
                ("people * found", "(people - wanted) * false_alarms"),
                "A right alarm is given by somebody who is wanted. How many such people pass?",
            ),
            Wrong(
                "the wanted people are counted among those who can give a wrong alarm",
                ("wanted * found", "people * false_alarms"),
                "That is nearly right. False alarms are a share of all *others*. How many others are there?",
            ),
            Wrong(
                "all who rightly give no alarm are counted as wrong alarms",
                ("wanted * found", "(people - wanted) * (1 - false_alarms)"),
                "Most of the others pass without an alarm. What share of them gives one?",
            ),
            Wrong(
                "a number of people is set beside a share",
                ("wanted * found", "false_alarms"),
                "The one is a number of people, the other a share. A share of how many people?",
            ),
            Wrong(
                "the camera is taken to find everybody who is wanted",
                ("wanted", "(people - wanted) * false_alarms"),
                "It recognises a share of the wanted people. How many of them give an alarm?",
            ),
        ],
        cases=[(100_000, 10, 0.99, 0.001)],
        draw=_crowd,
        say="share_of_right_alarms(people={}, wanted={}, found={}, false_alarms={})",
        hints=(
            "Count people: how many of the wanted give an alarm, how many of the others?",
            "Each of the two numbers is a number of people times a share.",
            "right: the wanted times `found`; wrong: all the others times `false_alarms`",
        ),
        why=(
            "Of 100,000 people, 10 of them wanted, 9.9 give a right alarm and 100 a wrong one: of eleven alarms, ten "
            "hit an innocent person. The rarer what one looks for, the more of the alarms are wrong."
        ),
    ),
    Exercise(
        id="mirrored_faces",
        lesson=21,
        minutes=3,
        kind="fill a blank",
        title="In the mirror",
        task=(
            "`X` is a batch of pictures, of shape (pictures, channels, rows, columns). Mirror each of them: left and "
            "right change places."
        ),
        code='''
            def mirrored(X):
                """Each picture as it looks in a mirror."""
                return X[____]
        ''',
        right="..., ::-1",
        wrong=[
            Wrong(
                "the pictures are put upside down",
                ":, :, ::-1",
                "You turned the rows round: the chin is above now. Which axis goes from left to right?",
            ),
            Wrong(
                "the pictures are put into another order",
                "::-1",
                "Each picture looks as before, but the last one comes first. Which axis are the columns?",
            ),
            Wrong(
                "the pictures are turned by half a turn",
                "..., ::-1, ::-1",
                "Left and right have changed places, and so have above and below. Only one of these was asked for.",
            ),
            Wrong(
                "only the right column is kept",
                "..., -1",
                "-1 alone is one column, the last. All of them should still be there. Which slice goes backwards?",
            ),
            Wrong(
                "only the left column is kept",
                "..., :1",
                "All columns should still be there, in another order. Which step does a slice take to go backwards?",
            ),
        ],
        cases=[([[[[2.0, 5.0, 3.0], [7.0, 4.0, 6.0]]], [[[9.0, 8.0, 11.0], [10.0, 12.0, 13.0]]]],)],
        draw=_pictures,
        drawn=1,
        measure=_of_pictures,
        say="mirrored({})",
        hints=(
            "Which of the four axes goes from left to right?",
            "A slice with a step of -1 goes backwards. All other axes stay as they are.",
            "`...` stands for all the axes before the last one; then comes the slice that goes backwards.",
        ),
        why="The columns are the last axis, and `::-1` goes through them backwards; `...` leaves the other axes alone.",
        numpy=True,
    ),
    Exercise(
        id="random_names",
        lesson=21,
        minutes=3,
        kind="predict",
        title="Names at random",
        task=(
            "You shuffle the names of the training pictures at random, so that there is nothing to be learned from the "
            "faces. Then you train the network without dropout and without augmentation. How many of the training "
            'pictures will get their (senseless) name: `"next to none"`, `"about half"` or `"nearly all"`?'
        ),
        code="named = ____",
        right='"nearly all"',
        wrong=[
            Wrong(
                "a network is thought to learn only what makes sense",
                '"next to none"',
                "Compare the number of pictures with the number of weights. Does the loss ask for sense?",
            ),
            Wrong(
                "some of the pictures are thought to be too many to be learned by heart",
                '"about half"',
                "How many weights are there for each picture? What would stop training halfway?",
            ),
        ],
        hints=(
            "Is there anything in the loss that knows which names are true?",
            "There are 200 pictures, and 40,000 weights. What could the network do without understanding anything?",
            "It can learn them by heart: then how many of the training pictures get the name they were given?",
        ),
        why=(
            "The network has room enough to learn 200 pictures by heart, names and all. So a high share on the "
            "training pictures says nothing about having learned anything (C. Zhang and others, 2017)."
        ),
        truth=_learned_by_heart,
    ),
    Exercise(
        id="auc_of_pairs",
        lesson=21,
        minutes=5,
        kind="write a loop",
        title="The area under the curve",
        task=(
            "`same` has the closeness of pairs of pictures of one person, `different` that of pairs of two people. "
            "Compare each number of `same` with each of `different`: in what share of the comparisons is the `same` "
            "pair the closer one? (This share is the AUC.)"
        ),
        code='''
            def auc(same, different):
                """The share of comparisons in which the pair of the same person is closer."""
                closer = 0
                for s in same:
                    for d in different:
                        ____
                return closer / ____
        ''',
        right=("closer += s > d", "(len(same) * len(different))"),
        wrong=[
            Wrong(
                "those comparisons are counted in which the others are closer",
                ("closer += s < d", "(len(same) * len(different))"),
                "A good network gives 1, not 0. Which of the two should be larger, then?",
            ),
            Wrong(
                "it is divided by the number of pairs, not of comparisons",
                ("closer += s > d", "(len(same) + len(different))"),
                "How often does the inner line run?",
            ),
            Wrong(
                "it is divided by the number of pairs of one person alone",
                ("closer += s > d", "len(same)"),
                "Each of these pairs is compared several times. A share is at most 1: is yours?",
            ),
            Wrong(
                "every comparison is counted, whichever way it comes out",
                ("closer += 1", "(len(same) * len(different))"),
                "That gives 1 always. In which case does a comparison come out well?",
            ),
            Wrong(
                "only the last comparison counts",
                ("closer = int(s > d)", "(len(same) * len(different))"),
                "Your count starts afresh in each round. What should happen to what was counted before?",
            ),
            Wrong(
                "closeness is added up, not counted",
                ("closer += s - d", "(len(same) * len(different))"),
                "By how much it is closer, nobody asks. Each comparison counts 1 or 0.",
            ),
        ],
        cases=[([0.9, 0.75, 0.4], [0.5, 0.3, 0.2, 0.8])],
        draw=_closeness,
        say="auc(same={}, different={})",
        hints=(
            "What should be counted: in which case does a comparison come out well?",
            "Count 1 where s is larger than d. Then divide by how many comparisons there were.",
            "closer += (is s larger?), and divide by one length times the other",
        ),
        why="Each pair of one list meets each of the other; the AUC is the share of meetings that come out well.",
    ),
]
