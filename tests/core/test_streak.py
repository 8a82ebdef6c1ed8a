"""
Streaks of days: what is told of visits, hours of grace, freezes, pauses, incidents and milestones.

`tests/streak_story.py` says how the stories are to be read.
"""

import pytest
from tests.streak_story import Story, streak, told

DAILY = streak()


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        ("mon", "1"),
        ("mon; tue; wed", "1; 2; 3"),
        # Only the first visit of a day is told.
        ("mon 08:00; mon 09:00; mon 23:59; tue 00:00", "1; 2"),
        # A missed day ends the run, as soon as it is over and once.
        ("mon; tue; see wed 23:59", "1; 2"),
        ("mon; tue; see thu 00:00", "1; 2; lost 2"),
        ("mon; tue; see fri; see sun; see 2034-01-01", "1; 2; lost 2"),
        ("mon; tue; thu; fri", "1; 2; lost 2; 1; 2"),
        ("mon; wed; fri", "1; lost 1; 1; lost 1; 1"),
        # Late visits count where they belong, and join what they lie between.
        ("tue; late mon", "1; 2"),
        ("mon; wed; late tue", "1; lost 1; 1; 3"),
        ("mon; thu; late wed; late tue", "1; lost 1; 1; 2; 4"),
        ("wed; late mon; late tue; late tue", "1; 1; 3"),
        # A late visit brings a lost run back to life, or moves the day on which it was lost.
        ("mon; tue; see thu; late wed; thu", "1; 2; lost 2; 3; 4"),
        ("mon; tue; see sat; late wed; see sat 13:00", "1; 2; lost 2; 3; lost 3"),
        (
            "mon; tue; see sat; late wed; late thu; late fri; sat",
            "1; 2; lost 2; 3; lost 3; 4; lost 4; 5; 6",
        ),
        ("mon; tue; see sat; late fri; late thu; late wed; sat", "1; 2; lost 2; 1; 2; 5; 6"),
        # What is before the run, and does not reach it, is a run of its own.
        ("2024-05-20; 2024-05-21; late 2024-05-18", "1; 2; 1"),
        # Reported by hand, without any event.
        ("see wed; record tue; record mon; wed", "1; 2; 3"),
        # What happens later than now is believed: its time has come.
        (
            "mon; record 2024-05-14; record 2024-05-16; see thu; look",
            "1; 2; 1; 1 of 2, freezes 0, today",
        ),
    ],
)
def test_days_in_a_row(story, outcome):
    assert told(DAILY, story) == outcome


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        ("look", "0 of 0, freezes 0"),
        ("mon 00:00; look", "1; 1 of 1, freezes 0, today"),
        ("mon; mon 23:59; look", "1; 1 of 1, freezes 0, today"),
        # In the last quarter of a day without a visit the streak is at risk.
        ("mon; see tue 17:59; look", "1; 1 of 1, freezes 0"),
        ("mon; see tue 18:00; look", "1; 1 of 1, freezes 0, at risk"),
        ("mon; tue 18:00; look", "1; 2; 2 of 2, freezes 0, today"),
        ("mon; tue; see thu 18:00; look", "1; 2; lost 2; 0 of 2, freezes 0"),
        ("mon; tue; thu; look", "1; 2; lost 2; 1; 1 of 2, freezes 0, today"),
    ],
)
def test_a_streak_has_a_picture(story, outcome):
    assert told(DAILY, story) == outcome


GRACE = streak(grace_hours=3)


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        # After midnight there are three hours to make up for the day before.
        ("mon; wed 02:59", "1; 2"),
        ("mon; wed 03:00", "1; lost 1; 1"),
        ("mon; see wed 02:59; see wed 03:00", "1; lost 1"),
        # The new day needs a visit of its own then.
        ("mon; wed 01:00; wed", "1; 2; 3"),
        ("mon; wed 01:00; thu 01:00; fri 01:00; fri", "1; 2; 3; 4; 5"),
        ("mon; wed 01:00; see thu 03:00", "1; 2; lost 2"),
        ("mon; wed 01:00; wed 02:00; see thu 03:00", "1; 2; lost 2"),
        # Where nothing was missed, an early visit counts for its own day.
        ("mon; tue 01:00; tue", "1; 2"),
        ("mon; tue 01:00; wed 01:00; thu 01:00", "1; 2; 3; 4"),
        # Nor is there anything to make up for without a run.
        ("mon 01:00; tue", "1; 2"),
        ("mon; thu 01:00; fri", "1; lost 1; 1; 2"),
        ("wed 01:00; thu 01:00; look", "1; 2; 2 of 2, freezes 0, today"),
        # A late visit on the missed day gives the early one back to its own.
        ("mon; wed 01:00; late tue", "1; 2; 3"),
        ("mon; wed 01:00; thu 01:00; late tue; look", "1; 2; 3; 4; 4 of 4, freezes 0, today"),
        # An early visit that came late does what it would have done in time.
        ("mon; wed; late wed 01:00", "1; lost 1; 1; 3"),
        ("mon; thu; late wed 01:00; late wed", "1; lost 1; 1; 2; 4"),
        # Two late reports of one early visit are one.
        ("mon; wed 01:00; late wed 01:00", "1; 2"),
        ("mon; see wed 02:00; look", "1; 1 of 1, freezes 0, at risk, until wed 03:00"),
        ("mon; wed 02:00; look", "1; 2; 2 of 2, freezes 0"),
        ("mon; record 2024-05-15 02:00; see tue; look", "1; 2; 2 of 2, freezes 0, today"),
        ("mon; tue; wed 02:00; look", "1; 2; 3; 3 of 3, freezes 0, today"),
    ],
)
def test_hours_of_grace(story, outcome):
    assert told(GRACE, story) == outcome


