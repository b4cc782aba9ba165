"""Data sets drawn from a formula: as many points as you like, few enough dimensions to look at, no file.

Each returns `(X, y)`, points and what is to be learnt about them: NumPy arrays, or lists of the same numbers
where NumPy can't be had. The same `seed` gives the same points on every computer. `noise` is the standard
deviation of the Gaussian noise on every coordinate, in the units of the coordinates. A wrong argument raises
ValueError or TypeError.
"""

import random
from collections.abc import Iterable, Sequence
from math import cos, pi, sin
from typing import Any

from .arguments import generator, got, real, spread_of, whole

Point = Sequence[float]


def make_moons(n_samples: int = 100, noise: float = 0.1, seed: int | None = 0) -> tuple[Any, Any]:
    """Two half circles of radius 1 that reach into each other: 0 the upper moon, 1 the lower.

    X is `(n_samples, 2)` floats, y `(n_samples,)` integers; the geometry is scikit-learn's.

    >>> X, y = make_moons(200)
    >>> X.shape, y.shape, sorted(set(y.tolist()))
    ((200, 2), (200,), [0, 1])
    """
    upper, lower = _shares(n_samples, 2)
    return _classes(
        [
            [(cos(pi * t), sin(pi * t)) for t in _steps(upper)],
            [(1 - cos(pi * t), 0.5 - sin(pi * t)) for t in _steps(lower)],
        ],
        noise,
        generator(seed),
    )


def make_circles(
    n_samples: int = 100, noise: float = 0.05, factor: float = 0.5, seed: int | None = 0
) -> tuple[Any, Any]:
    """A circle of radius 1, labelled 0, around one of radius `factor`, labelled 1.

    X is `(n_samples, 2)` floats, y `(n_samples,)` integers; the geometry is scikit-learn's.

    >>> X, y = make_circles(4, noise=0)
    >>> abs(X[y == 1]).max(axis=1)
    array([0.5, 0.5])
    """
    factor = real("factor", factor, 0.5, "a number from 0 up to, but not including, 1", lambda v: 0 <= v < 1)
    circles = [
        [(radius * cos(2 * pi * i / n), radius * sin(2 * pi * i / n)) for i in range(n)]
        for radius, n in zip((1.0, factor), _shares(n_samples, 2), strict=True)
    ]
    return _classes(circles, noise, generator(seed))


def make_spirals(
    n_samples: int = 100, noise: float = 0.1, n_classes: int = 2, turns: float = 1.0, seed: int | None = 0
) -> tuple[Any, Any]:
    """Spiral arms that wind `turns` times around the origin, out to a radius of 2: one arm a class.

    X is `(n_samples, 2)` floats, y `(n_samples,)` integers from 0 to `n_classes - 1`.

    >>> X, y = make_spirals(300, n_classes=3)
    >>> X.shape, sorted(set(y.tolist()))
    ((300, 2), [0, 1, 2])
    """
    turns = real("turns", turns, 1.0)
    arms = whole("n_classes", n_classes, example=2)
    spirals = []
    for arm, n in enumerate(_shares(n_samples, arms)):
        angles = [(t, 2 * pi * (arm / arms + turns * t)) for t in _steps(n)]
        spirals.append([(2 * t * cos(angle), 2 * t * sin(angle)) for t, angle in angles])
    return _classes(spirals, noise, generator(seed))


def make_blobs(
    n_samples: int = 100,
    centers: int | Sequence[Point] = 3,
    n_features: int = 2,
    spread: float = 1.0,
    seed: int | None = 0,
) -> tuple[Any, Any]:
    """Round clouds of points, one a class, with standard deviation `spread` about their centres.

    `centers` is how many, thrown at random into the box from -10 to 10, or the points themselves (then
    `n_features` is what they have). X is `(n_samples, n_features)` floats, y `(n_samples,)` integers.

    >>> X, y = make_blobs(4, centers=[(-2, 1), (2, 3)], spread=0)
    >>> X[y == 1]
    array([[2., 3.],
           [2., 3.]])
    """
    rng = generator(seed)
    spread = spread_of("spread", spread, example=1.0)
    middles: list[Point]
    if isinstance(centers, Iterable):
        sizes = {len(center) if isinstance(center, Iterable) else 0 for center in centers}
        if len(sizes) != 1 or 0 in sizes:
            raise ValueError(f"centers must be points of one size, {got(centers)}; try [(-2, 0), (2, 0)]")
        middles = [[real("centers", x, 0.0) for x in center] for center in centers]
    else:
        count, features = whole("centers", centers, example=3), whole("n_features", n_features, example=2)
        middles = [[rng.uniform(-10, 10) for _ in range(features)] for _ in range(count)]
    shares = _shares(n_samples, len(middles))
    return _classes([[center] * n for center, n in zip(middles, shares, strict=True)], spread, rng)


