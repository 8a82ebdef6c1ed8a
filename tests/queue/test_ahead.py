"""Deciding at once, past the queue: what waits there, or was parked, keeps its key and counts."""

import asyncio
from typing import Any

import pytest
from tests.cast import DAY, HOUR

from laurels.core.errors import Unavailable
from laurels.engine.ahead import Ahead
from laurels.engine.gather import Gather
from laurels.engine.intake import Intake
from laurels.engine.queue import LANES
from laurels.link import connect
from laurels.queue.lanes import RedisLanes
from laurels.queue.names import PARKED, STREAMS, lane_of


def sync(line, *commands: Any, lanes: Any = RedisLanes) -> Any:
    """Submit as the sync routes do."""

    async def play():
        link = connect(line.url)
        gather = Gather(line.stage.engine)
        gather.start()
        try:
            return await Ahead(gather, lanes(link)).submit(commands)
        finally:
            await gather.close()
            await link.aclose()

    return asyncio.run(play())


def test_a_sync_call_with_a_waiting_key_is_decided_under_the_waiting_name(line):
    first = line.stage.event("quiz", key="k", score=1)
    line.append(first)
    line.stage.clock.move(by=50)

    (receipt,) = sync(line, line.stage.event("quiz", key="k", score=1))
    assert (receipt.id, receipt.received_at) == (first.id, first.received_at)
    assert not receipt.mismatch
    assert line.stage.balance() == 5

    line.drain()
    assert line.stage.balance() == 5
    assert [entry.command for entry in line.stage.journal()] == [first.id]


def test_a_sync_call_with_other_content_brings_forward_what_was_sent_first(line):
    first = line.stage.event("quiz", key="k", score=1)
    line.append(first)

    claim = line.stage.claim("none", key="k")
    other = line.stage.event("quiz", key="k", score=2)
    unrelated = line.stage.event("quiz", "bob", key="k")
    refused, receipt, free = sync(line, claim, other, unrelated)

    assert not hasattr(refused, "id")
    assert (receipt.id, receipt.mismatch) == (first.id, True)
    assert (free.id, free.mismatch) == (unrelated.id, False)
    assert counted(line) == ['{"score":1}']
    line.drain()
    assert (line.stage.balance(), line.stage.balance("bob")) == (5, 5)


def test_a_sync_call_after_the_decision_is_a_duplicate(line):
    first = line.stage.event("quiz", key="k", score=1)
    line.append(first)
    line.drain()

    same, other = sync(
        line, line.stage.event("quiz", key="k", score=1), line.stage.event("quiz", key="k", score=2)
    )

    assert (same.id, same.answered_by, same.mismatch) == (first.id, "store", False)
    assert (other.id, other.answered_by, other.mismatch) == (first.id, "store", True)


def park(line, *events: Any) -> None:
    """Have events accepted, and taken out of their lanes undecided."""
    assert line.append(*events) == [None] * len(events)
    line.free()
    reader = line.reader()
    reader.beat()
    reader.share()
    for entry in reader.read(range(LANES), 9):
        reader.park(entry, "it may", line.stage.clock.at)
    reader.leave()


def requeue_all(line) -> None:
    for parked in line.parked.listed(9):
        assert line.parked.requeue(parked.lane, parked.id)


def counted(line, who: str = "ann") -> list[str]:
    history = line.stage.store.queries.latest_events("shop/live", who, count=9)
    return [one.properties_json for one in history]


def test_a_sync_call_with_other_content_than_what_is_parked_hears_that_the_key_is_taken(line):
    """It was answered 202: whatever is decided under its key is what was sent then."""
    first = line.stage.event("quiz", key="k", score=1)
    park(line, first)

    beside = line.stage.event("quiz", "bob", key="k", score=2)
    receipt, other = sync(line, line.stage.event("quiz", key="k", score=2), beside)
    (again,) = sync(line, line.stage.event("quiz", key="k", score=3))

    assert (receipt.id, receipt.mismatch, receipt.answered_by) == (first.id, True, "cache")
    assert (again.id, again.mismatch, again.answered_by) == (first.id, True, "cache")
    assert (other.id, other.duplicate, other.mismatch) == (beside.id, False, False)
    assert counted(line) == []
    requeue_all(line)
    line.drain()
    assert counted(line) == ['{"score":1}']
    assert line.stage.balance() == 5


@pytest.mark.parametrize("is_parked", [True, False])
def test_nothing_is_decided_in_place_of_what_this_version_cannot_read(line, is_parked):
    first = line.stage.event("quiz", key="k", score=1)
    lane = lane_of(first)
    if is_parked:
        park(line, first)
        (parked,) = line.parked.listed(9)
        line.link.hset(PARKED[lane], parked.id, b"a later version's")
    else:
        line.append(first)
        ((id_, _),) = line.link.xrange(STREAMS[lane])
        line.link.xdel(STREAMS[lane], id_)
        line.link.execute_command("XSETID", STREAMS[lane], "0-0")
        line.link.xadd(STREAMS[lane], {"e": b"a later version's"}, id=id_)

    (refused,) = sync(line, line.stage.event("quiz", key="k", score=2))

    assert isinstance(refused, Unavailable)
    assert counted(line) == []


