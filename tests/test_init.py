"""Initialisers: PyTorch's bounds and spreads, the same numbers for the same seed, errors that say what to do."""

import inspect
import math
import random

import numpy as np
import pytest

import micrograd_plus
from micrograd_plus import Tensor
from micrograd_plus.nn import init

NONLINEARITIES = ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
BIG = (300, 200)  # fan_in 200, fan_out 300
KERNEL = (40, 30, 5, 5)  # fan_in 750, fan_out 1000
FILLERS = {
    "uniform_": (),
    "normal_": (),
    "constant_": (2.5,),
    "zeros_": (),
    "ones_": (),
    "kaiming_uniform_": (),
    "kaiming_normal_": (),
    "xavier_uniform_": (),
    "xavier_normal_": (),
    "orthogonal_": (),
}
RANDOM = [name for name in FILLERS if name not in ("constant_", "zeros_", "ones_")]
WEIGHTS_ONLY = [name for name in FILLERS if name.startswith(("kaiming", "xavier", "orthogonal"))]


def fill(name, shape=BIG, *args, dtype=None, **settings):
    return getattr(init, name)(Tensor(np.full(shape, 7.0), dtype=dtype), *args, **settings)


def torch_like(name, shape, **settings):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    return getattr(torch.nn.init, name)(torch.empty(*shape, dtype=torch.float64), **settings).numpy()


def assert_even(numbers, bound):
    """Drawn evenly from ±bound: never beyond it, close to it somewhere, with the spread and mean that this has."""
    n = numbers.size
    assert abs(numbers).max() <= bound
    assert abs(numbers).max() > bound * (1 - 20 / n)
    assert numbers.std() == pytest.approx(bound / math.sqrt(3), rel=4 / math.sqrt(n))
    assert abs(numbers.mean()) < 5 * bound / math.sqrt(3 * n)


def assert_normal(numbers, std):
    n = numbers.size
    assert numbers.std() == pytest.approx(std, rel=5 / math.sqrt(2 * n))
    assert abs(numbers.mean()) < 5 * std / math.sqrt(n)
    assert (abs(numbers) < std).mean() == pytest.approx(0.6827, abs=0.02)  # a bell: an even spread has 0.577


def test_every_initialiser_is_in_the_table():
    public = {n for n, f in vars(init).items() if inspect.isfunction(f) and n.endswith("_") and n[0] != "_"}
    assert public == set(FILLERS)


@pytest.mark.parametrize("name", FILLERS)
def test_it_fills_in_place_and_keeps_what_the_tensor_is(name):
    w = Tensor(np.full((6, 4), 7.0), dtype=np.float32, label="weight")
    assert getattr(init, name)(w, *FILLERS[name]) is w
    assert w.dtype == np.float32
    assert w.shape == (6, 4)
    assert w.label == "weight"
    assert w.op is None
    assert w.requires_grad
    assert not (w.data == 7).any()
    w.data[0, 0] = 9.0  # not an expanded view: each number is its own
    assert (w.data == 9).sum() == 1


@pytest.mark.parametrize(("name", "number"), [("constant_", 2.5), ("zeros_", 0.0), ("ones_", 1.0)])
def test_constants(name, number):
    assert (fill(name, (3, 2), *FILLERS[name]).data == number).all()
    assert fill(name, (), *FILLERS[name]).item() == number


@pytest.mark.parametrize("name", RANDOM)
def test_the_same_seed_gives_the_same_numbers(name):
    first, again = fill(name, seed=3).data, fill(name, seed=3).data
    assert (first == again).all()
    assert (first != fill(name, seed=4).data).any()
    micrograd_plus.seed(5)
    global_first, next_one = fill(name).data, fill(name).data
    micrograd_plus.seed(5)
    assert (fill(name).data == global_first).all()
    assert (next_one != global_first).any()


def test_a_seed_of_its_own_leaves_the_global_one_alone():
    micrograd_plus.seed(1)
    state = random.getstate()
    fill("normal_", seed=0)
    assert random.getstate() == state


def test_numpys_global_state_is_not_touched():
    before = np.random.get_state()[1].copy()
    fill("normal_")
    assert (np.random.get_state()[1] == before).all()


@pytest.mark.parametrize("nonlinearity", NONLINEARITIES)
@pytest.mark.parametrize("param", [None, 0, 0.2, 3.0])
def test_gains_are_pytorchs(nonlinearity, param):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.init.calculate_gain(nonlinearity, param)
    assert init.calculate_gain(nonlinearity, param) == pytest.approx(theirs, rel=1e-15)


