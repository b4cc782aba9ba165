"""Connect Four: the rules, for one board to read and for many games at once, and players who need not learn.

Many games are two arrays of uint64, `mine` and `theirs`: the discs of the player to move and those of the other, one
number a game, one bit a square (a bitboard). Bit 7·column + row is the square in that column, rows counted from the
bottom. A column has 6 squares but 7 bits: the top one stays 0, so that no line runs over from one column into the next.

    row 5    5 12 19 26 33 40 47
    …        …
    row 0    0  7 14 21 28 35 42
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...nn.init import generator

COLUMNS, ROWS, STRIDE = 7, 6, 7
BOTTOMS = np.array([1 << STRIDE * c for c in range(COLUMNS)], np.uint64)  # the lowest square of each column
SQUARES = BOTTOMS * np.uint64((1 << ROWS) - 1)  # all six squares of each column
ALL_SQUARES = np.bitwise_or.reduce(SQUARES)
DIRECTIONS = (1, STRIDE - 1, STRIDE, STRIDE + 1)  # upwards; to the right: and down, level, and up

Judge = Callable[[np.ndarray, np.ndarray], np.ndarray]  # values of positions for the one who moved: see `search`


# -- one board -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Board:
    """A board that people can read: each column as a word of X and O, from the bottom up. It never changes.

    Moves are numbered 0 to 6, from the left; people type 1 to 7 (see `parse`). X begins.

    >>> board = Board().play(3).play(3).play(2)
    >>> board.columns
    ('', '', 'X', 'XO', '', '', '')
    >>> print(board)
    1 2 3 4 5 6 7
    . . . . . . .
    . . . . . . .
    . . . . . . .
    . . . . . . .
    . . . O . . .
    . . X X . . .
    >>> board.turn, board.winner, board.legal_moves()
    ('O', None, [0, 1, 2, 3, 4, 5, 6])
    """

    columns: tuple[str, ...] = ("",) * COLUMNS

    def __post_init__(self) -> None:
        discs = "".join(self.columns)
        if len(self.columns) != COLUMNS or set(discs) - set("XO") or max(map(len, self.columns)) > ROWS:
            raise ValueError(
                f"a board has {COLUMNS} columns, each a word of up to {ROWS} letters X and O, as "
                f"('', '', 'X', 'XO', '', '', ''); got {self.columns!r}"
            )
        if discs.count("X") - discs.count("O") not in (0, 1):
            raise ValueError(f"X begins and the players take turns, so {self.columns!r} can't come about")

    @property
    def turn(self) -> str:
        """Who is to move: "X" or "O"."""
        discs = "".join(self.columns)
        return "X" if discs.count("X") == discs.count("O") else "O"

    def at(self, column: int, row: int) -> str:
        """Whose disc is there, "X" or "O"; "" for a free square and for one beyond the edge."""
        inside = 0 <= column < COLUMNS and 0 <= row < len(self.columns[column])
        return self.columns[column][row] if inside else ""

    @property
    def winner(self) -> str | None:
        """Who has four in a line, "X" or "O"; "draw" on a full board; None while the game goes on."""
        for column, word in enumerate(self.columns):
            for row, disc in enumerate(word):
                for right, up in ((0, 1), (1, -1), (1, 0), (1, 1)):
                    if all(self.at(column + k * right, row + k * up) == disc for k in range(1, 4)):
                        return disc
        return "draw" if all(len(word) == ROWS for word in self.columns) else None

    def legal_moves(self) -> list[int]:
        """The columns that aren't full; none when the game is over."""
        return [] if self.winner else [c for c in range(COLUMNS) if len(self.columns[c]) < ROWS]

    def play(self, move: int) -> Board:
        """The board after the player whose turn it is drops a disc in a column. ValueError if that isn't legal."""
        if move not in self.legal_moves():
            raise ValueError(f"column {move!r} is not legal here; legal are {self.legal_moves()} (counted from 0)")
        return Board((*self.columns[:move], self.columns[move] + self.turn, *self.columns[move + 1 :]))

    def parse(self, text: str) -> int:
        """The move that somebody typed: "4" is the middle. ValueError with a sentence to show for any other text.

        >>> Board(("", "", "", "XOXOXO", "", "", "")).parse("4")
        Traceback (most recent call last):
            ...
        ValueError: column 4 is full: choose one of 1, 2, 3, 5, 6, 7
        """
        typed, choices = text.strip(), [self.name_of(move) for move in self.legal_moves()]
        if not choices:
            raise ValueError("the game is over: there is nothing left to play")
        if typed in choices:
            return int(typed) - 1
        full = typed in list("1234567")
        problem = f"column {typed} is full" if full else f"{typed!r} is not the number of a column"
        raise ValueError(f"{problem}: choose one of {', '.join(choices)}")

    def name_of(self, move: int) -> str:
        """What people type for a move: "1" to "7"."""
        return str(move + 1)

    def bits(self) -> tuple[np.ndarray, np.ndarray]:
        """The same board among many: (mine, theirs), each of shape (1,)."""
        bits = {"X": 0, "O": 0}
        for column, word in enumerate(self.columns):
            for row, disc in enumerate(word):
                bits[disc] |= 1 << STRIDE * column + row
        mine, theirs = (bits["X"], bits["O"]) if self.turn == "X" else (bits["O"], bits["X"])
        return np.array([mine], np.uint64), np.array([theirs], np.uint64)

    def __str__(self) -> str:
        rows = [" ".join(self.at(c, row) or "." for c in range(COLUMNS)) for row in reversed(range(ROWS))]
        return "\n".join([" ".join(self.name_of(c) for c in range(COLUMNS)), *rows])


