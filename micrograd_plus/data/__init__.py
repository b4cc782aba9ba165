"""Small data sets that work offline, and the splits and batches that feed them to a model.

Imports nothing of ours. What comes as lists, and not as arrays, also works where there is no NumPy. Larger sets come
with the library where their licence allows it; others are found in the pip package that carries them, and the error
where it is absent says how to install it.
"""

from .digits import load_digits
from .faces import load_faces
from .loading import DataLoader, batches, split_each_class, standardize, train_test_split
from .mnist import load_mnist_5000
from .names import load_names
from .speech import load_japanese_vowels, load_spoken_digits
from .spelled_numbers import number_pairs, number_words
from .synthetic import (
    linear,
    make_blobs,
    make_circles,
    make_moons,
    make_spirals,
    polynomial,
    xor,
)
from .vocabulary import Vocabulary

__all__ = [
    "DataLoader",
    "Vocabulary",
    "batches",
    "linear",
    "load_digits",
    "load_faces",
    "load_japanese_vowels",
    "load_mnist_5000",
    "load_names",
    "load_spoken_digits",
    "make_blobs",
    "make_circles",
    "make_moons",
    "make_spirals",
    "number_pairs",
    "number_words",
    "polynomial",
    "split_each_class",
    "standardize",
    "train_test_split",
    "xor",
]
