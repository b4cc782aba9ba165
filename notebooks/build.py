"""Build the lessons: from notebooks/src/NN_name.py to notebooks/NN_name.ipynb, executed, with their outputs.

    python notebooks/build.py            all lessons whose source is newer than the notebook
    python notebooks/build.py 04 07      these
    python notebooks/build.py --all      all of them

A lesson runs from a clean kernel, in an empty folder. What would change from run to run (times, ids) is left out.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
SOURCES = HERE / "src"


def sources() -> list[Path]:
    """The sources of all lessons, in order."""
    return sorted(SOURCES.glob("[0-9][0-9]_*.py"))


def notebook_of(source: Path) -> Path:
    """Where the executed lesson is kept."""
    return HERE / f"{source.stem}.ipynb"


def unexecuted(source: Path) -> Any:
    """The notebook of a source, without outputs."""
    notebook = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent")
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "file_extension": ".py"},
        }
    )
    for i, cell in enumerate(notebook.cells):
        cell.id = f"cell-{i:02}"
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type == "markdown":
            cell.source = linked(cell.source)
    return notebook


LINK = re.compile(r"\[`([^`]+)`([^\]]*)\]\(\.\./([^)#]+)#L\d*\)")


def linked(text: str) -> str:
    """Links to the library's source, [`push` in value.py](../micrograd_plus/engine/value.py#L), with their line."""
    return LINK.sub(lambda m: f"[`{m[1]}`{m[2]}](../{m[3]}#L{line_of(m[1], HERE.parent / m[3])})", text)


def line_of(name: str, file: Path) -> int:
    """The line in which a file defines a name. LookupError if it doesn't."""
    lines = file.read_text(encoding="utf-8").splitlines()
    definition = re.compile(rf"\s*((def|class) {re.escape(name)}\b|{re.escape(name)}\s*[=:])")
    for number, line in enumerate(lines, start=1):
        if definition.match(line):
            return number
    raise LookupError(f"{file.name} defines no {name}")


def executed(source: Path, seconds_a_cell: int = 300) -> Any:
    """The notebook of a source, run from a clean kernel in an empty folder."""
    notebook = unexecuted(source)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices; and the same rounding everywhere
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=seconds_a_cell,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            record_timing=False,
            coalesce_streams=True,  # else it is left to chance how printed lines are put together
        )
        client.execute()
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
    notebook.metadata.language_info = nbformat.from_dict({"name": "python", "file_extension": ".py"})
    return notebook


def text_of(output: Any) -> str:
    """What an output says, without the bytes of its pictures: they may differ from one machine to another."""
    if output.output_type == "stream":
        return output.text
    data = output.get("data", {})
    text = data.get("text/html", data.get("text/plain", ""))
    return re.sub(r'(src|srcdoc)="[^"]*"', r"\1", text)


def main(arguments: list[str]) -> None:
    """Build the lessons that were asked for."""
    for source in sources():
        target = notebook_of(source)
        fresh = target.exists() and target.stat().st_mtime >= source.stat().st_mtime
        wanted = "--all" in arguments or source.stem[:2] in arguments or (not arguments and not fresh)
        if wanted:
            start = time.perf_counter()
            notebook = executed(source)
            nbformat.write(notebook, target)
            print(f"{target.name}: {time.perf_counter() - start:.1f} s, {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
