"""Attention: each place of a sequence gathers from the places of another what matters to it (Vaswani et al., 2017).

The letters are PyTorch's: L queries look at S keys, each a row of E numbers, and take a weighted mean of S values:

    weights = softmax(query @ keyᵀ / sqrt(E) + mask)        (L, S): each row adds up to 1
    output  = weights @ value                               (L, Ev)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..engine import array_ops, ops
from ..engine.graph import Node, Op, Structural
from ..engine.recording import is_recording
from ..engine.tensor import Tensor
from . import functional as F  # noqa: N812 - PyTorch's habit
from . import init
from .checks import true_or_false, whole_number
from .layers import Linear
from .module import Module

# -- the row -----------------------------------------------------------------------------------------------------
#
# Its operands are (query, key, value), or packed along the last axis as a layer's projections give them: (query,
# key | value) or (query | key | value). Its settings:
#
#   heads        the last axis of each is cut in so many parts, which attend apart from each other; None: it is not
#   bias         what is added to the scores, or None: 0 where a query may look, -inf where it may not
#   dropped      what the weights are multiplied by, or None: 0 or 1/(1-p), drawn by dropout
#   scale        what query @ keyᵀ is multiplied by
#   batch_first  which axis is time: the last but one, or the first
#
# Inside, all are seen as (…, heads, time, size), and read and written where they are: BLAS can step over the other
# heads. Only the scores (…, heads, L, S) lie otherwise in memory, with S first: along a first axis NumPy compares and
# adds up far quicker than along a short last one. Measured, softmax over 14 to 20 keys in float32: 4 to 8 times.

_ROLES = {1: ("qkv",), 2: ("q", "kv"), 3: ("q", "k", "v")}  # by the number of operands: what is in each


def _given(*xs: Any) -> tuple:
    """The operands: those that are not packed into the one before are None."""
    return tuple([x for x in xs if x is not None])


def _cut(x: Any, n: int) -> list:
    """n equal parts of the last axis."""
    size = x.shape[-1] // n
    return [x[..., i * size : (i + 1) * size] for i in range(n)] if n > 1 else [x]


def _parts(xs: tuple) -> list:
    """Query, key and value, packed or not."""
    return [*xs[:-1], *_cut(xs[-1], 4 - len(xs))]


def _heads(x: Any, heads: int | None, batch_first: bool) -> Any:
    """The array (…, time, heads · size) seen as (…, heads, time, size)."""
    if heads is None:
        return x
    time = x.ndim - 2 if batch_first else 0
    axes = (*(a for a in range(x.ndim) if a != time), time, x.ndim)
    return x.reshape(*x.shape[:-1], heads, x.shape[-1] // heads).transpose(axes)


def _joined(x: Any, heads: int | None, batch_first: bool) -> Any:
    """The other way: (…, heads, time, size) as (…, time, heads · size)."""
    if heads is None:
        return x
    *rest, head, time, last = range(x.ndim)
    x = x.transpose((*rest, time, head, last) if batch_first else (time, *rest, head, last))
    return x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Each row of a times each row of b, (…, L, S), in memory with S first."""
    y = np.empty((b.shape[-2], *a.shape[:-1]), np.result_type(a, b))
    return np.matmul(a, b.swapaxes(-1, -2), out=_last(y))


def _last(x: np.ndarray) -> np.ndarray:
    """The first axis seen as the last."""
    return x.transpose(*range(1, x.ndim), 0)


def _keys_first(x: np.ndarray) -> np.ndarray:
    """The same numbers (…, L, S) in memory with S first: added to scores that lie so, up to 10 times as fast."""
    return _last(np.ascontiguousarray(x.transpose(-1, *range(x.ndim - 1))))


def _weights(q: np.ndarray, k: np.ndarray, bias: np.ndarray | None, scale: float) -> np.ndarray:
    """The softmax of the scores; 0 all along a row in which nothing may be looked at."""
    w = _products(q, k)
    w *= scale
    if bias is not None:
        w += _keys_first(bias)
    top = w.max(axis=-1, keepdims=True)
    if bias is not None:  # -inf - -inf would be nan
        np.maximum(top, np.finfo(float if w.dtype == object else w.dtype).min, out=top)
    w -= top
    np.exp(w, out=w)
    total = w.sum(axis=-1, keepdims=True)  # 1 at least, for exp(0) is in it; 0 in a row that is masked wholly
    w /= total if bias is None else np.maximum(total, 1, out=total)
    return w


