"""A graph as a program: it reads as a person would write it, runs by itself, and gives the engine's own numbers."""

import ast
import keyword
import math
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_plus import (
    Many,
    Tensor,
    Unary,
    Value,
    concatenate,
    einsum,
    exp,
    log,
    maximum,
    minimum,
    nn,
    no_grad,
    relu,
    sigmoid,
    stack,
    where,
)
from micrograd_plus import sum as add_up
from micrograd_plus.engine.array_ops import ARRAY_TABLE
from micrograd_plus.engine.graph import order
from micrograd_plus.engine.maths import floats
from micrograd_plus.engine.ops import TABLE
from micrograd_plus.explain.code import CodeError
from micrograd_plus.explain.programs.numbers import Numbers
from micrograd_plus.explain.programs.terms import Term
from micrograd_plus.explain.to_python import Program, to_python
from micrograd_plus.nn.losses import LOSS_TABLE

ROWS = [row for row in [*TABLE.values(), *LOSS_TABLE.values()] if row.pointwise]


def run(program):
    """The program, run with nothing of ours in sight: its function, and what its last line computes."""
    scope = {"__builtins__": __builtins__}
    exec(program, scope)
    result = ast.parse(program).body[-1].targets[0].elts[0].id
    return scope["loss_and_gradient"], scope[result], scope["gradient"]


def check(root, leaves, names=None):
    """The program's numbers are backward()'s, all bits of them. leaves: the tracked ones, by the program's names."""
    program = to_python(root, names)
    _, y, gradient = run(program)
    for leaf in leaves.values():
        leaf.zero_grad()
    root.backward()
    assert y == root.data
    assert gradient == {name: leaf.grad for name, leaf in leaves.items()}
    return program


def body(program):
    """The lines inside of the function, without comments."""
    lines = program.split("def loss_and_gradient")[1].split("\n\n\n")[0].splitlines()[1:]
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


# ---- how it reads --------------------------------------------------------------------------------------------

NEURON = """\
from math import tanh


def loss_and_gradient(w, x, b):
    # forward
    p = w * x
    s = p + b
    y = tanh(s)

    # backward: d_s is d(y)/d(s)
    d_y = 1.0
    d_s = (1 - y * y) * d_y
    d_p = d_s
    d_x = w * d_p
    d_w = x * d_p
    d_b = d_s
    return y, {"w": d_w, "x": d_x, "b": d_b}


y, gradient = loss_and_gradient(w=2.0, x=0.5, b=-1.0)"""

TWO_PATHS = """\
def relu(x):
    return max(x, 0.0)


def step(x):  # the slope of relu
    return 1.0 if x > 0 else 0.0


def loss_and_gradient(w):
    # forward
    p1 = w * 3.0
    s = p1 - 0.5
    h = relu(s)
    t = w**2
    p2 = 0.1 * t
    loss = h + p2

    # backward: d_h is d(loss)/d(h); where paths meet, they add up
    d_loss = 1.0
    d_h = d_loss
    d_s = step(s) * d_h
    d_p1 = d_s
    d_p2 = d_loss
    d_t = 0.1 * d_p2
    d_w = 3.0 * d_p1 + 2 * w * d_t
    return loss, {"w": d_w}


loss, gradient = loss_and_gradient(w=2.0)"""


def test_a_neuron_reads_like_code_on_the_board():
    w, x, b = Value(2.0), Value(0.5), Value(-1.0)
    y = (w * x + b).tanh()
    assert check(y, {"w": w, "x": x, "b": b}, locals()) == NEURON


def test_paths_that_meet_stand_on_one_line_and_only_what_is_used_is_defined():
    w = Value(2.0, label="w")
    assert check(relu(w * 3.0 + -0.5) + 0.1 * w**2, {"w": w}).endswith(TWO_PATHS.partition("backward")[2])
    assert check(relu(w * 3.0 - 0.5) + 0.1 * w**2, {"w": w}) == TWO_PATHS


def test_it_shows_itself_as_its_text_and_is_one():
    a = Value(2.0, label="a")
    program = to_python(a * a)
    assert isinstance(program, Program)
    assert isinstance(program, str)
    assert repr(program) == str(program) == "".join(program)
    pretty = pytest.importorskip("IPython.lib.pretty")
    assert pretty.pretty(program) == str(program)


