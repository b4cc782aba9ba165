"""Nodes, their order and the chain rule: twice, deep, copied, pickled, hooked, and not recorded at all."""

import asyncio
import copy
import gc
import math
import pickle
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest

import micrograd_plus
from micrograd_plus import Tensor, Ternary, Unary, Value, grad, hvp, no_grad, sin, tanh, value_and_grad, where
from micrograd_plus.engine import Structural, graph, ops, recording
from micrograd_plus.engine.differentiate import gradients
from micrograd_plus.engine.graph import backward, is_recording, order

KINDS = {"value": lambda x: Value(x), "tensor": lambda x: Tensor(np.full((2, 3), x))}
both = pytest.mark.parametrize("leaf", KINDS.values(), ids=KINDS)


def run_backward(y):
    """From a node of any shape: with ones."""
    y.backward() if isinstance(y, Value) else y.backward(np.ones(y.shape))


def number(x):
    """The one number that x consists of."""
    assert np.all(x == np.ravel(x)[0])
    return float(np.ravel(x)[0])


# ---- order -------------------------------------------------------------------------------------------------


@both
def test_each_node_comes_once_and_after_its_inputs(leaf):
    a, b = leaf(2.0), leaf(3.0)
    c = a * b
    d = c + a
    e = (d * c + d).tanh() + b
    nodes = order(e)
    assert len(nodes) == len(set(nodes)) == 8
    place = {node: i for i, node in enumerate(nodes)}
    assert nodes[-1] is e
    for node in nodes:
        assert all(place[x] < place[node] for x in node.inputs)


@both
def test_order_is_the_same_on_every_run(leaf):
    def ops_in_order():
        a, b = leaf(2.0), leaf(3.0)
        y = ((a + b) * (a - b) + (b * a).tanh()).exp()
        return [node.op and node.op.name for node in order(y)]

    assert all(ops_in_order() == ops_in_order() for _ in range(20))


@both
def test_a_node_used_twice_has_two_edges(leaf):
    a = leaf(3.0)
    y = a + a
    assert y.inputs == (a, a)
    assert y.operands == (a, a)
    run_backward(y)
    assert number(a.grad) == 2.0


@both
def test_a_plain_number_is_an_operand_and_no_input(leaf):
    a = leaf(3.0)
    y = a * 2
    assert y.inputs == (a,)
    assert y.operands[0] is a
    assert y.operands[1] == 2
    assert order(a) == [a]
    assert a.inputs == a.operands == ()


@both
def test_a_diamond_of_diamonds_is_linear_work(leaf):
    """2**200 paths, 200 nodes."""
    a = y = leaf(1.0)
    for _ in range(200):
        y = (y + y) * 0.5
    assert len(order(y)) == 401
    run_backward(y)
    assert number(a.grad) == 1.0


# ---- backward, once and twice ------------------------------------------------------------------------------


@both
def test_leaves_accumulate_and_inner_nodes_start_afresh(leaf):
    x = leaf(3.0)
    square = x * x
    cube = square * x
    run_backward(cube)
    assert (number(x.grad), number(square.grad), number(cube.grad)) == (27.0, 3.0, 1.0)
    run_backward(cube)
    assert (number(x.grad), number(square.grad), number(cube.grad)) == (54.0, 3.0, 1.0)
    x.zero_grad()
    run_backward(cube)
    assert number(x.grad) == 27.0


@both
def test_two_losses_add_up_in_a_shared_leaf(leaf):
    x = leaf(3.0)
    shared = x * 2
    run_backward(shared * 5)
    run_backward(shared + x)
    assert number(x.grad) == 10.0 + 3.0


@both
def test_a_leaf_is_its_own_root(leaf):
    x = leaf(3.0)
    run_backward(x)
    run_backward(x)
    assert number(x.grad) == 2.0


def test_a_given_gradient_scales_all():
    x = Value(3.0)
    (x * 2).backward(10)
    assert x.grad == 20.0
    t = Tensor([1.0, 2.0])
    (t * 2).backward([1, 100])
    assert t.grad.tolist() == [2.0, 200.0]


@both
def test_backward_does_not_change_the_numbers(leaf):
    x = leaf(3.0)
    y = (x * x).exp()
    before = [np.copy(node.data) for node in order(y)]
    run_backward(y)
    for node, data in zip(order(y), before, strict=True):
        np.testing.assert_array_equal(node.data, data)


