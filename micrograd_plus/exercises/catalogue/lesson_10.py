"""Exercises of lesson 10: noise, momentum, Adam."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong

OPTIMIZERS = {name.casefold(): name for name in ("SGD", "momentum", "RMSprop", "Adam")}


def _steps_of_ten_epochs() -> int:
    """How many batches ten epochs of 1,000 samples have."""
    from ...data import DataLoader

    return 10 * len(DataLoader(list(range(1000)), batch_size=32))


def _counted() -> dict[str, float]:
    """Six epochs of 480 samples in batches of 32, with a step after every second batch."""
    from ...data import DataLoader

    counts = {"iterations": 0, "steps": 0, "samples": 0}
    for _ in range(6):
        for batch in DataLoader(list(range(480)), batch_size=32):
            counts["iterations"] += 1
            counts["steps"] += counts["iterations"] % 2 == 0
            counts["samples"] += len(batch)
    return dict(counts)


def _unchanged_by_a_factor() -> set[str]:
    """Which optimisers walk (nearly) the same way on a loss that is a thousand times as large."""
    from ... import optim
    from ...engine import Value

    makers: dict[str, Callable[[list[Value]], Any]] = {
        "SGD": lambda ps: optim.SGD(ps, lr=0.1),
        "momentum": lambda ps: optim.SGD(ps, lr=0.1, momentum=0.8),
        "RMSprop": lambda ps: optim.RMSprop(ps, lr=0.1, alpha=0.9),
        "Adam": lambda ps: optim.Adam(ps, lr=0.1),
    }

    def end(make: Callable[[list[Value]], Any], factor: float) -> float:
        w = Value(-1.5)
        optimizer = make([w])
        for _ in range(20):
            optimizer.zero_grad()
            (factor * (w - 2) ** 2).backward()
            optimizer.step()
        return w.data

    return {name for name, make in makers.items() if abs(end(make, 1.0) - end(make, 1000.0)) < 0.001}


def _names(answer: Any) -> list[str]:
    """The optimisers that are named, in whatever form and spelling, sorted."""
    names = re.split(r"[\s,;]+(?:and\s+)?", answer.strip()) if isinstance(answer, str) else list(answer)
    return sorted(OPTIMIZERS.get(str(name).strip().casefold(), str(name)) for name in names)


def _walked(update: Callable[..., Any], grads: list[float], lr: float, keep: float) -> list[float]:
    """Where a parameter that starts at 1 is after each step, if these gradients arrive."""
    from ...engine import Value

    p, memory, path = Value(1.0), {}, []  # type: ignore[var-annotated]
    for grad in grads:
        p.grad = grad
        update(p, memory, lr, keep)
        path.append(p.data)
    return path


def _gradients(random: Random) -> tuple[Any, ...]:
    return random.sample([-3.0, -2.0, 2.0, 4.0, 5.0], 3), random.choice([0.1, 0.2]), random.choice([0.5, 0.8, 0.9])


def _rolling(random: Random) -> tuple[Any, ...]:
    w, v, slope = random.sample([-5.0, -3.0, -2.0, 2.0, 4.0, 6.0, 7.0], 3)
    return w, v, slope, random.choice([0.1, 0.2]), random.choice([0.5, 0.8, 0.9])


def _running_means(random: Random) -> tuple[Any, ...]:
    m, s = random.choice([-0.6, -0.2, 0.3, 0.5]), random.choice([0.02, 0.05, 0.08])
    return m, s, random.randint(2, 9), 0.9, 0.99


def _how_often(seen: list[int], samples: list[int]) -> str:
    """In words, so that another way to draw them by chance comes out the same."""
    found = {"some never": set(seen) < set(samples), "some twice": len(set(seen)) < len(seen)}
    return ", ".join(name for name, is_so in found.items() if is_so) or "once"


def _mixture(batches: list[list[int]]) -> str:
    """In words, whether samples that were neighbours still are."""
    if any(batch and max(batch) - min(batch) >= len(batch) for batch in batches):
        return "samples from all over"
    return "neighbours, in their order" if all(b == sorted(b) for b in batches) else "neighbours, in another order"


def _batches(mini_batches: Callable[..., Any]) -> Any:
    """What is to be seen of the batches of 0, 1 … 9, two epochs of them. Any shuffle will do."""
    chance = Random(3)
    samples = list(range(10))
    epochs = [mini_batches(list(samples), 4, chance) for _ in range(2)]
    if epochs[0] is None:
        return None
    first, second = [[list(batch) for batch in epoch] for epoch in epochs]
    one, other = [[sample for batch in epoch for sample in batch] for epoch in (first, second)]
    return {
        "the sizes of the batches": [len(batch) for batch in first],
        "how often each sample comes": _how_often(one, samples),
        "the order is another one": one != samples,
        "the second epoch has another order than the first": one != other,
        "what a batch holds": _mixture(first),
    }


EXERCISES = [
    Exercise(
        id="steps_of_ten_epochs",
        lesson=10,
        minutes=3,
        kind="predict",
        title="Count the steps",
        task="You train for 10 epochs on 1,000 samples with batches of 32, and a step for each batch. The last batch "
        "of an epoch is smaller. How many steps are that?",
        code="steps = ____",
        right="320",
        wrong=[
            Wrong("the small last batch is left out", "310", "31 batches of 32 are 992 samples. Where are the others?"),
            Wrong(
                "a part of a batch is counted as a part of a step",
                "312.5",
                "A step is taken whole, however few samples its batch has.",
            ),
            Wrong(
                "the samples of all epochs are put into one row",
                "313",
                "Each epoch ends with a small batch of its own; the next one doesn't fill it up.",
            ),
            Wrong(
                "the samples of all epochs are put into one row, and its last batch is left out",
                "312",
                "Each epoch ends with a small batch of its own, and that makes a step, too.",
            ),
            Wrong("only one epoch is counted", "32", "That is how many batches one pass over the data has."),
            Wrong(
                "an epoch is taken for a step", "10", "An epoch is a pass over all data. How often do weights change?"
            ),
            Wrong("a sample is taken for a step", "10000", "The gradient of a whole batch makes one step."),
        ],
        hints=(
            "Count the batches of one epoch first, with the small one at the end.",
            "Divide the samples by the batch size, and round up. Then take all epochs.",
            "1000 / 32 is 31.25, so an epoch has 31 full batches and a small one. Ten times that is the answer.",
        ),
        why="An epoch has 32 batches: 31 of 32 samples, and one of 8. Ten epochs have 320.",
        truth=_steps_of_ten_epochs,
    ),
    Exercise(
        id="nesterov",
        lesson=10,
        minutes=4,
        kind="write a rule",
        title="Nesterov's momentum",
        task="Write **Nesterov's** momentum. The velocity `v` is updated as in plain momentum: that line is there "
        "already. Then `p` moves, by `lr`, along the gradient plus `keep` times the new `v`.",
        code='''
            def nesterov(p, memory, lr=0.1, keep=0.8):
                """One step of p. The memory is a dict that stays from step to step."""
                memory["v"] = keep * memory.get("v", 0.0) + p.grad
                ____
        ''',
        right='p.data -= lr * (p.grad + keep * memory["v"])',
        wrong=[
            Wrong(
                "the step is that of plain momentum",
                'p.data -= lr * memory["v"]',
                "Nesterov looks one step further: the task adds two things, and v alone is neither.",
            ),
            Wrong(
                "keep is left out",
                'p.data -= lr * (p.grad + memory["v"])',
                "A share of the new velocity is added to the gradient, not all of it.",
            ),
            Wrong(
                "lr reaches the gradient only",
                'p.data -= lr * p.grad + keep * memory["v"]',
                "The velocity moves p by far too much. What do brackets do here?",
            ),
            Wrong(
                "lr is left out",
                'p.data -= p.grad + keep * memory["v"]',
                "The direction is right, the steps are far too long. Which argument wasn't used?",
            ),
            Wrong(
                "the gradient is left out",
                'p.data -= lr * keep * memory["v"]',
                "The velocity is one part of the step. What is the other?",
            ),
            Wrong(
                "the velocity is never used", "p.data -= lr * p.grad", "That is SGD. What has the memory been kept for?"
            ),
            Wrong(
                "the step goes up the slope",
                'p.data += lr * (p.grad + keep * memory["v"])',
                "The size is right. Which way does a gradient point?",
            ),
        ],
        cases=[([1.0, 2.0], 0.1, 0.8)],
        draw=_gradients,
        measure=_walked,
        say="nesterov from p.data = 1 with gradients {}, lr {}, keep {}",
        hints=(
            "It is one line, much like the last line of `momentum` in the lesson.",
            "Add up p.grad and keep times the new velocity. That sum, times lr, is the step.",
            'p.data -= lr * (…), with both p.grad and memory["v"] in the brackets',
        ),
        why="After the ball has rolled by v, a share of v is still to come. Nesterov's step takes that into account.",
    ),
    Exercise(
        id="a_thousandfold",
        lesson=10,
        minutes=4,
        kind="predict",
        title="A loss a thousand times as large",
        task="What happens if all gradients become a thousand times larger, because somebody multiplies the loss by "
        '1000? For which of the four ("SGD", "momentum", "RMSprop", "Adam") is the walk (nearly) the same as before? '
        'Write their names as a set, such as `{"SGD", "Adam"}`.',
        code="the_same = ____",
        right='{"RMSprop", "Adam"}',
        wrong=[
            Wrong(
                "only Adam is taken to divide by the size of the gradient",
                '{"Adam"}',
                "Adam took the division from another of the four.",
            ),
            Wrong(
                "only RMSprop is taken to divide by the size of the gradient",
                '{"RMSprop"}',
                "Look at the last line of `adam`: what does its step divide by?",
            ),
            Wrong(
                "those that use the gradient as it is are named",
                '{"SGD", "momentum"}',
                "With these the step is lr times something that grows with the gradient. How long is it now?",
            ),
            Wrong(
                "momentum is taken to even out the size",
                '{"momentum", "RMSprop", "Adam"}',
                "Momentum adds gradients up. If each is a thousand times as large, how large is their sum?",
            ),
            Wrong(
                "those that have a velocity are named",
                '{"momentum", "Adam"}',
                "Both keep a running sum or mean of gradients. But only one of them divides it by something.",
            ),
            Wrong(
                "the factor is taken to make no difference to anyone",
                '{"SGD", "momentum", "RMSprop", "Adam"}',
                "The lowest place is the same. But how long is the first step of SGD?",
            ),
            Wrong(
                "the factor is taken to change all walks",
                "set()",
                "Two of them divide by something that grows with the gradient, too.",
            ),
        ],
        measure=_names,
        hints=(
            "Write down the step of each for a gradient of 1, and for one of 1000.",
            "Which rules divide by the size of the gradient? There a factor cancels.",
            "`rmsprop` and `adam` in the lesson hold a root. Look for the same in the other two; then decide.",
        ),
        why="Both divide by the root of the mean square, which is a thousand times larger, too. With SGD and momentum "
        "the steps are a thousand times longer, and the walk flies away.",
        truth=_unchanged_by_a_factor,
    ),
    Exercise(
        id="mini_batches",
        lesson=10,
        minutes=8,
        kind="write a loop",
        title="Shuffle and cut",
        task="Hand out one epoch: put the samples into a random order (`chance` is a `random.Random`, so "
        "`chance.shuffle(a_list)` shuffles), and cut them into batches of `size`. The last batch may be smaller.",
        code='''
            def mini_batches(samples, size, chance):
                """The samples in a random order, as a list of batches."""
                batches = []
                ____
                return batches
        ''',
        right="order = list(samples)\n"
        "chance.shuffle(order)\n"
        "for start in range(0, len(order), size):\n"
        "    batches.append(order[start : start + size])",
        wrong=[
            Wrong(
                "the last, smaller batch is lost",
                "order = list(samples)\n"
                "chance.shuffle(order)\n"
                "for start in range(0, len(order) - size + 1, size):\n"
                "    batches.append(order[start : start + size])",
                "Count the samples in all your batches. A slice may reach over the end of a list.",
            ),
            Wrong(
                "the batches overlap",
                "order = list(samples)\n"
                "chance.shuffle(order)\n"
                "for start in range(len(order)):\n"
                "    batches.append(order[start : start + size])",
                "Where does a batch begin, and where the next one?",
            ),
            Wrong(
                "each batch is drawn from all samples anew",
                "for start in range(0, len(samples), size):\n"
                "    batches.append(chance.sample(samples, min(size, len(samples) - start)))",
                "An epoch shows each sample once. Here some come twice, and others never.",
            ),
            Wrong(
                "only the inside of each batch is shuffled",
                "for start in range(0, len(samples), size):\n"
                "    batch = list(samples[start : start + size])\n"
                "    chance.shuffle(batch)\n"
                "    batches.append(batch)",
                "The same samples meet in the same batch, in every epoch. What comes first: to shuffle or to cut?",
            ),
            Wrong(
                "the same order comes in each epoch",
                "order = list(samples)\n"
                "type(chance)(0).shuffle(order)\n"
                "for start in range(0, len(order), size):\n"
                "    batches.append(order[start : start + size])",
                "Use the `chance` that is handed in: it goes on from epoch to epoch.",
            ),
            Wrong(
                "only the batches change places",
                "batches += [samples[start : start + size] for start in range(0, len(samples), size)]\n"
                "chance.shuffle(batches)",
                "The same samples meet in the same batch, in every epoch. What comes first: to shuffle or to cut?",
            ),
            Wrong(
                "the order is not shuffled",
                "order = list(samples)\n"
                "for start in range(0, len(order), size):\n"
                "    batches.append(order[start : start + size])",
                "Data often come sorted, all of one kind first. What would the first batch be like?",
            ),
        ],
        measure=_batches,
        reveal=True,
        hints=(
            "Two steps, one after the other: a new order, then the cuts.",
            "Copy the samples into a list and shuffle that. Then go through its places in strides of `size`.",
            "for start in range(0, len(order), size): append the slice of order that begins at start; and before the "
            "loop, order is a shuffled copy",
        ),
        why="First shuffle all, then cut. Slices that reach over the end give the small last batch by themselves.",
    ),
    Exercise(
        id="momentum_step",
        lesson=10,
        minutes=4,
        kind="write a rule",
        title="A step with momentum",
        task="Write a step of plain momentum: the velocity keeps the share `keep` of itself and adds "
        "the slope; then `w` moves by `lr` times the velocity.",
        code='''
            def momentum_step(w, v, slope, lr, keep):
                """The new w and the new velocity v, all of them numbers."""
                ____
                return w, v
        ''',
        right="v = keep * v + slope\nw = w - lr * v",
        wrong=[
            Wrong(
                "w is moved by the velocity of the step before",
                "w = w - lr * v\nv = keep * v + slope",
                "Both lines are right. Which of them needs the other's result?",
            ),
            Wrong(
                "nothing of the velocity is lost",
                "v = v + slope\nw = w - lr * v",
                "Without a share that is lost, the ball never comes to rest. Which argument wasn't used?",
            ),
            Wrong(
                "the slope is kept in part, too",
                "v = keep * (v + slope)\nw = w - lr * v",
                "Only the old velocity fades. The new slope comes in whole.",
            ),
            Wrong(
                "the velocity is a running mean, as Adam's is",
                "v = keep * v + (1 - keep) * slope\nw = w - lr * v",
                "Here slopes are added up, so that those that agree grow to several times their size.",
            ),
            Wrong(
                "lr is put into the velocity",
                "v = keep * v + lr * slope\nw = w - v",
                "Some books keep it so. Here the velocity is made of slopes alone, and lr comes in with the step.",
            ),
            Wrong(
                "the velocity is never used",
                "v = keep * v + slope\nw = w - lr * slope",
                "v is right, but w moves as with SGD. Along what should it move?",
            ),
            Wrong(
                "the step goes up the slope",
                "v = keep * v + slope\nw = w + lr * v",
                "The size is right. The velocity points where the slope points: up.",
            ),
        ],
        cases=[(1.0, 2.0, 3.0, 0.1, 0.5)],
        draw=_rolling,
        say="momentum_step(w={}, v={}, slope={}, lr={}, keep={})",
        hints=(
            "Two lines: one for v, one for w. In which order?",
            "The new velocity first: a share of the old one, and the whole slope. Then the step with the new one.",
            "v = keep * … + …, and below it: w = w - lr * …",
        ),
        why="The step is made with the new velocity, which has the newest slope in it already.",
    ),
    Exercise(
        id="adam_correction",
        lesson=10,
        minutes=4,
        kind="fill a blank",
        title="Adam's first steps",
        task="Adam's running means `m` and `s` start at 0, so after `t` steps they are still too small. Correct both. "
        "(t is 1 at the first step.)",
        code='''
            def corrected(m, s, t, keep_m, keep_s):
                """The running means as large as they would be, had they not started at 0."""
                return ____
        ''',
        right="m / (1 - keep_m**t), s / (1 - keep_s**t)",
        wrong=[
            Wrong(
                "the correction is left out", "m, s", "After one step m is only a tenth of the gradient. Is that fair?"
            ),
            Wrong(
                "the number of steps is left out",
                "m / (1 - keep_m), s / (1 - keep_s)",
                "That is right for the first step. But later the means need less and less correction.",
            ),
            Wrong(
                "the mean is made smaller still",
                "m * (1 - keep_m**t), s * (1 - keep_s**t)",
                "It was too small. Multiplied by a number below 1, does it grow?",
            ),
            Wrong(
                "what is still missing is taken for what is there",
                "m / keep_m**t, s / keep_s**t",
                "keep**t is the share that the 0 of the start still has. Which share do the gradients have?",
            ),
            Wrong(
                "keep is multiplied by t, not multiplied by itself t times",
                "m / (1 - keep_m * t), s / (1 - keep_s * t)",
                "At each step the start fades by the same factor. What is that after t steps?",
            ),
            Wrong(
                "both are corrected with the same keep",
                "m / (1 - keep_m**t), s / (1 - keep_m**t)",
                "m is right. Each mean fades at its own speed.",
            ),
        ],
        cases=[(0.2, 0.04, 1, 0.9, 0.99), (0.2, 0.04, 3, 0.9, 0.99)],
        draw=_running_means,
        say="corrected(m={}, s={}, t={}, keep_m={}, keep_s={})",
        hints=(
            "Let every gradient be 1 and keep be 0.9. What is m after one step, and after two?",
            "m comes out as 1 - keep**t then, and it should be 1. So which division makes it right?",
            "return m / (1 - keep_m**…), and the same for s with its own keep",
        ),
        why="After t steps the 0 of the start still counts with the share keep**t, the gradients with 1 - keep**t.",
    ),
    Exercise(
        id="three_counters",
        lesson=10,
        minutes=4,
        kind="predict",
        title="Three counters",
        task="480 samples, batches of 32, 6 epochs. The gradients of two batches are added up before each step. How "
        "many iterations and steps are made, and how many samples looked at (each time counts)?",
        code='counts = {"iterations": ____, "steps": ____, "samples": ____}',
        right=("90", "45", "2880"),
        wrong=[
            Wrong(
                "an iteration is taken for a step",
                ("90", "90", "2880"),
                "Here the weights change only after every second batch.",
            ),
            Wrong(
                "an epoch is taken for an iteration",
                ("6", "3", "2880"),
                "An iteration is one turn of the inner loop. How many batches are in one epoch?",
            ),
            Wrong(
                "a batch is counted for two steps",
                ("90", "180", "2880"),
                "Two batches make one step, not the other way round.",
            ),
            Wrong(
                "a sample is counted in the first epoch only",
                ("90", "45", "480"),
                "Every epoch looks at all samples again.",
            ),
            Wrong(
                "only one epoch is counted",
                ("15", "7.5", "480"),
                "And then the loop over the epochs goes on. A step may take batches of two epochs.",
            ),
            Wrong(
                "a sample is taken for an iteration",
                ("2880", "1440", "2880"),
                "A batch of samples goes through the network at once. How many such batches are there?",
            ),
        ],
        hints=(
            "Begin with the batches of one epoch.",
            "480 / 32 batches in an epoch, each one iteration; two iterations make one step.",
            "15 iterations an epoch. Now take 6 epochs of them, and half as many steps.",
        ),
        why="15 batches in an epoch give 90 iterations; every second one ends with a step, so 45; 6 times 480 samples.",
        truth=_counted,
    ),
]
