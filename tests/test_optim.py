"""optim: the same numbers as PyTorch's, on floats and on arrays; errors that say what to do."""

import copy
import inspect
import json
import math
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from micrograd_plus import Tensor, Value, optim
from micrograd_plus.optim import optimizers
from micrograd_plus.optim.together import SMALL

# ---- every optimiser, with many settings ----

OPTIMISERS = [
    (optim.SGD, {"lr": 0.1}),
    (optim.SGD, {"lr": 0.1, "weight_decay": 0.3}),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.4}),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (optim.SGD, {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    (optim.RMSprop, {}),
    (optim.RMSprop, {"lr": 0.1, "alpha": 0.9, "eps": 1e-3}),
    (optim.RMSprop, {"lr": 0.1, "weight_decay": 0.2}),
    (optim.RMSprop, {"lr": 0.1, "momentum": 0.9}),
    (optim.RMSprop, {"lr": 0.1, "alpha": 0.8, "centered": True}),
    (optim.RMSprop, {"lr": 0.1, "alpha": 0.3, "centered": True}),
    (optim.RMSprop, {"lr": 0.1, "alpha": 0.8, "centered": True, "momentum": 0.5, "weight_decay": 0.1}),
    (optim.Adagrad, {}),
    (optim.Adagrad, {"lr": 0.5, "lr_decay": 0.1}),
    (optim.Adagrad, {"lr": 0.5, "weight_decay": 0.2, "initial_accumulator_value": 0.3, "eps": 1e-4}),
    (optim.Adam, {}),
    (optim.Adam, {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-4}),
    (optim.Adam, {"lr": 0.1, "betas": (0.0, 0.5), "weight_decay": 0.3}),
    (optim.AdamW, {}),
    (optim.AdamW, {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.3}),
    (optim.AdamW, {"lr": 0.1, "weight_decay": 0.0, "eps": 1e-3}),
]
SHAPES = [(3, 4), (5,), (1,), ()]


def is_a(thing, base):
    return inspect.isclass(thing) and issubclass(thing, base) and thing is not base


def name_of(row):
    kind, options = row[0], row[-1]
    shown = (f"{k}={'…' if callable(v) else v}" for k, v in options.items())  # a function's repr has an address
    return "-".join([kind.__name__, *shown])


def make(kind, params, options):
    return kind(params, **({"lr": 0.1} if kind is optim.SGD else {}) | options)


def locked(array):
    """A gradient that nobody may write to."""
    array = np.array(array)
    array.flags.writeable = False
    return array


def arrays(seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [SimpleNamespace(data=np.array(rng.normal(size=s), dtype), grad=None) for s in SHAPES]


def gradients(seed, dtype=np.float64):
    """Gradients of all parameters; one in four numbers is 0, sizes differ a lot."""
    rng = np.random.default_rng(seed)
    return [
        locked((rng.normal(size=s) * (rng.random(s) > 0.25) * 10.0 ** rng.uniform(-3, 1)).astype(dtype)) for s in SHAPES
    ]


def train(optimizer, params, seeds, dtype=np.float64):
    for seed in seeds:
        for p, g in zip(params, gradients(seed, dtype), strict=True):
            p.grad = g
        optimizer.step()


@pytest.fixture(params=OPTIMISERS, ids=name_of)
def row(request):
    return request.param


def test_the_table_has_every_optimiser_and_every_setting():
    kinds = {getattr(optim, name) for name in optim.__all__ if is_a(getattr(optim, name), optim.Optimizer)}
    assert kinds == {kind for kind, _ in OPTIMISERS}
    for kind in kinds:
        settings = set(inspect.signature(kind).parameters) - {"params"}
        assert settings == {name for k, options in OPTIMISERS if k is kind for name in options}


def test_arrays_move_as_in_pytorch(row):
    torch = pytest.importorskip("torch")
    kind, options = row
    ours = arrays()
    theirs = [torch.nn.Parameter(torch.tensor(p.data)) for p in ours]
    mine = make(kind, ours, options)
    torchs = getattr(torch.optim, kind.__name__)(theirs, **options)
    for seed in range(50):
        for p, q, g in zip(ours, theirs, gradients(seed), strict=True):
            p.grad, q.grad = g, torch.tensor(g)
        mine.step()
        torchs.step()
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-10, atol=1e-10)
    for i, q in enumerate(theirs):  # and they remember the same
        for name, value in mine.state.get(i, {}).items():
            np.testing.assert_allclose(value, torchs.state[q][name].numpy(), rtol=1e-10, atol=1e-10)


def test_floats_move_as_in_pytorch(row):
    torch = pytest.importorskip("torch")
    kind, options = row
    ours = [SimpleNamespace(data=x, grad=0.0) for x in (1.0, -2.5, 0.0)]
    theirs = [torch.nn.Parameter(torch.tensor(p.data, dtype=torch.float64)) for p in ours]
    mine = make(kind, ours, options)
    torchs = getattr(torch.optim, kind.__name__)(theirs, **options)
    rng = np.random.default_rng(1)
    for _ in range(50):
        for p, q in zip(ours, theirs, strict=True):
            p.grad = float(rng.normal())
            q.grad = torch.tensor(p.grad, dtype=torch.float64)
        mine.step()
        torchs.step()
        for p, q in zip(ours, theirs, strict=True):
            assert type(p.data) is float
            assert p.data == pytest.approx(q.item(), rel=1e-10, abs=1e-10)


def test_defaults_are_pytorchs():
    torch = pytest.importorskip("torch")
    for kind in {kind for kind, _ in OPTIMISERS}:
        theirs = inspect.signature(getattr(torch.optim, kind.__name__)).parameters
        for name, ours in inspect.signature(kind).parameters.items():
            if (kind, name) != (optim.SGD, "lr"):  # ours must be given
                assert ours.default == theirs[name].default, (kind, name)


def test_arrays_and_floats_agree(row):
    kind, options = row
    start = [0.5, -1.5, 2.0]
    numbers = [SimpleNamespace(data=x, grad=0.0) for x in start]
    array = SimpleNamespace(data=np.array(start), grad=None)
    of_numbers, of_array = make(kind, numbers, options), make(kind, [array], options)
    rng = np.random.default_rng(2)
    for _ in range(20):
        array.grad = locked(rng.normal(size=3))
        for p, g in zip(numbers, array.grad.tolist(), strict=True):
            p.grad = g
        of_numbers.step()
        of_array.step()
    np.testing.assert_allclose([p.data for p in numbers], array.data, rtol=1e-13)


def test_float32_stays_float32(row):
    kind, options = row
    params = arrays(dtype=np.float32)
    optimizer = make(kind, params, options)
    train(optimizer, params, range(3), np.float32)
    assert {p.data.dtype for p in params} == {np.dtype(np.float32)}
    remembered = [x for memory in optimizer.state.values() for x in memory.values() if hasattr(x, "dtype")]
    assert {x.dtype for x in remembered} <= {np.dtype(np.float32)}


def test_gradients_are_never_changed_nor_kept(row):
    kind, options = row
    p = SimpleNamespace(data=np.ones(3), grad=np.array([1.0, -2.0, 3.0]))
    optimizer, grad = make(kind, [p], options), p.grad
    for _ in range(3):
        optimizer.step()
    assert p.grad is grad
    assert grad.tolist() == [1.0, -2.0, 3.0]
    assert not any(np.shares_memory(grad, x) for x in optimizer.state[0].values())


def test_data_is_changed_where_it_stands(row):
    kind, options = row
    p = SimpleNamespace(data=np.ones(3), grad=np.ones(3))
    data = p.data
    make(kind, [p], options).step()
    assert p.data is data


def test_a_saved_state_goes_on_bit_for_bit(row):
    kind, options = row
    params = arrays()
    first = make(kind, params, options)
    train(first, params, range(10))
    saved, others = first.state_dict(), copy.deepcopy(params)
    before = copy.deepcopy(saved)

    second = make(kind, others, {"lr": 9.0})  # settings come with the state
    second.load_state_dict(saved)
    train(first, params, range(10, 20))
    train(second, others, range(10, 20))

    for p, q in zip(params, others, strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    np.testing.assert_equal(saved, before)  # a copy both ways


def test_a_saved_state_of_floats_survives_json(row):
    kind, options = row
    p = SimpleNamespace(data=1.0, grad=0.25)
    first = make(kind, [p], options)
    first.step()
    q = SimpleNamespace(data=p.data, grad=0.25)
    second = make(kind, [q], {})
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    first.step()
    second.step()
    assert p.data == q.data


# ---- what all optimisers share ----


def number(data=1.0, grad=0.5):
    return SimpleNamespace(data=data, grad=grad)


def test_groups_have_their_own_settings():
    torch = pytest.importorskip("torch")
    ours, theirs = arrays(), [torch.nn.Parameter(torch.tensor(p.data)) for p in arrays()]
    optimisers = [
        module.SGD([{"params": ps[:2], "lr": 0.5}, {"params": ps[2:3], "momentum": 0.9}], lr=0.1)
        for module, ps in ((optim, ours), (torch.optim, theirs))
    ]
    for optimizer, ps in zip(optimisers, (ours, theirs), strict=True):
        optimizer.add_param_group({"params": ps[3:], "weight_decay": 0.5})
    for seed in range(5):
        for p, q, g in zip(ours, theirs, gradients(seed), strict=True):
            p.grad, q.grad = g, torch.tensor(g)
        for optimizer in optimisers:
            optimizer.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-12)
    layouts = [[g["params"] for g in optimizer.state_dict()["param_groups"]] for optimizer in optimisers]
    assert layouts[0] == layouts[1] == [[0, 1], [2], [3]]


def test_the_callers_group_is_left_alone():
    group = {"params": [number()], "lr": 0.5}
    optim.SGD([group], lr=0.1).param_groups[0]["lr"] = 9.0
    assert group["lr"] == 0.5


def test_params_may_be_a_generator():
    params = [number(), number()]
    optim.SGD((p for p in params), lr=1.0).step()
    assert [p.data for p in params] == [0.5, 0.5]


def test_parameters_without_gradient_and_frozen_ones_are_skipped():
    unused, frozen, free = number(grad=None), number(), number()
    frozen.requires_grad, free.requires_grad = False, True
    optimizer = optim.SGD([unused, frozen, free], lr=1.0, momentum=0.9, weight_decay=0.1)
    optimizer.step()
    assert (unused.data, frozen.data) == (1.0, 1.0)
    assert free.data < 1.0
    assert list(optimizer.state) == [2]


def test_zero_grad_clears_numbers_to_zero_and_arrays_to_none():
    a, b = number(), SimpleNamespace(data=np.ones(2), grad=np.ones(2))
    optim.SGD([a, b], lr=0.1).zero_grad()
    assert a.grad == 0.0
    assert type(a.grad) is float
    assert b.grad is None


def test_repr():
    a, b = number(), number()
    assert repr(optim.Adam([a, b])) == "Adam(2 parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0)"
    assert repr(optim.Adagrad([{"params": [a], "lr": 0.5}, {"params": [b]}])) == (
        "Adagrad(\n"
        "    1 parameter, lr=0.5, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10,\n"
        "    1 parameter, lr=0.01, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10,\n"
        ")"
    )


def test_centred_rmsprop_survives_a_variance_rounded_below_zero():
    p = number(grad=0.7)  # with alpha=0.5 the variance becomes -5.6e-17 at step 54
    optimizer = optim.RMSprop([p], alpha=0.5, centered=True)
    for _ in range(100):
        optimizer.step()
        assert type(p.data) is float  # a root of a negative number would be complex


class Model:
    def parameters(self):
        return [number()]


TWICE = number()
BAD_OPTIMISERS = [
    (
        lambda: optim.SGD([], lr=0.1),
        ValueError,
        "SGD got no parameters, so it would train nothing. Is the model",
    ),
    (lambda: optim.SGD(iter([]), lr=0.1), ValueError, "was the generator used up before?"),
    (
        lambda: optim.SGD([number()], lr=-1),
        ValueError,
        "lr must be 0 or more and finite, got -1: a negative rate",
    ),
    (lambda: optim.SGD([number()], lr="0.1"), TypeError, r"lr must be a number, got '0.1' \(str\)"),
    (lambda: optim.SGD([number()], lr=True), TypeError, r"lr must be a number, got True \(bool\)"),
    (lambda: optim.SGD([number()], lr=None), TypeError, r"lr must be a number, got None"),
    (lambda: optim.SGD([number()], lr=math.nan), ValueError, "lr must be 0 or more and finite, got nan"),
    (lambda: optim.SGD([number()], lr=math.inf), ValueError, "lr must be 0 or more and finite, got inf"),
    (lambda: optim.SGD([number()], lr=1, momentum=-0.9), ValueError, "momentum must be 0 or more .* try 0.9"),
    (lambda: optim.SGD([number()], lr=1, weight_decay=-1), ValueError, "weight_decay must .* weights grow"),
    (
        lambda: optim.SGD([number()], lr=1, nesterov=True),
        ValueError,
        "needs momentum above 0 .* got momentum=0",
    ),
    (
        lambda: optim.SGD([number()], lr=1, momentum=0.9, dampening=0.5, nesterov=True),
        ValueError,
        "dampening 0; got momentum=0.9, dampening=0.5",
    ),
    (lambda: optim.Adam([number()], betas=(0.9, 1.0)), ValueError, r"betas\[1\] must be .* below 1, got 1.0"),
    (lambda: optim.Adam([number()], betas=(-0.1, 0.9)), ValueError, r"betas\[0\] must be 0 or more"),
    (
        lambda: optim.Adam([number()], betas=0.9),
        TypeError,
        r"betas must be a pair .* \(0.9, 0.999\); got 0.9",
    ),
    (lambda: optim.AdamW([number()], eps=-1e-8), ValueError, "eps must be 0 or more"),
    (
        lambda: optim.RMSprop([number()], alpha=1.5),
        ValueError,
        "alpha must be 0 or more and below 1, got 1.5",
    ),
    (lambda: optim.Adagrad([number()], lr_decay=-1), ValueError, "lr_decay must be 0 or more"),
    (lambda: optim.SGD(Model(), lr=0.1), TypeError, r"SGD got a whole Model: pass .* model.parameters\(\)"),
    (lambda: optim.SGD(number(), lr=0.1), TypeError, r"SGD got a single parameter: pass a list, \[p\]"),
    (lambda: optim.SGD(3.0, lr=0.1), TypeError, r"SGD needs a list of parameters, got 3.0: pass model"),
    (
        lambda: optim.SGD([number(), 3.0], lr=0.1),
        TypeError,
        "SGD: parameter 1 is a float without .data and .grad",
    ),
    (
        lambda: optim.SGD(np.ones(2), lr=0.1),
        TypeError,
        "SGD: parameter 0 is a float64 without .data and .grad",
    ),
    (
        lambda: optim.SGD([TWICE, TWICE], lr=0.1),
        ValueError,
        "SGD got the same parameter twice: it would move",
    ),
    (lambda: optim.SGD([{"params": [TWICE]}] * 2, lr=0.1), ValueError, "the same parameter twice"),
    (
        lambda: optim.SGD({"params": [number()]}, lr=0.1),
        TypeError,
        "SGD got a dict: put parameter groups in a list",
    ),
    (lambda: optim.SGD([{"lr": 0.1}], lr=0.1), TypeError, "a parameter group is a dict {'params'"),
    (lambda: optim.SGD([{"params": [number()]}, number()], lr=0.1), TypeError, "a parameter group is a dict"),
    (lambda: optim.SGD([{"params": [number()], "lr": -1}], lr=0.1), ValueError, "lr must be 0 or more"),
    (
        lambda: optim.SGD([{"params": [number()], "rate": 1}], lr=0.1),
        ValueError,
        "SGD has no setting rate; a group may set lr, momentum, dampening, weight_decay, nesterov",
    ),
    (
        lambda: optim.Optimizer([number()], lr=0.1).step(),
        NotImplementedError,
        r"needs a method update\(self, p",
    ),
]


@pytest.mark.parametrize(("build", "error", "message"), BAD_OPTIMISERS)
def test_bad_input_is_refused_with_a_reason(build, error, message):
    with pytest.raises(error, match=message):
        build()


BAD_STATES = [
    ("param_groups", lambda s: s.pop("state"), "expected the keys 'state' and 'param_groups', got"),
    (
        "parameters",
        lambda s: s["param_groups"][0]["params"].append(1),
        "expected 1 group of 1 .*, got 1 group of 2 ",
    ),
    (
        "groups",
        lambda s: s["param_groups"].append({"params": [1]}),
        "expected 1 group of 1 .*, got 2 groups of 1, 1",
    ),
    (
        "settings",
        lambda s: s["param_groups"][0].pop("betas"),
        "settings lr, betas, .* has no betas. Load it into",
    ),
    ("values", lambda s: s["param_groups"][0].update(lr=-1), "lr must be 0 or more"),
    ("position", lambda s: s["state"].update({1: {}}), "expected parameters 0 to 0, got 1 in the state"),
    ("position further on", lambda s: s["state"].update({7: {}}), "expected parameters 0 to 0, got 7 in the state"),
    ("negative position", lambda s: s["state"].update({-1: {}}), "expected parameters 0 to 0, got -1 in the state"),
    (
        "shape",
        lambda s: s["state"][0].update(exp_avg=np.ones(4)),
        r"exp_avg of parameter 0 was saved with shape \(4,\), but the parameter has shape \(3,\)",
    ),
]


@pytest.mark.parametrize(("spoil", "message"), [row[1:] for row in BAD_STATES], ids=[row[0] for row in BAD_STATES])
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(spoil, message):
    optimizer = optim.Adam([SimpleNamespace(data=np.ones(3), grad=np.ones(3))])
    optimizer.step()
    before = optimizer.state_dict()
    bad = optimizer.state_dict()
    bad["param_groups"][0]["lr"] = 0.5
    spoil(bad)
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(bad)
    np.testing.assert_equal(optimizer.state_dict(), before)


@pytest.mark.parametrize("betas", [(0.9,), (0.9, 0.99, 0.999), 0.9])
def test_betas_are_a_pair(betas):
    with pytest.raises(TypeError, match="betas must be a pair of numbers"):
        optim.Adam([number()], betas=betas)


def test_a_state_may_hold_more_than_the_optimizer_asks_for():
    optimizer = optim.SGD([number()], lr=0.1)
    optimizer.load_state_dict({**optimizer.state_dict(), "made by": "a later version"})
    assert optimizer.state_dict().keys() == {"state", "param_groups"}


@pytest.mark.parametrize("shape", [(2,), (4,), (3, 1), ()])
def test_a_gradient_has_the_shape_of_its_parameter(shape):
    for p in (SimpleNamespace(data=np.ones(3), grad=np.ones(shape)), Tensor(np.ones(3))):
        p.grad = np.ones(shape)
        with pytest.raises(ValueError, match=r"the gradient of parameter 0 has shape \(.*, the parameter \(3,\)"):
            optim.SGD([p], lr=0.1).step()


def test_a_setting_too_large_for_a_float():
    with pytest.raises(ValueError, match="lr must be 0 or more and finite, got 1000"):
        optim.SGD([number()], lr=10**400)


def test_a_float_is_no_gradient_of_an_array_of_numbers():
    w = Tensor([1.0, 2.0])
    w.grad = 0.5
    with pytest.raises(ValueError, match=r"the gradient of parameter 0 has shape \(\), the parameter \(2,\)"):
        optim.SGD([w], lr=0.1).step()


def test_pytorchs_state_is_refused_if_it_does_not_fit_and_loads_if_it_does():
    torch = pytest.importorskip("torch")
    q = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    theirs = torch.optim.SGD([q], lr=0.5, momentum=0.9)
    q.grad = torch.ones(3, dtype=torch.float64)
    theirs.step()
    saved = copy.deepcopy(theirs.state_dict())  # PyTorch does not copy
    saved["state"][0]["momentum_buffer"] = saved["state"][0]["momentum_buffer"].numpy()
    with pytest.raises(ValueError, match=r"SGD expected 1 group of 2 parameters, got 1 group of 1 parameters"):
        optim.SGD([number(), number()], lr=0.1).load_state_dict(saved)
    with pytest.raises(ValueError, match=r"has no alpha, eps, centered"):
        optim.RMSprop([number()]).load_state_dict(saved)
    p = SimpleNamespace(data=q.detach().numpy().copy(), grad=np.ones(3))
    ours = optim.SGD([p], lr=0.1)
    ours.load_state_dict(saved)
    ours.step()
    theirs.step()
    np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-12)


