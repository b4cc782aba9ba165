"""Exercises of lesson 28: king and rook against king, learned from a solver."""

from __future__ import annotations

from random import Random

from ..exercise import Exercise, Wrong


def _reached(random: Random) -> tuple[str, list[int]]:
    """Somebody to move, and four different depths, the least and the greatest of them inside."""
    least, *others, greatest = sorted(random.sample(range(2, 15), 4))
    return random.choice(["white", "black"]), [others[1], greatest, least, others[0]]


def _classes(random: Random) -> tuple[list[int], float]:
    """Three classes whose square roots are whole numbers, and a balance that is neither 0 nor 1."""
    return [n * n for n in random.sample([1, 3, 5, 10, 20, 40], 3)], random.choice([0.25, 0.5, 0.75])


def _mates_in_300() -> int:
    """Ten games of a player who adds 2 to each depth, and so many more of the same kind."""
    import numpy as np

    from ...capstones.boards.rook_endgame import random_boards
    from ...capstones.rook_endgame import NetPlayer, play_matches

    class TwoMore(NetPlayer):
        def __init__(self) -> None:
            pass  # it needs no network

        def expected_moves(self, boards: list) -> np.ndarray:
            return np.array([board.moves_to_mate + 2 for board in boards])

    results = play_matches(TwoMore(), random_boards(10, seed=0))
    return 30 * sum(moves is not None for moves in results)


EXERCISES = [
    Exercise(
        id="retrograde_step",
        lesson=28,
        minutes=5,
        kind="write a rule",
        title="A step backwards",
        task=(
            "The step of the solver. You know the depths of all positions that can be reached. What is the depth of "
            'this one? `turn` is `"white"` or `"black"`, and `after` a list of numbers.'
        ),
        code='''
            def depth(turn, after):
                """Moves to mate, counted in white's moves, when both play as well as can be."""
                return ____
        ''',
        right='1 + min(after) if turn == "white" else max(after)',
        wrong=[
            Wrong(
                "white's own move isn't counted",
                'min(after) if turn == "white" else max(after)',
                "The best position that white can reach is a mate: depth 0. How many moves of white has that taken?",
            ),
            Wrong(
                "black's moves are counted, too",
                '1 + (min(after) if turn == "white" else max(after))',
                "Whose moves are counted? Read the line below def.",
            ),
            Wrong(
                "min and max are exchanged",
                '1 + max(after) if turn == "white" else min(after)',
                "Who of the two is in a hurry?",
            ),
            Wrong(
                "the two players are exchanged",
                'max(after) if turn == "white" else 1 + min(after)',
                "Which of the two wants mate soon? And whose moves are counted?",
            ),
            Wrong(
                "black is treated like white",
                "1 + min(after)",
                "Black chooses, too, and wants something else. And whose moves are counted?",
            ),
            Wrong(
                "black is taken to help white",
                '1 + min(after) if turn == "white" else min(after)',
                "Black chooses, too. Which position does black want?",
            ),
            Wrong(
                "both are taken to choose by chance",
                '1 + sum(after) / len(after) if turn == "white" else sum(after) / len(after)',
                "That is the mean. But both choose here, and both know the numbers.",
            ),
        ],
        cases=[("white", [3, 0, 5]), ("black", [3, 1, 5]), ("white", [7, 4]), ("black", [2])],
        draw=_reached,
        hints=(
            "White wants to mate soon, black as late as can be.",
            "One of the two takes the smallest number, the other the largest. And only white's moves are counted.",
            "white: one more than the smallest; black: the largest",
        ),
        why="White picks the nearest mate, and has used one move for it. Black picks the farthest.",
    ),
    Exercise(
        id="balanced_shares",
        lesson=28,
        minutes=5,
        kind="write a rule",
        title="Balanced sampling",
        task=(
            "`counts` says how many positions each class has. A class with `n` positions is drawn with a weight of "
            "`n ** balance`. What share of a batch does each class get? Return a list of shares that add up to 1."
        ),
        code='''
            def shares(counts, balance):
                """The share of each class in a batch."""
                return ____
        ''',
        right="[n**balance / sum(m**balance for m in counts) for n in counts]",
        wrong=[
            Wrong(
                "the weights aren't made into shares",
                "[n**balance for n in counts]",
                "Add up what you return. What should that give?",
            ),
            Wrong(
                "balance is left out",
                "[n / sum(counts) for n in counts]",
                "That is how often each class comes as it is. What does balance change?",
            ),
            Wrong(
                "the weights are divided by the number of positions",
                "[n**balance / sum(counts) for n in counts]",
                "Shares add up to 1 if you divide by the sum of what you divide. Of what is that?",
            ),
            Wrong(
                "the sum is raised, not each count",
                "[n**balance / sum(counts)**balance for n in counts]",
                "Is (a + b) ** 0.5 the same as a ** 0.5 + b ** 0.5? Try it with 9 and 16.",
            ),
            Wrong(
                "the rarest class comes most often",
                "[1 / n / sum(1 / m for m in counts) for n in counts]",
                "With balance 1 the classes come as they are. Which of them is the most frequent then, and in yours?",
            ),
            Wrong(
                "all classes are made equally frequent",
                "[1 / len(counts) for n in counts]",
                "That is right for one value of balance only. Which one?",
            ),
            Wrong(
                "balance is multiplied, not raised to",
                "[n * balance / sum(m * balance for m in counts) for n in counts]",
                "Two stars: a power. What becomes of a factor that stands above and below?",
            ),
        ],
        cases=[([1, 9, 100], 0.5), ([30, 10], 1.0), ([30, 10], 0.0)],
        draw=_classes,
        hints=(
            "First the weight of each class, then what all weights add up to.",
            "A share is one weight, divided by the sum of all weights.",
            "[n ** balance / (the sum of m ** balance over all counts) for n in counts]",
        ),
        why="Chances are weights divided by their sum. With balance 0.5, 100 times as many count 10 times as much.",
    ),
    Exercise(
        id="never_right",
        lesson=28,
        minutes=4,
        kind="predict",
        title="Never right",
        task=(
            "A network says two moves more than the truth for every position, so its accuracy is 0 %. It takes the "
            "move with the smallest number. How many of 300 games does it mate in?"
        ),
        code="mates_of_300 = ____",
        right="300",
        wrong=[
            Wrong(
                "who is never right is thought not to be able to play",
                "0",
                "It takes the smallest number of all moves. Write down the true numbers of three moves, and what it "
                "says. Which one does it take?",
            ),
            Wrong(
                "it is thought to play as if by tossing a coin",
                "150",
                "Nothing is left to chance here. Write down the true numbers of three moves, and what it says.",
            ),
            Wrong(
                "it is thought to need two moves too many, and to fail near the end",
                "298",
                "What does it say of a mate, and what of all other moves? Which is smaller?",
            ),
            Wrong(
                "the mates are thought to be lost, since it never says 0",
                "299",
                "It never says 0. But which of the numbers that it does say is the smallest?",
            ),
        ],
        hints=(
            "What does a player do with the numbers?",
            "Three moves lead to depths 4, 0 and 7. What does it say of them, and which does it take?",
            "Adding the same to all numbers doesn't change which is the smallest.",
        ),
        why="Only the order of the moves counts. Two more for all leaves the order as it is: it plays like the solver.",
        truth=_mates_in_300,
        numpy=True,
    ),
]
