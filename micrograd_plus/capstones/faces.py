"""Faces, recognised by a small convolutional network: 40 people, five pictures of each to learn from, five to test.

200 pictures against 40,000 weights: the natural place to see overfitting, and what augmentation does about it. The
network is asked "which of these 40 is it?". About people it never saw it can say nothing; see `same_or_different`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from os import PathLike
from typing import Any

import numpy as np

from .. import nn
from ..data import DataLoader, load_faces, split_each_class
from ..engine import no_grad
from ..optim import AdamW, LinearLR
from ..training import Checkpoint, Schedule, fit
from .digits import nearest, share_right
from .run import Run, Target, share_of

TARGET = Target("held-out pictures given the right name", at_least=0.96)

EPOCHS, BATCH_SIZE, EACH = 50, 20, 5  # EACH: pictures of each person to learn from
LIGHT = 0.25  # how much lighter or darker a picture may come out, where the spread of all pixels is 1


def face_cnn(people=40, dropout=0.3):
    """A picture (1, 28, 23) to a score for each person."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, dtype=np.float32),
        nn.BatchNorm2d(8, dtype=np.float32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1, dtype=np.float32),
        nn.BatchNorm2d(16, dtype=np.float32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(dropout),
        nn.Flatten(),
        nn.Linear(16 * 7 * 5, 64, dtype=np.float32),
        nn.ReLU(),
        nn.Linear(64, people, dtype=np.float32),
    )


def split_faces(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Five pictures of each of the 40 people to learn from, five that are held out: X, X_test, y, y_test.

    Pictures are (200, 1, 28, 23), float32; on all pixels of X taken together, the mean is 0 and the spread 1.

    >>> X, X_test, y, y_test = split_faces()
    >>> X.shape, X_test.shape, np.bincount(y).tolist() == [5] * 40
    ((200, 1, 28, 23), (200, 1, 28, 23), True)
    """
    images, people = load_faces()
    X, X_test, y, y_test = split_each_class(images[:, None], people, n_train=EACH, seed=seed)
    mean, spread = X.mean(), X.std()
    return (X - mean) / spread, (X_test - mean) / spread, y, y_test


def varied(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each picture moved by up to a pixel, mirrored or not, and a little lighter or darker: augmentation.

    >>> varied(np.ones((5, 1, 28, 23), np.float32), np.random.default_rng(0)).shape
    (5, 1, 28, 23)
    """
    n, _, height, width = X.shape
    wide = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    corners = rng.integers(0, 3, (n, 2))
    moved = [image[:, i : i + height, j : j + width] for image, (i, j) in zip(wide, corners, strict=True)]
    turned = np.less(rng.random(n), 0.5)
    mirrored = [image[:, :, ::-1] if turn else image for image, turn in zip(moved, turned, strict=True)]
    lighter = rng.normal(0, LIGHT, (n, 1, 1, 1)).astype(X.dtype)
    return np.stack(mirrored) + lighter


class Varied(DataLoader):
    """A DataLoader that varies every picture, anew each time it is handed out."""

    def __iter__(self) -> Iterator[Any]:
        """One epoch."""
        rng = nn.init.generator()  # from Python's `random`, whose state a Checkpoint keeps
        for X, y in super().__iter__():
            yield varied(X, rng), y


def features(model: nn.Sequential, X: np.ndarray) -> np.ndarray:
    """What the network makes of each picture before it names people: the outputs of its last hidden layer, (N, 64)."""
    model.eval()
    x: Any = X
    with no_grad():
        for part in list(model)[:-1]:
            x = part(x)
    return x.numpy()


def same_or_different(vectors: np.ndarray, people: np.ndarray) -> float:
    """How well closeness tells "the same person" from "two people": the area under the curve (AUC), 0.5 to 1.

    It is the probability that two pictures of one person are closer to each other than two pictures of different
    people, each pair taken at random (J. Hanley and B. McNeil, 1982). vectors: (N, …), a row a picture. Close is what
    has a large cosine.

    >>> same_or_different(np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]]), np.array([7, 7, 8, 8]))
    1.0
    """
    same, others = _closeness(vectors, people)
    below = [np.searchsorted(others, same, side=side) for side in ("left", "right")]  # a tie counts half
    return float(np.mean(below) / len(others))


def found_among_strangers(vectors: np.ndarray, people: np.ndarray, mistaken: float = 0.001) -> float:
    """The share of pairs of one person that is found, if of the pairs of two people only so many may be mistaken.

    >>> found_among_strangers(np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]]), np.array([7, 7, 8, 8]))
    1.0
    """
    same, others = _closeness(vectors, people)
    return float((same > np.quantile(others, 1 - mistaken)).mean())


def _closeness(vectors: np.ndarray, people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cosines of all pairs of one person, and of all pairs of two people, the latter in order."""
    flat = vectors.reshape(len(vectors), -1).astype(float)
    flat = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    first, second = np.triu_indices(len(flat), k=1)
    cosines = (flat @ flat.T)[first, second]
    same = people[first] == people[second]
    return cosines[same], np.sort(cosines[~same])


def train(
    seed: int = 0,
    *,
    progress: bool | Callable[[str], Any] = True,
    checkpoint: str | PathLike | None = None,
    epochs: int | None = None,
    split: int = 0,
) -> Run:
    """Train the CNN; its score on the held-out pictures, and that of the nearest neighbour.

    seed: of initial weights, shuffling, dropout and augmentation: it sets Python's `random`. split: the seed of which
    five pictures are held out. checkpoint: a file (.safetensors) or folder: kept up to date after each epoch, gone on
    from if it is there.
    """
    epochs = share_of(EPOCHS) if epochs is None else epochs
    X, X_test, y, y_test = split_faces(split)
    random.seed(seed)
    model = face_cnn()
    loader = Varied(X, y, BATCH_SIZE, seed=seed)
    optimizer = AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    slower = Schedule(LinearLR(optimizer, 1.0, 0.0, total_iters=epochs * len(loader)), every="step")
    callbacks = [slower, *([Checkpoint(checkpoint, resume=True)] if checkpoint else [])]
    history = fit(model, loader, "cross_entropy", optimizer, epochs, callbacks=callbacks, progress=progress)
    scores = {
        TARGET.what: share_right(model, X_test, y_test),
        "nearest neighbour": float((y[nearest(X, X_test)] == y_test).mean()),
    }
    return Run(model, history, scores)
