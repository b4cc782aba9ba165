"""Faults: what an error says about an engine. Only its type and its message are read, and what was being done."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..report import ERROR, FAILED, TIMEOUT

_OPERANDS = re.compile(r"unsupported operand type\(s\) for (\S+)(?: or pow\(\))?: '([^']+)' and '([^']+)'")
_ONE_OPERAND = re.compile(r"bad operand type for unary -: '([^']+)'")
_ATTRIBUTE = re.compile(r"'([^']+)' object has no attribute '([^']+)'")
_TYPE_ATTRIBUTE = re.compile(r"type object '([^']+)' has no attribute '([^']+)'")
_NUMBERS = ("int", "float", "bool", "float64", "numpy.float64")
_METHODS = {"+": "add", "-": "sub", "*": "mul", "/": "truediv", "**": "pow"}


@dataclass(frozen=True)
class Fault:
    """What is wrong: its short name, a sentence or two on it, the state of the report.

    plain: whether the advice says all of it, so that the name isn't said before it.
    """

    name: str
    advice: str
    state: str = FAILED
    plain: bool = False


def is_blank(seen: dict[str, Any], name: str) -> bool:
    """Whether nothing was written yet where this program needs it: there are dots, or an empty method."""
    if seen["error"] in ("Blank", "NotImplementedError") or "ellipsis" in seen["text"].lower():
        return True
    if seen["during"] == "making" and not seen["data"]:
        return seen["error"] == "AttributeError" or "takes no arguments" in seen["text"]
    return "..." in (*seen["data"].values(), *seen["grad"].values())


def missing(seen: dict[str, Any], name: str) -> str:
    """The method that the class lacks, "" if that is not the fault."""
    text = seen["text"]
    if seen["error"] == "AttributeError":
        for found in (_ATTRIBUTE.search(text), _TYPE_ATTRIBUTE.search(text)):
            if found and found[1] == name:
                return found[2]
    if seen["error"] == "TypeError":
        if found := _OPERANDS.search(text):
            sign, left, right = found.groups()
            return _missing_operator(sign, left, right, name)
        if (found := _ONE_OPERAND.search(text)) and found[1] == name:
            return "__neg__"
    return ""


def _missing_operator(sign: str, left: str, right: str, name: str) -> str:
    if sign not in _METHODS:  # +=, or another
        return ""
    return f"__{_METHODS[sign]}__" if left == name else f"__r{_METHODS[sign]}__" if right == name else ""


def fault(seen: dict[str, Any], name: str, is_long: bool) -> Fault:
    """What an observation with an error says."""
    error = seen["error"]
    if is_blank(seen, name):
        return _blank(seen)
    finder = {
        "Returned": _returned,
        "Timeout": _timeout,
        "RecursionError": _recursion,
        "AttributeError": _attribute,
        "TypeError": _type,
    }.get(error)
    return (finder(seen, name, is_long) if finder else None) or _other(seen)


def _blank(seen: dict[str, Any]) -> Fault:
    where = _where(seen)
    return Fault(
        "there are still dots",
        f"Something is left to be written{where}. Put your own in place of the dots.",
        plain=True,
    )


def _returned(seen: dict[str, Any], name: str, is_long: bool) -> Fault:
    if seen["text"] == "NoneType":
        return Fault(
            "the result is not returned",
            f"`{seen['at']}` gives None. A method gives back what stands behind `return`; without it, None.",
        )
    kind = {"int": "a plain number", "float": "a plain number"}.get(seen["text"], f"a {seen['text']}")
    return Fault(
        "the result is a plain number that remembers nothing",
        f"`{seen['at']}` gives {kind}. It has to be a new {name}, which knows what it was made from.",
    )


def _timeout(seen: dict[str, Any], name: str, is_long: bool) -> Fault:
    if not is_long:
        advice = f"Your code was stopped{_where(seen)}. Is there a `while` whose list never becomes empty?"
        return Fault("a loop never ends", advice, TIMEOUT)
    return Fault(
        "a box is visited once for each path, or searched for in a list",
        "This graph is small for a walk that comes to each box once. How does your walk know which boxes it has met, "
        "and how long does it take to look that up? (`in` is quick for a set or a dict, and slow for a long list.)",
        TIMEOUT,
    )


def _recursion(seen: dict[str, Any], name: str, is_long: bool) -> Fault:
    if is_long:
        return Fault(
            "the walk calls itself for each input (recursion)",
            "Python allows about 1,000 calls inside of one another, and this chain is longer. Lesson 05 does the same "
            "walk with a list of its own in place of the calls, a stack.",
            ERROR,
        )
    if seen["during"].startswith("__r"):
        return Fault(
            f"`{seen['during']}` calls itself without end",
            f"In `{seen['at']}` Python calls {seen['during']}. If that writes the number on the left again, Python "
            "calls it again. Which side should the number stand on, inside?",
            ERROR,
        )
    return Fault(
        "a method calls itself without end",
        f"It happens{_where(seen)}. Is there an operation on a {name} inside that should be one on its number, .data?",
        ERROR,
    )


def _attribute(seen: dict[str, Any], name: str, is_long: bool) -> Fault | None:
    if lacks := missing(seen, name):
        return _lacks(seen, name, lacks)
    found = _ATTRIBUTE.search(seen["text"])
    if found and found[1] in _NUMBERS:
        return Fault(
            "a plain number is not made a box first",
            f"In `{seen['at'] or 'this graph'}` an operand is a plain number, and a number has no .{found[2]}. "
            f"{seen['says']}.",
            ERROR,
        )
    if found and found[1] == "NoneType":
        return Fault("something is None", f"An object was expected{_where(seen)}: {seen['says']}.", ERROR)
    return None


def _lacks(seen: dict[str, Any], name: str, lacks: str) -> Fault:
    if lacks in ("data", "grad"):
        return Fault(f"{lacks} is missing", f"Every {name} needs .{lacks} from the start. Set it in `__init__`.", ERROR)
    if lacks == seen["during"] or lacks in ("tanh", "exp", "log", "relu", "backward"):
        return Fault(
            f"{lacks} is missing", f"{name} has no `{lacks}` yet. Python needs it for `{seen['at']}`.", plain=True
        )
    if lacks.startswith("__"):
        advice = f"{name} has no `{lacks}` yet. It was needed inside of `{seen['at']}`: {seen['says']}."
        return Fault(f"{lacks} is missing", advice, plain=True)
    return Fault(f"the attribute {lacks} is missing", f"{seen['says']}. Is it set in `__init__`, and spelt so?", ERROR)


def _type(seen: dict[str, Any], name: str, is_long: bool) -> Fault | None:
    text = seen["text"]
    if "unhashable" in text:
        return Fault(
            "objects of the class can't stand in a set (unhashable)",
            "A class that defines __eq__ without __hash__ has no place in sets and dicts. An engine needs no __eq__.",
            ERROR,
        )
    if "'NoneType' object is not callable" in text:
        return Fault(
            "the inner function is called where it should be stored",
            "At the end of an operation the push is kept for later. What is the difference between push and push()?",
            ERROR,
        )
    if "takes no arguments" in text and seen["during"] == "making":
        return Fault("__init__ is missing", f"{name} can't take a number yet: {seen['says']}.")
    if re.search(rf"(must be real number, not|float\(\) argument .* not) '?{re.escape(name)}", text):
        return _number_of_class(seen, name)
    found = _OPERANDS.search(text)
    if found and "NoneType" in found.groups():
        return Fault("the gradient starts as None, not as 0", f"{seen['says']}. What is added to nothing?", ERROR)
    if found and name in found.groups() and seen["during"] == "backward":
        return _number_of_class(seen, name)
    if lacks := missing(seen, name):
        return _lacks(seen, name, lacks)
    return None


def _number_of_class(seen: dict[str, Any], name: str) -> Fault:
    return Fault(
        "a box itself is used in place of its .data",
        f"Where numbers are multiplied, there is a {name} among them: {seen['says']}. Which of its parts is meant?",
        ERROR,
    )


def _other(seen: dict[str, Any]) -> Fault:
    return Fault(f"{seen['error']} is raised", f"Your code stopped{_where(seen)}: {seen['says']}.", ERROR, plain=True)


def not_numbers(seen: dict[str, Any], name: str, leaves: Iterable[str]) -> Fault | None:
    """The fault where a .data, or a leaf's .grad, is there and is no number; None where all are numbers."""
    for what, nodes in (("data", seen["data"]), ("grad", leaves)):
        for node in nodes:
            if isinstance(value := seen[what].get(node), str):
                return _not_a_number(f"{node}.{what}", what, value, name)
    return None


def _not_a_number(place: str, what: str, kind: str, name: str) -> Fault:
    if kind == "...":
        return Fault("there are still dots", f"{place} is `...`. Put your own in place of the dots.", plain=True)
    if kind == name:
        advice = f"{place} is itself a {name}. It should be a plain number, computed from the numbers of the operands."
        return Fault("a box itself is used in place of its .data", advice)
    if kind == "NoneType":
        return Fault(f"{what} is None, not a number", f"{place} is None. A gradient that nothing reached is 0.")
    if kind == "missing":
        return Fault(f"{what} is missing", f"There is no {place}. Set it in `__init__`.")
    return Fault(f"{what} is no number", f"{place} is a {kind}, where a number is expected.")


def _where(seen: dict[str, Any]) -> str:
    if seen["during"] == "backward":
        return " in backward()"
    if seen["during"] == "making":
        return f" when {seen['at']} was made" if seen["at"] else " in `__init__`"
    return f" at `{seen['at']}`" if seen["at"] else ""
