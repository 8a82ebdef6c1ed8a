"""The store on PostgreSQL, which any number of processes may use at once."""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from laurels.core.event import TenantId
from laurels.store.hand import Hand
from laurels.store.postgres.connections import UNHURRIED, PostgresConnections, PostgresHand
from laurels.store.postgres.migrate import migrate
from laurels.store.postgres.statistics import Statistics
from laurels.store.postgres.transaction import Memory, PostgresTransaction
from laurels.store.ranks import Ranks
from laurels.store.store import SqlStore


class PostgresStore(SqlStore):
    """One database. What another process may change is never remembered beyond a batch."""

    def __init__(self, url: str, *, migrate_schema: bool = True) -> None:
        self._database = PostgresConnections(url)
        try:
            with self._database.as_it_is() as connection:
                migrate(connection, only_check=not migrate_schema)
        except BaseException:
            self._database.close()
            raise
        self._memory = Memory()
        self._statistics = Statistics(self._database)
        super().__init__(self._database, Ranks(self._database, is_told=False))

    def close(self) -> None:
        self._statistics.settle()
        self._database.close()

    def lock(self, holder: str) -> AbstractContextManager[None]:  # noqa: ARG002 - nobody is kept out
        return nullcontext()

    @contextmanager
    def transaction(self) -> Generator[Callable[[TenantId], PostgresTransaction]]:
        begun: list[PostgresTransaction] = []
        with self._database.writing() as hand:

            def of_tenant(tenant: TenantId) -> PostgresTransaction:
                begun.append(PostgresTransaction(hand, tenant, self._memory))
                return begun[-1]

            yield of_tenant
            for transaction in begun:
                transaction.give_back()
        self._statistics.written(sum(transaction.rows for transaction in begun))

    def _damage(self, reader: Hand) -> Iterator[str]:
        # All of the data is read in one transaction, however long that takes.
        assert isinstance(reader, PostgresHand)
        for setting, value in UNHURRIED.items():
            reader.configure(setting, value)
        yield from ()
