"""What one process does is heard at another: updates, and tokens that were revoked."""

import asyncio
import time
from collections.abc import Iterator

import pytest
import urllib3
from tests.e2e.listening import Reader
from tests.e2e.load import connections, mint
from tests.e2e.shop import claim
from tests.e2e.town import Town
from tests.e2e.wire import Event, Path, Reply, request, spell

HEARD_S_MAX = 1.0
TURNS = 5


@pytest.fixture(scope="module")
def town(postgres_server, redis_server, tmp_path_factory) -> Iterator[Town]:
    redis_server.flush()
    with (
        postgres_server.database() as store,
        Town(tmp_path_factory.mktemp("town"), store, redis_server.url, works=1) as town,
    ):
        yield town


def ask(url: str, text: bytes) -> Reply:
    async def send() -> Reply:
        async with connections(url, 1) as (connection,):
            return await connection.ask(text)

    return asyncio.run(send())


def token_of(town: Town, user: str) -> str:
    async def send() -> str:
        async with connections(town.urls[1], 1) as (connection,):
            return await mint(connection, user)

    return asyncio.run(send())


def test_a_stream_hears_of_what_any_process_decides(town, capsys):
    here, there = town.urls
    doings = {
        "a worker": lambda n: (here, request(Path.SINGLE, [Event("ada", n, "walk", 9)])),
        "another server": lambda n: (there, request(Path.SYNC, [Event("ada", n, "walk", 9)])),
        "a claim at another server": lambda n: (there, claim("cup", "ada", f"c{n}").spelled()),
    }
    heard_s: dict[str, list[float]] = {who: [] for who in doings}
    with Reader(here, token_of(town, "ada")) as reader:
        reader.until(": connected")
        for turn in range(TURNS):
            for nth, (who, doing) in enumerate(doings.items()):
                known = len(reader.updates)
                begun = time.monotonic()
                assert ask(*doing(10 * turn + nth)).ok
                reader.until(count=known + 1)
                heard_s[who].append(time.monotonic() - begun)
                reader.quiet(0.05)
    with capsys.disabled():
        for who, seconds in heard_s.items():
            print(f"\nof {who}: heard within {max(seconds):.3f} s", end="")  # noqa: T201 - worth a line
    assert max(max(seconds) for seconds in heard_s.values()) < HEARD_S_MAX


def test_a_token_that_is_revoked_at_one_server_is_refused_at_the_other(town, capsys):
    here, there = town.urls
    felt_s: list[float] = []
    for turn in range(TURNS):
        token = token_of(town, f"bob{turn}")
        event = Event(f"bob{turn}", 1_000 + turn)
        with Reader(here, token) as reader:
            reader.until(": connected")
            assert ask(here, request(Path.QUEST, [event], token)).ok
            begun = time.monotonic()
            headers = {"Authorization": f"Bearer {token}"}
            assert urllib3.request("POST", there + "/v1/auth/revoke", headers=headers).status == 204
            # A good token comes as far as the body.
            look = spell(Path.QUEST, {}, f"authorization: Bearer {token}")
            while (status := ask(here, look).status) != 401:
                assert status == 400
                assert time.monotonic() - begun < HEARD_S_MAX
                time.sleep(0.005)
            reader.until(over=True)
            felt_s.append(time.monotonic() - begun)
    with capsys.disabled():
        print(f"\na revoked token is refused within {max(felt_s):.3f} s, its stream ended")  # noqa: T201 - worth a line
    assert max(felt_s) < HEARD_S_MAX
