"""Pooling: PyTorch's numbers, gradients and choices (ties, ceil_mode, what counts); the twin; all that a row can."""

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_plus as mg
from micrograd_plus import Tensor, gradcheck, gradgradcheck, nn, no_grad
from micrograd_plus.nn import functional as F  # noqa: N812 - PyTorch's habit
from micrograd_plus.nn import pooling

CLOSE = {np.float64: {"rtol": 1e-9, "atol": 1e-9}, np.float32: {"rtol": 1e-4, "atol": 1e-4}}
EXACT = {"rtol": 1e-10, "atol": 1e-12}


@st.composite
def poolings(draw, axes=2, dilated=True):
    """An input with many ties, and settings that fit it."""
    small = st.integers(1, 3)
    kernel, stride = draw(st.tuples(*[small] * axes)), draw(st.one_of(st.none(), st.tuples(*[small] * axes)))
    dilation = draw(st.tuples(*[st.integers(1, 2)] * axes)) if dilated else (1,) * axes
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    least = [max(1, d * (k - 1) + 1 - 2 * p) for d, k, p in zip(dilation, kernel, padding, strict=True)]
    size = tuple(draw(st.integers(n, n + 5)) for n in least)
    lead = draw(st.sampled_from([(2, 3), (3,), (1, 1)]))
    x = np.random.default_rng(draw(st.integers(0, 1000))).integers(-2, 3, (*lead, *size))
    how = {"kernel_size": kernel, "padding": padding, "ceil_mode": draw(st.booleans())}
    how |= {} if stride is None else {"stride": stride}
    return x, how | ({"dilation": dilation} if dilated else {})


def check_against_torch(name, x, dtype, **how):
    torch = pytest.importorskip("torch")
    x = x.astype(dtype)
    ours, theirs = Tensor(x), torch.tensor(x, requires_grad=True)
    y = getattr(F, name)(ours, **how)
    if not np.isfinite(y.numpy()).all():
        return  # a window sees padding alone: there PyTorch's backward() writes outside of its memory
    want = getattr(torch.nn.functional, name)(theirs, **how)
    assert y.shape == tuple(want.shape)
    assert y.dtype == dtype
    g = np.random.default_rng(1).normal(size=y.shape).astype(dtype)
    y.backward(g)
    want.backward(torch.tensor(g))
    np.testing.assert_allclose(y.numpy(), want.detach().numpy(), **CLOSE[dtype])
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), **CLOSE[dtype])
    assert ours.grad.dtype == dtype


both_dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


@both_dtypes
@settings(max_examples=80, deadline=None)
@given(case=poolings())
def test_max_pool2d_is_pytorchs(dtype, case):
    check_against_torch("max_pool2d", case[0], dtype, **case[1])


@both_dtypes
@settings(max_examples=40, deadline=None)
@given(case=poolings(axes=1))
def test_max_pool1d_is_pytorchs(dtype, case):
    check_against_torch("max_pool1d", case[0], dtype, **case[1])


@both_dtypes
@settings(max_examples=60, deadline=None)
@given(case=poolings(dilated=False), count=st.booleans(), divisor=st.sampled_from([None, 3]))
def test_avg_pool2d_is_pytorchs(dtype, case, count, divisor):
    x, how = case
    check_against_torch("avg_pool2d", x, dtype, **how, count_include_pad=count, divisor_override=divisor)


@both_dtypes
@settings(max_examples=40, deadline=None)
@given(case=poolings(axes=1, dilated=False), count=st.booleans())
def test_avg_pool1d_is_pytorchs(dtype, case, count):
    check_against_torch("avg_pool1d", case[0], dtype, **case[1], count_include_pad=count)


@both_dtypes
@pytest.mark.parametrize("size", [1, 2, 4, (3, 2), (None, 3), (5, None), (11, 7)])
def test_adaptive_avg_pool_is_pytorchs(dtype, size):
    x = np.random.default_rng(0).normal(size=(2, 3, 8, 6))
    check_against_torch("adaptive_avg_pool2d", x, dtype, output_size=size)
    check_against_torch("adaptive_avg_pool2d", x[0], dtype, output_size=size)
    if isinstance(size, int):
        check_against_torch("adaptive_avg_pool1d", x[0], dtype, output_size=size)


