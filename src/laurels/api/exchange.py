"""
One request and its reply, as low as ASGI goes: no framework stands on this path.

The whole of an event's journey through the edge costs some fifteen microseconds; a framework's
request and response objects alone cost as much.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from msgspec import Struct

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Header: TypeAlias = tuple[bytes, bytes]

JSON: Final = b"application/json"
HTML: Final = b"text/html; charset=utf-8"

OPEN_TO_ALL: Final[tuple[Header, ...]] = (
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"X-Idempotent-Replay, Retry-After, Idempotency-Mismatch",
    ),
)
"""Any page may call us: credentials travel in headers that no browser adds by itself."""

_OF_JSON: Final[tuple[Header, ...]] = ((b"content-type", JSON), *OPEN_TO_ALL)

PREFLIGHT: Final[tuple[Header, ...]] = (
    *OPEN_TO_ALL,
    (b"access-control-allow-methods", b"GET,POST,PATCH,DELETE,OPTIONS"),
    (
        b"access-control-allow-headers",
        b"Content-Type, Authorization, Idempotency-Key, X-API-Key, X-Bricqs-Tenant, Last-Event-ID",
    ),
    (b"access-control-max-age", b"86400"),
)


class Disconnected(Exception):
    """The caller hung up before the body was whole; nobody is left to answer."""


class Request:
    """A request whose headers are read once. `parameters` are those of the path, still encoded."""

    __slots__ = ("headers", "parameters", "receive", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.receive = receive
        self.headers = read_headers(scope["headers"])
        self.parameters: dict[str, str] = scope.get("path_params", {})


class Reply(Struct, frozen=True, gc=False):
    status: int
    body: bytes
    headers: tuple[Header, ...] = ()
    media: bytes = JSON


NO_CONTENT: Final = Reply(204, b"", media=b"")


def read_headers(pairs: list[Header]) -> dict[bytes, bytes]:
    """
    Return the headers by name. One sent twice becomes a list, as HTTP says.

    So two credentials never make a choice of ours: joined, they are nobody's.
    """
    headers = dict(pairs)
    if len(headers) != len(pairs):
        headers = {}
        for name, value in pairs:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


async def send_reply(send: Send, reply: Reply) -> None:
    """Send a reply in one piece, with its length."""
    body = reply.body
    media = reply.media
    if not media:
        await _send_nothing(send, reply)
        return
    of_media = _OF_JSON if media is JSON else ((b"content-type", media), *OPEN_TO_ALL)
    length = (b"content-length", b"%d" % len(body))
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [*of_media, length, *reply.headers],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def send_preflight(send: Send) -> None:
    """Answer a browser that asks whether it may ask."""
    await send({"type": "http.response.start", "status": 204, "headers": [*PREFLIGHT]})
    await send({"type": "http.response.body", "body": b""})


async def _send_nothing(send: Send, reply: Reply) -> None:
    """Say that it is done. A 204 has neither a type nor a length."""
    headers = [*OPEN_TO_ALL, *reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
