"""Which tests belong to which module, those that find most first. A module's own examples come before them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "micrograd_plus"
ALSO = ("micrograd_plus.nn", "micrograd_plus.optim")  # they make rows while they are imported

SCALARS = ["test_value", "test_graph", "test_table"]
ARRAYS = ["test_tensor", "test_table", "test_graph"]
RULES = ["test_table", "test_value", "test_tensor", "test_numerics", "test_second_derivatives"]

TESTS = {
    "optim/clipping.py": ["test_optim"],
    "optim/decay.py": ["test_optim"],
    "optim/optimizers.py": ["test_optim"],
    "optim/schedules.py": ["test_optim"],
    "optim/together.py": ["test_optim"],
    "optim/uninterrupted.py": ["test_optim", "test_training"],
    "nn/losses.py": ["test_losses", "test_table", "test_numerics", "test_second_derivatives", "test_compile_tensors"],
    "engine/arithmetic.py": [*SCALARS, "test_tensor"],
    "engine/array_ops.py": [*ARRAYS, "test_numerics", "test_second_derivatives", "test_twin", "test_compile_tensors"],
    "engine/collector.py": ["test_graph", "test_training"],
    "engine/copying.py": ["test_graph", "test_value", "test_tensor", "test_twin"],
    "engine/differentiate.py": ["test_graph", "test_value", "test_tensor", "test_second_derivatives"],
    "engine/edges.py": ["test_edges", "test_value", "test_table", "test_numerics"],
    "engine/erfc.py": ["test_erfc", "test_numerics"],
    "engine/graph.py": [*SCALARS, "test_tensor", "test_scopes", "test_compile"],
    "engine/maths.py": RULES,
    "engine/ops.py": RULES,
    "engine/recording.py": ["test_graph", "test_value", "test_tensor", "test_threads", "test_compile"],
    "engine/tensor.py": [*ARRAYS, "test_twin", "test_numerics", "test_compile_tensors"],
    "engine/twin.py": ["test_twin", "test_tensor", "test_table", "test_losses"],
    "engine/value.py": [*SCALARS, "test_numerics", "test_twin", "test_compile"],
    "engine/visible.py": ["test_public"],
}


def module_names(chosen: list[str]) -> list[str]:
    """The modules that are meant: "optim" is all of that room, and nothing is all of them.

    >>> module_names(["optim/decay.py", "engine/edges.py"])
    ['optim/decay.py', 'engine/edges.py']
    """
    names = [
        name for part in chosen or ["optim", "nn", "engine"] for name in TESTS if f"{name}/".startswith(f"{part}/")
    ]
    if not names or any(not any(f"{name}/".startswith(f"{part}/") for name in TESTS) for part in chosen):
        raise SystemExit(f"python -m tests.mutation knows {', '.join(TESTS)}, and the rooms these are in; got {chosen}")
    return names


def tests_of(module: str) -> list[str]:
    """What pytest is given for a module: its own examples, its test files, and those that ask everything."""
    names = [*TESTS[module], "test_bad_inputs"]
    return [f"micrograd_plus/{module}", *(f"tests/{name}.py" for name in names)]
