"""First names, invented by a small GPT: one letter after the other, each drawn from what the model expects next.

The model follows A. Karpathy's microgpt in its parts: token and position embeddings, RMSNorm, causal attention
with four heads, an MLP with ReLU, no biases; GPT is that of A. Radford and others, "Improving Language Understanding by
Generative Pre-Training", 2018. Beside it stand n-grams, which count letters and learn nothing else.

A loss is in nats for each character: the mean of -log(probability of what really came next), over every letter of
every name and the end sign behind each name.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from os import PathLike
from string import ascii_lowercase
from typing import Any

import numpy as np

from .. import nn
from ..data import DataLoader, Vocabulary, load_names, train_test_split
from ..engine import no_grad
from ..optim import AdamW, LinearLR, decay_matrices_only
from ..training import Checkpoint, Schedule, fit
from .run import Run, Target, share_of

TARGET = Target("loss on held-out names", at_most=2.0, unit="nats a character")

EPOCHS, BATCH_SIZE = 14, 32  # 14 times 145 batches, about 2,000 steps
LETTERS = Vocabulary([ascii_lowercase])  # a to z, and the special symbols <pad>, <start> and <end>
LONGEST = 11  # letters of a name


class GPT(nn.Module):
    """Token numbers (..., T) to scores of what may come next, (..., T, symbols)."""

    def __init__(self, symbols, d=32, heads=4, length=12, dtype=np.float32):
        self.tokens = nn.Embedding(symbols, d, dtype=dtype)
        self.positions = nn.LearnedPositions(length, d, dtype=dtype)
        self.norms = [nn.RMSNorm(d, dtype=dtype) for _ in range(3)]
        plain = {"bias": False, "dtype": dtype}
        self.attention = nn.MultiheadAttention(d, heads, batch_first=True, **plain)
        wide, narrow = nn.Linear(d, 4 * d, **plain), nn.Linear(4 * d, d, **plain)
        self.mlp = nn.Sequential(wide, nn.ReLU(), narrow)
        self.head = nn.Linear(d, symbols, **plain)

    def forward(self, tokens):
        """The scores after each token."""
        x = self.positions(self.tokens(tokens))
        h = self.norms[0](x)
        x = x + self.attention(h, h, h, is_causal=True, need_weights=False)[0]
        x = x + self.mlp(self.norms[1](x))
        return self.head(self.norms[2](x))


def next_letter_loss(scores: Any, targets: Any) -> Any:
    """The mean of -log(probability of the right symbol) over all places that aren't padding."""
    rows = scores.reshape(-1, scores.shape[-1])
    return nn.cross_entropy(rows, np.asarray(targets).reshape(-1), ignore_index=LETTERS.pad)


def split_names(seed: int = 0) -> tuple[list[str], list[str]]:
    """4,647 names to learn from and 516 that are held out.

    >>> train, test = split_names()
    >>> len(train), len(test), set(train) & set(test)
    (4647, 516, set())
    """
    names = load_names()
    known, held_out, _, _ = train_test_split(names, names, test_size=0.1, seed=seed)
    return known, held_out


