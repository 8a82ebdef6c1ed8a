"""Readers of streams, on bare sockets: they see every byte, and can stop reading."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

HEARD_S_MAX = 20

_chunk_head = re.compile(rb"([0-9a-f]+)\r\n")
_update_id = re.compile(r"^id: (\d+\.\d+)\nevent: update$", re.MULTILINE)
_any_id = re.compile(r"^id: (\S+)$", re.MULTILINE)


class Reader:
    """One stream. `text` is all that came so far, without the chunks it came in."""

    def __init__(
        self,
        url: str,
        token: str,
        last_id: str = "",
        *,
        receive_bytes: int | None = None,
        more: bytes = b"",
        version: str = "1.1",
    ) -> None:
        host, port = url.removeprefix("http://").split(":")
        self.socket = socket.socket()
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(0.1)
        self.socket.connect((host, int(port)))
        resumed = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
        self.socket.sendall(
            f"GET /v1/sse/updates HTTP/{version}\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            f"{resumed}\r\n".encode()
            + more
        )
        self.head = b""
        self.is_over = False
        self._raw = b""
        self._body = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    @property
    def text(self) -> str:
        return self._body.decode()

    @property
    def status(self) -> int:
        return int(self.head.split()[1])

    @property
    def updates(self) -> list[str]:
        return _update_id.findall(self.text)

    @property
    def last_id(self) -> str:
        return _any_id.findall(self.text)[-1]

    def read(self, seconds: float = 0.1) -> None:
        """Take in what comes, for so long at most."""
        self.socket.settimeout(max(seconds, 0.001))
        try:
            data = self.socket.recv(65_536)
        except TimeoutError:
            return
        except ConnectionError:
            data = b""
        self.is_over |= not data
        self._raw += data
        if not self.head and b"\r\n\r\n" in self._raw:
            self.head, _, self._raw = self._raw.partition(b"\r\n\r\n")
        if b"transfer-encoding: chunked" in self.head:
            self._unchunk()
        elif self.head and b"content-length" not in self.head:
            self._body, self._raw = self._body + self._raw, b""

    def _unchunk(self) -> None:
        while match := _chunk_head.match(self._raw):
            end = match.end() + int(match[1], 16)
            if len(self._raw) < end + 2:
                return
            self._body += self._raw[match.end() : end]
            self._raw = self._raw[end + 2 :]

    def until(self, text: str = "", *, count: int = 0, over: bool = False) -> Self:
        """Read until a text came, so many updates came, or the stream is over."""
        patience = time.monotonic() + HEARD_S_MAX
        while time.monotonic() < patience:
            if over:
                is_so = self.is_over
            else:
                is_so = text in self.text and len(self.updates) >= count and bool(self.head)
            if is_so:
                return self
            assert over or not self.is_over, f"it ended: {self.head!r} {self.text}"
            self.read()
        raise AssertionError(f"it never came: {self.text[-2_000:]}")

    def quiet(self, seconds: float = 0.3) -> Self:
        """Read for a while, to see that nothing more comes."""
        end = time.monotonic() + seconds
        with suppress(AssertionError):
            while time.monotonic() < end:
                self.read(end - time.monotonic())
        return self


class Timed(Reader):
    """One who notes when each update came."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token)
        self.heard_at: list[float] = []

    def read(self, seconds: float = 0.1) -> None:
        known = len(self._body)
        super().read(seconds)
        self.heard_at += [time.monotonic()] * self._body.count(b"\nevent: update\n", known)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take in what comes at once, on a thread of its own, meanwhile."""
        done = threading.Event()

        def listen() -> None:
            while not (done.is_set() or self.is_over):
                self.read()

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
