"""Networks: modules, layers, losses, initialisers. The scalar ones (Neuron, Layer, MLP) need no NumPy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .losses import BCELoss as BCELoss
from .losses import BCEWithLogitsLoss as BCEWithLogitsLoss
from .losses import CrossEntropyLoss as CrossEntropyLoss
from .losses import HingeLoss as HingeLoss
from .losses import HuberLoss as HuberLoss
from .losses import KLDivLoss as KLDivLoss
from .losses import L1Loss as L1Loss
from .losses import MSELoss as MSELoss
from .losses import NLLLoss as NLLLoss
from .losses import binary_cross_entropy as binary_cross_entropy
from .losses import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from .losses import cross_entropy as cross_entropy
from .losses import hinge_loss as hinge_loss
from .losses import huber_loss as huber_loss
from .losses import kl_div as kl_div
from .losses import l1_loss as l1_loss
from .losses import l1_penalty as l1_penalty
from .losses import l2_penalty as l2_penalty
from .losses import mse_loss as mse_loss
from .losses import nll_loss as nll_loss
from .module import Module as Module
from .scalar import MLP as MLP
from .scalar import Layer as Layer
from .scalar import Neuron as Neuron

if TYPE_CHECKING:
    from . import functional as functional
    from . import init as init
    from .layers import ELU as ELU
    from .layers import GELU as GELU
    from .layers import Dropout as Dropout
    from .layers import Flatten as Flatten
    from .layers import LeakyReLU as LeakyReLU
    from .layers import Linear as Linear
    from .layers import LogSoftmax as LogSoftmax
    from .layers import ReLU as ReLU
    from .layers import Sequential as Sequential
    from .layers import Sigmoid as Sigmoid
    from .layers import SiLU as SiLU
    from .layers import Softmax as Softmax
    from .layers import Softplus as Softplus
    from .layers import Tanh as Tanh

# fmt: off
_LAYERS = (
    "Linear", "Sequential", "Flatten", "Dropout", "ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Softplus", "Tanh",
    "Sigmoid", "Softmax", "LogSoftmax",
)
# fmt: on


def __getattr__(name: str) -> Any:
    if name in _LAYERS:
        return getattr(import_module(".layers", __name__), name)
    if name in ("functional", "init"):
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAYERS, "functional", "init"])
