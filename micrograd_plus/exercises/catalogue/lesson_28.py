"""Exercises of lesson 28."""

from __future__ import annotations

from ..exercise import Exercise

EXERCISES: list[Exercise] = []
