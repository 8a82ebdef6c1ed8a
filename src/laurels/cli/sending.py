"""Batches of lines to a running server, with the patience that its clients are asked to have."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from itertools import chain, repeat
from typing import Final, NamedTuple

import msgspec
import urllib3
from msgspec import Struct

from laurels.cli.items import Item
from laurels.core.errors import LaurelsError
from laurels.core.limits import BATCH_BODY_BYTES_MAX

PATH: Final = "/api/v1/ingest/events/batch"
WAITS_S: Final = (0.25, 0.5, 1.0, 2.0)
WAIT_S_MAX: Final = 5.0
JITTER_S_MAX: Final = 0.25
QUIET_ATTEMPTS: Final = 4
TIMEOUT_S: Final = 60.0
WORTH_A_RETRY: Final = frozenset({429, 500, 502, 503, 504})

BEFORE: Final = b'{"events":['
AFTER: Final = b"]}"
LINES_BYTES_MAX: Final = BATCH_BODY_BYTES_MAX - len(BEFORE) - len(AFTER)


class ServerRefused(LaurelsError):
    """The server does not take these events, and asking again would not help."""


class ServerUnreached(LaurelsError):
    """The server could not take the events in the time there was."""


class Row(Struct, frozen=True):
    """What the server made of one line."""

    status: str
    error: str = ""


class Answer(Struct, frozen=True):
    """What the server made of a batch, a row a line."""

    results: list[Row]


_answer: Final = msgspec.json.Decoder(Answer).decode


class Server:
    """A server's batch route, behind one connection."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        give_up_after_s: float,
        warn: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url.rstrip("/") + PATH
        self._headers = {"X-API-Key": key, "Content-Type": "application/json"}
        self._pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT_S)
        self._give_up_after_s = give_up_after_s
        self._warn = warn
        self._sleep = sleep
        self._now = now

    def send(self, items: Sequence[Item]) -> list[Row]:
        """Send a batch until it is taken. Raises ServerRefused or ServerUnreached."""
        body = BEFORE + b",".join(item.line.text for item in items) + AFTER
        deadline = self._now() + self._give_up_after_s
        for attempt, wait in enumerate(chain(WAITS_S, repeat(WAIT_S_MAX)), 1):
            answer = self._post(body, len(items))
            if isinstance(answer, list):
                return answer
            delay = answer.retry_after_s
            if delay is None:
                delay = wait + random.uniform(0, JITTER_S_MAX)  # noqa: S311 - spreads, not hides
            if self._now() + delay > deadline:
                raise ServerUnreached(f"Gave up after {attempt} attempts: {answer.reason}.")
            if attempt > QUIET_ATTEMPTS:
                self._warn(f"attempt {attempt} failed ({answer.reason}); next in {delay:.1f} s")
            self._sleep(delay)
        raise AssertionError

    def _post(self, body: bytes, count: int) -> "list[Row] | _Failure":
        try:
            reply = self._pool.request("POST", self._url, body=body, headers=self._headers)
        except urllib3.exceptions.LocationValueError as problem:
            raise ServerRefused(
                f"{self._url} is not the address of a server: {problem}."
            ) from problem
        except urllib3.exceptions.HTTPError as problem:
            return _Failure(f"no answer from {self._url} ({_told(problem)})")
        if reply.status in WORTH_A_RETRY:
            after = reply.headers.get("Retry-After")
            return _Failure(f"the server answered {reply.status}", _seconds(after))
        if reply.status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
            raise ServerRefused(f"{self._url} answered {reply.status}: {_detail(reply.data)}")
        return _rows(reply.data, count, self._url)


class _Failure(NamedTuple):
    reason: str
    retry_after_s: float | None = None


def batches(items: Iterable[Item], events_max: int) -> Iterator[list[Item]]:
    """Cut a stream into batches that hold neither too many events nor too many bytes."""
    batch: list[Item] = []
    size = 0
    for item in items:
        size += len(item.line.text) + 1
        if batch and (len(batch) == events_max or size > LINES_BYTES_MAX):
            yield batch
            batch, size = [], len(item.line.text) + 1
        batch.append(item)
    if batch:
        yield batch


def _rows(data: bytes, count: int, url: str) -> list[Row]:
    try:
        rows = _answer(data).results
    except msgspec.DecodeError:
        rows = []
    if len(rows) != count:
        raise ServerRefused(f"{url} did not answer like a Laurels server; is it another one?")
    return rows


def _detail(data: bytes) -> str:
    try:
        return str(msgspec.json.decode(data)["detail"])
    except (msgspec.DecodeError, TypeError, KeyError):
        return data[:200].decode("utf-8", "replace") or "without saying why"


def _seconds(header: str | None) -> float | None:
    """
    Read a `Retry-After`: seconds, or a date.

    >>> _seconds("7"), _seconds("soon"), _seconds("Thu, 01 Jan 1970 00:00:00 GMT")
    (7.0, None, 0.0)
    """
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _told(problem: urllib3.exceptions.HTTPError) -> str:
    return str(problem).rpartition(": ")[2].rstrip(".") or type(problem).__name__
