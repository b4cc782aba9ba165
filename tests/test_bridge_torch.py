"""The bridge to PyTorch: the same weights, outputs and gradients; programs that run; and the way back."""

import linecache
import math
import os
import random
import re
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import micrograd_plus as mg
from micrograd_plus import Tensor, Value, nn, optim
from micrograd_plus.bridges.torch import from_torch, to_torch, torch_code
from micrograd_plus.bridges.torch import words as words_of_bridge
from micrograd_plus.bridges.torch.writing import OF_MODULES
from micrograd_plus.capstones import digits, faces, names, rook_endgame, speakers, spoken_digits, translation
from micrograd_plus.nn import functional as F  # noqa: N812

torch = pytest.importorskip("torch")
save_file = pytest.importorskip("safetensors.numpy").save_file

IDS = np.array([[1, 2, 0], [3, 0, 4]])


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# What each layer is tried with: (how it is made, what it is given). Settings other than the defaults, where there are.
CASES = [
    (lambda d: nn.Linear(4, 3, dtype=d), [normal(2, 4)]),
    (lambda d: nn.Linear(4, 3, bias=False, dtype=d), [normal(2, 5, 4)]),
    (lambda d: nn.Identity(), [normal(2, 4)]),
    (lambda d: nn.Flatten(2), [normal(2, 3, 4, 5)]),
    (lambda d: nn.Dropout(0.25), [normal(2, 4)]),
    (lambda d: nn.Dropout1d(0.25), [normal(2, 3, 4)]),
    (lambda d: nn.Dropout2d(0.25), [normal(2, 3, 4, 5)]),
    (lambda d: nn.ReLU(), [normal(2, 4)]),
    (lambda d: nn.Tanh(), [normal(2, 4)]),
    (lambda d: nn.Sigmoid(), [normal(2, 4)]),
    (lambda d: nn.GELU(), [normal(2, 4)]),
    (lambda d: nn.SiLU(), [normal(2, 4)]),
    (lambda d: nn.Softplus(), [25 * normal(2, 40)]),
    (lambda d: nn.LeakyReLU(0.3), [normal(2, 4)]),
    (lambda d: nn.ELU(0.5), [normal(2, 4)]),
    (lambda d: nn.Softmax(1), [normal(2, 4, 3)]),
    (lambda d: nn.Softmax(), [normal(2, 4, 3)]),
    (lambda d: nn.LogSoftmax(), [normal(2, 4, 3)]),
    (lambda d: nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2, bias=False, dtype=d), [normal(2, 4, 9)]),
    (lambda d: nn.Conv2d(2, 3, (3, 2), padding=(1, 0), dtype=d), [normal(2, 2, 6, 5)]),
    (lambda d: nn.Conv2d(2, 3, 3, padding="same", dtype=d), [normal(2, 2, 6, 5)]),
    (lambda d: nn.MaxPool1d(3, 2, 1, ceil_mode=True), [normal(2, 3, 8)]),
    (lambda d: nn.MaxPool2d(2), [normal(2, 3, 6, 5)]),
    (lambda d: nn.AvgPool1d(3, 2, 1, count_include_pad=False), [normal(2, 3, 8)]),
    (lambda d: nn.AvgPool2d((2, 3), stride=1, divisor_override=5), [normal(2, 3, 6, 5)]),
    (lambda d: nn.AdaptiveAvgPool1d(3), [normal(2, 3, 8)]),
    (lambda d: nn.AdaptiveAvgPool2d((3, None)), [normal(2, 3, 6, 5)]),
    (lambda d: nn.BatchNorm1d(3, eps=1e-3, momentum=0.2, dtype=d), [normal(5, 3)]),
    (lambda d: nn.BatchNorm2d(3, affine=False, momentum=None, dtype=d), [normal(5, 3, 2, 2)]),
    (lambda d: nn.BatchNorm1d(3, track_running_stats=False, dtype=d), [normal(5, 3, 4)]),
    (lambda d: nn.LayerNorm((3, 4), bias=False, dtype=d), [normal(5, 3, 4)]),
    (lambda d: nn.RMSNorm(4, dtype=d), [normal(5, 3, 4)]),
    (lambda d: nn.GroupNorm(2, 4, eps=1e-3, dtype=d), [normal(5, 4, 3)]),
    (lambda d: nn.Embedding(5, 3, padding_idx=0, dtype=d), [IDS]),
    (lambda d: nn.LearnedPositions(6, 4, dtype=d), [normal(2, 5, 4)]),
    (lambda d: nn.SinusoidalPositions(6, 4, dtype=d), [normal(2, 5, 4)]),
    (lambda d: nn.RNN(3, 4, nonlinearity="relu", bias=False, dtype=d), [normal(5, 2, 3)]),
    (lambda d: nn.LSTM(3, 4, num_layers=2, batch_first=True, dropout=0.2, dtype=d), [normal(2, 5, 3)]),
    (lambda d: nn.GRU(3, 4, bidirectional=True, dtype=d), [normal(5, 2, 3)]),
    (lambda d: nn.MultiheadAttention(4, 2, dropout=0.1, batch_first=True, dtype=d), [normal(2, 5, 4)] * 3),
    (
        lambda d: nn.MultiheadAttention(4, 2, bias=False, kdim=3, vdim=2, dtype=d),
        [normal(5, 2, 4), normal(6, 2, 3), normal(6, 2, 2)],
    ),
    (lambda d: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, norm_first=True, dtype=d), [normal(2, 5, 4)]),
    (lambda d: nn.TransformerEncoderLayer(4, 2, 8, 0.2, "gelu", 1e-3, bias=False, dtype=d), [normal(5, 2, 4)]),
    (lambda d: nn.TransformerDecoderLayer(4, 2, 8, activation=F.tanh, dtype=d), [normal(5, 2, 4), normal(6, 2, 4)]),
    (lambda d: nn.MSELoss("sum"), [normal(2, 3), normal(2, 3)]),
    (lambda d: nn.L1Loss(), [normal(2, 3), normal(2, 3)]),
    (lambda d: nn.HuberLoss(delta=0.3), [normal(2, 3), normal(2, 3)]),
    (lambda d: nn.BCELoss(), [normal(2, 3) % 1, normal(2, 3) % 1]),
    (lambda d: nn.BCEWithLogitsLoss(), [normal(2, 3), normal(2, 3) % 1]),
    (lambda d: nn.KLDivLoss("batchmean"), [normal(2, 3), normal(2, 3) % 1]),
    (lambda d: nn.CrossEntropyLoss(label_smoothing=0.1, ignore_index=1), [normal(3, 4), np.array([0, 1, 3])]),
    (lambda d: nn.NLLLoss(reduction="sum"), [normal(3, 4), np.array([0, 1, 3])]),
    (lambda d: nn.Sequential(nn.Linear(4, 3, dtype=d), F.tanh, nn.Sequential(nn.ReLU())), [normal(2, 4)]),
    (lambda d: nn.Sequential(F.softplus), [25 * normal(2, 40)]),
]
AS_MODULES = {F.tanh: nn.Tanh, F.softplus: nn.Softplus}
NO_COUNTERPART = {"HingeLoss"}  # PyTorch has none of this kind


