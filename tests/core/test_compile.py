"""Compiled rulebooks: who hears what in which order, and chains are seen to their end."""

import pytest
from tests.core.story import moment

from laurels.core.compile import BY_COMMAND, Counted, compile_rulebook
from laurels.core.rulebook import Contest, Ladder, Step, Window
from laurels.core.state import BOARD, CAP, TIER_PERIODS
from laurels.core.window import Calendar
from laurels.engine.rulebook_text import load_rulebook


def compiled(text):
    return compile_rulebook(load_rulebook(text), 7)


EACH_KIND = """
tiers: {by: {event: buy}, levels: [{id: low, at: 1}]}
contests:
  - {id: cup, event: buy, score: count, starts: 2024-05-01, ends: 2024-06-01}
  - {id: draft, event: buy, score: count, starts: 2024-05-01, ends: 2024-06-01, draft: true}
leaderboards: [{id: top, event: buy, score: count}]
streaks: [{id: daily, event: buy}]
challenges:
  - id: goal
    objectives:
      - {id: one, event: buy, count: 1}
      - {id: two, event: sell, count: 1}
      - {id: three, event: buy, count: 1}
badges: [{id: first, event: buy}, {id: never}]
earn:
  - {id: a, event: buy, points: 1}
  - {id: b, event: buy, where: {x: 1}, points: 1}
  - {id: c, event: buy, points: 1}
"""


def test_rules_come_kind_by_kind_and_in_the_order_of_the_rulebook():
    rules = compiled(EACH_KIND)

    def heard(kind, data):
        found = rules.matchers[kind](data)
        return " ".join(
            "tiers"
            if isinstance(rule, Ladder)
            else rule.objective.id
            if isinstance(rule, Step)
            else rule.id
            for rule in found
        )

    assert sorted(rules.matchers) == ["custom.buy", "custom.sell"]
    assert heard("custom.buy", {"x": 1}) == "a b c first one three daily tiers top cup"
    assert heard("custom.buy", {}) == "a c first one three daily tiers top cup"
    assert heard("custom.sell", {}) == "two"


def test_what_has_a_name_is_found_by_it():
    rules = compiled(EACH_KIND + "rewards: [{id: mug}]")

    assert (rules.rulebook, rules.version) == (
        load_rulebook(EACH_KIND + "rewards: [{id: mug}]"),
        7,
    )
    named = [rules.badges, rules.challenges, rules.streaks, rules.boards, rules.offers]
    assert [" ".join(each) for each in (*named, rules.levels)] == [
        "first never",
        "goal",
        "daily",
        "top cup draft",
        "mug",
        "low",
    ]
    assert isinstance(rules.boards["draft"], Contest)
    assert compiled("{}").levels == {}


def test_the_calendar_is_the_rulebooks_unless_somebody_lives_elsewhere():
    rules = compiled("{timezone: Asia/Tokyo, week_starts: sunday}")
    tokyo, berlin = (Calendar(zone, "sunday") for zone in ("Asia/Tokyo", "Europe/Berlin"))

    assert rules.calendar == tokyo
    zones = (None, "Asia/Tokyo", "Europe/Berlin", "Nowhere/City", "localtime")
    assert [rules.calendar_of(zone) for zone in zones] == [tokyo, tokyo, berlin, tokyo, tokyo]
    assert moment("2024-05-15T00:00+09:00") == moment("2024-05-14T15:00Z")


AFTER = """
leaderboards:
  - {id: posted, fact: points.posted, score: count, period: daily}
  - {id: badge, fact: badge.awarded, score: count, period: daily}
  - {id: item, fact: item.granted, score: count, period: daily}
  - {id: done, fact: challenge.completed, score: count, period: daily}
  - {id: way, fact: challenge.milestone, score: count, period: daily}
  - {id: granted, fact: reward.granted, score: count, period: daily}
  - {id: streak, fact: streak.extended, score: count, period: daily}
  - {id: long, fact: streak.milestone, score: count, period: daily}
  - {id: tier, fact: tier.changed, score: count, period: daily}
  - {id: expiry, fact: points.expired, score: count, period: daily}
  - {id: buys, event: buy, score: count, period: daily}
rewards: [{id: mug}, {id: hat}]
"""
LONG_CHAIN = """
badges: [{id: b, event: buy}]
earn: [{id: a, fact: badge.awarded, points: 1}]
tiers: {by: points, levels: [{id: low, at: 1}]}
"""
GOAL = "challenges: [{id: c, objectives: [{event: buy, count: 2}], "
STREAK = "streaks: [{id: s, event: buy, freezes: {cap: 1}, milestones: [{at: 1, rewards: "
CUP = "contests: [{id: cup, event: buy, score: count, starts: 2024-05-01, ends: 2024-06-01, "


