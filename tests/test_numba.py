"""compile(f, backend="numba"): the same numbers as NumPy's, to 1e-12."""

import itertools
import math
import random
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_plus as mg
from micrograd_plus import Binary, Unary, Value, nn
from micrograd_plus.engine import maths
from micrograd_plus.engine.ops import TABLE
from micrograd_plus.nn.losses import LOSS_TABLE
from micrograd_plus.tape import compile, runners
from micrograd_plus.tape.plan import MatMul, Plan, Pointwise, Sums
from micrograd_plus.tape.with_numpy import NumpyRunner

ROWS = [row for row in (*TABLE.values(), *LOSS_TABLE.values()) if row.pointwise]
EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, 5e-324, 1e-8, -40.0, 1e3, -1e3, 1e308, math.inf, -math.inf, math.nan]


@pytest.fixture(scope="module")
def NumbaRunner():  # noqa: N802 - it gives the class
    pytest.importorskip("numba")
    from micrograd_plus.tape.with_numba import NumbaRunner

    return NumbaRunner


def alike(a, b):
    return np.allclose(a, b, rtol=1e-12, atol=1e-12, equal_nan=True)


def check(NumbaRunner, plan, numbers, seeds=None):
    """The two runners' values and gradients are the same. seeds: the gradients of the last slots."""
    seeds = np.ones(1) if seeds is None else seeds
    found = []
    for kind in (NumpyRunner, NumbaRunner):
        runner = kind(plan)
        for _ in range(2):  # a second run must not find anything of the first
            runner.values[: plan.first_result] = numbers
            runner.grads.fill(0.0)
            runner.grads[-len(seeds) :] = seeds
            with np.errstate(all="ignore"):
                runner.forward()
                runner.backward()
        found.append((runner.values, runner.grads))
    assert alike(found[0][0], found[1][0])
    assert alike(found[0][1], found[1][1])
    return found[1]


def one_block(block, first_result):
    return Plan(first_result + block.slots.size, first_result, [block], np.zeros(0))


def pointwise(row, operands, first_result, tracked=None):
    operands = np.array(operands)
    slots = first_result + np.arange(operands.shape[1])
    return one_block(Pointwise(row, slots, operands, tracked or (True,) * len(operands)), first_result)


# -- the rows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_at_its_edges_and_at_random(NumbaRunner, row):
    n = len(row.rules)
    rng = np.random.default_rng(0)
    points = np.concatenate([np.array(list(itertools.product(EDGES, repeat=n))), rng.normal(scale=3, size=(50, n))])
    m = len(points)
    plan = pointwise(row, np.arange(n * m).reshape(n, m), n * m)
    values, _ = check(NumbaRunner, plan, points.T.ravel(), rng.normal(size=m))
    for point, y in zip(points.tolist(), values[n * m :], strict=True):  # and what a Value's rule says
        try:
            expected = row(*point)
        except ValueError:
            expected = math.nan
        assert alike(y, expected) or math.isnan(sum(point)), (point, y, expected)


def test_each_row_of_numbers_is_in_the_kernel_of_the_table(NumbaRunner):
    from micrograd_plus.tape.kernels import standard_rows

    assert set(standard_rows()) == set(ROWS)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "gelu", "leaky_relu"])
@pytest.mark.parametrize("m", [1, 7, 3000])
def test_few_lanes_and_many_which_numpy_computes(NumbaRunner, name, m):
    row = TABLE[name]
    n = len(row.rules)
    rng = np.random.default_rng(m)
    operands = rng.integers(0, 40, size=(n, m))  # slots that several lanes read
    check(NumbaRunner, pointwise(row, operands, 40), rng.normal(size=40), rng.normal(size=m))
    check(NumbaRunner, pointwise(row, operands, 40, (False,) * (n - 1) + (True,)), rng.normal(size=40), np.ones(m))


# -- sums and products -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("J", "K", "m"), [(3, 0, 5), (0, 4, 1), (2, 3, 30), (400, 1, 1)])
@pytest.mark.parametrize("tracked", [(True, True, True), (False, True, False), (True, False, True)])
def test_sums_of_singles_and_products(NumbaRunner, J, K, m, tracked):
    rng = np.random.default_rng(J + K)
    singles, left, right = (rng.integers(0, 20, size=(k, m)) for k in (J, K, K))
    tracked = (tracked[0], tracked[1] and K > 0, tracked[2] and K > 0)
    plan = one_block(Sums(20 + np.arange(m), singles, left, right, tracked), 20)
    check(NumbaRunner, plan, rng.normal(size=20), rng.normal(size=m))