def xor(n_samples: int = 4, noise: float = 0.0, seed: int | None = 0) -> tuple[Any, Any]:
    """The corners of the unit square, labelled 1 where exactly one coordinate is 1.

    No straight line tells the labels apart. Samples come in the order of the truth table, again and again.
    X is `(n_samples, 2)` floats, y `(n_samples,)` integers.

    >>> X, y = xor()
    >>> for (a, b), label in zip(X, y): print(a, b, label)
    0.0 0.0 0
    0.0 1.0 1
    1.0 0.0 1
    1.0 1.0 0
    """
    rng, noise = generator(seed), spread_of("noise", noise, example=0.1)
    corners = [(i // 2 % 2, i % 2) for i in range(whole("n_samples", n_samples, example=4))]
    X = [[_blur(a, noise, rng), _blur(b, noise, rng)] for a, b in corners]
    return _arrays(X, [a ^ b for a, b in corners], "int64")


def linear(
    n_samples: int = 100, slope: float = 2.0, intercept: float = 1.0, noise: float = 0.1, seed: int | None = 0
) -> tuple[Any, Any]:
    """Points about the line y = slope · x + intercept, x anywhere from -1 to 1, the noise on y alone.

    X and y are `(n_samples, 1)` floats.

    >>> X, y = linear(50, slope=3, intercept=-1, noise=0)
    >>> bool(abs(y - (3 * X - 1)).max() < 1e-9)
    True
    """
    line = (real("intercept", intercept, 1.0), real("slope", slope, 2.0))
    return polynomial(n_samples, line, noise, seed)


def polynomial(
    n_samples: int = 100,
    coefficients: Sequence[float] = (0, -3, 0, 4),
    noise: float = 0.1,
    seed: int | None = 0,
) -> tuple[Any, Any]:
    """Points about the curve y = c0 + c1 · x + c2 · x² + …, x anywhere from -1 to 1, the noise on y alone.

    `coefficients` start with c0, the constant; the default, 4x³ - 3x, rises and falls between -1 and 1.
    X and y are `(n_samples, 1)` floats.

    >>> X, y = polynomial(50, coefficients=(1, 0, 2), noise=0)
    >>> bool(abs(y - (1 + 2 * X**2)).max() < 1e-9)
    True
    """
    rng, noise = generator(seed), spread_of("noise", noise, example=0.1)
    if not hasattr(coefficients, "__len__") or not len(coefficients):
        raise ValueError(f"coefficients must be one or more numbers, {got(coefficients)}; try (1, 0, 2)")
    powers = [real("coefficients", c, 1.0) for c in coefficients]
    xs = [rng.uniform(-1, 1) for _ in range(whole("n_samples", n_samples, example=100))]
    ys = [_blur(sum(c * x**k for k, c in enumerate(powers)), noise, rng) for x in xs]
    return _arrays([[x] for x in xs], [[y] for y in ys], "float64")


def _shares(n_samples: int, k: int) -> list[int]:
    """How many of the samples each of `k` classes gets: as equal as can be, the last ones getting more."""
    n = whole("n_samples", n_samples, example=100)
    return [n * (c + 1) // k - n * c // k for c in range(k)]


def _steps(n: int) -> list[float]:
    """`n` even steps from 0 to 1, both included."""
    return [i / max(n - 1, 1) for i in range(n)]


def _classes(classes: Sequence[Sequence[Point]], noise: float, rng: random.Random) -> tuple[Any, Any]:
    """The points of class 0, class 1, … blurred by `noise`, labelled, and shuffled."""
    noise = spread_of("noise", noise, example=0.1)
    samples = [(point, label) for label, points in enumerate(classes) for point in points]
    rng.shuffle(samples)
    X = [[_blur(x, noise, rng) for x in point] for point, _ in samples]
    return _arrays(X, [label for _, label in samples], "int64")


def _blur(x: float, noise: float, rng: random.Random) -> float:
    """`x` with noise; 12 decimals, for the last bits of sin and log differ from one platform to the next."""
    return round(rng.gauss(x, noise), 12)


def _arrays(X: list[list[float]], y: list[Any], kind: str) -> tuple[Any, Any]:
    """`X` and `y` as NumPy arrays, or as they are where there is no NumPy."""
    try:
        import numpy as np
    except ImportError:
        return X, y
    return np.array(X, dtype="float64"), np.array(y, dtype=kind)
