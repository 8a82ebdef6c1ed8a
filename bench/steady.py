"""An open loop: every event has its moment, whether or not the last one is answered."""

import asyncio
import threading
import time
from collections import deque
from typing import Any, Final, NamedTuple, cast

import psycopg
import uvloop
from msgspec.json import decode

from bench import load

CONNECTIONS: Final = 64
LEAD_S: Final = 0.1
LOOK_EVERY_S: Final = 0.003
"""How often the journal is looked at: by so much an event may seem to be visible later."""
VISIBLE_S_MAX: Final = 30
ROWS: Final = "SELECT number, command FROM journal WHERE tenant = %s AND number > %s"
TENANT: Final = "demo/live"


class Steady(NamedTuple):
    """Shortest first: from an event's moment to its answer, and from that to its journal row."""

    accepted_s: list[float]
    visible_s: list[float]
    points: int


class Client(asyncio.Protocol):
    """One connection, which goes back to the idle ones once it is answered."""

    def __init__(self, idle: "Idle") -> None:
        self._idle = idle
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes, due_at: float) -> None:
        self._due_at = due_at
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, gap, body = self._buffer.partition(b"\r\n\r\n")
        if gap and len(body) >= load.length(head):
            assert head.startswith(b"HTTP/1.1 202"), self._buffer
            self._buffer = b""
            self._idle.answered(self, self._due_at, body)

    def close(self) -> None:
        self._transport.close()


class Idle:
    """The idle connections, and the events that wait for one."""

    def __init__(self, count: int) -> None:
        self.clients: list[Client] = []
        self.answers: list[tuple[float, float, bytes]] = []
        self._waiting = deque[tuple[bytes, float]]()
        self._count = count
        self.done = asyncio.get_running_loop().create_future()

    def send(self, request: bytes, due_at: float) -> None:
        if self.clients:
            self.clients.pop().send(request, due_at)
        else:
            self._waiting.append((request, due_at))

    def answered(self, client: Client, due_at: float, body: bytes) -> None:
        self.answers.append((due_at, time.perf_counter(), body))
        if self._waiting:
            client.send(*self._waiting.popleft())
        else:
            self.clients.append(client)
        if len(self.answers) == self._count:
            self.done.set_result(None)


class Tail(threading.Thread):
    """Reads the journal as it grows, and remembers when each command was there."""

    def __init__(self, url: str, count: int) -> None:
        super().__init__(name="tail", daemon=True)
        self._connection: psycopg.Connection[Any] = psycopg.connect(url, autocommit=True)
        self._count = count
        head = self._connection.execute(
            "SELECT COALESCE(MAX(number), 0) FROM heads WHERE tenant = %s", (TENANT,)
        ).fetchone()
        assert head is not None
        self._after = int(head[0])
        self.seen_at: dict[str, float] = {}

    def run(self) -> None:
        until = time.perf_counter() + VISIBLE_S_MAX
        while len(self.seen_at) < self._count and time.perf_counter() < until:
            rows = self._connection.execute(ROWS, (TENANT, self._after)).fetchall()
            now = time.perf_counter()
            for number, command in rows:
                self.seen_at[command] = now
                self._after = max(self._after, number)
            time.sleep(LOOK_EVERY_S)
        self._connection.close()


def run(url: str, port: int, key: str, *, rate: float, seconds: float, seed: int) -> Steady:
    """Send single events at a steady rate, and read the journal of the store beside it."""
    shape = load.Shape("steady", "/api/v1/ingest/events", 1, CONNECTIONS, int(rate * seconds))
    maker = load.Maker(seed, shape.names)
    head = load.head_of(shape, "127.0.0.1", port, key)
    requests = [maker.request(shape, head) for _ in range(shape.events)]
    tail = Tail(url, shape.events)
    tail.start()
    answers = uvloop.run(_send(requests, port, rate))
    tail.join()
    visible: list[float] = []
    for _, answered_at, body in answers:
        command = decode(body)["event_id"].removeprefix("evt_")
        visible.append(tail.seen_at[command] - answered_at)
    accepted = sorted(answered_at - due_at for due_at, answered_at, _ in answers)
    return Steady(accepted, sorted(visible), maker.points)


async def _send(requests: list[bytes], port: int, rate: float) -> list[tuple[float, float, bytes]]:
    loop = asyncio.get_running_loop()
    idle = Idle(len(requests))
    for _ in range(CONNECTIONS):
        _, client = await loop.create_connection(lambda: Client(idle), "127.0.0.1", port)
        idle.clients.append(client)
    begun = time.perf_counter() + LEAD_S
    for place, request in enumerate(requests):
        due_at = begun + place / rate
        wait_s = due_at - time.perf_counter()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        idle.send(request, due_at)
        if wait_s <= 0 and place % 16 == 0:
            await asyncio.sleep(0)
    await idle.done
    for client in idle.clients:
        client.close()
    return idle.answers