AUTOMATIC = streak(freezes="{cap: 2, earn_every: 3}")


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        # Every third day of a run earns a freeze, and a missed day takes one.
        ("mon; tue; look", "1; 2; 2 of 2, freezes 0, today"),
        ("mon; tue; wed; look", "1; 2; 3; 3 of 3, freezes 1, today"),
        ("mon; tue; wed; see fri 00:00; fri", "1; 2; 3; frozen thu; 4"),
        ("mon; tue; wed; see fri; look", "1; 2; 3; frozen thu; 3 of 3, freezes 0"),
        ("mon; tue; wed; see sun", "1; 2; 3; frozen thu; lost 3"),
        # Days that were forgiven do not count.
        ("mon; tue; wed; fri; sat; look", "1; 2; 3; frozen thu; 4; 5; 5 of 5, freezes 0, today"),
        (
            "mon; tue; wed; fri; sat; sun; look",
            "1; 2; 3; frozen thu; 4; 5; 6; 6 of 6, freezes 1, today",
        ),
        # There are never more than the cap.
        (
            "mon; tue; wed; thu; fri; sat; sun; mon; tue; wed; look",
            "1; 2; 3; 4; 5; 6; 7; 8; 9; 10; 10 of 10, freezes 2, today",
        ),
        (
            "mon; tue; wed; thu; fri; sat; see wed",
            "1; 2; 3; 4; 5; 6; frozen sun; frozen mon; lost 6",
        ),
        # They survive the end of a run, unless they were spent in vain.
        ("grant 1; mon; see sun; look", "1; frozen tue; lost 1; 0 of 1, freezes 0"),
        (
            "mon; see thu; grant 1; thu; sat; look",
            "1; lost 1; 1; frozen fri; 2; 2 of 2, freezes 0, today",
        ),
        # A late visit gives a freeze back, and so it helps on another day.
        (
            "mon; tue; wed; fri; late thu; look",
            "1; 2; 3; frozen thu; 4; 5; 5 of 5, freezes 1, today",
        ),
        ("mon; tue; wed; fri; sun; late thu", "1; 2; 3; frozen thu; 4; lost 4; 1; 6"),
        # A late visit that earns a freeze brings back what was lost for want of one.
        ("tue; wed; fri; late mon", "1; 2; lost 2; 1; 4"),
        ("tue; wed; see fri; late mon; look", "1; 2; lost 2; 3; 3 of 3, freezes 0"),
    ],
)
def test_freezes_forgive_missed_days(story, outcome):
    assert told(AUTOMATIC, story) == outcome


SOLD = streak(grace_hours=3, freezes="{cap: 2, price: {points: 50}}")


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        ("buy", "WouldOverdraw"),
        ("shop 70; buy; look; buy", "points 50; 0 of 0, freezes 1; WouldOverdraw"),
        ("shop 100; buy 2; look; buy", "points 100; 0 of 0, freezes 2; FreezesFull"),
        ("shop 500; buy 3; grant 5; look; grant", "FreezesFull; 0 of 0, freezes 2; FreezesFull"),
        ("grant 1; shop 500; buy 2; buy", "FreezesFull; points 50"),
        ("grant 1; grant 1; mon; see sat", "1; frozen tue; frozen wed; lost 1"),
        ("grant 0; grant -1", "InvalidCommand; InvalidCommand"),
        # Within the hours of grace it is not too late to get one for the day before.
        ("mon; see wed 02:59; grant 1; see wed 03:00; wed", "1; frozen tue; 2"),
        ("mon; shop 50; see wed 02:59; buy; see wed 03:00", "1; points 50; frozen tue"),
        ("mon; see wed 03:00; grant 1; look", "1; lost 1; 0 of 1, freezes 1"),
        # A visit in the hours of grace saves it.
        (
            "mon; grant 1; see wed 01:00; look; wed 02:00; look",
            "1; 1 of 1, freezes 1, at risk, until wed 03:00; 2; 2 of 2, freezes 1",
        ),
        # One that is asked for is taken first where it is needed first.
        (
            "mon; grant 1; tue; use; see thu 04:00; look",
            "1; 2; NothingToFreeze; frozen wed; 2 of 2, freezes 0",
        ),
    ],
)
def test_freezes_are_granted_and_bought(story, outcome):
    assert told(SOLD, story) == outcome


