"""A file is written whole, or not at all: whenever the program dies, the old file is there, or the new one.

The bytes go into a temporary file in the same folder; when the disk has them (fsync), that file takes the old one's
place in one move, which no other program can see half done.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PREFIX, SUFFIX = ".micrograd_plus-", ".tmp"  # of the temporary file's name; in between, something random
ABANDONED = 3600.0  # seconds in which nobody wrote to a temporary file: whoever began it has died


def write_whole(path: Path, parts: Iterable[bytes], only_try: bool = False) -> None:
    """Write the parts, one after another, as the file at `path`; missing folders are made, a symbolic link is followed.

    only_try: write beside it and leave the file as it is, to see early whether there is a way and room for it. OSError
    where there isn't; whatever goes wrong, an older file stays as it was.
    """
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _demand_ordinary(target)
        _clear_up(target.parent)
        beside = target.with_name(f"{PREFIX}{os.urandom(8).hex()}{SUFFIX}")
        try:
            with beside.open("xb") as file:  # x: never a file that is there already
                file.writelines(parts)
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                shutil.copymode(target, beside)
            if not only_try:
                os.replace(beside, target)
                _sync_folder(target.parent)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)  # a full disk doesn't say whose
        error.add_note("Nothing was kept; a file that was there is as it was. Make room, or give another path.")
        raise


def _demand_ordinary(target: Path) -> None:
    """PermissionError for what must not be replaced: a moved-in file would get round its write protection."""
    if target.exists() and not target.is_file():
        raise PermissionError(errno.EPERM, "this is no file that could be replaced", str(target))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "this file is write-protected", str(target))


def _clear_up(folder: Path) -> None:
    """Delete what programs that were killed while they wrote have left here."""
    for file in folder.glob(f"{PREFIX}*{SUFFIX}"):
        with suppress(OSError):  # somebody else has just done it
            if time.time() - file.stat().st_mtime > ABANDONED:
                file.unlink()


def _sync_folder(folder: Path) -> None:
    """Let the disk have the folder's new entry as well, where the system can do that (Windows does it by itself)."""
    if os.name != "posix":
        return
    with suppress(OSError):  # some network folders can't
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
