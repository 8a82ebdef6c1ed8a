"""Accepting for later: what a caller hears, when there is too much, and when Redis is down."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.cast import HOUR, a_stage
from tests.queue.line import QUIZ, Line
from tests.servers import RedisServer

from laurels.core.errors import NumberOutOfRange, Unavailable
from laurels.engine.ahead import Ahead
from laurels.engine.gather import Gather
from laurels.engine.intake import Intake
from laurels.engine.queue import LANES
from laurels.link import connect
from laurels.queue.lanes import RedisLanes
from laurels.queue.names import STREAMS

SUM = """
earn: [{id: quiz, event: quiz, points: {of: score, times: 1}}]
"""


@asynccontextmanager
async def accepting(line, **more: Any) -> AsyncIterator[Any]:
    link = connect(line.url)
    try:
        settings: Any = {"backlog_max": 1000} | more
        yield Intake(RedisLanes(link), line.stage.store.queries, **settings)
    finally:
        await link.aclose()


@asynccontextmanager
async def gathering(line) -> AsyncIterator[Any]:
    gather = Gather(line.stage.engine)
    gather.start()
    try:
        yield gather
    finally:
        await gather.close()


def accept(line, *events: Any, **more: Any) -> Any:
    async def play():
        async with accepting(line, **more) as intake:
            return await intake.accept(events)

    return asyncio.run(play())


def test_an_event_is_kept_and_not_yet_applied(line):
    event, other = line.stage.event("quiz", key="k"), line.stage.event("other")

    receipt, unknown = accept(line, event, other)

    assert (receipt.id, receipt.name, receipt.version) == (event.id, "quiz", 0)
    assert (receipt.received_at, receipt.recorded_at) == (event.received_at, event.received_at)
    assert (receipt.changes, receipt.duplicate, receipt.mismatch) == ((), False, False)
    assert (receipt.known, unknown.known) == (True, False)
    assert line.stage.balance() == 0
    line.drain()
    assert line.stage.balance() == 5


def test_those_who_come_together_share_a_round_trip_and_keep_their_order(line):
    events = [line.stage.event("quiz", "ann", f"k{n}") for n in range(300)]

    async def play():
        async with accepting(line) as intake:
            return await asyncio.gather(*(intake.accept([event]) for event in events))

    receipts = asyncio.run(play())
    line.drain()

    assert [receipt.id for (receipt,) in receipts] == [event.id for event in events]
    assert [entry.command for entry in line.stage.journal()] == [event.id for event in events]


def test_a_key_that_waits_is_a_duplicate_out_of_the_cache(line):
    first = line.stage.event("quiz", key="k", score=1, course="a")
    accept(line, first)
    line.stage.clock.move(by=50)
    again = line.stage.event("quiz", key="k", score=1, course="a")
    reordered = line.stage.event("quiz", key="k", course="a", score=1.0)
    other = line.stage.event("quiz", key="k", score=2, course="a")
    renamed = line.stage.event("other", key="k", score=1, course="a")

    receipts = accept(line, again, reordered, other, renamed)

    assert {receipt.id for receipt in receipts} == {first.id}
    assert {receipt.received_at for receipt in receipts} == {first.received_at}
    assert {receipt.answered_by for receipt in receipts} == {"cache"}
    assert [receipt.mismatch for receipt in receipts] == [False, False, True, True]
    assert line.left() == 1


def test_a_key_that_was_decided_is_a_duplicate_out_of_the_store(line):
    first = line.stage.event("quiz", key="k", score=1)
    accept(line, first)
    line.drain()

    same, other = accept(
        line, line.stage.event("quiz", key="k", score=1), line.stage.event("quiz", key="k", score=2)
    )

    assert (same.id, same.answered_by, same.mismatch) == (first.id, "store", False)
    assert (other.id, other.answered_by, other.mismatch) == (first.id, "store", True)
    assert line.left() == 0


def test_a_key_is_free_again_after_a_day(line):
    accept(line, line.stage.event("quiz", key="k"))
    line.drain()
    line.stage.clock.move(by=25 * HOUR)
    line.link.delete(*line.link.scan_iter("*claim*"))
    later = line.stage.event("quiz", key="k")

    (receipt,) = accept(line, later)
    line.drain()

    assert (receipt.id, receipt.duplicate) == (later.id, False)
    assert line.stage.balance() == 10


def test_twins_that_race_over_two_processes_are_counted_once(line):
    twins = [line.stage.event("quiz", f"p{n}", "k") for n in range(20) for _ in range(2)]

    async def play():
        async with accepting(line) as one, accepting(line) as other:
            return await asyncio.gather(
                *((one, other)[n % 2].accept([twin]) for n, twin in enumerate(twins))
            )

    answers = [answer for (answer,) in asyncio.run(play())]
    line.drain()

    for one, other in zip(answers[::2], answers[1::2], strict=True):
        assert one.id == other.id
        assert {one.duplicate, other.duplicate} == {False, True}
    assert [line.stage.balance(f"p{n}") for n in range(20)] == [5] * 20


@pytest.mark.parametrize(
    ("number", "is_refused"), [(9e9, False), (9e9 + 1, True), (-(10**30), True), (True, False)]
)
def test_a_number_that_no_rule_may_read_is_refused_as_it_is_without_a_queue(
    url, tmp_path, number, is_refused
):
    with a_stage(tmp_path, SUM) as stage:
        line = Line(url, stage)
        read, unread = (
            stage.event("quiz", score=number),
            stage.event("quiz", "bob", other=number, deep={"score": [number]}),
        )

        outcome, kept = accept(line, read, unread)

        assert isinstance(outcome, NumberOutOfRange) is is_refused
        assert kept.id == unread.id
        assert isinstance(stage.tell("quiz", "cid", score=number), NumberOutOfRange) is is_refused
        line.drain()
        assert not line.parked.listed(9)
        line.link.close()


def test_a_store_that_cannot_say_which_keys_it_knows_does_not_hold_up_anybody(line):
    line.stage.tell("quiz", key="k")

    class Silent:
        def rulebook(self, tenant):
            raise Unavailable

    async def play():
        link = connect(line.url)
        try:
            silent: Any = Silent()
            intake = Intake(RedisLanes(link), silent, backlog_max=9)
            return await intake.accept([line.stage.event("quiz", key="k")])
        finally:
            await link.aclose()

    receipt: Any
    (receipt,) = asyncio.run(play())
    assert not receipt.duplicate
    assert receipt.known

    line.drain()
    assert line.stage.balance() == 5
    assert len(line.stage.journal()) == 1


def test_past_the_backlog_nothing_is_taken_and_nothing_dropped(line):
    async def play():
        async with accepting(line, backlog_max=30) as intake:
            heard = [
                (await intake.accept([line.stage.event("quiz", f"p{n}", f"k{n}")]))[0]
                for n in range(60)
            ]
            (whole,) = await asyncio.gather(
                intake.accept([line.stage.event("quiz", f"p{n}") for n in range(5)])
            )
            return heard, whole

    heard, whole = asyncio.run(play())

    refused = [one for one in heard if isinstance(one, Unavailable)]
    assert len(heard) - len(refused) == line.left() == 30
    assert all(isinstance(one, Unavailable) for one in whole)
    assert all(one.retry_after_ms >= 1000 for one in refused)
    line.drain()
    assert len(line.stage.journal()) == 30
    assert not isinstance(accept(line, line.stage.event("quiz"), backlog_max=30)[0], Unavailable)


def test_what_is_parked_counts_as_waiting(line):
    line.link.xadd(STREAMS[7], {"e": b"nonsense"})
    line.drain()

    (outcome,) = accept(line, line.stage.event("quiz"), backlog_max=1)

    assert isinstance(outcome, Unavailable)


def test_when_the_oldest_has_waited_for_half_an_hour_nothing_more_is_taken(line):
    then = int(time.time() * 1000) - 31 * 60 * 1000
    line.link.xadd(STREAMS[LANES - 1], {"e": b"old"}, id=f"{then}-0")

    (outcome,) = accept(line, line.stage.event("quiz"))

    assert isinstance(outcome, Unavailable)
    assert outcome.retry_after_ms >= 1000
    line.drain()
    assert not isinstance(accept(line, line.stage.event("quiz"))[0], Unavailable)


@pytest.fixture
def own(tmp_path, caplog):
    """A line on a Redis that may be killed."""
    caplog.set_level(logging.CRITICAL)
    with RedisServer(appendfsync="always") as server, a_stage(tmp_path, QUIZ) as stage:
        line = Line(server.url, stage)
        yield line, server
        line.link.close()
        assert stage.findings() == []


def test_a_redis_without_memory_takes_nothing_and_loses_nothing(own):
    line, _ = own
    kept = line.stage.event("quiz", key="1")
    accept(line, kept)
    line.link.config_set("maxmemory", 1)

    (outcome,) = accept(line, line.stage.event("quiz", key="2"))

    assert isinstance(outcome, Unavailable)
    line.link.config_set("maxmemory", 0)
    line.drain()
    assert [entry.command for entry in line.stage.journal()] == [kept.id]


def test_while_redis_is_down_callers_hear_when_to_come_back(own):
    line, server = own

    async def play():
        async with accepting(line) as intake:
            (before,) = await intake.accept([line.stage.event("quiz", key="1")])
            server.kill()
            begun = time.monotonic()
            down = await asyncio.gather(
                *(intake.accept([line.stage.event("quiz", key=f"d{n}")]) for n in range(50))
            )
            down += [await intake.accept([line.stage.event("quiz", key="rest")])]
            took_s = time.monotonic() - begun
            server.restart()
            restarted = time.monotonic()
            after = [Unavailable()]
            while isinstance(after[0], Unavailable) and time.monotonic() < restarted + 5:
                await asyncio.sleep(0.02)
                after = await intake.accept([line.stage.event("quiz", key="2")])
            return before, down, took_s, after[0], time.monotonic() - restarted

    after: Any
    before, down, took_s, after, back_s = asyncio.run(play())

    assert all(isinstance(one, Unavailable) and one.retry_after_ms >= 1000 for (one,) in down)
    assert took_s < 2
    assert back_s < 2
    line.drain()
    assert {entry.command for entry in line.stage.journal()} == {before.id, after.id}


def test_while_redis_is_down_the_store_takes_events_where_that_is_wanted(own):
    line, server = own

    async def play():
        async with gathering(line) as gather, accepting(line, instead=gather) as intake:
            await intake.accept([line.stage.event("quiz", key="1")])
            server.kill()
            down = [
                (await intake.accept([line.stage.event("quiz", key=key)]))[0]
                for key in ("2", "3", "3")
            ]
            # What is waited for goes on, too.
            ahead = Ahead(gather, intake._lanes)
            (receipt,) = await ahead.submit([line.stage.event("quiz", key="4")])
            return down, receipt

    receipt: Any
    down, receipt = asyncio.run(play())
    assert [one.version for one in down] == [1, 1, 1]
    assert [one.duplicate for one in down] == [False, False, True]
    assert not receipt.duplicate
    assert line.stage.balance() == 15

    server.restart()
    line.drain()
    assert line.stage.balance() == 20


class Deaf(RedisLanes):
    """What it sends comes through, and is decided before it knows that no answer will come."""

    def __init__(self, link, line):
        super().__init__(link)
        self.line = line

    async def append(self, events):
        await super().append(events)
        await asyncio.to_thread(self.line.drain)
        answers: list[Any] = [Unavailable() for _ in events]
        return answers


@pytest.mark.parametrize("key", [None, "k"])
def test_what_was_decided_though_the_queue_did_not_answer_is_known_to_the_store(line, key):
    event, beside = line.stage.event("quiz", key=key), line.stage.event("quiz", "bob")

    async def play():
        link = connect(line.url)
        try:
            async with gathering(line) as gather:
                queries = line.stage.store.queries
                intake = Intake(Deaf(link, line), queries, backlog_max=9, instead=gather)
                return await asyncio.gather(intake.accept([event]), gather.submit([beside]))
        finally:
            await link.aclose()

    ((receipt,), (other,)) = asyncio.run(play())

    assert not isinstance(receipt, Unavailable)
    assert (receipt.id, other.id) == (event.id, beside.id)
    assert sorted(entry.command for entry in line.stage.journal()) == [event.id, beside.id]
    assert (line.stage.balance(), line.stage.balance("bob")) == (5, 5)


def test_where_neither_redis_nor_the_store_can_be_asked_callers_hear_it(own):
    line, server = own

    class Shut:
        async def submit(self, commands, *, waited):
            raise Unavailable

    async def play():
        async with accepting(line, instead=Shut()) as intake:
            (kept,) = await intake.accept([line.stage.event("quiz")])
            server.kill()
            return kept, (await intake.accept([line.stage.event("quiz")]))[0]

    kept, outcome = asyncio.run(play())
    assert not isinstance(kept, Unavailable)
    assert isinstance(outcome, Unavailable)


def test_a_worker_goes_on_when_redis_is_back(own):
    line, server = own
    worker = line.worker()
    worker.start()
    try:
        for round_ in range(4):
            line.append(*(line.stage.event("quiz", f"p{n}", f"{round_}-{n}") for n in range(200)))
            server.kill()
            server.restart()
        until = time.monotonic() + 8
        while line.left() and time.monotonic() < until:
            time.sleep(0.01)
    finally:
        worker.close()

    assert (line.left(), line.pending(), line.traces()) == (0, 0, 0)
    assert len(line.stage.journal()) == 800
    assert [line.stage.balance(f"p{n}") for n in range(200)] == [20] * 200
