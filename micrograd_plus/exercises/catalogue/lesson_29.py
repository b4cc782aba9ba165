"""Exercises of lesson 29."""

from __future__ import annotations

from ..exercise import Exercise

EXERCISES: list[Exercise] = []
