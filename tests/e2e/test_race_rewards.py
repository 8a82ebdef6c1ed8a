"""Many at once for what is scarce: the last code, the last of the stock, the last points."""

import asyncio
import itertools
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest
from tests.e2e import planted
from tests.e2e.load import STORE, connections, serve, volley
from tests.e2e.log import verified
from tests.e2e.shop import CATALOGUE, Ask, Books, about, claim, points
from tests.e2e.wire import Connection, Reply
from tests.serving import Running

RACERS = 64
ROUNDS = 10
PRICE = 5
GOOD_FOR = 7
"""How many of the racing debits a balance is good for."""
BUSY_WITH = 30

numbers = itertools.count()


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Running]:
    with serve(tmp_path_factory.mktemp("shop"), rulebook=CATALOGUE) as running:
        yield running
        assert not verified(running.cwd / STORE)
        assert not list(Books(running.cwd / STORE).mistakes())


class Race:
    """One round: connections opened beforehand, and customers whom nobody has met."""

    def __init__(self, server: Running, opened: list[Connection]) -> None:
        self.books = Books.from_now(server.cwd / STORE)
        self.opened = opened
        self.number = next(numbers)
        self.ann = f"ann-{self.number}"
        self.crowd = [f"{self.number}-{place}" for place in range(RACERS)]

    async def ask(self, asked: Ask) -> Any:
        """Ask for something by the way, which is well."""
        reply = await self.opened[0].ask(asked.spelled())
        assert reply.ok, reply
        return reply.body

    async def give(self, *everybody: str, amount: int = PRICE) -> None:
        awards = [about(who, amount=amount) for who in everybody]
        await self.ask(Ask("/points/award-batch", {"awards": awards}))

    async def stock(self, count: int = 1) -> list[str]:
        """Add so many vouchers to those that are left, which are none."""
        codes = [f"code-{self.number}-{place}" for place in range(count)]
        await self.ask(Ask("/rewards/voucher/codes", {"codes": codes}))
        return codes

    async def race(self, asked: Sequence[Ask]) -> list[Reply]:
        """Send all of it at once; every other time to a server that is busy, and gathers it."""
        texts = [one.spelled() for one in asked]
        if self.number % 2:
            return await volley(self.opened[: len(asked)], texts)
        events = [about(f"by-{self.number}", event_name="step")] * BUSY_WITH
        busy = Ask("/events/batch", {"events": events}).spelled()
        return (await volley(self.opened[: len(asked) + 1], [busy, *texts]))[1:]

    def balances(self, *everybody: str) -> list[int]:
        held = self.books.balances()
        return [held.get(who, 0) for who in everybody]


async def rounds(server: Running, times: int = ROUNDS) -> AsyncIterator[Race]:
    async with connections(server.url, RACERS + 1) as opened:
        for _ in range(times):
            yield Race(server, opened)


def told(replies: Sequence[Reply]) -> Counter[tuple[int, str]]:
    return Counter((reply.status, reply.body.get("error", "")) for reply in replies)


def won(replies: Sequence[Reply]) -> list[Any]:
    return [reply.body for reply in replies if reply.ok]


SOLD_OUT = (409, "out_of_stock")
TOO_POOR = (400, "insufficient_points")
ENOUGH = (409, "claim_limit_reached")
GONE = (404, "not_found")
WELL = (200, "")


async def race_for_the_last_code(server: Running) -> None:
    async for race in rounds(server):
        (code,) = await race.stock()
        await race.give(*race.crowd)
        replies = await race.race([claim("voucher", who) for who in race.crowd])

        times = told(replies)[WELL]
        assert times == 1, f"the last code was given {times} times"
        assert told(replies)[SOLD_OUT] == RACERS - 1
        (claimed,) = won(replies)
        assert (claimed["code_value"], claimed["new_balance"]) == (code, 0)
        paid = [0 if who == claimed["participant_id"] else PRICE for who in race.crowd]
        assert race.balances(*race.crowd) == paid


def test_the_last_code_has_one_winner(server):
    asyncio.run(race_for_the_last_code(server))


def test_a_bug_in_the_stock_would_be_seen(tmp_path):
    by = [sys.executable, planted.__file__, "count-stock-after-the-batch"]
    with (
        serve(tmp_path, by, CATALOGUE) as server,
        pytest.raises(AssertionError, match=planted.BUGS["count-stock-after-the-batch"].seen_as),
    ):
        asyncio.run(race_for_the_last_code(server))