@pytest.mark.parametrize(("S", "N", "K"), [(1, 1, 9), (7, 1, 5), (1, 6, 3), (5, 4, 8), (9, 3, 11), (50, 40, 30)])
@pytest.mark.parametrize("in_line", [True, False])
@pytest.mark.parametrize("tracked", [(True, True, True), (False, True, False), (True, False, True)])
def test_matrix_products(NumbaRunner, S, N, K, in_line, tracked):
    rng = np.random.default_rng(S)
    n = N * K + S * K + N
    slots = np.arange(n) if in_line else rng.permutation(n)
    w, x, b = slots[: N * K].reshape(N, K), slots[N * K : N * K + S * K].reshape(S, K), slots[N * K + S * K :]
    singles = np.broadcast_to(b, (2, S, N))
    plan = one_block(MatMul(n + np.arange(S * N).reshape(S, N), singles, w, x, tracked), n)
    check(NumbaRunner, plan, rng.normal(size=n), rng.normal(size=S * N))


def test_a_product_with_itself_receives_from_both_sides(NumbaRunner):
    slots = np.arange(6).reshape(1, 6)
    plan = one_block(MatMul(np.array([[6]]), np.zeros((0, 1, 1), dtype=int), slots, slots, (False, True, True)), 6)
    _, grads = check(NumbaRunner, plan, np.arange(6.0))
    assert grads[:6].tolist() == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]


# -- compiled functions ----------------------------------------------------------------------------------------


def both_backends(f, leaves, args=()):
    """The result and gradients of f as it is, by NumPy and by numba; both are the same as without compile."""
    pytest.importorskip("numba")
    found = []
    for function in (f, compile(f, backend="numpy"), compile(f, backend="numba")):
        for _ in range(3):
            for leaf in leaves:
                leaf.zero_grad()
            y = function(*args)
            y.backward()
        assert getattr(function, "replays", 1) == 1
        found.append([y.data, *[leaf.grad for leaf in leaves]])
    assert alike(found[0], found[2]), found
    assert alike(found[1], found[2]), found
    return found[2]


def test_the_moons_demo():
    X, y = mg.data.make_moons(60, noise=0.1, seed=0)
    X = [list(map(float, row)) for row in X]
    random.seed(1)
    model = nn.MLP(2, [16, 16, 1])

    def loss():
        scores = [model([Value(x) for x in row]) for row in X]
        losses = [(1 - (2 * int(label) - 1) * score).relu() for label, score in zip(y, scores, strict=True)]
        return sum(losses) / len(losses) + 1e-4 * sum(p * p for p in model.parameters())

    both_backends(loss, model.parameters())


@pytest.mark.parametrize("n", [3, 3_000])
def test_a_chain_that_is_one_lane_wide(n):
    def chain(x):
        y = x
        for _ in range(n):
            y = (y * 1.01).tanh() + 0.1
        return y

    x = Value(0.3)
    both_backends(lambda: chain(x), [x])


UNARY = ["neg", "exp", "tanh", "sigmoid", "relu", "abs", "sin", "softplus", "itself", "log1p", "sqrt"]
BINARY = ["add", "sub", "mul", "div", "maximum", "minimum", "leaky_relu"]
STEPS = st.one_of(
    st.tuples(st.sampled_from([TABLE[name] for name in UNARY]), st.integers(0, 99)),
    st.tuples(st.sampled_from([TABLE[name] for name in BINARY]), st.integers(0, 99), st.integers(0, 99)),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(STEPS, min_size=1, max_size=40), st.lists(st.floats(0.1, 2), min_size=3, max_size=3))
def test_random_programs(steps, numbers):
    leaves = [Value(number) for number in numbers]

    def program():
        known = [*leaves, 0.5]
        for row, *places in steps:
            xs = [known[place % len(known)] for place in places]
            y = row(*xs)
            y = TABLE["clip"](y, -3.0, 3.0)  # kept small, and positive for the next root or logarithm
            known.append(y * y + 0.1)
        return sum(known[3:], leaves[0])

    both_backends(program, leaves)


def test_infinities_and_what_is_no_real_number_are_as_without_it():
    pytest.importorskip("numba")
    x = Value(1.0)
    step = compile(lambda: x.log() + (x * 1000).exp(), backend="numba")
    assert [step().data for _ in range(3)] == [math.inf] * 3
    x.data = 0.0
    y = compile(lambda: x.log() * 2, backend="numba")
    for _ in range(3):
        x.data = 0.0
        x.zero_grad()
        loss = y()
        loss.backward()
        assert (loss.data, x.grad, y.why_not) == (-math.inf, math.inf, "")
    x.data = -1.0
    with pytest.raises(ValueError, match=r"`log` of \(-1\) is not a real number"):
        y()


