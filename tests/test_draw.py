"""The drawn graph: what its boxes and arrows say, how large ones fold, and that no text of a user's can do harm."""

import base64
import copy
import html
import re
import shutil
import subprocess
import threading
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from micrograd_plus import Tensor, Value, concatenate, data, nn, no_grad, where
from micrograd_plus import sum as sum_
from micrograd_plus.engine.graph import order
from micrograd_plus.explain.reading import Reading
from micrograd_plus.viz import drawing as room
from micrograd_plus.viz.draw import draw, zoom
from micrograd_plus.viz.framed import framed
from micrograd_plus.viz.layout import LayoutError, LayoutTimeout, LayoutUnavailable
from micrograd_plus.viz.numbers import array_lines, number, one_line
from micrograd_plus.viz.outdated import NOTE
from micrograd_plus.viz.scheme import ARROWS, BOXES, MOST, NOT_RUN, SLOPES

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    '"><script>alert(1)</script>', r"\N{a|b}", "two\nlines", "<b>bold</b>", "&amp; &#0; &lt;", "{}|<p0>", "back\\",
    "quote ' \" `", "\N{DUCK} ümläut ∂", "bell \x07", "\ud800", "<", "]]>",
    "--></style><svg onload=alert(1)>", "\N{RIGHT-TO-LEFT OVERRIDE}abc",
]  # fmt: skip


def lecture():
    """The first graph of the micrograd lecture, with gradients; and its variables."""
    a, b, c = Value(2.0, label="a"), Value(-3.0, label="b"), Value(10.0, label="c")
    e = a * b
    d = e + c
    f = Value(-2.0, label="f")
    L = d * f
    L.backward()
    return L, {"a": a, "b": b, "c": c, "e": e, "d": d, "f": f, "L": L}


def samples(model, count):
    """The squared loss of a scalar model on so many points, with gradients."""
    X, y = data.make_moons(count, noise=0.1, seed=0)
    loss = sum((model(x) - float(t)) ** 2 for x, t in zip(X.tolist(), y, strict=True))
    loss.backward()
    return loss


def boxes(picture):
    """{title: the box's other rows}."""
    return {box.rows[0]: box.rows[1:] for box in picture.scheme.boxes}


def box(picture, title):
    (found,) = [box for box in picture.scheme.boxes if box.rows[0] == title]
    return found


def links(picture):
    """(tail, head, label) of each arrow, by titles."""
    titles = {box.id: box.rows[0] for box in picture.scheme.boxes}
    return [(titles[arrow.tail], titles[arrow.head], arrow.label) for arrow in picture.scheme.arrows]


def texts(svg):
    return [(text.text or "").replace("\xa0", " ") for text in ET.fromstring(svg).iter(SVG + "text")]


def titles(svg):
    return [(title.text or "").replace("\xa0", " ") for title in ET.fromstring(svg).iter(SVG + "title")]


def height(svg, text):
    """How far down a text stands in the picture."""
    found = {t.text: float(t.get("y")) for t in ET.fromstring(svg).iter(SVG + "text")}
    return found[text]


# ---- small graphs ---------------------------------------------------------------------------------------------------


def test_each_value_is_a_box_with_name_data_and_gradient():
    L, names = lecture()
    picture = draw(L, names)
    assert boxes(picture) == {
        "a": ("data 2", "grad 6"),
        "b": ("data -3", "grad -4"),
        "c": ("data 10", "grad -2"),
        "e = a*b": ("data -6", "grad -2"),
        "d = e + c": ("data 4", "grad -2"),
        "f": ("data -2", "grad 4"),
        "L = d*f": ("data -8", "grad 1"),
    }
    assert ("a", "e = a*b", "-3") in links(picture)
    assert ("b", "e = a*b", "2") in links(picture)
    assert picture.caption == SLOPES
    svg = picture.svg()
    assert set(texts(svg)) >= {"e = a*b", "data -6", "grad -2", "-3", SLOPES}
    assert "∂e/∂a = b = -3" in titles(svg), "the arrow's tooltip has the formula"


def test_kinds_are_told_apart_by_fill_and_by_border():
    n = nn.Neuron(1)
    x = Value(1.0, label="x", requires_grad=False)
    picture = draw(n([x]).tanh(), {"n": n})
    kinds = {box.rows[0]: box.kind for box in picture.scheme.boxes}
    assert kinds["w0"] == kinds["b"] == "parameter"
    assert kinds["x"] == "input"
    assert kinds["w0*x"] == "op"
    assert sorted(kinds.values()).count("output") == 1
    assert box(picture, "x").dashed
    assert boxes(picture)["x"][1] == "no grad needed"
    assert not box(picture, "w0").dashed
    widths = dict(re.findall(r"class=(\w+) .*?penwidth=([\d.]+)", picture.dot))
    assert float(widths["parameter"]) > float(widths["op"])
    assert float(widths["output"]) > float(widths["parameter"])
    assert box(picture, "x").tip.startswith("x: an input")


def test_before_backward_no_gradient_is_claimed_and_after_it_zero_is_zero():
    a, b = Value(2.0, label="a"), Value(0.0, label="b")
    c = a * b
    assert boxes(draw(c))["a"] == ("data 2", NOT_RUN)
    c.backward()
    assert boxes(draw(c))["a"] == ("data 2", "grad 0")


def test_a_value_used_twice_has_two_arrows():
    a = Value(3.0, label="a")
    for c, slope in ((a + a, "1"), (a * a, "3")):
        picture = draw(c)
        assert [label for _, _, label in links(picture)] == [slope, slope]
        assert picture.svg().count('class="edge"') == 2


def test_what_stands_left_in_the_formula_stands_above():
    x1, w1, x2, w2 = (Value(1.0, label=name) for name in ("x1", "w1", "x2", "w2"))
    svg = draw(x1 * w1 + x2 * w2).svg()
    assert height(svg, "x1") < height(svg, "w1") < min(height(svg, "x2"), height(svg, "w2"))
    assert height(svg, "x1*w1") < height(svg, "x2*w2")


