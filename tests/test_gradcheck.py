"""gradcheck: right gradients pass, wrong ones are named, and nothing of the user's is changed."""

import math
import random

import numpy as np
import pytest

from micrograd_plus import Binary, Structural, Tensor, Unary, Value, nn, tanh
from micrograd_plus.engine.ops import TABLE
from micrograd_plus.explain import error_over_h
from micrograd_plus.explain.gradcheck import gradcheck, gradgradcheck

POINTWISE = [row for row in TABLE.values() if row.pointwise]


def tanh_with(slope):
    """tanh with another slope than its own."""
    return Unary("my_tanh", tanh.forward, slope)


# ---- what is right passes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", POINTWISE, ids=lambda row: row.name)
def test_every_row_of_the_table_passes_without_being_given_inputs(row):
    result = gradcheck(row)
    assert result, result
    assert len(result.checks) >= row.arity


RIGHT = [
    (lambda a, b: (a * b).tanh() + a / b, (0.5, -2.0)),
    (lambda x: x.log(), (1e-5,)),  # a step of 6e-6 is far too wide there
    (lambda x: x**3, (1e8,)),
    (lambda x: x.relu(), (1e-7,)),  # the usual step reaches over the kink
    (lambda x: 1e9 + x, (1.0,)),
    (lambda x: [x * 2, {"more": x.exp()}], (0.3,)),
    (lambda x, w: (x @ w).softmax(), (np.array([[0.1, 0.9]]), np.array([[0.5, 0.2], [0.3, -0.7]]))),
    (lambda x, w: (x @ w).tanh().sum(), (np.ones((2, 3), np.float32), np.full((3, 2), 0.1, np.float32))),
    (lambda x, y: nn.functional.cross_entropy(x, y), (np.array([[0.1, 0.5], [2.0, 0.3]]), np.array([0, 1]))),
]


@pytest.mark.parametrize(("f", "inputs"), RIGHT)
def test_right_gradients_pass(f, inputs):
    result = gradcheck(f, *inputs)
    assert result, result
    assert result.passed
    assert "gradcheck passed" in str(result)
    assert all(c.verdict == "ok" for c in result.checks)


def test_of_float32_numbers_the_differences_are_taken_in_float64():
    x = np.linspace(0.1, 1, 5).astype(np.float32)
    result = gradcheck(lambda x: (x * 3).exp().sum(), x)
    assert max(c.error for c in result.checks) < 1e-6
    assert gradcheck(tanh_with(lambda y, x: (1 - y * y) * 1.01), Tensor(x)).passed is False


def test_float32_inside_of_f_is_noticed():
    """Differences of float32 numbers have three digits: the step and the tolerance must know."""
    assert gradcheck(lambda x: (x.astype(np.float32) * 3).exp().sum(), np.linspace(0.1, 1, 5).astype(np.float32))


def test_a_modules_parameters_are_checked_too():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    result = gradcheck(model, np.array([[0.3, -0.2]]))
    assert result
    assert {c.name for c in result.checks} == {"x", "0.weight", "0.bias", "2.weight", "2.bias"}
    assert len(result.checks) == result.total == 2 + 6 + 3 + 3 + 1
    scalars = gradcheck(nn.MLP(2, [2, 1]), [Value(0.1), Value(0.7)])
    assert scalars
    assert scalars.total == 9 + 2
    assert {"x[0]", "x[1]", "layers.1.neurons.0.b"} <= {c.name for c in scalars.checks}


def test_lists_of_values_are_inputs():
    assert gradcheck(TABLE["sum"], [0.5, Value(2.0)]).total == 2
    result = gradcheck(lambda xs, y: xs[0] * xs[1].detach() + y, [0.5, 2.0], 1.0)
    assert [c.where for c in result.wrong] == ["xs[1]"]
    assert gradcheck(lambda xs: xs[0] * xs[1], (0.5, 2.0)).checks[0].complex == 2.0


