"""Spoken digits, understood by filters that are slid over time: 3,000 recordings, 13 coefficients a frame.

A convolution over time is the time-delay neural network of A. Waibel and others, "Phoneme Recognition Using Time-Delay
Neural Networks" (1989). Recordings differ in length, so what the filters found is pooled over the real frames: its mean
and its maximum. Beside it stands a logistic regression on each coefficient's mean and standard deviation over time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from os import PathLike
from typing import Any

import numpy as np

from .. import nn
from ..data import DataLoader, load_spoken_digits, standardize, train_test_split
from ..engine import concatenate, no_grad
from ..optim import Adam, LinearLR
from ..training import Checkpoint, Schedule, fit
from .run import Run, Target, share_of

TARGET = Target("held-out recordings understood", at_least=0.98)

EPOCHS, BATCH_SIZE, HELD_OUT = 20, 32, 600


class PooledConv(nn.Module):
    """Filters slid over time, their mean and maximum, then a score for each class."""

    def __init__(self, features, channels, classes):
        super().__init__()
        self.first = nn.Conv1d(features, channels, 3, padding=1, dtype=np.float32)
        self.second = nn.Conv1d(channels, channels, 3, padding=1, dtype=np.float32)
        self.dropout = nn.Dropout(0.5)
        self.last = nn.Linear(2 * channels, classes, dtype=np.float32)

    def forward(self, x, lengths):
        """From (N, frames, features) and the numbers of real frames to (N, classes)."""
        real = is_real(lengths, x.shape[1])[:, None]  # (N, 1, frames): 1 or 0
        maps = self.first(x.transpose(0, 2, 1)).relu() * real
        maps = self.second(maps).relu() * real  # (N, channels, frames)
        mean = maps.sum(axis=2) / real.sum(axis=2)
        pooled = concatenate([mean, maps.max(axis=2)], axis=1)
        return self.last(self.dropout(pooled))


def is_real(lengths: np.ndarray, frames: int) -> np.ndarray:
    """(N, frames) float32: 1 for a recording's real frames, 0 for the padding behind its end.

    >>> is_real(np.array([2, 3]), 3)
    array([[1., 1., 0.],
           [1., 1., 1.]], dtype=float32)
    """
    return (np.arange(frames) < np.reshape(lengths, (-1, 1))).astype(np.float32)


def standardised(train: tuple, *others: tuple) -> list[np.ndarray]:
    """Each feature with mean 0 and deviation 1 over the real frames of the training part; the padding stays 0.

    Each part is (features (N, frames, F), lengths (N,)); what comes back are the features, the training part's first.

    >>> x, other = standardised((np.array([[[1.0], [3.0], [0.0]]]), [2]), (np.array([[[5.0], [0.0], [0.0]]]), [1]))
    >>> x[0, :, 0], other[0, :, 0]
    (array([-1.,  1.,  0.]), array([3., 0., 0.]))
    """
    features, lengths = train
    frames = features[is_real(lengths, features.shape[1]) == 1]  # (all real frames, F)
    found = []
    for x, n in (train, *others):
        _, scaled = standardize(frames, x.reshape(-1, x.shape[2]))
        found.append(np.where(is_real(n, x.shape[1])[..., None] == 1, scaled.reshape(x.shape), 0))
    return found


def split_recordings(seed: int = 0) -> tuple:
    """2,400 recordings to learn from and 600 that are held out, 60 of each digit: X, X_test, n, n_test, y, y_test.

    X: (N, 32, 13) float32, a recording, a frame, a coefficient, standardised. n: how many frames are real. y: digits.

    >>> X, X_test, n, n_test, y, y_test = split_recordings()
    >>> X.shape, X_test.shape
    ((2400, 32, 13), (600, 32, 13))
    """
    features, lengths, digits = load_spoken_digits()
    share = HELD_OUT / len(digits)
    parts = train_test_split((features, lengths), digits, test_size=share, seed=seed, stratify=True)
    (x, n), (x_test, n_test), y, y_test = parts
    X, X_test = standardised((x, n), (x_test, n_test))
    return X, X_test, n, n_test, y, y_test


def mean_and_deviation(X: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """What is left of a recording without its order in time: each feature's mean and deviation, (N, 2 F).

    >>> mean_and_deviation(np.array([[[1.0], [3.0], [0.0]]]), np.array([2]))
    array([[2., 1.]])
    """
    real = is_real(lengths, X.shape[1])[..., None]
    n = real.sum(axis=1)
    mean = (X * real).sum(axis=1) / n
    variance = ((X - mean[:, None]) ** 2 * real).sum(axis=1) / n
    return np.concatenate([mean, np.sqrt(variance)], axis=1)


def logistic(X: np.ndarray, y: np.ndarray, X_test: np.ndarray, y_test: np.ndarray, seed: int = 0) -> float:
    """The share of (X_test, y_test) that a linear layer gets right, trained on (X, y): rows and class numbers."""
    random.seed(seed)
    model = nn.Linear(X.shape[1], int(y.max()) + 1, dtype=np.float32)
    adam = Adam(model.parameters(), lr=0.01)
    fit(model, (X, y), "cross_entropy", adam, share_of(60), seed=seed, progress=False)
    return share_right(model, X_test, y_test)


def scores_of(model: nn.Module, *inputs: np.ndarray) -> np.ndarray:
    """The model's scores, (N, classes), in eval mode."""
    with no_grad():
        return model.eval()(*inputs).numpy()


def share_right(model: nn.Module, *inputs_and_classes: np.ndarray) -> float:
    """The share for which the right class has the highest score: share_right(model, X, lengths, y)."""
    *inputs, y = inputs_and_classes
    return float((scores_of(model, *inputs).argmax(axis=1) == y).mean())


def learn(
    model: nn.Module,
    loader: DataLoader,
    epochs: int,
    callbacks: Iterable[Any] = (),
    progress: bool | Callable[[str], Any] = True,
    checkpoint: str | PathLike | None = None,
) -> Any:
    """fit with Adam, from a rate of 0.004 straight down to 0. The history."""
    optimizer = Adam(model.parameters(), lr=4e-3)
    slower = Schedule(LinearLR(optimizer, 1.0, 0.0, total_iters=epochs * len(loader)), every="step")
    callbacks = [slower, *callbacks, *([Checkpoint(checkpoint, resume=True)] if checkpoint else [])]
    return fit(model, loader, "cross_entropy", optimizer, epochs, callbacks=callbacks, progress=progress)


def train(
    seed: int = 0,
    *,
    progress: bool | Callable[[str], Any] = True,
    checkpoint: str | PathLike | None = None,
    epochs: int | None = None,
) -> Run:
    """Train the model; its score on the held-out recordings, and that of the baseline.

    seed: of initial weights, shuffling and dropout: it sets Python's `random`. The split is always the same.
    checkpoint: a file (.safetensors) or folder: kept up to date after each epoch, gone on from if it is there.
    """
    epochs = share_of(EPOCHS) if epochs is None else epochs
    X, X_test, n, n_test, y, y_test = split_recordings()
    random.seed(seed)
    model = PooledConv(13, 48, 10)
    loader = DataLoader((X, n), y, BATCH_SIZE, seed=seed)
    history = learn(model, loader, epochs, progress=progress, checkpoint=checkpoint)
    baseline = logistic(mean_and_deviation(X, n), y, mean_and_deviation(X_test, n_test), y_test)
    scores = {TARGET.what: share_right(model, X_test, n_test, y_test), "logistic on mean and deviation": baseline}
    return Run(model, history, scores)
