"""The scalar twin: an array computation opened into its Values agrees with it, number by number."""

import copy
import math
import operator
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

from micrograd_plus import Tensor, Value, concatenate, einsum, grad, maximum, nn, stack, tanh, where
from micrograd_plus import sum as sum_
from micrograd_plus.engine import ValueArray
from micrograd_plus.engine.graph import order

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])


def values(x=X, label=""):
    return Tensor(x, label=label).to_values()


def agrees(f, *xs, rtol=1e-12, directly=True):
    """Three ways: on Tensors, by opening the Tensors' graph, and on ValueArrays directly."""
    tensors, arrays, leaves = [Tensor(x) for x in xs], [ValueArray.leaves(np.array(x)) for x in xs], {}
    y = f(*tensors)
    assert y.shape == ()
    opened = y.to_values(leaves)
    y.backward()
    for root in (opened, f(*arrays)) if directly else (opened,):
        assert isinstance(root, Value)
        assert root.data == pytest.approx(y.item(), rel=rtol, abs=1e-14)
        root.backward()
    for t, a in zip(tensors, arrays, strict=True):
        np.testing.assert_allclose(leaves[t].grad, t.grad, rtol=rtol, atol=1e-13)
        if directly:
            np.testing.assert_allclose(a.grad, t.grad, rtol=rtol, atol=1e-13)


# ---- agreement ---------------------------------------------------------------------------------------------

PROGRAMS = {
    "a neuron layer": lambda x, w, b: ((x @ w + b).tanh() ** 2).sum(),
    "normalised by its sum": lambda x, w, b: (x.exp() / x.exp().sum()).log().sum() + (w * b).sum(),
    "standardised": lambda x, w, b: (((x - x.mean()) / (x.std() + 1e-5)) ** 3).sum() + (w * b).sum(),
    "batch norm": lambda x, w, b: ((x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt() @ w * b).sum(),
    "softmax and cross-entropy": lambda x, w, b: -(x @ w + b).log_softmax(1)[[0, 1], [1, 0]].mean(),
    "logsumexp": lambda x, w, b: ((x @ w).logsumexp(axis=1) * b).sum(),
    "a whole logsumexp times more": lambda x, w, b: ((x @ w).logsumexp() * b).sum(),
    "kinks": lambda x, w, b: (x @ w).relu().sum() + abs(x).sum() + maximum(w, 0.1).sum() + b.clip(0, 1).sum(),
    "where": lambda x, w, b: where(x > 0, x * x, -x).sum() * b.sum() + w.sum(),
    "an extreme": lambda x, w, b: (x.max(axis=1) * x.min()).sum() + (w * b.max()).sum(),
    "norms": lambda x, w, b: (x / x.norm(axis=1, keepdims=True)).sum() * w.norm() + b.sum(),
    "concatenate and stack": lambda x, w, b: (concatenate([x, x * 2]) @ w).sum() + (stack([b, b * b]) @ b).sum(),
    "a stack of sums": lambda x, w, b: (stack([x.sum(), w.sum(), b.mean()]) ** 2).sum(),
    "einsum": lambda x, w, b: einsum("ij,jk,k->", x, w, b),
    "rows, columns, steps": lambda x, w, b: (x[0] * x[:, 1].sum() + w[:, 0] * w[1:, 1].sum()).sum() + b[::-1][0],
    "repeated rows": lambda x, w, b: (x[[0, 0, 1]] ** 2).sum() + w[:, [1, 1]].sum() * b[0],
    "shapes": lambda x, w, b: (x.T.reshape(2, 3).flip(1).pad(1).cumsum(0) ** 2).sum() + w.flatten().prod() + b.sum(),
    "expanded": lambda x, w, b: (b.expand(3, 2) * w).sum() * x.sum().reshape(1, 1).expand(2, 2).sum(),
    "one number again and again": lambda x, w, b: (x.sum() * w.sum()).tanh() * b.sum().exp() + x.sum(),
    "Python's sum": lambda x, w, b: sum([x.sum(), w.sum(), b.sum()]) + sum_([x.sum(), b.sum()]),
    "unsqueezed": lambda x, w, b: (x.unsqueeze(0).squeeze() * x.mean().unsqueeze(0)).sum() + (w * b).sum(),
}


# x.sum() of a ValueArray is a Value, and a Value has no reshape(): these can be opened alone
OPENED_ALONE = {"a stack of sums", "expanded", "unsqueezed"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_agree(name):
    rng = np.random.default_rng(2)
    inputs = rng.normal(size=(2, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)
    agrees(PROGRAMS[name], *inputs, directly=name not in OPENED_ALONE)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda t: t.max(), [3.0, 1.0, 3.0]),
        (lambda t: t.max(axis=0).sum(), [[1.0, 2.0], [1.0, 3.0]]),
        (lambda t: t.min(), [1.0, 1.0, 1.0]),
        (lambda t: maximum(t, 2.0).sum(), [2.0, 3.0]),
        (lambda t: t.relu().sum(), [0.0, -0.0]),
        (lambda t: t.prod(), [0.0, 2.0, 0.0]),
        (lambda t: t.logsumexp(), [1000.0, 1000.0]),
        (lambda t: t.softmax()[0], [1000.0, -1000.0]),
        (lambda t: t.clip(0.0, 1.0).sum(), [0.0, 1.0]),
    ],
    ids=["max", "max along", "min of three", "maximum", "relu", "prod", "logsumexp", "softmax", "clip"],
)
def test_kinks_agree(f, x):
    """At a kink there is one right answer here: the subgradient that the table's comments promise.

    (Not for norm and std of zeros: there the twin has the slope of sqrt(0), inf, and inf × 0 is nan.)
    """
    agrees(f, np.array(x))


