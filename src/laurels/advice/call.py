"""One request to an endpoint, on a thread of its own, that somebody else can cut short."""

import contextlib
import logging
import socket
from http import HTTPStatus
from http.client import HTTPException
from threading import Lock
from typing import Final

from msgspec import Struct
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import parse_url

ANSWER_BYTES_MAX: Final = 64 * 1024
THREAD: Final = "laurels-advice"
"""The name of the threads that calls run on."""

# urllib3 logs headers that it cannot read, whole. Elsewhere in the process it still may.
logging.getLogger("urllib3.connection").addFilter(lambda record: record.threadName != THREAD)


class CallFailed(Exception):
    """There is no answer, and why."""


class AddressUnusable(Exception):
    """That is no address of an endpoint."""


class Endpoint(Struct, frozen=True):
    """Where to ask, and with which key, if any."""

    is_secure: bool
    host: str
    port: int
    path: str
    key: str | None = None


def endpoint(base: str, key: str | None = None) -> Endpoint:
    """
    Read the address that an API's paths begin with.

    >>> endpoint("http://localhost:11434/v1/")
    Endpoint(is_secure=False, host='localhost', port=11434, path='/v1/chat/completions', key=None)
    """
    try:
        url = parse_url(base)
    except LocationParseError as problem:
        raise AddressUnusable(str(problem)) from problem
    if url.scheme not in ("http", "https") or not url.host:
        raise AddressUnusable(f"{base!r} has no scheme or no host")
    is_secure = url.scheme == "https"
    path = (url.path or "").rstrip("/") + "/chat/completions"
    port = url.port or (443 if is_secure else 80)
    return Endpoint(is_secure, url.host.strip("[]"), port, path, key)


class Call:
    """
    A single POST. No redirect is followed, no proxy asked, and little is read.

    A timeout holds for one step on the socket, so that an answer that drips could last for ever:
    `hang_up` ends it from outside.
    """

    def __init__(self, to: Endpoint, body: bytes, *, step_s: float) -> None:
        self._to = to
        self._body = body
        kind = HTTPSConnection if to.is_secure else HTTPConnection
        self._connection = kind(to.host, to.port, timeout=step_s)
        self._hanging_up = Lock()
        self._socket: socket.socket | None = None
        self._is_over = False

    def run(self) -> bytes:
        """Return the body of a good answer. Raises CallFailed."""
        try:
            self._connect()
            return self._exchange()
        except (HTTPError, HTTPException, OSError, ValueError) as problem:
            # Only the kind: what urllib3 says may repeat what the other side sent.
            raise CallFailed(f"it could not be asked ({type(problem).__name__})") from problem
        finally:
            with self._hanging_up:
                self._socket = None
                self._connection.close()

    def hang_up(self) -> None:
        """End the call, wherever it is. Called by anyone, at any time, as often as they like."""
        with self._hanging_up:
            self._is_over = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> None:
        self._connection.connect()
        with self._hanging_up:
            self._socket = self._connection.sock
            if self._is_over:
                raise CallFailed("nobody waits any more")

    def _exchange(self) -> bytes:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        if self._to.key:
            headers["Authorization"] = f"Bearer {self._to.key}"
        self._connection.request(
            "POST", self._to.path, body=self._body, headers=headers, preload_content=False
        )
        reply = self._connection.getresponse()
        try:
            if reply.status != HTTPStatus.OK:
                raise CallFailed(f"it answered {reply.status}")
            body = reply.read(ANSWER_BYTES_MAX + 1, decode_content=False)
        finally:
            reply.close()
        if len(body) > ANSWER_BYTES_MAX:
            raise CallFailed(f"its answer is longer than {ANSWER_BYTES_MAX} bytes")
        return body
