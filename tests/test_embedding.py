"""Embeddings and positions: PyTorch's numbers and gradients, twins, compile, errors."""

import copy
import pickle
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_plus
from micrograd_plus import Tensor, grad, gradcheck, nn, no_grad, optim
from micrograd_plus.engine import ValueArray
from micrograd_plus.engine.graph import order
from micrograd_plus.nn import functional as F  # noqa: N812
from micrograd_plus.nn.embedding import EMBEDDING_TABLE, add_rows

EXACT = {"rtol": 1e-9, "atol": 1e-9}
SINGLE = {"rtol": 1e-4, "atol": 1e-4}
DTYPE = pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, EXACT), (np.float32, SINGLE)], ids=["64", "32"])
PADDING = pytest.mark.parametrize("padding_idx", [None, 0, 3, -1])
SIZE = pytest.mark.parametrize("size", [5, 60, 61, 300])  # two ways to add up the gradient


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def test_every_row_is_in_the_table():
    assert set(EMBEDDING_TABLE) == {"embedding", "add_rows"}


@SIZE
@PADDING
@DTYPE
@pytest.mark.parametrize("shape", [(7,), (4, 6), (), (2, 3, 4), (0,), (500,)], ids=str)
def test_values_and_gradients_are_pytorchs(size, padding_idx, dtype, tolerance, shape):
    torch = pytest.importorskip("torch")
    index = np.random.default_rng(0).integers(0, min(size, 20), shape)
    layer = nn.Embedding(size, 4, padding_idx, dtype=dtype, seed=0)
    theirs = torch.nn.Embedding(size, 4, padding_idx, dtype=getattr(torch, np.dtype(dtype).name))
    theirs.load_state_dict({k: torch.tensor(v) for k, v in layer.state_dict().items()})
    y, z = layer(index), theirs(torch.tensor(index))
    g = normal(*y.shape, seed=1).astype(dtype)
    y.backward(g)
    z.backward(torch.tensor(g))
    assert y.dtype == layer.weight.grad.dtype == dtype
    assert sum(node.op is not None for node in order(y)) == 1
    np.testing.assert_array_equal(y.numpy(), z.detach().numpy())
    np.testing.assert_allclose(layer.weight.grad, theirs.weight.grad.numpy(), **tolerance)
    other = nn.Embedding(size, 4, dtype=dtype).load_state_dict(theirs.state_dict())
    np.testing.assert_array_equal(other.weight.numpy(), theirs.weight.detach().numpy())


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 80), st.integers(1, 5), st.lists(st.integers(0, 6), max_size=3), st.integers(0, 99))
def test_the_gradient_is_a_sum_over_all_places(size, dim, shape, seed):
    index, g = np.random.default_rng(seed).integers(0, size, shape), normal(*shape, dim, seed=seed)
    expected = np.zeros((size, dim))
    np.add.at(expected, index, g)
    np.testing.assert_allclose(add_rows(g, index=index, size=size, padding_idx=None), expected, **EXACT)


def test_padding_starts_at_zero_and_stays():
    layer = nn.Embedding(6, 3, padding_idx=-4, seed=0)
    assert layer.padding_idx == 2
    optimiser = optim.Adam(layer.parameters(), lr=0.1)
    before = layer.weight.numpy()
    for _ in range(3):
        optimiser.zero_grad()
        (layer([[2, 1], [2, 2]]) ** 2 + layer([[2, 1], [2, 2]])).sum().backward()
        optimiser.step()
    assert (layer.weight.data[2] == 0).all()
    assert (layer.weight.data[1] != before[1]).all()
    assert (layer.weight.data[[0, 3, 4, 5]] == before[[0, 3, 4, 5]]).all()


def test_how_rows_start():
    weight = nn.Embedding(400, 50, seed=0).weight.numpy()
    assert weight.mean() == pytest.approx(0, abs=0.03)
    assert weight.std() == pytest.approx(1, abs=0.02)
    assert abs(weight).max() > 3  # the normal distribution has tails
    np.testing.assert_array_equal(nn.Embedding(400, 50, seed=0).weight.numpy(), weight)
    micrograd_plus.seed(1)
    first = nn.Embedding(5, 3).weight.numpy()
    micrograd_plus.seed(1)
    np.testing.assert_array_equal(nn.Embedding(5, 3).weight.numpy(), first)
    state = random.getstate()
    nn.Embedding(5, 3, seed=3)
    assert random.getstate() == state
    assert nn.Embedding(5, 3).weight.dtype == np.float64


