import json
import math
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_plus import data
from micrograd_plus.data import digits

CLASSIFICATION = [data.make_moons, data.make_circles, data.make_spirals, data.make_blobs, data.xor]
REGRESSION = [data.linear, data.polynomial]


# Synthetic sets


@pytest.mark.parametrize("make", CLASSIFICATION)
@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_classification_sets_have_the_promised_shapes_and_types(make, n):
    X, y = make(n)
    assert X.shape == (n, 2)
    assert X.dtype == np.float64
    assert y.shape == (n,)
    assert y.dtype == np.int64


@pytest.mark.parametrize("make", CLASSIFICATION)
def test_every_class_gets_its_share(make):
    counts = np.bincount(make(100)[1])
    assert counts.max() - counts.min() <= 1
    assert len(counts) == (3 if make is data.make_blobs else 2)


@pytest.mark.parametrize("make", REGRESSION)
def test_regression_sets_have_the_promised_shapes_and_types(make):
    X, y = make(30)
    assert X.shape == y.shape == (30, 1)
    assert X.dtype == y.dtype == np.float64
    assert abs(X).max() <= 1


@pytest.mark.parametrize("make", CLASSIFICATION + REGRESSION)
def test_the_seed_decides(make):
    def run(seed):
        blur = "spread" if make is data.make_blobs else "noise"
        return [part.tolist() for part in make(40, seed=seed, **{blur: 0.1})]

    assert run(3) == run(3) == run(np.int64(3)) != run(4)
    random.seed(0)
    first, second = run(None), run(None)
    assert first != second
    random.seed(0)
    assert run(None) == first


# The first point, its label, and the sum of |coordinates|, of ten samples: the same on every computer.
PINNED = {
    "linear": [0.68884370305, 2.477012376454, 3.232998911037],
    "make_blobs": [6.939045394955, 3.771990013373, 0, 69.976409725837],
    "make_circles": [-0.470702371833, 0.375934113545, 1, 9.95865411597],
    "make_moons": [0.867612250709, -0.335917025202, 1, 12.345116663209],
    "make_spirals": [0.867612250709, 0.164082974798, 1, 10.868010184447],
    "polynomial": [0.68884370305, -0.659765230168, 3.232998911037],
}


@pytest.mark.parametrize("name", sorted(PINNED))
def test_points_are_the_same_everywhere(name):
    X, y = getattr(data, name)(10)
    found = [*X[0].tolist(), *y[:1].ravel().tolist(), math.fsum(abs(X).ravel().tolist())]
    assert found == pytest.approx(PINNED[name], rel=0, abs=1e-11)


def by_angle(X, center=(0, 0)):
    """The points in the order of their angle about the centre, counted from 0 to 2 pi."""
    angles = np.arctan2(X[:, 1] - center[1], X[:, 0] - center[0]) % (2 * np.pi - 1e-9)
    return X[np.argsort(angles)]