# ---- schedules ----

SCHEDULES = [
    (optim.StepLR, {"step_size": 7}),
    (optim.StepLR, {"step_size": 1, "gamma": 0.9}),
    (optim.ExponentialLR, {"gamma": 0.95}),
    (optim.ExponentialLR, {"gamma": 1.02}),
    (optim.CosineAnnealingLR, {"T_max": 60}),
    (optim.CosineAnnealingLR, {"T_max": 13, "eta_min": 0.01}),
    (optim.LinearLR, {}),
    (optim.LinearLR, {"start_factor": 1.0, "end_factor": 0.2, "total_iters": 40}),
    (optim.OneCycleLR, {"max_lr": 0.7, "total_steps": 61}),
    (optim.OneCycleLR, {"max_lr": 0.7, "total_steps": 80, "pct_start": 0.61}),
    (optim.OneCycleLR, {"max_lr": 0.7, "total_steps": 61, "pct_start": 0.0}),
    (optim.OneCycleLR, {"max_lr": 0.7, "total_steps": 61, "div_factor": 4.0, "final_div_factor": 10.0}),
    (optim.LambdaLR, {"lr_lambda": lambda t: 1 / (1 + t) ** 0.5}),
]
PLATEAUS = [
    {},
    {"mode": "max", "patience": 2},
    {"patience": 1, "cooldown": 3, "factor": 0.5},
    {"patience": 0, "threshold": 0.2, "min_lr": 0.01},
    {"patience": 1, "threshold": 0.05, "threshold_mode": "abs", "eps": 0.003},
    {"mode": "max", "patience": 1, "threshold": 0.05, "threshold_mode": "abs"},
]


