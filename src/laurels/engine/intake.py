"""Accepting events for later: into the lanes of a queue, unless their key is known already."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from math import inf
from typing import Any, Final, NamedTuple, Protocol, cast

from msgspec.structs import replace

from laurels.core import limits
from laurels.core.command import Command
from laurels.core.compile import Compiled
from laurels.core.decide import decide
from laurels.core.errors import LimitMet, Refusal, Unavailable
from laurels.core.event import CUSTOM, Event, TenantId
from laurels.core.state import State
from laurels.engine.batch import address_of
from laurels.engine.clock import stopwatch
from laurels.engine.ports import Address, Outcome, Queries, Remembered, Submitter
from laurels.engine.queue import (
    WAIT_MS_MAX,
    Backlog,
    Lanes,
    Waiting,
    answer_to_twin,
    content_of,
    receipt_of,
)
from laurels.engine.replay import is_expired, replay
from laurels.engine.turns import Turns

log = logging.getLogger(__name__)

RULEBOOK_S: Final = 1.0
"""How old the rulebook may be by which we say whether any rule names an event."""
STORE_S_MAX: Final = 0.5
"""How long the store is waited for; whatever it would have said, it says to the worker."""
BACKLOG_S: Final = 0.1
BACKLOG_LOW_S: Final = 1.0
"""How often the backlog is looked at, and how often while it is less than half of what may be."""
REST_S: Final = 0.25
"""How long a queue that could not be asked is left alone."""
RULEBOOKS_MAX: Final = 1_000
RETRY_AFTER_MS: Final = 1_000
RETRY_AFTER_LONG_WAIT_MS: Final = 10_000


class Acceptor(Protocol):
    """Where events go whose caller does not wait for what they lead to."""

    def accept(self, events: Sequence[Event]) -> Awaitable[list[Outcome]]:
        """Await one outcome an event, in order, once all of them are kept."""
        ...


class Instead(Protocol):
    """Who decides events at once that nobody knows to be kept: one of them may be, or decided."""

    def submit(self, commands: Sequence[Command], *, waited: bool) -> Awaitable[list[Outcome]]: ...


class Direct:
    """Where there is no queue, accepting is deciding."""

    def __init__(self, submitter: Submitter) -> None:
        self._submitter = submitter

    def accept(self, events: Sequence[Event]) -> Awaitable[list[Outcome]]:
        return self._submitter.submit(events)


class Known(NamedTuple):
    """What the store said of some events: its rulebooks, and the receipts of their keys."""

    rulebooks: Mapping[TenantId, Compiled]
    receipts: Mapping[tuple[TenantId, Address], Remembered]


class Intake:
    """
    The async edge of the queue. Made and used on one event loop.

    An event is kept when its lane has it: what it leads to is decided by a worker, later.
    """

    def __init__(
        self,
        lanes: Lanes,
        queries: Queries,
        *,
        backlog_max: int,
        instead: Instead | None = None,
        arrived: Callable[[], None] | None = None,
    ) -> None:
        """
        Where `instead` is given, it takes events while the queue cannot be asked.

        `arrived` is called, from the loop, when there is something to decide.
        """
        self._arrived = arrived
        self._lanes = lanes
        self._instead = instead
        self._memory = Memory(queries)
        self._level = Level(lanes, backlog_max)
        self._rest_until = 0.0
        self._is_down = False
        self._turns = Turns[Event, Outcome](self._take, at_once_max=limits.GATHERED_EVENTS_MAX)

    def accept(self, events: Sequence[Event]) -> "asyncio.Future[list[Outcome]]":
        return self._turns.join(events)

    @property
    def backlog(self) -> int:
        """How many lie in the queue, as far as we know; whoever asks again soon knows better."""
        self._level.look()
        return self._level.entries

    async def _take(self, events: Sequence[Event]) -> list[Outcome]:
        known = await self._memory.about(events)
        outcomes = [_settled(event, known) for event in events]
        new = [place for place, outcome in enumerate(outcomes) if outcome is None]
        if new:
            kept = await self._keep([events[place] for place in new], known)
            for place, outcome in zip(new, kept, strict=True):
                outcomes[place] = outcome
        return [outcome for outcome in outcomes if outcome is not None]

    async def _keep(self, events: Sequence[Event], known: Known) -> list[Outcome]:
        full = None
        try:
            full = await self._full(len(events))
            answers = [full for _ in events] if full else await self._lanes.append(events)
            self._is_down = False
        except Unavailable as refusal:
            answers = [refusal for _ in events]
        if self._arrived is not None:
            self._arrived()
        outcomes: list[Outcome] = []
        for event, answer in zip(events, answers, strict=True):
            if isinstance(answer, Waiting):
                outcomes.append(await self._twin(event, answer, known))
            else:
                outcomes.append(answer or receipt_of(event, known=_is_known(event, known)))
        down = [place for place, one in enumerate(answers) if isinstance(one, Unavailable)]
        if down and not full:
            await self._turn_away(events, outcomes, down)
        return outcomes

    async def _full(self, count: int) -> Unavailable | None:
        """
        Say why so many events more cannot be taken, if they cannot.

        Raises Unavailable, too, while the queue is left alone that was down a moment ago.
        """
        if stopwatch() < self._rest_until:
            raise _down()
        return await self._level.too_high(count)

    async def _turn_away(
        self, events: Sequence[Event], outcomes: list[Outcome], down: Sequence[int]
    ) -> None:
        """Answer for events whose lanes cannot be asked, or hand them to whoever takes them."""
        if stopwatch() >= self._rest_until:
            self._rest_until = stopwatch() + REST_S
            if not self._is_down:
                self._is_down = True
                failure = outcomes[down[0]]
                cause = failure.__cause__ if isinstance(failure, Unavailable) else None
                log.warning("the queue cannot be asked: %r", cause)
        decided: Sequence[Outcome] = [_down() for _ in down]
        if self._instead is not None:
            try:
                # What was sent may have come through, and only the answer been lost.
                own = [events[place] for place in down]
                decided = await self._instead.submit(own, waited=True)
            except Unavailable as refusal:  # Neither of the two can be asked.
                decided = [refusal for _ in down]
        for place, outcome in zip(down, decided, strict=True):
            outcomes[place] = outcome

    async def _twin(self, event: Event, waiting: Waiting, known: Known) -> Outcome:
        """Answer an event whose key waits already: what was sent first stands."""
        if waiting.content == content_of(event):
            first: Event | None = event
        else:  # It may still say the same in other words.
            try:
                original = await self._lanes.original(event)
            except Unavailable:
                original = None
            first = original.event if original else None
        named = replace(first or event, id=waiting.id, received_at=waiting.received_at)
        receipt = answer_to_twin(named, event, known=_is_known(named, known))
        return receipt if first is not None else replace(receipt, mismatch=True)


def _down() -> Unavailable:
    return Unavailable("The queue cannot be asked; try again.", retry_after_ms=RETRY_AFTER_MS)


class Level:
    """How much lies in the queue: looked at now and then, and counted on in between."""

    def __init__(self, lanes: Lanes, entries_max: int) -> None:
        self._lanes = lanes
        self._entries_max = entries_max
        self._seen: Backlog | None = None
        self._seen_at = -inf
        self._added = 0
        self._look: asyncio.Task[Unavailable | None] | None = None

    @property
    def entries(self) -> int:
        return (self._seen.entries if self._seen else 0) + self._added

    async def too_high(self, count: int) -> Unavailable | None:
        """
        Say why so many more cannot be taken; count them, if they can.

        Raises Unavailable when that cannot be known.
        """
        age = stopwatch() - self._seen_at
        is_high = 2 * (self.entries + count) > self._entries_max
        if age > (BACKLOG_S if is_high else BACKLOG_LOW_S):
            look = self.look()
            if age > 2 * BACKLOG_LOW_S and (down := await look):
                raise down
        if self.entries + count > self._entries_max:
            return Unavailable(
                "Too many events are waiting to be decided; try again.",
                retry_after_ms=RETRY_AFTER_MS,
            )
        if self._seen is not None and self._seen.oldest_ms > WAIT_MS_MAX:
            return Unavailable(
                "Events are waiting to be decided for too long; try again.",
                retry_after_ms=RETRY_AFTER_LONG_WAIT_MS,
            )
        self._added += count
        return None

    def look(self) -> "asyncio.Task[Unavailable | None]":
        """Begin to look, unless somebody has."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._see())
        return self._look

    async def _see(self) -> Unavailable | None:
        added = self._added
        try:
            self._seen = await self._lanes.backlog()
        except Unavailable as refusal:
            return refusal
        self._added -= added
        self._seen_at = stopwatch()
        return None


