"""Commands beside events, in batches: stock is shared, time goes first, and windows are found."""

import pytest
from tests.cast import DAY, HOUR, LOOP, NOON, SHOP, SHOP_TEST, Stage

from laurels.core import limits
from laurels.core.change import Parked, RewardClaimed, RewardGranted, RewardMissed
from laurels.core.command import (
    Award,
    ClaimReward,
    Deduct,
    Describe,
    EndHold,
    Freeze,
    Hold,
    RecordStreak,
    SettleClaim,
)
from laurels.core.errors import ClaimLimitReached, OutOfStock, UnknownName, WouldOverdraw
from laurels.core.section import TIER

RULEBOOK = """
earn:
  - {id: unit, event: buy, points: {of: amount, times: 1}}
badges: [{id: regular, fact: streak.extended}]
challenges:
  - id: lucky
    window: daily
    objectives: [{event: win, count: 1}]
    rewards: [{reward: mug}]
  - id: regulars
    window: daily
    objectives: [{fact: streak.extended, count: 5}]
streaks:
  - {id: daily, event: work}
  - {id: other, event: work}
rewards:
  - {id: mug, title: Mug, stock: 3, per_participant: unlimited, price: {points: 10}}
  - {id: ticket, title: Ticket, codes: true}
"""


@pytest.fixture
def stage(place):
    stage = Stage(place, RULEBOOK)
    yield stage
    stage.store.close()


def ask(stage, kind, who="ann", key=None, world=SHOP, **more):
    received_at, (id_,) = stage.clock.accept(1)
    return kind(tenant=world, id=id_, participant=who, received_at=received_at, key=key, **more)


def did(stage, *commands):
    """Send commands as one batch, and tell the kind of the first thing that came of each."""
    outcomes = stage.send(*commands)
    return [
        type(one) if isinstance(one, Exception) else type(next(iter(one.changes), None))
        for one in outcomes
    ]


def test_a_batch_never_takes_more_than_there_is(stage):
    people = ("ann", "bob", "cid", "dan")
    claims = [ask(stage, ClaimReward, who, offer="mug") for who in people]

    assert did(stage, *claims) == [RewardClaimed] * 3 + [OutOfStock]
    assert did(stage, ask(stage, ClaimReward, "eve", offer="mug")) == [OutOfStock]
    assert stage.store.queries.pools(SHOP)["mug"].taken == 3
    assert stage.findings() == []


def test_rules_take_from_the_same_stock(stage):
    events = [stage.event("win", who) for who in ("ann", "bob", "cid", "dan")]
    outcomes = stage.send(*events[:2], ask(stage, ClaimReward, "eve", offer="mug"), *events[2:])
    kinds = [[type(one) for one in outcome.changes if type(one) in TAKEN] for outcome in outcomes]

    assert kinds == [
        [RewardGranted],
        [RewardGranted],
        [RewardClaimed],
        [RewardMissed],
        [RewardMissed],
    ]
    assert stage.findings() == []


TAKEN = (RewardGranted, RewardClaimed, RewardMissed)


def test_codes_go_out_once_in_the_order_of_their_upload(stage):
    registry, queries = stage.store.registry, stage.store.queries
    assert did(stage, ask(stage, ClaimReward, offer="ticket")) == [OutOfStock]
    assert registry.put_codes(SHOP, "ticket", ["A", "B", "A"], NOON) == 2
    assert registry.put_codes(SHOP, "ticket", ["B", "C"], NOON) == 1
    assert registry.put_codes(SHOP_TEST, "ticket", ["Z"], NOON) == 1
    claims = [ask(stage, ClaimReward, who, offer="ticket") for who in ("ann", "bob", "cid", "dan")]

    assert did(stage, *claims) == [RewardClaimed] * 3 + [OutOfStock]
    codes = [queries.claims(SHOP, who)[0].code for who in ("ann", "bob", "cid")]
    assert codes == ["A", "B", "C"]
    assert did(stage, ask(stage, ClaimReward, offer="ticket")) == [ClaimLimitReached]


def test_a_code_that_was_given_away_stays_so_though_its_claim_is_void(stage):
    stage.store.registry.put_codes(SHOP, "ticket", ["A", "B"], NOON)
    first = ask(stage, ClaimReward, offer="ticket")
    stage.send(first, ask(stage, SettleClaim, claim=first.id, status="void"))
    stage.send(ask(stage, ClaimReward, offer="ticket"))
    told = {(claim.code, claim.status) for claim in stage.store.queries.claims(SHOP, "ann")}

    assert told == {("A", "void"), ("B", "claimed")}
    assert stage.findings() == []


