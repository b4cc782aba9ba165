"""The process that runs one submission: `python -m micrograd_plus.classroom.child job.json`.

It writes what it finds to a file, a line of JSON each, as soon as it is found: {"at": "code cell 4"},
{"found": {"exercise": …, "points": …, "answers": …}}, {"problem": text} … and {"done": true} as the last one. So
nothing is lost when it is stopped. It compares nothing: that is done by the process that started it.
"""

from __future__ import annotations

import ast
import builtins
import codeop
import json
import linecache
import os
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from ..exercises.calling import Outcome, call_safely, describe
from ..exercises.catalogue import find
from ..exercises.gathering import gathering
from ..exercises.marking import collect
from . import fences
from .syntax import no_python

LONGEST_LINE = 500_000  # characters of a line of JSON: answers are a few numbers
MOST_WRITTEN = 8_000_000  # characters in all, below the limit for a file
UNREAD = (SyntaxError, ValueError, RecursionError, MemoryError)  # what Python raises where it can't read code
SHORTEST = 0.2  # seconds that a statement gets at least


class Told:
    """The file of findings."""

    def __init__(self, path: str):
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.written = 0
        self.refused: set[str] = set()

    def tell(self, **what: Any) -> None:
        """Write a line."""
        text = json.dumps(what) + "\n"
        if self.written + len(text) < MOST_WRITTEN:
            self.written += len(text)
            os.write(self.file, text.encode())

    def found(self, entry: dict[str, Any]) -> None:
        """Write down the answers to an exercise. What is far too long for an answer becomes an error."""
        try:
            text = json.dumps(entry)
        except (TypeError, ValueError, RecursionError):
            text = ""
        if not text or len(text) > LONGEST_LINE:
            self.tell(unfit=entry["exercise"])
        else:
            self.tell(found=entry)

    def refuse(self, what: str) -> None:
        """Note, once, that something was tried which is refused."""
        if what not in self.refused:
            self.refused.add(what)
            self.tell(refused=what)


