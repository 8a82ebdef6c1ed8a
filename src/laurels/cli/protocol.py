"""HTTP as uvicorn speaks it, but head and body of a reply leave in one write."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class OneWrite:
    """
    A transport that holds the head of a reply back until its body comes, or its end.

    Each write is a system call, a packet and a wake-up of whoever reads: for a small reply the
    second one costs more than all that we do for it.
    """

    __slots__ = ("_held", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._held:
            data, self._held = self._held + data, b""
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 100"):
            self._held = data
            return
        self._transport.write(data)

    def flush(self) -> None:
        if self._held:
            self._transport.write(self._held)
            self._held = b""

    def close(self) -> None:
        self.flush()
        self._transport.close()


class Protocol(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as uvicorn has it
        super().connection_made(cast("asyncio.Transport", OneWrite(transport)))

    def on_response_complete(self) -> None:
        cast("OneWrite", self.transport).flush()  # A reply without a body: to HEAD, say.
        super().on_response_complete()
