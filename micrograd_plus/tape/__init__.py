"""The tape: a function of Values or Tensors, recorded once and replayed fast."""

from .compiled import compile as compile
from .lanes import vmap as vmap
