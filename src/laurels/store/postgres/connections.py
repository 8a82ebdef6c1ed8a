"""Connections to PostgreSQL: lent out one by one, and made anew when the server was away."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from queue import Empty, LifoQueue
from typing import Any, Final, LiteralString

import msgspec
import psycopg
from psycopg import Connection, RawCursor, RawServerCursor, errors
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8Dumper

from laurels.core.errors import Unavailable
from laurels.engine.ports import Conflict
from laurels.store.hand import Row
from laurels.store.statements import POSTGRES, load

STATEMENTS: Final = load(POSTGRES)
COPIES: Final[dict[str, LiteralString]] = {
    name.replace("copy_", "insert_", 1): statement
    for name, statement in STATEMENTS.items()
    if name.startswith("copy_")
}
"""What many rows of an insert are better written with: where no conflict can be."""
COPIED_ROWS_MIN: Final = 16
"""Fewer go with the other statements that wait to be sent; a copy is a conversation of its own."""

CONNECTIONS_MAX: Final = 8
"""Of one process. Whoever finds none free waits for one."""
LENT_WITHIN_S: Final = 5.0
CONNECT_S_MAX: Final = 2
STATEMENT_MS_MAX: Final = 8_000
LOCK_MS_MAX: Final = 5_000
STREAMED_ROWS: Final = 2_000
OUR_BUGS: Final = (
    errors.IntegrityError,
    errors.DataError,
    errors.DeadlockDetected,
    errors.SerializationFailure,
)
"""What may not happen. It is contained by running the batch again, one by one."""
IDLE: Final = TransactionStatus.IDLE

TAKES_ROWS: Final = "jsonb_array_elements"
"""What stands in a statement that takes all of its rows as one JSON value."""

BY_THE_WHOLE: Final = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
"""Ways to read that are good where all of a table is wanted."""

OPTIONS: Final = " ".join(
    f"-c {name}={value}"
    for name, value in {
        "statement_timeout": STATEMENT_MS_MAX,
        "lock_timeout": LOCK_MS_MAX,
        "idle_in_transaction_session_timeout": STATEMENT_MS_MAX,
        "timezone": "UTC",
        "client_encoding": "UTF8",
        # A statement is planned once. That may be while its tables are empty, and a plan that reads
        # all of an empty table would go on doing so as it grows: every step goes by a key.
        "plan_cache_mode": "force_generic_plan",
        **dict.fromkeys(BY_THE_WHOLE, "off"),
    }.items()
)

_encode: Final = msgspec.json.Encoder().encode


class WholeLoader(Loader):
    """Sums of whole numbers come as numeric; they are whole all the same."""

    def load(self, data: Buffer) -> int:
        return int(bytes(data))


class PostgresHand:
    """One connection, within whatever transaction it is in."""

    __slots__ = ("_names", "connection")

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        self._names = count()

    def run(self, name: str, *values: object) -> psycopg.Cursor[Any]:
        return self.connection.execute(STATEMENTS[name], values)

    def stream(self, name: str, *values: object) -> Iterator[Any]:
        with RawServerCursor(self.connection, f"laurels_{next(self._names)}") as cursor:
            cursor.itersize = STREAMED_ROWS
            cursor.execute(STATEMENTS[name], values)
            yield from cursor

    def many(self, name: str, rows: Iterable[Row]) -> None:
        rows = list(rows)
        if not rows:
            return
        statement = STATEMENTS[name]
        if len(rows) >= COPIED_ROWS_MIN and (copy := COPIES.get(name)):
            self._copy(copy, rows)
        elif TAKES_ROWS in statement:
            self.connection.execute(statement, (_encode(rows).decode(),))
        else:
            with self.connection.cursor() as cursor:
                cursor.executemany(statement, rows)

    @contextmanager
    def together(self, count: int) -> Generator[None]:
        """Send what is asked in here in one go, as far as no answer is needed, if it is little."""
        if count < COPIED_ROWS_MIN:
            with self.connection.pipeline():
                yield
        else:
            yield

    def lock(self, what: str, *, shared: bool = False) -> None:
        self.run("lock_named_shared" if shared else "lock_named", what)

    def configure(self, setting: str, value: str) -> None:
        """Change a setting of the server's until the transaction ends."""
        self.connection.execute("SELECT set_config($1, $2, true)", (setting, value))

    def _copy(self, statement: LiteralString, rows: Sequence[Row]) -> None:
        with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)


