"""The embedded database: everything of every tenant in one file, and one process that writes it."""