@pytest.mark.parametrize("n", [9, 10])
def test_moons_are_scikit_learns(n):
    X, y = data.make_moons(n, noise=0)
    upper, lower = np.linspace(0, np.pi, n // 2), np.linspace(0, np.pi, n - n // 2)
    np.testing.assert_allclose(by_angle(X[y == 0]), np.c_[np.cos(upper), np.sin(upper)], atol=1e-11)
    expected = np.c_[1 - np.cos(lower), 0.5 - np.sin(lower)]
    np.testing.assert_allclose(X[y == 1][X[y == 1][:, 0].argsort()], expected, atol=1e-11)


@pytest.mark.parametrize("n", [9, 10])
def test_circles_are_scikit_learns(n):
    X, y = data.make_circles(n, noise=0, factor=0.3)
    for label, radius, count in [(0, 1.0, n // 2), (1, 0.3, n - n // 2)]:
        angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
        expected = radius * np.c_[np.cos(angles), np.sin(angles)]
        np.testing.assert_allclose(by_angle(X[y == label]), expected, atol=1e-11)


@pytest.mark.parametrize("name", ["make_moons", "make_circles"])
def test_sets_hold_the_points_of_scikit_learn_itself(name):
    theirs = getattr(pytest.importorskip("sklearn.datasets"), name)
    options = {"factor": 0.5} if name == "make_circles" else {}
    for n in (50, 51):
        (X, y), (A, b) = getattr(data, name)(n, noise=0), theirs(n, shuffle=False, **options)

        def rows(X, y):
            return sorted((label, round(p, 9) + 0.0, round(q, 9) + 0.0) for label, (p, q) in zip(y, X, strict=True))

        assert rows(X, y) == rows(A, b)


def test_spirals_wind_outwards_one_arm_a_class():
    X, y = data.make_spirals(90, noise=0, n_classes=3, turns=0.25)
    for arm in range(3):
        points = X[y == arm]
        radius = np.hypot(*points.T)
        points, radius = points[radius.argsort()], np.sort(radius)
        np.testing.assert_allclose(radius, np.linspace(0, 2, 30), atol=1e-11)
        end = 2 * np.pi * (arm / 3 + 0.25)
        np.testing.assert_allclose(points[-1], [2 * np.cos(end), 2 * np.sin(end)], atol=1e-11)


def test_blobs_lie_about_their_centres():
    X, y = data.make_blobs(3000, centers=np.array([[-5, 0, 1], [5, 2, 0]]), spread=0.5)
    assert X.shape == (3000, 3)
    np.testing.assert_allclose(X[y == 0].mean(axis=0), [-5, 0, 1], atol=0.06)
    np.testing.assert_allclose(X[y == 1].std(axis=0), 0.5, atol=0.04)
    X, y = data.make_blobs(20, centers=4, n_features=5, spread=0)
    assert X.shape == (20, 5)
    assert len(np.unique(X, axis=0)) == 4
    assert abs(X).max() <= 10


def test_xor_is_its_truth_table_repeated():
    X, y = data.xor(8)
    assert X.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]] * 2
    assert y.tolist() == [0, 1, 1, 0] * 2
    blurred, labels = data.xor(8, noise=0.05)
    assert 0 < abs(blurred - X).max() < 0.3
    assert labels.tolist() == y.tolist()


@pytest.mark.parametrize("make", [data.make_moons, data.make_circles, data.make_spirals, data.xor])
def test_noise_is_a_standard_deviation(make):
    clean, noisy = make(2000, noise=0)[0], make(2000, noise=0.2)[0]
    assert (noisy - clean).std() == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize("make", [data.make_moons, data.make_circles, data.make_spirals, data.make_blobs])
def test_labels_come_shuffled(make):
    labels = make(100)[1]
    assert (labels[1:] != labels[:-1]).sum() > 20


def test_curves_follow_their_formulas():
    X, y = data.polynomial(50, coefficients=(1, -2, 0, 3), noise=0)
    np.testing.assert_allclose(y, 1 - 2 * X + 3 * X**3, atol=1e-11)
    X, y = data.linear(2000, slope=-3, intercept=0.5, noise=0.2)
    assert (y - (0.5 - 3 * X)).std() == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: data.make_moons(0),
            ValueError,
            "n_samples must be at least 1, got int 0; try n_samples=100",
        ),
        (lambda: data.make_circles(-1), ValueError, "n_samples must be at least 1, got int -1"),
        (lambda: data.xor(2.5), TypeError, "n_samples must be a whole number, got float 2.5"),
        (lambda: data.linear("9"), TypeError, "n_samples must be a whole number, got str '9'"),
        (lambda: data.polynomial(None), TypeError, "n_samples must be a whole number, got NoneType None"),
        (
            lambda: data.make_moons(noise=-0.1),
            ValueError,
            "noise must be a finite number of at least 0, got float",
        ),
        (
            lambda: data.make_spirals(noise=math.nan),
            ValueError,
            "noise must be a finite number of at least 0",
        ),
        (lambda: data.xor(noise="0"), TypeError, "noise must be a finite number of at least 0, got str '0'"),
        (lambda: data.linear(noise=math.inf), ValueError, "noise must be a finite number of at least 0"),
        (
            lambda: data.make_circles(factor=1.0),
            ValueError,
            "factor must be a number from 0 up to, but not incl",
        ),
        (lambda: data.make_circles(factor=-0.5), ValueError, "got float -0.5; try factor=0.5"),
        (lambda: data.make_circles(factor=[0.5]), TypeError, "factor must be a number .* got list"),
        (lambda: data.make_spirals(n_classes=0), ValueError, "n_classes must be at least 1"),
        (lambda: data.make_spirals(turns=math.inf), ValueError, "turns must be a finite number"),
        (lambda: data.make_blobs(spread=-1), ValueError, "spread must be a finite number of at least 0"),
        (lambda: data.make_blobs(centers=0), ValueError, "centers must be at least 1"),
        (lambda: data.make_blobs(centers=[]), ValueError, "centers must be points of one size, got list"),
        (lambda: data.make_blobs(centers=[1, 2]), ValueError, "centers must be points of one size"),
        (lambda: data.make_blobs(centers=[(1, 2), (3,)]), ValueError, "centers must be points of one size"),
        (
            lambda: data.make_blobs(centers=[("a", 2)]),
            TypeError,
            "centers must be a finite number, got str 'a'",
        ),
        (lambda: data.make_blobs(n_features=0), ValueError, "n_features must be at least 1"),
        (lambda: data.linear(slope="2"), TypeError, "slope must be a finite number, got str '2'"),
        (lambda: data.polynomial(coefficients=()), ValueError, "coefficients must be one or more numbers"),
        (
            lambda: data.polynomial(coefficients=3),
            ValueError,
            "coefficients must be one or more numbers, got int 3",
        ),
        (lambda: data.make_moons(seed=1.5), TypeError, "seed must be a whole number or None, got float 1.5"),
    ],
)
def test_synthetic_sets_refuse_what_they_cannot_do(call, error, words):
    with pytest.raises(error, match=words):
        call()


