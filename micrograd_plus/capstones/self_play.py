"""Learning from games against oneself: what the capstones tictactoe, connect_four and capture_go have in common."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..nn import init


class SelfPlay:
    """The teacher: an endless supply of (positions, targets), from games that the model plays against itself.

    Each time it is looped over it plays `rounds` rounds of `games` games at once, with the model as it then is, and
    yields a few batches after each, drawn from the positions of the last rounds. Now and then (`explore`: how often in
    the first epoch, and in the last) a move is left to chance, so that the model also sees what it thinks is bad.

    A game says how it is played (`play`) and what the network is given (`inputs`). results: how the games of the latest
    epoch ended. state_dict() holds all that is needed to go on (training.Checkpoint with resume=True asks for it).
    """

    memory_size: int  # rounds whose positions are remembered
    batch_size: int
    updates: int  # batches after each round
    outcomes: tuple[str, ...]  # how a game can end

    def __init__(self, epochs: int, rounds: int, games: int, explore: tuple[float, float], seed: int | None):
        self.epochs, self.rounds, self.games, self.explore = epochs, rounds, games, explore
        self.rng = init.generator(seed)
        self.memory: deque[tuple[np.ndarray, ...]] = deque(maxlen=self.memory_size)
        self.epoch = 0
        self.results = dict.fromkeys(self.outcomes, 0)

    def play(self, chance: float) -> tuple[np.ndarray, ...]:
        """A round of games from first move to last: arrays with a row a position, the last of them the targets."""
        raise NotImplementedError

    inputs: Callable[..., np.ndarray]  # what the network is given of positions, the other arrays of `play`

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return self.rounds * self.updates

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """One epoch."""
        first, last = self.explore
        chance = first + (last - first) * min(self.epoch / max(1, self.epochs - 1), 1.0)
        self.epoch += 1
        self.results = dict.fromkeys(self.outcomes, 0)
        for _ in range(self.rounds):
            self.memory.append(self.play(chance))
            *positions, targets = (np.concatenate(parts) for parts in zip(*self.memory, strict=True))
            for _ in range(self.updates):
                rows = self.rng.integers(len(targets), size=self.batch_size)
                yield self.inputs(*(part[rows] for part in positions)), targets[rows]

    def state_dict(self) -> dict[str, Any]:
        """Where it is: the epoch, the source of chance, and the positions that are remembered."""
        return {"epoch": self.epoch, "rng": self.rng.bit_generator.state, "memory": list(self.memory)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.epoch, self.rng.bit_generator.state = state["epoch"], state["rng"]
        self.memory = deque(map(tuple, state["memory"]), maxlen=self.memory_size)


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
