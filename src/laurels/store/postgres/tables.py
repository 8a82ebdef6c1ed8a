"""All tables of a database as they lie, for a copy: streamed in and out by COPY."""

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import psycopg
from psycopg import Connection, errors
from psycopg.sql import SQL, Composed, Identifier

from laurels.store.copy import CopyRefused, RowRefused, Table, all_tables
from laurels.store.hand import Row
from laurels.store.migrate import SchemaTooNew, SchemaTooOld
from laurels.store.postgres.connections import UNHURRIED, PostgresHand, connect, said
from laurels.store.postgres.migrate import migrate
from laurels.store.verify import verify

GONE_WITHIN_S: Final = 1.0
"""What the connections of a process that has just ended get to be gone."""
LOOK_EVERY_S: Final = 0.05

IDENTITY: Final = """
SELECT pg_postmaster_start_time()::text, oid::bigint, current_schema()
  FROM pg_database
 WHERE datname = current_database()
"""

TYPES: Final = """
SELECT a.attname, a.atttypid::bigint
  FROM pg_class AS c
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace = current_schema()::regnamespace
   AND c.relkind IN ('r', 'p')
   AND c.relname = $1
"""

OTHERS: Final = """
SELECT COUNT(*)
  FROM pg_stat_activity
 WHERE datname = current_database()
   AND application_name = 'laurels'
   AND pid <> pg_backend_pid()
"""


class PostgresTables:
    """Within a transaction that has locked all tables against whoever would write to them."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._types = {table.name: types(connection, table) for table in all_tables()}

    def count(self, table: Table) -> int:
        query = SQL("SELECT COUNT(*) FROM {}").format(Identifier(table.name))
        row = self._connection.execute(query).fetchone()
        assert row is not None
        return row[0]

    def rows(self, table: Table) -> Iterator[Row]:
        query = SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT (FORMAT BINARY)").format(
            _listed(table.columns), Identifier(table.name), _listed(table.key)
        )
        with self._connection.cursor() as cursor, cursor.copy(query) as copy:
            copy.set_types(self._types[table.name])
            yield from copy.rows()

    def put(self, table: Table, rows: Iterable[Row]) -> None:
        query = SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            Identifier(table.name), _listed(table.columns)
        )
        try:
            # Its transaction is given up with the row.
            with self._connection.cursor() as cursor, cursor.copy(query) as copy:
                copy.set_types(self._types[table.name])
                for row in rows:
                    copy.write_row(row)
        except (errors.DataError, errors.IntegrityError, errors.ProgramLimitExceeded) as failure:
            raise RowRefused(said(failure)) from failure

    def settle(self) -> None:
        names = _listed(table.name for table in all_tables())
        self._connection.execute(SQL("ANALYZE {}").format(names))

    def verify(self) -> Iterator[str]:
        yield from verify(PostgresHand(self._connection))


class PostgresPlace:
    """A database."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self._url = url

    def identity(self) -> object:
        with self._connected() as connection:
            return connection.execute(IDENTITY).fetchone()

    @contextmanager
    def kept_still(self) -> Generator[PostgresTables]:
        with self._connected() as connection:
            self._check_schema(connection)
            self._refuse_if_served(connection)
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # Before anything is read, so that what is read is what was committed before the lock.
            self._lock(connection, SQL("LOCK TABLE {} IN SHARE MODE"))
            yield PostgresTables(connection)

    @contextmanager
    def being_filled(self) -> Generator[PostgresTables]:
        with self._connected() as connection:
            self._refuse_if_full(connection)
            migrate(connection)
            _configure(connection)
            connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            self._lock(connection, SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE"))
            self._refuse_if_full(connection)  # Somebody may have been quicker.
            yield PostgresTables(connection)
            connection.execute("COMMIT")

    @contextmanager
    def _connected(self) -> Generator[Connection[Any]]:
        """Connect. What is not committed ends with the connection."""
        try:
            with closing(connect(self._url)) as connection:
                _configure(connection)
                yield connection
        except (SchemaTooNew, SchemaTooOld) as problem:
            raise CopyRefused(f"{self.name}: {problem.message}") from problem
        except psycopg.Error as failure:
            raise CopyRefused(
                f"{self.name} cannot be used: {said(failure)}. Nothing was copied."
            ) from failure

    def _lock(self, connection: Connection[Any], statement: SQL) -> None:
        try:
            connection.execute(statement.format(_listed(table.name for table in all_tables())))
        except (errors.LockNotAvailable, errors.DeadlockDetected) as failure:
            raise CopyRefused(
                f"{self.name} is being written by somebody; stop that first. Nothing was copied."
            ) from failure

    def _check_schema(self, connection: Connection[Any]) -> None:
        try:
            migrate(connection, only_check=True)
        except SchemaTooOld as problem:
            raise CopyRefused(
                f"{self.name} has an older schema, or none; run `laurels migrate --store` with it "
                "first."
            ) from problem

    def _refuse_if_served(self, connection: Connection[Any]) -> None:
        until = time.monotonic() + GONE_WITHIN_S
        while others := (connection.execute(OTHERS).fetchone() or (0,))[0]:
            if time.monotonic() > until:
                raise CopyRefused(
                    f"{self.name} is in use by other processes of Laurels ({others} connections); "
                    "stop them first. Nothing was copied."
                )
            time.sleep(LOOK_EVERY_S)

    def _refuse_if_full(self, connection: Connection[Any]) -> None:
        for table in all_tables():
            if not connection.execute(TYPES, (table.name,)).fetchone():
                continue  # It is not there yet.
            query = SQL("SELECT 1 FROM {} LIMIT 1").format(Identifier(table.name))
            if connection.execute(query).fetchone():
                raise CopyRefused(
                    f"{self.name} is not empty: there are rows in {table.name}. Name a new "
                    "database. Nothing was copied."
                )


def types(connection: Connection[Any], table: Table) -> list[int]:
    """Return the type of each column, as the database calls it by number."""
    found = dict(connection.execute(TYPES, (table.name,)).fetchall())
    if found.keys() != set(table.columns):
        odd = ", ".join(sorted(found.keys() ^ set(table.columns)))
        raise CopyRefused(f"{table.name} has other columns than this version knows: {odd}.")
    return [found[column] for column in table.columns]


def _configure(connection: Connection[Any]) -> None:
    for setting, value in UNHURRIED.items():
        connection.execute("SELECT set_config($1, $2, false)", (setting, value))


def _listed(names: Iterable[str]) -> Composed:
    return SQL(", ").join(map(Identifier, names))
