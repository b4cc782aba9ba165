# ruff: noqa: C408, E501, PT017, SIM102 - the columns of the tables, and calls written as keywords
"""Bad input: the error says what, why and what to do, and nothing is changed. Undefined numbers: PyTorch's convention.

TABLE is the list of examples that every engine of the kind should be asked. After it, every public function is called
with each of its arguments replaced by each of some thirty things that it can't be.
"""

import ast
import contextlib
import copy
import gc
import io
import math
import pickle
import random
import re
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import numpy as np
import pytest

import micrograd_plus as mg
from micrograd_plus import Tensor, Value, data, draw, exercises, explain, grad, nn, no_grad, optim, tape, training

F, I = nn.functional, nn.init
inf, nan = math.inf, math.nan


def slopes(f, *numbers):
    """d f / d x for each of the numbers, by Value.backward()."""
    xs = [Value(x) for x in numbers]
    f(*xs).backward()
    return [x.grad for x in xs]


def array_slopes(f, *arrays):
    """The same by Tensor.backward()."""
    xs = [Tensor(np.array(x, float)) for x in arrays]
    f(*xs).sum().backward()
    return [x.grad.tolist() for x in xs]


def twice(backward):
    backward()
    backward()


def deep(n, x):
    y = x
    for _ in range(n):
        y = y * 1.0
    return y


def a_leaf_after_two_backwards():
    a = Value(3.0)
    y = a * a * a
    twice(y.backward)
    return a.grad


def slope_of_data_changed_meanwhile():
    t = Tensor([3.0])
    y = (t * t).sum()
    t.data *= 10
    y.backward()
    return t.grad.tolist()


def gradients_share_no_memory():
    a, b = Tensor([1.0]), Tensor([2.0])
    (a + b).sum().backward()
    a.grad += 1
    return b.grad.tolist()


def is_freed():
    y = deep(100, Value(1.0))
    nodes = sum(type(x) is Value for x in gc.get_objects())
    del y
    gc.collect()
    return nodes - sum(type(x) is Value for x in gc.get_objects())


def float32_stays():
    t = Tensor(np.ones(2, np.float32))
    y = (t * 2.0).sum()
    y.backward()
    return {str(y.dtype), str(t.grad.dtype)}


def in_threads():
    found = [None] * 4

    def work(n):
        found[n] = slopes(lambda x: x * x * n, float(n))[0]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def moved_before_backward():
    a = Value(1.0)
    optim.SGD([a], lr=0.1).step()
    return a.data


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return exec, ("raise SystemExit('the bomb went off')",)


def load_bomb(suffix, folder):
    path = Path(folder) / f"bomb{suffix}"
    if suffix == ".pkl":
        path.write_bytes(pickle.dumps(Bomb()))
    else:
        (np.save if suffix == ".npy" else np.savez)(path, np.array([Bomb()], dtype=object), allow_pickle=True)
    training.load(path)


def odd_labels():
    texts = ["<script>", '"', "{a|b}", "\x00", "a\nb", "\ud800", None, 3, b"x"]
    return [type(draw(Value(1.0, label=text) * 2.0)).__name__ for text in texts]


a_list = [1, 2]
T23, A23 = Tensor(np.ones((2, 3))), np.ones((2, 3))


def fails(error, *words):
    """What is expected: an error of this kind, with these words in its message."""
    return error, words