# ---- by hand --------------------------------------------------------------------------------------------------------


def test_the_first_of_those_that_tie_receives_the_gradient():
    for x, want in [
        ([[7.0, 7.0], [7.0, 7.0]], [[1.0, 0.0], [0.0, 0.0]]),
        ([[0.0, 7.0], [7.0, 7.0]], [[0.0, 1.0], [0.0, 0.0]]),
        ([[0.0, 1.0], [7.0, 7.0]], [[0.0, 0.0], [1.0, 0.0]]),
        ([[0.0, 1.0], [2.0, 7.0]], [[0.0, 0.0], [0.0, 1.0]]),
    ]:
        image = Tensor([x])
        F.max_pool2d(image, 2).sum().backward()
        assert image.grad.tolist() == [want]
        again = mg.grad(lambda t: F.max_pool2d(t, 2).sum())(Tensor([x]))  # by ops
        assert again.tolist() == [want]


def test_a_number_in_several_windows_receives_from_each():
    x = Tensor([[1.0, 9.0, 2.0, 3.0]])
    F.max_pool1d(x, 2, stride=1).backward([[1.0, 10.0, 100.0]])
    assert x.grad.tolist() == [[0.0, 11.0, 0.0, 100.0]]
    x = Tensor([[1.0, 9.0, 2.0]])
    F.avg_pool1d(x, 2, stride=1).backward([[2.0, 20.0]])
    assert x.grad.tolist() == [[1.0, 11.0, 10.0]]


def test_a_rest_that_no_window_covers_receives_nothing():
    x = Tensor(np.arange(10.0).reshape(1, 2, 5))
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[0.0] * 5, [0.0, 1.0, 0.0, 1.0, 0.0]]]


def test_padding_is_never_the_largest():
    assert F.max_pool2d(-np.ones((1, 2, 2)), 3, stride=1, padding=1).tolist() == [[[-1.0, -1.0], [-1.0, -1.0]]]


def test_a_window_that_sees_padding_alone():
    x = Tensor([[5.0]])
    y = F.max_pool1d(x, 2, padding=1, dilation=2)  # left and right of the only number
    y.sum().backward()
    assert y.tolist() == [[-math.inf]]
    assert x.grad.tolist() == [[0.0]]


def test_nan_stays_nan():
    assert math.isnan(F.max_pool1d([[1.0, math.nan]], 2).item())


def test_plain_numbers_lists_and_nothing():
    assert F.max_pool1d([[3, 1, 4, 1]], 2).tolist() == [[3, 4]]
    assert F.max_pool1d([[-3, -1]], 2, padding=1).tolist() == [[-3.0, -1.0]]
    assert F.avg_pool2d([[[1, 2], [3, 6]]], [2, 1]).tolist() == [[[2.0, 4.0]]]
    assert F.avg_pool1d(np.ones((1, 4), np.float32), 2).dtype == np.float32
    for pool in (nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(2), nn.AdaptiveAvgPool2d(1)):
        x = Tensor(np.zeros((0, 3, 4, 4)))
        y = pool(x)
        y.sum().backward()
        assert y.shape[:2] == (0, 3)
        assert x.grad.shape == x.shape
    with no_grad():
        assert not nn.MaxPool2d(2)(Tensor(np.ones((1, 2, 2)))).requires_grad


def test_a_window_of_one_number_is_a_copy():
    x = Tensor(np.arange(4.0).reshape(1, 4))
    y = F.max_pool1d(x, 1)
    y.sum().backward()
    x.data[0, 0] = 5.0
    assert y.tolist() == [[0.0, 1.0, 2.0, 3.0]]
    assert x.grad.tolist() == [[1.0] * 4]
    plain = np.arange(4.0).reshape(1, 4)
    y = F.max_pool1d(plain, 1)
    plain[0, 0] = 5.0
    assert y[0, 0] == 0.0


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 2, 3, 0), (0, 2, 3, 1)])
@pytest.mark.parametrize(
    "pool", [nn.MaxPool2d(2), nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2), nn.AvgPool2d(3, 2, 1)], ids=str
)
def test_the_order_of_memory_changes_nothing(pool, order):
    x = np.random.default_rng(0).normal(size=(3, 4, 6, 8))
    turned = np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
    a, b = Tensor(x), Tensor(turned)
    (pool(a) ** 2).sum().backward()
    (pool(b) ** 2).sum().backward()
    np.testing.assert_allclose(a.grad, b.grad, **EXACT)


