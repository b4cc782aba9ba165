"""What a check found: cases, the mistakes that they point to, and how both are shown to people."""

from __future__ import annotations

import html
import re
import textwrap
from dataclasses import asdict, dataclass
from typing import Any

from ..engine.visible import visible
from .plain import BLANK

PASSED, FAILED, NOT_ATTEMPTED, ERROR, TIMEOUT = "passed", "failed", "not_attempted", "error", "timeout"
STATES = (PASSED, FAILED, NOT_ATTEMPTED, ERROR, TIMEOUT)

SHOWN = 3  # different reasons that are shown: the first ones are enough to act on
LONGEST = 200  # characters of a text in an answer
MOST = 24  # items of a list in an answer
WIDTH = 88  # characters of a line, which fit a notebook of 900 pixels
PRINTED_LINES = 12  # of what the learner's own code printed

_HEADLINES = {
    PASSED: "passed",
    FAILED: "not yet",
    NOT_ATTEMPTED: "not attempted yet",
    ERROR: "your code raised an error",
    TIMEOUT: "your code did not end in time",
}


@dataclass(frozen=True)
class Case:
    """One thing that was looked at.

    name: which input, as "mul_backward(a=2, b=3, upstream=5)". expected, got: plain numbers, texts and lists; expected
    is None where it would give the answer away. why: what probably happened, in whole sentences. mistake: the wrong
    idea by its short name ("upstream is forgotten"), "" when none is known. nudged: what central differences give.
    advice: of a wrong idea, what to look at next, without the numbers of this learner; "" where `mistake` is a fault
    such as "TypeError is raised", which says nothing of what somebody thought.

    >>> Case("mul(2, 3)", ok=False, expected=6, got=5, why="You added.").ok
    False
    """

    name: str
    ok: bool
    expected: Any = None
    got: Any = None
    why: str = ""
    mistake: str = ""
    nudged: Any = None
    advice: str = ""

    def rows(self) -> list[tuple[str, str]]:
        """What is to be said of this case: pairs of a word and its text."""
        digits = next((n for n in (4, 7) if shown(self.expected, n) != shown(self.got, n)), 17)  # so that they differ
        numbers = (("expected", self.expected), ("by nudging", self.nudged), ("got", self.got))
        said = [(word, shown(value, digits)) for word, value in numbers if value is not None]
        return [*said, ("why", self.why)] if self.why else said


