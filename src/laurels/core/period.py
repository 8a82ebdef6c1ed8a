"""
Periods of a streak by number, and ranges of them.

A day is so many local days after 1970-01-01, and a stretch of N days is its first day by N. A week
is so many weeks after the one that holds 1970-01-01. A month is twelve times its year and the
months of that year before it.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Final, TypeAlias

from laurels.core.event import Instant
from laurels.core.rulebook import Incident, PeriodUnit, Streak
from laurels.core.window import (
    DAY_MS,
    DAYS_TO_MONDAY,
    EPOCH_ORDINAL,
    HOUR_MS,
    Calendar,
    midnight,
)

Range: TypeAlias = tuple[int, int]
"""Periods from the first to the last."""
Ranges: TypeAlias = tuple[Range, ...]
"""In order, and no two touch or overlap."""
Incidents: TypeAlias = tuple[Incident, ...]

WEEK_DAYS: Final = 7
MONTHS: Final = 12
EPOCH_AFTER_MONDAY_DAYS: Final = 3
"""1970-01-01 was a Thursday."""
FIRST_DAY: Final = date.min.toordinal() - EPOCH_ORDINAL
LAST_DAY: Final = date.max.toordinal() - EPOCH_ORDINAL
TOUCHED_CACHED_MAX: Final = 1_024
_first: Final = itemgetter(0)


def period_of(streak: Streak, at: Instant, calendar: Calendar) -> int:
    """Return the number of the period that holds a moment."""
    return _period_of(streak.unit, streak.length, at, calendar)


def open_period(streak: Streak, at: Instant, calendar: Calendar) -> int:
    """Return the first period that is not judged yet: the current one, or in grace one before."""
    return period_of(streak, at - streak.grace_hours * HOUR_MS, calendar)


def begins_at(streak: Streak, period: int, calendar: Calendar) -> Instant:
    """
    Return when a period begins: at the local midnight of its first day.

    A number from when the streak was counted in other periods may lie outside of all calendars, and
    begins at the end of them.
    """
    day = min(max(_first_day(streak, period, calendar), FIRST_DAY), LAST_DAY)
    return midnight(date.fromordinal(day + EPOCH_ORDINAL), calendar.timezone)


def judged_at(streak: Streak, period: int, calendar: Calendar) -> Instant:
    """Return when the hours of grace are over in which a missed period can be made up for."""
    return begins_at(streak, period + 1, calendar) + streak.grace_hours * HOUR_MS


def touched_by(streak: Streak, incidents: Incidents, calendar: Calendar) -> Ranges:
    """Return the periods that incidents touch. What ends as a period begins does not touch it."""
    return _touched_by(streak.unit, streak.length, incidents, calendar)


def merge(ranges: Iterable[Range]) -> Ranges:
    """
    Put ranges in order, and those together that touch or overlap.

    >>> merge([(7, 9), (1, 2), (3, 4), (8, 8)])
    ((1, 4), (7, 9))
    """
    merged: list[Range] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return tuple(merged)


def range_of(ranges: Ranges, period: int) -> Range | None:
    """Return the range that holds a period, if one does."""
    at = bisect_right(ranges, period, key=_first)
    return ranges[at - 1] if at and ranges[at - 1][1] >= period else None


def holds(ranges: Ranges, period: int) -> bool:
    """
    Say whether a period is in one of the ranges.

    >>> [holds(((1, 2), (5, 5)), period) for period in (0, 1, 2, 3, 5, 6)]
    [False, True, True, False, True, False]
    """
    return range_of(ranges, period) is not None


def _period_of(unit: PeriodUnit, length: int, at: Instant, calendar: Calendar) -> int:
    day = at // DAY_MS if calendar.timezone == "UTC" else calendar.day(at)
    if unit == "day":
        return day // length
    if unit == "week":
        return (day + _week_shift(calendar)) // WEEK_DAYS
    first = date.fromordinal(day + EPOCH_ORDINAL)
    return MONTHS * first.year + first.month - 1


def _first_day(streak: Streak, period: int, calendar: Calendar) -> int:
    if streak.unit == "day":
        return period * streak.length
    if streak.unit == "week":
        return period * WEEK_DAYS - _week_shift(calendar)
    year, month = divmod(period, MONTHS)
    first = date(min(max(year, date.min.year), date.max.year), month + 1, 1)
    return first.toordinal() - EPOCH_ORDINAL


def _week_shift(calendar: Calendar) -> int:
    """Return how far 1970-01-01 is into its week."""
    return EPOCH_AFTER_MONDAY_DAYS + DAYS_TO_MONDAY[calendar.week_starts]


@lru_cache(maxsize=TOUCHED_CACHED_MAX)
def _touched_by(unit: PeriodUnit, length: int, incidents: Incidents, calendar: Calendar) -> Ranges:
    return merge(
        (
            _period_of(unit, length, incident.starts, calendar),
            _period_of(unit, length, max(incident.starts, incident.ends - 1), calendar),
        )
        for incident in incidents
    )
