"""How often somebody may do something: sliding logs of what was let through."""

from array import array
from bisect import bisect_right
from collections import OrderedDict
from typing import Final

from laurels.core.errors import RateLimited
from laurels.core.event import Instant
from laurels.core.limits import RATE_LOGS_MAX

WINDOW_MS: Final = 60_000
_EVICTION_LOOKS_MAX: Final = 64


class SlidingLog:
    """
    At most `limit` acceptances for each key in any stretch of `window_ms`.

    What is refused is not recorded, so hammering does not prolong the wait. At most `logs_max` keys
    are remembered: the idle ones go first, then those with room left; a full one is never forgotten
    before its time. Where all are full, a newcomer waits like the others.
    """

    def __init__(
        self, limit: int, *, window_ms: int = WINDOW_MS, logs_max: int = RATE_LOGS_MAX
    ) -> None:
        self._limit = limit
        self._window_ms = window_ms
        self._logs_max = logs_max
        # The least recently accepted key stands first. Eight bytes an acceptance.
        self._logs: OrderedDict[str, array[int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._logs)

    def wait_ms(self, key: str, at: Instant) -> int:
        """Return 0 and record it, or how long to wait: then, and no sooner, there is room."""
        log = self._logs.get(key)
        if log is None:
            if len(self._logs) >= self._logs_max and (wait := self._make_room(at)):
                return wait
            log = array("q")
        else:
            at = max(at, log[-1])  # A clock set back must not make the log unsorted.
            del log[: bisect_right(log, at - self._window_ms)]
            if len(log) >= self._limit:
                return log[-self._limit] + self._window_ms - at
            del self._logs[key]
        log.append(at)
        self._logs[key] = log
        return 0

    def _make_room(self, at: Instant) -> int:
        begun = at - self._window_ms
        oldest = next(iter(self._logs))
        if self._logs[oldest][-1] <= begun:
            del self._logs[oldest]
            return 0
        for key, _ in zip(self._logs, range(_EVICTION_LOOKS_MAX), strict=False):
            log = self._logs[key]
            if len(log) - bisect_right(log, begun) < self._limit:
                del self._logs[key]
                return 0
        return self._logs[oldest][-1] + self._window_ms - at


class Throttle:
    """A sliding log that refuses, or nothing at all where there is no limit."""

    def __init__(self, limit: int | None, refusal: type[RateLimited] = RateLimited) -> None:
        self._log = SlidingLog(limit) if limit else None
        self._refusal = refusal

    def admit(self, key: str, at: Instant) -> None:
        """Let this one through, or raise."""
        if self._log is not None and (wait := self._log.wait_ms(key, at)):
            raise self._refusal(wait)


def whole_seconds(wait_ms: int) -> int:
    """
    Round up, for `Retry-After`: coming back at that second must succeed.

    >>> whole_seconds(1), whole_seconds(12_000)
    (1, 12)
    """
    return -(-wait_ms // 1000)
