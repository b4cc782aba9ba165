"""Every row of the two tables, found there: finite differences, SymPy's proof, PyTorch's numbers, the scalar twin,
second derivatives; then the points where a function has a kink, a pole or an overflow.

A new row needs one line in POINTWISE or STRUCTURAL below; without it `test_every_row_has_samples` fails.
"""

# ruff: noqa: E501 - tables read best in lines

import math
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from micrograd_plus import Tensor, Value, concatenate, einsum, grad, stack
from micrograd_plus.engine import maths, ops, twin  # noqa: F401 - twin gives Tensors their to_values()
from micrograd_plus.engine.array_ops import ARRAY_TABLE
from micrograd_plus.engine.graph import Many, Structural, order
from micrograd_plus.engine.ops import TABLE

inf, nan = math.inf, math.nan

# ---- samples: pointwise rows -------------------------------------------------------------------------------
# For each row a list of sides (one, unless there is a kink), and on each an interval for every input.

ANY, POSITIVE, NEGATIVE = (-2.0, 2.0), (0.1, 3.0), (-3.0, -0.1)
BOTH = [[POSITIVE], [NEGATIVE]]
LOW, HIGH = (-1.0, -0.5), (0.5, 1.0)

POINTWISE = {
    "itself": [[ANY]],
    "neg": [[ANY]],
    "exp": [[ANY]],
    "expm1": [[ANY]],
    "log": [[POSITIVE]],
    "log1p": [[POSITIVE], [(-0.9, -0.1)]],
    "sqrt": [[POSITIVE]],
    "sin": [[ANY]],
    "cos": [[ANY]],
    "tan": [[(-1.2, 1.2)]],
    "sinh": [[ANY]],
    "cosh": [[ANY]],
    "tanh": [[ANY]],
    "arctan": [[ANY]],
    "erfc": [[ANY]],
    "sigmoid": BOTH,
    "softplus": BOTH,
    "silu": BOTH,
    "gelu": BOTH,
    "relu": BOTH,
    "abs": BOTH,
    "sign": BOTH,
    "step": BOTH,
    "add": [[ANY, ANY]],
    "sub": [[ANY, ANY]],
    "mul": [[ANY, ANY]],
    "div": [[ANY, POSITIVE], [ANY, NEGATIVE]],
    "pow": [[POSITIVE, ANY]],
    "maximum": [[LOW, HIGH], [HIGH, LOW]],
    "minimum": [[LOW, HIGH], [HIGH, LOW]],
    "leaky_relu": [[POSITIVE, POSITIVE], [NEGATIVE, POSITIVE]],
    "elu": [[POSITIVE, POSITIVE], [NEGATIVE, POSITIVE]],
    "where": [["yes", ANY, ANY], ["no", ANY, ANY]],
    "clip": [[(-0.3, 0.3), LOW, HIGH], [(-3.0, -1.5), LOW, HIGH], [(1.5, 3.0), LOW, HIGH]],
}

TORCH_NAMES = {
    "neg": "neg", "arctan": "arctan", "div": "div", "elu": "", "gelu": "", "silu": "", "leaky_relu": "", "step": "",
    "softplus": "", "relu": "relu", "pow": "pow", "clip": "clamp", "itself": "clone",
}  # fmt: skip  # "": written out in torch_row; all others have the same name there


def torch_row(name):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    written = {
        "elu": lambda x, s: torch.where(x > 0, x, s * torch.expm1(torch.minimum(x, torch.zeros_like(x)))),
        "gelu": functional.gelu,
        "silu": functional.silu,
        "softplus": lambda x: functional.softplus(x, threshold=1000),
        "leaky_relu": lambda x, s: torch.where(x > 0, x, s * x),
        "step": lambda x: (x > 0).to(x.dtype),
        "where": lambda c, a, b: torch.where(c.bool(), a, b),
    }
    return written.get(name) or getattr(torch, TORCH_NAMES.get(name, name))


SIDES = [(name, number) for name, sides in POINTWISE.items() for number in range(len(sides))]


def draw(name, number, count=5, dtype=float):
    """Random inputs on one side of the kink: an array for each input of the row."""
    rng = np.random.default_rng([number, *name.encode()])
    given = {"yes": np.ones(count, bool), "no": np.zeros(count, bool)}
    return [
        given[span].copy() if isinstance(span, str) else rng.uniform(*span, count).astype(dtype)
        for span in POINTWISE[name][number]
    ]


def variable(xs):
    """Which inputs a derivative is asked for."""
    return tuple(i for i, x in enumerate(xs) if x.dtype.kind == "f")


def leaves_of(kind, xs):
    return [kind(x) if i in variable(xs) else x for i, x in enumerate(xs)]


def slope_by_differences(f, xs, i, h=1e-3):
    """Five-point differences: exact to about 1e-11 for a smooth f of order one."""
    at = lambda d: np.asarray(f(*(x + d if j == i else x for j, x in enumerate(xs))), dtype=float)
    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


# ---- samples: rows with another shape ----------------------------------------------------------------------


@dataclass
class Case:
    """One use of a row: f(k, *inputs) in words that PyTorch has too, where k is a library (`theirs`: where not)."""

    f: object
    shapes: tuple
    theirs: object = None
    positive: bool = False


OURS = SimpleNamespace(**{**ARRAY_TABLE, "concatenate": concatenate, "stack": stack, "einsum": einsum})
ROWS_3 = np.array([2, 0, 2, 2])

