"""Several schedulers at once on one engine: what is due is done, and it is done once."""

import asyncio
from collections import Counter

import pytest
from tests.cast import DAY, HOUR, NOON, SHOP, Stage

from laurels.core.change import ContestCompleted, ContestFrozen, PointsPosted, PrizeWon
from laurels.engine import scheduler as scheduling
from laurels.engine.answers import BoardName
from laurels.engine.gather import Gather
from laurels.engine.scheduler import Scheduler

SCHEDULERS = 3
PLAYERS = 300
WINNERS = 250
CUPS = ("first", "second")
RULEBOOK = """
currencies: [points, gem, {id: coin, expires: {days: 1}}]
earn:
  - {id: coin, event: work, currency: coin, amount: 10}
contests:
""" + "".join(
    f"""
  - id: {cup}
    event: goal
    score: {{sum: goals}}
    starts: 2024-05-15
    ends: 2024-05-16
    grace_hours: 0
    ties: {ties}
    prizes:
      - {{ranks: 1-{last}, rewards: [{{currency: gem, amount: 7}}]}}
"""
    for cup, ties, last in [("first", "earliest", 250), ("second", "dense", 9)]
)
END = NOON + 12 * HOUR


@pytest.fixture
def stage(tmp_path):
    stage = Stage(tmp_path / "laurels.db", RULEBOOK)
    stage.send(*(stage.event("goal", f"p{n}", goals=n % 10 + 1) for n in range(PLAYERS)))
    yield stage
    stage.store.close()


def look_at_once(stage: Stage, times: int) -> None:
    """Let all schedulers look at the same moment, so many times, while late goals come in."""

    async def look() -> None:
        gather = Gather(stage.engine)
        gather.start()
        made = [
            Scheduler(gather, stage.store.queries, stage.store, stage.clock)
            for _ in range(SCHEDULERS)
        ]
        for _ in range(times):
            late = [stage.event("goal", f"p{n}", at=END - 1, goals=99) for n in range(9)]
            await asyncio.gather(*(each.step() for each in made))
            await gather.submit(late)
        await gather.close()

    asyncio.run(look())


@pytest.mark.parametrize("at_once", [7, 200])
def test_prizes_are_paid_once(stage, monkeypatch, at_once):
    monkeypatch.setattr(scheduling, "COMMANDS_AT_ONCE_MAX", at_once)
    top = {cup: stage.store.queries.top(SHOP, BoardName(cup, ""), PLAYERS) for cup in CUPS}
    stage.clock.at = END
    look_at_once(stage, times=3)

    assert {stage.balance(f"p{n}", "gem") for n in range(PLAYERS)} <= {0, 7, 14}
    told = [(entry, one) for entry in stage.journal() for one in entry.changes]
    won = Counter((one.contest, entry.participant) for entry, one in told if type(one) is PrizeWon)
    assert set(won.values()) == {1}
    # In the second, everybody shares one of ten ranks, and nine of them win.
    assert Counter(cup for cup, _ in won) == {"first": WINNERS, "second": PLAYERS * 9 // 10}
    winners = [place.participant for place in top["first"].places[:WINNERS]]
    assert [who for cup, who in won if cup == "first"] == winners
    ends = Counter((type(one), one.contest) for _, one in told if hasattr(one, "contest"))
    for cup in CUPS:
        assert ends[ContestFrozen, cup] == ends[ContestCompleted, cup] == 1
        assert stage.store.queries.top(SHOP, BoardName(cup, ""), PLAYERS) == top[cup]
    assert stage.findings() == []


def test_what_expires_expires_once(stage):
    stage.send(*(stage.event("work", f"p{n}") for n in range(PLAYERS)))
    stage.clock.move(by=3 * DAY)
    look_at_once(stage, times=2)

    gone = Counter(
        entry.participant
        for entry in stage.journal()
        for one in entry.changes
        if type(one) is PointsPosted and one.rule == "@expiry"
    )
    assert gone == {f"p{n}": 1 for n in range(PLAYERS)}
    assert stage.findings() == []
