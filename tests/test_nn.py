"""Modules, scalar networks and layers: what micrograd and PyTorch give, and errors that say what to do.

A new layer needs one line in LAYERS below; without it `test_every_layer_is_in_the_table` fails.
"""

import copy
import importlib
import inspect
import io
import math
import pickle
import random
import subprocess
import sys

import numpy as np
import pytest

import micrograd_plus
from micrograd_plus import Tensor, Value, nn, no_grad
from micrograd_plus import sum as sum_
from micrograd_plus.engine import ValueArray
from micrograd_plus.engine.graph import order
from micrograd_plus.nn import MLP, Layer, Linear, Module, Neuron, Sequential

EXACT = {"rtol": 1e-12, "atol": 1e-14}
SINGLE = {"rtol": 1e-5, "atol": 1e-6}


def names(module):
    return [name for name, _ in module.named_parameters()]


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


class Scale(Module):
    """A factor, and what must not be taken for a parameter."""

    def __init__(self):
        self.factor = Tensor([2.0, 3.0], label="factor")
        self.mean = np.zeros(2)
        self._cache = np.ones(5)
        self.name = "scale"
        self.sizes = [1, 2]

    def forward(self, x):
        return (x - self.mean) * self.factor


class Zoo(Module):
    """Parameters wherever an attribute can hold them."""

    def __init__(self):
        self.direct = Tensor([1.0])
        self.number = Value(2.0)
        self.listed = [Tensor([3.0]), [Tensor([4.0]), "text"], None]
        self.pair = (Value(5.0), Scale())
        self.named = {"a": Tensor([6.0]), "b": {"c": Value(7.0)}, "m": Scale()}
        self.tied = self.direct
        self.computed = self.direct * 2
        self.plain = 3.0
        self.stats = {"seen": np.arange(3.0)}
        self._hidden = [np.ones(2)]

    def forward(self, x):
        return x


ZOO = [
    "direct", "number", "listed.0", "listed.1.0", "pair.0", "pair.1.factor", "named.a", "named.b.c", "named.m.factor",
]  # fmt: skip


class Tied(Module):
    """One layer used twice, and one weight in two places."""

    def __init__(self):
        self.first = Linear(2, 2, seed=0)
        self.again = self.first
        self.head = Linear(2, 2, bias=False, seed=1)
        self.head.weight = self.first.weight

    def forward(self, x):
        return self.head(self.again(self.first(x).tanh()))


class Net(Module):
    """A network as PyTorch users write it."""

    def __init__(self):
        self.body = Sequential(Linear(4, 8, seed=0), nn.ReLU(), nn.Dropout(0.5), Linear(8, 8, seed=1), nn.Tanh())
        self.head = Linear(8, 3, seed=2)

    def forward(self, x):
        return self.head(self.body(x))


# ---- Module: what it is made of ----------------------------------------------------------------------------


def test_parameters_are_found_wherever_they_are_once_and_in_order():
    zoo = Zoo()
    assert names(zoo) == ZOO
    assert [float(np.sum(p.data)) for p in zoo.parameters()] == [1, 2, 3, 4, 5, 5, 6, 7, 5]
    assert zoo.parameters()[0] is zoo.direct
    assert len({id(p) for p in zoo.parameters()}) == len(ZOO)


def test_names_are_pytorchs():
    torch = pytest.importorskip("torch")
    ours = Sequential(Linear(4, 3), nn.ReLU(), Sequential(Linear(3, 3, bias=False), nn.Tanh()), Linear(3, 1))
    layers = torch.nn
    theirs = layers.Sequential(
        layers.Linear(4, 3), layers.ReLU(),
        layers.Sequential(layers.Linear(3, 3, bias=False), layers.Tanh()), layers.Linear(3, 1),
    )  # fmt: skip
    assert (
        names(ours)
        == [name for name, _ in theirs.named_parameters()]
        == ["0.weight", "0.bias", "2.0.weight", "3.weight", "3.bias"]
    )
    assert [name for name, _ in ours.named_modules()] == [name for name, _ in theirs.named_modules()]
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [type(m).__name__ for m in ours.modules()] == [type(m).__name__ for m in theirs.modules()]
    assert [type(m).__name__ for m in ours.children()] == [type(m).__name__ for m in theirs.children()]


def test_attributes_set_later_count_and_deleted_ones_do_not():
    model = Net()
    model.extra = Value(1.0)
    assert names(model)[-1] == "extra"
    del model.extra
    model.head = None
    assert [name.split(".")[0] for name in names(model)] == ["body"] * 4


def test_scalar_networks_are_named_too():
    assert names(MLP(2, [1])) == ["layers.0.neurons.0.w.0", "layers.0.neurons.0.w.1", "layers.0.neurons.0.b"]
    model = MLP(3, [4, 4, 1])
    assert all(a is b for a, b in zip(model.parameters(), dict(model.named_parameters()).values(), strict=True))


def test_shared_parameters_count_once_and_are_saved_under_each_name_as_in_pytorch():
    torch = pytest.importorskip("torch")

    class TorchTied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = torch.nn.Linear(2, 2)
            self.again = self.first
            self.head = torch.nn.Linear(2, 2, bias=False)
            self.head.weight = self.first.weight

    theirs = TorchTied()
    assert names(Tied()) == [name for name, _ in theirs.named_parameters()] == ["first.weight", "first.bias"]
    assert list(Tied().state_dict()) == list(theirs.state_dict())
    assert [name for name, _ in Tied().named_modules()] == [name for name, _ in theirs.named_modules()]
    Tied().load_state_dict(Tied().state_dict())
    assert names(Sequential(*[Linear(2, 2)] * 3)) == ["0.weight", "0.bias"]


def test_tied_weights_get_the_gradient_of_both_uses():
    model, x = Tied(), normal(3, 2)
    model(x).sum().backward()
    slope = model.first.weight.grad.copy()
    other = Tied()
    other.head.weight = Tensor(other.first.weight.numpy())
    other.again = Linear(2, 2, seed=0)
    other(x).sum().backward()
    parts = [other.first.weight.grad, other.again.weight.grad, other.head.weight.grad]
    np.testing.assert_allclose(slope, sum(parts), **EXACT)


def test_a_module_that_holds_itself():
    model = Net()
    model.me, model.family = model, [model]
    assert names(model) == names(Net())
    assert list(model.state_dict()) == list(Net().state_dict())
    assert len(model.modules()) == len(Net().modules())


def test_buffers_are_saved_but_not_trained():
    model = Scale()
    assert names(model) == ["factor"]
    assert list(model.state_dict()) == ["factor", "mean"]
    assert "stats.seen" in Zoo().state_dict()
    assert not any("hidden" in name or "cache" in name for name in Zoo().state_dict())
    other = Scale()
    mean = other.mean
    other.load_state_dict({"factor": [1.0, 1.0], "mean": [5.0, 6.0]})
    assert other.mean.tolist() == [5.0, 6.0]
    assert other.mean is mean  # filled, not replaced: whoever else holds it sees it too


def test_zero_grad():
    for model, x in ((Net(), normal(5, 4)), (MLP(4, [3, 1]), [1.0, 2.0, 3.0, 4.0])):
        y = model(x)
        (y.sum() if hasattr(y, "sum") else y).backward()
        assert any(np.any(p.grad) for p in model.parameters())
        model.zero_grad()
        assert all(p.grad is None or p.grad == 0 for p in model.parameters())


def test_train_and_eval_reach_all_modules():
    zoo = Zoo()
    assert all(module.training for module in zoo.modules())
    assert zoo.eval() is zoo
    assert [module.training for module in zoo.modules()] == [False] * 3
    assert zoo.train() is zoo
    assert all(module.training for module in zoo.modules())
    assert not zoo.train(False).pair[1].training
    assert Zoo().training  # of this one only


def test_apply_goes_inside_out():
    seen = []
    model = Net()
    assert model.apply(lambda module: seen.append(type(module).__name__)) is model
    assert seen[-1] == "Net"
    assert seen.index("Tanh") < seen.index("Sequential")
    assert len(seen) == len(model.modules())
    model.apply(lambda m: nn.init.ones_(m.weight) if isinstance(m, Linear) else None)
    assert (model.head.weight.data == 1).all()


# ---- Module: calling it ------------------------------------------------------------------------------------


