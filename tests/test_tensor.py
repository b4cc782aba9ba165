"""Tensor: NumPy's semantics, PyTorch's gradients, and a gradient that is always that of the forward pass that ran."""

# ruff: noqa: E501, RUF005 - tables read best in lines; a Tensor + a list is no joining of lists

import math
import operator
import subprocess
import sys
import threading
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from micrograd_plus import (
    Tensor,
    Value,
    concatenate,
    einsum,
    elu,
    grad,
    leaky_relu,
    maximum,
    minimum,
    nn,
    no_grad,
    stack,
    where,
)
from micrograd_plus import sum as sum_
from micrograd_plus.engine.graph import Structural, order

quick = settings(max_examples=60, deadline=None, derandomize=True)
FLOATS = st.floats(-3, 3).map(lambda x: round(x, 3))
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
ARRAYS = SHAPES.flatmap(lambda shape: hnp.arrays(np.float64, shape, elements=FLOATS))
FILLED = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4).flatmap(
    lambda shape: hnp.arrays(np.float64, shape, elements=FLOATS)
)


def weights(shape):
    return np.random.default_rng(5).uniform(0.5, 2.0, shape)


def back(y):
    """Backward from every number of y, with weights that tell them apart; the weights."""
    w = weights(y.shape)
    y.backward(w)
    return w


def linear_gradient(f, x, w):
    """The exact gradient of sum(w * f(x)) where f only moves and adds numbers: f of each unit array."""
    g = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        unit = np.zeros_like(x)
        unit[at] = 1.0
        g[at] = (w * f(unit)).sum()
    return g


def moves_like_numpy(f, x, f_numpy=None):
    """f on a Tensor gives NumPy's numbers and the exact gradient (f linear)."""
    f_numpy = f_numpy or f
    t = Tensor(x)
    y, expected = f(t), np.asarray(f_numpy(x))
    assert isinstance(y, Tensor)
    assert y.shape == expected.shape
    assert y.dtype == x.dtype
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-12, atol=1e-12)
    w = back(y)
    assert t.grad.shape == x.shape
    assert t.grad.dtype == x.dtype
    np.testing.assert_allclose(t.grad, linear_gradient(f_numpy, x, w), rtol=1e-12, atol=1e-12)


# ---- broadcasting ------------------------------------------------------------------------------------------


@quick
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3, min_side=0), st.integers(0, 2**20))
def test_broadcasting(shapes, seed):
    rng = np.random.default_rng(seed)
    a, b = (rng.uniform(0.5, 2.0, shape) for shape in shapes.input_shapes)
    slopes = {
        operator.add: (lambda: 1, lambda: 1),
        operator.sub: (lambda: 1, lambda: -1),
        operator.mul: (lambda: b, lambda: a),
        operator.truediv: (lambda: 1 / b, lambda: -a / b**2),
        operator.pow: (lambda: b * a ** (b - 1), lambda: a**b * np.log(a)),
    }
    for op, (slope_a, slope_b) in slopes.items():
        s, t = Tensor(a), Tensor(b)
        y = op(s, t)
        assert y.shape == shapes.result_shape
        np.testing.assert_allclose(y.numpy(), op(a, b), rtol=1e-14)
        w = back(y)
        for leaf, x, slope in ((s, a, slope_a()), (t, b, slope_b())):
            assert leaf.grad.shape == x.shape
            full = np.broadcast_to(w * slope, y.shape)
            new = tuple(range(y.ndim - x.ndim))
            ones = tuple(i + len(new) for i, n in enumerate(x.shape) if n == 1)
            expected = full.sum(axis=new + ones, keepdims=True).reshape(x.shape)
            np.testing.assert_allclose(leaf.grad, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shapes", [((3, 1), (1, 4)), ((), (3,)), ((0, 3), (1, 3)), ((2, 3), (2, 3)), ((1,), (1, 1))])
def test_one_tensor_on_both_sides_of_a_broadcast(shapes):
    for shape in shapes:
        t = Tensor(np.full(shape, 3.0))
        y = t * t.reshape((1, *shape))
        y.backward(np.ones(y.shape))
        assert t.grad.shape == shape
        np.testing.assert_allclose(t.grad, np.full(shape, 6.0))


CONSTANTS = [
    [1.0, 2.0, 3.0], (1.0, 2.0, 3.0), np.array([1.0, 2.0, 3.0]), np.array([1, 2, 3]), [1, 2, 3], (1, 2, 3),
    [[1.0, 2.0, 3.0]], ((1.0, 2.0, 3.0),), range(1, 4),
]  # fmt: skip


@pytest.mark.parametrize("constant", CONSTANTS, ids=repr)
@pytest.mark.parametrize("shape", [(3,), (2, 1), (), (1, 3)], ids=str)
@pytest.mark.parametrize("op", [operator.add, operator.mul, maximum], ids=["add", "mul", "maximum"])
def test_a_constant_that_broadcasts(constant, shape, op):
    """Whatever holds the numbers, on whichever side: value and gradient are those with a Tensor."""
    if isinstance(constant, range):
        constant = list(constant)
    other = Tensor(np.array(constant, float), requires_grad=False)
    for swap in (False, True):
        found = []
        for c in (constant, other):
            t = Tensor(np.full(shape, 2.5))
            y = op(c, t) if swap else op(t, c)
            w = back(y)
            found.append((y.numpy(), w, t.grad))
        for mine, expected in zip(*found, strict=True):
            np.testing.assert_array_equal(mine, expected)


def test_an_ndarray_on_the_left():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    for op in (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.matmul):
        t = Tensor([[2.0, 1.0], [1.0, 3.0]])
        y = op(x, t)
        assert type(y) is Tensor
        np.testing.assert_allclose(y.numpy(), op(x, t.numpy()))
        back(y)
        assert t.grad.shape == (2, 2)
    t = Tensor([1.0, 2.0])
    for number in (np.float64(2), np.float32(2), np.int64(2), np.array(2.0)):
        y = number * t
        assert type(y) is Tensor
        assert y.tolist() == [2.0, 4.0]


def test_sum_of_python_and_ours():
    ts = [Tensor([1.0, 2.0]) for _ in range(3)]
    for total in (sum(ts), sum_(ts)):
        total.backward([1.0, 10.0])
        assert total.tolist() == [3.0, 6.0]
    assert ts[2].grad.tolist() == [2.0, 20.0]
    t = Tensor([[1.0, 2.0], [3.0, 4.0]])
    sum_(t).sum().backward()
    assert t.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]


# ---- indexing ----------------------------------------------------------------------------------------------


@quick
@given(st.data())
def test_basic_indexing(data):
    x = data.draw(ARRAYS)
    index = data.draw(hnp.basic_indices(x.shape, allow_newaxis=True, allow_ellipsis=True))
    moves_like_numpy(lambda a: a[index], x)


@quick
@given(st.data())
def test_integer_array_indexing(data):
    x = data.draw(FILLED)
    index = data.draw(hnp.integer_array_indices(x.shape, result_shape=hnp.array_shapes(max_dims=2, max_side=4)))
    moves_like_numpy(lambda a: a[index], x)


@quick
@given(st.data())
def test_boolean_indexing(data):
    x = data.draw(FILLED)
    mask = data.draw(hnp.arrays(bool, x.shape[: data.draw(st.integers(1, x.ndim))]))
    moves_like_numpy(lambda a: a[mask], x)


X34 = np.arange(12.0).reshape(3, 4)
INDICES = {
    "a list": [2, 0, 2],
    "a list in a tuple": ([0, 0, 2],),
    "a list after a slice": (slice(None), [1, 1, 3]),
    "a tuple after a slice": (slice(None), (1, 1, 3)),
    "tuples": ((0, 0, 0), (1, 1, 2)),
    "a range": (slice(None), range(3)),
    "two arrays": (np.array([0, 0, 2]), np.array([1, 1, 3])),
    "arrays that broadcast": (np.array([[0], [0]]), np.array([1, 1, 3])),
    "an array apart from a number": (np.array([0, 0]), slice(None, 2), None),
    "negative repeats": np.array([-1, 2, -1]),
    "an array without axes": (np.array(1), slice(None)),
    "a NumPy integer": np.int64(1),
    "bools": [True, False, True],
    "a mask": X34 > 5,
    "one bool": True,
    "nothing": [],
    "an empty tuple": (),
    "the ellipsis": (..., 1),
    "None": (None, slice(1, None), None, -1),
    "backwards": (slice(None, None, -1), slice(None, None, -2)),
    "a row of masks": (slice(None), np.array([True, False, False, True])),
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_indices(index):
    moves_like_numpy(lambda a: a[index], X34)


def test_an_index_that_is_a_tensor():
    t = Tensor(X34)
    rows = Tensor(np.array([2, 2, 0]), requires_grad=False)
    y = t[rows]
    assert y.tolist() == X34[[2, 2, 0]].tolist()
    y.sum().backward()
    assert t.grad.sum(axis=1).tolist() == [4.0, 0.0, 8.0]
    assert t[t > 5].shape == (6,)
    with pytest.raises(IndexError, match="integers or booleans, got dtype float64"):
        t[Tensor([0.0, 1.0])]


def test_an_index_may_change_after_forward():
    t, index = Tensor(X34), np.array([0, 0])
    y = t[index]
    index[:] = 2
    y.sum().backward()
    assert t.grad.sum(axis=1).tolist() == [8.0, 0.0, 0.0]


def test_iterating_gives_rows_with_gradients():
    t = Tensor(X34)
    first, *_, last = t
    (first.sum() + 10 * last.sum()).backward()
    assert t.grad[:, 0].tolist() == [1.0, 0.0, 10.0]
    assert len(t) == 3


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (3, "out of bounds|out of range"),
        ((0, 0, 0), "too many indices"),
        (1.5, "ind|slice"),
        ("a", "ind|slice"),
        (np.array([0.5]), "integers or booleans, got dtype float64"),
        ([True, False], "boolean index did not match|mismatch"),
        ([9], "out of bounds"),
    ],
)
def test_bad_indices(index, text):
    with pytest.raises(IndexError, match=text):
        Tensor(X34)[index]