def parts_of(output):
    """The arrays in an output: one, or those of a tuple."""
    if isinstance(output, tuple):
        return [array for part in output for array in parts_of(part)]
    return [] if output is None else [output]


def tensors(inputs, dtype):
    """Inputs for both libraries: arrays, and torch's tensors."""
    arrays = [x.astype(dtype) if x.dtype.kind == "f" else x for x in inputs]
    return arrays, [torch.from_numpy(x.copy()) for x in arrays]


def worst(output, output_t):
    """How far apart the two are, for numbers around 1."""
    ours, theirs = parts_of(output), parts_of(output_t)
    assert [tuple(a.shape) for a in ours] == [tuple(b.shape) for b in theirs]
    assert ours
    plain = lambda a: a.numpy() if hasattr(a, "numpy") else np.asarray(a)
    pairs = [(plain(a), b.detach().numpy()) for a, b in zip(ours, theirs, strict=True)]
    assert all(a.dtype == b.dtype for a, b in pairs)
    return max(float((abs(a - b) / np.maximum(1, abs(b))).max()) for a, b in pairs)


def test_every_layer_has_its_case():
    tried = {type(make(np.float32)).__name__ for make, _ in CASES}
    every = {
        name for name in dir(nn) if isinstance(getattr(nn, name), type) and issubclass(getattr(nn, name), nn.Module)
    }
    assert every - tried == {"Module", "MLP", "Layer", "Neuron", *NO_COUNTERPART}
    assert tried - {"Sequential"} == {*words_of_bridge.LAYERS}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("make", "inputs"), CASES)
def test_a_layer_gives_the_same_in_pytorch_and_comes_back(make, inputs, dtype):
    model = make(dtype).eval()
    arrays, xs = tensors(inputs, dtype)
    net = to_torch(model, example=tuple(arrays))
    limit = 1e-6 if dtype == np.float32 else 1e-12
    output, output_t = model(*arrays), net(*xs)
    assert isinstance(net, torch.nn.Module)
    assert worst(output, output_t) <= limit
    assert {n: tuple(p.shape) for n, p in model.named_parameters()} == {
        n: tuple(p.shape) for n, p in net.named_parameters()
    }
    if model.parameters():  # the gradients
        total, total_t = parts_of(output)[0], parts_of(output_t)[0]
        (total * total).sum().backward()
        (total_t * total_t).sum().backward()
        there = dict(net.named_parameters())
        for name, p in model.named_parameters():
            scale = max(1.0, abs(p.grad).max())
            assert abs(p.grad - there[name].grad.numpy()).max() / scale <= 10 * limit, name
    again = from_torch(net)
    assert repr(again) == repr(to_torch_names(model))
    assert [n for n, _ in again.named_parameters()] == [n for n, _ in model.named_parameters()]
    assert worst(again(*arrays), output_t) <= limit
    assert {m.training for m in again.modules()} == {False}


def to_torch_names(model):
    """The model with modules where it has plain functions: so it comes back."""
    if type(model) is nn.Sequential:
        return nn.Sequential(*(AS_MODULES[part]() if part in AS_MODULES else to_torch_names(part) for part in model))
    if isinstance(model, nn.TransformerDecoderLayer):
        model.activation = F.tanh
    return model


# -- what else is carried over -------------------------------------------------------------------------------------


class Tied(nn.Module):
    """An embedding whose weights are those of the last layer."""

    def __init__(self):
        self.tokens = nn.Embedding(7, 4)
        self.blocks = [nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.3), nn.Tanh()) for _ in range(2)]
        self.norm = nn.BatchNorm1d(4, dtype=np.float32)
        self.again = self.blocks[0]
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, x):
        h = self.tokens(x)
        for block in self.blocks:
            h = block(h)
        return self.head(self.norm(self.again(h)))


def test_sharing_freezing_modes_dtypes_and_buffers_are_carried():
    mg.seed(0)
    model = Tied()
    model.norm.running_mean[...] = [1, 2, 3, 4]
    model.blocks[1].requires_grad_(False)
    model.blocks[0][0].bias.requires_grad = False
    model.norm.eval()
    net = to_torch(model)
    assert net.head.weight is net.tokens.weight
    assert net.again is net.blocks[0]
    assert len(list(net.parameters())) == len(model.parameters())
    assert {n for n, p in net.named_parameters() if not p.requires_grad} == {
        "blocks.0.0.bias", "blocks.1.0.weight", "blocks.1.0.bias",
    }  # fmt: skip
    modes = {name: module.training for name, module in net.named_modules()}
    assert modes[""]
    assert not modes["norm"]
    assert modes["blocks.0.1"]
    assert net.blocks[0][1].p == 0.3
    assert net.tokens.weight.dtype == torch.float64
    assert net.norm.weight.dtype == torch.float32
    assert net.norm.running_mean.tolist() == [1, 2, 3, 4]
    assert net.norm.running_mean.dtype == torch.float32
    with torch.no_grad():
        net.tokens.weight.zero_()
    assert model.tokens.weight.numpy().any(), "weights are copied, not shared with the model"


def test_a_shared_parameter_stays_shared_on_the_way_back():
    first, last = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
    last.weight = first.weight
    last.bias.requires_grad_(False)
    net = torch.nn.Sequential(first, torch.nn.ReLU(), last, first).eval()
    net[1].train()
    model = from_torch(net)
    assert model[2].weight is model[0].weight
    assert model[3] is model[0]
    assert not model[2].bias.requires_grad
    assert [m.training for m in model] == [False, True, False, False]
    x = normal(2, 3).astype(np.float32)
    assert worst(model(x), net(torch.from_numpy(x))) <= 1e-6
    before = first.weight.tolist()
    model[0].weight.data[...] = 0
    assert first.weight.tolist() == before


