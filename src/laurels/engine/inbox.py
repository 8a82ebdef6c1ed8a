"""Webhooks on their way in: kept first, made events of after that, as often as it takes."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from msgspec import Struct

from laurels.core import limits
from laurels.core.command import Command
from laurels.core.errors import Refusal, Unavailable
from laurels.core.event import Event, EventId, Instant, TenantId
from laurels.core.rulebook import Rulebook
from laurels.core.webhook import (
    EVENT_ID,
    Ignored,
    Meaning,
    Reported,
    Unclaimed,
    Unreadable,
    meaning,
    source_called,
)
from laurels.engine.ports import Clock, Outcome, Queries, Submitter

log = logging.getLogger(__name__)

Status: TypeAlias = Literal["waiting", "processed", "ignored", "unclaimed", "parked"]
Observe: TypeAlias = Callable[[str, Status], None]
"""Told the source and the status of each delivery that was looked at."""

STEP_S: Final = 1.0
DELIVERIES_AT_ONCE_MAX: Final = 50
TIDY_INTERVAL_MS: Final = 60_000
REASON_CHARS_MAX: Final = 500
RETRY_AFTER_S: Final = (30, 60, 120, 240, 480)
"""When a delivery that failed is tried again; once more, and it is parked."""


class Delivery(Struct, frozen=True, kw_only=True):
    """What a source has sent us, as it was sent."""

    tenant: TenantId
    source: str
    id: str
    """The provider's, unique within the source."""
    event: EventId
    """The id that its event will have, so that it is known again for ever."""
    type: str
    body: bytes = b""
    """Empty where many are listed."""
    received_at: Instant
    fingerprint: bytes | None = None
    """Of what was signed, where that is not the id: a second name for the same delivery."""
    status: Status = "waiting"
    attempts: int = 0
    due_at: Instant | None = None
    """When it is tried next; None when it is not."""
    reason: str | None = None

    @property
    def key(self) -> str:
        return EVENT_ID + self.id


class Settled(NamedTuple):
    """What has become of a delivery."""

    delivery: Delivery
    status: Status
    reason: str | None
    attempts: int
    due_at: Instant | None


class Listed(NamedTuple):
    """One page of deliveries, newest first, and how many there are in all."""

    deliveries: list[Delivery]
    total: int


class Deliveries(Protocol):
    """Where deliveries are kept. Every call may block: call in a thread."""

    def put(self, deliveries: Sequence[Delivery]) -> list[str]:
        """Keep those that are new, in one transaction; return the id that each is kept under."""
        ...

    def due(self, tenant: TenantId, now: Instant, count: int) -> list[tuple[Delivery, str | None]]:
        """Return some that are due, with the status of the event that each has become, if any."""
        ...

    def settle(self, settled: Sequence[Settled]) -> None:
        """Note what has become of some, but of those queued anew meanwhile."""
        ...

    def empty(self, tenant: TenantId, before: Instant) -> None:
        """Give up some bodies of what was received before, and is done with."""
        ...

    def requeue(self, tenant: TenantId, source: str, id_: str, now: Instant) -> Delivery | None: ...
    def find(self, tenant: TenantId, source: str, id_: str) -> Delivery | None: ...
    def listed(
        self,
        tenant: TenantId,
        *,
        status: str | None,
        source: str | None,
        page: int,
        page_size: int,
    ) -> Listed:
        """Return one page, without bodies."""
        ...


