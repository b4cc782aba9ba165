"""Numbers in words, in many languages: sentences to translate, exact and without end."""

import re
from collections.abc import Iterable
from typing import Any

from .arguments import got, whole
from .checked import MissingPackageError

Words = list[str]
INSTALL = 'pip install "micrograd_plus[capstones]" (or only this: pip install --no-deps num2words==0.5.14)'


def number_words(number: int, language: str = "en") -> Words:
    """A whole number of at least 0 in words: a list of words and of the marks between them, hyphens and commas.

    `language` is a code of the package num2words: "en", "fr", "de", "es", "ja" … Raises ValueError for a number
    below 0 or a language that it doesn't know, ImportError where the package isn't installed.

    Source: num2words 0.5.14 by T. Ogawa, Savoir-faire Linux and others (LGPL 2.1), which is imported when this is
    called, and not shipped with this library.

    >>> number_words(95)
    ['ninety', '-', 'five']
    >>> number_words(95, "fr")
    ['quatre', '-', 'vingt', '-', 'quinze']
    """
    try:
        from num2words import CONVERTER_CLASSES, num2words
    except ImportError:
        raise MissingPackageError(
            f"numbers in words come from the package num2words, which is not installed: {INSTALL}"
        ) from None
    if not isinstance(language, str) or language not in CONVERTER_CLASSES:
        raise ValueError(
            f"no numbers in the language {got(language)}; there are: {', '.join(sorted(CONVERTER_CLASSES))}"
        )
    spelled = num2words(whole("number", number, example=42, least=0), lang=language)
    return re.findall(r"[,-]|[^\s,-]+", spelled)  # not \w+, which leaves out the vowel signs of Thai or Bengali


def number_pairs(numbers: Iterable[Any], source: str = "en", target: str = "fr") -> tuple[list[Words], list[Words]]:
    """The same numbers in two languages: the sentences to translate, and their translations. See `number_words`.

    >>> number_pairs([7, 80])
    ([['seven'], ['eighty']], [['sept'], ['quatre', '-', 'vingts']])
    """
    if not isinstance(numbers, Iterable) or isinstance(numbers, (str, bytes)):
        raise TypeError(f"numbers must be a list of whole numbers, {got(numbers)}; try numbers=[7, 80]")
    numbers = list(numbers)
    return [number_words(n, source) for n in numbers], [number_words(n, target) for n in numbers]
