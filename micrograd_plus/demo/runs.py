"""What the demo trains, and the numbers that it keeps for the page."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import numpy as np

from ..data import load_digits, make_moons, train_test_split
from ..engine import Tensor, no_grad
from ..nn import MLP, Dropout, Linear, Module, ReLU, Sequential, l2_penalty
from ..optim import SGD, AdamW, CosineAnnealingLR, LambdaLR
from ..training import History, Schedule, fit

STEPS = 100  # as in micrograd's demo
EPOCHS = 20
SHIFTS = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)]  # a digit moved by a pixel is the same digit


@dataclass
class MoonsRun:
    """micrograd's demo: 100 points of two moons, MLP 2-16-16-1, max-margin loss with an L2 penalty."""

    X: np.ndarray
    y: np.ndarray  # -1 and 1
    model: Sequential
    scalar: MLP
    scalar_history: History
    tensor_history: History
    scalar_seconds: float
    tensor_seconds: float

    @property
    def scalar_losses(self) -> list[float]:
        """The loss of each step, computed number by number."""
        return self.scalar_history.steps

    @property
    def tensor_losses(self) -> list[float]:
        """The loss of each step, computed as arrays."""
        return self.tensor_history.steps

    @property
    def difference(self) -> float:
        """The largest difference between the two runs' losses."""
        return float(np.abs(np.subtract(self.scalar_losses, self.tensor_losses)).max())

    @property
    def accuracy(self) -> float:
        """The share of points on the right side."""
        return float((self.scores(self.X) * self.y > 0).mean())

    def scores(self, points: np.ndarray) -> np.ndarray:
        """The network's answer at each point."""
        with no_grad():
            return self.model(points).numpy()[:, 0]

    def in_words(self) -> str:
        """What happened, in a sentence or two."""
        agree = f"their losses agree to {self.difference:.0e}" if self.difference else "their losses are equal"
        return (
            f"{self.accuracy:.0%} of the points on the right side after {STEPS} steps. Same weights, same losses: "
            f"{agree}. The arrays took {self.tensor_seconds:.1f} s, the single numbers {self.scalar_seconds:.1f} s."
        )


@dataclass
class DigitsRun:
    """A network with two hidden layers on the 8 by 8 digits."""

    model: Sequential
    images: np.ndarray  # (n, 8, 8), the held-out ones
    labels: np.ndarray
    probabilities: np.ndarray  # (n, 10)
    history: History
    n_train: int

    @property
    def predictions(self) -> np.ndarray:
        """The class with the highest probability."""
        return self.probabilities.argmax(axis=1)

    @property
    def accuracy(self) -> float:
        """The share of held-out digits that are read right."""
        return float((self.predictions == self.labels).mean())

    @property
    def mistakes(self) -> np.ndarray:
        """Which of the held-out digits are misread."""
        return np.flatnonzero(self.predictions != self.labels)

    def in_words(self) -> str:
        """What happened, in a sentence."""
        right = len(self.labels) - len(self.mistakes)
        return f"{self.accuracy:.1%} of the held-out digits read right: {right} of {len(self.labels)}."


def train_moons(seed: int) -> MoonsRun:
    """The same network from the same weights, once number by number and once as arrays."""
    X, y = make_moons(n_samples=100, noise=0.1, seed=seed)
    y = 2.0 * y - 1
    scalar = MLP(2, [16, 16, 1], seed=seed)
    model = scalar.to_sequential()
    scalar_history, scalar_seconds = _fit_moons(scalar, X, y)
    tensor_history, tensor_seconds = _fit_moons(model, X, y)
    return MoonsRun(X, y, model, scalar, scalar_history, tensor_history, scalar_seconds, tensor_seconds)


def _fit_moons(model: Module, X: np.ndarray, y: np.ndarray) -> tuple[History, float]:
    optimizer = SGD(model.parameters(), lr=1.0)
    schedule = LambdaLR(optimizer, lambda step: 1.0 - 0.9 * step / STEPS)
    start = time.perf_counter()
    history = fit(
        model, (X, y), loss="hinge", optimizer=optimizer, epochs=STEPS, batch_size=len(X), seed=0,
        penalty=lambda m: 1e-4 * l2_penalty(m), callbacks=[Schedule(schedule, every="step")],
    )  # fmt: skip
    return history, time.perf_counter() - start


def _shifted(images: np.ndarray, down: int, right: int) -> np.ndarray:
    framed = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    return framed[:, 1 - down : 9 - down, 1 - right : 9 - right]


def train_digits(seed: int) -> DigitsRun:
    """64 pixels, twice 256 hidden neurons with dropout, 10 classes; AdamW on cross-entropy, its rate falling to 0."""
    images, labels = load_digits()
    train, held, train_labels, held_labels = train_test_split(images, labels, test_size=0.25, seed=seed, stratify=True)
    random.seed(seed)  # initial weights
    model = Sequential(
        Linear(64, 256, dtype=np.float32), ReLU(), Dropout(0.3),
        Linear(256, 256, dtype=np.float32), ReLU(), Dropout(0.3),
        Linear(256, 10, dtype=np.float32),
    )  # fmt: skip
    X = np.concatenate([_shifted(train, *shift) for shift in SHIFTS]).reshape(-1, 64)
    y, X_held = np.concatenate([train_labels] * len(SHIFTS)), held.reshape(-1, 64)
    optimizer = AdamW(model.parameters(), lr=3e-3)
    history = fit(
        model, (X, y), loss="cross_entropy", optimizer=optimizer, epochs=EPOCHS, batch_size=64,
        validation=(X_held, held_labels), metrics="accuracy", seed=seed,
        callbacks=[Schedule(CosineAnnealingLR(optimizer, EPOCHS))],
    )  # fmt: skip
    with no_grad():
        probabilities = model.eval()(Tensor(X_held, requires_grad=False)).softmax().numpy()
    return DigitsRun(model, held, held_labels, probabilities, history, len(train))
