"""Exercises of lesson 14: regularisation."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong

# -- weight decay ----------------------------------------------------------------------------------------------


def _shrinking_of_l2() -> float:
    """By which share of itself, and of the learning rate, SGD shrinks a weight that only an L2 penalty pulls at."""
    from ...engine import Value
    from ...optim import SGD

    w, lr = Value(1.5), 0.01
    (0.02 * w * w).backward()
    SGD([w], lr=lr).step()
    return (1.5 - w.data) / (lr * 1.5)


# -- the penalty of the weights alone --------------------------------------------------------------------------


def _penalty_and_slopes(weights_only: Callable[..., Any], seed: int) -> dict[str, Any]:
    """The penalty of a small network, and what backpropagation makes of it for a weight and a bias."""
    from ... import nn

    first, last = nn.Linear(2, 3, seed=seed), nn.Linear(3, 1, seed=seed + 1)
    total = weights_only(nn.Sequential(first, nn.ReLU(), last))
    return {
        "penalty": total,
        "its slope by the first weight": _slope(total, first.weight),
        "its slope by the first bias": _slope(total, first.bias),
    }


def _slope(total: Any, p: Any) -> float | str:
    """The slope of the total by the first number of a parameter."""
    if not getattr(total, "requires_grad", False):
        return "none: it is a plain number"
    p.grad = None
    total.backward()
    return 0.0 if p.grad is None else float(p.grad.flat[0])


def _added(part: str, condition: str = 'name.endswith("weight")') -> tuple[str, str]:
    """What the total is at first, and what is done with each parameter."""
    return "0.0", f"if {condition}:\n    {part}"


# -- dropout ---------------------------------------------------------------------------------------------------


def _layer(random: Random) -> tuple[list[float], float, list[float], bool]:
    """Four numbers, p, a draw for each (some below p, some above 1 - p), and whether it is training."""
    numbers = [float(n) for n in random.sample([-6, -4, -3, 2, 3, 4, 5, 8], 4)]
    p = random.choice([0.2, 0.4])
    draws = [round(draw, 2) for draw in (random.uniform(0, p), random.uniform(p, 1 - p), random.uniform(1 - p, 1))]
    draws.append(round(random.uniform(0, 1), 2))
    random.shuffle(draws)
    return numbers, p, draws, True


_DROPPED = "x / (1 - p) if draw >= p else 0.0"


# -- slopes of penalties ---------------------------------------------------------------------------------------


def _weight(random: Random) -> tuple[float, float, float]:
    """The slope of the loss, a weight, and a strength."""
    slope, w = random.sample([-5.0, -4.0, -3.0, 3.0, 4.0, 5.0, 6.0], 2)
    return slope, w, random.choice([0.1, 0.2, 0.3, 0.4])


def _other_weight(random: Random) -> tuple[float, float]:
    return random.choice([-1, 1]) * random.choice([2.0, 3.0, 4.0, 5.0]), random.choice([0.1, 0.2, 0.3, 0.4])


EXERCISES = [
    Exercise(
        id="decay_like_l2",
        lesson=14,
        minutes=3,
        kind="predict",
        title="Which weight decay?",
        task="Which `weight_decay` of SGD does the same as adding `0.02 * nn.l2_penalty(model)` to the loss?",
        code="weight_decay = ____",
        right="0.04",
        wrong=[
            Wrong(
                "the 2 in the slope of the square is forgotten",
                "0.02",
                "Weight decay is added to the gradient, the penalty to the loss. What is the slope of 0.02 * w²?",
            ),
            Wrong(
                "the 2 is on the wrong side",
                "0.01",
                "Write the pull on the weight for both: the slope of 0.02 * w², and d * w. Then solve for d.",
            ),
            Wrong(
                "the learning rate is put into it, too",
                "0.0004",
                "SGD multiplies both by the learning rate: what comes from the penalty, and what comes from the decay.",
            ),
        ],
        hints=(
            "One of them is added to the loss, the other to the gradient.",
            "Take the slope of 0.02 * w². Weight decay with d adds d * w to the gradient: compare the two.",
            "The slope of w² is 2 * w. So the slope of 0.02 * w² is … * w",
        ),
        why="The slope of 0.02 * w² is 0.04 * w, and a weight decay of d adds d * w to the gradient.",
        truth=_shrinking_of_l2,
    ),
    Exercise(
        id="weights_only",
        lesson=14,
        minutes=5,
        kind="write a loop",
        title="Without the biases",
        task=(
            "Biases are often left out of the penalty. Write the L2 penalty of the *weights* only: add up the squares "
            'of every parameter whose name ends in `"weight"`.'
        ),
        code='''
            def weights_only(model):
                """The sum of the squares of all weights of the model, without the biases."""
                total = ____
                for name, p in model.named_parameters():
                    ____
                return total
        ''',
        right=_added("total = total + (p * p).sum()"),
        wrong=[
            Wrong(
                "the biases are penalised, too",
                ("0.0", "total = total + (p * p).sum()"),
                "Print the names: which of them should count?",
            ),
            Wrong(
                "plain numbers are taken out of the graph",
                _added("total = total + (p.numpy() ** 2).sum()"),
                "The number is right, but no gradient comes back from it: the penalty pulls at nothing.",
            ),
            Wrong(
                "no name is chosen",
                _added("total = total + (p * p).sum()", 'name == "weight"'),
                "Print the names: the layer stands in front of each.",
            ),
            Wrong(
                "the loop ends after the first parameter",
                ("0.0", 'if name.endswith("weight"):\n    total = total + (p * p).sum()\nreturn total'),
                "How often is the loop gone through? Look at the line with return.",
            ),
            Wrong(
                "the total is overwritten, not added to",
                _added("total = (p * p).sum()"),
                "This is the part of the last layer. Where did the first one's go?",
            ),
            Wrong(
                "absolute values are added up, not squares",
                _added("total = total + abs(p).sum()"),
                "That is the other penalty of the lesson, the one that makes weights 0.",
            ),
            Wrong(
                "the sum is squared, not each weight",
                _added("total = total + p.sum() ** 2"),
                "The weights 3 and -3 have the sum 0. What should their penalty be?",
            ),
        ],
        draw=lambda random: (random.randrange(1, 1000),),
        drawn=1,
        measure=_penalty_and_slopes,
        say="weights_only(a small network, drawn with the seed {})",
        hints=(
            "What is the total before the first round? And in each round: does this parameter count, and "
            "what is its part?",
            "name.endswith(…) chooses; the part of a parameter is the sum of its squares, as a Tensor.",
            'if name.endswith("weight"): add the part to total. The part is (…).sum()',
        ),
        why=(
            "Each weight costs its square. Written with Tensors, the sum is a node, so backward() knows the "
            "slopes 2 * w."
        ),
        numpy=True,
    ),
    Exercise(
        id="shifted_digits",
        lesson=14,
        minutes=4,
        kind="predict",
        title="Digits that move",
        task=(
            "Each training digit is moved by up to one pixel, at random, anew in each step. The images are 8 by 8, and "
            "all of them, new ones too, have the digit in the middle. Without this the network gets 90 % of new digits "
            'right. How does it do with it: `"better"`, `"the same"` or `"worse"`?'
        ),
        code="with_shifts = ____",
        right='"worse"',
        wrong=[
            Wrong(
                "augmentation is held to help always",
                '"better"',
                "The label stays right. But does anything that is made here ever occur among the new images?",
            ),
            Wrong(
                "a shift by one pixel is taken for nothing",
                '"the same"',
                "Each input is one pixel. How much of an image of 8 by 8 is another one after a shift by one?",
            ),
        ],
        hints=(
            "What do the new images look like? Do they look like the moved ones?",
            "The network has 100 epochs. On which kind of image are they spent?",
            "It has to learn nine places for each digit, and is asked about one of them only. So it is …",
        ),
        why=(
            "A shift keeps the label, but no new image looks like that: all are centred. The 100 epochs go into images "
            "that never come. Augmentation pays where it makes what really occurs."
        ),
        truth=lambda: _with_shifts(),
        numpy=True,
    ),
    Exercise(
        id="inverted_dropout",
        lesson=14,
        minutes=6,
        kind="fill a blank",
        title="Dropout by hand",
        task=(
            "Write dropout for a list of numbers. In training, a number is set to 0 where its draw (from 0 to 1) is "
            "below `p`, and the others are scaled so that the sum stays the same on average. In use nothing is "
            "dropped, and nothing needs to be scaled."
        ),
        code='''
            def dropout(numbers, p, draws, training):
                """The numbers, each of them set to 0 with probability p if this is training."""
                if not training:
                    return ____
                return [____ for x, draw in zip(numbers, draws)]
        ''',
        right=("numbers", _DROPPED),
        wrong=[
            Wrong(
                "nothing is scaled",
                ("numbers", "x if draw >= p else 0.0"),
                "With p = 0.5 half of the numbers are gone. What does the next layer get then, on average?",
            ),
            Wrong(
                "it is scaled in use, too",
                ("[x / (1 - p) for x in numbers]", _DROPPED),
                "In use nothing is missing. Is there anything to make up for?",
            ),
            Wrong(
                "the scaling is left for later, when the model is used",
                ("[x * (1 - p) for x in numbers]", "x if draw >= p else 0.0"),
                "That works as well: dropout was first written down like this. But here a model in use should have "
                "nothing left to do. So when must the scaling be done?",
            ),
            Wrong(
                "train and eval are not told apart: it drops in use, too",
                (f"[{_DROPPED} for x, draw in zip(numbers, draws)]", _DROPPED),
                "In use every neuron should be there. What should come back if training is False?",
            ),
            Wrong(
                "those are kept that should be dropped",
                ("numbers", "x / (1 - p) if draw < p else 0.0"),
                "With p = 0.2, about one draw in five is below p. Are these the ones to be set to 0, or to be kept?",
            ),
            Wrong(
                "a draw that is p itself drops its number, too",
                ("numbers", "x / (1 - p) if draw > p else 0.0"),
                "Nearly right. With p = 0 nothing should ever be dropped, but a draw can be 0. What does the task say?",
            ),
            Wrong(
                "p and 1 - p are swapped",
                ("numbers", "x / p if draw >= 1 - p else 0.0"),
                "Is p the probability to be dropped, or to stay?",
            ),
            Wrong(
                "p and 1 - p are swapped in the scale",
                ("numbers", "x / p if draw >= p else 0.0"),
                "With p = 0.2, four of five stay. How much must each be stretched, to make up for the fifth?",
            ),
            Wrong(
                "it is scaled down, not up",
                ("numbers", "x * (1 - p) if draw >= p else 0.0"),
                "Some numbers are missing. Must the others become larger or smaller, to make up for that?",
            ),
        ],
        cases=[
            ([2.0, 4.0, -3.0, 5.0], 0.2, [0.9, 0.1, 0.3, 0.6], True),
            ([2.0, 4.0, -3.0, 5.0], 0.2, [0.9, 0.1, 0.3, 0.6], False),
            ([2.0, 4.0, -3.0, 5.0], 0.25, [0.25, 0.1, 0.3, 0.8], True),  # one draw is p itself
        ],
        draw=_layer,
        drawn=1,
        say="dropout({}, p={}, draws={}, training={})",
        hints=(
            "Begin with the easy one: what should come back when nothing is dropped?",
            "A share of 1 - p of the numbers stays, on average. By which factor must they grow?",
            "x / (the share that stays), if its draw isn't below p; else 0",
        ),
        why=(
            "A number stays with probability 1 - p, and x / (1 - p) * (1 - p) is x: on average nothing changes. In use "
            "nothing is dropped, so nothing is scaled."
        ),
    ),
    Exercise(
        id="penalised_slope",
        lesson=14,
        minutes=4,
        kind="write a rule",
        title="The slope with a penalty",
        task=(
            "`strength * w**2` is added to the loss. Before that, the slope of the loss with respect to the weight `w` "
            "was `slope`. What is it now?"
        ),
        code='''
            def penalised_slope(slope, w, strength):
                """The slope by w of: loss + strength * w**2."""
                return ____
        ''',
        right="slope + 2 * strength * w",
        wrong=[
            Wrong(
                "the 2 in the slope of the square is forgotten",
                "slope + strength * w",
                "Nudge w in w², at w = 3: by how much does it change?",
            ),
            Wrong(
                "the slope of the loss is overwritten, not added to",
                "2 * strength * w",
                "Two paths lead from w to the result now. What becomes of the first one?",
            ),
            Wrong(
                "the penalty itself is added, not its slope",
                "slope + strength * w**2",
                "That is what is added to the loss. What is added to its slope?",
            ),
            Wrong("the strength is forgotten", "slope + 2 * w", "How much does the penalty count?"),
            Wrong(
                "the penalty is taken away",
                "slope - 2 * strength * w",
                "The weight shrinks because the *step* goes against the slope. The slope itself is that of a sum.",
            ),
        ],
        cases=[(0.5, 3.0, 0.1), (-4.0, 2.5, 0.2)],
        draw=_weight,
        forward=lambda slope, w, strength: slope * w + strength * w**2,
        wrt=(1,),
        say="penalised_slope(slope={}, w={}, strength={})",
        hints=(
            "The slope of a sum is the sum of the slopes.",
            "The first part is given. The second one is strength times the slope of a square.",
            "return slope + strength * (the slope of w**2)",
        ),
        why="The slope of a sum is the sum of the slopes, and that of strength * w**2 is 2 * strength * w.",
    ),
    Exercise(
        id="l1_slope",
        lesson=14,
        minutes=5,
        kind="write a rule",
        title="The slope of L1",
        task=(
            "Write the slope of the L1 penalty `strength * abs(w)` with respect to `w`. At the kink, `w = 0`, return "
            "0: there the penalty should pull to neither side."
        ),
        code='''
            def l1_slope(w, strength):
                """The slope of strength * abs(w), and 0 at the kink."""
                ____
        ''',
        right="if w == 0:\n    return 0.0\nreturn strength if w > 0 else -strength",
        wrong=[
            Wrong(
                "the slope at 0 is taken as that on the right",
                "return strength if w >= 0 else -strength",
                "What does your function give for w = 0? A weight that has become 0 would be pushed away again.",
            ),
            Wrong(
                "the slope at 0 is taken as that on the left",
                "return strength if w > 0 else -strength",
                "What does your function give for w = 0? A weight that has become 0 would be pushed away again.",
            ),
            Wrong(
                "the sign of w is not looked at",
                "return strength if w else 0.0",
                "If a negative w grows by a little, does abs(w) grow?",
            ),
            Wrong(
                "the slope on the left is taken as 0, as for relu",
                "return strength if w > 0 else 0.0",
                "On the left relu is flat. Is abs?",
            ),
            Wrong(
                "the slope of L2 is taken",
                "return 2 * strength * w",
                "L2 pulls large weights harder. L1 pulls all of them alike.",
            ),
            Wrong(
                "the penalty itself is returned",
                "return strength * abs(w)",
                "That is the penalty. By how much does it change when w does?",
            ),
            Wrong(
                "strength is forgotten",
                "if w == 0:\n    return 0.0\nreturn 1.0 if w > 0 else -1.0",
                "How steep is strength * abs(w), if strength is 0.1?",
            ),
        ],
        cases=[(0.0, 0.1), (3.0, 0.1), (-2.0, 0.2)],
        draw=_other_weight,
        forward=lambda w, strength: strength * abs(w),
        wrt=(0,),
        say="l1_slope(w={}, strength={})",
        hints=(
            "Draw abs(w). What are its slopes, on the left and on the right?",
            "Three cases: w above 0, w below 0, and the kink itself.",
            "The slope is strength times 1, -1 or 0: which of the three belongs to which w?",
        ),
        why=(
            "abs(w) rises with slope 1 on the right, falls with slope -1 on the left. Any slope between them will do "
            "at the kink; the engine takes 0, the middle."
        ),
    ),
]


def _with_shifts() -> str:
    """Trains the network of the lesson on 100 digits, as they are and moved by up to one pixel."""
    import numpy as np

    from ... import engine, nn, optim
    from ...data import DataLoader, load_digits

    images, labels = load_digits(flat=True)
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = images[order].astype(float), labels[order]
    pixels = np.random.default_rng(0)

    def shifted(X: Any) -> Any:
        wide = np.pad(X.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
        places = pixels.integers(0, 3, (len(X), 2))
        return np.array([image[i : i + 8, j : j + 8] for image, (i, j) in zip(wide, places, strict=True)]).reshape(
            X.shape
        )

    def accuracy(change: Callable[[Any], Any]) -> float:
        sizes = [(64, 64), (64, 64), (64, 10)]
        a, b, c = (nn.Linear(*size, seed=place) for place, size in enumerate(sizes))
        model = nn.Sequential(a, nn.ReLU(), b, nn.ReLU(), c)
        optimizer = optim.Adam(model.parameters(), lr=3e-3)
        for epoch in range(100):
            for X, y in DataLoader(images[:100], labels[:100], seed=epoch):
                optimizer.zero_grad()
                nn.cross_entropy(model(change(X)), y).backward()
                optimizer.step()
        with engine.no_grad():
            return float(np.mean(model(images[1000:]).numpy().argmax(1) == labels[1000:]))

    plain, moved = accuracy(lambda X: X), accuracy(shifted)
    return "the same" if abs(moved - plain) < 0.02 else "better" if moved > plain else "worse"
