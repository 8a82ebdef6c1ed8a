"""SIGTERM to each process in turn, under load: nobody outside can tell."""

import asyncio
import time
from collections.abc import Iterator

import pytest
import redis
import urllib3
from tests.e2e.listening import Reader
from tests.e2e.load import connections, mint
from tests.e2e.siege import Siege
from tests.e2e.town import Town
from tests.serving import Running

from laurels.queue.names import HOLDERS

STOP_S_MAX = 10
BETWEEN_S = 0.5


@pytest.fixture
def town(postgres_url, redis_url, tmp_path) -> Iterator[Town]:
    with Town(tmp_path, postgres_url, redis_url, works=2) as town:
        yield town


def health(url: str) -> int:
    """Ask by a new connection, as a load balancer does."""
    headers = {"Connection": "close"}
    return urllib3.request("GET", url + "/v1/health", headers=headers, retries=False).status


def stopped_s(process: Running) -> float:
    begun = time.monotonic()
    assert process.stop() == 0
    return time.monotonic() - begun


def stop_a_server(town: Town, number: int, token: str) -> float:
    """Stop it while somebody listens to it, and say how long that took."""
    url, process = town.urls[number], town.servers[number].process
    with Reader(url, token) as reader:
        reader.until(": connected")
        assert health(url) == 200
        begun = time.monotonic()
        process.terminate()
        while (status := health(url)) == 200:
            assert time.monotonic() - begun < STOP_S_MAX
        assert status == 503
        assert process.wait(STOP_S_MAX) == 0
        ended = time.monotonic()
        reader.until(over=True)
        assert "retry: " in reader.text
    return ended - begun


def holders(town: Town) -> set[bytes | str]:
    assert town.queue is not None
    with redis.Redis.from_url(town.queue) as link:
        return {who for who in link.mget(HOLDERS) if who is not None}


async def token_of(town: Town) -> str:
    async with connections(town.urls[0], 1) as (connection,):
        return await mint(connection, "listener")


def test_a_rolling_restart_is_felt_by_nobody(town, capsys):
    siege = Siege(town)
    serves_s: list[float] = []
    works_s: list[float] = []

    async def fate() -> None:
        token = await token_of(town)
        for number in range(2):
            await asyncio.sleep(BETWEEN_S)
            serves_s.append(await asyncio.to_thread(stop_a_server, town, number, token))
            await asyncio.to_thread(town.serve, number)
        for number in range(2):
            await asyncio.sleep(BETWEEN_S)
            works_s.append(await asyncio.to_thread(stopped_s, town.workers[number]))
            assert len(await asyncio.to_thread(holders, town)) <= 1
            await asyncio.to_thread(town.work, number)

    siege.run(fate)
    siege.check()
    siege.repeat()

    with capsys.disabled():
        print(  # noqa: T201 - the figures are worth a line
            f"\na rolling restart: {len(siege.answers)} requests, {siege.broken()} broken,"
            f" {siege.refusals()} refused, the slowest in {siege.slowest_s():.2f} s; servers ended"
            f" within {max(serves_s):.2f} s, workers within {max(works_s):.2f} s"
        )
    assert (siege.broken(), siege.refusals()) == (0, 0)
    assert max(*serves_s, *works_s) < STOP_S_MAX
    assert not town.unwanted()
