"""Inventing names: the model, the n-grams, drawing, and a short training."""

import inspect
import math
import random
from pathlib import Path

import numpy as np
import pytest

from micrograd_plus import Tensor, nn
from micrograd_plus.capstones import names
from micrograd_plus.capstones.names import GPT, LETTERS, NGram

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "src" / "25_inventing_names.py"


@pytest.fixture
def model():
    random.seed(0)
    return GPT(len(LETTERS), d=8, heads=2, dtype=np.float64)


def tokens(text):
    return np.array(LETTERS.encode(text, start=True))


def test_the_notebook_shows_the_model_that_is_trained():
    assert inspect.getsource(GPT) in NOTEBOOK.read_text(encoding="utf-8")


def test_its_size_is_that_of_the_field():
    assert sum(p.size for p in GPT(len(LETTERS)).parameters()) == 14_624
    assert sum(p.size for p in GPT(len(LETTERS), d=16).parameters()) == 4_240
    assert {p.dtype for p in GPT(len(LETTERS)).parameters()} == {np.dtype(np.float32)}


def test_scores_for_each_place_of_one_name_or_of_many(model):
    assert model(tokens("anna")).shape == (5, 29)
    X, _ = names.as_pairs(["anna", "bo"])
    assert X.shape == (2, 12)
    assert model(X).shape == (2, 12, 29)
    assert np.allclose(model(X).numpy()[0, :5], model(tokens("anna")).numpy())  # neither batch nor padding matters


def test_no_letter_looks_ahead_and_each_looks_back(model):
    before, after = model(tokens("maria")).numpy(), model(tokens("mario")).numpy()
    assert np.array_equal(before[:5], after[:5])
    assert not np.allclose(model(tokens("maria")).numpy()[-1], model(tokens("doria")).numpy()[-1])


def test_the_twin_of_values_has_the_same_loss_and_gradients(model):
    twin, losses = model.scalar_twin(), []
    for each in (model, twin):
        loss = names.next_letter_loss(each(tokens("ab")), LETTERS.encode("ab", end=True))
        loss.backward()
        losses.append(float(loss.data))
    slopes = np.concatenate([p.grad.ravel() for p in model.parameters()])
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)
    assert np.allclose([value.grad for value in twin.parameters()], slopes, rtol=1e-9, atol=1e-13)


def test_names_are_split_once_and_for_all():
    known, held_out = names.split_names()
    assert (len(known), len(held_out)) == (4647, 516)
    assert not set(known) & set(held_out)
    assert known != sorted(known)
    assert names.split_names(seed=1)[1] != held_out


def test_the_loss_is_the_mean_over_all_letters_and_end_signs(model):
    def surprise(name):
        scores = model(tokens(name)).numpy()
        right = LETTERS.encode(name, end=True)
        log_probabilities = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return -log_probabilities[range(len(right)), right]

    by_hand = np.concatenate([surprise("al"), surprise("christopher")])
    assert len(by_hand) == 3 + 12
    assert names.loss_of(model, ["al", "christopher"]) == pytest.approx(by_hand.mean(), rel=1e-9)


class Sure(nn.Module):
    """Gives the letters of one name a score of 3, and all others 0; `before` has what it was asked."""

    def __init__(self, name):
        self.right, self.before = LETTERS.encode(name, end=True), []

    def forward(self, X):
        self.before.append(X.copy())
        scores = np.zeros((*X.shape, len(LETTERS)))
        for t in range(X.shape[1]):
            scores[:, t, self.right[min(t, len(self.right) - 1)]] = 3.0
        scores[:, :, [LETTERS.pad, LETTERS.start]] = 9.0  # these must not be drawn whatever their scores
        return Tensor(scores)


def test_drawing_goes_letter_by_letter_by_the_probabilities():
    model = Sure("eve")
    drawn = names.sample(model, n=400, seed=0)
    assert len(drawn) == 400
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz") and len(name) <= 11 for name in drawn)
    share = np.mean([name[:1] == "e" for name in drawn])
    assert share == pytest.approx(math.exp(3) / (math.exp(3) + 26), abs=0.08)
    assert (model.before[0] == LETTERS.start).all()
    assert model.before[3].shape == (400, 4)


