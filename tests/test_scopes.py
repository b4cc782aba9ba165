"""Which module made a node: what nn.Module notes on what its calls return, and what is read from it."""

import gc
import pickle
import weakref

import numpy as np
import pytest

from micrograd_plus import Tensor, Value, nn, no_grad
from micrograd_plus.engine.graph import order
from micrograd_plus.explain.scopes import scopes_of


def made_by(root, model):
    """The path of the module that each node was made in, in the order of the graph; "-" outside all modules."""
    paths = {id(module): path or "model" for path, module in model.named_modules()}
    scopes = scopes_of(order(root))
    return [paths[id(s.module)] if s else "-" for s in map(scopes.get, order(root))]


def by_op(root, model):
    return [
        (node.op.name, path)
        for node, path in zip(order(root), made_by(root, model), strict=True)
        if node.op is not None
    ]


def test_every_node_of_a_scalar_network_knows_its_neuron():
    model = nn.MLP(2, [2, 1], seed=0)
    found = by_op((model([1.0, 2.0]) - 1) ** 2, model)
    assert found[-2:] == [("sub", "-"), ("pow", "-")]
    assert set(found[:-2]) == {(op, f"layers.0.neurons.{i}") for i in (0, 1) for op in ("mul", "sum", "relu")} | {
        ("mul", "layers.1.neurons.0"),
        ("sum", "layers.1.neurons.0"),
    }


def test_what_a_model_computes_between_its_layers_is_its_own():
    class Net(nn.Module):
        def __init__(self):
            self.first, self.second = nn.Linear(2, 3), nn.Linear(3, 1)

        def forward(self, x):
            return self.second(self.first(x).relu() * 2)

    model = Net()
    found = by_op(model(Tensor([[1.0, 2.0]])).sum() * 3, model)
    # fmt: off
    assert found == [("linear", "first"), ("relu", "model"), ("mul", "model"), ("linear", "second"), ("sum", "-"),
                     ("mul", "-")]
    # fmt: on


def test_each_call_is_told_apart():
    model = nn.MLP(1, [1], seed=0)
    a, b = model([1.0]), model([2.0])
    scopes = scopes_of(order(a + b))
    assert scopes[a].outermost is not scopes[b].outermost
    assert scopes[model.parameters()[0]] is None, "a weight that two calls use was made in neither"


def test_a_list_of_outputs_and_a_twin_array_are_noted_too():
    class Pair(nn.Module):
        def forward(self, x):
            return [x * 2, x * 3]

    pair = Pair()
    a, b = pair(Value(1.0))
    assert by_op(a + b, pair) == [("mul", "model"), ("mul", "model"), ("add", "-")]
    twin = nn.Sequential(nn.Linear(2, 2), nn.ReLU()).scalar_twin()
    y = twin(np.ones((1, 2))).sum()
    assert ("relu", "1") in by_op(y, twin)
    assert ("mul", "0") in by_op(y, twin)


def test_an_input_that_is_handed_through_belongs_to_its_maker():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)).eval()
    assert by_op(model(Tensor([[1.0, 2.0]])), model) == [("linear", "0")]


def test_a_replaced_output_is_noted():
    model = nn.Linear(1, 1)
    model.register_forward_hook(lambda module, args, y: y * 2)
    assert by_op(model(Tensor([[1.0]])), model) == [("linear", "model"), ("mul", "model")]


def test_nothing_is_noted_without_a_graph():
    with no_grad():
        assert not hasattr(nn.MLP(2, [1], seed=0)([1.0, 2.0]), "made_in")


@pytest.mark.parametrize("model", [nn.MLP(2, [3, 1], seed=0), nn.Sequential(nn.Linear(2, 3), nn.ReLU())])
def test_a_dropped_graph_is_freed_without_the_collector(model):
    class Watched(nn.Module):
        def forward(self, x):
            return model(x)

    gc.collect()
    gc.disable()
    try:
        wrapper = Watched()
        x = np.ones(2)
        y = wrapper(x if isinstance(model, nn.Sequential) else [1.0, 2.0])
        gone = weakref.ref(wrapper)
        del wrapper
        assert gone() is not None, "the graph's note keeps the module"
        del y
        assert gone() is None
    finally:
        gc.enable()


def test_a_copied_or_pickled_result_goes_without_the_notes():
    y = nn.MLP(2, [1], seed=0)([1.0, 2.0])
    assert not hasattr(pickle.loads(pickle.dumps(y)), "made_in")
