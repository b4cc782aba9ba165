"""Second derivatives: of every row of every table, of every layer, through twins and compiled functions; Hessians and
their products with a vector; and what can't be differentiated twice says so, at the line that asks.

The samples are those of test_table.py and test_rows_of_layers.py, where pointwise and structural rows are compared with
differences already, on Values and on Tensors. A new row or layer without a sample fails here.
"""

import copy
import math
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from test_table import CASES, OURS, POINTWISE, SIDES, STRUCTURAL, draw, inputs_of, slope_by_differences, variable

import micrograd_plus as mg
from micrograd_plus import Tensor, Unary, Value, grad, gradcheck, gradgradcheck, nn
from micrograd_plus.engine import Structural, hessian, hvp, ops, value_and_grad
from micrograd_plus.engine.array_ops import ARRAY_TABLE
from micrograd_plus.engine.ops import TABLE
from micrograd_plus.engine.twin import ValueArray, largest, smallest
from micrograd_plus.nn.losses import LOSS_TABLE, SUMMED_TABLE, masked_mean

F = nn.functional


def layer_tables():
    """The tables of the layers: all that aren't checked under a heading of their own."""
    for name in dir(nn):
        getattr(nn, name)  # each layer's file adds its table at first use
    return [t for t in ops.TABLES if t is not TABLE and t is not LOSS_TABLE]


LAYER_ROWS = {name: row for table in layer_tables() for name, row in table.items()}


def drawn(*shapes):
    """Arrays without a pattern."""
    rng = np.random.default_rng(5)
    return [rng.uniform(0.3, 1.5, shape) * rng.choice([-1, 1], shape) for shape in shapes]


def backward_agrees_with_grad(f, *arrays):
    """That grad(f), which runs the rules on nodes, gives what backward() gives, which runs them on arrays.

    gradgradcheck alone would let pass a rule that gives 0 on nodes: the slope of 0 is 0.
    """
    tensors = [Tensor(x) for x in arrays]
    f(*tensors).backward()
    slopes = grad(f, tuple(range(len(arrays))))(*arrays)
    for tensor, slope in zip(tensors, slopes, strict=True):
        np.testing.assert_allclose(slope, tensor.grad, rtol=1e-10, atol=1e-12)


def cubed(f):
    """Σ weights · f(x)³: also where f is linear, the second derivative isn't 0."""

    def number(*xs):
        y = f(*xs)
        return (y * y * y * np.linspace(1.0, 1.5, y.size).reshape(y.shape)).sum() if hasattr(y, "shape") else y * y * y

    return number


def hvp_agrees_with_differences(f, *arrays, h=1e-5):
    """H v, by all inputs at once, beside the difference of the gradients ahead and behind. Gives f's value and H v."""
    v = tuple(np.cos(np.arange(x.size)).reshape(x.shape) for x in arrays)
    value, product = hvp(f, arrays, v)
    slopes = grad(f, tuple(range(len(arrays))))
    ahead = slopes(*(x + h * d for x, d in zip(arrays, v, strict=True)))
    behind = slopes(*(x - h * d for x, d in zip(arrays, v, strict=True)))
    for part, a, b in zip(product, ahead, behind, strict=True):
        np.testing.assert_allclose(part, (a - b) / (2 * h), rtol=1e-6, atol=1e-6 * (1 + np.abs(a).max()))
    return v, value, product


# ---- every row -----------------------------------------------------------------------------------------------------


def test_every_row_has_its_place_here():
    pytest.importorskip("torch")
    from test_rows_of_layers import SAMPLES

    assert set(LAYER_ROWS) == set(SAMPLES)
    assert set(POINTWISE) | {"sum"} == set(TABLE)
    assert set(STRUCTURAL) == set(ARRAY_TABLE)
    assert set(LOSSES) == set(LOSS_TABLE)
    assert set(SUMMED_TABLE) == set(LOSSES) - {"cross_entropy"}


@pytest.mark.parametrize("row", [*LAYER_ROWS.values(), *TABLE.values(), *ARRAY_TABLE.values(), *LOSS_TABLE.values()])
def test_every_row_can_be_differentiated_again(row):
    """None of ours is fused so that it can't be: a new one that is needs a test of its error here, and a reason."""
    assert row.again


@pytest.mark.parametrize("name", LAYER_ROWS)
def test_rows_of_layers(name):
    pytest.importorskip("torch")
    from test_rows_of_layers import SAMPLES
    from test_rows_of_layers import inputs_of as sample_of

    f, xs = cubed(SAMPLES[name][0]), sample_of(name)
    backward_agrees_with_grad(f, *xs)
    hvp_agrees_with_differences(f, *xs)
    walks_through_time = name in ("rnn_tanh", "rnn_relu", "lstm", "gru")  # slow: a few numbers, besides H v of all
    assert gradgradcheck(f, *xs, sample=2 if walks_through_time else 8)


LOSSES = {
    "squared_error": (0.4, -0.7),
    "hinge": (0.4, -0.7),
    "bce": (0.4, 0.3),
    "bce_with_logits": (0.4, 0.3),
    "cross_entropy": None,  # it has settings: below
}


