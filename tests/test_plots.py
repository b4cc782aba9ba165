"""The pictures of training: what is on the Axes, and that drawing changes nothing."""

import base64
import io
import math
import random
import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

import micrograd_plus as mg
from micrograd_plus import Tensor, Unary, Value, data, nn, optim, plots, training

matplotlib.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def _closed():
    before = dict(matplotlib.rcParams)
    yield
    plt.close("all")
    assert dict(matplotlib.rcParams) == before


@pytest.fixture
def ax():
    return Figure(figsize=(6, 4)).subplots()


X_MOONS, Y_MOONS = data.make_moons(n_samples=40, noise=0.1, seed=0)
Y_SIGNS = 2.0 * Y_MOONS - 1
X_LINE = np.linspace(-1, 1, 12)
Y_LINE = X_LINE**2
IMAGES, DIGITS = data.load_digits(flat=True)
IMAGES, DIGITS = IMAGES[:40], DIGITS[:40]


def scalar_model():
    return nn.MLP(2, [5, 1], activation="tanh", seed=0)


def tensor_model(outputs=1):
    return nn.Sequential(nn.Linear(2, 6, seed=0), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, outputs, seed=1))


def moons_loss(model):
    return nn.mse_loss(model(X_MOONS), Y_SIGNS[:, None])


def trained(model, epochs=6, every=1, keep="arrays", y=Y_SIGNS):
    recorder = training.Recorder(every=every, keep=keep)
    history = training.fit(
        model, (X_MOONS, y), loss="mse", optimizer=optim.SGD(model.parameters(), lr=0.1), epochs=epochs,
        batch_size=40, callbacks=[recorder], progress=False, seed=0,
    )  # fmt: skip
    return history, recorder


def with_gradients(model):
    if isinstance(model, nn.MLP):
        model([0.5, 1.0]).backward()
    else:
        moons_loss(model).backward()
    return model


def with_history():
    rows = [
        {"epoch": 1, "loss": 3.0, "accuracy": 0.4, "val_loss": 3.5, "val_accuracy": 0.3, "lr": 0.1},
        {"epoch": 2, "loss": 2.0, "accuracy": 0.6, "val_loss": 1.5, "val_accuracy": 0.5, "lr": 0.05},
        {"epoch": 3, "loss": 1.0, "accuracy": 0.8, "val_loss": 2.5, "val_accuracy": 0.6, "lr": 0.01},
    ]
    return training.History(rows=rows)


def bowl(x, y):
    return x**2 + 3 * y**2


RACERS = {"SGD": lambda p: optim.SGD(p, lr=0.1), "Adam": lambda p: optim.Adam(p, lr=0.1)}

# Each picture as a user would make it, of scalars and of arrays where both exist.
PICTURES = {
    "boundary of Values": lambda **k: plots.decision_boundary(scalar_model(), X_MOONS, Y_SIGNS, **k),
    "boundary of Tensors": lambda **k: plots.decision_boundary(tensor_model(), X_MOONS, Y_MOONS, **k),
    "boundary of classes": lambda **k: plots.decision_boundary(tensor_model(3), X_MOONS, Y_MOONS, **k),
    "neurons": lambda **k: plots.decision_boundary(tensor_model(), X_MOONS, Y_MOONS, show_neurons=True, **k),
    "history": lambda **k: plots.history(with_history(), log=True, **k),
    "compare": lambda **k: plots.compare_histories({"one": with_history(), "two": with_history().rows}, **k),
    "ratio of Tensors": lambda **k: plots.update_ratio(trained(tensor_model())[1], **k),
    "ratio of Values": lambda **k: plots.update_ratio(trained(scalar_model(), 2)[1], **k),
    "weights of Values": lambda **k: plots.weights(scalar_model(), **k),
    "weights of Tensors": lambda **k: plots.weights(tensor_model(), **k),
    "activations of Values": lambda **k: plots.activations(scalar_model(), X_MOONS[:5], **k),
    "activations of Tensors": lambda **k: plots.activations(tensor_model(), X_MOONS, **k),
    "gradients of Values": lambda **k: plots.gradients(with_gradients(scalar_model()), **k),
    "gradients of Tensors": lambda **k: plots.gradients(with_gradients(tensor_model()), **k),
    "flow of Values": lambda **k: plots.gradient_flow(with_gradients(scalar_model()), **k),
    "flow of Tensors": lambda **k: plots.gradient_flow(with_gradients(tensor_model()), **k),
    "functions": lambda **k: plots.activation_functions(**k),
    "gradcheck of Values": lambda **k: plots.plot_gradcheck(lambda x: x.sin() * x, 0.7, **k),
    "gradcheck of Tensors": lambda **k: plots.plot_gradcheck(lambda x: x.tanh().sum(), np.ones(3), **k),
    "confusion": lambda **k: plots.confusion([0, 1, 2, 2], [0, 1, 1, 2], **k),
    "attention": lambda **k: plots.attention([[0.9, 0.1], [0.2, 0.8]], ["a", "b"], ["x", "y"], **k),
    "predictions": lambda **k: plots.predictions_1d(nn.MLP(1, [3, 1], seed=0), X_LINE, Y_LINE, truth=np.square, **k),
    "grid": lambda **k: plots.image_grid(IMAGES[:12], DIGITS[:12], DIGITS[:12], **k),
    "landscape of two": lambda **k: plots.loss_landscape(*two_numbers(), **k),
    "landscape": lambda **k: plots.loss_landscape(*with_loss(tensor_model()), resolution=5, **k),
    "race": lambda **k: plots.optimizer_race(bowl, RACERS, (2.0, 1.0), steps=10, **k),
    "rates of Values": lambda **k: plots.lr_finder(
        scalar_model(), (X_MOONS, Y_SIGNS), nn.mse_loss, batch_size=4, steps=20, **k
    ),
    "rates of Tensors": lambda **k: plots.lr_finder(tensor_model(), (X_MOONS, Y_SIGNS), nn.mse_loss, **k),
}


def with_loss(model):
    return model, lambda: moons_loss(model)


def two_numbers():
    w, b = Value(1.0, label="w"), Value(0.5, label="b")
    return [w, b], lambda: (3 * w + b - 6) ** 2 + b**2


def texts(ax):
    return [text.get_text() for text in ax.texts]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def line(ax, label):
    return next(line for line in ax.lines if line.get_label() == label)


# -- every picture -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_on_given_axes_makes_no_figure(name, ax, capsys):
    assert PICTURES[name](ax=ax) is ax
    assert plt.get_fignums() == []
    ax.figure.savefig(io.BytesIO())
    assert ax.has_data()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_without_axes_gets_one_small_figure(name):
    ax = PICTURES[name]()
    assert isinstance(ax, Axes)
    assert len(plt.get_fignums()) == 1
    width, height = ax.figure.get_size_inches()
    assert 2 < width <= 9
    assert 1 < height <= 9
    ax.figure.savefig(io.BytesIO())  # warnings about fonts, layout or labels are errors here


@pytest.mark.parametrize("name", PICTURES)
def test_text_has_the_colour_of_the_style(name):
    with plt.style.context("dark_background"):
        ax = PICTURES[name]()
        ax.figure.savefig(io.BytesIO())
    written = [*texts(ax), ax.get_title(), ax.get_xlabel()]
    assert any(written)
    shown = [ax.title, ax.xaxis.label, *(ax.get_legend().get_texts() if ax.get_legend() else [])]
    assert {to_hex(text.get_color()) for text in shown} == {"#ffffff"}
    if name not in ("confusion", "attention"):  # their numbers are on coloured fields
        assert {to_hex(text.get_color()) for text in ax.texts} <= {"#ffffff"}


@pytest.mark.parametrize("name", [name for name in PICTURES if name != "grid"])
def test_axes_have_names_and_a_title(name):
    ax = PICTURES[name]()
    assert ax.get_title()
    assert ax.get_xlabel()
    if not name.startswith(("weights", "activations", "gradients", "flow")):  # their rows have names themselves
        assert ax.get_ylabel()


