"""Every digit: values and slopes beside mpmath's 50 digits, in each dtype, at the edges of what a float can hold.

What is exact, the inputs and the unit of an error stand in benchmarks/numerics.py, which writes docs/numerics.md.
"""

import math

import numpy as np
import pytest

import micrograd_plus as mg
from micrograd_plus import Tensor, Value, nn
from micrograd_plus.engine import ops

pytest.importorskip("mpmath")
from benchmarks import numerics
from benchmarks.numerics import DTYPES, GROUPS, ROWS, mpf, ulps

inf, nan = math.inf, math.nan

# The largest error allowed, in ulp: of a value, and of a slope. Correct rounding is 0.5 and each step adds about that;
# NumPy's exp, log, tanh … promise 4 on every processor (they are better here: docs/numerics.md says what was measured).
USUAL = (4.0, 4.0)
BOUNDS = {
    "tan": (4.0, 8.0),  # 1 + y²: an error of y counts twice
    "erfc": (8.0, 4.0),  # a polynomial in float32 (in float64 below 3)
    "sigmoid": (4.0, 6.0),  # the slope is a product of two sigmoids
    "silu": (6.0, 6.0),  # x times a sigmoid
    "gelu": (8.0, 8.0),  # made of erfc
    "pow": (4.0, 6.0),
}
# Results below the smallest normal number: the largest error in units of the smallest number that there is.
TINY_USUAL = 1.5
TINY = {
    "silu": 400,  # x · sigmoid(x), where sigmoid(x) is among these small numbers itself, and x is up to -745
    "gelu": 12,  # the same, and x is up to -38
    "div": 3,  # -y / b, where y is
    "arctan": 2.0**51,  # x² overflows: the slope is 0 and not 1e-309
}
COUNT = 8  # random inputs, beside the special ones


def hold(name, measured):
    """Each error is within the bound of its row."""
    for what, worst, bound in zip(
        ("value", "slope"), (measured.value, measured.slope), BOUNDS.get(name, USUAL), strict=True
    ):
        assert worst.ulp <= bound, f"the {what} of {name} at {worst.at} is {worst.ulp} ulp off"
    assert measured.tiny.ulp <= TINY.get(name, TINY_USUAL), f"{name} at {measured.tiny.at}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_exact(row, dtype):
    hold(row.name, numerics.of_row(row, DTYPES[dtype], COUNT))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_exact_on_values(row):
    hold(row.name, numerics.of_row(row, np.float64, COUNT, numerics.by_values))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_a_group_is_exact(group, dtype):
    hold(group.name, numerics.of_group(group, DTYPES[dtype], 30))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_a_group_is_exact_in_scalar_steps(group):
    hold(group.name, numerics.of_group(group, np.float64, 20, numerics.groups_by_values))


def test_every_smooth_row_is_measured():
    """A new row is measured, or it is one in which nothing is rounded."""
    nothing_to_round = {"itself", "neg", "sign", "step", "add", "sub", "mul", "minimum", "where", "clip", "sum"}
    measured = {row.name for row in ROWS}
    assert {name for name, row in ops.TABLE.items() if row.pointwise} - measured <= nothing_to_round
    assert set(BOUNDS) | set(TINY) <= measured | {group.name for group in GROUPS}


def test_the_page_has_a_line_for_each():
    found = numerics.Line(
        "exp", "the result", dict.fromkeys(["Value", *DTYPES], numerics.Measured(*[numerics.Worst(0.5, "1")] * 3)), {}
    )
    assert found.markdown.startswith("| exp | 0.50 / 0.50 |")
    assert "| exp |" in numerics.page([found], 8)


@pytest.mark.parametrize(
    ("got", "want", "error"),
    [
        (1.0, 1, 0),
        (1 + 2**-52, 1, 1),
        (inf, mpf(10) ** 400, 0),
        (inf, mpf(10) ** 308, inf),
        (0.0, 5e-324, 1),
        (nan, 1, inf),
        (1.0, nan, inf),
    ],
)
def test_errors_are_counted_in_ulp(got, want, error):
    found = ulps(got, numerics.mp.mpf(want), np.float64)
    assert found == error or found > 1e15 < error