@pytest.mark.parametrize("name", [name for name, at in LOSSES.items() if at])
def test_rows_of_losses(name):
    """By the output and by the target, on Values, on Tensors, and as the row with the sum in it."""
    row, (x, t) = LOSS_TABLE[name], LOSSES[name]
    assert gradgradcheck(lambda x, t: row(x, t) ** 3, x, t)
    xs, ts = np.array([x, 0.8 * x]), np.array([t, 0.9 * t])
    summed = lambda x, t: SUMMED_TABLE[name](x, t, scale=0.5) ** 3
    for f in (cubed(row), summed):
        backward_agrees_with_grad(f, xs, ts)
        assert gradgradcheck(f, xs, ts)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    ("labels", "settings"),
    [
        ([1, 0, 2], {}),
        ([1, -100, 2], {"weight": [1.0, 2.0, 0.5], "label_smoothing": 0.1}),
        (np.full((3, 3), 1 / 3), {"weight": [1.0, 2.0, 0.5], "label_smoothing": 0.1}),
    ],
)
def test_cross_entropy(labels, settings, reduction):
    f = cubed(lambda x: nn.cross_entropy(x, labels, reduction=reduction, **settings))
    (x,) = drawn((3, 3))
    backward_agrees_with_grad(f, x)
    assert gradgradcheck(f, x)


def test_the_sum_of_many():
    assert gradgradcheck(lambda a, b: ops.sum_([a, b, a]) ** 3, 0.5, -0.2)
    assert gradgradcheck(lambda a, b: (ops.sum_([a, b, a]) ** 3).sum(), *drawn((3,), (2, 3)))


@pytest.mark.parametrize(("name", "number"), SIDES)
def test_third_derivatives_of_pointwise_rows(name, number):
    row, xs = TABLE[name], draw(name, number, count=3)
    for i in variable(xs):
        second = lambda *ts, i=i: grad(lambda *us: grad(lambda *vs: row(*vs).sum(), i)(*us).sum(), i)(*ts)
        third = grad(lambda *ts, second=second: second(*ts).sum(), i)(*xs)
        np.testing.assert_allclose(third, slope_by_differences(second, xs, i), rtol=1e-7, atol=1e-7)
        point = [x[0].item() for x in xs]
        assert grad(grad(grad(row, i), i), i)(*point) == pytest.approx(third[0], rel=1e-10, abs=1e-12)


def as_value_arrays(f, shapes):
    """f of arrays as a function of all their numbers, one after the other."""

    def of_numbers(*values):
        parts, start = [], 0
        for shape in shapes:
            size = math.prod(shape)
            part = np.empty(size, object)
            part[:] = values[start : start + size]
            parts.append(ValueArray(part.reshape(shape)))
            start += size
        y = f(*parts)
        return y.values.item() if isinstance(y, ValueArray) else y

    return of_numbers


# What a Value doesn't have: .reshape, .astype, and a place in stack().
OF_TENSORS_ALONE = {("reshape", 2), ("astype", 0), ("stack", 2)}


