"""(g) Grading thirty submissions of lesson 06, beside only running their files."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .measure import Contender, in_turn
from .report import Comparison

LESSON = Path(__file__).parent.parent / "notebooks" / "06_build_your_own_value.ipynb"
STUDENTS = 30
ENDLESS = "while True:\n    pass"
TOO_LARGE = "numbers = [0.0] * 1_500_000_000"
STEPS = {"graded": "graded, two at a time", "run": "each run by itself, one after the other, nothing marked"}


def filled_in(number: int) -> dict[str, Any]:
    """The lesson as student `number` would hand it in: everything right, one of the wrong ideas, or blank."""
    from micrograd_plus.exercises import list as listing
    from micrograd_plus.exercises.exercise import filled

    notebook = json.loads(LESSON.read_text(encoding="utf-8"))
    for exercise in listing(lesson=6):
        ideas = [exercise.right, *(wrong.fill for wrong in exercise.wrong)]
        answer = filled(exercise.code, ideas[number % len(ideas)]) if number % 10 else exercise.start
        for cell in notebook["cells"]:
            cell["source"] = "".join(cell["source"]).replace(exercise.start, answer)
    return notebook


def hand_in(folder: Path, accidents: bool) -> None:
    """Thirty notebooks; with accidents, one never ends, and one fills the memory."""
    for number in range(STUDENTS):
        notebook = filled_in(number)
        if accidents and number in (7, 17):
            source = ENDLESS if number == 7 else TOO_LARGE
            cell = {"cell_type": "code", "id": "accident", "metadata": {}, "execution_count": None, "outputs": []}
            notebook["cells"].insert(3, {**cell, "source": source})
        (folder / f"student_{number:02}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


KEPT = []  # temporary folders, which must stay as long as the process that works in them


def lesson(how: str) -> Callable[[], None]:
    """A step grades the class, or runs its files."""
    from micrograd_plus.classroom.grading import grade_folder, run_file

    KEPT.append(tempfile.TemporaryDirectory())
    folder = Path(KEPT[-1].name)
    hand_in(folder, accidents=how == "graded")

    def graded() -> None:
        result = grade_folder(folder, jobs=2, progress=lambda line: None)
        assert len(result.students) == STUDENTS

    def run() -> None:
        for path in sorted(folder.iterdir()):
            assert run_file(path, exercises=[]).state == "graded"

    return graded if how == "graded" else run


def run(short: bool) -> Iterator[Comparison]:
    """One table."""
    contenders = [Contender(name, lesson, (how,), warm_up=0) for how, name in STEPS.items()]
    yield Comparison(
        "classroom",
        "(g) Grading",
        f"{STUDENTS} notebooks of lesson 06, right, wrong and blank; of those that are graded one never ends and one "
        "fills the memory (each cell may take 10 s). Wanted: under 3 minutes on two cores.",
        in_turn(contenders, rounds=1 if short else 3),
        against=(STEPS["run"],),
        costs=True,
        unit="a class",
    )
