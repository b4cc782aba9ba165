"""Which mistake is it? For each usual one, what the numbers would be if it had been made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .inputs import place_of
from .problem import Problem
from .result import Check, GradCheck

Pairs = list[tuple[float, float]]  # numbers that would be equal if this was the mistake


@dataclass
class WrongInput:
    """Input number k, of which some numbers are wrong: `checks` has all of them, `wrong` those alone."""

    problem: Problem
    k: int
    checks: list[Check]
    wrong: list[Check]
    gradient: Any  # what backward() gave; None where nothing arrived
    tolerance: tuple[float, float]

    @property
    def shape(self) -> tuple:
        """The input's shape."""
        return getattr(self.problem.leaves[self.k], "shape", ())

    def fits(self, pairs: Iterable[tuple[float, float]]) -> bool:
        """Whether the two numbers of each pair are equal, up to ten times the tolerance."""
        rtol, atol = self.tolerance
        return all(abs(a - b) <= 10 * (atol + rtol * max(abs(a), abs(b))) for a, b in pairs)


def hints_for(problem: Problem, result: GradCheck, analytic: list, tolerance: tuple[float, float]) -> list[str]:
    """For each input with wrong numbers, the first explanation that fits all of them."""
    hints = []
    for k, name in enumerate(problem.names):
        checks = [c for c in result.checks if c.name == name]
        wrong = [c for c in checks if c.verdict == "wrong"]
        if wrong:
            hints.append(f"{name}: {_explained(WrongInput(problem, k, checks, wrong, analytic[k], tolerance))}")
    return hints


def _explained(x: WrongInput) -> str:
    for explanation in EXPLANATIONS:
        if text := explanation(x):
            return text
    worst = x.wrong[0] if len(x.wrong) == 1 else max(x.wrong, key=lambda c: c.error)
    cut = "" if x.problem.row else ". Is a path not recorded: .detach(), .data, no_grad() or float() on the way?"
    return f"{len(x.wrong)} of {len(x.checks)} wrong, the worst at {worst.where}: no usual mistake fits{cut}"


def not_checked(result: GradCheck) -> list[str]:
    """A line for each input of which some numbers can't be compared."""
    names = dict.fromkeys(c.name for c in result.checks if c.verdict == "not finite" and not c.note)
    return [
        f"{name}: not finite: the slope, or f a small step away, is inf or nan (a pole, or the edge of where f is "
        "defined), so it can't be checked there"
        for name in names
    ]


# -- the usual mistakes: each function gives its sentence, or "" where it doesn't fit ---------------------------------


def _nothing_arrives(x: WrongInput) -> str:
    if not x.fits((c.analytic, 0.0) for c in x.checks):
        return ""
    return (
        "backward() brings nothing, though f changes with it: the path isn't recorded (.data, .item(), float(), "
        "detach() or no_grad() on the way), or the slope is 0 by mistake"
    )


def _y_and_x_exchanged(x: WrongInput) -> str:
    pairs = _slopes_with_y_and_x_exchanged(x)
    fits = pairs is not None and x.fits(pairs)
    return "the slope is right with y and x exchanged: the rule is called as slope(y, x, …), y first" if fits else ""


def _slopes_with_y_and_x_exchanged(x: WrongInput) -> Pairs | None:
    """(slope with y and x exchanged, numeric) of a row of one input; None for anything else."""
    row, weights = x.problem.row, x.problem.weights
    if row is None or x.problem.second or len(x.problem.inputs) != 1 or row.arity != 1:
        return None
    pairs = []
    for c in x.wrong:
        place = c.index[-1] if c.index else 0
        number = x.problem.number(x.k, place)
        try:
            slope = float(row.rules[0](number, float(row.forward(number))))
        except (ArithmeticError, ValueError, TypeError):
            return None
        pairs.append((slope * (weights[place] if len(weights) > 1 else 1.0), c.numeric))
    return pairs


def _gradient_of_another(x: WrongInput) -> str:
    for other, name in enumerate(x.problem.names):
        if other != x.k and _is_of(x, other):
            return f"this is the gradient of {name}: two slopes (or two inputs) are exchanged"
    return ""


def _is_of(x: WrongInput, other: int) -> bool:
    """Whether the analytic numbers are the numeric ones of another input (of the same shape)."""
    shape = getattr(x.problem.leaves[other], "shape", ())
    pairs = []
    for c in x.wrong:
        if len(shape) != len(c.index) or any(i >= n for i, n in zip(c.index, shape, strict=True)):
            return False
        pairs.append((c.analytic, x.problem.difference(other, place_of(c.index, shape))))
    return x.fits(pairs)


def _transposed(x: WrongInput) -> str:
    if getattr(x.gradient, "ndim", 0) != 2 or min(x.gradient.shape) < 2:
        return ""
    turned = x.gradient.T.reshape(x.gradient.shape)  # the same numbers, read along the other axis
    fits = x.fits((float(turned[c.index]), c.numeric) for c in x.wrong)
    return "right when transposed: a .T is missing, or one too many" if fits else ""


def _without_upstream(x: WrongInput) -> str:
    if len(x.problem.weights) == 1:  # what arrives is 1 then, and multiplying by it changes nothing
        return ""
    with x.problem.all_weights_one():
        pairs = [(c.analytic, x.problem.difference(x.k, place_of(c.index, x.shape))) for c in x.wrong]
    return "right without what arrives from above: the rule forgets to multiply by g" if x.fits(pairs) else ""


def _constant_factor(x: WrongInput) -> str:
    ratios = [c.analytic / c.numeric for c in x.wrong if c.numeric]
    if not ratios or not x.fits((ratio, ratios[0]) for ratio in ratios):
        return ""
    if abs(ratios[0] + 1) < 1e-3:
        return "the sign is wrong: analytic = -numeric"
    known = {2.0: "2 × numeric: a factor 2 too many, or one path counted twice",
             0.5: "½ × numeric: a factor 2 is missing, or one of two paths"}  # fmt: skip
    for factor, text in known.items():
        if abs(ratios[0] - factor) < 1e-3:
            return f"a factor is wrong: analytic = {text}"
    # One number alone always has a ratio; several with the same one tell of a factor.
    return f"a factor is wrong: analytic = {ratios[0]:.4g} × numeric, everywhere" if len(ratios) > 1 else ""


EXPLANATIONS: tuple[Callable[[WrongInput], str], ...] = (
    _nothing_arrives, _y_and_x_exchanged, _gradient_of_another, _transposed, _without_upstream,
    _constant_factor,
)  # fmt: skip
