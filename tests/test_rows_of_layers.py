"""The rows of the layers, all of them: each has a sample here, agrees with PyTorch, and is told in words.

A new row in a table of nn needs one line in SAMPLES; without it `test_every_row_of_a_layer_has_a_sample` fails.
"""

import pickle
import pkgutil
from importlib import import_module

import numpy as np
import pytest

from micrograd_plus import Tensor, nn
from micrograd_plus.engine import ops
from micrograd_plus.engine.array_ops import ARRAY_TABLE
from micrograd_plus.engine.graph import Op, order
from micrograd_plus.explain.formula import formula
from micrograd_plus.explain.pull_backs import PULL_BACKS
from micrograd_plus.explain.trace import trace_backward
from micrograd_plus.nn.convolution import convolution_input, convolution_weight
from micrograd_plus.nn.embedding import add_rows
from micrograd_plus.nn.losses import LOSS_TABLE, SUMMED_TABLE
from micrograd_plus.nn.pooling import avg_pool_input

torch = pytest.importorskip("torch")
F, TF = nn.functional, torch.nn.functional


def tables_of_nn():
    """Every table of rows that a file of nn has."""
    for found in pkgutil.iter_modules(nn.__path__):
        for name, table in vars(import_module(f"micrograd_plus.nn.{found.name}")).items():
            if name.endswith("_TABLE") and table not in (LOSS_TABLE, SUMMED_TABLE):  # those are in test_losses.py
                yield name, table


LAYER_ROWS = {name: row for _, table in tables_of_nn() for name, row in table.items()}

HOW = {"stride": (2, 1), "padding": ((1, 1), (0, 0)), "dilation": (1, 2), "groups": 2}
THEIRS = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": 2}
POOL = {"kernel": (2, 2), "stride": (2, 1), "padding": ((0, 0), (1, 1)), "places": (2, 6), "include_pad": True}
INDEX = np.array([2, 0, 2, 1])


def their_avg_pool_input(g):
    x = torch.zeros(2, 3, 5, 5, dtype=g.dtype, requires_grad=True)
    y = TF.avg_pool2d(x, 2, (2, 1), (0, 1))
    return torch.autograd.grad(y, x, g, create_graph=True)[0]


def recurrent(kind, *weights, **settings):
    """The layer of this kind with these weights: PyTorch's by its functional_call, ours by setting them."""
    x, first, *weights = weights
    names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
    hx = (first[:1], first[1:]) if kind == "LSTM" else first
    if isinstance(x, torch.Tensor):
        layer = getattr(torch.nn, kind)(3, 4, **settings).to(x.dtype)
        output, last = torch.func.functional_call(layer, dict(zip(names, weights, strict=True)), (x, hx))
        return torch.cat([output, *last] if kind == "LSTM" else [output, last])
    row = getattr(nn, kind)(3, 4, **settings).row
    return row(x, first, *weights, lengths=None, reverse=False)


def sizes_of(gates, states=1):
    return (5, 2, 3), (states, 2, 4), (gates * 4, 3), (gates * 4, 4), (gates * 4,), (gates * 4,)


def recurrent_sample(kind, gates, states=1, **settings):
    both = lambda *xs: recurrent(kind, *xs, **settings)
    return both, both, sizes_of(gates, states)


# name: ours, PyTorch's, the shapes of the inputs
SAMPLES = {
    "convolution": (
        lambda x, w, b: F.conv2d(x, w, b, **THEIRS),
        lambda x, w, b: TF.conv2d(x, w, b, **THEIRS),
        ((2, 4, 5, 6), (6, 2, 3, 2), (6,)),
    ),
    "convolution_input": (
        lambda g, w: convolution_input(g, w, size=(5, 6), **HOW),
        lambda g, w: torch.nn.grad.conv2d_input((2, 4, 5, 6), w, g, **THEIRS),
        ((2, 6, 3, 4), (6, 2, 3, 2)),
    ),
    "convolution_weight": (
        lambda g, x: convolution_weight(g, x, kernel=(3, 2), **HOW),
        lambda g, x: torch.nn.grad.conv2d_weight(x, (6, 2, 3, 2), g, **THEIRS),
        ((2, 6, 3, 4), (2, 4, 5, 6)),
    ),
    "max_pool": (lambda x: F.max_pool2d(x, 3, 2, 1), lambda x: TF.max_pool2d(x, 3, 2, 1), ((2, 3, 5, 6),)),
    "avg_pool": (
        lambda x: F.avg_pool2d(x, 2, (2, 1), (0, 1)),
        lambda x: TF.avg_pool2d(x, 2, (2, 1), (0, 1)),
        ((2, 3, 5, 5),),
    ),
    "avg_pool_input": (
        lambda g: avg_pool_input(g, size=(5, 5), divisor=None, **POOL),
        their_avg_pool_input,
        ((2, 3, 2, 6),),
    ),
    "layer_norm": (
        lambda x, w, b: F.layer_norm(x, 4, w, b),
        lambda x, w, b: TF.layer_norm(x, (4,), w, b),
        ((3, 4), (4,), (4,)),
    ),
    "rms_norm": (lambda x, w: F.rms_norm(x, 4, w), lambda x, w: TF.rms_norm(x, (4,), w), ((3, 4), (4,))),
    "group_norm": (
        lambda x, w, b: F.group_norm(x, 2, w, b),
        lambda x, w, b: TF.group_norm(x, 2, w, b),
        ((3, 4, 5), (4,), (4,)),
    ),
    "batch_norm": (
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        lambda x, w, b: TF.batch_norm(x, None, None, w, b, training=True),
        ((3, 4, 5), (4,), (4,)),
    ),
    "embedding": (lambda w: F.embedding(INDEX, w), lambda w: TF.embedding(torch.tensor(INDEX), w), ((3, 4),)),
    "add_rows": (
        lambda g: add_rows(g, index=INDEX, size=3, padding_idx=None),
        lambda g: g.new_zeros(3, 2).index_add(0, torch.tensor(INDEX), g),
        ((4, 2),),
    ),
    "attention": (F.scaled_dot_product_attention, TF.scaled_dot_product_attention, ((2, 3, 4), (2, 5, 4), (2, 5, 6))),
    "rnn_tanh": recurrent_sample("RNN", 1),
    "rnn_relu": recurrent_sample("RNN", 1, nonlinearity="relu"),
    "lstm": recurrent_sample("LSTM", 4, states=2),
    "gru": recurrent_sample("GRU", 3),
}