def two_groups(module, params):
    return module.SGD([{"params": params[:1], "lr": 0.5}, {"params": params[1:]}], lr=0.1)


def both(torch):
    """The same optimiser of ours and of PyTorch's."""
    theirs = [torch.nn.Parameter(torch.ones(1)) for _ in range(2)]
    for q in theirs:
        q.grad = torch.zeros(1)
    return two_groups(optim, [number(), number()]), two_groups(torch.optim, theirs)


def in_pytorch(torch, kind, optimizer, options):
    fixed = {"cycle_momentum": False} if kind is optim.OneCycleLR else {}
    return getattr(torch.optim.lr_scheduler, kind.__name__)(optimizer, **options, **fixed)


def test_the_table_has_every_schedule():
    named = {getattr(optim, name) for name in optim.__all__ if is_a(getattr(optim, name), optim.LRScheduler)}
    assert named - {optim.SequentialLR} == {kind for kind, _ in SCHEDULES}


@pytest.mark.parametrize("row", SCHEDULES, ids=name_of)
def test_schedules_are_pytorchs(row):
    torch = pytest.importorskip("torch")
    kind, options = row
    mine, torchs = both(torch)
    ours, theirs = kind(mine, **options), in_pytorch(torch, kind, torchs, options)
    for _ in range(60):
        assert ours.get_last_lr() == pytest.approx(theirs.get_last_lr(), rel=1e-10, abs=1e-14)
        assert ours.get_last_lr() == [group["lr"] for group in mine.param_groups]
        torchs.step()
        ours.step()
        theirs.step()
    assert ours.get_last_lr() == pytest.approx(theirs.get_last_lr(), rel=1e-10, abs=1e-14)


