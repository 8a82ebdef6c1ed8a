"""What a stream says of each entry of the journal, told as stories."""

import json
from typing import Any

import msgspec
import pytest
from tests.cast import DAY, NOON, SHOP, a_stage, as_json

from laurels.api.questkit.stream import ServerSentEvents
from laurels.api.questkit.updates import updates_of
from laurels.core.change import (
    BadgeAwarded,
    CompletionLapsed,
    ParticipantReset,
    ProgressMoved,
    Recommended,
)
from laurels.core.command import Award, AwardBadge, Deduct, EndHold, Hold, Reset
from laurels.engine.answers import JournalEntry

RULEBOOK = as_json("""
currencies: [points, gem]
badges:
  - {id: walker, title: Walker}
  - {id: big, title: Big, event: walked, where: {km: {gte: 50}}}
earn:
  - {id: gem-a-walk, event: strolled, currency: gem, amount: 1}
challenges:
  - {id: steps, objectives: [{id: walk, event: walked, sum: km, target: 10}]}
  - id: tour
    claim: manual
    objectives: [{id: walk, event: toured, count: 1}]
    rewards:
      - {points: 30}
      - {badge: walker}
      - {item: boots, quantity: 2}
      - {currency: gem, amount: 5}
  - id: paid
    objectives: [{id: stroll, event: strolled, count: 2}]
    milestones: [{id: half, objective: stroll, at: 1, rewards: [{item: boots, quantity: 1}]}]
    rewards: [{currency: gem, amount: 10}, {item: boots, quantity: 1}]
  - id: both
    needs: all
    objectives:
      - {id: read, event: read, count: 4}
      - {id: write, event: wrote, count: 2}
  - id: today
    window: daily
    claim: manual
    objectives: [{id: nap, event: napped, count: 2}]
""")


@pytest.fixture
def stage(tmp_path):
    with a_stage(tmp_path, RULEBOOK) as stage:
        yield stage


def heard(stage, at=-1):
    """Return the updates of an entry, the last unless told otherwise, as a client decodes them."""
    entry = stage.journal()[at]
    return [json.loads(msgspec.json.encode(update)) for update in updates_of(entry)]


def kinds(updates):
    return [update["type"] for update in updates]


def command(stage, kind, **more):
    received_at, (id_,) = stage.clock.accept(1)
    return kind(tenant=SHOP, id=id_, participant="ann", received_at=received_at, **more)


def test_progress_is_told_in_whole_numbers_up_to_the_target(stage):
    stage.tell("walked", km=2.5, at=NOON - 5)

    (update,) = heard(stage)

    assert update == {
        "type": "mission.progress",
        "data": {
            "userId": "ann",
            "missionId": "steps",
            "status": "active",
            "progress": 0.25,
            "currentCount": 2,
            "targetCount": 10,
            "updatedAt": NOON - 5,
        },
    }


def test_what_falls_below_zero_is_nothing(stage):
    stage.tell("walked", km=-3)

    (update,) = heard(stage)

    assert (update["data"]["progress"], update["data"]["currentCount"]) == (0.0, 0)


def test_completion_takes_the_place_of_progress(stage):
    stage.tell("walked", km=9)
    stage.tell("walked", km=9)

    completed, claimed = heard(stage)

    assert completed["type"] == "mission.completed"
    assert completed["data"]["status"] == "completed"
    assert completed["data"]["progress"] == 1.0
    assert completed["data"]["currentCount"] == completed["data"]["targetCount"] == 10
    assert claimed["type"] == "mission.claimed", "it pays at once, if nothing"


def test_what_is_past_the_completion_is_not_told(stage):
    stage.tell("walked", km=10)
    stage.tell("walked", km=1)

    assert heard(stage) == []


def test_a_claim_is_told_then_its_rewards_then_the_balances(stage):
    stage.tell("toured")
    assert kinds(heard(stage)) == ["mission.completed"]
    stage.send(stage.claim("tour"))

    claimed, *granted, points, gems = heard(stage)

    assert claimed["type"] == "mission.claimed"
    assert claimed["data"]["status"] == "claimed"
    assert claimed["data"]["currentCount"] == claimed["data"]["targetCount"] == 1
    assert kinds(granted) == ["reward.granted"] * 4
    assert [each["data"]["reward"] for each in granted] == [
        {"kind": "currency", "currency": "points", "amount": 30},
        {"kind": "badge", "badgeId": "walker"},
        {"kind": "item", "itemId": "boots", "quantity": 2},
        {"kind": "currency", "currency": "gem", "amount": 5},
    ]
    assert {each["data"]["missionId"] for each in granted} == {"tour"}
    assert points == {
        "type": "balance.changed",
        "data": {"userId": "ann", "currency": "points", "amount": 30, "updatedAt": NOON},
    }
    assert (gems["data"]["currency"], gems["data"]["amount"]) == ("gem", 5)


def test_a_claim_again_is_not_told(stage):
    stage.tell("toured")
    stage.send(stage.claim("tour"), stage.claim("tour", key="again"))

    assert heard(stage) == []


