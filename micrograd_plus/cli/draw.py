"""micrograd-plus draw: a typed expression as a picture, and as a page to step through."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..explain.typed import ExpressionError, evaluate
from ..viz.draw import draw
from ..viz.drawing import SUFFIXES
from ..viz.layout import LayoutError
from ..viz.stepper import step_through
from .arguments import CommandError, say


def run(asked: argparse.Namespace) -> None:
    """Evaluate, take the gradients, write what was asked for, and say the numbers."""
    numbers = dict(asked.numbers)
    if len(numbers) < len(asked.numbers):
        raise CommandError("a name has two numbers: give each once")
    for path, endings in ((asked.out, SUFFIXES), (asked.step, (".html",))):
        if path is not None and path.suffix.lower() not in endings:
            raise CommandError(f"{path.name!r} should end in {' or '.join(endings)}: that says what to write")
    try:
        result, names = evaluate(asked.expression, numbers)
    except ExpressionError as error:
        raise CommandError(error) from None
    if result.op is not None:
        result.backward()
    say(f"{asked.expression.strip()} = {result.data:.6g}")
    for name, value in names.items():
        print(f"  its slope for {name} = {value.data:g}: {value.grad:.6g}")
    out = asked.out or (None if asked.step else Path("graph.svg"))
    if out is not None:
        _write(draw(result, theme=asked.theme, direction=asked.direction), out)
    if asked.step is not None:
        _write(step_through(result, theme=asked.theme), asked.step)


def _write(picture: Any, path: Path) -> None:
    try:
        picture.save(path)
    except (ValueError, LayoutError) as error:
        raise CommandError(error) from None
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror or error}") from None
    say(f"written: {path}")
