"""The rooms of the house: who may import whom (the contracts are in pyproject.toml)."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_room_imports_only_what_it_may():
    lint_imports = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    done = subprocess.run([sys.executable, "-c", lint_imports], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def lines_of_code(file):
    """Lines that aren't blank, comment or docstring."""
    source = file.read_text()
    documented = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            documented |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(source.splitlines(), start=1)
    return sum(bool(line.strip()) and not line.strip().startswith("#") and i not in documented for i, line in lines)


def test_the_engine_stays_an_evening_of_reading():
    """What students read first: it must not grow without thought."""
    first = ("graph.py", "maths.py", "ops.py", "arithmetic.py", "value.py")
    assert sum(lines_of_code(ROOT / "micrograd_plus/engine" / name) for name in first) < 700
