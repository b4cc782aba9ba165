"""training: the loop, what it remembers, what stops it, and what it says meanwhile."""

import gc
import json
import math
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from contextlib import suppress

import numpy as np
import pytest

import micrograd_plus
from micrograd_plus import data, nn, optim, training
from micrograd_plus.optim.uninterrupted import uninterrupted
from micrograd_plus.tape.recorder import FrozenNumberError
from micrograd_plus.training import Callback, Checkpoint, EarlyStopping, History, Recorder, Schedule
from micrograd_plus.training.progress import duration


def moons(n=60):
    X, y = data.make_moons(n, noise=0.1, seed=0)
    return X, 2 * y - 1


def scalar_model():
    return nn.MLP(2, [8, 1], activation="tanh", seed=1)


def tensor_model():
    return scalar_model().to_sequential()


def fit(model, pair=None, **options):
    given = {"loss": "hinge", "optimizer": "sgd", "epochs": 3, "seed": 0, "progress": False} | options
    return training.fit(model, moons() if pair is None else pair, **given)


def numbers(model):
    return {name: np.array(value) for name, value in model.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


BOTH = pytest.mark.parametrize("make", [scalar_model, tensor_model])


# ---- the loop ----


def test_a_scalar_model_its_tensor_model_and_its_twin_train_alike():
    penalty = lambda model: 1e-4 * nn.l2_penalty(model)
    kinds = [scalar_model(), tensor_model(), tensor_model().scalar_twin()]
    histories = [fit(m, batch_size=16, penalty=penalty, validation=0.25, metrics="accuracy", epochs=5) for m in kinds]
    assert len(histories[0].steps) == 5 * math.ceil(45 / 16)
    for other in histories[1:]:
        np.testing.assert_allclose(other.steps, histories[0].steps, rtol=1e-9)
        for name in ("loss", "val_loss", "accuracy", "val_accuracy"):
            np.testing.assert_allclose(other[name], histories[0][name], rtol=1e-9)
    assert histories[0]["loss"][-1] < histories[0]["loss"][0]


def test_the_loop_is_the_one_that_one_writes_by_hand():
    X, y = moons()
    ours, by_hand = tensor_model(), tensor_model()
    history = fit(ours, (X, y), optimizer=optim.Adam(ours.parameters(), lr=0.01), batch_size=20, epochs=4)
    optimizer = optim.Adam(by_hand.parameters(), lr=0.01)
    losses = []
    loader = data.DataLoader(X, y.reshape(-1, 1), batch_size=20, seed=0)
    for _ in range(4):
        for x, t in loader:
            loss = nn.hinge_loss(by_hand(x), t)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert history.steps == losses
    assert same(numbers(ours), numbers(by_hand))


def test_the_penalty_is_part_of_both_losses_and_of_the_gradient():
    plain, punished = tensor_model(), tensor_model()
    strength = 0.5
    before = strength * sum((p.data**2).sum() for p in punished.parameters())
    one = {"epochs": 1, "batch_size": 60, "optimizer": "sgd"}
    a = fit(plain, **one)
    b = fit(punished, penalty=lambda model: strength * nn.l2_penalty(model), **one)
    assert b.steps[0] - a.steps[0] == pytest.approx(before)
    start = tensor_model().state_dict()["0.weight"]
    shrunk = plain.state_dict()["0.weight"] - 0.1 * 2 * strength * start
    np.testing.assert_allclose(punished.state_dict()["0.weight"], shrunk)


def test_the_epochs_loss_is_the_mean_over_samples_when_the_last_batch_is_short():
    history = fit(tensor_model(), epochs=1, batch_size=50)
    assert history["loss"][0] == pytest.approx((50 * history.steps[0] + 10 * history.steps[1]) / 60)


@BOTH
def test_validation_and_metrics_are_measured_on_the_whole_set_after_the_epoch(make):
    X, y = moons()
    held = data.make_moons(25, seed=5)
    held = (held[0], 2 * held[1] - 1)
    model = make()
    history = fit(model, (X, y), validation=held, metrics="accuracy", batch_size=8, epochs=2)
    network = model.to_sequential() if isinstance(model, nn.MLP) else model
    scores = network(held[0])
    assert history["val_loss"][-1] == pytest.approx(nn.hinge_loss(scores, held[1].reshape(-1, 1)).item())
    assert history["val_accuracy"][-1] == np.mean((scores.numpy()[:, 0] > 0) == (held[1] > 0))
    assert history["accuracy"][-1] == np.mean((network(X).numpy()[:, 0] > 0) == (y > 0))


def test_a_share_for_validation_is_split_off_with_the_seed():
    X, y = moons()
    X1, X2, y1, y2 = data.train_test_split(X, y, test_size=0.2, seed=0)
    assert fit(tensor_model(), validation=0.2).to_dict() == fit(tensor_model(), (X1, y1), validation=(X2, y2)).to_dict()


def test_evaluation_is_in_eval_mode_and_every_mode_is_restored():
    dropout = nn.Dropout(0.5)
    model = nn.Sequential(nn.Linear(2, 4, seed=0), dropout, nn.Linear(4, 1, seed=0))
    modes = []
    dropout.register_forward_hook(lambda module, args, y: modes.append((module.training, y.requires_grad)))
    frozen = model[0].eval()
    fit(model, validation=0.5, metrics="accuracy", epochs=2, batch_size=30)
    assert modes == [(True, True), (False, False), (False, False)] * 2
    assert (model.training, dropout.training, frozen.training) == (True, True, False)
    model.eval()
    fit(model, epochs=1)
    assert modes[-1] == (True, True)
    assert not model.training


def test_float32_models_get_float32_and_stay_so():
    seen = []
    model = scalar_model().to_sequential(dtype=np.float32)
    loss = lambda output, target: (seen.append((output.dtype, target.dtype)), ((output - target) ** 2).mean())[1]
    X, y = moons()
    fit(model, (X, y.astype(float)), loss=loss, epochs=1)
    assert set(seen) == {(np.dtype("float32"), np.dtype("float32"))}
    assert all(p.dtype == np.float32 for p in model.parameters())


def test_columns_meet_columns_so_that_nothing_is_broadcast_to_n_by_n():
    shapes = []
    loss = lambda output, target: (shapes.append((output.shape, target.shape)), ((output - target) ** 2).mean())[1]
    measured = lambda output, target: shapes.append((output.shape, target.shape)) or 0.0
    fit(tensor_model(), loss=loss, metrics={"m": measured}, epochs=1, batch_size=60)
    assert shapes == [((60, 1), (60, 1))] * 2


def test_several_classes_learn_from_class_numbers():
    X, y = data.make_blobs(90, centers=3, seed=0)
    arrays = nn.Sequential(nn.Linear(2, 3, seed=0))
    values = nn.MLP.from_sequential(arrays)
    a, b = (fit(m, (X, y), loss="cross_entropy", metrics=["accuracy"], epochs=12) for m in (arrays, values))
    np.testing.assert_allclose(a.steps, b.steps, rtol=1e-9)
    assert a["accuracy"] == b["accuracy"]
    assert a["accuracy"][-1] > 0.8


@pytest.mark.parametrize("how", ["loader", "list of batches"])
def test_batches_of_ones_own(how):
    X, y = moons()
    loader = data.DataLoader(X, y, batch_size=20, seed=0)
    batches = loader if how == "loader" else list(data.DataLoader(X, y, batch_size=20, seed=0))
    history = fit(tensor_model(), batches, metrics="accuracy", validation=[(X[:5], y[:5]), (X[5:], y[5:])], epochs=1)
    assert history.steps == fit(tensor_model(), batch_size=20, epochs=1).steps
    assert history["val_accuracy"] == history["accuracy"]


@BOTH
def test_the_same_seed_gives_the_same_bits(make):
    runs = []
    for seed in (3, 3, 4):
        model = make()
        history = fit(model, seed=seed, validation=0.2, metrics="accuracy", optimizer="adam")
        runs.append((json.dumps(history.to_dict()), numbers(model)))
    assert runs[0][0] == runs[1][0] != runs[2][0]
    assert same(runs[0][1], runs[1][1])


def test_without_a_seed_pythons_random_decides():
    import random

    runs = []
    for seed in (1, 1, 2):
        random.seed(seed)
        runs.append(fit(tensor_model(), seed=None, validation=0.2).to_dict())
    assert runs[0] == runs[1] != runs[2]
    model, state = tensor_model(), random.getstate()
    fit(model, seed=1, validation=0.2)
    assert random.getstate() == state


def test_every_loss_and_optimiser_that_has_a_name_trains():
    from micrograd_plus.training import choices

    X, y = data.make_moons(20, seed=0)
    for name in choices.LOSSES:
        targets = 2 * y - 1 if name == "hinge" else y
        ends = {"bce": [nn.Sigmoid()], "nll": [nn.LogSoftmax()]}.get(name, [])
        wide = 2 if name in ("nll", "cross_entropy") else 1
        model = nn.Sequential(nn.Linear(2, wide, seed=0), *ends)
        history = fit(model, (X, targets), loss=name, metrics="accuracy", epochs=30)
        assert history["loss"][-1] < history["loss"][0], name
        assert history["accuracy"][-1] >= 0.75, name
    for name in choices.OPTIMIZERS:
        assert len(set(fit(tensor_model(), optimizer=name).steps)) == 6, name


# ---- accuracy ----


@pytest.mark.parametrize(
    ("output", "target", "boundary", "share"),
    [
        ([[0.1, 0.9], [0.8, 0.2], [0.6, 0.4]], [1, 0, 1], 0.0, 2 / 3),
        ([[0.1, 0.9], [0.8, 0.2]], [[0.0, 1.0], [0.0, 1.0]], 0.0, 1 / 2),
        ([[2.0], [-1.0], [3.0], [0.1]], [1, 0, 0, 1], 0.0, 3 / 4),
        ([2.0, -1.0, 3.0], [[1], [-1], [-1]], 0.0, 2 / 3),
        ([0.3, 0.7], [0, 1], 0.5, 1.0),
        ([0.3, 0.7], [0, 1], None, 1.0),
        ([0.3, -0.7], [1, -1], None, 1.0),
        ([[[0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]], [[1, 0], [1, 0]], 0.0, 3 / 4),
    ],
)
def test_accuracy(output, target, boundary, share):
    assert training.accuracy(output, target, boundary) == pytest.approx(share)
    assert training.accuracy(np.array(output), np.array(target), boundary) == pytest.approx(share)


def test_accuracy_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="0 and 1, or -1 and 1, got 7"):
        training.accuracy([0.1], [7])
    with pytest.raises(ValueError, match="2 outputs, 1 labels"):
        training.accuracy([0.1, 0.2], [1])


# ---- history ----


def test_a_history_is_rows_steps_and_why_it_stopped():
    history = fit(tensor_model(), validation=0.2, metrics={"mean": lambda o, t: o.mean()}, epochs=3)
    assert history.names == ["epoch", "loss", "mean", "val_loss", "val_mean", "lr"]
    assert history["epoch"] == [1, 2, 3]
    assert len(history) == len(history.seconds) == 3
    assert history.stopped is None
    assert json.loads(json.dumps(history.to_dict())) == history.to_dict()
    assert "seconds" not in history.to_dict()
    assert all(type(number) in (int, float) for row in history.rows for number in row.values())
    frame = pytest.importorskip("pandas").DataFrame(history.rows)
    assert list(frame.columns) == history.names
    assert frame["val_loss"].tolist() == history["val_loss"]
    with pytest.raises(KeyError, match=r"no column 'los'.*val_mean"):
        history["los"]


def test_the_best_row():
    rows = [{"epoch": i, "val_loss": v, "accuracy": v} for i, v in enumerate([math.nan, 3.0, 1.0, 2.0], start=1)]
    history = History(rows)
    assert history.best()["epoch"] == 3
    assert history.best("accuracy")["epoch"] == 2
    assert history.best("accuracy", mode="min")["epoch"] == 3
    with pytest.raises(ValueError, match="mode must be"):
        history.best(mode="low")
    with pytest.raises(ValueError, match="none is the best"):
        History().best("loss")


def test_a_history_shows_as_a_short_table():
    history = History([{"epoch": i, "loss": 1 / i} for i in range(1, 101)], stopped="enough")
    lines = repr(history).splitlines()
    assert lines[:3] == ["epoch     loss", "    1        1", "    2      0.5"]
    assert lines[6].split() == ["…", "…"]
    assert lines[-2:] == ["  100     0.01", "enough"]
    assert len(lines) == 13
    assert repr(History()) == "History of no epoch"


# ---- callbacks ----


def test_hooks_come_in_order():
    hooks = [name for name in vars(Callback) if name.startswith(("on_", "after_"))]
    told = []
    spy = type(
        "Spy", (Callback,), {h: lambda self, state, h=h: told.append((h, state.epoch, state.step)) for h in hooks}
    )
    fit(tensor_model(), callbacks=[spy()], epochs=2, batch_size=30)
    epoch = lambda e: [
        ("on_epoch_begin", e, 2 * e - 2),
        *[(hook, e, step) for step in (2 * e - 1, 2 * e) for hook in ("after_backward", "on_batch_end")],
        ("on_epoch_end", e, 2 * e),
    ]
    assert told == [("on_train_begin", 0, 0), *epoch(1), *epoch(2), ("on_train_end", 2, 4)]
    assert len(hooks) == 6


def test_a_plain_function_is_called_after_each_epoch_and_may_stop():
    rows = []

    def look(state):
        rows.append(state.history.rows[-1])
        if state.epoch == 2:
            state.stop("seen enough")

    history = fit(tensor_model(), callbacks=[look], epochs=9)
    assert rows == history.rows
    assert len(history) == 2
    assert history.stopped == "seen enough"


def test_clipping_after_backward_reaches_the_optimiser_and_the_recorder():
    class Clip(Callback):
        def after_backward(self, state):
            optim.clip_grad_norm_(state.model.parameters(), 1e-3)

    recorder = Recorder()
    fit(tensor_model(), callbacks=[recorder, Clip()], epochs=1, batch_size=60)
    assert math.hypot(*(row["gradient_norm"] for row in recorder.rows)) == pytest.approx(1e-3, rel=1e-2)
    assert math.hypot(*(row["update_norm"] for row in recorder.rows)) == pytest.approx(1e-4, rel=1e-2)


def steer(values):
    """A metric that goes through these values, and the weights after each epoch."""
    values, kept = iter(values), []
    return {"score": lambda output, target: next(values)}, kept, lambda state: kept.append(numbers(state.model))


@BOTH
def test_early_stopping_restores_the_best_weights(make):
    metrics, kept, keep = steer([5.0, 3.0, 4.0, 3.5, 1.0])
    model = make()
    stopping = EarlyStopping("score", patience=2)
    history = fit(model, metrics=metrics, callbacks=[keep, stopping], epochs=9)
    assert history.stopped == "early stopping after epoch 4: score was best in epoch 2"
    assert stopping.best == 3.0
    assert same(numbers(model), kept[1])
    assert not same(kept[1], kept[3])


@pytest.mark.parametrize(
    ("values", "options", "epochs"),
    [
        ([1.0, 2.0, 3.0, 3.0, 3.0], {"mode": "max", "patience": 2}, 5),
        ([3.0, 2.9, 2.8, 2.7], {"min_delta": 0.5, "patience": 3}, 4),
        ([math.nan, 3.0, math.nan, math.nan], {"patience": 2}, 4),
        ([math.nan, math.nan], {"patience": 2}, 2),
    ],
)
def test_early_stopping_options(values, options, epochs):
    metrics, _, _ = steer([*values, 0.0, 0.0])
    history = fit(tensor_model(), metrics=metrics, callbacks=[EarlyStopping("score", **options)], epochs=8)
    assert len(history) == epochs


def test_early_stopping_that_never_stops_still_ends_at_the_best():
    metrics, kept, keep = steer([1.0, 2.0, 3.0])
    model = tensor_model()
    history = fit(model, metrics=metrics, callbacks=[EarlyStopping("score"), keep])
    assert history.stopped is None
    assert same(numbers(model), kept[0])


@BOTH
def test_checkpoints_keep_the_last_and_the_best(make, tmp_path):
    metrics, kept, keep = steer([2.0, 1.0, 3.0])
    last, best = Checkpoint(tmp_path / "runs"), Checkpoint(tmp_path / "runs", monitor="score")
    fit(make(), metrics=metrics, callbacks=[keep, last, best])
    assert sorted(os.listdir(tmp_path / "runs")) == ["best.safetensors", "last.safetensors"]
    for checkpoint, wanted in ((last, kept[2]), (best, kept[1])):
        training.load(checkpoint.path, fresh := make())
        assert same(numbers(fresh), wanted)


def test_schedules_set_the_rates_that_are_used():
    for every, rates in (("epoch", [1.0] * 2 + [0.5] * 2 + [0.25] * 2), ("step", [0.5**i for i in range(6)])):
        model = tensor_model()
        optimizer = optim.SGD(model.parameters(), lr=1.0)
        recorder, schedule = Recorder(), Schedule(optim.ExponentialLR(optimizer, gamma=0.5), every)
        fit(model, optimizer=optimizer, batch_size=30, callbacks=[schedule, recorder])
        for name in recorder.parameters:
            gradients, updates = (recorder.series(name, f"{q}_norm") for q in ("gradient", "update"))
            np.testing.assert_allclose(np.divide(updates, gradients), rates, rtol=1e-9)


@pytest.mark.parametrize("monitor", [None, "val_loss", "loss"])
def test_reduce_on_plateau_is_told_the_loss(monitor):
    told = []

    class Ear(optim.ReduceLROnPlateau):
        def step(self, metrics):
            told.append(metrics)
            super().step(metrics)

    model = tensor_model()
    optimizer = optim.SGD(model.parameters(), lr=1e-12)
    schedule = Schedule(Ear(optimizer, factor=0.5, patience=1, eps=0.0), monitor=monitor)
    history = fit(model, optimizer=optimizer, validation=0.2, callbacks=[schedule], epochs=5)
    assert told == history[monitor or "val_loss"]
    assert history["lr"] == ([1e-12] * 3 + [5e-13] * 2 if monitor != "loss" else history["lr"])


def test_the_recorders_numbers_by_hand():
    X, y = moons()
    recorder = Recorder(every=2, keep="arrays")
    fit(tensor_model(), (X, y), callbacks=[recorder], batch_size=30, epochs=2)
    model, loader = tensor_model(), data.DataLoader(X, y.reshape(-1, 1), batch_size=30, seed=0)
    step = 0
    for _ in range(2):
        for x, t in loader:
            step += 1
            model.zero_grad()
            nn.hinge_loss(model(x), t).backward()
            for name, p in model.named_parameters():
                weight, gradient = p.data.copy(), p.grad.copy()
                p.data -= 0.1 * gradient
                if step % 2:
                    continue
                row = next(r for r in recorder.rows if (r["step"], r["parameter"]) == (step, name))
                kept = recorder.arrays[step][name]
                for quantity, array in (("weight", weight), ("gradient", gradient), ("update", p.data - weight)):
                    np.testing.assert_array_equal(kept[quantity], array)
                    assert row[f"{quantity}_mean"] == pytest.approx(array.mean(), abs=1e-15)
                    assert row[f"{quantity}_std"] == pytest.approx(array.std(), abs=1e-15)
                    assert row[f"{quantity}_norm"] == pytest.approx(np.linalg.norm(array))
                assert row["ratio"] == pytest.approx(
                    0.1 * np.linalg.norm(gradient) / np.linalg.norm(weight), nan_ok=True
                )
    assert recorder.steps == [2, 4]
    assert recorder.parameters == [name for name, _ in model.named_parameters()]
    assert [row["epoch"] for row in recorder.rows][:: len(recorder.parameters)] == [1, 2]


def test_the_recorder_on_single_numbers():
    recorder = Recorder(keep="arrays")
    model = nn.MLP(1, [1], seed=0)
    w = model.layers[0].neurons[0].w[0].data
    fit(model, ([[1.0]], [2.0]), loss="mse", epochs=1, callbacks=[recorder])
    gradient = 2 * (w - 2.0)
    row = recorder.rows[0]
    assert row["weight_mean"] == w
    assert (row["gradient_mean"], row["gradient_std"]) == (pytest.approx(gradient), 0.0)
    assert row["update_norm"] == pytest.approx(abs(0.1 * gradient))
    assert row["ratio"] == pytest.approx(abs(0.1 * gradient / w))
    assert math.isnan(recorder.rows[1]["ratio"])  # the bias starts at 0
    assert recorder.arrays[1]["layers.0.neurons.0.w.0"]["weight"] == w
    with pytest.raises(KeyError, match="no 'grad'"):
        recorder.series("layers.0.neurons.0.w.0", "grad")


# ---- what ends it ----


class Press(Callback):
    """Ctrl-C at a chosen hook of a chosen step."""

    def __init__(self, hook, step):
        setattr(self, hook, lambda state: self.press(state.step == step))

    def press(self, now):
        if now:
            raise KeyboardInterrupt


@BOTH
@pytest.mark.parametrize(("hook", "steps"), [("after_backward", 3), ("on_batch_end", 4)])
def test_ctrl_c_keeps_the_last_whole_step(make, hook, steps, capsys):
    model, kept = make(), {}
    keep = type("Keep", (Callback,), {"on_batch_end": lambda self, s: kept.update({s.step: numbers(s.model)})})()
    stopping = EarlyStopping("loss")
    callbacks = [keep, stopping, Press(hook, 4)]
    history = fit(model, batch_size=20, epochs=9, callbacks=callbacks, progress=True)
    assert history.stopped == "interrupted by Ctrl-C in epoch 2"
    assert len(history.steps) == steps
    assert len(history) == 1
    assert same(numbers(model), kept[steps])
    assert model.training
    assert capsys.readouterr().out.splitlines()[-1] == history.stopped


def test_ctrl_c_during_the_optimisers_step_waits_for_its_end():
    class Slow(optim.SGD):
        def update(self, p, g, state, group):
            if self.pressed == 2:
                signal.raise_signal(signal.SIGINT)
            self.pressed += 1
            super().update(p, g, state, group)

    model = tensor_model()
    optimizer = Slow(model.parameters(), lr=0.1)
    optimizer.pressed = 0
    before = signal.getsignal(signal.SIGINT)
    history = fit(model, optimizer=optimizer, epochs=5, batch_size=60)
    assert history.stopped == "interrupted by Ctrl-C in epoch 1"
    assert len(history.steps) == 1
    assert optimizer.pressed == len(model.parameters())
    assert signal.getsignal(signal.SIGINT) is before
    whole = tensor_model()
    fit(whole, epochs=1, batch_size=60)
    assert same(numbers(model), numbers(whole))


@pytest.mark.parametrize("other", [-1, 1])
def test_signals_are_the_main_threads(other, monkeypatch):
    """Elsewhere nothing is held back: Python lets no other thread change what a signal does."""
    before, main = signal.getsignal(signal.SIGINT), threading.get_ident()
    with uninterrupted():
        assert signal.getsignal(signal.SIGINT) is not before
    monkeypatch.setattr(threading, "get_ident", lambda: main + other)
    with uninterrupted():
        assert signal.getsignal(signal.SIGINT) is before


def run(code, **options):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=True, **options
    )


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT can't be sent to one process")
def test_a_real_ctrl_c():
    code = """
    from micrograd_plus import data, nn, training
    model = nn.MLP(2, [8, 1], seed=0)
    print("ready", flush=True)
    history = training.fit(model, data.xor(), loss="mse", optimizer="sgd", epochs=10**7, seed=0)
    epoch = int(history.stopped.removeprefix("interrupted by Ctrl-C in epoch "))
    print(len(history.steps) > 10, epoch - len(history) in (0, 1), len(history.seconds) == len(history))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert re.fullmatch(r"(epoch .*\n)?interrupted by Ctrl-C in epoch \d+\nTrue True True\n", out), out
    assert err == ""
    assert process.returncode == 0


@BOTH
def test_a_loss_that_explodes_stops_before_the_bad_step(make):
    model, kept = make(), {}
    keep = type("Keep", (Callback,), {"on_batch_end": lambda self, s: kept.update({s.step: numbers(s.model)})})()
    ended = []
    end = type("End", (Callback,), {"on_train_end": lambda self, s: ended.append(s.history.stopped)})()
    optimizer = optim.SGD(model.parameters(), lr=1e60)
    with pytest.raises(FloatingPointError) as caught:
        fit(model, loss="mse", optimizer=optimizer, epochs=50, callbacks=[keep, end])
    history = caught.value.history
    last = len(history.steps)
    assert last >= 1
    assert same(numbers(model), kept[last])
    assert ended == [history.stopped]
    assert history.stopped.startswith("the loss became ")
    assert history.stopped.endswith(f"in epoch {(last + 2) // 2}, step {last + 1}")
    text = str(caught.value)
    assert text.startswith(history.stopped)
    assert f"the losses before: {', '.join(f'{loss:.4g}' for loss in history.steps[-3:])}." in text
    assert "learning rate (it is 1e+60)" in text
    for advice in ("clip the gradients", "logits"):
        assert advice in text


@BOTH
@pytest.mark.parametrize("where", ["X", "y"])
def test_nan_in_the_data_is_named(make, where):
    X, y = moons()
    X, y = X.copy(), y.astype(float)
    (X if where == "X" else y)[5] = math.nan
    n = 2 if where == "X" else 1
    model = make()
    before = numbers(model)
    with pytest.raises(FloatingPointError, match=rf"epoch 1, step 1; .* \({n} in {where}\): clean the data"):
        fit(model, (X, y), loss="mse", batch_size=60)
    assert same(numbers(model), before)


def test_a_gradient_that_is_not_finite_never_reaches_the_weights():
    model = nn.Sequential(nn.Linear(2, 1, seed=0))
    model[0].weight.data[:] = 0.0
    model[0].bias.data[:] = 0.0
    before = numbers(model)
    with pytest.raises(FloatingPointError, match=r"the gradient of 0\.weight became nan in epoch 1, step 1"):
        fit(model, loss=lambda output, target: (output * output).sqrt().mean())
    assert same(numbers(model), before)


def test_another_error_passes_through_and_tells_the_callbacks():
    ended = []
    end = type("End", (Callback,), {"on_train_end": lambda self, s: ended.append(s.history.stopped)})()
    model = tensor_model()
    metrics, _, _ = steer([1.0, 2.0])
    steps = []

    def fail_at_last(state):
        steps.append(numbers(state.model))
        if state.epoch == 2:
            raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        fit(model, metrics=metrics, callbacks=[EarlyStopping("score"), fail_at_last, end])
    assert ended == ["RuntimeError: no more"]
    assert same(numbers(model), steps[1])  # nothing is restored after an error


def test_patience_is_no_column():
    with pytest.raises(TypeError, match="monitor must be a column of the history, such as 'val_loss'; got int 5"):
        EarlyStopping(5)


class Unsure:
    """A loader whose len is wrong, as of games that aren't played yet; or an error, as of PyTorch's streams."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        if self.length is None:
            raise TypeError("of unknown length")
        return self.length

    def __iter__(self):
        yield from [moons(12)] * 2