@pytest.mark.parametrize(
    ("f", "forward", "slope"),
    [
        (lambda a, b: -a, "loss = -a", "d_a = -d_loss"),
        (lambda a, b: a - b, "loss = a - b", "d_b = -d_loss"),
        (lambda a, b: a * -1.0, "loss = -a", "d_a = -d_loss"),
        (lambda a, b: a * 1.0, "loss = a * 1.0", "d_a = d_loss"),
        (lambda a, b: a**1, "loss = a**1", "d_a = d_loss"),
        (lambda a, b: a**2, "loss = a**2", "d_a = 2 * a * d_loss"),
        (lambda a, b: a**0, "loss = 1.0", "d_a = 0 * d_loss"),
        (lambda a, b: a**2.0, "loss = a**2.0", "d_a = 2.0 * a * d_loss"),
        (lambda a, b: a + -0.5, "loss = a - 0.5", "d_a = d_loss"),
        (lambda a, b: a - -0.5, "loss = a + 0.5", "d_a = d_loss"),
        (lambda a, b: 2**a, "loss = 2**a", f"d_a = loss * {math.log(2)} * d_loss"),
        (lambda a, b: a / b, "loss = a / b", "d_b = -loss / b * d_loss"),
        (lambda a, b: a + a, "loss = a + a", "d_a = d_loss + d_loss"),
        (lambda a, b: a - a, "loss = a - a", "d_a = d_loss - d_loss"),
        (lambda a, b: add_up([a, b, a, 2]), "loss = a + b + a + 2", "d_a = d_loss + d_loss"),
        (lambda a, b: a.clip(0, 1), "loss = minimum(maximum(a, 0), 1)",
         "d_a = (1.0 if a >= 0 and a <= 1 else 0.0) * d_loss"),
        (lambda a, b: a.leaky_relu(), "loss = a if a > 0 else 0.01 * a", "d_a = (1 if a > 0 else 0.01) * d_loss"),
        (lambda a, b: where(a, b, 2.0), "loss = b if a else 2.0", "d_b = (1.0 if a else 0.0) * d_loss"),
        (lambda a, b: where(True, a, b), "loss = a", "d_b = 0.0 * d_loss"),
        (lambda a, b: a.sign(), "loss = sign(a)", "d_a = 0 * d_loss"),
        (lambda a, b: nn.losses.hinge(a, -1), "loss = relu(1 + a)", "d_a = step(1 + a) * d_loss"),
        (lambda a, b: nn.losses.hinge(a, 1), "loss = relu(1 - a)", "d_a = -step(1 - a) * d_loss"),
    ],
)  # fmt: skip
def test_lines_as_a_person_would_write_them(f, forward, slope):
    a, b = Value(0.75, label="a"), Value(1.5, label="b")
    root = f(a, b)
    used = {name: leaf for name, leaf in (("a", a), ("b", b)) if leaf in root.inputs}
    lines = body(check(root, used))
    assert forward in lines
    assert slope in lines


def test_a_minus_in_front_of_a_later_path_is_a_subtraction():
    x = Value(0.3, label="x")
    assert "d_x = d_s - sin(x) * d_t2" in body(check((x + 1).exp() * x.cos(), {"x": x}))


def test_a_long_sum_of_paths_is_broken_between_them():
    x, y = Value(2.0, label="a_long_name"), Value(3.0, label="another_long_name")
    lines = check(x * y + y.exp() * x - x * (y * 0.3) - (x * y) / x, {x.label: x, y.label: y}).splitlines()
    start = lines.index("    d_a_long_name = (")
    assert [line.strip() for line in lines[start : start + 4]] == [
        "d_a_long_name = (",
        "another_long_name * d_p1 + t * d_p2 + p3 * d_p4 - q / a_long_name * d_q",
        "+ another_long_name * d_p5",
        ")",
    ]


def test_long_lines_are_folded_and_still_run():
    xs = [Value(i / 7, label=f"weight_number_{i}") for i in range(30)]
    total = add_up(xs) * add_up([xs[0]] * 20)
    program = check(total, {x.label: x for x in xs})
    assert max(map(len, program.splitlines())) <= 88
    assert '"weight_number_3": d_weight_number_3,' in program


