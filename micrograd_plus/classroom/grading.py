"""Grading: one file, or a folder of submissions. Each runs in a process of its own; its answers are compared here.

That process has limits of time, memory and files, and a temporary folder. This protects from accidents: endless loops,
full memories, deleted files. It does not protect from attackers, who can read files and get around the limits. Grade
the code of people you don't know in a container without a network, as in

    docker run --rm --network none --memory 4g --pids-limit 256 -v "$PWD":/work -w /work IMAGE \\
        micrograd-plus grade submissions --csv grades.csv --feedback feedback

where IMAGE is a Python image in which micrograd_plus is installed.
"""

from __future__ import annotations

import statistics
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..exercises.catalogue import UnknownExerciseError, find
from ..exercises.marking import judge
from ..exercises.report import ERROR, NOT_ATTEMPTED, TIMEOUT, Report
from . import sandbox
from .calls import GradedCall, graded_calls
from .csv_file import csv_text
from .gradescope_results import gradescope_text
from .notebook_files import UnreadableFile, code_cells, read_python
from .pages import write_pages
from .percent import cells_of
from .results import GRADED, MISSING, STOPPED, UNREADABLE, ClassResult, FileResult, points_text
from .sandbox import MEMORY, Ran, files_beside
from .submissions import GradingError, Submission, found_in
from .writing import check_writable, write

SHOWN_PROBLEMS = 6  # of one submission: the others mostly follow from these
SHARE = 1 / 3  # without an assignment, what this part of all submissions calls a check for is graded


def run_file(
    path: str | Path,
    *,
    exercises: Iterable[str] | None = None,
    seed: object = None,
    timeout: float = 10.0,
    memory: float = MEMORY,
) -> FileResult:
    """Run one file (.py or .ipynb) in a process of its own and report on the exercises in it.

    Looked at is what ex.check, ex.grade and ex.check_engine are called with; where an answer is defined and no check is
    called for it, the answer. The file runs in a copy of its folder: what it writes is gone afterwards.

    exercises: the ids to report on; by default those that the file calls a check for. seed: other numbers for the
    calls that are drawn. timeout: seconds for each exercise and each cell; the whole is stopped after some six times
    as long. memory: bytes.

    >>> from pathlib import Path
    >>> _ = Path("slopes.py").write_text("from micrograd_plus import exercises as ex; ex.check('minus', -2.0)")
    >>> result = run_file("slopes.py")
    >>> print(result.state, [(report.exercise, report.state) for report in result.reports])
    graded [('minus', 'failed')]
    """
    path = Path(path)
    if not path.is_file():
        return FileResult(path.name, MISSING, (), (f"{path}: there is no such file.",))
    submission = Submission(path.name, path, files_beside(path))
    try:
        submission.calls = graded_calls(code_cells(path))
    except UnreadableFile as error:
        submission.problem = str(error)
    asked = _asked_for(submission.calls, exercises)
    ran = _run(_job(submission, asked, seed), submission.files, _How(seed, timeout, memory))
    return _judged(submission, ran, asked, seed, memory)


def _asked_for(calls: Sequence[GradedCall], exercises: Iterable[str] | None) -> list[GradedCall]:
    """The exercises to report on, each once; without those in the file that don't exist."""
    given = {call.exercise: call for call in calls if _is_known(call.exercise)}
    if exercises is None:
        return list(given.values())
    return [given.get(id) or GradedCall(id, find(id).name, None) for id in dict.fromkeys(exercises)]


def _is_known(exercise: str) -> bool:
    try:
        find(exercise)
    except UnknownExerciseError:
        return False
    return True


# -- a folder --------------------------------------------------------------------------------------------------


