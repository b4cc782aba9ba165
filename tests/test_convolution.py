"""Convolutions: PyTorch's numbers and gradients, a plain loop's, the scalar twin's; all that a row of the table can."""

import copy
import itertools
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import micrograd_plus as mg
from micrograd_plus import Tensor, gradcheck, gradgradcheck, nn, no_grad
from micrograd_plus.nn import convolution as rows
from micrograd_plus.nn import functional as F  # noqa: N812 - PyTorch's habit

CLOSE = {np.float64: {"rtol": 1e-9, "atol": 1e-9}, np.float32: {"rtol": 1e-4, "atol": 1e-4}}
EXACT = {"rtol": 1e-10, "atol": 1e-12}


def plain_convolution(x, weight, bias, stride, padding, dilation, groups):
    """The formula, loop by loop; no matrix, no slice."""
    n, _, height, width = x.shape
    o, c, kh, kw = weight.shape
    out_h = (height + 2 * padding[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    out_w = (width + 2 * padding[1] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    y = np.zeros((n, o, out_h, out_w))
    for sample, filter_, i, j in np.ndindex(*y.shape):
        y[sample, filter_, i, j] = bias[filter_]
        for channel, a, b in np.ndindex(c, kh, kw):
            row = i * stride[0] + a * dilation[0] - padding[0]
            column = j * stride[1] + b * dilation[1] - padding[1]
            if 0 <= row < height and 0 <= column < width:
                seen = x[sample, filter_ // (o // groups) * c + channel, row, column]
                y[sample, filter_, i, j] += weight[filter_, channel, a, b] * seen
    return y


@st.composite
def convolutions(draw, axes=2):
    """Shapes and settings that fit together."""
    small = st.integers(1, 3)
    pair = st.tuples(*[small] * axes)
    groups, n = draw(st.sampled_from([1, 1, 2, 3])), draw(st.integers(1, 3))
    c, o = groups * draw(small), groups * draw(small)
    kernel, stride, dilation = draw(pair), draw(pair), draw(pair)
    padding = draw(st.tuples(*[st.integers(0, 3)] * axes))
    size = draw(st.tuples(*[st.integers(1, 7)] * axes))
    fits = [m + 2 * p > d * (k - 1) for m, p, d, k in zip(size, padding, dilation, kernel, strict=True)]
    assume(all(fits))
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    return rng.normal(size=(n, c, *size)), rng.normal(size=(o, c // groups, *kernel)), rng.normal(size=o), how


# ---- the numbers ----------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(convolutions())
def test_a_plain_loop_gives_the_same(case):
    x, weight, bias, how = case
    y = F.conv2d(Tensor(x), Tensor(weight), Tensor(bias), **how)
    np.testing.assert_allclose(y.numpy(), plain_convolution(x, weight, bias, **how), **EXACT)


@settings(max_examples=60, deadline=None)
@given(convolutions())
def test_each_gradient_is_the_transpose_of_the_forward_pass(case):
    """The row is linear in x and in the weight: <g, conv(x, w)> = <x's gradient, x> = <w's gradient, w>."""
    x, weight, _, how = case
    leaves = Tensor(x), Tensor(weight)
    y = F.conv2d(*leaves, **how)
    g = np.random.default_rng(0).normal(size=y.shape)
    y.backward(g)
    whole = (g * y.numpy()).sum()
    for leaf in leaves:
        np.testing.assert_allclose((leaf.grad * leaf.numpy()).sum(), whole, rtol=1e-9, atol=1e-9)


def check_against_torch(case, dtype, axes=2):
    torch = pytest.importorskip("torch")
    *arrays, how = case
    arrays = [a.astype(dtype) for a in arrays]
    ours, theirs = [Tensor(a) for a in arrays], [torch.tensor(a, requires_grad=True) for a in arrays]
    y = getattr(F, f"conv{axes}d")(*ours, **how)
    want = getattr(torch.nn.functional, f"conv{axes}d")(*theirs, **how)
    g = np.random.default_rng(1).normal(size=y.shape).astype(dtype)
    y.backward(g)
    want.backward(torch.tensor(g))
    assert y.dtype == dtype
    np.testing.assert_allclose(y.numpy(), want.detach().numpy(), **CLOSE[dtype])
    for a, b in zip(ours, theirs, strict=True):
        assert a.grad.dtype == dtype
        np.testing.assert_allclose(a.grad, b.grad.numpy(), **CLOSE[dtype])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@settings(max_examples=60, deadline=None)
@given(case=convolutions())
def test_conv2d_is_pytorchs(dtype, case):
    check_against_torch(case, dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@settings(max_examples=40, deadline=None)
@given(case=convolutions(axes=1))
def test_conv1d_is_pytorchs(dtype, case):
    check_against_torch(case, dtype, axes=1)


@pytest.mark.parametrize("channels", [(1, 8), (8, 1), (4, 4)])  # both ways to the gradient of x
@pytest.mark.parametrize(
    ("kernel", "dilation", "padding"), list(itertools.product([2, 3, (2, 4)], [1, 2], ["same", "valid"]))
)
def test_padding_by_name_is_pytorchs(channels, kernel, dilation, padding):
    rng = np.random.default_rng(0)
    kernel = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    c, o = channels
    case = rng.normal(size=(2, c, 7, 8)), rng.normal(size=(o, c, *kernel)), rng.normal(size=o)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # PyTorch's, of padding that isn't the same on both sides
        check_against_torch((*case, {"padding": padding, "dilation": dilation}), np.float64)
    if padding == "same":
        assert F.conv2d(*case, padding="same", dilation=dilation).shape == (2, o, 7, 8)


@pytest.mark.parametrize("axes", [1, 2])
def test_without_samples_or_without_a_batch(axes):
    torch = pytest.importorskip("torch")
    layer = (nn.Conv1d, nn.Conv2d)[axes - 1](2, 3, 3, padding=1, stride=2)
    size = (5, 4)[:axes]
    empty = Tensor(np.zeros((0, 2, *size)))
    y = layer(empty)
    y.sum().backward()
    assert y.shape == (0, 3, *((3, 2)[:axes]))
    assert empty.grad.shape == empty.shape
    assert not layer.weight.grad.any()
    x = np.random.default_rng(0).normal(size=(2, *size))
    one, batch = Tensor(x), Tensor(x[None])
    (layer(one) ** 2).sum().backward()
    (layer(batch) ** 2).sum().backward()
    assert layer(one).shape == layer(batch).shape[1:]
    np.testing.assert_array_equal(layer(one).numpy(), layer(batch).numpy()[0])
    np.testing.assert_array_equal(one.grad, batch.grad[0])
    theirs = getattr(torch.nn.functional, f"conv{axes}d")
    arguments = [torch.tensor(a) for a in (x, layer.weight.numpy().copy(), layer.bias.numpy().copy())]
    np.testing.assert_allclose(layer(one).numpy(), theirs(*arguments, padding=1, stride=2).numpy(), **EXACT)


def test_lists_and_plain_arrays():
    y = F.conv1d([[[1.0, 2.0, 4.0]]], [[[-1.0, 1.0]]], [10.0])
    assert isinstance(y, np.ndarray)
    assert y.tolist() == [[[11.0, 12.0]]]
    assert F.conv1d([[[1.0, 2.0, 4.0]]], Tensor([[[-1.0, 1.0]]])).tolist() == [[[1.0, 2.0]]]
    assert F.conv2d(np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)), stride=[2, 1]).shape == (1, 1, 1, 2)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 2, 3, 0), (0, 2, 3, 1), (3, 2, 1, 0)])
def test_the_order_of_memory_changes_nothing(order):
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(3, 4, 6, 5)), rng.normal(size=(4, 4, 3, 3))
    turned = np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
    assert turned.shape == x.shape
    results = []
    for array in (x, turned):
        leaves = Tensor(array), Tensor(weight)
        y = F.conv2d(*leaves, padding=1)
        y.backward(array * 2)
        results.append((y.numpy(), *(leaf.grad for leaf in leaves)))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, **EXACT)


