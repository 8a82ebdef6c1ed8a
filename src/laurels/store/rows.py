"""What came of a batch, as the rows of each table."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from laurels.core import limits
from laurels.core.change import (
    Change,
    ContestCompleted,
    ContestFrozen,
    ParticipantReset,
    PointsPosted,
    PrizeWon,
    RewardClaimed,
    RewardGranted,
    RewardSettled,
)
from laurels.core.event import Event, EventId, TenantId
from laurels.core.ledger import WRITTEN_OFF
from laurels.core.window import HOUR_MS
from laurels.engine.ports import Receipt, Record, Remembered
from laurels.store.hand import Row

_encode: Final = msgspec.json.Encoder().encode
decode_changes: Final = msgspec.json.Decoder(tuple[Change, ...]).decode


def encode_list(texts: Iterable[str]) -> str:
    return _encode(list(texts)).decode()


def event_row(record: Record) -> Row | None:
    event = record.command
    if not isinstance(event, Event):
        return None
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
        "parked" if record.remembered.receipt.parked else "processed",
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
        record.before,
        None if isinstance(command, Event) else record.remembered.content,
    )


def posting_rows(number: int, record: Record) -> list[Row]:
    changes, tenant = record.remembered.receipt.changes, record.command.tenant
    if changes and isinstance(changes[0], ParticipantReset):
        return [
            (tenant, number, position, account, WRITTEN_OFF, currency, amount, "@reset")
            for position, (account, currency, amount) in enumerate(changes[0].written_off)
        ]
    return [
        (
            tenant,
            number,
            position,
            change.source,
            change.target,
            change.currency,
            change.amount,
            change.rule,
        )
        for position, change in enumerate(changes)
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


def duplicate_rows(tenant: TenantId, duplicates: Mapping[EventId, EventId]) -> list[Row]:
    return [(tenant, *pair) for pair in sorted(duplicates.items())]


def figure_rows(number: int, records: Iterable[Record]) -> list[Row]:
    """Return what the events of a batch come to, whose first number it is: by name and hour."""
    tenant, rows = "", dict[tuple[str, int], list[int]]()
    for record in records:
        event = record.command
        if not isinstance(event, Event):
            continue
        tenant, received_at = event.tenant, event.received_at
        lag_ms = received_at - event.occurred_at
        if not 0 <= lag_ms <= limits.LAG_MS_MAX:
            lag_ms = 0 if lag_ms < 0 else limits.LAG_MS_MAX
        receipt = record.remembered.receipt
        count = 0 if receipt.parked else len(receipt.changes)
        row = rows.get(place := (event.name, received_at // HOUR_MS))
        if row is None:
            rows[place] = [1, lag_ms, lag_ms, count]
        else:
            row[0] += 1
            row[1] += lag_ms
            row[2] = max(row[2], lag_ms)
            row[3] += count
    return [(tenant, number, *place, *row) for place, row in rows.items()]


def rare_rows(numbered: Iterable[tuple[int, Record]]) -> Iterator[tuple[str, Row]]:
    """Return the statements, with their rows, for what seldom happens."""
    for number, record in numbered:
        for change in record.remembered.receipt.changes:
            rows = _RARE_ROWS.get(type(change))
            if rows is not None:
                yield from rows(record, change)
            elif type(change) is ParticipantReset:
                yield from _reset_rows(number, record)


def _taken_rows(record: Record, change: RewardGranted | RewardClaimed) -> Iterator[tuple[str, Row]]:
    tenant = record.command.tenant
    if isinstance(change, RewardGranted) or not change.granted:
        yield "take_from_pool", (tenant, change.reward)
    yield "put_claims", (tenant, record.command.participant, *_claim(change))


def _settled_rows(record: Record, change: RewardSettled) -> Iterator[tuple[str, Row]]:
    tenant = record.command.tenant
    if change.restocked:
        yield "return_to_pool", (tenant, change.reward)
    row = (change.status, tenant, record.command.participant, change.claim)
    yield "settle_claims", row


def _closed_rows(record: Record, change: ContestFrozen) -> Iterator[tuple[str, Row]]:
    version = record.remembered.receipt.version
    yield "close_contest", (record.command.tenant, change.contest, version, change.at)


def _won_rows(record: Record, change: PrizeWon) -> Iterator[tuple[str, Row]]:
    yield "pay_contest", (change.rank, record.command.tenant, change.contest)


def _completed_rows(record: Record, change: ContestCompleted) -> Iterator[tuple[str, Row]]:
    yield "complete_contest", (change.at, record.command.tenant, change.contest)


def _reset_rows(number: int, record: Record) -> Iterator[tuple[str, Row]]:
    who = (record.command.tenant, record.command.participant)
    yield "put_reset", (*who, number)
    yield "delete_windows_of", who
    yield "delete_receipts_of", (*who, number)
    yield "delete_events_of", (*who, number)


def _claim(change: RewardGranted | RewardClaimed) -> Row:
    has_code = isinstance(change, RewardClaimed) and change.has_code
    status = "claimed" if isinstance(change, RewardClaimed) else "granted"
    return (
        change.claim,
        change.reward,
        change.title,
        change.reward_type,
        change.number,
        int(has_code),
        status,
        change.at,
    )


def to_remembered(  # noqa: PLR0917 - the columns of one row, in the order of its SELECT
    received_at: int,
    command: str,
    version: int,
    recorded_at: int,
    changes: str,
    currency: str,
    name: str | None,
    content: str,
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
    return Remembered(receipt, content, occurred_at or 0)


_RARE_ROWS: Final[dict[type, Callable[[Record, Any], Iterator[tuple[str, Row]]]]] = {
    ContestCompleted: _completed_rows,
    ContestFrozen: _closed_rows,
    PrizeWon: _won_rows,
    RewardClaimed: _taken_rows,
    RewardGranted: _taken_rows,
    RewardSettled: _settled_rows,
}