def test_hooks_see_and_replace_the_output_and_can_be_removed():
    model, x, seen = Linear(2, 1, seed=0), np.ones((3, 2)), []
    plain = model(x).data
    remove_note = model.register_forward_hook(lambda module, args, y: seen.append((module, args, y)))
    remove_double = model.register_forward_hook(lambda module, args, y: y * 2)
    y = model(x)
    np.testing.assert_array_equal(y.data, plain * 2)
    ((module, args, first),) = seen
    assert module is model
    assert args[0] is x
    np.testing.assert_array_equal(first.data, plain)
    y.sum().backward()
    np.testing.assert_array_equal(model.bias.grad, [6.0])
    remove_double()
    np.testing.assert_array_equal(model(x).data, plain)
    remove_note()
    remove_note()  # once more does no harm
    model(x)
    assert len(seen) == 2


def test_hooks_of_one_module_are_not_those_of_another():
    a, b, seen = nn.ReLU(), nn.ReLU(), []
    a.register_forward_hook(lambda *_: seen.append("a"))
    b(Tensor([1.0]))
    assert seen == []
    assert names(a) == []
    assert a.state_dict() == {}
    assert repr(a) == "ReLU()"
    Sequential(a, b)(Tensor([1.0]))
    assert seen == ["a"]


def test_a_hook_on_a_scalar_network():
    model, seen = MLP(2, [2, 1], seed=0), []
    for layer in model.layers:
        layer.register_forward_hook(lambda module, args, y: seen.append(y))
    y = model([1.0, 2.0])
    assert len(seen[0]) == 2
    assert seen[1] is y


def test_keyword_arguments_reach_forward():
    class Power(Module):
        def forward(self, x, *, exponent=1):
            return x**exponent

    assert Power()(Value(3.0), exponent=2).data == 9


def test_forward_missing():
    class Empty(Module):
        pass

    with pytest.raises(
        NotImplementedError, match=r"Empty needs a method forward\(self, x\) that says what it computes"
    ):
        Empty()(1.0)


def test_an_unknown_attribute():
    for model in (Net(), MLP(2, [1]), Linear(1, 1)):
        with pytest.raises(AttributeError, match="wieght"):
            _ = model.wieght
        assert not hasattr(model, "wieght")


class OldNeuron(Module):
    """Written for micrograd: it overrides __call__ and parameters."""

    def __init__(self, nin):
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0)

    def __call__(self, x):
        return sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b).tanh()

    def parameters(self):
        return [*self.w, self.b]


def test_a_subclass_written_for_micrograd():
    n = OldNeuron(2)
    n([1.0, -2.0]).backward()
    assert n.w[1].grad == pytest.approx(-2 * n.b.grad, rel=1e-15)
    for p in n.parameters():
        p.data -= 0.1 * p.grad
    n.zero_grad()
    assert [p.grad for p in n.parameters()] == [0, 0, 0]
    assert list(n.state_dict()) == ["w.0", "w.1", "b"]
    assert pickle.loads(pickle.dumps(n)).w[0].data == n.w[0].data
    assert Sequential(n, n).parameters() == n.parameters()
    assert str(n.summary([1.0, 2.0])).splitlines()[-1].split() == ["OldNeuron", "3"]


# ---- Module: freezing, copying, saving ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [Net, lambda: MLP(4, [3, 2]), lambda: Net().scalar_twin()], ids=["tensors", "values", "twin"]
)
def test_frozen_parameters_get_no_gradient(make):
    model, x = make().eval(), normal(4)
    total = lambda: sum_(y) if isinstance(y := model(x), list) else y.sum()
    assert model.requires_grad_(False) is model
    assert not total().requires_grad
    model.requires_grad_()
    total().backward()
    assert any(np.any(p.grad) for p in model.parameters())


def test_a_frozen_part():
    model = Net().eval()
    model.body.requires_grad_(False)
    model(normal(5, 4)).sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is not None] == ["head.weight", "head.bias"]
    assert len(model.parameters()) == 6  # still parameters: they are saved
    x = Tensor(normal(5, 4))
    model(x).sum().backward()
    assert x.grad.any()  # the gradient goes through


def test_state_dict_copies():
    model = Net()
    state = model.state_dict()
    before = copy.deepcopy(state)
    for p in model.parameters():
        p.data += 1
    state_after = model.state_dict()
    for name, numbers in before.items():
        assert isinstance(numbers, np.ndarray)
        np.testing.assert_array_equal(state[name], numbers)
        assert (state_after[name] == numbers + 1).all()
    state_after["head.bias"][...] = 7
    assert not (model.head.bias.data == 7).any()
    assert all(type(number) is float for number in MLP(2, [1]).state_dict().values())


def test_load_state_dict_copies():
    state = Net().state_dict()
    model = Net()
    assert model.load_state_dict(state) is model
    state["head.bias"][...] = 7
    assert not (model.head.bias.data == 7).any()
    model.head.bias.data[...] = 8
    assert (state["head.bias"] == 7).all()


def test_load_state_dict_changes_numbers_not_parameters():
    model, x = Net().eval(), normal(2, 4)
    ids, y = [id(p) for p in model.parameters()], model(x)
    other = Net().eval()
    for p in other.parameters():
        p.data *= 0.5
    model.load_state_dict(other.state_dict())
    assert [id(p) for p in model.parameters()] == ids  # an optimiser that holds them goes on
    np.testing.assert_array_equal(model(x).data, other(x).data)
    y.sum().backward()  # of the numbers that y was made from
    fresh = Net().eval()
    fresh(x).sum().backward()
    for p, q in zip(model.parameters(), fresh.parameters(), strict=True):
        np.testing.assert_array_equal(p.grad, q.grad)


def test_load_state_dict_names_everything_that_is_wrong_at_once_and_changes_nothing():
    model = Net()
    state, before = model.state_dict(), model.state_dict()
    for name in state:
        state[name] = state[name] + 1
    del state["head.weight"], state["body.0.bias"]
    state["tail.weight"], state["head.wieght"] = np.ones(2), np.ones(3)
    state["head.bias"], state["body.3.weight"] = np.ones(4), 1.0
    with pytest.raises(ValueError, match="this state doesn't fit Net") as caught:
        model.load_state_dict(state)
    assert str(caught.value).splitlines() == [
        "this state doesn't fit Net:",
        "  missing: body.0.bias",
        "  missing: head.weight",
        "  unexpected: tail.weight",
        "  unexpected: head.wieght",
        "  wrong shape: body.3.weight is (8, 8) here, () in the state",
        "  wrong shape: head.bias is (3,) here, (4,) in the state",
    ]
    for name, numbers in model.state_dict().items():
        np.testing.assert_array_equal(numbers, before[name])


def test_load_state_dict_not_strict():
    model = Net()
    bias = np.full(3, 9.0)
    model.load_state_dict({"head.bias": bias, "other": 1.0}, strict=False)
    assert (model.head.bias.data == 9).all()
    with pytest.raises(
        ValueError, match=r"^this state doesn't fit Net:\n  wrong shape: head.bias is \(3,\) here, \(2,\)"
    ):
        model.load_state_dict({"head.bias": np.ones(2), "head.weight": np.ones((3, 8)), "other": 1.0}, strict=False)
    assert not (model.head.weight.data == 1).any()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("text", "head.bias"),
        ([[1.0], [1.0, 2.0], [3.0]], "head.bias"),
        (["a", "b", "c"], "head.bias"),
        (None, "head.bias"),
    ],
    ids=str,
)
def test_load_state_dict_of_what_is_no_numbers(wrong, said):
    model = Net()
    before = model.state_dict()
    state = {name: numbers + 1 for name, numbers in before.items()} | {"head.bias": wrong}
    with pytest.raises(ValueError, match=f"this state doesn't fit Net(.|\n)*{said}"):
        model.load_state_dict(state)
    for name, numbers in model.state_dict().items():
        np.testing.assert_array_equal(numbers, before[name])


def test_load_state_dict_of_a_scalar_network():
    a, b = MLP(2, [2, 1], seed=0), MLP(2, [2, 1], seed=1)
    for state in (a.state_dict(), {name: np.array(x) for name, x in a.state_dict().items()}):
        b.load_state_dict(state)
        assert [p.data for p in b.parameters()] == [p.data for p in a.parameters()]
        assert all(type(p.data) is float for p in b.parameters())
    with pytest.raises(ValueError, match=r"wrong shape: layers.0.neurons.0.b is \(\) here, \(2,\) in the state"):
        b.load_state_dict(a.state_dict() | {"layers.0.neurons.0.b": [1.0, 2.0]})
    with pytest.raises(ValueError, match=r"layers.1.neurons.0.b"):
        b.load_state_dict(dict.fromkeys(a.state_dict(), 1.0) | {"layers.1.neurons.0.b": "text"})
    assert [p.data for p in b.parameters()] == [p.data for p in a.parameters()]


