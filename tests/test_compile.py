"""compile(f) for functions of Values: the same numbers as without it, only sooner."""

import copy
import functools
import gc
import math
import operator
import pickle
import random
import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_plus as mg
from micrograd_plus import Unary, Value, compile, nn, no_grad, optim
from micrograd_plus.engine.graph import Watcher, order, watched_by
from micrograd_plus.engine.ops import TABLE
from micrograd_plus.explain.opening import whole
from micrograd_plus.nn.losses import LOSS_TABLE
from micrograd_plus.tape.plan import MatMul, plan_of
from micrograd_plus.tape.recorder import FrozenNumberError
from micrograd_plus.tape.with_numpy import NumpyRunner


def close(a, b):
    return a == b or abs(a - b) <= 1e-12 * max(1.0, abs(a), abs(b)) or (math.isnan(a) and math.isnan(b))


def seen_twice(f, *args):
    """Compile and call it until it is replayed."""
    step = compile(f, backend="numpy")
    step(*args)
    step(*args)
    assert (step.replays, step.why_not) == (0, "")
    return step


def check(f, leaves, calls):
    """The compiled f gives what f gives, and the same gradients, in each call: (numbers to put in the leaves, args).

    Equal means to 1e-12 of the largest number on the way: where large numbers cancel, less can't be asked.
    """
    step = compile(f, backend="numpy")
    for numbers, args in calls:
        results = []
        for function in (f, step):
            for leaf, number in zip(leaves, numbers, strict=True):
                leaf.data = number
                leaf.zero_grad()
            y = function(*args)
            y.backward()
            results.append([y.data, *[leaf.grad for leaf in leaves]])
            if function is f:
                largest = max(1.0, *(max(abs(node.data), abs(node.grad)) for node in order(whole(y))))
        assert all(close(a / largest, b / largest) for a, b in zip(*results, strict=True)), results
    return step


# -- the same numbers -----------------------------------------------------------------------------------------


def moons(n):
    X, y = mg.data.make_moons(n, noise=0.1, seed=0)
    return [list(map(float, row)) for row in X], [2 * int(label) - 1 for label in y]


def demo_loss(model, X, y):
    inputs = [list(map(Value, row)) for row in X]
    scores = list(map(model, inputs))
    losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores, strict=True)]
    return sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())


def test_micrograds_demo_trains_as_it_does_without():
    X, y = moons(20)
    found = []
    for change in (lambda f: f, lambda f: compile(f, backend="numpy")):
        random.seed(1337)
        model = nn.MLP(2, [8, 8, 1])
        step = change(lambda model=model: demo_loss(model, X, y))
        losses = []
        for _ in range(30):
            total = step()
            model.zero_grad()
            total.backward()
            for p in model.parameters():
                p.data -= 0.1 * p.grad
            losses.append(total.data)
        found.append(losses)
    assert step.replays == 28
    assert all(map(close, *found))


def test_the_plan_finds_the_matrix_products():
    X, y = moons(10)
    model = nn.MLP(2, [8, 4, 1], seed=0)
    step = seen_twice(lambda: demo_loss(model, X, y))
    plan = step.plans[0]
    shapes = [(*b.x.shape, len(b.w)) for b in plan.blocks if isinstance(b, MatMul)]
    assert {(10, 2, 8), (10, 8, 4), (10, 4, 1)} <= set(shapes)
    assert len(plan.blocks) < 15


@pytest.mark.parametrize("written", ["w*x", "x*w", "mixed", "sum", "b last"])
def test_neurons_written_by_hand_are_found_too(written):
    rng = random.Random(0)
    W = [[Value(rng.uniform(-1, 1)) for _ in range(3)] for _ in range(4)]
    B = [Value(rng.uniform(-1, 1)) for _ in range(4)]
    X = [[rng.uniform(-1, 1) for _ in range(3)] for _ in range(5)]

    def neuron(w, x, b, i):
        if written == "sum":
            return mg.sum([b, *[wi * xi for wi, xi in zip(w, x, strict=True)]]).tanh()
        if written == "b last":
            return (sum(wi * xi for wi, xi in zip(w, x, strict=True)) + b).tanh()
        flip = written == "x*w" or (written == "mixed" and i % 2)
        return sum((xi * wi if flip else wi * xi for wi, xi in zip(w, x, strict=True)), b).tanh()

    def loss(X):
        out = [neuron(w, x, b, i) for x in X for i, (w, b) in enumerate(zip(W, B, strict=True))]
        return sum(v * v for v in out)

    leaves = [*(wi for w in W for wi in w), *B]
    numbers = [[leaf.data for leaf in leaves], [rng.uniform(-1, 1) for _ in leaves]]
    step = check(loss, leaves, [(n, (X,)) for n in numbers * 2])
    assert step.replays == 2
    assert any(isinstance(b, MatMul) and b.x.shape == (5, 3) for b in step.plans[0].blocks)