class PostgresConnections:
    """A few connections for all threads of the process. They are made when they are needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._free: LifoQueue[Connection[Any] | None] = LifoQueue()
        for _ in range(CONNECTIONS_MAX):
            self._free.put(None)

    def close(self) -> None:
        while not self._free.empty():
            connection = self._free.get()
            if connection is not None:
                connection.close()

    @contextmanager
    def writing(self) -> Generator[PostgresHand]:
        with self._lent("written") as lent:
            connection = lent.run("BEGIN").connection
            yield PostgresHand(connection)
            connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Generator[PostgresHand]:
        with self._lent("read") as lent:
            begun = lent.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield PostgresHand(begun.connection)

    def read(self, name: str, *values: object) -> list[Any]:
        # One statement is a snapshot of its own.
        with self._lent("read") as lent:
            return lent.run(STATEMENTS[name], values).fetchall()

    @contextmanager
    def as_it_is(self) -> Generator[Connection[Any]]:
        """Lend a connection outside of any transaction."""
        with self._lent("used") as lent:
            yield lent.run("SELECT 1").connection

    @contextmanager
    def _lent(self, how: str) -> Generator["_Lent"]:
        try:
            lent = _Lent(self._url, self._free.get(timeout=LENT_WITHIN_S))
        except Empty:
            raise Unavailable("The store is too busy; try again.") from None
        try:
            yield lent
        except OUR_BUGS as failure:
            raise Conflict(_said(failure)) from failure
        except psycopg.Error as failure:
            raise Unavailable(f"The store cannot be {how}: {_said(failure)}.") from failure
        finally:
            self._free.put(lent.give_back())


class _Lent:
    """A place for a connection, and what is in it."""

    def __init__(self, url: str, connection: Connection[Any] | None) -> None:
        self._url = url
        self._connection = connection

    def run(self, statement: LiteralString, values: Sequence[object] = ()) -> psycopg.Cursor[Any]:
        """Run the first statement of a loan: on a new connection where the old one has ended."""
        connection = self._connection
        if connection is not None and not connection.closed:
            try:
                return connection.execute(statement, values)
            except psycopg.OperationalError:
                if not connection.closed:
                    raise
        self._connection = connect(self._url)
        return self._connection.execute(statement, values)

    def give_back(self) -> Connection[Any] | None:
        """Return the connection, without a transaction; nothing where it has ended."""
        connection = self._connection
        if connection is None or connection.closed:
            return None
        if connection.info.transaction_status != IDLE:
            with suppress(psycopg.Error):
                connection.execute("ROLLBACK")
            if connection.info.transaction_status != IDLE:
                connection.close()
                return None
        return connection


def connect(url: str) -> Connection[Any]:
    """Connect as we always do: values in binary where that is shorter, statements prepared."""
    connection = Connection[Any].connect(
        url,
        autocommit=True,
        cursor_factory=RawCursor,
        prepare_threshold=0,
        connect_timeout=CONNECT_S_MAX,
        tcp_user_timeout=STATEMENT_MS_MAX,
        application_name="laurels",
        options=OPTIONS,
    )
    connection.prepared_max = 2 * len(STATEMENTS)
    connection.adapters.register_dumper(int, Int8Dumper)
    connection.adapters.register_loader("numeric", WholeLoader)
    return connection


def _said(failure: psycopg.Error) -> str:
    """Return what the server said, in one line."""
    said = failure.diag.message_primary or str(failure)
    return " ".join(said.split()).rstrip(".")
