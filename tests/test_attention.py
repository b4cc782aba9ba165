"""Attention: PyTorch's numbers and gradients with every kind of mask; one row, its steps, its twin and its tape."""

import copy
import pickle
from itertools import product

import numpy as np
import pytest

import micrograd_plus
from micrograd_plus import Tensor, compile, grad, nn, no_grad, to_python
from micrograd_plus.engine.graph import order
from micrograd_plus.explain import gradcheck, gradgradcheck
from micrograd_plus.nn import MultiheadAttention
from micrograd_plus.nn import functional as F  # noqa: N812 - PyTorch's habit
from micrograd_plus.nn.attention import causal_mask

N, L, S, E, H = 3, 4, 5, 6, 2
NEAR = {np.float64: {"rtol": 1e-9, "atol": 1e-11}, np.float32: {"rtol": 1e-4, "atol": 1e-5}}


def normal(*shape, seed=0, dtype=float):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


def padding(n, s, seed=0):
    """True where a sequence is over."""
    return np.arange(s) >= np.random.default_rng(seed).integers(1, s + 1, size=(n, 1))


def loaded(torch, ours, theirs):
    """PyTorch's layer with our weights."""
    theirs.load_state_dict({name: torch.tensor(numbers) for name, numbers in ours.state_dict().items()})
    return theirs


def assert_same(torch, ours, theirs, inputs, near, **settings):
    """Outputs and all gradients of two modules or functions. inputs: arrays; settings: masks and the like."""
    leaves = {id(x): Tensor(x) for x in inputs}  # one array given twice is one Tensor given twice
    others = {id(x): torch.tensor(x, requires_grad=True) for x in inputs}
    of_torch = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in settings.items()}
    found, wanted = (
        ours(*[leaves[id(x)] for x in inputs], **settings),
        theirs(*[others[id(x)] for x in inputs], **of_torch),
    )
    found, wanted = (y if isinstance(y, tuple) else (y,) for y in (found, wanted))
    assert [y is None for y in found] == [y is None for y in wanted]
    pairs = [(a, b) for a, b in zip(found, wanted, strict=True) if a is not None]
    weighing = [normal(*a.shape, seed=7, dtype=a.dtype) for a, _ in pairs]
    sum(((a * w).sum() for (a, _), w in zip(pairs, weighing, strict=True)), start=0.0).backward()
    sum((b * torch.tensor(w)).sum() for (_, b), w in zip(pairs, weighing, strict=True)).backward()
    for a, b in pairs:
        assert a.dtype == inputs[0].dtype
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), **near)
    for key, leaf in leaves.items():
        assert leaf.grad.dtype == leaf.dtype
        np.testing.assert_allclose(leaf.grad, others[key].grad.numpy(), **near)
    if isinstance(ours, nn.Module):
        gradients = {name: p.grad for name, p in theirs.named_parameters()}
        assert [name for name, _ in ours.named_parameters()] == list(gradients)
        for name, p in ours.named_parameters():
            np.testing.assert_allclose(p.grad, gradients[name].numpy(), err_msg=name, **near)


# ---- the function ------------------------------------------------------------------------------------------

LOOKS = causal_mask(5)[:4] == 0  # (L, S)
MASKS = {
    "none": {},
    "causal": {"is_causal": True},
    "booleans": {"attn_mask": LOOKS},
    "booleans of each": {"attn_mask": np.random.default_rng(1).random((N, 2, L, S)) > 0.3},
    "booleans of the batch": {"attn_mask": ~padding(N, S).reshape(N, 1, 1, S)},
    "floats": {"attn_mask": normal(L, S)},
    "infinities": {"attn_mask": np.where(LOOKS, normal(L, S), -np.inf)},
    "of keys alone": {"attn_mask": normal(S)},
    "scale": {"scale": 2.0},
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("mask", "lead"),
    [
        (mask, lead)
        for mask, settings in MASKS.items()
        for lead in [(), (N,), (N, 2)]
        if np.ndim(settings.get("attn_mask")) <= 2 or len(lead) == 2
    ],
)
def test_scaled_dot_product_attention_is_pytorchs(mask, lead, dtype):
    torch = pytest.importorskip("torch")
    settings = dict(MASKS[mask])
    if getattr(settings.get("attn_mask"), "dtype", None) == np.float64:
        settings["attn_mask"] = settings["attn_mask"].astype(dtype)
    inputs = [normal(*lead, *shape, dtype=dtype) for shape in ((L, E), (S, E), (S, 3))]
    theirs = torch.nn.functional.scaled_dot_product_attention
    if np.ndim(settings.get("attn_mask")) == 1:  # ours allows it, as all broadcasting
        theirs = lambda *xs, attn_mask: torch.nn.functional.scaled_dot_product_attention(*xs, attn_mask[None])
    assert_same(torch, F.scaled_dot_product_attention, theirs, inputs, NEAR[dtype], **settings)