@both
def test_frozen_leaves_get_nothing(leaf):
    x, frozen = leaf(3.0), leaf(4.0)
    frozen.requires_grad = False
    y = x * frozen
    run_backward(y)
    assert number(x.grad) == 4.0
    assert frozen.grad is None or frozen.grad == 0.0
    z = frozen * 2
    assert not z.requires_grad
    assert z.inputs == ()
    with pytest.raises(RuntimeError, match="requires_grad=False"):
        run_backward(z)


@both
def test_detach_cuts(leaf):
    x = leaf(3.0)
    y = x * x.detach()
    run_backward(y)
    assert number(x.grad) == 3.0
    assert not x.detach().requires_grad
    assert x.detach().inputs == ()


def test_detach_shares_no_memory():
    t = Tensor([1.0, 2.0])
    d = t.detach()
    d.data[0] = 100.0
    assert t.tolist() == [1.0, 2.0]


# ---- hooks -------------------------------------------------------------------------------------------------


@both
def test_a_hook_sees_the_complete_gradient_and_may_replace_it(leaf):
    a = leaf(3.0)
    inner = a * 2
    seen = []
    inner.register_hook(lambda g: seen.append(number(g)))
    inner.register_hook(lambda g: g * 10)
    inner.register_hook(lambda g: seen.append(number(g)))
    run_backward(inner * 3 + inner)
    assert seen == [4.0, 40.0]
    assert number(inner.grad) == 40.0
    assert number(a.grad) == 80.0


@both
def test_the_hook_of_a_leaf_sees_one_pass_alone(leaf):
    a, seen = leaf(3.0), []
    a.register_hook(lambda g: seen.append(number(g)))
    y = a * 2
    run_backward(y)
    run_backward(y)
    assert seen == [2.0, 2.0]
    assert number(a.grad) == 4.0


@both
def test_what_a_leafs_hook_returns_is_accumulated(leaf):
    a = leaf(3.0)
    a.register_hook(lambda g: g * 10)
    y = a * 2
    run_backward(y)
    run_backward(y)
    assert number(a.grad) == 40.0


@both
def test_a_hook_can_be_removed(leaf):
    a, seen = leaf(3.0), []
    remove = a.register_hook(seen.append)
    remove()
    remove()
    run_backward(a * 2)
    assert seen == []


@both
def test_a_hook_registered_twice_is_removed_once(leaf):
    a = leaf(3.0)
    ten = lambda g: g * 10
    remove, _ = a.register_hook(ten), a.register_hook(ten)
    remove()
    run_backward(a * 1)
    assert number(a.grad) == 10.0


@both
def test_a_hook_on_the_root(leaf):
    a = leaf(3.0)
    y = a * 2
    y.register_hook(lambda g: g * 5)
    run_backward(y)
    assert number(a.grad) == 10.0


def test_a_leaf_with_a_hook_that_gets_nothing_keeps_what_it_had():
    t = Tensor([1.0, 2.0])
    (t * 3).sum().backward()
    t.register_hook(lambda g: g)
    t.requires_grad = False
    (Tensor([1.0, 1.0]) * t).sum().backward()
    assert t.grad.tolist() == [3.0, 3.0]


@both
@pytest.mark.parametrize("hook", [None, 3, "f"])
def test_a_hook_must_be_a_function(leaf, hook):
    with pytest.raises(TypeError, match="register_hook needs a function"):
        leaf(1.0).register_hook(hook)


@pytest.mark.parametrize("where_", ["leaf", "inner"])
@pytest.mark.parametrize("returned", [0.0, np.zeros(7), "x"])
def test_a_hook_that_returns_what_is_no_gradient_is_refused_or_fitted(where_, returned):
    """Never an AttributeError later on, nor a .grad that isn't an array of the right shape."""
    t = Tensor([[1.0, 2.0]])
    inner = t.reshape(2)
    (t if where_ == "leaf" else inner).register_hook(lambda g: returned)
    try:
        inner.sum().backward()
    except (TypeError, ValueError) as error:
        assert "hook" in str(error)  # noqa: PT017 - both outcomes are fine
    else:
        assert isinstance(t.grad, np.ndarray)
        assert t.grad.shape == (1, 2)


# ---- no_grad -----------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _recording_again():
    """Whatever a test of no_grad does, the next test records."""

    token = recording._recording.set(True)
    yield
    recording._recording.reset(token)


@both
def test_no_grad_records_nothing(leaf):
    a = leaf(3.0)
    with no_grad():
        y = (a * 2).tanh() + a
        z = where(True, a, a) + sum([a, a])
        assert not is_recording()
    for node in (y, z):
        assert node.op is None
        assert node.inputs == ()
        assert not node.requires_grad
    assert is_recording()
    assert (a * 2).requires_grad


