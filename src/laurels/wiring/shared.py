"""What several processes share through one Redis: from settings to its parts, on either side."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from typing import Any

from redis.exceptions import RedisError

from laurels.api.revocations import Revocations
from laurels.core.errors import LaurelsError
from laurels.delivery.hub import Hub
from laurels.engine.ahead import Ahead
from laurels.engine.clock import SystemClock
from laurels.engine.gather import Gather
from laurels.engine.intake import Acceptor, Intake
from laurels.engine.metrics import Metrics
from laurels.engine.ports import Clock, Notifier, Queries, Submitter
from laurels.engine.queue import ParkedEntries
from laurels.engine.sharing import Notifiers
from laurels.engine.worker import Worker
from laurels.link import connect, connect_blocking
from laurels.notify.company import Company
from laurels.notify.rates import SharedRateLogs
from laurels.queue.lanes import RedisLanes
from laurels.queue.names import INSTALLATION
from laurels.queue.owner import owner
from laurels.queue.parked import RedisParked
from laurels.queue.reading import RedisReader
from laurels.settings import Settings, variable, without_password
from laurels.wiring.company import may_begin_anew
from laurels.wiring.places import Store
from laurels.wiring.stores import engine_of


class QueueNotReached(LaurelsError):
    """Redis does not answer."""


class QueueOfAnother(LaurelsError):
    """The queue is another installation's."""


class SharedRedis:
    """The other processes, as a server reaches them."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        url = _url(settings)
        _be_owner(url, store)
        with _reaching(url):
            self._link = connect(url)
        self._settings = settings
        self._lanes = RedisLanes(self._link)
        self._company = Company(url, clock, may_begin_anew)
        self.rate_logs = SharedRateLogs(self._link)
        self.revoked: Callable[[], None] | None = self._company.teller.revoked

    def notifier(self, hub: Hub) -> Notifier:
        return Notifiers(hub, self._company.teller)

    def submitter(self, gather: Gather, metrics: Metrics) -> Submitter:
        return self._company.receipts(Ahead(gather, self._lanes), self._link, metrics)

    def intake(self, gather: Gather, queries: Queries, metrics: Metrics) -> Acceptor:
        intake = Intake(
            self._lanes,
            queries,
            backlog_max=self._settings.queue_backlog_max,
            instead=gather if self._settings.queue_down == "store" else None,
            arrived=self._company.teller.arrived,
        )
        metrics.events_queued = lambda: intake.backlog
        metrics.limits_shared = lambda: int(self.rate_logs.is_shared)
        return intake

    def hear(self, hub: Hub, revocations: Revocations) -> None:
        self._company.hear(moved=hub.hear, revoked=revocations.wake)

    def start(self) -> None:
        self._company.start()

    async def close(self) -> None:
        await asyncio.to_thread(self._company.close)
        # A client's own types are full of gaps.
        link: Any = self._link
        await link.aclose()


class WorkerAtWork:
    """A worker with what it needs; started when it is made."""

    def __init__(self, settings: Settings, store: Store) -> None:
        url = _url(settings)
        clock = SystemClock()
        _be_owner(url, store)
        with _reaching(url):
            self._link = connect_blocking(url)
        self._company = Company(url, clock, may_begin_anew)
        engine = engine_of(store, notifier=self._company.teller)
        self.reader = RedisReader(self._link)
        self.worker = Worker(engine, self.reader, clock, is_ready=store.queries.is_ready)
        self._company.hear(arrived=self.worker.wake)
        self._company.start()

    def close(self) -> None:
        self._company.close()
        self._link.close()


def _be_owner(url: str, store: Store) -> None:
    """Refuse what another installation keeps its events in: they would be decided here."""
    ours = store.installation()
    with _reaching(url), closing(connect_blocking(url)) as link:
        theirs = owner(link, ours)
    if theirs == ours:
        return
    name = variable("queue")
    raise QueueOfAnother(
        f"{without_password(url)} is the queue of another installation ({theirs}; this one is "
        f"{ours}): each would take the other's events. Name another database number or another "
        f"server by --queue or {name}. If the other one is gone for good, as after a restore into "
        "a new store, have what waits there decided here: stop whatever still uses it, and run\n"
        f"  redis-cli -c -u \"${name}\" SET '{INSTALLATION}' {ours}"
    )


@contextmanager
def parked_entries(url: str) -> Generator[ParkedEntries]:
    """Reach what was taken out of the queue."""
    with _reaching(url), closing(connect_blocking(url)) as link:
        yield RedisParked(link)


@contextmanager
def _reaching(url: str) -> Generator[None]:
    try:
        yield
    except RedisError as problem:
        raise QueueNotReached(f"{without_password(url)} does not answer: {problem}.") from problem


def _url(settings: Settings) -> str:
    assert settings.queue is not None, "whoever shares has something to share it through"
    return settings.queue
