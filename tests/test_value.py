"""Value: what micrograd's users and the lecture's viewers type, every operator on both sides, every bad input."""

import math
import operator
import random
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from micrograd_plus import Binary, Tensor, Ternary, Unary, Value, clip, grad, leaky_relu, maximum, no_grad, tanh, where
from micrograd_plus import abs as abs_
from micrograd_plus import sum as sum_
from micrograd_plus.nn.losses import LOSS_TABLE

# ---- micrograd's own two tests: the same expressions, ours against PyTorch and against micrograd -----------


def one_neuron(kind):
    """All that the smallest check needs: one input used many times."""
    x = kind(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    return y, (x,)


def more_operations(kind):
    a, b = kind(-4.0), kind(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return g, (a, b)


def torch_kind():
    torch = pytest.importorskip("torch")
    return lambda x: torch.tensor([x], dtype=torch.float64, requires_grad=True)


def micrograd_kind():
    return pytest.importorskip("micrograd.engine").Value


def tensor_kind():
    return lambda x: Tensor([x])


@pytest.mark.parametrize("expression", [one_neuron, more_operations])
@pytest.mark.parametrize("peer", [torch_kind, micrograd_kind, tensor_kind])
def test_the_numbers_of_the_peers(expression, peer):
    ours, leaves = expression(Value)
    theirs, their_leaves = expression(peer())
    ours.backward()
    theirs.backward()
    number = lambda x: x if isinstance(x, float) else x.item()
    assert ours.data == pytest.approx(number(theirs.data), rel=1e-12)
    for leaf, other in zip(leaves, their_leaves, strict=True):
        assert leaf.grad == pytest.approx(number(other.grad), rel=1e-12)


def test_the_readme_of_micrograd():
    g, (a, b) = more_operations(Value)
    g.backward()
    assert (f"{g.data:.4f}", f"{a.grad:.4f}", f"{b.grad:.4f}") == ("24.7041", "138.8338", "645.5773")


def test_random_expressions_against_micrograd():
    theirs = micrograd_kind()
    for seed in range(30):

        def build(kind, seed=seed):
            rng = random.Random(seed)
            leaves = [kind(rng.uniform(-2, 2)) for _ in range(4)]
            nodes = list(leaves)
            for _ in range(25):
                a, b, k = rng.choice(nodes), rng.choice(nodes), rng.uniform(0.5, 2)
                nodes.append(rng.choice([a + b, a * b * 0.3, a - k, k - b, a / k, -a, (a + b).relu(), (a * 0.3) ** 2]))
            return sum(nodes[-6:]), leaves

        (y, xs), (z, ys) = build(Value), build(theirs)
        y.backward()
        z.backward()
        assert y.data == pytest.approx(z.data, rel=1e-12)
        assert [x.grad for x in xs] == pytest.approx([x.grad for x in ys], rel=1e-9)


def test_a_number_minus_a_value():
    """micrograd's own tests can't tell number - Value from Value - number."""
    a = Value(3.0)
    y = 10 - a
    y.backward()
    assert (y.data, a.grad) == (7.0, -1.0)
    b = Value(4.0)
    z = 10 / b
    z.backward()
    assert (z.data, b.grad) == (2.5, -10 / 16)


# ---- the lecture's walk, by hand ---------------------------------------------------------------------------


def neuron():
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    x1w1 = x1 * w1
    x1w1.label = "x1*w1"
    x2w2 = x2 * w2
    both = x1w1 + x2w2
    n = both + b
    n.label = "n"
    o = n.tanh()
    o.label = "o"
    return locals()


WALK = ["o", "n", "b", "both", "x2w2", "x1w1", "x1", "w1"]  # leaves included, as in the lecture


def test_backward_by_hand_is_backward():
    by_hand = neuron()
    by_hand["o"].grad = 1.0
    for name in WALK:
        by_hand[name]._backward()
    automatic = neuron()
    automatic["o"].backward()
    for name in by_hand:
        assert by_hand[name].grad == automatic[name].grad, name
    grads = {name: round(automatic[name].grad, 6) for name in ("x1", "w1", "x2", "w2", "n")}
    assert grads == {"x1": -1.5, "w1": 1.0, "x2": 0.5, "w2": 0.0, "n": 0.5}


def test_the_words_of_the_lecture():
    parts = neuron()
    o, n = parts["o"], parts["n"]
    assert n in o._prev
    assert set(n._prev) == {parts["both"], parts["b"]}
    assert (o._op, n._op, parts["x1w1"]._op, parts["b"]._op) == ("tanh", "+", "*", "")
    assert [parts[k].label for k in ("x1", "n", "o", "both")] == ["x1", "n", "o", ""]
    assert repr(Value(2.0)).startswith("Value(data=2.0")


def test_the_lectures_trace():
    """`trace` collects nodes and edges with sets of _prev."""
    nodes, edges = set(), set()

    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(neuron()["o"])
    assert (len(nodes), len(edges)) == (10, 9)


def test_tanh_taken_apart_gives_the_same():
    parts = neuron()
    n = parts["n"]
    e = (2 * n).exp()
    o = (e - 1) / (e + 1)
    o.backward()
    assert o.data == pytest.approx(parts["o"].data, rel=1e-12)
    assert parts["x1"].grad == pytest.approx(-1.5)


OP_NAMES = [
    (lambda a: a + 1, "+"),
    (lambda a: 1 + a, "+"),
    (lambda a: a - 1, "-"),
    (lambda a: a * 2, "*"),
    (lambda a: a / 2, "/"),
    (lambda a: a**3, "**3"),
    (lambda a: a**-1, "**-1"),
    (lambda a: a**0.5, "**0.5"),
    (lambda a: 2**a, "**"),
    (lambda a: a**a, "**"),
    (lambda a: a.relu(), "ReLU"),
    (lambda a: a.tanh(), "tanh"),
    (lambda a: a.exp(), "exp"),
    (lambda a: a, ""),
]


@pytest.mark.parametrize(("f", "name"), OP_NAMES, ids=[name or "leaf" for _, name in OP_NAMES])
def test_op_names(f, name):
    assert f(Value(2.0))._op == name


def test_prev_has_each_child_once_and_inputs_has_each_use():
    a = Value(3.0)
    y = a + a
    assert list(y._prev) == [a]
    assert y.inputs == (a, a)
    assert len(a._prev) == 0


# ---- every operator, with every kind of number on either side ----------------------------------------------

NUMBERS = [
    2, 2.0, True, Fraction(2), np.float64(2), np.float32(2), np.float16(2), np.int64(2), np.int8(2), np.bool_(True),
    np.array(2.0), np.array(2),
]  # fmt: skip
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: f"{type(n).__name__}-{n}")
def test_numbers_on_either_side(op, number):
    for swapped in (False, True):
        v = Value(3.0)
        other = Value(float(number))
        y = op(number, v) if swapped else op(v, number)
        z = op(other, v) if swapped else op(v, other)
        assert type(y) is Value
        assert type(y.data) is float
        assert y.data == (op(float(number), 3.0) if swapped else op(3.0, float(number)))
        y.backward()
        grad = v.grad
        v.zero_grad()
        z.backward()
        assert grad == v.grad
        assert type(grad) is float


@pytest.mark.parametrize(
    "kind", [int, float, bool, np.float32, np.float64, np.int64, np.uint8, np.bool_, Fraction, np.array]
)
def test_any_real_number_becomes_a_float(kind):
    v = Value(kind(1))
    assert type(v.data) is float
    assert v.data == 1.0


def test_sums():
    a, b = Value(1.0), Value(2.0)
    for total in (sum([a, b, a]), sum_([a, b, a]), sum((a, b, a), Value(0.0)), sum_(x for x in (a, b, a))):
        a.zero_grad()
        b.zero_grad()
        total.backward()
        assert (total.data, a.grad, b.grad) == (4.0, 2.0, 1.0)
    assert sum([a]).data == 1.0


def test_min_max_and_sorting_choose_by_number():
    a, b, c = Value(2.0), Value(-1.0), Value(5.0)
    assert max(a, b, c) is c
    assert min([a, b, c]) is b
    assert sorted([a, b, c]) == [b, a, c]
    assert max(a, 7) == 7


@pytest.mark.parametrize(
    "other", [2, 2.0, Value(2.0), np.float64(2), np.float32(2), np.int64(2), Fraction(2)], ids=repr
)
def test_comparisons_are_plain_bools(other):
    low, high, equal = Value(1.0), Value(3.0), Value(2.0)
    found = [
        low < other, low <= other, low > other, low >= other,
        high < other, high <= other, high > other, high >= other,
        equal < other, equal <= other, equal > other, equal >= other,
        other > low, other >= low, other < low, other <= low,
    ]  # fmt: skip
    expected = [True, True, False, False, False, False, True, True, False, True, False, True, True, True, False, False]
    assert found == expected
    assert all(type(x) is bool for x in found)


def test_nan_compares_as_nan():
    v = Value(math.nan)
    assert [v < 1, v > 1, v <= 1, v >= 1] == [False] * 4


def test_equality_is_identity():
    a, b = Value(1.0), Value(1.0)
    assert a != b
    assert a == a
    assert a != 1.0
    assert len({a, b, a}) == 2
    assert {a: "a", b: "b"}[b] == "b"


def test_truth_float_item():
    assert bool(Value(0.5))
    assert not Value(0.0)
    assert float(Value(0.5)) == 0.5
    assert Value(0.5).item() == 0.5
    assert math.floor(Value(2.5).item()) == 2


def test_formatting():
    v = Value(3.14159, label="pi")
    assert f"{v:.2f}" == "3.14"
    assert f"{v:>8.1f}" == "     3.1"
    assert f"{v}" == str(v) == repr(v) == "Value(data=3.14159, grad=0.0, label='pi')"
    assert repr(Value(-0.0)) == "Value(data=-0.0, grad=0.0)"


def test_augmented_assignment_makes_a_new_node():
    a = Value(2.0)
    b = a
    b += 1
    b *= a
    b.backward()
    assert a.data == 2.0
    assert (b.data, a.grad) == (6.0, 5.0)


def test_functions_and_methods_are_the_same():
    for x in (-0.7, 0.0, 0.4):
        assert tanh(Value(x)).data == Value(x).tanh().data == tanh(x)
        assert abs_(Value(x)).data == abs(Value(x)).data == Value(x).abs().data == abs(x)
        assert leaky_relu(Value(x), 0.1).data == Value(x).leaky_relu(0.1).data
        assert clip(Value(x), 0, 1).data == Value(x).clip(0, 1).data == Value(x).clamp(0, 1).data
    assert (+Value(2.0)).data == 2.0
    assert (-Value(2.0)).data == -2.0
    assert Value(2.0).pow(3).data == 8.0
    assert maximum(2.0, Value(3.0)).data == 3.0
    assert where(Value(2.0) > 1, Value(5.0), 0.0).data == 5.0
    assert where(np.True_, Value(5.0), 0.0).data == 5.0


@pytest.mark.parametrize("new", [lambda v: 100.0, lambda v: v.data * 2, lambda v: np.float64(7.0)])
def test_changed_data_leaves_the_gradient_that_of_the_forward_pass(new):
    a, b = Value(3.0), Value(4.0)
    y = a * b + a**2 + (a * b).tanh() + where(a > 0, a, b) + sum_([a * a, b]) + a.exp() + maximum(a, b)
    y.backward()
    expected = [a.grad, b.grad]
    a.zero_grad()
    b.zero_grad()
    for v in (a, b, y, *y.inputs):
        v.data = new(v)
    y.backward()
    assert [a.grad, b.grad] == expected


def test_data_that_became_a_numpy_number_computes_as_a_float():
    """A learning rate from np.linspace turns .data into np.float64; nothing else may change, nor warn."""
    v = Value(0.5)
    v.data -= np.float64(0.5)
    assert (1 / v).data == math.inf
    assert v.log().data == -math.inf
    assert type((v * 2).data) is float
    assert type(v.step().data) is float


def test_values_have_no_room_for_misspellings():
    with pytest.raises(AttributeError):
        Value(1.0).gard = 3.0


# ---- bad input: what, why, and what to do ------------------------------------------------------------------

BAD = [
    ("3", r"needs a real number, got str '3'; convert it first: float\('3'\)"),
    (b"3", "needs a real number, got bytes"),
    (np.str_("3"), "needs a real number, got str"),
    ([1, 2], "needs a real number, got a list; use Tensor for arrays, or a list of Values"),
    ((1, 2), "needs a real number, got a tuple; use Tensor"),
    (np.ones(3), r"needs a real number, got an array of shape \(3,\); use Tensor"),
    (np.ones((2, 1)), r"needs a real number, got an array of shape \(2, 1\); use Tensor"),
    (None, "needs a real number, got NoneType"),
    (1 + 2j, "needs a real number, got complex .*real part"),
    (np.complex128(1j), "needs a real number, got complex"),
    ({"a": 1}, "needs a real number, got dict"),
    ({1}, "needs a real number, got set"),
    (np.array("a"), "needs a real number, got"),
]


@pytest.mark.parametrize(("bad", "text"), BAD, ids=[type(bad).__name__ for bad, _ in BAD])
def test_what_is_no_real_number_is_refused(bad, text):
    with pytest.raises(TypeError, match="^Value " + text):
        Value(bad)
    v = Value(1.0)
    for name, f in {
        "add": lambda: v + bad,
        "mul": lambda: bad * v,
        "sub": lambda: bad - v,
        "pow": lambda: v**bad,
        "maximum": lambda: v.maximum(bad),
        "clip": lambda: v.clip(bad, 2.0) if bad is not None else clip(v, bad, 2.0),
        "where": lambda: where(True, v, bad),
        "sum": lambda: sum_([v, bad]),
    }.items():
        if name == "sub" and isinstance(bad, set):
            continue
        with pytest.raises(TypeError, match=rf"`{name}` " + text):
            f()


def test_a_value_of_a_value_is_refused():
    with pytest.raises(TypeError, match=r"this is a Value already.*detach"):
        Value(Value(1.0))


@pytest.mark.parametrize("big", [10**400, -(10**400), Fraction(10**400)])
def test_a_number_too_large_for_a_float(big):
    with pytest.raises(OverflowError, match="too large for a float"):
        Value(big)
    with pytest.raises(OverflowError, match=r"`mul`.*too large for a float"):
        Value(1.0) * big


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
def test_comparing_with_a_huge_integer(compare):
    """Python's floats can: 1.0 < 10**400."""
    assert compare(Value(1.0), 10**400) == compare(1.0, 10**400)


@pytest.mark.parametrize("bad", ["a", None, [1], 1j, object()], ids=lambda x: type(x).__name__)
def test_comparing_with_what_has_no_order(bad):
    with pytest.raises(TypeError, match="not supported between"):
        Value(1.0) < bad  # noqa: B015


@pytest.mark.parametrize("compare", [lambda v, a: v < a, lambda v, a: a < v], ids=["left", "right"])
def test_comparing_with_an_array(compare):
    with pytest.raises(TypeError, match=r"a comparison with a Value needs a real number, got an array of shape \(2,\)"):
        compare(Value(1.0), np.ones(2))


def test_numpys_functions_are_ours_and_keep_the_gradient():
    for name in ("exp", "log", "sqrt", "sin", "tanh", "arctan", "log1p", "negative", "absolute"):
        v, expected = Value(0.7), Value(0.7)
        ours = {"negative": lambda x: -x, "absolute": abs}.get(name) or (lambda x, name=name: getattr(x, name)())
        y = getattr(np, name)(v)
        y.backward()
        ours(expected).backward()
        assert (y.data, v.grad) == (ours(expected).data, expected.grad)
    assert np.maximum(Value(2.0), 3.0).data == 3.0
    assert (np.float64(1) < Value(2.0)) is True


@pytest.mark.parametrize(
    "call", [lambda v: np.floor(v), lambda v: np.add.accumulate(v), lambda v: np.exp(v, dtype=float)]
)
def test_numpys_other_functions_are_refused(call):
    with pytest.raises(TypeError, match=r"np\.\w+ can't follow the gradient of a Value: use its own operators"):
        call(Value(1.0))


@pytest.mark.parametrize(
    "f", [lambda a, b: a + b, lambda a, b: b * a, lambda a, b: maximum(a, b), lambda a, b: sum_([a, b])]
)
@pytest.mark.parametrize("shape", [(), (2,)], ids=str)
def test_a_value_and_a_tensor_do_not_mix(f, shape):
    with pytest.raises(TypeError, match=r"Tensor.*Value|Value.*Tensor"):
        f(Value(1.0), Tensor(np.ones(shape)))


def test_an_object_that_knows_better_is_asked():
    class Knows:
        def __radd__(self, other):
            return "mine"

        def __mul__(self, other):
            return "mine too"

    assert Value(1.0) + Knows() == "mine"
    assert Knows() * Value(1.0) == "mine too"
    with pytest.raises(TypeError, match="unsupported operand"):
        Value(1.0) + object()


@pytest.mark.parametrize(
    ("f", "error", "text"),
    [
        (lambda v: v.backward("x"), TypeError, "backward needs a real number, got str"),
        (lambda v: v.backward([1.0]), TypeError, "backward needs a real number, got a list"),
        (lambda v: v.detach().backward(), RuntimeError, "requires_grad=False"),
        (lambda v: Value(1.0, requires_grad=False).backward(), RuntimeError, "requires_grad=False"),
        (lambda v: v.clip(), ValueError, r"clip needs min or max, or both: x.clip\(0, 1\)"),
        (lambda v: v // 2, TypeError, "unsupported operand"),
        (lambda v: v % 2, TypeError, "unsupported operand"),
        (lambda v: v @ v, TypeError, "unsupported operand"),
        (lambda v: tanh("a"), TypeError, "no exp, log, tanh"),
        (lambda v: tanh(None), TypeError, "no exp, log, tanh"),
    ],
)
def test_bad_use(f, error, text):
    with pytest.raises(error, match=text):
        f(Value(1.0))


def test_nothing_turns_complex():
    with pytest.raises(ValueError, match="not a real number"):
        Value(-8.0) ** (1 / 3)
    with pytest.raises(ValueError, match="not a real number"):
        (-8.0) ** Value(1 / 3)


SCRIPT = """
from micrograd_plus import Value, grad, no_grad, sum as sum_, where
xs = [Value(x) for x in (-1000.0, -1.0, 0.0, 0.5, 1000.0)]
for x in xs:
    ys = [x.sigmoid(), x.softplus(), x.tanh(), x.gelu(), x.silu(), x.relu(), abs(x), x.exp(), x ** 2, 1 / x, x.elu(),
          x.leaky_relu(), x.clip(0, 1), where(x > 0, x, 0.0), x.sin(), x.arctan(), x.erfc(), x.expm1()]
    for y in ys:
        y.backward()
    sum_(ys).backward()
    grad(grad(lambda t: t.sigmoid() * t))(x.data)
try:
    Value("3")
except TypeError:
    print("done", __debug__)
"""


@pytest.mark.parametrize(
    "flags", [["-W", "error"], ["-W", "error", "-O"], ["-W", "error", "-bb", "-X", "dev"]], ids=" ".join
)
def test_no_warnings_and_the_same_checks_when_optimised(flags):
    done = subprocess.run([sys.executable, *flags, "-c", SCRIPT], capture_output=True, text=True)
    assert done.stdout.strip() == f"done {'-O' not in flags}", done.stderr
    assert done.stderr == ""


def test_the_scalar_half_works_without_numpy():
    code = (
        "import sys; sys.modules['numpy'] = None\n"
        "from micrograd_plus import Value, grad, no_grad, tanh\n"
        "a = Value(2.0); y = (a * a + 1 / a).tanh(); y.backward()\n"
        "print(a.grad != 0, grad(grad(tanh))(0.0) == 0, type(a.data) is float)\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "True True True", done.stderr


def test_numpys_float32_beside_values_rounds_no_slope():
    f = lambda x: np.float32(0.1) * x.sin() + where(True, x, np.float32(0.1))
    a = Value(0.7)
    f(a).backward()
    assert grad(f)(0.7) == a.grad
    assert isinstance(grad(f)(0.7), float)
    assert grad(lambda x: LOSS_TABLE["bce_with_logits"](np.float32(0.1), x))(0.3) == -float(np.float32(0.1))


# ---- what a node keeps ---------------------------------------------------------------------------------------


def test_operands_are_python_numbers_whatever_they_were():
    x = Value(2.0)
    for y in (x * np.float32(0.5), np.float32(0.5) * x, x * np.float64(0.5), x * True):
        assert [type(operand) for operand in y.operands if operand is not x] == [float]
    assert [type(operand) for operand in (3 * x).operands] == [int, Value]  # a picture says 3, not 3.0
    assert [type(operand) for operand in (x * 3).operands] == [Value, int]


def test_a_rule_may_give_any_kind_of_real_number():
    one = Unary("one", lambda x: 1, lambda y, x: 0)
    both = Binary("both", lambda a, b: np.float32(0.5), lambda y, a, b: 0, lambda y, a, b: 0)
    for y, data in ((one(Value(2.0)), 1.0), (both(Value(2.0), 3.0), 0.5)):
        assert (type(y.data), y.data) == (float, data)
    for row in (Unary("text", lambda x: "1.5", lambda y, x: 0), Unary("list", lambda x: [1.5], lambda y, x: 0)):
        with pytest.raises(TypeError, match=f"the result of `{row.name}` needs a real number"):
            row(Value(2.0))


def test_a_node_is_stale_when_its_operands_or_itself_were_changed():
    for change in (-1.0, 1.0):
        a, b = Value(2.0), Value(3.0)
        y = a * b
        assert not y.is_stale()
        a.data += change
        assert y.is_stale()
        a.data -= change
        y.data += change
        assert y.is_stale()
    a = Value(1.0)
    y = a / 0.0
    assert not y.is_stale()  # inf is what it was
    nothing = y - y
    assert math.isnan(nothing.data)
    assert not nothing.is_stale()  # nan, too
    y.data = math.nan
    assert y.is_stale()
    a = Value(2.0)
    y = a * 3.0
    a.data = math.nan
    assert y.is_stale()


def test_whether_a_node_is_stale_is_asked_without_a_trace():
    a, b = Value(2.0), Value(3.0, requires_grad=False)
    y = a * b
    b.requires_grad = True  # no number has changed: the slope for b was never taken
    with no_grad():
        assert not y.is_stale()
        assert not (a * b).requires_grad
        a.data = 5.0
    assert y.is_stale()
    assert (a * b).requires_grad


def test_numbers_among_three_operands_are_kept_as_floats():
    y = where(True, Value(2.0), np.float32(0.1))
    assert [type(x) for x in y.operands] == [bool, Value, float]


def test_a_complex_number_is_no_data():
    for number in (np.array(1j), np.complex128(1j), 1j):
        with pytest.raises(TypeError, match="Value needs a real number"):
            Value(number)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x, z: x**z, 1.0),  # 1 to any power is 1, but not its slope
        (lambda x, z: x * z, 0.0),
        (lambda x, z: maximum(x, z), 5.0),  # a tie, and then not any more
        (lambda x, z: where(x > 1, x, z * x), 0.0),
    ],
)
def test_a_change_that_shows_in_a_slope_alone_is_noticed(f, x):
    """grad(f) reads what the operands hold now: for a number changed since, it would be another function's slope."""

    def changed(x):
        z = Value(5.0)
        y = f(x, z)
        z.data = 4.0
        return y

    with pytest.raises(RuntimeError, match=r"was changed by \.data inside f"):
        grad(changed)(x)


