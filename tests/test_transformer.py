"""The Transformer's layers: PyTorch's numbers and gradients with all masks, both orders, both activations."""

import copy
import pickle

import numpy as np
import pytest

import micrograd_plus
from micrograd_plus import Tensor, compile, no_grad
from micrograd_plus.explain import gradcheck, gradgradcheck
from micrograd_plus.nn import MultiheadAttention, ReLU, TransformerDecoderLayer, TransformerEncoderLayer
from micrograd_plus.nn import functional as F  # noqa: N812 - PyTorch's habit
from micrograd_plus.nn.attention import causal_mask

N, T, S, D, H, WIDE = 3, 4, 5, 6, 2, 8
NEAR = {np.float64: {"rtol": 1e-9, "atol": 1e-11}, np.float32: {"rtol": 1e-4, "atol": 1e-4}}
LAYERS = {"encoder": TransformerEncoderLayer, "decoder": TransformerDecoderLayer}


def normal(*shape, seed=0, dtype=float):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


def padding(n, s, seed=0):
    """True where a sequence is over."""
    return np.arange(s) >= np.random.default_rng(seed).integers(1, s + 1, size=(n, 1))


def of_torch(torch, name, *args, **settings):
    return getattr(torch.nn, LAYERS[name].__name__)(*args, **settings)


def inputs_of(name, batch_first=True, dtype=float, d=D):
    shape = lambda time: (N, time, d) if batch_first else (time, N, d)
    return [normal(*shape(T), dtype=dtype), *([normal(*shape(S), dtype=dtype)] if name == "decoder" else [])]


MASKS = {
    "none": ({}, {}),
    "causal": ({"src_mask": causal_mask(T)}, {"tgt_mask": causal_mask(T)}),
    "padding": (
        {"src_key_padding_mask": padding(N, T)},
        {"tgt_key_padding_mask": padding(N, T), "memory_key_padding_mask": padding(N, S)},
    ),
    "all": (
        {"src_mask": causal_mask(T), "src_key_padding_mask": padding(N, T), "is_causal": True},
        {
            "tgt_mask": causal_mask(T),
            "memory_mask": causal_mask(S)[:T],
            "tgt_key_padding_mask": padding(N, T),
            "memory_key_padding_mask": padding(N, S),
            "tgt_is_causal": True,
        },
    ),
    "floats": ({"src_mask": normal(T, T)}, {"tgt_mask": normal(T, T), "memory_mask": normal(T, S)}),
}


def masks_of(name, which, dtype=float):
    found = MASKS[which][name == "decoder"]
    return {k: v.astype(dtype) if getattr(v, "dtype", None) == np.float64 else v for k, v in found.items()}


# ---- PyTorch's ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("which", MASKS)
@pytest.mark.parametrize("name", LAYERS)
def test_values_and_gradients_are_pytorchs(name, which, batch_first, norm_first, dtype):
    torch = pytest.importorskip("torch")
    settings = {"dropout": 0.0, "batch_first": batch_first, "norm_first": norm_first}
    ours = LAYERS[name](D, H, WIDE, dtype=dtype, **settings)
    theirs = of_torch(torch, name, D, H, WIDE, dtype=getattr(torch, np.dtype(dtype).name), **settings)
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    masks = masks_of(name, which, dtype)
    arrays = inputs_of(name, batch_first, dtype)
    xs, others = [Tensor(x) for x in arrays], [torch.tensor(x, requires_grad=True) for x in arrays]
    y = ours(*xs, **masks)
    z = theirs(*others, **{k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in masks.items()})
    assert y.dtype == dtype
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), **NEAR[dtype])
    weighing = normal(*y.shape, seed=3, dtype=dtype)
    y.backward(weighing)
    z.backward(torch.tensor(weighing))
    for a, b in zip(xs, others, strict=True):
        np.testing.assert_allclose(a.grad, b.grad.numpy(), **NEAR[dtype])
    gradients = {name: p.grad.numpy() for name, p in theirs.named_parameters()}
    assert [name for name, _ in ours.named_parameters()] == list(gradients)
    for parameter, p in ours.named_parameters():
        np.testing.assert_allclose(p.grad, gradients[parameter], err_msg=parameter, **NEAR[dtype])


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("activation", ["gelu", "relu", "tanh"])
@pytest.mark.parametrize("bias", [True, False])
def test_activations_and_bias(name, activation, bias):
    torch = pytest.importorskip("torch")
    given = (F.tanh, torch.tanh) if activation == "tanh" else (activation, activation)
    settings = {"dropout": 0.0, "layer_norm_eps": 1e-3, "batch_first": True, "bias": bias}
    ours = LAYERS[name](D, H, WIDE, activation=given[0], **settings)
    theirs = of_torch(torch, name, D, H, WIDE, activation=given[1], dtype=torch.float64, **settings)
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    xs = inputs_of(name)
    expected = theirs(*map(torch.tensor, xs)).detach().numpy()
    np.testing.assert_allclose(ours(*xs).numpy(), expected, **NEAR[np.float64])


