"""Grading: one file, or a folder of submissions. Each runs in a process of its own; its answers are compared here.

That process has limits of time, memory and disk (on Windows none of memory, and macOS refuses some), and a temporary
folder. This protects from accidents: endless loops, full memories, deleted files. It does not protect from attackers,
who can read files and get around the limits. Grade the code of people you don't know in a container without a network:

    docker run --rm --network none --memory 4g --pids-limit 256 -v "$PWD":/work -w /work IMAGE \\
        micrograd-plus grade submissions --csv grades.csv --feedback feedback

where IMAGE is a Python image in which micrograd_plus is installed.
"""

from __future__ import annotations

import signal
import statistics
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from ..exercises.catalogue import UnknownExerciseError, find
from ..exercises.marking import judge
from ..exercises.report import ERROR, NOT_ATTEMPTED, TIMEOUT, Report
from . import sandbox
from .calls import GradedCall, graded_calls, written_answers
from .csv_file import csv_text
from .gradescope_results import gradescope_text
from .notebook_files import UnreadableFile, code_cells, read_python
from .pages import write_pages
from .percent import cells_of
from .results import GRADED, MISSING, STOPPED, UNREADABLE, ClassResult, FileResult, points_text
from .sandbox import MEMORY, Ran, files_beside
from .submissions import GradingError, Submission, found_in, look_into
from .writing import check_writable, write

SHOWN_PROBLEMS = 6  # of one submission: the others mostly follow from these
TRIES = 4  # to run a submission, each without what spoiled the ones before
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
    as long, and begun anew without what was slow, filled the memory or ended Python, up to TRIES times. memory: bytes.

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
    look_into(submission)
    asked = _asked_for(submission.calls, exercises)
    with _ended_gently():
        tries = _run(_job(submission, asked, seed), submission.files, _How(seed, timeout, memory))
    return _judged(submission, tries, asked, seed, memory)


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

    Whatever a submission does, the others are graded. After Ctrl-C or SIGTERM what is done so far is written, and so it
    is before an error is raised. Raises GradingError where nothing can be graded as asked, before anything is run.
    """
    for path in (csv, gradescope):
        check_writable(path)
    check_writable(feedback, folder=True)
    name = Path(assignment).stem if assignment else ""
    pages = Path(feedback) if feedback else None
    with _ended_gently(), found_in(Path(submissions), name, gradescope is not None, pages) as (found, left_out):
        graded, notes = _of_assignment(Path(assignment)) if assignment else _of_class(found)
        beside = _data_beside(Path(assignment)) if assignment else {}
        students, ended = _grade_all(found, graded, _How(seed, timeout, memory, jobs, beside), progress)
    result = ClassResult(
        title=name or Path(submissions).resolve().stem,
        graded=tuple(graded),
        students=tuple(sorted(students, key=lambda student: student.name.casefold())),
        everyone=len(found),
        notes=(*notes, *left_out),
        stopped=ended is not None,
    )
    _write_all(result, csv, feedback, gradescope)
    if ended is not None and not isinstance(ended, KeyboardInterrupt):
        raise ended
    return result


def _write_all(
    result: ClassResult, csv: str | Path | None, feedback: str | Path | None, gradescope: str | Path | None
) -> None:
    if csv:
        write(csv, csv_text(result))
    if feedback:
        write_pages(result, Path(feedback))
    if gradescope and result.students:
        write(gradescope, gradescope_text(result))


def _data_beside(assignment: Path) -> dict[str, Path]:
    """What lies beside an assignment and may be needed by its code: data, pictures; nobody's code, and no zips."""
    return {
        name: path
        for name, path in files_beside(assignment).items()
        if path != assignment and path.suffix.lower() not in (".py", ".ipynb", ".zip")
    }


@contextmanager
def _ended_gently() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP are as Ctrl-C: what runs is ended, what is done is written, no folder is left."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    is_main = threading.current_thread() is threading.main_thread()  # signals are set there alone
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if is_main and hasattr(signal, name)]
    ours = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]  # nohup has it ignored
    for number in ours:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


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
    asked = written_answers(path)
    names = ", ".join(f"{name} ({points_text(points)})" for name, points in asked)
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
        unread = [text for one in found for text in ([one.problem] if one.problem else one.unread)]
        begin = f"{unread[0].rstrip('.')}. Apart from that, no" if unread else "No"
        raise GradingError(f"{begin} submission calls ex.grade or ex.check. Say what is graded with an assignment.")
    few = sorted(id for id in by_id.keys() - shared.keys() if _is_known(id))
    worthless: list[str] = []
    if any(call.points is not None for calls in shared.values() for call in calls):
        worthless = sorted(id for id, calls in shared.items() if all(call.points is None for call in calls))
        shared = {id: calls for id, calls in shared.items() if id not in worthless}
    graded = [
        GradedCall(id, statistics.mode(call.given for call in calls), _usual_points(calls))
        for id, calls in shared.items()
    ]
    reasons = (("few submissions have it", few), ("no points are said for it", worthless))
    return graded, [f"Not graded, since {reason}: {', '.join(ids)}." for reason, ids in reasons if ids]


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
    beside: dict[str, Path] = field(default_factory=dict)  # files that lie beside the assignment


