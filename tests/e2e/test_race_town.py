"""Many at once over several processes: one key has one effect, and nothing is sold twice."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from tests.e2e.load import connections, mint
from tests.e2e.log import stored
from tests.e2e.rows import verified
from tests.e2e.siege import ASYNC, REFUSED, Siege
from tests.e2e.test_races import Racers, numbers, shown_ids
from tests.e2e.town import Town
from tests.e2e.wire import Path, acks_of
from tests.servers import RedisServer

BUSY = 4
BUSY_S = 3
ROUNDS = 4
RACED = (Path.SINGLE, Path.BATCH, Path.SYNC)
MIXED = (Path.SINGLE, Path.SYNC, Path.BATCH, Path.EMIT)


@pytest.fixture(scope="module", params=["postgresql", "postgresql and redis"])
def town(request, postgres_server, tmp_path_factory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    has_queue = "redis" in request.param
    with postgres_server.database() as store, RedisServer() as redis:
        queue = redis.url if has_queue else None
        with Town(folder, store, queue, works=2 * has_queue) as town:
            yield town
            assert not town.unwanted()
            assert not verified(store)


@asynccontextmanager
async def both(town: Town, count: int) -> AsyncIterator[list]:
    """Open as many connections, by turns to the one server and the other."""
    one, other = town.urls
    async with connections(one, count // 2) as here, connections(other, count // 2) as there:
        yield [each for pair in zip(here, there, strict=True) for each in pair]


async def rounds(town: Town, count: int) -> AsyncIterator[Racers]:
    async with both(town, count) as opened:
        for _ in range(ROUNDS):
            participant = f"racer-{next(numbers)}"
            yield Racers(opened, await mint(opened[0], participant), participant)


@pytest.mark.parametrize("count", [2, 64])
@pytest.mark.parametrize("path", RACED)
def test_identical_requests_to_two_servers_have_one_effect_and_one_id(town, path, count):
    async def race() -> None:
        async for racers in rounds(town, count):
            event = racers.event(km=7)
            replies = await racers.race([(path, [event])] * count)
            acks = [ack for reply in replies for ack in acks_of(path, reply)]

            town.drain()
            held = stored(town.store, racers.participant)
            (row,) = held.events
            assert shown_ids(acks) == {row.id}
            assert held.points == {racers.participant: 7}
            assert Counter(ack.first for ack in acks) == {True: 1, False: count - 1}

    asyncio.run(race())


@pytest.mark.parametrize("count", [2, 64])
def test_one_key_on_all_routes_of_two_servers_is_one_event(town, count):
    """
    Who has it decided may overtake who has it accepted.

    Then both were first, and the id of the one is kept as a name of the other.
    """

    async def race() -> None:
        async for racers in rounds(town, count):
            event = racers.event(km=7)
            paths = list(itertools.islice(itertools.cycle(MIXED), count))
            replies = await racers.race([(path, [event]) for path in paths])
            acks = [(path in ASYNC, ack) for path, reply in zip(paths, replies, strict=True)
                    for ack in acks_of(path, reply)]  # fmt: skip

            town.drain()
            held = stored(town.store, racers.participant)
            (row,) = held.events
            assert held.points == {racers.participant: 7}
            ids = {ack.id for _, ack in acks if ack.id}
            assert len(ids) <= 2
            assert all(one == row.id or held.is_same(one, row.id) for one in ids)
            assert max(Counter(kind for kind, ack in acks if ack.first).values(), default=0) <= 1

    asyncio.run(race())


def test_the_same_few_are_busy_everywhere_at_once(town, capsys):
    siege = Siege(town, people=BUSY)
    siege.run(lambda: asyncio.sleep(BUSY_S))
    siege.check()
    siege.repeat()

    assert {one.status for one in siege.answers} & {REFUSED, 500, 0} == set()
    with capsys.disabled():
        print(  # noqa: T201 - the figures are worth a line
            f"\n{BUSY} walkers and {BUSY} customers in {BUSY_S} s:"
            f" {len(siege.load.log.acked)} events and {len(siege.customers.receipts)} commands,"
            f" the slowest answer in {siege.slowest_s():.2f} s"
        )
