"""Losses: PyTorch's numbers and gradients, for Tensors, Values and twins; stable at the ends; errors that help.

A new loss needs one line in LOSSES below; without it `test_every_loss_is_in_the_table` fails.
"""

import inspect
import pickle
import warnings
from dataclasses import dataclass, field

import numpy as np
import pytest

import micrograd_plus
from micrograd_plus import Tensor, Value, grad, nn, no_grad
from micrograd_plus.engine import ValueArray, ops
from micrograd_plus.engine.graph import order
from micrograd_plus.nn import losses
from micrograd_plus.nn.losses import LOSS_TABLE

REDUCTIONS = ["mean", "sum", "none"]
EXACT = {"rtol": 1e-12, "atol": 1e-14}
SINGLE = {"rtol": 1e-5, "atol": 1e-6}

# ---- the table ---------------------------------------------------------------------------------------------


def scores(rng, shape):
    return rng.normal(size=shape) * 2, rng.normal(size=shape)


def margins(rng, shape):
    return rng.normal(size=shape) * 2, rng.choice([-1.0, 1.0], shape)


def probabilities(rng, shape):
    return rng.uniform(0.01, 0.99, shape), rng.uniform(0, 1, shape).round(1)


def logits(rng, shape):
    return rng.normal(size=shape) * 3, rng.uniform(0, 1, shape).round(1)


def distributions(rng, shape):
    x = rng.normal(size=shape)
    t = rng.uniform(0, 1, shape) * (rng.random(shape) > 0.3)  # zeros too
    return x - np.log(np.exp(x).sum(-1, keepdims=True)), t / max(t.sum(), 1.0)


def classes(rng, shape):
    n, k = shape[0], shape[1]
    return rng.normal(size=shape) * 2, rng.integers(0, k, (n, *shape[2:]))


def hinge_of_torch(torch):
    def hinge(x, t, reduction="mean"):
        each = torch.clamp(1 - x * t, min=0)
        return {"mean": torch.mean, "sum": torch.sum, "none": lambda y: y}[reduction](each)

    return hinge


@dataclass
class Loss:
    """A loss: its name here (the function's and the module's; PyTorch's are the same) and how to draw its inputs."""

    function: str
    module: str
    draw: object
    settings: list = field(default_factory=lambda: [{}])
    lists: bool = True  # it takes lists of Values
    wants_classes: bool = False  # the target is class indices: it has no gradient

    def theirs(self):
        torch = pytest.importorskip("torch")
        return hinge_of_torch(torch) if self.function == "hinge_loss" else getattr(torch.nn.functional, self.function)

    def shapes(self):
        return [(5, 3)] if self.wants_classes else [(5, 3), (7,), (2, 3, 4), ()]


WEIGHT = np.array([0.5, 2.0, 1.25])
LOSSES = [
    Loss("mse_loss", "MSELoss", scores),
    Loss("l1_loss", "L1Loss", scores),
    Loss("huber_loss", "HuberLoss", scores, [{}, {"delta": 0.3}, {"delta": 2.5}]),
    Loss("hinge_loss", "HingeLoss", margins),
    Loss("binary_cross_entropy", "BCELoss", probabilities),
    Loss("binary_cross_entropy_with_logits", "BCEWithLogitsLoss", logits),
    Loss(
        "cross_entropy",
        "CrossEntropyLoss",
        classes,
        [
            {},
            {"weight": WEIGHT},
            {"label_smoothing": 0.2},
            {"weight": WEIGHT, "label_smoothing": 0.3},
            {"label_smoothing": 1.0},
        ],
        wants_classes=True,
    ),
    Loss("nll_loss", "NLLLoss", classes, [{}, {"weight": WEIGHT}], lists=False, wants_classes=True),
    Loss("kl_div", "KLDivLoss", distributions, [{}, {"log_target": True}], lists=False),
]
BY_NAME = {loss.function: loss for loss in LOSSES}
EACH = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.function)
CASES = [(loss, s) for loss in LOSSES for s in loss.settings]
CASE = pytest.mark.parametrize(
    ("loss", "settings"), CASES, ids=[f"{loss.function}-{','.join(s) or 'plain'}" for loss, s in CASES]
)
REDUCTION = pytest.mark.parametrize("reduction", REDUCTIONS)


def drawn(loss, settings, shape, dtype=np.float64, seed=0):
    x, t = loss.draw(np.random.default_rng(seed), shape)
    if settings.get("log_target"):
        t = np.log(np.abs(t) + 0.1)
    return np.asarray(x, dtype), np.asarray(t) if loss.wants_classes else np.asarray(t, dtype)


def cotangent(shape):
    """A number for each of `shape`, all different: what arrives at a loss that isn't reduced."""
    return 0.5 + np.cos(np.arange(np.prod(shape, dtype=int))).reshape(shape)


def ours(function, x, t, **settings):
    """The loss, and the gradients of it (of its sum with `cotangent`, if it isn't reduced)."""
    x, t = Tensor(x), Tensor(t) if t.dtype.kind == "f" else t
    y = function(x, t, **settings)
    y.backward(None if y.size == 1 and not y.ndim else cotangent(y.shape))
    return y.numpy(), x.grad, t.grad if isinstance(t, Tensor) else None


def torchs(function, x, t, **settings):
    torch = pytest.importorskip("torch")
    settings = {
        k: torch.tensor(v, dtype=torch.tensor(x).dtype) if isinstance(v, np.ndarray) else v for k, v in settings.items()
    }
    x, t = torch.tensor(x, requires_grad=True), torch.tensor(t, requires_grad=t.dtype.kind == "f")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "reduction: 'mean' divides")  # kl_div's advice
        y = function(x, t, **settings)
    y.backward(torch.tensor(cotangent(y.shape), dtype=y.dtype) if y.ndim else None)
    if t.grad is not None and "kl_div" in function.__name__ and not settings.get("log_target"):
        t.grad[t.detach() == 0] = 0  # a target of 0 costs nothing, and its gradient is 0 (PyTorch: nan)
    return y.detach().numpy(), x.grad.numpy(), t.grad.numpy() if t.grad is not None else None


def assert_same(mine, other, tolerance):
    for a, b in zip(mine, other, strict=True):
        if b is not None:
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, **tolerance)


def public_functions():
    found = {n: f for n, f in vars(losses).items() if inspect.isfunction(f) and f.__module__ == losses.__name__}
    return {n for n in found if n[0] != "_"}


def test_every_loss_is_in_the_table():
    modules = {n for n, c in vars(losses).items() if n.endswith("Loss") and n[0] != "_"}
    assert modules == {loss.module for loss in LOSSES}
    assert public_functions() == {loss.function for loss in LOSSES} | {"l1_penalty", "l2_penalty", "masked_mean"}
    for loss in LOSSES:
        assert getattr(nn, loss.function) is getattr(nn.functional, loss.function)
        assert set(inspect.signature(getattr(nn, loss.module)).parameters) <= {
            "reduction",
            "ignore_index",
            *(k for s in loss.settings for k in s),
        }


# ---- PyTorch's numbers -------------------------------------------------------------------------------------


@CASE
@REDUCTION
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float64, EXACT), (np.float32, SINGLE)], ids=["float64", "float32"]
)
def test_values_and_gradients_are_pytorchs(loss, settings, reduction, dtype, tolerance):
    for shape in loss.shapes():
        x, t = drawn(loss, settings, shape, dtype)
        mine = ours(getattr(nn, loss.function), x, t, reduction=reduction, **settings)
        assert_same(mine, torchs(loss.theirs(), x, t, reduction=reduction, **settings), tolerance)
        assert mine[0].dtype == mine[1].dtype == dtype


@CASE
@REDUCTION
def test_the_module_is_the_function(loss, settings, reduction):
    x, t = drawn(loss, settings, (5, 3))
    module = getattr(nn, loss.module)(reduction=reduction, **settings)
    assert_same(
        ours(module, x, t),
        ours(getattr(nn, loss.function), x, t, reduction=reduction, **settings),
        {"rtol": 0, "atol": 0},
    )
    assert f"reduction={reduction!r}" in repr(module)
    assert repr(module).startswith(loss.module + "(")
    assert list(module.parameters()) == []


