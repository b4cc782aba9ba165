"""to_onnx: every layer of nn, the capstones' models and a user's own modules, written, checked, and run elsewhere."""

from __future__ import annotations

import inspect
import sys

import numpy as np
import pytest

import micrograd_plus as mg
from micrograd_plus import nn
from micrograd_plus.capstones import (
    capture_go,
    connect_four,
    digits,
    faces,
    names,
    rook_endgame,
    speakers,
    spoken_digits,
    tictactoe,
    translation,
)
from micrograd_plus.engine import array_ops, ops
from micrograd_plus.engine.graph import Structural
from micrograd_plus.nn import losses

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from micrograd_plus.bridges.onnx import OnnxError, to_onnx  # noqa: E402
from micrograd_plus.bridges.onnx.fused import FUSED  # noqa: E402

CHANCE = {"numpy": np.random.default_rng(0)}


@pytest.fixture(autouse=True)
def the_same_numbers_each_time():
    """Whichever tests run, and in whichever order."""
    CHANCE["numpy"] = np.random.default_rng(0)
    mg.seed(0)


def floats(*shape):
    """Numbers from a standard normal distribution."""
    return CHANCE["numpy"].normal(size=shape)


def shaken(model):
    """The model with numbers where it starts with zeros and ones, so that a mixed-up weight or bias is seen."""
    for p in model.parameters():
        if p.ndim == 1:
            p.data = p.data + 0.3 * floats(*p.shape)
    for module in model.modules():
        if getattr(module, "running_mean", None) is not None:
            module.running_mean[...] = floats(*module.running_mean.shape)
            module.running_var[...] = 0.5 + floats(*module.running_var.shape) ** 2
    return model.eval()


