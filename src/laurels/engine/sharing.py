"""What processes share beside the store, as ports, and as it is where there is one process."""

from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeAlias

from laurels.core.command import Command
from laurels.core.event import Instant, ParticipantId
from laurels.core.limits import RATE_LOGS_MAX
from laurels.engine.ports import Notifier, Receipt, Record, Submitter

WINDOW_MS: Final = 60_000
_EVICTION_LOOKS_MAX: Final = 64


class RateLog(Protocol):
    """What was let through lately, by key: never more than a limit in any window."""

    def wait_ms(self, key: str, at: Instant) -> Awaitable[int]:
        """
        Return 0 and record it, or how long to wait: then, and no sooner, there is room.

        A log that others share goes by a clock that they share as well, and not by `at`.
        """
        ...

    def waits_ms(self, keys: Sequence[str], at: Instant) -> Awaitable[list[int]]:
        """Do so for each, in this order."""
        ...


RateLogs: TypeAlias = Callable[[str, int], RateLog]
"""Makes the log for what is limited, by a name that all processes know it by, and its limit."""


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


class OwnRateLog(RateLog):
    """A process's own log: exact where no other process takes part."""

    def __init__(self, limit: int) -> None:
        self._log = SlidingLog(limit)

    async def wait_ms(self, key: str, at: Instant) -> int:
        return self._log.wait_ms(key, at)

    async def waits_ms(self, keys: Sequence[str], at: Instant) -> list[int]:
        return [self._log.wait_ms(key, at) for key in keys]


def own_rate_logs(name: str, limit: int) -> RateLog:  # noqa: ARG001 - nobody else has to know it
    """Make a log that is shared with nobody."""
    return OwnRateLog(limit)


class Notifiers(Notifier):
    """Some notifiers, as one."""

    def __init__(self, *notifiers: Notifier) -> None:
        self._notifiers = notifiers

    def moved(self, records: Sequence[Record]) -> None:
        for notifier in self._notifiers:
            notifier.moved(records)


class SeveralWriters(Submitter):
    """
    Recalls nothing of those who may begin anew, which another process may just have let them do.

    For wherever more than one process writes: their receipts are the store's alone to give again.
    """

    def __init__(
        self, submitter: Submitter, may_begin_anew: Callable[[ParticipantId], bool]
    ) -> None:
        self.submit = submitter.submit
        self._recall = submitter.recall
        self._may_begin_anew = may_begin_anew

    async def recall(self, command: Command) -> Receipt | None:
        if self._may_begin_anew(command.participant):
            return None
        return await self._recall(command)
