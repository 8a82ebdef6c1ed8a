"""Values ↔ rows, for one tenant within one transaction."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, LiteralString, TypeAlias

import msgspec

from laurels.core import limits
from laurels.core.change import Change, Parked, PointsPosted
from laurels.core.compile import Compiled
from laurels.core.event import Event, ParticipantId, TenantId
from laurels.core.state import Progress, State, decode_progress
from laurels.engine.ports import Address, Receipt, Record, Remembered, WindowName
from laurels.store.cache import Cache

Row: TypeAlias = tuple[Any, ...]

_encode: Final = msgspec.json.Encoder().encode
decode_changes: Final = msgspec.json.Decoder(tuple[Change, ...]).decode


class Transaction:
    """What the engine asks of the store, for one tenant. Every statement binds the tenant."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        statements: Mapping[str, LiteralString],
        cache: Cache,
        tenant: TenantId,
    ) -> None:
        self._connection = connection
        self._sql = statements
        self._cache = cache
        self._tenant = tenant

    def rulebook(self) -> Compiled:
        return self._cache.rulebook(self._tenant, lambda: self._run("rulebook_in_force").fetchone())

    def lock_states(self, participants: Sequence[ParticipantId]) -> Mapping[ParticipantId, State]:
        states, missing = self._cache.states(self._tenant, participants)
        if missing:
            rows = self._run("lock_states", encode_list(missing), self._tenant)
            found = {participant: State(text) for participant, text in rows}
            for participant in missing:
                states[participant] = found.get(participant) or State()
        return states

    def find_receipts(self, addresses: Sequence[Address]) -> dict[Address, Remembered]:
        found: dict[Address, Remembered] = {}
        for operation, group in groupby(sorted(addresses, key=itemgetter(1)), key=itemgetter(1)):
            wanted = list(group)
            rows = self._run(
                "find_receipts",
                encode_list(participant for participant, _, _ in wanted),
                self._tenant,
                operation,
                b"".join(digest for _, _, digest in wanted),
            )
            for participant, digest, *columns in rows:
                found[participant, operation, digest] = to_remembered(*columns)
        return found

    def find_windows(self, names: Sequence[WindowName]) -> dict[WindowName, Progress]:
        found: dict[WindowName, Progress] = {}
        for name in set(names):
            row = self._run("find_window", self._tenant, *name).fetchone()
            if row is not None:
                found[name] = decode_progress(row[0])
        return found

    def record(self, records: Sequence[Record], states: Mapping[ParticipantId, State]) -> None:
        self._put_states(states)
        tenant = self._tenant
        self._many("insert_events", filter(None, (event_row(record) for record in records)))
        (last,) = self._run("take_numbers", tenant, len(records)).fetchone()
        numbered = list(enumerate(records, start=last - len(records) + 1))
        self._many("insert_journal", (journal_row(number, record) for number, record in numbered))
        self._many("insert_postings", (row for one in numbered for row in posting_rows(*one)))
        self._many("put_receipts", sorted(receipt_rows(numbered)))
        self._cache.keep(tenant, states)

    def _put_states(self, states: Mapping[ParticipantId, State]) -> None:
        tenant = self._tenant
        rows: list[Row] = []
        windows: list[Row] = []
        for participant in sorted(states):
            state = states[participant]
            windows += [(tenant, participant, *window) for window in state.fold_away()]
            rows.append((tenant, participant, state.encode()))
            state.is_new = False
        self._many("put_participants", rows)
        if windows:
            self._many("put_windows", windows)

    def _run(self, name: str, *values: object) -> sqlite3.Cursor:
        return self._connection.execute(self._sql[name], values or (self._tenant,))

    def _many(self, name: str, rows: Iterable[Row]) -> None:
        self._connection.executemany(self._sql[name], rows)


def encode_list(texts: Iterable[str]) -> str:
    return _encode(list(texts)).decode()


def event_row(record: Record) -> Row | None:
    event = record.command
    if not isinstance(event, Event):
        return None
    changes = record.remembered.receipt.changes
    return (
        event.tenant,
        event.id,
        event.participant,
        event.name,
        event.properties_json,
        event.occurred_at,
        event.received_at,
        event.key,
        event.source,
        "parked" if changes and isinstance(changes[0], Parked) else "processed",
    )


def journal_row(number: int, record: Record) -> Row:
    command, receipt = record.command, record.remembered.receipt
    return (
        command.tenant,
        number,
        command.id,
        command.operation,
        command.participant,
        receipt.version,
        receipt.recorded_at,
        _encode(receipt.changes).decode(),
    )


def posting_rows(number: int, record: Record) -> list[Row]:
    return [
        (
            record.command.tenant,
            number,
            position,
            change.source,
            change.target,
            change.currency,
            change.amount,
            change.rule,
        )
        for position, change in enumerate(record.remembered.receipt.changes)
        if isinstance(change, PointsPosted)
    ]


def receipt_rows(numbered: Iterable[tuple[int, Record]]) -> list[Row]:
    return [
        (
            record.command.tenant,
            *record.address,
            record.command.received_at,
            number,
            limits.RECEIPT_LIFETIME_MS,
        )
        for number, record in numbered
        if record.address is not None
    ]


def to_remembered(  # noqa: PLR0917 - the columns of one row, in the order of its SELECT
    received_at: int,
    command: str,
    version: int,
    recorded_at: int,
    changes: str,
    currency: str,
    name: str | None,
    properties: str | None,
    occurred_at: int | None,
) -> Remembered:
    receipt = Receipt(
        id=command,
        name=name or "",
        version=version,
        currency=currency,
        recorded_at=recorded_at,
        received_at=received_at,
        changes=decode_changes(changes),
    )
    return Remembered(receipt, properties or "{}", occurred_at or 0)
