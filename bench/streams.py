"""
`python -m bench.streams`: what open streams cost, how soon they hear, and how soon they are back.

Everything goes through a real server and real sockets; the readers share its processors.
"""

import asyncio
import resource
import selectors
import socket
import time
from collections import deque
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple, Self, cast

import click
import psutil
import uvloop
from msgspec.json import encode

from bench.__main__ import KEY, Server, cpu_s, say_conditions, serving, verify
from laurels.api.token import Tokens

SECRET: Final = "a secret to sign tokens with, 32."
HOST: Final = "127.0.0.1"
GOALS: Final = {
    "idle": "KiB a stream, at most 20",
    "latency": "p99 ms, at most 100",
    "fan-out": "CPU µs a frame, at most 15",
    "storm": "s until all are back, at most 30",
}
SENDERS: Final = 16
TOGETHER: Final = 20
"""Streams of one participant in the fan-out: as many as there may be."""
OPENING: Final = 200
"""Connections under way at once; the kernel keeps a queue of some length."""
WAIT_S_MAX: Final = 60
FRAME_BYTES: Final = 250
BARE_SOCKETS: Final = 1_000
TENANT: Final = "demo/live"


class Sizes(NamedTuple):
    """How much of everything is tried."""

    idle: int
    streams: int
    rate: int
    seconds: int
    bursts: int


FULL: Final = Sizes(5_000, 1_000, 500, 10, 30)
QUICK: Final = Sizes(5_000, 1_000, 500, 5, 30)


def rules() -> bytes:
    """Return one challenge that never ends: one frame an event."""
    return encode(
        {
            "challenges": [
                {
                    "id": "steps",
                    "objectives": [{"id": "step", "event": "step", "count": 1_000_000_000}],
                }
            ]
        }
    )


