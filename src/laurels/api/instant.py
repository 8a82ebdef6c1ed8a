"""Times as callers write them, RFC 3339, and as we keep them: milliseconds since 1970."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from laurels.core.event import Instant
from laurels.core.limits import INSTANT_MAX_MS, INSTANT_MIN_MS
from laurels.core.window import DAY_MS

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_NAIVE: Final = _EPOCH.replace(tzinfo=None)
_EPOCH_DAY: Final = _EPOCH.toordinal()
_SECONDS_REMEMBERED_MAX: Final = 1024
_is_instant: Final = re.compile(
    # datetime reads week dates and basic forms too, which RFC 3339 does not know.
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:\d\d)?",
    re.ASCII,
).fullmatch
_is_day: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch


def from_text(text: str) -> Instant:
    """
    Read an RFC 3339 time; seconds, fraction and offset may be left out, and none means UTC.

    Raises ValueError for anything else, and outside 1900 to 9998.

    >>> from_text("2026-04-10T10:30:00Z"), from_text("2026-04-10T12:30:00.5009+02:00")
    (1775817000000, 1775817000500)
    """
    if _is_instant(text) is None:
        raise ValueError("is no RFC 3339 time such as 2026-04-10T10:30:00Z")
    try:
        moment = datetime.fromisoformat(text if text[-1] != "z" else text[:-1] + "Z")
        since = moment - (_EPOCH if moment.tzinfo else _EPOCH_NAIVE)
    except (ValueError, OverflowError):
        raise ValueError("is a time that does not exist") from None
    at = since.days * DAY_MS + since.seconds * 1000 + since.microseconds // 1000
    if INSTANT_MIN_MS <= at <= INSTANT_MAX_MS:
        return at
    raise ValueError("lies outside the years 1900 to 9998")


def to_text(at: Instant) -> str:
    """
    Write a time in UTC, with milliseconds only when there are any.

    >>> to_text(1775817000000), to_text(1775817000500)
    ('2026-04-10T10:30:00Z', '2026-04-10T10:30:00.500Z')
    """
    second, rest = divmod(at, 1000)
    return f"{_second(second)}.{rest:03d}Z" if rest else _second(second) + "Z"


def to_text_if(at: Instant | None) -> str | None:
    return None if at is None else to_text(at)


def day_from_text(text: str) -> Instant:
    """
    Return the instant at which a day begins, in UTC. Raises ValueError.

    >>> day_from_text("1970-01-02")
    86400000
    """
    if _is_day(text) is None:
        raise ValueError("is no date such as 2026-04-10")
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is a date that does not exist") from None
    return (day.toordinal() - _EPOCH_DAY) * DAY_MS


@lru_cache(_SECONDS_REMEMBERED_MAX)
def _second(second: int) -> str:
    # Most times we write are now, so the same second is asked for again and again.
    return (_EPOCH_NAIVE + timedelta(seconds=second)).isoformat()
