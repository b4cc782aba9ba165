"""Names: what a graph's nodes are called, and how the local slope of an arrow is written."""

import pytest

from micrograd_plus import Tensor, Value, concatenate, nn, where
from micrograd_plus import sum as sum_
from micrograd_plus.explain.reading import LONGEST, Reading, number_text
from micrograd_plus.explain.slopes import slope_formula


def named(root, **names):
    """What the root is called where its operands have these names."""
    return Reading(root, names).name(root)


# ---- names ----------------------------------------------------------------------------------------------------------


def test_a_label_comes_before_a_variable_and_a_variable_before_an_expression():
    a, b = Value(2.0, label="first"), Value(3.0)
    c = a * b
    reading = Reading(c + 1, {"a": a, "b": b})
    assert [reading.name(node) for node in reading.nodes] == ["first", "b", "first*b", "first*b + 1"]
    assert reading.is_named(a)
    assert not reading.is_named(c)


def test_nodes_are_found_in_lists_dicts_and_what_is_nested():
    values = [Value(float(i)) for i in range(5)]
    names = {"w": values[:2], "layers": {"last": [(values[2],)]}, "pair": (values[3],), "alone": values[4]}
    reading = Reading(sum_(values), names)
    assert [reading.name(v) for v in values] == ["w[0]", "w[1]", "layers['last'][0][0]", "pair[0]", "alone"]


def test_of_a_long_list_only_leaves_are_called_by_their_places():
    leaves = [Value(float(i)) for i in range(21)]
    made = [leaf * 2 for leaf in leaves]
    reading = Reading(sum_(made), {"x": leaves, "h": made})
    assert (reading.name(leaves[20]), reading.name(made[20])) == ("x[20]", "x[20]*2")
    assert Reading(sum_(made), {"h": made[:20]}).name(made[3]) == "h[3]"
    nested = [made[k : k + 1] for k in range(21)]
    assert not Reading(sum_(made), {"h": nested}).is_named(made[3])


def test_two_nodes_with_one_label_are_numbered_from_left_to_right():
    w, v, b = Value(1.0, label="w"), Value(2.0, label="w"), Value(3.0, label="b")
    reading = Reading(w * b + v)
    assert [reading.name(node) for node in (w, v, b)] == ["w (1)", "w (2)", "b"]
    assert reading.name(reading.root) == "w (1)*b + w (2)"


def test_a_very_long_label_is_shortened_and_what_no_file_can_hold_replaced():
    a, b = Value(1.0, label="x" * 500), Value(1.0, label="half \ud800")
    reading = Reading(a * b)
    assert reading.name(a) == "x" * 199 + "…"
    assert reading.name(b) == "half \N{REPLACEMENT CHARACTER}"


def test_a_variable_of_its_own_comes_before_a_place_in_a_list():
    a = Value(1.0)
    assert Reading(a * 2, {"everything": [a], "a": a}).name(a) == "a"


def test_a_notebooks_own_variables_name_nothing():
    a = Value(1.0)
    assert Reading(a * 2, {"_12": a, "Out": {3: a}, "In": [a], "a": a}).name(a) == "a"
    assert not Reading(a * 2, {"_": a, "Out": {3: a}}).is_named(a)


def test_a_list_inside_itself_ends():
    a = Value(1.0)
    endless = [a]
    endless.append(endless)
    assert Reading(a * 2, {"endless": endless}).name(a) == "endless[0]"


def test_names_that_belong_to_nothing_in_the_graph_do_no_harm():
    a = Value(1.0)
    names = {"other": Value(2.0), "x": 3, "f": len, "cls": nn.Module, "t": Tensor([1.0]), 5: "five"}
    assert named(a * 2, **{str(k): v for k, v in names.items()}, a=a) == "a*2"
    assert Reading(a, {5: a}).name(a) == "5"


@pytest.mark.parametrize("root", [3, "loss", [Value(1.0)], None])
def test_only_a_node_can_be_read(root):
    with pytest.raises(TypeError, match=f"a Value or a Tensor; got {type(root).__name__}"):
        Reading(root)


def test_names_must_be_a_dict():
    with pytest.raises(TypeError, match=r"such as locals\(\); got list"):
        Reading(Value(1.0), ["a"])


def test_a_label_that_nobody_can_see_is_none_and_one_that_is_no_text_is_written():
    blank, number = Value(2.0, label=" \n"), Value(3.0, label=7)
    reading = Reading(blank * number)
    assert (reading.name(blank), reading.name(number)) == ("2", "7")


# ---- parameters -----------------------------------------------------------------------------------------------------


def test_a_parameter_has_its_path_and_inside_its_module_its_own_name():
    model = nn.MLP(2, [2, 1], seed=0)
    w = model.layers[0].neurons[1].w[0]
    reading = Reading(model([1.0, 2.0]), {"model": model})
    assert (reading.name(w), reading.short_name(w), reading.kind(w)) == ("layers.0.neurons.1.w.0", "w0", "parameter")


def test_parameters_are_known_without_any_names():
    model = nn.Linear(2, 1)
    assert Reading(model(Tensor([[1.0, 2.0]]))).kind(model.weight) == "parameter"


def test_the_parameters_of_two_models_are_told_apart():
    a, b = nn.Sequential(nn.Linear(1, 1)), nn.Sequential(nn.Linear(1, 1))
    reading = Reading(b(a(Tensor([[1.0]]))), {"A": a, "B": b})
    weights = [reading.name(model[0].weight) for model in (a, b)]
    assert weights == ["A.0.weight", "B.0.weight"]
    assert set(reading.modules) == {"A", "B"}