@EACH
def test_defaults_are_pytorchs(loss):
    torch = pytest.importorskip("torch")
    for mine in (getattr(nn, loss.function), getattr(nn, loss.module)):
        if loss.function == "hinge_loss":
            continue  # PyTorch has none
        their = (
            getattr(torch.nn.functional, loss.function) if inspect.isfunction(mine) else getattr(torch.nn, loss.module)
        )
        theirs = inspect.signature(their).parameters
        for name, parameter in inspect.signature(mine).parameters.items():
            assert parameter.default == theirs[name].default, name


@EACH
def test_it_takes_targets_of_any_kind(loss):
    x, t = drawn(loss, {}, (5, 3))
    f = getattr(nn, loss.function)
    expected = f(Tensor(x), t).item()
    assert f(Tensor(x), t.tolist()).item() == expected
    assert f(Tensor(x), Tensor(t, requires_grad=False)).item() == expected
    assert float(f(x, t)) == pytest.approx(expected, rel=1e-15)  # plain arrays: a number, and no graph
    assert not isinstance(f(x, t), Tensor)
    if not loss.wants_classes:
        assert f(Tensor(x, dtype=np.float32), t).dtype == np.float32


@EACH
@REDUCTION
def test_the_target_may_change_after_the_forward_pass(loss, reduction):
    x, t = drawn(loss, {}, (5, 3))
    f = getattr(nn, loss.function)
    expected = ours(lambda a, b: f(a, t.copy(), reduction=reduction), x, t)[1]
    leaf, mutable = Tensor(x), t.copy()
    y = f(leaf, mutable, reduction=reduction)
    mutable[...] = 0
    leaf.data += 5
    y.backward(cotangent(y.shape) if y.ndim else None)
    np.testing.assert_array_equal(leaf.grad, expected)


@EACH
def test_backward_twice_doubles(loss):
    x, t = drawn(loss, {}, (5, 3))
    leaf = Tensor(x)
    y = getattr(nn, loss.function)(leaf, t)
    y.backward()
    once = leaf.grad.copy()
    y.backward()
    np.testing.assert_array_equal(leaf.grad, 2 * once)


@EACH
def test_inputs_are_not_changed(loss):
    x, t = drawn(loss, {}, (5, 3))
    leaf, x_before, t_before = Tensor(x), x.copy(), t.copy()
    getattr(nn, loss.function)(leaf, t).backward()
    np.testing.assert_array_equal(leaf.data, x_before)
    np.testing.assert_array_equal(t, t_before)


@EACH
def test_no_graph_under_no_grad(loss):
    x, t = drawn(loss, {}, (5, 3))
    with no_grad():
        y = getattr(nn, loss.function)(Tensor(x), t)
    assert not y.requires_grad
    assert y.inputs == ()


@EACH
def test_an_array_that_is_not_contiguous(loss):
    x, t = drawn(loss, {}, (5, 3))
    f = getattr(nn, loss.function)
    wide = np.asfortranarray(x)
    assert_same(ours(f, wide, t), ours(f, x, t), EXACT)
    leaf = Tensor(x.T.copy())
    y = f(leaf.T, t)
    y.backward()
    assert y.item() == pytest.approx(f(Tensor(x), t).item(), rel=1e-13)
    np.testing.assert_allclose(leaf.grad.T, ours(f, x, t)[1], **EXACT)


@EACH
def test_a_loss_can_be_pickled(loss):
    x, t = drawn(loss, {}, (5, 3))
    y = pickle.loads(pickle.dumps(getattr(nn, loss.function)(Tensor(x), t)))
    y.backward()
    leaf = next(node for node in order(y) if node.op is None and node.grad is not None)
    np.testing.assert_allclose(leaf.grad, ours(getattr(nn, loss.function), x, t)[1], **EXACT)
    module = pickle.loads(pickle.dumps(getattr(nn, loss.module)()))
    assert module(Tensor(x), t).item() == y.item()


# ---- cross_entropy, nll_loss, kl_div: what is special ------------------------------------------------------


@REDUCTION
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize("settings", [{}, {"weight": WEIGHT}], ids=["plain", "weight"])
@pytest.mark.parametrize("shape", [(4, 3, 2), (2, 3, 2, 5), (1, 3), (3,)], ids=str)
def test_classes_of_many_places(name, settings, shape, reduction):
    rng = np.random.default_rng(1)
    x = rng.normal(size=shape)
    t = rng.integers(0, 3, (*shape[:1], *shape[2:])) if len(shape) > 1 else np.array(2)
    theirs = torchs(BY_NAME[name].theirs(), x, t, reduction=reduction, **settings)
    assert_same(ours(getattr(nn, name), x, t, reduction=reduction, **settings), theirs, EXACT)
    plain = getattr(nn, name)(x, t, reduction=reduction, **settings)
    np.testing.assert_allclose(plain, theirs[0], **EXACT)


@REDUCTION
@pytest.mark.parametrize("settings", BY_NAME["cross_entropy"].settings, ids=str)
@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2), (2, 3, 2, 5), (3,)], ids=str)
def test_class_probabilities(settings, shape, reduction):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    x, t = rng.normal(size=shape), rng.dirichlet(np.ones(3), (*shape[:1], *shape[2:]) if len(shape) > 1 else ())
    t = np.moveaxis(t, -1, 1) if len(shape) > 1 else t
    theirs = torchs(torch.nn.functional.cross_entropy, x, t, reduction=reduction, **settings)
    leaf = Tensor(x)
    y = nn.cross_entropy(leaf, t, reduction=reduction, **settings)
    y.backward(cotangent(y.shape) if y.ndim else None)
    assert_same((y.numpy(), leaf.grad), theirs[:2], EXACT)


def test_one_hot_rows_and_class_indices_agree():
    x, labels = np.random.default_rng(3).normal(size=(6, 4)), np.array([0, 3, 1, 1, 2, 0])
    a, b = ours(nn.cross_entropy, x, labels), ours(lambda x, t: nn.cross_entropy(x, np.eye(4)[labels]), x, labels)
    assert_same(a, b, EXACT)


def test_cross_entropy_is_nll_of_log_softmax():
    x, labels = np.random.default_rng(3).normal(size=(6, 4)), np.array([0, 3, 1, 1, 2, 0])
    assert_same(
        ours(nn.cross_entropy, x, labels), ours(lambda x, t: nn.nll_loss(x.log_softmax(1), t), x, labels), EXACT
    )


@pytest.mark.parametrize("labels", [[0, 2], (0, 2), np.array([0, 2], np.uint8), np.array([0, 2], np.int32), [0.0, 2.0]])
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_labels_of_any_kind(name, labels):
    x = Tensor([[0.1, 0.2, 0.3], [1.0, -1.0, 0.5]])
    assert getattr(nn, name)(x, labels).item() == getattr(nn, name)(x, np.array([0, 2])).item()


@pytest.mark.parametrize("log_target", [False, True])
@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 4), (7,)])
def test_kl_div_over_the_batch(log_target, shape):
    x, t = drawn(BY_NAME["kl_div"], {"log_target": log_target}, shape)
    settings = {"reduction": "batchmean", "log_target": log_target}
    theirs = torchs(BY_NAME["kl_div"].theirs(), x, t, **settings)
    assert_same(ours(nn.kl_div, x, t, **settings), theirs, EXACT)
    assert nn.KLDivLoss(**settings)(Tensor(x), t).item() == pytest.approx(float(theirs[0]), rel=1e-12)


def test_kl_div_of_equals_is_0_and_zeros_in_the_target_cost_nothing():
    p = np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]])
    x = Tensor(np.log(np.maximum(p, 1e-300)))
    y = nn.kl_div(x, p, reduction="sum")
    y.backward()
    assert y.item() == 0
    np.testing.assert_array_equal(x.grad, -p)


