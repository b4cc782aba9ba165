"""The capstones on speech: spoken digits (lesson 22) and speakers (lesson 23), without their full training."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from micrograd_plus import nn, no_grad
from micrograd_plus.capstones import speakers, spoken_digits
from micrograd_plus.capstones.speakers import LastState, means, shuffled
from micrograd_plus.capstones.spoken_digits import (
    PooledConv,
    is_real,
    mean_and_deviation,
    scores_of,
    share_right,
    standardised,
)

SOURCES = Path(__file__).parent.parent / "notebooks" / "src"
MODELS = {"conv": lambda: PooledConv(5, 8, 3), "gru": lambda: LastState(5, 8, 3)}


@pytest.fixture
def batch():
    """Four recordings of 9, 5, 1 and 7 frames, padded to 9 with zeros."""
    lengths = np.array([9, 5, 1, 7])
    x = np.random.default_rng(0).normal(size=(4, 9, 5)).astype(np.float32)
    return x * is_real(lengths, 9)[..., None], lengths


# -- the notebooks show what the library runs ------------------------------------------------------------------


@pytest.mark.parametrize(("cls", "lesson"), [(PooledConv, "22"), (LastState, "23")])
def test_the_notebook_shows_the_same_model(cls, lesson):
    (source,) = SOURCES.glob(f"{lesson}_*.py")
    shown = source.read_text(encoding="utf-8").replace("mg.concatenate", "concatenate")
    assert inspect.getsource(cls) in shown


@pytest.mark.parametrize(("cls", "lesson"), [(PooledConv, "22"), (LastState, "23")])
def test_the_lines_for_pytorch_give_the_same_scores(cls, lesson, batch):
    torch = pytest.importorskip("torch")
    (source,) = SOURCES.glob(f"{lesson}_*.py")
    text = source.read_text(encoding="utf-8").partition("## Where this is in PyTorch")[2]
    code = re.search(r"```python\n(.*?)# ```", text, flags=re.S)[1]
    names = {"torch": torch}
    exec(re.sub(r"^# ?", "", code, flags=re.M), names)
    ours, theirs = cls(5, 8, 3), names[cls.__name__](5, 8, 3).eval()
    theirs.load_state_dict({name: torch.tensor(p) for name, p in ours.state_dict().items()})
    with torch.no_grad():
        expected = theirs(*map(torch.tensor, batch)).numpy()
    np.testing.assert_allclose(scores_of(ours, *batch), expected, rtol=1e-4, atol=1e-5)


# -- the models ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_a_recordings_scores_do_not_depend_on_its_padding(make, batch):
    x, lengths = batch
    model = make()
    together = scores_of(model, x, lengths)
    assert together.shape == (4, 3)
    assert together.dtype == np.float32
    for i, length in enumerate(lengths):
        alone = scores_of(model, x[i : i + 1, :length], lengths[i : i + 1])
        np.testing.assert_allclose(alone[0], together[i], rtol=1e-5, atol=1e-6)


def test_the_gru_does_not_read_what_stands_in_the_padding(batch):
    x, lengths = batch
    model = LastState(5, 8, 3)
    dirty = np.where(is_real(lengths, 9)[..., None] == 1, x, 7).astype(np.float32)
    np.testing.assert_array_equal(scores_of(model, dirty, lengths), scores_of(model, x, lengths))


def test_pooling_is_the_mean_and_the_maximum_over_the_real_frames(batch):
    x, lengths = batch
    model = PooledConv(5, 8, 3).eval()
    with no_grad():
        first = model.first(x[1:2, :5].transpose(0, 2, 1)).relu()
        maps = model.second(first).relu().numpy()[0]  # (8, 5)
    pooled = np.concatenate([maps.mean(axis=1), maps.max(axis=1)])
    expected = model.last.weight.numpy() @ pooled + model.last.bias.numpy()
    np.testing.assert_allclose(scores_of(model, x, lengths)[1], expected, rtol=1e-5, atol=1e-6)


def test_the_gru_cares_about_the_order_and_pooled_means_do_not(batch):
    x, lengths = batch
    mixed = shuffled(x, lengths, seed=3)
    np.testing.assert_allclose(means(mixed, lengths), means(x, lengths), rtol=1e-5, atol=1e-6)
    model = LastState(5, 8, 3)
    assert not np.allclose(scores_of(model, mixed, lengths)[0], scores_of(model, x, lengths)[0], atol=1e-4)


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_dropout_is_on_in_training_only(make, batch):
    model = make()
    np.testing.assert_array_equal(scores_of(model, *batch), scores_of(model, *batch))
    with no_grad():
        model.train()
        assert not np.array_equal(model(*batch).numpy(), model(*batch).numpy())


# -- preparing -------------------------------------------------------------------------------------------------


def test_standardised_measures_the_real_frames_of_the_training_part_alone(batch):
    x, lengths = batch
    x = x * 3 + 10 * is_real(lengths, 9)[..., None]
    scaled, other = standardised((x, lengths), (x[:2] + 1, lengths[:2]))
    frames = scaled[is_real(lengths, 9) == 1]
    np.testing.assert_allclose(frames.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(frames.std(axis=0), 1, atol=1e-5)
    assert (scaled[is_real(lengths, 9) == 0] == 0).all()
    assert (other[is_real(lengths[:2], 9) == 0] == 0).all()
    assert (other[0] > scaled[0]).all()  # measured by the training part: not brought to mean 0 of its own
    assert scaled.dtype == other.dtype == np.float32


def test_mean_and_deviation_are_those_of_the_real_frames(batch):
    x, lengths = batch
    found = mean_and_deviation(x, lengths)
    real = x[1, :5]
    np.testing.assert_allclose(found[1], [*real.mean(axis=0), *real.std(axis=0)], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(found[2, 5:], 0)  # a single frame has no deviation


def test_shuffled_keeps_every_real_frame_and_the_padding(batch):
    x, lengths = batch
    before = x.copy()
    mixed = shuffled(x, lengths, seed=1)
    np.testing.assert_array_equal(x, before)
    assert not np.array_equal(mixed, x)
    for a, b, length in zip(mixed, x, lengths, strict=True):
        assert sorted(map(tuple, a[:length])) == sorted(map(tuple, b[:length]))
        assert (a[length:] == 0).all()
    np.testing.assert_array_equal(shuffled(x, lengths, seed=1), mixed)


def test_the_parts_are_as_large_as_promised_and_each_digit_has_its_share():
    X, X_test, n, n_test, y, y_test = spoken_digits.split_recordings()
    assert X.shape == (2400, 32, 13)
    assert X_test.shape == (600, 32, 13)
    assert np.bincount(y_test).tolist() == [60] * 10
    assert np.bincount(y).tolist() == [240] * 10
    assert len(n) == 2400
    assert len(n_test) == 600
    held = {recording.tobytes() for recording in X_test}
    assert not any(recording.tobytes() in held for recording in X)


def test_the_official_split_is_kept_in_its_order():
    X, X_test, n, n_test, y, y_test = speakers.official_split()
    assert X.shape == (270, 29, 12)
    assert X_test.shape == (370, 29, 12)
    assert np.bincount(y).tolist() == [30] * 9
    assert np.bincount(y_test).tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    assert (np.diff(y_test) >= 0).all()
    assert len(n) == 270
    assert len(n_test) == 370


# -- scores, and a little training -----------------------------------------------------------------------------


def test_share_right_counts_the_highest_score():
    class Given(nn.Module):
        def forward(self, x, lengths):
            return nn.functional.softmax(x, dim=1)

    x = np.array([[3.0, 1, 2], [0, 1, 2], [5, 6, 1], [1, 0, 0]])
    assert share_right(Given(), x, np.ones(4), np.array([0, 1, 1, 2])) == 0.5


def test_a_little_training_already_beats_guessing_by_far():
    run = spoken_digits.train(seed=0, epochs=1, progress=False)
    assert run.scores[spoken_digits.TARGET.what] > 0.7
    assert run.scores["logistic on mean and deviation"] > 0.9
    assert len(run.history["loss"]) == 1


@pytest.mark.parametrize(("kind", "enough"), [("conv", 0.9), ("gru", 0.6)])
def test_speakers_are_told_apart_after_a_few_epochs(kind, enough):
    run = speakers.train(seed=0, kind=kind, epochs=6, progress=False)
    assert run.scores[speakers.TARGET.what] > enough
    assert 0.95 < run.scores["logistic on means"] < 0.965
    assert run.history["loss"][-1] < run.history["loss"][0] / 2


def test_the_same_seed_trains_the_same_model():
    first, again = (speakers.train(seed=3, kind="gru", epochs=1, progress=False).model for _ in range(2))
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_training_goes_on_from_a_checkpoint(tmp_path):
    path = tmp_path / "speakers.safetensors"
    first = speakers.train(seed=0, kind="conv", epochs=2, progress=False, checkpoint=path)
    again = speakers.train(seed=1, kind="conv", epochs=2, progress=False, checkpoint=path)
    for a, b in zip(first.model.parameters(), again.model.parameters(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())  # both epochs were done: nothing was left to train


def test_another_kind_of_model_is_refused():
    with pytest.raises(ValueError, match="kind must be 'conv' or 'gru', got 'lstm'"):
        speakers.train(kind="lstm")
