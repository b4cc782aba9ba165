"""Capture Go on 5 × 5, learned by self-play: who captures first wins, and nobody tells the network what a liberty is.

As in tic-tac-toe and Connect Four the network is given a position just after a move and says how good it is for the
player who made that move, from -1 to 1. It sees nothing but where the stones are. It learns from games against itself
by TD(λ) (R. Sutton, 1988), see `self_play.td_lambda`. To play is to try every point and take the one that is valued
most: no search.
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
from .boards import capture_go as rules
from .boards.capture_go import POINTS, SIZE, SYMMETRIES, Judge, Player, RandomPlayer, Tactician, play_match
from .boards.capture_go import Board as Board
from .run import Run, Target, share_of
from .self_play import td_lambda as td_lambda

TARGET_RANDOM = Target("games won against random moves, of 1,000", at_least=0.98)
TARGET_TACTICIAN = Target("games won against the tactician, of 1,000", at_least=0.65)

EPOCHS, ROUNDS, GAMES = 20, 10, 256  # 20 epochs of 10 rounds of 256 games: 51,200 games
MEMORY, BATCH_SIZE, UPDATES = 4, 512, 12  # after each round: 12 steps on 512 positions each, of the last 4 rounds
EXPLORE = (0.3, 0.05)  # how many of the moves are left to chance, in the first epoch and in the last


def value_network(seed: int | None = None) -> Sequential:
    """25 numbers for the mover's stones and 25 for the other's, to a value between -1 and 1."""
    seeds = init.generator(seed).integers(2**31, size=3).tolist()
    return Sequential(
        Linear(50, 128, dtype=np.float32, seed=seeds[0]),
        ReLU(),
        Linear(128, 64, dtype=np.float32, seed=seeds[1]),
        ReLU(),
        Linear(64, 1, dtype=np.float32, seed=seeds[2]),
        Tanh(),
    )


def features(movers: np.ndarray, others: np.ndarray) -> np.ndarray:
    """What the network is given: (games, 50) of 0 and 1, the stones of the one who just moved first.

    >>> mine, theirs = Board().play(12).bits()  # O is to move, and has no stone yet
    >>> np.flatnonzero(features(theirs, mine))
    array([12])
    """
    return np.concatenate([rules.points(movers), rules.points(others)], axis=1, dtype=np.float32)


def judge_of(model: Module) -> Judge:
    """The model as what `rules.move_values` asks for values."""

    def judge(movers: np.ndarray, others: np.ndarray) -> np.ndarray:
        with no_grad():
            return model(features(movers, others)).numpy()[:, 0]

    return judge


class NetPlayer(Player):
    """Tries every point and takes the one that the network values most. No search, no chance: always the same game.

    >>> board = Board("OX...................O..X")
    >>> board.name_of(NetPlayer(value_network()).choose(board))  # a capture needs no network
    'a4'
    """

    def __init__(self, model: Module):
        self.judge = judge_of(model)

    def moves(self, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        """A point for each game."""
        return rules.move_values(mine, theirs, self.judge).argmax(axis=1)


class SelfPlay(self_play.SelfPlay):
    """Games of the model against itself, see `self_play.SelfPlay`, with the targets of TD(λ), see `td_lambda`."""

    memory_size, batch_size, updates = MEMORY, BATCH_SIZE, UPDATES
    outcomes = ("first", "second")  # nobody draws

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
        self.judge = judge_of(model)

    def inputs(self, movers: np.ndarray, others: np.ndarray) -> np.ndarray:
        """What the network is given: each position turned and mirrored at random."""
        return self.turned(features(movers, others))

    def play(self, chance: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A round of games from first move to last: the positions (movers, others) and their targets, a row each.

        Positions in which the game is over are left out: their values need no guess.
        """
        by_turn = (SIZE * SIZE + 1, self.games)  # nothing happens in the last turn, so that each has a next one
        movers, others = np.zeros((2, *by_turn), np.uint32)
        results, best = np.zeros((2, *by_turn), np.float32)
        goes_on, over, by_chance = np.zeros((3, *by_turn), bool)
        (mine, theirs), running = rules.empty(self.games), np.arange(self.games)
        for turn in range(SIZE * SIZE):
            values = rules.move_values(mine, theirs, self.judge)
            greedy, anywhere = values.argmax(axis=1), rules.random_points(mine, theirs, self.rng)
            chosen = np.where(self.rng.random(len(running)) < chance, anywhere, greedy)
            mine = mine | POINTS[chosen]
            outcome = rules.outcomes(mine, theirs)
            ends = outcome != 0
            movers[turn, running], others[turn, running], goes_on[turn, running] = mine, theirs, ~ends
            best[turn, running], by_chance[turn, running] = values.max(axis=1), chosen != greedy
            results[turn, running], over[turn, running] = outcome, ends
            mine, theirs, running = theirs[~ends], mine[~ends], running[~ends]  # the other is to move
            if not len(running):
                break
        first = int((results[0::2] == 1).sum() + (results[1::2] == -1).sum())  # won, or given away by the second
        self.results["first"] += first
        self.results["second"] += self.games - first
        return movers[goes_on], others[goes_on], td_lambda(results, over, best, by_chance)[goes_on]

    def turned(self, X: np.ndarray) -> np.ndarray:
        """The same positions (N, 50), each in one of the board's eight symmetries."""
        points = SYMMETRIES[self.rng.integers(8, size=len(X))]
        return np.take_along_axis(X, np.concatenate([points, points + SIZE * SIZE], axis=1), axis=1)


