"""To PyTorch, and back: `to_torch`, `from_torch`, and `torch_code`, which writes the program."""

from .back import from_torch as from_torch
from .converting import to_torch as to_torch
from .program import torch_code as torch_code

__all__ = ["from_torch", "to_torch", "torch_code"]
