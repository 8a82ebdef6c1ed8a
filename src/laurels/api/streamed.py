"""A reply that goes on: its head as ASGI has it, then bytes as they come."""

import asyncio
from collections.abc import Callable
from typing import ClassVar, Final, Protocol

from msgspec import Struct

from laurels.api.exchange import OPEN_TO_ALL, Header, Receive, Scope, Send
from laurels.delivery.stream import Outlet

OUTLET: Final = "laurels.outlet"
"""The extension by which our own server lends the connection itself to a stream."""


class Streamed(Struct, frozen=True, gc=False):
    """A reply that goes on until either side ends it. `leave` is called once, begun or not."""

    media: bytes
    headers: tuple[Header, ...]
    begin: Callable[[Outlet], None]
    leave: Callable[[], None]
    status: ClassVar[int] = 200


class Lent(Outlet, Protocol):
    """A connection that our own server lends."""

    def take(self) -> bool:
        """Be the last on this connection, unless other requests wait behind this one."""
        ...


def take_connection(scope: Scope) -> bool:
    """
    Take the connection for a stream, and say whether it could be had: if nothing waits behind.

    What waits would wait as long as the stream lasts, and hide from us that the caller is gone.
    """
    if scope["method"] == "HEAD":
        return True
    lent: Lent | None = scope.get("extensions", {}).get(OUTLET)
    return lent is None or lent.take()


async def send_stream(scope: Scope, receive: Receive, send: Send, streamed: Streamed) -> None:
    """Send a head, and let whatever comes then leave as it comes, until the caller is gone."""
    try:
        head = ((b"content-type", streamed.media), *OPEN_TO_ALL, *streamed.headers)
        await send({"type": "http.response.start", "status": 200, "headers": [*head]})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        outlet = scope.get("extensions", {}).get(OUTLET)
        # An idle stream need not remember how it was asked for.
        scope["headers"].clear()
        if outlet is None:
            await _send_pieces(receive, send, streamed)
            return
        streamed.begin(outlet)
        while (await receive())["type"] != "http.disconnect":
            pass
    finally:
        streamed.leave()


async def _send_pieces(receive: Receive, send: Send, streamed: Streamed) -> None:
    """Do the same by ASGI's own means, where the server has no outlet of ours to lend."""
    pieces = _Pieces()
    streamed.begin(pieces)
    sending = asyncio.ensure_future(pieces.send(send))
    listening = asyncio.ensure_future(_until_gone(receive))
    try:
        await asyncio.wait((sending, listening), return_when=asyncio.FIRST_COMPLETED)
    finally:
        listening.cancel()
        pieces.close()
        await sending


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Pieces:
    """An outlet that is emptied by a task."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._stirred = asyncio.Event()
        self._is_closed = False

    @property
    def is_clear(self) -> bool:
        return not self._waiting

    def write(self, data: bytes) -> None:
        self._waiting.append(data)
        self._stirred.set()

    def close(self) -> None:
        self._is_closed = True
        self._stirred.set()

    def abort(self) -> None:
        self._waiting.clear()
        self.close()

    async def send(self, send: Send) -> None:
        while not (self._is_closed and not self._waiting):
            await self._stirred.wait()
            self._stirred.clear()
            count = len(self._waiting)  # Others may come while these are sent.
            piece = b"".join(self._waiting)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            del self._waiting[:count]
        await send({"type": "http.response.body", "body": b""})
