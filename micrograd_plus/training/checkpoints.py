"""Checkpoints: a model's numbers in a file, which is always whole."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from ..nn import Module
from .callbacks import State, Watch


class Checkpoint(Watch):
    """Keep a model's numbers in a file: those of the last epoch, or with `monitor` those of the best.

    path: a file, "model.npz" (Tensors) or "model.json" (Values); or a folder, which gets last.npz, or best.npz (.json).
    mode: as for EarlyStopping. `load_checkpoint` reads it. A file that can't be written leaves the old one untouched.
    """

    def __init__(self, path: str | os.PathLike, monitor: str | None = None, mode: str = "auto"):
        super().__init__(monitor or "", mode)
        self.path = Path(path)

    def on_train_begin(self, state: State) -> None:
        """Settle the file's name, and refuse one that doesn't suit the model, before any time is spent."""
        super().on_train_begin(state)
        if not self.path.suffix or self.path.is_dir():
            self.path /= ("best" if self.monitor else "last") + _suffix(state.model)
        _check(self.path, state.model)

    def on_epoch_end(self, state: State) -> None:
        """Write, if there is something to keep."""
        if not self.monitor or self.improves(state):
            save_checkpoint(self.path, state.model)


def save_checkpoint(path: str | os.PathLike, model: Module) -> None:
    """Write all numbers of a model into a file: .npz for Tensors, .json for Values. A folder is made if needed.

    The file is replaced at once when all is written, so there is never half of one. ValueError for another ending.

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
    state = model.state_dict()
    if path.suffix == ".json":
        text = json.dumps(state, indent=0)
        _write_whole(path, lambda file: file.write(text.encode()))
    else:
        _write_whole(path, lambda file: _write_arrays(file, state))


def load_checkpoint(path: str | os.PathLike, model: Module) -> Module:
    """Give a model the numbers in a file, and return it. ValueError if they belong to another model."""
    path = Path(path)
    _check(path, model)
    if path.suffix == ".json":
        return model.load_state_dict(json.loads(path.read_text(encoding="utf-8")))
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        return model.load_state_dict({name: a if a.ndim else a.item() for name, a in arrays.items()})


def _suffix(model: Module) -> str:
    return ".npz" if any(hasattr(numbers, "shape") for numbers in model.state_dict().values()) else ".json"


def _check(path: Path, model: Module) -> None:
    want = _suffix(model)
    if path.suffix != want:
        kind = "arrays" if want == ".npz" else "single numbers"
        raise ValueError(f"a model of {kind} is kept in a file that ends in {want}, got {path.name!r}")


def _write_arrays(file: BinaryIO, state: dict[str, Any]) -> None:
    """What numpy.load reads as .npz: a zip file of arrays. (numpy.savez can't be kept from pickling before 2.2.)"""
    import numpy as np

    with zipfile.ZipFile(file, "w") as archive:
        for name, numbers in state.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(numbers), allow_pickle=False)


def _write_whole(path: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Write beside the file, then put it in its place in one move."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
