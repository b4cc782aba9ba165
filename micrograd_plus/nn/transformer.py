"""The layers of a Transformer: attention, then two linear layers for each place by itself (Vaswani et al., 2017)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import functional as F  # noqa: N812 - PyTorch's habit
from . import init
from .attention import MultiheadAttention
from .layers import Dropout, Linear
from .module import Module
from .normalisation import LayerNorm


class _TransformerLayer(Module):
    """What both layers share: how a sub-layer is added, and the feed-forward part."""

    linear1: Linear
    linear2: Linear
    dropout: Dropout
    norm_first: bool
    activation: Callable

    def _add(self, x: Any, sublayer: Callable, norm: Module, dropout: Module) -> Any:
        """x plus what the sub-layer makes of it; normalised before the sub-layer, or after the sum."""
        if self.norm_first:
            return x + dropout(sublayer(norm(x)))
        return norm(x + dropout(sublayer(x)))

    def _feed_forward(self, x: Any) -> Any:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_TransformerLayer):
    """Each place looks at all places (self-attention), then thinks for itself (feed-forward); both are added to it.

    src: (S, N, d_model), with batch_first=True (N, S, d_model), or one sequence (S, d_model); the output has the same
    shape. Masks as MultiheadAttention's, True means left out: src_mask (S, S), src_key_padding_mask (N, S). With
    is_causal=True and no src_mask each place looks at itself and those before: so this is the layer of a GPT as well.

    dim_feedforward: how wide the feed-forward part is. activation: "relu", "gelu" or a function. norm_first: layer norm
    before each part rather than after the sum (Xiong et al., 2020): easier to train. The weights of
    `self_attn.last_weights` can be drawn.

    >>> import numpy as np
    >>> layer = TransformerEncoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True, seed=0)
    >>> layer.eval()(np.ones((5, 3, 8)), is_causal=True).shape
    (5, 3, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = None,
        seed: int | None = None,
    ):
        seeds = init.generator(seed).integers(2**32, size=3).tolist()
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype, seed=seeds.pop()
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype=dtype, seed=seeds.pop())
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype=dtype, seed=seeds.pop())
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)
        self.activation = _activation(activation)

    def forward(self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """The sequence, each place enriched by what it saw."""

        def attend(x: Any) -> Any:
            return self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)[0]

        x = self._add(src, attend, self.norm1, self.dropout1)
        return self._add(x, self._feed_forward, self.norm2, self.dropout2)


class TransformerDecoderLayer(_TransformerLayer):
    """As the encoder's layer, and in between each place looks at another sequence, the memory (cross-attention).

    tgt: (T, N, d_model), memory: (S, N, d_model), which is mostly what an encoder gave; with batch_first=True (N, T, …)
    and (N, S, …); the output has the shape of tgt. Masks as MultiheadAttention's, True means left out: tgt_mask (T, T),
    memory_mask (T, S), tgt_key_padding_mask (N, T), memory_key_padding_mask (N, S). tgt_is_causal=True without a
    tgt_mask: each place looks at itself and those before it. `multihead_attn.last_weights`: who looked at what in
    memory, the picture that is drawn of translations. Otherwise see TransformerEncoderLayer.

    >>> import numpy as np
    >>> layer = TransformerDecoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True, seed=0).eval()
    >>> layer(np.ones((5, 3, 8)), np.ones((5, 4, 8)), tgt_is_causal=True).shape
    (5, 3, 8)
    >>> layer.multihead_attn.last_weights.shape
    (5, 2, 3, 4)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = None,
        seed: int | None = None,
    ):
        seeds = init.generator(seed).integers(2**32, size=4).tolist()
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype, seed=seeds.pop()
        )
        self.multihead_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype, seed=seeds.pop()
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype=dtype, seed=seeds.pop())
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype=dtype, seed=seeds.pop())
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm3 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout1, self.dropout2, self.dropout3 = Dropout(dropout), Dropout(dropout), Dropout(dropout)
        self.activation = _activation(activation)

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """The target sequence, each place enriched by what it saw in it and in memory."""

        def attend(x: Any) -> Any:
            return self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0]

        def attend_to_memory(x: Any) -> Any:
            masks = {"key_padding_mask": memory_key_padding_mask, "attn_mask": memory_mask}
            return self.multihead_attn(x, memory, memory, need_weights=False, is_causal=memory_is_causal, **masks)[0]

        x = self._add(tgt, attend, self.norm1, self.dropout1)
        x = self._add(x, attend_to_memory, self.norm2, self.dropout2)
        return self._add(x, self._feed_forward, self.norm3, self.dropout3)


def _activation(which: str | Callable) -> Callable:
    """The function of this name."""
    if isinstance(which, type):
        raise TypeError(f"activation is a function or a module, not a class: write {which.__name__}() with brackets")
    if callable(which):
        return which
    if which not in ("relu", "gelu"):
        raise ValueError(f"activation must be 'relu', 'gelu' or a function of the numbers, got {which!r}")
    return F.relu if which == "relu" else F.gelu
