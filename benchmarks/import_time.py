"""What `import micrograd_plus` costs beyond `import numpy`: whole processes, in turn.

python benchmarks/import_time.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 15
PROGRAMS = {
    "import numpy": "import numpy",
    "import micrograd_plus": "import micrograd_plus",
    "Tensor and nn too": "import micrograd_plus as mg; mg.Tensor; mg.nn.Linear",
}


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(RUNS):
        for name, program in PROGRAMS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True)
            times[name].append(time.perf_counter() - start)
    base = times["import numpy"]
    for name, found in times.items():
        extra = statistics.median(a - b for a, b in zip(found, base, strict=True))
        whole = statistics.median(found)
        print(f"  {name:22s} {whole * 1e3:6.0f} ms a process, {extra * 1e3:+5.0f} ms beside import numpy")


if __name__ == "__main__":
    main()
