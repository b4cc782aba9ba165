"""Files of numbers, in the format safetensors: https://huggingface.co/docs/safetensors. Nothing in one can run.

A file is eight bytes, which say how long the header is; the header, which is JSON; and then the numbers, one tensor
after another, as they lie in memory:

    {"__metadata__": {…texts…}, "0.weight": {"dtype": "F64", "shape": [8, 2], "data_offsets": [0, 128]}, …}

So little is written here by hand, and Values need no NumPy for it. What is read goes through the package safetensors
first, which refuses a header that doesn't add up before any memory is asked for.

Two texts are ours: "micrograd_plus", what belongs to the numbers (the optimiser, the step, the history …) as a tree of
dicts and lists in JSON, and "micrograd_plus.sha256", a checksum of all the rest. Arrays in the tree become tensors that
are named by their place in it ("training.optimizer.state.0.exp_avg"). No parameter has such a name: a module's
`training` is its mode.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import struct
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..data.arguments import got
from ..engine.visible import visible
from .whole import write_whole

Numbers = dict[str, Any]
Tree = dict[str, Any]
VERSION = 1  # of what the tree looks like
KEY, CHECKSUM = "micrograd_plus", "micrograd_plus.sha256"
LONGEST_HEADER = 100_000_000  # bytes, as the format has it
TENSOR = "$tensor"  # what stands in the tree for an array: {"$tensor": its name in the file}
PLACES = "training."  # how the names of the tree's arrays begin

# The format's names of dtypes, and NumPy's. Single numbers of those that Python has itself stay Python's: no NumPy.
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
          "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1"}  # fmt: skip
KINDS = {dtype: kind for kind, dtype in DTYPES.items()}
SINGLE = {"F64": ("<d", float), "I64": ("<q", int), "BOOL": ("<?", bool)}


class CheckpointError(ValueError):
    """A file that can't be used: damaged, no checkpoint, or of another model or training.

    What a file says may end up in the message, so it is cut short, and what could move a terminal's cursor is spelled.
    """

    def __init__(self, message: str):
        super().__init__(readable(message))


def readable(text: str, most: int = 2000) -> str:
    """The text on a screen: cut short, and without characters that do something there.

    >>> print(readable("weight" + chr(27) + "[31m"))
    weight\\x1b[31m
    """
    return visible(text if len(text) <= most else text[:most] + " …")


# -- writing ---------------------------------------------------------------------------------------------------


def write_file(path: Path, numbers: Mapping[str, Any], tree: Tree, only_try: bool = False) -> None:
    """Write named numbers, and what belongs to them. TypeError or ValueError for what the format has no place for."""
    taken_out: Numbers = {}
    tree = _arrays_taken_out({"version": VERSION, **tree}, PLACES[:-1], taken_out)
    if clash := [name for name in numbers if isinstance(name, str) and name.startswith(PLACES)]:
        raise ValueError(f"{clash[0]!r} can't be kept: names that begin with {PLACES!r} are for what training needs")
    write_whole(path, to_bytes({**numbers, **taken_out}, tree), only_try)


def to_bytes(numbers: Mapping[str, Any], tree: Tree) -> list[bytes]:
    """The parts of a file, one after another."""
    tensors = {name: _tensor(name, number) for name, number in numbers.items()}
    header: dict[str, Any] = {"__metadata__": {KEY: json.dumps(tree)}}
    header |= {name: {"dtype": kind, "shape": shape} for name, (kind, shape, _) in tensors.items()}
    end, contents = 0, list[bytes]()
    for name in sorted(tensors, key=lambda name: DTYPES[tensors[name][0]][-1], reverse=True):  # wide numbers first, so
        contents.append(tensors[name][2])  # that each lies at a multiple of its width
        header[name]["data_offsets"] = [end, end := end + len(contents[-1])]
    header["__metadata__"][CHECKSUM] = _checksum(header, contents)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of 8 bytes
    return [struct.pack("<Q", len(text)), text, *contents]


def _tensor(name: str, numbers: Any) -> tuple[str, list[int], bytes]:
    """Numbers as the format has them: their dtype, their shape, their bytes."""
    if not isinstance(name, str) or not name.isprintable() or name == "__metadata__":
        raise ValueError(f"{name!r} can't be the name of numbers in a file: give them another")
    for kind, (code, python) in SINGLE.items():
        if type(numbers) is python:
            with suppress(struct.error):  # a whole number of more than 64 bits
                return kind, [], struct.pack(code, numbers)
    import numpy as np

    array = np.asarray(numbers)
    dtype = array.dtype.newbyteorder("<").str
    if dtype not in KINDS:
        raise TypeError(f"{name} can't be kept: a file holds real numbers, not dtype {array.dtype}; {got(numbers)}")
    return KINDS[dtype], list(array.shape), array.astype(dtype, copy=False).tobytes()


def _arrays_taken_out(tree: Any, name: str, arrays: Numbers) -> Any:
    """The same tree for JSON: in place of each array {"$tensor": its name}; the arrays go into `arrays`."""
    if hasattr(tree, "dtype"):
        if name in arrays:
            raise ValueError(f"two arrays would be called {name!r}, as a key has a dot in it: name it otherwise")
        arrays[name] = tree
        return {TENSOR: name}
    if isinstance(tree, Mapping):
        if TENSOR in tree or len(set(map(str, tree))) < len(tree):
            raise ValueError(f"{name} can't be kept: a key is {TENSOR!r}, or a number and a text are the same key")
        return {str(key): _arrays_taken_out(part, f"{name}.{key}", arrays) for key, part in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_arrays_taken_out(part, f"{name}.{i}", arrays) for i, part in enumerate(tree)]
    if tree is None or isinstance(tree, (bool, int, float, str)):
        return tree
    raise TypeError(f"{name} can't be kept: a file holds numbers, text, lists, dicts and arrays; {got(tree)}")


# -- reading ---------------------------------------------------------------------------------------------------


def read_file(path: Path) -> tuple[Numbers, Tree | None, dict[str, str]]:
    """Named numbers, what belongs to them (None in a file of another program), and the file's other texts.

    OSError where there is no file to be read; CheckpointError for one that is damaged, or none of this format.
    """
    try:
        return _contents(*_header_and_bytes(path))
    except (OSError, ImportError, CheckpointError):
        raise  # they say what is wrong themselves
    except Exception as error:  # whatever a library says of bytes that it doesn't understand
        raise CheckpointError(
            f"{path} can't be read: it is damaged, or no safetensors file ({str(error) or type(error).__name__}). Give "
            "another path; or, to start afresh, delete it"
        ) from error


def _header_and_bytes(path: Path) -> tuple[dict[str, Any], bytes]:
    """The header, and all bytes of the file, which are read only if they are as many as the header says."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise CheckpointError(f"{path} is {'a folder: name the file in it' if path.is_dir() else 'no ordinary file'}")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size  # of this very file: by now another may have taken its place
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length > min(size - 8, LONGEST_HEADER):
            raise ValueError(_what_it_is(start))
        header = json.loads(file.read(length), object_pairs_hook=_dict_without_twins)
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        if 8 + length + max(ends, default=0) != size:
            raise ValueError("it isn't as long as its header says")
        file.seek(0)
        return header, file.read(size)


def _what_it_is(start: bytes) -> str:
    """Files that people try, known by their first bytes."""
    if start.startswith(b"PK"):
        return "it is a zip archive, as np.savez and torch.save write; in PyTorch use safetensors.torch.save_file"
    if start.startswith(b"\x80"):
        return "it is a pickle, which could run any program when it is opened, so nothing here opens it"
    if start.startswith(b"\x93NUMPY"):
        return "it is an array of np.save's: np.load reads it"
    return "it ends before its header does"


def _contents(header: dict[str, Any], content: bytes) -> tuple[Numbers, Tree | None, dict[str, str]]:
    """What `read_file` gives, of all bytes of a file; an exception of any kind if they are no such file."""
    from safetensors import deserialize

    tensors = dict(deserialize(content))  # from here on the header is known to add up
    start = 8 + int.from_bytes(content[:8], "little")
    texts = header.get("__metadata__") or {}
    text, checksum = texts.get(KEY), texts.pop(CHECKSUM, None)
    if (text is not None or checksum is not None) and checksum != _checksum(header, [memoryview(content)[start:]]):
        raise ValueError("its checksum is wrong: it is not what was written")
    numbers = {name: _numbers(name, **tensors[name]) for name in header if name in tensors}  # in the file's order
    if text is None:
        return numbers, None, texts
    del texts[KEY]
    return numbers, _arrays_put_in(json.loads(text, object_pairs_hook=_dict_without_twins), numbers), texts


def _numbers(name: str, dtype: str, shape: list[int], data: bytearray) -> Any:
    """A tensor's numbers. A single float64, int64 or bool is Python's, all else an array."""
    if not name.isprintable():
        raise ValueError(f"it has numbers called {name!r}")
    if not shape and dtype in SINGLE:
        return struct.unpack(SINGLE[dtype][0], data)[0]
    import numpy as np

    if dtype == "BF16":  # the first half of a float32, the other half being zeros: nothing is lost
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").reshape(shape)
    if dtype == "BOOL":  # one byte each: whatever isn't 0 is True
        return (np.frombuffer(data, "u1") != 0).reshape(shape)
    if dtype not in DTYPES:
        raise ValueError(f"{name} holds numbers of dtype {dtype}, which NumPy doesn't have: convert them to F32 first")
    return np.frombuffer(data, DTYPES[dtype]).reshape(shape)


def _arrays_put_in(tree: Any, arrays: Numbers) -> Any:
    """The inverse of taking out; what is left in `arrays` are the model's numbers."""
    if isinstance(tree, dict):
        if tree.keys() == {TENSOR}:
            if not str(tree[TENSOR]).startswith(PLACES) or tree[TENSOR] not in arrays:
                raise ValueError(f"there is no tensor {tree[TENSOR]!r} for what belongs to the numbers")
            array = arrays.pop(tree[TENSOR])
            return array[()] if getattr(array, "ndim", None) == 0 else array  # one of NumPy's numbers, as it was
        return {key: _arrays_put_in(part, arrays) for key, part in tree.items()}
    return [_arrays_put_in(part, arrays) for part in tree] if isinstance(tree, list) else tree


def _checksum(header: dict[str, Any], contents: Iterable[Any]) -> str:
    """SHA-256 of what the header says, however it is written down, and of all numbers."""
    checksum = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for content in contents:
        checksum.update(content)
    return checksum.hexdigest()


def _dict_without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("it has two entries of the same name")
    return found