def test_sequential_schedules_are_pytorchs():
    torch = pytest.importorskip("torch")
    optimisers, schedules = both(torch), []
    for module, optimizer in zip((optim, torch.optim.lr_scheduler), optimisers, strict=True):
        parts = [
            module.LinearLR(optimizer, start_factor=0.1, total_iters=10),
            module.CosineAnnealingLR(optimizer, T_max=20),
            module.ExponentialLR(optimizer, gamma=0.9),
        ]
        schedules.append(module.SequentialLR(optimizer, parts, milestones=[10, 30]))
    ours, theirs = schedules
    for _ in range(60):
        assert ours.get_last_lr() == pytest.approx(theirs.get_last_lr(), rel=1e-10, abs=1e-14)
        optimisers[1].step()
        ours.step()
        theirs.step()


@pytest.mark.parametrize("options", PLATEAUS, ids=str)
def test_plateaus_are_pytorchs(options):
    torch = pytest.importorskip("torch")
    mine, torchs = both(torch)
    ours = optim.ReduceLROnPlateau(mine, **options)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(torchs, **options)
    rng = np.random.default_rng(3)
    seen = set()
    for t in range(60):
        metric = math.nan if t == 9 else round(1 / (1 + t) + 0.1 * rng.random(), 2)
        ours.step(metric)
        theirs.step(metric)
        assert ours.get_last_lr() == pytest.approx(theirs.get_last_lr(), rel=1e-12)
        seen.add(tuple(ours.get_last_lr()))
    assert len(seen) > 1  # it did something


@pytest.mark.parametrize("row", SCHEDULES, ids=name_of)
def test_a_saved_schedule_goes_on(row):
    kind, options = row
    first = kind(two_groups(optim, [number(), number()]), **options)
    for _ in range(20):
        first.step()
    optimizer = two_groups(optim, [number(), number()])
    second = kind(optimizer, **options)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert second.get_last_lr() == first.get_last_lr()
    optimizer.load_state_dict(first.optimizer.state_dict())
    for _ in range(20):
        first.step()
        second.step()
        assert second.get_last_lr() == first.get_last_lr()


@pytest.mark.parametrize("epoch", [-1, 1.5, "2", None])
def test_a_schedule_refuses_a_state_that_counts_no_steps(epoch):
    schedule = optim.StepLR(optim.SGD([number()], lr=1.0), step_size=2)
    with pytest.raises((TypeError, ValueError), match="last_epoch counts steps, so it must be"):
        schedule.load_state_dict({"last_epoch": epoch})
    assert schedule.last_epoch == 0


def test_a_schedule_stays_where_it_is_if_its_state_leads_nowhere():
    optimizer = optim.SGD([number()], lr=1.0)
    schedule = optim.OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
    schedule.step()
    before = schedule.state_dict(), schedule.get_last_lr()
    with pytest.raises(ValueError, match="OneCycleLR was made for 10 steps, and this is step 11"):
        schedule.load_state_dict({"last_epoch": 11})
    assert (schedule.state_dict(), schedule.get_last_lr()) == before


@pytest.mark.parametrize(("eps", "expected"), [(0.5, 1.0), (0.49, 0.5)])
def test_a_change_of_the_rate_must_be_worth_making(eps, expected):
    optimizer = optim.SGD([number()], lr=1.0)
    schedule = optim.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, eps=eps)
    schedule.step(1.0)
    schedule.step(1.0)
    assert schedule.get_last_lr() == [expected]


def test_a_plateau_starts_with_no_bad_step():
    optimizer = optim.SGD([number()], lr=1.0)
    schedule = optim.ReduceLROnPlateau(optimizer, patience=1)
    assert schedule.state_dict() == {"last_epoch": 0, "best": math.inf, "num_bad_epochs": 0, "cooldown_counter": 0}


