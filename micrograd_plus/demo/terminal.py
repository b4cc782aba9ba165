"""Pictures made of characters: bars, maps, and small images, in what the terminal can show."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

BLOCKS, PLAIN = " ░▒▓█", " .:*#"  # from nothing to full


def shades() -> str:
    """Five characters from light to dark; plain ones where the others can't be printed.

    >>> len(shades())
    5
    """
    try:
        BLOCKS.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return PLAIN
    return BLOCKS


def width() -> int:
    """How many characters a line has."""
    return shutil.get_terminal_size((80, 24)).columns


def bar(share: float, length: int = 30) -> str:
    """A share, from 0 to 1, as a bar of up to so many characters.

    >>> bar(0.5, length=4) in ("██", "##")
    True
    """
    return shades()[-1] * round(share * length)


def bars(labels: Sequence[Any], shares: Any, most: int | None = None) -> str:
    """A line for each label, with its share in percent and as a bar; with `most` only so many, the largest first.

    >>> print(bars(["one", "two"], [0.25, 0.0]).splitlines()[1])
      two   0.0 %
    """
    shares = np.asarray(shares, float)
    order = range(len(shares)) if most is None else shares.argsort()[::-1][:most]
    wide = max(len(str(labels[i])) for i in order)
    length = max(1, min(40, width() - wide - 12))
    lines = (f"  {labels[i]!s:>{wide}} {100 * shares[i]:5.1f} % {bar(shares[i], length)}" for i in order)
    return "\n".join(line.rstrip() for line in lines)


def attention_map(weights: Any, read: Sequence[str], written: Sequence[str]) -> str:
    """A row for each word written, a column for each word read: the darker, the more it was looked at.

    weights: (written, read), each row adding up to 1. The words read stand above their columns, as stairs. Where a
    line has too few characters for that, a sentence says so.

    >>> print(attention_map([[1.0, 0.0], [0.0, 1.0]], ["twenty", "one"], ["vingt", "et"]).replace("#", "█"))
          twenty
          |  one
    vingt ██
       et    ██
    """
    weights, left = np.asarray(weights, float), max(map(len, written))
    step = next((s for s in (3, 2, 1) if left + 1 + s * (len(read) - 1) + len(read[-1]) <= width()), None)
    if step is None:
        return f"(the map of what it looked at needs a wider terminal than {width()} characters)"
    stairs = [" " * (left + 1) + "|".ljust(step) * i + word for i, word in enumerate(read)]
    scale = shades()
    # the square root, so that a small weight can be told from none
    levels = (np.sqrt(weights.clip(0, 1)) * (len(scale) - 1)).round().astype(int)
    rows = [
        f"{word:>{left}} " + "".join((scale[level] * max(1, step - 1)).ljust(step) for level in row)
        for word, row in zip(written, levels, strict=True)
    ]
    return "\n".join(line.rstrip() for line in [*stairs, *rows])


def image(pixels: Any) -> str:
    """A grey picture, (height, width): each character stands for two pixels, one above the other.

    >>> print(image([[0.0, 1.0], [0.0, 1.0]]))
     @
    """
    pixels = np.asarray(pixels, float)
    if len(pixels) % 2:
        pixels = np.vstack([pixels, pixels[-1:]])
    pairs = (pixels[0::2] + pixels[1::2]) / 2
    low, high = pairs.min(), pairs.max()
    ramp = np.array(list(" .:-=+*#%@"))  # light on dark, as most terminals are
    places = (pairs - low) / (high - low or 1.0) * (len(ramp) - 1)
    return "\n".join("".join(row).rstrip() for row in ramp[places.round().astype(int)])
