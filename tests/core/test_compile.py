"""Compiled rulebooks: the fast reading is the plain reading, and chains are seen to their end."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests import strategies

from laurels.core.compile import compile_matcher, compile_rulebook, least
from laurels.core.errors import NumberOutOfRange
from laurels.core.filter import All, Clause, Not, Some, path_of, satisfies
from laurels.core.limits import NUMBER_MAX
from laurels.core.number import millionths
from laurels.core.rulebook import (
    Badge,
    BadgeReward,
    Challenge,
    EarnRule,
    ItemReward,
    Listener,
    Objective,
    PointsReward,
    Rulebook,
    Step,
    Window,
)
from laurels.core.window import Calendar

FIVE = 5_000_000


def earns(rule_id, kind="custom.buy", where=None):
    return EarnRule(id=rule_id, hears=Listener(kind=kind, where=where), currency="points", fixed=1)


def badge(badge_id, kind=None):
    return Badge(id=badge_id, title=badge_id, hears=Listener(kind=kind) if kind else None)


def challenge(challenge_id, *kinds, window: Any = "lifetime", claim: Any = "automatic", rewards=()):
    objectives = tuple(
        Objective(id=f"o{n}", hears=Listener(kind=kind), measure="count", target=FIVE)
        for n, kind in enumerate(kinds)
    )
    return Challenge(
        id=challenge_id,
        title=challenge_id,
        window=Window(window),
        needs=len(objectives),
        claim=claim,
        objectives=objectives,
        rewards=rewards,
    )


def outcome(ask, data):
    """Return what came of it, or the name of the property that it was refused for."""
    try:
        return ask(data)
    except NumberOutOfRange as refused:
        return refused.problems[0].path


@settings(max_examples=800)
@given(
    st.lists(st.none() | strategies.filters, min_size=1, max_size=3),
    st.lists(strategies.payloads, min_size=1, max_size=3),
)
def test_compiled_is_interpreted(filters, payloads):
    rules = [(earns(str(n)), where) for n, where in enumerate(filters)]
    compiled = compile_matcher(rules)

    def interpret(data):
        return [rule for rule, where in rules if where is None or satisfies(where, data)]

    for data in payloads:
        assert outcome(compiled, data) == outcome(interpret, data)


@pytest.mark.parametrize(
    ("where", "data", "matches"),
    [
        (Clause(path_of("x"), "eq", "import os"), {"x": "import os"}, True),
        (Clause(path_of('"]); boom('), "eq", '"""'), {'"]); boom(': '"""'}, True),
        (Clause(path_of("a.b"), "eq", None), {"a": {"b": None}}, True),
        (Clause(path_of("a.b"), "eq", None), {}, False),
        (Clause(path_of("x"), "in", ["a", 1, True, None, [1]]), {"x": [1.0]}, True),
        (Clause(path_of("x"), "in", ["a", 1, True, None, [1]]), {"x": 1.0}, True),
        (Clause(path_of("x"), "in", ["a", 1]), {"x": True}, False),
        (Clause(path_of("x"), "in", ["a", 1]), {"x": ["a"]}, False),
        (Clause(path_of("x"), "not_in", ["a", 1]), {"x": {}}, True),
        (Clause(path_of("x"), "not_in", ["a", 1]), {}, False),
        (Clause(path_of("x"), "in", []), {"x": 1}, False),
        (Clause(path_of("x"), "eq", NUMBER_MAX + 1), {"x": NUMBER_MAX + 1}, True),
        (Clause(path_of("x"), "eq", 1), {"x": NUMBER_MAX + 1}, False),
        (Clause(path_of("x"), "exists", False), {"x": None}, False),
        (All(()), {}, True),
        (Some(()), {}, False),
        (Not(All((Clause(path_of("x"), "contains", 1),))), {"x": [2]}, True),
    ],
)
def test_a_compiled_filter_holds(where, data, matches):
    rule = earns("rule")
    assert compile_matcher([(rule, where)])(data) == ([rule] if matches else [])
    assert satisfies(where, data) is matches