def test_a_parameter_needs_data_and_grad_and_nothing_else():
    """PyTorch's have a numpy() that refuses what has gradients."""

    class Foreign(SimpleNamespace):
        shape = (2,)

        def numpy(self):
            raise RuntimeError("call detach() first")

    p = Foreign(data=np.ones(2), grad=np.ones(2))
    optim.SGD([p], lr=0.5).step()
    assert p.data.tolist() == [0.5, 0.5]
    p.grad = np.ones(3)
    with pytest.raises(ValueError, match=r"the gradient of parameter 0 has shape \(3,\), the parameter \(2,\)"):
        optim.SGD([p], lr=0.5).step()


@pytest.mark.parametrize(
    ("options", "metrics", "lowered"),
    [
        ({"mode": "max"}, [-3.0, -2.0, -1.0], False),  # a score below zero can improve
        ({"mode": "max", "threshold": 0.1}, [1.0, 1.15], False),
        ({"mode": "max", "threshold": 0.1}, [1.0, 1.05], True),
        ({"mode": "max", "threshold": 0.5, "threshold_mode": "abs"}, [1.0, 1.75], False),
        ({"eps": 0.5}, [1.0, 1.0], False),  # 1.0 to 0.5 is no more than eps
        ({"eps": 0.49}, [1.0, 1.0], True),
    ],
)
def test_what_counts_as_better(options, metrics, lowered):
    optimizer = optim.SGD([number()], lr=1.0)
    schedule = optim.ReduceLROnPlateau(optimizer, **{"factor": 0.5, "patience": 0, **options})
    for metric in metrics:
        schedule.step(metric)
    assert schedule.get_last_lr() == [0.5 if lowered else 1.0]


def test_a_plateau_remembers_numbers_not_graphs():
    schedule = optim.ReduceLROnPlateau(optim.SGD([number()], lr=1.0))
    schedule.step(Value(0.5))
    assert type(schedule.state_dict()["best"]) is float


def test_a_saved_plateau_goes_on():
    def build():
        return optim.ReduceLROnPlateau(optim.SGD([number()], lr=1.0), patience=2, cooldown=2, factor=0.5)

    losses = [3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    first, second = build(), build()
    for loss in losses[:5]:
        first.step(loss)
    second.load_state_dict(first.state_dict())
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    for loss in losses[5:]:
        first.step(loss)
        second.step(loss)
        assert second.get_last_lr() == first.get_last_lr()
    assert first.get_last_lr() == [0.25]


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_as_good_as_the_best_is_no_improvement(mode, threshold_mode):
    schedule = optim.ReduceLROnPlateau(
        optim.SGD([number()], lr=1.0), mode, 0.5, patience=1, threshold=0, threshold_mode=threshold_mode
    )
    rates = []
    for _ in range(5):
        schedule.step(2.0)
        rates += schedule.get_last_lr()
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.25]


def test_a_step_that_fails_changes_nothing():
    optimizer = optim.SGD([{"params": [number()]}, {"params": [number()], "lr": 0.5}], lr=0.1)
    schedule = optim.LambdaLR(optimizer, lambda t: 1.0 if t == 0 else -1.0)
    with pytest.raises(ValueError, match="lr must be 0 or more"):
        schedule.step()
    assert schedule.last_epoch == 0
    assert schedule.get_last_lr() == [0.1, 0.5]


def test_a_group_added_later_is_scheduled_too():
    optimizer = optim.SGD([number()], lr=1.0)
    schedule = optim.ExponentialLR(optimizer, gamma=0.5)
    optimizer.add_param_group({"params": [number()], "lr": 4.0})
    schedule.step()
    assert schedule.get_last_lr() == [0.5, 2.0]


def test_one_cycle_rests_at_its_end_and_then_says_so():
    schedule = optim.OneCycleLR(optim.SGD([number()], lr=1.0), max_lr=1.0, total_steps=5)
    for _ in range(5):  # a loop of total_steps batches
        schedule.step()
    assert schedule.get_last_lr() == [1.0 / 25 / 1e4]
    with pytest.raises(ValueError, match=r"made for 5 steps, and this is step 6\. Set total_steps to epochs × "):
        schedule.step()


@pytest.mark.parametrize("total_steps", range(1, 12))
@pytest.mark.parametrize("pct_start", [0.0, 0.1, 0.5, 1.0])
def test_one_cycle_has_no_division_by_zero(total_steps, pct_start):
    schedule = optim.OneCycleLR(optim.SGD([number()], lr=1.0), 1.0, total_steps, pct_start)
    assert all(0 < schedule.rate(t, 1.0) <= 1.0 for t in range(total_steps + 1))


def sgd():
    return optim.SGD([number()], lr=0.1)


def sequence(milestones, schedules=3):
    optimizer = sgd()
    return optim.SequentialLR(optimizer, [optim.ExponentialLR(optimizer, 0.9) for _ in range(schedules)], milestones)


BAD_SCHEDULES = [
    (
        lambda: optim.StepLR(number(), 3),
        TypeError,
        "StepLR changes the learning rate of an optimiser, got a Simple",
    ),
    (lambda: optim.StepLR(sgd(), 0), ValueError, "step_size counts steps, so it must be 1 or more; got 0"),
    (
        lambda: optim.StepLR(sgd(), 2.5),
        TypeError,
        "step_size counts steps, so it must be a whole number; got 2.5",
    ),
    (lambda: optim.StepLR(sgd(), 3, gamma=-1), ValueError, "gamma must be 0 or more and finite, got -1"),
    (lambda: optim.ExponentialLR(sgd(), "0.9"), TypeError, "gamma must be a number, got '0.9'"),
    (lambda: optim.CosineAnnealingLR(sgd(), 0), ValueError, "T_max counts steps"),
    (lambda: optim.CosineAnnealingLR(sgd(), 5, eta_min=-1), ValueError, "eta_min must be 0 or more"),
    (lambda: optim.LinearLR(sgd(), start_factor=-1), ValueError, "start_factor must be 0 or more"),
    (lambda: optim.LinearLR(sgd(), total_iters=0), ValueError, "total_iters counts steps"),
    (lambda: optim.LambdaLR(sgd(), 0.5), TypeError, "LambdaLR needs a function of the step number, got 0.5"),
    (lambda: optim.LambdaLR(sgd(), lambda t: -1), ValueError, "lr must be 0 or more and finite, got -0.1"),
    (
        lambda: optim.LambdaLR(sgd(), lambda t: math.nan),
        ValueError,
        "lr must be 0 or more and finite, got nan",
    ),
    (lambda: optim.OneCycleLR(sgd(), -1, 10), ValueError, "max_lr must be 0 or more"),
    (lambda: optim.OneCycleLR(sgd(), 1, 0), ValueError, "total_steps counts steps"),
    (
        lambda: optim.OneCycleLR(sgd(), 1, 9, pct_start=30),
        ValueError,
        "pct_start is a share .* at most 1; got 30",
    ),
    (lambda: optim.OneCycleLR(sgd(), 1, 9, div_factor=0), ValueError, "div_factor divides the learning rate"),
    (
        lambda: optim.ReduceLROnPlateau(sgd(), mode="low"),
        ValueError,
        r"mode must be 'min' \(for a loss\) or 'max'",
    ),
    (
        lambda: optim.ReduceLROnPlateau(sgd(), threshold_mode="x"),
        ValueError,
        "threshold_mode must be 'rel' or 'abs'",
    ),
    (
        lambda: optim.ReduceLROnPlateau(sgd(), factor=1.0),
        ValueError,
        "factor must be .* below 1, got 1.0: .* try 0.1",
    ),
    (
        lambda: optim.ReduceLROnPlateau(sgd(), patience=-1),
        ValueError,
        "patience counts steps, so it must be 0 or more",
    ),
    (lambda: optim.ReduceLROnPlateau(sgd(), cooldown=-1), ValueError, "cooldown counts steps, so it must be 0 or more"),
    (lambda: sequence([1]), ValueError, r"3 schedules need 2 milestones that rise, .* got \[1\]"),
    (lambda: sequence([1, 2, 3]), ValueError, r"3 schedules need 2 milestones that rise, .* got \[1, 2, 3\]"),
    (
        lambda: optim.SequentialLR(sgd(), [optim.ReduceLROnPlateau(sgd())], []),
        TypeError,
        "SequentialLR needs schedules with a formula, of this very optimiser; got ReduceLROnPlateau",
    ),
    (
        lambda: optim.SequentialLR(sgd(), [optim.ExponentialLR(sgd(), 0.9)], []),
        TypeError,
        "SequentialLR needs schedules with a formula, of this very optimiser; got ExponentialLR",
    ),
    (lambda: optim.OneCycleLR(sgd(), 1, 9, pct_start=1.5), ValueError, "pct_start is a share .* at most 1; got 1.5"),
    (lambda: sequence([5, 5]), ValueError, r"milestones that rise"),
    (lambda: sequence([1, 1, 2], schedules=4), ValueError, r"milestones that rise"),
    (
        lambda: optim.SequentialLR(sgd(), [optim.LinearLR(sgd())], []),
        TypeError,
        "of this very optimiser; got LinearLR",
    ),
    (
        lambda: optim.LinearLR(sgd()).load_state_dict({}),
        ValueError,
        r"LinearLR expected the keys last_epoch, got \[\]",
    ),
    (lambda: optim.LRScheduler(sgd()), NotImplementedError, r"needs a method rate\(self, t, base\)"),
]