def test_neurons_and_weights_stand_in_order_inside_their_frames():
    model = nn.MLP(2, [3, 1], seed=0)
    svg = draw(model([1.0, 2.0]), {"m": model}).svg()
    frames = [f"layers.0.neurons.{i} · Neuron" for i in range(3)]
    heights = [height(svg, frame) for frame in [*frames, "layers.1.neurons.0 · Neuron"]]
    assert heights == sorted(heights)
    assert texts(svg).count("w0") == 4
    assert "m · MLP" in texts(svg)


def test_numbers_are_short_in_boxes_and_whole_in_tooltips():
    a = Value(1 / 3, label="a")
    picture = draw(a * -0.0)
    assert boxes(picture)["a*0"][0] == "data 0", "0 without a sign"
    assert boxes(picture)["a"][0] == "data 0.3333"
    assert f"data = {1 / 3!r}" in box(picture, "a").tip


def test_numbers_at_the_edge_are_drawn():
    a, b = Value(float("nan"), label="a"), Value(float("inf"), label="b")
    c = a * b + Value(1e308) * 10 - Value(5e-324)
    c.backward()
    found = [row for box in draw(c).scheme.boxes for row in box.rows]
    assert {"data nan", "data inf", "data 1e+308", "data 4.941e-324"} <= set(found)
    assert "data inf" in texts(draw(c).svg())


def test_single_leaves_and_untracked_results():
    assert boxes(draw(Value(3.0))) == {"leaf": ("data 3", "grad 0")}
    assert boxes(draw(Value(3.0, requires_grad=False))) == {"constant": ("data 3", "no grad needed")}
    with no_grad():
        c = Value(2.0) * 3
    assert boxes(draw(c, {"c": c})) == {"c": ("data 6", "no grad needed")}
    assert "data 3" in texts(draw(Value(3.0)).svg())


def test_a_drawing_keeps_the_numbers_of_its_moment():
    a = Value(2.0, label="a")
    c = a * a
    picture = draw(c)
    c.backward()
    a.data = 7.0
    assert "data 2" in texts(picture.svg())
    assert "grad 4" not in texts(picture.svg())
    assert "not run yet" in str(picture)


# ---- tensors --------------------------------------------------------------------------------------------------------


def test_a_small_array_is_written_out_and_a_large_one_summed_up():
    x = Tensor([[1.0, 2.0]], label="x")
    w = Tensor(np.arange(8.0).reshape(2, 4), label="w")
    y = (x @ w).sum()
    y.backward()
    picture = draw(y)
    assert boxes(picture)["x"] == ("data 1×2: [[1, 2]]", "grad [[6, 22]]")
    assert boxes(picture)["w"] == ("data 2×4: 0 … 3.5 … 7", "grad norm 4.472")
    assert "smallest … mean … largest" in picture.caption
    assert "the mean" in box(picture, "w").tip
    assert {"data 2×4: 0 … 3.5 … 7", "grad norm 4.472"} <= set(texts(picture.svg()))


def test_odd_arrays():
    empty = Tensor(np.zeros((0, 3)), label="empty")
    zero_d = Tensor(2.0, label="zero_d")
    small = Tensor(np.ones(20, dtype=np.float32), label="small")
    holes = Tensor([np.nan, np.inf, 1, 2, 3, 4, 5.0], label="holes")
    y = empty.sum() * zero_d + small.sum() + holes.sum()
    y.backward()
    found = boxes(draw(y))
    assert found["empty"] == ("data 0×3: empty", "grad empty")
    assert found["zero_d"] == ("data 2", "grad 0")
    assert found["small"][0] == "data 20 float32: 1 … 1 … 1"
    assert found["holes"][0] == "data 7: 2 of 7 not finite"


def test_a_tensor_that_no_gradient_reached_says_so():
    x = Tensor([1.0], label="x")
    y = (x * 2).sum()
    y.backward()
    x.grad = None
    assert boxes(draw(y))["x"][1] == "grad: none arrived"


def test_many_kinds_of_operations_are_drawn():
    x = Tensor(np.arange(1.0, 7.0).reshape(2, 3), label="x")
    y = concatenate([x[0], x.softmax(-1)[1], (x @ x.T).reshape(4).log()]).std() + nn.cross_entropy(x, [0, 2])
    y.backward()
    assert {"softmax(x)", "x[…]", "cross_entropy(x)"} <= set(boxes(draw(y)))
    assert draw(y).svg()


def test_a_classifiers_loss_shows_its_layers():
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    X, y = data.load_digits(flat=True)
    loss = nn.cross_entropy(model(X[:64]), y[:64])
    loss.backward()
    svg = draw(loss, {"model": model}).svg()
    assert {"model · Sequential", "0 · Linear", "1 · ReLU", "2 · Linear", "weight", "bias"} <= set(texts(svg))


def test_two_models_with_equal_paths_keep_their_own_frames():
    G, D = nn.Sequential(nn.Linear(2, 4), nn.Tanh()), nn.Sequential(nn.Linear(4, 1), nn.ReLU())
    svg = draw(D(G(Tensor([[1.0, 2.0]]))).sum(), {"G": G, "D": D}).svg()
    found = texts(svg)
    assert {"G · Sequential", "D · Sequential", "1 · Tanh", "1 · ReLU"} <= set(found)
    assert found.count("0 · Linear") == 2


def test_a_model_called_as_one_of_its_parts_is():
    class Net(nn.Module):
        def __init__(self):
            self.net = nn.Linear(1, 1)

        def forward(self, x):
            return self.net(x)

    net = Net()
    assert {"net · Net", "net · Linear"} <= set(texts(draw(net(Tensor([[1.0]])).sum(), {"net": net}).svg()))


# ---- folding --------------------------------------------------------------------------------------------------------


def count_of(picture):
    """(folded, of all, boxes) as the caption says."""
    found = re.search(r"([\d,]+) of ([\d,]+) \w+ folded into (\d+) box", picture.caption)
    return tuple(int(part.replace(",", "")) for part in found.groups())


def check_count(picture, root):
    folded, everything, in_boxes = count_of(picture)
    single = sum(box.id.startswith("v") for box in picture.scheme.boxes)
    assert everything == len(order(root))
    assert in_boxes == len(picture.scheme.boxes) - single
    assert folded + single == everything


