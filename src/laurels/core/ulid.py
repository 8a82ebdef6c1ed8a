"""
Event ids: ULIDs whose last four characters count, so that other names can be read from them.

An id is ten characters of time, twelve of chance, four of a counter that goes up by two; both the
fact's id and the message id follow from it and need no storage.
"""

from typing import Final

from laurels.core.event import EventId, Instant

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TIME_CHARS: Final = 10
CHANCE_CHARS: Final = 12
EVENTS_PER_DRAW_MAX: Final = 32**4 // 2

_PAIRS: Final = [a + b for a in ALPHABET for b in ALPHABET]
_DIGITS: Final = {character: value for value, character in enumerate(ALPHABET)}
_NEXT: Final = dict(zip(ALPHABET[::2], ALPHABET[1::2], strict=True))


def time_part(at: Instant) -> str:
    """Return the ten characters that a ULID made at `at` begins with."""
    return "".join(ALPHABET[at >> shift & 31] for shift in range(45, -5, -5))


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
    '1708912743755-2'
    """
    time_ms = sequence = 0
    for character in event[:TIME_CHARS]:
        time_ms = time_ms * 32 + _DIGITS[character]
    for character in event[TIME_CHARS + CHANCE_CHARS :]:
        sequence = sequence * 32 + _DIGITS[character]
    return f"{time_ms}-{sequence // 2}"
