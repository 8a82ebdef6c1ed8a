"""Many at once: one key has one effect, whoever comes first, and nobody's event is dropped."""

import asyncio
import itertools
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from tests.e2e.load import STORE, connections, mint, serve, settings, volley
from tests.e2e.log import stored, verified
from tests.e2e.wire import Ack, Connection, Event, Path, Reply, acks_of, request
from tests.serving import Running, program

TWINS = 64
ROUNDS = 10
DIFFERENT = 50
TOKEN_EVENTS_MAX = 100
"""What one token may send in 60 seconds."""

numbers = itertools.count()


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Running]:
    with serve(tmp_path_factory.mktemp("races")) as running:
        yield running
        assert not verified(running.cwd / STORE)


class Racers:
    """Connections opened beforehand, for one participant whom nobody has met."""

    def __init__(self, opened: list[Connection], token: str, participant: str) -> None:
        self.opened = opened
        self.token = token
        self.participant = participant

    def event(self, km: int = 1) -> Event:
        return Event(self.participant, next(numbers), "walk", km)

    async def race(self, sent: Sequence[tuple[Path, list[Event]]]) -> list[Reply]:
        requests = [request(path, events, self.token) for path, events in sent]
        replies = await volley(self.opened[: len(requests)], requests)
        assert {reply.status for reply in replies} <= {200, 202}, replies
        return replies


async def rounds(server: Running, count: int, times: int = ROUNDS):
    async with connections(server.url, count) as opened:
        for _ in range(times):
            participant = f"racer-{next(numbers)}"
            yield Racers(opened, await mint(opened[0], participant), participant)


def held(server: Running, participant: str) -> tuple[list[tuple[str, str, str]], int]:
    """Return a participant's events as (id, key, properties), and the points."""
    everything = stored(server.cwd / STORE)
    mine = [row for row in everything.events if row.participant == participant]
    points = everything.points.get(participant, 0)
    return [(row.id, row.key, row.properties) for row in mine], points


def shown_ids(acks: Sequence[Ack]) -> set[str]:
    return {ack.id for ack in acks if ack.id}


@pytest.mark.parametrize("path", Path)
def test_identical_requests_have_one_effect_and_one_id(server, path):
    async def race() -> None:
        async for racers in rounds(server, TWINS):
            event = racers.event(km=7)
            replies = await racers.race([(path, [event])] * TWINS)
            acks = [ack for reply in replies for ack in acks_of(path, reply)]

            (row,), points = held(server, racers.participant)
            assert shown_ids(acks) == {row[0]}
            assert points == 7
            if path in (Path.EMIT, Path.EMIT_BATCH):
                assert all(reply.body == replies[0].body for reply in replies)
            else:
                assert Counter(ack.first for ack in acks) == {True: 1, False: TWINS - 1}

    asyncio.run(race())


def test_one_key_on_all_routes_is_one_event(server):
    paths = list(itertools.islice(itertools.cycle(Path), TWINS))

    async def race() -> None:
        async for racers in rounds(server, TWINS):
            event = racers.event(km=7)
            replies = await racers.race([(path, [event]) for path in paths])
            acks = [ack for path, reply in zip(paths, replies, strict=True)
                    for ack in acks_of(path, reply)]  # fmt: skip

            (row,), points = held(server, racers.participant)
            assert shown_ids(acks) == {row[0]}
            assert sum(ack.first is True for ack in acks) <= 1
            assert points == 7
            assert not any("idempotency-mismatch" in reply.headers for reply in replies)

    asyncio.run(race())


def is_flagged(path: Path, reply: Reply) -> bool:
    if path is Path.BATCH:
        return "idempotency_mismatch" in reply.body["results"][0]["warnings"]
    return reply.headers.get("idempotency-mismatch") == "true"


@pytest.mark.parametrize("path", [path for path in Path if path is not Path.EMIT_BATCH])
def test_the_first_content_of_a_key_wins_and_the_others_are_told(server, path):
    async def race() -> None:
        async for racers in rounds(server, TWINS):
            event = racers.event()
            rivals = [event._replace(km=km) for km in range(1, TWINS + 1)]
            replies = await racers.race([(path, [rival]) for rival in rivals])

            (row,), points = held(server, racers.participant)
            unflagged = [
                rival
                for rival, reply in zip(rivals, replies, strict=True)
                if not is_flagged(path, reply)
            ]
            assert [winner.km for winner in unflagged] == [points]
            assert row[2] == event._replace(km=points).properties_json

    asyncio.run(race())