def test_axes_in_front_are_broadcast():
    torch = pytest.importorskip("torch")
    inputs = [normal(1, 2, L, E), normal(N, 2, S, E), normal(N, 1, S, 3)]
    theirs = torch.nn.functional.scaled_dot_product_attention
    assert_same(torch, F.scaled_dot_product_attention, theirs, inputs, NEAR[np.float64])


@pytest.mark.parametrize("as_floats", [False, True])
def test_a_query_that_may_look_at_nothing_gets_zeros_as_in_pytorch(as_floats):
    torch = pytest.importorskip("torch")
    looks = LOOKS.copy()
    looks[1] = False
    mask = np.where(looks, 0.0, -np.inf) if as_floats else looks
    inputs = [normal(N, L, E), normal(N, S, E), normal(N, S, 3)]
    theirs = torch.nn.functional.scaled_dot_product_attention
    assert_same(torch, F.scaled_dot_product_attention, theirs, inputs, NEAR[np.float64], attn_mask=mask)
    q, k, v = map(Tensor, inputs)
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    assert (y.numpy()[:, 1] == 0).all()
    second = grad(lambda q: (grad(lambda q: (F.scaled_dot_product_attention(q, k, v, mask) ** 2).sum())(q) ** 2).sum())
    assert np.isfinite(second(q).numpy()).all()


def test_large_scores_do_not_overflow():
    x = Tensor(np.array([[300.0, 0.0], [0.0, 300.0]], np.float32))
    y = F.scaled_dot_product_attention(x, x, x)
    y.sum().backward()
    np.testing.assert_allclose(y.numpy(), x.numpy())
    assert np.isfinite(x.grad).all()


def test_a_mask_with_a_gradient_of_its_own():
    torch = pytest.importorskip("torch")
    inputs = [normal(N, L, E), normal(N, S, E), normal(N, S, 3), normal(L, S)]
    theirs = torch.nn.functional.scaled_dot_product_attention
    assert_same(torch, F.scaled_dot_product_attention, theirs, inputs, NEAR[np.float64])


def test_a_mask_may_change_after_the_call():
    q, mask = Tensor(normal(L, E)), np.zeros((L, L))
    y = F.scaled_dot_product_attention(q, q, q, mask)
    expected = y.to_values().data
    mask[...] = -np.inf
    np.testing.assert_allclose(y.to_values().data, expected)


def test_it_is_one_node_with_three_inputs():
    q, k, v = Tensor(normal(N, L, E)), Tensor(normal(N, S, E)), Tensor(normal(N, S, 3))
    y = F.scaled_dot_product_attention(q, k, v)
    assert y.op.name == "attention"
    assert set(order(y)) == {q, k, v, y}


def test_a_layer_projects_what_is_the_same_in_one_product():
    layer, x = MultiheadAttention(E, H), [Tensor(normal(L, N, E)) for _ in range(3)]
    for xs, n in (((x[0], x[0], x[0]), 1), ((x[0], x[1], x[1]), 2), ((x[0], x[1], x[2]), 3)):
        y, _ = layer(*xs, need_weights=False)
        ops = [node.op.name for node in order(y) if node.op]
        assert ops.count("linear") == n + 1  # and the output's
        assert ops.count("attention") == 1


def test_arrays_give_an_array():
    q = normal(N, L, E)
    assert isinstance(F.scaled_dot_product_attention(q, q, q), np.ndarray)


