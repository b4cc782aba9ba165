"""Exercises of lesson 22: hearing digits."""

from __future__ import annotations

from random import Random

from ..exercise import Exercise, Wrong


def _padded(random: Random) -> tuple[list[float], int]:
    """Answers with a real 0 among them, and a padding that isn't 0."""
    length = random.choice([3, 4, 5])
    real = [float(n) for n in random.sample([2, 3, 4, 5, 7, 9], length - 1)]
    real.insert(random.randrange(length), 0.0)
    return real + [0.5] * random.choice([2, 3]), length


def _convolution(random: Random) -> tuple[int, int, int, int]:
    """Frames, kernel, padding and stride, where the stride doesn't divide and padding makes a difference."""
    stride = random.choice([2, 3, 4])
    kernel, padding = random.choice([3, 5]), random.choice([1, 2])
    return stride * random.randrange(5, 9) + kernel - 2 * padding + 1, kernel, padding, stride


def _growth() -> float:
    """The mean over 16 frames, divided by that over the same 16 and 16 zeros."""
    import numpy as np

    from ... import nn

    filters = nn.Conv1d(3, 1, 3, padding=1, bias=False, seed=1)
    real = filters(np.random.default_rng(0).normal(size=(1, 3, 16))).numpy()
    padded = np.concatenate([real, np.zeros((1, 1, 16))], axis=2)
    return float(real.mean() / padded.mean())


