"""The gradient doctor and detect_anomaly: each fault is named, healthy runs are left in peace, nothing is changed."""

import asyncio
import json
import math
import pickle
import random
import threading
from itertools import pairwise

import numpy as np
import pytest

import micrograd_plus as mg
from micrograd_plus import Tensor, Value, no_grad
from micrograd_plus.data import load_digits, make_moons, xor
from micrograd_plus.explain.anomaly import AnomalyError, detect_anomaly
from micrograd_plus.explain.diagnose import diagnose
from micrograd_plus.explain.diagnosis.case import Case
from micrograd_plus.explain.diagnosis.lines import Lines
from micrograd_plus.explain.diagnosis.report import Diagnosis, Finding
from micrograd_plus.nn import (
    MLP,
    Dropout,
    Linear,
    Module,
    MSELoss,
    Neuron,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    huber_loss,
    l1_loss,
    l2_penalty,
    mse_loss,
)  # fmt: skip
from micrograd_plus.optim import SGD, Adam, AdamW, CosineAnnealingLR, LambdaLR, clip_grad_norm_, clip_grad_value_
from micrograd_plus.training import History, Recorder, Schedule, fit

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X[:, :1] - 0.5 * X[:, 1:2]


def network(*sizes, activation=ReLU, seed=0, dtype=None):
    mg.seed(seed)
    layers = [part for a, b in pairwise(sizes) for part in (Linear(a, b, dtype=dtype), activation())]
    return Sequential(*layers[:-1])


def caught(function, **settings):
    """What the error says, without the source line: the words that a test looks for may stand in that line."""
    with pytest.raises(AnomalyError) as error, detect_anomaly(**settings):
        function()
    assert "test_diagnose.py:" in error.value.where
    return "\n".join(line for line in str(error.value).splitlines() if not line.startswith("  line: "))


# -- detect_anomaly: each birth, forward -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Value(0.0, label="p").log(), ["`log` gave -inf", "p = 0", "minus infinity", "log(x + 1e-12)"]),
        (lambda: Tensor([1.0, -2.0], label="p").log(), ["`log`", "p[1] = -2", "negative", "clip"]),
        (lambda: Tensor([1.0, -1.0], label="p").log1p(), ["`log1p`", "p[1] = -1", "at -1"]),
        (lambda: Value(1000.0, label="z").exp(), ["`exp` gave inf", "z = 1000", "709.8", "logsumexp"]),
        (lambda: Tensor([100.0], dtype=np.float32, label="z").exp(), ["z[0] = 100", "88.72", "float32"]),
        (lambda: 1 / Value(0.0, label="d"), ["`div` gave inf", "d = 0", "division by 0", "1e-12"]),
        (lambda: Tensor([0.0], label="n") / Tensor([0.0], label="d"), ["`div`", "nan", "n[0] = 0", "0 / 0"]),
        (lambda: Tensor([[1.0], [-4.0]], label="s").sqrt(), ["`sqrt`", "s[1, 0] = -4", "no real square root"]),
        (lambda: Value(0.0, label="x") ** -1, ["`pow` gave inf", "x = 0", "negative power"]),
        (lambda: Tensor([-8.0], label="x") ** 0.5, ["`pow`", "x[0] = -8", "no real root"]),
        (lambda: Tensor([1.0], label="x").var(), ["`var` gave nan", "x of shape (1,)", "too few numbers"]),
        (lambda: Value(1e300, label="big") * 1e300, ["`mul` gave inf", "big = 1e+300", "too large", "learning rate"]),
        (lambda: Tensor([6e4], dtype=np.float16, label="h") * 2, ["h[0] = 60000", "float16", "6.55e+04"]),
        (
            lambda: Tensor(np.full((2, 3), 1e200), label="A") @ np.full((3, 2), 1e200),
            ["`matmul`", "4 of 4 not finite", "A of shape (2, 3), 1e+200 to 1e+200", "too large"],
        ),
    ],
)
def test_a_number_that_is_not_finite_stops_where_it_is_born(make, words):
    text = caught(make)
    for word in words:
        assert word in text
    assert "came in" not in text


def test_the_line_is_the_users_and_not_the_packages():
    model = network(3, 4, 1)
    with pytest.raises(AnomalyError) as error, detect_anomaly():
        model(np.array([[1.0, math.nan, 0.0]]))  # this line
    assert "this line" in error.value.where
    assert "in 0 (Linear)" in error.value.where
    assert any(entry.path.name == "test_diagnose.py" for entry in error.traceback)
    assert error.value.what in str(error.value)
    assert error.value.do in str(error.value)


def test_inside_a_users_own_module_it_is_the_line_of_its_forward():
    class Half(Module):
        def __init__(self):
            self.w = Value(0.0, label="w")

        def forward(self, x):
            y = self.w * x
            return 1 / y  # born here

    with pytest.raises(AnomalyError) as error, detect_anomaly():
        Half()(3.0)
    assert "born here" in error.value.where
    assert "in Half" in error.value.where


