"""Exercises of lesson 27: Connect Four, learned by self-play."""

from __future__ import annotations

from random import Random
from typing import Any

from ..exercise import Exercise, Wrong


def _asked() -> int:
    """How many positions a search of three moves asks about, counted."""
    import numpy as np

    from ...capstones.boards import connect_four as rules

    asked = []

    def judge(movers: Any, others: Any) -> Any:
        asked.append(len(movers))
        return np.zeros(len(movers), np.float32)

    rules.search(*rules.empty(1), 3, judge)
    return sum(asked)


def _game(random: Random) -> tuple[list[float], float, float]:
    """The best values of five turns, the result, and λ."""
    best = [random.choice([-1, 1]) * random.randint(1, 9) / 10 for _ in range(4)]
    return [*best, 1.0], 1.0, random.choice([0.2, 0.4, 0.7, 0.9])


def _six_bits() -> str:
    """Tries all ways to put four discs on one shift's squares, and all true lines, without the seventh bit."""
    columns, rows = 7, 6
    steps = (1, rows - 1, rows, rows + 1)

    def found(squares: set[int]) -> bool:
        return any(all(start + k * step in squares for k in range(4)) for start in squares for step in steps)

    lines = [
        {rows * (c + k * right) + r + k * up for k in range(4)}
        for right, up in ((0, 1), (1, -1), (1, 0), (1, 1))
        for c in range(columns)
        for r in range(rows)
        if c + 3 * right < columns and 0 <= r + 3 * up < rows
    ]
    fours = [{start + k * step for k in range(4)} for start in range(columns * rows) for step in steps]
    seen = [four for four in fours if max(four) < columns * rows and four not in lines]
    if not all(map(found, lines)):
        return "missed"
    return "invented" if seen else "nothing"


_MIXTURE = "-((1 - lam) * best[t + 1] + lam * targets[t + 1])"

EXERCISES = [
    Exercise(
        id="positions_asked",
        lesson=27,
        minutes=3,
        kind="predict",
        title="A search of three moves",
        task=(
            "A search of three moves starts on the empty board. How many positions is the network asked about? (It is "
            "asked only where the search ends, and nothing is left out.)"
        ),
        code="asked = ____",
        right="343",
        wrong=[
            Wrong("the moves are added up", "21", "After each of the first moves, how many replies are there?"),
            Wrong(
                "positions on the way are counted, too",
                "399",
                "The search goes through those on its way. Where does it ask the network?",
            ),
            Wrong("the last move is forgotten", "49", "That is the number after two moves. What comes then?"),
            Wrong("one move too many is looked at", "2401", "How many moves are made before the network is asked?"),
            Wrong(
                "each column is thought to be free once only",
                "7 * 6 * 5",
                "A column holds six discs. Which columns are open to the reply?",
            ),
            Wrong("base and exponent are swapped", "2187", "How many choices are there at each of the three moves?"),
        ],
        hints=(
            "How many positions are there after the first move?",
            "Each of these has seven replies. And each position after that?",
            "7 for the first move, times 7 for the reply, times …",
        ),
        why="Seven choices, three times: 7 · 7 · 7 = 343. Each further move makes it seven times as many.",
        truth=_asked,
    ),
    Exercise(
        id="td_targets",
        lesson=27,
        minutes=6,
        kind="fill a blank",
        title="TD(λ) for one game",
        task=(
            "Write TD(λ) for one game without chance moves. `best[t]` is what the network thinks of the best move in "
            "turn `t`, for the player to move. `result` is what the last move brought its player. A target mixes what "
            "is expected of the opponent's turn (share `1 - lam`) with what came of it (share `lam`)."
        ),
        code='''
            def td_targets(best, result, lam):
                """The target of the position after each move, for the player who made it."""
                targets = [0.0] * len(best)
                targets[-1] = result
                for t in reversed(range(len(best) - 1)):
                    targets[t] = ____
                return targets
        ''',
        right=_MIXTURE,
        wrong=[
            Wrong(
                "the minus is forgotten",
                "(1 - lam) * best[t + 1] + lam * targets[t + 1]",
                "Both are numbers of the opponent. What are they worth to the one who just moved?",
            ),
            Wrong(
                "the minus is given to one part alone",
                "-(1 - lam) * best[t + 1] + lam * targets[t + 1]",
                "For whom is the target of the next position? Look at a game of two moves, with lam = 1.",
            ),
            Wrong(
                "the minus is given to the other part alone",
                "(1 - lam) * best[t + 1] - lam * targets[t + 1]",
                "For whom is best[t + 1]: for the one who moves in turn t + 1, or for the one who moved before?",
            ),
            Wrong(
                "the result itself is taken in each turn",
                "-((1 - lam) * best[t + 1] + lam * result)",
                "`result` belongs to the player of the last move. For which player is it in the turns before?",
            ),
            Wrong(
                "the shares are swapped",
                "-(lam * best[t + 1] + (1 - lam) * targets[t + 1])",
                "With lam = 1 the result alone should count. Try it.",
            ),
            Wrong(
                "the best value of one's own turn is taken",
                "-((1 - lam) * best[t] + lam * targets[t + 1])",
                "After move t it is the opponent's turn. Which number has that turn?",
            ),
            Wrong(
                "the result is handed back whole",
                "-targets[t + 1]",
                "That is the target with lam = 1. What belongs in it for other values of lam?",
            ),
            Wrong(
                "only the next guess counts",
                "-best[t + 1]",
                "That is the target of lesson 26, with lam = 0. How does the result come in?",
            ),
        ],
        cases=[([0.1, 0.2, 1.0], 1.0, 0.5)],
        draw=_game,
        say="td_targets(best={}, result={}, lam={})",
        hints=(
            "Whose turn comes after move t? Which two numbers speak of that turn?",
            "best[t + 1] is what was expected of it, targets[t + 1] what came of it. Both belong to the opponent.",
            "minus the sum of: (1 - lam) times the one, lam times the other",
        ),
        why=(
            "A position is as good for the one who moved as the opponent's turn is bad. That turn is judged by what "
            "was expected and by what came of it, in shares 1 - λ and λ."
        ),
    ),
    Exercise(
        id="six_bits",
        lesson=27,
        minutes=4,
        kind="predict",
        title="Without the seventh bit",
        task=(
            "A column has 6 bits in place of 7. The squares are then numbered without gaps: bit 6 is the bottom of the "
            "second column. Neighbours are 1, 5, 6 or 7 bits apart. What goes wrong when four in a line are looked "
            'for: `"nothing"`, or are wins `"missed"`, or are wins `"invented"` that are none?'
        ),
        code="six_bits = ____",
        right='"invented"',
        wrong=[
            Wrong(
                "the seventh bit is taken for a waste",
                '"nothing"',
                "Which square comes after bit 5, the top of the first column?",
            ),
            Wrong(
                "a line is thought to be torn apart",
                '"missed"',
                "Take any true line. Are its squares still the same step apart, one after the other?",
            ),
        ],
        hints=(
            "Number the squares of the first two columns, from the bottom up.",
            "Which squares are the bits 4, 5, 6 and 7? Are they in a line on the board?",
            "Ask both ways: is each true line still found? Is all that is found a true line?",
        ),
        why=(
            "Bits 4 to 7 would be the top of one column and the bottom of the next: four in a row for the shift, but "
            "not on the board. The seventh bit is always 0 and keeps the columns apart."
        ),
        truth=_six_bits,
    ),
]