def test_no_random_numbers_are_used_up_on_either_side():
    torch.manual_seed(3)
    expected = torch.rand(2).tolist()
    torch.manual_seed(3)
    to_torch(nn.Linear(3, 2))
    assert torch.rand(2).tolist() == expected
    state = random.getstate()
    from_torch(torch.nn.Linear(1, 1))
    torch_code(nn.MLP(2, [1], seed=0))
    assert random.getstate() == state


def test_values_become_linear_layers():
    mlp = nn.MLP(3, [4, 2], activation="softplus", seed=0)
    mlp.layers[0].requires_grad_(False)
    x = 9 * normal(5, 3)
    net = to_torch(mlp, example=x)
    ours = np.array([[v.data for v in mlp(row.tolist())] for row in x])
    assert abs(ours - net(torch.from_numpy(x)).detach().numpy()).max() < 1e-12
    assert [p.requires_grad for p in net.parameters()] == [False, False, True, True]
    assert to_torch(nn.Neuron(2, activation="tanh"), example=normal(3, 2))(torch.ones(1, 2).double()).shape == (1, 1)
    assert to_torch(nn.Layer(2, 3), example=normal(3, 2))[0].weight.shape == (3, 2)
    mlp.layers[0].neurons[0].activation = "tanh"
    mlp.layers[1].neurons[0].b.requires_grad = False
    mlp.layers[1].neurons[1].w[0] = mlp.layers[1].neurons[0].w[0]
    with pytest.raises(
        ValueError, match=r"(?s)different activations.*some of its numbers frozen.*used for two weights"
    ):
        to_torch(mlp)


# -- classes of the reader's own -------------------------------------------------------------------------------------

SCALE = 3


def doubled(x, times=2):
    return times * x  # a comment that stays


class Own(nn.Module):
    """Everything that a forward may have: "quotes" too."""

    HALF = 0.5

    def __init__(self):
        self.w = Tensor(normal(3, 4), label="w")
        self.shift = np.arange(4.0)
        self.parts = {"first": nn.Linear(4, 4), "second": nn.Tanh()}
        self.gains = [Tensor(np.ones(4)), Tensor(np.zeros(4))]
        self.activation = F.gelu
        self.width = 4
        self.vocabulary = object()  # not used by forward: not carried

    def mixed(self, x: Tensor, weight: float = 0.5) -> Tensor:
        """A part of it."""
        smooth = (1 - weight) * mg.softplus(25 * x) + (25 * x).softplus()
        return weight * x.softmax() + smooth

    def forward(self, x, n_best=2):
        h = x @ self.w + self.shift  # (N, 4)
        h = self.parts["second"](self.parts["first"](h)) * self.HALF
        h = self.activation(h) + (self.mixed(h) - 1).silu().gelu().elu(0.5) * SCALE / math.sqrt(self.width)
        for gain in self.gains:
            h = h + gain * doubled(h, times=3)
        top = h.max(axis=1, keepdims=True) - h.min(axis=-1, keepdims=True) + h.max()
        rows = np.arange(len(h))
        y = nn.functional.softmax(h).reshape(2, -1, self.width).transpose(1, 0, 2).swapaxes(0, 1)
        y = mg.concatenate([y, y * y], axis=2).mean(axis=(1, 2))[:, None] + h[rows, rows % 4][:2, None]
        flags = (h > 0).astype(h.dtype)
        length = h.norm(axis=1)[:, None]
        return mg.where(h > 0, h, 0.1 * h) + flags * top + y.sum() + h.leaky_relu(0.2) + h.size + length


def test_a_class_of_ones_own_is_translated_word_by_word():
    model, x = Own(), normal(6, 3)
    net = to_torch(model, example=x)
    output, output_t = model(x), net(torch.from_numpy(x))
    assert type(net).__name__ == "Own"
    assert worst(output, output_t) <= 1e-12
    output.sum().backward()
    output_t.sum().backward()
    for name, p in model.named_parameters():
        there = dict(net.named_parameters())[name].grad.numpy()
        assert abs(p.grad - there).max() <= 1e-12 * max(1, abs(p.grad).max())
    text = torch_code(model)
    assert "# a comment that stays" in text
    assert "dim=1, keepdim=True" in text
    assert "vocabulary" not in text
    assert net.load_state_dict({n: torch.from_numpy(a) for n, a in model.state_dict().items()})


class Block(nn.Module):
    def __init__(self, wide):
        self.wide, self.into, self.out = wide, nn.Linear(4, 4 * wide), nn.Linear(4 * wide, 4)

    def forward(self, x):
        return x + self.wide * self.out(self.into(x).relu())


class Blocks(nn.Module):
    def __init__(self):
        self.alike = [Block(2) for _ in range(3)]
        self.lists = [[Block(3)], [nn.Tanh(), nn.ReLU()]]
        self.gain, self.wide = Tensor([2.0, 3.0, 4.0, 5.0]), Tensor(10 + normal(6, 4))
        self.table, self._mask = normal(20, 4), np.arange(4) > 1
        self.shifts = {"first": Tensor(normal(4) / 3), "a_second_one": Tensor(normal(4) / 3)}  # a long line in the text

    def forward(self, x):
        for block in self.alike:
            x = block(x)
        for several in self.lists:
            for layer in several:
                x = layer(x)
        x = x + self.shifts["first"] * self.shifts["a_second_one"]
        return x * self.gain + (x @ self.wide.T).sum(axis=1, keepdims=True) + self.table[: len(x)] * self._mask


def test_one_class_of_several_sizes_lists_buffers_and_parameters_of_ones_own():
    mg.seed(0)
    model = Blocks()
    to_torch(model, example=normal(5, 4))
    text = torch_code(model, weights="model.safetensors")
    for line in (
        "class Block(nn.Module):",
        "class Block2(nn.Module):",
        "self.alike = nn.ModuleList([Block() for _ in range(3)])",
        "nn.ModuleList([Block2()])",
        "self.gain = nn.Parameter(torch.tensor([2.0, 3.0, 4.0, 5.0]))",
        'self.register_buffer("table", torch.zeros(20, 4, dtype=torch.float64))',
        'self.register_buffer("_mask", torch.tensor([False, False, True, True]), persistent=False)',
        "model = Blocks().double()",
    ):
        assert line in text
    assert re.search(r"self\.wide = nn\.Parameter\((9|10|11)(\.\d)? \+ \d\.\d+ \* torch\.randn\(6, 4\)\)", text)
    with pytest.raises(ValueError, match="buffers of many numbers, which stand in a file: give weights"):
        torch_code(model)