def test_a_scalar_twin_has_the_users_line_too_though_numpy_stands_between():
    model = Sequential(Linear(2, 1)).scalar_twin()
    with pytest.raises(AnomalyError, match="test_diagnose"), detect_anomaly():
        (model(np.ones((3, 2))) * 0).sum(axis=0).log()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Tensor([1.0, math.nan], label="data") * 2, "data"),
        (lambda: Value(math.inf, label="gap") + 1, "gap"),
        (lambda: Value(1.0) * math.nan, "the number nan"),
        (lambda: Tensor([1.0, 2.0]) + np.array([1.0, math.inf]), "an array"),
        (lambda: Tensor([[1.0, math.nan]], requires_grad=False, label="rows") @ np.ones((2, 2)), "rows"),
    ],
)
def test_what_came_in_with_the_data_is_named(make, name):
    text = caught(make)
    assert f"why: {name} was not finite already: it came in with the data" in text
    assert "np.isfinite" in text


def test_nan_of_infinities_says_which():
    big = Value(1.0) * math.inf
    assert "inf - inf is not a number" in caught(lambda: big - big)
    assert "0 × inf is not a number" in caught(lambda: big * 0, allow_inf=True)


def test_a_long_sum_lists_the_culprit_and_not_everything():
    values = [Value(float(i), label=f"x{i}") for i in range(100)]
    values[50].data = math.nan
    text = caught(lambda: mg.engine.ops.sum_(values))
    assert "x50 = nan" in text
    assert "and 96 more" in text


# -- detect_anomaly: backward ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Value(0.0, label="v").sqrt(), ["`sqrt`", "v = 0", "gradient inf", "infinitely steep", "1e-12"]),
        (lambda: Value(0.0, label="v").sqrt() * 0, ["gradient nan", "0 arrived", "infinity times an arriving 0"]),
        (lambda: (Tensor([1.0, 0.0], label="t").sqrt() * [1, 0]).sum(), ["t[1] = 0", "t[1] the gradient nan"]),
        (lambda: Tensor([0.0], label="t").pow(0.5).sum(), ["`pow`", "t[0] = 0", "x**0.5"]),
        (lambda: (Value(1e-200, label="u").log() * 1e200).tanh() * 0 + Value(1e-320, label="u").log() * 1.0,
         ["`log`", "u = ", "without bound"]),
        (lambda: (Value(1e-160, label="k") * 1e200) * 1e200, ["`mul`", "k the gradient inf", "more than a float"]),
    ],
)  # fmt: skip
def test_a_gradient_that_is_not_finite_stops_where_it_is_born(make, words):
    def run():
        loss = make()
        loss.backward()

    text = caught(run, allow_inf=False)
    for word in ("in backward", *words):
        assert word in text


def test_a_bad_gradient_that_was_given_or_left_behind_is_told_from_one_that_was_computed():
    assert "given to backward()" in caught(lambda: (Value(2.0) * 3).backward(math.nan))
    a = Value(2.0, label="a")
    a.grad = math.inf
    text = caught(lambda: (a * 3).backward())
    assert "gradient of a is inf" in text
    assert "zero_grad()" in text


def test_infinities_may_be_allowed_and_nan_stops_all_the_same():
    with detect_anomaly(allow_inf=True):
        assert np.isfinite((Tensor([1.0, 2.0]) + np.array([0.0, -math.inf])).softmax().data).all()
    assert "nan" in caught(lambda: Tensor([-1.0]).log(), allow_inf=True)
    assert "-inf" in caught(lambda: Tensor([1.0, 2.0]) + np.array([0.0, -math.inf]))


def test_as_a_decorator_with_brackets_and_without():
    @detect_anomaly
    def bare(x):
        """Its own words."""
        return x.log()

    @detect_anomaly(allow_inf=True)
    def lenient(x):
        return x.log()

    assert bare(Value(1.0)).data == 0
    assert bare.__doc__ == "Its own words."
    for _ in range(2):  # it may be called again
        with pytest.raises(AnomalyError):
            bare(Value(0.0))
    assert lenient(Value(0.0)).data == -math.inf


def test_everything_is_as_before_on_leaving():
    with pytest.raises(AnomalyError), detect_anomaly(), detect_anomaly():
        Value(0.0).log()
    assert Value(0.0).log().data == -math.inf
    with detect_anomaly():
        with detect_anomaly():
            pass
        with pytest.raises(AnomalyError):
            Value(0.0).log()
        with no_grad():  # nothing is watched
            assert not Value(0.0).log().requires_grad
    with no_grad(), detect_anomaly():
        assert not (Value(2.0) * 3).requires_grad  # no_grad stays no_grad


def test_other_threads_and_tasks_are_not_watched():
    found = []

    async def elsewhere():
        return Value(0.0).log().data

    async def both():
        other = asyncio.create_task(elsewhere())  # it has the context of before
        with detect_anomaly():
            return await other

    with detect_anomaly():
        thread = threading.Thread(target=lambda: found.append(Value(0.0).log().data))
        thread.start()
        thread.join()
    assert found == [-math.inf]
    assert asyncio.run(both()) == -math.inf


def test_the_engines_own_refusals_stay():
    with pytest.raises(ValueError, match="not a real number"), detect_anomaly():
        Value(-1.0).sqrt()


