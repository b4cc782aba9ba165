"""Tic-tac-toe, learned by self-play: a network plays itself, and is then tried against every possible opponent.

The network is given a position just after a move and says how good it is for the player who made that move: 1 a sure
win, 0 a draw, -1 a loss. To play is to try every move and take the one that is valued most: no search, no rules of
thumb, nothing learned from people. What to learn comes from the games themselves (temporal-difference learning:
R. Sutton, "Learning to predict by the methods of temporal differences", 1988; G. Tesauro played backgammon so, 1992).
"""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np

from ..engine import no_grad
from ..nn import Linear, Module, ReLU, Sequential, Tanh, init
from ..optim import Adam, LinearLR
from ..training import Checkpoint, Schedule, State, fit
from . import self_play
from .boards import tictactoe as rules
from .boards.tictactoe import Board as Board
from .boards.tictactoe import EveryLine, Player, RandomPlayer, X, play_every_line, play_match
from .run import Run, Target, share_of

TARGET = Target("lines lost against every possible opponent, both seats", at_most=0, unit="lines")

EPOCHS, ROUNDS, GAMES = 20, 50, 64  # 20 epochs of 50 rounds of 64 games: 64,000 games
MEMORY, BATCH_SIZE, UPDATES = 60, 256, 4  # after each round: 4 steps on 256 positions each, of the last 60 rounds
EXPLORE = (0.4, 0.2)  # how many of the moves are left to chance, in the first epoch and in the last


def value_network(seed: int | None = None) -> Sequential:
    """18 numbers, nine for the stones of each player, to a value between -1 and 1."""
    seeds = init.generator(seed).integers(2**31, size=3).tolist()
    return Sequential(
        Linear(18, 128, dtype=np.float32, seed=seeds[0]),
        ReLU(),
        Linear(128, 128, dtype=np.float32, seed=seeds[1]),
        ReLU(),
        Linear(128, 1, dtype=np.float32, seed=seeds[2]),
        Tanh(),
    )


def features(boards: np.ndarray, player: int) -> np.ndarray:
    """What the network is given: (games, 9) boards become (games, 18) of 0 and 1, this player's stones first.

    >>> features(Board("X...O....").array(), X).astype(int)
    array([[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]])
    """
    return np.concatenate([boards == player, boards == -player], axis=1).astype(np.float32)


def move_values(model: Module, boards: np.ndarray, player: int) -> np.ndarray:
    """How good each of the nine moves is for `player`: (games, 9), -inf where a square is taken.

    A move that ends the game is worth exactly what it brings, 1 or 0; of the others the network judges.
    """
    free = boards == 0
    game, square = np.nonzero(free)
    after = rules.played(boards[game], player, square)
    with no_grad():
        judged = model(features(after, player)).numpy()[:, 0]
    exact = np.where(rules.won(after, player), 1.0, np.where(rules.full(after), 0.0, judged))
    values = np.full(boards.shape, -np.inf)
    values[free] = exact
    return values


class NetPlayer(Player):
    """Tries every move and takes the one that the network values most. No search, no chance: always the same game.

    >>> NetPlayer(value_network()).choose(Board("XX.OO....")) == 2  # a win at once needs no network
    True
    """

    def __init__(self, model: Module):
        self.model = model

    def moves(self, boards: np.ndarray, player: int) -> np.ndarray:
        """A square for each board."""
        return move_values(self.model, boards, player).argmax(axis=1)


