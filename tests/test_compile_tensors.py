"""compile() of functions of Tensors: the same numbers and gradients as eager, and nothing frozen."""

import copy
import math
import warnings
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_plus as mg
from micrograd_plus import Tensor, Value, nn, no_grad, optim
from micrograd_plus.engine import array_ops, ops
from micrograd_plus.engine.array_ops import ARRAY_TABLE
from micrograd_plus.engine.differentiate import gradients as gradients_as_graph
from micrograd_plus.engine.graph import Unary
from micrograd_plus.engine.ops import TABLE
from micrograd_plus.nn.losses import LOSS_TABLE
from micrograd_plus.tape import CompileError
from micrograd_plus.tape.recorder import FrozenNumberError

rng = np.random.default_rng(0)


def both(function, batches, leaves, exact=True, dtype=np.float64, calls=1):
    """Eager and compiled side by side, batch by batch; returns the compiled function."""
    step = mg.compile(function)
    for i, batch in enumerate(batches):
        seen = []
        for run in (function, step):
            for leaf in leaves:
                leaf.zero_grad()
            mg.seed(i)
            y = run(*batch)
            (y if y.size == 1 else y.sum()).backward()
            seen.append([y.numpy(), *(leaf.grad for leaf in leaves)])
        for a, b in zip(*seen, strict=True):
            assert (a is None) == (b is None)
            if a is None:
                continue
            assert a.dtype == b.dtype
            assert a.shape == b.shape
            if exact:
                np.testing.assert_array_equal(a, b)
            else:
                scale = np.abs(a[np.isfinite(a)]).max(initial=1.0)
                np.testing.assert_allclose(a, b, rtol=0, atol=scale * (1e-12 if dtype == np.float64 else 1e-5))
    assert step.why_not == ""
    assert step.replays == len(batches) - 2 * calls
    return step


# -- every row -------------------------------------------------------------------------------------------------------

POSITIVE = {"log", "log1p", "sqrt", "pow"}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", [name for name, op in TABLE.items() if name not in ("sum", "where")])
def test_every_pointwise_row(name, dtype):
    op = TABLE[name]
    leaves = [Tensor(rng.normal(size=(3, 4)).astype(dtype), label=str(i)) for i in range(op.arity)]
    if name in POSITIVE:
        leaves = [Tensor(np.abs(x.numpy()) + dtype(0.5)) for x in leaves]
    if name == "clip":
        leaves = [leaves[0], Tensor(np.full((3, 4), -0.3, dtype)), Tensor(np.full((3, 4), 0.4, dtype))]
    weights = rng.normal(size=(3, 4)).astype(dtype)

    def function(x):
        return (op(*leaves) * weights * x).sum()

    both(function, [(rng.normal(size=(3, 4)).astype(dtype),) for _ in range(4)], leaves, exact=False, dtype=dtype)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "maximum", "minimum", "leaky_relu", "elu"])
@pytest.mark.parametrize("number", [2, 0.5, -1.0, 3.0, 0])
def test_a_number_on_either_side(name, number):
    x = Tensor(np.abs(rng.normal(size=5)) + 0.5)
    op = TABLE[name]
    with np.errstate(all="ignore"):
        both(lambda s: (op(x, number) * s).sum(), [(rng.normal(size=5),) for _ in range(4)], [x], exact=False)
        if name not in ("leaky_relu", "elu") and number:
            both(lambda s: (op(number, x) * s).sum(), [(rng.normal(size=5),) for _ in range(4)], [x], exact=False)


X, Y = (3, 4), (4, 5)
ROWS = {
    "expand": lambda x, y: x[0].expand(2, 4),
    "sum_to": lambda x, y: array_ops.sum_to(x, shape=(1, 4)),
    "sum": lambda x, y: x.sum(axis=0) + x.sum(axis=1, keepdims=True).sum(),
    "mean": lambda x, y: x.mean(axis=1) + x.mean(axis=(0, 1), keepdims=True).sum(),
    "max": lambda x, y: x.max(axis=1),
    "min": lambda x, y: x.min(),
    "prod": lambda x, y: x.prod(axis=0),
    "cumsum": lambda x, y: x.cumsum(1),
    "var": lambda x, y: x.var(axis=1),
    "std": lambda x, y: x.std(axis=0, keepdims=True),
    "norm": lambda x, y: x.norm(axis=1),
    "logsumexp": lambda x, y: x.logsumexp(1),
    "softmax": lambda x, y: x.softmax(0) * x,
    "log_softmax": lambda x, y: x.log_softmax(),
    "reshape": lambda x, y: x.reshape(2, 6) * x.reshape(-1)[:6],
    "transpose": lambda x, y: x.T * x.permute(1, 0).exp(),
    "flip": lambda x, y: x.flip(0) * x,
    "getitem": lambda x, y: x[1:, ::2] * x[:2, 1:3] + x[0, 0] + x[[0, 0, 2], [1, 1, 3]].sum() + x[None, ..., 1].sum(),
    "put": lambda x, y: array_ops.put(x[0], shape=(6,), index=(slice(1, 5),)),
    "pad": lambda x, y: x.pad(((1, 0), (0, 2)), 1.5),
    "astype": lambda x, y: x.astype(np.float32) * 2,
    "matmul": lambda x, y: (x @ y) * (x[0] @ y),
    "linear": lambda x, y: nn.functional.linear(x, y.T) + nn.functional.linear(x, y.T, y[0]),
    "concatenate": lambda x, y: mg.concatenate([x, x.exp()], axis=1),
    "stack": lambda x, y: mg.stack([x, x.tanh(), x], axis=1),
    "einsum": lambda x, y: mg.einsum("ij,jk->ik", x, y),
}


