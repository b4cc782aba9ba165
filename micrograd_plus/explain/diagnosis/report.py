"""What the doctor found: findings, and how they are shown."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ...engine.visible import visible

LISTED = 5  # names that a sentence lists

ERROR, WARNING, INFO = "error", "warning", "info"


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    problem: a short name that stays the same, as "dead_relu". severity: "error" (training can't work so), "warning"
    (it is likely to suffer) or "info" (no fault). what, why, do: a sentence each. where: a line or a layer, if known.
    """

    problem: str
    severity: str
    what: str
    why: str
    do: str
    where: str = ""

    def __str__(self) -> str:
        parts = (("where", self.where), ("why", self.why), ("what to do", self.do))
        return "\n".join(
            [
                f"{self.severity}: {self.what}  [{self.problem}]",
                *(f"    {name}: {text}" for name, text in parts if text),
            ]
        )


class Diagnosis:
    """What `diagnose` found, the worst first: print it, loop over it, or ask whether it is `.healthy`.

    findings: all of them. It counts as true when healthy, so that `assert diagnose(loss, model)` reads as it means.
    """

    def __init__(self, findings: Iterable[Finding]):
        severities = (ERROR, WARNING, INFO)
        self.findings = sorted(findings, key=lambda finding: severities.index(finding.severity))

    @property
    def faults(self) -> list[Finding]:
        """The findings that are more than information."""
        return [finding for finding in self.findings if finding.severity != INFO]

    @property
    def healthy(self) -> bool:
        """Whether there is no fault."""
        return not self.faults

    @property
    def problems(self) -> list[str]:
        """The short names of all findings."""
        return [finding.problem for finding in self.findings]

    @property
    def rows(self) -> list[dict[str, str]]:
        """One dict for each finding, for pandas.DataFrame(diagnosis.rows)."""
        return [asdict(finding) for finding in self.findings]

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for json.dumps."""
        return {"healthy": self.healthy, "findings": self.rows}

    def __bool__(self) -> bool:
        return self.healthy

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __getitem__(self, problem: str) -> Finding:
        """The first finding of that name. KeyError lists those that there are."""
        for finding in self.findings:
            if finding.problem == problem:
                return finding
        raise KeyError(f"{problem!r} was not found; there is {', '.join(self.problems) or 'nothing'}")

    def _headline(self) -> str:
        n = len(self.faults)
        return "No fault found." if not n else "1 fault found." if n == 1 else f"{n} faults found, the worst first."

    def __str__(self) -> str:
        return visible("\n".join([self._headline(), *map(str, self.findings)]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        items = "".join(_as_html(finding) for finding in self.findings)
        return f"<div><p><strong>{self._headline()}</strong></p>{f'<ul>{items}</ul>' if items else ''}</div>"


# Colours with a contrast of 4.4 on white and on near-black alike: all other text keeps the page's own colour.
_COLOURS = {ERROR: "#e0383e", WARNING: "#9c7000", INFO: "#767676"}


def _as_html(finding: Finding) -> str:
    mark = f'<strong style="color:{_COLOURS[finding.severity]}">{finding.severity}</strong>'
    name = f'<code style="opacity:0.7">[{html.escape(finding.problem)}]</code>'
    parts = [f"{mark} {html.escape(finding.what)} {name}"]
    if finding.where:
        parts.append(f"where: <code>{html.escape(finding.where)}</code>")
    parts += [f"why: {html.escape(finding.why)}", f"what to do: {html.escape(finding.do)}"]
    return f'<li style="margin-bottom:0.6em">{"<br>".join(parts)}</li>'


def listed(names: Iterable[str]) -> str:
    """Names for a sentence: the first few, and how many more there are.

    >>> listed("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    names = list(names)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