STRUCTURAL = {
    "expand": [
        Case(lambda k, a: a.expand(4, 3), [(1, 3)]),
        Case(lambda k, a: a.expand(2, -1, 2), [(3, 1)]),
        Case(lambda k, a: a.expand(2, 2), [()]),
        Case(lambda k, a, b: a * b, [(3, 1), (1, 4)]),
        Case(lambda k, a, b: a / b, [(2, 3), ()], positive=True),
    ],
    "sum_to": [
        Case(lambda k, a: k.sum_to(a, shape=(3, 1)), [(2, 3, 4)], lambda k, a: a.sum_to_size(3, 1)),
        Case(lambda k, a: k.sum_to(a, shape=()), [(2, 3)], lambda k, a: a.sum()),
    ],
    "sum": [
        Case(lambda k, a: a.sum(), [(2, 3)]),
        Case(lambda k, a: a.sum(dim=1), [(2, 3)]),
        Case(lambda k, a: a.sum(dim=(0, -1), keepdim=True), [(2, 3, 2)]),
        Case(lambda k, a: a.sum(), [()]),
    ],
    "mean": [
        Case(lambda k, a: a.mean(), [(2, 3)]),
        Case(lambda k, a: a.mean(dim=-1), [(2, 3)]),
        Case(lambda k, a: a.mean(dim=(0, 2), keepdim=True), [(2, 3, 2)]),
    ],
    "max": [
        Case(lambda k, a: a.max(), [(2, 3)]),
        Case(lambda k, a: a.max(axis=0), [(3, 2)], lambda k, a: a.amax(0)),
        Case(
            lambda k, a: a.max(axis=(0, 2), keepdims=True),
            [(2, 3, 2)],
            lambda k, a: a.amax((0, 2), keepdim=True),
        ),
    ],
    "min": [
        Case(lambda k, a: a.min(), [(2, 3)]),
        Case(lambda k, a: a.min(axis=-1, keepdims=True), [(3, 2)], lambda k, a: a.amin(-1, keepdim=True)),
    ],
    "prod": [
        Case(lambda k, a: a.prod(), [(2, 3)]),
        Case(lambda k, a: a.prod(dim=1), [(2, 3)]),
        Case(lambda k, a: a.prod(dim=0, keepdim=True), [(3, 2)]),
        Case(lambda k, a: a.prod(axis=(0, 2)), [(2, 3, 2)], lambda k, a: a.prod(2).prod(0)),
    ],
    "cumsum": [
        Case(lambda k, a: a.cumsum(dim=0), [(3, 2)]),
        Case(lambda k, a: a.cumsum(-1), [(2, 3)]),
        Case(lambda k, a: a.cumsum(0), [()]),
    ],
    "var": [
        Case(lambda k, a: a.var(), [(2, 3)]),
        Case(lambda k, a: a.var(dim=1, correction=0), [(2, 3)]),
        Case(lambda k, a: a.var(dim=(0, 1), keepdim=True), [(2, 3, 2)]),
    ],
    "std": [
        Case(lambda k, a: a.std(), [(2, 3)]),
        Case(lambda k, a: a.std(dim=1, correction=0, keepdim=True), [(2, 3)]),
    ],
    "norm": [
        Case(lambda k, a: a.norm(), [(2, 3)]),
        Case(lambda k, a: a.norm(dim=1), [(2, 3)]),
        Case(lambda k, a: a.norm(dim=(0, 1), keepdim=True), [(2, 3)]),
    ],
    "logsumexp": [
        Case(lambda k, a: a.logsumexp(dim=(0, 1)), [(2, 3)]),
        Case(lambda k, a: a.logsumexp(dim=1, keepdim=True), [(2, 3)]),
        Case(lambda k, a: a.logsumexp(), [(4,)], lambda k, a: a.logsumexp(0)),
    ],
    "softmax": [
        Case(lambda k, a: a.softmax(dim=-1), [(2, 3)]),
        Case(lambda k, a: a.softmax(dim=0), [(3, 2)]),
    ],
    "log_softmax": [
        Case(lambda k, a: a.log_softmax(dim=1), [(2, 3)]),
        Case(lambda k, a: a.log_softmax(0), [(3,)]),
    ],
    "reshape": [
        Case(lambda k, a: a.reshape(3, 2), [(2, 3)]),
        Case(lambda k, a: a.reshape(-1), [(2, 3)]),
        Case(lambda k, a: a.sum().reshape(1, 1) * a, [(2, 3)]),
        Case(lambda k, a: a.flatten(1), [(2, 3, 2)]),
        Case(lambda k, a: a.unsqueeze(1), [(2, 3)]),
        Case(lambda k, a: a.squeeze(), [(1, 2, 1)]),
    ],
    "transpose": [
        Case(lambda k, a: a.permute(2, 0, 1), [(2, 3, 4)]),
        Case(lambda k, a: a.T, [(2, 3)]),
        Case(lambda k, a: a.mT, [(2, 3, 4)]),
        Case(lambda k, a: a.transpose(0, -1), [(2, 3, 4)]),
    ],
    "flip": [Case(lambda k, a: a.flip((0, 1)), [(2, 3)]), Case(lambda k, a: a.flip((-1,)), [(2, 3)])],
    "getitem": [
        Case(lambda k, a: a[1], [(2, 3)]),
        Case(lambda k, a: a[..., 1:, None], [(2, 3)]),
        Case(lambda k, a: a[ROWS_3], [(3, 2)]),
        Case(lambda k, a: a[:, [0, 1, 1]], [(2, 2)]),
        Case(lambda k, a: a[[0, 1, 1], [1, 0, 0]], [(2, 2)]),
        Case(lambda k, a: a[[True, False, True]], [(3, 2)]),
    ],
    "put": [
        Case(
            lambda k, a: k.put(a, shape=(3, 2), index=(ROWS_3,)),
            [(4, 2)],
            lambda k, a: a.new_zeros(3, 2).index_add(0, k.tensor(ROWS_3), a),
        ),
        Case(
            lambda k, a: k.put(a, shape=(3,), index=(slice(1, None),)),
            [(2,)],
            lambda k, a: k.nn.functional.pad(a, (1, 0)),
        ),
    ],
    "pad": [
        Case(lambda k, a: a.pad(((1, 0), (0, 2))), [(2, 2)], lambda k, a: k.nn.functional.pad(a, (0, 2, 1, 0))),
        Case(lambda k, a: a.pad(1, value=5.0), [(2,)], lambda k, a: k.nn.functional.pad(a, (1, 1), value=5.0)),
    ],
    "astype": [Case(lambda k, a: (a * a).astype(np.float64), [(2, 3)], lambda k, a: (a * a).double())],
    "matmul": [
        Case(lambda k, a, b: a @ b, [(2, 3), (3, 4)]),
        Case(lambda k, a, b: a @ b, [(3,), (3,)]),
        Case(lambda k, a, b: a @ b, [(2, 3), (3,)]),
        Case(lambda k, a, b: a @ b, [(3,), (3, 2)]),
        Case(lambda k, a, b: a @ b, [(2, 1, 2, 3), (4, 3, 2)]),
        Case(lambda k, a, b: a @ b, [(4, 2, 3), (3,)]),
        Case(lambda k, a, b: a @ b, [(3,), (4, 3, 2)]),
    ],
    "linear": [
        Case(lambda k, x, w: k.linear(x, w), [(4, 3), (2, 3)], lambda k, x, w: x @ w.T),
        Case(lambda k, x, w, b: k.linear(x, w, b), [(4, 3), (2, 3), (2,)], lambda k, x, w, b: x @ w.T + b),
        Case(lambda k, x, w, b: k.linear(x, w, b), [(3,), (2, 3), (2,)], lambda k, x, w, b: x @ w.T + b),
        Case(lambda k, x, w, b: k.linear(x, w, b), [(2, 2, 3), (2, 3), (2,)], lambda k, x, w, b: x @ w.T + b),
    ],
    "concatenate": [
        Case(lambda k, a, b: k.concatenate([a, b]), [(2, 3), (1, 3)]),
        Case(lambda k, a, b: k.concatenate([a, b, a], -1), [(2, 3), (2, 1)]),
    ],
    "stack": [
        Case(lambda k, a, b: k.stack([a, b]), [(2, 3), (2, 3)]),
        Case(lambda k, a, b: k.stack([a, b, a], -1), [(2,), (2,)]),
        Case(lambda k, a, b: k.stack([a.sum(), b.sum()]), [(2,), (2,)]),
    ],
    "einsum": [
        Case(lambda k, a, b: k.einsum("ij,jk->ik", a, b), [(2, 3), (3, 4)]),
        Case(lambda k, a, b: k.einsum("bij,bjk->bik", a, b), [(2, 2, 3), (2, 3, 2)]),
        Case(lambda k, a: k.einsum("ij->j", a), [(2, 3)]),
        Case(lambda k, a: k.einsum("ij->", a), [(2, 3)]),
        Case(lambda k, a, b, c: k.einsum("i,ij,j->", a, b, c), [(2,), (2, 3), (3,)]),
        Case(lambda k, a, b: k.einsum("i,j", a, b), [(2,), (3,)]),
    ],
}
CASES = [(name, number) for name, cases in STRUCTURAL.items() for number in range(len(cases))]