# fmt: off
TABLE = [
    # input                                  what is asked                                        what is expected
    ("Value('3')",                           lambda: Value("3"),                                  fails(TypeError, "Value needs a real number, got str '3'", "float('3')")),
    ("Value([1, 2])",                        lambda: Value([1, 2]),                               fails(TypeError, "list", "Tensor", "list of Values")),
    ("Value(np.ones(3))",                    lambda: Value(np.ones(3)),                           fails(TypeError, "shape (3,)", "Tensor")),
    ("Value(True), np.float32, np.int64",    lambda: [(Value(x) * 2).data for x in (True, np.float32(1), np.int64(1))], [2.0, 2.0, 2.0]),
    ("Tensor(['a', 'b'])",                   lambda: Tensor(["a", "b"]),                          fails(TypeError, "Tensor", "text", "dtype <U1")),
    ("Tensor(['1'], dtype=float)",           lambda: Tensor(["1"], dtype=float),                  fails(TypeError, "Tensor", "text")),
    ("Tensor([None], dtype=float)",          lambda: Tensor([None], dtype=float),                 fails(TypeError, "Tensor", "Python objects")),
    ("relu'(0), relu'(-0.0)",                lambda: [slopes(mg.relu, x)[0] for x in (0.0, -0.0)], [0.0, 0.0]),
    ("0**1, 0**2, 0**3",                     lambda: [slopes(lambda x, n=n: x**n, 0.0)[0] for n in (1, 2, 3)], [1.0, 0.0, 0.0]),
    ("Value(-2)**0.5",                       lambda: Value(-2) ** 0.5,                            fails(ValueError, "`pow`", "(-2, 0.5)", "not a real number", "clip")),
    ("Value ** Value",                       lambda: slopes(lambda a, b: a**b, 2.0, 3.0),         [12.0, 8 * math.log(2)]),
    ("Value ** Value at base 0",             lambda: slopes(lambda a, b: a**b, 0.0, 2.0),         [0.0, 0.0]),
    ("Value(0).log()",                       lambda: Value(0).log().data,                         -inf),
    ("Value(1000).exp()",                    lambda: Value(1000).exp().data,                      inf),
    ("sigmoid(+-1000)",                      lambda: [(mg.sigmoid(x), *slopes(mg.sigmoid, x)) for x in (-1000.0, 1000.0)], [(0.0, 0.0), (1.0, 0.0)]),
    ("logsumexp([1000, 1000])",              lambda: round(Tensor([1000.0, 1000]).logsumexp().item(), 3), 1000.693),
    ("logsumexp of -infs",                   lambda: Tensor([-inf, -inf]).logsumexp().item(),     -inf),
    ("1/Value(0)",                           lambda: (1 / Value(0)).data,                         inf),
    ("inf-inf, 0*inf",                       lambda: [str((Value(inf) - Value(inf)).data), str((Value(0) * Value(inf)).data)], ["nan", "nan"]),
    ("abs'(0)",                              lambda: slopes(abs, 0.0),                            [0.0]),
    ("Value(10**400)",                       lambda: Value(10**400) * 1.5,                        fails(OverflowError, "Value", "too large for a float")),
    ("Value * 10**5000",                     lambda: Value(1) * 10**5000,                         fails(OverflowError, "`mul`", "too large for a float")),
    ("Tensor * 10**400",                     lambda: T23 * 10**400,                               fails(OverflowError, "`*`", "too large")),
    ("np.array([1, 2]) * Value",             lambda: np.array([1, 2]) * Value(1.0),               fails(TypeError, "`mul`", "array of shape (2,)", "Tensor")),
    ("ndarray @ Tensor",                     lambda: array_slopes(lambda t: A23 @ t, np.ones((3, 1)))[0], [[2.0], [2.0], [2.0]]),
    ("Value + Tensor",                       lambda: Value(1.0) + T23,                            fails(TypeError, "Tensor", "Value", "don't mix", "to_values")),
    ("a+a, a*a, a/a, a-a",                   lambda: [slopes(f, 3.0)[0] for f in (lambda a: a + a, lambda a: a * a, lambda a: a / a, lambda a: a - a)], [2.0, 6.0, 0.0, 0.0]),
    ("20,000-deep chain",                    lambda: slopes(lambda x: deep(20_000, x), 2.0),      [1.0]),
    ("sum of 100,000 terms",                 lambda: slopes(lambda x: mg.sum([x] * 100_000), 2.0), [100_000.0]),
    ("sum of 100,000 terms, Python's sum",   lambda: slopes(lambda x: sum([x] * 100_000), 2.0),   [100_000.0]),
    ("graph dropped",                        lambda: is_freed() >= 100,                           True),
    ("backward() twice",                     a_leaf_after_two_backwards,                          54.0),
    ("Tensor.data *= 10 likewise",           slope_of_data_changed_meanwhile,                     [6.0]),
    ("cotangent of wrong shape",             lambda: (T23 * 2).backward(np.ones(3)),              fails(ValueError, "(3,)", "(2, 3)")),
    ("(2,3) @ (2,3)",                        lambda: T23 @ T23,                                   fails(ValueError, "`@`", "(2, 3) @ (2, 3)", "transpose")),
    ("0-d tensors",                          lambda: array_slopes(lambda t: t * 3, 2.0),          [3.0]),
    ("sum(axis=5) of 2-d",                   lambda: T23.sum(axis=5),                             fails(ValueError, "`sum`", "axis 5", "(2, 3)", "from -2 to 1")),
    ("float32",                              float32_stays,                                       {"float32"}),
    ("ga += 1 after (a+b).sum().backward()", gradients_share_no_memory,                           [1.0]),
    ("deepcopy of a 5,000-deep result",      lambda: copy.deepcopy(deep(5_000, Value(2.0))).data, 2.0),
    ("pickle of a 5,000-deep result",        lambda: pickle.loads(pickle.dumps(deep(5_000, Tensor([2.0])))).item(), 2.0),
    ("Values in set and dict",               lambda: len({Value(1.0), Value(1.0)}),               2),
    ("4 threads, own graphs",                in_threads,                                          [0.0, 2.0, 8.0, 18.0]),
    ("MLP(3, ..)([1, 2])",                   lambda: nn.MLP(3, [1])([1, 2]),                      fails(ValueError, "expects 3 inputs", "got 2")),
    ("MLP(3, ..) with 4 inputs",             lambda: nn.MLP(3, [1])([1, 2, 3, 4]),                fails(ValueError, "expects 3 inputs", "got 4")),
    ("Linear(3, ..) with 4 inputs",          lambda: nn.Linear(3, 1)(np.ones((2, 4))),            fails(ValueError, "linear", "(2, 4)", "last size of 3")),
    ("Linear(3, 1, np.float32)",             lambda: nn.Linear(3, 1, np.float32),                 fails(TypeError, "Linear: bias is True or False", "float32", "by its name")),
    ("SGD(lr=-1)",                           lambda: optim.SGD([Value(1.0)], lr=-1),              fails(ValueError, "lr", "-1")),
    ("SGD([])",                              lambda: optim.SGD([], lr=0.1),                       fails(ValueError, "SGD", "parameter")),
    ("step() before backward()",             moved_before_backward,                               1.0),
    ("pickle bomb as .pkl to load()",        lambda folder: load_bomb(".pkl", folder),            fails(ValueError)),
    ("pickle bomb as .npz to load()",        lambda folder: load_bomb(".npz", folder),            fails(ValueError)),
    ("pickle bomb as .npy to load()",        lambda folder: load_bomb(".npy", folder),            fails(ValueError)),
    ("state_dict: missing",                  lambda: nn.Linear(2, 1).load_state_dict({}),         fails(ValueError, "missing: weight", "missing: bias")),
    ("state_dict: extra",                    lambda: nn.Linear(2, 1, bias=False).load_state_dict({"weight": np.ones((1, 2)), "b": 1.0}), fails(ValueError, "unexpected: b")),
    ("state_dict: wrong shape",              lambda: nn.Linear(2, 1, bias=False).load_state_dict({"weight": np.ones(3)}), fails(ValueError, "weight", "(1, 2)", "(3,)")),
    ("labels of all kinds",                  odd_labels,                                          ["Drawing"] * 9),
    ("shuffle='False'",                      lambda: data.DataLoader(a_list, shuffle="False"),    fails(TypeError, "shuffle is True or False", "'False'")),
    ("@no_grad on a generator",              lambda: no_grad(in_turn),                            fails(TypeError, "@no_grad on a generator")),
]
# fmt: on


