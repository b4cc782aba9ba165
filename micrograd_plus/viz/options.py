"""Options of pictures: what can't be is refused at the call, in the learner's own line, and not when it is shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from . import style
from .layout import ENGINES


def check_options(
    format: Any = ".4g",
    engine: Any = "auto",
    theme: Any = "auto",
    direction: Any = "LR",
    limit: Any = None,
    max_nodes: Any = None,
    depth: Any = 0,
) -> None:
    """ValueError for an option that can't be, with what it can be."""
    if engine not in ("auto", "text", *ENGINES):
        raise ValueError(f"engine is one of {', '.join(map(repr, ('auto', *ENGINES, 'text')))}, not {engine!r}")
    if limit is not None and (not isinstance(limit, (int, float)) or not limit > 0):
        raise ValueError(f"limit is a number of seconds above 0, or None for no limit; got {limit!r}")
    if direction not in ("LR", "RL", "TB", "BT"):
        raise ValueError(f"direction is 'LR' (left to right), 'RL', 'TB' (top to bottom) or 'BT', not {direction!r}")
    if theme not in style.THEMES:
        raise ValueError(f"theme is one of {', '.join(map(repr, style.THEMES))}, not {theme!r}")
    if max_nodes is not None and (not isinstance(max_nodes, int) or max_nodes < 1):
        raise ValueError(f"max_nodes is a whole number from 1 up, or None to fold nothing; got {max_nodes!r}")
    if not isinstance(depth, int) or depth < 0:
        raise ValueError(f"depth is how many arrows to go from the focus, a whole number from 0 up; got {depth!r}")
    try:
        (1.0).__format__(format)
    except (ValueError, TypeError):
        raise ValueError(f"format is how Python writes a number, such as '.4g' or '+.2f'; got {format!r}") from None


def file_path(path: Any, example: str) -> Path:
    """The path of a file to write; TypeError, with an example, for what is none."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"save needs the name of a file, such as {example!r}; got {path!r}")
    return Path(path)


def write(path: Path, text: str) -> None:
    """Write text as UTF-8; half of a character pair, which no file can hold, becomes "?"."""
    path.write_text(text, encoding="utf-8", errors="replace")