def test_steps_without_a_name_are_called_by_what_they_are():
    a, b = Value(1.0, label="a"), Value(2.0, label="b")
    root = (a * b + b * 3 + a).sigmoid() / b.exp() - a.sqrt()
    assert [line.split(" = ")[0] for line in body(to_python(root))[:8]] == "p1 p2 s1 s2 h t1 q t2".split()


def test_a_leaf_without_a_name_is_x_and_an_untracked_one_is_its_number():
    a, b, c = Value(2.0), Value(3.0), Value(-4.0, requires_grad=False)
    _, y, gradient = run(to_python(a * b * c))
    assert (y, gradient) == (-24.0, {"x1": -12.0, "x2": -8.0})
    assert "loss = p * -4.0" in to_python(a * b * c)
    assert check(a * c, {"a": a}, {"a": a, "c": c}).startswith("def loss_and_gradient(a, c):")


def test_parameters_of_a_model_have_short_names():
    net = nn.MLP(2, [2, 1])
    loss = nn.hinge_loss([net([1.0, -0.5]), net([-2.0, 0.3])], [1, -1])
    leaves = {}
    for i, layer in enumerate(net.layers):
        for j, neuron in enumerate(layer.neurons):
            leaves |= {f"w_{i}_{j}_{k}": w for k, w in enumerate(neuron.w)} | {f"b_{i}_{j}": neuron.b}
    program = to_python(loss, {"net": net, "loss": loss})
    _, y, gradient = run(program)
    loss.backward()
    assert y == loss.data
    assert gradient == {name: leaf.grad for name, leaf in leaves.items()}
    other = nn.MLP(2, [1])
    assert "(\n    w_0_0_0, w_0_0_1, b_0_0, w_0_1_0, w_0_1_1, b_0_1, w_1_0_0, w_1_0_1, b_1_0,\n):" in program
    both = to_python(net([1.0, 2.0]) * other([1.0, 2.0]), {"net": net, "other": other})
    assert len(run(both)[2]) == 12


# ---- names that can't stand as they are ----------------------------------------------------------------------

HOSTILE = [
    ("w[0,1]", "w_0_1"),
    ("x['age']", "x_age"),
    ("lambda", "lambda_"),
    ("None", "None_"),
    ("exp", "exp_"),
    ("sigmoid", "sigmoid_"),
    ("max", "max_"),
    ("loss_and_gradient", "loss_and_gradient_"),
    ("gradient", "gradient_"),
    ("2nd try", "v2nd_try"),
    ("import os", "import_os"),
    ("a\nimport os\n", "a_import_os"),
    ('"); print("x', "print_x"),
    ("'''", "x"),
    ("# x", "x"),
    ("__debug__", "debug"),
    ("λ", "λ"),
    ("ﬁt", "fit"),
    ("x²", "x2"),
    ("½", "v1_2"),
    ("\ud800", "x"),
    ("  ", "x"),
    ("h" * 300, "h" * 40),
    ("\u0303x", "ṽx"),
]


@pytest.mark.parametrize(("label", "name"), HOSTILE, ids=[ascii(label)[:20] for label, _ in HOSTILE])
def test_any_label_becomes_a_name(label, name):
    a = Value(0.5, label=label)
    check(a.exp() * a.sigmoid() * maximum(a, 0.1), {name: a})


def test_names_that_are_alike_stay_apart():
    a, b, c = Value(2.0, label="w"), Value(3.0, label="w"), Value(5.0, label="w[1]")
    check(a * b * c, {"w_1": a, "w_2": b, "w_1_2": c})
    y, d_y = Value(2.0, label="y"), Value(3.0, label="d_y")
    program = check(y * d_y, {"y": y, "d_y": d_y})
    assert "d_y_ = d_y * d_loss" in program
    p, s1 = Value(2.0, label="p"), Value(3.0, label="s1")
    assert body(check((p * s1 + 1) + 1, {"p": p, "s1": s1}))[:2] == ["p1 = p * s1", "s = p1 + 1"]
    loss = Value(2.0, label="loss")
    check(loss * 3, {"loss": loss})


