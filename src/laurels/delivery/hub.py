"""All open streams of this process: who may open one, what wakes them, and when they end."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Final

from laurels.core import limits
from laurels.core.errors import RateLimited, Unavailable
from laurels.core.event import ParticipantId, TenantId
from laurels.delivery.cursor import Cursor
from laurels.delivery.stream import Dialect, Outlet, Since, Stream, Subscriber
from laurels.delivery.tail import Tail
from laurels.engine.ports import Clock, Queries, Record

log: Final = logging.getLogger("laurels.delivery")

TURNS_A_ROUND: Final = 60
TURN_MS: Final = 250
"""Signs of life come once a round; each turn a sixtieth of the streams gets theirs."""
ASK_S: Final = 1.0
"""How often it is asked which tenants are disabled."""
COME_BACK_MS: Final = 5_000


class Hub:
    """
    Keeps streams on its event loop. Only `moved` and `hear` may be called from any thread.

    Where no stream is open nothing is read, and to hear that somebody moved costs next to nothing.
    """

    def __init__(
        self,
        queries: Queries,
        clock: Clock,
        dialect: Dialect,
        is_disabled: Callable[[TenantId], bool],
    ) -> None:
        self._queries = queries
        self._is_disabled = is_disabled
        self._clock = clock
        self._dialect = dialect
        self._counts: dict[tuple[TenantId, ParticipantId], int] = {}
        self._tails: dict[TenantId, Tail] = {}
        self._turns: tuple[dict[Stream, None], ...] = tuple({} for _ in range(TURNS_A_ROUND))
        self._expiring: dict[int, set[Stream]] = {}
        self._turned = clock.now() // TURN_MS
        self._next_slot = 0
        self._woken: set[TenantId] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False
        self.count = 0

    def open(self, subscriber: Subscriber, since: Since) -> Stream:
        """
        Make room for a stream; it has to be begun, and left, by whoever asked.

        Raises RateLimited when the participant has too many, Unavailable when this process has.
        """
        who = subscriber.tenant, subscriber.participant
        if self._is_closed or self.count >= limits.STREAMS_MAX:
            raise Unavailable("No more streams can be opened now.", retry_after_ms=COME_BACK_MS)
        if self._counts.get(who, 0) >= limits.STREAMS_OF_PARTICIPANT_MAX:
            raise RateLimited(COME_BACK_MS)
        self._next_slot = (self._next_slot + 1) % TURNS_A_ROUND
        self._counts[who] = self._counts.get(who, 0) + 1
        self.count += 1
        stream = Stream(subscriber, since, self._next_slot)
        self._turns[stream.slot][stream] = None
        self._expiring.setdefault(subscriber.expires_at_s, set()).add(stream)
        self._tail_of(subscriber.tenant).expect()
        return stream

    def begin(self, stream: Stream, outlet: Outlet) -> None:
        """Let a stream speak, unless it has come to its end meanwhile."""
        stream.begin(outlet)
        if stream.is_open:
            self._tails[stream.subscriber.tenant].join(stream)

    def leave(self, stream: Stream) -> None:
        """Forget a stream whose reader is gone, begun or not. To be called once."""
        stream.is_open = False
        subscriber = stream.subscriber
        who = subscriber.tenant, subscriber.participant
        self.count -= 1
        self._counts[who] -= 1
        if not self._counts[who]:
            del self._counts[who]
        del self._turns[stream.slot][stream]
        expiring = self._expiring[subscriber.expires_at_s]
        expiring.remove(stream)
        if not expiring:
            del self._expiring[subscriber.expires_at_s]
        tail = self._tails[subscriber.tenant]
        tail.leave(stream)
        if tail.is_idle:
            tail.stop()
            del self._tails[subscriber.tenant]

    def end(self, is_ended: Callable[[Subscriber], bool]) -> None:
        """End every stream of whom this is true."""
        for turn in self._turns:
            for stream in tuple(turn):
                if is_ended(stream.subscriber):
                    stream.end()

    def close(self) -> None:
        """End all streams, and take no more: the server is about to stop."""
        self._is_closed = True
        self.end(lambda _: True)

    def moved(self, records: Sequence[Record]) -> None:
        """Hear that these were committed. It is a hint, and may come twice."""
        counts = self._counts
        if not counts or self._loop is None:
            return
        commands = [record.command for record in records]
        tenants = {one.tenant for one in commands if (one.tenant, one.participant) in counts}
        tenants -= self._woken
        if tenants:
            self._woken |= tenants
            try:
                self._loop.call_soon_threadsafe(self._wake, tenants)
            except RuntimeError:  # The loop has ended, and with it whoever listened.
                self._woken -= tenants

    def hear(self, tenants: Collection[TenantId] | None) -> None:
        """Hear that another process committed something of these; None says that it may be any."""
        if self._counts and self._loop is not None:
            with suppress(RuntimeError):  # The loop has ended, and with it whoever listened.
                self._loop.call_soon_threadsafe(self._look, tenants)

    async def run(self) -> None:
        """Give signs of life, and end what has expired or is disabled, until cancelled."""
        # Beside the turns: a store that hangs must not hold them up.
        asking = asyncio.create_task(self._ask())
        try:
            while True:
                try:
                    self.turn()
                except Exception:
                    log.exception("streams were not seen to, and will be in the next turn")
                await asyncio.sleep(TURN_MS / 1000)
        finally:
            asking.cancel()

    def turn(self) -> None:
        """See to all turns since the last one, by the clock."""
        now = self._clock.now()
        last, self._turned = self._turned, now // TURN_MS
        for turn in range(max(last + 1, self._turned - TURNS_A_ROUND + 1), self._turned + 1):
            for stream in tuple(self._turns[turn % TURNS_A_ROUND]):
                number = self._tails[stream.subscriber.tenant].number
                at = Cursor(number) if stream.is_live else None
                stream.hand(self._dialect.still_here(at))
        for second in [second for second in self._expiring if second * 1000 <= now]:
            for stream in tuple(self._expiring[second]):
                stream.end()

    async def end_disabled(self) -> None:
        """End the streams of tenants that were disabled meanwhile."""
        disabled = await asyncio.to_thread(self._disabled_among, tuple(self._tails))
        if disabled:
            self.end(lambda one: one.tenant in disabled)

    async def _ask(self) -> None:
        while True:
            try:
                await self.end_disabled()
            except Exception:
                log.exception("it is not known which tenants are disabled, and will be asked again")
            await asyncio.sleep(ASK_S)

    def _disabled_among(self, tenants: Collection[TenantId]) -> set[TenantId]:
        return {tenant for tenant in tenants if self._is_disabled(tenant)}

    def _tail_of(self, tenant: TenantId) -> Tail:
        if tenant not in self._tails:
            self._loop = asyncio.get_running_loop()
            tail = self._tails[tenant] = Tail(tenant, self._queries, self._clock, self._dialect)
            tail.start()
        return self._tails[tenant]

    def _look(self, tenants: Collection[TenantId] | None) -> None:
        for tenant in tuple(self._tails) if tenants is None else tenants:
            if tenant in self._tails:
                self._tails[tenant].wake()

    def _wake(self, tenants: set[TenantId]) -> None:
        self._woken -= tenants
        for tenant in tenants & self._tails.keys():
            self._tails[tenant].wake()