@both
def test_a_leaf_made_without_recording_is_still_a_parameter(leaf):
    with no_grad():
        a = leaf(3.0)
    assert a.requires_grad
    run_backward(a * 2)
    assert number(a.grad) == 2.0


def test_no_grad_ends_with_an_exception():
    with pytest.raises(ZeroDivisionError), no_grad():
        1 / 0  # noqa: B018
    assert is_recording()


def test_no_grad_inside_no_grad():
    with no_grad():
        with no_grad():
            assert not is_recording()
        assert not is_recording()
    assert is_recording()


def test_one_no_grad_object_can_be_entered_again_and_again():
    switch = no_grad()
    for _ in range(2):
        with switch:
            assert not is_recording()
        assert is_recording()


def test_one_no_grad_object_can_be_nested_in_itself():
    """As PyTorch's can; above all, recording must not stay off for the rest of the session."""
    switch = no_grad()
    with switch:
        with switch:
            assert not is_recording()
        assert not is_recording()
    assert is_recording()


def test_no_grad_is_a_decorator_that_can_recurse():
    @no_grad()
    def depth(x, n):
        """Doc."""
        assert not is_recording()
        return x if n == 0 else depth(x * 2, n - 1)

    y = depth(Value(1.0), 50)
    assert y.data == 2.0**50
    assert not y.requires_grad
    assert is_recording()
    assert (depth.__name__, depth.__doc__) == ("depth", "Doc.")


def test_a_decorated_method_in_several_threads():
    @no_grad()
    def compute(barrier):
        barrier.wait()
        return (Value(1.0) * 2).requires_grad

    barrier, found = threading.Barrier(4), []
    threads = [threading.Thread(target=lambda: found.append(compute(barrier))) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == [False] * 4
    assert is_recording()


def test_no_grad_in_one_thread_leaves_the_others_alone():
    inside, checked, found = threading.Event(), threading.Event(), []

    def off():
        with no_grad():
            inside.set()
            checked.wait(10)
            found.append(("off", (Value(1.0) * 2).requires_grad))

    thread = threading.Thread(target=off)
    thread.start()
    assert inside.wait(10)
    found.append(("main", (Value(1.0) * 2).requires_grad))
    checked.set()
    thread.join()
    assert found == [("main", True), ("off", False)]


def test_no_grad_in_one_task_leaves_the_others_alone():
    async def off(inside, checked):
        with no_grad():
            inside.set()
            await checked.wait()
            return (Value(1.0) * 2).requires_grad

    async def on(inside, checked):
        await inside.wait()
        tracked = (Value(1.0) * 2).requires_grad
        checked.set()
        return tracked

    async def both_tasks():
        events = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(off(*events), on(*events))

    assert asyncio.run(both_tasks()) == [False, True]


def test_threads_with_graphs_of_their_own():
    found = {}

    def work(n):
        t, v = Tensor(np.full(50, float(n))), Value(float(n))
        for _ in range(50):
            t.zero_grad()
            (t * t).sum().backward()
            v.zero_grad()
            (v * v).backward()
        found[n] = (number(t.grad), v.grad)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {n: (2.0 * n, 2.0 * n) for n in range(4)}


# ---- deep and wide -----------------------------------------------------------------------------------------


def test_two_hundred_thousand_values_deep():
    x = y = Value(1.0)
    for _ in range(200_000):
        y = y + 5e-6
    y.backward()
    assert x.grad == 1.0
    assert y.data == pytest.approx(2.0)
    del y  # and freed without recursion


def test_a_hundred_thousand_tensors_deep():
    x = y = Tensor([1.0, 2.0])
    for _ in range(100_000):
        y = -y
    y.backward([1.0, 3.0])
    assert x.grad.tolist() == [1.0, 3.0]
    del y


def test_the_sum_of_a_hundred_thousand():
    xs = [Value(1.0) for _ in range(100_000)]
    total = sum(xs)
    total.backward()
    assert total.data == 100_000.0
    assert all(x.grad == 1.0 for x in xs)
    total = ops.sum_(xs)
    total.backward()
    assert (total.data, len(total.inputs), xs[0].grad) == (100_000.0, 100_000, 2.0)


# ---- freed at once -----------------------------------------------------------------------------------------


def count(kind):
    return sum(issubclass(type(x), kind) for x in gc.get_objects())  # isinstance() wakes lazy modules


@pytest.mark.parametrize("kind", [Value, Tensor])
def test_a_dropped_graph_is_freed_without_the_collector(kind):
    gc.collect()
    gc.disable()
    try:
        before = count(kind)
        x = kind(1.0)
        y = x
        for _ in range(100):
            y = (y * x + y).tanh()
        y.register_hook(lambda g: g)
        y.backward()
        assert count(kind) == before + 301
        del y
        assert count(kind) == before + 1
        del x
        assert count(kind) == before
    finally:
        gc.enable()


def test_memory_is_given_back_without_the_collector():
    def loss(ws):
        return sum((w * w).tanh() for w in ws)

    ws = [Value(0.1) for _ in range(300)]
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        loss(ws).backward()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(20):
            loss(ws).backward()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert after - before < 2_000


def test_a_binary_node_takes_at_most_200_bytes():
    a, b, n = Value(1.5), Value(2.5), 10_000
    keep = [None] * n
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for i in range(n):
            keep[i] = a * b
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / n <= 200


# ---- copies and pickles ------------------------------------------------------------------------------------


def deep(leaf, n):
    y = leaf
    for _ in range(n):
        y = y + 1.0
    return y


COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda x: pickle.loads(pickle.dumps(x))}
copied = pytest.mark.parametrize("twice", COPIES.values(), ids=COPIES)