def test_the_rows_are_all_here():
    assert set(ROWS) == set(ARRAY_TABLE) | {"sum"}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ROWS)
def test_every_row_of_arrays(name, dtype):
    x, y = (Tensor(rng.normal(size=shape).astype(dtype)) for shape in (X, Y))

    def function(a):  # the row of a leaf, and of something computed
        first, second = ROWS[name](x, y), ROWS[name](x * a, y * 2.0)
        return (first * first.sigmoid()).sum() + (second * second).mean()

    batches = [(rng.normal(size=X).astype(dtype),) for _ in range(4)]
    both(function, batches, [x, y], exact=False, dtype=dtype)


def test_the_sum_of_several_and_where():
    a, b, c = (Tensor(rng.normal(size=(2, 3))) for _ in range(3))

    def function(x):
        return (ops.sum_([a, b * x, c[0], 2.0]) * mg.where(x > 0, a, b) * mg.where(a > b, c, 0.5)).sum()

    both(function, [(rng.normal(size=(2, 3)),) for _ in range(5)], [a, b, c])


def test_a_row_of_ones_own():
    cube = Unary("cube", lambda x: x * x * x, lambda y, x: 3 * x * x)
    odd = Unary("odd", lambda x: np.cbrt(x) if hasattr(x, "shape") else x, lambda y, x: np.abs(x))
    a = Tensor(rng.normal(size=4))
    both(lambda x: (odd(cube(a) * x)).sum(), [(rng.normal(size=4),) for _ in range(4)], [a])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss", "hinge_loss", "binary_cross_entropy",
                                  "binary_cross_entropy_with_logits", "kl_div"])  # fmt: skip
def test_losses_of_pairs(name, reduction, dtype):
    w = Tensor(rng.normal(size=(6, 2)).astype(dtype))
    loss = getattr(nn, name)

    def function(x, t):
        scores = x * w
        scores = scores.sigmoid() if name == "binary_cross_entropy" else scores
        return loss(scores.log_softmax() if name == "kl_div" else scores, t, reduction=reduction)

    def targets():
        if name == "hinge_loss":
            return rng.choice([-1.0, 1.0], (6, 2)).astype(dtype)
        return rng.uniform(0.1, 0.9, (6, 2)).astype(dtype)

    batches = [(rng.normal(size=(6, 2)).astype(dtype), targets()) for _ in range(5)]
    both(function, batches, [w], exact=False, dtype=dtype)


@pytest.mark.parametrize("settings", [{}, {"reduction": "sum"}, {"reduction": "none"}, {"label_smoothing": 0.1},
                                      {"weight": np.array([1.0, 2.0, 0.5])}])  # fmt: skip
@pytest.mark.parametrize("kind", ["indices", "tensor", "int8", "probabilities", "floats"])
def test_cross_entropy(settings, kind):
    w = Tensor(rng.normal(size=(5, 3)))

    def labels():
        found = rng.integers(0, 3, 5)
        if kind == "probabilities":
            return np.eye(3)[found]
        return {"tensor": Tensor(found, requires_grad=False), "int8": found.astype(np.int8),
                "floats": found.astype(float)}.get(kind, found)  # fmt: skip

    def function(x, y):
        return nn.cross_entropy(x * w, y, **settings)

    both(function, [(rng.normal(size=(5, 3)), labels()) for _ in range(5)], [w])


def test_nll_and_cross_entropy_of_images():
    w = Tensor(rng.normal(size=(2, 3, 4)))
    weight = np.array([1.0, 2.0, 0.5])

    def function(x, y):
        z = x * w
        return nn.cross_entropy(z, y) + nn.nll_loss(z.log_softmax(1), y, weight=weight)

    both(function, [(rng.normal(size=(2, 3, 4)), rng.integers(0, 3, (2, 4))) for _ in range(5)], [w])


def test_labels_that_are_wrong_are_refused_in_a_replay_too():
    w = Tensor(rng.normal(size=(5, 3)))
    step = mg.compile(lambda x, y: nn.cross_entropy(x * w, y))
    x, y = rng.normal(size=(5, 3)), np.array([0, 1, 2, 0, 1])
    for _ in range(4):
        step(x, y)
    with pytest.raises(ValueError, match="with 3 classes the labels go from 0 to 2, got 7"):
        step(x, np.array([0, 1, 7, 0, 1]))
    assert step(x, y).item() == nn.cross_entropy(Tensor(x) * w, y).item()
    hinge = mg.compile(lambda x, y: nn.hinge_loss(x * w, y))
    for _ in range(4):
        hinge(x, np.sign(x))
    with pytest.raises(ValueError, match="hinge_loss needs targets of -1 and 1"):
        hinge(x, x)


# -- layers, training ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU, nn.SiLU, nn.Softplus, nn.LeakyReLU,
                                        nn.ELU, nn.Softmax, nn.LogSoftmax])  # fmt: skip