@given(st.lists(st.text(max_size=8), min_size=2, max_size=6))
@settings(deadline=None, max_examples=100)
def test_no_label_breaks_the_program(labels):
    leaves = [Value(i + 2.0, label=label) for i, label in enumerate(labels)]
    root = add_up([leaf * leaf for leaf in leaves])
    root.label = labels[0][::-1]
    _, y, gradient = run(to_python(root))
    root.backward()
    assert y == root.data
    assert sorted(gradient.values()) == sorted(leaf.grad for leaf in leaves)
    for name in gradient:
        assert name.isidentifier()
        assert not keyword.iskeyword(name)
        assert name == unicodedata.normalize("NFKC", name)


# ---- the engine's own numbers --------------------------------------------------------------------------------


def in_its_domain(row, operands):
    """The operands, moved to where this row is smooth and its numbers stay small."""
    a, *rest = operands
    if row.name in ("log", "log1p", "sqrt", "pow"):
        a = a * a + 0.5
    elif row.name in ("exp", "expm1", "sinh", "cosh", "tan"):
        a = a.tanh()
    elif row.name == "bce":
        a, rest = a.sigmoid(), [Value(0.25)]
    elif row.name == "div":
        rest = [b * b + 0.5 for b in rest]
    return a, *rest


@st.composite
def graphs(draw):
    """Leaves and a root made of random rows, nodes used any number of times."""
    numbers = st.floats(-2, 2).map(lambda x: x or 0.5)
    count = draw(st.integers(1, 4))
    leaves = [Value(draw(numbers), label=f"v{i}", requires_grad=i == 0 or draw(st.booleans())) for i in range(count)]
    nodes = list(leaves)
    for _ in range(draw(st.integers(1, 12))):
        row = draw(st.sampled_from([*ROWS, TABLE["sum"]]))
        tracked = [node for node in nodes if node.requires_grad]
        operands = [draw(st.sampled_from(tracked))]
        more = row.arity - 1 if row.arity else draw(st.integers(0, 4))
        operands += [draw(st.sampled_from([*nodes, 0.5, -1, 2])) for _ in range(more)]
        y = row(*in_its_domain(row, operands)) if row.arity else row(operands)
        nodes.append(y if abs(y.data) < 4 else y.tanh())
    return leaves, add_up([*nodes[-3:], nodes[0]])


@given(graphs())
@settings(deadline=None, max_examples=300)
def test_forward_and_gradient_are_the_engines_to_the_last_bit(graph):
    leaves, root = graph
    _, y, gradient = run(to_python(root))
    root.backward()
    assert y == root.data
    named = {leaf.label: leaf for leaf in leaves}
    for name, g in gradient.items():
        if name in named:
            assert g == named[name].grad, to_python(root)


@pytest.mark.parametrize("numbers", [(0.7, -1.3, 2.5), (-0.4, 3.0, 0.2), (2.0, 0.5, 3.0)])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_with_values_and_with_plain_numbers(row, numbers):
    positive = row.name in ("log", "log1p", "sqrt", "pow")
    share = row.name == "bce"
    xs = [abs(x) if positive else abs(x) / 4 if share else x for x in numbers[: row.arity]]
    for plain in range(2**row.arity - 1):
        operands = [x if plain >> i & 1 else Value(x, label=f"v{i}") for i, x in enumerate(xs)]
        check(row(*operands), {x.label: x for x in operands if isinstance(x, Value)})


def test_other_numbers_can_be_given():
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    f, _, _ = run(to_python((a * b).tanh() * a))
    a, b = Value(-0.3), Value(0.9)
    root = (a * b).tanh() * a
    root.backward()
    assert f(-0.3, b=0.9) == (root.data, {"a": a.grad, "b": b.grad})


def test_a_leaf_and_untracked_inputs():
    a = Value(2.0, label="a")
    assert body(check(a, {"a": a})) == ["d_a = 1.0", 'return a, {"a": d_a}']
    x = Value(math.inf, label="x", requires_grad=False)
    assert "from math import inf" in check(where(x > 1, a, 0.0) + 0 * minimum(a, x), {"a": a})


