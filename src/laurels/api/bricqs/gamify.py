"""`/gamify`: events in, with the rewards they led to, and a participant's history."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from laurels.api.body import read
from laurels.api.bricqs import wire
from laurels.api.bricqs.errors import error_of
from laurels.api.bricqs.ingest import MISMATCH, refuse_if_unavailable
from laurels.api.bricqs.query import from_history_query, from_participant_path
from laurels.api.bricqs.read import Part, Reader, Rejected
from laurels.api.bricqs.translate import Arrival, from_event_body, to_emitted, to_history_page
from laurels.api.caller import Callers
from laurels.api.edge import Edge
from laurels.api.exchange import Reply, Request
from laurels.api.throttle import Throttle
from laurels.core import limits
from laurels.core.errors import (
    IdempotencyKeyInvalid,
    IdempotencyKeyMismatch,
    InvalidBody,
    ParticipantRateLimited,
    Problem,
    RateLimited,
    Refusal,
)
from laurels.core.event import Event, Instant
from laurels.engine.ports import Outcome

OVER_CAP: Final = "RATE_LIMIT_PARTICIPANT_EXCEEDED"
"""What a surplus item of a batch says: the one error that its page spells in capitals."""

_encode: Final = msgspec.json.Encoder().encode
_is_key: Final = re.compile(rb"[A-Za-z0-9_\-:.]{1,255}").fullmatch


class Gamify:
    """The two emitting routes, and the history."""

    def __init__(self, edge: Edge, callers: Callers) -> None:
        self._callers = callers
        self._clock = edge.clock
        self._submitter = edge.submitter
        self._queries = edge.queries
        self._reader = Reader(wire.GamifyEvent, wire.GamifyBatch, limits.GAMIFY_BATCH_EVENTS_MAX)
        self._writes = Throttle(edge.config.participant_writes_per_minute, ParticipantRateLimited)

    async def post_event(self, request: Request) -> Reply:
        caller = await self._callers.key(request, self._clock.now())
        header_key = _header_key(request)
        part = self._reader.one(await read(request, limits.BODY_BYTES_MAX))
        body_key = part.body.idempotency_key
        if header_key is not None and body_key is not None and header_key != body_key:
            raise IdempotencyKeyMismatch
        received_at, ids = self._clock.accept(1)
        arrival = Arrival(caller.tenant, received_at, iter(ids))
        event = from_event_body(part, arrival, header_key)
        self._admit(event, received_at)
        receipt = self._submitter.recall(event) if event.key is not None else None
        outcome = receipt or (await self._submitter.submit([event]))[0]
        if isinstance(outcome, Refusal):
            raise outcome
        return Reply(200, _encode(to_emitted(outcome)), MISMATCH if outcome.mismatch else ())

    async def post_batch(self, request: Request) -> Reply:
        caller = await self._callers.key(request, self._clock.now())
        parts = _all_sound(self._reader.many(await read(request, limits.BATCH_BODY_BYTES_MAX)))
        received_at, ids = self._clock.accept(len(parts))
        events = _events(parts, Arrival(caller.tenant, received_at, iter(ids)))
        surplus = [self._surplus(event, received_at) for event in events]
        admitted = [event for event, over in zip(events, surplus, strict=True) if over is None]
        outcomes = await self._submitter.submit(admitted) if admitted else []
        refuse_if_unavailable(outcomes)
        following = iter(outcomes)
        return _to_batch_emitted([over or next(following) for over in surplus])

    async def get_history(self, request: Request) -> Reply:
        caller = await self._callers.key(request, self._clock.now())
        participant = from_participant_path(request.parameters["participant_id"])
        query = from_history_query(request.scope.get("query_string", b""))
        history = await asyncio.to_thread(
            self._queries.history,
            caller.tenant,
            participant,
            name=query.name,
            since=query.since,
            until=query.until,
            page=query.page,
            page_size=query.page_size,
        )
        page = to_history_page(
            history, participant=participant, page=query.page, page_size=query.page_size
        )
        return Reply(200, _encode(page))

    def _admit(self, event: Event, now: Instant) -> None:
        # No tenant holds a NUL, so two pairs never make one key.
        self._writes.admit(f"{event.tenant}\0{event.participant}", now)

    def _surplus(self, event: Event, now: Instant) -> RateLimited | None:
        try:
            self._admit(event, now)
        except RateLimited as refusal:
            return refusal
        return None


def _header_key(request: Request) -> str | None:
    key = request.headers.get(b"idempotency-key")
    if key is None:
        return None
    if _is_key(key) is None:
        raise IdempotencyKeyInvalid
    return key.decode("ascii")


def _all_sound(
    parts: Sequence[Part[wire.GamifyEvent] | Rejected],
) -> list[Part[wire.GamifyEvent]]:
    _raise_all(part.refusal for part in parts if isinstance(part, Rejected))
    return [part for part in parts if isinstance(part, Part)]


def _events(parts: Sequence[Part[wire.GamifyEvent]], arrival: Arrival) -> list[Event]:
    events: list[Event] = []
    refusals: list[InvalidBody] = []
    for index, part in enumerate(parts):
        try:
            events.append(from_event_body(part, arrival))
        except InvalidBody as refusal:
            refusals.append(
                InvalidBody(
                    *(
                        Problem(f"events[{index}].{problem.path}", problem.message)
                        for problem in refusal.problems
                    )
                )
            )
    _raise_all(iter(refusals))
    return events


def _raise_all(refusals: Iterator[InvalidBody]) -> None:
    problems = [problem for refusal in refusals for problem in refusal.problems]
    if problems:
        raise InvalidBody(*problems)


def _to_batch_emitted(outcomes: Sequence[Outcome]) -> Reply:
    results = [_to_item(outcome) for outcome in outcomes]
    processed = sum(result.status == "processed" for result in results)
    return Reply(200, _encode(wire.BatchEmitted(processed, len(results) - processed, results)))


def _to_item(outcome: Outcome) -> wire.Emitted:
    if isinstance(outcome, ParticipantRateLimited):
        return wire.Emitted(status="error", error=OVER_CAP)
    if isinstance(outcome, Refusal):
        return wire.Emitted(status="error", error=error_of(outcome))
    return to_emitted(outcome)
