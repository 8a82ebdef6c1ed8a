"""A network that stalls, or drops everything: no request hangs, and all is well again by itself."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from tests.e2e.load import LONG
from tests.e2e.proxy import Proxy
from tests.e2e.siege import ASYNC, HANG_S_MAX, REFUSED, Siege
from tests.e2e.town import Town
from tests.e2e.wire import Path

STALLS_S = {"postgresql": 14 if LONG else 11, "redis": 3}
"""PostgreSQL is silent for longer than anybody may wait."""
DROP_S = 1
BACK_S_MAX = 2
ALL = (*ASYNC, Path.SYNC, Path.EMIT, Path.QUEST, "award", "gift")


@pytest.fixture(params=["postgresql", "redis"])
def where(request) -> str:
    return request.param


@pytest.fixture
def proxies(postgres_url, redis_url) -> Iterator[dict[str, Proxy]]:
    with Proxy(postgres_url) as postgresql, Proxy(redis_url) as redis:
        yield {"postgresql": postgresql, "redis": redis}


def test_no_request_hangs_while_a_server_cannot_be_reached(proxies, where, tmp_path, capsys):
    backs_s: dict[str, float] = {}
    proxy = proxies[where]
    with Town(tmp_path, proxies["postgresql"].url, proxies["redis"].url, works=1) as town:
        siege = Siege(town)

        async def fate() -> None:
            for what, begin, seconds in (
                ("stalled", proxy.stall, STALLS_S[where]),
                ("dropped", proxy.drop, DROP_S),
            ):
                await asyncio.sleep(0.5)
                begin()
                await asyncio.sleep(seconds)
                proxy.go_on()
                ended = time.monotonic()
                backs_s[what] = await siege.good(ALL, ended) - ended

        siege.run(fate)
        refused = [one for one in siege.answers if one.status == REFUSED]
        with capsys.disabled():
            print(  # noqa: T201 - the figures are worth a line
                f"\n{where} stalled for {STALLS_S[where]} s and dropped for {DROP_S} s:"
                f" {len(siege.answers)} requests, {len(refused)} refused,"
                f" the slowest in {siege.slowest_s():.2f} s, back in {backs_s}"
            )
        assert siege.slowest_s() < HANG_S_MAX
        assert not siege.broken()
        siege.check()
        siege.repeat()
        assert not town.unwanted()
        assert max(backs_s.values()) < BACK_S_MAX