@pytest.mark.parametrize("name", [*Numbers.definitions, *Numbers.imports])
def test_the_vocabulary_is_that_of_the_engine(name):
    scope = {}
    exec("from math import *\n" + Numbers.definitions.get(name, f"from math import {Numbers.imports.get(name)}"), scope)
    if name in ("inf", "nan"):
        return
    ours, theirs = scope[name], getattr(floats, name)
    points = [
        -30.0,
        -1.5,
        -0.0,
        0.0,
        1e-9,
        0.3,
        0.9,
        1.0,
        2.0,
        40.0,
        math.nan,
        *[math.inf, -math.inf] * (name in Numbers.definitions),
    ]
    two = [(a, b) for a in points for b in points]
    for xs in two if name in ("maximum", "minimum") else [(x,) for x in points]:
        try:
            expected = theirs(*xs)
        except ValueError:  # the logarithm of -1
            continue
        assert ours(*xs) == expected or (ours(*xs) != ours(*xs) and expected != expected), xs
    assert set(vars(floats)) <= {*Numbers.definitions, *Numbers.imports, "abs", "pow"}


def test_it_runs_in_a_python_that_knows_nothing_of_us(tmp_path):
    a = Value(2.0, label="a")
    root = a.gelu() + a.softplus() + a.arctan() + a.elu()
    file = tmp_path / "program.py"
    file.write_text(f"{to_python(root)}\nprint(gradient['a'])\n", encoding="utf-8")
    root.backward()
    out = subprocess.run([sys.executable, "-I", "-S", str(file)], capture_output=True, text=True, check=True)
    assert float(out.stdout) == a.grad


def test_what_a_comment_speaks_of_is_not_imported():
    assert to_python(Value(2.0).softplus()).startswith("from math import exp, log1p\n")


def test_values_need_no_numpy():
    code = (
        "import sys; from micrograd_plus import Value; from micrograd_plus.explain.to_python import to_python; "
        "print(to_python(Value(2.0) * 3)); assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_nothing_of_the_graph_is_changed():
    a = Value(2.0, label="a")
    root = (a * a).exp()
    a.grad, root.grad = 7.0, 8.0
    to_python(root)
    assert (a.grad, root.grad, root.label, a.data) == (7.0, 8.0, "", 2.0)


# ---- a learner's own rows ------------------------------------------------------------------------------------


def test_a_learners_own_row_is_written_out():
    softplus2 = Unary("softplus2", lambda x: log(1 + exp(x)), lambda y, x: sigmoid(x))
    x = Value(0.4, label="x")
    lines = body(check(softplus2(x), {"x": x}))
    assert lines[0] == "loss = log(1 + exp(x))"
    assert "d_x = sigmoid(x) * d_loss" in lines


def test_a_row_that_tells_true_from_false_gives_a_number():
    above = Unary("above", lambda x: x > 0, lambda y, x: x > 1)
    x = Value(2.0, label="x")
    program = check(above(x) * x, {"x": x})
    assert "t = float(x > 0)" in program
    assert "(x > 1) * d_t" in program


def test_a_row_of_any_number_of_inputs():
    product = Many("product", lambda xs: xs[0] * xs[1] * xs[2], lambda g, y, xs, i: g * y / xs[i])
    a, b = Value(2.0, label="a"), Value(4.0, label="b")
    lines = body(check(product([a, b, a]), {"a": a, "b": b}))
    assert lines[0] == "loss = a * b * a"
    assert "d_a = loss / a * d_loss + loss / a * d_loss" in lines


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (Unary("cutoff", lambda x: x if x > 0 else 0.0, lambda y, x: 1), r"`cutoff`.*where\(x > 0, a, b\)"),
        (Unary("wave", lambda x: math.sin(x), lambda y, x: 1), "`wave`.*micrograd_plus's own exp"),
        (Unary("bent", lambda x: x, lambda y, x: 1 if x > 0 else 0), r"`bent`.*where\(x > 0, a, b\)"),
        (Many("largest", max, lambda g, y, xs, i: g), "`largest`.*maximum"),
    ],
    ids=lambda x: getattr(x, "name", ""),
)
def test_a_row_that_is_not_one_expression_is_named(row, why):
    x = Value(2.0, label="x")
    root = row([x, x]) if isinstance(row, Many) else row(x)
    with pytest.raises(CodeError, match=why):
        to_python(root * 2)