# Without NumPy

NO_NUMPY = """
import sys, json

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("numpy", "sklearn"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocker())
import micrograd_plus.data as data

sets = {name: getattr(data, name)(9) for name in sys.argv[1:]}
X, y = sets["make_moons"]
print(json.dumps({
    "sets": sets,
    "split": data.train_test_split(X, y, stratify=True),
    "batches": list(data.DataLoader(X, y, batch_size=4, seed=1)),
}))
"""


def test_without_numpy_the_same_numbers_come_in_lists():
    names = [make.__name__ for make in CLASSIFICATION + REGRESSION]
    run = subprocess.run([sys.executable, "-W", "error", "-c", NO_NUMPY, *names], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    for name in names:
        X, y = getattr(data, name)(9)
        assert found["sets"][name] == [X.tolist(), y.tolist()]
    X, y = data.make_moons(9)
    assert found["split"] == [part.tolist() for part in data.train_test_split(X, y, stratify=True)]
    loader = data.DataLoader(X, y, batch_size=4, seed=1)
    assert found["batches"] == [[points.tolist(), labels.tolist()] for points, labels in loader]


# Digits


def test_digits_have_the_promised_shapes_and_values():
    images, labels = data.load_digits()
    assert images.shape == (1797, 8, 8)
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (0, 1)
    assert labels.dtype == np.int64
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    flat, _ = data.load_digits(flat=True)
    assert flat.tolist() == images.reshape(1797, 64).tolist()


def test_digits_are_the_ones_of_scikit_learn():
    theirs = pytest.importorskip("sklearn.datasets").load_digits()
    images, labels = data.load_digits()
    assert (images * 16 == theirs.images).all()
    assert (labels == theirs.target).all()


def test_digits_are_the_callers_to_change():
    data.load_digits()[0][:] = 7
    assert data.load_digits()[0].max() == 1


def test_a_damaged_file_is_refused(tmp_path, monkeypatch):
    content = bytearray(digits.FILE.read_bytes())
    content[1000] ^= 1
    damaged = Path(tmp_path, "digits.npz")
    damaged.write_bytes(content)
    monkeypatch.setattr(digits, "FILE", damaged)
    with pytest.raises(ValueError, match=r"digits\.npz is damaged: its SHA-256 is .* not b2dab7b50172.*pip install"):
        data.load_digits()


def test_the_licence_lies_beside_the_file():
    text = (digits.FILE.parent / "digits.LICENSE.txt").read_text(encoding="utf-8")
    for words in ("Alpaydin", "Kaynak", "CC BY 4.0", "10.24432/C50P49", "What we changed"):
        assert words in text


# Splits


sizes = st.integers(2, 60)
shares = st.floats(0.01, 0.99)
seeds = st.one_of(st.none(), st.integers(0, 2**32))


@given(sizes, shares, seeds, st.booleans())
def test_a_split_has_every_sample_once_and_keeps_pairs(n, share, seed, as_list):
    X, y = np.arange(n) * 10, np.arange(n)
    n_test = round(share * n)
    if as_list:
        X, y = X.tolist(), y.tolist()
    if n_test in (0, n):
        with pytest.raises(ValueError, match="part empty"):
            data.train_test_split(X, y, share, seed)
        return
    X_train, X_test, y_train, y_test = data.train_test_split(X, y, share, seed)
    assert len(X_test) == len(y_test) == n_test
    assert sorted([*y_train, *y_test]) == list(range(n))
    assert [*X_train, *X_test] == [10 * i for i in [*y_train, *y_test]]
    assert all(isinstance(part, list) == as_list for part in (X_train, X_test, y_train, y_test))


@given(st.lists(st.integers(2, 40), min_size=1, max_size=5), shares, seeds)
def test_a_stratified_split_gives_each_class_its_share(counts, share, seed):
    y = np.repeat(np.arange(len(counts)), counts)
    n, n_test = len(y), round(share * len(y))
    if n_test in (0, n):
        return
    rows, test_rows, y_train, y_test = data.train_test_split(np.arange(n), y, share, seed, stratify=True)
    assert len(y_test) == n_test
    assert sorted([*rows, *test_rows]) == list(range(n))
    assert (y[test_rows] == y_test).all()
    assert (y[rows] == y_train).all()
    for label, count in enumerate(counts):
        rounding = 0.5 + 0.5 * len(counts) * count / n  # half a sample, and its part of every class's half
        assert abs((y_test == label).sum() - count * n_test / n) < rounding + 1e-9


def test_equal_classes_are_split_equally():
    y = np.arange(100) % 4
    for seed in range(20):
        *_, y_test = data.train_test_split(y, y, 0.2, seed=seed, stratify=True)
        assert np.bincount(y_test).tolist() == [5, 5, 5, 5]


@given(st.lists(st.integers(2, 12), min_size=1, max_size=5), seeds, st.booleans())
def test_a_split_of_each_class_takes_as_many_of_each(counts, seed, as_list):
    y = np.repeat(np.arange(len(counts)), counts)
    n_train = min(counts) - 1
    rows = np.arange(len(y))
    given_X, given_y = (rows.tolist(), y.tolist()) if as_list else (rows, y)
    train, test, y_train, y_test = data.split_each_class(given_X, given_y, n_train, seed)
    assert sorted([*train, *test]) == list(range(len(y)))
    assert np.bincount(y_train).tolist() == [n_train] * len(counts)
    assert [y[i] for i in train] == list(y_train)
    assert [y[i] for i in test] == list(y_test)
    assert all(isinstance(part, list) == as_list for part in (train, test, y_train, y_test))


def test_a_split_of_each_class_shuffles_by_its_seed():
    y = np.repeat([0, 1], 20)
    found = [data.split_each_class(np.arange(40), y, 5, seed)[0].tolist() for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    assert found[0] != sorted(found[0])
    assert data.split_each_class(np.arange(40), y, 5)[0].tolist() == found[0]


@given(sizes, st.integers(1, 70), st.integers(0, 2**32))
def test_several_inputs_stay_together(n, size, seed):
    X, y = (np.arange(2 * n).reshape(n, 2), np.arange(n) * 10), np.arange(n)

    def assert_together(X, y):
        assert type(X) is tuple
        assert X[0].tolist() == [[2 * i, 2 * i + 1] for i in y]
        assert X[1].tolist() == [10 * i for i in y]

    loader = data.DataLoader(X, y, size, seed=seed)
    assert len(loader) == len(list(loader)) == -(-n // size)
    for part in loader:
        assert_together(*part)
    assert sorted(i for _, labels in loader for i in labels) == list(range(n))
    assert [b.tolist() for _, b in data.batches(X, shuffle=False, batch_size=n)] == [X[1].tolist()]
    for split in (
        data.train_test_split(X, y, 0.5, seed),
        data.train_test_split(X, y % 1, 0.5, seed, stratify=True)[:2] + data.train_test_split(X, y, 0.5, seed)[2:],
        data.split_each_class(X, y % 1, n - 1, seed)[:2] + tuple(data.split_each_class(y, y % 1, n - 1, seed)[:2]),
    ):
        assert_together(split[0], split[2])
        assert_together(split[1], split[3])


def test_a_tuple_of_anything_but_arrays_is_samples_like_a_list():
    for X in [((1, 2), (3, 4), (5, 6)), tuple(np.arange(3.0)), (1, 2, 3), ([1], [2], [3])]:
        assert list(data.batches(X, batch_size=2, shuffle=False)) == [[X[0], X[1]], [X[2]]]
        X_train, X_test, _, _ = data.train_test_split(X, [0, 1, 2], 0.34)
        assert sorted([*X_train, *X_test]) == sorted(X)
    arrays = [np.arange(2), np.arange(2) + 2, np.arange(2) + 4]  # in a list: three samples
    assert [len(batch) for batch in data.batches(arrays, batch_size=2, shuffle=False)] == [2, 1]


def test_a_split_shuffles_by_its_seed():
    X = list(range(50))
    assert data.train_test_split(X, X) == data.train_test_split(X, X, seed=0)
    assert data.train_test_split(X, X, seed=1) != data.train_test_split(X, X, seed=0)
    assert data.train_test_split(X, X)[1] != sorted(data.train_test_split(X, X)[1])


# One scale for all


def test_standardize_measures_the_training_part_alone():
    rng = np.random.default_rng(0)
    train, test = rng.normal(5, 3, (50, 4)), rng.normal(9, 1, (20, 4))
    a, b = data.standardize(train, test)
    np.testing.assert_allclose(a.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(a.std(axis=0), 1)
    np.testing.assert_allclose(b, (test - train.mean(axis=0)) / train.std(axis=0))
    assert (data.standardize(train) == a).all()


@pytest.mark.parametrize("constant", [0.1, 7.0, 1e9 + 0.1])
def test_a_constant_column_becomes_zero(constant):
    train = np.c_[np.arange(11.0), np.full(11, constant)]
    a, b = data.standardize(train, train + 1)
    assert (a[:, 1] == 0).all()
    np.testing.assert_allclose(b[:, 1], 1)


def test_standardize_keeps_float32_and_makes_floats_of_integers():
    images, _ = data.load_digits(flat=True)
    a, b = data.standardize(images, images[:5])
    assert a.dtype == b.dtype == np.float32
    assert data.standardize([[1, 2], [3, 4]]).tolist() == [[-1, -1], [1, 1]]


# Batches


@given(sizes, st.integers(1, 70), seeds, st.booleans(), st.booleans(), st.booleans())
def test_an_epoch_has_every_sample_once_and_keeps_pairs(n, size, seed, shuffle, drop_last, as_list):
    X, y = np.arange(2 * n).reshape(n, 2), np.arange(n)
    if as_list:
        X, y = X.tolist(), y.tolist()
    if drop_last and n < size:
        with pytest.raises(ValueError, match="drop_last=True leaves no batch"):
            data.DataLoader(X, y, size, shuffle, seed, drop_last)
        return
    loader = data.DataLoader(X, y, size, shuffle, seed, drop_last)
    for _ in range(2):
        epoch = list(loader)
        assert len(epoch) == len(loader)
        assert all(len(points) == len(labels) == size for points, labels in epoch[:-1])
        points = [tuple(point) for batch, _ in epoch for point in batch]
        labels = [label for _, batch in epoch for label in batch]
        assert points == [(2 * i, 2 * i + 1) for i in labels]
        assert len(labels) == len(set(labels)) == (n // size * size if drop_last else n)
        assert shuffle or labels == list(range(len(labels)))
        assert all(isinstance(part, list) == as_list for batch in epoch for part in batch)


def test_epochs_differ_and_the_seed_repeats_their_sequence():
    def epochs(seed, n=3):
        loader = data.DataLoader(list(range(40)), batch_size=40, seed=seed)
        return [next(iter(loader)) for _ in range(n)]

    assert epochs(5) == epochs(5) != epochs(6)
    assert epochs(5)[0] != epochs(5)[1] != epochs(5)[2]
    assert list(data.batches(list(range(40)), batch_size=40, seed=5)) == epochs(5, 1)


def test_without_a_seed_pythons_random_decides():
    loader = data.DataLoader(np.arange(40), batch_size=40)
    random.seed(1)
    first, second = [next(iter(loader)).tolist() for _ in range(2)]
    assert first != second
    random.seed(1)
    assert [next(iter(loader)).tolist() for _ in range(2)] == [first, second]
    random.seed(1)
    assert next(data.batches(np.arange(40), batch_size=40)).tolist() == first


def test_a_loader_goes_on_from_its_state():
    loader = data.DataLoader(np.arange(40), batch_size=7, seed=3)
    orders = []
    for _ in range(4):
        state = json.loads(json.dumps(loader.state_dict()))  # as it comes out of a file
        orders.append(np.concatenate(list(loader)).tolist())
    other = data.DataLoader(np.arange(40), batch_size=40, seed=99)
    other.load_state_dict(state)
    assert next(iter(other)).tolist() == orders[3] != orders[2]
    loader.load_state_dict(state)
    assert np.concatenate(list(loader)).tolist() == orders[3]


def test_a_loader_without_a_seed_has_nothing_to_remember():
    loader, seeded = data.DataLoader([1, 2, 3]), data.DataLoader([1, 2, 3], seed=0)
    random.seed(1)
    before = random.getstate()
    loader.load_state_dict(loader.state_dict())
    assert random.getstate() == before
    with pytest.raises(ValueError, match="this DataLoader has no seed, but the state is of one that had one"):
        loader.load_state_dict(seeded.state_dict())
    with pytest.raises(ValueError, match="this DataLoader has a seed, but the state is of one that had none"):
        seeded.load_state_dict(loader.state_dict())


def test_order_without_shuffle_leaves_pythons_random_alone():
    random.seed(1)
    before = random.getstate()
    list(data.batches([1, 2, 3], shuffle=False))
    list(data.batches([1, 2, 3], seed=2))
    assert random.getstate() == before


def test_a_batch_is_a_copy():
    X = np.zeros(10)
    for batch in data.batches(X, batch_size=5, shuffle=False):
        batch += 1
    assert (X == 0).all()


X5, y5 = np.zeros((5, 2)), np.zeros(5, dtype=int)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: data.train_test_split(X5, y5[:4]),
            ValueError,
            "one entry each a sample, got 5 in X and 4 in y",
        ),
        (
            lambda: data.train_test_split(X5, None),
            TypeError,
            "y must be an array or a list .* got NoneType None",
        ),
        (lambda: data.train_test_split([], []), ValueError, "X is empty"),
        (lambda: data.train_test_split(X5, y5, 0), ValueError, "test_size must be a share between 0 and 1"),
        (lambda: data.train_test_split(X5, y5, 1.0), ValueError, "got float 1.0; try test_size=0.25"),
        (
            lambda: data.train_test_split(X5, y5, -0.2),
            ValueError,
            "test_size must be a share between 0 and 1",
        ),
        (
            lambda: data.train_test_split(X5, y5, math.nan),
            ValueError,
            "test_size must be a share between 0 and 1",
        ),
        (
            lambda: data.train_test_split(X5, y5, "0.2"),
            TypeError,
            "test_size must be a share .* got str '0.2'",
        ),
        (
            lambda: data.train_test_split(X5, y5, 0.01),
            ValueError,
            "0.01 of 5 samples leaves the test part empty",
        ),
        (lambda: data.train_test_split(X5, y5, 0.99), ValueError, "leaves the training part empty"),
        (lambda: data.train_test_split([1], [1]), ValueError, "of 1 samples leaves the test part empty"),
        (
            lambda: data.train_test_split(X5, y5, stratify=y5),
            TypeError,
            "stratify must be True or False .* ndarray",
        ),
        (lambda: data.train_test_split(X5, X5, stratify=True), ValueError, "one label a sample, got ndarray"),
        (
            lambda: data.train_test_split(X5, [0, 0, 0, 0, 1], stratify=True),
            ValueError,
            "single sample.* class 1;",
        ),
        (lambda: data.batches((X5, y5), y5[:4]), ValueError, "got 5 in X and 4 in y"),
        (lambda: data.batches((X5, y5[:4])), ValueError, "several inputs a sample, but they hold 5, 4 samples: give"),
        (lambda: data.batches((X5[:0], y5[:0])), ValueError, "X is empty"),
        (lambda: data.train_test_split((X5, y5), None), TypeError, "y must be an array or a list"),
        (lambda: data.batches(()), ValueError, "X is empty"),
        (
            lambda: data.split_each_class(X5, [0, 0, 0, 1, 1], 2),
            ValueError,
            "n_train=2 leaves no sample of class 1 for the test, of which there are 2",
        ),
        (lambda: data.split_each_class(X5, y5, 0), ValueError, "n_train must be at least 1"),
        (lambda: data.split_each_class(X5, y5, 2.5), TypeError, "n_train must be a whole number"),
        (
            lambda: data.split_each_class(X5, X5, 2),
            ValueError,
            "split_each_class needs one label a sample, got ndarray",
        ),
        (lambda: data.batches(X5, y5[:4]), ValueError, "got 5 in X and 4 in y"),
        (lambda: data.batches([]), ValueError, "X is empty"),
        (lambda: data.batches(np.zeros((0, 2))), ValueError, "X is empty"),
        (
            lambda: data.batches(X5, batch_size=0),
            ValueError,
            "batch_size must be at least 1, got int 0; try batch",
        ),
        (lambda: data.batches(X5, batch_size=-3), ValueError, "batch_size must be at least 1, got int -3"),
        (
            lambda: data.batches(X5, batch_size="32"),
            TypeError,
            "batch_size must be a whole number, got str '32'",
        ),
        (
            lambda: data.batches(X5, batch_size=2.0),
            TypeError,
            "batch_size must be a whole number, got float 2.0",
        ),
        (
            lambda: data.DataLoader(X5, seed="a"),
            TypeError,
            "seed must be a whole number or None, got str 'a'",
        ),
        (lambda: data.DataLoader(X5, drop_last=True), ValueError, "5 samples are fewer than batch_size=32"),
        (
            lambda: data.batches({"a": 1}),
            TypeError,
            "X must be an array or a list with one entry a sample, got dict",
        ),
        (lambda: data.batches({1, 2}), TypeError, "got set"),
        (lambda: data.batches(iter([1])), TypeError, "X must be an array or a list"),
        (lambda: data.batches(3), TypeError, "X must be an array or a list .* got int 3"),
        (lambda: data.batches(np.array(3)), TypeError, "X must be an array or a list"),
        (
            lambda: data.standardize(X5, np.zeros((5, 3))),
            ValueError,
            r"same columns, got shapes \(5, 2\) and \(5, 3\)",
        ),
        (
            lambda: data.standardize(X5[:0]),
            ValueError,
            r"can't measure train, of shape \(0, 2\): it is empty",
        ),
        (lambda: data.standardize(X5 + math.nan), ValueError, "holds nan or inf"),
        (lambda: data.standardize(["a"]), TypeError, "needs arrays of real numbers, got dtype <U1"),
        (lambda: data.standardize(3.0), ValueError, "needs rows of samples"),
    ],
)
def test_splits_and_batches_refuse_what_they_cannot_do(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_pandas_tables_are_pointed_to_their_arrays():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match=r"X is a pandas DataFrame: give its array, X\.to_numpy\(\)"):
        data.batches(pandas.DataFrame({"a": [1, 2]}))
    with pytest.raises(TypeError, match=r"y is a pandas Series: give its array, y\.to_numpy\(\)"):
        data.train_test_split([1, 2], pandas.Series([1, 2]))


def test_public_names():
    assert set(data.__all__) == {name for name, value in vars(data).items() if callable(value) and name[0] != "_"}
