"""What can go wrong on the way to an ONNX file."""

from __future__ import annotations


class OnnxError(ValueError):
    """A model that can't be written as an ONNX file, and why: nothing was written."""


class Unsupported(Exception):  # noqa: N818 - it is caught, collected and told as one OnnxError
    """One operation that has no counterpart in ONNX, or none here: what to do about it."""


class OneSizeOnly(Exception):  # noqa: N818 - no error: the program is written for one size of the batch
    """Why the program that was recorded holds for one size of the batch alone."""
