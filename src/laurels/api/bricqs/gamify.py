"""`/gamify`: events in, with the rewards they led to, and a participant's history."""

from collections.abc import Iterator, Sequence

from laurels.api.body import read
from laurels.api.bricqs import wire
from laurels.api.bricqs.desk import Desk, agreed_key, answer, header_key
from laurels.api.bricqs.errors import error_of
from laurels.api.bricqs.query import from_history_query
from laurels.api.bricqs.read import Part, Reader, Rejected
from laurels.api.bricqs.translate import Arrival, from_event_body, to_emitted, to_history_page
from laurels.api.exchange import Reply, Request
from laurels.api.query import Query, path_part
from laurels.core import limits
from laurels.core.errors import InvalidBody, Problem, Refusal
from laurels.core.event import Event
from laurels.engine.ports import Outcome


class Gamify:
    """The two emitting routes, and the history."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._reader = Reader(wire.GamifyEvent, wire.GamifyBatch, limits.GAMIFY_BATCH_EVENTS_MAX)

    async def post_event(self, request: Request) -> Reply:
        desk = self._desk
        caller = await desk.caller(request)
        sent = header_key(request)
        part = self._reader.one(await read(request, limits.BODY_BYTES_MAX))
        key = agreed_key(sent, part.body.idempotency_key)
        received_at, ids = desk.clock.accept(1)
        event = from_event_body(part, Arrival(caller.tenant, received_at, iter(ids)), key)
        await desk.admit(event.tenant, event.participant, received_at)
        receipt = await desk.keep(event)
        return answer(to_emitted(receipt), receipt)

    async def post_batch(self, request: Request) -> Reply:
        desk = self._desk
        caller = await desk.caller(request)
        parts = _all_sound(self._reader.many(await read(request, limits.BATCH_BODY_BYTES_MAX)))
        received_at, ids = desk.clock.accept(len(parts))
        events = _events(parts, Arrival(caller.tenant, received_at, iter(ids)))
        return answer(_to_batch_emitted(await desk.submit_all(events)))

    async def get_history(self, request: Request) -> Reply:
        caller = await self._desk.caller(request)
        participant = path_part(request, "participant_id")
        query = from_history_query(Query(request))
        history = await self._desk.ask(
            self._desk.queries.history,
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
        return answer(page)


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


def _to_batch_emitted(outcomes: Sequence[Outcome]) -> wire.BatchEmitted:
    results = [_to_item(outcome) for outcome in outcomes]
    processed = sum(result.status == "processed" for result in results)
    return wire.BatchEmitted(processed, len(results) - processed, results)


def _to_item(outcome: Outcome) -> wire.Emitted:
    if isinstance(outcome, Refusal):
        return wire.Emitted(status="error", error=error_of(outcome))
    return to_emitted(outcome)
