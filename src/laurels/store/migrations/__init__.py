"""Numbered files that build the schema, one folder a database. Never edited once released."""