def as_pairs(names: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """What the model reads, and what it should say at each place: (N, 12) each, the latter a place further on.

    >>> X, y = as_pairs(["ada"])
    >>> X[0, :5].tolist(), y[0, :5].tolist()  # <start> a d a <pad>, and a d a <end> <pad>
    ([1, 3, 6, 3, 0], [3, 6, 3, 2, 0])
    """
    names = list(names)
    X = LETTERS.encode_all(names, length=LONGEST + 1, start=True)
    return X, LETTERS.encode_all(names, length=LONGEST + 1, end=True)


def loss_of(model: nn.Module, names: Iterable[str]) -> float:
    """Nats for each character: the mean over all letters of these names and the end signs behind them."""
    X, y = as_pairs(names)
    with no_grad():
        return float(next_letter_loss(model.eval()(X), y).item())


def sample(
    model: nn.Module,
    vocabulary: Vocabulary = LETTERS,
    n: int = 10,
    temperature: float = 1.0,
    seed: int | None = None,
    start: str = "",
) -> list[str]:
    """n names, letter by letter: each is drawn from softmax(scores / temperature).

    temperature: below 1 the likely letters become likelier still, above 1 all become more alike. ValueError unless it
    is above 0. seed: for the draws; without it they come from Python's `random`. start: what all of them begin with.

    >>> untrained = GPT(len(LETTERS))
    >>> len(sample(untrained, n=3)), sample(untrained, seed=0) == sample(untrained, seed=0)
    (3, True)
    """
    if not temperature > 0:
        raise ValueError(f"sample: the temperature must be above 0, got {temperature!r}: try 0.8; near 0 it is no draw")
    rng = nn.init.generator(seed)
    tokens = np.tile(vocabulary.encode(start, start=True), (n, 1))
    with no_grad():
        for _ in range(LONGEST - len(start)):
            scores = model.eval()(tokens).numpy()[:, -1].astype(float) / temperature
            scores[:, [vocabulary.pad, vocabulary.start]] = -np.inf  # they never come next
            drawn = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
            tokens = np.concatenate([tokens, drawn[:, None]], axis=1)
    return ["".join(vocabulary.decode(row)) for row in tokens]


def share_new(invented: Iterable[str]) -> float:
    """The share of these names that aren't among the 5,163, neither to learn from nor held out.

    >>> share_new(["anna", "annabra"])
    0.5
    """
    invented, real = list(invented), set(load_names())
    return sum(name not in real for name in invented) / len(invented)


# -- the baseline: counting ----------------------------------------------------------------------------------------


class NGram:
    """What comes next, by counting what came after the same n - 1 letters (C. Shannon, 1948).

    For a context that was seldom seen, counts say little. So each length of context is blended with the next shorter
    one, down to "all 27 are equally likely": (count + strength · p of the shorter one) / (times seen + strength), which
    is D. MacKay and L. Peto's "A Hierarchical Dirichlet Language Model", 1995. It never gives the probability 0.

    >>> model = NGram(["ab", "ac"], n=2, strength=1.0)
    >>> model.probability("b", "a") == (1 + model.probability("b", "")) / (2 + 1)
    True
    """

    def __init__(self, names: Iterable[str], n: int, strength: float = 8.0):
        self.n, self.strength = n, strength
        self.counts: defaultdict[str, Counter] = defaultdict(Counter)
        for name in names:
            for context, letter in self._places(name):
                for start in range(n):
                    self.counts[context[start:]][letter] += 1

    def _places(self, name: str) -> Iterable[tuple[str, str]]:
        """(the n - 1 letters before it, letter) for each letter and the end sign "."; "^" stands before a name."""
        text = "^" * (self.n - 1) + name + "."
        return ((text[i - self.n + 1 : i], text[i]) for i in range(self.n - 1, len(text)))

    def probability(self, letter: str, context: str) -> float:
        """Of this letter, or ".", after these letters: up to n - 1 of them."""
        p = 1 / 27
        for length in range(len(context) + 1):
            seen = self.counts.get(context[len(context) - length :])
            if seen:
                p = (seen[letter] + self.strength * p) / (seen.total() + self.strength)
        return p

    def loss_of(self, names: Iterable[str]) -> float:
        """Nats for each character, averaged as the GPT's loss is: all letters and the end signs."""
        places = [place for name in names for place in self._places(name)]
        surprises = [-math.log(self.probability(letter, before)) for before, letter in places]
        return sum(surprises) / len(surprises)

    def sample(self, n: int = 10, seed: int | None = None) -> list[str]:
        """n names, drawn letter by letter."""
        draw, symbols = random.Random(seed), ascii_lowercase + "."
        names: list[str] = []
        while len(names) < n:
            text = "^" * (self.n - 1)
            while not text.endswith("."):
                before = text[len(text) - self.n + 1 :]
                text += draw.choices(symbols, [self.probability(symbol, before) for symbol in symbols])[0]
            names.append(text.strip("^."))
        return names

    @property
    def size(self) -> int:
        """How many counts it keeps."""
        return sum(len(seen) for seen in self.counts.values())


def best_ngram(names: list[str], n: int) -> NGram:
    """The n-gram of these names, its strength the best of 1 to 32 for the last 500 of them, counted without those."""
    trial, chosen_by = NGram(names[:-500], n), names[-500:]
    losses = {}
    for trial.strength in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0):
        losses[trial.strength] = trial.loss_of(chosen_by)
    return NGram(names, n, min(losses, key=losses.__getitem__))


# -- training ------------------------------------------------------------------------------------------------------


def train(
    seed: int = 0,
    *,
    progress: bool | Callable[[str], Any] = True,
    checkpoint: str | PathLike | None = None,
    epochs: int | None = None,
) -> Run:
    """Train a GPT; its loss on the held-out names, and the 4-gram's and 5-gram's. About ten seconds.

    seed: of initial weights and shuffling: it sets Python's `random`. The split is always the same.
    checkpoint: a file (.safetensors) or folder: kept up to date after each epoch, gone on from if it is there.
    """
    epochs = share_of(EPOCHS) if epochs is None else epochs
    names, held_out = split_names()
    random.seed(seed)
    model = GPT(len(LETTERS))
    loader = DataLoader(*as_pairs(names), BATCH_SIZE, seed=seed)
    optimizer = AdamW(decay_matrices_only(model.parameters(), 0.1), lr=0.01, betas=(0.9, 0.95))
    slower = Schedule(LinearLR(optimizer, 1.0, 0.0, total_iters=epochs * len(loader)), every="step")
    callbacks = [slower, *([Checkpoint(checkpoint, resume=True)] if checkpoint else [])]
    history = fit(model, loader, next_letter_loss, optimizer, epochs, callbacks=callbacks, progress=progress)
    scores = {TARGET.what: loss_of(model, held_out)}
    scores |= {f"{n}-gram": best_ngram(names, n).loss_of(held_out) for n in (4, 5)}
    return Run(model, history, scores)
