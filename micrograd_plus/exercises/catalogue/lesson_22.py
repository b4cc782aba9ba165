"""Exercises of lesson 22."""

from __future__ import annotations

from ..exercise import Exercise

EXERCISES: list[Exercise] = []
