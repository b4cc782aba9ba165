"""Exercises of lesson 29: Capture Go, learned by self-play."""

from __future__ import annotations

from random import Random

from ..exercise import Exercise, Wrong

_AROUND = '''
def around(point):
    """The neighbours of a point, 0 to 24, row by row."""
    row, column = divmod(point, 5)
    near = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    return [5 * r + c for r, c in near if 0 <= r < 5 and 0 <= c < 5]
'''


def _stones(random: Random) -> tuple[str, int]:
    """A bent group of three X in the middle, which touches one free point twice, an O beside it, and some more."""
    board = list("......XX...X.............")
    board[random.choice([1, 2, 5, 8])] = "O"
    for point in random.sample(range(18, 25), 3):
        board[point] = random.choice("XO")
    return "".join(board), random.choice([6, 7, 11])


def _first_moves() -> int:
    """The points of the board, of those that are turned or mirrored copies only one."""
    from ...capstones.boards.capture_go import SYMMETRIES

    return len({frozenset(copies) for copies in SYMMETRIES.T.tolist()})


def _seven_by_seven() -> str:
    """What becomes of 2 × 49 numbers in a network with 50 inputs."""
    import numpy as np

    from ...capstones.capture_go import value_network

    try:
        value_network(seed=0)(np.zeros((1, 98), np.float32))
    except ValueError:
        return "an error"
    return "worse"


EXERCISES = [
    Exercise(
        id="count_liberties",
        lesson=29,
        minutes=7,
        kind="write a loop",
        title="Counting liberties",
        task=(
            "Count the liberties of the group to which the stone on `start` belongs. A board is a text of 25 "
            'characters, `"X"`, `"O"` or `"."`; `around(point)` gives the neighbours of a point. Which neighbours '
            "belong to the group and are new? And what is the answer?"
        ),
        setup=_AROUND,
        code='''
            def liberties(board, start):
                """How many liberties the group of the stone on this point has."""
                group, free, waiting = {start}, [], [start]
                while waiting:
                    for near in around(waiting.pop()):
                        if board[near] == ".":
                            free.append(near)
                        elif ____ and near not in group:
                            group.add(near)
                            waiting.append(near)
                return ____
        ''',
        right=("board[near] == board[start]", "len(set(free))"),
        wrong=[
            Wrong(
                "a point that two stones touch is counted twice",
                ("board[near] == board[start]", "len(free)"),
                "A free point between two stones of the group: how often is it in the list?",
            ),
            Wrong(
                "stones of the other colour are taken into the group",
                ('board[near] != "."', "len(set(free))"),
                "May a group have stones of both colours?",
            ),
            Wrong(
                "only the first stone is looked at",
                ("False", "len(set(free))"),
                "How does the walk get to the other stones of the group?",
            ),
            Wrong(
                "the stones are counted, not the free points",
                ("board[near] == board[start]", "len(group)"),
                "That is how many stones the group has.",
            ),
            Wrong(
                "the points themselves are returned",
                ("board[near] == board[start]", "set(free)"),
                "Those are the right points. How many are they?",
            ),
            Wrong(
                "the group grows into the other colour only",
                ("board[near] != board[start]", "len(set(free))"),
                "Which colour has a stone that belongs to the group?",
            ),
        ],
        cases=[("............X............", 12), ("......XX...X.............", 6), (".......X...XOX..........O", 12)],
        draw=_stones,
        hints=(
            "A group has one colour: that of the stone on start.",
            "A free point may be found from two stones. What keeps each thing once?",
            'elif board[near] == (the colour on start) …; and in the end, how many *different* points "free" holds',
        ),
        why="The walk goes on to stones of the same colour. A free point that two of them touch is one liberty.",
    ),
    Exercise(
        id="different_first_moves",
        lesson=29,
        minutes=4,
        kind="predict",
        title="The same move, turned",
        task=(
            "There are 25 first moves. But a1, a5, e1 and e5 are the same move, if the board is turned. How many first "
            "moves are really different, with all turnings and mirrorings?"
        ),
        code="different_moves = ____",
        right="6",
        wrong=[
            Wrong("no two moves are taken as the same", "25", "Are all four corners different?"),
            Wrong(
                "the 25 points are divided by the eight symmetries",
                "25 / 8",
                "Not every point has eight copies. How many has the middle, how many a corner?",
            ),
            Wrong(
                "the 25 points are divided by the eight symmetries, and rounded down",
                "3",
                "Not every point has eight copies. How many has the middle, how many a corner?",
            ),
            Wrong(
                "the 25 points are divided by the eight symmetries, and rounded up",
                "4",
                "Not every point has eight copies. How many has the middle, how many a corner?",
            ),
            Wrong(
                "the mirrorings are forgotten",
                "7",
                "Are b1 and d1 different? Look at the board in a mirror.",
            ),
            Wrong(
                "only left and right are exchanged",
                "15",
                "That is for one mirror. The board may be turned, too.",
            ),
            Wrong(
                "a quarter of the board is counted",
                "9",
                "In that quarter there is one more mirror: along the diagonal.",
            ),
        ],
        hints=(
            "Draw the board, and give all copies of a corner the same letter. Then go on with the next free point.",
            "The middle has one copy. Corners have four, and so have the middles of the edges. Which point has eight?",
            "A triangle of the board is enough: corner, middle of the edge, centre of the board. Count its points.",
        ),
        why=(
            "A triangle with 3 + 2 + 1 points holds one of each kind: the corner, two more on the edge, two on the "
            "ring inside, and the middle."
        ),
        truth=_first_moves,
    ),
    Exercise(
        id="larger_board",
        lesson=29,
        minutes=3,
        kind="predict",
        title="A larger board",
        task=(
            'You give this network, trained on 5 × 5, a board of 7 × 7. Does it play `"as well"`, `"worse"`, or do you '
            'get `"an error"`?'
        ),
        code="larger_board = ____",
        right='"an error"',
        wrong=[
            Wrong(
                "what was learned is thought to be about stones, not about inputs",
                '"as well"',
                "How many inputs has the first layer, and how many numbers describe 49 points?",
            ),
            Wrong(
                "the network is thought to take a board of any size",
                '"worse"',
                "What is the shape of the first layer's weights?",
            ),
        ],
        hints=(
            "What does the network get for a board?",
            "5 × 5 gives 50 numbers. How many does 7 × 7 give?",
            "98 numbers times weights for 50",
        ),
        why=(
            "The first layer has weights for 50 numbers, and 7 × 7 gives 98: the shapes don't fit. Convolutions take a "
            "board of any size, but a Linear layer behind them doesn't, either."
        ),
        truth=_seven_by_seven,
        numpy=True,
    ),
]
