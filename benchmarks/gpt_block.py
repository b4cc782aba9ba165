"""(c) A step of one GPT block: 16 sequences of 16 tokens, width 64; layer norm, causal self-attention with 4 heads,
layer norm, an MLP of four times the width with GELU, and the residuals around them; forward, backward, SGD; float32.

Here it is written with the operations of Tensors, in PyTorch with its own layer_norm and attention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .measure import Contender, in_turn
from .report import Comparison

BATCH, TOKENS, WIDTH, HEADS = 16, 16, 64, 4
LEARNING_RATE = 0.1
SHAPES = {  # of the parameters; a weight is (outputs, inputs)
    "norm_1": (WIDTH,), "shift_1": (WIDTH,), "qkv": (3 * WIDTH, WIDTH), "qkv_bias": (3 * WIDTH,),
    "project": (WIDTH, WIDTH), "project_bias": (WIDTH,), "norm_2": (WIDTH,), "shift_2": (WIDTH,),
    "up": (4 * WIDTH, WIDTH), "up_bias": (4 * WIDTH,), "down": (WIDTH, 4 * WIDTH), "down_bias": (WIDTH,),
}  # fmt: skip


def data() -> tuple[Any, Any, dict[str, Any]]:
    """Inputs and targets of shape (BATCH, TOKENS, WIDTH), and the parameters, as float32 arrays."""
    import numpy as np

    rng = np.random.default_rng(0)
    x, target = rng.normal(size=(2, BATCH, TOKENS, WIDTH)).astype(np.float32)
    parameters = {name: 0.1 * rng.normal(size=shape) for name, shape in SHAPES.items()}
    for name in ("norm_1", "norm_2"):
        parameters[name] += 1
    return x, target, {name: p.astype(np.float32) for name, p in parameters.items()}


def here(compiled: bool = False) -> Callable[[], Any]:
    """A step of micrograd_plus."""
    import numpy as np

    import micrograd_plus as mg
    from micrograd_plus.nn.functional import linear

    x, target, numbers = data()
    x, target = mg.Tensor(x, requires_grad=False), mg.Tensor(target, requires_grad=False)
    p = {name: mg.Tensor(array, label=name) for name, array in numbers.items()}
    mask = np.where(np.tri(TOKENS, dtype=bool), 0, -1e9).astype(np.float32)  # no token sees those after it

    def layer_norm(x, gain, shift):
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        return centred * (variance + 1e-5) ** -0.5 * gain + shift

    def heads(x):  # (batch, tokens, width) to (batch, heads, tokens, width of a head)
        return x.reshape(BATCH, TOKENS, HEADS, WIDTH // HEADS).permute(0, 2, 1, 3)

    def attention(x):
        q, k, v = map(heads, linear(x, p["qkv"], p["qkv_bias"]).split(WIDTH, axis=-1))
        weights = (q @ k.mT * (WIDTH // HEADS) ** -0.5 + mask).softmax(axis=-1)
        mixed = (weights @ v).permute(0, 2, 1, 3).reshape(BATCH, TOKENS, WIDTH)
        return linear(mixed, p["project"], p["project_bias"])

    def loss_of(x, target):
        x = x + attention(layer_norm(x, p["norm_1"], p["shift_1"]))
        hidden = linear(layer_norm(x, p["norm_2"], p["shift_2"]), p["up"], p["up_bias"]).gelu()
        return mg.nn.mse_loss(x + linear(hidden, p["down"], p["down_bias"]), target)

    loss = mg.compile(loss_of) if compiled else loss_of
    optimizer = mg.optim.SGD(list(p.values()), lr=LEARNING_RATE)

    def step():
        optimizer.zero_grad()
        value = loss(x, target)
        value.backward()
        optimizer.step()
        return value

    return step


def pytorch(compiled: bool = False) -> Callable[[], Any]:
    """A step of PyTorch."""
    import torch
    from torch.nn import functional as F  # noqa: N812 - as everyone calls it

    torch.set_num_threads(1)
    x, target, numbers = data()
    x, target = torch.tensor(x), torch.tensor(target)
    p = {name: torch.tensor(array, requires_grad=True) for name, array in numbers.items()}

    def heads(x):
        return x.view(BATCH, TOKENS, HEADS, WIDTH // HEADS).transpose(1, 2)

    def attention(x):
        q, k, v = map(heads, F.linear(x, p["qkv"], p["qkv_bias"]).split(WIDTH, dim=-1))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return F.linear(mixed.transpose(1, 2).reshape(BATCH, TOKENS, WIDTH), p["project"], p["project_bias"])

    def loss_of(x, target):
        x = x + attention(F.layer_norm(x, (WIDTH,), p["norm_1"], p["shift_1"]))
        hidden = F.gelu(F.linear(F.layer_norm(x, (WIDTH,), p["norm_2"], p["shift_2"]), p["up"], p["up_bias"]))
        return F.mse_loss(x + F.linear(hidden, p["down"], p["down_bias"]), target)

    loss = torch.compile(loss_of) if compiled else loss_of
    optimizer = torch.optim.SGD(list(p.values()), lr=LEARNING_RATE)

    def step():
        optimizer.zero_grad()
        value = loss(x, target)
        value.backward()
        optimizer.step()
        return value

    return step


CONTENDERS = [
    Contender("here, eager", here),
    Contender("here, compiled", here, (True,), ("compile",)),
    Contender("PyTorch eager", pytorch, (), ("torch",)),
]


def run(short: bool) -> Iterator[Comparison]:
    """One table."""
    others = [] if short else [Contender("torch.compile", pytorch, (True,), ("torch", "C++"))]
    yield Comparison(
        "gpt",
        "(c) A step of one GPT block",
        f"Batch {BATCH}, {TOKENS} tokens, width {WIDTH}, {HEADS} heads, mean squared error, SGD, float32.",
        in_turn(CONTENDERS + others, rounds=10 if short else 30),
        against=("PyTorch eager",),
        wanted={("here, compiled", "PyTorch eager"): 1},
        tolerance=1e-3,
    )