def test_a_state_survives_a_file():
    for model in (Net(), MLP(2, [2, 1])):
        file = io.BytesIO()
        np.savez(file, **model.state_dict())
        file.seek(0)
        other = copy.deepcopy(model)
        for p in other.parameters():
            p.data = p.data * 0
        with np.load(file) as loaded:
            other.load_state_dict(dict(loaded))
        for p, q in zip(model.parameters(), other.parameters(), strict=True):
            assert type(p.data) is type(q.data)
            np.testing.assert_array_equal(p.data, q.data)


def test_a_state_keeps_the_models_dtype():
    model = Linear(2, 2, dtype=np.float32)
    model.load_state_dict(Linear(2, 2, seed=1).state_dict())
    assert model.weight.dtype == np.float32
    np.testing.assert_array_equal(model.weight.data, Linear(2, 2, seed=1).weight.data.astype(np.float32))
    assert model.state_dict()["weight"].dtype == np.float32


def test_pytorchs_state_dict_is_taken_as_it_is():
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2))
    ours = Sequential(Linear(4, 3), nn.Tanh(), Linear(3, 2)).load_state_dict(theirs.state_dict())
    x = normal(5, 4).astype(np.float32)
    np.testing.assert_allclose(ours(x).data, theirs(torch.tensor(x)).detach().numpy(), **SINGLE)


def test_a_twin_takes_a_state_too():
    model = Linear(2, 1, seed=0)
    twin = model.scalar_twin()
    twin.load_state_dict(dict.fromkeys(twin.state_dict(), 1.0))
    assert (twin.weight.data == 1).all()
    assert not (model.weight.data == 1).any()


@pytest.mark.parametrize(
    "make", [Net, Zoo, Tied, Scale, lambda: MLP(3, [2, 1])], ids=["Net", "Zoo", "Tied", "Scale", "MLP"]
)
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_copies_are_equal_and_apart(make, copied):
    model = make()
    other = copied(model)
    assert type(other) is type(model)
    assert names(other) == names(model)
    assert repr(other) == repr(model)
    assert not {id(p) for p in model.parameters()} & {id(p) for p in other.parameters()}
    for (name, a), (other_name, b) in zip(model.state_dict().items(), other.state_dict().items(), strict=True):
        assert name == other_name
        np.testing.assert_array_equal(a, b)
    for p in other.parameters():
        p.data = p.data * 0 + 100
    assert not any(np.any(p.data == 100) for p in model.parameters())


def test_copies_work_on_their_own():
    model = Net().eval()
    x = normal(3, 4)
    model(x).sum().backward()
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert not other.training
        np.testing.assert_array_equal(other(x).data, model(x).data)
        np.testing.assert_array_equal(other.head.bias.grad, model.head.bias.grad)
        other.zero_grad()
        other(x).sum().backward()
        np.testing.assert_array_equal(other.head.weight.grad, model.head.weight.grad)
        other.head.requires_grad_(False)
        assert model.head.weight.requires_grad
    tied = copy.deepcopy(Tied())
    assert tied.head.weight is tied.first.weight
    assert tied.again is tied.first


def test_a_pickled_frozen_model_stays_frozen():
    model = pickle.loads(pickle.dumps(Net().requires_grad_(False)))
    assert not any(p.requires_grad for p in model.parameters())


# ---- Module: how it looks ----------------------------------------------------------------------------------


def test_repr_is_pytorchs():
    torch = pytest.importorskip("torch")
    layers = torch.nn
    ours = Sequential(Linear(4, 3), nn.ReLU(), Sequential(nn.Dropout(0.2), nn.Tanh()), nn.LeakyReLU(0.1))
    theirs = layers.Sequential(
        layers.Linear(4, 3), layers.ReLU(), layers.Sequential(layers.Dropout(0.2), layers.Tanh())
    )
    theirs.append(layers.LeakyReLU(0.1))
    for line, their_line in zip(repr(ours).splitlines(), repr(theirs).splitlines(), strict=True):
        assert line == their_line.replace(", bias=True", "").replace(", inplace=False", "")


def test_reprs():
    assert repr(Linear(2, 3)) == "Linear(in_features=2, out_features=3)"
    assert repr(Linear(2, 3, bias=False)) == "Linear(in_features=2, out_features=3, bias=False)"
    assert repr(nn.ReLU()) == "ReLU()"
    assert repr(nn.ELU(0.5)) == "ELU(alpha=0.5)"
    assert repr(nn.Softmax(1)) == "Softmax(dim=1)"
    assert repr(nn.ReLU().eval()) == "ReLU()"
    assert repr(Scale()) == "Scale()"
    assert repr(Zoo()) == "Zoo(\n  (pair.1): Scale()\n  (named.m): Scale()\n)"
    assert repr(Net()).startswith("Net(\n  (body): Sequential(\n    (0): Linear(in_features=4, out_features=8)\n")


def test_summary_of_tensors():
    model = Net()
    assert str(model.summary()) == (
        "layer          kind      parameters\n"
        "body.0         Linear            40\n"
        "body.1         ReLU               0\n"
        "body.2         Dropout            0\n"
        "body.3         Linear            72\n"
        "body.4         Tanh               0\n"
        "head           Linear            27\n"
        "Net                             139"
    )
    summary = model.summary(normal(5, 4))
    assert str(summary).splitlines()[1].split() == ["body.0", "Linear", "(5,", "8)", "40"]
    assert [row[2] for row in summary.rows] == ["(5, 8)"] * 5 + ["(5, 3)"]
    assert summary.total == sum(row[3] for row in summary.rows) == sum(p.size for p in model.parameters())
    assert repr(summary) == str(summary)
    assert "1,001,000" in str(Linear(1000, 1000).summary())


class Reader(nn.Module):
    """What gives more than one thing: (output, state), (output, weights)."""

    def __init__(self):
        self.gru = nn.GRU(3, 5, batch_first=True)
        self.attention = nn.MultiheadAttention(5, 1, batch_first=True)

    def forward(self, x):
        h, _ = self.gru(x)
        return self.attention(h, h, h)


def test_summary_shows_the_shape_of_the_output_where_there_is_a_state_or_weights_too():
    lines = str(Reader().summary(np.ones((2, 4, 3)))).splitlines()
    assert [line.split()[:5] for line in lines[1:3]] == [
        ["gru", "GRU", "(2,", "4,", "5)"],
        ["attention", "MultiheadAttention", "(2,", "4,", "5)"],
    ]


def test_summary_of_neurons():
    model = MLP(3, [4, 4, 1])
    summary = model.summary([1.0, 2.0, 3.0])
    assert summary.rows == [
        ("layers.0", "Layer", "(4,)", 16),
        ("layers.1", "Layer", "(4,)", 20),
        ("layers.2", "Layer", "()", 5),
    ]
    assert summary.total == 41
    assert model.summary(np.ones(3)).rows == summary.rows
    assert all(p.grad == 0 for p in model.parameters())


def test_summary_of_shared_layers_counts_their_numbers_once():
    assert Tied().summary().total == 6
    assert Sequential(*[Linear(2, 2)] * 3).summary(np.ones((1, 2))).total == 6


def test_summary_leaves_the_model_as_it_was():
    model = Net()
    model.head.eval()
    model.head.weight.requires_grad = False
    before, hooks = [m.training for m in model.modules()], [tuple(m._forward_hooks) for m in model.modules()]
    micrograd_plus.seed(0)
    state = random.getstate()
    graphs = []
    remove = model.register_forward_hook(lambda module, args, y: graphs.append(y.requires_grad))
    model.summary(normal(5, 4))
    remove()
    assert graphs == [False]
    with pytest.raises(ValueError, match="linear"):
        model.summary(normal(5, 7))  # it fails, and still leaves all as it was
    assert [m.training for m in model.modules()] == before
    assert before.count(False) == 1
    assert [tuple(m._forward_hooks) for m in model.modules()] == hooks
    assert all(p.grad is None for p in model.parameters())
    assert random.getstate() == state
    for scalar in (MLP(3, [2, 1]), MLP(3, [2, 1]).eval()):
        before = [m.training for m in scalar.modules()]
        scalar.summary([1.0, 2.0, 3.0])
        assert [m.training for m in scalar.modules()] == before


# ---- scalars: micrograd's networks -------------------------------------------------------------------------