def test_models_without_a_name_are_counted():
    a, b = nn.Linear(1, 1), nn.Linear(1, 1)
    assert set(Reading(b(a(Tensor([[1.0]])))).modules) == {"model 1", "model 2"}
    assert set(Reading(a(Tensor([[1.0]]))).modules) == {""}


def test_a_model_of_which_only_the_weights_are_used_is_found_by_name():
    model = nn.MLP(2, [1], seed=0)
    penalty = sum(p * p for p in model.parameters())
    assert Reading(penalty, {"model": model}).modules == {"model": model}
    assert Reading(penalty, {}).modules == {}


def test_a_twins_parameters_are_called_within_their_module():
    twin = nn.Sequential(nn.Linear(2, 1)).scalar_twin()
    y = twin([[1.0, 2.0]]).values[0, 0]
    reading = Reading(y, {"twin": twin})
    assert {reading.short_name(p) for p in reading.parameters} == {"weight[0,0]", "weight[0,1]", "bias[0]"}


def test_kinds():
    a = Value(1.0)
    b = a * 2
    c = b + 1
    reading = Reading(c)
    assert [reading.kind(node) for node in (a, b, c)] == ["input", "op", "output"]
    assert Reading(a).kind(a) == "input"


# ---- expressions ----------------------------------------------------------------------------------------------------


def test_brackets_stand_only_where_they_are_needed():
    a, b, c = Value(2.0, label="a"), Value(3.0, label="b"), Value(4.0, label="c")
    assert named(a + b * c) == "a + b*c"
    assert named((a + b) * c) == "(a + b)*c"
    assert named(a - (b - c)) == "a - (b - c)"
    assert named(a - b - c) == "a - b - c"
    assert named(a / (b * c)) == "a/(b*c)"
    assert named((a * b) ** 2) == "(a*b)**2"
    assert named(a ** (b + c)) == "a**(b + c)"
    assert named(-(a + b)) == "-(a + b)"
    assert named((a + b).tanh()) == "tanh(a + b)"
    assert named(a * -3) == "a*(-3)"
    assert named(2 - a) == "2 - a"


def test_arrays_are_called_by_their_shapes():
    x = Tensor([[1.0, 2.0]], label="x")
    assert named(x @ [[1.0], [2.0]]) == "x@[2×1]"
    assert named(concatenate([x, x])) == "concatenate(x, x)"
    assert named(x[0]) == "x[…]"
    assert named((x + x)[0].sum()) == "sum((x + x)[…])"


def test_a_long_expression_is_shortened_where_it_is_longest():
    a = Value(0.5, label="a")
    deep = a
    for _ in range(40):
        deep = (deep * a + 1).tanh()
    reading = Reading(deep + a)
    assert all(len(reading.name(node)) <= LONGEST for node in reading.nodes)
    assert named(sum_([a * i for i in range(100)])) == "sum(…)"
    assert named(Value(1.0, label="quite_a_long_name_for_a_number") * a) == "…*a"
    condition = where(a > 0, (a * a * a * a * a * a).relu(), a)
    assert named(condition) == "where(True, relu(…), a)"
    assert named(condition.exp() * (a + a + a + a + a + a + a)).startswith("exp(…)")


def test_a_named_part_is_called_by_its_name_and_not_by_its_expression():
    a = Value(2.0, label="a")
    h = a * a + 1
    assert named(h.tanh(), h=h) == "tanh(h)"


@pytest.mark.parametrize(
    ("x", "text"), [(2.0, "2"), (-0.0, "0"), (1 / 3, "0.3333"), (1e-9, "1e-09"), (float("nan"), "nan"), (True, "True")]
)
def test_numbers(x, text):
    assert number_text(x) == text


# ---- slopes ---------------------------------------------------------------------------------------------------------


def told(node, i=0):
    return slope_formula(node, i, Reading(node))


def test_a_slope_is_told_as_a_formula_and_a_number():
    a, b = Value(2.0, label="a"), Value(4.0, label="b")
    assert told(a * b) == "∂(a*b)/∂a = b = 4"
    assert told(a * b, 1) == "∂(a*b)/∂b = a = 2"
    assert told(a + b, 1) == "∂(a + b)/∂b = 1"
    assert told(a * 3) == "∂(a*3)/∂a = 3"
    assert told(a.exp()) == "∂exp(a)/∂a = exp(a) = 7.389"
    assert told(sum_([a, b]), 1) == "∂sum(a, b)/∂b = 1"
    assert told((a + b) * b) == "∂((a + b)*b)/∂(a + b) = b = 4"


def test_a_slope_of_arrays_has_a_formula_where_it_works_number_by_number():
    x = Tensor([1.0, -2.0], label="x")
    assert told(x * 2) == "∂(x*2)/∂x = 2"
    assert told(x.sum()) == "∂sum(x)/∂x: a pull-back"


def test_a_rule_that_has_an_if_gives_the_number_alone():
    from micrograd_plus import Unary

    odd = Unary("odd", lambda x: x if x > 0 else 2 * x, lambda y, x: 1.0 if x > 0 else 2.0)
    a = Value(-1.0, label="a")
    assert told(odd(a)) == "∂odd(a)/∂a = 2"
