"""(i) A training step of each capstone beside PyTorch: its model, its batch size, its loss, clipping and optimiser.

The models are those of micrograd_plus.capstones; PyTorch's are written with its own layers and load our weights. The
numbers in a batch are random where only their shapes matter. Losses are compared on the first steps, without dropout,
since each library draws its own; then dropout sets in, and what is timed has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import count
from types import MappingProxyType
from typing import Any, NamedTuple

from .measure import Contender, in_turn
from .report import Comparison

COMPARED = 5  # steps, whose losses are compared; all contenders take as many to warm up
ENOUGH = 0.77  # times as fast as PyTorch: "no slower than 1.3 × PyTorch"


# -- PyTorch's models ----------------------------------------------------------------------------------------------

# What PyTorch's layer of the same name is to be told: those of our layer's attributes.
SETTINGS = {
    "Linear": ("in_features", "out_features"),
    "Conv1d": ("in_channels", "out_channels", "kernel_size", "stride", "padding"),
    "Conv2d": ("in_channels", "out_channels", "kernel_size", "stride", "padding"),
    "GRU": ("input_size", "hidden_size", "batch_first"),
    "MultiheadAttention": ("embed_dim", "num_heads", "batch_first"),
    "BatchNorm2d": ("num_features",),
    "LayerNorm": ("normalized_shape",),
    "RMSNorm": ("normalized_shape",),
    "Embedding": ("num_embeddings", "embedding_dim"),
    "MaxPool2d": ("kernel_size", "stride"),
    "Dropout": ("p",),
    "Flatten": (),
    "ReLU": (),
    "Tanh": (),
}


def like(nn: Any, ours: Any) -> Any:
    """PyTorch's layer of the same name and sizes, of torch.nn; or layers."""
    name = type(ours).__name__
    if name in ("Sequential", "list"):
        layers = [like(nn, layer) for layer in ours]
        return nn.ModuleList(layers) if name == "list" else nn.Sequential(*layers)
    if name == "LearnedPositions":
        return learned_positions(nn, ours)
    if name.startswith("Transformer"):
        sizes = {"d_model": ours.linear1.in_features, "dim_feedforward": ours.linear1.out_features}
        heads, dropout = ours.self_attn.num_heads, ours.dropout.p
        return getattr(nn, name)(**sizes, nhead=heads, dropout=dropout, batch_first=True, norm_first=ours.norm_first)
    settings = {key: getattr(ours, key) for key in SETTINGS[name]}
    if name in ("Linear", "MultiheadAttention") and (ours.out_proj if "Multi" in name else ours).bias is None:
        settings["bias"] = False
    return getattr(nn, name)(**settings)


def learned_positions(nn: Any, ours: Any) -> Any:
    """PyTorch has no such layer."""

    class LearnedPositions(nn.Embedding):
        def forward(self, x):
            return x + self.weight[: x.shape[1]]

    return LearnedPositions(ours.max_length, ours.dim)


def with_layers_of(nn: Any, model: Any) -> type:
    """A Module with PyTorch's layers in place of ours, under the same names; it has no forward yet."""
    from micrograd_plus.nn import Module

    class WithLayers(nn.Module):
        def __init__(self):
            super().__init__()
            for name, layer in vars(model).items():
                if isinstance(layer, (Module, list)):
                    setattr(self, name, like(nn, layer))

    return WithLayers


def pooled_conv(nn: Any, model: Any) -> Any:
    """See capstones/spoken_digits.py."""
    import torch

    class PooledConv(with_layers_of(nn, model)):  # type: ignore[misc]
        def forward(self, x, lengths):
            real = (torch.arange(x.shape[1]) < lengths[:, None]).to(x.dtype)[:, None]
            maps = self.first(x.transpose(1, 2)).relu() * real
            maps = self.second(maps).relu() * real
            pooled = torch.cat([maps.sum(2) / real.sum(2), maps.amax(2)], dim=1)
            return self.last(self.dropout(pooled))

    return PooledConv()


def last_state(nn: Any, model: Any) -> Any:
    """See capstones/speakers.py."""
    pack = nn.utils.rnn.pack_padded_sequence

    class LastState(with_layers_of(nn, model)):  # type: ignore[misc]
        def forward(self, x, lengths):
            x = pack(self.thin_out(x), lengths, batch_first=True, enforce_sorted=False)
            return self.last(self.dropout(self.gru(x)[1][0]))

    return LastState()