def test_a_networks_loss_on_a_hundred_points_shows_its_layers():
    model = nn.MLP(2, [16, 16, 1], seed=0)
    loss = samples(model, 100)
    picture = draw(loss, {"model": model, "loss": loss})
    assert {f"layers.{i} · Layer" for i in range(3)} <= set(boxes(picture))
    assert boxes(picture)["layers.1 · Layer"][0].startswith("272 parameters, rms 0.")
    assert boxes(picture)["layers.1 · Layer"][2] == "28,800 values"
    assert len(picture.scheme.boxes) < 20
    assert box(picture, next(t for t in boxes(picture) if t.startswith("loss ="))).kind == "output"
    check_count(picture, loss)
    assert "all 100 calls together" in picture.caption
    assert 'expand="layers.0" opens one' in picture.caption
    assert "layers.1 · Layer" in texts(picture.svg())


def test_a_loss_written_by_hand_folds_by_how_its_numbers_are_made():
    w = [Value(0.1 * i) for i in range(10)]
    points = [[Value(float(i + j)) for j in range(10)] for i in range(30)]
    loss = sum((sum((a * x for a, x in zip(w, point, strict=True)), 0.0) - 1.0).tanh() ** 2 for point in points)
    loss.backward()
    picture = draw(loss, {"w": w, "points": points, "loss": loss})
    found = boxes(picture)
    assert {"w", "points", "* (300 times)", "tanh (30 times)"} <= set(found)
    assert found["w"][2] == "10 values"
    check_count(picture, loss)


def test_few_samples_keep_a_box_for_each():
    model = nn.MLP(3, [4, 4, 1], seed=0)
    xs, ys = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]], [1.0, -1.0, -1.0, 1.0]
    loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys, strict=True))
    loss.backward()
    picture = draw(loss, {"model": model})
    found = [box.rows[0] for box in picture.scheme.boxes]
    assert found.count("layers.1 · Layer") == 4
    assert found.count("layers.1 · Layer: parameters") == 1
    check_count(picture, loss)


def test_one_sample_folds_by_neuron():
    model = nn.MLP(2, [8, 8, 1], seed=0)
    y = model([1.0, 2.0])
    picture = draw(y, {"model": model})
    assert "layers.1.neurons.7 · Neuron" in boxes(picture)
    check_count(picture, y)
    assert boxes(picture)["layers.0.neurons.0 · Neuron"][1] == NOT_RUN


def test_a_loop_folds_into_the_round_that_it_repeats():
    w, h = Value(0.5, label="w"), 0.0
    for t in range(60):
        h = (w * h + t).tanh()
    picture = draw(h, {"h": h})
    assert {"* (60 times)", "+ (60 times)", "tanh (59 times)"} <= set(boxes(picture))
    assert ("tanh (59 times)", "* (60 times)", "") in links(picture)
    assert [box.rows[0] for box in picture.scheme.boxes if box.kind == "output"] == ["h = tanh(w*tanh(…) + 59)"]
    check_count(picture, h)


def test_a_deep_chain_and_a_long_sum_are_drawn():
    x = Value(0.5, label="x")
    deep = x
    for _ in range(20_000):
        deep = deep + x
    assert len(draw(deep).scheme.boxes) == 3
    assert "+ (19,999 times)" in texts(draw(deep).svg())
    values = [Value(1.0) for _ in range(10_000)]
    total = sum_(values)
    assert boxes(draw(total, {"values": values}))["values"][2] == "10,000 values"
    assert draw(total).caption == "10,000 of 10,001 values folded into 1 box"


def test_many_layers_of_tensors_fold_by_module():
    class Block(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x):
            return x + self.b(self.a(x).relu())

    model = nn.Sequential(*[Block() for _ in range(20)])
    y = model(np.ones((2, 3))).sum()
    picture = draw(y, {"model": model})
    assert boxes(picture)["19 · Block"][0].startswith("24 parameters")
    assert "tensors folded" in picture.caption
    check_count(picture, y)


def test_max_nodes_says_how_many():
    L, names = lecture()
    assert set(boxes(draw(L, names, max_nodes=3))) == {"inputs", "e = a*b", "d = e + c", "L = d*f"}, "as far as it goes"
    assert len(draw(L, names, max_nodes=7).scheme.boxes) == 7
    big = sum((Value(float(i)) * 2 for i in range(MOST)), 0.0)
    assert len(draw(big).scheme.boxes) < 10
    whole = draw(big, max_nodes=None)
    assert len(whole.scheme.boxes) == len(order(big))
    assert "folded" not in whole.caption
    assert not any(label for _, _, label in links(whole)), "too many to write a slope on each"


def test_folded_pictures_stay_small_whatever_the_graph():
    for model in (nn.MLP(4, [10] * 6, seed=0), nn.MLP(30, [1], seed=0), nn.MLP(1, [40, 1], seed=0)):
        y = model([1.0] * len(model.layers[0].neurons[0].w))
        picture = draw(y if isinstance(y, Value) else sum_(y))
        assert len(picture.scheme.boxes) <= max(BOXES, MOST)
        assert len(picture.scheme.arrows) <= max(ARROWS, MOST * 2)


def test_expand_opens_a_layer_and_then_a_neuron():
    model = nn.MLP(2, [16, 16, 1], seed=0)
    loss = samples(model, 100)
    layer = draw(loss, {"model": model}, expand="layers.1")
    assert "layers.1.neurons.15 · Neuron" in boxes(layer)
    assert "layers.0 · Layer" in boxes(layer)
    assert "layers.1 · Layer" in layer.scheme.frames.values()
    check_count(layer, loss)
    both = draw(loss, {"model": model}, expand=["layers.1", "layers.1.neurons.2"])
    assert "layers.1.neurons.2 · Neuron: 99 more calls" in boxes(both)
    assert "w15" in boxes(both)
    check_count(both, loss)
    by_module = draw(loss, {"model": model}, expand=model.layers[1])
    assert boxes(by_module) == boxes(layer)


def test_expand_deeper_than_what_is_shown_keeps_the_rest_in_one_box():
    model = nn.MLP(2, [16, 16, 1], seed=0)
    y = model([1.0, 2.0])
    picture = draw(y, {"model": model}, expand="layers.1.neurons.2")
    rest = box(picture, "layers.1 · Layer: the rest")
    assert rest.frames == ("model", "layers.1")
    assert "relu(sum(…))" in boxes(picture)
    check_count(picture, y)
    assert "layers.1 · Layer: the rest" in texts(picture.svg())