# -- many games at once --------------------------------------------------------------------------------------------


def empty(games: int) -> tuple[np.ndarray, np.ndarray]:
    """(mine, theirs) of so many games that have not begun."""
    return np.zeros(games, np.uint64), np.zeros(games, np.uint64)


def landings(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """The bit on which a disc lands, for each game and column: (games, 7), 0 where the column is full.

    Adding 1 at the bottom of a column carries through its discs up to the lowest free square. In a full column it
    arrives at the seventh bit, which is no square.

    >>> landings(*Board(("XO", "", "", "", "", "", "XOXOXO")).bits())[0, [0, 6]].tolist()  # row 2, and none
    [4, 0]
    """
    return ((mine | theirs)[:, None] + BOTTOMS) & SQUARES


def connected(discs: np.ndarray) -> np.ndarray:
    """Whether four of these discs are in a line, for each bitboard: bool, in the same shape.

    A disc with a neighbour, where the same is true two squares further on: that makes four.
    """
    found = np.zeros(discs.shape, bool)
    for step in DIRECTIONS:
        pairs = discs & (discs >> step)
        found |= (pairs & (pairs >> 2 * step)) != 0
    return found


def full(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Whether no square is free: (games,) of bool."""
    return (mine | theirs) == ALL_SQUARES


def dropped(mine: np.ndarray, theirs: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The mover's discs after a drop: in game i in columns[i], which must not be full."""
    return mine | landings(mine, theirs)[np.arange(len(mine)), columns]


def random_columns(mine: np.ndarray, theirs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A column that isn't full for each game, each equally likely: (games,)."""
    lands = landings(mine, theirs)
    return np.where(lands != 0, rng.random(lands.shape), -1.0).argmax(axis=1)


def squares(bits: np.ndarray) -> np.ndarray:
    """Bitboards spread out: (games, 7, 6) of 0 and 1, by column and row from the bottom.

    >>> squares(Board(("", "", "X", "XO", "", "", "")).bits()[1])[0, :, 0].tolist()  # X's discs in the bottom row
    [0, 0, 1, 1, 0, 0, 0]
    """
    in_bytes = bits.astype("<u8", copy=False).view(np.uint8).reshape(-1, 8)
    single = np.unpackbits(in_bytes, axis=1, count=STRIDE * COLUMNS, bitorder="little")
    return single.reshape(-1, COLUMNS, STRIDE)[:, :, :ROWS]


def search(mine: np.ndarray, theirs: np.ndarray, depth: int, judge: Judge) -> np.ndarray:
    """How good each column is for the player to move, looking `depth` moves ahead: (games, 7), -inf where full.

    judge(movers, others): values from -1 to 1 of positions for the player who has just moved, `movers`; asked where
    the search ends before the game does. A win is worth 1, a draw 0. Each further move takes 1 % off (so that a win at
    once is better than one later). This is minimax, written for all games and all their moves at once.
    """
    lands = landings(mine, theirs)
    game, column = np.nonzero(lands)
    after, others = mine[game] | lands[game, column], theirs[game]
    wins = connected(after)
    going_on = ~(wins | full(after, others))
    found = wins.astype(np.float32)
    movers, others = after[going_on], others[going_on]
    if depth == 1:
        found[going_on] = judge(movers, others)
    elif len(movers):
        found[going_on] = -0.99 * search(others, movers, depth - 1, judge).max(axis=1)
    values = np.full(lands.shape, -np.inf, np.float32)
    values[game, column] = found
    return values


def play_match(first: Player, second: Player, games: int) -> np.ndarray:
    """So many games of two players at once. Returns for each: 1 if `first` won, -1 if `second` won, 0 for a draw.

    >>> results = play_match(Tactician(seed=0), RandomPlayer(seed=0), games=100)
    >>> int(sum(results == 1)) > 80
    True
    """
    (mine, theirs), results, running = empty(games), np.zeros(games, int), np.arange(games)
    for turn in range(COLUMNS * ROWS):
        player, result = (first, 1) if turn % 2 == 0 else (second, -1)
        mine = dropped(mine, theirs, player.moves(mine, theirs))
        wins = connected(mine)
        results[running[wins]] = result
        mine, theirs, running = theirs[~wins], mine[~wins], running[~wins]  # the other is to move
        if not len(running):
            break
    return results


# -- players -------------------------------------------------------------------------------------------------------


class Player:
    """Who can be asked for a move: on one board (`choose`), or in many games at once (`moves`, for subclasses)."""

    def moves(self, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        """A column for each game, none of which is over: (games,)."""
        raise NotImplementedError(f"{type(self).__name__} needs a method moves(self, mine, theirs)")

    def choose(self, board: Board) -> int:
        """The move on one board, 0 to 6. ValueError when the game is over."""
        if board.winner:
            raise ValueError(f"the game is over ({board.winner}): there is no move to choose")
        return int(self.moves(*board.bits())[0])


class RandomPlayer(Player):
    """Any column that isn't full. seed: for games that can be repeated."""

    def __init__(self, seed: int | None = None):
        self.rng = generator(seed)

    def moves(self, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        """A column for each game."""
        return random_columns(mine, theirs, self.rng)


class Tactician(Player):
    """Wins if it can, else blocks a win of the other's, else drops anywhere. seed: for games that can be repeated.

    >>> Tactician(seed=0).choose(Board(("XXX", "OOO", "", "", "", "", "")))
    0
    """

    def __init__(self, seed: int | None = None):
        self.rng = generator(seed)

    def moves(self, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        """A column for each game."""
        lands = landings(mine, theirs)
        wins, blocks = connected(mine[:, None] | lands), connected(theirs[:, None] | lands)
        urgency = self.rng.random(lands.shape) + 2 * blocks + 4 * wins
        return np.where(lands != 0, urgency, -1.0).argmax(axis=1)


class Searcher(Player):
    """Looks `depth` moves ahead, asks `judge` how good things are there, and takes the best column (see `search`).

    Without a judge it knows wins and losses only (plain minimax), and chooses at random among equally good columns.
    ValueError for a depth below 1.

    >>> board = Board(("", "", "X", "X", "", "", "OO"))  # a third X, open on both sides, can't be stopped
    >>> Searcher(depth=3, seed=0).choose(board) in (1, 4)
    True
    """

    def __init__(self, depth: int, judge: Judge | None = None, seed: int | None = None):
        if depth < 1:
            raise ValueError(f"Searcher: depth must be at least 1 (its own move), got {depth!r}")
        self.depth, self.judge = depth, judge
        self.rng = None if judge else generator(seed)

    def moves(self, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        """A column for each game."""
        judge = self.judge or (lambda movers, others: np.zeros(len(movers), np.float32))
        values = search(mine, theirs, self.depth, judge)
        if self.rng is not None:
            values = values + 1e-3 * self.rng.random(values.shape)
        return values.argmax(axis=1)
