"""Connect Four, learned by self-play: the idea of tic-tac-toe's capstone, for a game too large to be looked through.

The network is given a position just after a move and says how good it is for the player who made that move, from -1 to
1. It learns from games against itself, hundreds at once, by TD(λ) (R. Sutton, "Learning to predict by the methods of
temporal differences", 1988; G. Tesauro's TD-Gammon, 1992). To play, it looks two moves ahead with these values.
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
from .boards import connect_four as rules
from .boards.connect_four import COLUMNS, ROWS, Judge, Player, RandomPlayer, Searcher, Tactician, play_match
from .boards.connect_four import Board as Board
from .run import Run, Target, share_of
from .self_play import td_lambda as td_lambda

TARGET_RANDOM = Target("games won against random moves, of 1,000", at_least=0.99)
TARGET_TACTICIAN = Target("games won against a player who wins and blocks, of 1,000", at_least=0.90)

EPOCHS, ROUNDS, GAMES = 20, 20, 128  # 20 epochs of 20 rounds of 128 games: 51,200 games
MEMORY, BATCH_SIZE, UPDATES = 8, 512, 24  # after each round: 24 steps on 512 positions each, of the last 8 rounds
EXPLORE = (0.3, 0.15)  # how many of the moves are left to chance, in the first epoch and in the last


def value_network(seed: int | None = None) -> Sequential:
    """84 numbers, 42 for the discs of each player, to a value between -1 and 1."""
    seeds = init.generator(seed).integers(2**31, size=3).tolist()
    return Sequential(
        Linear(84, 128, dtype=np.float32, seed=seeds[0]),
        ReLU(),
        Linear(128, 64, dtype=np.float32, seed=seeds[1]),
        ReLU(),
        Linear(64, 1, dtype=np.float32, seed=seeds[2]),
        Tanh(),
    )


def features(movers: np.ndarray, others: np.ndarray) -> np.ndarray:
    """What the network is given: (games, 84) of 0 and 1, the discs of the one who just moved first.

    >>> mine, theirs = rules.Board(("", "", "", "X", "", "", "")).bits()  # O is to move, so X's discs are `theirs`
    >>> features(theirs, mine)[0].nonzero()  # 3 · 6: column 3, row 0
    (array([18]),)
    """
    both = np.concatenate([rules.squares(movers), rules.squares(others)], axis=1, dtype=np.float32)
    return both.reshape(len(movers), 2 * COLUMNS * ROWS)


def judge_of(model: Module) -> Judge:
    """The model as what `rules.search` asks for values."""

    def judge(movers: np.ndarray, others: np.ndarray) -> np.ndarray:
        with no_grad():
            return model(features(movers, others)).numpy()[:, 0]

    return judge


class NetPlayer(Searcher):
    """Looks `depth` moves ahead (2: its own and the reply) and takes the column that leads to the best values.

    >>> NetPlayer(value_network()).choose(Board(("XXX", "OO", "O", "", "", "", "")))  # a win at once needs no network
    0
    """

    def __init__(self, model: Module, depth: int = 2):
        super().__init__(depth, judge_of(model))


class SelfPlay(self_play.SelfPlay):
    """Games of the model against itself, see `self_play.SelfPlay`, with the targets of TD(λ), see `td_lambda`."""

    memory_size, batch_size, updates = MEMORY, BATCH_SIZE, UPDATES
    outcomes = ("first", "second", "draw")

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
        """What the network is given: every other position mirrored."""
        X = features(movers, others)
        X[::2] = mirrored(X[::2])
        return X

    def play(self, chance: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A round of games from first move to last: the positions (movers, others) and their targets, a row each."""
        by_turn = (COLUMNS * ROWS + 1, self.games)  # nothing happens in the last turn, so that each has a next one
        movers, others = np.zeros((2, *by_turn), np.uint64)
        results, best = np.zeros((2, *by_turn), np.float32)
        played, over, by_chance = np.zeros((3, *by_turn), bool)
        (mine, theirs), running = rules.empty(self.games), np.arange(self.games)
        for turn in range(COLUMNS * ROWS):
            values = rules.search(mine, theirs, 1, self.judge)
            greedy, anywhere = values.argmax(axis=1), rules.random_columns(mine, theirs, self.rng)
            columns = np.where(self.rng.random(len(running)) < chance, anywhere, greedy)
            mine = rules.dropped(mine, theirs, columns)
            wins = rules.connected(mine)
            ends = wins | rules.full(mine, theirs)
            movers[turn, running], others[turn, running], played[turn, running] = mine, theirs, True
            best[turn, running], by_chance[turn, running] = values.max(axis=1), columns != greedy
            results[turn, running], over[turn, running] = wins, ends
            mine, theirs, running = theirs[~ends], mine[~ends], running[~ends]  # the other is to move
            if not len(running):
                break
        self.results["first"] += int(results[0::2].sum())
        self.results["second"] += int(results[1::2].sum())
        self.results["draw"] += int((over & (results == 0)).sum())
        return movers[played], others[played], td_lambda(results, over, best, by_chance)[played]


