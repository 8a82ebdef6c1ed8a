"""A real server under load from many clients at once."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path as File
from typing import NamedTuple

from tests.e2e.log import Log, Sent
from tests.e2e.wire import API_KEY, BATCHES, Ack, Connection, Event, Path, Reply, request, spell
from tests.serving import Running, environment

LONG = os.environ.get("LAURELS_TEST_LONG") == "1"
RULEBOOK = File(__file__).parent / "rulebook.yaml"
APP_SECRET = "an app's secret of 32 characters"
STORE = "laurels.db"

CONNECTIONS = 32
PARTICIPANTS = 64
RETRIES = 0.1
BATCH_MAX = 100
BATCH_SENT_MAX = 500
STORM_S_MAX = 60


MIX = {
    Path.SINGLE: 35,
    Path.SYNC: 20,
    Path.EMIT: 15,
    Path.QUEST: 15,
    Path.BATCH: 10,
    Path.EMIT_BATCH: 5,
}


def settings(rulebook: File = RULEBOOK) -> dict[str, str]:
    """Name everything in the environment, so that a restart is the same server again."""
    return environment(
        LAURELS_PORT="0",
        LAURELS_STORE=f"sqlite:{STORE}",
        LAURELS_RULEBOOK=str(rulebook),
        LAURELS_JWT_SECRET="a secret to sign tokens with, 32.",
        LAURELS_BOOTSTRAP_APP_ID="shop",
        LAURELS_BOOTSTRAP_APP_SECRET=APP_SECRET,
        LAURELS_BOOTSTRAP_API_KEY=API_KEY,
        LAURELS_PARTICIPANT_WRITES_PER_MINUTE="0",
    )


def serve(folder: File, by: Sequence[str] = (), rulebook: File = RULEBOOK) -> Running:
    return Running("serve", cwd=folder, env=settings(rulebook), by=by)


@asynccontextmanager
async def connections(url: str, count: int) -> AsyncIterator[list[Connection]]:
    opened = await asyncio.gather(*(Connection.open(url) for _ in range(count)))
    try:
        yield opened
    finally:
        await asyncio.gather(*(connection.close() for connection in opened))


async def mint(connection: Connection, user: str) -> str:
    body = {"appId": "shop", "appSecret": APP_SECRET, "userId": user}
    reply = await connection.ask(spell("/v1/auth/token", body))
    assert reply.status == 200, reply
    return reply.body["token"]


async def volley(opened: Sequence[Connection], requests: Sequence[bytes]) -> list[Reply]:
    """Send every request within about a millisecond, then hear every answer."""
    for connection, text in zip(opened, requests, strict=True):
        connection.writer.write(text)
    return await asyncio.gather(*(connection.answer() for connection in opened))


async def storm(
    url: str,
    client: Callable[[Connection], Awaitable[None]],
    seconds: float,
    end: Callable[[], object],
    *,
    clients: int = CONNECTIONS,
) -> None:
    """Let clients ask without a pause until the server is gone, which `end` sees to."""

    async def ask(connection: Connection) -> None:
        with suppress(ConnectionError, EOFError):
            await client(connection)

    async with asyncio.timeout(STORM_S_MAX), connections(url, clients) as opened:
        asking = [asyncio.create_task(ask(one)) for one in opened]
        await asyncio.sleep(seconds)
        end()
        await asyncio.gather(*asking)


async def spread(url: str, jobs: Sequence[Callable[[Connection], Awaitable[None]]]) -> None:
    """Work through the jobs on as many connections as there are clients."""
    left = iter(jobs)

    async def work(connection: Connection) -> None:
        for job in left:
            await job(connection)

    async with asyncio.timeout(STORM_S_MAX), connections(url, CONNECTIONS) as opened:
        await asyncio.gather(*(work(one) for one in opened))


class Errand(NamedTuple):
    """A request, and who takes its reply; they say whether that was all that was asked for."""

    what: str
    text: bytes
    take: Callable[[Reply], bool]


class Load:
    """Clients that never tire. The same seed asks the same things."""

    participants = PARTICIPANTS
    connections = CONNECTIONS
    batch_max = BATCH_MAX

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.log = Log()
        self.tokens: dict[str, str] = {}
        self._events: list[Event] = []

    @property
    def waiting(self) -> dict[int, Sent]:
        return self.log.waiting

    async def prepare(self, url: str) -> None:
        """Mint everybody's token; they outlive the server that minted them."""
        async with connections(url, 1) as (connection,):
            for number in range(self.participants):
                self.tokens[f"p{number}"] = await mint(connection, f"p{number}")

    async def storm(self, url: str, seconds: float, end: Callable[[], object]) -> None:
        await storm(url, self.client, seconds, end, clients=self.connections)

    async def client(self, connection: Connection) -> None:
        while True:
            await self.ask(connection, self.next())

    async def ask(self, connection: Connection, sent: Sent) -> tuple[Reply, list[Ack]]:
        number = self.log.send(sent)
        reply = await connection.ask(self.spelled(sent))
        return reply, self.log.answer(number, reply)

    def errand(self) -> Errand:
        sent = self.next()
        number = self.log.send(sent)

        def take(reply: Reply) -> bool:
            self.log.answer(number, reply)
            return number not in self.log.waiting or not reply.ok

        return Errand(sent.path, self.spelled(sent), take)

    def spelled(self, sent: Sent) -> bytes:
        return request(sent.path, sent.events, self.tokens[sent.events[0].participant])

    def next(self) -> Sent:
        (path,) = self.random.choices(list(MIX), list(MIX.values()))
        count = self.random.randint(1, self.batch_max) if path in BATCHES else 1
        return Sent(path, [self._event() for _ in range(count)])

    def _event(self) -> Event:
        chance = self.random
        if self._events and chance.random() < RETRIES:
            return chance.choice(self._events)
        name = chance.choice(("step", "walk"))
        return self._new(f"p{chance.randrange(self.participants)}", name)

    def walk(self, participant: str) -> Event:
        return self._new(participant, "walk")

    def _new(self, participant: str, name: str) -> Event:
        event = Event(participant, len(self._events), name, self.random.randint(1, 9))
        self._events.append(event)
        return event

    async def resend(self, url: str) -> int:
        """Ask again whatever was never answered, all at once; return how many requests that was."""
        waiting = list(self.log.waiting.values())
        self.log.waiting.clear()
        await spread(url, [self._accepted(sent) for sent in waiting])
        return len(waiting)

    async def repeat(self, url: str, keys: Sequence[str]) -> None:
        """Ask again what was answered: each is a duplicate, and some are asked for their ids."""
        events = [self.log.sent[key] for key in keys]
        slices = [
            Sent(Path.BATCH, events[start : start + BATCH_SENT_MAX])
            for start in range(0, len(events), BATCH_SENT_MAX)
        ]
        some = self.random.sample(events, min(len(events), CONNECTIONS))
        paths = (Path.SINGLE, Path.SYNC, Path.EMIT, Path.QUEST)
        singles = [Sent(self.random.choice(paths), [event]) for event in some]
        await spread(url, [self._duplicate(sent) for sent in [*singles, *slices]])

    def _accepted(self, sent: Sent) -> Callable[[Connection], Awaitable[None]]:
        async def ask(connection: Connection) -> None:
            reply, _ = await self.ask(connection, sent)
            assert reply.ok, reply

        return ask

    def _duplicate(self, sent: Sent) -> Callable[[Connection], Awaitable[None]]:
        async def ask(connection: Connection) -> None:
            reply, acks = await self.ask(connection, sent)
            assert reply.ok, reply
            assert not any(ack.first for ack in acks), f"a duplicate was new: {reply}"

        return ask