def test_finite_training_is_not_disturbed():
    model, twin = network(3, 4, 1), network(3, 4, 1)
    with detect_anomaly():
        fit(model, (X, Y), loss="mse", optimizer="sgd", epochs=2, seed=0, progress=False)
    fit(twin, (X, Y), loss="mse", optimizer="sgd", epochs=2, seed=0, progress=False)
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())


def test_the_error_can_be_pickled():
    error = AnomalyError("what", "why", "do", "where")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert again.where == "where"


def test_in_a_notebook_the_cell_is_named():
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell
    caching = pytest.importorskip("ipykernel.compiler").XCachingCompiler
    ipython = shell.instance()
    ipython.compile = caching()
    try:
        name = ipython.compile.cache("Value(0.0).log()\n", 7)
        with pytest.raises(AnomalyError) as error, detect_anomaly():
            exec(compile("Value(0.0).log()\n", name, "exec"), {"Value": Value})
        assert error.value.where == "Cell In[7], line 1: Value(0.0).log()"
    finally:
        shell.clear_instance()


# -- diagnose: each fault is named ------------------------------------------------------------------------------------


class WithSpare(Module):
    def __init__(self):
        mg.seed(0)
        self.used, self.spare = Linear(3, 1), Linear(3, 1)

    def forward(self, x):
        return self.used(x)


class WithLost(Module):
    def __init__(self):
        self.w = Tensor(np.ones((3, 1)))
        self.scale = Tensor(np.ones(1)) * 0.1

    def forward(self, x):
        return x @ self.w


def loss_of(model):
    return mse_loss(model(X), Y)


def constant(model, number):
    for p in model.parameters():
        p.data = number + 0 * p.data
    return model


def dead(model, layer=0):
    model[layer].bias.data[...] = -100
    return model


def scaled(model, factor):
    for p in model.parameters():
        p.data = factor * p.data
    return model


def twice(model):
    loss = loss_of(model)
    loss.backward()
    loss.backward()
    return loss, model


def twice_scalar():
    neuron = Neuron(3, rng=random.Random(0))
    loss = mse_loss([neuron(x) for x in X.tolist()], Y)
    loss.backward()
    loss.backward()
    return loss, neuron


def left_from_another(model):
    mse_loss(model(X * 2), Y + 1).backward()
    loss = loss_of(model)
    loss.backward()
    return loss, model


def broken_weight(model):
    model[2].weight.data[0, 1] = math.nan
    return loss_of(model), model


def scalar_dead():
    model = MLP(3, [16, 1], seed=0)
    for neuron in model.layers[0].neurons:
        neuron.b.data = -100.0
    return mse_loss([model(x) for x in X.tolist()], Y), model


def scalar_equal():
    model = constant(MLP(3, [4, 1], activation="tanh", seed=0), 0.5)
    return mse_loss([model(x) for x in X.tolist()], Y), model


def hand_written(W1_scale):
    """The lecture's way: no modules, weights on the right."""
    rng = np.random.default_rng(0)
    W1 = Tensor(rng.normal(size=(3, 100)) * W1_scale, label="W1")
    W2 = Tensor(rng.normal(size=(100, 1)) * 0.01, label="W2")
    return mse_loss(((X @ W1) + Tensor(np.zeros(100), label="b1")).tanh() @ W2, Y)


def equal_columns():
    W1, W2 = Tensor(np.full((3, 5), 0.1), label="W1"), Tensor(np.full((5, 1), 0.1), label="W2")
    return mse_loss((X @ W1).tanh() @ W2, Y)


def only_the_head(optimizer=SGD):
    model = network(3, 4, 1)
    return loss_of(model), model, optimizer(model[2].parameters(), lr=0.1)


def another_models_optimizer():
    model = network(3, 4, 1)
    return loss_of(model), model, SGD(network(3, 4, 1).parameters(), lr=0.1)


def with_optimizer(lr, optimizer=SGD):
    model = network(3, 8, 8, 1)
    return loss_of(model), model, optimizer(model.parameters(), lr=lr)


def recorded(lr):
    model, recorder = network(3, 8, 8, 1), Recorder()
    fit(model, (X, Y), loss="mse", optimizer=SGD(model.parameters(), lr=lr), epochs=1, batch_size=40, progress=False,
        callbacks=[recorder])  # fmt: skip
    return loss_of(model), model, None, recorder


def labels_leaf():
    model = network(3, 4, 1)
    return ((model(X) - Tensor(Y[:, 0])) ** 2).mean(), model


UP = [1.0 * 1.3**i for i in range(20)]
DOWN_UP = [10.0 / (i + 1) for i in range(10)] + [8.0 + i for i in range(10)]