ASKED = streak(grace_hours=3, freezes="{cap: 3, apply: asked}")


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        # Nobody asked: the freeze stays, the run does not.
        ("grant 1; mon; see wed; look", "1; lost 1; 0 of 1, freezes 1"),
        # Asked for today in advance, and for yesterday while it is in grace.
        ("grant 1; mon; see tue; use; wed", "1; frozen tue; 2"),
        ("grant 1; mon; see wed 02:00; use; wed", "1; frozen tue; 2"),
        (
            "grant 2; mon; see wed 02:00; use; use; use; see fri",
            "1; NothingToFreeze; frozen tue; frozen wed; lost 1",
        ),
        ("grant 2; mon; see tue; use; use; look", "1; NothingToFreeze; 1 of 1, freezes 2"),
        # What is promised to one day cannot be asked for another.
        ("grant 1; mon; see wed 02:00; use; use; wed", "1; NoFreezeLeft; frozen tue; 2"),
        ("mon; see tue; use", "1; NoFreezeLeft"),
        # Nothing is in danger: no run, one that is lost, or today's visit was made.
        ("grant 1; use", "NothingToFreeze"),
        ("grant 1; mon; use", "1; NothingToFreeze"),
        ("grant 1; mon; see thu; use", "1; lost 1; NothingToFreeze"),
        # Asked for, and then not needed: it stays.
        ("grant 1; mon; see tue; use; tue; wed; look", "1; 2; 3; 3 of 3, freezes 1, today"),
        ("grant 1; mon; see wed 01:00; use; wed 02:00; look", "1; 2; 2 of 2, freezes 1"),
    ],
)
def test_freezes_that_are_asked_for(story, outcome):
    assert told(ASKED, story) == outcome


@pytest.mark.parametrize(
    ("rulebook", "story", "outcome"),
    [
        (DAILY, "mon; use; buy; grant", "1; InvalidCommand; InvalidCommand; InvalidCommand"),
        (ASKED, "mon; buy", "1; InvalidCommand"),
    ],
)
def test_not_every_streak_has_freezes_or_sells_them(rulebook, story, outcome):
    assert told(rulebook, story) == outcome


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        ("mon; pause tue thu; fri", "1; 2"),
        ("mon; pause tue thu; see fri; look; see sat 00:00", "1; 1 of 1, freezes 0; lost 1"),
        # It can be planned ahead, and several that meet are one.
        ("mon; pause thu fri; tue; wed; sat", "1; 2; 3; 4"),
        (
            "mon; pause tue tue; pause thu fri; pause wed wed; see sat 18:00; look",
            "1; 1 of 1, freezes 0, at risk",
        ),
        # A visit in a pause counts.
        ("mon; pause tue thu; wed; fri", "1; 2; 3"),
        # Nothing is at risk in it.
        ("mon; pause tue wed; see tue 23:00; look", "1; 1 of 1, freezes 0"),
        # It begins today at the earliest, ends after it begins, and lasts a year at most.
        ("mon; see wed 08:00; pause 2024-05-14 2024-05-16", "1; lost 1; InvalidCommand"),
        ("mon; see tue; pause 2024-05-14 2024-05-15; thu", "1; 2"),
        ("mon; pause 2024-05-16 2024-05-15", "1; InvalidCommand"),
        ("mon; pause 2024-05-14 2025-05-16", "1; InvalidCommand"),
        ("mon; pause 2024-05-14 2025-05-15; 2025-05-16", "1; 2"),
    ],
)
def test_pauses(story, outcome):
    assert told(DAILY, story) == outcome