def mirrored(X: np.ndarray) -> np.ndarray:
    """The same positions (N, 84), left and right exchanged.

    >>> mirrored(np.arange(84))[0, :6]  # the leftmost column is what the rightmost was
    array([36, 37, 38, 39, 40, 41])
    """
    return X.reshape(-1, 2, COLUMNS, ROWS)[:, :, ::-1].reshape(-1, 2 * COLUMNS * ROWS)


def train(
    seed: int = 0,
    *,
    progress: bool | Callable[[str], Any] = True,
    checkpoint: str | PathLike | None = None,
    epochs: int | None = None,
    rounds: int = ROUNDS,
    games: int = GAMES,
) -> Run:
    """Train a network by self-play, and try it in matches (see `evaluate`).

    checkpoint: a file (.safetensors) or folder: kept up to date after each epoch, gone on from if it is there. The
    history has, beside the loss, a column `first` (the share of its games against itself, chance moves included, that
    the first player won) and `won` (the share of 200 games won against the tactician, without looking ahead).
    """
    epochs = share_of(EPOCHS) if epochs is None else epochs
    model = value_network(seed)
    play = SelfPlay(model, epochs, rounds, games, seed=seed)
    optimizer = Adam(model.parameters(), lr=3e-3)
    slower = Schedule(LinearLR(optimizer, 1.0, 0.02, total_iters=epochs * len(play)), every="step")

    def look(state: State) -> None:
        row = state.history.rows[-1]
        row["first"] = play.results["first"] / sum(play.results.values())
        row["won"] = against(NetPlayer(model, depth=1), Tactician(seed=0), games=200)["won"]

    callbacks: list[Any] = [slower, look, *([Checkpoint(checkpoint, resume=True)] if checkpoint else [])]
    history = fit(model, play, "mse", optimizer, epochs, callbacks=callbacks, progress=progress, seed=seed)
    return Run(model, history, evaluate(model))


def evaluate(model: Module, games: int = 1000, seed: int = 0) -> dict[str, float]:
    """Shares of games won with a search of two moves, half of them as second player; a draw is not a win.

    Beside the two targets: without any search ("no search …"), and against a plain minimax player of depth 2.
    """
    scores = {}
    for start, depth in (("", 2), ("no search, ", 1)):
        player = NetPlayer(model, depth)
        scores[f"{start}random"] = against(player, RandomPlayer(seed), games)["won"]
        scores[f"{start}tactician"] = against(player, Tactician(seed), games)["won"]
    scores["minimax of depth 2"] = against(NetPlayer(model), Searcher(2, seed=seed), games)["won"]
    return scores


def against(player: Player, rival: Player, games: int = 1000) -> dict[str, float]:
    """Shares of games that `player` won, drew and lost, half of them as second player.

    >>> shares = against(Tactician(seed=0), RandomPlayer(seed=0), games=200)
    >>> list(shares), shares["won"] > 0.8
    (['won', 'drawn', 'lost'], True)
    """
    half = games // 2
    results = np.concatenate([play_match(player, rival, half), -play_match(rival, player, games - half)])
    return {name: float((results == r).mean()) for name, r in (("won", 1), ("drawn", 0), ("lost", -1))}