@copied
def test_a_deep_result_can_be_copied(twice):
    y = deep(Value(1.0), 50_000)
    z = twice(y)
    z.backward()
    x = order(z)[0]
    assert (z.data, x.grad, len(order(z))) == (50_001.0, 1.0, 50_001)
    assert order(y)[0].grad == 0.0


@copied
def test_a_deep_tensor_can_be_copied(twice):
    y = deep(Tensor([1.0, 2.0]), 5_000)
    z = twice(y)
    z.sum().backward()
    assert order(z)[0].grad.tolist() == [1.0, 1.0]
    assert order(y)[0].grad is None


@copied
@both
def test_a_copy_has_everything_but_the_hooks(leaf, twice):
    a = leaf(3.0)
    a.label = "a"
    y = a * a + ops.sum_([a, a, a]) + where(True, a, 1.0)
    run_backward(y)
    y.register_hook(lambda g: g * 100)
    z = twice(y)
    old, new = order(y), order(z)
    assert [n.op for n in old] == [n.op for n in new]
    assert [n.label for n in old] == [n.label for n in new]
    for n, m in zip(old, new, strict=True):
        assert n is not m
        np.testing.assert_array_equal(n.data, m.data)
        np.testing.assert_array_equal(n.grad, m.grad)
    run_backward(z)
    assert number(new[0].grad) == 20.0
    assert number(old[0].grad) == 10.0


@copied
@both
def test_copied_leaves_are_shared_with_what_is_copied_along(leaf, twice):
    w = leaf(3.0)
    saved = {"w": w, "loss": w * w, "again": [w]}
    loaded = twice(saved)
    run_backward(loaded["loss"])
    assert loaded["again"][0] is loaded["w"]
    assert number(loaded["w"].grad) == 6.0
    assert w.grad is None or w.grad == 0.0


@copied
def test_what_happens_to_a_copys_data_leaves_its_gradient(twice):
    """The gradient is that of the forward pass that ran: also in a copy of the graph."""
    t = Tensor([1.0, 2.0])
    new, y = twice((t, (t * t).sum()))
    new.data *= 100.0
    y.backward()
    assert new.grad.tolist() == [2.0, 4.0]


def test_a_deepcopy_shares_no_memory_with_the_original():
    t = Tensor([1.0, 2.0])
    y = t * t
    z = copy.deepcopy(y)
    order(z)[0].data *= 100.0
    y.sum().backward()
    assert t.tolist() == [1.0, 2.0]
    assert t.grad.tolist() == [2.0, 4.0]


def own_relu():
    return Unary("relu", lambda x: 2 * x, lambda y, x: 2)


def test_a_pickle_never_turns_one_op_into_another():
    """A row of one's own that has a table's name must not come back as the table's."""
    y = own_relu()(Tensor(-1.0))
    try:
        z = pickle.loads(pickle.dumps(y))
    except (ValueError, TypeError, pickle.PicklingError):
        return
    z.backward()
    assert order(z)[0].grad == 2.0


def test_an_op_that_cannot_be_found_again_is_refused_when_saving():
    """Not when loading: then the numbers are lost."""
    y = Unary("mine", lambda x: 2 * x, lambda y, x: 2)(Value(1.0))
    with pytest.raises((ValueError, TypeError, pickle.PicklingError), match="mine"):
        pickle.dumps(y)


