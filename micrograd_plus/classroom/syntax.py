"""What is said of code that is no valid Python."""

from __future__ import annotations

import ast
import warnings

from .notebook_files import parsed

AWAIT = "`await` outside of a function is for notebooks alone, and is not run while this is graded"


def no_python(error: BaseException, source: str, place: str, first: int = 1) -> str:
    """A sentence on an error that Python found while it read code. first: the line in its file where `source` begins.

    place: as "code cell 4"; "" for a whole file, where the line alone tells.

    >>> no_python(SyntaxError("invalid syntax", ("a.py", 2, 1, "", 2, 2)), "x = 1\\nx =", "")
    'line 2: this is no valid Python: invalid syntax (x =)'
    """
    said, line = getattr(error, "msg", None) or str(error), getattr(error, "lineno", None)
    lines = source.split("\n")
    text = lines[line - 1].strip() if line and line <= len(lines) else ""
    what = AWAIT if "outside" in said and "await" in text else f"this is no valid Python: {said}"
    if not line:
        return f"{place or 'the file'}: {what}"
    number = line + first - 1
    return f"{place}: {what} (line {number}: {text})" if place else f"line {number}: {what} ({text})"


def syntax_error(source: str, place: str = "", first: int = 1) -> str:
    """What is wrong with code that is no valid Python; "" if it is valid.

    >>> syntax_error("x = 1")
    ''
    """
    if parsed(source) is not None:
        return ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return no_python(error, source, place, first)
    return ""