@pytest.mark.parametrize(("name", "number"), CASES)
def test_structural_rows_and_their_scalar_twins(name, number):
    """The Hessian along one direction: of Tensors, by a difference of gradients, and of the same code on Values."""
    case = STRUCTURAL[name][number]
    f, xs = cubed(lambda *ts: case.f(OURS, *ts)), tuple(inputs_of(case))
    v, value, product = hvp_agrees_with_differences(f, *xs)
    if (name, number) in OF_TENSORS_ALONE:
        return
    flat = lambda parts: tuple(np.concatenate([np.ravel(part) for part in parts]).tolist())
    again = hvp(as_value_arrays(f, case.shapes), flat(xs), flat(v))
    assert again[0] == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(again[1], flat(product), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("row", [largest, smallest])
def test_the_twins_rows_of_extremes(row):
    """On Values == asks whether they are the same: the slope was 0 in grad(f), and no check of second ones saw it."""
    xs = (0.5, 2.0, 2.0) if row is largest else (2.0, 0.5, 0.5)
    f = lambda a, b, c: row([a, b * b, c * c]) ** 3
    values = [Value(x) for x in xs]
    f(*values).backward()
    half = 96.0 if row is largest else 0.09375  # two tie, and share 3 y² · 2 b
    assert grad(f, (0, 1, 2))(*xs) == tuple(v.grad for v in values) == (0.0, half, half)
    assert hvp(lambda a, b: row([a, b * b]) ** 3, (10.0, 0.7), (0.0, 1.0))[1][1] == pytest.approx(
        30 * 0.7**4 if row is smallest else 0.0
    )


# ---- every layer ---------------------------------------------------------------------------------------------------

IDS = np.array([[1, 0, 2], [2, 2, 1]])

LAYERS = {
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(2), (1, 2, 5)),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((2, 1)), (1, 2, 4, 3)),
    "AvgPool1d": (lambda: nn.AvgPool1d(2), (1, 2, 5)),
    "AvgPool2d": (lambda: nn.AvgPool2d(2, padding=1), (1, 2, 4, 3)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), (4, 3)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(2).eval(), (2, 2, 2, 1)),
    "Conv1d": (lambda: nn.Conv1d(2, 3, 2, padding=1, seed=0), (2, 2, 4)),
    "Conv2d": (lambda: nn.Conv2d(2, 2, 2, stride=2, seed=0), (1, 2, 4, 4)),
    "Dropout": (lambda: nn.Dropout(0.5).eval(), (2, 3)),
    "Dropout1d": (lambda: nn.Dropout1d(0.5).eval(), (2, 3, 2)),
    "Dropout2d": (lambda: nn.Dropout2d(0.5).eval(), (1, 2, 3, 2)),
    "ELU": (lambda: nn.ELU(0.7), (2, 3)),
    "Embedding": (lambda: nn.Embedding(3, 2, padding_idx=0, seed=0), IDS),
    "Flatten": (lambda: nn.Flatten(), (2, 3, 2)),
    "GELU": (lambda: nn.GELU(), (2, 3)),
    "GRU": (lambda: nn.GRU(2, 2, bidirectional=True, seed=0), (2, 2, 2)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), (2, 4, 2)),
    "Identity": (lambda: nn.Identity(), (2, 3)),
    "LSTM": (lambda: nn.LSTM(2, 2, num_layers=2, seed=0), (2, 2, 2)),
    "LayerNorm": (lambda: nn.LayerNorm(3), (2, 3)),
    "LeakyReLU": (lambda: nn.LeakyReLU(0.1), (2, 3)),
    "LearnedPositions": (lambda: nn.LearnedPositions(4, 2, seed=0), (3, 2)),
    "Linear": (lambda: nn.Linear(3, 2, seed=0), (2, 3)),
    "LogSoftmax": (lambda: nn.LogSoftmax(-1), (2, 3)),
    "MaxPool1d": (lambda: nn.MaxPool1d(2), (1, 2, 5)),
    "MaxPool2d": (lambda: nn.MaxPool2d(2, padding=1), (1, 1, 4, 3)),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(4, 2, seed=0), (3, 1, 4)),
    "RMSNorm": (lambda: nn.RMSNorm(3), (2, 3)),
    "RNN": (lambda: nn.RNN(2, 2, seed=0), (2, 2, 2)),
    "ReLU": (lambda: nn.ReLU(), (2, 3)),
    "Sequential": (lambda: nn.Sequential(nn.Linear(3, 2, seed=0), nn.Tanh(), nn.Linear(2, 1, seed=1)), (2, 3)),
    "SiLU": (lambda: nn.SiLU(), (2, 3)),
    "Sigmoid": (lambda: nn.Sigmoid(), (2, 3)),
    "SinusoidalPositions": (lambda: nn.SinusoidalPositions(4, 2), (3, 2)),
    "Softmax": (lambda: nn.Softmax(-1), (2, 3)),
    "Softplus": (lambda: nn.Softplus(), (2, 3)),
    "Tanh": (lambda: nn.Tanh(), (2, 3)),
    "TransformerDecoderLayer": (lambda: nn.TransformerDecoderLayer(2, 1, 3, dropout=0.0, seed=0), (2, 1, 2)),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(2, 1, 3, dropout=0.0, seed=0), (2, 1, 2)),
}


def test_every_layer_has_a_sample():
    things = {name: getattr(nn, name) for name in dir(nn)}
    modules = {name for name, thing in things.items() if isinstance(thing, type) and issubclass(thing, nn.Module)}
    losses = {name for name in modules if name.endswith("Loss")}
    assert set(LAYERS) == modules - losses - {"Module", "Neuron", "Layer", "MLP"}


def called(layer, x):
    """The layer's output, from as many inputs as it has."""
    if isinstance(layer, nn.MultiheadAttention):
        return layer(x, x * x, x, need_weights=False)[0]
    if isinstance(layer, nn.TransformerDecoderLayer):
        return layer(x, x * x)
    y = layer(x)
    return y[0] if isinstance(y, tuple) else y


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    """By the input and by the parameters: grad(f) gives what backward() gives, and its slope is that of differences."""
    make, shape = LAYERS[name]
    layer = make()
    x = shape if isinstance(shape, np.ndarray) else drawn(shape)[0]
    own = dict(layer.named_parameters())

    def loss(*parts):
        changed = {f"layer.{name}": p for name, p in zip(own, parts, strict=False)}
        given = parts[-1] if len(parts) > len(own) else x
        return cubed(lambda z: nn.functional_call(Called(layer), changed, z))(given)

    inputs = [p.numpy() for p in own.values()] + ([x] if x.dtype.kind == "f" else [])
    backward_agrees_with_grad(loss, *inputs)
    hvp_agrees_with_differences(loss, *inputs)


