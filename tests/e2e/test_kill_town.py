"""SIGKILL of each kind of process in turn, under load on PostgreSQL and Redis, again and again."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from math import inf
from random import Random

import pytest
from tests.e2e import planted
from tests.e2e.load import LONG
from tests.e2e.siege import ASYNC, REFUSED, Siege
from tests.e2e.town import Town
from tests.e2e.wire import Path
from tests.servers import PostgresServer, RedisServer

KILLS = 50 if LONG else 8
PLANTED_KILLS = 2
KILL_AFTER_S = (0.05, 0.5)
PEOPLE = 256 if LONG else None
"""QuestKit takes 100 events of one of them in a minute, and those that it has to refuse count."""
BACK_S_MAX = 2
ALL_DECIDED_S_MAX = 6
DOWN_S = 0.4
SYNC = (Path.SYNC, Path.EMIT, Path.QUEST, "award", "gift")
ALL = (*ASYNC, *SYNC)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """One of our own, since it is killed."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def store(postgres) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
def queue() -> Iterator[str]:
    with RedisServer() as server:
        yield server.url


class Fate:
    """What kills somebody again and again, and sees how soon all is well again."""

    def __init__(self, siege: Siege, what: str) -> None:
        self.siege = siege
        self.what = what
        self.chance = Random(what)
        self.backs_s: list[float] = []
        self.drains_s: list[float] = []
        self.downs: list[tuple[float, float]] = []

    async def again(self, kill: Callable[[], Awaitable[None]], times: int = KILLS) -> None:
        for _ in range(times):
            await asyncio.sleep(self.chance.uniform(*KILL_AFTER_S))
            await kill()

    async def back(self, since: float, whats: tuple[str, ...] = ALL) -> None:
        """Wait until all is answered well again; of what follows, nothing is refused."""
        self.backs_s.append(await self.siege.good(whats, since) - since)

    async def drained(self, since: float) -> None:
        """Wait until all was decided that was accepted before."""
        moment_ms = int((time.time() - (time.monotonic() - since)) * 1000)
        while await asyncio.to_thread(self.siege.town.waits_since, moment_ms):  # noqa: ASYNC110 - it is Redis that knows
            await asyncio.sleep(0.01)
        self.drains_s.append(time.monotonic() - since)

    def refused_s(self) -> float:
        """Return how long after the end somebody was still refused, at worst."""
        ends = [*(down for down, _ in self.downs[1:]), inf]
        late = [
            one.ended - up
            for (_, up), end in zip(self.downs, ends, strict=False)
            for one in self.siege.between(up, end)
            if one.status == REFUSED
        ]
        return max(late, default=0.0)

    def tell(self) -> str:
        """Sum up what has been seen."""
        siege = self.siege
        told = (
            f"\n{len(self.backs_s or self.drains_s)} kills of {self.what}:"
            f" {len(siege.load.log.acked)} events and {len(siege.customers.receipts)} commands"
            f" acknowledged, {siege.broken()} connections broken, {siege.refusals()} refusals"
            f" (the last {self.refused_s():.2f} s after the end),"
            f" the slowest answer in {siege.slowest_s():.2f} s"
        )
        for how, seconds in (("back", self.backs_s), ("all decided", self.drains_s)):
            if seconds:
                told += f", {how} in {sorted(seconds)[len(seconds) // 2]:.2f} s"
                told += f" and {max(seconds):.2f} s at worst"
        return told


