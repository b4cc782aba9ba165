"""The tests of the tests: a mistake that matters is found, and one that makes no difference is not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("cosmic_ray")

MODULE = '''"""Sums."""

START = 0


def total(xs):
    """The sum of xs."""
    result = START
    for x in xs:
        result += x
    return result


def larger(a: int | None, b: int = 0):
    """The larger of two."""
    if a is None:
        raise TypeError("no number, but " + str(a))
    return a if a > b else b


def never_tested(x):
    return x + 1
'''

TESTS = """
from subject.sums import larger, total


def test_total():
    assert total([1, 2]) == 3


def test_larger():
    assert (larger(1, 2), larger(3, 2), larger(2)) == (2, 3, 2)
"""

PROGRAM = """
import sys
from pathlib import Path
from types import SimpleNamespace
from tests.mutation.mutants import mutants_of
from tests.mutation.results import Results
from tests.mutation.running import try_module
from tests.mutation.trial import Loaded

folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
loaded = Loaded(folder / "subject", "sums.py")
asked = SimpleNamespace(jobs=2, seconds=60.0)
chosen = [m for m in mutants_of("sums.py", loaded.source) if m.operator in sys.argv[2:]]
tests = [loaded.path, str(folder / "test_sums.py")]
print(try_module(loaded, chosen, tests, Results(folder / "kept" / "results.jsonl"), asked))
"""


def tried(folder, tests, *operators):
    """What became of the mutants: {the changed lines: the outcome}, and what went wrong."""
    (folder / "subject").mkdir()
    (folder / "subject" / "__init__.py").touch()
    (folder / "subject" / "sums.py").write_text(MODULE)
    (folder / "test_sums.py").write_text(tests)
    (folder / "pytest.ini").touch()
    command = [sys.executable, "-c", PROGRAM, str(folder), *operators]
    run = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=Path(__file__).parents[1])
    assert run.returncode == 0, run.stderr
    kept = folder / "kept" / "results.jsonl"
    lines = kept.read_text().splitlines() if kept.exists() else []
    found = {}
    for result in map(json.loads, lines):
        found[result["change"].partition("\n+ ")[2]] = result["outcome"]
    assert (folder / "subject" / "sums.py").read_text() == MODULE  # nothing is written over
    return found, run.stdout.strip()


def test_what_matters_is_killed_and_what_makes_no_difference_survives(tmp_path):
    operators = ("SwapAugmented", "NumberReplacer", "ReplaceComparisonOperator_Gt_GtE", "ReplaceBinaryOperator_Add_Sub")
    found, wrong = tried(tmp_path, TESTS, *operators)
    assert wrong == ""
    assert found == {
        "result -= x": "killed",
        "START = 1": "killed",  # needs a new import …
        "START = -1": "killed",
        "def larger(a: int | None, b: int = 1):": "survived",  # … and here a test is missing
        "def larger(a: int | None, b: int = -1):": "survived",
        "return a if a >= b else b": "survived",  # the same behaviour
        "return x - 1": "survived",  # no test calls it
        "return x + 2": "survived",
        "return x + 0": "survived",
    }  # nothing of annotations and the texts of errors


def test_tests_that_fail_without_a_mistake_are_noticed(tmp_path):
    found, wrong = tried(tmp_path, TESTS + "\n\ndef test_wrong():\n    assert total([1]) == 2\n", "SwapAugmented")
    assert not found
    assert "the tests fail without any mistake put in" in wrong
    assert "test_wrong" in wrong