@pytest.mark.parametrize("which", list(product([False, True], repeat=3)), ids=str)
def test_an_input_without_gradient_gets_none_and_the_others_theirs(which):
    shapes = (N, L, E), (N, S, E), (N, S, 3)
    whole = [Tensor(normal(*shape)) for shape in shapes]
    some = [Tensor(normal(*shape), requires_grad=r) for shape, r in zip(shapes, which, strict=True)]
    (F.scaled_dot_product_attention(*whole) ** 2).sum().backward()
    y = (F.scaled_dot_product_attention(*some) ** 2).sum()
    if any(which):
        y.backward()
        y.backward()  # a second time from what was kept
    for a, b in zip(whole, some, strict=True):
        assert (b.grad is None) is not b.requires_grad
        if b.requires_grad:
            np.testing.assert_allclose(b.grad, 2 * a.grad)


def test_gradients_from_other_seeds_at_one_forward_pass():
    q, k, v = Tensor(normal(L, E)), Tensor(normal(S, E)), Tensor(normal(S, 3))
    y = F.scaled_dot_product_attention(q, k, v)
    seed = normal(L, 3)
    y.backward(seed)
    once = [x.grad.copy() for x in (q, k, v)]
    y.backward(2 * seed)
    for x, g in zip((q, k, v), once, strict=True):
        np.testing.assert_allclose(x.grad, 3 * g)


@pytest.mark.parametrize("mask", ["none", "causal", "booleans", "floats"])
def test_first_and_second_derivatives(mask):
    settings = MASKS[mask]
    f = lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **settings)
    inputs = Tensor(normal(L, E)), Tensor(normal(S, E)), Tensor(normal(S, 3))
    assert gradcheck(f, *inputs)
    assert gradgradcheck(f, *inputs)


@pytest.mark.parametrize("mask", ["none", "causal", "floats"])
def test_as_plain_python(mask):
    q, k, v = Tensor(normal(2, 3), label="q"), Tensor(normal(2, 3), label="k"), Tensor(normal(2, 3), label="v")
    settings = {"attn_mask": normal(2, 2)} if mask == "floats" else MASKS[mask]
    y = (F.scaled_dot_product_attention(q, k, v, **settings) ** 2).sum()
    scope: dict = {}
    exec(to_python(y), scope)
    loss, gradient = scope["loss_and_gradient"](q.numpy(), k.numpy(), v.numpy())
    y.backward()
    np.testing.assert_allclose(loss, y.item(), rtol=1e-12)
    for x in (q, k, v):
        np.testing.assert_allclose(gradient[x.label], x.grad, rtol=1e-10, atol=1e-13)


def test_the_layer_as_plain_python():
    layer, x = MultiheadAttention(2, 2, seed=0), Tensor(normal(2, 1, 2), label="x")
    for need_weights in (True, False):
        y = (layer(x, x, x, need_weights=need_weights, is_causal=True)[0] ** 2).sum()
        scope: dict = {}
        exec(to_python(y), scope)
        y.backward()
        np.testing.assert_allclose(scope["loss"], y.item(), rtol=1e-12)
        np.testing.assert_allclose(scope["gradient"]["x"], x.grad, rtol=1e-10, atol=1e-13)
        x.grad = None


# ---- dropout ---------------------------------------------------------------------------------------------------


def test_dropout_drops_and_scales_the_weights():
    micrograd_plus.seed(0)
    x, eye = np.zeros((200, 4, 4)), np.broadcast_to(np.eye(4), (200, 4, 4))
    weights = F.scaled_dot_product_attention(x, x, eye, dropout_p=0.25)  # without dropout each is 0.25
    assert set(np.unique(weights.round(12))) == {0.0, round(0.25 / 0.75, 12)}
    assert abs((weights == 0).mean() - 0.25) < 0.03
    assert abs(weights.mean() - 0.25) < 0.02


def test_gradients_with_dropout():
    q, k, v = Tensor(normal(L, E)), Tensor(normal(S, E)), Tensor(normal(S, 3))

    def f(q, k, v):
        micrograd_plus.seed(3)
        return F.scaled_dot_product_attention(q, k, v, dropout_p=0.4)

    assert gradcheck(f, q, k, v)
    assert gradgradcheck(f, q, k, v)