def softplus_twice(x):
    return 2 * maths.softplus(x)


OWN = {
    "an expression": Unary("twice", softplus_twice, lambda y, x: 2 * maths.sigmoid(x)),
    "true or false": Unary("above", lambda x: x > 0, lambda y, x: x < 1),
    "two inputs": Binary("mix", lambda a, b: a * b**2, lambda y, a, b: b**2, lambda y, a, b: 2 * a * b),
    "an if": Unary("halves", lambda x: x / 2 if x > 0 else 2 * x, lambda y, x: 0.5 if x > 0 else 2.0),
    "math's own functions": Unary("wave", lambda x: math.sin(x), lambda y, x: math.cos(x)),
}


@pytest.mark.parametrize("name", OWN)
def test_rows_of_ones_own(name):
    pytest.importorskip("numba")
    row = OWN[name]
    leaves = [Value(0.7), Value(-0.4)]

    def program():
        y = 0.0
        for x in leaves:
            for _ in range(4):
                x = row(*[x, leaves[0]][: row.arity]).tanh() + 1.0 * x
            y = y + x * x
        return y

    both_backends(program, leaves)


def test_a_row_that_numba_cannot_compile_is_left_to_numpy(NumbaRunner):
    # 2**64 is an integer that fits no machine word.
    row = Unary("shifted", lambda x: x + (x - 18446744073709551616 * 4), lambda y, x: 2)
    check(NumbaRunner, pointwise(row, np.arange(3)[None], 3), np.arange(3.0), np.ones(3))


def test_a_row_with_many_operands(NumbaRunner):
    from micrograd_plus.engine.graph import Many

    row = Many("largest", lambda xs: max(xs), lambda g, y, xs, i: g * (xs[i] == y))
    leaves = [Value(x) for x in (1.0, 5.0, 2.0, -1.0)]
    assert both_backends(lambda: row(leaves) * 3, leaves) == [15.0, 0.0, 3.0, 0.0, 0.0]


# -- the cache folder, and numba itself --------------------------------------------------------------------------


def keep_in(folder, patch):
    import numba

    from micrograd_plus.tape import kernels

    patch.delenv("NUMBA_CACHE_DIR", raising=False)
    patch.setattr(numba.config, "CACHE_DIR", "")
    patch.setattr(kernels, "cache_folder", lambda: folder)


@pytest.fixture(scope="module")
def kept_once(NumbaRunner, tmp_path_factory):
    """A folder with one small kernel in it."""
    from micrograd_plus.tape import kernels

    folder = tmp_path_factory.mktemp("kernels") / "kept"
    with pytest.MonkeyPatch.context() as patch:
        keep_in(folder, patch)
        assert sum(of_one_row(kernels).forward.stats.cache_misses.values()) == 1
    return folder


@pytest.fixture
def kernels(kept_once, tmp_path, monkeypatch):
    """The module, with a copy of that folder as its cache."""
    from micrograd_plus.tape import kernels

    shutil.copytree(kept_once, tmp_path / "kept")
    keep_in(tmp_path / "kept", monkeypatch)
    return kernels


def of_one_row(kernels):
    """The slope of a kernel of one row at 3, computed by it."""
    row = Unary("square", lambda x: x * x, lambda y, x: 2 * x)
    kernel = kernels.kernel_for([row])
    assert list(kernel.rows) == [row]
    runner_values, grads = np.array([3.0, 0.0]), np.array([0.0, 1.0])
    code = np.array([0, kernel.rows[row].rule, 1, 1, 1, -1, *kernel.rows[row].slopes, 0, -1, -1, 0, -1, -1])
    none = np.zeros(0, dtype=np.int64)
    kernel.forward(np.zeros(1, dtype=np.int64), code, none, runner_values, np.zeros((4, 1)))
    kernel.backward(np.zeros(1, dtype=np.int64), code, none, runner_values, grads, np.zeros((4, 1)))
    assert runner_values.tolist() == [3.0, 9.0]
    assert grads.tolist() == [6.0, 1.0]
    return kernel


def test_a_kernel_is_kept_and_found_again(kernels, tmp_path):
    assert len(list((tmp_path / "kept").glob("micrograd_plus_kernel_*.py"))) == 1
    assert sum(of_one_row(kernels).forward.stats.cache_hits.values()) == 1


def test_a_file_that_was_cut_short_is_written_again(kernels, tmp_path):
    (file,) = (tmp_path / "kept").glob("*.py")
    text = file.read_text(encoding="utf-8")
    file.write_text(text[:100], encoding="utf-8")
    of_one_row(kernels)
    assert file.read_text(encoding="utf-8") == text


