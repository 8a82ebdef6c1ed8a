"""The longest of everything that may be sent, in characters that no index can shorten."""

from typing import Literal

import msgspec
import pytest
from tests.cast import DAY, HOUR, NOON, SHOP, a_stage
from tests.contract.hostile import longest

from laurels.core import limits
from laurels.core.command import ClaimReward, Describe
from laurels.engine.answers import AnalyticsAsked, BoardName
from laurels.engine.inbox import Delivery

NAME = "n" * 100
"""As long as a name in a rulebook may be."""
WORLD = f"{'w' * 64}/live"
RULEBOOK = f"""
earn: [{{id: {NAME}, event: buy, points: 1}}]
leaderboards: [{{id: {NAME}, event: buy, score: count, period: weekly, segment: team}}]
challenges:
  - {{id: {NAME}, window: daily, claim: manual, objectives: [{{event: buy, count: 1}}]}}
rewards: [{{id: {NAME}, title: A code, price: {{points: 1}}, codes: true}}]
"""
TEAM_CHARS = 3_000
"""An attribute has no bound of its own: a body and a state have."""


WHO = longest(limits.PARTICIPANT_ID_CHARS_MAX)
KEY = longest(limits.KEY_CHARS_MAX - 1) + longest(1)


@pytest.fixture
def stage(place):
    with a_stage(place, RULEBOOK, world=WORLD) as stage:
        yield stage
        assert stage.findings() == []


def stamp(stage):
    received_at, (id_,) = stage.clock.accept(1)
    who = {"tenant": WORLD, "participant": WHO, "key": KEY}
    return {**who, "id": id_, "received_at": received_at}


def figures(stage, name=None, by: Literal["name", "hour"] = "name"):
    hour = NOON // HOUR
    asked = AnalyticsAsked(since=hour - 1, until=hour + 99, by=by, name=name, unique=True)
    found = stage.store.queries.analytics(WORLD, asked)
    return {row.name: (row.events, row.participants) for row in found.rows}


@pytest.mark.parametrize("at_once", [1, 40])
def test_names_of_events_are_counted_whole(stage, at_once):
    """Those that differ in their last character only, too."""
    text = longest(limits.QUESTKIT_EVENT_NAME_CHARS_MAX - 1)
    names = [*(text + chr(0x10000 + n) for n in range(18)), "back\\slash", "\\"]
    events = [stage.event(name, who) for name in names for who in ("ann", "bob")]
    for start in range(0, len(events), at_once):
        outcomes = stage.send(*events[start : start + at_once])
        assert not any(isinstance(outcome, Exception) for outcome in outcomes)
    told = dict.fromkeys(names, (2, 2))

    assert figures(stage) == told
    while stage.store.merge_analytics():
        pass
    assert figures(stage) == told
    stage.send(*(stage.event(name, "eve") for name in names))
    while stage.store.merge_analytics():
        pass
    assert figures(stage) == dict.fromkeys(names, (3, 3))
    assert figures(stage, names[7]) == {names[7]: (3, 3)}
    assert figures(stage, names[7] + "x") == {}


def test_participants_keys_and_segments(stage):
    team = longest(TEAM_CHARS)
    attributes = msgspec.Raw(msgspec.json.encode({"team": team}))
    (described,) = stage.send(Describe(**stamp(stage), attributes=attributes))
    assert described.changes
    first = None
    for _ in range(20):
        event = stage.event("buy", WHO, KEY)
        first, again = stage.send(event, stage.event("buy", WHO, KEY))
        assert again.id == first.id
        stage.send(stage.claim(NAME, WHO, KEY))
        stage.clock.move(by=DAY + 1)
    week = BoardName(NAME, "2024-W22", segment=team)
    other = week._replace(segment=team + "x")

    assert first is not None
    assert first.changes
    assert stage.rows("SELECT COUNT(*) FROM windows") == [(12,)]
    assert stage.rows("SELECT COUNT(*) FROM standings WHERE segment IS NOT NULL") == [(4,)]
    assert stage.store.queries.place(WORLD, week, WHO).rank == 1
    assert stage.store.queries.top(WORLD, other, 9).places == []


def test_codes(stage):
    codes = [longest(limits.CODE_CHARS_MAX - which) for which in range(2)]
    assert stage.store.registry.put_codes(WORLD, NAME, codes, NOON) == len(codes)
    stage.tell("buy", WHO)

    (claimed,) = stage.send(ClaimReward(**stamp(stage), offer=NAME, pays=True))

    assert claimed.changes


def test_webhooks(stage):
    received_at, (event,) = stage.clock.accept(1)
    delivery = Delivery(
        tenant=WORLD,
        source=NAME,
        id=longest(limits.WEBHOOK_ID_CHARS_MAX),
        event=event,
        type=longest(limits.QUESTKIT_EVENT_NAME_CHARS_MAX),
        received_at=received_at,
        due_at=received_at,
    )

    assert stage.store.inbox.put([delivery]) == stage.store.inbox.put([delivery]) == [delivery.id]
    assert len(stage.store.inbox.due(WORLD, stage.clock.at, 9)) == 1


def test_revocations(stage):
    token = longest(limits.PARTICIPANT_ID_CHARS_MAX - 1) + longest(1)
    stage.store.denylist.revoke_token(SHOP, token, at=NOON, expires_at=NOON + DAY)
    stage.store.denylist.revoke_participant(SHOP, WHO, at=NOON)

    assert stage.store.denylist.is_revoked(SHOP, token, WHO, issued_at_s=0)