class SelfPlay(self_play.SelfPlay):
    """Games of the model against itself, see `self_play.SelfPlay`, with exact ends and negamax targets.

    The target of a position is what the game's end says, if the game ends there; else minus the best value that the
    opponent can reach by the next move (negamax, TD(0)). Positions are shown as often as they came up in play.
    """

    memory_size, batch_size, updates = MEMORY, BATCH_SIZE, UPDATES
    outcomes = ("X", "O", "draw")

    def __init__(
        self,
        model: Module,
        epochs: int,
        rounds: int = ROUNDS,
        games: int = GAMES,
        explore: tuple[float, float] = EXPLORE,
        seed: int | None = None,
    ):
        super().__init__(epochs, rounds, games, explore, seed)
        self.model = model

    def inputs(self, positions: np.ndarray) -> np.ndarray:
        """What the network is given: each position turned and mirrored at random."""
        return self.turned(positions)

    def play(self, chance: float) -> tuple[np.ndarray, np.ndarray]:
        """A round of games from first move to last: (positions, 18) and their targets (positions,)."""
        boards, player = rules.empty(self.games), X
        positions: list[np.ndarray] = []
        targets: list[np.ndarray] = []
        going_on = np.arange(0)  # those of the latest positions whose game goes on
        while len(boards):
            values = move_values(self.model, boards, player)
            if targets:
                targets[-1][going_on] = -values.max(axis=1)
            moves = np.where(
                self.rng.random(len(boards)) < chance, rules.random_moves(boards, self.rng), values.argmax(axis=1)
            )
            boards = rules.played(boards, player, moves)
            wins = rules.won(boards, player)
            over = wins | rules.full(boards)
            self.results["X" if player == X else "O"] += int(wins.sum())
            self.results["draw"] += int((over & ~wins).sum())
            positions.append(features(boards, player))
            targets.append(wins.astype(np.float32))
            going_on = np.flatnonzero(~over)
            boards, player = boards[going_on], -player
        return np.concatenate(positions), np.concatenate(targets)

    def turned(self, positions: np.ndarray) -> np.ndarray:
        """The same positions, each in one of the board's eight symmetries."""
        squares = rules.SYMMETRIES[self.rng.integers(8, size=len(positions))]
        return np.take_along_axis(positions, np.concatenate([squares, squares + 9], axis=1), axis=1)


def train(
    seed: int = 0,
    *,
    progress: bool | Callable[[str], Any] = True,
    checkpoint: str | PathLike | None = None,
    epochs: int | None = None,
    rounds: int = ROUNDS,
) -> Run:
    """Train a network by self-play, and try it against every possible opponent (see `evaluate`).

    checkpoint: a file (.safetensors) or folder: kept up to date after each epoch, gone on from if it is there. The
    history has, beside the loss, a column `drawn` (the share of its games against itself, chance moves included, that
    nobody won) and `lost` (the share of 200 games lost against random moves, half of them as second player).
    """
    epochs = share_of(EPOCHS) if epochs is None else epochs
    model = value_network(seed)
    play = SelfPlay(model, epochs, rounds, seed=seed)
    optimizer = Adam(model.parameters(), lr=3e-3)
    slower = Schedule(LinearLR(optimizer, 1.0, 0.02, total_iters=epochs * len(play)), every="step")

    def look(state: State) -> None:
        row = state.history.rows[-1]
        row["drawn"] = play.results["draw"] / sum(play.results.values())
        row["lost"] = against(NetPlayer(model), RandomPlayer(seed=0), games=200)["lost"]

    callbacks: list[Any] = [slower, look, *([Checkpoint(checkpoint, resume=True)] if checkpoint else [])]
    history = fit(model, play, "mse", optimizer, epochs, callbacks=callbacks, progress=progress, seed=seed)
    return Run(model, history, evaluate(model))


def evaluate(model: Module) -> dict[str, float]:
    """The score that counts, `lost lines` of both seats together, and how the lines ended in each seat."""
    scores: dict[str, float] = {"lost lines": 0}
    for letter, lines in every_opponent(NetPlayer(model)).items():
        scores["lost lines"] += len(lines.lost)
        scores |= {f"won as {letter}": lines.won, f"drawn as {letter}": lines.drawn}
        scores[f"lost as {letter}"] = len(lines.lost)
    return scores


def every_opponent(player: Any) -> dict[str, EveryLine]:
    """The player against all that an opponent can do, in both seats: {"X": …, "O": …}. `.lost` lists the lost lines.

    >>> every_opponent(rules.PerfectPlayer())["X"].lost
    []
    """
    return {letter: play_every_line(player, letter) for letter in ("X", "O")}


def against(player: Player, rival: Player, games: int = 1000) -> dict[str, float]:
    """Shares of games that `player` won, drew and lost, half of them as second player.

    >>> against(rules.PerfectPlayer(), RandomPlayer(seed=0), games=100)["lost"]
    0.0
    """
    half = games // 2
    results = np.concatenate([play_match(player, rival, half), -play_match(rival, player, games - half)])
    return {name: float((results == r).mean()) for name, r in (("won", 1), ("drawn", 0), ("lost", -1))}