def ran(path, *inputs):
    """What onnxruntime makes of the file."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feed = {}
    for each, x in zip(session.get_inputs(), inputs, strict=True):
        x = np.asarray(getattr(x, "data", x) if isinstance(x, mg.Tensor) else x)
        feed[each.name] = x.astype({"tensor(float)": np.float32, "tensor(int64)": np.int64}.get(each.type, bool))
    return session.run(None, feed)


def arrays(result):
    """The arrays in what a model gives."""
    if isinstance(result, (tuple, list)):
        return [x for part in result for x in arrays(part)]
    return [] if result is None else [np.asarray(result.numpy() if hasattr(result, "numpy") else result)]


def assert_agrees(path, model, *inputs, arguments=None):
    """onnxruntime and the model give the same, to 1e-5 (of numbers above 1: relative to them)."""
    with mg.no_grad():
        ours = arrays(model(*(inputs if arguments is None else arguments)))
    theirs = ran(path, *inputs)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-5)


# -- every layer of nn -------------------------------------------------------------------------------------------------

X23, IMAGE, SOUND = floats(4, 3), floats(2, 4, 7, 6), floats(2, 4, 11)
SEQUENCE, MEMORY = floats(2, 5, 8), floats(2, 3, 8)
IDS = np.array([[1, 2, 0], [3, 3, 1]])
PADDED = np.array([[False, False, True], [False, False, False]])

# For each layer: models and what they are called with (a tuple: several arguments).
SAMPLES = {
    "Linear": lambda: [
        (nn.Linear(3, 4), X23),
        (nn.Linear(3, 4, bias=False), floats(2, 5, 3)),
        (nn.Linear(3, 2), floats(2, 2, 2, 3)),
    ],
    "Sequential": lambda: [(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), X23)],
    "Identity": lambda: [(nn.Identity(), X23)],
    "Flatten": lambda: [(nn.Flatten(), IMAGE), (nn.Flatten(1, 2), IMAGE), (nn.Flatten(), mg.Tensor(IMAGE))],
    "Dropout": lambda: [(nn.Dropout(0.5), X23)],
    "Dropout1d": lambda: [(nn.Dropout1d(0.5), SOUND)],
    "Dropout2d": lambda: [(nn.Dropout2d(0.5), IMAGE)],
    "ReLU": lambda: [(nn.ReLU(), X23)],
    "LeakyReLU": lambda: [(nn.LeakyReLU(0.2), X23)],
    "ELU": lambda: [(nn.ELU(1.5), X23)],
    "GELU": lambda: [(nn.GELU(), X23)],
    "SiLU": lambda: [(nn.SiLU(), X23)],
    "Softplus": lambda: [(nn.Softplus(), X23 * 30)],
    "Tanh": lambda: [(nn.Tanh(), X23)],
    "Sigmoid": lambda: [(nn.Sigmoid(), X23 * 30)],
    "Softmax": lambda: [(nn.Softmax(), X23), (nn.Softmax(1), IMAGE)],
    "LogSoftmax": lambda: [(nn.LogSoftmax(), X23 * 30)],
    "Conv1d": lambda: [
        (nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2), SOUND),
        (nn.Conv1d(4, 6, 4, padding="same", bias=False), SOUND),
    ],
    "Conv2d": lambda: [
        (nn.Conv2d(4, 6, 3, padding=1), IMAGE),
        (nn.Conv2d(4, 6, (2, 3), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2), IMAGE),
    ],
    "MaxPool1d": lambda: [(nn.MaxPool1d(3, stride=2, padding=1), SOUND)],
    "MaxPool2d": lambda: [
        (nn.MaxPool2d(2), IMAGE),
        (nn.MaxPool2d(3, 2, 1, dilation=2), IMAGE),
        (nn.MaxPool2d(3, 2, 1, ceil_mode=True), IMAGE),
    ],
    "AvgPool1d": lambda: [(nn.AvgPool1d(3, 2, 1), SOUND), (nn.AvgPool1d(2), SOUND)],
    "AvgPool2d": lambda: [
        (nn.AvgPool2d(2), IMAGE),
        (nn.AvgPool2d(3, 2, 1), IMAGE),
        (nn.AvgPool2d(2, divisor_override=3), IMAGE),
        (nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), IMAGE),
        (nn.AvgPool2d(3, 2, 1, ceil_mode=True), IMAGE),
    ],
    "AdaptiveAvgPool1d": lambda: [(nn.AdaptiveAvgPool1d(n), SOUND) for n in (1, 11, 3)],
    "AdaptiveAvgPool2d": lambda: [(nn.AdaptiveAvgPool2d(n), IMAGE) for n in (1, (7, 3), (3, 4))],
    "BatchNorm1d": lambda: [(nn.BatchNorm1d(3), X23), (nn.BatchNorm1d(4, affine=False), SOUND)],
    "BatchNorm2d": lambda: [(nn.BatchNorm2d(4), IMAGE), (nn.BatchNorm2d(4, track_running_stats=False), IMAGE)],
    "LayerNorm": lambda: [
        (nn.LayerNorm(3), X23),
        (nn.LayerNorm((7, 6), bias=False), IMAGE),
        (nn.LayerNorm(6, elementwise_affine=False), IMAGE),
    ],
    "RMSNorm": lambda: [(nn.RMSNorm(3), X23), (nn.RMSNorm((7, 6), eps=1e-3, elementwise_affine=False), IMAGE)],
    "GroupNorm": lambda: [
        (nn.GroupNorm(2, 4), IMAGE),
        (nn.GroupNorm(4, 4, affine=False), SOUND),
        (nn.GroupNorm(1, 3), X23),
    ],
    "Embedding": lambda: [(nn.Embedding(5, 3, padding_idx=0), IDS), (nn.Embedding(70, 3), IDS)],
    "LearnedPositions": lambda: [(nn.LearnedPositions(9, 8), SEQUENCE), (nn.LearnedPositions(5, 8), SEQUENCE)],
    "SinusoidalPositions": lambda: [
        (nn.SinusoidalPositions(9, 8), SEQUENCE),
        (nn.SinusoidalPositions(9, 8), mg.Tensor(SEQUENCE)),
    ],
    "RNN": lambda: [
        (nn.RNN(8, 3, batch_first=True), SEQUENCE),
        (nn.RNN(8, 3, 2, "relu", batch_first=True, bidirectional=True, bias=False), SEQUENCE),
    ],
    "LSTM": lambda: [
        (nn.LSTM(8, 3, batch_first=True), SEQUENCE),
        (nn.LSTM(8, 3, 2, batch_first=True, bidirectional=True, dropout=0.5), SEQUENCE),
        (nn.LSTM(8, 3, bias=False, batch_first=True), SEQUENCE),
    ],
    "GRU": lambda: [
        (nn.GRU(8, 3, batch_first=True), SEQUENCE),
        (nn.GRU(8, 3, 2, batch_first=True, bidirectional=True), SEQUENCE),
    ],
    "MultiheadAttention": lambda: [
        (nn.MultiheadAttention(8, 2, batch_first=True), (SEQUENCE, SEQUENCE, SEQUENCE)),
        (nn.MultiheadAttention(8, 2), (SEQUENCE, SEQUENCE, SEQUENCE, None, False)),  # the first axis is time
        (nn.MultiheadAttention(8, 2, batch_first=True, bias=False), (SEQUENCE, MEMORY, MEMORY, PADDED, False)),
        (nn.MultiheadAttention(8, 4, kdim=5, vdim=3, batch_first=True), (SEQUENCE, floats(2, 3, 5), floats(2, 3, 3))),
    ],
    "TransformerEncoderLayer": lambda: [
        (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), SEQUENCE),
        (
            nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True, norm_first=True),
            (MEMORY, None, PADDED, True),
        ),
    ],
    "TransformerDecoderLayer": lambda: [
        (nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), (SEQUENCE, MEMORY, None, None, None, PADDED, True)),
    ],
    "MLP": lambda: [(nn.MLP(3, [4, 2], activation="tanh"), X23)],
    "Layer": lambda: [(nn.Layer(3, 4), X23)],
    "Neuron": lambda: [(nn.Neuron(3), X23)],
}


def layers_of_nn():
    """The names of all modules of nn that aren't losses."""
    things = {name: getattr(nn, name) for name in dir(nn) if not name.startswith("_")}
    kinds = {name: x for name, x in things.items() if inspect.isclass(x) and issubclass(x, nn.Module)}
    return sorted(name for name, x in kinds.items() if x is not nn.Module and not issubclass(x, losses._Loss))


def test_every_layer_of_nn_has_a_sample():
    assert layers_of_nn() == sorted(SAMPLES)