# ---- derivatives ----------------------------------------------------------------------------------------------------

SETTINGS = [
    {},
    {"padding": 1},
    {"stride": 2, "padding": (1, 0)},
    {"dilation": 2, "padding": 2},
    {"groups": 2, "stride": (1, 2)},
    {"padding": 3},  # more than the kernel reaches
]


@pytest.mark.parametrize("how", SETTINGS, ids=str)
@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_derivatives_of_both_orders(check, how):
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(2, 2, 4, 5)), rng.normal(size=(4, 2 // how.get("groups", 1), 2, 2)), rng.normal(size=4)
    assert check(lambda x, w, b: (F.conv2d(x, w, b, **how) ** 3).sum(), *map(Tensor, inputs), sample=40)


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_the_other_two_rows_have_derivatives_too(check):
    rng = np.random.default_rng(3)
    g, x, weight = (Tensor(rng.normal(size=s)) for s in [(2, 3, 3, 3), (2, 2, 4, 4), (3, 2, 2, 2)])
    how = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}
    assert check(lambda g, w: (rows.convolution_input(g, w, size=(4, 4), **how) ** 3).sum(), g, weight, sample=40)
    assert check(lambda g, x: (rows.convolution_weight(g, x, kernel=(2, 2), **how) ** 3).sum(), g, x, sample=40)


def test_the_first_layers_input_gradient_is_never_computed(monkeypatch):
    calls = []
    pull = rows.convolution.rules[0]
    counted = lambda *args, **how: calls.append(1) or pull(*args, **how)
    monkeypatch.setattr(rows.convolution, "rules", (counted, *rows.convolution.rules[1:]))
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 3, 3))
    images = np.random.default_rng(0).normal(size=(2, 1, 7, 7))
    model(images).sum().backward()
    assert len(calls) == 1  # the second layer's
    model[0].requires_grad_(False)
    model(images).sum().backward()
    assert len(calls) == 1
    model(Tensor(images)).sum().backward()
    assert len(calls) == 3


