"""Exercises of lesson 27."""

from __future__ import annotations

from ..exercise import Exercise

EXERCISES: list[Exercise] = []