class Line(nn.Module):
    def __init__(self):
        self.slope, self.ends = Value(2.0), [Value(1.0), Value(3.0)]

    def forward(self, x):
        return self.slope * x + sum(self.ends)


def test_a_class_of_values_works_on_tensors_without_axes():
    net = to_torch(Line())
    y = net(torch.tensor(3.0, dtype=torch.float64))
    y.backward()
    assert y.item() == 10.0
    assert {name: p.grad.item() for name, p in net.named_parameters()} == {"slope": 3.0, "ends.0": 1.0, "ends.1": 1.0}


CAPSTONES = [
    (lambda: digits.small_cnn(), [normal(2, 1, 8, 8)]),
    (lambda: faces.face_cnn(), [normal(2, 1, 28, 23)]),
    (lambda: speakers.LastState(12, 16, 9), [normal(3, 5, 12), np.array([3, 5, 2])]),
    (lambda: spoken_digits.PooledConv(13, 8, 10), [normal(3, 5, 13), np.array([3, 5, 2])]),
    (
        lambda: translation.Translator(*translation.vocabularies()),
        [np.array([[3, 4, 5, 0], [7, 8, 9, 6]]), np.array([[1, 4, 5], [1, 8, 0]])],
    ),
    (lambda: names.GPT(29), [np.array([[1, 4, 5, 9], [1, 8, 8, 2]])]),
]


@pytest.mark.parametrize(("make", "inputs"), CAPSTONES)
def test_the_capstones_models_give_the_same_in_pytorch(make, inputs):
    mg.seed(1)
    model = make().eval()
    arrays, xs = tensors(inputs, np.float32)
    net = to_torch(model)
    assert worst(model(*arrays), net(*xs)) <= 2e-6
    assert [n for n, _ in model.named_parameters()] == [n for n, _ in net.named_parameters()]


def test_what_the_example_shows_is_said():
    with pytest.raises(ValueError, match=r"forward of DepthNet fails on this example.*moved out of forward"):
        to_torch(rook_endgame.DepthNet(seed=0), example=np.array([[0, 8, 63], [1, 2, 3]]))

    class Spread(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(3, 2)

        def forward(self, x):
            return self.layer(x / x.std())  # n of NumPy's arrays, n - 1 of tensors

    model = Spread()
    model.layer.eval()
    with pytest.raises(ValueError, match=r"on this example the outputs differ by up to 0\.\d+"):
        to_torch(model, example=normal(4, 3))
    assert model.training
    assert not model.layer.training


# -- calls that are said otherwise there, or not at all ------------------------------------------------------------


def model_of(text, **around):
    """A Module whose forward(self, x) has this text; `around` are the names that it sees."""
    name = f"<forward {len(linecache.cache)}>"
    lines = [f"        {line}" for line in text.splitlines()]
    whole = "\n".join(["class Made(nn.Module):", "    def forward(self, x):", *lines, ""])
    linecache.cache[name] = (len(whole), None, whole.splitlines(keepends=True), name)
    space = {"nn": nn, "mg": mg, "np": np, "F": F, "__name__": name} | around
    exec(compile(whole, name, "exec"), space)
    return space["Made"]()


def agree(text, x, **around):
    """Assert that a forward with this text has the same output and gradient in PyTorch; its text there."""
    model = model_of(text, **around)
    net, ours, theirs = to_torch(model), Tensor(x), torch.tensor(x, requires_grad=True)
    output, output_t = model(ours), net(theirs)
    assert worst(output, output_t) <= 1e-12, text
    (output * output).sum().backward()
    (output_t * output_t).sum().backward()
    assert abs(ours.grad - theirs.grad.numpy()).max() <= 1e-10 * max(1, abs(ours.grad).max()), text
    return "".join(linecache.getlines(type(net).forward.__code__.co_filename))


@pytest.mark.parametrize(
    ("line", "there"),
    [
        ("h += 1", "h = h + 1"),
        ("h -= x - 1", "h = h - (x - 1)"),
        ("h *= x + 1  # twice", "h = h * (x + 1)  # twice"),
        ("h /= (x\n + 9)", "h = h / (x\n"),
        ("h **= 2", "h = h ** 2"),
        ("h @= x.T", "h = h @ x.T"),
        ("h += 0.5 * x", "h = h + 0.5 * x"),
        ("h *= x.gelu() + (x - 1).softplus()", "h = h * (F.gelu(x) + F.softplus(x - 1, threshold=40))"),
        ("h -= x.max(axis=0) if len(x) else x", "h = h - (x.amax(dim=0) if len(x) else x)"),
        ("h \\\n += 1", "h \\\n"),
        ("n = 2\nn += 1\nh *= n", "n = n + 1"),
        ("all = []\nall += [h, x]\nall += h, x\nh = all[0] + all[3]", "all += [h, x]"),
    ],
)
def test_an_augmented_assignment_makes_a_new_tensor(line, there):
    """PyTorch's h += 1 would change `skip` and x too."""
    assert there in agree(f"h = x.tanh() + x\nskip = h\n{line}\nreturn (h * skip).sum() + x.sum()", normal(3, 3))
    agree(f"h = x\n{line}\nreturn (h * x).sum() + x", normal(3, 3))


def test_arrays_that_a_forward_changes_are_not_changed_in_the_example():
    x = normal(3, 3)
    before = x.copy()
    to_torch(model_of("x += 1\nreturn x * 2"), example=x)
    to_torch(model_of("x[0] = 1\nreturn x * 2"), example=x)
    assert (x == before).all()


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("y = np.array(x)\ny[0] = 0\nreturn x * y", "y = torch.as_tensor(x).detach().clone()"),
        ("y = np.asarray(x).astype(x.dtype)\ny[0] = 0\nreturn x * y", ".detach().to(x.dtype).clone()"),
        ("y = np.asarray(x).flatten()\ny[1:3] = 0\nreturn x.flatten() * y", ".detach().flatten().clone()"),
        ("h = x\nh *= 2 + np.asarray(x)\nreturn x * h", "h = h * (2 + torch.as_tensor(x).detach())"),
        ("y = np.array([1.0, 2.0, 4.0])\nreturn x * y", "y = torch.as_tensor([1.0, 2.0, 4.0])\n"),
    ],
)
def test_what_numpy_copies_has_numbers_of_its_own_and_no_gradient(text, there):
    assert there in agree(text, normal(3, 3))


