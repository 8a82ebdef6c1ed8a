"""Clients that go on whatever happens: they ask the next server, and again, until they are told."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeVar

from tests.e2e.customers import Customers
from tests.e2e.customers import reconcile as reconcile_books
from tests.e2e.load import Errand, Load
from tests.e2e.log import reconcile, stored
from tests.e2e.rows import verified
from tests.e2e.shop import Books
from tests.e2e.town import Town
from tests.e2e.wire import Connection, Path, Reply

WALKERS = 14
CUSTOMERS = 6
PAUSE_S = 0.03
AGAIN_S = 0.02
ASKED_OF_ONE_MAX = 30
"""How often a client asks one server before it connects anew, to the first that it knows."""
HANG_S_MAX = 10
PATIENCE_S = 30
BATCH_MAX = 10
REFUSED, BROKEN = 503, 0
ASYNC = (Path.SINGLE, Path.BATCH)
"""What goes through the queue, where there is one."""
VISIT = "visit"

Told = TypeVar("Told")


class Answer(NamedTuple):
    """What became of one request: a status, or that the connection broke."""

    what: str
    begun: float
    ended: float
    status: int
    retry_after: str = ""

    @property
    def is_good(self) -> bool:
        return self.status not in (REFUSED, BROKEN)


class Siege:
    """Walkers whose every event is logged, and customers who keep every receipt."""

    def __init__(self, town: Town, seed: int = 0, people: int | None = None) -> None:
        """`people` is how many there are of each kind, if not as many as usual."""
        self.town = town
        self.load = Load(seed)
        if town.queue is not None:
            self.load.log.accepting = ASYNC
        self.load.batch_max = BATCH_MAX
        self.customers = Customers(seed, VISIT)
        if people is not None:
            self.load.participants = self.customers.people = people
        self.answers: list[Answer] = []
        self.is_over = False

    def run(self, fate: Callable[[], Awaitable[Told]]) -> Told:
        """Go on for as long as fate takes, then until everything has been answered."""
        return asyncio.run(self._run(fate))

    async def _run(self, fate: Callable[[], Awaitable[Told]]) -> Told:
        if not self.load.tokens:
            await self.load.prepare(self.town.urls[0])
            await self.customers.prepare(self.town.urls[0])
        self.is_over = False
        sources = [self.load.errand] * WALKERS + [self.customers.errand] * CUSTOMERS
        clients = [
            asyncio.create_task(_Client(self, number).run(source))
            for number, source in enumerate(sources)
        ]
        try:
            told = await fate()
        finally:
            self.is_over = True
            await asyncio.gather(*clients)
        return told

    async def good(self, whats: Iterable[str], since: float) -> float:
        """Wait until each of some kinds was asked after a moment and answered well; say when."""
        missing = set(whats)
        at = len(self.answers)
        while at and self.answers[at - 1].ended > since:
            at -= 1
        while True:
            for answer in self.answers[at:]:
                if answer.is_good and answer.begun >= since:
                    missing.discard(answer.what)
                    if not missing:
                        return answer.ended
            at = len(self.answers)
            assert time.monotonic() < since + PATIENCE_S, f"{missing} were never answered"
            await asyncio.sleep(0.005)

    def between(self, begun: float, ended: float) -> list[Answer]:
        """Return what was both asked and answered in between."""
        return [one for one in self.answers if begun <= one.begun and one.ended <= ended]

    def slowest_s(self) -> float:
        return max(one.ended - one.begun for one in self.answers)

    def refusals(self) -> int:
        return sum(one.status == REFUSED for one in self.answers)

    def broken(self) -> int:
        return sum(one.status == BROKEN for one in self.answers)

    def check(self) -> None:
        """Compare what is there with what was promised."""
        self.town.drain()
        place = self.town.store
        held = stored(place, "p%")
        wrong = [*reconcile(self.load.log, held)]
        assert not wrong, f"{len(wrong)}, such as {wrong[:5]}"
        log = self.load.log
        assert not log.refused, f"{len(log.refused)} refusals, such as {log.refused[:3]}"
        assert not log.waiting, (
            f"{len(log.waiting)} unanswered, such as {[*log.waiting.items()][:3]}"
        )
        keys = {row.key for row in held.events}
        assert keys == log.acked.keys() == log.sent.keys(), keys ^ log.sent.keys()
        wrong = [*reconcile_books(self.customers, Books(place, who="c"))]
        assert not wrong, wrong[:5]
        assert not verified(place)
        assert self.slowest_s() < HANG_S_MAX
        refused = [one for one in self.answers if one.status == REFUSED]
        assert all(int(one.retry_after) >= 1 for one in refused)

    def repeat(self) -> None:
        """Ask again for all that was promised: nothing of it is done again."""
        url = self.town.urls[0]
        asyncio.run(self.load.repeat(url, sorted(self.load.log.acked)))
        asyncio.run(self.customers.repeat(url, 50))
        self.check()


class _Client:
    def __init__(self, siege: Siege, number: int) -> None:
        urls: Sequence[str] = siege.town.urls
        self.siege = siege
        self.home = [*urls[number % len(urls) :], *urls[: number % len(urls)]]
        self.urls = list(self.home)
        self.connection: Connection | None = None
        self.asked = 0

    async def run(self, source: Callable[[], Errand]) -> None:
        try:
            while not self.siege.is_over:
                await self._see_through(source())
                await asyncio.sleep(PAUSE_S)
        finally:
            await self._part()

    async def _see_through(self, errand: Errand) -> None:
        until = time.monotonic() + PATIENCE_S
        while True:
            reply = await self._ask(errand)
            if reply is not None and reply.status != REFUSED and errand.take(reply):
                return
            assert time.monotonic() < until, f"{errand.what} was never answered: {reply}"
            await asyncio.sleep(AGAIN_S)

    async def _ask(self, errand: Errand) -> Reply | None:
        connection = await self._connected()
        if connection is None:
            return None
        begun = time.monotonic()
        try:
            reply = await connection.ask(errand.text)
        except (ConnectionError, EOFError):
            self._note(Answer(errand.what, begun, time.monotonic(), BROKEN))
            await self._part()
            return None
        retry_after = reply.headers.get("retry-after", "")
        self._note(Answer(errand.what, begun, time.monotonic(), reply.status, retry_after))
        self.asked += 1
        if reply.headers.get("connection") == "close":
            self.urls = [*self.urls[1:], self.urls[0]]
            await self._part()
        elif self.asked > ASKED_OF_ONE_MAX:
            self.urls.sort(key=self.home.index)
            await self._part()
        return reply

    def _note(self, answer: Answer) -> None:
        self.siege.answers.append(answer)

    async def _connected(self) -> Connection | None:
        for url in self.urls if self.connection is None else ():
            with suppress(ConnectionError):
                self.connection = await Connection.open(url)
                break
        return self.connection

    async def _part(self) -> None:
        if self.connection is not None:
            await self.connection.close()
        self.connection, self.asked = None, 0