class Called(nn.Module):
    """A layer with its one output."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, x):
        return called(self.layer, x)


def test_scalar_networks():
    net = nn.MLP(2, [3, 1], activation="tanh")
    assert gradcheck(net, [0.3, -0.2])
    assert gradgradcheck(lambda *xs: net(list(xs)) ** 3, 0.3, -0.2)


# ---- Hessian-vector products ---------------------------------------------------------------------------------------


def rosenbrock(x):
    return ((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2).sum()


def test_hvp_is_pytorchs():
    torch = pytest.importorskip("torch")
    x, v = drawn((5,), (5,))
    value, product = hvp(rosenbrock, x, v)
    theirs = torch.autograd.functional.hvp(rosenbrock, torch.tensor(x), torch.tensor(v))
    assert value == pytest.approx(theirs[0].item(), rel=1e-13)
    np.testing.assert_allclose(product, theirs[1].numpy(), rtol=1e-12)
    np.testing.assert_allclose(
        hessian(rosenbrock, x), torch.autograd.functional.hessian(rosenbrock, torch.tensor(x)).numpy(), rtol=1e-12
    )


def test_hvp_of_several_inputs_is_pytorchs():
    torch = pytest.importorskip("torch")
    f = lambda a, b, c: ((a @ b).tanh() * c).sum() ** 2
    xs, vs = tuple(drawn((2, 3), (3, 2), ())), tuple(drawn((2, 3), (3, 2), ()))
    value, product = hvp(f, xs, vs)
    theirs = torch.autograd.functional.hvp(f, tuple(map(torch.tensor, xs)), tuple(map(torch.tensor, vs)))
    assert value == pytest.approx(theirs[0].item(), rel=1e-13)
    blocks = torch.autograd.functional.hessian(f, tuple(map(torch.tensor, xs)))
    for part, other in zip(product, theirs[1], strict=True):
        np.testing.assert_allclose(part, other.numpy(), rtol=1e-11, atol=1e-12)
    for row, other_row in zip(hessian(f, xs), blocks, strict=True):
        for block, other in zip(row, other_row, strict=True):
            assert np.shape(block) == tuple(other.shape)
            np.testing.assert_allclose(block, other.numpy(), rtol=1e-11, atol=1e-12)


def test_hessian_is_sympys():
    sympy = pytest.importorskip("sympy")
    f = lambda k, x, y: k.exp(x * y) * k.sin(x) + y**3 / x
    a, b = sympy.symbols("a b")
    exact = sympy.hessian(f(sympy, a, b), (a, b)).subs({a: 0.7, b: -1.3})
    ours = SimpleNamespace(exp=mg.exp, sin=mg.sin)
    of_values = hessian(lambda x, y: f(ours, x, y), (0.7, -1.3))
    of_arrays = hessian(lambda x: f(ours, x[0], x[1]), [0.7, -1.3])
    for i in range(2):
        for j in range(2):
            assert of_values[i][j] == pytest.approx(float(exact[i, j]), rel=1e-13)
            assert of_arrays[i, j] == pytest.approx(float(exact[i, j]), rel=1e-13)


def test_hvp_gives_what_it_is_given():
    """Numbers for numbers, arrays for arrays, nodes for nodes, which can be differentiated again."""
    f = lambda x: x**4 if not hasattr(x, "sum") else (x**4).sum()
    value, product = hvp(f, 2.0, 0.5)
    assert (type(value), value, type(product), product) == (float, 16.0, float, 24.0)
    value, product = hvp(f, [2.0, 1.0], [0.5, 0.0])
    assert (type(value), type(product), product.tolist()) == (float, np.ndarray, [24.0, 0.0])
    for x, v in ((Value(2.0), 0.5), (Tensor([2.0, 1.0]), [0.5, 0.0])):
        value, product = hvp(f, x, v)
        assert type(value) is type(product) is type(x)
        (product if isinstance(x, Value) else product.sum()).backward()
        assert np.ravel(x.grad)[0] == 24.0  # (12 x²)' · 0.5
    assert grad(lambda x: hvp(f, x, 0.5)[1])(2.0) == 24.0
    assert grad(lambda v: hvp(f, 2.0, v)[1])(0.5) == 48.0
    assert hvp(f, np.ones(2, np.float32), np.ones(2))[1].dtype == np.float32
    assert hvp(f, (2.0,), (0.5,))[1] == (24.0,)


def test_hvp_of_what_does_not_bend():
    for f in (lambda x: x.sum(), lambda x: 3.0, lambda x: x.sign().sum()):
        _, product = hvp(f, np.ones(2), np.ones(2))
        assert product.tolist() == [0.0, 0.0]
    assert hvp(lambda x: 3.0, 1.0, 1.0) == (3.0, 0.0)
    assert hessian(lambda x, y: 3.0, (1.0, 2.0)) == ((0.0, 0.0), (0.0, 0.0))
    assert hessian(lambda x: (x * x).sum(), np.zeros((0, 2))).shape == (0, 2, 0, 2)


def test_shapes_of_hessians():
    f = lambda w, b: ((w * w).sum() * b * b) ** 2
    (ww, wb), (bw, bb) = hessian(f, (np.ones((2, 3)), 2.0))
    assert [np.shape(part) for part in (ww, wb, bw, bb)] == [(2, 3, 2, 3), (2, 3), (2, 3), ()]
    np.testing.assert_allclose(ww.reshape(6, 6), ww.reshape(6, 6).T)
    np.testing.assert_allclose(wb, bw)
    again = hessian(lambda w: (w**3).sum(), Tensor([[1.0, 2.0]]))
    assert isinstance(again, Tensor)
    assert again.shape == (1, 2, 1, 2)
    assert isinstance(hessian(lambda x: x**3, Value(1.0)), Value)


@pytest.mark.parametrize(
    ("inputs", "v", "error", "text"),
    [
        (np.ones(2), np.ones(3), ValueError, r"input 0 has shape \(2,\), but v has \(3,\) there"),
        (np.ones(2), 1.0, ValueError, r"input 0 has shape \(2,\), but v has \(\) there"),
        (np.ones(2), None, ValueError, r"input 0 has shape \(2,\), but v has NoneType there"),
        ((np.ones(2), 1.0), (np.ones(2), [1.0]), ValueError, r"input 1 has shape \(\), but v has \(1,\) there"),
        ((np.ones(2), 1.0), (np.ones(2),), ValueError, "inputs is a tuple of 2, .* got a tuple of 1"),
        ((np.ones(2),), np.ones(2), ValueError, "inputs is a tuple of 1, .* got ndarray"),
        ([Tensor([1.0])], [[1.0]], TypeError, r"stand in a tuple, as tuple\(model.parameters\(\)\)"),
        (np.ones(2), np.ones(2), ValueError, r"must give one number, it gave shape \(2,\)"),
    ],
)
def test_bad_input_to_hvp(inputs, v, error, text):
    with pytest.raises(error, match=text):
        hvp(lambda x, *more: x * 2, inputs, v)


@pytest.mark.parametrize(
    ("inputs", "error", "text"),
    [
        ({"a": 1.0}, TypeError, "hessian: inputs is a number, an array or a node, or a tuple of these; got dict"),
        ((1.0, "2"), TypeError, "or a tuple of these; got str"),
        ([[1.0], [1.0, 2.0]], ValueError, "the lists have unequal lengths"),
    ],
)
def test_bad_input_to_hessian(inputs, error, text):
    with pytest.raises(error, match=text):
        hessian(lambda *xs: xs[0], inputs)


# ---- a model's parameters ------------------------------------------------------------------------------------------


def network():
    return nn.Sequential(nn.Linear(2, 3, seed=0), nn.Tanh(), nn.Linear(3, 1, seed=1))


def test_hvp_by_the_parameters_of_a_model_is_pytorchs():
    torch = pytest.importorskip("torch")
    model = network()
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).double()
    theirs.load_state_dict({name: torch.tensor(x) for name, x in model.state_dict().items()})
    X, y = drawn((4, 2), (4, 1))
    own = dict(model.named_parameters())
    v = tuple(drawn(*(p.shape for p in own.values())))

    def loss(*ps):
        return nn.mse_loss(nn.functional_call(model, dict(zip(own, ps, strict=True)), X), y)

    def their_loss(*ps):
        output = torch.func.functional_call(theirs, dict(zip(own, ps, strict=True)), torch.tensor(X))
        return torch.nn.functional.mse_loss(output, torch.tensor(y))

    value, product = hvp(loss, tuple(own.values()), v)
    wanted = torch.autograd.functional.hvp(their_loss, tuple(theirs.parameters()), tuple(map(torch.tensor, v)))
    assert value.item() == pytest.approx(wanted[0].item(), rel=1e-12)
    for part, other in zip(product, wanted[1], strict=True):
        np.testing.assert_allclose(part.numpy(), other.numpy(), rtol=1e-10, atol=1e-12)
    assert all(p.grad is None for p in own.values())


def test_hvp_by_the_parameters_of_a_scalar_network():
    """The same number as by a difference of what backward() gives."""
    net = nn.MLP(2, [2, 1], activation="tanh")
    own = dict(net.named_parameters())
    f = lambda *ps: (nn.functional_call(net, dict(zip(own, ps, strict=True)), [0.3, -0.5]) - 1.0) ** 2
    v = tuple(math.cos(i) for i in range(len(own)))
    value, product = hvp(f, tuple(own.values()), v)

    def slopes(h):
        for p, d in zip(own.values(), v, strict=True):
            p.data += h * d
        net.zero_grad()
        ((net([0.3, -0.5]) - 1.0) ** 2).backward()
        for p, d in zip(own.values(), v, strict=True):
            p.data -= h * d
        return np.array([p.grad for p in own.values()])

    np.testing.assert_allclose([p.data for p in product], (slopes(1e-5) - slopes(-1e-5)) / 2e-5, rtol=1e-6, atol=1e-8)
    assert value.data == ((net([0.3, -0.5]) - 1.0) ** 2).data


class Roundabout(nn.Module):
    """Reaches its parameters in every way there is."""

    def __init__(self):
        self.w, self.kept = Tensor([[1.0], [2.0]]), {"b": [Tensor([0.5])]}
        self.pair = Pair(Tensor([2.0]), Tensor([3.0]))
        self.inner = nn.Linear(1, 1, seed=0)
        kept = self.kept["b"]
        self.f = lambda x: (x @ self.w + kept[0]) * self.pair.b  # through the module itself, and through a list
        self.calls = 0
        self.seen = np.zeros(1)
        self.register_forward_hook(lambda module, args, y: y + self.w.sum())

    def forward(self, x):
        self.calls += 1
        self.seen += 1.0
        self.last = x
        return self.inner(self.f(x)) * self.pair[0]


Pair = namedtuple("Pair", "a b")


def test_functional_call_reaches_parameters_whichever_way_the_module_does():
    net, other, x = Roundabout(), Roundabout(), np.array([[1.0, 2.0]])
    for p in other.parameters():
        p.data += 0.25
    given = dict(other.named_parameters())
    assert nn.functional_call(net, given, x).item() == other(x).item() != net(x).item()
    names, points = list(given), [p.numpy() for p in given.values()]
    slopes = grad(
        lambda *ps: nn.functional_call(net, dict(zip(names, ps, strict=True)), x).sum(), tuple(range(len(names)))
    )
    other(x).sum().backward()
    for slope, p in zip(slopes(*points), other.parameters(), strict=True):
        np.testing.assert_allclose(slope, p.grad, rtol=1e-12)


def test_functional_call_puts_everything_back():
    net, x = Roundabout(), np.array([[1.0, 2.0]])
    before, parameters = net.state_dict(), net.parameters()
    given = {name: Tensor(p.numpy() + 1) for name, p in net.named_parameters()}
    nn.functional_call(net, given, x)
    with pytest.raises(ValueError, match="inner sizes differ"):
        nn.functional_call(net, given, np.ones((1, 3)))
    assert all(a is b for a, b in zip(parameters, net.parameters(), strict=True))
    assert (net.calls, net.seen.tolist(), hasattr(net, "last")) == (0, [0.0], False)
    assert all(np.array_equal(a, b) for a, b in zip(before.values(), net.state_dict().values(), strict=True))


def test_functional_calls_of_several_threads_take_turns():
    net, x = Roundabout(), np.array([[1.0, 2.0]])
    shapes = {name: p.shape for name, p in net.named_parameters()}

    def output(shift):
        return nn.functional_call(net, {name: np.full(shape, shift) for name, shape in shapes.items()}, x).item()

    alone = [output(shift) for shift in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert [*pool.map(output, [*range(6)] * 50)] == alone * 50


def test_a_twin_of_a_module_with_a_function_that_holds_it_is_refused():
    with pytest.raises(
        TypeError, match=r"scalar_twin\(\) copies the module, but f is a function that holds the module"
    ):
        Roundabout().scalar_twin()

    class Outer(nn.Module):
        def __init__(self):
            self.inner = nn.Linear(1, 1)
            weight = self.inner.weight
            self.inner.f = [lambda x: x @ weight]

    with pytest.raises(TypeError, match=r"but inner\.f\.0 is a function that holds the module itself or a parameter"):
        Outer().scalar_twin()


def test_functional_call_leaves_the_module_as_it_is():
    model = nn.Sequential(nn.Linear(2, 2, seed=0), nn.BatchNorm1d(2))
    before, own = model.state_dict(), model.parameters()
    x = drawn((4, 2))[0]
    y = nn.functional_call(model, {"0.weight": Tensor(np.eye(2))}, x)
    by_hand = nn.BatchNorm1d(2)(x + before["0.bias"])
    np.testing.assert_allclose(y.numpy(), by_hand.numpy(), rtol=1e-12)
    assert all(a is b for a, b in zip(own, model.parameters(), strict=True))
    for name, numbers in model.state_dict().items():
        np.testing.assert_array_equal(numbers, before[name])
    y.sum().backward()  # those left out are the module's own, and receive their gradient
    assert model[1].bias.grad.tolist() == [4.0, 4.0]
    assert model[0].weight.grad is None
    shared = nn.Sequential(model[0], model[0])  # one layer in two places
    np.testing.assert_allclose(
        nn.functional_call(shared, {"0.weight": np.eye(2)}, x).numpy(), x + 2 * before["0.bias"], rtol=1e-12
    )


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"2.weight": np.eye(2)}, r"Sequential has no parameter '2.weight': its parameters are 0.weight, 0.bias"),
        ({"1.running_mean": np.zeros(2)}, "has no parameter '1.running_mean'"),
        ({"0.weight": np.zeros(2)}, r"0.weight has shape \(2, 2\), and is given \(2,\)"),
    ],
)
def test_bad_input_to_functional_call(parameters, text):
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    with pytest.raises(ValueError, match=text):
        nn.functional_call(model, parameters, np.ones((3, 2)))


def test_functional_call_takes_a_module_and_a_dict():
    with pytest.raises(TypeError, match=r"functional_call takes a dict of parameters by name, got None"):
        nn.functional_call(nn.Linear(1, 1), None, 1.0)
    with pytest.raises(TypeError, match=r"functional_call takes a module, .* got 3"):
        nn.functional_call(3, {}, 1.0)


# ---- compiled functions --------------------------------------------------------------------------------------------


def test_compiled_functions():
    f = mg.compile(lambda x: (x * x).tanh() * x)
    g = mg.compile(lambda x: ((x * x).tanh() * x).sum())
    for _ in range(3):  # recorded, confirmed, replayed
        f(Value(0.3)), g(Tensor([0.3, 0.5]))
    plain = lambda x: (x * x).tanh() * x
    assert f.replays
    assert g.replays
    assert grad(grad(f))(0.3) == grad(grad(plain))(0.3)
    assert hvp(f, 0.3, 2.0)[1] == pytest.approx(2 * grad(grad(plain))(0.3), rel=1e-14)
    assert gradgradcheck(lambda x: grad(g)(x).sum(), np.array([0.3, 0.5]))
    v = np.array([1.0, -1.0])
    np.testing.assert_allclose(
        hvp(g, np.array([0.3, 0.5]), v)[1], v * [grad(grad(plain))(0.3), grad(grad(plain))(0.5)], rtol=1e-13
    )


def test_a_compiled_hvp():
    x, v = drawn((4,), (4,))
    product = mg.compile(lambda x: hvp(rosenbrock, x, v)[1])
    for k in range(4):
        np.testing.assert_allclose(product(Tensor(x + k)).numpy(), hvp(rosenbrock, x + k, v)[1], rtol=1e-12)
    assert product.replays == 2


# ---- what can't be differentiated again says so --------------------------------------------------------------------

fused = Structural("fused", lambda x: (x * x, x), lambda g, kept, x: 2 * g * kept, keeps=True)
by_numbers = Structural("by_numbers", np.sort, lambda g, y, x: g.numpy() * 1.0)


def test_a_fused_row():
    assert Tensor([1.0]).apply(fused, Tensor([3.0])).tolist() == [9.0]
    with pytest.raises(TypeError, match=r"`fused` stands for many operations .*call backward\(\), or write"):
        grad(lambda x: fused(x).sum())(np.ones(2))
    with pytest.raises(TypeError, match="`fused` stands for many"):
        hvp(lambda x: fused(x).sum(), np.ones(2), np.ones(2))


def test_what_a_compiled_function_gave():
    f = mg.compile(lambda x: x * x)
    for _ in range(3):
        y = f(Value(3.0))
    with pytest.raises(TypeError, match=r"stands for many operations .* not compiled"):
        gradgradcheck(f, Value(3.0))
    assert grad(lambda x: x * y)(2.0) == 9.0, "a constant of f: nobody asks for its derivative"
    assert grad(lambda x: y)(2.0) == 0.0


def test_a_rule_that_gives_plain_numbers():
    with pytest.raises(TypeError, match=r"the rule of `by_numbers` for input 0 gives plain .*lost: write it with"):
        grad(lambda x: by_numbers(x).sum())(np.ones(2))


def test_functions_of_numpy_in_a_rule():
    own = Unary("own", np.sin, lambda y, x: np.cos(x))  # NumPy's elementary functions are ours on nodes
    assert grad(grad(lambda x: own(x).sum()))(np.array(0.3)) == pytest.approx(-math.sin(0.3))
    loses = Unary("loses", math.sin, lambda y, x: math.cos(x))
    with pytest.raises(TypeError, match="would lose its gradient"):
        grad(loses)(0.3)


def test_backward_inside_of_grad():
    """It leaves plain numbers in .grad: the derivative of what is computed of them was 0, without a word."""

    def slope(x):
        y = x**3
        y.backward()
        return x.grad * 1.0

    with pytest.raises(RuntimeError, match=r"backward\(\) inside grad\(f\) leaves plain numbers .*grad\(g\)\(x\)"):
        grad(slope)(2.0)
    with pytest.raises(RuntimeError, match="inside grad"):
        grad(lambda t: (t * t).sum().backward())(np.ones(2))
    assert slope(Value(2.0)) == 12.0


@pytest.mark.parametrize("kind", [Value, Tensor])
def test_numbers_that_change_inside_of_f(kind):
    """Rules on nodes read what these hold by then: the derivative was that at the new numbers."""
    w = kind(2.0)

    def changes(x):
        y = w * x
        w.data = 7.0
        return y

    def changes_back(x):
        y = w * x
        w.data = w.data * 1.0
        return y

    with pytest.raises(RuntimeError, match=r"`mul`: what it was computed from .* was changed by \.data inside f"):
        grad(changes)(1.0 if kind is Value else np.array(1.0))
    w.data = 2.0
    assert float(grad(changes_back)(1.0 if kind is Value else np.array(1.0))) == 2.0

    def changes_the_result(x):
        y = x.exp()
        y.data = 0.0
        return y * 1.0

    with pytest.raises(RuntimeError, match="was changed by"):
        grad(changes_the_result)(1.0 if kind is Value else np.array(1.0))


def test_an_array_made_of_a_tensor_inside_of_grad():
    with pytest.raises(TypeError, match=r"inside grad\(f\) would lose its gradient: use the Tensor itself"):
        grad(lambda x: Tensor(np.asarray(x)).sum())(np.ones(2))
    assert grad(lambda x: (x * x.numpy()).sum())(np.ones(2)).tolist() == [1.0, 1.0], "said to be a constant"
    fixed = Tensor([2.0], requires_grad=False)
    assert grad(lambda x: (x * np.asarray(fixed)).sum())(np.ones(1)).tolist() == [2.0]


def test_a_copy_of_the_argument():
    for of in (copy.copy, copy.deepcopy, lambda x: copy.deepcopy([x])[0], lambda x: copy.deepcopy(x * 2)):
        with pytest.raises(TypeError, match=r"a copy of f's argument, .* has no gradient inside grad\(f\)"):
            grad(lambda x, of=of: of(x) * 2)(2.0)
    fixed = Value(3.0)
    assert grad(lambda x: copy.deepcopy(fixed) * x)(2.0) == 3.0
    assert copy.deepcopy(fixed * 2).data == 6.0


def test_one_kind_of_graph_given_and_the_other_made():
    with pytest.raises(TypeError, match="was given a Tensor and gave a Value: the two kinds of graph don't mix"):
        grad(lambda x: x.to_values().sum())(np.ones(2))
    with pytest.raises(TypeError, match="ValueArray is many Values"):
        grad(lambda x: x.sum())(Tensor([1.0]).to_values())


def test_the_node_itself_in_place_of_the_argument():
    """The parameters given, but read off the model: the gradient was 0, without a word."""
    model, x = network(), np.ones((1, 2))
    weights = tuple(model.parameters())
    for f in (
        lambda: grad(lambda w: model(x).sum())(weights[0]),
        lambda: hvp(lambda *ws: model(x).sum(), weights, tuple(np.ones(w.shape) for w in weights)),
        lambda: hessian(lambda w: model(x).sum(), weights[1]),
    ):
        with pytest.raises(ValueError, match=r"the same node reached from elsewhere .*nn\.functional_call"):
            f()
    v = Value(3.0)
    with pytest.raises(ValueError, match="the same node reached from elsewhere"):
        value_and_grad(lambda x: v * v)(v)
    assert grad(lambda x: v * x)(v).data == 3.0
    assert grad(lambda x: v * v)(2.0) == 0.0, "another node: a constant"


# ---- slopes that were 0, or nan, without a word --------------------------------------------------------------------


def test_hooks_are_called():
    def f(x):
        y = x * x
        y.register_hook(lambda g: g * 10)
        return y * 3.0

    x, t = Value(2.0), Tensor(2.0)
    f(x).backward()
    f(t).backward()
    assert grad(f)(2.0) == grad(f)(np.array(2.0)) == x.grad == t.grad == 120.0
    assert grad(grad(f))(2.0) == 60.0


def test_powers_with_an_exponent_of_0_that_varies():
    """d²(a**b) / da db = a**(b-1) (1 + b log a): at b = 0 it is 1/a."""
    mixed = [(0, 1), (1, 0)]
    for i, j in mixed:
        assert grad(grad(lambda a, b: a**b, i), j)(2.0, 0.0) == 0.5
        f = lambda a, b, i=i: grad(lambda a, b: (a**b).sum(), i)(a, b).sum()
        slopes = grad(f, j)(np.array([2.0, 4.0, 0.0]), np.array([0.0, 1.0, 2.0]))
        np.testing.assert_allclose(slopes, [0.5, 1 + math.log(4), 0])


def test_powers_of_0_with_an_array_of_exponents():
    """nan came out of 0 · inf, at places that aren't used."""
    f, zeros = lambda x: (x ** np.array([0.0, 1.0, 2.0, 3.0])).sum(), np.zeros(4)
    wanted = [[0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 6]]
    for row in wanted:
        slope = grad(f)
        np.testing.assert_array_equal(slope(zeros), row)
        f = lambda x, slope=slope: slope(x).sum()
    f = lambda b: (np.zeros(3) ** b).sum()
    assert grad(f)(np.array([0.5, 1.0, 2.0])).tolist() == [0.0, 0.0, 0.0]
    assert grad(lambda b: grad(f)(b).sum())(np.array([0.5, 1.0, 2.0])).tolist() == [0.0, 0.0, 0.0]