def test_a_change_to_what_is_not_real_is_noticed():
    def changed(x):
        z = x * 2.0
        y = z.log()
        z.data = -1.0
        return y

    with pytest.raises(RuntimeError, match=r"`log`: what it was computed from .* was changed by \.data"):
        grad(changed)(3.0)


def test_a_row_of_three_inputs_at_the_edge():
    slopes = (lambda y, a, b, c: 1 / (b - c)), (lambda y, a, b, c: -y / (b - c)), (lambda y, a, b, c: y / (b - c))
    ratio = Ternary("ratio", lambda a, b, c: a / (b - c), *slopes)
    a, b = Value(1.0), Value(2.0)
    y = ratio(a, b, 2.0)
    y.backward()
    assert (y.data, a.grad, b.grad) == (math.inf, math.inf, -math.inf)  # as PyTorch: 1/0 is inf


def test_leaky_relu_leaks_a_hundredth_unless_told_otherwise():
    x = Value(-2.0)
    y = x.leaky_relu()
    y.backward()
    assert (y.data, x.grad) == (-0.02, 0.01)
    assert Tensor([-2.0]).leaky_relu().tolist() == [-0.02]


def test_a_row_of_one_number_is_no_number():
    class Row:  # an array as older versions of NumPy have it: float() takes it
        ndim, shape, dtype = 1, (1,), np.dtype(float)

        def item(self):
            return 2.0

        __float__ = item

    for row in (Row(), np.array([2.0])):
        with pytest.raises(TypeError, match="Value needs a real number, got"):
            Value(row)