POINTWISE = [row for table in (TABLE, LOSS_TABLE) for row in table.values() if row.pointwise]


@pytest.mark.parametrize("row", POINTWISE, ids=lambda row: row.name)
def test_every_row_replays(row):
    rng = random.Random(row.name)
    leaves = [Value(0.5) for _ in range(row.arity)]

    def f():
        return row(*leaves) * 2.0

    calls = [([rng.uniform(0.1, 0.9) for _ in leaves], ()) for _ in range(6)]
    step = check(f, leaves, calls)
    assert step.replays == 4


@pytest.mark.parametrize("row", POINTWISE, ids=lambda row: row.name)
@pytest.mark.parametrize("number", [0.0, -0.0, 1.0, -1.0, 1e300, -1e300, math.inf, -math.inf, math.nan, 1e-300, 2.0])
def test_every_row_at_its_edges(row, number):
    """What eager computation refuses is refused, and all else is the same, infinities and nan included."""
    leaves = [Value(0.5) for _ in range(row.arity)]
    step = seen_twice(lambda: row(*leaves))
    leaves[0].data = number
    results = []
    for f in (step.function, step):
        for leaf in leaves:
            leaf.zero_grad()
        try:
            y = f()
            y.backward()
            results.append([y.data, *[leaf.grad for leaf in leaves]])
        except ValueError as error:
            results.append(str(error))
    if isinstance(results[0], str):
        assert results[0] == results[1]
    else:
        assert all(map(close, *results)), results


LEAVES = 4
UNARY = [mg.tanh, mg.sin, mg.relu, mg.sigmoid, lambda v: -v, lambda v: v * v, lambda v: 2.0 * v, abs]
BINARY = [operator.add, operator.sub, operator.mul, mg.maximum, lambda a, b: a / (b * b + 1.0), lambda a, b: a + b + a]


@st.composite
def programs(draw):
    """A random program: each line an operation on results of earlier lines."""
    lines = []
    for i in range(draw(st.integers(1, 25))):
        operands = [draw(st.integers(0, LEAVES + i - 1)) for _ in range(draw(st.integers(1, 4)))]
        lines.append((draw(st.integers(0, 7)), operands))
    return lines


def run(program, leaves):
    values = list(leaves)
    for which, operands in program:
        found = [values[i] for i in operands]
        if len(found) == 1:
            values.append(UNARY[which](found[0]))
        elif len(found) == 2:
            values.append(BINARY[which % len(BINARY)](*found))
        else:
            values.append(mg.sum(found) if which % 2 else sum(a * b for a, b in pairwise(found)))
    return mg.sum(values[LEAVES:]) * 0.5


@settings(deadline=None, max_examples=150)
@given(programs(), st.lists(st.lists(st.floats(-2, 2), min_size=LEAVES, max_size=LEAVES), min_size=3, max_size=4))
def test_random_programs(program, points):
    leaves = [Value(1.0) for _ in range(LEAVES)]
    check(lambda: run(program, leaves), leaves, [(point, ()) for point in points])


def test_relu_networks_agree_to_the_last_bit_where_the_order_of_additions_is_the_same():
    a, b = Value(0.1), Value(0.7)

    def f():
        return ((a * b + a).relu() - b / a) * (a - 3.0)

    step = seen_twice(f)
    for x in (0.3, -0.2, 1e-9):
        a.data = x
        assert step().data == f().data


def test_a_row_of_ones_own_replays_even_if_it_works_for_single_numbers_alone():
    def forward(x):
        return math.sin(x) if x > 0 else 0.1 * x

    wave = Unary("wave", forward, lambda y, x: math.cos(x) if x > 0 else 0.1)
    v, w = Value(0.5), Value(-0.5)
    step = check(lambda: wave(v) + 2 * wave(w), [v, w], [([x, -x], ()) for x in (0.5, 0.7, -1.0, 2.0)])
    assert step.replays == 2


