"""Connect Four, learned by self-play: the idea of tic-tac-toe's capstone, for a game too large to be looked through.

The network is given a position just after a move and says how good it is for the player who made that move, from -1 to
1. It learns from games against itself, hundreds at once, by TD(λ) (R. Sutton, "Learning to predict by the methods of
temporal differences", 1988; G. Tesauro's TD-Gammon, 1992). To play, it looks two moves ahead with these values.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from os import PathLike
from typing import Any

import numpy as np

from ..engine import no_grad
from ..nn import Linear, Module, ReLU, Sequential, Tanh, init
from ..optim import Adam, LinearLR
from ..training import Checkpoint, Schedule, State, fit
from .boards import connect_four as rules
from .boards.connect_four import COLUMNS, ROWS, Judge, Player, RandomPlayer, Searcher, Tactician, play_match
from .boards.connect_four import Board as Board
from .run import Run, Target, share_of

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


class SelfPlay:
    """The teacher: an endless supply of (positions, targets), from games that the model plays against itself.

    Each time it is looped over it plays `rounds` rounds of `games` games at once, with the model as it then is, and
    yields a few batches after each, drawn from the positions of the last few rounds, half of them mirrored. Targets are
    TD(λ)'s, see `td_lambda`. Now and then (`explore`: how often in the first epoch, and in the last) a move is left to
    chance, so that the model also sees what it thinks is bad.

    results: {"first": …, "second": …, "draw": …}, how the games of the latest epoch ended. state_dict() holds all
    that is needed to go on (training.Checkpoint with resume=True asks for it).
    """

    def __init__(
        self,
        model: Module,
        epochs: int,
        rounds: int = ROUNDS,
        games: int = GAMES,
        explore: tuple[float, float] = EXPLORE,
        seed: int | None = None,
    ):
        self.judge = judge_of(model)
        self.epochs, self.rounds, self.games, self.explore = epochs, rounds, games, explore
        self.rng = init.generator(seed)
        self.memory: deque[tuple[np.ndarray, ...]] = deque(maxlen=MEMORY)
        self.epoch = 0
        self.results = {"first": 0, "second": 0, "draw": 0}

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return self.rounds * UPDATES

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """One epoch."""
        first, last = self.explore
        chance = first + (last - first) * min(self.epoch / max(1, self.epochs - 1), 1.0)
        self.epoch += 1
        self.results = dict.fromkeys(self.results, 0)
        for _ in range(self.rounds):
            self.memory.append(self.play(chance))
            movers, others, targets = (np.concatenate(parts) for parts in zip(*self.memory, strict=True))
            for _ in range(UPDATES):
                rows = self.rng.integers(len(targets), size=BATCH_SIZE)
                X = features(movers[rows], others[rows])
                X[::2] = mirrored(X[::2])
                yield X, targets[rows]

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

    def state_dict(self) -> dict[str, Any]:
        """Where it is: the epoch, the source of chance, and the positions that are remembered."""
        return {"epoch": self.epoch, "rng": self.rng.bit_generator.state, "memory": list(self.memory)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.epoch, self.rng.bit_generator.state = state["epoch"], state["rng"]
        self.memory = deque(map(tuple, state["memory"]), maxlen=MEMORY)


def td_lambda(
    results: np.ndarray, over: np.ndarray, best: np.ndarray, by_chance: np.ndarray, lam: float = 0.7
) -> np.ndarray:
    """What each position's value should have been, seen from the end of the game; all arrays are (turns, games).

    results: 1 where a move won the game, else 0; over: where a move ended it. best: the value of the best move of the
    player to move, by the model; by_chance: where another move was made instead. A position is as good for the one
    who just moved as the opponent's turn is bad: minus a mixture of what the model expects of that turn (`best`) and
    of what came of it (its target), λ being the share of the latter. What came of a chance move says nothing about good
    play, so there it is `best` alone (C. Watkins, "Learning from Delayed Rewards", 1989).

    >>> results, over = np.array([[0.0], [0.0], [1.0], [0.0]]), np.array([[False], [False], [True], [False]])
    >>> best, by_chance = np.array([[0.1], [0.2], [1.0], [0.0]]), np.zeros((4, 1), bool)
    >>> td_lambda(results, over, best, by_chance, lam=0.5).ravel()  # 0.4 = -(0.5 · 0.2 + 0.5 · -1)
    array([ 0.4, -1. ,  1. ,  0. ])
    """
    targets = results.copy()
    for turn in reversed(range(len(targets) - 1)):
        mixture = (1 - lam) * best[turn + 1] + lam * targets[turn + 1]
        expected = np.where(by_chance[turn + 1], best[turn + 1], mixture)
        targets[turn] = np.where(over[turn], results[turn], -expected)
    return targets


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
