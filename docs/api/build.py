"""The reference: a page for each room, made from the docstrings, that works offline and from any folder.

    python -m pip install -e ".[docs]" && python docs/api/build.py

writes build/api/index.html. Every public name is described once, in the room where it lives; where it is to be had by
a shorter name as well (`mg.draw` for `mg.viz.draw`), there is a link. pdoc (MIT-0, pure Python) does the work.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import textwrap
import types
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pdoc.doc
import pdoc.render

import micrograd_plus as mg
from micrograd_plus.engine import Many, Op
from micrograd_plus.explain.code import input_names

HERE = Path(__file__).parent
ROOT = "micrograd_plus"
# A name that is to be had in several places is described at the first of these.
ROOMS = "nn optim data training explain viz tape bridges exercises capstones".split()
PAGES = [*(f"{ROOT}.{room}" for room in ROOMS), ROOT, f"{ROOT}.engine"]
PAGES += [f"{ROOT}.{room}" for room in "nn.functional nn.init viz.plots bridges.torch bridges.onnx".split()]


def public_names(module: types.ModuleType) -> list[str]:
    """The names that a module offers to users, without the modules in it.

    >>> public_names(importlib.import_module("micrograd_plus.tape"))
    ['CompileError', 'FrozenNumberError', 'compile', 'vmap']
    """
    # The package's own __all__ leaves out what would hide Python's `sum`; it is public all the same.
    offered = dir(module) if module.__name__ == ROOT else getattr(module, "__all__", dir(module))
    return sorted(name for name in offered if not name.startswith("_") and _is_ours(getattr(module, name)))


def _is_ours(thing: Any) -> bool:
    if isinstance(thing, types.ModuleType):
        return False
    where = thing if inspect.isclass(thing) or inspect.isroutine(thing) else type(thing)
    return (where.__module__ or "").startswith(ROOT)


def plan() -> dict[str, dict[str, str]]:
    """For each page its names, and for each name the page that describes it.

    >>> plan()["micrograd_plus"]["draw"], plan()["micrograd_plus"]["Value"]
    ('micrograd_plus.viz', 'micrograd_plus')
    """
    homes: dict[int, str] = {}
    pages: dict[str, dict[str, str]] = {}
    for page in PAGES:
        module = importlib.import_module(page)
        pages[page] = {name: homes.setdefault(id(getattr(module, name)), page) for name in public_names(module)}
    return pages


class Page(pdoc.doc.Module):
    """A room as pdoc sees it: the names that live here, also those that load on first use; rows with their formulas."""

    def __init__(self, name: str, names: dict[str, str]):
        super().__init__(importlib.import_module(name))
        self.names = names

    @cached_property
    def _member_objects(self) -> dict[str, Any]:
        return {name: getattr(self.obj, name) for name, home in self.names.items() if home == self.modulename}

    @cached_property
    def _var_docstrings(self) -> dict[str, str]:
        rows = {name: thing for name, thing in self._member_objects.items() if isinstance(thing, Op)}
        return {name: describe_row(self.modulename, name, row) for name, row in rows.items()}

    @cached_property
    def docstring(self) -> str:
        """The room's docstring, and links to what is described in another room."""
        elsewhere = [f"[`{name}`]({_link(self.modulename, home)}#{name})"
                     for name, home in self.names.items() if home != self.modulename]  # fmt: skip
        text = as_markdown(inspect.getdoc(self.obj) or "")
        return text + (f"\n\nAlso here, and described where they live: {', '.join(elsewhere)}." if elsewhere else "")

    @cached_property
    def submodules(self) -> list[pdoc.doc.Module]:
        """The pages below this one."""
        return [MODULES[page] for page in sorted(PAGES) if page.rpartition(".")[0] == self.modulename]


def _link(page: str, other: str) -> str:
    return "../" * page.count(".") + other.replace(".", "/") + ".html"


# What a row is called with in its example, by the number of its inputs; and where that says little or is not allowed.
EXAMPLES = {1: "0.5", 2: "2.0, 3.0"}
EXAMPLES_OF = {"clip": "1.5, 0.0, 1.0", "where": "True, 2.0, 3.0", "sum": "[1.0, 2.0, 3.0]", "leaky_relu": "-2.0, 0.01",
               "elu": "-2.0, 1.0"}  # fmt: skip


