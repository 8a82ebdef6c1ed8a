"""The only module that may ask for the time or make up an id."""

import secrets
import threading
import time
from typing import Final

from laurels.core import ulid
from laurels.core.event import EventId, Instant

stopwatch: Final = time.perf_counter
"""Seconds since some moment or other, for telling how long something took."""


class SystemClock:
    """
    The machine's clock, and ids that rise with it.

    All ids of one millisecond share one draw of chance and count up; when the clock is set back,
    ids go on from the latest moment they have seen.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: Instant = 0
        self._sequence = 0
        self._time = self._chance = ""

    def now(self) -> Instant:
        return time.time_ns() // 1_000_000

    def accept(self, count: int) -> tuple[Instant, list[EventId]]:
        with self._lock:
            now = self.now()
            if now > self._latest or self._sequence + count > ulid.EVENTS_PER_DRAW_MAX:
                self._latest = max(now, self._latest + 1)
                self._sequence = 0
                self._time = ulid.time_part(self._latest)
                self._chance = ulid.chance_part(secrets.randbits(60))
            first = self._sequence
            self._sequence += count
            ids = [
                ulid.event_id(self._time, self._chance, sequence)
                for sequence in range(first, first + count)
            ]
            return self._latest, ids
