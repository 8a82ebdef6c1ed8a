"""Days, weeks and months of the model: which one holds a moment, and when it begins."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

NOON = 1_715_774_400_000
"""2024-05-15T12:00:00Z, a Wednesday: when every history begins."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = 60 * 60 * 1000
DAY = 24 * HOUR
TO_MONDAY = {"monday": 0, "sunday": 1, "saturday": 2}


def moment(text):
    """Read a moment of a rulebook; one that names no zone is in UTC, as all of ours are."""
    read = datetime.fromisoformat(text)
    return ms(read if read.tzinfo else read.replace(tzinfo=UTC))


def ms(when):
    return (when - EPOCH) // timedelta(milliseconds=1)


def local_date(at, zone):
    return (EPOCH + timedelta(milliseconds=at)).astimezone(ZoneInfo(zone)).date()


def day_number(at, zone):
    return (local_date(at, zone) - date(1970, 1, 1)).days


def midnight(day, zone):
    """Say when a day begins; the day is a date or its number."""
    if isinstance(day, int):
        day = date(1970, 1, 1) + timedelta(days=day)
    return ms(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)))


def window_name(kind, at, zone, week_starts):
    day = local_date(at, zone)
    if kind == "daily":
        return day.isoformat()
    if kind == "monthly":
        return day.isoformat()[:7]
    if kind == "yearly":
        return day.isoformat()[:4]
    if kind == "weekly":
        year, week, _ = monday_of(day, week_starts).isocalendar()
        return f"{year}-W{week:02}"
    return ""  # lifetime or all_time


def monday_of(day, week_starts):
    """Find the Monday that lies in the same week, whichever day that week begins with."""
    first = {"monday": 0, "sunday": 6, "saturday": 5}[week_starts]
    begin = day - timedelta(days=(day.weekday() - first) % 7)
    return begin + timedelta(days=TO_MONDAY[week_starts])


def number(value) -> Any:
    """Read a JSON number exactly, or say None for what is none; a truth value is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        return None
    return Fraction(str(value))