def test_a_sync_call_with_what_is_parked_is_decided_however_it_is_spelled(line):
    plain = line.stage.event("quiz", "ann", "k", a=1, b=2)
    turned = line.stage.event("quiz", "bob", "k", a=1, b=2)
    park(line, plain, turned)

    receipts = sync(
        line,
        line.stage.event("quiz", "ann", "k", a=1, b=2),
        line.stage.event("quiz", "bob", "k", b=2, a=1),
    )

    assert [one.id for one in receipts] == [plain.id, turned.id]
    assert [one.mismatch for one in receipts] == [False, False]
    assert (line.stage.balance("ann"), line.stage.balance("bob")) == (5, 5)
    requeue_all(line)
    line.drain()
    assert (line.stage.balance("ann"), line.stage.balance("bob")) == (5, 5)


@pytest.mark.parametrize("score", [1, 2])
def test_the_key_of_what_is_parked_is_answered_however_late_it_is(line, score):
    first = line.stage.event("quiz", key="k", score=1)
    park(line, first)
    sync(line, line.stage.event("quiz", key="k", score=1))
    line.stage.clock.move(by=25 * HOUR)
    line.stage.store.forget_receipts(line.stage.clock.at - DAY)
    line.stage.reopen()

    (late,) = sync(line, line.stage.event("quiz", key="k", score=score))

    assert (late.id, late.duplicate, late.mismatch) == (first.id, True, score == 2)
    assert line.stage.balance() == 5


def test_an_accepted_twin_of_what_is_parked_says_the_same_however_it_is_spelled(line):
    first = line.stage.event("quiz", "ann", "k", a=1, b=2)
    park(line, first)
    turned, other = (
        line.stage.event("quiz", "ann", "k", b=2, a=1),
        line.stage.event("quiz", "ann", "k", b=2, a=2),
    )

    async def play():
        link = connect(line.url)
        try:
            queries = line.stage.store.queries
            return await Intake(RedisLanes(link), queries, backlog_max=9).accept([turned, other])
        finally:
            await link.aclose()

    outcomes: Any = asyncio.run(play())
    assert [(one.id, one.mismatch) for one in outcomes] == [(first.id, False), (first.id, True)]


def test_what_was_looked_after_meanwhile_is_found_where_it_is_now(line):
    first = line.stage.event("quiz", key="k", score=1)
    park(line, first)

    class Requeued(RedisLanes):
        async def original(self, event):
            await asyncio.to_thread(requeue_all, line)
            return await super().original(event)

    (receipt,) = sync(line, line.stage.event("quiz", key="k", score=2), lanes=Requeued)

    assert (receipt.id, receipt.mismatch) == (first.id, True)
    assert counted(line) == ['{"score":1}']
    line.drain()
    assert counted(line) == ['{"score":1}']


def test_what_is_given_up_or_decided_meanwhile_is_the_stores_to_know(line):
    decided = line.stage.event("quiz", "ann", "k", score=1)
    given_up = line.stage.event("quiz", "bob", "k", score=1)
    park(line, given_up)
    line.append(decided)

    class Gone(RedisLanes):
        async def original(self, event):
            await asyncio.to_thread(line.drain)
            for parked in line.parked.listed(9):
                line.parked.discard(parked.lane, parked.id)
            return await super().original(event)

    receipts = sync(
        line,
        line.stage.event("quiz", "ann", "k", score=2),
        line.stage.event("quiz", "bob", "k", score=2),
        lanes=Gone,
    )

    assert [(one.duplicate, one.mismatch) for one in receipts] == [(True, True), (False, False)]
    assert receipts[0].id == decided.id
    assert (counted(line, "ann"), counted(line, "bob")) == (['{"score":1}'], ['{"score":2}'])


class Mute(RedisLanes):
    """Says that a key waits, and cannot say any more what was sent with it."""

    async def original(self, event):
        raise Unavailable


def test_a_sync_call_whose_original_cannot_be_had_takes_nobodys_place(line):
    first, same = line.stage.event("quiz", key="k", score=1), line.stage.event("quiz", key="2")
    line.append(first, same)

    other, kept = sync(
        line,
        line.stage.event("quiz", key="k", score=2),
        line.stage.event("quiz", key="2"),
        lanes=Mute,
    )

    assert isinstance(other, Unavailable)
    assert (kept.id, kept.mismatch) == (same.id, False)
    line.drain()
    assert counted(line) == ["{}", '{"score":1}']
    assert line.stage.balance() == 10
