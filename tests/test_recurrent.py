"""RNN, LSTM, GRU: PyTorch's numbers, gradients and names; sequences of different lengths; twins; errors that help."""

import copy
import gc
import math
import pickle
import weakref

import numpy as np
import pytest

import micrograd_plus as mg
from micrograd_plus import Tensor, nn
from micrograd_plus.engine.graph import order
from micrograd_plus.explain.pieces import CodeError
from micrograd_plus.nn import recurrent
from micrograd_plus.nn.recurrent import RECURRENT_TABLE, Packing

KINDS = ["RNN", "LSTM", "GRU"]
STEPS, BATCH, FEATURES, HIDDEN = 6, 5, 3, 4
LENGTHS = np.array([3, 6, 1, 6, 4])
EACH = pytest.mark.parametrize("kind", KINDS)
SETTINGS = [
    {},
    {"batch_first": True, "bias": False},
    {"bidirectional": True},
    {"num_layers": 2, "bidirectional": True, "batch_first": True},
    {"num_layers": 2, "bias": False},
]
CASES = [(kind, settings) for kind in KINDS for settings in SETTINGS] + [("RNN", {"nonlinearity": "relu"})]
CASE = pytest.mark.parametrize(
    ("kind", "settings"), CASES, ids=[f"{kind}-{'-'.join(settings) or 'plain'}" for kind, settings in CASES]
)


def made(kind, dtype=np.float64, seed=0, **settings):
    return getattr(nn, kind)(FEATURES, HIDDEN, dtype=dtype, seed=seed, **settings)


def drawn(settings, dtype=np.float64, seed=0):
    """An input, and as many first states as there are layers and directions: for h and for c."""
    rng = np.random.default_rng(seed)
    shape = (BATCH, STEPS, FEATURES) if settings.get("batch_first") else (STEPS, BATCH, FEATURES)
    passes = settings.get("num_layers", 1) * (1 + settings.get("bidirectional", False))
    states = [rng.normal(size=(passes, BATCH, HIDDEN)).astype(dtype) for _ in range(2)]
    return rng.normal(size=shape).astype(dtype), states


def states_for(kind, states):
    return tuple(states) if kind == "LSTM" else states[0]


def results(y):
    """Output and states in one list."""
    output, states = y
    return [output, *(states if isinstance(states, tuple) else (states,))]


def weighted(parts):
    """One number in which each number of the parts has a weight of its own."""
    return sum(((part * (np.sin(np.arange(part.size)) + 0.5).reshape(part.shape)).sum() for part in parts), 0.0)


def loss_of(model, x, **arguments):
    return weighted(results(model(x, **arguments)))


# ---- PyTorch ----------------------------------------------------------------------------------------------


def compared(kind, settings, lengths, given, dtype, close):
    torch = pytest.importorskip("torch")
    rnn = torch.nn.utils.rnn
    ours, theirs = made(kind, dtype, **settings), getattr(torch.nn, kind)(FEATURES, HIDDEN, **settings)
    theirs = theirs.to(getattr(torch, np.dtype(dtype).name))
    ours.load_state_dict(theirs.state_dict())
    x, states = drawn(settings, dtype)
    x, states = Tensor(x), [Tensor(state) for state in states]
    x_t = torch.tensor(x.numpy(), requires_grad=True)
    states_t = [torch.tensor(state.numpy(), requires_grad=True) for state in states]

    mine = results(ours(x, states_for(kind, states) if given else None, lengths=lengths))
    into, first = x_t, states_for(kind, states_t) if given else None
    first_axis = settings.get("batch_first", False)
    if lengths is not None:
        into = rnn.pack_padded_sequence(x_t, torch.tensor(lengths), first_axis, enforce_sorted=False)
    output, last = theirs(into, first)
    if lengths is not None:
        output, _ = rnn.pad_packed_sequence(output, first_axis, total_length=STEPS)
    expected = results((output, last))
    for a, b in zip(mine, expected, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=close, atol=close)

    weighted(mine).backward()
    sum((p * torch.tensor((np.sin(np.arange(p.numel())) + 0.5).reshape(p.shape))).sum() for p in expected).backward()
    pairs = [(x, x_t), *zip(ours.parameters(), theirs.parameters(), strict=True)]
    if given:
        pairs += zip(states[: len(mine) - 1], states_t, strict=False)
    for a, b in pairs:
        np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=close, atol=10 * close)