def test_class_weights_are_not_trained():
    weight = Tensor(WEIGHT.copy())
    for module in (nn.CrossEntropyLoss(weight=weight), nn.NLLLoss(weight=weight)):
        assert module.parameters() == []
        weight.data[0] = 100.0  # a copy: the loss stays what it was
        assert list(module.state_dict()) == ["weight"]
    x, weight = np.random.default_rng(0).normal(size=(4, 3)), Tensor(WEIGHT)
    assert nn.CrossEntropyLoss(weight=weight)(Tensor(x), [0, 1, 2, 2]).item() == nn.cross_entropy(
        x, [0, 1, 2, 2], WEIGHT
    )
    assert nn.CrossEntropyLoss(weight=WEIGHT.tolist())(x, [0, 1, 2, 2]) == nn.cross_entropy(x, [0, 1, 2, 2], WEIGHT)


# ---- the ends of the line ----------------------------------------------------------------------------------

FAR = np.array([-1000.0, -50.0, -1.0, 0.0, 1.0, 50.0, 1000.0])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("target", [0.0, 1.0, 0.5])
def test_bce_with_logits_at_the_ends(target, dtype):
    t = np.full(7, target, dtype)
    mine = ours(nn.binary_cross_entropy_with_logits, FAR.astype(dtype), t, reduction="sum")
    theirs = torchs(BY_NAME["binary_cross_entropy_with_logits"].theirs(), FAR.astype(dtype), t, reduction="sum")
    assert np.isfinite(mine[0])
    assert_same(mine, theirs, EXACT if dtype == np.float64 else SINGLE)


