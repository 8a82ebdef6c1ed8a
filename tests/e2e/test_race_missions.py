"""Many claims of missions at once: each is paid once, whoever asks, and no count is lost."""

import asyncio
import itertools
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest
from tests.e2e import planted
from tests.e2e.load import STORE, connections, mint, serve, volley
from tests.e2e.log import verified
from tests.e2e.missions import DONE_BY, MISSIONS, PAYS, RULEBOOK, Member, paid, steps
from tests.e2e.shop import Ask, Books, about
from tests.e2e.wire import Connection, Reply
from tests.serving import Running

RACERS = 64
ROUNDS = 8
EVENTS = 50
MEMBERS, CLAIMS_EACH = 40, 6
BUSY_WITH = 30
DAY_MS = 24 * 60 * 60 * 1000

FIRST = {
    "spring-walk": ("currency", "coin", 20),
    "spring-buyer": ("currency", "coin", 50),
    "first-boots": ("item", "shoe_care_kit", 2),
    "explorer": ("currency", "gem", 5),
}
"""The one reward that a reply tells."""

numbers = itertools.count()


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Running]:
    with serve(tmp_path_factory.mktemp("missions"), rulebook=RULEBOOK) as running:
        yield running
        assert not verified(running.cwd / STORE)
        assert not list(Books(running.cwd / STORE).mistakes())


class Race:
    """One round: connections opened beforehand, and members whom nobody has met."""

    def __init__(self, server: Running, opened: list[Connection]) -> None:
        self.books = Books(server.cwd / STORE)
        self.opened = opened
        self.number = next(numbers)

    async def join(self, name: str = "ann") -> Member:
        who = f"{name}-{self.number}"
        return Member(who, await mint(self.opened[0], who))

    async def complete(self, member: Member, *missions: str) -> None:
        for name, payload in itertools.chain.from_iterable(DONE_BY[each] for each in missions):
            await self.ask(member.did(name, payload))

    async def ask(self, text: bytes) -> Any:
        """Ask for something by the way, which is well."""
        reply = await self.opened[0].ask(text)
        assert reply.ok, reply
        return reply.body

    async def race(self, texts: Sequence[bytes]) -> list[Reply]:
        """Send all of it at once; every other time to a server that is busy, and gathers it."""
        if self.number % 2:
            return await volley(self.opened[: len(texts)], texts)
        events = [about(f"by-{self.number}", event_name="step")] * BUSY_WITH
        busy = Ask("/events/batch", {"events": events}).spelled()
        return (await volley(self.opened[: len(texts) + 1], [busy, *texts]))[1:]

    async def has(self, member: Member) -> dict[str, int]:
        balances = (await self.ask(member.reads("/v1/balance")))["balances"]
        return {each["currency"]: each["amount"] for each in balances}

    async def check_paid(self, member: Member, *missions: str) -> None:
        """Look whether these missions were paid once each, and nothing else was paid."""
        has = paid(self.books, member.name)
        for (mission, what, _), times in Counter(has).items():
            assert times == 1, f"{what} of {mission} was paid {times} times"
        assert has == [(each, *pays) for each in sorted(missions) for pays in PAYS[each]]
        worth: Counter[str] = Counter()
        for mission in missions:
            worth.update(dict(PAYS[mission]))
        assert await self.has(member) == {
            currency: worth[currency] for currency in ("coin", "gem") if worth[currency]
        }


async def rounds(server: Running, times: int = ROUNDS, count: int = RACERS) -> AsyncIterator[Race]:
    async with connections(server.url, count + 1) as opened:
        for _ in range(times):
            yield Race(server, opened)


def keys_of(kind: str) -> list[str | None]:
    """Return a key for each racer: `none`, `one` and the same, or `different` ones."""
    given = {"none": None, "one": "once"}
    return [given.get(kind, f"key-{place}") for place in range(RACERS)]


def told(replies: Sequence[Reply]) -> Counter[tuple[int, str]]:
    return Counter((reply.status, reply.body.get("error", "")) for reply in replies)