@CASE
@pytest.mark.parametrize("given", [False, True], ids=["from zeros", "states given"])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
def test_pytorchs_numbers_and_gradients(kind, settings, lengths, given):
    compared(kind, settings, lengths, given, np.float64, 1e-10)


@EACH
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
def test_the_same_in_float32(kind, lengths):
    compared(kind, {"bidirectional": True, "num_layers": 2}, lengths, True, np.float32, 1e-5)


@EACH
def test_shorter_than_the_padding(kind):
    """No sequence fills all steps: pad_packed_sequence with total_length."""
    compared(kind, {"bidirectional": True}, np.array([2, 3, 1, 4, 4]), True, np.float64, 1e-10)


@EACH
def test_one_sequence_without_a_batch(kind):
    torch = pytest.importorskip("torch")
    ours = made(kind, num_layers=2, bidirectional=True, batch_first=True)
    theirs = getattr(torch.nn, kind)(FEATURES, HIDDEN, 2, bidirectional=True, batch_first=True, dtype=torch.float64)
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    x, states = drawn({"num_layers": 2, "bidirectional": True})
    x, states = x[:, 0], [state[:, 0] for state in states]
    mine = results(ours(x, states_for(kind, states)))
    expected = results(theirs(torch.tensor(x), states_for(kind, [torch.tensor(s) for s in states])))
    for a, b in zip(mine, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-10, atol=1e-10)


@CASE
def test_state_dicts_go_both_ways(kind, settings):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, kind)(FEATURES, HIDDEN, dtype=torch.float64, **settings)
    ours = made(kind, **settings)
    mine, yours = ours.state_dict(), theirs.state_dict()
    assert [(k, v.shape) for k, v in mine.items()] == [(k, tuple(v.shape)) for k, v in yours.items()]
    theirs.load_state_dict({k: torch.tensor(v) for k, v in mine.items()})
    assert all((theirs.state_dict()[k].numpy() == v).all() for k, v in mine.items())


