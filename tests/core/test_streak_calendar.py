"""
Streaks and the calendar: weeks, months and stretches of days, summer time, and moves between zones.

`tests/streak_story.py` says how the stories are to be read.
"""

import pytest
from tests.streak_story import Story, streak, told

WEEKLY = streak("week")
SUNDAYS = streak("week", "week_starts: sunday")
SATURDAYS = streak("week", "week_starts: saturday")


@pytest.mark.parametrize(
    ("rulebook", "story", "outcome"),
    [
        (WEEKLY, "mon; wed; sun", "1"),
        (WEEKLY, "sun 23:59; mon 00:00", "1; 2"),
        (WEEKLY, "mon; see 2024-05-26 23:59; see 2024-05-27 00:00", "1; lost 1"),
        (SUNDAYS, "sat 23:59; sun 00:00", "1; 2"),
        (SUNDAYS, "sun; mon; sat", "1"),
        (SATURDAYS, "fri 23:59; sat 00:00", "1; 2"),
        (SATURDAYS, "sat; sun; mon; fri", "1"),
        # Late visits count in the week that they belong to, to the minute.
        (WEEKLY, "mon; 2024-05-27; late 2024-05-26 23:59", "1; lost 1; 1; 3"),
        (WEEKLY, "mon; 2024-05-27; late 2024-05-19 23:59", "1; lost 1; 1"),
        (SUNDAYS, "mon; 2024-05-27; late 2024-05-25 23:59", "1; lost 1; 1; 3"),
        (SUNDAYS, "mon; 2024-05-27; late 2024-05-26", "1; lost 1; 1"),
        (SATURDAYS, "mon; 2024-05-27; late 2024-05-24 23:59", "1; lost 1; 1; 3"),
        (SATURDAYS, "mon; 2024-05-27; late 2024-05-25", "1; lost 1; 1"),
        # Weeks do not care for the new year: 2024-W52, 2025-W01, and 2026 with a week 53.
        (WEEKLY, "2024-12-29; 2024-12-30; 2025-01-05; 2025-01-06", "1; 2; 3"),
        (WEEKLY, "2026-12-31; 2027-01-03; 2027-01-04", "1; 2"),
        (WEEKLY, "2026-12-27; 2027-01-04; late 2027-01-01", "1; lost 1; 1; 3"),
        (SUNDAYS, "2024-12-28; 2024-12-29; 2025-01-04; 2025-01-05", "1; 2; 3"),
        # The first week of all, and the one before.
        (WEEKLY, "1969-12-28; 1969-12-29; 1970-01-01; 1970-01-05", "1; 2; 3"),
        # At risk in the last quarter: 42 hours.
        (WEEKLY, "mon; see 2024-05-25 05:59; look", "1; 1 of 1, freezes 0"),
        (WEEKLY, "mon; see 2024-05-25 06:00; look", "1; 1 of 1, freezes 0, at risk"),
    ],
)
def test_weeks(rulebook, story, outcome):
    assert told(rulebook, story) == outcome


MONTHLY = streak("month")


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        ("2024-01-31 23:59; 2024-02-01 00:00; 2024-02-29; 2024-03-01", "1; 2; 3"),
        ("2023-12-31; 2024-01-01; 2024-12-31; 2025-01-01", "1; 2; lost 2; 1; 2"),
        ("2024-01-15; see 2024-02-29 23:59; see 2024-03-01 00:00", "1; lost 1"),
        ("2023-01-15; see 2023-02-28 23:59; see 2023-03-01 00:00", "1; lost 1"),
        ("2024-01-10; 2024-03-01; late 2024-02-29 23:59", "1; lost 1; 1; 3"),
        ("2024-11-10; 2025-01-01; late 2024-12-31", "1; lost 1; 1; 3"),
        ("2024-01-10; see 2024-02-22 17:59; look", "1; 1 of 1, freezes 0"),
        ("2024-01-10; see 2024-02-22 18:00; look", "1; 1 of 1, freezes 0, at risk"),
    ],
)
def test_months(story, outcome):
    assert told(MONTHLY, story) == outcome


THREE_DAYS = streak("{days: 3}")


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        # Three days end on 2024-05-13, the next are the 14th to the 16th.
        ("mon; tue; wed; thu; fri", "1; 2; 3"),
        ("mon; see thu 23:59; see fri 00:00", "1; lost 1"),
        ("mon; fri; late thu 23:59", "1; lost 1; 1; 3"),
        ("mon; see thu 05:59; look", "1; 1 of 1, freezes 0"),
        ("mon; see thu 06:00; look", "1; 1 of 1, freezes 0, at risk"),
        ("1969-12-31; 1970-01-01; 1970-01-03; 1970-01-04", "1; 2; 3"),
        # Leap days count like any other.
        ("2024-02-28; 2024-02-29; 2024-03-02; 2024-03-03", "1; 2; 3"),
    ],
)
def test_stretches_of_days(story, outcome):
    assert told(THREE_DAYS, story) == outcome


