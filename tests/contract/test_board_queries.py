"""Boards of a whole store: rankings move with the events that were committed, and only those."""

import pytest
from tests.cast import SHOP, Stage, a_stage
from tests.contract.undone import undone

from laurels.engine.answers import BoardName

RULEBOOK = """
leaderboards:
  - {id: spend, event: buy, score: {sum: amount}, period: weekly}
"""
WEEK = BoardName("spend", "2024-W20")


@pytest.fixture
def stage(place):
    with a_stage(place, RULEBOOK) as stage:
        yield stage
        assert stage.findings() == []


def order(stage):
    return [place.participant for place in stage.store.queries.top(SHOP, WEEK, 10).places]


def test_a_ranking_follows_events_and_a_restart_changes_nothing(stage):
    for who, amount in (("ann", 5), ("bob", 7), ("ann", 5), ("cid", 7)):
        stage.tell("buy", who, amount=amount)
        order(stage)
    ranked = order(stage)
    stage.reopen()

    assert ranked == order(stage) == ["ann", "bob", "cid"]
    assert stage.store.queries.place(SHOP, WEEK, "ann").score == 10_000_000


def test_what_is_rolled_back_moves_nobody(stage):
    stage.tell("buy", "ann", amount=5)
    order(stage)
    with undone(stage):
        stage.tell("buy", "bob", amount=7)

    assert order(stage) == ["ann"]
    stage.tell("buy", "cid", amount=6)
    assert order(stage) == ["cid", "ann"]


def test_events_of_another_process_show_after_the_next_own_one(stage):
    stage.tell("buy", "ann", amount=5)
    order(stage)
    other = Stage(stage.path)
    other.clock.count = 1_000
    other.tell("buy", "bob", amount=7)
    other.store.close()
    stage.tell("buy", "cid", amount=6)

    assert order(stage) == ["bob", "cid", "ann"]
