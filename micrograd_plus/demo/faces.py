"""micrograd-plus demo faces: who is on a picture that the network never saw."""

from __future__ import annotations

import webbrowser
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..capstones import faces as capstone
from ..capstones.digits import nearest, scores_of
from . import terminal
from .kept import DemoError, Subject, in_plain_words, trained
from .naming import check_numbers, converse, mistakes, probabilities

SUBJECT = Subject(
    file="faces",
    title="Faces: a small convolutional network, which learned 40 people from five pictures each.",
    train=capstone.train,
    model=capstone.face_cnn,
    targets={capstone.TARGET.what: capstone.TARGET},
)
ON_THE_PAGE = 40  # pictures in the file: those named wrongly first
MARK = "made by micrograd-plus demo faces"  # in the file, so that no other is overwritten
CREDIT = "Pictures: the ORL Database of Faces, AT&T Laboratories Cambridge."


def run(
    folder: Path, which: Sequence[int] = (), *, seed: int = 0, again: bool = False, open_picture: bool = False
) -> None:
    """Train or load the network; write a picture of how it names faces, and show those asked for in the terminal.

    DemoError for a picture that isn't there.
    """
    with in_plain_words():
        X, X_test, y, people = capstone.split_faces()
    check_numbers(which, len(people), "picture")
    path = folder / "faces.png"
    with in_plain_words():
        if path.exists() and MARK.encode() not in path.read_bytes():
            raise DemoError(f"{path} is not a picture of this demo, so it stays; choose another folder with --out")
    model = trained(SUBJECT, folder, seed, again)
    shares = probabilities(scores_of(model, X_test))
    said, names = shares.argmax(axis=1), [f"person {number}" for number in range(shares.shape[1])]

    def named(i: int) -> str:
        verdict = "right" if said[i] == people[i] else f"wrong: it is {names[people[i]]}"
        learned = X[y == said[i]]  # the pictures from which it knows who this is; shown is the most similar one
        known = learned[nearest(learned, X_test[i : i + 1])[0]]
        return (
            f"Picture {i}: it says {names[said[i]]} ({verdict}).\n{terminal.bars(names, shares[i], most=3)}\n\n"
            + side_by_side(f"picture {i}", X_test[i, 0], f"{names[said[i]]}, learned", known[0])
        )

    print(f"\n{mistakes('picture', said, people, names)}")
    with in_plain_words():
        draw(path, X_test[:, 0], people, said)
    print(f"\nHow it names {ON_THE_PAGE} of them, the mistakes first: {path}\n{CREDIT}")
    if open_picture:
        webbrowser.open(path.resolve().as_uri())
    for i in which:
        print(f"\n{named(i)}")
    if not which:
        converse(len(people), "picture", named)


def side_by_side(left: str, one: np.ndarray, right: str, other: np.ndarray) -> str:
    """Two pictures in characters, each below its name."""
    wide = max(len(left), one.shape[1]) + 4
    pairs = zip(terminal.image(one).split("\n"), terminal.image(other).split("\n"), strict=True)
    return "\n".join([f"  {left:<{wide}}{right}", *(f"  {a:<{wide}}{b}".rstrip() for a, b in pairs)])


def draw(path: Path, images: np.ndarray, people: np.ndarray, said: np.ndarray) -> None:
    """A picture file of held-out faces with what the network says; the wrongly named ones come first."""
    from matplotlib.figure import Figure  # not pyplot: no window, no global state

    from ..viz import plots

    first = np.argsort(said == people, kind="stable")[:ON_THE_PAGE]
    rows = -(-len(first) // 10)
    figure = Figure(figsize=(9, 0.4 + 1.25 * rows), layout="constrained")
    # image_grid draws dark what is high, as ink on paper; in a photograph high is light
    plots.image_grid(1 - images[first], people[first], said[first], ax=figure.subplots())
    figure.savefig(path, dpi=110, metadata={"Software": MARK})