# ---- Tensors -------------------------------------------------------------------------------------------------

NET = """\
from numpy import array, maximum


def relu(x):
    return maximum(x, 0)


def step(x):  # the slope of relu
    return (x > 0).astype(x.dtype)


def loss_and_gradient(weight_0, bias_0, weight_2, bias_2, x, y):
    # forward
    s1 = x @ weight_0.T + bias_0
    h = relu(s1)
    s2 = h @ weight_2.T + bias_2
    loss = relu(1 - y * s2).sum() * 0.5

    # backward: d_s2 is d(loss)/d(s2)
    d_loss = array(1.0)
    d_s2 = -y * step(1 - y * s2) * (d_loss * 0.5)
    d_h = d_s2 @ weight_2
    d_s1 = step(s1) * d_h
    d_bias_0 = d_s1.sum(axis=0)
    d_weight_0 = d_s1.T @ x
    d_bias_2 = d_s2.sum(axis=0)
    d_weight_2 = d_s2.T @ h
    return loss, {
        "weight_0": d_weight_0, "bias_0": d_bias_0, "weight_2": d_weight_2,
        "bias_2": d_bias_2,
    }
"""


def check_tensors(root, names=None, within=1e-12):
    """The program's arrays are backward()'s, but for the order in which NumPy sums."""
    program = to_python(root, names)
    _, y, gradient = run(program)
    leaves = [node for node in order(root) if node.op is None and node.requires_grad]
    for leaf in leaves:
        leaf.zero_grad()
    root.backward()
    np.testing.assert_allclose(y, root.numpy(), rtol=within, atol=within)
    assert len(gradient) == len(leaves)
    wanted = {leaf.label: leaf.grad for leaf in leaves}
    for name, g in gradient.items():
        leaf_grad = wanted.get(name, leaves[0].grad)
        assert g.shape == leaf_grad.shape
        assert g.dtype in (leaf_grad.dtype, np.float64)  # where() of two plain numbers is float64 in NumPy
        np.testing.assert_allclose(g, leaf_grad, rtol=within, atol=within)
    return program


def test_a_net_of_tensors_reads_like_numpy_on_the_board():
    x, y = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[1.0], [-1.0]])
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    loss = nn.hinge_loss(net(x), y)
    program = to_python(loss, locals())
    assert program.startswith(NET)
    _, value, gradient = run(program)
    loss.backward()
    assert value == loss.item()
    for name, p in net.named_parameters():
        place, kind = name.split(".")
        np.testing.assert_allclose(gradient[f"{kind}_{place}"], p.grad, rtol=1e-14)


# One sample or more of each row; x is (3, 4), v is (4,), both Tensors, c an array that is no node.
OF_ARRAYS = {
    "expand": lambda x, v, c: x + v + v.reshape(4, 1)[:3] + x[:, :1],
    "sum_to": lambda x, v, c: ARRAY_TABLE["sum_to"](x, shape=(1, 4)),
    "sum": lambda x, v, c: x.sum(axis=1, keepdims=True) * x.sum(axis=0) * x.sum() + x.sum(axis=(0, 1)),
    "mean": lambda x, v, c: x.mean(axis=-1) * x.mean(),
    "max": lambda x, v, c: x.max(axis=1) + x.max(),
    "min": lambda x, v, c: x.min(axis=0, keepdims=True),
    "prod": lambda x, v, c: x.prod(axis=1),
    "cumsum": lambda x, v, c: x.cumsum(axis=1),
    "var": lambda x, v, c: x.var(axis=0),
    "logsumexp": lambda x, v, c: x.logsumexp(axis=1) + x.logsumexp() + x.logsumexp(axis=0, keepdims=True).sum(),
    "softmax": lambda x, v, c: x.softmax(axis=1),
    "log_softmax": lambda x, v, c: x.log_softmax(axis=0),
    "reshape": lambda x, v, c: (x * 2).reshape(2, 6) * c.reshape(2, 6),
    "transpose": lambda x, v, c: x.T @ x + x.reshape(3, 2, 2).permute(1, 0, 2).sum(),
    "flip": lambda x, v, c: x.flip(axis=1) * c + x.flip(),
    "getitem": lambda x, v, c: x[1] * x[:, 2:][0, 1] + x[[0, 0, 2], [1, 1, 3]].sum() + x[..., None, ::2].sum(),
    "put": lambda x, v, c: ARRAY_TABLE["put"](v, shape=(3, 4), index=(1,)) * x,
    "pad": lambda x, v, c: x.pad(1, value=2.0) ** 2,
    "astype": lambda x, v, c: x.astype(np.float32).sum(),
    "matmul": lambda x, v, c: x @ v + (x @ c.T).sum(axis=1) + (v @ c.T) + v @ v,
    "linear": lambda x, v, c: nn.functional.linear(x, x * 2, v[:3]) + nn.functional.linear(c, x),
    "concatenate": lambda x, v, c: concatenate([x, x * 2, c], axis=1),
    "stack": lambda x, v, c: stack([x, x * x], axis=1),
    "einsum": lambda x, v, c: einsum("ij,j,ij->i", x, v, c),
}
NOT_IN_NUMPYS_WORDS = {"std", "norm"}


