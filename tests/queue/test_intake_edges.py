"""Accepting for later on bad days: a store that is slow, a queue that answers only half."""

import asyncio
import gc
import logging
import threading
from typing import Any

import pytest
from tests.cast import a_stage
from tests.queue.line import QUIZ, Line, a_line
from tests.servers import RedisServer

from laurels.core.errors import NumberOutOfRange, Unavailable
from laurels.engine import intake as module
from laurels.engine.ahead import Ahead
from laurels.engine.gather import Gather
from laurels.engine.intake import Intake
from laurels.link import connect
from laurels.queue.lanes import RedisLanes

HUGE = 10**12


@pytest.fixture
def line(redis_url, tmp_path):
    with a_line(redis_url, tmp_path) as line:
        yield line


def playing(line, play, lanes: Any = RedisLanes) -> Any:
    """Play on lanes, on an event loop; say also what that loop had to complain of."""
    complaints: list[Any] = []

    async def run():
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: complaints.append(context)
        )
        link = connect(line.url)
        try:
            return await play(lanes(link))
        finally:
            await link.aclose()

    answer = asyncio.run(run())
    assert complaints == []
    return answer


def accept(line, *events: Any, queries: Any = None, lanes: Any = RedisLanes) -> Any:
    async def play(own):
        return await intake_of(line, own, queries).accept(events)

    return playing(line, play, lanes)


def intake_of(line, lanes, queries: Any = None, **more: Any) -> Intake:
    settings: Any = {"backlog_max": 1000} | more
    return Intake(lanes, queries or line.stage.store.queries, **settings)


class Mute(RedisLanes):
    """Says that a key waits, and cannot say any more what was sent with it."""

    async def original(self, event):
        raise Unavailable


class Shut(RedisLanes):
    """Never says which keys wait, and counts how often it is asked."""

    asked = 0

    async def waiting(self, events):
        self.asked += 1
        raise Unavailable


class Counting(RedisLanes):
    """Counts how often the backlog is asked for."""

    asked = 0

    async def backlog(self):
        self.asked += 1
        return await super().backlog()


class Silent:
    """A store that cannot be asked, and takes its time to say so."""

    def __init__(self, longest_s: float = 0) -> None:
        self.gate = threading.Event()
        self.longest_s = longest_s
        self.asked = 0

    def rulebook(self, tenant):
        self.asked += 1
        self.gate.wait(self.longest_s)
        raise Unavailable


def test_the_backlog_is_looked_up_beside_and_counted_on(line):
    heard: list[None] = []
    line.append(line.stage.event("quiz"))

    async def play(lanes):
        intake = intake_of(line, lanes, arrived=lambda: heard.append(None))
        before = intake.backlog
        assert [intake.backlog for _ in range(9)] == [before] * 9
        await asyncio.sleep(0)
        assert lanes.asked == 1, "one look at a time"
        for _ in range(500):
            if intake.backlog:
                break
            await asyncio.sleep(0.01)
        seen = intake.backlog
        await intake.accept([line.stage.event("quiz"), line.stage.event("quiz")])
        return before, seen, intake.backlog

    assert playing(line, play, Counting) == (0, 1, 3)
    assert len(heard) == 1


def test_a_queue_that_was_never_there_is_complained_of_once(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "REST_S", 0)
    with RedisServer() as server, a_stage(tmp_path, QUIZ) as stage:
        line = Line(server.url, stage)

        async def play(lanes):
            server.kill()
            intake = intake_of(line, lanes)
            return [(await intake.accept([stage.event("quiz")]))[0] for _ in range(3)]

        outcomes: Any = playing(line, play)
        line.link.close()

    assert [type(one) for one in outcomes] == [Unavailable] * 3
    assert all(one.retry_after_ms >= 1000 for one in outcomes)
    said = [one for one in caplog.messages if one.startswith("the queue cannot be asked")]
    assert len(said) == 1
    assert "ConnectionError" in said[0]


def test_a_twin_whose_original_cannot_be_had_is_told_that_it_differs(line):
    first = line.stage.event("quiz", key="k", score=1)
    accept(line, first)

    (receipt,) = accept(line, line.stage.event("quiz", key="k", score=2), lanes=Mute)

    assert (receipt.id, receipt.mismatch, receipt.answered_by) == (first.id, True, "cache")
    assert line.left() == 1
    line.drain()