@pytest.mark.parametrize("name", PICTURES)
def test_the_legend_hides_no_data(name):
    ax = PICTURES[name]()
    ax.figure.draw_without_rendering()
    if ax.get_legend():
        box, label = ax.get_legend().get_window_extent(), ax.xaxis.label.get_window_extent()
        assert box.y1 <= label.y0 + 1
        assert box.x0 >= 0
        assert box.x1 <= ax.figure.bbox.x1


def test_ax_must_be_axes():
    with pytest.raises(TypeError, match=r"choose one, axes\[0\]"):
        plots.weights(scalar_model(), ax=Figure().subplots(1, 2))


def test_a_refused_picture_leaves_no_empty_figure():
    for draw in (lambda: plots.history([]), lambda: plots.confusion([0], [0, 1])):
        with pytest.raises(ValueError, match=r"."):
            draw()
    assert plt.get_fignums() == []


# -- models are left as they were ----------------------------------------------------------------------------


def everything(model):
    """All that a picture could change, comparable."""
    parameters = [(name, np.array(p.data).tolist(), id(p.grad), np.array(p.grad, object).tolist(), p.requires_grad)
                  for name, p in model.named_parameters()]  # fmt: skip
    return parameters, [(m.training, m._forward_hooks) for m in model.modules()], random.getstate()


LOOKS = {
    "boundary": lambda m: plots.decision_boundary(m, X_MOONS, Y_SIGNS, show_neurons=True),
    "weights": plots.weights,
    "gradients": plots.gradients,
    "flow": plots.gradient_flow,
    "activations": lambda m: plots.activations(m, X_MOONS),
    "rates": lambda m: plots.lr_finder(m, (X_MOONS, Y_SIGNS), nn.mse_loss, steps=15, batch_size=5),
    "landscape": lambda m: plots.loss_landscape(
        m,
        lambda: nn.mse_loss(m(X_MOONS), Y_SIGNS[:, None]) if not isinstance(m, nn.MLP) else m(X_MOONS[0]),
        resolution=4,
    ),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("make", [scalar_model, tensor_model])
def test_looking_changes_nothing(look, make):
    model = with_gradients(make())
    next(p for _, p in model.named_parameters()).requires_grad = False
    model.modules()[1].training = False  # a mixture, to be kept as it is
    before = everything(model)
    LOOKS[look](model)
    assert everything(model) == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_weights_come_back_when_a_landscape_is_interrupted(error):
    model, calls = with_gradients(tensor_model()), []
    before = everything(model)

    def loss():
        calls.append(moons_loss(model))
        if len(calls) == 7:
            raise error
        return calls[-1]

    with pytest.raises(error):
        plots.loss_landscape(model, loss)
    assert everything(model) == before

    calls.clear()
    with pytest.raises(error):
        plots.lr_sweep(model, (X_MOONS, Y_SIGNS), lambda output, target: loss())
    assert len(calls) == 7
    assert everything(model) == before


class Counting(nn.Module):
    """A layer with a buffer that grows while training, as a batch norm's running mean does."""

    def __init__(self):
        self.calls = np.zeros(1)

    def forward(self, x):
        self.calls += self.training
        return x


def test_buffers_come_back():
    model = nn.Sequential(nn.Linear(2, 1), Counting())
    plots.lr_finder(model, (X_MOONS, Y_SIGNS), nn.mse_loss, steps=10)
    assert model[1].calls == 0


@pytest.mark.parametrize("look", ["boundary", "activations", "landscape"])
def test_no_graph_is_recorded(look):
    model, recorded = tensor_model(), []
    model.register_forward_hook(lambda module, inputs, output: recorded.append(output.requires_grad))
    LOOKS[look](model)
    assert set(recorded) == {False}


def test_hooks_are_removed_when_the_model_fails():
    model = tensor_model()
    with pytest.raises(ValueError, match=r"can't take these samples, of shape \(3, 5\)"):
        plots.activations(model, np.ones((3, 5)))
    assert all(m._forward_hooks == () for m in model.modules())
    assert model.training


# -- decision boundary ---------------------------------------------------------------------------------------


def test_boundary_colours_each_side_by_its_class(ax):
    X, y = [[-1, 0], [1, 0], [2, 1]], [-1, 1, 1]
    plots.decision_boundary(lambda x: 50 * x[..., 0], X, y, ax=ax, resolution=21)
    rgba = ax.images[0].get_array()
    assert rgba.shape == (21, 21, 4)
    assert to_hex(rgba[10, 0, :3]) == "#0072b2"
    assert to_hex(rgba[10, -1, :3]) == "#e69f00"
    assert rgba[10, 0, 3] > 0.4  # certain
    (path,) = ax.collections[2].get_paths()  # after the points of the two classes
    np.testing.assert_allclose(path.vertices[:, 0], 0.0, atol=1e-12)
    assert ax.get_xlim() == (-1.45, 2.45)
    assert legend(ax) == ["class −1", "class 1", "boundary: output 0", "output −1 and 1"]
    assert texts(ax) == ["100% of the 3 points on the right side"]


def test_classes_differ_by_marker_as_well_as_colour(ax):
    plots.decision_boundary(tensor_model(3), X_MOONS, np.arange(40) % 3, ax=ax)
    markers = [tuple(map(tuple, scatter.get_paths()[0].vertices)) for scatter in ax.collections[:3]]
    assert len(set(markers)) == 3
    assert legend(ax) == ["class 0", "class 1", "class 2", "boundary"]


def test_the_surest_class_wins_and_a_tie_is_pale(ax):
    scores = lambda x: np.stack([9 * x[:, 0], -9 * x[:, 0], 0 * x[:, 0] - 99], axis=1)
    plots.decision_boundary(scores, [[-1, 0], [1, 0]], [1, 0], ax=ax, resolution=11)
    alpha = ax.images[0].get_array()[..., 3]
    assert alpha[5, 0] > 0.4
    assert alpha[5, 5] < 0.31  # half and half of three classes
    assert texts(ax) == ["100% of the 2 points on the right side"]


@pytest.mark.parametrize(
    ("scale", "shift", "labels", "cut"),
    [
        (1, 0.0, (0, 1), "0.5"),  # within 0 and 1: probabilities
        (9, -4.0, (0, 1), "0"),  # scores
        (1.2, -0.1, (0, 1), "0.5"),  # outputs drawn to the labels 0 and 1
        (1, 0.0, (-1, 1), "0"),
    ],
)
def test_the_number_between_the_classes(scale, shift, labels, cut, ax):
    X = [[0, 0], [0.2, 1], [0.8, 0], [1, 1]]
    y = [labels[int(x > 0.5)] for x, _ in X]
    plots.decision_boundary(lambda x: scale * x[0] + shift, X, y, ax=ax)
    assert f"boundary: output {cut}" in legend(ax)


def test_boundary_may_be_said(ax):
    plots.decision_boundary(lambda x: x[0], [[0, 0], [1, 1]], [0, 1], ax=ax, boundary=0.25)
    assert "boundary: output 0.25" in legend(ax)


def test_scalars_and_their_twin_give_the_same_picture():
    scalar = scalar_model()
    pictures = [
        plots.decision_boundary(m, X_MOONS, Y_SIGNS, resolution=20).images[0].get_array()
        for m in (scalar, scalar.to_sequential(), scalar.scalar_twin())
    ]
    np.testing.assert_allclose(pictures[0], pictures[1], atol=1e-12)
    np.testing.assert_allclose(pictures[0], pictures[2], atol=1e-12)


def test_a_subclass_that_computes_something_else_is_asked_itself(ax):
    class Opposite(nn.MLP):
        def forward(self, x):
            return -super().forward(x)

    pictures = [
        plots.decision_boundary(kind(2, [3, 1], seed=0), X_MOONS, Y_SIGNS, resolution=9).images[0].get_array()
        for kind in (nn.MLP, Opposite)
    ]
    assert not np.allclose(pictures[0], pictures[1])
    assert pictures[1].shape[:2] == (9, 9)


def test_a_model_that_is_asked_point_by_point_gets_a_coarser_grid(ax):
    class Single(nn.Module):
        def __init__(self):
            self.w = [Value(1.0), Value(-1.0)]

        def forward(self, x):
            return self.w[0] * x[0] + self.w[1] * x[1]

    plots.decision_boundary(Single(), X_MOONS, Y_SIGNS, ax=ax)
    assert ax.images[0].get_array().shape[:2] == (30, 30)
    assert plots.decision_boundary(scalar_model(), X_MOONS, Y_SIGNS).images[0].get_array().shape[:2] == (60, 60)


def test_dropout_is_off_and_single_precision_is_kept(ax):
    model = nn.Sequential(nn.Linear(2, 8, dtype=np.float32), nn.Dropout(0.9), nn.Linear(8, 1, dtype=np.float32))
    seen = []
    model[0].register_forward_hook(lambda m, args, y: seen.append(args[0].dtype))
    first = plots.decision_boundary(model, X_MOONS, Y_MOONS, ax=ax).images[0].get_array()
    again = plots.decision_boundary(model, X_MOONS, Y_MOONS).images[0].get_array()
    assert np.array_equal(first, again)
    assert set(seen) == {np.dtype(np.float32)}


def test_neurons_are_lines_where_their_sum_is_zero(ax):
    model = scalar_model()
    for n in model.layers[0].neurons:
        n.b.data = 0.3
    plots.decision_boundary(model, X_MOONS, Y_SIGNS, ax=ax, show_neurons=True)
    assert len(ax.lines) == 5
    for drawn, n in zip(ax.lines, model.layers[0].neurons, strict=True):
        for x, y in (drawn.get_xy1(), drawn.get_xy2()):
            assert abs(n.w[0].data * x + n.w[1].data * y + 0.3) < 1e-12
    assert "a first-layer neuron's sum is 0" in legend(ax)


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (np.ones((4, 3)), [0, 1, 0, 1], r"X must have shape \(samples, 2\).*got shape \(4, 3\)"),
        (np.ones(4), [0, 1, 0, 1], r"got shape \(4,\)"),
        (np.full((2, 2), np.nan), [0, 1], "nan or infinite"),
        (X_MOONS, Y_MOONS[:-1], r"one number for each of the 40 samples; got shape \(39,\)"),
        (X_MOONS, 0 * Y_MOONS, "holds one class only, 0"),
        (X_MOONS, np.arange(40) % 3, "y has 3: the model needs one output for each class"),
    ],
)
def test_data_that_has_no_boundary(X, y, words):
    with pytest.raises(ValueError, match=words):
        plots.decision_boundary(tensor_model(), X, y)


