"""Files of numbers that are always whole: .safetensors for arrays, .json for single numbers. Nothing is pickled.

Beside a model's numbers a file can hold the state of its training: a tree of dicts and lists, whose arrays become
tensors that are named by their place in it ("training.optimizer.state.0.exp_avg"); the rest is JSON, in the file's
metadata. A .json file has lists in place of arrays. No parameter has such a name: a module's `training` is its mode.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..data.arguments import got

Numbers = dict[str, Any]
KEY = "micrograd_plus"  # of the metadata: the state of training, as JSON
TENSOR = "$tensor"  # what stands there for an array: {"$tensor": its name in the file}


class CheckpointError(ValueError):
    """A file that can't be used: damaged, no checkpoint, or of another training."""


def suffix_for(numbers: Mapping[str, Any]) -> str:
    """The ending of the file that these numbers are kept in."""
    return ".safetensors" if any(hasattr(number, "shape") for number in numbers.values()) else ".json"


def write_file(path: Path, numbers: Numbers, training: dict[str, Any] | None = None) -> None:
    """Write a model's numbers and the state of its training. A file that can't be written leaves the old one."""
    if path.suffix == ".json":
        extra = {} if training is None else {"training": training}
        _write_whole(path, _as_json({**numbers, **extra}, indent=0).encode())
        return
    import numpy as np
    from safetensors.numpy import save

    arrays: Numbers = {}
    metadata = None if training is None else {KEY: _as_json(_arrays_taken_out(training, "training", arrays))}
    # order="C": what is written are the bytes as they lie in memory, and a transposed array's lie in another order
    laid_out = {name: np.asarray(n, order="C") for name, n in {**numbers, **arrays}.items()}
    _write_whole(path, save(laid_out, metadata=metadata))


def read_file(path: Path) -> tuple[Numbers, dict[str, Any] | None]:
    """A model's numbers, and the state of its training if there is one. CheckpointError for no such file."""
    try:
        if path.suffix == ".json":
            return _read_json(path)
        return _read_npz(path) if path.suffix == ".npz" else _read_safetensors(path)
    except (OSError, ImportError):
        raise  # not there, or not to be read: it says so itself
    except Exception as error:  # whatever a library says of bytes that it doesn't understand
        raise CheckpointError(
            f"{path} can't be read: it is damaged, or no checkpoint ({error}). Give another path; or, to start afresh, "
            "delete it"
        ) from error


def _read_json(path: Path) -> tuple[Numbers, dict[str, Any] | None]:
    numbers = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(numbers, dict):
        raise ValueError("there are no named numbers in it")
    return numbers, numbers.pop("training", None)


def _read_npz(path: Path) -> tuple[Numbers, None]:
    """What earlier versions wrote: arrays alone."""
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays}, None


def _read_safetensors(path: Path) -> tuple[Numbers, dict[str, Any] | None]:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        numbers = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it isn't a dict
        text = (file.metadata() or {}).get(KEY)
    return numbers, None if text is None else _arrays_put_in(json.loads(text), numbers)


def _arrays_taken_out(tree: Any, name: str, arrays: Numbers) -> Any:
    """The same tree for JSON: in place of each array {"$tensor": its name}; the arrays go into `arrays`."""
    if hasattr(tree, "dtype"):
        arrays[name] = tree
        return {TENSOR: name}
    if isinstance(tree, dict):
        return {str(key): _arrays_taken_out(part, f"{name}.{key}", arrays) for key, part in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_arrays_taken_out(part, f"{name}.{i}", arrays) for i, part in enumerate(tree)]
    return tree


def _arrays_put_in(tree: Any, arrays: Numbers) -> Any:
    """The inverse: takes the arrays out of `arrays`, so that the model's numbers are left there."""
    if isinstance(tree, dict):
        if tree.keys() == {TENSOR}:
            array = arrays.pop(tree[TENSOR])
            return array if array.ndim else array[()]  # one of NumPy's numbers, as it was
        return {key: _arrays_put_in(part, arrays) for key, part in tree.items()}
    return [_arrays_put_in(part, arrays) for part in tree] if isinstance(tree, list) else tree


def _as_json(tree: Any, **options: Any) -> str:
    def as_list(thing: Any) -> Any:
        if hasattr(thing, "tolist"):
            return thing.tolist()
        raise TypeError(f"a checkpoint holds numbers, text, lists, dicts and arrays; {got(thing)}")

    return json.dumps(tree, default=as_list, **options)


def _write_whole(path: Path, content: bytes) -> None:
    """Write beside the file, then put it in its place in one move."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