def _grade_all(
    found: Sequence[Submission], graded: Sequence[GradedCall], how: _How, progress: Callable[[str], object]
) -> tuple[list[FileResult], BaseException | None]:
    """Run all submissions, some at once, and judge each when it is there. Second: what ended it before all were done,
    as KeyboardInterrupt."""
    done: list[FileResult] = []
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=max(int(how.jobs), 1)) as pool:
        try:
            running: dict[Future[list[Ran]], tuple[Submission, str | None]] = {}
            for submission in found:
                seed = None if how.seed is None else f"{how.seed}/{submission.student}"
                files = {**_placed(how.beside, submission), **submission.files}
                future = pool.submit(_run, _job(submission, graded, seed), files, how, stop)
                running[future] = submission, seed
            while running:
                # Judged in this thread: it runs the right answers, which needs signals and stdout for itself.
                for future in wait(running, timeout=0.5, return_when=FIRST_COMPLETED).done:
                    submission, seed = running.pop(future)
                    done.append(_judged(submission, future.result(), graded, seed, how.memory, points=True))
                    with suppress(Exception):  # a screen that can't show a name, a pipe that was closed
                        progress(f"{len(done)}/{len(found)} {_line(done[-1])}")
        except BaseException as error:
            stop.set()
            pool.shutdown(cancel_futures=True)
            return done, error
    return done, None


def _placed(beside: dict[str, Path], submission: Submission) -> dict[str, Path]:
    """The files beside the assignment as they would lie beside the submission's own file."""
    folder = Path(submission.place).parent
    return {(folder / name).as_posix(): path for name, path in beside.items()}


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
        "skip": [],
        "folder": place.parent.as_posix(),
    }


def _run(job: dict[str, Any], files: dict[str, Path], how: _How, stop: threading.Event | None = None) -> list[Ran]:
    """Run a submission's process, and once more without the places that spoiled the rest: one bad line must not cost
    all exercises. Returns each try; none where there is nothing to run."""
    tries: list[Ran] = []
    skip: set[str] = set()
    while job and len(tries) < TRIES:
        wanted = [(id, given) for id, given in job["wanted"] if id not in _took_too_long(tries)]
        again = {**job, "wanted": wanted, "skip": sorted(skip)}
        try:
            ran = sandbox.run(again, files, timeout=how.timeout, memory=how.memory, stop=stop)
        except OSError as error:  # a full disk, for example
            ran = Ran(sandbox.NOT_STARTED, (), 1, str(error), 0.0)
        tries.append(ran)
        more = _spoilers(ran) - skip
        if not more:
            break
        skip |= more
    return tries


def _spoilers(ran: Ran) -> set[str]:
    """The places without which the rest may go well: what filled the memory, what was slow, where it ended."""
    full = ran.all("memory")
    if ran.end == sandbox.FINISHED:
        # A list that fills the memory stays there: what comes after it fails without any fault of its own.
        return {full[0]} if len(full) > 1 or (full and _errors_of_memory(ran)) else set()
    if ran.end not in (sandbox.DIED, sandbox.OUT_OF_TIME, sandbox.DISK_FULL):
        return set()
    slow = set(ran.all("slow"))
    if ran.end == sandbox.OUT_OF_TIME and slow:
        return slow
    if ran.end == sandbox.DIED and full:
        return {full[0], *slow}
    return {ran.last_place, *slow} - {""}


def _took_too_long(tries: Sequence[Ran]) -> set[str]:
    """The exercises of which it is known that they don't end: there is no need to wait for them again."""
    return {
        entry["exercise"]
        for entry in _entries(tries)
        if any(isinstance(case, dict) and "timeout" in case for case in entry["answers"].get("cases", ()))
    }


def _errors_of_memory(ran: Ran) -> bool:
    """Whether an answer was cut short by a full memory."""
    return any(_names_memory(entry["answers"]) for entry in _entries([ran]))


def _names_memory(answers: Any) -> bool:
    """Whether there is an outcome with a MemoryError somewhere in plain answers."""
    if isinstance(answers, dict):
        return answers.get("error") == "MemoryError" or any(map(_names_memory, answers.values()))
    return isinstance(answers, list) and any(map(_names_memory, answers))


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
    tries: Sequence[Ran],
    asked: Sequence[GradedCall],
    seed: object,
    memory: float,
    points: bool = False,
) -> FileResult:
    """The reports on a submission. points: whether they are worth those of the calls."""
    ends = _ends(tries, memory) if tries else [submission.problem]
    answers = {entry["exercise"]: entry["answers"] for entry in _entries(tries)}
    reports = []
    for call in asked:
        if call.exercise in answers:
            report = _report(call.exercise, answers[call.exercise], seed)
        else:
            report = _without_answer(call, submission, tries, ends)
        reports.append(report.graded(call.points or 0.0) if points else report)
    problems = list(dict.fromkeys([*ends, *_problems(tries, memory)]))
    left_out = len(problems) - SHOWN_PROBLEMS
    if left_out > 1:
        problems[SHOWN_PROBLEMS:] = [f"… and {left_out} more."]
    return FileResult(
        name=submission.student,
        state=_state(submission, tries),
        reports=tuple(reports),
        problems=tuple(problems),
        seconds=sum(ran.seconds for ran in tries),
        notes=tuple(submission.notes),
    )


