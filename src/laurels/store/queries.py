"""Reads, each of one committed snapshot. They may block, and may run on any thread."""

from laurels.core import limits
from laurels.core.errors import Unavailable
from laurels.core.event import Instant, ParticipantId, TenantId
from laurels.engine.ports import History, HistoryEntry, JournalEntry
from laurels.store.connections import STATEMENTS, Connections
from laurels.store.transaction import decode_changes


class SqliteQueries:
    """What can be asked of a store."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def is_ready(self) -> bool:
        try:
            with self._connections.reading() as reader:
                reader.execute(STATEMENTS["all_tenants"])
        except Unavailable:
            return False
        return True

    def history(
        self,
        tenant: TenantId,
        participant: ParticipantId,
        *,
        name: str | None,
        since: Instant | None,
        until: Instant | None,
        page: int,
        page_size: int,
    ) -> History:
        within = (
            tenant,
            participant,
            limits.INSTANT_MIN_MS if since is None else since,
            limits.INSTANT_MAX_MS + 1 if until is None else until,
            name,
        )
        with self._connections.reading() as reader:
            (total,) = reader.execute(STATEMENTS["count_history"], within).fetchone()
            rows = reader.execute(
                STATEMENTS["history"], (*within, page_size, (page - 1) * page_size)
            ).fetchall()
        return History([HistoryEntry(*row) for row in rows], total)

    def journal(self, tenant: TenantId, *, after: int, count: int) -> list[JournalEntry]:
        with self._connections.reading() as reader:
            rows = reader.execute(STATEMENTS["journal_after"], (tenant, after, count)).fetchall()
        return [
            JournalEntry(number, command, operation, who, version, at, decode_changes(changes))
            for number, command, operation, who, version, at, changes in rows
        ]
