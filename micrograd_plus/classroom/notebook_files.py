"""Files with code in cells, .ipynb or .py: read with care, since students hand in all sorts of things; and written."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import percent

LARGEST = 50_000_000  # bytes; a larger notebook holds output that somebody forgot, or is no notebook

PYTHON_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")  # below these the cell is Python, below others it is not
MAGIC = re.compile(
    r"""\s*(?: %{1,2}[a-zA-Z] | !(?!=)\S | \?{1,2}\w    # %matplotlib inline    !pip list    ?print
         | [\w.]+ \?{1,2} \s* (?:\#.*)? $  # print?
         | [\w., ]+ = \s* (?: ! | %\w))    # files = !ls    t = %timeit -o f()""",
    flags=re.VERBOSE,
)


class UnreadableFile(ValueError):  # noqa: N818 - what is wrong is the file, and the message is shown to its author
    """A file that holds no code that can be read; the message says why, and what to do."""


def code_cells(path: str | Path) -> list[str]:
    r"""The texts of the code cells of a notebook (.ipynb) or a Python file (.py, with or without lines `# %%`).

    They are plain Python: lines for IPython (`%…`, `!…`, `name?`) become comments. A cell that is no valid Python for
    another reason is there as it is. Raises UnreadableFile where nothing can be read.

    >>> from pathlib import Path
    >>> _ = Path("ps1.py").write_text("# %% [markdown]\n# Slopes\n\n# %%\n!pip list\nx = 2.0\n")
    >>> code_cells("ps1.py")
    ['pass  # !pip list\nx = 2.0']
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".ipynb":
        return [plain_python(source) for source in _notebook_code(path)]
    if suffix == ".py":
        text = read_python(path)
        return [plain_python(cell.source) for cell in percent.cells_of(text) if cell.kind == "code"]
    raise UnreadableFile(f"{path.name} is neither a notebook (.ipynb) nor a Python file (.py).")


def read_python(path: Path) -> str:
    """The text of a Python file, in UTF-8 or the encoding that its first lines name. Raises UnreadableFile."""
    data = _bytes_of(path)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError):
        raise UnreadableFile(f"{path.name} {_wrong_encoding(data)}") from None
    if "\0" in text:
        raise UnreadableFile(f"{path.name} {_wrong_encoding(data)}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _notebook_code(path: Path) -> list[str]:
    """The sources of a notebook's code cells, as they are."""
    notebook = read_notebook(path)
    return [_source_of(cell, path) for cell in notebook["cells"] if cell.get("cell_type") == "code"]


def read_notebook(path: Path) -> dict[str, Any]:
    """A notebook as the dict that its JSON holds, with a list of dicts at "cells". Raises UnreadableFile."""
    data = _bytes_of(path)
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UnreadableFile(f"{path.name} {_wrong_encoding(data)}") from None
    except RecursionError:
        raise UnreadableFile(f"{path.name} is no notebook: its JSON is nested too deeply.") from None
    except ValueError as error:
        where = f" (line {error.lineno}: {error.msg})" if isinstance(error, json.JSONDecodeError) else ""
        raise UnreadableFile(
            f"{path.name} is broken: a notebook is JSON, and this isn't{where}. Perhaps it was cut off on its way, or "
            f"edited as text. Open it in Jupyter, save it, and hand it in again."
        ) from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if isinstance(notebook, dict) and "worksheets" in notebook:
        raise UnreadableFile(
            f"{path.name} is a notebook of the old format {notebook.get('nbformat', 3)}. "
            f"Open it in Jupyter and save it: that writes today's format."
        )
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise UnreadableFile(f"{path.name} is no notebook: its JSON has no list of cells.")
    return notebook


def _source_of(cell: dict[str, Any], path: Path) -> str:
    source = cell.get("source", "")  # one text, or a list of lines
    lines = [source] if isinstance(source, str) else source
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise UnreadableFile(f"{path.name} is no notebook: the source of a cell is not text.")
    return "".join(lines)


def _bytes_of(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise UnreadableFile(f"{path.name} is a folder, not a file.")
        size = path.stat().st_size
        if size > LARGEST:
            raise UnreadableFile(
                f"{path.name} has {size / 1e6:.0f} MB; {LARGEST / 1e6:.0f} MB are read at most. "
                f"If it is a notebook, clear its outputs and save it."
            )
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path.name} can't be read: {error.strerror or error}.") from None
    if not data.strip():
        raise UnreadableFile(f"{path.name} is empty. Was it saved before it was handed in?")
    return data


def _wrong_encoding(data: bytes) -> str:
    """The end of a sentence that begins with the file's name."""
    if b"\0" in data:
        return "is not saved as UTF-8 (it looks like UTF-16, or is no text). Save it with the encoding UTF-8."
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return f"is not saved as UTF-8: line {line} has a character that isn't. Save it with the encoding UTF-8."
    return "names an encoding that isn't known or isn't its own. Save it as UTF-8, and take that line out."


# -- Python without IPython ------------------------------------------------------------------------------------


def plain_python(source: str) -> str:
    r"""The source of a cell with its lines for IPython as comments; the numbers of the lines stay as they are.

    Each such line becomes `pass  # …`, so that an `except` with nothing but a `%pip install` keeps a body.

    >>> plain_python("%matplotlib inline\nx = 7\nprint(x % 2)")
    'pass  # %matplotlib inline\nx = 7\nprint(x % 2)'
    """
    if parsed(source) is not None:  # a line that begins with % may be the rest of a sum
        return source
    lines = source.split("\n")  # not splitlines, which knows more ends of lines than Python does
    first = next((line for line in lines if line.strip()), "")
    not_python = first.startswith("%%") and not first.startswith(PYTHON_MAGICS)
    written: list[str] = []
    goes_on = False  # the line before ended in a backslash, and was for IPython
    for line in lines:
        is_magic = not_python or goes_on or MAGIC.match(line) is not None
        written.append(_as_comment(line) if is_magic else line)
        goes_on = is_magic and line.endswith("\\")
    return "\n".join(written)


def _as_comment(line: str) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    return f"{indent}pass  # {line.strip()}"


def parsed(source: str) -> ast.Module | None:
    """The syntax tree of a cell; None where it is no valid Python. Says nothing on stderr, whatever it is given.

    >>> parsed("x = ") is None
    True
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as "invalid escape sequence" in a student's text
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


# -- writing a notebook ----------------------------------------------------------------------------------------


def notebook_text(cells: Iterable[dict[str, Any]]) -> str:
    """The text of a notebook (nbformat 4.5) with these cells, for a Python kernel.

    >>> notebook_text([notebook_cell("code", "x = 2.0", "cell-1")])[:13]
    '{\\n "cells": ['
    """
    notebook = {
        "cells": list(cells),
        "metadata": {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def notebook_cell(kind: str, source: str, name: str, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    """A cell as notebooks store it. kind: code, markdown or raw. name: its id, unique in the notebook.

    >>> notebook_cell("markdown", "# Slopes", "title")
    {'cell_type': 'markdown', 'id': 'title', 'metadata': {}, 'source': ['# Slopes']}
    """
    cell: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": metadata or {}}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return {**cell, "source": source.splitlines(keepends=True)}
