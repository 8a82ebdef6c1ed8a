"""HTTP as uvicorn speaks it, but a reply leaves in one write, and so does a stream's message."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Collection
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from laurels.api.streamed import OUTLET

SEND_BUFFER_BYTES: Final = 64 * 1024
"""What the kernel may hold of one stream: past this, it waits with us and is counted."""
VANISHED_MS: Final = 30_000
"""How long a reader may leave unanswered what was sent; who vanished without a word is let go."""
RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER as it must be for a connection to end at once, with nothing kept for it."""


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


class Outlet:
    """
    The connection itself, for a stream whose head has gone through ASGI.

    A message is one write then, without a task that has to be woken for it; and what a reader does
    not take in can be seen, and thrown away.
    """

    __slots__ = (
        "_is_begun",
        "_is_chunked",
        "_one_write",
        "_transport",
        "_waiting",
        "cycle",
        "is_taken",
    )
    cycle: RequestResponseCycle
    """The newest request, and its reply."""

    def __init__(
        self, one_write: OneWrite, transport: asyncio.Transport, waiting: Collection[object]
    ) -> None:
        self._one_write = one_write
        self._transport = transport
        self._waiting = waiting
        self.is_taken = False
        self._is_begun = False
        self._is_chunked = True

    def take(self) -> bool:
        """Be the last on this connection, unless other requests wait behind this one."""
        self.is_taken = not self._waiting
        if self.is_taken and self.cycle.scope["http_version"] == "1.0":
            # It knows no chunks. What it gets lasts until the connection ends.
            self._is_chunked = self.cycle.chunked_encoding = False
        return self.is_taken

    @property
    def is_clear(self) -> bool:
        return not self._transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        transport = self._transport
        if transport.is_closing():
            return
        if self._is_chunked:  # The head has no length.
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if self._is_begun:
            transport.write(data)
        else:
            self._set_up()
            self._one_write.write(data)  # The head goes with it.

    def close(self) -> None:
        if not self._transport.is_closing():
            if self._is_chunked:
                self._one_write.write(b"0\r\n\r\n")
            self._one_write.close()

    def abort(self) -> None:
        if not self._transport.is_closing():
            # What the kernel has taken would else lie there until the reader's end is heard of.
            self._set(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._transport.abort()

    def _set_up(self) -> None:
        self._is_begun = True
        self._transport.set_write_buffer_limits(high=0)  # Write at once, whatever it is.
        self._set(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux has it.
            self._set(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, VANISHED_MS)

    def _set(self, level: int, option: int, value: int | bytes) -> None:
        with contextlib.suppress(OSError):  # It may have broken this very moment.
            self._transport.get_extra_info("socket").setsockopt(level, option, value)


class Protocol(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as uvicorn has it
        one_write = OneWrite(transport)
        self._outlet = Outlet(one_write, transport, self.pipeline)
        self._extensions = {OUTLET: self._outlet}
        super().connection_made(cast("asyncio.Transport", one_write))

    def data_received(self, data: bytes) -> None:
        if self._outlet.is_taken:
            # Behind a stream comes no other request: whoever sends one would wait for ever.
            self._outlet.abort()
        else:
            super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)["extensions"] = self._extensions

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._outlet.cycle = self.cycle

    def on_response_complete(self) -> None:
        cast("OneWrite", self.transport).flush()  # A reply without a body: to HEAD, say.
        super().on_response_complete()