def inputs_of(name, dtype=float):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(dtype) for shape in SAMPLES[name][2]]


def test_every_row_of_a_layer_has_a_sample():
    assert set(SAMPLES) == set(LAYER_ROWS)


def test_the_rows_of_a_file_stand_in_its_table_and_the_engine_knows_it():
    for name, table in tables_of_nn():
        assert any(table is known for known in ops.TABLES), name
    for found in pkgutil.iter_modules(nn.__path__):
        for thing in vars(import_module(f"micrograd_plus.nn.{found.name}")).values():
            if isinstance(thing, Op):
                assert any(thing in table.values() for table in (*ops.TABLES, ARRAY_TABLE)), thing


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 1e-4)])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_row_is_pytorchs(name, dtype, tolerance):
    ours, theirs, _ = SAMPLES[name]
    numbers = inputs_of(name, dtype)
    xs, ts = [Tensor(x) for x in numbers], [torch.tensor(x, requires_grad=True) for x in numbers]
    y, t = ours(*xs), theirs(*ts)
    assert LAYER_ROWS[name] in {node.op for node in order(y)}
    assert y.dtype == dtype
    np.testing.assert_allclose(y.numpy(), t.detach().numpy(), rtol=tolerance, atol=tolerance)
    g = np.random.default_rng(1).normal(size=y.shape).astype(dtype)
    y.backward(g)
    t.backward(torch.tensor(g))
    for x, other in zip(xs, ts, strict=True):
        assert x.grad.dtype == dtype
        np.testing.assert_allclose(x.grad, other.grad.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_row_keeps_its_name_in_a_file_and_its_graph_what_it_saw(name):
    xs = [Tensor(x) for x in inputs_of(name)]
    y = SAMPLES[name][0](*xs)
    copy = pickle.loads(pickle.dumps((xs, y)))
    assert LAYER_ROWS[name] in {node.op for node in order(copy[1])}
    y.backward(np.ones(y.shape))
    for x in copy[0]:
        x.data[...] = 7.0
    copy[1].backward(np.ones(y.shape))
    copy[1].backward(np.ones(y.shape))
    for x, again in zip(xs, copy[0], strict=True):
        np.testing.assert_allclose(again.grad, 2 * x.grad, rtol=1e-12, atol=1e-12)


# ---- for a reader -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLES)
def test_a_row_is_told_in_words(name):
    assert name in PULL_BACKS
    xs = [Tensor(x, label=f"x{i}") for i, x in enumerate(inputs_of(name))]
    y = SAMPLES[name][0](*xs)
    told = [r.sentence for r in trace_backward(y, gradient=np.ones(y.shape)) if r.node.op is LAYER_ROWS[name]]
    assert len(told) == len(xs)
    assert not any("pull-back of" in sentence for sentence in told)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_row_has_a_formula(name):
    row = LAYER_ROWS[name]
    y = SAMPLES[name][0](*(Tensor(x) for x in inputs_of(name)))
    for text in (formula(row).text, formula(next(node for node in order(y) if node.op is row)).text):
        assert text.startswith(f"y = {name}(")
        assert len(text.splitlines()) <= 3 + len(row.rules)  # what it is, in words, and a line an input
        for hidden in ("by its own words", "how", "layout", "Layout", "measured", "of matrices", "x0"):
            assert hidden not in text, hidden


def test_a_normalisation_says_what_it_computes():
    text = formula(nn.BatchNorm1d(3)(np.random.default_rng(0).normal(size=(4, 3)))).text
    assert "eps=1e-05" in text
    assert "(x − mean)/√(variance + eps)·weight + bias" in text


def test_a_recurrent_row_names_its_inputs():
    y, _ = nn.GRU(2, 3)(Tensor(np.ones((4, 1, 2))))
    text = formula(y.inputs[0]).text
    assert text.startswith("y = gru(x, first, weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0")
