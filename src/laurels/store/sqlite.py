"""The embedded store: everything of every tenant in one SQLite file."""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from laurels.core.event import Instant, TenantId
from laurels.engine.answers import BoardName
from laurels.store.analytics import Merge
from laurels.store.cache import Cache
from laurels.store.connections import STATEMENTS, Connections
from laurels.store.inbox import SqliteInbox
from laurels.store.lock import writer_lock
from laurels.store.migrate import migrate
from laurels.store.queries import SqliteQueries
from laurels.store.ranks import Ranks, Told
from laurels.store.registry import SqliteRegistry
from laurels.store.revocations import SqliteDenylist
from laurels.store.sweep import Sweep
from laurels.store.transaction import Transaction
from laurels.store.verify import verify


class SqliteStore:
    """
    One file, one writer.

    Transactions are for one thread at a time. `registry` is for operators, `queries` for reading,
    `denylist` for tokens that were revoked; their reads may run on any thread.
    """

    def __init__(self, path: Path, *, migrate_schema: bool = True) -> None:
        self._path = path
        self._connections = Connections(path)
        migrate(self._connections.writer, only_check=not migrate_schema)
        self._cache = Cache()
        self._data_version = 0
        self._sweep = Sweep()
        self.merge_analytics = Merge(self._connections).step
        self.registry = SqliteRegistry(self._connections, self._cache.clear)
        self.denylist = SqliteDenylist(self._connections)
        self.inbox = SqliteInbox(self._connections)
        self._ranks = Ranks(self._connections)
        self.queries = SqliteQueries(self._connections, self._ranks)

    def close(self) -> None:
        self._connections.close()

    def lock(self, holder: str) -> AbstractContextManager[None]:
        """Be the one process that writes batches; `holder` tells others who that is."""
        return writer_lock(self._path, holder)

    def verify(self) -> Iterator[str]:
        """Yield what is wrong with the data, as sentences; nothing, when all is well."""
        with self._connections.reading() as reader:
            yield from verify(reader)

    def forget_receipts(self, before: Instant) -> None:
        """Delete a bounded number of receipts that were received before; go on there next time."""
        with self._connections.writing() as writer:
            self._sweep.step(writer, before)

    def take_snapshot(self, tenant: TenantId, name: BoardName, *, day: int) -> None:
        """Keep the ranks of a board as they are when a day begins; the first of a day stays."""
        self._ranks.total(tenant, name)  # Loads it, if need be, while nobody waits to write.
        with self._connections.writing() as writer:
            self._ranks.take_snapshot(writer, tenant, name, day)

    @contextmanager
    def transaction(self) -> Generator[Callable[[TenantId], Transaction]]:
        told: list[Told] = []
        try:
            with self._connections.writing() as writer:
                # Short commands of other processes may write too: what they touched is stale here.
                (version,) = writer.execute("PRAGMA data_version").fetchone()
                if version != self._data_version:
                    self._cache.clear()
                    self._data_version = version
                yield lambda tenant: Transaction(writer, STATEMENTS, self._cache, tenant, told)
        except BaseException:
            self._cache.clear()  # Its states may be half moved.
            raise
        for commit in told:
            self._ranks.moved(*commit)