def finish(fate: Fate, capsys: pytest.CaptureFixture[str]) -> None:
    fate.siege.check()
    fate.siege.repeat()
    with capsys.disabled():
        print(fate.tell())  # noqa: T201 - the figures are worth a line
    assert not fate.siege.town.unwanted()
    assert max(fate.backs_s, default=0) < BACK_S_MAX
    assert fate.refused_s() < BACK_S_MAX
    if fate.drains_s:
        # What its reader died with is decided one by one, which a slow disk may draw out.
        assert sorted(fate.drains_s)[len(fate.drains_s) // 2] < BACK_S_MAX
        assert max(fate.drains_s) < ALL_DECIDED_S_MAX


def test_a_server_is_killed_and_the_other_goes_on(store, tmp_path, capsys):
    with Town(tmp_path, store) as town:
        siege = Siege(town)
        fate = Fate(siege, "one of two servers")

        async def kill() -> None:
            number = len(fate.backs_s) % 2
            killed = time.monotonic()
            town.servers[number].process.kill()
            again = asyncio.to_thread(town.serve, number)
            _, _ = await asyncio.gather(fate.back(killed), again)

        siege.run(lambda: fate.again(kill))
        finish(fate, capsys)
        assert not siege.refusals()
        assert siege.broken()


def test_a_worker_is_killed_and_the_other_takes_its_lanes(store, queue, tmp_path, capsys):
    with Town(tmp_path, store, queue, works=2) as town:
        siege = Siege(town)
        fate = Fate(siege, "one of two workers")
        siege.run(lambda: fate.again(lambda: kill_a_worker(town, fate)))
        finish(fate, capsys)
        assert not siege.refusals()
        assert not siege.broken()


async def kill_a_worker(town: Town, fate: Fate) -> None:
    number = len(fate.drains_s) % 2
    killed = time.monotonic()
    town.workers[number].process.kill()
    _, _ = await asyncio.gather(fate.drained(killed), asyncio.to_thread(town.work, number))


@pytest.mark.parametrize("appendfsync", ["everysec", "always"])
def test_redis_is_killed_and_all_that_needs_no_queue_goes_on(store, appendfsync, tmp_path, capsys):
    with RedisServer(appendfsync=appendfsync) as queue:
        with Town(tmp_path, store, queue.url, works=1) as town:
            siege = Siege(town)
            fate = Fate(siege, f"Redis with appendfsync {appendfsync}")
            siege.run(lambda: fate.again(lambda: kill_redis(queue, fate)))
            finish(fate, capsys)
        for down, up in fate.downs:
            meanwhile = siege.between(down, up)
            assert {one.status for one in meanwhile if one.what in ASYNC} <= {REFUSED, 202, 200}
            assert any(one.status == REFUSED for one in meanwhile)
            assert all(one.is_good for one in meanwhile if one.what not in ASYNC)
            assert any(one.is_good for one in meanwhile)


async def kill_redis(queue: RedisServer, fate: Fate) -> None:
    """And see that what needs it is refused, and nothing else."""
    queue.kill()
    down = time.monotonic()
    await asyncio.sleep(DOWN_S)
    up = await restarted(queue)
    fate.downs.append((down, up))
    await asyncio.gather(fate.back(up), fate.drained(up))


async def restarted(server: PostgresServer | RedisServer) -> float:
    """Start it again; return when it answered. Starting is none of our time."""
    await asyncio.to_thread(server.restart)
    return time.monotonic()


def test_without_redis_events_go_to_the_store_if_that_is_wanted(store, tmp_path, capsys):
    with RedisServer() as queue, Town(
        tmp_path, store, queue.url, works=1, LAURELS_QUEUE_DOWN="store"
    ) as town:  # fmt: skip
        siege = Siege(town)
        fate = Fate(siege, "Redis, with the store instead")
        siege.run(lambda: fate.again(lambda: kill_redis(queue, fate), KILLS // 4))
        finish(fate, capsys)
        assert not siege.refusals()


def test_postgresql_is_killed_and_what_waits_is_decided_later(
    postgres, store, queue, tmp_path, capsys
):
    async def kill() -> None:
        down = time.monotonic()
        await asyncio.to_thread(postgres.kill)
        await asyncio.sleep(DOWN_S)
        up = await restarted(postgres)
        fate.downs.append((down, up))
        await asyncio.gather(fate.back(up), fate.drained(up))

    with Town(tmp_path, store, queue, works=1) as town:
        siege = Siege(town, people=PEOPLE)
        fate = Fate(siege, "PostgreSQL")
        siege.run(lambda: fate.again(kill))
        finish(fate, capsys)
        assert siege.refusals()
        assert not siege.broken()


def test_a_bug_would_be_seen(store, queue, tmp_path):
    """Out of the queue before the commit: then a death in between loses events."""
    bug = "acknowledge-before-the-commit"
    by = (sys.executable, planted.__file__, bug)
    with Town(tmp_path, store, queue, serves=1, works=2, by=by) as town:
        siege = Siege(town)
        fate = Fate(siege, "workers with a bug")
        siege.run(lambda: fate.again(lambda: kill_a_worker(town, fate), PLANTED_KILLS))
        with pytest.raises(AssertionError, match=planted.BUGS[bug].seen_as):
            siege.check()
