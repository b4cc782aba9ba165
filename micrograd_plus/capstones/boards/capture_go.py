"""Capture Go on 5 × 5: the rules, for one board to read and for many games at once, and players who need not learn.

Also called Atari Go: the first to capture a stone wins (Y. Yasuda's game for beginners). Players put a stone on a free
point in turn; stones of one colour that touch (not diagonally) are a group; the free points around a group are its
liberties; a group without a liberty is captured. Here:

- The other's groups are looked at first: who captures has won, even if the stone itself had no liberty before.
- Whoever takes the last liberty of a group of their own, and captures nothing, has lost (suicide).
- Nobody may pass. A board can't fill up without a winner: the last stone takes everybody's last liberty.

Many games are two arrays of uint32, `mine` and `theirs`: the stones of the player to move and those of the other, one
number a game, one bit a point (a bitboard). A row has 5 points but 6 bits: the last one stays 0, so that the end of one
row doesn't touch the beginning of the next.

    row 5    0  1  2  3  4   (5)
    row 4    6  7  8  9 10  (11)
    …
    row 1   24 25 26 27 28  (29)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...nn.init import generator

SIZE, STRIDE = 5, 6
POINTS = np.array([1 << STRIDE * row + column for row in range(SIZE) for column in range(SIZE)], np.uint32)
ALL_POINTS = np.bitwise_or.reduce(POINTS)
LETTERS = "abcde"  # of the columns, as players write a point: c3 is the middle

Judge = Callable[[np.ndarray, np.ndarray], np.ndarray]  # values of positions for the one who moved: see `move_values`

# The eight turns and mirrorings of the board: boards[:, SYMMETRIES[k]] are the boards as seen in the k-th of them.
_BOARD = np.arange(SIZE * SIZE).reshape(SIZE, SIZE)
SYMMETRIES = np.array([np.rot90(b, turns).ravel() for b in (_BOARD, _BOARD.T) for turns in range(4)])


# -- one board ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Board:
    """A board that people can read: 25 characters, "X", "O" or "." for a free point, row by row. It never changes.

    Moves are numbered 0 to 24, row by row from the top; people type "c3" (see `parse`). X begins.

    >>> board = Board().play(12).play(7)
    >>> print(board)
    5  . . . . .
    4  . . O . .
    3  . . X . .
    2  . . . . .
    1  . . . . .
       a b c d e
    >>> board.turn, board.winner, len(board.legal_moves()), board.name_of(7)
    ('X', None, 23, 'c4')
    """

    points: str = "." * (SIZE * SIZE)

    def __post_init__(self) -> None:
        if len(self.points) != SIZE * SIZE or set(self.points) - set("XO."):
            raise ValueError(f"a board has 25 points, each X, O or . (free), row by row; got {self.points!r}")
        if self.points.count("X") - self.points.count("O") not in (0, 1):
            raise ValueError(f"X begins and the players take turns, so {self.points!r} can't come about")

    @property
    def turn(self) -> str:
        """Who is to move: "X" or "O"."""
        return "X" if self.points.count("X") == self.points.count("O") else "O"

    @property
    def winner(self) -> str | None:
        """ "X" or "O" when a group has no liberty left, None while the game goes on; nobody draws."""
        mine, theirs = self.bits()  # the other has moved last, so captures of mine count first
        me, other = ("X", "O") if self.turn == "X" else ("O", "X")
        if has_dead(mine, theirs)[0]:
            return other
        return me if has_dead(theirs, mine)[0] else None

    def legal_moves(self) -> list[int]:
        """The free points; none when the game is over."""
        return [] if self.winner else [i for i, point in enumerate(self.points) if point == "."]

    def play(self, move: int) -> Board:
        """The board after a stone of the player whose turn it is. ValueError for a move that isn't legal."""
        if move not in self.legal_moves():
            raise ValueError(f"move {move!r} is not legal here; legal are {self.legal_moves()} (counted from 0)")
        return Board(self.points[:move] + self.turn + self.points[move + 1 :])

    def parse(self, text: str) -> int:
        """The move that somebody typed: "c3" is the middle. ValueError with a sentence to show for any other text.

        >>> Board().play(12).parse("C3")
        Traceback (most recent call last):
            ...
        ValueError: c3 is taken: choose a free point, from a1 (below, on the left) to e5
        """
        if self.winner:
            raise ValueError("the game is over: there is nothing left to play")
        typed = text.strip().lower()
        names = [self.name_of(move) for move in range(SIZE * SIZE)]
        if typed in names and names.index(typed) in self.legal_moves():
            return names.index(typed)
        problem = f"{typed} is taken" if typed in names else f"{text.strip()!r} is not the name of a point"
        raise ValueError(f"{problem}: choose a free point, from a1 (below, on the left) to e5")

    def name_of(self, move: int) -> str:
        """What people type for a move: a letter for the column, a number for the row, counted from below."""
        return f"{LETTERS[move % SIZE]}{SIZE - move // SIZE}"

    def bits(self) -> tuple[np.ndarray, np.ndarray]:
        """The same board among many: (mine, theirs), each of shape (1,)."""
        me, other = ("X", "O") if self.turn == "X" else ("O", "X")
        return tuple(  # type: ignore[return-value]
            np.array([sum(int(POINTS[i]) for i, point in enumerate(self.points) if point == colour)], np.uint32)
            for colour in (me, other)
        )

    def __str__(self) -> str:
        rows = [f"{SIZE - r}  {' '.join(self.points[SIZE * r : SIZE * r + SIZE])}" for r in range(SIZE)]
        return "\n".join([*rows, f"   {' '.join(LETTERS)}"])