@pytest.mark.parametrize("length", [0, 1, None])
def test_a_loader_that_does_not_know_its_length(length):
    shares = []

    class Look(Callback):
        def on_batch_end(self, state):
            shares.append(state.share)

    fit(tensor_model(), Unsure(length), epochs=2, callbacks=[Look()])
    assert len(shares) == 4
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


# ---- bad input ----

X, Y = moons(12)
OTHER = scalar_model()


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"pair": (X, Y[:-1])}, ValueError, "12 in X and 11 in y"),
        ({"pair": (X[:0], Y[:0])}, ValueError, "X is empty"),
        ({"pair": [X, Y]}, TypeError, r"a whole data set is a tuple \(X, y\)"),
        ({"pair": X}, TypeError, "data must be a pair"),
        ({"pair": []}, ValueError, "data gave no batch"),
        ({"pair": [(X, Y[:-1])]}, ValueError, "12 samples and 11 targets"),
        ({"pair": list(zip(X, Y, strict=True))}, TypeError, r"one entry each a sample.* and give the tuple \(X, y\)"),
        ({"pair": iter([(X, Y)])}, TypeError, "used up after one epoch: give a DataLoader"),
        ({"pair": ([[1.0], [1.0, 2.0]], [1, -1])}, ValueError, "X: the samples of a batch have different lengths"),
        ({"pair": (X.astype(str), Y)}, TypeError, "X must hold numbers, got dtype <U"),
        ({"pair": (X[:, :1], Y)}, ValueError, r"shape \(12, 1\).*weight of shape \(8, 2\)"),
        ({"loss": "cross_entropy", "pair": (X, Y + 0.5)}, ValueError, "class indices must be whole numbers"),
        ({"loss": "cross_entropy", "pair": (X, (Y + 1) / 2)}, ValueError, "with 1 classes the labels go from 0 to 0"),
        ({"pair": (X, (Y + 1) // 2)}, ValueError, r"targets of -1 and 1; .* 2 \* y - 1"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1, got int 0"),
        ({"epochs": -1}, ValueError, "epochs must be at least 1, got int -1"),
        ({"epochs": "10"}, TypeError, "epochs must be a whole number, got str '10'; try epochs=10"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"seed": "0"}, TypeError, "seed must be a whole number or None"),
        ({"loss": None}, ValueError, "needs a loss: choose one of 'mse', .*'cross_entropy'.* or give a function"),
        ({"loss": "mes"}, ValueError, "no loss 'mes': choose one of 'mse'"),
        ({"loss": nn.MSELoss}, TypeError, r"loss=MSELoss\(\)"),
        ({"loss": lambda o, t: 1.0}, TypeError, "must be a Value or a Tensor"),
        ({"loss": lambda o, t: o}, ValueError, r"must be one number, got shape \(12, 1\): take its .mean"),
        ({"optimizer": None}, ValueError, "needs an optimizer: choose one of 'sgd'"),
        ({"optimizer": "sdg"}, ValueError, "no optimizer 'sdg'"),
        ({"optimizer": 3}, TypeError, "no optimizer 3"),
        ({"optimizer": optim.SGD}, TypeError, r"optimizer=SGD\(model.parameters\(\), lr=0.1\)"),
        ({"optimizer": optim.Adam(OTHER.parameters())}, ValueError, "changes none of this model's parameters"),
        ({"validation": 1.5}, ValueError, "a share of the data between 0 and 1, got float 1.5"),
        ({"validation": "half"}, TypeError, "validation must be a pair"),
        ({"validation": 0.2, "pair": [(X, Y)]}, ValueError, r"a pair \(X, y\) only"),
        ({"metrics": "acuracy"}, ValueError, "no metric 'acuracy': choose one of 'accuracy'"),
        ({"metrics": {"loss": max}}, ValueError, "can't be called 'loss'"),
        ({"metrics": {"n": 3}}, TypeError, "no metric 3"),
        ({"penalty": 1e-4}, TypeError, "penalty must be a function"),
        ({"callbacks": EarlyStopping()}, TypeError, "callbacks must be a list"),
        ({"callbacks": None}, TypeError, "callbacks must be a list, as in .*; got NoneType None"),
        ({"callbacks": [EarlyStopping]}, TypeError, r"make one of it: EarlyStopping\("),
        ({"callbacks": [3]}, TypeError, "a callback is a Callback"),
        (
            {"callbacks": [EarlyStopping()]},
            ValueError,
            "watches 'val_loss', but .* only epoch, loss, lr: give fit valid",
        ),
        ({"progress": "no"}, TypeError, "progress must be True, False or a function"),
    ],
)
def test_bad_input_is_refused_in_plain_words(change, kind, message):
    options = {"pair": (X, Y)} | change
    with pytest.raises(kind, match=message):
        fit(tensor_model(), options.pop("pair"), **options)