def test_the_last_of_the_stock_has_one_winner_and_comes_back_when_made_void(server):
    async def race_on() -> None:
        async for race in rounds(server):
            await race.give(*race.crowd)
            replies = await race.race([claim("mug", who) for who in race.crowd])

            assert told(replies) == {WELL: 1, SOLD_OUT: RACERS - 1}
            (claimed,) = won(replies)
            void = Ask(
                f"/rewards/claims/{claimed['claim_id']}/void", about(claimed["participant_id"])
            )
            voids = await race.race([void] * RACERS)
            assert told(voids) == {WELL: 1, GONE: RACERS - 1}
            assert race.balances(*race.crowd) == [PRICE] * RACERS

    asyncio.run(race_on())


def test_a_few_codes_go_to_as_many_and_each_code_to_one(server):
    async def race_on() -> None:
        async for race in rounds(server):
            codes = await race.stock(GOOD_FOR)
            await race.give(*race.crowd)
            replies = await race.race([claim("voucher", who) for who in race.crowd])

            assert told(replies) == {WELL: GOOD_FOR, SOLD_OUT: RACERS - GOOD_FOR}
            assert sorted(each["code_value"] for each in won(replies)) == codes

    asyncio.run(race_on())


def test_grants_and_claims_take_from_one_stock(server):
    async def race_on() -> None:
        async for race in rounds(server):
            (code,) = await race.stock()
            await race.give(*race.crowd)
            replies = await race.race(
                [claim("voucher", who) for who in race.crowd[::2]]
                + [Ask("/events", event(who)) for who in race.crowd[1::2]]
            )

            taken = [one for one in race.books.claims() if one[1] in race.crowd]
            ((_, winner, status),) = taken
            if status == "granted":
                claimed = await race.ask(claim("voucher", winner))
                assert (claimed["code_value"], claimed["points_deducted"]) == (code, 0)
            assert told(replies[::2])[SOLD_OUT] <= RACERS // 2
            assert [each[1] for each in race.books.given() if each[2] == winner] == [code]

    def event(who: str) -> dict[str, Any]:
        return about(who, event_name="ticket")

    asyncio.run(race_on())


def test_of_one_batch_the_first_get_what_there_is(server):
    async def race_on() -> None:
        async for race in rounds(server):
            await race.stock(GOOD_FOR)
            events = [about(who, event_name="ticket") for who in race.crowd]
            await race.ask(Ask("/events/batch", {"events": events}))

            taken = [who for _, who, _ in race.books.claims() if who in race.crowd]
            assert taken == race.crowd[:GOOD_FOR]
            for who in taken:
                await race.ask(claim("voucher", who))

    asyncio.run(race_on())


@pytest.mark.parametrize("keyed", [True, False])
def test_who_may_have_one_gets_one(server, keyed):
    async def race_on() -> None:
        async for race in rounds(server):
            await race.give(race.ann, amount=RACERS * PRICE)
            keys = [f"hat-{place}" if keyed else None for place in range(RACERS)]
            replies = await race.race([claim("hat", race.ann, key) for key in keys])

            assert told(replies) == {WELL: 1, ENOUGH: RACERS - 1}
            assert race.balances(race.ann) == [(RACERS - 1) * PRICE]

    asyncio.run(race_on())


@pytest.mark.parametrize("reward", ["hat", "voucher"])
def test_one_key_claims_once_and_all_are_told_the_same(server, reward):
    async def race_on() -> None:
        async for race in rounds(server):
            await race.give(race.ann, amount=RACERS * PRICE)
            codes = await race.stock() if reward == "voucher" else [None]
            replies = await race.race([claim(reward, race.ann, "once")] * RACERS)

            assert told(replies) == {WELL: RACERS}
            assert all(reply.body == replies[0].body for reply in replies)
            assert [replies[0].body["code_value"]] == codes
            assert race.balances(race.ann) == [(RACERS - 1) * PRICE]

    asyncio.run(race_on())


MIXED = ("deduct", "holds", "claim")


@pytest.mark.parametrize(
    ("moves", "keyed"),
    [(("deduct",), False), (("holds",), True), (MIXED, False), (MIXED, True)],
)
def test_a_balance_is_good_for_so_many_and_no_more(server, moves, keyed):
    async def race_on() -> None:
        async for race in rounds(server):
            if "claim" in moves:
                await race.stock(RACERS)
            await race.give(race.ann, amount=GOOD_FOR * PRICE + PRICE - 1)
            replies = await race.race(
                [spending(race.ann, move, f"{place}" if keyed else None)
                 for place, move in zip(range(RACERS), itertools.cycle(moves))]
            )  # fmt: skip

            assert told(replies) == {WELL: GOOD_FOR, TOO_POOR: RACERS - GOOD_FOR}
            left = range(PRICE - 1, GOOD_FOR * PRICE, PRICE)
            assert sorted(each["new_balance"] for each in won(replies)) == list(left)
            assert race.balances(race.ann) == [PRICE - 1]
            holds = sum("hold_id" in each for each in won(replies))
            assert race.books.held().get(race.ann, 0) == holds * PRICE
            if "claim" in moves:
                await sell_out(race)

    asyncio.run(race_on())


