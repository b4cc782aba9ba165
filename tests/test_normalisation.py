"""Normalisation: PyTorch's numbers and gradients; twins, second derivatives, compile, running statistics."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_plus
from micrograd_plus import Tensor, Value, grad, gradcheck, nn, no_grad
from micrograd_plus.engine import ValueArray
from micrograd_plus.engine.graph import order
from micrograd_plus.nn import functional as F  # noqa: N812
from micrograd_plus.nn.normalisation import NORM_TABLE

EXACT = {"rtol": 1e-9, "atol": 1e-9}
SINGLE = {"rtol": 1e-4, "atol": 1e-4}
DTYPE = pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, EXACT), (np.float32, SINGLE)], ids=["64", "32"])

# each layer: its name, its arguments, the shape of an input
CASES = [
    ("LayerNorm", (6,), {}, (4, 6)),
    ("LayerNorm", (6,), {}, (2, 3, 6)),
    ("LayerNorm", ((3, 4),), {"eps": 0.1}, (2, 5, 3, 4)),
    ("LayerNorm", (6,), {"bias": False}, (4, 6)),
    ("LayerNorm", (6,), {"elementwise_affine": False}, (6,)),
    ("RMSNorm", (6,), {}, (4, 6)),
    ("RMSNorm", ((3, 4),), {"eps": 1e-3}, (2, 3, 4)),
    ("RMSNorm", (6,), {"elementwise_affine": False}, (2, 2, 6)),
    ("GroupNorm", (2, 6), {}, (3, 6, 4, 5)),
    ("GroupNorm", (3, 6), {"eps": 0.1}, (3, 6)),
    ("GroupNorm", (1, 4), {"affine": False}, (2, 4, 3)),
    ("BatchNorm1d", (4,), {}, (5, 4)),
    ("BatchNorm1d", (4,), {"eps": 0.1, "momentum": 0.4}, (3, 4, 2)),
    ("BatchNorm1d", (4,), {"affine": False, "momentum": None}, (5, 4)),
    ("BatchNorm2d", (3,), {}, (4, 3, 2, 5)),
    ("BatchNorm2d", (3,), {"track_running_stats": False}, (4, 3, 2, 2)),
]
CASE = pytest.mark.parametrize(("name", "args", "options", "shape"), CASES, ids=str)


def made(name, args, options, dtype=np.float64, seed=0):
    """A layer with other weights than 1 and 0."""
    rng = np.random.default_rng(seed)
    layer = getattr(nn, name)(*args, dtype=dtype, **options)
    for p in layer.parameters():
        p.data = rng.normal(size=p.shape)
    return layer


def theirs_like(layer, name, args, options):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, name)(*args, **options)
    state = {k: torch.tensor(v) for k, v in layer.state_dict().items()}
    theirs = theirs.to(
        torch.float32 if next(iter(state.values()), torch.ones(1)).dtype == torch.float32 else torch.float64
    )
    theirs.load_state_dict(state)
    return theirs


def inputs(shape, dtype=np.float64, seed=1):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) * 3 + 1).astype(dtype), rng.normal(size=shape).astype(dtype)


def test_every_row_is_in_the_table():
    assert set(NORM_TABLE) == {"layer_norm", "rms_norm", "group_norm", "batch_norm"}


@CASE
@DTYPE
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_values_gradients_and_buffers_are_pytorchs(name, args, options, shape, dtype, tolerance, training):
    torch = pytest.importorskip("torch")
    layer = made(name, args, options, dtype).train(training)
    theirs = theirs_like(layer, name, args, options).to(getattr(torch, np.dtype(dtype).name)).train(training)
    if not training and getattr(layer, "running_var", None) is not None:
        layer.running_mean[:], layer.running_var[:] = 0.5, 2.0
        theirs.load_state_dict({k: torch.tensor(v) for k, v in layer.state_dict().items()})
    for step in range(3):  # running statistics move on
        x, g = inputs(shape, dtype, step)
        a, b = Tensor(x), torch.tensor(x, requires_grad=True)
        for p in (*layer.parameters(), *theirs.parameters()):
            p.grad = None
        y, z = layer(a), theirs(b)
        y.backward(g)
        z.backward(torch.tensor(g))
        assert y.dtype == a.grad.dtype == dtype
        assert sum(node.op is not None for node in order(y)) == 1  # one node
        np.testing.assert_allclose(y.numpy(), z.detach().numpy(), **tolerance)
        np.testing.assert_allclose(a.grad, b.grad.numpy(), **tolerance)
        for (key, p), (other, q) in zip(layer.named_parameters(), theirs.named_parameters(), strict=True):
            assert key == other
            assert p.grad.dtype == dtype
            np.testing.assert_allclose(p.grad, q.grad.numpy(), **tolerance)
    mine, other = layer.state_dict(), theirs.state_dict()
    assert list(mine) == list(other)
    for key in mine:
        assert mine[key].dtype == other[key].numpy().dtype
        np.testing.assert_allclose(mine[key], other[key].numpy(), **tolerance)
    fresh = made(name, args, options, dtype, seed=5).train(training)
    fresh.load_state_dict(other)
    x, _ = inputs(shape, dtype, 9)
    if not training:
        np.testing.assert_allclose(fresh(x), theirs(torch.tensor(x)).detach().numpy(), **tolerance)


@CASE
def test_layers_start_as_pytorchs(name, args, options, shape):
    torch = pytest.importorskip("torch")
    mine, theirs = (
        getattr(nn, name)(*args, **options).state_dict(),
        getattr(torch.nn, name)(*args, **options).state_dict(),
    )
    assert list(mine) == list(theirs)
    for key in mine:
        np.testing.assert_array_equal(mine[key], theirs[key].numpy())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=3),
    st.lists(st.integers(1, 4), min_size=1, max_size=2),
    st.booleans(),
    st.integers(0, 99),
)
def test_any_shape(lead, sizes, rms, seed):
    torch = pytest.importorskip("torch")
    x, g = inputs((*lead, *sizes), seed=seed)
    rng = np.random.default_rng(seed)
    w, b = rng.normal(size=sizes), rng.normal(size=sizes)
    mine = [Tensor(t) for t in (x, w, b)]
    theirs = [torch.tensor(t, requires_grad=True) for t in (x, w, b)]
    if rms:
        y, z = F.rms_norm(mine[0], sizes, mine[1]), torch.nn.functional.rms_norm(theirs[0], sizes, theirs[1])
    else:
        y, z = F.layer_norm(mine[0], sizes, *mine[1:]), torch.nn.functional.layer_norm(theirs[0], sizes, *theirs[1:])
    y.backward(g)
    z.backward(torch.tensor(g))
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), **EXACT)
    for p, q in zip(mine[: 2 if rms else 3], theirs, strict=False):
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-7, atol=1e-7)  # of one number: 0 but for rounding


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.lists(st.integers(1, 4), max_size=2), st.integers(0, 99)
)
def test_groups_and_batches_of_any_shape(n, groups, each, rest, seed):
    torch = pytest.importorskip("torch")
    x, g = inputs((n, groups * each, *rest), seed=seed)
    calls = [
        (lambda x: F.group_norm(x, groups, eps=0.1), lambda x: torch.nn.functional.group_norm(x, groups, eps=0.1)),
        (
            lambda x: F.batch_norm(x, None, None, training=True, eps=0.1),
            lambda x: torch.nn.functional.batch_norm(x, None, None, training=True, eps=0.1),
        ),
    ]
    for ours, theirs in calls:
        a, b = Tensor(x), torch.tensor(x, requires_grad=True)
        try:
            z = theirs(b)
        except ValueError:  # one number a channel
            with pytest.raises(ValueError, match=r"more than one number a channel|each group is one number"):
                ours(a)
            continue
        y = ours(a)
        y.backward(g)
        z.backward(torch.tensor(g))
        np.testing.assert_allclose(y.numpy(), z.detach().numpy(), **EXACT)
        np.testing.assert_allclose(a.grad, b.grad.numpy(), **EXACT)


def test_functions_with_a_bias_alone_and_plain_arrays():
    torch = pytest.importorskip("torch")
    x, _ = inputs((4, 6))
    b = np.arange(6.0)
    tx, tb = torch.tensor(x), torch.tensor(b)
    pairs = [
        (F.layer_norm(x, 6, bias=b), torch.nn.functional.layer_norm(tx, (6,), bias=tb)),
        (F.group_norm(x, 2, bias=b), torch.nn.functional.group_norm(tx, 2, bias=tb)),
        (
            F.batch_norm(x, None, None, bias=b, training=True),
            torch.nn.functional.batch_norm(tx, None, None, None, tb, True),
        ),
        (F.layer_norm(x.tolist(), 6), torch.nn.functional.layer_norm(tx, (6,))),
        (F.rms_norm(x.tolist(), 6), torch.nn.functional.rms_norm(tx, (6,))),
    ]
    for mine, theirs in pairs:
        assert isinstance(mine, np.ndarray)
        np.testing.assert_allclose(mine, theirs.numpy(), **EXACT)


# ---- what is one row, and can be more --------------------------------------------------------------------------


@CASE
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_the_twin_agrees(name, args, options, shape, training):
    x, g = inputs(shape)
    layer = made(name, args, options).train(training)
    twin = layer.scalar_twin()
    y = layer(Tensor(x))
    (y * g).sum().backward()
    for of in (x, ValueArray.leaves(x)):  # plain numbers, and Values
        for v in twin.parameters():
            v.grad = 0.0
        z = twin(of)
        if not hasattr(z, "data"):
            continue  # no parameters and a plain array
        if isinstance(z, np.ndarray):
            np.testing.assert_allclose(z, y.numpy(), **EXACT)
            continue
        (z * g).sum().backward()
        np.testing.assert_allclose(z.data, y.numpy(), **EXACT)
        np.testing.assert_allclose(
            [v.grad for v in twin.parameters()], [n for p in layer.parameters() for n in p.grad.flat], **EXACT
        )
    leaf = Tensor(x)
    fresh = made(name, args, options).train(training)
    (fresh(leaf) * g).sum().backward()
    np.testing.assert_allclose(of.grad, leaf.grad, **EXACT)
    fresh(Tensor(x))  # the twin has seen as many batches
    for key, numbers in twin.state_dict().items():
        if "running" in key or "num_batches" in key:
            np.testing.assert_allclose(numbers, fresh.state_dict()[key], **EXACT)
    opened = layer(Tensor(x)).sum().to_values()
    assert opened.data == pytest.approx(layer(Tensor(x)).sum().item(), rel=1e-9, abs=1e-9)


@CASE
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_derivatives_and_second_derivatives(name, args, options, shape, training):
    torch = pytest.importorskip("torch")
    x, g = inputs(shape)
    layer = made(name, args, options).train(training)
    frozen = layer.state_dict()
    assert gradcheck(lambda a: (layer(a) * g).sum(), Tensor(x))
    layer.load_state_dict(frozen)
    theirs = theirs_like(layer, name, args, options).to(torch.float64).train(training)
    mine = grad(lambda a: (grad(lambda c: (layer(c) ** 3).sum())(a) ** 2).sum())(x)
    z = torch.tensor(x, requires_grad=True)
    (slope,) = torch.autograd.grad((theirs(z) ** 3).sum(), z, create_graph=True)
    (second,) = torch.autograd.grad((slope**2).sum(), z)
    np.testing.assert_allclose(mine, second.numpy(), rtol=1e-7, atol=1e-7)


def test_second_derivatives_by_the_weights():
    torch = pytest.importorskip("torch")
    x, g = inputs((4, 6))
    w, b = np.arange(1.0, 7), np.arange(6.0)
    f = lambda w, b: (grad(lambda w: (F.layer_norm(x, 6, w, b) ** 3 * g).sum())(w) ** 2).sum()
    tw, tb, tx = (torch.tensor(t, requires_grad=True) for t in (w, b, x))
    y = (torch.nn.functional.layer_norm(tx.detach(), (6,), tw, tb) ** 3 * torch.tensor(g)).sum()
    (slope,) = torch.autograd.grad(y, tw, create_graph=True)
    by_w, by_b = torch.autograd.grad((slope**2).sum(), (tw, tb))
    np.testing.assert_allclose(grad(lambda w: f(w, Tensor(b)))(w), by_w.numpy(), **EXACT)
    np.testing.assert_allclose(grad(lambda b: f(Tensor(w), b))(b), by_b.numpy(), **EXACT)


@CASE
@DTYPE
def test_compiled_is_eager(name, args, options, shape, dtype, tolerance):
    layer = made(name, args, options, dtype)
    if name.startswith("BatchNorm") and options.get("track_running_stats", True):
        layer.eval()  # for training see the next test
    f = lambda x: (layer(x) ** 3).sum()
    step = micrograd_plus.compile(f)
    for i in range(4):
        x = Tensor(inputs(shape, dtype, i)[0])
        grads = []
        for function in (step, f):
            for p in (x, *layer.parameters()):
                p.grad = None
            y = function(x)
            y.backward()
            grads.append([y.numpy(), x.grad, *(p.grad for p in layer.parameters())])
        for a, b in zip(*grads, strict=True):
            assert a.dtype == b.dtype == dtype
            np.testing.assert_allclose(a, b, rtol=tolerance["rtol"] / 100, atol=tolerance["atol"] / 100)
    assert step.replays == 2


def test_compile_lets_batch_norm_train_as_it_is():
    """Running statistics change with each call: the function runs as it is, says so, and counts each batch once."""
    layer, eager = made("BatchNorm1d", (4,), {}), made("BatchNorm1d", (4,), {})
    step = micrograd_plus.compile(lambda x: (layer(x) ** 3).sum())
    with pytest.warns(UserWarning, match="run as it is from now on, and no faster: it changes something outside"):
        step(inputs((5, 4), seed=0)[0])
    eager(inputs((5, 4), seed=0)[0])
    for i in range(1, 4):
        x, _ = inputs((5, 4), seed=i)
        assert step(x).item() == (eager(x) ** 3).sum().item()
    for key, numbers in eager.state_dict().items():
        np.testing.assert_array_equal(numbers, layer.state_dict()[key])
    assert layer.num_batches_tracked == 4
    layer.eval()
    step.reset()
    for i in range(4):  # in use it is compiled, and a change of what was measured is noticed
        layer.running_mean += i == 3
        x, _ = inputs((5, 4), seed=i)
        assert step(x).item() == pytest.approx((layer(x) ** 3).sum().item(), rel=1e-12)
    assert step.replays == 1


@CASE
def test_copies_and_pickles(name, args, options, shape):
    layer = made(name, args, options)
    x, g = inputs(shape)
    y = (layer(Tensor(x, label="x")) * g).sum()
    y.backward()
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert repr(other) == repr(layer)
        np.testing.assert_array_equal(other.eval()(x), copy.deepcopy(layer).eval()(x))
    for again in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        again.backward()
        leaf = next(node for node in order(again) if node.label == "x")
        mine = next(node for node in order(y) if node.label == "x")
        assert again.item() == y.item()
        assert leaf.grad is not None
        np.testing.assert_allclose(leaf.grad / mine.grad, np.round(leaf.grad / mine.grad), rtol=1e-9)  # once or twice


def test_as_a_program_and_a_picture():
    for name, args, options, shape in CASES:
        y = (made(name, args, options)(Tensor(inputs(shape)[0], label="x")) ** 2).sum()
        row = {"LayerNorm": "layer_norm", "RMSNorm": "rms_norm", "GroupNorm": "group_norm"}.get(name, "batch_norm")
        assert row in micrograd_plus.draw(y).dot
    x, _ = inputs((2, 3))
    y = (made("LayerNorm", (3,), {})(Tensor(x, label="x")) ** 2).sum()
    y.backward()
    names = {}
    exec(micrograd_plus.to_python(y), names)
    assert names["loss"] == pytest.approx(y.item(), rel=1e-12)
    leaf = next(node for node in order(y) if node.label == "x")
    np.testing.assert_allclose(names["gradient"]["x"], leaf.grad, **EXACT)


# ---- gradients that nobody needs, modes, eps ---------------------------------------------------------------------


def test_no_gradient_where_none_is_wanted():
    layer = made("LayerNorm", (6,), {})
    x, _ = inputs((4, 6))
    given_x = Tensor(x, requires_grad=False)
    layer.bias.requires_grad = False
    layer(given_x).sum().backward()
    assert given_x.grad is None
    assert layer.bias.grad is None
    assert layer.weight.grad is not None
    with no_grad():
        assert not layer(Tensor(x)).requires_grad
    np.testing.assert_array_equal(layer(x).numpy(), layer(Tensor(x)).numpy())


def test_running_statistics_by_hand():
    x, _ = inputs((5, 3))
    layer = nn.BatchNorm1d(3)
    held = layer.running_mean
    layer(Tensor(x))
    assert held is layer.running_mean  # changed where it stands
    np.testing.assert_allclose(layer.running_mean, 0.1 * x.mean(0))
    np.testing.assert_allclose(layer.running_var, 0.9 + 0.1 * x.var(0, ddof=1))
    with no_grad():
        layer(Tensor(x))
    assert layer.num_batches_tracked == 2
    assert layer.num_batches_tracked.dtype == np.int64
    layer.eval()(Tensor(x))
    assert layer.num_batches_tracked == 2
    cumulative = nn.BatchNorm1d(3, momentum=None)
    batches = [inputs((5, 3), seed=i)[0] for i in range(4)]
    for batch in batches:
        cumulative(Tensor(batch))
    np.testing.assert_allclose(cumulative.running_mean, np.mean([b.mean(0) for b in batches], axis=0))


def test_a_graph_keeps_the_statistics_that_it_saw():
    layer = nn.BatchNorm1d(3).eval()
    x = Tensor(inputs((5, 3))[0])
    y = layer(x)
    layer.running_var[:] = 100.0
    y.sum().backward()
    np.testing.assert_allclose(x.grad, 1 / np.sqrt(1 + 1e-5) * np.ones((5, 3)))
    opened = layer(x)
    layer.running_mean[:], layer.running_var[:] = 7.0, 1.0
    np.testing.assert_allclose(opened.to_values().data, opened.numpy())


def test_seeing_a_graph_again_does_not_count_as_a_batch():
    layer = nn.BatchNorm1d(3)
    y = layer(Tensor(inputs((5, 3))[0])).sum()
    before = layer.state_dict()
    y.to_values()
    copy.deepcopy(y)
    assert all((numbers == before[key]).all() for key, numbers in layer.state_dict().items())


def test_eps_of_rms_norm_is_that_of_the_dtype():
    for dtype in (np.float32, np.float64):
        x = Tensor(np.full((1, 4), 1e-9), dtype=dtype)
        expected = 1e-9 / np.sqrt(1e-18 + np.finfo(dtype).eps)
        np.testing.assert_allclose(nn.RMSNorm(4, dtype=dtype)(x).numpy(), expected, rtol=1e-5)


def test_numbers_far_from_zero():
    """The mean is taken away before squares are: else float32 would leave nothing of the variance."""
    x = (np.random.default_rng(0).normal(size=(8, 64)) + 3000).astype(np.float32)
    exact = F.layer_norm(x.astype(float), 64)
    np.testing.assert_allclose(F.layer_norm(x, 64), exact, atol=5e-3)


# ---- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.LayerNorm(4)(np.ones((2, 3))), r"layer_norm: the last sizes .*\(4,\), and its shape is \(2, 3\)"),
        (lambda: nn.RMSNorm((2, 4))(np.ones((4,))), r"rms_norm: the last sizes .*\(2, 4\), and its shape is \(4,\)"),
        (lambda: nn.LayerNorm(0), "each size in normalized_shape must be a whole number, at least 1; got 0"),
        (lambda: nn.LayerNorm(()), "normalized_shape is the size of the last axis, or the sizes of several"),
        (lambda: F.layer_norm(np.ones((2, 3)), 3, np.ones(2)), r"weight must have shape \(3,\), got \(2,\)"),
        (lambda: nn.GroupNorm(4, 6), "num_channels must be a multiple of num_groups, got 6 channels in 4 groups"),
        (lambda: F.group_norm(np.ones((2, 6)), 4), "6 channels can't be shared out evenly among 4 groups"),
        (lambda: nn.GroupNorm(2, 6)(np.ones((2, 4, 3))), r"GroupNorm: the input needs shape \(N, 6, …\), got \(2, 4"),
        (lambda: F.group_norm(np.ones(6), 2), r"group_norm: the input needs the axes \(batch, channels, …\), got"),
        (lambda: F.group_norm(np.ones((2, 6)), 2, np.ones(5)), r"x has 6 channels, weight has shape \(5,\)"),
        (lambda: nn.BatchNorm1d(0), "BatchNorm1d: num_features must be a whole number, at least 1; got 0"),
        (lambda: nn.BatchNorm1d(4)(np.ones((2, 3))), r"BatchNorm1d: .* \(N, 4\) or \(N, 4, L\), got \(2, 3\)"),
        (lambda: nn.BatchNorm2d(4)(np.ones((2, 4))), r"BatchNorm2d: .* shape \(N, 4, H, W\), got \(2, 4\)"),
        (lambda: nn.BatchNorm1d(4)(np.ones((1, 4))), "more than one number a channel .*model.eval"),
        (lambda: nn.BatchNorm2d(4)(np.ones((1, 4, 1, 1))), "more than one number a channel"),
        (lambda: F.batch_norm(np.ones((2, 4)), None, None), "in use .* needs running_mean and running_var"),
        (lambda: F.batch_norm(np.ones((2, 4)), np.ones(3), np.ones(4)), r"running_mean has shape \(3,\), but x has 4"),
    ],
)  # fmt: skip
def test_errors(call, message):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=message):
            call()


def test_one_sample_is_fine_in_use():
    layer = nn.BatchNorm1d(4).eval()
    assert layer(np.ones((1, 4))).shape == (1, 4)
    assert isinstance(layer.scalar_twin()(ValueArray.leaves(np.ones((1, 4)))).values[0, 0], Value)


# -- what the first reader tried ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.LayerNorm(4), (0, 3, 4)),
        (nn.RMSNorm(4), (0, 4)),
        (nn.GroupNorm(2, 4), (0, 4, 3)),
        (nn.BatchNorm2d(2).eval(), (0, 2, 3, 3)),
    ],
)
def test_an_empty_batch_gives_an_empty_batch(layer, shape):
    x = Tensor(np.ones(shape))
    y = layer(x)
    y.sum().backward()
    assert y.shape == x.grad.shape == shape
    assert not layer.weight.grad.any()


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan, 1e308])
def test_infinities_while_training_say_no_word(number):
    torch = pytest.importorskip("torch")
    ours, theirs = nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2).double()
    for sign in (1, -1, 1):
        x = np.array([[1.0, 2.0], [3.0, 4.0], [sign * number, 6.0]])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            y = ours(Tensor(x))
            (y * y).sum().backward()
        theirs(torch.tensor(x))
        np.testing.assert_allclose(ours.running_var[1], theirs.running_var[1].item())
        assert np.isfinite(ours.running_mean[0]) == np.isfinite(theirs.running_mean[0].item())


def test_whole_numbers_are_numbers():
    x = [[1, 2], [3, 5]]
    for function in (
        lambda x: F.layer_norm(x, 2),
        lambda x: F.rms_norm(x, 2),
        lambda x: F.group_norm(x, 1),
        lambda x: F.batch_norm(x, np.zeros(2), np.ones(2), training=True),
    ):
        want = function(np.array(x, float))
        np.testing.assert_allclose(function(x), want)
        np.testing.assert_allclose(function(np.array(x)), want)


@pytest.mark.parametrize(
    "call",
    [
        lambda: nn.LayerNorm(None),
        lambda: nn.LayerNorm(3.0),
        lambda: nn.LayerNorm((3, "4")),
        lambda: nn.GroupNorm("2", 4),
        lambda: nn.GroupNorm(2.0, 4),
        lambda: nn.BatchNorm1d(True),
    ],
)
def test_sizes_are_whole_numbers(call):
    with pytest.raises(ValueError, match="must be a whole number, at least 1; got"):
        call()
