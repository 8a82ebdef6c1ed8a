"""The demo: a git repository's history, played through a rulebook. Knows no store."""
