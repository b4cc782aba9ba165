"""(f) What `import micrograd_plus` costs, beside `import numpy`: whole processes, in turn."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

from .measure import Contender, in_turn
from .report import Comparison

PROGRAMS = {
    "Python's own start": "",
    "import numpy": "import numpy",
    "import micrograd_plus": "import micrograd_plus",
    "Tensor and nn too": "import micrograd_plus as mg; mg.Tensor; mg.nn.Linear",
}


def process(program: str) -> Callable[[], None]:
    """A step is a new Python that runs the program and ends."""

    def step() -> None:
        subprocess.run([sys.executable, "-c", program], check=True)

    return step


def run(short: bool) -> Iterator[Comparison]:
    """One table."""
    contenders = [Contender(name, process, (program,), warm_up=2) for name, program in PROGRAMS.items()]
    yield Comparison(
        "import",
        "(f) Import",
        "Whole processes, Python's start included.",
        in_turn(contenders, rounds=5 if short else 20),
        against=("import numpy",),
        costs=True,
        unit="a process",
    )
