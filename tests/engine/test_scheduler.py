"""Time passes: what is due is settled once, contests end once, a long stop is caught up with."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.cast import DAY, HOUR, NOON, SHOP, Stage

from laurels.core.change import (
    ContestCompleted,
    ContestFrozen,
    FreezeSpent,
    PointsPosted,
    PrizeWon,
    ScoreTooLate,
    StreakBroken,
    TierChanged,
)
from laurels.core.command import HOUSE
from laurels.core.errors import Unavailable
from laurels.engine import scheduler as scheduling
from laurels.engine.answers import BoardName
from laurels.engine.gather import Gather
from laurels.engine.reading import read
from laurels.engine.scheduler import Scheduler
from laurels.store import sweep

RULEBOOK = """
currencies: [points, {id: coin, expires: {days: 1}}]
earn:
  - {id: unit, event: buy, points: {of: amount, times: 1}}
  - {id: coin, event: work, currency: coin, amount: 10}
streaks:
  - {id: daily, event: work, grace_hours: 2, freezes: {cap: 1, earn_every: 1}}
leaderboards:
  - {id: spenders, event: buy, score: {sum: amount}, period: monthly}
contests:
  - id: cup
    event: buy
    score: {sum: amount}
    starts: 2024-05-15
    ends: 2024-05-16
    grace_hours: 1
    max_liability: 110
    prizes:
      - {ranks: 1, rewards: [{points: 100}]}
      - {ranks: 2-3, rewards: [{points: 10}]}
  - {id: draft, event: buy, score: count, starts: 2024-05-15, ends: 2024-05-16, draft: true}