# ---- derivatives, the twin, compile, pictures, copies ---------------------------------------------------------------

POOLS = [
    nn.MaxPool1d(2),
    nn.MaxPool1d(3, stride=2, padding=1),
    nn.AvgPool1d(3, 2, 1, ceil_mode=True),
    nn.MaxPool2d(2),
    nn.MaxPool2d(3, stride=2, padding=1),
    nn.MaxPool2d(2, stride=1, dilation=2),
    nn.MaxPool2d(1),
    nn.MaxPool2d((3, 2), ceil_mode=True),
    nn.AvgPool2d(2),
    nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    nn.AvgPool2d(2, divisor_override=3),
    nn.AdaptiveAvgPool1d(3),
    nn.AdaptiveAvgPool2d(1),
    nn.AdaptiveAvgPool2d((2, 3)),
    nn.AdaptiveAvgPool2d((3, 3)),
]
X = np.random.default_rng(8).permutation(2 * 4 * 6).reshape(2, 1, 4, 6) / 10  # no ties: those have no derivative


def of(pool):
    return X[0] if "1d" in type(pool).__name__ else X


each_pool = pytest.mark.parametrize("pool", POOLS, ids=str)


@each_pool
@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_derivatives_of_both_orders(check, pool):
    assert check(lambda x: (pool(x) ** 3).sum(), Tensor(of(pool)), sample=40)


@each_pool
def test_the_pull_back_of_the_mean_has_derivatives_too(pool):
    assert gradgradcheck(lambda x: (pool(x * x) ** 2).sum(), Tensor(of(pool)), sample=20)


@each_pool
def test_opened_into_values_it_is_the_same(pool):
    x = Tensor(np.round(of(pool)))  # with ties
    loss = (pool(x) ** 2).sum()
    loss.backward()
    leaves = {}
    opened = loss.to_values(leaves)
    opened.backward()
    assert opened.data == pytest.approx(loss.item(), rel=1e-12)
    np.testing.assert_allclose(leaves[x].grad, x.grad, **EXACT)


@each_pool
@both_dtypes
def test_compiled_is_eager(pool, dtype):
    scale = Tensor(np.ones(of(pool).shape), dtype=dtype)
    step = mg.compile(lambda x: (pool(x * scale).tanh() ** 2).sum())
    for shift in range(3):
        x = np.round(of(pool) - shift).astype(dtype)
        scale.zero_grad()
        step(x).backward()
        got = scale.grad
        scale.zero_grad()
        loss = (pool(Tensor(x, requires_grad=False) * scale).tanh() ** 2).sum()
        loss.backward()
        np.testing.assert_allclose(step(x).numpy(), loss.numpy(), **CLOSE[dtype])
        np.testing.assert_allclose(got, scale.grad, **CLOSE[dtype])


@each_pool
def test_drawn_written_down_copied_and_pickled(pool):
    x = Tensor(np.round(of(pool)), label="x")
    loss = (pool(x) ** 2).sum()
    loss.backward()
    assert str(mg.draw(loss))
    scope = {}
    exec(str(mg.to_python(loss, names={"x": x})), scope)
    np.testing.assert_allclose(scope["gradient"]["x"], x.grad, **EXACT)
    for graph in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        graph.backward()
        assert graph.item() == loss.item()
    for again in (copy.deepcopy(pool), pickle.loads(pickle.dumps(pool))):
        assert repr(again) == repr(pool)
        np.testing.assert_array_equal(again(x).numpy(), pool(x).numpy())


def test_rows_are_pickled_by_name():
    for row in pooling.POOLING_TABLE.values():
        assert pickle.loads(pickle.dumps(row)) is row
        assert row.name in str(mg.formula(row))


