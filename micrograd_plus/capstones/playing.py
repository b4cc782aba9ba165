"""Playing on one board that people can read: a match against a computer player, a whole game, boards side by side."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

from .boards.tictactoe import Board


class Match:
    """You against a player, a move a call: made for notebooks, where the cell's last line shows the board.

    player: anything with choose(board). board: where to begin (of tic-tac-toe, unless given). you: "X", who moves
    first, or "O"; then the player has moved already. ValueError for another letter.

    >>> from micrograd_plus.capstones.boards.tictactoe import PerfectPlayer
    >>> match = Match(PerfectPlayer())
    >>> match.play(5)
     O | 2 | 3
    ---+---+---
     4 | X | 6
    ---+---+---
     7 | 8 | 9
    O played 1. You are X: play one of 2, 3, 4, 6, 7, 8, 9.
    """

    def __init__(self, player: Any, board: Any = None, you: str = "X"):
        if you not in ("X", "O"):
            raise ValueError(f'Match: you are "X" (who moves first) or "O"; got {you!r}')
        self.player, self.you = player, you
        self.board = Board() if board is None else board
        self.refused = ""  # what was wrong with your last move
        self.answer = ""  # the player's last move, in words
        self._answer()

    def play(self, move: int | str) -> Match:
        """Your move, by the number on the board, and the answer to it. What can't be played changes nothing.

        >>> from micrograd_plus.capstones.boards.tictactoe import PerfectPlayer
        >>> match = Match(PerfectPlayer()).play(5)
        >>> print(match.play(1).refused)
        square 1 is taken: choose one of 2, 3, 4, 6, 7, 8, 9
        """
        self.refused = ""
        try:
            self.board = self.board.play(self.board.parse(str(move)))
        except ValueError as error:
            self.refused = str(error)
            return self
        self._answer()
        return self

    def _answer(self) -> None:
        """The player's move, if it is its turn."""
        self.answer = ""
        if not self.board.winner and self.board.turn != self.you:
            move = self.player.choose(self.board)
            self.answer = f"{self.board.turn} played {self.board.name_of(move)}. "
            self.board = self.board.play(move)

    def __repr__(self) -> str:
        return f"{self.board}\n{self.refused or self.answer + self._state()}"

    def _state(self) -> str:
        """How things stand."""
        winner = self.board.winner
        if winner:
            return "A draw." if winner == "draw" else "You win." if winner == self.you else f"{winner} wins."
        return f"You are {self.you}: play one of {', '.join(map(self.board.name_of, self.board.legal_moves()))}."


def play_game(first: Any, second: Any, board: Any = None) -> list[Any]:
    """A game of two players, as its boards from the first to the last; `first` moves where X is to move.

    >>> from micrograd_plus.capstones.boards.tictactoe import PerfectPlayer
    >>> play_game(PerfectPlayer(), PerfectPlayer())[-1].winner
    'draw'
    """
    boards = [Board() if board is None else board]
    while not boards[-1].winner:
        player = first if boards[-1].turn == "X" else second
        boards.append(boards[-1].play(player.choose(boards[-1])))
    return boards


def boards_of(line: Iterable[int], board: Any = None) -> list[Any]:
    """The boards of a game that is given as its moves, counted from 0.

    >>> [board.squares for board in boards_of([4, 0])]
    ['.........', '....X....', 'O...X....']
    """
    boards = [Board() if board is None else board]
    for move in line:
        boards.append(boards[-1].play(move))
    return boards


def side_by_side(boards: Iterable[Any], gap: int = 4) -> str:
    """Several boards in a row, as text.

    >>> print(side_by_side(boards_of([4, 0])[1:]))
     1 | 2 | 3      O | 2 | 3
    ---+---+---    ---+---+---
     4 | X | 6      4 | X | 6
    ---+---+---    ---+---+---
     7 | 8 | 9      7 | 8 | 9
    """
    columns = [str(board).splitlines() for board in boards]
    widths = [max(map(len, lines)) for lines in columns]
    rows = zip_longest(*columns, fillvalue="")
    return "\n".join((" " * gap).join(map(str.ljust, row, widths)).rstrip() for row in rows)