@pytest.mark.parametrize(
    ("rulebook", "story", "outcome"),
    [
        (streak("week", grace_hours=24), "mon; 2024-05-27 23:59", "1; 2"),
        (streak("week", grace_hours=24), "mon; 2024-05-28 00:00", "1; lost 1; 1"),
        (streak("week", grace_hours=24), "mon; 2024-05-28; late 2024-05-27", "1; lost 1; 1; 3"),
        (streak("month", grace_hours=48), "2024-01-10; 2024-03-02 23:59", "1; 2"),
        (streak("month", grace_hours=48), "2024-01-10; see 2024-03-03 00:00", "1; lost 1"),
        (streak("{days: 3}", grace_hours=12), "mon; fri 11:59; sun", "1; 2; 3"),
        (
            streak("week", freezes="{cap: 1, earn_every: 2}"),
            "sun; mon; 2024-06-03",
            "1; 2; frozen 2024-05-27; 3",
        ),
        (
            streak("month", freezes="{cap: 1, earn_every: 1}"),
            "2024-01-10; 2024-03-10",
            "1; frozen 2024-02-01; 2",
        ),
    ],
)
def test_longer_periods_have_grace_and_freezes_too(rulebook, story, outcome):
    assert told(rulebook, story) == outcome


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        ("2024-02-28; 2024-02-29; 2024-03-01", "1; 2; 3"),
        ("2024-02-28; 2024-03-01", "1; lost 1; 1"),
        ("2024-02-28; 2024-03-01; late 2024-02-29", "1; lost 1; 1; 3"),
        ("2023-02-28; 2023-03-01", "1; 2"),
        ("2100-02-28; 2100-03-01", "1; 2"),
        ("2023-12-31; 2024-01-01", "1; 2"),
        ("1969-12-31; 1970-01-01", "1; 2"),
    ],
)
def test_leap_days_and_new_years(story, outcome):
    assert told(streak(), story) == outcome


BERLIN = "timezone: Europe/Berlin"


@pytest.mark.parametrize(
    ("fields", "story", "outcome"),
    [
        # On 2024-03-31 the clocks skip the hour after two: that day has 23 hours.
        ({}, "2024-03-30 23:59; 2024-03-31 00:00; 2024-03-31 23:59; 2024-04-01 00:00", "1; 2; 3"),
        ({}, "2024-03-30; see 2024-03-31 23:59; see 2024-04-01 00:00", "1; lost 1"),
        ({}, "2024-03-30; 2024-04-01; late 2024-03-31 23:59", "1; lost 1; 1; 3"),
        ({}, "2024-03-30; 2024-04-01; late 2024-03-31 00:00", "1; lost 1; 1; 3"),
        ({}, "2024-03-30; see 2024-03-31 18:14; look", "1; 1 of 1, freezes 0"),
        ({}, "2024-03-30; see 2024-03-31 18:15; look", "1; 1 of 1, freezes 0, at risk"),
        # Three hours after midnight, clocks show four.
        ({"grace_hours": 3}, "2024-03-29; 2024-03-31 03:59", "1; 2"),
        ({"grace_hours": 3}, "2024-03-29; 2024-03-31 04:00", "1; lost 1; 1"),
        # On 2024-10-27 the hour after two comes twice: that day has 25 hours.
        ({}, "2024-10-26 23:59; 2024-10-27 00:00; 2024-10-27 23:59; 2024-10-28 00:00", "1; 2; 3"),
        ({}, "2024-10-26; see 2024-10-27 23:59; see 2024-10-28 00:00", "1; lost 1"),
        ({}, "2024-10-26; 2024-10-28; late 2024-10-27 23:59", "1; lost 1; 1; 3"),
        ({}, "2024-10-26; see 2024-10-27 17:44; look", "1; 1 of 1, freezes 0"),
        ({}, "2024-10-26; see 2024-10-27 17:45; look", "1; 1 of 1, freezes 0, at risk"),
        # Three hours after midnight it is two o'clock for the second time.
        ({"grace_hours": 3}, "2024-10-25; 2024-10-27 02:59", "1; 2"),
        ({"grace_hours": 3}, "2024-10-25; 2024-10-27 03:00", "1; lost 1; 1"),
        # A week and a month with a change in them.
        (
            {"every": "week"},
            "2024-03-25 00:00; see 2024-04-07 23:59; see 2024-04-08 00:00",
            "1; lost 1",
        ),
        ({"every": "month"}, "2024-09-30 23:59; 2024-10-01 00:00; 2024-10-31 23:59", "1; 2"),
    ],
)
def test_summer_time(fields, story, outcome):
    assert told(streak(house=BERLIN, **fields), story) == outcome