def test_gradients_share_no_memory_and_graphs_keep_what_they_saw():
    layer = nn.Conv2d(2, 2, 3, padding=1)
    x = Tensor(np.ones((2, 2, 4, 4)))
    y = (layer(x) ** 2).sum()
    y.backward()
    first = x.grad.copy(), layer.weight.grad.copy()
    layer.weight.data *= 2
    layer.weight.grad = x.grad = None
    y.backward()
    np.testing.assert_array_equal(x.grad, first[0])
    np.testing.assert_array_equal(layer.weight.grad, first[1])
    with no_grad():
        assert not layer(x).requires_grad


# ---- the twin, compile, pictures, copies ----------------------------------------------------------------------------


def network(dtype=None, seed=0):
    layers = [nn.Conv2d(1, 2, 3, padding=1, dtype=dtype, seed=seed), nn.Tanh()]
    layers += [nn.Conv2d(2, 2, (2, 3), stride=2, groups=2, dtype=dtype, seed=seed + 1), nn.Flatten()]
    return nn.Sequential(*layers)


IMAGES = np.random.default_rng(5).normal(size=(2, 1, 5, 4))


def test_the_scalar_twin_has_the_same_numbers():
    model = network()
    twin = model.scalar_twin()
    (model(IMAGES) ** 2).sum().backward()
    y = twin(IMAGES)
    (y**2).sum().backward()
    np.testing.assert_allclose(y.numpy(), model(IMAGES).numpy(), **EXACT)
    for layer in (0, 2):
        np.testing.assert_allclose(twin[layer].weight.grad, model[layer].weight.grad, **EXACT)
        np.testing.assert_allclose(twin[layer].bias.grad, model[layer].bias.grad, **EXACT)


def test_a_graph_can_be_opened_into_values():
    x = Tensor(IMAGES)
    loss = (network()(x) ** 2).sum()
    loss.backward()
    leaves = {}
    opened = loss.to_values(leaves)
    opened.backward()
    assert opened.data == pytest.approx(loss.item(), rel=1e-12)
    np.testing.assert_allclose(leaves[x].grad, x.grad, **EXACT)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_compiled_is_eager(dtype):
    x = IMAGES.astype(dtype)
    eager, model = network(dtype), network(dtype)
    step = mg.compile(lambda x: (model(x) ** 2).sum())
    for _ in range(3):
        for m in (eager, model):
            m.zero_grad()
        want, got = (eager(x) ** 2).sum(), step(x)
        want.backward()
        got.backward()
        np.testing.assert_allclose(got.numpy(), want.numpy(), **CLOSE[dtype])
        for p, q in zip(model.parameters(), eager.parameters(), strict=True):
            np.testing.assert_allclose(p.grad, q.grad, **CLOSE[dtype])
            p.data -= 0.1 * p.grad
            q.data -= 0.1 * q.grad
        x = x + dtype(0.5)


def test_copies_and_pickles():
    model = network()
    loss = (model(IMAGES) ** 2).sum()
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again(IMAGES).numpy(), model(IMAGES).numpy())
        assert repr(again) == repr(model)
    for graph in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        graph.backward()
        assert graph.item() == loss.item()
    for row in rows.CONVOLUTION_TABLE.values():
        assert pickle.loads(pickle.dumps(row)) is row