def inputs_of(case, dtype=float):
    rng = np.random.default_rng(7)
    low = 0.5 if case.positive else -1.5
    return [np.asarray(rng.uniform(low, 1.5, shape), dtype=dtype) for shape in case.shapes]


def weights_for(y):
    """A cotangent without symmetries: a transposed or reversed gradient is found out."""
    return np.random.default_rng(3).uniform(0.5, 1.5, y.shape)


def scalar_of(case):
    """f reduced to one number by fixed weights."""
    return lambda *ts: (lambda y: (y * weights_for(y)).sum())(case.f(OURS, *ts))


def number_of(case, xs):
    return scalar_of(case)(*(Tensor(x, requires_grad=False) for x in xs)).item()


# ---- completeness ------------------------------------------------------------------------------------------


def test_every_row_has_samples():
    """A new row is tested by being there; without samples it fails here."""
    pointwise = {name for name, row in TABLE.items() if row.pointwise}
    assert set(POINTWISE) == pointwise
    assert set(TABLE) - pointwise == {"sum"}, "give the new Many row a test like test_the_sum_of_many"
    assert set(STRUCTURAL) == set(ARRAY_TABLE)


@pytest.mark.parametrize("row", [*TABLE.values(), *ARRAY_TABLE.values()], ids=lambda row: row.name)
def test_a_row_knows_its_name_and_its_rules(row):
    table = ARRAY_TABLE if row.name in ARRAY_TABLE and ARRAY_TABLE[row.name] is row else TABLE
    assert table[row.name] is row
    assert row.rules
    assert all(map(callable, row.rules))
    assert repr(row) == f"<op {row.name}>"


@pytest.mark.parametrize(("name", "number"), CASES)
def test_a_sample_of_a_row_uses_that_row(name, number):
    case = STRUCTURAL[name][number]
    y = case.f(OURS, *map(Tensor, inputs_of(case)))
    assert ARRAY_TABLE[name] in {node.op for node in order(y)}


# ---- (a) finite differences --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "number"), SIDES)
def test_slopes_are_finite_differences(name, number):
    row, xs = TABLE[name], draw(name, number)
    tensors = leaves_of(Tensor, xs)
    row(*tensors).sum().backward()
    for i in variable(xs):
        expected = slope_by_differences(row, xs, i)
        np.testing.assert_allclose(tensors[i].grad, expected, rtol=1e-9, atol=1e-9)
        for k in range(len(expected)):
            values = [Value(x[k].item()) if j in variable(xs) else bool(x[k]) for j, x in enumerate(xs)]
            row(*values).backward()
            assert values[i].grad == pytest.approx(expected[k], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("name", "number"), CASES)
def test_pull_backs_are_finite_differences(name, number):
    case = STRUCTURAL[name][number]
    xs = inputs_of(case)
    tensors = list(map(Tensor, xs))
    scalar_of(case)(*tensors).backward()
    for i, x in enumerate(xs):
        expected = np.zeros_like(x)
        for at in np.ndindex(x.shape):
            h = np.zeros_like(x)
            h[at] = 1e-3
            f = lambda d, h=h, i=i: number_of(case, [x + d * h if j == i else x for j, x in enumerate(xs)])
            expected[at] = (8 * (f(1) - f(-1)) - (f(2) - f(-2))) / 12e-3
        assert tensors[i].grad.shape == x.shape
        np.testing.assert_allclose(tensors[i].grad, expected, rtol=1e-9, atol=1e-9)


def test_the_sum_of_many():
    values = [Value(x) for x in (0.5, -2.0, 3.0)]
    total = ops.sum_([*values, 4, values[0]])
    total.backward()
    assert total.data == 6.0
    assert [v.grad for v in values] == [2.0, 1.0, 1.0]
    tensors = [Tensor([1.0, 2.0]), Tensor([3.0, 4.0])]
    total = ops.sum_([*tensors, tensors[0]])
    total.backward([1.0, 10.0])
    assert total.tolist() == [5.0, 8.0]
    assert [t.grad.tolist() for t in tensors] == [[2.0, 20.0], [1.0, 10.0]]
    assert ops.sum_([1.5, 2]) == 3.5
    assert ops.sum_([]) == 0.0
    assert grad(lambda x: ops.sum_([x * x, x, 2.0]))(3.0) == 7.0


