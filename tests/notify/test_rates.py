"""Limits over all processes: never more than allowed, honest waits, and what if Redis is away."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.servers import RedisServer

from laurels.api.throttle import Throttle
from laurels.core.errors import RateLimited
from laurels.link import connect
from laurels.notify import together
from laurels.notify.rates import SharedRateLog, SharedRateLogs

BURST = Path(__file__).with_name("burst.py")
PROCESSES = 4


def burst(url, *, limit, window_ms, count, at_once, pause_s=0.0):
    """Let processes hammer one key together; return what each request heard."""
    arguments = [
        str(each) for each in (url, limit, window_ms, count // PROCESSES, at_once, pause_s)
    ]
    command = [sys.executable, str(BURST), *arguments]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children: list[Any] = [subprocess.Popen(command, **pipes) for _ in range(PROCESSES)]
    assert [child.stdout.readline() for child in children] == ["ready\n"] * PROCESSES
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    heard = [
        answer for child in children for answer in json.loads(child.communicate(timeout=50)[0])
    ]
    assert [child.returncode for child in children] == [0] * PROCESSES
    return heard


def shared(server, play):
    """Run what needs a link on an event loop."""

    async def run():
        link = connect(server.url)
        try:
            return await play(link)
        finally:
            await link.aclose()

    return asyncio.run(run())


def test_exactly_so_many_pass_over_all_processes(redis):
    heard = burst(redis.url, limit=100, window_ms=60_000, count=5_000, at_once=50)

    waits = [wait for _, _, wait in heard]
    assert len(waits) == 5_000
    assert waits.count(0) == 100
    assert all(50_000 < wait <= 60_000 for wait in waits if wait)


def test_no_window_holds_more_than_the_limit(redis):
    window_s = 0.4
    heard = burst(redis.url, limit=20, window_ms=400, count=800, at_once=3, pause_s=0.1)

    passed = [(asked, answered) for asked, answered, wait in heard if not wait]
    assert len(passed) > 100
    for begin, _ in passed:
        # These were certainly let through within one window, whenever exactly.
        within = [one for one in passed if one[0] >= begin and one[1] < begin + window_s]
        assert len(within) <= 20


def test_the_wait_is_honest(redis):
    async def play(link):
        mine, other = (SharedRateLog(link, "token", 2, window_ms=600) for _ in range(2))
        assert [await mine.wait_ms("a", 0) for _ in range(2)] == [0, 0]
        wait = await mine.wait_ms("a", 0)
        told_at = time.monotonic()
        assert 0 < wait <= 600
        await asyncio.sleep(wait / 1000 - 0.1)
        assert await other.wait_ms("a", 0) > 0, "too soon"
        assert await mine.wait_ms("a", 0) > 0, "too soon"
        await asyncio.sleep(told_at + (wait + 1) / 1000 - time.monotonic())
        return await mine.wait_ms("a", 0)

    assert shared(redis, play) == 0


def test_many_keys_are_asked_for_at_once_and_do_not_disturb_each_other(redis):
    async def play(link):
        log = SharedRateLogs(link)("participant", 2)
        keys = [f"p{number}" for number in range(150)] + ["p0", "p0", "p1"]
        waits = await log.waits_ms(keys, 0)
        elsewhere = await SharedRateLogs(link)("address", 2).wait_ms("p0", 0)
        return waits, elsewhere

    waits, elsewhere = shared(redis, play)

    assert [position for position, wait in enumerate(waits) if wait] == [151]
    assert elsewhere == 0


def test_what_one_turn_asks_is_one_round_trip(redis_server):
    redis_server.flush()

    async def play(link):
        log = SharedRateLog(link, "token", 10)
        await log.wait_ms("warm", 0)
        before = (await link.info("stats"))["total_reads_processed"]
        await asyncio.gather(*(log.wait_ms(f"k{number}", 0) for number in range(100)))
        return (await link.info("stats"))["total_reads_processed"] - before

    assert shared(redis_server, play) == 2, "one for the hundred, and one to ask for the number"


def test_a_log_stays_small_and_goes_by_itself(redis_server):
    redis_server.flush()

    async def play(link):
        log = SharedRateLog(link, "token", 3, window_ms=1_000)
        for _ in range(6):
            await asyncio.gather(*(log.wait_ms("a", 0) for _ in range(10)))
            for key in await link.keys("*"):  # A slow machine may see it gone already.
                assert await link.llen(key) <= 3
                assert await link.pttl(key) <= 1_001
            await asyncio.sleep(0.2)
        await asyncio.sleep(1.2)
        return await link.keys("*")

    assert shared(redis_server, play) == []


def test_a_lowered_limit_holds_at_once(redis_server):
    redis_server.flush()

    async def play(link):
        await SharedRateLog(link, "token", 50).waits_ms(["a"] * 40, 0)
        return await SharedRateLog(link, "token", 10).wait_ms("a", 0)

    assert shared(redis_server, play) > 59_000


def test_nobody_who_is_full_is_asked_for_again(redis_server):
    redis_server.flush()

    async def play(link):
        log = SharedRateLog(link, "token", 1)
        await log.waits_ms(["a", "a"], 0)
        before = (await link.info("stats"))["total_commands_processed"]
        waits = [await log.wait_ms("a", 0) for _ in range(1_000)]
        return waits, (await link.info("stats"))["total_commands_processed"] - before

    waits, asked = shared(redis_server, play)

    assert all(wait > 59_000 for wait in waits)
    assert asked == 1, "which asks for the number"


def test_a_script_that_was_forgotten_is_sent_again(redis):
    async def play(link):
        log = SharedRateLog(link, "token", 2)
        assert await log.waits_ms(["a", "b"], 0) == [0, 0]
        await link.script_flush()
        return await log.waits_ms(["a", "b"], 0)

    assert shared(redis, play) == [0, 0]


def test_without_redis_each_process_limits_by_itself(monkeypatch, caplog):
    """It is said once, nobody waits for it, and it is shared again when Redis is back."""
    monkeypatch.setattr(together, "PAUSE_S", 0.1)

    async def play(link, server):
        logs = SharedRateLogs(link)
        log, _ = logs("token", 3), logs("key", 5)
        assert await log.wait_ms("a", 0) == 0
        assert logs.is_shared
        server.kill()
        begun = time.monotonic()
        waits = [await log.wait_ms("a", at) for at in range(500)]
        assert time.monotonic() - begun < 1
        assert not logs.is_shared
        await asyncio.to_thread(server.restart)
        await asyncio.sleep(0.15)
        await log.wait_ms("b", 0)
        assert logs.is_shared
        return waits

    with RedisServer() as server:

        async def run():
            link = connect(server.url)
            try:
                return await play(link, server)
            finally:
                await link.aclose()

        waits = asyncio.run(run())

    assert waits.count(0) == 3
    said = [record.message for record in caplog.records if record.name == "laurels.notify"]
    assert len(said) == 2
    assert "each process limits each token by itself" in said[0]
    assert said[1] == "Redis answers again"


def test_a_redis_that_hangs_holds_up_few_and_not_for_long(redis_server):
    redis_server.flush()

    async def play(link):
        log = SharedRateLog(link, "token", 3)
        await log.wait_ms("a", 0)
        redis_server.process.send_signal(19)
        try:
            begun = time.monotonic()
            await asyncio.gather(*(log.wait_ms("a", 0) for _ in range(300)))
            first = time.monotonic() - begun
            for _ in range(100):
                await log.wait_ms("a", 0)
            return first, time.monotonic() - begun - first
        finally:
            redis_server.process.send_signal(18)

    first, later = shared(redis_server, play)

    assert 1 <= first < 2
    assert later < 0.5


def test_a_throttle_on_redis_refuses_as_the_other_does(redis):
    async def play(link):
        throttle = Throttle(SharedRateLogs(link), "key", 2)
        await throttle.admit("a", 0)
        await throttle.admit("a", 0)
        with pytest.raises(RateLimited) as refused:
            await throttle.admit("a", 0)
        assert 59_000 < refused.value.retry_after_ms <= 60_000
        return await throttle.surplus(["a", "b", "b", "b"], 0)

    surplus = shared(redis, play)

    assert [type(one) for one in surplus] == [RateLimited, type(None), type(None), RateLimited]


def test_where_there_is_no_limit_redis_is_not_even_reached():
    def never(name, limit):
        raise AssertionError(name)

    async def play():
        for limit in (None, 0):
            throttle = Throttle(never, "key", limit)
            await throttle.admit("a", 0)
            assert await throttle.surplus(["a", "b"], 0) == [None, None]

    asyncio.run(play())
