"""The way to the Redis that processes share: closed until it is known that it may be used."""

import logging
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from typing import Final

import redis
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ClusterError,
    RedisClusterException,
    TryAgainError,
)

from laurels.core.errors import LaurelsError
from laurels.engine.durability import Durability, Verdict, judge
from laurels.engine.ports import Clock
from laurels.link import FAILURES, BlockingLink, LaterLink, connect, connect_blocking
from laurels.notify.redis_settings import read_settings
from laurels.queue.names import INSTALLATION
from laurels.queue.owner import owner
from laurels.settings import Settings, variable, without_password
from laurels.wiring.places import QueueNotReached, StoreNotOpened

log: Final = logging.getLogger("laurels.wiring")

AWAY: Final = (
    *(redis.ConnectionError, redis.TimeoutError, OSError),
    *(ClusterError, RedisClusterException, TryAgainError),
)
"""What may be over by itself: nobody is there, or a part of a cluster is missing."""
TURNED_AWAY: Final = (AuthenticationError, AuthorizationError)
"""A client counts these among the others, but somebody has to do something."""


class QueueOfAnother(LaurelsError):
    """The queue is another installation's."""


class Gate:
    """
    Lets nobody through to a Redis before it was asked how well it keeps things, and whose it is.

    Until then Redis is away for whoever goes this way. The listener tries time and again, as it
    does whenever Redis is away, and each try looks anew.
    """

    def __init__(self, settings: Settings, installation: str, clock: Clock) -> None:
        self._url = url_of(settings)
        self._settings = settings
        self._installation = installation
        self._clock = clock
        self._lock = threading.Lock()
        self._opened: Callable[[Durability], None] = lambda _: None
        self._said: str | None = None
        self.link: Final = LaterLink()
        """For the event loop."""

    def open(self, opened: Callable[[Durability], None]) -> None:
        """
        Look for the first time, at a start: what is wrong then is refused.

        `opened` is called, once, with how well this Redis keeps things; perhaps later, on a thread.
        """
        self._opened = opened
        try:
            self._look()
        except QueueNotReached as problem:
            self._tell(problem)

    def connect(self) -> BlockingLink:
        """Reach Redis from any thread. Raises redis.ConnectionError while the gate is closed."""
        with self._lock:
            if not self.link.is_there:
                try:
                    warnings = self._look().warnings
                # What is wrong by now is never used either, but it may be put right. To end, as a
                # start does, would take down all else that is served, and again at each restart.
                except LaurelsError as problem:
                    self._tell(problem)
                    raise redis.ConnectionError("it is not used yet") from problem
                for said in ("Redis answers, and is used from now on", *warnings):
                    log.warning(said)
        return connect_blocking(self._url)

    def _look(self) -> Verdict:
        with reaching(self._url), closing(connect_blocking(self._url)) as link:
            verdict = judge(self._clock.now(), redis=read_settings(link))
            verdict.check(accepts_loss=self._settings.accept_data_loss == "on")
            be_owner(self._url, link, self._installation)
            found = connect(self._url)
        self._opened(verdict.durability())
        self.link.link = found
        return verdict

    def _tell(self, problem: LaurelsError) -> None:
        """Say why the gate is closed, once for each reason."""
        is_away = isinstance(problem, QueueNotReached)
        # Nobody there, no answer: the words change, and mean the same.
        reason = "" if is_away else problem.message
        if reason != self._said:
            self._said = reason
            log.log(
                logging.WARNING if is_away else logging.ERROR,
                "Redis is not used yet, and asked again and again. Meanwhile events for it %s, and "
                "all else is served. %s",
                "go to the store" if self._settings.queue_down == "store" else "are refused",
                problem.message,
            )


def url_of(settings: Settings) -> str:
    assert settings.queue is not None, "whoever shares has something to share it through"
    return settings.queue


def be_owner(url: str, link: BlockingLink, ours: str) -> None:
    """Refuse what another installation keeps its events in: they would be decided here."""
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
def reaching(url: str) -> Generator[None]:
    """Say that there was no answer, and whether it is worth asking again."""
    try:
        yield
    except FAILURES as problem:
        is_away = isinstance(problem, AWAY) and not isinstance(problem, TURNED_AWAY)
        kind = QueueNotReached if is_away else StoreNotOpened
        said = " ".join(str(problem).split()).rstrip(".")
        raise kind(f"{without_password(url)} does not answer: {said}.") from problem