REDUCTIONS = ("sum", "mean", "var", "std", "max", "min", "prod", "norm", "logsumexp")
AXES = ("", "0", "axis=1", "axis=None", "None", "axis=(0, 1)", "dim=[0, 2]", "(0, 1)", "axis=(0, 1, 2)")
REFUSED_THERE = {
    "prod": {"axis=None", "None", "axis=(0, 1)", "dim=[0, 2]", "(0, 1)", "axis=(0, 1, 2)", "keepdims=True",
             "axis=None, keepdims=True", "axis=(0, 1), keepdims=True", "dim=[0, 2], keepdims=True",
             "axis=(0, 1, 2), keepdims=True"},
    "norm": {"0", "None", "(0, 1)", "axis=(0, 1, 2)", "axis=(0, 1, 2), keepdims=True"},
    "logsumexp": {"axis=None", "None", "keepdims=True", "axis=None, keepdims=True"},
}  # fmt: skip


@pytest.mark.parametrize("name", REDUCTIONS)
def test_each_reduction_is_the_same_or_named(name):
    x = normal(2, 3, 4)
    by_name = [", ".join(filter(None, [axis, "keepdims=True"])) for axis in AXES if not axis[:1] or "=" in axis]
    for given in (*AXES, *by_name):
        if given in REFUSED_THERE.get(name, ()):
            with pytest.raises(ValueError, match=rf"forward, line 3: \(x \+ 1\)\.{name}\(.*write|say|leave|give|take"):
                to_torch(model_of(f"return (x + 1).{name}({given})"))
        else:
            agree(f"return (x + 1).{name}({given})", x)


@pytest.mark.parametrize(
    "expression",
    [
        "x.transpose(0, 2)", "x.transpose(1, 0, 2)", "x.transpose((1, 0, 2))", "x.permute(2, 0, 1).transpose(0, 1)",
        "x.flip(0)", "x.flip(axis=1)", "x.flip(dim=(0, 2))", "x.maximum(-x)", "mg.maximum(x, 0 * x)", "x.clip(min=0)",
        "mg.clip(x, 0, 1)", "x * np.full(4, 0.5, dtype=x.dtype)", "x * np.full((3, 4), 2)", "x[:, ::2]",
        "x * np.full(len(x) + 2, 3)", "x * np.full(x.shape[-1], 3)", "x * np.full(shape=(4,), fill_value=2)",
        "np.reshape(np.ones(24), -1)[:4] * x", "x * np.triu(np.ones(shape=(3, 4)), k=1)",
        "x * np.tril(np.ones((3, 4)), k=-1)",
        "x * np.cumsum(np.ones(4), axis=0)", "x ** scale.POWER + scale.SHIFT**2",
        "x * x.shape[::-1][0] + sum(list(range(3))[::-1]) + [1, 2][::-1][0]",
    ],
)  # fmt: skip
def test_a_call_is_said_in_the_words_of_pytorch(expression):
    scale = type("scale", (), {"POWER": 2, "SHIFT": -3.0})
    agree(f"return {expression}", normal(2, 3, 4), scale=scale)


LEAST = 0.5


@pytest.mark.parametrize(
    ("expression", "instead"),
    [
        ("x.transpose(*[0, 1])", r"x\.transpose\(\*\[0, 1\]\): write \.permute\(\*axes\), or \.swapaxes\(a, b\)"),
        ("x.transpose()", r"write \.T, or the two axes to exchange"),
        ("mg.maximum(x, 0)", r"mg\.maximum\(x, 0\): PyTorch's takes tensors alone: write x\.clip\(min=…\)"),
        ("mg.minimum(-1, x)", r"write x\.clip\(max=…\)"),
        ("x.maximum(LEAST)", r"write x\.clip\(min=…\)"),
        ("mg.exp(-1) * x", r"mg\.exp\(-1\): PyTorch's takes tensors alone: of a number use Python's math"),
        ("np.cumsum(np.ones(4)) * x", r"np\.cumsum\(np\.ones\(4\)\): say which axis"),
        ("x.flip()", r"x\.flip\(\): say which axis"),
        ("x.squeeze(axis=None)", "leave axis=None out"),
        ("x[::-1]", r"x\[::-1\]: write \.flip\(axis\) of a tensor, list\(reversed\(…\)\) of a list"),
        ("x[0, 1:, ::-1]", r"write \.flip\(axis\)"),
        ("0\nx[0] += 1", r"x\[0\] \+= 1: write x\[0\] = x\[0\] …, since PyTorch changes what is shared"),
        ("0\nself.count += 1", r"it sets self\.count"),
    ],
)
def test_a_call_that_pytorch_refuses_is_named_with_what_to_write(expression, instead):
    with pytest.raises(ValueError, match=rf"Made\.forward, line \d: .*{instead}"):
        to_torch(model_of(f"return {expression}", LEAST=LEAST))


def test_nans_and_infinities_of_both_agree_in_an_example():
    model = nn.Linear(1, 3)
    model.weight.data[:, 0] = [math.nan, math.inf, -math.inf]
    to_torch(model, example=np.ones((2, 1)))
    with pytest.raises(ValueError, match="the outputs differ: nan or inf in one of them"):
        to_torch(model_of("return np.array([1e39]) * x"), example=np.ones(1))  # too large for a float32
    with pytest.raises(ValueError, match="the outputs differ by up to 1 "):
        to_torch(model_of("return x > x.std()"), example=np.array([0.0, 0.9, 2.0, 0.0]))


# -- what can't be carried over ------------------------------------------------------------------------------------