def test_the_lectures_network():
    model = MLP(3, [4, 4, 1])
    assert len(model.parameters()) == 41
    assert all(isinstance(p, Value) for p in model.parameters())
    assert isinstance(model([2.0, 3.0, -1.0]), Value)
    wide = MLP(3, [4, 2])([2.0, 3.0, -1.0])
    assert isinstance(wide, list)
    assert [isinstance(v, Value) for v in wide] == [True, True]
    assert [(m.nonlin, m.activation) for layer in model.layers for m in layer.neurons][-2:] == [
        (True, "relu"),
        (False, "linear"),
    ]


@pytest.mark.parametrize("sizes", [(3, [4, 4, 1]), (2, [16, 16, 1]), (1, [1]), (5, [3]), (2, [3, 2])], ids=str)
def test_micrograds_own_network_has_the_same_bits(sizes):
    theirs_module = pytest.importorskip("micrograd.nn")
    random.seed(1337)
    theirs = theirs_module.MLP(*sizes)
    random.seed(1337)
    ours = MLP(*sizes)
    assert [p.data for p in ours.parameters()] == [p.data for p in theirs.parameters()]
    assert repr(ours) == repr(theirs)
    assert repr(ours.layers[0]) == repr(theirs.layers[0])
    assert repr(ours.layers[-1].neurons[0]) == repr(theirs.layers[-1].neurons[0])
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        p.data = q.data = q.data or random.uniform(-1, 1)  # biases too
    for seed in range(5):
        x = normal(sizes[0], seed=seed).tolist()
        a, b = ours(x), theirs(x)
        a, b = (a, b) if isinstance(a, list) else ([a], [b])
        assert [v.data for v in a] == [v.data for v in b]  # to the last bit: the same sums in the same order
        for model, out in ((ours, a), (theirs, b)):
            model.zero_grad()
            total = out[0] * out[0]
            for v in out[1:]:
                total = total + v * v
            total.backward()
        assert [p.grad for p in ours.parameters()] == pytest.approx(
            [p.grad for p in theirs.parameters()], rel=1e-12, abs=1e-14
        )


def test_micrograds_demo_step_by_step():
    """Its moons loss, max-margin with L2, and SGD by hand: the same parameters after ten steps."""
    engine, theirs_module = pytest.importorskip("micrograd.engine"), pytest.importorskip("micrograd.nn")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), rng.choice([-1, 1], 20)

    def train(model, kind):
        for k in range(10):
            inputs = [list(map(kind, row)) for row in X]
            scores = list(map(model, inputs))
            losses = [(1 + -yi * score).relu() for yi, score in zip(y.tolist(), scores, strict=True)]
            total = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())
            model.zero_grad()
            total.backward()
            for p in model.parameters():
                p.data -= (1.0 - 0.9 * k / 100) * p.grad
        return [p.data for p in model.parameters()]

    random.seed(1337)
    theirs = train(theirs_module.MLP(2, [8, 1]), engine.Value)
    random.seed(1337)
    assert train(MLP(2, [8, 1]), Value) == pytest.approx(theirs, rel=1e-10)


def test_seeds_of_scalar_networks():
    weights = lambda model: [p.data for p in model.parameters()]
    assert weights(MLP(3, [2, 1], seed=5)) == weights(MLP(3, [2, 1], seed=5))
    assert weights(MLP(3, [2, 1], seed=5)) != weights(MLP(3, [2, 1], seed=6))
    micrograd_plus.seed(5)
    assert weights(MLP(3, [2, 1])) == weights(MLP(3, [2, 1], seed=5))
    state = random.getstate()
    MLP(3, [2, 1], seed=5)
    assert random.getstate() == state
    rng = random.Random(5)
    assert [p.data for p in Layer(3, 2, rng=rng).parameters()] == weights(MLP(3, [2, 1], seed=5))[:8]
    biases = [n.b.data for layer in MLP(3, [2, 1], seed=5).layers for n in layer.neurons]
    assert biases == [0, 0, 0]
    assert all(-1 <= w <= 1 for w in weights(MLP(10, [100, 1], seed=0)))


def test_what_a_neuron_computes():
    n = Neuron(2, activation="tanh")
    n.w[0].data, n.w[1].data, n.b.data = 0.5, -1.0, 0.25
    assert n([2.0, 3.0]).data == math.tanh(0.5 * 2 - 3 + 0.25)
    n.nonlin = False  # what was asked for at first stays
    assert Neuron(2, nonlin=False, activation="tanh").activation == "linear"


def test_inputs_may_be_numbers_values_arrays():
    model = MLP(3, [2, 1], activation="tanh", seed=0)
    rows = normal(4, 3)
    for row in rows:
        expected = model(row.tolist()).data
        for x in (row, tuple(row), [Value(number) for number in row], row.astype(np.float64).tolist()):
            assert model(x).data == expected
    assert model(np.array([1, 2, 3])).data == model([1, 2, 3]).data == model([1.0, 2.0, 3.0]).data
    x = [Value(1.0), Value(2.0), Value(3.0)]
    model(x).backward()
    assert all(v.grad for v in x)
    assert MLP(1, [2, 1], seed=0)(0.5).data == MLP(1, [2, 1], seed=0)([0.5]).data  # one input may come bare
    assert isinstance(MLP(2, [1, 1, 1])([1.0, 2.0]), Value)  # a hidden layer of one neuron
    assert Layer(2, 1)([1.0, 2.0]).requires_grad
    assert len(Layer(2, 3)([1.0, 2.0])) == 3


@pytest.mark.parametrize("got", [0, 2, 4])
def test_the_number_of_inputs_must_fit(got):
    for model in (MLP(3, [2, 1]), Layer(3, 2), Neuron(3)):
        for x in ([1.0] * got, np.ones(got)):
            with pytest.raises(ValueError, match=f"expects 3 inputs, got {got}$"):
                model(x)


@pytest.mark.parametrize("nin", [0, -1, 2.0, "2", None, [2]], ids=repr)
def test_a_bad_number_of_inputs(nin):
    for make in (lambda: Neuron(nin), lambda: Layer(nin, 2), lambda: MLP(nin, [2])):
        with pytest.raises(ValueError, match="a neuron needs a whole number of inputs, at least 1; got nin=") as caught:
            make()
        assert str(caught.value).endswith(repr(nin))


@pytest.mark.parametrize("nout", [0, -1, 2.0, "2", None], ids=repr)
def test_a_bad_number_of_neurons(nout):
    for make in (lambda: Layer(2, nout), lambda: MLP(2, [nout]), lambda: MLP(2, [3, nout])):
        with pytest.raises(
            ValueError, match=r"(a layer needs a whole number of neurons|a neuron needs a whole)"
        ) as caught:
            make()
        assert repr(nout) in str(caught.value)


@pytest.mark.parametrize("nouts", [4, [], (), None, 1.5], ids=repr)
def test_bad_nouts(nouts):
    with pytest.raises(
        ValueError, match=r"nouts must list the number of neurons of each layer, as in \[16, 16, 1\]; got "
    ) as caught:
        MLP(3, nouts)
    assert str(caught.value).endswith(repr(nouts))


def test_sizes_may_be_numpys_integers():
    assert len(MLP(np.int64(3), np.array([4, 4, 1])).parameters()) == 41
    assert len(MLP(np.int32(3), [np.uint8(4), 1]).parameters()) == 21
    assert Linear(np.int64(3), np.int64(2))(np.ones((1, 3))).shape == (1, 2)


def test_an_unknown_activation():
    for make in (lambda: Neuron(2, activation="rely"), lambda: MLP(2, [2, 1], activation="rely")):
        with pytest.raises(
            ValueError, match=r"activation 'rely' is not known: choose one of relu, tanh, sigmoid, .*linear"
        ):
            make()


