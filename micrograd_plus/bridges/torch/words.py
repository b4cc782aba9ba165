"""The dictionary: how each layer, loss, optimiser and function of ours is said in PyTorch. No torch is needed here.

Most words are the same, that was the plan from the start. So the tables are short: a layer is its settings, which have
the same names in both; a method is listed as "the same" or with its other name; what is in no table is not translated,
and said to be so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ... import nn
from ...engine import array_ops, graph, ops, tensor
from ...nn import functional

# -- layers ----------------------------------------------------------------------------------------------------------
#
# Arguments as PyTorch's constructor takes them, in its order. Those before the bar are always written, without their
# names; those behind it by name, where they differ from the default, which is PyTorch's as well. Both libraries keep
# them as attributes of the same name, so the same rows serve for the way back. What isn't so is in SETTINGS.

# fmt: off
LAYERS: dict[str, str] = {
    "Linear":            "in_features out_features | bias",
    "Identity":          "|",
    "Flatten":           "| start_dim end_dim",
    "Dropout":           "p |",
    "Dropout1d":         "p |",
    "Dropout2d":         "p |",
    "ReLU":              "|",
    "Tanh":              "|",
    "Sigmoid":           "|",
    "GELU":              "|",
    "SiLU":              "|",
    "Softplus":          "|",
    "LeakyReLU":         "| negative_slope",
    "ELU":               "| alpha",
    "Softmax":           "| dim",
    "LogSoftmax":        "| dim",
    "Conv1d":            "in_channels out_channels kernel_size | stride padding dilation groups bias",
    "Conv2d":            "in_channels out_channels kernel_size | stride padding dilation groups bias",
    "MaxPool1d":         "kernel_size | stride padding dilation ceil_mode",
    "MaxPool2d":         "kernel_size | stride padding dilation ceil_mode",
    "AvgPool1d":         "kernel_size | stride padding ceil_mode count_include_pad",
    "AvgPool2d":         "kernel_size | stride padding ceil_mode count_include_pad divisor_override",
    "AdaptiveAvgPool1d": "output_size |",
    "AdaptiveAvgPool2d": "output_size |",
    "BatchNorm1d":       "num_features | eps momentum affine track_running_stats",
    "BatchNorm2d":       "num_features | eps momentum affine track_running_stats",
    "LayerNorm":         "normalized_shape | eps elementwise_affine bias",
    "RMSNorm":           "normalized_shape | eps elementwise_affine",
    "GroupNorm":         "num_groups num_channels | eps affine",
    "Embedding":         "num_embeddings embedding_dim | padding_idx",
    "LearnedPositions":  "max_length dim |",
    "SinusoidalPositions": "max_length dim |",
    "RNN":  "input_size hidden_size | num_layers nonlinearity bias batch_first dropout bidirectional",
    "LSTM": "input_size hidden_size | num_layers bias batch_first dropout bidirectional",
    "GRU":  "input_size hidden_size | num_layers bias batch_first dropout bidirectional",
    "MultiheadAttention": "embed_dim num_heads | dropout bias kdim vdim batch_first",
    "TransformerEncoderLayer":
        "d_model nhead | dim_feedforward dropout activation layer_norm_eps batch_first norm_first bias",
    "TransformerDecoderLayer":
        "d_model nhead | dim_feedforward dropout activation layer_norm_eps batch_first norm_first bias",
    "MSELoss":           "| reduction",
    "L1Loss":            "| reduction",
    "BCELoss":           "| reduction",
    "BCEWithLogitsLoss": "| reduction",
    "HuberLoss":         "| reduction delta",
    "CrossEntropyLoss":  "| ignore_index reduction label_smoothing",
    "NLLLoss":           "| ignore_index reduction",
    "KLDivLoss":         "| reduction log_target",
}
# fmt: on

OURS_ALONE = ("LearnedPositions", "SinusoidalPositions")  # in layers.py, not in torch.nn
ALWAYS_NAMED = {"Softmax": ("dim",), "LogSoftmax": ("dim",)}  # their defaults differ: -1 here, None there
SMOOTH = "threshold=40"  # of softplus: there it is a straight line from 20 on, which is 2e-9 off, unless told otherwise
MORE = {"Softplus": SMOOTH}
MODULES = {  # functions of each number, as modules
    "relu": "nn.ReLU()", "tanh": "nn.Tanh()", "sigmoid": "nn.Sigmoid()", "gelu": "nn.GELU()", "silu": "nn.SiLU()",
    "elu": "nn.ELU()", "leaky_relu": "nn.LeakyReLU()", "softplus": f"nn.Softplus({SMOOTH})",
}  # fmt: skip

# What PyTorch's layers can be, and ours not: the only value that goes the way back.
ONLY: dict[str, dict[str, Any]] = {
    "Conv1d": {"padding_mode": "zeros"},
    "Conv2d": {"padding_mode": "zeros"},
    "MaxPool1d": {"return_indices": False},
    "MaxPool2d": {"return_indices": False},
    "GELU": {"approximate": "none"},
    "Softplus": {"beta": 1},
    "Embedding": {"max_norm": None, "scale_grad_by_freq": False, "sparse": False},
    "RNN": {"proj_size": 0},
    "LSTM": {"proj_size": 0},
    "GRU": {"proj_size": 0},
    "MultiheadAttention": {"bias_k": None, "add_zero_attn": False},
    "CrossEntropyLoss": {"weight": None},
    "NLLLoss": {"weight": None},
}


def _has(name: str) -> Callable[[Any], bool]:
    return lambda layer: getattr(layer, name) is not None


def _bias(layer: Any) -> bool:
    """Whether there is one: RNN, LSTM and GRU keep the answer, other layers the bias itself."""
    return layer.bias if isinstance(layer.bias, bool) else layer.bias is not None


_TRANSFORMER: dict[str, Callable] = {
    "d_model": lambda layer: layer.self_attn.embed_dim,
    "nhead": lambda layer: layer.self_attn.num_heads,
    "dim_feedforward": lambda layer: layer.linear1.out_features,
    "dropout": lambda layer: layer.dropout.p,
    "layer_norm_eps": lambda layer: layer.norm1.eps,
    "batch_first": lambda layer: layer.self_attn.batch_first,
    "bias": lambda layer: layer.linear1.bias is not None,
}
SETTINGS: dict[str, dict[str, Callable]] = {
    "LearnedPositions": {"max_length": lambda layer: layer.weight.shape[0], "dim": lambda layer: layer.weight.shape[1]},
    "SinusoidalPositions": {"max_length": lambda layer: layer.pe.shape[0], "dim": lambda layer: layer.pe.shape[1]},
    "MultiheadAttention": {"bias": _has("in_proj_bias")},
    "TransformerEncoderLayer": _TRANSFORMER,
    "TransformerDecoderLayer": _TRANSFORMER,
}


def settings_of(kind: str, layer: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a layer (ours or PyTorch's) was made with: the settings before the bar and those behind it."""
    read = {"bias": _bias} | SETTINGS.get(kind, {})
    parts = [half.split() for half in LAYERS[kind].split("|")]
    found = [{key: read.get(key, _attribute(key))(layer) for key in part} for part in parts]
    for settings in found:
        for key, value in settings.items():
            settings[key] = short(key, plain(value))
    return found[0], found[1]


