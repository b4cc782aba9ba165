"""Whether numbers are finite, and how a message shows those that are not."""

from __future__ import annotations

import math
from typing import Any

from ..engine.graph import Node
from ..engine.value import Value


def numbers_of(x: Any) -> Any:
    """The number or array in an operand: a node's own, a plain one as it is."""
    return x.data if isinstance(x, Value) else x.numpy() if isinstance(x, Node) else x  # type: ignore[attr-defined]


def numbers_seen_by(node: Node) -> tuple:
    """The numbers that node's op saw, operand by operand."""
    return node.saved if hasattr(node, "saved") else tuple(map(numbers_of, node.operands))


def is_bad(x: Any, nan_only: bool = False) -> bool:
    """Whether there is a nan (or an infinity, unless nan_only) in a number or an array; None has none."""
    if x is None:
        return False
    if isinstance(x, (int, float)):
        return x != x if nan_only else not math.isfinite(x)
    import numpy as np

    return x.dtype.kind == "f" and bool(np.isnan(x).any() if nan_only else not np.isfinite(x).all())


def first_bad(x: Any) -> tuple[int, ...]:
    """The place of the first number in an array that isn't finite."""
    import numpy as np

    return tuple(np.argwhere(~np.isfinite(x))[0].tolist())


def is_array(x: Any) -> bool:
    """Whether it has axes: more than one number."""
    return bool(getattr(x, "shape", ()))


def short(x: Any) -> str:
    """A number in 6 significant digits."""
    return f"{float(x):.6g}"


def summary(x: Any) -> str:
    """A number; or of an array: its shape, and the first number that isn't finite, or how far the numbers go."""
    if not is_array(x):
        return short(x)
    if not x.size:
        return f"of shape {x.shape}"
    if not is_bad(x):
        return f"of shape {x.shape}, {short(x.min())} to {short(x.max())}"
    import numpy as np

    bad, first = int((~np.isfinite(x)).sum()), first_bad(x)
    return f"of shape {x.shape}, {bad} of {x.size} not finite, the first at {list(first)}: {short(x[first])}"
