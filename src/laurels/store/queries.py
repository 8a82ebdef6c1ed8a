"""Reads, each of one committed snapshot. They may block, and may run on any thread."""

from typing import Any

from laurels.core import limits
from laurels.core.change import PointsPosted
from laurels.core.compile import Compiled, compile_rulebook
from laurels.core.errors import Unavailable
from laurels.core.event import EventId, Instant, ParticipantId, TenantId
from laurels.core.ledger import account_of, is_in_hand
from laurels.core.rulebook import Rulebook
from laurels.core.shared import Pool
from laurels.core.state import State
from laurels.engine.answers import (
    ClaimRow,
    ContestRow,
    History,
    HistoryEntry,
    JournalEntry,
    Ledger,
    LedgerLine,
    Met,
)
from laurels.engine.rulebook_text import load_rulebook
from laurels.store.connections import STATEMENTS, Connections
from laurels.store.ranks import Ranks
from laurels.store.rows import decode_changes


class SqliteQueries:
    """What can be asked of a store."""

    def __init__(self, connections: Connections, ranks: Ranks) -> None:
        self._connections = connections
        self.top = ranks.top
        self.around = ranks.around
        self.place = ranks.place
        self.total = ranks.total
        self.snapshot = ranks.snapshot
        self._rulebooks: dict[TenantId, Compiled] = {}

    def is_ready(self) -> bool:
        try:
            self._rows("all_tenants")
        except Unavailable:
            return False
        return True

    def rulebook(self, tenant: TenantId) -> Compiled:
        ((version,),) = self._rows("rulebook_version", tenant)
        known = self._rulebooks.get(tenant)
        if known is None or known.version != (version or 0):
            known = self._rulebooks[tenant] = self.rulebook_of(tenant, version or 0)
        return known

    def rulebook_of(self, tenant: TenantId, version: int) -> Compiled:
        for found, source in self._rows("rulebook_of_version", tenant, version):
            return compile_rulebook(load_rulebook(source), found)
        return compile_rulebook(Rulebook(), 0)

    def participant(self, tenant: TenantId, participant: ParticipantId) -> Met:
        rows = self._rows("find_participant", tenant, participant)
        return Met(State(rows[0][0] if rows else None), self.rulebook(tenant))

    def ledger(
        self, tenant: TenantId, participant: ParticipantId, *, page: int, page_size: int
    ) -> Ledger:
        posted = self.participant(tenant, participant).state.posted
        if posted is None:
            return Ledger([], 0)
        total, command = posted
        skipped, lines = (page - 1) * page_size, list[LedgerLine]()
        walked: EventId | None = command if skipped < total else None
        while walked is not None and len(lines) < page_size:
            ((_, operation, at, changes, walked_to),) = self._rows(
                "journal_of_command", tenant, walked
            )
            postings = _lines(decode_changes(changes), walked, operation, participant, at)
            lines += postings[skipped : skipped + page_size - len(lines)]
            skipped = max(skipped - len(postings), 0)
            walked = walked_to
        return Ledger(lines, total)

    def count_events(self, tenant: TenantId, participant: ParticipantId) -> int:
        ((count,),) = self._rows("count_events", tenant, participant)
        return count

    def claims(self, tenant: TenantId, participant: ParticipantId) -> list[ClaimRow]:
        return [ClaimRow(*row) for row in self._rows("claims_of_participant", tenant, participant)]

    def code(self, tenant: TenantId, offer: str, number: int) -> str | None:
        return next((code for (code,) in self._rows("find_code", tenant, offer, number)), None)

    def pools(self, tenant: TenantId) -> dict[str, Pool]:
        offers = self.rulebook(tenant).offers
        return {offer: Pool(*self._rows("find_pool", tenant, offer)[0]) for offer in offers}

    def contests(self, tenant: TenantId) -> dict[str, ContestRow]:
        return {row[0]: ContestRow(*row) for row in self._rows("closed_contests", tenant)}

    def due(self, now: Instant, count: int) -> list[tuple[TenantId, ParticipantId]]:
        return self._rows("participants_due", now, count)

    def worlds(self) -> list[TenantId]:
        return [world for (world,) in self._rows("worlds_with_rulebooks")]

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
        return [
            JournalEntry(number, command, operation, who, version, at, decode_changes(changes))
            for number, command, operation, who, version, at, changes in self._rows(
                "journal_after", tenant, after, count
            )
        ]

    def _rows(self, name: str, *values: object) -> list[Any]:
        with self._connections.reading() as reader:
            return reader.execute(STATEMENTS[name], values).fetchall()


def _lines(
    changes: tuple[Any, ...], command: EventId, operation: str, participant: str, at: Instant
) -> list[LedgerLine]:
    """Return the postings of one command as their participant sees them, the last one first."""
    own = account_of(participant)
    return [
        LedgerLine(
            id=f"{command}-{position}",
            command=command,
            operation=operation,
            amount=change.amount if change.target == own else -change.amount,
            currency=change.currency,
            rule=change.rule,
            reason=change.reason,
            counterpart=change.source if change.target == own else change.target,
            balance_after=change.balance,
            recorded_at=at,
        )
        for position, change in reversed(list(enumerate(changes)))
        if isinstance(change, PointsPosted) and is_in_hand(change)
    ]