def test_a_long_chain_and_a_wide_sum():
    x = Value(0.001)

    def chain():
        y = x
        for _ in range(3000):
            y = (y * 1.001).sin()
        return y

    def wide():
        return sum((x * float(i) for i in range(3000)), x)

    for f in (chain, wide):
        check(f, [x], [([n], ()) for n in (0.001, 0.002, 0.003)])


# -- how it is used -------------------------------------------------------------------------------------------


def test_arguments_are_data_and_settings():
    w = Value(2.0)

    def f(x, y, scale=1.0, power=2, names=None, pair=(0.0, 1.0)):
        total = sum((w * xi - yi) ** power for xi, yi in zip(x, y["targets"], strict=True))
        return total * scale + pair[1] * len(names or [])

    step = compile(f, backend="numpy")
    for x, t in (([1.0, 2.0], [1, 2]), ([3, 4], [0.5, 1.0]), ([0.0, -1.0], [7, 8]), ([2.0, 2.0], [1, 1])):
        for options in ({}, {"scale": 0.25}, {"scale": 0.5, "names": ["a"]}, {"power": 3}, {"pair": (2.0, 5.0)}):
            w.zero_grad()
            expected = f(x, {"targets": t}, **options)
            expected.backward()
            g = w.grad
            w.zero_grad()
            found = step(x, {"targets": t}, **options)
            found.backward()
            assert close(found.data, expected.data)
            assert close(w.grad, g)
    assert step.replays == 10  # five structures, each recorded twice and replayed twice


def test_a_new_length_is_recorded_anew_and_both_are_kept():
    w = Value(2.0)
    step = compile(lambda x: sum(w * xi for xi in x), backend="numpy")
    for x in ([1.0, 2.0], [1.0, 2.0, 3.0]) * 4:
        assert step(x).data == 2.0 * sum(x)
    assert (step.recordings, step.replays) == (4, 4)


def test_gradients_flow_into_values_that_are_given():
    w = Value(2.0)
    step = seen_twice(lambda a, b: (a * w).tanh() + a * b, Value(0.1), Value(0.2))
    a = Value(0.5)
    a.grad = 100.0
    inner = a * 3.0
    step(inner, a).backward()
    found = a.grad, w.grad
    a.grad = 100.0
    w.zero_grad()
    inner = a * 3.0
    step.function(inner, a).backward()
    assert close(found[0], a.grad)
    assert close(found[1], w.grad)
    assert step.replays == 1


def test_the_same_value_given_twice_and_then_two_different_ones():
    step = seen_twice(lambda a, b: a * b, Value(1.0), Value(1.0))
    a, b = Value(3.0), Value(5.0)
    step(a, a).backward()
    assert a.grad == 6.0
    step(a, b).backward()
    assert (a.grad, b.grad) == (11.0, 3.0)


def test_the_first_call_gives_gradients_to_what_it_is_given_too():
    a = Value(3.0)
    compile(lambda x: x * x)(a).backward()
    assert a.grad == 6.0


def test_several_outputs_in_lists_and_dicts():
    w = Value(2.0)

    def f(x):
        scores = [w * xi for xi in x]
        return {"loss": sum(s * s for s in scores), "scores": scores, "kind": "squared", "pair": (scores[0], None)}

    step = seen_twice(f, [1.0, 2.0])
    found = step([3.0, 4.0])
    assert found["kind"] == "squared"
    assert found["pair"][1] is None
    assert [s.data for s in found["scores"]] == [6.0, 8.0]
    assert found["loss"].data == 100.0
    (found["loss"] * 0.5 + found["scores"][1] + found["pair"][0]).backward()
    assert close(w.grad, 0.5 * (9 + 16) * 2 * 2.0 + 4.0 + 3.0)
    assert step.replays == 1


def test_the_result_is_an_ordinary_node_in_a_larger_graph():
    w = Value(2.0)
    step = seen_twice(lambda: w * w)
    y = (step() + 1.0) * w
    y.backward()
    assert (y.data, w.grad) == (10.0, 3 * 4.0 + 1.0)
    y.backward()
    assert w.grad == 26.0  # leaves accumulate
    assert "5" in repr(step() + 1.0)


