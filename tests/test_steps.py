"""The backward pass step by step: the same numbers as backward(), in the same order, in words that are right."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_plus as mg
from micrograd_plus import Tensor, Unary, Value, nn, no_grad, tanh
from micrograd_plus.engine import array_ops, maths
from micrograd_plus.engine.array_ops import ARRAY_TABLE
from micrograd_plus.engine.graph import Op, order
from micrograd_plus.engine.ops import TABLE, maximum, relu
from micrograd_plus.explain.pull_backs import PULL_BACKS
from micrograd_plus.explain.reading import Reading
from micrograd_plus.explain.slopes import slope_formula
from micrograd_plus.explain.steps import walkthrough
from micrograd_plus.explain.tables import table_html
from micrograd_plus.explain.trace import trace_backward
from micrograd_plus.nn import losses


def small_graph():
    """w is used twice; the graph of the sentences in the docstrings."""
    w = Value(2.0, label="w")
    x = Value(3.0, label="x")
    t = w * x
    d = t + w
    return d, {"t": t, "d": d}, w, x, t


# ---- the same gradients as backward ---------------------------------------------------------------------------


OF_VALUES = [
    lambda a, b: a + b, lambda a, b: a * b, lambda a, b: b - a, lambda a, b: a.tanh(), lambda a, b: relu(a), maximum,
    lambda a, b: TABLE["sum"]([a, b, a]), lambda a, b: TABLE["clip"](a, -1, b),
]  # fmt: skip


@st.composite
def scalar_graphs(draw):
    """A root made of random operations on Values and numbers, nodes used any number of times."""
    numbers = st.floats(-2, 2, allow_nan=False)
    nodes = [Value(draw(numbers), requires_grad=i == 0 or draw(st.booleans())) for i in range(draw(st.integers(1, 4)))]
    for _ in range(draw(st.integers(1, 12))):
        a, b = draw(st.sampled_from(nodes)), draw(st.sampled_from([*nodes, 0.5, 2]))
        nodes.append(draw(st.sampled_from(OF_VALUES))(a, b))
    return TABLE["sum"]([*nodes[-3:], nodes[0]])


@given(scalar_graphs(), st.floats(-3, 3))
@settings(deadline=None, max_examples=200)
def test_replaying_the_records_gives_exactly_the_gradients_of_backward(root, gradient):
    replayed = trace_backward(root, gradient=gradient).replay()
    root.backward(gradient)
    assert set(replayed) == set(order(root))
    for node, g in replayed.items():
        assert g == node.grad or (math.isnan(g) and math.isnan(node.grad))


OF_TENSORS = [
    lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a.tanh(), lambda a, b: relu(a) - b, lambda a, b: a.softmax(),
    lambda a, b: a.mT.mT if a.ndim > 1 else a.flip(), lambda a, b: a.sum(axis=-1, keepdims=True) + b,
    lambda a, b: a[..., [0, 0, 2]], lambda a, b: a.reshape(-1).reshape(a.shape), lambda a, b: a / (1 + b * b),
    lambda a, b: (a @ b.reshape(-1)[:3])[..., None] + b, lambda a, b: b.sum() * a,
]  # fmt: skip


@st.composite
def tensor_graphs(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    x = Tensor(rng.normal(size=(4, 3)).astype(dtype))
    nodes = [x, Tensor(rng.normal(size=3).astype(dtype)), Tensor(rng.normal(size=(4, 3)), requires_grad=False)]
    for _ in range(draw(st.integers(1, 8))):
        made = draw(st.sampled_from(OF_TENSORS))(draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes)))
        nodes.append(made)
    return (nodes[-1] * x + nodes[len(nodes) // 2]).mean()


@given(tensor_graphs())
@settings(deadline=None, max_examples=100)
def test_replaying_gives_exactly_the_gradients_of_tensors(root):
    replayed = trace_backward(root).replay()
    root.backward()
    for node, g in replayed.items():
        if node.grad is None or not node.requires_grad:
            assert g is None
        else:
            assert np.array_equal(g, node.grad)
            assert np.asarray(g).dtype == node.grad.dtype


def test_a_trained_network_and_its_fused_loss():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    loss = nn.functional.cross_entropy(model(np.arange(12.0).reshape(4, 3) / 6), np.array([0, 1, 1, 0]))
    replayed = trace_backward(loss).replay()
    loss.backward()
    for p in model.parameters():
        assert np.array_equal(replayed[p], p.grad)
        assert p.grad.any()


def test_the_records_come_in_the_engines_order():
    """Each node pushes once, after all its users, operand by operand."""
    d, _, w, x, t = small_graph()
    found = [(r.node, r.input, r.position) for r in trace_backward(d)]
    assert found == [(d, t, 0), (d, w, 1), (t, w, 0), (t, x, 1)]
    e = (d * t + d).exp() * w
    nodes = [r.node for r in trace_backward(e)]
    once = list(dict.fromkeys(nodes))
    assert once == [node for node in reversed(order(e)) if node.op is not None]


def test_each_record_holds_its_numbers():
    d, _, w, _, _ = small_graph()
    r = [r for r in trace_backward(d, gradient=0.5) if r.input is w][1]
    assert (r.upstream, r.slope, r.product, r.before, r.after, r.arrival) == (0.5, 3.0, 1.5, 0.5, 2.0, 2)


def test_each_record_goes_on_where_the_last_one_stopped():
    d, _, w, x, _ = small_graph()
    e = d * w + x * w
    now = {}
    for r in trace_backward(e):
        assert r.before == now.get(r.input, 0.0)
        assert r.after == r.before + r.product
        now[r.input] = r.after


def test_nothing_of_the_learners_is_changed():
    d, names, w, x, t = small_graph()
    seen = []
    w.register_hook(seen.append)
    for node in (w, x, t, d):
        node.grad = 7.0
    list(map(str, walkthrough(d, names)))
    assert [node.grad for node in (w, x, t, d)] == [7.0] * 4
    assert [node.data for node in (w, x, t, d)] == [2.0, 3.0, 6.0, 8.0]
    assert not seen


def test_nothing_of_a_tensor_is_changed():
    x = Tensor([1.0, 2.0], label="x")
    held = x.data
    y = (x * 2).sum()
    x.grad = np.array([5.0, 5.0])
    str(trace_backward(y)), str(walkthrough(y))
    assert x.grad.tolist() == [5.0, 5.0]
    assert y.grad is None
    held[0] = 9.0  # the learner's own array can still be written to
    assert x.data is held


def test_before_and_after_backward_it_is_the_same():
    d, names, *_ = small_graph()
    before = str(trace_backward(d, names))
    d.backward()
    assert str(trace_backward(d, names)) == before


def test_slopes_are_those_of_the_forward_pass():
    d, names, w, x, _ = small_graph()
    x.data = 100.0
    r = next(r for r in trace_backward(d, names) if r.input is w and r.position == 0)
    assert r.slope == 3.0
    assert r.formula == "∂t/∂w = 3, taken in the forward pass (.data was changed since)"
    assert walkthrough(d, names)[0].sentence == "t = w*x = 6 (.data was changed since this was computed)"


def test_numbers_receive_nothing():
    a, b = Value(2.0), Value(3.0, requires_grad=False)
    assert [r.input for r in trace_backward(a * 5 + b)][1:] == [a]


def test_before_starts_from_zero_for_arrays():
    x = Tensor([1.0, 2.0])
    with np.errstate(all="ignore"):
        first = trace_backward((x / np.array([0.0, 1.0])).sum())[-1]
    assert first.before.tolist() == [0.0, 0.0]
    assert first.after.tolist() == [math.inf, 1.0]


# ---- words ----------------------------------------------------------------------------------------------------


def test_the_sentences_of_a_small_graph():
    d, names, *_ = small_graph()
    assert [(s.phase, s.sentence) for s in walkthrough(d, names)] == [
        ("forward", "t = w*x = 2 × 3 = 6"),
        ("forward", "d = t + w = 6 + 2 = 8"),
        ("seed", "d.grad = 1: d answers to itself one to one"),
        ("backward", "t.grad += ∂d/∂t × d.grad = 1 × 1 = 1"),
        ("backward", "w.grad += ∂d/∂w × d.grad = 1 × 1 = 1"),
        ("backward", "w.grad += ∂t/∂w × t.grad = 3 × 1 = 3 (second path: gradients add up to 4)"),
        ("backward", "x.grad += ∂t/∂x × t.grad = 2 × 1 = 2"),
    ]


def test_a_given_gradient_is_said():
    d, names, *_ = small_graph()
    told = walkthrough(d, names, gradient=0.5)
    assert told[2].sentence == "d.grad = 0.5: the gradient that backward was given to start from"
    assert "= 3 × 0.5 = 1.5 (second path" in told[5].sentence


def test_an_operand_used_twice_has_two_edges():
    a = Value(3.0, label="a")
    first, second = trace_backward(a + a)
    assert (first.position, second.position) == (0, 1)
    assert first.sentence == "a.grad += ∂(a + a)/∂(first a) × (a + a).grad = 1 × 1 = 1"
    assert second.sentence.endswith("∂(second a) × (a + a).grad = 1 × 1 = 1 (second path: gradients add up to 2)")


@pytest.mark.parametrize(
    ("make", "formulas"),
    [
        (lambda a, b: a * b, ["∂y/∂a = b = -3", "∂y/∂b = a = 2"]),
        (lambda a, b: a - b, ["∂y/∂a = 1", "∂y/∂b = -1"]),
        (lambda a, b: a / b, ["∂y/∂a = 1/b = -0.3333", "∂y/∂b = -y/b = -0.2222"]),
        (lambda a, b: a**2, ["∂y/∂a = 2*a = 4"]),
        (lambda a, b: a**3, ["∂y/∂a = 3*a**2 = 12"]),
        (lambda a, b: a**b, ["∂y/∂a = b*a**(b - 1) = -0.1875", "∂y/∂b = y*log(a) = 0.08664"]),
        (lambda a, b: tanh(a), ["∂y/∂a = 1 - y*y = 0.07065"]),
        (lambda a, b: relu(b), ["∂y/∂b = step(b) = 0"]),
        (lambda a, b: maximum(a, b), ["∂y/∂a = 1", "∂y/∂b = 0"]),
        (lambda a, b: TABLE["leaky_relu"](b, 0.1), ["∂y/∂b = 0.1"]),
        (lambda a, b: TABLE["sum"]([a, b, 1.0]), ["∂y/∂a = 1", "∂y/∂b = 1"]),
        (lambda a, b: losses.squared_error(a, 0.5), ["∂y/∂a = 2*(a - 0.5) = 3"]),
    ],
)
def test_slopes_are_written_in_the_learners_names(make, formulas):
    """Only the branch of a rule that was taken is written."""
    a, b = Value(2.0), Value(-3.0)
    y = make(a, b)
    assert [r.formula for r in trace_backward(y, {"a": a, "b": b, "y": y})] == formulas


def test_formulas_of_unnamed_parts_have_the_brackets_they_need():
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    formula = trace_backward((a + b) * tanh(a * b))[1].formula
    assert formula.startswith("∂((a + b)*tanh(a*b))/∂tanh(a*b) = a + b = 5")
    assert trace_backward(tanh(a + b))[0].formula.startswith("∂tanh(a + b)/∂(a + b) = 1 - tanh(a + b)*tanh(a + b)")
    assert trace_backward(Value(4.0) * a)[0].formula == "∂(4*a)/∂(4) = a = 2"


ROWS = [op for op in [*TABLE.values(), *vars(losses).values()] if isinstance(op, Op) and op.pointwise]


@pytest.mark.parametrize("op", dict.fromkeys(ROWS), ids=lambda op: op.name)
@pytest.mark.parametrize("at", [(0.3, 0.6, 0.8), (0.7, 0.2, 0.5)])
def test_every_row_tells_its_slope_and_the_text_is_the_slope(op, at):
    xs = [Value(x) for x in at[: op.arity]]
    y = op(*xs)
    if y.op is None:
        return
    names = {"y": y} | dict(zip("abc", xs, strict=False))
    words = vars(maths.floats) | names | {k: v.data for k, v in names.items()}
    for r in trace_backward(y, names):
        _, *texts = r.formula.split(" = ")
        assert 1 <= len(texts) <= 2
        assert float(texts[-1]) == pytest.approx(r.slope, rel=1e-3)
        assert eval(texts[0], words) == pytest.approx(r.slope, rel=1e-3)


def test_a_rule_that_cant_be_read_says_its_number_alone():
    def slope(y, x):
        if x.__class__ is not float:
            raise RuntimeError("numbers only")
        return 2.5

    odd = Unary("odd", lambda x: 2.5 * float(x), slope)
    x = Value(1.0, label="x")
    assert trace_backward(odd(x))[0].formula == "∂odd(x)/∂x = 2.5, the local slope"
    assert walkthrough(odd(x))[0].sentence == "odd(x) = 2.5"


def formula_of(node, i=0):
    return slope_formula(node, i, Reading(node))


def test_an_operand_that_is_not_tracked_has_a_formula_and_no_number():
    x, w = Value(2.0, label="x", requires_grad=False), Value(3.0, label="w")
    assert formula_of(x * w) == "∂(x*w)/∂x = w"
    assert formula_of(x * w, 1) == "∂(x*w)/∂w = x = 2"


def test_formulas_of_arrays():
    x, w = Tensor([1.0, 2.0], label="x"), Tensor([3.0, 4.0], label="w")
    assert formula_of(x * w) == "∂(x*w)/∂x = w"  # no number: there are two
    assert formula_of(x[0] * 5) == "∂(x[…]*5)/∂x[…] = 5"
    assert formula_of(Tensor(0.0, label="t").exp()) == "∂exp(t)/∂t = exp(t) = 1"
    assert formula_of(x.sum()) == "∂sum(x)/∂x: a pull-back"


def test_a_sum_of_hundreds_has_a_formula_for_each():
    xs = [Value(float(i), label=f"x{i}") for i in range(200)]
    assert formula_of(mg.sum(xs), 7).endswith("/∂x7 = 1")


def test_why_nothing_passes():
    x = Value(-2.0, label="x")
    off = x.relu()
    y = (off * 3).exp()
    told = [r.sentence for r in trace_backward(y, {"off": off})]
    assert told[-1] == "x.grad += ∂off/∂x × off.grad = 0 × 3 = 0 (the ReLU is off: nothing passes)"
    told = trace_backward(maximum(x, 1.0) * x, {})
    assert "maximum(x, 1) does not change with x here: nothing passes" in told[-1].sentence
    later = trace_backward((x * 2).relu() + x)
    assert later[-1].sentence.endswith("= 2 × 0 = 0 (nothing arrives at (x*2), so nothing passes; "
                                       "second path: gradients add up to 1)")  # fmt: skip
    assert "tanh is nearly flat here: little passes" in trace_backward((x * 5).tanh())[0].sentence
    assert trace_backward(x.tanh())[0].sentence.endswith("= 0.07065 × 1 = 0.07065")


def test_minus_zero_is_written_as_zero():
    x = Value(-2.0, label="x")
    assert "-0" not in str(trace_backward(x.relu() * -1.0 * x))


def test_forward_sentences():
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    tell = lambda y, names=None: next(s.sentence for s in reversed(walkthrough(y, names)) if s.phase == "forward")
    assert tell(a * b) == "a*b = 2 × -3 = -6"
    y = a.tanh()
    assert tell(y, {"y": y}) == "y = tanh(a) = tanh(2) = 0.964"
    assert tell(a**2) == "a**2 = 2**2 = 4"
    assert tell(TABLE["sum"]([a, b, 1])) == "sum(a, b, 1) = 2 + -3 + 1 = 0"
    assert tell(Value(0.0, label="z") + a) == "z + a = 0 + 2 = 2"
    assert tell(Value(2.0) * Value(5.0)) == "2*5 = 10"
    assert tell(losses.squared_error(a, 5.0)) == "squared_error(a, 5) = (2 - 5) × (2 - 5) = 9"
    long = tell(TABLE["sum"]([Value(1.5) for _ in range(100)]))
    assert long.endswith("= 150")
    assert len(long) < 60


def test_sentences_of_arrays():
    x = Tensor(np.ones((4, 3)), label="x")
    W = Tensor(np.ones((3, 2)), label="W")
    b = Tensor(np.ones(2), label="b")
    h = x @ W + b
    loss = h.tanh().mean()
    told = [s.sentence for s in walkthrough(loss, {"h": h, "loss": loss})]
    assert "x@W: shape (4, 3) @ (3, 2) → (4, 2)" in told
    assert "loss = mean(tanh(h)): shape (4, 2) → () = 0.9993" in told
    assert "loss.grad = 1: loss answers to itself one to one" in told
    assert "tanh(h).grad += loss.grad / 8, repeated, shape (4, 2) (each of 8 numbers counts 1/8 in a mean)" in told
    assert any(s.startswith("h.grad += ∂tanh(h)/∂h × tanh(h).grad, number by number, shape (4, 2)") for s in told)
    assert any(s.startswith("W.grad += x.mT @ (x@W).grad, shape (3, 2) (") for s in told)
    assert any(s.startswith("x.grad += (x@W).grad @ W.mT, shape (4, 3) (") for s in told)
    assert told[-1] == (
        "b.grad += the sum of expand(b).grad over the batch (axis 0), shape (2,) "
        "(because b was repeated (expand): each copy's gradient counts)"
    )


def test_two_layers_are_told_apart():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    told = " ".join(r.sentence for r in trace_backward(model(np.ones((5, 3))).sum(), {"model": model}))
    assert "0.weight.grad += " in told
    assert "1.weight.grad += " in told


@pytest.mark.parametrize("op", ARRAY_TABLE.values(), ids=ARRAY_TABLE)
def test_every_row_of_arrays_has_words(op):
    assert op.name in PULL_BACKS


def test_every_word_about_arrays_can_be_filled_in():
    x = Tensor(np.arange(1.0, 7).reshape(2, 3), label="x")
    made = [
        x.sum(0), x.mean(1), x.max(0), x.min(1), x.prod(1), x.cumsum(0), x.var(0), x.std(1), x.norm(0),
        x.logsumexp(0), x.softmax(0), x.log_softmax(1), x.reshape(6), x.permute(1, 0), x.flip(0), x[0], x.pad(1),
        x.astype(np.float32), x.expand(4, 2, 3), array_ops.concatenate([x, x], axis=0, starts=(0, 2, 4)),
        array_ops.stack([x, x], axis=0), TABLE["sum"]([x, x]), nn.functional.mse_loss(x, np.ones((2, 3))),
        nn.functional.cross_entropy(x, np.array([0, 2])),
    ]  # fmt: skip
    for y in made:
        told = trace_backward(y, gradient=np.ones(y.shape))[0].sentence
        assert told.startswith("x.grad += ")
        assert ".grad" in told.partition("+=")[2]
        assert not re.search(r"[{}]|None", told)


# ---- steps ------------------------------------------------------------------------------------------------------


def test_each_step_says_what_stands_where():
    d, names, w, _, t = small_graph()
    walk = walkthrough(d, names)
    assert [s.texts for s in walk[:3]] == [{(t, "data"): "6"}, {(d, "data"): "8"}, {(d, "grad"): "1"}]
    assert walk[5].texts == {(w, "grad"): "4"}
    assert (walk[5].node, walk[5].input, walk[5].position) == (t, w, 0)
    assert walk[5].record.slope == 3.0
    assert walk[0].record is walk[0].input is walk[0].position is None


def test_the_texts_end_as_the_gradients_that_backward_finds():
    for per in ("edge", "node"):
        shown = {}
        d, names, *_ = small_graph()
        for step in walkthrough(d * d.tanh(), names, per=per):
            shown |= step.texts
        root = step.records[0].reading.root
        root.backward()
        for node in order(root):
            assert shown[node, "grad"] == f"{node.grad:.4g}"


def test_edges_are_grouped_by_node_where_there_are_many():
    d, names, w, x, t = small_graph()
    grouped = [s for s in walkthrough(d, names, per="node") if s.phase == "backward"]
    assert [s.node for s in grouped] == [d, t]
    assert grouped[1].sentence == "t passes its gradient 1 on: w.grad += 3 × 1 = 3; x.grad += 2 × 1 = 2"
    assert grouped[1].texts == {(w, "grad"): "4", (x, "grad"): "2"}
    assert grouped[1].record is None
    y = w
    for _ in range(30):
        y = y * x
    walk = walkthrough(y)
    assert all(len(s.records) == 2 for s in walk if s.phase == "backward")
    assert len(walkthrough(y, per="edge")) == len(walk) + 30
    wide = [s for s in walkthrough(TABLE["sum"]([Value(1.0) for _ in range(80)])) if s.phase == "backward"]
    assert len(wide) == 1
    assert wide[0].sentence.endswith("and 74 more")


def test_a_leaf_alone_has_only_its_seed():
    a = Value(2.0, label="a")
    assert [s.phase for s in walkthrough(a)] == ["seed"]
    assert trace_backward(a).replay() == {a: 1.0}


# ---- how it is shown --------------------------------------------------------------------------------------------


def test_it_prints_as_a_table():
    d, names, *_ = small_graph()
    assert str(trace_backward(d, names)).splitlines() == [
        "Backward from d, d.grad = 1: 4 steps",
        "step  from  to  upstream  slope  product  before  after  local slope",
        "   1  d     t          1      1        1       0      1  ∂d/∂t = 1",
        "   2  d     w          1      1        1       0      1  ∂d/∂w = 1",
        "   3  t     w          1      3        3       1      4  ∂t/∂w = x = 3",
        "   4  t     x          1      2        2       0      2  ∂t/∂x = w = 2",
    ]


def test_as_html_everything_is_escaped():
    a = Value(2.0, label="<script>alert(1)</script>")
    page = trace_backward(a * 3)._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<tr>") == 2
    assert "<p>a &lt; b</p>" in table_html("t", ["h"], [["c"]], ["a < b"])


def test_rows_for_pandas():
    d, names, *_ = small_graph()
    trace = trace_backward(d, names)
    assert len(trace) == len(trace.rows) == 4
    assert trace.rows[2] == {
        "step": 3, "node": "t", "input": "w", "position": 0, "upstream": 1.0, "slope": 3.0,
        "formula": "∂t/∂w = x = 3", "product": 3.0, "before": 1.0, "after": 4.0, "sentence": trace[2].sentence,
    }  # fmt: skip
    pandas = pytest.importorskip("pandas")
    assert pandas.DataFrame(trace.rows)["product"].tolist() == [1.0, 1.0, 3.0, 2.0]


def test_a_deep_chain():
    x = Value(1.0, label="x")
    y = x
    for _ in range(100_000):
        y = y * 1.00001
    trace = trace_backward(y)
    assert len(trace) == 100_000
    shown = str(trace)
    assert shown.endswith("… and 99,940 more: .rows has them all")
    assert trace._repr_html_().count("<tr>") == 61
    y.backward()
    assert trace.replay()[x] == x.grad


# ---- what can't be told -----------------------------------------------------------------------------------------


def test_bad_input_is_explained():
    a = Value(2.0)
    with pytest.raises(TypeError, match="a graph is read from its result, a Value or a Tensor; got float 3"):
        trace_backward(3.0)
    with pytest.raises(TypeError, match="names is a dict of your variables"):
        walkthrough(a * 2, ["a"])
    with pytest.raises(ValueError, match="per must be 'edge', 'node' or 'auto', got 'step'"):
        walkthrough(a * 2, per="step")
    with pytest.raises(TypeError, match="gradient"):
        trace_backward(a * 2, gradient="big")
    with no_grad():
        untracked = a * 2
    with pytest.raises(RuntimeError, match="nothing that it was made from is tracked"):
        trace_backward(untracked)
    with pytest.raises(ValueError, match=r"has shape \(2,\): reduce it first"):
        trace_backward(Tensor([1.0, 2.0]) * 2)
    with pytest.raises(ValueError, match="gradient has shape"):
        trace_backward(Tensor([1.0, 2.0]) * 2, gradient=[1.0, 2.0, 3.0])
