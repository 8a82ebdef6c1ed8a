"""Brings a database's schema up to date, one migration a transaction, one process at a time."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from psycopg import Connection
from psycopg.errors import UndefinedTable

from laurels.store.migrate import Migration, missing
from laurels.store.postgres.connections import wait_for_ever

LOCK: Final = "SELECT pg_advisory_lock(hashtextextended('laurels migrate', 0))"
UNLOCK: Final = "SELECT pg_advisory_unlock(hashtextextended('laurels migrate', 0))"
CREATE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number     INTEGER     NOT NULL PRIMARY KEY,
    name       TEXT        NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
)
"""


def migrate(connection: Connection[Any], *, only_check: bool = False) -> list[str]:
    """
    Run the migrations that are missing, each in a transaction; return their names.

    Whoever starts at the same moment waits. A process killed halfway leaves the version before.
    """
    found = missing("postgres", _version(connection), only_check=only_check)
    if not found:
        return []
    with _locked(connection):
        connection.execute(CREATE)
        found = missing("postgres", _version(connection), only_check=False)
        for each in found:
            _run(connection, each)
    return [each.name for each in found]


@contextmanager
def _locked(connection: Connection[Any]) -> Generator[None]:
    """Be the only one who migrates, for as long as it takes: a large table is not done quickly."""
    wait_for_ever(connection)
    connection.execute(LOCK)
    try:
        yield
    finally:
        if not connection.closed:  # Else the lock has gone with it.
            connection.execute(UNLOCK)
            connection.execute("RESET statement_timeout")
            connection.execute("RESET lock_timeout")


def _version(connection: Connection[Any]) -> int:
    try:
        row = connection.execute("SELECT MAX(number) FROM schema_migrations").fetchone()
    except UndefinedTable:
        return 0
    return (row and row[0]) or 0


def _run(connection: Connection[Any], migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.sql, prepare=False)
        connection.execute(
            "INSERT INTO schema_migrations (number, name) VALUES ($1, $2)",
            (migration.number, migration.name),
        )
