"""Exercises of lesson 25."""

from __future__ import annotations

from ..exercise import Exercise

EXERCISES: list[Exercise] = []
