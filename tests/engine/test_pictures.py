"""What a participant looks like at a moment, whichever API shows it."""

from typing import Any

import pytest
from tests.cast import DAY, HOUR, NOON

from laurels.core.command import AssignTier, Award, AwardBadge, Claim, Enrol, RecordStreak
from laurels.core.compile import compile_rulebook
from laurels.core.decide import decide
from laurels.core.event import Event
from laurels.core.ledger import Balance
from laurels.core.state import State
from laurels.engine.answers import Met
from laurels.engine.pictures import (
    badges_of,
    challenges_of,
    points_of,
    run_length,
    streaks_of,
    tier_of,
)
from laurels.engine.rulebook_text import load_rulebook

STREAK = """
streaks:
  - {id: daily, event: login, every: day, milestones: [{at: 3, rewards: [{points: 1}]}]}
  - {id: weekly, event: login, every: week}
"""
TIERS = """
currencies: [points, gem]
tiers:
  by: points
  levels: [{id: silver, at: 100}, {id: gold, at: 500}]
badges: [{id: one}, {id: two}]
"""


class Ann:
    """One participant, and a rulebook that may change under them."""

    def __init__(self, text):
        self.state = State()
        self.put(text)

    def put(self, text):
        self.rulebook = compile_rulebook(load_rulebook(text), 1)
        self.met = Met(self.state, self.rulebook)

    def do(self, command, now=NOON, **more):
        stamp = {"tenant": "t", "id": f"{now}", "participant": "ann", "received_at": now}
        _, draft = decide(self.rulebook, self.state, command(**stamp, **more))
        draft.fold_in()

    def tell(self, name, at=NOON, **properties):
        more = {"properties": properties, "properties_json": "{}", "occurred_at": at}
        self.do(Event, at, name=name, **more)

    def tier(self) -> Any:
        return tier_of(self.met)

    def challenge(self, at=NOON, name="c") -> Any:
        return next(each for each in challenges_of(self.met, at) if each.challenge.id == name)


def challenge(rest="", objectives="{id: o, event: go, count: 2}"):
    return f"challenges:\n  - {{id: c, objectives: [{objectives}]{rest}}}\n"


def test_every_currency_has_a_balance_those_of_the_rulebook_first():
    ann = Ann(TIERS)
    ann.do(Award, amount=7, currency="gem")
    ann.put("currencies: [coin]")

    assert points_of(ann.met) == {"coin": Balance(), "gem": Balance(7, 7)}


def test_badges_stand_as_in_the_rulebook_and_what_it_lost_stays_earned():
    ann = Ann(TIERS)
    ann.do(AwardBadge, badge="two")
    ann.do(AwardBadge, badge="one")
    ann.put("badges: [{id: three, title: Three}, {id: two}]")

    pictures = [(each.badge.id, each.earned_at) for each in badges_of(ann.met)]

    assert pictures == [("three", None), ("two", NOON), ("one", NOON)]


def test_a_tier_knows_what_comes_next_and_how_far_it_is():
    ann = Ann(TIERS)
    assert ann.tier().standing is None
    assert ann.tier().next.id == "silver"

    ann.do(Award, amount=120)
    silver = ann.tier()
    assert (silver.level.id, silver.next.id, silver.measure) == ("silver", "gold", 120)

    ann.do(AssignTier, tier="gold")
    gold = ann.tier()
    assert (gold.level.id, gold.next) == ("gold", None)

    ann.put("timezone: UTC")
    assert (ann.tier().standing.tier, ann.tier().level) == ("gold", None)


def test_a_streak_is_shown_once_it_was_touched():
    ann = Ann(STREAK)
    assert list(streaks_of(ann.met, NOON)) == []

    for back in (0, 1):
        ann.do(RecordStreak, streak="daily", at=NOON - back * DAY)

    shown: Any = list(streaks_of(ann.met, NOON))
    ((streak, picture),) = shown
    assert (streak.id, picture.current, picture.next_milestone[0]) == ("daily", 2, 3)
    assert run_length(ann.met, streak, NOON - DAY) == 2


def test_a_challenge_is_available_then_active_then_completed_then_claimed():
    ann = Ann(challenge(", claim: manual"))
    assert ann.challenge().status == "available"

    ann.tell("go")
    active = ann.challenge()
    assert (active.status, active.window, active.ends_at) == ("active", "", None)
    assert [(each.measure, each.is_met) for each in active.objectives] == [(1_000_000, False)]

    ann.tell("go", NOON + 1)
    completed = ann.challenge()
    assert (completed.status, completed.completed_at) == ("completed", NOON + 1)
    assert completed.objectives[0].is_met

    ann.do(Claim, NOON + 2, challenge="c")
    claimed = ann.challenge()
    assert (claimed.status, claimed.claimed_at, claimed.times_completed) == ("claimed", NOON + 2, 1)


def test_the_oldest_window_that_waits_is_shown_before_the_current_one():
    ann = Ann(challenge(", window: daily, claim: manual", "{id: o, event: go, count: 1}"))
    for back in (2, 1):
        ann.tell("go", NOON - back * DAY)

    waiting = ann.challenge()
    assert (waiting.status, waiting.window, waiting.ends_at) == ("completed", "2024-05-13", None)
    for _ in range(2):
        ann.do(Claim, challenge="c")
    current = ann.challenge()
    assert (current.status, current.window) == ("available", "2024-05-15")
    assert current.ends_at == NOON + DAY // 2