def _at_scores(g: Any, w: Any, dropped: Any, scale: float) -> Any:
    """The gradient at query @ keyᵀ from that at the weights, which is written over: through dropout, softmax, scale."""
    if dropped is not None:
        g *= dropped
    g *= w
    g -= g.sum(axis=-1, keepdims=True) * w
    g *= scale
    return g  # of Tensors, each of these lines makes a new one


class _Kept:
    """What the pull-backs read: the weights before and after dropout; and what the query's leaves to the key's."""

    def __init__(self, weights: np.ndarray, used: np.ndarray):
        self.weights, self.used = weights, used
        self.left: Any = None

    def at_scores(self, g: np.ndarray, role: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """The gradient at the scores: query and key need the same, so where they are apart it is computed once."""
        left, self.left = self.left, None  # taken away: it isn't needed again, and its memory is free
        if role != "q":
            return left[1] if left is not None and left[0] is g else compute()
        self.left = g, compute()
        return self.left[1]


def _attention(
    query: Any,
    key: Any = None,
    value: Any = None,
    *,
    heads: int | None,
    bias: Any,
    dropped: Any,
    scale: float,
    batch_first: bool,
) -> tuple:
    """What each query gathers: (…, L, heads · Ev)."""
    xs = _given(query, key, value)
    if isinstance(xs[0], Node):  # for a text of it
        return _in_steps(xs, heads, bias, dropped, scale, batch_first)[0], None
    q, k, v = [_heads(x, heads, batch_first) for x in _parts(xs)]
    w = _weights(q, k, bias, scale)
    used = w if dropped is None else w * dropped
    y = np.empty((*xs[0].shape[:-1], (heads or 1) * v.shape[-1]), np.result_type(*xs))
    np.matmul(used, v, out=_heads(y, heads, batch_first))
    return y, _Kept(w, used)


def _pull(i: int) -> Callable:
    """The pull-back for operand i."""

    def pull(
        g: Any,
        kept: Any,
        query: Any,
        key: Any = None,
        value: Any = None,
        *,
        heads: int | None,
        bias: Any,
        dropped: Any,
        scale: float,
        batch_first: bool,
    ) -> Any:
        xs, whole_g = _given(query, key, value), g
        role = _ROLES[len(xs)][i]
        if isinstance(g, Node):
            return _pull_in_steps(g, xs, role, heads, bias, dropped, scale, batch_first)
        q, k, v, g = [_heads(x, heads, batch_first) for x in (*_parts(xs), g)]
        if role != "v":
            compute = lambda: _at_scores(_products(g, v), kept.weights, dropped, scale)
            slopes = kept.at_scores(whole_g, role, compute)
        received = np.empty(xs[i].shape, xs[i].dtype)
        for letter, part in zip(role, _cut(received, len(role)), strict=True):
            into = _heads(part, heads, batch_first)
            if letter == "q":
                np.matmul(slopes, k, out=into)
            elif letter == "k":
                np.matmul(slopes.swapaxes(-1, -2), q, out=into)
            else:
                np.matmul(kept.used.swapaxes(-1, -2), g, out=into)
        return received

    return pull


def _in_steps(xs: tuple, heads: int | None, bias: Any, dropped: Any, scale: float, batch_first: bool) -> tuple:
    """The same by operations of which each is a node: the output, the weights used and those before dropout."""
    q, k, v = [_heads(x, heads, batch_first) for x in _parts(xs)]
    scores = (q @ k.mT) * scale
    if bias is None:
        weights = scores.softmax(axis=-1)
    else:
        masked_wholly = ((bias.numpy() if hasattr(bias, "numpy") else bias) == -math.inf).all(axis=-1, keepdims=True)
        if masked_wholly.any():
            weights = (scores + ops.where(masked_wholly, 0.0, bias)).softmax(axis=-1)
            weights = ops.where(masked_wholly, 0.0, weights)
        else:
            weights = (scores + bias).softmax(axis=-1)
    used = weights if dropped is None else weights * dropped
    return _joined(used @ v, heads, batch_first), used, weights


def _pull_in_steps(
    g: Any, xs: tuple, role: str, heads: int | None, bias: Any, dropped: Any, scale: float, batch_first: bool
) -> Any:
    """The pull-back by operations that can be differentiated again."""
    q, k, v, g = [_heads(x, heads, batch_first) for x in (*_parts(xs), g)]
    _, used, weights = _in_steps(xs, heads, bias, dropped, scale, batch_first)
    slopes = _at_scores(g @ v.mT, weights, dropped, scale)
    received = {"q": lambda: slopes @ k, "k": lambda: slopes.mT @ q, "v": lambda: used.mT @ g}
    parts = [_joined(received[letter](), heads, batch_first) for letter in role]
    if len(parts) == 1:
        return parts[0]
    starts = tuple(i * parts[0].shape[-1] for i in range(len(parts) + 1))
    return array_ops.concatenate(parts, axis=-1, starts=starts)


_rules = [array_ops.rounded_once(rule) for rule in (_attention, _pull(0), _pull(1), _pull(2))]
attention = Structural("attention", *_rules, keeps=True, again=True)

ATTENTION_TABLE: dict[str, Op] = {attention.name: attention}
ops.TABLES.append(ATTENTION_TABLE)


def _applied(xs: tuple, bias: Any, **settings: Any) -> Any:
    """The row; in steps if the mask has a gradient of its own."""
    if isinstance(bias, Node) and bias.requires_grad:
        return _in_steps(xs, bias=bias, **settings)[0]
    settings["dropped"] = _plain(settings["dropped"])
    return attention(*xs, bias=_plain(bias), **settings)


def _plain(x: Any) -> Any:
    """The array itself of what a compiled function is given or draws, and of a Tensor: for the settings of a row."""
    return x.plain() if hasattr(x, "plain") else x.numpy() if isinstance(x, Tensor) else x


# -- masks ---------------------------------------------------------------------------------------------------------


def causal_mask(size: int) -> np.ndarray:
    """Who may not look at whom in a text read from left to right: (size, size), True above the diagonal.

    For the `attn_mask` of MultiheadAttention and the `src_mask`, `tgt_mask` of the Transformer's layers, where True
    means "left out". (PyTorch's `Transformer.generate_square_subsequent_mask` says the same with 0 and -inf.)

    >>> causal_mask(3).astype(int)
    array([[0, 1, 1],
           [0, 0, 1],
           [0, 0, 0]])
    """
    size = whole_number("causal_mask", "size", size, least=0)
    return np.triu(np.ones((size, size), dtype=bool), 1)


@lru_cache(maxsize=64)
def _causal_bias(n_queries: int, n_keys: int, dtype: Any) -> np.ndarray:
    bias = np.triu(np.full((n_queries, n_keys), -math.inf, dtype), 1)
    bias.setflags(write=False)
    return bias


def _dtype_of(x: Any) -> Any:
    return x.dtype if x.dtype.kind == "f" else np.dtype(float)  # Values are float64


def _bias(name: str, mask: Any, dtype: Any, true_is: str = "left out") -> Any:
    """A mask as what is added to the scores: 0 and -inf for booleans, floats as they are."""
    if mask is None:
        return None
    if not hasattr(mask, "dtype"):
        mask = np.asarray(mask)
    if mask.dtype == bool:
        low, zero = dtype.type(-math.inf), dtype.type(0)
        return np.where(mask, low, zero) if true_is == "left out" else np.where(mask, zero, low)
    if mask.dtype.kind != "f":
        raise TypeError(
            f"{name} must hold booleans (True: {true_is}) or floats (added to the scores), got {mask.dtype}: "
            "say what 1 means with mask == 1 or mask == 0"
        )
    return mask.astype(dtype)  # a copy: it must not change between forward and backward


def _drawn(shape: tuple, p: float, dtype: Any) -> Any:
    """0 with probability p, else 1/(1-p), for weights (…, L, S): as dropout does, and in memory with S first."""
    if not p:
        return None
    draw = lambda: init.generator().random((shape[-1], *shape[:-1]), np.float32)
    kept = F.drawn(draw) >= p
    return (kept.astype(dtype) * (1 / (1 - p))).transpose(*range(1, len(shape)), 0)


# -- as a function -------------------------------------------------------------------------------------------------


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Any:
    """softmax(query @ keyᵀ · scale + mask) @ value: for each query a weighted mean of the values.

    query: (…, L, E), key: (…, S, E), value: (…, S, Ev); the output is (…, L, Ev). attn_mask: (…, L, S), booleans (True:
    this query may look at this key) or floats that are added to the scores. is_causal: query i looks at keys 0 … i
    (instead of a mask). dropout_p: each weight is dropped with this probability, always (so hand in 0.0 where the model
    isn't training). scale: 1/sqrt(E) unless told otherwise. A query that may look at nothing gets zeros, as in PyTorch.
    ValueError for shapes that don't fit together.

    >>> from micrograd_plus import Tensor
    >>> x = Tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> scaled_dot_product_attention(x, x, x, is_causal=True).data.round(2)
    array([[1.  , 0.  ],
           [0.33, 0.67]])
    """
    query, key, value = _of_one_batch(query, key, value)
    F.check_probability(dropout_p)
    if is_causal and attn_mask is not None:
        raise ValueError("scaled_dot_product_attention: give attn_mask or is_causal=True, not both")
    lead, (n_queries, size), n_keys = query.shape[:-2], query.shape[-2:], key.shape[-2]
    dtype = _dtype_of(query)
    bias = _bias("attn_mask", attn_mask, dtype, true_is="may look")
    if is_causal:
        bias = _causal_bias(n_queries, n_keys, dtype)
    elif bias is not None:
        _check_mask("attn_mask", bias, (*lead, n_queries, n_keys))
        bias = bias if bias.ndim > 1 else bias.reshape(1, -1)
    return _applied(
        (query, key, value),
        bias,
        dropped=_drawn((*lead, n_queries, n_keys), dropout_p, dtype),
        heads=None,
        scale=1 / math.sqrt(size) if scale is None else scale,
        batch_first=True,
    )


def _of_one_batch(query: Any, key: Any, value: Any) -> tuple:
    """Query, key and value if they fit together, the axes in front made equal."""
    xs = (query, key, value)
    for name, x in zip(("query", "key", "value"), xs, strict=True):
        if not hasattr(x, "ndim") or x.ndim < 2:
            shape = f"shape {x.shape}" if hasattr(x, "ndim") else type(x).__name__
            raise ValueError(f"attention: the {name} needs shape (…, time, features), got {shape}")
    shapes = f"query {query.shape}, key {key.shape}, value {value.shape}"
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(f"attention: a query and a key are multiplied, so their last sizes must be equal: {shapes}")
    if key.shape[-2] != value.shape[-2] or not key.shape[-2]:
        raise ValueError(f"attention: each key has its value, so their times must be equal, and not 0: {shapes}")
    if query.shape[:-2] == key.shape[:-2] == value.shape[:-2]:
        return xs
    try:
        lead = np.broadcast_shapes(*(x.shape[:-2] for x in xs))
    except ValueError:
        raise ValueError(f"attention: the axes before (time, features) must be equal, or 1: {shapes}") from None
    expand = lambda x: array_ops.expand(x, shape=(*lead, *x.shape[-2:]))
    return tuple(x if x.shape[:-2] == lead else expand(x) for x in xs)


def _check_mask(name: str, mask: Any, shape: tuple) -> None:
    """ValueError unless the mask can be broadcast to the shape of the scores."""
    try:
        fits = np.broadcast_shapes(mask.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name} has shape {mask.shape}, but the scores have {shape}: queries by keys")


# -- as a layer ----------------------------------------------------------------------------------------------------


class MultiheadAttention(Module):
    """Attention in several heads: each looks in its own projection of the input (Vaswani et al., 2017, section 3.2).

    query: (L, N, embed_dim), key: (S, N, kdim), value: (S, N, vdim); with batch_first=True (N, L, …); or one sequence
    without N. forward gives (output, weights): output in the shape of the query, weights (N, L, S) as the mean over
    heads, (N, heads, L, S) with average_attn_weights=False, None with need_weights=False, which is quicker: one node
    for what is many otherwise. `last_weights` has them for drawing in either case.

    Masks: True means **left out** here, as in PyTorch (and the opposite of scaled_dot_product_attention); floats are
    added. key_padding_mask: (N, S), keys that nobody looks at. attn_mask: (L, S) or (N · heads, L, S). is_causal: query
    i looks at keys 0 … i; an attn_mask, if there is one, is used in its place. A query that may look at nothing gets
    zeros (PyTorch: zeros without, nan with need_weights).

    Parameters: in_proj_weight (3 · embed_dim, embed_dim) for query, key and value, with a kdim or vdim of their own
    q_proj_weight, k_proj_weight, v_proj_weight (evenly from ±sqrt(6 / (in + out)), Glorot and Bengio, 2010);
    in_proj_bias (zeros); out_proj, a Linear. dropout: of the weights, in training. seed: for weights of its own.

    >>> attention = MultiheadAttention(8, num_heads=2, batch_first=True, seed=0)
    >>> x = np.ones((5, 3, 8))
    >>> output, weights = attention(x, x, x, attn_mask=causal_mask(3))
    >>> output.shape, weights.data[0].round(2).tolist()
    ((5, 3, 8), [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.33, 0.33, 0.33]])
    """

    is_summary_row = True  # most of its weights are its own, not its out_proj's

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        *,
        dtype: Any = None,
        seed: int | None = None,
    ):
        true_or_false("MultiheadAttention", bias=bias, batch_first=batch_first)
        if add_bias_kv is not False or add_zero_attn is not False:
            raise ValueError("MultiheadAttention: add_bias_kv and add_zero_attn are not supported: leave them False")
        embed_dim = whole_number("MultiheadAttention", "embed_dim", embed_dim)
        num_heads = whole_number("MultiheadAttention", "num_heads", num_heads)
        if embed_dim % num_heads:
            raise ValueError(
                "MultiheadAttention: each head gets embed_dim / num_heads numbers, so embed_dim must be a multiple of "
                f"num_heads; got embed_dim={embed_dim!r}, num_heads={num_heads!r}"
            )
        F.check_probability(dropout)
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim = embed_dim if kdim is None else whole_number("MultiheadAttention", "kdim", kdim)
        self.vdim = embed_dim if vdim is None else whole_number("MultiheadAttention", "vdim", vdim)
        self.dropout, self.batch_first = dropout, batch_first
        seeds = init.generator(seed).integers(2**32, size=4).tolist()

        def weight(n_out: int, n_in: int, label: str) -> Tensor:
            tensor = Tensor(np.zeros((n_out, n_in)), dtype=dtype, label=label)
            return init.xavier_uniform_(tensor, seed=seeds.pop())

        if self.kdim == self.vdim == embed_dim:
            self.in_proj_weight = weight(3 * embed_dim, embed_dim, "in_proj_weight")
        else:
            self.q_proj_weight = weight(embed_dim, embed_dim, "q_proj_weight")
            self.k_proj_weight = weight(embed_dim, self.kdim, "k_proj_weight")
            self.v_proj_weight = weight(embed_dim, self.vdim, "v_proj_weight")
        self.in_proj_bias = Tensor(np.zeros(3 * embed_dim), dtype=dtype, label="in_proj_bias") if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype=dtype, seed=seeds.pop())
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)
        self._last = _LastCall()

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """What each query gathered, and the weights by which it did."""
        shape = self._shape_of_scores(query, key, value)
        xs = self._projected(query, key, value)
        dtype = _dtype_of(xs[0])
        if attn_mask is None and is_causal:
            attn_mask = _causal_bias(*shape[-2:], dtype)
        settings = {
            "bias": self._merged(attn_mask, key_padding_mask, shape, dtype),
            "heads": self.num_heads,
            "scale": 1 / math.sqrt(self.head_dim),
            "batch_first": self.batch_first or query.ndim == 2,
        }
        self._last.note(xs, settings)
        settings["dropped"] = _drawn(shape, self.dropout if self.training else 0.0, dtype)
        if not need_weights:
            return self.out_proj(_applied(xs, **settings)), None
        y, weights, _ = _in_steps(xs, **settings)
        return self.out_proj(y), weights.mean(axis=-3) if average_attn_weights else weights

    @property
    def last_weights(self) -> np.ndarray | None:
        """Who looked at whom in the last call: (N, heads, L, S), or (heads, L, S); None before the first.

        Without dropout. Computed when asked for, so it costs nothing else. (A compiled function doesn't come past
        here when it is replayed: call the model itself before drawing.)
        """
        return self._last.weights()

    def _projected(self, query: Any, key: Any, value: Any) -> tuple:
        """The operands of the row: in as few products as there are different inputs."""
        e, bias = self.embed_dim, self.in_proj_bias
        if not hasattr(self, "in_proj_weight"):
            pairs = [(query, self.q_proj_weight), (key, self.k_proj_weight), (value, self.v_proj_weight)]
            biases = [None] * 3 if bias is None else [bias[i * e : (i + 1) * e] for i in range(3)]
            return tuple(F.linear(x, w, b) for (x, w), b in zip(pairs, biases, strict=True))

        def of(x: Any, start: int, stop: int) -> Any:
            rows = slice(start * e, stop * e)
            return F.linear(x, self.in_proj_weight[rows], None if bias is None else bias[rows])

        if key is not value:
            return of(query, 0, 1), of(key, 1, 2), of(value, 2, 3)
        if query is not key:
            return of(query, 0, 1), of(key, 1, 3)
        return (F.linear(query, self.in_proj_weight, bias),)

    def _shape_of_scores(self, query: Any, key: Any, value: Any) -> tuple:
        """(N, heads, L, S), or (heads, L, S) of one sequence; ValueError for inputs that don't fit."""
        xs = {"query": (query, self.embed_dim), "key": (key, self.kdim), "value": (value, self.vdim)}
        for name, (x, size) in xs.items():
            if getattr(x, "ndim", 0) not in (2, 3) or x.ndim != getattr(query, "ndim", 0) or x.shape[-1] != size:
                axes = "(batch, time, {0})" if self.batch_first else "(time, batch, {0})"
                raise ValueError(
                    f"MultiheadAttention: the {name} needs shape {axes.format(size)}, or all three without batch, got "
                    f"{getattr(x, 'shape', type(x).__name__)}"
                )
        time = 1 if self.batch_first and query.ndim == 3 else 0
        batches = {x.shape[1 - time] for x in (query, key, value)} if query.ndim == 3 else set()
        if key.shape[time] != value.shape[time] or not key.shape[time] or len(batches) > 1:
            raise ValueError(
                "MultiheadAttention: key and value must have the same time, not 0, and all three the same batch; got "
                f"query {query.shape}, key {key.shape}, value {value.shape} with batch_first={self.batch_first}"
            )
        return (*batches, self.num_heads, query.shape[time], key.shape[time])

    def _merged(self, attn_mask: Any, key_padding_mask: Any, shape: tuple, dtype: Any) -> Any:
        """Both masks as one bias that broadcasts to the scores, or None."""
        attn, keys = _bias("attn_mask", attn_mask, dtype), _bias("key_padding_mask", key_padding_mask, dtype)
        if attn is not None and attn.ndim == 3 and len(shape) == 4:  # PyTorch has batch and heads in one axis
            if attn.shape[0] != shape[0] * shape[1]:
                raise ValueError(
                    f"attn_mask has shape {attn.shape}: with {shape[0]} sequences and {shape[1]} heads it must be "
                    f"{shape[-2:]} or {(shape[0] * shape[1], *shape[-2:])}"
                )
            attn = attn.reshape(shape[0], shape[1], *attn.shape[1:])
        if attn is not None:
            _check_mask("attn_mask", attn, shape)
        if keys is None:
            return attn
        if keys.shape != (*shape[:-3], shape[-1]):
            raise ValueError(
                f"key_padding_mask has shape {keys.shape}, but there are keys of shape {(*shape[:-3], shape[-1])}: "
                "one number for each key of each sequence"
            )
        keys = keys.reshape(*shape[:-3], 1, 1, shape[-1])
        return keys if attn is None else attn + keys


class _LastCall:
    """What a layer computed with, kept apart from it: no parameter, no buffer, and nothing that compile() looks at."""

    call: tuple | None = None

    def note(self, xs: tuple, settings: dict) -> None:
        """Keep the operands as they are, without their graph."""
        if any(not isinstance(x, Tensor) for x in xs) and is_recording().__class__ is not bool:
            return  # Values whose numbers compile() must not see read: they would be taken for part of the program
        arrays = tuple(x._array if isinstance(x, Tensor) else x.data for x in xs)
        self.call = arrays, {**settings, "bias": _plain(settings["bias"])}

    def weights(self) -> np.ndarray | None:
        """The weights of that call."""
        if self.call is None:
            return None
        xs, s = self.call
        q, k, _ = [_heads(x, s["heads"], s["batch_first"]) for x in _parts(xs)]
        return np.ascontiguousarray(_weights(q, k, s["bias"], s["scale"]))

    def __reduce__(self) -> tuple:
        return _LastCall, ()  # a copy has seen nothing
