"""One connection that writes, and a few that read, to one SQLite file."""

import logging
import sqlite3
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any, Final

from laurels.core.errors import Unavailable
from laurels.engine.ports import Conflict
from laurels.store.hand import Row
from laurels.store.statements import SQLITE, load

log = logging.getLogger(__name__)

STATEMENTS: Final = load(SQLITE)

READERS: Final = 4
BUSY_TIMEOUT_MS: Final = 5_000
BUSY_RETRY_S: Final = 0.01
CACHE_KIB: Final = 64 * 1024
CHECKPOINT_PAGES: Final = 16_000
"""How far the WAL may grow before it is written back: pages that many commits touch go once."""

PRAGMAS: Final = f"""
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA busy_timeout = {BUSY_TIMEOUT_MS};
PRAGMA cache_size = -{CACHE_KIB};
PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};
"""


class SqliteHand:
    """One connection. Who may write and when is the business of whoever lends it."""

    __slots__ = ("connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def run(self, name: str, *values: object) -> sqlite3.Cursor:
        return self.connection.execute(STATEMENTS[name], values)

    def stream(self, name: str, *values: object) -> Iterator[Any]:
        return self.connection.execute(STATEMENTS[name], values)

    def many(self, name: str, rows: Iterable[Row]) -> None:
        self.connection.executemany(STATEMENTS[name], rows)

    def lock(self, what: str, *, shared: bool = False) -> None:
        """Do nothing: the one writer holds the lock of the whole file."""


class SqliteConnections:
    """Opened once a process; closed with it."""

    def __init__(self, path: Path) -> None:
        self.writer = _connect(path)
        self._writing = Lock()
        self._readers: SimpleQueue[SqliteHand] = SimpleQueue()
        for _ in range(READERS):
            self._readers.put(SqliteHand(_connect(path)))

    def close(self) -> None:
        self.writer.close()
        while not self._readers.empty():
            self._readers.get().connection.close()

    @contextmanager
    def writing(self) -> Generator[SqliteHand]:
        """
        Begin at once, so that nobody else writes in between; commit at the end, or roll back.

        Raises Unavailable when the file cannot be written, Conflict when a constraint fired.
        """
        with self._writing:  # Operators write from other threads than the one of batches.
            writer = self.writer
            try:
                writer.execute("BEGIN IMMEDIATE")
                yield SqliteHand(writer)
                writer.execute("COMMIT")
            except sqlite3.IntegrityError as failure:
                raise Conflict(str(failure)) from failure
            except sqlite3.Error as failure:
                log.warning("the store cannot be written: %s", failure)
                raise Unavailable("The store cannot be written; try again.") from failure
            finally:
                if writer.in_transaction:
                    writer.execute("ROLLBACK")

    @contextmanager
    def reading(self) -> Generator[SqliteHand]:
        """Lend a connection for one committed snapshot."""
        hand = self._readers.get()
        reader = hand.connection
        try:
            reader.execute("BEGIN")
            yield hand
        except sqlite3.Error as failure:
            log.warning("the store cannot be read: %s", failure)
            raise Unavailable("The store cannot be read; try again.") from failure
        finally:
            if reader.in_transaction:
                reader.execute("ROLLBACK")
            self._readers.put(hand)

    def read(self, name: str, *values: object) -> list[Any]:
        with self.reading() as hand:
            return hand.run(name, *values).fetchall()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=len(STATEMENTS) + 8
    )
    _prepare(connection)
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Set the pragmas. Of two that turn a new file to WAL at once, SQLite lets neither wait."""
    patience = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.executescript(PRAGMAS)
        except sqlite3.OperationalError as failure:
            if failure.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > patience:
                raise
            time.sleep(BUSY_RETRY_S)
        else:
            return