@pytest.mark.parametrize("how", SETTINGS, ids=str)
def test_it_can_be_drawn_and_written_down(how):
    rng = np.random.default_rng(0)
    x = Tensor(rng.normal(size=(1, 2, 4, 5)), label="x")
    w = Tensor(rng.normal(size=(2, 2 // how.get("groups", 1), 2, 2)), label="w")
    b = Tensor(rng.normal(size=2), label="b")
    loss = (F.conv2d(x, w, b, **how) ** 2).sum()
    loss.backward()
    assert "convolution" in str(mg.draw(loss))
    scope = {}
    exec(str(mg.to_python(loss, names={"x": x, "w": w, "b": b})), scope)
    for name, leaf in (("x", x), ("w", w), ("b", b)):
        np.testing.assert_allclose(scope["gradient"][name], leaf.grad, **EXACT)


def test_its_formula_is_the_rows_own():
    y = F.conv2d(Tensor(np.ones((1, 1, 3, 3))), Tensor(np.ones((1, 1, 2, 2)), label="w"))
    assert "receives convolution_input(g, w, (3, 3)" in str(mg.formula(y))


def test_a_float_is_no_whole_number_even_after_the_whole_number_that_it_equals():
    x, w = np.ones((1, 1, 4, 4)), np.ones((1, 1, 2, 2))
    F.conv2d(x, w, stride=2)
    with pytest.raises(ValueError, match=r"conv2d: stride is .* got 2\.0"):
        F.conv2d(x, w, stride=2.0)


def test_settings_may_be_arrays():
    x, w = np.ones((1, 1, 6, 6)), np.ones((1, 1, 2, 2))
    assert F.conv2d(x, w, stride=np.array([1, 2])).shape == (1, 1, 5, 3)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (None, "conv2d: the input is an array of numbers, a Tensor or nested lists; got NoneType"),
        ("image", "conv2d: the input is an array of numbers, .* got str 'image'"),
        ([Tensor(np.ones((1, 4, 4)))], "a list of Tensors .* stack"),  # NumPy would take it, and lose the gradient
    ],
)
def test_what_is_no_array_is_refused(x, message):
    with pytest.raises(TypeError, match=message):
        F.conv2d(x, np.ones((1, 1, 2, 2)))


@pytest.mark.parametrize("size", [1, 300, 10_000])
def test_the_size_of_a_block_changes_nothing(size, monkeypatch):
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 3, 7, 5)), rng.normal(size=(3, 3, 2, 3)), rng.normal(size=3)
    want = plain_convolution(x, w, b, (1, 1), (1, 2), (1, 1), 1)
    monkeypatch.setattr(rows, "BLOCK", size)
    leaves = Tensor(x), Tensor(w), Tensor(b)
    y = F.conv2d(*leaves, padding=(1, 2))
    y.backward(want)
    np.testing.assert_allclose(y.numpy(), want, **EXACT)
    monkeypatch.undo()
    again = Tensor(x), Tensor(w), Tensor(b)
    F.conv2d(*again, padding=(1, 2)).backward(want)
    for p, q in zip(leaves, again, strict=True):
        np.testing.assert_allclose(p.grad, q.grad, **EXACT)


# ---- modules --------------------------------------------------------------------------------------------------------

LAYERS = [
    ("Conv1d", (3, 4, 3), {}),
    ("Conv1d", (4, 4, 2), {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}),
    ("Conv1d", (3, 4, 3), {"padding": "same", "bias": False}),
    ("Conv2d", (3, 4, 3), {}),
    ("Conv2d", (4, 6, (2, 3)), {"stride": (2, 1), "padding": (1, 0), "dilation": 2, "groups": 2}),
    ("Conv2d", (3, 4, 3), {"padding": "same", "bias": False}),
]


@pytest.mark.parametrize(("name", "sizes", "how"), LAYERS, ids=str)
def test_state_dicts_both_ways(name, sizes, how):
    torch = pytest.importorskip("torch")
    ours, theirs = getattr(nn, name)(*sizes, **how), getattr(torch.nn, name)(*sizes, **how).double()
    x = np.random.default_rng(0).normal(size=(2, sizes[0], *((7, 6)[: int(name[4])])))
    assert ours.extra_repr() == theirs.extra_repr()
    ours.load_state_dict(theirs.state_dict())
    np.testing.assert_allclose(ours(x).numpy(), theirs(torch.tensor(x)).detach().numpy(), **EXACT)
    ours = getattr(nn, name)(*sizes, **how, seed=1)
    theirs.load_state_dict({key: torch.tensor(value) for key, value in ours.state_dict().items()})
    np.testing.assert_allclose(ours(x).numpy(), theirs(torch.tensor(x)).detach().numpy(), **EXACT)


