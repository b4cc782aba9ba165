"""Training: `fit` runs the loop, a History remembers it, callbacks look on and may step in.

Works on scalar models (which need no NumPy) and on Tensor models alike.
"""

from .callbacks import Callback, EarlyStopping, Schedule, State
from .checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from .fit import fit
from .history import History
from .metrics import accuracy
from .recorder import Recorder

__all__ = [
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "History",
    "Recorder",
    "Schedule",
    "State",
    "accuracy",
    "fit",
    "load_checkpoint",
    "save_checkpoint",
]