def test_indices_of_every_kind():
    layer = nn.Embedding(6, 3, seed=0)
    expected = layer.weight.numpy()[[1, 5]]
    kinds = [[1, 5], (1, 5), np.array([1, 5], np.uint8), np.array([1, 5], np.int32), Tensor(np.array([1, 5]), False)]
    for index in kinds:
        np.testing.assert_array_equal(layer(index).numpy(), expected)
    assert layer(4).shape == (3,)
    assert layer([]).shape == (0, 3)
    index = np.array([1, 5])
    y = layer(index)
    index[:] = 0  # the graph keeps what it has seen
    y.sum().backward()
    assert layer.weight.grad.sum(1).tolist() == [0, 3, 0, 0, 0, 3]


# ---- twins, derivatives, compile -----------------------------------------------------------------------------------


@PADDING
def test_the_twin_agrees(padding_idx):
    model = nn.Sequential(
        nn.Embedding(5, 4, padding_idx, seed=0), nn.LearnedPositions(6, 4, seed=1), nn.SinusoidalPositions(6, 4)
    )
    model[0].weight.data += 0.1  # also where padding is
    index, g = np.array([[0, 3, 3], [4, 1, 0]]), normal(2, 3, 4)
    twin = model.scalar_twin()
    y, z = model(index), twin(index)
    (y * g).sum().backward()
    (z * g).sum().backward()
    np.testing.assert_allclose(z.data, y.numpy(), **EXACT)
    grads = [v.grad for v in twin.parameters()]
    np.testing.assert_allclose(grads, [n for p in model.parameters() for n in p.grad.flat], **EXACT)
    opened = (model(index) * g).sum().to_values()
    assert opened.data == pytest.approx((model(index) * g).sum().item(), rel=1e-12)


@PADDING
@pytest.mark.parametrize("size", [5, 70])
def test_derivatives_and_second_derivatives(padding_idx, size):
    torch = pytest.importorskip("torch")
    index, g, w = np.array([[0, 3, 3], [4, 1, 0]]), normal(2, 3, 2), normal(size, 2, seed=1)
    if padding_idx is None:
        assert gradcheck(lambda w: (F.embedding(index, w) ** 2 * g).sum(), Tensor(w))
    mine = grad(lambda w: (grad(lambda v: (F.embedding(index, v, padding_idx) ** 3 * g).sum())(w) ** 2).sum())(w)
    z = torch.tensor(w, requires_grad=True)
    y = (torch.nn.functional.embedding(torch.tensor(index), z, padding_idx) ** 3 * torch.tensor(g)).sum()
    (slope,) = torch.autograd.grad(y, z, create_graph=True)
    (second,) = torch.autograd.grad((slope**2).sum(), z)
    np.testing.assert_allclose(mine, second.numpy(), **EXACT)


@PADDING
def test_the_gradient_of_a_gradient_passes_padding_over(padding_idx):
    """add_rows leaves out what stands at padding, so nothing of its result flows back there."""
    index, c = np.array([0, 3, 3, 4]), normal(5, 2)
    padding_idx = None if padding_idx is None else padding_idx % 5  # as embedding() hands it on
    mine = grad(lambda g: (add_rows(g, index=index, size=5, padding_idx=padding_idx) * c).sum())(normal(4, 2))
    counts = np.ones(5)
    if padding_idx is not None:
        counts[padding_idx] = 0
    np.testing.assert_allclose(mine, (c * counts[:, None])[index], **EXACT)


@PADDING
def test_compiled_is_eager(padding_idx):
    model = nn.Sequential(
        nn.Embedding(30, 4, padding_idx, seed=0), nn.LearnedPositions(6, 4, seed=1), nn.SinusoidalPositions(6, 4)
    )
    f = lambda index: (model(index) ** 3).sum()
    step = micrograd_plus.compile(f)
    rng = np.random.default_rng(0)
    for _ in range(4):
        index, found = rng.integers(0, 30, (5, 6)), []
        for function in (step, f):
            model.zero_grad()
            y = function(index)
            y.backward()
            found.append([y.numpy(), *(p.grad for p in model.parameters())])
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a, b, **EXACT)
    assert step.replays == 2
    with pytest.raises(IndexError, match="from 0 to 29, got 30"):
        step(np.full((5, 6), 30))


def test_copies_pickles_pictures_and_programs():
    layer = nn.Embedding(5, 3, padding_idx=1, seed=0)
    y = (layer([0, 1, 4]) ** 2).sum()
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert repr(other) == repr(layer) == "Embedding(5, 3, padding_idx=1)"
        np.testing.assert_array_equal(other([0, 4]).numpy(), layer([0, 4]).numpy())
    y.backward()
    for again in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        leaf = next(node for node in order(again) if node.op is None and node.requires_grad)
        leaf.zero_grad()
        again.backward()
        np.testing.assert_array_equal(leaf.grad, layer.weight.grad)
    assert micrograd_plus.draw(y) is not None
    with no_grad():
        assert not layer([0]).requires_grad
    layer.requires_grad_(False)
    assert not layer([0]).requires_grad


