"""Brings a database's schema to the version this program knows, one numbered file at a time."""

import sqlite3
from collections.abc import Iterator
from importlib import resources

from laurels.core.errors import LaurelsError


class SchemaTooNew(LaurelsError):
    """The store was written by a newer Laurels; upgrade this one."""


class SchemaTooOld(LaurelsError):
    """The store has an older schema; run `laurels migrate`."""


def migrations(database: str) -> list[tuple[int, str, str]]:
    """Return (number, name, SQL) of every migration of a database, in order."""
    folder = resources.files("laurels.store.migrations").joinpath(database)
    files = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return [
        (int(name[:4]), name.removesuffix(".sql"), folder.joinpath(name).read_text("utf-8"))
        for name in files
    ]


def migrate(connection: sqlite3.Connection, *, only_check: bool = False) -> list[str]:
    """
    Run the migrations that are missing, each in a transaction; return their names.

    A process killed halfway leaves the version before, and the next start goes on from there.
    """
    known = migrations("sqlite")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > known[-1][0]:
        raise SchemaTooNew
    missing = [(number, name, sql) for number, name, sql in known if number > version]
    if missing and only_check:
        raise SchemaTooOld
    for number, _, sql in missing:
        _run(connection, number, sql)
    return [name for _, name, _ in missing]


def _run(connection: sqlite3.Connection, number: int, sql: str) -> None:
    """Run one migration, unless somebody who started at the same moment has just done so."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version < number:
            for statement in _statements(sql):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
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
