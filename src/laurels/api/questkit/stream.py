"""The stream of updates: server-sent events, as a browser's own EventSource reads them."""

import random
from typing import Any, Final

import msgspec

from laurels.api.exchange import Header, Reply, Request
from laurels.api.query import Query
from laurels.api.questkit.desk import Desk
from laurels.api.questkit.docs import COMMON, TAG, TOKEN_SCHEMES, UNAUTHORIZED, error, route
from laurels.api.questkit.updates import updates_of
from laurels.api.questkit.wire_updates import Reset, Update
from laurels.api.route import Operation, Parameter, Route, Says
from laurels.api.streamed import Streamed, take_connection
from laurels.api.token import Claims
from laurels.core.errors import ConnectionShared, Unavailable
from laurels.core.event import ParticipantId, TenantId
from laurels.delivery.cursor import Cursor, read_cursor
from laurels.delivery.stream import Since, Subscriber, WhyReset
from laurels.engine.answers import JournalEntry

MEDIA: Final = b"text/event-stream"
HEADERS: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)
RETRY_MS: Final = (1_500, 4_000)
"""Each stream is told another wait within these, so that not all come back at once."""

_encode: Final = msgspec.json.Encoder().encode


class ServerSentEvents:
    """
    How a stream speaks. Every message has an id, by which `Last-Event-ID` goes on behind it.

    A block without data is no event to a browser, but its id is remembered: so a reader of whom
    nothing was told for long has not far to go back.
    """

    def greeting(self, at: Cursor) -> bytes:
        retry = random.randint(*RETRY_MS)  # noqa: S311 - nobody is to be kept from guessing it
        return b": connected\nretry: %d\nid: %b\n\n" % (retry, _id(at))

    def reset(self, why: WhyReset, at: Cursor) -> bytes:
        return _message(at, Reset(why))

    def still_here(self, at: Cursor | None) -> bytes:
        return b":\n\n" if at is None else b":\nid: %b\n\n" % _id(at)

    def updates(self, entry: JournalEntry) -> list[bytes]:
        return [
            _message(Cursor(entry.number, position), update)
            for position, update in enumerate(updates_of(entry), start=1)
        ]


class Streams:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._edge = desk.edge
        self._hub = desk.edge.hub
        desk.edge.revocations.subscribe(self._end_revoked)

    async def get_updates(self, request: Request) -> Reply | Streamed:
        query = Query(request)
        claims = await self._caller(request, query.text("token"))
        if self._edge.draining:
            raise Unavailable("The server is stopping; try again.")
        since = last_seen(request, query)
        stream = self._hub.open(subscriber(claims), since)
        if not take_connection(request.scope):
            self._hub.leave(stream)
            raise ConnectionShared
        self._edge.metrics.stream_opened()

        def leave() -> None:
            self._hub.leave(stream)
            self._edge.metrics.stream_closed()

        return Streamed(MEDIA, HEADERS, lambda outlet: self._hub.begin(stream, outlet), leave)

    async def _caller(self, request: Request, in_query: str | None) -> Claims:
        """Return whose stream it is, by a token that nobody has revoked up to this moment."""
        revocations = self._edge.revocations
        count = revocations.count
        now = self._desk.clock.now()
        claims = await self._desk.callers.token(request, now, in_query=in_query)
        while count != revocations.count:  # It may have been this one, while we looked elsewhere.
            count = revocations.count
            await revocations.check(claims)
        return claims

    def _end_revoked(
        self,
        tenant: TenantId,
        token_id: str | None,
        participant: ParticipantId | None,
        cutoff_s: int | None,
    ) -> None:
        def is_ended(one: Subscriber) -> bool:
            if one.tenant != tenant:
                return False
            if token_id is not None:
                return one.token_id == token_id
            return one.participant == participant and one.issued_at_s <= (cutoff_s or 0)

        self._hub.end(is_ended)


def subscriber(claims: Claims) -> Subscriber:
    return Subscriber(
        tenant=claims.tenant,
        participant=claims.participant,
        token_id=claims.token_id,
        issued_at_s=claims.issued_at_s,
        expires_at_s=claims.expires_at_s,
    )


def last_seen(request: Request, query: Query) -> Since:
    """Return where a stream goes on. A header is newer than a URL, which nobody rewrites."""
    text = request.headers.get(b"last-event-id") or (query.text("lastEventId") or "").encode()
    return (read_cursor(text) or "unreadable") if text else None


def _message(at: Cursor, data: Update | Reset) -> bytes:
    event = b"reset" if isinstance(data, Reset) else b"update"
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (_id(at), event, _encode(data))


def _id(at: Cursor) -> bytes:
    return str(at).encode()


def routes(desk: Desk) -> list[Route]:
    return [route("GET", "/v1/sse/updates", Streams(desk).get_updates, GET_UPDATES)]


_UPDATE: Final[Any] = Update

GET_UPDATES: Final = Operation(
    id="getUpdates",
    tag=TAG,
    summary="Hear of the token's user as it happens",
    about=(
        "Server-sent events, for a browser's own `EventSource` or any other reader. Each is "
        "`event: update` with one line of data, `{type, data}`, and an id; whoever comes back with "
        "`Last-Event-ID` hears all that was missed, and nothing twice. `event: reset` says that "
        "too much was missed, the id is none of ours, or the user has begun anew: whatever was "
        "heard before, ask for everything anew. A comment "
        "comes every 15 seconds. The stream ends with its token."
    ),
    parameters=(
        Parameter(
            name="token",
            place="query",
            about="The token, where no header can be sent. Beside one, it must be the same.",
        ),
        Parameter(
            name="Last-Event-ID",
            place="header",
            about="The last id that was heard; without it the stream begins now.",
        ),
        Parameter(
            name="lastEventId",
            place="query",
            about="The same, where no header can be sent; the header wins.",
        ),
    ),
    security=TOKEN_SCHEMES,
    replies={
        200: Says(about="The stream.", type=_UPDATE, media=MEDIA.decode()),
        400: error(
            "A parameter comes twice or is no text; or `connection_shared`: requests wait behind "
            "this one."
        ),
        **UNAUTHORIZED,
        **COMMON,
    },
)
