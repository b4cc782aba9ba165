"""How fast it is, beside others: `python -m benchmarks` from the root of this repository.

`measure.py` runs contenders in turn, `report.py` writes down what came out, `check.py` compares it with what was
recorded; each of the other files is one piece of work, with all who do it.
"""

import os

# One thread each, before NumPy is loaded: these arrays are small, and a ratio of two libraries should not be one of
# their thread pools. The contenders' processes inherit it.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
