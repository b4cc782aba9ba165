"""The rooms of the house: who may import whom (the contracts are in pyproject.toml)."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_room_imports_only_what_it_may():
    lint_imports = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    done = subprocess.run([sys.executable, "-c", lint_imports], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_engine_stays_an_evening_of_reading():
    files = [p for p in (ROOT / "micrograd_plus/engine").glob("*.py") if p.name not in ("array_ops.py", "tensor.py")]
    code = [line for p in files for line in p.read_text().splitlines() if line.strip()]
    assert len(code) < 1100, f"{len(code)} lines: the part that students read first must not grow without thought"
