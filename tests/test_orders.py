"""The orders that people propose: each does what its code does, and what is said about it is so."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_plus import Tensor, Value, no_grad
from micrograd_plus.engine.graph import order
from micrograd_plus.engine.ops import TABLE, maximum
from micrograd_plus.explain.orders import wrong_orders

NAMES = ["users first", "recursion", "depth first", "breadth first", "leaves first", "path by path"]


def shared():
    """b is used by d before c, which needs b too: most orders go wrong."""
    a = Value(3.0, label="a")
    b = a * a
    c = b + 1
    d = b * c
    return d, {"b": b, "c": c, "d": d}, (a, b, c, d)


def run_as_written(code, root):
    """The few lines that are shown, run for real on the Values themselves."""
    for node in order(root):
        node.grad = 0.0
    root.grad = 0.0 if "slope" in code else 1.0
    words = {"root": root, "visited": set(), "order": order}
    exec(code, words)
    return {node: node.grad for node in order(root)}


@st.composite
def graphs(draw):
    nodes = [Value(draw(st.floats(-2, 2))) for _ in range(2)]
    for _ in range(draw(st.integers(1, 8))):
        a, b = draw(st.sampled_from(nodes)), draw(st.sampled_from([*nodes, 0.5]))
        kind = draw(st.sampled_from([lambda a, b: a * b, lambda a, b: a + b, maximum, lambda a, b: a.tanh()]))
        nodes.append(kind(a, b))
    return TABLE["sum"](nodes[-3:])


@given(graphs())
@settings(deadline=None)
def test_each_order_gives_what_its_code_gives(root):
    for attempt in wrong_orders(root):
        if attempt.finished:
            for node, g in run_as_written(attempt.code, root).items():
                assert math.isclose(attempt.gradients[node], g, rel_tol=1e-12, abs_tol=1e-12) or g != g


@given(graphs())
@settings(deadline=None)
def test_the_verdicts_are_so(root):
    found = wrong_orders(root)
    root.backward()
    right = {node: node.grad for node in order(root)}
    assert found.right == right
    for attempt in found:
        close = [math.isclose(attempt.gradients[n], g, rel_tol=1e-9, abs_tol=1e-12) for n, g in right.items()]
        assert (attempt.verdict == "wrong") == (not all(close))
        if attempt.too_early is None and attempt.again is None:
            assert not attempt.wrong
        if attempt.name in ("users first", "path by path"):
            assert attempt.verdict.startswith("right")
            assert attempt.too_early is None


def test_where_it_goes_wrong():
    d, names, (a, b, c, _) = shared()
    found = wrong_orders(d, names)
    assert [attempt.name for attempt in found] == NAMES
    assert {attempt.name: (attempt.verdict, attempt.names) for attempt in found} == {
        "users first": ("right", ["d", "c", "b"]),
        "recursion": ("wrong", ["d", "b", "c", "b"]),
        "depth first": ("wrong", ["d", "b", "c"]),
        "breadth first": ("wrong", ["d", "b", "c"]),
        "leaves first": ("wrong", ["b", "c", "d"]),
        "path by path": ("right, but slow", ["d", "b", "c", "b"]),
    }
    recursion = found["recursion"]
    assert (recursion.too_early, recursion.missing, recursion.again) == (b, [c], b)
    assert recursion.wrong == {a: (174.0, 114.0)}
    assert recursion.reason == (
        "b pushes too early: c had not pushed to it yet; b pushes again, and what it had pushed before counts twice"
    )
    assert found["breadth first"].reason == "b pushes too early: c had not pushed to it yet"
    assert found["leaves first"].reason == "b pushes too early: c and d had not pushed to it yet"
    assert found["path by path"].reason == "each path is walked by itself: 4 pushes where 3 are enough"


def test_on_a_tree_the_top_down_orders_are_right_by_luck():
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    found = wrong_orders((a * b).tanh() + 1)
    verdicts = {attempt.name: attempt.verdict for attempt in found}
    assert verdicts == dict.fromkeys(NAMES, "right by luck") | {
        "users first": "right", "leaves first": "wrong", "path by path": "right",
    }  # fmt: skip
    assert "happened to be complete" in found["recursion"].reason


def test_too_early_may_do_no_harm():
    """c passes nothing on (its ReLU is off), so that nobody misses what comes late."""
    a = Value(-3.0, label="a")
    b = a * 2
    d = b + b.relu()
    breadth = wrong_orders(d, {"b": b})["breadth first"]
    assert breadth.verdict == "right by luck"
    assert breadth.too_early is b


def test_visits_that_explode_are_cut_off():
    x = Value(1.0, label="x")
    y = x
    for _ in range(40):
        y = y * 0.5 + y.tanh()
    found = wrong_orders(y, most=500)
    for name in ("recursion", "path by path"):
        assert found[name].verdict == "given up"
        assert len(found[name].order) == 500 + len(order(y))
        assert found[name].reason.startswith("stopped after 621 pushes: each shared node multiplies the visits")
    assert found["depth first"].finished
    assert "621" in str(found)
    assert found["users first"].verdict == "right"


def test_deep_graphs_are_walked_and_the_recursion_limit_is_said():
    y = x = Value(1.0, label="x")
    for _ in range(20_000):
        y = y * 1.0
    found = wrong_orders(y)
    assert found["users first"].verdict == "right"
    assert "20,001 nested calls: Python would stop with a RecursionError" in found["recursion"].reason
    assert "RecursionError" not in found["breadth first"].reason
    assert found["recursion"].gradients[x] == 1.0


def test_it_prints_side_by_side():
    d, names, _ = shared()
    shown = str(wrong_orders(d, names))
    assert shown.startswith("d.backward() in 6 orders: 4 of them fail here\n")
    assert "recursion: wrong\n    def back(v):\n        v._backward()\n" in shown
    assert "  order: d, b, c, b\n" in shown
    table = [line.split() for line in shown.splitlines()[-4:]]
    assert table[0] == ["a.grad", "114", "174", "✗", "60", "✗", "60", "✗", "0", "✗", "114"]
    assert table[3] == ["d.grad", *"111111"]


def test_rows():
    d, names, _ = shared()
    rows = wrong_orders(d, names).rows
    assert [row["node"] for row in rows] == ["a", "b", "c", "d"]
    assert list(rows[0]) == ["node", *NAMES]
    assert rows[0]["recursion"] == 174.0


def test_as_html_everything_is_escaped():
    a = Value(2.0, label="<i>")
    page = wrong_orders(a * a + a)._repr_html_()
    assert "<i>" not in page
    assert "&lt;i&gt;" in page
    assert page.count("<pre") == 6
    assert page.count("monospace") >= 6  # in a page by nbconvert, <pre> alone is in the font of the text


def test_large_graphs_show_what_differs():
    xs = [Value(1.0, label=f"x{i}") for i in range(200)]
    found = wrong_orders(TABLE["sum"](xs) * 2)
    assert len(str(found).splitlines()) < 140


def test_nothing_is_changed():
    d, names, nodes = shared()
    for node in nodes:
        node.grad = 7.0
    str(wrong_orders(d, names))
    assert [node.grad for node in nodes] == [7.0] * 4


def test_bad_input_is_explained():
    d, names, _ = shared()
    with pytest.raises(TypeError, match=r"single numbers.*Tensor of shape \(2,\).*wrong_orders\(loss.to_values\(\)"):
        wrong_orders(Tensor([1.0, 2.0]) * 2)
    with pytest.raises(TypeError, match="a graph is read from its result"):
        wrong_orders(None)
    with pytest.raises(TypeError, match="names is a dict of your variables"):
        wrong_orders(d, "names")
    with pytest.raises(ValueError, match="most is a number of pushes"):
        wrong_orders(d, names, most=-5)
    with pytest.raises(KeyError, match="there is no order 'random': the orders are 'users first'"):
        wrong_orders(d, names)["random"]
    with no_grad():
        untracked = d * 2
    with pytest.raises(RuntimeError, match="nothing that it was made from is tracked"):
        wrong_orders(untracked)