def test_the_scalar_half_needs_no_numpy():
    losses = "(mse_loss, MSELoss(), hinge_loss, huber_loss)"
    program = (
        "import sys; sys.modules['numpy'] = None\n"
        "from micrograd_plus.nn import MLP, MSELoss, cross_entropy, hinge_loss, mse_loss, huber_loss, l2_penalty\n"
        "from micrograd_plus import Value\n"
        "model = MLP(3, [4, 4, 2])\n"
        "ys = [model([1.0, 2.0, x]) for x in (0.0, 1.0)]\n"
        "flat = [v for y in ys for v in y]\n"
        "loss = cross_entropy(ys, [0, 1]) + l2_penalty(model) + sum(f(flat, [1, -1, 1, -1]) for f in " + losses + ")\n"
        "loss.backward()\n"
        "model.load_state_dict(model.state_dict()); model.summary([1.0, 2.0, 3.0]); print(len(model.parameters()))\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("46", "")


# ---- scalars: to layers of arrays and back -----------------------------------------------------------------

ACTIVATIONS = ["relu", "tanh", "sigmoid", "leaky_relu", "elu", "gelu", "silu", "softplus", "linear"]


def test_every_activation_is_tried():
    assert set(ACTIVATIONS) == set(importlib.import_module("micrograd_plus.nn.scalar").ACTIVATIONS)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("nouts", [[4, 4, 1], [3, 2], [1]], ids=str)
def test_conversion_keeps_outputs_and_gradients(activation, nouts):
    mlp, x = MLP(3, nouts, activation=activation, seed=0), normal(6, 3)
    for n in (n for layer in mlp.layers for n in layer.neurons):
        n.b.data = random.Random(0).uniform(-1, 1)
    model = mlp.to_sequential()
    back = MLP.from_sequential(model)
    y = model(x)
    assert y.shape == (6, nouts[-1])
    (y * y).sum().backward()
    slopes = np.concatenate(
        [np.column_stack([m.weight.grad, m.bias.grad]).ravel() for m in model if isinstance(m, Linear)]
    )
    for scalar in (mlp, back):
        rows = [scalar(row) if nouts[-1] > 1 else [scalar(row)] for row in x]
        np.testing.assert_allclose([[v.data for v in row] for row in rows], y.data, **EXACT)
        sum_([v * v for row in rows for v in row]).backward()
        np.testing.assert_allclose([p.grad for p in scalar.parameters()], slopes, rtol=1e-11, atol=1e-12)
    assert repr(back) == repr(mlp)
    assert [p.data for p in back.parameters()] == [p.data for p in mlp.parameters()]
    assert [p.label for p in back.parameters()] == [p.label for p in mlp.parameters()]


def test_converted_networks_are_apart():
    mlp = MLP(2, [2, 1], seed=0)
    model = mlp.to_sequential()
    model[0].weight.data[...] = 9
    assert not any(p.data == 9 for p in mlp.parameters())
    back = MLP.from_sequential(model)
    back.layers[0].neurons[0].w[0].data = 8.0
    assert (model[0].weight.data == 9).all()
    assert mlp.to_sequential(np.float32)[0].weight.dtype == np.float32


def test_conversion_draws_no_random_numbers():
    mlp = MLP(2, [2, 1], seed=0)
    state = random.getstate()
    MLP.from_sequential(mlp.to_sequential())
    assert random.getstate() == state


def test_conversion_of_layers_without_bias_and_in_float32():
    model = Sequential(Linear(2, 3, bias=False, dtype=np.float32, seed=0), nn.Tanh(), Linear(3, 1, seed=1))
    mlp = MLP.from_sequential(model)
    x = normal(2)
    assert mlp(x).data == pytest.approx(model(x).item(), rel=1e-6)
    assert all(type(p.data) is float for p in mlp.parameters())
    assert [n.b.data for n in mlp.layers[0].neurons] == [0, 0, 0]


@pytest.mark.parametrize(
    "module",
    [nn.Dropout(0.5), nn.Softmax(), nn.Flatten(), nn.LeakyReLU(0.2), nn.ELU(2.0), Sequential(Linear(2, 2)), np.tanh],
    ids=lambda m: getattr(m, "__name__", repr(m)[:20]),
)
def test_what_has_no_counterpart(module):
    with pytest.raises(
        TypeError,
        match=r"(?s)an MLP has Linear layers, each with at most one activation behind it: .* has no counterpart",
    ) as caught:
        MLP.from_sequential(Sequential(Linear(2, 2), module))
    assert repr(module) in str(caught.value)


def test_a_model_without_layers_or_with_layers_that_do_not_fit():
    with pytest.raises(ValueError, match="from_sequential needs a model with one Linear layer at least"):
        MLP.from_sequential(Sequential())
    with pytest.raises(ValueError, match=r"from_sequential: 3 numbers go into Linear\(in_features=4, out_features=1\)"):
        MLP.from_sequential(Sequential(Linear(2, 3), Linear(4, 1)))


def test_what_stands_in_the_wrong_place():
    for modules in ([nn.ReLU()], [nn.ReLU(), Linear(2, 2)], [Linear(2, 2), nn.ReLU(), nn.Tanh()]):
        with pytest.raises(TypeError, match="has no counterpart"):
            MLP.from_sequential(Sequential(*modules))
    for thing in (Linear(2, 2), MLP(2, [1]), [Linear(2, 2)]):
        with pytest.raises(TypeError, match=f"from_sequential needs an nn.Sequential, got {type(thing).__name__}"):
            MLP.from_sequential(thing)
    assert MLP.from_sequential(Sequential(Linear(2, 2), Linear(2, 1)))(
        [1.0, 2.0]
    ).requires_grad  # two in a row are fine


# ---- Linear ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4,), (5, 4), (2, 5, 4), (1, 4), (0, 4)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float64, EXACT), (np.float32, SINGLE)], ids=["float64", "float32"]
)
def test_linear_is_pytorchs(shape, bias, dtype, tolerance):
    torch = pytest.importorskip("torch")
    ours = Linear(4, 3, bias=bias, dtype=dtype, seed=0)
    theirs = torch.nn.Linear(4, 3, bias=bias, dtype=torch.float64 if dtype == np.float64 else torch.float32)
    theirs.load_state_dict({name: torch.tensor(numbers) for name, numbers in ours.state_dict().items()})
    x = normal(*shape).astype(dtype)
    a, b = Tensor(x), torch.tensor(x, requires_grad=True)
    y, z = ours(a), theirs(b)
    assert y.dtype == dtype
    np.testing.assert_allclose(y.data, z.detach().numpy(), **tolerance)
    (y * y).sum().backward()
    (z * z).sum().backward()
    np.testing.assert_allclose(a.grad, b.grad.numpy(), **tolerance)
    for (name, p), (their_name, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == their_name
        assert p.grad.dtype == dtype
        np.testing.assert_allclose(p.grad, q.grad.numpy(), **tolerance)
    np.testing.assert_array_equal(ours(x).data, y.data)  # a plain array goes in as well


def test_linear_starts_as_pytorchs():
    for n in (4, 100):
        model = Linear(n, 500, seed=0)
        for p in (model.weight, model.bias):
            assert abs(p.data).max() <= 1 / math.sqrt(n)
            assert abs(p.data).max() > 0.97 / math.sqrt(n)
            assert p.data.std() == pytest.approx(1 / math.sqrt(3 * n), rel=0.1)
    assert model.weight.shape == (500, 100)
    assert (model.weight.label, model.bias.label) == ("weight", "bias")
    assert Linear(2, 2, bias=False).bias is None


def test_linear_and_seeds():
    weights = lambda model: model.weight.data.tolist()
    micrograd_plus.seed(3)
    first, second = Linear(3, 2), Linear(3, 2)
    micrograd_plus.seed(3)
    assert weights(Linear(3, 2)) == weights(first) != weights(second)
    assert weights(Linear(3, 2, seed=1)) == weights(Linear(3, 2, seed=1)) != weights(Linear(3, 2, seed=2))
    state = random.getstate()
    Linear(3, 2, seed=1)
    assert random.getstate() == state


@pytest.mark.parametrize(("sizes", "name", "got"), [
    ((0, 2), "in_features", "0"), ((-3, 2), "in_features", "-3"), ((2.0, 2), "in_features", "2.0"),
    (("3", 2), "in_features", "'3'"),
    ((2, 0), "out_features", "0"), ((2, None), "out_features", "None"), ((2, 1.5), "out_features", "1.5"),
])  # fmt: skip
def test_linear_sizes(sizes, name, got):
    with pytest.raises(ValueError, match=f"^Linear: {name} must be a whole number, at least 1; got {got}$"):
        Linear(*sizes)


@pytest.mark.parametrize("shape", [(5, 3), (3,), (2, 5, 3), (4, 5), (), (5, 0)], ids=str)
def test_linear_needs_its_number_of_features(shape):
    for x in (np.ones(shape), Tensor(np.ones(shape))):
        with pytest.raises(ValueError, match="linear") as caught:
            Linear(4, 2)(x)
        assert str(caught.value) == (
            f"linear: the input has shape {shape}, but a weight of shape (2, 4) needs a last size of 4 "
            "(one number for each input feature)"
        )


def test_a_dtype_that_has_no_derivative():
    with pytest.raises(TypeError, match="a Tensor of int64 can't have gradients"):
        Linear(2, 2, dtype=np.int64)


# ---- Sequential, Flatten -----------------------------------------------------------------------------------


def test_sequential_is_a_sequence():
    a, b, c = Linear(2, 3), nn.ReLU(), Linear(3, 1)
    model = Sequential(a, b, c)
    assert len(model) == 3
    assert list(model) == [a, b, c]
    assert (model[0], model[1], model[-1], model[np.int64(2)]) == (a, b, c, c)
    assert isinstance(model[1:], Sequential)
    assert list(model[1:]) == [b, c]
    assert names(model[1:]) == ["1.weight", "1.bias"]
    assert list(model[::-1]) == [c, b, a]
    assert model[:1][0].weight is a.weight  # the same layers, not copies
    assert list(Sequential()) == []
    x = normal(4, 2)
    np.testing.assert_array_equal(model(x).data, c(b(a(x))).data)
    assert Sequential()(x) is x
    with pytest.raises(IndexError):
        _ = model[3]


def test_sequential_keeps_its_order_beyond_ten():
    factors = [Sequential(lambda x, i=i: [*x, i]) for i in range(12)]
    assert Sequential(*factors)([]) == list(range(12))


def test_sequential_of_functions():
    model = Sequential(
        Linear(2, 3, seed=0), micrograd_plus.tanh, lambda x: x * 2, nn.functional.softplus, Linear(3, 1, seed=1)
    )
    assert len(model) == 5
    assert names(model) == ["0.weight", "0.bias", "4.weight", "4.bias"]
    x = normal(4, 2)
    np.testing.assert_array_equal(model(x).data, model[4]((model[0](x).tanh() * 2).softplus()).data)
    model(x).sum().backward()
    assert model[0].weight.grad.any()


def test_sequential_of_what_cannot_be_called():
    with pytest.raises(TypeError, match=r"^Sequential takes modules or functions, got list: \[ReLU\(\)\]$"):
        Sequential([nn.ReLU()])
    with pytest.raises(TypeError, match=r"^Sequential takes modules or functions, got int: 3$"):
        Sequential(nn.ReLU(), 3)
    with pytest.raises(TypeError, match="got NoneType: None"):
        Sequential(None)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3), (5, 1, 8, 8), (0, 3, 4), (2, 0, 3)], ids=str)
