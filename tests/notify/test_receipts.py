"""Receipts that all processes give again: to whom, to whom not; and a cache decides nothing."""

import asyncio
import time
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace
from tests.cast import HOUR, a_stage
from tests.servers import RedisServer
from tests.waiting import until_so

from laurels.core import limits
from laurels.core.command import Reset
from laurels.engine.clock import SystemClock
from laurels.engine.engine import Engine
from laurels.engine.gather import Gather
from laurels.engine.metrics import Metrics
from laurels.link import connect, connect_blocking
from laurels.notify import heard, receipts
from laurels.notify.heard import ANY_FOR_S, HeardKeys
from laurels.notify.neighbours import Neighbours
from laurels.notify.place import digest_of, receipt_key
from laurels.notify.receipts import keep, kept_of, read_kept
from laurels.notify.together import Together

RULEBOOK = "earn: [{id: one, event: buy, points: 5}]"


def may_begin_anew(participant):
    return participant.startswith("demo_")


@pytest.fixture
def stage(tmp_path):
    with a_stage(tmp_path, RULEBOOK) as stage:
        stage.clock.at = SystemClock().now()
        yield stage


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """A busy machine is no Redis that is away."""
    monkeypatch.setattr(receipts, "ANSWER_S_MAX", 10)


class Process:
    """What one process has: a memory of its own, on the store and the Redis of all."""

    def __init__(self, stage, url, link):
        self.neighbours = Neighbours(partial(connect_blocking, url), stage.clock, may_begin_anew)
        self.metrics = Metrics()
        engine = Engine(stage.store, stage.clock, self.metrics, self.neighbours.teller)
        self.gather = Gather(engine)
        self.submitter = self.neighbours.receipts(self.gather, link, self.metrics)

    async def send(self, command) -> Any:
        """Do what a route does."""
        known = await self.submitter.recall(command)
        return known or (await self.submitter.submit([command]))[0]


@asynccontextmanager
async def process(stage, url):
    link = connect(url)
    await link.ping()
    one = Process(stage, url, link)
    one.gather.start()
    one.neighbours.start()
    try:
        yield one
    finally:
        await one.gather.close()
        await asyncio.to_thread(one.neighbours.close)
        await link.aclose()


def keys_of(server):
    nodes = getattr(server, "nodes", [server])
    found = []
    for node in nodes:
        with node.client() as client:
            found += client.keys("*")
    return found


def hearing(server):
    """Return how many listen to what was kept."""
    with server.client() as client:
        return client.pubsub_numsub("laurels:kept")[0][1]


async def settled(seconds=0.3):
    """Let pass what would come by now, if it came at all."""
    await asyncio.sleep(seconds)


def test_what_another_process_answered_is_a_hit_and_after_a_flush_the_stores(stage, redis):
    async def play():
        async with process(stage, redis.url) as here, process(stage, redis.url) as there:
            first = await here.send(stage.event("buy", key="k", n=1))
            await until_so(lambda: keys_of(redis))
            again = await there.send(stage.event("buy", key="k", n=1))
            other = await there.send(stage.event("buy", key="k", n=2))
            redis.flush()
            from_store = await there.send(stage.event("buy", key="k", n=1))
            assert there.metrics.replays == {"cache": 2, "store": 1}
            return first, again, other, from_store

    first, again, other, from_store = asyncio.run(play())

    assert first.answered_by == "decision"
    assert again == replace(first, answered_by="cache")
    assert other == replace(first, answered_by="cache", mismatch=True)
    assert from_store == replace(first, answered_by="store")


def test_after_a_restart_a_replay_is_a_hit(stage, redis):
    async def play():
        async with process(stage, redis.url) as before:
            first = await before.send(stage.event("buy", key="k"))
        async with process(stage, redis.url) as after:
            return first, await after.send(stage.event("buy", key="k"))

    first, again = asyncio.run(play())

    assert again == replace(first, answered_by="cache")


def test_who_began_anew_is_replayed_nothing_by_any_process(stage, redis):
    async def play():
        async with process(stage, redis.url) as here, process(stage, redis.url) as there:
            event = stage.event("buy", "demo_ann", key="k")
            first = await here.send(event)
            in_between = await here.send(stage.event("buy", "demo_ann", key="k"))
            await settled()
            received_at, (reset_id,) = stage.clock.accept(1)
            reset = Reset(
                tenant=stage.world, id=reset_id, participant="demo_ann", received_at=received_at
            )
            await there.submitter.submit([reset])
            return first, in_between, await here.send(stage.event("buy", "demo_ann", key="k"))

    first, in_between, anew = asyncio.run(play())

    assert in_between.id == first.id
    assert in_between.answered_by == "store", "and of no cache"
    assert anew.id != first.id
    assert anew.answered_by == "decision"
    assert not keys_of(redis)


def test_an_expired_receipt_decides_nothing(stage, redis):
    async def play():
        async with process(stage, redis.url) as here, process(stage, redis.url) as there:
            first = await here.send(stage.event("buy", key="k"))
            await until_so(lambda: keys_of(redis))
            stage.clock.move(by=limits.RECEIPT_LIFETIME_MS + 1)
            return first, await there.send(stage.event("buy", key="k"))

    first, second = asyncio.run(play())

    assert second.answered_by == "decision"
    assert second.id != first.id


