"""Rankings where many processes write: each reads in the journal what the others have moved."""

from functools import partial

import pytest
from msgspec import Raw
from tests.cast import SHOP
from tests.contract.together import at_once, several

from laurels.core.command import Describe, Reset
from laurels.engine.answers import BoardName
from laurels.store import ranks as ranks_module

RULEBOOK = """
leaderboards:
  - {id: spend, event: buy, score: {sum: amount}, period: weekly, segment: team}
"""
WEEK = BoardName("spend", "2024-W20")
RED, BLUE = WEEK._replace(segment="red"), WEEK._replace(segment="blue")


@pytest.fixture
def stages(quick_postgres_url, caplog):
    with several(quick_postgres_url, 3, RULEBOOK) as stages:
        yield stages
        assert stages[0].findings() == []
    assert caplog.records == []


def join(stage, who, team):
    received_at, (id_,) = stage.clock.accept(1)
    attributes = Raw(b'{"team": "%s"}' % team.encode())
    profile = Describe(
        tenant=SHOP, id=id_, participant=who, received_at=received_at, attributes=attributes
    )
    stage.send(profile)


def order(stage, name=WEEK):
    return [place.participant for place in stage.store.queries.top(SHOP, name, 10).places]


def test_what_one_process_moves_shows_in_all_at_once(stages, loads):
    one, other, third = stages
    one.tell("buy", "ann", amount=5)
    assert [order(stage) for stage in stages] == [["ann"]] * 3
    other.tell("buy", "bob", amount=7)
    assert [order(stage) for stage in stages] == [["bob", "ann"]] * 3
    third.tell("see", "cid")
    one.tell("buy", "ann", amount=5)
    assert [order(stage) for stage in stages] == [["ann", "bob"]] * 3

    assert len(loads) == 3
    assert other.store.queries.place(SHOP, WEEK, "ann").score == 10_000_000
    assert third.store.queries.total(SHOP, WEEK) == 2


def test_people_move_between_segments_in_all_processes(stages):
    one, other, _ = stages
    for who, team in (("ann", "red"), ("bob", "blue"), ("cid", "red")):
        join(one, who, team)
        one.tell("buy", who, amount=5)
    for name in (WEEK, RED, BLUE):
        order(other, name)
    join(one, "ann", "blue")
    one.tell("buy", "ann", amount=1)

    for stage in stages:
        assert (order(stage, RED), order(stage, BLUE)) == (["cid"], ["ann", "bob"])
        assert order(stage) == ["ann", "bob", "cid"]


def test_whoever_is_too_far_behind_loads_the_ranking_again(stages, loads, monkeypatch):
    monkeypatch.setattr(ranks_module, "ROWS_CAUGHT_UP_MAX", 3)
    one, other, _ = stages
    one.tell("buy", "ann", amount=1)
    order(other)
    one.send(*(one.event("buy", f"p{n}", amount=n + 2) for n in range(3)))
    assert order(other) == ["p2", "p1", "p0", "ann"]
    assert len(loads) == 1
    one.send(*(one.event("buy", f"p{n}", amount=n * 9) for n in range(4)))

    assert order(other) == ["p3", "p2", "p1", "p0", "ann"]
    assert len(loads) == 2


def test_who_begins_anew_begins_anew_in_all_processes(stages):
    one, other, _ = stages
    for who in ("ann", "bob"):
        one.tell("buy", who, amount=5)
    assert order(other) == ["ann", "bob"]
    received_at, (id_,) = one.clock.accept(1)
    one.send(Reset(tenant=SHOP, id=id_, participant="ann", received_at=received_at))
    here, there = order(one), order(other)

    one.reopen()
    assert order(one) == here == there


def test_whoever_wrote_finds_it_wherever_they_ask(stages):
    """Three write and ask one another, at once: what was answered before a question is in it."""
    rounds = 25

    def work(number):
        mine, other = stages[number], stages[number - 1]
        for n in range(1, rounds + 1):
            mine.tell("buy", f"p{number}", amount=1)
            for stage in (mine, other):
                place = stage.store.queries.place(SHOP, WEEK, f"p{number}")
                assert place.score == n * 1_000_000
            if n % 10 == 0:
                other.store._ranks.clear()

    at_once(*(partial(work, number) for number in range(3)))

    assert [stage.store.queries.total(SHOP, WEEK) for stage in stages] == [3] * 3
