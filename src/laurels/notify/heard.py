"""Which receipts are worth asking Redis for."""

import time
from array import array
from collections.abc import Callable
from typing import Final

from laurels.core.limits import RECEIPTS_HEARD_MAX

ANY_FOR_S: Final = 300
"""How long after having begun to listen everything is worth asking for: retries come soon."""
HEARD_BYTES: Final = 8
"""So much of a digest is told: two alike cost a question in vain."""


class HeardKeys:
    """
    Remembers what was told to be kept in Redis, the latest of it.

    A key that was never seen is what nearly every event has. It must not cost a round trip, so only
    those that somebody told of are asked for, and for a while after the beginning any. Told of on
    one thread, asked by another.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._half = RECEIPTS_HEARD_MAX // 2
        self._young: set[int] = set()
        self._old: set[int] = set()
        self.hear(None)

    def hear(self, digests: bytes | None) -> None:
        """Hear of beginnings of digests, laid side by side; None says that some were missed."""
        if digests is None:
            self._any_until = self._monotonic() + ANY_FOR_S
            return
        if len(self._young) >= self._half:
            self._old, self._young = self._young, set()
        self._young.update(_numbers(digests[: len(digests) // HEARD_BYTES * HEARD_BYTES]))

    def is_worth_asking(self, digest: bytes) -> bool:
        (number,) = _numbers(digest[:HEARD_BYTES])
        return number in self._young or number in self._old or self._monotonic() < self._any_until


def _numbers(digests: bytes) -> "array[int]":
    return array("Q", digests)