@pytest.mark.parametrize("axes", [(), (0,), (1, -1), (0, 1), (-2,), (-2, -1)], ids=str)
def test_flatten_is_pytorchs(shape, axes):
    torch = pytest.importorskip("torch")
    x = normal(*shape)
    expected = torch.nn.Flatten(*axes)(torch.tensor(x)).numpy()
    for given in (Tensor(x), x, x.tolist() if x.size else x):
        y = nn.Flatten(*axes)(given)
        assert y.shape == expected.shape
        np.testing.assert_array_equal(np.asarray(y), expected)
    leaf = Tensor(x)
    (nn.Flatten(*axes)(leaf) * 3).sum().backward()
    assert leaf.grad.shape == shape


@pytest.mark.parametrize(
    ("axes", "shape"),
    [((), ()), ((), (3,)), ((2,), (2, 3)), ((1, 2), (2, 3)), ((-3,), (2, 3)), ((2, 1), (2, 3, 4))],
    ids=str,
)
def test_flatten_of_axes_that_are_not_there(axes, shape):
    torch = pytest.importorskip("torch")
    with pytest.raises((IndexError, RuntimeError)):
        torch.nn.Flatten(*axes)(torch.ones(shape))
    with pytest.raises(ValueError, match=r"Flatten: start_dim=.*, end_dim=.*, but") as caught:
        nn.Flatten(*axes)(Tensor(np.ones(shape)))
    assert str(shape) in str(caught.value)


# ---- Dropout -----------------------------------------------------------------------------------------------


def test_dropout_in_training_drops_and_scales():
    micrograd_plus.seed(0)
    x = Tensor(np.full((400, 500), 2.0))
    y = nn.Dropout(0.2)(x)
    assert set(np.unique(y.data)) == {0.0, 2.5}
    assert (y.data == 0).mean() == pytest.approx(0.2, abs=0.005)
    assert y.data.mean() == pytest.approx(2.0, abs=0.02)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, y.data / 2)  # what was dropped gets no gradient
    assert abs(np.corrcoef(y.data[:, 0], y.data[:, 1])[0, 1]) < 0.2
    z = nn.Dropout(0.2)(x)
    assert (z.data != y.data).any()


def test_dropout_in_use_does_nothing():
    x = Tensor(normal(4, 3))
    assert nn.Dropout(0.9).eval()(x) is x
    assert nn.functional.dropout(x, 0.9, training=False) is x
    assert nn.Dropout(0.0)(x) is x
    model = Net()
    micrograd_plus.seed(0)
    state = random.getstate()
    np.testing.assert_array_equal(model.eval()(normal(2, 4)).data, model(normal(2, 4)).data)
    assert random.getstate() == state
    model.train()
    assert (model(normal(2, 4)).data != model(normal(2, 4)).data).any()


def test_dropout_can_be_repeated():
    x = Tensor(normal(10, 10))
    micrograd_plus.seed(1)
    first, second = nn.Dropout()(x).data, nn.Dropout()(x).data
    micrograd_plus.seed(1)
    np.testing.assert_array_equal(nn.Dropout()(x).data, first)
    assert (first != second).any()


def test_dropout_of_anything_with_a_shape():
    for dtype in (np.float32, np.float64):
        assert nn.Dropout()(Tensor(normal(3), dtype=dtype)).dtype == dtype
    micrograd_plus.seed(1)
    expected = nn.Dropout()(Tensor([1.0, 2.0, 3.0, 4.0])).data
    for x in (np.array([1.0, 2.0, 3.0, 4.0]), [1.0, 2.0, 3.0, 4.0], ValueArray.leaves(np.array([1.0, 2.0, 3.0, 4.0]))):
        micrograd_plus.seed(1)
        y = nn.Dropout()(x)
        np.testing.assert_array_equal(y if isinstance(y, np.ndarray) else y.data, expected)
    with pytest.raises(TypeError, match="Value"):
        nn.Dropout()(Value(1.0))


CHANNELS = pytest.mark.parametrize(
    ("layer", "function", "places"),
    [(nn.Dropout1d, nn.functional.dropout1d, (7,)), (nn.Dropout2d, nn.functional.dropout2d, (4, 3))],
    ids=["1d", "2d"],
)


@CHANNELS
def test_channels_are_dropped_whole(layer, function, places):
    micrograd_plus.seed(0)
    x = Tensor(np.full((60, 50, *places), 2.0))
    y = layer(0.2)(x)
    first = y.data[(slice(None), slice(None), *(slice(0, 1),) * len(places))]
    np.testing.assert_array_equal(y.data, np.broadcast_to(first, y.shape))  # all of a channel, or none of it
    assert set(np.unique(first)) == {0.0, 2.5}
    assert (first == 0).mean() == pytest.approx(0.2, abs=0.03)
    assert 0 < (first[0] == 0).sum() < 50  # not the same in all channels of a sample,
    assert 0 < (first[:, 0] == 0).sum() < 60  # nor in all samples
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, y.data / 2)
    assert function(Tensor(normal(3, *places), dtype=np.float32), 0.5).dtype == np.float32  # one sample alone
    assert layer(0.9).eval()(x) is function(x, 0.9, training=False) is layer(0.0)(x) is x
    micrograd_plus.seed(1)
    again = layer()(x).data
    micrograd_plus.seed(1)
    np.testing.assert_array_equal(function(x, 0.5), again)


@CHANNELS
def test_channels_that_are_not_there(layer, function, places):
    for shape in ((5,), (2, 3, *places, 2)):
        for training in (True, False):
            with pytest.raises(ValueError, match=r"dropout[12]d: the input needs shape \(N, C, .*got \(") as caught:
                layer().train(training)(Tensor(np.ones(shape)))
            assert str(shape) in str(caught.value)
    with pytest.raises(ValueError, match="dropout: p is the probability"):
        function(np.ones((2, 3, *places)), 1.0)


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5, float("nan"), 50])
def test_a_bad_probability(p):
    for make in (
        lambda: nn.Dropout(p),
        lambda: nn.functional.dropout(Tensor([1.0]), p),
        lambda: nn.functional.dropout([1.0], p, False),
    ):
        with pytest.raises(
            ValueError,
            match=r"dropout: p is the probability of dropping a number, from 0 up to \(not including\) 1; got ",
        ) as caught:
            make()
        assert str(caught.value).endswith(repr(p))


# ---- activations -------------------------------------------------------------------------------------------