def test_models_that_have_no_boundary():
    with pytest.raises(ValueError, match=r"can't take samples of 2 number\(s\) each; it says"):
        plots.decision_boundary(nn.Sequential(nn.Linear(3, 1)), X_MOONS, Y_MOONS)
    with pytest.raises(
        ValueError, match=r"can't take samples of 2 number\(s\) each; it says: linear: the input has shape"
    ):
        plots.decision_boundary(nn.MLP(3, [1], seed=0), X_MOONS, Y_MOONS)
    with pytest.raises(ValueError, match="class numbers from 0 to 2; y holds -1, 1"):
        plots.decision_boundary(tensor_model(3), X_MOONS, Y_SIGNS)
    with pytest.raises(ValueError, match="answers are nan or infinite"):
        plots.decision_boundary(lambda x: float("nan"), X_MOONS, Y_MOONS)
    with pytest.raises(ValueError, match="first layer is an"):
        plots.decision_boundary(lambda x: x[0], X_MOONS, Y_MOONS, show_neurons=True)
    with pytest.raises(TypeError, match="something to call"):
        plots.decision_boundary(nn.MLP, X_MOONS, Y_MOONS)
    with pytest.raises(TypeError, match="y must hold numbers"):
        plots.decision_boundary(tensor_model(), X_MOONS, ["cat", "dog"] * 20)
    with pytest.raises(ValueError, match="resolution is a number of points"):
        plots.decision_boundary(tensor_model(), X_MOONS, Y_MOONS, resolution=1)


# -- histories -----------------------------------------------------------------------------------------------


def test_history_draws_loss_metrics_rate_and_the_best_epoch(ax):
    plots.history(with_history(), ax=ax)
    assert legend(ax) == [
        "loss", "validation loss", "best: epoch 2, 1.5", "accuracy", "validation accuracy",
        "learning rate, 0.1 to 0.01",
    ]  # fmt: skip
    assert line(ax, "loss").get_ydata().tolist() == [3.0, 2.0, 1.0]
    assert line(ax, "validation loss").get_linestyle() == "--"
    assert line(ax, "best: epoch 2, 1.5").get_xydata().tolist() == [[2, 1.5]]
    _, beside, hidden = ax.figure.axes
    assert beside.get_ylabel() == "accuracy"
    assert line(beside, "accuracy").get_ydata().tolist() == [0.4, 0.6, 0.8]
    assert not hidden.axison
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("epoch", "loss", "linear")


def test_history_of_some_columns(ax):
    plots.history(with_history(), "accuracy", ax=ax)
    assert legend(ax) == ["accuracy", "validation accuracy", "best: epoch 3, 0.6"]  # the highest
    assert len(ax.figure.axes) == 1
    log = plots.history(with_history().rows, "loss", "lr", log=True)
    assert (log.get_yscale(), log.get_ylabel()) == ("log", "loss (log scale)")


def test_a_constant_learning_rate_is_not_drawn(ax):
    history, _ = trained(tensor_model())
    plots.history(history, ax=ax)
    assert [text.split(":")[0] for text in legend(ax)] == ["loss", "best"]


def test_one_epoch_is_a_dot_that_can_be_seen(ax):
    plots.history([{"epoch": 1, "loss": 2.0}], ax=ax)
    assert line(ax, "loss").get_marker() == "o"
    assert ax.get_xlim() == (0, 2)


def test_histories_that_cannot_be_drawn():
    with pytest.raises(ValueError, match="history is empty, so there is nothing to draw: train for one epoch"):
        plots.history(training.History())
    with pytest.raises(KeyError, match="no column 'acuracy' in this history; there are loss, accuracy"):
        plots.history(with_history(), "acuracy")
    with pytest.raises(TypeError, match="what training leaves behind"):
        plots.history([0.5, 0.4])
    with pytest.raises(ValueError, match="log=True needs numbers above 0"):
        plots.history([{"epoch": 1, "loss": -1.0}], log=True)
    with pytest.raises(ValueError, match="one history at least"):
        plots.compare_histories({})
    with pytest.raises(KeyError, match="no column 'f1' in the history 'a'"):
        plots.compare_histories({"a": with_history()}, "f1")


def test_lines_on_top_of_each_other_are_all_seen(ax):
    plots.compare_histories({"a": with_history(), "b": with_history(), "c": with_history()}, ax=ax)
    widths = [drawn.get_linewidth() for drawn in ax.lines]
    assert widths == sorted(widths, reverse=True)
    assert (
        len({(drawn.get_linestyle(), to_hex(drawn.get_color()), w) for drawn, w in zip(ax.lines, widths, strict=True)})
        == 3
    )
    assert legend(ax) == ["a", "b", "c"]


def test_update_ratio_is_that_of_the_recorder(ax):
    _, recorder = trained(tensor_model(), keep="statistics")
    plots.update_ratio(recorder, ax=ax)
    assert legend(ax) == ["0.weight", "0.bias", "3.weight", "3.bias", "a thousandth"]
    np.testing.assert_allclose(line(ax, "0.weight").get_ydata(), np.log10(recorder.series("0.weight", "ratio")))
    assert line(ax, "a thousandth").get_ydata() == [-3, -3]
    assert ax.get_ylim()[0] < -3