# ---- reductions --------------------------------------------------------------------------------------------


@st.composite
def arrays_and_axes(draw, filled=False):
    x = draw(FILLED if filled else ARRAYS)
    if not x.ndim:
        return x, None
    axes = st.integers(-x.ndim, x.ndim - 1)
    many = st.lists(axes, max_size=x.ndim, unique_by=lambda a: a % x.ndim).map(tuple)
    return x, draw(st.one_of(st.none(), axes, many))


@quick
@given(arrays_and_axes(), st.booleans())
def test_sums_and_means(case, keepdims):
    x, axis = case
    moves_like_numpy(lambda a: a.sum(axis=axis, keepdims=keepdims), x)
    if x.size:  # NumPy warns of the mean of nothing
        moves_like_numpy(lambda a: a.mean(axis=axis, keepdims=keepdims), x)


@quick
@given(arrays_and_axes(filled=True), st.booleans())
def test_largest_and_smallest_share_evenly(case, keepdims):
    x, axis = case
    x = np.round(x)  # many ties
    for name in ("max", "min"):
        t = Tensor(x)
        y = getattr(t, name)(axis=axis, keepdims=keepdims)
        np.testing.assert_array_equal(y.numpy(), getattr(x, name)(axis=axis, keepdims=keepdims))
        w = back(y)
        chosen = x == getattr(x, name)(axis=axis, keepdims=True)
        share = chosen / chosen.sum(axis=axis, keepdims=True)
        spread = np.broadcast_to(w.reshape(getattr(x, name)(axis=axis, keepdims=True).shape), x.shape)
        np.testing.assert_allclose(t.grad, share * spread)


@quick
@given(arrays_and_axes(filled=True), st.booleans())
def test_reductions_are_torchs(case, keepdims):
    torch = pytest.importorskip("torch")
    x, axis = case
    x = x + np.arange(x.size).reshape(x.shape) / 7
    if axis == ():
        return  # PyTorch reads an empty tuple as all axes, NumPy as none
    dims = tuple(range(x.ndim)) if axis is None else axis
    count = x.size / np.sum(x, axis=axis).size
    cases = [
        (
            lambda a: a.norm(axis=axis, keepdims=keepdims),
            lambda a: torch.linalg.vector_norm(a, dim=dims, keepdim=keepdims),
        ),
        (lambda a: a.logsumexp(axis=axis, keepdims=keepdims), lambda a: a.logsumexp(dims, keepdim=keepdims)),
        (
            lambda a: a.var(axis=axis, correction=0, keepdims=keepdims),
            lambda a: a.var(dims, correction=0, keepdim=keepdims),
        ),
    ]
    if count > 1:
        cases += [
            (lambda a: a.var(axis=axis, keepdims=keepdims), lambda a: a.var(dims, keepdim=keepdims)),
            (lambda a: a.std(axis=axis, keepdims=keepdims), lambda a: a.std(dims, keepdim=keepdims)),
        ]
    if not isinstance(axis, tuple):
        whole = axis is None
        cases.append((
            lambda a: a.prod(axis=axis, keepdims=keepdims and not whole),
            lambda a: a.prod() if whole else a.prod(axis, keepdim=keepdims),
        ))  # fmt: skip
    for ours, theirs in cases:
        t, u = Tensor(x), torch.tensor(x, requires_grad=True)
        y, z = ours(t), theirs(u)
        assert y.shape == tuple(z.shape)
        np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=1e-10, atol=1e-12)
        w = back(y)
        z.backward(torch.tensor(w))
        np.testing.assert_allclose(t.grad, u.grad.numpy(), rtol=1e-8, atol=1e-10)


