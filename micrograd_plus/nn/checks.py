"""What several layers ask of the arguments they are given."""

from __future__ import annotations

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
    return int(n)


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
