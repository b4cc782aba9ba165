"""vmap(f): scalar code for one example, run on many."""

import math
import random

import numpy as np
import pytest

import micrograd_plus as mg
from micrograd_plus import Value, compile, nn, no_grad, vmap
from micrograd_plus.tape.lanes import in_lanes


def close(a, b):
    return a == b or abs(a - b) <= 1e-12 * max(1.0, abs(a), abs(b)) or (math.isnan(a) and math.isnan(b))


def check(f, leaves, *columns, lanes=None):
    """The lanes give what the loop over examples gives, and the same gradients."""
    lanes = lanes or vmap(f, backend="numpy")
    found = []
    for results in (lambda: lanes(*columns), lambda: [f(*example) for example in zip(*columns, strict=True)]):
        for leaf in leaves:
            leaf.zero_grad()
        values = results()
        mg.sum([v * (0.5 + i) for i, v in enumerate(values)]).backward()
        found.append([*[v.data for v in values], *[leaf.grad for leaf in leaves]])
    assert all(map(close, *found)), found
    return lanes


def numbers(n, k=None, seed=0):
    rng = random.Random(seed)
    return [rng.uniform(-2, 2) if k is None else [rng.uniform(-2, 2) for _ in range(k)] for _ in range(n)]


def test_a_network_written_for_one_example():
    model = nn.MLP(3, [5, 4, 1], seed=0)

    def loss(x, y):
        return (1 - y * model(x)).relu() + 0.1 * model(x).tanh()

    lanes = vmap(loss, backend="numpy")
    for n, seed in ((10, 0), (10, 1), (1, 2), (17, 3), (10, 4)):
        y = [random.Random(seed).choice([-1, 1]) for _ in range(n)]
        check(loss, model.parameters(), numbers(n, 3, seed), y, lanes=lanes)
    assert len(lanes.paths) == 1
    assert repr(lanes) == "<vmap of loss: 1 tape>"


def test_examples_that_go_different_ways():
    w = Value(1.5)

    def f(x):
        if w * x > 1:
            return (w * x).log()
        if x < -1:
            return w * x
        return w.tanh() + x

    lanes = check(f, [w], numbers(40))
    assert len(lanes.paths) == 3
    for seed in range(1, 5):
        check(f, [w], numbers(40, seed=seed), lanes=lanes)
    assert len(lanes.paths) == 3


def test_a_lane_that_goes_another_way_does_not_spoil_the_gradient():
    """log(0) and 1/0 in lanes that aren't used: 0 times infinity would be nan."""
    w = Value(1.0)

    def f(x):
        return (w * x).log() / x if x > 0 else w * x

    lanes = check(f, [w], [0.0, 1.0, 0.0, 2.0])
    check(f, [w], [2.0, 1.0, 0.0, 0.0], lanes=lanes)
    # They repeat the numbers of a lane that is used, so that no tape of the used lanes alone had to be laid out.
    assert [replay.parts for path in lanes.paths for replay in path.wide.values()] == [{}, {}]


def test_arrays_shared_arguments_and_several_outputs():
    w = Value(2.0)

    def f(x, scale, options):
        return [w * xi * scale for xi in x], {"first": x[0] * w + options["shift"]}

    lanes = vmap(f, in_dims=(0, None, None), backend="numpy")
    X = np.array(numbers(6, 2))
    for scale in (0.5, 2.0):
        expected = [f(x, scale, {"shift": 1.0}) for x in X.tolist()]
        found = lanes(X, scale, {"shift": 1.0})
        assert [[v.data for v in row] for row, _ in found] == [[v.data for v in row] for row, _ in expected]
        assert [d["first"].data for _, d in found] == [d["first"].data for _, d in expected]
    scale = Value(3.0)  # a Value for all: its gradients add up too
    mg.sum([v for row, _ in lanes(X, scale, {"shift": 1.0}) for v in row]).backward()
    assert close(scale.grad, 2.0 * X.sum())