@pytest.mark.parametrize("name", layers_of_nn())
def test_a_layer_gives_the_same_in_onnxruntime_for_batches_of_any_size(name, tmp_path):
    assert name in SAMPLES, f"{name} has no sample above: add one"
    for i, (model, example) in enumerate(SAMPLES[name]()):
        model = model if name in ("MLP", "Layer", "Neuron") else shaken(model)
        path = tmp_path / f"{i}.onnx"
        written = to_onnx(model, example, path)
        assert written.any_batch, (i, written)
        assert written.difference < 1e-5, (i, written)
        on_arrays = as_array_model(model)
        given = example if isinstance(example, tuple) else (example,)
        for size in (1, 2, 6):
            arguments = [resampled(x, size) for x in given]
            inputs = [x for x in arguments if isinstance(x, (np.ndarray, mg.Tensor))]
            assert_agrees(path, on_arrays, *inputs, arguments=arguments)


def as_array_model(model):
    """A scalar network as one that takes many samples."""
    if isinstance(model, nn.MLP):
        return model.to_sequential()
    if isinstance(model, (nn.Layer, nn.Neuron)):
        return lambda X: np.array([[n(x).data for n in getattr(model, "neurons", [model])] for x in X])
    return model


def resampled(x, size):
    """Other numbers of the same kind and shape, for so many samples."""
    if not isinstance(x, (np.ndarray, mg.Tensor)):
        return x
    array = x.numpy() if isinstance(x, mg.Tensor) else x
    rows = array[CHANCE["numpy"].integers(len(array), size=size)]
    if array.dtype.kind == "f":
        rows = rows + floats(*rows.shape)
    return mg.Tensor(rows, requires_grad=False) if isinstance(x, mg.Tensor) else rows


# -- every row of the tables -------------------------------------------------------------------------------------------


class Computes(nn.Module):
    """Whatever a function of the inputs and one parameter computes."""

    def __init__(self, function):
        self.weight = mg.Tensor(floats(3) + 0.1, label="weight")
        self._function = function

    def forward(self, *xs):
        return self._function(*xs)


def written(tmp_path, model, *inputs, **options):
    """The path of the file, and the report."""
    path = tmp_path / "model.onnx"
    return path, to_onnx(model, inputs, path, **options)


def assert_exports(tmp_path, function, *inputs):
    """A function of Tensors is written, holds for any batch, and gives the same."""
    tensors = [mg.Tensor(x, requires_grad=False) if x.dtype.kind == "f" else x for x in map(np.asarray, inputs)]
    model = Computes(function)
    path, report = written(tmp_path, model, *tensors)
    assert report.any_batch, report.why_one_size
    for size in (len(inputs[0]), 1, 6):
        rows = [x if size == len(inputs[0]) else x[np.arange(size) % len(x)] for x in map(np.asarray, inputs)]
        tensors = [mg.Tensor(x, requires_grad=False) if x.dtype.kind == "f" else x for x in rows]
        assert_agrees(path, model, *rows, arguments=tensors)


POSITIVE = {"log", "sqrt", "pow", "log1p"}


@pytest.mark.parametrize("name", sorted(ops.TABLE))
def test_every_pointwise_row(name, tmp_path):
    row = ops.TABLE[name]
    if name == "sum":
        assert_exports(tmp_path, lambda a, b: row([a, b, a]), floats(4, 3), floats(4, 3))
        return
    xs = [2 * floats(4, 3) for _ in range(row.arity)]
    xs = [np.abs(x) + 0.1 for x in xs] if name in POSITIVE else xs
    xs = [xs[0] > 0, *xs[1:]] if name == "where" else xs
    assert_exports(tmp_path, lambda *given: row(*given) * 1.0, *xs)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x**2 + 2**x - 1 / x, lambda x: x.clip(-0.5, 0.5), lambda x: x.clip(max=0.3), lambda x: x.elu(0.5),
        lambda x: mg.where(x > 0, x, 0.1 * x), lambda x: mg.maximum(x, 0.5) * mg.minimum(2.0, x), lambda x: -abs(x),
        lambda x: x[:, ::-2],
        lambda x: mg.where((x.numpy() > 0) & (x.numpy() < 1) | ~(x.numpy() >= -1), x, 0.0),
        lambda x: x * (x.numpy() != 0).astype(float).sum(axis=1, keepdims=True),
    ],
)  # fmt: skip
def test_operators_and_plain_numbers(function, tmp_path):
    assert_exports(tmp_path, function, floats(4, 3))


softplus2 = mg.Unary("softplus2", lambda x: mg.log(1 + mg.exp(x)), lambda y, x: mg.sigmoid(x))
decides = mg.Unary("decides", lambda x: x if (x > 0).all() else -x, lambda y, x: 1)


def test_a_row_of_the_users_own(tmp_path):
    assert_exports(tmp_path, softplus2, floats(4, 3))