@quick
@given(FILLED, st.data())
def test_along_one_axis(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    moves_like_numpy(lambda a: a.cumsum(axis=axis), x)
    moves_like_numpy(lambda a: a.flip(axis), x, lambda a: np.flip(a, axis))
    t = Tensor(x)
    np.testing.assert_allclose(t.softmax(axis).numpy(), np.exp(t.log_softmax(axis).numpy()), rtol=1e-12)
    np.testing.assert_allclose(t.softmax(axis).numpy().sum(axis), 1.0)
    np.testing.assert_array_equal(t.argmax(axis), x.argmax(axis))
    np.testing.assert_array_equal(t.argmin(axis), x.argmin(axis))


def test_words_of_both_worlds():
    t = Tensor(X34)
    for a, b in [
        (t.sum(dim=1), t.sum(axis=1)),
        (t.mean(dim=0, keepdim=True), t.mean(axis=0, keepdims=True)),
        (t.sum(dim=[0, 1]), t.sum(axis=(0, 1))),
        (t.softmax(dim=0), t.softmax(axis=0)),
        (t.unsqueeze(dim=0), t.unsqueeze(0)),
        (t.view(4, 3), t.reshape((4, 3))),
        (t.transpose(), t.T),
        (t.transpose(0, 1), t.mT),
        (t.clip(0, 1), t.clamp(0, 1)),
    ]:
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        assert a.shape == b.shape
    assert t.numel() == t.size == 12
    assert (t.ndim, t.shape, t.dtype) == (2, (3, 4), np.float64)


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod", "norm", "logsumexp", "softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_one_number_has_every_reduction(name, axis):
    """As in PyTorch, axis 0 and -1 of a tensor without axes mean that one number."""
    if axis is None and "softmax" in name:
        return
    t = Tensor(2.0)
    y = getattr(t, name)(axis=axis)
    assert y.shape == ()
    y.backward()
    assert t.grad.shape == ()
    np.testing.assert_allclose(y.item(), {"softmax": 1.0, "log_softmax": 0.0}.get(name, 2.0))
    np.testing.assert_allclose(t.grad, 0.0 if "softmax" in name else 1.0)


# ---- shapes ------------------------------------------------------------------------------------------------


@quick
@given(ARRAYS, st.randoms(use_true_random=False))
def test_the_reshape_family(x, random):
    n = x.size
    sizes = [s for s in ((n,), (n, 1), (1, n, 1), (-1,) if n else (0,)) if n or -1 not in s]
    for shape in (*sizes, x.shape):
        moves_like_numpy(lambda a, shape=shape: a.reshape(shape), x)
    axes = list(range(x.ndim))
    random.shuffle(axes)
    moves_like_numpy(lambda a: a.permute(*axes), x, lambda a: a.transpose(axes))
    moves_like_numpy(lambda a: a.permute(*(i - x.ndim for i in axes)), x, lambda a: a.transpose(axes))
    moves_like_numpy(lambda a: a.T, x)
    moves_like_numpy(lambda a: a.squeeze(), x)
    moves_like_numpy(lambda a: a.flatten(), x, lambda a: a.reshape(-1) if a.size else a.reshape(0))
    moves_like_numpy(lambda a: a.expand(2, *x.shape), x, lambda a: np.broadcast_to(a, (2, *x.shape)))
    if x.ndim:
        moves_like_numpy(lambda a: a.pad(1), x, lambda a: np.pad(a, 1))
    for axis in range(-x.ndim - 1, x.ndim + 1):
        moves_like_numpy(lambda a, axis=axis: a.unsqueeze(axis), x, lambda a, axis=axis: np.expand_dims(a, axis))


@quick
@given(FILLED, st.integers(1, 3), st.data())
def test_split_concatenate_and_stack(x, size, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    t = Tensor(x)
    parts = t.split(size, axis)
    assert [p.shape[axis] for p in parts[:-1]] == [size] * (len(parts) - 1)
    np.testing.assert_array_equal(concatenate(parts, axis).numpy(), x)
    moves_like_numpy(lambda a: (concatenate if isinstance(a, Tensor) else np.concatenate)([a, a, a], axis), x)
    new = data.draw(st.integers(-x.ndim - 1, x.ndim))
    moves_like_numpy(lambda a: (stack if isinstance(a, Tensor) else np.stack)([a, a], new), x)


def test_a_generator_of_tensors():
    """As sum() takes: the rows of a loop are most easily given so."""
    t = Tensor(X34)
    for join in (stack, concatenate):
        assert join(row * 2 for row in t).size == 12


def test_squeeze_takes_what_numpy_and_torch_take():
    t = Tensor(np.ones((1, 2, 1)))
    assert t.squeeze(0).shape == (2, 1)
    assert t.squeeze(1).shape == (1, 2, 1)
    assert t.squeeze(-1).shape == (1, 2)
    assert t.squeeze((0, 2)).shape == (2,)


def test_one_number_has_nothing_to_pad():
    t = Tensor(2.0)
    t.pad(1).backward()
    assert t.grad == 1.0


def test_sizes_may_be_numpy_integers():
    t = Tensor(X34)
    two, three = np.int64(2), np.int64(3)
    assert t.reshape(two, -1).shape == (2, 6)
    assert t.sum(axis=np.int64(1)).shape == (3,)
    assert t.reshape(three, two, two).permute(two, np.int64(0), np.int64(1)).shape == (2, 3, 2)
    assert [p.shape for p in t.split(two)] == [(2, 4), (1, 4)]
    assert t.expand(two, three, 4).shape == (2, 3, 4)


def test_parts_of_given_sizes():
    t = Tensor(X34)
    a, b = t.split([1, 2])
    (a.sum() + 10 * b.sum()).backward()
    assert t.grad[:, 0].tolist() == [1.0, 10.0, 10.0]


# ---- dtypes ------------------------------------------------------------------------------------------------

KEEPING = {
    "arithmetic": lambda t: ((t * 2.0 + 1) / 3 - t) ** 2,
    "numbers on the left": lambda t: 1.0 - 2 / (3 + t) + 2**t,
    "NumPy numbers": lambda t: t * np.float64(2.0) + np.int64(1),
    "integer lists": lambda t: t + [1, 2, 3],
    "integer arrays": lambda t: t * np.array([1, 2, 3]),
    "masks": lambda t: t * np.array([True, False, True]),
    "functions": lambda t: t.exp() + t.log() + t.tanh() + t.sigmoid() + t.gelu() + t.silu() + t.softplus() + t.erfc(),
    "kinks": lambda t: t.relu() + t.abs() + t.leaky_relu() + t.elu() + t.clip(0.5, 1) + maximum(t, 0.3) + minimum(t, 1),
    "where": lambda t: where(t > 0.5, t, 0.0) + where(t > 0.5, 1.0, t),
    "reductions": lambda t: t - t.mean() + t.sum() * t.std() + t.max() + t.norm() + t.logsumexp() + t.prod() + t.var(),
    "softmax": lambda t: t.softmax() + t.log_softmax(),
    "shapes": lambda t: stack([t, t])[0].reshape(1, 3).T.flatten() + concatenate([t, t])[:3] + t.pad(1)[1:-1].flip(),
    "matmul": lambda t: t @ t.reshape(3, 1) @ t.reshape(1, 3) + einsum("i,j->i", t, t),
    "cumsum": lambda t: t.cumsum(0)[[0, 0, 1]],
    "Python's sum": lambda t: sum([t, t, 1.0]) + sum_([t, t]),
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("f", KEEPING.values(), ids=KEEPING)
def test_small_floats_stay_small(f, dtype):
    t = Tensor(np.array([0.25, 0.75, 1.5], dtype))
    y = f(t)
    y.sum().backward()
    assert {node.dtype for node in order(y)} == {np.dtype(dtype)}
    assert {node.grad.dtype for node in order(y)} == {np.dtype(dtype)}


@pytest.mark.parametrize("f", KEEPING.values(), ids=KEEPING)
def test_small_floats_stay_small_in_grad(f):
    slope = grad(lambda t: f(t).sum())(np.array([0.25, 0.75, 1.5], np.float32))
    assert slope.dtype == np.float32


def test_the_sum_of_small_floats_and_a_number_stays_small():
    assert sum_([Tensor(np.ones(2, np.float32)), 2.0]).dtype == np.float32


def test_numbers_in_a_list_are_like_numbers():
    """[1, 2] keeps float32 as a 1 does; so must [1.0, 2.0], as a 1.0 does."""
    t = Tensor(np.ones(2, np.float32))
    assert (t * [1, 2]).dtype == np.float32
    assert (t * [1.0, 2.0]).dtype == np.float32


def test_mixed_dtypes_meet_in_the_larger_and_return_to_their_own():
    small, large = Tensor(np.ones(3, np.float32)), Tensor(np.ones(3))
    y = (small * large + np.ones(3)).sum()
    assert y.dtype == np.float64
    y.backward()
    assert small.grad.dtype == np.float32
    assert large.grad.dtype == np.float64
    assert (small * np.ones(3, np.float16)).dtype == np.float32


def test_dtypes_of_new_tensors():
    assert Tensor([1, 2]).dtype == Tensor(3).dtype == Tensor([True]).dtype == Tensor([]).dtype == np.float64
    assert Tensor(np.ones(2, np.float32)).dtype == np.float32
    assert Tensor([1, 2], dtype=np.float32).dtype == np.float32
    assert Tensor([1, 2], dtype="float16").dtype == np.float16
    assert Tensor(np.array([1, 2]), requires_grad=False).dtype == np.int64
    assert Tensor(np.array([True]), requires_grad=False).dtype == bool
    assert Tensor([1.5]).astype(np.float32).dtype == np.float32


def test_a_gradient_through_astype_comes_back_in_its_own_dtype():
    t = Tensor(np.ones(3, np.float32))
    (t.astype(np.float64) * 2).sum().backward()
    assert t.grad.dtype == np.float32
    assert t.grad.tolist() == [2.0, 2.0, 2.0]


def test_a_conversion_to_integers_ends_the_graph():
    """Rounding is flat: no gradient goes through it (and integers never require one)."""
    t = Tensor([1.5, 2.5])
    whole = t.astype(int)
    assert not whole.requires_grad
    (whole * t).sum().backward()
    assert t.grad.tolist() == [1.0, 2.0]


def test_functions_of_integers_are_floats():
    whole = Tensor(np.array([0, 1]), requires_grad=False)
    for name in ("exp", "tanh", "sigmoid", "erfc", "gelu", "silu", "softplus", "sqrt"):
        found, expected = getattr(whole, name)(), getattr(Tensor([0.0, 1.0]), name)()
        np.testing.assert_allclose(found.numpy(), expected.numpy(), err_msg=name)


def test_labels_and_masks_take_part_without_gradients():
    labels = Tensor(np.array([0, 2]), requires_grad=False)
    t = Tensor(np.ones((2, 3)))
    picked = t[np.arange(2), labels]
    (picked * labels).sum().backward()
    assert t.grad.tolist() == [[0.0, 0.0, 0.0], [0.0, 0.0, 2.0]]
    assert labels.grad is None


# ---- views, memory, and what happens to data after forward -------------------------------------------------


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a.T,
        lambda a: a[::-1, ::2],
        lambda a: np.broadcast_to(a[0], (3, 4)),
        lambda a: np.asfortranarray(a),
        lambda a: np.lib.stride_tricks.sliding_window_view(a, 2, axis=1),
        lambda a: np.frombuffer(a.tobytes()).reshape(3, 4),
    ],
)
def test_views_and_arrays_in_any_order(view):
    x = view(np.linspace(0.1, 1.2, 12).reshape(3, 4))
    t, c = Tensor(x), Tensor(np.ascontiguousarray(x))
    for f in (
        lambda t: (t * t).sum(),
        lambda t: t.reshape(-1).cumsum(0).sum(),
        lambda t: t.mT.softmax().max(axis=0).sum(),
    ):
        t.zero_grad()
        c.zero_grad()
        f(t).backward()
        f(c).backward()
        np.testing.assert_allclose(t.grad, c.grad, rtol=1e-14)
    t.data[:] = 7.0  # writable, whatever it was made from
    assert np.all(t.numpy() == 7.0)
    assert not np.all(x == 7.0)


def scale_in_place(t):
    t.data *= 100


def set_item(t):
    t.data[0] = 100


def assign(t):
    t.data = t.data * 0 + 100.0


def optimiser_step(t):
    t.data -= 0.1 * np.ones(t.shape)


def fill(t):
    t.data.fill(100)


def through_a_view_taken_now(t):
    t.data[:][:] = 100


FORWARDS = {
    "square": lambda t: t * t,
    "div": lambda t: 1 / t,
    "exp": lambda t: t.exp(),
    "pow": lambda t: t**3,
    "where": lambda t: where(t > 1.5, t * t, t),
    "relu": lambda t: (t - 1.5).relu() * t,
    "maximum": lambda t: maximum(t, t * t),
    "matmul": lambda t: t @ t,
    "reshape": lambda t: t.reshape(1, 2) * t,
    "getitem": lambda t: t[[0, 0]] * t[1],
    "max": lambda t: t.max() * t,
    "prod": lambda t: t.prod(),
    "norm": lambda t: t.norm(),
    "softmax": lambda t: t.softmax() * t,
    "stack": lambda t: stack([t, t * t]),
    "expand": lambda t: t.expand(3, 2) * t,
    "einsum": lambda t: einsum("i,i->", t, t),
    "sum": lambda t: sum_([t * t, t]),
}


@pytest.mark.parametrize("change", [scale_in_place, set_item, assign, optimiser_step, fill, through_a_view_taken_now])
@pytest.mark.parametrize("f", FORWARDS.values(), ids=FORWARDS)
def test_changed_data_leaves_the_gradient_that_of_the_forward_pass(f, change):
    t = Tensor([1.0, 2.0])
    y = f(t)
    y.backward(np.ones(y.shape))
    expected = t.grad
    t.zero_grad()
    change(t)
    for node in order(y):  # and those of every node between
        if node.op is not None:
            node.data *= 3.0
    y.backward(np.ones(y.shape))
    np.testing.assert_array_equal(t.grad, expected)


def test_an_alias_of_the_data_stays_one_and_does_not_change_the_gradient():
    t = Tensor([1.0, 2.0])
    alias = t.data
    alias[0] = 3.0
    assert t.tolist() == [3.0, 2.0]
    y = (t * t).sum()
    alias[0] = 5.0
    assert t.tolist() == [5.0, 2.0]
    y.backward()
    assert t.grad.tolist() == [6.0, 4.0]  # of the forward pass that ran


def test_numpy_functions_do_not_lose_a_gradient_in_silence():
    t = Tensor([1.0, 2.0])
    for call in (
        lambda: np.concatenate([t, t]),
        lambda: np.dot(t, t),
        lambda: np.sum(t),
        lambda: np.where([True, False], t, 0),
    ):
        with pytest.raises(TypeError, match=r"can't follow the gradient of a Tensor.*t\.numpy\(\)"):
            call()


@pytest.mark.parametrize("view", [lambda a: a[0], lambda a: a.T, lambda a: a[:], lambda a: a.reshape(-1)])
def test_a_view_of_the_data_taken_before_forward_does_not_change_the_gradient(view):
    """`row = w.data[0]` … forward … `row[:] = 0`: refused, or without effect; never a wrong gradient."""
    t = Tensor([[1.0, 2.0], [3.0, 4.0]])
    part = view(t.data)
    y = (t * t).sum()
    with suppress(ValueError):
        part[...] = 100.0
    y.backward()
    assert t.grad.tolist() == [[2.0, 4.0], [6.0, 8.0]]


def test_a_constant_changed_in_place_leaves_the_gradient():
    x, mask = np.array([3.0, 4.0]), np.array([True, False])
    t = Tensor([1.0, 2.0])
    y = ((t * x) @ x + (x * t).sum() + where(mask, t, 0.0).sum() + (t * mask).sum() + maximum(t, x - 1).sum()) * 1.0
    y.backward()
    expected = t.grad
    t.zero_grad()
    x[:] = 100.0
    mask[:] = False
    y.backward()
    np.testing.assert_array_equal(t.grad, expected)


def test_what_a_tensor_is_made_from_is_copied():
    x = np.array([1.0, 2.0])
    t = Tensor(x)
    x[0] = 100.0
    assert t.tolist() == [1.0, 2.0]
    t.data = x
    x[0] = 200.0
    assert t.tolist() == [100.0, 2.0]
    grad = np.array([1.0, 2.0])
    y = t * 1
    y.backward(grad)
    grad[0] = 50.0
    assert y.grad.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: (a + b).reshape(4).reshape(2, 2).T.T,
        lambda a, b: a.expand(2, 2) + b[:],
        lambda a, b: concatenate([a, b]),
        lambda a, b: stack([a, b]),
        lambda a, b: sum_([a, b, a]),
        lambda a, b: a.sum() + b.sum(),
        lambda a, b: a[0] + b[0],
        lambda a, b: a.flip() + b.pad(0),
        lambda a, b: maximum(a, b),
        lambda a, b: a.astype(np.float64) + b,
        lambda a, b: where(True, a, b),
    ],
)
def test_no_two_gradients_share_memory_and_the_cotangent_is_left_alone(f):
    a, b = Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([[5.0, 6.0], [7.0, 8.0]])
    y = f(a, b)
    seed = weights(y.shape)
    kept = seed.copy()
    y.backward(seed)
    np.testing.assert_array_equal(seed, kept)
    grads = [node.grad for node in order(y)] + [seed]
    for i, g in enumerate(grads):
        assert not any(np.shares_memory(g, h) for h in grads[i + 1 :])
        assert not any(np.shares_memory(g, node.numpy()) for node in order(y))
    expected = b.grad.copy()
    a.grad += 100.0
    np.testing.assert_array_equal(b.grad, expected)