def test_the_sum_of_tensors_of_unlike_shapes():
    """`a + b` broadcasts, so the sum of [a, b] does, or says that it doesn't; it must not fail in backward()."""
    a, b = Tensor([1.0, 2.0]), Tensor(3.0)
    try:
        total = ops.sum_([a, b])
    except ValueError:
        return
    total.sum().backward()
    assert a.grad.tolist() == [1.0, 1.0]
    assert b.grad.tolist() == 2.0


# ---- (b) SymPy proves each rule ----------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "number"), SIDES)
def test_slopes_are_proved(name, number, monkeypatch):
    """diff(y, x) - slope == 0, with exact constants, on each side of a kink."""
    sympy = pytest.importorskip("sympy")
    monkeypatch.setattr(ops, "SQRT2", sympy.sqrt(2))
    monkeypatch.setattr(ops, "PHI0", 1 / sympy.sqrt(2 * sympy.pi))
    row, spans = TABLE[name], POINTWISE[name][number]
    symbols = [sympy.Symbol("xyz"[i], real=True) for i in range(len(spans))]
    # where on the line: an interval above 0 becomes a positive symbol, one below a negative one; ordered inputs keep
    # their order, by distances that are positive symbols
    near = [sympy.Symbol("pqr"[i], positive=True) for i in range(len(spans))]
    here = {}
    numeric = [i for i, span in enumerate(spans) if not isinstance(span, str)]
    if name in ("maximum", "minimum", "clip"):
        place = sympy.Integer(0)
        for i in sorted(numeric, key=lambda i: spans[i][0]):
            place = place + near[i]
            here[symbols[i]] = place
    else:
        for i in numeric:
            low, high = spans[i]
            here[symbols[i]] = near[i] if low > 0 else -near[i] if high < 0 else symbols[i]
    arguments = [sympy.true if s == "yes" else sympy.false if s == "no" else symbols[i] for i, s in enumerate(spans)]
    y = row.forward(*arguments)
    for i in numeric:
        slope = row.rules[i](y, *arguments)
        difference = sympy.diff(y, symbols[i]) - slope
        difference = sympy.nsimplify(sympy.sympify(difference).subs(here, simultaneous=True).doit(), rational=True)
        assert sympy.simplify(difference) == 0, f"d{name}/d{symbols[i]}: {sympy.diff(y, symbols[i])} is not {slope}"


def test_the_proof_can_fail():
    sympy = pytest.importorskip("sympy")
    x = sympy.Symbol("x", real=True)
    wrong = ops.tanh.rules[0](ops.tanh.forward(x), x) + x
    assert sympy.simplify(sympy.diff(sympy.tanh(x), x) - wrong) != 0


# ---- (c) PyTorch's numbers ---------------------------------------------------------------------------------

CLOSE = {"float64": {"rtol": 1e-12, "atol": 1e-14}, "float32": {"rtol": 3e-6, "atol": 3e-7}}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "number"), SIDES)
def test_pointwise_rows_are_torchs(name, number, dtype):
    """Dtypes as PyTorch's; numbers as PyTorch's in float64 (its own float32 gelu is off by 1e-4 far out)."""
    torch = pytest.importorskip("torch")
    xs = draw(name, number, dtype=dtype)
    ours = leaves_of(Tensor, xs)
    theirs = [torch.tensor(x).double().requires_grad_() if x.dtype.kind == "f" else torch.tensor(x) for x in xs]
    y, z = TABLE[name](*ours), torch_row(name)(*theirs)
    w = weights_for(y).astype(dtype)
    y.backward(w)
    if z.requires_grad:
        z.backward(torch.tensor(w).double())
    assert str(torch_row(name)(*map(torch.tensor, xs)).dtype) == f"torch.{dtype}"
    assert y.dtype == dtype
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), **CLOSE[dtype])
    for i in variable(xs):
        assert ours[i].grad.dtype == dtype
        expected = np.zeros_like(xs[i]) if theirs[i].grad is None else theirs[i].grad.numpy()
        np.testing.assert_allclose(ours[i].grad, expected, **CLOSE[dtype])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "number"), CASES)
def test_structural_rows_are_torchs(name, number, dtype):
    torch = pytest.importorskip("torch")
    case = STRUCTURAL[name][number]
    xs = inputs_of(case, dtype)
    ours, theirs = list(map(Tensor, xs)), [torch.tensor(x, requires_grad=True) for x in xs]
    y, z = case.f(OURS, *ours), (case.theirs or case.f)(torch, *theirs)
    w = weights_for(y).astype(z.detach().numpy().dtype)
    y.backward(w)
    z.backward(torch.tensor(w))
    assert y.dtype == (np.float64 if name == "astype" else dtype)
    assert y.shape == tuple(z.shape)
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), **CLOSE[dtype])
    for a, b in zip(ours, theirs, strict=True):
        assert a.grad.dtype == dtype
        np.testing.assert_allclose(a.grad, b.grad.numpy(), **CLOSE[dtype])


@pytest.mark.parametrize(("name", "number"), SIDES)
def test_grad_keeps_float32(name, number):
    """grad(f) runs the rules on Tensors: there, too, a constant must not turn float32 into float64."""
    xs = draw(name, number, dtype=np.float32)
    places = variable(xs)
    for slope in grad(lambda *ts: TABLE[name](*ts).sum(), argnums=places)(*xs):
        assert slope.dtype == np.float32


# ---- (d) the scalar twin -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "number"), SIDES)
def test_pointwise_rows_have_a_twin(name, number):
    tensors = leaves_of(Tensor, draw(name, number))
    check_twin(TABLE[name](*tensors), [t for t in tensors if isinstance(t, Tensor)])


@pytest.mark.parametrize(("name", "number"), CASES)
def test_structural_rows_have_a_twin(name, number):
    case = STRUCTURAL[name][number]
    tensors = list(map(Tensor, inputs_of(case)))
    check_twin(case.f(OURS, *tensors), tensors)


def check_twin(y, tensors):
    leaves = {}
    image = y.to_values(leaves)
    np.testing.assert_allclose(image.data, y.numpy(), rtol=1e-13, atol=1e-15)
    root = (y * weights_for(y)).sum()
    root.backward()
    twin_root = root.to_values(leaves)
    assert isinstance(twin_root, Value)
    twin_root.backward()
    for t in tensors:
        np.testing.assert_allclose(leaves[t].grad, t.grad, rtol=1e-12, atol=1e-14)