def in_turn():
    yield 1


@pytest.mark.parametrize(("ask", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_table(ask, expected, tmp_path):
    ask = (lambda: ask_in(tmp_path)) if (ask_in := ask).__code__.co_varnames[:1] == ("folder",) else ask
    if isinstance(expected, tuple) and isinstance(expected[0], type):
        with pytest.raises(expected[0]) as told:
            ask()
        for words in expected[1]:
            assert words in str(told.value), str(told.value)
    else:
        assert ask() == expected


COMPACT = """
import math
from micrograd_plus import Tensor, Value, grad, nn, optim, data
calls = [
    (lambda: Value("3"), TypeError), (lambda: Value([1]), TypeError), (lambda: Value(1.0) ** "a", TypeError),
    (lambda: Value(-2.0) ** 0.5, ValueError), (lambda: Value(10**400), OverflowError),
    (lambda: Tensor(["a"]), TypeError), (lambda: Tensor([[1], [2, 3]]), ValueError), (lambda: Tensor([1.0]) + "a", TypeError),
    (lambda: Tensor([[1.0]]).sum(axis=5), ValueError), (lambda: Tensor([1.0, 2.0]).backward(), ValueError),
    (lambda: Tensor([1.0, 2.0]).reshape(3), ValueError), (lambda: Tensor([1.0]).sum(keepdims="no"), TypeError),
    (lambda: grad(3), TypeError), (lambda: nn.MLP(3, [1])([1, 2]), ValueError), (lambda: nn.Linear(2.5, 1), ValueError),
    (lambda: nn.cross_entropy(Tensor([[1.0, 2.0]]), [2]), ValueError), (lambda: nn.mse_loss(Tensor([1.0]), [1, 2]), ValueError),
    (lambda: nn.LayerNorm(3, eps="x"), TypeError), (lambda: nn.init.normal_(None), TypeError),
    (lambda: optim.SGD([], lr=0.1), ValueError), (lambda: optim.Adam([Value(1.0)], lr=math.nan), ValueError),
    (lambda: data.make_moons(-1), ValueError), (lambda: data.DataLoader([1], batch_size=0), ValueError),
]
for i, (call, error) in enumerate(calls):
    try:
        call()
    except error as told:
        assert len(str(told)) > 20 or not __debug__
    else:
        print("call", i, "passed")
a = Value(0.0)
for y in (a.log(), 1 / a, a.exp(), a.sqrt(), abs(a), a**0, a.relu(), Value(math.inf) - math.inf):
    y.backward()
print(__debug__)
"""


@pytest.mark.parametrize("flags", [["-O"], ["-bb", "-X", "dev"]], ids=["-O", "-X dev"])
def test_the_same_without_asserts_and_with_warnings_as_errors(flags):
    done = subprocess.run([sys.executable, "-W", "error", *flags, "-c", COMPACT], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == (str("-O" not in flags), "")


# Asserts that tell mypy, or a reader, what is known already; none looks at what a user gave.
ASSERTS = {
    "bridges/onnx/batches.py": "an index is taken of an array",
    "bridges/torch/functions.py": "changes of a source text don't overlap",
    "classroom/percent.py": "the pattern has matched in the line before",
    "engine/differentiate.py": "only nodes with an op are asked",
    "engine/tensor.py": "only nodes with an op are pushed",
    "engine/twin.py": "the graph of a Tensor is made of Tensors",
    "exercises/catalogue": "exercises' own code, which shows asserts to learners",
    "exercises/reference.py": "asked of exercises with a forward only",
    "nn/convert.py": "made with a bias, two lines above",
    "tape/lanes.py": "found in the branch before",
    "tape/replay.py": "set where it was recorded",
    "tape/variables.py": "each has its memory when a tape is laid out",
    "viz/folding.py": "only nodes with an op are folded",
}


def test_no_assert_stands_guard_over_input():
    """python -O leaves asserts out."""
    room = Path(mg.__file__).parent
    found = set()
    for file in room.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if "assert " in text and not file.relative_to(room).parts[0].startswith("_"):
            if any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(text))):
                found.add(file.relative_to(room).as_posix())
    unknown = {name for name in found if not any(name.startswith(known) for known in ASSERTS)}
    assert not unknown, "raise an error, or say in ASSERTS why no user's input can reach it"


# ---- undefined numbers: PyTorch's convention -----------------------------------------------------------------------


def in_torch(f, *arrays):
    """The gradients that PyTorch gives; f gets its tensors, and torch in place of our functions."""
    import torch

    xs = [torch.tensor(np.array(x, float), requires_grad=True) for x in arrays]
    f(*xs, torch).sum().backward()
    return [x.grad.tolist() for x in xs]


# fmt: off
UNDEFINED = [
    # what                          f(x …, m): m is micrograd_plus or torch               at                      gradients                  differs from PyTorch's
    ("relu'(0)",                    lambda x, m: m.relu(x),                               ([0.0, -0.0],),         [[0.0, 0.0]]),
    ("abs'(0)",                     lambda x, m: abs(x),                                  ([0.0, -0.0],),         [[0.0, 0.0]]),
    ("sign'",                       lambda x, m: m.sign(x),                               ([-2.0, 0.0, 3.0],),    [[0.0, 0.0, 0.0]]),
    ("x**0 at 0",                   lambda x, m: x**0,                                    ([0.0, 2.0],),          [[0.0, 0.0]]),
    ("x**0.0 at 0",                 lambda x, m: x**0.0,                                  ([0.0],),               [[0.0]]),
    ("x**0.5 at 0",                 lambda x, m: x**0.5,                                  ([0.0],),               [[inf]]),
    ("x**-1 at 0",                  lambda x, m: x**-1,                                   ([0.0],),               [[-inf]]),
    ("x**y at (0, 0)",              lambda x, y, m: x**y,                                 ([0.0], [0.0]),         [[0.0], [0.0]]),
    ("x**y at (0, 2)",              lambda x, y, m: x**y,                                 ([0.0], [2.0]),         [[0.0], [0.0]]),
    ("x**y at (-2, 3)",             lambda x, y, m: x**y,                                 ([-2.0], [3.0]),        [[12.0], [nan]]),
    ("0**y at 0",                   lambda y, m: 0.0**y,                                  ([0.0, 1.0],),          [[0.0, 0.0]]),
    ("sqrt'(0)",                    lambda x, m: m.sqrt(x),                               ([0.0],),               [[inf]]),
    ("log'(0)",                     lambda x, m: m.log(x),                                ([0.0],),               [[inf]]),
    ("(1/x)' at 0",                 lambda x, m: 1 / x,                                   ([0.0],),               [[-inf]]),
    ("maximum(2, 2)",               lambda a, b, m: m.maximum(a, b),                      ([2.0], [2.0]),         [[0.5], [0.5]]),
    ("minimum(2, 2)",               lambda a, b, m: m.minimum(a, b),                      ([2.0], [2.0]),         [[0.5], [0.5]]),
    ("clip at its edges",           lambda x, m: x.clip(0.0, 1.0),                        ([0.0, 1.0, 0.5, 2.0],), [[1.0, 1.0, 1.0, 0.0]]),
    ("leaky_relu'(0)",              lambda x, m: (F if m is mg else m.nn.functional).leaky_relu(x, 0.1), ([0.0],), [[0.1]]),
    ("elu'(0)",                     lambda x, m: (F if m is mg else m.nn.functional).elu(x), ([0.0],),            [[1.0]]),
    ("max([3, 1, 3])",              lambda x, m: x.max(),                                 ([3.0, 1.0, 3.0],),     [[0.5, 0.0, 0.5]]),
    ("min([1, 3, 1, 1])",           lambda x, m: x.min(),                                 ([1.0, 3.0, 1.0, 1.0],), [[1 / 3, 0.0, 1 / 3, 1 / 3]]),
    ("norm'(0, 0)",                 lambda x, m: x.norm(),                                ([0.0, 0.0],),          [[0.0, 0.0]]),
    ("std'([1, 1])",                lambda x, m: x.std(),                                 ([1.0, 1.0],),          [[0.0, 0.0]]),
    ("var'([1, 1])",                lambda x, m: x.var(),                                 ([1.0, 1.0],),          [[0.0, 0.0]]),
    ("prod'([0, 2, 3])",            lambda x, m: x.prod(),                                ([0.0, 2.0, 3.0],),     [[6.0, 0.0, 0.0]]),
    ("prod'([0, 0, 3])",            lambda x, m: x.prod(),                                ([0.0, 0.0, 3.0],),     [[0.0, 0.0, 0.0]]),
    ("where(x > 0, sqrt(x), 0)",    lambda x, m: m.where(x > 0, m.sqrt(x), x * 0.0),      ([-1.0, 4.0],),         [[nan, 0.25]]),
    ("the double where",            lambda x, m: m.where(x > 0, m.sqrt(m.where(x > 0, x, x * 0.0 + 1.0)), x * 0.0), ([-1.0, 4.0],), [[0.0, 0.25]]),
    ("where(x > 0, 1/x, 0) at 0",   lambda x, m: m.where(x > 0, 1 / x, x * 0.0),          ([0.0],),               [[nan]]),
    ("logsumexp of -infs",          lambda x, m: x.logsumexp(0),                          ([-inf, -inf],),        [[nan, nan]]),
    ("softmax of an inf",           lambda x, m: x.softmax(0),                            ([inf, 0.0],),          [[nan, nan]]),
    ("nan goes through relu",       lambda x, m: m.relu(x) * 2,                           ([nan],),               [[2.0]],                   [[0.0]]),
    ("nan goes through maximum",    lambda x, m: m.maximum(x, x * 0 + 1),                 ([nan],),               [[1.0]],                   [[0.5]]),
]
# fmt: on


def same(found, expected):
    return np.allclose(np.array(found, float), np.array(expected, float), rtol=1e-12, atol=0, equal_nan=True)


@pytest.mark.parametrize("row", UNDEFINED, ids=[row[0] for row in UNDEFINED])
def test_what_holds_where_there_is_no_slope(row):
    """The table in docs/numerics.md. An entry more is what this library gives where PyTorch gives something else."""
    _, f, at, expected, *ours = row
    found = array_slopes(lambda *xs: f(*xs, mg), *at)
    assert same(found, ours[0] if ours else expected), found


@pytest.mark.parametrize("row", UNDEFINED, ids=[row[0] for row in UNDEFINED])
def test_it_is_pytorchs(row):
    pytest.importorskip("torch")
    _, f, at, expected, *_ = row
    assert same(in_torch(f, *at), expected), "what the table says of PyTorch"


@pytest.mark.parametrize("row", UNDEFINED, ids=[row[0] for row in UNDEFINED])
def test_values_hold_to_it_too(row):
    _, f, at, expected, *ours = row
    expected = ours[0] if ours else expected
    for k, numbers in enumerate(zip(*at, strict=True)):
        xs = [Value(x) for x in numbers]
        try:
            f(*xs, mg).backward()
        except AttributeError:
            return  # a reduction: Values have none
        except ValueError as error:
            assert "is not a real number" in str(error), "where Tensors have nan, Values say so"
            assert math.isnan(expected[0][k]) or "where" in row[0]
            continue
        assert same([x.grad for x in xs], [slopes[k] for slopes in expected]), (numbers, [x.grad for x in xs])


@pytest.mark.parametrize("row", [row for row in UNDEFINED if not np.isfinite(row[3][0]).all()], ids=lambda row: row[0])
def test_detect_anomaly_names_the_line(row):
    _, f, at, *_ = row
    if all(np.isfinite(x).all() for x in at):
        with pytest.raises(explain.AnomalyError) as told, mg.detect_anomaly():
            array_slopes(lambda *xs: f(*xs, mg), *at)
        assert re.search(r"test_bad_inputs\.py:\d+: ", told.value.where)
        assert told.value.what.count("`") >= 2
        assert told.value.why
        assert told.value.do


# ---- every public function, with each argument replaced by what it can't be ----------------------------------------


class Odd:
    """Of no use anywhere."""

    def __repr__(self):
        return "Odd()"


# What a beginner gives: the error must be ours. (A switch may well be True, a number 0.5: then there is none.)
BAD = {
    "None": None, "text": "three", "a number as text": "3", "nan": nan, "inf": inf, "-1": -1, "-1.5": -1.5, "0": 0,
    "0.5": 0.5, "True": True, "complex": 1j, "bytes": b"x", "[]": [], "()": (), "{}": {}, "a set": {1}, "Odd()": Odd(),
    "[None]": [None], "['a']": ["a"], "[1, 2]": [1, 2],
}  # fmt: skip
# What comes out of a bug: any ordinary error will do.
ODD = {
    "10**400": 10**400, "ragged": [[1], [2, 3]], "a class": int, "a function": lambda: None, "an array": np.ones(5),
    "an empty array": np.ones(0), "an array of objects": np.array([None, 1], dtype=object), "of text": np.array(["a"]),
    "of axes of size 0": np.ones((2, 0, 3)), "a Value": Value(1.0), "a Tensor": Tensor([1.0, 2.0]), "0-d": Tensor(1.0),
    "[Value]": [Value(1.0)], "np.float64": np.float64(0.5), "np.int64": np.int64(2), "a date": np.datetime64("2020"),
    "a module": nn.Tanh(),
}  # fmt: skip
NEVER = (
    AttributeError, KeyError, AssertionError, RecursionError, UnboundLocalError, NameError, ZeroDivisionError,
    StopIteration, SystemError, NotImplementedError, Warning,
)  # fmt: skip
# Where Python or NumPy says it as well as we could, or where the error is in what the user wrote.
SAID_BELOW = {
    "Tensor.[]": "NumPy: only integers, slices …, ellipsis and integer or boolean arrays are valid indices",
    "Checkpoint": "Python: expected str, bytes or os.PathLike object, not NoneType",
    "Tensor.<": "Python: '<' not supported between …",
    "Value.grad =": "Python's, where the gradient is added to: a slot is set in silence",
    "compiled": "whatever the compiled function itself raises",
    "vmap": "the same",
    "no_grad": "Python's: no such argument",
    "seed": "Python's random: the only supported seed types are …",
}

V, A = lambda: Value(2.0), lambda: Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]])
VEC, IMAGE = lambda: Tensor([1.0, 2.0, 3.0]), lambda: Tensor(np.ones((1, 2, 4, 4)))
SEQUENCE, ROW = lambda: Tensor(np.ones((3, 1, 2))), lambda: Tensor(np.ones((1, 2, 5)))
X, Y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