ROW_SAMPLES = {
    "sum": lambda x: x.sum(axis=1),
    "mean": lambda x: x.mean(axis=(1, 2), keepdims=True),
    "max": lambda x: x.max(axis=-1),
    "min": lambda x: x.min(axis=1),
    "prod": lambda x: x.prod(axis=2),
    "norm": lambda x: x.norm(axis=1),
    "logsumexp": lambda x: (50 * x).logsumexp(axis=2),
    "var": lambda x: x.var(axis=1),
    "cumsum": lambda x: x.cumsum(axis=1),
    "std": lambda x: x.std(axis=(1, 2), correction=0),
    "softmax": lambda x: x.softmax(axis=1),
    "log_softmax": lambda x: x.log_softmax(axis=-1),
    "reshape": lambda x: x.reshape(-1, 4),
    "flip": lambda x: x.flip(axis=(1, 2)),
    "expand": lambda x: (x[:, :1].expand(-1, 5, -1) * 2).softmax(axis=1),
    "transpose": lambda x: x.permute(2, 0, 1),
    "getitem": lambda x: mg.concatenate(
        [x[:, 0], x[:, ::-2].sum(axis=1), x[..., None, 1:3, :][:, 0, 1], x[:, [2, 0]][:, 1]]
    ),
    "pad": lambda x: x.pad(((0, 0), (1, 2), (0, 1)), 0.5),
    "astype": lambda x: x.astype(np.float32),
    "matmul": lambda x: x @ x.mT,
    "linear": lambda x: nn.functional.linear(x, np.ones((2, 4))),
    "concatenate": lambda x: mg.concatenate([x, x * 2], axis=1),
    "stack": lambda x: mg.stack([x, x * 2], axis=1),
    "einsum": lambda x: mg.einsum("nij,nkj->nik", x, x),
}
ON_THE_WAY_BACK = {"sum_to", "put", "add_rows", "avg_pool_input", "convolution_input", "convolution_weight"}


def test_every_row_of_arrays_has_a_sample_or_belongs_to_the_way_back():
    rows = {name for table in [array_ops.ARRAY_TABLE, *ops.TABLES[1:]] for name in table}
    rows -= set(losses.SUMMED_TABLE) | {row.name for row in losses.SUMMED} | {"cross_entropy"}
    assert rows - ON_THE_WAY_BACK == set(ROW_SAMPLES) | set(FUSED)


@pytest.mark.parametrize("name", sorted(ROW_SAMPLES))
def test_every_row_of_arrays(name, tmp_path):
    assert_exports(tmp_path, ROW_SAMPLES[name], floats(3, 3, 4))


def test_a_size_of_twice_the_batch(tmp_path):
    def function(x):
        return x.mean(axis=0, keepdims=True).expand(2 * len(x), 3).cumsum(axis=1) + mg.concatenate([x, x])

    assert_exports(tmp_path, function, floats(4, 3))


def test_what_onnx_repeats_by_itself_is_not_repeated(tmp_path):
    path, _ = written(tmp_path, Computes(lambda x: x[:, :1] + x), mg.Tensor(X23, requires_grad=False))
    assert [node.op_type for node in onnx.load(path).graph.node] == ["Slice", "Add"]


def test_constants_that_have_the_batchs_size_are_repeated_for_it(tmp_path):
    def function(x):
        places = np.zeros((len(x), 1, 3)) + np.arange(3.0)  # one for each sample, all the same
        return mg.concatenate([x + places, mg.Tensor(places).softmax(axis=-1)], axis=1)

    assert_exports(tmp_path, function, floats(4, 1, 3))


# -- the capstones' models ---------------------------------------------------------------------------------------------


def sounds():
    """Three recordings, and how long they are."""
    return floats(3, 7, 12).astype(np.float32), np.array([3, 7, 5])


def translator():
    """The model, two English and two French sentences."""
    model = translation.Translator(*translation.vocabularies())
    return model, np.array([[3, 4, 5, 0], [4, 3, 0, 0]]), np.array([[1, 4, 5], [1, 5, 0]])


# Each model, and what it is called with.
CAPSTONES = {
    "digits": lambda: (digits.small_cnn(), floats(2, 1, 8, 8)),
    "digits by neurons": lambda: (digits.mlp(), floats(2, 1, 8, 8)),
    "faces": lambda: (faces.face_cnn(), floats(2, 1, 28, 23)),
    "tic-tac-toe": lambda: (tictactoe.value_network(), floats(2, 18)),
    "connect four": lambda: (connect_four.value_network(), floats(2, 84)),
    "capture go": lambda: (capture_go.value_network(), floats(2, 50)),
    # its features are written number by number into an array, which no file can do: they are the input
    "rook endgame": lambda: (rook_endgame.DepthNet().layers, rook_endgame.features(np.array([[0, 1, 2], [9, 8, 63]]))),
    "spoken digits": lambda: (spoken_digits.PooledConv(12, 16, 10), *sounds()),
    "speakers": lambda: (speakers.LastState(12, 16, 9), *sounds()),
    "names": lambda: (names.GPT(29), np.array([[1, 2, 3, 4], [5, 6, 7, 0]])),
    "translation": translator,
}


@pytest.mark.parametrize("name", CAPSTONES)
def test_the_capstones_models(name, tmp_path):
    model, *inputs = CAPSTONES[name]()
    model = shaken(model)
    path, report = written(tmp_path, model, *inputs)
    assert report.any_batch
    rows = [np.concatenate([x, x[::-1]])[:3] for x in inputs]
    assert_agrees(path, model, *rows)


# -- modules of the user's own -----------------------------------------------------------------------------------------