FAULTS = {
    "log of 0": (lambda: ((Value(0.0, label="p") * 2).log(),), "nan_or_inf", "`log` gave -inf"),
    "exp overflows": (lambda: (Tensor([800.0], label="z").exp().sum(),), "nan_or_inf", "z[0] = 800"),
    "inf - inf": (lambda: ((lambda e: e - e)(Value(800.0, label="z").exp()),), "nan_or_inf", "z = 800"),
    "nan in the data": (
        lambda: (lambda m: (mse_loss(m(np.where(X > 2, math.nan, X)), Y), m))(network(3, 4, 1)),
        "nonfinite_input", "came in with the data",
    ),
    "nan number": (lambda: (MLP(2, [3, 1], seed=0)([1.0, math.nan]),), "nonfinite_input", "the number nan"),
    "nan in a leaf": (
        lambda: ((Tensor([1.0, math.inf], False, label="rows") * Tensor([1.0, 1.0])).sum(),), "nonfinite_input", "rows",
    ),
    "nan in a weight": (lambda: broken_weight(network(3, 4, 1)), "nonfinite_parameter", "2.weight"),
    "infinite slope": (
        lambda: ((Tensor([4.0, 0.0], label="d").sqrt() * 2).sum(),), "nan_or_inf_gradient", "d[1] the gradient inf",
    ),
    "infinite slope of a Value": (lambda: (Value(0.0, label="v").sqrt() + 1,), "nan_or_inf_gradient", "v = 0"),
    "no graph": (lambda: (loss_of(network(3, 4, 1)).detach(),), "loss_depends_on_nothing", "no_grad"),
    "all frozen": (
        lambda: (loss_of(network(3, 4, 1).requires_grad_(False)),), "loss_depends_on_nothing", "frozen",
    ),
    "a spare layer": (lambda: (lambda m: (loss_of(m), m))(WithSpare()), "unconnected_parameters", "spare.weight"),
    "another model": (
        lambda: (loss_of(network(3, 4, 1)), network(3, 4, 1, seed=5)), "unconnected_parameters", "isn't made from",
    ),
    "lost": (lambda: (lambda m: (loss_of(m), m))(WithLost()), "lost_parameters", "scale"),
    "not in the optimiser": (only_the_head, "missing_from_optimizer", "0.weight, 0.bias"),
    "another's optimiser": (another_models_optimizer, "missing_from_optimizer", "any of the model"),
    "backward twice": (
        lambda: twice(network(3, 4, 1)), "gradients_added_up", "2 times what this loss gives, in 0.weight, 0.bias",
    ),
    "backward twice, Values": (twice_scalar, "gradients_added_up", "2 times"),
    "zero_grad forgotten": (lambda: left_from_another(network(3, 4, 1)), "gradients_added_up", "not what this loss"),
    "dead layer": (lambda: (lambda m: (loss_of(m), m))(dead(network(3, 16, 1))), "dead_relu", "1 (ReLU)"),
    "dead layer of Values": (scalar_dead, "dead_relu", "layers.0"),
    "saturated": (
        lambda: (lambda m: (loss_of(m), m))(scaled(network(3, 8, 1, activation=Tanh), 50)), "saturated", "1 (Tanh)",
    ),
    "saturated sigmoid": (
        lambda: (lambda m: (loss_of(m), m))(scaled(network(3, 8, 1, activation=Sigmoid), 90)), "saturated", "Sigmoid",
    ),
    "saturated by hand": (lambda: (hand_written(4.0),), "saturated", "tanh"),
    "vanishing": (
        lambda: (lambda m: (loss_of(m), m))(network(3, *[16] * 9, 1, activation=Sigmoid)), "vanishing_gradient",
        "0.weight",
    ),
    "exploding": (
        lambda: (lambda m: (loss_of(m), m))(scaled(network(3, *[16] * 7, 1, activation=lambda: lambda x: x), 30)),
        "exploding_gradient", "0.weight",
    ),
    "constant weights": (
        lambda: (lambda m: (loss_of(m), m))(constant(network(3, 4, 1), 0.1)), "symmetric_weights", "0.weight",
    ),
    "zero weights": (
        lambda: (lambda m: (loss_of(m), m))(constant(network(3, 4, 1, activation=Tanh), 0.0)), "symmetric_weights",
        "0.weight",
    ),
    "equal columns": (lambda: (equal_columns(),), "symmetric_weights", "W1"),
    "equal neurons": (scalar_equal, "symmetric_weights", "layers.0"),
    "flat operation": (lambda: (Value(3.0, label="w").step() + 1,), "zero_gradients", "flat operation"),
    "rate too high": (lambda: with_optimizer(1000.0), "step_too_large", "learning rate"),
    "rate too high, Adam": (lambda: with_optimizer(3.0, Adam), "step_too_large", "learning rate"),
    "rate too high, recorded": (lambda: recorded(100.0), "step_too_large", "learning rate"),
    "rate too low": (lambda: with_optimizer(1e-9), "step_too_small", "learning rate"),
    "loss rises": (lambda: (loss_of(network(3, 4, 1)), None, None, UP), "loss_rising", "learning rate"),
    "loss turns": (lambda: (loss_of(network(3, 4, 1)), None, None, DOWN_UP), "loss_rising", "learning rate"),
    "history rises": (
        lambda: (loss_of(network(3, 4, 1)), None, None, History(rows=[{"loss": u} for u in UP])),
        "loss_rising", "20 entries",
    ),
    "loss became nan": (
        lambda: (loss_of(network(3, 4, 1)), None, None, [1.0, 2.0, math.nan]), "loss_not_finite", "entry 2",
    ),
    "n by n": (lambda: (lambda m: (((m(X) - Y[:, 0]) ** 2).mean(), m))(network(3, 4, 1)), "broadcast_both", "(40, 1)"),
    "n by n, labels a Tensor": (labels_leaf, "broadcast_both", "40 × 40"),
    "n by n, other way": (lambda: ((network(3, 4, 1)(X)[:, 0] - Y).abs().mean(),), "broadcast_both", "40 × 40"),
    "underflow": (
        lambda: (lambda m: (mse_loss(m(X.astype(np.float16)), Y) * 1e-5, m))(network(3, 4, 1, dtype=np.float16)),
        "gradient_underflow", "float16",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_with_its_culprit(fault):
    build, problem, culprit = FAULTS[fault]
    found = diagnose(*build())
    assert problem in found.problems
    assert not found.healthy
    assert not found
    finding = found[problem]
    assert culprit in f"{finding.what} {finding.why} {finding.do} {finding.where}"
    assert finding.why
    assert finding.do


def test_of_a_function_the_line_is_known():
    found = diagnose(lambda: (Value(0.0, label="p") * 1).log())  # the line
    assert "the line" in found["nan_or_inf"].where
    assert "diagnose(lambda" in diagnose((Value(0.0) * 1).log())["nan_or_inf"].where  # how to get it


def test_data_spoilt_before_the_graph_began_is_followed_to_its_line():
    def loss():
        raw = Tensor([1.0, 0.0], requires_grad=False, label="raw")
        logs = raw.log()  # spoilt here
        return (logs * Tensor([1.0, 2.0])).sum()

    finding = diagnose(loss)["nonfinite_input"]
    assert "spoilt here" in finding.where
    assert "`log`" in finding.what


def test_the_module_of_a_birth_is_named():
    class Net(Module):
        def __init__(self):
            mg.seed(0)
            self.first, self.last = Linear(3, 4), Linear(4, 1)

        def forward(self, x):
            return self.last((self.first(x) * 1000).exp())

    net = Net()
    assert "Net; for the line" in diagnose(loss_of(net), net)["nan_or_inf"].where
    where = diagnose(lambda: loss_of(net), net)["nan_or_inf"].where
    assert where.startswith("Net, ")
    assert "return self.last(" in where


def test_a_ruined_weight_is_told_once():
    loss, model = broken_weight(network(3, 4, 1))
    assert diagnose(loss, model).problems.count("nonfinite_parameter") == 1
    assert "nonfinite_input" not in diagnose(loss).problems


def test_the_worst_comes_first():
    model = broken_weight(network(3, 4, 1))[1]
    found = diagnose(loss_of(model), model, SGD(model[0].parameters(), lr=0.1))
    severities = [finding.severity for finding in found]
    assert severities == sorted(severities, key=("error", "warning", "info").index)
    assert severities[0] == "error"
    assert "warning" in severities


# -- diagnose: healthy runs are left in peace ----------------------------------------------------------------------


def peaceful(*arguments):
    found = diagnose(*arguments)
    assert found.healthy, found
    assert found
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_demos_moons_are_healthy_all_the_way(seed):
    points, y = make_moons(n_samples=100, noise=0.1, seed=seed)
    y = 2.0 * y - 1
    scalar = MLP(2, [16, 16, 1], seed=seed)
    model = scalar.to_sequential()
    optimizer = SGD(model.parameters(), lr=1.0)
    schedule = LambdaLR(optimizer, lambda step: 1.0 - 0.9 * step / 100)
    history = None
    for epochs in (0, 1, 30, 69):
        if epochs:
            history = fit(
                model, (points, y), loss="hinge", optimizer=optimizer, epochs=epochs, batch_size=100, progress=False,
                penalty=lambda m: 1e-4 * l2_penalty(m), callbacks=[Schedule(schedule, every="step")],
            )  # fmt: skip
        loss = hinge_loss(model(points), y[:, None]) + 1e-4 * l2_penalty(model)
        peaceful(loss, model, optimizer, history)
        optimizer.zero_grad()
        loss.backward()
        peaceful(loss, model, optimizer, history)
        clip_grad_norm_(model.parameters(), 0.01)  # clipping isn't adding up
        peaceful(loss, model, optimizer, history)
        clip_grad_value_(model.parameters(), 0.001)
        peaceful(loss, model, optimizer, history)
    trained = MLP.from_sequential(model)
    for network in (scalar, trained):  # as micrograd's demo writes it: relu makes the hinge
        scores = [network(x) for x in points.tolist()]
        losses = [(1 + -t * score).relu() for t, score in zip(y.tolist(), scores, strict=True)]
        loss = sum(losses) * (1 / len(losses)) + 1e-4 * sum(p * p for p in network.parameters())
        loss.backward()
        peaceful(loss, network, SGD(network.parameters(), lr=1.0))


@pytest.mark.parametrize("seed", range(2))
def test_the_digits_are_healthy_all_the_way(seed):
    images, labels = load_digits(flat=True)
    mg.seed(seed)
    model = Sequential(Linear(64, 64, dtype=np.float32), ReLU(), Dropout(0.2), Linear(64, 64, dtype=np.float32), ReLU(),
                       Linear(64, 10, dtype=np.float32))  # fmt: skip
    optimizer = AdamW(model.parameters(), lr=3e-3)
    images, history, recorder = images.astype(np.float32), None, Recorder()
    for epochs in (0, 1, 9):
        if epochs:
            history = fit(model, (images, labels), loss="cross_entropy", optimizer=optimizer, epochs=epochs, seed=seed,
                          progress=False, metrics="accuracy", callbacks=[recorder])  # fmt: skip
        for n in (1, 2, 5, 50, 1797):
            peaceful(lambda n=n: cross_entropy(model(images[:n]), labels[:n]), model, optimizer, history)
            peaceful(cross_entropy(model.eval()(images[:n]), labels[:n]), model, optimizer, recorder)
            model.train()
    assert history["accuracy"][-1] > 0.97


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("seed", range(3))
def test_xor_and_single_neurons_are_healthy(activation, seed):
    inputs, targets = xor()
    model = MLP(2, [8, 1], activation=activation, seed=seed)
    optimizer, history = SGD(model.parameters(), lr=0.05), None
    for epochs in (0, 1, 200):
        if epochs:
            history = fit(
                model, (inputs, targets), loss="mse", optimizer=optimizer, epochs=epochs, progress=False, seed=0
            )
        peaceful(mse_loss([model(x) for x in inputs.tolist()], targets.tolist()), model, optimizer, history)
    neuron = Neuron(2, activation=activation, rng=random.Random(seed))
    peaceful((neuron([1.0, 2.0]) - 1) ** 2, neuron, SGD(neuron.parameters(), lr=0.1))


@pytest.mark.parametrize(
    "loss", [mse_loss, l1_loss, huber_loss, hinge_loss, binary_cross_entropy_with_logits, MSELoss()]
)
@pytest.mark.parametrize("steps", [0, 1, 150])
def test_every_loss_is_healthy_on_a_tanh_network(loss, steps):
    points, y = make_moons(n_samples=80, noise=0.1, seed=1)
    y = (2.0 * y - 1 if loss is hinge_loss else y.astype(float))[:, None]
    model = network(2, 16, 1, activation=Tanh, seed=1)
    optimizer, losses = Adam(model.parameters(), lr=0.02), []
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss(model(points), y)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    peaceful(loss(model(points), y), model, optimizer, losses)


def test_regressions_that_start_at_zero_are_healthy():
    w, b = Value(0.0, label="w"), Value(0.0, label="b")
    optimizer = SGD([w, b], lr=0.1)
    for _ in range(3):
        loss = sum((w * x + b - (2 * x + 1)) ** 2 for x in (-1.0, 0.0, 1.0, 2.0))
        optimizer.zero_grad()
        loss.backward()
        peaceful(loss, None, optimizer)
        optimizer.step()
    logistic = constant(Linear(3, 1), 0.0)
    peaceful(binary_cross_entropy_with_logits(logistic(X), (Y > 0) * 1.0), logistic, SGD(logistic.parameters(), lr=1.0))
    softmax = constant(Linear(3, 4), 0.0)
    peaceful(cross_entropy(softmax(X), np.arange(40) % 4), softmax, SGD(softmax.parameters(), lr=1.0))
    last_at_zero = network(3, 4, 4, 1)  # a last layer that starts at 0 is good practice
    constant(last_at_zero[4], 0.0)
    peaceful(loss_of(last_at_zero), last_at_zero)


def test_few_samples_say_nothing_about_units():
    far = scaled(network(3, 8, 1, activation=Tanh), 50)
    peaceful(mse_loss(far(X[:4]), Y[:4]), far)
    mostly_off = network(3, 20, 1)
    mostly_off[0].bias.data[0], mostly_off[0].bias.data[1:] = 5, -100
    peaceful(mse_loss(mostly_off(X[:4]), Y[:4]), mostly_off)
    assert "dead_relu" in diagnose(mse_loss(mostly_off(X), Y), mostly_off).problems
    neuron = Neuron(2, rng=random.Random(0))
    neuron.b.data = -100.0
    found = peaceful((neuron([1.0, 2.0]) - 1) ** 2, neuron)
    assert found["zero_gradients"].severity == "info"


def test_the_dead_units_of_a_layer_of_neurons_are_counted():
    model = MLP(3, [16, 1], seed=0)
    for neuron in model.layers[0].neurons[:15]:
        neuron.b.data = -100.0
    loss = sum(model(x) ** 2 for x in X[:12].tolist())
    assert "15 of its 16 units are 0 for all 12 samples" in diagnose(loss, model)["dead_relu"].what


def test_an_output_that_has_made_up_its_mind_is_not_saturated():
    model = Sequential(Linear(3, 2), Sigmoid())
    model[0].weight.data *= 100
    peaceful(mse_loss(model(X), (X[:, :2] > 0) * 1.0), model)


@pytest.mark.parametrize("activation", [ReLU, Tanh])
@pytest.mark.parametrize("depth", [3, 6, 9])
def test_deep_networks_with_usual_weights_are_healthy(activation, depth):
    model = network(3, *[32] * depth, 1, activation=activation)
    peaceful(loss_of(model), model, Adam(model.parameters(), lr=1e-3))


def test_a_small_step_is_no_fault_at_the_end_of_training():
    model = network(3, 8, 1)
    optimizer = Adam(model.parameters(), lr=1e-2)
    schedule = CosineAnnealingLR(optimizer, 5)
    for _ in range(5):
        schedule.step()
    assert optimizer.param_groups[0]["lr"] < 1e-9
    peaceful(loss_of(model), model, optimizer)  # a schedule that has come to its end
    perfect = mse_loss(model(X), model(X).detach())
    peaceful(perfect, model, SGD(model.parameters(), lr=0.1))  # nothing left to learn


def test_a_single_layer_may_start_small_and_move_fast():
    model = scaled(Linear(3, 1), 1e-3)
    peaceful(loss_of(model), model, SGD(model.parameters(), lr=0.5))


def test_data_that_has_a_gradient_by_default_is_not_taken_for_a_layer():
    data, w = Tensor(X, label="data"), Tensor(np.full((3, 1), 1e-3), label="w")
    peaceful(mse_loss(data @ w, Y), None, SGD([w], lr=0.5))


def test_equal_units_with_different_gradients_are_no_fault():
    model = network(3, 4, 1)
    constant(model[0], 0.1)
    peaceful(loss_of(model), model)  # the last layer tells them apart


def test_a_gradient_of_ones_own_is_taken_into_account():
    model = network(3, 4, 1)
    loss = loss_of(model)
    loss.backward(3.0)
    assert peaceful(loss, model).problems == []


def test_a_nan_is_followed_before_an_infinity_that_may_be_meant():
    masked = Tensor([1.0], label="scores") + np.array([-math.inf])
    found = diagnose((masked + Tensor([-1.0], label="culprit").log()).sum())
    assert found.problems[0] == "nan_or_inf"
    assert "culprit" in found["nan_or_inf"].what


def test_frozen_layers_are_information_and_no_fault():
    model = network(3, 4, 1)
    model[0].requires_grad_(False)
    found = peaceful(loss_of(model), model, SGD(model.parameters(), lr=0.1))
    assert "0.weight, 0.bias" in found["frozen_in_optimizer"].what
    peaceful(loss_of(model), model, SGD(model[2].parameters(), lr=0.1))


def test_before_backward_gradients_of_an_earlier_one_are_information_only():
    model = network(3, 4, 1)
    assert peaceful(loss_of(model), model).problems == ["backward_not_run"]
    loss_of(model).backward()
    found = peaceful(loss_of(model), model)
    assert found.problems == ["gradients_left"]
    assert "zero_grad()" in found["gradients_left"].do
    assert peaceful(lambda: loss_of(model), model).problems == []  # a loss computed aside isn't meant for backward()
    loss = loss_of(model)
    model.zero_grad()
    loss.backward()
    assert peaceful(loss, model).problems == []


def test_a_mask_of_infinities_is_no_fault():
    scores = Tensor(RNG.normal(size=(4, 4)), label="scores")
    mask = np.triu(np.full((4, 4), -math.inf), 1)
    peaceful(lambda: ((scores + mask).softmax(axis=-1) ** 2).sum())


def test_tables_of_distances_and_centres_are_no_fault():
    x = Tensor(RNG.normal(size=5), label="x")
    peaceful(((x.unsqueeze(1) - x) ** 2).mean())  # all pairs, meant
    centres, weights = Tensor(RNG.normal(size=40), label="c"), Tensor(RNG.normal(size=(40, 1)), label="w")
    peaceful(mse_loss((-((Tensor(X[:, :1], False) - centres) ** 2)).exp() @ weights, Y))


def test_noise_is_not_a_rise_and_a_flat_history_neither():
    rng = np.random.default_rng(0)
    loss = loss_of(network(3, 4, 1))
    for _ in range(200):
        peaceful(loss, None, None, list(rng.uniform(0.5, 1.5, 40)))
        peaceful(loss, None, None, list(np.exp(-np.arange(60) / 10) + rng.uniform(0, 0.01, 60)))
    peaceful(loss, None, None, [0.0] * 20)
    peaceful(loss, None, None, [5.0, 1.0, 9.0])  # too few to say


# -- diagnose: nothing is changed, and it is linear ------------------------------------------------------------------


def test_nothing_of_the_users_is_changed_and_no_hook_is_called():
    model, called = network(3, 4, 1), []
    model[0].weight.register_hook(lambda g: called.append(g))
    loss = loss_of(model)
    loss.register_hook(lambda g: called.append(g))
    held = model[2].weight.data  # the user holds it, and may write to it
    before = [(p.numpy().copy(), p.grad) for p in model.parameters()]
    diagnose(loss, model, SGD(model.parameters(), lr=0.1))
    assert not called
    assert all((p.numpy() == old).all() and p.grad is g for p, (old, g) in zip(model.parameters(), before, strict=True))
    assert loss.grad is None
    held[...] = 7
    assert (model[2].weight.numpy() == 7).all()

    value = Value(2.0, label="v")
    y = value * value
    value.register_hook(lambda g: called.append(g))
    diagnose(y)
    assert (value.grad, y.grad, called) == (0.0, 0.0, [])
    value.grad = 5.0
    diagnose(y)
    assert value.grad == 5.0


def test_it_agrees_with_backward_to_the_last_bit():
    """The gradients computed aside are those that backward() brings."""
    model = network(3, 5, 2, activation=Tanh)
    loss = cross_entropy(model(X), np.arange(40) % 2)
    loss.backward()
    case = Case(loss, model, None, None, Lines())
    for p in model.parameters():
        np.testing.assert_array_equal(case.gradients[p], p.grad)


def test_a_graph_of_a_hundred_thousand_nodes():
    x = Value(1.0, label="x")
    y = x
    for _ in range(100_000):
        y = y * 1.0
    peaceful(y)
    y = y.log() - 1  # log(1) = 0
    assert "nan_or_inf" in diagnose(y.log() if y.data > 0 else (y + 1).log()).problems


def test_infinities_of_both_signs_meet_without_a_warning_of_numpys():
    t = Tensor([0.0], label="t")
    assert "nan_or_inf_gradient" in diagnose((t.sqrt() - t.sqrt()).sum()).problems


def test_hooks_that_change_gradients_are_not_taken_for_leftovers():
    a = Value(3.0, label="a")
    a.register_hook(lambda g: 10 * g)
    y = a * a
    y.backward()
    peaceful(y)


# -- diagnose: what it gives ------------------------------------------------------------------------------------------


def test_it_prints_and_shows_itself_and_becomes_a_table():
    found = diagnose(lambda: (Value(0.0, label="<p>") * Value(1.0)).log() + Value(0.0, label="<p>").log())
    text = str(found)
    assert text.startswith("1 fault found.")
    assert "what to do: " in text
    assert repr(found) == text
    html = found._repr_html_()
    assert "<li" in html
    assert "&lt;p&gt;" not in text
    assert "<p> =" not in html
    assert json.loads(json.dumps(found.to_dict()))["healthy"] is False
    pandas = pytest.importorskip("pandas")
    assert list(pandas.DataFrame(found.rows)["problem"]) == found.problems
    assert len(found) == len(list(found)) == len(found.findings)


def test_html_is_escaped():
    found = Diagnosis([Finding("p", "error", "<what>", "<why>", "<do>", "<where>")])
    html = found._repr_html_()
    for word in ("what", "why", "do", "where"):
        assert f"&lt;{word}&gt;" in html
        assert f"<{word}>" not in html


def test_what_was_not_found_is_a_key_error_that_says_what_was():
    with pytest.raises(KeyError, match="nothing"):
        peaceful(lambda: Value(1.0) * 2)["dead_relu"]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((3.0,), TypeError, "has no graph"),
        ((lambda: 3.0,), TypeError, "has no graph"),
        ((Tensor([1.0, 2.0]) * 2,), ValueError, "reduce it first"),
        ((Value(1.0) * 2, [Value(1.0)]), TypeError, "named_parameters"),
        ((Value(1.0) * 2, None, "sgd"), TypeError, "param_groups"),
    ],
)
def test_what_cannot_be_diagnosed_is_refused_with_a_reason(arguments, error, words):
    with pytest.raises(error, match=words):
        diagnose(*arguments)


