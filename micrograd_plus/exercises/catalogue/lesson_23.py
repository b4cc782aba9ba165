"""Exercises of lesson 23."""

from __future__ import annotations

from ..exercise import Exercise

EXERCISES: list[Exercise] = []
