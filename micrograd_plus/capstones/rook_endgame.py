"""Chess, learned from a solver: how many moves is it to mate? A net that can say so plays king and rook against king.

The solver (boards/rook_endgame.py) knows every position. The net sees 80 % of those with black to move (up to
symmetry), and must judge the rest. It then plays: of its legal moves it takes the one after which mate seems nearest.

What the notebook shows with `train`'s arguments: how often the net is right says little about how well it plays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from os import PathLike
from typing import Any

import numpy as np

from ..data import train_test_split
from ..engine import no_grad
from ..nn import Linear, Module, ReLU, Sequential
from ..nn import functional as F  # noqa: N812 - PyTorch's habit
from ..nn.init import generator
from ..optim import Adam, OneCycleLR
from ..training import Checkpoint, Schedule, fit
from .boards.rook_endgame import DRAW, Board, Move, PerfectPlayer, positions, random_boards, symmetries
from .run import Run, Target, share_of

TARGET = Target("games won against a perfect defender, of 300", at_least=300, unit="mates")

CLASSES = 18  # mate in 0 to 16 moves, and draw
COST = np.array([*range(17), 50], np.float32)  # what each class counts when moves are compared; a draw is a disaster
LIMIT = 50  # moves: chess calls it a draw when 50 pass without a capture

# Settings for `train`. The first and the last of these five are equally often right, two times in three; but with three
# seeds each, the first mated 0, 0 and 0 times in 300 games, the last 300, 300 and 300 times.
# fmt: off
VARIANTS: dict[str, dict[str, Any]] = {
    "plain, small":               {"hidden": (128, 64),  "relative": False, "balance": 1.0, "steps": 2000},
    "plain":                      {"hidden": (256, 128), "relative": False, "balance": 1.0, "steps": 2000},
    "balanced":                   {"hidden": (256, 128), "relative": False, "balance": 0.5, "steps": 2000},
    "balanced, relative":         {"hidden": (256, 128), "relative": True,  "balance": 0.5, "steps": 4000},
    "balanced, relative, small":  {"hidden": (128, 64),  "relative": True,  "balance": 0.5, "steps": 1000},
}
# fmt: on


def features(squares: np.ndarray, relative: bool = True) -> np.ndarray:
    """Positions as 0s and 1s. squares: [n, 3], of white king, rook and black king; result: [n, 192 or 282], float32.

    Each piece has 64 inputs, of which the one for its square is 1. With `relative` each pair of pieces has 15 more for
    how many files they are apart (-7 to 7), and 15 for the ranks.

    >>> features(np.array([[0, 8, 63]])).sum(), features(np.array([[0, 8, 63]]), relative=False).shape
    (np.float32(9.0), (1, 192))
    """
    king, rook, black = squares.T
    ones = [king, 64 + rook, 128 + black]
    if relative:
        for i, (a, b) in enumerate([(king, rook), (king, black), (rook, black)]):
            ones += [192 + 30 * i + 7 + a % 8 - b % 8, 207 + 30 * i + 7 + a // 8 - b // 8]
    x = np.zeros((len(squares), 282 if relative else 192), np.float32)
    x[np.arange(len(squares)), ones] = 1  # one column of x after the other, for all rows
    return x


class DepthNet(Module):
    """Squares [n, 3] in, with black to move; out, logits [n, 18]: mate in 0, 1 … 16, or a draw?"""

    def __init__(self, hidden=(256, 128), relative=True, seed=None):
        seeds = generator(seed).integers(2**31, size=3).tolist()
        self.relative = relative
        self.layers = Sequential(
            Linear(282 if relative else 192, hidden[0], dtype=np.float32, seed=seeds[0]),
            ReLU(),
            Linear(hidden[0], hidden[1], dtype=np.float32, seed=seeds[1]),
            ReLU(),
            Linear(hidden[1], CLASSES, dtype=np.float32, seed=seeds[2]),
        )

    def forward(self, squares):
        """The logits."""
        return self.layers(features(squares, self.relative))


# -- learning ----------------------------------------------------------------------------------------------------------


def split(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """squares to learn from, squares held out, and the classes of both: 80 % and 20 % of all positions up to symmetry.

    So a held-out position was not seen turned or mirrored either.
    """
    squares, depths = positions()
    classes = np.where(depths == DRAW, CLASSES - 1, depths).astype(np.int64)
    return train_test_split(squares, classes, test_size=0.2, seed=seed)


class Batches:
    """Random batches (squares, classes), each position turned or mirrored at random.

    balance: each class is drawn with a weight of its size ** balance. 1 is as it comes: a mate once in 1,000. 0 is all
    classes alike. 0.5, in between, shows rare depths often enough, and the frequent ones still more often.
    """

    def __init__(
        self, squares: np.ndarray, classes: np.ndarray, balance: float, batch_size: int, steps: int, seed: int | None
    ):
        self.squares, self.classes, self.batch_size, self.steps = squares, classes, batch_size, steps
        self.rng = generator(seed)
        weights = np.bincount(classes, minlength=CLASSES)[classes] ** (balance - 1.0)
        self.chances = weights / weights.sum()
        self.symmetries = symmetries()

    def __len__(self) -> int:
        """Batches an epoch."""
        return self.steps

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for _ in range(self.steps):
            rows = self.rng.choice(len(self.classes), self.batch_size, p=self.chances)
            turns = self.rng.integers(8, size=(self.batch_size, 1))
            yield self.symmetries[turns, self.squares[rows]], self.classes[rows]

    def state_dict(self) -> dict[str, Any]:
        """Where its source of chance stands: what training needs to go on where it was interrupted."""
        return dict(self.rng.bit_generator.state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on drawing from there."""
        self.rng.bit_generator.state = state