def grade_folder(
    submissions: str | Path,
    *,
    assignment: str | Path | None = None,
    csv: str | Path | None = None,
    feedback: str | Path | None = None,
    gradescope: str | Path | None = None,
    timeout: float = 10.0,
    memory: float = MEMORY,
    seed: object = None,
    jobs: int = 2,
    progress: Callable[[str], object] = print,
) -> ClassResult:
    """Grade all submissions in a folder or a zip (see `submissions.found_in` for what is known).

    assignment: the file that was handed out, or its source: what it calls `ex.grade` for is graded, with the points
    said there (if it calls none, each `ex.check` is worth 1 point). Without it: what at least a third of the
    submissions call.
    csv, feedback, gradescope: a file of grades, a folder for an HTML page each, a results.json for Gradescope; the
    last one is for a folder that holds the work of one student. seed: with one, each student gets other numbers.
    timeout, memory: see `run_file`. jobs: how many run at once. progress: called with a line for each student.

    Whatever a submission does, the others are graded. After Ctrl-C what is done so far is written. Raises GradingError
    where nothing can be graded as asked, before anything is run.
    """
    for path in (csv, gradescope):
        check_writable(path)
    check_writable(feedback, folder=True)
    name = Path(assignment).stem if assignment else ""
    with found_in(Path(submissions), name, one=gradescope is not None) as found:
        graded, notes = _of_assignment(Path(assignment)) if assignment else _of_class(found)
        students, stopped = _grade_all(found, graded, _How(seed, timeout, memory, jobs), progress)
        result = ClassResult(
            title=name or Path(submissions).resolve().stem,
            graded=tuple(graded),
            students=tuple(sorted(students, key=lambda student: student.name.casefold())),
            everyone=len(found),
            notes=tuple(notes),
            stopped=stopped,
        )
    if csv:
        write(csv, csv_text(result))
    if feedback:
        write_pages(result, Path(feedback))
    if gradescope and result.students:
        write(gradescope, gradescope_text(result))
    return result


def _of_assignment(path: Path) -> tuple[list[GradedCall], list[str]]:
    """What an assignment has points for."""
    try:
        calls = graded_calls(code_cells(path))
    except UnreadableFile as error:
        raise GradingError(f"The assignment can't be read: {error}") from None
    unknown = [call.exercise for call in calls if not _is_known(call.exercise)]
    if unknown:
        raise GradingError(f"{path.name} asks for exercises that don't exist: {', '.join(unknown)}.")
    once = _each_once([call for call in calls if call.points is not None] or calls)
    graded = [call._replace(points=1.0) if call.points is None else call for call in once]
    if not graded:
        raise GradingError(f"{path.name} has no ex.grade and no ex.check: there is nothing to grade.")
    return graded, _written_answers(path)


def _written_answers(path: Path) -> list[str]:
    """A note on the answers in prose that an assignment asks for: those are read by people."""
    if path.suffix.lower() != ".py":
        return []
    asked = [cell.options for cell in cells_of(read_python(path)) if "answer" in cell.options]
    names = ", ".join(f"{options['answer']} ({points_text(float(options.get('points', 0)))})" for options in asked)
    return [f"Written answers are yours to read, and are not in these points: {names}."] if asked else []


def _of_class(found: Sequence[Submission]) -> tuple[list[GradedCall], list[str]]:
    """What most submissions call a check for, so that it is graded too where somebody deleted the check."""
    readable = [submission for submission in found if submission.calls]
    by_id: dict[str, list[GradedCall]] = {}
    for submission in readable:
        for call in _each_once(submission.calls):
            by_id.setdefault(call.exercise, []).append(call)
    shared = {id: calls for id, calls in by_id.items() if len(calls) >= SHARE * len(readable) and _is_known(id)}
    if not shared:
        raise GradingError("No submission calls ex.grade or ex.check. Say what is graded with an assignment.")
    if any(call.points is not None for calls in shared.values() for call in calls):
        shared = {id: calls for id, calls in shared.items() if any(call.points is not None for call in calls)}
    graded = [
        GradedCall(id, statistics.mode(call.given for call in calls), _usual_points(calls))
        for id, calls in shared.items()
    ]
    left_out = sorted(id for id in by_id.keys() - shared.keys() if _is_known(id))
    notes = [f"Not graded, since few submissions have it: {', '.join(left_out)}."] if left_out else []
    return graded, notes


def _each_once(calls: Iterable[GradedCall]) -> list[GradedCall]:
    """Each exercise once: the call with points, if there is one."""
    once: dict[str, GradedCall] = {}
    for call in calls:
        if call.exercise not in once or call.points is not None:
            once[call.exercise] = call
    return list(once.values())


def _usual_points(calls: Iterable[GradedCall]) -> float:
    """The points that most files give: a student can't give more of them to themselves."""
    said = Counter(call.points for call in calls if call.points is not None)
    return said.most_common(1)[0][0] if said else 1.0


@dataclass(frozen=True)
class _How:
    """How submissions are run: the arguments of `grade_folder` with these names."""

    seed: object
    timeout: float
    memory: float
    jobs: int = 1