@pytest.fixture
def submitting(line):
    """Submit one after the other as the sync routes do, on some lanes."""

    def submit(lanes: Any, *events: Any) -> Any:
        async def play(own):
            gather = Gather(line.stage.engine)
            gather.start()
            try:
                ahead = Ahead(gather, own)
                return own, [(await ahead.submit([event]))[0] for event in events]
            finally:
                await gather.close()

        return playing(line, play, lanes)

    return submit


def test_only_those_with_a_key_ask_the_queue_and_not_again_and_again(line, submitting):
    keyless = [line.stage.event("quiz") for _ in range(2)]
    lanes, receipts = submitting(Shut, *keyless)
    assert [one.id for one in receipts] == [one.id for one in keyless]
    assert lanes.asked == 0

    lanes, _ = submitting(Shut, *(line.stage.event("quiz", key=key) for key in "abc"))
    assert lanes.asked == 1
    assert line.stage.balance() == 25


@pytest.mark.parametrize("ends", [True, False])
def test_a_store_that_takes_its_time_holds_up_nobody(line, monkeypatch, caplog, ends):
    """Whether it answers in the end, or the process does not wait for that."""
    monkeypatch.setattr(module, "STORE_S_MAX", 0.05)
    caplog.set_level(logging.WARNING)
    silent = Silent(20 if ends else 0.5)

    async def play(lanes):
        intake = intake_of(line, lanes, silent)
        receipts = [(await intake.accept([line.stage.event("quiz", key=key)]))[0] for key in "ab"]
        asking: Any = intake._memory._asking
        assert not asking.done()
        if ends:
            silent.gate.set()
            await asyncio.wait([asking])
            del intake, asking
            await asyncio.sleep(0)
            gc.collect()
        return receipts

    receipts: Any = playing(line, play)

    assert [(one.known, one.duplicate) for one in receipts] == [(True, False)] * 2
    assert silent.asked == 1, "one question at a time"
    assert caplog.messages.count("the store does not say which keys it knows") == 1
    assert line.left() == 2
    line.drain()


def test_not_every_rulebook_is_kept(line, monkeypatch):
    monkeypatch.setattr(module, "RULEBOOKS_MAX", 3)

    async def play(lanes):
        intake = intake_of(line, lanes)
        answers: list[Any] = []
        for n in range(9):
            answers += await intake.accept([line.stage.event("quiz", world=f"shop-{n}/live")])
            assert len(intake._memory._rulebooks) <= 4
        return answers + await intake.accept([line.stage.event("quiz")])

    answers: Any = playing(line, play)
    assert [one.known for one in answers] == [False] * 9 + [True]
    line.drain()


def test_a_number_that_nobody_can_judge_now_is_judged_by_the_worker(redis_url, tmp_path):
    reads = "earn: [{id: quiz, event: quiz, points: {of: score, times: 1}}]"
    with a_line(redis_url, tmp_path, reads) as line:
        event = line.stage.event("quiz", score=HUGE)

        (receipt,) = accept(line, event, queries=Silent())

        assert receipt.id == event.id
        line.drain()
        (parked,) = line.parked.listed(9)
        assert parked.event == event


def test_a_number_is_found_however_deep_it_lies(redis_url, tmp_path):
    reads = "earn: [{id: quiz, event: quiz, points: {of: cart.score, times: 1}}]"
    with a_line(redis_url, tmp_path, reads) as line:
        read = line.stage.event("quiz", cart={"score": HUGE})
        unread = line.stage.event("quiz", cart={"score": 1}, other={"score": HUGE})

        refused, kept = accept(line, read, unread)

        assert isinstance(refused, NumberOutOfRange)
        assert kept.id == unread.id
        line.drain()
        assert line.stage.balance() == 1


def test_an_event_that_meets_a_limit_is_kept_whatever_numbers_it_holds(redis_url, tmp_path):
    """As without a queue: it is decided that it changes nothing."""
    reads = "earn: [{id: quiz, event: quiz, points: {of: score, times: 1000000}}]"
    with a_line(redis_url, tmp_path, reads) as line:
        event = line.stage.event("quiz", score=9_000_000_000, other=HUGE)

        (receipt,) = accept(line, event)

        assert (receipt.id, receipt.duplicate) == (event.id, False)
        line.drain()
        assert [entry.command for entry in line.stage.journal()] == [event.id]
        assert line.stage.balance() == 0
        assert not line.parked.listed(9)
