"""Tic-tac-toe: the rules, for one board to read and for many boards at once, and two players who need not learn.

Many boards are an array (games, 9) of whole numbers: 1 for X, -1 for O, 0 for a free square, row by row from the top.
All games of such an array are at the same move, so that one number, `player`, says whose turn it is in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ...nn.init import generator

X, O = 1, -1
ROWS = [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
COLUMNS = [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
DIAGONALS = [[0, 4, 8], [2, 4, 6]]
LINES = np.array(ROWS + COLUMNS + DIAGONALS)

# The eight turns and mirrorings of the board: boards[:, SYMMETRIES[k]] are the boards as seen in the k-th of them.
_BOARD = np.arange(9).reshape(3, 3)
SYMMETRIES = np.array([np.rot90(b, turns).ravel() for b in (_BOARD, _BOARD.T) for turns in range(4)])


# -- one board -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Board:
    """A board that people can read: nine characters, "X", "O" or "." for a free square. It never changes.

    Moves are numbered 0 to 8, row by row; people type 1 to 9 (see `parse`). X begins.

    >>> board = Board().play(4).play(0)
    >>> print(board)
     O | 2 | 3
    ---+---+---
     4 | X | 6
    ---+---+---
     7 | 8 | 9
    >>> board.turn, board.winner, board.legal_moves()
    ('X', None, [1, 2, 3, 5, 6, 7, 8])
    """

    squares: str = "." * 9

    def __post_init__(self) -> None:
        if len(self.squares) != 9 or set(self.squares) - set("XO."):
            raise ValueError(f"a board has nine squares, each X, O or . (free), as 'X...O....'; got {self.squares!r}")
        if self.squares.count("X") - self.squares.count("O") not in (0, 1):
            raise ValueError(f"X begins and the players take turns, so {self.squares!r} can't come about")

    @property
    def turn(self) -> str:
        """Who is to move: "X" or "O"."""
        return "X" if self.squares.count("X") == self.squares.count("O") else "O"

    @property
    def winner(self) -> str | None:
        """Who has three in a line, "X" or "O"; "draw" on a full board; None while the game goes on."""
        for line in LINES.tolist():
            three = {self.squares[i] for i in line}
            if three in ({"X"}, {"O"}):
                return three.pop()
        return None if "." in self.squares else "draw"

    def legal_moves(self) -> list[int]:
        """The free squares; none when the game is over."""
        return [] if self.winner else [i for i in range(9) if self.squares[i] == "."]

    def play(self, move: int) -> Board:
        """The board after this move of the player whose turn it is. ValueError for a move that isn't legal."""
        if move not in self.legal_moves():
            raise ValueError(f"move {move!r} is not legal here; legal are {self.legal_moves()} (counted from 0)")
        return Board(self.squares[:move] + self.turn + self.squares[move + 1 :])

    def parse(self, text: str) -> int:
        """The move that somebody typed: "5" is the middle. ValueError with a sentence to show for any other text.

        >>> Board("....X....").parse("5")
        Traceback (most recent call last):
            ...
        ValueError: square 5 is taken: choose one of 1, 2, 3, 4, 6, 7, 8, 9
        """
        typed, choices = text.strip(), [self.name_of(move) for move in self.legal_moves()]
        if not choices:
            raise ValueError("the game is over: there is nothing left to play")
        if typed in choices:
            return int(typed) - 1
        taken = typed in list("123456789")
        problem = f"square {typed} is taken" if taken else f"{typed!r} is not the number of a square"
        raise ValueError(f"{problem}: choose one of {', '.join(choices)}")

    def name_of(self, move: int) -> str:
        """What people type for a move: "1" to "9"."""
        return str(move + 1)

    def array(self) -> np.ndarray:
        """The same board among many: shape (1, 9), 1 for X, -1 for O."""
        return np.array([[{"X": X, "O": O, ".": 0}[s] for s in self.squares]], np.int8)

    def __str__(self) -> str:
        shown = [s if s != "." else str(i + 1) for i, s in enumerate(self.squares)]
        return "\n---+---+---\n".join(" " + " | ".join(shown[i] for i in row) for row in ROWS)


# -- many boards at once -------------------------------------------------------------------------------------------


def empty(games: int) -> np.ndarray:
    """So many empty boards: (games, 9)."""
    return np.zeros((games, 9), np.int8)


def won(boards: np.ndarray, player: int) -> np.ndarray:
    """Whether this player has three in a line, board by board: (games,) of bool.

    >>> won(np.array([[1, 1, 1, -1, -1, 0, 0, 0, 0]]), X)
    array([ True])
    """
    return (boards == player)[:, LINES].all(axis=2).any(axis=1)


def full(boards: np.ndarray) -> np.ndarray:
    """Whether no square is free: (games,) of bool."""
    return (boards != 0).all(axis=1)


