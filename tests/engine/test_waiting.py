"""Somebody who cannot be settled just now is settled later, and holds nobody up."""

import asyncio

import pytest
from tests.cast import DAY, HOUR, NOON, SHOP, Stage

from laurels.core.change import ContestCompleted, PrizeWon
from laurels.core.command import HOUSE, CloseContest
from laurels.engine.gather import Gather
from laurels.engine.scheduler import Scheduler

RULEBOOK = """
currencies: [points, {id: coin, expires: {days: 1}}]
earn:
  - {id: coin, event: work, currency: coin, amount: 10}
contests:
  - id: cup
    event: buy
    score: {sum: amount}
    starts: 2024-05-15
    ends: 2024-05-16
    grace_hours: 0
    prizes: [{ranks: 1-5, rewards: [{points: 10}]}]
"""


@pytest.fixture
def stage(tmp_path):
    stage = Stage(tmp_path / "laurels.db", RULEBOOK)
    for place, who in enumerate("abcdef"):
        stage.tell("work", who)
        stage.tell("buy", who, amount=9 - place)
    yield stage
    stage.store.close()


def step(stage):
    async def look():
        gather = Gather(stage.engine)
        gather.start()
        try:
            await Scheduler(gather, stage.store.queries, stage.store, stage.clock).step()
        finally:
            await gather.close()

    asyncio.run(look())


def put_state(stage, who, state):
    stage.rows("UPDATE participants SET state = ? WHERE id = ?", state, who)


def told(stage, kind):
    return [
        entry.participant
        for entry in stage.journal()
        for change in entry.changes
        if type(change) is kind
    ]


def test_a_winner_who_cannot_be_paid_now_is_paid_later(stage, caplog):
    ((state,),) = stage.rows("SELECT state FROM participants WHERE id = 'b'")
    stage.clock.at = NOON + 12 * HOUR
    put_state(stage, "b", "damaged")
    step(stage)
    step(stage)
    assert told(stage, PrizeWon) == ["a", "c", "d", "e"]
    assert told(stage, ContestCompleted) == []
    assert "1 of 5 commands that are due have to wait" in caplog.text

    put_state(stage, "b", state)
    step(stage)
    assert told(stage, PrizeWon) == ["a", "c", "d", "e", "b"]
    assert len(told(stage, ContestCompleted)) == 1
    assert stage.findings() == []


def test_whoever_cannot_be_settled_does_not_keep_a_contest_from_ending(stage):
    put_state(stage, "f", "damaged")
    stage.clock.move(by=3 * DAY)
    step(stage)

    assert told(stage, PrizeWon) == ["a", "b", "c", "d", "e"]
    assert {stage.balance(who, "coin") for who in "abcde"} == {0}
    assert stage.store.queries.contests(SHOP)["cup"].completed_at == stage.clock.at


def test_a_contest_that_was_gone_when_it_was_closed_is_completed_without_prizes(stage):
    received_at, (id_,) = stage.clock.accept(1)
    stage.send(
        CloseContest(
            tenant=SHOP, id=id_, participant=HOUSE, received_at=received_at, contest="gone"
        )
    )
    step(stage)

    assert stage.store.queries.contests(SHOP)["gone"].completed_at == stage.clock.at
    assert told(stage, PrizeWon) == []
    assert stage.findings() == []