def test_two_calls_before_one_backward():
    w = Value(2.0)
    step = seen_twice(lambda x: (w * x).tanh(), 0.3)
    a, b = step(0.5), step(-0.1)
    (a + b).backward()
    assert close(w.grad, 0.5 * (1 - math.tanh(1.0) ** 2) - 0.1 * (1 - math.tanh(-0.2) ** 2))


def test_the_gradient_is_that_of_the_forward_that_ran():
    w = Value(3.0)
    step = seen_twice(lambda: w * w)
    y = step()
    w.data = 100.0
    y.backward()
    assert w.grad == 6.0
    step()
    w.zero_grad()
    y.backward()
    assert w.grad == 6.0


def test_backward_takes_a_gradient_and_hooks_are_called():
    w, v = Value(3.0), Value(1.0)
    step = seen_twice(lambda: w * w * v)
    step().backward(10.0)
    assert w.grad == 60.0
    remove = w.register_hook(lambda g: g * 2)
    y = step()
    y.register_hook(lambda g: g + 1)
    w.zero_grad()
    y.backward()
    assert w.grad == 24.0
    remove()
    w.grad = None  # as PyTorch clears it
    step().backward()
    assert w.grad == 6.0


def test_frozen_parameters():
    w, b = Value(3.0), Value(1.0)
    step = seen_twice(lambda: w * w + b)
    w.requires_grad = False
    for _ in range(3):
        y = step()
        y.backward()
    assert (w.grad, b.grad) == (0.0, 3.0)
    b.requires_grad = False
    assert not step().requires_grad
    w.requires_grad = b.requires_grad = True
    step().backward()
    assert (w.grad, b.grad) == (6.0, 4.0)


def test_no_grad_around_and_inside():
    w = Value(3.0)

    def f():
        with no_grad():
            scale = w * 2.0
        return w * scale + w.detach() * 10.0

    step = check(f, [w], [([x], ()) for x in (1.0, 2.0, 3.0)])
    with no_grad():
        for _ in range(3):
            y = step()
            assert y.data == 48.0
            assert not y.requires_grad
            with pytest.raises(RuntimeError, match="requires_grad=False"):
                y.backward()
    assert step().requires_grad


def test_grad_of_a_compiled_function_and_compiled_inside_of_compiled():
    w = Value(2.0)
    square = compile(lambda x: x * x * w, backend="numpy")
    for _ in range(4):
        assert mg.grad(square)(3.0) == 12.0
        assert mg.grad(mg.grad(square))(3.0) == 4.0
    outer = check(lambda x: square(x) + 1.0, [w], [([2.0], (v,)) for v in (1.0, 2.0, 3.0)])
    assert outer.replays == 1


def test_a_watcher_sees_each_step():
    class Names(Watcher):
        def __init__(self):
            self.names = []

        def made(self, op, operands, y, settings):
            self.names.append(op.name)

    w = Value(2.0)
    step = seen_twice(lambda: (w * 3.0).tanh())
    with watched_by(Names()) as names:
        step()
    assert names.names == ["mul", "tanh"]
    w.data = math.nan
    with pytest.raises(mg.explain.AnomalyError), mg.detect_anomaly():
        step()


def test_as_a_decorator_and_as_a_method():
    @compile
    def f(x):
        """What f is."""
        return x * 2.0

    @compile(backend="numpy", max_tapes=3)
    def g(x):
        return x * 3.0

    class Line(nn.Module):
        def __init__(self):
            self.w = Value(2.0)

        @compile
        def loss(self, x):
            return self.w * x

    assert (f.__doc__, f.__name__) == ("What f is.", "f")
    lines = [Line(), Line()]
    lines[1].w.data = 5.0
    for _ in range(4):
        assert (f(1.0).data, g(1.0).data) == (2.0, 3.0)
        assert [line.loss(3.0).data for line in lines] == [6.0, 15.0]
    assert f.replays == g.replays == 2
    assert Line.loss.replays == 4


def test_training_with_optimisers_and_fit():
    X, y = moons(16)
    found = []
    for change in (lambda f: f, lambda f: compile(f, backend="numpy")):
        model = nn.MLP(2, [4, 1], seed=1)
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        step = change(lambda X, y, model=model: nn.hinge_loss([model(x) for x in X], y))
        losses = []
        for k in range(12):
            i = 8 * (k % 2)
            loss = step(X[i : i + 8], y[i : i + 8])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.data)
        found.append(losses)
    assert all(map(close, *found))
    assert step.replays == 10