# each module with PyTorch's, given the same settings
ACTIVATION_MODULES = [
    ("ReLU", {}), ("LeakyReLU", {}), ("LeakyReLU", {"negative_slope": 0.3}), ("ELU", {}), ("ELU", {"alpha": 0.4}),
    ("GELU", {}), ("SiLU", {}), ("Softplus", {}), ("Tanh", {}), ("Sigmoid", {}),
    ("Softmax", {"dim": -1}), ("Softmax", {"dim": 0}), ("LogSoftmax", {"dim": -1}), ("LogSoftmax", {"dim": 0}),
]  # fmt: skip
FUNCTIONS = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "GELU": "gelu", "SiLU": "silu",
             "Softplus": "softplus", "Tanh": "tanh",
             "Sigmoid": "sigmoid", "Softmax": "softmax", "LogSoftmax": "log_softmax"}  # fmt: skip
ACTIVATION = pytest.mark.parametrize(("kind", "settings"), ACTIVATION_MODULES, ids=str)
ENDS = np.array([[-1000.0, -100.0, -30.0, -1e-8], [0.0, 1e-8, 30.0, 1000.0]])

# every layer: how to make one that maps (5, 4) to (5, 4), but for Flatten
LAYERS = {
    "Linear": lambda: Linear(4, 4, seed=3),
    "Sequential": lambda: Sequential(Linear(4, 4, seed=3), nn.Tanh()),
    "Flatten": nn.Flatten,
    "Identity": nn.Identity,
    "Dropout": nn.Dropout,
    "Dropout1d": nn.Dropout1d,
    "Dropout2d": nn.Dropout2d,
} | {kind: (lambda kind=kind: getattr(nn, kind)()) for kind, _ in ACTIVATION_MODULES}


def test_every_layer_is_in_the_table():
    layers = importlib.import_module("micrograd_plus.nn.layers")
    found = {
        n
        for n, c in vars(layers).items()
        if inspect.isclass(c) and issubclass(c, Module) and c.__module__ == layers.__name__
    }
    assert {n for n in found if n[0] != "_"} == set(LAYERS)
    assert {name for name, file in nn._LATER.items() if file == "layers"} == set(LAYERS)
    assert set(nn._LATER) <= set(dir(nn))
    for name in LAYERS:
        assert getattr(nn, name) is getattr(layers, name)


@pytest.mark.parametrize("file", sorted(set(nn._LATER.values())))
def test_every_layer_that_loads_later_is_where_it_is_looked_for(file):
    """The layers of each file are exactly those that nn knows of."""
    module = pytest.importorskip(f"micrograd_plus.nn.{file}")
    found = {n for n, c in vars(module).items() if inspect.isclass(c) and c.__module__ == module.__name__}
    found = {n for n in found if n[0] != "_" and issubclass(getattr(module, n), Module)}
    assert found == {name for name, where in nn._LATER.items() if where == file and name[0].isupper()}
    assert all(getattr(nn, name) is getattr(module, name) for name in found)


def torch_activation(kind, settings):
    torch = pytest.importorskip("torch")
    if kind == "Softplus":  # PyTorch's is the identity above 20: not exact
        return lambda x: torch.nn.functional.softplus(x, threshold=10**6 if x.dtype == torch.float64 else 50)
    return getattr(torch.nn, kind)(**settings)


@ACTIVATION
@pytest.mark.parametrize(
    "x", [normal(5, 4) * 3, ENDS, normal(2, 3, 4), normal(0, 4)], ids=["normal", "ends", "3-D", "empty"]
)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float64, EXACT), (np.float32, SINGLE)], ids=["float64", "float32"]
)
def test_activations_are_pytorchs(kind, settings, x, dtype, tolerance):
    torch = pytest.importorskip("torch")
    if x.size == 0 and settings.get("dim") == 0:
        x = x.T  # a softmax along an axis of nothing has no largest number
    if kind == "Softplus" and x is ENDS:
        x = np.clip(x, -100, 600)  # PyTorch's own formula overflows
    x = x.astype(dtype)
    weights = np.cos(np.arange(x.size)).reshape(x.shape).astype(dtype)
    b = torch.tensor(x, requires_grad=True)
    z = torch_activation(kind, settings)(b)
    z.backward(torch.tensor(weights))
    module = getattr(nn, kind)(**settings)
    function = getattr(nn.functional, FUNCTIONS[kind])
    for f in (module, lambda x: function(x, **settings)):
        a = Tensor(x)
        y = f(a)
        y.backward(weights)
        assert y.dtype == a.grad.dtype == dtype
        np.testing.assert_allclose(y.data, z.detach().numpy(), **tolerance)
        np.testing.assert_allclose(a.grad, b.grad.numpy(), **tolerance)
    plain = np.asarray(module(x))  # an array goes in as well
    np.testing.assert_allclose(plain, y.data, **tolerance)


@pytest.mark.parametrize("kind", [k for k in FUNCTIONS if "oftmax" not in k])
def test_activations_of_values(kind):
    for number in (-1000.0, -2.0, -0.5, 0.0, 0.5, 2.0, 1000.0):
        v, t = Value(number), Tensor(number)
        y, z = getattr(nn, kind)()(v), getattr(nn, kind)()(t)
        y.backward()
        z.backward()
        assert y.data == pytest.approx(z.item(), rel=1e-14, abs=1e-300)
        assert v.grad == pytest.approx(t.grad.item(), rel=1e-14, abs=1e-300)


@ACTIVATION
def test_activations_let_nan_through(kind, settings):
    y = getattr(nn, kind)(**settings)(Tensor([[np.nan, 1.0], [2.0, np.nan]]))
    assert np.isnan(y.data[0, 0])
    assert np.isnan(y.data[1, 1])


def test_softplus_and_softmax_at_the_ends():
    x = Tensor([-1000.0, 0.0, 1000.0])
    y = nn.Softplus()(x)
    y.sum().backward()
    assert y.tolist() == [0.0, math.log(2), 1000.0]
    assert x.grad.tolist() == [0.0, 0.5, 1.0]
    assert nn.Softmax()(Tensor([-1000.0, 1000.0])).tolist() == [0.0, 1.0]
    assert nn.LogSoftmax()(Tensor([-1000.0, 1000.0])).tolist() == [-2000.0, 0.0]
    np.testing.assert_allclose(nn.Softmax(1)(Tensor(normal(5, 3) * 100)).data.sum(axis=1), 1, rtol=1e-14)


def test_softmax_of_an_axis_that_is_not_there():
    for make in (nn.Softmax, nn.LogSoftmax):
        with pytest.raises(ValueError, match=r"softmax`: axis 2 does not exist in shape \(2, 3\)"):
            make(2)(Tensor(np.ones((2, 3))))


def test_an_activation_may_have_a_name_of_its_own():
    act = nn.ReLU()
    act.label = "first"
    assert act(Tensor([-1.0, 2.0])).tolist() == [0.0, 2.0]


def test_unknown_names_in_nn():
    with pytest.raises(AttributeError, match=r"module 'micrograd_plus.nn' has no attribute 'Lineal'"):
        _ = nn.Lineal


# ---- the twin: the same, number by number ------------------------------------------------------------------


def twins_agree(model, x, loss):
    twin = model.scalar_twin()
    micrograd_plus.seed(0)
    y = model(x)
    loss(y).backward()
    micrograd_plus.seed(0)
    z = twin(x)
    total = loss(z)
    assert isinstance(total, Value)
    total.backward()
    np.testing.assert_allclose(z.data, y.data, **EXACT)
    assert total.data == pytest.approx(loss(y).item(), rel=1e-12)
    for (name, p), q in zip(model.named_parameters(), _twin_arrays(twin, model), strict=True):
        np.testing.assert_allclose(q.grad, p.grad, err_msg=name, **EXACT)
    return twin


def _twin_arrays(twin, model):
    """The twin's arrays of Values, in the order of the model's parameters."""
    for name, _ in model.named_parameters():
        thing = twin
        for part in name.split("."):
            thing = getattr(thing, part)
        yield thing


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_the_twin_of_each_layer(name, training):
    if name == "Flatten":
        model = Sequential(lambda x: x.reshape(5, 2, 2), nn.Flatten(), Linear(4, 4, seed=0))
        model = Sequential(Linear(4, 4, seed=1), model)
    elif name in ("Dropout1d", "Dropout2d"):
        shape = (5, 2, 2) if name == "Dropout1d" else (5, 2, 2, 1)
        model = Sequential(
            Linear(4, 4, seed=1), lambda x: x.reshape(*shape), LAYERS[name](), nn.Flatten(), Linear(4, 4, seed=2)
        )
    else:
        model = Sequential(Linear(4, 4, seed=1), LAYERS[name](), Linear(4, 4, seed=2))
    twins_agree(model.train(training), normal(5, 4), lambda y: (y * y).sum())