def test_arrays_for_reading_and_for_writing():
    t = Tensor([1.0, 2.0])
    assert not t.numpy().flags.writeable
    assert t.data.flags.writeable
    assert np.array(t).flags.writeable
    np.array(t)[0] = 100.0
    assert t.tolist() == [1.0, 2.0]
    assert np.asarray(t, dtype=np.float32).dtype == np.float32
    assert np.allclose(t.numpy(), [1.0, 2.0])


def test_no_grad_does_not_change_what_data_does():
    t = Tensor([1.0, 2.0])
    with no_grad():
        y = t * 2
        t.data -= 1.0
    assert t.tolist() == [0.0, 1.0]
    assert y.tolist() == [2.0, 4.0]


# ---- as a number, as text ----------------------------------------------------------------------------------


def test_one_number():
    t = Tensor([[2.5]])
    assert t.item() == float(t) == 2.5
    assert int(t) == 2
    assert bool(t)
    assert f"{t:.3f}" == "2.500"
    t.backward()
    assert t.grad.tolist() == [[1.0]]


def test_comparisons_are_arrays_of_bools():
    t, u = Tensor([1.0, 2.0, 3.0]), Tensor([2.0, 2.0, 2.0])
    for op in (operator.lt, operator.le, operator.gt, operator.ge):
        for other in (u, 2.0, [2.0, 2.0, 2.0], np.full(3, 2.0), np.float32(2)):
            found = op(t, other)
            assert isinstance(found, np.ndarray)
            assert found.tolist() == op(np.array([1.0, 2.0, 3.0]), 2.0).tolist()
    assert (np.full(3, 2.0) > t).tolist() == [True, False, False]
    assert t != u
    assert len({t, u, t}) == 2


def test_texts():
    assert repr(Tensor([1.0, 2.0])) == "Tensor([1., 2.])"
    assert repr(Tensor(np.ones(1, np.float32), label="w")) == "Tensor([1.], dtype=float32, label='w')"
    assert repr(Tensor([1.0]) * 2) == "Tensor([2.], op='mul')"
    assert repr(Tensor([1.0], requires_grad=False)) == "Tensor([1.], requires_grad=False)"
    assert f"{Tensor([1.0])}" == "Tensor([1.])"
    assert len(repr(Tensor(np.ones((1000, 1000))))) < 1000


# ---- bad input ---------------------------------------------------------------------------------------------

T23, T2 = Tensor(np.ones((2, 3))), Tensor([1.0, 2.0])

