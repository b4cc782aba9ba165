"""Tables for a terminal and for a notebook: the same rows, as aligned text or as HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence

SHOWN = 60  # rows that are shown one by one


def table_text(head: Sequence[str], lines: Sequence[Sequence[str]], left: Sequence[int] = ()) -> str:
    """Aligned columns; those in `left` to the left, numbers to the right.

    >>> print(table_text(["name", "grad"], [["w", "0.5"], ["bias", "-1.25"]], left=[0]))
    name   grad
    w       0.5
    bias  -1.25
    """
    rows = [head, *lines]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def table_html(title: str, head: Sequence[str], lines: Sequence[Sequence[str]], after: Sequence[str] = ()) -> str:
    """The same as an HTML table, with everything escaped; colours are the page's own. after: lines below it.

    >>> table_html("no rows", [], [])
    '<p>no rows</p>'
    """
    notes = "".join(f"<p>{html.escape(line)}</p>" for line in after)
    if not lines:
        return f"<p>{html.escape(title)}</p>{notes}"
    body = "".join(_row_html(line, "td") for line in lines)
    caption = f'<caption style="text-align:left">{html.escape(title)}</caption>'
    return f"<table>{caption}<thead>{_row_html(head, 'th')}</thead><tbody>{body}</tbody></table>{notes}"


def _row_html(cells: Sequence[str], kind: str) -> str:
    scope = ' scope="col"' if kind == "th" else ""
    style = ' style="text-align:left;padding:0.2em 0.7em 0.2em 0"'
    return "<tr>" + "".join(f"<{kind}{scope}{style}>{html.escape(cell)}</{kind}>" for cell in cells) + "</tr>"


def code_html(code: str) -> str:
    """Lines of code, with everything escaped.

    The font is said here: in pages that nbconvert writes, `<pre>` alone is in the font of the text around it.

    >>> "<code" in code_html("for v in order: v._backward()")
    True
    """
    font = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace"
    return f'<pre style="{font};margin:0 0 0.4em"><code style="{font}">{html.escape(code)}</code></pre>'


def more_than_shown(count: int, where: str) -> list[str]:
    """A line on what was left out of a table, if anything was.

    >>> more_than_shown(1_000, ".rows has them all"), more_than_shown(3, ".rows has them all")
    (['… and 940 more: .rows has them all'], [])
    """
    return [f"… and {count - SHOWN:,} more: {where}"] if count > SHOWN else []