def test_bce_with_logits_keeps_small_losses():
    y = nn.binary_cross_entropy_with_logits(Tensor([40.0, 700.0]), [1.0, 1.0], reduction="none")
    np.testing.assert_allclose(y.data, np.exp([-40.0, -700.0]), rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("label", [0, 1, 2])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_at_the_ends(label, smoothing, dtype):
    rows = np.array([[1000, 0, -1000], [-1000, -1000, -1000], [1000, 1000, 1000], [0, 0, 1000]], dtype)
    labels = np.full(4, label)
    theirs = torchs(BY_NAME["cross_entropy"].theirs(), rows, labels, label_smoothing=smoothing, reduction="sum")
    mine = ours(nn.cross_entropy, rows, labels, label_smoothing=smoothing, reduction="sum")
    assert np.isfinite(mine[0])
    assert_same(mine, theirs, EXACT if dtype == np.float64 else SINGLE)
    values = [[Value(float(z)) for z in row] for row in rows]
    y = nn.cross_entropy(values, labels, label_smoothing=smoothing, reduction="sum")
    y.backward()
    assert y.data == pytest.approx(float(theirs[0]), rel=1e-6 if dtype == np.float32 else 1e-12)
    np.testing.assert_allclose([[v.grad for v in row] for row in values], theirs[1], rtol=1e-6, atol=1e-7)


def test_cross_entropy_is_right_where_a_rival_is_impossible():
    x = Tensor([[0.0, -np.inf, 1.0]])
    y = nn.cross_entropy(x, [2])
    y.backward()
    assert y.item() == pytest.approx(np.log(1 + np.exp(-1)), rel=1e-14)
    assert x.grad[0, 1] == 0
    row = [Value(0.0), Value(-np.inf), Value(1.0)]
    z = nn.cross_entropy([row], [2])
    z.backward()
    assert z.data == pytest.approx(y.item(), rel=1e-14)
    np.testing.assert_allclose([v.grad for v in row], x.grad[0], **EXACT)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_bce_of_certainties(dtype):
    x, t = np.array([0, 0, 1, 1, 0, 1], dtype), np.array([0, 1, 0, 1, 0.25, 0.25], dtype)
    for reduction in REDUCTIONS:
        mine = ours(nn.binary_cross_entropy, x, t, reduction=reduction)
        assert_same(mine[:2], torchs(BY_NAME["binary_cross_entropy"].theirs(), x, t, reduction=reduction)[:2], SINGLE)
    np.testing.assert_array_equal(nn.binary_cross_entropy(Tensor(x), t, reduction="none").data[:4], [0, 100, 100, 0])
    for p, wanted, slope in ((0.0, 1.0, -1e12), (1.0, 0.0, 1e12), (0.0, 0.0, 0.0), (1.0, 1.0, 0.0)):
        v = Value(p)
        y = nn.binary_cross_entropy(v, wanted)
        y.backward()
        assert (y.data, v.grad) == (100.0 if slope else 0.0, slope)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_regression_far_away(name):
    t = np.zeros(7)
    assert_same(ours(getattr(nn, name), FAR, t), torchs(BY_NAME[name].theirs(), FAR, t), EXACT)


def test_hinge_far_away_and_at_the_margin():
    t = np.array([-1.0, 1, -1, 1, 1, -1, -1])
    y, slope, _ = ours(nn.hinge_loss, FAR, t, reduction="sum")
    assert y == 0 + 51 + 0 + 1 + 0 + 51 + 1001
    np.testing.assert_array_equal(slope, [0, -1, 0, -1, 0, 1, 1])  # at the margin: 0


def test_kinks_are_pytorchs():
    x, t = np.array([1.0, 2.0, 1.5, 0.0]), np.ones(4)
    for name in ("l1_loss", "huber_loss"):
        assert_same(
            ours(getattr(nn, name), x, t, reduction="sum"), torchs(BY_NAME[name].theirs(), x, t, reduction="sum"), EXACT
        )
        values = [Value(a) for a in x]
        getattr(nn, name)(values, t, reduction="sum").backward()
        assert [v.grad for v in values] == ours(getattr(nn, name), x, t, reduction="sum")[1].tolist()


@EACH
def test_nan_goes_through(loss):
    x, t = drawn(loss, {}, (5, 3))
    x[1] = np.nan
    assert np.isnan(getattr(nn, loss.function)(Tensor(x), t, reduction="none").data).any()


def test_a_nan_does_not_hide_a_wrong_probability():
    for x in ([np.nan, -0.5], [0.5, np.nan, 1.5]):
        with pytest.raises(ValueError, match="needs probabilities between 0 and 1"):
            nn.binary_cross_entropy(Tensor(x), np.zeros(len(x)))


@EACH
def test_an_empty_batch_gives_nan_as_in_pytorch(loss):
    x, t = np.zeros((0, 3)), np.zeros(0, int) if loss.wants_classes else np.zeros((0, 3))
    f = getattr(nn, loss.function)
    assert np.isnan(f(Tensor(x), t).item())
    assert f(Tensor(x), t, reduction="sum").item() == 0
    assert f(Tensor(x), t, reduction="none").shape == ((0,) if loss.wants_classes else (0, 3))


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_classes_that_all_weigh_nothing_give_nan_as_in_pytorch(name):
    assert np.isnan(getattr(nn, name)(Tensor(np.zeros((2, 3))), [0, 1], weight=[0, 0, 1]).item())
    if name == "cross_entropy":
        assert np.isnan(nn.cross_entropy([[Value(1.0), Value(2.0)]], [0], weight=[0, 1]).data)


# ---- Values, lists of Values, twins ------------------------------------------------------------------------


def values_of(x):
    return [values_of(row) for row in x] if getattr(x, "ndim", 0) else Value(float(x))


def leaves_in(nested):
    return [v for item in nested for v in leaves_in(item)] if isinstance(nested, list) else [nested]


LIST_CASES = [(loss, s) for loss, s in CASES if loss.lists]


@pytest.mark.parametrize(
    ("loss", "settings"), LIST_CASES, ids=[f"{a.function}-{','.join(s) or 'plain'}" for a, s in LIST_CASES]
)
@REDUCTION
def test_lists_of_values_give_the_numbers_of_tensors(loss, settings, reduction):
    x, t = drawn(loss, settings, (5, 3))
    expected = ours(getattr(nn, loss.function), x, t, reduction=reduction, **settings)
    nested = values_of(x)
    for outputs, target in ((nested, t), (nested, t.tolist()), (tuple(nested), tuple(t.tolist()))):
        leaves = leaves_in(nested)
        for v in leaves:
            v.zero_grad()
        y = getattr(nn, loss.function)(outputs, target, reduction=reduction, **settings)
        if reduction == "none":
            assert isinstance(y, list)
            np.testing.assert_allclose([v.data for v in y], expected[0].ravel(), **EXACT)
            y = micrograd_plus.sum([v * float(c) for v, c in zip(y, cotangent(expected[0].shape).ravel(), strict=True)])
        else:
            assert isinstance(y, Value)
            assert y.data == pytest.approx(float(expected[0]), rel=1e-12)
        y.backward()
        np.testing.assert_allclose([v.grad for v in leaves], expected[1].ravel(), **EXACT)
    module = getattr(nn, loss.module)(reduction=reduction, **settings)(nested, t)
    np.testing.assert_allclose(np.array([v.data for v in leaves_in(module)]), expected[0].ravel(), **EXACT)


@pytest.mark.parametrize("name", [loss.function for loss in LOSSES if not loss.wants_classes])
@REDUCTION
def test_one_value(name, reduction):
    loss = BY_NAME[name]
    for seed in range(5):
        x, t = drawn(loss, {}, (), seed=seed)
        expected = ours(getattr(nn, name), x, t, reduction=reduction)
        v = Value(float(x))
        y = getattr(nn, name)(v, float(t), reduction=reduction)
        y.backward()
        assert isinstance(y, Value)
        assert y.data == pytest.approx(float(expected[0]), rel=1e-12, abs=1e-14)
        assert v.grad == pytest.approx(float(expected[1]), rel=1e-12, abs=1e-14)


@pytest.mark.parametrize(
    "name",
    [loss.function for loss in LOSSES if loss.lists and not loss.wants_classes and loss.function != "hinge_loss"],
)
def test_values_as_targets_get_gradients_too(name):
    x, t = drawn(BY_NAME[name], {}, (7,))
    expected = ours(getattr(nn, name), x, t)
    xs, ts = values_of(x), values_of(t)
    getattr(nn, name)(xs, ts).backward()
    np.testing.assert_allclose([v.grad for v in xs], expected[1], **EXACT)
    np.testing.assert_allclose([v.grad for v in ts], expected[2], **EXACT)


@CASE
@REDUCTION
def test_the_twin_agrees(loss, settings, reduction):
    """On an array of Values, and with the Tensor's graph opened."""
    x, t = drawn(loss, settings, (5, 3))
    f = getattr(nn, loss.function)
    expected = ours(lambda a, b: f(a, t, reduction=reduction, **settings), x, t)
    twin = ValueArray.leaves(x)
    y = f(twin, t, reduction=reduction, **settings)
    y = y if reduction != "none" else (y * cotangent(y.shape)).sum()
    y.backward()
    np.testing.assert_allclose(twin.grad, expected[1], **EXACT)
    leaf, leaves = Tensor(x), {}
    z = f(leaf, t, reduction=reduction, **settings)
    z = z if reduction != "none" else (z * cotangent(z.shape)).sum()
    opened = z.to_values(leaves)
    opened.backward()
    for value in (y.data, opened.data):
        assert value == pytest.approx(z.item(), rel=1e-12)
    np.testing.assert_allclose(leaves[leaf].grad, expected[1], **EXACT)


@CASE
def test_the_twin_agrees_at_the_ends(loss, settings):
    if loss.function in ("binary_cross_entropy", "kl_div", "nll_loss"):
        pytest.importorskip("numpy")  # probabilities have other ends; see test_bce_of_certainties
        x = (
            np.array([[0.0, 1.0, 0.5]])
            if loss.function == "binary_cross_entropy"
            else np.array([[-1000.0, -1e-9, -50.0]])
        )
    else:
        x = np.array([[1000.0, -1000.0, 3.0]])
    t = np.array([1]) if loss.wants_classes else np.array([[1.0, 1.0, -1.0 if loss.function == "hinge_loss" else 1.0]])
    f = getattr(nn, loss.function)
    expected = ours(lambda a, b: f(a, t, **settings), x, t)
    twin = ValueArray.leaves(x)
    y = f(twin, t, **settings)
    y.backward()
    assert y.data == pytest.approx(float(expected[0]), rel=1e-12)
    np.testing.assert_allclose(twin.grad, expected[1], **EXACT)


@pytest.mark.parametrize("name", [loss.function for loss in LOSSES if not loss.lists])
def test_a_loss_of_arrays_says_so(name):
    with pytest.raises(TypeError, match=rf"{name}: .*needs? .*(Tensor|array)"):
        getattr(nn, name)([[Value(-1.0), Value(-2.0)]], [[0.5, 0.5]] if name == "kl_div" else [0])


# ---- samples that don't count ------------------------------------------------------------------------------

IGNORING = [
    (name, settings, ignore_index)
    for name in ("cross_entropy", "nll_loss")
    for settings in BY_NAME[name].settings
    for ignore_index in (-100, 1, -1, 7)
]


@pytest.mark.parametrize(("name", "settings", "ignore_index"), IGNORING, ids=str)
@REDUCTION
@pytest.mark.parametrize("share", ["none", "some", "all"])
def test_samples_that_do_not_count_are_pytorchs(name, settings, ignore_index, reduction, share):
    for shape in ((6, 3), (4, 3, 5), (2, 3, 2, 2), (3,)):
        for dtype, tolerance in (
            (np.float64, {"rtol": 1e-9, "atol": 1e-12}),
            (np.float32, {"rtol": 1e-4, "atol": 1e-6}),
        ):
            rng = np.random.default_rng(len(shape))
            x = np.asarray(rng.normal(size=shape), dtype)
            t = rng.integers(0, 3, (*shape[:1], *shape[2:]) if len(shape) > 1 else ())
            chosen = {"none": t < 0, "some": rng.random(t.shape) < 0.4, "all": t >= 0}[share]
            t = np.where(chosen, ignore_index, t)
            theirs = torchs(BY_NAME[name].theirs(), x, t, reduction=reduction, ignore_index=ignore_index, **settings)
            mine = ours(getattr(nn, name), x, t, reduction=reduction, ignore_index=ignore_index, **settings)
            np.testing.assert_allclose(mine[0], theirs[0], **tolerance)
            if np.isfinite(mine[0]).all():  # PyTorch's gradient of a mean of nothing: nan or 0
                np.testing.assert_allclose(mine[1], theirs[1], **tolerance)
            assert mine[0].dtype == mine[1].dtype == dtype
            module = getattr(nn, BY_NAME[name].module)(reduction=reduction, ignore_index=ignore_index, **settings)
            np.testing.assert_array_equal(module(Tensor(x), t).numpy(), mine[0])


@REDUCTION
@pytest.mark.parametrize("settings", BY_NAME["cross_entropy"].settings, ids=str)
def test_lists_and_twins_pass_over_the_same_samples(settings, reduction):
    x, t = np.random.default_rng(0).normal(size=(5, 3)), np.array([0, -7, 2, -7, 1])
    settings = settings | {"ignore_index": -7}
    expected = ours(nn.cross_entropy, x, t, reduction=reduction, **settings)
    for rows, target in ((values_of(x), t.tolist()), (ValueArray.leaves(x), t)):
        y = nn.cross_entropy(rows, target, reduction=reduction, **settings)
        numbers = [float(v) for v in y] if reduction == "none" else y.data
        np.testing.assert_allclose(numbers, expected[0], **EXACT)
        total = (
            micrograd_plus.sum([v * c for v, c in zip(y, cotangent((5,)), strict=True)]) if reduction == "none" else y
        )
        total.backward()
        grads = rows.grad if isinstance(rows, ValueArray) else [[v.grad for v in row] for row in rows]
        np.testing.assert_allclose(grads, expected[1], **EXACT)


@REDUCTION
@pytest.mark.parametrize("settings", BY_NAME["cross_entropy"].settings, ids=str)
@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 3, 4)])
def test_a_target_of_probabilities_receives_a_gradient(shape, settings, reduction):
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=shape), rng.uniform(0.1, 1.0, size=shape)
    t /= t.sum(axis=min(1, len(shape) - 1), keepdims=True)
    mine = ours(nn.cross_entropy, x, t, reduction=reduction, **settings)
    theirs = torchs(BY_NAME["cross_entropy"].theirs(), x, t, reduction=reduction, **settings)
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    plain = nn.cross_entropy(Tensor(x), t, reduction=reduction, **settings)  # without: one fused node
    np.testing.assert_allclose(mine[0], plain.numpy(), rtol=1e-12)


