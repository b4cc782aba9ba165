"""Checkpoints: a model's numbers in a file, and on request all that its training needs to go on."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..nn import Module
from .callbacks import Callback, Schedule, State, Watch
from .contents import checked
from .files import CheckpointError, write_file
from .resuming import put_back, snapshot
from .saving import Saved, load, named
from .scopes import remembered


class Checkpoint(Watch):
    """Keep a model's numbers in a file: those of the last epoch, or with `monitor` those of the best.

    path: a file, "model.safetensors"; or a folder, which gets last.safetensors, or best.safetensors. `load` reads it.
        Whether it can be written is tried before training begins. The old file is replaced in one move when the new
        one is whole, so whenever the program is killed, one of them is there.
    mode: as for EarlyStopping.
    resume: True keeps what training itself needs as well (the optimiser, schedules, early stopping, the history, what
        is frozen, the state of Python's `random` and of the shuffling), and goes on after the last epoch in the file,
        if there is one. So the same cell, or program, once more goes on after Ctrl-C or a crash, to the same numbers,
        to the last bit, as if nothing had happened; when all epochs are done, it gives the trained model at once. More
        epochs go on further; for a new start delete the file (without resume=True, it is not written over). A loader or
        callback of your own takes part if it has state_dict() (of numbers, text, lists, dicts and arrays; tuples come
        back as lists) and load_state_dict(state). CheckpointError (a ValueError), saying what differs, where the file
        belongs to another model, optimiser or batch size, or is damaged; everything is then as it was before.

    >>> import os, tempfile
    >>> from micrograd_plus import data, nn, training
    >>> def train(epochs):
    ...     model = nn.MLP(2, [4, 1], seed=1)
    ...     return training.fit(model, data.xor(), loss="mse", optimizer="adam", epochs=epochs, seed=0, progress=False,
    ...                         callbacks=[training.Checkpoint(path, resume=True)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "xor.safetensors")
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
        self._saved: Saved | None = None  # what the file held when training began
        self._undo: Callable[[], None] = remembered()

    def settle(self) -> None:
        """The file's name; ValueError for one that says that it is something else."""
        if not self.path.suffix or self.path.is_dir():
            self.path /= ("best" if self.monitor else "last") + ".safetensors"
        named(self.path)

    def open(self, model: Module, optimizer: Any, callbacks: list[Callback]) -> dict[str, Any]:
        """The settings of the training in the file, {} where there is none. ValueError if it can't be gone on from."""
        self.settle()
        self._saved = load(self.path) if self.path.exists() else None
        if self._saved is None:
            return {}
        if self._saved.training is None:
            raise CheckpointError(
                f"{self.path} holds a model, but not what its training needs to go on (it was written without "
                "resume=True). Give another path, and the model these numbers with load; or delete the file"
            )
        self._undo = remembered(model, optimizer, *callbacks)
        return self._saved.training["settings"]

    def on_train_begin(self, state: State) -> None:
        """Settle the file's name before any time is spent; put everything back, if training is to go on."""
        super().on_train_begin(state)
        self.settle()
        if any(c is not self and isinstance(c, Checkpoint) and c.path == self.path for c in state.callbacks):
            raise ValueError(f"two Checkpoints write {self.path}, each over the other's: give each its own path")
        if self._saved:
            saved, self._saved = self._saved, None
            undo = remembered(*state.loaders)
            try:
                put_back(state, saved)
            except BaseException as error:
                undo()
                self._undo()  # also what the other callbacks' on_train_begin has forgotten
                if not isinstance(error, Exception):
                    raise
                raise CheckpointError(f"training can't go on from {self.path}: {error}") from error
        elif not self.resume:
            self._spare_a_training()
        self._write(state, only_try=True)

    def on_epoch_end(self, state: State) -> None:
        """Write, if there is something to keep."""
        if not self.monitor or self.improves(state):
            self._write(state)

    def _write(self, state: State, only_try: bool = False) -> None:
        tree = snapshot(state) if self.resume else {}
        checked(tree)  # what is written can be read
        write_file(self.path, state.model.state_dict(), tree, only_try)

    def _spare_a_training(self) -> None:
        """CheckpointError where the file is a training that can be gone on from: nobody asked to write over that."""
        saved = None
        with suppress(OSError, CheckpointError):  # there is no file, or none that could be gone on from
            saved = load(self.path)
        if saved and saved.training:
            raise CheckpointError(
                f"{self.path} holds a training of {saved.training['epoch']} epochs that can be gone on from: "
                "Checkpoint(…, resume=True) does that. Give another path; or, to start afresh, delete the file"
            )


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
