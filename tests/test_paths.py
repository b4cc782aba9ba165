"""The gradient as a sum over paths: found, counted, added up, and compared with what backward() does."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_plus import Tensor, Value, no_grad
from micrograd_plus.engine.graph import order
from micrograd_plus.engine.ops import TABLE, maximum
from micrograd_plus.explain.paths import paths


def diamond():
    """a reaches d through b, and through b and c."""
    a = Value(3.0, label="a")
    b = a + 1
    c = b * 2
    d = b * c
    return d, a, {"b": b, "c": c, "d": d}


def test_each_path_with_its_slopes_and_product():
    d, a, names = diamond()
    found = paths(d, a, names)
    assert [(p.names, p.slopes, p.product) for p in found] == [
        (["a", "b", "d"], (1, 8.0), 8.0),
        (["a", "b", "c", "d"], (1, 2.0, 4.0), 8.0),
    ]
    assert found.count == len(found) == 2
    assert found.total == found.gradient == 16.0


def test_it_prints_as_a_table():
    d, a, names = diamond()
    assert str(paths(d, a, names)).splitlines() == [
        "2 paths from a to d",
        "path           local slopes  product",
        "a → b → d      1 × 8               8",
        "a → b → c → d  1 × 2 × 4           8",
        "Their sum is 16; backward() finds a.grad = ∂d/∂a = 16.",
        "Path by path: 5 multiplications, for a alone. backward(): 4, one an edge, for all nodes at once.",
    ]
    assert str(paths(d, a, names)[1]) == "a → b → c → d: 1 × 2 × 4 = 8"
    assert paths(d, a, names).rows[0] == {"path": ["a", "b", "d"], "slopes": [1, 8.0], "product": 8.0}


def test_a_node_used_twice_by_one_operation_gives_two_paths():
    a = Value(3.0, label="a")
    found = paths(a + a, a)
    assert found.count == 2
    assert [str(p) for p in found] == ["(first a) → (a + a): 1 = 1", "(second a) → (a + a): 1 = 1"]
    assert [p.positions for p in found] == [(0,), (1,)]
    assert found.gradient == 2.0


@st.composite
def graphs(draw):
    nodes = [Value(draw(st.floats(-2, 2))) for _ in range(2)]
    for _ in range(draw(st.integers(1, 9))):
        a, b = draw(st.sampled_from(nodes)), draw(st.sampled_from([*nodes, 2.0]))
        kind = draw(st.sampled_from([lambda a, b: a * b, lambda a, b: a + b, maximum, lambda a, b: a.tanh()]))
        nodes.append(kind(a, b))
    return TABLE["sum"](nodes[-3:])


@given(graphs())
@settings(deadline=None)
def test_the_sum_over_paths_is_the_gradient(root):
    """For every node, not for leaves alone."""
    nodes = order(root)
    root.backward()
    for node in nodes:
        found = paths(root, node, most=10_000)
        assert found.gradient == (node.grad if node.op is not None or node.grad else 0.0)
        assert math.isclose(found.total, node.grad, rel_tol=1e-9, abs_tol=1e-9)
        assert math.isclose(paths(root, node, most=0).total, node.grad, rel_tol=1e-9, abs_tol=1e-9)
        assert len(found) == found.count
        routes = {tuple(zip(map(id, p.nodes), [*p.positions, None], strict=True)) for p in found}
        assert len(routes) == found.count
        assert found.multiplications == sum(len(p.slopes) for p in found)
    for p in found:
        assert p.nodes[-1] is root
        for x, user, i, slope in zip(p.nodes, p.nodes[1:], p.positions, p.slopes, strict=False):
            assert user.operands[i] is x
            assert user.slopes[i] == slope


def test_too_many_paths_are_counted_exactly_and_not_listed():
    a = Value(1.0, label="a")
    x = a
    for _ in range(200):
        x = x + x
    found = paths(x, a, {"x": x})
    assert found.count == 2**200
    assert found.multiplications == 200 * 2**200
    assert found.edges == 400
    assert list(found) == found.rows == []
    assert found.total == found.gradient == 2.0**200
    assert str(found).startswith("about 1.6 × 10^60 paths from a to x, too many to list\nTheir sum is 1.607e+60;")
    assert "Path by path: about 3.2 × 10^62 multiplications, for a alone. backward(): 400, one" in str(found)


def test_a_number_with_thousands_of_digits_can_be_printed():
    a = Value(1.0, label="a")
    x = a
    for _ in range(20_000):
        x = (x + x) * 0.5
    assert "about 4.0 × 10^6020 paths" in str(paths(x, a))


def test_most_says_how_many_to_list():
    d, a, names = diamond()
    assert len(paths(d, a, names, most=2)) == 2
    assert len(paths(d, a, names, most=1)) == 0
    assert paths(d, a, names, most=1).total == 16.0


def test_only_ways_to_the_leaf_are_walked():
    """The other leaf can be reached on 2**60 ways: they don't matter for a."""
    a, x = Value(2.0, label="a"), Value(1.0)
    for _ in range(60):
        x = x + x
    found = paths(a * x, a)
    assert found.count == 1
    assert found.gradient == 2.0**60