def test_single_values_are_taken_together_list_by_list(ax):
    model = scalar_model()
    _, recorder = trained(model, epochs=1)
    plots.update_ratio(recorder, ax=ax)
    assert legend(ax) == ["layers.0.w", "layers.1.w", "a thousandth"]  # the biases were 0
    rows = [row for row in recorder.rows if ".w." in row["parameter"] and row["parameter"].startswith("layers.0")]
    by_hand = math.sqrt(sum(r["update_norm"] ** 2 for r in rows) / sum(r["weight_norm"] ** 2 for r in rows))
    np.testing.assert_allclose(line(ax, "layers.0.w").get_ydata(), [math.log10(by_hand)])


def test_a_wild_ratio_does_not_flatten_the_others(ax):
    rows = [{"step": s, "parameter": "w", "weight_norm": w, "update_norm": 0.1} for s, w in ((1, 1.0), (2, 1e-16))]
    plots.update_ratio(rows, ax=ax)
    assert ax.get_ylim()[1] < 2


def test_ratios_that_cannot_be_drawn():
    with pytest.raises(ValueError, match="the recorder is empty"):
        plots.update_ratio(training.Recorder())
    with pytest.raises(ValueError, match=r"needs the rows of a training.Recorder; these have epoch"):
        plots.update_ratio(with_history())
    with pytest.raises(ValueError, match="is the learning rate 0"):
        plots.update_ratio([{"step": 1, "parameter": "w", "weight_norm": 1.0, "update_norm": 0.0}])


# -- inside --------------------------------------------------------------------------------------------------


