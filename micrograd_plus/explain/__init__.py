"""Words about a finished graph: what each step does, what it means, and whether it is right.

Everything here reads a graph and changes nothing in it.
"""

from .anomaly import AnomalyError, detect_anomaly
from .diagnose import diagnose
from .formula import formula
from .gradcheck import error_over_h, gradcheck, gradgradcheck
from .orders import wrong_orders
from .paths import paths
from .steps import walkthrough
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
    "trace_backward",
    "walkthrough",
    "wrong_orders",
]