def test_losses_of_nn_replay_with_other_labels():
    v = [Value(0.3), Value(0.6), Value(0.8)]
    for loss, targets in (
        (nn.mse_loss, ([1.0, 0.0, 1.0], [0.0, 0.5, 1.0])),
        (nn.hinge_loss, ([1, -1, 1], [-1, -1, 1])),
        (nn.binary_cross_entropy, ([1, 0, 1], [0, 0.25, 1])),
        (nn.binary_cross_entropy_with_logits, ([1, 0, 1], [0, 1, 1])),
        (nn.huber_loss, ([1.0, 0.0, 3.0], [0.0, 4.0, 1.0])),
        (nn.l1_loss, ([1.0, 0.0, 3.0], [0.0, 4.0, 1.0])),
    ):
        step = check(lambda t, loss=loss: loss(list(v), t), v, [([0.3, 0.6, 0.8], (t,)) for t in targets * 3])
        assert step.recordings <= 4, loss
        assert step.replays >= 2, loss
    step = seen_twice(lambda t: nn.hinge_loss(list(v), t), [1, -1, 1])
    with pytest.raises(ValueError, match="hinge_loss needs targets of -1 and 1"):
        step([1, 0, 1])


# -- control flow ---------------------------------------------------------------------------------------------


def test_another_way_through_the_function_is_recorded_for_itself():
    w = Value(1.0)

    def f(x):
        if w * x > 1.0:
            return w * x * 10.0
        return w + x

    step = compile(f, backend="numpy")
    for x in (0.5, 2.0, 0.7, 3.0, 0.9, 4.0, 0.1):
        w.zero_grad()
        y = step(x)
        y.backward()
        assert y.data == (10 * x if x > 1 else 1 + x)
        assert w.grad == (10 * x if x > 1 else 1.0)
    assert (step.recordings, step.replays) == (4, 3)


def test_truth_max_and_abs_decide_too():
    v = [Value(1.0), Value(2.0), Value(3.0)]

    def f(x):
        largest = max(v)
        return (largest if x else -largest) * sum(a for a in v if a >= x)

    step = compile(f, backend="numpy")
    rng = random.Random(0)
    for _ in range(60):
        for a in v:
            a.data = rng.choice([1.0, 2.0, 3.0])
        x = rng.choice([0.0, 1.5])
        assert step(x).data == f(x).data


@pytest.mark.parametrize("labels", [[0, 1, 2], [2, 2, 2], [1, 0, 1]])
def test_numbers_as_indices_keys_and_compared_with_equals(labels):
    v = [Value(1.0), Value(2.0), Value(3.0)]
    names = {0: 10.0, 1: 20.0, 2: 30.0}

    def f(labels):
        picked = [v[label] for label in labels]
        weights = [names[label] for label in labels]
        same = sum(v[0] for label in labels if label == 1)
        return sum(p * w for p, w in zip(picked, weights, strict=True)) + same

    step = seen_twice(f, [0, 0, 0])
    for _ in range(4):
        assert step(labels).data == f(labels).data


def test_the_number_of_tapes_is_bounded_and_the_last_used_stay():
    w = Value(1.0)
    step = compile(lambda x, n: sum((w * x for _ in range(n)), w), backend="numpy", max_tapes=2)
    for n in (1, 1, 2, 2, 1, 3, 3):
        step(1.0, n)
    assert len(step.paths) == 2
    before = step.replays
    step(1.0, 1)
    step(1.0, 3)
    assert step.replays == before + 2
    step(1.0, 2)
    assert step.replays == before + 2


def test_a_function_that_never_goes_the_same_way_is_run_as_it_is_and_says_so():
    w = Value(1.0)

    def g(x):
        return sum((w for k in range(100) if x[0] == k), w)

    step = compile(g, backend="numpy", max_tapes=2)
    with pytest.warns(UserWarning, match="another way, or is given another setting, in nearly every call"):
        found = [step([float(k)]).data for k in range(40)]
    assert found == [2.0] * 40
    assert "another way" in repr(step)


