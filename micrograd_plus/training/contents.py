"""What a file may say beside the numbers: each entry of the right kind, or the file is refused.

A file can come from anywhere. Nothing that it says is run, and nothing is believed before it has been looked at here.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import Any

from ..data.arguments import as_random_state
from .files import VERSION, Tree, readable
from .history import History

OF_TRAINING = ("settings", "epoch", "loss", "frozen", "callbacks", "loaders", "random")  # what fit needs besides


def of_history(history: History) -> Tree:
    """A History as plain data."""
    return {**history.to_dict(), "seconds": list(history.seconds)}


def checked(tree: Any) -> dict[str, Any]:
    """What stands beside the numbers, as the fields of `Saved`. ValueError where an entry is of the wrong kind."""
    version = tree.get("version", VERSION) if isinstance(tree, dict) else None
    if not is_whole(version):
        raise ValueError("what stands beside the numbers says nothing that micrograd_plus writes")
    if version != VERSION:
        raise ValueError(f"it is of another version of micrograd_plus (format {version:d}): another release reads it")
    fields: dict[str, Any] = {name: _demand(tree, name, _or_none(is_whole), "a whole number") for name in NUMBERS}
    if past := _demand(tree, "history", _or_none(_is_history), "a history"):
        fields["history"] = _history(past)
    if state := _demand(tree, "optimizer", _or_none(_is_optimizer), "an optimiser's state"):
        fields["optimizer"] = _optimizer(state)
    if "settings" in tree:
        for name, (holds, what) in TRAINING.items():
            _demand(tree, name, holds, what)
        as_random_state(tree.get("random"))
        if tree["epoch"] != len(fields["history"].rows):
            raise ValueError(f"it is of epoch {tree['epoch']:d}, but its history has {len(fields['history'].rows)}")
        fields["training"] = {name: tree[name] for name in OF_TRAINING}
    return fields


def kind(value: Any) -> Any:
    """What a setting is: a number, a text …; a pair of numbers is a list of two kinds."""
    if isinstance(value, (list, tuple)):
        return [kind(part) for part in value]
    return "number" if is_number(value) else type(value)


def is_whole(x: Any) -> bool:
    """A whole number. (True is none, though Python counts it as 1.)"""
    return isinstance(x, int) and not isinstance(x, bool)


def is_number(x: Any) -> bool:
    """A real number, Python's or one of NumPy's; whole ones of at most 64 bits, so that all are floats if need be."""
    if hasattr(x, "dtype"):
        return x.shape == () and x.dtype.kind in "fiu"
    return isinstance(x, float) or (is_whole(x) and abs(x) < 2**64)


def _demand(tree: Tree, name: str, holds: Callable[[Any], bool], what: str) -> Any:
    if not holds(tree.get(name)):
        raise ValueError(f"its {name} should be {what}, and is {reprlib.repr(tree.get(name))}")
    return tree.get(name)


def _or_none(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda x: x is None or holds(x)


def _list_of(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda x: isinstance(x, (list, tuple)) and all(map(holds, x))


def _dict_of(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda x: isinstance(x, dict) and all(map(holds, x.values()))


def _is_text(x: Any) -> bool:
    return isinstance(x, str)


def _is_history(x: Any) -> bool:
    return (
        isinstance(x, dict)
        and _list_of(_dict_of(is_number))(x.get("rows"))
        and all(row.keys() == x["rows"][0].keys() for row in x["rows"])
        and _list_of(is_number)(x.get("steps"))
        and _list_of(is_number)(x.get("seconds"))
        and _or_none(_is_text)(x.get("stopped"))
    )


def _history(past: Tree) -> History:
    rows = [{readable(name): number for name, number in row.items()} for row in past["rows"]]
    return History(rows, list(past["steps"]), list(past["seconds"]), past.get("stopped") and readable(past["stopped"]))


def _is_optimizer(x: Any) -> bool:
    return (
        isinstance(x, dict)
        and _dict_of(_is_memory)(x.get("state"))
        and all(str(position).isdecimal() for position in x["state"])
        and _list_of(_is_group)(x.get("param_groups"))
    )


def _is_group(x: Any) -> bool:
    return isinstance(x, dict) and _list_of(is_whole)(x.get("params"))


def _is_memory(x: Any) -> bool:
    """What an optimiser remembers of a parameter: numbers and arrays; `step` counts steps, squares aren't negative."""
    if not isinstance(x, dict) or not all(is_number(part) or _is_array(part) for part in x.values()):
        return False
    step, squares = x.get("step", 0), [x[name] for name in ("exp_avg_sq", "square_avg") if name in x]
    least = [part.min(initial=0) if hasattr(part, "min") else part for part in squares]
    return is_number(step) and 0 <= step < 2**53 and not any(part < 0 for part in least)


def _is_array(x: Any) -> bool:
    return hasattr(x, "dtype") and x.dtype.kind in "fiu"


def _optimizer(state: Tree) -> Tree:
    """As `Optimizer.state_dict()` gives it: JSON knows no keys that are numbers, and no tuples."""
    groups = [
        {name: tuple(x) if isinstance(x, list) and name != "params" else x for name, x in group.items()}
        for group in state["param_groups"]
    ]
    return {"state": {int(position): memory for position, memory in state["state"].items()}, "param_groups": groups}


def _are_settings(x: Any) -> bool:
    return _dict_of(_is_text)(x) and str(x.get("split", "0")).isdecimal() and len(x.get("split", "0")) <= 20  # 64 bits


def _is_callback(x: Any) -> bool:
    return isinstance(x, dict) and _is_text(x.get("kind")) and isinstance(x.get("state"), dict)


NUMBERS = ("step", "seed")
TRAINING = {
    "settings": (_are_settings, "a dict of texts"),
    "epoch": (lambda x: is_whole(x) and x >= 0, "a whole number from 0"),
    "loss": (is_number, "a number"),
    "frozen": (_list_of(_is_text), "a list of names"),
    "callbacks": (_list_of(_is_callback), "a list of states"),
    "loaders": (_list_of(_or_none(lambda x: isinstance(x, dict))), "a list of states"),
    "history": (_is_history, "a history"),
    "optimizer": (_is_optimizer, "an optimiser's state"),
}