class Tied(nn.Module):
    """The table of the embedding is the last layer's weight too; one block is used twice, one table is no parameter."""

    def __init__(self):
        self.tokens, self.block = nn.Embedding(7, 4), nn.Sequential(nn.Linear(4, 4), nn.Tanh())
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.tokens.weight
        self.table = floats(4, 4)

    def forward(self, ids):
        x = self.block(self.block(self.tokens(ids) @ self.table))
        return self.head(x), x.detach(), ids


class Normed(nn.Module):
    """Weight normalisation (Salimans and Kingma, 2016): the weight is computed from parameters, so it is constant."""

    def __init__(self):
        self.v, self.g = mg.Tensor(floats(3, 4)), mg.Tensor(floats(3))

    def forward(self, x):
        return nn.functional.linear(x, self.v * (self.g / self.v.norm(axis=1)).unsqueeze(1))


class Loop(nn.Module):
    """A recurrent network written as a loop, which starts from zeros for each sample."""

    def __init__(self):
        self.cell = nn.Linear(5, 2)

    def forward(self, x):
        h, states = mg.Tensor(np.zeros((len(x), 2)), requires_grad=False), []
        for t in range(x.shape[1]):
            h = self.cell(mg.concatenate([x[:, t], h], axis=1)).tanh()
            states.append(h)
        return {"states": mg.stack(states, axis=1), "last": h}


def test_shared_weights_and_repeated_calls(tmp_path):
    model = Tied()
    path, report = written(tmp_path, model, np.array([[1, 2, 3]]))
    assert report.any_batch
    assert_agrees(path, model, np.array([[0, 6, 3], [2, 2, 2]]))
    kept = [each.name for each in onnx.load(path).graph.initializer]
    assert sorted(kept) == ["block.0.bias", "block.0.weight", "table", "tokens.weight"]


def test_what_is_constant_is_computed_at_once(tmp_path):
    path, _ = written(tmp_path, Normed(), floats(2, 4))
    assert [node.op_type for node in onnx.load(path).graph.node] == ["Gemm"]
    model = Normed()
    path, _ = written(tmp_path, model, floats(2, 4), overwrite=True)
    assert_agrees(path, model, floats(3, 4))
    weight = mg.Tensor([1.0, 2.0, 3.0])
    (tmp_path / "another").mkdir()
    assert_exports(tmp_path / "another", lambda x: x * weight.expand(4, 3).sum(axis=0), X23)


def test_a_loop_over_time(tmp_path):
    model = Loop()
    path, report = written(tmp_path, model, floats(2, 3, 3))
    assert list(report.outputs) == ["states", "last"]
    x = floats(4, 3, 3)
    for a, b in zip(model(x).values(), ran(path, x), strict=True):
        np.testing.assert_allclose(b, a.numpy(), atol=1e-5)


def test_half_precision_becomes_single(tmp_path):
    x = floats(4, 300).astype(np.float16)
    path, report = written(tmp_path, nn.Linear(300, 8, dtype=np.float16), x)
    assert 0 < report.difference < 1e-2
    assert ran(path, x)[0].dtype == np.float32


# -- sequences ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_sequences_of_different_lengths(kind, tmp_path):
    model = kind(3, 4, num_layers=2, bidirectional=True, batch_first=True)
    path = tmp_path / "model.onnx"
    report = to_onnx(model, {"input": floats(2, 5, 3), "lengths": np.array([5, 2])}, path)
    assert report.any_batch
    assert list(report.inputs) == ["input", "lengths"]
    x, lengths = floats(4, 5, 3), np.array([1, 5, 3, 2])
    with mg.no_grad():
        ours = arrays(model(x, lengths=lengths))
    for a, b in zip(ours, ran(path, x, lengths), strict=True):
        np.testing.assert_allclose(b, a, atol=1e-5)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_first_states_and_time_first_hold_for_one_size_and_say_so(kind, tmp_path):
    x, states = floats(5, 2, 3), [floats(1, 2, 4), floats(1, 2, 4)]
    hx = tuple(states) if kind is nn.LSTM else states[0]
    model = kind(3, 4)
    with pytest.warns(UserWarning, match="holds for inputs of the example's shapes alone: its inputs have first axes"):
        path, report = written(tmp_path, model, x, hx)
    assert not report.any_batch
    assert "first axes of different sizes" in str(report)
    assert report.inputs["input"] == (5, 2, 3)
    states = states if kind is nn.LSTM else states[:1]
    assert_agrees(path, model, x + 1, *states, arguments=(x + 1, hx))
    with pytest.warns(UserWarning, match="batch_first=True"):
        to_onnx(model, x, path, overwrite=True)
    assert_agrees(path, model, x - 1)
    assert "alone" in onnx.load(path).doc_string


def test_attention_without_heads(tmp_path):
    attend = nn.functional.scaled_dot_product_attention
    assert_exports(tmp_path, lambda x, m: attend(x, m, 2 * m, is_causal=True) + attend(x, m, m), SEQUENCE, MEMORY)


def test_a_query_that_may_look_at_nothing_gets_zeros(tmp_path):
    model = shaken(nn.MultiheadAttention(8, 2, batch_first=True, bias=False))
    nobody = np.array([[True, True, True], [False, True, False]])
    inputs = SEQUENCE, MEMORY, MEMORY, nobody
    path, _ = written(tmp_path, model, *inputs, False)
    assert_agrees(path, model, *inputs, arguments=(*inputs, False))
    assert not ran(path, *inputs)[0][0].any()


