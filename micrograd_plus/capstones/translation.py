"""English numbers into French ones, by a small Transformer: "ninety-five" becomes "quatre-vingt-quinze".

The model is the encoder and decoder of A. Vaswani and others, "Attention Is All You Need", 2017, with one layer of
each. The encoder reads the English words; the decoder writes the French ones, each while looking at all that was read
and at what it has written so far. Beside it stands a dictionary that translates word by word.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from os import PathLike
from typing import Any

import numpy as np

from .. import nn
from ..data import Vocabulary, number_pairs, number_words
from ..engine import no_grad
from ..optim import Adam, LinearLR, SequentialLR, clip_grad_norm_
from ..training import Callback, Checkpoint, Schedule, State, fit
from .run import Run, Target, share_of

Words = list[str]
Pairs = tuple[list[Words], list[Words]]

TARGET = Target("numbers never seen, translated without a mistake", at_least=0.99)

PAIRS, EPOCHS, BATCH_SIZE, WARM_UP = 12_000, 5, 64, 100  # 5 epochs of 188 batches; 100 steps of warm-up
LONGEST = 24  # words: the longest English number has 14, the longest French one 19, with its start or end 20


# -- the data --------------------------------------------------------------------------------------------------


def vocabularies() -> tuple[Vocabulary, Vocabulary]:
    """All English and all French words of the numbers 0 to 999,999, numbered; always the same.

    >>> english, french = vocabularies()
    >>> len(english), len(french)
    (36, 31)
    """
    english, french = number_pairs([*range(100), 200, 999_999])  # in these every word and every mark occurs
    return Vocabulary(english), Vocabulary(french)


def held_out_numbers(seed: int = 0) -> list[int]:
    """The exam: 1,000 numbers, of each length from two digits to six. Those of one digit are all to be learned from."""
    chance = random.Random(seed)
    sizes = {2: 10, 3: 90, 4: 300, 5: 300, 6: 300}
    return [n for digits, size in sizes.items() for n in chance.sample(range(*_from_to(digits)), size)]


def training_numbers(
    n: int = PAIRS, *, by_length: bool = True, seed: int = 0, without: Sequence[int] = ()
) -> list[int]:
    """n numbers from 0 to 999,999 to learn from, none of those in `without`; the same number may come up again.

    by_length: 1 to 6 digits, each as often as the others. Without it every number is equally likely, so that nine in
    ten of them have six digits, and one in a thousand has fewer than four. ValueError where `without` leaves nothing.

    >>> training_numbers(6, seed=1)
    [2, 82, 967, 2033, 43432, 223646]
    """
    chance, kept_apart = random.Random(seed), set(without)
    numbers: list[int] = []
    if by_length and any(kept_apart.issuperset(range(*_from_to(digits))) for digits in range(1, 7)):
        raise ValueError("training_numbers: `without` leaves no number of some length; try by_length=False")
    while len(numbers) < n:
        number = chance.randrange(*_from_to(1 + len(numbers) % 6)) if by_length else chance.randrange(10**6)
        if number not in kept_apart:
            numbers.append(number)
    return numbers


def _from_to(digits: int) -> tuple[int, int]:
    """The first number with so many digits, and the first one with more."""
    return (0 if digits == 1 else 10 ** (digits - 1)), 10**digits


class PairLoader:
    """Batches ((source, target so far), target) of whole numbers, shuffled anew for each epoch, with state_dict().

    A batch is (N, words), filled up with <pad> to the longest in it. The decoder is given the right French sentence up
    to a word, and asked for the next one: so its input begins with <start>, and what is wanted ends with <end>.

    >>> loader = PairLoader(number_pairs([7, 80]), *vocabularies(), batch_size=2, seed=0)
    >>> ((source, so_far), target), = loader
    >>> source.shape, so_far.shape, target.shape
    ((2, 1), (2, 4), (2, 4))
    """

    def __init__(self, pairs: Pairs, english: Vocabulary, french: Vocabulary, batch_size: int, seed: int = 0):
        self.source = english.encode_all(pairs[0])
        self.so_far = french.encode_all(pairs[1], start=True)
        self.target = french.encode_all(pairs[1], end=True)
        self.batch_size, self.chance = batch_size, random.Random(seed)

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self.source) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[tuple[np.ndarray, np.ndarray], np.ndarray]]:
        """One epoch."""
        order = list(range(len(self.source)))
        self.chance.shuffle(order)
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            yield (_cut(self.source[rows]), _cut(self.so_far[rows])), _cut(self.target[rows])

    def state_dict(self) -> dict[str, Any]:
        """Where its source of chance is."""
        return {"chance": self.chance.getstate()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        version, numbers, extra = state["chance"]
        self.chance.setstate((version, tuple(numbers), extra))


def _cut(batch: np.ndarray) -> np.ndarray:
    """The batch without the columns at its end that are nothing but <pad>, whose number is 0."""
    return batch[:, : (batch != 0).sum(axis=1).max()]


# -- the model -------------------------------------------------------------------------------------------------


def placed_words(n_words, d):
    """Word numbers (N, T) to d numbers each, with those of the place added: (N, T, d)."""
    words = nn.Embedding(n_words, d, dtype=np.float32)
    places = nn.LearnedPositions(24, d, dtype=np.float32)
    for table in (words, places):
        table.weight.data *= 0.3  # large numbers here would drown what attention adds
    return nn.Sequential(words, places)


class Translator(nn.Module):
    """English words (N, S), French words so far (N, T): scores of each next word."""

    def __init__(self, english, french, d=48, heads=4):
        self.english, self.french = english, french  # two vocabularies
        self.read = placed_words(len(english), d)
        self.encoder = nn.TransformerEncoderLayer(
            d, heads, 4 * d, 0, batch_first=True, norm_first=True, dtype=np.float32
        )
        self.read_norm = nn.LayerNorm(d, dtype=np.float32)
        self.written = placed_words(len(french), d)
        self.decoder = nn.TransformerDecoderLayer(
            d, heads, 4 * d, 0, batch_first=True, norm_first=True, dtype=np.float32
        )
        self.written_norm = nn.LayerNorm(d, dtype=np.float32)
        self.scores = nn.Linear(d, len(french), dtype=np.float32)

    def encode(self, source):
        """What the encoder makes of the English words: (N, S, d)."""
        return self.read_norm(self.encoder(self.read(source), src_key_padding_mask=source == 0))

    def decode(self, so_far, memory, source):
        """Scores for the next word after each place: (N, T, words)."""
        masks = {"tgt_is_causal": True, "memory_key_padding_mask": source == 0}
        x = self.decoder(self.written(so_far), memory, **masks)
        return self.scores(self.written_norm(x))

    def forward(self, source, so_far):
        """The same, as cross_entropy wants it: (N, words, T)."""
        return self.decode(so_far, self.encode(source), source).swapaxes(1, 2)


class Clip(Callback):
    """Cuts a gradient that is longer than 1 before the optimiser sees it."""

    def after_backward(self, state: State) -> None:
        """The gradients are there."""
        clip_grad_norm_(state.model.parameters(), max_norm=1.0)


# -- translating -----------------------------------------------------------------------------------------------


def translate_all(model: Translator, sentences: Sequence[Words]) -> list[Words]:
    """The translations of many sentences at once, word by word: always the one with the highest score (greedy).

    The English is read once. Then the decoder is asked for one more word, again and again, until each sentence has
    come to its <end>, or is as long as can be.
    """
    source, french = model.english.encode_all(sentences), model.french
    so_far = np.full((len(source), LONGEST), french.pad)
    so_far[:, 0] = french.start
    going = np.arange(len(source))  # the rows that have not come to their end
    with no_grad():
        model.eval()
        memory = model.encode(source)
        for place in range(1, LONGEST):
            scores = model.decode(so_far[going, :place], memory[going], source[going]).numpy()  # (going, place, words)
            so_far[going, place] = scores[:, -1].argmax(axis=1)
            going = going[so_far[going, place] != french.end]
            if not len(going):
                break
    return [french.decode(row) for row in so_far]


def translate(model: Translator, text: str | int) -> tuple[Words, np.ndarray]:
    """The French words of a number (95, "95" or "ninety-five"), and what each of them looked at in the English ones.

    The latter are the weights of cross-attention, (heads, French words, English words); the English words are
    `words_of(text)`, and `joined(words)` writes the French ones as people do. ValueError, in a plain sentence, for
    words that the model doesn't know, and for more of them than it can read.

    >>> words, weights = translate(Translator(*vocabularies()), "ninety-five")  # not trained: any words
    >>> weights.shape == (4, len(words), 3)
    True
    """
    words = words_of(text)
    check_words(words, model.english)
    (french,) = translate_all(model, [words])
    with no_grad():  # once more, the whole sentence at once: now it is known who looks at what
        so_far = np.array([model.french.encode(french, start=True)])
        model(np.array([model.english.encode(words)]), so_far)
        weights: Any = model.decoder.multihead_attn.last_weights
    return french, weights[0, :, : len(french)]


def words_of(text: str | int) -> Words:
    """A number, in digits or in English words, as the list of words and marks that the model reads.

    >>> words_of("Ninety-five"), words_of("95"), words_of(1_000)
    (['ninety', '-', 'five'], ['ninety', '-', 'five'], ['one', 'thousand'])
    """
    if isinstance(text, bool) or not isinstance(text, (str, int)):
        raise TypeError(f"translate: give a whole number, or a text such as 'ninety-five'; got {text!r}")
    digits = re.sub(r"[\s,_]", "", str(text))
    if re.fullmatch(r"[0-9]{1,7}", digits):
        return number_words(int(digits))
    return re.findall(r"\w+|[^\w\s]", str(text).lower())


def joined(words: Words) -> str:
    """The words as they are written.

    >>> joined(["cent", "quatre", "-", "vingt", "-", "dix"]), joined(["one", "thousand", ",", "two", "hundred"])
    ('cent quatre-vingt-dix', 'one thousand, two hundred')
    """
    return " ".join(words).replace(" - ", "-").replace(" ,", ",")


def check_words(words: Words, english: Vocabulary) -> None:
    """ValueError, in a plain sentence, for what the model can't read; it names the word that may have been meant."""
    known = english.symbols[len(english.specials) :]
    for word in words:
        if word not in known:
            near = get_close_matches(word, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "It learned the numbers from 0 to 999,999, in English."
            raise ValueError(f"The model doesn't know the word {word!r}. {hint}")
    if not words:
        raise ValueError("There is nothing to translate: give a number, such as 95 or 'ninety-five'.")
    if len(words) > LONGEST:
        raise ValueError(f"That has {len(words)} words and marks, and the model can read at most {LONGEST}.")


# -- the rival: word by word -----------------------------------------------------------------------------------


def bare(words: Words) -> Words:
    """Without hyphens, commas, "and" and "et": what is left are the words that mean numbers.

    >>> bare(["one", "hundred", "and", "ninety", "-", "five"])
    ['one', 'hundred', 'ninety', 'five']
    """
    return [word for word in words if word not in ("-", ",", "and", "et")]


def learn_dictionary(pairs: Pairs) -> dict[str, str]:
    """For each English word the French one that stands most often at its place, where both have as many words.

    >>> learn_dictionary(([["six"], ["sixty", "-", "six"]], [["six"], ["soixante", "-", "six"]]))
    {'six': 'six', 'sixty': 'soixante'}
    """
    seen: dict[str, Counter] = defaultdict(Counter)
    for english, french in zip(*pairs, strict=True):
        english, french = bare(english), bare(french)
        if len(english) == len(french):
            for word, other in zip(english, french, strict=True):
                seen[word][other] += 1
    return {word: others.most_common(1)[0][0] for word, others in seen.items()}


def by_dictionary(dictionary: dict[str, str], words: Words) -> Words:
    """Each word by itself; a word that isn't in the dictionary stays as it is."""
    return [dictionary.get(word, word) for word in bare(words)]


# -- training --------------------------------------------------------------------------------------------------


def share_exact(translations: Sequence[Words], right: Sequence[Words]) -> float:
    """The share of sentences in which every word and every mark is right.

    >>> share_exact([["sept"], ["huit"]], [["sept"], ["neuf"]])
    0.5
    """
    return sum(a == b for a, b in zip(translations, right, strict=True)) / len(right)


def by_digits(numbers: Sequence[int], translations: Sequence[Words], right: Sequence[Words]) -> dict[int, float]:
    """For each length of the numbers, in digits, the share that is translated without a mistake.

    >>> by_digits([7, 8, 10], [["sept"], ["neuf"], ["dix"]], [["sept"], ["huit"], ["dix"]])
    {1: 0.5, 2: 1.0}
    """
    groups: dict[int, list[bool]] = defaultdict(list)
    for number, a, b in zip(numbers, translations, right, strict=True):
        groups[len(str(number))].append(a == b)
    return {digits: sum(group) / len(group) for digits, group in sorted(groups.items())}


def warm_up_then_down(optimizer: Adam, steps: int) -> SequentialLR:
    """The rate rises from almost 0 for 100 steps (a third of them, where there are few), then falls straight to 0."""
    first = min(WARM_UP, max(1, steps // 3))
    up = LinearLR(optimizer, 0.01, 1.0, total_iters=first)
    down = LinearLR(optimizer, 1.0, 0.0, total_iters=max(1, steps - first))
    return SequentialLR(optimizer, [up, down], milestones=[first])


def train(
    seed: int = 0,
    *,
    progress: bool | Callable[[str], Any] = True,
    checkpoint: str | PathLike | None = None,
    epochs: int | None = None,
    pairs: int = PAIRS,
    by_length: bool = True,
) -> Run:
    """Train the translator on so many pairs; its score on 1,000 numbers that are not among them, and the rival's.

    seed: of initial weights, of the pairs and their order. The exam is always the same. by_length: see
    `training_numbers`. checkpoint: a file (.safetensors) or folder: kept up to date after each epoch, gone on from if
    it is there.
    """
    epochs = share_of(EPOCHS) if epochs is None else epochs
    numbers = held_out_numbers()
    source, right = number_pairs(numbers)
    learned = number_pairs(training_numbers(pairs, by_length=by_length, seed=seed, without=numbers))
    random.seed(seed)  # the initial weights draw from it
    model = Translator(*vocabularies())
    loader = PairLoader(learned, model.english, model.french, BATCH_SIZE, seed=seed)
    optimizer = Adam(model.parameters(), lr=3e-3, betas=(0.9, 0.98))
    schedule = Schedule(warm_up_then_down(optimizer, epochs * len(loader)), every="step")
    callbacks = [Clip(), schedule, *([Checkpoint(checkpoint, resume=True)] if checkpoint else [])]
    loss = nn.CrossEntropyLoss(ignore_index=model.french.pad)
    history = fit(model, loader, loss, optimizer, epochs, callbacks=callbacks, progress=progress, seed=seed)
    translations = translate_all(model, source)
    dictionary = learn_dictionary(learned)
    guesses = [by_dictionary(dictionary, words) for words in source]
    scores = {
        TARGET.what: share_exact(translations, right),
        "word by word, without marks": share_exact(guesses, [bare(words) for words in right]),
    }
    scores |= {f"{n} digits": share for n, share in by_digits(numbers, translations, right).items()}
    return Run(model, history, scores)