BAD = [
    # what                     f                                          error        text
    ("shapes in +",            lambda: T23 + T2,                          ValueError,  r"`\+`: shapes \(2, 3\) and \(2,\) don't fit together.*unsqueeze"),
    ("a list in +",            lambda: T23 + [1, 2],                      ValueError,  r"`\+`: shapes \(2, 3\) and \(2,\) don't fit"),
    ("a tuple in +",           lambda: T23 + (1, 2),                      ValueError,  r"`\+`: shapes \(2, 3\) and \(2,\) don't fit"),
    ("shapes in maximum",      lambda: maximum(T23, T2),                  ValueError,  r"`maximum`: shapes \(2, 3\) and \(2,\)"),
    ("shapes in where",        lambda: where(np.ones(2, bool), T23, 0),   ValueError,  r"`where`: shapes \(2,\) and \(2, 3\)"),
    ("shapes in @",            lambda: T23 @ T23,                         ValueError,  r"`@`: inner sizes differ: \(2, 3\) @ \(2, 3\).*transpose"),
    ("batches in @",           lambda: Tensor(np.ones((2, 2, 2))) @ Tensor(np.ones((3, 2, 2))), ValueError, r"\(2, ?2, ?2\).*\(3, ?2, ?2\)"),
    ("a number in @",          lambda: T23 @ 3,                           ValueError,  r"`@` needs arrays of one axis at least, got shapes \(2, 3\) @ \(\)"),
    ("a number on @'s left",   lambda: 3 @ T23,                           ValueError,  r"`@` needs arrays of one axis at least"),
    ("None in @",              lambda: T23 @ None,                        TypeError,   r"`@`.*None"),
    ("axis of sum",            lambda: T23.sum(axis=5),                   ValueError,  r"`sum`: axis 5 does not exist in shape \(2, 3\): its axes are from -2 to 1"),
    ("axis of mean",           lambda: T23.mean(dim=-3),                  ValueError,  r"`mean`: axis -3 does not exist"),
    ("axes of max",            lambda: T23.max(axis=(0, 2)),              ValueError,  r"`max`: axis 2 does not exist"),
    ("axis 1.0",               lambda: T23.sum(axis=1.0),                 ValueError,  r"`sum`: axis 1.0 does not exist"),
    ("axis 'a'",               lambda: T23.sum(axis="a"),                 ValueError,  r"`sum`: axis 'a' does not exist"),
    ("an axis twice",          lambda: T23.sum(axis=(0, -2)),             ValueError,  "axis"),
    ("axis of softmax",        lambda: T23.softmax(2),                    ValueError,  r"`softmax`: axis 2 does not exist"),
    ("axis of cumsum",         lambda: T23.cumsum(2),                     ValueError,  r"`cumsum`: axis 2 does not exist"),
    ("axis of stack",          lambda: stack([T2, T2], axis=2),           ValueError,  r"stack.*axis 2"),
    ("axis of stack, below",   lambda: stack([T2, T2], axis=-3),          ValueError,  r"stack.*axis -3"),
    ("axis of concatenate",    lambda: concatenate([T2, T2], axis=1),     ValueError,  r"concatenate.*axis 1"),
    ("axes of flatten",        lambda: T23.flatten(5),                    ValueError,  r"flatten.*5"),
    ("axis of unsqueeze",      lambda: T23.unsqueeze(4),                  ValueError,  r"`unsqueeze`: axis 4 is out of range for shape \(2, 3\)"),
    ("axis of split",          lambda: T23.split(1, axis=2),              ValueError,  r"`split`: axis 2"),
    ("parts of split",         lambda: T23.split([1, 3]),                 ValueError,  r"`split`: the parts \[1, 3\] must add up to 2"),
    ("parts of size 0",        lambda: T23.split(0),                      ValueError,  r"`split`: the size of a part must be at least 1"),
    ("mT of one axis",         lambda: T2.mT,                             ValueError,  r"axis -2 does not exist in shape \(2,\)"),
    ("reshape",                lambda: T23.reshape(4, 2),                 ValueError,  r"`reshape`: \(2, 3\) has 6 numbers, which don't fit in shape \(4, 2\)"),
    ("reshape, two -1",        lambda: T23.reshape(-1, -1),               ValueError,  r"`reshape`.*\(-1, -1\)"),
    ("reshape, -2",            lambda: T23.reshape(-2, -3),               ValueError,  r"`reshape`.*\(-2, -3\)"),
    ("permute",                lambda: T23.permute(0, 0),                 ValueError,  r"`permute`: each of the 2 axes of \(2, 3\) once, got \(0, 0\)"),
    ("expand",                 lambda: T23.expand(4, 3),                  ValueError,  r"`expand`: shape \(2, 3\) can't be repeated to \(4, 3\)"),
    ("expand, fewer axes",     lambda: T23.expand(3),                     ValueError,  r"`expand`"),
    ("pad, negative",          lambda: T23.pad(-1),                       ValueError,  r"`pad`: widths must not be negative"),
    ("concatenate, shapes",    lambda: concatenate([T23, T2]),            ValueError,  r"`concatenate` of shapes \(2, 3\), \(2,\)"),
    ("stack, shapes",          lambda: stack([T23, T2]),                  ValueError,  r"`stack` of shapes \(2, 3\), \(2,\)"),
    ("stack of nothing",       lambda: stack([]),                         ValueError,  r"stack needs a list of tensors"),
    ("concatenate a tensor",   lambda: concatenate(T23),                  ValueError,  r"concatenate needs a list of tensors"),
    ("stack of Values",        lambda: stack([Value(1.0), Value(2.0)]),   TypeError,   r"stack.*(Value|Tensor)"),
    ("stack, mixed",           lambda: stack([T2, Value(2.0)]),           TypeError,   r"stack.*Value"),
    ("einsum, no formula",     lambda: einsum(T23, T23),                  (TypeError, ValueError), r"einsum"),
    ("einsum, operands",       lambda: einsum("ij,jk->ik", T23),          ValueError,  r"speaks of 2 operands, got 1"),
    ("einsum, axes",           lambda: einsum("i->i", T23),               ValueError,  r"'i' names 1 axes, but that operand has shape \(2, 3\)"),
    ("einsum, a diagonal",     lambda: einsum("ii->i", T23),              ValueError,  r"a letter twice"),
    ("einsum, sizes",          lambda: einsum("ij,ij->", T23, T23.T),     ValueError,  r"'i' stands for sizes 2 and 3 in 'ij,ij->'"),
    ("einsum, output",         lambda: einsum("ij->k", T23),              ValueError,  r"einsum.*k"),
    ("einsum, 1 and 2",        lambda: einsum("i,i->i", Tensor([1.0]), T2).sum().backward(), ValueError, r"'i' stands for sizes 1 and 2 in 'i,i->i'"),
    ("integers",               lambda: Tensor(np.array([1, 2])),          TypeError,   r"Tensor of int64 can't have gradients.*astype\(float\).*requires_grad=False"),
    ("bools",                  lambda: Tensor(np.array([True])),          TypeError,   r"Tensor of bool can't have gradients"),
    ("ragged lists",           lambda: Tensor([[1, 2], [3]]),             ValueError,  r"Tensor: the lists have unequal lengths"),
    ("text",                   lambda: Tensor(["a", "b"]),                TypeError,   r"Tensor needs real numbers, got text \(dtype <U1\)"),
    ("one text",               lambda: Tensor("1.5"),                     TypeError,   r"got text"),
    ("bytes",                  lambda: Tensor([b"a"]),                    TypeError,   r"got bytes"),
    ("objects",                lambda: Tensor([object()]),                TypeError,   r"got Python objects \(dtype object\)"),
    ("None",                   lambda: Tensor(None),                      TypeError,   r"got Python objects|NoneType"),
    ("None in a list",         lambda: Tensor([1.0, None]),               TypeError,   r"got Python objects"),
    ("complex",                lambda: Tensor([1j]),                      TypeError,   r"got complex numbers \(dtype complex128\)"),
    ("a Tensor",               lambda: Tensor(T2),                        TypeError,   r"this is a Tensor already.*detach"),
    ("Values",                 lambda: Tensor([Value(1.0)]),              TypeError,   r"got Python objects|Value"),
    ("+ text",                 lambda: T2 + "a",                          TypeError,   r"`\+` can't be applied to a Tensor and str 'a'"),
    ("text *",                 lambda: "a" * T2,                          TypeError,   r"`\*` can't be applied to a Tensor and str 'a'"),
    ("+ None",                 lambda: T2 + None,                         TypeError,   r"`\+` can't be applied to a Tensor and None"),
    ("+ complex",              lambda: T2 + 1j,                           TypeError,   r"`\+` can't be applied to a Tensor and complex"),
    ("+ array of text",        lambda: T2 + np.array(["a", "b"]),         TypeError,   r"`\+` needs numbers, got text"),
    ("+ array of objects",     lambda: T2 + np.array([None, 1]),          TypeError,   r"`\+` needs numbers, got Python objects"),
    ("+ complex array",        lambda: np.array([1j, 1]) + T2,            TypeError,   r"`\+` needs numbers, got complex"),
    ("+ object",               lambda: T2 + object(),                     TypeError,   r"unsupported operand"),
    ("+ Value",                lambda: T2 + Value(1.0),                   TypeError,   r"`\+` of a Tensor and a Value.*don't mix.*to_values"),
    ("Value +",                lambda: Value(1.0) + T2,                   TypeError,   r"`\+` of a Tensor and a Value.*don't mix"),
    ("backward of many",       lambda: (T2 * 2).backward(),               ValueError,  r"starts from one number, and this Tensor has shape \(2,\).*\.sum\(\)"),
    ("a gradient's shape",     lambda: (T2 * 2).backward([1, 2, 3]),      ValueError,  r"the gradient has shape \(3,\), the Tensor \(2,\)"),
    ("a gradient, 0-d",        lambda: (T2 * 2).backward(1.0),            ValueError,  r"the gradient has shape \(\), the Tensor \(2,\)"),
    ("backward, untracked",    lambda: T2.detach().backward([1.0, 1.0]),  RuntimeError, r"requires_grad=False"),
    ("in place",               lambda: operator.setitem(T2, 0, 1.0),      TypeError,   r"isn't changed in place.*where\(mask, new, old\).*t\.data\[index\] = value"),
    ("new data's shape",       lambda: setattr(T2, "data", np.ones(3)),   ValueError,  r"a Tensor keeps its shape: it has \(2,\), the new data \(3,\)"),
    ("item of many",           lambda: T2.item(),                         ValueError,  r"\.item\(\) needs a Tensor of one number, this one has shape \(2,\)"),
    ("float of many",          lambda: float(T2),                         ValueError,  r"one number, this one has shape \(2,\)"),
    ("truth of many",          lambda: bool(T2),                          ValueError,  r"whether a Tensor of shape \(2,\) is true is ambiguous"),
    ("len of one",             lambda: len(Tensor(1.0)),                  TypeError,   r"no len\(\); \.item\(\) gives the number"),
    ("iterating over one",     lambda: list(Tensor(1.0)),                 TypeError,   r"no axes|no len"),
    ("clip without bounds",    lambda: T2.clip(),                         ValueError,  r"clip needs min or max"),
    ("max of nothing",         lambda: Tensor([]).max(),                  ValueError,  r"max|zero-size"),
    ("an unknown dtype",       lambda: Tensor([1.0], dtype="foo"),        TypeError,   r"dtype.*foo|foo.*dtype|data type 'foo' not understood"),
    ("a misspelling",          lambda: setattr(T2, "gard", 1.0),          AttributeError, r"gard"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "f", "error", "text"), BAD, ids=[what for what, *_ in BAD])
def test_bad_input_is_named(what, f, error, text):
    with pytest.raises(error, match=text):
        f()


def test_a_list_of_tensors_is_not_silently_cut_off():
    """Tensor([a, b]) would lose the graph: an error that names stack, or a result with gradients."""
    a, b = Tensor(1.0), Tensor(2.0)
    with pytest.raises(TypeError, match="stack"):
        Tensor([a, b])


def test_where_with_a_plain_condition_has_the_shape_of_both():
    for condition in (True, False, np.True_, np.array(True)):
        t = Tensor([1.0, 2.0])
        for y, slope in (
            (where(condition, t, 0.0), 1.0 if condition else 0.0),
            (where(condition, 0.0, t), 0.0 if condition else 1.0),
        ):
            t.zero_grad()
            assert y.shape == (2,)
            y.sum().backward()
            assert t.grad.tolist() == [slope, slope]