def test_uniform_and_normal():
    assert_even(fill("uniform_", BIG, -2.0, 2.0, seed=0).data, 2.0)
    numbers = fill("uniform_", seed=0).data
    assert_even(numbers - 0.5, 0.5)
    assert_normal(fill("normal_", seed=0).data, 1.0)
    assert_normal(fill("normal_", BIG, mean=5.0, std=0.1, seed=0).data - 5, 0.1)


@pytest.mark.parametrize("shape", [BIG, KERNEL])
@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
@pytest.mark.parametrize("nonlinearity", NONLINEARITIES)
@pytest.mark.parametrize("a", [0.0, 0.5])
def test_kaiming(shape, mode, nonlinearity, a):
    settings = {"a": a, "mode": mode, "nonlinearity": nonlinearity}
    field = math.prod(shape[2:])
    fan = (shape[1] if mode == "fan_in" else shape[0]) * field
    gains = {
        "linear": 1,
        "sigmoid": 1,
        "tanh": 5 / 3,
        "relu": 2**0.5,
        "selu": 3 / 4,
        "leaky_relu": (2 / (1 + a * a)) ** 0.5,
    }
    std = gains[nonlinearity] / math.sqrt(fan)
    even, normal = (fill(f"kaiming_{kind}_", shape, seed=0, **settings).data for kind in ("uniform", "normal"))
    assert_even(even, math.sqrt(3) * std)
    assert_normal(normal, std)
    assert even.std() == pytest.approx(torch_like("kaiming_uniform_", shape, **settings).std(), rel=0.02)
    assert normal.std() == pytest.approx(torch_like("kaiming_normal_", shape, **settings).std(), rel=0.02)


@pytest.mark.parametrize("shape", [BIG, KERNEL])
@pytest.mark.parametrize("gain", [1.0, 5 / 3])
def test_xavier(shape, gain):
    std = gain * math.sqrt(2 / ((shape[0] + shape[1]) * math.prod(shape[2:])))
    even, normal = (fill(f"xavier_{kind}_", shape, seed=0, gain=gain).data for kind in ("uniform", "normal"))
    assert_even(even, math.sqrt(3) * std)
    assert_normal(normal, std)
    assert even.std() == pytest.approx(torch_like("xavier_uniform_", shape, gain=gain).std(), rel=0.02)
    assert normal.std() == pytest.approx(torch_like("xavier_normal_", shape, gain=gain).std(), rel=0.02)


def test_defaults_are_pytorchs():
    torch = pytest.importorskip("torch")
    for name in FILLERS:
        ours = inspect.signature(getattr(init, name)).parameters
        theirs = inspect.signature(getattr(torch.nn.init, name)).parameters
        for word, parameter in ours.items():
            if word != "seed":
                assert parameter.default == theirs[word].default, (name, word)


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (1, 5), (5, 1), (4, 3, 2), (2, 3, 5)])
@pytest.mark.parametrize("gain", [1.0, 1.7])
def test_orthogonal(shape, gain):
    q = fill("orthogonal_", shape, gain=gain, seed=1).data.reshape(shape[0], -1)
    square = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(square, np.eye(len(square)) * gain**2, atol=1e-13)


def test_orthogonal_draws_evenly_from_all_rotations_and_reflections():
    many = np.array([fill("orthogonal_", (2, 2), seed=i).data for i in range(400)])
    assert abs(many.mean(axis=0)).max() < 5 * math.sqrt(0.5 / 400)  # LAPACK's own signs would show here
    assert 0.4 < (np.linalg.det(many) > 0).mean() < 0.6


@pytest.mark.parametrize("name", WEIGHTS_ONLY)
@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_bias_has_no_fans(name, shape):
    with pytest.raises(ValueError, match=r"needs a weight of two axes or more \(out, in, …\), got shape \("):
        fill(name, shape)


def test_errors():
    with pytest.raises(ValueError, match=r"mode must be 'fan_in' or 'fan_out', got 'fan_up'"):
        fill("kaiming_uniform_", mode="fan_up")
    with pytest.raises(ValueError, match=r"mode must be 'fan_in' or 'fan_out', got None"):
        fill("kaiming_normal_", mode=None)
    with pytest.raises(
        ValueError, match=r"no gain is known for 'rely': choose one of leaky_relu, linear, sigmoid, .*relu"
    ):
        fill("kaiming_normal_", nonlinearity="rely")
    with pytest.raises(ValueError, match="no gain is known for 'gelu'"):
        init.calculate_gain("gelu")


def test_an_error_changes_nothing():
    w = Tensor(np.full((3,), 7.0))
    with pytest.raises(ValueError, match="two axes"):
        init.xavier_normal_(w)
    assert (w.data == 7).all()