def test_second_derivatives():
    assert gradgradcheck(lambda a, b: (a * b).tanh() * a**3, 0.5, 0.3)
    assert gradgradcheck(lambda x, w: (x @ w).tanh(), np.array([[0.3, 0.1]]), np.array([[0.5], [0.2]]))
    assert gradgradcheck(nn.Sequential(nn.Linear(2, 2), nn.Tanh()), np.array([[0.3, -0.2]]))
    # the first derivative is right, and the second isn't: Python's tanh hides y's dependence on x
    second = tanh_with(lambda y, x: 1 - math.tanh(float(getattr(x, "data", x))) ** 2)
    assert gradcheck(second, 0.5)
    wrong = gradgradcheck(second, 0.5)
    assert not wrong
    assert "gradgradcheck FAILED" in str(wrong)


# ---- what is wrong is named ------------------------------------------------------------------------------------

turned = Structural("turned", lambda a, b: a @ b, lambda g, y, a, b: (g @ b.mT).T, lambda g, y, a, b: a.mT @ g)
deaf = Structural("deaf", lambda a: a * a, lambda g, y, a: 2 * a)
swapped = Binary("swapped", lambda a, b: a * b, lambda y, a, b: a, lambda y, a, b: b)
SQUARE = np.array([[0.3, 0.9, 0.1], [0.5, -0.2, 0.7], [1.1, 0.4, -0.6]])

WRONG = {
    "sign": (tanh_with(lambda y, x: y * y - 1), (0.5,), "x: the sign is wrong: analytic = -numeric"),
    "twice": (tanh_with(lambda y, x: 2 - 2 * y * y), (), "x: a factor is wrong: analytic = 2 × numeric"),
    "half": (tanh_with(lambda y, x: 0.5 * (1 - y * y)), (), "x: a factor is wrong: analytic = ½ × numeric"),
    "seven": (tanh_with(lambda y, x: 7 - 7 * y * y), (), "analytic = 7 × numeric, everywhere"),
    "exchanged": (tanh_with(lambda y, x: 1 - x * x), (), "x: the slope is right with y and x exchanged"),
    "zero": (tanh_with(lambda y, x: 0), (), "x: backward() brings nothing, though f changes with it"),
    "no pattern": (tanh_with(lambda y, x: 1 - y), (), "5 of 5 wrong, the worst at x[4]: no usual mistake fits"),
    "detached": (lambda a, b: a.detach() * b, (0.4, 0.3), "a: backward() brings nothing"),
    "all detached": (lambda a: a.detach() * 3, (0.4,), "a: backward() brings nothing"),
    "slopes swapped": (swapped, (0.4, 0.3), "a: this is the gradient of b: two slopes"),
    "transposed": (lambda a, b: turned(a, b), (SQUARE, SQUARE + 1), "a: right when transposed"),
    "without g": (lambda a: deaf(a), (SQUARE[0],), "a: right without what arrives from above"),
    "inside": (lambda a: tanh_with(lambda y, x: 1 - y)(a * 2) + a, (0.4,), "found in the operation `my_tanh`"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_gradient_fails_and_the_likely_mistake_is_named(name):
    f, inputs, hint = WRONG[name]
    result = gradcheck(f, *inputs)
    assert not result
    assert any(hint in line for line in result.hints), result
    assert "gradcheck FAILED" in str(result)
    assert hint in str(result)


def test_a_broadcast_that_is_not_added_up():
    forgot = Structural("forgot", lambda a, b: a + b, lambda g, y, a, b: g, lambda g, y, a, b: g)
    result = gradcheck(lambda a, b: forgot(a, b), np.ones((3, 2)), np.ones(2))
    assert not result
    assert "`forgot` for input 1 gives a gradient of shape (3, 2)" in str(result)
    assert "forgot to add up the axes" in str(result)


def test_the_input_and_the_element_are_named():
    spoiled = Structural("spoiled", lambda a: a * 1, lambda g, y, a: g + np.array([[0, 0], [0, 0.1]]))
    result = gradcheck(lambda a, b: spoiled(a) * b, Tensor(np.ones((2, 2)), label="weights"), np.ones(2))
    assert [c.where for c in result.wrong] == ["weights[1, 1]"]
    row = next(line for line in str(result).splitlines() if line.startswith("weights[1, 1]"))
    assert row.endswith("wrong")
    assert "b[" in str(result)
    assert result.hints[0] == (
        "weights: 1 of 4 wrong, the worst at weights[1, 1]: no usual mistake fits. Is a path not recorded: .detach(), "
        ".data, no_grad() or float() on the way?"
    )


def test_a_kink_is_said_and_not_called_wrong():
    result = gradcheck(lambda x: x.relu(), 0.0)
    assert result
    assert result.checks[0].verdict == "kink"
    assert result.hints == ["x: a kink: the slope is 0 on the left and 1 on the right, 0 is as good as any between"]
    assert gradcheck(lambda x: x.step(), 0.0).checks[0].verdict == "kink"
    outside = Unary("relu3", TABLE["relu"].forward, lambda y, x: 3.0)
    result = gradcheck(outside, 0.0)
    assert not result
    assert "does not lie between" in str(result)


# ---- what can't be checked ------------------------------------------------------------------------------------


def test_what_can_not_be_checked_is_refused():
    noisy = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5))
    with pytest.raises(ValueError, match=r"different numbers each time .*dropout.*model\.eval\(\)"):
        gradcheck(noisy, np.ones((4, 2)))
    noisy.eval()
    assert gradcheck(noisy, np.ones((4, 2)))
    with pytest.raises(ValueError, match="f gives nan at these inputs"):
        gradcheck(lambda x: x * math.nan, 1.0)
    with pytest.raises(TypeError, match="must give Values or Tensors, it gave str"):
        gradcheck(lambda x: "text", 1.0)
    with pytest.raises(TypeError, match="nothing to differentiate"):
        gradcheck(lambda x: x, 3)
    with pytest.raises(ValueError, match="finite at none of the usual points"):
        gradcheck(Unary("log of minus", lambda x: TABLE["log"](x - 9), lambda y, x: 1 / (x - 9)))