def test_a_mean_of_nothing_is_nan():
    for x in (Tensor(np.zeros((2, 3))), values_of(np.zeros((2, 3)))):
        assert np.isnan(float(nn.cross_entropy(x, [-100, -100])))
    assert float(nn.cross_entropy(Tensor(np.zeros((2, 3))), [-100, -100], reduction="sum")) == 0


def test_a_wrong_label_beside_one_that_does_not_count():
    for name in CLASSED:
        for wrong in (-1, 3, -100):
            with pytest.raises(ValueError, match=f"{name}: with 3 classes the labels go from 0 to 2, got {wrong}$"):
                getattr(nn, name)(Tensor(np.zeros((3, 3))), [1, -2, wrong], ignore_index=-2)
    with pytest.raises(ValueError, match="ignore_index is a label, and this target holds probabilities"):
        nn.cross_entropy(Tensor(np.zeros((1, 2))), np.array([[0.5, 0.5]]), ignore_index=0)
    with pytest.raises(ValueError, match="ignore_index is a label, and this target holds probabilities"):
        nn.cross_entropy(Tensor(np.zeros((1, 2))), np.array([[0.5, 0.5]]), ignore_index=1)
    y = nn.cross_entropy(Tensor(np.zeros((1, 2))), np.array([[0.5, 0.5]]), ignore_index=-1)
    assert y.item() == pytest.approx(np.log(2))


def test_any_label_can_be_the_one_that_does_not_count():
    x = np.random.default_rng(0).normal(size=(3, 2))
    for ignored in (0, 1):
        expected = nn.cross_entropy(Tensor(x[1 - ignored :: 2]), [1 - ignored] * (1 + ignored)).item()
        assert nn.cross_entropy(Tensor(x), [0, 1, 0], ignore_index=ignored).item() == pytest.approx(expected, rel=1e-12)
    assert nn.cross_entropy(Tensor([[5.0], [2.0]]), [0, -100]).item() == 0  # of one class alone


def test_labels_may_be_floats_if_they_are_whole():
    x = np.random.default_rng(0).normal(size=(2, 200))
    expected = nn.cross_entropy(Tensor(x), [1, 150]).item()
    assert nn.cross_entropy(Tensor(x), np.array([1.0, 150.0])).item() == expected
    assert nn.cross_entropy(Tensor(x), Tensor([1.0, 150.0])).item() == expected  # a tracked one, too
    for wrong in (0.4, 0.6, 1e20, np.inf, np.nan):
        with pytest.raises(ValueError, match="class indices must be whole numbers, got dtype float64"):
            nn.cross_entropy(Tensor(x), [1.0, wrong])
    with pytest.raises(ValueError, match=r"has 200 classes, so the target must hold class indices in shape \(2,\)"):
        nn.cross_entropy(Tensor(x), np.zeros((3, 200)))


def test_class_weights_may_be_a_tensor():
    x, t = np.random.default_rng(0).normal(size=(2, 3)), [0, 2]
    for name in CLASSED:
        f = getattr(nn, name)
        assert f(Tensor(x), t, weight=Tensor(WEIGHT)).item() == f(Tensor(x), t, weight=WEIGHT).item()
        for wrong in (object(), [1.0, 2.0, "a"]):
            with pytest.raises(TypeError, match="weight needs one number for each class, got"):
                f(Tensor(x), t, weight=wrong)


def test_the_settings_of_a_module_are_what_it_was_made_with():
    loss = nn.HuberLoss(delta=2.0).eval()
    loss._note = "mine"
    assert repr(loss) == "HuberLoss(reduction='mean', delta=2.0)"
    assert loss(Tensor([4.0]), [0.0]).item() == 6.0


def test_infinite_scores_that_do_not_count():
    x = Tensor([[-np.log(2), -np.log(2)], [0.0, -np.inf]])
    assert nn.nll_loss(x, [0, -100]).item() == pytest.approx(np.log(2))
    assert nn.nll_loss(x, [0, 1], ignore_index=1).item() == pytest.approx(np.log(2))
    for options in ({}, {"weight": [1.0, 2.0]}):
        assert nn.cross_entropy(x, [0, 1], ignore_index=1, **options).item() == pytest.approx(np.log(2))
    x = Tensor([[-np.log(2), -np.log(2)], [-np.inf, 0.0]])  # at the first class
    assert nn.nll_loss(x, [0, -100]).item() == pytest.approx(np.log(2))


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize("options", [{}, {"weight": WEIGHT}], ids=["plain", "weight"])
def test_compiled_with_samples_that_do_not_count(name, options):
    rng = np.random.default_rng(0)
    w = Tensor(rng.normal(size=(4, 3)))
    f = lambda x, t: getattr(nn, name)((Tensor(x, requires_grad=False) @ w).log_softmax(1), t, **options)
    step = micrograd_plus.compile(f)
    for i in range(8):
        x, t = rng.normal(size=(6, 4)), rng.integers(0, 3, 6)
        if i % 4:  # another number of them each time
            t[: i % 4] = -100
        grads, losses_ = [], []
        for function in (step, f):
            w.grad = None
            losses_.append(function(x, t))
            losses_[-1].backward()
            grads.append(w.grad)
        assert losses_[0].item() == pytest.approx(losses_[1].item(), rel=1e-12)
        np.testing.assert_allclose(*grads, **EXACT)
    assert len(step.tapes) == 2
    assert step.replays >= 3


def test_ignoring_can_be_differentiated_twice():
    torch = pytest.importorskip("torch")
    x, labels = np.random.default_rng(0).normal(size=(4, 3)), [0, -100, 1, 1]
    mine = grad(lambda z: (grad(lambda a: nn.cross_entropy(a, labels))(z) ** 2).sum())(x)
    z = torch.tensor(x, requires_grad=True)
    (slope,) = torch.autograd.grad(torch.nn.functional.cross_entropy(z, torch.tensor(labels)), z, create_graph=True)
    (theirs,) = torch.autograd.grad((slope**2).sum(), z)
    np.testing.assert_allclose(mine, theirs.numpy(), rtol=1e-9, atol=1e-12)


# ---- masked_mean -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_masked_mean(dtype):
    x, mask = np.arange(6.0, dtype=dtype).reshape(2, 3), np.array([[True, False, True], [False, False, True]])
    leaf = Tensor(x)
    y = losses.masked_mean(leaf, mask)
    y.backward()
    assert y.item() == pytest.approx(x[mask].mean())
    assert y.dtype == leaf.grad.dtype == dtype
    np.testing.assert_allclose(leaf.grad, mask / 3, rtol=1e-6)
    assert losses.masked_mean(x, mask) == pytest.approx(x[mask].mean())
    assert losses.masked_mean(leaf, [1, 0, 1]).item() == pytest.approx(x[:, [0, 2]].mean())  # broadcast
    assert losses.masked_mean(leaf, [[0.5], [1.5]]).item() == pytest.approx((0.5 * 3 + 1.5 * 12) / 6)  # weights
    assert losses.masked_mean(leaf, Tensor([1.0, 0.0, 0.0], requires_grad=False)).item() == pytest.approx(1.5)
    assert losses.masked_mean(ValueArray.leaves(x), mask).data == pytest.approx(x[mask].mean())
    values = [Value(number) for number in (1.0, 5.0, 3.0)]
    y = losses.masked_mean(values, [1, 0, 1])
    y.backward()
    assert (y.data, [v.grad for v in values]) == (2.0, [0.5, 0.0, 0.5])


