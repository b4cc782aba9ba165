"""Training: `fit` runs the loop, a History remembers it, callbacks look on and may step in.

Works on scalar models (which need no NumPy) and on Tensor models alike.
"""

from .callbacks import Callback, EarlyStopping, Schedule, State
from .checkpoints import Checkpoint
from .files import CheckpointError
from .fit import fit
from .history import History
from .metrics import accuracy
from .recorder import Recorder
from .saving import Saved, load, save

__all__ = [
    "Callback",
    "Checkpoint",
    "CheckpointError",
    "EarlyStopping",
    "History",
    "Recorder",
    "Saved",
    "Schedule",
    "State",
    "accuracy",
    "fit",
    "load",
    "save",
]
