"""A process for one submission: made, watched, ended; what it found is read from a file."""

from __future__ import annotations

import json
import os
import shutil
import signal
import site
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEMORY = 2_000_000_000  # bytes
CELLS_IN_TIME = 6  # a submission gets this many times the limit for an exercise or a cell
STARTING = 10.0  # seconds for Python itself to start, on a busy machine
POLL = 0.02  # seconds between two looks at the process
DISK = 500_000_000  # bytes that its folder may hold
MOST_FILES = 50_000  # that may be in its folder
LOOK = 1.0  # seconds between two looks at the folder
LARGEST_CACHE = 20_000_000  # bytes of a cache that is copied for it

FINISHED, OUT_OF_TIME, DIED, NOT_STARTED, INTERRUPTED = "finished", "out of time", "died", "not started", "interrupted"
DISK_FULL = "disk full"  # its folder had grown too large
ENDED = "ended"  # by itself; the last thing that it wrote down tells whether it was finished

CACHES = ".cache"  # in its home folder

# All that a submission's process is told of this machine. No tokens, no passwords, not whose machine it is.
PASSED_ON = (
    "PATH",
    "LANG",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SYSTEMROOT",
    "WINDIR",
    "NUMBER_OF_PROCESSORS",
    "PROCESSOR_ARCHITECTURE",
)


@dataclass(frozen=True)
class Ran:
    """What became of a submission's process.

    end: FINISHED, OUT_OF_TIME, DISK_FULL, DIED, NOT_STARTED or INTERRUPTED. lines: what it found, see `child`. code:
    its exit code, below 0 for a signal. says: the end of what it wrote to stderr. seconds: how long it took.
    """

    end: str
    lines: tuple[dict[str, Any], ...]
    code: int
    says: str
    seconds: float

    def all(self, key: str) -> list[Any]:
        """What was found under a key, in its order."""
        return [line[key] for line in self.lines if key in line]

    @property
    def last_place(self) -> str:
        """Where it was when it ended, as "code cell 4"; "" if nowhere."""
        places = self.all("at")
        return str(places[-1]) if places else ""


def wall_limit(timeout: float) -> float:
    """The seconds that a whole submission gets, where `timeout` is the limit for an exercise or a cell."""
    return CELLS_IN_TIME * timeout


def run(
    job: Mapping[str, Any],
    files: Mapping[str, Path],
    *,
    timeout: float,
    memory: float = MEMORY,
    stop: threading.Event | None = None,
) -> Ran:
    """Run a submission in a process of its own, in a temporary folder with copies of `files`.

    job: "cells", "script", "one_by_one", "wanted", "seed", "skip" (places) for `child`, and "folder": where in the
    temporary folder it runs.
    files: {path in the temporary folder: the file that is copied}. timeout: seconds for each exercise and each cell;
    the whole is stopped after CELLS_IN_TIME times as long. memory: bytes. stop: when it is set, the process is ended.
    """
    # A process that was stopped may have left files that nobody may delete; on Windows, files that are still open.
    with tempfile.TemporaryDirectory(prefix="micrograd-plus-", ignore_cleanup_errors=True) as made:
        root = Path(made).resolve()
        work, home = root / "work", root / "home"
        for folder in (work / job["folder"], home):
            folder.mkdir(parents=True)
        _copy(files, work)
        _copy_caches(home / CACHES)
        findings = root / "findings.jsonl"
        wall = wall_limit(timeout) + STARTING
        asked = {
            **job,
            "folder": str(work / job["folder"]),
            "findings": str(findings),
            "timeout": timeout,
            "memory": memory,
            "seconds": 2 * wall,  # of the processor, should nobody be left to stop it
            "writable": [str(work), str(home)],
            "parent": os.getpid(),
        }
        (root / "job.json").write_text(json.dumps(asked), encoding="utf-8")
        begun = time.monotonic()
        with open(root / "stderr.txt", "wb") as errors:
            end, code = _watched(_start(root, home, errors), begun + wall, stop or threading.Event(), root)
        seconds = time.monotonic() - begun
        lines = _lines(findings)
        if end == ENDED:
            end = FINISHED if _has(lines, "done") else DIED if _has(lines, "started") else NOT_STARTED
        says = (root / "stderr.txt").read_bytes()[-2000:].decode("utf-8", "replace").strip()
        return Ran(end, lines, code, says, seconds)


def _copy(files: Mapping[str, Path], work: Path) -> None:
    for name, source in files.items():
        target = work / name
        with suppress(OSError):  # a file that can't be read isn't there for the submission either
            if stat.S_ISREG(source.lstat().st_mode):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)


def _start(root: Path, home: Path, errors: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", f"{__package__}.child", str(root / "job.json")],
        cwd=root,
        env=_environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        start_new_session=True,  # a group of its own, so that all of it can be ended, and it can't end us
    )