# -- many games at once ------------------------------------------------------------------------------------------------


def empty(games: int) -> tuple[np.ndarray, np.ndarray]:
    """(mine, theirs) of so many games that have not begun."""
    return np.zeros(games, np.uint32), np.zeros(games, np.uint32)


def neighbours(points: np.ndarray) -> np.ndarray:
    """The points that touch these, as bits; they may be among these themselves.

    >>> bin(neighbours(POINTS[0]))  # of the corner: the point to the right, and the one below
    '0b1000010'
    """
    return (points << 1 | points >> 1 | points << STRIDE | points >> STRIDE) & ALL_POINTS


def flood(start: np.ndarray, stones: np.ndarray) -> np.ndarray:
    """All of these stones that hang together with `start`: it spreads to touching stones until it grows no more."""
    filled = start & stones
    while True:
        more = filled | neighbours(filled) & stones
        if (more == filled).all():
            return filled
        filled = more


def has_dead(stones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether one of the groups of `stones` has no liberty: what life there is spreads from the free points.

    >>> stones, others = np.array([POINTS[0]]), np.array([POINTS[1] | POINTS[5]])
    >>> has_dead(stones, others), has_dead(others, stones)
    (array([ True]), array([False]))
    """
    free = ALL_POINTS & ~(stones | others)
    return flood(neighbours(free), stones) != stones


def least_liberties(stones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How many liberties the group of `stones` has that has the fewest, game by game; 99 where there is no stone.

    >>> o, x = Board(".......X...XOX..........O").bits()  # O is to move; its stone on c3 has one liberty left
    >>> least_liberties(o, x), least_liberties(x, o)
    (array([1]), array([3]))
    """
    free = ALL_POINTS & ~(stones | others)
    of_each = [  # of the group to which the stone on this point belongs
        np.where(stones & point, points(neighbours(flood(point & stones, stones)) & free).sum(axis=1), 99)
        for point in POINTS
    ]
    return np.min(of_each, axis=0)


def points(bits: np.ndarray) -> np.ndarray:
    """Bitboards spread out: (games, 25) of bool, row by row from the top.

    >>> np.flatnonzero(points(Board().play(12).bits()[1]))
    array([12])
    """
    return (bits[..., None] & POINTS) != 0


def outcomes(movers: np.ndarray, others: np.ndarray) -> np.ndarray:
    """What a move has brought the one who made it, game by game: 1 a win, -1 a loss, 0 while the game goes on."""
    return np.where(has_dead(others, movers), 1, np.where(has_dead(movers, others), -1, 0))


def random_points(mine: np.ndarray, theirs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A free point for each game, each equally likely: (games,), 0 to 24."""
    free = ~points(mine | theirs)
    return np.where(free, rng.random(free.shape), -1.0).argmax(axis=1)


def tries(mine: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A stone on each point of each game: my stones with it, and what it brings (see `outcomes`), both (games, 25).

    Where a stone is already, the outcome means nothing.
    """
    after, others = mine[:, None] | POINTS, np.broadcast_to(theirs[:, None], (len(mine), POINTS.size))
    return after, outcomes(after, others)


def move_values(mine: np.ndarray, theirs: np.ndarray, judge: Judge) -> np.ndarray:
    """How good each point is for the player to move: (games, 25), -inf where a stone is.

    A capture is worth 1 and a suicide -1; of the others judge(movers, others) says the value, from -1 to 1, for the one
    who has just moved.
    """
    free = ~points(mine | theirs)
    after, outcome = tries(mine, theirs)
    values = np.where(free, outcome, -np.inf).astype(np.float32)
    game, point = np.nonzero(free & (outcome == 0))
    if len(game):
        values[game, point] = judge(after[game, point], theirs[game])
    return values


def play_match(first: Player, second: Player, games: int) -> np.ndarray:
    """So many games of two players at once. Returns for each: 1 if `first` won, -1 if `second` won.

    >>> results = play_match(Tactician(seed=0), RandomPlayer(seed=0), games=100)
    >>> int(sum(results == 1)) > 80
    True
    """
    (mine, theirs), results, running = empty(games), np.zeros(games, int), np.arange(games)
    for turn in range(SIZE * SIZE):
        player, sign = (first, 1) if turn % 2 == 0 else (second, -1)
        mine = mine | POINTS[player.moves(mine, theirs)]
        outcome = outcomes(mine, theirs)
        results[running] = sign * outcome
        on = outcome == 0
        mine, theirs, running = theirs[on], mine[on], running[on]  # the other is to move
        if not len(running):
            break
    return results


# -- players -----------------------------------------------------------------------------------------------------------


class Player:
    """Who can be asked for a move: on one board (`choose`), or in many games at once (`moves`, subclasses write it)."""

    def moves(self, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        """A free point for each game, none of which is over: (games,), 0 to 24."""
        raise NotImplementedError(f"{type(self).__name__} needs a method moves(self, mine, theirs)")

    def choose(self, board: Board) -> int:
        """The move on one board, 0 to 24. ValueError when the game is over."""
        if board.winner:
            raise ValueError(f"the game is over ({board.winner}): there is no move to choose")
        return int(self.moves(*board.bits())[0])


class RandomPlayer(Player):
    """Any free point. seed: for games that can be repeated."""

    def __init__(self, seed: int | None = None):
        self.rng = generator(seed)

    def moves(self, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        """A free point for each game."""
        return random_points(mine, theirs, self.rng)


class Tactician(Player):
    """Captures if it can; else leaves nothing that can be captured at once, if it can; else plays anywhere.

    So it looks at its own move and at the reply. seed: for games that can be repeated.

    >>> board = Board("XO......................." )
    >>> board.name_of(Tactician(seed=0).choose(board))  # X has one liberty left, and this gives it one more
    'a4'
    """

    def __init__(self, seed: int | None = None):
        self.rng = generator(seed)

    def moves(self, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        """A free point for each game."""
        return move_values(mine, theirs, self.safe).argmax(axis=1)

    def safe(self, movers: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Above 0 where the other can't capture at once, below 0 where it can; which one of them is left to chance."""
        replies = tries(others, movers)[1]
        captured = ((replies == 1) & ~points(movers | others)).any(axis=1)
        return np.where(captured, -0.5, 0.5) + 0.4 * self.rng.random(len(movers))
