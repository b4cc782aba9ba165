"""Exercises of lesson 24."""

from __future__ import annotations

from ..exercise import Exercise

EXERCISES: list[Exercise] = []