def are_alike(replies: Sequence[Reply]) -> bool:
    """Say whether all tell the same mission, the same reward, and the same amount after it."""
    first, *others = [_gist(reply.body) for reply in replies]
    return all(each == first for each in others)


def _gist(body: dict[str, Any]) -> tuple[Any, ...]:
    balance = body["balance"] or {"currency": None, "amount": None}
    return body["progress"], body["reward"], balance["currency"], balance["amount"]


def replays(replies: Sequence[Reply]) -> int:
    kinds = Counter(reply.headers.get("x-idempotent-replay") for reply in replies)
    assert kinds.keys() <= {None, "hit", "db-hit"}
    return kinds["hit"] + kinds["db-hit"]


WELL = (200, "")
NOT_READY = (409, "claim_not_ready")


async def race_to_claim(server: Running, keys: str, missions: Sequence[str]) -> None:
    async for race in rounds(server):
        ann = await race.join()
        await race.complete(ann, *MISSIONS)
        claimed = list(itertools.islice(itertools.cycle(missions), RACERS))
        replies = await race.race(
            [ann.claims(mission, key) for mission, key in zip(claimed, keys_of(keys), strict=True)]
        )

        assert told(replies) == {WELL: RACERS}
        await race.check_paid(ann, *missions)
        for place, mission in enumerate(missions):
            mine = replies[place :: len(missions)]
            assert {reply.body["progress"]["missionId"] for reply in mine} == {mission}
            assert {reply.body["progress"]["status"] for reply in mine} == {"claimed"}
            assert {tuple(reply.body["reward"].values()) for reply in mine} == {FIRST[mission]}
            # Where two missions pay one currency, whoever asks again hears of both.
            assert are_alike(mine) or (len(missions) > 1 and "coin" in FIRST[mission])
            assert replays(mine) == (len(mine) - 1 if keys == "one" else 0)


@pytest.mark.parametrize("missions", [[each] for each in MISSIONS] + [MISSIONS], ids="+".join)
@pytest.mark.parametrize("keys", ["none", "one", "different"])
def test_a_mission_is_paid_once(server, keys, missions):
    asyncio.run(race_to_claim(server, keys, missions))


def test_a_bug_in_the_claim_would_be_seen(tmp_path):
    by = [sys.executable, planted.__file__, "claim-again"]
    with (
        serve(tmp_path, by, RULEBOOK) as server,
        pytest.raises(AssertionError, match=planted.BUGS["claim-again"].seen_as),
    ):
        asyncio.run(race_to_claim(server, "none", ["spring-walk"]))