@pytest.mark.parametrize(("build", "error", "message"), BAD_SCHEDULES)
def test_bad_schedules_are_refused_with_a_reason(build, error, message):
    with pytest.raises(error, match=message):
        build()


# ---- clipping ----


@pytest.mark.parametrize("max_norm", [0.0, 0.5, 3.0, 1e6, math.inf])
def test_clipping_the_norm_is_pytorchs(max_norm):
    torch = pytest.importorskip("torch")
    ours, theirs = arrays(), [torch.nn.Parameter(torch.tensor(p.data)) for p in arrays()]
    for p, q, g in zip(ours[:-1], theirs, gradients(0), strict=False):  # the last has no gradient
        p.grad, q.grad = g, torch.tensor(g)
    norm = optim.clip_grad_norm_((p for p in ours), max_norm)
    assert type(norm) is float
    assert norm == pytest.approx(torch.nn.utils.clip_grad_norm_(theirs, max_norm).item(), rel=1e-12)
    for p, q in zip(ours[:-1], theirs, strict=False):
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-12)
    assert ours[-1].grad is None


@pytest.mark.parametrize("clip_value", [0.0, 0.3, 100.0])
def test_clipping_values_is_pytorchs(clip_value):
    torch = pytest.importorskip("torch")
    ours, theirs = arrays(), [torch.nn.Parameter(torch.tensor(p.data)) for p in arrays()]
    for p, q, g in zip(ours[:-1], theirs, gradients(0), strict=False):
        p.grad, q.grad = g, torch.tensor(g)
    optim.clip_grad_value_((p for p in ours), clip_value)
    torch.nn.utils.clip_grad_value_(theirs, clip_value)
    for p, q in zip(ours[:-1], theirs, strict=False):
        np.testing.assert_array_equal(p.grad, q.grad.numpy())


def test_clipping_floats():
    params = [number(grad=3.0), number(grad=-4.0), number(grad=0.0)]
    assert optim.clip_grad_norm_(params, 1.0) == 5.0
    assert [p.grad for p in params] == pytest.approx([3 / (5 + 1e-6), -4 / (5 + 1e-6), 0.0], rel=1e-12)
    optim.clip_grad_value_(params, 0.7)
    assert [p.grad for p in params] == pytest.approx([3 / (5 + 1e-6), -0.7, 0.0], rel=1e-12)
    assert {type(p.grad) for p in params} == {float}


def test_a_norm_that_is_not_finite_is_passed_on():
    params = [number(grad=math.inf), number(grad=2.0)]
    assert optim.clip_grad_norm_(params, 1.0) == math.inf
    assert math.isnan(params[0].grad)
    assert params[1].grad == 0.0
    params = [number(grad=math.nan), number(grad=2.0)]
    assert math.isnan(optim.clip_grad_norm_(params, 1.0))
    assert math.isnan(params[1].grad)
    optim.clip_grad_value_(params, 1.0)
    assert math.isnan(params[0].grad)


def test_clipping_keeps_float32_and_leaves_the_old_gradient():
    g = locked(np.array([3.0, 4.0], np.float32))
    p = SimpleNamespace(data=np.ones(2, np.float32), grad=g)
    optim.clip_grad_norm_([p], 1.0)
    assert p.grad.dtype == np.float32
    optim.clip_grad_value_([p], 0.1)
    assert p.grad.dtype == np.float32
    assert g.tolist() == [3.0, 4.0]
    assert optim.clip_grad_norm_([number(grad=None)], 1.0) == 0.0


def test_what_needs_no_clipping_stays_the_same_array():
    p = SimpleNamespace(data=np.ones(2), grad=np.array([3.0, 4.0]))
    before = p.grad
    assert optim.clip_grad_norm_([p], 5.1) == 5.0
    assert p.grad is before