def graph():
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    c = (a * b).tanh()
    c.backward()
    return c


def net():
    return nn.Sequential(nn.Linear(2, 3, seed=0), nn.Tanh(), nn.Linear(3, 1, seed=1))


def parameters():
    p = Tensor([1.0, 2.0])
    p.grad = np.array([0.1, 0.2])
    return [p]


def optimizer():
    return optim.SGD(parameters(), lr=0.1)


def method(name):
    return lambda x, *args: getattr(x, name)(*args)


def layer_called(name, **settings):
    return lambda *inputs: getattr(nn, name)(**settings)(*inputs)


CALLS = []  # name, function, arguments that are right: a function of none is called for a fresh one


def call(name, function, *args, **kwargs):
    CALLS.append((name, function, args, kwargs))


class Is:
    """An argument that is itself a function, and not one that gives the argument."""

    def __init__(self, thing):
        self.thing = thing

    def __call__(self):
        return self.thing


SQUARE = Is(lambda x: x * x)

call("Value", Value, 1.0, label="a", requires_grad=True)
call("Tensor", Tensor, [1.0], True, dtype=Is(float), label="a")
for (
    _name
) in "abs arctan cos cosh erfc exp expm1 gelu log log1p relu sigmoid sign silu sin sinh softplus sqrt tan".split():
    call(_name, getattr(mg, _name), V)