def test_weights_start_evenly_within_pytorchs_bound():
    layer = nn.Conv2d(8, 200, (3, 5), groups=2, seed=0)
    bound = 1 / np.sqrt(4 * 15)
    for p in (layer.weight, layer.bias):
        assert np.abs(p.numpy()).max() <= bound
        assert np.abs(p.numpy()).max() > 0.95 * bound
        assert p.numpy().std() == pytest.approx(bound / np.sqrt(3), rel=0.1)
    same, other = nn.Conv2d(8, 200, (3, 5), groups=2, seed=0), nn.Conv2d(8, 200, (3, 5), groups=2, seed=1)
    np.testing.assert_array_equal(layer.weight.numpy(), same.weight.numpy())
    assert (layer.weight.numpy() != other.weight.numpy()).any()
    assert layer.weight.dtype == np.float64
    assert nn.Conv1d(1, 2, 3, dtype=np.float32).bias.dtype == np.float32
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]


def test_a_convolution_learns_the_filter_that_made_the_data():
    rng = np.random.default_rng(0)
    x, edge = rng.normal(size=(16, 1, 6, 6)), rng.normal(size=(1, 1, 3, 3))
    y = F.conv2d(x, edge)
    layer = nn.Conv2d(1, 1, 3, seed=0)
    for _ in range(200):
        layer.zero_grad()
        nn.mse_loss(layer(x), y).backward()
        for p in layer.parameters():
            p.data -= 0.2 * p.grad
    np.testing.assert_allclose(layer.weight.numpy(), edge, atol=1e-4)


# ---- what can't be --------------------------------------------------------------------------------------------------

x4, w4 = np.ones((2, 3, 5, 5)), np.ones((4, 3, 3, 3))
ERRORS = [
    (lambda: F.conv2d(np.ones((5, 5)), w4), r"conv2d: the input .*\(N, C, H, W\) or \(C, H, W\).*\(5, 5\)"),
    (lambda: F.conv1d(x4, np.ones((4, 3, 3))), r"conv1d: the input .*\(N, C, L\) or \(C, L\)"),
    (lambda: F.conv2d(x4, np.ones((4, 3, 3))), r"conv2d: the weight .*\(4, 3, 3\)"),
    (lambda: F.conv2d(np.ones((2, 5, 5, 3)), w4), r"has 5 channels in shape \(2, 5, 5, 3\).*made for 3.*transpose"),
    (lambda: F.conv2d(x4, np.ones((4, 1, 3, 3)), groups=2), r"3 channels .* 1 channels for each of 2 groups"),
    (lambda: F.conv2d(x4, w4, np.ones(3)), r"one bias for each of the 4 filters, got the shape \(3,\)"),
    (lambda: F.conv2d(x4, np.ones((4, 3, 6, 1))), r"kernel of size \(6, 1\).* larger than .*\(5, 5\)"),
    (lambda: F.conv2d(x4, w4, dilation=3), r"larger than the input"),
    (lambda: F.conv2d(x4, w4, stride=0), r"stride is .* at least 1; got 0"),
    (lambda: F.conv2d(x4, w4, stride=1.5), r"stride is .* got 1.5"),
    (lambda: F.conv2d(x4, w4, padding=-1), r"padding is .* at least 0; got -1"),
    (lambda: F.conv2d(x4, w4, padding=(1, 1, 1)), r"padding is .* pair"),
    (lambda: F.conv2d(x4, w4, padding="half"), r"'same' or 'valid'; got 'half'"),
    (lambda: F.conv2d(x4, w4, padding="same", stride=2), r"the stride must be 1"),
    (lambda: F.conv2d(x4, w4, groups=3), r"groups .* divides the 4 filters"),
    (lambda: nn.Conv2d(3, 4, 0), r"Conv2d: kernel_size"),
    (lambda: nn.Conv2d(3, 0, 3), r"Conv2d: out_channels"),
    (lambda: nn.Conv2d(2.5, 4, 3), r"Conv2d: in_channels"),
    (lambda: nn.Conv2d(3, 4, 3, groups=2), r"groups=2 must divide in_channels=3"),
    (lambda: nn.Conv1d(3, 4, 3, padding_mode="reflect"), r"padding_mode='reflect'"),
    (lambda: nn.Conv1d(3, 4, 3, padding="same", stride=2), r"Conv1d: padding='same'"),
    (lambda: nn.Conv2d(3, 4, 3)(np.ones((2, 1, 5, 5))), r"1 channels"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS, ids=[message for _, message in ERRORS])
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
