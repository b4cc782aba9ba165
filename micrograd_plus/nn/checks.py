"""What several layers ask of the arguments they are given."""

from __future__ import annotations

import math
import sys
from numbers import Real
from typing import Any

import numpy as np

from ..engine.tensor import _refuse_nodes_in


def whole_number(who: str, what: str, n: Any, least: int = 1) -> int:
    """`n` as an int; ValueError unless it is a whole number (1, and not 1.0 or True), at least `least`.

    >>> whole_number("Linear", "in_features", np.int64(3))
    3
    """
    if isinstance(n, (bool, np.bool)) or not isinstance(n, (int, np.integer)) or n < least:
        raise ValueError(f"{who}: {what} must be a whole number, at least {least}; got {n!r}")
    if n > sys.maxsize:
        raise ValueError(f"{who}: {what} is larger than any array can be, {sys.maxsize}")
    return int(n)


def real_number(who: str, what: str, x: Any, least: float = -math.inf) -> float:
    """`x`, if it is a finite number of at least `least`; else TypeError or ValueError.

    >>> real_number("LayerNorm", "eps", 1e-5, least=0)
    1e-05
    """
    wanted = "a finite number" if least == -math.inf else f"a finite number of at least {least:g}"
    if isinstance(x, bool) or not isinstance(x, Real):
        raise TypeError(f"{who}: {what} must be {wanted}; got {type(x).__name__} {x!r:.40}")
    number: Any = x
    if not -sys.float_info.max <= number <= sys.float_info.max or number < least:
        raise ValueError(f"{who}: {what} must be {wanted}; got {x!r:.40}")
    return number


def true_or_false(who: str, **flags: Any) -> None:
    """TypeError for a switch that is neither True nor False: a number or a type that was meant for another argument.

    >>> true_or_false("Linear", bias=True)
    """
    for what, flag in flags.items():
        if not isinstance(flag, (bool, np.bool)):
            raise TypeError(
                f"{who}: {what} is True or False; got {type(flag).__name__} {flag!r:.40}. Was it meant for another "
                "argument? Give that by its name"
            )


def as_array(who: str, x: Any, what: str = "the input") -> Any:
    """A Tensor or an array as it is, nested lists and numbers as an array.

    TypeError for text, None and the like; and for lists of Tensors, which NumPy would take, and lose their gradients.

    >>> as_array("conv1d", [[1, 2]]).shape
    (1, 2)
    """
    if hasattr(x, "reshape"):
        return x
    _refuse_nodes_in(x)
    array = np.asarray(x)
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{who}: {what} is an array of numbers, a Tensor or nested lists; got {type(x).__name__} {x!r:.40}"
        )
    return array