for _name in "maximum minimum leaky_relu elu".split():
    for _x in (V, VEC, 1.0):
        call(_name, getattr(mg, _name), _x, 1.0)
for _name in ("clip", "where"):
    for _x in (V, VEC):
        call(_name, getattr(mg, _name), _x, 1.0, 2.0)
call("sum", mg.sum, lambda: [V(), V()])
call("stack", mg.stack, lambda: [VEC(), VEC()], 0)
call("concatenate", mg.concatenate, lambda: [VEC(), VEC()], 0)
call("einsum", mg.einsum, "i,i->", VEC, VEC)
call("grad", lambda f, argnums, x: grad(f, argnums)(x), SQUARE, 0, 2.0)
call("value_and_grad", lambda f, argnums, x: mg.value_and_grad(f, argnums)(x), SQUARE, 0, 2.0)
call("no_grad", no_grad, Is(lambda: 1))
call("seed", mg.seed, 1)
call("detect_anomaly", mg.detect_anomaly, Is(lambda: 1), allow_inf=False)
call("diagnose", mg.diagnose, graph, None, None, None)
call("paths", mg.paths, graph, V, None, 100)
call("formula", mg.formula, graph, {})
call("gradcheck", mg.gradcheck, SQUARE, V, rtol=1e-4, atol=1e-6, sample=10, seed=0)
call("gradgradcheck", mg.gradgradcheck, SQUARE, V, rtol=1e-4, atol=1e-6, sample=10, seed=0)
call("error_over_h", explain.error_over_h, SQUARE, V, steps=5)
call("to_python", mg.to_python, graph, {}, 500)
call("trace_backward", mg.trace_backward, graph, {}, 1.0)
call("wrong_orders", mg.wrong_orders, graph, {}, 100)
call("walkthrough", explain.walkthrough, graph, {}, "auto", 1.0)
call("compile", lambda f, backend, n: tape.compile(f, backend=backend, max_tapes=n), SQUARE, "numpy", 4)
call("compiled", lambda x: tape.compile(lambda x: x * x, backend="numpy")(x), V)
call("vmap", lambda f, dims, backend: tape.vmap(f, dims, backend=backend)([1.0, 2.0]), SQUARE, 0, "numpy")
call("Value.grad =", lambda v, g: (setattr(v, "grad", g), (v * 2).backward()), V, 1.0)
call("Value.data =", lambda v, x: setattr(v, "data", x), V, 1.0)
call("Tensor.data =", lambda v, x: setattr(v, "data", x), VEC, lambda: np.ones(3))
call("Tensor.backward", lambda t, g: (t * 2).backward(g), VEC, lambda: np.ones(3))
for _name, _args in {
    "__add__": [1.0], "__rsub__": [1.0], "__mul__": [1.0], "__truediv__": [1.0], "__pow__": [2.0], "__rpow__": [2.0],
    "pow": [2.0], "maximum": [1.0], "clip": [0.0, 1.0], "backward": [1.0], "register_hook": [Is(lambda g: g)],
}.items():  # fmt: skip
    call(f"Value.{_name}", method(_name), V, *_args)