# -- what would be frozen -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "how"),
    [
        ("w.data * 2", r"\.data"),
        ("float(w)", r"float\(\)"),
        ("w.item()", r"\.data"),
        ("x.data", r"\.data"),
        ("math.exp(x)", r"float\(\)"),
        ("math.exp(w * x)", r"float\(\)"),
    ],
)
def test_taking_the_number_out_is_refused_at_that_line(line, how):
    w = Value(2.0)
    f = eval(f"lambda x: w * x * ({line})", {"w": w, "math": math})
    with pytest.raises(FrozenNumberError, match=how + r".*compiled function <lambda>.*for ever"):
        compile(f)(Value(1.0))


def test_changing_data_and_going_backward_inside_is_refused():
    w = Value(2.0)

    def update():
        loss = w * w
        w.data = 1.0
        return loss

    def whole_step():
        loss = w * w
        loss.backward()
        return loss

    with pytest.raises(FrozenNumberError, match=r"\.data = \.\.\."):
        compile(update)()
    with pytest.raises(RuntimeError, match=r"backward\(\) inside the compiled function whole_step: return the loss"):
        compile(whole_step)()
    assert w.data == 2.0


def test_printing_inside_is_allowed(capsys):
    w = Value(2.0)

    def f():
        print(w, f"{w * 2:.1f}")
        return w * 3

    step = compile(f, backend="numpy")
    for _ in range(4):
        step()
    assert capsys.readouterr().out.count("4.0") == 2  # when it is recorded


def test_numbers_that_change_unseen_are_noticed():
    w = Value(2.0)

    def f():
        return w * random.random()

    step = compile(f)
    random.seed(0)
    expected = [2.0 * random.random() for _ in range(5)]
    random.seed(0)
    with pytest.warns(UserWarning, match=r"compile: f is run as it is .* it draws random numbers"):
        found = [step().data for _ in range(5)]
    assert found == expected
    step.reset()
    assert step.why_not == ""


def test_a_function_that_changes_things_is_noticed():
    class Counting(nn.Module):
        def __init__(self):
            self.w, self.calls = Value(2.0), 0

        def forward(self, x):
            self.calls += 1
            return self.w * x

    model = Counting()
    step = compile(lambda x: model(x))
    with pytest.warns(UserWarning, match="changes something outside of itself"):
        [step(1.0) for _ in range(5)]
    assert model.calls == 5


scale = 1.0


def test_variables_around_it_may_change():
    global scale
    w, factor, X = Value(2.0), 3.0, [1.0, 2.0]

    def f():
        return w * factor * scale * sum(X)

    step = compile(f, backend="numpy")
    for _ in range(3):
        for scale in (1.0, 5.0):
            assert step().data == 18.0 * scale
    factor = 10.0
    assert step().data == 300.0
    X[0] = 5.0
    assert step().data == 700.0
    X = [1.0]
    assert step().data == 100.0
    w = Value(1.0)
    assert step().data == 50.0


def test_a_model_that_changes():
    model = nn.MLP(2, [3, 1], seed=0)
    step = seen_twice(lambda x: model(x), [1.0, 2.0])
    model.layers[0].neurons[1].activation = "tanh"
    assert close(step([1.0, 2.0]).data, model([1.0, 2.0]).data)
    model.layers[0].neurons[1].w[0] = Value(7.0)
    assert close(step([1.0, 2.0]).data, model([1.0, 2.0]).data)
    del model.layers[0].neurons[2]
    with pytest.raises(ValueError, match="expects 3 inputs, got 2"):
        step([1.0, 2.0])


# -- errors ---------------------------------------------------------------------------------------------------


def test_what_is_not_real_is_refused_at_its_line():
    w = Value(2.0)
    step = seen_twice(lambda x: (w * x).log(), 1.0)
    assert close(step(3.0).data, math.log(6.0))
    with pytest.raises(ValueError, match=r"`log` of \(-2\) is not a real number"):
        step(-1.0)
    assert step(0.0).data == -math.inf
    assert step.replays == 2


def test_an_error_in_the_function_comes_through_and_nothing_is_kept():
    def f(x):
        return x / "a"

    step = compile(f)
    with pytest.raises(TypeError, match="unsupported operand"):  # as it is without compile
        step(1.0)
    assert step.paths == []
    with pytest.raises(TypeError, match="compile needs a function, got int"):
        compile(3)
    with pytest.raises(ValueError, match="backend is one of 'auto', 'numpy', 'numba', not 'cuda'"):
        compile(f, backend="cuda")
    with pytest.raises(ValueError, match="max_tapes"):
        compile(f, max_tapes=0)