def _environment(home: Path) -> dict[str, str]:
    """The variables that a submission's process sees."""
    kept = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("LC_")}
    places = {name: str(home) for name in ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP")}
    ours = str(Path(__file__).resolve().parents[2])  # where this very micrograd_plus is
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL", "NUMBA")}
    caches = {"XDG_CACHE_HOME": str(home / CACHES)}
    if not sys.platform.startswith("linux"):
        caches["MPLCONFIGDIR"] = str(home / CACHES / "matplotlib")
    return {
        **kept,
        **places,
        **threads,
        **caches,
        "PYTHONPATH": ours,
        "PYTHONUSERBASE": site.getuserbase(),  # it would be looked for in the new home
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "Agg",
    }


def _copy_caches(target: Path) -> None:
    """Copy the caches that take seconds to be made anew: what matplotlib knows of fonts, and Graphviz compiled.

    Copies, since a submission must not change what other programs run later.
    """
    home = Path(os.path.expanduser("~"))
    ours = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    fonts = ours / "matplotlib" if sys.platform.startswith("linux") else home / ".matplotlib"
    for name, source in (("matplotlib", fonts), ("wasmtime", ours / "wasmtime")):
        files = files_in(source, LARGEST_CACHE)
        _copy({f"{name}/{place}": path for place, path in files.items()}, target)


def _watched(process: subprocess.Popen[bytes], end: float, stop: threading.Event, folder: Path) -> tuple[str, int]:
    """Wait for the process, end its whole group, and say how it went. folder: what must not grow too large."""
    why, looked = ENDED, time.monotonic()
    try:
        while not _has_ended(process):
            if stop.is_set() or time.monotonic() > end:
                why = INTERRUPTED if stop.is_set() else OUT_OF_TIME
                break
            if time.monotonic() > looked + LOOK:
                if _is_too_large(folder):
                    why = DISK_FULL
                    break
                looked = time.monotonic()
            time.sleep(POLL)
    finally:
        _kill(process)
    return why, process.wait()


def _is_too_large(folder: Path) -> bool:
    """Whether a folder, which may change meanwhile, holds more than DISK or more than MOST_FILES."""
    size = count = 0
    for here, folders, names in os.walk(folder):  # doesn't follow links
        for name in (*folders, *names):
            with suppress(OSError):  # deleted since
                status = os.lstat(os.path.join(here, name))
                # What it takes on the disk, where the system says so: a file with holes is larger than that.
                size += status.st_blocks * 512 if hasattr(status, "st_blocks") else status.st_size
            count += 1
            if size > DISK or count > MOST_FILES:
                return True
    return False


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has; without letting go of its number, which its group still has."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it started."""
    with suppress(ProcessLookupError, PermissionError):  # macOS says so of a group that has ended
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _lines(path: Path) -> tuple[dict[str, Any], ...]:
    """The lines of the file of findings. One that was cut off is left out."""
    found = []
    with suppress(OSError):
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            with suppress(ValueError, RecursionError):
                if isinstance(read := json.loads(line), dict):
                    found.append(read)
    return tuple(found)


def _has(lines: Sequence[Mapping[str, Any]], key: str) -> bool:
    return any(key in line for line in lines)


def files_in(folder: Path, most: float = 100_000_000, count: int = 1000) -> dict[str, Path]:
    """The files of a folder and of those in it, by their relative paths, small ones first, up to `most` bytes in all.

    Without links, hidden files and folders, and caches.
    """
    found: list[tuple[int, str, Path]] = []
    for here, folders, names in os.walk(folder):  # doesn't follow links
        folders[:] = sorted(name for name in folders if not is_ignored(name))
        for name in sorted(names):
            path = Path(here) / name
            if not is_ignored(name) and stat.S_ISREG((status := path.lstat()).st_mode):
                found.append((status.st_size, path.relative_to(folder).as_posix(), path))
        if len(found) > 20 * count:
            break
    return _small_enough(sorted(found), most, count)


def files_beside(path: Path, most: float = 20_000_000, count: int = 500) -> dict[str, Path]:
    """A file and those in its folder, without the folders in it, by their names: see `files_in`."""
    found = [
        (status.st_size, other.name, other)
        for other in path.parent.iterdir()
        if not is_ignored(other.name) and other.name != path.name and stat.S_ISREG((status := other.lstat()).st_mode)
    ]
    return {path.name: path, **_small_enough(sorted(found), most, count)}


def _small_enough(found: Sequence[tuple[int, str, Path]], most: float, count: int) -> dict[str, Path]:
    kept, total = {}, 0
    for size, name, path in found[:count]:
        total += size
        if total > most:
            break
        kept[name] = path
    return kept


def is_ignored(name: str) -> bool:
    """Whether a file or folder is nothing that somebody handed in: hidden, a cache, or left by another program."""
    return name.startswith((".", "~$")) or name in ("__pycache__", "__MACOSX", "node_modules", "Thumbs.db", "venv")
