"""Where something happened: the learner's own line, and the module at work."""

from __future__ import annotations

import linecache
import os
import sys
from typing import Any

Line = tuple[str, int]  # file name and line number

LONGEST = 100  # letters of a source line that a message shows
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def user_line() -> Line | None:
    """The innermost line being run that is neither in this package nor in NumPy."""
    frame: Any = sys._getframe(1)
    while frame is not None and (
        frame.f_code.co_filename.startswith(_PACKAGE)
        or frame.f_globals.get("__name__", "").partition(".")[0] == "numpy"  # it calls our ops on arrays of Values
    ):
        frame = frame.f_back
    return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def line_text(line: Line | None) -> str:
    """ "train.py:12: loss = -p.log()", in a notebook "Cell In[3], line 2: …"; "" where the line isn't known."""
    if line is None:
        return ""
    name, number = line
    text = linecache.getline(name, number).strip()
    cell = _notebook_cell(name)
    place = f"{cell}, line {number}" if cell else f"{_short_path(name)}:{number}"
    text = f"{text[:LONGEST]}…" if len(text) > LONGEST else text
    return f"{place}: {text}" if text else place


def _notebook_cell(name: str) -> str:
    """ "Cell In[3]", if this is the file that a notebook's kernel made of a cell."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_ipython() if get_ipython else None
    name_of = getattr(getattr(shell, "compile", None), "format_code_name", None)
    found = name_of(name) if name_of else None
    return " ".join(found) if found else ""


def _short_path(name: str) -> str:
    here = os.getcwd() + os.sep
    return name.removeprefix(here)


def module_name(module: Any, model: Any) -> str:
    """ "layers.0 (Layer)": what a module in a model is called, and its kind."""
    name = next((name for name, m in model.named_modules() if m is module), "")
    return f"{name} ({type(module).__name__})" if name else type(module).__name__


def module_at_work() -> str:
    """The module whose forward is being run, "layers.0 (Linear)"; "" outside all modules."""
    frame: Any = sys._getframe(1)
    modules = []
    while frame is not None:
        if frame.f_code.co_name == "forward" and hasattr(frame.f_locals.get("self"), "named_modules"):
            modules.append(frame.f_locals["self"])
        frame = frame.f_back
    return module_name(modules[0], modules[-1]) if modules else ""
