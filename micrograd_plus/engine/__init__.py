"""The engine: numbers and arrays that remember how they were made.

To read in this order: graph.py (nodes, the order, the chain rule), ops.py (THE TABLE), arithmetic.py (what `a * b`
calls), value.py; then tensor.py with its rows in array_ops.py, and what stands on both: differentiate.py (grad(f)) and
twin.py (arrays opened into Values). To skip at first: maths.py (floats at infinity), copying.py.

Tensor and what needs NumPy load on first use, so that the scalar half works where NumPy can't be had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .differentiate import grad as grad
from .differentiate import hessian as hessian
from .differentiate import hvp as hvp
from .differentiate import value_and_grad as value_and_grad
from .graph import Binary as Binary
from .graph import Many as Many
from .graph import Node as Node
from .graph import Op as Op
from .graph import Structural as Structural
from .graph import Ternary as Ternary
from .graph import Unary as Unary
from .graph import no_grad as no_grad
from .ops import TABLE as TABLE
from .value import Value as Value

if TYPE_CHECKING:
    from .tensor import Tensor as Tensor
    from .tensor import concatenate as concatenate
    from .tensor import einsum as einsum
    from .tensor import stack as stack
    from .twin import ValueArray as ValueArray

_NEED_NUMPY = ("Tensor", "concatenate", "einsum", "stack", "ValueArray")


def __getattr__(name: str) -> Any:
    if name in _NEED_NUMPY:
        from . import tensor, twin

        return getattr(twin if name == "ValueArray" else tensor, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
