"""Exercises of lesson 26."""

from __future__ import annotations

from ..exercise import Exercise

EXERCISES: list[Exercise] = []