def test_dropout_in_training_alone_and_the_same_for_one_seed():
    layer, x = MultiheadAttention(E, H, dropout=0.5, seed=0), normal(L, N, E)
    micrograd_plus.seed(1)
    first, second = layer(x, x, x)[0].numpy(), layer(x, x, x)[0].numpy()
    micrograd_plus.seed(1)
    again, fused = layer(x, x, x)[0].numpy(), layer(x, x, x, need_weights=False)[0].numpy()
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(second, fused, rtol=1e-12, atol=1e-14)  # the two ways draw the same
    layer.eval()
    np.testing.assert_array_equal(layer(x, x, x)[0].numpy(), layer(x, x, x)[0].numpy())


# ---- the layer: PyTorch's ------------------------------------------------------------------------------------------

PADDED = padding(N, L)
LEFT_OUT = {
    "none": {},
    "causal": {"attn_mask": causal_mask(L), "is_causal": True},
    "padding": {"key_padding_mask": PADDED},
    "both": {"attn_mask": causal_mask(L), "key_padding_mask": PADDED},
    "floats": {"attn_mask": normal(L, L), "key_padding_mask": normal(N, L)},
    "infinities": {"attn_mask": np.where(causal_mask(L), -np.inf, 0.0)},
    "each head": {"attn_mask": np.triu(np.random.default_rng(3).random((N * H, L, L)) > 0.5, 1)},
}


def typed(settings, dtype):
    """The float masks in this dtype."""
    return {k: v.astype(dtype) if getattr(v, "dtype", None) == np.float64 else v for k, v in settings.items()}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("masks", LEFT_OUT)
def test_self_attention_is_pytorchs(masks, batch_first, need_weights, dtype):
    torch = pytest.importorskip("torch")
    kind = {np.float64: torch.float64, np.float32: torch.float32}[dtype]
    ours = MultiheadAttention(E, H, batch_first=batch_first, dtype=dtype)
    ours.in_proj_bias.data, ours.out_proj.bias.data = normal(3 * E), normal(E)
    theirs = loaded(torch, ours, torch.nn.MultiheadAttention(E, H, batch_first=batch_first, dtype=kind))
    x = normal(*((N, L, E) if batch_first else (L, N, E)), dtype=dtype)
    settings = {"need_weights": need_weights, **typed(LEFT_OUT[masks], dtype)}
    near = {"rtol": 1e-4, "atol": 1e-4} if dtype is np.float32 else NEAR[dtype]
    assert_same(torch, ours, theirs, [x, x, x], near, **settings)


@pytest.mark.parametrize("shared", ["key is value", "all apart", "sizes of their own"])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_cross_attention_is_pytorchs(shared, batch_first, bias):
    torch = pytest.importorskip("torch")
    sizes = {"kdim": 3, "vdim": 2} if shared == "sizes of their own" else {}
    ours = MultiheadAttention(E, H, bias=bias, batch_first=batch_first, **sizes)
    if bias:
        ours.in_proj_bias.data = normal(3 * E)
    theirs = torch.nn.MultiheadAttention(E, H, bias=bias, batch_first=batch_first, dtype=torch.float64, **sizes)
    loaded(torch, ours, theirs)
    shape = lambda time, size: (N, time, size) if batch_first else (time, N, size)
    query, key, value = normal(*shape(L, E)), normal(*shape(S, ours.kdim)), normal(*shape(S, ours.vdim), seed=1)
    if shared == "key is value":
        value = key
    masks = {"key_padding_mask": padding(N, S), "attn_mask": ~LOOKS}
    for need_weights, average in ((True, True), (True, False), (False, True)):
        settings = {"need_weights": need_weights, "average_attn_weights": average, **masks}
        ours.zero_grad()
        theirs.zero_grad()
        assert_same(torch, ours, theirs, [query, key, value], NEAR[np.float64], **settings)


def test_one_sequence_without_batch():
    torch = pytest.importorskip("torch")
    for batch_first in (True, False):
        ours = MultiheadAttention(E, H, batch_first=batch_first)
        theirs = loaded(torch, ours, torch.nn.MultiheadAttention(E, H, batch_first=batch_first, dtype=torch.float64))
        query, key = normal(L, E), normal(S, E)
        masks = {"key_padding_mask": normal(S), "attn_mask": normal(H, L, S)}
        assert_same(torch, ours, theirs, [query, key, key], NEAR[np.float64], average_attn_weights=False, **masks)
        assert ours.last_weights.shape == (H, L, S)