@pytest.mark.parametrize("name", LAYERS)
def test_one_sequence_without_batch(name):
    torch = pytest.importorskip("torch")
    ours = LAYERS[name](D, H, WIDE, dropout=0.0)
    theirs = of_torch(torch, name, D, H, WIDE, dropout=0.0, dtype=torch.float64)
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    xs = [x[0] for x in inputs_of(name)]
    expected = theirs(*map(torch.tensor, xs)).detach().numpy()
    np.testing.assert_allclose(ours(*xs).numpy(), expected, **NEAR[np.float64])


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("bias", [True, False])
def test_names_and_shapes_are_pytorchs_both_ways(name, bias):
    torch = pytest.importorskip("torch")
    ours, theirs = LAYERS[name](D, H, WIDE, bias=bias), of_torch(torch, name, D, H, WIDE, bias=bias)
    ours(*inputs_of(name, batch_first=False))
    shapes = {k: tuple(v.shape) for k, v in theirs.state_dict().items()}
    assert {k: v.shape for k, v in ours.state_dict().items()} == shapes
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    ours.load_state_dict(of_torch(torch, name, D, H, WIDE, bias=bias).state_dict())


@pytest.mark.parametrize("name", LAYERS)
def test_defaults_and_signatures_are_pytorchs(name):
    import inspect

    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, LAYERS[name].__name__)
    for method in ("__init__", "forward"):
        mine = dict(inspect.signature(getattr(LAYERS[name], method)).parameters)
        wanted = dict(inspect.signature(getattr(theirs, method)).parameters)
        for only in ("device", "dtype", "seed"):
            mine.pop(only, None), wanted.pop(only, None)
        assert list(mine) == list(wanted)
        for key in set(mine) - {"activation"}:
            assert mine[key].default == wanted[key].default
    assert LAYERS[name](D, H).linear1.out_features == 2048
    assert LAYERS[name](D, H).activation is F.relu


# ---- what it does ------------------------------------------------------------------------------------------------


def test_is_causal_makes_the_masks():
    encoder, decoder = (layer(D, H, WIDE, dropout=0.0, batch_first=True) for layer in LAYERS.values())
    x, memory = inputs_of("decoder")
    np.testing.assert_allclose(encoder(x, is_causal=True).numpy(), encoder(x, src_mask=causal_mask(T)).numpy())
    expected = decoder(x, memory, causal_mask(T), causal_mask(S)[:T]).numpy()
    np.testing.assert_allclose(decoder(x, memory, tgt_is_causal=True, memory_is_causal=True).numpy(), expected)