@pytest.mark.parametrize(
    ("rules", "moved"),
    [
        ("earn: [{id: a, event: sell, points: 1}]", ""),
        ("earn: [{id: a, event: buy, points: 1}]", "posted"),
        ("badges: [{id: b, event: buy}]", "badge"),
        ("tiers: {by: {event: buy}, levels: [{id: low, at: 1}]}", "tier"),
        (STREAK + "[]}]}]", "long streak"),
        (STREAK + "[{item: boots, quantity: 1}, {freeze: s}]}]}]", "item long streak"),
        # A challenge that is moved may be completed, reach a milestone, and pay.
        (GOAL + "rewards: []}]", "done way"),
        (GOAL + "rewards: [{points: 5}]}]", "done posted way"),
        (
            GOAL + "milestones: [{at: 1, rewards: [{badge: b}]}]}]\nbadges: [{id: b}]",
            "badge done way",
        ),
        # What a contest pays is paid by a command.
        (CUP + "prizes: [{ranks: 1, rewards: [{points: 5}]}]}]", ""),
        # A chain may go on and on.
        (LONG_CHAIN, "badge posted tier"),
    ],
)
def test_a_fact_may_move_what_its_chain_can_reach(rules, moved):
    recurring = compiled(AFTER + rules).recurring

    names = (each.id.removeprefix(BOARD) for each in recurring["custom.buy"])
    assert " ".join(sorted(set(names) - {"buys"})) == moved
    assert "custom.unheard" not in recurring


@pytest.mark.parametrize(
    ("rules", "offers", "by_command"),
    [
        ("earn: [{id: a, event: buy, points: 1}]", (), ()),
        (GOAL + "rewards: [{reward: mug}, {reward: hat}]}]", ("hat", "mug"), ("hat", "mug")),
        (CUP + "prizes: [{ranks: 1, rewards: [{reward: hat}]}]}]", (), ("hat",)),
    ],
)
def test_it_is_known_beforehand_what_may_be_granted(rules, offers, by_command):
    reached = compiled(AFTER + rules).offers_reached

    assert (reached["custom.buy"], reached[BY_COMMAND]) == (offers, by_command)


def test_a_streak_may_grant_whether_it_hears_of_a_fact_or_is_told_by_hand():
    reached = compiled(AFTER + STREAK + "[{reward: mug}]}]}]").offers_reached

    assert (reached["custom.buy"], reached[BY_COMMAND]) == (("mug",), ("mug",))


def test_a_command_may_move_whatever_hears_facts_of_ours():
    moved = {each.id.removeprefix(BOARD) for each in compiled(AFTER).recurring[BY_COMMAND]}

    assert moved == {
        *("posted", "badge", "item", "done", "way"),
        *("granted", "streak", "long", "tier", "expiry"),
    }


RECURRING = """
currencies: [points, gem]
tiers: {by: points, levels: [{id: low, at: 1}], requalify: {every: monthly}}
leaderboards:
  - {id: top, event: buy, score: count, period: weekly}
  - {id: ever, event: buy, score: count}
  - {id: rich, score: {sum: gem}, period: daily}
contests: [{id: cup, event: buy, score: count, starts: 2024-05-01, ends: 2024-06-01}]
streaks: [{id: s, event: buy}]
earn:
  - {id: capped, event: buy, points: 1, cap: {times: 1, per: yearly}}
  - {id: for-life, event: buy, points: 1, cap: {times: 1}}
  - {id: free, event: buy, points: 1}
challenges:
  - {id: rolls, window: {days: 7}, objectives: [{event: buy, count: 1}]}
  - id: twice
    window: daily
    objectives: [{id: a, event: buy, count: 1}, {id: b, event: buy, count: 1}]
"""


def test_what_counts_in_windows_is_known_beforehand():
    assert compiled(RECURRING).recurring["custom.buy"] == (
        Counted(CAP + "capped", Window("yearly")),
        Counted("twice", Window("daily")),
        Counted(BOARD + "top", Window("weekly"), is_board=True),
        Counted(TIER_PERIODS, Window("monthly")),
        Counted(BOARD + "rich", Window("daily"), is_board=True),
    )
    assert compiled("{}").recurring == {BY_COMMAND: ()}
