"""King and rook against king: the rules, an exact solver, and a defender that makes no mistake.

Squares are numbered 0 to 63: a1 is 0, b1 is 1, h8 is 63. White has the king and the rook.

The solver works backwards ("retrograde analysis", T. Ströhlein 1970): mates are known, so one can say which positions
lead to a mate in one move, then which can't avoid these, and so on. It does this for all 64 × 64 × 64 ways of placing
the three pieces at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...nn.init import generator

KING, ROOK, BLACK_KING = 0, 1, 2  # the axes of the solver's arrays [64, 64, 64]
DRAW = 99  # in the solver's arrays: white can't force mate from here

FILE, RANK = np.arange(64) % 8, np.arange(64) // 8
Move = tuple[int, int]  # from one square to another
STEPS = [(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, -1), (-1, 1)]  # a rook slides along the first four


# -- the solver --------------------------------------------------------------------------------------------------------


class Solution(NamedTuple):
    """How many moves white needs to mate when both play as well as can be; DRAW where it can't. int8, [64, 64, 64].

    The indices are the squares of white king, rook and black king. Entries for placements that aren't legal mean
    nothing: `legal_for_white` and `legal_for_black` say which are.
    """

    white_to_move: np.ndarray
    black_to_move: np.ndarray
    legal_for_white: np.ndarray
    legal_for_black: np.ndarray


@lru_cache(maxsize=1)
def solve() -> Solution:
    """The exact number of moves to mate of every position; under a second, then remembered.

    >>> int(solve().black_to_move[solve().black_to_move != DRAW].max())  # the longest mate
    16
    """
    king, rook, black = np.ogrid[:64, :64, :64]  # each along its own axis: what follows is about all placements at once
    kings_touch = np.maximum(abs(FILE[king] - FILE[black]), abs(RANK[king] - RANK[black])) <= 1
    check = slide((rook == black).astype(np.int8), rook == king, np.maximum, nothing=0) == 1
    legal_for_black = (rook != king) & (rook != black) & ~kings_touch
    legal_for_white = legal_for_black & ~check  # else black would have moved into check
    takes_rook = (rook == black) & ~kings_touch

    black_to_move = np.full((64, 64, 64), DRAW, np.int8)
    while True:
        # White picks the move after which mate is nearest. What isn't legal is DRAW: never better than a mate.
        by_king = one_step(black_to_move, KING, np.minimum, nothing=DRAW)
        by_rook = slide(black_to_move, (rook == king) | (rook == black), np.minimum, nothing=DRAW)
        best = np.minimum(by_king, by_rook)
        white_to_move = np.where(best < DRAW, best + 1, DRAW).astype(np.int8)
        # Black picks the move after which mate is farthest. -1: black can't go there.
        ahead = np.where(legal_for_white, white_to_move, np.where(takes_rook, DRAW, -1)).astype(np.int8)
        longest = one_step(ahead, BLACK_KING, np.maximum, nothing=-1)
        stuck = np.where(check, 0, DRAW)  # no move left: mate or stalemate
        new = np.where(legal_for_black, np.where(longest == -1, stuck, longest), DRAW).astype(np.int8)
        if (new == black_to_move).all():
            break
        black_to_move = new
    for array in (white_to_move, black_to_move, legal_for_white, legal_for_black):
        array.flags.writeable = False  # everybody is given the same arrays
    return Solution(white_to_move, black_to_move, legal_for_white, legal_for_black)


def shifted(values: np.ndarray, piece: int, direction: tuple[int, int], nothing: int) -> np.ndarray:
    """At each placement: the value where `piece` stands one square further; `nothing` if that is off the board."""
    file, rank = FILE + direction[0], RANK + direction[1]
    on_board = (file >= 0) & (file < 8) & (rank >= 0) & (rank < 8)
    result = np.full_like(values, nothing)
    np.moveaxis(result, piece, 0)[on_board] = np.moveaxis(values, piece, 0)[(8 * rank + file)[on_board]]
    return result


def one_step(values: np.ndarray, piece: int, better: Callable, nothing: int) -> np.ndarray:
    """At each placement: the best value that a king can reach with one step."""
    best = shifted(values, piece, STEPS[0], nothing)
    for direction in STEPS[1:]:
        best = better(best, shifted(values, piece, direction, nothing))
    return best


def slide(values: np.ndarray, blocked: np.ndarray, better: Callable, nothing: int) -> np.ndarray:
    """At each placement: the best value that the rook can reach; it stops before a square that is `blocked`."""
    values = np.broadcast_to(values, (64, 64, 64))
    best = np.full_like(values, nothing)
    for direction in STEPS[:4]:
        ray = np.full_like(values, nothing)
        for _ in range(7):  # what can be reached is the next square, and what can be reached from there
            ray = shifted(np.where(blocked, np.int8(nothing), better(values, ray)), ROOK, direction, nothing)
        best = better(best, ray)
    return best


# -- positions up to symmetry ------------------------------------------------------------------------------------------


def symmetries() -> np.ndarray:
    """The eight ways to turn and mirror the board, [8, 64]: where each square goes. Pawns are gone, so all are fair."""
    file, rank = FILE, RANK
    turned = []
    for _ in range(4):
        turned += [8 * rank + file, 8 * file + rank]
        file, rank = rank, 7 - file
    return np.array(turned)


@lru_cache(maxsize=1)
def positions() -> tuple[np.ndarray, np.ndarray]:
    """All legal positions with black to move, one of each eight that are turned or mirrored copies: (squares, depths).

    squares: [28056, 3], of white king, rook and black king; depths: [28056], moves to mate, 0 to 16, or DRAW. The
    numbers of each depth are those of the UCI repository's "King-Rook vs. King" set (M. Bain and A. van Hoff, 1994).

    >>> squares, depths = positions()
    >>> squares.shape, np.bincount(depths)[[0, 16, DRAW]].tolist()
    ((28056, 3), [27, 390, 2796])
    """
    solution = solve()
    placements = np.argwhere(solution.legal_for_black)
    codes = symmetries()[:, placements] @ [64 * 64, 64, 1]  # of each copy, [8, n]: a placement as one number
    squares = placements[codes[0] == codes.min(axis=0)]
    depths = solution.black_to_move[tuple(squares.T)]
    squares.flags.writeable = depths.flags.writeable = False
    return squares, depths


# -- one board ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Board:
    """Where the pieces stand, and whose turn it is. It never changes. rook: None when it has been taken.

    A move is a pair of squares, from and to; people type "Ra8" or "a1-a8" (see `parse`).

    >>> board = Board.of("Kg6 Ra1 kg8")
    >>> print(board)
    8  . . . . . . k .
    7  . . . . . . . .
    6  . . . . . . K .
    5  . . . . . . . .
    4  . . . . . . . .
    3  . . . . . . . .
    2  . . . . . . . .
    1  R . . . . . . .
       a b c d e f g h
    >>> board.turn, board.winner, board.moves_to_mate
    ('white', None, 1)
    >>> board.play(board.parse("Ra8")).winner
    'white'
    """

    king: int
    rook: int | None
    black_king: int
    turn: str = "white"

    @classmethod
    def of(cls, text: str, turn: str = "white") -> Board:
        """A board from text: "Kg6 Ra1 kg8", K and R for white, k for black. ValueError if that can't come about."""
        found = {word[0]: square(word[1:]) for word in text.split()}
        if sorted(found) != ["K", "R", "k"] or len(text.split()) != 3:
            raise ValueError(f"a board is written as 'Kg6 Ra1 kg8', each piece once; got {text!r}")
        if turn not in ("white", "black"):
            raise ValueError(f"turn must be 'white' or 'black', got {turn!r}")
        legal = solve().legal_for_white if turn == "white" else solve().legal_for_black
        if not legal[found["K"], found["R"], found["k"]]:
            raise ValueError(
                f"{text!r} can't come about with {turn} to move: two pieces share a square, the kings touch, or black "
                "is in check though it is white's turn"
            )
        return cls(found["K"], found["R"], found["k"], turn)

    @property
    def squares(self) -> tuple[int, int, int]:
        """Of white king, rook and black king, as the solver's arrays are indexed. ValueError without a rook."""
        if self.rook is None:
            raise ValueError("the rook has been taken: the game is over")
        return self.king, self.rook, self.black_king

    @property
    def moves_to_mate(self) -> int:
        """How many moves white needs when both play as well as can be; DRAW if it can't mate."""
        if self.rook is None:
            return DRAW
        solution = solve()
        return int((solution.white_to_move if self.turn == "white" else solution.black_to_move)[self.squares])

    @property
    def winner(self) -> str | None:
        """ "white" if black is mated, "draw" if the rook is lost or black has no move, None while the game goes on."""
        if self.rook is None:
            return "draw"
        if self.legal_moves():
            return None
        return "white" if self.moves_to_mate == 0 else "draw"

    def legal_moves(self) -> list[Move]:
        """Pairs of squares, from and to; none when the game is over."""
        if self.rook is None:
            return []
        if self.turn == "black":
            return [(self.black_king, to) for to in neighbours(self.black_king) if self._black_may(to)]
        legal = solve().legal_for_black
        steps = [(self.king, to) for to in neighbours(self.king) if legal[to, self.rook, self.black_king]]
        return steps + [(self.rook, to) for to in self._rook_reaches() if legal[self.king, to, self.black_king]]

    def _black_may(self, to: int) -> bool:
        if to == self.rook:
            return self.king not in neighbours(to)  # a rook that the king guards can't be taken
        return bool(solve().legal_for_white[self.king, self.rook, to])

    def _rook_reaches(self) -> list[int]:
        """The empty squares that the rook can go to."""
        king, rook, black = self.squares
        found = []
        for right, up in STEPS[:4]:
            file, rank = rook % 8 + right, rook // 8 + up
            while 0 <= file < 8 and 0 <= rank < 8 and 8 * rank + file not in (king, black):
                found.append(8 * rank + file)
                file, rank = file + right, rank + up
        return found

    def after(self, move: Move) -> Board:
        """The board after this move, which must be legal: `play` for players who know the rules, and quicker."""
        start, end = move
        if self.turn == "black":
            return Board(self.king, None if end == self.rook else self.rook, end, "white")
        king, rook = (end, self.rook) if start == self.king else (self.king, end)
        return Board(king, rook, self.black_king, "black")

    def play(self, move: Move) -> Board:
        """The board after this move. ValueError for a move that isn't legal."""
        if move not in self.legal_moves():
            raise ValueError(
                f"move {move!r} is not legal here; legal are {self.legal_moves()} (pairs of squares, 0 to 63)"
            )
        return self.after(move)

    def name_of(self, move: Move) -> str:
        """A move as people write it: "Ra1-a8", or "kd8xd7" where the black king takes the rook.

        >>> Board.of("Kc2 Rb8 ka1", turn="black").legal_moves()
        [(0, 8)]
        >>> Board.of("Kc2 Rb8 ka1", turn="black").name_of((0, 8))
        'ka1-a2'
        """
        start, end = move
        letter = "k" if self.turn == "black" else "K" if start == self.king else "R"
        return f"{letter}{square_name(start)}{'x' if end == self.rook else '-'}{square_name(end)}"

    def parse(self, text: str) -> Move:
        """The move that somebody typed: "Ra1-a8", "Ra8", "a1a8", or "a8" if only one piece can go there.

        ValueError with a sentence to show for what isn't a legal move, or could be two.

        >>> Board.of("Kb2 Ra1 kg8").parse("a2")
        Traceback (most recent call last):
            ...
        ValueError: 'a2' could be Kb2-a2 or Ra1-a2: say which, as in Kb2-a2
        """
        moves = self.legal_moves()
        if not moves:
            raise ValueError("the game is over: there is nothing left to play")
        typed = "".join(character for character in text if character not in "-x+#= ")
        letter, squares = (typed[0], typed[1:]) if typed[:1] in ("K", "R", "k") else ("", typed)
        squares = squares.lower()
        names = {move: self.name_of(move) for move in moves}
        fits = [
            move
            for move, name in names.items()
            if squares in (name[-2:], name[1:3] + name[-2:]) and letter in ("", name[0])
        ]
        if len(fits) == 1:
            return fits[0]
        if fits:
            possible = [names[move] for move in fits]
            raise ValueError(f"{text!r} could be {' or '.join(possible)}: say which, as in {possible[0]}")
        raise ValueError(f"{text!r} is no legal move: choose one of {', '.join(names.values())}")

    def pieces(self) -> list[tuple[str, int, int]]:
        """For a drawing: (letter, file, rank) of each piece, both counted from 0; K and R are white's, k is black's."""
        placed = zip("KRk", (self.king, self.rook, self.black_king), strict=True)
        return [(letter, at % 8, at // 8) for letter, at in placed if at is not None]

    def __str__(self) -> str:
        letters = {(file, rank): letter for letter, file, rank in self.pieces()}
        ranks = [[letters.get((file, rank), ".") for file in range(8)] for rank in range(8)]
        rows = [f"{rank + 1}  {' '.join(ranks[rank])}" for rank in reversed(range(8))]
        return "\n".join([*rows, "   a b c d e f g h"])


def square(name: str) -> int:
    """The number of a square: "a1" is 0, "h8" is 63. ValueError for anything else."""
    name = name.strip().lower()
    if len(name) != 2 or name[0] not in "abcdefgh" or name[1] not in "12345678":
        raise ValueError(f"a square is a letter from a to h and a number from 1 to 8, as in e4; got {name!r}")
    return 8 * (int(name[1]) - 1) + "abcdefgh".index(name[0])


def square_name(number: int) -> str:
    """What players call a square: 0 is "a1", 63 is "h8"."""
    return f"{'abcdefgh'[number % 8]}{number // 8 + 1}"


@lru_cache(maxsize=64)
def neighbours(of: int) -> tuple[int, ...]:
    """The squares around one."""
    around = np.maximum(abs(FILE - FILE[of]), abs(RANK - RANK[of])) == 1
    return tuple(np.flatnonzero(around).tolist())


# -- players -----------------------------------------------------------------------------------------------------------


class PerfectPlayer:
    """Asks the solver: white mates as soon as can be, black draws or delays mate as long as can be.

    Of equally good moves it takes the first. With a seed it takes any of them.

    >>> PerfectPlayer().choose(Board.of("Kg6 Ra1 kg8")) == (square("a1"), square("a8"))
    True
    """

    def __init__(self, seed: int | None = None):
        self.rng = None if seed is None else generator(seed)

    def choose(self, board: Board) -> Move:
        """The move, as a pair of squares. ValueError when the game is over."""
        moves = board.legal_moves()
        if not moves:
            raise ValueError(f"the game is over ({board.winner}): there is no move to choose")
        away = [board.after(move).moves_to_mate for move in moves]
        best = min(away) if board.turn == "white" else max(away)
        good = [move for move, n in zip(moves, away, strict=True) if n == best]
        return good[0] if self.rng is None else good[int(self.rng.integers(len(good)))]


def random_boards(n: int, seed: int | None = None) -> list[Board]:
    """So many different boards with white to move, to start games from. (From each of them white can mate.)

    >>> [str(board.turn) for board in random_boards(2, seed=0)]
    ['white', 'white']
    """
    legal = np.flatnonzero(solve().legal_for_white)
    chosen = generator(seed).choice(legal, n, replace=False)
    return [Board(*squares) for squares in np.transpose(np.unravel_index(chosen, (64, 64, 64))).tolist()]
