"""What a batch may grant is known before it is judged: no stock is taken for empty unseen."""

import asyncio

from tests.cast import DAY, HOUR, NOON, SHOP, Stage

from laurels.core.change import PrizeWon, RewardGranted, RewardMissed
from laurels.engine.gather import Gather
from laurels.engine.scheduler import Scheduler

COFFEE = """
rewards:
  - {id: coffee, codes: true, per_participant: unlimited}
"""
CUP = """
contests:
  - id: cup
    event: buy
    score: count
    starts: 2024-05-15
    ends: 2024-05-16
    grace_hours: 0
    prizes: [{ranks: 1, rewards: [{points: 1}, {reward: coffee}]}]
"""
CONSOLED = """
earn:
  - {id: unit, event: buy, points: 10, expires: {days: 1}}
badges:
  - {id: late, fact: points.expired}
challenges:
  - {id: consoled, objectives: [{fact: badge.awarded, count: 1}], rewards: [{reward: coffee}]}
"""


def stocked(place, rulebook):
    stage = Stage(place, rulebook)
    stage.store.registry.put_codes(SHOP, "coffee", ["A", "B"], stage.clock.at)
    return stage


def kinds(stage):
    wanted = (PrizeWon, RewardGranted, RewardMissed)
    told = [type(one) for entry in stage.journal() for one in entry.changes]
    return [kind for kind in told if kind in wanted]


def test_a_prize_is_granted_though_no_rule_in_force_grants_it_any_more(place, monkeypatch):
    stage = stocked(place, COFFEE + CUP)
    stage.tell("buy")
    stage.clock.at = NOON + 12 * HOUR
    pay = Scheduler._pay

    async def later(*_):
        return

    async def look():
        gather = Gather(stage.engine)
        gather.start()
        await Scheduler(gather, stage.store.queries, stage.store, stage.clock).step()
        await gather.close()

    monkeypatch.setattr(Scheduler, "_pay", later)
    asyncio.run(look())
    stage.store.registry.put_rulebook(SHOP, COFFEE, stage.clock.at)
    monkeypatch.setattr(Scheduler, "_pay", pay)
    asyncio.run(look())

    assert kinds(stage) == [PrizeWon, RewardGranted]
    stage.store.close()


def test_what_an_event_makes_due_at_once_finds_its_stock_in_the_same_batch(place):
    stage = stocked(place, COFFEE + CONSOLED)
    stage.send(stage.event("buy", at=NOON - 5 * DAY), stage.event("other"))

    assert kinds(stage) == [RewardGranted]
    assert stage.findings() == []
    stage.store.close()
