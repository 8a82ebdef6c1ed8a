"""The routes of `/api/v1`, each beside what the documentation says of it."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from msgspec import Meta

from laurels.api.bricqs import wire
from laurels.api.bricqs.errors import GAMIFY, INGEST
from laurels.api.bricqs.gamify import Gamify
from laurels.api.bricqs.ingest import Ingest
from laurels.api.bricqs.query import PAGE_SIZE_DEFAULT
from laurels.api.caller import Callers
from laurels.api.edge import Edge
from laurels.api.route import Api, Endpoint, Method, Operation, Parameter, Route, Says
from laurels.core import limits

INGEST_TAG: Final = "Bricqs ingest"
GAMIFY_TAG: Final = "Bricqs gamify"
KEY_SCHEMES: Final = ("apiKey", "apiKeyBearer")


def routes(edge: Edge, callers: Callers) -> list[Route]:
    """Return the routes of this API."""
    ingest = Ingest(edge, callers)
    gamify = Gamify(edge, callers)
    return [
        _route("POST", "/api/v1/ingest/events", ingest.post_event, INGEST, INGEST_EVENT),
        _route("POST", "/api/v1/ingest/events/batch", ingest.post_batch, INGEST, INGEST_BATCH),
        _route("POST", "/api/v1/ingest/events/sync", ingest.post_sync, INGEST, INGEST_SYNC),
        _route("POST", "/api/v1/gamify/events", gamify.post_event, GAMIFY, EMIT),
        _route("POST", "/api/v1/gamify/events/batch", gamify.post_batch, GAMIFY, EMIT_BATCH),
        _route(
            "GET",
            "/api/v1/gamify/participants/{participant_id}/events",
            gamify.get_history,
            GAMIFY,
            HISTORY,
        ),
    ]


def _route(method: Method, path: str, endpoint: Endpoint, api: Api, operation: Operation) -> Route:
    return Route(method=method, path=path, endpoint=endpoint, api=api, operation=operation)


def _error(about: str, headers: Mapping[str, str] | None = None) -> Says:
    return Says(about=about, type=wire.ErrorBody, headers=headers or {})


_WAIT: Final = {"Retry-After": "Whole seconds to wait."}
_MISMATCH: Final = {"Idempotency-Mismatch": "`true` when the key came with other content before."}
_TENANT: Final = Parameter(
    name="X-Bricqs-Tenant",
    place="header",
    about="Optional; when sent, it must name the key's tenant.",
)
_KEY: Final = Parameter(
    name="Idempotency-Key",
    place="header",
    about="The same key within 24 hours is the same event, and gets the first answer again.",
    type=Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_\-:.]{1,255}$")],
)
_DAY: Final[Any] = Annotated[
    str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", extra_json_schema={"format": "date"})
]
_COMMON: Final[Mapping[int, Says]] = {
    401: _error("`unauthorized`: the key is missing, unknown, expired or revoked."),
    403: _error("`forbidden`: the tenant is disabled, or X-Bricqs-Tenant names another."),
    500: _error("A bug of ours."),
    503: _error("`unavailable`: too much is waiting, or the store is away.", _WAIT),
}
_TOO_LARGE: Final[Mapping[int, Says]] = {
    413: _error("`payload_too_large`: more than 64 KiB, or 4 MiB for a batch."),
    429: _error("Too many requests.", _WAIT),
}
_INGEST_REFUSALS: Final[Mapping[int, Says]] = {
    400: _error("`validation_error`, or `number_out_of_range` when a rule reads such a number."),
    **_COMMON,
    **_TOO_LARGE,
}
_GAMIFY_REFUSALS: Final[Mapping[int, Says]] = {
    **_COMMON,
    **_TOO_LARGE,
    422: _error("`unprocessable_entity`, or `number_out_of_range` when a rule reads one."),
}

_ID: Final = "01HQK7N5ABCDEFGHJKMNPQ0000"
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
    "event_id": f"evt_{_ID}",
    "duplicate": False,
    "warnings": [],
}
_EMITTED: Final[Mapping[str, Any]] = {
    "event_id": _ID,
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
    parameters=(_TENANT,),
    security=KEY_SCHEMES,
    replies={
        200: Says(
            about="A duplicate: the ids are those of the first write.",
            type=wire.Accepted,
            headers=_MISMATCH,
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
    about="Each event is judged on its own; a bad one never harms its neighbours.",
    request=wire.IngestBatch,
    example={"events": [_PURCHASE]},
    parameters=(_TENANT,),
    security=KEY_SCHEMES,
    replies={202: Says(about="A row an event.", type=wire.BatchAccepted), **_INGEST_REFUSALS},
)

INGEST_SYNC: Final = Operation(
    id="ingestSync",
    tag=INGEST_TAG,
    summary="Report one event and hear what it led to",
    about="As the single route, with the outcome in the answer.",
    request=wire.NamedIngestEvent,
    example=_PURCHASE,
    parameters=(_TENANT,),
    security=KEY_SCHEMES,
    replies={
        200: Says(about="What it led to.", type=wire.Outcome, headers=_MISMATCH),
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
    parameters=(_KEY, _TENANT),
    security=KEY_SCHEMES,
    replies={
        200: Says(about="What it led to.", type=wire.Emitted, headers=_MISMATCH, example=_EMITTED),
        400: _error("`IDEMPOTENCY_KEY_INVALID` or `IDEMPOTENCY_KEY_MISMATCH`."),
        **_GAMIFY_REFUSALS,
        429: _error("`RATE_LIMIT_PARTICIPANT_EXCEEDED`, or too many requests.", _WAIT),
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
    parameters=(_TENANT,),
    security=KEY_SCHEMES,
    replies={200: Says(about="A result an event.", type=wire.BatchEmitted), **_GAMIFY_REFUSALS},
)

HISTORY: Final = Operation(
    id="listEvents",
    tag=GAMIFY_TAG,
    summary="Read a participant's events, newest first",
    about="Events of every API are here. Nobody met yet has an empty page.",
    parameters=(
        Parameter(
            name="participant_id",
            place="path",
            about="Percent-encoded; an encoded slash belongs to the id.",
            type=wire.ParticipantId,
            required=True,
        ),
        Parameter(name="event_name", place="query", about="Only events of exactly this name."),
        Parameter(name="from_date", place="query", about="First day, UTC.", type=_DAY),
        Parameter(name="to_date", place="query", about="Last day, UTC.", type=_DAY),
        Parameter(
            name="page",
            place="query",
            about="Counted from 1; default 1.",
            type=Annotated[int, Meta(ge=1, le=limits.PAGE_MAX)],
        ),
        Parameter(
            name="page_size",
            place="query",
            about=f"Default {PAGE_SIZE_DEFAULT}.",
            type=Annotated[int, Meta(ge=1, le=limits.PAGE_SIZE_MAX)],
        ),
        _TENANT,
    ),
    security=KEY_SCHEMES,
    replies={
        200: Says(about="A page.", type=wire.HistoryPage),
        **_COMMON,
        422: _error("`unprocessable_entity`: a parameter is not what it must be."),
        429: _error("Too many requests.", _WAIT),
    },
)