def test_a_leaf_that_is_not_in_the_graph():
    d, _, names = diamond()
    other = Value(1.0, label="other")
    found = paths(d, other, names)
    assert (found.count, found.gradient, found.total, len(found)) == (0, 0.0, 0.0, 0)
    assert str(found) == "No path from other to d: d was not made from other. So the gradient is 0."
    assert "No path from other" in found._repr_html_()


def test_a_leaf_that_is_not_tracked():
    a, b = Value(2.0, label="a"), Value(3.0, label="b", requires_grad=False)
    found = paths(a * b, b)
    assert found.count == 0
    assert found.gradient == 0.0
    assert "b has requires_grad=False, so nothing is tracked through it" in str(found)


def test_the_root_itself():
    a = Value(2.0, label="a")
    found = paths(a, a)
    assert (found.count, found.total, found.gradient, found.multiplications) == (1, 1.0, 1.0, 0)


def test_a_deep_path():
    a = Value(1.0, label="a")
    x = a
    for _ in range(50_000):
        x = x * 1.0
    found = paths(x, a)
    assert len(found[0].nodes) == 50_001
    assert "… 49,993 more …" in str(found)
    assert len(str(found)) < 1000


def test_nothing_is_changed():
    d, a, names = diamond()
    a.grad = 5.0
    str(paths(d, a, names))
    assert a.grad == 5.0
    assert d.grad == 0.0


def test_as_html_everything_is_escaped():
    a = Value(2.0, label="<b>")
    page = paths(a * 3, a)._repr_html_()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_bad_input_is_explained():
    d, a, _ = diamond()
    with pytest.raises(TypeError, match=r"this is a Tensor of shape \(2,\): open it into Values.*to_values"):
        paths(Tensor([1.0, 2.0]) * 2, a)
    with pytest.raises(TypeError, match="the leaf must be a Value of the graph, got Tensor"):
        paths(d, Tensor(1.0))
    with pytest.raises(TypeError, match="the leaf must be a Value of the graph, got str 'a'"):
        paths(d, "a")
    with pytest.raises(TypeError, match="a graph is read from its result"):
        paths(2.0, a)
    with pytest.raises(ValueError, match="most is how many paths to list, a whole number from 0 on; got -1"):
        paths(d, a, most=-1)
    with pytest.raises(ValueError, match=r"got 1.5"):
        paths(d, a, most=1.5)
    with no_grad():
        untracked = a * 2
    with pytest.raises(RuntimeError, match="nothing that it was made from is tracked"):
        paths(untracked, a)
    x = Tensor([1.0, 2.0])
    leaves = {}
    opened = (x * x).sum().to_values(leaves)
    assert paths(opened, leaves[x][0]).gradient == 2.0
