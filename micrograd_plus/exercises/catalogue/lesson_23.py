"""Exercises of lesson 23: who is speaking."""

from __future__ import annotations

from random import Random

from ..exercise import Exercise, Wrong


def _gate(random: Random) -> tuple[float, float, float]:
    """An old state, a proposal, and a gate that is no extreme."""
    h, n = random.sample([-0.8, -0.6, 0.3, 0.5, 0.9], 2)
    return h, n, random.choice([0.2, 0.3, 0.7, 0.9])


def _states(random: Random) -> tuple[list[list[float]], list[int]]:
    """The states of three recordings, padded with what a network without lengths would go on to compute."""
    lengths = random.sample([2, 3, 4, 5], 3)
    frames = max(lengths)
    states = [[round(random.uniform(-0.9, 0.9), 2) for _ in range(frames)] for _ in lengths]
    return states, lengths


EXERCISES: list[Exercise] = [
    Exercise(
        id="gated_state",
        lesson=23,
        minutes=3,
        kind="write a rule",
        title="What a gate lets through",
        task=(
            "Write how a GRU's gate mixes one number of the state: the old one `h`, the proposal `n`, the gate `z`. "
            "The more `z` is, the more of the old one stays."
        ),
        code='''
            def new_state(h, n, z):
                """The next state: z says how much of the old one stays."""
                return ____
        ''',
        right="(1 - z) * n + z * h",
        wrong=[
            Wrong(
                "z lets the proposal in, and not the old state stay",
                "z * n + (1 - z) * h",
                "Some papers write it like this. But try z = 1: what does this lesson say should come out?",
            ),
            Wrong(
                "the proposal is added in full",
                "n + z * h",
                "Try z = 1: only the old state should be left. What else comes out?",
            ),
            Wrong(
                "the old state is kept in full",
                "(1 - z) * n + h",
                "Try z = 0: only the proposal should be left. What else comes out?",
            ),
            Wrong(
                "the gate is a switch, open or shut",
                "h if z > 0.5 else n",
                "A gate can be half open. And what would the slope with respect to z be?",
            ),
            Wrong(
                "the two are mixed half and half",
                "(h + n) / 2",
                "Where does the gate come in?",
            ),
            Wrong(
                "the gate stands before both",
                "z * (h + n)",
                "Try z = 0: the old state goes, and something new should come in its place. What is left of it?",
            ),
            Wrong(
                "the proposal is forgotten",
                "z * h",
                "This fades away whatever is heard. What comes in place of what goes?",
            ),
        ],
        cases=[(0.5, -0.8, 1.0), (0.5, -0.8, 0.0), (0.5, -0.8, 0.25)],
        draw=_gate,
        say="new_state(h={}, n={}, z={})",
        hints=(
            "Begin with the extremes: z = 1 keeps the old state as it is, z = 0 replaces it.",
            "It is a weighted mean of h and n. The two weights add up to 1.",
            "return (a weight) * n + z * h",
        ),
        why="A weighted mean: the old state counts z, the proposal the rest, 1 - z.",
    ),
    Exercise(
        id="last_real_state",
        lesson=23,
        minutes=4,
        kind="find the bug",
        title="The last frame that is real",
        task=(
            "This should give, for each recording of a batch, the state after its last *real* frame. For recordings "
            "shorter than the longest of the batch it gives something else. Find the bug and mend it."
        ),
        code='''
            def last_real_states(states, lengths):
                """The states after the last real frames; states[i][t] is that of recording i at frame t."""
                return [____ for of_one, length in zip(states, lengths)]
        ''',
        bug="of_one[-1]",
        right="of_one[length - 1]",
        wrong=[
            Wrong(
                "the end of the padding is taken for the end of the recording",
                "of_one[max(lengths) - 1]",
                "Every recording has an end of its own. This is the end of the longest.",
            ),
            Wrong(
                "the frame behind the end is taken",
                "of_one[min(length, len(of_one) - 1)]",
                "Frames are counted from 0. Which number does the third frame have?",
            ),
            Wrong(
                "one is taken off twice",
                "of_one[length - 2]",
                "Of a recording of three frames, which number does the last one have?",
            ),
            Wrong(
                "it is counted from the end of the padded recording",
                "of_one[-length]",
                "An index below 0 counts from the end of the list, and the padding is there.",
            ),
            Wrong(
                "the mean of all real frames is taken",
                "sum(of_one[:length]) / length",
                "That is pooling, as in lesson 22. Here a single state is asked for.",
            ),
            Wrong(
                "the states of all real frames are returned",
                "of_one[:length]",
                "These are all of them. Which one is asked for?",
            ),
        ],
        cases=[([[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]], [4, 2]), ([[0.3, 0.9, 0.4], [0.2, 0.8, 0.6]], [1, 3])],
        draw=_states,
        say="last_real_states(states={}, lengths={})",
        hints=(
            "Which element does the index -1 take? Is that a real frame of a short recording?",
            "A recording of `length` frames has them at the places 0 to …",
            "of_one[(the place of its last real frame, from its length)]",
        ),
        why="Counted from 0, the last of `length` frames stands at length - 1; behind it there is padding.",
    ),
    Exercise(
        id="frames_shuffled",
        lesson=23,
        minutes=3,
        kind="predict",
        title="Shuffled frames for the rival",
        task=(
            "The logistic regression on twelve means has learned from recordings in order. Now the real frames of each "
            'test recording are shuffled. Compare how many it gets right: `"fewer"`, `"equal"` or `"more"`?'
        ),
        code="rival_on_shuffled = ____",
        right='"equal"',
        wrong=[
            Wrong(
                "shuffling is held to harm every model, as it harmed the GRU",
                '"fewer"',
                "Write down its input: what is left of a recording in twelve means?",
            ),
            Wrong(
                "shuffling is taken for a kind of augmentation",
                '"more"',
                "It has finished learning: nothing is augmented. What does it get to see of a shuffled recording?",
            ),
        ],
        hints=(
            "Which numbers is this model given?",
            "Each is a sum over the frames, divided by their number.",
            "Does a sum change if its terms are added in another order?",
        ),
        why="A mean doesn't depend on the order of what is added up, so its input is the same, and so is its answer.",
        truth=lambda: _rival_on_shuffled(),
        numpy=True,
    ),
]


def _rival_on_shuffled() -> str:
    """Trains the logistic regression for a moment, and compares its share in order and shuffled."""
    import numpy as np

    from ... import nn, optim
    from ...data import load_japanese_vowels

    (X, n, y), (X_test, n_test, y_test) = load_japanese_vowels()
    A = X.sum(axis=1) / n[:, None]
    model = nn.Linear(12, 9, dtype=np.float32, seed=0)
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    for _ in range(100):
        optimizer.zero_grad()
        nn.cross_entropy(model(A), y).backward()
        optimizer.step()

    order = np.random.default_rng(0)
    mixed = np.zeros_like(X_test)
    for to, of, length in zip(mixed, X_test, n_test, strict=True):
        to[:length] = of[order.permutation(length)]

    def share(recordings: np.ndarray) -> float:
        return float((model(recordings.sum(axis=1) / n_test[:, None]).numpy().argmax(axis=1) == y_test).mean())

    before, after = share(X_test), share(mixed)
    return "equal" if abs(after - before) < 0.01 else "fewer" if after < before else "more"
