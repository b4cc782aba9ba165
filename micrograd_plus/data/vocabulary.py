"""Symbols as numbers, for models that read and write text: characters of names and words of sentences alike."""

import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .arguments import got, whole

if TYPE_CHECKING:
    import numpy as np


class Vocabulary:
    """The symbols that occur in `texts`, numbered: first the `specials`, then the others in sorted order.

    A text is a string, whose symbols are its characters, or a list of words. The special symbols stand for no part
    of a text: `.pad`, `.start` and `.end` are the numbers of "<pad>", which fills up short texts, "<start>" and
    "<end>"; leave out those that a model doesn't need. Texts with the same symbols give the same numbers, so that a
    vocabulary needs no file: make it again. `symbols` holds all of them in order.

    Raises ValueError where a text holds a special symbol, or a special is there twice; TypeError for a symbol that
    is no string.

    >>> letters = Vocabulary(["anna", "ben"])
    >>> letters.symbols
    ('<pad>', '<start>', '<end>', 'a', 'b', 'e', 'n')
    >>> letters.encode("nan", end=True)
    [6, 3, 6, 2]
    >>> "".join(letters.decode([6, 3, 6, 2, 0, 0]))
    'nan'
    >>> Vocabulary([["ninety", "-", "five"]], specials=["<end>"]).symbols
    ('<end>', '-', 'five', 'ninety')
    """

    def __init__(self, texts: Iterable[Iterable[str]], specials: Iterable[str] = ("<pad>", "<start>", "<end>")):
        """Gather and number the symbols of the texts."""
        if isinstance(texts, str):
            raise TypeError(f"texts must be a list of texts, {got(texts)}; try [{texts[:9]!r}]")
        if isinstance(specials, str):
            raise TypeError(f"specials must be a list of symbols, {got(specials)}; try [{specials!r}]")
        self.specials = tuple(_listed("specials", specials))
        found = {symbol for text in _listed("texts", texts) for symbol in _listed("a text", text)}
        for symbol in (*self.specials, *found):
            if not isinstance(symbol, str):
                raise TypeError(f"a symbol must be a string, {got(symbol)}; a text is a string or a list of words")
        if len(set(self.specials)) < len(self.specials):
            raise ValueError(f"specials must differ from each other, got {self.specials}")
        if both := found.intersection(self.specials):
            raise ValueError(f"the texts hold {min(both)!r}, which is a special symbol as well: give another for one")
        self.symbols = (*self.specials, *sorted(found))
        self._number = {symbol: number for number, symbol in enumerate(self.symbols)}

    def __len__(self) -> int:
        """How many symbols there are, special ones included."""
        return len(self.symbols)

    def __repr__(self) -> str:
        shown = " ".join(repr(symbol)[1:-1] for symbol in self.symbols[:8]) + (" …" if len(self) > 8 else "")
        return f"Vocabulary of {len(self)} symbols: {shown}"

    @property
    def pad(self) -> int:
        """The number of "<pad>"."""
        return self._special("<pad>")

    @property
    def start(self) -> int:
        """The number of "<start>"."""
        return self._special("<start>")

    @property
    def end(self) -> int:
        """The number of "<end>"."""
        return self._special("<end>")

    def encode(self, text: Iterable[str], *, start: bool = False, end: bool = False) -> list[int]:
        """The numbers of a text's symbols, with those of "<start>" before and "<end>" behind it where asked for.

        Raises ValueError for symbols that aren't in the vocabulary, and names them.
        """
        text = list(_listed("a text", text))
        unknown = [symbol for symbol in text if not isinstance(symbol, str) or symbol not in self._number]
        if unknown:
            raise ValueError(
                f"not in the vocabulary: {', '.join(map(repr, unknown))}; it was made of other texts, and knows "
                f"{len(self)} symbols"
            )
        before, behind = [self.start] if start else [], [self.end] if end else []
        return before + [self._number[symbol] for symbol in text] + behind

    def encode_all(
        self, texts: Iterable[Iterable[str]], length: int | None = None, *, start: bool = False, end: bool = False
    ) -> "np.ndarray":
        """The numbers of many texts, int64 `(n, length)`: short ones are filled up with "<pad>".

        Without a `length` it is that of the longest. Raises ValueError where one is longer than `length`.

        >>> Vocabulary(["anna", "ben"]).encode_all(["anna", "ben"], end=True)
        array([[3, 6, 6, 3, 2],
               [4, 5, 6, 2, 0]])
        """
        import numpy as np

        rows = [self.encode(text, start=start, end=end) for text in _listed("texts", texts)]
        longest = max(map(len, rows), default=0)
        length = longest if length is None else whole("length", length, example=longest, least=0)
        if longest > length:
            raise ValueError(f"a text has {longest} symbols, more than length={length}; try length={longest}")
        short = any(len(row) < length for row in rows)
        padded = np.full((len(rows), length), self.pad if short else 0, dtype=np.int64)
        for row, numbers in zip(padded, rows, strict=True):
            row[: len(numbers)] = numbers
        return padded

    def decode(self, numbers: "Sequence[int] | np.ndarray") -> list[str]:
        """The symbols of a text, up to "<end>"; other special symbols are left out.

        Raises ValueError for a number that is none of a symbol's.
        """
        text = []
        for item in _listed("numbers", numbers):
            number = self._checked(item)
            symbol = self.symbols[number]
            if symbol == "<end>" and symbol in self.specials:
                break
            if number >= len(self.specials):
                text.append(symbol)
        return text

    def _checked(self, item: Any) -> int:
        try:
            number = operator.index(item)
        except TypeError:
            raise TypeError(f"the number of a symbol is a whole number, {got(item)}") from None
        if not 0 <= number < len(self):
            raise ValueError(f"no symbol has the number {number}: they go from 0 to {len(self) - 1}")
        return number

    def _special(self, symbol: str) -> int:
        if symbol not in self.specials:
            raise ValueError(f"this vocabulary has no {symbol}: add it to specials, which are {self.specials}")
        return self._number[symbol]


def _listed(name: str, given: Any) -> Any:
    """`given`, if it can be looped over."""
    try:
        return iter(given)
    except TypeError:
        raise TypeError(f"{name} must be a list (a text: a string or a list of words), {got(given)}") from None