@pytest.mark.parametrize("name", LAYERS)
def test_padding_changes_nothing_for_the_others(name):
    layer, xs = LAYERS[name](D, H, WIDE, dropout=0.0, batch_first=True), inputs_of(name)
    source = xs[-1]
    over = np.zeros(source.shape[:2], bool)
    over[:, -2:] = True
    masked = {"memory_key_padding_mask" if name == "decoder" else "src_key_padding_mask": over}
    whole = layer(*xs, **masked).numpy()
    short = layer(*xs[:-1], source[:, :-2]).numpy()
    np.testing.assert_allclose(whole[:, : short.shape[1]], short, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", LAYERS)
def test_the_weights_can_be_drawn(name):
    layer, xs = LAYERS[name](D, H, WIDE, batch_first=True), inputs_of(name)
    with no_grad():
        layer.eval()(*xs)
    assert layer.self_attn.last_weights.shape == (N, H, T, T)
    if name == "decoder":
        assert layer.multihead_attn.last_weights.shape == (N, H, T, S)
        np.testing.assert_allclose(layer.multihead_attn.last_weights.sum(-1), 1.0)


@pytest.mark.parametrize("name", LAYERS)
def test_dropout(name):
    layer, xs = LAYERS[name](D, H, WIDE, dropout=0.3, seed=0), inputs_of(name, batch_first=False)
    micrograd_plus.seed(5)
    first, second = layer(*xs).numpy(), layer(*xs).numpy()
    micrograd_plus.seed(5)
    np.testing.assert_array_equal(layer(*xs).numpy(), first)
    assert not np.allclose(first, second)
    layer.eval()
    np.testing.assert_array_equal(layer(*xs).numpy(), layer(*xs).numpy())
    droppers = [m for m in layer.modules() if type(m).__name__ == "Dropout"]
    attentions = [m for m in layer.modules() if isinstance(m, MultiheadAttention)]
    assert [m.p for m in droppers] == [0.3] * (4 if name == "decoder" else 3)
    assert [m.dropout for m in attentions] == [0.3] * len(attentions)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("norm_first", [True, False])
def test_each_part_goes_through_its_dropout(name, norm_first):
    layer, seen = LAYERS[name](D, H, WIDE, norm_first=norm_first, batch_first=True), {}
    names = [n for n, m in layer.named_modules() if type(m).__name__ == "Dropout"]
    for dropper in names:
        getattr(layer, dropper).register_forward_hook(
            lambda module, args, y, n=dropper: seen.update({n: y.shape[-1], f"{n} drops": bool((y.numpy() == 0).any())})
        )
    micrograd_plus.seed(0)
    layer.train()(*inputs_of(name))
    assert {n: seen[n] for n in names} == {n: WIDE if n == "dropout" else D for n in names}
    assert all(seen[f"{n} drops"] for n in names)


@pytest.mark.parametrize("name", LAYERS)
def test_a_seed_gives_the_same_weights_and_all_parts_others(name):
    a, b, c = (LAYERS[name](D, H, D, seed=seed).state_dict() for seed in (0, 0, 1))
    for key in a:
        np.testing.assert_array_equal(a[key], b[key])
    matrices = [key for key in a if key.endswith("weight") and a[key].ndim == 2]
    assert not any(np.allclose(a[key], c[key]) for key in matrices)
    square = [a[key] for key in matrices if a[key].shape == (D, D)]
    assert len({round(float(x[0, 0]), 12) for x in square}) == len(square)
    assert all(p.dtype == np.float32 for p in LAYERS[name](D, H, WIDE, dtype=np.float32).parameters())


# ---- the twin, derivatives, copies, the tape ---------------------------------------------------------------------


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("norm_first", [True, False])
def test_the_twin(name, norm_first):
    layer = LAYERS[name](2, 2, 3, dropout=0.0, activation="gelu", batch_first=True, norm_first=norm_first, seed=0)
    twin = layer.scalar_twin()
    xs = [x[:1, :2] for x in inputs_of(name, d=2)]
    y, z = layer(*xs), twin(*xs)
    np.testing.assert_allclose(z.data, y.numpy(), rtol=1e-10, atol=1e-12)
    (y * y).sum().backward()
    (z * z).sum().backward()
    mine, its = layer.named_parameters(), dict(twin.named_parameters())
    for parameter, p in mine:
        for i, g in enumerate(p.grad.flat):
            assert its[f"{parameter}.{i}"].grad == pytest.approx(g, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("name", LAYERS)
def test_derivatives(name):
    layer = LAYERS[name](2, 1, 3, dropout=0.0, activation=F.tanh, batch_first=True, norm_first=True, seed=0)
    xs = [Tensor(x[:2, :2] * 2) for x in inputs_of(name, d=2)]
    assert gradcheck(layer, *xs, sample=60)
    assert gradgradcheck(layer, *xs, sample=30)


@pytest.mark.parametrize("name", LAYERS)
def test_copies(name):
    layer, xs = LAYERS[name](D, H, WIDE, dropout=0.0, batch_first=True), inputs_of(name)
    y = layer(*xs).numpy()
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(copied(*xs).numpy(), y)
        copied.linear1.weight.data *= 2
    np.testing.assert_array_equal(layer(*xs).numpy(), y)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_compiled_is_eager(name, dropout):
    layer = LAYERS[name](D, H, WIDE, dropout=dropout, batch_first=True, dtype=np.float32)
    xs, masks = inputs_of(name, dtype=np.float32), masks_of(name, "all")
    padded = masks.pop("src_key_padding_mask", masks.pop("tgt_key_padding_mask", None))
    where = "tgt_key_padding_mask" if name == "decoder" else "src_key_padding_mask"

    def step(padded, *xs):
        y = layer(*xs, **masks, **{where: padded})
        return (y * y * y).mean()

    fast = compile(step)
    for i in range(5):
        padded = padding(N, T, seed=i)
        found = []
        for f in (step, fast):
            micrograd_plus.seed(i)
            layer.zero_grad()
            loss = f(padded, *xs)
            loss.backward()
            found.append([loss.item(), *(p.grad.copy() for p in layer.parameters())])
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
        for p in layer.parameters():
            p.data -= 0.05 * p.grad
    assert fast.recordings == 2


# ---- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAYERS)
def test_errors(name):
    layer, xs = LAYERS[name](D, H, WIDE, batch_first=True), inputs_of(name)
    with pytest.raises(ValueError, match="activation must be 'relu', 'gelu' or a function"):
        LAYERS[name](D, H, activation="swish")
    with pytest.raises(TypeError, match=r"not a class: write ReLU\(\) with brackets"):
        LAYERS[name](D, H, activation=ReLU)
    with pytest.raises(ValueError, match=r"dropout: p is .* got 'gelu'"):  # PyTorch's fourth argument is dropout
        LAYERS[name](D, H, WIDE, "gelu")
    with pytest.raises(ValueError, match="embed_dim must be a multiple of num_heads"):
        LAYERS[name](D, 4)
    with pytest.raises(ValueError, match="the query needs shape"):
        layer(*(x[..., :-1] for x in xs))
    with pytest.raises(ValueError, match="attn_mask has shape"):
        layer(xs[0], *xs[1:], causal_mask(3))
    if name == "decoder":
        with pytest.raises(ValueError, match="the same batch"):
            layer(xs[0], xs[1][:2])
        with pytest.raises(ValueError, match="key_padding_mask has shape"):
            layer(*xs, memory_key_padding_mask=padding(N, T))
