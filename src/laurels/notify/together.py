"""What is asked of Redis by many at the same moment, and what they do without an answer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from laurels.core.errors import Unavailable
from laurels.engine.turns import Turns
from laurels.link import FAILURES

log: Final = logging.getLogger("laurels.notify")

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

ASKED_AT_ONCE_MAX: Final = 200
"""Redis does nothing else meanwhile: some tenths of a millisecond for so many."""
PAUSE_S: Final = 1.0
"""How long nobody is asked again who did not answer. Meanwhile everybody does without."""


class Together(Generic[Asked, Answer]):
    """
    Gathers questions of one turn of the event loop, and those that come during an answer.

    Where none comes in time, the answer is None to all who wait, and for a while to all who ask.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer]]],
        without: str,
        *,
        within_s: float,
    ) -> None:
        """`without` says in the log what happens where there is no answer."""
        self._ask = ask
        self._without = without
        self._within_s = within_s
        self._turns = Turns[Asked, Answer | None](self._answers, at_once_max=ASKED_AT_ONCE_MAX)
        self._away_until = 0.0
        self.is_away = False

    async def ask(self, questions: Sequence[Asked]) -> Sequence[Answer | None]:
        """Await one answer a question, in order."""
        if not self._is_resting:
            try:
                return await self._turns.join(questions)
            except Unavailable:  # Too many wait already.
                pass
        return [None] * len(questions)

    @property
    def _is_resting(self) -> bool:
        return self.is_away and asyncio.get_running_loop().time() < self._away_until

    async def _answers(self, questions: Sequence[Asked]) -> Sequence[Answer | None]:
        if self._is_resting:
            return [None] * len(questions)
        try:
            async with asyncio.timeout(self._within_s):
                answers = await self._ask(questions)
        except Exception as problem:
            if not isinstance(problem, FAILURES):  # A timeout is an OSError.
                log.exception("a bug of ours: Redis could not be asked")
            self._missed(problem)
            return [None] * len(questions)
        if self.is_away:
            self.is_away = False
            log.warning("Redis answers again")
        return answers

    def _missed(self, problem: Exception) -> None:
        self._away_until = asyncio.get_running_loop().time() + PAUSE_S
        if not self.is_away:
            self.is_away = True
            reason = str(problem) or type(problem).__name__
            log.warning("Redis does not answer (%s): %s", reason, self._without)