def test_a_pickle_opens_in_a_fresh_process(tmp_path):
    (tmp_path / "y.pkl").write_bytes(pickle.dumps((Tensor([1.0, 2.0]).softmax().sum(), tanh(Value(0.5)))))
    code = "import pickle, sys; t, v = pickle.load(open(sys.argv[1], 'rb')); v.backward(); t.backward(); print(v.op)"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "y.pkl")], capture_output=True, text=True)
    assert done.stdout.strip() == "<op tanh>", done.stderr


def test_ops_are_shared_and_never_copied():
    assert copy.deepcopy(ops.tanh) is ops.tanh
    assert pickle.loads(pickle.dumps(ops.tanh)) is ops.tanh
    assert pickle.loads(pickle.dumps(ops.sum_)) is ops.sum_


# ---- grad and value_and_grad -------------------------------------------------------------------------------


def test_grad_of_any_order():
    f = lambda x: x**5
    expected = [2.0**5, 5 * 2.0**4, 20 * 2.0**3, 60 * 2.0**2, 120 * 2.0, 120.0, 0.0]
    for slope in expected:
        assert f(2.0) == pytest.approx(slope)
        f = grad(f)


def test_sine_four_times():
    f = sin
    for _ in range(4):
        f = grad(f)
    assert f(0.7) == pytest.approx(np.sin(0.7))


def test_nested_grad():
    assert grad(lambda x: x * grad(lambda y: x * y * y)(3.0))(2.0) == 24.0
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0  # Siskind and Pearlmutter's confusion


def test_numbers_in_numbers_out():
    y, slope = value_and_grad(lambda x: x**3)(2)
    assert (type(y), type(slope)) == (float, float)
    assert (y, slope) == (8.0, 12.0)
    y, slope = value_and_grad(lambda t: (t * t).sum())(np.array([1.0, 2.0]))
    assert type(y) is float
    assert type(slope) is np.ndarray
    assert slope.tolist() == [2.0, 4.0]
    assert grad(lambda t: (t * t).sum())([1.0, 2.0]).tolist() == [2.0, 4.0]


@both
def test_nodes_in_nodes_out(leaf):
    x = leaf(2.0)
    f = (lambda x: x**3) if isinstance(x, Value) else (lambda x: (x**3).sum())
    slope = grad(f)(x)
    assert number(slope.data) == 12.0
    run_backward(slope)
    assert number(x.grad) == 12.0


def test_argnums():
    f = lambda a, b, c: a * b * b + c
    assert grad(f)(2.0, 3.0, 5.0) == 9.0
    assert grad(f, argnums=1)(2.0, 3.0, 5.0) == 12.0
    assert grad(f, argnums=(2, 0, 1))(2.0, 3.0, 5.0) == (1.0, 9.0, 12.0)
    assert grad(f, argnums=(1,))(2.0, 3.0, 5.0) == (12.0,)
    assert grad(lambda a, scale=1.0: a * scale)(2.0, scale=7.0) == 7.0


@pytest.mark.parametrize("argnums", [3, -1, (0, 5)])
def test_argnums_that_do_not_exist(argnums):
    with pytest.raises(ValueError, match=r"grad: argnums=.* called with 1 argument"):
        grad(lambda x: x, argnums=argnums)(1.0)


def test_one_node_given_twice_is_two_variables():
    v = Value(3.0)
    assert [s.data for s in grad(lambda a, b: a * a * b, argnums=(0, 1))(v, v)] == [18.0, 9.0]
    assert grad(lambda a, b: a * a * b)(v, v).data == 18.0


def test_a_node_in_the_closure_is_not_the_argument():
    """grad(f)(v) is f's derivative at v, by its argument alone: d(v·y)/dy = v."""
    v = Value(3.0)
    assert grad(lambda y: v * y)(v).data == 3.0
    assert grad(lambda x: grad(lambda y: x * y)(x) + x)(5.0) == 2.0


def test_grad_stops_at_its_argument():
    """What the argument was made from is no business of f's: not even when it can't be differentiated twice."""
    fused = Structural("fused", lambda x: (x * 2, x), lambda g, kept, x: g * 2, keeps=True)
    t = fused(Tensor([1.0, 2.0]))
    assert grad(lambda x: (x * x).sum())(t).tolist() == [4.0, 8.0]