@pytest.mark.parametrize(
    ("story", "outcome"),
    [
        # The day before an early visit needed none, so the visit is its own day's.
        ("mon; pause tue thu; fri 01:00; sat; look", "1; 2; 3; 3 of 3, freezes 0, today"),
        # The day after a pause is missed like any other, and made up for like any other.
        ("mon; pause tue wed; fri 01:00; fri", "1; 2; 3"),
        (
            "mon; pause tue wed; grant 1; see fri 02:00; look",
            "1; 1 of 1, freezes 1, at risk, until fri 03:00",
        ),
        ("mon; pause tue wed; grant 1; see fri 03:00; fri", "1; frozen thu; 2"),
        # The day before a pause as well.
        ("mon; grant 1; see wed 02:00; pause wed wed; see wed 03:00; thu", "1; frozen tue; 2"),
        # A pause of today leaves nothing to freeze but yesterday.
        (
            "mon; grant 1; see tue; pause tue tue; use; see wed; use; see fri",
            "1; NothingToFreeze; frozen wed; lost 1",
        ),
        ("mon; grant 1; see wed 02:00; pause wed wed; use; use", "1; NothingToFreeze"),
    ],
)
def test_pauses_beside_grace_and_freezes(story, outcome):
    assert told(streak(grace_hours=3, freezes="{cap: 1}"), story) == outcome


OUTAGE = "incidents: [{from: 2024-05-15T10:00:00Z, to: 2024-05-15T14:00:00Z}]"
TO_MIDNIGHT = "incidents: [{from: 2024-05-15T10:00:00Z, to: 2024-05-16T00:00:00Z}]"
TWO_DAYS = "incidents: [{from: 2024-05-14T23:00:00Z, to: 2024-05-16T00:00:01Z}]"
EVENING = "incidents: [{from: 2024-05-15T20:00:00Z, to: 2024-05-15T21:00:00Z}]"


@pytest.mark.parametrize(
    ("house", "story", "outcome"),
    [
        # We were down on Wednesday.
        (OUTAGE, "mon; tue; thu", "1; 2; 3"),
        (OUTAGE, "mon; tue; wed; thu", "1; 2; 3; 4"),
        (OUTAGE, "mon; tue; see fri", "1; 2; lost 2"),
        (OUTAGE, "mon; thu", "1; lost 1; 1"),
        # An incident that ends at midnight does not touch the next day; one second later it does.
        (TO_MIDNIGHT, "mon; tue; fri", "1; 2; lost 2; 1"),
        (TWO_DAYS, "mon; fri; see sun", "1; 2; lost 2"),
        # It is touched by the participant's own calendar.
        (EVENING, "live in Asia/Tokyo; tue; thu", "1; lost 1; 1"),
        (EVENING, "live in Asia/Tokyo; wed; fri", "1; 2"),
        # Together with a pause.
        (
            OUTAGE,
            "mon; pause tue tue; see thu 18:00; look; thu 19:00",
            "1; 1 of 1, freezes 0, at risk; 2",
        ),
    ],
)
def test_nothing_is_lost_when_we_were_down(house, story, outcome):
    assert told(streak(house=house), story) == outcome


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        # Said in time, it is not lost; the day of judgement is another one.
        ("mon; tue", "see thu", "1; 2"),
        ("mon; tue", "see fri 00:00", "1; 2; lost 2"),
        # Said later, what was lost comes back to life.
        ("mon; tue; see thu 00:00", "thu", "1; 2; lost 2; 3"),
        (
            "mon; tue; see thu 00:00; thu",
            "look; fri",
            "1; 2; lost 2; 1; 3 of 3, freezes 0, today; 4",
        ),
    ],
)
def test_an_incident_can_be_declared_afterwards(before, after, outcome):
    story = Story(DAILY)
    story.play(before)
    story.adopt(streak(house=OUTAGE))

    assert story.play(after) == outcome


def test_what_was_told_too_soon_is_put_right():
    """Once the incident is taken back, the day is missed after all."""
    story = Story(streak(house=OUTAGE))
    story.play("mon; tue; see thu")
    story.adopt(DAILY)

    assert story.play("look; see fri 00:00") == "1; 2; 0 of 2, freezes 0; lost 2"


STEPS = "[{at: 4, rewards: [{points: 10}]}, {at: 2, rewards: [{points: 5}]}]"
REWARDED = streak(milestones=STEPS)
FIRST_DAY = streak(milestones="[{at: 1, rewards: []}]", grace_hours=3)
GENEROUS = streak(
    milestones="[{at: 2, rewards: [{freeze: visits, quantity: 2}]}, {at: 3, rewards: []}]",
    freezes="{cap: 5}",
)