class Submission:
    """A submission that is being run, cell after cell, in a module of its own."""

    def __init__(self, job: dict[str, Any], told: Told):
        self.job, self.told = job, told
        self.timeout = float(job["timeout"])
        self.module = types.ModuleType("__main__")
        self.module.__dict__.update(display=_nothing, get_ipython=_NoNotebook)
        if job["script"]:
            self.module.__file__ = os.path.abspath(job["script"])
        self.compiler = codeop.Compile()  # it keeps `from __future__ import …` for the cells below
        self.failed: list[tuple[str, str]] = []  # the source of what failed, and what is said of it
        self.answered: set[str] = set()

    def run(self) -> None:
        """Run all of it, then look at the answers that no check was called for."""
        sys.modules["__main__"] = self.module
        with gathering(self.job["seed"], self.timeout) as found:
            for cell in self.job["cells"]:
                self._cell(cell, found)
        for exercise, given in self.job["wanted"]:
            if exercise not in self.answered:
                self._unchecked(exercise, given)

    def _cell(self, cell: dict[str, Any], found: list[dict[str, Any]]) -> None:
        """Run a cell until a statement fails. A file without cells goes on: its statements are cells by themselves."""
        place, end = cell["name"], time.monotonic() + self.timeout
        for statement, code in self._statements(cell):
            if self.job["one_by_one"]:
                place, end = f"line {statement.lineno}", time.monotonic() + self.timeout
            if place in self.job["skip"]:
                continue
            self.told.tell(at=place)
            begun = time.monotonic()
            outcome = _called(exec, code, self.module.__dict__, timeout=max(end - begun, SHORTEST))
            if found:  # a check has its own limit of time
                end += time.monotonic() - begun
                self._note(found, place)
            if outcome.timed_out or outcome.error:
                self._failed(place, ast.unparse(statement) if self.job["one_by_one"] else cell["source"], outcome)
                if not self.job["one_by_one"]:
                    return

    def _statements(self, cell: dict[str, Any]) -> Iterator[tuple[ast.stmt, Any]]:
        """The statements of a cell, compiled one by one, so that what each of them finds is written down at once."""
        source, filename = cell["source"], cell["filename"]
        lines = [""] * (cell["line"] - 1) + source.split("\n")
        linecache.cache[filename] = (len(source), None, [f"{line}\n" for line in lines], filename)
        place = "" if self.job["one_by_one"] else cell["name"]
        try:
            tree = ast.parse(source, filename)
        except UNREAD as error:
            self._problem(source, no_python(error, source, place, cell["line"]), place)
            return
        ast.increment_lineno(tree, cell["line"] - 1)
        for statement in tree.body:
            try:
                code = self.compiler(ast.Module([statement], []), filename, "exec")  # type: ignore[arg-type]
            except UNREAD as error:
                self._problem(source, no_python(error, "\n".join(lines), place), place)
                if self.job["one_by_one"]:
                    continue
                return
            yield statement, code

    def _failed(self, place: str, source: str, outcome: Outcome) -> None:
        said = f"stopped after {self.timeout:g} s, it did not end" if outcome.timed_out else outcome.says
        if outcome.error == "MemoryError":
            self.told.tell(memory=place)
        if outcome.timed_out:
            self.told.tell(slow=place)
        self._problem(source, f"{place}: {said.replace('in <module>, ', '')}", place)

    def _problem(self, source: str, said: str, place: str) -> None:
        self.failed.append((source, said))
        self.told.tell(problem=said, place=place)

    def _note(self, found: list[dict[str, Any]], place: str) -> None:
        for entry in found:
            self.answered.add(entry["exercise"])
            self.told.found(entry)
            if any("timeout" in case for case in entry["answers"].get("cases", ())):
                self.told.tell(slow=place)
        found.clear()

    def _unchecked(self, id: str, given: str) -> None:
        """Look at the answer to an exercise whose check wasn't called, if there is one under its name."""
        place = f"the check of {id}"
        if place in self.job["skip"]:
            return
        self.told.tell(at=place)
        exercise = find(id)
        for name in dict.fromkeys(name for name in (given, exercise.name) if name):
            outcome = _called(eval, name, self.module.__dict__, timeout=self.timeout)
            if not outcome.error and not outcome.timed_out:
                self._collect(id, outcome.value)
                return
        because = next((said for source, said in self.failed if given in source or id in source), "")
        self.told.tell(absent=id, given=given or exercise.name, because=because)

    def _collect(self, id: str, answer: Any) -> None:
        try:
            answers = collect(find(id), answer, self.job["seed"], self.timeout)
        except Exception as error:  # the submission may have changed what this needs, `builtins.float` for example
            self.told.tell(absent=id, given="", because=describe(error))
        else:
            self._note([{"exercise": id, "points": None, "answers": answers}], f"the check of {id}")


def _called(function: Callable[..., Any], *arguments: Any, timeout: float) -> Outcome:
    try:
        return call_safely(function, *arguments, timeout=timeout)
    except KeyboardInterrupt:  # raised by the submission itself: nobody is at the keyboard
        return Outcome(error="KeyboardInterrupt", says="KeyboardInterrupt was raised.")


def _nothing(*arguments: Any, **settings: Any) -> None:
    """In place of IPython's `display`: nobody looks."""


class _NoNotebook:
    """In place of IPython's `get_ipython()`: whatever is asked of it, it does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return _nothing


def _nobody_there(*prompt: Any) -> NoReturn:
    raise EOFError("input() was called, and nobody is there to type while this is graded")


def main(path: str) -> NoReturn:
    """Run the job that is described in a JSON file; ends the process."""
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    told = Told(job["findings"])
    for exercise, _ in job["wanted"]:
        find(exercise)  # imported now, before the submission's own modules come first in sys.path
    os.chdir(job["folder"])
    sys.path.insert(0, job["folder"])
    sys.argv = [job["script"]]
    builtins.input = _nobody_there
    warnings.simplefilter("ignore")
    fences.end_with(job["parent"])
    fences.limit(job["memory"], job["seconds"])
    fences.refuse([Path(folder) for folder in job["writable"]], told.refuse)
    told.tell(started=True)
    Submission(job, told).run()
    told.tell(done=True)
    os._exit(0)  # at once: threads that still run, and what the submission registered for the end, are not waited for


if __name__ == "__main__":
    main(sys.argv[1])