def test_masked_mean_compiled():
    w = Tensor([1.0, 2.0, 3.0])
    step = micrograd_plus.compile(lambda x, mask: losses.masked_mean((w - x) ** 2, mask))
    rng = np.random.default_rng(0)
    for _ in range(4):
        x, mask = rng.normal(size=3), rng.random(3) < 0.9
        mask[0] = True
        assert step(x, mask).item() == pytest.approx(((w.data - x)[mask] ** 2).mean(), rel=1e-12)
    assert step.replays >= 1


def test_masks_that_do_not_fit():
    with pytest.raises(ValueError, match="the mask lets nothing through"):
        losses.masked_mean(Tensor([1.0, 2.0]), [0, 0])
    with pytest.raises(ValueError, match=r"a mask of shape \(3,\) doesn't broadcast to the losses' shape \(2,\)"):
        losses.masked_mean(Tensor([1.0, 2.0]), [0, 1, 1])
    with pytest.raises(ValueError, match="the mask lets nothing through \\(its sum is -1\\)"):
        losses.masked_mean(Tensor([1.0]), [-1.0])
    assert losses.masked_mean(Tensor([3.0, 1.0]), [0.5, 0.0]).item() == 3.0
    assert losses.masked_mean(Tensor([3.0, 1.0], dtype=np.float32), np.array([0.5, 0.0])).dtype == np.float32
    with pytest.raises(ValueError, match="1 losses, but a mask of 2 numbers"):
        losses.masked_mean([Value(1.0)], [1, 0])
    with pytest.raises(ValueError, match="2 losses, but a mask of 1 numbers"):
        losses.masked_mean([Value(1.0), Value(2.0)], [1])


# ---- derivatives of the rows -------------------------------------------------------------------------------

SIDES = {  # an interval of x and t for each side of a kink
    "squared_error": [((-2, 2), (-2, 2))],
    "hinge": [
        ((-2.0, 0.5), (1.0, 1.0)),
        ((1.5, 3.0), (1.0, 1.0)),
        ((-0.5, 2.0), (-1.0, -1.0)),
        ((-3.0, -1.5), (-1.0, -1.0)),
    ],
    "bce": [((0.1, 0.9), (0.1, 0.9))],
    "bce_with_logits": [((0.1, 4.0), (0.0, 1.0)), ((-4.0, -0.1), (0.0, 1.0))],
    "cross_entropy": [],
}


def differences(f, x, h=1e-3):
    """Five-point differences, one number after the other."""
    slope = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        at = lambda d, i=i: f(
            x + d * (np.arange(x.size).reshape(x.shape) == np.ravel_multi_index(i, x.shape) if x.ndim else 1)
        )
        slope[i] = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    return slope


def test_every_row_has_sides():
    assert set(SIDES) == set(LOSS_TABLE)
    assert any(table is LOSS_TABLE for table in ops.TABLES)  # where compile and the exporters look rows up


@pytest.mark.parametrize(("name", "side"), [(n, s) for n, sides in SIDES.items() for s in sides], ids=str)
def test_rows_by_finite_differences(name, side):
    row = LOSS_TABLE[name]
    rng = np.random.default_rng(0)
    x, t = rng.uniform(*side[0], 4), rng.uniform(*side[1], 4)
    a, b = Tensor(x), Tensor(t)
    row(a, b).sum().backward()
    np.testing.assert_allclose(a.grad, differences(lambda z: row(z, t).sum(), x), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(b.grad, differences(lambda z: row(x, z).sum(), t), rtol=1e-8, atol=1e-9)
    for p, q, slope_p, slope_q in zip(x, t, a.grad, b.grad, strict=True):
        u, v = Value(p), Value(q)
        row(u, v).backward()
        assert (u.grad, v.grad) == (pytest.approx(slope_p, rel=1e-14), pytest.approx(slope_q, rel=1e-14))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("settings", BY_NAME["cross_entropy"].settings, ids=str)
def test_cross_entropy_by_finite_differences(settings, reduction):
    x, t = drawn(BY_NAME["cross_entropy"], {}, (4, 3))
    f = lambda z: nn.cross_entropy(z, t, reduction=reduction, **settings)
    leaf = Tensor(x)
    f(leaf).backward()
    np.testing.assert_allclose(leaf.grad, differences(f, x), rtol=1e-8, atol=1e-9)


SMOOTH = [
    "mse_loss",
    "huber_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "nll_loss",
    "kl_div",
    "l1_loss",
    "hinge_loss",
]


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_second_derivatives_are_pytorchs(name, reduction):
    torch = pytest.importorskip("torch")
    x, t = drawn(BY_NAME[name], {}, (4, 3))
    f = getattr(nn, name)
    mine = grad(lambda z: (grad(lambda w: f(w * w, t, reduction=reduction))(z) ** 2).sum())(
        np.sqrt(np.abs(x)) if name != "kl_div" else x
    )
    z, t = torch.tensor(np.sqrt(np.abs(x)) if name != "kl_div" else x, requires_grad=True), torch.tensor(t)
    if (
        name == "binary_cross_entropy"
    ):  # PyTorch's own second derivative adds 1e-12 to a denominator: written out it doesn't
        p = z * z
        y = getattr(-(t * p.log() + (1 - t) * (1 - p).log()), reduction)()
    else:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "reduction: 'mean' divides")
            y = BY_NAME[name].theirs()(z * z, t, reduction=reduction)
    (slope,) = torch.autograd.grad(y, z, create_graph=True)
    (theirs,) = torch.autograd.grad((slope**2).sum(), z)
    np.testing.assert_allclose(mine, theirs.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.2}, {"weight": [1.0, 2.0, 0.5]}])
def test_cross_entropy_can_be_differentiated_twice(options, reduction):
    torch = pytest.importorskip("torch")
    x, labels = np.random.default_rng(0).normal(size=(4, 3)), [0, 2, 1, 1]
    f = lambda z: nn.cross_entropy(z, labels, reduction=reduction, **options)
    mine = grad(lambda z: (grad(f)(z) ** 2).sum())(x)
    z = torch.tensor(x, requires_grad=True)
    theirs_options = options | ({"weight": torch.tensor(options["weight"]).double()} if "weight" in options else {})
    y = torch.nn.functional.cross_entropy(z, torch.tensor(labels), reduction=reduction, **theirs_options)
    (slope,) = torch.autograd.grad(y, z, create_graph=True)
    (theirs,) = torch.autograd.grad((slope**2).sum(), z)
    np.testing.assert_allclose(mine, theirs.numpy(), rtol=1e-10, atol=1e-12)


@REDUCTION
@pytest.mark.parametrize("target", ["places", "probabilities"])
def test_cross_entropy_of_any_target_can_be_differentiated_twice(target, reduction):
    torch = pytest.importorskip("torch")
    x, t = drawn(BY_NAME["cross_entropy"], {}, (4, 3, 2) if target == "places" else (4, 3))
    t = np.random.default_rng(1).dirichlet(np.ones(3), 4) if target == "probabilities" else t
    settings = {"reduction": reduction, "label_smoothing": 0.1}
    mine = grad(lambda z: (grad(lambda w: nn.cross_entropy(w * w, t, **settings).sum())(z) ** 2).sum())(x)
    z = torch.tensor(x, requires_grad=True)
    y = torch.nn.functional.cross_entropy(z * z, torch.tensor(t), **settings).sum()
    (slope,) = torch.autograd.grad(y, z, create_graph=True)
    (theirs,) = torch.autograd.grad((slope**2).sum(), z)
    np.testing.assert_allclose(mine, theirs.numpy(), rtol=1e-10, atol=1e-12)


