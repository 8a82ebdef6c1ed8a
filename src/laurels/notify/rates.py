"""Rate limits that hold over all processes: logs in Redis, by Redis's clock."""

import asyncio
import math
from collections.abc import Sequence
from typing import Final

from laurels.calls import Script, ask, sound, together
from laurels.core.event import Instant
from laurels.core.limits import RATE_LOGS_MAX
from laurels.engine.recent import Recent
from laurels.engine.sharing import WINDOW_MS, RateLog, SlidingLog
from laurels.link import Link
from laurels.notify.place import rate_key, tag_of
from laurels.notify.together import Together

ANSWER_S_MAX: Final = 1.0
"""Past it a process goes by its own log: so not for a hiccup, which would let too many through."""
_RATE: Final = Script("laurels.notify", "rate")


class SharedRateLog(RateLog):
    """
    The log of one limit, for all processes.

    While Redis is away each process keeps a log of its own: then so many pass in each of them.
    A key that is known to be full is refused without asking: nothing leaves a log before its time.
    """

    def __init__(self, link: Link, name: str, limit: int, *, window_ms: int = WINDOW_MS) -> None:
        self._link = link
        self._name = name
        self._arguments = (limit, window_ms)
        self._own = SlidingLog(limit, window_ms=window_ms)
        self._full_until = Recent[str, float](RATE_LOGS_MAX)
        self._together = Together[str, int](
            self._ask,
            f"each process limits each {name} by itself",
            within_s=ANSWER_S_MAX,
        )

    @property
    def is_shared(self) -> bool:
        """Whether the limit held over all processes when it was last asked for."""
        return not self._together.is_away

    async def wait_ms(self, key: str, at: Instant) -> int:
        known = self._known_wait_ms(key)
        if known:
            return known
        (wait,) = await self._together.ask((key,))
        return self._judge(key, at, wait)

    async def waits_ms(self, keys: Sequence[str], at: Instant) -> list[int]:
        known = [self._known_wait_ms(key) for key in keys]
        asked = [key for key, wait in zip(keys, known, strict=True) if not wait]
        answers = iter(await self._together.ask(asked) if asked else ())
        return [
            wait or self._judge(key, at, next(answers))
            for key, wait in zip(keys, known, strict=True)
        ]

    def _known_wait_ms(self, key: str) -> int:
        full_until = self._full_until.get(key)
        if full_until is None:
            return 0
        return max(0, math.ceil((full_until - asyncio.get_running_loop().time()) * 1000))

    def _judge(self, key: str, at: Instant, wait: int | None) -> int:
        if wait is None:
            return self._own.wait_ms(key, at)
        if wait:
            self._full_until.put(key, asyncio.get_running_loop().time() + wait / 1000)
        return wait

    async def _ask(self, asked: Sequence[str]) -> list[int]:
        keys = [rate_key(self._name, key) for key in asked]
        groups = together(self._link, range(len(keys)), lambda position: tag_of(keys[position]))
        calls = [
            _RATE.call([keys[position] for position in group], self._arguments) for group in groups
        ]
        waits = [0] * len(keys)
        for group, answer in zip(groups, sound(await ask(self._link, calls)), strict=True):
            for position, wait in zip(group, answer, strict=True):
                waits[position] = wait
        return waits


class SharedRateLogs:
    """Makes the logs of all limits. Each log gathers its own questions."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._logs: list[SharedRateLog] = []

    def __call__(self, name: str, limit: int) -> SharedRateLog:
        log = SharedRateLog(self._link, name, limit)
        self._logs.append(log)
        return log

    @property
    def is_shared(self) -> bool:
        """Whether every limit held over all processes when it was last asked for."""
        return all(log.is_shared for log in self._logs)