def test_expand_shows_the_first_sample():
    model = nn.MLP(1, [20, 1], seed=0)
    xs = [Value(float(i), label=f"sample{i}") for i in range(5)]
    loss = sum(model([x]) for x in xs)
    picture = draw(loss, {"model": model}, expand=["layers.0", "layers.0.neurons.0"])
    assert "w0*sample0" in boxes(picture)
    assert "layers.0.neurons.0 · Neuron: 4 more calls" in boxes(picture)


def test_expand_of_a_module_that_is_not_there():
    model = nn.MLP(2, [16, 1], seed=0)
    loss = samples(model, 20)
    with pytest.raises(ValueError, match=r"no module 'layer.0'; it has m, layers.0, layers.0.neurons.0"):
        draw(loss, {"m": model}, expand="layer.0")
    with pytest.raises(ValueError, match="no module the Linear given"):
        draw(loss, {"m": model}, expand=nn.Linear(1, 1))
    with pytest.raises(ValueError, match="no module 'x'; it was made by no module"):
        draw(Value(1.0) * 2, expand="x")


def test_expand_of_nothing_and_of_what_is_no_module():
    a = Value(1.0, label="a")
    assert boxes(draw(a * 2, expand=None)) == boxes(draw(a * 2))
    with pytest.raises(TypeError, match=r"expand is a module, its path .* or a list of these; got 3\.0"):
        draw(a * 2, expand=3.0)


def test_a_very_large_module_is_opened_as_far_as_can_be_read():
    model = nn.MLP(300, [1, 1], seed=0)
    y = model([1.0] * 300)
    picture = draw(y, {"model": model}, expand="layers.0.neurons.0")
    assert len(picture.scheme.boxes) < 200
    assert "… all that comes before" in boxes(picture)
    check_count(picture, y)


# ---- data that was changed since -------------------------------------------------------------------------------------


def test_a_changed_number_is_told_and_an_unchanged_one_is_not():
    a = Value(2.0, label="a")
    c = a * a
    assert NOTE not in draw(c).caption
    a.data = 5.0
    assert draw(c).caption.endswith(NOTE)
    assert str(draw(c)).endswith(NOTE)
    assert NOTE in texts(draw(c).svg())
    a.data = 2.0
    assert NOTE not in draw(c).caption + str(draw(c))


def test_a_number_whose_change_leaves_the_result_but_not_the_slope_is_told():
    a = Value(2.0, label="a")
    y = a * a
    a.data = -2.0
    assert NOTE in draw(y).caption


def test_after_a_step_a_large_picture_says_so_too():
    model = nn.MLP(2, [8, 1], seed=0)
    loss = samples(model, 20)
    assert NOTE not in draw(loss).caption
    model.parameters()[-1].data -= 0.1
    assert NOTE in draw(loss).caption


def test_a_changed_tensor_is_told_whether_in_place_or_new():
    for change in (lambda t: t.data.__isub__(0.5), lambda t: setattr(t, "data", [7.0, 8.0])):
        w = Tensor([1.0, float("nan")], requires_grad=True, label="w")
        loss = (w * [[2.0, 3.0], [4.0, 5.0]]).sum()
        assert NOTE not in draw(loss).caption
        change(w)
        assert NOTE in draw(loss).caption


def test_what_was_only_computed_at_an_edge_or_without_recording_is_not_called_changed():
    z, nan = Value(0.0), Value(float("nan"))
    y = where(z > 0, z, z.log()) + 1 / z + nan * 2 + sum_([z, nan, 3]) + Value(1000.0).exp()
    assert NOTE not in draw(y).caption
    with no_grad():
        assert NOTE not in draw(y).caption
    z.data = -1.0  # a number that log refuses
    assert NOTE in draw(y).caption


# ---- options --------------------------------------------------------------------------------------------------------


def test_focus_shows_the_neighbourhood():
    L, names = lecture()
    near = draw(L, names, focus="d", depth=1)
    assert set(boxes(near)) == {"e = a*b", "c", "d = e + c", "L = d*f"}
    assert "3 more values not shown" in near.caption
    assert boxes(draw(L, names, focus=names["d"], depth=1)) == boxes(near)
    assert set(boxes(draw(L, names, focus="d", depth=0))) == {"d = e + c"}
    deep = Value(1.0, label="x")
    for _ in range(200):
        deep = deep * deep
    assert len(draw(deep, focus=deep, depth=60).scheme.boxes) == 61


def test_focus_on_one_of_two_with_the_same_label():
    first, second = Value(1.0, label="w"), Value(2.0, label="w")
    y = first * 3 + second * 5
    assert "w (2)*5" in boxes(draw(y, focus="w (2)", depth=1))
    assert len(boxes(draw(y, focus="w", depth=1))) == 2, "the label alone is one of them"


def test_focus_on_what_is_not_there():
    L, names = lecture()
    with pytest.raises(ValueError, match="focus: '' is not in this graph"):
        draw(L, names, focus="")
    with pytest.raises(ValueError, match=r"focus: 'q' is not in this graph.*these names: .*a, b"):
        draw(L, names, focus="q")
    with pytest.raises(ValueError, match="focus: the Value given is not in this graph"):
        draw(L, names, focus=Value(1.0))


@pytest.mark.parametrize("direction", ["LR", "RL", "TB", "BT"])
def test_direction(direction):
    L, names = lecture()
    svg = draw(L, names, direction=direction).svg()
    places = {t.text: (float(t.get("x")), float(t.get("y"))) for t in ET.fromstring(svg).iter(SVG + "text")}
    (ax, ay), (lx, ly) = places["a"], places["L = d*f"]
    assert {"LR": lx > ax, "RL": lx < ax, "TB": ly > ay, "BT": ly < ay}[direction]
    rows = [places[text] for text in ("L = d*f", "data -8", "grad 1")]
    assert len({round(x) for x, _ in rows}) == 1, "the rows stand one above the other"
    assert [y for _, y in rows] == sorted(y for _, y in rows)


def test_theme():
    L, _ = lecture()
    auto, light, dark = (draw(L, theme=theme).svg() for theme in ("auto", "light", "dark"))
    assert "prefers-color-scheme" in auto
    assert "prefers-color-scheme" not in light + dark
    assert "--ground:#16191d" in dark
    assert "--ground:#16191d" not in light
    assert "#16191d" in draw(L, theme="dark").dot, "for PNG and PDF, which know no style sheet"


