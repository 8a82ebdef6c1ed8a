"""Laurels: the gamification engine that decides what an event earns, exactly once."""

__version__ = "0.1.0"