def test_a_training_step_agrees():
    """Ten steps of gradient descent on both: the weights stay the same to rounding."""
    rng = np.random.default_rng(0)
    x, target, start = rng.normal(size=(6, 3)), rng.normal(size=6), rng.normal(size=3)
    w, v = Tensor(start), ValueArray.leaves(start)
    for _ in range(10):
        w.zero_grad()
        ((x @ w - target) ** 2).mean().backward()
        w.data -= 0.1 * w.grad
        loss = ((x @ v - target) ** 2).mean()
        loss.backward()
        v = ValueArray.leaves(v.data - 0.1 * v.grad)
    np.testing.assert_allclose(v.data, w.numpy(), rtol=1e-12)


def test_the_twin_is_of_the_forward_pass_that_ran():
    t, x = Tensor([1.0, 2.0]), np.array([3.0, 4.0])
    y = (t * x).sum()
    x[:] = 100.0
    assert y.to_values().data == 11.0


# ---- opening -----------------------------------------------------------------------------------------------


def test_every_scalar_step_is_in_the_graph():
    w, leaves = Tensor([[1.0, 2.0], [3.0, 4.0]], label="w"), {}
    root = (w @ [1.0, -1.0]).sum().to_values(leaves)
    assert list(leaves) == [w]
    names = [node.op.name for node in order(root) if node.op]
    assert names.count("mul") == 4
    assert {node.label for node in order(root) if not node.op} == {"w[0,0]", "w[0,1]", "w[1,0]", "w[1,1]"}


def test_labels_of_leaves():
    assert values([1.0, 2.0], label="b").values[1].label == "b[1]"
    assert values([1.0, 2.0]).values[1].label == ""


def test_constants_stay_constants():
    frozen, t, leaves = Tensor([5.0, 6.0], requires_grad=False), Tensor([1.0, 2.0]), {}
    root = (t * frozen).sum().to_values(leaves)
    assert set(leaves) == {t}
    assert len([node for node in order(root) if node.op is None]) == 2


def test_a_leaf_opens_into_leaves():
    w = Tensor(X, label="w")
    a = w.to_values()
    assert isinstance(a, ValueArray)
    assert a.shape == (2, 3)
    assert a.data.tolist() == X.tolist()
    a.values[0, 0].data = 100.0
    assert w.numpy()[0, 0] == 0.5


def test_one_number_opens_into_a_value():
    leaf = Tensor(2.0, label="a")
    v = leaf.to_values()
    assert isinstance(v, Value)
    assert (v.data, v.label) == (2.0, "a")
    leaves = {}
    root = (leaf * leaf).to_values(leaves)
    root.backward()
    assert np.shape(leaves[leaf].data) == ()
    assert float(leaves[leaf].grad) == 4.0


