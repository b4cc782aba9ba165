"""For the examples in docstrings and in README.md, which are run as tests."""

import sys

import pytest


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
