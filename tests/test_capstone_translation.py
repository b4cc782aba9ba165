"""The translator of numbers: its data, its masks, its decoding, the rival, and what it refuses."""

import inspect
import random
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("num2words")

from micrograd_plus import nn, no_grad
from micrograd_plus.capstones import translation
from micrograd_plus.capstones.translation import (
    PairLoader,
    Translator,
    bare,
    by_dictionary,
    held_out_numbers,
    joined,
    learn_dictionary,
    share_exact,
    train,
    training_numbers,
    translate,
    translate_all,
    vocabularies,
    words_of,
)
from micrograd_plus.data import number_pairs
from micrograd_plus.optim import Adam
from micrograd_plus.training import fit

SOURCE = Path(__file__).parent.parent / "notebooks" / "src" / "24_translating_numbers.py"


@pytest.fixture(scope="module")
def model():
    """Untrained."""
    random.seed(0)
    return Translator(*vocabularies())


class Parrot:
    """In place of a model: says these words, one after the other, and notes what it is asked."""

    def __init__(self, sentences):
        self.english, self.french = vocabularies()
        self.answers = self.french.encode_all(sentences, length=30, end=True)
        self.read = 0

    def eval(self):
        return self

    def encode(self, source):
        self.read += 1
        return np.arange(len(source))  # which sentence it is: those that have come to their end are left out

    def decode(self, so_far, memory, source):
        scores = np.zeros((*so_far.shape, len(self.french)))
        for row, sentence in enumerate(memory):
            scores[row, -1, self.answers[sentence, so_far.shape[1] - 1]] = 1
        return type("Scores", (), {"numpy": lambda self: scores})()


# -- data ------------------------------------------------------------------------------------------------------


def test_the_exam_is_a_thousand_different_numbers_and_none_is_learned_from():
    held_out = held_out_numbers()
    assert len(set(held_out)) == 1000
    assert [sum(len(str(n)) == digits for n in held_out) for digits in range(1, 7)] == [0, 10, 90, 300, 300, 300]
    assert held_out == held_out_numbers() != held_out_numbers(seed=1)
    for by_length in (True, False):
        assert set(held_out).isdisjoint(training_numbers(5000, by_length=by_length, without=held_out))


def test_length_first_means_each_length_as_often():
    lengths = [len(str(n)) for n in training_numbers(600, seed=3)]
    assert [lengths.count(digits) for digits in range(1, 7)] == [100] * 6
    lengths = [len(str(n)) for n in training_numbers(600, by_length=False, seed=3)]
    assert lengths.count(6) > 500


def test_a_length_of_which_nothing_is_left_is_refused():
    with pytest.raises(ValueError, match="no number of some length"):
        training_numbers(6, without=range(10))


def test_the_vocabularies_have_every_word_of_every_number():
    english, french = vocabularies()
    pairs = number_pairs([*range(1000), *range(1000, 10**6, 1999), 80_000, 200_000, 999_999])
    longest = [max(map(len, sentences)) for sentences in pairs]
    english.encode_all(pairs[0]), french.encode_all(pairs[1])  # would raise
    assert longest[0] <= translation.LONGEST
    assert longest[1] + 1 <= translation.LONGEST
    assert english.pad == french.pad == 0


def test_a_batch_holds_what_was_said_and_what_comes_next():
    english, french = vocabularies()
    ((source, so_far), target) = next(iter(PairLoader(number_pairs([195, 7]), english, french, 2, seed=0)))
    row = int(source[1, 0] == english.encode(["one"])[0])  # the longer one
    assert (so_far[:, 0] == french.start).all()
    assert (so_far[row, 1:] == target[row, :-1]).all()
    assert target[row, -1] == french.end
    assert french.decode(target[1 - row]) == ["sept"]
    assert (target[1 - row, 2:] == french.pad).all()
    assert source.shape[1] == 6
    assert target.shape[1] == 7


def test_the_loader_shuffles_has_all_of_them_and_goes_on_from_its_state():
    pairs, vocabulary = number_pairs(range(100)), vocabularies()
    loader, other = PairLoader(pairs, *vocabulary, 32, seed=0), PairLoader(pairs, *vocabulary, 32, seed=5)
    epochs = [np.concatenate([source[:, 0] for (source, _), _ in loader]) for _ in range(2)]
    assert len(loader) == 4
    assert len(epochs[0]) == 100
    assert sorted(epochs[0]) == sorted(epochs[1])
    assert (epochs[0] != epochs[1]).any()
    other.load_state_dict(loader.state_dict())
    assert all((a[0][0] == b[0][0]).all() for a, b in zip(loader, other, strict=True))


# -- the model -------------------------------------------------------------------------------------------------


def test_shapes_and_precision(model):
    scores = model(np.ones((5, 7), int), np.ones((5, 3), int))
    assert scores.shape == (5, len(model.french), 3)
    assert scores.dtype == np.float32
    assert all(p.dtype == np.float32 for p in model.parameters())
    assert sum(p.size for p in model.parameters()) == 73_279


def test_padding_and_the_future_change_nothing(model):
    source, so_far = np.array([[5, 6, 7]]), np.array([[1, 9, 8, 4]])
    with no_grad():
        scores = model(source, so_far).numpy()
        padded = model(np.array([[5, 6, 7, 0, 0]]), so_far).numpy()
        other_future = model(source, np.array([[1, 9, 12, 13]])).numpy()
    np.testing.assert_allclose(padded, scores, atol=1e-5)
    np.testing.assert_allclose(other_future[:, :, :2], scores[:, :, :2], atol=1e-5)
    assert abs(other_future[:, :, 2:] - scores[:, :, 2:]).max() > 1e-3


