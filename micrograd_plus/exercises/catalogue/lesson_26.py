"""Exercises of lesson 26: tic-tac-toe, learned by self-play."""

from __future__ import annotations

from random import Random
from typing import Any

from ..exercise import Exercise, Wrong


def _target() -> float:
    """The target of the exercise, as self-play takes it."""
    import numpy as np

    values = np.array([[-0.2, 0.6, 0.1, -np.inf]])  # what is taken counts as -inf
    return float(-values.max(axis=1)[0])


def _tree(random: Random) -> tuple[list[Any]]:
    """Two moves; three and two replies; each with two ends, no number twice."""
    ends = random.sample(range(-9, 10), 10)
    pairs = [ends[i : i + 2] for i in range(0, 10, 2)]
    return ([pairs[:3], pairs[3:]],)


def _exchanged() -> str:
    """The values of some positions, and of those with the colours exchanged, by a network that isn't trained."""
    from ...capstones.boards import tictactoe as rules
    from ...capstones.tictactoe import features, value_network
    from ...engine import no_grad

    boards, model = rules.Board("XX.OO....").array(), value_network(seed=0)
    with no_grad():
        value = model(features(boards, rules.X)).item()
        other = model(features(-boards, rules.O)).item()
    return "same" if other == value else "minus" if other == -value else "other"


EXERCISES = [
    Exercise(
        id="opponents_best",
        lesson=26,
        minutes=3,
        kind="predict",
        title="The opponent's best",
        task=(
            "X has just moved. O has three moves, which the network values at -0.2, 0.6 and 0.1 (for O). The game goes "
            "on after each of them. What is the target of X's position?"
        ),
        code="target = ____",
        right="-0.6",
        wrong=[
            Wrong(
                "the minus is forgotten",
                "0.6",
                "That is how good it is for O. Whose position is to be valued?",
            ),
            Wrong(
                "the opponent is taken to play its worst move",
                "0.2",
                "Which of the three moves will O choose, if it plays as well as it can?",
            ),
            Wrong(
                "the mean is taken, as if the opponent played by chance",
                "-0.5 / 3",
                "Here O doesn't choose by chance. Which move does it take?",
            ),
            Wrong(
                "the value of the opponent's worst move is taken as one's own",
                "-0.2",
                "O chooses the move itself. Would it choose that one?",
            ),
            Wrong("only the ends of games are thought to have a target", "0", "What does the rule say about the rest?"),
            Wrong(
                "the opponent's better move is taken for a sure win",
                "-1",
                "0.6 is good for O, but the network isn't sure. Take the number as it stands.",
            ),
        ],
        hints=(
            "Which move will O choose?",
            "Take the value of that move. It is O's value: what is it worth to X?",
            "minus the largest of the three",
        ),
        why="O takes its best move, which is worth 0.6 to O. What is good for O is as bad for X: minus 0.6.",
        truth=_target,
    ),
    Exercise(
        id="negamax",
        lesson=26,
        minutes=6,
        kind="write a rule",
        title="Negamax",
        task=(
            "A game is given as a tree of lists. A list holds what comes after each move. A number is the end of a "
            "game: what it is worth for the player *to move* there. What does the player to move get, when both play "
            "as well as can be?"
        ),
        code='''
            def negamax(tree):
                """What the player to move gets when both play as well as can be."""
                if not isinstance(tree, list):
                    return tree
                return ____
        ''',
        right="max(-negamax(after) for after in tree)",
        wrong=[
            Wrong(
                "the minus is forgotten",
                "max(negamax(after) for after in tree)",
                "After your move the other one is to move. For whom is the number that comes back?",
            ),
            Wrong(
                "the minus stands before the max",
                "-max(negamax(after) for after in tree)",
                "Which of its moves does the player take now, its best or its worst? Try it with the numbers 1 and -1.",
            ),
            Wrong(
                "the smallest is taken, without a minus",
                "min(negamax(after) for after in tree)",
                "That is the move after which the other one gets least: a good idea. But whose number is it?",
            ),
            Wrong(
                "chance is taken to choose",
                "sum(-negamax(after) for after in tree) / len(tree)",
                "That is the mean over all moves. But somebody chooses here.",
            ),
            Wrong(
                "only the first move is looked at",
                "-negamax(tree[0])",
                "There may be more than one move.",
            ),
        ],
        cases=[([-1, 0],), ([[1, -1], [0]],), ([[[4, -2], [7, 3]], [[5, 1]]],)],
        draw=_tree,
        drawn=1,
        hints=(
            "What is negamax of one of the positions after a move? For which player is it?",
            "What it is worth for the other one, with a minus, is what that move is worth to you. Do so for all moves.",
            "the largest of: minus negamax(after), for each after in the tree",
        ),
        why="A move is worth minus what the other player gets after it, and you take the best of your moves.",
    ),
    Exercise(
        id="colours_exchanged",
        lesson=26,
        minutes=4,
        kind="predict",
        title="Colours exchanged",
        task=(
            "You exchange the colours of all stones and ask for the value for the other player. Compare "
            "`model(features(boards, X))` and `model(features(-boards, O))`. (In `boards`, X is 1 and O is -1.) Is the "
            'second value the `"same"` as the first, `"minus"` the first, or some `"other"` number?'
        ),
        code="exchanged = ____",
        right='"same"',
        wrong=[
            Wrong(
                "a value is thought to belong to X",
                '"minus"',
                "It is a minus if only one of the two is exchanged. Here the stones and the player change.",
            ),
            Wrong(
                "the network is thought to know colours",
                '"other"',
                "Write down the 18 numbers for both. Which stones come first?",
            ),
        ],
        hints=(
            "Does the network ever see the letters X and O?",
            "The first nine numbers say where the mover's stones are. Whose are they in the one case, whose in the "
            "other?",
            "Write down the 18 numbers for both cases, and compare them one by one.",
        ),
        why=(
            "The network sees mine and theirs, not X and O. With colours and player exchanged, mine stays mine: it is "
            "given the same 18 numbers."
        ),
        truth=_exchanged,
        numpy=True,
    ),
]