def test_grad_of_the_cross_entropy_of_nothing():
    for reduction in ("sum", "mean"):
        f = grad(lambda x, reduction=reduction: nn.cross_entropy(x, [], reduction=reduction))
        assert f(np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("targets", [[-1.0, 1.0], [0.0, 7.0], np.array([-1.0, 1.0]), Tensor([-1.0, 1.0], False)])
def test_targets_that_are_no_probabilities_are_refused(targets):
    for loss, output in (
        (nn.binary_cross_entropy_with_logits, Tensor([0.5, 2.0])),
        (nn.binary_cross_entropy_with_logits, [Value(0.5), Value(2.0)]),
        (nn.binary_cross_entropy, Tensor([0.5, 0.2])),
    ):
        with pytest.raises(ValueError, match=r"needs targets from 0 to 1, got (-1|7): turn labels of -1 and 1"):
            loss(output, targets)


def test_nan_among_the_targets_hides_nothing():
    with pytest.raises(ValueError, match="got -1"):
        nn.binary_cross_entropy_with_logits(Tensor([0.5, 2.0]), [np.nan, -1.0])


def test_none_is_no_target():
    with pytest.raises(TypeError, match="the loss needs a target to compare with, got None"):
        nn.mse_loss(Tensor(1.0), None)


def test_grad_of_each_loss_as_a_function():
    for loss in LOSSES:
        x, t = drawn(loss, {}, (4, 3))
        f = getattr(nn, loss.function)
        np.testing.assert_allclose(grad(lambda z, f=f, t=t: f(z, t))(x), ours(f, x, t)[1], **EXACT)


# ---- penalties ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "of", "slope"), [("l2_penalty", np.square, lambda w: 2 * w), ("l1_penalty", np.abs, np.sign)]
)
def test_penalties(name, of, slope):
    tensors = nn.Sequential(nn.Linear(3, 4, seed=0), nn.ReLU(), nn.Linear(4, 1, seed=1))
    for model in (tensors, tensors.scalar_twin(), nn.MLP(3, [4, 1], seed=0)):
        y = getattr(nn, name)(model)
        y.backward()
        numbers = [np.asarray(p.data) for p in model.parameters()]
        assert float(y) == pytest.approx(sum(of(w).sum() for w in numbers), rel=1e-13)
        for p in model.parameters():
            np.testing.assert_allclose(p.grad, slope(np.asarray(p.data)), rtol=1e-15)


def test_penalties_pass_over_what_is_frozen():
    model = nn.Sequential(nn.Linear(3, 4, seed=0), nn.Linear(4, 1, seed=1))
    model[0].requires_grad_(False)
    assert nn.l2_penalty(model).item() == pytest.approx(nn.l2_penalty(model[1]).item(), rel=1e-15)
    model.requires_grad_(False)
    for penalty in (nn.l2_penalty, nn.l1_penalty):
        one = nn.Linear(1, 1, bias=False)  # a single parameter
        assert nn.l2_penalty(one).item() == one.weight.item() ** 2
        with pytest.raises(ValueError, match="Sequential has no parameters to penalise"):
            penalty(model)
        with pytest.raises(ValueError, match="ReLU has no parameters to penalise"):
            penalty(nn.ReLU())


# ---- bad input ---------------------------------------------------------------------------------------------

PAIRED = [loss.function for loss in LOSSES if not loss.wants_classes]
CLASSED = [loss.function for loss in LOSSES if loss.wants_classes]


@pytest.mark.parametrize("name", PAIRED)
@pytest.mark.parametrize(
    ("have", "want"), [((100, 1), (100,)), ((100,), (100, 1)), ((3,), ()), ((2, 3), (3,)), ((4,), (5,))]
)
def test_shapes_must_be_equal(name, have, want):
    message = (
        f"the model's output has shape {have}, the target {want}: a loss pairs them number by number, "
        f"so make them equal, e.g. target.reshape{have}"
    )
    for target in (np.ones(want), Tensor(np.ones(want))):
        with pytest.raises(ValueError, match="the model's output") as caught:
            getattr(nn, name)(Tensor(np.full(have, 0.5)), target)
        assert str(caught.value) == message


@pytest.mark.parametrize("name", [loss.function for loss in LOSSES if loss.lists and not loss.wants_classes])
def test_lists_must_pair_up(name):
    with pytest.raises(ValueError, match="the model gave 2 numbers, the target has 3: they must pair up"):
        getattr(nn, name)([Value(0.5), Value(0.5)], [1, 1, 1])
    with pytest.raises(ValueError, match="the model gave 2 numbers, the target has 1: they must pair up"):
        nn.mse_loss([Value(1.0), Value(2.0)], [1.0])
    for target in ("abc", object(), [10**400, 1]):
        with pytest.raises(TypeError, match="the target needs numbers, got"):
            nn.mse_loss(Tensor([1.0, 2.0]), target)
    for x in ("abc", None, abs):
        with pytest.raises(TypeError, match="the loss needs the model's output, a Tensor or Values; got"):
            nn.mse_loss(x, [1.0])
    with pytest.raises(ValueError, match="the model gave no numbers"):
        getattr(nn, name)([], [])


@EACH
@pytest.mark.parametrize("reduction", ["avg", "Mean", None, "", True])
def test_a_misspelt_reduction(loss, reduction):
    message = r"reduction must be 'mean', 'sum' or 'none'.*, got " + repr(reduction)
    x, t = drawn(loss, {}, (5, 3))
    with pytest.raises(ValueError, match=message):
        getattr(nn, loss.function)(Tensor(x), t, reduction=reduction)
    with pytest.raises(ValueError, match=message):
        getattr(nn, loss.module)(reduction=reduction)
    if loss.lists:
        with pytest.raises(ValueError, match=message):
            getattr(nn, loss.function)(values_of(x), t, reduction=reduction)
    if not loss.wants_classes:
        with pytest.raises(ValueError, match=message):
            getattr(nn, loss.function)(Value(0.5), 1.0, reduction=reduction)


def test_only_kl_div_knows_batchmean():
    for loss in LOSSES[:-1]:
        x, t = drawn(loss, {}, (5, 3))
        with pytest.raises(ValueError, match="got 'batchmean'"):
            getattr(nn, loss.function)(Tensor(x), t, reduction="batchmean")


@pytest.mark.parametrize("name", CLASSED)
@pytest.mark.parametrize("wrong", [3, -1, -3, 255, 10**12])
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 2), (3,)])
def test_labels_out_of_range(name, wrong, shape):
    labels = np.ones((*shape[:1], *shape[2:]) if len(shape) > 1 else (), int)
    labels[(-1,) * labels.ndim] = wrong
    with pytest.raises(ValueError, match=f"{name}: with 3 classes the labels go from 0 to 2, got {wrong}$"):
        getattr(nn, name)(Tensor(np.zeros(shape)), labels)


@pytest.mark.parametrize("name", CLASSED)
@pytest.mark.parametrize("labels", [[0.5, 1.0], [np.nan, 1.0], [np.inf, 0.0], ["a", "b"], [None, 1]])
def test_labels_that_are_not_whole_numbers(name, labels):
    with pytest.raises(ValueError, match=f"{name}: class indices must be whole numbers, got dtype"):
        getattr(nn, name)(Tensor(np.zeros((2, 3))), labels)


@pytest.mark.parametrize("name", CLASSED)
@pytest.mark.parametrize("shape", [(2, 1), (3,), (2, 2), (), (2, 3, 1)])
def test_labels_of_another_shape(name, shape):
    with pytest.raises(
        ValueError, match=rf"{name}: an input of shape \(2, 3\) has 3 classes, so .* in shape \(2,\)"
    ) as caught:
        getattr(nn, name)(Tensor(np.zeros((2, 3))), np.zeros(shape, int))
    assert f"got shape {shape}" in str(caught.value)