"""
END = NOON + 12 * HOUR


@pytest.fixture
def stage(place):
    stage = Stage(place, RULEBOOK)
    yield stage
    stage.store.close()


@asynccontextmanager
async def scheduling_on(stage: Stage):
    gather = Gather(stage.engine)
    gather.start()
    try:
        yield Scheduler(gather, stage.store.queries, stage.store, stage.clock)
    finally:
        await gather.close()


def step(stage: Stage, times: int = 1) -> list[bool]:
    """Let the scheduler look so many times, and say each time whether it has more to do."""

    async def look() -> list[bool]:
        async with scheduling_on(stage) as scheduler:
            return [await scheduler.step() for _ in range(times)]

    return asyncio.run(look())


def told(stage, *kinds) -> list[Any]:
    return [
        change for entry in stage.journal() for change in entry.changes if type(change) in kinds
    ]


def test_what_expires_breaks_or_ends_is_settled_when_its_time_comes(stage):
    stage.tell("work")
    step(stage)
    assert told(stage, FreezeSpent, StreakBroken) == []
    stage.clock.move(by=2 * DAY)
    step(stage)

    assert stage.balance(currency="coin") == 0
    assert [type(change) for change in told(stage, FreezeSpent, StreakBroken)] == [FreezeSpent]
    stage.clock.move(by=2 * DAY)
    step(stage)
    (broken,) = told(stage, StreakBroken)
    assert broken.length == 1
    assert stage.state().due == {}
    assert stage.findings() == []


def test_a_look_that_finds_nothing_due_writes_nothing(stage):
    stage.tell("work")
    before = stage.journal()
    step(stage, times=3)

    assert stage.journal() == before


def test_a_long_stop_is_caught_up_with_once_and_leaves_what_prompt_looks_leave(stage, tmp_path):
    prompt = Stage(tmp_path / "prompt.db", RULEBOOK)
    for each in (stage, prompt):
        each.tell("work")
    for _ in range(10):
        prompt.clock.move(by=DAY)
        step(prompt)
    stage.clock.move(by=10 * DAY)
    step(stage, times=2)

    assert stage.state().picture() == prompt.state().picture()
    assert of_ann(stage) == of_ann(prompt)
    prompt.store.close()


def of_ann(stage):
    return [entry.changes for entry in stage.journal() if entry.participant == "ann"]


def test_a_command_settles_what_is_due_before_it(stage):
    stage.tell("work")
    stage.clock.move(by=5 * DAY)
    stage.tell("buy", amount=1)

    assert [entry.operation for entry in stage.journal()] == [
        "event",
        "tick",
        "tick",
        "tick",
        "event",
    ]
    assert stage.balance(currency="coin") == 0


def test_a_read_shows_what_is_due_and_records_nothing(stage):
    stage.tell("work")
    later = NOON + 5 * DAY
    seen = read(stage.store.queries, SHOP, "ann", later)

    assert seen.state.balances["coin"].amount == 0
    assert stage.balance(currency="coin") == 10
    assert len(stage.journal()) == 1


def test_more_than_can_be_done_at_once_is_told(stage, monkeypatch):
    monkeypatch.setattr(scheduling, "COMMANDS_AT_ONCE_MAX", 2)
    for who in "abc":
        stage.tell("work", who)
    stage.clock.move(by=2 * DAY)

    assert step(stage, times=3) == [True, False, False]
    assert {stage.balance(who, "coin") for who in "abc"} == {0}


def test_receipts_that_count_no_more_are_forgotten_as_fast_as_they_come(stage, monkeypatch):
    """Also where nobody but a queue's workers decides anything."""
    monkeypatch.setattr(sweep, "ROWS_PER_STEP", 4)
    for hour in range(0, 30, 5):
        stage.clock.at = NOON + hour * HOUR
        people = [f"p{n}" for n in range(30)]
        sent = [stage.event("buy", who, key=f"{hour}", amount=1) for who in people]
        stage.engine.submit(sent, waited=True)
    stage.clock.at = NOON + 40 * HOUR

    behind = step(stage, times=50)

    left = stage.rows("SELECT received_at FROM receipts WHERE operation = 'event'")
    assert Counter((at - NOON) // HOUR for (at,) in left) == {15: 30, 20: 30, 25: 30}
    assert any(behind)
    assert step(stage, times=9) == [False] * 9
    assert stage.tell("buy", "p7", key="20", amount=1).duplicate


def test_a_world_that_cannot_be_settled_keeps_nobody_from_tidying(stage, monkeypatch):
    stage.tell("buy", key="k", amount=1)
    stage.clock.move(by=2 * DAY)
    monkeypatch.setattr(Scheduler, "_end_contests", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        step(stage)

    assert stage.rows("SELECT COUNT(*) FROM receipts WHERE operation = 'event'") == [(0,)]


def play_cup(stage):
    for who, amount in [("ann", 5), ("bob", 9), ("cid", 7), ("dan", 1)]:
        stage.tell("buy", who, amount=amount)


def test_a_contest_closes_after_its_grace_and_pays_by_rank_until_its_liability(stage):
    play_cup(stage)
    stage.clock.at = END
    step(stage)
    assert told(stage, ContestFrozen) == []
    stage.clock.at = END + HOUR
    stage.tell("buy", "ann", at=END - 1, amount=1)
    step(stage)

    won = [
        (entry.participant, one.rank)
        for entry in stage.journal()
        for one in entry.changes
        if isinstance(one, PrizeWon)
    ]
    assert won == [("bob", 1), ("cid", 2)]
    assert (stage.balance("bob"), stage.balance("cid")) == (109, 17)
    (row,) = stage.store.queries.contests(SHOP).values()
    assert (row.contest, row.paid, row.completed_at) == ("cup", 2, END + HOUR)
    assert [entry.participant for entry in stage.journal() if entry.operation.endswith(":cup")] == [
        HOUSE,
        "bob",
        "cid",
        HOUSE,
    ]
    assert stage.findings() == []


def test_a_closed_contest_stays_closed(stage):
    play_cup(stage)
    stage.clock.at = END + HOUR
    step(stage, times=3)
    late = stage.tell("buy", "dan", at=END - 1, amount=1000)
    step(stage)

    assert [type(one) for one in late.changes if type(one) is ScoreTooLate] == [ScoreTooLate]
    top = stage.store.queries.top(SHOP, BoardName("cup", ""), 1)
    assert top.places[0].participant == "bob"
    assert len(told(stage, ContestFrozen)) == len(told(stage, ContestCompleted)) == 1
    assert len(told(stage, PrizeWon)) == 2


def test_prizes_go_on_where_they_stopped(stage, monkeypatch):
    play_cup(stage)
    stage.clock.at = END + HOUR
    monkeypatch.setattr(scheduling, "COMMANDS_AT_ONCE_MAX", 1)
    submitted = Gather.submit
    sent = []

    def dies(self, commands):
        sent.append(commands)
        if len(sent) == 3:  # The closing, the first prize, and then no more.
            raise Unavailable
        return submitted(self, commands)

    monkeypatch.setattr(Gather, "submit", dies)
    with pytest.raises(Unavailable):
        step(stage)
    assert len(told(stage, PrizeWon)) == 1
    step(stage)

    assert [won.rank for won in told(stage, PrizeWon)] == [1, 2]
    assert len(told(stage, ContestCompleted)) == 1


def test_a_contest_without_entrants_or_prizes_is_completed_too(stage):
    stage.clock.at = END + HOUR
    step(stage)

    assert len(told(stage, ContestCompleted)) == 1
    assert told(stage, PrizeWon) == []


def test_where_ranks_are_shared_all_who_hold_one_win(place):
    stage = Stage(
        place,
        RULEBOOK.replace("    max_liability", "    ties: shared\n    max_liability"),
    )
    for who in ("ann", "bob", "cid"):
        stage.tell("buy", who, amount=5)
    stage.clock.at = END + HOUR
    step(stage)

    # Three first places of 100 points would pass the liability of 110 with the second.
    assert [won.rank for won in told(stage, PrizeWon)] == [1]
    stage.store.close()


def test_prizes_are_those_of_the_rulebook_that_closed_the_contest(stage, monkeypatch):
    play_cup(stage)
    stage.clock.at = END + HOUR
    pay = Scheduler._pay

    async def later(*_):
        return

    monkeypatch.setattr(Scheduler, "_pay", later)
    step(stage)
    stage.store.registry.put_rulebook(SHOP, "earn: []", stage.clock.at)
    monkeypatch.setattr(Scheduler, "_pay", pay)
    step(stage)

    assert len(told(stage, PrizeWon)) == 2


def test_a_board_remembers_its_ranks_when_a_day_begins(stage):
    play_cup(stage)
    step(stage)
    stage.tell("buy", "dan", amount=1000)
    step(stage)
    day = stage.clock.at // DAY
    name = BoardName("spenders", "2024-05")
    before = stage.store.queries.snapshot(SHOP, name, day=day)
    assert before.ranks == {"bob": 1, "cid": 2, "ann": 3, "dan": 4}
    stage.clock.move(by=DAY)
    step(stage)

    assert stage.store.queries.snapshot(SHOP, name, day=day + 1).ranks["dan"] == 1


def test_the_scheduler_goes_on_whatever_happens(stage, monkeypatch, caplog):
    monkeypatch.setattr(scheduling, "STEP_S", 0)
    mishaps = [Unavailable("not now"), ZeroDivisionError(), None, asyncio.CancelledError()]

    async def stumble(self):
        mishap = mishaps.pop(0)
        if mishap:
            raise mishap
        return True

    monkeypatch.setattr(Scheduler, "step", stumble)

    async def run():
        async with scheduling_on(stage) as scheduler:
            await scheduler.run()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert "not now" in caplog.text
    assert "stumbled" in caplog.text


def test_a_rule_may_hear_what_time_brings(place):
    rulebook = RULEBOOK.replace(
        "earn:", "earn:\n  - {id: comfort, fact: streak.broken, points: {of: length, times: 3}}"
    )
    stage = Stage(place, rulebook)
    stage.tell("work")
    stage.clock.move(by=10 * DAY)
    step(stage)

    assert stage.balance() == 3
    assert [one.rule for one in told(stage, PointsPosted) if one.currency == "points"] == [
        "comfort"
    ]
    assert told(stage, TierChanged) == []
    stage.store.close()
