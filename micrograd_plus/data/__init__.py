"""Small data sets that work offline, and the splits and batches that feed them to a model.

Imports nothing of ours. All but `load_digits` and `standardize` also work where there is no NumPy.
"""

from .digits import load_digits
from .loading import DataLoader, batches, standardize, train_test_split
from .synthetic import (
    linear,
    make_blobs,
    make_circles,
    make_moons,
    make_spirals,
    polynomial,
    xor,
)

__all__ = [
    "DataLoader",
    "batches",
    "linear",
    "load_digits",
    "make_blobs",
    "make_circles",
    "make_moons",
    "make_spirals",
    "polynomial",
    "standardize",
    "train_test_split",
    "xor",
]