class Memory:
    """What the store knows of events, asked in a thread, once for all that came together."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._rulebooks: dict[TenantId, tuple[float, Compiled]] = {}
        self._asking: asyncio.Future[Known] | None = None

    async def about(self, events: Sequence[Event]) -> Known:
        """Return what is known; nothing, where the store cannot be asked or takes its time."""
        if self._asking is not None and not self._asking.done():
            return self._remembered()
        if not self._is_to_be_asked(events):
            return self._remembered()
        self._asking = asyncio.ensure_future(asyncio.to_thread(self._ask, events))
        try:
            return await asyncio.wait_for(asyncio.shield(self._asking), STORE_S_MAX)
        except TimeoutError:
            self._asking.add_done_callback(_look_away)
            log.warning("the store does not say which keys it knows")
        except Unavailable as refusal:
            log.warning("the store cannot be asked which keys it knows: %s", refusal)
        return self._remembered()

    def _is_to_be_asked(self, events: Sequence[Event]) -> bool:
        return any(event.key is not None or self._is_stale(event.tenant) for event in events)

    def _is_stale(self, tenant: TenantId) -> bool:
        known = self._rulebooks.get(tenant)
        return known is None or stopwatch() - known[0] > RULEBOOK_S

    def _remembered(self) -> Known:
        return Known({tenant: book for tenant, (_, book) in dict(self._rulebooks).items()}, {})

    def _ask(self, events: Sequence[Event]) -> Known:
        by_tenant: dict[TenantId, list[Address]] = {}
        for event in events:
            address = address_of(event)
            own = by_tenant.setdefault(event.tenant, [])
            if address is not None:
                own.append(address)
        if len(self._rulebooks) > RULEBOOKS_MAX:
            self._rulebooks.clear()
        receipts: dict[tuple[TenantId, Address], Remembered] = {}
        for tenant, addresses in by_tenant.items():
            if self._is_stale(tenant):
                self._rulebooks[tenant] = stopwatch(), self._queries.rulebook(tenant)
            found = self._queries.receipts(tenant, addresses) if addresses else {}
            receipts.update(((tenant, address), known) for address, known in found.items())
        return Known({tenant: self._rulebooks[tenant][1] for tenant in by_tenant}, receipts)


def _settled(event: Event, known: Known) -> Outcome | None:
    """Answer an event that need not wait: it was here before, or can never be decided."""
    address = address_of(event) if known.receipts else None
    remembered = known.receipts.get((event.tenant, address)) if address else None
    if remembered is not None and not is_expired(remembered.receipt, event):
        return replay(remembered, event, "store")
    if _has_wild_number(event.properties):
        return _refusal(event, known.rulebooks.get(event.tenant))
    return None


def _refusal(event: Event, rulebook: Compiled | None) -> Refusal | None:
    """Say what deciding would say of an event that holds a number which no rule may read."""
    if rulebook is None:
        return None
    try:
        decide(rulebook, State(), event)
    except Refusal as refusal:
        return refusal
    except LimitMet:
        return None
    return None


def _has_wild_number(properties: Mapping[str, Any]) -> bool:
    for value in properties.values():
        if type(value) is dict:
            if _has_wild_number(cast("dict[str, Any]", value)):
                return True
        elif type(value) in (int, float) and not -limits.NUMBER_MAX <= value <= limits.NUMBER_MAX:
            return True
    return False


def _is_known(event: Event, known: Known) -> bool:
    """Say whether a rule names the event; we give it the benefit of the doubt."""
    rulebook = known.rulebooks.get(event.tenant)
    return rulebook is None or CUSTOM + event.name in rulebook.matchers


def _look_away(asking: "asyncio.Future[Known]") -> None:
    """Nobody waits for that answer any more."""
    if not asking.cancelled():
        asking.exception()