@pytest.mark.parametrize(
    ("model", "kind", "message"),
    [
        (nn.MLP, TypeError, r"model is the class MLP: make one of it first, model = MLP\("),
        (len, TypeError, "must be an nn.Module"),
        (nn.Sequential(nn.ReLU()), ValueError, "Sequential has no parameters"),
        (nn.MLP(2, [1]).requires_grad_(False), ValueError, "frozen"),
        (nn.MLP(3, [1]), ValueError, "has 3 weights, so it expects 3 inputs, got 2"),
    ],
)
def test_models_that_cannot_be_trained(model, kind, message):
    with pytest.raises(kind, match=message):
        fit(model)


def test_settings_of_callbacks_are_checked():
    optimizer = optim.SGD(tensor_model().parameters(), lr=0.1)
    for make, kind, message in [
        (lambda: EarlyStopping(patience=0), ValueError, "patience must be at least 1"),
        (lambda: EarlyStopping(min_delta=-1), ValueError, "min_delta must be"),
        (lambda: EarlyStopping(mode="low"), ValueError, "mode must be 'min'"),
        (lambda: Schedule(3), TypeError, r"Schedule\(optim.StepLR\(optimizer, 10\)\)"),
        (lambda: Schedule(optim.StepLR), TypeError, "needs a schedule"),
        (lambda: Schedule(optim.StepLR(optimizer, 3), every="batch"), ValueError, "'epoch' or 'step', got 'batch'"),
        (lambda: Schedule(optim.ReduceLROnPlateau(optimizer), "step"), ValueError, "a whole epoch"),
        (lambda: Recorder(every=0), ValueError, "every must be at least 1"),
        (lambda: Recorder(keep="all"), ValueError, "'statistics' or 'arrays'"),
    ]:
        with pytest.raises(kind, match=message):
            make()
    with pytest.raises(ValueError, match="belongs to another optimiser"):
        fit(tensor_model(), callbacks=[Schedule(optim.StepLR(optimizer, 3))])


