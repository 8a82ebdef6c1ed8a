"""`/ingest`: events in, one at a time, in batches, or with what they led to."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from laurels.api.body import read
from laurels.api.bricqs import wire
from laurels.api.bricqs.contests import contest_ranks
from laurels.api.bricqs.read import Part, Reader, Rejected
from laurels.api.bricqs.translate import (
    MISMATCH,
    Arrival,
    contest_deltas,
    evt,
    from_event_body,
    ignored_fields,
    refuse_if_unavailable,
    to_accepted,
    to_outcome,
    warnings_of,
)
from laurels.api.caller import Callers
from laurels.api.edge import Edge
from laurels.api.errors import text_of
from laurels.api.exchange import Reply, Request
from laurels.core import limits
from laurels.core.errors import InvalidBody, Refusal
from laurels.core.event import Event
from laurels.core.ulid import message_id
from laurels.engine.intake import Direct
from laurels.engine.ports import Outcome, Receipt

_encode: Final = msgspec.json.Encoder().encode


class Ingest:
    """The three ingest routes."""

    def __init__(self, edge: Edge, callers: Callers) -> None:
        self._callers = callers
        self._clock = edge.clock
        self._submitter = edge.submitter
        self._intake = edge.intake or Direct(edge.submitter)
        self._queries = edge.queries
        self._reader = Reader(wire.IngestEvent, wire.IngestBatch, limits.INGEST_BATCH_EVENTS_MAX)

    async def post_event(self, request: Request) -> Reply:
        _, ignored, receipt = await self._take(request, self._intake.accept)
        body = _encode(to_accepted(receipt, ignored))
        return Reply(200 if receipt.duplicate else 202, body, MISMATCH if receipt.mismatch else ())

    async def post_sync(self, request: Request) -> Reply:
        event, ignored, receipt = await self._take(request, self._submitter.submit)
        ranks = await self._ranks(event, receipt)
        body = _encode(to_outcome(receipt, ignored, ranks))
        return Reply(200, body, MISMATCH if receipt.mismatch else ())

    async def post_batch(self, request: Request) -> Reply:
        caller = await self._callers.key(request, self._clock.now())
        parts = self._reader.many(await read(request, limits.BATCH_BODY_BYTES_MAX))
        received_at, ids = self._clock.accept(len(parts))
        arrival = Arrival(caller.tenant, received_at, iter(ids))
        sound = [_event_or_rejected(part, arrival) for part in parts]
        events = [event for event in sound if isinstance(event, Event)]
        outcomes = await self._intake.accept(events) if events else []
        refuse_if_unavailable(outcomes)
        return Reply(202, _encode(_to_batch_accepted(parts, sound, outcomes)))

    async def _take(
        self, request: Request, accept: Callable[[list[Event]], Awaitable[list[Outcome]]]
    ) -> tuple[Event, tuple[str, ...], Receipt]:
        caller = await self._callers.key(request, self._clock.now())
        part = self._reader.one(await read(request, limits.BODY_BYTES_MAX))
        received_at, ids = self._clock.accept(1)
        event = from_event_body(part, Arrival(caller.tenant, received_at, iter(ids)))
        if event.key is not None and (known := await self._submitter.recall(event)):
            return event, part.ignored, known
        outcome = (await accept([event]))[0]
        if isinstance(outcome, Refusal):
            raise outcome
        return event, part.ignored, outcome

    async def _ranks(self, event: Event, receipt: Receipt) -> dict[str, int | None]:
        contests = list(contest_deltas(receipt))
        if not contests:
            return {}
        return await asyncio.to_thread(
            contest_ranks, self._queries, event.tenant, event.participant, contests
        )


def _event_or_rejected(
    part: Part[wire.IngestEvent] | Rejected, arrival: Arrival
) -> Event | Rejected:
    if isinstance(part, Rejected):
        return part
    try:
        return from_event_body(part, arrival)
    except InvalidBody as refusal:
        return Rejected(refusal, part.body.idempotency_key)


def _to_batch_accepted(
    parts: Sequence[Part[wire.IngestEvent] | Rejected],
    sound: Sequence[Event | Rejected],
    outcomes: Sequence[Outcome],
) -> wire.BatchAccepted:
    following = iter(outcomes)
    rows: list[wire.BatchRow] = []
    for index, (part, event) in enumerate(zip(parts, sound, strict=True)):
        ignored = () if isinstance(part, Rejected) else part.ignored
        outcome = event.refusal if isinstance(event, Rejected) else next(following)
        rows.append(_to_row(index, event.key, outcome, ignored))
    ids = [row.message_id for row in rows if row.message_id is not None]
    duplicates = sum(row.duplicate for row in rows)
    return wire.BatchAccepted(len(ids), len(rows) - len(ids) - duplicates, duplicates, ids, rows)


def _to_row(index: int, key: str | None, outcome: Outcome, ignored: Sequence[str]) -> wire.BatchRow:
    if isinstance(outcome, Refusal):
        return wire.BatchRow(
            index=index,
            idempotency_key=key,
            status="rejected",
            error=text_of(outcome),
            warnings=ignored_fields(ignored),
        )
    warnings = warnings_of(outcome, ignored)
    if outcome.duplicate:
        return wire.BatchRow(
            index=index,
            idempotency_key=key,
            duplicate=True,
            status="duplicate",
            warnings=warnings,
        )
    return wire.BatchRow(
        index=index,
        idempotency_key=key,
        event_id=evt(outcome.id),
        message_id=message_id(outcome.id),
        status="accepted",
        warnings=warnings,
    )
