"""quiz: a fresh graph for one student, with blanks to fill in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...engine.visible import visible
from ..report import Report
from .making import Paper, check_level, normal, paper_of
from .marking import marked
from .shapes import TITLES


def quiz(seed: int | str, level: int = 1) -> Quiz:
    """A quiz for one student: a small graph with numbers to fill in, the same for the same seed on every computer.

    seed: a whole number, or a text such as the student's name (capital letters and spaces around it don't count).
    level: 1 one operation, 2 a chain, 3 a number used twice, 4 where the order counts, minus, powers and relu,
    5 tanh, sigmoid, exp and small neurons, to 3 decimals. TypeError and ValueError for anything else.

    >>> print(quiz("Ada", level=3))
    Quiz for Ada, level 3: used twice
      a  = 2
      b  = 4
      c  = 5
      p  = a*b   = 8
      q  = a + c = ____
      y  = p*q   = ____
    Fill in: {"q.data": ..., "y.data": ..., "dy/dq": ..., "dp/da": ..., "c.grad": ..., "b.grad": ..., "a.grad": ...}
    """
    return Quiz(seed, level)


def class_sheets(
    seeds: Iterable[int | str], level: int = 1, *, out: Any = "sheets.pdf", key: Any = "key.pdf"
) -> list[Path]:
    """Quizzes for a whole class: one file with a page for each student, and one with the key to all of them.

    seeds: the students' names or numbers. out, key: where to write; the ending says how: .pdf (needs matplotlib, whose
    font lacks some alphabets), .html, or .svg for a single student. None leaves one of them out.
    Returns the paths that were written. ValueError for no seed, for two that are the same, for another ending, and
    where both files are one; TypeError for what is no seed or path; OSError where it can't be written.

    >>> [path.name for path in class_sheets(["Ada", "Alan"], level=3, out="class.html", key="key.html")]
    ['class.html', 'key.html']
    """
    from .sheets import save_class

    if isinstance(seeds, (str, int)):
        raise TypeError(f"class_sheets needs a list of seeds, such as ['Ada', 'Alan']; for one student: [{seeds!r}]")
    quizzes: list[Quiz] = []
    for seed in seeds:
        if Quiz(seed, level) in quizzes:
            raise ValueError(f"two students have the seed {seed!r}, so they would get the same quiz: add a letter")
        quizzes.append(Quiz(seed, level))
    if not quizzes:
        raise ValueError("class_sheets needs at least one seed, such as a student's name")
    return save_class(quizzes, out, key)


class Quiz:
    """One quiz. It holds its seed and level, nothing else: what is right is worked out when it is checked.

    In a notebook it shows its picture. `.blanks` are the names to fill in, `.check({...})` marks the answers,
    `.save("sheet.pdf")` writes a sheet to print, and `.save_key("key.pdf")` the same for the teacher, with the answers
    and what each wrong number means.
    """

    __slots__ = ("level", "seed")

    def __init__(self, seed: int | str, level: int = 1):
        normal(seed)  # an error, if it is none
        self.seed = seed if isinstance(seed, str) else int(seed)
        self.level = check_level(level)

    @property
    def blanks(self) -> tuple[str, ...]:
        """The names of the blanks, in the order in which they are best worked out.

        p.data is the number in box p, dp/da the slope on the arrow from a to p, a.grad the gradient of a.

        >>> quiz(1).blanks
        ('y.data', 'y.grad', 'dy/da', 'dy/db')
        """
        return self._paper.blanks

    @property
    def title(self) -> str:
        """What stands above it: `quiz Ada, level 3`."""
        return f"quiz {self.name}, level {self.level}"

    @property
    def name(self) -> str:
        """The seed as a text on one line."""
        return " ".join(str(self.seed).split())

    def check(self, answers: Mapping[str, Any]) -> Report:
        """Mark the answers: `quiz.check({"p.data": 6, "a.grad": "1/2"})`. The right ones are never shown.

        Each blank is a case: right, or with the wrong idea that gives this number, or with the earlier answer that it
        follows from. What is left out, None or `...` counts as not filled in. TypeError for what is no dict,
        ValueError for a name that is no blank.

        >>> report = quiz("Ada", level=3).check({"a.grad": 28})
        >>> report.mistakes
        ('the gradient is overwritten, not added',)
        >>> report.wrong[-1].why.partition(".")[0]
        'Your 28 is what you get if the gradient of a is overwritten by what arrives last, not added to'
        """
        return marked(self._paper, self.title, answers)

    def draw(self, **options: Any) -> Any:
        """The picture, with lines where a number is asked for: a Drawing, with .svg(), .html() and .save(...).

        options: direction="TB", theme="dark".

        >>> quiz("Ada", level=3).draw()
        Drawing(6 boxes, 6 arrows)
        """
        from .picture import drawing

        return drawing(self._paper, **options)

    def save(self, path: Any) -> None:
        """Write a sheet to print, without answers; the ending says how: .pdf (needs matplotlib), .svg or .html.

        ValueError for another ending, TypeError for what is no path, OSError where it can't be written.

        >>> quiz("Ada", level=3).save("sheet.svg")
        """
        from .sheets import save_sheets

        save_sheets([self], path)

    def save_key(self, path: Any) -> None:
        """Write the teacher's copy: the answers, and what each wrong number means. Otherwise as `save`.

        >>> quiz("Ada", level=3).save_key("key.svg")
        """
        from .sheets import save_key

        save_key([self], path)

    @property
    def _paper(self) -> Paper:
        return paper_of(normal(self.seed), self.level)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quiz) and (normal(self.seed), self.level) == (normal(other.seed), other.level)

    def __hash__(self) -> int:
        return hash((normal(self.seed), self.level))

    def __repr__(self) -> str:
        return f"quiz({self.seed!r}, level={self.level})"

    def __str__(self) -> str:
        from .text import as_text

        return visible(as_text(self._paper, f"Quiz for {self.name}, level {self.level}: {TITLES[self.level]}"))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the picture; where none can be had, the text."""
        from .text import as_html

        return {"text/plain": str(self), "text/html": as_html(self._paper, str(self))}