@pytest.mark.parametrize("sizes", [{}, {"kdim": 3}, {"vdim": 5, "bias": False}])
def test_names_and_shapes_are_pytorchs_both_ways(sizes):
    torch = pytest.importorskip("torch")
    ours, theirs = MultiheadAttention(E, H, **sizes), torch.nn.MultiheadAttention(E, H, **sizes, dtype=torch.float64)
    x = normal(L, N, E)
    ours(x, normal(L, N, ours.kdim), normal(L, N, ours.vdim))  # what is kept for drawing is no part of the state
    assert [(k, v.shape) for k, v in ours.state_dict().items()] == [
        (k, tuple(v.shape)) for k, v in theirs.state_dict().items()
    ]
    loaded(torch, ours, theirs)
    ours.load_state_dict(torch.nn.MultiheadAttention(E, H, **sizes).state_dict())


def test_how_weights_start():
    layer = MultiheadAttention(64, 4, seed=0)
    bound = np.sqrt(6 / (64 + 3 * 64))
    w = layer.in_proj_weight.numpy()
    assert 0.98 * bound < abs(w).max() <= bound
    assert abs(w.std() - bound / np.sqrt(3)) < 0.02 * bound
    assert 0.98 / 8 < abs(layer.out_proj.weight.numpy()).max() <= 1 / 8
    assert not layer.in_proj_bias.numpy().any()
    assert not layer.out_proj.bias.numpy().any()
    apart = MultiheadAttention(64, 4, kdim=32, seed=0)
    for weight, n in ((apart.q_proj_weight, 128), (apart.k_proj_weight, 96), (apart.v_proj_weight, 128)):
        assert 0.98 * np.sqrt(6 / n) < abs(weight.numpy()).max() <= np.sqrt(6 / n)
    assert not np.allclose(apart.q_proj_weight.numpy(), apart.v_proj_weight.numpy())
    np.testing.assert_array_equal(w, MultiheadAttention(64, 4, seed=0).in_proj_weight.numpy())
    assert not np.allclose(w, MultiheadAttention(64, 4, seed=1).in_proj_weight.numpy())
    assert all(p.dtype == np.float32 for p in MultiheadAttention(4, 2, dtype=np.float32).parameters())


def test_is_causal_makes_the_mask():
    layer, x = MultiheadAttention(E, H), normal(L, N, E)
    for need_weights in (True, False):
        found = layer(x, x, x, is_causal=True, need_weights=need_weights)[0]
        expected = layer(x, x, x, attn_mask=causal_mask(L))[0]
        np.testing.assert_allclose(found.numpy(), expected.numpy())


def test_causal_attention_does_not_see_what_comes():
    layer, x = MultiheadAttention(E, H, batch_first=True), normal(N, L, E)
    other = x.copy()
    other[:, 2:] += 1
    a, b = (layer(z, z, z, need_weights=False, is_causal=True)[0].numpy() for z in (x, other))
    np.testing.assert_array_equal(a[:, :2], b[:, :2])
    assert not np.allclose(a[:, 2:], b[:, 2:])


def test_a_sequence_that_is_all_padding_gives_numbers():
    layer, x, padded = MultiheadAttention(E, H, batch_first=True), Tensor(normal(N, L, E)), np.zeros((N, L), bool)
    padded[1] = True
    for need_weights in (True, False):
        y, _ = layer(x, x, x, key_padding_mask=padded, need_weights=need_weights)
        np.testing.assert_array_equal(y.numpy()[1], np.broadcast_to(layer.out_proj.bias.numpy(), (L, E)))
        y.sum().backward()
        assert all(np.isfinite(p.grad).all() for p in (x, *layer.parameters()))
    assert not layer.last_weights[1].any()


# ---- the weights, for drawing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_first", [True, False])
def test_last_weights(batch_first):
    layer = MultiheadAttention(E, H, batch_first=batch_first, dropout=0.5)
    assert layer.last_weights is None
    query, key = (normal(N, time, E) if batch_first else normal(time, N, E) for time in (L, S))
    _, expected = layer.eval()(query, key, key, padding(N, S), average_attn_weights=False)
    for train, settings in ((True, {"need_weights": False}), (False, {"need_weights": True})):
        layer.train(train)
        with no_grad():
            layer(query, key, key, padding(N, S), **settings)
        assert isinstance(layer.last_weights, np.ndarray)
        assert layer.last_weights.shape == (N, H, L, S)
        np.testing.assert_allclose(layer.last_weights, expected.numpy())
    assert [name for name, _ in layer.named_parameters()] == list(layer.state_dict())
    assert layer.lost_parameters() == []


