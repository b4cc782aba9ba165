"""Asking: a line typed in a terminal, or the next line of a pipe."""

from __future__ import annotations

import sys
from collections.abc import Container
from contextlib import nullcontext, redirect_stdout, suppress

LEAVE = ("q", "quit", "exit")


def in_terminal() -> bool:
    """Whether somebody types, so that it should be said what."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(prompt: str, leave: Container[str] = LEAVE) -> str | None:
    """The next line, without blanks around it; None at the end (Ctrl-D) and for a word that leaves.

    From a pipe it is read without a prompt. Ctrl-C is a KeyboardInterrupt, as everywhere.
    """
    if sys.stdin is None:
        return None
    sys.stdout.flush()  # who drives this through a pipe waits for the answer to the line before
    line = _typed(prompt) if in_terminal() else sys.stdin.readline()
    text = line.strip()
    return None if not line or text.lower() in leave else text


def _typed(prompt: str) -> str:
    """A line with its end, "" at Ctrl-D."""
    with suppress(ImportError):
        import readline  # noqa: F401 - input() uses it: the arrow keys move in the line, and bring back earlier ones
    # where the output goes to a file, the prompt still belongs on the screen
    with nullcontext() if sys.stdout.isatty() else redirect_stdout(sys.stderr):
        try:
            return input(prompt) + "\n"
        except EOFError:
            print()
            return ""
        except KeyboardInterrupt:
            raise KeyboardInterrupt("stopped") from None