@both
def test_a_closure_over_other_nodes(leaf):
    w = leaf(3.0)
    f = (lambda x: w * x * x) if isinstance(w, Value) else (lambda x: (w * x * x).sum())
    x = 2.0 if isinstance(w, Value) else np.full((2, 3), 2.0)
    assert number(grad(f)(x)) == 12.0
    assert w.grad is None or w.grad == 0.0


def test_a_result_that_does_not_depend_on_the_argument():
    assert grad(lambda x: 3.0)(2.0) == 0.0
    assert grad(lambda x: Value(3.0) * 2)(2.0) == 0.0
    assert value_and_grad(lambda x: 3.0)(np.inf) == (3.0, 0.0)
    assert grad(lambda t: 3.0)(np.ones((2, 2))).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert grad(lambda a, b: b * b)(np.inf, 2.0) == 0.0
    assert grad(grad(lambda x: x))(2.0) == 0.0


def test_grad_leaves_grad_alone():
    v = Value(2.0)
    (v * 3).backward()
    grad(lambda x: x * x)(v)
    assert v.grad == 3.0


def test_grad_works_inside_no_grad_and_leaves_it_in_place():
    with no_grad():
        assert grad(lambda x: x * x)(3.0) == 6.0
        assert not is_recording()


def test_grad_ends_with_an_exception():
    def f(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"), no_grad():
        grad(f)(1.0)
    assert is_recording()
    assert type(grad(lambda x: x * x)(3.0)) is float


def test_a_number_beside_an_array():
    """The commonest of all: a weight vector and one bias."""
    X, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 2.0])
    loss = lambda w, b: ((X @ w + b - y) ** 2).mean()
    slope_w, slope_b = grad(loss, argnums=(0, 1))(np.zeros(2), 0.0)
    np.testing.assert_allclose(slope_w, [-7.0, -10.0])
    assert slope_b == -3.0


def test_an_array_without_axes_is_an_array():
    assert grad(lambda t: t.reshape(1).sum())(np.array(2.0)) == 1.0


def test_a_condition_that_is_a_node():
    assert grad(lambda x: where(Value(1.0), x, 2 * x))(3.0) == 1.0
    mask = Tensor([1.0, 0.0], requires_grad=False)
    assert grad(lambda t: where(mask, t, 2 * t).sum())(np.ones(2)).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("f", "x", "error", "text"),
    [
        (lambda x: x * 2, np.ones(3), ValueError, r"must give one number, it gave shape \(3,\)"),
        (lambda x: None, 1.0, TypeError, "grad: the function's result needs a real number, got NoneType"),
        (lambda x: (x, x), 1.0, TypeError, "grad: the function's result.*tuple"),
        (lambda x: "a", 1.0, TypeError, "grad: the function's result.*str"),
        (lambda x: x, "3", TypeError, r"str '3'; convert it first: float\('3'\)"),
        (lambda x: x, None, TypeError, "real number, got NoneType"),
        (lambda x: x, 1j, TypeError, "complex"),
        (lambda x: x.sum(), np.array([1, 2]), TypeError, "int64 can't have gradients"),
    ],
)
def test_bad_input_to_grad(f, x, error, text):
    with pytest.raises(error, match=text):
        grad(f)(x)


def test_grad_of_nan_and_kinks_warns_of_nothing():
    """Constants in a rule are computed outside Tensor.apply: there, too, 0/0 is nan without a word."""
    x = np.array([np.nan, 1.0])
    for f in (lambda t: t.max(), lambda t: t.norm(), lambda t: t.std(), lambda t: (t**-1).sum()):
        assert np.isnan(grad(f)(x)).any()


@both
def test_zero_grad(leaf):
    a = leaf(1.0)
    fresh = a.grad
    run_backward(a * 2)
    a.zero_grad()
    assert a.grad is fresh or a.grad == fresh


def test_graph_knows_no_kind_of_node():
    """backward() of graph.py serves any Node."""
    a = Value(2.0)
    backward(a * 3, 1.0)
    assert a.grad == 3.0


# -- what a first reader tried -------------------------------------------------------------------------------


@pytest.mark.parametrize("power", range(5))
@pytest.mark.parametrize("times", range(5))
def test_derivatives_of_powers_at_zero(power, times):
    f = lambda x: x**power
    for _ in range(times):
        f = grad(f)
    wanted = math.factorial(power) if times == power else 0.0
    assert f(0.0) == wanted
    if times:
        g = lambda x: (x**power).sum()
        for _ in range(times):
            g = grad(lambda x, g=g: g(x).sum() if hasattr(g(x), "sum") else g(x))
        assert g(np.zeros(2)).tolist() == [wanted, wanted]


