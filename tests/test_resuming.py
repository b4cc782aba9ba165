"""training: several inputs, batches made as they are asked for, files, and going on where it was interrupted."""

import json
import os
import random
import subprocess
import sys
import time
import types

import numpy as np
import pytest

from micrograd_plus import Tensor, data, nn, no_grad, optim, training
from micrograd_plus.engine import concatenate
from micrograd_plus.training import Callback, Checkpoint, EarlyStopping, Schedule


def moons(n=60):
    X, y = data.make_moons(n, noise=0.1, seed=0)
    return X, 2 * y - 1


def scalar_model(seed=1):
    return nn.MLP(2, [6, 1], activation="tanh", seed=seed)


def tensor_model(seed=1):
    return scalar_model(seed).to_sequential()


def numbers(model):
    return {name: np.array(value) for name, value in model.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


# ---- models of several inputs ----


class Two(nn.Module):
    """Features (N, 3) and a token (N,), a row of a table."""

    def __init__(self, dtype=np.float32):
        self.features, self.out = nn.Linear(3, 4, seed=0, dtype=dtype), nn.Linear(6, 2, seed=1, dtype=dtype)
        self.table = Tensor(np.random.default_rng(0).normal(size=(5, 2)).astype(dtype))

    def forward(self, features, token):
        return self.out(concatenate([self.features(features).tanh(), self.table[token]], axis=1))


def two_inputs(n=40):
    rng = np.random.default_rng(1)
    features, tokens = rng.normal(size=(n, 3)), rng.integers(0, 5, n)
    return (features, tokens), ((features[:, 0] > 0) ^ (tokens > 2)).astype(int)


def batches_of(pair, size):
    (a, b), y = pair
    return [((a[i : i + size], b[i : i + size]), y[i : i + size]) for i in range(0, len(y), size)]


OPTIONS = {"loss": "cross_entropy", "epochs": 3, "seed": 0, "progress": False, "metrics": "accuracy"}


def test_a_model_of_two_inputs_trains_as_by_hand():
    (a, b), y = two_inputs()
    ours, by_hand = Two(), Two()
    history = training.fit(ours, ((a, b), y), optimizer=optim.SGD(ours.parameters(), lr=0.5), batch_size=16, **OPTIONS)
    optimizer, order = optim.SGD(by_hand.parameters(), lr=0.5), data.DataLoader(np.arange(40), batch_size=16, seed=0)
    losses = []
    for _ in range(3):
        for rows in order:
            loss = nn.cross_entropy(by_hand(a[rows].astype(np.float32), b[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert history.steps == losses
    assert same(numbers(ours), numbers(by_hand))
    assert history["accuracy"][-1] == np.mean(ours(a.astype(np.float32), b).numpy().argmax(1) == y)


def test_floats_get_the_models_dtype_and_whole_numbers_stay_whole():
    seen = set()

    class Spy(Two):
        def forward(self, features, token):
            seen.add((features.dtype, token.dtype))
            return super().forward(features, token)

    training.fit(Spy(), two_inputs(), optimizer="sgd", validation=0.25, **OPTIONS)
    assert seen == {(np.dtype("float32"), np.dtype("int64"))}


def test_a_share_a_loader_and_a_list_of_batches_of_two_inputs():
    pair = two_inputs()
    parts = data.train_test_split(np.arange(40), pair[1], test_size=0.25, seed=0)[:2]
    learn, held = (((pair[0][0][rows], pair[0][1][rows]), pair[1][rows]) for rows in parts)
    shared = training.fit(Two(), pair, optimizer="adam", validation=0.25, batch_size=8, **OPTIONS)
    given = training.fit(Two(), learn, optimizer="adam", validation=held, batch_size=8, **OPTIONS)
    loader = data.DataLoader(*learn, batch_size=8, seed=0)
    loaded = training.fit(Two(), loader, optimizer="adam", validation=batches_of(held, 7), **OPTIONS)
    assert shared.to_dict() == given.to_dict()
    assert loaded.steps == given.steps
    np.testing.assert_allclose(loaded["val_loss"], given["val_loss"], rtol=1e-6)


def test_two_inputs_compiled():
    models = Two(np.float64), Two(np.float64)
    histories = [
        training.fit(model, two_inputs(), optimizer="adam", batch_size=10, compile=i == 1, **OPTIONS)
        for i, model in enumerate(models)
    ]
    np.testing.assert_allclose(histories[1].steps, histories[0].steps, rtol=1e-10)


def test_two_inputs_of_values():
    class Line(nn.Module):
        def __init__(self):
            self.a, self.b = nn.MLP(2, [1], seed=0), nn.MLP(1, [1], seed=1)

        def forward(self, two, one):
            return self.a(two) + self.b(one)

    X = (np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([[1.0], [2.0], [-1.0]]))
    model = Line()
    output = [float(model(a.tolist(), b.tolist())) for a, b in zip(*X, strict=True)]
    history = training.fit(model, (X, np.array([1.0, 2.0, 3.0])), loss="mse", optimizer="sgd", epochs=1, progress=False)
    assert history.steps[0] == pytest.approx(np.mean((np.array(output) - [1.0, 2.0, 3.0]) ** 2))


class PerToken(nn.Module):
    """Class scores for each place of a sequence: tokens (N, T) to (N, 3, T), as cross_entropy takes them."""

    def __init__(self):
        self.table, self.out = Tensor(np.random.default_rng(0).normal(size=(7, 4))), nn.Linear(4, 3, seed=0)

    def forward(self, tokens):
        return self.out(self.table[tokens]).transpose(0, 2, 1)


def test_targets_for_each_place_and_batches_padded_on_their_own():
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 7, (12, 5))
    y = tokens % 3
    measure = {"right": lambda output, y: (output.argmax(1) == y).mean()}
    options = {**OPTIONS, "metrics": measure, "optimizer": optim.Adam((model := PerToken()).parameters(), lr=0.1)}
    history = training.fit(model, (tokens, y), batch_size=4, validation=(tokens, y), **{**options, "epochs": 40})
    assert history["right"][-1] == history["val_right"][-1] == 1.0
    assert np.argmax(model(tokens).numpy(), axis=1).tolist() == y.tolist()
    ragged = [(tokens[:8], y[:8]), (tokens[8:, :3], y[8:, :3])]
    history = training.fit(model, ragged, **{**options, "epochs": 1, "optimizer": "sgd"}, validation=ragged)
    model.eval()
    losses = [nn.cross_entropy(model(x), t).item() for x, t in ragged]
    assert history["val_loss"][0] == pytest.approx((8 * losses[0] + 4 * losses[1]) / 12, rel=1e-12)


@pytest.mark.parametrize(
    ("pair", "kind", "message"),
    [
        (((np.ones((4, 3)), np.ones(3, int)), np.ones(4, int)), ValueError, "they hold 4, 3 samples"),
        (((np.ones((4, 3)), np.ones(4, int)), np.ones(3, int)), ValueError, "got 4 in X and 3 in y"),
        (((np.ones((4, 3)), [1] * 4), np.ones(4, int)), TypeError, "X is a tuple with an array in it, so each part"),
        (
            [((np.ones((4, 3)), np.ones(3, int)), np.ones(4, int))],
            ValueError,
            "the inputs have 4 and 3 entries; each input needs one for every sample",
        ),
        ([((np.ones((4, 3)), np.ones(4, int)), np.ones(3, int))], ValueError, "a batch has 4 samples and 3 targets"),
        ([(np.ones((4, 3)), np.ones(4, int), np.ones(4, int))], TypeError, r"of several inputs \(\(a, b\), y\)"),
        (
            ((np.ones((4, 3)), np.array(["a"] * 4)), np.ones(4, int)),
            TypeError,
            r"X\[1\] must hold numbers, got dtype <U1",
        ),
    ],
)
def test_inputs_that_do_not_fit(pair, kind, message):
    with pytest.raises(kind, match=message):
        training.fit(Two(), pair, optimizer="sgd", loss="cross_entropy", progress=False)


def test_nan_in_one_of_two_inputs_is_named():
    (a, b), y = two_inputs()
    a[3, 1] = np.nan
    with pytest.raises(FloatingPointError, match=r"\(1 in X\): clean the data"):
        training.fit(Two(), ((a, b), y), optimizer="sgd", loss="cross_entropy", batch_size=40, progress=False)


# ---- metrics of the validation data alone ----


def test_a_metric_of_the_validation_data_alone():
    calls = []
    model = tensor_model()
    model.register_forward_hook(lambda module, args, y: calls.append((module.training, len(args[0]))))
    options = {"loss": "hinge", "optimizer": "sgd", "epochs": 1, "seed": 0, "progress": False, "validation": 0.25}
    history = training.fit(model, moons(), metrics="val_accuracy", batch_size=45, **options)
    both = training.fit(tensor_model(), moons(), metrics="accuracy", batch_size=45, **options)
    assert history.names == ["epoch", "loss", "val_loss", "val_accuracy", "lr"]
    assert history["val_accuracy"] == both["val_accuracy"]
    assert calls == [(True, 45), (False, 15)]
    mixed = training.fit(
        tensor_model(), moons(), metrics={"val_m": lambda o, t: 2.0, "n": lambda o, t: len(t)}, **options
    )
    assert {k: mixed.rows[0][k] for k in ("n", "val_n", "val_m")} == {"n": 45, "val_n": 15, "val_m": 2.0}
    with pytest.raises(ValueError, match="'val_accuracy' is measured on validation data: give fit some"):
        training.fit(model, moons(), metrics="val_accuracy", **{**options, "validation": None})
    with pytest.raises(ValueError, match="can't be called 'val_accuracy': the history has that already"):
        training.fit(model, moons(), metrics=["accuracy", "val_accuracy"], **options)


# ---- batches made as they are asked for ----


class SelfPlay:
    """Batches from the model as it is by then: in eval() mode, and under a no_grad() that stays open between them."""

    def __init__(self, model, batches=4, fails=None):
        self.model, self.batches, self.fails = model, batches, fails
        self.seen, self.ended = [], 0

    def __iter__(self):
        rng = np.random.default_rng(0)
        try:
            with no_grad():
                for i in range(self.batches):
                    self.model.eval()
                    x = rng.normal(size=(8, 2))
                    y = self.model(x)
                    self.seen.append((float(y.numpy().sum()), y.requires_grad))
                    if self.fails == i:
                        raise KeyboardInterrupt
                    yield x, np.sign(x[:, 0])
        finally:
            self.ended += 1


class SelfPlayOfKnownLength(SelfPlay):
    def __len__(self):
        return self.batches


@pytest.mark.parametrize("kind", [SelfPlay, SelfPlayOfKnownLength])
@pytest.mark.parametrize("compiled", [False, True])
def test_self_play(kind, compiled):
    model, modes, shares, lines = tensor_model(), [], [], []

    class Look(Callback):
        def after_backward(self, state):
            modes.append(state.model.training)

        def on_batch_end(self, state):
            shares.append(state.share)

    play = kind(model)
    history = training.fit(
        model, play, "mse", "sgd", epochs=3, callbacks=[Look()], progress=lines.append, compile=compiled
    )
    assert len(history.steps) == 12
    assert history["loss"][-1] < history["loss"][0]
    assert modes == [True] * 12
    assert len({total for total, _ in play.seen}) == 12  # the model that plays is the one that learns
    assert not any(grad for _, grad in play.seen)
    assert play.ended == 3
    known = kind is SelfPlayOfKnownLength
    assert shares[:4] == pytest.approx([1 / 12, 2 / 12, 3 / 12, 4 / 12] if known else [0.0] * 4)
    assert shares[4:] == pytest.approx([step / 12 for step in range(5, 13)])  # as long as the first one was
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert model(np.ones((1, 2))).requires_grad  # nothing of the loader's no_grad() is left


def test_ctrl_c_in_the_loader():
    model = tensor_model()
    play = SelfPlay(model, fails=2)
    history = training.fit(model, play, "mse", "sgd", epochs=3, progress=False)
    assert history.stopped == "interrupted by Ctrl-C in epoch 1"
    assert len(history.steps) == 2
    assert (model.training, play.ended) == (True, 1)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_loader_that_is_left_early_is_closed(error):
    def stop(state):
        raise error

    model = tensor_model()
    play = SelfPlay(model)
    look = type("Look", (Callback,), {"on_batch_end": lambda self, state: stop(state)})
    try:
        training.fit(model, play, "mse", "sgd", epochs=3, callbacks=[look()], progress=False)
    except RuntimeError:
        assert error is RuntimeError
    assert (len(play.seen), play.ended) == (1, 1)
    assert model(np.ones((1, 2))).requires_grad


# ---- going on ----


class Kept(Callback):
    """A callback of one's own, with an array to remember."""

    def __init__(self):
        self.sums = np.zeros(2)

    def on_epoch_end(self, state):
        self.sums = self.sums + np.array([state.loss, state.step * random.random()])

    def state_dict(self):
        return {"sums": self.sums}

    def load_state_dict(self, state):
        self.sums = state["sums"]


class Drawn:
    """A loader of one's own, with a source of chance of its own."""

    def __init__(self):
        self.chance, self.drawn = random.Random(5), 0

    def __iter__(self):
        for _ in range(3):
            self.drawn += 1
            x = np.array([[self.chance.gauss(0, 1), random.random()] for _ in range(8)])
            yield x, np.sign(x[:, 0])

    def state_dict(self):
        return {"chance": self.chance.getstate(), "drawn": self.drawn}

    def load_state_dict(self, state):
        version, words, gauss = state["chance"]
        self.chance.setstate((version, tuple(words), gauss))
        self.drawn = state["drawn"]


def with_dropout():
    return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Dropout(0.4), nn.Linear(8, 1))


def schedule(kind, every="epoch", **settings):
    return lambda optimizer: [Schedule(kind(optimizer, **settings), every)]


class Thaw(Callback):
    """A layer is trained from the second epoch on, and another no longer; it remembers nothing."""

    def on_epoch_end(self, state):
        if state.epoch == 1:
            state.model[0].requires_grad_(True)
            state.model[2].requires_grad_(False)


def frozen_at_first():
    model = tensor_model()
    model[0].requires_grad_(False)
    return model


CASES = {
    "thawing": {"make": frozen_at_first, "more": lambda optimizer: [Thaw()]},
    "sgd": {"optimizer": lambda p: optim.SGD(p, lr=0.1)},
    "momentum": {"optimizer": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True)},
    "adam, shuffled by random": {"optimizer": lambda p: optim.Adam(p, lr=0.01), "seed": None},
    "rmsprop": {"optimizer": lambda p: optim.RMSprop(p, centered=True, momentum=0.5)},
    "adagrad": {"optimizer": lambda p: optim.Adagrad(p, lr_decay=0.1)},
    "groups": {
        "optimizer": lambda p: optim.AdamW([{"params": p[:2]}, {"params": p[2:], "weight_decay": 0.5}], lr=0.02)
    },
    "values": {"make": scalar_model, "optimizer": lambda p: optim.Adam(p, lr=0.01)},
    "float32": {"make": lambda: scalar_model().to_sequential(dtype=np.float32), "optimizer": lambda p: optim.Adam(p)},
    "dropout": {"make": with_dropout, "seed": None, "validation": 0.2},
    "a share without a seed": {"seed": None, "validation": 0.3, "metrics": "accuracy"},
    "every step": {"more": schedule(optim.OneCycleLR, "step", max_lr=0.3, total_steps=60)},
    "warm up": {"more": schedule(optim.LinearLR, "step", total_iters=7)},
    "cosine": {"more": schedule(optim.CosineAnnealingLR, T_max=6)},
    "plateau": {
        "more": schedule(optim.ReduceLROnPlateau, patience=0, threshold=0.2, factor=0.5),
        "validation": 0.25,
    },
    "two schedules of one optimiser": {
        "more": lambda o: [
            *schedule(optim.StepLR, step_size=4)(o),
            *schedule(optim.ReduceLROnPlateau, patience=0, threshold=0.9)(o),
        ],
    },
    "early stopping": {"more": lambda optimizer: [EarlyStopping("loss", patience=2, min_delta=10.0)]},
    "one's own callback": {"more": lambda optimizer: [Kept()]},
    "one's own loader": {"data": Drawn},
    "a loader": {"data": lambda: data.DataLoader(*moons(), batch_size=9, seed=3, drop_last=True)},
    "two inputs": {"make": lambda: Two(), "data": two_inputs, "loss": "cross_entropy"},
    "compiled": {"compile": True, "make": with_dropout},
}


class Press(Callback):
    """Ctrl-C in the middle of an epoch."""

    def __init__(self, step):
        self.step = step

    def after_backward(self, state):
        if state.step == self.step:
            raise KeyboardInterrupt


def train(case, path, epochs=6, press=None, disturb=0, **changes):
    """One cell: all is made anew. Returns the model, the history and what the callbacks came to."""
    case = {"make": tensor_model, "data": moons, "loss": "hinge", "seed": 0, **case, **changes}
    random.seed(11 + disturb)  # another process would have another state
    model = case["make"]()
    optimizer = case.get("optimizer", lambda p: optim.SGD(p, lr=0.1, momentum=0.9))(model.parameters())
    others = case.get("more", lambda optimizer: [])(optimizer)
    checkpoint = [Checkpoint(path, resume=True)] if path else []
    rest = {key: case[key] for key in ("validation", "metrics", "compile", "batch_size") if key in case}
    history = training.fit(
        model, case["data"](), case["loss"], optimizer, epochs, seed=case["seed"], progress=False,
        callbacks=[*checkpoint, *others, *([Press(press)] if press else [])], **{"batch_size": 16, **rest},
    )  # fmt: skip
    return numbers(model), history.to_dict(), [c.state_dict() for c in others], random.random(), repr(optimizer)


def assert_same(a, b):
    assert same(a[0], b[0])
    assert a[1] == b[1]
    for left, right in zip(a[2], b[2], strict=True):
        assert left.keys() == right.keys()
        assert repr(left) == repr(right)
    assert a[3:] == b[3:]


@pytest.mark.parametrize("name", CASES)
def test_it_goes_on_to_the_same_bits(name, tmp_path):
    case, path = CASES[name], tmp_path / "runs"
    unbroken = train(case, None)
    if name == "early stopping":
        assert unbroken[1]["stopped"] == "early stopping after epoch 3: loss was best in epoch 1"
    stopped = train(case, path, press=8)[1]["stopped"]
    assert stopped.startswith("interrupted by Ctrl-C in epoch")
    train(case, path, press=13, disturb=1)
    assert_same(train(case, path, disturb=2), unbroken)
    assert_same(train(case, path, disturb=3), unbroken)  # once more: all is done already
    assert len(os.listdir(path)) == 1


def test_the_seed_is_the_same_as_another_whole_number(tmp_path):
    train({"seed": 0}, tmp_path, epochs=1)
    assert_same(train({"seed": np.int64(0)}, tmp_path, epochs=2), train({"seed": 0}, None, epochs=2))


def test_more_epochs_go_further(tmp_path):
    case = CASES["adam, shuffled by random"]
    train(case, tmp_path / "m.safetensors", epochs=2)
    more = train(case, tmp_path / "m.safetensors", epochs=5, disturb=1)
    assert_same(more, train(case, None, epochs=5))
    done = train(case, tmp_path / "m.safetensors", epochs=3, disturb=1)
    assert same(done[0], more[0])
    assert len(done[1]["rows"]) == 5


def test_the_same_objects_once_more_as_in_a_cell_below(tmp_path):
    def run(press):
        callbacks = [
            Checkpoint(tmp_path / "m.safetensors", resume=True),
            halving,
            stopping,
            *([Press(7)] if press else []),
        ]
        return training.fit(model, loader, "hinge", optimizer, 5, progress=False, callbacks=callbacks)

    made = []
    for press in (True, False):
        model = tensor_model()
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        halving, stopping = Schedule(optim.StepLR(optimizer, 2)), EarlyStopping("loss", patience=9)
        loader = data.DataLoader(*moons(), batch_size=16, seed=1)
        if press:
            assert run(True).stopped
        else:
            os.remove(tmp_path / "m.safetensors")
        made.append((run(False).to_dict(), numbers(model)))
    assert made[0][0] == made[1][0]
    assert same(made[0][1], made[1][1])


def test_a_best_checkpoint_beside_it_stays_the_best(tmp_path):
    scores = iter([3.0, 1.0, 2.0, 2.5, 1.5])

    def run(press):
        model = tensor_model()
        best = Checkpoint(tmp_path, monitor="score")
        callbacks = [Checkpoint(tmp_path, resume=True), best, *([Press(10)] if press else [])]
        training.fit(model, moons(), "hinge", "sgd", 5, metrics={"score": lambda o, t: next(scores)}, progress=False,
                     seed=0, callbacks=callbacks)  # fmt: skip
        return best

    assert run(True).best == 1.0
    kept = (tmp_path / "best.safetensors").read_bytes()
    assert run(False).best_epoch == 2
    assert (tmp_path / "best.safetensors").read_bytes() == kept
    assert sorted(os.listdir(tmp_path)) == ["best.safetensors", "last.safetensors"]


def test_early_stopping_has_ended_it_but_a_stop_for_the_day_has_not(tmp_path):
    lengths, stopping = [], EarlyStopping("loss")
    for last in (2, 4, 99):
        enough = lambda state, last=last: state.stop("enough for today") if state.epoch == last else None
        history = training.fit(tensor_model(), moons(), "hinge", "sgd", 6, seed=0, progress=False,
                               callbacks=[Checkpoint(tmp_path, resume=True), stopping, enough])  # fmt: skip
        lengths.append((len(history), history.stopped))
    assert lengths == [(2, "enough for today"), (4, "enough for today"), (6, None)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": lambda p: optim.Adam(p)}, r"optimizer was SGD\(lr=0\.1, momentum=0\.9.*, and is now Adam\("),
        ({"optimizer": lambda p: optim.SGD(p, lr=0.2, momentum=0.9)}, r"was SGD\(lr=0\.1,.* is now SGD\(lr=0\.2,"),
        ({"batch_size": 8}, "batch_size was 16, and is now 8"),
        ({"seed": 1}, "seed was 0, and is now 1"),
        ({"data": lambda: moons(50)}, "samples was 60, and is now 50"),
        ({"loss": "mse"}, "loss was hinge_loss, and is now mse_loss"),
        ({"metrics": "accuracy"}, "metrics was none, and is now accuracy"),
        ({"validation": moons(20)}, "validation was none, and is now 20 samples"),
        ({"make": lambda: nn.Sequential(nn.Linear(2, 1))}, r"missing: 0|wrong shape: 0\.weight is \(1, 2\) here"),
        ({"make": lambda: Two()}, "model was Sequential of float64, and is now Two of float32"),
        ({"make": lambda: scalar_model().to_sequential(dtype=np.float32)}, "is now Sequential of float32"),
        ({"more": lambda optimizer: [Kept()]}, r"callbacks was \[\], and is now \['Kept'\]"),
        ({"more": lambda optimizer: [EarlyStopping("loss")]}, r"is now \['EarlyStopping of loss'\]"),
        ({"optimizer": lambda p: optim.SGD([{"params": p[:1]}, {"params": p[1:]}], lr=0.1, momentum=0.9)}, "1 group"),
    ],
)
def test_another_training_is_refused_and_nothing_changed(changes, message, tmp_path):
    path = tmp_path / "m.safetensors"
    train({}, path, epochs=1)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"(?s)training can't go on from .*m.safetensors: .*{message}"):
        train({}, path, **changes)
    assert path.read_bytes() == before


def test_what_remembers_nothing_may_come_and_go(tmp_path):
    """A copy of each epoch, and a function: training is the same with and without them."""
    train({}, tmp_path / "m.safetensors", epochs=2)
    copy = lambda optimizer: [
        Checkpoint(tmp_path / "copy.safetensors"),
        *schedule(optim.StepLR, step_size=99)(optimizer),
    ]
    with pytest.raises(ValueError, match=r"callbacks was \[\], and is now \['Schedule'\]"):
        train({"more": copy}, tmp_path / "m.safetensors", epochs=4)
    more = train({"more": lambda o: copy(o)[:1]}, tmp_path / "m.safetensors", epochs=4)
    assert same(more[0], train({}, None, epochs=4)[0])
    assert same(train({}, tmp_path / "m.safetensors", epochs=5)[0], train({}, None, epochs=5)[0])


def test_the_best_of_another_column_is_no_best(tmp_path):
    case = {"validation": moons(20), "more": lambda optimizer: [EarlyStopping("loss", 9), EarlyStopping("val_loss", 9)]}
    train(case, tmp_path, epochs=2)
    swapped = {"more": lambda optimizer: case["more"](optimizer)[::-1]}
    words = r"was \['EarlyStopping of loss', 'EarlyStopping of val_loss'\], and is now \['EarlyStopping of val_loss', "
    with pytest.raises(ValueError, match=words):
        train(case, tmp_path, **swapped)


@pytest.mark.parametrize("first", [0, 1])
def test_two_checkpoints_do_not_write_over_each_other(first, tmp_path):
    two = [Checkpoint(tmp_path / "last.safetensors", monitor="loss"), Checkpoint(tmp_path, resume=True)]
    with pytest.raises(ValueError, match=r"two Checkpoints write .*last\.safetensors, .*give each its own path"):
        training.fit(tensor_model(), moons(), "hinge", "sgd", progress=False, callbacks=[two[first], two[1 - first]])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("seeds", [(0, None), (None, 0)])
def test_a_loader_with_a_seed_and_one_without(seeds, tmp_path):
    loaders = [{"data": lambda seed=seed: data.DataLoader(*moons(), seed=seed)} for seed in seeds]
    train(loaders[0], tmp_path, epochs=1)
    with pytest.raises(ValueError, match=r"training can't go on from .*this DataLoader has .* seed, but the state"):
        train(loaders[1], tmp_path)


def test_a_loader_that_forgets_what_it_remembered(tmp_path):
    train({"data": Drawn}, tmp_path, epochs=1)
    with pytest.raises(ValueError, match=r"training can't go on from .*'list' object has no attribute 'load_state_d"):
        train({"data": lambda: list(Drawn())}, tmp_path)


def test_arrays_beside_values_come_back_as_arrays(tmp_path):
    case = {**CASES["values"], "more": lambda optimizer: [Kept()]}
    train(case, tmp_path, epochs=2)
    assert_same(train(case, tmp_path, epochs=4), train(case, None, epochs=4))


def test_what_can_not_be_resumed_is_said_at_once(tmp_path):
    class Plain:
        def __init__(self, model):
            self.model = model

        def zero_grad(self):
            self.model.zero_grad()

        def step(self):
            raise AssertionError("too late")

    model = tensor_model()
    with pytest.raises(TypeError, match="Plain has no state_dict and load_state_dict"):
        training.fit(model, moons(), "mse", Plain(model), progress=False, callbacks=[Checkpoint(tmp_path, resume=True)])
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    halving = Schedule(types.SimpleNamespace(step=lambda: None))
    with pytest.raises(TypeError, match="SimpleNamespace has no state_dict and load_state_dict"):
        training.fit(
            model, moons(), "mse", optimizer, progress=False, callbacks=[halving, Checkpoint(tmp_path, resume=True)]
        )
    with pytest.raises(ValueError, match="from its last epoch, not from its best: use two"):
        Checkpoint(tmp_path, monitor="val_loss", resume=True)
    with pytest.raises(TypeError, match="resume is True or False, got 'yes'"):
        Checkpoint(tmp_path, resume="yes")
    two = [Checkpoint(tmp_path / name, resume=True) for name in "ab"]
    with pytest.raises(ValueError, match=r"from one file only: .*a or .*b\?"):
        training.fit(model, moons(), "mse", "sgd", progress=False, callbacks=two)


def test_the_time_left_counts_this_run_alone(tmp_path, monkeypatch):
    lines, clock = [], [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    tick = lambda state: clock.__setitem__(0, clock[0] + 10.0)
    for epochs in (8, 10):
        lines.clear()
        training.fit(tensor_model(), moons(), "mse", "sgd", epochs, seed=0, progress=lines.append,
                     callbacks=[Checkpoint(tmp_path, resume=True), tick])  # fmt: skip
    assert [line.split("  ")[:2] for line in lines] == [["epoch 9/10", "10.0 s left"], ["epoch 10/10", "0.0 s left"]]


# ---- processes that die ----

PROGRAM = """
import os, random, signal, sys, time
import numpy as np
from micrograd_plus import data, nn, optim, training

X, y = data.make_moons(60, noise=0.1, seed=0)
path, chance = sys.argv[1], random.Random(4)

class Start(training.Callback):
    def on_train_begin(self, state):
        if state.epoch == 0:
            random.seed(0)  # before the first epoch all lives agree; from then on the file decides

def life(number, tell=None):
    random.seed(number)
    model = nn.Sequential(nn.Linear(2, 6, seed=0), nn.Tanh(), nn.Dropout(0.2), nn.Linear(6, 1, seed=1))
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    slower = training.Schedule(optim.CosineAnnealingLR(optimizer, 60))
    last = [] if number is None else [training.Checkpoint(path, resume=True)]
    told = [] if tell is None else [lambda state: os.write(tell, b".")]
    history = training.fit(model, (X, 2 * y - 1), "hinge", optimizer, 60, progress=False,
                           callbacks=[slower, Start(), *last, *told])
    bits = [array.tobytes() for array in model.state_dict().values()]
    return bits, history.to_dict(), optimizer.state_dict()["state"], random.random()

whole, epochs = life(None), []
for number in range(24):
    listen, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            life(number, tell)
        finally:
            os._exit(0)
    os.close(tell)
    for _ in range(chance.randrange(2, 4)):  # epochs of this life; each is told of before it is kept
        os.read(listen, 1)
    time.sleep(chance.random() * 0.01)  # anywhere in an epoch: in a step, or while the file is written
    os.kill(child, signal.SIGINT if number % 3 == 2 else signal.SIGKILL)
    os.waitpid(child, 0)
    epochs.append(training.load(path).training["epoch"])  # the file is whole, whenever it was
assert epochs == sorted(epochs) and len(set(epochs)) > 5, epochs
assert repr(life(99)) == repr(whole)
print(epochs)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes to kill")
def test_killed_again_and_again_and_gone_on_with(tmp_path):
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path / "last.safetensors")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("[")


def test_a_file_that_pytorch_would_not_expect_is_plain_text_in_the_header(tmp_path):
    path = tmp_path / "m.safetensors"
    train({"more": lambda optimizer: [EarlyStopping("loss")]}, path, epochs=1)
    raw = path.read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    kept = json.loads(header.pop("__metadata__")["micrograd_plus"])
    assert kept["optimizer"]["state"]["0"]["momentum_buffer"] == {
        "$tensor": "training.optimizer.state.0.momentum_buffer"
    }
    assert {name.split(".")[0] for name in header} == {"0", "2", "training"}
    assert kept["callbacks"][-1]["kind"] == "EarlyStopping of loss"
