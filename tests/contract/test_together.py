"""Many processes on one PostgreSQL: nothing is lost, counted twice or promised to two."""

import asyncio
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from threading import Event as Flag

import pytest
from tests.cast import DAY, HOUR, NOON, SHOP, SHOP_TEST, Stage
from tests.contract.together import IDS_EACH, at_once, each_at_once, several

from laurels.core.change import ContestCompleted, ContestFrozen, PointsPosted, PrizeWon
from laurels.core.command import ClaimReward
from laurels.engine.answers import AnalyticsAsked
from laurels.engine.gather import Gather
from laurels.engine.ports import Receipt
from laurels.engine.scheduler import Scheduler
from laurels.store import analytics
from laurels.store.postgres.connections import PostgresHand

RULEBOOK = """
currencies: [points, gem]
earn:
  - {id: unit, event: buy, points: {of: amount, times: 1}}
  - {id: gem, event: buy, currency: gem, amount: 1}
challenges: [{id: daily, window: daily, objectives: [{event: buy, count: 2}]}]
leaderboards: [{id: spend, event: buy, score: {sum: amount}, period: weekly}]
"""
ROOT = Path(__file__).parents[2]
PEOPLE = tuple(f"p{n}" for n in range(5))


@pytest.fixture
def stages(quick_postgres_url, caplog):
    """Four processes, of which none has anything to complain about in the end."""
    with several(quick_postgres_url, 4, RULEBOOK) as stages:
        stages[0].store.registry.put_rulebook(SHOP_TEST, RULEBOOK, NOON)
        yield stages
        assert_sound(stages[0])
    assert caplog.records == []


def assert_sound(stage: Stage):
    assert stage.findings() == []
    assert stage.rows("SELECT id FROM participants WHERE state = ''") == []


def is_decided(outcome):
    return isinstance(outcome, Receipt) and outcome.answered_by == "decision"