@pytest.mark.parametrize("row", OF_ARRAYS)
def test_each_row_of_arrays(row):
    rng = np.random.default_rng(0)
    x, v, c = Tensor(rng.normal(size=(3, 4)), label="x"), Tensor(rng.normal(size=4), label="v"), rng.normal(size=(3, 4))
    y = OF_ARRAYS[row](x, v, c)
    assert any(node.op is ARRAY_TABLE[row] for node in order(y))
    weights = rng.normal(size=y.shape) if y.ndim else 1.5
    check_tensors((y * weights).sum(), within=1e-6 if row == "astype" else 1e-12)


def test_every_row_of_arrays_has_a_sample_or_an_error_that_names_it():
    assert set(OF_ARRAYS) | NOT_IN_NUMPYS_WORDS == set(ARRAY_TABLE)
    x = Tensor([[1.0, 2.0], [3.0, 5.0]], label="x")
    for name in sorted(NOT_IN_NUMPYS_WORDS):
        with pytest.raises(CodeError, match=rf"`{name}` can't be written.*to_python\(loss.to_values\(\)\)"):
            to_python(getattr(x, name)())
    loss = nn.cross_entropy(x, [0, 1])
    with pytest.raises(CodeError, match=r"`cross_entropy` can't be written.*to_python\(loss.to_values\(\)\)"):
        to_python(loss)
    _, y, gradient = run(to_python(loss.to_values()))
    loss.backward()
    assert y == pytest.approx(loss.item(), rel=1e-12)
    assert [gradient[f"x_{i}_{j}"] for i in (0, 1) for j in (0, 1)] == pytest.approx(x.grad.ravel().tolist(), rel=1e-12)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_pointwise_row_on_tensors(row):
    xs = [np.array([0.3, 0.6]) + 0.1 * i for i in range(row.arity)]
    xs = [x > 0.4 if row.name == "where" and i == 0 else Tensor(x, label=f"v{i}") for i, x in enumerate(xs)]
    check_tensors((row(*xs) * xs[-1]).sum())
    if row.arity == 2:
        check_tensors((row(xs[0], 0.7) + row(xs[0], np.array([0.2, 0.9]))).sum())


@pytest.mark.parametrize("loss", [nn.mse_loss, nn.l1_loss, nn.huber_loss, nn.binary_cross_entropy_with_logits])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_of_tensors(loss, dtype):
    x, t = Tensor(np.array([[0.2, -1.4], [3.0, 0.7]], dtype), label="x"), np.array([[1, 0], [1, 0]], dtype)
    program = check_tensors(loss(x, t), {"t": t}, within=1e-6 if dtype == np.float32 else 1e-12)
    assert "def loss_and_gradient(x, t):" in program
    assert " t = " not in program


