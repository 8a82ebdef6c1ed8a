"""Events: what the token's user did."""

from typing import Final

from laurels.api.body import read
from laurels.api.exchange import Reply, Request
from laurels.api.questkit import wire
from laurels.api.questkit.desk import Desk, answer, header_key
from laurels.api.questkit.docs import (
    COMMON,
    KEY,
    REPLAYED,
    TAG,
    TOKEN_SCHEMES,
    UNAUTHORIZED,
    error,
    route,
)
from laurels.api.questkit.errors import EVENTS
from laurels.api.questkit.translate import (
    Arrival,
    from_event_body,
    read_event,
    replay_headers,
    to_event_accepted,
)
from laurels.api.route import Operation, Route, Says
from laurels.api.throttle import Throttle
from laurels.core import limits
from laurels.core.errors import UserMismatch


class Events:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._clock = desk.clock
        limit = desk.edge.config.questkit_events_per_minute
        self._throttle = Throttle(desk.edge.rate_logs, "token", limit)

    async def post_event(self, request: Request) -> Reply:
        now = self._clock.now()
        claims = await self._desk.caller(request, now)
        await self._throttle.admit(f"{claims.tenant}\0{claims.token_id}", now)
        raw = await read(request, limits.BODY_BYTES_MAX)
        body = read_event(raw)
        if body.user_id != claims.participant:
            raise UserMismatch("`userId` must be the token's own user.")
        received_at, ids = self._clock.accept(1)
        arrival = Arrival(claims.tenant, received_at, ids[0])
        receipt = await self._desk.keep(from_event_body(body, raw, arrival, header_key(request)))
        return answer(to_event_accepted(receipt), replay_headers(receipt))


def routes(desk: Desk) -> list[Route]:
    return [route("POST", "/v1/events", Events(desk).post_event, POST_EVENT, EVENTS)]


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
    parameters=(KEY,),
    security=TOKEN_SCHEMES,
    replies={
        200: Says(
            about="Kept and counted; or a replay, with the first answer again.",
            type=wire.QuestEventAccepted,
            headers=REPLAYED,
            example={
                "accepted": True,
                "eventId": "evt_01HQK7N5ABCDEFGHJKMNPQ0000",
                "missionsUpdated": ["daily-streak", "spring-buyer"],
            },
        ),
        400: error("`invalid_event`: the body does not have the right shape."),
        **UNAUTHORIZED,
        **COMMON,
        403: error(
            "`user_mismatch`: `userId` is not the token's `sub`; or the tenant is disabled."
        ),
    },
)
