"""How often somebody may do something."""

from collections.abc import Sequence

from laurels.core.errors import RateLimited
from laurels.core.event import Instant
from laurels.engine.sharing import RateLogs


class Throttle:
    """A log of what was let through that refuses, or nothing at all where there is no limit."""

    def __init__(
        self,
        logs: RateLogs,
        name: str,
        limit: int | None,
        refusal: type[RateLimited] = RateLimited,
    ) -> None:
        self._log = logs(name, limit) if limit else None
        self._refusal = refusal

    async def admit(self, key: str, at: Instant) -> None:
        """Let this one through, or raise."""
        if self._log is not None and (wait := await self._log.wait_ms(key, at)):
            raise self._refusal(wait)

    async def surplus(self, keys: Sequence[str], at: Instant) -> list[RateLimited | None]:
        """Let through those for whom there is room, in this order; return what refuses each."""
        if self._log is None:
            return [None] * len(keys)
        waits = await self._log.waits_ms(keys, at)
        return [self._refusal(wait) if wait else None for wait in waits]


def whole_seconds(wait_ms: int) -> int:
    """
    Round up, for `Retry-After`: coming back at that second must succeed.

    >>> whole_seconds(1), whole_seconds(12_000)
    (1, 12)
    """
    return -(-wait_ms // 1000)