@EACH
def test_pytorchs_signature(kind):
    torch = pytest.importorskip("torch")
    places = (2, 3, 2, "relu", False, True) if kind == "RNN" else (2, 3, 2, False, True)
    ours, theirs = getattr(nn, kind)(*places), getattr(torch.nn, kind)(*places)
    for name in ("num_layers", "bias", "batch_first", "dropout", "bidirectional"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours(np.ones((4, 5, 2)))[0].shape == (4, 5, 3)


@EACH
def test_how_the_weights_start(kind):
    model = getattr(nn, kind)(20, 100, seed=1)
    for p in model.parameters():
        numbers = p.numpy()
        assert p.dtype == np.float64
        assert np.abs(numbers).max() <= 0.1
        assert abs(numbers.std() - 0.1 / math.sqrt(3)) < 0.006
        assert abs(numbers.mean()) < 0.012
    assert (getattr(nn, kind)(20, 100, seed=1).weight_ih_l0.numpy() == model.weight_ih_l0.numpy()).all()
    assert (getattr(nn, kind)(20, 100, seed=2).weight_ih_l0.numpy() != model.weight_ih_l0.numpy()).any()


# ---- lengths ------------------------------------------------------------------------------------------------


@EACH
def test_each_sequence_as_if_it_were_alone(kind):
    model = made(kind, num_layers=2, bidirectional=True)
    x, _ = drawn({})
    output, *lasts = results(model(x, lengths=LENGTHS))
    for k, n in enumerate(LENGTHS):
        alone, *lasts_alone = results(model(x[:n, k]))
        np.testing.assert_allclose(output[:n, k].numpy(), alone.numpy(), atol=1e-14)
        assert not output[n:, k].numpy().any()
        for last, last_alone in zip(lasts, lasts_alone, strict=True):
            np.testing.assert_allclose(last[:, k].numpy(), last_alone.numpy(), atol=1e-14)


@EACH
def test_what_stands_in_the_padding_does_not_matter(kind):
    model = made(kind, bidirectional=True)
    x, _ = drawn({})
    loss_of(model, x, lengths=LENGTHS).backward()
    expected = [p.grad for p in model.parameters()]
    model.zero_grad()
    for k, n in enumerate(LENGTHS):
        x[n:, k] = np.nan
    x = Tensor(x)
    loss_of(model, x, lengths=LENGTHS).backward()
    assert all((p.grad == g).all() for p, g in zip(model.parameters(), expected, strict=True))
    assert all(not x.grad[n:, k].any() and x.grad[:n, k].all() for k, n in enumerate(LENGTHS))


def test_lengths_are_those_of_the_call():
    model, (x, _) = made("GRU"), drawn({})
    lengths = LENGTHS.copy()
    loss = loss_of(model, x, lengths=lengths)
    lengths[:] = 1
    loss.backward()
    got = model.weight_hh_l0.grad
    model.zero_grad()
    loss_of(model, x, lengths=Tensor(LENGTHS, requires_grad=False)).backward()
    assert (got == model.weight_hh_l0.grad).all()
    assert loss.to_values().data == pytest.approx(loss.item(), abs=1e-12)
    assert np.abs(got).max() > 0


def test_full_lengths_are_no_lengths():
    model, (x, _) = made("LSTM", bidirectional=True), drawn({})
    for a, b in zip(results(model(x)), results(model(x, lengths=[STEPS] * BATCH)), strict=True):
        assert (a.numpy() == b.numpy()).all()


def test_packing_is_pytorchs():
    torch = pytest.importorskip("torch")
    x, _ = drawn({})
    theirs = torch.nn.utils.rnn.pack_padded_sequence(torch.tensor(x), torch.tensor(LENGTHS), enforce_sorted=False)
    packing = Packing(STEPS, BATCH, LENGTHS)
    assert [n for _, n in packing.steps] == theirs.batch_sizes.tolist()
    padded = np.full(x.shape, 7.0)
    packing.unpack(packing.pack(x), padded)
    assert all((padded[:n, k] == x[:n, k]).all() and not padded[n:, k].any() for k, n in enumerate(LENGTHS))


# ---- the engine -----------------------------------------------------------------------------------------------


@CASE
@pytest.mark.parametrize("lengths", [None, [3, 1]], ids=["whole", "lengths"])
def test_the_scalar_twin(kind, settings, lengths):
    model = made(kind, **settings)
    x = drawn({})[0][:3, :2]
    x = x.swapaxes(0, 1) if settings.get("batch_first") else x
    twin = model.scalar_twin()
    loss, same = loss_of(model, x, lengths=lengths), loss_of(twin, x, lengths=lengths)
    assert loss.item() == pytest.approx(same.data, abs=1e-12)
    loss.backward()
    same.backward()
    for name, p in model.named_parameters():
        np.testing.assert_allclose(getattr(twin, name).grad, p.grad, atol=1e-12)
    opened = loss.to_values()
    assert opened.data == pytest.approx(loss.item(), abs=1e-12)


@CASE
def test_gradcheck(kind, settings):
    model = made(kind, **settings)
    x, states = drawn(settings)
    x, states = (x[:2, :3] if settings.get("batch_first") else x[:3, :2]), [s[:, :2] for s in states]

    def loss(x, h, c):
        return loss_of(model, x, hx=states_for(kind, [h, c]), lengths=[3, 2]) + (c * c).sum()

    assert mg.gradcheck(loss, *map(Tensor, (x, *states)))
    assert mg.gradcheck(lambda *weights: loss_of(model, x, lengths=[2, 3]), *model.parameters())


@EACH
def test_differentiated_again(kind):
    """grad(f) goes through the single steps: the same gradient, and the gradient of that."""
    model = made(kind, bidirectional=True)
    x = drawn({})[0][:3, :2]

    def f(x):
        return weighted([part * part for part in results(model(x, lengths=[3, 2]))])

    leaf = Tensor(x)
    f(leaf).backward()
    np.testing.assert_allclose(mg.grad(f)(x), leaf.grad, atol=1e-12)
    direction = np.random.default_rng(1).normal(size=x.shape)
    twice = mg.grad(lambda x: (mg.grad(f)(x) * direction).sum())(x)
    step = 1e-5
    by_nudging = (mg.grad(f)(x + step * direction) - mg.grad(f)(x - step * direction)) / (2 * step)
    np.testing.assert_allclose(twice, by_nudging, atol=1e-7)


def test_inputs_that_depend_on_each_other():
    """Each operand receives its own share alone, in the graph of the derivative as in backward()."""

    model = made("GRU")

    def shared(x):
        output, _ = model(x, x[:1, :, :1] * np.ones((1, 1, HIDDEN)))
        return (output * output).sum() * x[0, 0, 0]

    x = drawn({})[0][:3, :2]
    leaf = Tensor(x)
    shared(leaf).backward()
    np.testing.assert_allclose(mg.grad(shared)(x), leaf.grad, atol=1e-12)

    def twice(weight):  # one Tensor in two places
        y = recurrent.rnn_tanh(x, np.zeros((1, 2, FEATURES)), weight, weight, lengths=None, reverse=False)
        return (y * y).sum()

    leaf = Tensor(x[:, 0])
    twice(leaf).backward()
    np.testing.assert_allclose(mg.grad(twice)(x[:, 0]), leaf.grad, atol=1e-12)


@EACH
def test_compiled_is_eager(kind):
    model = made(kind, num_layers=2, bidirectional=True)
    compiled = mg.compile(lambda x, lengths: loss_of(model, x, lengths=lengths))
    for seed in range(3):
        x, _ = drawn({}, seed=seed)
        lengths = np.random.default_rng(seed).integers(1, STEPS + 1, BATCH)
        model.zero_grad()
        eager = loss_of(model, x, lengths=lengths)
        eager.backward()
        expected = [p.grad for p in model.parameters()]
        loss = compiled(x, lengths)
        for _ in range(2):  # backward of the same forward, twice
            model.zero_grad()
            loss.backward()
            assert loss.item() == eager.item()
            assert all((p.grad == g).all() for p, g in zip(model.parameters(), expected, strict=True))
    with pytest.raises(ValueError, match="lengths must be from 1 to 6"):
        compiled(x, np.array([1, 2, 3, 4, 7]))


@EACH
def test_backward_twice_with_other_gradients(kind):
    model = made(kind, num_layers=2)
    x = Tensor(drawn({})[0])
    output, _ = model(x)
    leaves = [x, *model.parameters()]

    def grads(gradient):
        for leaf in leaves:
            leaf.grad = None
        output.backward(gradient)
        return [leaf.grad for leaf in leaves]

    ones = np.ones(output.shape)
    first, second, third = grads(ones), grads(2 * ones), grads(ones)
    for a, b, c in zip(first, second, third, strict=True):
        np.testing.assert_allclose(2 * a, b, rtol=1e-12)
        assert (a == c).all()


def test_the_pass_back_through_time_is_made_once(monkeypatch):
    """Once for all inputs, once more for another backward; and it knows a gradient that was changed in place."""
    made_it = []
    through_time = recurrent._through_time
    monkeypatch.setattr(recurrent, "_through_time", lambda *a: made_it.append(a) or through_time(*a))
    model = made("GRU")
    output, _ = model(drawn({})[0])
    output.sum().backward()
    assert len(made_it) == 1
    output.sum().backward()
    assert len(made_it) == 2

    node = output.operands[0]  # the row's own result
    g = np.ones(node.shape)
    shares = [node.op.pull(i, g, node.kept, node.saved, node.settings) for i in (2, 3)]
    g *= 3
    again = [node.op.pull(i, g, node.kept, node.saved, node.settings) for i in (2, 3)]
    assert all(np.allclose(3 * a, b, rtol=1e-12) for a, b in zip(shares, again, strict=True))


def test_what_is_not_asked_for_is_not_computed(monkeypatch):
    asked = []
    pull = recurrent._pull
    monkeypatch.setattr(recurrent, "_pull", lambda cell, i, *rest: asked.append(i) or pull(cell, i, *rest))
    model, (x, _) = made("LSTM"), drawn({})
    loss_of(model, x).backward()
    assert asked == [2, 3, 4, 5]
    asked.clear()
    model.weight_ih_l0.requires_grad = False
    loss_of(model, Tensor(x)).backward()
    assert asked == [0, 3, 4, 5]


def test_nothing_is_left_behind():
    model, (x, _) = made("LSTM"), drawn({})
    loss = loss_of(model, x)
    loss.backward()
    kept = [weakref.ref(node.kept) for node in order(loss) if node.op is recurrent.lstm]
    assert len(kept) == 1
    gc.disable()
    try:
        del loss
        assert kept[0]() is None  # at once: no cycle waits for the collector
    finally:
        gc.enable()


@EACH
def test_copies_and_pickles(kind):
    model, (x, _) = made(kind, num_layers=2, bidirectional=True), drawn({})
    loss = loss_of(model, x, lengths=LENGTHS)
    loss.backward()
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert loss_of(other, x, lengths=LENGTHS).item() == loss.item()
    expected = [p.grad for p in model.parameters()]
    for again in (lambda pair: copy.deepcopy(pair), lambda pair: pickle.loads(pickle.dumps(pair))):
        other, graph = again((model, loss))
        other.zero_grad()
        graph.backward()
        assert all((p.grad == g).all() for p, g in zip(other.parameters(), expected, strict=True))


@EACH
def test_without_recording_and_as_pictures(kind):
    model, (x, _) = made(kind), drawn({})
    with mg.no_grad():
        output, _ = model(x)
    assert not output.requires_grad
    assert (output.numpy() == model(x)[0].numpy()).all()
    drawing = mg.draw(loss_of(model, x))
    assert "<svg" in drawing.svg()
    with pytest.raises(CodeError, match="reads a sequence step by step"):
        mg.to_python(loss_of(model, x))
    assert sum(p.size for p in model.parameters()) == model.summary().total


def test_it_learns():
    """Whether the first number of a sequence is positive, told at its end."""
    rng = np.random.default_rng(0)
    x, lengths = rng.normal(size=(80, 7, 1)).astype(np.float32), rng.integers(3, 8, 80)
    labels = (x[:, 0, 0] > 0).astype(int)
    gru, head = nn.GRU(1, 8, batch_first=True, dtype=np.float32, seed=0), nn.Linear(8, 2, dtype=np.float32, seed=0)
    optimizer = mg.optim.Adam([*gru.parameters(), *head.parameters()], lr=0.03)
    for _ in range(60):
        _, h_n = gru(x, lengths=lengths)
        loss = nn.cross_entropy(head(h_n[0]), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.dtype == np.float32
    assert loss.item() < 0.1


# ---- dropout ---------------------------------------------------------------------------------------------------


def test_dropout_between_the_layers():
    model, (x, _) = made("GRU", num_layers=2, dropout=0.5), drawn({})
    first = made("GRU")
    first.load_state_dict({k: v for k, v in model.state_dict().items() if k.endswith("l0")})
    mg.seed(3)
    output, h_n = model(x)
    mg.seed(4)
    other, other_h_n = model(x)
    assert (h_n[0].numpy() == other_h_n[0].numpy()).all()  # the first layer reads the input as it is
    assert (output.numpy() != other.numpy()).any()
    second = nn.GRU(HIDDEN, HIDDEN)
    second.load_state_dict({k.replace("l1", "l0"): v for k, v in model.state_dict().items() if k.endswith("l1")})
    mg.seed(3)
    assert (second(nn.functional.dropout(first(x)[0], 0.5))[0].numpy() == output.numpy()).all()
    model.eval()
    assert (model(x)[0].numpy() == second(first(x)[0])[0].numpy()).all()


def test_dropout_without_a_place_for_it():
    with pytest.warns(UserWarning, match="one layer only"):
        nn.GRU(2, 3, dropout=0.5)


# ---- errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: nn.GRU(0, 3), "GRU: input_size must be a whole number, at least 1; got 0"),
        (lambda m, x: nn.LSTM(2, 3.0), r"LSTM: hidden_size must be a whole number, at least 1; got 3\.0"),
        (lambda m, x: nn.RNN(2, 3, num_layers=0), "RNN: num_layers"),
        (lambda m, x: nn.RNN(2, 3, nonlinearity="gelu"), "nonlinearity must be 'tanh' or 'relu', got 'gelu'"),
        (lambda m, x: nn.LSTM(2, 3, proj_size=2), r"proj_size=2 .* put a Linear\(3, 2\) behind"),
        (lambda m, x: nn.GRU(2, 3, num_layers=2, dropout=1.0), "probability"),
        (lambda m, x: m(x[0, 0]), r"LSTM: the input is \(steps, batch, features\).* got shape \(3,\)"),
        (lambda m, x: m(x[..., :2]), r"2 features in shape \(6, 5, 2\).*input_size=3"),
        (lambda m, x: m(x[:0]), "nothing to read"),
        (lambda m, x: m(x, lengths=[1, 2]), r"one whole number for each of the 5 sequences.*got shape \(2,\)"),
        (lambda m, x: m(x, lengths=[1.0, 2, 3, 4, 5]), "whole number"),
        (lambda m, x: m(x, lengths=[1, 2, 0, 4, 5]), "lengths must be from 1 to 6.*got 0 to 5"),
        (lambda m, x: m(x, lengths=[1, 2, 7, 4, 5]), "lengths must be from 1 to 6.*got 1 to 7"),
        (lambda m, x: m(x[:, 0], lengths=[3]), "one sequence"),
        (
            lambda m, x: m(x, (np.zeros((1, 5, 3)), np.zeros((1, 5, 4)))),
            r"h_0 must have shape \(1, 5, 4\).*\(1, 5, 3\)",
        ),
        (lambda m, x: m(x, (np.zeros((1, 5, 4)), np.zeros((2, 5, 4)))), r"c_0 must have shape \(1, 5, 4\)"),
        (lambda m, x: m(x[:, 0], (np.zeros((1, 1, 4)),) * 2), r"h_0 must have shape \(1, 4\)"),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(ValueError, match=message):
        call(made("LSTM"), drawn({})[0])


def test_an_lstm_starts_from_a_pair():
    with pytest.raises(TypeError, match=r"a pair \(h_0, c_0\), got Tensor"):
        made("LSTM")(drawn({})[0], Tensor(np.zeros((1, BATCH, HIDDEN))))


# ---- the table -------------------------------------------------------------------------------------------------


def test_every_row_is_tested():
    assert set(RECURRENT_TABLE) == {"rnn_tanh", "rnn_relu", "lstm", "gru"}
    assert RECURRENT_TABLE in mg.engine.ops.TABLES
    assert all(copy.deepcopy(row) is row is pickle.loads(pickle.dumps(row)) for row in RECURRENT_TABLE.values())


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", ["rnn_tanh", "rnn_relu", "lstm", "gru"])
def test_a_row_gives_a_number_to_every_input(kind, reverse):
    """The fused rule beside the single steps, with a gradient for output and last states."""
    row, rng = RECURRENT_TABLE[kind], np.random.default_rng(0)
    gates, n_states = {"lstm": (4, 2), "gru": (3, 1)}.get(kind, (1, 1))
    shapes = [(4, 3, 2), (n_states, 3, 5), (gates * 5, 2), (gates * 5, 5), (gates * 5,), (gates * 5,)]
    operands = [rng.normal(size=shape) for shape in shapes]
    settings = {"lengths": np.array([2, 4, 3]), "reverse": reverse}

    def f(*operands):
        return weighted([row(*operands, **settings)])

    leaves = [Tensor(x) for x in operands]
    f(*leaves).backward()
    for leaf, slow in zip(leaves, mg.grad(f, tuple(range(6)))(*operands), strict=True):
        np.testing.assert_allclose(leaf.grad, slow, atol=1e-12)
        assert np.abs(slow).max() > 0


def test_a_layer_behind_a_recurrent_one_says_that_it_got_a_pair():
    with pytest.raises(TypeError, match=r"Linear: the input is a tuple, as RNN, LSTM, GRU .* output, state = layer"):
        nn.Sequential(nn.GRU(3, 4), nn.Linear(4, 1))(np.ones((5, 2, 3)))
