"""A Redis that is full takes nothing more, and everything that empties it."""

import logging
from typing import Any

import pytest
from tests.cast import a_stage
from tests.queue.line import QUIZ, Died, Line
from tests.servers import RedisCluster, RedisServer

from laurels.core.errors import Unavailable

SUM = "earn: [{id: quiz, event: quiz, points: {of: score, times: 1}}]"
PEOPLE = 50


@pytest.fixture(params=[RedisServer, RedisCluster])
def line(request, tmp_path, caplog):
    """A line on a Redis that may be filled."""
    caplog.set_level(logging.CRITICAL)
    with request.param() as server, a_stage(tmp_path, QUIZ) as stage:
        line = Line(server.url, stage)
        line.nodes = getattr(server, "nodes", [server])
        yield line
        line.link.close()
        assert stage.findings() == []


def fill(line) -> None:
    """Leave no memory: nothing is evicted, and whatever would need more is refused."""
    for node in line.nodes:
        with node.client() as client:
            client.config_set("maxmemory", 1)
    (refused,) = line.append(line.stage.event("quiz", key="no room"))
    assert isinstance(refused, Unavailable)


def balances(line) -> set[int]:
    return {line.stage.balance(f"p{n}") for n in range(PEOPLE)}


@pytest.mark.parametrize("has_been_read", [True, False])
def test_workers_that_are_started_then_empty_its_lanes(line, has_been_read):
    line.append(*(line.stage.event("quiz", f"p{n}", "k") for n in range(PEOPLE)))
    if has_been_read:
        worker = line.worker(die)
        with pytest.raises(Died):
            line.drain(worker)
        line.free()
    fill(line)

    line.drain()

    assert balances(line) == {5}
    assert (line.pending(), line.traces()) == (0, 0)


def die(_: object) -> None:
    raise Died


def test_what_cannot_be_decided_is_parked_and_looked_after_all_the_same(line):
    """In a batch, and alone after a failure."""
    poison, wild = line.stage.event("quiz", "eve", "k"), line.stage.event("quiz", score=10**12)
    line.append(poison, wild)
    line.stage.store.registry.put_rulebook("shop/live", SUM, 0)
    fill(line)

    line.drain(line.worker(engine=Failing(line.stage.engine)))

    parked = line.parked.listed(9)
    assert {one.event.id for one in parked if one.event} == {poison.id, wild.id}
    (requeued,) = [one for one in parked if one.event == poison]
    assert line.parked.requeue(requeued.lane, requeued.id)
    line.drain()
    assert [entry.command for entry in line.stage.journal()] == [poison.id]
    (discarded,) = line.parked.listed(9)
    assert line.parked.discard(discarded.lane, discarded.id)
    assert (line.left(), line.pending(), line.traces()) == (0, 0, 0)


class Failing:
    """An engine that stumbles over whoever is called Eve."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine

    def submit(self, commands, *, waited):
        if any(command.participant == "eve" for command in commands):
            raise ValueError
        return self.engine.submit(commands, waited=waited)