# ---- nothing is changed ------------------------------------------------------------------------------------------


def raise_late(f):
    """f, until it has run 7 times."""
    calls = []

    def g(*xs):
        calls.append(1)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return f(*xs)

    return g


@pytest.mark.parametrize("interrupted", [False, True])
def test_data_and_gradients_are_put_back(interrupted):
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    outside, x = Tensor([1.0, 2.0, 3.0]), Tensor([[0.1, 0.2]])
    inner = outside * 2
    (model(x) * inner).sum().backward()
    things = [*model.parameters(), outside, x, inner]
    arrays, grads = [t._array for t in things], [t.grad for t in things]
    copies = [(t.numpy().copy(), t.grad.copy()) for t in things]
    f = lambda z: model(z) * inner
    f.named_parameters = model.named_parameters
    if interrupted:
        g = raise_late(f)
        g.named_parameters = model.named_parameters
        with pytest.raises(KeyboardInterrupt):
            gradcheck(g, x)
    else:
        assert gradcheck(f, x)
    for t, array, grad, (numbers, slopes) in zip(things, arrays, grads, copies, strict=True):
        assert t._array is array
        assert t.grad is grad
        assert np.array_equal(t.numpy(), numbers)
        assert np.array_equal(t.grad, slopes)


def test_values_are_put_back():
    model, a = nn.MLP(2, [2, 1]), Value(0.3)
    model([a, a * 2]).backward()
    before = [(p.data, p.grad) for p in [*model.parameters(), a]]
    assert gradcheck(model, [a, Value(0.1)])
    assert gradcheck(lambda x: x * a, 0.5)
    with pytest.raises(ZeroDivisionError):
        gradcheck(lambda x: model([x, a]) + 1 // 0, 0.5)
    assert [(p.data, p.grad) for p in [*model.parameters(), a]] == before


def test_a_gradient_that_f_does_not_touch_is_put_back_too():
    model, other = nn.MLP(1, [1]), Value(2.0)
    (other * 5).backward()
    f = lambda x: model([x])
    f.named_parameters = lambda: [*model.named_parameters(), ("other", other)]
    result = gradcheck(f, 0.5)
    assert [c.analytic for c in result.checks if c.name == "other"] == [0.0]
    assert other.grad == 5.0


def test_other_randomness_is_left_alone():
    random.seed(1)
    expected = random.random()
    random.seed(1)
    gradcheck(lambda x: (x * 2).tanh(), np.ones(3))
    assert random.random() == expected


# ---- large inputs ----------------------------------------------------------------------------------------------


def test_of_a_large_input_a_sample_is_checked():
    run = lambda seed: gradcheck(lambda x, b: (x * x).sum() + b, np.ones((100, 50)), 2.0, sample=20, seed=seed)
    result = run(3)
    assert 20 <= len(result.checks) <= 23
    assert {c.name for c in result.checks} == {"x", "b"}
    assert f"passed: {len(result.checks)} of 5,001 numbers checked" in str(result)
    places = [c.index for c in result.checks]
    assert places == [c.index for c in run(3).checks] != [c.index for c in run(4).checks]


def test_many_inputs_are_not_all_listed():
    text = str(gradcheck(nn.MLP(3, [4, 1]), [Value(0.1)] * 3))
    assert len(text.splitlines()) < 17
    assert "… and 12 more inputs" in text


# ---- the complex step, and the error over h ------------------------------------------------------------------------


COMPLEX = [row for row in POINTWISE if row.name not in ("erfc", "gelu", "where")]


@pytest.mark.parametrize("xs", [(0.7, 1.3, 2.1), (-0.6, 0.8, 1.9)], ids=str)
@pytest.mark.parametrize("row", COMPLEX, ids=lambda row: row.name)
def test_the_complex_step_has_all_digits(row, xs):
    if xs[0] < 0 and row.name in ("log", "sqrt", "pow"):
        return
    for check in gradcheck(row, *xs[: row.arity]).checks:
        assert check.complex == pytest.approx(check.analytic, rel=4e-15, abs=1e-300)


def test_where_there_is_no_complex_step_the_reason_is_given():
    assert "erfc" in gradcheck(TABLE["gelu"], 0.5).why_not_complex
    assert "not of arrays" in gradcheck(tanh, Tensor([1.0])).why_not_complex
    assert "parameters" in gradcheck(nn.MLP(1, [1]), [Value(0.1)]).why_not_complex
    assert "f doesn't run on complex numbers" in gradcheck(lambda x: x * x.data, 0.5, rtol=9).why_not_complex
    assert gradcheck(lambda x: x.exp(), 0.5).why_not_complex == ""
    assert "complex step" in str(gradcheck(lambda x: x.exp(), 0.5))


def test_the_error_over_h_is_a_valley():
    found = error_over_h(lambda x: x.exp() * x, 1.0, steps=31)
    assert len(found.hs) == len(found.forward) == len(found.central) == len(found.complex_step) == 31
    assert found.hs[0] == 0.1
    assert found.hs[-1] == pytest.approx(1e-16)
    assert found.exact == pytest.approx(2 * math.e)
    # where the valley is: at the square root and at the cube root of the precision
    assert 1e-9 < found.hs[found.forward.index(min(found.forward))] < 1e-6
    assert 1e-7 < found.hs[found.central.index(min(found.central))] < 1e-4
    assert min(found.central) < 0.03 * min(found.forward)
    assert found.complex_step[-1] < 1e-15
    arrays = error_over_h(lambda x: (x * x).sum(), np.ones(3))
    assert arrays.complex_step is None
    assert "not of arrays" in arrays.why_not_complex
    assert arrays.exact == pytest.approx(6)


# ---- several outputs, edges of a domain, hooks -----------------------------------------------------------------------


def test_of_several_outputs_the_gradient_of_their_sum_is_shown():
    result = gradcheck(lambda x: x * x, Tensor([1.0, 2.0, 3.0]))
    assert [c.analytic for c in result.checks] == [2.0, 4.0, 6.0]
    assert gradcheck(lambda x: [x, x], 1.0).checks[0].analytic == 2.0
    assert [c.analytic for c in gradgradcheck(lambda x: x**3, Tensor([1.0, 2.0])).checks] == pytest.approx([6.0, 12.0])


def test_a_rule_that_is_right_for_a_sum_alone_is_found():
    result = gradcheck(lambda a: deaf(a), SQUARE[0])
    assert not result
    assert "with the outputs weighted differently" in result.hints[0]
    assert gradcheck(lambda a: deaf(a).sum(), SQUARE[0])  # one output: nothing to weight


EDGES = [lambda x: x**0.5, lambda x: x.sqrt(), lambda x: x.log(), lambda x: x**1.5, lambda x: 1 / x, lambda x: x.exp()]


@pytest.mark.parametrize("f", EDGES)
def test_near_the_edge_of_a_domain_right_rules_pass(f):
    result = gradcheck(f, 1e-10)
    assert result.checks[0].verdict == "ok", result
    assert not result.hints


WRONG_AT_EDGES = {
    "sqrt": Unary("my_sqrt", lambda x: x**0.5, lambda y, x: 1 / y),
    "inverse": Unary("my_inverse", lambda x: 1 / x, lambda y, x: y * y),
    "exp": Unary("my_exp", TABLE["exp"].forward, lambda y, x: 2 * y),
}


@pytest.mark.parametrize("name", WRONG_AT_EDGES)
def test_near_the_edge_of_a_domain_wrong_rules_are_found(name):
    result = gradcheck(lambda x: WRONG_AT_EDGES[name](x), 1e-10)
    assert [c.verdict for c in result.checks] == ["wrong"]
    assert f"found in the operation `my_{name}`" in str(result)
    assert "kink" not in str(result)


def test_what_can_not_be_checked_is_neither_right_nor_wrong():
    result = gradcheck(lambda x: x.sqrt(), 0.0)
    assert not result
    assert not result.wrong
    assert "gradcheck: nothing could be checked" in str(result)
    assert result.hints == [
        "x: not finite: the slope, or f a small step away, is inf or nan (a pole, or the edge of where f is defined), "
        "so it can't be checked there"
    ]
    some = gradcheck(lambda x: x.sqrt(), Tensor([0.0, 1.0]))
    assert some
    assert "(1 can't be checked)" in str(some)
    pole = gradcheck(lambda x: 1 / (x - 1), 1 + 1e-10)
    assert "a pole is crossed by the step" in str(pole)
    assert "kink" not in str(pole)
    assert gradcheck(Unary("no slope", lambda x: x * x, lambda y, x: math.nan), 0.5).wrong


def test_the_kink_of_abs_stays_one():
    half = Unary("my_abs", TABLE["abs"].forward, lambda y, x: 0.5)
    assert gradcheck(half, 0.0).checks[0].verdict == "kink"


def test_a_branch_that_was_cut_is_hinted_at():
    hints = " ".join(gradcheck(lambda x: (x * x).detach() + x, 3.0).hints)
    for word in (".detach()", ".data", "no_grad", "float()"):
        assert word in hints


def test_hooks_are_not_called_and_stay():
    model, calls = nn.Linear(2, 1), []
    model.weight.register_hook(calls.append)
    hooks = model.weight.hooks
    assert gradcheck(model, np.ones((1, 2)))
    assert not calls
    assert model.weight.hooks is hooks


def test_bad_arguments_are_named():
    for f in (None, "x"):
        with pytest.raises(TypeError, match=r"gradcheck needs a function first, .* got (NoneType|str)"):
            gradcheck(f)
    with pytest.raises(TypeError, match=r"write 3\.0 in place of 3"):
        gradcheck(lambda x: x * x, 3)
    with pytest.raises(ValueError, match="f gave an empty list"):
        gradcheck(lambda x: [], 1.0)
