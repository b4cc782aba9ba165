"""Words about a finished graph: what each step does, what it means, and whether it is right.

Everything here reads a graph and changes nothing in it. Where to find what:

    a graph with names                  reading.py, scopes.py, words.py
    the backward pass step by step      chain.py, trace.py, steps.py; in words: slopes.py, sentences.py, pull_backs.py
    rules that write themselves down    pieces.py, code.py, known.py; a whole graph: to_python.py and programs/
    formula, gradcheck, diagnose        a file each, and its parts in formulas/, checking/, diagnosis/
    paths, wrong orders                 paths.py; orders.py, proposals.py
    the first nan                       anomaly.py, births.py, finite.py, places.py
"""

from .anomaly import AnomalyError, detect_anomaly
from .checking.error_over_h import error_over_h
from .diagnose import diagnose
from .formula import formula
from .gradcheck import gradcheck, gradgradcheck
from .orders import wrong_orders
from .paths import paths
from .steps import walkthrough
from .to_python import to_python
from .trace import trace_backward

__all__ = [
    "AnomalyError",
    "detect_anomaly",
    "diagnose",
    "error_over_h",
    "formula",
    "gradcheck",
    "gradgradcheck",
    "paths",
    "to_python",
    "trace_backward",
    "walkthrough",
    "wrong_orders",
]