# ---- progress ----

TRAIN = """
from micrograd_plus import data, nn, training
model = nn.MLP(2, [4, 1], activation="tanh", seed=1)
history = training.fit(model, data.xor(), loss="mse", optimizer="sgd", epochs={epochs}, seed=0,
                       validation=data.xor(), metrics="accuracy", {more})
"""
LINE = r"epoch {}  [\d.]+ s  loss [\d.e-]+  accuracy [\d.]+  val_loss [\d.e-]+  val_accuracy [\d.]+  lr 0\.1"


@pytest.mark.parametrize(("epochs", "lines"), [(1, 1), (3, 3), (10, 10), (57, 10), (400, 10)])
def test_a_pipe_gets_about_ten_lines(epochs, lines, capsys):
    fit(tensor_model(), epochs=epochs, progress=True)
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == lines
    assert said.out.splitlines()[-1].startswith(f"epoch {epochs}/{epochs}  ")
    assert said.err == ""


def test_a_pipe_is_told_why_it_stopped():
    more = "callbacks=[training.EarlyStopping('loss', patience=3, min_delta=9)]"
    result = run(TRAIN.format(epochs=1000, more=more))
    first, second = result.stdout.splitlines()
    assert re.fullmatch(LINE.format("4/1000"), first)
    assert second == "early stopping after epoch 4: loss was best in epoch 1"
    assert result.stderr == ""


