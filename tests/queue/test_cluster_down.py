"""A cluster none of whose nodes answers is away like any Redis, though its client says so oddly."""

import asyncio
import logging
from contextlib import suppress
from uuid import uuid4

import pytest
from tests.cast import a_stage
from tests.queue.line import QUIZ, Line
from tests.servers import RedisCluster

from laurels.core.errors import Unavailable
from laurels.engine.ahead import Ahead
from laurels.engine.gather import Gather
from laurels.engine.intake import Intake
from laurels.engine.ports import Receipt
from laurels.link import connect
from laurels.queue.lanes import RedisLanes


@pytest.fixture
def line(tmp_path, caplog):
    caplog.set_level(logging.CRITICAL)
    with RedisCluster() as cluster, a_stage(tmp_path, QUIZ) as stage:
        line = Line(cluster.url, stage)
        line.nodes = cluster.nodes
        yield line
        line.link.close()
        assert stage.findings() == []


def play(line, act) -> None:
    """Act on an event loop, by whose link all was well before all nodes of the cluster went."""

    async def run():
        link, gather = connect(line.url), Gather(line.stage.engine)
        gather.start()
        lanes = RedisLanes(link)
        try:
            assert await lanes.append([line.stage.event("quiz", key="kept")]) == [None]
            for node in line.nodes:
                await asyncio.to_thread(node.kill)
            for _ in range(3):  # What its client says when depends on how much it has noticed.
                await act(lanes, gather)
        finally:
            await gather.close()
            await link.aclose()

    asyncio.run(run())


def test_whoever_asks_hears_that_it_is_away(line):
    async def ask(lanes, _):
        event = line.stage.event("quiz", key="k")
        for ask in (lambda: lanes.waiting([event]), lambda: lanes.original(event), lanes.backlog):
            with pytest.raises(Unavailable):
                await ask()
        with suppress(Unavailable):
            (outcome,) = await lanes.append([event])
            assert isinstance(outcome, Unavailable)

    play(line, ask)


def test_what_is_accepted_is_refused_or_goes_to_the_store_and_what_is_waited_for_goes_on(line):
    async def send(lanes, gather):
        queries, keys = line.stage.store.queries, iter(uuid4().hex for _ in range(9))

        def event():
            return line.stage.event("quiz", key=next(keys))

        (refused,) = await Intake(lanes, queries, backlog_max=9).accept([event()])
        instead = Intake(lanes, queries, backlog_max=9, instead=gather)
        (handed_on,) = await instead.accept([event()])
        (waited_for,) = await Ahead(gather, lanes).submit([event()])
        assert isinstance(refused, Unavailable)
        assert isinstance(handed_on, Receipt)
        assert isinstance(waited_for, Receipt)
        assert (handed_on.version, waited_for.version) == (1, 1)

    play(line, send)

    assert line.stage.balance() == 3 * 2 * 5


def test_a_worker_and_whoever_looks_after_what_is_parked_hear_it_too(line):
    worker = line.worker()
    while line.left():
        worker.step()
    for node in line.nodes:
        node.kill()

    for _ in range(3):
        assert not worker.step()
        with pytest.raises(Unavailable):
            line.parked.listed(1)