def _state(submission: Submission, tries: Sequence[Ran]) -> str:
    if not tries:
        return UNREADABLE if submission.file else MISSING
    return GRADED if all(ran.end == sandbox.FINISHED for ran in tries) else STOPPED


def _all(tries: Sequence[Ran], key: str) -> list[Any]:
    """What was found under a key in all tries, in its order."""
    return [found for ran in tries for found in ran.all(key)]


def _entries(tries: Sequence[Ran]) -> list[dict[str, Any]]:
    """What checks were called with, the one that counts last: the last call of `ex.grade`, else the last of all."""
    entries = [
        entry
        for entry in _all(tries, "found")
        if isinstance(entry, dict) and isinstance(entry.get("exercise"), str) and isinstance(entry.get("answers"), dict)
    ]
    return sorted(entries, key=lambda entry: entry.get("points") is not None)  # stable: otherwise in their order


def _report(exercise: str, answers: dict[str, Any], seed: object) -> Report:
    try:
        return judge(find(exercise), answers, seed)
    except Exception:  # the answers came out of a submission's process, and can be anything
        return Report(exercise, ERROR, message="What came back isn't what answers to this exercise look like.")


def _without_answer(call: GradedCall, submission: Submission, tries: Sequence[Ran], ends: list[str]) -> Report:
    """The report on an exercise that nothing was found for; it says why."""
    hint = f"A first hint: ex.hint({call.exercise!r})"
    if not tries:
        state = NOT_ATTEMPTED if submission.file is None else ERROR
        return Report(call.exercise, state, message=submission.problem)
    if call.exercise in _all(tries, "unfit"):
        return Report(call.exercise, ERROR, message="The answer is far too long, or holds what no answer holds.")
    absent = [line for ran in tries for line in ran.lines if line.get("absent") == call.exercise]
    if not absent:  # it was ended before this one was looked at
        stopped = any(ran.end == sandbox.OUT_OF_TIME for ran in tries)
        said = f"This one was not reached. {' '.join(ends)}"
        return Report(call.exercise, TIMEOUT if stopped else ERROR, message=said)
    if because := next((line["because"] for line in absent if line.get("because")), ""):
        return Report(call.exercise, ERROR, message=f"The code for this one could not run. {because}")
    given = absent[-1].get("given")
    return Report(call.exercise, NOT_ATTEMPTED, message=f"There is no {given} in this file. {hint}")


def _ends(tries: Sequence[Ran], memory: float) -> list[str]:
    """What is said of how the tries ended."""
    said = [_how_it_ended(ran, memory) for ran in tries]
    return list(dict.fromkeys(text for text in said if text))


def _how_it_ended(ran: Ran, memory: float) -> str:
    """What is said of a process that did not come to its end; "" for one that did."""
    where = f" in {ran.last_place}" if ran.last_place else ""
    if ran.end == sandbox.OUT_OF_TIME:
        return f"It was stopped after {ran.seconds:.0f} s{where}."
    if ran.end == sandbox.DISK_FULL:
        return f"It was stopped{where}, since its files had more than {sandbox.DISK / 1e6:g} MB, or were too many."
    if ran.end == sandbox.NOT_STARTED:
        last = ran.says.split("\n")[-1]
        return f"It could not be started, which is not the student's fault. {last}".rstrip()
    if ran.end == sandbox.INTERRUPTED:
        return "It was stopped, since grading was."
    if ran.end != sandbox.DIED:
        return ""
    if ran.all("memory"):
        return f"It ended{where}, most likely because it used more than {_gigabytes(memory)} of memory."
    if ran.code == -9:  # the system's answer to a full memory, too
        return f"It was ended{where} by the signal SIGKILL: it sent that to itself, or the machine's memory was full."
    if ran.code < 0:
        return f"Python crashed{where} (signal {-ran.code})."
    return f"Its code ended Python itself{where}."


def _problems(tries: Sequence[Ran], memory: float) -> list[str]:
    """What happened on the way, in words: in the last try, and before it what the last one has left out."""
    if not tries:
        return []
    refused = dict.fromkeys(_all(tries, "refused"))
    tried = [f"It tried to {what}. That is refused while it is graded." for what in refused]
    filled = any(ran.all("memory") or _errors_of_memory(ran) for ran in tries)
    full = [f"It used more than {_gigabytes(memory)} of memory."] if filled else []
    reached = set(tries[-1].all("at"))
    said = [
        str(line["problem"])
        for ran in tries
        for line in ran.lines
        if "problem" in line and (ran is tries[-1] or not line.get("place") or line["place"] not in reached)
    ]
    return [*tried, *full, *said]


def _gigabytes(memory: float) -> str:
    return f"{memory / 1e9:g} GB"
