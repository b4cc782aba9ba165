"""What all commands share: how arguments are read, and how a command says that it can't be done."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from ..engine.visible import visible


class CommandError(Exception):
    """What was asked can't be done; the message is the one line that the user sees."""


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """End with code 2 and the message."""
        self.exit(2, visible(f"{self.prog}: {message} (try {self.prog} --help)\n"))


def say(text: object, **options: Any) -> None:
    """Print a text that holds what somebody typed, or the name of a file from somebody else: see `visible`."""
    print(visible(str(text)), **options)


def whole_number(text: str) -> int:
    """A whole number from 0 up, for argparse."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return number


def named_number(text: str) -> tuple[str, float]:
    """A name and a number, such as a=2, for argparse."""
    name, _, number = text.partition("=")
    try:
        if not name.isidentifier():
            raise ValueError
        return name, float(number)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a name and a number, such as a=2") from None
