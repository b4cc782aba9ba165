"""Handwritten digits, read by a small convolutional network: 1,797 pictures of 8 by 8 pixels.

The ancestor of the model is LeNet (Y. LeCun and others, "Gradient-Based Learning Applied to Document Recognition",
1998): filters that are slid over the picture, pooling, then ordinary layers. Beside it stand the nearest neighbour,
which learns nothing and is hard to beat here, and an MLP, which doesn't know which pixels are neighbours.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from os import PathLike
from typing import Any

import numpy as np

from .. import nn
from ..data import DataLoader, load_digits, train_test_split
from ..engine import no_grad
from ..optim import Adam, LinearLR
from ..training import Checkpoint, Schedule, fit
from .run import Run, Target, share_of

TARGET = Target("held-out digits read correctly", at_least=0.985)

EPOCHS, BATCH_SIZE, HELD_OUT = 25, 32, 360


def small_cnn():
    """A picture (1, 8, 8) to ten scores: two layers of filters, then two of neurons."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, dtype=np.float32),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1, dtype=np.float32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 64, dtype=np.float32),
        nn.ReLU(),
        nn.Linear(64, 10, dtype=np.float32),
    )


def mlp():
    """The same picture to ten scores by neurons alone."""
    first, last = nn.Linear(64, 64, dtype=np.float32), nn.Linear(64, 10, dtype=np.float32)
    return nn.Sequential(nn.Flatten(), first, nn.ReLU(), last)


def split_digits(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """1,437 pictures to learn from and 360 that are held out, with the same share of each digit: X, X_test, y, y_test.

    Pictures are (N, 1, 8, 8), float32 from 0 to 1: one channel, as a convolution expects.

    >>> X, X_test, y, y_test = split_digits()
    >>> X.shape, X_test.shape
    ((1437, 1, 8, 8), (360, 1, 8, 8))
    """
    images, labels = load_digits()
    share = HELD_OUT / len(images)
    return train_test_split(images[:, None], labels, test_size=share, seed=seed, stratify=True)


def nudged(X: np.ndarray, rng: np.random.Generator, most: float = 0.5) -> np.ndarray:
    """Each picture moved at random by up to half a pixel, down or up and to the right or left: augmentation.

    Moving by a quarter of a pixel is to mix three quarters of a picture with a quarter of the one moved by a pixel.

    >>> nudged(np.ones((5, 1, 8, 8), np.float32), np.random.default_rng(0)).shape
    (5, 1, 8, 8)
    """
    for down, right in ((1, 0), (0, 1)):
        by = rng.uniform(-most, most, (len(X), 1, 1, 1)).astype(X.dtype)
        there, back = moved(X, down, right), moved(X, -down, -right)
        X = (1 - abs(by)) * X + np.maximum(by, 0) * there + np.maximum(-by, 0) * back
    return X


class Nudged(DataLoader):
    """A DataLoader that nudges every picture, anew each time it is handed out."""

    def __iter__(self) -> Iterator[Any]:
        """One epoch."""
        rng = nn.init.generator()  # from Python's `random`, whose state a Checkpoint keeps
        for X, y in super().__iter__():
            yield nudged(X, rng), y


def nearest(X_train: np.ndarray, X: np.ndarray) -> np.ndarray:
    """For each picture of X the number of the most similar one in X_train: (N,), by the squared differences of pixels.

    >>> nearest(np.array([[0.0, 0.0], [4.0, 4.0]]), np.array([[3.0, 4.0], [1.0, 0.0]]))
    array([1, 0])
    """
    a, b = X_train.reshape(len(X_train), -1), X.reshape(len(X), -1)
    squared = (b * b).sum(axis=1)[:, None] - 2 * b @ a.T + (a * a).sum(axis=1)  # (b - a)², multiplied out
    return squared.argmin(axis=1)


def scores_of(model: nn.Module, X: np.ndarray) -> np.ndarray:
    """The model's scores for the pictures, (N, classes), in eval mode."""
    with no_grad():
        return model.eval()(X).numpy()


def share_right(model: nn.Module, X: np.ndarray, y: np.ndarray) -> float:
    """The share of pictures for which the right class has the highest score."""
    return float((scores_of(model, X).argmax(axis=1) == y).mean())


def moved(X: np.ndarray, down: int, right: int) -> np.ndarray:
    """The pictures (N, 1, 8, 8), moved by so many pixels; what leaves on one side is lost, paper comes in on the other.

    >>> moved(np.array([[[[1, 2], [3, 4]]]]), down=0, right=1).tolist()
    [[[[0, 1], [0, 3]]]]
    """
    height, width = X.shape[2:]
    wide = np.pad(X, ((0, 0), (0, 0), (abs(down), abs(down)), (abs(right), abs(right))))
    top, left = abs(down) - down, abs(right) - right
    return wide[:, :, top : top + height, left : left + width]


def what_excites(maps: np.ndarray, images: np.ndarray, size: int, n: int = 6) -> np.ndarray:
    """The n patches, (n, size, size), to which a filter answers most, the strongest first; at most one an image.

    maps: (N, H, W), the filter's answers, one for each place of the images (N, H, W). size: the width of what the
    filter sees around that place, an odd number; beyond the edge of an image there are zeros.

    >>> image = np.array([[[0, 1, 2], [3, 4, 5], [6, 7, 8]]])
    >>> what_excites(image, image, size=3, n=1).tolist()  # the strongest answer is in the corner
    [[[4, 5, 0], [7, 8, 0], [0, 0, 0]]]
    """
    answers = maps.reshape(len(maps), -1)
    strongest = answers.max(axis=1).argsort()[::-1][:n]
    rows, columns = np.unravel_index(answers[strongest].argmax(axis=1), maps.shape[1:])
    edge = size // 2
    padded = np.pad(images, ((0, 0), (edge, edge), (edge, edge)))
    places = zip(strongest, rows, columns, strict=True)
    return np.stack([padded[i, row : row + size, column : column + size] for i, row, column in places])


def train(
    seed: int = 0,
    *,
    progress: bool | Callable[[str], Any] = True,
    checkpoint: str | PathLike | None = None,
    epochs: int | None = None,
) -> Run:
    """Train the CNN; its score on the held-out digits, and those of the two baselines.

    seed: of initial weights, shuffling and dropout: it sets Python's `random`. The split is always the same.
    checkpoint: a file (.safetensors) or folder: kept up to date after each epoch, gone on from if it is there.
    """
    epochs = share_of(EPOCHS) if epochs is None else epochs
    X, X_test, y, y_test = split_digits()
    random.seed(seed)
    model = small_cnn()
    loader = Nudged(X, y, BATCH_SIZE, seed=seed)
    optimizer = Adam(model.parameters(), lr=3e-3)
    slower = Schedule(LinearLR(optimizer, 1.0, 0.0, total_iters=epochs * len(loader)), every="step")
    callbacks = [slower, *([Checkpoint(checkpoint, resume=True)] if checkpoint else [])]
    history = fit(model, loader, "cross_entropy", optimizer, epochs, callbacks=callbacks, progress=progress)
    scores = {
        TARGET.what: share_right(model, X_test, y_test),
        "nearest neighbour": float((y[nearest(X, X_test)] == y_test).mean()),
    }
    return Run(model, history, scores)
