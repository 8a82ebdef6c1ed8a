"""The one reader of a tenant's journal, for all of its open streams."""

import asyncio
import logging
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Final

from laurels.core import limits
from laurels.core.errors import Unavailable
from laurels.core.event import ParticipantId, TenantId
from laurels.delivery.cursor import Cursor
from laurels.delivery.stream import Dialect, Since, Stream
from laurels.engine.answers import Feed, JournalEntry
from laurels.engine.ports import Clock, Queries

log: Final = logging.getLogger("laurels.delivery")

POLL_S: Final = 1.0
"""How long it takes at most to see what nobody woke us for."""
BREATH_S: Final = 0.02
"""How long a read is put off behind the last one, so that a busy journal is read in handfuls."""
CATCH_UP_S: Final = 0.1
"""How often it is looked whether those who are behind have taken in what they got."""


class Tail:
    """
    Follows one journal in passes, and all streams share each read, however many they are.

    What is new goes to all who listen; then those who are behind get a piece of what they missed.

    A stream joins between two passes, at the number that all others have been told of: so nothing
    falls between what it reads alone and what it reads with the others, and nothing comes twice.
    """

    def __init__(self, tenant: TenantId, queries: Queries, clock: Clock, dialect: Dialect) -> None:
        self.tenant = tenant
        self.number = -1
        """What everybody who listens has been told of; unknown before the first pass."""
        self._queries = queries
        self._clock = clock
        self._dialect = dialect
        self._arriving: dict[Stream, None] = {}
        self._behind: list[Stream] = []
        self._listening: dict[ParticipantId, list[Stream]] = {}
        self._count = 0
        self._woken = asyncio.Event()
        self._read_at = 0.0

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self.run())

    def stop(self) -> None:
        self._task.cancel()

    @property
    def is_idle(self) -> bool:
        """Say whether nobody is left."""
        return not self._count

    def expect(self) -> None:
        """Be there for one more, who joins and leaves, or leaves without having joined."""
        self._count += 1

    def join(self, stream: Stream) -> None:
        self._arriving[stream] = None
        self._woken.set()

    def leave(self, stream: Stream) -> None:
        """Forget a stream. One that is behind is passed over when its turn comes."""
        self._count -= 1
        self._arriving.pop(stream, None)
        participant = stream.subscriber.participant
        streams = self._listening.get(participant, [])
        if stream in streams:
            streams.remove(stream)
            if not streams:
                del self._listening[participant]

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                is_behind = await self.step()
            except Unavailable as refusal:
                log.warning("streams have to wait: %s", refusal)
                is_behind = False
            except Exception:
                log.exception("the streams of %s stumbled, and go on", self.tenant)
                is_behind = False
            if not is_behind:
                with suppress(TimeoutError):
                    async with asyncio.timeout(CATCH_UP_S if self._behind else POLL_S):
                        await self._woken.wait()
            now = asyncio.get_running_loop().time()
            await asyncio.sleep(max(0.0, self._read_at + BREATH_S - now))

    async def step(self) -> bool:
        """Make one pass; say whether the next one need not wait for anything."""
        self._woken.clear()
        self._read_at = asyncio.get_running_loop().time()
        arrived = tuple(self._arriving)  # Whoever comes during the read must wait for the next.
        feed = await self._read(self.number, list(self._listening))
        self._tell(feed.entries)
        self.number = feed.read_to
        if feed.read_to < feed.head:
            return True
        if arrived:
            oldest = await self._oldest_kept()
            for stream in arrived:
                if stream in self._arriving:
                    del self._arriving[stream]
                    self._admit(stream, oldest)
        return await self._catch_up()

    async def _read(
        self, after: int, participants: Collection[ParticipantId], upto: int | None = None
    ) -> Feed:
        return await asyncio.to_thread(
            self._queries.feed, self.tenant, after=after, upto=upto, participants=participants
        )

    async def _oldest_kept(self) -> int:
        since = self._clock.now() - limits.FEED_AGE_MS_MAX
        by_age = await asyncio.to_thread(self._queries.number_at, self.tenant, since)
        return max(by_age, self.number - limits.FEED_NUMBERS_MAX)

    def _tell(self, entries: Iterable[JournalEntry]) -> None:
        """Hand what is new to those who listen, to each in one piece."""
        pieces: dict[ParticipantId, list[bytes]] = {}
        for entry in entries:
            pieces.setdefault(entry.participant, []).extend(self._updates(entry))
        for participant, messages in pieces.items():
            if messages:
                piece = b"".join(messages)
                for stream in tuple(self._listening.get(participant, ())):
                    stream.hand(piece, len(messages))

    def _updates(self, entry: JournalEntry) -> list[bytes]:
        try:
            return self._dialect.updates(entry)
        except Exception:  # A bug of ours; it must not silence everybody.
            log.exception("journal entry %d of %s cannot be told", entry.number, self.tenant)
            return []

    def _admit(self, stream: Stream, oldest: int) -> None:
        now, since = Cursor(self.number), self._judged(stream.since, oldest)
        if isinstance(since, Cursor):
            stream.hand(self._dialect.greeting(since))
            stream.after = since.after
            self._behind.append(stream)
        else:
            reset = b"" if since is None else self._dialect.reset(since, now)
            stream.hand(self._dialect.greeting(now) + reset)
            self._listen(stream)

    def _judged(self, since: Since, oldest: int) -> Since:
        """Return where a stream can go on, or why it cannot."""
        if isinstance(since, Cursor) and since.number > self.number:
            return "unknown"
        if isinstance(since, Cursor) and since.after < oldest:
            return "too_old"
        return since

    def _listen(self, stream: Stream) -> None:
        if stream.is_open:
            self._listening.setdefault(stream.subscriber.participant, []).append(stream)
            stream.is_live = True

    async def _catch_up(self) -> bool:
        """Read one piece of what some have missed; say whether there is more to do right now."""
        # Who has not taken in the last piece does not get another one on top of it.
        ready = [stream for stream in self._behind if stream.is_clear]
        unread = [stream for stream in ready if stream.after < self.number]
        if unread:
            await self._read_piece(unread)
        for stream in ready:
            if stream.after == self.number:
                self._listen(stream)
        self._behind = [each for each in self._behind if each.is_open and not each.is_live]
        return any(stream.is_clear for stream in self._behind)

    async def _read_piece(self, streams: list[Stream]) -> None:
        after = min(stream.after for stream in streams)
        by_name: dict[ParticipantId, list[Stream]] = {}
        for stream in streams:
            if stream.after < after + limits.FEED_NUMBERS_READ_MAX:
                by_name.setdefault(stream.subscriber.participant, []).append(stream)
        feed = await self._read(after, by_name, self.number)
        for entry in feed.entries:
            messages = self._updates(entry)
            for stream in by_name[entry.participant]:
                _hand_missed(stream, entry.number, messages)
        for each in by_name.values():
            for stream in each:
                if stream.is_clear:
                    stream.after = max(stream.after, feed.read_to)


def _hand_missed(stream: Stream, number: int, messages: list[bytes]) -> None:
    """Hand the updates of an entry to one who is behind, unless they are known or too much now."""
    if number <= stream.after or not stream.is_clear:
        return
    since = stream.since
    if isinstance(since, Cursor) and number == since.number:
        messages = messages[since.position :]
    if messages:
        stream.hand(b"".join(messages), len(messages))
    stream.after = number