# -- what is in the file -----------------------------------------------------------------------------------------------


def test_the_file_is_readable(tmp_path):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)).eval()
    path, report = written(tmp_path, model, floats(1, 1, 4, 4))
    file = onnx.load(path)
    assert (file.producer_name, file.graph.name) == ("micrograd_plus", "Sequential")
    assert "Sequential" in file.doc_string
    assert report.inputs == {"x": ("batch", 1, 4, 4)}
    assert report.outputs == {"output": ("batch", 3)}
    names = [(node.name, node.op_type) for node in file.graph.node]
    assert names == [
        ("0/convolution", "Conv"), ("1/batch_norm", "BatchNormalization"), ("2/relu", "Relu"), ("3/reshape", "Reshape"),
        ("4/linear", "Gemm"),
    ]  # fmt: skip
    kept = {each.name: onnx.numpy_helper.to_array(each) for each in file.graph.initializer}
    for name, numbers in model.state_dict().items():
        if "num_batches" not in name:
            np.testing.assert_array_equal(kept[name], np.asarray(numbers, np.float32))
    assert "4.weight" in onnx.printer.to_text(file)


def test_layers_with_the_same_numbers_keep_their_names_apart(tmp_path):
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Tanh(), nn.BatchNorm1d(3)).eval()
    path, _ = written(tmp_path, model, X23)
    kept = {each.name for each in onnx.load(path).graph.initializer}
    assert kept == {name for name in model.state_dict() if "num_batches" not in name}


def test_dropout_is_gone_and_gates_are_sorted_under_their_own_name(tmp_path):
    model = nn.GRU(3, 4, batch_first=True)
    path, _ = written(tmp_path, model, floats(1, 5, 3))
    file = onnx.load(path)
    kept = {each.name: onnx.numpy_helper.to_array(each) for each in file.graph.initializer}
    assert kept.keys() - {"[1]"} == {"weight_ih_l0.zrh", "weight_hh_l0.zrh", "bias_l0.zrh"}
    weight = model.weight_ih_l0.numpy()
    np.testing.assert_allclose(
        kept["weight_ih_l0.zrh"][0], np.concatenate([weight[4:8], weight[:4], weight[8:]]), rtol=1e-6
    )
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 2)).eval()
    path, _ = written(tmp_path, model, X23, overwrite=True)
    assert [node.op_type for node in onnx.load(path).graph.node] == ["Gemm"]


def test_inputs_and_outputs_have_names(tmp_path):
    class Two(nn.Module):
        def forward(self, image, shift, *, scale=2.0):
            return {"sum": image + shift, "both": [image * scale, shift]}

    path, report = written(tmp_path, Two(), X23, X23)
    assert list(report.inputs) == ["image", "shift"]
    assert list(report.outputs) == ["sum", "both_0", "both_1"]
    a, b = floats(5, 3), floats(5, 3)
    for ours, theirs in zip((a + b, a * 2, b), ran(path, a, b), strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=1e-6, atol=1e-6)