def test_a_networks_twin_pools_too():
    model = nn.Sequential(nn.Conv2d(1, 2, 2, seed=0), nn.MaxPool2d(2), nn.AvgPool2d(2), nn.Flatten())
    images = np.random.default_rng(0).normal(size=(2, 1, 5, 5))
    twin = model.scalar_twin()
    (model(images) ** 2).sum().backward()
    (twin(images) ** 2).sum().backward()
    np.testing.assert_allclose(twin[0].weight.grad, model[0].weight.grad, **EXACT)


# ---- modules, and what can't be -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["MaxPool1d", "MaxPool2d", "AvgPool1d", "AvgPool2d"])
def test_modules_take_pytorchs_arguments_in_pytorchs_order(name):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(2, 3, 7) if "1d" in name else (2, 3, 7, 8))
    arguments = [(2,), (3, 2), (3, 2, 1), (2, 2, 0, 2, False, True) if "Max" in name else (2, 2, 0, True, False)]
    for those in arguments:
        ours, theirs = getattr(nn, name)(*those), getattr(torch.nn, name)(*those)
        np.testing.assert_allclose(ours(x), theirs(torch.tensor(x)).numpy(), **EXACT)
        assert ours.state_dict() == dict(theirs.state_dict()) == {}
    assert repr(nn.MaxPool2d(2)) == repr(torch.nn.MaxPool2d(2))
    assert repr(nn.AdaptiveAvgPool2d((1, None))) == repr(torch.nn.AdaptiveAvgPool2d((1, None)))


x3 = np.ones((2, 5, 5))
ERRORS = [
    (lambda: F.max_pool2d(np.ones((5, 5)), 2), r"max_pool2d: the input .*\(N, C, H, W\) or \(C, H, W\).*\(5, 5\)"),
    (lambda: F.avg_pool1d(np.ones((1, 2, 5, 5)), 2), r"avg_pool1d: the input .*\(N, C, L\)"),
    (lambda: F.max_pool2d(x3, 6), r"window of \(6, 6\).* larger than .*\(5, 5\)"),
    (lambda: F.max_pool2d(x3, 3, dilation=3), r"larger than the input"),
    (lambda: F.max_pool2d(np.ones((2, 0, 5)), 1), r"nothing to pool"),
    (lambda: F.max_pool2d(x3, 0), r"kernel_size is .* at least 1; got 0"),
    (lambda: F.max_pool2d(x3, 2, stride=0), r"stride is .* got 0"),
    (lambda: F.max_pool2d(x3, 2, padding=2), r"padding is at most half of kernel_size"),
    (lambda: F.avg_pool2d(x3, 2, padding=-1), r"padding is .* at least 0"),
    (lambda: F.avg_pool2d(x3, 2, divisor_override=0), r"divisor_override"),
    (lambda: F.adaptive_avg_pool2d(x3, (1, 2, 3)), r"output_size is .* pair"),
    (lambda: F.adaptive_avg_pool2d(x3, 0), r"output_size is .* at least 1"),
    (lambda: nn.MaxPool2d(2, padding=2), r"MaxPool2d: padding is at most half"),
    (lambda: nn.AvgPool1d("2"), r"AvgPool1d: kernel_size"),
    (lambda: nn.AdaptiveAvgPool1d(0), r"AdaptiveAvgPool1d: output_size"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS, ids=[message for _, message in ERRORS])
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_indices_are_refused():
    with pytest.raises(NotImplementedError, match="return_indices"):
        F.max_pool2d(x3, 2, return_indices=True)
    with pytest.raises(NotImplementedError, match="return_indices"):
        nn.MaxPool1d(2, return_indices=True)


def test_a_float_is_no_whole_number_even_after_the_whole_number_that_it_equals():
    x = np.ones((1, 1, 4, 4))
    F.max_pool2d(x, 2)
    with pytest.raises(ValueError, match=r"max_pool2d: kernel_size is .* got 2\.0"):
        F.max_pool2d(x, 2.0)


def test_a_list_of_tensors_would_lose_its_gradients():
    with pytest.raises(TypeError, match=r"a list of Tensors .* stack"):
        F.max_pool2d([Tensor(np.ones((4, 4)))], 2)