class Impossible(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(2, 2)
        self.hinge = nn.HingeLoss()
        self.words = {"a": object()}
        self.mixed = [nn.Linear(1, 1), 3]
        self.lost = Tensor([1.0]) * 2

    def forward(self, x):
        self.count = 1
        y = np.linalg.inv(x) + np.sqrt(2)
        y = y.register_hook(print) + self.words["a"] + self.nothing
        return nn.cross_entropy(y, x, None, 0.1) + y.norm(1) + undefined_name  # noqa: F821


def test_all_that_cannot_be_written_is_named_at_once():
    model = nn.Sequential(nn.Linear(2, 2), Impossible(), lambda x: x)
    with pytest.raises(ValueError, match="parts of this Sequential") as caught:
        to_torch(model)
    said = str(caught.value)
    for part in (
        "HingeLoss is ours alone",
        "Impossible.forward, line",
        "it sets self.count",
        "np.linalg.inv isn't in the dictionary",
        "np.sqrt isn't in the dictionary of what both have: of a number math.sqrt",
        ".register_hook isn't in the dictionary",
        "1.words: self.words is used in forward",
        "self.nothing is used in forward, and isn't an attribute",
        "nn.cross_entropy: give the settings by name",
        "y.norm(1): give the settings by name",
        "undefined_name isn't defined",
        "1.mixed: a list or dict with modules and other things",
        "1.lost: computed from something else",
        "2: the function <lambda> in a Sequential",
    ):
        assert part in said, f"{part}\n\n{said}"
    line = next(n for n, text in enumerate(Path(__file__).read_text().splitlines(), 1) if "np.linalg" + ".inv" in text)
    assert f"Impossible.forward, line {line}: np.linalg" in said
    with pytest.raises(ValueError, match=r"torch_code: .* parts of this Sequential"):
        torch_code(model)


def test_methods_of_pytorchs_modules_are_known():
    theirs = {name for name in dir(torch.nn.Module) if name[0] != "_" and not name.startswith("register_")}
    assert theirs - {*dir(nn.Module)} <= OF_MODULES


def test_other_models_that_cannot_be_written():
    hooked = nn.Linear(1, 1)
    hooked.register_forward_hook(print)
    looped = nn.Sequential(nn.Linear(1, 1))
    looped.inner = looped
    odd = nn.TransformerEncoderLayer(4, 2)
    odd.dropout1.p, odd.norm2.eps = 0.5, 1e-3
    watched = nn.Linear(1, 1)
    watched.weight.register_hook(lambda g: 2 * g)

    class Hiding(nn.Module):
        def __init__(self):
            self.double = nn.Linear(1, 1)

    for model, problem in [
        (Hiding(), "double: PyTorch's modules have a method called double"),
        (hooked, "forward hooks aren't carried over"),
        (watched, "weight: hooks on its gradient aren't carried over"),
        (looped, "a Sequential with more than its numbered parts"),
        (odd, r"(?s)its dropouts are \[0.1, 0.5\].*its norms are no LayerNorms, or differ"),
    ]:
        with pytest.raises(ValueError, match=problem):
            to_torch(model)
    with pytest.raises(TypeError, match="Linear: make one of it first"):
        to_torch(nn.Linear)
    with pytest.raises(TypeError, match=r"torch_code takes a model of ours, an nn\.Module; got Linear"):
        torch_code(torch.nn.Linear(1, 1))
    with pytest.raises(TypeError, match="scalar twin"):
        to_torch(nn.Linear(2, 2).scalar_twin())


def test_the_way_back_names_all_that_we_have_not():
    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.nn.Conv3d(1, 1, 1)

    layers = torch.nn.Sequential(
        torch.nn.Linear(2, 2),
        torch.nn.BatchNorm3d(2),
        Theirs(),
        torch.nn.Conv2d(1, 1, 1, padding_mode="reflect"),
        torch.nn.Linear(2, 2).bfloat16(),
        torch.nn.GELU(approximate="tanh"),
        torch.nn.ModuleList([torch.nn.Bilinear(1, 1, 1)]),
        torch.nn.Dropout(1.0),
        torch.nn.TransformerEncoderLayer(4, 2, activation=torch.sin),
    )
    with pytest.raises(ValueError, match="parts of this Sequential have no counterpart here") as caught:
        from_torch(torch.nn.Sequential(torch.nn.ReLU(), layers))
    said = str(caught.value)
    for part in (
        "\n  1.1: BatchNorm3d",
        "\n  1.2: Theirs has a forward of its own",
        "\n  1.2.inner: Conv3d",
        "\n  1.3: Conv2d with padding_mode='reflect'",
        "\n  1.4: Linear: weight is torch.bfloat16",
        "\n  1.5: GELU with approximate='tanh'",
        "\n  1.6: ModuleList",
        "\n  1.6.0: Bilinear",
        "\n  1.7: dropout: p is the probability",
        "\n  1.8: the activation",
    ):
        assert part in said, f"{part}\n\n{said}"
    with pytest.raises(TypeError, match=r"from_torch takes a torch\.nn\.Module, got Linear"):
        from_torch(nn.Linear(1, 1))


def test_all_that_would_be_lost_on_the_way_back_is_named_with_its_place():
    hooked, hooked_back, watched, added, parted, own, extra = (torch.nn.Linear(2, 2) for _ in range(7))
    hooked.register_forward_hook(print)
    hooked_back.register_full_backward_hook(print)
    watched.bias.register_hook(print)
    added.weight.register_post_accumulate_grad_hook(print)
    parted.weight = torch.nn.Parameter(torch.ones(3, 3))
    own.forward = lambda x: x
    extra.more = torch.nn.Parameter(torch.ones(2))
    encoder = torch.nn.TransformerEncoderLayer(4, 2)
    encoder.linear1 = type("LowRank", (torch.nn.Linear,), {"__module__": "somewhere"})(4, 2048)
    encoder.norm1.register_forward_pre_hook(print)
    replaced = torch.nn.Sequential(torch.nn.ReLU())
    replaced.scale = torch.nn.Parameter(torch.ones(1))
    named = torch.nn.Sequential(OrderedDict(fc=torch.nn.Linear(2, 2), act=torch.nn.PReLU()))
    normed = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(2, 2))
    prune, pruned = pytest.importorskip("torch.nn.utils.prune"), torch.nn.Linear(2, 2)
    prune.random_unstructured(pruned, "weight", amount=0.5)
    parts = [
        (torch.nn.GroupNorm(2, 4), "GroupNorm without bias"),
        (torch.nn.PReLU(), "PReLU"),
        (torch.nn.BCEWithLogitsLoss(pos_weight=torch.ones(2)), "BCEWithLogitsLoss with pos_weight"),
        (hooked, "Linear with hooks (print), which aren't carried over"),
        (hooked_back, "Linear with hooks (print), which aren't carried over"),
        (watched, "Linear: hooks on the gradient of bias aren't carried over"),
        (added, "Linear: hooks on the gradient of weight aren't carried over"),
        (normed, "Linear with its weight parametrized: remove_parametrizations first"),
        (pruned, "Linear with hooks (RandomUnstructured), which aren't carried over"),
        (torch.nn.Linear(2, 2, device="meta"), "Linear: weight: Cannot copy out of meta tensor"),
        (
            torch.nn.Linear(2, 2, dtype=torch.complex64),
            "Linear: weight is torch.complex64, and here all numbers are real",
        ),
        (parted, "this state doesn't fit Linear: wrong shape: weight is (2, 2) here, (3, 3) in the state"),
        (own, "Linear with a forward of this one module's own"),
        (extra, "Linear with more"),
        (encoder, "TransformerEncoderLayer"),
        (replaced, "Sequential with 'scale', which is no layer"),
        (named, "Sequential with a part called 'fc': make it Sequential(*itself), numbered"),
        (None, "None, which is no layer"),
    ]
    parts[0][0].bias = None  # as GroupNorm(bias=False) of newer ones
    with pytest.raises(ValueError, match=r"parts of this Sequential have no counterpart here:") as caught:
        from_torch(torch.nn.Sequential(*(part for part, _ in parts)))
    said = str(caught.value).splitlines()
    for i, (_, problem) in enumerate(parts):
        if problem != "TransformerEncoderLayer":
            assert any(line.startswith(f"  {i}: {problem}") for line in said), "\n".join([problem, *said])
    i = [part for part, _ in parts].index(encoder)
    assert f"  {i}.linear1: LowRank inside of PyTorch's TransformerEncoderLayer" in said
    assert any(line.startswith(f"  {i}.norm1: LayerNorm with hooks (print)") for line in said)
    assert f"  {len(parts) - 2}.act: PReLU" in said
    assert type(from_torch(torch.nn.Sequential(torch.nn.Sequential()))[0]) is nn.Sequential
    with pytest.raises(ValueError, match=r"from_torch: 1 part of this PReLU has no counterpart here:\n  PReLU$"):
        from_torch(torch.nn.PReLU())