def translator(nn: Any, model: Any) -> Any:
    """See capstones/translation.py."""

    class Translator(with_layers_of(nn, model)):  # type: ignore[misc]
        def forward(self, source, so_far):
            padding = source == 0
            memory = self.read_norm(self.encoder(self.read(source), src_key_padding_mask=padding))
            causal = nn.Transformer.generate_square_subsequent_mask(so_far.shape[1])
            masks = {"tgt_is_causal": True, "memory_key_padding_mask": padding}
            x = self.decoder(self.written(so_far), memory, causal, **masks)
            return self.scores(self.written_norm(x)).transpose(1, 2)

    return Translator()


def gpt(nn: Any, model: Any) -> Any:
    """See capstones/names.py."""

    class GPT(with_layers_of(nn, model)):  # type: ignore[misc]
        def forward(self, tokens):
            x = self.positions(self.tokens(tokens))
            h = self.norms[0](x)
            causal = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
            x = x + self.attention(h, h, h, attn_mask=causal, is_causal=True, need_weights=False)[0]
            x = x + self.mlp(self.norms[1](x))
            return self.head(self.norms[2](x))

    return GPT()


def depth_net(nn: Any, model: Any) -> Any:
    """See capstones/rook_endgame.py; the features are made by the same function, in NumPy."""
    import torch

    from micrograd_plus.capstones.rook_endgame import features

    class DepthNet(with_layers_of(nn, model)):  # type: ignore[misc]
        def forward(self, squares):
            return self.layers(torch.from_numpy(features(squares.numpy())))

    return DepthNet()


# -- batches: inputs and target, as arrays -------------------------------------------------------------------------


def images(rng: Any, n: int, *size: int, classes: int) -> tuple[tuple, Any]:
    """Random pictures and classes."""
    return (rng.normal(size=(n, 1, *size)).astype("float32"),), rng.integers(0, classes, n)


def recordings(rng: Any, n: int, frames: int, features: int, shortest: int, classes: int) -> tuple[tuple, Any]:
    """Random recordings of different lengths, with zeros behind their ends."""
    import numpy as np

    lengths = rng.integers(shortest, frames + 1, n)
    lengths[0] = frames
    real = np.arange(frames) < lengths[:, None]
    x = rng.normal(size=(n, frames, features)) * real[..., None]
    return (x.astype("float32"), lengths), rng.integers(0, classes, n)


def sentences(rng: Any, n: int) -> tuple[tuple, Any]:
    """English of up to 14 words, French of up to 20; 0 is the padding."""
    import numpy as np

    def words(longest: int, vocabulary: int) -> Any:
        lengths = rng.integers(1, longest + 1, n)
        lengths[0] = longest
        return rng.integers(1, vocabulary, (n, longest)) * (np.arange(longest) < lengths[:, None])

    source, french = words(14, 31), words(20, 30)
    return (source, french), french[:, ::-1].copy()


def name_tokens(rng: Any, n: int) -> tuple[tuple, Any]:
    """Real names."""
    from micrograd_plus.capstones.names import as_pairs, load_names

    x, target = as_pairs(rng.choice(load_names(), n, replace=False).tolist())
    return (x,), target


def positions(rng: Any, n: int, size: int) -> tuple[tuple, Any]:
    """Random boards, and how they ended."""
    return (rng.integers(0, 2, (n, size)).astype("float32"),), rng.uniform(-1, 1, (n, 1)).astype("float32")


def squares(rng: Any, n: int) -> tuple[tuple, Any]:
    """Where the three pieces stand, and in how many moves it is mate."""
    return (rng.integers(0, 64, (n, 3)),), rng.integers(0, 18, n)


# -- losses: the two libraries have the same names for them --------------------------------------------------------


def classes(F: Any, output: Any, target: Any) -> Any:
    """Cross-entropy."""
    return F.cross_entropy(output, target)


def words(F: Any, output: Any, target: Any) -> Any:
    """Cross-entropy of all places that aren't padding; output: (N, words, T)."""
    return F.cross_entropy(output, target, ignore_index=0)