SCRIPT = """
import numpy as np
from micrograd_plus import Tensor, concatenate, maximum, stack, where, grad
x = np.array([[-1000.0, -1.0, 0.0], [0.0, 1.0, 1000.0]])
for dtype in (np.float64, np.float32):
    t = Tensor(x.astype(dtype))
    ys = [t.sigmoid(), t.softplus(), t.tanh(), t.gelu(), t.silu(), t.relu(), abs(t), t.exp(), t**2, 1 / t, t / 0.0,
          t.elu(), t.leaky_relu(), t.clip(0, 1), where(t > 0, t, 0.0), t.log(), t.sqrt(), t**0.5, t**-1, t**t,
          t.softmax(), t.log_softmax(), t.logsumexp(), t.norm(), t.std(), t.var(axis=0), t.prod(), t.max(axis=1),
          maximum(t, 0), stack([t, t]), concatenate([t, t]), t @ t.T, t.cumsum(0), t.mean(), t[[0, 0]]]
    for y in ys:
        t.zero_grad()
        y.sum().backward()
        assert t.grad.dtype == dtype
    assert np.isfinite(grad(lambda t: t.sigmoid().sum())(x)).all()
try:
    Tensor([1, 2]) + Tensor([1, 2, 3])
except ValueError:
    print("done", __debug__)
"""


@pytest.mark.parametrize("flags", [["-W", "error"], ["-W", "error", "-O"]], ids=" ".join)
def test_no_warnings_and_the_same_checks_when_optimised(flags):
    done = subprocess.run([sys.executable, *flags, "-c", SCRIPT], capture_output=True, text=True)
    assert done.stdout.strip() == f"done {'-O' not in flags}", done.stderr
    assert done.stderr == ""