# ---- (e) second derivatives --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "number"), SIDES)
def test_pointwise_rows_can_be_differentiated_twice(name, number):
    row, xs = TABLE[name], draw(name, number, count=3)
    for i in variable(xs):
        first = lambda *ts, i=i: grad(lambda *us: row(*us).sum(), argnums=i)(*ts)
        for j in variable(xs):
            expected = slope_by_differences(first, xs, j)
            second = grad(lambda *ts, first=first: first(*ts).sum(), argnums=j)(*xs)
            np.testing.assert_allclose(second, expected, rtol=1e-8, atol=1e-9)
            for k in range(3):
                point = [x[k].item() for x in xs]
                one = grad(grad(row, argnums=i), argnums=j)(*point)
                assert one == pytest.approx(expected[k], rel=1e-8, abs=1e-9)


@pytest.mark.parametrize(("name", "number"), CASES)
def test_structural_rows_can_be_differentiated_twice(name, number):
    """Of sum(weights × f(x)³): a cube, so that also rows that are linear in x have a second derivative."""
    case = STRUCTURAL[name][number]
    xs = inputs_of(case)
    places = tuple(range(len(xs)))
    cubed = lambda *ts: (lambda y: (y * y * y * weights_for(y)).sum())(case.f(OURS, *ts))
    slopes = grad(cubed, argnums=places)

    def mixed(*ts):  # one number that depends on every first derivative
        return sum((s * weights_for(s)).sum() for s in slopes(*ts))

    seconds = grad(mixed, argnums=places)(*map(Tensor, xs))
    for i, x in enumerate(xs):
        assert seconds[i].shape == x.shape
        for at in np.ndindex(x.shape):
            h = np.zeros_like(x)
            h[at] = 1e-3
            f = lambda d, h=h, i=i: mixed(*(Tensor(x + d * h if j == i else x) for j, x in enumerate(xs))).item()
            expected = (8 * (f(1) - f(-1)) - (f(2) - f(-2))) / 12e-3
            assert seconds[i].numpy()[at] == pytest.approx(expected, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize(("name", "number"), CASES)
def test_the_gradient_that_grad_gives_is_the_one_that_backward_gives(name, number):
    case = STRUCTURAL[name][number]
    tensors = list(map(Tensor, inputs_of(case)))
    scalar_of(case)(*tensors).backward()
    slopes = grad(scalar_of(case), argnums=tuple(range(len(tensors))))(*tensors)
    for t, s in zip(tensors, slopes, strict=True):
        np.testing.assert_allclose(s.numpy(), t.grad, rtol=1e-12, atol=1e-14)


def fused_rows():
    double = Structural("double", lambda x: (x * 2, x), lambda g, kept, x: g * 2, keeps=True)
    return [double, *(row for row in [*TABLE.values(), *ARRAY_TABLE.values()] if row.keeps)]


@pytest.mark.parametrize("row", fused_rows(), ids=lambda row: row.name)
def test_a_fused_row_says_that_it_is_differentiated_once(row):
    with pytest.raises(TypeError, match=f"`{row.name}` stands for many operations .*elementary operations"):
        grad(lambda t: row(t).sum())(np.ones(3))


def test_a_fused_row_works_once():
    double, t = fused_rows()[0], Tensor([1.0, 2.0])
    y = double(t)
    y.backward([1.0, 10.0])
    assert y.tolist() == [2.0, 4.0]
    assert t.grad.tolist() == [2.0, 20.0]


def test_a_row_of_ones_own_is_complete():
    """One row: it computes on numbers, Values and Tensors, differentiates twice, has a twin."""
    from micrograd_plus import Unary

    cube = Unary("cube", lambda x: x * x * x, lambda y, x: 3 * x * x)
    assert cube(2.0) == 8.0
    v, t = Value(2.0), Tensor([1.0, 2.0])
    cube(v).backward()
    cube(t).sum().backward()
    assert v.grad == 12.0
    assert t.grad.tolist() == [3.0, 12.0]
    assert grad(grad(cube))(2.0) == 12.0
    check_twin(cube(Tensor([1.5, -2.0])), [])


def test_a_wrong_rule_is_named():
    flat = Structural("flat", lambda x: x.reshape(-1), lambda g, y, x: g)
    with pytest.raises(ValueError, match=r"`flat` for input 0.*\(4,\).*\(2, 2\)"):
        flat(Tensor(np.ones((2, 2)))).sum().backward()


# ---- (f) the points that matter: value and slope for each input --------------------------------------------

EDGES = [
    # what                      f                                inputs           value      slopes
    ("relu at 0",               lambda x: x.relu(),              (0.0,),          0.0,       (0.0,)),
    ("relu at -0",              lambda x: x.relu(),              (-0.0,),         0.0,       (0.0,)),
    ("relu at nan",             lambda x: x.relu(),              (nan,),          nan,       None),
    ("relu at inf",             lambda x: x.relu(),              (inf,),          inf,       (1.0,)),
    ("abs at 0",                lambda x: x.abs(),               (0.0,),          0.0,       (0.0,)),
    ("abs at -inf",             lambda x: x.abs(),               (-inf,),         inf,       (-1.0,)),
    ("sign at 0",               lambda x: x.sign(),              (0.0,),          0.0,       (0.0,)),
    ("sign at inf",             lambda x: x.sign(),              (inf,),          1.0,       (0.0,)),
    ("step at 0",               lambda x: x.step(),              (0.0,),          0.0,       (0.0,)),
    ("leaky_relu at 0",         lambda x: x.leaky_relu(0.1),     (0.0,),          0.0,       (0.1,)),
    ("elu at 0",                lambda x: x.elu(2.0),            (0.0,),          0.0,       (2.0,)),
    ("elu at 1000",             lambda x: x.elu(),               (1000.0,),       1000.0,    (1.0,)),
    ("elu at -1000",            lambda x: x.elu(),               (-1000.0,),      -1.0,      (0.0,)),
    ("maximum of a tie",        lambda a, b: a.maximum(b),       (2.0, 2.0),      2.0,       (0.5, 0.5)),
    ("minimum of a tie",        lambda a, b: a.minimum(b),       (2.0, 2.0),      2.0,       (0.5, 0.5)),
    ("maximum of infinities",   lambda a, b: a.maximum(b),       (inf, inf),      inf,       (0.5, 0.5)),
    ("minimum of -infinities",  lambda a, b: a.minimum(b),       (-inf, -inf),    -inf,      (0.5, 0.5)),
    ("maximum with -inf",       lambda a, b: a.maximum(b),       (-inf, 1.0),     1.0,       (0.0, 1.0)),
    ("maximum with nan",        lambda a, b: a.maximum(b),       (1.0, nan),      nan,       None),
    ("maximum of nan",          lambda a, b: a.maximum(b),       (nan, 1.0),      nan,       None),
    ("maximum of itself",       lambda a: a.maximum(a),          (2.0,),          2.0,       (1.0,)),
    ("clip at its low end",     lambda x: x.clip(0.0, 1.0),      (0.0,),          0.0,       (1.0,)),
    ("clip at its high end",    lambda x: x.clip(0.0, 1.0),      (1.0,),          1.0,       (1.0,)),
    ("clip below",              lambda x: x.clip(0.0, 1.0),      (-0.1,),         0.0,       (0.0,)),
    ("clip, min alone",         lambda x: x.clip(min=0.0),       (-inf,),         0.0,       (0.0,)),
    ("clip, max alone",         lambda x: x.clip(max=0.0),       (-3.0,),         -3.0,      (1.0,)),
    ("x**0 at 0",               lambda x: x**0,                  (0.0,),          1.0,       (0.0,)),
    ("x**0.0 at 0",             lambda x: x**0.0,                (0.0,),          1.0,       (0.0,)),
    ("x**1 at 0",               lambda x: x**1,                  (0.0,),          0.0,       (1.0,)),
    ("x**2 at 0",               lambda x: x**2,                  (0.0,),          0.0,       (0.0,)),
    ("x**3 at 0",               lambda x: x**3,                  (0.0,),          0.0,       (0.0,)),
    ("x**-1 at 0",              lambda x: x**-1,                 (0.0,),          inf,       (-inf,)),
    ("x**0.5 at 0",             lambda x: x**0.5,                (0.0,),          0.0,       (inf,)),
    ("x**2 of 1e200",           lambda x: x**2,                  (1e200,),        inf,       (2e200,)),
    ("x**3 of -1e200",          lambda x: x**3,                  (-1e200,),       -inf,      (inf,)),
    ("0**0",                    lambda a, b: a**b,               (0.0, 0.0),      1.0,       (0.0, 0.0)),
    ("0**2",                    lambda a, b: a**b,               (0.0, 2.0),      0.0,       (0.0, 0.0)),
    ("0**1",                    lambda a, b: a**b,               (0.0, 1.0),      0.0,       (1.0, 0.0)),
    ("(-2)**3",                 lambda a, b: a**b,               (-2.0, 3.0),     -8.0,      (12.0, nan)),
    ("number 0 ** x",           lambda b: 0.0**b,                (2.0,),          0.0,       (0.0,)),
    ("number 2 ** x",           lambda b: 2**b,                  (3.0,),          8.0,       (8 * math.log(2),)),
    ("number -2 ** x",          lambda b: (-2.0) ** b,           (3.0,),          -8.0,      (nan,)),
    ("sqrt at 0",               lambda x: x.sqrt(),              (0.0,),          0.0,       (inf,)),
    ("log at 0",                lambda x: x.log(),               (0.0,),          -inf,      (inf,)),
    ("log1p at -1",             lambda x: x.log1p(),             (-1.0,),         -inf,      (inf,)),
    ("1 / 0",                   lambda x: 1 / x,                 (0.0,),          inf,       (-inf,)),
    ("-1 / 0",                  lambda x: -1 / x,                (0.0,),          -inf,      (inf,)),
    ("x / number 0",            lambda x: x / 0,                 (2.0,),          inf,       (inf,)),
    ("exp at 1000",             lambda x: x.exp(),               (1000.0,),       inf,       (inf,)),
    ("exp at -1000",            lambda x: x.exp(),               (-1000.0,),      0.0,       (0.0,)),
    ("exp at nan",              lambda x: x.exp(),               (nan,),          nan,       (nan,)),
    ("sinh at -1000",           lambda x: x.sinh(),              (-1000.0,),      -inf,      (inf,)),
    ("cosh at -1000",           lambda x: x.cosh(),              (-1000.0,),      inf,       (-inf,)),
    ("sigmoid at 1000",         lambda x: x.sigmoid(),           (1000.0,),       1.0,       (0.0,)),
    ("sigmoid at -1000",        lambda x: x.sigmoid(),           (-1000.0,),      0.0,       (0.0,)),
    ("sigmoid at 0",            lambda x: x.sigmoid(),           (0.0,),          0.5,       (0.25,)),
    ("tanh at 1000",            lambda x: x.tanh(),              (1000.0,),       1.0,       (0.0,)),
    ("softplus at 1000",        lambda x: x.softplus(),          (1000.0,),       1000.0,    (1.0,)),
    ("softplus at -1000",       lambda x: x.softplus(),          (-1000.0,),      0.0,       (0.0,)),
    ("silu at -1000",           lambda x: x.silu(),              (-1000.0,),      0.0,       (0.0,)),
    ("gelu at -1000",           lambda x: x.gelu(),              (-1000.0,),      0.0,       (0.0,)),
    ("gelu at 1000",            lambda x: x.gelu(),              (1000.0,),       1000.0,    (1.0,)),
    ("arctan at inf",           lambda x: x.arctan(),            (inf,),          math.pi / 2, (0.0,)),
    ("inf - inf",               lambda a, b: a - b,              (inf, inf),      nan,       (1.0, -1.0)),
    ("0 * inf",                 lambda a, b: a * b,              (0.0, inf),      nan,       (inf, 0.0)),
    ("inf / inf",               lambda a, b: a / (b * b),        (inf, inf),      nan,       None),
    ("a + a",                   lambda a: a + a,                 (3.0,),          6.0,       (2.0,)),
    ("a * a",                   lambda a: a * a,                 (3.0,),          9.0,       (6.0,)),
    ("a - a",                   lambda a: a - a,                 (3.0,),          0.0,       (0.0,)),
    ("a / a",                   lambda a: a / a,                 (3.0,),          1.0,       (0.0,)),
    ("a ** a",                  lambda a: a**a,                  (2.0,),          4.0,       (4 + 4 * math.log(2),)),
    ("where, yes",              lambda a, b: ops.where(True, a, b),  (1.0, 2.0),  1.0,       (1.0, 0.0)),
    ("where, no",               lambda a, b: ops.where(False, a, b), (1.0, 2.0),  2.0,       (0.0, 1.0)),
]  # fmt: skip


def same(found, expected, rtol=1e-14):
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=0.0)