def test_a_balance_is_spent_once_whoever_asks_first(stage):
    stage.tell("buy", amount=10)
    asked = [
        ask(stage, Deduct, amount=8),
        ask(stage, Hold, amount=8),
        ask(stage, ClaimReward, offer="mug", pays=True),
    ]
    outcomes = stage.send(*asked)

    assert [type(one) for one in outcomes[1:]] == [WouldOverdraw, WouldOverdraw]
    assert stage.balance() == 2
    assert stage.store.queries.pools(SHOP)["mug"].taken == 0


def test_a_key_gives_the_first_answer_again(stage):
    first, again = [stage.send(ask(stage, Award, key="k", amount=5))[0] for _ in range(2)]

    assert again.id == first.id
    assert again.changes == first.changes
    assert again.duplicate
    assert stage.balance() == 5


@pytest.mark.parametrize("memory", ["cache", "store"])
def test_a_key_that_comes_again_with_other_content_is_told_so(stage, memory):
    stage.send(ask(stage, Award, key="k", amount=5))
    if memory == "store":
        stage.reopen()
    same = ask(stage, Award, key="k", amount=5)
    other = ask(stage, Award, key="k", amount=6)

    assert [one.mismatch for one in stage.send(same, other)] == [False, True]
    assert stage.balance() == 5


def test_what_was_left_unsaid_is_no_content(stage):
    stage.send(ask(stage, Describe, key="k", timezone="Europe/Berlin"))
    (again,) = stage.send(ask(stage, Describe, key="k", timezone="Europe/Berlin"))

    assert not again.mismatch


def test_a_hold_is_ended_once(stage):
    stage.tell("buy", amount=10)
    hold = ask(stage, Hold, amount=6, expires_at=NOON + HOUR)
    stage.send(hold)
    stage.clock.move(by=HOUR)
    capture = ask(stage, EndHold, hold=hold.id, capture=True)

    assert did(stage, capture) == [UnknownName]  # It had expired a moment ago.
    assert stage.balance() == 10
    assert stage.findings() == []


def test_what_time_brings_finds_the_windows_it_belongs_to(stage, monkeypatch):
    monkeypatch.setattr(limits, "WINDOWS_LIVE_MAX", 1)
    for day in range(4):
        stage.send(ask(stage, RecordStreak, streak="daily", at=NOON + day * DAY))
        stage.send(ask(stage, RecordStreak, streak="other", at=NOON + day * DAY))

    windows = stage.state().windows("regulars")
    assert {name: one.measures["regulars"] for name, one in windows.items()} == {
        f"2024-05-{15 + day}": 2_000_000 for day in range(4)
    }
    assert stage.findings() == []


def test_time_that_cannot_pass_is_parked_and_holds_nobody_up(place):
    endless = LOOP.replace("event: loop", "fact: streak.broken")
    stage = Stage(place, RULEBOOK.replace("badges:", endless + "\nbadges:"))
    stage.tell("work")
    stage.clock.move(by=5 * DAY)
    stage.tell("buy", amount=1)

    _, tick, bought = stage.journal()
    assert (tick.operation, type(tick.changes[0])) == ("tick", Parked)
    assert (bought.operation, stage.balance()) == ("event", 1)
    assert stage.state().due == {}
    assert stage.findings() == []
    stage.store.close()


def test_only_so_many_moments_are_settled_before_a_command(stage, monkeypatch):
    monkeypatch.setattr(limits, "TICKS_AT_ONCE_MAX", 1)
    stage.send(*(ask(stage, Award, amount=1, expires_at=NOON + n * HOUR) for n in (1, 2, 3)))
    stage.clock.move(by=DAY)
    stage.tell("buy", amount=1)
    assert stage.balance() == 3
    stage.tell("buy", amount=1)

    assert stage.balance() == 3


def test_a_freeze_of_no_streak_is_refused(stage):
    assert did(stage, ask(stage, Freeze, streak="none")) == [UnknownName]


def test_a_period_that_is_judged_late_is_found_though_it_was_folded_away(place, monkeypatch):
    monkeypatch.setattr(limits, "WINDOWS_LIVE_MAX", 1)
    ladder = """
tiers:
  by: points
  levels: [{id: silver, at: 10}]
  requalify: {every: monthly, grace_days: 60}
"""
    stage = Stage(place, RULEBOOK + ladder)
    for amount in (20, 10, 1, 1, 1):  # From May to September; June is judged on 29 August.
        stage.tell("buy", amount=amount)
        stage.clock.move(by=31 * DAY)

    standing = stage.state().read(TIER, "")
    assert [entry.operation for entry in stage.journal()].count("event") == 5
    assert standing is not None
    assert standing.tier == "silver"
    assert stage.findings() == []
    stage.store.close()