def describe_row(page: str, name: str, row: Op) -> str:
    """What the table says about a row: an example, then its value and slopes as formulas.

    >>> describe_row("micrograd_plus", "sqrt", mg.sqrt).splitlines()[1:3]
    ['>>> mg.sqrt(0.5)', '0.7071067811865476']
    >>> describe_row("micrograd_plus", "sqrt", mg.sqrt).splitlines()[6:8]
    ['y = √x', '∂y/∂x = 0.5/y = 0.5/√x']
    """
    call = EXAMPLES_OF.get(name) or EXAMPLES.get(row.arity or 0)
    example = ""
    if call:
        result = row(*ast.literal_eval(f"({call},)"))
        example = f"```python\n>>> {page.replace(ROOT, 'mg')}.{name}({call})\n{result}\n```\n\n"
    return example + f"```text\n{mg.formula(row)}\n```"


def inputs_of(var: pdoc.doc.Variable) -> str:
    """The inputs of a row, as a call shows them: `(x)`; nothing for what is no row."""
    row = var.default_value
    if not isinstance(row, Op):
        return ""
    return "([x, …])" if isinstance(row, Many) else f"({', '.join(input_names(row))})"


def home_of(page: str, base: tuple[str, str]) -> str:
    """The address, seen from `page`, of a base class that is given as (module, name); "" where no page describes it."""
    module, name = base
    described = next((home for home, names in HOMES.items() if names.get(name) == home), "")
    if not described or getattr(importlib.import_module(described), name).__module__ != module:
        return ""
    return f"{_link(page, described)}#{name}"


def as_markdown(text: str) -> str:
    """Our docstrings are plain text with `code`: what Markdown would take for emphasis or a tag stays as it is.

    Examples and indented blocks (formulas, small tables) keep their lines.

    >>> as_markdown("a*b, `a*b`\\n\\n  y = x\\n  z = y")
    'a\\\\*b, `a*b`\\n\\n    y = x\\n    z = y'
    """
    return "\n\n".join(_block(block) for block in re.split(r"\n\s*\n", text))


def _block(block: str) -> str:
    """A paragraph, an example or an indented block."""
    lines = block.splitlines()
    if any(line.lstrip().startswith(">>>") for line in lines):  # perhaps below a line of text that leads to it
        first = next(i for i, line in enumerate(lines) if line.lstrip().startswith(">>>"))
        return "\n".join([*map(_plain, lines[:first]), *lines[first:]])
    formulas = len(lines) > 1 and all(" ← " in line or " = " in line for line in lines)
    if formulas or all(line.startswith("  ") for line in lines):
        return textwrap.indent(textwrap.dedent(block), "    ")  # code, in Markdown
    return "\n".join(map(_plain, lines))


def _plain(line: str) -> str:
    pieces = re.split(r"(`[^`]*`)", line)  # every second piece is `code`
    return "".join(piece if i % 2 else re.sub(r"[*_<]", r"\\\g<0>", piece) for i, piece in enumerate(pieces))


HOMES = plan()
MODULES: dict[str, pdoc.doc.Module] = {}


def build(folder: Path, only: Sequence[str] = ()) -> None:
    """Write the pages into `folder`; only: these pages alone, without the search (to look at one of them quickly)."""
    MODULES.update({page: Page(page, HOMES[page]) for page in sorted(PAGES)})
    pdoc.render.env.globals.update(inputs_of=inputs_of, home_of=home_of, as_markdown=as_markdown)
    pdoc.render.configure(docformat="markdown", template_directory=HERE / "templates")
    for page in only or MODULES:
        _write(folder / (page.replace(".", "/") + ".html"), pdoc.render.html_module(MODULES[page], MODULES))
    if not only:
        _write(folder / "index.html", pdoc.render.html_index(MODULES))
        _write(folder / "search.js", pdoc.render.search_index(MODULES))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent.parent / "build" / "api"
    build(target)
    print(f"The reference is in {target / 'index.html'}")
