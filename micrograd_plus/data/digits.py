"""Handwritten digits: the real data set that comes with the library."""

import io
from importlib.resources import files
from typing import TYPE_CHECKING

from .checked import shipped

if TYPE_CHECKING:
    import numpy as np

FILE = files("micrograd_plus.data") / "files" / "digits.npz"
SHA256 = "b2dab7b501728c22e9119ad76740b2e17c77a231e42d1e592380d90886f1a05e"


def load_digits(flat: bool = False) -> "tuple[np.ndarray, np.ndarray]":
    """The images and labels of 1,797 digits written by 13 people, 8 by 8 pixels each.

    Images are float32 from 0 (paper) to 1 (ink), shape `(1797, 8, 8)`, or `(1797, 64)` if `flat`; labels are
    int64 from 0 to 9, shape `(1797,)`. Raises ValueError if the file is damaged.

    Source: E. Alpaydin and C. Kaynak (1998), "Optical Recognition of Handwritten Digits", test part, UCI
    Machine Learning Repository, https://doi.org/10.24432/C50P49, CC BY 4.0 (see files/digits.LICENSE.txt).

    >>> images, labels = load_digits()
    >>> images.shape, images.dtype, labels[:5]
    ((1797, 8, 8), dtype('float32'), array([0, 1, 2, 3, 4]))
    """
    import numpy as np

    with np.load(io.BytesIO(shipped(FILE, SHA256)), allow_pickle=False) as digits:
        images = digits["images"].astype(np.float32) / 16
        labels = digits["labels"].astype(np.int64)
    return (images.reshape(-1, 64) if flat else images), labels