def test_what_was_done_often_enough_stays_claimed():
    rest = ", window: daily, repeat: once"
    ann = Ann(challenge(rest, "{id: o, event: go, count: 1}"))
    ann.tell("go", NOON - DAY)

    assert ann.challenge().status == "claimed"


@pytest.mark.parametrize(
    ("window", "name", "ends_at"),
    [
        ("lifetime", "", None),
        ("daily", "2024-05-15", NOON + DAY // 2),
        ("weekly", "2024-W20", NOON + 4 * DAY + DAY // 2),
        ("monthly", "2024-05", NOON + 16 * DAY + DAY // 2),
        ("{from: 2024-05-01, to: 2024-05-20}", "", NOON + 4 * DAY + DAY // 2),
        ("{from: 2024-05-20, to: 2024-05-21}", "", NOON + 5 * DAY + DAY // 2),
        ("{from: 2024-05-01, to: 2024-05-02}", "", NOON - 13 * DAY - DAY // 2),
        ("{days: 3}", None, None),
    ],
)
def test_a_window_tells_when_it_ends(window, name, ends_at):
    picture = Ann(challenge(f", window: {window}")).challenge()

    assert (picture.window, picture.ends_at) == (name, ends_at)


@pytest.mark.parametrize(("week_starts", "days"), [("monday", 5), ("sunday", 4), ("saturday", 3)])
def test_a_week_ends_where_the_next_one_starts(week_starts, days):
    """NOON is on a Wednesday."""
    ann = Ann(f"week_starts: {week_starts}\n" + challenge(", window: weekly"))

    ends_at = ann.challenge().ends_at

    assert ends_at == NOON - DAY // 2 + days * DAY
    assert ann.challenge(ends_at - 1).ends_at == ends_at
    assert ann.challenge(ends_at).ends_at == ends_at + 7 * DAY


def test_a_rolling_window_is_shown_once_it_has_begun():
    ann = Ann(challenge(", window: {days: 3}"))
    ann.tell("go", NOON)

    begun = ann.challenge(NOON + DAY)
    assert (begun.status, begun.window) == ("active", "2024-05-15T12:00:00.000Z")
    assert begun.ends_at == NOON + 3 * DAY
    assert ann.challenge(NOON + 3 * DAY).window is None


def test_whoever_enrolled_takes_part_until_it_ends():
    ann = Ann(challenge(", window: {days: 3, begins: enrolment}, enrolment: asked"))
    assert (ann.challenge().status, ann.challenge().window) == ("available", None)

    ann.do(Enrol, challenge="c")

    enrolled = ann.challenge(NOON + HOUR)
    assert (enrolled.status, enrolled.enrolled_at) == ("active", NOON)
    assert enrolled.ends_at == NOON + 3 * DAY
    over = ann.challenge(NOON + 3 * DAY)
    assert (over.status, over.enrolled_at, over.ends_at) == ("available", None, None)


def test_a_challenge_is_locked_before_its_time_and_before_what_it_requires():
    text = """
campaigns: [{id: may, starts: 2024-05-16, ends: 2024-05-18}]
challenges:
  - {id: c, campaign: may, objectives: [{id: o, event: go, count: 1}]}
  - {id: fixed, window: {from: 2024-05-16}, objectives: [{id: o, event: go, count: 1}]}
  - {id: after, requires: [first], objectives: [{id: o, event: go, count: 1}]}
  - {id: first, objectives: [{id: o, event: begin, count: 1}]}
"""
    ann = Ann(text)
    names = ("c", "fixed", "after", "first")

    before = [ann.challenge(name=name).status for name in names]
    ann.tell("begin")
    later = [ann.challenge(NOON + DAY, name).status for name in names]

    assert before == ["locked", "locked", "locked", "available"]
    assert later == ["available", "available", "available", "claimed"]
    assert ann.challenge().ends_at == NOON + 2 * DAY + DAY // 2


def test_the_current_window_may_come_first_once_anything_counts_in_it():
    ann = Ann(challenge(", window: daily, claim: manual"))
    ann.tell("go", NOON - DAY)
    ann.tell("go", NOON - DAY)

    def shown(at):
        (picture,) = challenges_of(ann.met, at, "current")
        return picture.window, picture.status, picture.moved_at

    assert shown(NOON) == ("2024-05-14", "completed", NOON - DAY)
    ann.tell("go", NOON)
    assert shown(NOON) == ("2024-05-15", "active", NOON)
    assert ann.challenge().window == "2024-05-14"
    assert shown(NOON + DAY) == ("2024-05-14", "completed", NOON - DAY)


def test_a_challenge_is_touched_once_anything_counted_in_any_window():
    ann = Ann(challenge(", window: daily"))
    assert ann.challenge().is_touched is False

    ann.tell("go")

    assert ann.challenge(NOON + DAY).is_touched is True
    assert ann.challenge(NOON + DAY).status == "available"


def test_it_shows_when_it_last_moved_by_the_time_of_the_facts():
    ann = Ann(challenge(objectives="{id: o, event: go, count: 5}"))
    ann.tell("go", NOON)
    ann.tell("go", NOON - HOUR)

    assert ann.challenge().moved_at == NOON


def test_a_challenge_that_expires_ends_then():
    ann = Ann(challenge(", expires: 2024-05-16"))

    assert ann.challenge().ends_at == NOON + 12 * HOUR