def test_probabilities_as_a_target_have_a_gradient():
    torch = pytest.importorskip("torch")
    x, target = drawn((2, 3, 2))[0], np.full((2, 3, 2), 1 / 3)
    weight = [1.0, 2.0, 0.5]
    for settings in ({}, {"reduction": "sum", "label_smoothing": 0.2}, {"weight": weight}):
        tx, tt = (torch.tensor(a, requires_grad=True) for a in (x, target))
        theirs = settings | ({"weight": torch.tensor(weight).double()} if "weight" in settings else {})
        torch.nn.functional.cross_entropy(tx, tt, **theirs).backward()
        mx, mt = Tensor(x), Tensor(target)
        nn.cross_entropy(mx, mt, **settings).backward()
        np.testing.assert_allclose(mx.grad, tx.grad.numpy(), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(mt.grad, tt.grad.numpy(), rtol=1e-12, atol=1e-15)
    one = Tensor(target[0, :, 0])
    assert nn.cross_entropy(x[0, :, 0], one, reduction="none").shape == ()


def test_weights_of_losses():
    losses, mask = drawn((2, 3), (3,))
    assert gradcheck(lambda x, m: masked_mean(x * x, m * m), losses, mask)
    assert gradgradcheck(lambda x, m: masked_mean(x * x, m * m), losses, mask)
    with pytest.raises(TypeError, match=r"class weights are constants .*weight\.detach\(\)"):
        grad(lambda w: nn.cross_entropy(losses, [0, 1], weight=w))(np.ones(3))
    with pytest.raises(TypeError, match=r"class weights are constants .*weight\.detach\(\)"):
        grad(lambda w: nn.nll_loss(losses, [0, 1], weight=w))(np.ones(3))


@pytest.mark.parametrize("f", [lambda x: x.norm(axis=1).sum(), lambda x: x.std(axis=1).sum()], ids=["norm", "std"])
def test_where_a_root_is_zero_its_second_slopes_are(f):
    """A convention, as for the first: the slope that isn't used is never divided by 0, which would make it nan."""
    zeros, numbers = [0.0, 0.0], [3.0, -5.0]
    both = mg.hessian(f, Tensor([zeros, numbers])).numpy()
    alone = mg.hessian(f, Tensor([numbers])).numpy()
    np.testing.assert_array_equal(both[0], 0.0)
    np.testing.assert_allclose(both[1, :, 1], alone[0, :, 0], rtol=1e-13)
