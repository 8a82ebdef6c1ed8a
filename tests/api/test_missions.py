"""What missions tell of our challenges, beside what the transcripts show."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.stub import House

from laurels.api.questkit.missions import from_cursor, from_limit, to_cursor
from laurels.api.questkit.translate_missions import reached, to_claimed, to_filter, to_mission
from laurels.core.change import ChallengeClaimed, PointsPosted
from laurels.core.rulebook import (
    BadgeReward,
    FreezeReward,
    ItemReward,
    OfferReward,
    PointsReward,
)
from laurels.engine.ports import Receipt
from laurels.engine.rulebook_text import load_rulebook

OBJECTIVE = "objectives: [{event: go, count: 1}]"


def mission(rest, sections=""):
    text = f"{sections}\nchallenges: [{{id: m, {rest}}}]"
    rulebook = load_rulebook(text)
    return msgspec.to_builtins(to_mission(rulebook.challenges[0]))


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("{a: 1}", {"a": {"eq": 1}}),
        ("{a: {gte: 5, lt: 9.5}, b: x}", {"a": {"gte": 5, "lt": 9.5}, "b": {"eq": "x"}}),
        ("{a: {in: [1, x, null]}}", {"a": {"in": [1, "x", None]}}),
        ("{any: [{a: 1}, {b: 2}]}", {"any": [{"a": {"eq": 1}}, {"b": {"eq": 2}}]}),
        ("{not: {a: 1}}", {"not": {"a": {"eq": 1}}}),
        (
            "{all: [{a: 1}, {a: 2}]}",
            {"all": [{"a": {"eq": 1}}, {"a": {"eq": 2}}]},
        ),
        (
            "{all: [{not: {a: 1}}, {not: {b: 2}}]}",
            {"all": [{"not": {"a": {"eq": 1}}}, {"not": {"b": {"eq": 2}}}]},
        ),
    ],
)
def test_a_filter_is_spelled_by_property(where, told):
    rulebook = load_rulebook(f"badges: [{{id: b, event: x, where: {where}}}]")

    hears = rulebook.badges[0].hears
    assert hears is not None
    assert hears.where is not None

    assert to_filter(hears.where) == told


@pytest.mark.parametrize(
    ("window", "told"),
    [
        ("daily", {"window": "daily"}),
        ("monthly", {"window": "monthly"}),
        ("lifetime", {"window": "lifetime"}),
        ("{days: 7}", {"window": "rolling"}),
        ("{from: 2026-01-01, to: 2026-02-01}", {"window": "lifetime", "expires": 1769904000000}),
    ],
)
def test_a_window_is_called_by_what_clients_know(window, told):
    shown = mission(f"window: {window}, {OBJECTIVE}")

    assert shown["criteria"]["window"] == told["window"]
    assert shown.get("expiresAt") == told.get("expires")


def test_a_mission_may_listen_to_what_others_came_to():
    shown = mission("objectives: [{fact: badge.awarded, count: 2}]")

    assert shown["criteria"] == {"eventName": "badge.awarded", "count": 2, "window": "lifetime"}
    assert (shown["reward"], shown["rewards"]) == (None, [])


def test_whatever_is_paid_is_a_currency_a_badge_or_an_item():
    sections = (
        "badges: [{id: b}]\nrewards: [{id: mug}]\nstreaks: [{id: s, event: go, freezes: {cap: 2}}]"
    )
    paid = (
        "{points: 3}, {badge: b}, {item: i, quantity: 2}, {reward: mug}, {freeze: s, quantity: 2}"
    )
    shown = mission(f"rewards: [{paid}], {OBJECTIVE}", sections)

    assert shown["reward"] == {"kind": "currency", "currency": "points", "amount": 3}
    assert shown["rewards"][1:] == [
        {"kind": "badge", "badgeId": "b"},
        {"kind": "item", "itemId": "i", "quantity": 2},
        {"kind": "item", "itemId": "mug", "quantity": 1},
        {"kind": "item", "itemId": "freeze:s", "quantity": 2},
    ]


def receipt(*changes):
    return Receipt(
        id="x", name="", version=1, recorded_at=9, received_at=9, changes=changes, currency="points"
    )


def test_the_balance_is_that_of_the_first_rewards_currency_after_all_that_followed():
    rewards = (PointsReward("coin", 5), PointsReward("gem", 1))
    claimed = ChallengeClaimed("m", "", 7, -1, 3, rewards)
    told = to_claimed(
        "ann",
        receipt(
            claimed,
            PointsPosted("@mint", "p:ann", "coin", 5, "m", balance=15),
            PointsPosted("@mint", "p:ann", "gem", 1, "m", balance=1),
            PointsPosted("@mint", "p:ann", "coin", 2, "bonus", balance=17),
        ),
    )

    balance = told.balance
    assert balance is not None
    assert (balance.currency, balance.amount, balance.updated_at) == ("coin", 17, 9)
    assert (told.progress.current_count, told.progress.updated_at) == (3, 7)


@pytest.mark.parametrize("reward", [BadgeReward("b", "B"), ItemReward("i", 1), None])
def test_there_is_no_balance_where_the_reward_is_no_currency(reward):
    rewards = () if reward is None else (reward,)

    assert to_claimed("ann", receipt(ChallengeClaimed("m", "", 7, -1, 1, rewards))).balance is None


def test_an_offer_and_a_freeze_have_no_balance_either():
    for reward in (OfferReward("mug", "Mug"), FreezeReward("s", 1)):
        claimed = ChallengeClaimed("m", "", 7, -1, 1, (reward,))
        assert to_claimed("ann", receipt(claimed)).balance is None


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_a_cursor_comes_back_as_it_was(name):
    assert from_cursor(to_cursor(name)) == name


@given(st.text())
def test_whatever_is_no_cursor_of_ours_is_refused_by_name(text):
    try:
        name = from_cursor(text)
    except ValueError:
        return
    assert to_cursor(name) == text


@given(st.text())
def test_any_limit_is_a_limit(text):
    assert 1 <= from_limit(text) <= 100


@given(st.integers(-(10**16), 10**16), st.integers(1, 10**16))
def test_no_share_leaves_its_bounds(measure, target):
    share, count, whole = reached(measure, target)

    assert 0 <= share <= 1
    assert 0 <= count <= whole
    assert (share == 1) == (measure >= target)


def test_the_cursor_of_a_mission_that_is_gone_still_has_a_place():
    house = House()

    path = f"/v1/missions?cursor={to_cursor('e-is-no-mission')}"
    reply = house.call("GET", path, headers=house.token(), key=None)

    assert reply.json["missions"][0]["id"] == "fitness"