def test_many_members_who_claim_at_once_are_paid_once_each(server):
    async def race_on() -> None:
        async for race in rounds(server, ROUNDS // 4, MEMBERS * CLAIMS_EACH):
            members = [await race.join(f"member{place}") for place in range(MEMBERS)]
            for member in members:
                await race.complete(member, "spring-walk")
            texts = [member.claims("spring-walk") for member in members] * CLAIMS_EACH
            replies = await race.race(texts)

            assert told(replies) == {WELL: MEMBERS * CLAIMS_EACH}
            for place, member in enumerate(members):
                assert are_alike(replies[place::MEMBERS])
                await race.check_paid(member, "spring-walk")

    asyncio.run(race_on())


@pytest.mark.parametrize("keys", ["none", "one", "different"])
def test_claims_of_both_apis_are_paid_once_together(server, keys):
    async def race_on() -> None:
        async for race in rounds(server):
            ann = await race.join()
            await race.complete(ann, "spring-walk")
            spellings = [ann.claims, ann.claims_elsewhere] * (RACERS // 2)
            replies = await race.race(
                [
                    spell("spring-walk", key)
                    for spell, key in zip(spellings, keys_of(keys), strict=True)
                ]
            )

            assert told(replies) == {WELL: RACERS}
            assert are_alike(replies[::2])
            await race.check_paid(ann, "spring-walk")
            # Those of one key are told the answer of the first, whichever API it came through.
            first = [each for each in replies[1::2] if not each.body["already_claimed"]]
            assert len(first) == RACERS // 2 if keys == "one" else len(first) <= 1
            for reply in first:
                (granted,) = reply.body["rewards_granted"]
                assert (granted["currency"], granted["amount"]) == ("coin", 20)

    asyncio.run(race_on())


@pytest.mark.parametrize("keys", ["none", "different"])
def test_every_day_that_is_owed_is_paid_once(server, keys):
    noon = time.time_ns() // 1_000_000 // DAY_MS * DAY_MS - DAY_MS // 2
    days = [noon, noon - DAY_MS, noon - 3 * DAY_MS]

    async def race_on() -> None:
        async for race in rounds(server):
            ann = await race.join()
            for day in days * 3:
                await race.ask(ann.did("product.viewed", {}, day))
            replies = await race.race([ann.claims("daily-visit", key) for key in keys_of(keys)])

            assert told(replies) == {WELL: len(days), NOT_READY: RACERS - len(days)}
            assert paid(race.books, ann.name) == [("daily-visit", "coin", 1)] * len(days)
            balances = [reply.body["balance"]["amount"] for reply in replies if reply.ok]
            assert sorted(balances) == list(range(1, len(days) + 1))

    asyncio.run(race_on())


def test_fifty_events_at_once_are_fifty_steps(server):
    async def race_on() -> None:
        async for race in rounds(server):
            ann = await race.join()
            replies = await race.race([ann.did("walk.finished", {"km": 0.1})] * EVENTS)

            assert told(replies) == {WELL: EVENTS}
            assert len({reply.body["eventId"] for reply in replies}) == EVENTS
            assert {tuple(reply.body["missionsUpdated"]) for reply in replies} == {("spring-walk",)}
            progress = (await race.ask(ann.reads("/v1/missions/spring-walk")))["progress"]
            assert (progress["progress"], progress["currentCount"]) == (0.5, 5)
            stood = steps(race.books, ann.name, "spring-walk")
            assert stood == [step * 100_000 for step in range(1, EVENTS + 1)]

    asyncio.run(race_on())


@pytest.mark.parametrize("keys", ["none", "one", "different"])
def test_events_count_while_another_mission_is_claimed(server, keys):
    async def race_on() -> None:
        async for race in rounds(server):
            ann = await race.join()
            await race.complete(ann, "spring-buyer")
            claims = [ann.claims("spring-buyer", key) for key in keys_of(keys)]
            walks = [ann.did("walk.finished", {"km": 0.1})] * RACERS
            mixed = [text for pair in zip(walks, claims, strict=True) for text in pair]
            replies = await race.race(mixed[:RACERS])

            assert told(replies) == {WELL: RACERS}
            assert are_alike(replies[1::2])
            await race.check_paid(ann, "spring-buyer")
            stood = steps(race.books, ann.name, "spring-walk")
            assert stood == [step * 100_000 for step in range(1, RACERS // 2 + 1)]

    asyncio.run(race_on())


def test_a_claim_that_races_with_the_events_that_complete_it_is_early_or_paid(server):
    async def race_on() -> None:
        async for race in rounds(server):
            ann = await race.join()
            walks = [ann.did("walk.finished", {"km": 10 / EVENTS})] * EVENTS
            claims = [ann.claims("spring-walk")] * (RACERS - EVENTS)
            # The claims stand among the last events, where it may be either.
            replies = await race.race([*walks[:-7], *claims[:7], *walks[-7:], *claims[7:]])

            heard = told(replies)
            assert heard.keys() <= {WELL, NOT_READY}
            assert heard[NOT_READY] <= len(claims)
            assert heard[WELL] >= EVENTS
            stood = steps(race.books, ann.name, "spring-walk")
            assert stood == sorted(set(stood))
            assert stood[-1] == 10_000_000
            assert len(stood) == EVENTS
            await race.ask(ann.claims("spring-walk"))
            await race.check_paid(ann, "spring-walk")

    asyncio.run(race_on())