def test_the_notebook_shows_the_same_model():
    source = SOURCE.read_text(encoding="utf-8")
    assert inspect.getsource(Translator) in source
    assert inspect.getsource(translation.placed_words) in source


# -- translating -----------------------------------------------------------------------------------------------


def test_greedy_decoding_says_what_has_the_highest_score_and_reads_once():
    sentences = [["sept"], ["quatre", "-", "vingts"], []]
    parrot = Parrot(sentences)
    assert translate_all(parrot, [["seven"], ["eighty"], ["zero"]]) == sentences
    assert parrot.read == 1


def test_it_stops_where_no_end_comes():
    (words,) = translate_all(Parrot([["sept"] * 29]), [["seven"]])
    assert words == ["sept"] * (translation.LONGEST - 1)


def test_batched_decoding_is_the_same_as_one_by_one(model):
    sentences = number_pairs([7, 95, 123_456])[0]
    assert translate_all(model, sentences) == [translate_all(model, [words])[0] for words in sentences]


def test_attention_has_a_row_a_word_that_adds_up_to_1(model):
    words, weights = translate(model, "one hundred and ninety-five")
    assert weights.shape == (4, len(words), 6)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)
    assert translate(model, 195)[0] == translate(model, " 195 ")[0] == words


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fourty", "doesn't know the word 'fourty'. Did you mean 'forty'?"),
        (1_000_000, "'million'. It learned the numbers from 0 to 999,999"),
        ("one <pad> two", "doesn't know the word '<'"),
        (10**30, "0 to 999,999"),
        (-5, "0 to 999,999"),
        ("²", "0 to 999,999"),
        ("  ", "nothing to translate"),
        ("one " * 25, "25 words and marks, and the model can read at most 24"),
    ],
)
def test_what_it_cant_read_is_refused_in_a_sentence(model, text, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        translate(model, text)


@pytest.mark.parametrize("text", [None, 1.5, True, ["one"]])
def test_other_things_are_no_text(model, text):
    with pytest.raises(TypeError, match="give a whole number, or a text"):
        translate(model, text)


def test_words_and_back():
    assert (
        words_of("999,999")
        == words_of(999_999)
        == words_of("nine hundred and ninety-nine thousand, nine hundred and ninety-nine")
    )
    assert joined(words_of("Two Thousand,  three-four")) == "two thousand, three-four"


# -- the rival and the scores ----------------------------------------------------------------------------------


def test_the_dictionary_counts_places_of_equally_long_sentences():
    pairs = number_pairs([3, 13, 62, 63, 73, 70])  # soixante dix has a word too many
    dictionary = learn_dictionary(pairs)
    assert dictionary["three"] == "trois"
    assert dictionary["sixty"] == dictionary["seventy"] == "soixante"
    assert by_dictionary(dictionary, words_of("seventy-two")) == ["soixante", "deux"]
    assert learn_dictionary(number_pairs([70, 1000])) == {}  # soixante dix, mille: other numbers of words
    assert by_dictionary(dictionary, ["unheard"]) == ["unheard"]


def test_the_dictionarys_share_is_known():
    held_out = held_out_numbers()
    source, right = number_pairs(held_out)
    dictionary = learn_dictionary(number_pairs(training_numbers(3000, without=held_out)))
    guesses = [by_dictionary(dictionary, words) for words in source]
    assert share_exact(guesses, [bare(words) for words in right]) == 0.47


def test_the_rate_rises_and_falls_and_a_long_gradient_is_cut():
    layer = nn.Linear(1, 1, bias=False)
    schedule = translation.warm_up_then_down(Adam(layer.parameters(), lr=1.0), steps=500)
    rates = [schedule.rate(t, 1.0) for t in range(501)]
    assert rates[0] == 0.01
    assert max(rates) == rates[100] == 1.0
    assert rates[300] == 0.5
    assert rates[500] == 0.0
    layer.weight.grad = np.array([[-8.0]])
    translation.Clip().after_backward(SimpleNamespace(model=layer))
    assert layer.weight.grad[0, 0] == pytest.approx(-1.0, abs=1e-5)


def test_a_short_training_improves_and_goes_on_from_its_checkpoint(tmp_path):
    path = tmp_path / "model.safetensors"
    first = train(seed=1, epochs=1, pairs=256, progress=False, checkpoint=path)
    run = train(seed=1, epochs=4, pairs=256, progress=False, checkpoint=path)
    losses = run.history["loss"]
    assert losses[0] == first.history["loss"][0]
    assert len(losses) == 4
    assert losses[-1] < losses[0]
    assert set(run.scores) >= {translation.TARGET.what, "word by word, without marks", "2 digits", "6 digits"}
    assert isinstance(run.model, nn.Module)


def test_ten_numbers_can_be_learned_by_heart(model):
    """The whole chain: the loader, the loss, the step, and decoding give back what was learned."""
    random.seed(0)
    model = Translator(*vocabularies())
    pairs = number_pairs([7, 17, 70, 71, 80, 81, 95, 200, 201, 1000])
    loader = PairLoader(pairs, model.english, model.french, 10, seed=0)
    loss = nn.CrossEntropyLoss(ignore_index=0)
    fit(
        model,
        loader,
        loss,
        Adam(model.parameters(), lr=3e-3),
        epochs=60,
        callbacks=[translation.Clip()],
        progress=False,
    )
    assert share_exact(translate_all(model, pairs[0]), pairs[1]) == 1.0
    assert joined(translate(model, 71)[0]) == "soixante et onze"
