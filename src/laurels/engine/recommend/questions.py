"""The questions that are out: one a participant, whose answer all share who come meanwhile."""

import asyncio
import logging
from typing import Final

from laurels.core import limits
from laurels.engine.recommend.advice import Advice, Adviser, Question, heeded, origin
from laurels.engine.recommend.memory import Whose

log = logging.getLogger(__name__)

TURNS_MAX: Final = 2
"""Answers that are waited for: somebody else's, and if that is of no use, one of one's own."""


class Questions:
    """
    Made and used on one event loop. Whatever goes wrong is a line in the log, and no advice.

    Nobody's question is out twice, so that one participant cannot take an adviser from the others.
    A question stays out when those who asked hang up: who comes back finds it.
    """

    def __init__(self, adviser: Adviser) -> None:
        self._adviser = adviser
        self._out: dict[Whose, asyncio.Task[Advice | None]] = {}

    async def ask(self, whose: Whose, question: Question) -> Advice | None:
        """Return advice that names what the question does, and something at that."""
        for _ in range(TURNS_MAX):
            asking = self._out.get(whose) or self._begin(whose, question)
            if asking is None:
                return None
            # Unlike awaiting the task itself, this leaves it alone when we are called off.
            await asyncio.wait([asking])
            advice = None if asking.cancelled() else asking.result()
            if advice is None or question.names.issuperset(advice.challenges):
                return advice
        log.warning("the recommender's advice is on what was open before")
        return None

    def forget(self, whose: Whose) -> None:
        """Call off a question; those who wait for its answer go without."""
        asking = self._out.pop(whose, None)
        if asking is not None:
            log.warning("a question to the recommender is called off: its list is to be forgotten")
            asking.cancel()

    def _begin(self, whose: Whose, question: Question) -> asyncio.Task[Advice | None] | None:
        if len(self._out) >= limits.RECOMMENDATIONS_WAITING_MAX:
            log.warning("the recommender is not asked: %d questions are out", len(self._out))
            return None
        asking = asyncio.create_task(self._advice(question))
        self._out[whose] = asking
        # Runs before whoever waits goes on: they were there later.
        asking.add_done_callback(lambda done: self._end(whose, done))
        return asking

    def _end(self, whose: Whose, asking: asyncio.Task[Advice | None]) -> None:
        if self._out.get(whose) is asking:
            del self._out[whose]

    async def _advice(self, question: Question) -> Advice | None:
        try:
            advice = await self._adviser.advise(question)
        except Exception as failure:  # noqa: BLE001 - whatever it is, there is an answer without it
            log.error("the recommender failed: %s", origin(failure))  # noqa: TRY400 - see origin
            return None
        if advice is None:
            return None
        challenges = heeded(advice, question.names)
        if not challenges:
            log.warning("the recommender is of no use: it names nothing that is open")
            return None
        return Advice(challenges, advice.why)
