"""Slopes by the complex step, Im f(x + ih) / h: no difference is taken, so nothing is rounded away."""

from __future__ import annotations

from ...engine.value import Value
from .complex_numbers import Complex, ComplexValue, as_complex, bare
from .inputs import each, flat
from .problem import Problem

STEP = 1e-20  # as small as one likes: nothing is subtracted, so nothing is lost


def complex_slopes(problem: Problem) -> tuple[dict[str, float], str]:
    """The slope of each input by its name; or none of them, and why f doesn't run on complex numbers."""
    why = why_not_complex(problem)
    if why:
        return {}, why
    count = len(problem.leaves)
    try:
        steps = [[STEP if other == k else 0.0 for other in range(count)] for k in range(count)]
        return {name: imaginary_part(problem, hs) / STEP for name, hs in zip(problem.names, steps, strict=True)}, ""
    except Exception as error:  # whatever f does with numbers that it wasn't written for
        return {}, not_complex(error)


def not_complex(error: Exception) -> str:
    """What to say of an f that raised this on complex numbers."""
    return f"f doesn't run on complex numbers: {error}"


def imaginary_part(problem: Problem, steps: list[float]) -> float:
    """The imaginary part of f with each input moved by i × its step."""
    instead = {
        id(leaf): ComplexValue(Complex(complex(number, step)))
        for leaf, number, step in zip(problem.leaves, problem.here, steps, strict=True)
    }
    y = problem.f(*(each(x, lambda part: instead.get(id(part), part)) for x in problem.inputs))
    return sum(w * as_complex(bare(part)).imag for w, part in zip(problem.weights, flat(y), strict=True))


def why_not_complex(problem: Problem) -> str:
    """Why the complex step can't be tried at all; empty where it can."""
    if problem.second:
        return "a gradient can't be run on complex numbers here"
    if any(not isinstance(x, Value) for x in problem.leaves):
        return "it is for functions of single numbers (Values), not of arrays"
    if len(problem.leaves) > problem.of_inputs:
        return "the parameters of a module can't be made complex"
    return ""
