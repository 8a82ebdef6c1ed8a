"""The name of the day, week or month that holds a moment: two moments share a window by it."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal, Protocol
from zoneinfo import ZoneInfo, available_timezones

from msgspec import Struct

from laurels.core.event import Instant
from laurels.core.rulebook import Window

DAY_MS: Final = 24 * 60 * 60 * 1000
HOUR_MS: Final = 60 * 60 * 1000
MINUTE_MS: Final = 60 * 1000
MILLISECOND: Final = timedelta(milliseconds=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_ORDINAL: Final = EPOCH.toordinal()
DECEMBER: Final = 12
NAMES_CACHED_MAX: Final = 4_096

DAYS_TO_MONDAY: Final = {"monday": 0, "sunday": 1, "saturday": 2}
"""How far the first day of a week is from the Monday in it."""


class Stretch(Protocol):
    """Something that begins and ends; either may be open."""

    @property
    def starts(self) -> Instant | None: ...
    @property
    def ends(self) -> Instant | None: ...


class Calendar(Struct, frozen=True):
    """Whose midnight begins a day, and which day begins a week."""

    timezone: str = "UTC"
    week_starts: Literal["monday", "sunday", "saturday"] = "monday"

    def day(self, at: Instant) -> int:
        """Return the number of the local day that holds `at`; 1970-01-01 is day 0."""
        offset_ms = _hour_offset_ms(self.timezone, at // HOUR_MS)
        if offset_ms is None:
            offset_ms = _offset_ms(self.timezone, at)
        return (at + offset_ms) // DAY_MS


def window_key(window: Window, at: Instant, calendar: Calendar) -> str | None:
    """
    Name the window that holds `at`, or return None outside a fixed one.

    The names of one recurring window sort as text in the order of time. A week is named as ISO
    8601 names the Monday in it, whichever day it starts on.

    >>> utc, new_york = Calendar(), Calendar("America/New_York", "sunday")
    >>> sunday = 1_716_091_200_000  # 2024-05-19T04:00Z, which is midnight in New York
    >>> window_key(Window("daily"), sunday - 1, utc), window_key(Window("daily"), sunday, utc)
    ('2024-05-19', '2024-05-19')
    >>> [window_key(Window("daily"), at, new_york) for at in (sunday - 1, sunday)]
    ['2024-05-18', '2024-05-19']
    >>> window_key(Window("weekly"), sunday, utc), window_key(Window("weekly"), sunday, new_york)
    ('2024-W20', '2024-W21')
    >>> window_key(Window("monthly"), sunday, utc), window_key(Window("lifetime"), sunday, utc)
    ('2024-05', '')
    >>> window_key(Window("yearly"), sunday, utc)
    '2024'
    >>> [window_key(Window("fixed", sunday, sunday + 1), at, utc) for at in (sunday, sunday + 1)]
    ['', None]

    A rolling window depends on when it began, which is not asked here.
    """
    kind = window.kind
    if kind == "lifetime":
        return ""
    if kind == "fixed":
        return "" if is_within(window, at) else None
    day = at // DAY_MS if calendar.timezone == "UTC" else calendar.day(at)
    if kind == "daily":
        return _day_name(day)
    if kind == "weekly":
        return _week_name(day + DAYS_TO_MONDAY[calendar.week_starts])
    return _day_name(day)[: 4 if kind == "yearly" else 7]


def is_within(stretch: "Stretch", at: Instant) -> bool:
    """Say whether a moment lies between the two ends of something, either of which may be open."""
    has_begun = stretch.starts is None or stretch.starts <= at
    return has_begun and (stretch.ends is None or at < stretch.ends)


def rolling_name(starts: Instant) -> str:
    """
    Name the rolling window that begins at a moment; names sort in the order of time.

    >>> rolling_name(0), rolling_name(1_715_774_400_001)
    ('1970-01-01T00:00:00.000Z', '2024-05-15T12:00:00.001Z')
    """
    moment = EPOCH + starts * MILLISECOND
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{starts % 1000:03}Z"


@lru_cache(maxsize=NAMES_CACHED_MAX)
def rolling_start(name: str) -> Instant:
    return instant(datetime.fromisoformat(name))


def rolling_window(
    names: Iterable[str], at: Instant, *, days: int, after: str | None
) -> str | None:
    """
    Name the rolling window that holds a moment: the latest that has begun and lasts, or a new one.

    `after` is the newest window that is not among the names any more: a moment before its end
    belongs nowhere.
    """
    if after is not None and at < rolling_start(after) + days * DAY_MS:
        return None
    latest = max((name for name in names if rolling_start(name) <= at), default=None)
    if latest is not None and at < rolling_start(latest) + days * DAY_MS:
        return latest
    return rolling_name(at)


def window_ends(window: Window, at: Instant, calendar: Calendar) -> Instant:
    """
    Return when the yearly or monthly window ends that holds `at`: the next one begins then.

    >>> window_ends(Window("monthly"), 0, Calendar()), window_ends(Window("yearly"), 0, Calendar())
    (2678400000, 31536000000)
    """
    day = date.fromordinal(calendar.day(at) + EPOCH_ORDINAL)
    if window.kind == "yearly" or day.month == DECEMBER:
        return midnight(date(day.year + 1, 1, 1), calendar.timezone)
    return midnight(date(day.year, day.month + 1, 1), calendar.timezone)


def days_later(at: Instant, days: int, calendar: Calendar) -> Instant:
    """
    Return the end of the day that is so many days after the day of `at`.

    >>> days_later(HOUR_MS, 1, Calendar()) == 2 * DAY_MS
    True
    """
    return _day_begins(calendar.day(at) + days + 1, calendar.timezone)


def midnight(day: date, timezone: str) -> Instant:
    """
    Return when a day begins in a zone, also where daylight saving skips its first hour.

    >>> midnight(date(2024, 5, 19), "America/New_York")
    1716091200000
    """
    return instant(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone)))


def instant(moment: datetime) -> Instant:
    """
    Return a moment in milliseconds; one that names no zone is in UTC.

    >>> instant(datetime(1970, 1, 2))
    86400000
    """
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // MILLISECOND


@lru_cache(maxsize=1)
def timezones() -> frozenset[str]:
    """Return the names of all zones, as `Europe/Berlin`; the machine's own zone is none."""
    return frozenset(available_timezones()) - {"localtime"}


@lru_cache(maxsize=NAMES_CACHED_MAX)
def _day_begins(day: int, timezone: str) -> Instant:
    return midnight(date.fromordinal(day + EPOCH_ORDINAL), timezone)


@lru_cache(maxsize=NAMES_CACHED_MAX)
def _day_name(day: int) -> str:
    return date.fromordinal(day + EPOCH_ORDINAL).isoformat()


@lru_cache(maxsize=NAMES_CACHED_MAX)
def _week_name(day: int) -> str:
    year, week, _ = date.fromordinal(day + EPOCH_ORDINAL).isocalendar()
    return f"{year}-W{week:02}"


@lru_cache(maxsize=NAMES_CACHED_MAX)
def _hour_offset_ms(timezone: str, hour: int) -> int | None:
    """Return what the zone's clocks are ahead of UTC all through one hour, or None if it varies."""
    first, last = (
        _offset_ms(timezone, at) for at in (hour * HOUR_MS, hour * HOUR_MS + HOUR_MS - 1)
    )
    return first if first == last else None


def _offset_ms(timezone: str, at: Instant) -> int:
    offset = (EPOCH + at * MILLISECOND).astimezone(ZoneInfo(timezone)).utcoffset()
    assert offset is not None
    return offset // MILLISECOND
