"""Who is speaking: nine men who say two vowels, told apart by filters over time, and by a recurrent network.

The data and its split are those of M. Kudo, J. Toyama and M. Shimbo (1999). The filters are the model of the spoken
digits, `PooledConv`. The other model is a gated recurrent unit (K. Cho and others, "Learning Phrase Representations
using RNN Encoder-Decoder for Statistical Machine Translation", 2014), which reads one frame after the other. Beside
them stands a logistic regression on the mean of each coefficient.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np

from .. import nn
from ..data import DataLoader, load_japanese_vowels
from .run import Run, Target, share_of
from .spoken_digits import PooledConv, is_real, learn, logistic, share_right, standardised

TARGET = Target("held-out recordings given to the right speaker", at_least=0.97)

EPOCHS, BATCH_SIZE = 30, 16


class LastState(nn.Module):
    """Reads frame after frame; what it remembers at the end becomes a score for each class."""

    def __init__(self, features, hidden, classes):
        super().__init__()
        self.thin_out = nn.Dropout(0.2)
        self.gru = nn.GRU(features, hidden, batch_first=True, dtype=np.float32)
        self.dropout = nn.Dropout(0.5)
        self.last = nn.Linear(hidden, classes, dtype=np.float32)

    def forward(self, x, lengths):
        """From (N, frames, features) and the numbers of real frames to (N, classes)."""
        _, state = self.gru(self.thin_out(x), lengths=lengths)  # after the last real frame
        return self.last(self.dropout(state[0]))  # state: (1, N, hidden)


def official_split() -> tuple:
    """The 270 recordings to learn from and the 370 of the test: X, X_test, n, n_test, y, y_test.

    X: (N, 29, 12) float32, a recording, a frame, a coefficient, standardised. n: how many frames are real. y: speakers.

    >>> X, X_test, n, n_test, y, y_test = official_split()
    >>> X.shape, X_test.shape
    ((270, 29, 12), (370, 29, 12))
    """
    (features, n, y), (features_test, n_test, y_test) = load_japanese_vowels()
    X, X_test = standardised((features, n), (features_test, n_test))
    return X, X_test, n, n_test, y, y_test


def means(X: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Each feature's mean over the real frames: (N, F).

    >>> means(np.array([[[1.0], [3.0], [9.0]]]), np.array([2]))
    array([[2.]])
    """
    real = is_real(lengths, X.shape[1])[..., None]
    return (X * real).sum(axis=1) / real.sum(axis=1)


def shuffled(X: np.ndarray, lengths: np.ndarray, seed: int = 0) -> np.ndarray:
    """Each recording with its real frames in a random order; the padding stays where it is.

    >>> shuffled(np.array([[[1.0], [2.0], [3.0], [0.0]]]), np.array([3]), seed=1)[0, :, 0]
    array([1., 3., 2., 0.])
    """
    draw, mixed = random.Random(seed), X.copy()
    for recording, n in zip(mixed, lengths, strict=True):
        recording[:n] = recording[draw.sample(range(n), int(n))]
    return mixed


def train(
    seed: int = 0,
    *,
    kind: str = "conv",
    progress: bool | Callable[[str], Any] = True,
    checkpoint: str | PathLike | None = None,
    epochs: int | None = None,
) -> Run:
    """Train one of the two models; its score on the official test part, and that of the baseline.

    kind: "conv" or "gru". seed: of initial weights, shuffling and dropout: it sets Python's `random`.
    checkpoint: a file (.safetensors) or folder: kept up to date after each epoch, gone on from if it is there.
    ValueError for another kind.
    """
    if kind not in ("conv", "gru"):
        raise ValueError(f"kind must be 'conv' or 'gru', got {kind!r}")
    epochs = share_of(EPOCHS) if epochs is None else epochs
    X, X_test, n, n_test, y, y_test = official_split()
    random.seed(seed)
    model = PooledConv(12, 48, 9) if kind == "conv" else LastState(12, 96, 9)
    loader = DataLoader((X, n), y, BATCH_SIZE, seed=seed)
    history = learn(model, loader, epochs, progress=progress, checkpoint=checkpoint)
    scores = {
        TARGET.what: share_right(model, X_test, n_test, y_test),
        "logistic on means": logistic(means(X, n), y, means(X_test, n_test), y_test),
    }
    return Run(model, history, scores)