@pytest.mark.parametrize(
    ("zone", "story", "outcome"),
    [
        # The clocks went from midnight to one: the day began at one.
        ("Africa/Cairo", "2024-04-25 23:59; 2024-04-26 01:00; 2024-04-27 00:00", "1; 2; 3"),
        ("Africa/Cairo", "2024-04-24; see 2024-04-25 23:59; see 2024-04-26 01:00", "1; lost 1"),
        # They went from one past midnight back to the day before.
        ("America/St_Johns", "2006-10-27; 2006-10-28 23:30; 2006-10-29", "1; 2; 3"),
        (
            "America/St_Johns",
            "2006-10-27; see 2006-10-29 00:00; look",
            "1; lost 1; 0 of 1, freezes 0",
        ),
    ],
)
def test_days_without_a_midnight_or_with_two(zone, story, outcome):
    assert told(streak(house=f"timezone: {zone}"), story) == outcome


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        # Monday 22:00 in UTC is Tuesday 07:00 in Tokyo, and still was a Monday.
        ("mon 22:00; live in Asia/Tokyo; tue 08:00", "1; 2"),
        # Eastwards it is over sooner, and told when it was to be or when something happens.
        ("mon 22:00; live in Asia/Tokyo; see wed 00:00; look", "1; 0 of 1, freezes 0"),
        (
            "mon 22:00; live in Asia/Tokyo; see wed 00:00; look; see wed 09:00",
            "1; 0 of 1, freezes 0; lost 1",
        ),
        ("mon 22:00; live in Asia/Tokyo; wed 01:00", "1; lost 1; 1"),
        # Tuesday 01:00 in Tokyo is Monday 16:00 in UTC: what was placed on Tuesday stays there.
        ("live in Asia/Tokyo; tue 01:00; live in UTC; mon 17:00", "1; 2"),
        ("live in Asia/Tokyo; tue 01:00; live in UTC; tue", "1"),
        ("live in Asia/Tokyo; tue 01:00; live in UTC; see wed 23:59; see thu 00:00", "1; lost 1"),
        # Westwards a day lasts longer, and nothing is lost before it is over there.
        ("live in Asia/Tokyo; tue; live in America/Los_Angeles; see wed 23:59", "1"),
        ("live in Asia/Tokyo; tue; live in America/Los_Angeles; wed 23:59; thu", "1; 2; 3"),
        ("live in Asia/Tokyo; tue; live in America/Los_Angeles; see thu 00:00", "1; lost 1"),
        # Eastwards over the date line Tuesday has six hours left.
        (
            "live in Pacific/Honolulu; mon 20:00; live in Pacific/Auckland; tue 23:00; wed",
            "1; 2; 3",
        ),
        ("live in Pacific/Honolulu; mon 20:00; live in Pacific/Auckland; wed", "1; lost 1; 1"),
        # Late visits are placed by the zone of the moment at which they are told.
        ("mon; live in Asia/Tokyo; wed; late tue 01:00", "1; lost 1; 1; 3"),
        ("tue 23:00; live in Asia/Tokyo; thu; late wed 00:30", "1; lost 1; 1; 3"),
    ],
)
def test_moves_between_zones(story, outcome):
    assert told(streak(), story) == outcome


UNITS = ["day", "week", "month", "{days: 3}", "{days: 3650}"]


@pytest.mark.parametrize("before", UNITS)
@pytest.mark.parametrize("after", UNITS)
def test_a_streak_may_be_counted_in_other_periods_from_now_on(before, after):
    """Numbers stay what they were, and mean other days: whatever that comes to, it does come."""
    story = Story(streak(before, freezes="{cap: 1, earn_every: 2}", grace_hours=3))
    story.play("mon; 2024-06-20; late 2024-05-14")
    story.adopt(streak(after, freezes="{cap: 1, earn_every: 2}", grace_hours=3))
    story.play("look; 2024-06-21; use; pause 2024-06-22 2024-06-23; 2025-06-21; look")

    assert story.picture().longest >= 1
