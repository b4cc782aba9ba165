"""The few layers that PyTorch has otherwise, or not at all: what `torch_code` writes into a program that needs them.

This is PyTorch's side of the bridge, so torch is imported at the top: nothing imports this file but `to_torch` and
`from_torch`; `torch_code` copies its text.
"""

# mypy: ignore-errors
# (it is to be read as PyTorch's users write, without types)

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def causal_mask(size, keys=None):
    """Who may not look at whom in a text read from left to right: (size, keys or size), True above the diagonal."""
    return torch.ones(size, keys or size, dtype=torch.bool).triu(1)


class MultiheadAttention(nn.MultiheadAttention):
    """PyTorch's, which makes the mask for is_causal=True by itself."""

    def forward(
        self,
        query,
        key,
        value,
        key_padding_mask=None,
        need_weights=True,
        attn_mask=None,
        average_attn_weights=True,
        is_causal=False,
    ):
        """(output, weights), as PyTorch's layer gives them."""
        if is_causal and attn_mask is None:
            time = 1 if self.batch_first and query.ndim == 3 else 0
            attn_mask = causal_mask(query.shape[time], key.shape[time]).to(query.device)
        return super().forward(query, key, value, key_padding_mask, need_weights, attn_mask, average_attn_weights)


class TransformerEncoderLayer(nn.TransformerEncoderLayer):
    """PyTorch's, which makes the mask for is_causal=True by itself."""

    def forward(self, src, src_mask=None, src_key_padding_mask=None, is_causal=False):
        """What each place makes of all that it sees."""
        if is_causal and src_mask is None:
            time = 1 if self.self_attn.batch_first and src.ndim == 3 else 0
            src_mask = causal_mask(src.shape[time]).to(src.device)
        return super().forward(src, src_mask, src_key_padding_mask)


class TransformerDecoderLayer(nn.TransformerDecoderLayer):
    """PyTorch's, which makes the masks for tgt_is_causal=True and memory_is_causal=True by itself."""

    def forward(
        self,
        tgt,
        memory,
        tgt_mask=None,
        memory_mask=None,
        tgt_key_padding_mask=None,
        memory_key_padding_mask=None,
        tgt_is_causal=False,
        memory_is_causal=False,
    ):
        """What each place of tgt makes of all that it sees, there and in memory."""
        time = 1 if self.self_attn.batch_first and tgt.ndim == 3 else 0
        if tgt_is_causal and tgt_mask is None:
            tgt_mask = causal_mask(tgt.shape[time]).to(tgt.device)
        if memory_is_causal and memory_mask is None:
            memory_mask = causal_mask(tgt.shape[time], memory.shape[time]).to(tgt.device)
        return super().forward(tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)


class WithLengths:
    """Lets a recurrent layer take `lengths` (batch,): how many steps of each padded sequence are real."""

    def forward(self, x, hx=None, *, lengths=None):
        """(output, last state), as PyTorch's layer gives them."""
        if lengths is None:
            return super().forward(x, hx)
        packed = pack_padded_sequence(x, torch.as_tensor(lengths).cpu(), self.batch_first, enforce_sorted=False)
        output, state = super().forward(packed, hx)
        steps = x.shape[1 if self.batch_first else 0]
        return pad_packed_sequence(output, self.batch_first, total_length=steps)[0], state


class RNN(WithLengths, nn.RNN):
    """PyTorch's, which also takes `lengths`."""


class LSTM(WithLengths, nn.LSTM):
    """PyTorch's, which also takes `lengths`."""


class GRU(WithLengths, nn.GRU):
    """PyTorch's, which also takes `lengths`."""


class LearnedPositions(nn.Module):
    """Adds a learnt row of numbers for each place: x (..., T, dim) + weight[:T]."""

    def __init__(self, max_length, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(max_length, dim))

    def forward(self, x):
        """x with its places added."""
        return x + self.weight[: x.shape[-2]]


class SinusoidalPositions(nn.Module):
    """Adds waves of ever longer period to x (..., T, dim), so that each place has its pattern."""

    def __init__(self, max_length, dim):
        super().__init__()
        speeds = torch.exp(torch.arange(0, dim, 2, dtype=torch.float64) * (-math.log(10000.0) / dim))
        angles = torch.arange(max_length)[:, None] * speeds
        waves = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
        self.register_buffer("pe", waves.to(torch.get_default_dtype()))

    def forward(self, x):
        """x with its places added."""
        return x + self.pe[: x.shape[-2]].to(x.dtype)
