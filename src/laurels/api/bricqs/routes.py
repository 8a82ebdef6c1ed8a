"""The routes of `/api/v1`, each beside what the documentation says of it."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from msgspec import Meta

from laurels.api.bricqs import (
    badges,
    boards,
    challenges,
    claims,
    contests,
    holds,
    ledger,
    participants,
    points,
    rewards,
    streaks,
    tiers,
    wire,
)
from laurels.api.bricqs.desk import Desk
from laurels.api.bricqs.docs import (
    BASE,
    COMMON,
    ID,
    KEY,
    KEY_SCHEMES,
    MISMATCH,
    PAGES,
    PARTICIPANT,
    TENANT,
    TOO_LARGE,
    WAIT,
    error,
    route,
)
from laurels.api.bricqs.errors import INGEST
from laurels.api.bricqs.gamify import Gamify
from laurels.api.bricqs.ingest import Ingest
from laurels.api.caller import Callers
from laurels.api.edge import Edge
from laurels.api.route import Operation, Parameter, Route, Says

INGEST_TAG: Final = "Bricqs ingest"
GAMIFY_TAG: Final = "Bricqs events"
RESOURCES: Final = (
    participants, points, holds, ledger, badges, tiers, streaks, boards, contests, rewards, claims,
    challenges,
)  # fmt: skip
"""Everything below `/gamify` that is no event, each in a module of its own."""


def routes(edge: Edge, callers: Callers) -> list[Route]:
    """Return the routes of this API."""
    ingest = Ingest(edge, callers)
    desk = Desk(edge, callers)
    gamify = Gamify(desk)
    path = "/api/v1/ingest/events"
    history = f"{BASE}/participants/{{participant_id}}/events"
    return [
        route("POST", path, ingest.post_event, INGEST_EVENT, INGEST),
        route("POST", f"{path}/batch", ingest.post_batch, INGEST_BATCH, INGEST),
        route("POST", f"{path}/sync", ingest.post_sync, INGEST_SYNC, INGEST),
        route("POST", f"{BASE}/events", gamify.post_event, EMIT),
        route("POST", f"{BASE}/events/batch", gamify.post_batch, EMIT_BATCH),
        route("GET", history, gamify.get_history, HISTORY),
        *(each for resource in RESOURCES for each in resource.routes(desk)),
    ]


_DAY: Final[Any] = Annotated[
    str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", extra_json_schema={"format": "date"})
]
_INGEST_REFUSALS: Final[Mapping[int, Says]] = {
    400: error("`validationerror`, or `number_out_of_range` when a rule reads such a number."),
    **COMMON,
    **TOO_LARGE,
}
_GAMIFY_REFUSALS: Final[Mapping[int, Says]] = {
    **COMMON,
    **TOO_LARGE,
    422: error("`unprocessable_entity`, or `number_out_of_range` when a rule reads one."),
}

_PURCHASE: Final[Mapping[str, Any]] = {
    "participant_id": "user_123",
    "event_name": "purchase_completed",
    "properties": {"amount": 49.99, "currency": "USD", "product_id": "prod_abc"},
    "timestamp": "2026-04-10T10:30:00Z",
    "idempotency_key": "user_123:order_4271",
}
_ACCEPTED: Final[Mapping[str, Any]] = {
    "accepted": True,
    "message_id": "1775817000000-0",
    "event_id": f"evt_{ID}",
    "duplicate": False,
    "warnings": [],
}
_EMITTED: Final[Mapping[str, Any]] = {
    "event_id": ID,
    "fact_id": "01HQK7N5ABCDEFGHJKMNPQ0001",
    "status": "processed",
    "rewards_granted": [
        {"type": "points", "amount": 49, "currency": "points", "rule": "one-per-unit"}
    ],
}

INGEST_EVENT: Final = Operation(
    id="ingestEvent",
    tag=INGEST_TAG,
    summary="Report one event",
    about=(
        "202 means that the event is kept and will be counted exactly once. On the embedded store "
        "it is counted before the answer; with a queue, a call made right after may not see it yet."
    ),
    request=wire.NamedIngestEvent,
    example=_PURCHASE,
    parameters=(TENANT,),
    security=KEY_SCHEMES,
    replies={
        200: Says(
            about="A duplicate: the ids are those of the first write.",
            type=wire.Accepted,
            headers=MISMATCH,
            example={**_ACCEPTED, "duplicate": True},
        ),
        202: Says(about="Kept.", type=wire.Accepted, example=_ACCEPTED),
        **_INGEST_REFUSALS,
    },
)

INGEST_BATCH: Final = Operation(
    id="ingestBatch",
    tag=INGEST_TAG,
    summary="Report up to 500 events",
    about=(
        "Each event is judged on its own; a bad one never harms its neighbours. With a queue, what "
        "is accepted is kept and counted soon, as at the route for one event."
    ),
    request=wire.IngestBatch,
    example={"events": [_PURCHASE]},
    parameters=(TENANT,),
    security=KEY_SCHEMES,
    replies={202: Says(about="A row an event.", type=wire.BatchAccepted), **_INGEST_REFUSALS},
)

INGEST_SYNC: Final = Operation(
    id="ingestSync",
    tag=INGEST_TAG,
    summary="Report one event and hear what it led to",
    about=(
        "As the single route, with the outcome in the answer. With a queue, this call may overtake "
        "events that were accepted before; one whose key waits there is decided now, under the id "
        "that was answered then."
    ),
    request=wire.NamedIngestEvent,
    example=_PURCHASE,
    parameters=(TENANT,),
    security=KEY_SCHEMES,
    replies={
        200: Says(about="What it led to.", type=wire.Outcome, headers=MISMATCH),
        **_INGEST_REFUSALS,
    },
)

EMIT: Final = Operation(
    id="emitEvent",
    tag=GAMIFY_TAG,
    summary="Emit one event",
    about="Answers with the rewards it led to. A repeat of a key gets the first answer again.",
    request=wire.NamedGamifyEvent,
    example=_PURCHASE,
    parameters=(KEY, TENANT),
    security=KEY_SCHEMES,
    replies={
        200: Says(about="What it led to.", type=wire.Emitted, headers=MISMATCH, example=_EMITTED),
        400: error("`IDEMPOTENCY_KEY_INVALID` or `IDEMPOTENCY_KEY_MISMATCH`."),
        **_GAMIFY_REFUSALS,
        429: error("`RATE_LIMIT_PARTICIPANT_EXCEEDED`, or too many requests.", WAIT),
    },
)

EMIT_BATCH: Final = Operation(
    id="emitBatch",
    tag=GAMIFY_TAG,
    summary="Emit up to 100 events",
    about=(
        "An event of the wrong shape sinks the whole request; what goes wrong in processing stays "
        "with its event. Keys are sent with each event; a header key is not read here."
    ),
    request=wire.GamifyBatch,
    example={"events": [_PURCHASE]},
    parameters=(TENANT,),
    security=KEY_SCHEMES,
    replies={200: Says(about="A result an event.", type=wire.BatchEmitted), **_GAMIFY_REFUSALS},
)

HISTORY: Final = Operation(
    id="listEvents",
    tag=GAMIFY_TAG,
    summary="Read a participant's events, newest first",
    about="Events of every API are here. Nobody met yet has an empty page.",
    parameters=(
        PARTICIPANT,
        Parameter(name="event_name", place="query", about="Only events of exactly this name."),
        Parameter(name="from_date", place="query", about="First day, UTC.", type=_DAY),
        Parameter(name="to_date", place="query", about="Last day, UTC.", type=_DAY),
        *PAGES,
        TENANT,
    ),
    security=KEY_SCHEMES,
    replies={
        200: Says(about="A page.", type=wire.HistoryPage),
        **COMMON,
        422: error("`unprocessable_entity`: a parameter is not what it must be."),
        429: error("Too many requests.", WAIT),
    },
)