def test_format_of_numbers():
    L, names = lecture()
    picture = draw(L, names, format="+.2f")
    assert boxes(picture)["a"] == ("data +2.00", "grad +6.00")
    assert ("a", "e = a*b", "-3.00") in links(picture)
    assert "data +2.00" in str(picture)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"direction": "up"}, "direction is 'LR'"),
        ({"theme": "pink"}, "theme is one of 'auto'"),
        ({"format": "zz"}, "format is how Python writes a number"),
        ({"format": 3}, "format is how Python writes a number"),
        ({"max_nodes": 0}, "max_nodes is a whole number from 1 up"),
        ({"max_nodes": 2.5}, "max_nodes is a whole number from 1 up"),
        ({"depth": -1}, "depth is how many arrows"),
        ({"engine": "paper"}, "engine is one of 'auto', 'wasi'"),
        ({"limit": 0}, "limit is a number of seconds above 0"),
        ({"limit": "soon"}, "limit is a number of seconds above 0"),
    ],
)
def test_options_that_cannot_be(option, words):
    with pytest.raises(ValueError, match=words):
        draw(Value(1.0) * 2, **option)


def test_what_cannot_be_drawn():
    for thing in (3, [Value(1.0)], nn.MLP, None):
        with pytest.raises(TypeError, match="a Value or a Tensor; got"):
            draw(thing)
    with pytest.raises(TypeError, match="names is a dict"):
        draw(Value(1.0), ["a"])
    many = Tensor([1.0, 2.0], label="w").to_values()
    with pytest.raises(TypeError, match=r"got ValueArray .*take one, such as .* or their \.sum\(\)"):
        draw(many)
    assert draw(many.values.flat[0])
    assert draw(many.sum())


def test_text_form():
    a = Value(2.0, label="a")
    c = (a + a) * a
    assert str(draw(c, {"c": c})).splitlines() == [
        "c = (a + a)*a   data 8   grad: not run yet",
        "  a + a   data 4   grad: not run yet",
        "    a   data 2   grad: not run yet",
        "    a   see above",
        "  a   see above",
    ]
    assert str(draw(sum_([Value(1.0) for _ in range(500)]))).splitlines()[-1] == "… 301 more of 501"
    assert repr(draw(c)) == "Drawing(3 boxes, 4 arrows)"
    assert repr(draw(a)) == "Drawing(1 box, 0 arrows)"


# ---- saving ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "begins"),
    [
        ("svg", b"<svg"),
        ("png", b"\x89PNG"),
        ("pdf", b"%PDF"),
        ("html", b"<!DOCTYPE html>"),
        ("dot", b"digraph"),
        ("SVG", b"<svg"),
    ],
)
def test_save(ending, begins, tmp_path):
    L, names = lecture()
    path = tmp_path / f"graph.{ending}"
    assert draw(L, names).save(path) is None, "a notebook would show what is returned"
    assert path.read_bytes().startswith(begins)
    draw(L, names, theme="dark").save(str(path))
    assert path.read_bytes().startswith(begins)