@dataclass(frozen=True)
class Report:
    """The outcome of one exercise. It counts as true when it is passed.

    exercise: its id. state: passed, failed, not_attempted, error or timeout. cases: what was looked at. out_of: the
    points that can be had. message: a sentence on the whole. printed: what the learner's code printed. picture: SVG
    text, "" without. alt: the picture in words.

    >>> report = Report("mul", "failed", (Case("mul(2, 3)", ok=True), Case("mul(2, 4)", ok=False)), out_of=2)
    >>> bool(report), len(report.cases)
    (False, 2)
    """

    exercise: str
    state: str
    cases: tuple[Case, ...] = ()
    out_of: float = 0.0
    message: str = ""
    printed: str = ""
    picture: str = ""
    alt: str = ""

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise ValueError(f"{self.state!r} is no state of a report; there are {', '.join(STATES)}")

    @property
    def ok(self) -> bool:
        """Whether all of it is right."""
        return self.state == PASSED

    @property
    def score(self) -> float:
        """The points earned: each case that is right earns the same part of `out_of`, to two decimals."""
        if self.state == PASSED:
            return self.out_of
        if self.state == NOT_ATTEMPTED or not self.cases:
            return 0.0
        return round(self.out_of * sum(case.ok for case in self.cases) / len(self.cases), 2)

    @property
    def wrong(self) -> tuple[Case, ...]:
        """The cases that are not right."""
        return tuple(case for case in self.cases if not case.ok)

    @property
    def mistakes(self) -> tuple[str, ...]:
        """The wrong ideas that were recognised, each once, the first one first."""
        return tuple(dict.fromkeys(case.mistake for case in self.cases if case.mistake))

    @property
    def messages(self) -> tuple[str, ...]:
        """What should be read: the sentence on the whole, then each different reason once."""
        return tuple(dict.fromkeys(text for text in (self.message, *(case.why for case in self.wrong)) if text))

    def __bool__(self) -> bool:
        return self.ok

    def raise_for_failure(self) -> Report:
        """Raise an AssertionError with the whole text unless it is passed: for pytest. Returns the report."""
        if not self.ok:
            raise AssertionError(str(self))
        return self

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain lists, texts and numbers, ready for `json.dumps`."""
        plain = asdict(self)
        return {**plain, "ok": self.ok, "score": self.score, "mistakes": list(self.mistakes), "cases": plain["cases"]}

    def __str__(self) -> str:
        parts = [self.headline]
        for case, alike in self.telling:
            parts += [
                textwrap.fill(f"  {case.name}", WIDTH, subsequent_indent="    "),
                *(_row(word, text) for word, text in case.rows()),
            ]
            if alike:
                parts.append(f"  … and {alike} more like it.")
        if self.others:
            parts.append(f"  … and {self.others} wrong in other ways.")
        if self.printed_lines:
            parts += ["  Your code printed:", *(f"    {line}" for line in self.printed_lines)]
        if self.message:
            parts.append(textwrap.fill(self.message, WIDTH))
        return visible("\n".join(parts))

    @property
    def others(self) -> int:
        """How many wrong cases are neither shown nor like one that is."""
        return sum(map(bool, map(Case.rows, self.wrong))) - sum(1 + alike for _, alike in self.telling)

    @property
    def telling(self) -> list[tuple[Case, int]]:
        """The first wrong case of each reason, and how many more have the same; at most SHOWN reasons."""
        by_reason: dict[str, list[Case]] = {}
        for case in filter(Case.rows, self.wrong):  # there may be nothing to tell: a stage that wasn't looked at
            by_reason.setdefault(case.mistake or case.why, []).append(case)
        return [(cases[0], len(cases) - 1) for cases in by_reason.values()][:SHOWN]

    @property
    def headline(self) -> str:
        """The first line: what it is, how it went, how many cases are right."""
        right = sum(case.ok for case in self.cases)
        count = f" ({right} of {len(self.cases)} right)" if len(self.cases) > 1 and self.state != NOT_ATTEMPTED else ""
        return f"{self.exercise}: {_HEADLINES[self.state]}{count}."

    @property
    def printed_lines(self) -> list[str]:
        """What the learner's code printed, shortened."""
        lines = self.printed.rstrip("\n").split("\n") if self.printed.strip() else []
        left_out = len(lines) - PRINTED_LINES
        return [*lines[:PRINTED_LINES], f"… {left_out} more lines"] if left_out > 1 else lines

    def __repr__(self) -> str:
        return visible(f"<Report {self.headline}>")

    def _repr_html_(self) -> str:
        return as_html(self)

    def graded(self, points: float) -> Grade:
        """The same outcome, worth so many points, in the form that nbgrader understands."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return Grade(**{**fields, "out_of": points})


class Grade(Report):
    """A report that shows as its bare number, which nbgrader takes as the points, with the reasons as HTML beside it.

    nbgrader gives full points for anything else that a graded cell ends with, so nothing else is printed.

    >>> Grade("mul", "passed", (Case("mul(2, 3)", ok=True),), out_of=2)
    2.0
    """

    def __repr__(self) -> str:
        return repr(float(self.score))


class Told(Report):
    """A report whose text was printed already: at the end of a cell a notebook adds its picture only.

    When it is shown again later, it is shown whole. That it was shown before is all that ever changes in it.
    """

    @classmethod
    def of(cls, report: Report) -> Told:
        """The same report."""
        return cls(**{name: getattr(report, name) for name in report.__dataclass_fields__})

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, display

        if self.__dict__.setdefault("shown_before", False):
            display(HTML(as_html(self)))
        elif self.picture:
            display(HTML(_picture_html(self)))
        self.__dict__["shown_before"] = True


def as_html(report: Report) -> str:
    """The report as a block of HTML that follows the page's own colours, light or dark."""
    parts = [f'<p style="margin:0 0 .4em"><strong>{html.escape(report.headline)}</strong>']
    if report.out_of and report.out_of != len(report.cases):
        parts.append(f" {number(report.score)} of {number(report.out_of)} points.")
    parts.append("</p>")
    parts += [_case_html(case, alike) for case, alike in report.telling]
    if report.others:
        parts.append(f"<p style='margin:.4em 0 0'>… and {report.others} wrong in other ways.</p>")
    if report.picture:
        parts.append(_picture_html(report))
    if report.printed_lines:
        printed = html.escape("\n".join(report.printed_lines))
        parts.append(f"<p style='margin:.4em 0 0'>Your code printed:</p><pre style='margin:.2em 0'>{printed}</pre>")
    if report.message:
        parts.append(f'<p style="margin:.4em 0 0">{_prose(report.message)}</p>')
    side = {PASSED: "#009e73", NOT_ATTEMPTED: "#888888"}.get(report.state, "#d55e00")
    return f'<div style="border-left:4px solid {side};padding:.2em 0 .2em .8em;max-width:52em">{"".join(parts)}</div>'


def _row(word: str, text: str) -> str:
    indent = " " * 15
    return textwrap.fill(f"    {word:<11}{text}", WIDTH, subsequent_indent=indent, break_long_words=False)


def _case_html(case: Case, alike: int) -> str:
    word_style = "padding:0 1em 0 0;text-align:left;vertical-align:top;white-space:nowrap;opacity:.75"
    rows = "".join(
        f'<tr><td style="{word_style}">{html.escape(word)}</td>'
        f'<td style="text-align:left;white-space:pre-wrap">{_prose(text)}</td></tr>'
        for word, text in case.rows()
    )
    return (
        f'<p style="margin:.4em 0 0"><code>{html.escape(case.name)}</code></p>'
        f'<table style="border:0;margin:.2em 0 .4em 1em">{rows}</table>'
        + (f"<p style='margin:0 0 .4em'>… and {alike} more like it.</p>" if alike else "")
    )


def _prose(text: str) -> str:
    """A text as HTML, what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _picture_html(report: Report) -> str:
    from ..viz.framed import as_image

    return f'<div style="margin:.4em 0">{as_image(report.picture, report.alt)}</div>'


def shown(value: Any, digits: int = 4) -> str:
    """A plain value as people write it: lists in brackets, texts in quotes; what is long is cut.

    >>> shown([0.1 + 0.2, 12.0, "larger"])
    "[0.3, 12, 'larger']"
    """
    if isinstance(value, str):
        return "..." if value == BLANK else repr(value if len(value) <= LONGEST else value[:LONGEST] + " …")
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, (int, float)):
        return number(value, digits)
    if isinstance(value, dict):
        return ", ".join(f"{name} = {shown(item, digits)}" for name, item in value.items())
    if isinstance(value, (list, tuple)):
        left_out = [f"… {len(value) - MOST} more"] if len(value) > MOST else []
        return f"[{', '.join([*(shown(item, digits) for item in value[:MOST]), *left_out])}]"
    return repr(value)


def number(value: float, digits: int = 4) -> str:
    """A number with so many significant digits; whole ones in full, without a point.

    >>> number(12.0), number(2 / 3), number(123456.0)
    ('12', '0.6667', '123456')
    """
    if value == round(value, 0) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.{digits}g}"
