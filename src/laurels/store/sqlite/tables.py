"""All tables of a file as they lie, for a copy."""

import os
import sqlite3
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from laurels.store.copy import CopyRefused, RowRefused, Table
from laurels.store.hand import Row
from laurels.store.migrate import SchemaTooNew, SchemaTooOld
from laurels.store.sqlite.connections import SqliteConnections, SqliteHand
from laurels.store.sqlite.lock import StoreLocked, writer_lock
from laurels.store.sqlite.migrate import migrate
from laurels.store.verify import verify

HOLDER: Final = "a copy (process {})"


class SqliteTables:
    """Within a transaction that keeps everybody else from writing, short commands too."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self._name = name

    def count(self, table: Table) -> int:
        return self._connection.execute(f"SELECT COUNT(*) FROM {_quoted(table.name)}").fetchone()[0]  # noqa: S608 - see `_quoted`

    def rows(self, table: Table) -> Iterator[Row]:
        row = None
        try:
            for row in self._connection.execute(
                f"SELECT {_quoted(*table.columns)} FROM {_quoted(table.name)}"  # noqa: S608 - see `_quoted`
                f" ORDER BY {_quoted(*table.key)}"
            ):
                yield row
        except sqlite3.Error as failure:  # Such as text that is no UTF-8.
            after = f"after the row {table.place(row)}" if row else "in its first row"
            raise CopyRefused(
                f"{table.name} of {self._name} cannot be read {after}: {failure}. "
                "Nothing was copied."
            ) from failure

    def put(self, table: Table, rows: Iterable[Row]) -> None:
        places = ", ".join("?" * len(table.columns))
        try:
            self._connection.executemany(
                f"INSERT INTO {_quoted(table.name)} ({_quoted(*table.columns)})"  # noqa: S608 - see `_quoted`
                f" VALUES ({places})",
                rows,
            )
        except sqlite3.IntegrityError as failure:
            raise RowRefused(str(failure)) from failure

    def settle(self) -> None:
        """Do nothing: every statement says by which index it reads."""

    def verify(self) -> Iterator[str]:
        yield from verify(SqliteHand(self._connection))


class SqlitePlace:
    """A file."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self._path = path

    def identity(self) -> object:
        try:
            status = self._path.stat()
        except OSError:
            return str(self._path.resolve())
        return status.st_dev, status.st_ino

    @contextmanager
    def kept_still(self) -> Generator[SqliteTables]:
        if not self._path.is_file():
            raise CopyRefused(f"There is no store at {self._path}.")
        with self._connected() as connection:
            _check_schema(connection, self.name)
            with self._alone(connection):
                yield SqliteTables(connection, self.name)

    @contextmanager
    def being_filled(self) -> Generator[SqliteTables]:
        with self._connected() as connection:
            self._refuse_if_full(connection)
        with self._told(), closing(SqliteConnections(self._path)) as file:
            connection = file.writer
            migrate(connection)
            with self._alone(connection):
                self._refuse_if_full(connection)  # Somebody may have been quicker.
                yield SqliteTables(connection, self.name)
                connection.execute("COMMIT")

    @contextmanager
    def _connected(self) -> Generator[sqlite3.Connection]:
        """Connect, and change nothing by it."""
        with (
            self._told(),
            closing(sqlite3.connect(self._path, isolation_level=None)) as connection,
        ):
            yield connection

    @contextmanager
    def _told(self) -> Generator[None]:
        try:
            yield
        except StoreLocked as held:
            who = str(held).partition(";")[0]
            raise CopyRefused(f"{who}; stop that first. Nothing was copied.") from held
        except SchemaTooNew as problem:
            raise CopyRefused(f"{self.name}: {problem.message}") from problem
        except (OSError, sqlite3.Error) as failure:
            raise CopyRefused(f"{self.name} cannot be used: {failure}.") from failure

    @contextmanager
    def _alone(self, connection: sqlite3.Connection) -> Generator[None]:
        """Be the only one who writes: beside those who hold the lock, there are short commands."""
        with writer_lock(self._path, HOLDER.format(os.getpid())):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _refuse_if_full(self, connection: sqlite3.Connection) -> None:
        tables = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
        ).fetchall()
        for (table,) in tables:
            if connection.execute(f"SELECT 1 FROM {_quoted(table)} LIMIT 1").fetchone():  # noqa: S608 - see `_quoted`
                raise CopyRefused(
                    f"{self.name} is not empty: there are rows in {table}. Name a file that does "
                    "not exist yet. Nothing was copied."
                )


def _check_schema(connection: sqlite3.Connection, name: str) -> None:
    try:
        migrate(connection, only_check=True)
    except SchemaTooOld as problem:
        raise CopyRefused(
            f"{name} has an older schema, or none; run `laurels migrate --store {name}` first."
        ) from problem


def _quoted(*names: str) -> str:
    """Spell names of tables and columns. They come from migrations and catalogues, from nobody."""
    return ", ".join('"' + name.replace('"', '""') + '"' for name in names)