# ---- what two digits of a formula used to hide ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (ops.sigmoid, 40.0, math.exp(-40)),
        (ops.expm1, -40.0, math.exp(-40)),
        (lambda x: ops.elu(x, 1.0), -40.0, math.exp(-40)),
        (ops.silu, 37.0, 1 + 36 * math.exp(-37)),
        (lambda x: nn.binary_cross_entropy_with_logits(x, 1.0), 40.0, -math.exp(-40)),
        (lambda x: nn.binary_cross_entropy_with_logits(x, 0.0), -40.0, math.exp(-40)),
    ],
)
def test_a_slope_that_is_next_to_nothing_keeps_its_digits(f, x, slope):
    for leaf in (Value(x), Tensor(x)):
        f(leaf).backward()
        assert float(leaf.grad) == pytest.approx(slope, rel=1e-14)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_model_that_is_sure_and_right(dtype, compiled):
    """Of logits 0 and -50 the loss is 2e-22 and so are the slopes: not 0 for the one and 2e-22 for the other."""
    logits = Tensor(np.array([[0.0, -50.0], [-50.0, 0.0], [0.0, 0.0]], dtype))
    loss = lambda x: nn.cross_entropy(x, np.array([0, 1, 1]), reduction="sum") - math.log(2)
    f = mg.compile(lambda x: nn.cross_entropy(x, np.array([0, 1, 1]), reduction="mean")) if compiled else None
    tiny = math.exp(-50)
    if compiled:
        for _ in range(3):
            logits.zero_grad()
            f(logits).backward()
        np.testing.assert_allclose(logits.grad[:2] * 3, [[-tiny, tiny], [tiny, -tiny]], rtol=1e-6)
        return
    loss(logits).backward()
    np.testing.assert_allclose(logits.grad[:2], [[-tiny, tiny], [tiny, -tiny]], rtol=1e-6)
    each = nn.cross_entropy(logits, np.array([0, 1, 1]), reduction="none")
    np.testing.assert_allclose(each.numpy(), [tiny, tiny, math.log(2)], rtol=1e-6)
    np.testing.assert_allclose(logits.log_softmax(1).numpy()[0], [-tiny, -50], rtol=1e-6)
    np.testing.assert_allclose(logits.logsumexp(1).numpy()[0], tiny, rtol=1e-6)


def test_cross_entropy_of_lists_far_from_0():
    """1e6 + 0.69 - 1e6 would leave ten digits of 0.69."""
    row = [Value(1e6), Value(1e6)]
    loss = nn.cross_entropy([row], [0])
    loss.backward()
    assert loss.data == pytest.approx(math.log(2), rel=1e-15)
    assert [v.grad for v in row] == pytest.approx([-0.5, 0.5], rel=1e-15)


# ---- no overflow, no underflow on the way ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "large", "small"), [("float64", 1e300, 1e-300), ("float32", 1e30, 1e-30), ("float16", 1e4, 1e-6)]
)
def test_norm_and_std_of_what_has_no_square(dtype, large, small):
    within = {"rtol": float(np.finfo(dtype).eps) * 3 + (0.02 if dtype == "float16" else 0)}  # 1e-6 has 5 bits there
    for size in (large, small):
        x = Tensor(np.array([3 * size, 4 * size], dtype))
        y = x.norm()
        y.backward()
        np.testing.assert_allclose(y.numpy(), 5 * size, **within)
        np.testing.assert_allclose(x.grad, [0.6, 0.8], **within)
        x = Tensor(np.array([[size, -size], [size, size]], dtype))
        y = x.std(axis=1)
        y.sum().backward()
        np.testing.assert_allclose(y.numpy(), [size * math.sqrt(2), 0], **within)
        np.testing.assert_allclose(x.grad, [[math.sqrt(0.5), -math.sqrt(0.5)], [0, 0]], **within)
        assert y.dtype == x.grad.dtype == dtype


def test_norm_of_infinities_and_of_nothing():
    for numbers, y, slope in (
        ([inf, 1.0], inf, [nan, 0.0]),
        ([nan, 1.0], nan, [nan, nan]),
        ([0.0, 0.0], 0.0, [0.0, 0.0]),
    ):
        x = Tensor(numbers)
        x.norm().backward()
        np.testing.assert_array_equal(x.norm().numpy(), y)
        np.testing.assert_array_equal(x.grad, slope)
    assert Tensor(np.zeros((0, 3))).norm(0).tolist() == [0, 0, 0]
    assert Tensor(np.zeros((3, 0))).norm(1).tolist() == [0, 0, 0]
    np.testing.assert_array_equal(Tensor([[1e300, 1e300], [3.0, 4.0]]).norm(axis=1, keepdims=True).numpy()[1], [5.0])


def test_huber_of_an_error_that_overflows():
    for x in (Tensor(np.float16(60000)), Tensor(inf), Value(inf)):
        nn.huber_loss(x, np.float16(-60000) if isinstance(x, Tensor) else -1.0).backward()
        assert float(x.grad) == 1.0
    for x in (Tensor(1.0), Value(1.0)):  # where the square meets the line
        nn.huber_loss(x, np.array(0.0) if isinstance(x, Tensor) else 0.0).backward()
        assert float(x.grad) == 1.0


def test_bce_at_infinity():
    for x, t, y, slope in ((inf, 0.0, inf, 1.0), (-inf, 1.0, inf, -1.0)):
        for leaf in (Value(x), Tensor(x)):
            loss = nn.binary_cross_entropy_with_logits(leaf, t if isinstance(leaf, Value) else np.array(t))
            loss.backward()
            assert (loss.item(), float(leaf.grad)) == (y, slope)


def test_bce_of_small_probabilities():
    for dtype in DTYPES:
        x = Tensor(np.array([0, 1e-5, 0, 1], dtype))
        y = nn.binary_cross_entropy(x, np.array([0, 0, 1, 1], dtype), reduction="none")
        y.backward(np.ones(4, dtype))
        assert y.dtype == x.grad.dtype == dtype
        np.testing.assert_allclose(y.numpy(), [0, 1e-5, 100, 0], rtol=0.01)
        np.testing.assert_allclose(x.grad, [0, 1, -1e12 if dtype != "float16" else -inf, 0], rtol=0.01)