def test_layers_bit_for_bit(activation, dtype):
    model = nn.Sequential(nn.Linear(3, 8, dtype=dtype), activation(), nn.Linear(8, 6, bias=False, dtype=dtype),
                          activation(), nn.Linear(6, 2, dtype=dtype))  # fmt: skip
    exact = dtype == np.float64 or activation not in (nn.LeakyReLU, nn.ELU)
    batches = [(rng.normal(size=(7, 3)).astype(dtype), rng.normal(size=(7, 2)).astype(dtype)) for _ in range(6)]
    both(lambda x, y: nn.mse_loss(model(x), y), batches, model.parameters(), exact=exact, dtype=dtype)


def test_dropout_draws_anew_in_the_same_order():
    model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
    batches = [(rng.normal(size=(7, 3)), rng.integers(0, 2, 7)) for _ in range(8)]
    both(lambda x, y: nn.cross_entropy(model(x), y), batches, model.parameters())
    step = mg.compile(lambda x: model(x).sum())
    x = batches[0][0]
    mg.seed(1)
    model.train()
    assert len({step(x).item() for _ in range(6)}) == 6
    model.eval()
    assert len({step(x).item() for _ in range(6)}) == 1
    model.train()
    assert len({step(x).item() for _ in range(6)}) == 6
    assert step.recordings == 4


def test_dropout_before_a_path_that_is_left_again():
    """What was drawn in vain is drawn again."""
    w = Tensor(rng.normal(size=3))

    def function(x):
        y = nn.functional.dropout(w * x, 0.5)
        return y.sum() if x.sum() > 0 and (y > 100).any() else (y * y).sum()

    step = mg.compile(function)
    for i in range(12):
        x = rng.normal(size=3) * (1000 if i % 3 else 1)
        seen = []
        for run in (function, step):
            mg.seed(i)
            seen.append([run(x).item(), run(x).item()])
        assert seen[0] == seen[1]


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.1, momentum=0.9), lambda p: optim.Adam(p, lr=0.01),
                                  lambda p: optim.RMSprop(p, lr=0.01), lambda p: optim.AdamW(p, lr=0.01)])  # fmt: skip
def test_training_is_the_same(make):
    X, y = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    ends = []
    for compiled in (False, True):
        mg.seed(3)
        model = nn.Sequential(nn.Linear(4, 9), nn.Tanh(), nn.Linear(9, 3))
        optimizer = make(model.parameters())

        def loss_of(x, y, model=model):
            return nn.cross_entropy(model(x), y)

        step = mg.compile(loss_of) if compiled else loss_of
        for i in range(25):
            part = slice(i % 3 * 10, i % 3 * 10 + 10)
            optimizer.zero_grad()
            step(X[part], y[part]).backward()
            optimizer.step()
        ends.append([p.numpy() for p in model.parameters()])
    for a, b in zip(*ends, strict=True):
        np.testing.assert_array_equal(a, b)


def test_fit_with_a_compiled_forward():
    ends = []
    for compiled in (False, True):
        mg.seed(0)
        model = nn.Sequential(nn.Linear(2, 8, seed=1), nn.Tanh(), nn.Linear(8, 1, seed=2))
        if compiled:
            model.forward = mg.compile(model.forward)
        history = mg.training.fit(model, mg.data.xor(), loss="mse", optimizer="sgd", epochs=20, seed=0, progress=False)
        ends.append(history["loss"])
    assert ends[0] == ends[1]


# -- gradients -------------------------------------------------------------------------------------------------------


def warmed(function, *args, times=3):
    step = mg.compile(function)
    for _ in range(times):
        step(*args)
    assert step.replays == times - 2
    assert not step.why_not
    return step


def test_gradients_add_up_and_are_never_overwritten():
    w = Tensor([1.0, 2.0])
    step = warmed(lambda x: (w * x).sum(), np.array([1.0, 1.0]))
    step(np.array([3.0, 4.0])).backward()
    kept = w.grad
    np.testing.assert_array_equal(w.grad, [3, 4])
    step(np.array([10.0, 10.0])).backward()
    np.testing.assert_array_equal(w.grad, [13, 14])
    w.zero_grad()
    first = step(np.array([1.0, 1.0]))
    first.backward()
    kept = w.grad
    w.zero_grad()
    step(np.array([5.0, 5.0])).backward()
    np.testing.assert_array_equal(kept, [1, 1])
    assert first.item() == 3.0
    kept += 100  # it is ours
    w.zero_grad()
    step(np.array([5.0, 5.0])).backward()
    np.testing.assert_array_equal(w.grad, [5, 5])


def test_results_are_never_overwritten():
    w = Tensor(rng.normal(size=(3, 2)))
    step = mg.compile(lambda x: {"y": x @ w, "relu": (x @ w).relu(), "plain": (x @ w).numpy(), "x": x * 2})
    inputs = [rng.normal(size=(4, 3)) for _ in range(6)]
    found = [step(x) for x in inputs]
    for x, y in zip(inputs, found, strict=True):
        np.testing.assert_array_equal(y["y"].numpy(), x @ w.numpy())
        np.testing.assert_array_equal(y["relu"].numpy(), np.maximum(x @ w.numpy(), 0))
        np.testing.assert_array_equal(y["plain"], x @ w.numpy())
        np.testing.assert_array_equal(y["x"], x * 2)
        y["plain"] += 100  # it is ours
    (found[-1]["y"] * 2.0).sum().backward()
    np.testing.assert_allclose(w.grad, inputs[-1].T @ np.full((4, 2), 2.0))