def _attribute(name: str) -> Callable:
    return lambda layer: getattr(layer, name)


def plain(value: Any) -> Any:
    """A setting as a reader would write it: (3, 3) as 3, NumPy's numbers as Python's."""
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) in (tuple, list):
        value = type(value)(plain(item) for item in value)
    return value


def literal(value: Any) -> str:
    """Python's text of a setting: numbers, texts, and tuples, lists and dicts of them. TypeError for anything else.

    >>> literal((3, 1.5, None, float("inf"))), literal({"a": [True]})
    ('(3, 1.5, None, float("inf"))', '{"a": [True]}')
    """
    value = plain(value)
    if isinstance(value, tuple):
        return f"({literal(value[0])},)" if len(value) == 1 else f"({', '.join(map(literal, value))})"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if type(value) is float and not math.isfinite(value):
        return f'float("{value}")'
    if type(value) is str:
        text = repr(value)
        return f'"{text[1:-1]}"' if text[0] == "'" and '"' not in text else text
    if value is None or type(value) in (bool, int, float):  # exactly: a subclass might write anything
        return repr(value)
    raise TypeError(f"{type(value).__name__} can't be written down as a setting")


def is_plain(value: Any) -> bool:
    """Whether `literal` can write it."""
    try:
        literal(value)
    except TypeError:
        return False
    return True


def short(key: str, value: Any) -> Any:
    """(3, 3) as 3, where one number an axis and one for all mean the same; also for the size of one axis, (64,)."""
    if type(value) is not tuple or len({*value}) != 1:
        return value
    per_axis = key in ("kernel_size", "stride", "padding", "dilation")
    return value[0] if per_axis or (key == "normalized_shape" and len(value) == 1) else value


@cache
def by_identity() -> dict[int, str]:
    """What each function of ours and of NumPy's is called there: {id(function): "torch.cat"}."""
    found = {id(getattr(functional, name)): f"F.{name}" for name in FUNCTIONAL}
    found |= {id(_ours(name)): f"torch.{name}" for name in TORCH}
    found |= {id(_ours(name)): there for name, there in RENAMED.items()}
    found |= {id(getattr(np, name)): there for name, there in NUMPY.items()}
    found |= {id(nn.causal_mask): "causal_mask", id(nn.hinge_loss): "hinge_loss", id(array_ops.linear): "F.linear"}
    return found


def _ours(name: str) -> Any:
    """The engine's function of this name; a name that is Python's own as well has a line behind it there: abs_."""
    for place in (ops, tensor, graph):
        for spelled in (name, f"{name}_"):
            if hasattr(place, spelled):
                return getattr(place, spelled)
    raise AttributeError(name)