def test_an_error_in_the_function_is_the_functions_own():
    with pytest.raises(ZeroDivisionError):
        diagnose(lambda: 1 / 0)
    assert Value(0.0).log().data == -math.inf  # nobody is watching any more


def test_equal_rows_and_outer_products_are_no_broadcast():
    column = Tensor(np.zeros((3, 1)))
    for loss in (column * np.ones((3, 3)), column - np.ones((3, 3)), column * Tensor(np.arange(3.0)),
                 column - Tensor(np.ones((3, 3)))):  # fmt: skip
        assert "broadcast_both" not in diagnose(loss.sum()).problems
    assert "broadcast_both" in diagnose((column - np.arange(3.0)).sum()).problems
    assert "broadcast_both" in diagnose((column - Tensor(np.ones(3))).sum()).problems


@pytest.mark.parametrize("grad", [-4.0, 6.0])
def test_a_gradient_that_was_set_is_not_called_added_up(grad):
    a = Value(2.0, label="a")
    loss = a * a
    loss.backward()
    a.grad = grad
    finding = diagnose(loss)["gradients_added_up"]
    assert "the gradient that is there isn't this loss's, in a" in finding.what
    assert "adds" not in finding.why


def test_detect_anomaly_takes_no_switch():
    for switch in (True, False, 3):
        with pytest.raises(TypeError, match=r"with detect_anomaly\(\):.*allow_inf=True"):
            detect_anomaly(switch)


@pytest.mark.parametrize("history", ["abc", 3.0, [1.0, None], ["a"]])
def test_a_history_that_is_none_is_refused(history):
    with pytest.raises(TypeError, match="diagnose: history is"):
        diagnose(Value(2.0) * 3, history=history)
