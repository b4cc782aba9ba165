"""Text for a terminal: what a terminal would obey is written out instead."""

from __future__ import annotations

import re

# Control characters (but tab and line end), marks that turn the direction of writing, other line ends, half a pair.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def visible(text: str) -> str:
    r"""The text with each character that a terminal would obey as Python writes it in a string.

    Labels and names may hold anything. Printed as it is, ESC and a few letters would clear the screen of whoever reads
    them, and a right-to-left mark would turn the line round.

    >>> visible("w\x1b[2J\n"), visible("\N{DUCK} ∂y/∂x")
    ('w\\x1b[2J\n', '🦆 ∂y/∂x')
    """
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
