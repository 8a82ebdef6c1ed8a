"""A demo account that begins anew leaves nothing behind, and every sum still holds."""

import pytest
from tests.cast import DAY, NOON, SHOP, a_stage

from laurels.core.command import Hold, Recommend, Reset

RULEBOOK = """
earn: [{id: unit, event: buy, points: {of: amount, times: 1}}]
badges: [{id: buyer, event: buy}]
challenges:
  - id: daily
    window: daily
    claim: manual
    objectives: [{event: buy, count: 1}]
    rewards: [{points: 5}]
leaderboards: [{id: spenders, score: {sum: points}}]
"""


@pytest.fixture
def stage(place):
    with a_stage(place, RULEBOOK) as stage:
        yield stage
        assert stage.findings() == []


def stamp(stage, who="ann"):
    received_at, (id_,) = stage.clock.accept(1)
    return {"tenant": SHOP, "id": id_, "participant": who, "received_at": received_at}


def reset(stage, who="ann"):
    return Reset(**stamp(stage, who))


def test_what_is_reset_is_as_if_never_met(stage):
    for day in range(20):
        stage.tell("buy", at=NOON - day * DAY, amount=10)
    stage.send(stage.claim("daily"), Hold(**stamp(stage), amount=30))
    stage.tell("buy", "bob", amount=3)

    (receipt,) = stage.send(reset(stage))

    (change,) = receipt.changes
    assert change.written_off == (("p:ann", "points", 175), ("h:ann", "points", 30))
    state = stage.store.queries.participant(SHOP, "ann").state
    assert (state.balances, state.badges, state.due_at, state.windows("daily")) == (
        {},
        {},
        None,
        {},
    )
    assert stage.store.queries.count_events(SHOP, "ann") == 0
    assert stage.store.queries.ledger(SHOP, "ann", page=1, page_size=10).total == 0
    assert stage.store.queries.count_events(SHOP, "bob") == 1
    assert stage.findings() == []


def test_its_keys_are_free_again_at_once_and_after_a_restart(stage):
    first = stage.event("buy", key="k", amount=10)
    stage.send(first)
    stage.send(reset(stage))
    assert stage.engine.recall(first) is None

    (again,) = stage.send(stage.event("buy", key="k", amount=10))

    assert not again.duplicate
    assert stage.balance() == 10
    (replayed,) = stage.send(stage.event("buy", key="k", amount=10))
    assert replayed.duplicate
    assert replayed.id == again.id


def test_it_frees_nobody_elses_keys(stage):
    bob = stage.event("buy", "bob", key="k", amount=3)
    stage.send(bob, stage.event("buy", key="k", amount=10))

    stage.send(reset(stage))

    replayed = stage.engine.recall(bob)
    assert replayed is not None
    assert replayed.answered_by == "cache"


def test_what_comes_after_it_in_the_same_batch_stays(stage):
    before, begin, after = stage.event("buy", amount=10), reset(stage), stage.event("buy", amount=4)
    stage.send(before, begin, after)

    assert stage.balance() == 4
    assert stage.store.queries.count_events(SHOP, "ann") == 1


def test_it_can_be_done_again_and_for_somebody_never_met(stage):
    stage.tell("buy", amount=10)
    for _ in range(3):
        stage.send(reset(stage), reset(stage, "eve"))
    stage.tell("buy", amount=1)

    assert stage.balance() == 1


def test_a_recommendation_is_in_the_journal_and_changes_nobody(stage):
    stage.tell("buy", amount=10)
    state = stage.store.queries.participant(SHOP, "ann").state.picture()

    stage.send(Recommend(**stamp(stage), challenges=("daily",), why="You are near."))

    (entry,) = stage.journal()[1:]
    assert (entry.operation, entry.changes[0].challenges) == ("recommend", ("daily",))
    assert stage.store.queries.participant(SHOP, "ann").state.picture() == state