def test_two_calls_and_then_backward_of_the_first():
    model = nn.Sequential(nn.Linear(3, 5), nn.Dropout(0.4), nn.ReLU(), nn.Linear(5, 2))
    loss = lambda x, y: nn.cross_entropy(model(x), y)
    a, b = [(rng.normal(size=(4, 3)), rng.integers(0, 2, 4)) for _ in range(2)]
    step = warmed(loss, *a)
    found = []
    for run in (loss, step):
        mg.seed(5)
        first, second = run(*a), run(*b)
        model[0].weight.data += 1.0  # between forward and backward
        model.zero_grad()
        first.backward()
        found.append([p.grad for p in model.parameters()])
        model.zero_grad()
        second.backward()
        second.backward()
        found[-1] += [p.grad for p in model.parameters()]
        model[0].weight.data -= 1.0
    for x, y in zip(*found, strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=1e-12)


def test_an_argument_changed_between_forward_and_backward():
    w, x = Tensor([1.0, 2.0]), np.array([3.0, 4.0])
    y = warmed(lambda x: (w * x).sum(), x)(x)
    x[:] = 100.0
    y.backward()
    np.testing.assert_array_equal(w.grad, [3, 4])


def test_arguments_that_have_gradients():
    w = Tensor([1.0, 2.0])
    step = warmed(lambda x, t: (w * x * t).sum(), Tensor([1.0, 1.0]), Tensor([1.0, 1.0], requires_grad=False))
    x = Tensor([3.0, 4.0])
    inner = x * 2.0
    step(inner, Tensor([1.0, 3.0], requires_grad=False)).backward()
    np.testing.assert_array_equal(x.grad, [2, 12])
    np.testing.assert_array_equal(w.grad, [6, 24])
    step = warmed(lambda x, y: (x * y).sum(), x, x)  # one Tensor in two places
    z = Tensor([5.0, 6.0])
    x.zero_grad()
    step(x, z).backward()
    np.testing.assert_array_equal(x.grad, [5, 6])
    np.testing.assert_array_equal(z.grad, [3, 4])


def test_hooks_and_what_comes_after():
    w = Tensor([1.0, 2.0])
    step = warmed(lambda x: (w * x).sum(), np.ones(2))
    remove = w.register_hook(lambda g: g * 10)
    y = step(np.ones(2)) * 3.0 + 1.0
    y.backward()
    np.testing.assert_array_equal(w.grad, [30, 30])
    remove()
    w.zero_grad()
    out = step(np.ones(2))
    out.register_hook(lambda g: g * 2)
    out.backward()
    np.testing.assert_array_equal(w.grad, [2, 2])
    out.backward(np.array(5.0))
    np.testing.assert_array_equal(w.grad, [12, 12])


def test_outputs_in_structures_go_back_in_one_pass():
    a, b, c = (Tensor(rng.normal(size=3)) for _ in range(3))

    def function(x):
        h = a * x
        return {"one": (h * b).sum(), "two": [h.exp(), (c * x).sum()], "plain": (h > 0).mean(), "n": 3}

    step = mg.compile(function)
    for _ in range(5):
        x = rng.normal(size=3)
        found = []
        for run in (function, step):
            for p in (a, b, c):
                p.zero_grad()
            y = run(x)
            (y["one"] * 2.0 + y["two"][0].sum()).backward()
            found.append([y["one"].item(), y["two"][0].numpy(), y["plain"], y["n"], a.grad, b.grad])
            assert c.grad is None  # nothing of it went into what is differentiated
            assert type(y["plain"]) is np.float64
        for p, q in zip(*found, strict=True):
            np.testing.assert_allclose(p, q, rtol=1e-14)
    assert step.replays == 3


def test_what_is_given_back_in_other_things():
    class Both(NamedTuple):
        loss: object
        n: int

    class Thing:
        def __init__(self, loss):
            self.loss = loss

    w = Tensor([1.0, 2.0])
    step = mg.compile(lambda x: Both((w * x).sum(), 3))
    assert [step(np.full(2, float(k))).loss.item() for k in range(5)] == [0, 3, 6, 9, 12]
    assert step.replays == 3
    assert type(step(np.ones(2))) is Both
    step = mg.compile(lambda x: Thing((w * x).sum()))
    with pytest.warns(UserWarning, match="it gives back a Thing, and what is in it can't be seen"):
        step(np.ones(2))
    assert [step(np.full(2, float(k))).loss.item() for k in range(5)] == [0, 3, 6, 9, 12]


def test_frozen_parameters_make_another_tape():
    a, b = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    step = warmed(lambda x: (a * b * x).sum(), np.ones(2))
    a.requires_grad = False
    for _ in range(3):
        step(np.ones(2)).backward()
    assert a.grad is None
    np.testing.assert_array_equal(b.grad, [3, 6])
    a.requires_grad = True
    step(np.ones(2)).backward()
    np.testing.assert_array_equal(a.grad, [3, 4])


def test_no_grad_around_and_inside():
    w = Tensor([1.0, 2.0])

    def function(x):
        with no_grad():
            scale = (w * w).sum()
        return (w * x).sum() * scale

    both(function, [(rng.normal(size=2),) for _ in range(4)], [w])
    step = mg.compile(function)
    with no_grad():
        for k in range(4):
            y = step(np.full(2, float(k)))
            assert not y.requires_grad
            assert y.item() == 15.0 * k
    assert step(np.ones(2)).requires_grad