def test_without_a_place_to_keep_it_the_kernel_is_compiled_all_the_same(kernels, tmp_path):
    shutil.rmtree(tmp_path / "kept")
    (tmp_path / "kept").write_text("a file is where the folder should be")
    of_one_row(kernels)


def test_a_broken_cache_is_no_error(kernels, tmp_path):
    for file in (tmp_path / "kept").rglob("*.nbc"):
        file.write_bytes(b"not what it was")
    of_one_row(kernels)


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/caches"}, "/caches/micrograd_plus"),
        ("linux", {"HOME": "/home/ada"}, "/home/ada/.cache/micrograd_plus"),
        ("darwin", {"HOME": "/Users/ada"}, "/Users/ada/Library/Caches/micrograd_plus"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/micrograd_plus"),
        ("linux", {"NUMBA_CACHE_DIR": "/mine", "XDG_CACHE_HOME": "/caches"}, "/mine/micrograd_plus"),
    ],
)
def test_where_kernels_are_kept(NumbaRunner, monkeypatch, platform, variables, expected):
    from micrograd_plus.tape.kernels import cache_folder

    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, folder in variables.items():
        monkeypatch.setenv(name, folder)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder().as_posix() == expected


def test_importing_the_package_does_not_import_numba():
    code = "import sys, micrograd_plus, micrograd_plus.tape; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.fixture
def no_numba(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)  # importing it raises ImportError
    for name in ("with_numba", "kernels"):
        monkeypatch.delitem(sys.modules, f"micrograd_plus.tape.{name}", raising=False)
        monkeypatch.delattr(mg.tape, name, raising=False)


def test_what_one_sees_where_numba_is_missing(no_numba):
    def calls():
        x = Value(2.0)
        step = compile(lambda: x * x, backend="numba")
        for _ in range(3):
            step()

    with pytest.raises(ImportError, match=r'needs numba: pip install "micrograd_plus\[fast\]", or backend="numpy"'):
        calls()


def test_without_numba_auto_is_numpy(no_numba):
    x = Value(2.0)
    step = compile(lambda: x * x)
    assert [step().data for _ in range(4)] == [4.0] * 4
    assert step.replays == 2


# -- picked automatically ----------------------------------------------------------------------------------------


def a_chain(n):
    """A plan of n blocks, of one lane each."""
    row = TABLE["tanh"]
    blocks = [Pointwise(row, np.array([i + 1]), np.array([[i]]), (True,)) for i in range(n)]
    return Plan(n + 1, 1, blocks, np.zeros(0))


def test_numba_takes_over_from_numpy_when_it_is_worth_it(NumbaRunner, monkeypatch):
    monkeypatch.setattr(runners, "WORTH", 25)
    runner = runners.runner_of("auto")(a_chain(10))
    values, grads = runner.values, runner.grads
    seen = []
    for x in (0.1, 0.2, 0.3, 0.4):
        values[0] = x
        runner.forward()
        grads[:] = [0.0] * 10 + [1.0]
        runner.backward()
        seen.append((type(runner.runner).__name__, values[-1], grads[0]))
    assert runner.values is values
    assert [name for name, *_ in seen] == ["NumpyRunner", "NumpyRunner", "NumbaRunner", "NumbaRunner"]
    for x, (_, y, slope) in zip((0.1, 0.2, 0.3, 0.4), seen, strict=True):
        v = z = Value(x)
        for _ in range(10):
            z = z.tanh()
        z.backward()
        assert alike([y, slope], [z.data, v.grad])


def test_a_plan_of_many_blocks_runs_with_numba_at_once(NumbaRunner):
    assert type(runners.AutomaticRunner(a_chain(runners.MANY)).runner) is NumbaRunner
    assert type(runners.AutomaticRunner(a_chain(3)).runner) is NumpyRunner


def test_a_numba_that_cannot_be_loaded_is_no_error(no_numba, monkeypatch):
    monkeypatch.setattr(runners, "WORTH", 1)
    runner = runners.AutomaticRunner(a_chain(2))
    for _ in range(3):
        runner.forward()
        runner.backward()
    assert type(runner.runner) is NumpyRunner
    assert type(runners.AutomaticRunner(a_chain(runners.MANY)).runner) is NumpyRunner


def test_who_runs_what():
    assert runners.runner_of("numpy") is NumpyRunner


def test_who_runs_what_without_numba(no_numba):
    assert runners.runner_of("auto") is NumpyRunner
    with pytest.raises(ImportError, match="needs numba"):
        runners.runner_of("numba")