for _name, _args in {
    "sum": [0, False], "mean": [0, False], "var": [0, 1, False], "std": [0, 1, False], "max": [0, False],
    "min": [0, False], "prod": [0, False], "cumsum": [0], "norm": [0, False], "logsumexp": [0, False], "softmax": [0],
    "log_softmax": [0], "reshape": [3, 2], "flatten": [0, 1], "permute": [1, 0], "swapaxes": [0, 1], "squeeze": [0],
    "transpose": [0, 1], "unsqueeze": [0], "expand": [2, 3], "flip": [0], "pad": [1, 0.0], "split": [1, 0],
    "__matmul__": [np.ones(3)], "__rmatmul__": [np.ones(2)], "argmax": [0], "argmin": [0], "astype": [Is(float)],
    "adopt": [np.ones((2, 3))], "descend": [np.ones((2, 3))],
}.items():  # fmt: skip
    call(f"Tensor.{_name}", method(_name), A, *_args)
    if _name not in ("astype", "adopt", "descend", "argmin"):
        call(f"ValueArray.{_name}", method(_name), lambda: A().to_values(), *_args)
call("Tensor.[]", method("__getitem__"), A, 0)
call("Tensor.<", lambda t, x: t < x, A, 1.0)


def layer(name, *inputs, **settings):
    call(f"nn.{name}", getattr(nn, name), **settings)
    call(f"nn.{name}()", layer_called(name, **settings), *inputs)


_CONV = dict(in_channels=2, out_channels=2, kernel_size=2, stride=1, padding=0, dilation=1, groups=1, bias=True)
_RNN = dict(input_size=2, hidden_size=2, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False)
_TRANSFORMER = dict(
    d_model=2, nhead=1, dim_feedforward=4, dropout=0.0, activation="relu", layer_norm_eps=1e-5, bias=True
)
layer("Linear", A, in_features=3, out_features=2, bias=True, dtype="float64", seed=0)
layer("Conv2d", IMAGE, **_CONV, padding_mode="zeros", dtype="float64", seed=0)
layer("Conv1d", ROW, **_CONV, padding_mode="zeros", dtype="float64", seed=0)
layer("MaxPool2d", IMAGE, kernel_size=2, stride=2, padding=0, dilation=1)
layer("AvgPool1d", ROW, kernel_size=2, stride=2, padding=0)
layer("AvgPool2d", IMAGE, kernel_size=2, stride=2, padding=0)
layer("AdaptiveAvgPool2d", IMAGE, output_size=2)
layer("BatchNorm1d", A, num_features=3, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, dtype="float64")
layer("BatchNorm2d", IMAGE, num_features=2, eps=1e-5, momentum=0.1, affine=True)
layer("GroupNorm", IMAGE, num_groups=1, num_channels=2, eps=1e-5, affine=True, dtype="float64")
layer("LayerNorm", A, normalized_shape=3, eps=1e-5, elementwise_affine=True, bias=True, dtype="float64")
layer("RMSNorm", A, normalized_shape=3, eps=1e-5, elementwise_affine=True)
layer("Embedding", lambda: np.array([0, 1]), num_embeddings=4, embedding_dim=2, padding_idx=None, max_norm=None, seed=0)
layer("LearnedPositions", SEQUENCE, max_length=5, dim=2, dtype="float64", seed=0)
layer("SinusoidalPositions", SEQUENCE, max_length=5, dim=2, dtype="float64")
layer(
    "MultiheadAttention",
    SEQUENCE,
    SEQUENCE,
    SEQUENCE,
    embed_dim=2,
    num_heads=1,
    dropout=0.0,
    bias=True,
    kdim=None,
    seed=0,
)
layer("TransformerEncoderLayer", SEQUENCE, **_TRANSFORMER, seed=0)
layer("TransformerDecoderLayer", SEQUENCE, SEQUENCE, **_TRANSFORMER, seed=0)
layer("Neuron", [1.0, 2.0], nin=2, nonlin=True, activation="relu")
layer("Layer", [1.0, 2.0], nin=2, nout=2)
layer("MLP", [1.0, 2.0], nin=2, nouts=[2, 1], activation="relu", seed=0)
layer("Flatten", IMAGE, start_dim=1, end_dim=-1)
layer("Softmax", A, dim=-1)
layer("ELU", A, alpha=1.0)
layer("LeakyReLU", A, negative_slope=0.1)
for _name in ("RNN", "GRU", "LSTM"):
    layer(_name, SEQUENCE, None, **_RNN, dtype="float64", seed=0)
