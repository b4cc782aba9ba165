"""Checkpoints: a model's numbers in a file, and on request all that its training needs to go on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..nn import Module
from .callbacks import Callback, Schedule, State, Watch
from .files import CheckpointError, read_file, suffix_for, write_file
from .resuming import put_back, snapshot


class Checkpoint(Watch):
    """Keep a model's numbers in a file: those of the last epoch, or with `monitor` those of the best.

    path: a file, "model.safetensors" (Tensors) or "model.json" (Values); or a folder, which gets last.safetensors, or
        best.safetensors (.json). `load_checkpoint` reads it. A file that can't be written leaves the old one untouched.
    mode: as for EarlyStopping.
    resume: True keeps what training itself needs as well (the optimiser, schedules, early stopping, the history, the
        state of Python's `random` and of the shuffling), and goes on after the last epoch in the file, if there is one.
        So the same cell, or program, once more goes on after Ctrl-C or a crash, to the same numbers, to the last bit,
        as if nothing had happened; when all epochs are done, it gives the trained model at once. More epochs go on
        further; for a new start delete the file. A loader or callback of your own takes part if it has state_dict() (of
        numbers, text, lists, dicts and arrays, which a .json file gives back as lists) and load_state_dict(state).
        ValueError, saying what differs, where the file belongs to another model, optimiser or batch size.

    >>> import os, tempfile
    >>> from micrograd_plus import data, nn, training
    >>> def train(epochs):
    ...     model = nn.MLP(2, [4, 1], seed=1)
    ...     return training.fit(model, data.xor(), loss="mse", optimizer="adam", epochs=epochs, seed=0, progress=False,
    ...                         callbacks=[training.Checkpoint(path, resume=True)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "xor.json")
    ...     first, all_of_it = train(epochs=2), train(epochs=5)
    >>> len(first), all_of_it["epoch"], all_of_it["loss"][:2] == first["loss"]
    (2, [1, 2, 3, 4, 5], True)
    """

    def __init__(
        self, path: str | os.PathLike, monitor: str | None = None, mode: str = "auto", *, resume: bool = False
    ):
        super().__init__(monitor or "", mode)
        if not isinstance(resume, bool):
            raise TypeError(f"Checkpoint: resume is True or False, got {resume!r}")
        if resume and monitor:
            raise ValueError(
                "Checkpoint: training goes on from its last epoch, not from its best: use two, "
                f"[Checkpoint(…, monitor={monitor!r}), Checkpoint(…, resume=True)]"
            )
        self.path, self.resume = Path(path), resume
        self._kept: tuple | None = None  # what the file held when training began: numbers, and the training's state

    def settle(self, model: Module) -> None:
        """The file's name; ValueError for one that doesn't suit the model."""
        if not self.path.suffix or self.path.is_dir():
            self.path /= ("best" if self.monitor else "last") + suffix_for(model.state_dict())
        _check(self.path, model)

    def open(self, model: Module) -> dict[str, Any]:
        """The settings of the training in the file, {} where there is none. ValueError if it can't be gone on from."""
        self.settle(model)
        self._kept = read_file(self.path) if self.path.exists() else None
        if self._kept is None:
            return {}
        training = self._kept[1]
        if not isinstance(training, dict) or "settings" not in training:
            raise CheckpointError(
                f"{self.path} holds a model, but not what its training needs to go on (it was written without "
                "resume=True). Give another path, and the model these numbers with load_checkpoint; or delete the file"
            )
        return training["settings"]

    def on_train_begin(self, state: State) -> None:
        """Settle the file's name before any time is spent; put everything back, if training is to go on."""
        super().on_train_begin(state)
        self.settle(state.model)
        if any(c is not self and isinstance(c, Checkpoint) and c.path == self.path for c in state.callbacks):
            raise ValueError(f"two Checkpoints write {self.path}, each over the other's: give each its own path")
        if self._kept:
            (numbers, training), self._kept = self._kept, None
            try:
                put_back(state, numbers, training)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise CheckpointError(f"training can't go on from {self.path}: {error}") from error

    def on_epoch_end(self, state: State) -> None:
        """Write, if there is something to keep."""
        if not self.monitor or self.improves(state):
            training = snapshot(state) if self.resume else None
            write_file(self.path, state.model.state_dict(), training)


def resuming_one(callbacks: list[Callback], optimizer: Any) -> Checkpoint | None:
    """The Checkpoint that training goes on from, if there is one; it comes last, to keep what the others came to."""
    found = [c for c in callbacks if isinstance(c, Checkpoint) and c.resume]
    if not found:
        return None
    if len(found) > 1:
        raise ValueError(f"training can go on from one file only: {' or '.join(str(c.path) for c in found)}?")
    for thing in (optimizer, *(c.scheduler for c in callbacks if isinstance(c, Schedule))):
        if not (hasattr(thing, "state_dict") and hasattr(thing, "load_state_dict")):
            raise TypeError(
                f"Checkpoint(…, resume=True): {type(thing).__name__} has no state_dict and load_state_dict, so what it "
                "remembers can't be kept; the optimisers and schedules of optim have them"
            )
    callbacks.sort(key=lambda callback: callback in found)
    return found[0]


def save_checkpoint(path: str | os.PathLike, model: Module) -> None:
    """Write all numbers of a model into a file: .safetensors for Tensors, .json for Values. Folders are made if needed.

    The file is replaced at once when all is written, so there is never half of one. ValueError for another ending.
    A safetensors file (https://github.com/huggingface/safetensors) holds tensors by name and nothing else, so it is
    safe to open. PyTorch reads it: `model.load_state_dict(safetensors.torch.load_file(path))`. (Of a file that holds a
    training's state drop what begins with "training.".)

    >>> import os, tempfile
    >>> from micrograd_plus import nn
    >>> model = nn.MLP(2, [3, 1], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.json")
    ...     save_checkpoint(path, model)
    ...     copy = load_checkpoint(path, nn.MLP(2, [3, 1]))
    >>> copy.state_dict() == model.state_dict()
    True
    """
    path = Path(path)
    _check(path, model)
    write_file(path, model.state_dict())


def load_checkpoint(path: str | os.PathLike, model: Module) -> Module:
    """Give a model the numbers in a file, and return it. ValueError if they belong to another model.

    Reads .npz as well, which earlier versions wrote; of a training's state it takes the model alone.
    """
    path = Path(path)
    if path.suffix != ".npz" or suffix_for(model.state_dict()) == ".json":
        _check(path, model)
    numbers, _ = read_file(path)
    return model.load_state_dict({k: n.item() if getattr(n, "shape", None) == () else n for k, n in numbers.items()})


def _check(path: Path, model: Module) -> None:
    want = suffix_for(model.state_dict())
    if path.suffix != want:
        kind = "arrays" if want == ".safetensors" else "single numbers"
        folder = ", a folder: name the file in it" if path.is_dir() else ""
        raise ValueError(f"a model of {kind} is kept in a file that ends in {want}, got {path.name!r}{folder}")