class Inbox:
    """
    The async edge of what is kept. Made and used on one event loop.

    Deliveries that come while others are written share the next transaction, so that a storm of
    them does not hold up events.
    """

    def __init__(self, kept: Deliveries) -> None:
        self.kept = kept
        self.news = asyncio.Event()
        """Set when something has become due."""
        self._waiting: list[tuple[Delivery, asyncio.Future[str]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(self, delivery: Delivery) -> str:
        """Keep a delivery, and return the id that it is kept under; then it is safe."""
        if len(self._waiting) >= limits.WEBHOOKS_WAITING_MAX:
            raise Unavailable("Too many webhooks are waiting to be written; try again.")
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, answer))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await answer

    async def requeue(
        self, tenant: TenantId, source: str, id_: str, now: Instant
    ) -> Delivery | None:
        """Let a delivery be looked at again, whatever became of it; return it, if there is one."""
        found = await asyncio.to_thread(self.kept.requeue, tenant, source, id_, now)
        self.news.set()
        return found

    async def _write(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting, []
            result: list[str] | Exception
            try:
                result = await asyncio.to_thread(self.kept.put, [one for one, _ in taken])
            except Exception as failure:  # noqa: BLE001 - whoever waits is told, whatever it is
                result = failure
            for position, (_, answer) in enumerate(taken):
                if answer.done():  # The caller hung up; what it sent is kept all the same.
                    pass
                elif isinstance(result, Exception):
                    answer.set_exception(result)
                else:
                    answer.set_result(result[position])
            self.news.set()


class InboxWorker:
    """
    Makes events of the deliveries of one tenant, by the rulebook in force.

    It may die anywhere: the event of a delivery has its id from the start, so a delivery whose
    event is there has been processed, whether or not that was noted.
    """

    def __init__(
        self,
        inbox: Inbox,
        submitter: Submitter,
        queries: Queries,
        clock: Clock,
        *,
        tenant: TenantId,
        observe: Observe | None = None,
    ) -> None:
        self._inbox = inbox
        self._submitter = submitter
        self._queries = queries
        self._clock = clock
        self._tenant = tenant
        self._observe = observe
        self._tidied_at: Instant = 0

    async def run(self) -> None:
        """Go on until cancelled: at once when something comes in, and every second."""
        while True:
            self._inbox.news.clear()
            try:
                is_behind = await self.step()
            except Unavailable as refusal:
                log.warning("webhooks have to wait: %s", refusal)
                is_behind = False
            except Exception:
                log.exception("the inbox stumbled, and goes on")
                is_behind = False
            if not is_behind:
                await self._wait()

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._inbox.news.wait(), STEP_S)

    async def step(self) -> bool:
        """Look at a bounded number of deliveries that are due; say whether there may be more."""
        due = await asyncio.to_thread(
            self._inbox.kept.due, self._tenant, self._clock.now(), DELIVERIES_AT_ONCE_MAX
        )
        if not due:
            await self._tidy()
            return False
        settled, events = await asyncio.to_thread(self._read, due)
        if events:
            outcomes = await self._submit([event for _, event in events])
            settled += [
                self._result(delivery, event, outcome)
                for (delivery, event), outcome in zip(events, outcomes, strict=True)
            ]
        await asyncio.to_thread(self._inbox.kept.settle, settled)
        if self._observe is not None:
            for one in settled:
                self._observe(one.delivery.source, one.status)
        return len(due) == DELIVERIES_AT_ONCE_MAX

    async def _tidy(self) -> None:
        now = self._clock.now()
        if now - self._tidied_at >= TIDY_INTERVAL_MS:
            self._tidied_at = now
            before = now - limits.WEBHOOK_BODY_LIFETIME_MS
            await asyncio.to_thread(self._inbox.kept.empty, self._tenant, before)

    def _read(
        self, due: Sequence[tuple[Delivery, str | None]]
    ) -> tuple[list[Settled], list[tuple[Delivery, Event]]]:
        """Part what is an event from what is settled as it stands."""
        rulebook = self._queries.rulebook(self._tenant).rulebook
        settled: list[Settled] = []
        events: list[tuple[Delivery, Event]] = []
        for delivery, became in due:
            if became == "processed":
                settled.append(_settle(delivery, "processed"))
                continue
            if became is not None:
                settled.append(_settle(delivery, "parked", "its event was parked"))
                continue
            try:
                means = _meaning(delivery, rulebook)
            except Exception as failure:  # One that nobody can read must not hold up the others.
                log.exception("webhook %s of %s cannot be read", delivery.id, delivery.source)
                settled.append(self._failed(delivery, repr(failure)))
                continue
            if isinstance(means, Reported):
                events.append((delivery, _event(delivery, means)))
            else:
                settled.append(_settle(delivery, _STATUS[type(means)], means.reason))
        return settled, events

    async def _submit(self, events: Sequence[Command]) -> Sequence[Outcome]:
        try:
            return await self._submitter.submit(events)
        except Unavailable as refusal:
            return [refusal] * len(events)

    def _result(self, delivery: Delivery, event: Event, outcome: Outcome) -> Settled:
        if isinstance(outcome, Unavailable):
            return self._failed(delivery, outcome.message)
        if isinstance(outcome, Refusal):
            return _settle(delivery, "parked", outcome.message)
        if outcome.mismatch:
            whose = f"another event has its key, {event.key}"
            return _settle(delivery, "parked", f"{whose}; requeue it when that one is a day old")
        if parked := outcome.parked:
            return _settle(delivery, "parked", parked.message)
        return _settle(delivery, "processed")

    def _failed(self, delivery: Delivery, reason: str) -> Settled:
        """Try again later, or give it to an operator."""
        attempts, reason = delivery.attempts + 1, reason[:REASON_CHARS_MAX]
        if attempts > len(RETRY_AFTER_S):
            return Settled(delivery, "parked", reason, attempts, None)
        due_at = self._clock.now() + RETRY_AFTER_S[attempts - 1] * 1000
        return Settled(delivery, "waiting", reason, attempts, due_at)


def _settle(delivery: Delivery, status: Status, reason: str | None = None) -> Settled:
    shown = reason and reason[:REASON_CHARS_MAX]
    return Settled(delivery, status, shown, delivery.attempts + 1, None)


def _meaning(delivery: Delivery, rulebook: Rulebook) -> Meaning:
    source = source_called(rulebook, delivery.source)
    if source is None:
        return Unreadable("the rulebook has no such source any more")
    return meaning(source, delivery.type, delivery.body, delivery.received_at)


def _event(delivery: Delivery, reported: Reported) -> Event:
    return Event(
        tenant=delivery.tenant,
        id=delivery.event,
        participant=reported.participant,
        name=reported.name,
        properties=reported.properties,
        properties_json=reported.properties_json,
        occurred_at=reported.occurred_at,
        received_at=delivery.received_at,
        key=delivery.key,
        source=delivery.source,
        dated=reported.dated,
    )


_STATUS: Final[dict[type[Ignored | Unclaimed | Unreadable], Status]] = {
    Ignored: "ignored",
    Unclaimed: "unclaimed",
    Unreadable: "parked",
}