def train(
    seed: int = 0,
    *,
    progress: bool | Callable[[str], Any] = True,
    checkpoint: str | PathLike | None = None,
    steps: int = 4000,
    hidden: tuple[int, int] = (256, 128),
    relative: bool = True,
    balance: float = 0.5,
    batch_size: int = 512,
    lr: float = 4e-3,
) -> Run:
    """A net that knows how far mate is, its scores on held-out positions and in 300 games; about 20 seconds.

    checkpoint: a file or folder, written after each epoch; the same call once more goes on from there, and when all
    epochs are done gives the trained model at once. Scores: see `judge` and `evaluate`. VARIANTS has settings to
    compare: train(**VARIANTS["plain, small"]).
    """
    learn_x, held_x, learn_y, held_y = split()
    epochs = 10
    batches = Batches(learn_x, learn_y, balance, batch_size, max(1, share_of(steps) // epochs), seed)
    model = DepthNet(hidden, relative, seed)
    optimizer = Adam(model.parameters(), lr=lr)
    rise_and_fall = OneCycleLR(optimizer, lr, total_steps=epochs * len(batches) + 1, pct_start=0.1)
    callbacks = [Schedule(rise_and_fall, every="step"), *([Checkpoint(checkpoint, resume=True)] if checkpoint else [])]
    history = fit(
        model,
        batches,
        "cross_entropy",
        optimizer,
        epochs,
        validation=(held_x, held_y),
        metrics="val_accuracy",
        callbacks=callbacks,
        progress=progress,
        seed=seed,
    )
    return Run(model, history, judge(model, held_x, held_y) | evaluate(model))


# -- how good is it? ---------------------------------------------------------------------------------------------------


def judge(model: Module, squares: np.ndarray, classes: np.ndarray) -> dict[str, float]:
    """The share of positions whose depth the net names right, and within one move (a draw only if it says draw)."""
    with no_grad():
        said = model(squares).numpy().argmax(axis=1)
    near = (said == classes) | ((abs(said - classes) == 1) & (np.maximum(said, classes) < CLASSES - 1))
    return {"accuracy": float(np.mean(said == classes)), "within one move": float(np.mean(near))}


class NetPlayer:
    """White's moves by a net: each to where mate seems nearest, if possible to a board not seen in this game.

    Without that rule two moves that seem equally good could be repeated for ever. The net is asked about a board as it
    is and turned and mirrored, and the mean of the eight answers counts: one wrong answer then does little harm.

    >>> NetPlayer(DepthNet()).choose(Board.of("Kb1 Ra2 kc3")) in Board.of("Kb1 Ra2 kc3").legal_moves()
    True
    """

    def __init__(self, model: Module):
        self.model = model

    def expected_moves(self, boards: list[Board]) -> np.ndarray:
        """How far mate seems to be on each of these boards with black to move: the mean over what the net thinks."""
        squares = np.array([board.squares for board in boards])
        with no_grad():
            views = [F.softmax(self.model(turned[squares]), dim=1).numpy() for turned in symmetries()]
        return np.mean(views, axis=0) @ COST

    def moves(self, boards: list[Board], seen: Sequence[Collection[Board]]) -> list[Move]:
        """The move on each board, none of which is over; seen: for each the boards that its game has had."""
        options = []
        for board, before in zip(boards, seen, strict=True):
            leads_to = {move: board.after(move) for move in board.legal_moves()}
            new = {move: after for move, after in leads_to.items() if after not in before}
            options.append(new or leads_to)
        far = iter(self.expected_moves([after for option in options for after in option.values()]).tolist())
        return [min(option, key=lambda move: next(far)) for option in options]

    def choose(self, board: Board, seen: Collection[Board] = ()) -> Move:
        """The move on one board. ValueError when the game is over, or it is black's turn."""
        if board.winner or board.turn != "white":
            raise ValueError(f"the net plays white, while the game lasts; turn: {board.turn}, winner: {board.winner}")
        return self.moves([board], [seen])[0]


def play_matches(player: NetPlayer, starts: list[Board], defender: PerfectPlayer | None = None) -> list[int | None]:
    """Games from these boards, all at once: white's moves to mate, or None for a draw (no mate after 50 moves, too)."""
    defender = PerfectPlayer() if defender is None else defender
    boards, running = list(starts), list(range(len(starts)))
    seen: list[set[Board]] = [set() for _ in starts]
    result: list[int | None] = [None] * len(starts)
    for count in range(1, LIMIT + 1):
        moves = player.moves([boards[i] for i in running], [seen[i] for i in running])
        for i, move in zip(running, moves, strict=True):
            after = boards[i].after(move)
            seen[i].add(after)
            winner = after.winner
            if winner == "white":
                result[i] = count
            boards[i] = after if winner else after.after(defender.choose(after))
        running = [i for i in running if boards[i].winner is None]
        if not running:
            break
    return result


def evaluate(model: Module, games: int = 300, seed: int = 0) -> dict[str, float]:
    """Games against the perfect defender, from different random boards with white to move.

    Returns how many ended in mate, and for those white's moves on average, and a perfect player's from the same boards.
    """
    starts = random_boards(games, seed)
    played = zip(starts, play_matches(NetPlayer(model), starts), strict=True)
    pairs = [(moves, start.moves_to_mate) for start, moves in played if moves is not None]
    means = np.mean(pairs, axis=0) if pairs else (np.nan, np.nan)
    return {"mates": len(pairs), "moves to mate": float(means[0]), "a perfect player's": float(means[1])}