# ---- positions -----------------------------------------------------------------------------------------------------


@DTYPE
def test_learned_positions_are_an_embedding_of_places(dtype, tolerance):
    torch = pytest.importorskip("torch")
    layer = nn.LearnedPositions(8, 4, dtype=dtype, seed=0)
    theirs = torch.nn.Embedding(8, 4, dtype=getattr(torch, np.dtype(dtype).name))
    theirs.load_state_dict({k: torch.tensor(v) for k, v in layer.state_dict().items()})
    for shape in ((3, 5, 4), (8, 4), (2, 3, 1, 4)):
        x = normal(*shape).astype(dtype)
        a, b = Tensor(x), torch.tensor(x, requires_grad=True)
        layer.zero_grad()
        theirs.weight.grad = None
        y, z = layer(a), b + theirs(torch.arange(shape[-2]))
        g = normal(*shape, seed=1).astype(dtype)
        y.backward(g)
        z.backward(torch.tensor(g))
        assert y.dtype == dtype
        np.testing.assert_array_equal(y.numpy(), z.detach().numpy())
        np.testing.assert_allclose(layer.weight.grad, theirs.weight.grad.numpy(), **tolerance)
        np.testing.assert_array_equal(a.grad, g)


def test_sinusoidal_positions_are_the_papers():
    layer = nn.SinusoidalPositions(50, 6)
    for t in (0, 1, 7, 49):
        for i in range(3):
            angle = t / 10000 ** (2 * i / 6)
            assert layer.pe[t, 2 * i] == pytest.approx(np.sin(angle), abs=1e-12)
            assert layer.pe[t, 2 * i + 1] == pytest.approx(np.cos(angle), abs=1e-12)
    assert layer.parameters() == []
    assert list(layer.state_dict()) == ["pe"]
    x = Tensor(normal(2, 5, 6), dtype=np.float32)
    y = layer(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.numpy() - x.numpy(), np.broadcast_to(layer.pe[:5], (2, 5, 6)), atol=1e-6)
    y.sum().backward()
    assert (x.grad == 1).all()
    assert nn.SinusoidalPositions(50, 6, dtype=np.float32).pe.dtype == np.float32
    assert layer(ValueArray.leaves(normal(3, 6))).shape == (3, 6)


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Embedding(5, 2)([0, 5]), IndexError, "embedding: with 5 rows the indices go from 0 to 4, got 5"),
        (lambda: nn.Embedding(5, 2)([0, -1]), IndexError, "go from 0 to 4, got -1"),
        (lambda: nn.Embedding(5, 2)([0.0, 1.0]), TypeError, "must be whole numbers .*got dtype float64"),
        (lambda: nn.Embedding(5, 2)(Tensor([1, 2])), TypeError, "must be whole numbers .*got dtype float64"),
        (lambda: nn.Embedding(5, 2)([True, False]), TypeError, "got dtype bool"),
        (lambda: nn.Embedding(5, 2, max_norm=1.0), ValueError, "max_norm is not supported"),
        (lambda: nn.Embedding(0, 2), ValueError, "num_embeddings must be a whole number, at least 1; got 0"),
        (lambda: nn.Embedding(5, 2.5), ValueError, "embedding_dim must be a whole number, at least 1; got 2.5"),
        (lambda: nn.Embedding(5, 2, 5), ValueError, "padding_idx is one of the rows, from -5 to 4; got 5"),
        (lambda: F.embedding([0], Tensor(np.ones((5, 2))), -6), ValueError, "embedding: padding_idx is one of"),
        (lambda: nn.LearnedPositions(4, 2)(np.ones((3, 5, 2))), ValueError, "has 5 places .*there are 4: build"),
        (lambda: nn.SinusoidalPositions(4, 2)(np.ones((5, 2))), ValueError, "has 5 places .*there are 4: build"),
        (lambda: nn.LearnedPositions(4, 2)(np.ones((3, 3))), ValueError, r"shape \(…, T, 2\), got \(3, 3\)"),
        (lambda: nn.SinusoidalPositions(4, 2)(np.ones(2)), ValueError, r"shape \(…, T, 2\), got \(2,\)"),
        (lambda: nn.SinusoidalPositions(4, 3), ValueError, "dim must be even"),
        (lambda: nn.LearnedPositions(0, 3), ValueError, "max_length must be a whole number, at least 1; got 0"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