def test_copies_work_on_their_own():
    layer, x = MultiheadAttention(E, H), normal(L, N, E)
    y = layer(x, x, x)[0].numpy()
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert copied.last_weights is None
        np.testing.assert_array_equal(copied(x, x, x)[0].numpy(), y)
        copied.in_proj_weight.data *= 2
    np.testing.assert_array_equal(layer(x, x, x)[0].numpy(), y)


def test_a_graph_is_copied_and_pickled():
    layer, x = MultiheadAttention(E, H, batch_first=True), normal(N, L, E)
    y = (layer(x, x, x, need_weights=False, is_causal=True)[0] ** 2).sum()
    y.backward()
    expected = layer.in_proj_weight.grad
    for copied in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        leaf = next(node for node in order(copied) if node.label == "in_proj_weight")
        leaf.grad = None
        copied.backward()
        np.testing.assert_allclose(leaf.grad, expected)


# ---- the twin, derivatives, the tape ---------------------------------------------------------------------------------


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_the_twin(batch_first, need_weights):
    layer = MultiheadAttention(4, 2, batch_first=batch_first, seed=0)
    layer.in_proj_bias.data = normal(12)
    twin = layer.scalar_twin()
    query, key = (normal(2, time, 4) if batch_first else normal(time, 2, 4) for time in (2, 3))
    masks = {"key_padding_mask": np.array([[False, False, True], [True, True, True]]), "attn_mask": normal(2, 3)}
    for xs in ((query, query, query, masks["key_padding_mask"][:, :2]), (query, key, key, masks["key_padding_mask"])):
        attn_mask = masks["attn_mask"][:, : xs[3].shape[1]]
        layer.zero_grad()
        twin.zero_grad()
        y, weights = layer(*xs, need_weights, attn_mask)
        z, others = twin(*xs, need_weights, attn_mask)
        np.testing.assert_allclose(z.data, y.numpy(), rtol=1e-12, atol=1e-14)
        if need_weights:
            np.testing.assert_allclose(others.data, weights.numpy(), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(twin.last_weights, layer.last_weights, rtol=1e-12, atol=1e-14)
        (y * y).sum().backward()
        (z * z).sum().backward()
        for name, p in layer.named_parameters():
            image = twin.out_proj if name.startswith("out_proj.") else twin
            grads = getattr(image, name.rpartition(".")[2]).grad
            np.testing.assert_allclose(grads, p.grad, rtol=1e-10, atol=1e-13, err_msg=name)


def test_a_graph_opened_into_values():
    layer, x = MultiheadAttention(4, 2, seed=0), Tensor(normal(3, 4))
    y = (layer(x, x, x, need_weights=False, is_causal=True)[0] ** 2).sum()
    y.backward()
    leaves: dict = {}
    value = y.to_values(leaves)
    value.backward()
    assert value.data == pytest.approx(y.item(), rel=1e-12)
    for leaf, values in leaves.items():
        np.testing.assert_allclose(values.grad, leaf.grad, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_derivatives_of_the_layer(batch_first, need_weights):
    layer, query, key = (
        MultiheadAttention(4, 2, batch_first=batch_first),
        Tensor(normal(2, 2, 4)),
        Tensor(normal(2, 2, 4, seed=1)),
    )
    for xs in ((lambda q, k: (q, q, q)), (lambda q, k: (q, k, k)), (lambda q, k: (q, k, q))):
        f = lambda q, k, xs=xs: layer(*xs(q, k), need_weights=need_weights, is_causal=True)[0]
        assert gradcheck(f, query, key)
        assert gradgradcheck(f, query, key)
    assert gradcheck(layer, query, query, query)


def steps_of(layer, **settings):
    """The eager step, and the compiled one."""

    def step(query, key, padded):
        y, _ = layer(query, key, key, padded, **settings)
        return (y * y).mean()

    return step, compile(step)


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("alone", [True, False])
def test_compiled_is_eager(alone, dropout, need_weights):
    layer = MultiheadAttention(E, H, dropout=dropout, batch_first=True, dtype=np.float32)
    step, fast = steps_of(layer, need_weights=need_weights, attn_mask=causal_mask(L))
    for i in range(5):
        query = normal(N, L, E, seed=i, dtype=np.float32)
        key = query if alone else normal(N, L, E, seed=i + 10, dtype=np.float32)
        padded = padding(N, L, seed=i)
        found = []
        for f in (step, fast):
            micrograd_plus.seed(i)
            layer.zero_grad()
            loss = f(query, key, padded)
            loss.backward()
            found.append([loss.item(), *(p.grad.copy() for p in layer.parameters())])
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        for p in layer.parameters():
            p.data -= 0.1 * p.grad
    assert fast.recordings == 2


def test_a_call_in_between_does_not_make_a_compiled_function_record_again():
    layer = MultiheadAttention(E, H, batch_first=True)
    _, fast = steps_of(layer, need_weights=False)
    x, padded = normal(N, L, E), np.zeros((N, L), bool)
    for _ in range(4):
        fast(x, x, padded).backward()
        layer(x, x, x)
    assert fast.recordings == 2
    assert layer.last_weights is not None


def test_the_scalar_twin_compiles_too():
    layer = nn.MultiheadAttention(4, 2, batch_first=True, seed=0)
    twin = layer.scalar_twin()
    x = np.random.default_rng(0).normal(size=(1, 3, 4))
    step = compile(lambda x: (twin(x, x, x, need_weights=False)[0] ** 2).sum())
    for _ in range(3):
        assert step(x).data == pytest.approx((layer(x, x, x, need_weights=False)[0] ** 2).sum().item(), rel=1e-12)


def test_dropout_draws_anew_in_each_compiled_call():
    layer, x = MultiheadAttention(E, H, dropout=0.5), normal(L, N, E)
    fast = compile(lambda x: layer(x, x, x, need_weights=False)[0].sum())
    losses = {round(fast(x).item(), 9) for _ in range(8)}
    assert fast.recordings == 2
    assert len(losses) == 8


@pytest.mark.parametrize("as_floats", [False, True])
def test_compiled_with_a_mask_that_is_given(as_floats):
    q, k = Tensor(normal(N, L, E)), Tensor(normal(N, S, E))

    def step(mask):
        return (F.scaled_dot_product_attention(q, k, k, mask) ** 2).sum()

    fast = compile(step)
    for i in range(4):
        mask = np.random.default_rng(i).random((N, L, S)) > 0.6  # some queries look at nothing
        found = []
        for f in (step, fast):
            q.grad = k.grad = None
            loss = f(np.where(mask, 0.5, -np.inf) if as_floats else mask)
            loss.backward()
            found.append((loss.item(), q.grad, k.grad))
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    assert fast.recordings == 2


def test_compiled_from_several_seeds_at_one_run():
    q, k = Tensor(normal(L, E)), Tensor(normal(S, E))
    f = lambda: F.scaled_dot_product_attention(q, k, k)
    fast = compile(f)
    for _ in range(3):
        fast()
    y, z = fast(), f()
    for seed in (normal(L, E), normal(L, E, seed=5)):
        found = []
        for out in (y, z):
            q.grad = k.grad = None
            out.backward(seed)
            found.append((q.grad.copy(), k.grad.copy()))
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a, b)


# ---- what is refused ---------------------------------------------------------------------------------------------


def of_function(*shapes, **settings):
    return lambda: F.scaled_dot_product_attention(*(normal(*shape) for shape in shapes), **settings)


def of_layer(*shapes, batch_first=False, sizes=None, **settings):
    layer = MultiheadAttention(E, H, batch_first=batch_first, **(sizes or {}))
    return lambda: layer(*(normal(*shape) for shape in shapes), **settings)


SELF = [(L, N, E)] * 3


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (of_function((L, E), (S, 3), (S, 3)), ValueError, "last sizes must be equal: query (4, 6), key (5, 3)"),
        (of_function((L, E), (S, E), (L, 3)), ValueError, "each key has its value"),
        (of_function((L, E), (0, E), (0, 3)), ValueError, "and not 0"),
        (of_function((L,), (S, E), (S, E)), ValueError, "the query needs shape (…, time, features), got shape (4,)"),
        (of_function((2, L, E), (3, S, E), (3, S, E)), ValueError, "must be equal, or 1"),
        (
            of_function((L, E), (S, E), (S, 3), attn_mask=np.zeros((S, L))),
            ValueError,
            "attn_mask has shape (5, 4), but the scores have (4, 5)",
        ),
        (
            of_function((L, E), (S, E), (S, 3), attn_mask=np.zeros((2, L, S))),
            ValueError,
            "attn_mask has shape (2, 4, 5)",
        ),
        (of_function((L, E), (S, E), (S, 3), attn_mask=np.zeros((L, S), int)), TypeError, "True: may look"),
        (of_function((L, E), (S, E), (S, 3), attn_mask=LOOKS, is_causal=True), ValueError, "not both"),
        (of_function((L, E), (S, E), (S, 3), dropout_p=1.0), ValueError, "probability"),
        (lambda: F.scaled_dot_product_attention([[1.0]], [[1.0]], [[1.0]]), ValueError, "got list"),
        (
            lambda: MultiheadAttention(6, 4),
            ValueError,
            "embed_dim must be a multiple of num_heads; got embed_dim=6, num_heads=4",
        ),
        (lambda: MultiheadAttention(6, 0), ValueError, "num_heads must be a whole number, at least 1; got 0"),
        (lambda: MultiheadAttention(6, 2.0), ValueError, "num_heads must be a whole number, at least 1; got 2.0"),
        (lambda: MultiheadAttention("6", 2), ValueError, "embed_dim must be a whole number"),
        (lambda: MultiheadAttention(6, 2, kdim=0), ValueError, "kdim must be a whole number"),
        (lambda: MultiheadAttention(6, 2, add_bias_kv=True), ValueError, "not supported"),
        (lambda: MultiheadAttention(6, 2, add_zero_attn=True), ValueError, "not supported"),
        (lambda: MultiheadAttention(6, 2, dropout=1.5), ValueError, "probability"),
        (of_layer((L, N, 5), (S, N, E), (S, N, E)), ValueError, "the query needs shape (time, batch, 6)"),
        (
            of_layer((L, N, E), (S, N, 5), (S, N, E), batch_first=True),
            ValueError,
            "the key needs shape (batch, time, 6)",
        ),
        (of_layer((L, N, E), (S, E), (S, E)), ValueError, "or all three without batch"),
        (
            of_layer((L, N, E), (S, N, E), (S, N, E), sizes={"vdim": 3}),
            ValueError,
            "the value needs shape (time, batch, 3)",
        ),
        (of_layer((1, 1, L, E), (1, 1, L, E), (1, 1, L, E)), ValueError, "got (1, 1, 4, 6)"),
        (of_layer((L, N, E), (S, N, E), (L, N, E)), ValueError, "the same time"),
        (of_layer((L, N, E), (S, 1, E), (S, 1, E)), ValueError, "the same batch"),
        (of_layer(*SELF, attn_mask=causal_mask(3)), ValueError, "attn_mask has shape (3, 3)"),
        (of_layer(*SELF, attn_mask=np.zeros((N, L, L))), ValueError, "it must be (4, 4) or (6, 4, 4)"),
        (of_layer(*SELF, attn_mask=np.zeros((L, L), int)), TypeError, "True: left out"),
        (
            of_layer(*SELF, key_padding_mask=np.zeros((L, N), bool)),
            ValueError,
            "key_padding_mask has shape (4, 3), but there are keys of shape (3, 4)",
        ),
    ],
)  # fmt: skip
def test_errors_say_what_and_why(call, error, said):
    with pytest.raises(error) as caught:
        call()
    assert said in str(caught.value)


def test_summary_counts_all_weights():
    summary = MultiheadAttention(E, H).summary()
    assert summary.total == 4 * E * E + 4 * E
    assert ("self_attn", "MultiheadAttention", "", 4 * E * E + 4 * E) in nn.TransformerEncoderLayer(E, H).summary().rows


def test_causal_mask():
    assert causal_mask(3).tolist() == [[False, True, True], [False, False, True], [False, False, False]]


def test_lists_are_masks_too():
    x = normal(2, E)
    a = F.scaled_dot_product_attention(x, x, x, attn_mask=[[True, False], [True, True]])
    np.testing.assert_allclose(a, F.scaled_dot_product_attention(x, x, x, is_causal=True))