def test_a_number_out_of_range_is_refused_only_when_it_comes_to_be_compared():
    reads = Clause(path_of("amount"), "gte", FIVE)
    asks_first = compile_matcher([(earns("rule"), All((Clause(path_of("x"), "eq", 1), reads)))])
    assert asks_first({"amount": NUMBER_MAX + 1, "x": 2}) == []
    with pytest.raises(NumberOutOfRange) as refused:
        asks_first({"amount": NUMBER_MAX + 1, "x": 1})
    assert refused.value.problems[0].path == "amount"


@given(strategies.bounds, strategies.in_range)
@example(-2_968, 0)  # Its least float lies below the first guess,
@example(-2_981, 0)  # and this one's above.
def test_comparing_with_the_least_float_is_comparing_millionths(bound, number):
    for each in (number, least(bound), bound / 1_000_000):
        if abs(each) <= NUMBER_MAX:
            assert (each >= least(bound)) is (millionths(each) >= bound)


def test_rules_come_in_the_order_of_the_rulebook():
    one, two = badge("one", "custom.buy"), badge("never")
    goal = challenge("goal", "custom.buy", "custom.sell", "custom.buy")
    earn = earns("first"), earns("second", where=Clause(path_of("x"), "eq", 1)), earns("third")
    book = Rulebook(challenges=(goal,), badges=(one, two), earn=earn)

    compiled = compile_rulebook(book, 7)

    steps = [Step(goal, objective) for objective in goal.objectives]
    assert sorted(compiled.matchers) == ["custom.buy", "custom.sell"]
    assert compiled.matchers["custom.buy"]({"x": 1}) == [*earn, one, steps[0], steps[2]]
    assert compiled.matchers["custom.buy"]({}) == [earn[0], earn[2], one, steps[0], steps[2]]
    assert compiled.matchers["custom.sell"]({}) == [steps[1]]
    assert (compiled.rulebook, compiled.version) == (book, 7)
    assert compiled.challenges == {"goal": goal}


def test_the_calendar_is_the_rulebooks():
    compiled = compile_rulebook(Rulebook(timezone="Asia/Tokyo", week_starts="sunday"), 1)
    assert compiled.calendar == Calendar("Asia/Tokyo", "sunday")


ITEM, POINTS, BADGE = ItemReward("boots", 1), PointsReward("points", 5), BadgeReward("b", "B")


@pytest.mark.parametrize(
    ("kind", "moved"),
    [
        # A challenge that is moved may be completed, and so move another.
        ("custom.walk", "daily after-completed"),
        ("custom.once", "after-completed"),
        ("custom.unheard", None),
        ("custom.paid", "after-completed after-points"),
        ("custom.badged", "after-completed after-badge"),
        ("custom.done", "after-completed after-claimed after-points after-item"),
        ("custom.long", "after-completed after-claimed after-badge after-item"),
        # To complete a manual challenge pays nothing; to claim it does.
        ("custom.manual", "after-completed"),
        ("challenge.claimed", "after-completed after-claimed after-item"),
        ("item.granted", "after-completed after-item"),
    ],
)
def test_a_fact_may_move_what_its_chain_can_reach(kind, moved):
    book = Rulebook(
        earn=(earns("pays", "custom.paid"),),
        badges=(badge("b", "custom.badged"),),
        challenges=(
            challenge("daily", "custom.walk", "custom.walk", window="daily", claim="manual"),
            challenge("once", "custom.once", claim="manual"),
            challenge("done", "custom.done", rewards=(POINTS,)),
            challenge("long", "custom.long", rewards=(BADGE, ITEM)),
            challenge("manual", "custom.manual", claim="manual", rewards=(ITEM,)),
            challenge("after-completed", "challenge.completed", window="weekly", claim="manual"),
            challenge("after-claimed", "challenge.claimed", window="monthly", claim="manual"),
            challenge("after-points", "points.posted", window="daily", claim="manual"),
            challenge("after-badge", "badge.awarded", window="daily", claim="manual"),
            challenge("after-item", "item.granted", window="daily", claim="manual"),
        ),
    )
    recurring = compile_rulebook(book, 1).recurring.get(kind)
    found = None if recurring is None else " ".join(each.id for each in recurring)
    assert found == moved
