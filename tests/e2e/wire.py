"""Events, how each route spells them, and what its reply says became of them."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple, Self

API_KEY = "bq_live_admin_" + "0e" * 16
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
ANSWER_S_MAX = 20
STREAM_BYTES_MAX = 4 * 1024 * 1024


class Event(NamedTuple):
    """What a client sends. `number` makes its key and its time."""

    participant: str
    number: int
    name: str = "step"
    km: int = 0

    @property
    def key(self) -> str:
        return f"k{self.number}"

    @property
    def properties(self) -> dict[str, int]:
        return {"km": self.km}

    @property
    def properties_json(self) -> str:
        return _spelled(self.km)

    @property
    def at(self) -> datetime:
        return BEGIN + timedelta(seconds=self.number)


@cache
def _spelled(km: int) -> str:
    return json.dumps({"km": km}, separators=(",", ":"))


class Path(StrEnum):
    QUEST = "/v1/events"
    SINGLE = "/api/v1/ingest/events"
    SYNC = "/api/v1/ingest/events/sync"
    BATCH = "/api/v1/ingest/events/batch"
    EMIT = "/api/v1/gamify/events"
    EMIT_BATCH = "/api/v1/gamify/events/batch"


BATCHES = (Path.BATCH, Path.EMIT_BATCH)


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Ack(NamedTuple):
    """
    What a reply promises of one event.

    No id where a route shows none to duplicates; `first` is None where it does not tell them apart.
    """

    id: str | None
    first: bool | None


TO_SEND_AGAIN = Ack("", None)
"""What a part of a batch hears that could not be kept; all of the batch may be sent again."""


def request(path: Path, events: Sequence[Event], token: str = "") -> bytes:
    """Spell a request. Only batches take more than one event."""
    if path is Path.QUEST:
        return spell(path, quest_body(events[0]), f"authorization: Bearer {token}")
    bodies = [event_body(event) for event in events]
    body = {"events": bodies} if path in BATCHES else bodies[0]
    return spell(path, body, f"x-api-key: {API_KEY}")


def spell(path: str, body: object, header: str = "x-none: 0") -> bytes:
    method = "GET" if body is None else "POST"
    text = "" if body is None else json.dumps(body, separators=(",", ":"))
    head = f"{method} {path} HTTP/1.1\r\nhost: laurels\r\n{header}\r\ncontent-length: {len(text)}"
    return f"{head}\r\ncontent-type: application/json\r\n\r\n{text}".encode()


def event_body(event: Event) -> dict[str, Any]:
    return {
        "participant_id": event.participant,
        "event_name": event.name,
        "properties": event.properties,
        "timestamp": event.at.isoformat(),
        "idempotency_key": event.key,
    }


def quest_body(event: Event) -> dict[str, Any]:
    return {
        "userId": event.participant,
        "name": event.name,
        "payload": event.properties,
        "timestamp": int(event.at.timestamp() * 1000),
        "idempotencyKey": event.key,
    }


def acks_of(path: Path, reply: Reply) -> list[Ack]:
    """Read what a 2xx promises, one for each event that was sent."""
    body = reply.body
    match path:
        case Path.QUEST:
            replayed = reply.headers.get("x-idempotent-replay") in ("hit", "db-hit")
            return [Ack(bare(body["eventId"]), not replayed)]
        case Path.SINGLE | Path.SYNC:
            return [Ack(bare(body["event_id"]), not body["duplicate"])]
        case Path.BATCH:
            return [_row_ack(row) for row in body["results"]]
        case Path.EMIT:
            return [_emitted_ack(body)]
        case Path.EMIT_BATCH:
            return [_emitted_ack(row) for row in body["results"]]


def _row_ack(row: dict[str, Any]) -> Ack:
    if row["status"] == "rejected" and row["error"].endswith("try again."):
        return TO_SEND_AGAIN
    assert row["status"] in ("accepted", "duplicate"), row
    return Ack(row["event_id"] and bare(row["event_id"]), row["status"] == "accepted")


def _emitted_ack(row: dict[str, Any]) -> Ack:
    assert row["status"] == "processed", row
    return Ack(row["event_id"], None)


def bare(event_id: str) -> str:
    return event_id.removeprefix("evt_")


class Connection:
    """A keep-alive connection: as little as HTTP needs, so that the server is what is busy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, url: str) -> Self:
        host, port = url.removeprefix("http://").split(":")
        return cls(*await asyncio.open_connection(host, int(port), limit=STREAM_BYTES_MAX))

    async def ask(self, request: bytes) -> Reply:
        self.writer.write(request)
        return await self.answer()

    async def answer(self) -> Reply:
        """Read one reply. Raises EOFError or ConnectionError when none will come."""
        async with asyncio.timeout(ANSWER_S_MAX):
            head = await self.reader.readuntil(b"\r\n\r\n")
            status, *lines = head[:-4].decode("latin-1").split("\r\n")
            pairs = (line.partition(":") for line in lines)
            headers = {name.lower(): text.strip() for name, _, text in pairs}
            body = await self.reader.readexactly(int(headers["content-length"]))
        return Reply(int(status.split()[1]), headers, json.loads(body))

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):  # The server may have been killed; so it should.
            await self.writer.wait_closed()