def _grade_all(
    found: Sequence[Submission], graded: Sequence[GradedCall], how: _How, progress: Callable[[str], object]
) -> tuple[list[FileResult], bool]:
    """Run all submissions, some at once, and judge each when it is there. Second: whether it was stopped by Ctrl-C."""
    done: list[FileResult] = []
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=max(int(how.jobs), 1)) as pool:
        try:
            running: dict[Future[Ran | None], tuple[Submission, str | None]] = {}
            for submission in found:
                seed = None if how.seed is None else f"{how.seed}/{submission.student}"
                future = pool.submit(_run, _job(submission, graded, seed), submission.files, how, stop)
                running[future] = submission, seed
            while running:
                # Judged in this thread: it runs the right answers, which needs signals and stdout for itself.
                for future in wait(running, timeout=0.5, return_when=FIRST_COMPLETED).done:
                    submission, seed = running.pop(future)
                    done.append(_judged(submission, future.result(), graded, seed, how.memory, points=True))
                    progress(f"{len(done)}/{len(found)} {_line(done[-1])}")
        except BaseException as error:
            stop.set()
            pool.shutdown(cancel_futures=True)
            if not isinstance(error, KeyboardInterrupt):
                raise
            return done, True
    return done, False


def _line(student: FileResult) -> str:
    said = f" ({student.problems[0].split('. ')[0].rstrip('.')})" if student.state != GRADED else ""
    return f"{student.name}  {points_text(student.score)} of {points_text(student.out_of)}{said}"


# -- one submission --------------------------------------------------------------------------------------------


def _job(submission: Submission, asked: Sequence[GradedCall], seed: object) -> dict[str, Any]:
    """What a submission's process has to do, see `child`; {} where there is nothing to run."""
    if submission.file is None or submission.problem:
        return {}
    is_notebook = submission.file.suffix.lower() == ".ipynb"
    cells = _notebook_cells(submission.file) if is_notebook else _python_cells(submission.file)
    place = Path(submission.place)
    return {
        "cells": cells,
        "script": "" if is_notebook else place.name,
        "one_by_one": not is_notebook and len(cells) == 1,  # one cell: the whole file
        "wanted": [(call.exercise, call.given) for call in asked],
        "seed": None if seed is None else str(seed),
        "skip": "",
        "folder": place.parent.as_posix(),
    }


def _run(job: dict[str, Any], files: dict[str, Path], how: _How, stop: threading.Event | None = None) -> Ran | None:
    """Run a submission's process; None where there is nothing to run."""
    if not job:
        return None
    run = partial(sandbox.run, files=files, timeout=how.timeout, memory=how.memory, stop=stop)
    try:
        ran = run(job)
        if ran.end not in (sandbox.DIED, sandbox.OUT_OF_TIME) or not ran.last_place:
            return ran
        # Once more without the place where it ended, so that one bad line doesn't cost all exercises.
        return ran.followed_by(run({**job, "skip": ran.last_place}))
    except OSError as error:  # a full disk, for example
        return Ran(sandbox.NOT_STARTED, (), 1, str(error), 0.0)


def _notebook_cells(path: Path) -> list[dict[str, Any]]:
    return [
        {"source": source, "name": f"code cell {i}", "filename": f"<code cell {i}>", "line": 1}
        for i, source in enumerate(code_cells(path), start=1)
    ]


def _python_cells(path: Path) -> list[dict[str, Any]]:
    cells = [cell for cell in cells_of(read_python(path)) if cell.kind == "code"]
    return [
        {"source": source, "name": f"the cell in line {cell.line}", "filename": path.name, "line": cell.line}
        for cell, source in zip(cells, code_cells(path), strict=True)
    ]


def _judged(
    submission: Submission,
    ran: Ran | None,
    asked: Sequence[GradedCall],
    seed: object,
    memory: float,
    points: bool = False,
) -> FileResult:
    """The reports on a submission. points: whether they are worth those of the calls."""
    ends = _ends(ran, memory) if ran else [submission.problem]
    answers = {entry["exercise"]: entry["answers"] for entry in _entries(ran)} if ran else {}
    reports = []
    for call in asked:
        if call.exercise in answers:
            report = _report(call.exercise, answers[call.exercise], seed)
        else:
            report = _without_answer(call, submission, ran, ends)
        reports.append(report.graded(call.points or 0.0) if points else report)
    problems = list(dict.fromkeys([*ends, *(_problems(ran, memory) if ran else [])]))
    left_out = len(problems) - SHOWN_PROBLEMS
    if left_out > 1:
        problems[SHOWN_PROBLEMS:] = [f"… and {left_out} more."]
    return FileResult(
        name=submission.student,
        state=_state(submission, ran),
        reports=tuple(reports),
        problems=tuple(problems),
        seconds=sum(part.seconds for part in (ran and ran.first, ran) if part),
    )


