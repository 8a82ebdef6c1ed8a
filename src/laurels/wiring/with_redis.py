"""What several processes share through one Redis: from settings to its parts, on either side."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from functools import partial

from laurels.api.revocations import Revocations
from laurels.delivery.hub import Hub
from laurels.engine.ahead import Ahead
from laurels.engine.clock import SystemClock
from laurels.engine.durability import Durability
from laurels.engine.gather import Gather
from laurels.engine.intake import Acceptor, Intake
from laurels.engine.metrics import Metrics
from laurels.engine.ports import Clock, Notifier, Queries, Submitter
from laurels.engine.queue import ParkedEntries
from laurels.engine.sharing import Notifiers
from laurels.engine.worker import Worker
from laurels.link import connect_blocking
from laurels.notify.neighbours import Neighbours
from laurels.notify.rates import SharedRateLogs
from laurels.queue.lanes import RedisLanes
from laurels.queue.parked import RedisParked
from laurels.queue.reading import RedisReader
from laurels.settings import Settings
from laurels.wiring.company import may_begin_anew
from laurels.wiring.gate import Gate, be_owner, reaching, url_of
from laurels.wiring.places import Store
from laurels.wiring.stores import engine_of


class SharedRedis:
    """The other processes, as a server reaches them."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._gate = Gate(settings, store.installation(), clock)
        self._link = self._gate.link
        self._settings = settings
        self._lanes = RedisLanes(self._link)
        self._neighbours = Neighbours(self._gate.connect, clock, may_begin_anew)
        self.rate_logs = SharedRateLogs(self._link)
        self.revoked: Callable[[], None] | None = self._neighbours.teller.revoked

    def notifier(self, hub: Hub) -> Notifier:
        return Notifiers(hub, self._neighbours.teller)

    def submitter(self, gather: Gather, metrics: Metrics) -> Submitter:
        return self._neighbours.receipts(Ahead(gather, self._lanes), self._link, metrics)

    def intake(self, gather: Gather, queries: Queries, metrics: Metrics) -> Acceptor:
        intake = Intake(
            self._lanes,
            queries,
            backlog_max=self._settings.queue_backlog_max,
            instead=gather if self._settings.queue_down == "store" else None,
            arrived=self._neighbours.teller.arrived,
        )
        metrics.events_queued = lambda: intake.backlog
        metrics.limits_shared = lambda: int(self._link.is_there and self.rate_logs.is_shared)
        return intake

    def hear(self, hub: Hub, revocations: Revocations) -> None:
        self._neighbours.hear(moved=hub.hear, revoked=revocations.wake)

    def open(self, opened: Callable[[Durability], None]) -> None:
        self._gate.open(opened)

    def start(self) -> None:
        self._neighbours.start()

    async def close(self) -> None:
        await asyncio.to_thread(self._neighbours.close)
        await self._link.aclose()


class WorkerAtWork:
    """A worker with what it needs; started when it is made."""

    def __init__(self, settings: Settings, store: Store) -> None:
        url = url_of(settings)
        clock = SystemClock()
        ours = store.installation()
        with reaching(url):
            with closing(connect_blocking(url)) as link:
                be_owner(url, link, ours)
            self._link = connect_blocking(url)
        self._neighbours = Neighbours(partial(connect_blocking, url), clock, may_begin_anew)
        engine = engine_of(store, notifier=self._neighbours.teller)
        self.reader = RedisReader(self._link)
        self.worker = Worker(engine, self.reader, clock, is_ready=store.queries.is_ready)
        self._neighbours.hear(arrived=self.worker.wake)
        self._neighbours.start()

    def close(self) -> None:
        self._neighbours.close()
        self._link.close()


@contextmanager
def parked_entries(url: str) -> Generator[ParkedEntries]:
    """Reach what was taken out of the queue."""
    with reaching(url):
        link = connect_blocking(url)
    with closing(link):
        yield RedisParked(link)