def test_silence_and_a_function(capsys):
    said = []
    fit(
        tensor_model(),
        epochs=4,
        progress=said.append,
        callbacks=[lambda state: state.epoch == 3 and state.stop("done")],
    )
    fit(tensor_model(), epochs=2, progress=False)
    assert capsys.readouterr() == ("", "")
    assert [line.split("  ")[0] for line in said] == ["epoch 1/4", "epoch 2/4", "epoch 3/4", "done"]


def test_a_terminal_gets_a_bar_that_stays():
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", TRAIN.format(epochs=300, more="")],
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "COLUMNS": "150"},
    )
    os.close(theirs)
    text = b""
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:  # what Linux says at the end
            break
        if not more:
            break
        text += more
    os.close(ours)
    assert process.wait(timeout=30) == 0
    drawn = text.decode().strip().split("\r")
    last = drawn[-1].strip()
    assert last.startswith("100%|████")
    assert re.search(LINE.format("300/300") + "$", last), last
    assert "left" in drawn[1]
    assert len(drawn) < 60
    assert "\n" not in text.decode().strip()


def test_a_notebook_keeps_one_clean_line():
    for package in ("nbformat", "nbclient", "ipykernel"):
        pytest.importorskip(package)
    cells = [
        TRAIN.format(epochs=300, more=more) for more in ("", "callbacks=[lambda s: s.epoch > 4 and s.stop('enough')]")
    ]
    code = f"""
    import json, sys, nbclient, nbformat
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in {cells!r}])
    manager = nbclient.client.KernelManager(kernel_name="python3")
    manager.kernel_spec.argv[0] = sys.executable
    nbclient.NotebookClient(notebook, km=manager, timeout=60).execute()
    print(json.dumps([cell.outputs for cell in notebook.cells]))
    """
    outputs = json.loads(run(code).stdout)
    for shown, epoch, stopped in zip(outputs, (300, 5), ([], ["enough"]), strict=True):
        assert [output["output_type"] for output in shown] == ["display_data"]
        line, *rest = shown[0]["data"]["text/plain"].splitlines()
        assert re.fullmatch(LINE.format(f"{epoch}/300"), line)
        assert rest == stopped


