"""Exercises of lesson 13: overfitting."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong

Pairs = list[tuple[float, float]]
Data = tuple[list[float], list[float]]


# -- gap: a curve, the points that it learned from, and others -------------------------------------------------


def _points(random: Random) -> tuple[float, Pairs, Pairs]:
    """The slope of a line, points near it, and points that are further away from it."""
    slope = float(random.choice([-3, -2, 2, 3]))
    near = [(float(x), slope * x + random.choice([-0.5, 0.5, 1.0])) for x in random.sample(range(1, 9), 3)]
    far = [(float(x), slope * x + random.choice([-2.0, 1.5, 2.5, 3.0])) for x in random.sample(range(1, 9), 3)]
    return slope, near, far


def error(curve: Callable[[float], float], X: list[float], y: list[float]) -> float:
    """The mean squared error, under the name that the learner knows: it stands in error messages."""
    return sum((curve(x) - target) ** 2 for x, target in zip(X, y, strict=True)) / len(X)


def _gap_of_line(gap: Callable[..., Any], slope: float, own: Pairs, held: Pairs) -> Any:
    as_data: list[Data] = [([x for x, _ in pairs], [y for _, y in pairs]) for pairs in (own, held)]
    return gap(error, lambda x: slope * x, *as_data)


# -- the twelve pairs: which is which is dealt as in the lesson ------------------------------------------------

TWELVE = {
    "A": "fits",
    "B": "suspect",
    "C": "overfits",
    "D": "fits",
    "E": "underfits",
    "F": "underfits",
    "G": "fits",
    "H": "suspect",
    "I": "underfits",
    "J": "suspect",
    "K": "overfits",
    "L": "suspect",
}


def _as_dealt() -> dict[str, str]:
    """What the twelve recipes of the lesson were made to show, in the order in which it deals them."""
    import numpy as np

    made = ["fits", "underfits", "underfits", "underfits", "fits", "suspect"]
    made += ["suspect", "suspect", "fits", "overfits", "overfits", "suspect"]
    deal = np.random.default_rng(7).permutation(12)
    return dict(zip("ABCDEFGHIJKL", (made[i] for i in deal), strict=True))


def _judged(**other: str) -> tuple[str, ...]:
    """The twelve verdicts, some of them other than they should be."""
    return tuple(repr(verdict) for verdict in (TWELVE | other).values())


def _first_word(answer: Any) -> Any:
    """The first word of the answer: "below 0.001" is meant as "below"."""
    return answer.split()[0].strip(",.") if isinstance(answer, str) and answer.strip() else answer


def _without_noise() -> str:
    """Fits degree 14 to points without noise, as the lesson does."""
    import numpy as np
    from numpy.polynomial import legendre

    from ...data import polynomial

    (X, y), (X_new, y_new) = polynomial(15, noise=0, seed=2), polynomial(200, noise=0, seed=100)
    last = np.linalg.lstsq(legendre.legvander(X[:, 0], 14), y[:, 0], rcond=None)[0]
    error = float(np.mean((legendre.legvander(X_new[:, 0], 14) @ last - y_new[:, 0]) ** 2))
    return "above" if error > 1 else "below" if error < 0.001 else "near"


# -- a model that notes in which mode it is used ---------------------------------------------------------------


class _Model:
    """As much of a model as this exercise needs: it can be switched."""

    def __init__(self) -> None:
        self.training = True

    def train(self, mode: bool = True) -> _Model:
        self.training = mode
        return self

    def eval(self) -> _Model:
        return self.train(False)

    def dropout(self) -> str:
        return "on" if self.training else "off"


def _modes(train_and_validate: Callable[..., Any]) -> dict[str, Any]:
    model, in_training, in_validation = _Model(), [], []

    def train_one_epoch(model: _Model) -> None:
        in_training.append(model.dropout())

    def loss(model: _Model) -> float:
        in_validation.append(model.dropout())
        return 0.9 if model.training else 0.4

    losses = train_and_validate(model, train_one_epoch, loss, 3)
    return {
        "dropout in training": in_training,
        "dropout in validation": in_validation,
        "validation losses returned": len(losses) if isinstance(losses, list) else losses,
    }


def _epoch(*lines: str) -> str:
    """One epoch: these lines, and then the validation."""
    return "\n".join([*lines, "with mg.no_grad():", "    losses.append(loss(model))"])


# -- twelve images, and who has seen which ---------------------------------------------------------------------


def _who_has_seen_what(prepare: Callable[..., Any]) -> dict[str, Any]:
    random = Random(3)

    def split(samples: list[str]) -> tuple[list[str], list[str]]:
        shuffled = random.sample(samples, len(samples))
        quarter = len(samples) // 4
        return shuffled[quarter:], shuffled[:quarter]

    images = [f"image {n}" for n in range(12)]
    training, validation = prepare(list(images), split, lambda image: f"{image}, noisy")
    seen, held_out = ({image.removesuffix(", noisy") for image in side} for side in (training, validation))
    in_a_row = held_out in (set(images[: len(held_out)]), set(images[-len(held_out) :]))
    return {
        "images on both sides": len(held_out & seen),
        "the held-out images are": "neighbours" if in_a_row else "from all over the list",
        "noisy images in validation": sum(image.endswith("noisy") for image in validation),
        "samples for training": len(training),
        "samples for validation": len(validation),
    }


# -- early stopping --------------------------------------------------------------------------------------------


def _losses(random: Random) -> tuple[list[float], int]:
    """The validation losses of a training that first gets better, then worse, with ups and downs."""
    losses = [round(abs(epoch - 5) / 10 + 0.3 + random.choice([0.0, 0.05, 0.1, 0.15]), 2) for epoch in range(12)]
    return losses, random.choice([2, 3])


def _loop(
    stop: str = "waited == patience",
    better: str = "best, best_epoch, waited = loss, epoch, 0",
    worse: str = "waited += 1",
    new_best: str = "loss < best",
    returned: str = "epoch + 1, best_epoch",
) -> tuple[str, str]:
    """The body of the loop (when it stops, what a new best does, and what another loss does), and what is returned."""
    body = f"if {new_best}:\n    {better}\nelse:\n    {worse}\n    if {stop}:\n        break"
    return body, returned


EXERCISES = [
    Exercise(
        id="gap",
        lesson=13,
        minutes=3,
        kind="fill a blank",
        title="The gap",
        task=(
            "Write `gap`: how much larger the error of `curve` is on the held-out data than on the data that it "
            "learned from. `error(curve, X, y)` gives the mean squared error; `own` and `held` are pairs `(X, y)`."
        ),
        code='''
            def gap(error, curve, own, held):
                """The error on held-out data, minus the error on its own data."""
                return ____
        ''',
        right="error(curve, *held) - error(curve, *own)",
        wrong=[
            Wrong(
                "the sign is dropped",
                "abs(error(curve, *held) - error(curve, *own))",
                "A curve may do better on held-out data, by luck. What should the gap say then?",
            ),
            Wrong(
                "the two errors are swapped",
                "error(curve, *own) - error(curve, *held)",
                "A curve that is worse on held-out data has a gap above 0.",
            ),
            Wrong(
                "the training error is not taken away",
                "error(curve, *held)",
                "That is the validation error alone. With which error is it compared?",
            ),
            Wrong(
                "one error is divided by the other",
                "error(curve, *held) / error(curve, *own)",
                "The gap is in the units of the error: how much larger, not how many times.",
            ),
        ],
        cases=[
            (2.0, [(1.0, 2.5), (2.0, 3.5), (3.0, 6.5)], [(4.0, 10.0), (5.0, 9.0)]),
            (2.0, [(1.0, 3.0), (2.0, 3.0)], [(4.0, 8.5), (5.0, 10.0)]),
        ],
        draw=_points,
        measure=_gap_of_line,
        say="gap(error, the line {} * x, own points {}, held-out points {})",
        hints=(
            "Which of the two errors do you expect to be the larger one?",
            "Call error twice: once with the held-out pair, once with the curve's own. `*pair` unpacks a pair.",
            "return error(curve, *held) - the same with the other pair",
        ),
        why="The gap is the validation error minus the training error: 0.02 and 0.5 is a gap of 0.48.",
    ),
    Exercise(
        id="twelve_verdicts",
        lesson=13,
        minutes=8,
        kind="predict",
        title="Twelve pairs of curves",
        task=(
            "With lesson 13 open, judge its twelve pairs of curves: `'fits'`, `'underfits'`, `'overfits'` or "
            "`'suspect'` (which can't come from learning alone: look for a bug or a leak)."
        ),
        code="""
            verdicts = {
                "A": ____, "B": ____, "C": ____, "D": ____,
                "E": ____, "F": ____, "G": ____, "H": ____,
                "I": ____, "J": ____, "K": ____, "L": ____,
            }
        """,
        right=_judged(),
        wrong=[
            Wrong(
                "any gap is called overfitting",
                _judged(D="overfits", G="overfits"),
                "Does the validation loss get worse, or is it stuck at a bad value? A small gap is what one expects.",
            ),
            Wrong(
                "a mistake in the measuring is taken for overfitting",
                _judged(B="overfits", H="overfits", J="overfits"),
                "How large is the gap in the first epochs, before anything can have been learned by heart? "
                "And how well do 1000 images do in D?",
            ),
            Wrong(
                "the training curve alone is looked at",
                _judged(C="fits", K="fits", J="fits", B="fits", H="fits"),
                "Being good at the examples that it has seen is not the goal. Follow the dashed line.",
            ),
            Wrong(
                "curves that lie close together are called a good fit",
                _judged(E="fits", F="fits", I="fits"),
                "A small gap is no success if both are bad. How high is the training loss at the end?",
            ),
            Wrong(
                "a training that stays bad is taken for a bug in the measuring",
                _judged(E="suspect", F="suspect", I="suspect"),
                "Both curves say the same here, so there is no reason to doubt the measuring. What do they say?",
            ),
            Wrong(
                "bad results on new images are called overfitting, whatever the training does",
                _judged(E="overfits", F="overfits", I="overfits"),
                "A model that overfits is good at its own examples. Is this one?",
            ),
            Wrong(
                "validation below training is taken for a bug",
                _judged(A="suspect"),
                "Dropout makes a model worse while it is on. On which of the two lines may it have been on?",
            ),
            Wrong(
                "every large gap is taken for a bug",
                _judged(C="suspect", K="suspect"),
                "Few images, and at first both losses fall: can learning alone lead to this picture?",
            ),
            Wrong(
                "a result is trusted because it is good",
                _judged(L="fits"),
                "Earlier in the lesson, 100 images were good for 89 % on new ones. What could make these so easy?",
            ),
            Wrong(
                "perfect accuracy is called overfitting",
                _judged(L="overfits"),
                "A model that overfits is worse on validation data than in training. Where is that gap here?",
            ),
        ],
        hints=(
            "For each pair, look at the training loss alone first: is it low at the end?",
            "If it isn't, the rest doesn't matter. If it is: does the gap grow, was it there at the start, or is there "
            "none at all where you would expect one?",
            "Three stay bad in training. Of the others, two begin well and then get worse on validation, or stick. "
            "Four can't be true: two at chance level, one jagged with a gap at once, one too good. What is left?",
        ),
        why=(
            "E has 2 neurons, F a learning rate far too large, I one too small. C learned wrong labels by heart, K has "
            "30 images. B has images and labels in different orders, H rows and columns swapped, J a forgotten eval(), "
            "L a leak. In A dropout is on for the training line only; D and G have the gap that one expects."
        ),
        truth=_as_dealt,
        numpy=True,
    ),
    Exercise(
        id="capacity_without_noise",
        lesson=13,
        minutes=3,
        kind="predict",
        title="Capacity without noise",
        task=(
            "Degree 14 is fitted to 15 points *without* noise, all on the true curve, which has degree 3. Is the mean "
            "squared error on new points without noise above 1, near 0.09, or below 0.001? "
            'Write `"above"`, `"near"` or `"below"`.'
        ),
        code="new_error = ____",
        right='"below"',
        wrong=[
            Wrong(
                "capacity alone is held to be harmful",
                '"above"',
                "What was it that degree 14 learned by heart? Is it there now?",
            ),
            Wrong(
                "noise is still expected in the points",
                '"near"',
                "0.09 is the square of 0.3. Where did this 0.3 come from, and how large is it here?",
            ),
        ],
        hints=(
            "With noise, degree 14 swung off the picture. What did it try to meet there?",
            "A polynomial of degree 14 can be any polynomial of degree 3: the other coefficients are 0 then.",
            "15 points fix the 15 coefficients, and the true curve meets all 15 points. So how far off is the fit?",
        ),
        why=(
            "There is no noise to learn, and the true curve is among those that degree 14 can draw. Here capacity "
            "alone does no harm; capacity and noise and few points do."
        ),
        measure=_first_word,
        truth=_without_noise,
        numpy=True,
    ),
    Exercise(
        id="jumpy_validation",
        lesson=13,
        minutes=5,
        kind="find the bug",
        title="A jumpy validation loss",
        task=(
            "The model has dropout. Its validation loss is bad from the first epoch on. Measured twice, it is another "
            "one each time. Find the bug. (`train_one_epoch(model)` trains; `loss(model)` is the loss on held-out "
            "data, in the mode that the model is in.)"
        ),
        code='''
            def train_and_validate(model, train_one_epoch, loss, epochs):
                """The validation loss after each epoch."""
                losses = []
                for _ in range(epochs):
                    ____
                return losses
        ''',
        bug=_epoch("model.train()", "train_one_epoch(model)"),
        right=_epoch("model.train()", "train_one_epoch(model)", "model.eval()"),
        wrong=[
            Wrong(
                "train() is not called again after the validation",
                _epoch("train_one_epoch(model)", "model.eval()"),
                "In which mode is the model when the second epoch begins?",
            ),
            Wrong(
                "the model is in eval mode while it trains",
                _epoch("model.eval()", "train_one_epoch(model)"),
                "Dropout is there for training. When exactly should it be off?",
            ),
            Wrong(
                "dropout is still on in the validation",
                _epoch("model.train()", "train_one_epoch(model)", "model.train()"),  # the bug, in other words
                "no_grad() says nothing about dropout. In which mode is the model when its loss is measured?",
            ),
            Wrong(
                "the two modes are swapped",
                _epoch("model.eval()", "train_one_epoch(model)", "model.train()"),
                "train() turns dropout on, eval() turns it off. Which is wanted where?",
            ),
        ],
        measure=_modes,
        reveal=True,
        hints=(
            "no_grad() says that no graph is needed. Does it say anything about dropout?",
            "Go through the lines of one epoch and note of each: is dropout on or off? Then go through the next epoch.",
            "One line is missing, between the training and the validation: it switches the model to the other mode.",
        ),
        why=(
            "Dropout is on in training and off in use. no_grad() doesn't switch it off: eval() does, and train() must "
            "switch it on again for the next epoch."
        ),
    ),
    Exercise(
        id="too_good_validation",
        lesson=13,
        minutes=5,
        kind="find the bug",
        title="A validation that is too good",
        task=(
            "`prepare` should hold out a quarter of the real images, and make four noisy copies of each of the others "
            "for training. With it a network gets 100 % on validation, and much less on new images. Find the bug. "
            "(`split(some_list)` shuffles, anew each time, and returns two lists; `noisy(image)` returns a noisy copy.)"
        ),
        code='''
            def prepare(images, split, noisy):
                """Noisy copies for training, and real images that were held out."""
                ____
                return training, validation
        ''',
        bug="copies = [noisy(image) for image in images for _ in range(4)]\ntraining, validation = split(copies)",
        right="training, validation = split(images)\ntraining = [noisy(image) for image in training for _ in range(4)]",
        wrong=[
            Wrong(
                "the held-out images are copied into the training set, too",
                "training, validation = split(images)\ntraining = [noisy(image) for image in images for _ in range(4)]",
                "From which list are the copies made? Which images may be in it?",
            ),
            Wrong(
                "a second split holds out other images than the first",
                "training, _ = split(images)\ntraining = [noisy(image) for image in training for _ in range(4)]\n"
                "_, validation = split(images)",
                "split shuffles anew each time that it is called. Do its two calls hold out the same images?",
            ),
            Wrong(
                "the held-out images are made noisy as well",
                "training, validation = split(images)\n"
                "training = [noisy(image) for image in training for _ in range(4)]\n"
                "validation = [noisy(image) for image in validation for _ in range(4)]",
                "Nothing leaks here. But on which images will the model be used: real ones, or noisy ones?",
            ),
            Wrong(
                "the first images of the list are held out, not any of them",
                "quarter = len(images) // 4\nvalidation = images[:quarter]\n"
                "training = [noisy(image) for image in images[quarter:] for _ in range(4)]",
                "Nothing leaks here. But lists are often sorted, all of one kind first. Then that kind is never "
                "trained on. What does split do that a slice doesn't?",
            ),
            Wrong(
                "no copies are made",
                "training, validation = split(images)",
                "Nothing leaks now. But there should be four noisy copies of each image that is trained on.",
            ),
        ],
        measure=_who_has_seen_what,
        reveal=True,
        hints=(
            "Take one image and follow its four copies. Where can they land?",
            "Whatever makes several samples out of one has to come after the split.",
            "First split the images themselves. Then make the copies, of the images in one of the two lists only.",
        ),
        why="Split first, then do everything else: so no image, in whatever copy, is on both sides.",
    ),
    Exercise(
        id="early_stopping",
        lesson=13,
        minutes=8,
        kind="write a loop",
        title="Early stopping",
        task=(
            "After each epoch, look at its validation loss. Stop as soon as `patience` epochs in a row have brought no "
            "new lowest loss. Return how many epochs were run, and the number of the one whose weights are kept: the "
            "one with the lowest loss. (The first epoch is number 0.)"
        ),
        code='''
            def early_stopping(losses, patience):
                """(how many epochs are run, the number of the best one)"""
                best, best_epoch, waited = math.inf, 0, 0
                for epoch, loss in enumerate(losses):
                    ____
                return ____
        ''',
        right=_loop(),
        wrong=[
            Wrong(
                "it waits one epoch too long",
                _loop(stop="waited > patience"),
                "With a patience of 2, after how many epochs without a new best should it stop? Try three losses.",
            ),
            Wrong(
                "it stops one epoch too early",
                _loop(stop="waited == patience - 1"),
                "With a patience of 2, two epochs without a new best are needed. How many has it seen when it stops?",
            ),
            Wrong(
                "the last epoch is kept, not the best",
                _loop(worse="waited, best_epoch = waited + 1, epoch"),
                "When it stops, the last weights are not the best any more. Which ones are worth keeping?",
            ),
            Wrong(
                "the waiting doesn't begin anew after a new best",
                _loop(better="best, best_epoch = loss, epoch"),
                "Epochs in a row are meant. What should a new best do to the count?",
            ),
            Wrong(
                "each loss is compared with the one before, not with the best",
                _loop(worse="waited, best = waited + 1, loss"),
                "A loss can fall and still be far above the lowest one. What must it be below, to count?",
            ),
            Wrong(
                "it stops at the first loss that is no new best",
                _loop(stop="True"),
                "Losses go up and down. What is patience there for?",
            ),
            Wrong(
                "a loss as low as the best counts as a new best",
                _loop(new_best="loss <= best"),
                "A new lowest loss is lower than all before it. What should one do that is just as low?",
            ),
            Wrong(
                "the number of the last epoch is given, not how many were run",
                _loop(returned="epoch, best_epoch"),
                "The best epoch is right. The first epoch is number 0: how many have been run, once number 8 is done?",
            ),
            Wrong(
                "the best epoch is counted from 1",
                _loop(returned="epoch + 1, best_epoch + 1"),
                "How many were run is right. Which number has the first epoch?",
            ),
            Wrong("it never stops", _loop(stop="False"), "Which line ends the loop, and is it ever reached?"),
        ],
        cases=[
            ([0.9, 0.7, 0.6, 0.65, 0.62, 0.5, 0.55, 0.56, 0.57, 0.4], 3),
            ([0.8, 0.6, 0.4], 2),
            ([0.6, 0.5, 0.5, 0.55, 0.4], 2),  # as low as the best is no new best
        ],
        draw=_losses,
        say="early_stopping(losses={}, patience={})",
        hints=(
            "Three things are to be remembered: the lowest loss, its epoch, and for how long you have been waiting.",
            "There are two cases: this loss is a new best, or it isn't. What becomes of the three then? When is it "
            "enough?",
            "if loss < best: keep all three anew (waited from 0 again); else: wait one more, and break when … At the "
            "end, remember that `epoch` counts from 0.",
        ),
        why=(
            "A new best starts the count afresh; after `patience` epochs without one the loop ends. The best epoch is "
            "kept, since those after it were worse on validation."
        ),
    ),
]