def test_the_norm_of_float16_is_taken_in_float32():
    p = SimpleNamespace(data=np.ones(2, np.float16), grad=np.array([300.0, 400.0], np.float16))
    assert optim.clip_grad_norm_([p], 1000.0) == 500.0  # 300² is infinite in float16


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: optim.clip_grad_norm_([number()], -1), ValueError, "max_norm must be 0 or more .* try 1.0"),
        (lambda: optim.clip_grad_norm_([number()], -1.0), ValueError, "max_norm must be 0 or more .* try 1.0"),
        (lambda: optim.clip_grad_norm_([number()], "1"), TypeError, "max_norm must be a number, got '1'"),
        (lambda: optim.clip_grad_value_([number()], math.nan), ValueError, "clip_value must be 0 or more"),
        (
            lambda: optim.clip_grad_norm_(Model(), 1.0),
            TypeError,
            "clip_grad_norm_ got a whole Model: pass its",
        ),
        (
            lambda: optim.clip_grad_value_([1.0], 1.0),
            TypeError,
            "clip_grad_value_: parameter 0 is a float without",
        ),
    ],
)
def test_bad_clipping_is_refused_with_a_reason(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- the room ----


def test_optim_works_alone_and_where_numpy_cannot_be_imported():
    program = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "numpy":
            raise ImportError("no numpy here")
sys.meta_path.insert(0, Block())
from types import ModuleType, SimpleNamespace
house = sys.modules["micrograd_plus"] = ModuleType("micrograd_plus")  # this room, and no other
house.__path__ = [sys.argv[1]]
from micrograd_plus.optim import Adam, CosineAnnealingLR, clip_grad_norm_, clip_grad_value_
w = SimpleNamespace(data=1.0, grad=0.0)
optimizer = Adam([w], lr=0.1)
schedule = CosineAnnealingLR(optimizer, T_max=100)
for _ in range(100):
    optimizer.zero_grad()
    w.grad += 2 * (w.data - 3)
    clip_grad_norm_([w], 5.0)
    clip_grad_value_([w], 5.0)
    optimizer.step()
    schedule.step()
assert "numpy" not in sys.modules
assert abs(w.data - 3) < 0.05, w.data
ours = {name for name in sys.modules if name.startswith("micrograd_plus.")}
assert all(name.startswith("micrograd_plus.optim") for name in ours), ours
"""
    house = str(Path(optim.__file__).parents[1])
    result = subprocess.run([sys.executable, "-c", program, house], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr


def test_a_step_in_another_thread():
    w, failed = number(grad=1.0), []

    def step():
        try:
            optim.SGD([w], lr=0.5).step()
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=step)
    thread.start()
    thread.join()
    assert not failed
    assert w.data == number().data - 0.5


# ---- small arrays that move together ----


def tensors(shapes=((3, 4), (5,), (1,), (), (2, 2)), dtype=np.float64):
    rng = np.random.default_rng(3)
    return [Tensor(rng.normal(size=shape), dtype=dtype) for shape in shapes]


def give_gradients(params, seed):
    rng = np.random.default_rng(seed)
    for p in params:
        p.grad = rng.normal(size=p.shape).astype(p.dtype)


class Alone:
    """The same optimiser, one for each parameter: nothing can move together."""

    def __init__(self, kind, params, options):
        self.each = [kind([p], **options) for p in params]

    def step(self):
        for optimizer in self.each:
            optimizer.step()


def nothing(params, optimizer, seed):
    pass


def new_numbers(params, optimizer, seed):
    params[1].data[0] = 0.25
    params[2].data = np.array([4.0])


def no_gradient(params, optimizer, seed):
    params[seed % 3].grad = None


def freeze_one(params, optimizer, seed):
    params[0].requires_grad = not params[0].requires_grad


def forget(params, optimizer, seed):
    for memories in [optimizer.state] if hasattr(optimizer, "state") else [o.state for o in optimizer.each]:
        memories.clear()


def other_dtype(params, optimizer, seed):
    params[1].grad = params[1].grad.astype(np.float32 if params[1].dtype == np.float64 else np.float64)


def an_array_for_a_number(params, optimizer, seed):
    for memory in optimizer.state.values() if hasattr(optimizer, "state") else [o.state.get(0) for o in optimizer.each]:
        if memory and "step" in memory:
            memory["step"] = np.array(float(memory["step"]))


def other_rate(params, optimizer, seed):
    for one in [optimizer] if hasattr(optimizer, "state") else optimizer.each:
        one.param_groups[0]["lr"] = 0.5


MEANWHILE = [nothing, new_numbers, no_gradient, freeze_one, forget, other_dtype, an_array_for_a_number, other_rate]


@pytest.mark.parametrize("meanwhile", MEANWHILE)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_together_and_alone_are_the_same_to_the_last_bit(row, meanwhile, dtype):
    kind, options = row
    options = ({"lr": 0.1} if kind is optim.SGD else {}) | options
    ours, alone = tensors(dtype=dtype), tensors(dtype=dtype)
    optimizers = kind(ours, **options), Alone(kind, alone, options)
    for seed in range(9):
        for params, optimizer in zip((ours, alone), optimizers, strict=True):
            give_gradients(params, seed)
            if seed in (4, 6):
                meanwhile(params, optimizer, seed)
            graph = [p * 2 for p in params]
            optimizer.step()
            del graph
    for i, (p, q) in enumerate(zip(ours, alone, strict=True)):
        np.testing.assert_array_equal(p.numpy(), q.numpy())
        np.testing.assert_equal(optimizers[0].state.get(i), optimizers[1].each[i].state.get(0))


@pytest.fixture
def moved(monkeypatch):
    """The sizes of what Adam moves, one by one, and "flat" where small arrays are put together anew."""
    seen = []
    update, flat_of = optim.Adam.update, optimizers.flat_of

    def seen_update(self, p, g, state, group):
        seen.append(g.size)
        update(self, p, g, state, group)

    def seen_flat_of(group, memories):
        seen.append("flat")
        return flat_of(group, memories)

    monkeypatch.setattr(optim.Adam, "update", seen_update)
    monkeypatch.setattr(optimizers, "flat_of", seen_flat_of)
    return seen


def in_a_step(moved, optimizer, before=nothing, grads=True):
    """What is moved in one step, given new gradients."""
    params = [p for group in optimizer.param_groups for p in group["params"]]
    if grads:
        give_gradients(params, 0)
    before(params, optimizer, 0)
    moved.clear()
    optimizer.step()
    return list(moved)


def test_small_arrays_are_moved_by_one_update(moved):
    optimizer = optim.Adam(tensors(((3, 4), (5,), (), (SMALL,), (SMALL + 1,))))
    assert in_a_step(moved, optimizer) == ["flat", 12, 5, 1, SMALL, SMALL + 1]  # at first nothing is remembered
    assert in_a_step(moved, optimizer) == ["flat", 18 + SMALL, SMALL + 1]
    assert in_a_step(moved, optimizer) == [18 + SMALL, SMALL + 1]  # they stay together
    assert in_a_step(moved, optimizer, new_numbers_of_each) == [18 + SMALL, SMALL + 1]
    assert in_a_step(moved, optimizer, no_gradient) == ["flat", 6 + SMALL, SMALL + 1]
    assert in_a_step(moved, optimizer, freeze_one) == [6 + SMALL, SMALL + 1]
    assert in_a_step(moved, optimizer, freeze_one) == [6 + SMALL, 12, SMALL + 1]
    assert in_a_step(moved, optimizer, forget) == ["flat", 12, 5, 1, SMALL, SMALL + 1]


def new_numbers_of_each(params, optimizer, seed):
    for p in params:
        p.data = p.numpy() + 1.0


def test_two_are_moved_as_one_and_each_group_by_itself(moved):
    a, b, c, d = tensors(((3,), (4,), (5,), (6,)))
    optimizer = optim.Adam([{"params": [a, b]}, {"params": [c, d], "lr": 0.5}])
    for _ in range(2):
        in_a_step(moved, optimizer)
    assert in_a_step(moved, optimizer) == [7, 11]
    assert sorted(optimizer.state) == [0, 1, 2, 3]


def test_only_arrays_of_one_dtype_that_remember_the_same_are_moved_as_one(moved):
    params = [*tensors(((3,), (4,))), *tensors(((5,),), np.float32), *tensors(((6,), (7,)), np.float16)]
    optimizer = optim.Adam(params)
    for _ in range(2):
        in_a_step(moved, optimizer)
    assert in_a_step(moved, optimizer) == [7, 5, 6, 7]
    optimizer.state[1]["step"] = 9
    assert in_a_step(moved, optimizer)[1:] == [3, 4, 5, 6, 7]  # two steps that differ


def test_gradients_in_float16_are_computed_with_in_float32():
    p = Tensor(np.array([1.0, 1.0], np.float16))
    optimizer = optim.Adam([p], lr=0.5)
    p.grad = np.array([300.0, 0.0], np.float16)  # its square is infinite in float16, where eps is 0
    optimizer.step()
    assert p.numpy().tolist() == [0.5, 1.0]
    assert p.dtype == np.float16


def test_the_state_of_pytorchs_adam_goes_on_in_several_arrays():
    torch = pytest.importorskip("torch")
    ours = tensors()
    theirs = [torch.nn.Parameter(torch.tensor(p.numpy())) for p in ours]
    torchs, optimizer = torch.optim.Adam(theirs, lr=0.1), optim.Adam(ours, lr=0.1)

    def step_of_torchs(seed):
        give_gradients(ours, seed)
        for p, q in zip(ours, theirs, strict=True):
            q.grad = torch.tensor(p.grad)
        torchs.step()

    step_of_torchs(0)
    saved = torchs.state_dict()
    saved["state"] = {i: {name: x.numpy().copy() for name, x in m.items()} for i, m in saved["state"].items()}
    optimizer.load_state_dict(saved)  # with "step" as an array of one number
    for p, q in zip(ours, theirs, strict=True):
        p.data = q.detach().numpy()
    for seed in range(1, 5):
        step_of_torchs(seed)
        optimizer.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_copies_of_an_optimizer_go_on_by_themselves(again):
    params = tensors()
    first = optim.Adam(params, lr=0.1)
    for seed in range(3):
        give_gradients(params, seed)
        first.step()
    second, saved = again(first), first.state_dict()
    others = second.param_groups[0]["params"]
    for seed in range(3, 6):
        give_gradients(params, seed)
        first.step()
    np.testing.assert_equal(second.state_dict(), saved)
    for seed in range(3, 6):
        give_gradients(others, seed)
        second.step()
    np.testing.assert_equal(second.state_dict(), first.state_dict())
    for p, q in zip(params, others, strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())


def test_what_is_remembered_can_be_changed_between_steps():
    params, others = tensors(), tensors()
    first, second = optim.Adam(params, lr=0.1), optim.Adam(others, lr=0.1)
    for seed in range(6):
        for ps, optimizer in ((params, first), (others, second)):
            give_gradients(ps, seed)
            optimizer.step()
        if seed == 2:
            first.state[1]["exp_avg"][:] = 0  # in place …
            second.state[1]["exp_avg"] = np.zeros(5)  # … and a new array
    for p, q in zip(params, others, strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())


def test_together_the_gradient_is_that_of_the_forward_pass_that_ran():
    params = tensors()
    optimizer = optim.Adam(params, lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        loss = sum((p * p).sum() for p in params)
        wanted = [2 * p.numpy() for p in params]
        loss.backward()
        optimizer.step()
        params[0].data[:] = 5.0
        optimizer.zero_grad()
        loss.backward()
        for p, g in zip(params, wanted, strict=True):
            np.testing.assert_array_equal(p.grad, g)


def test_an_optimizer_of_yours_is_given_each_array_by_itself():
    shapes = []

    class ByNorm(optim.Adam):
        def update(self, p, g, state, group):
            shapes.append(g.shape)
            super().update(p, g / (g * g).sum() ** 0.5, state, group)

    params = tensors()
    optimizer = ByNorm(params)
    for seed in range(3):
        give_gradients(params, seed)
        optimizer.step()
    assert shapes == [p.shape for p in params] * 3


def test_gradients_are_neither_changed_nor_kept_by_moving_together():
    params = tensors()
    optimizer = optim.AdamW(params, lr=0.1)
    give_gradients(params, 0)
    grads = [p.grad for p in params]
    before = [g.copy() for g in grads]
    for _ in range(3):
        optimizer.step()
    np.testing.assert_equal(grads, before)
    remembered = [x for memory in optimizer.state.values() for x in memory.values()]
    assert not any(np.shares_memory(g, x) for g in grads for x in remembered)


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_who_holds_the_data_sees_it_move(kind):
    params = tensors()
    optimizer = kind(params, lr=0.1)
    held = None
    for seed in range(6):
        give_gradients(params, seed)
        if seed == 3:
            held = params[1].data
        graph = [p * 2 for p in params]
        optimizer.step()
        del graph
        if held is not None:
            np.testing.assert_array_equal(held, params[1].numpy())


# ---- which parameters are decayed ----


def test_matrices_are_decayed_and_the_rest_is_not():
    weight, bias, table = Tensor(np.ones((2, 3))), Tensor(np.ones(2)), Tensor(np.ones((2, 3, 4)))
    groups = optim.decay_matrices_only([weight, bias, table], weight_decay=0.5)
    assert [g["weight_decay"] for g in groups] == [0.5, 0.0]
    assert [list(map(id, g["params"])) for g in groups] == [[id(weight), id(table)], [id(bias)]]
    optimiser = optim.AdamW(groups, lr=0.1)
    for p in (weight, bias, table):
        p.grad = np.zeros(p.shape)
    optimiser.step()
    assert weight.data[0, 0] == table.data[0, 0, 0] == pytest.approx(1 - 0.1 * 0.5)
    assert (bias.data == 1).all()


def test_groups_of_one_kind_alone_and_what_can_not_be_grouped():
    weight = Tensor(np.ones((2, 3)))
    assert [g["weight_decay"] for g in optim.decay_matrices_only(iter([weight]))] == [0.1]
    assert [g["weight_decay"] for g in optim.decay_matrices_only([SimpleNamespace(data=1.0, grad=0.0)])] == [0.0]
    with pytest.raises(ValueError, match="there are no parameters"):
        optim.decay_matrices_only([])
    assert [g["weight_decay"] for g in optim.decay_matrices_only([weight], 0)] == [0]
    with pytest.raises(TypeError, match=r"takes parameters, got float: give it model.parameters\(\)"):
        optim.decay_matrices_only([weight, 1.0])
    with pytest.raises(ValueError, match="weight_decay must be 0 or more, got -1"):
        optim.decay_matrices_only([weight], -1)
    with pytest.raises(TypeError, match="not the pairs of"):
        optim.decay_matrices_only([("weight", weight)])
    with pytest.raises(TypeError, match=r"takes parameters, got SimpleNamespace: give it model.parameters\(\)"):
        optim.decay_matrices_only(SimpleNamespace())
    with pytest.raises(ValueError, match="weight_decay must be 0 or more, got 'a'"):
        optim.decay_matrices_only([weight], "a")