def _state(submission: Submission, ran: Ran | None) -> str:
    if ran is None:
        return UNREADABLE if submission.file else MISSING
    return GRADED if ran.end == sandbox.FINISHED and not ran.first else STOPPED


def _entries(ran: Ran) -> list[dict[str, Any]]:
    """What checks were called with, the one that counts last: the last call of `ex.grade`, else the last of all."""
    entries = [
        entry
        for entry in ran.all("found")
        if isinstance(entry, dict) and isinstance(entry.get("exercise"), str) and isinstance(entry.get("answers"), dict)
    ]
    return sorted(entries, key=lambda entry: entry.get("points") is not None)  # stable: otherwise in their order


def _report(exercise: str, answers: dict[str, Any], seed: object) -> Report:
    try:
        return judge(find(exercise), answers, seed)
    except Exception:  # the answers came out of a submission's process, and can be anything
        return Report(exercise, ERROR, message="What came back isn't what answers to this exercise look like.")


def _without_answer(call: GradedCall, submission: Submission, ran: Ran | None, ends: list[str]) -> Report:
    """The report on an exercise that nothing was found for; it says why."""
    hint = f"A first hint: ex.hint({call.exercise!r})"
    if ran is None:
        state = NOT_ATTEMPTED if submission.file is None else ERROR
        return Report(call.exercise, state, message=submission.problem)
    if call.exercise in ran.all("unfit"):
        return Report(call.exercise, ERROR, message="The answer is far too long, or holds what no answer holds.")
    absent = next((line for line in ran.lines if line.get("absent") == call.exercise), None)
    if absent is None:  # it was ended before this one was looked at
        stopped = sandbox.OUT_OF_TIME in (ran.end, ran.first and ran.first.end)
        said = f"This one was not reached. {' '.join(ends)}"
        return Report(call.exercise, TIMEOUT if stopped else ERROR, message=said)
    if because := absent.get("because"):
        return Report(call.exercise, ERROR, message=f"The code for this one could not run. {because}")
    return Report(call.exercise, NOT_ATTEMPTED, message=f"There is no {absent.get('given')} in this file. {hint}")


def _ends(ran: Ran, memory: float) -> list[str]:
    """What is said of how a process ended, and of how the first try did, if there was one."""
    said = [_how_it_ended(part, memory) for part in (ran.first, ran) if part]
    return [text for text in said if text]


def _how_it_ended(ran: Ran, memory: float) -> str:
    """What is said of a process that did not come to its end; "" for one that did."""
    where = f" in {ran.last_place}" if ran.last_place else ""
    if ran.end == sandbox.OUT_OF_TIME:
        return f"It was stopped after {ran.seconds:.0f} s{where}."
    if ran.end == sandbox.NOT_STARTED:
        last = ran.says.split("\n")[-1]
        return f"It could not be started, which is not the student's fault. {last}".rstrip()
    if ran.end == sandbox.INTERRUPTED:
        return "It was stopped, since grading was."
    if ran.end != sandbox.DIED:
        return ""
    if ran.all("memory") or ran.code == -9:  # the system's answer to a full memory is SIGKILL
        return f"It ended{where}, most likely because it used more than {_gigabytes(memory)} of memory."
    if ran.code < 0:
        return f"Python crashed{where} (signal {-ran.code})."
    return f"Its code ended Python itself{where}."


def _problems(ran: Ran, memory: float) -> list[str]:
    """What happened on the way, in words."""
    tried = [f"It tried to {what}. That is refused while it is graded." for what in ran.all("refused")]
    full = [f"It used more than {_gigabytes(memory)} of memory."] if _filled_the_memory(ran) else []
    return [*tried, *full, *map(str, ran.all("problem"))]


def _filled_the_memory(ran: Ran) -> bool:
    cases = [case for entry in _entries(ran) for case in entry["answers"].get("cases", ()) if isinstance(case, dict)]
    return bool(ran.all("memory")) or any(case.get("error") == "MemoryError" for case in cases)


def _gigabytes(memory: float) -> str:
    return f"{memory / 1e9:g} GB"