def test_detach_and_numpy_carry_no_gradient():
    w = Tensor([1.0, -2.0, 3.0])

    def function(x):
        h = w * x
        return (h * h.detach()).sum() + (h * h.numpy()).sum() + (h * (h > 0)).sum() + (h * np.sign(h.numpy())).sum()

    both(function, [(rng.normal(size=3),) for _ in range(5)], [w])


# -- what arrays may do ----------------------------------------------------------------------------------------------


def test_arrays_are_followed():
    table, w = Tensor(rng.normal(size=(10, 4))), Tensor(rng.normal(size=4))

    def function(tokens, x):
        assert len(tokens) == 6
        assert x.shape == (6, 4)
        assert x.dtype == np.float64
        picked = table[tokens] * x
        mask = (x == np.sign(x)) | (x > 0.5)
        share = (x > 0).mean() + np.clip(x, 0, 1).sum() + np.where(mask, 1.0, 0.0)[1:].max(axis=0).sum()
        rows = x.reshape(-1, 2).astype(np.float64).T @ np.ones(12)
        first, second = np.split(x, 2)
        one = tokens[0] + 1
        return (picked * w).sum() * share + (w[:2] * rows).sum() + (w * (first - second)[0]).sum() * one

    both(function, [(rng.integers(0, 10, 6), rng.normal(size=(6, 4))) for _ in range(6)], [table, w], exact=False)


def test_integers_and_float32_meet_tensors_as_in_eager():
    w = Tensor(np.ones((2, 3), np.float32))

    def function(n, x, s):
        return (w * n * s + x.mean() * w - n[0] + w @ n.T.astype(np.float32)[:, :1]).sum()

    batches = [(rng.integers(0, 5, (2, 3)), rng.normal(size=3), float(i)) for i in range(6)]
    both(function, batches, [w], exact=False, dtype=np.float32)


def test_made_a_tensor_inside():
    w = Tensor(rng.normal(size=3))

    def function(x):
        return (Tensor(x) * w + Tensor(x, requires_grad=False, dtype=np.float32) + Tensor([1.0, 2.0, 3.0]) * w).sum()

    both(function, [(rng.normal(size=3),) for _ in range(5)], [w])


def test_questions_are_guarded():
    w = Tensor(rng.normal(size=3))

    def function(x):
        if (x > 0).all():
            return (w * x).sum()
        if (w * x).sum() > 0:
            return (w * w).sum()
        return (w - x).sum()

    step = mg.compile(function)
    for _ in range(60):
        x = rng.normal(size=3) + 0.5
        assert step(x).item() == function(x).item()
    assert step.recordings == 6
    assert len(step.paths) == 3
    assert step.replays == 54


def test_numbers_taken_out_of_arguments_are_guarded():
    w = Tensor(rng.normal(size=(4, 3)))

    def function(x, n):
        return (w[int(n[0])] * float(x[0])).sum() + w[: n[1]].sum() + x.tolist()[1] * w.sum() + np.asarray(x)[2] * 1.0

    step = mg.compile(function, max_tapes=4)
    for x in (np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.5])):
        for n in (np.array([1, 2]), np.array([2, 3])):
            for _ in range(3):
                assert step(x, n).item() == function(x, n).item()
    assert step.recordings == 8
    assert step.replays == 4


def test_masks_of_another_count():
    w = Tensor(rng.normal(size=8))

    def function(x):
        return (w * x)[x > 0].mean() + x[x > 0.5].sum() + (w.sum() if np.nonzero(x)[0].size else 0.0)

    step = mg.compile(function)
    for k in range(40):
        x = rng.normal(size=8)
        x[: k % 3] = 1.0
        x[-1] = 0.7  # the mean of nothing would be nan
        w.zero_grad()
        y = step(x)
        y.backward()
        got = w.grad
        w.zero_grad()
        z = function(x)
        z.backward()
        assert y.item() == z.item()
        np.testing.assert_array_equal(got, w.grad)
        if step.why_not:
            break
    assert step.replays > 3


def test_argmax_is_followed():
    w = Tensor(rng.normal(size=(5, 3)))

    def function(x, y):
        scores = w * x
        return scores.sum(), (scores.argmax(axis=1) == y).mean()

    step = mg.compile(function)
    for _ in range(5):
        x, y = rng.normal(size=(5, 3)), rng.integers(0, 3, 5)
        assert step(x, y)[1] == function(x, y)[1]
    assert step.replays == 3


@pytest.mark.parametrize("take", [lambda t: t.data, lambda t: t.item(), float, lambda t: t.tolist(), np.asarray, bool,
                                  lambda t: setattr(t, "data", 1.0)])  # fmt: skip
def test_bare_numbers_of_a_tracked_tensor_are_refused(take):
    w = Tensor([2.0])

    def my_loss(x):
        y = (w * x).sum()
        take(y)
        return y

    with pytest.raises(FrozenNumberError, match="inside the compiled function my_loss: the tape would keep"):
        mg.compile(my_loss)(np.ones(1))


def test_backward_inside_is_refused():
    w = Tensor([2.0])

    def my_loss(x):
        y = (w * x).sum()
        y.backward()
        return y

    with pytest.raises(RuntimeError, match=r"backward\(\) inside the compiled function my_loss: return the loss"):
        mg.compile(my_loss)(np.ones(1))


