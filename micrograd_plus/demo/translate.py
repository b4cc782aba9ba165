"""micrograd-plus demo translate: type a number, read it in French, and see which words the network looked at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..capstones import translation
from ..capstones.translation import TARGET, Translator, bare, joined, words_of
from ..data import number_words
from . import terminal
from .asking import ask, in_terminal
from .kept import DemoError, Subject, in_plain_words, trained

SUBJECT = Subject(
    file="translate",
    title=f"English numbers into French: a small Transformer, trained on {translation.PAIRS:,} pairs.",
    train=translation.train,
    model=lambda: Translator(*translation.vocabularies()),
    targets={TARGET.what: TARGET},
)
LARGEST = 999_999
ONLY = "only the whole numbers from 0 to 999,999 were learned"
UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
WORTH = {**{word: n for n, word in enumerate(UNITS)}, **{word: 10 * n for n, word in enumerate(TENS, start=2)}}


def run(folder: Path, numbers: Sequence[str] = (), *, seed: int = 0, again: bool = False) -> None:
    """Train or load the network, and translate what was given, or else what is typed. DemoError for bad numbers."""
    with in_plain_words():  # is num2words here? Better to say so before a minute of training than after it
        number_words(0)
    try:
        given = [read_number(text) for text in separate(numbers)]
    except ValueError as error:
        raise DemoError(str(error)) from None
    model = trained(SUBJECT, folder, seed, again)
    learned = set(translation.training_numbers(seed=seed, without=translation.held_out_numbers()))
    for number in given:
        print(f"\n{in_french(model, number, learned)}")
    if not numbers:
        _converse(model, learned)


def _converse(model: Any, learned: set[int]) -> None:
    if in_terminal():
        print(f"\nType a number in digits or in English words, from 0 to {LARGEST:,}; an empty line leaves.")
    while text := ask("\nA number: "):
        try:
            print(f"\n{in_french(model, read_number(text), learned)}")
        except ValueError as error:
            print(f"\n{error}.")


def in_french(model: Any, number: int, learned: set[int]) -> str:
    """The number in both languages, whether that is right, and what each French word looked at."""
    words, weights = translation.translate(model, number)
    right = number_words(number, "fr")
    verdict = "Right." if words == right else f"Wrong: it is {joined(right)}."
    seen = "It had never seen this number." if number not in learned else "It had learned from this number."
    lines = [f"{number:,}: {joined(words_of(number))}", f"  = {joined(words)}", f"{verdict} {seen}"]
    if words:
        lines += ["", terminal.attention_map(weights.mean(axis=0), words_of(number), words)]
    return "\n".join(lines)


def separate(numbers: Sequence[str]) -> list[str]:
    """What was typed behind the command, as one text a number: "80 95" are two, "ninety five" is one.

    >>> separate(["80", "95"]), separate(["ninety", "five"])
    (['80', '95'], ['ninety five'])
    """
    words = any(re.match("[a-zA-Z]", text) for text in numbers)
    return [" ".join(numbers)] if words else list(numbers)


def read_number(text: str) -> int:
    """The number in digits ("1984", "1,984") or in English words. ValueError, a sentence, where it is none.

    >>> read_number("1,984"), read_number("one thousand nine hundred and eighty-four")
    (1984, 1984)
    >>> read_number("1000000")
    Traceback (most recent call last):
        ...
    ValueError: 1000000 is too large: only the whole numbers from 0 to 999,999 were learned
    """
    text = " ".join(text.split())
    digits = text.replace(",", "").replace(" ", "").replace("_", "")
    if re.fullmatch("[0-9]+", digits) and (digits == text or re.fullmatch(r"[0-9]{1,3}([ ,_][0-9]{3})+", text)):
        if len(digits.lstrip("0")) > len(str(LARGEST)):
            raise ValueError(f"{text} is too large: {ONLY}")
        return int(digits)
    words = re.findall("[a-z]+", text.lower())
    if not words or re.search("[^a-zA-Z ,-]", text):
        raise ValueError(f"{text!r} is no number I can read: {ONLY}, in digits or English words")
    return _from_words(text, words)


def _from_words(text: str, words: list[str]) -> int:
    """The sum: what stands before "hundred" or "thousand" counts so many times."""
    words = bare(["one" if word == "a" else word for word in words])
    total = part = 0
    for word in words:
        if word == "thousand":
            total, part = 1000 * (total + part), 0
        elif word == "hundred":
            part *= 100
        elif word in WORTH:
            part += WORTH[word]
        else:
            raise ValueError(f"{word!r} is no number word I know: {ONLY}, as 1984 or as ninety-five")
    number = total + part
    # "nineteen eighty-four" or "twenty twelve" would come to some number as well: it must be spelt as numbers are
    if number > LARGEST or bare(number_words(number)) != words:
        raise ValueError(f"{text!r} isn't spelt as numbers are: 1984 is one thousand, nine hundred and eighty-four")
    return number
