"""Calling a learner's code: for a limited time, with what it prints and what it raises caught."""

from __future__ import annotations

import dis
import io
import linecache
import signal
import sys
import sysconfig
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from types import FrameType
from typing import Any

PLACE = " (in "  # before the line of the learner's that an error came from
KEPT = 10_000  # characters of what was printed: an endless loop that prints must not fill the memory
AGAIN = 0.1  # seconds: code that catches everything is interrupted again and again

_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


class _OutOfTime(BaseException):
    """Raised inside the learner's code. No Exception, so that `except Exception` doesn't catch it."""


@dataclass(frozen=True)
class Outcome:
    """What became of a call.

    value: what was returned. error: the name of what was raised, "" if nothing was. says: its message and line.
    printed: what was written to stdout and stderr. timed_out: whether it was stopped.
    """

    value: Any = None
    error: str = ""
    says: str = ""
    printed: str = ""
    timed_out: bool = False


class _Kept(io.StringIO):
    """What is printed, up to a length."""

    def write(self, text: str) -> int:
        if self.tell() < KEPT:
            super().write(text[:KEPT])
        return len(text)

    def close(self) -> None:
        """Stay open: what a learner's `sys.stdout.close()` closes is this."""


def call_safely(function: Callable[..., Any], *arguments: Any, timeout: float = 5.0) -> Outcome:
    """Call a learner's function; whatever it does, the answer is an Outcome. Only Ctrl-C gets through.

    timeout: seconds. Only Python code can be stopped, not a single call of NumPy that takes long.

    >>> call_safely(lambda x: 1 / x, 0.0).error
    'ZeroDivisionError'
    """
    printed, depth = _Kept(), sys.getrecursionlimit()
    try:
        with _undisturbed(), redirect_stdout(printed), redirect_stderr(printed), time_limit(timeout):
            try:
                return Outcome(value=function(*arguments), printed=printed.getvalue())
            except (KeyboardInterrupt, _OutOfTime):
                raise
            except BaseException as error:  # also SystemExit: a learner's exit() must not end the notebook
                sys.setrecursionlimit(depth)
                return Outcome(error=type(error).__name__, says=describe(error), printed=printed.getvalue())
            finally:
                sys.setrecursionlimit(depth)  # at once: with a small one, the way out of here would be too deep
    except _OutOfTime:
        return Outcome(printed=printed.getvalue(), timed_out=True)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Puts back what a learner's code may have set for all of Python; warnings are kept quiet."""
    trace, profile, unraisable = sys.gettrace(), sys.getprofile(), sys.unraisablehook

    def unless_out_of_time(found: Any) -> None:
        """An alarm that goes off inside a __del__ gets no further than that; it goes off again soon."""
        if not isinstance(found.exc_value, _OutOfTime):
            unraisable(found)

    try:
        sys.unraisablehook = unless_out_of_time
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.unraisablehook = unraisable
        if sys.gettrace() is not trace:
            sys.settrace(trace)
        if sys.getprofile() is not profile:
            sys.setprofile(profile)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Stop what runs inside after so many seconds: by a signal where there is one, else by counting instructions."""
    by_signal = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    with _by_signal(seconds) if by_signal else _by_tracing(seconds):
        yield


@contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    running = [True]

    def stop(number: int, frame: FrameType | None) -> None:
        if running:
            raise _OutOfTime

    before, begin, left, again = signal.signal(signal.SIGALRM, stop), time.monotonic(), 0.0, 0.0
    try:
        try:
            left, again = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
            yield
        finally:
            running.clear()  # an alarm that is late must not go off in somebody else's code
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
        if left:  # another's alarm, such as that of a test runner
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - begin), 1e-6), again)


@contextmanager
def _by_tracing(seconds: float) -> Iterator[None]:
    """For threads, Windows and browsers. Lines alone won't do: `while True: pass` never comes to another line."""
    end = time.monotonic() + seconds

    def watch(frame: FrameType, event: str, argument: Any) -> Any:
        frame.f_trace_opcodes = True
        if time.monotonic() > end:
            raise _OutOfTime
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        yield
    finally:
        sys.settrace(before)


def describe(error: BaseException) -> str:
    """The message of an error, and the learner's line that it came from, without the path of any file."""
    if isinstance(error, SystemExit):
        return "exit() was called."
    name = type(error).__name__
    try:
        text = str(error)
    except (KeyboardInterrupt, _OutOfTime):
        raise
    except BaseException:  # an error of the learner's own, whose __str__ is broken
        text = ""
    said = f"{name}: {text}" if text else name
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_ours(frame.filename)]
    own = [frame for frame in frames if not frame.filename.startswith(_INSTALLED)]  # not those of random.shuffle …
    if not frames:
        return said
    place = (own or frames)[-1]
    line = (place.line or linecache.getline(place.filename, place.lineno or 0)).strip()
    return f"{said}{PLACE}{place.name}, line {place.lineno}{f': {line}' if line else ''})"


def _is_ours(filename: str) -> bool:
    return filename.startswith(__file__.rsplit("exercises", 1)[0])


_OF_NOTHING = {instruction.opname for instruction in dis.get_instructions(lambda: None)} | {"NOP"}


def is_empty(function: Any) -> bool:
    """Whether a function's body is only `...`, `pass` or a docstring: Python makes the same of it as of no body."""
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    instructions = list(dis.get_instructions(code))
    constants = [instruction.argval for instruction in instructions if instruction.opname.endswith("_CONST")]
    return {instruction.opname for instruction in instructions} <= _OF_NOTHING and constants == [None]