def rows_of(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_weights_have_a_row_a_parameter_the_first_on_top(ax):
    model = tensor_model()
    plots.weights(model, ax=ax)
    assert rows_of(ax) == ["0.weight", "0.bias", "3.weight", "3.bias"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    assert f"std {model[0].weight.numpy().std():.2g}" in texts(ax)
    assert "25 numbers" in texts(ax)
    low, high = ax.get_xlim()
    assert low < min(p.numpy().min() for p in model.parameters())
    assert high > max(p.numpy().max() for p in model.parameters())
    assert len(ax.patches) == 4


def test_a_row_of_equal_numbers_is_seen(ax):
    model = tensor_model()
    model[0].bias.data = np.zeros(6)
    plots.weights(model, ax=ax)
    edges = ax.patches[1].get_data().edges
    assert edges[0] < 0 < edges[-1]
    assert edges[-1] - edges[0] > 0.005 * np.diff(ax.get_xlim())[0]


def test_activations_tell_saturated_and_dead(ax):
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Flatten(), nn.Dropout(0.5), nn.Linear(2, 3), nn.ReLU())
    model[0].weight.data, model[0].bias.data = np.array([[100.0, 0.0], [0.0, 0.001]]), np.zeros(2)
    model[4].weight.data, model[4].bias.data = np.zeros((3, 2)), np.array([-1.0, 1.0, 2.0])
    plots.activations(model, [[1.0, 1.0], [-1.0, 2.0]], ax=ax)
    assert rows_of(ax) == ["0 Linear", "1 Tanh", "4 Linear", "5 ReLU"]
    assert texts(ax)[1] == "50% saturated"
    assert texts(ax)[3] == "33% at 0, 1 of 3 dead"
    assert texts(ax)[4] == "2 samples; a ReLU's zeros are counted, not drawn"


def test_activations_of_a_wholly_dead_layer(ax):
    model = nn.Sequential(nn.ReLU())
    plots.activations(model, [[-1.0, -2.0]], ax=ax)
    assert texts(ax)[0] == "100% at 0, 2 of 2 dead"


def test_activations_of_scalars_and_arrays_agree():
    scalar = nn.MLP(2, [5, 4, 1], activation="relu", seed=3)
    one, many = plots.activations(scalar, X_MOONS), plots.activations(scalar.to_sequential(), X_MOONS)
    assert rows_of(one) == ["layers.0 Layer", "layers.1 Layer", "layers.2 Layer"]
    of_relus = [text for text in texts(many) if "at 0" in text]
    assert texts(one)[:2] == of_relus


def test_gradient_flow_has_mean_and_largest(ax):
    model = with_gradients(tensor_model())
    model[3].bias.grad = np.zeros(1)
    plots.gradient_flow(model, ax=ax)
    sizes = [np.abs(p.grad) for p in model.parameters()[:3]]
    np.testing.assert_allclose(line(ax, "mean |gradient|").get_xdata(), [g.mean() for g in sizes])
    np.testing.assert_allclose(line(ax, "largest |gradient|").get_xdata(), [g.max() for g in sizes])
    assert "0 everywhere" in texts(ax)
    assert rows_of(ax) == ["0.weight", "0.bias", "3.weight", "3.bias"]


def test_gradients_beside_the_weights(ax):
    model = with_gradients(tensor_model())
    plots.gradients(model, ax=ax)
    weight = model[0].weight
    assert texts(ax)[0] == f"std {weight.grad.std():.2g} ({weight.grad.std() / weight.numpy().std():.1%})"


def test_what_has_no_inside():
    for draw in (plots.gradients, plots.gradient_flow):
        for model in (scalar_model(), tensor_model()):
            with pytest.raises(ValueError, match=r"call loss.backward\(\) first"):
                draw(model)
    for draw in (plots.weights, plots.gradients, lambda m: plots.activations(m, X_MOONS)):
        with pytest.raises(TypeError, match="looks inside a model"):
            draw(lambda x: x)
    with pytest.raises(ValueError, match="ReLU has no parameters"):
        plots.weights(nn.ReLU())
    model = tensor_model()
    model[0].weight.data = np.full((6, 2), np.inf)
    with pytest.raises(ValueError, match="has training diverged"):
        plots.weights(model)
    with pytest.raises(ValueError, match="bins is the number of columns"):
        plots.weights(tensor_model(), bins=0)
    with pytest.raises(ValueError, match="can't take these samples"):
        plots.activations(scalar_model(), [[1.0, 2.0, 3.0]])


# -- functions -----------------------------------------------------------------------------------------------


def test_functions_come_from_the_table(ax, monkeypatch):
    from micrograd_plus.engine import TABLE

    monkeypatch.setitem(TABLE, "tanh", Unary("tanh", lambda x: 2 * x, lambda y, x: 2))
    plots.activation_functions("tanh", ax=ax)
    assert line(ax, "tanh").get_ydata()[0] == -8.0
    assert set(line(ax, "slope of tanh").get_ydata()) == {2.0}


@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid", "gelu", "silu", "softplus", "sin", "leaky_relu", "elu"])
def test_slopes_are_those_of_backward(name, ax):
    plots.activation_functions(name, ax=ax, low=-2, high=3)
    x = Tensor(line(ax, name).get_xdata())
    y = getattr(x, name)()
    y.sum().backward()
    np.testing.assert_allclose(line(ax, name).get_ydata(), y.numpy(), atol=1e-12)
    np.testing.assert_allclose(line(ax, f"slope of {name}").get_ydata(), x.grad, atol=1e-12)


def test_a_users_own_row_and_a_plain_function(ax):
    import math as m

    softplus2 = Unary("softplus2", lambda x: mg.log(1 + mg.exp(x)), lambda y, x: mg.sigmoid(x))
    one_by_one = Unary("mine", lambda x: m.exp(-x), lambda y, x: -y)

    def swish(x):
        return x * mg.sigmoid(x)

    plots.activation_functions(softplus2, one_by_one, swish, ax=ax)
    assert legend(ax) == ["softplus2", "mine", "swish", "slope (dy/dx)"]
    xs = line(ax, "mine").get_xdata()
    np.testing.assert_allclose(line(ax, "slope of mine").get_ydata(), -np.exp(-xs))
    plots.activation_functions("silu", ax=ax)
    np.testing.assert_allclose(
        line(ax, "slope of swish").get_ydata(), line(ax, "slope of silu").get_ydata(), atol=1e-12
    )


def test_gaps_and_steep_places(ax):
    plots.activation_functions("log", "exp", ax=ax)
    assert np.isnan(line(ax, "log").get_ydata()[:200]).all()
    assert np.isnan(line(ax, "slope of log").get_ydata()[:200]).all()
    assert ax.get_ylim()[1] == pytest.approx(4.2)


def test_slopes_may_be_left_out(ax):
    plots.activation_functions("tanh", slopes=False, ax=ax)
    assert [drawn.get_label() for drawn in ax.lines] == ["tanh"]
    assert ax.get_ylabel() == "y"


def test_the_error_of_differences_is_a_u(ax):
    x = Value(1.0)
    plots.plot_gradcheck(lambda x: x.exp(), x, ax=ax)
    central, complex_step = line(ax, "central difference"), line(ax, "complex step")
    errors = central.get_ydata()
    assert 5 < errors.argmin() < len(errors) - 15
    assert errors[0] > 1e3 * errors.min() < errors[-1]
    assert complex_step.get_ydata()[-1] < 1e-15
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (x.data, x.grad) == (1.0, 0.0)


def test_without_a_complex_step_its_line_is_left_out(ax):
    plots.plot_gradcheck(lambda x: x.tanh().sum(), np.ones(3), ax=ax)
    assert legend(ax) == ["one-sided difference", "central difference"]
    with pytest.raises(ValueError, match="steps is the number"):
        plots.plot_gradcheck(lambda x: x.tanh(), 1.0, steps=1)


def test_functions_that_are_none():
    with pytest.raises(ValueError, match=r"no operation 'swishh' in the table; there are .*leaky_relu"):
        plots.activation_functions("swishh")
    with pytest.raises(TypeError, match="`maximum` has several inputs"):
        plots.activation_functions(mg.maximum)
    with pytest.raises(TypeError, match="or something to call"):
        plots.activation_functions(3)
    with pytest.raises(ValueError, match="low must be below high"):
        plots.activation_functions(low=1, high=1)


# -- results -------------------------------------------------------------------------------------------------


def test_confusion_counts(ax):
    scores = np.eye(3)[[0, 1, 1, 2, 0]]
    plots.confusion(Tensor(scores), [0, 1, 1, 1, 2], names=["ant", "bee", "cow"], ax=ax)
    assert texts(ax)[:9] == ["1", "0", "0", "0", "2", "1", "1", "0", "0"]
    np.testing.assert_allclose(ax.images[0].get_array()[1], [0, 2 / 3, 1 / 3])
    assert rows_of(ax) == ["ant", "bee", "cow"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("what the model said", "what is right")
    assert "60.0% of 5 right" in texts(ax)


def test_confusion_of_signs_and_of_columns(ax):
    plots.confusion([[-1], [1], [1]], np.array([[-1.0], [-1.0], [1.0]]), ax=ax)
    assert rows_of(ax) == ["-1", "1"]
    assert texts(ax)[:4] == ["1", "1", "0", "1"]


def test_confusion_refuses():
    with pytest.raises(ValueError, match=r"one label for each output: outputs \(2,\), labels \(3,\)"):
        plots.confusion([0, 1], [0, 1, 1])
    with pytest.raises(ValueError, match="make classes first: scores > 0"):
        plots.confusion([0.3, 0.7], [0, 1])
    with pytest.raises(ValueError, match="names has 1 names, but there are 2 classes"):
        plots.confusion([0, 1], [0, 1], names=["one"])


@pytest.mark.parametrize("shape", [(12,), (12, 1)])
def test_predictions_draw_the_model(shape, ax):
    model = nn.MLP(1, [3, 1], seed=0)
    plots.predictions_1d(model, X_LINE.reshape(shape), Y_LINE.reshape(shape), ax=ax, truth=lambda x: 0.5)
    curve = line(ax, "model")
    for i in (0, 77, 199):
        assert curve.get_ydata()[i] == pytest.approx(model([curve.get_xdata()[i]]).data)
    assert ax.collections[0].get_offsets().shape == (12, 2)
    assert legend(ax) == ["data", "model", "truth"]


def test_predictions_refuse():
    with pytest.raises(ValueError, match=r"X must have shape \(n,\) or \(n, 1\), got \(40, 2\)"):
        plots.predictions_1d(tensor_model(), X_MOONS, Y_MOONS)
    with pytest.raises(ValueError, match="this model gives 2 numbers a sample"):
        plots.predictions_1d(nn.Sequential(nn.Linear(1, 2)), X_LINE, Y_LINE)
    with pytest.raises(ValueError, match=r"can't take samples of 1 number\(s\) each"):
        plots.predictions_1d(tensor_model(), X_LINE, Y_LINE)


def test_images_that_are_misread_have_a_frame_and_words(ax):
    said = DIGITS[:12].copy()
    said[4] = (said[4] + 1) % 10
    plots.image_grid(IMAGES[:12], DIGITS[:12], np.eye(10)[said], ax=ax, columns=5)
    assert len(ax.images) == 12
    assert ax.images[0].get_array().shape == (8, 8)
    assert texts(ax)[3] == str(DIGITS[3])
    assert texts(ax)[4] == f"{said[4]}, is {DIGITS[4]}"
    (frame,) = ax.patches
    left, _, _, top = ax.images[4].get_extent()
    assert (frame.get_x(), frame.get_y()) == (left, top)
    assert ax.texts[4].get_weight() == "bold"
    tops = sorted({image.get_extent()[3] for image in ax.images})
    assert len(tops) == 3  # rows


def test_images_may_be_coloured_or_without_labels(ax):
    plots.image_grid(np.full((2, 4, 4, 3), 255), ax=ax)
    assert texts(ax) == ["", ""]
    assert ax.images[0].get_array().max() == 1
    named = plots.image_grid(IMAGES[:1], [0], names=["nought"])
    assert texts(named) == ["nought"]


def test_images_refuse():
    with pytest.raises(ValueError, match=r"images must have shape .*got \(2, 7\)"):
        plots.image_grid(np.ones((2, 7)))
    with pytest.raises(ValueError, match=r"labels must hold one class for each of the 2 images; got shape \(3,\)"):
        plots.image_grid(np.ones((2, 4)), [1, 2, 3])
    with pytest.raises(ValueError, match="columns must be a whole number"):
        plots.image_grid(np.ones((2, 4)), columns=0)


# -- landscape -----------------------------------------------------------------------------------------------


def surface_of(monkeypatch, draw):
    """The grid that is drawn: xs, ys, values."""
    from micrograd_plus.viz.plots import landscape

    seen, real = [], landscape.draw_surface
    monkeypatch.setattr(landscape, "draw_surface", lambda ax, *grid: (seen.append(grid), real(ax, *grid)))
    draw()
    return seen[0]


def test_two_numbers_show_their_true_loss(monkeypatch, ax):
    parameters, loss = two_numbers()
    xs, ys, values = surface_of(
        monkeypatch, lambda: plots.loss_landscape(parameters, loss, ax=ax, span=2, resolution=5)
    )
    assert (xs[0], xs[-1], ys[0], ys[-1]) == (-1.0, 3.0, -1.5, 2.5)
    np.testing.assert_allclose(values, (3 * xs + ys[:, None] - 6) ** 2 + ys[:, None] ** 2)
    assert line(ax, "now").get_xydata().tolist() == [[1.0, 0.5]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("w", "b")
    assert [p.data for p in parameters] == [1.0, 0.5]


def test_one_tensor_of_two_numbers_and_its_path(ax):
    w = Tensor([1.0, -1.0], label="w")
    path = plots.race(bowl, {"SGD": RACERS["SGD"]}, (3.0, 2.0), steps=5)["SGD"]
    plots.loss_landscape(w, lambda: (w * w).sum(), paths={"SGD": path}, ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("w[0]", "w[1]")
    np.testing.assert_allclose(line(ax, "SGD").get_xydata(), path[:, :2], atol=1e-12)
    assert ax.get_xlim()[0] < min(1.0, path[:, 0].min())
    assert ax.get_xlim()[1] > 3.0


def test_random_directions_are_as_long_as_each_neuron(monkeypatch):
    from micrograd_plus.viz.plots import landscape

    planes, real = [], landscape._random
    monkeypatch.setattr(landscape, "_random", lambda *args: planes.append(real(*args)) or planes[0])
    for model in (tensor_model(), nn.MLP(2, [6, 1], seed=0)):
        planes.clear()
        loss = (lambda m=model: moons_loss(m)) if not isinstance(model, nn.MLP) else (lambda m=model: m([1.0, 2.0]))
        ax = plots.loss_landscape(model, loss, resolution=3)
        if isinstance(model, nn.MLP):
            filters = [[3 * i, 3 * i + 1] for i in range(6)] + [list(range(18, 24))]
            biases = [3 * i + 2 for i in range(6)] + [24]
        else:
            filters = [[2 * i, 2 * i + 1] for i in range(6)] + [list(range(18, 24))]
            biases = [*range(12, 18), 24]
        for direction in (planes[0].first, planes[0].second):
            for f in filters:
                assert np.linalg.norm(direction[f]) == pytest.approx(np.linalg.norm(planes[0].origin[f]))
            assert not direction[biases].any()
        assert abs(planes[0].first @ planes[0].second) < 0.9 * np.linalg.norm(planes[0].first) ** 2
        assert "a 2-D slice through 25 dimensions, along random directions" in texts(ax)[0]


def test_the_middle_of_a_random_slice_is_the_loss_now(monkeypatch):
    model, loss = with_loss(tensor_model().eval())
    xs, _, values = surface_of(monkeypatch, lambda: plots.loss_landscape(model, loss, resolution=5))
    assert values[2, 2] == pytest.approx(loss().item())
    assert xs.tolist() == [-1, -0.5, 0, 0.5, 1]


def test_the_seed_chooses_the_slice(monkeypatch):
    model, loss = with_loss(tensor_model())
    state = random.getstate()
    first, again, other = (
        surface_of(monkeypatch, lambda s=s: plots.loss_landscape(model, loss, resolution=4, seed=s))[2]
        for s in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)
    assert random.getstate() == state


@pytest.mark.parametrize("make", [tensor_model, scalar_model])
def test_the_main_directions_hold_the_path(make, ax):
    model = make()
    _, recorder = trained(model, epochs=8)
    loss = (lambda: moons_loss(model)) if make is tensor_model else (lambda: model([0.5, 0.5]) ** 2)
    plots.loss_landscape(model, loss, paths={"SGD": recorder}, ax=ax, resolution=5)
    path = line(ax, "SGD").get_xydata()
    assert len(path) == 9  # before each of 8 steps, and after the last
    np.testing.assert_allclose(path[-1], line(ax, "now").get_xydata()[0], atol=1e-12)
    moved = np.abs(path[0] - path[-1]).max()
    full = [np.array(d["weight"]) for d in recorder.arrays[1].values()]
    distance = math.sqrt(
        sum(((np.array(p.data) - a) ** 2).sum() for p, a in zip(model.parameters(), full, strict=True))
    )
    assert 0.9 * distance < np.linalg.norm(path[0] - path[-1]) <= distance * (1 + 1e-9)
    assert moved > 0
    assert "main directions of the path:\nthey hold" in texts(ax)[0]
    x0, x1 = ax.get_xlim()
    assert x0 < path[:, 0].min()
    assert path[:, 0].max() < x1


def test_the_shares_of_the_main_directions(ax):
    w = Tensor([0.0, 0.0, 0.0])
    path = [[3.0, 0, 0], [-3.0, 0, 0], [0, 1.0, 0], [0, -1.0, 0]]
    plots.loss_landscape(w, lambda: (w * w).sum(), paths={"there and back": path}, ax=ax, resolution=5)
    assert texts(ax)[0].endswith("they hold 90% and 10% of its movement")


def test_paths_on_a_random_slice(ax):
    model, loss = with_loss(tensor_model())
    _, recorder = trained(model)
    plots.loss_landscape(model, loss, paths={"SGD": recorder}, directions="random", ax=ax, resolution=4)
    assert "random directions" in texts(ax)[0]
    assert len(line(ax, "SGD").get_xdata()) == 7


def test_a_loss_that_is_partly_infinite_is_drawn(ax):
    w, b = Value(1.0), Value(1.0)
    plots.loss_landscape([w, b], lambda: w.log() ** 2 + b**2, ax=ax, span=1.5, resolution=8)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("parameter 1", "parameter 2")


def test_landscapes_that_cannot_be_drawn():
    model, loss = with_loss(tensor_model())
    with pytest.raises(TypeError, match="must be a function that computes the loss anew"):
        plots.loss_landscape(model, loss())
    with pytest.raises(ValueError, match="the same everywhere"):
        plots.loss_landscape(model, lambda: Value(3.0))
    with pytest.raises(ValueError, match=r"one number, got shape \(40, 1\): take its .mean"):
        plots.loss_landscape(model, lambda: model(X_MOONS))
    with pytest.raises(ValueError, match="directions must be 'random' or 'pca'"):
        plots.loss_landscape(model, loss, directions="up")
    with pytest.raises(ValueError, match="'pca' needs paths"):
        plots.loss_landscape(model, loss, directions="pca")
    with pytest.raises(ValueError, match=r"Recorder\(keep='arrays'\)"):
        plots.loss_landscape(model, loss, paths={"SGD": trained(tensor_model(), keep="statistics")[1]})
    with pytest.raises(ValueError, match=r"watched another model: it has a parameter 'layers\.0\.neurons\.0\.w\.0'"):
        plots.loss_landscape(model, loss, paths={"SGD": trained(scalar_model(), 1)[1]})
    with pytest.raises(ValueError, match=r"shape \(steps, 25\), got shape \(3, 4\)"):
        plots.loss_landscape(model, loss, paths={"SGD": np.ones((3, 4))})
    with pytest.raises(ValueError, match="record three steps at least"):
        plots.loss_landscape(model, loss, paths={"SGD": np.ones((3, 25))})
    with pytest.raises(ValueError, match="two numbers at least"):
        plots.loss_landscape([Value(1.0)], lambda: Value(1.0))
    with pytest.raises(TypeError, match="a list of Values or Tensors"):
        plots.loss_landscape([1.0, 2.0], lambda: 1.0)
    with pytest.raises(ValueError, match="resolution is"):
        plots.loss_landscape(model, loss, resolution=2)
    with pytest.raises(ValueError, match="span must be"):
        plots.loss_landscape(model, loss, span=-1)


# -- race ----------------------------------------------------------------------------------------------------


def test_race_walks_as_the_optimiser_does():
    walk = plots.race(bowl, RACERS, (2.0, 1.0), steps=3)["SGD"]
    x, y = 2.0, 1.0
    for row in walk:
        assert row == pytest.approx([x, y, x**2 + 3 * y**2])
        x, y = x - 0.1 * 2 * x, y - 0.1 * 6 * y
    assert len(walk) == 4


def test_a_loss_that_only_tensors_can_compute(ax):
    X = np.array([0.0, 1.0, 2.0])

    def fit_line(w, b):
        return ((X * w + b - (2 * X + 1)) ** 2).mean()

    plots.optimizer_race(fit_line, {"Adam": lambda p: optim.Adam(p, lr=0.1)}, (0.0, 0.0), steps=200, ax=ax)
    (path,) = [drawn.get_xydata() for drawn in ax.lines if drawn.get_label().startswith("Adam")]
    assert path[-1] == pytest.approx([2.0, 1.0], abs=0.05)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("w", "b")


def test_one_that_leaves_does_not_spoil_the_picture(ax):
    racers = {"wild": lambda p: optim.SGD(p, lr=9.0), **RACERS}
    plots.optimizer_race(bowl, racers, (2.0, 1.0), steps=40, ax=ax)
    assert -5 < ax.get_xlim()[0] < ax.get_xlim()[1] < 5
    assert len(legend(ax)) == 3
    wild = plots.race(bowl, racers, (2.0, 1.0), steps=40)["wild"]
    assert np.isfinite(wild).all()
    assert len(wild) < 20


def test_a_race_that_all_leave_or_where_nothing_falls(ax):
    plots.optimizer_race(bowl, {"wild": lambda p: optim.SGD(p, lr=9.0)}, (2.0, 1.0), ax=ax)
    assert ax.get_xlim()[0] < 2 < ax.get_xlim()[1]
    flat = plots.optimizer_race(lambda x, y: 0 * x + 0 * y + 3, RACERS, (2.0, 1.0), steps=3)
    assert legend(flat) == ["SGD: 3", "Adam: 3"]


def test_a_walk_ends_where_the_loss_is_not_defined():
    walk = plots.race(lambda x, y: x.log() ** 2 + x + y * y, {"SGD": lambda p: optim.SGD(p, lr=2.0)}, (1.0, 1.0))["SGD"]
    assert walk[:, 0].tolist() == [1.0]


def test_limits_of_a_race(ax):
    plots.optimizer_race(bowl, RACERS, (2.0, 1.0), steps=4, xlim=(-3, 3), ylim=(-2, 2), ax=ax)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-3, 3), (-2, 2))
    assert "4 steps" in texts(ax)[0]


def test_races_that_cannot_start():
    with pytest.raises(TypeError, match="has no step"):
        plots.race(bowl, {"none": lambda p: None}, (1, 1))
    with pytest.raises(TypeError, match="a function of the parameters"):
        plots.race(bowl, {"made": optim.SGD([Value(1.0)], lr=0.1)}, (1, 1))
    with pytest.raises(TypeError, match="optimizers must be"):
        plots.race(bowl, [optim.SGD], (1, 1))
    with pytest.raises(ValueError, match="start must be two finite numbers"):
        plots.race(bowl, RACERS, (1, 2, 3))
    with pytest.raises(TypeError, match="made of our operations"):
        plots.race(lambda x, y: 3.0, RACERS, (1, 1))
    with pytest.raises(ValueError, match=r"the loss is inf at the start \[0.0, 1.0\]"):
        plots.race(lambda x, y: y / x, RACERS, (0, 1))
    with pytest.raises(ValueError, match="steps must be"):
        plots.race(bowl, RACERS, (1, 1), steps=0)


# -- learning rates ------------------------------------------------------------------------------------------


def test_the_sweep_is_plain_gradient_descent():
    model, by_hand = (nn.Sequential(nn.Linear(2, 1, seed=0)) for _ in range(2))
    sweep = plots.lr_sweep(model, (X_MOONS, Y_SIGNS), nn.mse_loss, low=0.01, high=0.1, steps=10, batch_size=40)
    losses = []
    for rate in np.geomspace(0.01, 0.1, 10):
        loss = moons_loss(by_hand)
        losses.append(loss.item())
        by_hand.zero_grad()
        loss.backward()
        for p in by_hand.parameters():
            p.data = p.data - rate * p.grad
    np.testing.assert_allclose(sweep.losses, losses)
    np.testing.assert_allclose(sweep.rates, np.geomspace(0.01, 0.1, 10))


def test_the_sweep_ends_when_the_loss_explodes(ax):
    model, given = tensor_model(), (X_MOONS, Y_SIGNS)
    sweep = plots.lr_sweep(model, given, nn.mse_loss, low=1e-4, high=1e4, batch_size=40)
    assert len(sweep.losses) < 100
    assert sweep.suggestion == pytest.approx(sweep.rates[sweep.smooth.argmin()] / 10)
    plots.lr_finder(model, given, nn.mse_loss, low=1e-4, high=1e4, batch_size=40, ax=ax)
    assert legend(ax) == ["loss of a batch", "smoothed", f"try {sweep.suggestion:.2g}: a tenth of the lowest point's"]
    assert line(ax, legend(ax)[-1]).get_xdata()[0] == sweep.suggestion
    training.fit(model, given, loss="mse", optimizer=optim.SGD(model.parameters(), lr=sweep.suggestion), progress=False)


def test_scalars_and_arrays_sweep_alike():
    scalar = scalar_model()
    settings = {"batch_size": 7, "steps": 12, "high": 0.5}
    one = plots.lr_sweep(scalar, (X_MOONS.tolist(), Y_SIGNS.tolist()), nn.mse_loss, **settings)
    many = plots.lr_sweep(scalar.to_sequential(), (X_MOONS, Y_SIGNS), nn.mse_loss, **settings)
    np.testing.assert_allclose(one.losses, many.losses)


def test_sweep_of_classes():
    sweep = plots.lr_sweep(nn.Sequential(nn.Linear(64, 10, seed=0)), (IMAGES, DIGITS), nn.cross_entropy)
    assert sweep.losses[0] == pytest.approx(math.log(10), rel=0.2)


def test_sweeps_that_cannot_run():
    model, given = tensor_model(), (X_MOONS, Y_SIGNS)
    with pytest.raises(TypeError, match=r"a function loss\(output, target\), such as nn.mse_loss; got 'mse'"):
        plots.lr_finder(model, given, "mse")
    with pytest.raises(ValueError, match="begin with a smaller rate"):
        plots.lr_finder(model, given, lambda o, t: nn.mse_loss(o, t) * math.inf)
    with pytest.raises(ValueError, match="rates must grow from low to high"):
        plots.lr_finder(model, given, nn.mse_loss, low=1, high=0.1)
    with pytest.raises(ValueError, match="40 samples and 39 targets"):
        plots.lr_finder(model, (X_MOONS, Y_SIGNS[1:]), nn.mse_loss)
    with pytest.raises(TypeError, match=r"data must be a tuple \(X, y\)"):
        plots.lr_finder(model, X_MOONS, nn.mse_loss)
    with pytest.raises(ValueError, match="steps must be a whole number, at least 10"):
        plots.lr_finder(model, given, nn.mse_loss, steps=3)
    assert plt.get_fignums() == []


# -- animation -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moving():
    model = nn.MLP(2, [5, 1], activation="tanh", seed=0).to_sequential()
    _, recorder = trained(model, epochs=12)
    return model, recorder


def test_an_animation_shows_the_recorded_steps(moving, tmp_path):
    model, recorder = moving
    before = everything(model)
    made = plots.animate_training(recorder, model, X_MOONS, Y_SIGNS, frames=5)
    assert everything(model) == before
    assert made.steps == [0, 3, 6, 9, 12]
    with Image.open(io.BytesIO(made.gif)) as gif:
        assert gif.format == "GIF"
        assert gif.n_frames == 5
        assert gif.info["loop"] == 0
        assert gif.size == (396, 360)
    assert plt.get_fignums() == []
    made.save(tmp_path / "a.gif")
    assert (tmp_path / "a.gif").read_bytes() == made.gif
    with pytest.raises(ValueError, match=r"ends in .gif, got 'a.mp4'"):
        made.save(tmp_path / "a.mp4")
    bundle = made._repr_mimebundle_()
    assert bundle["text/html"] == made._repr_html_()
    encoded = bundle["text/html"].split("base64,")[1].split('"')[0]
    assert base64.b64decode(encoded) == made.gif
    assert 'alt="Animation of a training, from step 0 to step 12"' in bundle["text/html"]
    assert "5 frames" in bundle["text/plain"]


def test_each_frame_has_the_weights_of_its_step(moving):
    model, recorder = moving
    seen = []

    def draw(model, ax):
        seen.append(model[0].weight.numpy().copy())
        ax.plot([0, 1], [0, len(seen)])

    now = model[0].weight.numpy().copy()
    made = plots.animate_training(recorder, model, draw=draw, frames=60, width=2, height=2)
    assert made.steps == list(range(13))
    for step, weight in zip(made.steps[:-1], seen, strict=False):
        assert np.array_equal(weight, recorder.arrays[step + 1]["0.weight"]["weight"])
    np.testing.assert_allclose(seen[-1], now, rtol=1e-12)


def test_an_animation_of_one_input_keeps_its_limits(monkeypatch):
    from micrograd_plus.viz.plots import animation

    model = nn.MLP(1, [3, 1], seed=0)
    recorder = training.Recorder(keep="arrays")
    training.fit(model, (X_LINE[:, None].tolist(), Y_LINE.tolist()), loss="mse", optimizer="sgd", epochs=4,
                 callbacks=[recorder], progress=False, seed=0)  # fmt: skip
    limits, real = [], animation._picture

    def picture(draw, *args):
        return real(lambda m, ax: (draw(m, ax), limits.append(ax.get_ylim())), *args)

    monkeypatch.setattr(animation, "_picture", picture)
    plots.animate_training(recorder, model, X_LINE, Y_LINE)
    assert len(limits) == 5
    assert len(set(limits)) == 1


def test_weights_come_back_when_a_frame_fails(moving):
    model, recorder = moving
    before = everything(model)

    def draw(model, ax):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plots.animate_training(recorder, model, draw=draw)
    assert everything(model) == before


def test_a_large_animation_gets_smaller(moving, monkeypatch):
    from micrograd_plus.viz.plots import animation

    model, recorder = moving
    whole = plots.animate_training(recorder, model, X_MOONS, Y_SIGNS)
    limit = len(whole.gif) // 3
    monkeypatch.setattr(animation, "MOST_BYTES", limit)
    made = plots.animate_training(recorder, model, X_MOONS, Y_SIGNS)
    assert len(made.gif) <= limit
    assert made.steps[-1] == 12
    monkeypatch.setattr(animation, "MOST_BYTES", 10)
    with pytest.raises(ValueError, match="smaller width and height"):
        plots.animate_training(recorder, model, X_MOONS, Y_SIGNS)


def test_animations_that_cannot_be_made(moving):
    model, recorder = moving
    with pytest.raises(ValueError, match=r"make it with Recorder\(keep='arrays'\)"):
        plots.animate_training(training.Recorder(), model, X_MOONS, Y_SIGNS)
    with pytest.raises(TypeError, match="Recorder that was among"):
        plots.animate_training(with_history(), model, X_MOONS, Y_SIGNS)
    with pytest.raises(ValueError, match="watched another model"):
        plots.animate_training(recorder, tensor_model(), X_MOONS, Y_SIGNS)
    with pytest.raises(ValueError, match="needs the data, X and y, or draw="):
        plots.animate_training(recorder, model)
    with pytest.raises(ValueError, match="from 2 to 60, got 61"):
        plots.animate_training(recorder, model, X_MOONS, Y_SIGNS, frames=61)
    with pytest.raises(ValueError, match=r"X has shape \(4, 3\): give draw="):
        plots.animate_training(recorder, model, np.ones((4, 3)), [1, 2, 3, 4])


def test_nothing_but_the_engine_is_imported():
    """viz reads what training left behind, and knows neither it nor the networks."""
    import ast
    from pathlib import Path

    for file in Path(plots.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 3:
                assert node.module.split(".")[0] in ("engine", "explain"), file
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sorted(plots.__all__) == plots.__all__


def test_a_legend_names_only_lines_that_are_there():
    X, y = [[0.0, 0.0], [1.0, 1.0]], [-1, 1]
    for scale, named in ((0.5, False), (5.0, True)):
        ax = plots.decision_boundary(lambda x, scale=scale: scale * (x[0] - 0.5), X, y)
        texts = [text.get_text() for text in ax.figure.legends[0].get_texts()] if ax.figure.legends else []
        texts += [text.get_text() for text in ax.get_legend().get_texts()] if ax.get_legend() else []
        assert ("output −1 and 1" in texts) is named


@pytest.mark.parametrize(
    "call",
    [
        lambda: plots.confusion(None, None),
        lambda: plots.confusion("x", "x"),
        lambda: plots.image_grid("x"),
        lambda: plots.predictions_1d(lambda x: x, "x", [1.0]),
        lambda: plots.show("x", alt="words"),
    ],
)
def test_what_is_no_data_is_refused_in_words(call):
    with pytest.raises(TypeError, match=r"needed here|must hold numbers|show needs"):
        call()


def test_show_gives_a_description_and_closes_the_figure():
    ax = plots.activation_functions("tanh")
    picture = plots.show(ax, alt='rises from "-1" to 1 <slowly>')
    bundle = picture._repr_mimebundle_()
    assert 'alt="rises from &quot;-1&quot; to 1 &lt;slowly&gt;"' in bundle["text/html"]
    assert bundle["text/plain"] == repr(picture) == 'rises from "-1" to 1 <slowly>'
    assert picture.png.startswith(b"\x89PNG")
    assert not plt.fignum_exists(ax.figure.number)
    with pytest.raises(ValueError, match="say in `alt`"):
        plots.show(plots.activation_functions("tanh"), alt=" ")


def test_a_validation_twin_that_is_asked_for_comes_once(ax):
    plots.history(with_history(), "loss", "val_loss", ax=ax)
    assert [line.get_label() for line in ax.lines].count("validation loss") == 1
    assert len(ax.figure.axes) == 1, "and on the axis of its column"


# -- while training goes on ------------------------------------------------------------------------------------


class Notebook:
    """What a kernel's display would show: the pictures, and how often each was replaced."""

    def __init__(self):
        self.pictures, self.updates = [], 0

    def display(self, picture, display_id=False):
        assert display_id
        self.pictures.append(picture)
        return self

    def update(self, picture):
        self.pictures[-1] = picture
        self.updates += 1


def trained_live(live, epochs=4):
    model = scalar_model()
    training.fit(model, (X_MOONS[:4], Y_SIGNS[:4]), "mse", "sgd", epochs=epochs, callbacks=[live], progress=False)


def test_live_draws_one_picture_and_replaces_it(monkeypatch):
    notebook = Notebook()
    monkeypatch.setattr(plots.live, "_display", lambda: notebook.display)
    live = plots.Live("loss", every=0)
    trained_live(live)
    assert len(notebook.pictures) == 1
    assert notebook.updates == 3
    assert notebook.pictures[0].alt.startswith("Training over 4 epochs: loss from ")
    trained_live(live)
    assert len(notebook.pictures) == 2, "another training, another picture"


def test_live_does_not_hold_training_up_and_always_draws_the_end(monkeypatch):
    notebook = Notebook()
    monkeypatch.setattr(plots.live, "_display", lambda: notebook.display)
    trained_live(plots.Live("loss", every=1000, alt="The loss falls."), epochs=5)
    assert notebook.updates <= 1
    assert notebook.pictures[0].alt == "The loss falls."
    assert plt.get_fignums() == []


def test_live_says_nothing_outside_of_notebooks(capsys):
    trained_live(plots.Live("loss"))
    assert capsys.readouterr() == ("", "")
    assert plt.get_fignums() == []


def test_attention_frames_the_strongest_and_takes_the_mean_of_heads(ax):
    heads = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.6, 0.4], [0.0, 1.0]]])
    plots.attention(heads, ["one", "two"], ["un", "deux"], ax=ax)
    assert texts(ax) == ["0.8", "0.2", "1.0"]
    assert [patch.get_xy() for patch in ax.patches] == [(-0.5, -0.5), (0.5, 0.5)]
    with pytest.raises(ValueError, match=r"3 parts of the output \(rows\) and 2 of the input"):
        plots.attention(heads, ["one", "two"], ["un", "deux", "trois"])
