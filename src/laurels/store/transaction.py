"""Values ↔ rows, for one tenant within one transaction."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from laurels.core import limits
from laurels.core.compile import Compiled
from laurels.core.event import Event, EventId, Instant, ParticipantId, TenantId
from laurels.core.shared import Pool, Shared
from laurels.core.state import Progress, State, decode_progress
from laurels.engine.ports import Address, Record, Remembered, WindowName
from laurels.store.hand import Hand, Row
from laurels.store.ranks import Told, standing_rows
from laurels.store.rows import (
    duplicate_rows,
    encode_list,
    event_row,
    figure_rows,
    journal_row,
    posting_rows,
    rare_rows,
    receipt_rows,
    to_remembered,
)


class SqlTransaction(ABC):
    """
    What the engine asks of the store, for one tenant. Every statement binds the tenant.

    How states are locked, and what of them need not be read, is each database's own.
    """

    def __init__(self, hand: Hand, tenant: TenantId) -> None:
        self._hand = hand
        self._tenant = tenant

    @abstractmethod
    def exclude(self) -> None: ...
    @abstractmethod
    def rulebook(self) -> Compiled: ...
    @abstractmethod
    def lock_states(
        self, participants: Sequence[ParticipantId]
    ) -> Mapping[ParticipantId, State]: ...

    def find_receipts(self, addresses: Sequence[Address]) -> dict[Address, Remembered]:
        return find_receipts(self._read, self._tenant, addresses)

    def _read(self, name: str, *values: object) -> Sequence[Row]:
        return self._hand.run(name, *values).fetchall()

    def find_decided(self, commands: Sequence[EventId]) -> dict[EventId, Remembered]:
        rows = self._hand.run("find_decided", encode_list(commands), self._tenant).fetchall()
        return {command: to_remembered(*columns) for command, *columns in rows}

    def find_twins(self, events: Sequence[Event]) -> dict[EventId, EventId]:
        times, lifetime = [event.received_at for event in events], limits.RECEIPT_LIFETIME_MS
        within = min(times) - lifetime, max(times) + lifetime
        people = encode_list(sorted({event.participant for event in events}))
        keys = encode_list(sorted({event.key for event in events if event.key is not None}))
        used: dict[tuple[ParticipantId, str | None], list[tuple[Instant, EventId]]] = {}
        for who, key, *use in self._hand.run("find_keyed", people, self._tenant, *within, keys):
            used.setdefault((who, key), []).append(tuple(use))
        twins: dict[EventId, EventId] = {}
        for event in events:
            for at, id_ in used.get((event.participant, event.key), ()):
                if abs(at - event.received_at) <= lifetime:
                    twins.setdefault(event.id, id_)
        return twins

    def find_windows(self, names: Sequence[WindowName]) -> dict[WindowName, Progress]:
        found: dict[WindowName, Progress] = {}
        for name in set(names):
            row = self._hand.run("find_window", self._tenant, *name).fetchone()
            if row is not None:
                found[name] = decode_progress(row[0])
        return found

    def shared(self, offers: Collection[str]) -> Shared:
        pools = {
            offer: Pool(*self._hand.run("find_pool", self._tenant, offer).fetchone())
            for offer in sorted(offers)
        }
        closed = frozenset[str]()
        if self.rulebook().rulebook.contests:
            closed = frozenset(row[0] for row in self._hand.run("closed_contests", self._tenant))
        return Shared(pools, closed)

    def record(self, records: Sequence[Record], states: Mapping[ParticipantId, State]) -> None:
        self._put_states(states)
        if not records:  # Only due dates moved.
            self._keep(states, [])
            return
        tenant, many = self._tenant, self._hand.many
        many("insert_events", filter(None, (event_row(record) for record in records)))
        moves = standing_rows(records)
        many("put_standings", moves)
        # From here on nobody else of the tenant can commit: what follows needs the numbers.
        (last,) = self._hand.run("take_numbers", tenant, len(records)).fetchone()
        numbered = list(enumerate(records, start=last - len(records) + 1))
        many("insert_journal", (journal_row(number, record) for number, record in numbered))
        many("insert_postings", (row for one in numbered for row in posting_rows(*one)))
        self._put_receipts(sorted(receipt_rows(numbered)))
        many("insert_figures", figure_rows(numbered[0][0], records))
        for name, row in rare_rows(numbered):
            self._hand.run(name, *row)
        self._keep(states, [(tenant, range(last - len(records) + 1, last + 1), moves)])

    def put_duplicates(self, duplicates: Mapping[EventId, EventId]) -> None:
        self._hand.many("put_duplicates", duplicate_rows(self._tenant, duplicates))

    def _put_receipts(self, rows: Sequence[Row]) -> None:
        self._hand.many("put_receipts", rows)

    def _put_states(self, states: Mapping[ParticipantId, State]) -> None:
        tenant = self._tenant
        rows: list[Row] = []
        due: list[Row] = []
        windows: list[Row] = []
        for participant in sorted(states):
            state = states[participant]
            windows += [(tenant, participant, *window) for window in state.fold_away()]
            rows.append((tenant, participant, state.encode()))
            state.is_new = False
            due_at = state.due_at
            if due_at != state.due_kept:
                due.append((due_at, tenant, participant))
                state.due_kept = due_at
        self._hand.many("put_participants", rows)
        if due:
            self._hand.many("set_due", due)
        if windows:
            self._hand.many("put_windows", windows)

    @abstractmethod
    def _keep(self, states: Mapping[ParticipantId, State], told: Sequence[Told]) -> None:
        """Hear what has been written, and the numbers it has."""


def find_receipts(
    read: Callable[..., Sequence[Row]], tenant: TenantId, addresses: Sequence[Address]
) -> dict[Address, Remembered]:
    """Return what is remembered under these addresses, in a step for each kind of operation."""
    found: dict[Address, Remembered] = {}
    for operation, group in groupby(sorted(addresses, key=itemgetter(1)), key=itemgetter(1)):
        wanted = list(group)
        rows = read(
            "find_receipts",
            encode_list(participant for participant, _, _ in wanted),
            tenant,
            operation,
            b"".join(digest for _, _, digest in wanted),
        )
        for participant, digest, *columns in rows:
            found[participant, operation, digest] = to_remembered(*columns)
    return found
