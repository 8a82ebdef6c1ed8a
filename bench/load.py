"""A closed loop of connections that keep a server busy, and remember what it acknowledged."""

import asyncio
import random
import time
from typing import Final, NamedTuple, cast

import uvloop
from msgspec.json import decode, encode

from bench.rulebook import AMOUNT_MAX, CATEGORIES, EVENT_NAMES

PARTICIPANTS: Final = 10_000
FEW_NAMES: Final = (0, 7)
"""A person does a few kinds of things: two event names, so ten of the hundred rules."""
ALL_NAMES: Final = tuple(range(len(EVENT_NAMES)))


class Shape(NamedTuple):
    """One way to send events: where to, how many a request, over how many connections."""

    name: str
    path: str
    events_per_request: int
    connections: int
    events: int
    names: tuple[int, ...] = FEW_NAMES
    """Which event names a participant sends, counted from their own."""


class Measured(NamedTuple):
    """What the clients saw: seconds in all, and of each request; what they were told is kept."""

    seconds: float
    latencies_s: list[float]
    acknowledged: int
    points: int


class Maker:
    """Makes events with keys that no other maker gives, and adds up what they should earn."""

    def __init__(self, seed: int, names: tuple[int, ...]) -> None:
        self._chance = random.Random(seed)
        self._names = names
        self._prefix = f"{seed}-{time.time_ns()}"
        self._made = 0
        self.points = 0

    def event(self) -> dict[str, object]:
        chance = self._chance
        self._made += 1
        amount = chance.randrange(100, AMOUNT_MAX * 100) / 100
        participant = chance.randrange(PARTICIPANTS)
        name = EVENT_NAMES[(participant + chance.choice(self._names)) % len(EVENT_NAMES)]
        self.points += int(amount)
        return {
            "participant_id": f"user_{participant}",
            "event_name": name,
            "properties": {
                "amount": amount,
                "currency": "USD",
                "category": chance.choice(CATEGORIES),
                "product_id": f"prod_{chance.randrange(1000)}",
            },
            "idempotency_key": f"{self._prefix}:{self._made}",
        }

    def request(self, shape: Shape, head: bytes) -> bytes:
        if shape.events_per_request == 1:
            body = encode(self.event())
        else:
            body = encode({"events": [self.event() for _ in range(shape.events_per_request)]})
        return b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body)


class Client(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last one is whole."""

    def __init__(self, requests: list[bytes], latencies: list[float], replies: list[bytes]) -> None:
        self._requests = requests
        self._latencies = latencies
        self._replies = replies
        self._buffer = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        if not self._requests:
            self._transport.close()
            self.done.set_result(None)
            return
        self._sent_at = time.perf_counter()
        self._transport.write(self._requests.pop())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, gap, body = self._buffer.partition(b"\r\n\r\n")
        if gap and len(body) >= length(head):
            self._latencies.append(time.perf_counter() - self._sent_at)
            assert head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 202")), self._buffer
            self._replies.append(body)
            self._buffer = b""
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionResetError("the server hung up"))


def length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])


def head_of(shape: Shape, host: str, port: int, key: str) -> bytes:
    return (
        f"POST {shape.path} HTTP/1.1\r\nHost: {host}:{port}\r\nX-API-Key: {key}\r\n"
        "Content-Type: application/json\r\n"
    ).encode()


def run(shape: Shape, host: str, port: int, key: str, seed: int) -> Measured:
    """Send it all and wait for every answer. Requests are made beforehand."""
    head = head_of(shape, host, port, key)
    maker = Maker(seed, shape.names)
    requests = [maker.request(shape, head) for _ in range(shape.events // shape.events_per_request)]
    latencies: list[float] = []
    replies: list[bytes] = []

    async def all_clients() -> float:
        loop = asyncio.get_running_loop()
        begun = time.perf_counter()
        pairs = [
            await loop.create_connection(lambda: Client(requests, latencies, replies), host, port)
            for _ in range(shape.connections)
        ]
        await asyncio.gather(*(client.done for _, client in pairs))
        return time.perf_counter() - begun

    seconds = uvloop.run(all_clients())
    acknowledged = sum(accepted(body, shape) for body in replies)
    return Measured(seconds, sorted(latencies), acknowledged, maker.points)


def accepted(body: bytes, shape: Shape) -> int:
    """Count the events that a reply says were taken."""
    reply = decode(body)
    return reply["accepted"] if shape.events_per_request > 1 else int(not reply["duplicate"])
