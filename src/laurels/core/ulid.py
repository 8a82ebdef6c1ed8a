"""
Event ids: ULIDs whose last four characters count, so that other names can be read from them.

An id is ten characters of time, twelve of chance, four of a counter that goes up by two; both the
fact's id and the message id follow from it and need no storage.
"""

from functools import lru_cache
from typing import Final

from laurels.core.event import EventId, Instant

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TIME_CHARS: Final = 10
EVENTS_PER_DRAW_MAX: Final = 32**4 // 2

_PAIRS: Final = [a + b for a in ALPHABET for b in ALPHABET]
_VALUES: Final = {pair: value for value, pair in enumerate(_PAIRS)}
_NEXT: Final = dict(zip(ALPHABET[::2], ALPHABET[1::2], strict=True))


def time_part(at: Instant) -> str:
    """Return the ten characters that a ULID made at `at` begins with."""
    return "".join(ALPHABET[at >> shift & 31] for shift in range(45, -5, -5))


def chance_part(bits: int) -> str:
    """Return the twelve characters that stand for 60 bits of chance."""
    return "".join(_PAIRS[bits >> shift & 1023] for shift in range(50, -10, -10))


def event_id(time: str, chance: str, sequence: int) -> EventId:
    """Return the id of the event number `sequence` of one draw of time and chance."""
    low = 2 * sequence
    return time + chance + _PAIRS[low >> 10] + _PAIRS[low & 1023]


def fact_id(event: EventId) -> str:
    """
    Return the id of the fact that an event became: the next ULID, which no event ever takes.

    >>> fact_id("01HQK7N5ABCDEFGHJKMNPQ0000")
    '01HQK7N5ABCDEFGHJKMNPQ0001'
    """
    return event[:-1] + _NEXT[event[-1]]


def message_id(event: EventId) -> str:
    """
    Return `<ms of acceptance>-<sequence>`, as a stream would have named the event.

    >>> message_id("01HQK7N5ABCDEFGHJKMNPQ0004")
    '1708968809803-2'
    """
    sequence = (_VALUES[event[-4:-2]] << 10 | _VALUES[event[-2:]]) >> 1
    return f"{_time_of(event[:TIME_CHARS])}-{sequence}"


@lru_cache(maxsize=1024)
def _time_of(part: str) -> Instant:
    """Read the time back. Ids of one moment are asked about together, so few are remembered."""
    time_ms = 0
    for position in range(0, TIME_CHARS, 2):
        time_ms = time_ms << 10 | _VALUES[part[position : position + 2]]
    return time_ms