TWIN_LOSSES = {
    "MSELoss": (normal(5, 4, seed=1), None),
    "L1Loss": (normal(5, 4, seed=1), None),
    "HuberLoss": (normal(5, 4, seed=1), None),
    "HingeLoss": (np.sign(normal(5, 4, seed=1)), None),
    "BCELoss": ((normal(5, 4, seed=1) > 0) * 1.0, nn.Sigmoid),
    "BCEWithLogitsLoss": ((normal(5, 4, seed=1) > 0) * 1.0, None),
    "CrossEntropyLoss": (np.array([0, 3, 1, 1, 2]), None),
    "NLLLoss": (np.array([0, 3, 1, 1, 2]), nn.LogSoftmax),
    "KLDivLoss": (np.random.default_rng(1).dirichlet(np.ones(4), 5), nn.LogSoftmax),
}


@pytest.mark.parametrize("name", [n for n in dir(nn) if n.endswith("Loss")])
def test_the_twin_with_each_loss(name):
    target, last = TWIN_LOSSES[name]
    model = Sequential(Linear(4, 6, seed=0), nn.Tanh(), Linear(6, 4, seed=1), *([last()] if last else []))
    loss = getattr(nn, name)()
    twins_agree(model, normal(5, 4), lambda y: loss(y, target))


def test_a_twin_is_a_copy_of_values():
    model = Net()
    twin = model.scalar_twin()
    assert type(twin) is Net
    assert len(twin.parameters()) == sum(p.size for p in model.parameters()) == 139
    assert all(isinstance(p, Value) for p in twin.parameters())
    assert names(twin)[:2] == ["body.0.weight.0", "body.0.weight.1"]
    assert twin.parameters()[0].label == "body.0.weight[0,0]"
    assert twin.head.bias.values[2].label == "head.bias[2]"
    twin.parameters()[0].data = 100.0
    assert not (model.body[0].weight.data == 100).any()
    assert not model.eval().scalar_twin().training
    assert twin.training


def test_a_twins_graph_is_of_values_alone():
    model = Sequential(Linear(2, 3, seed=0), nn.ReLU(), Linear(3, 1, seed=1))
    loss = nn.mse_loss(model.scalar_twin()(normal(2, 2)), np.zeros((2, 1)))
    nodes = order(loss)
    assert all(isinstance(node, Value) for node in nodes)
    assert {node.label for node in nodes if node.op is None} >= {"0.weight[2,1]", "2.bias[0]"}


def test_the_twin_of_tied_weights_is_tied():
    twin = twins_agree(Tied(), normal(3, 2), lambda y: (y * y).sum())
    assert twin.head.weight is twin.first.weight
    assert len(twin.parameters()) == 6


def test_the_twin_of_a_model_with_a_buffer_and_a_single_number():
    class Gain(Module):
        def __init__(self):
            self.gain = Tensor(2.0)
            self.inner = Scale()

        def forward(self, x):
            return self.inner(x) * self.gain

    model = Gain()
    model.inner.mean[...] = [0.5, -0.5]
    twin = model.scalar_twin()
    x = normal(3, 2)
    model(x).sum().backward()
    twin(x).sum().backward()
    np.testing.assert_allclose(twin(x).data, model(x).data, **EXACT)
    np.testing.assert_allclose(twin.inner.factor.grad, model.inner.factor.grad, **EXACT)
    assert twin.parameters()[0].grad == pytest.approx(model.gain.grad.item(), rel=1e-12)


def test_the_twin_of_a_scalar_network_is_a_copy():
    model = MLP(2, [2, 1], seed=0)
    twin = model.scalar_twin()
    assert twin([1.0, 2.0]).data == model([1.0, 2.0]).data
    assert not set(map(id, twin.parameters())) & set(map(id, model.parameters()))


def test_a_frozen_twin_is_frozen():
    model = Net().eval()
    model.body.requires_grad_(False)
    twin = model.scalar_twin()
    assert [p.requires_grad for p in twin.parameters()].count(True) == 27
    twin(normal(4)).sum().backward()
    assert not twin.body[0].weight.grad.any()


# ---- it learns ---------------------------------------------------------------------------------------------


def test_a_network_learns_as_pytorchs_does():
    torch = pytest.importorskip("torch")
    ours = Sequential(Linear(2, 16, seed=0), nn.Tanh(), Linear(16, 3, seed=1))
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3)).double()
    theirs.load_state_dict({name: torch.tensor(x) for name, x in ours.state_dict().items()})
    X = normal(60, 2)
    labels = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    first = None
    for _ in range(50):
        loss = nn.cross_entropy(ours(X), labels)
        first = loss.item() if first is None else first
        ours.zero_grad()
        loss.backward()
        their_loss = torch.nn.functional.cross_entropy(theirs(torch.tensor(X)), torch.tensor(labels))
        theirs.zero_grad()
        their_loss.backward()
        assert loss.item() == pytest.approx(their_loss.item(), rel=1e-11)
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            p.data -= 0.5 * p.grad
            q.data -= 0.5 * q.grad
    assert loss.item() < first / 2


def test_no_graph_under_no_grad():
    with no_grad():
        assert not Net()(normal(2, 4)).requires_grad
        assert not MLP(2, [1])([1.0, 2.0]).requires_grad


def test_a_computed_attribute_is_no_parameter_and_fit_says_so():
    class Scaled(nn.Module):
        def __init__(self):
            self.w = Tensor(np.ones((2, 1))) * 0.1
            self.b = Tensor([0.0])

        def forward(self, x):
            self.seen = x @ self.w + self.b  # remembered, and made of parameters: no mistake
            return self.seen

    model = Scaled()
    assert model.lost_parameters() == ["w"]
    with pytest.raises(ValueError, match=r"w: computed from something else.*Tensor\(0\.1 \* numbers\)"):
        micrograd_plus.training.fit(model, (np.ones((4, 2)), np.ones((4, 1))), loss="mse", optimizer="sgd")
    model.w = Tensor(0.1 * np.ones((2, 1)))
    model(np.ones((4, 2)))
    assert model.lost_parameters() == []


def test_a_scalar_network_takes_one_sample_at_a_time():
    with pytest.raises(ValueError, match=r"one sample at a time: \[model\(x\) for x in X\]"):
        nn.MLP(2, [4, 1])(np.ones((20, 2)))


def test_a_class_in_a_sequential_is_refused():
    with pytest.raises(TypeError, match=r"not classes: write ReLU\(\) with brackets"):
        nn.Sequential(nn.Linear(2, 1), nn.ReLU)


def test_a_number_of_numpys_is_a_setting_not_a_buffer():
    """self.mean = X.mean() is a number like any other: not saved, and no loaded number has to find a place in it."""

    class Centred(nn.Module):
        def __init__(self, mean):
            self.weight, self.mean, self.spread = Tensor([2.0]), np.float64(mean), np.array(1.0)

    first, second = Centred(1.0), Centred(3.0)
    assert list(first.state_dict()) == ["weight", "spread"]  # an array without axes is an array
    second.load_state_dict(first.state_dict())
    assert (first.mean, second.mean) == (1.0, 3.0)


@pytest.mark.parametrize(
    "entries", [{1: Tensor([1.0]), "1": Tensor([2.0])}, {"a.b": Tensor(1.0), "a": {"b": Tensor(2.0)}}]
)
def test_two_parameters_of_one_name_are_refused(entries):
    class Twice(nn.Module):
        def __init__(self):
            self.p = entries

    for use in (lambda: Twice().state_dict(), lambda: Twice().load_state_dict({})):
        with pytest.raises(ValueError, match=r"Twice has two parameters \(or arrays\) of the name 'p\.(1|a\.b)'"):
            use()
    assert len(Twice().parameters()) == 2  # they can be trained


def test_what_is_shared_may_be_in_a_state_once():
    """As in files that write a tensor once which has two names."""
    model = nn.Sequential(nn.Linear(2, 2, bias=False, seed=0), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    for name in ("0.weight", "1.weight"):
        model.load_state_dict({name: np.eye(2)})
        assert model[1].weight.tolist() == np.eye(2).tolist()
    with pytest.raises(ValueError, match=r"missing: 0\.weight\n  missing: 1\.weight"):
        model.load_state_dict({})
