"""Reads, each of one committed snapshot. They may block, and may run on any thread."""

from collections.abc import Collection, Sequence
from typing import Any

from laurels.core import limits
from laurels.core.change import ChallengeCompleted, PointsPosted
from laurels.core.compile import Compiled
from laurels.core.errors import Unavailable
from laurels.core.event import EventId, Instant, ParticipantId, TenantId
from laurels.core.ledger import account_of, is_in_hand
from laurels.core.shared import Pool
from laurels.core.state import State
from laurels.engine.answers import (
    Analytics,
    AnalyticsAsked,
    ClaimRow,
    Completion,
    ContestRow,
    Feed,
    History,
    HistoryEntry,
    JournalEntry,
    Ledger,
    LedgerLine,
    Met,
)
from laurels.engine.ports import Address, Conflict, Remembered
from laurels.store.analytics import read_analytics
from laurels.store.hand import Connections, Hand, Row
from laurels.store.journal import head
from laurels.store.ranks import Ranks
from laurels.store.rows import decode_changes, encode_list
from laurels.store.rulebooks import compiled
from laurels.store.transaction import find_receipts


class SqlQueries:
    """What can be asked of a store."""

    def __init__(self, connections: Connections, ranks: Ranks) -> None:
        self._connections = connections
        self.top = ranks.top
        self.around = ranks.around
        self.place = ranks.place
        self.total = ranks.total
        self.snapshot = ranks.snapshot
        self._rulebooks: dict[TenantId, Compiled] = {}

    def analytics(self, tenant: TenantId, asked: AnalyticsAsked) -> Analytics:
        with self._connections.reading() as reader:
            return read_analytics(reader, tenant, asked)

    def receipts(self, tenant: TenantId, addresses: Sequence[Address]) -> dict[Address, Remembered]:
        return find_receipts(self._connections.read, tenant, addresses)

    def is_ready(self) -> bool:
        try:
            self._connections.read("all_tenants")
        except (Unavailable, Conflict):
            return False
        return True

    def rulebook(self, tenant: TenantId) -> Compiled:
        ((version,),) = self._connections.read("rulebook_version", tenant)
        known = self._rulebooks.get(tenant)
        if known is None or known.version != (version or 0):
            known = self._rulebooks[tenant] = self.rulebook_of(tenant, version or 0)
        return known

    def rulebook_of(self, tenant: TenantId, version: int) -> Compiled:
        rows = self._connections.read("rulebook_of_version", tenant, version)
        return compiled(next(iter(rows), None))

    def participant(self, tenant: TenantId, participant: ParticipantId) -> Met:
        rows = self._connections.read("find_participant", tenant, participant)
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
            ((_, operation, at, changes, walked_to),) = self._connections.read(
                "journal_of_command", tenant, walked
            )
            postings = _lines(decode_changes(changes), walked, operation, participant, at)
            lines += postings[skipped : skipped + page_size - len(lines)]
            skipped = max(skipped - len(postings), 0)
            walked = walked_to
        return Ledger(lines, total)

    def count_events(self, tenant: TenantId, participant: ParticipantId) -> int:
        ((count,),) = self._connections.read("count_events", tenant, participant)
        return count

    def claims(self, tenant: TenantId, participant: ParticipantId) -> list[ClaimRow]:
        return [
            ClaimRow(*row)
            for row in self._connections.read("claims_of_participant", tenant, participant)
        ]

    def code(self, tenant: TenantId, offer: str, number: int) -> str | None:
        return next(
            (code for (code,) in self._connections.read("find_code", tenant, offer, number)), None
        )

    def pools(self, tenant: TenantId) -> dict[str, Pool]:
        offers = self.rulebook(tenant).offers
        return {
            offer: Pool(*self._connections.read("find_pool", tenant, offer)[0]) for offer in offers
        }

    def contests(self, tenant: TenantId) -> dict[str, ContestRow]:
        return {
            row[0]: ContestRow(*row) for row in self._connections.read("closed_contests", tenant)
        }

    def due(self, now: Instant, count: int) -> list[tuple[TenantId, ParticipantId]]:
        return list(self._connections.read("participants_due", now, count))

    def worlds(self) -> list[TenantId]:
        return [world for (world,) in self._connections.read("worlds_with_rulebooks")]

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
            (total,) = reader.run("count_history", *within).fetchone()
            rows = reader.run("history", *within, page_size, (page - 1) * page_size).fetchall()
        return History([HistoryEntry(*row) for row in rows], total)

    def latest_events(
        self, tenant: TenantId, participant: ParticipantId, *, count: int
    ) -> list[HistoryEntry]:
        always = (limits.INSTANT_MIN_MS, limits.INSTANT_MAX_MS + 1, None)
        rows = self._connections.read("history", tenant, participant, *always, count, 0)
        return [HistoryEntry(*row) for row in rows]

    def completions(self, tenant: TenantId, *, rows: int, count: int) -> list[Completion]:
        found: list[Completion] = []
        with self._connections.reading() as reader:
            # Row by row: together they may be large.
            for who, changes in reader.stream("completions", tenant, rows):
                completed = [
                    Completion(who, change.challenge)
                    for change in decode_changes(changes)
                    if isinstance(change, ChallengeCompleted)
                ]
                found += reversed(completed)
                if len(found) >= count:
                    break
        return found[:count][::-1]

    def feed(
        self,
        tenant: TenantId,
        *,
        after: int,
        participants: Collection[ParticipantId],
        upto: int | None = None,
    ) -> Feed:
        with self._connections.reading() as reader:
            newest = head(reader, tenant)
            last = newest if upto is None else min(upto, newest)
            if after < 0 or after >= last or not participants:
                return Feed([], last, newest)
            last = min(last, after + limits.FEED_NUMBERS_READ_MAX)
            rows = _feed_rows(reader, tenant, range(after + 1, last + 1), participants)
        entries = [_entry(row) for row in rows]
        is_full = len(entries) == limits.FEED_ENTRIES_READ_MAX
        return Feed(entries, entries[-1].number if is_full else last, newest)

    def number_at(self, tenant: TenantId, at: Instant) -> int:
        with self._connections.reading() as reader:
            # By halves: numbers and moments rise together.
            low, high = 0, head(reader, tenant)
            while low < high:
                middle = (low + high + 1) // 2
                (recorded_at,) = reader.run("recorded_at", tenant, middle).fetchone()
                low, high = (middle, high) if recorded_at < at else (low, middle - 1)
        return low

    def journal(self, tenant: TenantId, *, after: int, count: int) -> list[JournalEntry]:
        return [
            _entry(row) for row in self._connections.read("journal_after", tenant, after, count)
        ]


def _feed_rows(
    reader: Hand, tenant: TenantId, numbers: range, participants: Collection[ParticipantId]
) -> list[Row]:
    """Pick some participants' rows out of a stretch of the journal, the first so many."""
    after, most = numbers[0] - 1, limits.FEED_ENTRIES_READ_MAX
    if len(numbers) > len(participants):
        asked = (tenant, after, numbers[-1], encode_list(participants), most)
        return reader.run("feed", *asked).fetchall()
    # To tell the store whom we mean would cost more than to look at every row.
    named = frozenset(participants)
    rows = reader.run("journal_after", tenant, after, len(numbers)).fetchall()
    return [row for row in rows if row[3] in named and row[0] in numbers][:most]


def _entry(row: Row) -> JournalEntry:
    number, command, operation, who, version, at, changes = row
    return JournalEntry(number, command, operation, who, version, at, decode_changes(changes))


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