def train(
    seed: int = 0,
    *,
    progress: bool | Callable[[str], Any] = True,
    checkpoint: str | PathLike | None = None,
    epochs: int | None = None,
    rounds: int = ROUNDS,
    games: int = GAMES,
) -> Run:
    """Train a network by self-play, and try it in matches (see `evaluate`); about half a minute.

    checkpoint: a file (.safetensors) or folder: kept up to date after each epoch, gone on from if it is there. The
    history has, beside the loss, a column `first` (the share of its games against itself, chance moves included, that
    the first player won) and `won` (the share of 200 games won against the tactician).
    """
    epochs = share_of(EPOCHS) if epochs is None else epochs
    model = value_network(seed)
    play = SelfPlay(model, epochs, rounds, games, seed=seed)
    optimizer = Adam(model.parameters(), lr=3e-3)
    slower = Schedule(LinearLR(optimizer, 1.0, 0.02, total_iters=epochs * len(play)), every="step")

    def look(state: State) -> None:
        row = state.history.rows[-1]
        row["first"] = play.results["first"] / sum(play.results.values())
        row["won"] = against(NetPlayer(model), Tactician(seed=0), games=200)

    callbacks: list[Any] = [slower, look, *([Checkpoint(checkpoint, resume=True)] if checkpoint else [])]
    history = fit(model, play, "mse", optimizer, epochs, callbacks=callbacks, progress=progress, seed=seed)
    return Run(model, history, evaluate(model))


def evaluate(model: Module, games: int = 1000, seed: int = 0) -> dict[str, float]:
    """Shares of games won, half of them as second player, against two rivals; and what the tactician itself gets."""
    return {
        "random": against(NetPlayer(model), RandomPlayer(seed), games),
        "tactician": against(NetPlayer(model), Tactician(seed), games),
        "tactician against random": against(Tactician(seed), RandomPlayer(seed), games),
    }


def against(player: Player, rival: Player, games: int = 1000) -> float:
    """The share of games that `player` won, half of them as second player. Nobody draws, so the rest are lost."""
    half = games // 2
    results = np.concatenate([play_match(player, rival, half), -play_match(rival, player, games - half)])
    return float((results == 1).mean())