def test_a_forward_of_one_modules_own_is_named_on_the_way_there():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    model[1].forward = lambda x: -x
    with pytest.raises(ValueError, match="1: this ReLU has a forward of its own: write a class with it"):
        to_torch(model)


def test_a_file_of_pytorchs_that_writes_shared_weights_once_is_read(tmp_path):
    mg.seed(0)
    model = Tied()
    net = to_torch(model)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(1)
    pytest.importorskip("safetensors.torch").save_model(net, tmp_path / "net.safetensors")
    mg.training.load(tmp_path / "net.safetensors", model)
    assert model.head.weight is model.tokens.weight
    for name, numbers in net.state_dict().items():
        assert (model.state_dict()[name] == numbers.numpy()).all(), name
    apart = Tied()
    apart.head.weight = Tensor(normal(7, 4))
    with pytest.raises(ValueError, match=r"missing: (head|tokens)\.weight"):
        mg.training.load(tmp_path / "net.safetensors", apart)


def test_without_torch_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for go in (to_torch, from_torch):
        with pytest.raises(ModuleNotFoundError, match=r"needs the package torch.*pip install torch"):
            go(nn.Linear(1, 1))
    assert "nn.Linear(1, 1)" in torch_code(nn.Linear(1, 1)), "the program is written without torch"


def test_torch_is_imported_inside_of_functions_only():
    folder = Path(words_of_bridge.__file__).parent
    for file in (*folder.glob("*.py"), folder.parent / "__init__.py"):
        if file.name != "layers.py":
            for line in file.read_text(encoding="utf-8").splitlines():
                assert not re.match(r"(import|from) torch\b", line), f"{file.name}: {line}"


# -- programs ------------------------------------------------------------------------------------------------------


def ours(model, data, loss, optimizer, epochs, batch_size):
    """The losses of our own training, an epoch each."""
    loader = mg.data.DataLoader(*data, batch_size, shuffle=False)
    return mg.training.fit(model, loader, loss, optimizer, epochs, progress=False)["loss"]


def theirs(program):
    """The losses that the program keeps."""
    space = {}
    exec(compile(program, "program", "exec"), space)
    return space["history"]


def small_cnn64():
    cnn = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))
    cnn[0].weight.requires_grad = False
    return cnn


def gpt():
    return names.GPT(29, d=16, dtype=np.float64)


def by_matrices(model):
    return optim.AdamW(optim.decay_matrices_only(model.parameters(), 0.1), lr=0.01, betas=(0.9, 0.95))


TOKENS = np.random.default_rng(0).integers(1, 29, (16, 6))
RECORDINGS = (normal(16, 5, 12).astype(np.float32), np.arange(16) % 5 + 1)
ONE = (normal(16, 3), (normal(16) > 0).astype(np.int64))
SIGNS = (ONE[0], 2 * ONE[1] - 1)
KINDS = [  # model, data, loss, optimiser, how near
    (small_cnn64, (normal(16, 1, 8, 8), np.arange(16) % 10), "cross_entropy", "sgd", 1e-9),
    (gpt, (TOKENS[:, :-1], np.where(TOKENS < 5, 0, TOKENS)[:, 1:]), names.next_letter_loss, by_matrices, 1e-9),
    (lambda: nn.Linear(3, 1), ONE, nn.HuberLoss(delta=0.5), lambda m: optim.RMSprop(m.parameters(), 0.1), 1e-9),
    (lambda: nn.Linear(3, 1), ONE, "bce_with_logits", "adagrad", 1e-9),
    (lambda: nn.Linear(3, 1), SIGNS, "hinge", lambda m: optim.SGD(m.parameters(), 0.1, 0.9, nesterov=True), 1e-9),
    (lambda: nn.Linear(3, 2), ONE, nn.CrossEntropyLoss(np.array([1.0, 3.0])), "adamw", 1e-9),
    (lambda: nn.Sequential(nn.Linear(3, 8, dtype=np.float32), nn.ReLU(), nn.Linear(8, 1, dtype=np.float32)),
     (ONE[0].astype(np.float32), ONE[1]), "mse", "adam", 1e-5),
]  # fmt: skip