def test_the_first_content_of_a_key_wins_in_batches_that_do_not_tell(server):
    async def race() -> None:
        async for racers in rounds(server, TWINS):
            event = racers.event()
            rivals = [[event._replace(km=km)] for km in range(1, TWINS + 1)]
            replies = await racers.race([(Path.EMIT_BATCH, rival) for rival in rivals])

            (row,), points = held(server, racers.participant)
            assert row[2] == event._replace(km=points).properties_json
            assert all(reply.body == replies[0].body for reply in replies)

    asyncio.run(race())


FORMS = {
    "single": [(path, 1) for path in [Path.SINGLE] * DIFFERENT],
    "sync": [(path, 1) for path in [Path.SYNC] * DIFFERENT],
    "batches": [(Path.BATCH, 10)] * 5,
    "one batch": [(Path.BATCH, DIFFERENT)],
    "mixed": [
        *[(Path.SINGLE, 1), (Path.SYNC, 1), (Path.EMIT, 1), (Path.QUEST, 1)] * 5,
        *[(Path.BATCH, 10), (Path.EMIT_BATCH, 5)] * 2,
    ],
}


@pytest.mark.parametrize("form", FORMS)
def test_different_events_of_one_participant_all_count(server, form):
    async def race() -> None:
        async for racers in rounds(server, DIFFERENT):
            sent = [(path, [racers.event() for _ in range(size)]) for path, size in FORMS[form]]
            replies = await racers.race(sent)
            acks = [ack for (path, _), reply in zip(sent, replies, strict=True)
                    for ack in acks_of(path, reply)]  # fmt: skip

            rows, points = held(server, racers.participant)
            assert shown_ids(acks) == {row[0] for row in rows}
            assert len(rows) == points == DIFFERENT
            (probe,) = await racers.race([(Path.SYNC, [racers.event()])])
            (move,) = probe.body["results"]["challenge_progress"]
            assert (move["from"], move["to"]) == (DIFFERENT, DIFFERENT + 1)

    asyncio.run(race())


def test_sync_replies_of_a_race_tell_every_step_once(server):
    async def race() -> None:
        async for racers in rounds(server, DIFFERENT):
            replies = await racers.race([(Path.SYNC, [racers.event()]) for _ in range(DIFFERENT)])
            moves = [reply.body["results"]["challenge_progress"][0] for reply in replies]
            assert sorted(move["to"] for move in moves) == list(range(1, DIFFERENT + 1))

    asyncio.run(race())


def test_a_token_has_its_hundred_events_and_no_more(server):
    racing = 250

    async def race() -> None:
        async for racers in rounds(server, racing, times=1):
            other = await mint(racers.opened[0], racers.participant)
            events = [[racers.event()] for _ in range(racing)]
            sent = [request(Path.QUEST, event, racers.token) for event in events]
            replies = await volley(racers.opened, sent)
            statuses = Counter(reply.status for reply in replies)
            assert statuses == {200: TOKEN_EVENTS_MAX, 429: racing - TOKEN_EVENTS_MAX}
            refused = [reply for reply in replies if reply.status == 429]
            assert all(1 <= int(reply.headers["retry-after"]) <= 60 for reply in refused)
            assert all(reply.body["error"] == "rate_limited" for reply in refused)
            rows, points = held(server, racers.participant)
            assert len(rows) == points == TOKEN_EVENTS_MAX

            racers.token = other
            await racers.race([(Path.QUEST, [racers.event()]) for _ in range(TOKEN_EVENTS_MAX)])
            reply = await racers.opened[0].ask(request(Path.QUEST, [racers.event()], other))
            assert reply.status == 429

    asyncio.run(race())


def test_of_two_that_start_at_once_on_one_file_one_serves(tmp_path):
    for number in range(ROUNDS // 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        started = [
            subprocess.Popen(
                [*program(), "serve"],
                cwd=folder,
                env=settings(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        try:
            _one_serves_and_names_itself(started)
        finally:
            for process in started:
                process.kill()
                process.communicate()


def _one_serves_and_names_itself(started: Sequence[subprocess.Popen[str]]) -> None:
    lines = [process.stdout.readline() for process in started if process.stdout]
    (winner,) = [line for line in lines if line]
    (loser,) = [process for process, line in zip(started, lines, strict=True) if not line]
    _, told = loser.communicate(timeout=30)
    assert loser.returncode == 1
    assert f"is being written by a server at {winner.split()[-1]}" in told
