"""The async edge of the engine: who waits at the same moment shares a commit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.cast import SteadyClock, a_stage, held, out_of_order

from laurels.core import limits
from laurels.core.errors import Unavailable, UnknownChallenge
from laurels.engine.gather import Gather

RULEBOOK = "earn: [{id: unit, event: buy, points: {of: amount, times: 1}}]"


class TickingClock(SteadyClock):
    """Goes on by a millisecond whenever it is asked: the events of one commit share a moment."""

    def now(self) -> int:
        self.at += 1
        return self.at


@pytest.fixture
def stage(tmp_path):
    with a_stage(tmp_path, RULEBOOK, clock=TickingClock()) as stage:
        yield stage
        assert stage.findings() == []


@asynccontextmanager
async def gathering(stage) -> AsyncIterator[Any]:
    gather = Gather(stage.engine)
    gather.start()
    try:
        yield gather
    finally:
        await gather.close()


def buys(stage, *amounts, who="ann"):
    return [stage.event("buy", who, amount=amount) for amount in amounts]


def commits(answers) -> int:
    return len({receipt.recorded_at for answer in answers for receipt in answer})


def test_those_who_wait_share_a_commit_and_keep_their_order(stage):
    async def play():
        async with gathering(stage) as gather:
            with held(stage.path):
                waiting = [gather.submit(buys(stage, n + 1, who=f"p{n % 3}")) for n in range(50)]
            return await asyncio.gather(*waiting)

    answers = asyncio.run(play())

    # The first may have been alone when the writer came for it.
    assert commits(answers) <= 2
    assert [answer[0].changes[0].amount for answer in answers] == list(range(1, 51))
    assert [entry.command for entry in stage.journal()] == [answer[0].id for answer in answers]


def test_each_hears_what_came_of_its_own(stage):
    async def play():
        async with gathering(stage) as gather:
            with held(stage.path):
                waiting = [
                    gather.submit([*buys(stage, 1, 2), stage.claim("nothing")]),
                    gather.submit(buys(stage, 3)),
                    gather.submit(buys(stage, 4, 5)),
                ]
            return await asyncio.gather(*waiting)

    first, second, third = asyncio.run(play())

    assert [receipt.changes[0].amount for receipt in first[:2]] == [1, 2]
    assert isinstance(first[2], UnknownChallenge)
    assert [receipt.changes[0].amount for receipt in second + third] == [3, 4, 5]


def test_only_of_those_that_waited_it_is_kept_which_other_id_they_came_to(stage):
    first, waited, again = (stage.event("buy", key="k", amount=1) for _ in range(3))
    stage.send(first)

    async def play():
        async with gathering(stage) as gather:
            with held(stage.path):
                waiting = [
                    gather.submit([one], waited=one is waited)
                    for one in (*buys(stage, 2), again, waited, stage.event("buy", "bob", amount=3))
                ]
            return await asyncio.gather(*waiting)

    answers = asyncio.run(play())

    assert [receipt.id for (receipt,) in answers[1:3]] == [first.id] * 2
    assert (stage.balance(), stage.balance("bob")) == (3, 3)
    assert stage.rows("SELECT id FROM duplicates") == [(waited.id,)]


def test_a_batch_ends_at_its_size(stage, monkeypatch):
    monkeypatch.setattr(limits, "GATHERED_EVENTS_MAX", 4)

    async def play():
        async with gathering(stage) as gather:
            with held(stage.path):
                waiting = [gather.submit(buys(stage, 1, 2)) for _ in range(6)]
            return await asyncio.gather(*waiting)

    answers = asyncio.run(play())

    assert commits(answers) >= 3
    assert stage.balance() == 18


def test_too_many_who_wait_are_refused_and_harm_nobody(stage, monkeypatch):
    monkeypatch.setattr(limits, "WAITING_EVENTS_MAX", 3)

    async def play():
        async with gathering(stage) as gather:
            with held(stage.path):
                waiting = [gather.submit(buys(stage, 1)) for _ in range(3)]
                with pytest.raises(Unavailable, match="Too many events"):
                    gather.submit(buys(stage, 1))
            await asyncio.gather(*waiting)
            return await gather.submit(buys(stage, 1, 1, 1))

    assert len(asyncio.run(play())) == 3
    assert stage.balance() == 6


def test_closing_writes_what_waits(stage):
    async def play():
        async with gathering(stage) as gather:
            with held(stage.path):
                waiting = [gather.submit(buys(stage, 1)) for _ in range(20)]
                closing = asyncio.ensure_future(gather.close())
                await asyncio.sleep(0)  # It has asked the writer to stop; nobody is answered yet.
                assert not any(answer.done() for answer in waiting)
            await closing
            return [answer.result() for answer in waiting]

    assert len(asyncio.run(play())) == 20
    assert stage.balance() == 20


def test_closing_does_not_try_one_batch_after_the_other_on_a_store_that_is_away(
    stage, monkeypatch, caplog
):
    """Each try may take as long as it takes to notice that nobody answers."""
    monkeypatch.setattr(limits, "GATHERED_EVENTS_MAX", 1)

    async def play():
        async with gathering(stage) as gather:
            with out_of_order(stage.path):
                with held(stage.path):
                    waiting = [gather.submit(buys(stage, 1)) for _ in range(5)]
                    closing = asyncio.ensure_future(gather.close())
                    await asyncio.sleep(0)
                await closing
            return await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(failure) for failure in asyncio.run(play())] == [Unavailable] * 5
    assert len(caplog.records) == 1
    assert stage.balance() == 0


def test_who_came_in_before_the_stop_is_written(stage):
    async def play():
        gather = Gather(stage.engine)
        gather._loop = asyncio.get_running_loop()
        waiting = gather.submit(buys(stage, 1))
        assert gather.events_waiting == 1
        gather._queue.put(None)
        gather._thread.start()  # So that its one look finds both the request and the stop.
        answer = await waiting
        await asyncio.to_thread(gather._thread.join)
        assert gather.events_waiting == 0
        return answer

    assert len(asyncio.run(play())) == 1
    assert stage.balance() == 1


def test_one_who_goes_away_harms_nobody(stage):
    async def play():
        async with gathering(stage) as gather:
            with held(stage.path):
                waiting = [gather.submit(buys(stage, n)) for n in (1, 2, 4)]
                waiting[1].cancel()
            return await asyncio.gather(waiting[0], waiting[2])

    first, third = asyncio.run(play())

    assert (first[0].changes[0].amount, third[0].changes[0].amount) == (1, 4)
    assert stage.balance() == 7  # What was sent is kept all the same.


def test_a_store_that_fails_is_unavailable_to_all_who_wait_and_recovers(stage):
    async def play():
        async with gathering(stage) as gather:
            with out_of_order(stage.path):
                waiting = [gather.submit(buys(stage, 1)) for _ in range(5)]
                failed = await asyncio.gather(*waiting, return_exceptions=True)
            return failed, await gather.submit(buys(stage, 1))

    failed, (receipt,) = asyncio.run(play())

    assert [type(failure) for failure in failed] == [Unavailable] * 5
    assert receipt.changes
    assert stage.balance() == 1


def test_a_damaged_state_stops_its_owner_and_no_neighbour(stage, caplog):
    stage.tell("buy", amount=1)
    stage.reopen()
    ((sound,),) = stage.rows("SELECT state FROM participants")
    stage.rows("""UPDATE participants SET state = '{"schema": 99}'""")

    async def play():
        async with gathering(stage) as gather:
            return await gather.submit([*buys(stage, 1), *buys(stage, 1, who="bob")])

    refusal, receipt = asyncio.run(play())
    stage.rows("UPDATE participants SET state = ? WHERE id = 'ann'", sound)

    assert isinstance(refusal, Unavailable)
    assert receipt.changes
    said = [record.getMessage() for record in caplog.records]
    assert "run again, one by one" in said[0]
    assert "is not decided: AssertionError" in said[1]
    assert "could be neither decided nor parked" in said[2]


def test_a_bug_reaches_whom_it_hit_and_the_writer_goes_on(stage, caplog):
    async def play():
        async with gathering(stage) as gather:
            with pytest.raises(AttributeError):
                await gather.submit(["no command"])
            return await gather.submit(buys(stage, 1))

    (receipt,) = asyncio.run(play())

    assert receipt.changes
    assert caplog.records[-1].getMessage() == "a batch of 1 failed"


def test_what_was_committed_is_recalled(stage):
    async def play():
        async with gathering(stage) as gather:
            (receipt,) = await gather.submit([stage.event("buy", key="k", amount=1)])
            return receipt, await gather.recall(stage.event("buy", key="k", amount=1))

    receipt, recalled = asyncio.run(play())

    assert recalled.id == receipt.id
    assert recalled.answered_by == "cache"