def test_a_file_ending_that_says_nothing(tmp_path):
    with pytest.raises(ValueError, match=r"'graph.gif' should end in one of .svg, .png, .pdf, .html, .dot"):
        draw(Value(1.0)).save(tmp_path / "graph.gif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("nothing", [None, 3])
def test_save_needs_a_name(nothing):
    with pytest.raises(TypeError, match=f"save needs the name of a file, such as 'graph.svg'; got {nothing}"):
        draw(Value(1.0)).save(nothing)


@pytest.mark.parametrize("ending", ["svg", "html", "dot", "png"])
def test_half_of_a_character_pair_in_a_label_or_a_module_can_be_saved(ending, tmp_path):
    model = nn.Sequential(nn.Linear(1, 1))
    y = model(Tensor([[1.0]], label="x \ud800"))
    path = tmp_path / f"graph.{ending}"
    draw(y.sum(), {"\udc00 model": model}).save(path)
    if ending != "png":
        path.read_text("utf-8")
    draw(y.sum())._repr_mimebundle_()["text/html"].encode()


def test_the_same_picture_each_time():
    def made():
        model = nn.MLP(2, [4, 1], seed=0)
        return draw(samples(model, 3), {"model": model})

    assert made().svg() == made().svg()
    assert made().dot == made().dot


def test_to_graphviz_is_a_digraph_to_go_on_with():
    import graphviz

    L, names = lecture()
    graph = draw(L, names).to_graphviz()
    assert isinstance(graph, graphviz.Digraph)
    assert graph.source == draw(L, names).dot


def test_a_wide_picture_may_be_scrolled_and_is_never_too_small_to_read():
    L, names = lecture()
    picture = draw(L, names)
    width = float(re.search(r'width="([\d.]+)pt"', picture.svg())[1])
    least = float(re.search(r"min-width:(\d+)pt", picture.html())[1])
    assert 0.6 * width < least < width


# ---- any text from the user -----------------------------------------------------------------------------------------


def hostile_graph():
    values = [Value(float(i), label=label) for i, label in enumerate(HOSTILE)]
    total = sum_([v * 2 for v in values])
    return total, {"<img src=x onerror=alert(1)>": total}


def test_labels_are_shown_as_text_and_nothing_else():
    total, names = hostile_graph()
    picture = draw(total, names)
    svg = picture.svg()
    found = set(texts(svg))
    for label in HOSTILE:
        assert one_line(label).strip() in {text.strip() for text in found}, label
    elements = {element.tag for element in ET.fromstring(svg).iter()}
    assert elements <= {
        SVG + tag for tag in ("svg", "style", "g", "title", "polygon", "polyline", "path", "text", "ellipse")
    }
    assert not any(name.startswith("on") for element in ET.fromstring(svg).iter() for name in element.attrib)
    tips = [tip.split(":")[0] for tip in titles(svg)]
    assert r"\N{a|b}" in tips
    assert '"><script>alert(1)</script>' in tips
    assert "two\nlines" in tips
    page = picture.html()
    assert page.count("<script") == 1, "only our own"
    assert "<img" not in page
    assert "<script>alert" not in picture._repr_mimebundle_()["text/html"].replace("&quot;", '"')


@pytest.mark.parametrize("name", ['"><script>alert(1)</script>', r"\N{a|b} &amp; \\", "<b>bold</b>", "two\nlines", '"'])
def test_a_hostile_model_name_and_class_are_text_too(name):
    model = type(name, (nn.Linear,), {})(2, 1)
    (frame,) = [text for text in texts(draw(model(Tensor([[1.0, 2.0]])).sum(), {name: model}).svg()) if " · " in text]
    assert frame == one_line(f"{name} · {name}")
    assert name.split("\n")[0] in texts(draw(model).svg())


def test_a_long_name_is_shortened_in_the_box_and_a_very_long_one_in_the_tooltip_too():
    a = Value(1.0, label="x" * 500)
    picture = draw(a * 2)
    (title,) = [box.rows[0] for box in picture.scheme.boxes if box.kind == "input"]
    assert len(title) == 40
    assert title.endswith("…")
    tips = titles(picture.svg())
    assert any("x" * 199 + "…" in tip for tip in tips)
    assert not any("x" * 201 in tip for tip in tips)
    assert len(str(picture).splitlines()[1]) < 80


def test_the_text_form_has_no_control_characters():
    total, names = hostile_graph()
    assert all(c.isprintable() or c == "\n" for c in str(draw(total, names)))


def test_png_and_pdf_take_any_label(tmp_path):
    total, names = hostile_graph()
    for ending in ("png", "pdf"):
        draw(total, names).save(tmp_path / f"x.{ending}")
        assert (tmp_path / f"x.{ending}").stat().st_size > 1000


@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium here")
def test_a_browser_runs_no_script_of_a_label(tmp_path):
    total, names = hostile_graph()
    bundle = draw(total, names)._repr_mimebundle_()["text/html"]
    for name, page in (("page", draw(total, names).html()), ("cell", f"<!DOCTYPE html><title>?</title><body>{bundle}")):
        path = tmp_path / f"{name}.html"
        # What a script of a label would do here: alert() writes into the page.
        spy = "<script>window.alert = function () { document.documentElement.setAttribute('data-hit', '1') }</script>"
        path.write_text(page.replace("<head>", "<head>" + spy, 1) if "<head>" in page else spy + page, "utf-8")
        seen = in_chromium(path, tmp_path / "profile")
        assert "data-hit" not in seen.replace("data-hit', '1'", "")
        assert "script&gt;alert(1)" in seen


def in_chromium(path, profile):
    """The page as it is after its scripts have run."""
    options = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    options += f" --disable-component-update --disable-sync --user-data-dir={profile} --virtual-time-budget=2000"
    command = ["chromium", *options.split(), "--dump-dom", path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium here")
def test_in_a_browser_the_frame_takes_the_place_of_the_still_image(tmp_path):
    L, names = lecture()
    path = tmp_path / "cell.html"
    path.write_text(
        f"<!DOCTYPE html><meta charset=utf-8><body>{draw(L, names)._repr_mimebundle_()['text/html']}", "utf-8"
    )
    seen = in_chromium(path, tmp_path / "profile")
    assert re.search(r"<img [^>]*display: none", seen)
    assert int(re.search(r"<iframe [^>]*height: ?(\d+)px", seen)[1]) > 100


# ---- when the layout fails ------------------------------------------------------------------------------------------


def slow(monkeypatch, times):
    """Make the first layouts take too long; a list of what was laid out in the end."""
    asked = []

    def layout(dot, *args, **kwargs):
        asked.append(dot)
        if len(asked) <= times:
            raise LayoutTimeout("too slow", dot)
        return '<svg width="10pt" height="10pt" xmlns="http://www.w3.org/2000/svg"></svg>'

    monkeypatch.setattr(room, "layout", layout)
    return asked


def test_a_layout_that_takes_too_long_is_folded_further(monkeypatch):
    model = nn.MLP(2, [8, 8, 1], seed=0)
    y = model([1.0, 2.0])
    picture = draw(y, {"model": model})
    assert "layers.0.neurons.0 · Neuron" in boxes(picture)
    asked = slow(monkeypatch, 1)
    assert picture.svg().startswith("<svg")
    assert "layers.0 · Layer" in boxes(picture)
    assert "layers.0.neurons.0 · Neuron" not in boxes(picture)
    check_count(picture, y)
    assert len(asked[1]) < len(asked[0])
    assert picture.svg()
    assert len(asked) == 2, "and it is laid out once"


def test_a_graph_drawn_in_full_folds_too(monkeypatch):
    model = nn.MLP(2, [3, 1], seed=0)
    y = model([1.0, 2.0])
    for settings in ({}, {"max_nodes": None}):
        picture = draw(y, {"model": model}, **settings)
        slow(monkeypatch, 1)
        assert picture.svg()
        assert "layers.0.neurons.0 · Neuron" in boxes(picture)


def test_what_cannot_be_folded_further_raises(monkeypatch):
    model = nn.MLP(2, [8, 1], seed=0)
    asked = slow(monkeypatch, 1000)
    for picture in (draw(samples(model, 3), {"model": model}), draw(Value(1.0) * 2), draw(model)):
        with pytest.raises(LayoutTimeout):
            picture.svg()
        assert "too slow" in picture._repr_mimebundle_()["text/plain"]
    assert len(asked) < 40


def test_a_zoomed_box_is_not_folded_away(monkeypatch):
    slow(monkeypatch, 1000)
    x = Tensor([[1.0, 2.0]], label="x")
    with pytest.raises(LayoutTimeout):
        draw((x * 2).sum(), zoom="x*2").svg()


def test_without_any_engine_there_is_the_text_and_the_reason():
    L, names = lecture()
    picture = draw(L, names, engine="text")
    with pytest.raises(LayoutUnavailable):
        picture.svg()
    bundle = picture._repr_mimebundle_()
    for text in map(html.unescape, bundle.values()):
        assert "L = d*f   data -8   grad 1" in text
        assert "No picture: the engine asked for is 'text'" in text
    assert str(picture).startswith("L = d*f")
    assert picture.dot.startswith("digraph"), "which needs no engine"


def test_no_engine_and_hostile_labels():
    total, names = hostile_graph()
    assert "<script>" not in draw(total, names, engine="text")._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize("error", [LayoutError("bad"), OSError("disk"), ImportError("graphviz"), RuntimeError("x")])
def test_showing_itself_never_raises(error, monkeypatch):
    def fails(*args, **kwargs):
        raise error

    monkeypatch.setattr(room, "layout", fails)
    bundle = draw(Value(1.0, label="a") * 2)._repr_mimebundle_(include=None, exclude=None)
    assert str(error) in bundle["text/plain"]
    assert "a*2" in bundle["text/html"]


def test_the_engine_and_limit_reach_the_layout(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(room, "layout", lambda dot, format, **settings: calls.append(settings) or "<svg></svg>")
    draw(Value(1.0), engine="dot", limit=3.5).svg()
    assert calls == [{"engine": "dot", "limit": 3.5}]


# ---- the user's own things ------------------------------------------------------------------------------------------


def test_nothing_of_the_graph_is_changed():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    x = Tensor([[1.0, 2.0]], label="x")
    y = model(x)
    loss = (y**2).sum()
    loss.backward()
    names = {"model": model, "x": x, "y": y}
    before = [(n, n.label, n.numpy().copy(), copy.copy(n.grad), n.requires_grad) for n in order(loss)]
    state = model.state_dict()
    draw(loss, names).svg()
    draw(loss, names, zoom=y, max_nodes=None).svg()
    draw(loss, names, max_nodes=2).html()
    zoom(y, names).svg()
    draw(model).svg()
    for node, label, numbers, grad, requires_grad in before:
        assert (node.label, node.requires_grad) == (label, requires_grad)
        assert np.array_equal(node.numpy(), numbers)
        assert np.array_equal(node.grad, grad)
    assert all(np.array_equal(a, b) for a, b in zip(state.values(), model.state_dict().values(), strict=True))
    assert list(names) == ["model", "x", "y"]
    loss.backward()


def test_values_are_left_as_they_are():
    L, names = lecture()
    before = [(n.data, n.grad, n.label) for n in order(L)]
    draw(L, names).svg()
    draw(L, names, focus="d").html()
    assert [(n.data, n.grad, n.label) for n in order(L)] == before


def test_threads_may_draw_at_the_same_time():
    L, names = lecture()
    shared = draw(L, names)
    alone = draw(L, names).svg()
    with ThreadPoolExecutor(8) as pool:
        mine = list(pool.map(lambda _: draw(L, names).svg(), range(24)))
        ours = list(pool.map(lambda _: shared.svg(), range(24)))
    assert set(mine) == set(ours) == {alone}
    assert threading.active_count() < 20


# ---- in a notebook --------------------------------------------------------------------------------------------------


def test_in_a_notebook_a_still_image_comes_before_the_frame():
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    source = """
from micrograd_plus import Value
from micrograd_plus.viz.draw import draw
w, x = Value(2.0), Value(3.0)
loss = (w * x - 1) ** 2
loss.backward()
draw(loss, locals())
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    shown = output["data"]["text/html"]
    assert 0 < shown.index('src="data:image/svg+xml;base64,') < shown.index("<iframe")
    assert "loss = (w*x - 1)**2" in output["data"]["text/plain"]
    still = base64.b64decode(re.search(r"base64,([^\"]*)", shown)[1]).decode()
    assert "loss = (w*x - 1)**2" in texts(still)
    inside = html.unescape(re.search(r'srcdoc="([^"]*)"', shown)[1])
    assert inside.startswith("<!DOCTYPE html>")
    assert "http" not in inside.replace("http://www.w3.org/", ""), "nothing comes from elsewhere"


def test_the_frame_holds_any_document():
    block = framed("<img>", '<p title="a">\'&amp;</p>', 'a "title"')
    assert html.unescape(re.search(r'srcdoc="([^"]*)"', block)[1]) == '<p title="a">\'&amp;</p>'


# ---- models ---------------------------------------------------------------------------------------------------------


def test_a_small_model_is_drawn_as_neurons_and_weights():
    model = nn.MLP(3, [4, 4, 1], seed=0)
    picture = draw(model)
    assert sum(box.shape == "circle" for box in picture.scheme.boxes) == 3 + 4 + 4 + 1
    assert len(picture.scheme.arrows) == 3 * 4 + 4 * 4 + 4
    assert picture.caption.startswith("41 parameters")
    w = model.layers[0].neurons[0].w[0].data
    kind, tip = next((a.kind, a.tip) for a in picture.scheme.arrows if a.id == "w0_0_0")
    assert (kind, tip) == ("positive" if w > 0 else "negative", f"weight 0 of neuron 0: {w:.4g}")
    assert {"layers.0", "relu", "linear", "x0"} <= set(texts(picture.svg()))
    assert str(picture) == str(model.summary())


def test_the_same_network_of_arrays_is_drawn_alike():
    model = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Tanh(), nn.Linear(4, 2))
    picture = draw(model)
    assert sum(box.shape == "circle" for box in picture.scheme.boxes) == 9
    assert picture.caption.startswith("22 parameters"), "12 weights, and 8 with 2 biases"
    assert {"0", "Tanh", "linear"} <= set(texts(picture.svg()))


def test_single_neurons_and_layers():
    assert len(draw(nn.Neuron(3)).scheme.arrows) == 3
    assert len(draw(nn.Layer(3, 2)).scheme.arrows) == 6
    assert draw(nn.Neuron(3)).svg()


def test_a_large_model_is_drawn_as_layers_in_their_order():
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10))
    picture = draw(model)
    assert boxes(picture)["0 · Linear"] == ("64 → 64", f"4,160 parameters, rms {number(rms_of(model[0]))}")
    assert [(a, b) for a, b, _ in links(picture)] == [
        ("0 · Linear", "1 · ReLU"), ("1 · ReLU", "2 · Dropout"), ("2 · Dropout", "3 · Linear"),
    ]  # fmt: skip
    assert picture.caption == "Sequential: 4,810 parameters"
    assert "p=0.5" in texts(picture.svg())


def rms_of(module):
    return np.sqrt(np.mean(np.concatenate([p.numpy().ravel() for p in module.parameters()]) ** 2))


def test_a_model_of_ones_own_claims_no_order_of_use():
    class Net(nn.Module):
        def __init__(self):
            self.out, self.inp = nn.Linear(40, 1), nn.Linear(5, 40)

        def forward(self, x):
            return self.out(self.inp(x))

    picture = draw(Net())
    assert picture.scheme.arrows == []
    assert "draw(model(x)) shows what flows where" in picture.caption
    places = {t.text: float(t.get("x")) for t in ET.fromstring(picture.svg()).iter(SVG + "text")}
    assert places["out · Linear"] < places["inp · Linear"], "in the order in which they were set"


def test_odd_models():
    class Itself(nn.Module):
        def __init__(self):
            self.w, self.me = Tensor([1.0]), self

    for model in (Itself(), nn.Sequential(), nn.Module()):
        assert draw(model)._repr_mimebundle_()["text/html"]
        assert draw(model).svg()


# ---- zoom -----------------------------------------------------------------------------------------------------------


def product():
    x, W = Tensor([[1.0, 2.0]], label="x", requires_grad=False), Tensor([[3.0, 4.0], [5.0, 6.0]], label="W")
    h = x @ W
    y = h.tanh().sum()
    y.backward()
    return y, h, {"h": h, "y": y}, W


def test_zoom_shows_which_number_is_made_of_which():
    _, h, names, W = product()
    picture = zoom(h, names)
    assert boxes(picture)["h[0,1] = x[0,0]*W[0,1] + x[0,1]*W[1,1]"] == ("data 16", f"grad {h.grad[0, 1]:.4g}")
    assert boxes(picture)["W[0,1]"] == ("data 4", f"grad {W.grad[0, 1]:.4g}")
    assert boxes(picture)["x[0,0]"][1] == "no grad needed"
    assert ("W[0,1]", "x[0,0]*W[0,1]", "1") in links(picture)
    assert picture.caption.startswith("h as single numbers")
    assert "W[0,1]" in texts(picture.svg())


def test_zoom_in_place_keeps_the_rest():
    y, h, names, _ = product()
    picture = draw(y, names, zoom="h")
    found = boxes(picture)
    assert {"x", "W", "tanh(h)", "h[0,0] = x[0,0]*W[0,0] + x[0,1]*W[1,0]"} <= set(found)
    assert "h = x@W" not in found
    assert "h = x@W" in texts(picture.svg()), "the frame's title"
    assert ("W", "W[0,1]", "") in links(picture)
    assert ("h[0,0] = x[0,0]*W[0,0] + x[0,1]*W[1,0]", "tanh(h)", "") in links(picture)
    assert links(draw(y, names, zoom=h)) == links(picture)


X = Tensor([[1.0, 2.0], [3.0, 4.0]], label="x")
OPERATIONS = {
    "pad": lambda: X.pad(1),
    "index": lambda: X[0],
    "where": lambda: where(X > 2, X, 0.0),
    "hinge": lambda: nn.hinge_loss(X, np.ones((2, 2))),
    "cross entropy": lambda: nn.cross_entropy(X, [0, 1]),
    "expand": lambda: Tensor([1.0, 2.0], label="b").expand(2, 2),
    "softmax": lambda: X.softmax(),
    "max": lambda: X.max(),
    "transpose": lambda: X.T,
    "concatenate": lambda: concatenate([X, X]),
    "same": lambda: X * X,
    "linear": lambda: nn.Linear(2, 2)(X),
    "one number": lambda: Tensor(2.0, label="s") * 3,
    "float32": lambda: Tensor(np.ones(2, np.float32)) * 2,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_zoom_opens_any_operation(name):
    y = OPERATIONS[name]()
    root = y.sum() if y.shape else y * 1
    root.backward()
    beside = zoom(y, {"y": y})
    in_place = draw(root, {"y": y}, zoom=y)
    ids = {box.id for box in in_place.scheme.boxes}
    assert all({arrow.tail, arrow.head} <= ids for arrow in in_place.scheme.arrows)
    assert beside.svg()
    assert in_place.svg()


def test_zoom_has_the_gradients_of_the_tensor():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], label="x")
    y = x.softmax()
    (y * Tensor([[1.0, 2.0], [3.0, 5.0]])).sum().backward()
    found = boxes(zoom(y))
    for (i, j), g in np.ndenumerate(x.grad):
        assert float(found[f"x[{i},{j}]"][1].removeprefix("grad ")) == pytest.approx(g, rel=1e-3)


def test_zoom_where_recording_is_off():
    x = Tensor([1.0, 2.0], label="x")
    y = x * 3
    with no_grad():
        assert len(zoom(y).scheme.boxes) == 4


def test_what_cannot_be_zoomed():
    x, big = Tensor([1.0, 2.0], label="x"), Tensor(np.ones((30, 30)), label="big")
    with pytest.raises(ValueError, match="zoom: x is a leaf"):
        zoom(x)
    with pytest.raises(TypeError, match="a is one number already"):
        draw(Value(1.0, label="a") * 2, zoom="a")
    with pytest.raises(ValueError, match=r"zoom: big\*2 is made of 1,800 single numbers, more than the 400"):
        zoom(big * 2)
    with pytest.raises(ValueError, match="is empty"):
        zoom(Tensor(np.zeros((0, 2))) * 2)
    with pytest.raises(ValueError, match="has no box of its own in this picture"):
        draw((x * 2 * 3).sum(), zoom="x*2", max_nodes=2)
    with pytest.raises(ValueError, match="theme is one of"):
        zoom(x * 2, theme="pink")


# ---- numbers and names ----------------------------------------------------------------------------------------------


def test_how_arrays_are_written():
    assert array_lines(np.array([[1.0, -0.0], [0.5, 1e6]])) == "[[1, 0], [0.5, 1e+06]]"
    assert array_lines(np.arange(100.0)) == "0 … 49.5 … 99"
    assert array_lines(np.array([])) == "empty"
    assert array_lines(np.arange(10) > 4) == "0 … 0.5 … 1"
    assert number(-0.0, "+.1f") == "+0.0"


def test_drawing_asks_nothing_of_a_module_but_its_walks():
    """Other libraries' modules among the variables do no harm."""

    class Foreign:
        def named_parameters(self):
            return iter([("w", object())])

        def named_modules(self):
            return iter([("", self)])

        def parameters(self):
            return [object()]

    a = Value(1.0, label="a")
    assert Reading(a * 2, {"foreign": Foreign()}).modules == {}
    assert draw(a * 2, {"foreign": Foreign()}).scheme.boxes
