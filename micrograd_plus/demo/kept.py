"""Train once, use often: a capstone's model is kept in a file, beside a note of what it reached."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..capstones import Run, Target, fast
from ..data.checked import DamagedDataError, MissingPackageError
from ..nn import Module
from ..training import CheckpointError, load, save


class DemoError(Exception):
    """What was asked can't be done; the message is the one line that the user sees."""


class Stopped(BaseException):
    """Ctrl-C during training. No KeyboardInterrupt: fit takes one for "enough", and the capstone would be scored."""


@dataclass(frozen=True)
class Subject:
    """A capstone, as the demo needs it.

    file: what its files are called. title: what is trained, in a line. train: the capstone's. model: makes an
    untrained one, for the numbers in the file. targets: {the name of a score: what it is held to}.
    """

    file: str
    title: str
    train: Callable[..., Run]
    model: Callable[[], Module]
    targets: dict[str, Target]


class Files:
    """Where a subject's model is (`numbers`), the note on it (`note`), and a training not yet done (`unfinished`).

    A seed has files of its own, and so has FAST=1, which trains too little: one is never taken for the other.
    """

    def __init__(self, subject: Subject, folder: Path, seed: int):
        name = subject.file + (f"-seed{seed}" if seed else "") + ("-fast" if fast() else "")
        self.folder = folder / "models"
        self.numbers = self.folder / f"{name}.safetensors"
        self.note = self.folder / f"{name}.json"
        self.unfinished = self.folder / f"{name}.unfinished.safetensors"


def trained(subject: Subject, folder: Path, seed: int = 0, again: bool = False) -> Module:
    """The subject's trained model, in eval mode: from its file, or trained now and kept; says which, and its scores.

    again: train anew in any case. A training that was stopped is gone on from, even where there is an older model: it
    was asked for. DemoError where that can't be done or the file can't be used; KeyboardInterrupt, with a sentence on
    what is kept, when Ctrl-C stops the training.
    """
    files = Files(subject, folder, seed)
    if files.numbers.exists() and not files.unfinished.exists() and not again:
        return _from_file(subject, files).eval()
    with in_plain_words():
        files.folder.mkdir(parents=True, exist_ok=True)
        if again:
            files.unfinished.unlink(missing_ok=True)
    return _trained_now(subject, files, seed).eval()


@contextmanager
def in_plain_words() -> Iterator[None]:
    """Data that isn't installed, a file that is damaged, a folder that can't be written: as one line each.

    Only these: any other error is a fault of the program, and whoever looks for it needs the traceback.
    """
    try:
        yield
    except BrokenPipeError:  # … | head: nobody reads on, which is no fault of a file's
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise DemoError(f"{where}{error.strerror or error}; choose another folder with --out") from None
    except (MissingPackageError, DamagedDataError) as error:
        raise DemoError(str(error)) from None
    except CheckpointError as error:  # of the training that was stopped
        raise DemoError(f"{error}; --again begins anew") from None


def _trained_now(subject: Subject, files: Files, seed: int) -> Module:
    stopped = files.unfinished.exists()
    print(f"{subject.title}\n{'Its training goes on where it was stopped.' if stopped else 'It is trained now.'}")
    began = time.perf_counter()
    try:
        with in_plain_words(), _ctrl_c_stops():
            run = subject.train(seed, progress=True, checkpoint=files.unfinished)
    except (Stopped, KeyboardInterrupt):
        raise KeyboardInterrupt(_what_is_kept(files)) from None
    note = {
        "what": subject.title,
        "micrograd_plus": version("micrograd_plus"),
        "trained": date.today().isoformat(),
        "seed": seed,
        "seconds": round(time.perf_counter() - began, 1),
        "scores": {name: float(score) for name, score in run.scores.items()},
    }
    with in_plain_words():
        save(run.model, files.numbers)
        files.note.write_text(json.dumps(note, indent=1), encoding="utf-8")
        files.unfinished.unlink(missing_ok=True)
    print(f"Trained in {note['seconds']:.0f} s, and kept in {files.numbers}.")
    _say_scores(subject, note)
    return run.model


def _from_file(subject: Subject, files: Files) -> Module:
    note, model = _read_note(files.note), subject.model()
    try:
        load(files.numbers, model)
    except (OSError, ValueError):
        raise DemoError(
            f"{files.numbers} can't be used: it is damaged, or of another version of this model; --again trains anew"
        ) from None
    by = note["micrograd_plus"]
    other = "" if by == version("micrograd_plus") else f" by micrograd_plus {by}"
    print(f"{subject.title}\nTrained on {note['trained']}{other}; --again trains anew.")
    _say_scores(subject, note)
    return model


def _read_note(path: Path) -> dict[str, Any]:
    """The note, with all that is read from it in its place. DemoError where it isn't."""
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        scores = {str(name): float(score) for name, score in note["scores"].items()}
        return {"trained": str(note["trained"]), "micrograd_plus": str(note["micrograd_plus"]), "scores": scores}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise DemoError(f"{path}, the note on the model, is missing or damaged; --again trains anew") from None


def _say_scores(subject: Subject, note: dict[str, Any]) -> None:
    for name, target in subject.targets.items():
        score = note["scores"].get(name)
        if score is None:
            continue  # a file of another version, which measured something else
        missed = "" if target.met(score) else " - not reached" + (": FAST=1 trains a third" if fast() else "")
        print(f"  {target.what}: {target.shown(score)} (wanted: {target.wanted}){missed}")


def _what_is_kept(files: Files) -> str:
    if files.unfinished.exists():
        return "stopped: the next call goes on after the last epoch that was finished (--again would begin anew)"
    return "stopped in the first epoch: nothing is kept of it"


@contextmanager
def _ctrl_c_stops() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise Stopped

    try:
        before = signal.signal(signal.SIGINT, stop)
    except ValueError:  # not in the main thread, the only one that signals reach
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
