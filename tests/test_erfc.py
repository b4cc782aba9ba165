"""erfc of arrays, beside Python's own for single numbers."""

import math

import numpy as np
import pytest

from micrograd_plus.engine.erfc import BLOCK, erfc

rng = np.random.default_rng(0)
DENSE = np.concatenate([np.linspace(-30, 30, 20_001), 10.0 ** rng.uniform(-300, 1.4, 2000), [0.46875, -0.46875, 4, -4]])


def exactly(x):
    return np.array([math.erfc(float(v)) for v in x])


def test_float64_is_exact_to_a_few_units_in_the_last_place():
    want = exactly(DENSE)
    normal = want > 1e-300
    assert np.abs(erfc(DENSE) / np.where(normal, want, 1) - 1)[normal].max() < 1e-15
    assert np.abs(erfc(DENSE) - want)[~normal].max() < 1e-300


def test_float32_is_as_exact_as_promised():
    x = DENSE.astype(np.float32)
    want = exactly(x)
    normal = want > 1.2e-38
    y = erfc(x)
    assert y.dtype == np.float32
    assert np.abs(y / np.where(normal, want, 1) - 1)[normal].max() < 5e-6
    assert np.abs(y / np.where(normal, want, 1) - 1)[np.abs(x) < 2].max() < 5e-7


def test_float16_is_rounded_once():
    x = np.arange(-8, 8, 0.25, np.float16)
    assert erfc(x).dtype == np.float16
    np.testing.assert_array_equal(erfc(x), exactly(x).astype(np.float16))


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16])
def test_at_the_edges(kind):
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 50.0, -50.0], kind)
    np.testing.assert_array_equal(erfc(x), np.array([0, 2, np.nan, 1, 1, 0, 2], kind))


def test_shapes_and_kinds_of_numbers():
    assert erfc(np.array(0.5)).shape == ()
    assert erfc(np.zeros((0, 3))).shape == (0, 3)
    assert erfc(np.zeros((2, 3)).T).shape == (3, 2)
    np.testing.assert_allclose(erfc(np.array([1, 2])), exactly([1, 2]), rtol=1e-15)
    assert erfc(np.array([1, 2])).dtype == np.float64


def test_more_numbers_than_a_block_holds():
    x = np.linspace(-3, 3, 2 * BLOCK + 1)
    np.testing.assert_allclose(erfc(x), exactly(x), rtol=1e-15)


def test_an_array_for_the_result():
    x, out = np.linspace(-3, 3, 6).reshape(2, 3), np.full((2, 3), np.nan)
    assert erfc(x, out) is out
    np.testing.assert_array_equal(out, erfc(x))
