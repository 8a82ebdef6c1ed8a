"""Answers what to try next, remembers the answer, and looks again when something was claimed."""

import asyncio
import logging
from typing import Final, NamedTuple

from msgspec import Struct

from laurels.core import limits
from laurels.core.command import Recommend
from laurels.core.errors import Refusal
from laurels.core.event import Instant, ParticipantId, TenantId
from laurels.engine import reading
from laurels.engine.answers import HistoryEntry, Met
from laurels.engine.pictures import ChallengePicture
from laurels.engine.ports import Clock, Queries, Submitter
from laurels.engine.recommend.advice import Adviser, Question, question_of
from laurels.engine.recommend.habits import Habits
from laurels.engine.recommend.memory import Kept, Learned, Lists, Whose
from laurels.engine.recommend.questions import Questions
from laurels.engine.recommend.ranking import NOTHING_OPEN, ranked, reason
from laurels.engine.recommend.signs import Sign, open_challenges, signs_of

log = logging.getLogger(__name__)


class Recommendation(Struct, frozen=True):
    """Challenges to try, best first, and why the first."""

    challenges: tuple[str, ...]
    why: str
    cached: bool = False
    fallback: bool = False
    """Whether an adviser was asked in vain, so that this is our own ranking."""


NOTHING: Final = Recommendation((), NOTHING_OPEN)


class _Found(NamedTuple):
    """A participant at a moment, with what is open to them."""

    met: Met
    pictures: list[ChallengePicture]
    at: Instant

    @property
    def names(self) -> set[str]:
        return {picture.challenge.id for picture in self.pictures}


class Recommender:
    """
    Made and used on one event loop.

    Without an adviser the ranking is our own; with one, ours is what the adviser is shown, and what
    is answered when no good advice comes.
    """

    def __init__(
        self,
        submitter: Submitter,
        queries: Queries,
        clock: Clock,
        adviser: Adviser | None = None,
    ) -> None:
        self._submitter = submitter
        self._queries = queries
        self._clock = clock
        self._questions = None if adviser is None else Questions(adviser)
        self._learned = Learned(queries)
        self._lists = Lists()
        self._claimed: dict[Whose, None] = {}
        self._refreshing: asyncio.Task[None] | None = None

    async def recommend(self, tenant: TenantId, participant: ParticipantId) -> Recommendation:
        """Return the list of the last hour while all of it is open, else a new one."""
        whose = tenant, participant
        found = await asyncio.to_thread(self._find, whose)
        if not found.pictures:
            return NOTHING
        kept = self._lists.get(whose, found.at)
        if kept is not None and found.names.issuperset(kept.challenges):
            return Recommendation(kept.challenges, kept.why, cached=True)
        return await self._renew(whose, found)

    def claimed(self, tenant: TenantId, participant: ParticipantId) -> None:
        """
        Look again, in the background, at the list of somebody who has claimed something.

        Returns at once. When too many wait, the list is forgotten, and made anew when asked for.
        """
        whose = tenant, participant
        if self._lists.get(whose, self._clock.now()) is None:
            return
        if len(self._claimed) >= limits.RECOMMENDATIONS_WAITING_MAX:
            self._lists.forget(whose)
            return
        self._claimed[whose] = None
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh_all())

    def forget(self, tenant: TenantId, participant: ParticipantId) -> None:
        """Drop somebody's list; the next one is made anew."""
        whose = tenant, participant
        self._lists.forget(whose)
        if self._questions is not None:
            self._questions.forget(whose)

    async def _refresh_all(self) -> None:
        while self._claimed:
            whose = next(iter(self._claimed))
            del self._claimed[whose]
            try:
                await self._refresh(whose)
            except Refusal as refusal:
                log.warning("a list of recommendations could not be renewed: %s", refusal)
                self._lists.forget(whose)
            except Exception:
                log.exception("a list of recommendations could not be renewed")
                self._lists.forget(whose)

    async def _refresh(self, whose: Whose) -> None:
        """Renew a list, and tell of it when it names other challenges than before."""
        found = await asyncio.to_thread(self._find, whose)
        before = self._lists.get(whose, found.at)
        if before is None:
            return
        self._lists.forget(whose)
        made = await self._renew(whose, found) if found.pictures else NOTHING
        # What fell back is not kept, so that it would tell of a list that is there for nobody.
        if not made.fallback and made.challenges != before.challenges:
            await self._tell(whose, made)

    async def _tell(self, whose: Whose, made: Recommendation) -> None:
        received_at, (command_id,) = self._clock.accept(1)
        (outcome,) = await self._submitter.submit(
            [
                Recommend(
                    tenant=whose[0],
                    id=command_id,
                    participant=whose[1],
                    received_at=received_at,
                    challenges=made.challenges,
                    why=made.why,
                )
            ]
        )
        if isinstance(outcome, Refusal):
            raise outcome

    async def _renew(self, whose: Whose, found: _Found) -> Recommendation:
        """Make a list and keep it, unless it is only there because advice failed."""
        habits = await self._learned.of(whose[0], found.at)
        best, latest = await asyncio.to_thread(self._rank, whose, found, habits)
        own = Recommendation(
            tuple(sign.name for sign in best[: limits.RECOMMENDED_MAX]),
            reason(best[0], found.met.rulebook.challenges),
        )
        made = own
        if self._questions is not None:
            made = await _advised(self._questions, whose, question_of(best, latest), own)
        if not made.fallback:
            self._lists.put(whose, Kept(made.challenges, made.why, found.at))
        return made

    def _find(self, whose: Whose) -> _Found:
        now = self._clock.now()
        met = reading.read(self._queries, *whose, now)
        return _Found(met, open_challenges(met, now), now)

    def _rank(
        self, whose: Whose, found: _Found, habits: Habits
    ) -> tuple[list[Sign], list[HistoryEntry]]:
        latest = self._queries.latest_events(*whose, count=limits.LATEST_EVENTS_MAX)
        return ranked(signs_of(found.met, found.pictures, latest, habits)), latest


async def _advised(
    questions: Questions, whose: Whose, question: Question, own: Recommendation
) -> Recommendation:
    advice = await questions.ask(whose, question)
    if advice is None:
        return Recommendation(own.challenges, own.why, fallback=True)
    return Recommendation(advice.challenges, advice.why)