def test_functions_of_math_do_not_cut_a_gradient_inside_grad():
    with pytest.raises(TypeError, match=r"would lose its gradient.*mg\.sin"):
        grad(math.sin)(1.0)
    with pytest.raises(TypeError, match="would lose its gradient"):
        grad(lambda x: math.exp(x) * x)(Tensor(1.0))
    assert float(Value(2.0)) == 2.0


def test_no_grad_decorates_without_brackets():
    @no_grad
    def double(x):
        return 2 * x

    assert double(Value(2.0)).requires_grad is False
    assert (2 * Value(2.0)).requires_grad is True


def test_a_gradient_set_to_none_is_a_gradient_of_nothing():
    v = Value(3.0)
    v.grad = None
    (v * v).backward()
    assert v.grad == 6.0


@pytest.mark.parametrize("leaf", [Value(1.0), Tensor([1.0])])
def test_a_failing_hook_loses_no_gradient(leaf):
    leaf.zero_grad()
    y = lambda: (leaf * 5.0).sum() if isinstance(leaf, Tensor) else leaf * 5.0
    y().backward()

    def fail(g):
        raise KeyboardInterrupt

    remove = leaf.register_hook(fail)
    with pytest.raises(KeyboardInterrupt):
        y().backward()
    remove()
    assert float(np.sum(leaf.grad)) == 5.0


def test_grad_uses_constants_as_they_were():
    c = np.array([3.0])

    def f(x):
        y = (x * c).sum()
        c[0] = 100.0
        return y

    assert grad(f)(np.array([2.0])).tolist() == [3.0]
    assert grad(lambda x: (x @ [[1.0], [2.0]]).sum())(np.ones((1, 2))).tolist() == [[1.0, 2.0]]
    assert grad(lambda x: (x ** [2.0, 3.0]).sum())(np.ones(2)).tolist() == [2.0, 3.0]


def test_an_argument_that_is_not_used_has_gradient_zero():
    assert grad(lambda x, y: x * 2, argnums=(0, 1))(1.0, math.inf) == (2.0, 0.0)


def test_rows_are_checked_when_they_are_made_and_used():
    with pytest.raises(TypeError, match="op 'k': a rule is a function"):
        Unary("k", lambda x: x, "2 * x")
    with pytest.raises(TypeError, match="op 'k' has 3 inputs, so it needs 3 slopes, got 2"):
        Ternary("k", lambda a, b, c: a, lambda *xs: 1, lambda *xs: 1)
    with pytest.raises(TypeError, match=r"`exp` takes 1 operand\(s\), got 2"):
        micrograd_plus.exp(Value(1.0), 2)
    for result in (None, 1j, "y"):
        with pytest.raises(TypeError, match="the result of `k` needs a real number"):
            Unary("k", lambda x, result=result: result, lambda y, x: 1)(Value(1.0))
    assert Unary("k", lambda x: x > 0, lambda y, x: 0)(Value(1.0)).data == 1.0


def test_a_derivative_can_be_pickled():
    d = grad(lambda x: x**3)(Value(2.0))
    assert pickle.loads(pickle.dumps(d)).data == 12.0


# ---- watching ----------------------------------------------------------------------------------------------


class Watcher(graph.Watcher):
    def __init__(self):
        self.seen = []

    def made(self, op, operands, y, settings):
        self.seen.append((op.name, len(operands), y.requires_grad))

    def pushed(self, node):
        self.seen.append(f"pushed {node.op.name}")


@pytest.mark.parametrize("kind", [Value, Tensor])
def test_a_watcher_is_shown_what_is_computed_forward_and_back(kind):
    a, fixed = kind(2.0), kind(3.0, requires_grad=False)
    with graph.watched_by(Watcher()) as watcher:
        y = micrograd_plus.sum([a * 3, fixed * 2, micrograd_plus.where(True, a, 0.0)])
        with no_grad():
            a + 1
        y.backward()
    a + 1  # after the context: not seen
    # fmt: off
    assert watcher.seen == [("mul", 2, True), ("mul", 2, False), ("where", 3, True), ("sum", 3, True),
                            "pushed sum", "pushed mul", "pushed where"]
    # fmt: on
    assert a.grad == 4.0


def test_a_watcher_also_sees_what_grad_computes():
    with graph.watched_by(Watcher()) as watcher:
        micrograd_plus.grad(lambda x: x * x)(3.0)
    assert ("mul", 2, True) in watcher.seen