def test_changing_an_array_in_place_is_refused():
    w = Tensor([2.0, 1.0])

    def adding(x):
        x += 1
        return (w * x).sum()

    def setting(x):
        x[0] = 1
        return (w * x).sum()

    def sorting(x):
        x.sort()
        return (w * x).sum()

    for function, text in [(adding, "in place"), (setting, "in place"), (sorting, "can't be followed")]:
        x = np.ones(2)
        with pytest.raises((CompileError, AttributeError), match=text):
            mg.compile(function)(x)
        np.testing.assert_array_equal(x, 1)


def test_errors_surface_as_they_are():
    w = Tensor(np.ones((3, 2)))
    step = warmed(lambda x: (x @ w).sum(), np.ones((4, 3)))
    for bad in (np.ones((4, 5)), Tensor(np.ones((4, 5)))):
        with pytest.raises(ValueError, match="inner sizes differ"):
            step(bad)
    assert step(np.ones((4, 3))).item() == 24.0

    def wrong(x):
        return 1 / 0

    with pytest.raises(ZeroDivisionError):
        mg.compile(wrong)(np.ones(2))


# -- structures, surroundings ----------------------------------------------------------------------------------------


def test_new_shapes_dtypes_and_structures_record_anew():
    w = Tensor(np.ones(3))

    def function(batch, scale=1.0):
        x = batch["x"] if isinstance(batch, dict) else batch
        return (w * x).sum() * scale

    step = mg.compile(function)
    for _ in range(3):
        for args, kwargs in [((np.ones(3),), {}), ((np.ones((2, 3)),), {}), ((np.ones(3, np.float32),), {}),
                             (({"x": np.ones(3)},), {}), ((np.ones(3),), {"scale": 2.0})]:  # fmt: skip
            assert step(*args, **kwargs).item() == function(*args, **kwargs).item()
    assert step.recordings == 10
    assert step.replays == 5


def test_floats_beside_arrays_may_change():
    w = Tensor(np.ones(3))
    step = mg.compile(lambda x, beta: (w * x).sum() * beta + beta * 2)
    for k in range(5):
        assert step(np.ones(3), k / 4).item() == 5 * k / 4
    assert step.recordings == 2


def test_lists_beside_arrays_belong_to_the_path():
    w = Tensor(np.ones(3))
    step = mg.compile(lambda x, order: (w * x)[order].sum())
    for _ in range(3):
        for order in ([0, 1], [1, 2]):
            assert step(np.array([1.0, 10.0, 100.0]), order).item() == (11.0 if order == [0, 1] else 110.0)


def test_data_around_the_function():
    X, w = np.array([1.0, 2.0]), Tensor([1.0, 1.0])
    step = warmed(lambda: (w * X).sum())
    w.data = [2.0, 2.0]
    assert step().item() == 6.0
    X[0] = 10.0  # changed where it stands
    assert step().item() == 24.0
    assert step().item() == 24.0
    X[0] = np.nan  # which isn't equal to itself
    step = warmed(lambda: (w * X).sum())
    X[0] = 10.0
    factor = [1.0]
    step = warmed(lambda: (w * X).sum() * factor[0])
    factor[0] = 3.0
    assert step().item() == 72.0


def test_hidden_randomness_is_found():
    w = Tensor(np.ones(3))
    noise = np.random.default_rng(0)
    step = mg.compile(lambda x: (w * x * noise.normal(size=3)).sum())
    with pytest.warns(UserWarning, match="is run as it is from now on, and no faster: .*draws random numbers"):
        [step(np.ones(3)) for _ in range(3)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert step(np.ones(3)).item() != step(np.ones(3)).item()


def test_a_model_as_an_argument():
    model = nn.Linear(2, 1)
    step = mg.compile(lambda model, x: model(x).sum())
    x = np.ones((3, 2))
    for _ in range(4):
        assert step(model, x).item() == model(x).sum().item()
    other = nn.Linear(2, 1)
    for _ in range(3):
        assert step(other, x).item() == other(x).sum().item()
    assert step.recordings == 4


# -- functions of Values that are given arrays -------------------------------------------------------------------------


def test_a_scalar_model_may_be_given_arrays():
    w = [Value(0.5), Value(-1.0)]

    def function(X, y):
        total = 0.0
        for row, target in zip(X, y, strict=True):
            out = (w[0] * row[0] + w[1] * row[1]).tanh()
            total = total + (out - target) ** 2
        return total

    step = mg.compile(function)
    for _ in range(5):
        X, y = rng.normal(size=(6, 2)), rng.normal(size=6)
        for p in w:
            p.zero_grad()
        a = step(X, y)
        a.backward()
        got = [p.grad for p in w]
        for p in w:
            p.zero_grad()
        b = function(X.tolist(), y.tolist())
        b.backward()
        assert math.isclose(a.data, b.data, rel_tol=1e-12)
        np.testing.assert_allclose(got, [p.grad for p in w], rtol=1e-12)
    assert step.replays == 3


def test_both_kinds_at_once_run_as_they_are():
    v, t = Value(2.0), Tensor([1.0])

    def function(x):
        v * 3.0
        return (t * x).sum()

    step = mg.compile(function)
    with pytest.warns(UserWarning, match="Values and with Tensors"):
        assert step(np.ones(1)).item() == 1.0
    assert step(np.ones(1)).item() == 1.0


# -- the program -----------------------------------------------------------------------------------------------------


def test_the_program_can_be_read():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    step = warmed(lambda x, y: nn.mse_loss(model(x), y), np.ones((4, 2)), np.ones((4, 1)))
    text = step.source()
    assert "def forward(" in text
    assert "maximum(" in text
    assert "linear" not in text
    step(np.ones((4, 2)), np.ones((4, 1))).backward()
    assert "def backward(" in step.source()
    assert "linear(s0" in str(step.paths[0].tape)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.data())