@pytest.mark.parametrize(
    ("rulebook", "story", "outcome"),
    [
        (REWARDED, "mon; tue; wed", "1; 2; reached 2; points 5; 3"),
        (
            REWARDED,
            "mon; tue; wed; thu; fri",
            "1; 2; reached 2; points 5; 3; 4; reached 4; points 10; 5",
        ),
        (
            REWARDED,
            "look; mon; look",
            "0 of 0, freezes 0, next 2; 1; 1 of 1, freezes 0, today, next 2",
        ),
        (REWARDED, "mon; tue; look", "1; 2; reached 2; points 5; 2 of 2, freezes 0, today, next 4"),
        # Each run pays for itself.
        (
            REWARDED,
            "mon; tue; thu; fri",
            "1; 2; reached 2; points 5; lost 2; 1; 2; reached 2; points 5",
        ),
        # A late visit pays what it makes due, several at once if need be.
        (REWARDED, "mon; wed; late tue", "1; lost 1; 1; 3; reached 2; points 5"),
        (
            REWARDED,
            "mon; wed; thu; late tue",
            "1; lost 1; 1; 2; reached 2; points 5; 4; reached 4; points 10",
        ),
        (REWARDED, "mon; tue; late sun", "1; 2; reached 2; points 5; 3"),
        # Joined runs are not paid again for what either was paid for.
        (
            REWARDED,
            "mon; tue; thu; fri; late wed",
            "1; 2; reached 2; points 5; lost 2; 1; 2; reached 2; points 5; 5; reached 4; points 10",
        ),
        (
            REWARDED,
            "mon; wed; fri; late tue; late thu",
            "1; lost 1; 1; lost 1; 1; 3; reached 2; points 5; 5; reached 4; points 10",
        ),
        # A run that a late visit takes a day from is another run.
        (FIRST_DAY, "wed 01:00; thu; fri; late mon", "1; reached 1; 2; 3; 2; reached 1"),
        # What an early visit was paid for stays paid, whatever day it comes to count for.
        (FIRST_DAY, "wed 01:00; late mon; late tue", "1; reached 1; 2; 3"),
        # Freezes may be the reward.
        (
            GENEROUS,
            "mon; tue; thu; fri; look",
            "1; 2; reached 2; freezes 2; frozen wed; 3; reached 3; 4; 4 of 4, freezes 1, today",
        ),
        # They help on the days that followed a late visit, also where it is long past.
        (
            GENEROUS,
            "tue; thu; late mon; look",
            "1; lost 1; 1; 2; reached 2; freezes 2; reached 3; 3 of 3, freezes 1, today",
        ),
    ],
)
def test_milestones_are_paid_once_for_a_run(rulebook, story, outcome):
    assert told(rulebook, story) == outcome


def test_a_new_milestone_is_not_paid_for_runs_of_the_past():
    story = Story(DAILY)
    story.play("mon; tue; thu; fri")
    story.adopt(REWARDED)

    assert story.play("mon").endswith("lost 2; 1")
    assert story.play("late sat").endswith("lost 2; 1; 3; reached 2; points 5")


def test_a_freeze_for_something_long_past_brings_a_run_back():
    challenge = """
challenges:
  - {id: luck, objectives: [{event: gift, count: 1}], rewards: [{freeze: visits, quantity: 1}]}
"""
    rulebook = streak(house=challenge, freezes="{cap: 1}")
    story = "mon; see wed; look; gift mon; look; see thu 00:00"

    assert told(rulebook, story) == (
        "1; lost 1; 0 of 1, freezes 0; freezes 1; 1 of 1, freezes 0; lost 1"
    )


def test_nothing_is_due_in_a_pause():
    story = Story(DAILY)
    story.play("mon; pause tue thu")
    assert story.state.due_at == story.instant_of(story.time_of("sat 00:00"))

    story.play("see sat 00:00")
    assert story.state.due_at is None


def test_the_last_visit_is_the_latest_whenever_it_is_told():
    story = Story(DAILY)
    assert story.picture().last_at is None

    story.play("wed; late mon")
    assert story.picture().last_at == story.now


def test_other_rules_hear_of_a_streak():
    rulebook = DAILY.replace(
        "earn: [",
        "earn: [{id: go, fact: streak.extended, where: {current: {gte: 2}}, points: 2}, "
        "{id: comfort, fact: streak.broken, points: 7}, ",
    )

    assert told(rulebook, "mon; tue; see thu") == "1; 2; points 2; lost 2; points 7"


def test_a_longer_run_than_ever_is_a_record():
    """Only the run itself can be one, and only while it grows past all others."""
    story = Story(DAILY)
    story.play("mon; tue; thu; fri; sat")

    assert story.records == [True, True, False, False, True]