def test_integers_stay_integers_and_an_example_may_be_a_list(tmp_path):
    path = tmp_path / "model.onnx"
    to_onnx(nn.Embedding(5, 3), [[1, 2], [3, 4]], path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [each.type for each in session.get_inputs()] == ["tensor(int64)"]


WEIGHTS = [mg.Tensor(np.eye(3)), mg.Tensor(np.ones((3, 3)))]
ONE_SIZE = {
    "no multiple": lambda x: mg.concatenate([x, x[:1]]),
    "other numbers": lambda x: x * np.arange(len(x))[:, None],
    "other constants": lambda x: x @ np.full((3, 3), 1 / len(x)),
    "another number": lambda x: x.sum(axis=0, keepdims=True) * len(x) + x,
    "another setting": lambda x: x.pad(((0, 0), (0, 1)), float(len(x))),
    "another operation": lambda x: x.exp() if len(x) == 5 else x.sin(),
    "other weights": lambda x: x @ WEIGHTS[len(x) == 5],
    "windows over it": lambda x: nn.functional.avg_pool1d(x.T, 3, 1, 1).T,
    "divided by its size": lambda x: x.var(axis=0),
    "refused": lambda x: x + np.ones((4, 3)),
    "found by running it": lambda x: x * 2 if len(x) == 4 else x,
    "found at another size": lambda x: x.sum() * x if len(x) == 2 else x,
}


@pytest.mark.parametrize("name", ONE_SIZE)
def test_what_depends_on_the_batch_in_another_way_holds_for_one_size(name, tmp_path, monkeypatch):
    model, x = Computes(ONE_SIZE[name]), mg.Tensor(X23, requires_grad=False)
    if not name.startswith("found"):  # the others must be found without running it
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.warns(UserWarning, match="shapes alone"):
        path, report = written(tmp_path, model, x)
    assert not report.any_batch
    assert report.inputs["xs"] == (4, 3)
    assert_agrees(path, model, X23 * 2, arguments=[mg.Tensor(X23 * 2)])


def test_a_choice_by_numbers_is_warned_of(tmp_path):
    with pytest.warns(UserWarning, match=r"the model's own forward goes on by numbers of the input"):
        written(tmp_path, Computes(lambda x: x * 2 if (x > 0).any() else x), X23)


# -- errors ------------------------------------------------------------------------------------------------------------


def test_unsupported_parts_are_named_all_at_once_with_their_module(tmp_path):
    class Masked(nn.Module):
        def forward(self, x):
            return x[:, x.numpy()[0] > -99].sum()

    class Inverse(nn.Module):
        def forward(self, x):
            return x * np.fmod(x.numpy(), 2.0) + decides(x)

    model = nn.Sequential(Inverse(), nn.Linear(3, 3), Inverse())
    with pytest.raises(OnnxError) as error:
        written(tmp_path, model, mg.Tensor(X23, requires_grad=False))
    text = str(error.value)
    assert "`fmod` in module '0'" in text
    assert "`fmod` in module '2'" in text
    assert "`decides` in module '2'" in text
    assert "where(x > 0, a, b)" in text
    with pytest.raises(OnnxError, match=r"`getitem` in module '1': an index of a mask"):
        written(tmp_path, nn.Sequential(nn.Identity(), Masked()), mg.Tensor(X23, requires_grad=False))
    assert list(tmp_path.iterdir()) == []


def test_a_loss_isnt_exported(tmp_path):
    with pytest.raises(OnnxError, match="a loss belongs to training"):
        written(tmp_path, nn.CrossEntropyLoss(), mg.Tensor(X23, requires_grad=False), np.array([0, 1, 2, 0]))


@pytest.mark.parametrize(
    ("model", "example", "message"),
    [
        (nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)), X23, r"1 \(Dropout\) computes otherwise .* model.eval\(\)"),
        (nn.BatchNorm1d(3), X23, r"the model \(BatchNorm1d\)"),
        (Computes(lambda x: nn.functional.dropout(x, 0.5)), X23, "draws random numbers"),
        (Computes(lambda x: x * x.sum().item()), mg.Tensor(X23), "takes the numbers out of an array"),
        (Computes(lambda x: x * int(x[0, 0])), X23, "takes the numbers out of an array"),
        (Computes(lambda x: None), X23, "gives NoneType, in which there is no array"),
        (Computes(lambda x: x), [mg.Value(1.0)], "Value"),
        (Computes(lambda x: mg.Value(1.0) * 2.0), X23, "computes with single numbers"),
        (nn.Sequential(nn.Linear(3, 2)).scalar_twin(), X23, "Sequential holds single numbers"),
        (nn.Linear(3, 2), "text", "no array in the example 'text'"),
        (nn.Linear(3, 2), (), "no array in the example"),
        (nn.Linear(3, 2), np.zeros((0, 3)), r"an array of shape \(0, 3\)"),
        (nn.Linear(3, 2), np.array([[1j, 2, 3]]), "complex128"),
        (nn.Linear(3, 2), (X23, X23), "can't be called with this example: too many positional arguments"),
        (nn.Linear(3, 2), {"y": X23}, "can't be called with this example"),
        (lambda x: x, X23, "a model is an nn.Module, got function"),
    ],
)  # fmt: skip
def test_bad_input(model, example, message, tmp_path):
    with pytest.raises(OnnxError, match=message):
        to_onnx(model, example, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_refused_model_is_as_it_was(tmp_path):
    model = nn.BatchNorm1d(3)
    before = model.state_dict()
    with pytest.raises(OnnxError):
        to_onnx(model, X23, tmp_path / "model.onnx")
    assert model.training
    for name, numbers in model.state_dict().items():
        np.testing.assert_array_equal(numbers, before[name])


def test_an_example_of_a_wrong_shape_gets_the_layers_own_error(tmp_path):
    with pytest.raises(ValueError, match=r"linear: the input has shape \(4, 3\)"):
        to_onnx(nn.Linear(5, 2), X23, tmp_path / "model.onnx")


def test_paths(tmp_path):
    with pytest.raises(OnnxError, match=r"must end in \.onnx"):
        to_onnx(nn.Linear(3, 2), X23, tmp_path / "model.pt")
    path = tmp_path / "deep" / "model.onnx"
    to_onnx(nn.Linear(3, 2), X23, str(path))
    old = path.read_bytes()
    with pytest.raises(FileExistsError, match="overwrite=True"):
        to_onnx(nn.Linear(3, 2), X23, path)
    with pytest.raises(OnnxError):
        to_onnx(nn.Dropout(0.5), X23, path, overwrite=True)
    assert path.read_bytes() == old
    to_onnx(nn.Linear(3, 2), X23, path, overwrite=True)
    assert path.read_bytes() != old
    assert [each.name for each in path.parent.iterdir()] == ["model.onnx"]
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(OnnxError, match="is a folder"):
        to_onnx(nn.Linear(3, 2), X23, tmp_path / "folder.onnx")


def test_without_the_packages(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    report = to_onnx(nn.Linear(3, 2), X23, tmp_path / "a.onnx")
    assert report.difference is None
    assert "not installed" in str(report)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'pip install "micrograd_plus\[onnx\]"'):
        to_onnx(nn.Linear(3, 2), X23, tmp_path / "b.onnx")


def test_a_wrong_translation_is_noticed_before_anything_is_written(tmp_path, monkeypatch):
    from micrograd_plus.bridges.onnx import rows

    monkeypatch.setitem(rows.ROWS, "linear", lambda call: ops.exp(rows.linear(call)))
    with pytest.raises(OnnxError, match="gives other numbers than the model"):
        to_onnx(nn.Linear(3, 2), X23, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_exporting_leaves_gradients_and_modes_alone(tmp_path):
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
    model(X23).sum().backward()
    before = [p.grad.copy() for p in model.parameters()]
    to_onnx(model, X23, tmp_path / "model.onnx")
    assert model.training
    for p, grad in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.grad, grad)
        assert p.requires_grad


def test_the_whole_result_of_a_recurrent_row(tmp_path):
    from micrograd_plus.nn import recurrent

    weights = [floats(16, 3), floats(16, 4), floats(16), floats(16)]
    states = floats(2, 2, 4)
    function = lambda x: recurrent.lstm(x, states, *weights, lengths=None, reverse=True)[1:] * 2.0
    x = mg.Tensor(floats(5, 2, 3), requires_grad=False)
    with pytest.warns(UserWarning, match="shapes alone"):
        path, _ = written(tmp_path, Computes(function), x)
    assert_agrees(path, Computes(function), x.numpy() + 1, arguments=[x + 1])


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda i: i & 1, "the bits of whole numbers"),
        (lambda i: ~i, "the bits of whole numbers"),
        (lambda i: i.reshape(3, -1, order="F"), "`reshape` .* with order"),
        (lambda i: i.ravel("F"), "`ravel` .* with F"),
        (lambda i: np.sum(i, axis=1, where=i > 1), "`sum` .* with where"),
        (lambda i: i.max(1, None, True), "by their names"),
        (lambda i: np.unique(i), "unique has no counterpart"),
    ],
)
def test_what_numpy_has_and_onnx_not_is_refused(function, message, tmp_path):
    with pytest.raises(OnnxError, match=message):
        written(tmp_path, Computes(function), np.array([[0, 1, 2], [3, 2, 0]]))


