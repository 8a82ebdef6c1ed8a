"""The routes of `/v1`: tokens, events, health."""

import asyncio
from collections.abc import Mapping
from typing import Final

import msgspec

from laurels.api.body import Shape, read
from laurels.api.caller import Callers
from laurels.api.edge import Edge
from laurels.api.exchange import Reply, Request
from laurels.api.questkit import wire
from laurels.api.questkit.errors import EVENTS, QUESTKIT
from laurels.api.questkit.translate import (
    Arrival,
    from_event_body,
    read_event,
    replay_headers,
    to_event_accepted,
)
from laurels.api.route import Operation, Parameter, Route, Says
from laurels.api.throttle import Throttle
from laurels.core import limits
from laurels.core.errors import Refusal, UserMismatch

TAG: Final = "QuestKit"

_encode: Final = msgspec.json.Encoder().encode
_token_body: Final = Shape(wire.TokenBody)


class QuestKit:
    """What the routes do."""

    def __init__(self, edge: Edge, callers: Callers) -> None:
        self._edge = edge
        self._callers = callers
        self._clock = edge.clock
        self._submitter = edge.submitter
        self._events = Throttle(edge.config.questkit_events_per_minute)

    async def post_token(self, request: Request) -> Reply:
        body = _token_body.read(await read(request, limits.BODY_BYTES_MAX)).body
        now = self._clock.now()
        mint = await self._callers.mint(request, body.app_id, body.app_secret, now)
        minted = mint(body.user_id, body.kind)
        return Reply(200, _encode(wire.TokenMinted(minted.token, minted.expires_at)))

    async def post_event(self, request: Request) -> Reply:
        now = self._clock.now()
        claims = await self._callers.token(request, now)
        self._events.admit(f"{claims.tenant}\0{claims.token_id}", now)
        raw = await read(request, limits.BODY_BYTES_MAX)
        body = read_event(raw)
        if body.user_id != claims.participant:
            raise UserMismatch
        received_at, ids = self._clock.accept(1)
        arrival = Arrival(claims.tenant, received_at, ids[0])
        event = from_event_body(body, raw, arrival, _header_key(request))
        receipt = self._submitter.recall(event) if event.key is not None else None
        outcome = receipt or (await self._submitter.submit([event]))[0]
        if isinstance(outcome, Refusal):
            raise outcome
        return Reply(200, _encode(to_event_accepted(outcome)), replay_headers(outcome))

    async def get_health(self, request: Request) -> Reply:  # noqa: ARG002 - all endpoints are alike
        config = self._edge.config
        ok = not self._edge.draining and await asyncio.to_thread(self._edge.queries.is_ready)
        body = wire.Health(
            ok, config.version, config.commit, config.store, config.queue, config.durability
        )
        return Reply(200 if ok else 503, _encode(body), () if ok else ((b"retry-after", b"1"),))


def _header_key(request: Request) -> str | None:
    key = request.headers.get(b"idempotency-key")
    return None if key is None else key.decode("latin-1")


def routes(edge: Edge, callers: Callers) -> list[Route]:
    """Return the routes of this API, each beside what the documentation says of it."""
    questkit = QuestKit(edge, callers)
    return [
        Route(
            method="POST",
            path="/v1/auth/token",
            endpoint=questkit.post_token,
            api=QUESTKIT,
            operation=MINT,
        ),
        Route(
            method="POST",
            path="/v1/events",
            endpoint=questkit.post_event,
            api=EVENTS,
            operation=POST_EVENT,
        ),
        Route(
            method="GET",
            path="/v1/health",
            endpoint=questkit.get_health,
            api=QUESTKIT,
            operation=HEALTH,
        ),
    ]


def _error(about: str, **headers: str) -> Says:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Says(about=about, type=wire.QuestError, headers=named)


_COMMON: Final[Mapping[int, Says]] = {
    403: _error("The tenant is disabled, or this is somebody else's."),
    413: _error("The body is larger than 64 KiB."),
    429: _error("Too many requests.", Retry_After="Whole seconds to wait."),
    500: _error("A bug of ours."),
    503: _error("Too much is waiting, or the store is away.", Retry_After="Whole seconds to wait."),
}

MINT: Final = Operation(
    id="mintToken",
    tag=TAG,
    summary="Mint a token",
    about="Called by an app's own backend. The token is good for one hour and one person.",
    request=wire.TokenBody,
    example={"appId": "demo", "appSecret": "the app's secret", "userId": "usr_demo_123"},
    replies={
        200: Says(about="The token.", type=wire.TokenMinted),
        400: _error("`validation_error`: the body does not have the right shape."),
        401: _error("`invalid_credentials`: app and secret do not belong together."),
        **_COMMON,
    },
)

POST_EVENT: Final = Operation(
    id="postEvent",
    tag=TAG,
    summary="Report one event",
    about=(
        "Counts the event towards every mission that listens to it, and answers once that is kept. "
        "At most 100 per token and 60 seconds."
    ),
    request=wire.QuestEvent,
    example={
        "userId": "usr_demo_123",
        "name": "purchase.completed",
        "payload": {"product": "boots", "amount": 49.99},
        "timestamp": 1716100000000,
    },
    parameters=(
        Parameter(
            name="Idempotency-Key",
            place="header",
            about="The same key within 24 hours is the same event. Wins over `idempotencyKey`.",
        ),
    ),
    security=("token",),
    replies={
        200: Says(
            about="Kept and counted; or a replay, with the first answer again.",
            type=wire.QuestEventAccepted,
            headers={
                "X-Idempotent-Replay": "`hit` or `db-hit` on a replay: which memory answered.",
                "Idempotency-Mismatch": "`true` when the key came with other content before.",
            },
            example={
                "accepted": True,
                "eventId": "evt_01HQK7N5ABCDEFGHJKMNPQ0000",
                "missionsUpdated": ["daily-streak", "spring-buyer"],
            },
        ),
        400: _error("`invalid_event`: the body does not have the right shape."),
        401: _error("`unauthorized`: the message tells the cause."),
        **_COMMON,
        403: _error(
            "`user_mismatch`: `userId` is not the token's `sub`; or the tenant is disabled."
        ),
    },
)

HEALTH: Final = Operation(
    id="health",
    tag="Server",
    summary="Whether the server is well",
    about="Open to all.",
    replies={
        200: Says(about="It takes events.", type=wire.Health),
        500: _error("A bug of ours."),
        503: Says(
            about="It is stopping, or its store is away.",
            type=wire.Health,
            headers={"Retry-After": "Whole seconds to wait."},
        ),
    },
)