def test_a_low_temperature_repeats_and_a_high_one_scatters():
    assert set(names.sample(Sure("eve"), n=50, temperature=0.1, seed=0)) == {"eve"}
    hot = names.sample(Sure("eve"), n=400, temperature=30.0, seed=0)
    assert np.mean([name[:1] == "e" for name in hot]) < 0.1


def test_draws_are_repeated_by_their_seed(model):
    assert names.sample(model, n=5, seed=1) == names.sample(model, n=5, seed=1)
    assert names.sample(model, n=5, seed=1) != names.sample(model, n=5, seed=2)


@pytest.mark.parametrize("temperature", [0, -1.0, float("nan")])
def test_a_temperature_that_cannot_be_is_refused(model, temperature):
    with pytest.raises(ValueError, match="temperature must be above 0"):
        names.sample(model, temperature=temperature)


def test_new_is_what_is_in_neither_part():
    known, held_out = names.split_names()
    assert names.share_new([known[0], held_out[0], "qqq", "xzx"]) == 0.5


# -- n-grams -----------------------------------------------------------------------------------------------------


def test_probabilities_by_hand():
    bigram = NGram(["ab", "ac"], n=2, strength=2.0)
    unigram = {"a": (2 + 2 / 27) / 8, "b": (1 + 2 / 27) / 8, ".": (2 + 2 / 27) / 8, "z": (2 / 27) / 8}
    for letter, p in unigram.items():
        assert bigram.probability(letter, "") == pytest.approx(p)
        assert bigram.probability(letter, "q") == pytest.approx(p)  # a context that never was
    assert bigram.probability("b", "a") == pytest.approx((1 + 2 * unigram["b"]) / 4)
    assert bigram.probability("a", "^") == pytest.approx((2 + 2 * unigram["a"]) / 4)
    wanted = -np.log([bigram.probability(*pair) for pair in [("a", "^"), ("b", "a"), (".", "b")]]).mean()
    assert bigram.loss_of(["ab"]) == pytest.approx(wanted)
    assert bigram.size == 4 + 5  # a b c . and ^a ab ac b. c.


@pytest.mark.parametrize("context", ["^^^", "^an", "ann", "qxz"])
def test_probabilities_add_up_to_1(context):
    model = NGram(names.split_names()[0][:500], n=4)
    assert sum(model.probability(letter, context) for letter in "abcdefghijklmnopqrstuvwxyz.") == pytest.approx(1)


def test_the_baselines_are_what_the_lesson_says():
    known, held_out = names.split_names()
    assert names.best_ngram(known, 4).loss_of(held_out) == pytest.approx(1.9485, abs=2e-4)
    five = names.best_ngram(known, 5)
    assert (five.strength, five.size) == (16.0, 22_324)
    assert five.loss_of(held_out) == pytest.approx(1.9105, abs=2e-4)


def test_an_ngram_invents_by_its_counts():
    drawn = NGram(["eve", "eva"], n=3, strength=1e-6).sample(20, seed=0)
    assert set(drawn) == {"eve", "eva"}
    assert drawn == NGram(["eve", "eva"], n=3, strength=1e-6).sample(20, seed=0)


# -- training ----------------------------------------------------------------------------------------------------


def test_one_epoch_is_better_than_counting_pairs_and_can_be_gone_on_from(tmp_path):
    path = tmp_path / "gpt.safetensors"
    run = names.train(seed=0, progress=False, checkpoint=path, epochs=1)
    assert run.scores[names.TARGET.what] < 2.3  # a 2-gram: 2.34
    assert run.scores["4-gram"] < 1.95
    again = names.train(seed=1, progress=False, checkpoint=path, epochs=1)  # all epochs are done: it is read
    assert names.loss_of(again.model, ["anna"]) == names.loss_of(run.model, ["anna"])


def test_names_can_be_given_their_first_letters():
    model = names.GPT(len(names.LETTERS), d=8, heads=2)
    begun = names.sample(model, n=20, seed=0, start="mar")
    assert all(name.startswith("mar") for name in begun)
    assert len(set(begun)) > 1
    assert max(map(len, begun)) <= names.LONGEST
