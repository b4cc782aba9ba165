"""The capstone of lesson 20: a small convolutional network that reads digits."""

import inspect
import random
from pathlib import Path

import numpy as np
import pytest

from micrograd_plus.capstones import digits

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "src" / "20_reading_digits.py"


@pytest.fixture(autouse=True)
def _same_random_numbers():
    before = random.getstate()
    random.seed(0)
    yield
    random.setstate(before)


def test_the_model_in_the_notebook_is_this_one():
    assert inspect.getsource(digits.small_cnn) in NOTEBOOK.read_text(encoding="utf-8")


@pytest.mark.parametrize(("network", "parameters"), [(digits.small_cnn, 38_282), (digits.mlp, 4_810)])
def test_models_give_ten_scores_in_float32(network, parameters):
    model = network()
    assert sum(p.size for p in model.parameters()) == parameters
    scores = digits.scores_of(model, np.zeros((3, 1, 8, 8), np.float32))
    assert scores.shape == (3, 10)
    assert scores.dtype == np.float32


def test_the_split_holds_out_360_with_the_same_share_of_each_digit():
    X, X_test, y, y_test = digits.split_digits()
    assert (len(X), len(X_test)) == (len(y), len(y_test)) == (1437, 360)
    assert X.dtype == np.float32
    counts = np.bincount(y_test)
    assert counts.min() >= 34
    assert counts.max() <= 38
    assert not {image.tobytes() for image in X} & {image.tobytes() for image in X_test}


def test_the_nearest_neighbour_reads_358_of_360():
    X, X_test, y, y_test = digits.split_digits()
    assert (y[digits.nearest(X, X_test)] == y_test).sum() == 358


def test_the_nearest_is_the_one_with_the_least_squared_difference():
    rng = np.random.default_rng(0)
    X_train, X = rng.normal(size=(20, 1, 8, 8)), rng.normal(size=(7, 1, 8, 8))
    plain = [min(range(20), key=lambda i: ((X_train[i] - x) ** 2).sum()) for x in X]
    assert digits.nearest(X_train, X).tolist() == plain


@pytest.mark.parametrize(("down", "right"), [(1, 0), (-1, 0), (0, 2), (0, -2), (1, -1)])
def test_moved_pictures_lose_what_leaves(down, right):
    X = np.arange(1.0, 17).reshape(1, 1, 4, 4)
    after = digits.moved(X, down, right)
    for i in range(4):
        for j in range(4):
            inside = 0 <= i - down < 4 and 0 <= j - right < 4
            assert after[0, 0, i, j] == (X[0, 0, i - down, j - right] if inside else 0)


def test_a_nudge_is_at_most_half_a_pixel_and_keeps_the_ink():
    X = np.zeros((200, 1, 9, 9), np.float32)
    X[:, 0, 4, 4] = 1
    after = digits.nudged(X, np.random.default_rng(0))
    assert after.dtype == np.float32
    assert np.allclose(after.sum(axis=(1, 2, 3)), 1, atol=1e-6)
    places = np.arange(9) - 4
    for axis in (2, 3):
        by = (after.sum(axis=5 - axis)[:, 0] * places).sum(axis=1)  # where the ink's centre is now
        assert abs(by).max() <= 0.5
        assert by.min() < -0.4
        assert by.max() > 0.4


def test_the_loader_nudges_anew_in_each_epoch_and_keeps_the_labels():
    X, _, y, _ = digits.split_digits()
    loader = digits.Nudged(X[:40], y[:40], batch_size=40, shuffle=False)
    (first, labels), (second, _) = next(iter(loader)), next(iter(loader))
    assert (labels == y[:40]).all()
    assert abs(first - X[:40]).max() > 0.1
    assert abs(first - second).max() > 0.1


def test_what_excites_most_comes_first_and_once_an_image():
    images = np.zeros((3, 5, 5))
    images[0, 2, 2], images[1, 0, 4], images[2, 3, 1] = 2.0, 3.0, 1.0
    images[1, 4, 4] = 2.9  # second best of all places, but of the same image
    patches = digits.what_excites(images, images, size=3, n=3)
    assert patches.shape == (3, 3, 3)
    assert patches[:, 1, 1].tolist() == [3.0, 2.0, 1.0]
    assert (patches[0, 0] == 0).all()  # beyond the edge


def test_share_right_is_taken_in_eval_mode():
    X, _, y, _ = digits.split_digits()
    model = digits.small_cnn().train()
    shares = {digits.share_right(model, X[:200], y[:200]) for _ in range(3)}
    assert len(shares) == 1


def test_two_epochs_help_and_an_interrupted_training_goes_on_to_the_same_numbers(tmp_path, monkeypatch):
    whole = digits.train(0, progress=False, epochs=2)
    assert whole.history["loss"][1] < whole.history["loss"][0] / 2
    assert whole.scores[digits.TARGET.what] > 0.75
    assert whole.scores["nearest neighbour"] == 358 / 360

    path, nudged, calls = tmp_path / "digits.safetensors", digits.nudged, iter(range(60))
    monkeypatch.setattr(digits, "nudged", lambda X, rng: (next(calls), nudged(X, rng))[1])  # until they run out
    with pytest.raises(RuntimeError):
        digits.train(0, progress=False, epochs=2, checkpoint=path)
    monkeypatch.setattr(digits, "nudged", nudged)
    rest = digits.train(0, progress=False, epochs=2, checkpoint=path)
    assert rest.history["loss"] == whole.history["loss"]
    assert rest.scores == whole.scores