def test_values_as_examples():
    w, xs = Value(2.0), [Value(1.0), Value(2.0), Value(3.0)]
    check(lambda x, y: (x * w).tanh() * y, [w, *xs], xs, [1, 2, 3])


def test_settings_hooks_and_no_grad():
    w = Value(2.0)
    lanes = vmap(lambda x: w * x, backend="numpy")
    with no_grad():
        assert [v.requires_grad for v in lanes([1.0, 2.0])] == [False, False]
    assert [v.requires_grad for v in lanes([1.0, 2.0])] == [True, True]
    w.requires_grad = False
    assert [v.requires_grad for v in lanes([1.0, 2.0])] == [False, False]
    w.requires_grad = True
    w.register_hook(lambda g: g * 10)
    mg.sum(lanes([1.0, 2.0])).backward()
    assert w.grad == 30.0


def test_inside_of_compiled_and_of_grad():
    w = Value(2.0)
    one = vmap(lambda x: (w * x).tanh(), backend="numpy")
    step = compile(lambda X: sum(one(X)), backend="numpy")
    for seed in range(4):
        X = numbers(5, seed=seed)
        w.zero_grad()
        step(X).backward()
        assert close(w.grad, sum(x * (1 - math.tanh(2 * x) ** 2) for x in X))
    assert step.replays == 2
    assert close(mg.grad(lambda v: sum(vmap(lambda x: v * v * x)([1.0, 2.0])))(3.0), 18.0)


def test_no_examples_and_one():
    w = Value(2.0)
    lanes = vmap(lambda x: w * x)
    assert lanes([]) == []
    assert [v.data for v in lanes([4.0])] == [8.0]


def test_what_is_not_real_is_refused_by_the_function_itself():
    w = Value(1.0)
    lanes = vmap(lambda x: (w * x).log())
    with pytest.raises(ValueError, match=r"`log` of \(-1\) is not a real number"):
        lanes([1.0, -1.0])
    assert lanes([1.0, 0.0])[1].data == -math.inf


def test_bad_input():
    w = Value(1.0)
    lanes = vmap(lambda x, y: w * x + y)
    with pytest.raises(ValueError, match="lists of the same length; got 2, 3"):
        lanes([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"got 2, float\. What all examples share is in_dims=None"):
        lanes([1.0, 2.0], 1.0)
    with pytest.raises(ValueError, match="example 1 doesn't have the shape of example 0"):
        vmap(lambda x: w * x[0])([[1.0], [1.0, 2.0]])
    with pytest.raises(ValueError, match="in_dims speaks of 1 arguments"):
        vmap(lambda x, y: w, in_dims=(0,))([1.0], [2.0])
    with pytest.raises(ValueError, match="in_dims is 0"):
        vmap(lambda x: w, in_dims=1)
    with pytest.raises(TypeError, match="vmap needs a function, got int"):
        vmap(3)
    with pytest.raises(ValueError, match="doesn't compute the same when it is called twice"):
        vmap(lambda x: w * x * random.random())([1.0, 2.0])


def test_a_variable_around_it_changes():
    w, scale = Value(1.0), 2.0
    lanes = vmap(lambda x: w * x * scale)
    assert [v.data for v in lanes([1.0, 2.0])] == [2.0, 4.0]
    scale = 3.0
    assert [v.data for v in lanes([1.0, 2.0])] == [3.0, 6.0]


def test_the_tape_side_by_side():
    w = Value(2.0)
    step = compile(lambda x, y: (w * x + 3.0 * y).tanh(), backend="numpy")
    step(1.0, 2.0)
    wide = in_lanes(step.tapes[0], 2)
    # fmt: off
    assert str(wide).splitlines()[6:] == [
        "s6 = mul(s0, s1)", "s7 = mul(s5, s2)", "s8 = add(s6, s7)", "s9 = tanh(s8)",
        "s10 = mul(s0, s3)", "s11 = mul(s5, s4)", "s12 = add(s10, s11)", "s13 = tanh(s12)", "result: s9, s13",
    ]
    # fmt: on
    assert wide.outputs.tolist() == [9, 13]