def test_a_large_chain_of_everything_against_torch():
    """One composed model-like expression: the gradient of every parameter to rounding."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, w1, b1, w2 = (rng.normal(size=s) for s in [(8, 5), (5, 6), (6,), (6, 3)])

    def model(x, w1, b1, w2, lib):
        h = (x @ w1 + b1).tanh()
        h = (h - h.mean()) / (h.var(1).sum() + 1e-5) ** 0.5
        z = (h @ w2).log_softmax(-1)
        return -(z[:, 0].sum() + (z * z).mean()) + (w1 * w1).sum() * 0.01 + h.exp().sum(1).log().sum()

    ours = [Tensor(a) for a in (x, w1, b1, w2)]
    theirs = [torch.tensor(a, requires_grad=True) for a in (x, w1, b1, w2)]
    y, z = model(*ours, None), model(*theirs, torch)
    y.backward()
    z.backward()
    assert y.item() == pytest.approx(z.item(), rel=1e-12)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-10, atol=1e-12)
    assert math.isfinite(y.item())


def test_tensors_inside_lists_are_refused_and_not_detached():
    a, b = Tensor(1.0), Tensor(2.0)
    for make in (
        lambda: Tensor([1.0, 2.0]) * [a, b],
        lambda: Tensor([[a, b]]),
        lambda: Tensor([1.0, 2.0]) @ [a, b],
    ):
        with pytest.raises(TypeError, match="a list of Tensors or Values: use stack"):
            make()


def test_a_gradient_of_another_shape_is_named():
    w = Tensor([1.0, 2.0])
    w.grad = np.zeros((3, 1))
    with pytest.raises(ValueError, match=r"the \.grad that was set has shape \(3, 1\), but the Tensor has \(2,\)"):
        (w * 2).sum().backward()


def test_numpys_functions_and_operators_are_ours_and_keep_the_gradient():
    a = np.array([3.0, 4.0])
    for call, slope in (
        (lambda t: np.exp(t), np.exp([1.0, 2.0])),
        (lambda t: np.add(t, a), np.ones(2)),
        (lambda t: a * t, a),
        (lambda t: a @ t, a),
        (lambda t: np.matmul(t, a), a),
        (lambda t: np.maximum(t, 1.5), np.array([0.0, 1.0])),
    ):
        t = Tensor([1.0, 2.0])
        call(t).sum().backward()
        np.testing.assert_allclose(t.grad, slope)
    assert (a > Tensor([1.0, 5.0])).tolist() == [True, False]
    for call in (lambda t: np.arccos(t), lambda t: np.add(a, t, out=a), lambda t: a == t, lambda t: np.add.reduce(t)):
        with pytest.raises(TypeError, match=r"np\.\w+ can't follow the gradient of a Tensor"):
            call(Tensor([1.0, 2.0]))


# ---- adding up gradients in place, and moving without a copy ----


def address(array):
    return array.__array_interface__["data"][0]


def test_a_gradient_that_nobody_holds_grows_where_it_stands():
    w = Tensor([1.0, 2.0])
    (w * 2).sum().backward()
    place = address(w.grad)
    (w * 3).sum().backward()
    assert w.grad.tolist() == [5.0, 5.0]
    assert address(w.grad) == place


@pytest.mark.parametrize("part", [lambda g: g, lambda g: g[:1], lambda g: g.reshape(2, 1), memoryview])
def test_a_gradient_that_somebody_holds_stays_as_it_was(part):
    w = Tensor([1.0, 2.0])
    (w * 2).sum().backward()
    held = part(w.grad)
    before = np.array(held).tolist()
    (w * 3).sum().backward()
    assert np.array(held).tolist() == before
    assert w.grad.tolist() == [5.0, 5.0]


def test_a_gradient_that_was_set_belongs_to_who_set_it():
    base = np.zeros(4)

    def locked():
        array = np.ones(2)
        array.setflags(write=False)
        return array

    for start, end in ((lambda: base[:2], 2.0), (lambda: np.broadcast_to(1.0, 2), 3.0), (locked, 3.0)):
        w = Tensor([1.0, 2.0])
        w.grad = start()
        (w * 2).sum().backward()
        assert w.grad.tolist() == [end, end]
    assert base.tolist() == [0.0] * 4
    single = Tensor(np.ones(2, np.float32))
    single.grad = np.full(2, 1e-12)
    (single * 0).sum().backward()
    assert single.grad.dtype == np.float64  # as it was set: no digit is lost
    w = Tensor([1.0, 2.0])
    w.grad = np.zeros(2, np.float32)
    (w * 0.1).sum().backward()
    assert w.grad.tolist() == [0.1, 0.1]


def test_gradients_seen_by_a_hook_stay_as_they_were():
    seen = []
    w = Tensor([1.0, 2.0])
    inner = w * 2
    inner.register_hook(seen.append)
    w.register_hook(lambda g: seen.append(g))
    loss = (inner * inner + inner).sum()
    loss.backward()
    first = [g.copy() for g in seen]
    loss.backward()
    np.testing.assert_equal(seen[:2], first)
    assert w.grad.tolist() == [20.0, 36.0]


def test_descend_leaves_what_a_graph_has_seen():
    w = Tensor([1.0, 2.0])
    y = (w * w).sum()
    w.descend(np.array([0.5, 1.0]))
    assert w.tolist() == [0.5, 1.0]
    y.backward()
    assert w.grad.tolist() == [2.0, 4.0]
    w.data[0] = 7.0
    assert w.tolist() == [7.0, 1.0]
    held = w.data
    w.descend(np.array([1.0, 1.0]))  # no graph has seen these numbers: they change where they stand
    assert held.tolist() == w.tolist() == [6.0, 0.0]


def test_descend_keeps_shape_and_dtype():
    w = Tensor(np.ones(2, np.float32))
    for step in (np.ones(2), 1.0, np.ones(1, np.float32)):
        w.numpy()
        w.descend(step)
        assert w.dtype == np.float32
    assert w.tolist() == [-2.0, -2.0]
    w.numpy()
    with pytest.raises(ValueError, match="broadcast"):
        w.descend(np.ones((3, 2), np.float32))


def test_adopt_takes_an_array_without_a_copy():
    w, array = Tensor([1.0, 2.0]), np.array([3.0, 4.0])
    with pytest.raises(ValueError, match=r"read-only array of shape \(2,\).*writeable: t.data = array copies it"):
        w.adopt(array)
    array.setflags(write=False)
    w.adopt(array)
    assert w.numpy() is array
    w.data[0] = 9.0
    assert array.tolist() == [3.0, 4.0]
    for wrong in (array[:1], array.astype(np.float32)):
        wrong.setflags(write=False)
        with pytest.raises(ValueError, match=r"adopt\(\) takes .* got shape"):
            w.adopt(wrong)


def test_the_same_leaf_used_twice_is_kept_once():
    w = Tensor([1.0, 2.0])
    y = w * w
    assert y.saved[0] is y.saved[1]
    w.data = w.data * 2  # nobody holds it, so no graph needs a copy of its own
    z = w.exp() + w
    assert z.operands[0].saved[0] is z.saved[1]


# ---- NumPy's warnings ----


@pytest.mark.parametrize("mode", ["raise", "warn", "ignore"])
def test_numpys_own_setting_is_silenced_in_an_operation_and_back_behind_it(mode):
    with np.errstate(all=mode):
        before = np.geterr()
        x = Tensor([1000.0, 0.0])
        y = (x.exp() / x).log()
        (y - y).sum().backward()
        stack([x, x.exp()])
        with pytest.raises(ValueError, match="don't fit together"):
            x + Tensor([1.0, 2.0, 3.0])
        assert np.isnan(x.grad).all()
        assert np.geterr() == before
    if mode == "raise":
        with np.errstate(all="raise"), pytest.raises(FloatingPointError):
            np.exp(1000.0)


def test_numpys_setting_of_a_thread_is_its_own():
    def work():
        with np.errstate(all="raise"):
            for _ in range(200):
                Tensor([1000.0]).exp()
            found.append(np.geterr()["over"])

    found = []
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["raise"] * 4


def test_softmax_of_nothing_is_nothing():
    """As in PyTorch."""
    x = Tensor(np.zeros((0, 3)))
    assert x.softmax(0).shape == x.log_softmax(1).shape == (0, 3)
    assert x.logsumexp(axis=0).tolist() == [-np.inf] * 3
    (x.softmax(0).sum() + x.log_softmax(1).sum()).backward()
    assert x.grad.shape == (0, 3)


@pytest.mark.parametrize("shapes", [((2, 3, 0), (4, 0), (4,)), ((2, 3, 4), (0, 4), (0,)), ((2, 0, 4), (3, 4), (3,))])
def test_linear_layers_of_empty_arrays(shapes):
    x, w, b = (Tensor(np.ones(shape)) for shape in shapes)
    y = nn.functional.linear(x, w, b)
    np.testing.assert_array_equal(y.numpy(), np.ones(shapes[0]) @ np.ones(shapes[1]).T + 1)
    y.sum().backward()
    assert (x.grad.shape, w.grad.shape) == shapes[:2]
    np.testing.assert_array_equal(b.grad, np.full(shapes[2], 6.0 if 0 not in shapes[0][:2] else 0.0))


@pytest.mark.parametrize("f", [leaky_relu, elu, lambda number, x: where(True, number, x)])
def test_a_number_that_a_rule_chooses_gets_the_shape_of_the_arrays(f):
    x = Tensor([[0.5, 2.0]])
    y = f(3, x)
    assert y.tolist() == [[3.0, 3.0]]
    y.sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0]]


def test_what_is_repeated_no_time_has_a_gradient_of_zero():
    x = Tensor([[1.0], [2.0]])
    (x * np.zeros((2, 0))).sum().backward()
    assert x.grad.tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("features", [2, 4])
def test_a_linear_layer_refuses_an_input_of_another_size(features):
    x, weight = Tensor(np.ones((5, features))), Tensor(np.ones((7, 3)))
    with pytest.raises(ValueError, match=rf"linear: the input has shape \(5, {features}\), but a weight of shape"):
        nn.functional.linear(x, weight)
    bias = np.ones(2 * features)  # 4 or 8 numbers for 7 rows
    with pytest.raises(ValueError, match="linear: the bias has a number for each row of the weight, 7, got"):
        nn.functional.linear(Tensor(np.ones((5, 3))), weight, bias)


def test_expand_keeps_sizes_and_adds_axes():
    x = Tensor([[1.0, 2.0, 3.0]])
    assert x.expand(4, -1).shape == (4, 3)
    assert x.expand(2, -1, -1).shape == (2, 1, 3)
    assert x.unsqueeze(-3).shape == (1, 1, 3)


REFUSED_SHAPES = [
    (lambda x: x.expand(-2, 3), r"`expand`: shape \(1, 3\) can't be repeated to \(-2, 3\)"),
    (lambda x: x.expand(-1, 1, 3), r"`expand`: shape \(1, 3\) can't be repeated to \(-1, 1, 3\)"),
    (lambda x: x.expand(3), r"`expand`: shape \(1, 3\) can't be repeated to \(3,\)"),
    (lambda x: x.permute(2, 1), "`permute`: each of the 2 axes"),
    (lambda x: x.permute(3, 0), "`permute`: each of the 2 axes"),
    (lambda x: x.permute(-3, 0), "`permute`: each of the 2 axes"),
    (lambda x: x.unsqueeze(-4), "`unsqueeze`: axis -4 is out of range"),
    (lambda x: x.unsqueeze(3), "`unsqueeze`: axis 3 is out of range"),
    (lambda x: x.reshape(-3, -1), r"`reshape`: \(1, 3\) has 3 numbers, which don't fit in shape \(-3, -1\)"),
    (lambda x: x.reshape(-1, -3, -1), r"`reshape`: \(1, 3\) has 3 numbers, which don't fit in shape"),
    (lambda x: Tensor(np.ones(6)).reshape(-2, -3), r"`reshape`: \(6,\) has 6 numbers, which don't fit in shape"),
    (lambda x: Tensor(np.ones(4)).reshape(-2, -2), r"`reshape`: \(4,\) has 4 numbers, which don't fit in shape"),
    (lambda x: concatenate([x, x], axis=2), "`concatenate`: axis 2 does not exist"),
    (lambda x: concatenate([x, x], axis=-3), "`concatenate`: axis -3 does not exist"),
]


def test_sizes_are_given_in_one_way_or_the_other():
    with pytest.raises(TypeError, match="`reshape` takes whole numbers, one by one or in a tuple; got tuple"):
        Tensor(np.ones(6)).reshape((2, 3), 1)


@pytest.mark.parametrize(("call", "message"), REFUSED_SHAPES, ids=lambda part: part if isinstance(part, str) else "")
def test_shapes_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(Tensor([[1.0, 2.0, 3.0]]))


def test_a_tensor_is_stale_when_its_operands_or_itself_were_changed():
    x, c = Tensor([1.0, np.nan]), np.array([2.0, 3.0])
    y = x * c
    assert not y.is_stale()
    held = y.data  # a copy of the same numbers
    assert not y.is_stale()
    held[0] = 5.0
    assert y.is_stale()
    y = x * c
    x.data[0] = 4.0
    assert y.is_stale()
    assert not x.is_stale()  # a leaf is what it is


def test_what_numpy_gives_can_not_be_written_to_even_while_somebody_holds_the_data():
    x = Tensor([1.0, 2.0])
    held = x.data
    seen = x.numpy()
    assert not seen.flags.writeable
    held[0] = 7.0
    assert seen.tolist() == [1.0, 2.0]


def test_a_gradient_is_an_array_of_the_tensors_dtype_whatever_the_rule_gives():
    for slope in (2.0, 2, np.float32(2.0), np.array(2)):
        row = Structural("row", lambda x: x * 2, lambda g, y, x, slope=slope: slope)
        x = Tensor(1.0)
        row(x).backward()
        assert (type(x.grad), x.grad.dtype, x.grad.shape, x.grad.item()) == (np.ndarray, np.float64, (), 2.0)
    assert Tensor([1.0]).fitting(np.ones(1, np.float32)).dtype == np.float64
    assert Tensor(np.ones(1, np.float32)).fitting(np.ones(1)).dtype == np.float32
    assert not Tensor([1.0]).ones().requires_grad


@pytest.mark.parametrize("shape", [(), (1,), (3,), (1, 2)])
def test_a_rule_that_gives_another_shape_is_refused(shape):
    row = Structural("row", lambda x: x * 2, lambda g, y, x: np.ones(shape))
    with pytest.raises(ValueError, match="the rule of `row` for input 0 gives a gradient of shape"):
        row(Tensor([1.0, 2.0])).backward(np.ones(2))


def test_a_plain_array_beside_one_in_another_order_of_memory():
    a, row = np.arange(6.0).reshape(2, 3), np.array([[1.0], [10.0], [100.0]])
    x = Tensor(a)
    y = x.T * row
    np.testing.assert_array_equal(y.numpy(), a.T * row)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, np.ones((2, 3)) * row.T)


def test_a_longer_dtype_is_shown():
    assert repr(Tensor(np.ones(1, np.float32))) == "Tensor([1.], dtype=float32)"
    assert repr(Tensor(np.ones(1))) == "Tensor([1.])"
    if np.longdouble != np.float64 and np.finfo(np.longdouble).bits > 64:
        assert "dtype=" in repr(Tensor(np.ones(1, np.longdouble)))


MORE_REFUSED = [
    (lambda x: x[0].sum(axis=1), r"`sum`: axis 1 does not exist in shape \(3,\)"),
    (lambda x: x.reshape(2, -1), r"`reshape`: \(1, 3\) has 3 numbers, which don't fit in shape \(2, -1\)"),
    (lambda x: x.split([1, 1], axis=1), r"`split`: the parts \[1, 1\] must add up to 3"),
    (lambda x: x[:0].backward(), r"backward\(\) starts from one number, and this Tensor has shape \(0, 3\)"),
    (lambda x: x[:0].item(), r".item\(\) needs a Tensor of one number, this one has shape \(0, 3\)"),
    (lambda x: bool(x[:0]), r"whether a Tensor of shape \(0, 3\) is true is ambiguous"),
    (lambda x: x.adopt(np.broadcast_to(1.0, (2, 3))), r"adopt\(\) takes a read-only array of shape \(1, 3\)"),
    (lambda x: x.adopt(np.broadcast_to(1.0, (1, 2))), r"adopt\(\) takes a read-only array of shape \(1, 3\)"),
    (lambda x: x.adopt(np.broadcast_to(np.longdouble(1), (1, 3))), r"adopt\(\) takes .* and float64, got"),
    (lambda x: x.adopt(np.broadcast_to(np.float32(1), (1, 3))), r"adopt\(\) takes .* and float64, got"),
]


@pytest.mark.parametrize(("call", "message"), MORE_REFUSED, ids=lambda part: part if isinstance(part, str) else "")
def test_what_does_not_fit_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call(Tensor([[1.0, 2.0, 3.0]]))


@pytest.mark.parametrize("numbers", [np.ones((1, 2)), np.ones((2, 3)), np.ones(3), 1.0])
def test_new_data_has_the_old_shape(numbers):
    x = Tensor([[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match=r"a Tensor keeps its shape: it has \(1, 3\), the new data"):
        x.data = numbers
    assert x.tolist() == [[1.0, 2.0, 3.0]]


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [None, (0, 1)])
def test_softmax_goes_along_one_axis(name, axis):
    with pytest.raises(TypeError, match=f"`{name}`: axis is one whole number"):
        getattr(Tensor([[1.0, 2.0]]), name)(axis)


def test_shapes_of_three_axes():
    x = Tensor(np.arange(24.0).reshape(2, 3, 4))
    assert x.flatten(0, 1).shape == (6, 4)
    assert x.flatten(1, 2).shape == (2, 12)
    assert x.flatten(1, 1).shape == (2, 3, 4)
    assert x.transpose(2, 0, 1).shape == (4, 2, 3)
    assert Tensor(1.0).expand().shape == ()


def test_what_is_joined_of_frozen_tensors_is_frozen():
    frozen = Tensor([1.0, 2.0], requires_grad=False)
    assert not concatenate([frozen, frozen]).requires_grad
    assert concatenate([frozen, Tensor([3.0])]).requires_grad


def test_what_a_step_gave_is_held_as_it_is():
    """descend() keeps the array that it was given; a graph may hold it, so nobody writes to it any more."""
    w, step = Tensor([1.0, 2.0]), np.array([0.5, 0.5])
    y = w * 1.0  # a graph holds w's numbers
    w.descend(step)
    assert w.numpy() is step
    with pytest.raises(ValueError, match="read-only"):
        step[0] = 7.0
    w.data[0] = 7.0
    assert step.tolist() == [0.5, 1.5]
    assert y.tolist() == [1.0, 2.0]


def test_long_tensors_are_cut_short_above_a_hundred_numbers():
    assert "..." not in repr(Tensor(np.zeros(100)))
    assert "..." in repr(Tensor(np.zeros(101)))
    assert repr(Tensor([1 / 3])) == "Tensor([0.3333])"


def test_a_rule_that_answers_yes_or_no_gives_the_first_operands_numbers():
    above = Structural("above", lambda x, y: x > y, lambda g, y, x, z: g * 0, lambda g, y, x, z: g * 0)
    y = above(Tensor(np.ones(2, np.float32)), Tensor([0.5, 2.0]))
    assert y.tolist() == [1.0, 0.0]
    assert y.dtype == np.float32
    assert Structural("positive", lambda x: x > 0, lambda g, y, x: g * 0)(Tensor([1.0])).dtype == np.float64


def test_what_is_not_tracked_remembers_nothing():
    y = Tensor([1.0, 2.0], requires_grad=False).sum(axis=0)
    assert (y.op, y.operands, y.saved, y.settings, y.kept) == (None, (), (), {}, None)


def test_a_gradient_that_was_set_has_the_right_shape():
    for wrong in (np.ones(1), np.ones((2, 2)), np.ones(())):
        x = Tensor([1.0, 2.0])
        x.grad = wrong
        with pytest.raises(ValueError, match=r"the \.grad that was set has shape \(.*\), but the Tensor has \(2,\)"):
            x.sum().backward()


def test_what_an_operation_saw_has_one_shape():
    """A plain array is repeated, too, in memory like the array beside it: NumPy is quicker so."""
    plain, x = np.arange(12.0).reshape(3, 4)[:, ::2], Tensor(np.arange(12.0).reshape(2, 3, 2).T.copy().T)
    for y in (plain * x, x * plain):
        np.testing.assert_array_equal(y.numpy(), plain * x.numpy())
        assert [array.shape for array in y.saved] == [(2, 3, 2)] * 2
        assert {array.strides for array in y.saved} == {x.numpy().strides}
    rows = np.arange(6.0).reshape(2, 3).T[None]  # itself in another order
    assert [array.shape for array in (rows * x).saved + (x * rows).saved] == [(2, 3, 2)] * 4


def test_numbers_and_arrays_among_tensors_in_a_sequence():
    short = Tensor(np.ones(1, np.float32))
    assert stack([short[0], 2.0]).dtype == np.float32  # a number has no dtype of its own
    assert concatenate([short, np.ones(1)]).dtype == np.float64


@pytest.mark.parametrize("kind", [int, np.int8, np.longdouble])
def test_relu_of_other_numbers(kind):
    x = Tensor(np.array([-1, 0, 1, 2], kind), requires_grad=False)
    assert x.relu().tolist() == [0, 0, 1, 2]
    assert x.relu().dtype == kind


def test_the_slope_of_relu_for_other_floats():
    x = Tensor(np.array([-0.5, 0.0, 0.5], np.longdouble))
    x.relu().sum().backward()
    assert x.grad.tolist() == [0, 0, 1]


def test_the_norm_of_the_largest_number_is_that_number():
    for kind in (np.float32, np.float64):
        largest = np.finfo(kind).max
        assert Tensor(np.array([largest, 0], kind)).norm().item() == largest
        assert Tensor(np.array([largest, largest], kind)).norm().item() == math.inf  # it is larger than any float


TWO, THREE = Tensor([1.0, 2.0]), Tensor([1.0, 2.0, 3.0])
REFUSED_CALLS = [
    (lambda: TWO.astype(str), TypeError, "astype: dtype is the kind of number"),
    (lambda: TWO.astype(None), TypeError, "astype: dtype is the kind of number"),
    (lambda: TWO.sum(axis=False), ValueError, "`sum`: axis False does not exist"),
    (lambda: TWO.sum(axis=True), ValueError, "`sum`: axis True does not exist"),
    (lambda: TWO * -(10**400), OverflowError, "a whole number of more than 300 digits"),
    (lambda: concatenate([TWO, TWO], axis=5), ValueError, "`concatenate`: axis 5 does not exist"),
    (lambda: stack([TWO, TWO], axis=5), ValueError, "`stack`: axis 5 is out of range"),
    (lambda: einsum("i->i", TWO, TWO), ValueError, "'i->i' speaks of 1 operands, got 2"),
    (lambda: einsum("i,i->", THREE, TWO), ValueError, "'i' stands for sizes 3 and 2"),
    (lambda: concatenate([TWO, "a"]), TypeError, "concatenate takes Tensors and arrays, got str 'a'"),
    (lambda: stack([TWO, {1.0}]), TypeError, "stack takes Tensors and arrays, got set"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED_CALLS, ids=lambda p: p if isinstance(p, str) else "")
def test_calls_that_make_no_sense_are_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_einsum_without_an_arrow_keeps_the_letters_that_occur_once():
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(einsum("ij,jk", Tensor(a), b).numpy(), np.einsum("ij,jk", a, b))
    np.testing.assert_array_equal(einsum("kj,ji", Tensor(a), b).numpy(), np.einsum("kj,ji", a, b))


def test_whole_numbers_are_taken_as_far_as_floats_go():
    x = Tensor([1.0])
    for sign in (1, -1):
        assert (x * (sign * (10**300 - 1))).item() == sign * 1e300
        with pytest.raises(OverflowError, match="a whole number of more than 300 digits"):
            x * (sign * 10**300)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("count", [2, 3_000_000])
def test_a_norm_of_small_numbers_has_all_its_digits(kind, count):
    """Their squares lie below the smallest normal float, and have fewer digits than the numbers; not so their sum."""
    tiny = float(np.finfo(kind).smallest_normal)
    numbers = math.sqrt(tiny) * (1e-3 if count > 2 else 1e-1) * np.arange(1.0, 1.5, 0.05)
    for number in numbers.astype(kind):
        exact = math.sqrt(count) * float(number)
        found = Tensor(np.full(count, number)).norm().item()
        assert abs(found / exact - 1) < 4 * np.finfo(kind).eps


@pytest.mark.parametrize("shape", [(3,), (2, 2, 3)])
def test_the_weight_of_a_linear_layer_has_two_axes(shape):
    with pytest.raises(ValueError, match=r"linear: the weight has two axes \(out, in\), got shape \("):
        nn.functional.linear(Tensor(np.ones((5, 3))), Tensor(np.ones(shape)))


@pytest.mark.parametrize("wanted", [np.float16, np.float32, np.float64, "int32", bool])
@pytest.mark.parametrize("given", [np.float16, np.float32, np.float64, np.int64])
def test_a_tensor_has_the_dtype_that_was_asked_for(given, wanted):
    array = np.array([0, 1], given)
    for data in (array, array.tolist()):
        x = Tensor(data, dtype=wanted, requires_grad=False)
        assert x.dtype == wanted
        assert x.tolist() == [0, 1]
    assert not np.shares_memory(Tensor(array, requires_grad=False).numpy(), array)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_goes_along_the_last_axis_unless_told_otherwise(name):
    x = Tensor(np.arange(6.0).reshape(2, 3) ** 2)
    rows = [getattr(row, name)(axis=0).numpy() for row in x]
    np.testing.assert_array_equal(getattr(x, name)().numpy(), rows)