def letters(F: Any, output: Any, target: Any) -> Any:
    """The same; output: (N, T, letters)."""
    return F.cross_entropy(output.reshape(-1, output.shape[-1]), target.reshape(-1), ignore_index=0)


def values(F: Any, output: Any, target: Any) -> Any:
    """Squared error."""
    return F.mse_loss(output, target)


# -- the capstones -------------------------------------------------------------------------------------------------


class Capstone(NamedTuple):
    """What a step of it is made of."""

    name: str
    about: str
    ours: Callable[[Any], Any]  # the model, from the capstone's module
    theirs: Callable[[Any, Any], Any]  # the same, from torch.nn and ours
    batch: Callable[[Any], tuple[tuple, Any]]  # inputs and target, from a random generator
    loss: Callable[[Any, Any, Any], Any]
    optimizer: str = "Adam"
    settings: Mapping[str, Any] = MappingProxyType({})
    matrices_only: bool = False  # whether the weight decay spares biases and gains
    clip: float | None = None
    module: str = ""  # of micrograd_plus.capstones, where it isn't called as the capstone is
    compiles: bool = True  # not with batch norm, whose running mean changes in each step

    def model(self) -> Any:
        """Our model, always with the same weights."""
        import micrograd_plus as mg

        mg.seed(0)
        return self.ours(import_module(f"micrograd_plus.capstones.{self.module or self.name}"))

    def data(self) -> tuple[tuple, Any]:
        """The batch, always the same."""
        import numpy as np

        return self.batch(np.random.default_rng(0))


CAPSTONES = [
    Capstone("digits", "32 pictures of 8 × 8, two convolutions, max pooling, two linear layers",
             lambda module: module.small_cnn(), like,
             lambda rng: images(rng, 32, 8, 8, classes=10), classes, settings={"lr": 3e-3}),
    Capstone("faces", "20 pictures of 28 × 23, two convolutions with batch norm and max pooling, two linear layers",
             lambda module: module.face_cnn(), like,
             lambda rng: images(rng, 20, 28, 23, classes=40), classes,
             "AdamW", {"lr": 2e-3, "weight_decay": 0.01}, compiles=False),
    Capstone("spoken_digits", "32 recordings of 32 frames, two convolutions over time, mean and maximum",
             lambda module: module.PooledConv(13, 48, 10), pooled_conv,
             lambda rng: recordings(rng, 32, 32, 13, 6, 10), classes, settings={"lr": 4e-3}),
    Capstone("speakers", "16 recordings of 29 frames, two convolutions over time, mean and maximum",
             lambda module: module.PooledConv(12, 48, 9), pooled_conv,
             lambda rng: recordings(rng, 16, 29, 12, 7, 9), classes, settings={"lr": 4e-3}),
    Capstone("speakers, GRU", "16 recordings of 7 to 29 frames, a GRU of 96, packed",
             lambda module: module.LastState(12, 96, 9), last_state,
             lambda rng: recordings(rng, 16, 29, 12, 7, 9), classes, settings={"lr": 4e-3}, module="speakers"),
    Capstone("translation", "64 pairs of 14 and 20 words, Transformer of one layer each, width 48, clipping",
             lambda module: module.Translator(range(31), range(30)), translator,
             lambda rng: sentences(rng, 64), words, settings={"lr": 3e-3, "betas": (0.9, 0.98)}, clip=1.0),
    Capstone("names", "32 names of 12 letters, GPT of one layer, width 32",
             lambda module: module.GPT(len(module.LETTERS)), gpt,
             lambda rng: name_tokens(rng, 32), letters,
             "AdamW", {"lr": 1e-2, "betas": (0.9, 0.95)}, matrices_only=True),
    Capstone("tictactoe", "256 positions, MLP 18-128-128-1",
             lambda module: module.value_network(), like,
             lambda rng: positions(rng, 256, 18), values, settings={"lr": 3e-3}),
    Capstone("connect_four", "512 positions, MLP 84-128-64-1",
             lambda module: module.value_network(), like,
             lambda rng: positions(rng, 512, 84), values, settings={"lr": 3e-3}),
    Capstone("rook_endgame", "512 positions, their features, MLP 282-256-128-18",
             lambda module: module.DepthNet(), depth_net,
             lambda rng: squares(rng, 512), classes, settings={"lr": 4e-3}),
    Capstone("capture_go", "512 positions, MLP 50-128-64-1",
             lambda module: module.value_network(), like,
             lambda rng: positions(rng, 512, 50), values, settings={"lr": 3e-3}),
]  # fmt: skip


