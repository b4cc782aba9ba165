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
from .losses import masked_mean as masked_mean
from .losses import mse_loss as mse_loss
from .losses import nll_loss as nll_loss
from .module import Module as Module
from .module import functional_call as functional_call
from .scalar import MLP as MLP
from .scalar import Layer as Layer
from .scalar import Neuron as Neuron

if TYPE_CHECKING:
    from . import functional as functional
    from . import init as init
    from .attention import MultiheadAttention as MultiheadAttention
    from .attention import causal_mask as causal_mask
    from .convolution import Conv1d as Conv1d
    from .convolution import Conv2d as Conv2d
    from .embedding import Embedding as Embedding
    from .embedding import LearnedPositions as LearnedPositions
    from .embedding import SinusoidalPositions as SinusoidalPositions
    from .layers import ELU as ELU
    from .layers import GELU as GELU
    from .layers import Dropout as Dropout
    from .layers import Dropout1d as Dropout1d
    from .layers import Dropout2d as Dropout2d
    from .layers import Flatten as Flatten
    from .layers import Identity as Identity
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
    from .normalisation import BatchNorm1d as BatchNorm1d
    from .normalisation import BatchNorm2d as BatchNorm2d
    from .normalisation import GroupNorm as GroupNorm
    from .normalisation import LayerNorm as LayerNorm
    from .normalisation import RMSNorm as RMSNorm
    from .pooling import AdaptiveAvgPool1d as AdaptiveAvgPool1d
    from .pooling import AdaptiveAvgPool2d as AdaptiveAvgPool2d
    from .pooling import AvgPool1d as AvgPool1d
    from .pooling import AvgPool2d as AvgPool2d
    from .pooling import MaxPool1d as MaxPool1d
    from .pooling import MaxPool2d as MaxPool2d
    from .recurrent import GRU as GRU
    from .recurrent import LSTM as LSTM
    from .recurrent import RNN as RNN
    from .transformer import TransformerDecoderLayer as TransformerDecoderLayer
    from .transformer import TransformerEncoderLayer as TransformerEncoderLayer

# What needs NumPy, and the file that it loads from at first use.
_LATER = {
    name: file
    for file, names in {
        "layers": """
            Linear Sequential Identity Flatten Dropout Dropout1d Dropout2d ReLU LeakyReLU ELU GELU SiLU Softplus Tanh
            Sigmoid Softmax LogSoftmax
        """,
        "convolution": "Conv1d Conv2d",
        "pooling": "MaxPool1d MaxPool2d AvgPool1d AvgPool2d AdaptiveAvgPool1d AdaptiveAvgPool2d",
        "normalisation": "BatchNorm1d BatchNorm2d LayerNorm RMSNorm GroupNorm",
        "embedding": "Embedding SinusoidalPositions LearnedPositions",
        "recurrent": "RNN LSTM GRU",
        "attention": "MultiheadAttention causal_mask",
        "transformer": "TransformerEncoderLayer TransformerDecoderLayer",
    }.items()
    for name in names.split()
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f".{_LATER[name]}", __name__), name)
    if name in ("functional", "init"):
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATER, "functional", "init"])