def played(boards: np.ndarray, player: int, moves: np.ndarray) -> np.ndarray:
    """Copies of the boards, with one more stone on each: on board i at square moves[i]."""
    boards = boards.copy()
    boards[np.arange(len(boards)), moves] = player
    return boards


def random_moves(boards: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A free square for each board, each equally likely: (games,)."""
    return np.where(boards == 0, rng.random(boards.shape), -1.0).argmax(axis=1)


def play_match(first: Player, second: Player, games: int) -> np.ndarray:
    """So many games of two players at once; first is X. Returns who won, (games,): 1 for X, -1 for O, 0 for a draw.

    >>> play_match(PerfectPlayer(), PerfectPlayer(), games=2)
    array([0, 0])
    """
    boards, results, running = empty(games), np.zeros(games, int), np.arange(games)
    for turn in range(9):
        player, whose = (X, first) if turn % 2 == 0 else (O, second)
        boards = played(boards, player, whose.moves(boards, player))
        wins = won(boards, player)
        results[running[wins]] = player
        boards, running = boards[~wins], running[~wins]
        if not len(running):
            break
    return results


# -- players -------------------------------------------------------------------------------------------------------


class Player:
    """Who can be asked for a move: on one board (`choose`), or on many at once (`moves`, for subclasses)."""

    def moves(self, boards: np.ndarray, player: int) -> np.ndarray:
        """A square for each board, none of which is full: (games,). player: X or O, whose turn it is."""
        raise NotImplementedError(f"{type(self).__name__} needs a method moves(self, boards, player)")

    def choose(self, board: Board) -> int:
        """The move on one board, 0 to 8. ValueError when the game is over."""
        if board.winner:
            raise ValueError(f"the game is over ({board.winner}): there is no move to choose")
        return int(self.moves(board.array(), X if board.turn == "X" else O)[0])


class RandomPlayer(Player):
    """Any free square. seed: for games that can be repeated.

    >>> RandomPlayer(seed=0).choose(Board("XOXOXOO.X"))
    Traceback (most recent call last):
        ...
    ValueError: the game is over (X): there is no move to choose
    """

    def __init__(self, seed: int | None = None):
        self.rng = generator(seed)

    def moves(self, boards: np.ndarray, player: int) -> np.ndarray:
        """A square for each board."""
        return random_moves(boards, self.rng)


class PerfectPlayer(Player):
    """Looks ahead to the end of the game (minimax), and so never loses. Of equally good squares the first.

    >>> PerfectPlayer().choose(Board("X...O...X"))
    1
    """

    def moves(self, boards: np.ndarray, player: int) -> np.ndarray:
        """A square for each board."""
        letters = {X: "X", O: "O", 0: "."}
        return np.array([best_move(Board("".join(letters[s] for s in board))) for board in boards.tolist()])


def best_move(board: Board) -> int:
    """The first of the moves with the best outcome against best play."""
    return max(board.legal_moves(), key=lambda move: -outcome(board.play(move)))


@cache
def outcome(board: Board) -> int:
    """What the player to move gets when both play as well as can be: 1 a win, 0 a draw, -1 a loss (minimax).

    >>> outcome(Board())
    0
    """
    if board.winner:
        return 0 if board.winner == "draw" else -1  # the one who just moved has won
    return max(-outcome(board.play(move)) for move in board.legal_moves())


# -- every opponent ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EveryLine:
    """What became of a player against everything that an opponent can do.

    lost: each line that the player loses, as the squares played, 0 to 8 in turn; won, drawn: how many lines end so.
    positions: how many different final positions there are among the lines.
    """

    lost: list[tuple[int, ...]]
    won: int
    drawn: int
    positions: int

    def __str__(self) -> str:
        return (
            f"{self.won} lines won, {self.drawn} drawn, {len(self.lost)} lost "
            f"({self.positions} different final positions)"
        )


def play_every_line(player: Any, letter: str) -> EveryLine:
    """Let a player (anything with choose(board)) meet every reply at every move. letter: its side, "X" or "O".

    ValueError for another letter, and for a player who chooses a square that isn't free.

    >>> print(play_every_line(PerfectPlayer(), "O"))
    498 lines won, 183 drawn, 0 lost (157 different final positions)
    """
    if letter not in ("X", "O"):
        raise ValueError(f'a player is "X" (moves first) or "O"; got {letter!r}')
    ends: dict[str, list[tuple[int, ...]]] = {"X": [], "O": [], "draw": []}
    finals = set()

    def follow(board: Board, line: tuple[int, ...]) -> None:
        if board.winner:
            ends[board.winner].append(line)
            finals.add(board)
            return
        moves = [player.choose(board)] if board.turn == letter else board.legal_moves()
        for move in moves:
            follow(board.play(move), (*line, move))

    follow(Board(), ())
    other = "O" if letter == "X" else "X"
    return EveryLine(lost=ends[other], won=len(ends[letter]), drawn=len(ends["draw"]), positions=len(finals))