def test_astype_opens():
    t, leaves = Tensor([1.0, 2.0]), {}
    root = (t * t).astype(np.float32).sum().to_values(leaves)
    assert isinstance(root, Value)
    root.backward()
    assert leaves[t].grad.tolist() == [2.0, 4.0]


# ---- as an array -------------------------------------------------------------------------------------------


def test_what_an_array_of_values_shows():
    a = values()
    assert (a.shape, a.ndim, a.size, len(a)) == ((2, 3), 2, 6, 2)
    assert a.data.dtype == a.grad.dtype == float
    assert a.grad.tolist() == np.zeros((2, 3)).tolist()
    assert a.numpy().tolist() == X.tolist()
    assert isinstance(a.tolist()[0][0], Value)
    assert repr(a).startswith("ValueArray(shape=(2, 3), [[ 0.5 ")
    assert a.argmax() == X.argmax()
    assert a.argmax(axis=1).tolist() == X.argmax(1).tolist()


def test_data_is_a_copy():
    a = values()
    a.data[0, 0] = 100.0
    a.grad[0, 0] = 100.0
    assert a.values[0, 0].data == 0.5
    assert a.values[0, 0].grad == 0.0


def test_elements_rows_and_iteration():
    a = values()
    assert a[0, 1] is a.values[0, 1]
    assert isinstance(a[0], ValueArray)
    assert a[0].values[1] is a.values[0, 1]
    rows = list(a)
    assert [type(r) for r in rows] == [ValueArray] * 2
    assert list(rows[0])[2] is a.values[0, 2]
    assert a.sum().data == pytest.approx(X.sum())


OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv]


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
@pytest.mark.parametrize(
    "other",
    [2.0, 2, np.float64(2), np.float32(2), np.full(3, 2.0), [2.0, 2.0, 2.0], np.full((2, 1), 2.0), Value(2.0),
     values(np.full((2, 3), 2.0)), Tensor(np.full(3, 2.0), requires_grad=False)],
    ids=lambda x: type(x).__name__,
)  # fmt: skip
def test_operands_of_every_kind_on_either_side(op, other):
    for found, expected in ((op(values(), other), op(X, 2.0)), (op(other, values()), op(2.0, X))):
        assert isinstance(found, ValueArray)
        np.testing.assert_allclose(found.data, expected, rtol=1e-15)
        assert all(isinstance(v, Value) for v in found.values.flat)


def test_functions_of_a_value_and_an_array():
    for y in (maximum(Value(1.0), values()), maximum(values(), Value(1.0)), where(X > 1, values(), Value(1.0))):
        assert isinstance(y, ValueArray)
        np.testing.assert_array_equal(y.data, np.maximum(X, 1.0))
    np.testing.assert_allclose(tanh(values()).data, np.tanh(X), rtol=1e-15)


def test_comparisons():
    a = values()
    for op in (operator.lt, operator.le, operator.gt, operator.ge):
        for other in (0.5, X * 0 + 0.5, values(X * 0 + 0.5), Value(0.5)):
            np.testing.assert_array_equal(op(a, other), op(X, 0.5))


def test_matmul_with_arrays_on_either_side():
    np.testing.assert_allclose((values() @ X.T).data, X @ X.T)
    np.testing.assert_allclose((X.T @ values()).data, X.T @ X)
    np.testing.assert_allclose((values() @ values(X.T)).data, X @ X.T)
    assert isinstance(values([1.0, 2.0]) @ values([3.0, 4.0]), Value)


def test_a_tensor_with_gradients_does_not_mix():
    with pytest.raises(TypeError, match=r"don't mix.*to_values"):
        values() + Tensor(X)
    with pytest.raises(TypeError, match=r"don't mix.*to_values"):
        Tensor(X) * values()