EXERCISES: list[Exercise] = [
    Exercise(
        id="masked_mean",
        lesson=22,
        minutes=3,
        kind="write a rule",
        title="A mean without the padding",
        task=(
            "Write the masked mean of one filter's answers. `answers` is a list that was padded, and `length` says how "
            "many of its first entries are real. The padding need not be 0, and a real answer may be 0."
        ),
        code='''
            def masked_mean(answers, length):
                """The mean of the real answers alone."""
                return ____
        ''',
        right="sum(answers[:length]) / length",
        wrong=[
            Wrong(
                "the padding counts, too",
                "sum(answers) / len(answers)",
                "This is the mean of all places. Which of them hold sound?",
            ),
            Wrong(
                "the padding is left out of the number, but not out of the sum",
                "sum(answers) / length",
                "The number you divide by is right. But which entries have been added up?",
            ),
            Wrong(
                "the padding is left out of the sum, but not out of the number",
                "sum(answers[:length]) / len(answers)",
                "The sum is right. But how many numbers have been added up?",
            ),
            Wrong(
                "the last real frame is left out",
                "sum(answers[: length - 1]) / (length - 1)",
                "A slice [:3] has three entries. How many should yours have?",
            ),
            Wrong(
                "the slice is one short, the number isn't",
                "sum(answers[: length - 1]) / length",
                "A slice [:3] has three entries. How many should yours have?",
            ),
            Wrong(
                "a frame of the padding is taken in, too",
                "sum(answers[: length + 1]) / (length + 1)",
                "A slice [:3] has three entries. How many should yours have?",
            ),
            Wrong(
                "real answers that are 0 are taken for padding",
                "sum(answers[:length]) / len([a for a in answers[:length] if a != 0])",
                "A filter that finds nothing in a frame answers 0. Is that frame real?",
            ),
            Wrong(
                "the mean is cut down to a whole number",
                "sum(answers[:length]) // length",
                "A mean need not be a whole number. Which of the two divisions gives fractions, too?",
            ),
            Wrong(
                "the sum is not divided",
                "sum(answers[:length])",
                "That grows with the length of the recording. What makes a mean of a sum?",
            ),
        ],
        cases=[([2.0, 4.0, 0.0, 9.0, 9.0], 3), ([1.0, 0.0, 5.0, 3.0], 4)],
        draw=_padded,
        say="masked_mean({}, length={})",
        hints=(
            "Two things have to leave the padding out: what you add up, and what you divide by.",
            "A slice gives the first entries of a list. How many of them are real?",
            "return sum(the first `length` entries) / (how many these are)",
        ),
        why="Only the first `length` entries are sound; so these are added up, and divided by their number.",
    ),
    Exercise(
        id="filter_places",
        lesson=22,
        minutes=4,
        kind="write a rule",
        title="How often a filter fits",
        task=(
            "A filter that is `kernel` frames wide moves over a recording by `stride` frames at a time. Before that, "
            "`padding` zeros are put on both sides. How many answers are there?"
        ),
        code='''
            def answers_of(frames, kernel, padding, stride):
                """At how many places the filter fits."""
                return ____
        ''',
        right="(frames + 2 * padding - kernel) // stride + 1",
        wrong=[
            Wrong(
                "the first place is forgotten",
                "(frames + 2 * padding - kernel) // stride",
                "A filter of 3 on 3 frames can't move. How many answers does it give all the same?",
            ),
            Wrong(
                "the one is added before the division",
                "(frames + 2 * padding - kernel + 1) // stride",
                "With a stride of 1 it makes no difference. But which number counts steps, the one before or after //?",
            ),
            Wrong(
                "padding is put on one side only",
                "(frames + padding - kernel) // stride + 1",
                "How many zeros are there in all?",
            ),
            Wrong(
                "padding is forgotten",
                "(frames - kernel) // stride + 1",
                "The zeros are there before the filter moves. How long is the row that it moves over?",
            ),
            Wrong(
                "the stride is forgotten",
                "frames + 2 * padding - kernel + 1",
                "This is right for a stride of 1. How many of these places does a stride of 2 visit?",
            ),
            Wrong(
                "the width of the filter is forgotten",
                "(frames + 2 * padding) // stride + 1",
                "The filter may not stick out at the end. How far can its left edge go?",
            ),
            Wrong(
                "it is rounded up, so the filter sticks out",
                "-(-(frames + 2 * padding - kernel) // stride) + 1",
                "If the last step would carry the filter over the end, it isn't made. Which way must it be rounded?",
            ),
            Wrong(
                "it isn't rounded at all",
                "(frames + 2 * padding - kernel) / stride + 1",
                "There is no half answer. What becomes of a step that doesn't fit any more?",
            ),
        ],
        cases=[(18, 3, 1, 1), (18, 3, 1, 2), (10, 4, 0, 3), (3, 3, 0, 1)],
        draw=_convolution,
        say="answers_of(frames={}, kernel={}, padding={}, stride={})",
        hints=(
            "How long is the row, once the zeros are there? And where does the filter's left edge begin?",
            "Its left edge can go on by (length of the row) - kernel frames. Each step takes stride of them.",
            "return (frames + … - kernel) // stride + (the place that it begins at)",
        ),
        why=(
            "In a row of frames + 2 * padding, the left edge has frames + 2 * padding - kernel frames to go. Each "
            "whole stride gives one more answer, beside the first."
        ),
    ),
    Exercise(
        id="mask_forgotten",
        lesson=22,
        minutes=3,
        kind="predict",
        title="Without the mask",
        task=(
            "The mask is forgotten in the mean over time. A recording has 16 real frames, and the filter's answers "
            "behind its end are 0. In training it was padded to 32 frames. Later it comes alone, without padding. By "
            "which factor does the mean that the last layer sees grow?"
        ),
        code="mean_grows_by = ____",
        right="2",
        wrong=[
            Wrong(
                "zeros are held to change nothing",
                "1",
                "They don't change the sum. Does a mean depend on anything else?",
            ),
            Wrong(
                "it is seen the wrong way round",
                "0.5",
                "Which of the two is divided by the larger number: with the padding, or without?",
            ),
            Wrong(
                "the sum over the frames is meant, not a mean",
                "16",
                "Write both means as sum / number. The sum is the same. What are the two numbers?",
            ),
            Wrong(
                "the answer is in per cent",
                "200",
                "A factor is asked for: the new mean is the old one times how much?",
            ),
            Wrong(
                "the frames that are left are counted",
                "32",
                "Write both means as sum / number. The sum is the same. What are the two numbers?",
            ),
        ],
        hints=(
            "Write down both means: a sum, divided by a number.",
            "The zeros add nothing to the sum. By what is it divided, with the padding and without?",
            "sum / 16 is how many times sum / 32?",
        ),
        why=(
            "The sum is the same, but it is divided by 32 with padding and by 16 without. So the same sound gives "
            "other numbers, depending on which recordings share its batch."
        ),
        truth=_growth,
        numpy=True,
    ),
]
