"""Brings a file's schema up to date, one migration a transaction."""

import sqlite3
from collections.abc import Iterator

from laurels.store.migrate import Migration, missing


def migrate(connection: sqlite3.Connection, *, only_check: bool = False) -> list[str]:
    """
    Run the migrations that are missing, each in a transaction; return their names.

    A process killed halfway leaves the version before, and the next start goes on from there.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    found = missing("sqlite", version, only_check=only_check)
    for each in found:
        _run(connection, each)
    return [each.name for each in found]


def _run(connection: sqlite3.Connection, migration: Migration) -> None:
    """Run one migration, unless somebody who started at the same moment has just done so."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version < migration.number:
            for statement in _statements(migration.sql):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {migration.number}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _statements(sql: str) -> Iterator[str]:
    # One by one, since a script would be committed before it begins.
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