# ---- float16: computed in float32, rounded once ---------------------------------------------------------------------

HALVES = {
    "a sum over rows": (lambda x: x.sum(0), np.ones((5000, 2)), [5000, 5000]),
    "a mean whose sum overflows": (lambda x: x.mean(), np.full(4, 60000), 60000),
    "a mean over rows": (lambda x: x.mean(0), np.ones((5000, 2)), [1, 1]),
    "a variance whose sum overflows": (lambda x: x.var(correction=0), np.array([-200, 200] * 50), 40000),
    "a product that underflows on the way": (lambda x: x.prod(), np.array([1e-4, 1e-4, 1e4, 1e4]), 1),
    "running sums": (lambda x: x.cumsum(0)[-1], np.ones((5000, 2)), [5000, 5000]),
    "softmax over many": (lambda x: x.softmax(0)[:2], np.zeros(4096), [1 / 4096] * 2),
    "logsumexp over many": (lambda x: x.logsumexp(0), np.zeros((4096, 2)), [math.log(4096)] * 2),
    "the mean of many losses": (lambda x: nn.mse_loss(x, np.zeros(2000)), np.full(2000, 100), 10000),
    "cross-entropy of many": (lambda x: nn.cross_entropy(x, np.zeros(9000, int)), np.zeros((9000, 4)), math.log(4)),
    "layer norm": (lambda x: nn.functional.layer_norm(x, 2), np.array([[-300, 300]]), [[-1, 1]]),
    "attention": (lambda x: nn.functional.scaled_dot_product_attention(x[:1], x, x)[0], np.ones((5000, 2)), [1, 1]),
    "average pooling": (lambda x: nn.functional.avg_pool2d(x, 64).reshape(1), np.full((1, 1, 64, 64), 20), [20]),
}  # fmt: skip


@pytest.mark.parametrize("what", HALVES)
def test_float16_is_added_up_in_float32(what):
    f, x, expected = HALVES[what]
    x = Tensor(x.astype(np.float16))
    y = f(x)
    y.backward(np.ones(y.shape, np.float16))
    assert y.dtype == x.grad.dtype == np.float16
    np.testing.assert_allclose(y.numpy(), np.float16(expected), rtol=1e-3)
    assert np.isfinite(x.grad).all()


def test_gradients_of_float16_are_added_up_in_float32():
    bias, table = Tensor(np.ones(2, np.float16)), Tensor(np.ones((3, 2), np.float16))
    (np.ones((5000, 1), np.float16) * bias).backward(np.ones((5000, 2), np.float16))
    assert bias.grad.tolist() == [5000, 5000]
    table[np.zeros(5000, int)].backward(np.ones((5000, 2), np.float16))
    assert table.grad[0].tolist() == [5000, 5000]
    step = mg.compile(lambda x: (x * np.ones((5000, 1), np.float16)).sum())
    for _ in range(3):
        bias.zero_grad()
        y = step(bias)
        y.backward()
    assert y.item() == 10000
    assert bias.grad.tolist() == [5000, 5000]


def test_clipping_the_norm_of_float16():
    w = Tensor(np.zeros(2, np.float16))
    w.grad = np.array([300, 400], np.float16)
    assert mg.optim.clip_grad_norm_([w], 5.0) == pytest.approx(500)
    np.testing.assert_allclose(w.grad, [3, 4], rtol=1e-3)


# ---- infinity and NaN go through, without a word --------------------------------------------------------------------


@pytest.mark.parametrize("row", [row for row in ROWS if not row.second], ids=lambda row: row.name)
def test_values_and_tensors_agree_at_infinity_and_nan(row):
    xs = [np.array([x for x in (inf, -inf, nan) if not row.within[0] > x])]
    tensors, values = (by(row, xs, 1) for by in (numerics.by_tensors, numerics.by_values))
    np.testing.assert_array_equal(tensors[0], values[0])
    np.testing.assert_array_equal(tensors[1], values[1])
    assert np.isnan(tensors[0][-1])


def test_the_twin_overflows_without_a_warning():
    x = Tensor([1e200, 1e200]).to_values()
    for y in (x.prod(), (x * x).sum(), x.exp().sum()):
        assert y.data == inf


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_optimisers_move_float16(name):
    """In float16 the eps of 1e-8 is 0, and 300² is infinite: PyTorch's weights become nan."""
    moved = {}
    for dtype in ("float16", "float64"):
        weights = [Tensor(np.ones(4, dtype)), Tensor(np.ones(4, dtype))]
        optimizer = getattr(mg.optim, name)(weights, lr=0.01)
        for _ in range(3):
            for w in weights:
                w.grad = np.array([0, 1e-3, 300, 1], dtype)
            optimizer.step()
        moved[dtype] = weights[1].numpy()
    assert moved["float16"].dtype == np.float16
    np.testing.assert_allclose(moved["float16"], moved["float64"], rtol=3e-3)