def test_each_balance_is_told_once_after_all_that_led_to_it(stage):
    stage.tell("strolled")
    first = heard(stage)
    assert kinds(first) == ["balance.changed", "mission.progress", "reward.granted"]
    assert "missionId" not in first[2]["data"], "a milestone is no claim"
    stage.tell("strolled")

    updates = heard(stage)

    assert kinds(updates) == [
        "mission.completed",
        "mission.claimed",
        "reward.granted",
        "reward.granted",
        "balance.changed",
    ]
    assert updates[-1]["data"]["amount"] == 12


def test_a_badge_that_no_claim_paid_is_granted_without_a_mission(stage):
    stage.tell("walked", km=50)

    (granted,) = [each for each in heard(stage) if each["type"] == "reward.granted"]

    assert granted["data"] == {"userId": "ann", "reward": {"kind": "badge", "badgeId": "big"}}


def test_several_objectives_are_one_mission(stage):
    stage.tell("read")

    (update,) = heard(stage)

    assert update["data"]["progress"] == 0.125
    assert (update["data"]["currentCount"], update["data"]["targetCount"]) == (0, 2)


def test_what_happens_by_hand_is_told_too(stage):
    stage.send(command(stage, Award, amount=50))
    assert [each["data"]["amount"] for each in heard(stage)] == [50]
    stage.send(command(stage, Deduct, amount=20))
    assert [each["data"]["amount"] for each in heard(stage)] == [30]
    stage.send(command(stage, Hold, amount=10))
    assert [each["data"]["amount"] for each in heard(stage)] == [20]
    hold = stage.journal()[-1].command
    stage.send(command(stage, EndHold, hold=hold, capture=10))
    assert heard(stage) == [], "captured points were out of hand before"
    stage.send(command(stage, AwardBadge, badge="walker"))
    assert kinds(heard(stage)) == ["reward.granted"]


def entry(*changes, number=7):
    return JournalEntry(number, "c", "event", "ann", 1, NOON, changes)


def test_a_recommendation_is_told():
    (update,) = updates_of(entry(Recommended(("a", "b"), "You like both.", NOON)))

    assert json.loads(msgspec.json.encode(update)) == {
        "type": "recommendation",
        "data": {
            "missionIds": ["a", "b"],
            "reason": "You like both.",
            "cached": False,
            "count": 2,
        },
    }


def test_what_counts_for_yesterday_is_not_told_as_if_it_were_todays(stage):
    """Clients overwrite what they know of a mission, and a read shows the window of today."""
    stage.tell("napped")
    stage.tell("napped")
    stage.send(stage.claim("today"))

    stage.tell("napped", at=NOON - DAY)
    assert heard(stage) == []
    stage.tell("napped", at=NOON - DAY)
    (completed,) = heard(stage)

    assert completed["type"] == "mission.completed", "it can be claimed now"
    assert completed["data"]["currentCount"] == completed["data"]["targetCount"] == 2
    assert completed["data"]["updatedAt"] == NOON - DAY


def test_what_nobody_asked_for_is_not_told():
    assert updates_of(entry(CompletionLapsed("a", "", NOON))) == []
    assert updates_of(entry()) == []


def test_of_several_moves_the_last_is_told_in_its_place():
    moves = [
        ProgressMoved("a", "x", "", 0, 1_000_000, 5_000_000, at=NOON),
        ProgressMoved("b", "x", "", 0, 1_000_000, 5_000_000, at=NOON),
        ProgressMoved("a", "x", "", 1_000_000, 2_000_000, 5_000_000, at=NOON),
        ProgressMoved("a", "x", "", 2_000_000, 3_000_000, 5_000_000, quiet=True, at=NOON),
    ]

    updates: list[Any] = updates_of(entry(*moves))

    assert [(each.data.mission_id, each.data.current_count) for each in updates] == [
        ("b", 1),
        ("a", 2),
    ]


def test_a_reset_is_told_in_its_place():
    (message,) = ServerSentEvents().updates(entry(ParticipantReset(NOON)))

    assert message == b'id: 7.1\nevent: reset\ndata: {"reason":"began_anew"}\n\n'


def test_a_reset_is_all_that_is_told_of_beginning_anew(stage):
    stage.tell("strolled")
    stage.send(command(stage, Reset))

    assert heard(stage) == [{"reason": "began_anew"}]


def test_every_message_has_an_id_and_one_line_of_data():
    badges = [BadgeAwarded(name, name, "r", NOON) for name in ("a\nb\r", "\u2028")]

    messages = ServerSentEvents().updates(entry(*badges))

    assert [message.split(b"\n")[0] for message in messages] == [b"id: 7.1", b"id: 7.2"]
    for message in messages:
        _, kind, data, *end = message.split(b"\n")
        assert kind == b"event: update"
        assert data.startswith(b"data: {")
        assert end == [b"", b""]
        assert b"\r" not in message
