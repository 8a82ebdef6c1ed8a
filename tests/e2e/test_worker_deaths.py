"""Workers that die at a point of our choice, and events that nobody can decide."""

import asyncio
import signal
import sys
import time
from collections.abc import Iterator, Sequence

import pytest
from tests.e2e import dying
from tests.e2e.load import connections
from tests.e2e.log import stored
from tests.e2e.rows import verified
from tests.e2e.siege import Siege
from tests.e2e.town import Town, soon
from tests.e2e.wire import Event, Path, request
from tests.serving import laurels

DEATHS = 3
POINTS = {"read": "between read and commit", "committed": "between commit and acknowledge"}
DEATH_S_MAX = 20
NEIGHBOURS = 9
ROUNDS = 3
DELAY_S_MAX = 0.25


@pytest.fixture
def town(postgres_url, redis_url, tmp_path) -> Iterator[Town]:
    with Town(tmp_path, postgres_url, redis_url, serves=1, works=2) as town:
        yield town


def dying_by(way: str, what: str) -> Sequence[str]:
    return (sys.executable, dying.__file__, way, what)


def die(town: Town, point: str) -> None:
    """Put a worker in place that dies, which may be before it has said a word."""
    try:
        worker = town.work(1, dying_by("die-at", point))
    except AssertionError:
        return
    assert worker.process.wait(DEATH_S_MAX) == -signal.SIGKILL


def test_a_worker_dies_at_each_point_and_another_takes_over(town, capsys):
    siege = Siege(town)

    async def fate() -> None:
        for point in POINTS:
            for _ in range(DEATHS):
                await asyncio.to_thread(die, town, point)

    siege.run(fate)
    siege.check()
    siege.repeat()

    said = town.said()
    for point, where in POINTS.items():
        assert said.count(f"died at {point}") == DEATHS, where
    assert "parked" not in said
    assert not town.unwanted()
    with capsys.disabled():
        print(  # noqa: T201 - the figures are worth a line
            f"\n{DEATHS} workers dead at each of {len(POINTS)} points:"
            f" {len(siege.load.log.acked)} events acknowledged, each counted once"
        )


def decided_s(town: Town, events: Sequence[Event], wanted: int) -> float:
    """Send events in one batch; return how long it took until so many were stored."""
    who = events[0].participant

    async def send() -> None:
        async with connections(town.urls[0], 1) as (connection,):
            assert (await connection.ask(request(Path.BATCH, events))).ok

    begun = time.monotonic()
    asyncio.run(send())
    soon(lambda: len(stored(town.store, who).events) >= wanted)
    return time.monotonic() - begun


def test_what_nobody_can_decide_is_parked_and_comes_back(town, capsys):
    for number in range(2):
        town.work(number, dying_by("choke-on", "step"))
    with_s: list[float] = []
    without_s: list[float] = []
    for turn in range(ROUNDS):
        walks = [Event(f"free{turn}", 100 * turn + n, "walk", 1) for n in range(NEIGHBOURS)]
        without_s.append(decided_s(town, walks, NEIGHBOURS))
        held_up = [one._replace(participant=f"held{turn}") for one in walks]
        poison = held_up[0]._replace(number=100 * turn + 99, name="step")
        with_s.append(decided_s(town, [held_up[0], poison, *held_up[1:]], NEIGHBOURS))
    soon(lambda: town.oldest_ms() is None)

    at = ("--queue", town.queue)
    listed = laurels("queue", "parked", *at, cwd=town.folder)
    assert listed.returncode == 1
    assert listed.stdout.count("step sticks in the throat") == ROUNDS, listed
    delay_s = sorted(with_s)[ROUNDS // 2] - sorted(without_s)[ROUNDS // 2]
    with capsys.disabled():
        print(  # noqa: T201 - the figures are worth a line
            f"\n{NEIGHBOURS} neighbours of a poisonous event decided in"
            f" {[round(one, 3) for one in with_s]} s, else in"
            f" {[round(one, 3) for one in without_s]} s"
        )
    assert delay_s < DELAY_S_MAX

    for number in range(2):
        town.work(number)
    requeued = laurels("queue", "requeue", "--all", *at, cwd=town.folder)
    assert requeued.stdout.count("Requeued") == ROUNDS
    town.drain()
    held = stored(town.store, "held%")
    assert held.points == {f"held{turn}": NEIGHBOURS + 1 for turn in range(ROUNDS)}
    assert "Nothing is parked." in laurels("queue", "parked", *at, cwd=town.folder).stdout
    assert not verified(town.store)
