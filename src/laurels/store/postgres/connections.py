"""Connections to PostgreSQL: lent out one by one, and made anew when the server was away."""

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
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
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper

from laurels.core.errors import Unavailable
from laurels.engine.clock import stopwatch
from laurels.engine.ports import Conflict
from laurels.store.hand import Row
from laurels.store.postgres.silence import Patient, Watchman
from laurels.store.statements import POSTGRES, load

log = logging.getLogger(__name__)

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
STATEMENT_MS_MAX: Final = 4_500
"""Less than we would wait for a server that says nothing at all."""
LOCK_MS_MAX: Final = 4_000
STREAMED_ROWS: Final = 2_000
UNREADY: Final = ("08", "0A", "25006", "25P0", "28", "3F", "42", "53", "55", "57", "58")
"""
How the codes begin by which a server says that it is away, busy, full, too slow or read-only, or
that its schema, or what we may do there, is not as we know it. It may be so again later.

Whatever else it says is about what it was given, by our bug or an odd event. It is contained by
running the batch again, one by one, so that nobody has to wait for as long as the culprit is there.
"""
SAID_EVERY_S: Final = 1.0
"""How often a server's own words are logged while it refuses everybody."""
IDLE: Final = TransactionStatus.IDLE

TAKES_ROWS: Final = "jsonb_array_elements"
"""What stands in a statement that takes all of its rows as one JSON value."""

BY_THE_WHOLE: Final = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
"""Ways to read that are good where all of a table is wanted."""

UNHURRIED: Final = {
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "plan_cache_mode": "auto",
    **dict.fromkeys(BY_THE_WHOLE, "on"),
}
"""The settings for whoever goes through all of a database: that is no statement of a request."""

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
        if setting == "statement_timeout" and isinstance(self.connection, Patient):
            self.connection.may_be_silent = True
        self.connection.execute("SELECT set_config($1, $2, true)", (setting, value))

    def _copy(self, statement: LiteralString, rows: Sequence[Row]) -> None:
        with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)


class PostgresConnections:
    """A few connections for all threads of the process. They are made when they are needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._watchman = Watchman()
        self._said_at = -SAID_EVERY_S
        self._free: LifoQueue[Patient | None] = LifoQueue()
        for _ in range(CONNECTIONS_MAX):
            self._free.put(None)

    def close(self) -> None:
        self._watchman.close()
        while not self._free.empty():
            connection = self._free.get()
            if connection is not None:
                connection.close()

    @contextmanager
    def writing(self) -> Generator[PostgresHand]:
        with self._lent("written") as lent:
            # Whatever the database, or the role, has by default.
            lent.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
            connection = lent.connection
            yield PostgresHand(connection)
            connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Generator[PostgresHand]:
        with self._lent("read") as lent:
            lent.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield PostgresHand(lent.connection)

    def read(self, name: str, *values: object) -> list[Any]:
        # One statement is a snapshot of its own.
        with self._lent("read") as lent:
            return lent.run(STATEMENTS[name], values).fetchall()

    @contextmanager
    def as_it_is(self) -> Generator[Connection[Any]]:
        """Lend a connection outside of any transaction, for whatever may take its time."""
        with self._lent("used") as lent:
            lent.run("SELECT 1")
            lent.connection.may_be_silent = True
            yield lent.connection

    @contextmanager
    def _lent(self, how: str) -> Generator["_Lent"]:
        try:
            lent = _Lent(self._open, self._free.get(timeout=LENT_WITHIN_S))
        except Empty:
            raise Unavailable("The store is too busy; try again.") from None
        try:
            yield lent
        except psycopg.Error as failure:
            if is_ready_for(failure):
                raise Conflict(said(failure)) from failure
            self._log(how, failure)
            raise Unavailable(f"The store cannot be {how}; try again.") from failure
        finally:
            self._free.put(lent.give_back())

    def _log(self, how: str, failure: psycopg.Error) -> None:
        """Tell operators what the server said; callers are told that it is not their fault."""
        if (now := stopwatch()) - self._said_at >= SAID_EVERY_S:
            self._said_at = now
            log.warning("the store cannot be %s: %s", how, said(failure))

    def _open(self) -> Patient:
        connection = connect(self._url)
        self._watchman.add(connection)
        return connection


class _Lent:
    """A place for a connection, and what is in it."""

    def __init__(self, open_: Callable[[], Patient], connection: Patient | None) -> None:
        self._open = open_
        self._connection = connection

    @property
    def connection(self) -> Patient:
        assert self._connection is not None, "the first statement of a loan makes one"
        return self._connection

    def run(self, statement: LiteralString, values: Sequence[object] = ()) -> psycopg.Cursor[Any]:
        """Run the first statement of a loan: on a new connection where the old one has ended."""
        connection = self._connection
        if connection is not None and not connection.closed:
            connection.may_be_silent = False
            try:
                return connection.execute(statement, values)
            except psycopg.OperationalError:
                if not connection.closed:
                    raise
        self._connection = self._open()
        return self._connection.execute(statement, values)

    def give_back(self) -> Patient | None:
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


def connect(url: str) -> Patient:
    """Connect as we always do: values in binary where that is shorter, statements prepared."""
    connection = Patient.connect(
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
    # Every number of ours is a BIGINT; a binary copy has to say so itself.
    for dumper in (Int8BinaryDumper, Int8Dumper):
        connection.adapters.register_dumper(int, dumper)
    connection.adapters.register_loader("numeric", WholeLoader)
    return connection


def wait_for_ever(connection: Connection[Any]) -> None:
    """Let a connection wait for locks, and statements take, as long as it takes."""
    for limit in ("statement_timeout", "lock_timeout"):  # The first counts while the other waits.
        connection.execute("SELECT set_config($1, '0', false)", (limit,))


def is_ready_for(failure: psycopg.Error) -> bool:
    """Say whether the server is as it should be, and took offence at what it was given."""
    if failure.sqlstate is not None:
        return not failure.sqlstate.startswith(UNREADY)
    if isinstance(failure, errors.PipelineAborted):
        return True  # By a statement before it, which is found out when it is sent alone.
    return not isinstance(failure, psycopg.OperationalError | psycopg.InterfaceError)


def said(failure: Exception) -> str:
    """Return what a server said, or what went wrong on the way to it, in one line."""
    primary = failure.diag.message_primary if isinstance(failure, psycopg.Error) else None
    return " ".join((primary or str(failure)).split()).rstrip(".")