def spending(who: str, move: str, key: str | None) -> Ask:
    return claim("voucher", who, key) if move == "claim" else points(move, who, PRICE, key)


async def sell_out(race: Race) -> None:
    """Leave no voucher to the next round."""
    await race.give(*race.crowd)
    assert SOLD_OUT in told(await race.race([claim("voucher", who) for who in race.crowd]))


async def race_to_end_a_hold(server: Running, keyed: bool) -> None:
    async for race in rounds(server):
        await race.give(race.ann, amount=4 * PRICE)
        hold, other = [
            (await race.ask(points("holds", race.ann, 2 * PRICE)))["hold_id"] for _ in range(2)
        ]
        moves = [
            points(f"holds/{hold}/{move}", race.ann, amount, f"end-{place}" if keyed else None)
            for place in range(RACERS // 4)
            for move, amount in [("capture", PRICE), ("release", None)] * 2
        ]
        replies = await race.race(moves)

        times = told(replies)[WELL]
        # Two of a kind that share a key are one.
        assert times == 1 + keyed, f"a hold was ended {times} times"
        assert told(replies)[GONE] == RACERS - times
        (left,) = {2 * PRICE - each["captured"] for each in won(replies)}
        assert race.balances(race.ann) == [left]
        assert race.books.held()[race.ann] == 2 * PRICE
        await race.ask(points(f"holds/{other}/release", race.ann))


@pytest.mark.parametrize("keyed", [True, False])
def test_a_hold_is_ended_once(server, keyed):
    asyncio.run(race_to_end_a_hold(server, keyed))


def test_a_bug_in_the_end_of_a_hold_would_be_seen(tmp_path):
    by = [sys.executable, planted.__file__, "end-a-hold-again"]
    with (
        serve(tmp_path, by, CATALOGUE) as server,
        pytest.raises(AssertionError, match=planted.BUGS["end-a-hold-again"].seen_as),
    ):
        asyncio.run(race_to_end_a_hold(server, keyed=False))


@pytest.mark.parametrize("keys", ["none", "one", "different"])
def test_a_challenge_is_claimed_once(server, keys):
    async def race_on() -> None:
        async for race in rounds(server):
            await race.ask(Ask("/events", about(race.ann, event_name="finish")))
            given = {"none": None, "one": "once"}
            replies = await race.race(
                [Ask("/challenges/sprint/claim", about(race.ann, given.get(keys, f"{place}")))
                 for place in range(RACERS)]
            )  # fmt: skip

            assert told(replies) == {WELL: RACERS}
            first = [reply.body for reply in replies if not reply.body["already_claimed"]]
            assert len(first) == (RACERS if keys == "one" else 1)
            assert all(each == first[0] for each in first)
            assert race.balances(race.ann) == [500]

    asyncio.run(race_on())


@pytest.mark.parametrize("move", ["award", "grant", "deduct", "holds"])
def test_one_key_moves_points_once(server, move):
    async def race_on() -> None:
        async for race in rounds(server):
            await race.give(race.ann, amount=10)
            replies = await race.race([points(move, race.ann, 7, "once")] * RACERS)

            assert told(replies) == {WELL: RACERS}
            after = 17 if move in {"award", "grant"} else 3
            assert {reply.body["new_balance"] for reply in replies} == {after}
            (_,) = {
                reply.body.get("transaction_id", reply.body.get("hold_id")) for reply in replies
            }
            assert race.balances(race.ann) == [after]
            if move == "grant":
                assert Counter(reply.body["duplicate"] for reply in replies)[False] == 1

    asyncio.run(race_on())


def test_one_key_on_a_batch_of_awards_is_one_award_each(server):
    async def race_on() -> None:
        async for race in rounds(server):
            awards = [about(who, f"key-{who}", amount=7) for who in race.crowd]
            replies = await race.race(
                [Ask("/points/award-batch", {"awards": awards[place:] + awards[:place]})
                 for place in range(0, RACERS, 4)]
            )  # fmt: skip

            assert {reply.body["processed"] for reply in replies} == {RACERS}
            assert race.balances(*race.crowd) == [7] * RACERS

    asyncio.run(race_on())