def test_a_notebooks_line_is_updated_at_most_four_times_a_second(monkeypatch):
    shows = []

    class Handle:
        def update(self, text, raw):
            shows.append(text)

    def display(text, raw, display_id):
        shows.append(text)
        return Handle()

    shell = type("Shell", (type("ZMQInteractiveShell", (), {}),), {})()  # as in Colab, a kind of it
    ipython = type(sys)("IPython")
    ipython.get_ipython, ipython.display = lambda: shell, type(sys)("IPython.display")
    ipython.display.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    began = time.perf_counter()
    fit(tensor_model(), epochs=1000, progress=True)
    assert 2 <= len(shows) <= 3 + 4 * (time.perf_counter() - began)
    assert shows[-1]["text/plain"].startswith("epoch 1000/1000  ")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (310, "5 min 10 s"), (3599.9, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


# ---- where little is installed ----


def test_scalars_train_without_numpy_tqdm_pandas_and_ipython(tmp_path):
    code = f"""
    import sys
    for name in ("numpy", "tqdm", "pandas", "IPython"):
        sys.modules[name] = None
    from micrograd_plus import nn, optim, data, training
    X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [-1, 1, 1, -1]
    model = nn.MLP(2, [4, 1], activation="tanh", seed=1)
    optimizer = optim.SGD(model.parameters(), lr=0.2)
    recorder = training.Recorder(every=100)
    callbacks = [training.EarlyStopping("loss", patience=300), training.Checkpoint({str(tmp_path)!r}), recorder,
                 training.Schedule(optim.StepLR(optimizer, 1000))]
    history = training.fit(model, (X, y), loss="hinge", optimizer=optimizer, epochs=300, batch_size=2, seed=0,
                           validation=(X, y), metrics="accuracy", callbacks=callbacks)
    print(history["val_accuracy"][-1], history["loss"][-1] < 0.1, len(recorder.steps))
    """
    assert run(code).stdout.splitlines()[-1] == "1.0 True 6"
    assert os.listdir(tmp_path) == ["last.safetensors"]


def test_importing_training_loads_nothing_heavy():
    code = """
    import sys
    from micrograd_plus import nn, training
    model = nn.MLP(2, [1], seed=0)
    training.fit(model, ([[0.0, 1.0]], [1.0]), loss="mse", optimizer="sgd", epochs=1, progress=False)
    print([name for name in ("numpy", "tqdm", "pandas", "IPython", "matplotlib") if name in sys.modules])
    """
    assert run(code).stdout == "[]\n"


# ---- Python's cyclic garbage collector ----


@pytest.fixture
def collector():
    """The gc module, found on, and left on."""
    gc.enable()
    yield gc
    gc.enable()


class CollectorSeen(Callback):
    """Whether the collector is on, at each hook."""

    def __init__(self):
        self.inside, self.between = [], []

    def after_backward(self, state):
        self.inside.append(gc.isenabled())

    def on_train_begin(self, state):
        self.between.append(gc.isenabled())

    on_epoch_begin = on_batch_end = on_epoch_end = on_train_end = on_train_begin


@BOTH
def test_the_collector_rests_during_a_step_and_only_then(make, collector):
    seen = CollectorSeen()

    def loss(output, target):
        seen.inside.append(gc.isenabled())
        return nn.hinge_loss(output, target)

    fit(make(), loss=loss, callbacks=[seen], epochs=2, batch_size=30)
    assert seen.inside == [False] * 8
    assert seen.between == [True] * 10
    assert gc.isenabled()


@pytest.mark.parametrize("error", [ValueError("the loss failed"), KeyboardInterrupt(), None])
@pytest.mark.parametrize("was_on", [True, False])
def test_after_an_error_the_collector_is_as_it_was(error, was_on, collector):
    def loss(output, target):
        if error is None:
            return nn.hinge_loss(output, target) * math.nan
        raise error

    if not was_on:
        gc.disable()
    with suppress(ValueError, FloatingPointError):
        fit(tensor_model(), loss=loss)
    assert gc.isenabled() is was_on


def test_a_collector_that_is_switched_off_stays_off(collector):
    gc.disable()
    seen = CollectorSeen()
    fit(tensor_model(), callbacks=[seen])
    assert not any(seen.inside + seen.between)
    assert not gc.isenabled()


@BOTH
def test_garbage_in_cycles_does_not_pile_up(make, collector):
    alive, most = weakref.WeakSet(), [0]

    class Knot:
        def __init__(self):
            self.itself = [[self] for _ in range(20)]

    def loss(output, target):
        alive.add(Knot())  # dead at once, but for its cycles
        most[0] = max(most[0], len(alive))
        return nn.hinge_loss(output, target)

    fit(make(), (np.eye(2), np.array([-1, 1])), loss=loss, batch_size=1, epochs=400)
    assert most[0] < 300  # of 800


# ---- compiled ----


@BOTH
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_compiled_fit_trains_as_any_other(make, optimizer):
    options = {"optimizer": optimizer, "batch_size": 20, "epochs": 6, "validation": 0.2, "metrics": "accuracy"}
    options["penalty"] = lambda model: 1e-4 * nn.l2_penalty(model)
    models = make(), make()
    histories = [fit(model, compile=i == 1, **options) for i, model in enumerate(models)]
    np.testing.assert_allclose(histories[1].steps, histories[0].steps, rtol=1e-10)
    assert histories[1]["val_accuracy"] == histories[0]["val_accuracy"]
    for a, b in zip(*(numbers(model).values() for model in models), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_a_compiled_fit_drops_out_as_any_other():
    found = []
    for compiled in (False, True):
        micrograd_plus.seed(3)
        model = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5), nn.ReLU(), nn.Linear(8, 1))
        found.append(fit(model, compile=compiled, epochs=5, batch_size=16).steps)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-10)


def test_a_compiled_fit_says_what_it_can_not_follow():
    with pytest.raises(FrozenNumberError, match=r"\.data of a Value inside the compiled function loss"):
        fit(scalar_model(), loss=lambda out, y: out[0] * out[1].data, compile=True)
    with pytest.raises(TypeError, match="compile is True or False"):
        fit(scalar_model(), compile="numba")