EDGE_IDS = [what for what, *_ in EDGES]


@pytest.mark.parametrize(("what", "f", "inputs", "value", "slopes"), EDGES, ids=EDGE_IDS)
def test_edges_of_values(what, f, inputs, value, slopes):
    leaves = [Value(x) for x in inputs]
    y = f(*leaves)
    y.backward()
    assert type(y.data) is float
    same(y.data, value)
    if slopes is not None:
        same([v.grad for v in leaves], slopes)
    assert all(type(v.grad) is float for v in leaves)


@pytest.mark.parametrize("shape", [(), (2,)], ids=str)
@pytest.mark.parametrize(("what", "f", "inputs", "value", "slopes"), EDGES, ids=EDGE_IDS)
def test_edges_of_tensors(what, f, inputs, value, slopes, shape):
    leaves = [Tensor(np.full(shape, x)) for x in inputs]
    y = f(*leaves)
    assert y.shape == shape
    y.backward(np.ones(shape))
    same(y.numpy(), np.full(shape, value))
    if slopes is not None:
        for t, slope in zip(leaves, slopes, strict=True):
            same(t.grad, np.full(shape, slope))


@pytest.mark.parametrize("how", ["values", "tensors"])
@pytest.mark.parametrize(("what", "f", "inputs", "value", "slopes"), EDGES, ids=EDGE_IDS)
def test_edges_of_grad(what, f, inputs, value, slopes, how):
    """grad(f) gives what backward() gives, at the edges as well."""
    if slopes is None:
        return
    places = tuple(range(len(inputs)))
    if how == "values":
        same(grad(f, argnums=places)(*inputs), slopes)
    else:
        found = grad(lambda *ts: f(*ts).sum(), argnums=places)(*(np.array([x]) for x in inputs))
        same(np.ravel(found), slopes)