for _name in "GELU ReLU SiLU Sigmoid Softplus Tanh Identity".split():
    layer(_name, A)
for _name in "MSELoss L1Loss HuberLoss KLDivLoss BCELoss BCEWithLogitsLoss HingeLoss".split():
    layer(_name, lambda: Tensor([0.5, 0.5]), [1.0, 1.0], reduction="mean")
layer("CrossEntropyLoss", A, [0, 1], weight=[1.0, 1, 1], label_smoothing=0.0, reduction="mean", ignore_index=-100)
layer("NLLLoss", A, [0, 1], weight=[1.0, 1, 1], reduction="mean", ignore_index=-100)
for _name in "mse_loss l1_loss huber_loss hinge_loss".split():
    call(f"nn.{_name}", getattr(nn, _name), lambda: [Value(0.5), Value(0.7)], [1.0, -1.0], reduction="mean")
call("nn.huber_loss", nn.huber_loss, VEC, [1.0, 1.0, 1.0], delta=1.0)
call("nn.cross_entropy", nn.cross_entropy, A, [0, 2], weight=[1.0, 1.0, 1.0], label_smoothing=0.1, ignore_index=-100)
call("nn.masked_mean", nn.masked_mean, VEC, [True, False, True])
call("nn.l2_penalty", nn.l2_penalty, net)
call("nn.Sequential", nn.Sequential, nn.Tanh)
call("nn.causal_mask", nn.causal_mask, 3)
call("F.linear", F.linear, A, lambda: Tensor(np.ones((2, 3))), lambda: Tensor(np.ones(2)))
call("F.dropout", F.dropout, A, 0.0, True)
call("F.softmax", F.softmax, A, -1)
call("init.constant_", I.constant_, A, 1.0)
call("init.generator", I.generator, 0)
call("init.calculate_gain", I.calculate_gain, "leaky_relu", 0.1)
for _name in ("zeros_", "ones_"):
    call(f"init.{_name}", getattr(I, _name), A)
for _name in ("normal_", "uniform_"):
    call(f"init.{_name}", getattr(I, _name), A, 0.0, 1.0, seed=0)
for _name in ("orthogonal_", "xavier_normal_", "xavier_uniform_"):
    call(f"init.{_name}", getattr(I, _name), A, gain=1.0, seed=0)
for _name in ("kaiming_normal_", "kaiming_uniform_"):
    call(f"init.{_name}", getattr(I, _name), A, a=0.0, mode="fan_in", nonlinearity="leaky_relu", seed=0)
call("Module.load_state_dict", method("load_state_dict"), net, lambda: net().state_dict())
call("Module.train", method("train"), net, True)
call("Module.requires_grad_", method("requires_grad_"), net, True)
call("Module.apply", method("apply"), net, Is(lambda module: None))
call("Module.register_forward_hook", method("register_forward_hook"), net, Is(lambda module, args, y: None))
call("SGD", optim.SGD, parameters, lr=0.1, momentum=0.5, dampening=0, weight_decay=0, nesterov=False)
call("Adam", optim.Adam, parameters, lr=0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0)
call("AdamW", optim.AdamW, parameters, lr=0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0)
call("Adagrad", optim.Adagrad, parameters, lr=0.1, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-8)
call("RMSprop", optim.RMSprop, parameters, lr=0.1, alpha=0.9, eps=1e-8, weight_decay=0, momentum=0)
call("CosineAnnealingLR", optim.CosineAnnealingLR, optimizer, T_max=5, eta_min=0.0)
call("ExponentialLR", optim.ExponentialLR, optimizer, gamma=0.9)
call("LambdaLR", optim.LambdaLR, optimizer, Is(lambda step: 1.0))
call("LinearLR", optim.LinearLR, optimizer, start_factor=0.3, end_factor=1.0, total_iters=5)
call("OneCycleLR", optim.OneCycleLR, optimizer, max_lr=0.1, total_steps=10, pct_start=0.3, div_factor=25.0)
call("ReduceLROnPlateau", optim.ReduceLROnPlateau, optimizer, mode="min", factor=0.1, patience=3, threshold=1e-4)
call("ReduceLROnPlateau.step", lambda o, loss: optim.ReduceLROnPlateau(o).step(loss), optimizer, 1.0)
_TWO = lambda o: [optim.StepLR(o, 1), optim.StepLR(o, 2)]
call("SequentialLR", lambda milestones: optim.SequentialLR(o := optimizer(), _TWO(o), milestones), [3])
call("StepLR", optim.StepLR, optimizer, step_size=3, gamma=0.1)
call("clip_grad_norm_", optim.clip_grad_norm_, parameters, 1.0)
call("clip_grad_value_", optim.clip_grad_value_, parameters, 1.0)
call("decay_matrices_only", optim.decay_matrices_only, parameters, 0.1)
call("Optimizer.load_state_dict", method("load_state_dict"), optimizer, lambda: optimizer().state_dict())
call("Optimizer.add_param_group", method("add_param_group"), optimizer, lambda: {"params": parameters()})
call("StepLR.load_state_dict", method("load_state_dict"), lambda: optim.StepLR(optimizer(), 3), {"last_epoch": 1})
call("DataLoader", data.DataLoader, X, Y, batch_size=2, shuffle=True, seed=0, drop_last=False)
call("batches", lambda *a: list(data.batches(*a)), X, Y, 2, True, 0, False)
call("Vocabulary", data.Vocabulary, [["a", "b"]], ("<pad>",))
for _name in ("encode", "encode_all"):
    call(f"Vocabulary.{_name}", method(_name), lambda: data.Vocabulary([["a", "b"]]), ["a"])