# -- a step --------------------------------------------------------------------------------------------------------


def dropout_later(layers: list, step: Callable[[], Any]) -> Callable[[], Any]:
    """The step, without dropout in these layers while losses are compared."""
    chances, taken = [layer.p for layer in layers], count()
    for layer in layers:
        layer.p = 0.0

    def with_dropout_later() -> Any:
        if next(taken) == COMPARED:
            for layer, p in zip(layers, chances, strict=True):
                layer.p = p
        return step()

    return with_dropout_later


def optimizer_of(optim: Any, capstone: Capstone, parameters: list) -> Any:
    """The capstone's, from one of the two libraries."""
    from micrograd_plus.optim import decay_matrices_only

    groups = decay_matrices_only(parameters) if capstone.matrices_only else parameters
    return getattr(optim, capstone.optimizer)(groups, **capstone.settings)


def here(name: str, compiled: bool = False) -> Callable[[], Any]:
    """A step of micrograd_plus."""
    import micrograd_plus as mg
    from micrograd_plus.nn import functional as F  # noqa: N812 - as everyone calls it

    capstone = of_name(name)
    model, (inputs, target) = capstone.model(), capstone.data()
    parameters = model.parameters()
    optimizer = optimizer_of(mg.optim, capstone, parameters)

    def loss_of(inputs, target):
        return capstone.loss(F, model(*inputs), target)

    loss = mg.compile(loss_of) if compiled else loss_of

    def step():
        optimizer.zero_grad()
        value = loss(inputs, target)
        value.backward()
        if capstone.clip:
            mg.optim.clip_grad_norm_(parameters, capstone.clip)
        optimizer.step()
        return value

    return dropout_later([m for m in model.modules() if isinstance(m, mg.nn.Dropout)], step)


def pytorch(name: str) -> Callable[[], Any]:
    """A step of PyTorch, from the same weights."""
    import torch
    from torch.nn import functional as F  # noqa: N812 - as everyone calls it

    torch.set_num_threads(1)
    capstone = of_name(name)
    inputs, target = capstone.data()
    tensors, target = [torch.tensor(x) for x in inputs], torch.tensor(target)
    ours = capstone.model()
    model = capstone.theirs(torch.nn, ours)
    model.load_state_dict({key: torch.tensor(numbers) for key, numbers in ours.state_dict().items()})
    parameters = list(model.parameters())
    optimizer = optimizer_of(torch.optim, capstone, parameters)

    def step():
        optimizer.zero_grad()
        value = capstone.loss(F, model(*tensors), target)
        value.backward()
        if capstone.clip:
            torch.nn.utils.clip_grad_norm_(parameters, capstone.clip)
        optimizer.step()
        return value

    return dropout_later([m for m in model.modules() if isinstance(m, torch.nn.Dropout)], step)


def of_name(name: str) -> Capstone:
    """The capstone of this name: a function can't be sent to a contender's process, its name can."""
    return next(capstone for capstone in CAPSTONES if capstone.name == name)


def run(short: bool) -> Iterator[Comparison]:
    """A table for each capstone."""
    for capstone in CAPSTONES:
        contenders = [
            Contender("here, eager", here, (capstone.name,), warm_up=COMPARED),
            Contender("here, compiled", here, (capstone.name, True), ("compile",), warm_up=COMPARED),
            Contender("PyTorch eager", pytorch, (capstone.name,), ("torch",), warm_up=COMPARED),
        ]
        if not capstone.compiles:
            del contenders[1]
        title = capstone.name.replace("_", " ")
        yield Comparison(
            f"capstone {title}",
            f"(i) A step of a capstone: {title}",
            f"{capstone.about}; {capstone.optimizer}, float32.",
            in_turn(contenders, rounds=10 if short else 30),
            against=("PyTorch eager",),
            wanted={("here, eager", "PyTorch eager"): ENOUGH},
            tolerance=1e-3,
        )
