"""What the demos that name things share: probabilities, confusions, and questions for one of many samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from ..engine import Tensor
from .asking import ask, in_terminal
from .kept import DemoError

SHOWN = 12  # mistakes listed, at most


def probabilities(scores: np.ndarray) -> np.ndarray:
    """Of each class: softmax of the scores, (N, classes).

    >>> probabilities(np.array([[0.0, 0.0]]))
    array([[0.5, 0.5]])
    """
    return Tensor(scores, requires_grad=False).softmax().numpy()


def mistakes(kind: str, said: np.ndarray, right: np.ndarray, names: Sequence[str]) -> str:
    """How many samples are named rightly, and which are not.

    >>> print(mistakes("picture", np.array([0, 1]), np.array([0, 0]), ["Ada", "Bob"]))
    1 of 2 held-out pictures named rightly. Its mistakes:
      picture 1: it says Bob, and it is Ada
    """
    wrong = np.flatnonzero(said != right)
    first = f"{len(right) - len(wrong)} of {len(right)} held-out {kind}s named rightly."
    lines = [f"  {kind} {i}: it says {names[said[i]]}, and it is {names[right[i]]}" for i in wrong[:SHOWN]]
    if len(wrong) > SHOWN:
        pairs = Counter(f"{names[right[i]]} for {names[said[i]]}" for i in wrong)
        most = ", ".join(f"{pair} ({n} times)" for pair, n in pairs.most_common(3) if n > 1)
        lines.append(f"  and {len(wrong) - SHOWN} more" + (f"; most often it missed {most}" if most else ""))
    return "\n".join([first + (" Its mistakes:" if lines else ""), *lines])


def check_numbers(which: Sequence[int], n: int, kind: str) -> None:
    """DemoError for a sample that isn't there."""
    for i in which:
        if not 0 <= i < n:
            raise DemoError(f"there is no {kind} {i}: the held-out {kind}s have the numbers 0 to {n - 1}")


def converse(n: int, kind: str, tell: Callable[[int], str]) -> None:
    """Ask for numbers of samples, and tell of each, until the reader has had enough."""
    if in_terminal():
        print(f"\nType a number from 0 to {n - 1} for another {kind}; an empty line leaves.")
    while text := ask(f"\nA {kind}: "):
        try:
            number = int(text)
            check_numbers([number], n, kind)
        except ValueError:
            print(f"\n{text!r} is not a whole number: type one from 0 to {n - 1}.")
        except DemoError as error:
            print(f"\n{error}.")
        else:
            print(f"\n{tell(number)}")