GROUPS = [
    # what                     f                                 input                          value           gradient
    ("max, a tie",             lambda t: t.max(),                [3.0, 1.0, 3.0],               3.0,            [0.5, 0.0, 0.5]),
    ("max, a tie of three",    lambda t: t.max(),                [2.0, 2.0, 2.0],               2.0,            [1 / 3] * 3),
    ("min, a tie",             lambda t: t.min(),                [1.0, 1.0, 3.0],               1.0,            [0.5, 0.5, 0.0]),
    ("max along an axis",      lambda t: t.max(axis=1).sum(),    [[1.0, 1.0], [0.0, 2.0]],      3.0,            [[0.5, 0.5], [0.0, 1.0]]),
    ("max with -inf",          lambda t: t.max(),                [-inf, -inf],                  -inf,           [0.5, 0.5]),
    ("norm at 0",              lambda t: t.norm(),               [0.0, 0.0],                    0.0,            [0.0, 0.0]),
    ("norms, one of them 0",   lambda t: t.norm(axis=1).sum(),   [[0.0, 0.0], [3.0, 4.0]],      5.0,            [[0.0, 0.0], [0.6, 0.8]]),
    ("std of equal numbers",   lambda t: t.std(),                [1.0, 1.0],                    0.0,            [0.0, 0.0]),
    ("var of equal numbers",   lambda t: t.var(),                [1.0, 1.0],                    0.0,            [0.0, 0.0]),
    ("std of one number",      lambda t: t.std(),                [5.0],                         nan,            [nan]),
    ("var of one number",      lambda t: t.var(),                [5.0],                         nan,            [nan]),
    ("prod, one zero",         lambda t: t.prod(),               [0.0, 2.0, 3.0],               0.0,            [6.0, 0.0, 0.0]),
    ("prod, two zeros",        lambda t: t.prod(),               [0.0, 2.0, 0.0],               0.0,            [0.0, 0.0, 0.0]),
    ("prod of rows, zeros",    lambda t: t.prod(axis=1).sum(),   [[0.0, 5.0], [2.0, 3.0]],      6.0,            [[5.0, 0.0], [3.0, 2.0]]),
    ("logsumexp of 1000s",     lambda t: t.logsumexp(),          [1000.0, 1000.0],              1000 + math.log(2), [0.5, 0.5]),
    ("logsumexp of -1000s",    lambda t: t.logsumexp(),          [-1000.0, -1000.0],            math.log(2) - 1000, [0.5, 0.5]),
    ("logsumexp of -infs",     lambda t: t.logsumexp(),          [-inf, -inf],                  -inf,           [nan, nan]),
    ("logsumexp with -inf",    lambda t: t.logsumexp(),          [-inf, 2.0],                   2.0,            [0.0, 1.0]),
    ("softmax of 1000s",       lambda t: t.softmax()[0],         [1000.0, 1000.0],              0.5,            [0.25, -0.25]),
    ("softmax with -inf",      lambda t: t.softmax()[1],         [-inf, 1.0],                   1.0,            [0.0, 0.0]),
    ("log_softmax of 1000s",   lambda t: t.log_softmax()[0],     [1000.0, 0.0],                 0.0,            [0.0, 0.0]),
    ("log_softmax, far down",  lambda t: t.log_softmax()[1],     [1000.0, 0.0],                 -1000.0,        [-1.0, 1.0]),
    ("sum of nothing",         lambda t: t.sum(),                [],                            0.0,            []),
    ("prod of nothing",        lambda t: t.prod(),               [],                            1.0,            []),
    ("mean of nothing",        lambda t: t.mean(),               [],                            nan,            []),
    ("var of nothing",         lambda t: t.var(),                [],                            nan,            []),
    ("norm of nothing",        lambda t: t.norm(),               [],                            0.0,            []),
    ("means of no rows",       lambda t: t.mean(axis=0).sum(),   np.ones((0, 2)),               nan,            np.ones((0, 2))),
    ("where's double use",     lambda t: ops.where(t > 0, ops.where(t > 0, t, 1.0).sqrt(), 0.0).sum(), [4.0, -1.0], 2.0, [0.25, 0.0]),
]  # fmt: skip


@pytest.mark.parametrize("how", ["backward", "grad"])
@pytest.mark.parametrize(("what", "f", "x", "value", "gradient"), GROUPS, ids=[what for what, *_ in GROUPS])
def test_edges_of_reductions(what, f, x, value, gradient, how):
    t = Tensor(x)
    y = f(t)
    same(y.numpy(), value)
    if how == "backward":
        y.backward()
        same(t.grad, gradient, rtol=1e-12)  # exp(1000 - 1000.69) can't be closer
    else:
        same(grad(f)(np.array(x, dtype=float)), gradient, rtol=1e-12)