def test_broadcasting_of_all_shapes(shape, data):
    other = [n if data.draw(st.booleans()) else 1 for n in shape][data.draw(st.integers(0, len(shape))) :]
    a, b = Tensor(rng.normal(size=shape)), Tensor(rng.normal(size=other))

    def function(x):
        h = (a + b) * x
        return (h * b - a / (b * b + 1.0)).sum() + h.mean(axis=0).exp().sum() + (b - a.tanh()).max()

    both(function, [(rng.normal(size=shape),) for _ in range(3)], [a, b], exact=False)


@pytest.mark.parametrize("late", [False, True])
def test_a_sum_hands_its_gradient_to_two_who_get_more(late):
    a, b = Tensor(rng.normal(size=3)), Tensor(rng.normal(size=3))

    def function(x):
        first, second = a * x, b * x
        y = first + second
        parts = [first.exp().sum() + second.tanh().sum(), (y * y).sum() + y.sin().sum()]
        return parts[late] + parts[not late]

    both(function, [(rng.normal(size=3),) for _ in range(3)], [a, b])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_graph(data):
    """Results used again and again, in any order: gradients that share memory must not spoil each other."""
    leaves = [Tensor(rng.normal(size=(2, 3))) for _ in range(3)]
    binary = [ops.add, ops.sub, ops.mul, ops.maximum]
    unary = [ops.neg, ops.tanh, ops.relu, lambda x: x[:, :2].sum() + x, lambda x: x.reshape(3, 2).reshape(2, 3),
             lambda x: nn.functional.linear(x, leaves[1]).relu()]  # fmt: skip
    plan = []
    for i in range(3, 3 + data.draw(st.integers(1, 9))):
        row = data.draw(st.sampled_from([*range(len(binary)), *range(10, 10 + len(unary))]))
        plan.append((row, data.draw(st.integers(0, i - 1)), data.draw(st.integers(0, i - 1))))

    def function(x):
        found = [leaf * x for leaf in leaves]
        for row, a, b in plan:
            y = binary[row](found[a], found[b]) if row < 10 else unary[row - 10](found[a])
            found.append(y if y.shape == (2, 3) else y @ leaves[0])
        total = found[-1].sum()
        for y in found:
            total = total + (y * 0.5).tanh().mean()
        return total

    both(function, [(rng.normal(size=(2, 3)),) for _ in range(3)], leaves, exact=False)


def test_a_compiled_result_can_be_copied_and_opened():
    import copy
    import pickle

    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.ReLU(), nn.Linear(4, 2))
    step = warmed(lambda x: model(x).sum(), np.ones((2, 3)))
    y = step(np.ones((2, 3)))
    y.backward()
    model[0].weight.data += 1.0
    again = y.opened()
    assert again.op.name == "sum"
    assert again.item() == y.item()
    for other in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        assert other.item() == y.item()


def test_a_tensor_around_a_function_without_arguments_is_called_a_tensor():
    t, fixed = Tensor([1.0, 2.0]), Tensor([3.0, 4.0], requires_grad=False)
    with pytest.raises(FrozenNumberError, match=r"\.data of a Tensor inside the compiled function"):
        mg.compile(lambda: (t * t.data).sum())()
    step = mg.compile(lambda: (t * fixed.numpy()).sum())
    assert [step().item() for _ in range(4)] == [11.0] * 4
    assert step.replays == 2


def test_what_arguments_alone_decide_is_computed_without_what_comes_later():
    """exp(-|x|) is part of both rows: of the silu, which only arguments decide, and of the loss, which is tracked."""
    bce = LOSS_TABLE["bce_with_logits"]
    x = Tensor(rng.normal(size=3))

    def function(x):
        fixed = x.detach()
        return (bce(fixed, x) * fixed.silu()).sum()

    step = mg.compile(function)
    for _ in range(4):
        x.data = rng.normal(size=3)
        expected = function(x)
        y = step(x)
        assert y.item() == pytest.approx(expected.item(), rel=1e-12)
    assert step.replays == 2


def test_a_layer_without_outputs():
    x, w, b = Tensor(np.ones((2, 3, 4))), Tensor(np.ones((0, 4))), Tensor(np.zeros(0))
    both(lambda s: nn.functional.linear(x, w, b).sum() + (x * s).sum(), [(1.0,), (2.0,), (3.0,)], [x, w, b])


@pytest.mark.parametrize("row", [mg.leaky_relu, mg.elu, lambda number, x: mg.where(True, number, x)])
def test_a_number_that_a_rule_chooses_gets_the_shape_of_the_arrays(row):
    x = Tensor(rng.normal(size=(3, 1)))
    both(lambda s: (row(3, x).cumsum(0) * s).sum(), [(rng.normal(size=3),) for _ in range(3)], [x])


@pytest.mark.parametrize("given", [np.float64, np.float32, np.int64, bool])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arrays_that_are_joined_with_tensors_are_followed(dtype, given):
    """What a call gives is no Tensor, and stands for another array each time: it isn't frozen into the tape."""
    x = Tensor(np.array([1.0, 2.0], dtype))

    def function(a):
        return mg.stack([x, a]).sum() + mg.einsum("i,i->", x, a) + mg.concatenate([x, a * 2]).sum()

    both(function, [(np.array([i, 1]).astype(given),) for i in range(4)], [x], dtype=dtype)