def test_threads_do_not_disturb_each_other():
    w = Value(2.0)
    step = seen_twice(lambda x: sum((w * x).tanh() for _ in range(50)), 1.0)
    wrong = []

    def work(x):
        expected = 50 * math.tanh(2.0 * x)
        for _ in range(300):
            if not close(step(x).data, expected):
                wrong.append(x)

    threads = [threading.Thread(target=work, args=(x / 10,)) for x in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_graph_of_the_recording_is_not_kept():
    w = Value(2.0)
    step = compile(lambda: w.tanh() * 3.0, backend="numpy")
    gc.collect()
    before = sum(issubclass(type(x), Value) for x in gc.get_objects())
    for _ in range(4):
        step()
    gc.collect()
    assert sum(issubclass(type(x), Value) for x in gc.get_objects()) <= before + 1


def test_numpys_numbers_as_arguments():
    w = Value(2.0)
    step = compile(lambda x: w * x, backend="numpy")
    for x in (np.float64(1.0), 2.0, np.float64(3.0)):
        assert step(x).data == 2.0 * float(x)
    assert step.replays == 1


def test_the_tape_and_the_plan_can_be_read():
    w = Value(2.0, label="w")
    step = seen_twice(lambda x: mg.sum([w * x, x, 1.0]).tanh() if w > 1 else w, 1.0)
    # fmt: off
    assert str(step.tapes[0]) == (
        "s0 = w\ns1 = given\ns2 = 1.0\ns3 = mul(s0, s1)\ns4 = sum([s3, s1, s2])\ns5 = tanh(s4)\nresult: s5\n"
        "holds if s0 > s2 is True"
    )
    assert str(step.plans[0]) == (
        "3 instructions in 2 blocks\nlevel   1   1 x sum of 1 product and 2 more\nlevel   2   1 x tanh"
    )
    # fmt: on
    model = nn.MLP(2, [8, 1], seed=0)
    X, y = moons(10)
    tape = seen_twice(lambda: demo_loss(model, X, y)).paths[0].tape
    assert "80 x sum of 2 products and 1 more: the matrix product (10, 2) @ (2, 8)" in str(plan_of(tape))
    assert str(tape).count("\n") == 61
    assert "more" in str(tape)


# -- looking inside -------------------------------------------------------------------------------------------


def test_a_compiled_step_can_be_drawn_and_read_like_any_graph():
    w, b = Value(2.0, label="w"), Value(1.0, label="b")
    step = seen_twice(lambda x: (w * x + b).tanh(), 0.1)
    y = step(0.5)
    assert step.replays == 1
    names = {"y": y, "w": w, "b": b}
    assert "tanh" in str(mg.draw(y, names))
    assert "grad: not run yet" in str(mg.draw(y, names))
    y.backward()
    found = w.grad, b.grad
    w.data = 77.0
    text = str(mg.draw(y, names))
    assert text.startswith("y = tanh")
    assert "0.07065" in text  # dy/d(w*x+b)
    assert (w.data, w.grad, b.grad) == (77.0, *found)
    for read in (mg.trace_backward, mg.formula, mg.wrong_orders, mg.explain.walkthrough):
        assert "y" in str(read(y, names))
    assert str(mg.step_through(y, names)) == "Stepper(10 steps over 5 nodes)"
    assert len(mg.paths(y, w)) == 1
    mg.diagnose(y)
    mg.diagnose(lambda: step(0.5))
    assert "def loss_and_gradient(w, b)" in mg.to_python(y, names)


def test_a_copy_of_a_result_is_a_graph_of_its_own():
    w = Value(2.0)
    step = seen_twice(lambda x: (w * x).tanh(), 0.1)
    for copied in (copy.deepcopy(step(0.5)), pickle.loads(pickle.dumps(step(0.5)))):
        copied.backward()
        assert copied.data == math.tanh(1.0)
    assert w.grad == 0.0


def test_lanes_and_several_outputs_can_be_opened():
    w = Value(2.0)
    rows = mg.vmap(lambda x: [w * x, (w * x).sin()])([1.0, 2.0])
    assert mg.to_python(rows[1][1]).count("sin") == 2
    assert "4" in str(mg.draw(rows[1][0]))


def test_objects_partials_and_methods_around_it():
    class Loss:
        def __init__(self):
            self.w, self.scale = Value(2.0), 1.0

        def __call__(self, x):
            return self.w * x * self.scale

        def again(self, x):
            return self(x) + 1.0

    loss = Loss()
    steps = [
        compile(loss, backend="numpy"),
        compile(loss.again, backend="numpy"),
        compile(functools.partial(loss, 1.0), backend="numpy"),
        compile(lambda x: loss(x), backend="numpy"),
        compile(lambda what, x: what(x), backend="numpy"),
    ]
    for loss.scale in (1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 1.0):
        found = [steps[0](1.0), steps[1](1.0), steps[2](), steps[3](1.0), steps[4](loss, 1.0)]
        assert [y.data for y in found] == [2 * loss.scale, 2 * loss.scale + 1, *[2 * loss.scale] * 3]
    assert [step.replays for step in steps] == [3] * 5


def test_a_helper_in_another_function_may_change_what_it_reads():
    w, power = Value(3.0), 2

    def helper(x):
        return x**power

    step = compile(lambda: helper(w))
    assert [step().data for _ in range(3)] == [9.0] * 3
    power = 3
    assert [step().data for _ in range(3)] == [27.0] * 3


def test_a_compiled_part_of_a_larger_graph_is_opened_too():
    w, b = Value(2.0, label="w"), Value(1.0, label="b")
    step = seen_twice(lambda: [w * w, w.tanh()])
    square, bent = step()
    y = mg.sum([square * b, bent, b, 1.0])
    y.backward()
    grads = w.grad, b.grad
    text = mg.to_python(y, {"y": y})
    scope = {}
    exec(text, scope)
    assert scope["y"] == y.data
    assert scope["gradient"] == {"w": w.grad, "b": b.grad}
    assert "w*w" in str(mg.draw(y))
    assert [record.product for record in mg.trace_backward(y)]
    assert (w.grad, b.grad) == grads


def test_numbers_that_are_given_can_be_made_values_inside():
    """As micrograd's demo does with each row of its data."""
    model = nn.MLP(2, [3, 1], seed=0)

    def loss(X, y):
        return demo_loss(model, X, y)

    X, y = moons(12)
    calls = [(X[i : i + 3], y[i : i + 3]) for i in range(0, 12, 3)]
    numbers = [p.data for p in model.parameters()]
    step = check(loss, model.parameters(), [(numbers, call) for call in calls])
    assert step.replays == 2
    with pytest.raises(TypeError, match="this is a Value already"):
        compile(lambda v: Value(v) * 2)(Value(1.0))


def test_the_collector_is_as_it_was_after_a_recording():
    w, seen = Value(2.0), []
    step = compile(lambda: (seen.append(gc.isenabled()), w * 2)[1])
    seen_before = gc.isenabled()
    with pytest.warns(UserWarning, match="changes something outside"):
        step()
    assert seen == [False]
    assert gc.isenabled() is seen_before is True


def test_arrays_for_a_function_of_values():
    model = nn.MLP(2, [3, 1], seed=0)
    X, y = mg.data.make_moons(12, noise=0.1, seed=0)
    X, y = np.array(X), np.array(y)

    def loss(X, y):
        return nn.hinge_loss([model(x) for x in X], [2 * yi - 1 for yi in y])

    numbers = [p.data for p in model.parameters()]
    step = check(loss, model.parameters(), [(numbers, (X[i : i + 3], y[i : i + 3])) for i in range(0, 12, 3)])
    assert step.replays == 2


def test_values_that_are_not_tracked_may_be_given():
    w = Value(2.0)
    step = seen_twice(lambda x: w * x, Value(1.0, requires_grad=False))
    step(Value(3.0, requires_grad=False)).backward()
    assert (w.grad, step.replays) == (3.0, 1)


@pytest.mark.parametrize("numba", [True, False])
def test_a_long_chain_without_numba_is_run_as_it_is(monkeypatch, numba):
    monkeypatch.setattr("micrograd_plus.tape.compiled.has_numba", lambda: numba)
    monkeypatch.setattr("micrograd_plus.tape.compiled.runner_of", lambda backend: NumpyRunner)
    w = Value(0.9)

    def chain(x):
        for _ in range(150):
            x = (w * x).sin()
        return x

    step = compile(chain)
    found = [step(0.5).data for _ in range(4)]
    assert found == [chain(0.5).data] * 4 or numba
    assert ("wait for each other" in repr(step)) is not numba