@pytest.mark.parametrize(
    ("f", "error", "text"),
    [
        (lambda a: a + np.ones(2), ValueError, r"shapes"),
        (lambda a: a @ a, ValueError, r"`@`: inner sizes differ: \(2, 3\) @ \(2, 3\)"),
        (lambda a: a.sum(axis=5), ValueError, r"`sum`: axis 5 does not exist in shape \(2, 3\)"),
        (lambda a: a.reshape(4), ValueError, r"`reshape`: \(2, 3\) has 6 numbers"),
        (lambda a: a + "a", TypeError, "real number|numbers are needed"),
        (lambda a: a + None, TypeError, "None"),
        (lambda a: a + 1j, TypeError, "complex"),
        (lambda a: a[5], IndexError, "out of bounds"),
    ],
)
def test_bad_input_is_named_as_by_a_tensor(f, error, text):
    with pytest.raises(error, match=text):
        f(values())


def test_copies_and_pickles():
    a = values(label="a")
    for b in (copy.deepcopy(a), pickle.loads(pickle.dumps(a))):
        assert isinstance(b, ValueArray)
        assert b.data.tolist() == a.data.tolist()
        (b * b).sum().backward()
        assert b.grad.tolist() == (2 * X).tolist()
    assert a.grad.tolist() == np.zeros((2, 3)).tolist()


def test_to_values_is_there_whatever_is_imported_first():
    for line in ("from micrograd_plus import Tensor", "from micrograd_plus.engine import Tensor"):
        code = f"{line}\nprint(Tensor([1.0, 2.0]).sum().to_values().data)"
        done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
        assert done.stdout.strip() == "3.0", (line, done.stderr)


def test_a_large_graph_opens_without_recursion():
    t = y = Tensor([1.0, 2.0])
    for _ in range(5_000):
        y = y + 0.001
    leaves = {}
    root = y.sum().to_values(leaves)
    root.backward()
    assert leaves[t].grad.tolist() == [1.0, 1.0]


def test_the_twin_has_the_numbers_that_the_graph_saw():
    w = Tensor([2.0], label="w")
    y = (w * w).sum()
    w.data[:] = 10.0
    opened = {}
    assert y.to_values(opened).data == 4.0
    assert opened[w].data.tolist() == [2.0]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.var(correction=0) + x.std(correction=0) + x.norm(),
        lambda x: x.logsumexp() + x.softmax(0) + x.log_softmax(-1),
        lambda x: x.cumsum(0) * x.mean(axis=-1) * x.flip(0),
        lambda x: einsum(",i,i->i", x, np.ones(2), np.ones(2)).sum() * einsum(",,->", x, x, x),
    ],
)
def test_reductions_of_a_single_number(f):
    agrees(f, np.array(1.25), directly=False)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: x.norm() + y.sum() + x.sum(),
        lambda x, y: x.log_softmax(-1).sum() + x.softmax(0).prod() * y.sum(),
        lambda x, y: (x.sum(axis=1).norm() + x.prod(axis=1).logsumexp()) * y.sum(),
    ],
)
def test_empty_arrays(f):
    agrees(f, np.zeros((2, 0)), np.array([0.5, -1.0]), directly=False)


def test_a_result_of_empty_arrays_alone_is_a_value_without_gradient():
    opened = Tensor(np.zeros(0)).sum().to_values()
    assert isinstance(opened, Value)
    assert (opened.data, opened.requires_grad) == (0.0, False)


def test_plain_numbers_among_the_values():
    """NumPy asks each element for its .exp()."""
    agrees(lambda x: (concatenate([x, np.ones(2)]).softmax(0) * np.arange(5.0)).sum(), np.array([0.5, -1.0, 2.0]))
    agrees(lambda x: x.pad(1).logsumexp() + x.pad(1).norm(), np.array([0.5, -1.0, 2.0]))


def test_only_the_bias_of_a_layer_is_differentiated():
    agrees(lambda b: (nn.functional.linear(Tensor(X, requires_grad=False), X, b) ** 2).sum(), np.array([0.5, -1.0]))


@pytest.mark.parametrize("f", [lambda x: x.norm(), lambda x: (x - x).norm(), lambda x: x.std(correction=0)])
def test_roots_at_zero_have_the_slope_zero(f):
    """As in PyTorch, and as Tensors say it: the slope of the root itself would make it nan."""
    agrees(f, np.zeros(2), directly=False)


