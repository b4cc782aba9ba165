"""For the examples in docstrings and in README.md, which are run as tests."""

import signal
import sys
from importlib.util import find_spec

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so a shell starts what is to run in the background: no Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Modules that need numba are passed over where it isn't installed (it is an extra).
NEED_NUMBA = ["loops.py", "kernels.py", "with_numba.py"]
collect_ignore = [] if find_spec("numba") else [f"micrograd_plus/tape/{name}" for name in NEED_NUMBA]
if not find_spec("torch"):
    collect_ignore += ["micrograd_plus/bridges/torch/layers.py", "tests/programs/in_torch.py"]
if not find_spec("cosmic_ray"):
    collect_ignore.append("tests/mutation")


@pytest.fixture(autouse=True)
def examples_leave_nothing_behind(request, tmp_path_factory, monkeypatch):
    """An example that writes a file does so in a folder of its own; the figures that it opens are closed."""
    if not isinstance(request.node, pytest.DoctestItem):
        yield
        return
    monkeypatch.chdir(tmp_path_factory.mktemp("example"))
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