@pytest.mark.parametrize(("make", "data", "loss", "optimizer", "near"), KINDS)
def test_the_program_has_the_same_losses(make, data, loss, optimizer, near, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mg.seed(0)
    model = make()
    optimizer = optimizer if isinstance(optimizer, str) else optimizer(model)
    mg.training.save(model, "model.safetensors")
    save_file({"X": np.ascontiguousarray(data[0]), "y": np.ascontiguousarray(data[1])}, "data.safetensors")
    program = torch_code(model, loss, optimizer, 3, 8, weights="model.safetensors", shuffle=False)
    expected = ours(model, data, loss, optimizer, 3, 8)
    assert theirs(program) == pytest.approx(expected, rel=near, abs=near)
    assert expected[-1] < expected[0]


def test_a_program_for_several_inputs_and_one_for_values(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mg.seed(0)
    model, y = speakers.LastState(12, 8, 9), np.arange(16) % 9
    model.thin_out.p = model.dropout.p = 0.0
    mg.training.save(model, "model.safetensors")
    save_file({"x": RECORDINGS[0], "lengths": RECORDINGS[1], "y": y}, "data.safetensors")
    program = torch_code(model, epochs=2, batch_size=8, weights="model.safetensors", shuffle=False)
    assert theirs(program) == pytest.approx(ours(model, (RECORDINGS, y), "cross_entropy", "adam", 2, 8), rel=1e-5)

    mlp = nn.MLP(3, [4, 1])
    mg.training.save(mlp.to_sequential(), "mlp.safetensors")
    save_file({"X": ONE[0], "y": ONE[1]}, "data.safetensors")
    program = torch_code(
        mlp, optimizer="sgd", lr=0.05, epochs=2, batch_size=8, weights="mlp.safetensors", shuffle=False
    )
    expected = ours(mlp, ONE, "mse", optim.SGD(mlp.parameters(), lr=0.05), 2, 8)
    assert "F.mse_loss(output, y.view_as(output))" in program
    assert theirs(program) == pytest.approx(expected, rel=1e-9)


# -- docs/graduation.md --------------------------------------------------------------------------------------------


def blocks_of(page):
    """[(language, text)] of all blocks of code on a page."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def run(command, folder):
    """What a shell command of the page prints, with this Python's own programs."""
    known = {"python": [sys.executable], "torchrun": [sys.executable, "-m", "torch.distributed.run"]}
    first, *rest = command.split()
    one_thread = {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    for _ in range(3):
        done = subprocess.run(
            [*known[first], *rest], cwd=folder, env=os.environ | one_thread, capture_output=True, text=True, timeout=300
        )
        # Behind the last line of the program, one run in some forty on a busy machine ends so: gloo's own threads.
        if "terminate called without an active exception" not in done.stderr:
            break
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_on_graduation_runs_and_shows_what_it_prints(tmp_path, monkeypatch, capsys):
    """With it: the program in a process of its own, and two processes that train as one with the doubled batch."""
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[1] / "docs" / "graduation.md"
    space, losses, printed = {"__name__": "page"}, [], ""
    for number, (language, text) in enumerate(blocks_of(page)):
        if language == "python":
            name = f"block_{number}.py"
            linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
            exec(compile(text, name, "exec"), space)
            printed = capsys.readouterr().out
        elif language == "text":
            assert printed == text
        else:
            losses.append([float(line.split("loss")[1]) for line in run(text, tmp_path).splitlines()])
    alone, both = losses
    assert len(alone) == 3
    assert both == pytest.approx(alone, abs=1e-5)
    assert space["history"]["loss"] == pytest.approx(alone, abs=1e-5)


def test_the_program_is_well_formed(tmp_path):
    ruff = Path(sys.executable).with_name("ruff")
    model = names.GPT(29)
    texts = {
        "gpt.py": torch_code(model, names.next_letter_loss, by_matrices(model)),
        "cnn.py": torch_code(digits.small_cnn(), optimizer="sgd"),
        "own.py": torch_code(Own(), loss="mse"),
        "shared.py": torch_code(speakers.LastState(12, 16, 9), distributed=True),
    }
    for name, text in texts.items():
        compile(text, name, "exec")
        (tmp_path / name).write_text(text)
        assert max(map(len, text.splitlines())) <= 120
    if ruff.exists():
        rules = ["check", "--isolated", "--line-length", "120", "--select", "E,F,I", "--output-format", "concise"]
        done = subprocess.run([ruff, *rules, str(tmp_path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    assert texts["cnn.py"].count("nn.Conv2d(16, 32, 3, padding=1),\n") == 1
    assert "torch.optim.SGD(model.parameters(), lr=0.1)" in texts["cnn.py"]


def test_nothing_in_a_model_is_taken_for_code():
    class Named(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(1, 1)
            self.mode = 'a"); raise SystemExit("'

        def forward(self, x):
            return self.layer(x) if self.mode else x

    model = Named()
    to_torch(model, example=normal(2, 1))
    Named.__name__ = "x: raise SystemExit #"
    assert type(to_torch(model)).__name__ == "Model"
    vars(model)["y = 1; raise SystemExit"] = nn.Linear(1, 1)
    with pytest.raises(ValueError, match="no name for an attribute"):
        to_torch(model)

    class Sly(float):
        def __repr__(self):
            return "1; raise SystemExit"

    with pytest.raises(ValueError, match="LeakyReLU: negative_slope: Sly can't be written down"):
        to_torch(nn.LeakyReLU(Sly(0.1)))


def test_a_loss_with_a_name_of_the_programs_is_called_otherwise(tmp_path):
    def loss(output, y):
        return F.dropout((output - y) ** 2, 0.0).mean()

    program = torch_code(nn.Linear(2, 2), loss)
    assert "def criterion(output, y):\n    return F.dropout((output - y) ** 2, 0.0).mean()" in program
    assert "loss = criterion(output, y)" in program


def test_arguments_of_torch_code_that_cannot_be_right():
    model = nn.Linear(2, 2)
    for options, problem in [
        ({"loss": "mes"}, "no loss 'mes'"),
        ({"loss": lambda a, b: a}, "a lambda or async function"),
        ({"optimizer": "adma"}, "no optimizer 'adma'"),
        ({"weights": "model.json"}, "weights is a .safetensors file"),
        ({"loss": nn.HingeLoss("sum")}, "no hinge loss of this kind"),
        ({"epochs": 0}, "torch_code: epochs must be a whole number"),
        ({"batch_size": "32); raise SystemExit("}, "torch_code: batch_size must be a whole number"),
    ]:
        with pytest.raises(ValueError, match=problem):
            torch_code(model, **options)
    for options, kind, problem in [
        ({"lr": "x"}, TypeError, "torch_code: lr must be a finite number of at least 0; got str 'x'"),
        ({"lr": math.nan}, ValueError, "torch_code: lr must be a finite number of at least 0; got nan"),
        ({"lr": -1}, ValueError, "torch_code: lr must be a finite number of at least 0; got -1"),
        ({"seed": 0.5}, ValueError, "torch_code: seed must be a whole number"),
        ({"shuffle": "x"}, TypeError, "torch_code: shuffle is True or False; got str 'x'"),
        ({"distributed": 2}, TypeError, "torch_code: distributed is True or False; got int 2"),
    ]:
        with pytest.raises(kind, match=problem):
            torch_code(model, **options)
    with pytest.raises(ValueError, match="ReLU has no parameters, so there is nothing to train"):
        torch_code(nn.ReLU())
    with pytest.raises(ValueError, match=r"weights is a \.safetensors file, of model\.to_sequential\(\)"):
        torch_code(nn.MLP(2, [1]), weights="model.json")