def test_numpys_numbers_in_a_rule(tmp_path):
    third = mg.Unary("third", lambda x: np.float64(1 / 3) * x + np.float64(1), lambda y, x: 1 / 3)
    assert_exports(tmp_path, third, X23)


def test_a_users_row_with_the_name_of_one_of_ours_is_not_taken_for_it(tmp_path):
    gelu = mg.Unary("gelu", lambda x: x * 3, lambda y, x: 3)
    assert_exports(tmp_path, gelu, floats(4, 3))
    total = Structural("sum", lambda x, axis, keepdims: x.sum(axis=axis) * 3, lambda g, y, x, axis, keepdims: g)
    with pytest.raises(OnnxError, match="`sum` in the model's own forward: no operator of ONNX is known for this row"):
        written(tmp_path, Computes(lambda x: total(x, axis=1, keepdims=False)), mg.Tensor(X23), overwrite=True)


def test_a_slice_with_computed_ends_is_refused(tmp_path):
    with pytest.raises(OnnxError, match=r"`getitem` .*: a slice whose ends are computed"):
        written(tmp_path, Computes(lambda x, n: x[: n.max()]), X23, np.array([1, 2, 1, 2]))


@pytest.mark.parametrize(
    "function",
    [
        lambda i: i.astype(float) / 2 + i.astype(float) * i.astype(np.float32),
        lambda i: np.where(i > 1, i * 2, -i), lambda i: (i + 1).astype(float) / 2, lambda i: i / 2,
        lambda i: i.sum(axis=1),
        lambda i: (i == 0).any(axis=1) | ~(i < 2).all(axis=1), lambda i: i.max(axis=1) - i.min(axis=1),
        lambda i: i.reshape(len(i), 1, 3).transpose(0, 2, 1).swapaxes(1, 2)[:, 0], lambda i: np.stack([i, i], axis=1),
        lambda i: i.astype(float).mean(axis=1), lambda i: np.concatenate([i, i], axis=1), lambda i: i.argmax(axis=1),
        lambda i: np.logical_and(i > 0, i < 3), lambda i: np.exp(-i.astype(float)), lambda i: i[:, ::-1][:, None, 0],
        lambda i: np.broadcast_to(i[:, :, None], (len(i), 3, 2)).copy(), lambda i: i.ravel(),
        lambda i: np.maximum(i, 1) * np.sign(i - 1), lambda i: np.isnan(i * 1.5), lambda i: i.transpose().T,
        lambda i: np.moveaxis(i, 0, 1), lambda i: i.prod(axis=1, keepdims=True), lambda i: i != 2,
    ],
)  # fmt: skip
def test_what_numpy_computes_with_whole_numbers(function, tmp_path):
    model = Computes(function)
    given = np.array([[0, 1, 2], [3, 2, 0], [1, 1, 1]])
    path, report = written(tmp_path, model, given)
    assert report.any_batch
    ids = np.array([[0, 0, 0], [3, 3, 1], [2, 0, 1], [3, 2, 1]])
    ours, (theirs,) = np.asarray(function(ids)), ran(path, ids)
    assert theirs.dtype.kind == ours.dtype.kind
    np.testing.assert_allclose(theirs, ours, rtol=1e-6)