class Reader(asyncio.Protocol):
    """One stream. It remembers when each frame came, against when its event was sent."""

    def __init__(self, participant: str, token: str, last_id: str = "") -> None:
        self.participant = participant
        self.last_id = last_id
        self.retry_s = 0.0
        self.frames = 0
        self.sent_at = deque[float]()
        self.latencies_s: list[float] = []
        loop = asyncio.get_running_loop()
        self.begun = loop.create_future()
        self.lost = loop.create_future()
        resumed = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
        self._request = (
            f"GET /v1/sse/updates HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
            f"{resumed}\r\n"
        ).encode()
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data: {"):
                self.frames += 1
                if self.sent_at:
                    self.latencies_s.append(now - self.sent_at.popleft())
            elif line.startswith(b"id: "):
                self.last_id = line[4:].decode()
                if not self.begun.done():
                    self.begun.set_result(None)
            elif line.startswith(b"retry: "):
                self.retry_s = int(line[7:]) / 1000

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - its shape
        for future in (self.begun, self.lost):
            if not future.done():
                future.set_result(None)


class Bench:
    """A server, and the tokens of those who listen to it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._tokens = Tokens((SECRET.encode(),), TENANT)
        self._process = psutil.Process(server.process.pid)

    def token(self, participant: str) -> str:
        return self._tokens.mint(TENANT, participant, None, time.time_ns() // 1_000_000).token

    def rss_kib(self) -> float:
        return self._process.memory_info().rss / 1024

    async def connect(self, participant: str, last_id: str = "") -> Reader:
        reader = Reader(participant, self.token(participant), last_id)
        await asyncio.get_running_loop().create_connection(lambda: reader, HOST, self.server.port)
        await asyncio.wait_for(reader.begun, WAIT_S_MAX)
        assert not reader.lost.done(), "a stream was refused"
        return reader

    async def open(self, participants: list[str]) -> list[Reader]:
        """Open a stream for each, some at a time."""
        gate = asyncio.Semaphore(OPENING)

        async def one(participant: str) -> Reader:
            async with gate:
                return await self.connect(participant)

        return await asyncio.gather(*(one(participant) for participant in participants))


class Sender:
    """A connection that reports events; each waits for the answer to the one before."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(HOST, self._bench.server.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def send(self, participant: str) -> None:
        body = encode({"participant_id": participant, "event_name": "step"})
        head = (
            f"POST /api/v1/ingest/events HTTP/1.1\r\nHost: bench\r\nX-API-Key: {KEY}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 202"), answer
        length = int(answer.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        await self._reader.readexactly(length)


async def hang_up(readers: list[Reader]) -> None:
    for reader in readers:
        reader.transport.abort()
    await asyncio.gather(*(reader.lost for reader in readers))
    await asyncio.sleep(1)  # What follows is not to be measured with it.


async def idle(bench: Bench, sizes: Sizes) -> float:
    """Return the KiB of memory that one open stream takes."""
    await hang_up(await bench.open([f"warm-{n}" for n in range(100)]))
    before = bench.rss_kib()
    readers = await bench.open([f"idle-{n}" for n in range(sizes.idle)])
    await asyncio.sleep(16)  # So that each has had its sign of life.
    grown = bench.rss_kib() - before
    await hang_up(readers)
    return grown / sizes.idle


async def latency(bench: Bench, sizes: Sizes) -> tuple[list[float], list[float]]:
    """Return how long it took from the sending of each event to its answer, and to its frame."""
    readers = await bench.open([f"user-{n}" for n in range(sizes.streams)])
    waiting, answers = asyncio.Queue[tuple[float, str]](), list[float]()

    async def work() -> None:
        async with Sender(bench) as sender:
            while True:
                due_s, participant = await waiting.get()
                await sender.send(participant)
                answers.append(time.perf_counter() - due_s)
                waiting.task_done()

    workers = [asyncio.create_task(work()) for _ in range(SENDERS)]
    begun = time.perf_counter()
    for number in range(sizes.rate * sizes.seconds):
        due_s = begun + number / sizes.rate
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        reader = readers[number * 7 % sizes.streams]
        reader.sent_at.append(due_s)  # Its time is counted from when it should have been sent.
        waiting.put_nowait((due_s, reader.participant))
    await waiting.join()
    await _all_told(readers, sizes.rate * sizes.seconds)
    for worker in workers:
        worker.cancel()
    await hang_up(readers)
    return answers, [late_s for reader in readers for late_s in reader.latencies_s]


def p99_ms(latencies_s: list[float]) -> float:
    return sorted(latencies_s)[len(latencies_s) * 99 // 100] * 1000


async def _all_told(readers: list[Reader], frames: int) -> None:
    async with asyncio.timeout(WAIT_S_MAX):
        while sum(reader.frames for reader in readers) < frames:  # noqa: ASYNC110 - it comes as it comes
            await asyncio.sleep(0.01)
    assert sum(reader.frames for reader in readers) == frames, "a frame came twice"


async def fan_out(bench: Bench, sizes: Sizes) -> float:
    """Return the server's CPU µs for one more frame: the same events with and without readers."""
    people = [f"fan-{n}" for n in range(sizes.streams // TOGETHER)]
    silent_s = await _burst(bench, people, sizes.bursts)
    readers = await bench.open([who for who in people for _ in range(TOGETHER)])
    await asyncio.sleep(1)  # Opening them is not to be measured either.
    heard_s = await _burst(bench, people, sizes.bursts)
    frames = len(readers) * sizes.bursts
    before = cpu_s(bench.server.process.pid)
    await _all_told(readers, frames)
    heard_s += cpu_s(bench.server.process.pid) - before
    await hang_up(readers)
    return (heard_s - silent_s) * 1e6 / frames


async def _burst(bench: Bench, people: list[str], times: int) -> float:
    """Let everybody take some steps, and return the CPU seconds that it took the server."""
    before = cpu_s(bench.server.process.pid)

    async def steps(mine: list[str]) -> None:
        async with Sender(bench) as sender:
            for _ in range(times):
                for who in mine:
                    await sender.send(who)

    await asyncio.gather(*(steps(people[n::SENDERS]) for n in range(SENDERS)))
    return cpu_s(bench.server.process.pid) - before


def bare_send_us() -> float:
    """Return the CPU µs of one bare send of a frame's bytes, to as many sockets with a reader."""
    with socket.create_server((HOST, 0), backlog=BARE_SOCKETS) as listener:
        reading = get_context("spawn").Process(target=_drain, args=listener.getsockname())
        reading.start()
        sockets = [listener.accept()[0] for _ in range(BARE_SOCKETS)]
    frame, rounds, spent_s = b"x" * FRAME_BYTES, 20, 0.0
    for _ in range(rounds):
        before = time.process_time()
        for one in sockets:
            one.send(frame)
        spent_s += time.process_time() - before
        time.sleep(0.02)  # So that the reader is asleep again.
    for one in sockets:
        one.close()
    reading.join()
    return spent_s * 1e6 / rounds / BARE_SOCKETS


def _drain(host: str, port: int) -> None:
    selector, left = selectors.DefaultSelector(), BARE_SOCKETS
    for _ in range(BARE_SOCKETS):
        selector.register(socket.create_connection((host, port)), selectors.EVENT_READ)
    while left:
        for key, _ in selector.select():
            one = cast("socket.socket", key.fileobj)
            if not one.recv(65_536):
                selector.unregister(one)
                left -= 1


async def storm(bench: Bench, sizes: Sizes) -> float:
    """Drop everybody at once, and return how long it takes until the last one is back."""
    readers = await bench.open([f"storm-{n}" for n in range(sizes.idle)])
    async with Sender(bench) as sender:
        for reader in readers:
            reader.transport.abort()
        begun = time.perf_counter()
        missed = readers[:: len(readers) // 50]
        for reader in missed:
            await sender.send(reader.participant)

    async def come_back(reader: Reader) -> Reader:
        await asyncio.sleep(reader.retry_s)
        return await bench.connect(reader.participant, reader.last_id)

    back = await asyncio.gather(*map(come_back, readers))
    seconds = time.perf_counter() - begun
    await _all_told(back, len(missed))
    await hang_up(back)
    return seconds


async def measure(bench: Bench, sizes: Sizes) -> dict[str, Any]:
    found: dict[str, Any] = {"idle": await idle(bench, sizes)}
    answers, frames = await latency(bench, sizes)
    found["answer"], found["latency"] = p99_ms(answers), p99_ms(frames)
    found["fan-out"] = median([await fan_out(bench, sizes) for _ in range(3)])
    found["storm"] = await storm(bench, sizes)
    return found


def run(sizes: Sizes) -> None:
    """Measure, and print a line for each figure."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with (
        TemporaryDirectory(prefix="laurels-bench-") as name,
        serving(Path(name), rules(), LAURELS_JWT_SECRET=SECRET) as server,
    ):
        found = uvloop.run(measure(Bench(server), sizes))
        found["bare send"] = bare_send_us()
        verify(server.store)
    click.echo(
        f"streams: {sizes.idle} idle; {sizes.streams} at {sizes.rate} updates a second; "
        f"{sizes.idle} dropped at once"
    )
    for name, goal in GOALS.items():
        click.echo(f"{name:13} {found[name]:9.1f} {goal}")
    click.echo(
        f"Meanwhile the answers to events took {found['answer']:.1f} ms at p99, and a bare send "
        f"of a frame's bytes {found['bare send']:.1f} CPU µs."
    )


@click.command()
@click.option("--quick", is_flag=True, help="Fewer streams, for less time.")
def main(*, quick: bool) -> None:
    """Measure streams. Server and readers share this machine's processors."""
    with TemporaryDirectory(prefix="laurels-bench-") as name:
        say_conditions(Path(name))
    run(QUICK if quick else FULL)


if __name__ == "__main__":
    main()
