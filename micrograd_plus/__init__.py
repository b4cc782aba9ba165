"""micrograd_plus: understand how deep learning models are trained.

`Value` is a number and `Tensor` an array that remembers how it was made; `backward()` fills in the gradients.
The names below are the whole public surface; everything that needs NumPy loads on first use.

>>> from micrograd_plus import Value
>>> a = Value(3.0)
>>> (a + a).backward()
>>> a.grad
2.0
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .engine import Binary as Binary
from .engine import Many as Many
from .engine import Structural as Structural
from .engine import Ternary as Ternary
from .engine import Unary as Unary
from .engine import Value as Value
from .engine import grad as grad
from .engine import hessian as hessian
from .engine import hvp as hvp
from .engine import no_grad as no_grad
from .engine import ops as _ops
from .engine import value_and_grad as value_and_grad
from .engine.ops import arctan as arctan
from .engine.ops import clip as clip
from .engine.ops import cos as cos
from .engine.ops import cosh as cosh
from .engine.ops import elu as elu
from .engine.ops import erfc as erfc
from .engine.ops import exp as exp
from .engine.ops import expm1 as expm1
from .engine.ops import gelu as gelu
from .engine.ops import leaky_relu as leaky_relu
from .engine.ops import log as log
from .engine.ops import log1p as log1p
from .engine.ops import maximum as maximum
from .engine.ops import minimum as minimum
from .engine.ops import relu as relu
from .engine.ops import sigmoid as sigmoid
from .engine.ops import sign as sign
from .engine.ops import silu as silu
from .engine.ops import sin as sin
from .engine.ops import sinh as sinh
from .engine.ops import softplus as softplus
from .engine.ops import sqrt as sqrt
from .engine.ops import tan as tan
from .engine.ops import tanh as tanh
from .engine.ops import where as where

if TYPE_CHECKING:
    from . import bridges as bridges
    from . import capstones as capstones
    from . import data as data
    from . import exercises as exercises
    from . import explain as explain
    from . import nn as nn
    from . import optim as optim
    from . import tape as tape
    from . import training as training
    from . import viz as viz
    from .engine.tensor import Tensor as Tensor
    from .engine.tensor import concatenate as concatenate
    from .engine.tensor import einsum as einsum
    from .engine.tensor import stack as stack
    from .explain import detect_anomaly as detect_anomaly
    from .explain import diagnose as diagnose
    from .explain import formula as formula
    from .explain import gradcheck as gradcheck
    from .explain import gradgradcheck as gradgradcheck
    from .explain import paths as paths
    from .explain import to_python as to_python
    from .explain import trace_backward as trace_backward
    from .explain import wrong_orders as wrong_orders
    from .tape import compile as compile
    from .tape import vmap as vmap
    from .training import load as load
    from .training import save as save
    from .viz import draw as draw
    from .viz import plots as plots
    from .viz import step_through as step_through

abs, sum = _ops.abs_, _ops.sum_  # by assignment: for type checkers, an import under another name is not public

__version__ = "0.1.0"

_ROOMS = ("bridges", "capstones", "data", "exercises", "explain", "nn", "optim", "tape", "training", "viz")
# What loads on first use, and the room that it is in: Tensors need NumPy, pictures a layout engine or matplotlib.
_LATER = {
    **dict.fromkeys(("Tensor", "concatenate", "einsum", "stack"), "engine"),
    **dict.fromkeys("detect_anomaly diagnose formula gradcheck gradgradcheck".split(), "explain"),
    **dict.fromkeys(("paths", "to_python", "trace_backward", "wrong_orders"), "explain"),
    **dict.fromkeys(("compile", "vmap"), "tape"),
    **dict.fromkeys(("load", "save"), "training"),
    **dict.fromkeys(("draw", "plots", "step_through"), "viz"),
}
# What `from micrograd_plus import *` brings: not abs, compile and sum, which would hide Python's own.
__all__ = """
    Binary Many Structural Tensor Ternary Unary Value arctan bridges capstones clip concatenate cos cosh data
    detect_anomaly diagnose draw einsum elu erfc exercises exp explain expm1 formula gelu grad gradcheck gradgradcheck
    hessian hvp leaky_relu load log log1p maximum minimum nn no_grad optim paths plots relu save seed sigmoid sign silu
    sin sinh softplus sqrt stack step_through tan tanh tape to_python trace_backward training value_and_grad viz vmap
    where wrong_orders
""".split()


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    if name in _LATER:
        return getattr(import_module(f".{_LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS, *_LATER})


def seed(number: int) -> None:
    """Make all that follows repeatable: initial weights, shuffling, dropout. The same run gives the same bits.

    All randomness here is drawn from Python's `random` (arrays from NumPy generators that are seeded from it),
    so this is `random.seed(number)`. TypeError for what is no whole number.

    >>> import micrograd_plus as mg
    >>> mg.seed(1)
    >>> first = mg.nn.Neuron(2).parameters()[0].data
    >>> mg.seed(1)
    >>> mg.nn.Neuron(2).parameters()[0].data == first
    True
    """
    import random

    if not hasattr(number, "__index__"):
        raise TypeError(f"seed takes a whole number, got {type(number).__name__} {number!r:.40}")
    random.seed(number)