def test_data_keep_their_names_and_are_given_once():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    w, scale = Tensor([0.5, -0.5], label="w"), np.array([2.0, 3.0])
    loss = (((x @ w) * scale + w * scale) * np.array([7.0, 8.0])).sum()
    program = check_tensors(loss, {"x": x, "scale": scale, "loss": loss})
    assert "def loss_and_gradient(w, x, scale, data):" in program
    assert "expand" not in program
    spread = check_tensors((Tensor(x, label="m") * scale).sum(), {"scale": scale})
    assert "m * scale" in spread


def test_large_arrays_are_not_written_out():
    w = Tensor(np.arange(300.0).reshape(30, 10) / 300, label="w")
    x = np.ones((20, 30)) * np.arange(30)
    program = to_python((x @ w).tanh().mean(), {"x": x})
    assert program.splitlines()[-1] == (
        "# loss, gradient = loss_and_gradient(…) with arrays of these shapes: w 30×10, x 20×30"
    )
    scope = {}
    exec(program, scope)
    y, gradient = scope["loss_and_gradient"](w=w.numpy(), x=x)
    loss = (x @ w).tanh().mean()
    loss.backward()
    assert y == loss.item()
    np.testing.assert_allclose(gradient["w"], w.grad, rtol=1e-12, atol=1e-300)


def test_a_learners_own_row_on_tensors():
    swish = Unary("swish", lambda x: x * sigmoid(x), lambda y, x: sigmoid(x) + y * (1 - sigmoid(x)))
    bump = Unary("bump", lambda x: where((x > 0) & (x < 1), x, 0.0), lambda y, x: where((x > 0) & (x < 1), 1.0, 0.0))
    x = Tensor([0.5, -1.0, 2.0], label="x")
    above = Unary("above", lambda x: x > 0, lambda y, x: 0)
    program = check_tensors((swish(x) * bump(x) + above(x) * x).sum())
    assert "t2 = where((x > 0) & (x < 1), x, 0.0)" in program
    assert "t3 = (x > 0) * 1.0" in program


# ---- what can't be written -----------------------------------------------------------------------------------


def test_bad_input_is_refused_with_advice():
    with pytest.raises(TypeError, match="read from its result"):
        to_python(3.0)
    with pytest.raises(TypeError, match="names is a dict"):
        to_python(Value(1.0), [])
    with pytest.raises(RuntimeError, match=r"nothing that it was made from is tracked.*requires_grad=True"):
        to_python(Value(1.0, requires_grad=False))
    with no_grad():
        untracked = Value(2.0) * 3
    with pytest.raises(RuntimeError, match="no_grad"):
        to_python(untracked)
    with pytest.raises(ValueError, match=r"starts from one number.*shape \(2,\).*\.sum\(\)"):
        to_python(Tensor([1.0, 2.0]) * 2)


def test_a_large_graph_is_refused_and_max_nodes_allows_it():
    x = Value(1.0, label="x")
    for _ in range(600):
        x = x + 1
    with pytest.raises(ValueError, match=r"601 nodes.*max_nodes=500.*one example.*compile"):
        to_python(x)
    assert len(body(to_python(x, max_nodes=601))) == 1202
    deep = Value(1.0)
    for _ in range(100_000):
        deep = deep + 1
    with pytest.raises(ValueError, match="100,001 nodes"):
        to_python(deep)
    with pytest.raises(ValueError, match="an operation on 10,000 numbers"):
        to_python(add_up([Value(1.0)] * 10_000))


def test_what_is_left_out_is_exact():
    """x * 1, a - -b and the like, over numbers where rounding would show."""
    a, b = Term("a"), Term("b")
    texts = [
        (a * -1, "-a"), (-1.0 * a, "-a"), (1 * a, "a"), (-(-a * b), "a * b"), (b + -a * b, "b - a * b"),
        (b - -(a + b), "b + (a + b)"), (b + -(a**2), "b - a**2"), (b + (-a + b), "b + (-a + b)"), (a * 2, "a * 2"),
        (-(a - b), "-(a - b)"), (a**1.0, "a"), ((-a) ** 2, "(-a)**2"), (b - (-a / b), "b + a / b"),
    ]  # fmt: skip
    assert [str(term) for term, _ in texts] == [text for _, text in texts]