def test_numbers_changed_between_two_operations():
    """A leaf is one leaf, whatever it held: the gradients of all that it was used for come together there."""
    w = Tensor([2.0, -1.0])
    held = w.data  # while somebody holds it, each operation has a copy of its own
    y = w * w
    held += 1.0
    y.data *= 0.5
    root = (y * y + w * 3.0).sum()
    root.backward()
    leaves = {}
    opened = root.to_values(leaves)
    opened.backward()
    assert opened.data == pytest.approx(root.item(), rel=1e-15)
    np.testing.assert_allclose(leaves[w].grad, w.grad, rtol=1e-15)


def test_a_leaf_that_somebody_holds_is_one_leaf():
    w = Tensor([2.0, -1.0])
    held = w.data
    root, leaves = (w * 2.0 + w.tanh()).sum(), {}
    root.backward()
    root.to_values(leaves).backward()
    np.testing.assert_allclose(leaves[w].grad, w.grad, rtol=1e-15)
    assert held is not None


def test_what_ties_after_a_change_ties_in_the_twin():
    """1.17 + (0.3 - 1.17) isn't 0.3: the numbers of the twin are those that the operation saw."""
    x = Tensor([0.05, -0.65, 1.17])
    y = (x * 1.0).sum()
    x.data[...] = 0.3
    y = y + x.max()
    leaves = {}
    twin = y.to_values(leaves)
    y.backward()
    twin.backward()
    assert x.grad.round(6).tolist() == [1.333333] * 3
    assert leaves[x].grad.round(6).tolist() == [1.333333] * 3
    assert twin.data == y.item()


def test_plain_numbers_that_were_changed_are_the_changed_ones():
    """Around x, pad puts numbers that are no Values; the next operation saw others there."""
    x = Tensor([0.5, -1.0])
    y = x.pad(1, value=2.0)
    y.data += 1.0
    root, leaves = (y * y * [1.0, 2.0, 3.0, 4.0]).sum(), {}
    opened = root.to_values(leaves)
    assert opened.data == root.item() == 9.0 + 2 * 2.25 + 0.0 + 4 * 9.0
    opened.backward()
    assert leaves[x].grad.tolist() == [2 * 2 * 1.5, 0.0]


def test_the_same_numbers_put_in_anew_are_no_change():
    """Equal numbers, nan among them, in another array: not one node more."""

    def nodes_after(assign):
        x = Tensor([1.0, math.nan])
        y = x * 2.0
        assign(x)
        return len(order((y + x).sum().to_values()))

    def anew(x):
        x.data = x.numpy().copy()

    assert nodes_after(anew) == nodes_after(lambda x: None)


def test_constants_among_the_values_have_no_gradient():
    wide = values([-0.5, -1.0]).pad(1)
    wide.sum().backward()
    assert wide.grad.tolist() == [0.0, 1.0, 1.0, 0.0]
    leaves = [node for node in order(wide.logsumexp()) if node.op is None]  # the largest is a 0 around it
    assert sorted(leaf.data for leaf in leaves if leaf.requires_grad) == [-1.0, -0.5]


def test_the_slope_of_a_maximum_has_a_slope():
    """Differentiated twice, what ties is asked of Values, not of numbers."""

    def largest_square(x):
        return (ValueArray(np.array([Value(2.0), x, Value(1.0)])) ** 2).max()

    assert grad(largest_square)(-3.0) == -6.0
    assert grad(grad(largest_square))(-3.0) == 2.0


def test_an_array_of_no_numbers_holds_objects_like_all_others():
    total = values(np.zeros((0, 2))).sum(axis=0)
    assert total.values.dtype == object
    assert total.data.tolist() == [0.0, 0.0]


def test_many_and_long_numbers_are_cut_short():
    assert repr(values([1 / 3, 2 / 3])) == "ValueArray(shape=(2,), [0.3333, 0.6667])"
    assert "..." not in repr(values(np.arange(20.0)))
    assert "0.,  1.,  2., ..., 18., 19., 20." in repr(values(np.arange(21.0)))


def test_infinite_constants_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(einsum("i,i,i->", values([1.0]), np.array([math.inf]), np.array([0.0])).data)


def test_logsumexp_opens_into_the_log_of_a_sum():
    names = [node.op.name for node in order(values([0.5, -1.0]).logsumexp()) if node.op]
    assert (names.count("exp"), names.count("log")) == (2, 1)
