"""A problem set as an autograder for Gradescope: the zip that is uploaded there."""

from __future__ import annotations

import io
import json
import shlex
import zipfile

from .problem_set import ProblemSet

EARLIEST = (1980, 1, 1, 0, 0, 0)  # zip knows none before; always the same, so that a source always gives the same zip
IMPORT = "# %%\nfrom micrograd_plus import exercises as ex"

# Gradescope's own Python may be older than 3.11, so uv brings one. A wheel that lies in the zip is taken before PyPI's.
SETUP = """\
#!/usr/bin/env bash
# Run once by Gradescope, when the autograder is built: a Python for it, and micrograd_plus.
set -euo pipefail
AUTOGRADER="${AUTOGRADER:-/autograder}"
apt-get update
apt-get install -y --no-install-recommends python3-venv
python3 -m venv "$AUTOGRADER/uv"
"$AUTOGRADER/uv/bin/pip" install --quiet uv
"$AUTOGRADER/uv/bin/uv" venv --python 3.12 "$AUTOGRADER/venv"
wheel=$(find "$AUTOGRADER/source" -name 'micrograd_plus-*.whl' | head -n 1)
"$AUTOGRADER/uv/bin/uv" pip install --python "$AUTOGRADER/venv/bin/python" "${wheel:-micrograd_plus}"
"""

RUN = """\
#!/usr/bin/env bash
# Run by Gradescope for each submission. Its results are read from results/results.json.
set -u
AUTOGRADER="${AUTOGRADER:-/autograder}"
export PATH="$AUTOGRADER/venv/bin:$PATH"
results="$AUTOGRADER/results/results.json"
mkdir -p "$AUTOGRADER/results"
rm -f "$results"
micrograd-plus grade "$AUTOGRADER/submission" --assignment "$AUTOGRADER/source/"ASSIGNMENT \\
  --gradescope "$results" --timeout 10
# Gradescope wants a result in any case.
if [ ! -s "$results" ]; then
  echo '{"score": 0, "output": "The grader failed, which is not your fault. Please tell your teacher."}' > "$results"
fi
"""


def archive(problem_set: ProblemSet) -> bytes:
    """The bytes of the zip: setup.sh, run_autograder, and what is graded.

    Students' code runs beside it on Gradescope and can read all of it, so the solutions are not in it.
    """
    assignment = f"{problem_set.name}.py"
    files = {
        "setup.sh": (SETUP, 0o755),
        "run_autograder": (RUN.replace("ASSIGNMENT", shlex.quote(assignment)), 0o755),
        assignment: (_what_is_graded(problem_set), 0o644),
    }
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        for name, (text, mode) in files.items():
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.create_system = 3  # Unix, so that the permission to run them is kept
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(entry, text.encode())
    return held.getvalue()


def _what_is_graded(problem_set: ProblemSet) -> str:
    """A percent file with a cell for each exercise and for each written answer, and the points: all `grade` needs."""
    cells = [f"# What is graded in {problem_set.name}, without the solutions.", IMPORT]
    for part in problem_set.graded:
        if part.kind == "code":
            cells.append(f"# %%\nex.grade({json.dumps(part.graded)}, {part.given}, points={part.points!r})")
        else:
            cells.append(f'# %% [markdown] answer="{part.graded}" points={part.points!r}\n# A written answer.')
    return "\n\n".join(cells) + "\n"