def test_a_new_key_asks_redis_nothing_once_everything_is_heard(stage, redis_server, monkeypatch):
    redis_server.flush()
    monkeypatch.setattr(heard, "ANY_FOR_S", 0)  # As it is long after the beginning.

    async def play():
        async with process(stage, redis_server.url) as here:
            await until_so(lambda: hearing(redis_server) == 1)
            with redis_server.client() as client:
                before = client.info("commandstats").get("cmdstat_mget")
                for number in range(20):
                    await here.submitter.recall(stage.event("buy", key=f"k{number}"))
                return before, client.info("commandstats").get("cmdstat_mget")

    before, after = asyncio.run(play())

    assert before == after


def test_what_was_heard_of_is_asked_for(stage, redis_server, monkeypatch):
    redis_server.flush()
    monkeypatch.setattr(heard, "ANY_FOR_S", 0)

    async def play():
        async with (
            process(stage, redis_server.url) as here,
            process(stage, redis_server.url) as there,
        ):
            await until_so(lambda: hearing(redis_server) == 2)
            first = await here.send(stage.event("buy", key="k"))
            await until_so(lambda: there.neighbours._heard._young)
            return first, await there.send(stage.event("buy", key="k"))

    first, again = asyncio.run(play())

    assert again == replace(first, answered_by="cache")


def test_without_redis_the_store_answers(stage):
    async def play(server):
        async with process(stage, server.url) as here, process(stage, server.url) as there:
            first = await here.send(stage.event("buy", key="k"))
            server.kill()
            begun = time.monotonic()
            again = await there.send(stage.event("buy", key="k"))
            for number in range(100):
                await there.send(stage.event("buy", key=f"new-{number}"))
            assert time.monotonic() - begun < 5
            return first, again

    with RedisServer() as server:
        first, again = asyncio.run(play(server))

    assert again == replace(first, answered_by="store")


def test_what_is_too_large_is_not_shared(stage):
    long = "x" * (limits.RECEIPT_CACHED_BYTES_MAX + 1)
    records = recorded(stage, stage.event("buy", key="k", text=long), stage.event("buy", key="l"))

    assert len(records) == 2
    assert len(kept_of(records, stage.clock.at)) == 1


def test_a_receipt_is_kept_until_it_expires_and_in_one_place(stage, redis_server):
    redis_server.flush()
    kept = recorded(stage, stage.event("buy", key="k"))
    stage.clock.move(by=23 * HOUR)

    late = kept_of(kept, stage.clock.at)
    link: Any = connect_blocking(redis_server.url)
    told = keep(link, late)
    (key,) = link.keys("*")

    assert key == receipt_key(late[0].digest)
    assert 0 < link.pttl(key) <= HOUR
    assert told == late[0].digest[:8]
    assert read_kept(late[0].digest, link.get(key)) == kept[0].remembered
    assert read_kept(digest_of("another"), link.get(key)) is None
    assert read_kept(late[0].digest, late[0].digest + b"\xc1") is None
    link.close()
    stage.clock.move(by=HOUR + 1)
    assert kept_of(kept, stage.clock.at) == []


def recorded(stage, *commands):
    """Return the records of what is sent."""
    found = []

    class Recorder:
        def moved(self, records):
            found.extend(records)

    Engine(stage.store, stage.clock, notifier=Recorder()).submit(commands)
    return found


def test_the_places_are_so_many_and_no_more():
    keys = {receipt_key(digest_of(str(number))) for number in range(1_000)}

    assert len(keys) > 990
    assert all(int(key.rpartition(b":")[2]) < limits.RECEIPTS_SHARED_MAX for key in keys)


def test_what_was_heard_is_bounded(monkeypatch):
    monkeypatch.setattr("laurels.notify.heard.RECEIPTS_HEARD_MAX", 10)
    now = 0.0
    ears = HeardKeys(lambda: now)
    digests = [digest_of(str(number)) for number in range(40)]
    now = ANY_FOR_S + 1.0
    for digest in digests:
        ears.hear(digest[:8])

    assert ears.is_worth_asking(digests[-1])
    assert not ears.is_worth_asking(digests[0])
    assert len(ears._young) + len(ears._old) <= 10
    ears.hear(None)
    assert ears.is_worth_asking(digests[0])
    now = 2 * ANY_FOR_S + 2.0
    assert not ears.is_worth_asking(digests[0])


def test_half_a_digest_is_no_digest():
    now = 0.0
    ears = HeardKeys(lambda: now)
    now = ANY_FOR_S + 1.0

    ears.hear(b"12345678123")

    assert not ears.is_worth_asking(b"123-----")
    assert ears.is_worth_asking(b"12345678")


def test_a_question_that_fails_by_a_bug_of_ours_is_answered_with_nothing(caplog):
    async def fail(_):
        raise ValueError

    async def play():
        together = Together(fail, "nothing happens", within_s=1)
        return await asyncio.gather(*(together.ask([number]) for number in range(3)))

    assert asyncio.run(play()) == [[None]] * 3
    assert "a bug of ours" in caplog.text
