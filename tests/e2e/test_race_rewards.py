"""Many at once for what is scarce: the last code, the last of the stock, the last points."""

import asyncio
import itertools
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest
from tests.e2e import planted
from tests.e2e.load import STORE, connections, serve, volley
from tests.e2e.log import verified
from tests.e2e.shop import CATALOGUE, Ask, Books, about, books, claim, doubled, points
from tests.e2e.wire import Connection, Reply
from tests.serving import Running

RACERS = 64
ROUNDS = 10
PRICE = 5
GOOD_FOR = 7
"""How many of the racing debits a balance is good for."""

numbers = itertools.count()


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Running]:
    with serve(tmp_path_factory.mktemp("shop"), rulebook=CATALOGUE) as running:
        yield running
        assert not verified(running.cwd / STORE)
        assert not list(doubled(looked(running)))


def looked(server: Running) -> Books:
    return books(server.cwd / STORE)


class Race:
    """One round: connections opened beforehand, and customers whom nobody has met."""

    def __init__(self, server: Running, opened: list[Connection]) -> None:
        self.server = server
        self.opened = opened
        self.number = next(numbers)
        self.ann = f"ann-{self.number}"
        self.crowd = [f"{self.number}-{place}" for place in range(RACERS)]
        self.keys = [f"key-{place}" for place in range(RACERS)]

    async def ask(self, *asked: Ask) -> list[dict]:
        """Ask one after the other; all is well."""
        replies = [await self.opened[0].ask(one.spelled()) for one in asked]
        assert all(reply.ok for reply in replies), replies
        return [reply.body for reply in replies]

    async def give(self, *everybody: str, amount: int = PRICE) -> None:
        await self.ask(
            Ask("/points/award-batch", {"awards": [about(who, None, amount=amount) for who in few]})
            for few in [everybody]
        ) if False else await self.ask(
            Ask(
                "/points/award-batch",
                {"awards": [about(who, None, amount=amount) for who in everybody]},
            )
        )

    async def stock(self, reward: str, count: int = 1) -> list[str]:
        """Add codes that were never there."""
        codes = [f"code-{self.number}-{place}" for place in range(count)]
        await self.ask(Ask(f"/rewards/{reward}/codes", {"codes": codes}))
        return codes

    async def run(self, asked: Sequence[Ask]) -> list[Reply]:
        return await volley(self.opened[: len(asked)], [one.spelled() for one in asked])

    def balances(self, *everybody: str) -> list[int]:
        held = looked(self.server).balances
        return [held.get(who, 0) for who in everybody]


async def rounds(server: Running, times: int = ROUNDS) -> AsyncIterator[Race]:
    async with connections(server.url, RACERS) as opened:
        for _ in range(times):
            yield Race(server, opened)
