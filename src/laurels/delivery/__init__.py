"""Telling the world: the journal is read after a cursor, and whoever listens hears of it."""
