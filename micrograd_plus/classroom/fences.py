"""Fences around a submission, set up inside of the process that runs it.

They protect from accidents: a loop that never ends, a list that fills the memory, a program that deletes files. They
don't protect from attackers: who wants to can get around an audit hook, and files can be read. Grade strangers' code in
a container (see `grading`).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

LARGEST_FILE = 10_000_000  # bytes of a file that is written
OPEN_FILES = 256
PR_SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/pr_set_pdeathsig.2const.html
PROCESSES = 4096  # of this user, threads among them, so it can't be low; the audit hook refuses to start any

# What Python tells an audit hook: https://docs.python.org/3/library/audit_events.html
STARTING = frozenset(
    "os.fork os.forkpty os.posix_spawn os.spawn os.system os.exec os.startfile os.startfile/2 subprocess.Popen "
    "pty.spawn _winapi.CreateProcess".split()
)
NETWORK = frozenset(
    "socket.connect socket.bind socket.getaddrinfo socket.gethostbyname socket.gethostbyaddr socket.sendto "
    "socket.sendmsg".split()
)
KILLING = frozenset(["os.kill", "os.killpg"])
# What changes files: which of the event's arguments are paths, and where a folder that they start from may stand.
CHANGING: dict[str, tuple[tuple[int, int | None], ...]] = {
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.utime": ((0, 3),),
    "shutil.rmtree": ((0, 1),),
    "shutil.move": ((0, None), (1, None)),
    "sqlite3.connect": ((0, None),),
}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

PROGRAMS, INTERNET, SIGNALS, FILES = (
    "start other programs",
    "use the network",
    "end other programs",
    "write or delete files outside of its folder",
)


def limit(memory: float, seconds: float) -> None:
    """Set the limits of the operating system; on Windows there are none. memory: bytes. seconds: of the processor."""
    try:
        import resource
    except ImportError:
        return
    wanted = {
        # Data, not address space: Graphviz as WebAssembly and PyTorch reserve many addresses that they never use.
        resource.RLIMIT_DATA: int(memory),
        resource.RLIMIT_CPU: int(seconds) + 1,
        resource.RLIMIT_FSIZE: LARGEST_FILE,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: PROCESSES,
    }
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        with suppress(ValueError, OSError):  # macOS refuses some of them
            resource.setrlimit(kind, (most, most))


def refuse(inside: list[Path], tell: Callable[[str], None]) -> None:
    """From now on, refuse what a submission has no need of, by a PermissionError that says so. It can't be undone.

    inside: folders in which files may be written. tell: called with what was tried, as "use the network".

    A PermissionError is an OSError: libraries that try whether they can do something are prepared for it.
    """
    allowed = tuple(os.path.join(os.path.realpath(folder), "") for folder in inside)
    me = os.getpid()

    def no(what: str, detail: str = "") -> None:
        tell(what)
        raise PermissionError(f"while this is graded, it can't {what}{detail}")

    def outside(path: Any, folder: Any) -> bool:
        if isinstance(path, int) or path is None:  # a file that is open already
            return False
        place = os.fsdecode(path)
        if isinstance(folder, int) and folder >= 0:
            place = os.path.join(_path_of(folder), place)
        real = os.path.realpath(place)
        return real != os.devnull and not os.path.join(real, "").startswith(allowed)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & WRITES and outside(path, None):
                no(FILES, f": {path!r}")
        elif event in CHANGING:
            for place, folder in CHANGING[event]:
                start = arguments[folder] if folder is not None and folder < len(arguments) else None
                if outside(arguments[place], start):
                    no(FILES, f": {arguments[place]!r}")
        elif event in STARTING:
            no(PROGRAMS)
        elif event in NETWORK:
            no(INTERNET)
        elif event in KILLING and arguments[0] != me:
            no(SIGNALS)

    sys.addaudithook(watch)
    _refuse_to_fork(partial(no, PROGRAMS))


def _refuse_to_fork(refuse: Callable[..., Any]) -> None:
    """Close the one way to start a program that no audit hook is told of: multiprocessing takes it for "spawn"."""
    with suppress(ImportError):  # Windows has none
        import _posixsubprocess

        # subprocess has a name of its own for it, and is told of by the audit hook.
        _posixsubprocess.fork_exec = lambda *arguments: refuse()


def end_with(parent: int) -> None:
    """From now on, end this process when the one that started it ends: nobody would be left to stop it."""
    if sys.platform.startswith("linux"):
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it has ended already
            os._exit(1)
    elif hasattr(os, "fork"):
        threading.Thread(target=_end_after, args=[parent], daemon=True).start()


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _path_of(descriptor: int) -> str:
    """The path of an open folder, where the system tells; else the current one."""
    with suppress(OSError):
        return os.readlink(f"/proc/self/fd/{descriptor}")
    return os.getcwd()
