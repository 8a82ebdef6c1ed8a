"""Windows: which day, week or month holds a moment, and that their names sort like time."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from laurels.core.limits import INSTANT_MAX_MS, INSTANT_MIN_MS
from laurels.core.rulebook import Window
from laurels.core.window import (
    DAY_MS,
    Calendar,
    days_later,
    instant,
    midnight,
    rolling_name,
    rolling_start,
    rolling_window,
    timezones,
    window_ends,
    window_key,
)

ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Africa/Monrovia"]
instants = st.integers(INSTANT_MIN_MS, INSTANT_MAX_MS)
calendars = st.builds(
    Calendar, st.sampled_from(ZONES), st.sampled_from(["monday", "sunday", "saturday"])
)


def at(text):
    return instant(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("kind", "moment", "calendar", "key"),
    [
        ("daily", "2024-05-19T00:00:00Z", Calendar(), "2024-05-19"),
        ("daily", "2024-05-19T23:59:59.999Z", Calendar(), "2024-05-19"),
        ("daily", "2024-05-20T00:00:00Z", Calendar(), "2024-05-20"),
        ("daily", "1969-12-31T23:59:59.999Z", Calendar(), "1969-12-31"),
        ("monthly", "2024-02-29T12:00:00Z", Calendar(), "2024-02"),
        ("yearly", "2024-12-31T23:59:59.999Z", Calendar(), "2024"),
        ("yearly", "2024-12-31T23:59:59.999Z", Calendar("Europe/Berlin"), "2025"),
        ("lifetime", "2024-02-29T12:00:00Z", Calendar(), ""),
        # ISO weeks: the year is that of the Thursday.
        ("weekly", "2024-05-19T12:00:00Z", Calendar(), "2024-W20"),
        ("weekly", "2024-05-20T00:00:00Z", Calendar(), "2024-W21"),
        ("weekly", "2024-12-30T00:00:00Z", Calendar(), "2025-W01"),
        ("weekly", "2027-01-03T00:00:00Z", Calendar(), "2026-W53"),
        # A week that starts on another day has the name of the Monday in it.
        ("weekly", "2024-05-18T23:59:59Z", Calendar("UTC", "sunday"), "2024-W20"),
        ("weekly", "2024-05-19T00:00:00Z", Calendar("UTC", "sunday"), "2024-W21"),
        ("weekly", "2024-05-17T23:59:59Z", Calendar("UTC", "saturday"), "2024-W20"),
        ("weekly", "2024-05-18T00:00:00Z", Calendar("UTC", "saturday"), "2024-W21"),
        # Summer time: the day begins an hour earlier by UTC, and is 23 or 25 hours long.
        ("daily", "2024-03-30T22:59:59Z", Calendar("Europe/Berlin"), "2024-03-30"),
        ("daily", "2024-03-30T23:00:00Z", Calendar("Europe/Berlin"), "2024-03-31"),
        ("daily", "2024-03-31T21:59:59Z", Calendar("Europe/Berlin"), "2024-03-31"),
        ("daily", "2024-03-31T22:00:00Z", Calendar("Europe/Berlin"), "2024-04-01"),
        ("daily", "2024-10-26T22:00:00Z", Calendar("Europe/Berlin"), "2024-10-27"),
        ("daily", "2024-10-27T22:59:59Z", Calendar("Europe/Berlin"), "2024-10-27"),
        ("daily", "2024-10-27T23:00:00Z", Calendar("Europe/Berlin"), "2024-10-28"),
        ("monthly", "2024-03-31T22:00:00Z", Calendar("Europe/Berlin"), "2024-04"),
        # Clocks that changed one minute past midnight: 00:01 on Sunday was Saturday again.
        ("daily", "2006-10-29T02:30:30Z", Calendar("America/St_Johns"), "2006-10-29"),
        ("daily", "2006-10-29T02:31:00Z", Calendar("America/St_Johns"), "2006-10-28"),
        ("daily", "2006-10-29T03:30:00Z", Calendar("America/St_Johns"), "2006-10-29"),
        # An offset with odd seconds, before 1972.
        ("daily", "1960-01-01T00:44:29Z", Calendar("Africa/Monrovia"), "1959-12-31"),
        ("daily", "1960-01-01T00:44:30Z", Calendar("Africa/Monrovia"), "1960-01-01"),
    ],
)
def test_a_window_has_a_name(kind, moment, calendar, key):
    assert window_key(Window(kind), at(moment), calendar) == key


@pytest.mark.parametrize(
    ("starts", "ends", "inside"),
    [
        (None, None, True),
        (10, None, True),
        (11, None, False),
        (None, 11, True),
        (None, 10, False),
        (10, 11, True),
        (5, 10, False),
    ],
)
def test_a_fixed_window_holds_its_start_and_not_its_end(starts, ends, inside):
    assert window_key(Window("fixed", starts, ends), 10, Calendar()) == ("" if inside else None)


@given(instants, calendars)
@example(INSTANT_MIN_MS, Calendar("America/St_Johns"))
@example(INSTANT_MAX_MS, Calendar("Asia/Kathmandu", "saturday"))
def test_a_day_is_the_date_on_the_wall(moment, calendar):
    wall = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment)
    local = wall.astimezone(ZoneInfo(calendar.timezone)).date()
    assert window_key(Window("daily"), moment, calendar) == local.isoformat()
    assert window_key(Window("monthly"), moment, calendar) == f"{local:%Y-%m}"


@given(instants, instants, calendars, st.sampled_from(["daily", "weekly", "monthly"]))
def test_names_sort_like_the_days_they_hold(one, other, calendar, kind):
    def name(moment):
        return str(window_key(Window(kind), moment, calendar))

    earlier, later = sorted((one, other), key=calendar.day)
    assert name(earlier) <= name(later)


@given(st.dates(date(1900, 1, 8), date(9998, 12, 24)), calendars)
def test_a_week_is_seven_days_from_its_first(day, calendar):
    noon = midnight(day, "UTC") + 12 * 60 * 60 * 1000
    utc = Calendar("UTC", calendar.week_starts)
    names = [window_key(Window("weekly"), noon + n * 86_400_000, utc) for n in range(-6, 7)]
    first = names.index(names[6])
    assert names[first : first + 7] == [names[6]] * 7
    assert f"{day + timedelta(days=first - 6):%A}".lower() == calendar.week_starts


@pytest.mark.parametrize(
    ("day", "zone", "moment"),
    [
        (date(2024, 5, 19), "UTC", "2024-05-19T00:00:00Z"),
        (date(2024, 5, 19), "Asia/Tokyo", "2024-05-18T15:00:00Z"),
        # Midnight did not exist: clocks went from 23:59 to 01:00.
        (date(2024, 4, 26), "Africa/Cairo", "2024-04-25T22:00:00Z"),
    ],
)
def test_a_day_begins_at_its_first_moment(day, zone, moment):
    assert midnight(day, zone) == at(moment)
    keys = [window_key(Window("daily"), at(moment) - n, Calendar(zone)) for n in (0, 1)]
    assert keys == [day.isoformat(), (day - timedelta(days=1)).isoformat()]


@given(instants)
def test_a_rolling_window_is_named_by_its_beginning(moment):
    assert rolling_start(rolling_name(moment)) == moment


@given(st.lists(instants, min_size=2, max_size=2))
def test_names_of_rolling_windows_sort_like_time(moments):
    names = sorted(map(rolling_name, moments))
    assert [rolling_start(name) for name in names] == sorted(moments)


@pytest.mark.parametrize(
    ("moment", "after", "starts"),
    [
        ("2024-05-10T00:00Z", None, "2024-05-10T00:00Z"),
        ("2024-05-17T11:59Z", None, "2024-05-15T12:00Z"),
        ("2024-05-18T11:59Z", None, "2024-05-17T12:00Z"),
        ("2024-05-19T12:00Z", None, "2024-05-19T12:00Z"),
        ("2024-05-15T11:59Z", None, "2024-05-15T11:59Z"),
        # What lies before the end of one that was folded away belongs nowhere any more.
        ("2024-05-10T00:00Z", "2024-05-09T00:00Z", None),
        ("2024-05-11T00:00Z", "2024-05-09T00:00Z", "2024-05-11T00:00Z"),
    ],
)
def test_the_latest_rolling_window_that_lasts_is_taken(moment, after, starts):
    names = [rolling_name(at(text)) for text in ("2024-05-17T12:00Z", "2024-05-15T12:00Z")]
    folded = after and rolling_name(at(after))
    found = rolling_window(names, at(moment), days=2, after=folded)
    assert found == (starts and rolling_name(at(starts)))


@pytest.mark.parametrize(
    ("kind", "moment", "zone", "ends"),
    [
        ("monthly", "2024-02-10T00:00Z", "UTC", "2024-03-01T00:00Z"),
        ("monthly", "2024-12-31T23:59Z", "UTC", "2025-01-01T00:00Z"),
        ("monthly", "2024-03-31T21:59Z", "Europe/Berlin", "2024-03-31T22:00Z"),
        ("yearly", "2024-05-15T12:00Z", "America/New_York", "2025-01-01T05:00Z"),
    ],
)
def test_a_month_and_a_year_end_where_the_next_begins(kind, moment, zone, ends):
    assert window_ends(Window(kind), at(moment), Calendar(zone)) == at(ends)


@given(instants, st.integers(1, 30), calendars)
def test_so_many_days_later_the_day_is_over(moment, days, calendar):
    later = days_later(min(moment, INSTANT_MAX_MS - 40 * DAY_MS), days, calendar)
    first = calendar.day(min(moment, INSTANT_MAX_MS - 40 * DAY_MS))
    assert (calendar.day(later - 1), calendar.day(later)) == (first + days, first + days + 1)


def test_zones_are_known_by_name():
    timezones.cache_clear()  # Whoever asked before may have done so where nothing is traced.
    assert "Europe/Berlin" in timezones()
    assert "localtime" not in timezones()