def test_the_mean_of_equal_numbers_is_that_number():
    """49 × (1 / 49) is 0.9999999999999999: divide, as NumPy and PyTorch do."""
    for n in range(1, 101):
        assert Tensor(np.ones(n)).mean().item() == 1.0, n


def test_plain_numbers_have_the_values_edges():
    """An op on plain numbers computes what it computes for Values: rules run on both."""
    assert ops.log(0.0) == -inf
    assert ops.exp(1000.0) == inf
    assert ops.div(1.0, 0.0) == inf
    assert ops.pow_(0.0, -1) == inf
    with pytest.raises(ValueError, match=r"`log` of \(-1\) is not a real number"):
        ops.log(-1.0)


@pytest.mark.parametrize("name", ["log", "sqrt", "log1p"])
def test_a_value_that_is_not_real_is_refused(name):
    with pytest.raises(ValueError, match=rf"`{name}` of \(-2\) is not a real number.*clip"):
        getattr(Value(-2.0), name)()
    assert math.isnan(getattr(Tensor([-2.0]), name)().numpy()[0])


def test_a_root_of_a_negative_number_is_refused_and_never_complex():
    for f in (lambda x: x**0.5, lambda x: x ** (1 / 3), lambda x: x ** Value(0.5)):
        with pytest.raises(ValueError, match=r"`pow` of \(-8, 0\.\d+\) is not a real number"):
            f(Value(-8.0))
    y = Tensor([-8.0]) ** (1 / 3)
    assert y.dtype == np.float64
    assert math.isnan(y.numpy()[0])


def test_zero_over_zero_is_refused_by_values_and_nan_in_tensors():
    with pytest.raises(ValueError, match=r"`div` of \(0, 0\) is not a real number"):
        Value(0.0) / Value(0.0)
    assert math.isnan((Tensor([0.0]) / Tensor([0.0])).numpy()[0])


def test_clip_with_its_bounds_exchanged_is_refused_or_constant():
    """lo > hi: an error, or (as PyTorch and NumPy) hi wherever x is, so that only hi has a slope."""
    for x in (0.5, 1.5, 2.5):
        v, lo, hi = Value(x), Value(2.0), Value(1.0)
        try:
            y = ops.clip(v, lo, hi)
        except ValueError:
            continue
        y.backward()
        assert (y.data, v.grad, lo.grad, hi.grad) == (1.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    "row", [row for row in TABLE.values() if len(row.rules) == 1 and row.pointwise], ids=lambda r: r.name
)
def test_a_row_keeps_its_dtype_without_axes_and_without_numbers(row, dtype):
    for x in (np.array(0.5, dtype), np.ones(0, dtype), np.full((1, 2), 0.5, dtype)):
        t = Tensor(x)
        y = row(t)
        y.sum().backward()
        assert (y.dtype, y.shape) == (dtype, x.shape)
        assert (t.grad.dtype, t.grad.shape) == (dtype, x.shape)


def test_a_many_row_is_not_pointwise():
    assert all(not row.pointwise for row in ARRAY_TABLE.values())
    assert isinstance(TABLE["sum"], Many)


@pytest.mark.parametrize("x", [-0.5, 0.25])
def test_symbols_have_the_values_of_floats(x):
    sympy = pytest.importorskip("sympy")
    for name in "exp expm1 log1p sin cos tan sinh cosh tanh arctan erfc sigmoid softplus relu step sign abs_".split():
        function = getattr(maths, name)
        assert float(function(sympy.Float(x))) == pytest.approx(function(x), rel=1e-12), name


@pytest.mark.parametrize("kind", [Value, lambda x: Tensor([x])], ids=["Value", "Tensor"])
@pytest.mark.parametrize(
    ("x", "lo", "hi", "slopes"),
    [
        (0.0, 0.0, 1.0, (1.0, 0.0, 0.0)),  # at a bound x counts as inside: the gradient is its, and not the bound's
        (1.0, 0.0, 1.0, (1.0, 0.0, 0.0)),
        (-1.0, 2.0, 2.0, (0.0, 1.0, 0.0)),  # between two equal bounds there is one number: below it, lo; above, hi
        (3.0, 2.0, 2.0, (0.0, 0.0, 1.0)),
        (2.0, 2.0, 2.0, (1.0, 0.0, 0.0)),
    ],
)
def test_who_gets_the_gradient_of_clip_at_its_bounds(kind, x, lo, hi, slopes):
    leaves = [kind(x), kind(lo), kind(hi)]
    ops.clip(*leaves).backward()
    assert tuple(float(np.sum(leaf.grad)) for leaf in leaves) == slopes


@pytest.mark.parametrize("condition", [0.0, 1.0])
def test_a_condition_has_no_slope(condition):
    of_values, of_arrays = Value(condition), Tensor([condition])
    ops.where(of_values, Value(2.0), Value(3.0)).backward()
    ops.where(of_arrays, Tensor([2.0]), Tensor([3.0])).backward()
    assert (of_values.grad, of_arrays.grad.tolist()) == (0.0, [0.0])


def test_functions_of_another_kind_of_number():
    """register() tells where exp, log … of a type of one's own are."""

    class Length(float):
        pass

    maths.register(Length, SimpleNamespace(exp=lambda x: f"exp of {float(x)}"))
    assert ops.exp.forward(Length(2.0)) == "exp of 2.0"


def test_kinks_of_symbols():
    sympy = pytest.importorskip("sympy")
    x = sympy.Symbol("x", real=True)
    for row, values in ((ops.step, (0, 0, 1)), (ops.relu, (0, 0, 2)), (ops.sign, (-1, 0, 1)), (ops.abs_, (1, 0, 2))):
        assert tuple(row.forward(x).subs(x, at) for at in (-1, 0, 2)) == values


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_nan_wins_wherever_it_stands(name):
    row = getattr(ops, name)
    for a, b in ((math.nan, 1.0), (1.0, math.nan), (math.nan, math.nan)):
        assert math.isnan(row(Value(a), Value(b)).data)
        assert math.isnan(row(a, b))
        assert math.isnan(row(Tensor(a), Tensor(b)).item())
