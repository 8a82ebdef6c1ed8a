"""A store, whichever database it is in: what it offers beside transactions."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from laurels.core.event import TenantId
from laurels.engine.answers import BoardName
from laurels.store.analytics import Merge
from laurels.store.hand import Connections, Hand
from laurels.store.inbox import SqlInbox
from laurels.store.queries import SqlQueries
from laurels.store.ranks import Ranks
from laurels.store.registry import SqlRegistry
from laurels.store.revocations import SqlDenylist
from laurels.store.sweep import Sweep
from laurels.store.transaction import SqlTransaction
from laurels.store.verify import verify


class SqlStore(ABC):
    """
    Transactions are for one thread at a time.

    `registry` is for operators, `queries` for reading, `denylist` for tokens that were revoked;
    their reads may run on any thread.
    """

    def __init__(
        self, connections: Connections, ranks: Ranks, changed: Callable[[], None] = lambda: None
    ) -> None:
        self._connections = connections
        self._ranks = ranks
        self.merge_analytics = Merge(connections).step
        self.forget_receipts = Sweep(connections).step
        self.registry = SqlRegistry(connections, changed)
        self.denylist = SqlDenylist(connections)
        self.inbox = SqlInbox(connections)
        self.queries = SqlQueries(connections, ranks)

    @abstractmethod
    def close(self) -> None: ...
    @abstractmethod
    def lock(self, holder: str) -> AbstractContextManager[None]:
        """Be a process that writes batches; `holder` tells others who that is."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Callable[[TenantId], SqlTransaction]]: ...
    def verify(self) -> Iterator[str]:
        """Yield what is wrong with the data, as sentences; nothing, when all is well."""
        with self._connections.reading() as reader:
            yield from self._damage(reader)
            yield from verify(reader)

    def installation(self) -> str:
        """Return which installation this is, made up when first asked for."""
        known = self._connections.read("installation")
        if not known:
            with self._connections.writing() as writer:
                writer.run("put_installation", secrets.token_hex(8))
            known = self._connections.read("installation")
        return known[0][0]

    def take_snapshot(self, tenant: TenantId, name: BoardName, *, day: int) -> None:
        """Keep the ranks of a board as they are when a day begins; the first of a day stays."""
        self._ranks.total(tenant, name)  # Loads it, if need be, while nobody waits to write.
        with self._connections.writing() as writer:
            self._ranks.take_snapshot(writer, tenant, name, day)

    def _damage(self, reader: Hand) -> Iterator[str]:  # noqa: ARG002 - what a database can tell of itself
        """Yield what the database itself knows to be broken."""
        return iter(())