def test_who_only_looks_on_changes_nothing():
    a = Value(2.0)
    with graph.watched_by(graph.Watcher()):
        assert (a * a).requires_grad
        with no_grad():
            assert not (a * a).requires_grad
        with pytest.raises(TypeError, match="this is a Value already"):
            Value(a)


def test_a_watcher_that_raises_stops_the_computation_there():
    class Stop(Watcher):
        def made(self, op, operands, y, settings):
            raise ArithmeticError("stop")

    with pytest.raises(ArithmeticError, match="stop"), graph.watched_by(Stop()):
        Value(1.0) + 1
    assert (Value(1.0) + 1).data == 2.0


# ---- a row, as it is called ---------------------------------------------------------------------------------


def test_a_row_has_as_many_slopes_and_operands_as_inputs():
    one = lambda y, *xs: 1.0
    with pytest.raises(TypeError, match="op 'k' has 3 inputs, so it needs 3 slopes, got 4"):
        Ternary("k", lambda a, b, c: a, one, one, one, one)
    for operands in ((), (1.0, 2.0), (Value(1.0), 2.0)):
        with pytest.raises(TypeError, match=rf"`tanh` takes 1 operand\(s\), got {len(operands)}"):
            tanh(*operands)


def test_a_row_that_keeps_gives_its_result_alone():
    row = Structural("row", lambda x: (x * 2, "kept", "too"), lambda g, y, x: g, keeps=True)
    assert row(3.0) == 6.0


def test_a_sum_takes_a_generator():
    assert micrograd_plus.sum(x for x in (1.0, 2.0)) == 3.0
    total = micrograd_plus.sum(x for x in (Value(1.0), Value(2.0), Value(4.0)))
    assert (total.data, len(total.inputs)) == (7.0, 3)


def test_what_a_picture_writes_into_the_box():
    assert (ops.add.symbol, ops.tanh.symbol, Unary("mine", lambda x: x, lambda y, x: 1).symbol) == ("+", "tanh", "mine")


# ---- grad(f), as it is called -------------------------------------------------------------------------------


def test_a_derivative_has_the_name_of_its_function():
    def cube(x):
        """x³"""
        return x * x * x

    assert [f(cube).__name__ for f in (grad, value_and_grad)] == ["cube", "cube"]


def test_a_derivative_in_no_grad_is_still_one():
    with no_grad():
        assert grad(lambda x: x * x)(3.0) == 6.0
        assert float(grad(lambda x: x * x)(Value(3.0))) == 6.0


def test_kinds_that_do_not_mix_lose_the_gradient():
    w, v = Tensor([1.0, 2.0]), Value(2.0)
    with pytest.raises(TypeError, match="given a Value and gave a Tensor"):
        grad(lambda x: (w * w).sum())(v)
    with pytest.raises(TypeError, match="given a Tensor and gave a Value"):
        grad(lambda x: v * v)(w)


def test_a_direction_has_a_part_for_each_input():
    for v in ((1.0,), (1.0, 2.0, 3.0)):
        with pytest.raises(ValueError, match=f"inputs is a tuple of 2, so v is a tuple .* got a tuple of {len(v)}"):
            hvp(lambda x, y: x * y, (1.0, 2.0), v)


def test_what_neither_side_knows_is_refused_even_if_it_could_be_added():
    class Money:
        def __radd__(self, other):
            return "rich"

    with pytest.raises(TypeError, match=r"`add` can't be applied to \(Value, Money\) together"):
        ops.add(Value(1.0), Money())


@pytest.mark.parametrize("kind", [Value, lambda x: Tensor([x])], ids=["Value", "Tensor"])
def test_a_hook_that_fails_costs_no_leaf_what_it_had(kind):
    a, b = kind(2.0), kind(3.0)
    a.register_hook(lambda g: g)
    (a * b).backward() if kind is Value else (a * b).sum().backward()
    had = float(np.sum(a.grad))
    y = a * b
    y.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        (y if kind is Value else y.sum()).backward()
    assert float(np.sum(a.grad)) == had == 3.0


def test_gradients_takes_its_nodes_from_any_iterable():
    a, b = Value(2.0), Value(3.0)
    assert [g.data for g in gradients(a * b, (x for x in (a, b)))] == [3.0, 2.0]


def test_grad_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"grad: the function must give one number, it gave shape \(0,\)"):
        micrograd_plus.grad(lambda x: x[:0])([1.0])


def test_grad_leaves_no_grad_as_it_is():
    with no_grad():
        assert micrograd_plus.grad(lambda x: x * x)(Value(3.0)).data == 6.0
        assert not (Value(1.0) * 2.0).requires_grad
