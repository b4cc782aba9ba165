"""Unpacking a zip that somebody handed in: within limits, and never outside of its folder."""

from __future__ import annotations

import lzma
import os
import stat
import time
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path, PurePosixPath

MOST_BYTES = 200_000_000  # in all, unpacked
MOST_FILES = 2000
BLOCK = 1_000_000
UTF8 = 0x800  # the flag of a file in a zip whose name is written in UTF-8

# What zipfile raises where a zip is broken, or packed in a way that it does not know.
BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, EOFError, OSError, ValueError)


class UnfitZip(ValueError):  # noqa: N818 - what is wrong is the zip, and the message is shown to its author
    """A zip that isn't unpacked; the message says why, and what to do."""


def unpack(archive: Path, folder: Path, most_bytes: int = MOST_BYTES, most_files: int = MOST_FILES) -> None:
    """Unpack a zip into a folder. Links in it are left out.

    Raises UnfitZip: it is broken or has a password, a file in it would land outside of the folder, or there is more in
    it than `most_bytes` or `most_files`. What was unpacked before stays.
    """
    name = archive.name
    try:
        with zipfile.ZipFile(archive) as packed:
            entries = [entry for entry in packed.infolist() if not entry.is_dir() and not _is_link(entry)]
            if len(entries) > most_files:
                raise UnfitZip(f"{name} holds {len(entries)} files; {most_files} are unpacked at most.")
            places = [_place(_name(entry), name) for entry in entries]  # all of them before the first is written
            left = most_bytes
            for entry, place in zip(entries, places, strict=True):
                left = _write(packed, entry, folder / place, left, most_bytes, name)
                _keep_date(entry, folder / place)
    except UnfitZip:
        raise
    except BROKEN as error:
        raise UnfitZip(f"{name} can't be unpacked ({error}). It may have been cut off: pack it again.") from None
    except RuntimeError:  # what zipfile raises where a password is needed
        raise UnfitZip(f"{name} has a password. Pack it again without one.") from None


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


def _place(name: str, archive: str) -> Path:
    """Where a file of the zip belongs. Refuses names such as ../../somebody_elses_file."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or any(":" in part or "\0" in part for part in path.parts):
        raise UnfitZip(f"{archive} was not unpacked: a file in it, {name!r}, would land outside of its folder.")
    return Path(*path.parts)


def _name(entry: zipfile.ZipInfo) -> str:
    """The name of a file. Some programs (macOS, older ones) write UTF-8 without saying so, which is read as cp437."""
    if entry.flag_bits & UTF8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _keep_date(entry: zipfile.ZipInfo, path: Path) -> None:
    """The date that the zip has of it: of several files the newest is graded."""
    with suppress(OSError, ValueError, OverflowError):  # dates in a zip can be nonsense
        when = time.mktime((*entry.date_time, 0, 0, -1))
        os.utime(path, (when, when))


def _write(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, left: int, most: int, archive: str) -> int:
    """Write one file; returns how many bytes may still be written. Counts what comes out: sizes in a zip can lie."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(entry) as source, path.open("wb") as target:
        while block := source.read(BLOCK):
            left -= len(block)
            if left < 0:
                raise UnfitZip(f"{archive} holds more than can be unpacked ({most / 1e6:g} MB).")
            target.write(block)
    return left