def test_one_hot_rows_of_integers_are_told_to_be_floats():
    with pytest.raises(
        ValueError, match=r"or probabilities, as floats, in shape \(2, 3\).*, got shape \(2, 3\) of int64"
    ):
        nn.cross_entropy(Tensor(np.zeros((2, 3))), [[1, 0, 0], [0, 0, 1]])


def test_nll_loss_takes_no_probabilities():
    with pytest.raises(
        ValueError, match=r"nll_loss: an input of shape \(2, 3\) has 3 classes, .*got shape \(2, 3\)"
    ) as caught:
        nn.nll_loss(Tensor(np.zeros((2, 3))), np.full((2, 3), 1 / 3))
    assert "probabilities" not in str(caught.value)


@pytest.mark.parametrize("name", CLASSED)
def test_class_weights_of_another_length(name):
    for weight, shape in (([1.0, 2.0], (2,)), (np.ones((3, 1)), (3, 1)), (2.0, ())):
        with pytest.raises(ValueError, match="weight needs one number for each of the 3 classes, got shape") as caught:
            getattr(nn, name)(Tensor(np.zeros((2, 3))), [0, 1], weight=weight)
        assert str(caught.value).endswith(f"got shape {shape}")
    if name == "cross_entropy":
        for weight in ([1.0, 2.0], [1.0, 2.0, 3.0, 4.0]):
            with pytest.raises(
                ValueError, match=f"weight needs one number for each of the 3 classes, got {len(weight)}"
            ):
                nn.cross_entropy([[Value(0.0), Value(0.0), Value(0.0)]], [0], weight=weight)


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, np.nan])
def test_smoothing_out_of_range(smoothing):
    for x in (Tensor(np.zeros((2, 3))), values_of(np.zeros((2, 3)))):
        with pytest.raises(ValueError, match="cross_entropy: label_smoothing must be between 0 and 1, got"):
            nn.cross_entropy(x, [0, 1], label_smoothing=smoothing)


@pytest.mark.parametrize("name", CLASSED)
def test_an_input_without_an_axis_of_classes(name):
    with pytest.raises(ValueError, match=f"{name}: the input needs an axis of classes, got one number"):
        getattr(nn, name)(Tensor(1.0), 0)
    with pytest.raises(TypeError, match=f"{name}: .*got Value"):
        getattr(nn, name)(Value(1.0), 0)


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        ([[1, 2], [3, 4]], [0], "the model gave 2 rows of scores for 1 labels"),
        ([[1, 2]], [2], "with 2 classes the labels go from 0 to 1, got 2"),
        ([[1, 2]], [-1], "with 2 classes the labels go from 0 to 1, got -1"),
        ([[1, 2]], [0.5], "class indices must be whole numbers, got 0.5"),
        ([[1, 2]], [float("nan")], "class indices must be whole numbers, got nan"),
        ([[1, 2]], ["a"], "class indices must be whole numbers, got 'a'"),
        ([[1, 2]], [[0.5, 0.5]], r"class indices must be whole numbers, got \[0.5, 0.5\]"),
        ([[1, 2]], np.array([[0.5, 0.5]]), "class indices must be whole numbers, got array"),
        ([], [], "the model gave no rows of scores"),
        ([[]], [0], "with 0 classes"),
    ],
    ids=str,
)
def test_cross_entropy_of_lists_that_do_not_fit(rows, labels, message):
    values = [[Value(x) for x in row] for row in rows]
    with pytest.raises(ValueError, match=f"cross_entropy: {message}"):
        nn.cross_entropy(values, labels)


def test_a_list_of_the_models_answers_one_by_one():
    model, x = nn.Linear(4, 3, seed=0), np.random.default_rng(0).normal(size=(5, 4))
    labels = [0, 2, 1, 1, 0]
    nn.cross_entropy([model(row) for row in x], labels).backward()
    slope = model.weight.grad
    model.zero_grad()
    nn.cross_entropy(model(x), labels).backward()
    np.testing.assert_allclose(slope, model.weight.grad, **EXACT)


def test_batchmean_of_one_number():
    for x in (Tensor(-1.0), Value(-1.0)):
        with pytest.raises(
            ValueError, match="kl_div: reduction='batchmean' divides by the number of rows, and the input is one"
        ):
            nn.kl_div(x, 0.5, reduction="batchmean")


def test_cross_entropy_of_one_row_of_values():
    row = [Value(1.0), Value(-2.0), Value(0.5)]
    expected = nn.cross_entropy(np.array([1.0, -2.0, 0.5]), 2)
    for label in (2, [2], np.array(2), np.int64(2), 2.0):
        assert nn.cross_entropy(row, label).data == pytest.approx(expected, rel=1e-14)
        assert nn.cross_entropy(row, label, reduction="none").data == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("wrong", [-0.1, 1.5, 1000.0, -np.inf])
def test_probabilities_out_of_range(wrong):
    message = (
        f"binary_cross_entropy needs probabilities between 0 and 1, got {wrong:g}: apply sigmoid first, or give the raw"
    )
    for x in (
        Tensor([0.5, wrong]),
        np.array([0.5, wrong]),
        [Value(0.5), Value(wrong)],
        ValueArray.leaves(np.array([0.5, wrong])),
    ):
        with pytest.raises(ValueError, match=message):
            nn.binary_cross_entropy(x, [1.0, 1.0])
    with pytest.raises(ValueError, match=message):
        nn.binary_cross_entropy(Value(wrong), 1.0)


@pytest.mark.parametrize("target", [[0, 1], [0.0, 1.0], [1, 2], [True, False], [np.nan, 1.0], [1, 0.5]], ids=str)
def test_hinge_needs_targets_of_minus_1_and_1(target):
    message = r"hinge_loss needs targets of -1 and 1; turn labels of 0 and 1 into them with 2 \* y - 1"
    for x in (Tensor([0.5, 0.5]), [Value(0.5), Value(0.5)]):
        for t in (target, np.array(target), Tensor(np.array(target, float))):
            with pytest.raises(ValueError, match=message):
                nn.hinge_loss(x, t)


@pytest.mark.parametrize(("wrong", "dtype"), [(255, np.uint8), (127, np.uint8), (127, np.int8), (65535, np.uint16)])
def test_hinge_is_not_fooled_by_small_integers_that_wrap(wrong, dtype):
    assert np.array([wrong], dtype) ** 2 == 1  # the trap
    with pytest.raises(ValueError, match="hinge_loss needs targets of -1 and 1"):
        nn.hinge_loss(Tensor([0.5]), np.array([wrong], dtype))
    assert nn.hinge_loss(Tensor([0.5, 0.5]), np.array([-1, 1], np.int8)).item() == 1.0


@pytest.mark.parametrize("delta", [0, -1.0, np.nan])
def test_huber_needs_a_positive_delta(delta):
    with pytest.raises(ValueError, match="huber_loss: delta must be positive, got"):
        nn.huber_loss(Tensor([1.0]), [1.0], delta=delta)


def test_a_target_that_is_missing():
    for name in PAIRED:
        with pytest.raises((TypeError, ValueError), match="target"):
            getattr(nn, name)(Tensor([0.5]), None)


@pytest.mark.parametrize("mask", [None, "abc", ["a", "b", "c"]])
def test_a_mask_is_made_of_numbers(mask):
    with pytest.raises(TypeError, match="masked_mean: the mask holds numbers or booleans"):
        losses.masked_mean(Tensor([1.0, 2.0, 3.0]), mask)


@pytest.mark.parametrize("function", [losses.cross_entropy, losses.nll_loss])
@pytest.mark.parametrize("index", [None, "pad", 0.5])
def test_ignore_index_is_a_whole_number(function, index):
    with pytest.raises(TypeError, match=f"{function.__name__}: ignore_index is the label that doesn't count"):
        function(Tensor([[1.0, 2.0]]), [0], ignore_index=index)