@pytest.mark.parametrize("how", ["descend", "adopt"])
def test_a_parameter_moved_inside_is_refused(how):
    w, step = Tensor([1.0, 2.0]), np.array([0.5, 0.5])
    step.setflags(write=how != "adopt")

    def function(x):
        y = (w * x).sum()
        getattr(w, how)(step)
        return y

    with pytest.raises(FrozenNumberError, match=r"\.data = \.\.\. of a Tensor inside the compiled function function"):
        mg.compile(function)(2.0)
    assert w.tolist() == [1.0, 2.0]


def test_an_index_that_a_call_gives_is_followed():
    x = Tensor(rng.normal(size=(4, 3)))
    batches = [(np.array([i % 4, 1]), np.array([i % 3, 0])) for i in range(5)]
    both(lambda rows, columns: (x[rows] * x[rows, columns].mean()).sum() + x[:, columns[:1]].sum(), batches, [x])


# -- arrays that the caller uses again between forward and backward --------------------------------------------------

BUFFERED = {
    "matmul": lambda w, x, t, i, m: nn.mse_loss(x @ w, t),
    "numpy first": lambda w, x, t, i, m: (np.tanh(x.T * 2.0) @ w * t.mean()).sum(),
    "pointwise": lambda w, x, t, i, m: ((w * x - t) ** 2).sum(),
    "einsum": lambda w, x, t, i, m: mg.einsum("ij,jk,ik->", x, w, t),
    "where": lambda w, x, t, i, m: (mg.where(m, w, x) * t).sum(),
    "mask": lambda w, x, t, i, m: (w[m] ** 2).sum(),
    "index": lambda w, x, t, i, m: (w[i] * w[i, i][:, None]).sum(),
    "stack": lambda w, x, t, i, m: (mg.stack([w, x, t]) ** 2 * w).sum(),
    "linear": lambda w, x, t, i, m: (array_ops.linear(x, w, t[0]) ** 2).sum(),
    "conv": lambda w, x, t, i, m: (nn.functional.conv2d(x[None, None], w[None, None]) ** 2).sum(),
    "attention": lambda w, x, t, i, m: nn.functional.scaled_dot_product_attention(w, x, t).sum(),
    "nll": lambda w, x, t, i, m: nn.nll_loss(w.log_softmax() * 2.0, i),
    "cross_entropy": lambda w, x, t, i, m: nn.cross_entropy(w * x, i),
    "bce": lambda w, x, t, i, m: nn.binary_cross_entropy_with_logits(w * 2.0, m * 1.0),
    "embedding": lambda w, x, t, i, m: (nn.functional.embedding(i, w) ** 2).sum(),
}


def gradients_with_buffers(run, w, buffers, fresh, calls):
    """The gradients of w, where the buffers are filled before each call, and used for something else after it."""
    found = []
    for call in range(calls):
        for buffer, numbers in zip(buffers, fresh(call), strict=True):
            buffer[...] = numbers
        y = run(*buffers)
        for buffer in buffers:
            buffer[...] = 1 - buffer if buffer.dtype == bool else 100
        w.zero_grad()
        y.backward()
        found.append(w.grad)
    return found


@pytest.mark.parametrize("place", ["arguments", "variables"])
@pytest.mark.parametrize("name", BUFFERED)
def test_a_buffer_used_again_between_forward_and_backward(name, place):
    function, numbers = BUFFERED[name], np.random.default_rng(3)
    w = Tensor(numbers.normal(size=(4, 4)))
    batches = [
        (*numbers.normal(size=(2, 4, 4)), numbers.permutation(4), np.eye(4, dtype=bool)[numbers.permutation(4)])
        for _ in range(5)
    ]

    def batch(call):  # variables are the same in each call: others would be recorded anew
        return batches[call if place == "arguments" else 0]

    buffers = [array.copy() for array in batches[0]]
    if place == "arguments":
        run = step = mg.compile(lambda *args: function(w, *args))
    else:
        step = mg.compile(lambda: function(w, *buffers))
        run = lambda *_: step()
    compiled = gradients_with_buffers(run, w, buffers, batch, calls=5)
    assert (step.replays, step.why_not) == (3, "")
    for call, grad in enumerate(compiled):
        w.zero_grad()
        function(w, *(array.copy() for array in batch(call))).backward()
        np.testing.assert_allclose(grad, w.grad, rtol=0, atol=1e-12)


def test_a_tensor_or_array_changed_after_the_call_is_opened_as_it_was():
    w = Tensor(np.ones((2, 2)))
    step = mg.compile(lambda x, t: (x @ w * t).sum())
    for _ in range(4):
        x, t = np.eye(2), Tensor(np.full((2, 2), 2.0))
        y = step(x, t)
        x[:], t.data[:] = 9, 9
        assert copy.deepcopy(y).item() == y.item() == 8.0
        assert t.tolist() == [[9.0, 9.0], [9.0, 9.0]]
    assert step.replays == 2


def test_an_array_among_several_operands_is_kept_as_it_was():
    """Also without compile: where the derivative is a graph itself, it is that of the forward pass that ran."""
    w, x = Tensor(np.ones((2, 2))), np.eye(2)
    y = mg.einsum("ij,jk->", x, w * w)
    x[:] = 9
    assert gradients_as_graph(y, [w])[0].tolist() == [[2.0, 2.0], [2.0, 2.0]]