# -- functions and methods -----------------------------------------------------------------------------------------

FUNCTIONAL = """
    relu gelu sigmoid silu softplus tanh softmax log_softmax leaky_relu elu linear dropout dropout1d dropout2d conv1d
    conv2d max_pool1d max_pool2d avg_pool1d avg_pool2d adaptive_avg_pool1d adaptive_avg_pool2d batch_norm layer_norm
    rms_norm group_norm embedding scaled_dot_product_attention binary_cross_entropy binary_cross_entropy_with_logits
    cross_entropy huber_loss kl_div l1_loss mse_loss nll_loss
""".split()
LOSSES = {"F.binary_cross_entropy", "F.binary_cross_entropy_with_logits", "F.cross_entropy", "F.huber_loss", "F.kl_div"}
LOSSES |= {"F.l1_loss", "F.mse_loss", "F.nll_loss"}
TORCH = "abs arctan clip cos cosh einsum erfc exp expm1 log log1p sign sin sinh sqrt stack tan tanh where".split()
RENAMED = {
    "concatenate": "torch.cat", "relu": "F.relu", "sigmoid": "torch.sigmoid", "gelu": "F.gelu", "silu": "F.silu",
    "softplus": "F.softplus", "leaky_relu": "F.leaky_relu", "elu": "F.elu", "no_grad": "torch.no_grad",
    "maximum": "torch.maximum", "minimum": "torch.minimum",
}  # fmt: skip
NUMPY = {
    "arange": "torch.arange", "asarray": "torch.as_tensor", "array": "torch.as_tensor", "zeros": "torch.zeros",
    "ones": "torch.ones", "full": "torch.full", "where": "torch.where", "concatenate": "torch.cat",
    "stack": "torch.stack", "zeros_like": "torch.zeros_like", "ones_like": "torch.ones_like", "triu": "torch.triu",
    "tril": "torch.tril", "float32": "torch.float32", "float64": "torch.float64", "float16": "torch.float16",
    "reshape": "torch.reshape", "einsum": "torch.einsum", "cumsum": "torch.cumsum",
    "int64": "torch.int64", "int32": "torch.int32", "bool_": "torch.bool",
}  # fmt: skip
TENSORS_ALONE = {"torch.maximum", "torch.minimum", "torch.sigmoid", *(f"torch.{name}" for name in TORCH)}
TENSORS_ALONE -= {"torch.where", "torch.einsum", "torch.stack"}  # the others refuse a number in place of a tensor
DTYPE_AT = {"torch.zeros": 1, "torch.ones": 1, "torch.full": 2, "torch.as_tensor": 1}  # which argument is the dtype
BUILTINS = {
    id(thing)
    for thing in (
        abs, all, any, bool, dict, enumerate, float, int, isinstance, len, list, max, min, print, range,
        reversed, set, slice, sorted, str, sum, tuple, zip, ValueError, TypeError, RuntimeError,
    )
}  # fmt: skip

# Attributes of tensors (and of Python's own lists, dicts and texts) that are called the same.
SAME = set(
    """
    shape ndim dtype T mT
    abs all any arctan clamp clip cos cosh detach erfc exp expand expm1 log log1p log_softmax logsumexp matmul mean
    numel permute pow prod relu reshape sigmoid sign sin sinh softmax split sqrt squeeze std sum swapaxes tan tanh
    tolist item unsqueeze var view argmax argmin cumsum norm flatten transpose max min maximum minimum flip
    append extend items keys values pop get join format insert
    """.split()
)
METHODS = {"astype": "to", "size": "numel()", "numpy": "detach"}  # other words
AS_FUNCTIONS = {"gelu", "silu", "softplus", "leaky_relu", "elu"}  # x.gelu() is F.gelu(x) there
AXIS_NEEDED = {"softmax", "log_softmax"}  # -1 unless told otherwise here; there it must be said
MOST_AXES = {"prod": 1, "norm": 2}  # at once, there; here all that there are
NOT_NONE = {"prod", "logsumexp", "squeeze"}  # where axis=None is an error there
KEYWORDS = {"axis": "dim", "keepdims": "keepdim"}
KEYWORDS_OF = {  # of single methods and functions; "": given without a name
    "flip": {"axis": "", "dim": ""}, "torch.triu": {"k": "diagonal"}, "torch.tril": {"k": "diagonal"},
    "torch.zeros": {"shape": "size"}, "torch.ones": {"shape": "size"}, "torch.full": {"shape": "size"},
}  # fmt: skip
COPIED = {"astype", "flatten"}  # methods that always copy in NumPy, and there only if they must
SHAPE_AT = {"torch.full": 0, "torch.reshape": 1}  # which argument is a shape, a tuple even for one axis

# What is written into a program for a loss that PyTorch has not.
HINGE = '''
def hinge_loss(output, target):
    """How far each score (target: -1 or 1) is from being right by a margin of 1, on average."""
    return F.relu(1 - target * output).mean()
'''
