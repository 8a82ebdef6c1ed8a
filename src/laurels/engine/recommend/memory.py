"""What the recommender remembers: the lists it gave out, and what it learned of each tenant."""

import asyncio
from collections import OrderedDict
from typing import NamedTuple, TypeAlias

from laurels.core import limits
from laurels.core.event import Instant, ParticipantId, TenantId
from laurels.engine.ports import Queries
from laurels.engine.recent import Recent
from laurels.engine.recommend.habits import Habits, habits_of

Whose: TypeAlias = tuple[TenantId, ParticipantId]


class Kept(NamedTuple):
    """A list that was given out, and when it was made."""

    challenges: tuple[str, ...]
    why: str
    made_at: Instant


class Lists:
    """One list a participant, for an hour. At the limit, what nobody asked for longest goes."""

    def __init__(self) -> None:
        self._lists: OrderedDict[Whose, Kept] = OrderedDict()

    def get(self, whose: Whose, now: Instant) -> Kept | None:
        kept = self._lists.get(whose)
        if kept is None:
            return None
        if now - kept.made_at >= limits.RECOMMENDATION_LIFETIME_MS:
            self.forget(whose)
            return None
        self._lists.move_to_end(whose)
        return kept

    def put(self, whose: Whose, kept: Kept) -> None:
        self._lists[whose] = kept
        self._lists.move_to_end(whose)
        if len(self._lists) > limits.RECOMMENDATIONS_CACHED_MAX:
            self._lists.popitem(last=False)

    def forget(self, whose: Whose) -> None:
        self._lists.pop(whose, None)


class Learned:
    """The habits of each tenant, learned anew when they are old. One is learned at a time."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._habits = Recent[TenantId, tuple[Instant, Habits]](limits.HABITS_CACHED_MAX)
        self._learning = asyncio.Lock()

    async def of(self, tenant: TenantId, now: Instant) -> Habits:
        async with self._learning:  # Whoever waits finds what the one before has learned.
            known = self._habits.get(tenant)
            if known is None or now - known[0] >= limits.HABITS_LIFETIME_MS:
                known = (now, await asyncio.to_thread(self._learn, tenant))
                self._habits.put(tenant, known)
        return known[1]

    def _learn(self, tenant: TenantId) -> Habits:
        rows, count = limits.HABIT_ROWS_MAX, limits.HABIT_COMPLETIONS_MAX
        return habits_of(self._queries.completions(tenant, rows=rows, count=count))