call("Vocabulary.decode", method("decode"), lambda: data.Vocabulary([["a", "b"]]), [3])
call("data.linear", data.linear, n_samples=5, slope=1.0, intercept=1.0, noise=0.1, seed=0)
call("data.make_blobs", data.make_blobs, n_samples=9, centers=3, n_features=2, spread=1.0, seed=0)
call("data.make_moons", data.make_moons, n_samples=8, noise=0.1, seed=0)
call("data.make_circles", data.make_circles, n_samples=8, noise=0.1, factor=0.5, seed=0)
call("data.make_spirals", data.make_spirals, n_samples=8, noise=0.1, n_classes=2, turns=1.0, seed=0)
call("data.polynomial", data.polynomial, n_samples=5, coefficients=(0, 1), noise=0.1, seed=0)
call("data.xor", data.xor, n_samples=4, noise=0.1, seed=0)
call("data.split_each_class", data.split_each_class, X, Y, n_train=1, seed=0)
call("data.standardize", data.standardize, X, X)
call("data.train_test_split", data.train_test_split, X, Y, test_size=0.5, seed=0, stratify=False)
call("Checkpoint", training.Checkpoint, "a.safetensors", monitor="loss", mode="min", resume=False)
call("EarlyStopping", training.EarlyStopping, monitor="loss", patience=3, min_delta=0.0, mode="min")
call("History", training.History, [{"epoch": 1, "loss": 0.5}])
call("History.best", method("best"), lambda: training.History([{"epoch": 1, "loss": 0.5}]), "loss", "min")
call("Recorder", training.Recorder, every=1, keep="statistics")
call("Schedule", training.Schedule, lambda: optim.StepLR(optimizer(), 3), every="epoch", monitor=None)
call("accuracy", training.accuracy, A, [0, 2])
call("ex.check", exercises.check, "minus", 3.0, timeout=1.0)
call("ex.check_engine", exercises.check_engine, Is(Value), 5.0, stages="add", upto="add")
call("ex.grade", exercises.grade, "minus", 3.0, 1.0)
call("ex.hint", exercises.hint, "minus", 1)
call("ex.list", exercises.list, 1, None)
call("ex.quiz", exercises.quiz, 1, 1)
call("ex.solution", exercises.solution, "minus")


def fresh(argument):
    return argument() if callable(argument) and not isinstance(argument, type(nn)) else copy.copy(argument)


def state(x):
    """All that a failed call might have changed."""
    if isinstance(x, (Value, Tensor)):
        return repr(x), str(x.grad), x.requires_grad, x.op
    if isinstance(x, nn.Module):
        return str(x.state_dict()), [p.requires_grad for p in x.parameters()], [m.training for m in x.modules()]
    if isinstance(x, optim.Optimizer):
        return str(x.state_dict()), [state(p) for group in x.param_groups for p in group["params"]]
    return [state(item) for item in x] if isinstance(x, list) else repr(x)


def is_ours(error):
    """Whether a line of the library says `raise`, so that its message is one that somebody wrote for this case."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return "micrograd_plus" in last.filename and "raise" in (last.line or "")


def complaints(name, function, args, kwargs):
    """What is wrong with the errors of this call, for each argument and each thing that it can't be."""
    found = []
    places = [*range(len(args)), *kwargs]
    if "." in name and not name.startswith(("nn.", "F.", "init.", "data.", "ex.")):
        places.remove(0)  # a method: its first argument is the object itself
    for place in places:
        for label, bad in (BAD | ODD).items():
            a = [bad if i == place else fresh(x) for i, x in enumerate(args)]
            k = {key: bad if key == place else fresh(x) for key, x in kwargs.items()}
            before, chance = [state(x) for x in (*a, *k.values())], random.getstate()
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    function(*a, **k)
            except MemoryError:
                continue
            except Exception as error:
                what = f"{name}({place}={label}): {type(error).__name__}: {error!s:.90}"
                if isinstance(error, NEVER) and not is_ours(error):
                    found.append(what)
                elif label in BAD and not is_ours(error) and name not in SAID_BELOW:
                    found.append(f"{what} (not ours)")
                elif "()" not in name and random.getstate() != chance:
                    found.append(f"{what} (random numbers were drawn)")
                elif [state(x) for x in (*a, *k.values())] != before and name not in SAID_BELOW:
                    found.append(f"{what} (something was changed)")
            random.setstate(chance)
    return found


@pytest.mark.filterwarnings("ignore:.*dropout=.* acts between layers")
def test_every_public_function_refuses_what_it_cant_take_with_an_error_of_its_own():
    found = []
    for name, function, args, kwargs in CALLS:
        if name != "Tensor.adopt":  # which takes a read-only array alone
            with contextlib.redirect_stdout(io.StringIO()):
                function(*map(fresh, args), **{key: fresh(x) for key, x in kwargs.items()})
        found += complaints(name, function, args, kwargs)
    assert not found, "\n".join(["", *found[:60]])


def public_functions():
    for room in (mg, nn, F, I, optim, data, training, explain, tape, exercises):
        for name in getattr(room, "__all__", None) or dir(room):
            thing = getattr(room, name)
            is_error = isinstance(thing, type) and issubclass(thing, Exception)
            if (
                callable(thing)
                and not name.startswith("_")
                and not is_error
                and getattr(thing, "__module__", "").startswith("micrograd")
            ):
                yield f"{room.__name__}.{name}", thing


@pytest.mark.parametrize(("args", "kwargs"), [((), {"no_such_argument": 1}), ((1,) * 30, {})], ids=["misspelt", "many"])
def test_arguments_that_no_function_has(args, kwargs):
    """A TypeError, never silence: a misspelt setting that is passed over is a wrong result."""
    takes_any = {"Identity", "Sequential", "Optimizer", "Layer", "standardize", "gradcheck", "gradgradcheck", "einsum"}
    for name, function in public_functions():
        short = name.rpartition(".")[2]
        if short in takes_any or (args and short in ("error_over_h", "Sequential")):
            continue
        try:
            function(*args, **kwargs)
        except (TypeError, ValueError) as told:
            assert str(told), name
        else:
            pytest.fail(f"{name} passes over what it doesn't know")
