"""The embedded store: everything of every tenant in one SQLite file."""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from laurels.core.event import TenantId
from laurels.store.hand import Hand
from laurels.store.ranks import Ranks, Told
from laurels.store.sqlite.cache import Cache
from laurels.store.sqlite.connections import SqliteConnections, SqliteHand
from laurels.store.sqlite.lock import writer_lock
from laurels.store.sqlite.migrate import migrate
from laurels.store.sqlite.transaction import SqliteTransaction
from laurels.store.store import SqlStore


class SqliteStore(SqlStore):
    """One file, one writer."""

    def __init__(self, path: Path, *, migrate_schema: bool = True) -> None:
        self._path = path
        self._file = SqliteConnections(path)
        migrate(self._file.writer, only_check=not migrate_schema)
        self._cache = Cache()
        self._data_version = 0
        super().__init__(self._file, Ranks(self._file), self._cache.clear)

    def close(self) -> None:
        self._file.close()

    def lock(self, holder: str) -> AbstractContextManager[None]:
        """Be the one process that writes batches; `holder` tells others who that is."""
        return writer_lock(self._path, holder)

    @contextmanager
    def transaction(self) -> Generator[Callable[[TenantId], SqliteTransaction]]:
        told: list[Told] = []
        try:
            with self._file.writing() as hand:
                self._drop_what_others_changed(hand)
                yield lambda tenant: SqliteTransaction(hand, tenant, self._cache, told)
        except BaseException:
            self._cache.clear()  # Its states may be half moved.
            raise
        for commit in told:
            self._ranks.moved(*commit)

    def _drop_what_others_changed(self, hand: SqliteHand) -> None:
        # Short commands of other processes may write too: what they touched is stale here.
        (version,) = hand.connection.execute("PRAGMA data_version").fetchone()
        if version != self._data_version:
            self._cache.clear()
            self._data_version = version

    def _damage(self, reader: Hand) -> Iterator[str]:
        assert isinstance(reader, SqliteHand)
        for (verdict,) in reader.connection.execute("PRAGMA quick_check"):
            if verdict != "ok":
                yield f"The file is damaged: {verdict}."