def analytics_of(stage: Stage, world: str):
    asked = AnalyticsAsked(since=0, until=2 * NOON // HOUR, by="name")
    return stage.store.queries.analytics(world, asked)


def linger(stage: Stage, chance: random.Random):
    """Let every transaction of a stage take its time: its numbers are taken, and it waits."""
    transaction = stage.store.transaction

    @contextmanager
    def lingering():
        with transaction() as of_tenant:
            time.sleep(chance.uniform(0, 0.004))
            yield of_tenant
            time.sleep(chance.uniform(0, 0.004))

    stage.store.transaction = lingering


def write_slowly(stage: Stage, batches: int) -> None:
    which = stage.clock.count // IDS_EACH % 2
    for size in range(batches):
        people = [f"p{(size + n) % 3}-{which}" for n in range(size % 4 + 1)]
        stage.send(*(stage.event("buy", who, amount=1) for who in people))


def follow(read, done: Flag) -> list[int]:
    """Read on until nothing more can come."""
    seen, after = [], 0
    while True:
        is_last = done.is_set()
        news, after = read(after)
        seen += news
        if is_last and not news:
            return seen


def test_whoever_follows_four_slow_writers_misses_nothing(stages):
    batches, done = 25, Flag()
    for number, stage in enumerate(stages):
        linger(stage, random.Random(number))

    def write_all():
        each_at_once(stages, partial(write_slowly, batches=batches))
        done.set()

    def journal(after):
        news = [each.number for each in stages[0].store.queries.journal(SHOP, after=after, count=7)]
        return news, news[-1] if news else after

    names = [f"p{n}-{which}" for n in range(3) for which in range(2)]

    def feed(after):
        piece = stages[1].store.queries.feed(SHOP, after=after, participants=names)
        return [each.number for each in piece.entries], piece.read_to

    _, by_journal, by_feed = at_once(
        write_all, partial(follow, journal, done), partial(follow, feed, done)
    )

    total = 4 * sum(size % 4 + 1 for size in range(batches))
    assert by_journal == by_feed == list(range(1, total + 1))


def test_engines_on_the_same_few_participants_count_exactly(stages):
    """Newcomers come in every batch, in any order, with two worlds and refusals among them."""
    rounds, sent = 20, count()
    totals = Counter()

    def work(stage):
        chance = random.Random(stage.clock.count)
        mine = Counter()
        for step in range(rounds):
            batch = []
            for _ in range(6):
                world = chance.choice([SHOP, SHOP_TEST])
                who = chance.choice([*PEOPLE, f"new{step}", f"new{step + 1}"])
                amount = chance.randrange(1, 9)
                batch.append(stage.event("buy", who, f"k{next(sent)}", world=world, amount=amount))
                mine[world, who] += amount
            batch.append(stage.claim("nobody knows", f"stranger{step}"))
            outcomes = stage.send(*batch)
            assert all(is_decided(outcome) for outcome in outcomes[:-1])
        return mine

    for mine in each_at_once(stages, work):
        totals += mine

    for (world, who), total in totals.items():
        assert stages[0].balance(who, world=world) == total
        assert stages[0].state(who, world).balances["gem"].amount > 0
    known = stages[0].rows("SELECT id FROM participants WHERE id LIKE 'stranger%'")
    assert known == []
    figures = [analytics_of(stages[0], world).total.events for world in (SHOP, SHOP_TEST)]
    assert sum(figures) == rounds * len(stages) * 6


def test_of_twins_of_a_key_one_decides_and_the_others_replay(stages):
    for n in range(25):
        who = f"p{n}"  # Whom nobody has met.

        def send(stage, who=who):
            return stage.tell("buy", who, key="k", amount=3)

        receipts = each_at_once(stages, send)
        assert Counter(map(is_decided, receipts)) == {True: 1, False: len(stages) - 1}
        assert len({receipt.id for receipt in receipts}) == 1
        assert stages[0].balance(who) == 3


def test_claims_of_one_challenge_pay_once(stages):
    for n in range(10):
        who = f"p{n}"
        stages[0].send(*(stages[0].event("buy", who, amount=1) for _ in range(2)))
        before = stages[0].balance(who)
        each_at_once(stages, lambda stage, who=who: stage.send(stage.claim("daily", who)))
        assert stages[0].balance(who) == before
    told = [one for entry in stages[0].journal() for one in entry.changes]
    claimed = Counter(
        entry.participant
        for entry in stages[0].journal()
        for one in entry.changes
        if type(one).__name__ == "ChallengeClaimed" and not one.quiet
    )
    assert told
    assert set(claimed.values()) == {1}


def test_who_is_refused_leaves_nothing_behind(stages):
    """Whoever is locked by a refused command has a row only as long as that takes."""

    def refused(stage):
        for n in range(20):
            stage.send(*(stage.claim("nobody knows", f"{who}{n}") for who in "cab"))

    each_at_once(stages, refused)

    for table in ("participants", "journal", "events", "heads", "receipts"):
        assert stages[0].rows(f"SELECT * FROM {table}") == []


def test_who_is_refused_here_may_be_welcome_there(stages):
    """Two meet somebody new at one moment: one is to refuse, and the other is not."""

    def work(stage):
        is_refusing = stage in stages[:2]
        for n in range(30):
            who = f"p{n}"
            if is_refusing:
                stage.send(stage.claim("nobody knows", who), stage.claim("nobody knows", "zoe"))
            else:
                stage.tell("buy", who, amount=1)

    each_at_once(stages, work)

    assert [stages[0].balance(f"p{n}") for n in range(30)] == [2] * 30


CATALOGUE = """
earn: [{id: unit, event: buy, points: 100}]
rewards:
  - {id: mug, stock: 17, per_participant: unlimited, price: {points: 1}}
  - {id: code, codes: true, per_participant: unlimited, price: {points: 1}}
"""
CODES = [f"code {n}" for n in range(23)]


def test_stock_is_never_sold_twice(quick_postgres_url, caplog):
    numbers = count()
    with several(quick_postgres_url, 4, CATALOGUE) as stages:
        stages[0].send(*(stages[0].event("buy", who) for who in PEOPLE))
        put = each_at_once(
            stages, lambda stage: stage.store.registry.put_codes(SHOP, "code", CODES, NOON)
        )
        assert sum(put) == len(CODES)

        def take(stage):
            sold = Counter()
            for n in range(20):
                received_at, ids = stage.clock.accept(2)
                batch = [
                    ClaimReward(
                        tenant=SHOP,
                        id=id_,
                        participant=PEOPLE[(n + k) % len(PEOPLE)],
                        received_at=received_at,
                        key=f"k{next(numbers)}",
                        offer=("mug", "code")[(n + k) % 2],
                        pays=True,
                    )
                    for k, id_ in enumerate(ids)
                ]
                for command, outcome in zip(batch, stage.send(*batch), strict=True):
                    sold[command.offer] += is_decided(outcome)
            return sold

        sold = sum(each_at_once(stages, take), Counter())
        claims = [claim for who in PEOPLE for claim in stages[0].store.queries.claims(SHOP, who)]

        assert sold == {"mug": 17, "code": 23}
        assert sorted(claim.code for claim in claims if claim.code) == sorted(CODES)
        assert len(claims) == 40
        spent = sum(100 - stages[0].balance(who) for who in PEOPLE)
        assert spent == 40
        assert_sound(stages[0])
    assert caplog.records == []


CUP = """
currencies: [points, gem]
contests:
  - id: cup
    event: goal
    score: {sum: goals}
    starts: 2024-05-15
    ends: 2024-05-16
    grace_hours: 0
    prizes: [{ranks: 1-30, rewards: [{currency: gem, amount: 7}]}]
"""
END = NOON + 12 * HOUR


def test_schedulers_close_a_contest_and_pay_its_prizes_once(quick_postgres_url, caplog):
    """While goals still come in: none of them counts once the contest is closed."""
    with several(quick_postgres_url, 3, CUP) as stages:
        first = stages[0]
        first.send(*(first.event("goal", f"p{n}", goals=n + 1) for n in range(40)))
        for stage in stages:
            stage.clock.at = END

        async def look(stage):
            gather = Gather(stage.engine)
            gather.start()
            scheduler = Scheduler(gather, stage.store.queries, stage.store, stage.clock)
            for _ in range(3):
                late = [stage.event("goal", f"p{n}", at=END - 1, goals=99) for n in range(9)]
                await asyncio.gather(scheduler.step(), gather.submit(late))
            await gather.close()

        each_at_once(stages, lambda stage: asyncio.run(look(stage)))

        told = [(entry, one) for entry in first.journal() for one in entry.changes]
        kinds = Counter(type(one) for _, one in told)
        won = {entry.participant: one.rank for entry, one in told if type(one) is PrizeWon}
        paid = Counter(entry.participant for entry, one in told if type(one) is PointsPosted)
        assert (kinds[ContestFrozen], kinds[ContestCompleted]) == (1, 1)
        assert (kinds[PrizeWon], len(won), sorted(won.values())) == (30, 30, list(range(1, 31)))
        assert paid == dict.fromkeys(won, 1)
        assert_sound(first)
    assert caplog.records == []


def test_of_the_same_rulebook_applied_at_once_there_is_one_version(quick_postgres_url):
    with several(quick_postgres_url, 4) as stages:
        for n in range(10):
            source = f"earn: [{{id: one, event: buy, points: {n + 1}}}]"
            versions = each_at_once(
                stages,
                lambda stage, source=source: stage.store.registry.put_rulebook(SHOP, source, NOON),
            )
            assert versions == [n + 1] * len(stages)
            assert stages[n % 4].tell("buy").version == n + 1


def test_figures_that_are_merged_by_two_at_once_add_up(stages, monkeypatch):
    monkeypatch.setattr(analytics, "ROWS_PER_STEP", 3)
    *writers, one, other = stages
    done = Flag()

    def merge(stage):
        while not done.is_set() or stage.store.merge_analytics():
            stage.store.merge_analytics()

    def write():
        def send(stage):
            for n in range(30):
                names = [f"name{k}" for k in range(n % 3 + 1)]
                stage.send(*(stage.event(name) for name in names))

        each_at_once(writers, send)
        done.set()

    at_once(write, partial(merge, one), partial(merge, other))

    rows = analytics_of(one, SHOP).rows
    assert {row.name: row.events for row in rows} == {"name0": 60, "name1": 40, "name2": 20}
    assert one.rows("SELECT COUNT(*) FROM analytics_batches") == [(0,)]


def test_a_key_that_is_used_again_while_its_old_receipt_is_swept_is_kept(stages, monkeypatch):
    one, other, *_ = stages
    one.tell("buy", key="k", amount=1)
    for stage in stages:
        stage.clock.move(by=DAY + HOUR)
    many = PostgresHand.many

    def use_again_and_delete(hand, name, rows):
        if name == "delete_receipts":
            assert is_decided(other.tell("buy", key="k", amount=1))
        many(hand, name, rows)

    monkeypatch.setattr(PostgresHand, "many", use_again_and_delete)
    one.store.forget_receipts(one.clock.at - DAY)

    assert not is_decided(one.tell("buy", key="k", amount=1))
    assert one.balance() == 2


def test_receipts_swept_by_two_at_once_spare_those_that_were_used_again(stages):
    """A key that is free again may be taken at the moment its old receipt is to be swept."""
    *writers, one, other = stages
    keys = [f"k{n:03}" for n in range(60)]
    for stage in stages:
        stage.tell("buy", key="other", amount=1)
    stages[0].send(*(stages[0].event("buy", key=key, amount=1) for key in keys))
    for stage in stages:
        stage.clock.move(by=DAY + HOUR)
    before = one.clock.at - DAY

    def sweep(stage):
        for _ in range(40):
            stage.store.forget_receipts(before)

    def write(stage):
        return [is_decided(stage.tell("buy", key=key, amount=1)) for key in keys]

    *decided, _, _ = at_once(
        *(partial(write, stage) for stage in writers), partial(sweep, one), partial(sweep, other)
    )

    assert [sum(pair) for pair in zip(*decided, strict=True)] == [1] * len(keys)
    again = [is_decided(one.tell("buy", key=key, amount=1)) for key in keys]
    assert not any(again)


def test_processes_of_their_own_agree(quick_postgres_url):
    """Not threads that take turns, but processes that start, meet the same people, and end."""
    with several(quick_postgres_url, 1, RULEBOOK) as (stage,):
        stage.store.registry.put_rulebook(SHOP_TEST, RULEBOOK, NOON)
        command = [sys.executable, "-m", "tests.contract.process", quick_postgres_url]
        started = [
            subprocess.Popen(
                [*command, str(number), "40"],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(2, 5)
        ]
        said = [process.communicate(timeout=60) for process in started]
        assert [process.returncode for process in started] == [0] * len(started), said
        assert {complaint for _, complaint in said} == {""}

        worlds = (SHOP, SHOP_TEST)
        busy = sum(stage.balance(f"p{n}", world=world) for n in range(6) for world in worlds)
        assert busy == sum(int(told) for told, _ in said)
        numbers = {world: [each.number for each in stage.journal(world)] for world in worlds}
        assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())
        assert_sound(stage)
